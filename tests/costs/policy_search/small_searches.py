"""Searches over a few claims that a reader can follow, and the same searches by plain loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from outage_analysis.assumptions import Ledger
from outage_analysis.costs import PolicySearch, SearchInputs, SearchRequest, find_best_policy
from outage_analysis.costs.uncertainty.simulation import Sample
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from tests.loss_cubes import loss_cube
from tests.small_policies import DAY, Page, fixed, ledger_of, policy_of, tiers

BANDS = ({"over": 0, "up_to": 100, "fixed": 10}, {"over": 100, "up_to": 300, "fixed": 40}, {"over": 300})
POLICY = policy_of(tiers(band=BANDS))


def accepting(distribution: Page, *further: Page) -> Ledger:
    """A ledger in which everybody files, and claims are accepted at a rate with this distribution."""
    filing = {"kind": "filing_share", "distribution": fixed(1.0)}
    return ledger_of(filing, {"kind": "acceptance", "distribution": distribution}, *further)


CERTAIN = accepting(fixed(1.0))
"""Every claim is accepted, so nothing is uncertain."""
HALF = accepting(fixed(0.5))
"""Each claim is accepted with probability 1/2; only the counts are random."""
LOSSES = (5, 30, 80, 90, 120, 150, 250, 400)


def search_of(
    vary: Any,  # noqa: ANN401 - texts, or a mapping of values
    budget: int,
    *,
    losses: Sequence[int | None] = LOSSES,
    policy: Policy = POLICY,
    ledger: Ledger = CERTAIN,
    named: Sequence[Policy] = (),
    draws: int = 2**11,
    with_handling: bool = False,
    **request: Any,  # noqa: ANN401 - fields of a request
) -> PolicySearch:
    """Search over the claims with these losses."""

    def cubes_at(cuts: Sequence[int]) -> dict[str, list[Cube]]:
        edges = {cut for each in (policy, *named) for cut in each.breakpoints}.union(cuts)
        return {each.id: [loss_cube(losses, *edges)] for each in (policy, *named)}

    inputs = SearchInputs(policy, ledger, DAY, {}, draws, 7, with_handling=with_handling)
    return find_best_policy(inputs, SearchRequest(vary, budget, **request), named, cubes_at)


@dataclass(frozen=True)
class Tried:
    """One combination of two payments, computed without the search."""

    payments: tuple[int, int]
    expected: float
    quantile: float
    over: float
    replaced: float
    made_whole: int
    shortfall: int


def paid(loss: int, payments: Sequence[int], edges: Sequence[int] = (100, 300)) -> int:
    """What a claim is paid; losses above the last edge are paid nothing."""
    return next((p for p, edge in zip(payments, edges, strict=True) if loss <= edge), 0)


def tried(payments: tuple[int, int], sample: Sample, expected: float, budget: int) -> Tried:
    """What a combination costs in a sample of its own policy, and what it gives to `LOSSES`."""
    gives = [(loss, paid(loss, payments)) for loss in LOSSES]
    return Tried(
        payments,
        expected,
        sample.quantile(0.9).value,
        float((sample.values > budget).mean()),
        sum(min(loss, pays) for loss, pays in gives) / sum(LOSSES),
        sum(pays >= loss for loss, pays in gives),
        max(max(loss - pays, 0) for loss, pays in gives),
    )


def dominates(one: Tried, other: Tried) -> bool:
    """Whether a combination costs no more and replaces no less, and one of the three is better."""
    first = (one.expected, one.quantile, -one.replaced)
    second = (other.expected, other.quantile, -other.replaced)
    close = [np.isclose(a, b, rtol=1e-9, atol=0) for a, b in zip(first, second, strict=True)]
    better = [a < b and not same for a, b, same in zip(first, second, close, strict=True)]
    return all(a or b for a, b in zip(better, close, strict=True)) and any(better)


def named_policies(values: Sequence[Sequence[int]]) -> list[Policy]:
    """One policy per combination of two payments, made without the search."""
    found = []
    for first, second in product(*values):
        changed = POLICY.with_tier(up_to=100, pays=first).with_tier(up_to=300, pays=second)
        found.append(changed.model_copy(update={"id": f"pays-{first}-{second}"}))
    return found
