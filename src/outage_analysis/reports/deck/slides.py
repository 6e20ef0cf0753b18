"""Build the slide deck from its five slides."""

from __future__ import annotations

from collections.abc import Callable

from outage_analysis.reports.deck.blank_deck import create_deck, deck_bytes
from outage_analysis.reports.deck.canvas import Canvas
from outage_analysis.reports.deck.slide_cost import cost_slide, uncertainty_slide
from outage_analysis.reports.deck.slide_decisions import decisions_slide
from outage_analysis.reports.deck.slide_drivers import drivers_slide, headlines_slide
from outage_analysis.reports.deck.speaker_notes import SlideNotes, footer_text, note_paragraphs
from outage_analysis.reports.report import Report

SLIDE_FUNCTIONS: tuple[Callable[[Report, Canvas], SlideNotes], ...] = (
    cost_slide,
    uncertainty_slide,
    drivers_slide,
    headlines_slide,
    decisions_slide,
)
"""The functions that write the slides, in order: cost, uncertainty, drivers, headlines, decisions."""


def build_deck(report: Report) -> bytes:
    """Return the slide deck as the bytes of a .pptx file; the same report always gives the same bytes."""
    deck = create_deck(report.title, report.lang, report.analysis.as_of)
    for number, write in enumerate(SLIDE_FUNCTIONS, start=1):
        canvas = Canvas.on_new_slide(deck, report.lang)
        slide_notes = write(report, canvas)
        canvas.add_warning(report.warning)
        canvas.add_footer(footer_text(report, slide_notes), number)
        canvas.add_notes(note_paragraphs(report, slide_notes))
    return deck_bytes(deck)
