"""Concentration of losses: the Lorenz curve, the Gini coefficient and the share of the largest claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import polars as pl

from outage_analysis.errors import ModelRefused
from outage_analysis.losses.cube import Cube
from outage_analysis.losses.loss_summaries.groups import Cell, Group, group_schema, groups, sum_or_none
from outage_analysis.text import CLAIMS, LOSS, TABLE_DIGITS, UP_TO, Column, TableSchema

TOPS = (0.01, 0.05, 0.1)
"""`concentration` returns the loss shares of the largest 1 %, 5 % and 10 % of the claims."""
LORENZ = TableSchema(
    "One row per group and band edge; the first row of a group is the origin.",
    (
        UP_TO,
        Column("claims_share", "share", "Share of the claims with a loss up to the edge."),
        Column("loss_share", "share", "Share of these claims in the total loss."),
    ),
)
CONCENTRATION = TableSchema(
    "One row per group.",
    (
        CLAIMS,
        LOSS,
        Column("gini_low", "share", "Lower bound of the Gini coefficient."),
        Column("gini_high", "share", "Upper bound of the Gini coefficient."),
        *(
            Column(
                f"top_{round(100 * top)}_{end}",
                "share",
                f"{'Lower' if end == 'low' else 'Upper'} bound of the loss share of the largest {top:.0%}.",
            )
            for top in TOPS
            for end in ("low", "high")
        ),
    ),
)
Heap = tuple[int, int]
"""Equal losses: (their size, how many there are)."""


def lorenz(cube: Cube, by: Sequence[str] = (), *, positive: bool = False) -> pl.DataFrame:
    """Points of the Lorenz curve at the band edges of a cube, where the curve is known exactly.

    Args:
        cube: a cube with sums of losses.
        by: the dimensions to group by.
        positive: use only losses above 0; by default also losses of 0. Negative losses are never used.

    Returns:
        One row per group and band edge, in increasing order: the dimensions in `by`, `up_to` (the edge; null
        at the end of an open band), `claims_share` (share of the claims with a loss up to the edge) and
        `loss_share` (the share of these claims in the total loss). The first row of a group is the origin. A
        group without a positive loss has no rows.

    Raises:
        UsageError: a dimension does not exist.
        ModelRefused: only counts are known, bands overlap, or a band contains losses on both sides of 0.
    """
    schema = group_schema(cube, by, LORENZ)
    rows: list[tuple[object, ...]] = []
    for group in groups(cube, by):
        cells, claims, loss = _cells_with_losses(group, positive=positive)
        if not loss:
            continue
        rows.append((*group.key, cells[0].over, 0.0, 0.0))
        claims_so_far = loss_so_far = 0
        for cell in cells:
            claims_so_far += cell.claims
            loss_so_far += cell.loss or 0
            rows.append((*group.key, cell.up_to, claims_so_far / claims, loss_so_far / loss))
    frame = pl.DataFrame(rows, schema=schema.dtypes, orient="row")
    return frame.with_columns(pl.col("claims_share", "loss_share").round_sig_figs(TABLE_DIGITS))


def concentration(cube: Cube, by: Sequence[str] = (), *, positive: bool = False) -> pl.DataFrame:
    """The smallest and largest possible Gini coefficient and loss share of the largest claims, per group.

    The lower bounds assume that the losses of a band are as equal as whole units allow. The upper bounds
    assume that they lie at the ends of the band (Gastwirth's bound for grouped data, adapted to whole units).
    In an open band, the upper bounds assume that all claims but one have the smallest possible loss and that
    one claim has the rest. The true values lie between the bounds.

    Args:
        cube: a cube with sums of losses.
        by: the dimensions to group by.
        positive: use only losses above 0; by default also losses of 0. Negative losses are never used.

    Returns:
        One row per group: the dimensions in `by`, `claims` (claims used), `loss` (their sum), `gini_low`,
        `gini_high`, and `top_1_low`, `top_1_high`, ... for the largest 1 %, 5 % and 10 % of the claims. If a
        percentage of the claims is not a whole number, a fraction of one claim counts with the same fraction
        of its loss. Bounds are null for a group without a positive loss.

    Raises:
        UsageError: a dimension does not exist.
        ModelRefused: only counts are known, bands overlap, or a band contains losses on both sides of 0.
    """
    bounds = [column.name for column in CONCENTRATION.columns if column.unit == "share"]
    rows: list[tuple[object, ...]] = []
    for group in groups(cube, by):
        cells, claims, loss = _cells_with_losses(group, positive=positive)
        values: list[float | None] = [None] * len(bounds)
        if loss:
            ends = [[heap for c in cells for heap in spread(c)] for spread in (equal_losses, extreme_losses)]
            values = [gini(heaps) for heaps in ends]
            values += [top_share(heaps, top) for top in TOPS for heaps in ends]
        rows.append((*group.key, claims, loss, *values))
    frame = pl.DataFrame(rows, schema=group_schema(cube, by, CONCENTRATION).dtypes, orient="row")
    return frame.with_columns(pl.col(*bounds).round_sig_figs(TABLE_DIGITS))


def _cells_with_losses(group: Group, *, positive: bool) -> tuple[tuple[Cell, ...], int, int]:
    """The bands of losses from 0 on (above 0 if `positive`), their number of claims and their total loss.

    Raises ModelRefused if only the counts of the bands are known.
    """
    cells = group.cells_above(0 if positive else -1)
    loss = sum_or_none(cell.loss for cell in cells)
    if loss is None:
        raise ModelRefused(
            "how losses are spread cannot be told from counts alone",
            remedy="Give the sum of the losses of each band, in a column `loss`.",
        )
    return cells, sum(cell.claims for cell in cells), loss


def equal_losses(cell: Cell) -> list[Heap]:
    """The losses of a band if they are as equal as whole numbers with their sum can be."""
    size, more = divmod(cell.loss or 0, cell.claims)
    return [(size, cell.claims - more), (size + 1, more)]


def extreme_losses(cell: Cell) -> list[Heap]:
    """The losses of a band if they are as unequal as the ends of the band and their sum allow."""
    least, left = cell.least or 0, (cell.loss or 0) - cell.claims * (cell.least or 0)
    if cell.up_to is None:
        return [(least, cell.claims - 1), (least + left, 1)]
    width = cell.up_to - least
    at_top, rest = divmod(left, width) if width else (cell.claims, 0)
    if at_top == cell.claims:
        return [(cell.up_to, at_top)]
    return [(least, cell.claims - at_top - 1), (least + rest, 1), (cell.up_to, at_top)]


def gini(heaps: Iterable[Heap]) -> float:
    """The Gini coefficient of sorted losses: half the mean absolute difference, divided by the mean.

    Losses are given as pairs (loss, number of claims) in ascending order.
    """
    claims = loss = doubled = 0
    for size, count in heaps:
        # `doubled` is twice the area under the Lorenz curve, in units of one claim times one unit of loss.
        doubled += count * (2 * loss + count * size)
        claims += count
        loss += count * size
    return (claims * loss - doubled) / (claims * loss)


def top_share(heaps: Sequence[Heap], top: float) -> float:
    """The share of the total loss that the largest claims account for, such as the largest 1 %.

    Args:
        heaps: the losses as pairs (loss, number of claims), in ascending order.
        top: the share of all claims that counts as the largest, such as 0.01.
    """
    numerator, denominator = Fraction(str(top)).as_integer_ratio()
    # The largest share of the claims may include a fraction of a claim. Claims are therefore counted in units
    # of 1 / denominator of a claim, so that all numbers are whole and exact.
    claims_left, top_loss = numerator * sum(count for _, count in heaps), 0
    for size, count in reversed(heaps):
        used = min(claims_left, denominator * count)
        top_loss += used * size
        claims_left -= used
    return top_loss / (denominator * sum(size * count for size, count in heaps))
