"""The SQL queries, one per .sql file; `load` returns a query by the name of its file.

A query takes values as parameters ($name). The parts that depend on the incident or the file, such as a list
of columns, are placeholders in braces; the comment at the top of the query explains each of them. `load`
fills the placeholders with SQL. Quote the identifiers and texts in it with `quote_identifier` and
`quote_literal`.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

QUERY_NAMES = tuple(
    sorted(f.name.removesuffix(".sql") for f in files(__package__).iterdir() if f.name.endswith(".sql"))
)
"""The name of every query."""


@cache
def query_text(name: str) -> str:
    """Return the text of a query, with its placeholders unfilled."""
    return (files(__package__) / f"{name}.sql").read_text("utf-8")


def placeholders(name: str) -> set[str]:
    """Return the names of the placeholders of a query."""
    return set(re.findall(r"\{([a-z_]+)\}", query_text(name)))


def load(name: str, /, **parts: str) -> str:
    """Return a query with its placeholders filled.

    Args:
        name: the name of its file, without the suffix.
        parts: placeholder -> the SQL that replaces it.

    Raises:
        ValueError: a placeholder is missing from `parts`, or the query has no such placeholder.
    """
    if placeholders(name) != set(parts):
        raise ValueError(f"{name}.sql asks for {sorted(placeholders(name))}, got {sorted(parts)}")
    return re.sub(r"\{([a-z_]+)\}", lambda match: parts[match[1]], query_text(name))


def quote_identifier(identifier: str) -> str:
    """Return a name in double quotes, as an SQL identifier; it may contain any character."""
    return '"' + identifier.replace('"', '""') + '"'


def quote_literal(value: str) -> str:
    """Return a text in single quotes, as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def escaped_path(path: Path) -> str:
    """Return the absolute path of a file with *, ? and [ escaped, because DuckDB reads paths as patterns."""
    return re.sub(r"([*?\[])", r"[\1]", str(path.absolute()))
