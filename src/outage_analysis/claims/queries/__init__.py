"""The queries, one per file; `load` returns one by the name of its file.

A query takes values as parameters ($name). The parts that depend on the incident or the file, such as a list
of columns, are placeholders in braces; the comment at the top of the query says what stands in each. `load`
fills them with SQL whose identifiers and texts were quoted by `quote_identifier` and `quote_literal`.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

QUERY_NAMES = tuple(
    sorted(f.name.removesuffix(".sql") for f in files(__package__).iterdir() if f.name.endswith(".sql"))
)
"""Every query."""


@cache
def query_text(name: str) -> str:
    """The text of a query, with its placeholders."""
    return (files(__package__) / f"{name}.sql").read_text("utf-8")


def placeholders(name: str) -> set[str]:
    """The names of the placeholders of a query."""
    return set(re.findall(r"\{([a-z_]+)\}", query_text(name)))


def load(name: str, /, **parts: str) -> str:
    """Return a query with its placeholders filled.

    Args:
        name: the name of its file, without the suffix.
        parts: the SQL that stands in each placeholder.

    Raises:
        ValueError: a placeholder is left empty, or the query does not have it.
    """
    if placeholders(name) != set(parts):
        raise ValueError(f"{name}.sql asks for {sorted(placeholders(name))}, got {sorted(parts)}")
    return re.sub(r"\{([a-z_]+)\}", lambda match: parts[match[1]], query_text(name))


def quote_identifier(identifier: str) -> str:
    """An identifier as the engine reads it, whatever it contains."""
    return '"' + identifier.replace('"', '""') + '"'


def quote_literal(value: str) -> str:
    """A text constant as the engine reads it."""
    return "'" + value.replace("'", "''") + "'"


def escaped_path(path: Path) -> str:
    """The path of a file for the engine's readers, with *, ? and [ escaped: the engine takes patterns."""
    return re.sub(r"([*?\[])", r"[\1]", str(path.absolute()))
