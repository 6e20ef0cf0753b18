"""Replace the values of parameters in the notebook cell that is tagged `parameters`."""

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
from outage_analysis.files import spelling_hint
from outage_analysis.jupyter.export.notebook_files import Notebook
from outage_analysis.text import LANGUAGES


@dataclass(frozen=True)
class FilledParameters:
    """The parameters cell of a notebook, filled with the values of one run."""

    executed: str | None = None
    """Source of the cell as it runs, with absolute paths of files; None if there is no such cell."""
    displayed: str | None = None
    """Source of the cell for a page, with file names without folders, which would reveal the machine."""
    values: dict[str, str] = field(default_factory=dict)
    """The values that the user set, as the page prints them."""


def fill_parameters(
    notebook: Notebook, texts: Mapping[str, str], lang: str | None = None
) -> FilledParameters:
    """Put the values of a run into the parameters cell of a notebook.

    Args:
        notebook: the notebook.
        texts: the values as text, by parameter name. A value must have the type of the notebook's own value
            (integer, number, boolean, day, text, list). The text `None` sets the parameter to None. If the
            notebook's own value is None, the text is read as a Python or TOML value or, if it is neither,
            kept as text. Relative paths start in the working folder.
        lang: value for the parameter `lang`, if the notebook has one.

    Raises:
        UsageError: the notebook has no such parameter, a value has the wrong type, or `lang` contradicts the
            parameter `lang`.
    """
    source = notebook.parameters
    defaults = {} if source is None else _assigned_expressions(source)
    values = dict(texts)
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
        _replace_expressions(source, {node: value.executed for node, value in read.items()}),
        _replace_expressions(source, {node: value.displayed for node, value in read.items()}),
        {name: str(file_names_only(text)) for name, text in sorted(texts.items())},
    )


def _hint(name: str, known: list[str]) -> str:
    if not known:
        return "It has no cell with the tag parameters."
    closest = spelling_hint(name, known)
    return closest if closest.startswith("Known") else f"{closest} Known: {', '.join(known)}."


def notebook_language(notebook: Notebook, filled: FilledParameters) -> str:
    """Return the value of a notebook's parameter `lang`; en if the notebook has no such parameter."""
    default = _assigned_expressions(filled.executed or notebook.parameters or "").get("lang")
    lang = default.value if isinstance(default, ast.Constant) else None
    return lang if isinstance(lang, str) and lang in LANGUAGES else LANGUAGES[0]


def replace_values(source: str, values: Mapping[str, object]) -> str:
    """Replace parameter values in the source of a parameters cell; relative paths stay relative.

    Names to which the cell assigns no value are ignored. Comments and layout do not change.
    """
    nodes = _assigned_expressions(source)
    return _replace_expressions(
        source, {nodes[name]: _literal(v) for name, v in values.items() if name in nodes}
    )


