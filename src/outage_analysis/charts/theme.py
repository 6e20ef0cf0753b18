"""The look of every chart: title states the finding, subtitle the measure and unit, footer the sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import altair as alt
import polars as pl

from outage_analysis.labels import Words

ACCENT = "#0072B2"  # Okabe-Ito blue
GREY = "#8a8f98"
LIGHT = "#d5d9df"
INK = "#1f2328"
FONT = "Noto Sans KR, Noto Sans CJK KR, Apple SD Gothic Neo, Malgun Gothic, Helvetica Neue, Arial, sans-serif"
WIDE_LETTERS = 0x1100
"""From this code point on (Hangul and later) a letter is two columns wide."""
ROW = 34
"""Height of one horizontal bar, in pixels."""


@dataclass(frozen=True)
class Frame:
    """What a chart needs beside its data: words, names of ids, the day and whether rows are synthetic."""

    words: Words
    names: Mapping[str, str]
    as_of: date
    loss: str = ""
    synthetic: bool = False
    headline: Mapping[str, float] = field(default_factory=dict)

    def name(self, id_: str | None) -> str:
        """The name of an id, or the id."""
        return self.names.get(id_ or "", id_ or self.words("word.all"))


class NothingToDraw(Exception):
    """A table has rows, but none that this chart shows."""


def dressed(
    chart: alt.Chart | alt.LayerChart,
    frame: Frame,
    *,
    title: str,
    subtitle: str,
    description: str,
    facts: str = "",
    height: int = 200,
) -> alt.Chart | alt.LayerChart:
    """Title, footer, description and look, the same for every chart."""
    w = frame.words
    day = w.day(frame.as_of)
    footer = (
        w("chart.sources", facts=facts.replace(" ", ", "), day=day)
        if facts
        else w("chart.sources_none", day=day)
    )
    if frame.synthetic:
        title = w("chart.synthetic_prefix", title=title)
        footer = w("chart.sources_synthetic", day=day)
    dressed_chart: alt.Chart | alt.LayerChart = chart.properties(
        width="container",
        height=height,
        description=f"{description} {footer}",
        background="white",
        title=alt.TitleParams(
            text=wrapped(title, 60), subtitle=[*wrapped(subtitle, 78), footer], anchor="start", frame="group"
        ),
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    ).configure(**_config())
    return dressed_chart


def names_axis(limit: int = 180) -> alt.Axis:
    """An axis of names, each on as many lines as `folded` gave it: a phone has no room for one line."""
    return alt.Axis(labelExpr="split(datum.label, '\\n')", labelLimit=limit, labelLineHeight=13)


def folded(text: str) -> str:
    """A name on several short lines."""
    return "\n".join(wrapped(text, 24))


def wrapped(text: str, width: int) -> list[str]:
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
        "text": {"font": FONT, "fontSize": 12, "color": INK},
        "bar": {"color": ACCENT},
    }


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Decimals as floats and enums as text: what a chart's JSON can carry."""
    return frame.with_columns(pl.col(pl.Decimal).cast(pl.Float64), pl.col(pl.Enum).cast(pl.String))
