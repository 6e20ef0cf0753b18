"""A notebook as a report: executed with parameters, and exported as a page that opens offline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from outage_analysis.errors import UsageError
from outage_analysis.files import file_in_place
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
    """Execute a notebook and write its page; the same notebook and parameters give the same bytes.

    A notebook of one's own runs in the folder that it lies in, as in JupyterLab: relative paths in it start
    there. Paths among the parameters given start in the working folder.

    Args:
        name_or_path: a bundled notebook by name, or the path of one.
        out: the page to write; by default the notebook's name with .html, in the working folder. It
            appears only when all of it is written.
        parameters: texts in place of the values in the cell tagged `parameters`.
        lang: en or ko; it is also the parameter `lang` of a notebook that has one.
        code: whether the page has the code of the cells, folded.
        force: replace a page that is there.
        progress: called with a word on each step as it starts.

    Returns:
        The path of the page.

    Raises:
        UsageError: no such notebook, parameter or language, or a page that may not be replaced.
        OutageAnalysisError: a cell failed; where an error of this package was the cause, that error's class.
        EnvironmentFailed: no kernel could run, or the disk refused.
    """
    if lang is not None and lang not in LANGUAGES:
        raise UsageError("no such language", value=lang, remedy="Known: " + ", ".join(LANGUAGES))
    file = find_notebook(name_or_path)
    notebook = read_notebook(file)
    folder = None if str(name_or_path) in notebook_names() else file.parent.absolute()
    given = fill_parameters(notebook, dict(parameters or {}), lang)
    page = Path(out) if out is not None else Path(f"{notebook.name}.html")
    _refuse_target(page, force=force)
    lang = lang or notebook_language(notebook, given)
    text = _exported(notebook, given, lang, progress, code=code, folder=folder)
    with file_in_place(page, parents=True) as part:
        part.write_text(text, "utf-8", newline="\n")
    return page


def _exported(
    notebook: Notebook,
    given: FilledParameters,
    lang: str,
    progress: Callable[[str], None],
    *,
    code: bool,
    folder: Path | None,
) -> str:
    from outage_analysis.jupyter.export.execution import execute
    from outage_analysis.jupyter.export.page import PageOptions, notebook_page

    done = execute(notebook, given, progress, folder=folder)
    progress("writing the page")
    return notebook_page(done, PageOptions(notebook.name, lang, given.told, code=code))


def _refuse_target(page: Path, *, force: bool) -> None:
    """Refuse before anything runs what could not be written after."""
    if page.suffix not in (".html", ".htm"):
        raise UsageError("is not named .html", file=page, remedy="Choose another --out.")
    if page.is_dir():
        raise UsageError("is a folder", file=page, remedy="Choose another --out.")
    if page.exists() and not force:
        raise UsageError("exists already", file=page, remedy="Add --force to replace it.")
