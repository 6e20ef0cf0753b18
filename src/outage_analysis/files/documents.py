"""Read, validate, change and write TOML documents; an error names the line and the key."""

from __future__ import annotations

import json
import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, time
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files.data_folder import (
    Document,
    Kind,
    Name,
    NamedDocument,
    document_path,
    spelling_hint,
)

MAX_TOML_BYTES, MAX_TOML_LINE = 500_000, 1_000
"""Larger documents and longer lines are refused, because tomllib is slow for long dotted keys."""
MOST_PARSED = 2_000_000
"""Most characters to parse in search of the line of a key. Beyond this, the error states no line."""
REMEDIES = {
    "extra_forbidden": "It belongs to another table, or to another kind of line.",
    "too_long": "Merge what pays alike, or split the document.",
    "int_type": "Write a whole number, without quotes.",
}
"""Type of a pydantic error -> what the author can do."""

N = TypeVar("N", bound=Document)
C = TypeVar("C", bound=NamedDocument)


def read_document(model: type[N], kind: Kind, id_or_path: str | Path | N) -> N:
    """Read a TOML document and validate it against its class.

    Args:
        model: the class of the document, which defines its keys.
        kind: the folder under data/ that contains the bundled documents.
        id_or_path: a bundled id, or the path of a TOML file. A document is returned as it is.

    Raises:
        UsageError: the TOML is invalid, or a key is unknown or has an invalid value.
    """
    if isinstance(id_or_path, model):
        return id_or_path
    if not isinstance(id_or_path, str | Path):
        noun = model.__name__.lower()
        raise UsageError(
            f"is no {noun}",
            value=type(id_or_path).__name__,
            remedy=f"Give a bundled id, the path of a TOML file, or a {model.__name__}.",
        )
    path = document_path(kind, id_or_path)
    document: N = parse_document(model, _read_text(path), path.name)
    return document


@lru_cache(maxsize=32)
def parse_document(model: type[N], text: str, file: str) -> N:
    """Validate the text of a TOML document against its class; `file` names it in errors.

    A run reads some documents twice; documents cannot be changed, so the text is parsed once.

    Raises:
        UsageError: the TOML is invalid, or a key is unknown or has an invalid value.
    """
    try:
        document = _lists_to_tuples(tomllib.loads(text))
    # ValueError is also raised for numbers, and RecursionError for nesting, beyond Python's limits.
    except (ValueError, RecursionError) as error:
        raise UsageError(f"is not valid TOML: {error}", file=file) from error
    try:
        return model.model_validate(document)
    except ValidationError as error:
        try:
            refusal = _as_usage_error(error, model, file, document, text)
        except RecursionError:  # The document is valid TOML, but nested too deeply to locate the error.
            refusal = UsageError("is not valid TOML for us: it is nested too deeply", file=file)
        raise refusal from error


def document_text(document: Document) -> str:
    """Return a document as TOML text, in the order of its class and without comments.

    Reading the text gives an equal document. Keys that nobody stated keep their defaults and are left out.
    """
    return toml_document(document.model_dump(by_alias=True, exclude_unset=True))


MAX_ID, MAX_NAME = 64, 120
"""Most characters of an id and of a name."""
CHANGED_SUFFIX = "-changed"
CHANGED_MARKS = {"en": " (changed)", "ko": " (변경)"}


def validated_copy(document: N, **changes: object) -> N:
    """Return a copy of a document with some fields replaced, after checking the document's rules again.

    Args:
        document: the document.
        **changes: field -> its new value. Nested documents are given as documents.

    Raises:
        UsageError: the changed document breaks one of its rules.
    """
    kind = type(document)
    values = {name: getattr(document, name) for name in document.model_fields_set} | changes
    try:
        return kind.model_validate({kind.model_fields[name].alias or name: v for name, v in values.items()})
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        problem, _, remedy = message.partition(" | ")
        raise UsageError(f"{getattr(document, 'id', 'the document')}: {problem}", remedy=remedy) from error


def changed_copy(document: C, **changes: object) -> C:
    """Return a copy as `validated_copy` does, marked as changed: its id ends in `-changed`, once.

    The name is marked in both languages.
    """
    names = {}
    for lang, mark in CHANGED_MARKS.items():
        bare = document.name[lang].removesuffix(CHANGED_MARKS["en"]).removesuffix(mark)
        names[lang] = bare[: MAX_NAME - len(mark)] + mark
    kept = document.id.removesuffix(CHANGED_SUFFIX)[: MAX_ID - len(CHANGED_SUFFIX)]
    return validated_copy(document, id=kept + CHANGED_SUFFIX, name=Name(**names), **changes)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_TOML_BYTES + 1)
        if len(raw) > MAX_TOML_BYTES:
            raise UsageError(f"is larger than {MAX_TOML_BYTES:,} bytes", file=path.name)
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"is not UTF-8 at byte {error.start}", file=path.name) from error
    except OSError as error:
        raise InputRefused(f"cannot be read: {error.strerror}", file=path.name) from error
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > MAX_TOML_LINE:
            problem = f"a line is longer than {MAX_TOML_LINE:,} characters"
            raise UsageError(problem, file=path.name, line=number, remedy="Break it up.")
    return text


