"""Every example in a docstring, and every block of code in the docs, runs.

A page runs from top to bottom, in an empty folder; `tests/doc_blocks.py` says how.
"""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from outage_analysis.analysis import Analysis
from outage_analysis.incidents import load_incident
from outage_analysis.policies import findings, load_policy
from outage_analysis.reports import Report
from tests.doc_blocks import run_page, runnable
from tests.doc_pages import GUIDES, blocks_of, name
from tests.import_graph import module_files
from tests.paths import ROOT

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
RECIPE = re.MULTILINE | re.DOTALL


RUNNING = [
    pytest.param(page, id=name(page), marks=pytest.mark.slow)
    for page in (*GUIDES, ROOT / "README.ko.md")
    if runnable(page) and page.name != "how-to.md"  # tests/contract/test_how_to.py runs it
]


WITH_EXAMPLES = sorted(name for name, path in module_files().items() if ">>> " in path.read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_give_what_its_docstrings_state(module: str) -> None:
    result = doctest.testmod(import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("page", RUNNING)
def test_every_block_of_a_page_runs(
    page: Path, shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page, shell)


# --- the recipes of CONTRIBUTING --------------------------------------------------------------------------


def recipe(title: str) -> dict[str, str]:
    """The blocks of a recipe by the file that each belongs to, as the line above it says."""
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## )", CONTRIBUTING.read_text("utf-8"), RECIPE)
    told = [(re.match(r"`([^`]+)`, .*:$", block.above), block.text) for block in blocks_of(section)]
    return {found[1]: text for found, text in told if found}


def room(path: str) -> dict[str, Any]:
    """The names of a module, to run a block in as if it stood at the module's end."""
    return dict(vars(import_module(path.removeprefix("src/").removesuffix(".py").replace("/", "."))))


def test_a_service_is_added_as_the_recipe_says(tmp_path: Path) -> None:
    ((path, text),) = recipe("Add a service").items()
    page = tmp_path / "incident.toml"
    page.write_text(f"{(ROOT / path).read_text('utf-8')}\n{text}", "utf-8")
    added = {service.id for service in load_incident(page).services}
    assert len(added - {service.id for service in load_incident(ROOT / path).services}) == 1


def test_a_policy_is_added_as_the_recipe_says(tmp_path: Path) -> None:
    ((path, text),) = recipe("Add a policy").items()
    page = tmp_path / Path(path).name
    page.write_text(text, "utf-8")
    policy = load_policy(page)
    assert f"{policy.id}.toml" == page.name
    assert findings(policy).is_empty()


def test_a_format_is_added_as_the_recipe_says(analysis: Analysis, tmp_path: Path) -> None:
    ((module, function),) = recipe("Add a format").items()
    names = room(module)
    exec(function, names)  # noqa: S102 - the block is ours
    names["write_jsonl"](Report(analysis), tmp_path)
    written = {path.stem.removesuffix("-synthetic") for path in (tmp_path / "tables").glob("*.jsonl")}
    assert written == analysis.tables.keys()
