"""The look of all charts: palette, fonts and context; axes, labels and marks that several charts share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, TypeVar

import altair as alt
from altair.utils import update_nested

from outage_analysis.incidents import Incident
from outage_analysis.text import CHART_STEPS, Locale, short_names, wrap_text

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
EMPTY_CELL = "#f6f7f9"
WHITE, BLACK = "#ffffff", "#1f2329"
"""Colours of texts on a coloured cell; unlike the others, they are the same on a dark page."""
CELL_COLOURS = (
    *(("#c9dff0", BLACK), ("#a4c9e4", BLACK), ("#7fb3d9", BLACK)),
    *(("#3f92c5", BLACK), (ACCENT, WHITE), ("#00324f", WHITE)),
)
"""Colours of cells and of the texts on them, from few claims to the most. One hue from light to dark, so that
the order is visible with colour blindness and in greyscale."""
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
ROW = 34
"""Height of one horizontal bar, in pixels."""
MEDIAN_DOT: dict[str, Any] = {"filled": True, "color": INK, "stroke": "white", "opacity": 1}
"""A dark dot with a white edge, such as that of a median on its range."""
DIAMOND: dict[str, Any] = {
    "shape": "diamond", "size": 70, "filled": True, "fill": "white", "stroke": INK, "opacity": 1,
}  # fmt: skip
"""A white diamond with a dark edge, for amounts that were announced or cannot be exceeded."""
AltairChart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.ConcatChart | alt.VConcatChart
"""What a chart function returns; charts of several views are concatenations."""
Axis = TypeVar("Axis", alt.X, alt.Y)
LABEL_LINE, LETTER = 13, 7
"""Pixels: height of a line in the label of a row, and width of a letter."""
FEW_DECADES = 2.5
"""A log axis that spans fewer decades than this also has ticks at 2 and 5 times each power of ten."""
SOME_DECADES = 4
"""A log axis that spans fewer decades than this also has ticks at 3 times each power of ten."""
MIN_TICKS = 3
LOG_AXIS_RATIO = 20
"""If the largest amount is at least this many times the smallest, use a log axis."""


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


def style_config(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the colours, fonts and text sizes of every chart, with changes, as a Vega-Lite configuration."""
    label = {"labelFont": FONT, "labelFontSize": 12, "labelColor": INK}
    title = {"titleFont": FONT, "titleFontSize": 12, "titleFontWeight": "normal", "titleColor": MUTED}
    subtitle = {"subtitleFont": FONT, "subtitleFontSize": 12, "subtitleColor": MUTED, "subtitlePadding": 4}
    lines = {"gridColor": GRID, "domainColor": LIGHT, "tickColor": LIGHT}
    style = {
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
    return dict(update_nested(style, changes))


def axis_for_field(axis: Axis, field: str) -> Axis:
    """Return a copy of an axis for another field of the data, of the same type."""
    other = axis.copy()
    other.shorthand = f"{field}:{str(axis.shorthand).rpartition(':')[2]}"
    return other


def name_axis(names: Sequence[str], field: str = "name", *, limit: int = 180) -> alt.Y:
    """Return a vertical axis of names; its labels keep the line breaks that `wrap_name` inserts.

    Args:
        names: the names, from top to bottom.
        field: the column of the data with the names.
        limit: greatest width of a label, in pixels.
    """
    lines = "split(datum.label, '\\n')"
    axis = {
        "labelExpr": lines,
        "labelLimit": limit,
        "labelLineHeight": LABEL_LINE,
        "labelOffset": alt.ExprRef(f"{LABEL_LINE / 2} * (1 - length({lines}))"),  # in the middle
    }
    return alt.Y(f"{field}:N", sort=list(names), title=None, axis=axis)


def wrap_name(text: str) -> str:
    """Break a name into lines that fit beside a chart on a phone."""
    return "\n".join(wrap_text(text, 24))


def row_names(ids: Sequence[str], context: ChartContext) -> list[str]:
    """Return the display names of rows, as short as they can be and in lines that fit beside a chart."""
    return [wrap_name(name) for name in short_names([context.name(id_) for id_ in ids])]


def accent_if(test: str, otherwise: str = GREY) -> alt.ColorValue:
    """Return the colour of a mark: the accent colour if the row passes a test, else another."""
    # `alt.condition` would search all classes of Altair for one that fits, which is slow.
    return alt.ColorValue(otherwise, condition={"test": test, "value": ACCENT})


def labels_at_bars(base: alt.Chart, y: alt.Y, start: str, dy: int = -14) -> list[alt.Chart]:
    """Return the texts in the column `label` above their bars, each from the start of its bar if it fits.

    Args:
        base: the chart of the rows.
        y: the axis of the rows.
        start: the column with the start of each bar.
        dy: how far below the middle of its row a text stands, in pixels.
    """
    x = alt.ExprRef(f"max(3, min(scale('x', datum.{start}), width - {LETTER} * length(datum.label)))")
    return outlined_text(base, {"align": "left", "dy": dy, "x": x}, y=y, text=alt.Text("label:N"))


def outlined_text(base: alt.Chart, looks: dict[str, Any], **places: Any) -> list[alt.Chart]:  # noqa: ANN401 - channels
    """Draw a text with an outline in the colour of the background, so that it is readable across lines."""
    rim = base.mark_text(**(looks | {"stroke": SURFACE, "strokeWidth": 4, "color": SURFACE}))
    return [text.encode(**places) for text in (rim, base.mark_text(**looks))]


def short_amount(locale: Locale, amount: float, digits: int = 2) -> str:
    """Format an amount, given in the smallest currency unit, as a short label such as 190m or 1.9억."""
    return short_number(locale, amount / 10**locale.minor_units, digits)


def short_span(locale: Locale, low: float, high: float) -> str:
    """Format a range of amounts, given in the smallest currency unit, as a short label such as 1.1m–440m."""
    return locale.span(short_amount(locale, low), short_amount(locale, high))


def short_number(locale: Locale, value: float, digits: int = 2) -> str:
    """Format a number as a short label, with a suffix for thousands, millions and so on: 17m or 1,700만."""
    rounded = locale.rounded(value, digits)
    size, name = next(((s, n) for s, n in CHART_STEPS[locale.lang] if abs(rounded) >= s), (1, ""))
    return f"{rounded / size:,.10g}{name}"


def log_ticks(low: float, high: float) -> list[float]:
    """Return round tick values between the two ends of a log axis; none where Vega shall choose them."""
    decades = math.log10(high / low)
    digits = (1, 2, 5) if decades < FEW_DECADES else (1, 3) if decades < SOME_DECADES else (1,)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks = [digit * 10**k if k >= 0 else digit / 10**-k for k in range(first, last + 1) for digit in digits]
    inside = [tick for tick in ticks if low <= tick <= high]
    return inside if len(inside) >= MIN_TICKS else []


def number_axis(
    locale: Locale, ticks: Sequence[float] = (), *, places: int = 0, log: bool = False
) -> dict[str, Any]:
    """Return an axis with short labels such as 17m or 1,700만.

    Args:
        locale: the language.
        ticks: the places of the ticks; without them, Vega chooses about five.
        places: the decimal places of the unit of the labels (euros) in that of the axis (cents).
        log: whether the axis shows logarithms to base 10.
    """
    number = f"({'pow(10, datum.value)' if log else 'datum.value'} / {10**places})"
    label = f"format({number}, ',.6~g')"
    for size, name in reversed(CHART_STEPS[locale.lang]):
        label = f"{number} >= {size} ? format({number} / {size}, ',.6~g') + '{name}' : {label}"
    shown = {"values": list(ticks)} if ticks else {"tickCount": 5}
    return {"labelExpr": label, "labelSeparation": 5, "labelOverlap": "parity", "labelFlush": 20, **shown}


def money_axis(
    field: str,
    locale: Locale,
    label: str,
    low: float,
    high: float,
    *,
    channel: type[Axis] = alt.X,  # type: ignore[assignment] # mypy knows no defaults of type variables
    **values: object,
) -> Axis:
    """Return an axis for amounts in the smallest currency unit, from `low` to `high`.

    The axis is logarithmic if `low` is above 0, and linear otherwise.

    Args:
        field: the column with the amounts.
        locale: language and currency.
        label: the key of the title, whose placeholders are the unit and the names in `values`.
        low: the start of the axis.
        high: its end.
        channel: `alt.X` or `alt.Y`.
        values: the values for further placeholders.
    """
    return channel(
        f"{field}:Q",
        title=locale(label, unit=locale.unit, **values),
        scale={"type": "log" if low else "linear", "domain": [low, high], "nice": False},
        axis=number_axis(locale, log_ticks(low, high) if low else (), places=locale.minor_units),
    )
