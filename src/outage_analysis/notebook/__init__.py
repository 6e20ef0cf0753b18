"""Charts, tables and parts of the report in a notebook, in JupyterLab and in the page exported from it.

`%load_ext outage_analysis` in the first cell puts Vega into its output, once; every chart then draws offline.
"""

from outage_analysis.notebook.drawings import show
from outage_analysis.notebook.grids import show_grid, show_table
from outage_analysis.notebook.markup import Html, note
from outage_analysis.notebook.refusing import refusals_as_notes
from outage_analysis.notebook.session import claim_files, use_offline_charts
from outage_analysis.notebook.sliders import show_what_if
from outage_analysis.notebook.telling import show_answers, show_tiles, show_words

__all__ = [
    "Html",
    "claim_files",
    "note",
    "refusals_as_notes",
    "show",
    "show_answers",
    "show_grid",
    "show_table",
    "show_tiles",
    "show_what_if",
    "show_words",
    "use_offline_charts",
]
