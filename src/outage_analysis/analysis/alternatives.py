"""Compare several policies for one incident, for reports and for the command `compare`."""

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
    """The comparison of several policies for one incident, as of one day."""

    incident: Incident
    policies: tuple[Policy, ...]
    ledger: Ledger | None
    as_of: date
    comparison: Comparison
    claims: Claims | None = field(default=None, repr=False)
    """The claims that the costs are computed from; None if they come from counts."""

    @property
    def synthetic(self) -> bool:
        """Whether the claims are synthetic."""
        return self.claims is not None and self.claims.synthetic

    @property
    def starts(self) -> frozenset[int]:
        """The largest losses of all bands that exclude their written upper edge: 299999 for [0, 300000)."""
        return frozenset[int]().union(*(policy.starts for policy in self.policies))

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The comparison tables of the report, by name."""
        comparison = self.comparison
        return {"comparison": comparison.policies, "pairs": comparison.pairs, "flips": comparison.flips}

    @property
    def used_ledger(self) -> Ledger | None:
        """The ledger as known on the day of the analysis, with only the assumptions that a result uses."""
        known = self.ledger.as_known_on(self.as_of) if self.ledger else None
        return known.with_only(self.comparison.inputs) if known else None

    def sentence(self, locale: Locale) -> str:
        """A sentence that states the result of the comparison."""
        return self.comparison.sentence(locale, self.names(locale.lang))

    def names(self, lang: str) -> dict[str, str]:
        """The display name of each policy by id. If two policies have the same name, the id is appended."""
        names = {policy.id: policy.name[lang] for policy in self.policies}
        used = list(names.values())
        return {id_: f"{name} ({id_})" if used.count(name) > 1 else name for id_, name in names.items()}


def compare_with_alternatives(
    plan: Plan, incident: Incident, policy: Policy, ledger: Ledger | None, as_of: date, *, of_claims: bool
) -> PolicyComparison | None:
    """Compare the policy of the plan with the other policies that the plan names; None if it names none.

    Args:
        plan: the plan.
        incident: the incident of the plan.
        policy: the policy of the plan.
        ledger: the ledger of the plan, if any.
        as_of: the day of the analysis.
        of_claims: whether to compute costs from the claims instead of published counts.
    """
    if not plan.compare:
        return None
    policies = (policy, *(load_documents(replace(plan, policy=other))[1] for other in plan.compare))
    claims, cubes = _cubes_per_policy(plan, incident, policies, as_of) if of_claims else (None, {})
    comparison = compare(
        policies, ledger, as_of=as_of, cubes=cubes, draws=plan.draws, seed=plan.seed, level=plan.level
    )
    return PolicyComparison(incident, policies, ledger, as_of, comparison, claims)


def _cubes_per_policy(
    plan: Plan, incident: Incident, policies: Sequence[Policy], as_of: date
) -> tuple[Claims | None, dict[str, list[Cube]]]:
    """Return the claims of a plan, and cubes (claim counts by dimension and loss band) by policy id.

    All cubes have the band edges of all policies, so that each policy pays for the same groups of claims.
    """
    claims: Claims | None = None
    cubes: dict[str, list[Cube]] = {}
    known = [policy.as_known_on(as_of) for policy in policies]
    for policy in known:
        claims, built = load_cubes(plan, incident, policy, as_of, beside=known)
        cubes[policy.id] = [*built.values()]
    return claims, cubes


def compare_policies(
    plan: Plan, policies: Sequence[str | Path | Policy], *, valuation: str = "cash"
) -> PolicyComparison:
    """Compare the expected costs of policies for one incident.

    Args:
        plan: states the incident, the ledger, the day, and optionally claims or counts. Without a ledger, the
            latest bundled ledger of the incident by that day is used. The policy of the plan is not used.
        policies: two or more policies, as ids, paths or `Policy` objects.
        valuation: the kind of cost to compare, such as `cash`.

    Raises:
        UsageError: documents do not fit together, or there are fewer than two policies.
        ModelRefused: fewer than two policies have an expected cost.
    """
    incident = load_incident(plan.incident)
    ledger = load_ledger(plan.ledger) if plan.ledger else bundled_ledger(incident.id, plan.as_of)
    loaded = tuple(map(load_policy, policies))
    for policy in loaded:
        check_documents_fit(incident, policy, ledger)
    as_of = plan.as_of or (ledger.as_of if ledger else max(last_day(policy, incident) for policy in loaded))
    claims, cubes = _cubes_per_policy(plan, incident, loaded, as_of) if plan.has_own_counts else (None, {})
    comparison = compare(
        loaded,
        ledger,
        as_of=as_of,
        cubes=cubes,
        valuation=valuation,
        draws=plan.draws,
        seed=plan.seed,
        level=plan.level,
    )
    return PolicyComparison(incident, loaded, ledger, as_of, comparison, claims)
