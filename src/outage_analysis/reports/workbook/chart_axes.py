"""Create the data series and axes of the workbook's Excel charts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from outage_analysis.charts import GREY, INK, LIGHT
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook.cells import decimal_exponent
from outage_analysis.reports.workbook.sheet import SheetWriter, TableRange
from outage_analysis.reports.workbook.styles import FONTS

if TYPE_CHECKING:  # xlsxwriter is imported only when a workbook is written
    from xlsxwriter.chart import Chart

INVISIBLE = {"fill": {"none": True}, "border": {"none": True}}
BAR_LAYOUT: dict[str, Any] = {"gap": 60, "overlap": 100}


def add_chart(sheet: SheetWriter, kind: str, subtype: str = "") -> Chart:
    """Return a new Excel chart without data series."""
    return sheet.book.workbook.add_chart({"type": kind, **({"subtype": subtype} if subtype else {})})


def add_line(chart: Chart, table_range: TableRange, x: int, y: int, colour: str) -> None:
    """Add a line to a chart, with x and y values from two columns; the line has the name of the y column."""
    options = {"line": {"color": colour, "width": 2.25}, "marker": {"type": "none"}}
    chart.add_series(
        {
            "name": [table_range.sheet_name, table_range.head_row, y],
            "categories": table_range.column(x),
            "values": table_range.column(y),
            **options,
        }
    )


def add_bars(chart: Chart, table_range: TableRange, column: int, colour: str, **options: Any) -> None:  # noqa: ANN401 - passed on to xlsxwriter, which has no types
    """Add a series of stacked bars to a chart.

    Without a colour, the bars are invisible and only shift the bars of the next series.
    """
    filled = {"fill": {"color": colour}} if colour else INVISIBLE
    defaults = {
        "name": [table_range.sheet_name, table_range.head_row, column],
        "categories": table_range.column(0),
        "values": table_range.column(column),
        **BAR_LAYOUT,
    }
    chart.add_series({**defaults, **filled, **options})


def chart_font(report: Report) -> dict[str, Any]:
    """Return the font for axes and labels of charts."""
    return {"name": FONTS[report.locale.lang], "size": 9, "color": INK, "bold": False}


def white_font(report: Report) -> dict[str, Any]:
    """Return the white font for labels on dark bars of charts."""
    return {**chart_font(report), "color": "#FFFFFF"}


def value_axis(report: Report, title: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - passed on to xlsxwriter, which has no types
    """Return the xlsxwriter options of a value axis with grid lines."""
    small, lines = chart_font(report), {"visible": True, "line": {"color": LIGHT, "width": 0.75}}
    defaults = {"name": title, "name_font": small, "num_font": small, "line": {"color": GREY}}
    return {**defaults, "major_gridlines": lines, **options}


def category_axis(report: Report, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - passed on to xlsxwriter, which has no types
    """Return the xlsxwriter options of an axis of names or dates, without grid lines."""
    return {
        "num_font": chart_font(report),
        "line": {"color": GREY},
        "major_gridlines": {"visible": False},
        **options,
    }


def log_axis(sheet: SheetWriter, report: Report, key: str, amounts: Iterable[float]) -> dict[str, Any]:
    """Return the xlsxwriter options of a log axis of amounts that starts and ends at powers of ten."""
    values, scale = list(amounts), sheet.book.scale
    least, most = (10.0 ** decimal_exponent(scale.amount(end)) for end in (min(values), max(values)))
    number = "#,##0" if least >= 1 else "General"
    options = {"log_base": 10, "min": least, "max": 10 * most, "num_format": number}
    return value_axis(report, report.locale(f"chart.{key}", unit=scale.name), crossing=least, **options)


def set_bar_axes(sheet: SheetWriter, report: Report, chart: Chart, key: str) -> Chart:
    """Set the axes of a horizontal bar chart: names on the left with the first at the top, amounts below."""
    title = report.locale(f"chart.{key}", unit=sheet.book.scale.name)
    chart.set_y_axis(
        category_axis(report, reverse=True, crossing="max")
    )  # in bar charts, y is the axis of names
    chart.set_x_axis(value_axis(report, title, min=0, num_format="#,##0"))
    return chart
