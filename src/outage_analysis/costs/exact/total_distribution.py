"""The probability distribution of a total, with quantiles and tail means."""

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
"""A quantile is refused if the error of the distribution exceeds this share of the tail probability."""
FLOAT_ERROR = 2.0**-52
"""The rounding error of a float between 0 and 1."""


@dataclass(frozen=True, eq=False)
class TotalDistribution:
    """The probability of every total, in the unit of the payments.

    Args:
        mean, variance: the mean and the variance of the total, in closed form from the components.
        points: the possible totals, increasing; other totals have a probability of at most `error` together.
        weights: the probability of each point, as Fractions if the distribution is exact, else as floats.
        unit: the differences of totals are multiples of this unit.
        error: a bound on the error of every cumulative probability; 0 if the distribution is exact.
        splitting_sd: the standard deviation that splitting payments over a coarser unit has added; 0 if no
            payment was split. The mean is unchanged; `tvar(p)` is never too low, and too high by at most
            splitting_sd / (2 (1 - p)).
        checks: the deviations that `accuracy_checks` measured; empty if the distribution is exact.
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
        """Make the weights read-only."""
        if isinstance(self.weights, np.ndarray):
            self.weights.setflags(write=False)

    @property
    def exact(self) -> bool:
        """Whether the probabilities are exact Fractions."""
        return not isinstance(self.weights, np.ndarray)

    @property
    def smallest_tail(self) -> float:
        """The smallest tail probability for which quantiles are accurate; 0 if the distribution is exact."""
        return self.error / TAIL_ACCURACY

    def pmf(self, x: Number) -> Number:
        """Return the probability of a total of exactly x.

        Raises:
            UsageError: x is not a number.
        """
        at = bisect_left(self.points, _checked_total(x))
        there = at < len(self.points) and self.points[at] == x
        return self._number(self.weights[at] if there else 0)

    def cdf(self, x: Number) -> Number:
        """Return the probability of a total of at most x, to within `error`.

        Raises:
            UsageError: x is not a number.
        """
        below = bisect_right(self.points, _checked_total(x))
        return self._number(self._cumulative_probabilities[below - 1] if below else 0)

    def quantile(self, p: Number) -> int:
        """Return the smallest total x with P(total <= x) >= p - `error`.

        Raises:
            UsageError: p does not lie between 0 and 1, ends excluded.
            ModelRefused: p or 1 - p is smaller than `smallest_tail`.
        """
        return self.points[self._quantile_index(p)]

    def tvar(self, p: Number) -> Number:
        """Return the tail value at risk: the mean of the quantiles from p to 1.

        The average includes only a part of the probability at the p-quantile, so that it covers a probability
        of exactly 1 - p. The error of the result is at most `error` times the distance from the quantile to
        the last point, divided by 1 - p.

        Raises:
            UsageError: p does not lie between 0 and 1, ends excluded.
            ModelRefused: p or 1 - p is smaller than `smallest_tail`.
        """
        at = self._quantile_index(p)
        tail = 1 - _exact_probability(p)
        if isinstance(self.weights, np.ndarray):
            steps = np.arange(1.0, len(self.points) - at)
            return self.points[at] + self.unit * float((self.weights[at + 1 :] * steps).sum()) / float(tail)
        beyond = zip(self.points[at + 1 :], self.weights[at + 1 :], strict=True)
        return self.points[at] + sum((x - self.points[at]) * w for x, w in beyond) / tail

    @cached_property
    def _cumulative_probabilities(self) -> Array | list[Fraction]:
        """The cumulative probability at each point, added up in blocks to reduce rounding errors."""
        if not isinstance(self.weights, np.ndarray):
            return list(accumulate(self.weights))
        width = math.isqrt(len(self.weights)) + 1
        padded = np.zeros(width * width)
        padded[: len(self.weights)] = self.weights
        blocks = np.cumsum(padded.reshape(width, width), axis=1)
        blocks[1:] += np.cumsum(blocks[:-1, -1])[:, None]
        return np.minimum(blocks.ravel()[: len(self.weights)], 1.0)

    def _quantile_index(self, p: Number) -> int:
        """Return the index of the p-quantile in `points`."""
        level = _exact_probability(p)
        if min(level, 1 - level) < self.smallest_tail:
            raise ModelRefused(
                f"the distribution has an error of {self.error:.0e}, too much for a tail of {float(p):.12g}",
                remedy=f"Ask for tails of at least {self.smallest_tail:.0e}.",
            )
        if self.exact:
            return bisect_left(
                self._cumulative_probabilities, level - Fraction(FLOAT_ERROR if isinstance(p, float) else 0)
            )
        return min(
            bisect_left(self._cumulative_probabilities, float(level) - self.error), len(self.points) - 1
        )

    def _number(self, weight: Number) -> Number:
        return Fraction(weight) if self.exact else float(weight)


def _exact_probability(p: object) -> Fraction:
    """Convert a probability to a Fraction; a float such as 0.1 becomes exactly 1/10."""
    number = checked_number(p, "the probability")
    if not 0 < number < 1:
        raise UsageError("a probability lies between 0 and 1, ends excluded", value=p)
    return Fraction(str(number))


def _checked_total(x: Number) -> Number:
    if isinstance(x, bool) or not isinstance(x, Real) or math.isnan(x):
        raise UsageError("a total is a number", value=x, remedy="Ask for one total at a time.")
    return x
