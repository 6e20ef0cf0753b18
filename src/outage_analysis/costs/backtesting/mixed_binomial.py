"""The distribution of the number of successes among n trials that share one uncertain rate.

Given the rate, the count is binomial. An average over the rate is an integral over u from 0 to 1, in which
the rate is its u-quantile. Lobatto's rule computes the integral on intervals of u (panels), which become
narrower towards 0 and 1. A panel is halved if its mean rate has not converged, or if the rate changes across
the panel by more than a few binomial standard deviations. So the distribution of the rate may be wide or
narrow and may have jumps.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from outage_analysis.errors import ModelRefused, UsageError

Array = NDArray[np.float64]

POINTS = np.array([-1.0, -np.sqrt(3 / 7), 0.0, np.sqrt(3 / 7), 1.0]) / 2 + 0.5
WEIGHTS = np.array([9.0, 49.0, 64.0, 49.0, 9.0]) / 180
"""The Lobatto rule on 0 to 1, exact up to degree 7. It includes both ends, so that it detects jumps there."""
MEAN_TOLERANCE = 1e-12
"""The mean rate of a panel has converged if halving the panel changes the mean by at most this share."""
MAX_RATE_STEP = 2.0
"""The number of binomial standard deviations that the rate may change by across a panel."""
MIN_PANEL_WIDTH = 0.5**40
"""Panels narrower than this are not halved, so a jump of the rate is located with this precision."""
NEGLIGIBLE = 1e-17
"""Probabilities below this are ignored."""
ROUNDING = 1e-12
"""A quantile may miss its probability by this much, so that rounding does not decide ties."""


class Rate(Protocol):
    """The interface of an uncertain rate: its quantile function."""

    def quantile(self, u: Array, /) -> Array:
        """Return the quantiles of the rate at the probabilities u; both arrays have the shape (n,)."""


class MixedBinomial:
    """The number of successes among n trials with one shared uncertain rate, such as beta-binomial.

    The absolute error of the cdf and the relative error of the mean are at most 1e-9. A fixed rate gives the
    binomial distribution. The number of quadrature nodes grows with the square root of n; each probability
    uses about a hundred nodes.

    Args:
        n: the number of trials.
        rate: a number, or the distribution of the rate.

    Raises:
        UsageError: n is not a whole number of at least 0.
        ModelRefused: the rate can lie outside 0 to 1.
    """

    def __init__(self, n: int, rate: Rate | float) -> None:
        if not (n >= 0 and float(n).is_integer()):
            raise UsageError("a count is a whole number from 0 on", value=n)
        self.n = int(n)
        if isinstance(rate, int | float):
            rates, weights = _check_rates(np.array([float(rate)])), np.ones(1)
        else:
            rates, weights = _nodes(rate, self.n)
        self._rates, same = np.unique(rates, return_inverse=True)
        self._weights = np.bincount(same, weights)
        self._below = np.append(0.0, np.cumsum(self._weights))

    @property
    def mean(self) -> float:
        """The expected count."""
        return self.n * float((self._weights * self._rates).sum())

    def cdf(self, counts: ArrayLike) -> Array:
        """Return P(count <= k) for each k in `counts`, in an array of the same shape."""
        distinct, positions = np.unique(np.floor(np.asarray(counts, float)), return_inverse=True)
        values = np.array([self._at_most(k) for k in distinct.tolist()])
        return np.asarray(values[positions].reshape(np.shape(counts)))

    def quantile(self, p: ArrayLike) -> Array:
        """Return, for each p, the smallest count k with P(count <= k) >= p, in an array of the same shape.

        Raises:
            UsageError: a probability is not strictly between 0 and 1.
        """
        p = np.asarray(p, float)
        if not ((p > 0) & (p < 1)).all():
            raise UsageError("a probability lies between 0 and 1, ends excluded", value=p)
        low, high = np.full(p.shape, -1.0), np.full(p.shape, float(self.n))
        while (high - low > 1).any():
            middle = np.floor((low + high) / 2)
            enough = self.cdf(middle) >= p - ROUNDING
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return high

    def _at_most(self, k: float) -> float:
        if k < 0 or k >= self.n:
            return float(k >= 0)
        # P(count > k) is negligible for rates below `low`, and P(count <= k) for rates above `high`, so
        # only the rates in between are evaluated.
        low = special.betaincinv(k + 1, self.n - k, NEGLIGIBLE)
        high = special.betainccinv(k + 1, self.n - k, NEGLIGIBLE)
        first = int(np.searchsorted(self._rates, low, side="left"))
        last = int(np.searchsorted(self._rates, high, side="right"))
        at_most = special.betaincc(k + 1, self.n - k, self._rates[first:last])
        return min(float(self._below[first] + (self._weights[first:last] * at_most).sum()), 1.0)


def _check_rates(rates: Array) -> Array:
    if not ((rates >= 0) & (rates <= 1)).all():  # this form also refuses NaN
        raise ModelRefused(
            "a rate lies outside 0 to 1", remedy="Give a distribution on 0 to 1, such as beta."
        )
    return rates


def _nodes(rate: Rate, n: int) -> tuple[Array, Array]:
    def on_panels(low: Array, width: Array) -> Array:
        u = low[:, None] + width[:, None] * POINTS
        return _check_rates(np.asarray(rate.quantile(u.ravel()), float)).reshape(u.shape)

    ends = 0.5 ** np.arange(1, 51)
    edges = np.concatenate([ends[::-1], 1 - ends[1:]])
    low, width = edges[:-1], np.diff(edges)
    rates = on_panels(low, width)
    nodes, masses = [], []
    while len(low):
        half = width / 2
        left, right = on_panels(low, half), on_panels(low + half, half)
        settled = (left @ WEIGHTS + right @ WEIGHTS) / 2
        spread = np.sqrt(np.maximum(settled * (1 - settled), 1 / max(n, 1)) / max(n, 1))
        rough = np.abs(rates @ WEIGHTS - settled) * width > MEAN_TOLERANCE * np.maximum(
            settled, 1 / max(n, 1)
        )
        rough |= right[:, -1] - left[:, 0] > MAX_RATE_STEP * spread
        rough &= width > MIN_PANEL_WIDTH
        for part in (left, right):
            nodes.append(part[~rough].ravel())
            masses.append(np.outer(half[~rough], WEIGHTS).ravel())
        low, width = np.append(low[rough], (low + half)[rough]), np.tile(half[rough], 2)
        rates = np.concatenate([left[rough], right[rough]])
    return np.concatenate(nodes), np.concatenate(masses)
