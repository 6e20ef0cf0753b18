"""Policies of one incident set beside each other: what a plan asks for, and what `compare` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import polars as pl

from outage_analysis.analysis.plan import Plan, check_documents_fit, last_day, load_cubes, load_documents
from outage_analysis.assumptions import Ledger, bundled_ledger, load_ledger
from outage_analysis.claims import Claims
from outage_analysis.costs import Comparison, compare
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy, load_policy
from outage_analysis.text import Locale


@dataclass(frozen=True)
class PolicyComparison:
    """Policies of one incident, compared as of a day."""

    incident: Incident
    policies: tuple[Policy, ...]
    ledger: Ledger | None
    as_of: date
    comparison: Comparison
    claims: Claims | None = field(default=None, repr=False)
    """The claims that were given; without any, or with totals, None."""

    @property
    def synthetic(self) -> bool:
        """Whether the claims are synthetic."""
        return self.claims is not None and self.claims.synthetic

    @property
    def starts(self) -> frozenset[int]:
        """Cuts whose edge belongs to the band above, under any of the policies."""
        return frozenset[int]().union(*(policy.starts for policy in self.policies))

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The tables of the report."""
        found = self.comparison
        return {"comparison": found.policies, "pairs": found.pairs, "flips": found.flips}

    @property
    def used_ledger(self) -> Ledger | None:
        """The ledger as it was known on the day, with only the entries that a figure rests on."""
        known = self.ledger.admissible(self.as_of) if self.ledger else None
        return known.only(self.comparison.inputs) if known else None

    def sentence(self, words: Locale) -> str:
        """What the comparison finds."""
        return self.comparison.sentence(words, self.names(words.lang))

    def names(self, lang: str) -> dict[str, str]:
        """What readers call the policies; of two with one name also the id."""
        names = {page.id: page.name[lang] for page in self.policies}
        told = list(names.values())
        return {id_: f"{name} ({id_})" if told.count(name) > 1 else name for id_, name in names.items()}


def compare_with_alternatives(
    plan: Plan, incident: Incident, policy: Policy, ledger: Ledger | None, as_of: date, *, of_claims: bool
) -> PolicyComparison | None:
    """The policy of the plan beside the others that it names: from published counts, or from the claims."""
    if not plan.compare:
        return None
    pages = (policy, *(load_documents(replace(plan, policy=page))[1] for page in plan.compare))
    claims, cubes = _cubes_per_policy(plan, incident, pages, as_of) if of_claims else (None, {})
    found = compare(pages, ledger, as_of=as_of, cubes=cubes, draws=plan.draws, seed=plan.seed)
    return PolicyComparison(incident, pages, ledger, as_of, found, claims)


def _cubes_per_policy(
    plan: Plan, incident: Incident, pages: Sequence[Policy], as_of: date
) -> tuple[Claims | None, dict[str, list[Cube]]]:
    """The claims of a plan, and the cubes that each policy pays from, on the edges of all."""
    claims: Claims | None = None
    cubes: dict[str, list[Cube]] = {}
    known = [page.as_known_on(as_of) for page in pages]
    for page in known:
        claims, built = load_cubes(plan, incident, page, as_of, beside=known)
        cubes[page.id] = [*built.values()]
    return claims, cubes


def compare_policies(
    plan: Plan, policies: Sequence[str | Path | Policy], *, valuation: str = "cash"
) -> PolicyComparison:
    """Compare policies under the ledger of a plan, or the incident's latest by the plan's day.

    Args:
        plan: the incident, the ledger, the day and, if any are given, the claims or counts; its own policy
            is not used.
        policies: ids or paths of two or more, or policies made in Python.
        valuation: which money.

    Raises:
        UsageError: pages that do not fit each other, or fewer than two policies.
        ModelRefused: fewer than two policies have an expected cost.
    """
    incident = load_incident(plan.incident)
    known = plan.ledger or bundled_ledger(incident.id, plan.as_of)
    ledger = known if isinstance(known, Ledger | None) else load_ledger(known)
    pages = tuple(page if isinstance(page, Policy) else load_policy(page) for page in policies)
    for page in pages:
        check_documents_fit(incident, page, ledger)
    as_of = plan.as_of or (ledger.as_of if ledger else max(last_day(page, incident) for page in pages))
    claims, cubes = (
        _cubes_per_policy(plan, incident, pages, as_of) if plan.claims or plan.counts else (None, {})
    )
    found = compare(
        pages, ledger, as_of=as_of, cubes=cubes, valuation=valuation, draws=plan.draws, seed=plan.seed
    )
    return PolicyComparison(incident, pages, ledger, as_of, found, claims)
