"""Add native Excel charts to the workbook: Excel draws them from cells, and users can edit them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outage_analysis.charts import ACCENT, GREY, INK, LIGHT, DotLayout, dot_layout
from outage_analysis.charts import cost_data as uncertain
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook.cells import (
    FONTS,
    Cell,
    CellKind,
    SheetTable,
    column_heads,
    decimal_exponent,
)
from outage_analysis.reports.workbook.sheet import CHART_SIZE, SheetWriter, TableRange
from outage_analysis.text import LikelyRange

if TYPE_CHECKING:
    from xlsxwriter.chart import Chart


MARKED_POINTS = ("p50", "expected", LikelyRange.high_column, "budget")
BELOW_COLOUR = "#5B616B"
"""Colour of the part of a bar below the expected amount."""


def _dot_figures(sheet: SheetWriter, report: Report) -> SheetTable:
    # Marked amounts have a separate column, so that they are a series of their own.
    locale = report.locale
    layout, marks = _dots_and_marks(report)
    cells = [
        [sheet.book.scale.cell(dot["amount"]), Cell(dot["level"] + 1, "whole"), Cell(None)]
        for dot in _drawn_dots(layout)
    ]
    cells += [[sheet.book.scale.cell(amount), Cell(None), Cell(0, "whole")] for amount in marks.values()]
    mark_names = ", ".join(locale(f"word.{m}") for m in marks)
    return _figures_table(
        sheet,
        [(locale("column.amount"), "scaled"), (locale("chart.dot"), "whole"), (mark_names, "whole")],
        cells,
    )


def _dots_and_marks(report: Report) -> tuple[DotLayout, dict[str, float]]:
    """Return the places of the dots, as on the chart of the page, and the amounts that are marked."""
    table = report.analysis.tables["total_distribution"]
    marks = {
        name: mark["amount"] for name, mark in uncertain.marked_amounts(table, report.locale.level).items()
    }
    layout = dot_layout(uncertain.dot_amounts(table), [*marks.values()], marks[LikelyRange.low_column])
    return layout, {
        name: marks[name] for name in MARKED_POINTS if name in marks and (marks[name] > 0 or not layout.log)
    }


def _drawn_dots(layout: DotLayout) -> list[dict[str, float]]:
    """Return the dots that Excel can draw: on a log axis, those above 0."""
    return [dot for dot in layout.dots if dot["amount"] > 0 or not layout.log]


def _draw_dots(sheet: SheetWriter, report: Report, table_range: TableRange) -> Chart:
    locale = report.locale
    layout, marks = _dots_and_marks(report)
    dots = _drawn_dots(layout)
    chart = add_chart(sheet, "scatter")
    label_texts = [
        {"value": f"{locale(f'word.{name}')}  {locale.money(amount)}"} for name, amount in marks.items()
    ]
    labels = {"custom": label_texts, "value": True, "position": "above", "font": chart_font(report)}
    first = table_range.first
    for column, start, end, colour, size in (
        (1, first, first + len(dots) - 1, ACCENT, 7),
        (2, first + len(dots), table_range.last, INK, 8),
    ):
        fill = {"color": colour}
        chart.add_series(
            {
                "categories": [table_range.sheet_name, start, 0, end, 0],
                "values": [table_range.sheet_name, start, column, end, column],
                "line": {"none": True},
                "marker": {"type": "circle", "size": size, "fill": fill, "border": fill},
                **({"data_labels": labels} if column == 2 else {}),  # noqa: PLR2004 - the marked amounts
            }
        )
    amounts = [dot["amount"] for dot in dots] + [*marks.values()]
    title = locale("chart.total_distribution_x", unit=sheet.book.scale.name)
    if layout.log:
        zeros = 1 - len(dots) / len(layout.dots)
        title += locale("chart.total_distribution_zero", share=locale.share(zeros)) if zeros else ""
        chart.set_x_axis({**log_axis(sheet, report, "total_distribution_x", amounts), "name": title})
    else:
        chart.set_x_axis(value_axis(report, title, num_format="#,##0"))
    tallest = max((dot["level"] for dot in dots), default=0.0) + 2
    chart.set_y_axis({"visible": False, "min": 0, "max": tallest, "major_gridlines": {"visible": False}})
    return chart


def _tornado_figures(sheet: SheetWriter, report: Report) -> SheetTable:
    locale = report.locale
    cells = [
        [
            Cell(report.names.get(r["assumption"], r["assumption"]).split(":")[0]),
            *(sheet.book.scale.cell(v) for v in (r["left"], r["below"], r["above"])),
        ]
        for r in uncertain.tornado_bars(report.analysis.tables["tornado"]).iter_rows(named=True)
    ]
    titles: list[tuple[str, CellKind]] = [
        (locale(f"workbook.{key}"), "scaled") for key in ("left_end", "to_expected", "to_right")
    ]
    return _figures_table(sheet, [(locale("column.assumption"), "text"), *titles], cells)


def _draw_tornado(sheet: SheetWriter, report: Report, table_range: TableRange) -> Chart:
    chart = add_chart(sheet, "bar", "stacked")
    add_bars(chart, table_range, 1, "")
    rows = uncertain.tornado_bars(report.analysis.tables["tornado"])
    for column, end, colour, where in (
        (2, "left", BELOW_COLOUR, "inside_base"),
        (3, "right", ACCENT, "inside_end"),
    ):
        label_texts = [{"value": _bar_label(sheet, value)} for value in rows[end]]
        labels = {"value": True, "custom": label_texts, "position": where, "font": white_font(report)}
        add_bars(chart, table_range, column, colour, data_labels=labels)
    return set_bar_axes(sheet, report, chart, "tornado_x")


def _waterfall_figures(sheet: SheetWriter, report: Report) -> SheetTable:
    locale = report.locale
    rows = uncertain.waterfall_bars(report.analysis.tables["steps"])
    cells = [
        [Cell(_step_name(report, r)), sheet.book.scale.cell(r["start"]), sheet.book.scale.cell(r["expected"])]
        for r in rows.iter_rows(named=True)
    ]
    total = float(rows["expected"].sum())
    cells.append(
        [Cell(locale("chart.waterfall_sum")), sheet.book.scale.cell(0), sheet.book.scale.cell(total)]
    )
    titles: list[tuple[str, CellKind]] = [
        (locale("workbook.start"), "scaled"),
        (locale("workbook.step"), "scaled"),
    ]
    return _figures_table(sheet, [(locale("column.line"), "text"), *titles], cells)


def _step_name(report: Report, row: dict[str, Any]) -> str:
    step = uncertain.step_labels(row, report.locale, lambda id_: report.names.get(id_, id_))
    return ", ".join(filter(None, step))


def _draw_waterfall(sheet: SheetWriter, report: Report, table_range: TableRange) -> Chart:
    chart = add_chart(sheet, "bar", "stacked")
    add_bars(chart, table_range, 1, "")
    last = table_range.last - table_range.first
    points = [{"fill": {"color": ACCENT}}] * last + [{"fill": {"color": INK}}]
    labels = {"value": True, "position": "inside_end", "font": white_font(report)}
    add_bars(chart, table_range, 2, ACCENT, points=points, data_labels=labels)
    return set_bar_axes(sheet, report, chart, "waterfall_x")


def _draw_intake(sheet: SheetWriter, report: Report, table_range: TableRange) -> Chart:
    chart = add_chart(sheet, "line")
    add_line(chart, table_range, 0, 2, ACCENT)
    chart.set_x_axis(category_axis(report, date_axis=True, num_format=sheet.book.styles.day_format))
    chart.set_y_axis(value_axis(report, report.locale("chart.intake_y"), min=0, num_format="#,##0"))
    return chart


@dataclass(frozen=True)
class NativeChart:
    """The functions that draw an Excel chart and compute its figures."""

    draw: Callable[[SheetWriter, Report, TableRange], Chart]
    figures: Callable[[SheetWriter, Report], SheetTable] | None = None
    """Returns the table of figures; None if the chart uses the table on its own sheet."""


NATIVE_CHARTS = {
    "total_distribution": NativeChart(_draw_dots, _dot_figures),
    "tornado": NativeChart(_draw_tornado, _tornado_figures),
    "waterfall": NativeChart(_draw_waterfall, _waterfall_figures),
    "intake": NativeChart(_draw_intake),
}


@dataclass(frozen=True)
class PendingChart:
    """A chart that is inserted later, when its figures have been written to the sheet of figures."""

    name: str
    sheet: SheetWriter
    row: int
    """The first of the rows that are reserved for the chart."""
    table: TableRange | None
    """The chart's table on the same sheet."""


