"""The five slides in order."""

from __future__ import annotations

from collections.abc import Callable

from outage_analysis.reports.deck.blank_deck import empty, packed
from outage_analysis.reports.deck.canvas import Canvas
from outage_analysis.reports.deck.slide_cost import answer, doubt
from outage_analysis.reports.deck.slide_decisions import closing
from outage_analysis.reports.deck.slide_drivers import drivers, headlines
from outage_analysis.reports.deck.speaker_notes import Talk, footer, notes
from outage_analysis.reports.report import Report

SLIDES: tuple[Callable[[Report, Canvas], Talk], ...] = (answer, doubt, drivers, headlines, closing)
"""What is shown, in order: how much, how sure, what drives it, why it differs, what to decide."""


def slides(report: Report) -> bytes:
    """The deck as a file's bytes; the same report gives the same bytes."""
    deck = empty(report.title, report.lang, report.analysis.as_of)
    for number, write in enumerate(SLIDES, start=1):
        canvas = Canvas.of(deck, report.lang)
        talk = write(report, canvas)
        canvas.warn(report.warning)
        canvas.foot(footer(report, talk), number)
        canvas.notes(notes(report, talk))
    return packed(deck)
