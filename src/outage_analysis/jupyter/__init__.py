"""Notebooks: an Analysis or a table goes in; output for JupyterLab, exported pages and new projects come out.

Modules:
    display: shows tables, charts, sliders and parts of the report in a notebook
    session: sets up charts and error messages in the first cell
    export: exports notebooks as HTML pages
    projects: creates projects and starts JupyterLab
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.jupyter.display import note as note
    from outage_analysis.jupyter.display import refusals_as_notes as refusals_as_notes
    from outage_analysis.jupyter.display import show as show
    from outage_analysis.jupyter.display import show_answers as show_answers
    from outage_analysis.jupyter.display import show_grid as show_grid
    from outage_analysis.jupyter.display import show_section_text as show_section_text
    from outage_analysis.jupyter.display import show_table as show_table
    from outage_analysis.jupyter.display import show_tiles as show_tiles
    from outage_analysis.jupyter.display import show_what_if as show_what_if
    from outage_analysis.jupyter.export.page import run_notebook as run_notebook
    from outage_analysis.jupyter.projects.laboratory import open_lab as open_lab
    from outage_analysis.jupyter.projects.project import MAX_PATH_LENGTH as MAX_PATH_LENGTH
    from outage_analysis.jupyter.projects.project import new_project as new_project
    from outage_analysis.jupyter.projects.project import shell_path as shell_path
    from outage_analysis.jupyter.session import claim_files as claim_files

__getattr__, __dir__ = lazy_exports(__name__, __file__)
