"""The folder data/ and its TOML documents: base classes, and functions that read, change and write documents.

An error names the line and the key, and suggests the closest known word.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
import unicodedata
from bisect import bisect_left
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from outage_analysis.errors import InputRefused, UsageError

Kind = Literal[
    "incidents", "policies", "assumptions", "layouts", "intakes", "grouped", "backtests", "scenarios"
]
MAX_ID, MAX_NAME = 64, 120
"""Most characters of an id and of a name."""
MAX_LISTED = 12


class Document(BaseModel):
    """Base class of TOML documents: immutable, with errors for unknown keys and wrong types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    @model_validator(mode="after")
    def _keeps_its_rules(self) -> Self:
        self._check()
        return self

    def _check(self) -> None:
        """Refuse values that contradict each other. A subclass also calls its base class."""

    def __eq__(self, other: object) -> bool:
        """Return whether two documents have equal fields. Cached properties are ignored."""
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in type(self).model_fields)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in type(self).model_fields)))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields replaced and without cached properties."""
        copied = super().model_copy(update=update, deep=deep)
        for cached in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[cached]
        return copied


def refuse_if(wrong: object, problem: str) -> None:
    """Refuse a document if something in it is wrong.

    Args:
        wrong: whether it is wrong; also a value that is empty if nothing is wrong.
        problem: what is wrong, and after " | " what the author can do.

    Raises:
        ValueError: it is wrong. Pydantic adds the place in the document.
    """
    if wrong:
        raise ValueError(problem)


def refuse_repeated(values: Sequence[Hashable], problem: str) -> None:
    """Refuse a document in which a value occurs more than once; `{}` in `problem` stands for the value.

    Raises:
        ValueError: a value occurs more than once; of several such values, the most frequent is named.
    """
    if len(set(values)) < len(values):
        raise ValueError(problem.format(max(values, key=values.count)))


@dataclass(frozen=True)
class Unit:
    """The unit of a number in a TOML document. It annotates the type of the key that has the number."""

    name: str


def _plain_date(value: object) -> object:
    refuse_if(type(value) is not date, "is not a date; write it bare, as in 2022-12-29")
    return value


Day = Annotated[date, BeforeValidator(_plain_date), Unit("date")]
"""A TOML date without quotes; a date-time or a string is rejected."""

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""An id of lower-case letters, digits, hyphens and underscores."""


