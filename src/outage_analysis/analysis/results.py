"""What every result about an incident has in common: inputs, warnings about them, and the notebook card."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any

from outage_analysis.assumptions import Ledger, example_warning
from outage_analysis.claims import Claims, explain_reject
from outage_analysis.incidents import Incident
from outage_analysis.losses import reject_sentence
from outage_analysis.policies import Policy
from outage_analysis.text import Card, Displayable, Locale, Result, ShownTable, synthetic_mark

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis
    from outage_analysis.analysis.plan import Plan

CARD_TABLES = 2
"""A notebook card has at most this many of the tables of an answer."""


class IncidentResult(Displayable, Result):
    """A result for one incident as of one day. Notebooks show its answer as a card."""

    plan: Plan
    incident: Incident
    ledger: Ledger | None
    as_of: date
    claims: Claims | None

    @property
    @abstractmethod
    def used_assumptions(self) -> AbstractSet[str]:
        """The ids of the assumptions that the figures depend on."""

    @property
    @abstractmethod
    def synthetic(self) -> bool:
        """Whether the claims are synthetic."""

    @property
    @abstractmethod
    def named_policies(self) -> tuple[Policy, ...]:
        """The policies that the result is about, the most important first."""

    @property
    def known_ledger(self) -> Ledger | None:
        """The ledger as known on the day of the analysis."""
        return self.ledger.as_known_on(self.as_of) if self.ledger else None

    @property
    def used_ledger(self) -> Ledger | None:
        """The ledger as known on the day of the analysis, with only the assumptions that a result uses."""
        known = self.known_ledger
        return known.with_only(frozenset(self.used_assumptions)) if known else None

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs as plain values, such as incident, ledger, as-of day, draws and seed."""
        used = self.used_ledger
        return {
            "incident": self.incident.id,
            "ledger": self.ledger.id if self.ledger else None,
            "as_of": self.as_of,
            "currency": self.incident.currency,
            "minor_units": self.incident.minor_units,
            "synthetic_claims": self.synthetic,
            "draws": self.plan.draws,
            "seed": self.plan.seed,
            "level": self.plan.level,
            **({"examples": used.examples} if used and used.examples else {}),
        }

    def warnings(self, lang: str) -> list[str]:
        """Return sentences on rejected rows, and on assumptions that are only examples."""
        return input_warnings(self.claims, self.used_ledger, lang)

    def card(self, lang: str = "en") -> Card:
        """Return the summary for notebooks: inputs, the answer in sentences, and its first tables."""
        from outage_analysis.analysis.display_units import card_table  # imported here: commands need none

        answer = self.answer(lang)
        locale, policies = answer.locale, "; ".join(policy.name[lang] for policy in self.named_policies)
        lines = [
            locale("report.kicker", day=locale.day(self.as_of)),
            locale("report.policy", policy=policies),
            *([locale("card.synthetic")] if self.synthetic else []),
            *filter(None, [example_warning(self.used_ledger, locale)]),
        ]
        tables = islice((shown for shown in answer.tables if isinstance(shown, ShownTable)), CARD_TABLES)
        return Card(
            self.incident.name[lang],
            tuple(lines),
            tuple(card_table(shown, answer) for shown in tables),
            (*answer.sentences, *answer.card_notes),
        )


def input_warnings(claims: Claims | None, ledger: Ledger | None, lang: str) -> list[str]:
    """Return sentences that say how many rows were rejected, and how many assumptions are only examples.

    `ingest` cannot read files of a derived incident, so for these the first reject is explained.
    """
    locale, found = Locale(lang), []
    rejects = int(claims.files["rejects"].sum()) if claims else 0
    if claims and rejects:
        counts = {"rejects": f"{rejects:,}", "rows": f"{rejects + len(claims):,}"}
        key = "terminal.rejects"
        if claims.incident.window == "observed":
            key = "terminal.rejects_observed"
            first = explain_reject(claims.incident, claims.rejected_rows.row(0, named=True), lang)
            counts["first"] = reject_sentence(first, lang)
        found.append(locale(key, **counts))
    example = example_warning(ledger, locale)
    return [*found, example] if example else found


@dataclass(frozen=True)
class AnalysisResult(Result):
    """A result that is computed from an analysis, such as its scenarios."""

    analysis: Analysis

    def warnings(self, lang: str) -> list[str]:
        """Return what a reader must know about the inputs, such as rejected rows."""
        return self.analysis.warnings(lang)

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs of the analysis as plain values, with the source of the headline."""
        basis = {"policy": self.analysis.policy.id, "basis": self.analysis.headline_basis}
        return {**self.analysis.inputs, **basis}

    def mark(self, locale: Locale) -> str:
        """Return the mark of synthetic claims if the headline is computed from them; else nothing."""
        return synthetic_mark(locale, synthetic=self.analysis.headline_is_synthetic)
