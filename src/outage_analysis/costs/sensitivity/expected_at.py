"""The expected total with some inputs at given values and the others at their means, in closed form."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from outage_analysis.assumptions import BandMix, RateAssumption
from outage_analysis.assumptions.laws import FloatArray
from outage_analysis.costs.uncertainty.portfolio import Portfolio, Stream


def expected_at(portfolio: Portfolio, valuation: str, given: Mapping[str, FloatArray]) -> FloatArray:
    """The expected total of one valuation; the inputs count as independent, whatever is declared.

    Args:
        portfolio: what is paid, and the inputs.
        valuation: which total.
        given: values of some inputs by assumption: (n,), or (n, bands) for a mix.

    Returns:
        One total a value, (n,), in units of the currency; (1,) when nothing is given.
    """
    size = max((len(v) for v in given.values()), default=1)
    total = np.zeros(size)
    for stream in portfolio.streams:
        if stream.valuation == valuation:
            total += _expected(stream, portfolio, given, size)
    return total


def _expected(stream: Stream, portfolio: Portfolio, given: Mapping[str, FloatArray], size: int) -> FloatArray:
    entries = portfolio.entries
    if stream.served is not None and stream.rates and stream.rates[0] not in given:
        rate = entries[stream.rates[0]]  # a cap cuts the law off, so the mean rate is not enough
        if isinstance(rate, RateAssumption):
            return np.full(size, rate.capped(stream.served / stream.trials).expected * stream.parts[0].paid)
    values = {name: given.get(name, _mean(portfolio, name)) for name in stream.inputs}
    means, _ = stream.moments(values, size)
    return np.asarray(means.sum(axis=1))


def _mean(portfolio: Portfolio, name: str) -> FloatArray:
    entry = portfolio.entries[name]
    if isinstance(entry, BandMix):
        return np.array([[band.share for band in entry.bands]])
    return np.array([entry.range.expected])
