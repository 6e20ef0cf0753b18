"""How well a law fits the counts: Pearson's chi-square over pooled bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from outage_analysis.losses.severity.families import Array

MIN_EXPECTED = 5.0
"""Neighbouring bands are pooled until each is expected to hold this many losses."""


@dataclass(frozen=True)
class Goodness:
    """Counts against what a law expects of each band.

    `df` is the number of pooled bands less 1 less the parameters; without any left, the p-value is
    None. It says how often a law that is right would fit as badly or worse.
    """

    chi_square: float
    df: int
    p: float | None
    observed: tuple[int, ...]
    expected: tuple[float, ...]


def goodness(counts: Array, expected: Array, parameters: int, least: float = MIN_EXPECTED) -> Goodness:
    """Compare counts with expected ones, pooling bands that are expected to hold fewer than `least`."""
    seen, due = pool_bands(counts, expected, least)
    with np.errstate(all="ignore"):
        chi = float(((seen - due) ** 2 / due).sum())
    df = len(seen) - 1 - parameters
    p = float(special.chdtrc(df, max(chi, 0))) if df > 0 else None
    return Goodness(chi, df, p, tuple(map(int, seen)), tuple(map(float, due)))


def pool_bands(counts: Array, expected: Array, least: float) -> tuple[Array, Array]:
    """Neighbours added up from the first band on; a last group that falls short joins the one before."""
    groups: list[list[float]] = []
    seen = due = 0.0
    for count, share in zip(counts, expected, strict=True):
        seen, due = seen + count, due + share
        if due >= least:
            groups.append([seen, due])
            seen = due = 0.0
    if seen or due:
        if groups:
            groups[-1][0] += seen
            groups[-1][1] += due
        else:
            groups.append([seen, due])
    return np.array(groups).T[0], np.array(groups).T[1]
