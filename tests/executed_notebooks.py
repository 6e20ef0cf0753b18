"""Each bundled notebook after it ran with the answers to its exercises: once for all tests that read it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import notebooks

ANSWER = re.compile(r"<details><summary>(?:Answer|답)</summary>\n\n(.*?)\n</details>", re.DOTALL)
STRICT = "import warnings\nwarnings.simplefilter('error')\n"
"""A warning is an error."""


def answers(text: str) -> list[str]:
    """The blocks of Python in the answers of a cell of exercises."""
    found = (re.findall(r"```python\n(.*?)```", answer, re.DOTALL) for answer in ANSWER.findall(text))
    return [block for blocks in found for block in blocks]


def run_with_answers(path: Path, folder: Path) -> None:
    """Write a notebook into a folder after it ran, with a cell for each answer behind it."""
    stored = json.loads(path.read_text("utf-8"))["cells"]
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    first = next(n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells[first].source = STRICT + notebook.cells[first].source
    for number, source in enumerate(answers(notebook.cells[-1].source)):
        notebook.cells.append(nbformat.v4.new_code_cell(source, id=f"answer-{number}"))  # type: ignore[no-untyped-call]
    nbformat.write(notebook, folder / path.name)  # type: ignore[no-untyped-call]
    executed = json.loads(notebooks.executed_text(folder / path.name))
    executed["cells"][first]["source"] = stored[first]["source"]
    (folder / path.name).write_text(json.dumps(executed, ensure_ascii=False), "utf-8")
