"""Counts, means and quantiles of a cube's groups, each quantile with the bounds that its band leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import polars as pl

from outage_analysis.errors import UsageError
from outage_analysis.losses.cube import Cube
from outage_analysis.losses.loss_summaries.groups import Cell, Group, group_schema, groups

PROBABILITIES = (0.25, 0.5, 0.75, 0.9, 0.95)
LowHigh = tuple[int | None, int | None]
QuantileWithBounds = tuple[int | None, int | None, int | None]
"""A quantile: its value, and the least and the most that it can be."""


def summary(cube: Cube, by: Sequence[str] = ()) -> pl.DataFrame:
    """One row a group: how many claims, what they add up to, mean and median.

    Args:
        cube: any cube; a synthetic one gives figures of synthetic claims.
        by: the dimensions to keep.

    Returns:
        `by`, `claims`, `negative` and `zero` (null if a band also holds other losses), `unknown`, `stated`
        (claims whose loss is known, zero and negative ones included), `loss` (their sum), `mean` (exact to
        ten digits), `median`, `median_low`, `median_high` (see `quantiles`). A sum that is not known is
        null, and so is its mean.

    Raises:
        UsageError: no such dimension.
        ModelRefused: two bands of a group share a loss.
    """
    whole = ("claims", "negative", "zero", "unknown", "stated", "loss")
    schema = group_schema(cube, by, {**dict.fromkeys(whole, pl.Int64), "mean": pl.Float64, **_MEDIAN})
    rows = [(*group.key, *_totals(group), *quantile(group.cells, 0.5)) for group in groups(cube, by)]
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("mean").round_sig_figs(10))


_MEDIAN = dict.fromkeys(("median", "median_low", "median_high"), pl.Int64)


def _totals(group: Group) -> tuple[float | None, ...]:
    stated, loss = group.stated, group.loss
    mean = None if loss is None or not stated else loss / stated
    return (stated + group.unknown, group.negative, group.zero, group.unknown, stated, loss, mean)


def quantiles(
    cube: Cube,
    by: Sequence[str] = (),
    probabilities: Sequence[float] = PROBABILITIES,
    *,
    positive: bool = False,
) -> pl.DataFrame:
    """One row a group and a probability: the quantile of the stated losses.

    The quantile at p is the smallest loss that at least the share p of the stated losses do not
    exceed. Zero and negative losses count, unknown ones do not. A cube says in which band it lies; the
    counts and the sum of the band's losses then bound it, and no sharper bound follows from them.

    Args:
        cube: any cube.
        by: the dimensions to keep.
        probabilities: each from 0 (the smallest loss) to 1 (the largest).
        positive: of the losses above 0 only.

    Returns:
        `by`, `probability`, `value` (by rank about the mean of the band, within the bounds), `low`,
        `high` (bounds, not an interval: nothing here is sampled), `error` (the most by which `value` may
        be off); all but the first in the unit of loss, null where only counts are known and the band is
        open, or where no loss is stated.

    Raises:
        UsageError: no such dimension, or a probability outside 0 to 1.
        ModelRefused: two bands of a group share a loss; or `positive`, and a band mixes zero with others.
    """
    for p in probabilities:
        if not 0 <= p <= 1:
            raise UsageError("a probability is from 0 to 1", value=p)
    found = dict.fromkeys(("value", "low", "high", "error"), pl.Int64)
    schema = group_schema(cube, by, {"probability": pl.Float64, **found})
    rows = []
    for group in groups(cube, by):
        cells = group.cells_above(0) if positive else group.cells
        for p in probabilities:
            value, low, high = quantile(cells, p)
            off = None if value is None or low is None or high is None else max(value - low, high - value)
            rows.append((*group.key, p, value, low, high, off))
    return pl.DataFrame(rows, schema=schema, orient="row")


def quantile(cells: Sequence[Cell], p: float) -> QuantileWithBounds:
    """The quantile of losses in ordered bands, with its bounds; None for what cannot be said."""
    rank = max(1, math.ceil(Fraction(str(p)) * sum(cell.claims for cell in cells)))  # 0.07 * 100 > 7
    for cell in cells:
        if rank <= cell.claims:
            low, high = loss_bounds(cell, rank)
            return _interpolated(cell, rank, low, high), low, high
        rank -= cell.claims
    return None, None, None


def loss_bounds(cell: Cell, j: int) -> LowHigh:
    """The least and the most that the j-th smallest loss of a band can be.

    The least: all above it are at the band's top. The most: all below it are at the band's bottom.
    """
    k, s, least, most = cell.claims, cell.loss, cell.least, cell.up_to
    low, high = least, most
    if s is not None and (j == k or most is not None):
        rest = s - (k - j) * (most or 0)
        low = _larger(low, -(-rest // j))
    if s is not None and (j == 1 or least is not None):
        rest = s - (j - 1) * (least or 0)
        high = _smaller(high, rest // (k - j + 1))
    return low, high


def _larger(one: int | None, other: int) -> int:
    return other if one is None else max(one, other)


def _smaller(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def _interpolated(cell: Cell, j: int, low: int | None, high: int | None) -> int | None:
    """The j-th loss where the band's losses lie evenly about their mean; exponentially, in an open band."""
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
