"""Three benchmark forecasts: everybody files; all rates are equally likely; an estimate by the press."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outage_analysis.costs.backtesting.scores import crps_log10, crps_uniform, decades
from outage_analysis.costs.funnel import Funnel
from outage_analysis.costs.uncertainty.sobol import sobol_points
from outage_analysis.incidents import Fact
from outage_analysis.policies import Schedule

FLAGGED_BEYOND = 2.0
"""A benchmark is flagged if the outcome lies outside its range by more than this factor. A forecast by hand
may be wrong by a factor of two; the value was fixed before the first run of the back-test."""

Ends = tuple[float, float]


@dataclass(frozen=True)
class Benchmark:
    """The range and the score of a simple forecast with which the model is compared."""

    id: str
    low: float | None
    """The low end of the range; None if the forecast states only an upper bound."""
    high: float
    """The high end of the range."""
    crps: float | None
    """The CRPS in decades; None if the forecast is only an upper bound."""

    def factor(self, observed: float) -> float:
        """Return the factor by which the outcome lies outside the range; 1 if it lies inside.

        The outcome and the ends of the range count as at least 1, so that the factor is finite.
        """
        y = max(observed, 1.0)
        under = 1.0 if self.low is None else max(self.low, 1.0) / y
        return max(under, y / max(self.high, 1.0), 1.0)


def naive_benchmark(count: float, each: Ends, observed: float) -> Benchmark:
    """Forecast that everybody files and is accepted, with a log-uniform payment in the range `each`."""
    return _range_benchmark("naive", count * each[0], count * each[1], observed)


def flat_benchmark(
    count: float, rates: int, each: Ends, observed: float, *, draws: int, seed: int
) -> Benchmark:
    """Forecast with every rate uniform between 0 and 1, and with a log-uniform mean payment per claim.

    Args:
        count: the number of people or claims at the start.
        rates: the number of rates, such as filing and acceptance, by which the count is multiplied.
        each: the smallest and the largest mean payment per claim; (1, 1) if the outcome is a count.
        observed: the outcome.
        draws: the number of simulated draws, a power of two.
        seed: the seed of the simulation.
    """
    low, high = each
    if not rates:
        return _range_benchmark("flat", count * low, count * high, observed)
    u = sobol_points(rates + 1, draws, seed=seed).reshape(-1, rates + 1)
    # With one rate, rounding down makes all counts from 0 to `count` equally likely.
    people = np.floor((count + 1) * u[:, :rates].prod(axis=1))
    amounts = people * low * (high / low) ** u[:, rates]
    return Benchmark("flat", 0.0, count * high, crps_log10(amounts, observed))


def press_benchmark(fact: Fact, low: float | None, high: float, observed: float) -> Benchmark:
    """Return an estimate by the press as a benchmark: a single figure, or a log-uniform range.

    Args:
        fact: the published fact that states the estimate.
        low: the low end of the estimate; None if the press states only an upper bound, which gets no score.
        high: the high end of the estimate.
        observed: the outcome.
    """
    if low is None:
        return Benchmark(fact.id, None, high, None)
    return _range_benchmark(fact.id, low, high, observed)


def _range_benchmark(id_: str, low: float, high: float, observed: float) -> Benchmark:
    ends, came = decades([low, high]), float(decades(observed))
    return Benchmark(id_, low, high, crps_uniform(float(ends[0]), float(ends[1]), came))


def tier_payments(line: Schedule) -> Ends | None:
    """Return the smallest and the largest payment per claim in the loss bands that pay without a review.

    The result is None if there is no such band or if a payment has no upper limit.
    """
    ends = [
        line.tariff.payment_range(band) for band, rule in line.positive_bands if rule.pays and not rule.review
    ]
    tops = [float(high) for _, high in ends if high is not None]
    if not ends or len(tops) < len(ends):
        return None
    return float(min(low for low, _ in ends)), max(tops)


def mean_payment_ends(line: Schedule, funnel: Funnel) -> Ends | None:
    """Return the smallest and the largest mean payment per accepted claim that the ledger allows.

    The result is None if no band pays, if the smallest payment is 0, or if a payment has no upper limit.
    """
    inputs = [
        funnel.payment(line, band, rule) for band, rule in line.positive_bands if rule.pays or rule.review
    ]
    tops = [x.high for x in inputs if x.high is not None]
    if not inputs or len(tops) < len(inputs) or not min(x.low for x in inputs) > 0:
        return None
    return min(x.low for x in inputs), max(tops)
