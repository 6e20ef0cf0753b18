"""The look of every chart: title states the finding, subtitle the measure and unit, footer the sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import altair as alt
import polars as pl

from outage_analysis.text import Locale

ACCENT = "#0072B2"  # Okabe-Ito blue
OKABE_ITO = (ACCENT, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#8a8f98"
LIGHT = "#d5d9df"
INK = "#1f2328"
FONT = "Outage Sans, Noto Sans KR, Apple SD Gothic Neo, Malgun Gothic, Arial, sans-serif"
WIDE_LETTERS = 0x1100
"""From this code point on (Hangul and later) a letter is two columns wide."""
ROW = 34
"""Height of one horizontal bar, in pixels."""


@dataclass(frozen=True)
class ChartContext:
    """What a chart needs beside its data: words, names of ids, the day and whether rows are synthetic."""

    words: Locale
    names: Mapping[str, str]
    as_of: date
    loss: str = ""
    synthetic: bool = False
    source: str = ""
    """Where the data are from, in place of facts and a day."""

    def name(self, id_: str | None) -> str:
        """The name of an id, or the id."""
        return self.names.get(id_ or "", id_ or self.words("word.all"))


Axis = TypeVar("Axis", alt.X, alt.Y)
AltairChart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.ConcatChart | alt.VConcatChart
"""What a chart function returns: charts of several views are concatenations."""


class NothingToDraw(Exception):
    """A table has rows, but none that this chart shows."""


def finish_chart(
    chart: AltairChart,
    context: ChartContext,
    *,
    title: str,
    subtitle: str,
    description: str,
    facts: str = "",
    height: int = 200,
) -> AltairChart:
    """Title, footer, description and look, the same for every chart that is as wide as its place."""
    placed: AltairChart = chart.properties(
        width="container",
        height=height,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )
    return finish_views(placed, context, title=title, subtitle=subtitle, description=description, facts=facts)


def finish_views(
    chart: AltairChart, context: ChartContext, *, title: str, subtitle: str, description: str, facts: str = ""
) -> AltairChart:
    """Title, footer, description and look of a chart of several views, which has a width of its own."""
    locale = context.words
    day = locale.day(context.as_of)
    footer = (
        locale("chart.sources", facts=facts.replace(" ", ", "), day=day)
        if facts
        else locale("chart.sources_none", day=day)
    )
    if context.source:
        footer = context.source
    if context.synthetic:
        title = locale("chart.synthetic_prefix", title=title)
        footer = locale("chart.sources_synthetic", day=day)
    dressed_chart: AltairChart = chart.properties(
        description=f"{description} {footer}",
        background="white",
        title=alt.TitleParams(
            text=wrap_columns(title, 60),
            subtitle=[*wrap_columns(subtitle, 78), footer],
            anchor="start",
            frame="group",
        ),
    ).configure(**_config())
    return dressed_chart


def axis_for_field(axis: Axis, field: str) -> Axis:
    """The same axis for another field."""
    other = axis.copy()
    other.shorthand = f"{field}:Q"
    return other


def name_axis(limit: int = 180, lines: int = 1) -> alt.Axis:
    """An axis of names, each on as many lines as `wrap_name` gave it: a phone has no room for one line.

    Names of so many lines stand in the middle of their rows.
    """
    height, label = 13, "split(datum.label, '\\n')"
    raised = height * (1 - lines) / 2
    return alt.Axis(labelExpr=label, labelLimit=limit, labelLineHeight=height, labelOffset=raised)


def wrap_name(text: str) -> str:
    """A name on several short lines."""
    return "\n".join(wrap_columns(text, 24))


def wrap_columns(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, a wide letter counting two: Vega does not wrap titles."""
    lines, line, used = [], "", 0
    for word in text.split(" "):
        size = sum(2 if ord(c) > WIDE_LETTERS else 1 for c in word)
        if line and used + 1 + size > width:
            lines.append(line)
            line, used = word, size
        else:
            line, used = (f"{line} {word}", used + 1 + size) if line else (word, size)
    return [*lines, line]


def _config() -> dict[str, Any]:
    text = {"font": FONT, "color": INK}
    return {
        "font": FONT,
        "view": {"stroke": None},
        "title": {
            **text,
            "fontSize": 16,
            "fontWeight": 600,
            "subtitleFont": FONT,
            "subtitleFontSize": 12,
            "subtitleColor": "#57606a",
            "offset": 14,
            "subtitlePadding": 4,
        },
        "axis": {
            "labelFont": FONT,
            "titleFont": FONT,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelColor": INK,
            "titleColor": "#57606a",
            "gridColor": "#eceef1",
            "domainColor": LIGHT,
            "tickColor": LIGHT,
            "labelLimit": 240,
        },
        "legend": {
            "labelFont": FONT,
            "labelFontSize": 12,
            "labelColor": INK,
            "titleFont": FONT,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titleColor": "#57606a",
        },
        "header": {"labelFont": FONT, "labelFontSize": 12, "labelColor": INK},
        "text": {"font": FONT, "fontSize": 12, "color": INK},
        "bar": {"color": ACCENT},
    }


def json_ready(context: pl.DataFrame) -> pl.DataFrame:
    """Decimals as floats and enums as text: what a chart's JSON can carry."""
    return context.with_columns(pl.col(pl.Decimal).cast(pl.Float64), pl.col(pl.Enum).cast(pl.String))
