"""Charts of claims by day: claims filed, the forecast of each day, the outage and the deadlines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts import theme
from outage_analysis.charts.chart_output import finish_chart
from outage_analysis.charts.loss_charts import thin_evenly
from outage_analysis.text import Locale

MAX_DAYS = 365
"""Largest number of points in the intake chart."""
MANY_POINTS = 60
"""The intake chart draws more points than this smaller."""
INTAKE_HEIGHT = 260
MOST_TICKS = 40
"""Largest number of ticks of a day axis. Vega leaves out labels for which there is no room."""
LONG = 365
"""Number of days from which the labels include the year."""
LABEL_ROW = 14
"""Pixels: height of a row of labels above a chart of days."""
DAY = timedelta(days=1)
MARGIN = 1.0
"""An outage before the first day is shown if it makes the axis at most this many times longer."""


def intake(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw a line chart of the cumulative number of claims by day, with the outage and the deadlines."""
    locale = context.locale
    if len(table) < 2:  # noqa: PLR2004 - a line needs two points
        raise theme.NothingToDraw
    shown = thin_evenly(table, MAX_DAYS)
    first, last = shown["filed_on"][0], shown["filed_on"][-1]
    days = shown_days(first, last, context)
    data = shown.select("cumulative", day=pl.Series([noon(day) for day in shown["filed_on"]]))
    x = day_x("day", days, locale)
    y = _count_axis("cumulative", shown["cumulative"][-1], locale)  # a cumulative count never falls
    base = alt.Chart(data)
    points = alt.OverlayMarkDef(color=theme.ACCENT, size=30 if len(data) <= MANY_POINTS else 8)
    end = base.transform_filter(alt.datum.day == noon(last))
    total = end.mark_text(align="right", dx=-10, dy=-2, fontWeight=600)
    under, over = day_marks(x, days, context, INTAKE_HEIGHT)
    return finish_chart(
        alt.layer(
            *under,
            base.mark_line(color=theme.ACCENT, point=points).encode(x, y),
            total.encode(x, y, text=alt.Text("cumulative:Q", format=",d")),
            *over,
        ),
        context,
        "intake",
        measure="chart.intake_title",
        marks=mark_sentences(context),
        height=INTAKE_HEIGHT,
    )


def _count_axis(field: str, most: int, locale: Locale) -> alt.Y:
    return alt.Y(
        f"{field}:Q",
        title=locale("chart.intake_y"),
        axis=alt.Axis(format=",d", tickMinStep=1),
        scale=alt.Scale(domain=[0, most], nice=True),
    )


