"""Write the report as an Excel workbook, with numbers, live formulas and native Excel charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path

import polars as pl

from outage_analysis.charts import png
from outage_analysis.losses import display_bands, regroup
from outage_analysis.reports.archives import pack, read_members
from outage_analysis.reports.blocks import Block, BulletList, ChartBlock, Heading, Section, TableBlock, Text
from outage_analysis.reports.model_views import View
from outage_analysis.reports.own_sections import cell_text as own_cell_text
from outage_analysis.reports.report import Report
from outage_analysis.reports.table_views import SERVICE_BAND_MEASURES, build_views
from outage_analysis.reports.workbook.assumptions_sheet import write_inputs
from outage_analysis.reports.workbook.cells import (
    FONT_SIZE,
    FONTS,
    INPUT_TAB,
    NO_CONVERSION,
    Cell,
    CellFormats,
    ColumnHead,
    LargerUnit,
    SheetTable,
    sheet_table,
)
from outage_analysis.reports.workbook.cost_lines_sheet import write_cost_lines
from outage_analysis.reports.workbook.formulas import LiveFormulas
from outage_analysis.reports.workbook.native_charts import NATIVE_CHARTS, PendingChart, insert_chart
from outage_analysis.reports.workbook.sheet import ReportWorkbook, SheetWriter, TableRange, cell_text
from outage_analysis.reports.workbook.summary_sheet import write_summary
from outage_analysis.text import Locale


def write_xlsx(report: Report, folder: Path) -> None:
    """Write the report as the Excel workbook report.xlsx.

    Raises:
        OSError: the file cannot be written.
    """
    (folder / "report.xlsx").write_bytes(workbook_bytes(report))


def workbook_bytes(report: Report) -> bytes:
    """Return the Excel workbook of a report as bytes.

    The only date in the file is the as-of day, so that a rebuild gives the same bytes.
    """
    import xlsxwriter

    buffer, locale = BytesIO(), report.locale
    fonts = {"font_name": FONTS[locale.lang], "font_size": FONT_SIZE}
    file = xlsxwriter.Workbook(
        buffer, {"in_memory": True, "default_format_properties": fonts, **NO_CONVERSION}
    )
    created = datetime.combine(report.analysis.as_of, time())
    properties = {"title": report.title, "subject": report.policy, "comments": report.footer}
    file.set_properties({**{k: cell_text(text) for k, text in properties.items()}, "created": created})
    scale = LargerUnit.for_amounts(locale, report.analysis.expected_cash(report.analysis.cash_basis))
    book = ReportWorkbook(file, locale, CellFormats(file, locale), scale)
    live = None if report.products is None else LiveFormulas(report.products, locale, scale)
    is_synthetic = report.analysis.needs_synthetic_mark("quantiles")
    summary = book.add_sheet(locale("workbook.summary"), MODEL_COLOUR, synthetic=is_synthetic)
    inputs = book.add_sheet(locale("workbook.assumptions"), INPUT_TAB)
    lines = book.add_sheet(locale("workbook.lines"), MODEL_COLOUR, synthetic=is_synthetic)
    write_inputs(inputs, report, live)
    write_cost_lines(lines, report, live, inputs.name)
    write_summary(summary, report, live, inputs.name)
    for name, cell in (live.cells if live else {}).items():
        file.define_name(name, cell)
    write_sections(book, report)
    book.finish()
    file.close()
    return pack(read_members(buffer.getvalue()))


SHEET_SECTIONS = {
    "decisions": ("decisions",),
    "cost": ("cost", "free"),
    "service_bands": ("service-bands",),
    "why": ("why",),
    "compared": ("compared",),
    "doubt": ("doubt",),
    "policy": ("policy", "accounting"),
    "method": ("method",),
    "claims": ("claims",),
    "quality": ("quality",),
    "hindsight": ("hindsight",),
    "facts": ("facts",),
    "tie_outs": ("tie-outs",),
}
"""Sheet -> the report sections on it, in the order of the sheets. Other sections get a sheet of their own.

