"""Loss bands: intervals of a non-negative integer measure, each with a stated closed side.

A band is a pair of integers `(over, up_to)`: it holds the losses x with over < x <= up_to. Because
the measure is an integer, a band closed below, [300000, 500000), is the same set as
(299999, 499999], so policies with different closed sides live on one grid. The special bands need
no extra marker:

    zero      (-1, 0]        negative  (None, -1]
    open top  (500000, None] unknown   (None, None)
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

from outage_analysis.errors import UsageError

Closed = Literal["upper", "lower"]
Band = tuple[int | None, int | None]

NEGATIVE: Band = (None, -1)
ZERO: Band = (-1, 0)
UNKNOWN: Band = (None, None)

LARGEST_LOSS = 10**15
"""Losses at or above this are refused: sums of squares would leave the range of the engine."""

GRID_PER_DECADE = 24


def log_grid() -> tuple[int, ...]:
    """Integer cuts, `GRID_PER_DECADE` to each factor of ten, from 1 to the largest loss."""
    steps = GRID_PER_DECADE * (len(str(LARGEST_LOSS)) - 1)
    return tuple(sorted({round(10 ** (k / GRID_PER_DECADE)) for k in range(steps + 1)}))


def cuts_of(edges: tuple[int, ...], closed: Closed) -> tuple[int, ...]:
    """Edges as inclusive upper cuts: 300,000 closed below becomes the cut 299,999."""
    return tuple(edge if closed == "upper" else edge - 1 for edge in edges)


@dataclass(frozen=True)
class Bands:
    """Bands on the inclusive upper cuts `cuts` (positive, increasing), with zero and unknown apart."""

    cuts: tuple[int, ...]
    negative: bool = False

    @classmethod
    def of(cls, *cuts: tuple[int, ...], negative: bool = False) -> Bands:
        """The bands on the union of several sets of cuts."""
        return cls(tuple(sorted({c for some in cuts for c in some if c > 0})), negative)

    def rows(self) -> list[Band]:
        """Every band in display order: negative, zero, positive ones, unknown."""
        uppers: list[int | None] = [*self.cuts, None]
        positive = list(zip([0, *self.cuts], uppers, strict=True))
        return [*([NEGATIVE] if self.negative else []), ZERO, *positive, UNKNOWN]

    def band_of(self, loss: int | None) -> Band:
        """The band that holds one loss."""
        if loss is None:
            return UNKNOWN
        if loss < 0:
            return NEGATIVE
        if loss == 0:
            return ZERO
        return self.rows()[bisect_left(self.cuts, loss) + 1 + self.negative]


def within(inner: Band, outer: Band) -> bool:
    """Whether every loss of `inner` is in `outer`; unknown lies only within unknown."""
    if UNKNOWN in (inner, outer):
        return inner == outer
    low = outer[0] is None or (inner[0] is not None and inner[0] >= outer[0])
    high = outer[1] is None or (inner[1] is not None and inner[1] <= outer[1])
    return low and high


def check_partition(bands: list[Band]) -> None:
    """Refuse a list of positive bands that leaves a gap or overlaps.

    Raises:
        UsageError: a gap, an overlap, an empty band, a start other than 0 or a closed top.
    """
    if bands[0][0] != 0:
        raise UsageError(
            f"the first band starts at {bands[0][0]:,}, not at 0: losses below it have no rule",
            remedy="Add a band from 0, paying 0 if that is meant.",
        )
    for (low, high), (next_low, _) in itertools.pairwise(bands):
        if high is None or next_low is None or low is None or high <= low:
            raise UsageError(f"the band over {low} up to {high} is empty or open in the middle")
        if next_low > high:
            raise UsageError(
                f"there is a gap: no band covers losses over {high:,} up to {next_low:,}",
                remedy="Make the next band start where the last one ends.",
            )
        if next_low < high:
            raise UsageError(
                f"two bands overlap on losses over {next_low:,} up to {high:,}",
                remedy="Make the next band start where the last one ends.",
            )
    if bands[-1][1] is not None:
        raise UsageError(
            f"the last band ends at {bands[-1][1]:,}: larger losses have no rule",
            remedy="Leave `up_to` out of the last band, or add a band that pays 0.",
        )


_NUMBER = r"(\d{1,3}(?:[,_]\d{3})+|\d+)"
_INTERVAL = re.compile(r"([\[(])\s*(-?\d+)\s*,\s*(?:(\d+)|inf|∞)?\s*([\])])", re.ASCII)
_LONGEST = 100
_WORDS: dict[str, Band] = {
    "0": ZERO,
    "zero": ZERO,
    "none": ZERO,
    "no loss": ZERO,
    "unknown": UNKNOWN,
    "": UNKNOWN,
    "not stated": UNKNOWN,
    "negative": NEGATIVE,
}


def parse_band(text: str) -> Band:
    """A band as people write it: `(0, 300000]`, `[300000, 500000)`, `>500000`, `0`, `unknown`.

    Raises:
        UsageError: none of the known ways to write a band, an empty band, or an edge beyond 10^15.
    """
    band = _parsed(text.strip().casefold()) if len(text) <= _LONGEST else None
    if band is not None and all(edge is None or abs(edge) <= LARGEST_LOSS for edge in band):
        return band
    raise UsageError(
        "is not a loss band",
        value=text,
        remedy="Write (0, 300000], [300000, 500000), >500000, 0 or unknown.",
    )


def _parsed(word: str) -> Band | None:
    if word in _WORDS:
        return _WORDS[word]
    if match := re.fullmatch(rf"(>=|>|<=|<|over|up to)\s*{_NUMBER}", word, re.ASCII):
        sign, number = match[1], int(re.sub(r"[,_]", "", match[2]))
        bounds: dict[str, Band] = {
            ">": (number, None),
            "over": (number, None),
            ">=": (number - 1, None),
            "<": (0, number - 1),
            "<=": (0, number),
            "up to": (0, number),
        }
        return _unless_empty(bounds[sign])
    # A comma first separates two edges: (0,300] is 0 to 300. Only if that fails does it group digits.
    ungrouped = re.sub(r"(?<=\d)[,_](?=\d{3}(?!\d))", "", word)
    if match := _INTERVAL.fullmatch(word) or _INTERVAL.fullmatch(ungrouped):
        low = int(match[2]) - (match[1] == "[")
        high = None if match[3] is None else int(match[3]) - (match[4] == ")")
        return _unless_empty((low, high))
    return None


def _unless_empty(band: Band) -> Band | None:
    low, high = band
    return None if low is not None and high is not None and high <= low else band
