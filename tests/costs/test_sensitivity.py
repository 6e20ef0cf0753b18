"""What moves a total: against formulas of the textbooks, sums by hand and plain random draws."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outage_analysis.costs import build_portfolio
from outage_analysis.costs.expected import Portfolio, expected_at
from outage_analysis.costs.sensitivity import break_evens, levers, tornado
from outage_analysis.errors import UsageError
from tests.small_policies import DAY, REPORTS, budget, fixed, ledger_of, mix, policy_of, tiers, uniform

FILING, ACCEPTED, SHARES = (0.1, 0.5), (0.4, 0.8), (0.5, 0.3, 0.2)
LOSS, PART = (500_000, 1_500_000), (0.2, 1.0)
SMALL_AWARD = 100_000
RULES = (
    {"name": {"en": "small"}, "weight": 0.5, "share": fixed(0.0), "floor": SMALL_AWARD},
    {"name": {"en": "share"}, "weight": 0.5, "share": uniform(*PART)},
)
MEAN_AWARD = 0.5 * SMALL_AWARD + 0.5 * 1_000_000 * 0.6
ENTRIES = (
    {"kind": "filing_share", "distribution": uniform(*FILING)},
    {"kind": "acceptance", "distribution": uniform(*ACCEPTED)},
    mix(*SHARES, size=10),
    {"kind": "review_award", "loss": uniform(*LOSS), "rule": RULES},
)


@pytest.fixture(scope="module")
def portfolio() -> Portfolio:
    """Tiers, with everything about them uncertain."""
    return build_portfolio(policy_of(tiers()), ledger_of(*ENTRIES), as_of=DAY)


def cost(
    filing: float = 0.3,
    accepted: float = 0.6,
    shares: tuple[float, float, float] = SHARES,
    award: float = MEAN_AWARD,
) -> float:
    """The expected cost by hand, the means by default."""
    return REPORTS * filing * accepted * (shares[0] * 30_000 + shares[1] * 50_000 + shares[2] * award)


def awards(rng: np.random.Generator, size: int) -> np.ndarray:
    """Plain random awards."""
    shared = rng.uniform(*LOSS, size) * rng.uniform(*PART, size)
    return np.where(rng.random(size) < 0.5, SMALL_AWARD, shared)


def budget_of(distribution: dict[str, object], amount: int = 100) -> Portfolio:
    """A sum times an uncertain ratio: no chance besides."""
    ratio = {"kind": "realised_ratio", "distribution": distribution}
    return build_portfolio(policy_of(budget(amount)), ledger_of(ratio), as_of=DAY)


# expected_at


@given(filing=st.floats(0, 1), accepted=st.floats(0, 1), award=st.floats(0, 1e7))
def test_the_expected_total_is_the_product_of_its_inputs(
    portfolio: Portfolio, filing: float, accepted: float, award: float
) -> None:
    given = {"filing-share": [filing], "acceptance": [accepted], "review-award": [award]}
    found = expected_at(portfolio, "cash", {name: np.array(v) for name, v in given.items()})
    assert found == pytest.approx([cost(filing, accepted, award=award)])
    several = expected_at(portfolio, "cash", {"band-mix": np.array([[1, 0, 0], [0.2, 0.3, 0.5]])})
    assert several == pytest.approx([cost(shares=(1, 0, 0)), cost(shares=(0.2, 0.3, 0.5))])


def test_what_can_be_served_cuts_the_distribution_of_the_take_up_off() -> None:
    good = {"id": "fee", "kind": "in_kind", "effort": "one_tap", "face_value": 10}
    page = policy_of(good | {"recipients": "US-03", "cap": "PG-04.users"})
    take_up = ledger_of({"kind": "take_up", "distribution": uniform(0, 0.125)})
    only = build_portfolio(page, take_up, as_of=DAY)
    # Of 48 million 3 can be served, a share of 1/16: half of the law lies below, with a mean of 1/32.
    assert expected_at(only, "face_value", {}) == pytest.approx([10 * 3e6 * (0.5 * 0.5 + 0.5)])
    given = expected_at(only, "face_value", {"take-up": np.array([0.03125, 0.1])})
    assert given == pytest.approx([15e6, 30e6])


# tornado


def test_a_tornado_moves_one_input_at_a_time_to_its_p10_and_p90(portfolio: Portfolio) -> None:
    rng = np.random.default_rng(1)
    mixes = rng.dirichlet(np.array(SHARES) * 10, 400_000)
    by_mix = np.quantile(mixes @ [30_000, 50_000, MEAN_AWARD], (0.1, 0.9)) * REPORTS * 0.3 * 0.6
    award = np.quantile(awards(rng, 400_000), (0.1, 0.9))
    expected = {
        "filing-share": ((0.14, 0.46), (cost(filing=0.14), cost(filing=0.46))),
        "acceptance": ((0.44, 0.76), (cost(accepted=0.44), cost(accepted=0.76))),
        "review-award": (tuple(award), (cost(award=award[0]), cost(award=award[1]))),
        "band-mix": ((None, None), tuple(by_mix)),
    }
    table = tornado(portfolio)
    assert table["assumption"].to_list() == sorted(
        expected, key=lambda name: expected[name][1][0] - expected[name][1][1]
    )
    for row in table.iter_rows(named=True):
        inputs, costs = expected[row["assumption"]]
        found = (row["input_low"], row["input_high"])
        assert found == inputs or found == pytest.approx(inputs, rel=5e-3)
        assert (row["cost_low"], row["cost_high"]) == pytest.approx(costs, rel=5e-3)
        assert row["cost_expected"] == pytest.approx(cost())


def test_what_is_certain_is_no_bar_of_a_tornado() -> None:
    decided = {"kind": "review_award", "distribution": fixed(90_000)}
    entries = [x for x in ENTRIES if x["kind"] != "review_award"]
    page = build_portfolio(policy_of(tiers()), ledger_of(*entries, decided), as_of=DAY)
    assert sorted(tornado(page)["assumption"]) == ["acceptance", "band-mix", "filing-share"]
    assert tornado(budget_of(fixed(1.5))).is_empty()


# levers


def test_levers_cost_what_one_step_costs(portfolio: Portfolio) -> None:
    found = {(r["lever"], r["step"]): r["adds"] for r in levers(portfolio).iter_rows(named=True)}
    more = (0.5 * (1 - 0.01 / 0.8), 0.3 * (1 - 0.01 / 0.8), 0.21)
    assert found == {
        ("award", 10_000): pytest.approx(cost(award=MEAN_AWARD + 10_000) - cost()),
        ("filing", 0.01): pytest.approx(cost(filing=0.31) - cost()),
        ("review_share", 0.01): pytest.approx(cost(shares=more) - cost()),
    }


def test_no_lever_changes_a_line_that_the_law_fixes() -> None:
    legal, free = tiers(statutory=True), tiers(id="fee")
    both = build_portfolio(policy_of(legal, free), ledger_of(*ENTRIES), as_of=DAY)
    alone = build_portfolio(policy_of(free), ledger_of(*ENTRIES), as_of=DAY)
    assert both.counted("cash") == ("tiers", "fee")
    assert levers(both).equals(levers(alone))
    only_fixed = build_portfolio(policy_of(legal), ledger_of(*ENTRIES), as_of=DAY)
    assert levers(only_fixed).is_empty()


# break-evens


@given(limit=st.floats(1e7, 2e9))
def test_at_a_break_even_the_expected_total_meets_the_limit(portfolio: Portfolio, limit: float) -> None:
    for row in break_evens(portfolio, limit).iter_rows(named=True):
        if row["break_even"] is None:
            assert row["beyond"] in (0, 1)
            continue
        met = expected_at(portfolio, "cash", {row["assumption"]: np.array([row["break_even"]])})
        assert met == pytest.approx([limit], rel=1e-7)


def test_break_evens_by_hand(portfolio: Portfolio) -> None:
    rows = {r["assumption"]: r for r in break_evens(portfolio, 1.5 * cost()).iter_rows(named=True)}
    assert rows["filing-share"]["break_even"] == pytest.approx(0.45)
    assert rows["filing-share"]["beyond"] == pytest.approx(0.125)
    assert rows["acceptance"]["break_even"] is None  # 0.9 would do it, 0.8 is the most
    assert rows["acceptance"]["beyond"] == 0
    needed = (1.5 * cost() / (REPORTS * 0.3 * 0.6) - 30_000) / 0.2  # 0.5 x 30,000 + 0.3 x 50,000
    beyond = (awards(np.random.default_rng(2), 400_000) > needed).mean()
    assert rows["review-award"]["break_even"] == pytest.approx(needed)
    assert rows["review-award"]["beyond"] == pytest.approx(beyond, abs=3e-3)
    assert "band-mix" not in rows
    always = break_evens(portfolio, 0.1 * cost())
    assert always.filter(assumption="acceptance").row(0)[3:] == (None, 1.0)


def test_a_cap_bends_a_break_even() -> None:
    head = {"kind": "in_kind", "effort": "one_tap", "recipients": "US-03", "face_value": 10}
    page = policy_of(head | {"id": "fee"}, head | {"id": "budget", "cap": "PG-04.users"})
    only = build_portfolio(page, ledger_of({"kind": "take_up", "distribution": uniform(0, 1)}), as_of=DAY)
    cash = replace(only, terms=tuple(replace(term, valuation="cash") for term in only.terms))
    found = break_evens(cash, 10 * (12e6 + 3e6))  # a quarter of 48 million; the cap
    assert found["break_even"].to_list() == pytest.approx([0.25])


def test_a_limit_is_a_positive_sum(portfolio: Portfolio) -> None:
    for limit in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(UsageError, match="positive sum"):
            break_evens(portfolio, limit)
