"""Run a named query, or an SQL query of the user, on the claims: read-only, with frames and values as inputs.

Each mistake in a query is explained in one line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from outage_analysis.claims.queries import named_query
from outage_analysis.errors import UsageError, one_line
from outage_analysis.text import TABLE_DIGITS

if TYPE_CHECKING:
    from outage_analysis.claims.warehouse import Warehouse

OWN_TABLES = ("claims", "exact_claims", "rejects", "files")
"""The tables that every query can read."""


def run_select(
    warehouse: Warehouse, sql: str, inputs: Mapping[str, object], files: pl.DataFrame
) -> pl.DataFrame:
    """Run one SELECT statement and return its rows, with whole numbers as Int64 and never Decimal.

    Args:
        warehouse: the tables of the claims.
        sql: the statement, or the name of a query, whose numbers are rounded to ten digits.
        inputs: Polars frames, which become tables, and values of parameters, written as $name.
        files: the rows of the table `files`.

    Raises:
        UsageError: the statement is not exactly one SELECT statement, has a mistake, or does not fit the
            inputs; or no query has this name.
    """
    if not isinstance(sql, str):
        raise UsageError("the query is not a text", value=type(sql).__name__)
    if re.fullmatch(r"[\w-]+", sql):
        frame = run_select(warehouse, named_query(sql), inputs, files)
        return frame.with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))
    frames = {name: value for name, value in inputs.items() if isinstance(value, pl.DataFrame | pl.LazyFrame)}
    for name in frames:
        if name.casefold() in OWN_TABLES:
            raise UsageError(
                "a frame has the name of a table of the claims",
                value=name,
                remedy="Pass the frame under another name.",
            )
    values = {name: value for name, value in inputs.items() if name not in frames}
    tables = {name: frame.lazy().collect() for name, frame in frames.items()}
    return without_decimals(warehouse.select(sql, {"files": files, **tables}, values))


def without_decimals(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose Decimal columns are Int64, or Float64 if they have decimals or do not fit.

    DuckDB returns sums of whole numbers as decimals of 38 digits.
    """
    changed = []
    for column in frame:
        if isinstance(column.dtype, pl.Decimal):
            whole = column.cast(pl.Int64, strict=False)
            fits = column.dtype.scale == 0 and whole.null_count() == column.null_count()
            changed.append(whole if fits else column.cast(pl.Float64))
    return frame.with_columns(changed)


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
    elif problem.startswith(("Table with name", "Cannot access file")):
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
