"""A text as the value of a parameter, of the type that the notebook's own value has."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from outage_analysis.errors import UsageError

NOTHING = ("None", "none", "null")
TRUTH = {"true": True, "True": True, "false": False, "False": False}
DAYS = ("date", "datetime.date", "date.fromisoformat", "datetime.date.fromisoformat")
"""Calls that make a day."""
LITERAL = (str, bytes, int, float, bool, list, tuple, dict, set, type(None))


@dataclass(frozen=True)
class Value:
    """A value as Python writes it."""

    executed: str
    """As it runs: files by their whole path."""
    shown: str
    """As a page shows it: files by their names."""


class _Unfit(Exception):
    """What the text should have been."""


def value_of(name: str, text: str, default: ast.expr) -> Value:
    """A text in place of a notebook's own value.

    Args:
        name: the parameter, for what a refusal says.
        text: what was given.
        default: the notebook's own value.

    Raises:
        UsageError: the text is no value of that type.
    """
    if text.strip() in NOTHING:
        return Value("None", "None")
    try:
        function = ast.unparse(default.func) if isinstance(default, ast.Call) else ""
        if function in DAYS:
            day = _day(text)
            spelled = repr(day.isoformat()) if "iso" in function else f"{day.year}, {day.month}, {day.day}"
            return Value(*(f"{function}({spelled})",) * 2)
        value = _typed(text, _own(default))
    except _Unfit as wanted:
        raise UsageError(f"the parameter {name} is not {wanted}", value=text) from wanted
    return Value(repr(_placed(value)), repr(named(value)))


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
    read = _literal(text)
    if isinstance(own, str):
        said = read if isinstance(read, str) else text
        return _day(said).isoformat() if _is_day(own) else said
    if isinstance(own, int):
        return _of(read, (int,), "a whole number, such as 300_000_000")
    if isinstance(own, float):
        share = text.strip().endswith("%")  # 5% is 0.05
        number = _literal(text.strip().removesuffix("%"))
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


def _literal(text: str) -> object:
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


def named(value: object) -> object:
    """A value with files by their names alone."""
    if isinstance(value, list | tuple):
        return type(value)(named(item) for item in value)
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
