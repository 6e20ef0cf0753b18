"""Write the report as an Excel workbook, with numbers, live formulas and native Excel charts."""

from __future__ import annotations

from datetime import datetime, time
from io import BytesIO
from pathlib import Path

from outage_analysis.reports.archives import pack, read_members
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook.assumptions_sheet import write_inputs
from outage_analysis.reports.workbook.cells import LargerUnit
from outage_analysis.reports.workbook.cost_lines_sheet import write_cost_lines
from outage_analysis.reports.workbook.formulas import LiveFormulas
from outage_analysis.reports.workbook.report_sheets import MODEL_COLOUR, write_sections
from outage_analysis.reports.workbook.sheet import ReportWorkbook, cell_text
from outage_analysis.reports.workbook.styles import FONT_SIZE, FONTS, INPUT_TAB, NO_CONVERSION, CellFormats
from outage_analysis.reports.workbook.summary_sheet import write_summary


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
    scale = LargerUnit.for_amounts(
        locale, report.analysis.expected_cash(report.analysis.headline_basis or "published")
    )
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
