"""Find a notebook, read it, set the values in its cell that is tagged `parameters`, and run it.

It runs in a kernel of the current Python, without the user's IPython profile.
"""

from __future__ import annotations

import ast
import asyncio
import atexit
import json
import os
import re
import subprocess
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from importlib.util import find_spec
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
    def parameters(self) -> str:
        """The source of the cell tagged `parameters`; empty if no cell has the tag."""
        return next((cell.source for cell in self.cells if is_parameters(cell)), "")


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


PARAMETER = re.compile(r"^(\w+)(: *\w+)? = (.+?)(  #.*)?$", re.MULTILINE)
"""A line of a parameters cell: NAME = VALUE, perhaps with a type and a comment."""
WORDS = {"true": True, "false": False, "None": None, "none": None, "null": None}
EXPECTED: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number, such as 300_000_000"),
    float: ((int, float), "a number, such as 0.05"),
    list: ((list, tuple), 'a list, such as ["a", "b"]'),
}
"""Type of a notebook's own value -> the types of a new value, and their description in an error message."""


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
        known = "" if hint.startswith("Known") else f" Known: {', '.join(defaults)}."
        remedy = f"{hint}{known}" if defaults else "It has no cell with the tag parameters."
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
    """Write a value as a Python literal, in the style of the bundled notebooks."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return f"{value:_}" if type(value) is int else repr(value)


def _parse_value(name: str, text: str, own: object) -> object:
    """Parse a text as a value of the same type as the notebook's own value of the parameter."""
    word, percent = text.strip(), isinstance(own, float) and text.endswith("%")
    read: Any = WORDS.get(word, text)
    if read is None:
        return None
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        read = ast.literal_eval(word.removesuffix("%") if percent else word)
    if isinstance(own, str):
        return read if isinstance(read, str) else text
    if own is None:
        return read
    kinds, description = EXPECTED.get(type(own), ((type(own),), f"a {type(own).__name__}"))
    if type(read) not in kinds:  # Unlike isinstance, this does not accept True as an int.
        raise UsageError(f"the parameter {name} is not {description}", value=text)
    return read / 100 if percent else type(own)(read)  # type: ignore[call-arg] # one of EXPECTED


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
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    values, cells = values or {}, deepcopy(notebook.cells)
    node = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {"cells": cells, "metadata": notebook.metadata, "nbformat": 4, "nbformat_minor": 5}
    )
    parameters = next(filter(is_parameters, node.cells), None)
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
            problem = f"{started[-1]}: {error.ename}: {error.evalue.strip()}"
            remedy = "Run it in JupyterLab to see where."
            raise OutageAnalysisError(problem, file=notebook.name, remedy=remedy) from None
        except (DeadKernelError, NoSuchKernel, RuntimeError) as error:
            problem = f"{started[-1]}: the kernel ended" if started else "the kernel did not start"
            beside = "Rename any file beside it that has the name of a Python or Jupyter module."
            remedy = "Check the cell and the free memory." if started else beside
            raise EnvironmentFailed(problem, file=notebook.name, remedy=remedy) from error
    if parameters:
        parameters.source = replace_values(source, shown_values(values))
    return Notebook(notebook.name, node.cells, notebook.metadata)


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
