"""Charts of the claims intake: cumulative claims per day, claims per hour, and the fan of a forecast."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import altair as alt
import polars as pl

from outage_analysis.charts.claims_data import thin_days
from outage_analysis.charts.curve_data import INNER, OUTER, thin_evenly
from outage_analysis.charts.day_axis import (
    day_marks,
    day_x,
    hour_x,
    mark_texts,
    milliseconds,
    noon,
    shown_days,
)
from outage_analysis.charts.theme import (
    ACCENT,
    GREY,
    INK,
    OKABE_ITO,
    AltairChart,
    ChartContext,
    NothingToDraw,
    axis_for_field,
    finish_chart,
    json_ready,
)
from outage_analysis.text import Locale

MAX_DAYS = 365
"""Largest number of points in the intake chart."""
MANY_POINTS = 60
"""The intake chart draws more points than this smaller."""
INTAKE_HEIGHT = 260


def intake(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw a line chart of the cumulative number of claims by day, with the outage and the deadlines."""
    locale = context.locale
    if len(table) < 2:  # noqa: PLR2004 - a line needs two points
        raise NothingToDraw
    days_shown = thin_days(table, MAX_DAYS)
    first, last_day = days_shown["filed_on"][0], days_shown["filed_on"][-1]
    days = shown_days(first, last_day, context)
    data = days_shown.select(
        pl.col("filed_on").map_elements(noon, return_dtype=pl.Int64).alias("day"), "cumulative"
    )
    x = day_x("day", days, locale)
    highest = int(days_shown["cumulative"][-1])  # a cumulative count never falls
    scale = alt.Scale(domain=[0, highest], nice=True)
    y = alt.Y("cumulative:Q", title=locale("chart.intake_y"), axis=alt.Axis(format=",d"), scale=scale)
    base = alt.Chart(json_ready(data))
    points = alt.OverlayMarkDef(color=ACCENT, size=30 if len(data) <= MANY_POINTS else 8)
    line = base.mark_line(color=ACCENT, point=points).encode(x, y)
    last = (
        base.transform_filter(alt.datum.day == noon(last_day))
        .mark_text(align="right", dx=-10, dy=-2, fontWeight=600)
        .encode(x, y, text=alt.Text("cumulative:Q", format=",d"))
    )
    under, over = day_marks(x, days, context, INTAKE_HEIGHT)
    return finish_chart(
        alt.layer(*under, line, last, *over),
        context,
        height=INTAKE_HEIGHT,
        title=locale("chart.intake_title"),
        subtitle=locale("chart.intake_subtitle"),
        description=" ".join([locale("chart.intake_description"), *mark_texts(context)]),
    )


BIN_HOURS = (1, 2, 3, 4, 6, 12, 24)
"""Possible numbers of hours per bar of the hourly chart."""
MAX_BARS = 240
"""Largest number of bars of the hourly chart."""


