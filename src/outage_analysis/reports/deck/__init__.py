"""Slide deck: a report goes in; five slides with native charts and speaker notes come out.

Modules:
    writing: writes the file
    slides: the slides in order
    slide_cost: how much, and how uncertain
    slide_drivers: what drives the cost, and why it differs from the press
    slide_decisions: what to decide
    speaker_notes: speaker notes and footers
    canvas: places texts and tables on a slide
    native_charts: charts that can be edited
    text_size: estimates the room that text takes
    theme: fonts, colours and positions
    blank_deck: the empty deck
"""
