"""Write the executive brief and the full report as tagged (accessible) PDF files with typst."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from importlib.resources import files
from pathlib import Path
from typing import Any

from outage_analysis.errors import EnvironmentFailed
from outage_analysis.reports.pdf.content import PdfContent
from outage_analysis.reports.report import Report
from outage_analysis.text import fonts

TEMPLATES = ("brief.typ", "report.typ", "style.typ")


def write_pdf(report: Report, folder: Path) -> None:
    """Write the two-page executive brief as brief.pdf and the full report as report.pdf.

    Raises:
        EnvironmentFailed: a font is missing or lacks a character, or typst reports an error.
    """
    pages, as_of = PdfContent(report), report.analysis.as_of
    for name, values in (("brief", pages.brief), ("report", pages.full_report)):
        (folder / f"{name}.pdf").write_bytes(typeset(name, values, pages.chart_files, as_of))


def typeset(template: str, values: Mapping[str, Any], drawings: Mapping[str, bytes], as_of: date) -> bytes:
    """Typeset a template with the values of a report, and return the tagged PDF (PDF/UA-1).

    Typst receives all files in memory. The values are passed as JSON, so typst never reads them as markup.

    Args:
        template: the name of the template, brief or report.
        values: the values of the report, which the template reads as report.json.
        drawings: the SVG charts, by file name.
        as_of: the as-of day, used as the creation date of the PDF (midnight UTC).

    Raises:
        EnvironmentFailed: a font is missing, or typst reports an error.
    """
    import typst

    templates = files("outage_analysis.reports") / "templates"
    sources = {name: (templates / name).read_bytes() for name in TEMPLATES}
    data_files = {"report.json": json.dumps(values, ensure_ascii=False, sort_keys=True).encode(), **drawings}
    project: Any = {"main": sources[f"{template}.typ"], **sources, **data_files}  # typst has no exact type
    try:
        pdf: bytes = typst.compile(
            project,
            root=fonts.folder(),  # typst would otherwise use the current folder
            font_paths=[fonts.folder()],
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=["ua-1"],
            timestamp=int(datetime.combine(as_of, time(), UTC).timestamp()),
        )
    except typst.TypstError as error:
        problem = str(error.message).partition("\n")[0]
        raise EnvironmentFailed(f"typst failed: {problem}", file=f"{template}.pdf") from error
    return pdf
