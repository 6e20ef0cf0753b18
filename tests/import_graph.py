"""The package's imports as a graph. A name that a package exports lazily leads to its defining module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from outage_analysis.lazy_exports import exported_names
from tests.paths import ROOT

PACKAGE = ROOT / "src" / "outage_analysis"


class Import(NamedTuple):
    """One imported name: where the statement is, what it names, and the module that this leads to."""

    importer: str
    line: int
    source: str
    name: str
    target: str


def module_files() -> dict[str, Path]:
    """Dotted name -> file, for every module of the package."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imports() -> Iterator[Import]:
    """Every import that runs, at the top of a module or inside a function.

    Blocks under `TYPE_CHECKING` do not run.
    """
    files = module_files()
    exports = {name: exported_names(path) for name, path in files.items() if path.stem == "__init__"}
    for importer, path in files.items():
        tree = ast.parse(path.read_text("utf-8"))
        for node in _running(tree):
            if isinstance(node, ast.Import):
                yield from (Import(importer, node.lineno, a.name, "", a.name) for a in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    exported = exports.get(node.module, {}).get(alias.name)
                    target = inner if inner in files else exported[0] if exported else node.module
                    yield Import(importer, node.lineno, node.module, alias.name, target)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below one, without blocks that only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield child
            yield from _running(child)
