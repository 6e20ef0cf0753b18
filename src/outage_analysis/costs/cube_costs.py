"""Cost lines from cubes of claims: the cost of each schedule by service, claimant type and loss band."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from outage_analysis.costs.claim_payments import NO_RULE, cube_fits_line, payments
from outage_analysis.costs.funnel import Funnel, Input, cost_status, join_ids
from outage_analysis.losses import Cube, sum_or_null
from outage_analysis.policies import Policy, Schedule

KEYS = ("service", "claimant_type", "over", "up_to", "rule", "segment")
"""The columns that identify a row of a band."""
MODELLED = ("low", "expected", "high", "most")
"""The columns of a cost table that depend on the funnel."""
UNSTATED = "unstated"
"""The status of a line without an expected cost because most of its claims state no loss."""


def cube_rows(
    line: Schedule, funnel: Funnel, cubes: Sequence[Cube], policy: Policy
) -> Iterator[dict[str, object]]:
    """Yield the cost rows of a schedule from a cube: payments by loss band times the share of claims paid."""
    head: dict[str, object] = {
        "basis": "synthetic" if any(cube.synthetic for cube in cubes) else "claims",
        "line": line.id,
        "valuation": "cash",
        "level": "line",
        "rule": "schedule",
        "facts": " ".join(line.facts),
    }
    cube = next((cube for cube in cubes if cube_fits_line(line, cube)), None)
    if cube is None:  # the line pays per claimant, but totals only count claims
        yield head | {"status": "needs_claimants"}
        return
    facts = _facts_of_bands(line)
    bands = [
        head | _cube_row(row, funnel) | {"facts": facts.get((row["segment"], row["over"], row["up_to"]), "")}
        for row in _paid_by_band(line, funnel, cube, policy).iter_rows(named=True)
    ]
    sums = {name: _sum([b[name] for b in bands]) for name in MODELLED}
    yield {
        **head,
        **sums,
        "count": _sum([b["count"] for b in bands if b["rule"] != "not_entitled"]),
        "promised": _sum([b["promised"] for b in bands if b["rule"] != "review"]),
        "status": _status([b["status"] for b in bands], sums["expected"]),
        "missing": funnel.missing(review=any(b["rule"] == "review" for b in bands), mix=False),
        "assumptions": join_ids(funnel.paid_share_of_claims.assumption, funnel.award.assumption),
    }
    yield from bands


def _paid_by_band(line: Schedule, funnel: Funnel, cube: Cube, policy: Policy) -> pl.DataFrame:
    """Return the payments if every claim is accepted, by service, claimant type, band, rule and segment."""
    only = policy.model_copy(update={"lines": (line,)})
    award, largest = (None if x is None else math.ceil(x) for x in (funnel.award.high, funnel.award.most))
    frame = payments(cube, only, award=award)
    most = frame if largest == award else payments(cube, only, award=largest)
    frame = frame.with_columns(payment_most=most["payment_high"])
    for name in ("service", "claimant_type"):
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(None, pl.String).alias(name))
    return frame.group_by(KEYS, maintain_order=True).agg(
        pl.col("claims").sum(), *map(sum_or_null, ("payment", "payment_low", "payment_high", "payment_most"))
    )


def _facts_of_bands(line: Schedule) -> dict[tuple[str | None, int | None, int | None], str]:
    """Return the ids of the facts that each payment rule cites, by segment (or None) and loss band."""
    names = [*(s.id for s in line.segments), None]
    return {
        (name, *band): " ".join(rule.facts)
        for name, (_, tariff) in zip(names, line.tariffs, strict=True)
        for band, rule in tariff.rules()
    }


def _cube_row(row: dict[str, Any], funnel: Funnel) -> dict[str, object]:
    """Return the cost row of one loss band: its payments times the share of claims that are paid."""
    review = row["rule"] == "review"
    claims = float(str(row["claims"]))
    if not claims:
        cost = Input.certain(0.0)
    elif review:
        cost = Input.certain(claims) * funnel.award * funnel.paid_share_of_claims
    else:
        names = ("payment_low", "payment", "payment_high", "payment_most")
        low, mid, high, most = (_float(row[name]) for name in names)
        cost = Input(low or 0.0, mid, high, most) * funnel.paid_share_of_claims
        if mid == high == 0:  # a payment of 0 is certain without any assumption
            cost = Input.certain(0.0)
    return {
        "level": "band",
        **{key: row[key] for key in KEYS},
        "count": claims,
        "promised": None if review else _float(row["payment"]),
        "low": cost.low,
        "expected": cost.expected,
        "high": cost.high,
        "most": cost.most,
        "status": UNSTATED
        if row["rule"] == NO_RULE and row["payment"] is None
        else cost_status(cost.expected),
        "assumptions": cost.assumption,
    }


def _status(bands: list[object], expected: float | None) -> str:
    """Return `unstated` if any loss band of the line has this status, else the status by `cost_status`."""
    return UNSTATED if UNSTATED in bands else cost_status(expected)


def unstated_losses(table: pl.DataFrame) -> pl.DataFrame:
    """List the cost lines with entitled claims that state no loss and for which the policy has no rule.

    Args:
        table: a cost table.

    Returns:
        One row per line: `line`, `unstated` and `entitled` (numbers of claims), and `priced`, whether the
        line still has a point estimate because at most half of its entitled claims state no loss.
    """
    lines = table.filter(pl.col("level") == "line").select("line", entitled="count", status="status")
    unruled = table.filter((pl.col("level") == "band") & (pl.col("rule") == NO_RULE) & (pl.col("count") > 0))
    counts = unruled.group_by("line").agg(unstated=pl.col("count").sum())
    with_counts = lines.join(counts, on="line", how="inner", maintain_order="left")
    return with_counts.select("line", "unstated", "entitled", priced=pl.col("status") != UNSTATED)


def _float(value: object) -> float | None:
    return None if value is None else float(str(value))


def _sum(values: list[object]) -> float | None:
    """Return the sum of the values, or None if a value is unknown."""
    return None if None in values else sum(float(str(v)) for v in values)
