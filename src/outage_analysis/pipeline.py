"""The recipe: a Plan says what to analyse, `run` does it, an Analysis holds every figure.

This is the only module that knows the order of the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from outage_analysis.aggregation import build_cube, dimension_labels
from outage_analysis.assumptions import Ledger, load_ledger
from outage_analysis.claims import Claims
from outage_analysis.costs import cost_table, drivers, levers, tie_outs, totals
from outage_analysis.cube import Cube, read_counts
from outage_analysis.datasets import bundled_claims, ids, nearest
from outage_analysis.distributions import display_bands
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.layouts import load_layout
from outage_analysis.policies import Policy, load_policy, refuse_misfit
from outage_analysis.published import TieOut
from outage_analysis.reading import MAX_REJECTS, read_claims
from outage_analysis.tables import (
    cited_facts,
    claims_tables,
    funnel_table,
    headline_table,
    hindsight_apart,
    service_table,
)

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to analyse. Ids of bundled pages and paths to one's own serve alike.

    Args:
        incident: the outage.
        policy: the promises; by default the bundled policy of the incident's id.
        ledger: the assumptions; by default the bundled ledger of that id, if there is one.
        claims: complaint files, folders or patterns, or one warehouse file; by default the bundled
            synthetic file of that id, if there is one.
        columns: layouts of files that differ from what the incident says.
        counts: a CSV of totals by service, claimant type and band, instead of claims.
        as_of: use only what was public by this day; by default the ledger's day.
        max_rejects: the largest share of rejected rows to go on with.
        hindsight: whether to show, apart, what came out after `as_of`.
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


@dataclass(frozen=True)
class Analysis:
    """Every figure of one run, and what it was made from."""

    plan: Plan
    incident: Incident
    policy: Policy
    ledger: Ledger | None
    as_of: date
    claims: Claims | None
    cubes: dict[str, Cube]
    """cost, intake and profile, from claims, and claimants of each line paid by claimant; only cost,
    from totals."""
    tables: dict[str, pl.DataFrame] = field(repr=False)
    """Every table of the report, by name."""
    dropped_lines: tuple[str, ...] = ()
    """Cost lines that were not public by `as_of`."""

    @property
    def tie_outs(self) -> tuple[TieOut, ...]:
        """The published sums that the policy and the incident name."""
        return (*self.policy.tie_outs, *self.incident.tie_outs)

    @property
    def synthetic(self) -> bool:
        """Whether the claims are synthetic."""
        return any(cube.synthetic for cube in self.cubes.values())

    def total(self, basis: str, valuation: str = "cash") -> dict[str, float | None] | None:
        """The row of the totals for one basis: published, synthetic or claims."""
        table = self.tables.get("totals" if basis == "published" else "claims_totals")
        rows = [] if table is None else table.filter(basis=basis, valuation=valuation).rows(named=True)
        return rows[0] if rows else None


def run(plan: Plan, *, progress: Progress = lambda _: None) -> Analysis:
    """Do what a plan says.

    Args:
        plan: what to analyse.
        progress: called with the name of each step as it starts.

    Raises:
        UsageError: a page that is wrong, or pages that do not fit each other.
        InputRefused: claims that cannot be used.
        ModelRefused: nothing can be said about the cost as of that day.
    """
    progress("reading the incident, the policy and the ledger")
    incident, policy, ledger = _pages(plan)
    as_of = plan.as_of or (ledger.as_of if ledger else _last_day(policy))
    progress("reading the claims")
    known = policy.as_known_on(as_of)
    claims, cubes = _cubes(plan, incident, known)
    progress("computing the cost")
    published = cost_table(policy, ledger, as_of=as_of)
    paid = [cube for name, cube in cubes.items() if name == "cost" or cube.line]
    given = cost_table(policy, ledger, as_of=as_of, cubes=paid) if paid else None
    _refuse_if_silent(published if given is None else pl.concat([published, given]), policy, as_of)
    _, later = policy.public_by(as_of)
    tables = {
        "costs": published,
        "totals": totals(published),
        "funnel": funnel_table(policy, ledger, as_of, published),
        "drivers": drivers(policy, ledger, as_of=as_of),
        "levers": levers(policy, ledger, as_of=as_of),
        "services": service_table(incident),
        "facts": cited_facts(incident, policy, ledger, as_of=as_of),
        "headlines": headline_table(incident, published, as_of),
        "tie_outs": tie_outs((*policy.tie_outs, *incident.tie_outs), policy, as_of=as_of),
        **claims_tables(claims, cubes, known, given),
    }
    return Analysis(
        plan,
        incident,
        policy,
        ledger,
        as_of,
        claims,
        cubes,
        hindsight_apart(tables, incident, as_of, shown=plan.hindsight),
        tuple(x.id for x in later),
    )


def _pages(plan: Plan) -> tuple[Incident, Policy, Ledger | None]:
    incident = load_incident(plan.incident)
    if plan.policy is None and incident.id not in ids("policies"):
        raise UsageError(f"no bundled policy for {incident.id}", remedy="Give one with --policy.")
    policy = load_policy(plan.policy or incident.id)
    bundled = incident.id if plan.policy is None and incident.id in ids("assumptions") else None
    chosen = plan.ledger or bundled
    ledger = load_ledger(chosen) if chosen else None
    refuse_misfit(policy, incident)
    _refuse_strangers(incident, policy, ledger)
    return incident, policy, ledger


def _last_day(policy: Policy) -> date:
    """The day by which every dated line was public."""
    days = [line.public_on for line in policy.lines if line.public_on]
    if not days:
        raise UsageError(f"no line of {policy.id} has a day", remedy="Give its lines their public_on.")
    return max(days)


def _refuse_strangers(incident: Incident, policy: Policy, ledger: Ledger | None) -> None:
    """Refuse a policy that entitles what the incident does not have, and another incident's ledger."""
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
    if ledger is not None and ledger.incident != incident.id:
        raise UsageError(
            f"the ledger {ledger.id} is for the incident {ledger.incident}, not for {incident.id}",
            remedy="Give the incident's own ledger with --ledger.",
        )


