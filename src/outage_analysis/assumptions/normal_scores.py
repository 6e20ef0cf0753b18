"""Quantiles over normal scores: tabled once, they cost a look-up a point instead of a search."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]

NODES = 1024
MAX_NORMAL_SCORE = 8.3
"""The outermost normal scores of a table: no probability of double precision lies above the upper one."""
TINY = 1e-14
"""Below this a quantile follows from the first term of its series: it may be too small for a number."""
FLOOR = -1e12


class QuantileTable:
    """A smooth, rising function of a normal score, by cubic interpolation between 1,024 even nodes.

    Interpolated on the logarithm or the logit of a law, it is right to about 1e-10 unless a shape lies
    far below 0.1. A score beyond the outermost node counts as that node.
    """

    def __init__(self, function: Callable[[FloatArray], FloatArray]) -> None:
        self._step = 2 * MAX_NORMAL_SCORE / NODES
        two_beyond = np.arange(-2.0, NODES + 3)
        y = np.maximum(function(two_beyond * self._step - MAX_NORMAL_SCORE), FLOOR)
        slopes = (8 * (y[3:-1] - y[1:-3]) - (y[4:] - y[:-4])) / 12
        rises, left, right = np.diff(y[2:-2]), slopes[:-1], slopes[1:]
        self._powers = np.stack([y[2:-3], left, 3 * rises - 2 * left - right, left + right - 2 * rises])

    def __call__(self, scores: FloatArray) -> FloatArray:
        """The function at each score, (...) -> (...)."""
        at = (np.clip(scores, -MAX_NORMAL_SCORE, MAX_NORMAL_SCORE) + MAX_NORMAL_SCORE) / self._step
        node = np.minimum(at.astype(np.intp), NODES - 1)
        x = at - node
        c0, c1, c2, c3 = self._powers[:, node]
        return np.asarray(c0 + x * (c1 + x * (c2 + x * c3)))


def log_beta_quantile(a: float, b: float, scores: FloatArray) -> FloatArray:
    """The logarithm of the quantile of a beta law at normal scores, also where the quantile underflows."""
    with np.errstate(all="ignore"):
        x = _from_the_near_end(
            lambda u: special.betaincinv(a, b, u), lambda u: special.betainccinv(a, b, u), scores
        )
        first_term = (special.log_ndtr(scores) + np.log(a) + special.betaln(a, b)) / a
        return np.where(x * (1 + b) < TINY, first_term, np.log(x))


def log_gamma_quantile(shape: float, scores: FloatArray) -> FloatArray:
    """The logarithm of the quantile of a gamma law of scale 1, also where the quantile underflows."""
    with np.errstate(all="ignore"):
        x = _from_the_near_end(
            lambda u: special.gammaincinv(shape, u), lambda u: special.gammainccinv(shape, u), scores
        )
        first_term = (special.log_ndtr(scores) + special.gammaln(shape + 1)) / shape
        return np.where(x < TINY, first_term, np.log(x))


def _from_the_near_end(
    below: Callable[[FloatArray], FloatArray], above: Callable[[FloatArray], FloatArray], scores: FloatArray
) -> FloatArray:
    """Quantiles from the share below in the lower half, above in the upper: next to 1 a share is blunt."""
    lower = scores <= 0
    near = special.ndtr(-np.abs(scores))
    found = np.empty_like(scores)
    found[lower], found[~lower] = below(near[lower]), above(near[~lower])
    return found
