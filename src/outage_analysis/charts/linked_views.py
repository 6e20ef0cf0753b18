"""Linked charts of the claims: selecting bars in one chart filters all other charts.

The page embeds one table of claim counts per pair of dimensions. With such tables only one dimension can be
filtered at a time, so a new selection in one chart clears the selection in any other chart.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts import view_selection
from outage_analysis.charts.claims_data import OTHER_ID, View, build_views
from outage_analysis.charts.loss_charts import service_name
from outage_analysis.charts.theme import (
    ACCENT,
    AltairChart,
    ChartContext,
    NothingToDraw,
    finish_views,
    json_ready,
)
from outage_analysis.text import fonts

# Vega cannot adapt the width of charts that stand side by side. Two charts together are 700 pixels wide,
# which fits a notebook cell in JupyterLab with the file list open. On a phone the charts stand in one column,
# which is half as wide.
ROW, DAYS_HIGH, DAY_NAMES, COUNTS = 21, (150, 300), 20, 46
"""Pixels: height per bar; smallest and largest height of the chart of days; its axis labels."""
LEFT, RIGHT = (140, 184), (100, 204)
"""Pixels for names and for bars, in charts on the left and on the right; each chart fits on a phone."""
PLACES = {"band": RIGHT, "day": RIGHT}
"""The linked charts on the right; all others are on the left."""
FULL = 1.36
"""Upper end of the bar axis. The longest bar has length 1, and the space beyond is for its count."""
CHOSEN, FADED = "#e3eef7", 0.35
LONGEST = 40
"""Largest number of characters in the name of a category."""
DAY_LABELS = 4


@dataclass(frozen=True)
class _ViewLayout:
    """Layout of one linked chart: its number, the names of its bars, its title, and widths in pixels."""

    at: int
    names: list[str]
    title: str
    name_width: int
    bar_width: int

    @property
    def view(self) -> str:
        """The name of the linked chart in the Vega-Lite specification."""
        return f"linked_{self.at}"


def linked_chart(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw linked charts of claims by service, loss band, day and one more dimension, such as the region.

    The values of the additional dimension come from the claims. Only the most common values have their own
    bars.

    Args:
        table: the claim counts per pair of dimensions, as `count_pairs` returns them.
        context: language, display names and as-of day.
    """
    if table.is_empty() or not table["claims"].sum():
        raise NothingToDraw
    views, counts = build_views(table)
    layouts = [
        _ViewLayout(at, _entry_names(view, context), _title(view, context), *PLACES.get(view.id, LEFT))
        for at, view in enumerate(views)
    ]
    claims = sum(counts["claims"][0].to_list())
    base, locale = alt.Chart(), context.locale
    high = min(max(ROW * len(layouts[0].names) - DAY_NAMES, DAYS_HIGH[0]), DAYS_HIGH[1])
    charts = {
        view.id: _day_view(base, layout, high) if view.id == "day" else _bar_view(base, layout)
        for layout, view in zip(layouts, views, strict=True)
    }
    # The chart of services stands beside the chart of days, which is drawn about equally tall.
    order = sorted(charts, key=lambda id_: (id_ != "service", id_ != "day", id_ == "band"))
    below = alt.concat(*(charts[id_] for id_ in order), columns=2, spacing={"row": 14, "column": 24})
    heading = _heading(base, claims, context, layouts[0].name_width)
    note = locale.band_note([tuple(entry) for entry in views[1].entries])
    chart = finish_views(
        alt.vconcat(heading, below, spacing=12, data=json_ready(counts)),
        context,
        title=_headline(layouts, counts, claims, context),
        subtitle=locale("chart.linked_subtitle", loss=context.loss, note=f"; {note}" if note else ""),
        description=locale("chart.linked_description"),
    )
    return chart.properties(
        params=_parameters(layouts, [view.id in ("band", "day") for view in views], context)
    )


def _parameters(
    layouts: Sequence[_ViewLayout], ordered: list[bool], context: ChartContext
) -> list[alt.TopLevelParameter]:
    """Return the Vega parameters: the selections, and the names of all linked charts and their bars."""
    locale = context.locale
    listed = {
        view_selection.entry_key(layout.at, n): f"{layout.title}: {name}"
        for layout in layouts
        for n, name in enumerate(layout.names)
    }
    views = [layout.view for layout in layouts]
    titles = locale("chart.linked_choose"), locale("chart.linked_all")
    return [
        alt.VariableParameter("names", value=[layout.names for layout in layouts]),
        alt.VariableParameter("titles", value=[layout.title for layout in layouts]),
        *view_selection.selection_parameters(views, ordered, listed, *titles),
    ]


