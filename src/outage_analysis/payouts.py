"""Cube x policy -> payments, exact to the smallest unit of the currency.

A policy pays `fixed + share x loss` in each band, so a band's total is exact from its count and its
sum of losses. Where the cube's bands straddle the policy's, or only counts are known and a share is
paid, the total is bounded instead, sharply.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import polars as pl

from outage_analysis.bands import NEGATIVE, UNKNOWN, ZERO, Band, overlaps, within
from outage_analysis.cube import Cube
from outage_analysis.errors import UsageError
from outage_analysis.policies import SHARE_SCALE, Policy, Rule, Schedule

MONEY = pl.Decimal(38, 4)


def payments(cube: Cube, policy: Policy) -> pl.DataFrame:
    """What each schedule of a policy pays, if every claim is accepted.

    Args:
        cube: any cube with the dimensions that the policy's eligibility names.
        policy: the promises.

    Returns:
        One row a line, combination of dimensions and policy band: `line`, the dimensions, `over`
        and `up_to` (null, with `rule` = "straddles", when the cube's band lies in several),
        `rule` (pays, nothing, review, not_entitled, straddles), `claims`, `loss`, and the payment in
        units of the currency, scale 4: `payment` (null under review or when only bounded),
        `payment_low`, `payment_high` (null when unbounded).
    """
    rows = [row for line in policy.schedules for row in _line(cube, line)]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "line": pl.String,
        **{d: cube.frame.schema[d] for d in cube.dimensions},
        "over": pl.Int64,
        "up_to": pl.Int64,
        "rule": pl.String,
        "claims": pl.Int64,
        "loss": pl.Int64,
        "payment": MONEY,
        "payment_low": MONEY,
        "payment_high": MONEY,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _line(cube: Cube, line: Schedule) -> Iterator[tuple[object, ...]]:
    for dimension in line.eligibility:
        if dimension not in cube.dimensions:
            raise UsageError(
                f"the line {line.id} depends on {dimension}, which the cube does not have",
                remedy=f"Build the cube with the dimension {dimension}.",
            )
    bands = cube.frame.select("over", "up_to").unique(maintain_order=True).rows()
    places = pl.DataFrame(
        [(*band, *_place(band, line)) for band in bands],
        schema={
            "over": pl.Int64,
            "up_to": pl.Int64,
            "place": pl.Int64,
            "low": MONEY,
            "high": MONEY,
        },
        orient="row",
    )
    entitled = pl.all_horizontal(
        pl.lit(value=True),
        *(pl.col(d).cast(pl.String).is_in(list(v)) for d, v in line.eligibility.items()),
    ).fill_null(value=False)
    grouped = (
        cube.frame.join(places, on=["over", "up_to"], nulls_equal=True)
        .with_columns(
            entitled=entitled, low=pl.col("low") * pl.col("claims"), high=pl.col("high") * pl.col("claims")
        )
        .group_by(*cube.dimensions, "entitled", "place")
        .agg(
            pl.col("claims").sum(),
            pl.when(pl.col("loss").null_count() == 0).then(pl.col("loss").sum()),
            pl.col("low").sum(),
            pl.when(pl.col("high").null_count() == 0).then(pl.col("high").sum()),
        )
        .sort(*cube.dimensions, "entitled", "place", nulls_last=True)
    )
    rules = line.rules()
    for row in grouped.iter_rows(named=True):
        rule = rules[row["place"]] if row["place"] is not None else None
        yield (line.id, *(row[d] for d in cube.dimensions), *_paid(row, rule))


def _place(band: Band, line: Schedule) -> tuple[int | None, Decimal | None, Decimal | None]:
    """The one rule that covers a band, or None; and the least and most that a claim in it is paid."""
    touched = [(i, rule, edges) for i, (edges, rule) in enumerate(line.rules()) if overlaps(band, edges)]
    covering = next((i for i, _, edges in touched if within(band, edges)), None)
    lows, highs = [], []
    for _, rule, edges in touched:
        low, high = _extremes(rule, band, edges)
        lows.append(low)
        highs.append(high)
    return covering, min(lows), None if None in highs else max(h for h in highs if h is not None)


def _extremes(rule: Rule, band: Band, edges: Band) -> tuple[Decimal, Decimal | None]:
    """The least and the most that one claim is paid in the part of a band under one rule."""
    if rule.review:
        return Decimal(0), None
    if not rule.share or band in (UNKNOWN, ZERO, NEGATIVE):
        return Decimal(rule.fixed), Decimal(rule.fixed)
    smallest = max(e for e in (band[0], edges[0]) if e is not None) + 1
    tops = [e for e in (band[1], edges[1]) if e is not None]
    least = _money(Fraction(rule.share * smallest, SHARE_SCALE) + rule.fixed)
    most = _money(Fraction(rule.share * min(tops), SHARE_SCALE) + rule.fixed) if tops else None
    return least, most


def _paid(row: dict[str, int | None], rule: tuple[Band, Rule] | None) -> tuple[object, ...]:
    claims, loss = row["claims"], row["loss"]
    counted = int(claims or 0)
    nothing = Decimal(0)
    if not row["entitled"]:
        band = rule[0] if rule else UNKNOWN
        return (*band, "not_entitled", claims, loss, nothing, nothing, nothing)
    if rule is None:
        return (None, None, "straddles", claims, loss, None, row["low"], row["high"])
    band, terms = rule
    if terms.review:
        return (*band, "review", claims, loss, None, nothing, None)
    name = "pays" if terms.fixed or terms.share else "nothing"
    if terms.share and loss is None and band not in (UNKNOWN, ZERO):
        return (*band, name, claims, loss, None, row["low"], row["high"])
    exact = _money(Fraction(terms.share * int(loss or 0), SHARE_SCALE) + terms.fixed * counted)
    return (*band, name, claims, loss, exact, exact, exact)


def _money(amount: Fraction) -> Decimal:
    """A rational in ten-thousandths as a decimal, exactly."""
    return Decimal(f"{(amount * SHARE_SCALE).numerator}E-4")


def rounded(amount: Decimal) -> int:
    """A line's total in whole units, half up, once."""
    return math.floor(Fraction(amount) + Fraction(1, 2))
