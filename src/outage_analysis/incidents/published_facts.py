"""Published figures: tidy rows with an id, a source, a grade and the day they became public.

`facts()` reads data/published/; what only the outcome revealed lives in data/outcomes/ and is read
by name, for the back-test and for checks made in hindsight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from typing import Annotated, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import (
    Document,
    Identifier,
    Name,
    OptionalText,
    data_root,
    find_duplicate,
    spelling_hint,
)
from outage_analysis.incidents.bands import LARGEST_LOSS

SCHEMA: dict[str, pl.DataType] = {
    "id": pl.String(),
    "topic": pl.String(),
    "quantity": pl.String(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "unit": pl.String(),
    "counts": pl.String(),
    "quantity_ko": pl.String(),
    "counts_ko": pl.String(),
    "public_on": pl.Date(),
    "source": pl.String(),
    "grade": pl.Enum(["A", "B", "C", "D", "NF"]),
    "note": pl.String(),
}
"""Columns of a facts frame; `counts` says what the number counts. Those that end in _ko are in Korean."""

KOREAN = "_ko"
FactCollection = Literal["published", "outcomes"]
MEASURES = {"", "%", "GB", "date", "days", "hours", "minutes", "months", "ratio", "times", "weeks"}
"""Units of facts that count neither people nor cases nor money."""


def is_currency(unit: str) -> bool:
    """Whether a unit is the ISO code of a currency."""
    return len(unit) == len("KRW") and unit.isalpha() and unit.isupper()


@cache
def _fact_table(name: FactCollection) -> pl.DataFrame:
    frames = [
        pl.read_csv(path, schema=SCHEMA).with_columns(pl.lit(path.stem).alias("collection"))
        for path in sorted((data_root() / name).glob("*.csv"))
    ]
    return pl.concat(frames)


def facts(*, public_by: date | None = None, topic: str | None = None) -> pl.DataFrame:
    """Published facts, one row a figure, in the order of the files.

    Args:
        public_by: keep only facts public by this day; an undated fact is never among them.
        topic: keep only one topic.

    Returns:
        The columns of `SCHEMA` and `collection`, the file's name.
    """
    frame = _fact_table("published")
    if public_by is not None:
        frame = frame.filter(pl.col("public_on") <= public_by)  # null compares as false
    if topic is not None:
        topics = frame["topic"].unique().sort().to_list()
        if topic not in topics:
            raise UsageError("unknown topic", value=topic, remedy=spelling_hint(topic, topics))
        frame = frame.filter(pl.col("topic") == topic)
    return frame


def outcomes() -> pl.DataFrame:
    """What came out afterwards: never an input to a model, only to a comparison in hindsight."""
    return _fact_table("outcomes")


def facts_in_language(frame: pl.DataFrame, lang: str) -> pl.DataFrame:
    """A table of facts whose texts are in one language, in the columns that are English without it.

    A text without a translation stays English.
    """
    korean = [name for name in frame.columns if name.endswith(KOREAN)]
    told = [pl.coalesce(name, name.removesuffix(KOREAN)).alias(name.removesuffix(KOREAN)) for name in korean]
    return (frame.with_columns(told) if lang == "ko" else frame).drop(korean)


@dataclass(frozen=True)
class Fact:
    """One published figure: a value, or the ends of a range."""

    id: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    public_on: date | None
    grade: str
    source: str
    counts: str
    counts_ko: str

    @property
    def number(self) -> float:
        """The value; refuses a range."""
        if self.value is None:
            raise UsageError("this fact has no single value", value=self.id)
        return self.value

    @property
    def whole(self) -> int:
        """The value as an integer; refuses one that is not whole."""
        if self.number != int(self.number):
            raise UsageError("this fact is not a whole number", value=self.id)
        return int(self.number)

    @property
    def count(self) -> int:
        """How many people or cases it counts; refuses a sum of money, a share, a time."""
        unit = self.unit
        if is_currency(unit) or unit in MEASURES or "/" in unit or "," in unit or self.number < 0:
            raise UsageError(
                "this fact counts no people and no cases", value=self.id, remedy=f"Its unit is '{unit}'."
            )
        return self.whole

    def money(self, currency: str, end: Literal["value", "low", "high"] = "value") -> float:
        """The sum in whole currency, or that end of a range; refuses another unit, and a loss."""
        stated = {"value": self.value, "low": self.low, "high": self.high}[end]
        amount = self.number if stated is None else stated
        if self.unit != currency or amount < 0:
            raise UsageError(
                f"this fact is no sum in {currency}", value=self.id, remedy=f"Its unit is '{self.unit}'."
            )
        return amount

    @property
    def middle(self) -> float:
        """The value, or the middle of a range with two ends."""
        if self.value is None and self.low is not None and self.high is not None:
            return (self.low + self.high) / 2
        return self.number


class TieOut(Document):
    """A published sum to compute again: what from, and what was printed."""

    id: Identifier
    """What tables call it by."""
    name: Name
    """What readers call it."""
    kind: Literal["payments", "face_value", "fee", "credits", "budget", "sum", "ratio", "figure"]
    """From the lines: what a schedule pays for as many losses as the first fact counts, goods at list
    price, the fee's arithmetic for one subscriber, credits for all of them, budgets. From the facts:
    their sum, the first over the sum of the others times `scale`, or a figure as it stands."""
    of: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    """Facts that go in."""
    lines: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    """Cost lines that go in."""
    loss: Annotated[int, Field(ge=0, le=LARGEST_LOSS)] | None = None
    """The loss of each claim, for `payments`, in the loss unit."""
    scale: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    """What a `ratio` is multiplied by."""
    printed: str = ""
    """The fact that was printed."""
    end: Literal["value", "low", "high"] = "value"
    """Which end of a printed range to compare with."""
    printed_value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """What was printed, when no fact of its own holds it; `facts` then names the source."""
    tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """How far apart the two may be and still tie, in `unit`."""
    at_least: bool = False
    """The printed figure is a lower bound."""
    at_most: bool = False
    """The printed figure is an upper bound."""
    expect: Literal["ties", "differs"] = "ties"
    """What the page declares; a test holds it to that."""
    unit: str
    """What both figures count."""
    facts: tuple[str, ...] = ()
    """Facts that the lines rest on."""
    note: OptionalText = None
    """Why it differs, or how it was rounded."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.printed) == (self.printed_value is not None):
            raise ValueError("needs exactly one of printed and printed_value")
        if self.at_least and self.at_most:
            raise ValueError("cannot be both at_least and at_most")
        for ids in (self.of, self.lines):
            if (id_ := find_duplicate(ids)) is not None:
                raise ValueError(f"counts {id_} twice | Name each once.")
        if not self.of and not self.lines:
            raise ValueError("computes from nothing: name facts in `of` or cost lines in `lines`")
        return self


