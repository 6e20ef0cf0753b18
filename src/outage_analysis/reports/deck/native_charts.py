"""Add native charts to slides; PowerPoint draws each chart from a workbook inside the slide deck."""

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
from outage_analysis.reports.deck.theme import Box, truncate_text
from outage_analysis.reports.workbook.sheet import NO_CONVERSION
from outage_analysis.text import Locale, fonts

MAX_NAME_LENGTH = 70
DECIMALS = 4
"""Decimals of chart figures; rounding removes the floating-point noise of differences."""
AXIS_POWERS = {"en": (9, 6, 3), "ko": (6, 3)}
"""Powers of ten that an axis may use as its unit.

Number formats can only divide by powers of a thousand, and Korean charts count in 백만 (millions).
"""


@dataclass(frozen=True)
class AmountFormat:
    """The number format of amounts on a chart, and their unit, such as million won."""

    format: str
    unit: str


def amount_format(locale: Locale, amounts: Iterable[float]) -> AmountFormat:
    """Return the number format and the unit for the amounts on a chart, which are in whole currency.

    No positive amount is displayed as 0.
    """
    positive = [x for x in amounts if x > 0] or [0.0]
    powers = AXIS_POWERS[locale.lang]
    fits = (p for p in powers if max(positive) >= 10**p and min(positive) >= 10 ** (p - 1))
    power = next(fits, 0)
    thousands = "," * (power // 3)
    # Amounts from this limit on round to 10 or more units, such as 10 million, and have no decimals.
    decimal_limit = 10 ** (power + 1) - 10**power // 20
    number_format = f"[=0]0;[<{decimal_limit}]0.0{thousands};#,##0{thousands}"
    return AmountFormat(number_format, locale(f"deck.unit_{power}", unit=locale.unit))


@dataclass(frozen=True)
class BarData:
    """The data of a bar chart: the names of its rows, and series of numbers with one number per row."""

    names: Sequence[str]
    series: Mapping[str, Sequence[float]]
    format: str
    alt_text: str
    created: date


def add_bar_chart(canvas: Canvas, name: str, box: Box, data: BarData, highlighted: Sequence[int]) -> None:
    """Add a chart of horizontal bars with their amounts, the first row at the top.

    The rows with the indexes in `highlighted` have the accent colour.
    """
    chart = _add_chart(canvas, name, box, data, XL_CHART_TYPE.BAR_CLUSTERED)
    chart.value_axis.visible = False
    chart.value_axis.has_major_gridlines = False
    bar_plot = chart.plots[0]
    bar_plot.has_data_labels = True
    labels = bar_plot.data_labels
    labels.number_format, labels.number_format_is_linked = data.format, False
    labels.position, labels.show_value = XL_LABEL_POSITION.OUTSIDE_END, True
    _set_font(labels.font, canvas.lang, 13, theme.INK)
    (series,) = bar_plot.series
    _fill(series.format, theme.GREY)
    for index in highlighted:
        _fill(series.points[index].format, theme.ACCENT)


def add_range_chart(canvas: Canvas, name: str, box: Box, data: BarData) -> None:
    """Add a chart of horizontal bars that show ranges.

    Each bar extends from a low to a high amount and changes its colour at an amount between them.

    Args:
        canvas: the slide.
        name: the name of the shape in PowerPoint.
        box: the position and size of the area for the chart.
        data: three series: the low amount, the length of the lower (pale) part of the bar, and the length of
            the upper (dark) part.
    """
    chart = _add_chart(canvas, name, box, data, XL_CHART_TYPE.BAR_STACKED)
    axis = chart.value_axis
    axis.has_major_gridlines = True
    axis.major_gridlines.format.line.color.rgb = RGBColor.from_string(theme.LIGHT)
    axis.format.line.fill.background()
    axis.major_tick_mark = XL_TICK_MARK.NONE
    axis.minimum_scale = 0
    axis.tick_labels.number_format, axis.tick_labels.number_format_is_linked = data.format, False
    _set_font(axis.tick_labels.font, canvas.lang, 12, theme.MUTED)
    unseen, below, above = chart.plots[0].series
    unseen.format.fill.background()
    _fill(below.format, theme.PALE)
    _fill(above.format, theme.ACCENT)


class _EmbeddedWorkbook(CategoryWorkbookWriter):  # type: ignore[misc] # the library ships no types
    """The Excel workbook inside a PowerPoint chart: no formulas, no links, and a fixed creation date."""

    @property
    def xlsx_blob(self) -> bytes:
        stream = io.BytesIO()
        book = Workbook(stream, {"in_memory": True, **NO_CONVERSION})
        book.set_properties({"created": self._chart_data.created})
        self._populate_worksheet(book, book.add_worksheet())
        book.close()
        return repack(stream.getvalue())


class _ChartFigures(CategoryChartData):  # type: ignore[misc] # same
    """The figures of a chart, and the creation date of the workbook that contains these figures."""

    created = datetime(1980, 1, 1)  # noqa: DTZ001 - the file format stores no time zone

    @property
    def _workbook_writer(self) -> _EmbeddedWorkbook:
        return _EmbeddedWorkbook(self)


def _add_chart(canvas: Canvas, name: str, box: Box, data: BarData, kind: Any) -> Any:  # noqa: ANN401 - python-pptx has no types
    """Add a bar chart without title, legend or grid lines; its first row is at the top."""
    figures = _ChartFigures(number_format="#,##0")
    figures.created = datetime.combine(data.created, time(), UTC).replace(tzinfo=None)
    figures.categories = [row_label(x) for x in data.names]
    for title, amounts in data.series.items():
        figures.add_series(fonts.printable(title), [round(x, DECIMALS) for x in amounts])
    frame = canvas.slide.shapes.add_chart(kind, *map(Emu, box.emu), figures)
    frame.name = name
    set_alt_text(frame, data.alt_text)
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
    for end in chart._chartSpace.iter(qn("a:endParaRPr")):  # noqa: SLF001 - python-pptx has no property for it
        end.set("lang", theme.LOCALES[canvas.lang])
    return chart


def row_label(text: str) -> str:
    """Return the label of a bar in a chart; every line of the label that is too long is shortened."""
    return "\n".join(truncate_text(fonts.printable(part), MAX_NAME_LENGTH) for part in text.split("\n"))


def _set_font(font: Any, lang: str, size: float, colour: str) -> None:  # noqa: ANN401 - python-pptx has no types
    font.size = Pt(size)
    font.color.rgb = RGBColor.from_string(colour)
    font._rPr.set("lang", theme.LOCALES[lang])  # noqa: SLF001 - python-pptx lacks Korean among its languages


def _fill(format_: Any, colour: str) -> None:  # noqa: ANN401 - python-pptx has no types
    format_.fill.solid()
    format_.fill.fore_color.rgb = RGBColor.from_string(colour)
