"""Values given to a notebook: each takes the place of one that the cell tagged `parameters` assigns."""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from outage_analysis.errors import UsageError
from outage_analysis.files import nearest
from outage_analysis.jupyter.export.notebook_files import Notebook
from outage_analysis.text import LANGUAGES


@dataclass(frozen=True)
class FilledParameters:
    """What a run was given."""

    executed: str | None = None
    """The source of the parameters' cell as it runs: files by their whole path."""
    shown: str | None = None
    """The same as a page shows it: files by their names, so that it names no machine."""
    told: dict[str, str] = field(default_factory=dict)
    """The values that were given, as a page tells them."""


def fill_parameters(
    notebook: Notebook, given: Mapping[str, str], lang: str | None = None
) -> FilledParameters:
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
        return FilledParameters()
    read: dict[ast.expr, ParameterValue] = {
        defaults[n]: parse_value(n, text, defaults[n]) for n, text in values.items()
    }
    return FilledParameters(
        _spliced(source, {node: value.executed for node, value in read.items()}),
        _spliced(source, {node: value.shown for node, value in read.items()}),
        {name: str(file_names_only(text)) for name, text in sorted(given.items())},
    )


def _hint(name: str, known: list[str]) -> str:
    """The closest parameter, and all of them."""
    if not known:
        return "No cell of it is tagged parameters."
    closest = nearest(name, known)
    return closest if closest.startswith("Known") else f"{closest} Known: {', '.join(known)}."


def notebook_language(notebook: Notebook, given: FilledParameters) -> str:
    """The language that a notebook's parameter `lang` says; English where it has none."""
    default = _assigned(given.executed or notebook.parameters or "").get("lang")
    said = default.value if isinstance(default, ast.Constant) else None
    return said if isinstance(said, str) and said in LANGUAGES else LANGUAGES[0]


def replace_values(source: str, values: Mapping[str, object]) -> str:
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


NOTHING = ("None", "none", "null")
TRUTH = {"true": True, "True": True, "false": False, "False": False}
DAYS = ("date", "datetime.date", "date.fromisoformat", "datetime.date.fromisoformat")
"""Calls that make a day."""
LITERAL = (str, bytes, int, float, bool, list, tuple, dict, set, type(None))


@dataclass(frozen=True)
class ParameterValue:
    """A value as Python writes it."""

    executed: str
    """As it runs: files by their whole path."""
    shown: str
    """As a page shows it: files by their names."""


class _Unfit(Exception):
    """What the text should have been."""


def parse_value(name: str, text: str, default: ast.expr) -> ParameterValue:
    """A text in place of a notebook's own value.

    Args:
        name: the parameter, for what a refusal says.
        text: what was given.
        default: the notebook's own value.

    Raises:
        UsageError: the text is no value of that type.
    """
    if text.strip() in NOTHING:
        return ParameterValue("None", "None")
    try:
        function = ast.unparse(default.func) if isinstance(default, ast.Call) else ""
        if function in DAYS:
            day = _day(text)
            spelled = repr(day.isoformat()) if "iso" in function else f"{day.year}, {day.month}, {day.day}"
            return ParameterValue(*(f"{function}({spelled})",) * 2)
        value = _typed(text, _own(default))
    except _Unfit as wanted:
        raise UsageError(f"the parameter {name} is not {wanted}", value=text) from wanted
    return ParameterValue(repr(_placed(value)), repr(file_names_only(value)))


def _own(default: ast.expr) -> object:
    """The notebook's own value; None where it is computed."""
    try:
        value: object = ast.literal_eval(default)
    except ValueError:
        return None
    return value


def _typed(text: str, own: object) -> object:
    if isinstance(own, bool):
        return _truth(text)
    read = _parsed_literal(text)
    if isinstance(own, str):
        said = read if isinstance(read, str) else text
        return _day(said).isoformat() if _is_day(own) else said
    if isinstance(own, int):
        return _of(read, (int,), "a whole number, such as 300_000_000")
    if isinstance(own, float):
        share = text.strip().endswith("%")  # 5% is 0.05
        number = _parsed_literal(text.strip().removesuffix("%"))
        return float(_of(number, (int, float), "a number, such as 0.05")) / (100 if share else 1)
    if isinstance(own, list | tuple):
        return type(own)(_of(read, (list, tuple), 'a list, such as ["a", "b"]'))
    return read if own is None else _of(read, (type(own),), f"a {type(own).__name__}")


def _of(value: Any, kinds: tuple[type, ...], wanted: str) -> Any:  # noqa: ANN401 - what a user wrote
    if type(value) not in kinds:  # True is an int, and no number here
        raise _Unfit(wanted)
    return value


def _truth(text: str) -> bool:
    if text.strip() not in TRUTH:
        raise _Unfit("true or false")
    return TRUTH[text.strip()]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise _Unfit("a day, such as 2022-12-30") from None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _parsed_literal(text: str) -> object:
    """A text as Python or TOML writes a value; a text that neither reads is itself."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        pass
    try:
        value: object = tomllib.loads(f"value = {text.strip()}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    # A bare day, or a number that Python cannot write, stays as it was given.
    return value if isinstance(value, LITERAL) and value not in (float("inf"), -float("inf")) else text


def _placed(value: object) -> object:
    """A value with files by their whole path: a notebook does not run in the folder of who runs it."""
    if isinstance(value, list | tuple):
        return type(value)(_placed(item) for item in value)
    return str(Path(value).absolute()) if isinstance(value, str) and _is_path(value) else value


def file_names_only(value: object) -> object:
    """A value with files by their names alone."""
    if isinstance(value, list | tuple):
        return type(value)(file_names_only(item) for item in value)
    return Path(value).name if isinstance(value, str) and _is_path(value) else value


def _is_path(text: str) -> bool:
    """Whether a text is the path of a file or folder that is there, or a pattern; an id is neither."""
    path = Path(text)
    if not (path.suffix or len(path.parts) > 1):
        return False
    try:
        return path.exists() or "*" in path.name
    except (OSError, ValueError):
        return False
