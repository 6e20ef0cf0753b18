"""Lazy package exports (PEP 562): importing a package does not load its modules until a name is used."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def lazy_exports(package: str, file: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for the `__init__` module of a package.

    The exported names are the imports under `if TYPE_CHECKING:` in that file, so that type checkers and
    Python use the same list. An exported name must differ from the names of the package's own modules:
    importing such a module would replace the export.

    Args:
        package: the package's `__name__`.
        file: the package's `__file__`.
    """
    modules = exported_names(Path(file))

    def __getattr__(name: str) -> object:  # noqa: N807 - PEP 562 sets the name
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, original = modules[name]
        value = getattr(import_module(module), original)
        setattr(sys.modules[package], name, value)
        return value

    def __dir__() -> list[str]:  # noqa: N807 - PEP 562 sets the name
        return sorted({*vars(sys.modules[package]), *modules})

    return __getattr__, __dir__


def exported_names(file: Path) -> dict[str, tuple[str, str]]:
    """The exported names of an `__init__` file: name -> (module that defines it, name there)."""
    tree = ast.parse(file.read_text("utf-8"))
    blocks = [
        node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in imports
        for alias in node.names
    }
