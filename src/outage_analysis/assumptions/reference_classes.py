"""The distribution of a rate: from the rates of comparable events, and from counts of the same event.

Comparable events are called reference classes. A written rule predicts the rate of a new event from them.
Counts of an event update the rate of that event only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
import polars as pl
from pydantic import Field, ValidationError, model_validator
from scipy import special

from outage_analysis.assumptions.bounded_distributions import (
    Beta,
    LogitNormal,
    LogitT,
    Pert,
    Triangular,
    Uniform,
)
from outage_analysis.assumptions.distribution_type import Distribution, Interval
from outage_analysis.assumptions.normal_scores import FloatArray
from outage_analysis.errors import ModelRefused, UsageError, check_level
from outage_analysis.incidents import get_fact
from outage_analysis.policies import Effort

EFFORT_GROUPS: Mapping[Effort, tuple[str, ...]] = {
    "form": (
        "TU-FTC-packet",
        "TU-FTC-postcard",
        "TU-FTC-email",
        "TU-CFPB.median",
        "TU-RAIL30.2020",
        "TU-RAIL15.2020",
    ),
    "documents": ("TU-KIRI-in", "TU-KIRI-out", "TU-KIRI-drug", "TU-KIRI-small"),
    "one_tap": ("TU-APPCOUPON", "TU-SMSCOUPON", "TU-ONLINECOUPON"),
}
"""The published reference classes (data/published/take-up.csv), grouped by the effort that claimants must
make. Each population appears once, and no class contains another. All were public by 31 December 2021."""
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


def published_spread(classes: Collection[str] = ()) -> Spread:
    """The variance of logit rates between events, pooled over published groups of events of equal effort.

    The variance is the mean square of the distances of the logits from their group mean. Classes from one
    source are not independent events, so the weight is the number of sources minus the number of groups.

    Args:
        classes: facts that an assumption uses. Their sources are left out, so that no data counts twice.

    Raises:
        UsageError: there is no such fact.
    """
    used = {get_fact(c).source for c in classes}
    squares, degrees_of_freedom, weight = 0.0, 0, 0
    for group in EFFORT_GROUPS.values():
        facts = [fact for fact in map(get_fact, group) if fact.source not in used]
        if facts:
            squares += _sum_of_squares(_logits([fact.middle / 100 for fact in facts]))
            degrees_of_freedom += len(facts) - 1
            weight += len({fact.source for fact in facts}) - 1
    return Spread(squares / degrees_of_freedom if degrees_of_freedom else 0.0, weight)


def minimum_spread(left_out: Collection[str] = ()) -> float:
    """The lower limit of the spread between events: the smallest standard deviation in any effort group.

    Args:
        left_out: classes that a forecast must not use. A group with a single class left has no standard
            deviation; if no group has one, the limit is 0.
    """
    groups = ([c for c in group if c not in left_out] for group in EFFORT_GROUPS.values())
    logits = [_logits([get_fact(c).middle / 100 for c in group]) for group in groups if len(group) > 1]
    return float(min((x.std(ddof=1) for x in logits), default=0.0))


def reference_class_prior(
    shares: Sequence[float], spread: Spread | None = None, minimum: float | None = None
) -> LogitT:
    """The prior distribution of the rate in a new event, from the rates of comparable events (classes).

    Each class is one observation, however many people it counted. On the logit scale the rate of a new event
    follows a Student t distribution around the mean of the classes. Its variance is the variance of the
    classes pooled with the published variance, weighted by degrees of freedom, and is at least
    `minimum_spread` squared.

    Args:
        shares: observed rates, each strictly between 0 and 1.
        spread: the spread between other events; by default the spread of all published effort groups.
        minimum: the lower limit of the spread; by default `minimum_spread` of all classes.

    Raises:
        ModelRefused: a share is 0 or 1, there is no share, or there is a single share and no spread.
    """
    if not shares or not all(0 < share < 1 for share in shares):
        raise ModelRefused("reference classes need shares between 0 and 1, ends excluded", remedy=REMEDY)
    pooled = published_spread() if spread is None else spread
    logits = _logits(shares)
    location, n = float(logits.mean()), len(logits)
    df = pooled.weight + n - 1
    if not df:
        raise ModelRefused("one reference class says nothing of the spread between events", remedy=REMEDY)
    variance = (pooled.weight * pooled.variance + _sum_of_squares(logits)) / df
    least = minimum_spread() if minimum is None else minimum
    scale = max(variance**0.5, least) * (1 + 1 / n) ** 0.5
    if n <= FEW_CLASSES:
        farthest = float(np.abs(logits - location).max())
        scale = max(scale, farthest / float(special.stdtrit(df, (1 + INTERVAL_LEVEL) / 2)))
    return LogitT(location=location, scale=scale, df=df)


def _logits(shares: Sequence[float]) -> FloatArray:
    return np.asarray(special.logit(np.asarray(shares, float)))


def _sum_of_squares(logits: FloatArray) -> float:
    """The sum of squared distances of the logits from their mean."""
    return float(((logits - logits.mean()) ** 2).sum())


def leave_one_out(
    shares: Mapping[str, float], level: float = INTERVAL_LEVEL, spread: Spread | None = None
) -> pl.DataFrame:
    """Test `reference_class_prior`: compare each class's rate with the prior from the other classes.

    Args:
        shares: observed rates by class.
        level: the level of the prediction interval.
        spread: the spread between events other than these classes; by default the spread of all effort
            groups.

    Returns:
        One row per class: `class`, `share`, `low`, `high` (the interval from the others), `inside`, and
        `percentile`, the prior probability of a rate of at most `share`.

    Raises:
        ModelRefused: there are fewer than two classes, or the other classes give no prior.
        UsageError: the level is not strictly between 0 and 1.
    """
    check_level(level)
    rows = []
    for left_out, share in shares.items():
        others = [s for name, s in shares.items() if name != left_out]
        prior = reference_class_prior(others, spread)
        low, high = prior.quantile([(1 - level) / 2, (1 + level) / 2]).tolist()
        rows.append((left_out, share, low, high, low <= share <= high, float(prior.cdf(share))))
    columns = {"class": pl.String, **dict.fromkeys(("share", "low", "high"), pl.Float64)}
    return pl.DataFrame(rows, {**columns, "inside": pl.Boolean, "percentile": pl.Float64}, orient="row")


MAX_NORMAL_SCORE = 8.2
"""Beyond this normal score a double cannot represent a probability below 1."""
CONTRADICTION = 6.0
"""How many standard deviations apart the prior and the counts must be to contradict each other."""
NEGLIGIBLE = 40.0
"""Log densities this far below the maximum are treated as zero."""
REFINEMENTS = 6
COARSE_STEPS, FINE_STEPS = 2**9, 2**14

RatePrior = Annotated[Beta | LogitNormal | LogitT | Uniform | Triangular | Pert, Field(discriminator="kind")]


class PosteriorGrid(NamedTuple):
    """A posterior distribution of a rate, tabulated on a grid."""

    scores: FloatArray
    """Normal scores of the prior."""
    rates: FloatArray
    """The rate at each score."""
    weights: FloatArray
    """The posterior probability of each grid point."""
    below: FloatArray
    """The cumulative posterior probability up to each grid point."""


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
    hits: Annotated[int, Field(ge=0)]
    """The number of successes."""
    of: Annotated[int, Field(ge=1)]
    """The number of trials."""

    @model_validator(mode="after")
    def _counts_of_a_rate(self) -> Self:
        low, high = self.prior.support
        if low < 0 or high > 1:
            raise ValueError("needs a prior of a rate, between 0 and 1")
        if self.hits > self.of:
            raise ValueError("needs hits <= of")
        return self

    @cached_property
    def posterior(self) -> PosteriorGrid:
        """The posterior distribution, tabulated on a grid.

        Raises:
            ModelRefused: the prior makes the observed rate practically impossible.
        """
        low, high = -MAX_NORMAL_SCORE, MAX_NORMAL_SCORE
        for _ in range(REFINEMENTS):
            scores = np.linspace(low, high, COARSE_STEPS + 1)
            density = self._log_density(scores)
            relevant = np.flatnonzero(density > density.max() - NEGLIGIBLE)
            low, high = scores[max(relevant[0] - 1, 0)], scores[min(relevant[-1] + 1, COARSE_STEPS)]
        scores = np.linspace(low, high, FINE_STEPS + 1)
        density = self._log_density(scores)
        best_likelihood = float(self._log_likelihood(np.array(self.hits / self.of)))
        if best_likelihood - density.max() > CONTRADICTION**2 / 2:
            raise ModelRefused(
                f"the prior all but excludes a rate that gives {self.hits:,} of {self.of:,}",
                remedy="Choose classes that could show such a rate, or state a wider prior.",
            )
        heights = np.exp(density - density.max())
        below = np.concatenate([[0.0], np.cumsum(heights[:-1] + heights[1:])])
        return PosteriorGrid(scores, self._rates(scores), heights / heights.sum(), below / below[-1])

    def _rates(self, scores: FloatArray) -> FloatArray:
        return self.prior.quantile(np.asarray(special.ndtr(scores)))

    def _log_density(self, scores: FloatArray) -> FloatArray:
        """The log posterior density, up to a constant, at points given as normal scores of the prior."""
        return self._log_likelihood(self._rates(scores)) - scores**2 / 2

    def _log_likelihood(self, rates: FloatArray) -> FloatArray:
        return np.asarray(special.xlogy(self.hits, rates) + special.xlog1py(self.of - self.hits, -rates))

    def _moments(self) -> tuple[float, float]:
        _, rates, weights, _ = self.posterior
        mean = np.average(rates, weights=weights)
        return float(mean), float(np.average((rates - mean) ** 2, weights=weights))

    def _support(self) -> Interval:
        return self.prior.support

    def _quantile(self, u: FloatArray) -> FloatArray:
        scores, _, _, below = self.posterior
        return self._rates(np.interp(u, below, scores))

    def _cdf(self, x: FloatArray) -> FloatArray:
        scores, _, _, below = self.posterior
        return np.asarray(np.interp(special.ndtri(self.prior.cdf(x)), scores, below))

    def _capped_mean(self, ceiling: float) -> float:
        _, rates, weights, _ = self.posterior
        return float(np.average(np.minimum(rates, ceiling), weights=weights))


def update_rate(prior: Distribution, hits: int, of: int) -> UpdatedRate:
    """The posterior distribution of an event's rate after `hits` successes in `of` trials of the event.

    Raises:
        UsageError: the counts are invalid, or the prior is not a continuous distribution of a rate.
        ModelRefused: the prior makes the observed rate practically impossible.
    """
    try:
        updated = UpdatedRate.model_validate({"prior": prior, "hits": hits, "of": of})
    except ValidationError as error:
        problem = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"an update {problem[:1].lower()}{problem[1:]}", value=f"{hits} of {of}") from error
    _ = updated.posterior  # compute now: if prior and counts contradict, the error belongs here
    return updated
