"""Growth curves (the share of claims filed by each time), and grids of weighted curve parameters.

Parameters are weighted on a grid, because the likelihood often has no useful maximum. With few increments,
the likelihood has a long ridge towards a constant rate of intake. Along the ridge the parameters diverge,
while the number of late claims hardly changes. The grid narrows to the parameters with non-negligible weight,
so that it is fine enough for any number of claims. The same counts always give the same grid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from outage_analysis.losses.development.observed_counts import Array, IntakeIncrements

SHAPES = (1 / 4, 4.0)
"""The range of the shape parameter. On the logarithm of time, filing times are between four times as spread
out and four times as narrow as those of an exponential distribution. Below 1 the intake rate falls from the
start."""
MEDIANS = (1 / 200, 20.0)
"""The range of the median filing time, as a multiple of the observed time span. At the lower end half of all
claims came in the first 0.5 % of the span. At the upper end the rate of an exponential curve falls by 3.4 %
over the span, which counts cannot distinguish from a constant rate."""
NODES = 33
"""The number of nodes on each axis of a grid."""
DIFFERENCE = 1e-4
"""The step, on the logarithmic scale, of the finite differences for the Fisher information."""
MAX_LOG_WEIGHT_GAP = 18.0
"""Nodes whose weight is below exp(-18) times the largest weight are left out."""
MAX_ROUNDS, MIN_SHRINKAGE = 12, 0.75
"""The grid narrows at most 12 times, and stops if a round keeps more than 75 % of its width."""


CURVES: Mapping[str, int] = {"exponential": 2, "weibull": 3, "loglogistic": 3, "lognormal": 3}
"""The families of growth curves, and the number of their parameters, including the level (the total number of
claims). The families with three parameters have a shape."""


def filed_shares(family: str, shape: Array, median: Array, edges: Array) -> Array:
    """The share of all claims that each growth curve expects between successive times.

    Times are operational times: calendar times corrected for weekday effects.

    Args:
        family: a name in `CURVES`.
        shape: the shape parameter of each curve, (...); the exponential family ignores it.
        median: the operational time by which half of all claims are filed, for each curve, (...).
        edges: the operational times, (n + 1,).

    Returns:
        The share of claims for each curve and each interval between two times, (..., n).
    """
    with np.errstate(all="ignore"):
        time = edges / median[..., None]
        if family != "exponential":
            time = time ** shape[..., None]
        if family == "lognormal":
            below, above = special.ndtr(np.log(time)), special.ndtr(-np.log(time))
        else:
            log_above = -np.log1p(time) if family == "loglogistic" else -np.log(2) * time
            below, above = -np.expm1(log_above), np.exp(log_above)
        # Differences of shares close to 1 lose digits, so in the upper half the shares above are subtracted.
        return np.asarray(np.where(below[..., 1:] <= 0.5, np.diff(below), -np.diff(above)))  # noqa: PLR2004


def log_likelihood(observed: IntakeIncrements, p: Array) -> Array:
    """The multinomial log-likelihood of the fitted increments (claims between two counts), given their sum.

    Independent Poisson increments give the same likelihood if their expected total is integrated out with a
    uniform prior.

    Args:
        observed: the increments.
        p: the share of claims in each increment, up to a constant factor, (..., k).

    Returns:
        One log-likelihood per set of shares, (...).
    """
    counts, p = observed.counts[observed.used], p[..., observed.used]
    with np.errstate(all="ignore"):
        terms = np.where(counts > 0, counts * np.log(p / p.sum(-1, keepdims=True)), 0.0)
    return np.asarray(np.nan_to_num(terms.sum(-1), nan=-np.inf, neginf=-np.inf))


def jeffreys_prior(family: str, observed: IntakeIncrements, shape: Array, median: Array) -> Array:
    """The density of Jeffreys' prior of (log shape, log median), for each curve.

    The density is the square root of the determinant of the Fisher information of one claim. Curves that
    counts can distinguish equally well get equal weight. A log-uniform prior of the median would instead give
    equal weight to each doubling of the median, even if the median is too large to measure. Nearly constant
    rates would then outweigh the curves that fit the counts. The density is not normalised: a family with
    more distinguishable curves has more prior weight.
    """
    edges = observed.clock(observed.edges)

    def logs(of_shape: float, of_median: float) -> Array:
        p = filed_shares(family, shape * np.exp(of_shape), median * np.exp(of_median), edges)[
            ..., observed.used
        ]
        return np.asarray(np.log(p / p.sum(-1, keepdims=True)))

    with np.errstate(all="ignore"):
        q = np.exp(logs(0, 0))
        slopes = [(logs(*step) - logs(*(-x for x in step))) / (2 * DIFFERENCE) for step in _steps(family)]
        information = [[np.nan_to_num(q * a * b, posinf=0).sum(-1) for a in slopes] for b in slopes]
    determinant = np.linalg.det(np.moveaxis(np.array(information), (0, 1), (-2, -1)))
    return np.asarray(np.sqrt(np.maximum(determinant, 0)))


def _steps(family: str) -> list[tuple[float, float]]:
    return [(0, DIFFERENCE)] if family == "exponential" else [(DIFFERENCE, 0), (0, DIFFERENCE)]


@dataclass(frozen=True)
class ParameterGrid:
    """A grid of parameters of one curve family, with a weight for each node (set of parameters).

    Nodes with negligible weight are left out. Each array has one entry per node, (n,): `shape`, `median` (in
    operational days), `weight` (adding up to 1) and `fits` (log-likelihoods). `evidence` is the logarithm of
    the integral of exp(log-likelihood / phi) over the prior.
    """

    family: str
    shape: Array
    median: Array
    weight: Array
    fits: Array
    evidence: float

    @property
    def best(self) -> int:
        """The index of the grid node with the largest likelihood."""
        return int(np.argmax(self.fits))


def weigh_parameters(
    family: str, observed: IntakeIncrements, phi: float, *, nodes: int = NODES
) -> ParameterGrid:
    """Weight the curves of a family, on a grid, by exp(log-likelihood / phi) times Jeffreys' prior.

    Args:
        family: a name in `CURVES`.
        observed: the claims filed between successive counts.
        phi: the over-dispersion.
        nodes: the number of nodes on each axis.
    """
    edges = observed.clock(observed.edges)
    widest = np.log(np.array(MEDIANS) * edges[-1])

    def of_medians(shape: Array) -> tuple[Array, Array, Array]:
        def fits(medians: Array) -> Array:
            p = filed_shares(family, np.broadcast_to(shape[:, None], medians.shape), np.exp(medians), edges)
            return log_likelihood(observed, p) / phi

        low, high = (np.full(len(shape), end) for end in widest)
        return _close_in(fits, low, high, nodes)

    def evidence(shape: Array) -> Array:
        _, step, fits = of_medians(np.exp(shape[0]))
        return np.asarray(special.logsumexp(fits, axis=-1) + np.log(step))[None, :]

    if family == "exponential":
        shape, width = np.ones(1), 1.0
    else:
        ends = np.log(SHAPES)
        rows, steps, _ = _close_in(evidence, ends[:1], ends[1:], nodes)
        shape, width = np.exp(rows[0]), float(steps[0])
    medians, step, fits = of_medians(shape)
    everywhere = np.broadcast_to(shape[:, None], medians.shape)
    with np.errstate(divide="ignore"):
        prior = np.log(
            jeffreys_prior(family, observed, everywhere, np.exp(medians)) * (step * width)[:, None]
        )
    mass = fits + prior
    total = float(special.logsumexp(mass))
    relevant = mass > mass.max() - MAX_LOG_WEIGHT_GAP
    weight = np.exp(mass[relevant] - total)
    medians, fits = np.exp(medians[relevant]), fits[relevant] * phi
    return ParameterGrid(family, everywhere[relevant], medians, weight / weight.sum(), fits, total)


def _close_in(
    values: Callable[[Array], Array], low: Array, high: Array, nodes: int
) -> tuple[Array, Array, Array]:
    """Narrow the evenly spaced nodes of each grid row to the range in which weights are not negligible.

    Args:
        values: a function from nodes (r, n) to their log-weights (r, n).
        low: the lower end of each row, (r,).
        high: the upper end of each row, (r,).
        nodes: the number of nodes per row, n.

    Returns:
        The nodes (r, n), their spacing (r,) and their log-weights (r, n).
    """
    positions = (np.arange(nodes) + 0.5) / nodes
    for _ in range(MAX_ROUNDS):
        step = (high - low) / nodes
        points = low[:, None] + positions * (high - low)[:, None]
        log_weights = values(points)
        relevant = log_weights >= log_weights.max(-1, keepdims=True) - MAX_LOG_WEIGHT_GAP
        first, last = relevant.argmax(-1), nodes - 1 - relevant[:, ::-1].argmax(-1)
        # Keep one more node on each side: the maximum may lie between the best node and its neighbour.
        start, end = np.maximum(first - 1, 0), np.minimum(last + 2, nodes)
        if (end - start > MIN_SHRINKAGE * nodes).all():
            break
        low, high = low + start * step, low + end * step
    return points, step, log_weights