def _cubes(plan: Plan, incident: Incident, policy: Policy) -> tuple[Claims | None, dict[str, Cube]]:
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
    asked = {
        d for x in policy.schedules for whom in (x.eligibility, *(s.when for s in x.segments)) for d in whom
    }
    eligibility = sorted(asked - {"service", "claimant_type"})
    by_claimant = [x for x in policy.schedules if x.grain == "claimant"]
    display = display_bands(policy.cuts, negative=incident.loss.negative == "band")
    profile = [d.id for d in incident.dimensions if d.id not in eligibility]
    return claims, {
        "cost": build_cube(claims, dimensions=("service", "claimant_type", *eligibility), policy=policy),
        "intake": build_cube(claims, dimensions=("service", "claimant_type", "filed_on"), bands=display),
        "profile": build_cube(claims, dimensions=("service", *eligibility, *profile), bands=display),
        **{f"claimants of {x.id}": build_cube(claims, policy=policy, line=x) for x in by_claimant},
    }


def _refuse_if_silent(table: pl.DataFrame, policy: Policy, as_of: date) -> None:
    """Refuse when not one line has a figure, rather than print a page of nothing."""
    if table.filter(pl.col("high").is_not_null() | pl.col("promised").is_not_null()).is_empty():
        counts = [x.published_count for x in policy.schedules if x.published_count]
        remedy = f"Needed: {', '.join(counts)}. " if counts else ""
        raise ModelRefused(
            f"as of {as_of} no cost line of {policy.id} has a count that was public",
            remedy=remedy + "Move --as-of to a later day, or give claims or counts of your own.",
        )
