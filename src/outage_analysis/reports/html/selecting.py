"""Views of the claims that listen to each other: on the page alone, because paper cannot be clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis import fonts
from outage_analysis.charts.linked import linked
from outage_analysis.charts.specs import frame_of, stable, unchecked
from outage_analysis.charts.theme import NothingToDraw
from outage_analysis.reports.blocks import PageChart

if TYPE_CHECKING:
    from outage_analysis.reports.report import Report


def selection(report: Report) -> PageChart | None:
    """The linked views of a report's claims; None where there are no claims, as with totals."""
    a = report.analysis
    if "claims_pairs" not in a.tables:
        return None
    table = fonts.shown_in(a.tables["claims_pairs"])
    frame = frame_of(a.incident, report.words, report.names, a.as_of, synthetic=a.synthetic)
    try:
        with unchecked():
            spec = stable(linked(table, frame).to_dict(validate=False))
    except NothingToDraw:
        return None
    title = spec.pop("title")
    *subtitle, footer = title["subtitle"]
    return PageChart(spec, " ".join(title["text"]), " ".join(subtitle), footer, hindsight=False)
