"""Where data/ is, what a page of TOML may hold, and a hint for a word that is not known."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from outage_analysis.errors import UsageError

Kind = Literal[
    "incidents", "policies", "assumptions", "layouts", "synthetic", "intakes", "grouped", "backtests"
]
MAX_LISTED = 12
MAX_TYPOS = 2
"""Letters by which a word may be off to be taken for another that decides what is paid."""


class Document(BaseModel):
    """A value read from TOML: frozen, and strict about keys and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def __eq__(self, other: object) -> bool:
        """Whether two pages say the same; what was computed from them since does not count."""
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in type(self).model_fields)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in type(self).model_fields)))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields replaced; what was computed from the old ones is forgotten."""
        copied = super().model_copy(update=update, deep=deep)
        for cached in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[cached]
        return copied


@dataclass(frozen=True)
class Unit:
    """What a number of a page counts; it annotates the type of a key."""

    name: str


def _plain_date(value: object) -> object:
    if isinstance(value, datetime) or not isinstance(value, date):
        # A ValueError, because pydantic turns no other into a message.
        raise ValueError(  # noqa: TRY004
            "is not a date; write it bare, as in 2022-12-29"
        )
    return value


Day = Annotated[date, BeforeValidator(_plain_date), Unit("date")]
"""A bare TOML date; a date-time or a quoted string is refused."""

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""Lower-case letters, digits, hyphen and underscore."""


class Text(Document):
    """Words in English and, where there are any, in Korean; a plain text stands for both."""

    en: str = Field(min_length=1)
    """In English."""
    ko: str = ""
    """In Korean; by default the English words are shown."""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        if not isinstance(value, str | dict | Text):
            raise ValueError(  # noqa: TRY004 - pydantic turns no other error into a message
                'is no text | Write it in quotes, or in both languages: { en = "...", ko = "..." }.'
            )
        return {"en": value} if isinstance(value, str) else value

    def __getitem__(self, lang: str) -> str:
        """The words in `lang`, or in English when there are none."""
        return (self.ko if lang == "ko" else self.en) or self.en


OptionalText = Annotated[Text | None, BeforeValidator(lambda value: value or None)]
"""A text that may be left out, or left empty."""


class Name(Text):
    """A short text."""

    en: str = Field(min_length=1, max_length=120)
    ko: str = Field(default="", max_length=120)


def package_root() -> Path:
    """The folder of the installed package."""
    return Path(__file__).resolve().parents[1]


def data_root() -> Path:
    """The checkout's data/ for an editable install, else the copy inside the wheel."""
    return _bundled("data")


def notebooks_root() -> Path:
    """Where the bundled notebooks are, found as data/ is."""
    return _bundled("notebooks")


def _bundled(name: str) -> Path:
    package = package_root()
    checkout = package.parents[1]
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    return package / name


def bundled_claims(incident: str) -> Path | None:
    """The bundled synthetic complaint file of an incident, if there is one."""
    path = data_root() / "claims" / f"{incident}-synthetic.parquet"
    return path if path.is_file() else None


def bundled_ids(kind: Kind) -> list[str]:
    """The bundled ids of a kind, sorted."""
    return sorted(p.stem for p in (data_root() / kind).glob("*.toml"))


def closest_word(word: str, known: list[str]) -> str | None:
    """The known word that is closest, if one is close.

    Words are compared as letters, Hangul syllables as their jamo: 톸 is close to 톡.
    """
    letters = {_letters(k): k for k in reversed(known)}
    close = difflib.get_close_matches(_letters(word), list(letters), n=1, cutoff=0.6)
    return letters[close[0]] if close else None


def likely_typo_of(word: str, known: list[str]) -> str | None:
    """The known word of which this is a slip of one letter or two, if it is of one.

    For words that decide what somebody is paid: 개인, a person, shares letters with 소상공인, a business.
    """
    told = _letters(word)
    slips = {k: _edit_distance(told, _letters(k)) for k in known}
    near = [k for k in known if slips[k] <= min(MAX_TYPOS, len(_letters(k)) // 3)]
    return min(near, key=lambda k: slips[k], default=None)


def _letters(word: str) -> str:
    return unicodedata.normalize("NFD", word.casefold())


def _edit_distance(one: str, other: str) -> int:
    """How many letters to put in, take out or change to make one word of the other; at most one too many."""
    if abs(len(one) - len(other)) > MAX_TYPOS:
        return MAX_TYPOS + 1
    before = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        row = [at]
        for to, wanted in enumerate(other):
            row.append(min(before[to] + (letter != wanted), before[to + 1] + 1, row[to] + 1))
        before = row
    return before[-1]


def listed_names(known: list[str]) -> str:
    """The first of the known words, and whether there are more."""
    return ", ".join(known[:MAX_LISTED]) + (", …" if len(known) > MAX_LISTED else ".")


def spelling_hint(
    word: str, known: list[str], by: Callable[[str, list[str]], str | None] = closest_word
) -> str:
    """A hint naming the closest known word, or the known words when none is close."""
    close = by(word, known)
    return f"Known: {listed_names(known)}" if close is None else f"Did you mean '{close}'?"


def is_file(path: Path) -> bool:
    """Whether a path is a file that can be reached; a name too long for the system is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def document_path(kind: Kind, id_or_path: str | Path) -> Path:
    """The file of a bundled id or of a path; a path serves wherever an id does.

    Raises:
        UsageError: neither a bundled id nor a file.
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
