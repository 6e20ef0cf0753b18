"""Layout of linked charts: their places on the page, the names of their bars, and their titles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from outage_analysis.charts import view_selection
from outage_analysis.charts.claims_data import OTHER_ID, View
from outage_analysis.charts.loss_charts import service_name
from outage_analysis.charts.theme import AltairChart, ChartContext
from outage_analysis.text import Locale, fonts

# Vega cannot adapt the width of charts that stand side by side. Two charts together are 700 pixels wide,
# which fits a notebook cell in JupyterLab with the file list open. On a phone the charts stand in one column,
# which is half as wide.
LEFT, RIGHT = (150, 184), (100, 204)
"""Pixels for names and for bars, in charts on the left and on the right; each chart fits on a phone."""
PLACES = {"band": RIGHT, "day": RIGHT}
"""The linked charts on the right; all others are on the left."""
LONGEST = 40
"""Largest number of characters in the name of a category."""
ORDERED = ("band", "day")
"""The ids of linked charts whose bars have an order, so that a range of them can be selected."""


@dataclass(frozen=True)
class ViewLayout:
    """Layout of one linked chart: its number, id, position, names of bars, title and widths in pixels."""

    at: int
    id: str
    position: int
    names: list[str]
    title: str
    name_width: int
    bar_width: int

    @property
    def view(self) -> str:
        """The name of the linked chart in the Vega-Lite specification."""
        # Altair makes names that end with a number end with the position of the chart on the page.
        return f"linked_{self.position}"

    @property
    def ordered(self) -> bool:
        """Whether the bars have an order, so that a range of them can be selected."""
        return self.id in ORDERED

    def selected(self, position: str) -> str:
        """Return a Vega expression for whether the bar at a position is selected, or all bars are."""
        return view_selection.selected(self.at, position, ordered=self.ordered)


def place_views(views: Sequence[View], order: Sequence[str], context: ChartContext) -> list[ViewLayout]:
    """Return the layout of each linked chart, in the order of `views`.

    Args:
        views: the linked charts.
        order: the ids of the linked charts in reading order, two on a row.
        context: language and display names.
    """
    return [
        ViewLayout(
            at,
            view.id,
            order.index(view.id),
            _entry_names(view, context),
            _title(view, context),
            *PLACES.get(view.id, LEFT),
        )
        for at, view in enumerate(views)
    ]


def _entry_names(view: View, context: ChartContext) -> list[str]:
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


def set_size(
    view: AltairChart,
    width: int,
    height: int,
    layout: ViewLayout | None = None,
    *,
    locale: Locale,
    over: int = 0,
) -> AltairChart:
    """Set the size and the title of a linked chart.

    `over` raises the title by this many pixels, so that it is level with the title of a neighbouring chart.
    """
    sized: AltairChart = view.properties(width=width, height=height)
    if layout is None:
        return sized
    title = alt.TitleParams(
        alt.ExprRef(_selection_text(layout, locale)),
        anchor="start",
        frame="group",
        fontSize=12,
        limit=layout.name_width + layout.bar_width,
        dx=-layout.name_width,
        offset=4 + over,
    )
    return sized.properties(title=title)


def _selection_text(layout: ViewLayout, locale: Locale) -> str:
    at, several, to = layout.at, *(quote(locale(f"chart.linked_{name}")) for name in ("several", "to"))
    name = f"names[{at}][{{}}]"
    if layout.ordered:
        low, high = name.format(f"low_{at}"), name.format(f"high_{at}")
        what = f"keys_{at}[0] == until_{at} ? {low} : {low} + {to} + {high}"
    else:
        what = f"length(keys_{at}) > 1 ? length(keys_{at}) + {several} : {name.format(f'keys_{at}[0]')}"
    title = quote(layout.title)
    return f"{view_selection.chosen(at)} ? {title} + ': ' + ({what}) : {title}"


def quote(value: str) -> str:
    """Return a string as a quoted literal for a Vega expression."""
    return json.dumps(value, ensure_ascii=False)
