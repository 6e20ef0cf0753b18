"""The rows of a file that were typed at first sight: where they stand, and their numbers in the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class TypedRows:
    """The rows of one file that the engine typed at first sight, in the table `fast_rows`."""

    place: int
    """That of the first of them in the table; the others follow in the order of the file."""
    first: int
    """The number of that row in the file."""
    rows: int
    fetch: Callable[[Sequence[int]], int]
    """Stages the texts of rows by their rising numbers; how many of them say nothing and are none."""
    uneven: Sequence[int] = ()
    """The numbers of rows whose texts do not fit the header."""
    gaps: Sequence[int] = ()
    """The numbers of records without any character that stand among them, and are no rows."""

    def places(self, numbers: Sequence[int]) -> Numbers:
        """Where the rows of these numbers stand in the table."""
        asked = np.asarray(numbers, np.int64)
        return np.asarray(self.place + asked - self.first - np.searchsorted(self.gaps, asked))

    def numbers(self, places: Numbers) -> Numbers:
        """The numbers of the rows at these places."""
        steps = self.steps()
        begun = np.searchsorted([place for place, _ in steps], places, side="right")
        return np.asarray(places + np.array([shift for _, shift in steps])[begun - 1])

    def steps(self) -> list[tuple[int, int]]:
        """Places, rising, and what from there on makes the number of a row of its place."""
        shift = self.first - self.place
        behind = ((gap - shift - before, shift + before + 1) for before, gap in enumerate(self.gaps))
        return [(self.place, shift), *behind]


def shift_sql(place: str, steps: Sequence[tuple[int, int]]) -> str:
    """SQL of what makes the number of a row of its place; steps are halved: a thousand cost little."""
    if len(steps) <= 1:
        return str(steps[0][1] if steps else 0)
    half = len(steps) // 2
    below, above = shift_sql(place, steps[:half]), shift_sql(place, steps[half:])
    return f"case when {place} < {steps[half][0]} then {below} else {above} end"
