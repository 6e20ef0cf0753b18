"""Reports: an Analysis goes in; a folder of files with a manifest comes out.

Modules:
    report_folder: writes, reads and verifies a report folder; the list of formats; `ReportBuilder`
    manifest: the record of inputs, settings and output files
    report: everything that the formats show, in one language
    first_screen: key figures, sentences and options of the first screen
    sections: the sections after the first screen
    own_sections: sections that a user adds
    table_views: which tables and columns are shown
    blocks: sections, texts, charts, and tables of texts
    html: the HTML page, with the settings of its sliders
    pdf: PDF files
    deck: the slide deck
    workbook: the Excel workbook, with its formulas
    sheets: sheets with tables of cells and their formats
    table_files: CSV, Parquet, SVG, PNG and Markdown files
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.reports.blocks import BulletList, Heading, Text
    from outage_analysis.reports.html import csp_hash, sliders, template_text
    from outage_analysis.reports.manifest import read_manifest
    from outage_analysis.reports.report import Report
    from outage_analysis.reports.report_folder import (
        FORMATS,
        ReportBuilder,
        bridge_side,
        check_output_options,
        verify,
        write_report,
    )
    from outage_analysis.reports.table_files import write_table
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
