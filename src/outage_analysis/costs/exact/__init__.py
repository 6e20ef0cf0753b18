"""The law of a total, exactly, given every parameter: claims counted by known laws, paid whole sums.

The characteristic function of the total is the product of those of its components; one real FFT inverts
it on a stretch of the lattice that is proved to hold all but 2e-15 of the probability. The stretch is
some 17 standard deviations long, so that time grows as the square root of the number of claims. Small
totals of rational numbers are computed in Fractions. Sources: Klugman, Panjer and Willmot, Loss Models;
Grübel and Hermesmeier (1999), ASTIN Bulletin 29, 197-214, on what an FFT adds to an aggregate law.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from outage_analysis.costs.exact.checks import checks, failed
from outage_analysis.costs.exact.components import (
    Binomial,
    Component,
    Fixed,
    NegativeBinomial,
    Poisson,
    whole,
)
from outage_analysis.costs.exact.inversion import ROUNDING, invert
from outage_analysis.costs.exact.lattice import Lattice, lattice_of
from outage_analysis.costs.exact.law import TotalLaw
from outage_analysis.costs.exact.pooling import Pool, pool
from outage_analysis.costs.exact.rationals import rational_law
from outage_analysis.costs.exact.windows import OUTSIDE, window
from outage_analysis.errors import ModelRefused, UsageError

__all__ = [
    "Binomial",
    "Component",
    "Fixed",
    "NegativeBinomial",
    "Poisson",
    "TotalLaw",
    "exact_total",
]

MOST_POINTS = 2**21
MOST_SPLIT = 0.01
"""The share of the variance that splitting payments over a coarser unit may add."""


def exact_total(
    components: Iterable[Component], *, unit: int | None = None, most_points: int = MOST_POINTS
) -> TotalLaw:
    """The law of what independent components are paid together.

    Lives insured for a year: `exact_total(Component(Binomial(1, q), [sum_], [1]) for q, sum_ in lives)`.
    An int or a Fraction everywhere, in a small problem, gives a law in Fractions.

    Args:
        components: at least one; their order changes nothing.
        unit: of the lattice. Without one, the greatest that holds every payment. A coarser one splits
            each payment over the two points beside it, which keeps its mean; `TotalLaw.split_sd` says
            what that adds.
        most_points: points of the lattice that the law may take.

    Raises:
        UsageError: no component, or a unit that is none.
        ModelRefused: the lattice would be too long, the unit too coarse, or a check failed.
    """
    listed = _listed(components)
    if unit is not None and whole(unit, "the unit") == 0:
        raise UsageError("a unit is at least 1", value=unit)
    if whole(most_points, "the number of points") == 0:
        raise UsageError("a lattice has at least one point", value=most_points)
    pooled = pool(listed)
    if unit is None and (found := rational_law(pooled)) is not None:
        steps = math.gcd(*(b - a for a, b in pairwise(found)))
        return TotalLaw(pooled.mean, pooled.variance, tuple(found), tuple(found.values()), steps or 1)
    lattice = lattice_of(pooled, unit)
    if not lattice.parts:
        points = range(lattice.base, lattice.base + 1)
        return TotalLaw(float(lattice.base), 0.0, points, np.ones(1), lattice.unit)
    _refuse_coarse(lattice, pooled)
    return _on_window(lattice, pooled, most_points)


def _listed(components: Iterable[Component]) -> list[Component]:
    listed = list(components) if isinstance(components, Iterable) else [components]
    if not listed:
        raise UsageError("there is no component", remedy="Give at least one Component.")
    for component in listed:
        if not isinstance(component, Component):
            raise UsageError(
                "is no component", value=component, remedy="Give Component(count, payments, probabilities)."
            )
    return listed


def _on_window(lattice: Lattice, pooled: Pool, most_points: int) -> TotalLaw:
    """The law on the window that is proved wide enough; on wider ones should a check fail."""
    first, last = window(lattice)
    if last - first >= most_points:
        raise _too_long(lattice, last - first + 1, most_points)
    wrong: list[str] = []
    for _ in range(3):
        law = _law(lattice, pooled, first, last)
        if not (wrong := failed(law.checks)):
            return law
        wider = last - first + 1
        low, high = lattice.ends
        first, last = int(max(low, first - wider)), int(min(high, last + wider))
        if last - first >= most_points:
            break
    raise ModelRefused(
        f"the law of the total failed its checks: {', '.join(wrong)}",
        remedy="Leave out payments that are next to impossible, or give a coarser unit.",
    )


def _law(lattice: Lattice, pooled: Pool, first: int, last: int) -> TotalLaw:
    """The law on the steps from first to last."""
    weights, noise, rounding = invert(lattice, first, last - first + 1)
    mean, variance = float(pooled.mean), float(pooled.variance)
    low, high = lattice.ends
    start = lattice.base + lattice.unit * first
    found = checks(
        weights,
        (mean - start) / lattice.unit,
        (variance + lattice.split) / lattice.unit**2,
        rounding=8 * ROUNDING * mean / lattice.unit,
        noise=4 * noise,
        open_ends=(first > low, last < high),
    )
    return TotalLaw(
        mean,
        variance,
        range(start, start + lattice.unit * len(weights), lattice.unit),
        np.maximum(weights, 0.0),
        lattice.unit,
        error=2 * OUTSIDE + rounding + found["negative"],
        split_sd=math.sqrt(lattice.split),
        checks=found,
    )


def _refuse_coarse(lattice: Lattice, pooled: Pool) -> None:
    added = lattice.split / float(pooled.variance) if pooled.variance else float(lattice.split > 0)
    if added > MOST_SPLIT:
        raise ModelRefused(
            f"a unit of {lattice.unit:,} would add {added:.0%} to the variance",
            remedy=f"At most {MOST_SPLIT:.0%} may be: give a finer unit, and most_points if it needs more.",
        )


def _too_long(lattice: Lattice, points: int, most_points: int) -> ModelRefused:
    coarser = math.ceil(1.02 * lattice.unit * points / most_points)
    return ModelRefused(
        f"the lattice is too short: in units of {lattice.unit:,} the total needs {points:,} points, "
        f"and {most_points:,} are allowed",
        remedy=f"Give a coarser unit, such as unit={coarser}: payments are then split between its points.",
    )
