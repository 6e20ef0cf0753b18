"""An Analysis -> files that travel: the formats, and the bundle with its manifest."""

from outage_analysis.reports.bundle import refuse_unwritable, write_report
from outage_analysis.reports.formats import FORMATS
from outage_analysis.reports.tables import write_table

__all__ = ["FORMATS", "refuse_unwritable", "write_report", "write_table"]
