"""The ledger of assumptions: every uncertain input, who owns it and why it is what it is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from outage_analysis.assumptions.band_mixes import BandMix
from outage_analysis.assumptions.rates import Factor, MeanPayment, PaidTotal, RateAssumption
from outage_analysis.assumptions.reviews import Award, Handling
from outage_analysis.cards import Card, Shown
from outage_analysis.datasets import Day, Identifier, Name, Noun, Text, ids
from outage_analysis.pages import read_noun, twice
from outage_analysis.policies import Effort

Assumption = Annotated[
    RateAssumption | Factor | BandMix | Award | MeanPayment | PaidTotal | Handling,
    Field(discriminator="kind"),
]


class Correlation(Noun):
    """A rank correlation declared between two assumptions; all others are independent."""

    of: tuple[Identifier, Identifier]
    """The two assumptions."""
    rank: Annotated[float, Field(gt=-1, lt=1)]
    """Spearman's coefficient of their values; of a band mix, of the share of its last band."""
    rationale: Text
    """Why they move together."""


class Ledger(Shown, Noun):
    """The list of assumptions behind one run."""

    id: Identifier
    """What commands call it by."""
    name: Name
    """What readers call it."""
    incident: Identifier
    """The incident that it is about."""
    as_of: Day
    """The day whose knowledge it states; that of a run unless another is asked for."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """ISO code of the currency that its sums count in, in the smallest unit; it must be the incident's."""
    assumptions: tuple[Assumption, ...] = Field(alias="assumption", min_length=1)
    """Every uncertain input."""
    correlations: tuple[Correlation, ...] = Field(default=(), alias="correlation")
    """What moves together."""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        known = [a.id for a in self.assumptions]
        if (id_ := twice(known)) is not None:
            raise ValueError(f"two assumptions have the id {id_}")
        pairs = [tuple(sorted(c.of)) for c in self.correlations]
        if len(set(pairs)) < len(pairs) or any(a == b for a, b in pairs):
            raise ValueError("has a correlation of an assumption with itself, or one declared twice")
        stranger = next((x for pair in pairs for x in pair if x not in known), None)
        if stranger is not None:
            raise ValueError(f"has a correlation of {stranger}, which is no assumption of it")
        return self

    @model_validator(mode="after")
    def _one_of_a_kind(self) -> Self:
        uses = [(a.kind, line, a.effort) for a in self.assumptions for line in a.lines]
        if (use := twice(uses)) is not None:
            raise ValueError(f"has two assumptions of kind {use[0]} for the line {use[1]}")
        return self

    @property
    def examples(self) -> tuple[str, ...]:
        """Its entries that are examples, not evidence."""
        return tuple(a.id for a in self.assumptions if a.grade == "example")

    def card(self, lang: str = "en") -> Card:
        """Its assumptions: what each is expected to be, its bounds and its grade."""
        from outage_analysis.assumptions.card import ledger_card

        return ledger_card(self, lang)

    def admissible(self, day: date) -> Ledger:
        """The ledger without what was not public by a day, or rests on what was not."""
        return self.only({a.id for a in self.assumptions if a.public_on <= day and a.rests_on_public(day)})

    def only(self, ids: Collection[str]) -> Ledger:
        """The ledger with only the entries of these ids."""
        kept = tuple(a for a in self.assumptions if a.id in ids)
        tied = tuple(c for c in self.correlations if set(c.of) <= set(ids))
        return self.model_copy(update={"assumptions": kept, "correlations": tied})

    def find(self, kind: str, line: str, effort: Effort | None = None) -> Assumption | None:
        """The assumption of one kind for a cost line and an effort class: its own before one for all."""
        fitting = [
            a for a in self.assumptions if a.kind == kind and line in a.lines and a.effort in (None, effort)
        ]
        return max(fitting, key=lambda a: a.effort is not None, default=None)


def load_ledger(id_or_path: str | Path) -> Ledger:
    """Read a ledger from its bundled id or from a path to TOML.

    Raises:
        UsageError: no such ledger, or a page that breaks a rule, by key.
    """
    return read_noun(Ledger, "assumptions", id_or_path)


def bundled_ledger(incident: str, day: date | None = None) -> Ledger | None:
    """The bundled ledger of an incident that was the latest by a day; without one, that of its own id."""
    if day is None:
        return load_ledger(incident) if incident in ids("assumptions") else None
    written = [ledger for ledger in map(load_ledger, ids("assumptions")) if ledger.incident == incident]
    return max((x for x in written if x.as_of <= day), key=lambda x: x.as_of, default=None)
