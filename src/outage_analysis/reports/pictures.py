"""Charts as files: SVG that any program scales, PNG for a slide or a message."""

from __future__ import annotations

from pathlib import Path

from outage_analysis.charts.images import png, titled
from outage_analysis.reports.report import Report


def write_svg(report: Report, folder: Path) -> None:
    """Every chart as charts/<name>.svg, with its title and its sources."""
    for stem, drawn in _drawings(report, folder):
        stem.with_suffix(".svg").write_text(drawn, "utf-8")


def write_png(report: Report, folder: Path) -> None:
    """Every chart as charts/<name>.png, the same drawing."""
    for stem, drawn in _drawings(report, folder):
        stem.with_suffix(".png").write_bytes(png(drawn))


def _drawings(report: Report, folder: Path) -> list[tuple[Path, str]]:
    """Where each chart goes, but for its suffix, and its drawing with title and sources."""
    target = folder / "charts"
    target.mkdir(exist_ok=True)
    return [
        (
            target / f"{name}{'-synthetic' if report.made_up(name) else ''}",
            titled(report.drawings[name], chart.title, chart.subtitle, chart.footer, chart.description),
        )
        for name, chart in report.charts.items()
    ]
