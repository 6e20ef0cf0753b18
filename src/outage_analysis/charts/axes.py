"""Axes of amounts, ratios, days and hours, with short labels such as 190m; the outage and deadlines on days.

A day is a calendar day in the time zone of the incident. The axes place its midnight at midnight UTC and use
a UTC scale, so a chart shows the same days wherever it is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import altair as alt

from outage_analysis.charts.dot_stacks import DotLayout
from outage_analysis.charts.marks import axis_for_field
from outage_analysis.charts.theme import GREY, MUTED, SHADE, ChartContext
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
MOST_TICKS = 40
"""Largest number of ticks of a day axis. Vega leaves out labels for which there is no room."""
LONG = 365
"""Number of days from which the labels include the year."""
LABEL_ROW = 14
"""Pixels: height of a row of labels above a chart of days."""
DAY = timedelta(days=1)
MARGIN = 1.0
"""An outage before the first day is shown if it makes the axis at most this many times longer."""


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
    steps = [digit * power_of_ten for digit in (0.5, 1, 2, 5, 10)]
    place = next(n for n, step in enumerate(steps) if step >= smallest_step)
    wide, narrow = (
        [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
        for step in (steps[place], steps[place - 1])
    )
    return wide if len(wide) >= MIN_TICKS else narrow


def labelled_axis(
    ticks: Sequence[float], labels: Sequence[str], places: Sequence[float] | None = None
) -> dict[str, Any]:
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
    return {
        "values": list(places or ticks),
        "labelExpr": expression,
        "labelSeparation": 5,
        "labelOverlap": "parity",
        "labelFlush": 20,
    }


def money_axis(field: str, locale: Locale, label: str, low: float, high: float, **values: object) -> alt.X:
    """Return a horizontal axis for amounts in the smallest currency unit, from `low` to `high`.

    The axis is logarithmic if `low` is above 0, and linear otherwise.

    Args:
        field: the column with the amounts.
        locale: language and currency.
        label: the key of the title, whose placeholders are the unit and the names in `values`.
        low: the start of the axis.
        high: its end.
        values: the values for further placeholders.
    """
    unit = 10**locale.minor_units
    ticks = log_ticks(low / unit, high / unit) if low else even_ticks(0, high / unit)
    labels = [short_number(locale, tick, TICK_DIGITS) for tick in ticks]
    return alt.X(
        f"{field}:Q",
        title=locale(label, unit=locale.unit, **values),
        scale={"type": "log" if low else "linear", "domain": [low, high], "nice": False},
        axis=labelled_axis([tick * unit for tick in ticks], labels),
    )


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
    scale = {"domain": [layout.low, layout.high], "nice": False, "zero": False}
    return alt.X("place:Q", title=title, scale=scale, axis=labelled_axis(ticks, labels, places))


def milliseconds(moment: date | datetime) -> int:
    """Return the number of milliseconds from 1970 to a local time or to the start of a day, on a day axis."""
    local = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    return round(local.replace(tzinfo=UTC).timestamp() * 1000)


def noon(day: date) -> int:
    """Return the position of the middle of a day on a day axis."""
    return milliseconds(datetime.combine(day, time(12)))


def shown_days(first: date, last: date, context: ChartContext) -> tuple[date, date]:
    """Return the first and last day of an axis that shows `first` to `last`, the outage and the deadlines.

    An outage or a deadline far from these days is not shown.
    """
    most = max(MARGIN * (last - first + DAY).days, 7)
    marked = [day for day, _ in context.deadlines]
    if context.outage:
        marked += [moment.date() for moment in context.outage]
    near = [day for day in marked if first - most * DAY <= day <= last + most * DAY]
    return min([first, *near]), max([last, *near])


def day_x(field: str, days: tuple[date, date], locale: Locale) -> alt.X:
    """Return a horizontal time axis over `days`, the first and the last day; each tick is at noon."""
    first, last = days
    count = (last - first).days + 1
    ticks = [first + n * DAY for n in range(0, count, -(-count // MOST_TICKS))]
    labels = [str(day) if count > LONG else locale.short_day(day) for day in ticks]
    at = [noon(day) for day in ticks]
    # Ticks and domain are expressions, because Vega-Lite turns numbers into calls of `datetime`, which Vega
    # takes for a year where it may not compile scripts, as on the page. Labels are looked up, because Vega's
    # own day names are English.
    axis = {
        "values": alt.ExprRef(str(at)),
        "labelExpr": f"{json.dumps(labels, ensure_ascii=False)}[indexof({at}, +datum.value)]",
        "labelOverlap": "parity",
        "labelSeparation": 8,
        "labelAngle": 0,
        "grid": False,
    }
    domain = alt.ExprRef(f"[{milliseconds(first)}, {milliseconds(last + DAY)}]")
    return alt.X(f"{field}:T", title=None, axis=axis, scale={"type": "utc", "domain": domain, "nice": False})


def day_marks(
    x: alt.X, days: tuple[date, date], context: ChartContext, height: int
) -> tuple[list[alt.Chart], list[alt.Chart]]:
    """Return the layers that mark the outage and the deadlines on a time axis.

    The labels stand above the chart, each in a row of its own, so that they never overlap.

    Args:
        x: the axis.
        days: the first and last day of the axis.
        context: the outage and the deadlines, in local time.
        height: the height of the chart in pixels.

    Returns:
        The shading of the outage, to be drawn under the data, and the labelled rules, to be drawn over them.
    """
    rows = (context.outage is not None) + len(context.deadlines)
    low, high = milliseconds(days[0]), milliseconds(days[1] + DAY)
    at_day = axis_for_field(x, "day")

    def label(at: float, text: str, y: int) -> alt.Chart:
        """Label a position: to its right in the left half of the chart, else to its left."""
        side: dict[str, Any] = (
            {"align": "left", "dx": 4} if at <= (low + high) / 2 else {"align": "right", "dx": -4}
        )
        words = _inline({"day": at, "label": text}).mark_text(**side, fontSize=11, color=MUTED, aria=False)
        labelled: alt.Chart = words.encode(at_day, y=alt.YValue(y), text=alt.Text("label:N"))
        return labelled

    under, over = [], []
    if context.outage:
        start, end = (milliseconds(moment) for moment in context.outage)
        start, end = max(start, low), min(end, high)
        if start < end:
            shade = _inline({"from": start, "to": end}).mark_rect(color=SHADE, opacity=0.55, aria=False)
            top = alt.YValue(-LABEL_ROW * rows - 2)  # above the label, which stands in the highest row
            under.append(
                shade.encode(axis_for_field(x, "from"), x2=alt.X2("to:T"), y=top, y2=alt.Y2Value(height))
            )
            over.append(label(start, context.locale("chart.day_outage"), -LABEL_ROW * (rows - 1) - 5))
    for number, (day, text) in enumerate(context.deadlines):
        at = milliseconds(day + DAY)
        if low < at <= high:
            row = -LABEL_ROW * number  # a later rule is taller, so that no rule crosses a label to its right
            rule = _inline({"day": at}).mark_rule(color=GREY, strokeDash=[4, 3], aria=False)
            over.append(rule.encode(at_day, y=alt.YValue(row - 10), y2=alt.Y2Value(height)))
            over.append(label(at, text, row - 5))
    return under, over


def _inline(row: Mapping[str, float | str]) -> alt.Chart:
    # `Data`, unlike `InlineData`, keeps the row in the layer, apart from the data sets of the chart.
    return alt.Chart(alt.Data(values=[dict(row)]))


def mark_sentences(context: ChartContext) -> str:
    """Return sentences on the outage and the deadlines for the text description of a chart of days."""
    locale, told = context.locale, []
    if context.outage:
        start, end = (locale.day(moment.date()) for moment in context.outage)
        told.append(locale("chart.day_outage_told", start=start, end=end))
    told += [locale("chart.day_mark_told", label=label) for _, label in context.deadlines]
    return "".join(f" {sentence}" for sentence in told)
