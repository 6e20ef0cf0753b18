"""Build chart axes for amounts of money and for ratios, and short labels such as 190m."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import altair as alt

from outage_analysis.charts.dot_stacks import DotLayout
from outage_analysis.text import CHART_STEPS, Locale

FEW_DECADES = 2.5
"""A log axis that spans fewer decades than this also has ticks at 2 and 5 times each power of ten."""
SOME_DECADES = 4
"""A log axis that spans fewer decades than this also has ticks at 3 times each power of ten."""
MIN_TICKS, MAX_TICKS = 3, 6
TICK_DIGITS = 6
"""Significant digits of a tick label. Ticks are round numbers, so no digit is lost."""
NARROW_AXIS = 420
"""Width in pixels. A narrower axis labels only its powers of ten, if there are at least two."""
MIN_POWERS_OF_TEN = 2
MAX_FLOAT_DIGITS = 15
"""The most significant digits that a float holds."""
LOG_AXIS_RATIO = 20
"""If the largest amount is at least this many times the smallest, use a log axis."""


def short_amount(locale: Locale, amount: float, digits: int = 2) -> str:
    """Format an amount, given in the smallest currency unit, as a short label such as 190m or 1.9억."""
    return short_number(locale, amount / 10**locale.minor_units, digits)


def short_span(locale: Locale, low: float, high: float) -> str:
    """Format a range of amounts, given in the smallest currency unit, as a short label such as 1.1m–440m."""
    return locale.span(short_amount(locale, low), short_amount(locale, high))


def money_range_ends(locale: Locale, low: float, high: float) -> tuple[str, str]:
    """Return the low and the high end of a range of amounts as text for a sentence.

    Amounts have two significant digits, or more if they would otherwise look equal.
    """
    for digits in range(2, MAX_FLOAT_DIGITS + 1):
        first, last = locale.money(low, digits), locale.money(high, digits)
        if first != last:
            break
    return first, last


def short_number(locale: Locale, value: float, digits: int = 2) -> str:
    """Format a number as a short label, with a suffix for thousands, millions and so on: 17m or 1,700만."""
    rounded = locale.rounded(value, digits)
    size, name = next(((s, n) for s, n in CHART_STEPS[locale.lang] if abs(rounded) >= s), (1, ""))
    return f"{rounded / size:,.10g}{name}"


def log_ticks(low: float, high: float) -> list[float]:
    """Return round tick values between the two ends of a log axis."""
    decades = math.log10(high / low)
    digits = (1, 2, 5) if decades < FEW_DECADES else (1, 3) if decades < SOME_DECADES else (1,)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks = [digit * 10**k if k >= 0 else digit / 10**-k for k in range(first, last + 1) for digit in digits]
    inside = [tick for tick in ticks if low <= tick <= high]
    return inside if len(inside) >= MIN_TICKS else even_ticks(low, high)


def even_ticks(low: float, high: float) -> list[float]:
    """Return evenly spaced round tick values between the two ends of a linear axis."""
    smallest_step = (high - low) / MAX_TICKS
    power_of_ten = 10.0 ** math.floor(math.log10(smallest_step))
    step = next(digit * power_of_ten for digit in (1, 2, 5, 10) if digit * power_of_ten >= smallest_step)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def labelled_axis(
    ticks: Sequence[float], labels: Sequence[str], places: Sequence[float] | None = None
) -> alt.Axis:
    """Return an axis with ticks at `places`, each with its text from `labels`.

    The places are the values `ticks` unless the axis shows another measure, such as their logarithms. If the
    axis is narrower than `NARROW_AXIS` pixels and has ticks at two or more powers of ten, only these ticks
    are labelled.
    """
    powers = [math.isclose(math.log10(t) % 1, 0, abs_tol=1e-9) if t > 0 else False for t in ticks]
    keep_all = sum(powers) < MIN_POWERS_OF_TEN
    few = [
        label if power or keep_all or not tick else ""
        for tick, label, power in zip(ticks, labels, powers, strict=True)
    ]
    # Write labels and ticks as JSON, because a JSON array is also a valid Vega expression.
    wide, narrow, at = (json.dumps(list(x), ensure_ascii=False) for x in (labels, few, places or ticks))
    expression = f"(width < {NARROW_AXIS} ? {narrow} : {wide})[indexof({at}, datum.value)]"
    return alt.Axis(
        values=list(places or ticks),
        labelExpr=expression,
        labelSeparation=5,
        labelOverlap="parity",
        labelFlush=20,
    )


def money_axis(
    field: str, locale: Locale, title: str, low: float, high: float, scale: alt.Scale | None = None
) -> alt.X:
    """Return a horizontal axis for amounts in the smallest currency unit.

    The axis is logarithmic if `low` is above 0, and linear otherwise. It ends at `low` and `high`, unless a
    scale is given.
    """
    unit = 10**locale.minor_units
    ticks = log_ticks(low / unit, high / unit) if low else even_ticks(0, high / unit)
    axis = labelled_axis(
        [t * unit for t in ticks], [short_number(locale, tick, TICK_DIGITS) for tick in ticks]
    )
    scale = scale or alt.Scale(type="log" if low else "linear", domain=[low, high], nice=False)
    return alt.X(f"{field}:Q", title=title, scale=scale, axis=axis)


def dots_axis(layout: DotLayout, locale: Locale, title: str) -> alt.X:
    """Return the horizontal axis of a chart of dots, whose amounts are in the smallest currency unit.

    On a log axis, the dots that are too small for it have a tick of their own: 0, or "below" the amount at
    which the axis starts.
    """
    unit = 10**locale.minor_units
    if layout.log:
        ticks = log_ticks(10**layout.start / unit, 10**layout.high / unit)
        places = [math.log10(tick * unit) for tick in ticks]
    else:
        ticks = [tick for tick in even_ticks(layout.low / unit, layout.high / unit) if tick >= 0]
        places = [tick * unit for tick in ticks]
    labels = [short_number(locale, tick, TICK_DIGITS) for tick in ticks]
    if layout.small is not None:
        least = short_amount(locale, 10**layout.start)
        ticks, places = [0.0, *ticks], [layout.small, *places]
        labels = ["0" if layout.only_zeros else locale("chart.less_than", amount=least), *labels]
    scale = alt.Scale(domain=[layout.low, layout.high], nice=False, zero=False)
    return alt.X("place:Q", title=title, scale=scale, axis=labelled_axis(ticks, labels, places))
