"""The law of the late count: a mixture of negative binomial laws, one a node of the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from outage_analysis.development.observed import Array

PARTS = 48
"""Laws that the nodes of one grid become at most: those that expect nearly the same late count are one."""


@dataclass(frozen=True)
class Mixture:
    """Late counts, given what each node expects.

    Args:
        weights: of the nodes, (n,), adding up to 1.
        means: the late count that each expects, (n,).
        phis: the over-dispersion of each, (n,): the variance of a count over its mean.
        base: the observed count plus one.

    Given a node with mean m the variance is phi x m + phi x m^2 / base: that of the count, and that of
    the level, which is known from the observed count only.
    """

    weights: Array
    means: Array
    phis: Array
    base: float

    @property
    def mean(self) -> float:
        """The expected late count."""
        return float(self.weights @ self.means)

    @property
    def process(self) -> float:
        """The variance of a count whose mean is known, averaged over the nodes."""
        return float(self.weights @ (self.phis * self.means))

    @property
    def variance(self) -> float:
        """All of the variance: of the count, of its level, of the nodes."""
        level = float(self.weights @ (self.phis * self.means**2)) / self.base
        return self.process + level + float(self.weights @ (self.means - self.mean) ** 2)

    def cdf(self, counts: object) -> Array:
        """The probability of at most so many, (...) -> (...)."""
        x = np.floor(np.asarray(counts, float))[..., None]
        with np.errstate(all="ignore"):
            over = self.phis - 1 + self.phis * self.means / self.base
            below = special.betainc(self.means / over, x + 1, 1 / (1 + over))
        below = np.where(self.means > 0, below, 1.0)
        return np.asarray(np.where(x < 0, 0.0, below) @ self.weights)

    def quantile(self, p: object) -> Array:
        """The least counts that are not exceeded with probability p, (...) -> (...), whole."""
        p = np.asarray(p, float)
        low, high = np.full(p.shape, -1.0), np.full(p.shape, np.ceil(self.mean) + 1)
        while (short := self.cdf(high) < p).any():
            low, high = np.where(short, high, low), np.where(short, 2 * high, high)
        while (high - low > 1).any():
            middle = np.floor((low + high) / 2)
            enough = self.cdf(middle) >= p
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return high


def mixture(weights: Array, means: Array, phi: float, base: float, *, parts: int = PARTS) -> Mixture:
    """A mixture of at most `parts` laws with the same mean: neighbours by their means are joined."""
    order = np.argsort(means, kind="stable")
    weights, means = weights[order], means[order]
    if len(means) > parts:
        # Parts of equal weight in the middle, of equal width on the logarithm towards the ends.
        heavy = np.cumsum(weights) - weights / 2
        far = np.log(np.maximum(means, max(means[-1] * 1e-12, 1e-300)))
        wide = (far - far[0]) / max(far[-1] - far[0], 1e-300)
        groups = np.floor((heavy + wide) / 2 * parts * (1 - 1e-12)).astype(int)
        there = np.unique(groups)
        joined = np.bincount(groups, weights * means)[there]
        weights = np.bincount(groups, weights)[there].astype(float)
        means = np.asarray(joined / weights)
    return Mixture(weights / weights.sum(), means, np.full(len(means), phi), base)


def mixed(laws: Sequence[Mixture], weights: Sequence[float]) -> Mixture:
    """A mixture of mixtures whose level is known from the same count."""
    return Mixture(
        np.concatenate([w * law.weights for w, law in zip(weights, laws, strict=True)]),
        np.concatenate([law.means for law in laws]),
        np.concatenate([law.phis for law in laws]),
        laws[0].base,
    )
