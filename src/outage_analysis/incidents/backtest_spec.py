"""A back-test as a page: which forecast, of what, from which day, and the facts that came out later."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from outage_analysis.errors import UsageError
from outage_analysis.files import Day, Document, Identifier, Name, Text, find_duplicate, read_document
from outage_analysis.incidents.published_facts import Fact, get_fact

Stage = Literal["filed", "accepted", "taken", "paid", "total"]
Valuation = Literal["cash", "face_value", "displaced_sales", "incremental_cash", "top_down", "handling"]


class Outcome(Document):
    """One figure that came out, and the forecast that it is held against."""

    id: Identifier
    """What tables call it."""
    name: Name
    """What readers call it."""
    line: Identifier
    """The cost line that it is about."""
    stage: Stage
    """How many of `given` filed, were accepted or took it; what those accepted were paid in all; or the
    line's total cash, for which nothing is given."""
    given: str = ""
    """The fact that counts those who could; where it came out later, the forecast is conditional on it."""
    fact: str
    """The fact that came out."""
    press: tuple[str, ...] = ()
    """Facts that were forecasts of the same, public by the forecast day."""
    independent: bool = True
    """Whether it adds something to the other outcomes; a total of stages that are tried does not."""
    note: Text | None = None
    """What a reader must know of the figure."""

    @model_validator(mode="after")
    def _given_fits(self) -> Self:
        if self.stage == "total" and self.given:
            raise ValueError("is a total, for which nothing is given | Leave out given.")
        if self.stage != "total" and not self.given:
            raise ValueError(f"needs given: the fact that counts those of whom some were {self.stage}")
        return self


class UnscoredFigure(Document):
    """A figure that came out and is shown beside ours without a score."""

    id: Identifier
    """What tables call it."""
    name: Name
    """What readers call it."""
    fact: str
    """The fact that came out."""
    valuations: tuple[Valuation, ...] = ()
    """The totals of ours that stand beside it."""
    outcome: Identifier | None = None
    """The outcome that it follows from, instead: times `each`."""
    each: str = ""
    """The fact with the amount that each of the outcome's people stands for."""
    note: Text
    """Why it is no outcome to be scored."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.outcome) != bool(self.each) or bool(self.outcome) == bool(self.valuations):
            raise ValueError("needs either valuations, or an outcome and what each is worth")
        return self


class ReferenceSet(Document):
    """Classes of one effort on which the rule for priors is tried, each against the others."""

    id: Identifier
    """What tables call it."""
    name: Name
    """What readers call it."""
    classes: tuple[str, ...] = Field(min_length=3)
    """Facts in percent, each once."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if (name := find_duplicate(self.classes)) is not None:
            raise ValueError(f"names {name} twice")
        return self


class BacktestSpec(Document):
    """One case tried afterwards: a policy and a ledger on a day, against what came out by a later one."""

    id: Identifier
    """What commands call it by."""
    name: Name
    """What readers call it."""
    incident: Identifier
    """The incident of the case."""
    policy: str
    """The policy, by its id or a path to TOML."""
    ledger: str
    """The ledger, likewise."""
    as_of: Day
    """The day of the forecast: only what was public by then enters it."""
    known_on: Day
    """The day of the outcomes: what came out later is none."""
    outcomes: tuple[Outcome, ...] = Field(alias="outcome", min_length=1)
    """What is tried."""
    shown: tuple[UnscoredFigure, ...] = ()
    """What is shown beside it."""
    reference_sets: tuple[ReferenceSet, ...] = Field(alias="reference_set", default=())
    """On which the rule for priors is tried, besides the sets that the ledger uses."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.known_on <= self.as_of:
            raise ValueError(
                f"has outcomes of {self.known_on} for a forecast of {self.as_of}"
                " | Let known_on be a day after as_of."
            )
        ids = [
            *(x.id for x in self.outcomes),
            *(x.id for x in self.shown),
            *(x.id for x in self.reference_sets),
        ]
        if (id_ := find_duplicate(ids)) is not None:
            raise ValueError(f"gives the id {id_} twice")
        counts = {x.id for x in self.outcomes if x.stage in ("filed", "accepted", "taken")}
        wrong = next((x for x in self.shown if x.outcome and x.outcome not in counts), None)
        if wrong:
            raise ValueError(
                f"shows {wrong.id} as worth {wrong.outcome}, which is no outcome that counts people"
            )
        return self

    def later_fact(self, id_: str) -> Fact:
        """A fact that came out after the forecast day; only a back-test reads it.

        Raises:
            UsageError: no such fact, or one that the forecast already knew, or that came later than asked.
        """
        fact = get_fact(id_, hindsight=True)
        if fact.public_on is None or not self.as_of < fact.public_on <= self.known_on:
            raise UsageError(
                f"fact {id_} was public on {fact.public_on or 'an unknown day'},"
                f" so it is no outcome by {self.known_on} of a forecast of {self.as_of}",
                file=self.id,
                remedy="Let as_of be before that day, and known_on that day or later.",
            )
        return fact

    def denominator(self, outcome: Outcome) -> Fact | None:
        """Those who could, as counted by `known_on`; None for a total.

        Raises:
            UsageError: no such fact, or one that was not public by then.
        """
        if not outcome.given:
            return None
        fact = get_fact(outcome.given, hindsight=True)
        if fact.public_on is None or fact.public_on > self.known_on:
            raise UsageError(
                f"fact {fact.id} was public on {fact.public_on or 'an unknown day'}, after {self.known_on}",
                file=self.id,
                remedy="Let known_on be that day or later, or give another count.",
            )
        return fact


def load_backtest_spec(id_or_path: str | Path) -> BacktestSpec:
    """Read a back-test from its bundled id or from a path to TOML.

    Raises:
        UsageError: no such page, or one that breaks a rule, by key.
    """
    return read_document(BacktestSpec, "backtests", id_or_path)
