"""Losses by group: counts, means, quantiles, and the comparison of two groups.

Loss bands determine each quantile only up to bounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import polars as pl

from outage_analysis.errors import ModelRefused, UsageError, check_level
from outage_analysis.incidents import Bands
from outage_analysis.losses.cube import (
    Cell,
    Cube,
    Group,
    groups,
    refuse_synthetic,
    regroup,
    rows_with_values,
    sum_or_none,
)
from outage_analysis.text import TABLE_DIGITS, schema_of

PROBABILITIES = (0.25, 0.5, 0.75, 0.9, 0.95)


def summary(cube: Cube, by: Sequence[str] = ()) -> pl.DataFrame:
    """The number, sum, mean and median of the losses of each group.

    Args:
        cube: any cube.
        by: the dimensions to group by.

    Returns:
        One row per group: the dimensions in `by`, `claims`, `negative` and `zero` (null if a band also
        contains other losses), `unknown`, `stated` (claims whose loss is known, including zero and negative
        losses), `loss` (their sum), `mean` (exact to ten digits), `median`, `median_low`, `median_high` (see
        `quantiles`). The sum and the mean are null if the cube has only counts.

    Raises:
        UsageError: a dimension does not exist.
        ModelRefused: two bands of a group overlap.
    """
    rows = []
    for group in groups(cube, by):
        stated, loss = group.stated, group.loss
        kinds = group.claims_in_band(-math.inf, -1), group.claims_in_band(-1, 0), group.unknown, stated
        mean = None if loss is None or not stated else loss / stated
        rows.append((*group.key, stated + group.unknown, *kinds, loss, mean, *quantile(group.cells, 0.5)))
    dimensions = {name: cube.frame.schema[name] for name in by}
    dtypes = schema_of("distribution.summary").grouped_by(dimensions).dtypes
    return _round_numbers(pl.DataFrame(rows, schema=dtypes, orient="row"))


def quantiles(
    cube: Cube, by: Sequence[str] = (), probabilities: Sequence[float] = PROBABILITIES
) -> pl.DataFrame:
    """Quantiles of the stated losses of each group, with the bounds that follow from the loss bands.

    The quantile at p is the smallest loss that is at least as large as a share p of the stated losses. Zero
    and negative losses are included; unknown losses are not. The cube determines the band of the quantile;
    the count and the sum of the losses in that band give the sharpest possible bounds.

    Args:
        cube: any cube.
        by: the dimensions to group by.
        probabilities: each from 0 (the smallest loss) to 1 (the largest loss).

    Returns:
        One row per group and probability: the dimensions in `by`, `probability`, `value` (an estimate within
        the bounds: the losses of the band are assumed to be spread evenly about their mean), `low` and `high`
        (certain bounds, not a confidence interval), `error` (the largest possible error of `value`). These
        four columns are in the unit of loss. They are null if no loss is stated, or if the band is open and
        only counts are known.

    Raises:
        UsageError: a dimension does not exist, or a probability is outside 0 to 1.
        ModelRefused: two bands of a group overlap.
    """
    for p in probabilities:
        if not 0 <= p <= 1:
            raise UsageError("a probability is from 0 to 1", value=p)
    rows = []
    for group in groups(cube, by):
        for p in probabilities:
            value, low, high = quantile(group.cells, p)
            error = None if value is None or low is None or high is None else max(value - low, high - value)
            rows.append((*group.key, p, value, low, high, error))
    dtypes = (
        schema_of("distribution.quantiles").grouped_by({name: cube.frame.schema[name] for name in by}).dtypes
    )
    return pl.DataFrame(rows, schema=dtypes, orient="row")


def quantile(cells: Sequence[Cell], p: float) -> tuple[int | None, int | None, int | None]:
    """The p-quantile of losses in ordered bands, as (estimate, lower bound, upper bound).

    A number is None if the bands do not determine it.
    """
    # Compute with an exact fraction: the float 0.07 * 100 is above 7 and would give rank 8.
    rank = max(1, math.ceil(Fraction(str(p)) * sum(cell.claims for cell in cells)))
    for cell in cells:
        if rank <= cell.claims:
            low, high = loss_bounds(cell, rank)
            return _interpolate_loss(cell, rank, low, high), low, high
        rank -= cell.claims
    return None, None, None


def loss_bounds(cell: Cell, j: int) -> tuple[int | None, int | None]:
    """The smallest and the largest possible value of the j-th smallest loss of a band.

    This loss is smallest if all larger losses are at the top of the band. The loss is largest if all smaller
    losses are at the bottom of the band.
    """
    k, s, low, high = cell.claims, cell.loss, cell.least, cell.up_to
    lows, highs = [low], [high]
    if s is not None and (j == k or high is not None):
        lows.append(-(-(s - (k - j) * (high or 0)) // j))
    if s is not None and (j == 1 or low is not None):
        highs.append((s - (j - 1) * (low or 0)) // (k - j + 1))
    return (
        max((x for x in lows if x is not None), default=None),
        min((x for x in highs if x is not None), default=None),
    )


def _interpolate_loss(cell: Cell, j: int, low: int | None, high: int | None) -> int | None:
    if low is None or high is None:
        return None
    share, least, most = (j - 0.5) / cell.claims, cell.least, cell.up_to
    mean = None if cell.loss is None else cell.loss / cell.claims
    if least is not None and most is not None:
        middle = (least + most) / 2 if mean is None else mean
        guess = middle + (2 * share - 1) * min(middle - least, most - middle)
    elif mean is None:
        return None
    elif least is not None:
        guess = least - (mean - least) * math.log1p(-share)
    else:
        guess = (most or 0) + ((most or 0) - mean) * math.log(share)
    return min(max(round(guess), low), high)


MIN_LOSSES_FOR_INTERVAL = 30
"""A mean gets no interval if the group has fewer stated losses: a few large losses would dominate it."""


def compare_groups(
    cube: Cube,
    dimension: str,
    first: object,
    second: object,
    bands: Bands,
    *,
    level: float = 0.95,
    recovery: bool = False,
) -> dict[str, pl.DataFrame]:
    """Compare the losses of two groups of claims, such as the claims of two services.

    The intervals treat the claims of each group as a random sample. Every difference is the first group minus
    the second.

    Args:
        cube: a cube with the dimension.
        dimension: the dimension in which the groups differ.
        first: the value of the first group.
        second: the value of the second group.
        bands: the bands of the result, each a union of the cube's bands.
        level: the confidence level of the intervals, between 0 and 1.
        recovery: allow a synthetic cube, to test whether the comparison recovers the generator's parameters.

    Returns:
        `shares` has one row per band: `over`, `up_to`, `claims_first`, `claims_second`, `share_first`,
        `share_second` (shares of all claims of the group, including unknown and zero losses), `difference`,
        `low` and `high` (Newcombe's hybrid score interval, for each band separately).

        `differences` has one row for the `mean` and one for the `median` of the stated losses: `statistic`,
        `first`, `second`, `difference`, `low`, `high`, `status`. For the mean, low and high are the ends of
        Welch's interval (status `interval`), or null with the reason as status: `too_few` stated losses,
        `no_spread` (all losses of both groups are equal), or `sums_unknown`. For the median, low and high are
        the bounds that follow from the loss bands (status `bounds`); these bounds do not include sampling
        error.

    Raises:
        UsageError: the dimension or a value does not exist, both values are the same, the level is outside 0
            to 1, or a band is not a union of the cube's bands.
        ModelRefused: the cube is synthetic and `recovery` is not set, or a group has no claims.
    """
    refuse_synthetic(cube, "a comparison", recovery=recovery)
    check_level(level)
    pair = replace(cube, frame=rows_with_values(cube, dimension, [first, second]))
    by_key = {group.key[0]: group for group in groups(pair, [dimension])}
    one, other = by_key[first], by_key[second]
    for value, group in ((first, one), (second, other)):
        if not group.stated + group.unknown:
            raise ModelRefused("the group has no claim", value=value, remedy="Compare groups with claims.")
    is_first = pl.col(dimension).eq_missing(pl.lit(first))
    unknown = pl.col("over").is_null() & pl.col("up_to").is_null()
    counts = (
        regroup(pair, [dimension], bands)
        .group_by("over", "up_to")
        .agg(
            claims_first=pl.col("claims").filter(is_first).sum(),
            claims_second=pl.col("claims").filter(~is_first).sum(),
        )
        .sort(unknown, "over", nulls_last=False)
    )
    m, n = int(counts["claims_first"].sum()), int(counts["claims_second"].sum())
    shares = [
        (over, up_to, a, b, a / m, b / n, a / m - b / n, *newcombe((a, m), (b, n), level))
        for over, up_to, a, b in counts.iter_rows()
    ]
    (a, a_low, a_high), (b, b_low, b_high) = (quantile(group.cells, 0.5) for group in (one, other))
    medians = (a, b, _difference(a, b), _difference(a_low, b_high), _difference(a_high, b_low))
    differences = [("mean", *_mean_row(one, other, level)), ("median", *medians, "bounds")]
    return {
        "shares": _round_numbers(schema_of("distribution.shares").frame(shares)),
        "differences": _round_numbers(schema_of("distribution.differences").frame(differences)),
    }


def _round_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))


def wilson(count: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share, given as a count and a total."""
    from scipy import special

    z = float(special.ndtri((1 + level) / 2))
    middle, half = count + z * z / 2, z * math.sqrt(count * (total - count) / total + z * z / 4)
    low, high = (middle - half) / (total + z * z), (middle + half) / (total + z * z)
    # If no claim or every claim is counted, one end of the interval is exactly 0 or 1, without rounding
    # error.
    return (0.0 if count == 0 else low, 1.0 if count == total else high)


def newcombe(first: tuple[int, int], second: tuple[int, int], level: float = 0.95) -> tuple[float, float]:
    """Newcombe's hybrid score interval of the difference of two shares, each given as (count, total).

    Source: Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.
    """
    p, q = (count / total for count, total in (first, second))
    (p_low, p_high), (q_low, q_high) = wilson(*first, level), wilson(*second, level)
    below, above = math.hypot(p - p_low, q_high - q), math.hypot(p_high - p, q - q_low)
    return p - q - below, p - q + above


def _mean_row(one: Group, other: Group, level: float) -> tuple[float | str | None, ...]:
    """Both means, their difference, the ends of Welch's interval and the status."""
    from scipy import special

    if not (one.stated and other.stated):
        return (*[None] * 5, "too_few")
    if one.loss is None or other.loss is None:
        return (*[None] * 5, "sums_unknown")
    first, second = Fraction(one.loss, one.stated), Fraction(other.loss, other.stated)
    means = (float(first), float(second), float(first - second))
    if min(one.stated, other.stated) < MIN_LOSSES_FOR_INTERVAL:
        return (*means, None, None, "too_few")
    errors = []
    for n, loss, cells in ((one.stated, one.loss, one.cells), (other.stated, other.loss, other.cells)):
        squares = sum_or_none(cell.loss_squared for cell in cells)
        if squares is None:
            return (*means, None, None, "sums_unknown")
        errors.append((float(Fraction(n * squares - loss**2, n * n * (n - 1))), n))
    squared = sum(error for error, _ in errors)
    if not squared:  # all losses are equal, so there is no interval
        return (*means, None, None, "no_spread")
    degrees = squared**2 / sum(error**2 / (n - 1) for error, n in errors)
    half = math.sqrt(squared) * float(special.stdtrit(degrees, (1 + level) / 2))
    return (*means, means[2] - half, means[2] + half, "interval")


def _difference(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a - b
