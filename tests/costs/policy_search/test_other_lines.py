"""Searches in policies with segments, several lines, new applicants, claimants and claims without a loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from outage_analysis.assumptions import Ledger
from outage_analysis.costs import build_portfolio, cost_table, simulate, totals
from outage_analysis.costs.policy_search import PolicySearch
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Bands
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from tests.costs.policy_search.small_searches import BANDS, HALF, accepting, expected, samples, search_of
from tests.loss_cubes import cube_of_claims, loss_cube
from tests.small_policies import DAY, fixed, policy_of, tiers, uniform

SHOP = {"id": "shop", "when": {"service": ("shop",)}, "band": ({"over": 0, "share": 0.5},)}
CLAIMS = [("mail", 30), ("mail", 150), ("mail", None), ("mail", 0), ("shop", 80), ("shop", 200), (None, 90)]


def checked(policy: Policy, cube: Cube, ledger: Ledger = HALF) -> PolicySearch:
    """A search that tries the payment 20 in the first band, after a comparison with a run that pays it."""
    found = search_of({"tiers.tier1": [20]}, 10**9, policy=policy, ledger=ledger, cubes=[cube])
    other = policy.with_tier(line="tiers", up_to=100, pays=20)
    table = cost_table(other, ledger, as_of=DAY, cubes=[cube])
    mean = totals(table).filter(valuation="cash")["expected"].item()
    assert expected(found) == pytest.approx([mean], rel=1e-9)
    run = simulate(build_portfolio(other, ledger, as_of=DAY, cubes=[cube]), draws=2**11, seed=7)
    own, common = run.totals["cash"], samples(found)[0]
    for amount in np.quantile(own.values, (0.1, 0.5, 0.9)):
        estimates = [sample.exceedance(amount + 0.5) for sample in (own, common)]
        error = 4 * sum(x.error for x in estimates) + 0.002
        assert estimates[0].value == pytest.approx(estimates[1].value, abs=error)
    return found


def test_claims_without_a_loss_cost_the_same_under_all_candidates() -> None:
    line = tiers(band=BANDS, published_count=None, unknown={"fixed": 7}, zero={"fixed": 3})
    cube = cube_of_claims(CLAIMS, Bands.from_cuts((30, 79, 80, 90, 100, 150, 200, 300)))
    # One claim of mail, one of the shop and one without a service pay 20, two pay 40.
    assert expected(checked(policy_of(line), cube)) == [pytest.approx(0.5 * (3 * 20 + 2 * 40 + 7 + 3))]


def test_a_line_with_segments_is_not_varied() -> None:
    with pytest.raises(ModelRefused, match="with segments are not varied"):
        search_of({"tiers.tier1": [20]}, 100, policy=policy_of(tiers(segment=(SHOP,), published_count=None)))


def test_a_line_that_does_not_vary_belongs_to_the_base() -> None:
    policy = policy_of(tiers(band=BANDS), tiers(id="fee", band=({"over": 0, "fixed": 11},)))
    found = checked(policy, loss_cube((30, 150), 100, 300))
    assert expected(found) == [pytest.approx(0.5 * (20 + 40 + 2 * 11))]
    # Both lines pay for the same loss: 31 replace the loss of 30, and 51 of 150.
    assert found.tried.benefits["replaced"][0] == pytest.approx((30 + 51) / 180)


def test_new_applicants_are_drawn_apart_and_paid_alike() -> None:
    ledger = accepting(uniform(0.3, 0.9), {"kind": "new_applicants", "distribution": fixed(0.4)})
    found = checked(policy_of(tiers(band=BANDS)), loss_cube((30, 30, 150, 250), 100, 300), ledger)
    assert expected(found) == [pytest.approx(0.6 * 1.4 * (2 * 20 + 2 * 40))]


def test_a_line_that_pays_claimants_uses_their_cube() -> None:
    policy = policy_of(tiers(band=BANDS, grain="claimant", published_count=None))
    claimants = loss_cube((30, 150, 250), 30, 100, 300)
    cube = replace(claimants, frame=claimants.frame.drop("service"), dimensions=(), line="tiers")
    found = checked(policy, cube)
    assert found.tried.benefits["made_whole"][0] == 0
    assert found.tried.benefits["replaced"][0] == pytest.approx((20 + 40 + 40) / 430)


def test_two_lines_vary_together() -> None:
    policy = policy_of(tiers(band=BANDS), tiers(id="fee", band=({"over": 0, "fixed": 11},)))
    cube = loss_cube((30, 150), 30, 100, 150, 300)
    vary = {"tiers.tier1": [0, 20], "fee.tier1": [5, 30]}
    found = search_of(vary, 10**9, policy=policy, ledger=HALF, cubes=[cube])
    pays = [(first, second) for first in (0, 20) for second in (5, 30)]
    assert found.tried.values.tolist() == [list(pair) for pair in pays]
    assert expected(found) == pytest.approx([0.5 * (first + 40 + 2 * second) for first, second in pays])
    assert found.tried.benefits["replaced"].tolist() == pytest.approx(
        [(min(30, first + second) + 40 + second) / 180 for first, second in pays]
    )
