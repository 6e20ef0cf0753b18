"""Which of several totals is the least, from their laws on the same draws.

Given the inputs, what chance adds to each total is taken as normal and as independent between totals.
Where two policies would pay the same people this overstates the doubt: chances stay nearer to a half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from outage_analysis.assumptions.laws import FloatArray
from outage_analysis.costs.uncertainty.mixtures import Estimate, Mixture
from outage_analysis.special import special

NODES = 32
"""Of the rule that averages over what chance adds to one total."""
WIDE = 12.0
"""Standard deviations beyond which a normal law has nothing."""
HALVINGS = 60
SLOPE = 1e-5
"""The share of the range over which a slope is taken."""


@dataclass(frozen=True)
class Difference:
    """The law of one total less another, given the same inputs in each draw."""

    one: Mixture
    other: Mixture

    @cached_property
    def _gap(self) -> FloatArray:
        return self.one.mean - self.other.mean

    @cached_property
    def _deviation(self) -> FloatArray:
        return np.asarray(np.sqrt(self.one.variance + self.other.variance))

    def below(self, x: float) -> Estimate:
        """The probability that it is less than x."""
        return _estimate(_below(x, self._gap, self._deviation))

    def quantile(self, p: float) -> Estimate:
        """The value that it does not exceed with probability p, by halving."""
        low = float((self._gap - WIDE * self._deviation).min())
        high = float((self._gap + WIDE * self._deviation).max())
        step = SLOPE * (high - low)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            if self.below(middle).value < p:
                low = middle
            else:
                high = middle
        slope = (self.below(high + step).value - self.below(high - step).value) / (2 * step) if step else 0.0
        error = self.below(high).error
        return Estimate(high, error / slope if slope else 0.0)


def cheapest(laws: Sequence[Mixture]) -> list[Estimate]:
    """For each total the probability that no other is less; certain totals may tie."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    deviations = [np.sqrt(law.variance) for law in laws]
    chances = []
    for k, law in enumerate(laws):
        chance = np.zeros_like(law.mean)
        for node, weight in zip(nodes, weights, strict=True):
            mine = law.mean + deviations[k] * node
            others = [1 - _below(mine, other.mean, deviations[j]) for j, other in enumerate(laws) if j != k]
            chance += weight * np.prod(others, axis=0)
        chances.append(_estimate(chance))
    return chances


def _estimate(chances: FloatArray) -> Estimate:
    """The mean of (replicates, draws) and its standard error, from the spread of the replicates."""
    each = chances.mean(axis=1)
    return Estimate(float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each))))


def _below(x: float | FloatArray, mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """P(normal < x), also where nothing deviates."""
    score = np.divide(x - mean, deviation, out=np.zeros_like(mean), where=deviation > 0)
    return np.where(deviation > 0, special.ndtr(score), (mean < x).astype(float))
