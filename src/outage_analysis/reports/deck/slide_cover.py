"""Write the first slide: what the deck is about, and the findings of the other slides."""

from __future__ import annotations

from collections.abc import Sequence

from outage_analysis.reports.deck import theme
from outage_analysis.reports.deck.canvas import Canvas
from outage_analysis.reports.deck.speaker_notes import SlideNotes, cash_facts
from outage_analysis.reports.deck.theme import Box, Paragraph
from outage_analysis.reports.report import Report

BANNER_TOP = 6.1
"""Where the notice on synthetic claims starts, in inches from the top."""


def cover_slide(report: Report, canvas: Canvas, titles: Sequence[str]) -> SlideNotes:
    """Write the first slide; `titles` are those of the following slides."""
    is_synthetic = report.analysis.headline_is_synthetic
    canvas.add_title(report.title, report.kicker, report.policy)
    low = BANNER_TOP if is_synthetic else theme.BOTTOM
    lines = [
        Paragraph(f"{number}  {title}", 20, space_after=14) for number, title in enumerate(titles, start=2)
    ]
    box = Box(theme.LEFT, theme.TOP + 0.3, theme.FULL_WIDTH, low - theme.TOP - 0.4)
    canvas.add_text("Findings", box, lines, more=True)
    if is_synthetic:
        notice = Box(theme.LEFT, BANNER_TOP, theme.FULL_WIDTH, theme.BOTTOM - BANNER_TOP)
        canvas.add_text("Synthetic", notice, [Paragraph(report.banner, 12, colour=theme.MUTED)])
    return SlideNotes((report.title, report.policy, *titles), cash_facts(report), synthetic=is_synthetic)
