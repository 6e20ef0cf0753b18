"""Values given to a notebook: each takes the place of one that the cell tagged `parameters` assigns."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from outage_analysis.datasets import nearest
from outage_analysis.errors import UsageError
from outage_analysis.executed.stored import Notebook
from outage_analysis.executed.values import Value, named, value_of
from outage_analysis.labels import LANGUAGES


@dataclass(frozen=True)
class Given:
    """What a run was given."""

    executed: str | None = None
    """The source of the parameters' cell as it runs: files by their whole path."""
    shown: str | None = None
    """The same as a page shows it: files by their names, so that it names no machine."""
    told: dict[str, str] = field(default_factory=dict)
    """The values that were given, as a page tells them."""


def fill(notebook: Notebook, given: Mapping[str, str], lang: str | None = None) -> Given:
    """Put values into a notebook's cell of parameters.

    Args:
        notebook: the notebook.
        given: a text for each parameter. It keeps the type of the notebook's own value (whole number, number,
            truth value, day, text, list); `None` is nothing; a value that was nothing becomes what the text
            reads as in Python or TOML, else text. The path of a file is taken from the working folder.
        lang: the language asked for beside the parameters.

    Raises:
        UsageError: a parameter that the notebook does not have, or a value of another type.
    """
    source = notebook.parameters
    defaults = {} if source is None else _assigned(source)
    values = dict(given)
    if lang is not None and "lang" in defaults and values.setdefault("lang", lang) != lang:
        raise UsageError("--lang and the parameter lang differ", value=f"{lang}, {values['lang']}")
    for name in values:
        if name not in defaults:
            problem = f"{notebook.name} has no parameter of that name"
            raise UsageError(problem, value=name, remedy=_hint(name, list(defaults)))
    if source is None:
        return Given()
    read: dict[ast.expr, Value] = {defaults[n]: value_of(n, text, defaults[n]) for n, text in values.items()}
    return Given(
        _spliced(source, {node: value.executed for node, value in read.items()}),
        _spliced(source, {node: value.shown for node, value in read.items()}),
        {name: str(named(text)) for name, text in sorted(given.items())},
    )


def _hint(name: str, known: list[str]) -> str:
    """The closest parameter, and all of them."""
    if not known:
        return "No cell of it is tagged parameters."
    closest = nearest(name, known)
    return closest if closest.startswith("Known") else f"{closest} Known: {', '.join(known)}."


def language(notebook: Notebook, given: Given) -> str:
    """The language that a notebook's parameter `lang` says; English where it has none."""
    default = _assigned(given.executed or notebook.parameters or "").get("lang")
    said = default.value if isinstance(default, ast.Constant) else None
    return said if isinstance(said, str) and said in LANGUAGES else LANGUAGES[0]


def restated(source: str, values: Mapping[str, object]) -> str:
    """A cell of parameters with other values, as they stand: a path stays relative.

    A name that the cell does not assign is left out; comments and all else stay.
    """
    nodes = _assigned(source)
    return _spliced(source, {nodes[name]: _literal(v) for name, v in values.items() if name in nodes})


def _literal(value: object) -> str:
    """A value as our notebooks write it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return f"{value:_}" if type(value) is int else repr(value)


def _assigned(source: str) -> dict[str, ast.expr]:
    """The names that a cell assigns, each with the expression of its value."""
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        problem = "the notebook's cell of parameters is no Python"
        raise UsageError(problem, line=error.lineno, remedy="Run the notebook in JupyterLab.") from error
    found: dict[str, ast.expr] = {}
    for statement in body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            continue
        if isinstance(target, ast.Name):
            found[target.id] = value
    return found


def _spliced(source: str, values: Mapping[ast.expr, str]) -> str:
    """A source with the text of some expressions replaced, the rest and its comments untouched."""
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    whole = b"".join(lines)
    for node in sorted(values, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        whole = whole[:start] + values[node].encode() + whole[end:]
    return whole.decode()
