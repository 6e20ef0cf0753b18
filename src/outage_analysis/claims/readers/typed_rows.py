"""Rows of a file in the table `fast_rows`: convert between table rowids and row numbers of the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class TypedRows:
    """The rows of one file in the table `fast_rows`, in which the fast path stores typed values."""

    place: int
    """The rowid of the first row of the file in the table. The other rows follow in the order of the file."""
    first: int
    """The row number of the first row in the file."""
    rows: int
    fetch: Callable[[Sequence[int]], int]
    """Stages the texts of rows, given their increasing row numbers. Returns how many of them are empty."""
    uneven: Sequence[int] = ()
    """The row numbers of rows whose fields do not fit the header."""
    gaps: Sequence[int] = ()
    """The row numbers of blank records between other rows. They are not in the table."""

    def places(self, numbers: Sequence[int]) -> Numbers:
        """Convert row numbers of the file to rowids of the table."""
        row_numbers = np.asarray(numbers, np.int64)
        return np.asarray(self.place + row_numbers - self.first - np.searchsorted(self.gaps, row_numbers))

    def numbers(self, places: Numbers) -> Numbers:
        """Convert rowids of the table to row numbers of the file."""
        shifts = self.row_shifts()
        position = np.searchsorted([place for place, _ in shifts], places, side="right")
        return np.asarray(places + np.array([shift for _, shift in shifts])[position - 1])

    def row_shifts(self) -> list[tuple[int, int]]:
        """Return pairs of a rowid and a shift, in increasing order.

        From this rowid on, row number = rowid + shift. The shift grows by one at each blank record.
        """
        shift = self.first - self.place
        behind = ((gap - shift - before, shift + before + 1) for before, gap in enumerate(self.gaps))
        return [(self.place, shift), *behind]


def shift_sql(place: str, shifts: Sequence[tuple[int, int]]) -> str:
    """Return SQL for the number that must be added to a rowid to get its row number.

    The SQL is a nested `case` that works like a binary search, so that even a thousand shifts take little
    time.
    """
    if len(shifts) <= 1:
        return str(shifts[0][1] if shifts else 0)
    half = len(shifts) // 2
    below, above = shift_sql(place, shifts[:half]), shift_sql(place, shifts[half:])
    return f"case when {place} < {shifts[half][0]} then {below} else {above} end"