def intake_days(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw the final count as it was forecast on each day, with its range, above the claims filed by then.

    Args:
        table: the table `days` of `forecast_by_day`.
        context: the language, the outage and the deadlines.
    """
    locale, (first, last) = context.locale, (table["day"][0], table["day"][-1])
    shown = thin_evenly(table, MAX_DAYS // 2)
    data = shown.select(
        "filed", "median", "low", "high", "final", at=pl.Series([noon(day) for day in shown["day"]])
    )
    days = shown_days(first, last, context)
    x, base = day_x("at", days, locale), alt.Chart(data)
    highest = max(value for name in ("filed", "high", "final") for value in data[name] if value is not None)
    y = _count_axis("filed", highest, locale)
    forecasts = base.transform_filter("isValid(datum.median)")
    low, median, final = (theme.axis_for_field(y, name) for name in ("low", "median", "final"))
    ranges = forecasts.mark_rule(color=theme.ACCENT, strokeWidth=5, opacity=0.35)
    under, over = day_marks(x, days, context, INTAKE_HEIGHT)
    end = table.row(-1, named=True)
    values = {"day": locale.day(last), "level": locale.share(end["level"])}
    finding = locale("chart.days_none", **values)
    if end["filed"] == end["high"]:
        finding = locale("terminal.intake_counted", day=values["day"], count=locale.number(end["filed"]))
    elif end["median"] is not None:
        values |= {name: locale.number(round(locale.rounded(end[name], 3))) for name in ("low", "high")}
        finding = locale("chart.days_finding", deadline=locale.day(end["closes"]), **values)
    return finish_chart(
        alt.layer(
            *under,
            base.mark_line(color=theme.INK).encode(x, y),
            ranges.encode(x, low, alt.Y2("high:Q")),
            forecasts.mark_point(filled=True, color=theme.ACCENT, size=35, opacity=1).encode(x, median),
            base.mark_line(color=theme.GREY, strokeDash=[5, 3], interpolate="step-after").encode(x, final),
            *over,
        ),
        context,
        "days",
        finding=finding,
        marks=mark_sentences(context),
        height=INTAKE_HEIGHT,
        level=values["level"],
        final="" if data["final"].null_count() == len(data) else locale("chart.days_final"),
    )


def milliseconds(moment: date | datetime) -> int:
    """Return the number of milliseconds from 1970 to a local time or to the start of a day, on a day axis."""
    local = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    return round(local.replace(tzinfo=UTC).timestamp() * 1000)


def noon(day: date) -> int:
    """Return the position of the middle of a day on a day axis."""
    return milliseconds(datetime.combine(day, time(12)))


def shown_days(first: date, last: date, context: theme.ChartContext) -> tuple[date, date]:
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
    x: alt.X, days: tuple[date, date], context: theme.ChartContext, height: int
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
    at_day = theme.axis_for_field(x, "day")

    def label(at: float, text: str, y: int) -> alt.Chart:
        """Label a position: to its right in the left half of the chart, else to its left."""
        side: dict[str, Any] = (
            {"align": "left", "dx": 4} if at <= (low + high) / 2 else {"align": "right", "dx": -4}
        )
        words = _inline({"day": at, "label": text}).mark_text(
            **side, fontSize=11, color=theme.MUTED, aria=False
        )
        labelled: alt.Chart = words.encode(at_day, y=alt.YValue(y), text=alt.Text("label:N"))
        return labelled

    under, over = [], []
    if context.outage:
        start, end = (milliseconds(moment) for moment in context.outage)
        start, end = max(start, low), min(end, high)
        if start < end:
            shade = _inline({"from": start, "to": end}).mark_rect(color=theme.SHADE, opacity=0.55, aria=False)
            top = alt.YValue(-LABEL_ROW * rows - 2)  # above the label, which stands in the highest row
            under.append(
                shade.encode(
                    theme.axis_for_field(x, "from"), x2=alt.X2("to:T"), y=top, y2=alt.Y2Value(height)
                )
            )
            over.append(label(start, context.locale("chart.day_outage"), -LABEL_ROW * (rows - 1) - 5))
    for number, (day, text) in enumerate(context.deadlines):
        at = milliseconds(day + DAY)
        if low < at <= high:
            row = -LABEL_ROW * number  # a later rule is taller, so that no rule crosses a label to its right
            rule = _inline({"day": at}).mark_rule(color=theme.GREY, strokeDash=[4, 3], aria=False)
            over.append(rule.encode(at_day, y=alt.YValue(row - 10), y2=alt.Y2Value(height)))
            over.append(label(at, text, row - 5))
    return under, over


def _inline(row: Mapping[str, float | str]) -> alt.Chart:
    # `Data`, unlike `InlineData`, keeps the row in the layer, apart from the data sets of the chart.
    return alt.Chart(alt.Data(values=[dict(row)]))


def mark_sentences(context: theme.ChartContext) -> str:
    """Return sentences on the outage and the deadlines for the text description of a chart of days."""
    locale, told = context.locale, []
    if context.outage:
        start, end = (locale.day(moment.date()) for moment in context.outage)
        told.append(locale("chart.day_outage_told", start=start, end=end))
    told += [locale("chart.day_mark_told", label=label) for _, label in context.deadlines]
    return "".join(f" {sentence}" for sentence in told)
