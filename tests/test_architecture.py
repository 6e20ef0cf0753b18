"""The shape of the house: floors, sizes, names, one place for SQL."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from outage_analysis.claims import queries
from tests.paths import ROOT

PACKAGE = ROOT / "src" / "outage_analysis"
MODULES = sorted(PACKAGE.rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_the_floors_hold() -> None:
    lint = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_module_is_short_and_so_are_its_functions() -> None:
    long = []
    for path in MODULES:
        text = path.read_text("utf-8")
        if text.count("\n") > 400:
            long.append(relative(path))
        long += [
            f"{relative(path)}: {node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 60
        ]
    assert long == []


def test_a_module_is_named_for_what_it_holds() -> None:
    vague = {"utils", "helpers", "common", "misc", "core", "base", "manager"}
    assert [relative(path) for path in MODULES if path.stem in vague] == []


def test_the_house_has_every_room() -> None:
    house = (ROOT / "CONTRIBUTING.md").read_text("utf-8")

    def room(path: Path) -> str:
        package = path.stem == "__init__" and path.parent != PACKAGE
        return f"{path.parent.name}/" if package else path.name

    assert [relative(path) for path in MODULES if room(path) not in house] == []


def test_only_the_warehouse_imports_the_engine() -> None:
    engine = re.compile(r"^(import|from) duckdb", re.MULTILINE)
    importing = [relative(p) for p in MODULES if engine.search(p.read_text("utf-8"))]
    assert importing == ["warehouse.py"]


def test_every_query_is_bound_to_a_name_and_says_what_a_row_means() -> None:
    files = {p.stem for p in (PACKAGE / "queries").glob("*.sql")}
    assert files == set(queries.NAMES)
    for name in queries.NAMES:
        assert queries.text(name).startswith("-- One row ")


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
