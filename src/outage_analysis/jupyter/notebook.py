"""Run a notebook with parameters, and export it as one offline page with a strict Content-Security-Policy.

A notebook runs in a kernel of the current Python, without the user's IPython profile. Its page runs only this
package's own scripts: Vega, the sliders, and the scripts with their data. It drops other scripts and all HTML
that could load something, send something or hide parts of the page. Code is folded or left out. Execution
counts, times and cell ids are left out, and so is stderr, which can name files of the machine.
"""

from __future__ import annotations

import ast
import asyncio
import atexit
import os
import re
import subprocess
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from outage_analysis import errors, reports
from outage_analysis.errors import EnvironmentFailed, OutageAnalysisError, UsageError
from outage_analysis.files import atomic_file, is_file, notebooks_root, spelling_hint, temporary_folder
from outage_analysis.text import LANGUAGES, Locale, Note, fonts

SUFFIX = ".ipynb"
REQUIRED_PACKAGES = ("bleach", "nbformat", "nbclient", "nbconvert", "ipykernel")
REMEDY = 'Run: pip install "outage-analysis[notebooks]"'
DISPLAY_TYPES = [
    "text/html",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/markdown",
    "text/latex",
    "text/plain",
]
"""MIME types of outputs that a page shows, in order of preference."""
ELEMENTS = """a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure
h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span strong sub summary sup
table tbody td tfoot th thead time tr u ul var wbr
button fieldset input label legend output
svg g circle clipPath defs ellipse line linearGradient marker path pattern polygon polyline
radialGradient rect stop text tspan"""
TAGS = frozenset(ELEMENTS.split())
"""Elements that outputs may contain: no form, frame, object or element of the page's head."""
ALLOWED_URLS = {
    "href": re.compile(r"https?://|mailto:|[^:&]*$"),
    "src": re.compile("data:image/(png|jpeg|gif|webp|svg[+]xml);base64,"),
}
"""Allowed values of link attributes: an ordinary link, or an image embedded in the page."""
FORBIDDEN_ATTRIBUTES = re.compile("on|style$|form|srcset$", re.IGNORECASE)
"""Attributes that could run code or send data, or that the Content-Security-Policy blocks."""
SCRIPT_OR_STYLE = re.compile(r"<(script|style)\b[^<>]*>(.*?)(</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
"""A script or style sheet. Without an end tag, it extends to the end of the text, as in a browser."""


@dataclass(frozen=True)
class Notebook:
    """A Jupyter notebook: its name, and its cells as nbformat objects."""

    name: str
    cells: list[Any] = field(repr=False)

    @property
    def parameters(self) -> str:
        """The source of the cell tagged `parameters`; empty if no cell has the tag."""
        return next((cell.source for cell in self.cells if _is_parameters(cell)), "")


def _is_parameters(cell: Any) -> bool:  # noqa: ANN401 - nbformat ships no types
    """Whether a cell has the tag `parameters`, so that a run may replace its values."""
    return cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", ())


def notebook_names() -> list[str]:
    """Return the names of the bundled notebooks, sorted; translations such as `01_claims.ko` are left out.

    Only names that start with two digits are included, because the folder may contain other notebooks in a
    checkout of the repository.
    """
    return sorted(p.stem for p in notebooks_root().glob(f"[0-9][0-9]_*{SUFFIX}") if "." not in p.stem)


def bundled_notebook(name: str, lang: str | None = None) -> Path:
    """Return the file of a bundled notebook: its translation into `lang` if there is one."""
    translated = notebooks_root() / f"{name}.{lang}{SUFFIX}"
    return translated if lang and is_file(translated) else notebooks_root() / f"{name}{SUFFIX}"


def find_notebook(name_or_path: str | Path, lang: str | None = None) -> Path:
    """Return the file of a bundled notebook by name, or of any notebook by path.

    Args:
        name_or_path: the name or the path.
        lang: the language of the prose; bundled notebooks without a translation into it are in English.

    Raises:
        UsageError: the argument is neither the name of a bundled notebook nor an existing file.
    """
    text = str(name_or_path)
    if re.fullmatch(r"[\w-]+(\.[a-z]{2})?", text):
        bundled = bundled_notebook(text, lang)
        if is_file(bundled):
            return bundled
    path = Path(text)
    if path.suffix == SUFFIX and is_file(path):
        return path
    remedy = f"Give a bundled name or a path to a {SUFFIX} file. {spelling_hint(text, notebook_names())}"
    raise UsageError("no such notebook", file=text, remedy=remedy)


def read_notebook(path: Path) -> Notebook:
    """Read a notebook of any version that nbformat supports.

    Raises:
        UsageError: the file is not a notebook, or its language is not Python.
        EnvironmentFailed: the `notebooks` extra is not installed.
    """
    missing = [name for name in REQUIRED_PACKAGES if find_spec(name) is None]
    if missing:
        raise EnvironmentFailed(f"{', '.join(missing)} is not installed", remedy=REMEDY)
    import nbformat

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pages need no cell ids, so ignore warnings about them.
        try:
            node = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
            nbformat.validate(node)
        except (nbformat.ValidationError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise UsageError("is not a notebook", file=path, remedy="Save it again in JupyterLab.") from error
        except OSError as error:
            raise EnvironmentFailed(f"cannot be read: {error.strerror}", file=path) from error
    kernel = node.metadata.get("kernelspec", {}).get("language") or node.metadata.get(
        "language_info", {}
    ).get("name", "python")
    if kernel != "python":
        raise UsageError("is a notebook in a language other than Python", file=path, value=kernel)
    return Notebook(path.stem, node.cells)


PARAMETER = re.compile(r"^(\w+)(: *\w+)? = (.+?)(  #.*)?$", re.MULTILINE)
"""A line of a parameters cell: NAME = VALUE, perhaps with a type and a comment."""
LITERALS = {"true": "True", "false": "False", "none": "None", "null": "None"}
"""Words for values -> Python's."""


def fill_parameters(
    notebook: Notebook, texts: Mapping[str, str], lang: str | None = None
) -> dict[str, object]:
    """Return the values of a run for the parameters of a notebook.

    Args:
        notebook: the notebook.
        texts: the values as text, by parameter name. A value must have the type of the notebook's own value
            (integer, number, boolean, text, list). The text `None` sets the parameter to None. If the
            notebook's own value is None, the text is read as a Python value or, if it is none, kept as text.
        lang: value for the parameter `lang`, if the notebook has one.

    Raises:
        UsageError: the notebook has no such parameter, a value has the wrong type, or `lang` contradicts the
            parameter `lang`.
    """
    defaults = _parameters(notebook.parameters)
    wanted = dict(texts)
    if lang is not None and "lang" in defaults and wanted.setdefault("lang", lang) != lang:
        raise UsageError("--lang and the parameter lang differ", value=f"{lang}, {wanted['lang']}")
    if unknown := sorted(wanted.keys() - defaults.keys()):
        hint = spelling_hint(unknown[0], list(defaults))
        remedy = hint if defaults else "It has no cell with the tag parameters."
        raise UsageError(f"{notebook.name} has no parameter of that name", value=unknown[0], remedy=remedy)
    return {name: _parse_value(name, text, defaults[name]) for name, text in wanted.items()}


def notebook_language(notebook: Notebook, values: Mapping[str, object]) -> str:
    """Return the value of a notebook's parameter `lang`; en if the notebook has no such parameter."""
    lang = {**_parameters(notebook.parameters), **values}.get("lang")
    return lang if isinstance(lang, str) and lang in LANGUAGES else LANGUAGES[0]


def replace_values(source: str, values: Mapping[str, object]) -> str:
    """Replace values in the source of a parameters cell; comments and all other lines stay as they are."""

    def line(match: re.Match[str]) -> str:
        name, kind, _, comment = match.groups(default="")
        return f"{name}{kind} = {_literal(values[name])}{comment}" if name in values else match[0]

    return PARAMETER.sub(line, source)


def shown_values(values: Mapping[str, object]) -> dict[str, object]:
    """Return values as a page shows them: files without their folders, which would reveal the machine."""
    return {name: _change_paths(value, lambda path: path.name) for name, value in values.items()}


def _parameters(source: str) -> dict[str, object]:
    defaults = {}
    for name, _, value, _ in PARAMETER.findall(source):
        with suppress(ValueError, SyntaxError):  # a value that the notebook computes is no parameter
            defaults[name] = ast.literal_eval(value)
    return defaults


def _literal(value: object) -> str:
    return f"{value:_}" if type(value) is int else repr(value)


def _parse_value(name: str, text: str, own: object) -> object:
    """Parse a text as a value of the same type as the notebook's own value of the parameter."""
    word, percent = text.strip(), isinstance(own, float) and text.endswith("%")
    read: Any = text
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        read = ast.literal_eval(LITERALS.get(word, word.removesuffix("%") if percent else word))
    if own is None or read is None:
        return read
    if isinstance(own, str):
        return read if isinstance(read, str) else text
    if isinstance(own, float) and type(read) in (int, float):
        return read / 100 if percent else float(read)
    if type(read) is not type(own):  # Unlike isinstance, this does not accept True as an int.
        problem = f"the parameter {name} takes another type of value"
        raise UsageError(problem, value=text, remedy=f"Write it like the value in the notebook: {own!r}.")
    return read


def _change_paths(value: object, change: Callable[[Path], Path | str]) -> object:
    """Change each path in a value: an existing file or folder, or a glob pattern, but no id."""
    if isinstance(value, list):
        return [_change_paths(item, change) for item in value]
    if not isinstance(value, str) or not (Path(value).suffix or len(Path(value).parts) > 1):
        return value
    try:
        return str(change(Path(value))) if Path(value).exists() or "*" in Path(value).name else value
    except (OSError, ValueError):
        return value


ENVIRONMENT = {"PYTHONHASHSEED": "0", "TZ": "UTC"}
"""Environment variables that make the output independent of the machine."""
PAUSE = 0.2
"""Seconds between checks for an interrupt, which does not wake a waiting main thread by itself."""


def execute(
    notebook: Notebook,
    values: Mapping[str, object] | None = None,
    progress: Callable[[str], None] = lambda _: None,
    *,
    folder: Path | None = None,
) -> Notebook:
    """Execute all cells of a notebook in order.

    Args:
        notebook: the notebook as it is stored.
        values: values for parameters of the notebook; relative paths start in the working folder.
        progress: called with a short message when a cell starts.
        folder: the working folder of the kernel; by default a temporary folder, which is deleted.

    Returns:
        The notebook with its outputs. Paths in its parameters cell are reduced to file names.

    Raises:
        OutageAnalysisError: a cell failed. If this package raised the error, the exception keeps its class.
        EnvironmentFailed: the kernel did not start, or it died.
        KeyboardInterrupt, SystemExit: the run was interrupted; the kernel is already shut down.
    """
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    values, cells = values or {}, deepcopy(notebook.cells)
    node = _node(cells)
    parameters = next(filter(_is_parameters, node.cells), None)
    source = notebook.parameters
    if parameters:
        full_paths = {name: _change_paths(value, Path.absolute) for name, value in values.items()}
        parameters.source = replace_values(source, full_paths)
    count = sum(cell.cell_type == "code" for cell in cells)
    started: list[str] = []

    def report_start(cell: Any, cell_index: int) -> None:  # noqa: ANN401, ARG001 - nbclient names them
        started.append(f"code cell {len(started) + 1} ({cell.get('id', '')})")
        progress(Note("step_cell", number=str(len(started)), cells=str(count)))

    with temporary_folder() as own:
        # With an empty list of kernel folders, only the ipykernel of the current Python is available.
        manager = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
        client = NotebookClient(
            node,
            km=manager,
            timeout=None,
            record_timing=False,
            store_widget_state=False,
            resources={"metadata": {"path": str(folder or own)}},
            on_cell_execute=report_start,
        )
        environment = {**os.environ, **ENVIRONMENT, "IPYTHONDIR": str(own / ".ipython")}
        try:
            _execute_in_thread(client, env=environment, stderr=subprocess.DEVNULL)
        except CellExecutionError as error:
            known = getattr(errors, error.ename, None)
            if isinstance(known, type) and issubclass(known, OutageAnalysisError):
                raise known(f"{started[-1]}: {error.evalue}", file=notebook.name) from None
            raise OutageAnalysisError(
                f"{started[-1]}: {error.ename}: {error.evalue.strip()}",
                file=notebook.name,
                remedy="Run it in JupyterLab to see where.",
            ) from None
        except (DeadKernelError, NoSuchKernel, RuntimeError) as error:
            raise EnvironmentFailed(
                f"{started[-1]}: the kernel ended" if started else "the kernel did not start",
                file=notebook.name,
                remedy="Check the cell and the free memory."
                if started
                else "Rename any file beside it that has the name of a Python or Jupyter module.",
            ) from error
    if parameters:
        parameters.source = replace_values(source, shown_values(values))
    return Notebook(notebook.name, node.cells)


def _node(cells: list[Any]) -> Any:  # noqa: ANN401 - nbformat ships no types
    import nbformat

    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    parts = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    return nbformat.from_dict(parts)  # type: ignore[no-untyped-call]


def _execute_in_thread(client: Any, **kernel: object) -> None:  # noqa: ANN401 - an nbclient type, imported late
    """Execute a notebook in a thread, because the current one may run an event loop, as in Jupyter."""
    manager = client.km

    def run() -> None:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(client.async_execute(cleanup_kc=True, **kernel))

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run)
        try:
            while not wait([done], timeout=PAUSE).done:
                pass
        except BaseException:
            while not wait([done], timeout=PAUSE).done:  # Without a kernel, nbclient ends by itself.
                if manager.provisioner and manager.provisioner.process:
                    manager.provisioner.process.kill()
            raise
        finally:  # nbclient keeps it if the kernel did not start
            atexit.unregister(client._cleanup_kernel)  # noqa: SLF001
    done.result()


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
        name_or_path: the name of a bundled notebook, or a path. A bundled notebook is taken in the language
            of the page, if it is translated.
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
    Locale("en" if lang is None else lang)  # This refuses an unknown language.
    prose = lang or (parameters or {}).get("lang", "").strip("\"'")
    file = find_notebook(name_or_path, prose)
    bundled = file.parent == notebooks_root() and file != Path(name_or_path)
    notebook = read_notebook(file)
    if bundled:
        notebook = replace(notebook, name=str(name_or_path))
    values = fill_parameters(notebook, parameters or {}, lang)
    page = Path(out) if out is not None else Path(f"{notebook.name}.html")
    if page.suffix not in (".html", ".htm"):
        raise UsageError("is not named .html", file=page, remedy="Choose another --out.")
    if page.is_dir() or (page.exists() and not force):
        raise UsageError(
            "exists already", file=page, remedy="Choose another --out, or replace a file with --force."
        )
    executed = execute(notebook, values, progress, folder=None if bundled else file.parent.absolute())
    progress(Note("step_writing_the_page"))
    lang = lang or notebook_language(notebook, values)
    given = shown_values({name: values[name] for name in parameters or {}})
    text = notebook_page(executed, lang, given, code=code)
    with atomic_file(page, parents=True) as part:
        part.write_text(text, "utf-8", newline="\n")
    return page


def notebook_page(
    notebook: Notebook, lang: str, parameters: Mapping[str, object] | None = None, *, code: bool = False
) -> str:
    """Return the HTML page of an executed notebook. The same notebook always gives the same text.

    Args:
        notebook: the executed notebook.
        lang: language of the outputs and of the page's own text, en or ko.
        parameters: the parameters that the user set, as text.
        code: whether the page contains the code of the cells, folded.
    """
    from nbconvert.exporters.templateexporter import TemplateExporter
    from traitlets.config import Config

    from outage_analysis import charts

    # Cells with this tag are for users of the notebook and not exported to pages.
    exported = [cell for cell in notebook.cells if "remove-cell" not in cell.metadata.get("tags", ())]
    exporter = TemplateExporter(  # type: ignore[no-untyped-call]
        template_name="page_template",
        template_file="index.html.j2",
        extra_template_basedirs=[str(files(__package__))],
        exclude_input=not code,
        exclude_raw=True,
        config=Config({"NbConvertBase": {"display_data_priority": DISPLAY_TYPES}}),
        filters={"prose": _prose, "cleaned": sanitized_html},
    )
    prose = "\n".join(cell.source for cell in exported if cell.cell_type == "markdown")
    heading = re.search(r"^#+\s+(.+)$", prose, re.MULTILINE)
    locale, name = Locale(lang), fonts.printable(notebook.name)
    colophon = locale("notebook.colophon", name=name, version=version("outage-analysis"))
    if parameters:
        given = ", ".join(f"{key} = {fonts.printable(str(value))}" for key, value in parameters.items())
        colophon += f" {locale('notebook.given', parameters=given)}"
    resources: dict[str, Any] = {
        "locale": locale,
        "title": re.sub(r"[*_`]", "", heading[1]).strip() if heading else notebook.name,
        "prose": "ko" if heading and re.search("[가-힣]", heading[1]) else "en",
        "lang": lang,
        "colophon": colophon,
    }
    text, _ = exporter.from_notebook_node(_node(exported), resources={"outage": resources})
    page_style = (files(__package__) / "page_template" / "page.css").read_text("utf-8")
    scripts = [
        s for s in re.findall(r"<script>(.*?)</script>", text, re.DOTALL) if charts.is_package_script(s)
    ]
    page_style = reports.template_text("report.css") + page_style
    return reports.finished_page(text, page_style, scripts, output_style=charts.STYLE)


def _prose(source: str) -> str:
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return sanitized_html(str(MarkdownWithMath(renderer=renderer).render(source)))


def sanitized_html(markup: str) -> str:
    """Remove unsafe elements and attributes from HTML, but keep the scripts and styles of this package."""
    from outage_analysis import charts

    safe, start = [], 0
    for element in SCRIPT_OR_STYLE.finditer(markup):
        inside = element[2]
        own_style = element[0] == f"<style>{inside}</style>" and inside == charts.STYLE
        own_script = element[0] == f"<script>{inside}</script>" and charts.is_package_script(inside)
        if own_style or own_script:
            safe += [_clean_markup(markup[start : element.start()]), element[0]]
            start = element.end()
    return "".join([*safe, _clean_markup(markup[start:])])


def _clean_markup(markup: str) -> str:
    from bleach import clean  # type: ignore[import-untyped]

    def is_allowed(_tag: str, name: str, value: str) -> bool:
        url = ALLOWED_URLS.get(name)
        return bool(url.match(value)) if url else not FORBIDDEN_ATTRIBUTES.match(name)

    text = SCRIPT_OR_STYLE.sub("", markup)
    return str(
        clean(
            text, tags=TAGS, attributes=is_allowed, protocols=["http", "https", "mailto", "data"], strip=True
        )
    )
