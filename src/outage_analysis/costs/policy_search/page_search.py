"""The fixed payments that a web page can search within a budget, with the limits of each payment.

The page maximises the mean payment per accepted claim, as `find_best_policy` can do. The search itself is in
the script live_search.js of the charts package; a test compares the results of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from outage_analysis.costs.claim_payments import cube_fits_line
from outage_analysis.costs.cost_products import Factor
from outage_analysis.costs.policy_search.candidate_grid import round_step
from outage_analysis.costs.policy_search.constraints import statutory_lines
from outage_analysis.costs.policy_search.loss_intervals import VariedLine
from outage_analysis.costs.policy_search.solve import largest_claim_loss
from outage_analysis.losses import Cube
from outage_analysis.policies import SHARE_SCALE, Policy, Schedule

USUAL_STEPS = 5
"""The default step is a round number: the largest payment divided by about this number."""


@dataclass(frozen=True)
class SearchablePayment:
    """A fixed payment that a page can vary: its factor and its limits, in the smallest currency unit."""

    factor: Factor
    line: Schedule
    tier: int
    """The position of its loss band in the line, from 0."""
    largest: int | None
    """The largest loss of the band, the limit of the payment; None if it is unknown or not money."""


@dataclass(frozen=True)
class PageSearch:
    """What a page needs for a search of payments within a budget."""

    payments: tuple[SearchablePayment, ...]
    edges: tuple[Mapping[str, Any], ...]
    """Payments on both sides of the edges of loss bands: `below` and `above`, each an amount or the id of a
    factor whose value is the amount."""
    step: int
    """The default step between payments, in the smallest unit of the currency."""


def page_search(
    policy: Policy, factors: Iterable[Factor], model: Mapping[str, Any], cubes: Sequence[Cube]
) -> PageSearch | None:
    """Return what a page needs to search fixed payments; None if it cannot vary any payment.

    A payment can be varied if it has a slider, is not fixed by law, and has its own count of claims in the
    simulation.

    Args:
        policy: the announced policy.
        factors: the factors that have a slider.
        model: the result of `browser_model`.
        cubes: the claims from which costs are computed; empty if they are computed from published counts.
    """
    counted = {unit["pays"] for stream in model["streams"] for unit in stream["units"]}
    found = []
    for factor in factors:
        if factor.kind != "pays" or factor.id not in counted or factor.line in statutory_lines(policy):
            continue
        line = policy.schedule(factor.line)
        tier = None if line is None else _tier(line, factor)
        if line is not None and tier is not None:
            found.append(SearchablePayment(factor, line, tier, _largest_loss(policy, line, tier, cubes)))
    if not found:
        return None
    order = [line.id for line in policy.schedules]
    found.sort(key=lambda x: (order.index(x.line.id), x.tier))
    edges = [edge for line in {x.line.id: x.line for x in found}.values() for edge in _edges(line, found)]
    return PageSearch(
        tuple(found), tuple(edges), round_step(max(x.factor.value for x in found) / USUAL_STEPS)
    )


def _tier(line: Schedule, factor: Factor) -> int | None:
    places = {band: place for place, (band, _) in enumerate(line.tariff.bands_with_rules)}
    tier = places.get((factor.over, factor.up_to))
    if tier is None or len(places) != len(line.bands) or line.bands[tier].fixed != factor.value:
        return None
    return tier


def _largest_loss(policy: Policy, line: Schedule, tier: int, cubes: Sequence[Cube]) -> int | None:
    if policy.loss_unit != policy.currency:
        return None
    varied = VariedLine.from_parameters(line, ())
    if tier < varied.tiers - 1:
        return varied.possible_cuts[tier][-1]
    cube = next((cube for cube in cubes if cube_fits_line(line, cube)), None)
    return None if cube is None else largest_claim_loss(cube)


def _edges(line: Schedule, found: Sequence[SearchablePayment]) -> list[dict[str, Any]]:
    ids = {x.tier: x.factor.id for x in found if x.line.id == line.id}
    announced, one = VariedLine.from_parameters(line, ()), np.zeros((1, 0), dtype=np.int64)
    cuts = announced.candidate_cuts(one)
    edges = []
    for tier in range(announced.tiers):
        if tier not in ids and tier - 1 not in ids:
            continue
        if tier not in ids and not line.bands[tier].pays:
            continue
        zero = line.tariff.pay(0)
        below: str | float | None = None if zero is None else float(zero)
        if tier:
            below = ids.get(tier - 1, _amount(announced, tier - 1, cuts[:, tier - 1]))
        above = ids.get(tier, _amount(announced, tier, cuts[:, tier - 1] + 1) if tier else None)
        if below is not None and above is not None:
            edges.append({"below": below, "above": above})
    return edges


def _amount(line: VariedLine, tier: int, losses: np.ndarray[Any, Any]) -> float | None:
    """Return the payment of the announced policy for a loss; None if such claims are reviewed."""
    paid = float(line.pays_at(tier, np.zeros((1, 0), dtype=np.int64), losses)[0])
    return None if np.isnan(paid) else paid / SHARE_SCALE
