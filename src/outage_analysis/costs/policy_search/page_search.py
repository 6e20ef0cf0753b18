"""The fixed payments that a web page can search within a budget, with the limits of each payment.

The page maximises the mean payment per accepted claim, as `find_best_policy` can do. The search itself is in
the script live_search.js of the charts package; a test compares the results of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from outage_analysis.costs.claim_payments import cube_fits_line
from outage_analysis.costs.cost_products import LiveInput
from outage_analysis.costs.policy_search.benefits import largest_claim_loss
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy, Schedule


class SearchablePayment(NamedTuple):
    """A fixed payment that a page can vary: its factor and its limits, in the smallest currency unit."""

    line: Schedule
    tier: int
    """The position of its loss band in the line, from 0."""
    factor: LiveInput
    largest: int | None
    """The largest loss of the band, the limit of the payment; None if it is unknown or not money."""


def page_search(
    policy: Policy, factors: Iterable[LiveInput], model: Mapping[str, Any], cubes: Sequence[Cube]
) -> tuple[list[SearchablePayment], list[dict[str, float | str]]]:
    """Return the fixed payments that a page can search, and the payments at the edges of their loss bands.

    A payment can be varied if it has a slider, is not fixed by law, and has its own count of claims in the
    simulation.

    Args:
        policy: the announced policy.
        factors: the factors that have a slider.
        model: the result of `browser_model`.
        cubes: the claims from which costs are computed; empty if they are computed from published counts.

    Returns:
        The payments, and per edge the payments `below` and `above` it, each an amount or the id of a factor
        whose value is the amount.
    """
    counted = {unit["pays"] for term in model["streams"] for unit in term["units"]}
    pays = [factor for factor in factors if factor.kind == "pays" and factor.id in counted]
    found: list[SearchablePayment] = []
    edges: list[dict[str, float | str]] = []
    for line in policy.schedules:
        bands = [band for band, _ in line.tariff.bands_with_rules]
        by_band = {(x.over, x.up_to): x for x in pays if x.line == line.id}
        varied = {
            tier: by_band[band]
            for tier, (band, rule) in enumerate(line.tariff.bands_with_rules)
            if not line.statutory and band in by_band and by_band[band].value == rule.fixed
        }
        cube = next((cube for cube in cubes if cube_fits_line(line, cube)), None)
        for tier, factor in varied.items():
            loss = bands[tier][1] or (None if cube is None else largest_claim_loss(cube))
            money = policy.loss_unit == policy.currency
            found.append(SearchablePayment(line, tier, factor, loss if money else None))
        for tier, (over, _) in enumerate(bands):
            beside = tier in varied or (tier - 1 in varied and line.bands[tier].pays)
            amounts = [line.tariff.pay(loss) for loss in (over or 0, (over or 0) + 1)]
            ends = [
                varied[place].id if place in varied else None if amount is None else float(amount)
                for place, amount in zip((tier - 1, tier), amounts, strict=True)
            ]
            if beside and None not in ends:  # claims under review have no fixed payment
                edges.append(dict(zip(("below", "above"), ends, strict=True)))  # type: ignore[arg-type]
    return found, edges
