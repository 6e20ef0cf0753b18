"""PDF by typst: the executive brief of two pages and the full report, tagged and in the package's fonts."""

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
    """Write brief.pdf, the two pages for an executive, and report.pdf, the full report.

    Raises:
        EnvironmentFailed: a font is missing or lacks a character of ours, or typst refuses.
    """
    pages, as_of = PdfContent(report), report.analysis.as_of
    for name, told in (("brief", pages.brief), ("report", pages.full_report)):
        (folder / f"{name}.pdf").write_bytes(typeset(name, told, pages.chart_files, as_of))


def typeset(template: str, told: Mapping[str, Any], drawings: Mapping[str, bytes], as_of: date) -> bytes:
    """A template as tagged PDF (PDF/UA-1), dated as of the day.

    Typst is given every file as bytes and reads none: data come as JSON, so no text of theirs is markup.

    Args:
        template: brief or report.
        told: what the template reads from report.json.
        drawings: SVG by file name.
        as_of: the date of the document, at midnight UTC.

    Raises:
        EnvironmentFailed: a font is missing, or typst refuses.
    """
    import typst

    templates = files("outage_analysis.reports") / "templates"
    sources = {name: (templates / name).read_bytes() for name in TEMPLATES}
    made = {"report.json": json.dumps(told, ensure_ascii=False, sort_keys=True).encode(), **drawings}
    project: Any = {"main": sources[f"{template}.typ"], **sources, **made}  # no type of the library's says so
    try:
        written: bytes = typst.compile(
            project,
            root=fonts.folder(),  # the folder of the process never matters
            font_paths=[fonts.folder()],
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=["ua-1"],
            timestamp=int(datetime.combine(as_of, time(), UTC).timestamp()),
        )
    except typst.TypstError as error:
        problem = str(error.message).partition("\n")[0]
        raise EnvironmentFailed(f"typst cannot set it: {problem}", file=f"{template}.pdf") from error
    return written
