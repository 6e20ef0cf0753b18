"""The bundled notebooks, with parameters of a project."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from outage_analysis.datasets import notebooks_root
from outage_analysis.executed import names
from outage_analysis.executed.parameters import restated


def set_notebooks(parameters: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Each bundled notebook's file name and text, the values in its cell of parameters replaced.

    A parameter that a notebook does not have is left out; everything else stays as it is, to the byte.
    """
    for name in names():
        file = f"{name}.ipynb"
        page = json.loads((notebooks_root() / file).read_text("utf-8"))
        for cell in page["cells"]:
            if "parameters" in cell["metadata"].get("tags", ()):
                text = restated("".join(cell["source"]), parameters)
                cell["source"] = text.splitlines(keepends=True)
        yield file, json.dumps(page, ensure_ascii=False, indent=1) + "\n"
