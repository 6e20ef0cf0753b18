"""Loss bands: intervals of losses in whole numbers, which state whether each edge is included.

A band is a pair of integers `(over, up_to)`: it contains the losses x with over < x <= up_to. Because losses
are integers, a band that includes its lower edge can be written in this form, too: [300000, 500000) contains
the same losses as (299999, 499999]. So policies that include different edges can use the same bands. Special
bands have the same form:

    zero      (-1, 0]        negative  (None, -1]
    open top  (500000, None] unknown   (None, None)
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from typing import Literal

from outage_analysis.errors import UsageError
from outage_analysis.files import refuse_if
from outage_analysis.text import in_smallest_units

Closed = Literal["upper", "lower"]
Band = tuple[int | None, int | None]

NEGATIVE: Band = (None, -1)
ZERO: Band = (-1, 0)
UNKNOWN: Band = (None, None)

LARGEST_LOSS = 10**15
"""Losses from this size on are rejected: sums of their squares would overflow DuckDB's integers."""

LARGEST_CUT = 2**63 - 1
"""The largest 64-bit integer. Sums of losses and cuts are stored as 64-bit integers."""

GRID_PER_DECADE = 24
"""Number of cuts per factor of ten in the logarithmic grid."""


def log_grid() -> tuple[int, ...]:
    """Return upper edges of loss bands from 1 to 10^15, `GRID_PER_DECADE` per factor of ten."""
    steps = GRID_PER_DECADE * (len(str(LARGEST_LOSS)) - 1)
    return tuple(sorted({round(10 ** (k / GRID_PER_DECADE)) for k in range(steps + 1)}))


def holds_positive(band: Band) -> bool:
    """Return whether a band contains losses above 0; the unknown, zero and negative bands do not."""
    return band != UNKNOWN and (band[1] is None or band[1] > 0)


@dataclass(frozen=True)
class Bands:
    """A list of bands that covers every loss. Zero losses and unknown losses have their own bands.

    The bands are given by their cuts. Each cut is the largest loss of a band.

    Raises:
        UsageError: the cuts do not increase, are not whole numbers, or contain 0 or -1, where bands always
            end.
    """

    cuts: tuple[int, ...]
    """The cuts in increasing order. They are above 0; if `negative` is true, they may also be below -1."""
    negative: bool = False
    """Whether negative losses have bands: from minus infinity to -1, divided at every negative cut."""

    def __post_init__(self) -> None:
        """Raise an error if the cuts would put a loss into two bands or into none."""
        for before, cut in itertools.pairwise((-math.inf, *self.cuts)):
            is_edge = type(cut) is int and abs(cut) <= LARGEST_CUT and cut not in (-1, 0)
            if not is_edge or (cut < 0 and not self.negative) or before >= cut:
                raise UsageError(
                    "the edges of loss bands are whole numbers of the loss unit above 0 that increase",
                    value=cut,
                    remedy=f"Write each once, sorted, up to {LARGEST_CUT:,}: zero has a band of its own.",
                )

    @classmethod
    def from_cuts(cls, *cuts: tuple[int, ...], negative: bool = False) -> Bands:
        """Return the bands that end at every cut (largest loss of a band) of several sets of cuts.

        The cuts may be in any order; 0 and -1 are ignored.
        """
        return cls(tuple(sorted({*itertools.chain(*cuts)} - {-1, 0})), negative)

    def with_mirrored_negatives(self) -> Bands:
        """Return these bands with negative bands that mirror the positive ones: (5, 10] adds [-10, -5)."""
        return Bands.from_cuts(self.cuts, tuple(-1 - cut for cut in self.cuts), negative=True)

    def rows(self) -> list[Band]:
        """Return all bands in the order in which they are shown: negative, zero, positive, unknown."""
        cuts = sorted({*self.cuts, 0, *([-1] if self.negative else [])})
        lows: list[int | None] = [None if self.negative else -1, *cuts]
        return [*zip(lows, [*cuts, None], strict=True), UNKNOWN]


def band_within(inner: Band, outer: Band) -> bool:
    """Return whether `outer` contains every loss of `inner`; the unknown band contains only itself."""
    if UNKNOWN in (inner, outer):
        return inner == outer
    low = outer[0] is None or (inner[0] is not None and inner[0] >= outer[0])
    high = outer[1] is None or (inner[1] is not None and inner[1] <= outer[1])
    return low and high


def check_partition(bands: list[tuple[int, int | None]]) -> None:
    """Raise an error if a list of bands of positive losses has a gap or an overlap.

    Raises:
        ValueError: the bands have a gap or an overlap, a band is empty, the first band does not start at 0,
            or the last band has an upper edge. The message ends with a remedy, after " | ".
    """
    end: int | None = 0
    for low, high in bands:
        if end is None or (high is not None and high <= low):
            raise ValueError(
                f"the band over {low:,} is empty, or a band below it has no upper edge"
                " | Let each band end above its `over`, and leave `up_to` out of the last band alone."
            )
        problem = "two bands overlap on" if low < end else "there is a gap: no band covers"
        refuse_if(
            low != end,
            f"{problem} losses over {min(end, low):,} up to {max(end, low):,}"
            " | Make the first band start at 0, and the next one where the last one ends.",
        )
        end = high
    refuse_if(
        end is not None,
        f"the last band ends at {end or 0:,}: larger losses have no rule"
        " | Leave `up_to` out of the last band, or add a band that pays 0.",
    )


_INTERVAL = re.compile(r"([\[(])\s*(-?\d+(?:\.\d+)?)\s*,\s*(?:(\d+(?:\.\d+)?)|inf)?\s*([\])])", re.ASCII)
_MAX_LENGTH = 100
_NAMED_BANDS: dict[str, Band] = {"0": ZERO, "unknown": UNKNOWN, "negative": NEGATIVE}


def parse_band(text: str, digits: int = 0) -> Band:
    """Parse a band: `(0, 300000]`, `[300000, 500000)`, `>12.50`, `0`, `negative` or `unknown`.

    Args:
        text: the band, with edges in whole currency.
        digits: the decimals of a loss; the edges of the result are in its smallest unit.

    Raises:
        UsageError: the text is not a band, the band is empty, an edge has more decimals, or is above 10^15.
    """
    written = text.strip().casefold() if len(text) <= _MAX_LENGTH else ""
    band = _NAMED_BANDS.get(written)
    if match := _INTERVAL.fullmatch(f"({written[1:]},)" if written.startswith(">") else written):
        low, high = (None if x is None else in_smallest_units(x, digits) for x in (match[2], match[3]))
        if low is not None and (high is None) == (match[3] is None):
            band = low - (match[1] == "["), None if high is None else high - (match[4] == ")")
    low, high = band or (0, 0)
    is_empty = low is not None and high is not None and high <= low
    if band is None or is_empty or any(edge is not None and abs(edge) > LARGEST_LOSS for edge in band):
        remedy = "Write (0, 300000], [300000, 500000), >500000, 0, negative or unknown."
        raise UsageError("is not a loss band", value=text, remedy=remedy)
    return band
