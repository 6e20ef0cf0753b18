"""Compare the losses of two groups of claims: band shares, means and medians, and their differences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import polars as pl

from outage_analysis.errors import ModelRefused, UsageError, check_level
from outage_analysis.incidents import Bands
from outage_analysis.losses.cube import Cube
from outage_analysis.losses.loss_summaries.fit_counts import refuse_synthetic
from outage_analysis.losses.loss_summaries.groups import Group, groups, regroup, rows_with_values
from outage_analysis.losses.loss_summaries.quantiles import quantile
from outage_analysis.text import FLOAT, OVER, TABLE_DIGITS, UP_TO, Column, TableSchema

MIN_LOSSES_FOR_INTERVAL = 30
"""A mean gets no interval if the group has fewer stated losses: a few large losses would dominate it."""
Interval = tuple[float, float]

SHARES = TableSchema(
    "One row per loss band.",
    (
        OVER,
        UP_TO,
        Column("claims_first", "count", "Claims of the first group."),
        Column("claims_second", "count", "Claims of the second group."),
        Column("share_first", "share", "Share of all claims of the first group."),
        Column("share_second", "share", "Share of all claims of the second group."),
        Column("difference", "share", "First share less second share."),
        Column("low", "share", "Lower end of the interval of the difference.", label="value_low"),
        Column("high", "share", "Upper end of the interval of the difference.", label="value_high"),
    ),
)
DIFFERENCES = TableSchema(
    "One row for the mean and one for the median.",
    (
        Column("statistic", "word", "mean or median of the stated losses."),
        Column("first", "loss", "Value of the first group.", FLOAT, label="first_group"),
        Column("second", "loss", "Value of the second group.", FLOAT, label="second_group"),
        Column("difference", "loss", "First value less second value.", FLOAT),
        Column("low", "loss", "Lower end of the interval, or lower bound.", FLOAT, label="value_low"),
        Column("high", "loss", "Upper end of the interval, or upper bound.", FLOAT, label="value_high"),
        Column("status", "word", "interval, bounds, or why there is no interval."),
    ),
)


@dataclass(frozen=True)
class GroupComparison:
    """The comparison of two groups of claims. Every difference is the first group minus the second.

    `shares` has one row per band: `over`, `up_to`, `claims_first`, `claims_second`, `share_first`,
    `share_second` (shares of all claims of the group, including unknown and zero losses), `difference`, `low`
    and `high` (Newcombe's hybrid score interval, for each band separately).

    `differences` has one row for the `mean` and one for the `median` of the stated losses: `statistic`,
    `first`, `second`, `difference`, `low`, `high`, `status`. For the mean, low and high are the ends of
    Welch's interval (status `interval`), or null with the reason as status: `too_few` stated losses,
    `no_spread` (all losses of both groups are equal), or `sums_unknown`. For the median, low and high are the
    bounds that follow from the loss bands (status `bounds`); these bounds do not include sampling error.
    """

    shares: pl.DataFrame
    differences: pl.DataFrame
    level: float
    synthetic: bool
    """Whether the claims are synthetic: the comparison then only recovers the generator's parameters."""


def compare_groups(
    cube: Cube,
    dimension: str,
    first: object,
    second: object,
    bands: Bands,
    *,
    level: float = 0.95,
    recovery: bool = False,
) -> GroupComparison:
    """Compare the losses of two groups of claims, such as the claims of two services.

    The intervals treat the claims of each group as a random sample.

    Args:
        cube: a cube with the dimension.
        dimension: the dimension in which the groups differ.
        first: the value of the first group.
        second: the value of the second group.
        bands: the bands of the result, each a union of the cube's bands.
        level: the confidence level of the intervals, between 0 and 1.
        recovery: allow a synthetic cube, to test whether the comparison recovers the generator's parameters.

    Raises:
        UsageError: the dimension or a value does not exist, both values are the same, the level is outside 0
            to 1, or a band is not a union of the cube's bands.
        ModelRefused: the cube is synthetic and `recovery` is not set, or a group has no claims.
    """
    refuse_synthetic(cube, "a comparison", recovery=recovery)
    check_level(level)
    pair = rows_with_values(cube, dimension, [first, second])
    by_key = {group.key[0]: group for group in groups(replace(cube, frame=pair), [dimension])}
    one, other = (_group_with_claims(by_key, value) for value in (first, second))
    shares = _share_table(regroup(replace(cube, frame=pair), [dimension], bands), dimension, first, level)
    rows = [("mean", *_mean_row(one, other, level)), ("median", *_median_row(one, other))]
    differences = pl.DataFrame(rows, schema=DIFFERENCES.dtypes, orient="row")
    return GroupComparison(_round_numbers(shares), _round_numbers(differences), level, cube.synthetic)


def _round_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))