def _literal(value: object) -> str:
    """Write a value as a Python literal, in the style of the bundled notebooks."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return f"{value:_}" if type(value) is int else repr(value)


def _assigned_expressions(source: str) -> dict[str, ast.expr]:
    """Return the names to which a cell assigns values, each with the expression of its value."""
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        problem = "the notebook's cell of parameters is not valid Python"
        raise UsageError(problem, line=error.lineno, remedy="Run the notebook in JupyterLab.") from error
    expressions: dict[str, ast.expr] = {}
    for statement in body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            continue
        if isinstance(target, ast.Name):
            expressions[target.id] = value
    return expressions


def _replace_expressions(source: str, values: Mapping[ast.expr, str]) -> str:
    """Replace Python expressions in a source by the texts in `values`; all other text stays unchanged."""
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
"""Calls in a notebook that create a date."""
LITERAL = (str, bytes, int, float, bool, list, tuple, dict, set, type(None))


@dataclass(frozen=True)
class ParameterValue:
    """The value of a parameter as Python source, for the run and for the page."""

    executed: str
    """For the run, with absolute paths of files."""
    displayed: str
    """For the page, with file names without folders."""


class _WrongType(Exception):
    """Raised if a value has the wrong type. The message describes the expected type."""


def parse_value(name: str, text: str, default: ast.expr) -> ParameterValue:
    """Parse a text as a value of the same type as the value that the notebook assigns to the parameter.

    Args:
        name: the parameter, for error messages.
        text: the value that the user set.
        default: the expression of the value that the notebook assigns.

    Raises:
        UsageError: the text is not a value of that type.
    """
    if text.strip() in NOTHING:
        return ParameterValue("None", "None")
    try:
        function = ast.unparse(default.func) if isinstance(default, ast.Call) else ""
        if function in DAYS:
            day = _parse_day(text)
            spelled = repr(day.isoformat()) if "iso" in function else f"{day.year}, {day.month}, {day.day}"
            return ParameterValue(*(f"{function}({spelled})",) * 2)
        value = _convert(text, _default_value(default))
    except _WrongType as wanted:
        raise UsageError(f"the parameter {name} is not {wanted}", value=text) from wanted
    return ParameterValue(repr(_absolute_paths(value)), repr(file_names_only(value)))


def _default_value(default: ast.expr) -> object:
    try:
        value: object = ast.literal_eval(default)
    except ValueError:
        return None
    return value


def _convert(text: str, own: object) -> object:
    if isinstance(own, bool):
        return _parse_boolean(text)
    read = _parse_literal(text)
    if isinstance(own, str):
        string = read if isinstance(read, str) else text
        return _parse_day(string).isoformat() if _is_day(own) else string
    if isinstance(own, int):
        return _require_type(read, (int,), "a whole number, such as 300_000_000")
    if isinstance(own, float):
        share = text.strip().endswith("%")  # The text 5% means 0.05.
        number = _parse_literal(text.strip().removesuffix("%"))
        return float(_require_type(number, (int, float), "a number, such as 0.05")) / (100 if share else 1)
    if isinstance(own, list | tuple):
        return type(own)(_require_type(read, (list, tuple), 'a list, such as ["a", "b"]'))
    return read if own is None else _require_type(read, (type(own),), f"a {type(own).__name__}")


def _require_type(value: Any, kinds: tuple[type, ...], wanted: str) -> Any:  # noqa: ANN401 - what a user wrote
    if type(value) not in kinds:  # Unlike isinstance, this does not accept True as an int.
        raise _WrongType(wanted)
    return value


def _parse_boolean(text: str) -> bool:
    if text.strip() not in TRUTH:
        raise _WrongType("true or false")
    return TRUTH[text.strip()]


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise _WrongType("a day, such as 2022-12-30") from None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _parse_literal(text: str) -> object:
    """Parse a text as a Python literal or a TOML value; return the text if it is neither."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        pass
    try:
        value: object = tomllib.loads(f"value = {text.strip()}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    # Days and infinite numbers have no Python literal, so they stay text.
    return value if isinstance(value, LITERAL) and value not in (float("inf"), -float("inf")) else text


def _absolute_paths(value: object) -> object:
    """Make the paths in a value absolute, because the notebook may run in another folder."""
    if isinstance(value, list | tuple):
        return type(value)(_absolute_paths(item) for item in value)
    return str(Path(value).absolute()) if isinstance(value, str) and _is_path(value) else value


def file_names_only(value: object) -> object:
    """Reduce the paths in a value to file names."""
    if isinstance(value, list | tuple):
        return type(value)(file_names_only(item) for item in value)
    return Path(value).name if isinstance(value, str) and _is_path(value) else value


def _is_path(text: str) -> bool:
    """Whether a text is a path (of an existing file or folder, or a glob pattern) and not an id."""
    path = Path(text)
    if not (path.suffix or len(path.parts) > 1):
        return False
    try:
        return path.exists() or "*" in path.name
    except (OSError, ValueError):
        return False