def insert_chart(pending: PendingChart, report: Report, data: SheetWriter) -> None:
    """Insert an Excel chart into the rows that were reserved for the chart.

    Args:
        pending: the chart, its sheet and its first row.
        report: the content of the report.
        data: the sheet with the figures of all charts. The title of the chart refers to a cell of this sheet,
            so that Excel does not parse the title as a formula.
    """
    sheet, definition, page_chart = pending.sheet, NATIVE_CHARTS[pending.name], report.charts[pending.name]
    head = data.write_heading(page_chart.title)
    if definition.figures is None:
        data.write_paragraph(page_chart.subtitle, "note")
    table_range = data.write_table(definition.figures(sheet, report)) if definition.figures else pending.table
    if table_range is None:
        return
    chart = definition.draw(sheet, report, table_range)
    chart.set_title({"name": [data.name, head, 0], "name_font": {**chart_font(report), "size": 11}})
    chart.set_legend({"none": True})
    chart.set_chartarea({"border": {"color": LIGHT}})
    chart.set_size(CHART_SIZE)
    sheet.worksheet.insert_chart(
        pending.row, 0, chart, {"description": page_chart.description, "x_offset": 4, "y_offset": 4}
    )


def _figures_table(
    sheet: SheetWriter, titles: Iterable[tuple[str, CellKind]], cells: list[list[Cell]]
) -> SheetTable:
    """Return the figures of a chart as a table; the column titles of amounts include the unit."""
    unit = f" ({sheet.book.scale.name})"
    return SheetTable(
        column_heads([(t + (unit if kind == "scaled" else ""), kind) for t, kind in titles]), cells
    )


def _bar_label(sheet: SheetWriter, value: float) -> str:
    locale = sheet.book.locale
    return locale.number(locale.rounded(sheet.book.scale.amount(value), 3))


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
    # In a horizontal bar chart, the y axis has the names, not the amounts.
    chart.set_y_axis(category_axis(report, reverse=True, crossing="max"))
    chart.set_x_axis(value_axis(report, title, min=0, num_format="#,##0"))
    return chart
