"""The best policy within a budget: by hand, against plain loops over all policies, and at its edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from outage_analysis.assumptions import Ledger
from outage_analysis.costs import build_portfolio, simulate
from outage_analysis.costs.policy_search import (
    PolicySearch,
    SearchRequest,
    Vary,
    find_best_policy,
    parse_parameters,
    with_payments,
)
from outage_analysis.costs.simulation import Sample
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Bands
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from tests.loss_cubes import cube_of_claims, loss_cube
from tests.small_policies import DAY, Page, fee, fixed, ledger_of, mix, policy_of, tiers, uniform

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


VALUES = {"tiers.tier1": [0, 10, 20, 30], "tiers.tier2": [10, 40, 70, 100]}


# by hand


def test_certain_claims_give_the_policy_that_a_reader_finds() -> None:
    # Four claims up to 100 and three up to 300: a budget of 200 pays 4 x 20 + 3 x 40 = 200 exactly.
    found = search_of({"tiers.tier1": [0, 10, 20], "tiers.tier2": [10, 40]}, 200)
    assert solution(found) == (20, 40)
    row = found.table.row(0, named=True)
    replaced = 5 + 20 + 20 + 20 + 40 * 3
    assert (row["expected"], row["at_level"], row["over_budget"]) == (200, 200, 0)
    assert row["replaced"] == pytest.approx(replaced / sum(LOSSES))
    assert row["per_claim"] == 200 / 8
    announced = found.table.row(1, named=True)
    assert [announced[x] for x in ("policy", "role", "parameters")] == [
        "p",
        "announced",
        "tier1=10; tier2=40",
    ]
    assert (announced["expected"], announced["per_claim"]) == (4 * 10 + 3 * 40, 160 / 8)
    assert [band.fixed for band in found.policy.schedules[0].bands] == [20, 40, 0]
    assert found.policy.id == "p-solution"


def test_equal_benefits_go_to_the_policy_that_costs_less() -> None:
    # (20, 40) costs 200 and (10, 50) costs 190; both replace 185.
    found = search_of({"tiers.tier1": [10, 20], "tiers.tier2": [40, 50]}, 200)
    assert solution(found) == (10, 50)
    assert found.frontier["parameters"].to_list() == [
        f"tier1={first}; tier2={second}" for first, second in ((10, 40), (10, 50), (20, 50))
    ]


def test_the_objective_per_claim_may_find_the_policy_of_another_one() -> None:
    # (0, 200) pays as much per claim, but more than the loss of 150.
    vary = {"tiers.tier1": [0, 100], "tiers.tier2": [100, 200]}
    for objective in ("replaced", "per_claim"):
        assert solution(search_of(vary, 200, losses=(100, 150), objective=objective)) == (100, 100)


# against plain loops


def test_the_total_follows_the_distribution_of_the_counts() -> None:
    found = search_of(VALUES, 100, ledger=HALF, draws=2**13)
    small, middle = stats.binom(4, 0.5), stats.binom(3, 0.5)
    for (first, second), sample in zip(found.tried.values.tolist(), samples(found), strict=True):
        over = sum(
            small.pmf(n) * middle.pmf(m)
            for n, m in product(range(5), range(4))
            if first * n + second * m > 100
        )
        estimate = sample.exceedance(100)
        assert estimate.value == pytest.approx(over, abs=max(4 * estimate.error, 0.005))


# edges of the budget


def test_a_budget_below_the_certain_cost_names_the_smallest_that_suffices() -> None:
    found = search_of(VALUES, 20)
    assert solution(found) is None
    assert tuple(found.values.values()) == (0, 10)  # 3 x 10 = 30
    assert found.least_budget == 30
    assert solution(search_of(VALUES, 30)) == (0, 10)


def test_a_large_budget_does_not_limit_and_the_edge_of_the_grid_does() -> None:
    found = search_of(VALUES, 10**9)
    assert solution(found) == (30, 100)
    assert not found.is_limited
    assert [p.name for p in found.largest_values] == ["tiers.tier1", "tiers.tier2"]
    assert search_of(VALUES, 200).is_limited


def test_the_budget_may_limit_the_expected_cost() -> None:
    # Half of the claims are accepted: 0.5 x (4 x 20 + 3 x 40) = 100 on average, but often more.
    vary = {"tiers.tier1": [0, 20], "tiers.tier2": [40]}
    for budget, payments in ((100, (20, 40)), (99, (0, 40))):
        assert solution(search_of(vary, budget, ledger=HALF, level=None)) == payments
    assert solution(search_of(vary, 100, ledger=HALF)) is None


@pytest.mark.parametrize(("level", "largest"), [(0.9, 75), (None, 150)])
def test_a_payment_ends_where_it_alone_breaks_the_budget(level: float | None, largest: int) -> None:
    # Both claims of 250 are accepted with a probability of 1/4, and on average one is.
    found = search_of(["tier1=0..1", "tier2"], 150, losses=(90, 250, 250), ledger=HALF, level=level)
    assert found.tried.parameters[1].values[-1] == largest
    assert found.tried.parameters[1].breaks_above


# what is paid


def test_a_band_that_is_not_varied_is_paid_as_announced() -> None:
    bands = ({"over": 0, "up_to": 100, "fixed": 10}, {"over": 100, "up_to": 300, "share": 0.5}, {"over": 300})
    found = search_of({"tiers.tier1": [10, 20]}, 10**6, policy=policy_of(tiers(band=bands)), ledger=HALF)
    assert expected(found) == [0.5 * (4 * pays + 0.5 * (120 + 150 + 250)) for pays in (10, 20)]


@pytest.mark.parametrize("closed", ["upper", "lower"])
def test_an_edge_belongs_to_the_band_that_the_line_says(closed: str) -> None:
    policy = policy_of(tiers(band=BANDS, closed=closed))
    found = search_of({"tiers.tier1": [10, 20]}, 10**6, policy=policy, losses=(99, 100, 101))
    below = 2 if closed == "upper" else 1
    assert expected(found) == [pays * below + 40 * (3 - below) for pays in (10, 20)]


# published counts

COUNTED = policy_of(tiers())
MIXED = ledger_of(
    {"kind": "filing_share", "distribution": uniform(0.1, 0.5)},
    {"kind": "acceptance", "distribution": fixed(0.8)},
    {"kind": "review_award", "distribution": fixed(100_000)},
    mix(0.5, 0.3, 0.2),
)


def test_published_counts_give_the_cost_of_the_bands() -> None:
    vary = {"tiers.tier1": [10_000, 30_000], "tiers.tier2": [50_000]}
    found = search_of(vary, 10**9, policy=COUNTED, ledger=MIXED, cubes=())
    accepted = 8_461 * 0.3 * 0.8
    assert expected(found) == pytest.approx(
        [accepted * (0.5 * x + 0.3 * 50_000 + 0.2 * 100_000) for x in (10_000, 30_000)]
    )
    assert set(found.tried.benefits) == {"per_claim"}
    assert found.tried.objective == "per_claim"
    run = simulate(build_portfolio(COUNTED, MIXED, as_of=DAY), draws=2**11, seed=7)
    np.testing.assert_allclose(samples(found)[1].values, run.totals["cash"].values, rtol=1e-12)


MEAN_PAYMENT = ledger_of(
    {"kind": "filing_share", "distribution": fixed(0.5)},
    {"kind": "acceptance", "distribution": fixed(0.5)},
    {"kind": "mean_payment", "distribution": fixed(40_000)},
)
PUBLISHED: dict[str, Any] = {"policy": COUNTED, "cubes": ()}
# Both bands pay the same, so the announced cost is known.
ALIKE = policy_of(tiers(band=(BANDS[0], {**BANDS[1], "fixed": 10}, BANDS[2])))
SHOP = {"id": "shop", "when": {"service": ("shop",)}, "band": ({"over": 0, "share": 0.5},)}
SEGMENTS = policy_of(tiers(segment=(SHOP,), published_count=None))


@pytest.mark.parametrize(
    ("vary", "asked", "message"),
    [
        (
            ["tiers.tier1"],
            PUBLISHED | {"ledger": MIXED, "objective": "replaced"},
            "nothing says how they are spread",
        ),
        (["tiers.tier1"], PUBLISHED | {"ledger": MEAN_PAYMENT}, "one mean payment"),
        (
            {"tiers.tier1": [20]},
            {"policy": ALIKE, "cubes": [loss_cube(LOSSES, 90, 300)]},
            "the line has no expected cost",
        ),
        ({"tiers.tier1": [20]}, {"policy": SEGMENTS}, "with segments are not varied"),
        ({"tiers.tier1": [60], "tiers.tier2": [10, 40]}, {}, "a payment falls as the loss grows"),
    ],
)
def test_what_cannot_be_searched_is_refused(vary: Vary, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelRefused, match=message):
        search_of(vary, 10**9, **asked)


CLAIMS = [("mail", 30), ("mail", 150), ("mail", None), ("mail", 0), ("shop", 80), ("shop", 200), (None, 90)]


def test_claims_without_a_loss_cost_the_same_under_all_candidates() -> None:
    line = tiers(band=BANDS, published_count=None, unknown={"fixed": 7}, zero={"fixed": 3})
    cube = cube_of_claims(CLAIMS, Bands.from_cuts((30, 79, 80, 90, 100, 150, 200, 300)))
    # Losses of 30, 80 and 90 pay 20, those of 150 and 200 pay 40, the claims without a loss 7 and 3.
    found = search_of({"tiers.tier1": [20]}, 10**9, policy=policy_of(line), ledger=HALF, cubes=[cube])
    assert expected(found) == [pytest.approx(0.5 * (3 * 20 + 2 * 40 + 7 + 3))]


def test_a_line_that_pays_claimants_uses_their_cube() -> None:
    policy = policy_of(tiers(band=BANDS, grain="claimant", published_count=None))
    claimants = loss_cube((30, 150, 250), 30, 100, 300)
    cube = replace(claimants, frame=claimants.frame.drop("service"), dimensions=(), line="tiers")
    found = search_of({"tiers.tier1": [20]}, 10**9, policy=policy, ledger=HALF, cubes=[cube])
    assert expected(found) == [pytest.approx(0.5 * (20 + 40 + 40))]
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


TWO = policy_of(tiers(), tiers(id="more", published_count=None), fee(10))


@pytest.mark.parametrize(
    ("vary", "policy", "found"),
    [
        (["tiers.tier1,tier2"], POLICY, ["tiers.tier1", "tiers.tier2"]),
        (["tier2", "tier1"], POLICY, ["tiers.tier1", "tiers.tier2"]),
        ({"tiers.tier1": None}, POLICY, ["tiers.tier1"]),
        # The line may be left out after the first parameter.
        (["more.tier1,tier2", "tiers.tier1"], TWO, ["tiers.tier1", "more.tier1", "more.tier2"]),
    ],
)
def test_texts_name_parameters_in_the_order_of_the_policy(
    vary: Vary, policy: Policy, found: list[str]
) -> None:
    assert [p.name for p in parse_parameters(vary, policy)] == found


@pytest.mark.parametrize(
    ("vary", "policy", "message"),
    [
        ([], POLICY, "nothing is varied"),
        (["tier"], POLICY, "is no parameter"),
        (["tiers.tier9"], POLICY, "no such parameter (found 'tiers.tier9'). Did you mean 'tiers.tier"),
        (["tires.tier1"], POLICY, "no such parameter (found 'tires.tier1'). Did you mean 'tiers.tier1'?"),
        (["fee.tier1"], TWO, "the policy has no such parameter (found 'fee.tier1')"),
        (["tier1"], TWO, "the policy has no such parameter (found 'tier1')"),
        (["tiers.tier1"], policy_of(tiers(statutory=True)), "fixed by law"),
        (["tiers.tier1", "tier1"], POLICY, "named twice"),
        (["tiers.tier1=5..x"], POLICY, "no number (found 'x')"),
        (["tiers.tier1=9..5"], POLICY, "has no values to try"),
        (["tiers.tier1=1..5/0"], POLICY, "has no values to try"),
        ({"tiers.tier1": []}, POLICY, "has no values to try"),
        ({"tiers.tier1": [0.5]}, POLICY, "no decimal places"),
    ],
)
def test_what_is_no_parameter_is_refused_with_the_remedy(vary: Vary, policy: Policy, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_parameters(vary, policy)
    assert message in str(error.value)


def test_a_payment_ends_at_the_largest_loss_of_its_band_or_of_its_range() -> None:
    parameters = parse_parameters(["tier1,tier2"], POLICY)
    found = with_payments(parameters, 50, lambda p: ((100, 300)[p.tier], math.inf))
    assert [tuple(p.values) for p in found] == [(0, 50, 100), (0, 50, 100, 150, 200, 250, 300)]
    assert not any(p.breaks_above for p in found)
    (stated,) = with_payments(parse_parameters(["tiers.tier1=10..30/10"], POLICY), None, lambda _: (None, 0))
    assert tuple(stated.values) == (10, 20, 30)


@given(st.integers(1, 7), st.integers(0, 300))
def test_the_last_payment_is_the_last_step_within_the_budget(step: int, most: int) -> None:
    parameters = parse_parameters(["tier1"], POLICY)
    (found,) = with_payments(parameters, step, lambda _: (200, most))
    assert found.values[-1] == min(most, 200) // step * step
    assert found.breaks_above == (most < 200 // step * step + step)


def test_a_payment_that_nothing_limits_needs_a_range() -> None:
    with pytest.raises(UsageError, match=r"Write tiers\.tier3=LOW\.\.HIGH"):
        with_payments(parse_parameters(["tier3"], POLICY), 10, lambda _: (None, math.inf))


def test_too_many_combinations_are_refused() -> None:
    parameters = parse_parameters(["tier1,tier2"], POLICY)
    with pytest.raises(UsageError, match="1,000,000 combinations are more than the 50,000"):
        with_payments(parameters, 1, lambda _: (999, math.inf))
    found = with_payments(parameters, 5, lambda _: (999, math.inf))
    assert [len(p.values) for p in found] == [200, 200]