def intake_hours(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw a bar chart of the claims filed per hour, with the outage shaded and the deadlines.

    If there would be more than `MAX_BARS` bars, each bar covers 2 to 24 hours, or several days.

    Args:
        table: the columns `filed_hour` (local time) and `claims`, with one row per hour. A row without an
            hour counts the claims with only a filing date; the subtitle shows their number.
        context: the language, the outage and the deadlines.
    """
    locale = context.locale
    timed = table.drop_nulls("filed_hour").sort("filed_hour")
    if len(timed) < 2:  # noqa: PLR2004 - a chart needs two bars
        raise NothingToDraw
    untimed = int(table.filter(pl.col("filed_hour").is_null())["claims"].sum())
    first, last = (moment.date() for moment in (timed["filed_hour"][0], timed["filed_hour"][-1]))
    days = shown_days(first, last, replace(context, deadlines=()))
    data, width = _bars(timed, first, last)
    x = hour_x("hour", days, locale)
    y = alt.Y(
        "claims:Q",
        title=locale("chart.intake_y"),
        axis=alt.Axis(format=",d", tickMinStep=1),
        scale=alt.Scale(domain=[0, int(data["claims"].max())], nice=True),  # type: ignore[arg-type]
    )
    bars = alt.Chart(json_ready(data)).mark_rect(color=ACCENT).encode(x, y, x2="end:T", y2=alt.datum(0))
    deadlines = tuple(mark for mark in context.deadlines if days[0] <= mark[0] <= days[1])
    under, over = day_marks(x, days, replace(context, deadlines=deadlines), INTAKE_HEIGHT)
    finding = _peak_title(data, width, locale)
    subtitle = locale("chart.hours_subtitle", hours=width) + (
        locale("chart.hours_untimed", count=locale.exact(untimed)) if untimed else ""
    )
    return finish_chart(
        alt.layer(*under, bars, *over),
        context,
        height=INTAKE_HEIGHT,
        title=locale("chart.hours_measure") if context.synthetic else finding,
        subtitle=subtitle,
        description=" ".join([locale("chart.hours_description", hours=width), *mark_texts(context)]),
    )


def _bars(timed: pl.DataFrame, first: date, last: date) -> tuple[pl.DataFrame, int]:
    hours = 24 * ((last - first).days + 1)
    width = next((step for step in BIN_HOURS if hours <= step * MAX_BARS), 24 * -(-hours // (24 * MAX_BARS)))
    since = pl.col("filed_hour") - datetime.combine(first, time())
    bins = (
        timed.with_columns(bar=since.dt.total_hours() // width)
        .group_by("bar", maintain_order=True)
        .agg(pl.col("claims").sum())
    )
    start = milliseconds(first) + pl.col("bar") * width * HOUR
    return bins.select(start.alias("hour"), (start + width * HOUR).alias("end"), "claims"), width


def _peak_title(bars: pl.DataFrame, width: int, locale: Locale) -> str:
    peak = bars.sort("claims", descending=True, maintain_order=True).row(0, named=True)
    start, end = (datetime.fromtimestamp(peak[name] / 1000, UTC) for name in ("hour", "end"))
    day, count = locale.day(start.date()), locale.exact(peak["claims"])
    if width >= 24:  # noqa: PLR2004 - hours per day
        return locale("chart.hours_title_day", day=day, count=count)
    until = "24:00" if end.date() > start.date() else f"{end:%H:%M}"
    return locale("chart.hours_title", day=day, start=f"{start:%H:%M}", end=until, count=count)


HOUR = 3_600_000
"""Milliseconds of an hour."""
HEIGHT = 320
MAX_TICKS = 7
MAX_POINTS = 100
"""Largest number of points of the line of counts, and of all fans together."""
DAY = timedelta(days=1)


def intake_fan(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw a fan chart: claims so far, one forecast fan per scenario, closing days and the final count.

    A scenario, called a branch, is one possible closing time of the intake.

    Args:
        table: the table that `curve_data.fan_table` returns.
        context: the language, and display names by id; the ids include those of the branches.
    """
    locale = context.locale
    counted, expected = table.filter(part="counted"), table.filter(part="expected")
    if counted.is_empty() or expected.is_empty():
        raise NothingToDraw
    midnight = datetime.combine(min(table["moment"]).date(), time())
    colours = {branch: OKABE_ITO[n % len(OKABE_ITO)] for n, branch in enumerate(_branches(table))}
    data = _thin_points(table).with_columns(
        day=((pl.col("moment") - midnight).dt.total_seconds() / DAY.total_seconds()).round(3),
        colour=pl.col("branch").replace_strict(colours, default=INK),
    )
    x, y = _axes(data, midnight, locale)
    outcome = data.filter(part="outcome")
    layers = [
        *_fan_layers(data.filter(part="expected"), x, y),
        *_closing_layers(data.filter(part="closing"), x, locale),
        *_counted_layers(data.filter(part="counted"), x, y),
        *_fan_labels(data.filter(part="expected"), x, y, context),
        *_outcome_layers(outcome, x, y, locale),
    ]
    # The footer cites the facts of all rows of `table`. Rows that `_thin_points` leaves out also support the
    # line.
    facts = " ".join(dict.fromkeys(" ".join(table["facts"]).split()))
    return finish_chart(
        alt.layer(*layers),
        context,
        facts=facts,
        height=HEIGHT,
        title=_title(data, context),
        subtitle=locale("chart.fan_subtitle", inner=INNER, outer=OUTER)
        + (locale("chart.fan_later") if len(outcome) else ""),
        description=locale("chart.fan_description", inner=INNER, outer=OUTER),
    )


def _thin_points(table: pl.DataFrame) -> pl.DataFrame:
    branches = _branches(table)
    expected = [
        thin_evenly(table.filter(part="expected", branch=b), max(8, MAX_POINTS // len(branches)))
        for b in branches
    ]
    rest = table.filter(~pl.col("part").is_in(["counted", "expected"]))
    return pl.concat([thin_evenly(table.filter(part="counted"), MAX_POINTS), *expected, rest])


def _title(data: pl.DataFrame, context: ChartContext) -> str:
    locale = context.locale
    if context.synthetic:
        return locale("chart.fan_measure")
    end = data.filter(part="expected", branch=_branches(data)[0]).sort("at").row(-1, named=True)
    low, high = (locale.number(round(locale.rounded(end[f"{side}_{OUTER}"]))) for side in ("low", "high"))
    day = locale.day(_closing_day(end["moment"]))
    return locale("chart.fan_finding", day=day, low=low, high=high, outer=OUTER)


def _closing_day(moment: datetime) -> date:
    """Return the last day of an intake that closes at this time; midnight counts as the end of a day."""
    return (moment - timedelta(microseconds=1)).date()


def _branches(data: pl.DataFrame) -> list[str]:
    branches: list[str] = data.filter(part="expected")["branch"].unique(maintain_order=True).to_list()
    return branches


def _axes(data: pl.DataFrame, midnight: datetime, locale: Locale) -> tuple[alt.X, alt.Y]:
    # The x axis counts days from the first midnight, because a time axis would use the reader's time zone.
    last = float(data["day"].max())  # type: ignore[arg-type]
    every = max(1, round(last / MAX_TICKS))
    ticks = list(range(0, int(last) + 1, every))
    labels = [locale.short_day((midnight + n * DAY).date()) for n in ticks]
    expression = f"{json.dumps(labels, ensure_ascii=False)}[datum.value / {every}]"
    x = alt.X(
        "day:Q",
        title=None,
        scale=alt.Scale(domain=[0, last + 0.02 * last], nice=False),
        axis=alt.Axis(values=ticks, labelExpr=expression, grid=False, labelSeparation=5),
    )
    highest = max(v for c in ("cumulative", f"high_{OUTER}") for v in data[c] if v is not None)
    y = alt.Y(
        "cumulative:Q",
        title=locale("chart.fan_y"),
        scale=alt.Scale(domain=[0, highest * 1.16], nice=False),
        axis=alt.Axis(format=",d", tickCount=6),
    )
    return x, y


def _fan_layers(expected: pl.DataFrame, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    # A fan starts at the closing time of the previous branch, because both branches have the same forecast
    # until then.
    fields = [
        "day",
        "cumulative",
        *(f"{side}_{level}" for level in (INNER, OUTER) for side in ("low", "high")),
    ]
    ends = dict(expected.group_by("branch").agg(pl.col("day").max()).rows())
    layers = []
    for branch in _branches(expected):
        before = max((end for end in ends.values() if end < ends[branch]), default=0.0)
        part = expected.filter(pl.col("branch") == branch, pl.col("day") >= before)
        base, colour = alt.Chart(json_ready(part.select(fields))), part["colour"][0]
        layers += [
            base.mark_area(color=colour, opacity=opacity).encode(
                x, axis_for_field(y, f"low_{level}"), alt.Y2(f"high_{level}:Q")
            )
            for level, opacity in ((OUTER, 0.16), (INNER, 0.3))
        ]
        layers.append(base.mark_line(color=colour, strokeDash=[5, 3], strokeWidth=1.5).encode(x, y))
    return layers


def _counted_layers(counted: pl.DataFrame, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    base = alt.Chart(json_ready(counted.select("day", "cumulative")))
    last = alt.Chart(json_ready(counted.sort("day").tail(1).select("day", "cumulative")))
    return [
        base.mark_line(color=INK, strokeWidth=1.5).encode(x, y),
        base.mark_point(filled=True, color=INK, size=40, opacity=1).encode(x, y),
        last.mark_text(align="right", dx=-8, dy=-6, fontWeight=600).encode(
            x, y, text=alt.Text("cumulative:Q", format=",d")
        ),
    ]


def _closing_layers(closings: pl.DataFrame, x: alt.X, locale: Locale) -> list[alt.Chart]:
    days = [locale("chart.fan_closes", day=locale.short_day(_closing_day(m))) for m in closings["moment"]]
    base = alt.Chart(json_ready(closings.select("day", pl.Series("label", days, dtype=pl.String))))
    return [
        base.mark_rule(color=GREY, strokeDash=[4, 3]).encode(x),
        base.mark_text(align="right", dx=-4, fontSize=11, color="#57606a").encode(
            x, y=alt.value(HEIGHT - 8), text="label:N"
        ),
    ]


def _fan_labels(expected: pl.DataFrame, x: alt.X, y: alt.Y, context: ChartContext) -> list[alt.Chart]:
    locale, rows = context.locale, []
    for branch in _branches(expected):
        end = expected.filter(branch=branch).sort("at").row(-1, named=True)
        low, high = (locale.number(round(locale.rounded(end[f"{side}_{OUTER}"]))) for side in ("low", "high"))
        label = f"{_name(branch, context)}\n{locale('chart.fan_range', low=low, high=high)}"
        rows.append({"day": end["day"], "top": end[f"high_{OUTER}"], "label": label, "colour": end["colour"]})
    base = alt.Chart(pl.DataFrame(rows))
    return [
        base.mark_text(
            align="right", baseline="line-bottom", lineBreak="\n", dx=-5, dy=-4, fontWeight=600
        ).encode(
            x, axis_for_field(y, "top"), text="label:N", color=alt.Color("colour:N", scale=None, legend=None)
        )
    ]


def _name(branch: str, context: ChartContext) -> str:
    word = f"word.{branch}"
    return (
        context.locale(word)
        if branch not in context.names and context.locale.has_label(word)
        else context.name(branch)
    )


def _outcome_layers(outcome: pl.DataFrame, x: alt.X, y: alt.Y, locale: Locale) -> list[alt.Chart]:
    if outcome.is_empty():
        return []
    labels = [locale("chart.fan_outcome", count=locale.number(count)) for count in outcome["cumulative"]]
    base = alt.Chart(json_ready(outcome.select("day", "cumulative", pl.Series("label", labels))))
    return [
        base.mark_point(filled=False, color=INK, size=90, strokeWidth=1.8, opacity=1).encode(x, y),
        base.mark_text(align="right", dx=-6, dy=-13, fontSize=11).encode(x, y, text="label:N"),
    ]
