"""The definition of a back-test: policy, ledger, forecast day, and the published facts to score it with."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field

from outage_analysis.errors import UsageError
from outage_analysis.files import (
    Day,
    Identifier,
    NamedDocument,
    Text,
    read_document,
    refuse_if,
    refuse_repeated,
)
from outage_analysis.incidents.published_facts import Fact, get_fact

Stage = Literal["filed", "accepted", "taken", "paid", "total"]
Valuation = Literal["cash", "face_value", "displaced_sales", "incremental_cash", "top_down", "handling"]


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
            self.stage == "total" and self.denominator,
            "is a total, which has no denominator | Leave out denominator.",
        )
        refuse_if(
            self.stage != "total" and not self.denominator,
            f"needs denominator: the fact that counts those of whom some were {self.stage}",
        )


class UnscoredFigure(NamedDocument):
    """A published figure that is shown beside the forecast but not scored."""

    fact: str
    """The id of the fact with the figure."""
    valuations: tuple[Valuation, ...] = ()
    """The valuations whose forecast totals are shown beside the figure."""
    outcome: Identifier | None = None
    """Instead of valuations, the id of an outcome: the figure is compared with its forecast times `each`."""
    each: str = ""
    """The id of the fact with the amount per person, by which the forecast of `outcome` is multiplied."""
    note: Text
    """Why the figure is not scored."""

    def _check(self) -> None:
        refuse_if(
            bool(self.outcome) != bool(self.each) or bool(self.outcome) == bool(self.valuations),
            "needs either valuations, or an outcome and what each is worth",
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
    unscored: tuple[UnscoredFigure, ...] = ()
    """Figures listed without a score."""

    def _check(self) -> None:
        refuse_if(
            self.known_on <= self.as_of,
            f"has outcomes of {self.known_on} for a forecast of {self.as_of}"
            " | Let known_on be a day after as_of.",
        )
        ids = [*(x.id for x in self.outcomes), *(x.id for x in self.unscored)]
        refuse_repeated(ids, "gives the id {} twice")
        counts = {x.id for x in self.outcomes if x.stage in ("filed", "accepted", "taken")}
        for x in self.unscored:
            problem = f"shows {x.id} as worth {x.outcome}, which is no outcome that counts people"
            refuse_if(x.outcome and x.outcome not in counts, problem)

    def later_fact(self, id_: str) -> Fact:
        """Return a fact that became public after the forecast day and by the day `known_on`.

        Only back-tests use facts that became public after the forecast.

        Raises:
            UsageError: there is no fact with this id, or it became public outside this period.
        """
        return self._fact_after(self.as_of, id_)

    def denominator(self, outcome: Outcome) -> Fact | None:
        """Return the fact that counts the people who could file, be accepted or take the offer.

        For a total, return None.

        Raises:
            UsageError: there is no fact with this id, or it was not public by the day `known_on`.
        """
        return self._fact_after(date.min, outcome.denominator) if outcome.denominator else None

    def _fact_after(self, day: date, id_: str) -> Fact:
        fact = get_fact(id_, hindsight=True)
        if fact.public_on is None or not day < fact.public_on <= self.known_on:
            raise UsageError(
                f"fact {id_} was public on {fact.public_on or 'an unknown day'},"
                f" so it is no outcome by {self.known_on} of a forecast of {self.as_of}",
                file=self.id,
                remedy="Let as_of be before that day, and known_on that day or later.",
            )
        return fact


def load_backtest_spec(id_or_path: str | Path) -> BacktestSpec:
    """Read the definition of a back-test, given its bundled id or the path of a TOML file.

    Raises:
        UsageError: there is no such document, or one of its keys is invalid.
    """
    return read_document(BacktestSpec, "backtests", id_or_path)
