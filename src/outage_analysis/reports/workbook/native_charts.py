"""Native charts: the report's own, drawn by the sheet from cells and free to be edited."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outage_analysis.charts import ACCENT, GREY, INK, LIGHT
from outage_analysis.charts import cost_data as uncertain
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook import chart_axes as axes
from outage_analysis.reports.workbook.cells import Cell, CellKind, SheetTable, column_heads
from outage_analysis.reports.workbook.sheet import CHART_SIZE, SheetWriter, TableRange

if TYPE_CHECKING:  # the library is read only when a workbook is written
    from xlsxwriter.chart import Chart

AREA_COLOURS = {"below": GREY, "likely": ACCENT, "above": GREY}
MARKED_POINTS = ("p10", "p50", "p90", "budget")
BELOW_COLOUR = "#5B616B"
"""Of the part of a bar that lies below the expected sum."""


def _density_figures(sheet: SheetWriter, report: Report) -> SheetTable:
    """The density in percent of its peak, a column a part."""
    locale = report.words
    rows = uncertain.areas(report.analysis.tables["total_law"])
    p10, p90 = locale("word.p10"), locale("word.p90")
    told: list[tuple[str, CellKind]] = [
        (title, "decimal") for title in (f"< {p10}", f"{p10} – {p90}", f"> {p90}")
    ]
    cells = [
        [
            sheet.book.scale.cell(r["amount"]),
            *(Cell(r["density"] if r["part"] == p else None, "decimal") for p in AREA_COLOURS),
        ]
        for r in rows.iter_rows(named=True)
    ]
    return _figures_table(sheet, [(locale("column.amount"), "scaled"), *told], cells)


def _draw_density(sheet: SheetWriter, report: Report, at: TableRange) -> Chart:
    chart = axes.add_chart(sheet, "scatter", "straight")
    for place, colour in enumerate(AREA_COLOURS.values(), start=1):
        axes.add_line(chart, at, 0, place, colour)
    chart.set_x_axis(
        axes.log_axis(sheet, report, "law_x", uncertain.areas(report.analysis.tables["total_law"])["amount"])
    )
    chart.set_y_axis(axes.value_axis(report, report.words("chart.law_y"), min=0, max=100, num_format="0"))
    return chart


def _exceedance_figures(sheet: SheetWriter, report: Report) -> SheetTable:
    """The chance of more than each amount; the quantiles apart, as points."""
    locale, table = report.words, report.analysis.tables["total_law"]
    marks = uncertain.marks(table)
    cells = [
        [sheet.book.scale.cell(r["amount"]), Cell(locale.rounded(r["above"] / 100, 6), "share"), Cell(None)]
        for r in uncertain.curve(table).iter_rows(named=True)
    ]
    cells += [
        [
            sheet.book.scale.cell(marks[m]["amount"]),
            Cell(None),
            Cell(locale.rounded(marks[m]["above"], 6), "share"),
        ]
        for m in MARKED_POINTS
        if m in marks
    ]
    chance = locale("workbook.more")
    marked = ", ".join(locale(f"word.{m}") for m in MARKED_POINTS if m in marks)
    return _figures_table(
        sheet, [(locale("column.amount"), "scaled"), (chance, "share"), (marked, "share")], cells
    )


def _draw_exceedance(sheet: SheetWriter, report: Report, at: TableRange) -> Chart:
    locale, table = report.words, report.analysis.tables["total_law"]
    marks, rows = uncertain.marks(table), uncertain.curve(table)
    chart = axes.add_chart(sheet, "scatter", "straight")
    axes.add_line(chart, at, 0, 1, ACCENT)
    told = [
        {"value": f"{locale(f'word.{m}')}  {locale.money(marks[m]['amount'])}"}
        for m in MARKED_POINTS
        if m in marks
    ]
    points = {"type": "circle", "size": 7, "fill": {"color": INK}, "border": {"color": INK}}
    labels = {"custom": told, "value": True, "position": "right", "font": axes.chart_font(report)}
    chart.add_series(
        {
            "categories": at.column(0, len(rows)),
            "values": at.column(2, len(rows)),
            "line": {"none": True},
            "marker": points,
            "data_labels": labels,
        }
    )
    chart.set_x_axis(axes.log_axis(sheet, report, "exceedance_x", rows["amount"]))
    chart.set_y_axis(axes.value_axis(report, locale("workbook.more"), min=0, max=1, num_format="0%"))
    return chart


def _tornado_figures(sheet: SheetWriter, report: Report) -> SheetTable:
    """Each input's lowest expected cash, and what leads from there to the expected and the highest."""
    locale = report.words
    cells = [
        [
            Cell(report.names.get(r["assumption"], r["assumption"]).split(":")[0]),
            *(
                sheet.book.scale.cell(v)
                for v in (r["left"], r["expected"] - r["left"], r["right"] - r["expected"])
            ),
        ]
        for r in uncertain.swings(report.analysis.tables["tornado"]).iter_rows(named=True)
    ]
    told: list[tuple[str, CellKind]] = [
        (locale(f"workbook.{key}"), "scaled") for key in ("left_end", "to_expected", "to_right")
    ]
    return _figures_table(sheet, [(locale("column.assumption"), "text"), *told], cells)


