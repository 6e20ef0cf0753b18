"""The structure of the package: interfaces, public names, one place for SQL; and what a code host reads."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

import outage_analysis
from outage_analysis.claims import queries
from outage_analysis.lazy_exports import exported_names
from tests.paths import ROOT

PACKAGE = ROOT / "src" / "outage_analysis"
MODULES = sorted(PACKAGE.rglob("*.py"))
PACKAGES = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imported(node: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the module of every import that runs: blocks under `TYPE_CHECKING` do not."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((child.lineno, alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield child.lineno, child.module or ""
        elif not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from imported(child)


@pytest.mark.slow
def test_packages_import_each_other_through_their_interfaces() -> None:
    inner = [
        f"{relative(path)}:{line} imports {module}"
        for path in MODULES
        for line, module in imported(ast.parse(path.read_text("utf-8")))
        if module.startswith("outage_analysis.") and module.count(".") > 1
        if module.split(".")[1] != relative(path).split("/")[0]
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
    for init in PACKAGE.glob("*/**/__init__.py"):
        names = re.findall(r"\w+", ast.get_docstring(ast.parse(init.read_text("utf-8"))) or "")
        packages = {path.parent.name for path in init.parent.glob("*/__init__.py")}
        modules = {path.stem for path in init.parent.glob("*.py")} | packages
        assert modules - {*names, "__init__"} == set(), relative(init.parent)
        listed = re.findall(
            r"^ {4}(\w+): ", ast.get_docstring(ast.parse(init.read_text("utf-8"))) or "", re.MULTILINE
        )
        assert set(listed) <= modules, relative(init.parent)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_contributing_names_each_package(package: Path) -> None:
    assert f"  {package.name}/" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_only_the_warehouse_imports_the_engine() -> None:
    engine = re.compile(r"^(import|from) duckdb", re.MULTILINE)
    importing = [relative(p) for p in MODULES if engine.search(p.read_text("utf-8"))]
    assert importing == ["claims/warehouse.py"]


def placeholders(name: str) -> set[str]:
    """The names of the placeholders of a query."""
    return set(re.findall(r"\{([a-z_]+)\}", queries.query_text(name)))


@pytest.mark.slow
def test_every_query_is_loaded_in_exactly_one_place_with_its_placeholders() -> None:
    calls = [
        (ast.literal_eval(node.args[0]), {str(part.arg) for part in node.keywords})
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "queries.load"
    ]
    expected = [(name, placeholders(name)) for name in queries.QUERY_NAMES]
    assert sorted(calls, key=lambda call: str(call[0])) == expected


@pytest.mark.parametrize("name", queries.QUERY_NAMES)
def test_a_query_says_what_one_row_means_and_what_its_placeholders_are(name: str) -> None:
    header, *comment = [line[3:] for line in queries.query_text(name).splitlines() if line.startswith("-- ")]
    assert re.fullmatch(r"One row per .{,97}\.", header)
    explained = " ".join(comment).partition("Placeholder")[2]
    assert {part for part in placeholders(name) if f"`{part}`" not in explained} == set()
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
    binary = {".gif", ".otf", ".parquet", ".png", ".pptx"}
    paths = {ROOT / name for name in tracked.stdout.splitlines()} - {Path(__file__)}
    texts = [path for path in paths if path.is_file() and path.suffix not in binary]
    assert [path for path in texts if wrong.search(path.read_text("utf-8"))] == []


PINNED = [
    "Analysis", "Branch", "Claims", "Cube", "Incident", "Ledger", "Plan", "Policy", "build_cube",
    "compare", "cost_table", "facts", "fit_severity", "forecast_by_day",
    "forecast_late_claims",
    "forecasts_and_payments", "incident_from_files", "inspect_file", "load_grouped", "load_incident",
    "load_layout", "load_ledger", "load_policy", "load_sample", "payments", "policy_from_tiers",
    "read_claims", "read_cube", "reference_ledger", "refusals_as_notes", "run", "save_claims", "save_cube",
    "scaffold", "show",
    "show_part", "show_table", "show_what_if", "solve", "verify", "write_report",
]  # fmt: skip


def test_the_public_names_are_pinned_resolve_and_are_all_that_completion_shows() -> None:
    assert sorted(exported_names(Path(outage_analysis.__file__))) == PINNED
    assert [name for name in PINNED if not callable(getattr(outage_analysis, name))] == []
    assert dir(outage_analysis) == sorted(["__version__", *PINNED])
    assert outage_analysis.__version__ == version("outage-analysis")
    with pytest.raises(AttributeError, match="has no attribute 'guess'"):
        _ = outage_analysis.guess


WRITERS = ("jinja2", "pptx", "xlsxwriter", "typst", "vl_convert", "rfc3987_syntax")
HEAVY = ("polars", "duckdb", "numpy", "scipy", "altair", "jinja2", "pydantic")


def printed(code: str) -> str:
    """What a Python process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("outage_analysis", HEAVY),
        ("outage_analysis.cli", HEAVY),
        ("outage_analysis.analysis.analysis", ("altair", *WRITERS, "outage_analysis.losses.late_claims")),
        ("outage_analysis.reports", WRITERS[1:]),
    ],
)
def test_importing_loads_nothing_heavy(module: str, heavy: tuple[str, ...]) -> None:
    assert printed(f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])") == "[]"


