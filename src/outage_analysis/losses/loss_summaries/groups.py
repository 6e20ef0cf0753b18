"""Split a cube into groups, each with its loss bands in order. All loss summaries use these groups."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.incidents import NEGATIVE, UNKNOWN, ZERO, Band, band_within
from outage_analysis.losses.cube import Cube, Schema, sorted_cube, sum_or_null


@dataclass(frozen=True)
class Cell:
    """The claims of one loss band, over < loss <= up_to. The sums are None if only the count is known."""

    over: int | None
    up_to: int | None
    claims: int
    loss: int | None
    loss_squared: int | None

    @property
    def least(self) -> int | None:
        """The smallest possible loss in the band; None if the band is open below."""
        return None if self.over is None else self.over + 1

    def __str__(self) -> str:
        """The loss band as text, for error messages."""
        low = "any loss" if self.over is None else f"over {self.over:,}"
        return low if self.up_to is None else f"{low} up to {self.up_to:,}"


@dataclass(frozen=True)
class Group:
    """The claims of a cube that have the same dimension values, by loss band.

    Args:
        key: the dimension values that define the group.
        cells: the bands that contain claims, from low to high.
        unknown: the number of claims whose loss is unknown.
    """

    key: tuple[object, ...]
    cells: tuple[Cell, ...]
    unknown: int

    @property
    def stated(self) -> int:
        """The number of claims whose loss is known, including zero and negative losses."""
        return sum(cell.claims for cell in self.cells)

    def claims_in_band(self, band: Band) -> int | None:
        """The number of claims in a band; None if a loss band of the group is only partly in this band."""
        whole = Cell(*band, 0, None, None)
        near = [
            cell
            for cell in self.cells
            if _lower_end(cell) < _upper_end(whole) and _lower_end(whole) < _upper_end(cell)
        ]
        known = all(band_within((cell.over, cell.up_to), band) for cell in near)
        return sum(cell.claims for cell in near) if known else None

    @property
    def negative(self) -> int | None:
        """The number of claims with a loss below 0; None if a loss band also contains other losses."""
        return self.claims_in_band(NEGATIVE)

    @property
    def zero(self) -> int | None:
        """The number of claims with a loss of 0; None if a loss band also contains other losses."""
        return self.claims_in_band(ZERO)

    @property
    def loss(self) -> int | None:
        """The sum of the stated losses; None if the sum of a loss band is unknown."""
        return sum_or_none(cell.loss for cell in self.cells)

    @property
    def loss_squared(self) -> int | None:
        """The sum of the squares of the stated losses; None if this sum is unknown for a loss band."""
        return sum_or_none(cell.loss_squared for cell in self.cells)

    def cells_above(self, threshold: int) -> tuple[Cell, ...]:
        """The loss bands above a threshold: -1 leaves out negative losses, 0 leaves out zero losses, too.

        Raises:
            ModelRefused: a band contains losses on both sides of the threshold.
        """
        astride = [c for c in self.cells if _lower_end(c) < threshold < _upper_end(c)]
        if astride:
            raise ModelRefused(
                f"the band {astride[0]} mixes losses up to {threshold} with larger ones",
                remedy="Give zero, positive and negative losses bands of their own.",
            )
        return tuple(c for c in self.cells if _lower_end(c) >= threshold)


def sum_or_none(parts: Iterable[int | None]) -> int | None:
    """The sum of the parts; None if a part is None."""
    summed = 0
    for part in parts:
        if part is None:
            return None
        summed += part
    return summed


def groups(cube: Cube, by: Sequence[str] = ()) -> Iterator[Group]:
    """Yield the groups of a cube, sorted by dimension values; without `by`, one group of all claims.

    Raises:
        UsageError: a dimension does not exist.
        ModelRefused: two loss bands of a group overlap, so the bands have no order.
    """
    check_dimensions(cube, by)
    frame = _sum_by_band(cube, by)
    width = len(by)
    for key, rows in itertools.groupby(frame.iter_rows(), lambda row: row[:width]):
        bands = [row[width:] for row in rows]
        cells = tuple(_cell(*band) for band in bands if band[:2] != UNKNOWN and band[2])
        _check_no_overlap(cells)
        yield Group(key, cells, sum(band[2] for band in bands if band[:2] == UNKNOWN))


def check_dimensions(cube: Cube, by: Sequence[str]) -> None:
    """Check that a cube can be grouped by these dimensions.

    Raises:
        UsageError: the cube does not have a dimension, or a dimension is named twice.
    """
    for name in by:
        if name not in cube.dimensions:
            known = list(cube.dimensions)
            remedy = spelling_hint(name, known) if known else "It has none."
            raise UsageError("the cube has no such dimension", value=name, remedy=remedy)
        if list(by).count(name) > 1:
            raise UsageError("a dimension is named twice", value=name)


def group_schema(cube: Cube, by: Sequence[str], columns: Schema) -> Schema:
    """The column types of a table by group: first the dimensions, then the given columns.

    Raises:
        UsageError: a dimension does not exist.
    """
    check_dimensions(cube, by)
    return {**{name: cube.frame.schema[name] for name in by}, **columns}


def _sum_by_band(cube: Cube, by: Sequence[str]) -> pl.DataFrame:
    sums = (pl.col("claims").sum(), sum_or_null("loss"), sum_or_null("loss_squared"))
    summed = cube.frame.group_by(*by, "over", "up_to").agg(*sums)
    return sorted_cube(summed.select(*by, "over", "up_to", "claims", "loss", "loss_squared"), by)


def _cell(over: int | None, up_to: int | None, claims: int, loss: int | None, squares: object) -> Cell:
    if over is not None and up_to == over + 1:  # band with one possible loss: the count gives its sums
        return Cell(over, up_to, claims, claims * up_to, claims * up_to**2)
    return Cell(over, up_to, claims, loss, None if squares is None else int(str(squares)))


def _check_no_overlap(cells: tuple[Cell, ...]) -> None:
    for one, other in itertools.pairwise(cells):
        if _upper_end(one) > _lower_end(other):
            raise ModelRefused(
                f"the bands {one} and {other} overlap",
                remedy="Count every group in the same bands, or ask for one group at a time.",
            )


def _lower_end(cell: Cell) -> float:
    return float("-inf") if cell.over is None else cell.over


def _upper_end(cell: Cell) -> float:
    return float("inf") if cell.up_to is None else cell.up_to


DimensionFilter = Mapping[str, object]
"""Dimension -> the value, or list of values, to keep. None stands for an unknown value."""


def rows_with_values(cube: Cube, dimension: str, values: Sequence[object]) -> pl.DataFrame:
    """The rows of a cube that have one of these values in a dimension; None selects unknown values.

    Raises:
        UsageError: the dimension does not exist, no claim has one of the values, or a value is named twice.
    """
    check_dimensions(cube, [dimension])
    column = cube.frame[dimension]
    known = column.unique(maintain_order=True).to_list()
    for value in values:
        if value not in known:
            remedy = spelling_hint(str(value), [str(k) for k in known if k is not None])
            raise UsageError("no claim of the cube has it", column=dimension, value=value, remedy=remedy)
        if list(values).count(value) > 1:
            raise UsageError("is named twice", column=dimension, value=value)
    wanted = pl.Series(values, dtype=column.dtype)
    return cube.frame.filter(pl.col(dimension).is_in(wanted.implode(), nulls_equal=True))


def filter_cube(cube: Cube, where: DimensionFilter | None) -> Cube:
    """Keep only the rows of a cube that have the given dimension values; without a filter, keep all rows.

    Raises:
        UsageError: a dimension does not exist, no claim has one of the values, or a value is named twice.
    """
    for dimension, value in (where or {}).items():
        values = list(value) if isinstance(value, list | tuple) else [value]
        cube = replace(cube, frame=rows_with_values(cube, dimension, values))
    return cube
