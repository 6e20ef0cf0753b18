"""The Plan: what to analyse, and how its pages and claims are found and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from outage_analysis.assumptions import Ledger, bundled_ledger, load_ledger
from outage_analysis.claims import MAX_REJECTS, Claims, read_claims
from outage_analysis.costs import DRAWS, SEED
from outage_analysis.errors import UsageError
from outage_analysis.files import bundled_claims, ids, nearest
from outage_analysis.incidents import Incident, load_incident, load_layout
from outage_analysis.losses import Cube, build_cube, cost_bands, dimension_labels, read_counts
from outage_analysis.policies import Policy, load_policy, refuse_misfit


@dataclass(frozen=True)
class Plan:
    """What to analyse. Ids of bundled pages and paths to one's own serve alike.

    Args:
        incident: the outage.
        policy: the promises; by default the bundled policy of the incident's id.
        ledger: the assumptions; by default the bundled ledger of that id or, when there is an as-of day, the
            incident's latest by that day.
        claims: complaint files, folders or patterns, or one warehouse file; by default the bundled
            synthetic file of that id, if there is one.
        columns: layouts of files that differ from what the incident says.
        counts: a CSV of totals by service, claimant type and band, instead of claims.
        as_of: use only what was public by this day, and claims filed by it; by default the ledger's day, or
            without one the last day of the policy's lines and of the claims window.
        max_rejects: the largest share of rejected rows to go on with.
        hindsight: whether to show, apart, what came out after `as_of`.
        compare: other policies to set beside, on the same draws and published counts.
        budget: a sum of cash in whole currency: how likely is it exceeded?
        draws: points of the uncertain inputs, a power of two.
        seed: of those points; the same seed gives the same digits.
    """

    incident: str | Path = "kakao-2022"
    policy: str | Path | None = None
    ledger: str | Path | None = None
    claims: tuple[str | Path, ...] | None = None
    columns: tuple[str | Path, ...] = ()
    counts: str | Path | None = None
    as_of: date | None = None
    max_rejects: float = MAX_REJECTS
    hindsight: bool = True
    compare: tuple[str | Path, ...] = ()
    budget: int | None = None
    draws: int = DRAWS
    seed: int = SEED


def load_documents(plan: Plan) -> tuple[Incident, Policy, Ledger | None]:
    """The incident, the policy and the ledger that a plan names.

    Raises:
        UsageError: a page that is wrong, or pages that do not fit each other.
    """
    incident = load_incident(plan.incident)
    policy = load_policy_or_default(incident, plan.policy)
    if plan.ledger is not None:
        ledger: Ledger | None = load_ledger(plan.ledger)
    else:
        ledger = bundled_ledger(incident.id, plan.as_of) if plan.policy is None else None
    check_documents_fit(incident, policy, ledger, file=plan.ledger)
    return incident, policy, ledger


def load_policy_or_default(incident: Incident, policy: str | Path | None) -> Policy:
    """The policy that is named, or the bundled one of the incident's id.

    Raises:
        UsageError: none is named and none is bundled, or a page that is wrong.
    """
    if policy is None and incident.id not in ids("policies"):
        raise UsageError(f"no bundled policy for {incident.id}", remedy="Give one with --policy.")
    return load_policy(policy or incident.id)


def last_day(policy: Policy, incident: Incident) -> date:
    """The day by which every dated line was public and every claim could be filed."""
    days = [line.public_on for line in policy.lines if line.public_on]
    if not days:
        raise UsageError(f"no line of {policy.id} has a day", remedy="Give its lines their public_on.")
    return max(*days, incident.claims_to)


def check_documents_fit(
    incident: Incident, policy: Policy, ledger: Ledger | None, *, file: str | Path | None = None
) -> None:
    """Refuse a policy that the incident cannot have, and another incident's ledger or one in other money.

    Args:
        incident: the outage.
        policy: the promises.
        ledger: the assumptions, if there are any.
        file: where the ledger is from, to name it.

    Raises:
        UsageError: other units, someone entitled whom the incident does not know, or a foreign ledger.
    """
    refuse_misfit(policy, incident)
    values: dict[str, list[str] | None] = {
        "service": [s.id for s in incident.services],
        "claimant_type": [c.id for c in incident.claimant_types],
        **{d.id: dimension_labels(d) if d.kind == "number" else None for d in incident.dimensions},
    }
    taken = {x.id for x in (*incident.services, *incident.claimant_types)}
    for line in policy.lines:
        if line.id in taken:  # tables would call one by the other's name
            raise UsageError(
                "a cost line has the id of a service or a claimant type",
                value=line.id,
                remedy="Rename the line.",
            )
    whom = [(x, x.eligibility) for x in policy.lines]
    whom += [(x, s.when) for x in policy.schedules for s in x.segments]
    for line, entitles in whom:
        for dimension, entitled in entitles.items():
            if dimension not in values:
                raise UsageError(f"the line {line.id} depends on {dimension}, which no claim has")
            known = values[dimension]
            stranger = None if known is None else next((v for v in entitled if v not in known), None)
            if stranger is not None:
                raise UsageError(
                    f"the line {line.id} entitles a {dimension} that the incident does not have",
                    value=stranger,
                    remedy=nearest(stranger, known or []),
                )
    if ledger is not None:
        _check_ledger_fits(ledger, incident, None if file is None else Path(file).name)


def _check_ledger_fits(ledger: Ledger, incident: Incident, file: str | None) -> None:
    if ledger.incident != incident.id:
        raise UsageError(
            f"the ledger {ledger.id} is for the incident {ledger.incident}, not for {incident.id}",
            remedy="Give the incident's own ledger with --ledger.",
        )
    if ledger.currency not in (None, incident.currency):
        raise UsageError(
            f"the ledger {ledger.id} counts in another currency than the incident {incident.id}, "
            f"which counts in {incident.currency}",
            file=file,
            column="currency",
            value=ledger.currency,
            remedy="Restate each sum of the ledger in the incident's currency, then its currency.",
        )


def load_cubes(
    plan: Plan, incident: Incident, policy: Policy, as_of: date, *, beside: Sequence[Policy] = ()
) -> tuple[Claims | None, dict[str, Cube]]:
    """The claims that a plan names, and their cubes by name: cost, and claimants of a line.

    Claims filed after the as-of day are in no cube. Totals bear no day: whoever gives them answers for it.
    The cubes have the dimensions and the edges of the policies `beside` as well, so that policies that are
    compared pay the same cells.

    Raises:
        UsageError: claims and counts at once.
        InputRefused: claims that cannot be used.
    """
    if plan.counts is not None:
        if plan.claims:
            raise UsageError("give claim files or counts, not both")
        return None, {"cost": read_counts(plan.counts, incident)}
    paths = plan.claims
    if paths is None:
        bundled = bundled_claims(incident.id)
        paths = (bundled,) if bundled else ()
    if not paths:
        return None, {}
    layouts = [load_layout(page) for page in plan.columns]
    claims = read_claims(list(paths), incident, layouts=layouts, max_rejects=plan.max_rejects)
    claims.refuse_personal([d.id for d in incident.dimensions if d.kind == "text"])
    pages = (policy, *beside)
    asked = {
        d
        for page in pages
        for x in page.schedules
        for whom in (x.eligibility, *(s.when for s in x.segments))
        for d in whom
    }
    eligibility = sorted(asked - {"service", "claimant_type"})
    by_claimant = [x for x in policy.schedules if x.grain == "claimant"]
    cube = partial(build_cube, claims, bands=cost_bands(claims, pages), until=as_of)
    return claims, {
        "cost": cube(dimensions=("service", "claimant_type", *eligibility)),
        **{f"claimants of {x.id}": cube(line=x) for x in by_claimant},
    }
