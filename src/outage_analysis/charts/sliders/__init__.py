"""What-if sliders: an expected cost goes in; sliders for the report page and for notebooks come out.

Modules:
    what_if: the inputs that get a slider, with their values and limits
    search_form: the form for a search of payments within a budget
    markup: the sliders as HTML
"""
