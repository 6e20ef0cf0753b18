"""Distributions that a ledger may state: `distribution = { kind = "pert", low = 1, mode = 2, high = 4 }`.

The distribution of a rate can also follow from the rates of comparable events, which are called reference
classes: a written rule predicts the rate of a new event from them. Counts of an event update the rate of that
event only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from datetime import date
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from pydantic import AfterValidator, Field
from scipy import special

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import Document, refuse_if
from outage_analysis.incidents import get_fact, published_rates

FloatArray = NDArray[np.float64]
Interval = tuple[float, float]
Finite = Annotated[float, Field(ge=-1e100, le=1e100, allow_inf_nan=False)]
"""A number small enough that its square is still finite."""
Positive = Annotated[float, Field(gt=0, le=1e100, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]

MIDPOINTS = (np.arange(20_000) + 0.5) / 20_000
"""Probabilities at which logit distributions are averaged, because their moments have no closed form."""


class Distribution(Document, ABC):
    """The distribution of one uncertain number."""

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
        if isinstance(self, PointDistribution | BoundedDistribution):
            return self.support
        low, high = self.quantile((0.01, 0.99)).tolist()
        return min(low, self.mean), max(high, self.mean)

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
        for _ in range(53):  # then the ends are adjacent
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
    def support(self) -> Interval:
        """The smallest and the largest possible value, or infinity without a bound: 0 and 1 for a share."""
        return 0.0, 1.0

    @abstractmethod
    def _quantile(self, u: FloatArray) -> object: ...

    def _capped_mean(self, ceiling: float) -> float:
        """The mean of min(value, ceiling), for a ceiling between the smallest and largest possible value."""
        values, weights = self.points
        return float(np.average(np.minimum(values, ceiling), weights=weights))


class PointDistribution(Distribution):
    """A distribution over single values, each with its probability."""

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


class Pert(BoundedDistribution):
    """The PERT distribution: a scaled beta with mean (low + weight x mode + high) / (weight + 2)."""

    mode: Finite
    """The most likely value."""
    kind: Literal["pert"] = "pert"
    weight: Annotated[float, Field(gt=0, le=1e6)] = 4.0
    """The weight of the mode in the mean, where each bound weighs 1."""

    def _check(self) -> None:
        super()._check()
        refuse_if(not self.low <= self.mode <= self.high, "needs low <= mode <= high")

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


class Beta(Distribution):
    """The beta distribution of a share, as precise as if `a` successes and `b` failures had been observed."""

    kind: Literal["beta"] = "beta"
    a: Weight
    """The weight of the ones; the mean is a / (a + b)."""
    b: Weight
    """The weight of the zeros."""

    @cached_property
    def logits(self) -> QuantileTable:
        """A table from normal scores (normal quantiles of probabilities) to the logits of the share."""
        return QuantileTable(
            lambda z: log_beta_quantile(self.a, self.b, z) - log_beta_quantile(self.b, self.a, -z)
        )

    @property
    def mean(self) -> float:
        """The share of the weight of the ones."""
        return self.a / (self.a + self.b)

    def _quantile(self, u: FloatArray) -> object:
        return special.expit(self.logits(special.ndtri(u)))

    def _capped_mean(self, ceiling: float) -> float:
        below = self.mean * special.betainc(self.a + 1, self.b, ceiling)
        return float(below + ceiling * special.betaincc(self.a, self.b, ceiling))


class LogitT(Distribution):
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
    Fixed | Uniform | Pert | Beta | Lognormal | LogitT | Discrete, Field(discriminator="kind")
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
    refuse_if(not np.isclose(sum(shares), 1, rtol=0, atol=1e-9), f"has {what} that do not sum to 1")


NODES = 1024
MAX_NORMAL_SCORE = 8.3
"""The outermost normal scores of a table. A double cannot represent probabilities above the upper one."""
TINY = 1e-14
"""Below this a quantile is computed from the first term of its series, because it may underflow."""


class QuantileTable:
    """A table of a smooth, increasing function of a normal score, with cubic interpolation.

    The table has 1,024 equal intervals. For the logarithm or the logit of a quantile, the error is about
    1e-10 unless a shape parameter is far below 0.1. Beyond the ends of the table, the function is constant.
    """

    def __init__(self, function: Callable[[FloatArray], FloatArray]) -> None:
        self._step = 2 * MAX_NORMAL_SCORE / NODES
        nodes = np.arange(-2.0, NODES + 3)
        y = np.maximum(function(nodes * self._step - MAX_NORMAL_SCORE), -1e12)  # not minus infinity
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


INTERVAL_LEVEL = 0.8
"""The level of the prediction interval by which the rule is evaluated."""
FEW_CLASSES = 3
"""With up to this many classes, the interval is widened to contain all of them."""
REMEDY = "State the distribution of the rate in the ledger."


class Spread(NamedTuple):
    """The spread between the rates of events with the same effort, as a variance of their logits."""

    variance: float
    """The variance of the logits."""
    weight: int
    """Its degrees of freedom."""


def class_groups(
    kind: str, *, public_by: date | None = None, without: Collection[str] = ()
) -> dict[tuple[str, str], tuple[str, ...]]:
    """The published reference classes of a kind of rate (data/published/rates.csv), one per event and group.

    A group is what claimants must do (`effort`) and of whom the rate is a share (`of`), such as `form` and
    `entitled`. Of several rows of one event the latest stands for it.

    Args:
        kind: the kind of assumption: acceptance; every other kind follows from the take-up of people.
        public_by: leave out rates that were published after this day, or on an unknown day.
        without: events that are left out, such as the one whose rate is forecast.

    Returns:
        (effort, of) -> ids of facts in percent.
    """
    latest = (
        published_rates()
        .filter(
            pl.col("topic") == ("acceptance" if kind == "acceptance" else "take-up"),
            pl.col("event").is_not_null() & ~pl.col("event").is_in(list(without)),
            pl.col("public_on").fill_null(date.max) <= (public_by or date.max),
        )
        .sort("public_on", maintain_order=True)
        .group_by("effort", "of", "event", maintain_order=True)
        .agg(pl.col("id").last())
        .group_by("effort", "of", maintain_order=True)
        .agg("id")
    )
    return {(effort, of): tuple(ids) for effort, of, ids in latest.iter_rows()}


def published_spread(
    kind: str, classes: Collection[str] = (), *, public_by: date | None = None, without: Collection[str] = ()
) -> Spread:
    """The variance of logit rates between events, pooled over the groups of published classes of a kind.

    The variance is the mean square of the distances of the logits from the mean of their group.

    Args:
        kind: the kind of assumption, as in `class_groups`.
        classes: facts that an assumption uses. Their events are left out, so that no data counts twice.
        public_by: leave out rates that were published after this day, or on an unknown day.
        without: further events that are left out.

    Raises:
        UsageError: there is no such fact.
    """
    used = pl.col("id").is_in([get_fact(c).id for c in classes])
    events = {*published_rates().filter(used)["event"].drop_nulls(), *without}
    squares, degrees_of_freedom = 0.0, 0
    for group in class_groups(kind, public_by=public_by, without=events).values():
        squares += _sum_of_squares(_logits([get_fact(c).middle / 100 for c in group]))
        degrees_of_freedom += len(group) - 1
    return Spread(squares / degrees_of_freedom if degrees_of_freedom else 0.0, degrees_of_freedom)


def reference_class_prior(shares: Sequence[float], spread: Spread) -> LogitT:
    """The prior distribution of the rate in a new event, from the rates of comparable events (classes).

    Each class is one observation, however many people it counted. On the logit scale the rate of a new event
    follows a Student t distribution around the mean of the classes. Its variance is the variance of the
    classes pooled with that of other events, weighted by degrees of freedom. With up to three classes the
    range is wide enough to contain all of them.

    Args:
        shares: observed rates, each strictly between 0 and 1.
        spread: the spread between other events, as from `published_spread`.

    Raises:
        ModelRefused: a share is 0 or 1, there is no share, or there is a single share and no spread.
    """
    if not shares or not all(0 < share < 1 for share in shares):
        raise ModelRefused("reference classes need shares between 0 and 1, ends excluded", remedy=REMEDY)
    logits = _logits(shares)
    location, n = float(logits.mean()), len(logits)
    df = spread.weight + n - 1
    if not df:
        raise ModelRefused("one reference class says nothing of the spread between events", remedy=REMEDY)
    variance = (spread.weight * spread.variance + _sum_of_squares(logits)) / df
    scale = (variance * (1 + 1 / n)) ** 0.5
    if n <= FEW_CLASSES:
        farthest = float(np.abs(logits - location).max())
        scale = max(scale, farthest / float(special.stdtrit(df, (1 + INTERVAL_LEVEL) / 2)))
    return LogitT(location=location, scale=scale, df=df)


def _logits(shares: Sequence[float]) -> FloatArray:
    return np.asarray(special.logit(np.asarray(shares, float)))


def _sum_of_squares(logits: FloatArray) -> float:
    """The sum of squared distances of the logits from their mean."""
    return float(((logits - logits.mean()) ** 2).sum())


CONTRADICTION = 6.0
"""How many standard deviations apart the prior and the counts must be to contradict each other."""
COARSE_STEPS, FINE_STEPS = 2**9, 2**14

RatePrior = Beta | LogitT | Uniform | Pert


class UpdatedRate(Distribution):
    """The posterior distribution of an event's rate after `hits` successes in `of` independent trials.

    The posterior density is the prior density times the binomial likelihood, on a grid of 16,385 points where
    it is not negligible. The grid's axis is the normal score of the prior probability, so every prior is a
    standard normal distribution on this axis. The prior itself does not change: it remains the distribution
    of the rate in the next event, because data from one event say nothing about the spread between events.
    """

    kind: Literal["updated"] = "updated"
    prior: RatePrior
    """The distribution before the counts."""
    hits: int
    """The number of successes."""
    of: int
    """The number of trials."""

    @cached_property
    def posterior(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """The posterior distribution, tabulated on a grid of normal scores of the prior.

        The four arrays are score, rate, probability and cumulative probability of each point.

        Raises:
            ModelRefused: the prior makes the observed rate practically impossible.
        """
        low, high = -8.2, 8.2  # Beyond these scores a double cannot represent a probability below 1.
        for _ in range(6):
            scores = np.linspace(low, high, COARSE_STEPS + 1)
            density = self._log_likelihood(self._rates(scores)) - scores**2 / 2
            relevant = np.flatnonzero(density > density.max() - 40)  # Smaller densities count as zero.
            low, high = scores[max(relevant[0] - 1, 0)], scores[min(relevant[-1] + 1, COARSE_STEPS)]
        scores = np.linspace(low, high, FINE_STEPS + 1)
        rates = self._rates(scores)
        density = self._log_likelihood(rates) - scores**2 / 2
        best_likelihood = float(self._log_likelihood(np.array(self.hits / self.of)))
        if best_likelihood - density.max() > CONTRADICTION**2 / 2:
            raise ModelRefused(
                f"the prior all but excludes a rate that gives {self.hits:,} of {self.of:,}",
                remedy="Choose classes that could show such a rate, or state a wider prior.",
            )
        heights = np.exp(density - density.max())
        below = np.concatenate([[0.0], np.cumsum(heights[:-1] + heights[1:])])
        return scores, rates, heights / heights.sum(), below / below[-1]

    def _rates(self, scores: FloatArray) -> FloatArray:
        return self.prior.quantile(special.ndtr(scores))

    def _log_likelihood(self, rates: FloatArray) -> FloatArray:
        return np.asarray(special.xlogy(self.hits, rates) + special.xlog1py(self.of - self.hits, -rates))

    @cached_property
    def points(self) -> tuple[FloatArray, FloatArray]:
        """The rates of the grid, and their probabilities."""
        return self.posterior[1], self.posterior[2]

    @property
    def support(self) -> Interval:
        """The support of the prior."""
        return self.prior.support

    def _quantile(self, u: FloatArray) -> object:
        scores, _, _, below = self.posterior
        return self._rates(np.interp(u, below, scores))


def update_rate(prior: Distribution, hits: int, of: int) -> UpdatedRate:
    """The posterior distribution of an event's rate after `hits` successes in `of` trials of the event.

    Raises:
        UsageError: the counts are invalid, or the prior is not a continuous distribution of a rate.
        ModelRefused: the prior makes the observed rate practically impossible.
    """
    if not 0 <= hits <= of or not of:
        raise UsageError("an update needs 0 <= hits <= of, and at least one trial", value=f"{hits} of {of}")
    if not isinstance(prior, RatePrior) or prior.support[0] < 0 or prior.support[1] > 1:
        raise UsageError("an update needs a continuous prior of a rate, between 0 and 1", value=prior)
    updated = UpdatedRate(prior=prior, hits=hits, of=of)
    _ = updated.posterior  # compute now: if prior and counts contradict, the error belongs here
    return updated
