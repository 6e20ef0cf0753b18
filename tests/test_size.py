"""The size of the package: ceilings that only fall.

A change that lowers a number lowers its ceiling in the same commit. A change that raises one gives its reason
in the commit, and something else falls.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.paths import ROOT, TESTS

SOURCE = ROOT / "src" / "outage_analysis"
SLACK = 30
"""How far a number may lie below its ceiling."""
CEILINGS = {
    "analysis": 1870,
    "assumptions": 670,
    "charts": 1483,
    "claims": 3284,
    "cli": 698,
    "costs": 3118,
    "files": 399,
    "incidents": 577,
    "jupyter": 535,
    "losses": 1639,
    "policies": 693,
    "reports": 2186,
    "root": 120,
    "text": 1428,
    "tests": 18_935,
    "TOML": 3311,
    "SQL": 700,
    "JavaScript": 599,
    "templates and styles": 876,
}
"""Statements of each package and of the tests; lines of the other languages in the package."""
LINES = {
    "TOML": (".toml",),
    "SQL": (".sql",),
    "JavaScript": (".js",),
    "templates and styles": (".j2", ".typ", ".css", ".html"),
}
"""The suffixes of each other language."""


def is_text(node: ast.stmt) -> bool:
    """Whether a statement is a docstring."""
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def statements(path: Path) -> int:
    """The statements of a module without its docstrings, so that a change of layout changes no number."""
    return sum(
        isinstance(node, ast.stmt) and not is_text(node)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    )


def sizes() -> dict[str, int]:
    """Every number that has a ceiling."""
    found: Counter[str] = Counter()
    for path in SOURCE.rglob("*"):
        parts = path.relative_to(SOURCE).parts
        if path.suffix == ".py":
            found[parts[0] if len(parts) > 1 else "root"] += statements(path)
        for language, suffixes in LINES.items():
            if path.suffix in suffixes and path.name != "bundle.js":  # Vega
                found[language] += len(path.read_text("utf-8").splitlines())
    found["tests"] = sum(map(statements, TESTS.rglob("*.py")))
    return found


SIZES = sizes()


@pytest.mark.parametrize("name", sorted({*CEILINGS, *SIZES}))
def test_nothing_grows_beyond_its_ceiling_and_no_ceiling_is_too_high(name: str) -> None:
    size, ceiling = SIZES.get(name, 0), CEILINGS.get(name, 0)
    assert size <= ceiling, f"{name} has {size}: delete something, or say in the commit why it grows"
    assert size > ceiling - SLACK, f"{name} has {size}: lower its ceiling"
