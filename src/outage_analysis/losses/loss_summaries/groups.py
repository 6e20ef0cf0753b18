"""The claims of each group of a cube by band, in order: what every summary of a cube reads."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import nearest
from outage_analysis.incidents import NEGATIVE, UNKNOWN, ZERO, Band, within
from outage_analysis.losses.cube import Cube, Schema, sorted_cube, sum_or_null


@dataclass(frozen=True)
class Cell:
    """The claims of one band, over < loss <= up_to; their sums are None when only the count is known."""

    over: int | None
    up_to: int | None
    claims: int
    loss: int | None
    loss_squared: int | None

    @property
    def least(self) -> int | None:
        """The smallest loss that the band holds."""
        return None if self.over is None else self.over + 1

    def __str__(self) -> str:
        """The band in words."""
        low = "any loss" if self.over is None else f"over {self.over:,}"
        return low if self.up_to is None else f"{low} up to {self.up_to:,}"


@dataclass(frozen=True)
class Group:
    """One group: its values of the dimensions, the bands with a claim from the lowest on, the unknown."""

    key: tuple[object, ...]
    cells: tuple[Cell, ...]
    unknown: int

    @property
    def stated(self) -> int:
        """Claims whose loss is known, zero and negative ones included."""
        return sum(cell.claims for cell in self.cells)

    def claims_in_band(self, band: Band) -> int | None:
        """How many claims have a loss in this band; None if a band of theirs lies across one of its ends."""
        whole = Cell(*band, 0, None, None)
        near = [
            cell
            for cell in self.cells
            if _lower_end(cell) < _upper_end(whole) and _lower_end(whole) < _upper_end(cell)
        ]
        known = all(within((cell.over, cell.up_to), band) for cell in near)
        return sum(cell.claims for cell in near) if known else None

    @property
    def negative(self) -> int | None:
        """Claims with a loss below 0; None if a band holds negative losses and others."""
        return self.claims_in_band(NEGATIVE)

    @property
    def zero(self) -> int | None:
        """Claims with a loss of 0; None if a band holds zero and other losses."""
        return self.claims_in_band(ZERO)

    @property
    def loss(self) -> int | None:
        """The sum of the stated losses."""
        return sum_or_none(cell.loss for cell in self.cells)

    @property
    def loss_squared(self) -> int | None:
        """The sum of their squares."""
        return sum_or_none(cell.loss_squared for cell in self.cells)

    def cells_above(self, floor: int) -> tuple[Cell, ...]:
        """The bands of losses over a floor: -1 leaves out the negative ones, 0 also the zeros.

        Raises:
            ModelRefused: a band has losses on both sides of the floor.
        """
        astride = [c for c in self.cells if _lower_end(c) < floor < _upper_end(c)]
        if astride:
            raise ModelRefused(
                f"the band {astride[0]} mixes losses up to {floor} with larger ones",
                remedy="Give zero, positive and negative losses bands of their own.",
            )
        return tuple(c for c in self.cells if _lower_end(c) >= floor)


def sum_or_none(parts: Iterable[int | None]) -> int | None:
    """The sum, if every part is known."""
    summed = 0
    for part in parts:
        if part is None:
            return None
        summed += part
    return summed


def groups(cube: Cube, by: Sequence[str] = ()) -> Iterator[Group]:
    """Each group of the cube, sorted by its dimensions; without `by`, one group of all claims.

    Raises:
        UsageError: no such dimension.
        ModelRefused: two bands of a group share a loss, so that no order of them is known.
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
    """Refuse a dimension that the cube does not have, or one named twice.

    Raises:
        UsageError: with the nearest that it has.
    """
    for name in by:
        if name not in cube.dimensions:
            known = list(cube.dimensions)
            remedy = nearest(name, known) if known else "It has none."
            raise UsageError("the cube has no such dimension", value=name, remedy=remedy)
        if list(by).count(name) > 1:
            raise UsageError("a dimension is named twice", value=name)


def group_schema(cube: Cube, by: Sequence[str], columns: Schema) -> Schema:
    """The schema of a table with one or more rows a group: its dimensions, then the columns.

    Raises:
        UsageError: no such dimension.
    """
    check_dimensions(cube, by)
    return {**{name: cube.frame.schema[name] for name in by}, **columns}


def _sum_by_band(cube: Cube, by: Sequence[str]) -> pl.DataFrame:
    sums = (pl.col("claims").sum(), sum_or_null("loss"), sum_or_null("loss_squared"))
    summed = cube.frame.group_by(*by, "over", "up_to").agg(*sums)
    return sorted_cube(summed.select(*by, "over", "up_to", "claims", "loss", "loss_squared"), by)


def _cell(over: int | None, up_to: int | None, claims: int, loss: int | None, squares: object) -> Cell:
    if over is not None and up_to == over + 1:  # one value: its sums are known from the count
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
"""Dimension -> the value, or the list of values, to keep. None is what is not known."""


def rows_with_values(cube: Cube, dimension: str, values: Sequence[object]) -> pl.DataFrame:
    """The cube's rows with one of these values of the dimension; None is what is not known.

    Raises:
        UsageError: no such dimension, a value that no claim has, or one named twice.
    """
    check_dimensions(cube, [dimension])
    column = cube.frame[dimension]
    known = column.unique(maintain_order=True).to_list()
    for value in values:
        if value not in known:
            remedy = nearest(str(value), [str(k) for k in known if k is not None])
            raise UsageError("no claim of the cube has it", column=dimension, value=value, remedy=remedy)
        if list(values).count(value) > 1:
            raise UsageError("is named twice", column=dimension, value=value)
    wanted = pl.Series(values, dtype=column.dtype)
    return cube.frame.filter(pl.col(dimension).is_in(wanted.implode(), nulls_equal=True))


def filter_cube(cube: Cube, where: DimensionFilter | None) -> Cube:
    """The cube of the claims with the given values; every claim's when none are given.

    Raises:
        UsageError: no such dimension, a value that no claim has, or one named twice.
    """
    for dimension, value in (where or {}).items():
        values = list(value) if isinstance(value, list | tuple) else [value]
        cube = replace(cube, frame=rows_with_values(cube, dimension, values))
    return cube
