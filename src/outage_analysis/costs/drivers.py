"""What drives the expected cost: each input at its least and its most, the others at their means."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.funnel import Funnel, Input, funnel_of
from outage_analysis.policies import Policy, Schedule
from outage_analysis.published import figure

SCHEMA: dict[str, pl.DataType] = {
    "line": pl.String(), "assumption": pl.String(), "input_low": pl.Float64(), "input_high": pl.Float64(),
    "cost_low": pl.Float64(), "cost_expected": pl.Float64(), "cost_high": pl.Float64(),
}  # fmt: skip


def drivers(policy: Policy, ledger: Ledger, *, as_of: date) -> pl.DataFrame:
    """One row an assumption of a schedule with a published count, the widest swing first.

    Returns:
        `line`, `assumption`, the ends of the input (null for the band mix, whose ends are all
        reports in the cheapest or in the dearest band) and the expected cost at them, in units of
        the currency.
    """
    rows: list[dict[str, object]] = []
    lines, _ = policy.public_by(as_of)
    for line in lines:
        if not isinstance(line, Schedule) or line.published_count is None:
            continue
        fact = figure(line.published_count)
        if fact.public_on is None or fact.public_on > as_of:
            continue
        rows += _swings(line, funnel_of(line, ledger, as_of), fact.whole)
    table = pl.DataFrame(rows, schema=SCHEMA).with_columns(pl.col(pl.Float64).round_sig_figs(10))
    swing = pl.col("cost_high") - pl.col("cost_low")
    return table.sort(swing, "assumption", descending=[True, False])


def _swings(line: Schedule, funnel: Funnel, count: int) -> list[dict[str, object]]:
    middle = _cost(line, funnel, count)
    if middle is None:
        return []
    rows: list[dict[str, object]] = []
    for name in ("filing", "acceptance", "award"):
        value: Input = getattr(funnel, name)
        if not value.assumption or value.high is None:
            continue
        ends = [
            _cost(line, replace(funnel, **{name: Input(end, end, end)}), count)
            for end in (value.low, value.high)
        ]
        rows.append(_row(line, value.assumption, (value.low, value.high), middle, ends))
    bands = list(funnel.mix)
    corners = [_cost(line, replace(funnel, mix={b: float(b == corner) for b in bands}), count) for corner in bands]
    known = [c for c in corners if c is not None]
    rows.append(_row(line, funnel.mix_assumption, (None, None), middle, [min(known), max(known)]))
    return rows


def _row(
    line: Schedule, assumption: str, ends: tuple[float | None, float | None], middle: float,
    costs: list[float | None],
) -> dict[str, object]:  # fmt: skip
    return {
        "line": line.id, "assumption": assumption, "input_low": ends[0], "input_high": ends[1],
        "cost_low": costs[0], "cost_expected": middle, "cost_high": costs[1],
    }  # fmt: skip


def _cost(line: Schedule, funnel: Funnel, count: int) -> float | None:
    """The expected cost of a schedule: count x paid share x mean payment over the mix."""
    total = 0.0
    for band, rule in line.rules()[3:]:
        pay = funnel.payment(band, rule).expected
        share = funnel.mix.get(band)
        if share is None or pay is None or funnel.paid.expected is None:
            return None
        total += share * pay
    return count * (funnel.paid.expected or 0.0) * total