The summary, the inputs and the cost lines come before these sheets.
"""
SEPARATE_SECTIONS = ("assumptions",)
"""Ids of the sections that another module writes to a sheet of its own."""
MODEL_COLOUR, CLAIMS_COLOUR, HINDSIGHT_COLOUR, SOURCES_COLOUR = "#0072B2", "#8a8f98", "#CC79A7", "#d5d9df"
SHADED_GRIDS = tuple(f"service_bands_{measure}" for measure in SERVICE_BAND_MEASURES)
"""Tables of services by loss band. Excel shades their cells: the darker, the larger the number."""
SHEET_COLOURS = {
    "claims": CLAIMS_COLOUR,
    "quality": CLAIMS_COLOUR,
    "hindsight": HINDSIGHT_COLOUR,
    "facts": SOURCES_COLOUR,
    "tie_outs": SOURCES_COLOUR,
}


def write_sections(book: ReportWorkbook, report: Report) -> None:
    """Write one sheet per group of report sections, and one sheet with the figures of all charts."""
    waiting: list[PendingChart] = []
    remaining = {section.id: section for section in report.sections if section.id not in SEPARATE_SECTIONS}
    tables = build_views(report.analysis, report.formatter)
    for name, ids in SHEET_SECTIONS.items():
        sections = [remaining.pop(id_) for id_ in ids if id_ in remaining]
        if name == "doubt" and sections and "total_distribution" in report.charts:
            # The page and the PDF show this chart on their first screen; the summary sheet has only figures.
            first, *others = sections
            sections = [replace(first, blocks=(ChartBlock("total_distribution"), *first.blocks)), *others]
        if sections:
            title = report.locale(f"workbook.{name}")
            waiting += _write_sheet(
                book, report, tables, title, SHEET_COLOURS.get(name, MODEL_COLOUR), sections
            )
        if name == "claims" and "cost" in report.analysis.cubes:
            _write_cube(book, report)
    for section in remaining.values():
        waiting += _write_sheet(book, report, tables, section.title, SOURCES_COLOUR, [section])
    if waiting:
        title = report.locale("workbook.chart_figures")
        data = book.add_sheet(
            title, SOURCES_COLOUR, synthetic=report.analysis.needs_synthetic_mark("total_distribution")
        )
        data.write_title(
            title, report.banner if report.analysis.needs_synthetic_mark("total_distribution") else ""
        )
        data.sortable = False
        for chart in waiting:
            insert_chart(chart, report, data)


def _write_sheet(
    book: ReportWorkbook,
    report: Report,
    tables: dict[str, View],
    name: str,
    colour: str,
    sections: Sequence[Section],
) -> list[PendingChart]:
    is_synthetic = any(section.synthetic for section in sections)
    sheet = book.add_sheet(name, colour, synthetic=is_synthetic)
    sheet.write_title(sections[0].title, report.banner if is_synthetic else "")
    writer = _BlockWriter(sheet, report, tables)
    for position, section in enumerate(sections):
        if position:
            sheet.write_heading(section.title)
        for block in section.blocks:
            writer.write(block)
    return writer.waiting


@dataclass
class _BlockWriter:
    """Writes the blocks of report sections (texts, tables, charts) to a sheet."""

    sheet: SheetWriter
    report: Report
    tables: dict[str, View]

    def __post_init__(self) -> None:
        self.waiting: list[PendingChart] = []
        """Charts to insert later, because another sheet has their figures."""

    def write(self, block: Block) -> None:
        """Write one block of a report section to the sheet."""
        if isinstance(block, Text):
            self.sheet.write_paragraph(block.text, block.role if block.role != "plain" else "text")
        elif isinstance(block, Heading):
            self.sheet.write_heading(block.text)
        elif isinstance(block, BulletList):
            for item in block.items:
                self.sheet.write_paragraph(f"• {item}")
        elif isinstance(block, TableBlock):
            self._table(block)
        elif isinstance(block, ChartBlock):
            self._picture(block)

    def _table(self, block: TableBlock) -> TableRange | None:
        """Write a table below its caption, and return its position; a table without rows is skipped."""
        if block.grid in self.report.own.tables:
            return self.sheet.write_table(
                _own_table(self.report.own.tables[block.grid].frame, self.report.locale)
            )
        if block.grid not in self.tables:
            return None
        if block.caption:
            self.sheet.write_heading(block.caption)
        table_range = self.sheet.write_table(sheet_table(self.report.formatter, *self.tables[block.grid]))
        if block.grid in SHADED_GRIDS:
            self.sheet.shade_cells(table_range)
        return table_range

    def _picture(self, block: ChartBlock) -> None:
        name = block.chart
        if name in self.report.own.charts:
            chart = self.report.charts[name]
            self.sheet.write_heading(chart.title)
            self.sheet.insert_picture(png(self.report.chart_svgs[name]), chart.description)
            return
        row = self.sheet.reserve_chart_rows() if name in NATIVE_CHARTS else 0
        table_range = self._table(block.table) if block.table else None
        if name in NATIVE_CHARTS:
            self.waiting.append(PendingChart(name, self.sheet, row, table_range))


def _own_table(frame: pl.DataFrame, locale: Locale) -> SheetTable:
    heads = tuple(ColumnHead(name, right=dtype.is_numeric()) for name, dtype in frame.schema.items())

    def cell(value: object) -> Cell:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Cell(value, "decimal" if isinstance(value, float) else "whole")
        return Cell(value, "day") if isinstance(value, date) else Cell(own_cell_text(locale, value))

    return SheetTable(heads, [[cell(value) for value in row] for row in frame.iter_rows()])


def _write_cube(book: ReportWorkbook, report: Report) -> None:
    locale, analysis = report.locale, report.analysis
    cube = analysis.cubes["cost"]
    sheet = book.add_sheet(locale("workbook.cube"), CLAIMS_COLOUR, synthetic=cube.synthetic)
    sheet.write_title(locale("workbook.cube"), report.banner if cube.synthetic else "")
    sheet.write_paragraph(locale("workbook.cube_intro"))
    # Totals from an input file are already in loss bands, so these bands are kept.
    if analysis.claims is None:
        frame = regroup(cube, [*cube.dimensions, "over", "up_to"])
    else:
        cuts = analysis.policy.as_known_on(analysis.as_of).cuts
        bands = display_bands(cuts, negative=analysis.incident.loss.negative == "band")
        frame = regroup(cube, cube.dimensions, bands)
    sheet.freeze_above(sheet.row + 1)
    sheet.write_table(_cube_table(report, frame, cube.dimensions))


def _cube_table(report: Report, frame: pl.DataFrame, dimensions: Sequence[str]) -> SheetTable:
    locale, names = report.locale, report.names
    titles = [
        locale(f"column.{d}") if locale.has_label(f"column.{d}") else names.get(d, d) for d in dimensions
    ]
    numbers = [locale(f"column.{c}") for c in ("claims", "loss")]
    heads = [
        *map(ColumnHead, titles),
        ColumnHead(locale("column.band")),
        *(ColumnHead(n, right=True) for n in numbers),
    ]
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
    return SheetTable(tuple(heads), cells)
