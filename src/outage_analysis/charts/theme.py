"""Common style of all charts: the finding as title, measure and unit as subtitle, sources as footer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, TypeVar

import altair as alt
import polars as pl

from outage_analysis.incidents import source_sites
from outage_analysis.text import Locale

ACCENT = "#0072B2"  # blue of the Okabe-Ito palette
OKABE_ITO = (ACCENT, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#8a8f98"
LIGHT = "#d5d9df"
INK = "#1f2328"
MUTED = "#57606a"
GRID = "#eceef1"
SHADE = "#f3d9c4"
"""The shading of the outage."""
SURFACE = "white"
"""The background, also of the outline of texts."""
DARK = MappingProxyType(
    {
        ACCENT: "#56B4E9",
        GREY: "#8b949e",
        LIGHT: "#3d444d",
        INK: "#e6edf3",
        MUTED: "#9da7b3",
        GRID: "#2a3038",
        SHADE: "#6b4a2f",
        SURFACE: "#0d1117",
    }
)
"""The dark palette: for each colour of the light palette, the colour that replaces it on a dark page."""
FONT = "Outage Sans, Noto Sans KR, Apple SD Gothic Neo, Malgun Gothic, Arial, sans-serif"
WIDE_LETTERS = 0x1100
"""Characters above this code point (Hangul and later) count as two characters wide."""
MAX_SITES = 3
"""The most websites that a footer names, so that it stays on one line."""
ROW = 34
"""Height of one horizontal bar, in pixels."""


DATA_KEYS = ("datasets", "values", "data")
"""Parts of a chart specification that contain data, and no colours of the palette."""


@dataclass(frozen=True)
class ChartContext:
    """What a chart needs besides its table: language, names, as-of day, and whether claims are synthetic."""

    locale: Locale
    names: Mapping[str, str]
    as_of: date
    loss: str = ""
    synthetic: bool = False
    source: str = ""
    """Source for the footer, in place of the cited facts and the as-of day."""
    outage: tuple[datetime, datetime] | None = None
    """Start and end of the outage in the incident's local time, without a time zone; None if unknown."""
    deadlines: tuple[tuple[date, str], ...] = ()
    """The last days on which a claim could be filed, as announced by the as-of day, each with its label."""

    first: tuple[str, ...] = ()
    """The services that come first."""

    def name(self, id_: str | None) -> str:
        """Return the display name of an id, or the id if it has none."""
        return self.names.get(id_ or "", id_ or self.locale("word.all"))


Axis = TypeVar("Axis", alt.X, alt.Y)
AltairChart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.ConcatChart | alt.VConcatChart
"""What a chart function returns; charts of several views are concatenations."""


class NothingToDraw(Exception):
    """Raised if a table contains nothing that the chart can show."""


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
    """Add title, footer, description and style to a chart that fills the width of its container."""
    placed: AltairChart = chart.properties(
        width="container",
        height=height,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )
    return finish_views(placed, context, title=title, subtitle=subtitle, description=description, facts=facts)


def finish_views(
    chart: AltairChart, context: ChartContext, *, title: str, subtitle: str, description: str, facts: str = ""
) -> AltairChart:
    """Add title, footer, description and style to a chart that sets its own width, such as linked charts."""
    locale = context.locale
    footer = context.source
    if context.synthetic or not footer:
        footer = source_line(facts.split(), context.as_of, locale, synthetic=context.synthetic)
    if context.synthetic:
        title = locale("chart.synthetic_prefix", title=title)
    dressed_chart: AltairChart = chart.properties(
        description=f"{description} {footer}",
        background=SURFACE,
        title=alt.TitleParams(
            text=wrap_columns(title, 60),
            subtitle=[*wrap_columns(subtitle, 78), footer],
            anchor="start",
            frame="group",
        ),
    ).configure(**style_config())
    return dressed_chart


