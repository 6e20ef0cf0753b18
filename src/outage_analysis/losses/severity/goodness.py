"""Goodness of fit: Pearson's chi-square test over pooled bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from outage_analysis.losses.severity.families import Array

MIN_EXPECTED = 5.0
"""Neighbouring bands are pooled until each has at least this many expected losses."""


@dataclass(frozen=True)
class Goodness:
    """Pearson's chi-square test of counts against the expected counts of a distribution.

    `df`, the degrees of freedom, is the number of pooled bands minus 1 minus the number of parameters. If
    `df` is not positive, the p-value `p` is None. `observed` and `expected` are the counts of the pooled
    bands.
    """

    chi_square: float
    df: int
    p: float | None
    observed: tuple[int, ...]
    expected: tuple[float, ...]


def goodness(counts: Array, expected: Array, parameters: int, least: float = MIN_EXPECTED) -> Goodness:
    """Test counts against expected counts, with bands pooled until each has `least` expected losses."""
    observed, due = pool_bands(counts, expected, least)
    with np.errstate(all="ignore"):
        chi = float(((observed - due) ** 2 / due).sum())
    df = len(observed) - 1 - parameters
    p = float(special.chdtrc(df, max(chi, 0))) if df > 0 else None
    return Goodness(chi, df, p, tuple(map(int, observed)), tuple(map(float, due)))


def pool_bands(counts: Array, expected: Array, least: float) -> tuple[Array, Array]:
    """Add up neighbouring bands from the first on until each has `least` expected losses.

    Bands that remain at the end are added to the last pooled band.

    Returns:
        The counts and the expected counts of the pooled bands.
    """
    groups: list[list[float]] = []
    observed = due = 0.0
    for count, share in zip(counts, expected, strict=True):
        observed, due = observed + count, due + share
        if due >= least:
            groups.append([observed, due])
            observed = due = 0.0
    if observed or due:
        if groups:
            groups[-1][0] += observed
            groups[-1][1] += due
        else:
            groups.append([observed, due])
    return np.array(groups).T[0], np.array(groups).T[1]
