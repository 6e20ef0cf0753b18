"""Native charts: the report's own, drawn by the sheet from cells and free to be edited."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outage_analysis.charts import ACCENT, GREY, INK, LIGHT
from outage_analysis.charts import cost_data as uncertain
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook import chart_axes as axes
from outage_analysis.reports.workbook.cells import Cell, Kind, Rows, heads
from outage_analysis.reports.workbook.sheet import CHART_SIZE, Page, Placed

if TYPE_CHECKING:  # the library is read only when a workbook is written
    from xlsxwriter.chart import Chart

PARTS = {"below": GREY, "likely": ACCENT, "above": GREY}
MARKS = ("p10", "p50", "p90", "budget")
BELOW = "#5B616B"
"""Of the part of a bar that lies below the expected sum."""


def _law(page: Page, report: Report) -> Rows:
    """The density in percent of its peak, a column a part."""
    locale = report.words
    rows = uncertain.density_areas(report.analysis.tables["total_law"])
    p10, p90 = locale("word.p10"), locale("word.p90")
    told: list[tuple[str, Kind]] = [
        (title, "decimal") for title in (f"< {p10}", f"{p10} – {p90}", f"> {p90}")
    ]
    cells = [
        [
            page.book.scale.cell(r["amount"]),
            *(Cell(r["density"] if r["part"] == p else None, "decimal") for p in PARTS),
        ]
        for r in rows.iter_rows(named=True)
    ]
    return _rows(page, [(locale("column.amount"), "scaled"), *told], cells)


def _draw_law(page: Page, report: Report, at: Placed) -> Chart:
    chart = axes.new(page, "scatter", "straight")
    for place, colour in enumerate(PARTS.values(), start=1):
        axes.line(chart, at, 0, place, colour)
    chart.set_x_axis(
        axes.log(
            page, report, "law_x", uncertain.density_areas(report.analysis.tables["total_law"])["amount"]
        )
    )
    chart.set_y_axis(axes.axis(report, report.words("chart.law_y"), min=0, max=100, num_format="0"))
    return chart


def _exceedance(page: Page, report: Report) -> Rows:
    """The chance of more than each amount; the quantiles apart, as points."""
    locale, table = report.words, report.analysis.tables["total_law"]
    marks = uncertain.marked_amounts(table)
    cells = [
        [page.book.scale.cell(r["amount"]), Cell(locale.rounded(r["above"] / 100, 6), "share"), Cell(None)]
        for r in uncertain.exceedance_curve(table).iter_rows(named=True)
    ]
    cells += [
        [
            page.book.scale.cell(marks[m]["amount"]),
            Cell(None),
            Cell(locale.rounded(marks[m]["above"], 6), "share"),
        ]
        for m in MARKS
        if m in marks
    ]
    chance = locale("workbook.more")
    marked = ", ".join(locale(f"word.{m}") for m in MARKS if m in marks)
    return _rows(page, [(locale("column.amount"), "scaled"), (chance, "share"), (marked, "share")], cells)


def _draw_exceedance(page: Page, report: Report, at: Placed) -> Chart:
    locale, table = report.words, report.analysis.tables["total_law"]
    marks, rows = uncertain.marked_amounts(table), uncertain.exceedance_curve(table)
    chart = axes.new(page, "scatter", "straight")
    axes.line(chart, at, 0, 1, ACCENT)
    told = [
        {"value": f"{locale(f'word.{m}')}  {locale.money(marks[m]['amount'])}"} for m in MARKS if m in marks
    ]
    points = {"type": "circle", "size": 7, "fill": {"color": INK}, "border": {"color": INK}}
    labels = {"custom": told, "value": True, "position": "right", "font": axes.font(report)}
    chart.add_series(
        {
            "categories": at.column(0, len(rows)),
            "values": at.column(2, len(rows)),
            "line": {"none": True},
            "marker": points,
            "data_labels": labels,
        }
    )
    chart.set_x_axis(axes.log(page, report, "exceedance_x", rows["amount"]))
    chart.set_y_axis(axes.axis(report, locale("workbook.more"), min=0, max=1, num_format="0%"))
    return chart


def _tornado(page: Page, report: Report) -> Rows:
    """Each input's lowest expected cash, and what leads from there to the expected and the highest."""
    locale = report.words
    cells = [
        [
            Cell(report.names.get(r["assumption"], r["assumption"]).split(":")[0]),
            *(
                page.book.scale.cell(v)
                for v in (r["left"], r["expected"] - r["left"], r["right"] - r["expected"])
            ),
        ]
        for r in uncertain.tornado_bars(report.analysis.tables["tornado"]).iter_rows(named=True)
    ]
    told: list[tuple[str, Kind]] = [
        (locale(f"workbook.{key}"), "scaled") for key in ("left_end", "to_expected", "to_right")
    ]
    return _rows(page, [(locale("column.assumption"), "text"), *told], cells)


