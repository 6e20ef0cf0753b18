"""Charts of the claims intake: cumulative claims per day, claims per hour, and the fan of a forecast."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import altair as alt
import polars as pl

from outage_analysis.charts import axes, theme
from outage_analysis.charts.claims_data import thin_evenly
from outage_analysis.charts.finished_chart import finish_chart
from outage_analysis.charts.marks import axis_for_field
from outage_analysis.losses import Channel, LateClaimsForecast
from outage_analysis.text import Locale

MAX_DAYS = 365
"""Largest number of points in the intake chart."""
MANY_POINTS = 60
"""The intake chart draws more points than this smaller."""
INTAKE_HEIGHT = 260
BIN_HOURS = (1, 2, 3, 4, 6, 12, 24)
"""Possible numbers of hours per bar of the hourly chart."""
MAX_BARS = 240
"""Largest number of bars of the hourly chart."""
HOUR = 3_600_000
"""Milliseconds of an hour."""
FAN_HEIGHT = 320
MAX_TICKS = 7
MAX_POINTS = 100
"""Largest number of points of the line of counts, and of all fans together."""
LEVELS = {"50": 0.5, "80": 0.8}
"""The levels of the two bands of a fan chart, by name; they do not depend on the level of a report."""
INNER, OUTER = LEVELS
ENDS = tuple(f"{end}_{name}" for name in LEVELS for end in ("low", "high"))
FAN_STEPS = 12
"""A fan is computed at this many evenly spaced times between the last count and the last closing."""


def intake(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw a line chart of the cumulative number of claims by day, with the outage and the deadlines."""
    locale = context.locale
    if len(table) < 2:  # noqa: PLR2004 - a line needs two points
        raise theme.NothingToDraw
    shown = thin_evenly(table, MAX_DAYS)
    first, last = shown["filed_on"][0], shown["filed_on"][-1]
    days = axes.shown_days(first, last, context)
    data = shown.select("cumulative", day=pl.Series([axes.noon(day) for day in shown["filed_on"]]))
    scale = alt.Scale(domain=[0, shown["cumulative"][-1]], nice=True)  # a cumulative count never falls
    x = axes.day_x("day", days, locale)
    y = alt.Y("cumulative:Q", title=locale("chart.intake_y"), axis=alt.Axis(format=",d"), scale=scale)
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


