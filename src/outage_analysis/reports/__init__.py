"""Reports: an Analysis goes in; a folder of files with a manifest comes out.

Modules:
    report_folder: writes, reads and verifies a report folder and its manifest; the list of formats
    report: everything that the formats show, in one language; CSV, Parquet, SVG, PNG and Markdown files
    contents: sentences and options of the first screen, and the sections after it
    own_sections: sections that a user adds
    table_views: which tables and columns are shown
    blocks: sections, texts, charts, and tables of texts
    html: the HTML page, with the settings of its sliders
    pdf: PDF files
    deck: the slide deck
    workbook: the Excel workbook, with its formulas
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.reports.blocks import BulletList, Heading, Text
    from outage_analysis.reports.html import finished_page, sliders, template_text
    from outage_analysis.reports.report import Report, write_table
    from outage_analysis.reports.report_folder import (
        FORMATS,
        ReportBuilder,
        bridge_side,
        check_output_options,
        read_manifest,
        verify,
        write_report,
    )
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
