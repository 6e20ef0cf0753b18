"""The workbook: the report with real numbers, live formulas of the expected cost, and native charts."""

from __future__ import annotations

from datetime import datetime, time
from io import BytesIO
from pathlib import Path

from outage_analysis.reports.archives import members, pack
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook.assumptions_sheet import write_inputs
from outage_analysis.reports.workbook.cells import Scale
from outage_analysis.reports.workbook.cost_lines_sheet import write_lines
from outage_analysis.reports.workbook.formulas import Live
from outage_analysis.reports.workbook.report_sheets import MODEL, write_sections
from outage_analysis.reports.workbook.sheet import Book, shown
from outage_analysis.reports.workbook.styles import FONTS, INPUT_TAB, NOTHING_RUNS, SIZE, Styles
from outage_analysis.reports.workbook.summary_sheet import write_summary


def write_xlsx(report: Report, folder: Path) -> None:
    """The whole report as report.xlsx.

    Raises:
        OSError: the disk refused.
    """
    (folder / "report.xlsx").write_bytes(workbook(report))


def workbook(report: Report) -> bytes:
    """The workbook, with no date but that of the day whose knowledge it uses."""
    import xlsxwriter

    held, locale = BytesIO(), report.words
    fonts = {"font_name": FONTS[locale.lang], "font_size": SIZE}
    made = xlsxwriter.Workbook(held, {"in_memory": True, "default_format_properties": fonts, **NOTHING_RUNS})
    created = datetime.combine(report.analysis.as_of, time())
    about = {"title": report.title, "subject": report.policy, "comments": report.colophon}
    made.set_properties({**{k: shown(text) for k, text in about.items()}, "created": created})
    scale = Scale.of(locale, report.analysis.expected_cash(report.analysis.headline_basis or "published"))
    book = Book(made, locale, Styles(made, locale), scale)
    live = None if report.products is None else Live(report.products, locale, scale)
    drawn = report.analysis.needs_synthetic_mark("quantiles")
    summary = book.page(locale("workbook.summary"), MODEL, synthetic=drawn)
    inputs = book.page(locale("workbook.assumptions"), INPUT_TAB)
    lines = book.page(locale("workbook.lines"), MODEL, synthetic=drawn)
    write_inputs(inputs, report, live)
    write_lines(lines, report, live, inputs.name)
    write_summary(summary, report, live, inputs.name)
    for name, cell in (live.cells if live else {}).items():
        made.define_name(name, cell)
    write_sections(book, report)
    book.finish()
    made.close()
    return pack(members(held.getvalue()))
