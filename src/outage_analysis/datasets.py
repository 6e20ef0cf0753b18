"""Where data/ is, and how a page of TOML becomes a frozen noun."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from outage_analysis.errors import InputRefused, UsageError

Kind = Literal["incidents", "policies", "assumptions", "synthetic"]
MAX_TOML_BYTES = 2_000_000
MOST_NAMED = 12


class Noun(BaseModel):
    """A value read from TOML: frozen, and strict about keys and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


def _plain_date(value: object) -> object:
    if isinstance(value, datetime) or not isinstance(value, date):
        # A ValueError, because pydantic turns no other into a message.
        raise ValueError(  # noqa: TRY004
            "is not a date; write it bare, as in 2022-12-29"
        )
    return value


Day = Annotated[date, BeforeValidator(_plain_date)]
"""A bare TOML date; a date-time or a quoted string is refused."""

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""Lower-case letters, digits, hyphen and underscore."""


class Text(Noun):
    """Words in English and, where there are any, in Korean."""

    en: str = Field(min_length=1)
    ko: str = ""

    def __getitem__(self, lang: str) -> str:
        """The words in `lang`, or in English when there are none."""
        return (self.ko if lang == "ko" else self.en) or self.en


class Name(Text):
    """A short text."""

    en: str = Field(min_length=1, max_length=120)


def data_root() -> Path:
    """The checkout's data/ for an editable install, else the copy inside the wheel."""
    package = Path(__file__).resolve().parent
    checkout = package.parents[1]
    if (checkout / "pyproject.toml").is_file() and (checkout / "data").is_dir():
        return checkout / "data"
    return package / "data"


def ids(kind: Kind) -> list[str]:
    """The bundled ids of a kind, sorted."""
    return sorted(p.stem for p in (data_root() / kind).glob("*.toml"))


def nearest(word: str, known: list[str]) -> str:
    """A hint naming the closest known word, or the known words when none is close.

    Words are compared as letters, Hangul syllables as their jamo: 톸 is close to 톡.
    """
    letters = {unicodedata.normalize("NFD", k.casefold()): k for k in reversed(known)}
    close = difflib.get_close_matches(
        unicodedata.normalize("NFD", word.casefold()), list(letters), n=1, cutoff=0.5
    )
    if close:
        return f"Did you mean '{letters[close[0]]}'?"
    return "Known: " + ", ".join(known[:MOST_NAMED]) + (", …" if len(known) > MOST_NAMED else ".")


def is_file(path: Path) -> bool:
    """Whether a path is a file that can be reached; a name too long for the system is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def resolve(kind: Kind, id_or_path: str | Path) -> Path:
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
        remedy=f"Give a path to a .toml file or a bundled id. {nearest(text, ids(kind))}",
    )


N = TypeVar("N", bound=Noun)


def read_noun(model: type[N], kind: Kind, id_or_path: str | Path) -> N:
    """Read and check one TOML page.

    Raises:
        UsageError: unreadable TOML, an unknown key, a wrong type or a broken rule, by name.
    """
    path = resolve(kind, id_or_path)
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_TOML_BYTES:
            raise UsageError(f"is larger than {MAX_TOML_BYTES:,} bytes", file=path.name)
        page = _frozen(tomllib.loads(raw.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise UsageError(f"is not UTF-8 at byte {error.start}", file=path.name) from error
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond Python's limits
        raise UsageError(f"is not valid TOML: {error}", file=path.name) from error
    except OSError as error:
        raise InputRefused(f"cannot be read: {error.strerror}", file=path.name) from error
    try:
        return model.model_validate(page)
    except ValidationError as error:
        raise _as_usage_error(error, model, path.name, page) from error


def _frozen(value: Any) -> Any:  # noqa: ANN401 - TOML values have no common type
    """Arrays as tuples, all the way down: nouns are frozen."""
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return tuple(_frozen(inner) for inner in value) if isinstance(value, list) else value


def _as_usage_error(error: ValidationError, model: type[Noun], file: str, page: dict[str, Any]) -> UsageError:
    """One broken rule on one line, with the key's path in the file."""
    details = error.errors(include_url=False)
    # A misspelt key also leaves the right one missing: the spelling is what to tell.
    first = next((d for d in details if d["type"] == "extra_forbidden"), details[0])
    key = _key_path(first["loc"], page)
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    value = first["input"] if isinstance(first["input"], str | int | float | bool) else None
    if first["type"] == "extra_forbidden":
        return UsageError(
            f"unknown key{more}",
            file=file,
            column=key,
            remedy=nearest(str(first["loc"][-1]), _known_keys(model)),
        )
    if first["type"] == "missing":
        field = next((f for n, f in model.model_fields.items() if (f.alias or n) == key), None)
        several = field is not None and get_origin(field.annotation) is tuple
        remedy = f"Add at least one [[{key}]] table." if several else "Add it."
        return UsageError(f"a required key is missing{more}", file=file, column=key, remedy=remedy)
    message = first["msg"].removeprefix("Value error, ")
    problem, _, remedy = message.partition(" | ")
    if first["type"] == "int_type":
        remedy = "Write a whole number, without quotes."
    problem = problem[:1].lower() + problem[1:] if problem[1:2].islower() else problem
    return UsageError(problem + more, file=file, column=key, value=value, remedy=remedy)


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
            if isinstance(here, dict) and step not in here and step in here.values():
                continue  # pydantic names the branch of a tagged union; the file does not
            here = here.get(step) if isinstance(here, dict) else None
            parts.append(step)
    return " > ".join(parts) or "the page"


def _known_keys(model: type[Noun]) -> list[str]:
    """Every key of the model and of the nouns inside it, by its name in the file."""
    keys: set[str] = set()
    seen: set[type[Noun]] = set()

    def walk(annotation: Any) -> None:  # noqa: ANN401 - annotations have no common type
        if isinstance(annotation, type) and issubclass(annotation, Noun):
            if annotation in seen:
                return
            seen.add(annotation)
            for name, field in annotation.model_fields.items():
                keys.add(field.alias or name)
                walk(field.annotation)
        for inner in getattr(annotation, "__args__", ()):
            walk(inner)

    walk(model)
    return sorted(keys)
