"""Counts with an uncertain rate against closed forms, sums and integrals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, special, stats

from outage_analysis.costs.backtesting.mixed_binomial import MixedBinomial
from outage_analysis.errors import ModelRefused, UsageError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Of:
    """A rate known by its quantiles alone."""

    quantile: Callable[[Array], Array]


def beta(a: float, b: float) -> Of:
    return Of(lambda u: np.asarray(special.betaincinv(a, b, u)))


UNIFORM = Of(lambda u: u)
USERS = 48_000_000


def test_valid_claims_when_the_valid_rate_is_uncertain() -> None:
    # 8,461 claims and a rate of Beta(80, 20): scipy.stats.betabinom and its closed moments.
    count = MixedBinomial(8461, beta(80, 20))
    assert count.mean == pytest.approx(6768.8, rel=1e-12)
    assert count.quantile([0.5, 0.9, 0.99, 0.999]).tolist() == [6786, 7192, 7477, 7658]


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 20, 451, 8461])
@pytest.mark.parametrize(("a", "b"), [(80, 20), (0.5, 0.5), (0.2, 3), (2, 2000), (8000, 2000)])
def test_a_beta_rate_gives_the_beta_binomial_distribution(n: int, a: float, b: float) -> None:
    count, distribution = MixedBinomial(n, beta(a, b)), stats.betabinom(n, a, b)
    likely = np.unique([0, n, *distribution.ppf([0.001, 0.1, 0.5, 0.9, 0.999])])
    exact = distribution.pmf(np.arange(n + 1))
    assert count.cdf(likely) == pytest.approx(np.cumsum(exact)[likely.astype(int)], abs=1e-9)
    assert count.mean == pytest.approx(distribution.mean(), rel=1e-9)


def test_a_known_rate_gives_the_binomial_distribution() -> None:
    distribution, k = stats.binom(1000, 0.3), np.arange(1001)
    for rate in (0.3, Of(lambda u: np.full_like(u, 0.3))):
        count = MixedBinomial(1000, rate)
        assert count.cdf(k) == pytest.approx(distribution.cdf(k), abs=1e-14)
        assert count.quantile([0.05, 0.95]).tolist() == distribution.ppf([0.05, 0.95]).tolist()
        assert count.mean == pytest.approx(300)


@pytest.mark.parametrize("n", [7, 400, 100_000])
def test_a_rate_that_jumps_is_a_mixture_of_known_rates(n: int) -> None:
    count = MixedBinomial(n, Of(lambda u: np.where(u < 0.3, 0.45, np.where(u < 0.99, 0.46, 0.8))))
    k = np.floor(n * np.array([0, 0.3, 0.45, 0.455, 0.46, 0.79, 0.8]))
    shares = zip((0.3, 0.69, 0.01), (0.45, 0.46, 0.8), strict=True)
    mixed = sum(share * stats.binom(n, rate).cdf(k) for share, rate in shares)
    assert count.cdf(k) == pytest.approx(mixed, abs=1e-8)


@pytest.mark.parametrize(("n", "location", "scale"), [(30, -3.0, 1.2), (5000, 1.0, 0.05), (5000, -6.0, 2.0)])
def test_a_logit_normal_rate_gives_what_an_integral_gives(n: int, location: float, scale: float) -> None:
    count = MixedBinomial(n, Of(lambda u: special.expit(location + scale * special.ndtri(u))))
    for k in count.quantile([0.01, 0.5, 0.99]):

        def density(z: float, k: float = k) -> float:
            at_most = stats.binom.cdf(k, n, special.expit(location + scale * z))
            return float(at_most * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))

        total, _ = integrate.quad(density, -9, 9, epsabs=1e-10, limit=400)
        assert count.cdf(k) == pytest.approx(total, abs=1e-8)


def test_forty_eight_million_with_any_rate_alike() -> None:
    # A rate of which nothing is known: every count is as likely as any other.
    count, k = MixedBinomial(USERS, UNIFORM), np.array([0, 5, 1e6, 3e7, USERS - 1])
    assert count.cdf(k) == pytest.approx((k + 1) / (USERS + 1), rel=1e-9)
    assert count.quantile(0.25) == np.ceil(0.25 * (USERS + 1)) - 1
    # A take-up around a third: the binomial law adds next to nothing to what is uncertain about the rate.
    taken = MixedBinomial(USERS, beta(36, 64))
    expected = USERS * special.betaincinv(36, 64, [0.05, 0.5, 0.95])
    assert taken.quantile([0.05, 0.5, 0.95]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
@given(st.integers(0, 40), st.floats(0.05, 50), st.floats(0.05, 50), st.floats(0.001, 0.999))
def test_probabilities_add_up_and_quantiles_are_the_least_that_do(
    n: int, a: float, b: float, p: float
) -> None:
    count, k = MixedBinomial(n, beta(a, b)), np.arange(n + 1)
    each = np.diff(count.cdf(k), prepend=0.0)
    assert (each >= -1e-15).all()
    assert each.sum() == pytest.approx(1)
    assert each @ k == pytest.approx(count.mean, abs=1e-7)
    least = count.quantile(p)
    assert count.cdf(least) >= p - 1e-11
    assert count.cdf(least - 1) < p


@pytest.mark.parametrize("n", [1, 3, 451, 8461])
def test_a_median_between_two_counts_is_the_lower(n: int) -> None:
    assert MixedBinomial(n, UNIFORM).quantile(0.5) == (n - 1) / 2


def test_counts_that_cannot_be() -> None:
    count = MixedBinomial(3, UNIFORM)
    assert count.cdf([-1, -0.5, 0.5, 2.999, 3, 99]) == pytest.approx([0, 0, 0.25, 0.75, 1, 1])
    assert count.cdf(np.array([[-1, 0.5], [1, 4]])) == pytest.approx(np.array([[0, 0.25], [0.5, 1]]))
    for n, rate, certain in ((0, UNIFORM, 0), (3, 0, 0), (3, 1, 3)):
        sure = MixedBinomial(n, rate)
        assert [sure.mean, *sure.cdf([certain - 1, certain])] == pytest.approx([certain, 0, 1])
        assert sure.quantile([0.05, 0.95]).tolist() == [certain, certain]


@pytest.mark.parametrize(
    "rate", [1.5, -0.1, np.nan, Of(lambda u: 3 * u), Of(lambda u: np.where(u > 0.5, np.nan, u))]
)
def test_what_is_no_rate_is_refused(rate: Of | float) -> None:
    with pytest.raises(ModelRefused, match="outside 0 to 1"):
        MixedBinomial(10, rate)


def test_wrong_arguments_are_refused() -> None:
    for n in (-1, 2.5, np.nan, np.inf):
        with pytest.raises(UsageError, match="whole number"):
            MixedBinomial(n, 0.5)  # type: ignore[arg-type]
    for p in (0.0, 1.0, np.nan):
        with pytest.raises(UsageError, match="between 0 and 1"):
            MixedBinomial(5, 0.5).quantile(p)
