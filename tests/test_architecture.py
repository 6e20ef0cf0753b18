"""The structure of the package: layers, interfaces, sizes, names, one place for SQL."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from outage_analysis.claims import queries
from outage_analysis.lazy_exports import exported_names
from tests.import_graph import PACKAGE, imports
from tests.paths import ROOT

MODULES = sorted(PACKAGE.rglob("*.py"))
PACKAGES = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_the_import_contracts_hold() -> None:
    lint = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_packages_import_each_other_through_their_interfaces() -> None:
    def package(module: str) -> str:
        return ".".join(module.split(".")[:2])

    inner = [
        f"{found.importer}:{found.line} imports {found.source}"
        for found in imports()
        if found.source.count(".") > 1
        and found.source.startswith("outage_analysis.")
        and package(found.importer) != package(found.source)
    ]
    assert inner == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_an_interface_exports_no_name_of_a_module_but_the_module(package: Path) -> None:
    """Once the module is imported, it would hide another export of its name."""
    exporter = import_module(f"outage_analysis.{package.name}")
    exports = exported_names(package / "__init__.py")
    opened = {name for name, (module, _) in exports.items() if module == exporter.__name__}
    assert opened <= {path.stem for path in package.iterdir()}
    assert not ({*exports} - opened) & {path.stem for path in package.iterdir()}
    assert all(getattr(exporter, name) is getattr(exporter, name) for name in exports)
    assert {*exports} <= {*dir(exporter)}


def test_only_the_compiler_the_explanation_and_the_checks_ask_for_the_kind_of_a_cost_line() -> None:
    """`Policy.schedules` selects the lines that pay by loss; everything else uses the cost terms."""
    kinds = {"Schedule", "InKind", "Voucher", "FeeCredit", "Budget"}
    asking = {
        relative(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance"
        if kinds & {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
    }
    assert asking == {f"policies/{name}.py" for name in ("cost_lines", "policy")}


def test_a_module_is_named_for_what_it_holds() -> None:
    vague = {"utils", "helpers", "common", "misc", "core", "base", "manager"}
    assert [relative(path) for path in MODULES if path.stem in vague] == []


def test_the_docstring_of_a_package_names_each_of_its_modules() -> None:
    unnamed = []
    for init in PACKAGE.glob("*/**/__init__.py"):
        names = re.findall(r"\w+", ast.get_docstring(ast.parse(init.read_text("utf-8"))) or "")
        modules = {p.stem for p in init.parent.glob("*.py")} | {
            p.parent.name for p in init.parent.glob("*/__init__.py")
        }
        unnamed += [f"{relative(init.parent)}: {module}" for module in modules - {*names, "__init__"}]
    assert unnamed == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_contributing_names_each_package(package: Path) -> None:
    assert f"  {package.name}/" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_only_the_warehouse_imports_the_engine() -> None:
    engine = re.compile(r"^(import|from) duckdb", re.MULTILINE)
    importing = [relative(p) for p in MODULES if engine.search(p.read_text("utf-8"))]
    assert importing == ["claims/warehouse.py"]


def loader_calls() -> list[tuple[str, set[str]]]:
    """Every call of `queries.load` in the package: the name of the query, and the placeholders it fills."""
    calls = [
        node
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "queries.load"
    ]
    return [(ast.literal_eval(call.args[0]), {str(part.arg) for part in call.keywords}) for call in calls]


@pytest.mark.slow
def test_every_query_is_loaded_in_exactly_one_place() -> None:
    assert sorted(name for name, _ in loader_calls()) == sorted(queries.QUERY_NAMES)
    for name, filled in loader_calls():
        assert filled == queries.placeholders(name), name


@pytest.mark.parametrize("name", queries.QUERY_NAMES)
def test_a_query_says_what_one_row_means_and_what_its_placeholders_are(name: str) -> None:
    header, *comment = [line[3:] for line in queries.query_text(name).splitlines() if line.startswith("-- ")]
    assert re.fullmatch(r"One row per .+\.", header)
    assert len(header) <= 110
    explained = " ".join(comment).partition("Placeholder")[2]
    assert {part for part in queries.placeholders(name) if f"`{part}`" not in explained} == set()
    assert "{" not in header + explained


def test_queries_are_not_written_inside_python_modules() -> None:
    inline = {
        f"{relative(path)}: {node.value}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.match(r"\s*\(?(select|with) .*\b(from|as)\b", node.value, re.DOTALL)
    }
    assert inline == {'claims/warehouse.py: select count(*) as rows from "'}


def test_nothing_names_a_machine_or_a_registry() -> None:
    listing = ["git", "ls-files"]
    tracked = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    wrong = re.compile(r"--(extra-)?index-url|/simple/?[\"'\s]|(?<![\w.])/(work|farm|root)/\w")
    for name in tracked.stdout.splitlines():
        path = ROOT / name
        binary = path.suffix in {".gif", ".otf", ".parquet", ".png", ".pptx"}
        if binary or path == Path(__file__) or not path.is_file():
            continue
        assert not wrong.search(path.read_text("utf-8")), name


def test_special_functions_import_no_unused_package_of_numpy_and_hide_none() -> None:
    code = (
        "import sys, numpy\n"
        "from outage_analysis.special_functions import UNUSED, special\n"
        "assert not {f'numpy.{name}' for name in UNUSED} & {*sys.modules}\n"
        "assert all(getattr(numpy, name).__name__ == f'numpy.{name}' for name in UNUSED)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
