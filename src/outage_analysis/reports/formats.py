"""List the output formats of a report, with the function that writes each format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from outage_analysis.reports.deck import write_pptx
from outage_analysis.reports.html import write_html
from outage_analysis.reports.markdown import write_markdown
from outage_analysis.reports.pdf import write_pdf
from outage_analysis.reports.report import Report
from outage_analysis.reports.table_files import write_csv, write_parquet, write_png, write_svg
from outage_analysis.reports.workbook.writing import write_xlsx

FormatWriter = Callable[[Report, Path], None]
FORMATS: dict[str, FormatWriter] = {
    "html": write_html,
    "pptx": write_pptx,
    "csv": write_csv,
    "parquet": write_parquet,
    "pdf": write_pdf,
    "xlsx": write_xlsx,
    "svg": write_svg,
    "png": write_png,
    "md": write_markdown,
}
"""Format name -> the function that writes its files into a folder."""
