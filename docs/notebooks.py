"""Executes the notebooks of notebooks/ and saves them with their outputs. Run by `make notebooks`.

A code host then shows them as finished pages. The same package gives the same files.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from outage_analysis.charts import STYLE, script_bundle
from outage_analysis.files import notebooks_root
from outage_analysis.jupyter.notebook import Notebook, execute, read_notebook

LANGUAGE = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
METADATA = {**LANGUAGE, "language_info": {"name": "python"}}
"""The metadata of a stored notebook: no version of Python and no name of a machine."""
AT_ONCE = 2
"""Notebooks that are executed at the same time."""


def stored_paths() -> list[Path]:
    """Return the bundled notebooks and their translations, sorted by name."""
    return sorted(notebooks_root().glob("[0-9][0-9]_*.ipynb"))


def executed_text(path: Path) -> str:
    """Execute a notebook in a temporary folder, and return the text of its file with the outputs."""
    import nbformat

    executed = execute(read_notebook(path))
    for cell in executed.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            _remove_bundle(output.get("data", {}))
    content = {"cells": executed.cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    text: str = nbformat.writes(nbformat.from_dict(content))  # type: ignore[no-untyped-call]
    return json.dumps(json.loads(text), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _remove_bundle(data: dict[str, Any]) -> None:
    """Remove the scripts that draw charts (900 kB) from an output; a run of the cell writes them again.

    A code host runs no script, and JupyterLab runs none of a notebook that somebody else has executed.
    """
    if "text/html" in data:
        data["text/html"] = data["text/html"].replace(script_bundle(), "")


def with_bundle(notebook: Notebook) -> Notebook:
    """Return a stored notebook with the styles and scripts of its charts, for a page of its own."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if data.get("text/html", "").startswith("<style>"):
                data["text/html"] = f"<style>{STYLE}</style>{script_bundle()}"
    return notebook


def _execute_and_save(path: Path) -> str:
    path.write_text(executed_text(path), "utf-8", newline="\n")
    return f"{path.name}: {path.stat().st_size / 1000:,.0f} kB\n"


if __name__ == "__main__":
    chosen = [path for path in stored_paths() if not sys.argv[1:] or path.stem in sys.argv[1:]]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sys.stdout.writelines(pool.map(_execute_and_save, chosen))
