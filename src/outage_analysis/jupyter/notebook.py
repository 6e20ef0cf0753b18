"""Find a notebook, read it, set the values in its cell that is tagged `parameters`, and run it.

It runs in a kernel of the current Python, without the user's IPython profile.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import signal
import subprocess
import threading
import tomllib
import warnings
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

from outage_analysis import errors
from outage_analysis.errors import EnvironmentFailed, OutageAnalysisError, UsageError
from outage_analysis.files import is_file, notebooks_root, spelling_hint, temporary_folder
from outage_analysis.text import LANGUAGES, Note

SUFFIX = ".ipynb"
REQUIRED_PACKAGES = ("bleach", "nbformat", "nbclient", "nbconvert", "ipykernel")
REMEDY = 'Run: pip install "outage-analysis[notebooks]"'
REMOVE_TAG = "remove-cell"
"""Tag of cells that are for users of the notebook and not exported to pages."""


@dataclass(frozen=True)
class Notebook:
    """A Jupyter notebook: its name, cells and metadata."""

    name: str
    cells: list[Any] = field(repr=False)
    """The cells as nbformat objects."""
    metadata: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def parameters(self) -> str | None:
        """The source of the cell tagged `parameters`; None if no cell has the tag."""
        return next((cell.source for cell in self.cells if is_parameters(cell)), None)


def is_parameters(cell: Any) -> bool:  # noqa: ANN401 - nbformat ships no types
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
    problem = "no such file" if path.suffix == SUFFIX else "no such notebook"
    remedy = f"Give a bundled name or a path to a {SUFFIX} file. {spelling_hint(text, notebook_names())}"
    raise UsageError(problem, file=text, remedy=remedy)


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
    return Notebook(path.stem, node.cells, {"kernelspec": {"name": "python3", "display_name": "Python 3"}})


NOTHING = ("None", "none", "null")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
DAY_CALL = re.compile(r"((datetime\.)?date)(\.fromisoformat)?")
"""Calls in a notebook that create a date."""
EXPECTED: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number, such as 300_000_000"),
    float: ((int, float), "a number, such as 0.05"),
    list: ((list, tuple), 'a list, such as ["a", "b"]'),
    tuple: ((list, tuple), 'a list, such as ["a", "b"]'),
}
"""Type of a notebook's own value -> the types of a new value, and their description in an error message."""


@dataclass(frozen=True)
class FilledParameters:
    """The parameters cell of a notebook, filled with the values of one run."""

    executed: str | None = None
    """Source of the cell as it runs, with absolute paths of files; None if there is no such cell."""
    displayed: str | None = None
    """Source of the cell for a page, with file names without folders, which would reveal the machine."""
    values: dict[str, str] = field(default_factory=dict)
    """The values that the user set, as the page prints them."""


def fill_parameters(
    notebook: Notebook, texts: Mapping[str, str], lang: str | None = None
) -> FilledParameters:
    """Put the values of a run into the parameters cell of a notebook.

    Args:
        notebook: the notebook.
        texts: the values as text, by parameter name. A value must have the type of the notebook's own value
            (integer, number, boolean, day, text, list). The text `None` sets the parameter to None. If the
            notebook's own value is None, the text is read as a Python or TOML value or, if it is neither,
            kept as text. Relative paths start in the working folder.
        lang: value for the parameter `lang`, if the notebook has one.

    Raises:
        UsageError: the notebook has no such parameter, a value has the wrong type, or `lang` contradicts the
            parameter `lang`.
    """
    source = notebook.parameters
    defaults = {} if source is None else _assigned_expressions(source)
    wanted = dict(texts)
    if lang is not None and "lang" in defaults and wanted.setdefault("lang", lang) != lang:
        raise UsageError("--lang and the parameter lang differ", value=f"{lang}, {wanted['lang']}")
    executed, displayed, values = {}, {}, {}
    for name, text in sorted(wanted.items()):
        if name not in defaults:
            hint = spelling_hint(name, list(defaults))
            known = "" if hint.startswith("Known") else f" Known: {', '.join(defaults)}."
            remedy = f"{hint}{known}" if defaults else "It has no cell with the tag parameters."
            raise UsageError(f"{notebook.name} has no parameter of that name", value=name, remedy=remedy)
        default = defaults[name]
        value = None if text.strip() in NOTHING else _parse_value(name, text, default)
        shown = _change_paths(value, lambda path: path.name)
        executed[default] = _python_source(_change_paths(value, Path.absolute), default)
        displayed[default] = _python_source(shown, default)
        if name in texts:
            values[name] = text if shown == value else str(shown)
    if source is None:
        return FilledParameters()
    return FilledParameters(
        _replace_expressions(source, executed), _replace_expressions(source, displayed), values
    )


