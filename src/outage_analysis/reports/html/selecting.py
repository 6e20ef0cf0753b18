"""Views of the claims that listen to each other: on the page alone, because paper cannot be clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outage_analysis import fonts
from outage_analysis.charts.data import pairs
from outage_analysis.charts.linked import linked
from outage_analysis.charts.specs import frame_of, stable
from outage_analysis.charts.theme import NothingToDraw
from outage_analysis.distributions import regroup
from outage_analysis.reports.blocks import PageChart

if TYPE_CHECKING:
    from outage_analysis.reports.report import Report

WIDTHS = {"wide": False, "narrow": True}
"""The drawings of the page, and whether each has its views below each other."""


def selection(report: Report) -> tuple[PageChart, dict[str, dict[str, Any]]] | None:
    """The linked views of a report's claims: their titles, and a spec for each width of the page.

    None where there are no claims by day, as with totals.
    """
    a = report.analysis
    if "intake" not in a.cubes or "claims_bands" not in a.tables:
        return None
    daily = regroup(a.cubes["intake"], ["service", "filed_on"])
    table = fonts.shown_in(pairs(a.tables["claims_bands"], daily))
    frame = frame_of(a.incident, report.words, report.names, a.as_of, synthetic=a.synthetic)
    specs = {}
    for width, narrow in WIDTHS.items():
        try:
            spec = stable(linked(table, frame, narrow=narrow, chooser=True).to_dict())
        except NothingToDraw:
            return None
        title = spec.pop("title")
        specs[width] = spec
    *subtitle, footer = title["subtitle"]
    chart = PageChart(specs["wide"], " ".join(title["text"]), " ".join(subtitle), footer, hindsight=False)
    return chart, specs
