"""The probability distribution of a total, with quantiles, tail means, stop-loss premiums and layers."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from outage_analysis.costs.exact.components import Number, checked_integer, checked_number
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.text import ShortRepr

Array = NDArray[np.float64]
TAIL_ACCURACY = 1e-4
"""A quantile is refused if the error of the distribution exceeds this share of the tail probability."""
FLOAT_ERROR = 2.0**-52
"""The rounding error of a float between 0 and 1."""
ROUNDINGS = 24
"""A bound on the rounding error of a sum of up to 2^21 products, as a multiple of `FLOAT_ERROR`."""


@dataclass(frozen=True, eq=False, repr=False)
class TotalDistribution(ShortRepr):
    """The probability of every total, in the unit of the payments.

    Args:
        mean, variance: the mean and the variance of the total, in closed form from the components.
        points: the possible totals, increasing; other totals have a probability of at most `error` together.
        weights: the probability of each point, as Fractions if the distribution is exact, else as floats.
        unit: the differences of totals are multiples of this unit.
        error: a bound on the error of every cumulative probability; 0 if the distribution is exact.
        mean_error: a bound on the error of `mean`; 0 if the distribution is exact.
        excess: a bound on E[(total - last point)+]; 0 if no total lies beyond the last point.
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
    mean_error: float = 0.0
    excess: float = 0.0
    splitting_sd: float = 0.0
    checks: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the array of probabilities read-only."""
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
        of exactly 1 - p. The error of the result is at most (`error` times the distance from the quantile to
        the last point, plus `excess`) divided by 1 - p.

        Raises:
            UsageError: p does not lie between 0 and 1, ends excluded.
            ModelRefused: p or 1 - p is smaller than `smallest_tail`.
        """
        at = self._quantile_index(p)
        tail = 1 - _exact_probability(p)
        if isinstance(self.weights, np.ndarray):
            away = self._distances(Fraction(self.points[at]))[at + 1 :]
            return self.points[at] + float((self.weights[at + 1 :] * away).sum()) / float(tail)
        beyond = zip(self.points[at + 1 :], self.weights[at + 1 :], strict=True)
        return self.points[at] + sum((x - self.points[at]) * w for x, w in beyond) / tail

    def stop_loss_premium(self, retention: Number) -> Number:
        """Return E[(total - retention)+], the expected amount above a retention.

        The error is at most `layer_error(retention, math.inf)`. If payments were split over a coarser unit,
        the premium is never too low for this reason, and too high by at most half of `splitting_sd`.

        Raises:
            UsageError: the retention is not a number from 0.
            ModelRefused: the bound on the error exceeds 0.01 % of the premium.

        Example:
            >>> from outage_analysis.costs import Component, Fixed, exact_total
            >>> total = exact_total([Component(Fixed(2), [0, 10], [0.5, 0.5])])
            >>> [round(total.stop_loss_premium(d), 6) for d in (0, 5, 10, 20)]
            [10.0, 6.25, 2.5, 0.0]
        """
        return self.layer_mean(retention, math.inf)

    def limited_expected_value(self, limit: Number) -> Number:
        """Return E[min(total, limit)], the expected amount up to a limit.

        The error is at most `layer_error(0, limit)`. If payments were split over a coarser unit, the value is
        never too high for this reason, and too low by at most half of `splitting_sd`.

        Raises:
            UsageError: the limit is neither a number from 0 nor infinite.
            ModelRefused: the bound on the error exceeds 0.01 % of the value.

        Example:
            >>> from outage_analysis.costs import Component, Fixed, exact_total
            >>> total = exact_total([Component(Fixed(2), [0, 10], [0.5, 0.5])])
            >>> [round(total.limited_expected_value(d), 6) for d in (0, 5, 10, 20)]
            [0.0, 3.75, 7.5, 10.0]
        """
        return self.layer_mean(0, limit)

    def layer_mean(self, retention: Number, limit: Number) -> Number:
        """Return the expected payment of the layer from a retention to a limit of the total.

        The layer pays the part of the total between the two: min(max(total - retention, 0), limit -
        retention). Consecutive layers from 0 to infinity add up to the mean. The error is at most
        `layer_error(retention, limit)`, and at most half of `splitting_sd` more if payments were split.

        Args:
            retention: the total from which the layer pays.
            limit: the total from which the layer pays no more, which is the retention plus the largest
                payment of the layer; `math.inf` if the payment has no limit.

        Raises:
            UsageError: the retention is not a number from 0, or the limit is below it.
            ModelRefused: the bound on the error exceeds 0.01 % of the expected payment.

        Example:
            >>> from outage_analysis.costs import Component, Fixed, exact_total
            >>> total = exact_total([Component(Fixed(2), [0, 10], [0.5, 0.5])])
            >>> round(total.layer_mean(5, 15), 6)
            5.0
        """
        value, bound = self._layer(*_checked_layer(retention, limit))
        if bound > TAIL_ACCURACY * value:
            raise ModelRefused(
                f"the expected payment between {retention:,} and {limit:,} is {float(value):.2g}, "
                f"and its error may be {bound:.0e}",
                remedy="Ask for a lower retention; `layer_error` gives the bound on the error.",
            )
        return value

    def layer_error(self, retention: Number, limit: Number) -> float:
        """Return a bound on the numerical error of `layer_mean`, in the unit of the payments.

        The error of every exceedance probability is at most `error`, and the expected payment is the integral
        of the exceedance probability over the layer. Beyond the last point, `excess` bounds this integral.

        Raises:
            UsageError: the retention is not a number from 0, or the limit is below it.

        Example:
            >>> from outage_analysis.costs import Component, Poisson, exact_total
            >>> total = exact_total([Component(Poisson(100), [30_000, 50_000], [0.6, 0.4])])
            >>> total.layer_error(4_000_000, 5_000_000) < 1e-6
            True
        """
        return self._layer(*_checked_layer(retention, limit))[1]

    def layer(self, retention: int, limit: int) -> TotalDistribution:
        """Return the distribution of the payment of the layer from a retention to a limit of the total.

        The layer pays min(max(total - retention, 0), limit - retention). The cumulative probabilities are as
        accurate as those of the total. The variance is computed from the probabilities; its error is at most
        3 `error` (limit - retention)^2. If payments were split over a coarser unit, the mean may be wrong by
        half of `splitting_sd`, and `tvar(p)` by `splitting_sd` / (1 - p), in both directions.

        Args:
            retention: the total from which the layer pays, a whole number.
            limit: the total from which the layer pays no more, a whole number.

        Raises:
            UsageError: the retention or the limit is not a whole number from 0, or the limit is below the
                retention.
            ModelRefused: the mean is too inaccurate, as for `layer_mean`.

        Example:
            >>> from outage_analysis.costs import Component, Fixed, exact_total
            >>> payment = exact_total([Component(Fixed(2), [0, 10], [0.5, 0.5])]).layer(5, 15)
            >>> payment.points, [round(float(w), 6) for w in payment.weights]
            ((0, 5, 10), [0.25, 0.5, 0.25])
        """
        low, high = (
            checked_integer(x, f"the {name}") for x, name in ((retention, "retention"), (limit, "limit"))
        )
        mean, mean_error = self.layer_mean(low, high), self.layer_error(low, high)
        first = bisect_right(self.points, low)
        last = max(bisect_left(self.points, high), first)
        masses: dict[int, Number] = {0: self._sum(slice(None, first))} if first else {}
        masses.update(
            (x - low, w) for x, w in zip(self.points[first:last], self.weights[first:last], strict=True)
        )
        if last < len(self.points):
            masses[high - low] = masses.get(high - low, 0) + self._sum(slice(last, None))
        weights: Array | tuple[Fraction, ...]
        if self.exact:
            weights = tuple(Fraction(w) for w in masses.values())
            variance: Number = sum(((x - mean) ** 2 * w for x, w in masses.items()), Fraction(0))
        else:
            weights = np.array(list(masses.values()), float)
            variance = float(((np.array(list(masses), float) - float(mean)) ** 2 * weights).sum())
        return TotalDistribution(
            mean,
            variance,
            tuple(masses),
            weights,
            math.gcd(*(b - a for a, b in pairwise(masses))) or 1,
            error=self.error,
            mean_error=mean_error,
            excess=self.excess if high > self.points[-1] else 0.0,
            splitting_sd=self.splitting_sd,
            checks=self.checks,
        )

    def _layer(self, retention: Fraction, limit: Fraction | None) -> tuple[Number, float]:
        """Return the expected payment of a layer and a bound on its error; a limit of None is infinite."""
        width = None if limit is None else limit - retention
        if not isinstance(self.weights, np.ndarray):
            excesses = (max(x - retention, Fraction(0)) for x in self.points)
            paid = (x if width is None else min(x, width) for x in excesses)
            return sum((x * w for x, w in zip(paid, self.weights, strict=True)), Fraction(0)), 0.0
        reach = max(float(self.points[-1] - retention), 0.0)
        amounts = np.maximum(self._distances(retention), 0.0)
        if width is not None:
            value = min(float((np.minimum(amounts, float(width)) * self.weights).sum()), float(width))
            beyond = min(self.excess, self.error * max(float(width) - reach, 0.0))
            bound = self.error * min(reach, float(width)) + beyond
        else:
            value, bound = float((amounts * self.weights).sum()), self.error * reach + self.excess
            below = self.error * float(retention) + self.mean_error
            if below < bound:  # mean - E[min(total, retention)] is more accurate here
                kept = np.minimum(self._distances(Fraction(0)), float(retention))
                value, bound = float(self.mean) - float((kept * self.weights).sum()), below
                bound += ROUNDINGS * FLOAT_ERROR * float(self.mean)
        return value, bound + ROUNDINGS * FLOAT_ERROR * value

    def _distances(self, x: Fraction) -> Array:
        """Return each possible total less x, as floats."""
        if isinstance(self.points, range):
            steps = np.arange(float(len(self.points)))
            return np.asarray(float(self.points[0] - x) + self.points.step * steps)
        return np.array([float(point - x) for point in self.points])

    def _sum(self, part: slice) -> Number:
        """Return the sum of the probabilities at the positions `part`."""
        if isinstance(self.weights, np.ndarray):
            return float(self.weights[part].sum())
        return sum(self.weights[part], Fraction(0))

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


def _checked_layer(retention: Number, limit: Number) -> tuple[Fraction, Fraction | None]:
    """Convert the ends of a layer to Fractions, where None is infinite; a float 0.1 becomes exactly 1/10."""
    low = Fraction(str(checked_number(retention, "the retention")))
    if isinstance(limit, float) and limit == math.inf:
        return low, None
    high = Fraction(str(checked_number(limit, "the limit")))
    if high < low:
        raise UsageError(
            f"the limit is below the retention of {retention:,}",
            value=limit,
            remedy="Give the total at which the layer ends, which is the retention plus its largest payment.",
        )
    return low, high


def _checked_total(x: Number) -> Number:
    if isinstance(x, bool) or not isinstance(x, Real) or math.isnan(x):
        raise UsageError("a total is a number", value=x, remedy="Ask for one total at a time.")
    return x