def _headline(
    layouts: Sequence[_ViewLayout], counts: pl.DataFrame, claims: int, context: ChartContext
) -> str:
    """Return the chart title: the service with the most claims, and its share.

    If the claims are synthetic, the title only lists the charts, because such claims support no finding.
    """
    locale = context.locale
    if context.synthetic:
        return locale("chart.linked_measure", views=", ".join(layout.title for layout in layouts).lower())
    largest = sum(counts["claims"][0].to_list()[: counts["width"][0]])
    return locale("chart.linked_finding", name=layouts[0].names[0], share=locale.share(largest / claims))


def _entry_names(view: View, context: ChartContext) -> list[str]:
    """Return the labels of the bars in a linked chart."""
    locale, firsts = context.locale, [entry[0] for entry in view.entries]
    if view.id == "service":
        return [_clean_line(service_name(context, id_, view.merged_count)) for id_ in firsts]
    if view.id == "band":
        return [locale.band_short(*band) for band in view.entries]
    if view.id == "day":
        return [locale.short_day(day) for day in firsts]
    apart = {None: locale("chart.linked_unstated"), OTHER_ID: locale("chart.linked_rest")}
    return [apart[text] if text in apart else _shorten(text) for text in firsts]


def _shorten(text: str) -> str:
    """Shorten a text from the claims to one line of at most `LONGEST` characters."""
    line = _clean_line(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _clean_line(text: str) -> str:
    """Put a text on one line, and make control characters visible that could hide or reorder text."""
    return fonts.printable(" ".join(text.split()))


def _title(view: View, context: ChartContext) -> str:
    locale = context.locale
    if view.id == "day" and view.days_per_entry > 1:
        return locale("chart.linked_days_binned", count=view.days_per_entry)
    return (
        _clean_line(context.name(view.dimension))
        if view.id == "category"
        else locale(f"chart.linked_{view.id}")
    )


def _entry_totals(base: alt.Chart, at: int) -> alt.Chart:
    """Compute a row per bar of chart number `at`: `key`, `n` (number of selected claims) and bar `length`.

    The counts of a pair of charts are used for both charts. In the row of a bar, `own` is the bar's position
    in chart `at`, `by` is the number of the other chart, and `beside` is the position in the other chart.
    """
    pairs = f"datum.one == {at} || datum.other == {at}"
    across = view_selection.chosen_expression(f"datum.by * {view_selection.KEYS_PER_VIEW} + datum.beside")
    unfiltered = f"chosen_view < 0 || chosen_view == {at}"
    every = 1 if at == 0 else 0  # use any other chart: all give the same totals
    return (
        base.transform_filter(pairs)
        .transform_calculate(slot="sequence(0, length(datum.claims))")
        .transform_flatten(["claims", "slot"])
        .transform_calculate(
            own=f"datum.one == {at} ? floor(datum.slot / datum.width) : datum.slot % datum.width",
            beside=f"datum.one == {at} ? datum.slot % datum.width : floor(datum.slot / datum.width)",
            by=f"datum.one == {at} ? datum.other : datum.one",
        )
        .transform_filter(f"{unfiltered} ? datum.by == {every} : datum.by == chosen_view && {across}")
        .transform_aggregate(n="sum(claims)", groupby=["own"])
        .transform_joinaggregate(most="max(n)")
        .transform_calculate(
            key=f"{at * view_selection.KEYS_PER_VIEW} + datum.own",
            length="datum.most ? datum.n / datum.most : 0",
            label=f"names[{at}][datum.own] + ': ' + format(datum.n, ',')",
        )
    )


def _fade_unselected(at: int) -> Any:  # noqa: ANN401 - Altair's type is private
    """Return the Vega condition that fades the unselected bars of the chart that has a selection."""
    full = f"chosen_view != {at} || {view_selection.chosen_expression('datum.key')}"
    return alt.condition(full, alt.value(1), alt.value(FADED))


def _slots(totals: alt.Chart, at: int) -> alt.Chart:
    """Return a background for each bar. It receives the clicks, and it is tinted if the bar is selected."""
    selected = f"chosen_view == {at} && {view_selection.chosen_expression('datum.key')}"
    slots: alt.Chart = totals.mark_rect(cursor="pointer", aria=False).encode(
        color=alt.condition(selected, alt.value(CHOSEN), alt.value("transparent"))
    )
    return slots


def _bar_view(base: alt.Chart, layout: _ViewLayout) -> AltairChart:
    """Draw the linked chart of services, loss bands or another dimension as bars with their counts."""
    at, totals = layout.at, _entry_totals(base, layout.at)
    axis = alt.Axis(
        labelExpr=f"names[{at}][datum.value]",
        labelLimit=layout.name_width - 6,
        minExtent=layout.name_width,
        maxExtent=layout.name_width,
        ticks=False,
        domain=False,
        labelPadding=6,
        zindex=1,
    )
    scale = alt.Scale(domain=list(range(len(layout.names))), padding=0)
    y = alt.Y("own:O", title=None, axis=axis, scale=scale)
    x = alt.X("length:Q", title=None, axis=None, scale=alt.Scale(domain=[0, FULL]))
    slots = _slots(totals, at).encode(y, x=alt.value(-layout.name_width), x2=alt.value(layout.bar_width))
    bars = totals.mark_bar(color=ACCENT, height={"band": 0.72}, cursor="pointer")
    numbers = totals.mark_text(align="left", dx=4, fontSize=11, cursor="pointer", aria=False)
    view = alt.layer(
        slots.properties(name=layout.view),
        bars.encode(x, y, opacity=_fade_unselected(at), description="label:N"),
        numbers.encode(x, y, text=alt.Text("n:Q", format=",d")),
    )
    return _set_size(view, layout.bar_width, ROW * len(layout.names), layout, over=6)


def _day_view(base: alt.Chart, layout: _ViewLayout, high: int) -> AltairChart:
    """Draw the linked chart of days as vertical bars."""
    at, totals = layout.at, _entry_totals(base, layout.at)
    step = max(1, -(-len(layout.names) // DAY_LABELS))
    days = list(range(len(layout.names)))
    axis = alt.Axis(labelExpr=f"names[{at}][datum.value]", labelAngle=0, values=days[::step], zindex=1)
    x = alt.X("own:O", title=None, axis=axis, scale=alt.Scale(domain=days, padding=0))
    counts = alt.Axis(format=",d", tickCount=4, tickMinStep=1, minExtent=COUNTS, maxExtent=COUNTS)
    # `nice` always puts the highest tick at the top of the axis, so the title above the chart does not move.
    y = alt.Y("n:Q", title=None, axis=counts, scale=alt.Scale(nice=4))
    slots = _slots(totals, at).encode(x, y=alt.value(0), y2=alt.value(high + DAY_NAMES))
    bars = totals.mark_bar(color=ACCENT, width={"band": 0.8}, cursor="pointer")
    view = alt.layer(
        slots.properties(name=layout.view),
        bars.encode(x, y, opacity=_fade_unselected(at), description="label:N"),
    )
    return _set_size(view, layout.bar_width, high, layout)


def _heading(base: alt.Chart, claims: int, context: ChartContext, width: int) -> AltairChart:
    """Draw the heading that shows the current selection, its number of claims and its share of all claims."""
    locale = context.locale
    phrases = {name: _quote(locale(f"chart.linked_{name}")) for name in ("all", "several", "to")}
    named = f"names[chosen_view][{{}} % {view_selection.KEYS_PER_VIEW}]"
    low, high = (named.format(f"{end}(keys[0], until)") for end in ("min", "max"))
    ranged = f"keys[0] == until ? {low} : {low} + {phrases['to']} + {high}"
    several = f"length(keys) > 1 ? length(keys) + {phrases['several']} : {low}"
    what = f"ordered[chosen_view] ? ({ranged}) : {several}"
    other = f"chosen_view * {view_selection.KEYS_PER_VIEW} + datum.slot % datum.width"
    heading = (
        base.transform_filter("datum.one == 0 && datum.other == max(1, chosen_view)")
        .transform_calculate(slot="sequence(0, length(datum.claims))")
        .transform_flatten(["claims", "slot"])
        .transform_calculate(key=f"chosen_view < 1 ? floor(datum.slot / datum.width) : {other}")
        .transform_filter(f"chosen_view < 0 || {view_selection.chosen_expression('datum.key')}")
        .transform_aggregate(n="sum(claims)")
        .transform_calculate(
            label=f"(chosen_view < 0 ? {phrases['all']} : titles[chosen_view] + ': ' + ({what})) + ': '"
            f" + format(datum.n, ',')"
            f" + (chosen_view < 0 ? '' : ' (' + format(datum.n / {claims}, '.1%') + ')')"
        )
        .mark_text(align="left", fontWeight=600, fontSize=13)
        .encode(text="label:N", x=alt.value(-width))
    )
    return _set_size(heading, 1, 16)


def _quote(value: str) -> str:
    """Return a string as a quoted literal for a Vega expression."""
    return json.dumps(value, ensure_ascii=False)


def _set_size(
    view: AltairChart, width: int, height: int, layout: _ViewLayout | None = None, *, over: int = 0
) -> AltairChart:
    """Set the size and the title of a linked chart.

    `over` raises the title by this many pixels, so that it is level with the title of a neighbouring chart.
    """
    sized: AltairChart = view.properties(width=width, height=height)
    if layout is None:
        return sized
    title = alt.TitleParams(
        layout.title, anchor="start", frame="group", fontSize=12, dx=-layout.name_width, offset=4 + over
    )
    return sized.properties(title=title)
