"""Write the PowerPoint deck: five slides with native charts and speaker notes."""

from __future__ import annotations

from pathlib import Path

from outage_analysis.reports.report import Report


def write_pptx(report: Report, folder: Path) -> None:
    """Write the report as the slide deck report.pptx."""
    from outage_analysis.reports.deck.slides import build_deck  # here, because python-pptx is slow to import

    (folder / "report.pptx").write_bytes(build_deck(report))
