"""The location of the folder data/, base classes of TOML documents, and hints for misspelt words."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from outage_analysis.errors import UsageError

Kind = Literal[
    "incidents",
    "policies",
    "assumptions",
    "layouts",
    "synthetic",
    "intakes",
    "grouped",
    "backtests",
    "scenarios",
]
MAX_LISTED = 12
MAX_TYPOS = 2
"""Most letters by which a word may differ from a known word, if the word decides who is paid."""


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
    if isinstance(value, datetime) or not isinstance(value, date):
        # This is a ValueError, because pydantic converts only ValueError to a validation message.
        raise ValueError(  # noqa: TRY004
            "is not a date; write it bare, as in 2022-12-29"
        )
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
        if not isinstance(value, str | dict | Text):
            raise ValueError(  # noqa: TRY004 - pydantic turns only ValueError into a message
                'is no text | Write it in quotes, or in both languages: { en = "...", ko = "..." }.'
            )
        return {"en": value} if isinstance(value, str) else value

    def __getitem__(self, lang: str) -> str:
        """Return the text in a language, or the English text if there is no translation."""
        return (self.ko if lang == "ko" else self.en) or self.en


OptionalText = Annotated[Text | None, BeforeValidator(lambda value: value or None)]
"""A text that may be missing or empty."""


class Name(Text):
    """A short text of at most 120 characters."""

    en: str = Field(min_length=1, max_length=120)
    ko: str = Field(default="", max_length=120)


class NamedDocument(Document):
    """A document, or a part of one, that tables, commands or other documents refer to."""

    id: Identifier
    """The id in tables, commands and other documents."""
    name: Name
    """The name for readers."""


def package_root() -> Path:
    """Return the folder of the installed package."""
    return Path(__file__).resolve().parents[1]


def data_root() -> Path:
    """Return the path of data/: in the repository for an editable install, else in the installed package."""
    return _bundled_folder("data")


def notebooks_root() -> Path:
    """Return the folder of the bundled notebooks: in the repository if editable, else in the package."""
    return _bundled_folder("notebooks")


def _bundled_folder(name: str) -> Path:
    package = package_root()
    checkout = package.parents[1]
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    return package / name


def bundled_claims(incident: str) -> Path | None:
    """Return the path of the bundled synthetic complaint file of an incident; None if there is none."""
    path = data_root() / "claims" / f"{incident}-synthetic.parquet"
    return path if path.is_file() else None


def bundled_ids(kind: Kind) -> list[str]:
    """Return the sorted ids of the bundled documents of one kind, such as policies."""
    return sorted(p.stem for p in (data_root() / kind).glob("*.toml"))


def closest_word(word: str, known: list[str]) -> str | None:
    """Return the known word that is most similar to a word; None if none is similar.

    Korean syllables are compared letter by letter, so 톸 is close to 톡.
    """
    letters = {_decompose(k): k for k in reversed(known)}
    close = difflib.get_close_matches(_decompose(word), list(letters), n=1, cutoff=0.6)
    return letters[close[0]] if close else None


def likely_typo_of(word: str, known: list[str]) -> str | None:
    """Return the known word from which a word differs by one or two letters; None if there is none.

    Use this function for words that decide who is paid. `closest_word` would be too tolerant: 개인 (a person)
    shares letters with 소상공인 (a small business).
    """
    letters = _decompose(word)
    distances = {k: _edit_distance(letters, _decompose(k)) for k in known}
    candidates = [k for k in known if distances[k] <= min(MAX_TYPOS, len(_decompose(k)) // 3)]
    return min(candidates, key=lambda k: distances[k], default=None)


def _decompose(word: str) -> str:
    """Return a word in lower case, with Korean syllables split into their letters."""
    return unicodedata.normalize("NFD", word.casefold())


def _edit_distance(one: str, other: str) -> int:
    if abs(len(one) - len(other)) > MAX_TYPOS:
        return MAX_TYPOS + 1
    previous = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        row = [at]
        for to, wanted in enumerate(other):
            row.append(min(previous[to] + (letter != wanted), previous[to + 1] + 1, row[to] + 1))
        previous = row
    return previous[-1]


def listed_names(known: list[str]) -> str:
    """Return the first of the known words, separated by commas. An ellipsis shows that there are more."""
    return ", ".join(known[:MAX_LISTED]) + (", …" if len(known) > MAX_LISTED else ".")


def spelling_hint(
    word: str, known: list[str], by: Callable[[str, list[str]], str | None] = closest_word
) -> str:
    """Return a hint that suggests the closest known word, or lists the known words if none is close."""
    close = by(word, known)
    return f"Known: {listed_names(known)}" if close is None else f"Did you mean '{close}'?"


def is_file(path: Path) -> bool:
    """Return whether a path is an accessible file; false if the name is too long for the system."""
    try:
        return path.is_file()
    except OSError:
        return False


def document_path(kind: Kind, id_or_path: str | Path) -> Path:
    """Return the path of a TOML document, given its bundled id or a path.

    Raises:
        UsageError: the value is neither a bundled id nor the path of a TOML file.
    """
    text = str(id_or_path)
    if isinstance(id_or_path, str) and re.fullmatch(r"[a-z0-9][a-z0-9_-]*", text):
        bundled = data_root() / kind / f"{text}.toml"
        if is_file(bundled):
            return bundled
    path = Path(text)
    if path.suffix == ".toml" and is_file(path):
        return path
    problem = "no such file" if path.suffix == ".toml" else f"no such id in {kind}"
    raise UsageError(
        problem,
        file=text,
        remedy=f"Give a path to a .toml file or a bundled id. {spelling_hint(text, bundled_ids(kind))}",
    )
