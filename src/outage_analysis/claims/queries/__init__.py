"""The SQL queries of the package, one per .sql file. `load` returns a query by its file name.

A query takes values as parameters, written as $name. Parts that depend on the incident or the file, such as a
list of columns, are placeholders in braces. The comment at the top of each query explains its placeholders.
`load` replaces the placeholders by SQL. Use `quote_identifier` and `quote_literal` to quote names and texts
in this SQL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from outage_analysis.errors import UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.text import schemas_of

QUERY_NAMES = tuple(
    sorted(f.name.removesuffix(".sql") for f in files(__package__).iterdir() if f.name.endswith(".sql"))
)
"""The name of every query that the package runs for its own results."""


@cache
def query_text(name: str) -> str:
    """Return the text of a query with its placeholders in braces."""
    return (files(__package__) / f"{name}.sql").read_text("utf-8")


def load(name: str, /, **parts: str) -> str:
    """Return an SQL query, in which the SQL in `parts` replaces the placeholders.

    Args:
        name: the file name of the query, without .sql.
        parts: placeholder -> the SQL that replaces it.

    Raises:
        KeyError: `parts` lacks a placeholder of the query.
    """
    return re.sub(r"\{([a-z_]+)\}", lambda match: parts[match[1]], query_text(name))


def named_query(name: str) -> str:
    """Return the SQL of a query that users run by its name; tables.csv lists these queries and their columns.

    Raises:
        UsageError: no query has this name.
    """
    known = list(schemas_of("query"))
    if name not in known:
        raise UsageError("no query has this name", value=name, remedy=spelling_hint(name, known))
    return query_text(f"named/{name}")


def quote_identifier(identifier: str) -> str:
    """Quote a name as an SQL identifier, in double quotes. The name may contain any character."""
    return '"' + identifier.replace('"', '""') + '"'


def quote_literal(value: str) -> str:
    """Quote a text as an SQL string literal, in single quotes."""
    return "'" + value.replace("'", "''") + "'"


def listed_sql(expressions: Mapping[str, str]) -> str:
    """Return SQL expressions by their names as "expression as name", each after a comma."""
    return "".join(f", {sql} as {quote_identifier(name)}" for name, sql in expressions.items())


def escaped_path(path: Path) -> str:
    """Return the absolute path of a file for a DuckDB query, with *, ? and [ escaped.

    DuckDB would otherwise read these characters as wildcards.
    """
    return re.sub(r"([*?\[])", r"[\1]", str(path.absolute()))
