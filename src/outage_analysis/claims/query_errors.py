"""Explain a mistake in an SQL query of the user in one line."""

from __future__ import annotations

import re

from outage_analysis.errors import UsageError


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
