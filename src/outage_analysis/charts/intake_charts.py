"""Charts of the claims intake: cumulative claims per day, and the forecast of each day."""

from __future__ import annotations

import altair as alt
import polars as pl

from outage_analysis.charts import axes, theme
from outage_analysis.charts.claims_data import thin_evenly
from outage_analysis.charts.finished_chart import finish_chart
from outage_analysis.charts.marks import axis_for_field
from outage_analysis.text import Locale

MAX_DAYS = 365
"""Largest number of points in the intake chart."""
MANY_POINTS = 60
"""The intake chart draws more points than this smaller."""
INTAKE_HEIGHT = 260


def intake(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw a line chart of the cumulative number of claims by day, with the outage and the deadlines."""
    locale = context.locale
    if len(table) < 2:  # noqa: PLR2004 - a line needs two points
        raise theme.NothingToDraw
    shown = thin_evenly(table, MAX_DAYS)
    first, last = shown["filed_on"][0], shown["filed_on"][-1]
    days = axes.shown_days(first, last, context)
    data = shown.select("cumulative", day=pl.Series([axes.noon(day) for day in shown["filed_on"]]))
    x = axes.day_x("day", days, locale)
    y = _count_axis("cumulative", shown["cumulative"][-1], locale)  # a cumulative count never falls
    base = alt.Chart(data)
    points = alt.OverlayMarkDef(color=theme.ACCENT, size=30 if len(data) <= MANY_POINTS else 8)
    end = base.transform_filter(alt.datum.day == axes.noon(last))
    total = end.mark_text(align="right", dx=-10, dy=-2, fontWeight=600)
    under, over = axes.day_marks(x, days, context, INTAKE_HEIGHT)
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
        marks=axes.mark_sentences(context),
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
        "filed", "median", "low", "high", "final", at=pl.Series([axes.noon(day) for day in shown["day"]])
    )
    days = axes.shown_days(first, last, context)
    x, base = axes.day_x("at", days, locale), alt.Chart(data)
    highest = max(value for name in ("filed", "high", "final") for value in data[name] if value is not None)
    y = _count_axis("filed", highest, locale)
    forecasts = base.transform_filter("isValid(datum.median)")
    low, median, final = (axis_for_field(y, name) for name in ("low", "median", "final"))
    ranges = forecasts.mark_rule(color=theme.ACCENT, strokeWidth=5, opacity=0.35)
    under, over = axes.day_marks(x, days, context, INTAKE_HEIGHT)
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
        marks=axes.mark_sentences(context),
        height=INTAKE_HEIGHT,
        level=values["level"],
        final="" if data["final"].null_count() == len(data) else locale("chart.days_final"),
    )
