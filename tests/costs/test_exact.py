"""Exact totals: published cases, textbook problems, recursions of the field, scipy's laws of counts."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import stats

from outage_analysis.costs import Binomial, Component, Fixed, exact_total
from outage_analysis.costs.exact import lattice as chernoff
from outage_analysis.costs.exact.components import Count, NegativeBinomial, Number, Poisson
from outage_analysis.costs.exact.lattice import build_lattice
from outage_analysis.costs.exact.pooling import pool_components
from outage_analysis.costs.exact.total_distribution import TotalDistribution
from tests.paths import GOLDEN

CASES: dict[str, Any] = json.loads((GOLDEN / "exact_cases.json").read_text("utf-8"))
TIERS = CASES["tiers_and_review"]


def tiers(count: Count) -> Component:
    """The benchmark's payments: two tiers and a reviewed sum."""
    probabilities = TIERS["probabilities"]
    return Component(count, range(0, len(probabilities) * TIERS["unit"], TIERS["unit"]), probabilities)


def counted(count: Count) -> TotalDistribution:
    """The law of the count itself, computed as floats."""
    return exact_total([Component(count, [1], [1.0])])


# --- published cases ----------------------------------------------------------------------------------


def test_the_toy_case_comes_out_in_fractions() -> None:
    case = CASES["tier_toy"]
    claims = [(c["n"], c["payment"], Fraction(c["valid"])) for c in case["claims"]]
    distribution = exact_total([Component(Binomial(n, q), [payment], [1]) for n, payment, q in claims])
    pmf = {int(x): Fraction(p) for x, p in case["pmf"].items()}
    assert dict(zip(distribution.points, distribution.weights, strict=True)) == pmf
    assert [distribution.pmf(x) for x in range(31)] == [pmf.get(x, 0) for x in range(31)]
    assert distribution.mean == Fraction(case["mean"]) == sum(x * p for x, p in pmf.items())
    assert distribution.variance == sum((x - distribution.mean) ** 2 * p for x, p in pmf.items())
    assert distribution.cdf(8) == sum(p for x, p in pmf.items() if x <= 8)
    assert (distribution.exact, distribution.error, distribution.smallest_tail, distribution.unit) == (
        True,
        0,
        0,
        1,
    )


def test_a_claim_refused_is_a_payment_of_nothing() -> None:
    claims = [(c["n"], c["payment"], Fraction(c["valid"])) for c in CASES["tier_toy"]["claims"]]
    distribution = exact_total([Component(Fixed(n), [0, payment], [1 - q, q]) for n, payment, q in claims])
    assert dict(zip(distribution.points, map(str, distribution.weights), strict=True)) == {
        int(x): p for x, p in CASES["tier_toy"]["pmf"].items()
    }


def test_the_published_range_is_a_distribution_without_spread() -> None:
    case = CASES["published_range"]
    for payment, total in zip(case["payments"], case["totals"], strict=True):
        for one in (1, 1.0):
            distribution = exact_total([Component(Fixed(case["claims"]), [payment], [one])])
            assert (
                distribution.mean,
                distribution.variance,
                distribution.pmf(total),
                distribution.cdf(total - 1),
            ) == (total, 0, 1, 0)
            assert [distribution.quantile(p) for p in (0.001, 0.5, 0.999)] == [total] * 3
            assert distribution.tvar(0.99) == total
            assert isinstance(distribution.pmf(total), Fraction) == isinstance(one, int)


@pytest.mark.parametrize(
    ("name", "count"), [("fixed_8461", Fixed(8461)), ("poisson_100000", Poisson(100_000))]
)
def test_the_benchmark_agrees_with_three_programs_to_the_unit(name: str, count: Count) -> None:
    expected = TIERS[name]
    distribution = exact_total([tiers(count)])
    assert distribution.mean == pytest.approx(expected["mean"], rel=1e-12)
    assert distribution.variance**0.5 == pytest.approx(expected["sd"], rel=1e-12)
    assert {p: distribution.quantile(float(p)) for p in expected["q"]} == expected["q"]
    assert distribution.tvar(0.99) == pytest.approx(expected["TVaR99"], rel=1e-9)
    assert distribution.unit == TIERS["unit"]


