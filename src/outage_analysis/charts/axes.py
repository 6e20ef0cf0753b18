"""Axes of money and of ratios, and amounts as a person says them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import altair as alt

from outage_analysis.text import CHART_STEPS, Locale

FEW_DECADES = 2.5
"""A log axis over fewer decades has ticks at 2 and 5 too."""
SOME_DECADES = 4
"""Over fewer than these it has ticks at 3."""
FEWEST_TICKS, MOST_TICKS = 3, 6
TICK_DIGITS = 6
"""Ticks are round: none has more digits."""
NARROW = 420
"""An axis of fewer pixels has no room for every label."""
FEWEST_TENS = 2
WIDE = 20
"""From this ratio of largest to smallest on, amounts are compared on a log axis."""


def brief(locale: Locale, amount: float, digits: int = 2) -> str:
    """An amount of the smallest unit in so many digits and the step that a person says: 190m, 1.9억."""
    return stepped(locale, amount / 10**locale.minor_units, digits)


def money_ends(locale: Locale, low: float, high: float) -> tuple[str, str]:
    """Two amounts of the smallest unit in prose; the unit is said once where both share it."""
    first, last = locale.money_range(low, high).split(" – ")
    return first, last


def stepped(locale: Locale, value: float, digits: int = 2) -> str:
    """A number in so many digits and the step that a person says: 17m, 1,700만."""
    rounded = locale.rounded(value, digits)
    size, name = next(((s, n) for s, n in CHART_STEPS[locale.lang] if abs(rounded) >= s), (1, ""))
    return f"{rounded / size:,.10g}{name}"


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from one end to the other of a log axis."""
    decades = math.log10(high / low)
    digits = (1, 2, 5) if decades < FEW_DECADES else (1, 3) if decades < SOME_DECADES else (1,)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks = [digit * 10**k if k >= 0 else digit / 10**-k for k in range(first, last + 1) for digit in digits]
    found = [tick for tick in ticks if low <= tick <= high]
    return found if len(found) >= FEWEST_TICKS else even_ticks(low, high)


def even_ticks(low: float, high: float) -> list[float]:
    """Round numbers at even steps from one end to the other of an axis."""
    room = (high - low) / MOST_TICKS
    tens = 10.0 ** math.floor(math.log10(room))
    step = next(digit * tens for digit in (1, 2, 5, 10) if digit * tens >= room)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def labelled(ticks: Sequence[float], labels: Sequence[str]) -> alt.Axis:
    """An axis with a label of our own at each tick; a narrow one has them at powers of ten, if it can."""
    tens = [math.isclose(math.log10(t) % 1, 0, abs_tol=1e-9) if t > 0 else False for t in ticks]
    few = [label if ten or sum(tens) < FEWEST_TENS else "" for label, ten in zip(labels, tens, strict=True)]
    # Arrays written as JSON are expressions of the same meaning.
    wide, narrow, at = (json.dumps(list(x), ensure_ascii=False) for x in (labels, few, ticks))
    shown = f"(width < {NARROW} ? {narrow} : {wide})[indexof({at}, datum.value)]"
    return alt.Axis(
        values=list(ticks), labelExpr=shown, labelSeparation=5, labelOverlap="parity", labelFlush=20
    )


def money_x(field: str, locale: Locale, title: str, low: float, high: float) -> alt.X:
    """A horizontal axis of amounts of the smallest unit: from 0, or logarithmic if `low` is above it."""
    unit = 10**locale.minor_units
    ticks = log_ticks(low / unit, high / unit) if low else even_ticks(0, high / unit)
    axis = labelled([t * unit for t in ticks], [stepped(locale, tick, TICK_DIGITS) for tick in ticks])
    scale = alt.Scale(type="log" if low else "linear", domain=[low, high], nice=False)
    return alt.X(f"{field}:Q", title=title, scale=scale, axis=axis)
