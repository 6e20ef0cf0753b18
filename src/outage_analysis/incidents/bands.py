"""Loss bands: intervals of an integer measure, each with a stated closed side.

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

LARGEST_CUT = 2**63 - 1
"""Sums and cuts are kept as 64-bit integers."""

GRID_PER_DECADE = 24


def log_grid() -> tuple[int, ...]:
    """Integer cuts, `GRID_PER_DECADE` to each factor of ten, from 1 to the largest loss."""
    steps = GRID_PER_DECADE * (len(str(LARGEST_LOSS)) - 1)
    return tuple(sorted({round(10 ** (k / GRID_PER_DECADE)) for k in range(steps + 1)}))


def upper_cuts(edges: tuple[int, ...], closed: Closed) -> tuple[int, ...]:
    """Edges as inclusive upper cuts: 300,000 closed below becomes the cut 299,999."""
    return tuple(edge if closed == "upper" else edge - 1 for edge in edges)


def holds_positive(band: Band) -> bool:
    """Whether a band holds a loss above 0; the bands of unknown, zero and negative losses hold none."""
    return band != UNKNOWN and (band[1] is None or band[1] > 0)


@dataclass(frozen=True)
class Bands:
    """Bands between whole cuts, each cut the highest loss of its band; zero and unknown stand apart.

    Raises:
        UsageError: cuts that do not increase, that are no whole numbers, or 0 and -1, where bands end anyway.
    """

    cuts: tuple[int, ...]
    """Increasing; above 0, and with `negative` also below -1."""
    negative: bool = False
    """Whether negative losses have bands: one up to -1, cut at every negative cut."""

    def __post_init__(self) -> None:
        """Refuse cuts with which a loss would lie in two bands or in none."""
        for cut in self.cuts:
            if type(cut) is not int or abs(cut) > LARGEST_CUT:
                remedy = f"Write whole numbers of the loss unit, up to {LARGEST_CUT:,}."
                raise UsageError("an edge of the loss bands is no whole number", value=cut, remedy=remedy)
            if cut in (-1, 0) or (cut < 0 and not self.negative):
                below = " or below -1" if self.negative else ""
                remedy = f"Write edges above 0{below}: zero has a band of its own."
                raise UsageError("an edge of the loss bands is not above 0", value=cut, remedy=remedy)
        for low, high in itertools.pairwise(self.cuts):
            if low >= high:
                problem = "the edges of the loss bands do not increase"
                raise UsageError(problem, value=f"{low}, {high}", remedy="Sort them and write each once.")

    @classmethod
    def from_cuts(cls, *cuts: tuple[int, ...], negative: bool = False) -> Bands:
        """The bands on the union of several sets of cuts, in any order; 0 and -1 add none."""
        return cls(tuple(sorted({*itertools.chain(*cuts)} - {-1, 0})), negative)

    def with_mirrored_negatives(self) -> Bands:
        """These bands with negative ones as fine as the positive: beside (5, 10] also [-10, -5)."""
        return Bands.from_cuts(self.cuts, tuple(-1 - cut for cut in self.cuts), negative=True)

    def rows(self) -> list[Band]:
        """Every band in display order: negative, zero, positive ones, unknown."""
        cuts = sorted({*self.cuts, 0, *([-1] if self.negative else [])})
        lows: list[int | None] = [None if self.negative else -1, *cuts]
        return [*zip(lows, [*cuts, None], strict=True), UNKNOWN]

    def band_containing(self, loss: int | None) -> Band:
        """The band that holds one loss."""
        if loss is None:
            return UNKNOWN
        if loss < 0 and not self.negative:
            return NEGATIVE
        rows = self.rows()[:-1]
        return rows[bisect_left([LARGEST_CUT if high is None else high for _, high in rows], loss)]


def band_within(inner: Band, outer: Band) -> bool:
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
            ends = "no upper edge" if high is None else f"an upper edge of {high:,}"
            raise UsageError(
                f"the band over {low or 0:,} has {ends}, so it is empty or another band overlaps it",
                remedy="Let each band end above its `over`, and leave `up_to` out of the last band alone.",
            )
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


def lower_closed_cuts(text: str) -> set[int]:
    """The cuts of a band whose edges, as it is written, belong to the band above: 299,999 of `<300000`.

    Raises:
        UsageError: none of the known ways to write a band.
    """
    (low, high), word = parse_band(text), text.strip()
    below = low if word.startswith(("[", ">=")) else None
    above = high if word.endswith(")") or re.match("<(?!=)", word) else None
    return {cut for cut in (below, above) if cut is not None and cut >= 0}


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
