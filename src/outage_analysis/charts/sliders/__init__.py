"""What-if sliders: an expected cost goes in; sliders for the report page and for notebooks come out.

Modules:
    what_if: the inputs that get a slider, with their values and limits
    markup: the sliders as HTML
"""
