"""Reports of an `Analysis` as HTML, PDF, Excel, PowerPoint, CSV, Parquet, SVG and PNG.

`formats` lists the output formats. `bundle` writes them into a folder with a manifest and checksums.
`verification` checks such a folder later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.reports.blocks import BulletList as BulletList
    from outage_analysis.reports.blocks import Heading as Heading
    from outage_analysis.reports.blocks import Text as Text
    from outage_analysis.reports.bundle import check_output_options as check_output_options
    from outage_analysis.reports.bundle import write_report as write_report
    from outage_analysis.reports.formats import FORMATS as FORMATS
    from outage_analysis.reports.html import csp_hash as csp_hash
    from outage_analysis.reports.html import font_face_rules as font_face_rules
    from outage_analysis.reports.html import sliders as sliders
    from outage_analysis.reports.html import template_text as template_text
    from outage_analysis.reports.manifest import read_manifest as read_manifest
    from outage_analysis.reports.open_bundle import bridge_side as bridge_side
    from outage_analysis.reports.report import Report as Report
    from outage_analysis.reports.table_files import write_table as write_table
    from outage_analysis.reports.verification.verify import verify as verify

__getattr__, __dir__ = lazy_exports(__name__, __file__)
