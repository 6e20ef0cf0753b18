"""Scores against closed forms and against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from outage_analysis.costs.backtesting.mixed_binomial import MixedBinomial
from outage_analysis.costs.backtesting.scores import crps, crps_log10, crps_uniform, decades, percentile
from outage_analysis.errors import ModelRefused, UsageError

Array = NDArray[np.float64]
AMOUNT = st.floats(-1e6, 1e6)


class Normal:
    """A normal law, whose CRPS is known."""

    def cdf(self, x: Array) -> Array:
        return np.asarray(special.ndtr(x))

    def quantile(self, u: Array) -> Array:
        return np.asarray(special.ndtri(u))

    def crps(self, y: float) -> float:
        """Gneiting and Raftery (2007), equation 21."""
        density = math.exp(-(y**2) / 2) / math.sqrt(2 * math.pi)
        return float(y * (2 * special.ndtr(y) - 1) + 2 * density - 1 / math.sqrt(math.pi))


def test_a_percentile_counts_half_of_what_is_equal() -> None:
    assert percentile(Normal(), 1.0) == pytest.approx(special.ndtr(1.0))
    count = MixedBinomial(2, 0.5)  # 1/4, 1/2, 1/4
    assert [percentile(count, k) for k in (-1, 0, 1, 2, 3)] == pytest.approx([0, 1 / 8, 1 / 2, 7 / 8, 1])


@given(st.lists(AMOUNT, min_size=1, max_size=20), AMOUNT)
def test_the_crps_is_the_mean_distance_less_half_the_mean_distance_within(
    draws: list[float], observed: float
) -> None:
    x = np.array(draws)
    defined = np.abs(x - observed).mean() - np.abs(x[:, None] - x).mean() / 2
    assert crps(draws, observed) == pytest.approx(defined, rel=1e-9, abs=1e-8)
    assert crps(draws, observed) >= 0


@given(st.lists(st.tuples(AMOUNT, st.integers(0, 4)), min_size=1, max_size=8), AMOUNT)
def test_a_weight_is_a_number_of_equal_draws(pairs: list[tuple[float, int]], observed: float) -> None:
    draws, weights = zip(*pairs, (5.0, 1), strict=True)
    repeated = np.repeat(draws, weights)
    assert crps(draws, observed, weights) == pytest.approx(crps(repeated, observed), abs=1e-8)


@pytest.mark.parametrize(("observed", "near"), [(-6, 1e-3), (-2, 3e-5), (0, 2e-5), (0.3, 2e-5), (4, 1e-3)])
def test_the_crps_of_a_normal_distribution_is_the_closed_form(observed: float, near: float) -> None:
    draws = Normal().quantile((np.arange(4096) + 0.5) / 4096)
    assert crps(draws, observed) == pytest.approx(Normal().crps(observed), abs=near)


@pytest.mark.parametrize("observed", [-1.0, 2.0, 3.1, 4.0, 7.0])
def test_the_crps_of_a_uniform_distribution_is_that_of_even_points(observed: float) -> None:
    points = 2 + 2 * (np.arange(10_000) + 0.5) / 10_000
    assert crps_uniform(2, 4, observed) == pytest.approx(crps(points, observed), abs=1e-8)


def test_a_single_number_scores_how_far_off_it_is() -> None:
    assert crps([7], 4) == crps_uniform(7, 7, 4) == crps([7, 7, 7], 4) == 3
    assert crps([4], 4) == crps_uniform(4, 4, 4) == 0


def test_the_published_range_scores_in_decades_by_hand() -> None:
    # 253.83 to 423.05 million foretold, about 50 million paid: below the range, so the distance to its
    # low end and a third of its width.
    low, high, paid = decades([253_830_000, 423_050_000, 50_000_000])
    expected = math.log10(253.83 / 50) + math.log10(423.05 / 253.83) / 3
    assert crps_uniform(low, high, paid) == pytest.approx(expected)


def test_amounts_below_one_count_as_one() -> None:
    assert decades([0, 0.3, 1, 1000]).tolist() == [0, 0, 0, 3]
    assert crps_log10([0, 1], 0) == 0
    assert crps_log10([10, 1000], 100) == pytest.approx(crps([1, 3], 2))
    with pytest.raises(ModelRefused, match="negative"):
        crps_log10([-1, 5], 3)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_no_number_is_refused(bad: float) -> None:
    for score in (crps, crps_log10):
        for draws, observed in (([1.0, bad], 1.0), ([1.0], bad)):
            with pytest.raises(ModelRefused, match="finite"):
                score(draws, observed)
    with pytest.raises(ModelRefused, match="finite"):
        crps_uniform(0, bad, 1)
    with pytest.raises(ModelRefused, match="finite"):
        percentile(Normal(), bad)


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [1, math.nan], [1, 1, 1]])
def test_weights_that_do_not_fit_are_refused(weights: list[float]) -> None:
    with pytest.raises(UsageError, match="weights"):
        crps([1.0, 2.0], 1.5, weights)


def test_nothing_to_score_is_refused() -> None:
    with pytest.raises(UsageError, match="no draws"):
        crps([], 1.0)
    with pytest.raises(UsageError, match="above the high"):
        crps_uniform(4, 2, 3)