def test_late_claims_follow_the_closed_form() -> None:
    case = CASES["late_claims"]
    distribution = counted(NegativeBinomial(case["mean"], 1 / case["share"]))
    assert distribution.variance == pytest.approx(case["variance"])
    assert {p: distribution.quantile(float(p)) for p in case["quantiles"]} == case["quantiles"]


# --- textbook problems --------------------------------------------------------------------------------


def test_the_group_life_example_has_the_printed_moments_and_the_enumerated_distribution() -> None:
    case = CASES["group_life"]
    lives = list(zip(case["benefits"], case["mortality"], strict=True))
    distribution = exact_total([Component(Binomial(1, q), [benefit], [1]) for benefit, q in lives])
    assert distribution.mean == pytest.approx(case["mean"], abs=0.005)
    assert distribution.variance == pytest.approx(case["variance"], rel=5e-6)
    totals: dict[int, float] = {0: 1.0}
    for benefit, q in lives:
        before = dict(totals)
        totals = {x: p * (1 - q) for x, p in before.items()}
        for x, p in before.items():
            totals[x + benefit] = totals.get(x + benefit, 0.0) + p * q
    assert [distribution.pmf(x) for x in totals] == pytest.approx(list(totals.values()), abs=1e-15)


def de_pril(policies: dict[Fraction, Sequence[int]], last: int) -> list[Fraction]:
    """De Pril's recursion for the individual life model: policies of each sum insured by mortality."""
    distribution = [Fraction(1)]
    for q, numbers in policies.items():
        distribution[0] *= (1 - q) ** sum(numbers)
    for x in range(1, last + 1):
        total = Fraction(0)
        for q, numbers in policies.items():
            for i, n in enumerate(numbers, start=1):
                terms = (-1 * (-q / (1 - q)) ** k * distribution[x - i * k] for k in range(1, x // i + 1))
                total += n * i * sum(terms)
        distribution.append(total / x)
    return distribution


@pytest.mark.parametrize("number", [Fraction, float], ids=["fractions", "floats"])
def test_the_life_portfolio_is_that_of_de_prils_recursion(number: Callable[[Fraction], Number]) -> None:
    case = CASES["life_portfolio"]
    policies = {Fraction(q): numbers for q, numbers in case["policies"].items()}
    distribution = exact_total(
        Component(Binomial(n, number(q)), [i], [1])
        for q, numbers in policies.items()
        for i, n in enumerate(numbers, start=1)
    )
    recursion = de_pril(policies, 40)
    found = [distribution.pmf(x) for x in range(41)]
    if number is Fraction:
        assert found == recursion
        assert distribution.mean == Fraction(case["mean"])
    assert found == pytest.approx([float(p) for p in recursion], abs=1e-15)
    assert distribution.pmf(0) == pytest.approx(case["none"], abs=5e-6)


def panjer(a: float, b: float, none: float, payments: Sequence[float], last: int) -> list[float]:
    """Panjer's recursion; payments are the probabilities of 1, 2, ... and none is sure to be paid 0."""
    distribution = [none]
    for x in range(1, last + 1):
        terms = ((a + b * y / x) * p * distribution[x - y] for y, p in enumerate(payments, start=1) if y <= x)
        distribution.append(sum(terms))
    return distribution


@pytest.mark.parametrize(
    ("count", "a", "b", "none"),
    [
        (Poisson(3), 0.0, 3.0, np.exp(-3)),
        (NegativeBinomial(3, 1.5), 1 / 3, 5 / 3, 1.5**-6),  # r = 6, beta = 0.5
        (Binomial(12, 0.25), -1 / 3, 13 / 3, 0.75**12),
    ],
    ids=lambda value: str(value) if isinstance(value, Count) else "",
)
def test_the_dental_example_is_that_of_panjers_recursion(
    count: Count, a: float, b: float, none: float
) -> None:
    case = CASES["dental"]
    unit, probabilities = case["unit"], case["probabilities"]
    payments = range(unit, (len(probabilities) + 1) * unit, unit)
    distribution = exact_total([Component(count, payments, probabilities)])
    assert distribution.unit == unit
    recursion = panjer(a, b, none, probabilities, 60)
    assert [distribution.pmf(unit * x) for x in range(61)] == pytest.approx(recursion, abs=1e-15)
    assert distribution.pmf(unit + 1) == 0
    assert distribution.cdf(unit + 1) == distribution.cdf(unit)


def test_a_geometric_number_of_geometric_payments_is_geometric_but_for_none() -> None:
    go_on, stay, last = 0.75, 0.5, 60
    payments = [(1 - stay) * stay ** (y - 1) for y in range(1, last)]
    distribution = exact_total(
        [
            Component(NegativeBinomial(3, 4), range(1, last + 1), [*payments, stay ** (last - 1)])
        ]  # r = 1, beta = 3
    )
    longer = stay + go_on * (1 - stay)
    closed = [1 - go_on, *((1 - go_on) * go_on * (1 - stay) * longer ** (x - 1) for x in range(1, 100))]
    assert [distribution.pmf(x) for x in range(100)] == pytest.approx(closed, abs=1e-15)


@pytest.mark.parametrize(
    ("count", "distribution"),
    [
        (Poisson(1e-12), stats.poisson(1e-12)),
        (Poisson(760), stats.poisson(760)),  # exp(-760) is no float
        (Poisson(100_000), stats.poisson(100_000)),
        (Binomial(500, 0.5), stats.binom(500, 0.5)),
        (Binomial(80_000_000, 0.3), stats.binom(80_000_000, 0.3)),
        (Binomial(80_000_000, 1 - 1e-7), stats.binom(80_000_000, 1 - 1e-7)),
        (NegativeBinomial(100, 101), stats.nbinom(1, 1 / 101)),
        (NegativeBinomial(80_000_000, 2), stats.nbinom(80_000_000, 0.5)),
    ],
    ids=lambda value: str(value) if isinstance(value, Count) else "scipy",
)
def test_counts_are_those_of_scipy_within_the_stated_error(count: Count, distribution: Any) -> None:  # noqa: ANN401 - a law of scipy
    found = counted(count)
    places = np.unique(np.linspace(0, len(found.points) - 1, 200).astype(int))
    points = [found.points[i] for i in places]
    off = np.abs(np.array([found.cdf(x) for x in points]) - distribution.cdf(points))
    assert off.max() <= found.error + 2e-15
    assert found.error < 1e-11
    assert float(found.mean) == pytest.approx(distribution.mean())
    assert float(found.variance) == pytest.approx(distribution.var())


def test_a_negative_binomial_count_without_dispersion_is_poisson() -> None:
    poisson = counted(Poisson(50))
    assert list(counted(NegativeBinomial(50, 1)).weights) == list(poisson.weights)
    barely = counted(NegativeBinomial(50, 1 + 1e-13))
    assert barely.cdf(50) == pytest.approx(poisson.cdf(50), abs=1e-12)


# --- the window, the unit, the law --------------------------------------------------------------------


@pytest.mark.parametrize("count", [Fixed(8461), Poisson(20), NegativeBinomial(8461, 200)], ids=str)
def test_the_window_holds_all_but_a_proved_sliver(count: Count, monkeypatch: pytest.MonkeyPatch) -> None:
    lattice = build_lattice(pool_components([tiers(count)]), None)
    narrow = chernoff.probability_window(lattice)
    monkeypatch.setattr(chernoff, "_MINUS_LOG_OUTSIDE", 80.0)
    wide = exact_total([tiers(count)])
    steps = (np.array(wide.points) - lattice.base) // lattice.unit
    outside = np.array(wide.weights)[(steps < narrow[0]) | (steps > narrow[1])]
    assert len(outside) > 0
    assert outside.sum() < 2 * chernoff.OUTSIDE_PROBABILITY + 1e-17 * len(outside)


def test_the_window_grows_as_the_square_root_of_the_claims() -> None:
    few, many = (exact_total([tiers(Poisson(n))]) for n in (10_000, 1_000_000))
    assert len(many.points) / len(few.points) == pytest.approx(10, rel=0.05)


def test_claims_that_are_sure_only_move_the_total() -> None:
    claims = Component(Poisson(5), [3, 7], [0.5, 0.5])
    plain, moved = exact_total([claims]), exact_total([claims, Component(Fixed(10**9), [11], [1])])
    assert moved.points[0] - plain.points[0] == 11 * 10**9
    assert list(moved.weights) == list(plain.weights)


def test_payments_that_differ_by_a_step_take_a_lattice_of_that_step() -> None:
    distribution = exact_total([Component(Fixed(8461), [30_000, 50_000], [0.6, 0.4])])
    assert distribution.unit == 20_000
    binomial = stats.binom(8461, 0.4)
    assert distribution.cdf(8461 * 30_000 + 3400 * 20_000) == pytest.approx(
        binomial.cdf(3400), abs=distribution.error
    )


def test_a_rare_large_payment_lies_in_the_window() -> None:
    distribution = exact_total([Component(Poisson(1000), [1], [1]), Component(Poisson(1e-6), [10**5], [1])])
    assert 1 - distribution.cdf(50_000) == pytest.approx(1e-6, rel=1e-4)
    assert 100_000 < distribution.quantile(1 - 5e-7) < 102_000


@pytest.mark.slow
def test_a_coarser_unit_keeps_the_mean_and_says_what_it_adds() -> None:
    claims = [Component(Poisson(200), [30_000, 50_000, 123_456], [0.5, 0.3, 0.2])]
    fine, coarse = exact_total(claims), exact_total(claims, unit=5000)
    assert (fine.unit, coarse.unit, fine.splitting_sd) == (16, 5000, 0)
    assert coarse.mean == fine.mean
    lattice_mean = sum(x * p for x, p in zip(coarse.points, coarse.weights, strict=True))
    assert lattice_mean == pytest.approx(fine.mean, rel=1e-12)
    assert coarse.splitting_sd == pytest.approx((40 * 3456 * (5000 - 3456)) ** 0.5)
    for p in (0.5, 0.9, 0.99):
        assert 0 <= coarse.tvar(p) - fine.tvar(p) <= coarse.splitting_sd / (2 * (1 - p))
    same = exact_total(claims, unit=8)
    assert same.splitting_sd == 0
    assert same.quantile(0.9) == fine.quantile(0.9)


def test_the_tail_value_at_risk_splits_the_weight_of_its_quantile() -> None:
    distribution = exact_total(
        [Component(Fixed(1), [0, 10, 100], [Fraction(1, 2), Fraction(3, 10), Fraction(1, 5)])]
    )
    assert distribution.quantile(Fraction(7, 10)) == 10
    assert distribution.tvar(Fraction(7, 10)) == (Fraction(1, 10) * 10 + Fraction(1, 5) * 100) / Fraction(
        3, 10
    )
    assert distribution.tvar(0.8) == distribution.tvar(0.9) == 100
    assert [distribution.quantile(p) for p in (0.5, 0.5 + 1e-12, 0.8, 0.8 + 1e-12)] == [0, 10, 10, 100]


def test_a_level_reached_but_for_rounding_is_reached() -> None:
    tenths = exact_total([Component(Fixed(1), range(10), [0.1] * 10)])
    fractions = exact_total([Component(Fixed(1), range(10), [Fraction(1, 10)] * 10)])
    sixths = exact_total([Component(Fixed(1), range(6), [Fraction(1, 6)] * 6)])
    levels = [k / 10 for k in range(1, 10)]
    assert [tenths.quantile(p) for p in levels] == [fractions.quantile(p) for p in levels] == list(range(9))
    assert [sixths.quantile(k / 6) for k in range(1, 6)] == list(range(5))


def test_a_distribution_says_nothing_of_what_cannot_be() -> None:
    distribution = exact_total([Component(Binomial(3, 0.5), [2], [1])])
    assert [distribution.pmf(x) for x in (-2, 1, 2.5, 8, 10**30)] == [0] * 5
    assert [distribution.cdf(x) for x in (-1, -np.inf)] == [0, 0]
    assert [distribution.cdf(x) for x in (6, 10**30, np.inf)] == pytest.approx([1, 1, 1], abs=1e-15)
    assert distribution.cdf(3.9) == distribution.cdf(2) == pytest.approx(0.5)


def test_a_distribution_is_frozen() -> None:
    distribution = counted(Poisson(3))
    with pytest.raises(dataclasses.FrozenInstanceError):
        distribution.mean = 0  # type: ignore[misc] # the test
    with pytest.raises(ValueError, match="read-only"):
        distribution.weights[0] = 0  # type: ignore[index] # the test


def test_importing_loads_no_scipy() -> None:
    code = (
        "import sys, outage_analysis.costs.exact.total\n"
        "print([m in sys.modules for m in ('scipy.stats', 'scipy.fft')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[False, False]"
