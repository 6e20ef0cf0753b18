"""The shape of the house: floors, sizes, names, one place for SQL."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from outage_analysis import queries
from outage_analysis.charts import CHARTS
from outage_analysis.cli import app
from outage_analysis.datasets import Kind, ids
from outage_analysis.ingest import READERS
from outage_analysis.reports import FORMATS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "outage_analysis"
MODULES = sorted(PACKAGE.rglob("*.py"))
IDS = [str(m.relative_to(PACKAGE)) for m in MODULES]


def test_the_floors_hold() -> None:
    lint = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_a_module_is_short_and_so_are_its_functions(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_a_module_is_named_for_what_it_holds(path: Path) -> None:
    assert path.stem not in {"utils", "helpers", "common", "misc", "core", "base", "manager"}


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_the_readme_has_every_room(path: Path) -> None:
    room = f"{path.parent.name}/" if path.stem == "__init__" and path.parent != PACKAGE else path.name
    assert room in (ROOT / "README.md").read_text("utf-8")


def test_only_the_warehouse_imports_the_engine() -> None:
    engine = re.compile(r"^(import|from) duckdb", re.MULTILINE)
    importing = [str(p.relative_to(PACKAGE)) for p in MODULES if engine.search(p.read_text("utf-8"))]
    assert importing == ["warehouse.py"]


def test_every_query_is_bound_to_a_name_and_says_what_a_row_means() -> None:
    files = {p.stem for p in (PACKAGE / "queries").glob("*.sql")}
    assert files == set(queries.NAMES)
    for name in queries.NAMES:
        assert queries.text(name).startswith("-- One row ")


def commands() -> list[str]:
    """Every command, those of a group by the words that call them."""
    found: list[str] = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined] # a group
        inner = getattr(command, "commands", None)
        found += [f"{name} {n}" for n in inner] if inner else [name]
    return found


def named_in_the_docs() -> dict[str, list[str]]:
    """Every registry whose entries a reader must find in the docs."""
    kinds: tuple[Kind, ...] = ("policies", "incidents", "assumptions", "intakes", "grouped", "backtests")
    return {
        "commands": commands(),
        "formats": list(FORMATS),
        "charts": list(CHARTS),
        "readers": list(READERS),
        "queries": list(queries.NAMES),
        **{kind: ids(kind) for kind in kinds},
    }


@pytest.mark.parametrize("kind", named_in_the_docs())
def test_the_docs_name_every_entry_of_a_registry(kind: str) -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    text = "\n".join(p.read_text("utf-8") for p in pages)
    entries = named_in_the_docs()[kind]
    assert entries
    assert [e for e in entries if not re.search(rf"(?<![\w]){re.escape(e)}(?!\w)", text)] == []


def test_nothing_names_a_machine_or_a_registry() -> None:
    listing = ["git", "ls-files"]
    tracked = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    wrong = re.compile(r"--(extra-)?index-url|/simple/?[\"'\s]|(?<![\w.])/(work|farm|root)/\w")
    for name in tracked.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".otf", ".parquet", ".png"} or path == Path(__file__) or not path.is_file():
            continue
        assert not wrong.search(path.read_text("utf-8")), name