def source_line(facts: Iterable[str], as_of: date, locale: Locale, *, synthetic: bool) -> str:
    """Return the line below a chart or slide: the websites that published its facts, and the as-of day."""
    day = locale.day(as_of)
    if synthetic:
        return locale("chart.sources_synthetic", day=day)
    sites = source_sites(facts)
    if not sites:
        return locale("chart.sources_none", day=day)
    listed, left = ", ".join(sites[:MAX_SITES]), len(sites) - MAX_SITES
    named = locale("chart.more_sites", shown=listed, count=left) if left > 0 else listed
    return locale("chart.sources", facts=named, day=day)


def axis_for_field(axis: Axis, field: str) -> Axis:
    """Return a copy of an axis for another numeric field of the data."""
    other = axis.copy()
    other.shorthand = f"{field}:Q"
    return other


def name_axis(limit: int = 180, lines: int = 1) -> alt.Axis:
    """Return a vertical axis of names; its labels keep the line breaks that `wrap_name` inserts.

    Args:
        limit: greatest width of a label, in pixels.
        lines: number of lines of a label to centre vertically on its row.
    """
    height, label = 13, "split(datum.label, '\\n')"
    raised = height * (1 - lines) / 2
    return alt.Axis(labelExpr=label, labelLimit=limit, labelLineHeight=height, labelOffset=raised)


def wrap_name(text: str) -> str:
    """Break a name into lines that fit beside a chart on a phone."""
    return "\n".join(wrap_columns(text, 24))


def wrap_columns(text: str, width: int) -> list[str]:
    """Break a text into lines of at most `width` characters, because Vega does not wrap titles.

    A wide character such as a Hangul syllable counts as two characters.
    """
    lines, line, used = [], "", 0
    for word in text.split(" "):
        size = sum(2 if ord(c) > WIDE_LETTERS else 1 for c in word)
        if line and used + 1 + size > width:
            lines.append(line)
            line, used = word, size
        else:
            line, used = (f"{line} {word}", used + 1 + size) if line else (word, size)
    return [*lines, line]


def style_config() -> dict[str, Any]:
    """Return the colours, fonts and text sizes of every chart, as a Vega-Lite configuration."""
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
            "subtitleColor": MUTED,
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
            "titleColor": MUTED,
            "gridColor": GRID,
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
            "titleColor": MUTED,
        },
        "header": {"labelFont": FONT, "labelFontSize": 12, "labelColor": INK},
        "text": {"font": FONT, "fontSize": 12, "color": INK},
        "bar": {"color": ACCENT},
    }


def json_ready(table: pl.DataFrame) -> pl.DataFrame:
    """Convert the decimals of a table to floats and its enums to strings, because JSON has neither type."""
    return table.with_columns(pl.col(pl.Decimal).cast(pl.Float64), pl.col(pl.Enum).cast(pl.String))


def outlined_text(base: alt.Chart, looks: dict[str, Any], **places: Any) -> list[alt.Chart]:  # noqa: ANN401 - channels
    """Draw a text with an outline in the colour of the background, so that it is readable across lines."""
    rim = base.mark_text(**(looks | {"stroke": SURFACE, "strokeWidth": 4, "color": SURFACE}))
    return [text.encode(**places) for text in (rim, base.mark_text(**looks))]


def in_palette(spec: Any, palette: Mapping[str, str] = DARK) -> Any:  # noqa: ANN401 - JSON
    """Return a chart specification with the colours of another palette.

    Colours in data, such as those of the cells of a heat table, are kept: such a cell has its own text
    colour, which is readable on both palettes.

    Args:
        spec: the specification, a JSON object as `Chart.to_dict` returns it.
        palette: a replacement for each colour of the light palette.

    Example:
        >>> in_palette({"background": "white", "mark": {"type": "bar", "color": ACCENT}})
        {'background': '#0d1117', 'mark': {'type': 'bar', 'color': '#56B4E9'}}
    """
    if isinstance(spec, dict):
        return {key: value if key in DATA_KEYS else in_palette(value, palette) for key, value in spec.items()}
    if isinstance(spec, list):
        return [in_palette(value, palette) for value in spec]
    return palette.get(spec, spec) if isinstance(spec, str) else spec
