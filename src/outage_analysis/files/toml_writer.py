"""Write TOML values and documents, without comments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time
from typing import Any

MAX_LINE = 100
"""Most characters of a TOML line whose value can be divided over several lines."""


def toml_document(document: Mapping[str, Any]) -> str:
    """Return a document as TOML text, given its values as `tomllib` reads them.

    Parsing the text gives the same values. The same values in the same order give the same text. In each
    table, plain values come before nested tables.
    """
    return "\n".join(_table(document, ())).lstrip("\n") + "\n"


def toml_value(value: Any) -> str:  # noqa: ANN401 - TOML values have no common type
    """Return a value as TOML on one line. Non-printable characters are escaped."""
    if isinstance(value, str):
        return f'"{_escape(value)}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        pairs = (f"{_key(key)} = {toml_value(inner)}" for key, inner in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    return repr(value)  # The value is a number, inf or nan.


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """Return the lines of a TOML table without its header: plain values first, then nested tables."""
    inner = {key: value for key, value in table.items() if _has_head(value)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if key not in inner]
    for key, value in inner.items():
        place = (*path, key)
        name = ".".join(map(_key, place))
        if isinstance(value, Mapping):
            lines += ["", f"[{name}]", *_table(value, place)]
        else:
            for item in value:
                lines += ["", f"[[{name}]]", *_table(item, place)]
    return lines


def _has_head(value: Any) -> bool:  # noqa: ANN401 - TOML values have no common type
    """Return whether a value gets its own TOML header: a long or nested table, or a list of tables."""
    if isinstance(value, Mapping):
        nested = any(isinstance(inner, Mapping | list | tuple) for inner in value.values())
        return nested or len(toml_value(value)) > MAX_LINE
    return (
        isinstance(value, list | tuple) and bool(value) and all(isinstance(item, Mapping) for item in value)
    )


def _value(value: Any) -> str:  # noqa: ANN401 - TOML values have no common type
    """Return a value as TOML, on several lines if it is long."""
    if len(toml_value(value)) <= MAX_LINE:
        return toml_value(value)
    if isinstance(value, str):
        # In TOML, a backslash at the end of a line removes the line break and all spaces that follow it. So a
        # space at the start of the next line is escaped.
        pieces = (value[at : at + MAX_LINE] for at in range(0, len(value), MAX_LINE))
        lines = (f"\\u0020{_escape(p[1:])}" if p[0] == " " else _escape(p) for p in pieces)
        return '"""\\\n' + "\\\n".join(lines) + '"""'
    if isinstance(value, list | tuple):
        return "[\n" + "".join(f"    {_value(item)},\n" for item in value) + "]"
    return toml_value(value)


def _key(key: str) -> str:
    plain = key.isascii() and key.replace("-", "a").replace("_", "a").isalnum()
    return key if plain else toml_value(key)


def _escape(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)[1:-1]
    return "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 1 << 16 else f"\\U{ord(c):08x}"
        for c in quoted
    )
