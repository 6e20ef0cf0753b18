"""Update of a rate with counts from the same event. Rates of other events are not changed."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
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
from outage_analysis.errors import ModelRefused, UsageError

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
        """The logarithm of the posterior density at normal scores of the prior, up to a constant."""
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
    _ = updated.posterior  # computed now, so that a contradiction is raised here and not at first use
    return updated
