"""Searches over a few claims that a reader can follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.policy_search import PolicySearch, SearchRequest, find_best_policy
from outage_analysis.costs.simulation import Sample
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from tests.loss_cubes import loss_cube
from tests.small_policies import DAY, Page, fixed, ledger_of, policy_of, tiers

BANDS = ({"over": 0, "up_to": 100, "fixed": 10}, {"over": 100, "up_to": 300, "fixed": 40}, {"over": 300})
POLICY = policy_of(tiers(band=BANDS))
LOSSES = (5, 30, 80, 90, 120, 150, 250, 400)


def accepting(distribution: Page, *further: Page) -> Ledger:
    """A ledger in which everybody files, and claims are accepted at a rate with this distribution."""
    filing = {"kind": "filing_share", "distribution": fixed(1.0)}
    return ledger_of(filing, {"kind": "acceptance", "distribution": distribution}, *further)


CERTAIN = accepting(fixed(1.0))
"""Every claim is accepted, so nothing is uncertain."""
HALF = accepting(fixed(0.5))
"""Each claim is accepted with probability 1/2; only the counts are random."""


def search_of(
    vary: Any,  # noqa: ANN401 - texts, or a mapping of values
    budget: int,
    *,
    losses: Sequence[int | None] = LOSSES,
    cubes: Sequence[Cube] | None = None,
    policy: Policy = POLICY,
    ledger: Ledger = CERTAIN,
    named: Sequence[Policy] = (),
    draws: int = 2**11,
    **request: Any,  # noqa: ANN401 - fields of a request
) -> PolicySearch:
    """Search over the claims with these losses, or these cubes; by published counts without a cube."""

    def cubes_of(policies: Sequence[Policy], cuts: Sequence[int]) -> Sequence[Cube]:
        edges = {cut for each in policies for cut in each.breakpoints}.union(cuts)
        return [loss_cube(losses, *edges)] if cubes is None else cubes

    search = SearchRequest(policy, ledger, DAY, draws, 7, vary, budget, **request)
    return find_best_policy(search, named, cubes_of)


def solution(found: PolicySearch) -> tuple[int, ...] | None:
    """The values of the solution; None if there is none."""
    return tuple(found.values.values()) if found.is_feasible else None


def expected(found: PolicySearch) -> list[float]:
    """The expected cost of each candidate."""
    return [float(x) for x in found.tried.costs.on_average.quantiles(found.tried.values, 0.5)]


def samples(found: PolicySearch) -> list[Sample]:
    """The cost of each candidate in the common draws."""
    return [Sample(rows) for total in found.tried.costs.totals(found.tried.values) for rows in total]
