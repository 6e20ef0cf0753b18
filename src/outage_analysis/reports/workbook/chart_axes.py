"""Lines, bars and axes of native charts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from outage_analysis.charts import GREY, INK, LIGHT
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook.cells import decimal_exponent
from outage_analysis.reports.workbook.sheet import SheetWriter, TableRange
from outage_analysis.reports.workbook.styles import FONTS

if TYPE_CHECKING:  # the library is read only when a workbook is written
    from xlsxwriter.chart import Chart

INVISIBLE = {"fill": {"none": True}, "border": {"none": True}}
BAR_LAYOUT: dict[str, Any] = {"gap": 60, "overlap": 100}


def add_chart(sheet: SheetWriter, kind: str, subtype: str = "") -> Chart:
    """An empty chart."""
    return sheet.book.workbook.add_chart({"type": kind, **({"subtype": subtype} if subtype else {})})


def add_line(chart: Chart, at: TableRange, x: int, y: int, colour: str) -> None:
    """A line through the cells of two columns, named by the head of the second."""
    looks = {"line": {"color": colour, "width": 2.25}, "marker": {"type": "none"}}
    chart.add_series(
        {"name": [at.sheet_name, at.head_row, y], "categories": at.column(x), "values": at.column(y), **looks}
    )


def add_bars(chart: Chart, at: TableRange, place: int, colour: str, **looks: Any) -> None:  # noqa: ANN401 - the library's
    """A series of stacked bars; without a colour it only holds the others in place."""
    filled = {"fill": {"color": colour}} if colour else INVISIBLE
    known = {
        "name": [at.sheet_name, at.head_row, place],
        "categories": at.column(0),
        "values": at.column(place),
        **BAR_LAYOUT,
    }
    chart.add_series({**known, **filled, **looks})


def chart_font(report: Report) -> dict[str, Any]:
    """The font of what is small in a chart."""
    return {"name": FONTS[report.words.lang], "size": 9, "color": INK, "bold": False}


def white_font(report: Report) -> dict[str, Any]:
    """The same on dark bars."""
    return {**chart_font(report), "color": "#FFFFFF"}


def value_axis(report: Report, title: str, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - the library's
    """An axis with lines across the chart."""
    small, lines = chart_font(report), {"visible": True, "line": {"color": LIGHT, "width": 0.75}}
    known = {"name": title, "name_font": small, "num_font": small, "line": {"color": GREY}}
    return {**known, "major_gridlines": lines, **asked}


def category_axis(report: Report, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - the library's
    """An axis of names or days."""
    return {
        "num_font": chart_font(report),
        "line": {"color": GREY},
        "major_gridlines": {"visible": False},
        **asked,
    }


def log_axis(sheet: SheetWriter, report: Report, key: str, amounts: Iterable[float]) -> dict[str, Any]:
    """An axis of amounts over whole decades."""
    told, scale = list(amounts), sheet.book.scale
    least, most = (10.0 ** decimal_exponent(scale.amount(end)) for end in (min(told), max(told)))
    number = "#,##0" if least >= 1 else "General"
    asked = {"log_base": 10, "min": least, "max": 10 * most, "num_format": number}
    return value_axis(report, report.words(f"chart.{key}", unit=scale.name), crossing=least, **asked)


def set_bar_axes(sheet: SheetWriter, report: Report, chart: Chart, key: str) -> Chart:
    """Names down the side, the first on top, amounts along the foot."""
    title = report.words(f"chart.{key}", unit=sheet.book.scale.name)
    chart.set_y_axis(category_axis(report, reverse=True, crossing="max"))  # of bars, the axis of names
    chart.set_x_axis(value_axis(report, title, min=0, num_format="#,##0"))
    return chart
