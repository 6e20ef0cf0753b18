"""Reports: an Analysis goes in; a folder of files with a manifest comes out.

Modules:
    builder: a report to which sections can be added before it is written
    own_sections: sections that a user adds
    formats: list of the output formats, by name
    report_folder: writes the report folder, and reads one for a bridge
    manifest: the record of inputs, settings and output files
    report: everything that the formats show, in one language
    first_screen: key figures and sentences of the first screen
    options: compares the options of a decision: cost, uncertainty and who benefits
    slider_presets: settings of the sliders that a reader can choose at once
    sections: the sections after the first screen
    blocks: texts, tables and pictures of a section
    table_views: which tables and columns are shown
    accounting: proposes how to book each cost line
    grids: tables with titles and number formats
    html: the HTML page
    markdown: the Markdown page, without appendices
    table_files: CSV, Parquet, SVG and PNG files
    pdf: PDF files
    workbook: the Excel workbook
    deck: the slide deck
    archives: zip archives with the same bytes everywhere
    verification: verifies a written report
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.reports.blocks import BulletList, Heading, Text
    from outage_analysis.reports.builder import ReportBuilder
    from outage_analysis.reports.formats import FORMATS
    from outage_analysis.reports.html import csp_hash, sliders, template_text
    from outage_analysis.reports.manifest import read_manifest
    from outage_analysis.reports.report import Report
    from outage_analysis.reports.report_folder import bridge_side, check_output_options, write_report
    from outage_analysis.reports.table_files import write_table
    from outage_analysis.reports.verification import verify
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
