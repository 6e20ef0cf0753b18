"""Distributions that a ledger may state: `distribution = { kind = "pert", low = 1, mode = 2, high = 4 }`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator
from scipy import special

from outage_analysis.assumptions.bounded_distributions import (
    Beta,
    LogitNormal,
    LogitT,
    Pert,
    Triangular,
    Uniform,
)
from outage_analysis.assumptions.distribution_type import (
    Distribution,
    Finite,
    Interval,
    Positive,
    Share,
    check_adds_up,
    check_probabilities,
)
from outage_analysis.assumptions.normal_scores import FloatArray
from outage_analysis.files import Document, Identifier, find_duplicate

BISECTIONS = 100
"""How often an interval is halved: until its ends are adjacent floating-point numbers."""


class Fixed(Distribution):
    """A value without uncertainty, because it is known or somebody decides it."""

    bounds_are_stated: ClassVar[bool] = True

    kind: Literal["fixed"] = "fixed"
    value: Finite
    """The value."""

    def _moments(self) -> tuple[float, float]:
        return self.value, 0.0

    def _support(self) -> Interval:
        return self.value, self.value

    def _quantile(self, u: FloatArray) -> FloatArray:
        return np.full(u.shape, self.value)

    def _cdf(self, x: FloatArray) -> FloatArray:
        return np.where(x >= self.value, 1.0, 0.0)

    def _capped_mean(self, ceiling: float) -> float:
        return min(self.value, ceiling)


class Lognormal(Distribution):
    """The lognormal distribution: a positive number whose logarithm is normal."""

    kind: Literal["lognormal"] = "lognormal"
    median: Positive
    """The median."""
    sigma: Annotated[float, Field(gt=0, le=10)]
    """The standard deviation of the logarithm; at 10 the mean is already e^50 times the median."""

    def _moments(self) -> tuple[float, float]:
        mean = self.median * np.exp(self.sigma**2 / 2)
        return float(mean), float(mean**2 * np.expm1(self.sigma**2))

    def _support(self) -> Interval:
        return 0.0, np.inf

    def _quantile(self, u: FloatArray) -> FloatArray:
        return np.asarray(self.median * np.exp(self.sigma * special.ndtri(u)))

    def _cdf(self, x: FloatArray) -> FloatArray:
        return np.asarray(special.ndtr(self._score(x)))

    def _capped_mean(self, ceiling: float) -> float:
        score = self._score(np.float64(ceiling))
        return float(self.mean * special.ndtr(score - self.sigma) + ceiling * special.ndtr(-score))

    def _score(self, x: FloatArray | np.float64) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.maximum(x, 0) / self.median) / self.sigma)


class Discrete(Distribution):
    """A distribution over a list of values, each with its probability."""

    bounds_are_stated: ClassVar[bool] = True

    kind: Literal["discrete"] = "discrete"
    values: tuple[Finite, ...] = Field(min_length=1)
    """The values, in increasing order."""
    probabilities: tuple[Share, ...]
    """The probability of each value; they add up to 1."""

    @model_validator(mode="after")
    def _probabilities_add_up(self) -> Self:
        if len(self.values) != len(self.probabilities):
            raise ValueError("needs one probability a value")
        if not np.all(np.diff(self.values) > 0):
            raise ValueError("needs values that rise, each once")
        check_adds_up("probabilities", self.probabilities)
        return self

    def _moments(self) -> tuple[float, float]:
        values, weights = np.array(self.values), np.array(self.probabilities)
        mean = np.average(values, weights=weights)
        return float(mean), float(np.average((values - mean) ** 2, weights=weights))

    def _support(self) -> Interval:
        possible = [x for x, p in zip(self.values, self.probabilities, strict=True) if p]
        return possible[0], possible[-1]

    def _quantile(self, u: FloatArray) -> FloatArray:
        return np.asarray(np.array(self.values)[np.searchsorted(_cumulative(self.probabilities), u)])

    def _cdf(self, x: FloatArray) -> FloatArray:
        below = np.concatenate([[0.0], _cumulative(self.probabilities)])
        return np.asarray(below[np.searchsorted(self.values, x, side="right")])

    def _capped_mean(self, ceiling: float) -> float:
        return float(np.average(np.minimum(self.values, ceiling), weights=self.probabilities))


_SimpleUnion = Fixed | Uniform | Triangular | Pert | Beta | Lognormal | LogitNormal | LogitT | Discrete
SimpleDistribution = Annotated[_SimpleUnion, Field(discriminator="kind")]


class Branch(Document):
    """One component of a mixture: a scenario with its probability and its distribution."""

    name: Identifier
    """What tables call the branch where they list each one."""
    weight: Share
    """The probability of the branch."""
    distribution: SimpleDistribution
    """The distribution of the number if this branch applies."""


class Mixture(Distribution):
    """A mixture of distributions, each with its probability: rival rules or scenarios.

    A draw needs two uniform numbers: one selects the branch, the other the value within the branch. So tables
    can show the uncertainty about the branch separately.
    """

    kind: Literal["mixture"] = "mixture"
    branches: tuple[Branch, ...] = Field(min_length=1)
    """The components of the mixture."""

    @model_validator(mode="after")
    def _probabilities_add_up(self) -> Self:
        if (name := find_duplicate([branch.name for branch in self.branches])) is not None:
            raise ValueError(f"two branches are called {name}")
        check_adds_up("weights", self.weights)
        return self

    @property
    def weights(self) -> tuple[float, ...]:
        """The probability of each branch (component of the mixture)."""
        return tuple(branch.weight for branch in self.branches)

    @property
    def branch_means(self) -> FloatArray:
        """The mean of each branch (component of the mixture), as an array (k,)."""
        return np.array([branch.distribution.mean for branch in self.branches])

    def branch(self, u: ArrayLike) -> NDArray[np.intp]:
        """For each probability in `u`, the index (from 0) of the branch (mixture component) that it selects.

        The order of the branches in the document does not matter: a larger probability never selects a branch
        with a smaller mean. So a rank correlation with another input has the expected sign.

        Raises:
            UsageError: a probability is not strictly between 0 and 1.
        """
        order = np.argsort(self.branch_means, kind="stable")
        weights = tuple(self.weights[k] for k in order)
        return np.asarray(order[np.searchsorted(_cumulative(weights), check_probabilities(u))])

    def sample(self, u_branch: ArrayLike, u_within: ArrayLike) -> FloatArray:
        """The value for each pair of probabilities: `u_branch` selects a branch, `u_within` its quantile.

        Returns:
            An array with the common shape of both arguments.

        Raises:
            UsageError: a probability is not strictly between 0 and 1.
        """
        chosen, within = self.branch(u_branch), check_probabilities(u_within)
        values = np.empty(within.shape)
        for number, branch in enumerate(self.branches):
            rows = chosen == number
            values[rows] = branch.distribution.quantile(within[rows])
        return values

    @property
    def ends(self) -> Interval:
        """The smallest low and the largest high value of the branches (components) with a positive weight."""
        ends = [branch.distribution.ends for branch in self._possible]
        return min(low for low, _ in ends), max(high for _, high in ends)

    @property
    def _possible(self) -> list[Branch]:
        return [branch for branch in self.branches if branch.weight]

    def _moments(self) -> tuple[float, float]:
        """The mean and the variance, by the law of total variance: between the branches plus within them."""
        variances = np.array([branch.distribution.variance for branch in self.branches])
        mean = np.average(self.branch_means, weights=self.weights)
        spread = variances + (self.branch_means - mean) ** 2
        return float(mean), float(np.average(spread, weights=self.weights))

    def _support(self) -> Interval:
        supports = [branch.distribution.support for branch in self._possible]
        return min(low for low, _ in supports), max(high for _, high in supports)

    def _quantile(self, u: FloatArray) -> FloatArray:
        """Quantiles by bisection between the quantiles of the branches: slow, so draws use `sample`."""
        each = [branch.distribution.quantile(u) for branch in self._possible]
        low, high = np.nextafter(np.min(each, axis=0), -np.inf), np.max(each, axis=0)
        for _ in range(BISECTIONS):
            middle = low + (high - low) / 2
            reached = self._cdf(middle) >= u
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        return np.asarray(high)

    def _cdf(self, x: FloatArray) -> FloatArray:
        each = [branch.distribution.cdf(x) for branch in self.branches]
        return np.asarray(np.average(each, axis=0, weights=self.weights))

    def _capped_mean(self, ceiling: float) -> float:
        means = [branch.distribution.capped_mean(ceiling) for branch in self.branches]
        return float(np.average(means, weights=self.weights))


AnyDistribution = Annotated[_SimpleUnion | Mixture, Field(discriminator="kind")]


def _cumulative(weights: tuple[float, ...]) -> FloatArray:
    """Cumulative sums of weights, scaled so that the last one is exactly 1."""
    sums = np.cumsum(weights)
    return np.asarray(sums / sums[-1])
