"""Slide deck: a report goes in; a deck with native charts and speaker notes comes out.

Modules:
    slides: builds the slides in order and writes report.pptx
    slide_cover: first slide with the findings of the others
    slide_answer: slide with the answer, as on the first screen of the page
    slide_services: slide on services by loss band, if the cost comes from claims
    slide_drivers: slides on cost drivers and on differences from press headlines
    slide_decisions: slide on decisions, method and sources
    own_slides: slides of the sections that the user has added
    speaker_notes: speaker notes and footers
    canvas: places texts and tables on a slide
    native_charts: charts that can be edited
    theme: fonts, colours, text sizes and positions
"""