def _group_with_claims(by_key: Mapping[object, Group], value: object) -> Group:
    group = by_key[value]
    if not group.stated + group.unknown:
        raise ModelRefused("the group has no claim", value=value, remedy="Compare groups with claims.")
    return group


def _share_table(banded: pl.DataFrame, dimension: str, first: object, level: float) -> pl.DataFrame:
    is_first = pl.col(dimension).eq_missing(pl.lit(first))
    unknown = pl.col("over").is_null() & pl.col("up_to").is_null()
    counts = (
        banded.group_by("over", "up_to")
        .agg(
            claims_first=pl.col("claims").filter(is_first).sum(),
            claims_second=pl.col("claims").filter(~is_first).sum(),
        )
        .sort(unknown, "over", nulls_last=False)
    )
    totals = [int(counts[name].sum()) for name in ("claims_first", "claims_second")]
    rows = []
    for a, b in counts.select("claims_first", "claims_second").iter_rows():
        low, high = newcombe((a, totals[0]), (b, totals[1]), level)
        rows.append((a / totals[0], b / totals[1], a / totals[0] - b / totals[1], low, high))
    shares = {name: dtype for name, dtype in SHARES.dtypes.items() if name not in counts.columns}
    return counts.hstack(pl.DataFrame(rows, schema=shares, orient="row"))


def wilson(count: int, total: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share, given as a count and a total.

    Raises:
        UsageError: the total is 0, or the count is not between 0 and the total.
    """
    if not 0 <= count <= total or not total:
        raise UsageError("is no count of that total", value=f"{count} of {total}")
    z = _normal_quantile(level)
    middle, half = count + z * z / 2, z * math.sqrt(count * (total - count) / total + z * z / 4)
    low, high = (middle - half) / (total + z * z), (middle + half) / (total + z * z)
    # If no claim or every claim is counted, one end of the interval is exactly 0 or 1, without rounding
    # error.
    return (0.0 if count == 0 else low, 1.0 if count == total else high)


def newcombe(first: tuple[int, int], second: tuple[int, int], level: float = 0.95) -> Interval:
    """Newcombe's hybrid score interval of the difference of two shares, each given as (count, total).

    Source: Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.
    """
    p, q = (count / total for count, total in (first, second))
    (p_low, p_high), (q_low, q_high) = wilson(*first, level), wilson(*second, level)
    below, above = math.hypot(p - p_low, q_high - q), math.hypot(p_high - p, q - q_low)
    return p - q - below, p - q + above


def _normal_quantile(level: float) -> float:
    from scipy import special

    return float(special.ndtri((1 + level) / 2))


def _mean_row(one: Group, other: Group, level: float) -> tuple[float | str | None, ...]:
    if not (one.stated and other.stated):
        return (*[None] * 5, "too_few")
    if one.loss is None or other.loss is None:
        return (*[None] * 5, "sums_unknown")
    first, second = Fraction(one.loss, one.stated), Fraction(other.loss, other.stated)
    means = (float(first), float(second), float(first - second))
    if min(one.stated, other.stated) < MIN_LOSSES_FOR_INTERVAL:
        return (*means, None, None, "too_few")
    if one.loss_squared is None or other.loss_squared is None:
        return (*means, None, None, "sums_unknown")
    errors = (
        (_squared_error(one.stated, one.loss, one.loss_squared), one.stated),
        (_squared_error(other.stated, other.loss, other.loss_squared), other.stated),
    )
    if not any(error for error, _ in errors):  # all losses are equal, so there is no interval
        return (*means, None, None, "no_spread")
    half = _welch_half_width(*errors, level)
    return (*means, means[2] - half, means[2] + half, "interval")


def _squared_error(n: int, loss: int, squares: int) -> float:
    """The squared standard error of the mean of n losses, from their exact sum and sum of squares."""
    return float(Fraction(n * squares - loss**2, n * n * (n - 1)))


def _welch_half_width(first: tuple[float, int], second: tuple[float, int], level: float) -> float:
    from scipy import special

    squared = first[0] + second[0]
    degrees = squared**2 / sum(error**2 / (n - 1) for error, n in (first, second))
    return math.sqrt(squared) * float(special.stdtrit(degrees, (1 + level) / 2))


def _median_row(one: Group, other: Group) -> tuple[float | str | None, ...]:
    (a, a_low, a_high), (b, b_low, b_high) = (quantile(group.cells, 0.5) for group in (one, other))
    return (a, b, _difference(a, b), _difference(a_low, b_high), _difference(a_high, b_low), "bounds")


def _difference(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a - b