def _draw_tornado(page: Page, report: Report, at: Placed) -> Chart:
    chart = axes.new(page, "bar", "stacked")
    axes.bar(chart, at, 1, "")
    rows = uncertain.tornado_bars(report.analysis.tables["tornado"])
    for place, end, colour, where in (
        (2, "left", BELOW, "inside_base"),
        (3, "right", ACCENT, "inside_end"),
    ):
        told = [{"value": _short(page, value)} for value in rows[end]]
        labels = {"value": True, "custom": told, "position": where, "font": axes.white(report)}
        axes.bar(chart, at, place, colour, data_labels=labels)
    return axes.lying(page, report, chart, "waterfall_x")


def _steps(page: Page, report: Report) -> Rows:
    """What adds up to the expected cash, each from where the one before ends; and their sum."""
    locale = report.words
    rows = uncertain.waterfall_bars(report.analysis.tables["steps"])
    cells = [
        [Cell(_step(report, r)), page.book.scale.cell(r["start"]), page.book.scale.cell(r["expected"])]
        for r in rows.iter_rows(named=True)
    ]
    total = float(rows["expected"].sum())
    cells.append([Cell(locale("chart.waterfall_sum")), page.book.scale.cell(0), page.book.scale.cell(total)])
    told: list[tuple[str, Kind]] = [(locale("workbook.start"), "scaled"), (locale("workbook.step"), "scaled")]
    return _rows(page, [(locale("column.line"), "text"), *told], cells)


def _step(report: Report, row: dict[str, Any]) -> str:
    step = uncertain.step_labels(row, report.words, lambda id_: report.names.get(id_, id_))
    return ", ".join(filter(None, step))


def _draw_steps(page: Page, report: Report, at: Placed) -> Chart:
    chart = axes.new(page, "bar", "stacked")
    axes.bar(chart, at, 1, "")
    last = at.last - at.first
    points = [{"fill": {"color": ACCENT}}] * last + [{"fill": {"color": INK}}]
    labels = {"value": True, "position": "inside_end", "font": axes.white(report)}
    axes.bar(chart, at, 2, ACCENT, points=points, data_labels=labels)
    return axes.lying(page, report, chart, "waterfall_x")


def _draw_intake(page: Page, report: Report, at: Placed) -> Chart:
    """From the table of the page itself: days, claims, claims so far."""
    chart = axes.new(page, "line")
    axes.line(chart, at, 0, 2, ACCENT)
    chart.set_x_axis(axes.plain(report, date_axis=True, num_format=page.book.styles.day))
    chart.set_y_axis(axes.axis(report, report.words("chart.intake_y"), min=0, num_format="#,##0"))
    return chart


@dataclass(frozen=True)
class Native:
    """A chart that a sheet draws."""

    draw: Callable[[Page, Report, Placed], Chart]
    figures: Callable[[Page, Report], Rows] | None = None
    """What it is drawn from, where that is not the table that stands with it."""


NATIVE = {
    "total_law": Native(_draw_law, _law),
    "exceedance": Native(_draw_exceedance, _exceedance),
    "tornado": Native(_draw_tornado, _tornado),
    "waterfall": Native(_draw_steps, _steps),
    "intake": Native(_draw_intake),
}


@dataclass(frozen=True)
class Waiting:
    """A chart that is drawn once its figures are written."""

    name: str
    page: Page
    row: int
    """The first of the rows left for it."""
    table: Placed | None
    """The table that stands with it."""


def place(waiting: Waiting, report: Report, data: Page) -> None:
    """Draw a chart of the report into the room left for it.

    Args:
        waiting: which, and where.
        report: the figures.
        data: the sheet of the figures of all charts. The title of the chart is one of its cells, to which
            it refers: so nothing from data is taken for a formula.
    """
    page, native, told = waiting.page, NATIVE[waiting.name], report.charts[waiting.name]
    head = data.head(told.title)
    if native.figures is None:
        data.say(told.subtitle, "note")
    placed = data.table(native.figures(page, report)) if native.figures else waiting.table
    if placed is None:
        return
    chart = native.draw(page, report, placed)
    chart.set_title({"name": [data.name, head, 0], "name_font": {**axes.font(report), "size": 11}})
    chart.set_legend({"none": True})
    chart.set_chartarea({"border": {"color": LIGHT}})
    chart.set_size(CHART_SIZE)
    page.sheet.insert_chart(
        waiting.row, 0, chart, {"description": told.description, "x_offset": 4, "y_offset": 4}
    )


def _rows(page: Page, titles: Iterable[tuple[str, Kind]], cells: list[list[Cell]]) -> Rows:
    """Figures of a chart; amounts say their unit."""
    unit = f" ({page.book.scale.name})"
    return Rows(heads([(t + (unit if kind == "scaled" else ""), kind) for t, kind in titles]), cells)


def _short(page: Page, value: float) -> str:
    """An amount on a bar, in the unit of its axis."""
    locale = page.book.words
    return locale.number(locale.rounded(page.book.scale.amount(value), 3))
