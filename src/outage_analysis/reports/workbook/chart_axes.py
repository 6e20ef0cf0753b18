"""Lines, bars and axes of native charts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from outage_analysis.charts import GREY, INK, LIGHT
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook.cells import decade
from outage_analysis.reports.workbook.sheet import Page, Placed
from outage_analysis.reports.workbook.styles import FONTS

if TYPE_CHECKING:  # the library is read only when a workbook is written
    from xlsxwriter.chart import Chart

CLEAR = {"fill": {"none": True}, "border": {"none": True}}
BARS: dict[str, Any] = {"gap": 60, "overlap": 100}


def new(page: Page, kind: str, subtype: str = "") -> Chart:
    """An empty chart."""
    return page.book.workbook.add_chart({"type": kind, **({"subtype": subtype} if subtype else {})})


def line(chart: Chart, at: Placed, x: int, y: int, colour: str) -> None:
    """A line through the cells of two columns, named by the head of the second."""
    looks = {"line": {"color": colour, "width": 2.25}, "marker": {"type": "none"}}
    chart.add_series(
        {"name": [at.sheet, at.head, y], "categories": at.column(x), "values": at.column(y), **looks}
    )


def bar(chart: Chart, at: Placed, place: int, colour: str, **looks: Any) -> None:  # noqa: ANN401 - the library's
    """A series of stacked bars; without a colour it only holds the others in place."""
    filled = {"fill": {"color": colour}} if colour else CLEAR
    known = {
        "name": [at.sheet, at.head, place],
        "categories": at.column(0),
        "values": at.column(place),
        **BARS,
    }
    chart.add_series({**known, **filled, **looks})


def font(report: Report) -> dict[str, Any]:
    """The font of what is small in a chart."""
    return {"name": FONTS[report.words.lang], "size": 9, "color": INK, "bold": False}


def white(report: Report) -> dict[str, Any]:
    """The same on dark bars."""
    return {**font(report), "color": "#FFFFFF"}


def axis(report: Report, title: str, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - the library's
    """An axis with lines across the chart."""
    small, lines = font(report), {"visible": True, "line": {"color": LIGHT, "width": 0.75}}
    known = {"name": title, "name_font": small, "num_font": small, "line": {"color": GREY}}
    return {**known, "major_gridlines": lines, **asked}


def plain(report: Report, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - the library's
    """An axis of names or days."""
    return {"num_font": font(report), "line": {"color": GREY}, "major_gridlines": {"visible": False}, **asked}


def log(page: Page, report: Report, key: str, amounts: Iterable[float]) -> dict[str, Any]:
    """An axis of amounts over whole decades."""
    told, scale = list(amounts), page.book.scale
    least, most = (10.0 ** decade(scale.amount(end)) for end in (min(told), max(told)))
    number = "#,##0" if least >= 1 else "General"
    asked = {"log_base": 10, "min": least, "max": 10 * most, "num_format": number}
    return axis(report, report.words(f"chart.{key}", unit=scale.name), crossing=least, **asked)


def lying(page: Page, report: Report, chart: Chart, key: str) -> Chart:
    """Names down the side, the first on top, amounts along the foot."""
    title = report.words(f"chart.{key}", unit=page.book.scale.name)
    chart.set_y_axis(plain(report, reverse=True, crossing="max"))  # of bars, the axis of names
    chart.set_x_axis(axis(report, title, min=0, num_format="#,##0"))
    return chart
