"""Forecasts of later outcomes from the assumptions of an earlier day, by stage of the claims funnel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from outage_analysis.assumptions import RateAssumption
from outage_analysis.costs.backtesting.mixed_binomial import Array, MixedBinomial
from outage_analysis.costs.backtesting.scores import Predictive, crps_log10
from outage_analysis.costs.funnel import Funnel
from outage_analysis.costs.uncertainty.portfolio import Portfolio, expected_at
from outage_analysis.costs.uncertainty.simulation import Estimate, SampledTotal, simulate
from outage_analysis.costs.uncertainty.tables import rounded_estimate
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Stage
from outage_analysis.policies import CostLine, Schedule
from outage_analysis.text import LikelyRange

RATES = {"filed": "filing_share", "accepted": "acceptance", "taken": "take_up"}
"""The kind of rate that determines each stage that counts people."""
MORE_OF_FILED = ("ultimate", "exposure", "entitled_share", "new_applicants")
"""Other kinds of assumption that affect how many people file."""
CELLS = 256
"""The number of cells of the logarithmic grid. With this number the CRPS has an error of about 2e-4."""


@dataclass(frozen=True)
class Forecast:
    """The forecast distribution of a count, or of an amount in the smallest unit of the currency."""

    distribution: Predictive
    expected: float
    most: float
    """The largest possible count, or the largest simulated amount."""
    inputs: tuple[str, ...]
    """The ids of the assumptions that the forecast depends on."""

    def likely_range(self, likely: LikelyRange) -> list[Estimate]:
        """Return the lower end of the likely range of the forecast, the median, and the upper end.

        Simulated values are rounded to their numerical error.
        """
        probabilities = [*likely.points.values()]
        if isinstance(self.distribution, SimulatedTotal):
            return [rounded_estimate(self.distribution.total.quantile(p)) for p in probabilities]
        return [Estimate(float(x), 0.0) for x in self.distribution.quantile(np.array(probabilities))]

    def crps(self, observed: float) -> float:
        """Return the CRPS in decades, computed on a logarithmic grid whose first cells are single counts."""
        edges = np.unique(np.floor(np.geomspace(1, max(self.most, 1.0), CELLS)))
        below = self.distribution.cdf(np.append(0.0, edges))
        middles = np.sqrt(np.append(1.0, edges[:-1] + 1) * edges)
        masses = np.maximum(np.diff(below, prepend=0.0), 0.0)
        return crps_log10(np.append(0.0, middles), observed, masses)


@dataclass(frozen=True)
class SimulatedTotal:
    """A simulated total with the cdf and the quantile function that the scores need."""

    total: SampledTotal

    def cdf(self, x: Array) -> Array:
        """Return the probability of a total of at most x; both arrays have the shape (n,)."""
        return np.array([1 - float(self.total.above(float(v)).mean()) for v in x])

    def quantile(self, u: Array) -> Array:
        """Return the quantiles of the total at the probabilities u; both arrays have the shape (n,)."""
        return np.array([self.total.quantile(float(p)).value for p in u])


def count_forecast(stage: Stage, people: int, line: CostLine, funnel: Funnel) -> Forecast:
    """Forecast how many people out of `people` submit a claim, are accepted, or take a free good.

    Raises:
        ModelRefused: the ledger states no rate for the stage, or the count also depends on another assumption
            or on a cap.
    """
    rate = funnel.entries.get(RATES[stage])
    if not isinstance(rate, RateAssumption):
        raise ModelRefused(
            f"the ledger states no {RATES[stage]} of {line.id}, so how many were {stage} has no forecast",
            remedy="Add the assumption to the ledger, or leave the outcome out.",
        )
    other = next((x for x in MORE_OF_FILED if stage == "filed" and x in funnel.entries), None)
    if other or line.limit_fact:
        raise ModelRefused(
            f"how many were {stage} of {line.id} also hangs on {f'its {other}' if other else 'a cap'}",
            remedy="Try the stages after it, or the total.",
        )
    count = MixedBinomial(people, rate.sampled_distribution)
    return Forecast(count, count.mean, float(people), (rate.id,))


def cash_portfolio(portfolio: Portfolio, line: Schedule) -> Portfolio:
    """Return the portfolio reduced to the cash payments of one schedule (a cost line that pays by loss band).

    The result keeps all uncertain inputs, so that its draws equal the draws for the whole policy.

    Raises:
        ModelRefused: the schedule has no expected cost.
    """
    streams = tuple(s for s in portfolio.streams if (s.line, s.valuation) == (line.id, "cash"))
    if not streams:
        raise ModelRefused(
            f"the ledger and the published counts of the day give no expected cash of {line.id}",
            remedy="Give a ledger with its rates, its band mix and its review award, and a published count.",
        )
    return replace(portfolio, streams=streams)


def with_accepted_count(portfolio: Portfolio, accepted: int) -> Portfolio:
    """Return a portfolio of one cost line with the number of accepted claims fixed at `accepted`.

    The loss bands of the claims and the awards of a review stay uncertain.
    """
    stream = portfolio.streams[0]
    scale = accepted / stream.trials
    parts = tuple(
        replace(p, paid=p.paid * scale, sum_of_squares=p.sum_of_squares * scale) for p in stream.parts
    )
    settled = replace(stream, trials=float(accepted), parts=parts, scales=(), rates=())
    return replace(portfolio, streams=(settled,))


def cash_forecast(portfolio: Portfolio, draws: int, seed: int) -> Forecast:
    """Forecast the total cash cost of a portfolio by simulation."""
    total = simulate(portfolio, draws=draws, seed=seed).totals["cash"]
    most = float(total.values.max())
    inputs = dict.fromkeys(name for stream in portfolio.streams for name in stream.inputs)
    expected = float(expected_at(portfolio, "cash", {})[0])
    return Forecast(SimulatedTotal(total), expected, most, tuple(inputs))
