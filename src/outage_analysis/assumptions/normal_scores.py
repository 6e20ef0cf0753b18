"""Fast quantiles: tabulated once by normal score (normal quantile of a probability), then interpolated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]

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
        x = _quantiles_from_nearer_tail(
            lambda u: special.betaincinv(a, b, u), lambda u: special.betainccinv(a, b, u), scores
        )
        first_term = (special.log_ndtr(scores) + np.log(a) + special.betaln(a, b)) / a
        return np.where(x * (1 + b) < TINY, first_term, np.log(x))


def log_gamma_quantile(shape: float, scores: FloatArray) -> FloatArray:
    """The logarithm of gamma (scale 1) quantiles at normal scores; correct even if a quantile underflows."""
    with np.errstate(all="ignore"):
        x = _quantiles_from_nearer_tail(
            lambda u: special.gammaincinv(shape, u), lambda u: special.gammainccinv(shape, u), scores
        )
        first_term = (special.log_ndtr(scores) + special.gammaln(shape + 1)) / shape
        return np.where(x < TINY, first_term, np.log(x))


def _quantiles_from_nearer_tail(
    below: Callable[[FloatArray], FloatArray], above: Callable[[FloatArray], FloatArray], scores: FloatArray
) -> FloatArray:
    """Quantiles, computed from the lower tail for scores up to 0 and from the upper tail for larger scores.

    Probabilities close to 1 have few significant digits, so each half uses its own tail.
    """
    lower = scores <= 0
    tail = special.ndtr(-np.abs(scores))
    quantiles = np.empty_like(scores)
    quantiles[lower], quantiles[~lower] = below(tail[lower]), above(tail[~lower])
    return quantiles
