"""Notebooks as they are stored: found by name or path, read, and refused where they cannot be run."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import is_file, nearest, notebooks_root

SUFFIX = ".ipynb"
REQUIRED_PACKAGES = ("bleach", "nbformat", "nbclient", "nbconvert", "ipykernel")
REMEDY = 'Run: pip install "outage-analysis[notebooks]"'
REMOVE_TAG = "remove-cell"
"""The tag of a cell that is for who works in the notebook and in no page."""


@dataclass(frozen=True)
class Notebook:
    """A notebook and what it is called."""

    name: str
    cells: list[Any] = field(repr=False)
    """Its cells as nbformat reads them."""
    metadata: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def parameters(self) -> str | None:
        """The source of the cell tagged `parameters`; None where no cell is."""
        return next((cell.source for cell in self.cells if is_parameters(cell)), None)


def is_parameters(cell: Any) -> bool:  # noqa: ANN401 - nbformat ships no types
    """Whether a cell is the one whose values a run may replace."""
    return cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", ())


def notebook_names() -> list[str]:
    """The bundled notebooks, sorted; in a checkout others of one's own may stand beside them."""
    return sorted(p.stem for p in notebooks_root().glob(f"[0-9][0-9]_*{SUFFIX}"))


def find_notebook(name_or_path: str | Path) -> Path:
    """The file of a bundled notebook, or of a path; a path serves wherever a name does.

    Raises:
        UsageError: neither a bundled name nor a file.
    """
    text = str(name_or_path)
    if re.fullmatch(r"[\w-]+", text):
        bundled = notebooks_root() / f"{text}{SUFFIX}"
        if is_file(bundled):
            return bundled
    path = Path(text)
    if path.suffix == SUFFIX and is_file(path):
        return path
    problem = "no such file" if path.suffix == SUFFIX else "no such notebook"
    remedy = f"Give a bundled name or a path to a {SUFFIX} file. {nearest(text, notebook_names())}"
    raise UsageError(problem, file=text, remedy=remedy)


def read_notebook(path: Path) -> Notebook:
    """A notebook of any version that nbformat knows.

    Raises:
        UsageError: the file is no notebook, or one in another language than Python.
        EnvironmentFailed: the notebooks extra is not installed.
    """
    lacking = [name for name in REQUIRED_PACKAGES if find_spec(name) is None]
    if lacking:
        raise EnvironmentFailed(f"{', '.join(lacking)} is not installed", remedy=REMEDY)
    import nbformat

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old notebooks lack ids, which no page shows
        try:
            node = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
            nbformat.validate(node)
        except (nbformat.ValidationError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise UsageError("is no notebook", file=path, remedy="Save it again in JupyterLab.") from error
        except OSError as error:
            raise EnvironmentFailed(f"cannot be read: {error.strerror}", file=path) from error
    kernel = node.metadata.get("kernelspec", {}).get("language") or node.metadata.get(
        "language_info", {}
    ).get("name", "python")
    if kernel != "python":
        raise UsageError("is a notebook in another language than Python", file=path, value=kernel)
    return Notebook(path.stem, node.cells, {"kernelspec": {"name": "python3", "display_name": "Python 3"}})
