"""Import the modules of a package only when one of its exported names is first used (PEP 562)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def lazy_exports(package: str, file: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the functions `__getattr__` and `__dir__` that the `__init__` module of a package must define.

    The exported names are the names that `__init__` imports under `if TYPE_CHECKING:`, so that type checkers
    and Python use the same list. A module that it imports from the package itself is open to other packages.
    Any other exported name must differ from the names of the package's own modules, because an imported
    module would replace an export of the same name.

    Args:
        package: the package's `__name__`.
        file: the package's `__file__`.
    """
    modules = exported_names(Path(file))

    def __getattr__(name: str) -> object:  # noqa: N807 - PEP 562 sets the name
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, original = modules[name]
        if module == package:  # one of its own modules
            return import_module(f"{package}.{name}")
        value = getattr(import_module(module), original)
        setattr(sys.modules[package], name, value)
        return value

    def __dir__() -> list[str]:  # noqa: N807 - PEP 562 sets the name
        return sorted({*vars(sys.modules[package]), *modules})

    return __getattr__, __dir__


def exported_names(file: Path) -> dict[str, tuple[str, str]]:
    """Return, for each exported name, the module that defines it and its name in that module."""
    modules: dict[str, tuple[str, str]] = {}
    for block in ast.parse(file.read_text("utf-8")).body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for node in block.body:
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("outage_analysis."):
                    names = ((alias.asname or alias.name, alias.name) for alias in node.names)
                    modules |= {exported: (node.module or "", name) for exported, name in names}
    return modules
