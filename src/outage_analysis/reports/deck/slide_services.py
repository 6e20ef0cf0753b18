"""Write the slide with claims, stated loss and expected cost by service and loss band."""

from __future__ import annotations

from outage_analysis.reports.deck import theme
from outage_analysis.reports.deck.canvas import Canvas
from outage_analysis.reports.deck.speaker_notes import SlideNotes, cash_facts
from outage_analysis.reports.deck.theme import Box
from outage_analysis.reports.report import Report

MEASURES = ("claims", "loss", "expected")
NAME_WIDTH, MEASURE_WIDTH = 2.2, 1.9
"""Relative widths of the columns before the loss bands, which have the width 1.3."""


def has_service_bands(report: Report) -> bool:
    """Return whether the report has the claims by service and loss band."""
    return report.analysis.headline_from_claims and "service_bands_claims" in report.grids


def services_slide(report: Report, canvas: Canvas) -> SlideNotes:
    """Write the slide with one row per service and measure, and one column per loss band."""
    locale, analysis = report.locale, report.analysis
    is_synthetic = analysis.needs_synthetic_mark("claims_service_bands")
    # The title of the chart would repeat that the claims are synthetic, and needs two lines.
    finding = report.charts["services_by_band"].title
    canvas.add_title(
        locale("report.service_bands_title") if is_synthetic else finding,
        report.kicker,
        locale("report.service_bands_intro"),
    )
    grids = {m: report.grids[f"service_bands_{m}"] for m in MEASURES if f"service_bands_{m}" in report.grids}
    heads = [column.title for column in grids["claims"].columns]
    names = {
        "claims": locale("column.claims"),
        "loss": locale("column.loss"),
        "expected": locale("deck.service_bands_cost", unit=locale.unit),
    }
    rows = []
    # The totals come first, because rows that do not fit on the slide are left out.
    last = len(grids["claims"].rows) - 1
    for at in (last, *range(last)):
        for measure, grid in grids.items():
            by_title = dict(zip((c.title for c in grid.columns), map(str, grid.rows[at]), strict=True))
            values = [by_title.get(head, "") or "–" for head in heads[1:]]
            rows.append((str(grid.rows[at][0]), names[measure], *values))
    canvas.add_table(
        "Services by loss band",
        Box(theme.LEFT, theme.TOP, theme.FULL_WIDTH, theme.BOTTOM - theme.TOP),
        [heads[0], locale("deck.service_bands_measure"), *heads[1:]],
        rows,
        widths=(NAME_WIDTH, MEASURE_WIDTH, *[1.3] * (len(heads) - 1)),
        alt_text=locale("report.service_bands_title"),
    )
    return SlideNotes(tuple(_sentences(report)), cash_facts(report), synthetic=is_synthetic)


def _sentences(report: Report) -> list[str]:
    locale, grids = report.locale, report.grids
    costs = grids.get("service_bands_expected")
    sentences = []
    for at, row in enumerate(grids["service_bands_claims"].rows):
        service, claims = str(row[0]), str(row[-1])
        cost = str(costs.rows[at][-1]) if costs else ""
        if cost:
            text = locale.with_unit(cost, locale.unit)
            sentences.append(locale("deck.service_bands_say", service=service, claims=claims, cost=text))
        else:
            sentences.append(locale("deck.service_bands_say_claims", service=service, claims=claims))
    return sentences
