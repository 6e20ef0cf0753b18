"""Read, validate and write TOML documents; an error names the line and the key."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Hashable, Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError

from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files.data_folder import Document, Kind, document_path, spelling_hint

MAX_TOML_BYTES, MAX_TOML_LINE = 500_000, 1_000
"""Larger documents and longer lines are refused, because tomllib is slow for long dotted keys."""
MOST_PARSED = 2_000_000
"""Most characters to parse in search of the line of a key. Beyond this, the error states no line."""

N = TypeVar("N", bound=Document)
T = TypeVar("T", bound=Hashable)


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
    return parse_document(model, _read_text(path), path.name)


def parse_document(model: type[N], text: str, file: str) -> N:
    """Validate the text of a TOML document against its class; `file` names it in errors.

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


def find_duplicate(names: Sequence[T]) -> T | None:
    """Return the most frequent of the values that occur more than once in a list; None if there is none."""
    return max(names, key=names.count) if len(set(names)) < len(names) else None


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_TOML_BYTES:
            raise UsageError(f"is larger than {MAX_TOML_BYTES:,} bytes", file=path.name)
        raw = path.read_bytes()
        if len(raw) > MAX_TOML_BYTES:
            raise UsageError(f"is larger than {MAX_TOML_BYTES:,} bytes", file=path.name)
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
        for number, line in enumerate(text.split("\n"), start=1):
            if len(line) > MAX_TOML_LINE:
                problem = f"a line is longer than {MAX_TOML_LINE:,} characters"
                raise UsageError(problem, file=path.name, line=number, remedy="Break it up.")
    except UnicodeDecodeError as error:
        raise UsageError(f"is not UTF-8 at byte {error.start}", file=path.name) from error
    except OSError as error:
        raise InputRefused(f"cannot be read: {error.strerror}", file=path.name) from error
    return text


def line_of(text: str, loc: Sequence[int | str]) -> int | None:
    """Return the number of the line on which the value of a key such as `line[0].over` starts.

    Returns None if the line cannot be determined.

    The line is found by bisection. It searches for the smallest number of first lines whose parsed values
    contain the key path.
    """
    lines = text.split("\n")
    left = MOST_PARSED

    def parsed(count: int) -> tuple[int, dict[str, Any]] | None:
        """Parse the first `count` lines, or as many more as are needed for valid TOML.

        A value of several lines may end below line `count`. Returns the number of lines and the values.
        """
        nonlocal left
        for end in range(count, len(lines) + 1):
            run = "\n".join(lines[:end])
            left -= len(run)
            if left < 0:
                return None
            try:
                return end, tomllib.loads(run)
            except (tomllib.TOMLDecodeError, RecursionError):
                continue
        return None

    # The search keeps this true: the first `low` lines lack the key path, and the first `high` lines contain
    # it.
    low, high = 0, len(lines)
    while high - low > 1:
        run = parsed((low + high) // 2)
        if run is None:
            return None
        if run[0] >= high or _contains_path(run[1], loc):
            high = (low + high) // 2
        else:
            low = run[0]
    return high


def _contains_path(document: Any, loc: Sequence[int | str]) -> bool:  # noqa: ANN401 - TOML values have no common type
    try:
        for step in loc:
            document = document[step]
    except (KeyError, IndexError, TypeError):
        return False
    return True


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
    loc = _path_in_file(detail["loc"], document)
    key = _key_path(loc, document)
    absent = detail["type"] == "missing"
    line = line_of(text, loc[: len(loc) - absent]) if len(loc) > absent else None
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    value = detail["input"] if isinstance(detail["input"], str | int | float | bool) else None
    if detail["type"] == "extra_forbidden":
        return UsageError(
            f"unknown key{more}",
            file=file,
            line=line,
            column=key,
            remedy=_remedy_for_unknown_key(str(detail["loc"][-1]), _known_keys(model)),
        )
    if detail["type"] == "union_tag_not_found":
        problem = f"a required key, kind, is missing{more}"
        return UsageError(problem, file=file, line=line, column=key, remedy=_kinds(model, loc))
    if absent:
        field = next((f for n, f in model.model_fields.items() if (f.alias or n) == key), None)
        is_list = field is not None and get_origin(field.annotation) is tuple
        remedy = f"Add at least one [[{key}]] table." if is_list else "Add it."
        return UsageError(f"a required key is missing{more}", file=file, line=line, column=key, remedy=remedy)
    message = detail["msg"].removeprefix("Value error, ")
    problem, _, remedy = message.partition(" | ")
    if detail["type"] == "too_long":
        remedy = "Merge what pays alike, or split the document."
    if detail["type"] == "int_type":
        remedy = "Write a whole number, without quotes."
    problem = problem[:1].lower() + problem[1:] if problem[1:2].islower() else problem
    return UsageError(problem + more, file=file, line=line, column=key, value=value, remedy=remedy)


def _path_in_file(loc: tuple[int | str, ...], document: dict[str, Any]) -> tuple[int | str, ...]:
    kept: list[int | str] = []
    here: Any = document
    for step in loc:
        tag = isinstance(here, dict) and step not in here and step == here.get("kind")
        if tag or (kept and here is not None and not isinstance(here, dict | tuple)):
            continue
        kept.append(step)
        if isinstance(step, int):
            here = here[step] if isinstance(here, tuple) and step < len(here) else None
        else:
            here = here.get(step) if isinstance(here, dict) else None
    return tuple(kept)


def _key_path(loc: tuple[int | str, ...], document: dict[str, Any]) -> str:
    parts: list[str] = []
    here: Any = document
    for step in loc:
        if isinstance(step, int):
            here = here[step] if isinstance(here, tuple) and step < len(here) else None
            label = here.get("id") if isinstance(here, dict) else None
            parts[-1] += f" '{label}'" if label else f" {step + 1}"
        else:
            here = here.get(step) if isinstance(here, dict) else None
            parts.append(step)
    return " > ".join(parts) or "the document"


def _kinds(model: type[Document], loc: tuple[int | str, ...]) -> str:
    key = next(step for step in reversed(loc) if isinstance(step, str))
    kinds: dict[str, None] = {}
    for inner_model in _documents_in(model):
        for name, field in inner_model.model_fields.items():
            if key == (field.alias or name):
                for kind in _documents_in(field.annotation, deep=False):
                    kind_field = kind.model_fields.get("kind")
                    kinds |= dict.fromkeys(get_args(kind_field.annotation) if kind_field else ())
    return "Known: " + ", ".join(kinds) + "."


def _known_keys(model: type[Document]) -> list[str]:
    return sorted(
        {f.alias or n for inner_model in _documents_in(model) for n, f in inner_model.model_fields.items()}
    )


def _documents_in(annotation: Any, *, deep: bool = True) -> list[type[Document]]:  # noqa: ANN401 - of any type
    """Return the document classes (tables of TOML keys) in a type annotation, without repetition.

    If `deep` is true, classes nested in these classes are included.
    """
    seen: dict[type[Document], None] = {}

    def walk(inner: Any) -> None:  # noqa: ANN401 - annotations have no common type
        if isinstance(inner, type) and issubclass(inner, Document) and inner not in seen:
            seen[inner] = None
            for field in inner.model_fields.values() if deep else ():
                walk(field.annotation)
        for part in getattr(inner, "__args__", ()):
            walk(part)

    walk(annotation)
    return list(seen)


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


def _remedy_for_unknown_key(key: str, known: list[str]) -> str:
    if key in known:
        return "It belongs to another table, or to another kind of line."
    return spelling_hint(key, known)
