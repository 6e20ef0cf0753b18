"""How a page of TOML becomes a frozen noun, and where on the page it went wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError

from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files.data_folder import Document, Kind, document_path, spelling_hint
from outage_analysis.files.toml_writer import toml_document

MAX_TOML_BYTES, MAX_TOML_LINE = 500_000, 1_000
"""Larger pages, or longer lines, are refused: the parser's time grows with the square of a dotted key."""
MOST_PARSED = 2_000_000
"""Characters parsed to find the line of a key; a page that takes more is not told its line."""

N = TypeVar("N", bound=Document)
T = TypeVar("T", bound=Hashable)


def read_document(model: type[N], kind: Kind, id_or_path: str | Path) -> N:
    """Read and check one TOML page.

    Raises:
        UsageError: unreadable TOML, an unknown key, a wrong type or a broken rule, by name.
    """
    path = document_path(kind, id_or_path)
    text, values = _read_values(path)
    page = _with_tuples(values)
    try:
        return model.model_validate(page)
    except ValidationError as error:
        try:
            refusal = _as_usage_error(error, model, path.name, page, text)
        except RecursionError:  # read, but too deep to be told apart
            refusal = UsageError("is not valid TOML for us: it is nested too deeply", file=path.name)
        raise refusal from error


def document_text(path: Path) -> str:
    """The values of a TOML page, written again without its comments.

    Raises:
        UsageError: unreadable TOML.
    """
    return toml_document(_read_values(path)[1])


def find_duplicate(names: Sequence[T]) -> T | None:
    """What stands in a list more than once, the most frequent first; None where each stands once."""
    return max(names, key=names.count) if len(set(names)) < len(names) else None


def _read_values(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a page and its values."""
    text = _read_text(path)
    try:
        return text, tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond Python's limits
        raise UsageError(f"is not valid TOML: {error}", file=path.name) from error


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
    """The line of a TOML text where the value of a key path starts; None when that cannot be told.

    The value is there once the text is long enough to hold it, so the parser itself finds it: by
    halving, the shortest run of lines that has it. It starts where the run before it ended.
    """
    lines = text.split("\n")
    left = MOST_PARSED

    def parsed(count: int) -> tuple[int, dict[str, Any]] | None:
        """The shortest whole run of at least `count` lines; a long value ends some lines below."""
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

    low, high = 0, len(lines)  # a run of `low` lines lacks it, one of `high` lines has it
    while high - low > 1:
        run = parsed((low + high) // 2)
        if run is None:
            return None
        if run[0] >= high or _contains_path(run[1], loc):
            high = (low + high) // 2
        else:
            low = run[0]
    return high


def _contains_path(page: Any, loc: Sequence[int | str]) -> bool:  # noqa: ANN401 - TOML values have no common type
    try:
        for step in loc:
            page = page[step]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _with_tuples(value: Any) -> Any:  # noqa: ANN401 - TOML values have no common type
    """Arrays as tuples, all the way down: nouns are frozen."""
    if isinstance(value, dict):
        return {key: _with_tuples(inner) for key, inner in value.items()}
    return tuple(_with_tuples(inner) for inner in value) if isinstance(value, list) else value


def _as_usage_error(
    error: ValidationError, model: type[Document], file: str, page: dict[str, Any], text: str
) -> UsageError:
    """One broken rule on one line, with the key's path in the file and its line."""
    # A list whose parts were all refused is also called too short: that is no second mistake.
    every = error.errors(include_url=False)
    details = [d for d in every if d["type"] != "too_short" or not d["input"]]
    # A misspelt key also leaves the right one missing: the spelling is what to tell.
    first = next((d for d in details if d["type"] == "extra_forbidden"), details[0])
    loc = _path_in_file(first["loc"], page)
    key = _key_path(loc, page)
    absent = first["type"] == "missing"
    line = line_of(text, loc[: len(loc) - absent]) if len(loc) > absent else None
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    value = first["input"] if isinstance(first["input"], str | int | float | bool) else None
    if first["type"] == "extra_forbidden":
        return UsageError(
            f"unknown key{more}",
            file=file,
            line=line,
            column=key,
            remedy="It belongs to another table, or to another kind of line."
            if str(first["loc"][-1]) in _known_keys(model)
            else spelling_hint(str(first["loc"][-1]), _known_keys(model)),
        )
    if first["type"] == "union_tag_not_found":
        problem = f"a required key, kind, is missing{more}"
        return UsageError(problem, file=file, line=line, column=key, remedy=_kinds(model, loc))
    if absent:
        field = next((f for n, f in model.model_fields.items() if (f.alias or n) == key), None)
        several = field is not None and get_origin(field.annotation) is tuple
        remedy = f"Add at least one [[{key}]] table." if several else "Add it."
        return UsageError(f"a required key is missing{more}", file=file, line=line, column=key, remedy=remedy)
    message = first["msg"].removeprefix("Value error, ")
    problem, _, remedy = message.partition(" | ")
    if first["type"] == "too_long":
        remedy = "Merge what pays alike, or split the page."
    if first["type"] == "int_type":
        remedy = "Write a whole number, without quotes."
    problem = problem[:1].lower() + problem[1:] if problem[1:2].islower() else problem
    return UsageError(problem + more, file=file, line=line, column=key, value=value, remedy=remedy)


def _path_in_file(loc: tuple[int | str, ...], page: dict[str, Any]) -> tuple[int | str, ...]:
    """A path without the branches of tagged unions: pydantic names them, the file does not."""
    kept: list[int | str] = []
    here: Any = page
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


def _key_path(loc: tuple[int | str, ...], page: dict[str, Any]) -> str:
    """`line[0].band[1].over` as `line 'tiers' > band 2 > over`: ids are easier to find than indices."""
    parts: list[str] = []
    here: Any = page
    for step in loc:
        if isinstance(step, int):
            here = here[step] if isinstance(here, tuple) and step < len(here) else None
            label = here.get("id") if isinstance(here, dict) else None
            parts[-1] += f" '{label}'" if label else f" {step + 1}"
        else:
            here = here.get(step) if isinstance(here, dict) else None
            parts.append(step)
    return " > ".join(parts) or "the page"


def _kinds(model: type[Document], loc: tuple[int | str, ...]) -> str:
    """The kinds that the tables under a key may be of."""
    key = next(step for step in reversed(loc) if isinstance(step, str))
    found: dict[str, None] = {}
    for noun in _documents_in(model):
        for name, field in noun.model_fields.items():
            if (field.alias or name) == key:
                for kind in _documents_in(field.annotation, deep=False):
                    told = kind.model_fields.get("kind")
                    found |= dict.fromkeys(get_args(told.annotation) if told else ())
    return "Known: " + ", ".join(found) + "."


def _known_keys(model: type[Document]) -> list[str]:
    """Every key of the model and of the nouns inside it, by its name in the file."""
    return sorted({f.alias or n for noun in _documents_in(model) for n, f in noun.model_fields.items()})


def _documents_in(annotation: Any, *, deep: bool = True) -> list[type[Document]]:  # noqa: ANN401 - of any type
    """The nouns that an annotation names and, if deep, those inside them, each once."""
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
