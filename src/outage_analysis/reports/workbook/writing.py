"""Write the report as an Excel workbook: a summary, live formulas, and a sheet per group of sections."""

from __future__ import annotations

from pathlib import Path

from outage_analysis.charts import ACCENT, GREY, LIGHT, OKABE_ITO
from outage_analysis.losses import display_bands, regroup
from outage_analysis.reports.archives import repack
from outage_analysis.reports.blocks import Block, BulletList, Heading, KeyFigures, TableBlock, Text
from outage_analysis.reports.report import Report
from outage_analysis.reports.table_views import SERVICE_BAND_MEASURES
from outage_analysis.reports.workbook.live import LiveFormulas, write_figures, write_inputs, write_lines
from outage_analysis.reports.workbook.sheet import Book, Sheet, table_cells
from outage_analysis.text import Column, column_of

INPUT_TAB, HINDSIGHT_TAB = OKABE_ITO[4], OKABE_ITO[3]
SHEETS = (
    ("decisions", ACCENT, ("decisions",)),
    ("cost", ACCENT, ("cost", "free")),
    ("service_bands", ACCENT, ("service-bands", "services")),
    ("why", ACCENT, ("why",)),
    ("compared", ACCENT, ("compared",)),
    ("doubt", ACCENT, ("doubt",)),
    ("policy", ACCENT, ("policy", "accounting")),
    ("method", ACCENT, ("method",)),
    ("assumptions", INPUT_TAB, ("assumptions",)),
    ("claims", GREY, ("claims",)),
    ("quality", GREY, ("quality",)),
    ("hindsight", HINDSIGHT_TAB, ("hindsight",)),
    ("facts", LIGHT, ("facts",)),
    ("tie_outs", LIGHT, ("published", "tie-outs")),
)
"""The name and colour of each sheet, and the report sections on it. Other sections get a sheet of their own.

The summary, the inputs and the cost lines come before these sheets.
"""
SHADED_TABLES = tuple(f"service_bands_{measure}" for measure in SERVICE_BAND_MEASURES)
"""Tables of services by loss band. Excel shades their cells: the darker, the larger the number."""
SUMMARY_WIDTHS = {0: 40, 4: 26}
"""The widths of some columns of the summary, in characters; column 4 can hold each of its states."""


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
    locale, analysis = report.locale, report.analysis
    texts = {"title": report.title, "subject": report.policy, "comments": report.footer}
    book = Book(locale, analysis.as_of, texts)
    banner = report.banner if analysis.headline_is_synthetic else ""
    summary = book.add_sheet(
        locale("workbook.summary"), ACCENT, title=report.title, banner=banner, warning=report.warning
    )
    cost = report.products
    live = LiveFormulas(cost, locale) if cost and cost.factors else None
    inputs_name = locale("workbook.inputs")
    if live:
        inputs = book.add_sheet(inputs_name, INPUT_TAB)
        lines = book.add_sheet(locale("workbook.lines"), ACCENT, banner=banner)
        write_inputs(inputs, report, live)
        write_lines(lines, report, live, inputs_name)
        for name, cell in live.cells.items():
            book.file.define_name(name, cell)
    tied = report.products is None and analysis.headline_basis in analysis.runs
    reason = "workbook.no_formulas_tied" if tied else "workbook.no_formulas"
    intro = locale("workbook.live_intro", sheet=inputs_name) if live else locale(reason)
    _write_summary(summary, report, live, intro)
    _write_sections(book, report)
    return repack(book.close())


def _write_summary(sheet: Sheet, report: Report, live: LiveFormulas | None, intro: str) -> None:
    """Write the first screen of the report, with the key figures as numbers after its headline."""
    sheet.sortable, sheet.one_page = False, True
    for text in (report.kicker, report.policy):
        sheet.write_paragraph(text)
    answer, *others = report.front
    blocks = list(answer.blocks)
    style = "strong"
    while blocks and isinstance(first := blocks[0], Text):
        sheet.write_paragraph(first.text, style)
        style = first.role
        blocks.pop(0)
    sheet.write_heading(report.locale("workbook.figures"))
    sheet.write_paragraph(intro, "note")
    write_figures(sheet, report, live)
    for section in others:
        blocks += [Heading(section.title), *section.blocks]
    for block in blocks:
        _write_block(sheet, report, block)
    sheet.write_paragraph(report.footer, "note")
    sheet.widths |= SUMMARY_WIDTHS


def _write_sections(book: Book, report: Report) -> None:
    """Write one sheet per group of report sections, and the sheet with the claim cube."""
    remaining = {section.id: section for section in report.sections}
    groups = [(report.locale(f"workbook.{name}"), colour, ids) for name, colour, ids in SHEETS]
    grouped = {id_ for _, _, ids in groups for id_ in ids}
    groups += [(s.title, LIGHT, (s.id,)) for s in report.sections if s.id not in grouped]
    for name, colour, ids in groups:
        sections = [remaining[id_] for id_ in ids if id_ in remaining]
        if sections:
            banner = report.banner if any(section.synthetic for section in sections) else ""
            sheet = book.add_sheet(name, colour, title=sections[0].title, banner=banner)
            for section in sections:
                sheet.write_heading(section.title)
                for block in section.blocks:
                    _write_block(sheet, report, block)
        if ids == ("claims",) and "cost" in report.analysis.cubes:
            _write_cube(book, report)


def _write_block(sheet: Sheet, report: Report, block: Block) -> None:
    if isinstance(block, Text):
        sheet.write_paragraph(block.text, block.role)
    elif isinstance(block, Heading):
        sheet.write_heading(block.text)
    elif isinstance(block, BulletList | KeyFigures):
        for item in block.items:
            sheet.write_paragraph(f"• {item}")
    elif isinstance(block, TableBlock):
        _write_table(sheet, report, block)
    else:
        chart = report.charts[block.chart]
        sheet.insert_picture(report.pictures[block.chart], f"{chart.title}. {chart.description}")
        if block.table:
            _write_table(sheet, report, block.table)


def _write_table(sheet: Sheet, report: Report, block: TableBlock) -> None:
    """Write a table below its caption; a table without rows is skipped."""
    if block.grid in report.views:
        if block.caption:
            sheet.write_heading(block.caption)
        sheet.write_table(*table_cells(report.formatter, *report.views[block.grid]))
        if block.grid in SHADED_TABLES:
            sheet.shade_last_table()


def _write_cube(book: Book, report: Report) -> None:
    locale, analysis = report.locale, report.analysis
    cube = analysis.cubes["cost"]
    name = locale("workbook.cube")
    sheet = book.add_sheet(name, GREY, banner=report.banner if cube.synthetic else "")
    sheet.write_paragraph(locale("workbook.cube_intro"))
    # Totals from an input file are already in loss bands, so these bands are kept.
    if analysis.claims is None:
        frame = regroup(cube, [*cube.dimensions, "over", "up_to"])
    else:
        cuts = analysis.policy.as_known_on(analysis.as_of).cuts
        bands = display_bands(cuts, negative=analysis.incident.loss.negative == "band")
        frame = regroup(cube, cube.dimensions, bands)
    titles = {d: locale(f"column.{d}") for d in cube.dimensions if locale.has_label(f"column.{d}")}
    dimensions = (
        Column(d, "name", "A dimension of the cube.", title=titles.get(d) or report.names.get(d, d))
        for d in cube.dimensions
    )
    sheet.write_table(
        *table_cells(
            report.formatter, frame, (*dimensions, column_of("band"), column_of("claims"), column_of("loss"))
        )
    )