def intake_hours(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
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
        raise theme.NothingToDraw
    untimed = int(table.filter(pl.col("filed_hour").is_null())["claims"].sum())
    first, last = (moment.date() for moment in (timed["filed_hour"][0], timed["filed_hour"][-1]))
    days = axes.shown_days(first, last, replace(context, deadlines=()))
    data, width = _bars(timed, first, last)
    x = axes.hour_x("hour", days, locale)
    y = alt.Y(
        "claims:Q",
        title=locale("chart.intake_y"),
        axis=alt.Axis(format=",d", tickMinStep=1),
        scale=alt.Scale(domain=[0, max(data["claims"])], nice=True),
    )
    bars = alt.Chart(data).mark_rect(color=theme.ACCENT).encode(x, y, x2=alt.X2("end:T"), y2=alt.Y2Datum(0))
    deadlines = tuple(mark for mark in context.deadlines if days[0] <= mark[0] <= days[1])
    under, over = axes.day_marks(x, days, replace(context, deadlines=deadlines), INTAKE_HEIGHT)
    return finish_chart(
        alt.layer(*under, bars, *over),
        context,
        "hours",
        finding=_peak_finding(data, width, locale),
        marks=axes.mark_sentences(context),
        height=INTAKE_HEIGHT,
        hours=width,
        note=locale("chart.hours_untimed", count=locale.exact(untimed)) if untimed else "",
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
    start = axes.milliseconds(first) + pl.col("bar") * width * HOUR
    return bins.select(start.alias("hour"), (start + width * HOUR).alias("end"), "claims"), width


def _peak_finding(bars: pl.DataFrame, width: int, locale: Locale) -> str:
    peak = bars.sort("claims", descending=True, maintain_order=True).row(0, named=True)
    start, end = (datetime.fromtimestamp(peak[name] / 1000, UTC) for name in ("hour", "end"))
    day, count = locale.day(start.date()), locale.exact(peak["claims"])
    if width >= 24:  # noqa: PLR2004 - hours per day
        return locale("chart.hours_title_day", day=day, count=count)
    until = "24:00" if end.date() > start.date() else f"{end:%H:%M}"
    return locale("chart.hours_title", day=day, start=f"{start:%H:%M}", end=until, count=count)


def intake_fan(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw a fan chart: claims so far, one forecast fan per scenario, closing days and the final count.

    A scenario, called a branch, is one possible closing time of the intake.

    Args:
        table: the table that `fan_table` returns.
        context: the language, and display names by id; the ids include those of the branches.
    """
    locale = context.locale
    counted, closings, outcome = (table.filter(part=part) for part in ("counted", "closing", "outcome"))
    branches = table.filter(part="expected")["branch"].unique(maintain_order=True).to_list()
    if counted.is_empty() or not branches:
        raise theme.NothingToDraw
    midnight = datetime.combine(min(table["moment"]).date(), time())
    days = ((pl.col("moment") - midnight).dt.total_seconds() / axes.DAY.total_seconds()).round(3)
    counted, closings, outcome = (part.with_columns(day=days) for part in (counted, closings, outcome))
    fans = {
        branch: thin_evenly(
            table.filter(part="expected", branch=branch), max(8, MAX_POINTS // len(branches))
        ).with_columns(day=days)
        for branch in branches
    }
    counted = thin_evenly(counted, MAX_POINTS)
    x, y = _fan_axes(pl.concat([counted, *fans.values(), closings, outcome]), midnight, locale)
    end = fans[branches[0]].sort("at").row(-1, named=True)
    low, high = _fan_range(end, locale)
    return finish_chart(
        alt.layer(
            *_fan_layers(fans, x, y),
            *_closing_layers(closings, x, locale),
            *_counted_layers(counted, x, y),
            _fan_labels(fans, x, y, context),
            *_outcome_layers(outcome, x, y, locale),
        ),
        context,
        "fan",
        finding=locale(
            "chart.fan_finding", day=locale.day(_closing_day(end["moment"])), low=low, high=high, outer=OUTER
        ),
        facts=" ".join(table["facts"]),  # those of the points that are left out also support the line
        height=FAN_HEIGHT,
        inner=INNER,
        outer=OUTER,
        note="" if outcome.is_empty() else locale("chart.fan_later"),
    )


def _fan_range(row: Mapping[str, float], locale: Locale) -> tuple[str, str]:
    low, high = (locale.number(round(locale.rounded(row[f"{side}_{OUTER}"]))) for side in ("low", "high"))
    return low, high


def _closing_day(moment: datetime) -> date:
    """Return the last day of an intake that closes at this time; midnight counts as the end of a day."""
    return (moment - timedelta(microseconds=1)).date()


def _fan_axes(data: pl.DataFrame, midnight: datetime, locale: Locale) -> tuple[alt.X, alt.Y]:
    # The x axis counts days from the first midnight, because a time axis would use the reader's time zone.
    last = max(data["day"])
    every = max(1, round(last / MAX_TICKS))
    ticks = list(range(0, int(last) + 1, every))
    labels = [locale.short_day((midnight + n * axes.DAY).date()) for n in ticks]
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


def _fan_layers(fans: Mapping[str, pl.DataFrame], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    # A fan starts at the closing time of the previous branch, because both branches have the same forecast
    # until then.
    ends = {branch: max(fan["day"]) for branch, fan in fans.items()}
    layers = []
    for n, (branch, fan) in enumerate(fans.items()):
        before = max((end for end in ends.values() if end < ends[branch]), default=0.0)
        base = alt.Chart(fan.filter(pl.col("day") >= before).select("day", "cumulative", *ENDS))
        colour = theme.OKABE_ITO[n % len(theme.OKABE_ITO)]
        layers += [
            base.mark_area(color=colour, opacity=opacity).encode(
                x, axis_for_field(y, f"low_{level}"), alt.Y2(f"high_{level}:Q")
            )
            for level, opacity in ((OUTER, 0.16), (INNER, 0.3))
        ]
        layers.append(base.mark_line(color=colour, strokeDash=[5, 3], strokeWidth=1.5).encode(x, y))
    return layers


def _counted_layers(counted: pl.DataFrame, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    base = alt.Chart(counted.select("day", "cumulative"))
    last = alt.Chart(counted.sort("day").tail(1).select("day", "cumulative"))
    total = last.mark_text(align="right", dx=-8, dy=-6, fontWeight=600)
    return [
        base.mark_line(color=theme.INK, strokeWidth=1.5).encode(x, y),
        base.mark_point(filled=True, color=theme.INK, size=40, opacity=1).encode(x, y),
        total.encode(x, y, text=alt.Text("cumulative:Q", format=",d")),
    ]


def _closing_layers(closings: pl.DataFrame, x: alt.X, locale: Locale) -> list[alt.Chart]:
    days = [locale("chart.fan_closes", day=locale.short_day(_closing_day(m))) for m in closings["moment"]]
    base = alt.Chart(closings.select("day", pl.Series("label", days, dtype=pl.String)))
    label = base.mark_text(align="right", dx=-4, fontSize=11, color=theme.MUTED)
    return [
        base.mark_rule(color=theme.GREY, strokeDash=[4, 3]).encode(x),
        label.encode(x, y=alt.YValue(FAN_HEIGHT - 8), text=alt.Text("label:N")),
    ]


def _fan_labels(
    fans: Mapping[str, pl.DataFrame], x: alt.X, y: alt.Y, context: theme.ChartContext
) -> alt.Chart:
    locale, rows = context.locale, []
    for n, (branch, fan) in enumerate(fans.items()):
        end, word = fan.sort("at").row(-1, named=True), f"word.{branch}"
        has_word = branch not in context.names and locale.has_label(word)
        low, high = _fan_range(end, locale)
        span = locale("chart.fan_range", low=low, high=high)
        label = f"{locale(word) if has_word else context.name(branch)}\n{span}"
        colour = theme.OKABE_ITO[n % len(theme.OKABE_ITO)]
        rows.append({"day": end["day"], "top": end[f"high_{OUTER}"], "label": label, "colour": colour})
    text = alt.Chart(pl.DataFrame(rows)).mark_text(
        align="right", baseline="line-bottom", lineBreak="\n", dx=-5, dy=-4, fontWeight=600
    )
    ink = alt.Color("colour:N", scale=None, legend=None)
    labels: alt.Chart = text.encode(x, axis_for_field(y, "top"), text=alt.Text("label:N"), color=ink)
    return labels


def _outcome_layers(outcome: pl.DataFrame, x: alt.X, y: alt.Y, locale: Locale) -> list[alt.Chart]:
    if outcome.is_empty():
        return []
    labels = [locale("chart.fan_outcome", count=locale.number(count)) for count in outcome["cumulative"]]
    base = alt.Chart(outcome.select("day", "cumulative", pl.Series("label", labels)))
    return [
        base.mark_point(filled=False, color=theme.INK, size=90, strokeWidth=1.8, opacity=1).encode(x, y),
        base.mark_text(align="right", dx=-6, dy=-13, fontSize=11).encode(x, y, text=alt.Text("label:N")),
    ]


def forecast_fan(
    channel: Channel,
    forecast: LateClaimsForecast,
    *,
    ended: tuple[datetime, int] | None = None,
    fact: str = "",
) -> pl.DataFrame:
    """Return the table of a fan chart: the number of claims filed so far and its forecast.

    Args:
        channel: the cumulative counts of claims of one intake channel.
        forecast: the forecast of later counts, with intervals at the levels 0.5 and 0.8.
        ended: when the intake ended, and the final number of claims; None if the chart must not show them.
        fact: the id of the published fact that states the final number.

    Returns:
        The table that `fan_table` returns.
    """
    closes = {branch.id: branch.closes for branch in forecast.branches}
    last = max(closes.values())
    steps = (forecast.until + (last - forecast.until) * n / FAN_STEPS for n in range(1, FAN_STEPS))
    later = None if ended is None else (channel.days(ended[0]), ended[1], fact)
    facts = pl.Series("facts", channel.facts or [""] * len(channel.times), dtype=pl.String)
    return fan_table(
        channel.points().select(pl.col("days").alias("at"), "cumulative", facts),
        forecast.path(sorted({*steps, *closes.values()})),
        closes,
        opens=channel.opened.astimezone(channel.zone),
        later=later,
    )


def fan_table(
    counts: pl.DataFrame,
    path: pl.DataFrame,
    closes: Mapping[str, float],
    *,
    opens: datetime,
    later: tuple[float, int, str] | None = None,
) -> pl.DataFrame:
    """Return the points of a fan chart: counts so far, forecasts up to each closing time, and final count.

    Args:
        counts: `at` (days since the opening), `cumulative` and, for published counts, `facts` (ids
            separated by spaces).
        path: the forecast, as `LateClaimsForecast.path` returns it: `branch`, `at`, `median`, `level`, `low`,
            `high`. Times after a branch's closing time are dropped, so include the closing time itself.
        closes: branch (a scenario of when the intake closes) -> its closing time, in days since the opening.
        opens: when the intake opened, in the time zone of the incident.
        later: time (days since the opening), value and fact id of a later count; None if the chart must not
            show it.

    Returns:
        The columns `part` (`counted`, `expected`, `closing` or `outcome`), `branch`, `at`, `moment` (local
        time without a zone), `cumulative`, `low_50`, `high_50`, `low_80`, `high_80` and `facts`. In
        `expected` rows, `cumulative` is the median of the forecast. The `expected` rows of each branch start
        with the last count.
    """
    facts = pl.col("facts") if "facts" in counts.columns else pl.lit("").alias("facts")
    last_at, last = counts.sort("at").select("at", "cumulative").row(-1)
    parts = [counts.select("at", "cumulative", facts, part=pl.lit("counted"), branch=pl.lit(""))]
    for branch, closing in closes.items():
        start = {"part": "expected", "branch": branch, "at": last_at, "cumulative": last}
        parts.append(pl.DataFrame([start | dict.fromkeys(ENDS, last)]))
        parts.append(
            _expected(path.filter(pl.col("at").is_between(last_at, closing, "right"), branch=branch))
        )
        parts.append(pl.DataFrame({"part": "closing", "branch": branch, "at": closing}))
    if later is not None:
        at, count, fact = later
        outcome = {"part": "outcome", "branch": "", "at": at, "cumulative": count, "facts": fact}
        parts.append(pl.DataFrame(outcome))
    table = pl.concat(parts, how="diagonal_relaxed")
    moments = [opens.replace(tzinfo=None) + timedelta(days=at) for at in table["at"]]
    return table.select(
        "part",
        "branch",
        "at",
        pl.Series("moment", moments),
        pl.col("cumulative", *ENDS).cast(pl.Int64),
        pl.col("facts").fill_null(""),
    )


def _expected(path: pl.DataFrame) -> pl.DataFrame:
    table = path.select("branch", "at", cumulative="median", part=pl.lit("expected")).unique(
        maintain_order=True
    )
    for name, level in LEVELS.items():
        ends = path.filter((pl.col("level") - level).abs() < 1e-9)  # noqa: PLR2004
        ends = ends.select("at", pl.col("low").alias(f"low_{name}"), pl.col("high").alias(f"high_{name}"))
        table = table.join(ends, on="at", how="left", maintain_order="left")
    return table