def get_fact(id_: str, *, public_by: date | None = None, hindsight: bool = False) -> Fact:
    """One figure by id.

    Args:
        id_: the fact's id.
        public_by: refuse a fact that was not public by this day.
        hindsight: whether the outcomes shelf may be read too.

    Raises:
        UsageError: no such fact.
        ModelRefused: the fact was not public by the day asked for.
    """
    shelves: tuple[FactCollection, ...] = ("published", "outcomes") if hindsight else ("published",)
    found = next((_facts_by_id(shelf)[id_] for shelf in shelves if id_ in _facts_by_id(shelf)), None)
    if found is None:
        known = [x for shelf in shelves for x in _facts_by_id(shelf)]
        raise UsageError("no such fact", value=id_, remedy=spelling_hint(id_, known))
    if public_by is not None and (found.public_on is None or found.public_on > public_by):
        when = found.public_on or "an unknown day"
        raise ModelRefused(
            f"fact {id_} was public on {when}, after the as-of date {public_by}",
            remedy="Move --as-of to a day on which it was known, or leave out the line that needs it.",
        )
    return found


@cache
def _facts_by_id(shelf: FactCollection) -> dict[str, Fact]:
    """The facts of a shelf by id; a model asks for one many hundred times."""
    names = [field.name for field in fields(Fact)]
    texts = pl.col("unit", "grade", "source", "counts", "counts_ko").cast(pl.String).fill_null("")
    rows = _fact_table(shelf).with_columns(texts).select(names)
    return {row[0]: Fact(*row) for row in rows.iter_rows()}


def cites_fact_after(text: str, day: date) -> bool:
    """Whether a text names a fact that became public after a day."""
    named = re.findall(r"\b[A-Z]{2,}-\w[\w.-]*", text)
    later = _fact_table("published").filter(pl.col("public_on") > day)
    return not later.filter(pl.col("id").is_in(named)).is_empty()


def ids_public_by(named: str, day: date) -> str:
    """Ids with spaces between, without those of facts that became public after a day."""
    later = set(_fact_table("published").filter(pl.col("public_on") > day)["id"])
    return " ".join(id_ for id_ in named.split() if id_ not in later)


def fact_exists(id_: str) -> bool:
    """Whether an id names a fact on either shelf."""
    return id_ in _facts_by_id("published") or id_ in _facts_by_id("outcomes")