def _draw_tornado(sheet: SheetWriter, report: Report, at: TableRange) -> Chart:
    chart = axes.add_chart(sheet, "bar", "stacked")
    axes.add_bars(chart, at, 1, "")
    rows = uncertain.swings(report.analysis.tables["tornado"])
    for place, end, colour, where in (
        (2, "left", BELOW_COLOUR, "inside_base"),
        (3, "right", ACCENT, "inside_end"),
    ):
        told = [{"value": _bar_label(sheet, value)} for value in rows[end]]
        labels = {"value": True, "custom": told, "position": where, "font": axes.white_font(report)}
        axes.add_bars(chart, at, place, colour, data_labels=labels)
    return axes.set_bar_axes(sheet, report, chart, "waterfall_x")


def _waterfall_figures(sheet: SheetWriter, report: Report) -> SheetTable:
    """What adds up to the expected cash, each from where the one before ends; and their sum."""
    locale = report.words
    rows = uncertain.bars(report.analysis.tables["steps"])
    cells = [
        [Cell(_step_name(report, r)), sheet.book.scale.cell(r["start"]), sheet.book.scale.cell(r["expected"])]
        for r in rows.iter_rows(named=True)
    ]
    total = float(rows["expected"].sum())
    cells.append(
        [Cell(locale("chart.waterfall_sum")), sheet.book.scale.cell(0), sheet.book.scale.cell(total)]
    )
    told: list[tuple[str, CellKind]] = [
        (locale("workbook.start"), "scaled"),
        (locale("workbook.step"), "scaled"),
    ]
    return _figures_table(sheet, [(locale("column.line"), "text"), *told], cells)


def _step_name(report: Report, row: dict[str, Any]) -> str:
    step = uncertain.step_name(row, report.words, lambda id_: report.names.get(id_, id_))
    return ", ".join(filter(None, step))


def _draw_waterfall(sheet: SheetWriter, report: Report, at: TableRange) -> Chart:
    chart = axes.add_chart(sheet, "bar", "stacked")
    axes.add_bars(chart, at, 1, "")
    last = at.last - at.first
    points = [{"fill": {"color": ACCENT}}] * last + [{"fill": {"color": INK}}]
    labels = {"value": True, "position": "inside_end", "font": axes.white_font(report)}
    axes.add_bars(chart, at, 2, ACCENT, points=points, data_labels=labels)
    return axes.set_bar_axes(sheet, report, chart, "waterfall_x")


def _draw_intake(sheet: SheetWriter, report: Report, at: TableRange) -> Chart:
    """From the table of the page itself: days, claims, claims so far."""
    chart = axes.add_chart(sheet, "line")
    axes.add_line(chart, at, 0, 2, ACCENT)
    chart.set_x_axis(axes.category_axis(report, date_axis=True, num_format=sheet.book.styles.day_format))
    chart.set_y_axis(axes.value_axis(report, report.words("chart.intake_y"), min=0, num_format="#,##0"))
    return chart


@dataclass(frozen=True)
class NativeChart:
    """A chart that a sheet draws."""

    draw: Callable[[SheetWriter, Report, TableRange], Chart]
    figures: Callable[[SheetWriter, Report], SheetTable] | None = None
    """What it is drawn from, where that is not the table that stands with it."""


NATIVE_CHARTS = {
    "total_law": NativeChart(_draw_density, _density_figures),
    "exceedance": NativeChart(_draw_exceedance, _exceedance_figures),
    "tornado": NativeChart(_draw_tornado, _tornado_figures),
    "waterfall": NativeChart(_draw_waterfall, _waterfall_figures),
    "intake": NativeChart(_draw_intake),
}


@dataclass(frozen=True)
class PendingChart:
    """A chart that is drawn once its figures are written."""

    name: str
    sheet: SheetWriter
    row: int
    """The first of the rows left for it."""
    table: TableRange | None
    """The table that stands with it."""


def insert_chart(waiting: PendingChart, report: Report, data: SheetWriter) -> None:
    """Draw a chart of the report into the room left for it.

    Args:
        waiting: which, and where.
        report: the figures.
        data: the sheet of the figures of all charts. The title of the chart is one of its cells, to which
            it refers: so nothing from data is taken for a formula.
    """
    sheet, native, told = waiting.sheet, NATIVE_CHARTS[waiting.name], report.charts[waiting.name]
    head = data.write_heading(told.title)
    if native.figures is None:
        data.write_paragraph(told.subtitle, "note")
    placed = data.write_table(native.figures(sheet, report)) if native.figures else waiting.table
    if placed is None:
        return
    chart = native.draw(sheet, report, placed)
    chart.set_title({"name": [data.name, head, 0], "name_font": {**axes.chart_font(report), "size": 11}})
    chart.set_legend({"none": True})
    chart.set_chartarea({"border": {"color": LIGHT}})
    chart.set_size(CHART_SIZE)
    sheet.worksheet.insert_chart(
        waiting.row, 0, chart, {"description": told.description, "x_offset": 4, "y_offset": 4}
    )


def _figures_table(
    sheet: SheetWriter, titles: Iterable[tuple[str, CellKind]], cells: list[list[Cell]]
) -> SheetTable:
    """Figures of a chart; amounts say their unit."""
    unit = f" ({sheet.book.scale.name})"
    return SheetTable(
        column_heads([(t + (unit if kind == "scaled" else ""), kind) for t, kind in titles]), cells
    )


def _bar_label(sheet: SheetWriter, value: float) -> str:
    """An amount on a bar, in the unit of its axis."""
    locale = sheet.book.words
    return locale.number(locale.rounded(sheet.book.scale.amount(value), 3))
