"""The distribution of a rate: from the rates of comparable events, and from counts of the same event.

Comparable events are called reference classes. A written rule predicts the rate of a new event from them.
Counts of an event update the rate of that event only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from outage_analysis.assumptions.distributions import (
    Beta,
    Distribution,
    FloatArray,
    Interval,
    LogitNormal,
    LogitT,
    Pert,
    Triangular,
    Uniform,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import get_fact, published_rates
from outage_analysis.special_functions import special

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
        public_by: leave out classes that were not public by this day, or have no day.
        without: events that are left out, such as the one whose rate is forecast.

    Returns:
        (effort, of) -> ids of facts in percent.
    """
    topic = "acceptance" if kind == "acceptance" else "take-up"
    rates = published_rates().filter(
        pl.col("topic") == topic,
        pl.col("event").is_not_null(),
        pl.col("public_on").fill_null(date.max) <= (public_by or date.max),
    )
    latest = (
        rates.filter(~pl.col("event").is_in(list(without)))
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
        public_by: leave out classes that were not public by this day, or have no day.
        without: further events that are left out.

    Raises:
        UsageError: there is no such fact.
    """
    used = published_rates().filter(pl.col("id").is_in([get_fact(c).id for c in classes]))
    events = {*used["event"].drop_nulls(), *without}
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


MAX_NORMAL_SCORE = 8.2
"""Beyond this normal score a double cannot represent a probability below 1."""
CONTRADICTION = 6.0
"""How many standard deviations apart the prior and the counts must be to contradict each other."""
NEGLIGIBLE = 40.0
"""Log densities this far below the maximum are treated as zero."""
REFINEMENTS = 6
COARSE_STEPS, FINE_STEPS = 2**9, 2**14

RatePrior = Beta | LogitNormal | LogitT | Uniform | Triangular | Pert


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
        low, high = -MAX_NORMAL_SCORE, MAX_NORMAL_SCORE
        for _ in range(REFINEMENTS):
            scores = np.linspace(low, high, COARSE_STEPS + 1)
            density = self._log_likelihood(self._rates(scores)) - scores**2 / 2
            relevant = np.flatnonzero(density > density.max() - NEGLIGIBLE)
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
