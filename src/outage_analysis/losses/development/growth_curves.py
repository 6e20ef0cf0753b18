"""Growth curves: the share of claims filed by each time, and a grid over what their parameters may be.

Why a grid and not an optimum: with few increments the likelihood is a ridge that runs towards a constant
rate of intake. An optimiser runs along it and away, while the claims still to come by a finite date hardly
change on it. The grid closes in on the nodes that carry weight, so that many claims are no coarser than
few; where that stops is decided by the weights alone, and the same counts give the same grid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from outage_analysis.losses.development.observed_counts import Array, IntakeIncrements
from outage_analysis.losses.severity.families import FAMILIES, share_differences

SHAPES = (1 / 4, 4.0)
"""Range of the shape: from four times as spread out as an exponential distribution on the logarithm of
time to four times as narrow. Below 1 the rate of intake falls from the start."""
MEDIANS = (1 / 200, 20.0)
"""Range of the median filing time, in spans observed so far. At the lower end half of all claims came in
the first 0.5 % of the span; at the upper end the rate of an exponential curve falls by 3.4 % over the
whole span, which no count distinguishes from a constant rate."""
NODES = 33
"""Nodes on each axis."""
DIFFERENCE = 1e-4
"""Step, on the logarithm, of the differences from which the information is computed."""
MAX_LOG_WEIGHT_GAP = 18.0
"""Nodes whose weight is below exp(-18) of the best are left out."""
MAX_ROUNDS, MIN_SHRINKAGE = 12, 0.75
"""Rounds of closing in at most; a round that keeps more than this of its width is the last."""


@dataclass(frozen=True)
class CurveFamily:
    """A family of growth curves.

    Args:
        params: how many numbers it takes, the level among them.
        shape: the family's own shape from the grid's; without one it has none.
    """

    params: int
    shape: Callable[[Array], Array] | None


CURVES: Mapping[str, CurveFamily] = {
    "exponential": CurveFamily(2, None),
    "weibull": CurveFamily(3, lambda shape: shape),
    "loglogistic": CurveFamily(3, lambda shape: shape),
    "lognormal": CurveFamily(3, lambda shape: 1 / shape),
}
"""Every family of curves, by the names of the loss laws whose standard laws they share."""


def filed_shares(family: str, shape: Array, median: Array, edges: Array) -> Array:
    """The share of all claims filed between successive operational times.

    Args:
        family: a name in `CURVES`.
        shape: of each node, (...).
        median: the time by which half are filed, (...).
        edges: (n + 1,).

    Returns:
        Shares, (..., n).
    """
    law, own = FAMILIES[family], CURVES[family].shape
    shapes = tuple(law.shapes(*(() if own is None else (own(shape)[..., None],))))
    with np.errstate(all="ignore"):
        z = edges / median[..., None] * law.kernel.isf(np.array(0.5), *shapes)
        return np.asarray(share_differences(law.kernel.cdf(z, *shapes), law.kernel.sf(z, *shapes)))


def log_likelihood(observed: IntakeIncrements, p: Array) -> Array:
    """Of the increments that are used, given how many there are in all: multinomial, (..., k) -> (...).

    It is what an even prior on the mean of the observed count leaves when that mean is integrated out.
    """
    counts, p = observed.counts[observed.used], p[..., observed.used]
    with np.errstate(all="ignore"):
        terms = np.where(counts > 0, counts * np.log(p / p.sum(-1, keepdims=True)), 0.0)
    return np.asarray(np.nan_to_num(terms.sum(-1), nan=-np.inf, neginf=-np.inf))


def jeffreys_prior(family: str, observed: IntakeIncrements, shape: Array, median: Array) -> Array:
    """The density of Jeffreys' prior at log shape and log median, (...) -> (...).

    It is the square root of the determinant of the information that one claim carries about the
    parameters: even over curves as far as counts can distinguish them. A prior that is even on the
    logarithm of the median gives as much to every further doubling of a median that nobody can measure,
    so nearly constant rates of intake would outweigh the curves that the counts point to. It is not
    normalised: a family that holds more distinguishable curves has more weight, so that curves and not
    families are equally likely beforehand.
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
    """Steps of log shape and log median for each parameter that the family has."""
    return [(0, DIFFERENCE)] if CURVES[family].shape is None else [(DIFFERENCE, 0), (0, DIFFERENCE)]


@dataclass(frozen=True)
class ParameterGrid:
    """The nodes of one family that carry weight.

    `shape`, `median` (n,) in operational days, `weight` (n,) adding up to 1, `fits` (n,) the
    log-likelihoods; `evidence` is the logarithm of the integral of exp(fits / phi) over the prior.
    """

    family: str
    shape: Array
    median: Array
    weight: Array
    fits: Array
    evidence: float

    @property
    def best(self) -> int:
        """The place of the likeliest node."""
        return int(np.argmax(self.fits))


def weigh_parameters(
    family: str, observed: IntakeIncrements, phi: float, *, nodes: int = NODES
) -> ParameterGrid:
    """Weigh the parameters of a family by exp(log-likelihood / phi), times Jeffreys' prior."""
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

    if CURVES[family].shape is None:
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
    kept = mass > mass.max() - MAX_LOG_WEIGHT_GAP
    weight = np.exp(mass[kept] - total)
    medians, fits = np.exp(medians[kept]), fits[kept] * phi
    return ParameterGrid(family, everywhere[kept], medians, weight / weight.sum(), fits, total)


def _close_in(
    values: Callable[[Array], Array], low: Array, high: Array, nodes: int
) -> tuple[Array, Array, Array]:
    """Midpoints between ends, closing in on those within `MAX_LOG_WEIGHT_GAP` of the best of their row.

    Args:
        values: nodes (r, n) -> their log-weights (r, n).
        low: ends of each row, (r,).
        high: same.
        nodes: n.

    Returns:
        Nodes (r, n), their distance (r,), their values (r, n).
    """
    places = (np.arange(nodes) + 0.5) / nodes
    for _ in range(MAX_ROUNDS):
        step = (high - low) / nodes
        at = low[:, None] + places * (high - low)[:, None]
        found = values(at)
        kept = found >= found.max(-1, keepdims=True) - MAX_LOG_WEIGHT_GAP
        first, last = kept.argmax(-1), nodes - 1 - kept[:, ::-1].argmax(-1)
        # One more node on each side: the best of all may lie between the best node and a neighbour.
        start, end = np.maximum(first - 1, 0), np.minimum(last + 2, nodes)
        if (end - start > MIN_SHRINKAGE * nodes).all():
            break
        low, high = low + start * step, low + end * step
    return at, step, found
