"""The palette, the fonts and the text sizes of all charts, and the context in which a chart is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import altair as alt

from outage_analysis.incidents import UNKNOWN, ZERO, Incident
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
ROW = 34
"""Height of one horizontal bar, in pixels."""


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
        "background": SURFACE,
        "view": {"stroke": None},
        "title": {"font": FONT, "color": INK, "fontSize": 16, "fontWeight": 600, "offset": 14, **subtitle},
        "axis": {**label, **title, **lines, "labelLimit": 0},
        "legend": {**label, **title},
        "header": label,
        "text": {"font": FONT, "fontSize": 12, "color": INK},
        "bar": {"color": ACCENT},
    }
