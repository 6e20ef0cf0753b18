"""Place equally likely amounts as stacks of dots on an axis of amounts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LINEAR_RATIO = 10.0
"""If the largest positive amount is at most this many times the smallest, the axis is linear."""
FEWEST_COLUMNS, MOST_COLUMNS = 18, 44
"""Number of dot widths between the first and the last dot."""
TALLEST = 6
"""Dots get smaller until no stack has more dots than this, or `MOST_COLUMNS` is reached."""
BELOW_RANGE = 20.0
"""A log axis starts no lower than the likely range divided by this; smaller dots have their own place."""
WIDEST = 1e4
"""If the likely range starts at 0, a log axis starts at the largest amount divided by this."""
ROUNDING = 1e-9
PAD = 1.5
"""Free space at both ends of the axis, in dot widths."""


@dataclass(frozen=True)
class DotLayout:
    """Dots on an axis of amounts. On a log axis, a place is the logarithm of an amount to base 10."""

    dots: list[dict[str, float]]
    """The dots: `amount`, `place` (on the axis) and `level` (in its stack, from 0)."""
    low: float
    """The place where the axis starts."""
    high: float
    """The place where the axis ends."""
    width: float
    """The width of a dot on the axis."""
    start: float
    """The place of the smallest amount that the axis can show."""
    small: float | None = None
    """The place of the dots below `start`, on a log axis; None if there are none."""
    log: bool = False
    """Whether the axis is logarithmic."""

    @property
    def only_zeros(self) -> bool:
        """Whether all dots that are too small for a log axis are 0."""
        return not any(dot["amount"] for dot in self.dots if self.log and dot["place"] < self.start)

    @property
    def dot_share(self) -> float:
        """The width of a dot as a share of the axis."""
        return self.width / (self.high - self.low)

    def place(self, amount: float) -> float:
        """Return the place of an amount on the axis; amounts too small for a log axis share a place."""
        if not self.log:
            return amount
        if amount <= 0 or math.log10(amount) < self.start:
            return self.low if self.small is None else self.small
        return math.log10(amount)


def dot_layout(
    amounts: Sequence[float], marked: Sequence[float], likely_low: float, line: float
) -> DotLayout:
    """Stack dots on an axis that also has room for other amounts.

    Args:
        amounts: the amounts of the dots, none of them negative.
        marked: further amounts on the axis, such as the mean and published forecasts.
        likely_low: the lower end of the likely range.
        line: an amount, such as the budget; every dot stands on its own side of it.

    Returns:
        The layout. No dot is displaced by more than its width, except that many equal amounts stand side by
        side. Dots do not overlap.
    """
    positive = [x for x in amounts if x > 0]
    log = bool(positive) and max(positive) > LINEAR_RATIO * min(positive)
    if not log:
        return _linear(amounts, marked, line)
    least = likely_low / BELOW_RANGE if likely_low > 0 else max(positive) / WIDEST
    least = max(least, min(positive))
    shown = [x for x in amounts if x >= least]
    places = sorted(math.log10(x) for x in shown)
    stacked, width = _stack(places, 1.0, math.log10(max(line, least)))
    below = sorted(x for x in amounts if x < least)
    start = min(places[0], *(dot["place"] for dot in stacked))
    columns = math.ceil(len(below) / TALLEST)
    first = start - (columns + PAD) * width  # the place of the first stack of small dots
    small = [
        {"amount": x, "place": first + (n // TALLEST) * width, "level": float(n % TALLEST)}
        for n, x in enumerate(below)
    ]
    others = [math.log10(x) for x in marked if x >= least]
    low = min([*others, first if below else start]) - PAD * width
    high = max([*others, places[-1]]) + PAD * width
    dots = small + [{"amount": x, **dot} for x, dot in zip(sorted(shown), stacked, strict=True)]
    centre = first + (columns - 1) * width / 2 if below else None
    return DotLayout(dots, low, high, width, start - width / 2, centre, log=True)


def _linear(amounts: Sequence[float], marked: Sequence[float], line: float) -> DotLayout:
    everything = [*amounts, *marked]
    least, most = min(everything), max(everything)
    stacked, width = _stack(sorted(amounts) or [most], max(most, 1.0), line)
    dots = [{"amount": x, **dot} for x, dot in zip(sorted(amounts), stacked, strict=False)]
    places = [*everything, *(dot["place"] for dot in dots)]
    pad = PAD * width if least < most else most / 2 or 1.0
    low, high = min(places) - pad, max(places) + pad
    return DotLayout(dots, min(0.0, low) if least < most / 2 else low, high, width, low)


def _stack(
    places: Sequence[float], span_if_equal: float, line: float
) -> tuple[list[dict[str, float]], float]:
    """Return place and level of each dot, in ascending order, and the width of a dot."""
    span = places[-1] - places[0] or span_if_equal
    for columns in range(FEWEST_COLUMNS, MOST_COLUMNS + 1):
        width = span / columns
        bins = Counter(math.ceil((place - line) / width - ROUNDING) for place in places)
        if max(bins.values()) <= TALLEST:
            break
    stacks = [(line + (n - 0.5) * width, count) for n, count in sorted(bins.items())]
    # Equal amounts stay together however narrow the dots are. They stand side by side if there is room.
    tallest = next(n for n in range(min(TALLEST, len(places)), len(places) + 1) if _fits(stacks, width, n))
    return [dot for middle, count in stacks for dot in _block(middle, count, width, tallest)], width


def _fits(stacks: Sequence[tuple[float, int]], width: float, tallest: int) -> bool:
    halves = [math.ceil(count / tallest) * width / 2 for _, count in stacks]
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(stacks)]
    return all(gap >= (a + b) * (1 - ROUNDING) for gap, (a, b) in zip(gaps, pairwise(halves), strict=True))


def _block(middle: float, count: int, width: float, tallest: int) -> list[dict[str, float]]:
    columns = math.ceil(count / tallest)
    return [
        {"place": middle + (n % columns - (columns - 1) / 2) * width, "level": float(n // columns)}
        for n in range(count)
    ]
