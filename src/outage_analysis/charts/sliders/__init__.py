"""What-if sliders: terms of an expected cost go in; sliders for the page and for notebooks come out.

Modules:
    what_if: which inputs have a slider, and their numbers
    markup: the sliders as HTML
"""
