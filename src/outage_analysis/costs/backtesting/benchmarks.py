"""What a forecast must beat: everyone files, nothing is known, what was printed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outage_analysis.costs.backtesting.scores import crps_log10, crps_uniform, decades
from outage_analysis.costs.funnel import Funnel
from outage_analysis.costs.uncertainty.sobol import sobol_points
from outage_analysis.incidents import Fact
from outage_analysis.policies import Schedule

FLAGGED_BEYOND = 2.0
"""A rival is flagged when the outcome lies outside what it allows by more than this factor. Fixed before the
back-test was first run: half or twice as much is what a forecast by hand may be off."""

Ends = tuple[float, float]


@dataclass(frozen=True)
class Benchmark:
    """A forecast that is no model of ours: what it allows, and its score."""

    id: str
    low: float | None
    """The least that it allows; None when it does not say."""
    high: float
    """The most that it allows."""
    crps: float | None
    """In decades; None for a bound alone, which is no forecast."""

    def factor(self, observed: float) -> float:
        """How many times the outcome lies outside what it allows; 1 inside. Below 1 counts as 1."""
        y = max(observed, 1.0)
        under = 1.0 if self.low is None else max(self.low, 1.0) / y
        return max(under, y / max(self.high, 1.0), 1.0)


def naive_benchmark(count: float, each: Ends, observed: float) -> Benchmark:
    """Everyone files, is accepted and takes it; money is paid at the tiers, every value of log alike."""
    return _range_benchmark("naive", count * each[0], count * each[1], observed)


def flat_benchmark(
    count: float, rates: int, each: Ends, observed: float, *, draws: int, seed: int
) -> Benchmark:
    """Every rate is as likely as any other from 0 to 1, and so is the logarithm of a mean payment.

    Args:
        count: of those who could.
        rates: how many rates thin them.
        each: the least and the most of the mean payment; 1 and 1 for a count.
        observed: the outcome.
        draws: as `simulate`.
        seed: as `simulate`.
    """
    low, high = each
    if not rates:
        return _range_benchmark("flat", count * low, count * high, observed)
    u = sobol_points(rates + 1, draws, seed=seed).reshape(-1, rates + 1)
    # The integer part makes every count as likely as any other, when there is one rate.
    people = np.floor((count + 1) * u[:, :rates].prod(axis=1))
    amounts = people * low * (high / low) ** u[:, rates]
    return Benchmark("flat", 0.0, count * high, crps_log10(amounts, observed))


def press_benchmark(fact: Fact, low: float | None, high: float, observed: float) -> Benchmark:
    """A forecast of the press: a figure, or a range taken as even on the logarithm.

    Args:
        fact: what was printed.
        low: its low end; None for a bound alone, which is no forecast and has no score.
        high: its high end.
        observed: the outcome.
    """
    if low is None:
        return Benchmark(fact.id, None, high, None)
    return _range_benchmark(fact.id, low, high, observed)


def _range_benchmark(id_: str, low: float, high: float, observed: float) -> Benchmark:
    ends, came = decades([low, high]), float(decades(observed))
    return Benchmark(id_, low, high, crps_uniform(float(ends[0]), float(ends[1]), came))


def tier_payments(line: Schedule) -> Ends | None:
    """The least and the most that the bands pay which nobody reviews; None where that has no limit."""
    ends = [line.tariff.extremes(band) for band, rule in line.positive if rule.pays and not rule.review]
    tops = [float(high) for _, high in ends if high is not None]
    if not ends or len(tops) < len(ends):
        return None
    return float(min(low for low, _ in ends)), max(tops)


def mean_payment_ends(line: Schedule, funnel: Funnel) -> Ends | None:
    """The least and the most that the ledger conceives of a mean payment; None where it has no limit."""
    found = [funnel.payment(line, band, rule) for band, rule in line.positive if rule.pays or rule.review]
    tops = [x.high for x in found if x.high is not None]
    if not found or len(tops) < len(found) or not min(x.low for x in found) > 0:
        return None
    return min(x.low for x in found), max(tops)
