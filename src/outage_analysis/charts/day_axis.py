"""Time axes for charts per day or hour. The outage is shaded, and a labelled line marks each deadline.

A day is a calendar day in the time zone of the incident. The axes place its midnight at midnight UTC and use
a UTC scale, so a chart shows the same days wherever it is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import altair as alt

from outage_analysis.charts.theme import GREY, SHADE, ChartContext
from outage_analysis.text import Locale

MOST_TICKS = 40
"""Largest number of ticks of a day axis. Vega leaves out labels for which there is no room."""
LONG = 365
"""Number of days from which the labels include the year."""
LABEL_ROW = 14
"""Pixels: height of a row of labels above a chart."""
TICK_HOURS, MOST_HOUR_TICKS = (3, 6, 12), 14
"""Hours between the ticks of an hour axis, and the largest number of ticks for which this step is used."""
DAY = timedelta(days=1)
MARGIN = 1.0
"""An outage before the first day is shown if it makes the axis at most this many times longer."""


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


def day_x(field: str, days: tuple[date, date], locale: Locale, *, over_data: bool = False) -> alt.X:
    """Return a horizontal time axis from the first to the last of `days`, with a tick at noon of a day.

    With `over_data`, the axis is drawn over the data instead of under them.
    """
    first, last = days
    count = (last - first).days + 1
    every = -(-count // MOST_TICKS)
    ticks = [first + n * DAY for n in range(0, count, every)]
    labels = [str(day) if count > LONG else locale.short_day(day) for day in ticks]
    at = [noon(day) for day in ticks]
    # Vega's own day names are English, so the labels are looked up.
    expression = f"{json.dumps(labels, ensure_ascii=False)}[indexof({at}, +datum.value)]"
    axis = alt.Axis(
        values=alt.ExprRef(str(at)),
        labelExpr=expression,
        labelOverlap="parity",
        labelSeparation=8,
        grid=False,
        labelAngle=0,
        zindex=int(over_data),
    )
    # Ticks and domain are expressions, because Vega-Lite turns numbers into calls of `datetime`, which Vega
    # takes for a year where it may not compile scripts, as on the page.
    domain = alt.ExprRef(f"[{milliseconds(first)}, {milliseconds(last + DAY)}]")
    return alt.X(f"{field}:T", title=None, axis=axis, scale=alt.Scale(type="utc", domain=domain, nice=False))


def hour_x(field: str, days: tuple[date, date], locale: Locale) -> alt.X:
    """Return the horizontal time axis of an hourly chart, from the first to the last of `days`.

    If the axis covers a few days, it has a tick every few hours, with the date at midnight. If it covers
    more days, it has a tick at each midnight.
    """
    first, last = days
    hours = 24 * ((last - first).days + 1)
    every = next((step for step in TICK_HOURS if hours <= step * MOST_HOUR_TICKS), None)
    if every is None:
        every = 24 * -(-hours // (24 * MOST_TICKS))
    start = datetime.combine(first, time())
    ticks = [start + timedelta(hours=n) for n in range(0, hours + 1, every)]
    labels = [locale.short_day(tick.date()) if tick.hour == 0 else f"{tick:%H:%M}" for tick in ticks]
    at = [milliseconds(tick) for tick in ticks]
    expression = f"{json.dumps(labels, ensure_ascii=False)}[indexof({at}, +datum.value)]"
    axis = alt.Axis(
        values=alt.ExprRef(str(at)),
        labelExpr=expression,
        labelOverlap="parity",
        labelSeparation=8,
        labelAngle=0,
        grid=False,
    )
    domain = alt.ExprRef(f"[{milliseconds(first)}, {milliseconds(last + DAY)}]")
    return alt.X(f"{field}:T", title=None, axis=axis, scale=alt.Scale(type="utc", domain=domain, nice=False))


def day_marks(
    x: alt.X, days: tuple[date, date], context: ChartContext, height: int
) -> tuple[list[alt.Chart], list[alt.Chart]]:
    """Return the layers that mark the outage and the deadlines on an axis of `day_x`.

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
    under: list[alt.Chart] = []
    over: list[alt.Chart] = []
    if context.outage:
        start, end = (milliseconds(moment) for moment in context.outage)
        seen: dict[str, float] = {"from": max(start, low), "to": min(end, high)}
        if seen["from"] < seen["to"]:
            label = context.locale("chart.day_outage")
            under += _shade(x, seen, height, rows)
            over += _label(x, seen["from"], label, -LABEL_ROW * (rows - 1) - 5, (low + high) / 2)
    for number, (day, label) in enumerate(context.deadlines):
        at = milliseconds(day + DAY)
        if low < at <= high:
            row = -LABEL_ROW * number  # a later rule is taller, so that no rule crosses a label to its right
            rule = _frame([{"day": at}]).mark_rule(color=GREY, strokeDash=[4, 3], aria=False)
            over.append(rule.encode(_position(x, "day"), y=alt.value(row - 10), y2=alt.value(height)))
            over += _label(x, at, label, row - 5, (low + high) / 2)
    return under, over


def mark_texts(context: ChartContext) -> list[str]:
    """Return the marks of a day axis as sentences for the text description of a chart."""
    locale, told = context.locale, []
    if context.outage:
        start, end = (locale.day(moment.date()) for moment in context.outage)
        told.append(locale("chart.day_outage_told", start=start, end=end))
    return [*told, *(locale("chart.day_mark_told", label=label) for _, label in context.deadlines)]


def _shade(x: alt.X, seen: dict[str, float], height: int, rows: int) -> list[alt.Chart]:
    band = _frame([seen]).mark_rect(color=SHADE, opacity=0.55, aria=False)
    top = -LABEL_ROW * rows - 2  # above the label, which stands in the highest row
    return [band.encode(_position(x, "from"), x2="to:T", y=alt.value(top), y2=alt.value(height))]


def _label(x: alt.X, at: float, label: str, y: int, middle: float) -> list[alt.Chart]:
    """Label a position: to its right in the left half of the chart, else to its left."""
    right = at <= middle
    text = _frame([{"day": at, "label": label}]).mark_text(
        align="left" if right else "right", dx=4 if right else -4, fontSize=11, color="#57606a", aria=False
    )
    return [text.encode(_position(x, "day"), y=alt.value(y), text="label:N")]


def _frame(rows: Sequence[Mapping[str, float | str]]) -> alt.Chart:
    # `Data`, unlike `InlineData`, keeps the few rows in the layer, apart from the data sets of the chart.
    data = alt.Data(values=[dict(row) for row in rows])  # type: ignore[no-untyped-call]
    return alt.Chart(data)


def _position(x: alt.X, field: str) -> alt.X:
    """Return the same axis for another field."""
    other = x.copy()
    other.shorthand = f"{field}:T"
    return other
