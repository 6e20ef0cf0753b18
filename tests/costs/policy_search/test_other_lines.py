"""Searches in policies with segments, several lines, new applicants, claimants and claims without a loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from outage_analysis.costs import (
    PolicySearch,
    SearchInputs,
    SearchRequest,
    cost_table,
    find_best_policy,
    totals,
)
from outage_analysis.incidents import Bands
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from tests.costs.policy_search.small_searches import BANDS, HALF, accepting
from tests.loss_cubes import cube_of_claims, loss_cube
from tests.small_policies import DAY, fixed, policy_of, tiers, uniform

SHOP = {"id": "shop", "when": {"service": ("shop",)}, "band": ({"over": 0, "share": 0.5},)}
CLAIMS = [("mail", 30), ("mail", 150), ("mail", None), ("mail", 0), ("shop", 80), ("shop", 200), (None, 90)]


def compared(policy: Policy, other: Policy, cube: Cube, **ledger: object) -> PolicySearch:
    """A search that tries the payment 20 in the first band, beside a policy that pays it."""
    inputs = SearchInputs(policy, ledger.get("ledger", HALF), DAY, {}, 2**11, 7)  # type: ignore[arg-type]
    request = SearchRequest({"tiers.tier1": [20]}, 10**9)
    return find_best_policy(inputs, request, [other], lambda _: {each.id: [cube] for each in (policy, other)})


def check_equal(found: PolicySearch, cubes: Sequence[Cube]) -> None:
    """The one candidate costs what the named policy costs, on average and in each draw."""
    other = found.named[1]
    table = cost_table(other, found.inputs.ledger, as_of=DAY, cubes=cubes)
    expected = totals(table).filter(valuation="cash")["expected"].item()
    assert found.search.expected[0] == pytest.approx(expected, rel=1e-9)
    own = found.search.costs.runs[other.id].totals["cash"].values
    np.testing.assert_allclose(found.search.costs.total(found.search.formulas, 0), own, rtol=1e-12)


def pays_20(policy: Policy) -> Policy:
    """The policy whose first band pays 20, made without the search."""
    return policy.with_tier(line="tiers", up_to=100, pays=20)


def test_a_segment_and_claims_without_a_loss_cost_the_same_under_all_candidates() -> None:
    line = tiers(band=BANDS, segment=(SHOP,), published_count=None, unknown={"fixed": 7}, zero={"fixed": 3})
    policy = policy_of(line)
    cube = cube_of_claims(CLAIMS, Bands.from_cuts((30, 79, 80, 90, 100, 150, 200, 300)))
    found = compared(policy, pays_20(policy), cube)
    check_equal(found, [cube])
    # One claim of mail and one without a service pay 20, one pays 40; the shop gets half of 280; 7 and 3.
    assert found.search.expected[0] == pytest.approx(0.5 * (2 * 20 + 40 + 140 + 7 + 3))


def test_a_line_that_does_not_vary_belongs_to_the_base() -> None:
    policy = policy_of(tiers(band=BANDS), tiers(id="fee", band=({"over": 0, "fixed": 11},)))
    cube = loss_cube((30, 150), 100, 300)
    found = compared(policy, pays_20(policy), cube)
    check_equal(found, [cube])
    assert found.search.expected[0] == pytest.approx(0.5 * (20 + 40 + 2 * 11))
    # Both lines pay for the same loss: 31 replace the loss of 30, and 51 of 150.
    assert found.measures.values["replaced"][0] == pytest.approx((30 + 51) / 180)


def test_new_applicants_are_drawn_apart_and_paid_alike() -> None:
    ledger = accepting(uniform(0.3, 0.9), {"kind": "new_applicants", "distribution": fixed(0.4)})
    policy = policy_of(tiers(band=BANDS))
    cube = loss_cube((30, 30, 150, 250), 100, 300)
    found = compared(policy, pays_20(policy), cube, ledger=ledger)
    check_equal(found, [cube])
    assert found.search.expected[0] == pytest.approx(0.6 * 1.4 * (2 * 20 + 2 * 40))


def test_a_line_that_pays_claimants_uses_their_cube() -> None:
    policy = policy_of(tiers(band=BANDS, grain="claimant", published_count=None))
    claimants = loss_cube((30, 150, 250), 30, 100, 300)
    cube = replace(claimants, frame=claimants.frame.drop("service"), dimensions=(), line="tiers")
    found = compared(policy, pays_20(policy), cube)
    check_equal(found, [cube])
    assert found.measures.values["made_whole"][0] == 0
    assert found.measures.values["replaced"][0] == pytest.approx((20 + 40 + 40) / 430)


def test_two_lines_vary_together() -> None:
    lines = (tiers(band=BANDS), tiers(id="fee", band=({"over": 0, "fixed": 11},)))
    policy = policy_of(*lines)
    cube = loss_cube((30, 150), 30, 100, 150, 300)
    request = SearchRequest({"tiers.tier1": [0, 20], "fee.tier1": [5, 30]}, 10**9)
    inputs = SearchInputs(policy, HALF, DAY, {}, 2**11, 7)
    found = find_best_policy(inputs, request, [], lambda _: {"p": [cube]})
    pays = [(first, second) for first in (0, 20) for second in (5, 30)]
    assert found.candidates.tolist() == [list(pair) for pair in pays]
    assert found.search.expected.tolist() == pytest.approx(
        [0.5 * (first + 40 + 2 * second) for first, second in pays]
    )
    assert found.measures.values["replaced"].tolist() == pytest.approx(
        [(min(30, first + second) + 40 + second) / 180 for first, second in pays]
    )
