"""Draws counts by the inverse method: the smallest count whose distribution function reaches a probability.

The probability is passed as a standard normal score. Policies with the same score and the same distribution
get the same count; a larger score never gives a smaller count.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy import special

from outage_analysis.assumptions import FloatArray

SMOOTH_FROM = 8.0
"""From this standard deviation on, the Cornish-Fisher expansion replaces the search. At most 1 % of the
counts are then wrong, each by one, which changes no probability by more than 0.0005."""
TABLE_WIDTH = 15.0
"""The number of standard deviations on either side of the mean that the table of a distribution covers."""
TABLE_MARGIN = 60.0
"""The additional counts that the table covers, because distributions with a small mean are skewed."""
TINY = 1e-300
"""Replaces zero in a denominator."""

Cumulative = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]


def binomial_count(score: FloatArray, trials: FloatArray, rate: FloatArray) -> FloatArray:
    """Return the binomial counts for the given normal scores, (n,); the arguments are broadcast.

    For a fractional number of trials, the distribution is a mixture for the two nearest whole numbers, so
    that the mean is trials x rate.

    Args:
        score: standard normal scores of the probabilities.
        trials: the numbers of trials, at least 0.
        rate: the probability of success per trial, 0 to 1.

    Example:
        >>> import numpy as np
        >>> binomial_count(np.array([-2.0, 0.0, 2.0]), np.full(3, 5.0), np.full(3, 0.4)).tolist()
        [0.0, 2.0, 4.0]
    """
    score, trials, rate = np.broadcast_arrays(score, trials, rate)
    refused = 1 - rate
    variance = trials * rate * refused
    positive = np.maximum(variance, TINY)
    skewness = (refused - rate) / np.sqrt(positive)
    excess = 1 / positive - 6 / np.maximum(trials, 1.0)
    return _inverse_counts(
        score, trials, rate, (trials * rate, variance, skewness, excess), np.ceil(trials), _binomial_cdf
    )


def poisson_count(score: FloatArray, mean: FloatArray) -> FloatArray:
    """Return the Poisson counts for the given normal scores, (n,); the arguments are broadcast.

    Args:
        score: standard normal scores of the probabilities.
        mean: the means of the Poisson distributions, at least 0.
    """
    score, mean = np.broadcast_arrays(score, mean)
    moments = (mean, mean, 1 / np.sqrt(np.maximum(mean, TINY)), 1 / np.maximum(mean, TINY))
    return _inverse_counts(
        score, mean, np.zeros_like(mean), moments, np.full_like(mean, np.inf), _poisson_cdf
    )


def _inverse_counts(
    score: FloatArray,
    size: FloatArray,
    rate: FloatArray,
    moments: tuple[FloatArray, ...],
    most: FloatArray,
    cumulative: Cumulative,
) -> FloatArray:
    """Return the smallest counts whose distribution function reaches the probabilities of the scores.

    If the variance is small, the counts come from a table (if all draws share one distribution) or from a
    search. Otherwise they come from the Cornish-Fisher expansion. `size` is the number of trials, or the mean
    of a Poisson count.
    """
    mean, variance, skewness, excess = moments
    searched = np.flatnonzero(variance < SMOOTH_FROM**2)
    if len(searched) == len(score) and not np.ptp(size) and not np.ptp(rate):
        first, below = _quantile_table(
            float(size[0]), float(rate[0]), float(mean[0]), float(variance[0]), cumulative
        )
        return np.asarray(first + np.minimum(np.searchsorted(below, score), len(below) - 1))
    quantile = cornish_fisher(score, np.clip(skewness, -1.0, 1.0), np.clip(excess, -1.0, 1.0))
    count = np.clip(np.floor(mean + np.sqrt(variance) * quantile + 0.5), 0.0, most)
    if len(searched):
        count[searched] = _search_counts(
            special.ndtr(score[searched]),
            count[searched],
            size[searched],
            rate[searched],
            most[searched],
            cumulative,
        )
    return count


def cornish_fisher(z: FloatArray, skewness: FloatArray | float, excess: FloatArray | float) -> FloatArray:
    """Return standardised quantiles at the normal scores z, by the expansion of Cornish and Fisher (1938)."""
    square = z * z
    bent = skewness * (square - 1) / 6 + z * (
        excess * (square - 3) / 24 - skewness * skewness * (2 * square - 5) / 36
    )
    return np.asarray(z + bent)


def _search_counts(
    u: FloatArray,
    count: FloatArray,
    size: FloatArray,
    rate: FloatArray,
    most: FloatArray,
    cumulative: Cumulative,
) -> FloatArray:
    up = np.flatnonzero(cumulative(count, size, rate) < u)
    down = np.setdiff1d(np.arange(len(u)), up, assume_unique=True)
    while len(up):
        count[up] += 1
        up = up[(count[up] < most[up]) & (cumulative(count[up], size[up], rate[up]) < u[up])]
    while len(down):
        down = down[count[down] > 0]
        down = down[cumulative(count[down] - 1, size[down], rate[down]) >= u[down]]
        count[down] -= 1
    return count


@lru_cache(maxsize=256)
def _quantile_table(
    size: float, rate: float, mean: float, variance: float, cumulative: Cumulative
) -> tuple[float, FloatArray]:
    reach = TABLE_WIDTH * variance**0.5 + TABLE_MARGIN
    first = max(math.floor(mean - reach), 0)
    counts = np.arange(first, math.ceil(mean + reach) + 1, dtype=float)
    below = cumulative(counts, np.full_like(counts, size), np.full_like(counts, rate))
    return float(first), special.ndtri(below)


def _binomial_cdf(count: FloatArray, trials: FloatArray, rate: FloatArray) -> FloatArray:
    whole = np.floor(trials)
    part = trials - whole
    below = _whole_binomial_cdf(count, whole, rate)
    if not part.any():
        return below
    return (1 - part) * below + part * _whole_binomial_cdf(count, whole + 1, rate)


def _whole_binomial_cdf(count: FloatArray, trials: FloatArray, rate: FloatArray) -> FloatArray:
    inside = (count >= 0) & (count < trials)
    failures = np.where(inside, trials - count, 1.0)
    below = special.betainc(failures, np.where(inside, count, 0.0) + 1, 1 - rate)
    return np.where(inside, below, (count >= trials).astype(float))


def _poisson_cdf(count: FloatArray, mean: FloatArray, _: FloatArray) -> FloatArray:
    return np.asarray(special.gammaincc(count + 1, mean))
