"""Charts of claims by day: claims filed, the forecast of each day, the outage and the deadlines."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from math import prod
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts import theme
from outage_analysis.charts.chart_output import finish_chart
from outage_analysis.charts.loss_charts import (
    OTHER_ID,
    merged_bands,
    ordered_bands,
    service_name,
    thin_evenly,
)
from outage_analysis.text import Locale, fonts

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
MAX_ENTRIES = {"service": 20, "day": 60, "category": 20, "band": 24}
"""The linked charts in reading order, two on a row, and the largest number of bars in each; fewer if there
would be more than `MAX_COMBINATIONS`."""
REDUCTIONS = tuple(n / 20 for n in range(20, 1, -1))
"""Fractions of `MAX_ENTRIES` to try, in this order, until the combinations are few enough."""
MAX_COMBINATIONS = 12_000
"""Largest number of combinations of bars. A browser counts them again at every step of a selection, and a
page carries a count for each, so this limits the time per step and the size of the page."""
COLUMNS = {"service": ["service"], "band": ["over", "up_to"], "day": ["filed_on"], "category": ["category"]}
# Vega cannot adapt the width of charts that stand side by side. Two charts together are 700 pixels wide,
# which fits a notebook cell in JupyterLab with the file list open. On a phone the charts stand in one column,
# which is half as wide.
LEFT, RIGHT = (190, 144), (100, 204)
WIDTHS = {"service": LEFT, "category": LEFT, "band": RIGHT, "day": RIGHT}
"""Pixels for names and for bars, in charts on the left and on the right; each chart fits on a phone."""
LONGEST = 40
"""Largest number of characters in the name of a category."""
ROW, DAYS_HIGH, DAY_NAMES, COUNTS = 21, (150, 300), 20, 46
"""Pixels: height per bar; smallest and largest height of the chart of days; its axis labels."""
FULL = 1.36
"""Upper end of the bar axis. The longest bar has length 1, and the space beyond is for its count."""
FADED = 0.35
"""The opacity of bars that the selection of their own chart leaves out."""
SLOT: dict[str, Any] = {"cursor": "pointer", "aria": False, "color": "transparent"}
"""The background of each bar, which receives the clicks."""
DAY_LENGTH = 86_400_000
"""Milliseconds of a day."""

ViewEntry = tuple[Any, ...]
"""The values that identify a service, a band, a day or a category in the tables' columns."""


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
    under, over = day_marks(x, days, context, INTAKE_HEIGHT)
    return finish_chart(
        alt.layer(
            *under,
            base.mark_line(color=theme.ACCENT, point=points).encode(x, y),
            end.mark_text(align="right", dx=-10, dy=-2, fontWeight=600).encode(
                x, y, text=alt.Text("cumulative:Q", format=",d")
            ),
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
        title=locale("column.claims"),
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


@dataclass(frozen=True)
class View:
    """One of the linked charts: its bars, and for each value in the table the bar that shows it."""

    at: int
    """The number of the chart in reading order."""
    id: str
    """service, day, category or band. It is not the id of a dimension, which could be such a word."""
    entries: list[ViewEntry]
    """In display order. Small entries are merged under `OTHER_ID`; merged days are named by the first day."""
    positions: dict[ViewEntry, int]
    """Each value of the tables -> the position of the entry that shows the value."""
    names: Sequence[str] = ()
    """The labels of the entries."""
    title: str = ""

    @property
    def days_per_entry(self) -> int:
        """Number of days that one bar covers in the chart of days."""
        firsts = [entry[0] for entry in self.entries]
        return (firsts[1] - firsts[0]).days if len(firsts) > 1 else 1

    @property
    def unit(self) -> str:
        """The name of the chart in the Vega-Lite specification."""
        # Altair makes names that end with a number end with the position of the chart on the page.
        return f"linked_{self.at}"

    def selected(self, position: str) -> str:
        """Return a Vega expression for whether the bar at a position is selected, or all bars are."""
        return f"(!length(keys_{self.at}) || indexof(keys_{self.at}, {position}) >= 0)"


def linked_chart(table: pl.DataFrame, context: theme.ChartContext) -> theme.AltairChart:
    """Draw linked charts of claims by service, loss band, day and one more dimension, such as the region.

    The values of the additional dimension come from the claims. Only the most common values have their own
    bars.

    Args:
        table: the claim counts per combination, as `count_combinations` returns them.
        context: language, display names and as-of day; the chart of days shows the outage and deadlines.
    """
    if table.is_empty() or not table["claims"].sum():
        raise theme.NothingToDraw
    locale = context.locale
    built, counts = build_views(table)
    views = [_labelled(view, table, context) for view in built]
    base, services = _combinations(counts, views), views[0]
    # The chart of services stands beside the chart of days, which is drawn about equally tall.
    high = min(max(ROW * len(services.names) - DAY_NAMES, DAYS_HIGH[0]), DAYS_HIGH[1])
    charts = (
        _day_view(_bar_totals(base, views, view), view, context, high)
        if view.id == "day"
        else _bar_view(_bar_totals(base, views, view), view)
        for view in views
    )
    below = alt.concat(*charts, columns=2, spacing={"row": 14, "column": 24})
    largest = [service for (service,), position in services.positions.items() if position == 0]
    share = int(table.filter(pl.col("service").is_in(largest))["claims"].sum()) / sum(counts)
    note = locale.band_note([band for view in views if view.id == "band" for band in view.entries])
    chart = finish_chart(
        alt.vconcat(_heading(base, sum(counts), views, context), below, spacing=12),
        context,
        "linked",
        finding=locale("chart.linked_finding", name=services.names[0], share=locale.share(share)),
        marks=mark_sentences(context),
        views=", ".join(view.title for view in views).lower(),
        note=f"; {note}" if note else "",
    )
    chart.title.frame = "bounds"  # names stand to the left of the group
    names = alt.VariableParameter("names", value=[view.names for view in views])
    selections = (_selection_parameters(view, locale("by.total")) for view in views)
    chart.params = [names, *(parameter for group in selections for parameter in group)]
    return chart


# --- the bars and their counts -----------------------------------------------------------------------------


def build_views(table: pl.DataFrame) -> tuple[list[View], list[int]]:
    """Choose the bars of each linked chart, and count the claims for every combination of their bars.

    Args:
        table: the claim counts per combination, as `count_combinations` returns them.

    Returns:
        The linked charts, and the number of claims for each combination of one bar per chart. The last chart
        varies fastest: with 2 services, 3 days and 4 bands, the count of the second service, first day and
        third band is at position 1 * 12 + 0 * 4 + 2.
    """
    ids = [name for name in MAX_ENTRIES if name != "category" or table["dimension"].count()]
    for fraction in REDUCTIONS:
        views = [_view(table, at, name, fraction) for at, name in enumerate(ids)]
        if prod(len(view.entries) for view in views) <= MAX_COMBINATIONS:
            break
    placed, slot = table, pl.lit(0)
    for view in views:
        columns, place = COLUMNS[view.id], f"place_{view.at}"
        schema = {column: table.schema[column] for column in columns} | {place: pl.Int64}
        rows = [(*entry, position) for entry, position in view.positions.items()]
        positions = pl.DataFrame(rows, schema=schema, orient="row")
        placed = placed.join(positions, on=columns, nulls_equal=True)
        slot = slot * len(view.entries) + pl.col(place)
    totals = dict(placed.group_by(slot.alias("slot")).agg(pl.col("claims").sum()).rows())
    return views, [totals.get(n, 0) for n in range(prod(len(view.entries) for view in views))]


def _view(table: pl.DataFrame, at: int, name: str, fraction: float) -> View:
    totals = table.group_by(COLUMNS[name]).agg(pl.col("claims").sum()).rows()
    claims = {entry: count for *values, count in totals for entry in [tuple(values)]}
    most = max(2, int(MAX_ENTRIES[name] * fraction))
    if name == "band":
        merged: dict[ViewEntry, ViewEntry] = {**merged_bands(claims, most)}
        merged_rows = pl.DataFrame([*merged.values()], dict.fromkeys(COLUMNS["band"], pl.Int64), orient="row")
        entries: list[ViewEntry] = [*ordered_bands(merged_rows)]
    elif name == "day":
        first, last = min(claims)[0], max(claims)[0]
        length = (last - first).days + 1
        entries = [(first + timedelta(n),) for n in range(0, length, -(-length // most))]
        merged = {day: entries[bisect_right(entries, day) - 1] for day in claims}
    else:
        rest = (OTHER_ID,)
        entries = sorted(claims.keys() - {rest}, key=lambda entry: (-claims[entry], str(entry[0])))
        if len(entries) + (rest in claims) > most:
            entries = entries[: most - 1]
        merged = {entry: entry if entry in entries else rest for entry in claims}
        if rest in merged.values():
            entries.append(rest)
    positions = {entry: position for position, entry in enumerate(entries)}
    return View(at, name, entries, {entry: positions[merged[entry]] for entry in claims})


def _labelled(view: View, table: pl.DataFrame, context: theme.ChartContext) -> View:
    """Return the view with its title and with the labels of its entries."""
    locale, firsts = context.locale, [entry[0] for entry in view.entries]
    title = locale(f"chart.linked_{view.id}") if view.id != "category" else ""
    if view.id == "service":
        merged = sum(position == len(firsts) - 1 for position in view.positions.values())
        names = [_one_line(service_name(context, id_, merged)) for id_ in firsts]
    elif view.id == "band":
        names = [locale.band_short(*band) for band in view.entries]
    elif view.id == "day":
        names = [locale.short_day(day) for day in firsts]
        if view.days_per_entry > 1:
            title = locale("chart.linked_days_binned", count=view.days_per_entry)
    else:
        title = _one_line(context.name(table["dimension"][0]))
        apart = {None: locale("chart.linked_unstated"), OTHER_ID: locale("chart.linked_rest")}
        lines = [apart[text] if text in apart else _one_line(text) for text in firsts]
        names = [line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…" for line in lines]
    return replace(view, names=names, title=title)


def _one_line(text: str) -> str:
    """Put a text on one line, and make control characters visible that could hide or reorder text."""
    return fonts.printable(" ".join(text.split()))


# --- the drawing -------------------------------------------------------------------------------------------


def _combinations(counts: Sequence[int], views: Sequence[View]) -> alt.Chart:
    """Return a row per combination of bars: its `claims`, and the position of its bar in each chart."""
    places, width = {}, 1
    for view in reversed(views):
        places[f"place_{view.at}"] = f"floor(datum.slot / {width}) % {len(view.names)}"
        width *= len(view.names)
    # The counts are embedded as one text, in which a zero is empty, because this is the shortest form.
    return (
        alt.Chart(pl.DataFrame({"counts": [",".join(str(count or "") for count in counts)]}))
        .transform_calculate(count="split(datum.counts, ',')", slot=f"sequence(0, {width})")
        .transform_flatten(["count", "slot"])
        .transform_calculate(claims="+datum.count", **places)
        .transform_filter("datum.claims")
    )


def _selected_claims(base: alt.Chart, views: Sequence[View]) -> alt.Chart:
    """Add `counted`: the claims of a combination if the selections in these charts include it, else 0."""
    held = " && ".join(view.selected(f"datum.place_{view.at}") for view in views)
    return base.transform_calculate(counted=f"{held} ? datum.claims : 0")


def _bar_totals(base: alt.Chart, views: Sequence[View], view: View) -> alt.Chart:
    """Compute a row per bar of a chart: `key` (its position), `n` (selected claims), bar `length`.

    The selection of the chart itself does not count. A bar without selected claims has a row with 0.
    """
    at = view.at
    return (
        _selected_claims(base, [other for other in views if other is not view])
        .transform_aggregate(n="sum(counted)", groupby=[f"place_{at}"])
        .transform_joinaggregate(most="max(n)")
        .transform_calculate(
            key=f"datum.place_{at}",
            length="datum.most ? datum.n / datum.most : 0",
            label=f"names[{at}][datum.place_{at}] + ': ' + format(datum.n, ',')",
        )
    )


def _faded(view: View) -> alt.OpacityValue:
    """Return the opacity that fades the bars that the selection of their own chart leaves out."""
    return alt.OpacityValue(FADED, condition={"test": view.selected("datum.key"), "value": 1})


def _bar_view(totals: alt.Chart, view: View) -> theme.AltairChart:
    name_width, bar_width = WIDTHS[view.id]
    axis = {
        "labelExpr": f"names[{view.at}][datum.value]",
        "labelFontSize": 11,
        "labelLimit": name_width - 6,
        "minExtent": name_width,
        "maxExtent": name_width,
        "ticks": False,
        "domain": False,
        "labelPadding": 6,
        "zindex": 1,
    }
    scale = {"domain": list(range(len(view.names))), "padding": 0}
    y = alt.Y("key:O", title=None, axis=axis, scale=scale)
    x = alt.X("length:Q", title=None, axis=None, scale={"domain": [0, FULL]})
    slots = totals.mark_rect(**SLOT).encode(y, x=alt.XValue(-name_width), x2=alt.X2Value(bar_width))
    bars = totals.mark_bar(color=theme.ACCENT, height={"band": 0.72}, cursor="pointer")
    numbers = totals.mark_text(align="left", dx=4, fontSize=11, cursor="pointer", aria=False)
    drawn = alt.layer(
        slots.properties(name=view.unit),
        bars.encode(x, y, opacity=_faded(view), description=alt.Description("label:N")),
        numbers.encode(x, y, text=alt.Text("n:Q", format=",d")),
    )
    # The title is raised to the level of the title of the chart of days, whose labels are above its bars.
    title = _view_title(view, offset=10)
    return drawn.properties(width=bar_width, height=ROW * len(view.names), title=title)


def _day_view(totals: alt.Chart, view: View, context: theme.ChartContext, high: int) -> theme.AltairChart:
    first, step = view.entries[0][0], view.days_per_entry
    last: date = view.entries[-1][0] + timedelta(step - 1)
    days = shown_days(first, last, context)
    start = f"{milliseconds(first)} + datum.key * {step * DAY_LENGTH}"
    totals = totals.transform_calculate(start=start, end=f"{start} + {step * DAY_LENGTH}")
    x = day_x("start", days, context.locale)
    counts = {"format": ",d", "tickCount": 4, "tickMinStep": 1, "minExtent": COUNTS, "maxExtent": COUNTS}
    # `nice` always puts the highest tick at the top of the axis, so the title above the chart does not move.
    y = alt.Y("n:Q", title=None, axis=counts, scale={"nice": 4})
    slots = totals.mark_rect(**SLOT).encode(
        x, x2=alt.X2("end:T"), y=alt.YValue(0), y2=alt.Y2Value(high + DAY_NAMES)
    )
    bars = totals.mark_rect(color=theme.ACCENT, cursor="pointer", stroke="white", strokeWidth=1)
    under, over = day_marks(x, days, context, high)
    drawn = alt.layer(
        *under,
        slots.properties(name=view.unit),
        bars.encode(
            x,
            y,
            x2=alt.X2("end:T"),
            y2=alt.Y2Datum(0),
            opacity=_faded(view),
            description=alt.Description("label:N"),
        ),
        *over,
    )
    return drawn.properties(width=WIDTHS[view.id][1], height=high, title=_view_title(view, offset=4))


def _view_title(view: View, offset: int) -> alt.TitleParams:
    dx, limit = -WIDTHS[view.id][0], sum(WIDTHS[view.id])
    return alt.TitleParams(
        view.title, anchor="start", frame="group", fontSize=12, limit=limit, dx=dx, offset=offset
    )


def _heading(
    base: alt.Chart, claims: int, views: Sequence[View], context: theme.ChartContext
) -> theme.AltairChart:
    locale = context.locale
    values = {"chosen": "format(datum.n, ',')", "share": f"format(datum.n / {claims}, '.1%')"}
    blanks = {name: f"{{{name}}}" for name in values}
    chosen, everything = (
        json.dumps(text, ensure_ascii=False)
        for text in (
            locale("chart.linked_selected", claims=f"{claims:,}", **blanks),
            f"{locale('by.total')}: {claims:,}",
        )
    )
    for name, value in values.items():
        chosen = chosen.replace(blanks[name], f'" + {value} + "')
    none = " && ".join(f"!length(keys_{view.at})" for view in views)
    heading: alt.Chart = (
        _selected_claims(base, views)
        .transform_aggregate(n="sum(counted)")
        .transform_calculate(label=f"{none} ? {everything} : {chosen}")
        .mark_text(align="left", fontWeight=600, fontSize=12)
        .encode(text=alt.Text("label:N"), x=alt.XValue(-LEFT[0]))
        .properties(width=1, height=16)
    )
    return heading


# --- the selections ----------------------------------------------------------------------------------------

_RESET: dict[str, Any] = {"source": "view", "type": "dblclick"}


def _selection_parameters(view: View, everything: str) -> list[alt.TopLevelParameter]:
    """Return the Vega parameters for selecting bars in one linked chart by mouse, touch or drop-down list.

    `keys_0` contains the selected positions of chart number 0; it is empty if nothing is selected.

    A click selects a bar, and a shift-click adds or removes one. A double click anywhere clears all
    selections. Keyboard users select with the drop-down list of the chart; its first item, `everything`,
    clears the selection of the chart.
    """
    at, listed = view.at, f"listed_{view.at}"
    from_list = {"source": "window", "type": "change", "filter": f"event.target.name == '{listed}_key'"}
    ends = {"type": "point", "fields": ["key"], "clear": {"merge": [_RESET, from_list]}}
    # Consume the mouse press, because dragging would otherwise select text under the pointer.
    begins = {"source": "scope", "type": "mousedown", "consume": True}
    # Vega-Lite gives a list the scope of the whole page of charts, so a filter finds the bars of this chart.
    on_own_entry = f"event.item && event.item.datum && isNumber(event.item.datum.place_{at})"
    pressed = {"source": "view", "type": "mousedown", "filter": on_own_entry}
    options: list[Any] = [None, *range(len(view.names))]
    bound = alt.binding_select(options=options, labels=[everything, *view.names], name=f"{view.title}: ")
    select, variable = alt.TopLevelSelectionParameter, alt.VariableParameter
    first = {**ends, "on": begins, "toggle": "event.shiftKey"}
    chosen = {"type": "point", "fields": ["key"], "clear": {"merge": [_RESET, pressed]}}
    return [
        select(f"first_{at}", first, views=[view.unit]),
        select(listed, chosen, bind={"key": bound}, views=[view.unit]),
        variable(f"keys_{at}", expr=f"first_{at}.key || {listed}.key || []"),
    ]
