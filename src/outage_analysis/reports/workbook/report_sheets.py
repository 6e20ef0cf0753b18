"""The sheets that follow the report: its sections, with real numbers, and the cube of the claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from outage_analysis.losses import display_bands, regroup
from outage_analysis.reports.blocks import Block, Heading, Items, Picture, Section, Table, Text
from outage_analysis.reports.model_views import View
from outage_analysis.reports.report import Report
from outage_analysis.reports.table_views import views
from outage_analysis.reports.workbook.cells import Cell, Head, Rows, rows_of
from outage_analysis.reports.workbook.native_charts import NATIVE, Waiting, place
from outage_analysis.reports.workbook.sheet import Book, Page, Placed

SHEETS = {
    "cost": ("cost", "funnel", "free"),
    "doubt": ("doubt",),
    "drivers": ("tornado",),
    "compared": ("compared",),
    "policy": ("policy", "accounting"),
    "claims": ("claims",),
    "quality": ("quality",),
    "hindsight": ("hindsight",),
    "facts": ("facts",),
    "tie_outs": ("tie-outs",),
    "method": ("method",),
}
"""Sheet -> the sections of the report that stand on it. A section of no sheet gets one of its own."""
ELSEWHERE = ("assumptions",)
"""Sections whose sheet is built otherwise."""
MODEL, CLAIMS, LATER, SOURCES = "#0072B2", "#8a8f98", "#CC79A7", "#d5d9df"
COLOURS = {"claims": CLAIMS, "quality": CLAIMS, "hindsight": LATER, "facts": SOURCES, "tie_outs": SOURCES}


def write_sections(book: Book, report: Report) -> None:
    """A sheet for each group of sections that the report has."""
    waiting: list[Waiting] = []
    found = {section.id: section for section in report.sections if section.id not in ELSEWHERE}
    tables = views(report.analysis, report.writer)
    for name, ids in SHEETS.items():
        sections = [found.pop(id_) for id_ in ids if id_ in found]
        if sections:
            title = report.words(f"workbook.{name}")
            waiting += _write(book, report, tables, title, COLOURS.get(name, MODEL), sections)
        if name == "claims" and "cost" in report.analysis.cubes:
            _write_cube(book, report)
    for section in found.values():
        waiting += _write(book, report, tables, section.title, SOURCES, [section])
    if waiting:
        title = report.words("workbook.chart_figures")
        data = book.page(title, SOURCES, synthetic=report.analysis.needs_synthetic_mark("total_law"))
        data.open(title, report.banner if report.analysis.needs_synthetic_mark("total_law") else "")
        data.sortable = False
        for chart in waiting:
            place(chart, report, data)


def _write(
    book: Book,
    report: Report,
    tables: dict[str, View],
    name: str,
    colour: str,
    sections: Sequence[Section],
) -> list[Waiting]:
    made_up = any(section.synthetic for section in sections)
    page = book.page(name, colour, synthetic=made_up)
    page.open(sections[0].title, report.banner if made_up else "")
    writer = _Blocks(page, report, tables)
    for place_, section in enumerate(sections):
        if place_:
            page.head(section.title)
        for block in section.blocks:
            writer.write(block)
    return writer.waiting


@dataclass
class _Blocks:
    """Writes what sections are made of."""

    page: Page
    report: Report
    tables: dict[str, View]

    def __post_init__(self) -> None:
        self.waiting: list[Waiting] = []
        """Charts, whose figures stand on a sheet of their own."""

    def write(self, block: Block) -> None:
        """One block."""
        if isinstance(block, Text):
            self.page.say(block.text, block.role if block.role != "plain" else "text")
        elif isinstance(block, Heading):
            self.page.head(block.text)
        elif isinstance(block, Items):
            for item in block.items:
                self.page.say(f"• {item}")
        elif isinstance(block, Table):
            self._table(block)
        elif isinstance(block, Picture):
            self._picture(block)

    def _table(self, block: Table) -> Placed | None:
        """A table under its caption."""
        if block.grid not in self.tables:
            return None
        if block.caption:
            self.page.head(block.caption)
        return self.page.table(rows_of(self.report.writer, *self.tables[block.grid]))

    def _picture(self, block: Picture) -> None:
        """A chart, where sheets draw it, and its table."""
        name = block.chart
        row = self.page.room() if name in NATIVE else 0
        placed = self._table(block.table) if block.table else None
        if name in NATIVE:
            self.waiting.append(Waiting(name, self.page, row, placed))


def _write_cube(book: Book, report: Report) -> None:
    """The claims by every dimension of the cost cube, in bands for the eye."""
    locale, a = report.words, report.analysis
    cube = a.cubes["cost"]
    page = book.page(locale("workbook.cube"), CLAIMS, synthetic=cube.synthetic)
    page.open(locale("workbook.cube"), report.banner if cube.synthetic else "")
    page.say(locale("workbook.cube_intro"))
    if a.claims is None:  # totals come in bands of their own
        frame = regroup(cube, [*cube.dimensions, "over", "up_to"])
    else:
        cuts = a.policy.as_known_on(a.as_of).cuts
        bands = display_bands(cuts, negative=a.incident.loss.negative == "band")
        frame = regroup(cube, cube.dimensions, bands)
    page.freeze(page.row + 1)
    page.table(_cube_rows(report, frame, cube.dimensions))


def _cube_rows(report: Report, frame: pl.DataFrame, dimensions: Sequence[str]) -> Rows:
    locale, names = report.words, report.names
    titles = [locale(f"column.{d}") if locale.has(f"column.{d}") else names.get(d, d) for d in dimensions]
    numbers = [locale(f"column.{c}") for c in ("claims", "loss")]
    heads = [*map(Head, titles), Head(locale("column.band")), *(Head(n, right=True) for n in numbers)]
    unit = 10**locale.loss_digits
    cells = [
        [
            *(Cell("" if r[d] is None else names.get(str(r[d]), str(r[d]))) for d in dimensions),
            Cell(locale.band(r["over"], r["up_to"])),
            Cell(r["claims"], "whole"),
            Cell(None if r["loss"] is None else r["loss"] / unit if unit > 1 else r["loss"], "loss"),
        ]
        for r in frame.iter_rows(named=True)
    ]
    return Rows(tuple(heads), cells)