class Text(Document):
    """A text in English and optionally in Korean. A plain string is used for both languages."""

    en: str = Field(min_length=1)
    """The English text."""
    ko: str = ""
    """The Korean text; by default the English text is used."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        remedy = 'Write it in quotes, or in both languages: { en = "...", ko = "..." }.'
        refuse_if(not isinstance(value, str | dict | Text), f"is no text | {remedy}")
        return {"en": value} if isinstance(value, str) else value

    def __getitem__(self, lang: str) -> str:
        """Return the text in a language, or the English text if there is no translation."""
        return (self.ko if lang == "ko" else self.en) or self.en


OptionalText = Annotated[Text | None, BeforeValidator(lambda value: value or None)]
"""A text that may be missing or empty."""


class Name(Text):
    """A short text of at most 120 characters."""

    en: str = Field(min_length=1, max_length=MAX_NAME)
    ko: str = Field(default="", max_length=MAX_NAME)


class NamedDocument(Document):
    """A document, or a part of one, that tables, commands or other documents refer to."""

    id: Identifier
    """The id in tables, commands and other documents."""
    name: Name
    """The name for readers."""


def package_root() -> Path:
    """Return the folder of the installed package."""
    return Path(__file__).resolve().parents[1]


def data_root(name: str = "data") -> Path:
    """Return the path of data/: in the repository for an editable install, else in the installed package."""
    package = package_root()
    checkout = package.parents[1]
    is_editable = (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir()
    return (checkout if is_editable else package) / name


def notebooks_root() -> Path:
    """Return the folder of the bundled notebooks: in the repository if editable, else in the package."""
    return data_root("notebooks")


def bundled_claims(incident: str) -> Path | None:
    """Return the path of the bundled synthetic complaint file of an incident; None if there is none."""
    path = data_root() / "claims" / f"{incident}-synthetic.parquet"
    return path if path.is_file() else None


def bundled_ids(kind: Kind) -> list[str]:
    """Return the sorted ids of the bundled documents of one kind, such as policies."""
    return sorted(p.stem for p in (data_root() / kind).glob("*.toml"))


def _letters(word: str) -> str:
    return unicodedata.normalize("NFD", word.casefold())


def likely_typo_of(word: str, known: list[str], alike: float = 0.8, longer: int = 2) -> str | None:
    """Return the known word that was probably meant; None if none has nearly the same letters.

    Korean syllables are compared letter by letter, so 톸 is close to 톡. The words may decide who is paid:
    개인 (a person) shares letters with 소상공인 (a small business), and does not mean it.

    Args:
        word: a word.
        known: the known words.
        alike: how similar the two must be, from 0 to 1.
        longer: the largest difference of their lengths.
    """
    words = {_letters(k): k for k in reversed(known) if abs(len(_letters(k)) - len(_letters(word))) <= longer}
    close = difflib.get_close_matches(_letters(word), list(words), n=1, cutoff=alike)
    return words[close[0]] if close else None


def listed_names(known: list[str]) -> str:
    """Return the first of the known words, separated by commas. An ellipsis shows that there are more."""
    return ", ".join(known[:MAX_LISTED]) + (", …" if len(known) > MAX_LISTED else ".")


def spelling_hint(word: str, known: list[str]) -> str:
    """Return a hint that suggests the closest known word, or lists the known words if none is close."""
    close = likely_typo_of(word, known, alike=0.6, longer=MAX_NAME)
    return f"Known: {listed_names(known)}" if close is None else f"Did you mean '{close}'?"


def is_file(path: Path) -> bool:
    """Return whether a path is an accessible file; false if the name is too long for the system."""
    try:
        return path.is_file()
    except OSError:
        return False


MAX_TOML_BYTES, MAX_TOML_LINE = 500_000, 1_000
"""Larger documents and longer lines are refused, because tomllib is slow for long dotted keys."""
MOST_PARSED = 2_000_000
"""Most characters to parse in search of the line of a key. Beyond this, the error states no line."""
PROBLEMS = {
    "extra_forbidden": "unknown key",
    "missing": "a required key is missing",
    "union_tag_not_found": "a required key, kind, is missing",
}
"""Type of a pydantic error -> what is wrong, where pydantic's own words are about Python."""
REMEDIES = {
    "missing": "Add it.",
    "union_tag_not_found": "Add it.",
    "extra_forbidden": "It belongs to another table, or to another kind of line.",
    "too_long": "Merge what pays alike, or split the document.",
    "int_type": "Write a whole number, without quotes.",
    "timezone_aware": "Write it with its UTC offset, as in 2022-10-15T15:30:00+09:00.",
    "literal_error": "Write one of these words.",
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
        problem, given = f"is no {model.__name__.lower()}", type(id_or_path).__name__
        raise UsageError(
            problem, value=given, remedy=f"Give a bundled id, the path of a TOML file, or a {model.__name__}."
        )
    path, bundled = Path(id_or_path), bundled_ids(kind)
    if id_or_path in bundled:
        path = data_root() / kind / f"{id_or_path}.toml"
    elif path.suffix != ".toml" or not is_file(path):
        problem = "no such file" if path.suffix == ".toml" else f"no such id in {kind}"
        remedy = f"Give a path to a .toml file or a bundled id. {spelling_hint(str(id_or_path), bundled)}"
        raise UsageError(problem, file=id_or_path, remedy=remedy)
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
        raise _as_usage_error(error, model, file, document, text) from error


def document_text(document: Document) -> str:
    """Return a document as TOML text, in the order of its class and without comments.

    Reading the text gives an equal document. Keys that nobody stated keep their defaults and are left out.
    """
    return toml_document(document.model_dump(by_alias=True, exclude_unset=True, exclude_none=True))


CHANGED_SUFFIX = "-changed"
CHANGED_MARKS = {"en": " (changed)", "ko": " (변경)"}


def _plain_words(detail: ErrorDetails) -> tuple[str, str | float | None, str]:
    """Return what is wrong, the value and the remedy of an error that pydantic found."""
    problem, _, remedy = detail["msg"].removeprefix("Value error, ").partition(" | ")
    problem = problem[:1].lower() + problem[1:] if problem[1:2].islower() else problem
    value = detail["input"] if isinstance(detail["input"], str | int | float) else None
    return PROBLEMS.get(detail["type"], problem), value, REMEDIES.get(detail["type"], remedy)


@contextmanager
def usage_errors(what: str) -> Iterator[None]:
    """Raise a UsageError about `what` for the first rule that a document breaks inside the block."""
    try:
        yield
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        problem, value, remedy = _plain_words(detail)
        key = next((f", {step}" for step in reversed(detail["loc"]) if isinstance(step, str)), "")
        raise UsageError(f"{what}{key}: {problem}", value=value, remedy=remedy) from error


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
    with usage_errors(getattr(document, "id", f"the {kind.__name__.lower()}")):
        return kind.model_validate({kind.model_fields[name].alias or name: v for name, v in values.items()})


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
    problem, value, remedy = _plain_words(detail)
    if detail["type"] == "extra_forbidden":
        schema, word = model.model_json_schema(), str(detail["loc"][-1])
        tables = (schema, *schema.get("$defs", {}).values())
        known = sorted({known_key for table in tables for known_key in table.get("properties", ())})
        remedy = remedy if word in known else spelling_hint(word, known)
        value = None
    problem += f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return UsageError(problem, file=file, line=line, column=key, value=value, remedy=remedy)


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
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(x, Mapping) for x in value)


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
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)


def _escape(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)[1:-1]
    return "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 1 << 16 else f"\\U{ord(c):08x}"
        for c in quoted
    )
