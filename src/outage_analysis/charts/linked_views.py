"""Linked charts of the claims: selections in several charts together filter all other charts.

The page embeds one count of claims for every combination of bars: the cube of service, loss band, day and
one more dimension. Every chart adds up the counts that the selections of all other charts leave and ignores
its own selection, as in a cross-filter. The time of an interaction depends on the number of combinations, not
on the number of claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.charts import view_selection
from outage_analysis.charts.claims_data import View, build_views
from outage_analysis.charts.day_axis import (
    day_marks,
    day_x,
    mark_texts,
    milliseconds,
    shown_days,
)
from outage_analysis.charts.linked_layout import ViewLayout, place_views, quote, set_size
from outage_analysis.charts.theme import (
    ACCENT,
    AltairChart,
    ChartContext,
    NothingToDraw,
    finish_views,
)
from outage_analysis.text import Locale

ROW, DAYS_HIGH, DAY_NAMES, COUNTS = 21, (150, 300), 20, 46
"""Pixels: height per bar; smallest and largest height of the chart of days; its axis labels."""
FULL = 1.36
"""Upper end of the bar axis. The longest bar has length 1, and the space beyond is for its count."""
CHOSEN, FADED = "#e3eef7", 0.35
DAY_LENGTH = 86_400_000
"""Milliseconds of a day."""


def linked_chart(table: pl.DataFrame, context: ChartContext) -> AltairChart:
    """Draw linked charts of claims by service, loss band, day and one more dimension, such as the region.

    The values of the additional dimension come from the claims. Only the most common values have their own
    bars.

    Args:
        table: the claim counts per combination, as `count_combinations` returns them.
        context: language, display names and as-of day; the chart of days shows the outage and deadlines.
    """
    if table.is_empty() or not table["claims"].sum():
        raise NothingToDraw
    views, counts = build_views(table)
    # The chart of services stands beside the chart of days, which is drawn about equally tall.
    order = sorted((v.id for v in views), key=lambda id_: (id_ != "service", id_ != "day", id_ == "band"))
    layouts = place_views(views, order, context)
    locale = context.locale
    base = _combinations(counts, layouts)
    high = min(max(ROW * len(layouts[0].names) - DAY_NAMES, DAYS_HIGH[0]), DAYS_HIGH[1])
    charts = {
        view.id: _day_view(base, layouts, layout, view, context, high)
        if view.id == "day"
        else _bar_view(base, layouts, layout, locale)
        for layout, view in zip(layouts, views, strict=True)
    }
    below = alt.concat(*(charts[id_] for id_ in order), columns=2, spacing={"row": 14, "column": 24})
    heading = _heading(base, sum(counts), layouts, context)
    note = locale.band_note([tuple(entry) for entry in views[1].entries])
    chart = finish_views(
        alt.vconcat(heading, below, spacing=12),
        context,
        title=_headline(views, layouts, table, context),
        subtitle=locale("chart.linked_subtitle", loss=context.loss, note=f"; {note}" if note else ""),
        description=" ".join([locale("chart.linked_description"), *mark_texts(context)]),
    )
    chart.title.frame = "bounds"  # names stand to the left of the group
    return chart.properties(params=_parameters(layouts, context))


def _combinations(counts: Sequence[int], layouts: Sequence[ViewLayout]) -> alt.Chart:
    # The counts are embedded as one text, in which a zero is empty, because this is the shortest form.
    text = ",".join(str(count or "") for count in counts)
    places, width = {}, 1
    for layout in reversed(layouts):
        places[f"place_{layout.at}"] = f"floor(datum.slot / {width}) % {len(layout.names)}"
        width *= len(layout.names)
    rows: alt.Chart = (
        alt.Chart(pl.DataFrame({"counts": [text]}))
        .transform_calculate(count="split(datum.counts, ',')", slot=f"sequence(0, {width})")
        .transform_flatten(["count", "slot"])
        .transform_calculate(claims="+datum.count", **places)
    )
    return rows


def _parameters(layouts: Sequence[ViewLayout], context: ChartContext) -> list[alt.TopLevelParameter]:
    everything = context.locale("chart.linked_all")
    selections = [
        view_selection.selection_parameters(
            layout.at, layout.view, layout.names, layout.title, everything, ordered=layout.ordered
        )
        for layout in layouts
    ]
    names = alt.VariableParameter("names", value=[layout.names for layout in layouts])
    return [names, *(parameter for group in selections for parameter in group)]


def _headline(
    views: Sequence[View], layouts: Sequence[ViewLayout], table: pl.DataFrame, context: ChartContext
) -> str:
    # If the claims are synthetic, the title only lists the charts, because such claims support no finding.
    locale = context.locale
    if context.synthetic:
        return locale("chart.linked_measure", views=", ".join(layout.title for layout in layouts).lower())
    first = [service for (service,), position in views[0].positions.items() if position == 0]
    largest = int(table.filter(pl.col("service").is_in(first))["claims"].sum())
    share = locale.share(largest / int(table["claims"].sum()))
    return locale("chart.linked_finding", name=layouts[0].names[0], share=share)


def _selected_claims(
    base: alt.Chart, layouts: Sequence[ViewLayout], filtering: Sequence[ViewLayout], over: ViewLayout
) -> alt.Chart:
    """Compute `counted`, the claims that the selections of some charts leave, for groups of combinations.

    A group has one bar of every chart except `over`, a chart with an order. In a group, the claims up to each
    bar of `over` are summed once, when the chart is drawn; a selected range is then the difference of two
    sums, so that a new selection visits each group once instead of each combination.

    Args:
        base: the combinations.
        layouts: all linked charts.
        filtering: the charts whose selections count.
        over: the chart with an order whose bars are summed; its selection always counts.
    """
    keys = [f"place_{layout.at}" for layout in layouts if layout is not over]
    low, high = (f"{end}_{over.at}" for end in ("low", "high"))
    within = f"datum.sums[{high}].up_to - ({low} > 0 ? datum.sums[{low} - 1].up_to : 0)"
    held = [layout.selected(f"datum.place_{layout.at}") for layout in filtering if layout is not over]
    running: dict[str, Any] = {"op": "sum", "field": "claims", "as": "up_to"}
    values: dict[str, Any] = {"op": "values", "as": "sums"}
    groups: alt.Chart = (
        base.transform_window(
            [alt.WindowFieldDef(**running)],
            groupby=keys,
            frame=[None, 0],
            sort=[alt.SortField(f"place_{over.at}")],
        )
        .transform_aggregate([alt.AggregatedFieldDef(**values)], groupby=[*keys])
        .transform_calculate(counted=f"{' && '.join(held) or 'true'} ? {within} : 0")
    )
    return groups


def _entry_totals(base: alt.Chart, layouts: Sequence[ViewLayout], at: int) -> alt.Chart:
    """Compute a row per bar of chart number `at`: `key` (its position), `n` (selected claims), bar `length`.

    The selection of chart `at` itself does not count. A bar without selected claims has a row with 0.
    """
    # The chart of days sums over bands, all other charts over days.
    *_, over = [layout for layout in layouts if layout.ordered and layout.at != at]
    others = [layout for layout in layouts if layout.at != at]
    return (
        _selected_claims(base, layouts, others, over)
        .transform_aggregate(n="sum(counted)", groupby=[f"place_{at}"])
        .transform_joinaggregate(most="max(n)")
        .transform_calculate(
            key=f"datum.place_{at}",
            length="datum.most ? datum.n / datum.most : 0",
            label=f"names[{at}][datum.place_{at}] + ': ' + format(datum.n, ',')",
        )
    )


def _fade_unselected(layout: ViewLayout) -> Any:  # noqa: ANN401 - Altair's type is private
    """Return the Vega condition that fades the bars that the selection of their own chart leaves out."""
    return alt.condition(layout.selected("datum.key"), alt.value(1), alt.value(FADED))


def _slots(totals: alt.Chart, layout: ViewLayout) -> alt.Chart:
    """Return a background for each bar. It receives the clicks, and it is tinted if the bar is selected."""
    tinted = f"{view_selection.chosen(layout.at)} && {layout.selected('datum.key')}"
    slots: alt.Chart = totals.mark_rect(cursor="pointer", aria=False).encode(
        color=alt.condition(tinted, alt.value(CHOSEN), alt.value("transparent"))
    )
    return slots


def _bar_view(
    base: alt.Chart, layouts: Sequence[ViewLayout], layout: ViewLayout, locale: Locale
) -> AltairChart:
    at, totals = layout.at, _entry_totals(base, layouts, layout.at)
    axis = alt.Axis(
        labelExpr=f"names[{at}][datum.value]",
        labelFontSize=11,
        labelLimit=layout.name_width - 6,
        minExtent=layout.name_width,
        maxExtent=layout.name_width,
        ticks=False,
        domain=False,
        labelPadding=6,
        zindex=1,
    )
    scale = alt.Scale(domain=list(range(len(layout.names))), padding=0)
    y = alt.Y("key:O", title=None, axis=axis, scale=scale)
    x = alt.X("length:Q", title=None, axis=None, scale=alt.Scale(domain=[0, FULL]))
    slots = _slots(totals, layout).encode(y, x=alt.value(-layout.name_width), x2=alt.value(layout.bar_width))
    bars = totals.mark_bar(color=ACCENT, height={"band": 0.72}, cursor="pointer")
    numbers = totals.mark_text(align="left", dx=4, fontSize=11, cursor="pointer", aria=False)
    view = alt.layer(
        slots.properties(name=layout.view),
        bars.encode(x, y, opacity=_fade_unselected(layout), description="label:N"),
        numbers.encode(x, y, text=alt.Text("n:Q", format=",d")),
    )
    return set_size(view, layout.bar_width, ROW * len(layout.names), layout, locale=locale, over=6)


def _day_view(
    base: alt.Chart,
    layouts: Sequence[ViewLayout],
    layout: ViewLayout,
    view: View,
    context: ChartContext,
    high: int,
) -> AltairChart:
    first: date = view.entries[0][0]
    step = view.days_per_entry
    last: date = view.entries[-1][0] + timedelta(step - 1)
    days = shown_days(first, last, context)
    start = f"{milliseconds(first)} + datum.key * {step * DAY_LENGTH}"
    totals = _entry_totals(base, layouts, layout.at).transform_calculate(
        start=start, end=f"{start} + {step * DAY_LENGTH}"
    )
    # The axis is drawn over the tint of selected bars.
    x = day_x("start", days, context.locale, over_data=True)
    counts = alt.Axis(format=",d", tickCount=4, tickMinStep=1, minExtent=COUNTS, maxExtent=COUNTS)
    # `nice` always puts the highest tick at the top of the axis, so the title above the chart does not move.
    y = alt.Y("n:Q", title=None, axis=counts, scale=alt.Scale(nice=4))
    slots = _slots(totals, layout).encode(x, x2="end:T", y=alt.value(0), y2=alt.value(high + DAY_NAMES))
    bars = totals.mark_rect(color=ACCENT, cursor="pointer", stroke="white", strokeWidth=1)
    under, over = day_marks(x, days, context, high)
    drawn = alt.layer(
        *under,
        slots.properties(name=layout.view),
        bars.encode(
            x, y, x2="end:T", y2=alt.datum(0), opacity=_fade_unselected(layout), description="label:N"
        ),
        *over,
    )
    return set_size(drawn, layout.bar_width, high, layout, locale=context.locale)


def _heading(
    base: alt.Chart, claims: int, layouts: Sequence[ViewLayout], context: ChartContext
) -> AltairChart:
    locale = context.locale
    *_, over = [layout for layout in layouts if layout.ordered]
    values = {"chosen": "format(datum.n, ',')", "share": f"format(datum.n / {claims}, '.1%')"}
    template = locale(
        "chart.linked_selected", claims=f"{claims:,}", **{name: f"\0{name}\0" for name in values}
    )
    # Every second part of the text is the name of a value.
    parts = [values[part] if number % 2 else quote(part) for number, part in enumerate(template.split("\0"))]
    none = " && ".join(f"!({view_selection.chosen(layout.at)})" for layout in layouts)
    all_claims = quote(f"{locale('chart.linked_all')}: {claims:,}")
    heading = (
        _selected_claims(base, layouts, layouts, over)
        .transform_aggregate(n="sum(counted)")
        .transform_calculate(label=f"{none} ? {all_claims} : {' + '.join(parts)}")
        .mark_text(align="left", fontWeight=600, fontSize=12)
        .encode(text="label:N", x=alt.value(-layouts[0].name_width))
    )
    return set_size(heading, 1, 16, locale=locale)
