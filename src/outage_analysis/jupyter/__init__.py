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
    from outage_analysis.jupyter.display import (
        note,
        refusals_as_notes,
        show,
        show_answers,
        show_grid,
        show_section_text,
        show_table,
        show_tiles,
        show_what_if,
    )
    from outage_analysis.jupyter.export.page import run_notebook
    from outage_analysis.jupyter.projects.laboratory import open_lab
    from outage_analysis.jupyter.projects.project import MAX_PATH_LENGTH, new_project, shell_path
    from outage_analysis.jupyter.session import claim_files

__getattr__, __dir__ = lazy_exports(__name__, __file__)
