"""The sample of a total: its quantiles, exceedance probabilities and tail means with numerical errors.

A sample consists of independent replicates; the spread of their results gives the numerical error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from outage_analysis.assumptions import FloatArray
from outage_analysis.errors import ModelRefused, UsageError

FEWEST_BEYOND = 50
"""A quantile is estimated only if at least this many values of the sample lie beyond it."""
SLOPE_POINTS = 10
"""The least number of points on each side of a quantile from which its density is estimated."""


@dataclass(frozen=True)
class Estimate:
    """A number from a sample and its numerical error (one standard error)."""

    value: float
    error: float


@dataclass(frozen=True, eq=False)
class Sample:
    """Equally likely values of an amount, of shape (replicates, draws)."""

    values: FloatArray

    @cached_property
    def _sorted_values(self) -> FloatArray:
        return np.sort(self.values, axis=None)

    @property
    def draws(self) -> int:
        """The number of values in the sample."""
        return self.values.size

    def above(self, x: float) -> FloatArray:
        """Return 1 where a value exceeds x and 0 elsewhere, (replicates, draws)."""
        return (self.values > x).astype(float)

    def exceedance(self, x: float) -> Estimate:
        """Return the probability that a value exceeds x.

        Raises:
            UsageError: x is not a number.
        """
        if math.isnan(x):
            raise UsageError("a total is a number", value=x)
        return replicate_mean((self.values > x).mean(axis=1))

    def quantile(self, p: float) -> Estimate:
        """Return the smallest x with P(value <= x) >= p.

        The error of the quantile is the standard error of the distribution function divided by the density.
        It is 0 if all values near the quantile are equal.

        Raises:
            UsageError: p does not lie between 0 and 1, ends excluded.
            ModelRefused: too few values of the sample lie beyond the quantile.
        """
        self._refuse_unsupported(p)
        x = self._order_statistic(p)
        cdf_error = max(self.exceedance(x).error, 1 / self.draws)
        wide = max(cdf_error, SLOPE_POINTS / self.draws)
        low, high = max(p - wide, 0.0), min(p + wide, 1.0)
        return Estimate(
            x, cdf_error * (self._order_statistic(high) - self._order_statistic(low)) / (high - low)
        )

    def tvar(self, p: float) -> Estimate:
        """Return the tail value at risk: the mean of the quantiles from p to 1.

        If equal values lie on both sides of the quantile, only the part of their probability above p counts.

        Raises:
            UsageError: p does not lie between 0 and 1, ends excluded.
            ModelRefused: too few values of the sample lie beyond the quantile.
        """
        self._refuse_unsupported(p)
        x = self._order_statistic(p)
        excess = replicate_mean(np.maximum(self.values - x, 0.0).mean(axis=1) / (1 - p))
        return Estimate(x + excess.value, excess.error)

    @cached_property
    def expected(self) -> Estimate:
        """The mean of the sample, with its numerical error."""
        if not self._varies:
            return Estimate(float(self._sorted_values[0]), 0.0)
        return replicate_mean(self.values.mean(axis=1))

    @property
    def _varies(self) -> bool:
        return bool(self._sorted_values[0] < self._sorted_values[-1])

    def _order_statistic(self, p: float) -> float:
        return float(self._sorted_values[min(max(math.ceil(p * self.draws - 1e-6), 1), self.draws) - 1])

    def _refuse_unsupported(self, p: float) -> None:
        if not 0 < p < 1:
            raise UsageError(
                "a probability lies between 0 and 1, ends excluded", value=p, remedy="Write 99 % as 0.99."
            )
        if min(p, 1 - p) * self.draws < FEWEST_BEYOND and self._varies:
            needed = 2 ** math.ceil(math.log2(FEWEST_BEYOND / min(p, 1 - p)))
            raise ModelRefused(
                f"{self.draws:,} draws do not support the {100 * p:.6g} % quantile",
                remedy=f"Take --draws {needed} or more.",
            )


@dataclass(frozen=True, eq=False)
class SampledTotal(Sample):
    """A sample of a total, with its mean and variance given the inputs of each draw.

    Args:
        values: the totals, (replicates, draws).
        mean: the mean of the total given the inputs of each draw, same shape.
        variance: the variance of the total given the inputs of each draw, same shape.

    Raises:
        ModelRefused: a total, a mean or a variance is not a number, infinite or negative.
    """

    mean: FloatArray
    variance: FloatArray

    def __post_init__(self) -> None:
        """Refuse NaN, infinite or negative amounts."""
        for amounts in (self.values, self.mean, self.variance):
            if not (np.isfinite(amounts) & (amounts >= 0)).all():
                raise ModelRefused(
                    "some draws give a total that is no number, or infinite or negative",
                    remedy="Bound the distributions of the ledger that produce these values.",
                )

    @cached_property
    def process(self) -> float:
        """The process variance: the mean of the conditional variance of the total, given the inputs."""
        return float(self.variance.mean())

    @cached_property
    def parameter(self) -> float:
        """The parameter variance: the variance of the conditional mean of the total, given the inputs."""
        return float(self.mean.var()) if np.ptp(self.mean) else 0.0


def replicate_mean(by_replicate: FloatArray) -> Estimate:
    """Return the mean of one value per independent replicate, and the standard error of this mean."""
    replicates = len(by_replicate)
    error = float(by_replicate.std(ddof=1)) / math.sqrt(replicates) if replicates > 1 else math.nan
    return Estimate(float(by_replicate.mean()), error)
