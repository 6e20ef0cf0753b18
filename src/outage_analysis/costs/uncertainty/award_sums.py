"""The distribution of the sum of a known number of lognormal awards.

The sum has no closed form, and another distribution with the same mean and variance would be wrong in the
tail. So the quantiles are tabulated: one award is put on a lattice, its Fourier transform is raised to the
power of the count, and the result is transformed back.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy import special

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.uncertainty.inverse_counts import cornish_fisher

SCORES = np.linspace(-5.0, 5.0, 201)
"""Normal scores of the tabulated quantiles: 3e-7 to 1 - 3e-7."""
LARGEST_AWARD_SCORE = 5.2
"""Normal score of the largest single award that the lattice holds."""
STEP = 0.05
"""Lattice step as a share of one standard deviation, or of the median award times the root of the count."""
FEWEST_POINTS, MOST_POINTS = 2**11, 2**19
GROWTH = 1.3
"""The ratio of neighbouring counts in the table for counts above 8; every smaller count has a row."""
EXACT_COUNTS_TO = 8
EXPANSION_BELOW = 0.15
"""If the skewness of the sum is below this, the expansion of Cornish and Fisher replaces the lattice."""


def award_sum(score: FloatArray, counts: FloatArray, spread: float) -> FloatArray:
    """Return, per number of lognormal awards with mean 1, the quantile of their sum at a score, (n,).

    Args:
        score: the quantile to take of each sum, as a standard normal score.
        counts: the number of awards in each sum.
        spread: the standard deviation of one award.

    Example:
        >>> import numpy as np
        >>> award_sum(np.array([0.0, 0.0]), np.array([0.0, 1.0]), 1.0).round(3).tolist()
        [0.0, 0.707]
    """
    if not spread or not counts.any():
        return counts.astype(float)
    score = np.clip(score, SCORES[0], SCORES[-1])
    rows = _table_counts(float(counts[counts > 0].min()), float(counts.max()))
    table = np.array([_log_mean_quantiles(n, spread) for n in rows])
    row = np.interp(np.log(np.maximum(counts, 1.0)), np.log(rows), np.arange(len(rows)))
    column = (score - SCORES[0]) / (SCORES[1] - SCORES[0])
    return np.asarray(counts * np.exp(_bilinear(table, row, column)))


def award_sum_table(most: float, spread: float) -> tuple[list[int], list[FloatArray]]:
    """Tabulate the sums of 1 to `most` awards.

    Returns:
        The numbers of awards, one per row, and the rows: logarithms of the quantiles of the mean of so many
        awards at the normal scores `SCORES`.
    """
    rows = _table_counts(1.0, max(most, 1.0))
    return rows, [_log_mean_quantiles(n, spread) for n in rows]


def _table_counts(least: float, most: float) -> list[int]:
    """Return the numbers of awards to tabulate, from at most `least` to above `most`: two or more."""
    counts = [*range(1, EXACT_COUNTS_TO + 1)]
    while counts[-1] <= most:
        counts.append(math.ceil(counts[-1] * GROWTH))
    first = next(k for k, n in enumerate(counts) if n > least) - 1
    last = next(k for k, n in enumerate(counts) if n > most)
    return counts[first : last + 1]


@lru_cache(maxsize=1024)
def _log_mean_quantiles(count: int, spread: float) -> FloatArray:
    """Return the logarithms of the quantiles of the mean of `count` awards, at the normal scores `SCORES`."""
    sigma = math.sqrt(math.log1p(spread**2))
    if count == 1:
        return SCORES * sigma - sigma**2 / 2
    deviation = spread / math.sqrt(count)
    skewness = (spread**3 + 3 * spread) / math.sqrt(count)
    if skewness < EXPANSION_BELOW:
        w = 1 + spread**2
        excess = (w**4 + 2 * w**3 + 3 * w**2 - 6) / count
        return np.log1p(deviation * cornish_fisher(SCORES, skewness, excess))
    # The lattice must be long enough for one extreme award if the other awards are near their mean.
    top = count + math.exp(sigma * LARGEST_AWARD_SCORE - sigma**2 / 2) + 8 * spread * math.sqrt(count)
    wanted = STEP * min(spread, math.sqrt(count) * math.exp(-(sigma**2) / 2))
    points = int(np.clip(2 ** math.ceil(math.log2(top / wanted)), FEWEST_POINTS, MOST_POINTS // 2))
    step = top / points
    power = np.fft.irfft(np.fft.rfft(_award_on_lattice(points, step, sigma), 2 * points) ** count, 2 * points)
    below = np.cumsum(np.maximum(power, 0.0))
    # The probability of a lattice point is spread over half a step on either side of the point.
    edges = (np.arange(len(below)) + 0.5) * step
    quantiles = np.interp(special.ndtr(SCORES), below / below[-1], edges)
    return np.asarray(np.log(quantiles / count))


def _award_on_lattice(points: int, step: float, sigma: float) -> FloatArray:
    edges = np.arange(points + 1) * step
    scores = np.append(-np.inf, (np.log(edges[1:]) + sigma**2 / 2) / sigma)
    below, weighted = special.ndtr(scores), special.ndtr(scores - sigma)
    mass, mean = np.diff(below), np.diff(weighted)
    upper = np.clip(mean / step - np.arange(points) * mass, 0.0, mass)
    lattice = np.zeros(points + 1)
    lattice[:-1] += mass - upper
    lattice[1:] += upper
    return lattice[:points]


def _bilinear(table: FloatArray, row: FloatArray, column: FloatArray) -> FloatArray:
    above = np.minimum(row.astype(int), table.shape[0] - 2)
    left = np.minimum(column.astype(int), table.shape[1] - 2)
    down, right = row - above, column - left
    upper = table[above, left] * (1 - right) + table[above, left + 1] * right
    lower = table[above + 1, left] * (1 - right) + table[above + 1, left + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)
