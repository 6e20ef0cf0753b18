"""Stop-loss premiums, limited expected values and layers of exact totals, and empirical counts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from outage_analysis.costs import (
    Binomial,
    Component,
    Empirical,
    Fixed,
    NegativeBinomial,
    Poisson,
    TotalDistribution,
    exact_total,
)
from outage_analysis.costs.exact.components import Count
from outage_analysis.costs.exact.lattice import build_lattice, excess_bound, probability_window
from outage_analysis.costs.exact.pooling import pool_components
from outage_analysis.errors import ModelRefused, UsageError
from tests.paths import GOLDEN

TIERS = ([30_000, 50_000], [0.6, 0.4])


def convolved(
    counts: Sequence[Fraction], payments: Sequence[int], probabilities: Sequence[Fraction]
) -> dict[int, Fraction]:
    """The distribution of a random sum, from the n-fold convolutions of the payment, by brute force."""
    claim = dict(zip(payments, probabilities, strict=True))
    convolution, result = {0: Fraction(1)}, dict[int, Fraction]()
    for p in counts:
        for x, q in convolution.items():
            result[x] = result.get(x, Fraction(0)) + p * q
        longer = dict[int, Fraction]()
        for x, q in convolution.items():
            for payment, r in claim.items():
                longer[x + payment] = longer.get(x + payment, Fraction(0)) + q * r
        convolution = longer
    return {x: p for x, p in result.items() if p}


def in_floats(numbers: Sequence[Fraction]) -> list[float]:
    return [float(x) for x in numbers]


def poisson_stop_loss(mean: float, retention: int) -> float:
    """E[(N - d)+] = m P(N >= d) - d P(N >= d + 1) for a Poisson count N with mean m."""
    count = stats.poisson(mean)
    return float(mean * count.sf(retention - 1) - retention * count.sf(retention))


# --- premiums and layers of known distributions ---------------------------------------------------------


@pytest.mark.parametrize("number", [Fraction, float])
def test_premiums_of_two_claims_are_those_worked_out_by_hand(number: Callable[[Fraction], Any]) -> None:
    shares = [number(Fraction(1, 4)), number(Fraction(3, 4))]
    total = exact_total([Component(Fixed(2), [0, 10], shares)])  # 0, 10, 20 with 1/16, 6/16, 9/16
    premiums: dict[int, int | Fraction] = {
        0: 15,
        4: Fraction(45, 4),
        10: Fraction(45, 8),
        15: Fraction(45, 16),
        20: 0,
        99: 0,
    }
    for retention, premium in premiums.items():
        assert total.stop_loss_premium(retention) == pytest.approx(premium, abs=1e-13)
        assert total.limited_expected_value(retention) == pytest.approx(15 - premium, abs=1e-13)
    assert total.layer_mean(4, 15) == pytest.approx(Fraction(45, 4) - Fraction(45, 16))
    assert isinstance(total.layer_mean(4, 15), Fraction) == (number is Fraction)


def test_fractional_and_decimal_retentions_are_exact_in_a_distribution_of_fractions() -> None:
    total = exact_total([Component(Fixed(1), [0, 1], [Fraction(1, 2), Fraction(1, 2)])])
    assert total.stop_loss_premium(Fraction(1, 3)) == Fraction(1, 3)
    assert total.stop_loss_premium(0.1) == Fraction(9, 20)
    assert total.limited_expected_value(math.inf) == total.mean
    assert total.layer_error(0.1, 0.7) == 0


@pytest.mark.parametrize("mean", [0.5, 20, 3000, 100_000])
def test_premiums_of_a_poisson_count_have_the_closed_form_within_the_stated_error(mean: float) -> None:
    total = exact_total([Component(Poisson(mean), [1], [1.0])])
    sd = math.sqrt(mean)
    for k in (-4, -1, 0, 0.5, 2, 3.5):
        retention = max(round(mean + k * sd), 0)
        premium = poisson_stop_loss(mean, retention)
        # scipy's own tail probabilities, multiplied by the mean, have relative errors of some 1e-14.
        allowed = total.layer_error(retention, math.inf) + 1e-13 * mean
        assert abs(float(total.stop_loss_premium(retention)) - premium) <= allowed
        assert abs(float(total.limited_expected_value(retention)) - (mean - premium)) <= allowed


@pytest.mark.parametrize("count", [Fixed(300), Poisson(300), NegativeBinomial(300, 40)], ids=str)
def test_a_premium_is_the_integral_of_the_exceedance_probability(count: Count) -> None:
    total = exact_total([Component(count, *TIERS)])
    steps = range(0, int(total.points[-1]) + 1, total.unit)
    exceedance = np.array([1 - float(total.cdf(x)) for x in steps])
    for k in (0, len(steps) // 5, len(steps) // 3):
        integral = total.unit * exceedance[k:].sum()
        assert total.stop_loss_premium(steps[k]) == pytest.approx(integral, rel=1e-9)


@pytest.mark.parametrize("count", [Fixed(50), Poisson(12), NegativeBinomial(12, 5)], ids=str)
def test_premiums_fall_and_are_convex_and_layers_add_up_to_the_mean(count: Count) -> None:
    total = exact_total([Component(count, *TIERS)])
    retentions = [0, 7, 40_000, 123_456.5, 400_000, 600_000, 777_777, 900_000]
    premiums = [float(total.stop_loss_premium(d)) for d in retentions]
    slopes = [
        (b - a) / (e - d) for (a, b), (d, e) in zip(pairwise(premiums), pairwise(retentions), strict=True)
    ]
    assert premiums[0] == total.mean
    assert all(-1 - 1e-12 <= slope <= 0 for slope in slopes)
    assert all(a <= b + 1e-12 for a, b in pairwise(slopes))
    layers = [total.layer_mean(d, e) for d, e in pairwise([*retentions, math.inf])]
    assert math.fsum(map(float, layers)) == pytest.approx(total.mean, rel=1e-13)
    for d, premium in zip(retentions, premiums, strict=True):
        assert total.limited_expected_value(d) == pytest.approx(float(total.mean) - premium, abs=1e-6)


def test_a_limit_below_every_total_is_paid_in_full() -> None:
    total = exact_total([Component(Poisson(100), [1], [1.0]), Component(Fixed(10**9), [11], [1])])
    assert total.limited_expected_value(10**9) == 10**9
    assert total.stop_loss_premium(11 * 10**9) == pytest.approx(
        100, abs=total.layer_error(11 * 10**9, math.inf)
    )
    assert total.stop_loss_premium(11 * 10**9 + 110) == pytest.approx(poisson_stop_loss(100, 110), rel=1e-4)


def test_splitting_raises_a_premium_by_at_most_half_of_the_standard_deviation_added() -> None:
    claims = [Component(Poisson(200), [30_000, 50_000, 123_456], [0.5, 0.3, 0.2])]
    fine, coarse = exact_total(claims), exact_total(claims, unit=5000)
    for retention in (8_000_000, 10_000_000, 13_000_001):
        added = float(coarse.stop_loss_premium(retention)) - float(fine.stop_loss_premium(retention))
        assert 0 <= added <= coarse.splitting_sd / 2
        missing = float(fine.limited_expected_value(retention) - coarse.limited_expected_value(retention))
        assert missing == pytest.approx(added, abs=1e-6)


# --- accuracy and refusals ------------------------------------------------------------------------------


def test_a_premium_with_few_correct_digits_is_refused() -> None:
    total = exact_total([Component(Poisson(100_000), [1], [1.0])])
    good, bad = 100_000 + 5 * 316, 100_000 + 9 * 316
    assert total.stop_loss_premium(good) == pytest.approx(poisson_stop_loss(100_000, good), rel=1e-4)
    for ask in (lambda: total.stop_loss_premium(bad), lambda: total.layer(bad, bad + 5)):
        with pytest.raises(ModelRefused, match=r"between 102,844 and .* its error may be .*lower retention"):
            ask()
    assert 0 < total.layer_error(bad, math.inf) < 1e-8


def test_a_premium_beyond_the_last_point_is_refused_unless_nothing_lies_there() -> None:
    unbounded = exact_total([Component(Poisson(5), [1], [1.0])])
    assert unbounded.excess > 0
    with pytest.raises(ModelRefused, match=r"is 0, and its error may be"):
        unbounded.stop_loss_premium(1000)
    bounded = exact_total([Component(Binomial(5, 0.3), [1], [1.0])])
    assert (bounded.excess, bounded.stop_loss_premium(1000), bounded.layer_error(1000, math.inf)) == (0, 0, 0)


@pytest.mark.parametrize("mean", [3, 400])
def test_the_excess_is_bounded(mean: float) -> None:
    lattice = build_lattice(pool_components([Component(Poisson(mean), [1], [1.0])]), None)
    for last in (probability_window(lattice)[1], round(mean + 2 * mean**0.5), round(mean + 5 * mean**0.5)):
        premium = poisson_stop_loss(mean, last) if last < mean + 6 * mean**0.5 else 0.0
        count = np.arange(last + 1, last + 400)
        summed = float(((count - last) * stats.poisson(mean).pmf(count)).sum())
        assert premium == 0 or summed == pytest.approx(premium, rel=1e-6)
        assert summed <= excess_bound(lattice, last) < 100 * summed


@pytest.mark.parametrize("retention", [-1, -0.5, math.nan, math.inf, "5", None, True, 2**63])
def test_a_retention_that_is_no_number(retention: Any) -> None:  # noqa: ANN401 - wrong on purpose
    law = exact_total([Component(Fixed(1), *TIERS)])
    for ask in (law.stop_loss_premium, lambda d: law.layer_mean(d, math.inf), lambda d: law.layer(d, 10**6)):
        with pytest.raises(UsageError, match=r"the retention is not a"):
            ask(retention)


@pytest.mark.parametrize("limit", [-1, math.nan, -math.inf, "5", None, True])
def test_a_limit_that_is_no_number(limit: Any) -> None:  # noqa: ANN401
    law = exact_total([Component(Fixed(1), *TIERS)])
    for ask in (law.limited_expected_value, lambda x: law.layer(0, x)):
        with pytest.raises(UsageError, match=r"the limit is not a"):
            ask(limit)


def test_a_limit_below_the_retention_says_that_it_is_no_width() -> None:
    law = exact_total([Component(Fixed(1), *TIERS)])
    for ask in (law.layer_mean, law.layer_error, law.layer):
        with pytest.raises(
            UsageError, match=r"below the retention of 50,000.*retention plus its largest payment"
        ):
            ask(50_000, 10_000)
    with pytest.raises(UsageError, match="the retention is not a whole number"):
        law.layer(0.5, 3)  # type: ignore[arg-type] # the test
    with pytest.raises(UsageError, match="the limit is not a whole number"):
        law.layer(0, math.inf)  # type: ignore[arg-type] # the test


# --- the distribution of the payment of a layer ---------------------------------------------------------


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from([Fraction, float]))
def test_the_payment_of_a_layer_is_that_of_each_total(
    retention: int, width: int, number: Callable[[Fraction], Any]
) -> None:
    shares = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
    truth = convolved([Fraction(0)] * 3 + [Fraction(1)], [1, 4, 9], shares)
    total = exact_total([Component(Fixed(3), [1, 4, 9], [number(p) for p in shares])])
    layer = total.layer(retention, retention + width)
    paid: dict[int, Fraction] = {}
    for x, p in truth.items():
        payment = min(max(x - retention, 0), width)
        paid[payment] = paid.get(payment, Fraction(0)) + p
    mean = sum(x * p for x, p in paid.items())
    variance = sum((x - mean) ** 2 * p for x, p in paid.items())
    assert layer.exact == (number is Fraction)
    assert [layer.pmf(x) for x in range(32)] == pytest.approx([paid.get(x, 0) for x in range(32)], abs=1e-15)
    assert layer.mean == pytest.approx(mean, abs=1e-13)
    assert layer.variance == pytest.approx(variance, abs=1e-12)
    assert all((b - a) % layer.unit == 0 for a, b in pairwise(layer.points))
    for p in (Fraction(1, 4), Fraction(9, 10)):
        expected = next(x for x in sorted(paid) if sum(q for y, q in paid.items() if y <= x) >= p)
        beyond = sum(q * (x - expected) for x, q in paid.items() if x > expected)
        assert layer.quantile(p) == expected
        assert layer.tvar(p) == pytest.approx(expected + beyond / (1 - p), abs=1e-12)


def test_the_payment_of_a_layer_off_the_lattice_agrees_with_the_total() -> None:
    total = exact_total([Component(Poisson(100), *TIERS)])
    layer = total.layer(4_005_000, 4_512_345)
    assert (layer.points[0], layer.points[-1], layer.unit) == (0, 507_345, 5)
    assert layer.mean == total.layer_mean(4_005_000, 4_512_345)
    for y in (0, 4_999, 5_000, 300_000, 507_344):
        assert layer.cdf(y) == pytest.approx(total.cdf(4_005_000 + y), abs=1e-14)
    assert layer.cdf(507_345) == pytest.approx(1, abs=1e-14)
    assert layer.stop_loss_premium(100_000) == pytest.approx(
        total.layer_mean(4_105_000, 4_512_345), rel=1e-12
    )
    assert layer.mean_error == total.layer_error(4_005_000, 4_512_345) > 0
    assert layer.excess == 0
    endless = total.layer(4_005_000, 10**12)
    assert endless.excess == total.excess > 0
    assert endless.mean == pytest.approx(total.stop_loss_premium(4_005_000), rel=1e-12)


# --- empirical counts -----------------------------------------------------------------------------------

# 60 % of the groups have no claim, 30 % have one and 10 % have two; a claim is paid 100, 200 or 300.
TEXTBOOK = Empirical([Fraction(6, 10), Fraction(3, 10), Fraction(1, 10)])


def test_the_stop_loss_premium_of_a_small_random_sum_is_that_worked_out_by_hand() -> None:
    shares = [Fraction(1, 2), Fraction(3, 10), Fraction(1, 5)]
    total = exact_total([Component(TEXTBOOK, [100, 200, 300], shares)])
    # One claim: 100, 200, 300 with 0.5, 0.3, 0.2. Two claims: 200: 0.25; 300: 2 x 0.15 = 0.30;
    # 400: 2 x 0.10 + 0.09 = 0.29; 500: 2 x 0.06 = 0.12; 600: 0.04.
    by_hand = {
        0: "0.6", 100: "0.15", 200: "0.115", 300: "0.09", 400: "0.029", 500: "0.012", 600: "0.004",
    }  # fmt: skip
    assert {x: total.pmf(x) for x in total.points} == {x: Fraction(p) for x, p in by_hand.items()}
    # Mean: 0.5 x 170. Variance: E[N] Var(X) + Var(N) E[X]^2 = 0.5 x 6,100 + 0.45 x 28,900.
    assert (total.mean, total.variance) == (85, 16_055)
    # Above 250: 50 x 0.09 + 150 x 0.029 + 250 x 0.012 + 350 x 0.004 = 4.5 + 4.35 + 3 + 1.4.
    assert total.stop_loss_premium(250) == Fraction("13.25")
    # From 150 to 350: 50 x 0.115 + 150 x 0.09 + 200 x 0.045 = 5.75 + 13.5 + 9.
    assert total.layer_mean(150, 350) == Fraction("28.25")
    assert total.limited_expected_value(100) == 40


def test_a_premium_between_two_totals_is_that_worked_out_by_hand() -> None:
    counts = Empirical([Fraction(k, 10) for k in (1, 2, 3, 4)])
    total = exact_total([Component(counts, [1, 2], [Fraction(1, 4), Fraction(3, 4)])])
    # Only three claims exceed 4.5: 5 with 3 x 1/4 x 9/16 = 27/64, and 6 with 27/64.
    assert total.stop_loss_premium(4.5) == Fraction(4, 10) * Fraction(27, 64) * (
        Fraction(1, 2) + Fraction(3, 2)
    )


def test_the_dental_example_with_a_tabulated_count_agrees_with_convolutions() -> None:
    dental = json.loads((GOLDEN / "exact_cases.json").read_text("utf-8"))["dental"]
    counts, unit = dental["counts"], dental["unit"]
    payments = range(unit, 11 * unit, unit)
    total = exact_total([Component(Empirical(counts), payments, dental["probabilities"])])
    assert total.mean == pytest.approx(3.4 * 92.5)
    # By hand: p0; p1 f1; p1 f2 + p2 f1^2; p1 f3 + 2 p2 f1 f2 + p3 f1^3.
    first = [0.05, 0.1 * 0.15, 0.1 * 0.2 + 0.15 * 0.15**2, 0.025 + 0.15 * 2 * 0.03 + 0.2 * 0.15**3]
    assert [total.pmf(unit * x) for x in range(4)] == pytest.approx(first, abs=1e-15)
    claim, convolution = np.array([0.0, *dental["probabilities"]]), np.ones(1)
    summed = np.zeros(8 * 10 + 1)
    for p in counts:
        summed[: len(convolution)] += p * convolution
        convolution = np.convolve(convolution, claim)
    excess = np.maximum(unit * np.arange(len(summed)) - 260, 0)
    assert total.stop_loss_premium(260) == pytest.approx((excess * summed).sum(), rel=1e-12)


def test_the_dispersion_of_an_empirical_count() -> None:
    assert (TEXTBOOK.mean, TEXTBOOK.dispersion) == (Fraction(1, 2), Fraction(9, 10))
    poisson = Empirical((stats.poisson(4).pmf(range(60)) / stats.poisson(4).cdf(59)).tolist())
    assert (poisson.mean, poisson.dispersion) == pytest.approx((4, 1))
    with pytest.raises(UsageError, match="always 0 has no dispersion"):
        _ = Empirical([1]).dispersion


def fractions_of_one(most: int) -> st.SearchStrategy[list[Fraction]]:
    weights = st.lists(st.integers(0, 5), min_size=1, max_size=most).filter(any)
    return weights.map(lambda w: [Fraction(x, sum(w)) for x in w])


@given(fractions_of_one(6), st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True), st.data())
def test_a_random_sum_is_that_of_brute_force(
    counts: list[Fraction], payments: list[int], data: st.DataObject
) -> None:
    shares = data.draw(fractions_of_one(3).filter(lambda s: len(s) == len(payments)))
    truth = convolved(counts, payments, shares)
    fractions = exact_total([Component(Empirical(counts), payments, shares)])
    assert fractions.exact
    assert dict(zip(fractions.points, fractions.weights, strict=True)) == truth
    assert fractions.mean == sum(x * p for x, p in truth.items())
    assert fractions.variance == sum((x - fractions.mean) ** 2 * p for x, p in truth.items())
    floats = exact_total([Component(Empirical(in_floats(counts)), payments, in_floats(shares))])
    assert not floats.exact
    for x in range(max(truth) + 2):
        below = sum((p for y, p in truth.items() if y <= x), Fraction(0))
        assert abs(float(floats.cdf(x)) - float(below)) <= floats.error + 1e-15
    for retention in (0, 1, Fraction(7, 2)):
        premium = sum(max(x - Fraction(retention), Fraction(0)) * p for x, p in truth.items())
        assert fractions.stop_loss_premium(retention) == premium
        bound = floats.layer_error(retention, math.inf)
        assert abs(floats.layer_mean(0, retention) + float(premium) - float(fractions.mean)) <= bound + 1e-14


def apart(first: TotalDistribution, second: TotalDistribution) -> float:
    points = sorted({*first.points, *second.points})
    return max(abs(float(first.cdf(x)) - float(second.cdf(x))) for x in points[:: len(points) // 300 + 1])


@pytest.mark.parametrize("n", [0, 1, 2, 700])
def test_an_empirical_count_that_is_certain_is_fixed(n: int) -> None:
    certain = exact_total([Component(Empirical([0] * n + [1, 0]), *TIERS)])
    fixed = exact_total([Component(Fixed(n), *TIERS)])
    assert (certain.mean, certain.variance, certain.points) == (fixed.mean, fixed.variance, fixed.points)
    assert list(certain.weights) == list(fixed.weights)


@pytest.mark.parametrize(
    ("count", "law", "last"),
    [
        (Poisson(4), stats.poisson(4), 60),
        (Poisson(2000), stats.poisson(2000), 2700),
        (NegativeBinomial(100, 26), stats.nbinom(4, 1 / 26), 2200),
        (Binomial(1, 0.3), stats.binom(1, 0.3), 1),
        (Binomial(500, 0.4), stats.binom(500, 0.4), 500),
    ],
    ids=lambda value: str(value) if isinstance(value, Count) else "",
)
@pytest.mark.parametrize("payments", [TIERS, ([0, 1, 5], [0.5, 0.25, 0.25]), ([7], [1.0])], ids=str)
def test_the_probabilities_of_another_count_give_its_total_within_the_stated_error(
    count: Count,
    law: Any,  # noqa: ANN401 - a distribution of scipy
    last: int,
    payments: tuple[list[int], list[float]],
) -> None:
    probabilities = law.pmf(np.arange(last + 1))
    empirical = Empirical((probabilities / probabilities.sum()).tolist())
    found, expected = (exact_total([Component(c, *payments)]) for c in (empirical, count))
    assert found.mean == pytest.approx(expected.mean, rel=1e-11)
    assert found.variance == pytest.approx(expected.variance, rel=1e-10)
    # scipy's probabilities have relative errors of up to some 1e-12 for large counts.
    assert apart(found, expected) <= found.error + expected.error + 1e-12
    assert found.error < 2e-9
    retention = round(float(expected.mean))
    allowed = found.layer_error(retention, math.inf) + 1e-11 * float(expected.mean)
    assert found.stop_loss_premium(retention) == pytest.approx(
        expected.stop_loss_premium(retention), abs=allowed
    )


def test_empirical_counts_mix_with_other_components_in_any_order_and_unit() -> None:
    counts = Empirical([0.25, 0.25, 0, 0.25, 0.25])
    mirrored = Empirical([0.1, 0.3, 0.4, 0.2 / 3, 0.4 / 3])
    parts = [
        Component(counts, [3, 5], [0.5, 0.5]),
        Component(mirrored, [3, 5], [0.5, 0.5]),
        Component(counts, [3, 5], [0.5, 0.5]),
        Component(Poisson(30), [1, 4], [0.5, 0.5]),
        Component(Binomial(9, 0.25), [6], [1.0]),
    ]
    whole, reverse = exact_total(parts), exact_total(parts[::-1])
    assert list(whole.weights) == list(reverse.weights)
    convolution, first = np.ones(1), 0
    for part in parts:
        law = exact_total([part])
        dense = np.array([float(law.pmf(x)) for x in range(law.points[0], law.points[-1] + 1)])
        convolution, first = np.convolve(convolution, dense), first + law.points[0]
    assert [whole.pmf(first + k) for k in range(len(convolution))] == pytest.approx(convolution, abs=1e-14)
    scaled = exact_total(
        [Component(p.count, [1000 * x for x in p.payments], p.probabilities) for p in parts], unit=200
    )
    assert scaled.splitting_sd == 0
    assert scaled.stop_loss_premium(120_000) == pytest.approx(1000 * float(whole.stop_loss_premium(120)))


def test_a_coarser_unit_keeps_the_mean_of_a_random_sum_and_says_what_it_adds() -> None:
    claims = [Component(Empirical([0.2] * 5), [1000, 1700], [0.5, 0.5])]
    fine, coarse = exact_total(claims), exact_total(claims, unit=200)
    lattice_mean = sum(x * p for x, p in zip(coarse.points, coarse.weights, strict=True))
    assert lattice_mean == pytest.approx(fine.mean, rel=1e-12)
    assert coarse.splitting_sd == pytest.approx((2 * 0.5 * 100 * 100) ** 0.5)  # two claims expected


def test_the_window_of_a_random_sum_holds_all_but_a_sliver() -> None:
    # Almost always about 900 claims, but 0 with a probability of 1e-12: this 0 lies in the window.
    law = stats.poisson(900).pmf(np.arange(1300))
    law[0] = 1e-12
    total = exact_total([Component(Empirical((law / law.sum()).tolist()), *TIERS)])
    assert total.points[0] == 0
    assert total.pmf(0) == pytest.approx(1e-12, rel=1e-2)
    assert max(total.checks.values()) < 1e-9


@pytest.mark.slow
def test_many_possible_counts_are_computed_with_a_stated_error_or_refused() -> None:
    mean, last = 100_000, 103_000
    probabilities = stats.poisson(mean).pmf(np.arange(last + 1))
    found = exact_total([Component(Empirical((probabilities / probabilities.sum()).tolist()), *TIERS)])
    assert apart(found, exact_total([Component(Poisson(mean), *TIERS)])) <= found.error + 1e-10
    assert found.error < 1e-8
    with pytest.raises(ModelRefused, match=r"200,001 probabilities of counts .* take too long.*coarser unit"):
        exact_total([Component(Empirical([1 / 200_001] * 200_001), [1, 2], [0.5, 0.5])])


@settings(max_examples=20)
@given(fractions_of_one(5), st.integers(2, 4))
def test_independent_groups_with_the_same_counts_are_pooled(counts: list[Fraction], groups: int) -> None:
    one = Component(Empirical(in_floats(counts)), [2, 3], [0.5, 0.5])
    pooled = exact_total([one] * groups)
    single = {x: float(p) for x, p in convolved(counts, [2, 3], [Fraction(1, 2)] * 2).items()}
    dense = np.array([single.get(x, 0.0) for x in range(max(single) + 1)])
    truth = np.ones(1)
    for _ in range(groups):
        truth = np.convolve(truth, dense)
    assert [pooled.pmf(x) for x in range(len(truth))] == pytest.approx(truth, abs=1e-13)


@pytest.mark.parametrize(
    ("probabilities", "said"),
    [
        ([], "do not add up to 1"),
        ([0.5, 0.4], r"do not add up to 1 .found '0.9'.*each count from 0 on"),
        ([Fraction(1, 2), Fraction(1, 3)], "do not add up to 1"),
        ([1.5, -0.5], "a probability is not a number from 0"),
        ([math.nan, 1], "a probability is not a number from 0"),
        ([True], "a probability is not a number"),
        (0.5, "probabilities are not a list"),
        ("1", "probabilities are not a list"),
    ],
)
def test_probabilities_of_counts_that_are_none(probabilities: Any, said: str) -> None:  # noqa: ANN401
    with pytest.raises(UsageError, match=said):
        Empirical(probabilities)


def test_float_probabilities_that_miss_1_by_rounding_are_divided_by_their_sum() -> None:
    assert math.fsum(Empirical([0.1] * 10).probabilities) == 1
    assert Empirical([0.5, 0.5 + 5e-10, 0.0]).mean == pytest.approx(0.5 + 2.5e-10, abs=1e-15)
    assert Empirical([0, 1, 0, 0]).probabilities == (0, 1)
