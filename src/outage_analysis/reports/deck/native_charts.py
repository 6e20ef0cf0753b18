"""Native charts: drawn by the program that opens the deck, from the figures in the workbook inside it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from pptx.chart.data import CategoryChartData
from pptx.chart.xlsx import CategoryWorkbookWriter
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_TICK_MARK
from pptx.oxml.ns import qn
from pptx.util import Emu, Pt
from xlsxwriter import Workbook

from outage_analysis.reports.archives import repack
from outage_analysis.reports.deck import theme
from outage_analysis.reports.deck.canvas import Canvas, set_alt_text
from outage_analysis.reports.deck.text_size import truncate_text
from outage_analysis.reports.deck.theme import Box
from outage_analysis.reports.workbook.styles import NO_CONVERSION
from outage_analysis.text import Locale, fonts

MAX_NAME_LENGTH = 70
DECIMALS = 4
"""Decimal places of a figure: what differences of exact figures lose is beyond them."""
AXIS_POWERS = {"en": (9, 6, 3), "ko": (6, 3)}
"""Powers of ten in which an axis may count: formats divide by thousands, and Korean sheets count in 백만."""


@dataclass(frozen=True)
class AmountFormat:
    """How amounts are written on a chart."""

    format: str
    unit: str


def amount_format(words: Locale, amounts: Iterable[float]) -> AmountFormat:
    """The number format and the unit of amounts in whole currency: no amount is shown as 0 that is none."""
    told = [x for x in amounts if x > 0] or [0.0]
    fits = (p for p in AXIS_POWERS[words.lang] if max(told) >= 10**p and min(told) >= 10 ** (p - 1))
    power = next(fits, 0)
    thousands = "," * (power // 3)
    tens = 10 ** (power + 1) - 10**power // 20  # from here on no decimal changes what is read
    shown = f"[=0]0;[<{tens}]0.0{thousands};#,##0{thousands}"
    return AmountFormat(shown, words(f"deck.unit_{power}", unit=words.unit))


@dataclass(frozen=True)
class BarData:
    """What is drawn: rows by name, each series with a figure a row."""

    names: Sequence[str]
    series: Mapping[str, Sequence[float]]
    format: str
    alt_text: str
    created: date


def add_bar_chart(canvas: Canvas, name: str, box: Box, plot: BarData, strong: Sequence[int]) -> None:
    """Horizontal bars with their amounts, the first row on top; those of `strong` in the accent colour."""
    chart = _add_chart(canvas, name, box, plot, XL_CHART_TYPE.BAR_CLUSTERED)
    chart.value_axis.visible = False
    chart.value_axis.has_major_gridlines = False
    drawn = chart.plots[0]
    drawn.has_data_labels = True
    labels = drawn.data_labels
    labels.number_format, labels.number_format_is_linked = plot.format, False
    labels.position, labels.show_value = XL_LABEL_POSITION.OUTSIDE_END, True
    _set_font(labels.font, canvas.lang, 13, theme.INK)
    (series,) = drawn.series
    _fill(series.format, theme.GREY)
    for at in strong:
        _fill(series.points[at].format, theme.ACCENT)


def add_range_chart(canvas: Canvas, name: str, box: Box, plot: BarData) -> None:
    """Horizontal bars from one amount to another, pale up to a third and strong from there.

    Args:
        canvas: the slide.
        name: of the shape.
        box: where it stands.
        plot: three series: where a bar begins, which is unseen, and its pale and its strong part.
    """
    chart = _add_chart(canvas, name, box, plot, XL_CHART_TYPE.BAR_STACKED)
    axis = chart.value_axis
    axis.has_major_gridlines = True
    axis.major_gridlines.format.line.color.rgb = RGBColor.from_string(theme.LIGHT)
    axis.format.line.fill.background()
    axis.major_tick_mark = XL_TICK_MARK.NONE
    axis.minimum_scale = 0
    axis.tick_labels.number_format, axis.tick_labels.number_format_is_linked = plot.format, False
    _set_font(axis.tick_labels.font, canvas.lang, 12, theme.MUTED)
    unseen, below, above = chart.plots[0].series
    unseen.format.fill.background()
    _fill(below.format, theme.PALE)
    _fill(above.format, theme.ACCENT)


class _EmbeddedWorkbook(CategoryWorkbookWriter):  # type: ignore[misc] # the library ships no types
    """The workbook inside a chart, without formulas, links and clock."""

    @property
    def xlsx_blob(self) -> bytes:
        stream = io.BytesIO()
        book = Workbook(stream, {"in_memory": True, **NO_CONVERSION})
        book.set_properties({"created": self._chart_data.made})
        self._populate_worksheet(book, book.add_worksheet())
        book.close()
        return repack(stream.getvalue())


class _ChartFigures(CategoryChartData):  # type: ignore[misc] # same
    """The figures of a chart, and the moment that stands for when they were written."""

    made = datetime(1980, 1, 1)  # noqa: DTZ001 - the format knows no zone

    @property
    def _workbook_writer(self) -> _EmbeddedWorkbook:
        return _EmbeddedWorkbook(self)


def _add_chart(canvas: Canvas, name: str, box: Box, plot: BarData, kind: Any) -> Any:  # noqa: ANN401 - no types
    """A chart without title, legend or lines, its first row on top."""
    figures = _ChartFigures(number_format="#,##0")
    figures.made = datetime.combine(plot.created, time(), UTC).replace(tzinfo=None)
    figures.categories = [row_label(x) for x in plot.names]
    for title, amounts in plot.series.items():
        figures.add_series(fonts.shown(title), [round(x, DECIMALS) for x in amounts])
    frame = canvas.slide.shapes.add_chart(kind, *map(Emu, box.emu), figures)
    frame.name = name
    set_alt_text(frame, plot.alt_text)
    chart = frame.chart
    chart.has_legend, chart.has_title = False, False
    _set_font(chart.font, canvas.lang, 13, theme.INK)
    chart.plots[0].gap_width, chart.plots[0].vary_by_categories = 55, False
    axis = chart.category_axis
    axis.reverse_order = True
    axis.has_major_gridlines = False
    axis.format.line.color.rgb = RGBColor.from_string(theme.GREY)
    axis.major_tick_mark = XL_TICK_MARK.NONE
    _set_font(axis.tick_labels.font, canvas.lang, 13, theme.INK)
    for end in chart._chartSpace.iter(qn("a:endParaRPr")):  # noqa: SLF001 - no property
        end.set("lang", theme.LOCALES[canvas.lang])
    return chart


def row_label(text: str) -> str:
    """The name of a row, on one or two lines."""
    return "\n".join(truncate_text(fonts.shown(part), MAX_NAME_LENGTH) for part in text.split("\n"))


def _set_font(font: Any, lang: str, size: float, colour: str) -> None:  # noqa: ANN401 - no types
    font.size = Pt(size)
    font.color.rgb = RGBColor.from_string(colour)
    font._rPr.set("lang", theme.LOCALES[lang])  # noqa: SLF001 - the library's enumeration lacks the name


def _fill(format_: Any, colour: str) -> None:  # noqa: ANN401 - no types
    format_.fill.solid()
    format_.fill.fore_color.rgb = RGBColor.from_string(colour)
