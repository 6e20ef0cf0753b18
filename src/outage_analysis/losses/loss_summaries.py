"""Losses by group: counts, means and quantiles.

Loss bands determine each quantile only up to bounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import polars as pl

from outage_analysis.errors import UsageError
from outage_analysis.losses.cube import Cell, Cube, groups
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


def _round_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))
