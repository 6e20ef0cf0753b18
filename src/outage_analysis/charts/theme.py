"""The palette of all charts, and their common style: title with the finding, subtitle, sources as footer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import altair as alt

from outage_analysis.incidents import UNKNOWN, ZERO, Incident, source_sites
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
CHOSEN = "#e3eef7"
"""The tint of a selected bar."""
SURFACE = "white"
"""The background, also of the outline of texts."""
LOSS_COLOURS = ("#c9dff0", "#7fb3d9", ACCENT, "#00324f")
"""One hue from light to dark, so that the order is visible with colour blindness and in greyscale."""
EMPTY_CELL = "#f6f7f9"
SPECIAL_BAND_COLOURS = {ZERO: "#d6dae0", UNKNOWN: "#b3b8c0"}
"""Colours of the bands of zero and unknown losses; the band of negative losses is `GREY`."""
WHITE, BLACK = "#ffffff", "#1f2329"
"""Colours of texts on a coloured bar or cell; unlike the others, they are the same on a dark page."""
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


AltairChart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.ConcatChart | alt.VConcatChart
"""What a chart function returns; charts of several views are concatenations."""


class NothingToDraw(Exception):
    """Raised if a table contains nothing that the chart can show."""


def chart_context(
    incident: Incident, locale: Locale, names: Mapping[str, str], as_of: date, *, synthetic: bool
) -> ChartContext:
    """Return the context for charts of an incident, with the name and unit of the incident's losses."""
    unit = incident.loss.unit
    unit = locale.unit if unit == incident.currency else locale.unit_name(unit)
    outage = incident.outage
    start, end = (t and t.astimezone(incident.zone).replace(tzinfo=None) for t in (outage.start, outage.end))
    days = sorted({deadline.closes for deadline in incident.deadlines_by(as_of)})
    words = ["chart.day_first_deadline"] * (len(days) - 1) + ["chart.day_deadline"]
    return ChartContext(
        locale,
        names,
        as_of,
        f"{incident.loss.name[locale.lang]}, {unit}",
        synthetic=synthetic,
        outage=(start, end) if start and end else None,
        deadlines=tuple(
            (day, locale(word, day=locale.short_day(day))) for day, word in zip(days, words, strict=False)
        ),
        first=incident.first_services,
    )


def finish_chart(
    chart: AltairChart,
    context: ChartContext,
    words: str,
    *,
    finding: str = "",
    measure: str = "",
    subtitle: str = "",
    facts: str = "",
    height: int | None = None,
    **values: object,
) -> AltairChart:
    """Add title, footer, description and style to a chart.

    The title is the finding. If there is none, or if the claims are synthetic and so support none, the title
    names what the chart measures.

    Args:
        chart: the drawing.
        context: language, as-of day, sources, and whether claims are synthetic.
        words: the start of the keys of the texts: `chart.<words>_measure`, `chart.<words>_subtitle` and
            `chart.<words>_description`.
        finding: the title that states what the chart shows.
        measure: the key of the title without a finding, if it is not `chart.<words>_measure`.
        subtitle: the key of the subtitle, if it is not `chart.<words>_subtitle`.
        facts: the ids of the published facts in the chart, separated by spaces; the footer names their sites.
        height: the height in pixels of a chart that fills the width of its container; None if the chart sets
            its own size.
        values: the values for placeholders in the texts, besides `unit` (of money) and `loss`.
    """
    locale = context.locale
    values = {"unit": locale.unit, "loss": context.loss} | values
    title = finding
    if context.synthetic or not finding:
        title = locale(measure or f"chart.{words}_measure", **values)
    if context.synthetic:
        title = locale("chart.synthetic_prefix", title=title)
    footer = context.source
    if context.synthetic or not footer:
        footer = source_line(facts.split(), context.as_of, locale, synthetic=context.synthetic)
    if height is not None:
        size = alt.AutoSizeParams(type="fit-x", contains="padding")
        chart = chart.properties(width="container", height=height, autosize=size)
    below = locale(subtitle or f"chart.{words}_subtitle", **values)
    finished: AltairChart = chart.properties(
        description=f"{locale(f'chart.{words}_description', **values)} {footer}",
        background=SURFACE,
        title=alt.TitleParams(
            text=wrap_columns(title, 60),
            subtitle=[*wrap_columns(below, 78), footer],
            anchor="start",
            frame="group",
        ),
    ).configure(**style_config())
    return finished


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
    label = {"labelFont": FONT, "labelFontSize": 12, "labelColor": INK}
    title = {"titleFont": FONT, "titleFontSize": 12, "titleFontWeight": "normal", "titleColor": MUTED}
    subtitle = {"subtitleFont": FONT, "subtitleFontSize": 12, "subtitleColor": MUTED, "subtitlePadding": 4}
    lines = {"gridColor": GRID, "domainColor": LIGHT, "tickColor": LIGHT}
    return {
        "font": FONT,
        "view": {"stroke": None},
        "title": {"font": FONT, "color": INK, "fontSize": 16, "fontWeight": 600, "offset": 14, **subtitle},
        "axis": {**label, **title, **lines, "labelLimit": 240},
        "legend": {**label, **title},
        "header": label,
        "text": {"font": FONT, "fontSize": 12, "color": INK},
        "bar": {"color": ACCENT},
    }


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
