"""How unevenly the losses are spread: the Lorenz curve, Gini's coefficient, the share of the largest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import polars as pl

from outage_analysis.errors import ModelRefused
from outage_analysis.losses.cube import Cube, Schema
from outage_analysis.losses.loss_summaries.groups import Cell, Group, group_schema, groups, sum_or_none

TOPS = (0.01, 0.05, 0.1)
"""The largest claims whose share of the losses is told."""
Heap = tuple[int, int]
"""Losses of one size: the size, and how many there are."""


def lorenz(cube: Cube, by: Sequence[str] = (), *, positive: bool = False) -> pl.DataFrame:
    """The Lorenz curve where the cube knows it exactly: at the edges of its bands, from the smallest loss on.

    Args:
        cube: a cube with sums of losses.
        by: the dimensions to keep.
        positive: of the losses above 0 only; else zero losses count as well. Negative ones never do.

    Returns:
        `by`, `up_to` (the edge; null at the end of an open band), `claims_share` (of the claims, those up to
        the edge), `loss_share` (of the losses, theirs). The first row of a group is the origin. A group
        without a positive loss has no row.

    Raises:
        UsageError: no such dimension.
        ModelRefused: only counts are known; bands overlap or mix losses on both sides of 0.
    """
    numbers = dict.fromkeys(("claims_share", "loss_share"), pl.Float64)
    schema = group_schema(cube, by, {"up_to": pl.Int64, **numbers})
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
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(pl.col(*numbers).round_sig_figs(10))


def concentration(cube: Cube, by: Sequence[str] = (), *, positive: bool = False) -> pl.DataFrame:
    """Gini's coefficient and the share of the largest claims, each between bounds.

    The low bound has the losses of a band as equal as whole units allow; the high one has them at the
    ends of the band, which is Gastwirth's bound for grouped data made sharp for whole units. Where a
    band is open, one claim holds all that the others leave. Every figure between may be the true one.

    Args:
        cube: a cube with sums of losses.
        by: the dimensions to keep.
        positive: of the losses above 0 only; else zero losses count as well. Negative ones never do.

    Returns:
        `by`, `claims` (those counted), `loss`, `gini_low`, `gini_high`, and for the largest 1 %, 5 % and
        10 % of the claims `top_1_low`, `top_1_high`, ...: their share of the losses. A part of a claim
        counts with that part of its loss. Null for a group without a positive loss.

    Raises:
        UsageError: no such dimension.
        ModelRefused: only counts are known; bands overlap or mix losses on both sides of 0.
    """
    bounds = [f"{name}_{end}" for name in ("gini", *_top_names()) for end in ("low", "high")]
    columns: Schema = {"claims": pl.Int64, "loss": pl.Int64, **dict.fromkeys(bounds, pl.Float64)}
    rows: list[tuple[object, ...]] = []
    for group in groups(cube, by):
        cells, claims, loss = _cells_with_losses(group, positive=positive)
        figures: list[float | None] = [None] * len(bounds)
        if loss:
            ends = [[heap for c in cells for heap in spread(c)] for spread in (equal_losses, extreme_losses)]
            figures = [gini(heaps) for heaps in ends]
            figures += [top_share(heaps, top) for top in TOPS for heaps in ends]
        rows.append((*group.key, claims, loss, *figures))
    frame = pl.DataFrame(rows, schema=group_schema(cube, by, columns), orient="row")
    return frame.with_columns(pl.col(*bounds).round_sig_figs(10))


def _top_names() -> list[str]:
    return [f"top_{round(100 * top)}" for top in TOPS]


def _cells_with_losses(group: Group, *, positive: bool) -> tuple[tuple[Cell, ...], int, int]:
    """The bands that count, with their claims and losses."""
    cells = group.cells_above(0 if positive else -1)
    loss = sum_or_none(cell.loss for cell in cells)
    if loss is None:
        raise ModelRefused(
            "how losses are spread cannot be told from counts alone",
            remedy="Give the sum of the losses of each band, in a column `loss`.",
        )
    return cells, sum(cell.claims for cell in cells), loss


def equal_losses(cell: Cell) -> list[Heap]:
    """The losses of a band, as equal as whole units allow."""
    size, more = divmod(cell.loss or 0, cell.claims)
    return [(size, cell.claims - more), (size + 1, more)]


def extreme_losses(cell: Cell) -> list[Heap]:
    """The losses of a band as far apart as its ends, or its sum, allow."""
    least, left = cell.least or 0, (cell.loss or 0) - cell.claims * (cell.least or 0)
    if cell.up_to is None:
        return [(least, cell.claims - 1), (least + left, 1)]
    width = cell.up_to - least
    at_top, rest = divmod(left, width) if width else (cell.claims, 0)
    if at_top == cell.claims:
        return [(cell.up_to, at_top)]
    return [(least, cell.claims - at_top - 1), (least + rest, 1), (cell.up_to, at_top)]


def gini(heaps: Iterable[Heap]) -> float:
    """Gini's coefficient of losses in ascending order: half the mean distance of two over the mean."""
    claims = loss = doubled = 0
    for size, count in heaps:
        # Twice the area under the Lorenz curve, in units of one claim times one unit of loss.
        doubled += count * (2 * loss + count * size)
        claims += count
        loss += count * size
    return (claims * loss - doubled) / (claims * loss)


def top_share(heaps: Sequence[Heap], top: float) -> float:
    """The share of all losses that the largest claims hold, of losses in ascending order."""
    part, of = Fraction(str(top)).as_integer_ratio()
    left, held = part * sum(count for _, count in heaps), 0  # in parts of a claim
    for size, count in reversed(heaps):
        taken = min(left, of * count)
        held += taken * size
        left -= taken
    return held / (of * sum(size * count for size, count in heaps))
