"""Notebooks: an Analysis or a table goes in; output for JupyterLab, exported pages and new projects come out.

Modules:
    display: sets up a session, and shows tables, charts, sliders and parts of the report in a notebook
    notebook: reads notebooks, sets their parameters, runs them and builds their pages
    project: creates projects, and starts JupyterLab on their notebooks
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.jupyter.display import refusals_as_notes, show, show_part, show_table, show_what_if
    from outage_analysis.jupyter.notebook import run_notebook
    from outage_analysis.jupyter.project import MAX_PATH_LENGTH, new_project, open_lab
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
