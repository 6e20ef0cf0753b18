"""The stretch of the lattice that holds all but a proved sliver of the total."""

from __future__ import annotations

import math
from collections.abc import Callable

from outage_analysis.costs.exact.lattice import Lattice

OUTSIDE = 1e-15
"""Probability beyond each end of a window, at most."""
_LOG = -math.log(OUTSIDE)
_LARGEST = 700.0
"""A greater t would only overflow: steps are whole."""


def window(lattice: Lattice) -> tuple[int, int]:
    """First and last step; beyond each lies at most `OUTSIDE`, proved, and nothing beyond the support.

    Chernoff's bound: P(X >= x) <= exp(K(t) - t x) for every t > 0, K being log E[exp(t X)], so that no
    more than `OUTSIDE` lies above (K(t) - log OUTSIDE) / t. Any t proves it; the least such point is
    near that of the normal law, or at a smaller t when a rare payment is large. Below, with -t.
    """
    low, high = lattice.ends
    start = min(4 * math.sqrt(2 * _LOG / lattice.variance), _LARGEST)
    above = _nearest(lattice.cumulants, start)
    below = _nearest(lambda t: lattice.cumulants(-t), start)
    return int(max(low, math.floor(-below) - 1)), int(min(high, math.ceil(above) + 1))


def _nearest(cumulants: Callable[[float], float], start: float) -> float:
    """The least of (K(t) - log OUTSIDE) / t as t falls: it has one minimum, K being convex."""
    found, t = math.inf, start
    while (reach := (cumulants(t) + _LOG) / t) <= found:
        found, t = reach, t / 1.25
    return found
