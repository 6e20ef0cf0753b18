"""Published facts: figures with an id, a source, an evidence grade and the day on which they became public.

`facts()` reads the facts in data/published/. Facts that became known only with the outcome are in
data/outcomes/. Only back-tests and comparisons in hindsight use them, and refer to them by id.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import polars as pl
from pydantic import Field

from outage_analysis.errors import ModelRefused, UsageError, either
from outage_analysis.files import (
    Day,
    Identifier,
    NamedDocument,
    OptionalText,
    Text,
    data_root,
    read_document,
    refuse_if,
    refuse_repeated,
    spelling_hint,
)
from outage_analysis.incidents.bands import LARGEST_LOSS
from outage_analysis.text import schema_of

SCHEMA = schema_of("facts").without("collection").dtypes
"""Columns of a table of facts. `counts` states what the number counts; columns that end in _ko are in Korean.
"""

RATE_COLUMNS = dict.fromkeys(("event", "effort", "of", "stake", "field"), pl.String)
"""The further columns of `published_rates`."""
KOREAN = "_ko"
"""Suffix of the names of columns in Korean."""
FactCollection = Literal["published", "outcomes"]
"""The folders under data/ that contain facts."""
MEASURES = {"", "%", "GB", "date", "days", "hours", "minutes", "months", "ratio", "times", "weeks"}
"""Units of facts that are neither counts of people or cases nor amounts of money."""


DERIVED, ADDRESS_SEPARATOR = "derived from ", " ; "
"""The start of the source of a derived fact, and the text between two web addresses of a source."""


def is_currency(unit: str) -> bool:
    """Return whether a unit looks like the ISO code of a currency."""
    return len(unit) == len("KRW") and unit.isalpha() and unit.isupper()


@cache
def _fact_table(name: FactCollection) -> pl.DataFrame:
    """Return all facts in one folder of data/ as a table."""
    tables = (
        pl.read_csv(path, schema_overrides={**SCHEMA, **RATE_COLUMNS}).with_columns(
            collection=pl.lit(path.stem)
        )
        for path in sorted((data_root() / name).glob("*.csv"))
    )
    return pl.concat(tables, how="diagonal")


def facts(*, public_by: date | None = None, topic: str | None = None) -> pl.DataFrame:
    """Return the published facts as a table: one row per figure, in the order of the files.

    Args:
        public_by: return only facts that were public by this day. Undated facts are left out.
        topic: return only facts on this topic.

    Returns:
        A table with the columns of `SCHEMA`, and `collection`, the name of the file without suffix.
    """
    table = _fact_table("published").drop(RATE_COLUMNS)
    if public_by is not None:
        # Undated facts are dropped here, because a comparison with null is not true.
        table = table.filter(pl.col("public_on") <= public_by)
    if topic is not None:
        topics = table["topic"].unique().sort().to_list()
        if topic not in topics:
            raise UsageError("unknown topic", value=topic, remedy=spelling_hint(topic, topics))
        table = table.filter(pl.col("topic") == topic)
    return table


def outcomes() -> pl.DataFrame:
    """Return facts that became known only with the outcome. Use them only for comparisons in hindsight."""
    return _fact_table("outcomes")


def published_rates() -> pl.DataFrame:
    """Return what is published about claims of other events: who filed, what was accepted, when they came.

    Returns:
        The facts of data/published/rates.csv, with further columns: `event`, the event or study, where the
        row is its reference class; `effort`, what claimants had to do; `of`, of whom the rate is a share;
        `stake`, the sum at stake; and `field`, such as rail.
    """
    return _fact_table("published").filter(pl.col("collection") == "rates")


def facts_in_language(table: pl.DataFrame, lang: str) -> pl.DataFrame:
    """Return a table of facts in one language. For Korean, the translations replace the English texts.

    Texts without a translation stay in English. The columns whose names end in _ko are dropped.
    """
    korean = {name.removesuffix(KOREAN): name for name in table.columns if name.endswith(KOREAN)}
    translated = {name: pl.coalesce(ko, name) for name, ko in korean.items()}
    return (table.with_columns(**translated) if lang == "ko" else table).drop(korean.values())


@dataclass(frozen=True)
class Fact:
    """One published figure: a single value, or a range from `low` to `high`."""

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
        """The value of the fact.

        Raises:
            UsageError: the fact is a range.
        """
        if self.value is None:
            raise UsageError("this fact has no single value", value=self.id)
        return self.value

    @property
    def count(self) -> int:
        """The number of people or cases that the fact counts.

        Raises:
            UsageError: the fact is an amount, a share, a duration or another measure, or no whole number.
        """
        measured = is_currency(self.unit) or self.unit in MEASURES or "/" in self.unit or "," in self.unit
        if measured or self.number < 0 or self.number != int(self.number):
            remedy = f"It is {self.number:g} in the unit '{self.unit}'."
            raise UsageError("this fact counts no people and no cases", value=self.id, remedy=remedy)
        return int(self.number)

    def money(self, currency: str, end: Literal["value", "low", "high"] = "value") -> float:
        """Return the value of the fact, or an end of its range, in the main currency unit (euros, not cents).

        Raises:
            UsageError: the fact is not an amount in this currency, or the amount is negative.
        """
        amount = self.number if getattr(self, end) is None else getattr(self, end)
        if self.unit != currency or amount < 0:
            raise UsageError(
                f"this fact is no sum in {currency}", value=self.id, remedy=f"Its unit is '{self.unit}'."
            )
        return amount

    @property
    def middle(self) -> float:
        """The value of the fact, or the midpoint of its range."""
        if self.value is None and self.low is not None and self.high is not None:
            return (self.low + self.high) / 2
        return self.number


class TieOut(NamedDocument):
    """A published total to reconcile: how it is computed, and the printed figure to compare it with."""

    kind: Literal["payments", "face_value", "fee", "credits", "budget", "sum", "ratio", "figure"]
    """How the total is computed. From cost lines: `payments` of a schedule for as many losses as the first
    fact counts, goods at `face_value`, the `fee` credit of one subscriber, `credits` for all subscribers, or
    `budget`. From facts: their `sum`, the `ratio` of the first fact to the sum of the others, times `scale`,
    or a single `figure`."""
    of: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    """Ids of the facts that enter the computation."""
    lines: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    """Ids of the cost lines that enter the computation."""
    loss: Annotated[int, Field(ge=0, le=LARGEST_LOSS)] | None = None
    """For `payments`: the loss that each claim is assumed to have, in the loss unit."""
    scale: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    """For the kind `ratio`: the factor by which the ratio is multiplied before it is compared."""
    printed: str = ""
    """The id of the fact with the printed figure."""
    end: Literal["value", "low", "high"] = "value"
    """If the printed figure is a range, the end of the range to compare with."""
    printed_value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """The printed figure, if no fact contains it. `facts` then states the source."""
    tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """The largest difference, in `unit`, at which the computed and the printed figure still agree."""
    at_least: bool = False
    """Whether the printed figure is a lower bound."""
    at_most: bool = False
    """Whether the printed figure is an upper bound."""
    expect: Literal["ties", "differs"] = "ties"
    """Whether the computed and the printed figure are expected to agree. A test checks this."""
    unit: str
    """The unit of the computed and the printed figure."""
    facts: tuple[str, ...] = ()
    """Ids of facts that support the lines."""
    note: OptionalText = None
    """Why the figures differ, or how they were rounded."""

    def _check(self) -> None:
        refuse_if(
            bool(self.printed) == (self.printed_value is not None),
            "needs exactly one of printed and printed_value",
        )
        refuse_if(self.at_least and self.at_most, "cannot be both at_least and at_most")
        refuse_repeated([*self.of, *self.lines], "counts {} twice | Name each once.")
        refuse_if(
            not (self.of or self.lines), "computes from nothing: name facts in `of` or cost lines in `lines`"
        )


def get_fact(id_: str, *, public_by: date | None = None, hindsight: bool = False) -> Fact:
    """Return the published fact with this id.

    Args:
        id_: the id of the fact.
        public_by: raise an error if the fact was not public by this day.
        hindsight: whether facts in data/outcomes/ may be returned, too.

    Raises:
        UsageError: there is no fact with this id.
        ModelRefused: the fact was not public by the day `public_by`.
    """
    published, later = _facts_by_id("published"), _facts_by_id("outcomes") if hindsight else {}
    fact = published.get(id_) or later.get(id_)
    if fact is None:
        raise UsageError("no such fact", value=id_, remedy=spelling_hint(id_, [*published, *later]))
    if public_by is not None and (fact.public_on is None or fact.public_on > public_by):
        raise ModelRefused(
            f"fact {id_} was public on {fact.public_on or 'no known day'}, after the as-of date {public_by}",
            remedy=f"Move {either('as_of', '--as-of')} to a day on which it was known, or leave out the line "
            "that needs it.",
        )
    return fact


@cache
def _facts_by_id(collection: FactCollection) -> dict[str, Fact]:
    """Return the facts in one folder: id -> fact.

    The result is cached, because a model looks up single facts many hundred times.
    """
    texts = pl.col("unit", "grade", "source", "counts", "counts_ko").cast(pl.String).fill_null("")
    rows = _fact_table(collection).with_columns(texts).select(field.name for field in fields(Fact))
    return {row[0]: Fact(*row) for row in rows.iter_rows()}


def cites_fact_after(text: str, day: date) -> bool:
    """Return whether a text mentions a fact that became public after a day."""
    return not _ids_public_after(day).isdisjoint(re.findall(r"\b[A-Z]{2,}-\w[\w.-]*", text))


def ids_public_by(ids_text: str, day: date) -> str:
    """Return a text of fact ids, separated by spaces, without facts that became public after a day."""
    later = _ids_public_after(day)
    return " ".join(id_ for id_ in ids_text.split() if id_ not in later)


def _ids_public_after(day: date) -> set[str]:
    return set(_fact_table("published").filter(pl.col("public_on") > day)["id"])


def fact_exists(id_: str) -> bool:
    """Return whether data/published/ or data/outcomes/ contains a fact with this id."""
    return id_ in _facts_by_id("published") or id_ in _facts_by_id("outcomes")


def source_sites(ids: Iterable[str]) -> list[str]:
    """Return the websites that published facts, each once: yna.co.kr for https://m.yna.co.kr/view/1.

    Of several sources of a fact, the first counts. A derived fact has the websites of the facts that it is
    derived from. Ids of other figures, such as those of assumptions, are left out.
    """
    sites: list[str] = []
    for source in (get_fact(id_, hindsight=True).source for id_ in ids if fact_exists(id_)):
        if source.startswith(DERIVED):
            sites += source_sites(source.removeprefix(DERIVED).split(", "))
        elif host := urlsplit(source.split(ADDRESS_SEPARATOR)[0]).netloc:
            sites.append(re.sub(r"^(www\d*|m)\.", "", host))
    return list(dict.fromkeys(sites))


def forecasts_and_payments(lang: Literal["en", "ko"] = "en") -> pl.DataFrame:
    """Return forecasts of the time beside what was paid, for about a dozen outages.

    The outages were chosen because both figures were published: they are no sample.

    Returns:
        One row per forecast: `event`; `how`, whether people must claim, for example; `public_on`, `low` and
        `high` of the forecast, `paid` and `currency`, in whole currency; `ratio_low` and `ratio_high`,
        forecast over paid; `facts`, the ids of forecast and payment; and `note`, what is not like for like.
    """
    listed = tomllib.loads((data_root() / "forecasts" / "outages.toml").read_text("utf-8"))
    rows: list[dict[str, object]] = []
    for event in listed["event"]:
        paid = get_fact(event["paid"], hindsight=True)
        for id_ in event["forecast"]:
            forecast = get_fact(id_)
            high = forecast.money(paid.unit, "high")
            low = high if forecast.low is None else forecast.low
            rows.append(
                {
                    "event": event["name"][lang],
                    "how": listed["how"][event["how"]][lang],
                    "public_on": forecast.public_on,
                    "low": low,
                    "high": high,
                    "paid": paid.number,
                    "currency": paid.unit,
                    "ratio_low": low / paid.number,
                    "ratio_high": high / paid.number,
                    "facts": f"{id_} {paid.id}",
                    "note": event["note"][lang],
                }
            )
    return pl.DataFrame(rows).with_columns(pl.col("low", "high", "paid").round().cast(pl.Int64))


Stage = Literal["filed", "accepted", "taken", "paid", "total"]


class Outcome(NamedDocument):
    """A published figure with which the forecast is compared and scored."""

    line: Identifier
    """The id of the cost line."""
    stage: Stage
    """What the figure measures: how many people filed, were accepted or took the offer; the amount paid to
    the accepted; or the total cash of the cost line, which needs no `denominator`."""
    denominator: str = ""
    """The id of the fact that counts the people who could file, be accepted or take the offer. If this fact
    became public after the forecast day, the forecast is conditional on it."""
    fact: str
    """The id of the fact with the figure."""
    press: tuple[str, ...] = ()
    """Ids of facts that forecast the same figure and were public by the forecast day."""
    independent: bool = True
    """Whether the outcome adds information to the others; a total of stages that are scored does not."""
    note: Text | None = None
    """A note for readers."""

    def _check(self) -> None:
        refuse_if(
            (self.stage == "total") == bool(self.denominator),
            "is a total, which has no denominator | Leave out denominator."
            if self.denominator
            else "has no denominator | Name the fact that counts those of whom some filed, were accepted"
            " or took the offer.",
        )


class BacktestSpec(NamedDocument):
    """A back-test: a forecast from a policy and a ledger as of a day, scored with facts published later."""

    incident: Identifier
    """The id of the incident."""
    policy: str
    """The policy, by its id or by a path to TOML."""
    ledger: str
    """The ledger, by its id or by a path to TOML."""
    as_of: Day
    """The day of the forecast. It uses only facts that were public by this day."""
    known_on: Day
    """The day by which the outcomes must have been published."""
    outcomes: tuple[Outcome, ...] = Field(alias="outcome", min_length=1)
    """The figures with which the forecast is scored."""

    def _check(self) -> None:
        refuse_if(
            self.known_on <= self.as_of,
            f"has outcomes of {self.known_on} for a forecast of {self.as_of}"
            " | Let known_on be a day after as_of.",
        )
        refuse_repeated([x.id for x in self.outcomes], "gives the id {} twice")

    def later_fact(self, id_: str, after: date | None = None) -> Fact:
        """Return a fact that became public after a day, by default that of the forecast, and by `known_on`.

        Only back-tests use facts that became public after the forecast.

        Raises:
            UsageError: there is no fact with this id, or it became public outside this period.
        """
        fact, day = get_fact(id_, hindsight=True), after or self.as_of
        if fact.public_on is None or not day < fact.public_on <= self.known_on:
            raise UsageError(
                f"fact {id_} was public on {fact.public_on or 'an unknown day'},"
                f" so it is no outcome by {self.known_on} of a forecast of {self.as_of}",
                file=self.id,
                remedy="Let as_of be before that day, and known_on that day or later.",
            )
        return fact

    def denominator(self, outcome: Outcome) -> Fact | None:
        """Return the fact that counts the people who could file, be accepted or take the offer.

        For a total, return None.

        Raises:
            UsageError: there is no fact with this id, or it was not public by the day `known_on`.
        """
        return self.later_fact(outcome.denominator, date.min) if outcome.denominator else None


def load_backtest_spec(id_or_path: str | Path) -> BacktestSpec:
    """Read the definition of a back-test, given its bundled id or the path of a TOML file.

    Raises:
        UsageError: there is no such document, or one of its keys is invalid.
    """
    return read_document(BacktestSpec, "backtests", id_or_path)
