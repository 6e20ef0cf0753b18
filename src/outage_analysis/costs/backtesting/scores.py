"""Scores that compare a forecast with its outcome: percentile and CRPS.

The continuous ranked probability score (CRPS) is the integral of the squared difference between the
cumulative distribution of the forecast and a step function at the outcome (Gneiting and Raftery 2007). It has
the unit of the outcome, is 0 for a perfect forecast, and equals the absolute error if the forecast is a
single number. The CRPS of base-10 logarithms is in decades: a CRPS of 1 is an error by a factor of ten.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outage_analysis.errors import ModelRefused, UsageError

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
    """Check the draws and their weights, and return both as flat arrays."""
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
