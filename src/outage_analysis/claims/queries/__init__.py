"""Queries, one a file, bound once to a name.

A query takes values as parameters ($name) and, where a list of columns varies with the incident,
a placeholder in braces that `bind` fills with expressions whose identifiers were quoted.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

NAMES = (
    *(
        "nothing_earlier",
        "delimited",
        "keys",
        "jsonlines",
        "first_sight",
        "ids",
        "doubtful",
        "misplaced",
        "typed",
        "judged",
        "nothing_judged",
        "noted",
        "accepted",
        "claims",
    ),
    *("rejects", "synthetic", "reconciliation", "filed", "claimants", "few_losses", "cube"),
    *("pairs", "spans", "examples", "heaping", "bunching", "repeats", "saved", "other_objects"),
)
"""Every query, in the order in which a run uses them, then those about the data."""


def text(name: str) -> str:
    """The text of a query."""
    return (files(__package__) / f"{name}.sql").read_text("utf-8")


def placeholders(name: str) -> set[str]:
    """The placeholders that a query asks for."""
    return set(re.findall(r"\{([a-z_]+)\}", text(name)))


def bind(name: str, **lists: str) -> str:
    """A query with its placeholders filled.

    Raises:
        ValueError: a placeholder left empty or one that the query does not have.
    """
    if placeholders(name) != set(lists):
        raise ValueError(f"{name}.sql asks for {sorted(placeholders(name))}, got {sorted(lists)}")
    return re.sub(r"\{([a-z_]+)\}", lambda match: lists[match[1]], text(name))


def quoted(identifier: str) -> str:
    """An identifier as the engine reads it, whatever it contains."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text constant as the engine reads it."""
    return "'" + value.replace("'", "''") + "'"


def as_path(path: Path) -> str:
    """A file's path as the engine's readers take it: they take *, ? and [ for patterns."""
    return re.sub(r"([*?\[])", r"[\1]", str(path.absolute()))
