"""The law of a total: what a checker asks of it."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from outage_analysis.costs.exact.components import Number, checked_number
from outage_analysis.errors import ModelRefused, UsageError

Array = NDArray[np.float64]
TAIL_ACCURACY = 1e-4
"""A tail is answered for while the error is at most this share of it."""
FLOAT_ERROR = 2.0**-52
"""What a float between 0 and 1 may be off."""


@dataclass(frozen=True, eq=False)
class TotalDistribution:
    """The probability of every total, in the unit of the payments.

    Args:
        mean, variance: in closed form, from what was typed in.
        points: the totals that carry weight, increasing; outside there is at most `error` of it.
        weights: their probabilities: Fractions where the law is exact, else floats.
        unit: what every total is a multiple of, after the least.
        error: a bound on the error of every cumulative probability; 0 where the law is exact.
        split_sd: the standard deviation that splitting payments over a coarser unit has added, 0 where
            nothing was split. The mean is kept; `tvar(p)` is never too low, and too high by at most
            split_sd / (2 (1 - p)).
        checks: how far it was off before it was let pass: sum, mean (in standard deviations), variance
            (as a share), negative weights, greatest weight at an open end (as a share of the greatest);
            empty where the law is exact.
    """

    mean: Number
    variance: Number
    points: Sequence[int] = field(repr=False)
    weights: Array | Sequence[Fraction] = field(repr=False)
    unit: int = 1
    error: float = 0.0
    splitting_sd: float = 0.0
    checks: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Freeze the weights too."""
        if isinstance(self.weights, np.ndarray):
            self.weights.setflags(write=False)

    @property
    def exact(self) -> bool:
        """Whether the law is rational and every answer exact."""
        return not isinstance(self.weights, np.ndarray)

    @property
    def floor(self) -> float:
        """The least probability of a tail that the law can answer for; 0 where it is exact."""
        return self.error / TAIL_ACCURACY

    def pmf(self, x: Number) -> Number:
        """The probability of a total of exactly x.

        Raises:
            UsageError: x is no number.
        """
        at = bisect_left(self.points, _checked_total(x))
        there = at < len(self.points) and self.points[at] == x
        return self._number(self.weights[at] if there else 0)

    def cdf(self, x: Number) -> Number:
        """The probability of a total of at most x, to within `error`.

        Raises:
            UsageError: x is no number.
        """
        below = bisect_right(self.points, _checked_total(x))
        return self._number(self._cumulated[below - 1] if below else 0)

    def quantile(self, p: Number) -> int:
        """The least total that is not exceeded with probability p.

        A probability that is reached to within `error` counts as reached.

        Raises:
            UsageError: p does not lie between 0 and 1, ends excluded.
            ModelRefused: the tail below or above is smaller than `floor`.
        """
        return self.points[self._reached(p)]

    def tvar(self, p: Number) -> Number:
        """The tail value at risk: the mean of the quantiles from p to 1.

        The weight of the quantile itself is split, so that exactly 1 - p of probability is averaged.
        What it is off is at most `error` times the way from the quantile to the last point, over 1 - p.

        Raises:
            UsageError: p does not lie between 0 and 1, ends excluded.
            ModelRefused: the tail below or above is smaller than `floor`.
        """
        at = self._reached(p)
        tail = 1 - _exact_probability(p)
        if isinstance(self.weights, np.ndarray):
            steps = np.arange(1.0, len(self.points) - at)
            return self.points[at] + self.unit * float((self.weights[at + 1 :] * steps).sum()) / float(tail)
        beyond = zip(self.points[at + 1 :], self.weights[at + 1 :], strict=True)
        return self.points[at] + sum((x - self.points[at]) * w for x, w in beyond) / tail

    @cached_property
    def _cumulated(self) -> Array | list[Fraction]:
        """The probability of at most each point; in blocks, whose sums round far less."""
        if not isinstance(self.weights, np.ndarray):
            return list(accumulate(self.weights))
        width = math.isqrt(len(self.weights)) + 1
        padded = np.zeros(width * width)
        padded[: len(self.weights)] = self.weights
        blocks = np.cumsum(padded.reshape(width, width), axis=1)
        blocks[1:] += np.cumsum(blocks[:-1, -1])[:, None]
        return np.minimum(blocks.ravel()[: len(self.weights)], 1.0)

    def _reached(self, p: Number) -> int:
        """The place of the quantile of p."""
        level = _exact_probability(p)
        if min(level, 1 - level) < self.floor:
            raise ModelRefused(
                f"the law is known to {self.error:.0e}, too little for a tail of {float(p):.12g}",
                remedy=f"Ask for tails of at least {self.floor:.0e}.",
            )
        if self.exact:
            return bisect_left(self._cumulated, level - Fraction(FLOAT_ERROR if isinstance(p, float) else 0))
        return min(bisect_left(self._cumulated, float(level) - self.error), len(self.points) - 1)

    def _number(self, weight: Number) -> Number:
        return Fraction(weight) if self.exact else float(weight)


def _exact_probability(p: object) -> Fraction:
    """A probability as a fraction; a float stands for the decimal that it prints as."""
    number = checked_number(p, "the probability")
    if not 0 < number < 1:
        raise UsageError("a probability lies between 0 and 1, ends excluded", value=p)
    return Fraction(str(number))


def _checked_total(x: Number) -> Number:
    if isinstance(x, bool) or not isinstance(x, Real) or math.isnan(x):
        raise UsageError("a total is a number", value=x, remedy="Ask for one total at a time.")
    return x
