"""The value of information: against sums by hand, integrals over one input, and what must always hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from scipy import special

from outage_analysis.assumptions import Assumption, BandMix, Ledger, load_ledger
from outage_analysis.assumptions.distributions import Discrete, Lognormal, Uniform
from outage_analysis.costs import build_portfolio, simulate
from outage_analysis.costs.comparison import simulate_policies
from outage_analysis.costs.expected import Portfolio, expected_at
from outage_analysis.costs.sensitivity import (
    information_sentence,
    information_value,
    input_quantiles,
    sample_input,
)
from outage_analysis.costs.simulation import Simulation, simulate_together
from outage_analysis.errors import UsageError
from outage_analysis.policies import Policy, load_policy
from outage_analysis.text import Locale
from tests.costs.uncertain_portfolios import DAY as SHOPS_DAY
from tests.costs.uncertain_portfolios import entry, portfolio, term_of

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


# by hand


def test_a_coin_is_worth_half_of_what_the_bad_side_would_cost_too_much() -> None:
    coin = ratio("coin", Discrete(values=(1.0, 3.0), probabilities=(0.5, 0.5)))
    table = information_value(
        [simulate(portfolio(amount(100, "coin"), entries=[coin]), draws=2**10)], alternative=150.0
    )
    assert table.rows() == [
        ("input", "coin", "realised_ratio", 25.0, 0.0, 1.0),
        ("all_inputs", None, None, 25.0, 0.0, 1.0),
        ("inputs_and_counts", None, None, 25.0, 0.0, None),
    ]


def test_nobody_can_know_the_counts_so_they_have_a_row_of_their_own() -> None:
    # One claim of 100, accepted with probability 1/2 for certain: no input can be found out.
    run = simulate(portfolio(term_of(1, 100, "acceptance"), entries=[entry("acceptance", 0.5)]))
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
    dear, cheap = (portfolio(amount(pay, "x", "y"), entries=[x, y]) for pay in (101, 100))
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
    return portfolio(*terms, entries=entries, correlations={("x", "y"): rank} if rank else {})


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
    folio = build_portfolio(policy, ledger, as_of=SHOPS_DAY)
    assert any(isinstance(entry, BandMix) for entry in folio.entries.values())
    assert_integrals([simulate(folio)], share * float(expected_at(folio, "cash", {})[0]))


# what always holds


# the tables of an analysis


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
