"""Distributions that a ledger may state: `distribution = { kind = "pert", low = 1, mode = 2, high = 4 }`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import AfterValidator, Field

from outage_analysis.files import Document, refuse_if
from outage_analysis.special_functions import special

FloatArray = NDArray[np.float64]
Interval = tuple[float, float]
Finite = Annotated[float, Field(ge=-1e100, le=1e100, allow_inf_nan=False)]
"""A number small enough that its square is still finite."""
Positive = Annotated[float, Field(gt=0, le=1e100, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]

RANGE_PROBABILITIES = (0.01, 0.99)
"""Percentiles listed as low and high for a distribution whose author stated no bounds."""
FLOAT_NOISE = 1e-9
HALVINGS = 53
"""How often an interval of probabilities is halved: until its ends are adjacent."""
MIDPOINTS = (np.arange(20_000) + 0.5) / 20_000
"""Probabilities at which logit distributions are averaged, because their moments have no closed form."""


class Distribution(Document, ABC):
    """The distribution of one uncertain number."""

    bounds_are_stated: ClassVar[bool] = False

    @cached_property
    def points(self) -> tuple[FloatArray, FloatArray]:
        """Values in increasing order, and their weights.

        The mean and the capped mean are averages over these points, unless they have a closed form.
        """
        return self.quantile(MIDPOINTS), np.ones(len(MIDPOINTS))

    @property
    def mean(self) -> float:
        """The expected value."""
        values, weights = self.points
        return float(np.average(values, weights=weights))

    @property
    def ends(self) -> Interval:
        """The low and high value for tables: the stated bounds or, without them, the 1 % and 99 % quantiles.

        The mean of a heavy-tailed distribution can lie outside these percentiles; the range is then widened
        to include it.
        """
        if self.bounds_are_stated:
            return self.support
        low, high = self.quantile(RANGE_PROBABILITIES)
        return min(float(low), self.mean), max(float(high), self.mean)

    @property
    def most(self) -> float | None:
        """The largest possible value; None if the distribution is unbounded above."""
        maximum = self.support[1]
        return None if np.isinf(maximum) else float(maximum)

    def quantile(self, u: ArrayLike) -> FloatArray:
        """The quantiles at probabilities strictly between 0 and 1, in an array of the same shape."""
        return np.asarray(self._quantile(np.asarray(u, float)))

    def cdf(self, x: ArrayLike) -> FloatArray:
        """P(value <= x) for each x, in an array of the same shape, to 1e-9.

        It is the largest probability with a quantile of at most x, found by halving the interval from 0 to 1
        until its ends are adjacent.
        """
        values = np.asarray(x, float)
        low, high = np.zeros(values.shape), np.ones(values.shape)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            reached = self.quantile(middle) <= values
            low, high = np.where(reached, middle, low), np.where(reached, high, middle)
        return np.where(low > 0, high, 0.0)

    def capped_mean(self, ceiling: float) -> float:
        """The limited expected value: the mean of the smaller of the value and `ceiling`."""
        low, high = self.support
        if ceiling <= low:
            return float(ceiling)
        return self.mean if ceiling >= high else float(self._capped_mean(float(ceiling)))

    @property
    @abstractmethod
    def support(self) -> Interval:
        """The smallest and the largest possible value; minus or plus infinity if there is no bound."""

    @abstractmethod
    def _quantile(self, u: FloatArray) -> object: ...

    def _capped_mean(self, ceiling: float) -> float:
        """The mean of min(value, ceiling), for a ceiling between the smallest and largest possible value."""
        values, weights = self.points
        return float(np.average(np.minimum(values, ceiling), weights=weights))


class PointDistribution(Distribution):
    """A distribution over single values, each with its probability."""

    bounds_are_stated: ClassVar[bool] = True

    @property
    def support(self) -> Interval:
        """The smallest and the largest value with a probability above 0."""
        values, weights = self.points
        possible = values[weights > 0]
        return float(possible[0]), float(possible[-1])

    def _quantile(self, u: FloatArray) -> object:
        values, weights = self.points
        sums = np.cumsum(weights)
        return values[np.searchsorted(sums / sums[-1], u)]


class Fixed(PointDistribution):
    """A value without uncertainty, because it is known or somebody decides it."""

    kind: Literal["fixed"] = "fixed"
    value: Finite
    """The value."""

    @cached_property
    def points(self) -> tuple[FloatArray, FloatArray]:
        """The value, with probability 1."""
        return np.array([self.value]), np.ones(1)


class Discrete(PointDistribution):
    """A distribution over a list of values, each with its probability."""

    kind: Literal["discrete"] = "discrete"
    values: tuple[Finite, ...] = Field(min_length=1)
    """The values, in increasing order."""
    probabilities: tuple[Share, ...]
    """The probability of each value; they add up to 1."""

    def _check(self) -> None:
        refuse_if(len(self.values) != len(self.probabilities), "needs one probability a value")
        refuse_if(not np.all(np.diff(self.values) > 0), "needs values that rise, each once")
        check_adds_up("probabilities", self.probabilities)

    @cached_property
    def points(self) -> tuple[FloatArray, FloatArray]:
        """The values and their probabilities."""
        return np.array(self.values), np.array(self.probabilities)


class Lognormal(Distribution):
    """The lognormal distribution: a positive number whose logarithm is normal."""

    kind: Literal["lognormal"] = "lognormal"
    median: Positive
    """The median."""
    sigma: Annotated[float, Field(gt=0, le=10)]
    """The standard deviation of the logarithm; at 10 the mean is already e^50 times the median."""

    @property
    def support(self) -> Interval:
        """From 0 to infinity."""
        return 0.0, np.inf

    @property
    def mean(self) -> float:
        """The median times exp(sigma squared / 2)."""
        return float(self.median * np.exp(self.sigma**2 / 2))

    def _quantile(self, u: FloatArray) -> object:
        return self.median * np.exp(self.sigma * special.ndtri(u))

    def _capped_mean(self, ceiling: float) -> float:
        score = np.log(ceiling / self.median) / self.sigma
        return float(self.mean * special.ndtr(score - self.sigma) + ceiling * special.ndtr(-score))


class BoundedDistribution(Distribution):
    """A distribution between two stated bounds, with a most likely value unless it is uniform."""

    bounds_are_stated: ClassVar[bool] = True

    low: Finite
    """The smallest possible value."""
    high: Finite
    """The largest possible value."""

    def _check(self) -> None:
        refuse_if(not self.low < self.high, 'needs low < high | A value without a spread is kind = "fixed".')

    @property
    def support(self) -> Interval:
        """The two bounds."""
        return self.low, self.high

    @property
    def width(self) -> float:
        """The distance between the two bounds."""
        return self.high - self.low


class Uniform(BoundedDistribution):
    """The uniform distribution: every value between the bounds is equally likely."""

    kind: Literal["uniform"] = "uniform"

    @property
    def mean(self) -> float:
        """The middle between the bounds."""
        return (self.low + self.high) / 2

    def _quantile(self, u: FloatArray) -> object:
        return np.minimum(self.low + self.width * u, self.high)

    def _capped_mean(self, ceiling: float) -> float:
        return ceiling - (ceiling - self.low) ** 2 / (2 * self.width)


class PeakedDistribution(BoundedDistribution):
    """A distribution between two stated bounds with a most likely value."""

    mode: Finite
    """The most likely value."""

    def _check(self) -> None:
        super()._check()
        refuse_if(not self.low <= self.mode <= self.high, "needs low <= mode <= high")


class Triangular(PeakedDistribution):
    """The triangular distribution: its density rises linearly to the mode and falls linearly from it."""

    kind: Literal["triangular"] = "triangular"

    @property
    def mean(self) -> float:
        """The average of the bounds and the mode."""
        return (self.low + self.mode + self.high) / 3

    def _quantile(self, u: FloatArray) -> object:
        rise, fall = self.mode - self.low, self.high - self.mode
        rising = self.low + np.sqrt(u * self.width * rise)
        falling = self.high - np.sqrt((1 - u) * self.width * fall)
        return np.where(u * self.width <= rise, rising, falling)

    def _capped_mean(self, ceiling: float) -> float:
        if ceiling < self.mode:
            return ceiling - (ceiling - self.low) ** 3 / (3 * self.width * (self.mode - self.low))
        return self.mean - (self.high - ceiling) ** 3 / (3 * self.width * (self.high - self.mode))


class Pert(PeakedDistribution):
    """The PERT distribution: a scaled beta with mean (low + weight x mode + high) / (weight + 2)."""

    kind: Literal["pert"] = "pert"
    weight: Annotated[float, Field(gt=0, le=1e6)] = 4.0
    """The weight of the mode in the mean, where each bound weighs 1."""

    @cached_property
    def standard(self) -> Beta:
        """The beta distribution of (value - low) / (high - low), from 0 to 1."""
        at = (self.mode - self.low) / self.width
        return Beta(a=1 + self.weight * at, b=1 + self.weight * (1 - at))

    @property
    def mean(self) -> float:
        """The mean of the scaled beta distribution."""
        return self.low + self.width * self.standard.mean

    def _quantile(self, u: FloatArray) -> object:
        return np.minimum(self.low + self.width * self.standard.quantile(u), self.high)

    def _capped_mean(self, ceiling: float) -> float:
        return self.low + self.width * self.standard.capped_mean((ceiling - self.low) / self.width)


class ShareDistribution(Distribution):
    """A distribution of a share, between 0 and 1."""

    @property
    def support(self) -> Interval:
        """From 0 to 1."""
        return 0.0, 1.0


class Beta(ShareDistribution):
    """The beta distribution of a share, as precise as if `a` successes and `b` failures had been observed."""

    kind: Literal["beta"] = "beta"
    a: Weight
    """The weight of the ones; the mean is a / (a + b)."""
    b: Weight
    """The weight of the zeros."""

    @cached_property
    def logits(self) -> QuantileTable:
        """A table from normal scores (normal quantiles of probabilities) to the logits of the share."""
        a, b = self.a, self.b
        return QuantileTable(lambda z: log_beta_quantile(a, b, z) - log_beta_quantile(b, a, -z))

    @property
    def mean(self) -> float:
        """The share of the weight of the ones."""
        return self.a / (self.a + self.b)

    def _quantile(self, u: FloatArray) -> object:
        return special.expit(self.logits(special.ndtri(u)))

    def _capped_mean(self, ceiling: float) -> float:
        below = self.mean * special.betainc(self.a + 1, self.b, ceiling)
        return float(below + ceiling * special.betaincc(self.a, self.b, ceiling))


class LogitNormal(ShareDistribution):
    """A share whose logit, log(share / (1 - share)), has a normal distribution."""

    kind: Literal["logit-normal"] = "logit-normal"
    location: Finite
    """The median of the logit."""
    scale: Positive
    """The scale of the logit."""

    def _quantile(self, u: FloatArray) -> object:
        return special.expit(special.ndtri(u) * self.scale + self.location)


class LogitT(ShareDistribution):
    """A share whose logit, log(share / (1 - share)), has a Student t distribution."""

    kind: Literal["logit-t"] = "logit-t"
    location: Finite
    """The median of the logit."""
    scale: Positive
    """The scale of the logit."""
    df: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    """The degrees of freedom: the fewer, the heavier the tails."""

    @cached_property
    def _standard(self) -> QuantileTable:
        """The arcsinh of the standard quantile by normal score; the quantile itself grows too fast."""
        # From the lower half, because probabilities near 1 lose their digits.
        return QuantileTable(
            lambda z: np.arcsinh(-np.sign(z) * special.stdtrit(self.df, special.ndtr(-np.abs(z))))
        )

    def _quantile(self, u: FloatArray) -> object:
        return special.expit(np.sinh(self._standard(special.ndtri(u))) * self.scale + self.location)


AnyDistribution = Annotated[
    Fixed | Uniform | Triangular | Pert | Beta | Lognormal | LogitNormal | LogitT | Discrete,
    Field(discriminator="kind"),
]


def _never_negative(distribution: Distribution) -> Distribution:
    refuse_if(distribution.support[0] < 0, "needs a distribution that is never below 0")
    return distribution


NeverNegative = AfterValidator(_never_negative)
"""It annotates a distribution of a number that cannot be negative."""


def check_adds_up(what: str, shares: Sequence[float]) -> None:
    """Raise an error if shares of a whole do not add up to 1.

    Raises:
        ValueError: the sum of the shares differs from 1 by more than rounding.
    """
    refuse_if(abs(sum(shares) - 1) > FLOAT_NOISE, f"has {what} that do not sum to 1")


NODES = 1024
MAX_NORMAL_SCORE = 8.3
"""The outermost normal scores of a table. A double cannot represent probabilities above the upper one."""
TINY = 1e-14
"""Below this a quantile is computed from the first term of its series, because it may underflow."""
FLOOR = -1e12
"""The smallest logarithm in a table; it replaces minus infinity."""


class QuantileTable:
    """A table of a smooth, increasing function of a normal score, with cubic interpolation.

    The table has 1,024 equal intervals. For the logarithm or the logit of a quantile, the error is about
    1e-10 unless a shape parameter is far below 0.1. Beyond the ends of the table, the function is constant.
    """

    def __init__(self, function: Callable[[FloatArray], FloatArray]) -> None:
        self._step = 2 * MAX_NORMAL_SCORE / NODES
        nodes = np.arange(-2.0, NODES + 3)
        y = np.maximum(function(nodes * self._step - MAX_NORMAL_SCORE), FLOOR)
        slopes = (8 * (y[3:-1] - y[1:-3]) - (y[4:] - y[:-4])) / 12
        rises, left, right = np.diff(y[2:-2]), slopes[:-1], slopes[1:]
        self._powers = np.stack([y[2:-3], left, 3 * rises - 2 * left - right, left + right - 2 * rises])

    def __call__(self, scores: FloatArray) -> FloatArray:
        """The interpolated value of the function at each score, in an array of the same shape."""
        at = (np.clip(scores, -MAX_NORMAL_SCORE, MAX_NORMAL_SCORE) + MAX_NORMAL_SCORE) / self._step
        node = np.minimum(at.astype(np.intp), NODES - 1)
        x = at - node
        c0, c1, c2, c3 = self._powers[:, node]
        return np.asarray(c0 + x * (c1 + x * (c2 + x * c3)))


def log_beta_quantile(a: float, b: float, scores: FloatArray) -> FloatArray:
    """The logarithm of beta quantiles at normal scores; correct even if the quantile itself underflows."""
    with np.errstate(all="ignore"):
        x = _quantiles_from_nearer_tail(special.betaincinv, special.betainccinv, (a, b), scores)
        first_term = (special.log_ndtr(scores) + np.log(a) + special.betaln(a, b)) / a
        return np.where(x * (1 + b) < TINY, first_term, np.log(x))


def log_gamma_quantile(shape: float, scores: FloatArray) -> FloatArray:
    """The logarithm of gamma (scale 1) quantiles at normal scores; correct even if a quantile underflows."""
    with np.errstate(all="ignore"):
        x = _quantiles_from_nearer_tail(special.gammaincinv, special.gammainccinv, (shape,), scores)
        first_term = (special.log_ndtr(scores) + special.gammaln(shape + 1)) / shape
        return np.where(x < TINY, first_term, np.log(x))


def _quantiles_from_nearer_tail(
    below: Callable[..., FloatArray],
    above: Callable[..., FloatArray],
    shapes: tuple[float, ...],
    scores: FloatArray,
) -> FloatArray:
    """Quantiles, computed from the lower tail for scores up to 0 and from the upper tail for larger scores.

    Probabilities close to 1 have few significant digits, so each half uses its own tail.
    """
    lower, tail = scores <= 0, special.ndtr(-np.abs(scores))
    quantiles = np.empty_like(scores)
    quantiles[lower], quantiles[~lower] = below(*shapes, tail[lower]), above(*shapes, tail[~lower])
    return quantiles
