"""The best policy within a budget: by hand, against plain loops over all policies, and at its edges."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from outage_analysis.costs import (
    OBJECTIVES,
    PolicySearch,
    SearchInputs,
    SearchRequest,
    SearchTables,
    cost_table,
    find_best_policy,
    simulate_policies,
    totals,
)
from outage_analysis.costs.policy_search import budget_search
from outage_analysis.costs.uncertainty.simulation import Sample
from outage_analysis.errors import ModelRefused, UsageError
from tests.costs.policy_search.small_searches import (
    BANDS,
    CERTAIN,
    HALF,
    LOSSES,
    POLICY,
    Tried,
    accepting,
    dominates,
    named_policies,
    paid,
    search_of,
    tried,
)
from tests.loss_cubes import loss_cube
from tests.small_policies import DAY, fixed, ledger_of, mix, policy_of, tiers, uniform

VALUES = {"tiers.tier1": [0, 10, 20, 30], "tiers.tier2": [10, 40, 70, 100]}
SCREENED = {"tiers.tier1": [*range(0, 60, 5)], "tiers.tier2": [*range(0, 120, 10)]}


def payments_of(found: PolicySearch, candidate: int | None) -> tuple[int, ...] | None:
    """The payments of a candidate."""
    return None if candidate is None else found.values_of(candidate)


def brute_force(found: PolicySearch, budget: int) -> list[Tried]:
    """Every combination that does not fall, each simulated and measured as a policy of its own."""
    rows = []
    for policy in found.named[1:]:
        first, second = (int(x) for x in policy.id.split("-")[1:])
        cubes = found.inputs.cubes[policy.id]
        table = cost_table(policy, found.inputs.ledger, as_of=DAY, cubes=cubes)
        expected = totals(table).filter(valuation="cash")["expected"].item()
        sample = found.search.costs.runs[policy.id].totals["cash"]
        rows.append(tried((first, second), sample, expected, budget))
    return [row for row in rows if row.payments[0] <= row.payments[1]]


# by hand


def test_certain_claims_give_the_policy_that_a_reader_finds() -> None:
    # Four claims up to 100 and three up to 300: a budget of 200 pays 4 x 20 + 3 x 40 = 200 exactly.
    found = search_of({"tiers.tier1": [0, 10, 20], "tiers.tier2": [10, 40]}, 200)
    assert payments_of(found, found.solution) == (20, 40)
    row = SearchTables(found).solution.row(0, named=True)
    replaced = 5 + 20 + 20 + 20 + 40 * 3
    assert (row["expected"], row["at_level"], row["over_budget"]) == (200, 200, 0)
    assert row["replaced"] == pytest.approx(replaced / sum(LOSSES))
    assert (row["made_whole"], row["shortfall"], row["per_claim"]) == (1, 400, 200 / 8)


def test_equal_benefits_go_to_the_policy_that_costs_less() -> None:
    # (20, 40) costs 200 and (10, 50) costs 190; both replace 185.
    found = search_of({"tiers.tier1": [10, 20], "tiers.tier2": [40, 50]}, 200)
    assert payments_of(found, found.solution) == (10, 50)
    assert [payments_of(found, c) for c in found.frontier.tolist()] == [(10, 40), (10, 50), (20, 50)]


def test_the_announced_policy_has_its_own_row() -> None:
    found = search_of({"tiers.tier1": [0, 10, 20]}, 200)
    row = SearchTables(found).solution.row(1, named=True)
    assert (row["policy"], row["role"], row["parameters"]) == ("p", "announced", "tier1=10")
    assert (row["expected"], row["per_claim"]) == (4 * 10 + 3 * 40, 160 / 8)
    assert row["dominated_by"] is None


def test_a_dominated_announced_policy_names_what_is_better() -> None:
    # Losses up to 100 are at most 20, so a payment of 50 replaces no more than one of 20.
    generous = policy_of(tiers(band=({**BANDS[0], "fixed": 50}, *BANDS[1:])))
    found = search_of({"tiers.tier1": [10, 20, 30]}, 10_000, losses=(10, 20, 20, 250), policy=generous)
    row = SearchTables(found).solution.row(1, named=True)
    assert row["dominated_by"] == "tier1=20"


@pytest.mark.parametrize(
    ("objective", "payments"),
    [
        # Two claims lose 10, one loses 200. Both (10, 80) and (0, 100) cost 100 and replace 100:
        # the first makes two claims whole, too.
        ("replaced", (10, 80)),
        # The two small losses are made whole by (10, 20) and by (10, 80): the first costs less.
        ("made_whole", (10, 20)),
        # The rest of the largest loss is the smallest if all is paid for it.
        ("shortfall", (0, 100)),
        # The mean payment is 100 / 3 in two ways, as above.
        ("per_claim", (10, 80)),
    ],
)
def test_each_objective_has_its_own_best_policy(objective: str, payments: tuple[int, int]) -> None:
    vary = {"tiers.tier1": [0, 10], "tiers.tier2": [20, 80, 100]}
    found = search_of(vary, 100, losses=(10, 10, 200), objective=objective)
    assert payments_of(found, found.solution) == payments


# against plain loops


@pytest.mark.slow
@pytest.mark.parametrize("budget", [60, 110, 150, 200, 1_000])
def test_plain_loops_find_the_same_solution_and_frontier(budget: int) -> None:
    policies = named_policies([*VALUES.values()])
    uncertain = accepting(uniform(0.2, 0.9))
    found = search_of(VALUES, budget, ledger=uncertain, named=policies)
    rows = brute_force(found, budget)
    by_payments = {row.payments: row for row in rows}
    for candidate in range(found.search.count):
        row = by_payments.get(payments_of(found, candidate))  # type: ignore[arg-type] # two payments
        if row is not None:
            assert found.search.expected[candidate] == pytest.approx(row.expected, rel=1e-9)
            assert found.search.quantile(candidate) == pytest.approx(row.quantile, rel=1e-12)
            assert found.measures.values["replaced"][candidate] == pytest.approx(row.replaced)
            assert found.measures.values["made_whole"][candidate] == row.made_whole
            assert found.measures.values["shortfall"][candidate] == row.shortfall
    allowed = [row for row in rows if row.over <= 0.1 + 1e-9]
    if not allowed:
        assert found.solution is None
    else:
        best = max(allowed, key=lambda row: (round(row.replaced, 12), -row.quantile))
        assert payments_of(found, found.solution) == best.payments
    efficient = {row.payments for row in rows if not any(dominates(other, row) for other in rows)}
    assert {payments_of(found, c) for c in found.frontier.tolist()} == efficient


def test_each_candidate_has_the_totals_of_its_own_policy_in_each_draw() -> None:
    policies = named_policies([*VALUES.values()])
    found = search_of(VALUES, 100, ledger=HALF, named=policies)
    costs, formulas = found.search.costs, found.search.formulas
    for candidate in range(found.search.count):
        first, second = found.values_of(candidate)
        own = costs.runs[f"pays-{first}-{second}"].totals["cash"].values
        np.testing.assert_allclose(costs.total(formulas, candidate), own, rtol=1e-12)


def test_the_total_follows_the_distribution_of_the_counts() -> None:
    found = search_of(VALUES, 100, ledger=HALF, draws=2**13)
    small, middle = stats.binom(4, 0.5), stats.binom(3, 0.5)
    for candidate in range(0, found.search.count, 5):
        first, second = found.values_of(candidate)
        over = sum(
            small.pmf(n) * middle.pmf(m)
            for n, m in product(range(5), range(4))
            if first * n + second * m > 100
        )
        sample = found.search.sample(candidate)
        estimate = sample.exceedance(100)
        assert estimate.value == pytest.approx(over, abs=max(4 * estimate.error, 0.005))
        assert found.search.expected[candidate] == pytest.approx(0.5 * (4 * first + 3 * second))


def test_a_comparison_of_its_own_agrees_within_the_numerical_error() -> None:
    found = search_of(VALUES, 100, ledger=HALF, draws=2**13)
    policy = found.policy_of(found.chosen or 0)
    cube = loss_cube(LOSSES, *POLICY.breakpoints)
    compared = simulate_policies(
        [policy, POLICY], HALF, as_of=DAY, cubes={policy.id: [cube], POLICY.id: [cube]}, draws=2**13
    )
    own = compared.runs[policy.id].totals["cash"]
    for amount in (30, 60, 100, 150):
        one, other = found.search.sample(found.chosen or 0).exceedance(amount), own.exceedance(amount)
        assert one.value == pytest.approx(other.value, abs=4 * (one.error + other.error) + 0.002)


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["replaced", "made_whole", "per_claim"])
def test_screening_on_some_draws_gives_the_same_result(
    objective: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uncertain = accepting(uniform(0.2, 0.9))
    request = {"ledger": uncertain, "draws": 2**13, "objective": objective}
    screened = search_of(SCREENED, 250, **request)  # type: ignore[arg-type]
    monkeypatch.setattr(budget_search, "SCREENING_DRAWS", ())
    full = search_of(SCREENED, 250, **request)  # type: ignore[arg-type]
    assert screened.solution == full.solution
    assert screened.frontier.tolist() == full.frontier.tolist()


@settings(deadline=None, max_examples=25)
@given(
    losses=st.lists(st.integers(1, 500), min_size=1, max_size=12),
    budget=st.integers(0, 600),
    objective=st.sampled_from(OBJECTIVES),
    cliff=st.one_of(st.none(), st.integers(0, 80)),
)
@pytest.mark.slow
def test_no_allowed_candidate_within_the_budget_is_better(
    losses: list[int], budget: int, objective: str, cliff: int | None
) -> None:
    found = search_of(
        VALUES, budget, losses=losses, ledger=HALF, objective=objective, max_cliff=cliff, draws=2**10
    )
    within = []
    for candidate in range(found.search.count):
        first, second = found.values_of(candidate)
        jumps = (first, second - first)
        if min(jumps) < 0 or (cliff is not None and max(jumps) > cliff):
            continue
        over = float((found.search.costs.total(found.search.formulas, candidate) > budget).mean())
        if over <= 0.1 + 1e-9:
            within.append(candidate)
    if found.solution is None:
        assert not within
    else:
        assert found.solution in within
        assert found.benefit[found.solution] == max(found.benefit[within])


# edges of the budget


def test_a_budget_of_nothing_pays_nothing() -> None:
    found = search_of(VALUES | {"tiers.tier2": [0, 10]}, 0)
    assert payments_of(found, found.solution) == (0, 0)


def test_a_budget_below_the_certain_cost_names_the_smallest_that_suffices() -> None:
    found = search_of(VALUES, 20)
    assert found.solution is None
    assert payments_of(found, found.nearest) == (0, 10)  # 3 x 10 = 30
    assert (found.excluded_by, found.least_budget) == (("budget",), 30)
    repeated = search_of(VALUES, 30)
    assert payments_of(repeated, repeated.solution) == (0, 10)


def test_a_large_budget_does_not_limit_and_the_edge_of_the_grid_does() -> None:
    found = search_of(VALUES, 10**9)
    assert payments_of(found, found.solution) == (30, 100)
    assert not found.is_limited
    assert [p.name for p in found.largest_values] == ["tiers.tier1", "tiers.tier2"]
    assert search_of(VALUES, 200).is_limited


def test_the_budget_may_limit_the_expected_cost() -> None:
    # Half of the claims are accepted: 0.5 x (4 x 20 + 3 x 40) = 100 on average, but often more.
    vary = {"tiers.tier1": [0, 20], "tiers.tier2": [40]}
    for budget, payments in ((100, (20, 40)), (99, (0, 40))):
        found = search_of(vary, budget, ledger=HALF, level=None)
        assert payments_of(found, found.solution) == payments
    assert search_of(vary, 100, ledger=HALF).solution is None


def test_handling_counts_against_the_budget_draw_by_draw() -> None:
    handling = {"kind": "handling", "people": uniform(0, 100), "weeks": fixed(1), "weekly_wage": fixed(1)}
    ledger = accepting(fixed(1.0), handling)
    vary = {"tiers.tier1": [0, 10, 20], "tiers.tier2": [40]}
    # 4 x 10 + 3 x 40 = 160, and handling is at most 90 in nine of ten draws.
    alone = search_of(vary, 200, ledger=ledger)
    assert payments_of(alone, alone.solution) == (20, 40)
    with_handling = search_of(vary, 250, ledger=ledger, with_handling=True, draws=2**13)
    assert payments_of(with_handling, with_handling.solution) in {(0, 40), (10, 40)}
    row = SearchTables(with_handling).solution.row(1, named=True)
    assert row["expected"] == pytest.approx(160 + 50)
    assert row["at_level"] == pytest.approx(250, abs=2)


def test_handling_without_a_stated_cost_is_refused() -> None:
    with pytest.raises(ModelRefused, match="states no cost of handling"):
        search_of(VALUES, 100, with_handling=True)


# constraints


def test_payments_do_not_fall_as_the_loss_grows() -> None:
    found = search_of({"tiers.tier1": [60], "tiers.tier2": [10, 40]}, 10**9)
    assert found.solution is None
    assert found.excluded_by == ("monotone",)


def test_no_jump_is_higher_than_the_largest_allowed() -> None:
    free = search_of(VALUES, 10**9)
    assert payments_of(free, free.solution) == (30, 100)
    limited = search_of(VALUES, 10**9, max_cliff=40)
    assert payments_of(limited, limited.solution) == (30, 70)
    # The first payment is a jump from nothing, too.
    assert search_of({"tiers.tier1": [30]}, 10**9, max_cliff=29).excluded_by == ("max_cliff",)
    steep = search_of({"tiers.tier1": [30]}, 10**9, max_cliff=30)
    assert payments_of(steep, steep.solution) == (30,)


def test_the_constraint_that_rules_out_a_solution_is_named() -> None:
    # Without the limit on jumps, (0, 10) costs 30; with it, nothing is left within 30.
    found = search_of({"tiers.tier1": [0, 10], "tiers.tier2": [10, 20]}, 30, max_cliff=5)
    assert found.excluded_by == ("max_cliff",)
    assert payments_of(found, found.nearest) is not None


# upper edges and shares


def test_upper_edges_vary_with_the_claims() -> None:
    vary = {"tiers.tier1.up_to": [50, 85, 100]}
    found = search_of(vary, 185)
    # Claims beyond the edge of the first band are paid 40: 3 x 10 + 4 x 40 = 190 up to 85, 160 up to 100.
    assert payments_of(found, found.solution) == (100,)
    assert found.search.expected.tolist() == [2 * 10 + 5 * 40, 3 * 10 + 4 * 40, 4 * 10 + 3 * 40]
    solution = found.policy_of(0)
    assert [(b.over, b.up_to) for b in solution.schedules[0].bands] == [(0, 50), (50, 300), (300, None)]


@pytest.mark.parametrize("closed", ["upper", "lower"])
def test_an_edge_belongs_to_the_band_that_the_line_says(closed: str) -> None:
    policy = policy_of(tiers(band=BANDS, closed=closed))
    found = search_of({"tiers.tier1.up_to": [80, 90, 100]}, 10**6, policy=policy)
    below = [sum(loss <= e if closed == "upper" else loss < e for loss in LOSSES) for e in (80, 90, 100)]
    assert found.search.expected.tolist() == [10 * n + 40 * (7 - n) for n in below]


def test_a_share_pays_for_the_sum_of_the_losses() -> None:
    found = search_of({"tiers.tier2": [10], "tiers.tier2.share": [0.0, 0.1, 0.5]}, 10**6, ledger=HALF)
    assert found.search.expected.tolist() == [0.5 * (4 * 10 + 30 + s * 520) for s in (0, 0.1, 0.5)]
    draws = [found.search.costs.total(found.search.formulas, c) for c in range(3)]
    # With half of each loss, at most the whole sum of losses is paid, and the mean is the expected cost.
    assert draws[2].max() <= 4 * 10 + 30 + 0.5 * 520
    assert Sample(draws[2]).expected.value == pytest.approx(found.search.expected[2], rel=0.02)


def test_the_share_of_a_band_with_a_limit_is_not_varied() -> None:
    policy = policy_of(tiers(band=({"over": 0, "share": 0.1, "limit": 50},)))
    with pytest.raises(UsageError, match="cannot be varied"):
        search_of(["tiers.tier1.share"], 100, policy=policy)


def test_a_reviewed_band_grows_with_its_edge() -> None:
    bands = ({"over": 0, "up_to": 300, "fixed": 10}, {"over": 300, "review": True})
    ledger = accepting(fixed(0.5), {"kind": "review_award", "distribution": fixed(70)})
    policy = policy_of(tiers(band=bands))
    losses = (50, 120, 250, 260)  # none is reviewed as announced
    found = search_of(
        {"tiers.tier1.up_to": [100, 200, 300]}, 10**6, losses=losses, policy=policy, ledger=ledger
    )
    assert found.search.expected.tolist() == [0.5 * (10 + 3 * 70), 0.5 * (20 + 2 * 70), 0.5 * 40]
    for candidate, expected in enumerate(found.search.expected):
        sample = found.search.sample(candidate)
        assert sample.expected.value == pytest.approx(expected, rel=0.02)


# published counts

COUNTED = policy_of(tiers())
MIXED = ledger_of(
    {"kind": "filing_share", "distribution": uniform(0.1, 0.5)},
    {"kind": "acceptance", "distribution": fixed(0.8)},
    {"kind": "review_award", "distribution": fixed(100_000)},
    mix(0.5, 0.3, 0.2),
)


def counted(vary: object, budget: int, **request: object) -> PolicySearch:
    """A search by published counts."""
    inputs = SearchInputs(COUNTED, MIXED, DAY, {}, 2**12, 7)
    return find_best_policy(inputs, SearchRequest(vary, budget, **request), (), None)  # type: ignore[arg-type]


def test_published_counts_give_the_cost_of_the_bands() -> None:
    found = counted({"tiers.tier1": [10_000, 30_000], "tiers.tier2": [50_000]}, 10**9)
    accepted = 8_461 * 0.3 * 0.8
    assert found.search.expected == pytest.approx(
        [accepted * (0.5 * x + 0.3 * 50_000 + 0.2 * 100_000) for x in (10_000, 30_000)]
    )
    assert set(found.measures.values) == {"shortfall", "per_claim"}
    assert found.measures.values["shortfall"].tolist() == [450_000, 450_000]
    assert found.objective == "per_claim"
    run = found.search.costs.runs["p"].totals["cash"].values
    np.testing.assert_allclose(found.search.costs.total(found.search.formulas, 1), run, rtol=1e-12)


@pytest.mark.parametrize(
    ("vary", "request_", "message"),
    [
        (["tiers.tier1.up_to"], {}, "thresholds need claims"),
        (["tiers.tier1.share"], {}, "needs claims"),
        (["tiers.tier1"], {"objective": "replaced"}, "can only be bounded"),
        (["tiers.tier1"], {"objective": "made_whole"}, "can only be bounded"),
    ],
)
def test_what_counts_cannot_say_is_refused(
    vary: list[str], request_: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelRefused, match=message):
        counted(vary, 10**9, **request_)


def test_one_mean_payment_for_all_bands_cannot_vary() -> None:
    ledger = ledger_of(
        {"kind": "filing_share", "distribution": fixed(0.5)},
        {"kind": "acceptance", "distribution": fixed(0.5)},
        {"kind": "mean_payment", "distribution": fixed(40_000)},
    )
    inputs = SearchInputs(COUNTED, ledger, DAY, {}, 2**10, 7)
    with pytest.raises(ModelRefused, match="one mean payment for all loss bands"):
        find_best_policy(inputs, SearchRequest(["tiers.tier1"], 10**9), (), None)


def test_counts_by_band_that_span_an_edge_are_refused() -> None:
    inputs = SearchInputs(POLICY, CERTAIN, DAY, {}, 2**10, 7)
    cube = loss_cube(LOSSES, 100, 300)
    request = SearchRequest({"tiers.tier1.up_to": [60, 100]}, 100)
    with pytest.raises(ModelRefused, match="spans the edge 60"):
        find_best_policy(inputs, request, (), lambda _: {"p": [cube]})


# what is found does not depend on the number of threads


def test_the_result_is_repeated_exactly() -> None:
    first, second = (search_of(SCREENED, 150, ledger=HALF) for _ in range(2))
    assert SearchTables(first).frontier.equals(SearchTables(second).frontier)
    assert first.solution == second.solution


def test_the_solution_is_the_policy_with_its_values() -> None:
    found = search_of(VALUES, 200)
    policy = found.policy_of(found.solution or 0)
    first, second = found.values_of(found.solution or 0)
    assert [band.fixed for band in policy.schedules[0].bands] == [first, second, 0]
    assert policy.id == "p-solution"
    assert [paid(loss, (first, second)) for loss in LOSSES] == [
        int(policy.schedules[0].tariff.pay(loss) or 0) for loss in LOSSES
    ]
