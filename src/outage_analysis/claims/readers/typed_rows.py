"""The rows of a file that the fast path has typed: their places in `fast_rows` and their row numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class TypedRows:
    """The rows of one file in the table `fast_rows`, where the fast path has typed them."""

    place: int
    """The place (rowid) of the first row in the table; the other rows follow in the order of the file."""
    first: int
    """The row number, in the file, of the first row."""
    rows: int
    fetch: Callable[[Sequence[int]], int]
    """Stages the texts of rows, whose numbers must rise; returns how many of the rows are empty."""
    uneven: Sequence[int] = ()
    """The numbers of the rows whose fields do not fit the header."""
    gaps: Sequence[int] = ()
    """The numbers of the blank records between the rows; they are not in the table."""

    def places(self, numbers: Sequence[int]) -> Numbers:
        """Convert row numbers to places in the table."""
        row_numbers = np.asarray(numbers, np.int64)
        return np.asarray(self.place + row_numbers - self.first - np.searchsorted(self.gaps, row_numbers))

    def numbers(self, places: Numbers) -> Numbers:
        """Convert places in the table to row numbers."""
        shifts = self.row_shifts()
        position = np.searchsorted([place for place, _ in shifts], places, side="right")
        return np.asarray(places + np.array([shift for _, shift in shifts])[position - 1])

    def row_shifts(self) -> list[tuple[int, int]]:
        """Pairs of a place and a shift, in rising order: from this place on, row number = place + shift."""
        shift = self.first - self.place
        behind = ((gap - shift - before, shift + before + 1) for before, gap in enumerate(self.gaps))
        return [(self.place, shift), *behind]


def shift_sql(place: str, shifts: Sequence[tuple[int, int]]) -> str:
    """Return SQL for the shift that turns a place into a row number.

    The nested `case` is a binary search, so that a thousand shifts cost little.
    """
    if len(shifts) <= 1:
        return str(shifts[0][1] if shifts else 0)
    half = len(shifts) // 2
    below, above = shift_sql(place, shifts[:half]), shift_sql(place, shifts[half:])
    return f"case when {place} < {shifts[half][0]} then {below} else {above} end"
