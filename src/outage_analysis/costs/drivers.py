"""What drives the expected cost: one input at its least and its most, the others at their means."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import polars as pl

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.funnel import Funnel, Input, funnel_of
from outage_analysis.policies import Policy, Schedule
from outage_analysis.published import figure

SCHEMA: dict[str, pl.DataType] = {
    "line": pl.String(),
    "assumption": pl.String(),
    "input_low": pl.Float64(),
    "input_high": pl.Float64(),
    "cost_low": pl.Float64(),
    "cost_expected": pl.Float64(),
    "cost_high": pl.Float64(),
}


def drivers(policy: Policy, ledger: Ledger | None, *, as_of: date) -> pl.DataFrame:
    """One row an assumption of a schedule with a published count, the widest swing first.

    Returns:
        `line`, `assumption`, the ends of the input (null for the band mix, whose ends are all
        reports in the cheapest or in the dearest band) and the expected cost at them, in units of
        the currency.
    """
    rows = [
        row for line, funnel, count in _counted(policy, ledger, as_of) for row in _swings(line, funnel, count)
    ]
    table = pl.DataFrame(rows, schema=SCHEMA).with_columns(pl.col(pl.Float64).round_sig_figs(10))
    swing = pl.col("cost_high") - pl.col("cost_low")
    return table.sort(swing, "assumption", descending=[True, False])


def levers(policy: Policy, ledger: Ledger | None, *, as_of: date) -> pl.DataFrame:
    """What one step of a decision adds to the expected cost.

    Returns:
        One row a schedule and lever: `award` (a round step of the mean award, about a tenth of it)
        and `filing` (one percentage point), with `step` and `adds` in units of the currency.
    """
    rows: list[tuple[str, str, float, float]] = []
    for line, funnel, count in _counted(policy, ledger, as_of):
        base = _cost(line, funnel, count)
        if base is None:
            continue
        award, filing = funnel.award.expected, funnel.filing.expected
        if award:
            step = float(10 ** math.floor(math.log10(award / 10)))
            more = replace(funnel, award=Input(0.0, award + step, None))
            rows.append((line.id, "award", step, (_cost(line, more, count) or 0.0) - base))
        if filing and funnel.filing.assumption:
            rows.append((line.id, "filing", 0.01, base / filing * 0.01))
    schema = {"line": pl.String, "lever": pl.String, "step": pl.Float64, "adds": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.filter(pl.col("adds") > 0).with_columns(pl.col("adds").round_sig_figs(10))


def _counted(policy: Policy, ledger: Ledger | None, as_of: date) -> Iterator[tuple[Schedule, Funnel, int]]:
    """The schedules public by the day whose count was public too, with their funnels."""
    lines, _ = policy.public_by(as_of)
    for line in lines:
        if isinstance(line, Schedule) and line.published_count is not None:
            fact = figure(line.published_count)
            if fact.public_on is not None and fact.public_on <= as_of:
                yield line, funnel_of(line, ledger, as_of), fact.count


def _swings(line: Schedule, funnel: Funnel, count: int) -> list[dict[str, object]]:
    middle = _cost(line, funnel, count)
    if middle is None:
        return []
    rows: list[dict[str, object]] = []
    moved: list[tuple[Input, Callable[[Input], Funnel]]] = [
        (funnel.filing, lambda value: replace(funnel, filing=value)),
        (funnel.acceptance, lambda value: replace(funnel, acceptance=value)),
        (funnel.award, lambda value: replace(funnel, award=value)),
    ]
    for value, changed in moved:
        if value.assumption and value.high is not None:
            ends = (value.low, value.high)
            costs = [_cost(line, changed(Input(end, end, end)), count) for end in ends]
            rows.append(_row(line, value.assumption, ends, middle, costs))
    bands = list(funnel.mix)
    corners = [
        _cost(line, replace(funnel, mix={b: float(b == corner) for b in bands}), count) for corner in bands
    ]
    known = [c for c in corners if c is not None]
    rows.append(_row(line, funnel.mix_assumption, (None, None), middle, [min(known), max(known)]))
    return rows


def _row(
    line: Schedule,
    assumption: str,
    ends: tuple[float | None, float | None],
    middle: float,
    costs: list[float | None],
) -> dict[str, object]:
    return {
        "line": line.id,
        "assumption": assumption,
        "input_low": ends[0],
        "input_high": ends[1],
        "cost_low": costs[0],
        "cost_expected": middle,
        "cost_high": costs[1],
    }


def _cost(line: Schedule, funnel: Funnel, count: int) -> float | None:
    """The expected cost of a schedule: count x paid share x mean payment over the mix."""
    total = 0.0
    for band, rule in line.positive:
        pay = funnel.payment(line, band, rule).expected
        share = funnel.mix.get(band)
        if share is None or pay is None or funnel.paid.expected is None:
            return None
        total += share * pay
    return count * (funnel.paid.expected or 0.0) * total
