"""One input of a total at a time: which there are, what they may be, and where a gap changes its sign."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from outage_analysis.assumptions import Assumption, BandMix, FloatArray, OneDistribution
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.costs.uncertainty.sobol import sobol_points

POINTS, SEED = 2**15, 1
"""The sample of an input that takes several uniform numbers: a mix, rival rules, people and weeks."""
QUANTILE_LIMITS = (1e-9, 1 - 1e-9)
"""An input is taken to lie between these quantiles."""
CELLS, ROUNDS = 64, 9
"""A change of sign is looked for on so many cells, then in its cell, to the last binary digit."""


def assumptions_behind(portfolio: Portfolio, *valuations: str) -> dict[str, Assumption]:
    """The assumptions behind some totals, in the portfolio's order."""
    used = {name for s in portfolio.streams if s.valuation in valuations for name in s.inputs}
    return {name: entry for name, entry in portfolio.entries.items() if name in used}


def scalar_inputs(entries: dict[str, Assumption]) -> Iterable[tuple[str, Assumption, float]]:
    """Those that are one number, with their mean: all but the mixes."""
    for name, entry in entries.items():
        if not isinstance(entry, BandMix):
            yield name, entry, entry.range.expected


def sample_input(entry: Assumption) -> FloatArray:
    """An even sample of an input: (n,), or (n, bands) for a mix."""
    return entry.draw(np.concatenate(sobol_points(entry.dimensions, POINTS, seed=SEED)))


def input_quantiles(entry: Assumption, p: Sequence[float]) -> FloatArray:
    """The values that an input that is one number does not exceed with some probabilities."""
    if isinstance(entry, OneDistribution):
        return entry.drawn.quantile(p)
    return np.asarray(np.quantile(sample_input(entry), p))


def chance_above(entry: Assumption, x: float) -> float:
    """The probability that an input that is one number exceeds a value."""
    if isinstance(entry, OneDistribution):
        return float(1 - entry.drawn.cdf(x))
    return float((sample_input(entry) > x).mean())


def sign_change(gap: Callable[[FloatArray], FloatArray], entry: Assumption) -> float | None:
    """The least value of an input at which a gap changes its sign; None where it keeps it throughout."""
    low, high = input_quantiles(entry, QUANTILE_LIMITS)
    for _ in range(ROUNDS):
        values = np.linspace(low, high, CELLS + 1)
        positive = gap(values) > 0
        turns = np.flatnonzero(positive[1:] != positive[:-1])
        if not len(turns):
            return None
        low, high = values[turns[0]], values[turns[0] + 1]
    return float(high)