def notebook_language(notebook: Notebook, filled: FilledParameters) -> str:
    """Return the value of a notebook's parameter `lang`; en if the notebook has no such parameter."""
    default = _assigned_expressions(filled.executed or notebook.parameters or "").get("lang")
    lang = default.value if isinstance(default, ast.Constant) else None
    return lang if isinstance(lang, str) and lang in LANGUAGES else LANGUAGES[0]


def replace_values(source: str, values: Mapping[str, object]) -> str:
    """Replace parameter values in the source of a parameters cell; relative paths stay relative.

    Names to which the cell assigns no value are ignored. Comments and layout do not change.
    """
    nodes = _assigned_expressions(source)
    return _replace_expressions(
        source, {nodes[name]: _literal(v) for name, v in values.items() if name in nodes}
    )


def _literal(value: object) -> str:
    """Write a value as a Python literal, in the style of the bundled notebooks."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return f"{value:_}" if type(value) is int else repr(value)


def _assigned_expressions(source: str) -> dict[str, ast.expr]:
    """Return the names to which a cell assigns values, each with the expression of its value."""
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        problem = "the notebook's cell of parameters is not valid Python"
        raise UsageError(problem, line=error.lineno, remedy="Run the notebook in JupyterLab.") from error
    expressions: dict[str, ast.expr] = {}
    for statement in body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign):
            target = statement.target
        else:
            continue
        if isinstance(target, ast.Name) and statement.value is not None:
            expressions[target.id] = statement.value
    return expressions


def _replace_expressions(source: str, values: Mapping[ast.expr, str]) -> str:
    """Replace Python expressions in a source by the texts in `values`; all other text stays unchanged."""
    whole = source.encode()  # The columns of a syntax tree count bytes.
    starts = [0, *accumulate(map(len, whole.splitlines(keepends=True)))]
    for node in sorted(values, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        whole = whole[:start] + values[node].encode() + whole[end:]
    return whole.decode()


def _parse_value(name: str, text: str, default: ast.expr) -> object:
    """Parse a text as a value of the same type as the value that the notebook assigns to the parameter."""
    read = _parse_literal(text)
    if _day_class(default):
        return _parse_day(name, text)
    try:
        own: Any = ast.literal_eval(default)
    except ValueError:
        return read
    if own is None:
        return read
    if isinstance(own, str):
        string = read if isinstance(read, str) else text
        return _parse_day(name, string).isoformat() if DAY.fullmatch(own) else string
    if isinstance(own, float) and text.strip().endswith("%"):  # The text 5% means 0.05.
        read = _parse_literal(text.strip().removesuffix("%"))
        read = read / 100 if type(read) in (int, float) else text
    kinds, description = EXPECTED.get(type(own), ((type(own),), f"a {type(own).__name__}"))
    if type(read) not in kinds:  # Unlike isinstance, this does not accept True as an int.
        raise UsageError(f"the parameter {name} is not {description}", value=text)
    return type(own)(read)


def _parse_literal(text: str) -> Any:  # noqa: ANN401 - what a user wrote
    """Parse a text as a Python literal or a TOML value; return the text if it is neither."""
    for parse in (ast.literal_eval, lambda toml: tomllib.loads(f"value = {toml}")["value"]):
        try:
            # TOML has days and infinite numbers. They have no Python literal, so they stay text.
            return ast.literal_eval(repr(parse(text.strip())))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return text


def _parse_day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        problem = f"the parameter {name} is not a day, such as 2022-12-30"
        raise UsageError(problem, value=text) from None


def _python_source(value: object, default: ast.expr) -> str:
    return f"{_day_class(default)}.fromisoformat('{value}')" if isinstance(value, date) else repr(value)


def _day_class(default: ast.expr) -> str:
    """Return the name of the class date in a call that creates a date; empty for another expression."""
    call = DAY_CALL.fullmatch(ast.unparse(default.func)) if isinstance(default, ast.Call) else None
    return call[1] if call else ""


def _change_paths(value: object, change: Callable[[Path], Path | str]) -> object:
    """Change each path in a value: an existing file or folder, or a glob pattern, but no id."""
    if isinstance(value, list | tuple):
        return type(value)(_change_paths(item, change) for item in value)
    if not isinstance(value, str):
        return value
    path = Path(value)
    if not (path.suffix or len(path.parts) > 1):
        return value
    try:
        return str(change(path)) if path.exists() or "*" in path.name else value
    except (OSError, ValueError):
        return value


ENVIRONMENT = {"PYTHONHASHSEED": "0", "TZ": "UTC"}
"""Environment variables that make the output independent of the machine."""
PAUSE = 0.2
"""Seconds between checks for an interrupt, which does not wake a waiting main thread by itself."""


def execute(
    notebook: Notebook,
    parameters: FilledParameters | None = None,
    progress: Callable[[str], None] = lambda _: None,
    *,
    folder: Path | None = None,
) -> Notebook:
    """Execute all cells of a notebook in order.

    Args:
        notebook: the notebook as it is stored.
        parameters: the parameters cell with the values of this run; by default it stays as it is.
        progress: called with a short message when a cell starts.
        folder: the working folder of the kernel; by default a temporary folder, which is deleted.

    Returns:
        The notebook with its outputs. Paths in its parameters cell are reduced to file names.

    Raises:
        OutageAnalysisError: a cell failed. If this package raised the error, the exception keeps its class.
        EnvironmentFailed: the kernel did not start, or it died.
        KeyboardInterrupt, SystemExit: the run was interrupted; the kernel is already shut down.
    """
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    cells = deepcopy(notebook.cells)
    node = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {"cells": cells, "metadata": notebook.metadata, "nbformat": 4, "nbformat_minor": 5}
    )
    filled = parameters or FilledParameters()
    _set_parameters(node, filled.executed)
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
            _run_in_thread(_execute_cells(client, env=environment, stderr=subprocess.DEVNULL))
        except CellExecutionError as error:
            known = getattr(errors, error.ename, None)
            if isinstance(known, type) and issubclass(known, OutageAnalysisError):
                raise known(f"{started[-1]}: {error.evalue}", file=notebook.name) from None
            problem = f"{started[-1]}: {error.ename}: {error.evalue.strip()}"
            remedy = "Run it in JupyterLab to see where."
            raise OutageAnalysisError(problem, file=notebook.name, remedy=remedy) from None
        except (DeadKernelError, NoSuchKernel, RuntimeError) as error:
            problem = f"{started[-1]}: the kernel ended" if started else "the kernel did not start"
            beside = "Rename any file beside it that has the name of a Python or Jupyter module."
            remedy = "Check the cell and the free memory." if started else beside
            raise EnvironmentFailed(problem, file=notebook.name, remedy=remedy) from error
    _set_parameters(node, filled.displayed)
    return Notebook(notebook.name, node.cells, notebook.metadata)


def _set_parameters(node: Any, source: str | None) -> None:  # noqa: ANN401 - nbformat ships no types
    """Replace the source of the parameters cell; if the new source is None, leave the cell unchanged."""
    if source is not None:
        next(cell for cell in node.cells if is_parameters(cell)).source = source


async def _execute_cells(client: Any, **kernel: object) -> None:  # noqa: ANN401 - an nbclient type, imported late
    manager = client.km
    try:
        # If nbclient started the kernel itself, it would leave the kernel running after an early interrupt.
        await client.async_start_new_kernel(**kernel)
        await client.async_start_new_kernel_client()
        await client.async_execute()
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)


def _run_in_thread(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a thread, because the current thread may run an event loop, as in Jupyter."""
    runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
    loop = runner.get_loop()
    task = loop.create_task(work)

    def run_task() -> None:
        with runner:  # On exit, it cancels what is left and closes the loop.
            loop.run_until_complete(task)

    with _sigterm_raises(), ThreadPoolExecutor(1) as pool:
        done = pool.submit(run_task)
        try:
            while not wait([done], timeout=PAUSE).done:
                pass
        except BaseException:
            with suppress(RuntimeError):  # The loop is closed if the task has just ended.
                loop.call_soon_threadsafe(task.cancel)
            raise
    done.result()


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    # Turn SIGTERM into SystemExit, so that clean-up code runs as it does on Ctrl-C.
    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # only the main thread can handle signals
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