def line_of(text: str, loc: Sequence[int | str]) -> int | None:
    """Return the number of the line on which the value of a key such as `line[0].over` starts.

    Returns None if the line cannot be determined.

    The line is found by bisection. It searches for the smallest number of first lines whose parsed values
    contain the key path.
    """
    lines = text.split("\n")
    left = MOST_PARSED

    def is_reached(count: int) -> bool:
        """Whether the first `count` lines, or as many more as valid TOML needs, contain the key path.

        A value of several lines may end below line `count`.
        """
        nonlocal left
        for end in range(count, len(lines) + 1):
            run = "\n".join(lines[:end])
            left -= len(run)
            if left < 0:
                break
            with suppress(tomllib.TOMLDecodeError, RecursionError):
                return _value_at(tomllib.loads(run), loc) is not None
        return True

    line = bisect_left(range(1, len(lines)), 1, key=is_reached) + 1
    return line if left >= 0 else None


def _value_at(document: Any, loc: Sequence[int | str]) -> Any:  # noqa: ANN401 - TOML values have no common type
    """Return the value at a path of keys and indexes; None if there is none."""
    for step in loc:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _lists_to_tuples(value: Any) -> Any:  # noqa: ANN401 - TOML values have no common type
    """Return a TOML value with all lists converted to tuples, because documents are immutable."""
    if isinstance(value, dict):
        return {key: _lists_to_tuples(inner) for key, inner in value.items()}
    return tuple(_lists_to_tuples(inner) for inner in value) if isinstance(value, list) else value


def _as_usage_error(
    error: ValidationError, model: type[Document], file: str, document: dict[str, Any], text: str
) -> UsageError:
    # If all items of a list are invalid, pydantic also reports that the list is too short. This is not a
    # second mistake.
    all_details = error.errors(include_url=False)
    details = [d for d in all_details if d["type"] != "too_short" or not d["input"]]
    # Pydantic reports a misspelt key twice: as an unknown key and as a missing key. The unknown key explains
    # the mistake better.
    detail = next((d for d in details if d["type"] == "extra_forbidden"), details[0])
    loc, key = _place(detail["loc"], document)
    absent = detail["type"] == "missing"
    line = line_of(text, loc[: len(loc) - absent]) if len(loc) > absent else None
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    value = detail["input"] if isinstance(detail["input"], str | int | float | bool) else None
    place: dict[str, Any] = {"file": file, "line": line, "column": key}
    if detail["type"] == "extra_forbidden":
        known = sorted({known_key for known_key, _ in _fields(model, set())})
        word = str(detail["loc"][-1])
        remedy = REMEDIES[detail["type"]] if word in known else spelling_hint(word, known)
        return UsageError(f"unknown key{more}", **place, remedy=remedy)
    if detail["type"] == "union_tag_not_found":
        table = next(step for step in reversed(loc) if isinstance(step, str))
        fields = [field for known_key, field in _fields(model, set()) if known_key == table]
        kinds = [kind.model_fields.get("kind") for field in fields for kind in _classes(field.annotation)]
        known = list(dict.fromkeys(name for kind in kinds if kind for name in get_args(kind.annotation)))
        remedy = f"Known: {', '.join(known)}."
        return UsageError(f"a required key, kind, is missing{more}", **place, remedy=remedy)
    if absent:
        field = next((f for n, f in model.model_fields.items() if (f.alias or n) == key), None)
        is_list = field is not None and get_origin(field.annotation) is tuple
        remedy = f"Add at least one [[{key}]] table." if is_list else "Add it."
        return UsageError(f"a required key is missing{more}", **place, remedy=remedy)
    message = detail["msg"].removeprefix("Value error, ")
    problem, _, remedy = message.partition(" | ")
    remedy = REMEDIES.get(detail["type"], remedy)
    problem = problem[:1].lower() + problem[1:] if problem[1:2].islower() else problem
    return UsageError(problem + more, **place, value=value, remedy=remedy)


def _place(loc: tuple[int | str, ...], document: dict[str, Any]) -> tuple[list[int | str], str]:
    """Return the path of a value in the file and its name in an error, without pydantic's own steps."""
    path: list[int | str] = []
    names: list[str] = []
    here: Any = document
    for step in loc:
        tag = isinstance(here, dict) and step not in here and step == here.get("kind")
        if tag or (path and here is not None and not isinstance(here, dict | tuple)):
            continue
        path.append(step)
        here = _value_at(here, (step,))
        if isinstance(step, int):
            label = here.get("id") if isinstance(here, dict) else None
            names[-1] += f" '{label}'" if label else f" {step + 1}"
        else:
            names.append(step)
    return path, " > ".join(names) or "the document"


def _fields(annotation: Any, seen: set[type[Document]]) -> Iterator[tuple[str, FieldInfo]]:  # noqa: ANN401
    """Yield every key of the tables in a type annotation and inside them, with its field."""
    for model in _classes(annotation):
        if model not in seen:
            seen.add(model)
            for name, field in model.model_fields.items():
                yield field.alias or name, field
                yield from _fields(field.annotation, seen)


def _classes(annotation: Any) -> list[type[Document]]:  # noqa: ANN401 - annotations have no common type
    """Return the document classes (tables of TOML keys) that a type annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, Document):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _classes(part)]


MAX_LINE = 100
"""Most characters of a TOML line whose value can be divided over several lines."""


def toml_document(document: Mapping[str, Any]) -> str:
    """Return the values of a document, in the form in which `tomllib` reads them, as TOML text.

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
    return repr(value)  # Python writes numbers, inf and nan as TOML does.


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
