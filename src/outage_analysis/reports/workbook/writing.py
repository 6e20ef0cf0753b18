"""The workbook: the report with real numbers, live formulas of the expected cost, and native charts."""

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
    """The whole report as report.xlsx.

    Raises:
        OSError: the disk refused.
    """
    (folder / "report.xlsx").write_bytes(workbook_bytes(report))


def workbook_bytes(report: Report) -> bytes:
    """The workbook, with no date but that of the day whose knowledge it uses."""
    import xlsxwriter

    held, locale = BytesIO(), report.words
    fonts = {"font_name": FONTS[locale.lang], "font_size": FONT_SIZE}
    made = xlsxwriter.Workbook(held, {"in_memory": True, "default_format_properties": fonts, **NO_CONVERSION})
    created = datetime.combine(report.analysis.as_of, time())
    about = {"title": report.title, "subject": report.policy, "comments": report.footer}
    made.set_properties({**{k: cell_text(text) for k, text in about.items()}, "created": created})
    scale = LargerUnit.for_amounts(
        locale, report.analysis.expected_cash(report.analysis.headline or "published")
    )
    book = ReportWorkbook(made, locale, CellFormats(made, locale), scale)
    live = None if report.products is None else LiveFormulas(report.products, locale, scale)
    drawn = report.analysis.marked("quantiles")
    summary = book.add_sheet(locale("workbook.summary"), MODEL_COLOUR, synthetic=drawn)
    inputs = book.add_sheet(locale("workbook.assumptions"), INPUT_TAB)
    lines = book.add_sheet(locale("workbook.lines"), MODEL_COLOUR, synthetic=drawn)
    write_inputs(inputs, report, live)
    write_cost_lines(lines, report, live, inputs.name)
    write_summary(summary, report, live, inputs.name)
    for name, cell in (live.cells if live else {}).items():
        made.define_name(name, cell)
    write_sections(book, report)
    book.finish()
    made.close()
    return pack(read_members(held.getvalue()))
