"""Find notebooks by name or path, read them, and reject files that cannot be run."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import is_file, notebooks_root, spelling_hint

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
