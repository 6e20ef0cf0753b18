"""Scores of a forecast against what happened: percentile, CRPS, sharpness.

The continuous ranked probability score (CRPS) is the area between the forecast's cumulative law and the
step at the outcome, squared: in the unit of the outcome, 0 for a perfect forecast, the absolute error for
a single number (Gneiting and Raftery 2007). On log10 it is in decades: 1 is a factor of ten.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outage_analysis.errors import ModelRefused, UsageError

Array = NDArray[np.float64]


class Predictive(Protocol):
    """A law of one number."""

    def cdf(self, x: Array, /) -> Array:
        """The probability of at most x."""

    def quantile(self, u: Array, /) -> Array:
        """The number that is not exceeded with probability u."""


def percentile(forecast: Predictive | ArrayLike, observed: float, weights: ArrayLike | None = None) -> float:
    """Where the outcome stands in the forecast, 0 to 1: what lies below it, and half of what is equal to it.

    Args:
        forecast: a law, or draws (n,).
        observed: the outcome.
        weights: of draws, (n,); equal ones if left out.

    Raises:
        ModelRefused: draws or an outcome that are no numbers.
        UsageError: weights that do not fit.
    """
    if hasattr(forecast, "cdf"):
        near = _finite([np.nextafter(observed, -np.inf), observed])
        return float(np.mean(forecast.cdf(near)))
    x, w = _checked_draws(forecast, weights)
    y = _finite([observed])
    return float((w * ((x < y) + 0.5 * (x == y))).sum() / w.sum())


def crps(draws: ArrayLike, observed: float, weights: ArrayLike | None = None) -> float:
    """The CRPS of a law that has these values only: exact, and without cancellation.

    Args:
        draws: (n,).
        observed: the outcome.
        weights: (n,); equal ones if left out.

    Raises:
        ModelRefused: draws or an outcome that are no numbers.
        UsageError: weights that do not fit.
    """
    x, w = _checked_draws(draws, weights)
    ends = np.append(x, _finite([observed]))
    order = np.argsort(ends, kind="stable")
    ends, below = ends[order], np.cumsum(np.append(w, 0.0)[order]) / w.sum()
    return float((np.diff(ends) * (below - (ends >= observed))[:-1] ** 2).sum())


def crps_uniform(low: float, high: float, observed: float) -> float:
    """The CRPS of a uniform law between two ends, in closed form; equal ends are a single number.

    For a range printed in the press take the ends and the outcome in `decades`: uniform on the logarithm.

    Raises:
        ModelRefused: no numbers.
        UsageError: ends in the wrong order.
    """
    a, b, y = _finite([low, high, observed])
    if a > b:
        raise UsageError("the low end is above the high end", value=(low, high))
    inside = np.clip(y, a, b)
    z = (inside - a) / (b - a) if b > a else 0.0
    return float(abs(y - inside) + (b - a) * (z**3 + (1 - z) ** 3) / 3)


def crps_log10(draws: ArrayLike, observed: float, weights: ArrayLike | None = None) -> float:
    """The CRPS in `decades`.

    Raises:
        ModelRefused: as `decades`.
        UsageError: weights that do not fit.
    """
    return crps(decades(draws), float(decades(observed)), weights)


def decades(amounts: ArrayLike) -> Array:
    """The logarithms to base 10; amounts from 0 to 1 count as 1.

    Nobody and one person, nothing and one won, are the same miss: without a floor one draw of zero would
    make the score infinite.

    Raises:
        ModelRefused: negative amounts, or no numbers.
    """
    x = _finite(amounts)
    if (x < 0).any():
        raise ModelRefused(
            "a negative amount has no logarithm", value=x.min(), remedy="Score it in its own unit, by crps."
        )
    return np.asarray(np.log10(np.maximum(x, 1.0)))


def sharpness(draws: ArrayLike, weights: ArrayLike | None = None) -> float:
    """How wide a forecast is: P90 over P10, amounts below 1 counting as 1. 1 is a single number.

    Raises:
        ModelRefused: as `decades`.
        UsageError: weights that do not fit.
    """
    x, w = _checked_draws(decades(draws), weights)
    low, high = np.quantile(x, [0.1, 0.9], weights=w, method="inverted_cdf")
    return float(10 ** (high - low))


def _checked_draws(draws: ArrayLike, weights: ArrayLike | None) -> tuple[Array, Array]:
    """Draws and their weights, in whatever unit."""
    x = _finite(draws).ravel()
    w = np.ones(len(x)) if weights is None else np.asarray(weights, float).ravel()
    if not len(x):
        raise UsageError("no draws")
    if w.shape != x.shape or not np.isfinite(w).all() or w.min() < 0 or w.sum() == 0:
        raise UsageError("weights are one a draw, none negative, some positive")
    return x, w


def _finite(values: ArrayLike) -> Array:
    x = np.asarray(values, float)
    if not np.isfinite(x).all():
        raise ModelRefused("a score needs finite numbers", remedy="Look for what made the forecast infinite.")
    return x
