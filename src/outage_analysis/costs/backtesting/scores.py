"""Scores that compare a forecast with its outcome (percentile and CRPS), and the benchmark forecasts.

The continuous ranked probability score (CRPS) is the integral of the squared difference between the
cumulative distribution of the forecast and a step at the outcome (Gneiting and Raftery 2007). It has the
unit of the outcome, is 0 for a perfect forecast, and equals the absolute error if the forecast is a
single number. On log10 it is in decades: 1 is a factor of ten. The benchmarks are: everybody files, all
rates are equally likely, and the figures of the press.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outage_analysis.costs.compile_schedules import payment_in_band
from outage_analysis.costs.funnel import Funnel
from outage_analysis.costs.uncertainty.sobol import sobol_points
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Fact
from outage_analysis.policies import Schedule

Array = NDArray[np.float64]


class Predictive(Protocol):
    """The interface of a forecast distribution: its cdf and its quantile function."""

    def cdf(self, x: Array, /) -> Array:
        """Return the probability of a value of at most x."""

    def quantile(self, u: Array, /) -> Array:
        """Return the quantiles at the probabilities u."""


def percentile(forecast: Predictive, observed: float) -> float:
    """Return the mid-rank percentile of the outcome: P(forecast < outcome) + P(forecast = outcome) / 2.

    Raises:
        ModelRefused: the outcome is not finite.
    """
    near = _finite([np.nextafter(observed, -np.inf), observed])
    return float(np.mean(forecast.cdf(near)))


def crps(draws: ArrayLike, observed: float, weights: ArrayLike | None = None) -> float:
    """Return the exact CRPS of a forecast that is given by weighted draws.

    Args:
        draws: the drawn values of the forecast, (n,).
        observed: the outcome.
        weights: the weights of the draws, (n,); by default equal.

    Raises:
        ModelRefused: the draws or the outcome are not finite.
        UsageError: there are no draws, or the weights are invalid: not one per draw, negative or all 0.
    """
    x, w = _checked_draws(draws, weights)
    ends = np.append(x, _finite([observed]))
    order = np.argsort(ends, kind="stable")
    ends, below = ends[order], np.cumsum(np.append(w, 0.0)[order]) / w.sum()
    return float((np.diff(ends) * (below - (ends >= observed))[:-1] ** 2).sum())


def crps_uniform(low: float, high: float, observed: float) -> float:
    """Return the CRPS of a uniform forecast, in closed form; two equal ends forecast a single number.

    For a log-uniform forecast, pass the base-10 logarithms of the ends and of the outcome (see `decades`).

    Raises:
        ModelRefused: an argument is not finite.
        UsageError: the low end is above the high end.
    """
    a, b, y = _finite([low, high, observed])
    if a > b:
        raise UsageError("the low end is above the high end", value=(low, high))
    inside = np.clip(y, a, b)
    z = (inside - a) / (b - a) if b > a else 0.0
    return float(abs(y - inside) + (b - a) * (z**3 + (1 - z) ** 3) / 3)


def crps_log10(draws: ArrayLike, observed: float, weights: ArrayLike | None = None) -> float:
    """Return the CRPS of the base-10 logarithms of amounts, in decades: 1 is a factor of ten.

    Raises:
        ModelRefused: an amount is negative or not finite.
        UsageError: there are no draws, or the weights are invalid: not one per draw, negative or all 0.
    """
    return crps(decades(draws), float(decades(observed)), weights)


def decades(amounts: ArrayLike) -> Array:
    """Return the base-10 logarithms of amounts; amounts below 1 are treated as 1.

    Without the minimum of 1, a single draw of zero would make a score infinite.

    Raises:
        ModelRefused: an amount is negative or not finite.
    """
    x = _finite(amounts)
    if (x < 0).any():
        raise ModelRefused(
            "a negative amount has no logarithm", value=x.min(), remedy="Score it in its own unit, by crps."
        )
    return np.asarray(np.log10(np.maximum(x, 1.0)))


def _checked_draws(draws: ArrayLike, weights: ArrayLike | None) -> tuple[Array, Array]:
    x = _finite(draws).ravel()
    w = np.ones(len(x)) if weights is None else np.asarray(weights, float).ravel()
    if not len(x):
        raise UsageError("no draws")
    if w.shape != x.shape or not np.isfinite(w).all() or w.min() < 0 or w.sum() == 0:
        raise UsageError("weights must be one per draw, none negative, some positive")
    return x, w


def _finite(values: ArrayLike) -> Array:
    x = np.asarray(values, float)
    if not np.isfinite(x).all():
        raise ModelRefused("a score needs finite numbers", remedy="Look for what made the forecast infinite.")
    return x


FLAGGED_BEYOND = 2.0
"""A benchmark is flagged if the outcome lies outside its range by more than this factor. A forecast by hand
may be wrong by a factor of two; the value was fixed before the first run of the back-test."""

Ends = tuple[float, float]


@dataclass(frozen=True)
class Benchmark:
    """The range and the score of a simple forecast with which the model is compared."""

    id: str
    low: float | None
    """The low end of the range; None if the forecast states only an upper bound."""
    high: float
    """The high end of the range."""
    crps: float | None
    """The CRPS in decades; None if the forecast is only an upper bound."""

    def factor(self, observed: float) -> float:
        """Return the factor by which the outcome lies outside the range; 1 if it lies inside.

        The outcome and the ends of the range count as at least 1, so that the factor is finite.
        """
        y = max(observed, 1.0)
        under = 1.0 if self.low is None else max(self.low, 1.0) / y
        return max(under, y / max(self.high, 1.0), 1.0)


def naive_benchmark(count: float, each: Ends, observed: float) -> Benchmark:
    """Return the naive benchmark: everybody is paid; the mean payment is log-uniform within `each`."""
    return _range_benchmark("naive", count * each[0], count * each[1], observed)


def flat_benchmark(
    count: float, rates: int, each: Ends, observed: float, *, draws: int, seed: int
) -> Benchmark:
    """Return the flat benchmark: each rate is uniform on 0 to 1, the mean payment log-uniform.

    Args:
        count: the number of people or claims at the start.
        rates: the number of rates, such as filing and acceptance, by which the count is multiplied.
        each: the smallest and the largest mean payment per claim; (1, 1) if the outcome is a count.
        observed: the outcome.
        draws: the number of simulated draws, a power of two.
        seed: the seed of the simulation.
    """
    low, high = each
    if not rates:
        return _range_benchmark("flat", count * low, count * high, observed)
    u = sobol_points(rates + 1, draws, seed=seed).reshape(-1, rates + 1)
    # With one rate, rounding down makes all counts from 0 to `count` equally likely.
    people = np.floor((count + 1) * u[:, :rates].prod(axis=1))
    amounts = people * low * (high / low) ** u[:, rates]
    return Benchmark("flat", 0.0, count * high, crps_log10(amounts, observed))


def press_benchmark(fact: Fact, low: float | None, high: float, observed: float) -> Benchmark:
    """Return an estimate by the press as a benchmark: a single figure, or a log-uniform range.

    Args:
        fact: the published fact that states the estimate.
        low: the low end of the estimate; None if the press states only an upper bound, which gets no score.
        high: the high end of the estimate.
        observed: the outcome.
    """
    if low is None:
        return Benchmark(fact.id, None, high, None)
    return _range_benchmark(fact.id, low, high, observed)


def _range_benchmark(id_: str, low: float, high: float, observed: float) -> Benchmark:
    ends, came = decades([low, high]), float(decades(observed))
    return Benchmark(id_, low, high, crps_uniform(float(ends[0]), float(ends[1]), came))


def tier_payments(line: Schedule) -> Ends | None:
    """Return the smallest and the largest payment per claim in the loss bands that pay without a review.

    The result is None if there is no such band or if a payment has no upper limit.
    """
    paying = [band for band, rule in line.positive_bands if rule.pays and not rule.review]
    return _outer_ends([line.tariff.payment_range(band) for band in paying])


def mean_payment_ends(line: Schedule, funnel: Funnel) -> Ends | None:
    """Return the smallest and the largest mean payment per accepted claim that the ledger allows.

    The result is None if no band pays, if the smallest payment is 0, or if a payment has no upper limit.
    """
    inputs = [
        payment_in_band(line, funnel, band, rule)
        for band, rule in line.positive_bands
        if rule.pays or rule.review
    ]
    ends = _outer_ends([(x.low, x.high) for x in inputs])
    return ends if ends and ends[0] > 0 else None


def _outer_ends(ranges: Sequence[tuple[float | Fraction, float | Fraction | None]]) -> Ends | None:
    highs = [float(high) for _, high in ranges if high is not None]
    return (
        (float(min(low for low, _ in ranges)), max(highs)) if ranges and len(highs) == len(ranges) else None
    )
