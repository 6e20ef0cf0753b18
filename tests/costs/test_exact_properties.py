"""Exact totals on generated portfolios: enumeration, simulation, and what must change nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.costs import Binomial, Component, Empirical, Fixed, exact_total
from outage_analysis.costs.exact.components import Count, NegativeBinomial, Number, Poisson
from outage_analysis.costs.exact.total_distribution import TotalDistribution

ROUNDING = 1e-13


@st.composite
def fractions_of_one(draw: st.DrawFn, parts: int) -> list[Fraction]:
    """Probabilities that add up to 1; some may be 0."""
    weights = draw(st.lists(st.integers(0, 6), min_size=parts, max_size=parts).filter(any))
    return [Fraction(w, sum(weights)) for w in weights]


@st.composite
def components(draw: st.DrawFn, counts: st.SearchStrategy[Count]) -> Component:
    payments = draw(st.lists(st.integers(0, 12), min_size=1, max_size=3))
    return Component(draw(counts), payments, draw(fractions_of_one(len(payments))))


def portfolios(counts: st.SearchStrategy[Count], most: int = 3) -> st.SearchStrategy[list[Component]]:
    return st.lists(components(counts), min_size=1, max_size=most)


SHARES = st.integers(0, 8).map(lambda k: Fraction(k, 8))
FEW: st.SearchStrategy[Count] = st.builds(Fixed, st.integers(0, 2)) | st.builds(
    Binomial, st.integers(0, 2), SHARES
)
MEANS = st.floats(0, 300)
ANY: st.SearchStrategy[Count] = (
    st.builds(Fixed, st.integers(0, 400))
    | st.builds(Binomial, st.integers(0, 400), st.floats(0, 1))
    | st.builds(Poisson, MEANS)
    | st.builds(NegativeBinomial, MEANS, st.floats(1, 8))
)

TABULATED: st.SearchStrategy[Count] = st.builds(Empirical, st.integers(1, 30).flatmap(fractions_of_one))


def enumerated(portfolio: Iterable[Component]) -> dict[int, Fraction]:
    """The law from every outcome of every claim."""
    claims: list[list[tuple[int, Fraction]]] = []
    for c in portfolio:
        paid = [(x, Fraction(q)) for x, q in zip(c.payments, c.probabilities, strict=True)]
        if isinstance(c.count, Binomial):
            p = Fraction(c.count.p)
            paid = [(0, 1 - p), *((x, p * q) for x, q in paid)]
        assert isinstance(c.count, Fixed | Binomial)
        claims += [[(x, q) for x, q in paid if q]] * c.count.n
    distribution: dict[int, Fraction] = {}
    for outcome in product(*claims):
        total, probability = sum(x for x, _ in outcome), Fraction(1)
        for _, q in outcome:
            probability *= q
        distribution[total] = distribution.get(total, Fraction(0)) + probability
    return distribution


def in_floats(portfolio: Iterable[Component]) -> list[Component]:
    return [Component(c.count, c.payments, [float(p) for p in c.probabilities]) for c in portfolio]


def apart(first: TotalDistribution, second: TotalDistribution) -> float:
    """The greatest difference of the probabilities of at most x."""
    points = sorted({*first.points, *second.points})
    step = max(len(points) // 300, 1)
    return max(abs(float(first.cdf(x)) - float(second.cdf(x))) for x in points[::step])


# --- enumeration --------------------------------------------------------------------------------------


@given(portfolios(FEW))
def test_a_small_total_is_that_of_enumeration(portfolio: list[Component]) -> None:
    truth = enumerated(portfolio)
    distribution = exact_total(portfolio)
    assert distribution.exact
    assert dict(zip(distribution.points, distribution.weights, strict=True)) == truth
    assert distribution.mean == sum(x * p for x, p in truth.items())
    assert distribution.variance == sum((x - distribution.mean) ** 2 * p for x, p in truth.items())


@pytest.mark.slow
@given(portfolios(FEW))
def test_floats_come_to_the_same_as_enumeration(portfolio: list[Component]) -> None:
    truth = enumerated(portfolio)
    distribution = exact_total(in_floats(portfolio))
    assert not distribution.exact
    for x in range(max(truth) + 2):
        assert distribution.pmf(x) == pytest.approx(float(truth.get(x, 0)), abs=ROUNDING)
        below = float(sum(p for y, p in truth.items() if y <= x))
        assert distribution.cdf(x) == pytest.approx(below, abs=distribution.error)


@given(portfolios(FEW), st.integers(1, 99).map(lambda k: Fraction(k, 100)))
def test_quantile_and_tail_value_at_risk_are_what_they_are_stated_to_be(
    portfolio: list[Component], p: Fraction
) -> None:
    distribution = exact_total(portfolio)
    quantile = distribution.quantile(p)
    assert distribution.cdf(quantile - 1) < p <= distribution.cdf(quantile)
    # The average of the quantile function from p to 1, jump by jump.
    levels = [p, *(u for u in map(distribution.cdf, distribution.points) if u > p)]
    area = sum((b - a) * distribution.quantile((a + b) / 2) for a, b in pairwise(levels))
    assert distribution.tvar(p) == area / (1 - p)
    floats = exact_total(in_floats(portfolio))
    assert floats.tvar(float(p)) == pytest.approx(float(distribution.tvar(p)), abs=1e-10)


# --- what changes nothing -----------------------------------------------------------------------------


@pytest.mark.slow
@given(portfolios(ANY | TABULATED), st.randoms(use_true_random=False))
def test_the_order_of_components_changes_no_bit(portfolio: list[Component], random: Any) -> None:  # noqa: ANN401
    shuffled = list(portfolio)
    random.shuffle(shuffled)
    first, second = exact_total(portfolio), exact_total(shuffled)
    assert (first.mean, first.variance, first.points) == (second.mean, second.variance, second.points)
    assert list(first.weights) == list(second.weights)


def halves(count: Count) -> list[Count]:
    """Two counts that add up to one: a binomial or fixed one by claims, the others by their mean."""
    match count:
        case Fixed():
            return [Fixed(count.n // 3), Fixed(count.n - count.n // 3)]
        case Binomial():
            return [Binomial(count.n // 3, count.p), Binomial(count.n - count.n // 3, count.p)]
        case Poisson():
            return [Poisson(0.3 * float(count.mean)), Poisson(0.7 * float(count.mean))]
        case NegativeBinomial():
            parts = [0.3 * float(count.mean), 0.7 * float(count.mean)]
            return [NegativeBinomial(mean, count.dispersion) for mean in parts]
        case Empirical():
            raise AssertionError("a tabulated count has no halves")


@given(portfolios(ANY, most=2))
def test_splitting_a_component_in_two_changes_nothing(portfolio: list[Component]) -> None:
    whole = exact_total(portfolio)
    split = exact_total(
        Component(count, c.payments, c.probabilities) for c in portfolio for count in halves(c.count)
    )
    assert float(split.mean) == pytest.approx(float(whole.mean))
    assert float(split.variance) == pytest.approx(float(whole.variance))
    assert apart(whole, split) < whole.error + split.error + ROUNDING


@given(portfolios(ANY | TABULATED, most=2))
def test_a_payment_listed_twice_is_one_payment(portfolio: list[Component]) -> None:
    def doubled(values: Sequence[Number]) -> list[Number]:
        return [v / 2 for v in values for _ in range(2)]

    twice = [
        Component(c.count, [x for x in c.payments for _ in range(2)], doubled(c.probabilities))
        for c in portfolio
    ]
    first, second = exact_total(portfolio), exact_total(twice)
    assert apart(first, second) < first.error + second.error + ROUNDING


@given(portfolios(ANY | TABULATED, most=2), st.integers(2, 10_000))
def test_the_unit_of_the_payments_is_only_a_scale(portfolio: list[Component], unit: int) -> None:
    scaled = [Component(c.count, [unit * x for x in c.payments], c.probabilities) for c in portfolio]
    first, second = exact_total(portfolio), exact_total(scaled)
    assert [unit * x for x in first.points[:50]] == list(second.points[:50])
    assert float(second.mean) == pytest.approx(unit * float(first.mean))
    assert [float(w) for w in second.weights] == pytest.approx(
        [float(w) for w in first.weights], abs=ROUNDING
    )


# --- simulation ---------------------------------------------------------------------------------------

DRAWS = 20_000


def sampled_payments(rng: np.random.Generator, component: Component) -> Any:  # noqa: ANN401 - numpy's integers
    """What the claims of a component are paid, one claim at a time, (DRAWS,)."""
    match component.count:
        case Fixed(n=n):
            claims = np.full(DRAWS, n)
        case Binomial(n=n, p=p):
            claims = rng.binomial(n, float(p), DRAWS)
        case Poisson(mean=mean):
            claims = rng.poisson(float(mean), DRAWS)
        case NegativeBinomial(mean=mean, dispersion=dispersion):
            shape = float(mean) / (float(dispersion) - 1)
            claims = rng.poisson(rng.gamma(shape, float(dispersion) - 1, DRAWS))
        case Empirical(probabilities=probabilities):
            claims = rng.choice(len(probabilities), DRAWS, p=[float(p) for p in probabilities])
    shares = np.array([float(p) for p in component.probabilities])
    return rng.multinomial(claims, shares / shares.sum()) @ np.array(component.payments)


SPREAD = st.builds(NegativeBinomial, st.floats(0.5, 300), st.floats(1.5, 8))


@settings(max_examples=15)
@given(
    portfolios(ANY.filter(lambda c: not isinstance(c, NegativeBinomial)) | SPREAD | TABULATED),
    st.integers(0, 2**32),
)
def test_a_simulation_agrees_within_its_error(portfolio: list[Component], seed: int) -> None:
    rng = np.random.default_rng(seed)
    totals = np.sort(sum(sampled_payments(rng, c) for c in portfolio))
    distribution = exact_total(portfolio)
    error = np.sqrt(float(distribution.variance) / DRAWS)
    assert abs(totals.mean() - float(distribution.mean)) <= 4.5 * error
    seen = np.unique(totals)[:: max(len(np.unique(totals)) // 200, 1)]
    below = np.searchsorted(totals, seen, side="right") / DRAWS
    # Kolmogorov's distance exceeds 2.3 / sqrt(n) once in 20,000 times.
    assert (
        max(abs(float(distribution.cdf(int(x))) - b) for x, b in zip(seen, below, strict=True))
        <= 2.3 / DRAWS**0.5
    )
