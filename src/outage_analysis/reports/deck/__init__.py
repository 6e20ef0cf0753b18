"""Slide deck: a report goes in; slides with native charts and speaker notes come out.

Modules:
    slides: builds the slides in order and writes report.pptx
    slide_cost: slides on the expected cost and its uncertainty
    slide_services: slide on services by loss band, if the cost comes from claims
    slide_drivers: slides on cost drivers and on differences from press headlines
    slide_decisions: slide on decisions, method and sources
    speaker_notes: speaker notes and footers
    canvas: places texts and tables on a slide
    native_charts: charts that can be edited
    theme: fonts, colours, text sizes and positions
"""
