"""Run a notebook with parameters and export it as one HTML page that opens offline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from outage_analysis.errors import UsageError
from outage_analysis.files import atomic_file
from outage_analysis.jupyter.export.notebook_files import (
    Notebook,
    find_notebook,
    notebook_names,
    read_notebook,
)
from outage_analysis.jupyter.export.parameters import FilledParameters, fill_parameters, notebook_language
from outage_analysis.text import LANGUAGES


def run_notebook(
    name_or_path: str | Path,
    out: str | Path | None = None,
    *,
    parameters: Mapping[str, str] | None = None,
    lang: str | None = None,
    code: bool = False,
    force: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """Run a notebook and write it as an HTML page. The same notebook and parameters give the same bytes.

    A notebook that is given by path runs in its own folder, as in JupyterLab, so relative paths in the
    notebook start in that folder. Relative paths in `parameters` start in the working folder.

    Args:
        name_or_path: the name of a bundled notebook, or a path.
        out: the page to write; by default the notebook's name with .html, in the working folder. The file
            appears only when it is complete.
        parameters: values as text, by parameter name; they replace the values in the cell tagged
            `parameters`.
        lang: en or ko. It also sets the parameter `lang`, if the notebook has one.
        code: whether the page contains the code of the cells, folded.
        force: overwrite an existing page.
        progress: called with a short message when a step starts.

    Returns:
        The path of the page.

    Raises:
        UsageError: unknown notebook, parameter or language, or the page exists and `force` is not set.
        OutageAnalysisError: a cell failed. If this package raised the error, the exception keeps its class.
        EnvironmentFailed: the kernel could not run, or the page could not be written.
    """
    if lang is not None and lang not in LANGUAGES:
        raise UsageError("no such language", value=lang, remedy="Known: " + ", ".join(LANGUAGES))
    file = find_notebook(name_or_path)
    notebook = read_notebook(file)
    folder = None if str(name_or_path) in notebook_names() else file.parent.absolute()
    filled = fill_parameters(notebook, dict(parameters or {}), lang)
    page = Path(out) if out is not None else Path(f"{notebook.name}.html")
    _check_target(page, force=force)
    lang = lang or notebook_language(notebook, filled)
    text = _run_and_export(notebook, filled, lang, progress, code=code, folder=folder)
    with atomic_file(page, parents=True) as part:
        part.write_text(text, "utf-8", newline="\n")
    return page


def _run_and_export(
    notebook: Notebook,
    filled: FilledParameters,
    lang: str,
    progress: Callable[[str], None],
    *,
    code: bool,
    folder: Path | None,
) -> str:
    from outage_analysis.jupyter.export.execution import execute
    from outage_analysis.jupyter.export.page import PageOptions, notebook_page

    executed = execute(notebook, filled, progress, folder=folder)
    progress("writing the page")
    return notebook_page(executed, PageOptions(notebook.name, lang, filled.values, code=code))


def _check_target(page: Path, *, force: bool) -> None:
    """Raise UsageError before the run if the page cannot be written to this path after the run."""
    if page.suffix not in (".html", ".htm"):
        raise UsageError("is not named .html", file=page, remedy="Choose another --out.")
    if page.is_dir():
        raise UsageError("is a folder", file=page, remedy="Choose another --out.")
    if page.exists() and not force:
        raise UsageError("exists already", file=page, remedy="Add --force to replace it.")
