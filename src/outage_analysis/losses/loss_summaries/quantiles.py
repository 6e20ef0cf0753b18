"""Counts, means and quantiles of losses by group. Loss bands determine each quantile only up to bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import polars as pl

from outage_analysis.errors import UsageError
from outage_analysis.losses.cube import Cube
from outage_analysis.losses.loss_summaries.groups import Cell, Group, group_schema, groups
from outage_analysis.text import CLAIMS, FLOAT, LOSS, TABLE_DIGITS, Column, TableSchema

PROBABILITIES = (0.25, 0.5, 0.75, 0.9, 0.95)
LowHigh = tuple[int | None, int | None]
QuantileWithBounds = tuple[int | None, int | None, int | None]
"""A quantile as (estimate, lower bound, upper bound)."""

SUMMARY = TableSchema(
    "One row per group.",
    (
        CLAIMS,
        Column("negative", "count", "Claims with a negative loss; empty if a band also has other losses."),
        Column("zero", "count", "Claims with a loss of 0; empty if a band also has other losses."),
        Column("unknown", "count", "Claims that state no loss."),
        Column("stated", "count", "Claims that state a loss, including 0 and negative losses."),
        LOSS,
        Column("mean", "loss", "Mean of the stated losses.", FLOAT),
        Column("median", "loss", "Median of the stated losses, an estimate between its bounds."),
        Column("median_low", "loss", "Certain lower bound of the median."),
        Column("median_high", "loss", "Certain upper bound of the median."),
    ),
)
LOSS_QUANTILES = TableSchema(
    "One row per group and probability.",
    (
        Column("probability", "share", "Share of the stated losses that are at most the quantile."),
        Column("value", "loss", "Quantile of the losses, an estimate between its bounds.", label="fit_value"),
        Column("low", "loss", "Certain lower bound of the quantile.", label="value_low"),
        Column("high", "loss", "Certain upper bound of the quantile.", label="value_high"),
        Column("error", "loss", "Largest possible error of the estimate."),
    ),
)


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
    schema = group_schema(cube, by, SUMMARY)
    rows = [(*group.key, *_totals(group), *quantile(group.cells, 0.5)) for group in groups(cube, by)]
    return pl.DataFrame(rows, schema=schema.dtypes, orient="row").with_columns(
        pl.col("mean").round_sig_figs(TABLE_DIGITS)
    )


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
    """Quantiles of the stated losses of each group, with the bounds that follow from the loss bands.

    The quantile at p is the smallest loss that is at least as large as a share p of the stated losses. Zero
    and negative losses are included; unknown losses are not. The cube determines the band of the quantile;
    the count and the sum of the losses in that band give the sharpest possible bounds.

    Args:
        cube: any cube.
        by: the dimensions to group by.
        probabilities: each from 0 (the smallest loss) to 1 (the largest loss).
        positive: use only losses above 0.

    Returns:
        One row per group and probability: the dimensions in `by`, `probability`, `value` (an estimate within
        the bounds: the losses of the band are assumed to be spread evenly about their mean), `low` and `high`
        (certain bounds, not a confidence interval), `error` (the largest possible error of `value`). These
        four columns are in the unit of loss. They are null if no loss is stated, or if the band is open and
        only counts are known.

    Raises:
        UsageError: a dimension does not exist, or a probability is outside 0 to 1.
        ModelRefused: two bands of a group overlap, or `positive` is set and a band contains zero and other
            losses.
    """
    for p in probabilities:
        if not 0 <= p <= 1:
            raise UsageError("a probability is from 0 to 1", value=p)
    schema = group_schema(cube, by, LOSS_QUANTILES)
    rows = []
    for group in groups(cube, by):
        cells = group.cells_above(0) if positive else group.cells
        for p in probabilities:
            value, low, high = quantile(cells, p)
            error = None if value is None or low is None or high is None else max(value - low, high - value)
            rows.append((*group.key, p, value, low, high, error))
    return pl.DataFrame(rows, schema=schema.dtypes, orient="row")


def quantile(cells: Sequence[Cell], p: float) -> QuantileWithBounds:
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


def loss_bounds(cell: Cell, j: int) -> LowHigh:
    """The smallest and the largest possible value of the j-th smallest loss of a band.

    This loss is smallest if all larger losses are at the top of the band. The loss is largest if all smaller
    losses are at the bottom of the band.
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
