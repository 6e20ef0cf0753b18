"""Write the executive brief and the full report as tagged PDF, typeset by typst."""

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
    """Write brief.pdf, the two-page executive brief, and report.pdf, the full report.

    Raises:
        EnvironmentFailed: a font is missing or lacks a character, or typst reports an error.
    """
    pages, as_of = PdfContent(report), report.analysis.as_of
    for name, values in (("brief", pages.brief), ("report", pages.full_report)):
        (folder / f"{name}.pdf").write_bytes(typeset(name, values, pages.chart_files, as_of))


def typeset(template: str, values: Mapping[str, Any], drawings: Mapping[str, bytes], as_of: date) -> bytes:
    """Return a template as tagged PDF (PDF/UA-1), dated on the as-of day.

    Typst receives every file in memory. Values come as JSON, so typst never reads them as markup.

    Args:
        template: brief or report.
        values: the values that the template reads from report.json.
        drawings: SVG by file name.
        as_of: the creation date of the document, at midnight UTC.

    Raises:
        EnvironmentFailed: a font is missing, or typst reports an error.
    """
    import typst

    templates = files("outage_analysis.reports") / "templates"
    sources = {name: (templates / name).read_bytes() for name in TEMPLATES}
    data_files = {"report.json": json.dumps(values, ensure_ascii=False, sort_keys=True).encode(), **drawings}
    project: Any = {"main": sources[f"{template}.typ"], **sources, **data_files}  # typst ships no exact type
    try:
        pdf: bytes = typst.compile(
            project,
            root=fonts.folder(),  # otherwise typst would use the current folder
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
