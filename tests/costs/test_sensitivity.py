"""What moves a total and what is worth knowing: against textbooks, sums by hand and plain draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import given, strategies as st
from scipy import special

from outage_analysis.assumptions import Assumption, BandMix, Ledger, load_ledger
from outage_analysis.assumptions.distributions import Discrete, Lognormal, Uniform
from outage_analysis.costs import Simulation, build_portfolio, simulate
from outage_analysis.costs.comparison import simulate_policies
from outage_analysis.costs.expected import Portfolio, expected_at
from outage_analysis.costs.sensitivity import (
    break_evens,
    information_sentence,
    information_value,
    input_quantiles,
    sample_input,
    tornado,
)
from outage_analysis.costs.simulation import simulate_together
from outage_analysis.errors import UsageError
from outage_analysis.policies import Policy, load_policy
from outage_analysis.text import Locale
from tests.costs.uncertain_portfolios import entry, portfolio as portfolio_of, term_of
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


WEEK = date(2022, 10, 24)
CANDIDATES = ("kakao-candidate-cash", "kakao-candidate-fees")
FINE = 2**16
"""Points of the integral over one input."""


def ratio(name: str, distribution: Any) -> Assumption:  # noqa: ANN401 - any distribution of a ledger
    """A factor on an amount, with an id of its own."""
    return entry("realised_ratio", distribution, id=name)


def amount(payment: float, *scales: str, valuation: str = "cash") -> Any:  # noqa: ANN401 - a term
    """One amount, certain once its factors are known."""
    return term_of(1.0, payment, scales=scales, certain=True, valuation=valuation)


def exact_value(
    folios: Sequence[Portfolio], name: str, valuation: str = "cash", alternative: float | None = None
) -> float:
    """The value of knowing one independent input: an integral of the expected costs over its quantiles."""
    assumption = next(folio.entries[name] for folio in folios if name in folio.entries)
    if isinstance(assumption, BandMix):
        values = sample_input(assumption)
    else:
        values = input_quantiles(assumption, [(k + 0.5) / FINE for k in range(FINE)])
    costs = [expected_at(folio, valuation, {name: values}) for folio in folios]
    means = [float(expected_at(folio, valuation, {})[0]) for folio in folios]
    if alternative is not None:
        costs.append(np.full(len(values), alternative))
        means.append(alternative)
    return min(means) - float(np.min(costs, axis=0).mean())


class Value(NamedTuple):
    """A value of information and its standard error."""

    value: float
    error: float


def values_of(runs: Sequence[Simulation], alternative: float | None = None) -> dict[str, Value]:
    """The value of each input by its id, and of `all_inputs` and `inputs_and_counts`."""
    table = information_value(runs, alternative=alternative)
    return {
        row["assumption"] or row["known"]: Value(row["value"], row["error"])
        for row in table.iter_rows(named=True)
    }


def assert_near(found: Value, expected: float, *, scale: float) -> None:
    """Check a value to three of its errors; a thousandth of the scale is the error of the integral."""
    assert abs(found.value - expected) <= 3 * found.error + 1e-3 * scale, (found, expected)


@pytest.fixture(scope="module")
def week() -> list[Simulation]:
    """Cash or fees, as known in the week of the decision."""
    policies = [load_policy(id_) for id_ in CANDIDATES]
    result = simulate_policies(policies, load_ledger("kakao-2022-10-24"), as_of=WEEK)
    return [*result.runs.values()]


# the value of information, by hand


def test_a_coin_is_worth_half_of_what_the_bad_side_would_cost_too_much() -> None:
    coin = ratio("coin", Discrete(values=(1.0, 3.0), probabilities=(0.5, 0.5)))
    table = information_value(
        [simulate(portfolio_of(amount(100, "coin"), entries=[coin]), draws=2**10)], alternative=150.0
    )
    assert table.rows() == [
        ("input", "coin", "realised_ratio", 25.0, 0.0, 1.0),
        ("all_inputs", None, None, 25.0, 0.0, 1.0),
        ("inputs_and_counts", None, None, 25.0, 0.0, None),
    ]


def test_nobody_can_know_the_counts_so_they_have_a_row_of_their_own() -> None:
    # One claim of 100, accepted with probability 1/2 for certain: no input can be found out.
    run = simulate(portfolio_of(term_of(1, 100, "acceptance"), entries=[entry("acceptance", 0.5)]))
    table = information_value([run], alternative=60.0)
    values = values_of([run], 60.0)
    assert (values["acceptance"].value, values["all_inputs"].value) == (0.0, 0.0)
    # Knowing the claim itself: 50 - (0 + 60) / 2 = 20.
    assert abs(values["inputs_and_counts"].value - 20) <= 5 * values["inputs_and_counts"].error < 1
    assert table["share"].to_list() == [None, None, None]
    sentence = information_sentence(table, run.portfolio, Locale("en"))
    assert sentence.startswith("The same choice costs least in every simulation")


def test_an_option_that_costs_less_in_every_draw_makes_information_worthless() -> None:
    x = ratio("x", Lognormal(median=1, sigma=2))
    y = ratio("y", Uniform(low=1, high=2))
    dear, cheap = (portfolio_of(amount(pay, "x", "y"), entries=[x, y]) for pay in (101, 100))
    for folios in ([dear, cheap], [cheap, dear], [cheap, dear, cheap]):
        table = information_value(simulate_together(folios, draws=2**10))
        assert table.select("value", "error").rows() == [(0.0, 0.0)] * 4
    assert information_sentence(table, cheap, Locale("en")) == (
        "The same choice costs least in every simulation, so no input is worth finding out."
    )


# correlated inputs

SIGMA, RANK, BUDGET = 0.8, 0.6, 260.0


def tied(*terms: Any, rank: float = RANK, names: str = "xy") -> Portfolio:  # noqa: ANN401
    """Lognormal inputs of which the first two have a rank correlation."""
    entries = [ratio(name, Lognormal(median=1, sigma=SIGMA)) for name in names]
    return portfolio_of(*terms, entries=entries, correlations={("x", "y"): rank} if rank else {})


def value_of_x(tie: float, other: float) -> float:
    """The value of knowing X for a cost 100 X + other x Y: E[Y | X] of a bivariate normal distribution."""
    z = special.ndtri((np.arange(FINE) + 0.5) / FINE)
    given_x = np.exp(SIGMA * tie * z + SIGMA**2 * (1 - tie**2) / 2)
    cost = 100 * np.exp(SIGMA * z) + other * given_x
    return min((100 + other) * math.exp(SIGMA**2 / 2), BUDGET) - float(np.minimum(cost, BUDGET).mean())


@pytest.mark.parametrize("rank", [-0.7, 0.0, RANK])
def test_an_input_tells_about_the_inputs_that_it_is_correlated_with(rank: float) -> None:
    values = values_of([simulate(tied(amount(100, "x"), amount(100, "y"), rank=rank))], BUDGET)
    expected = value_of_x(2 * math.sin(math.pi / 6 * rank), 100)
    for name in "xy":
        assert_near(values[name], expected, scale=expected)
        assert values[name].error < 0.01 * expected


# the integral over one input


def assert_integrals(runs: Sequence[Simulation], alternative: float | None = None) -> None:
    """Check the value of each input, which no ledger of these runs ties to another one."""
    values = values_of(runs, alternative)
    whole = values.pop("all_inputs").value
    assert values.pop("inputs_and_counts").value >= whole > 0
    for name, found in values.items():
        assert_near(
            found, exact_value([run.portfolio for run in runs], name, alternative=alternative), scale=whole
        )


def test_each_input_of_the_decision_week_has_the_value_of_the_integral(week: list[Simulation]) -> None:
    assert_integrals(week)


@pytest.mark.parametrize("share", [1.0, *(pytest.param(x, marks=pytest.mark.slow) for x in (0.3, 3.0))])
def test_each_input_of_the_bundled_case_has_the_value_of_the_integral(
    policy: Policy, ledger: Ledger, share: float
) -> None:
    folio = build_portfolio(policy, ledger, as_of=DAY)
    assert any(isinstance(entry, BandMix) for entry in folio.entries.values())
    assert_integrals([simulate(folio)], share * float(expected_at(folio, "cash", {})[0]))


# refusals and words


def test_without_a_choice_there_is_nothing_to_find_out(week: list[Simulation]) -> None:
    with pytest.raises(UsageError, match="only if there is a choice"):
        information_value([week[0]])


def test_the_sentence_names_the_input_to_find_out_first(week: list[Simulation]) -> None:
    table, folio = information_value(week), week[0].portfolio
    assert table["assumption"][0] == "as-filing-share"
    assert information_sentence(table, folio, Locale("en", "KRW", 0)) == (
        "Find out first: Filing share. Knowing it exactly before the decision would save 130 million won "
        "of expected cost on average; knowing all inputs would save 270 million won."
    )
    unclear = table.with_columns(error=pl.lit(1e9))
    assert "less expected cost than the numerical error" in information_sentence(unclear, folio, Locale("en"))
    alone = table.with_columns(error=pl.when(known="input").then(1e9).otherwise(pl.col("error")))
    assert information_sentence(alone, folio, Locale("en", "KRW", 0)).startswith(
        "Knowing a single input would save no expected cost"
    )
