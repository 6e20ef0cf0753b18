"""Explain each mistake in a user's SQL query in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from outage_analysis.errors import UsageError, one_line

MAX_SQL_LENGTH = 80
"""Largest number of characters of the query that an error message shows."""


def query_error(error: Exception) -> UsageError:
    """Convert the DuckDB error about a query of the user to one line: the problem and, if any, a hint."""
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    problem = re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", lines[0]).rstrip(".!")
    hint = next((line for line in lines[1:] if line.startswith("Candidate bindings: ")), "")
    at = next((line for line in lines[1:] if line.startswith("LINE ")), "")
    if hint:
        remedy = f"Columns with similar names: {hint.removeprefix('Candidate bindings: ')}."
    elif problem.startswith("Table with name"):
        remedy = "The tables are claims, rejects, files and the frames that are passed."
    else:
        remedy = f"See {at}" if at else ""
    return UsageError(f"the SQL query fails: {problem}", remedy=remedy)


def not_one_select(sql: str) -> UsageError:
    """Return the error about a query that is not exactly one SELECT statement."""
    return UsageError(
        "the query is not exactly one SELECT statement",
        value=one_line(sql, MAX_SQL_LENGTH),
        remedy="Write one statement that starts with SELECT, WITH, FROM or VALUES; it cannot change the "
        "claims.",
    )


def check_parameters(parameters: AbstractSet[str], values: AbstractSet[str]) -> None:
    """Raise an error if the parameters of a query differ from the names of the given values.

    Raises:
        UsageError: a parameter lacks a value, or a value is not used in the query.
    """
    for name in sorted(parameters - values):
        problem = f"the query has the parameter ${name} and no value for it"
        raise UsageError(problem, remedy=f"Pass the value: query(sql, {name}=...).")
    for name in sorted(values - parameters):
        problem = f"the query does not use the value {name}"
        raise UsageError(problem, remedy=f"Write it as ${name}, or pass a Polars frame as a table.")


def check_no_intervals(columns: Sequence[str], kinds: Iterable[str]) -> None:
    """Raise an error if a query returns a column of time intervals, which Polars cannot read.

    Raises:
        UsageError: the SQL type of a column is an interval, or contains an interval.
    """
    for column, kind in zip(columns, kinds, strict=True):
        if "INTERVAL" in kind:
            problem = "the query returns a time interval"
            raise UsageError(problem, column=column, remedy="Cast it: extract(day from ...).")


def same_column_twice() -> UsageError:
    """Return the error about a query that returns two columns of the same name."""
    return UsageError(
        "the query returns two columns of the same name",
        remedy="Name each column with `as`, or list the columns.",
    )
