"""Slide deck: a report goes in; slides with the charts of the page and speaker notes come out.

Modules:
    slides: the slides of a report and their notes, written as report.pptx
    canvas: title, texts, pictures, tables and footer of one slide
    text_size: estimates the size of texts, and makes texts and tables fit
"""
