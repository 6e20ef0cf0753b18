"""Single inputs of a total: the list of them, their quantiles and samples, and a search for break-evens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from outage_analysis.assumptions import Assumption, BandMix, FloatArray, OneDistribution
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.costs.uncertainty.sobol import sobol_points

POINTS, SEED = 2**15, 1
"""The size and the seed of the sample of an input without closed-form quantiles, such as a mix."""
QUANTILE_LIMITS = (1e-9, 1 - 1e-9)
"""The search for a change of sign covers the values between these quantiles of the input."""
CELLS, ROUNDS = 64, 9
"""Each round of the search divides the range into `CELLS` cells and continues in the cell with the change."""


def assumptions_behind(portfolio: Portfolio, *valuations: str) -> dict[str, Assumption]:
    """Return the assumptions that the totals of these valuations depend on, in the portfolio's order."""
    used = {name for s in portfolio.streams if s.valuation in valuations for name in s.inputs}
    return {name: entry for name, entry in portfolio.entries.items() if name in used}


def scalar_inputs(entries: dict[str, Assumption]) -> Iterable[tuple[str, Assumption, float]]:
    """Yield each input that is a single number (so not a band mix), with its id and its mean."""
    for name, entry in entries.items():
        if not isinstance(entry, BandMix):
            yield name, entry, entry.range.expected


def sample_input(entry: Assumption) -> FloatArray:
    """Return a quasi-random (Sobol) sample of an input: shape (n,), or (n, bands) for a band mix."""
    return entry.draw(np.concatenate(sobol_points(entry.dimensions, POINTS, seed=SEED)))


def input_quantiles(entry: Assumption, p: Sequence[float]) -> FloatArray:
    """Return the quantiles of an input that is a single number, at the probabilities p."""
    if isinstance(entry, OneDistribution):
        return entry.sampled_distribution.quantile(p)
    return np.asarray(np.quantile(sample_input(entry), p))


def chance_above(entry: Assumption, x: float) -> float:
    """Return the probability that an input that is a single number exceeds x."""
    if isinstance(entry, OneDistribution):
        return float(1 - entry.sampled_distribution.cdf(x))
    return float((sample_input(entry) > x).mean())


def sign_change(gap: Callable[[FloatArray], FloatArray], entry: Assumption) -> float | None:
    """Return the smallest value of an input at which a function changes its sign; None if it never does."""
    low, high = input_quantiles(entry, QUANTILE_LIMITS)
    for _ in range(ROUNDS):
        values = np.linspace(low, high, CELLS + 1)
        positive = gap(values) > 0
        turns = np.flatnonzero(positive[1:] != positive[:-1])
        if not len(turns):
            return None
        low, high = values[turns[0]], values[turns[0] + 1]
    return float(high)