@pytest.mark.slow
def test_what_altair_is_loaded_without_can_be_loaded_after_it() -> None:
    later = "print('rfc3987_syntax' in sys.modules); import rfc3987_syntax; print(rfc3987_syntax.__name__)"
    assert printed(f"import sys, outage_analysis.charts; {later}") == "False\nrfc3987_syntax"


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def load_yaml(name: str) -> Any:  # noqa: ANN401 - YAML values have no common type
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def test_the_citation_states_the_version_licence_and_day_of_the_release() -> None:
    citation = load_yaml("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()  # required by the format 1.2.0
    said = [citation[key] for key in ("cff-version", "title", "version", "license")]
    assert said == ["1.2.0", *(PROJECT[key] for key in ("name", "version", "license"))]
    assert [author["name"] for author in citation["authors"]] == [a["name"] for a in PROJECT["authors"]]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    version, day = re.findall(r"^## \[(\d[\d.]*)\] - (\S+)$", changelog, re.MULTILINE)[0]
    assert (citation["version"], str(citation["date-released"])) == (version, day)


def test_the_workflow_runs_the_script_of_a_full_check_with_read_only_permissions() -> None:
    workflow = load_yaml(".github/workflows/ci.yml")
    (job,) = workflow["jobs"].values()
    assert (workflow["permissions"], job.get("permissions")) == ({"contents": "read"}, None)
    assert (job["runs-on"], job["timeout-minutes"]) == ("ubuntu-latest", 90)
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    assert (ROOT / ".ci" / "run").is_file()
    check_actions(job)


def test_the_other_workflow_publishes_the_site_that_make_built() -> None:
    workflow = load_yaml(".github/workflows/site.yml")
    (job,) = workflow["jobs"].values()
    assert workflow["permissions"] == {"contents": "read", "pages": "write", "id-token": "write"}
    assert workflow[True]["push"] == {"branches": ["main"]}  # YAML reads the key `on` as true
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make site"]
    assert [step["with"]["path"] for step in job["steps"] if "path" in step.get("with", {})] == ["build/site"]
    assert job["steps"][-1]["uses"].startswith("actions/deploy-pages@")
    check_actions(job)
    assert "make site" in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


def check_actions(job: dict[str, Any]) -> None:
    """A job takes the checkout first, and actions of the code host alone, each of a version."""
    actions = [step["uses"] for step in job["steps"] if "uses" in step]
    assert [action for action in actions if not re.fullmatch(r"actions/[a-z-]+@v\d+", action)] == []
    assert actions[0].startswith("actions/checkout@")
