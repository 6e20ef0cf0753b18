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


def loader_calls() -> list[tuple[str, set[str]]]:
    """Every call of `queries.load` in the package: the name of the query, and the placeholders it fills."""
    calls = [
        node
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "queries.load"
    ]
    return [(ast.literal_eval(call.args[0]), {str(part.arg) for part in call.keywords}) for call in calls]


def test_every_query_is_loaded_in_exactly_one_place() -> None:
    assert sorted(name for name, _ in loader_calls()) == sorted(queries.NAMES)
    for name, filled in loader_calls():
        assert filled == queries.placeholders(name), name


@pytest.mark.parametrize("name", queries.NAMES)
def test_a_query_says_what_one_row_means_and_what_its_placeholders_are(name: str) -> None:
    header, *comment = [line[3:] for line in queries.text(name).splitlines() if line.startswith("-- ")]
    assert re.fullmatch(r"One row per .+\.", header)
    assert len(header) <= 110
    explained = " ".join(comment).partition("Placeholder")[2]
    assert {part for part in queries.placeholders(name) if f"`{part}`" not in explained} == set()
    assert "{" not in header + explained


@pytest.mark.parametrize("name", queries.NAMES)
def test_a_query_names_each_of_its_steps(name: str) -> None:
    """A step is a CTE; a query in brackets has no name, unless it is a placeholder that says what it is."""
    assert re.findall(r"\b(?:from|join)\s+\((?!\{)", queries.text(name)) == []


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_queries_stand_in_files_of_their_own(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    texts = {
        ast.literal_eval(n) for n in ast.walk(tree) if isinstance(n, ast.Constant) if isinstance(n.value, str)
    }
    inline = {text for text in texts if re.match(r"\s*\(?(select|with) .*\b(from|as)\b", text, re.DOTALL)}
    assert inline == ({'select count(*) as rows from "'} if path.name == "warehouse.py" else set())


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
