"""The table of scenarios: the distribution of the cash under each stress, beside the run without a change."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from outage_analysis.costs.scenarios.scenario_documents import BASE, Scenario
from outage_analysis.costs.scenarios.stressed_terms import DoesNotApply, StressedRun
from outage_analysis.costs.uncertainty.portfolio import expected_at
from outage_analysis.costs.uncertainty.simulation import (
    Estimate,
    SampledTotal,
    Simulation,
    replicate_mean,
)
from outage_analysis.costs.uncertainty.tables import (
    expected_estimate,
    rounded_estimate,
    rounded_probability,
)
from outage_analysis.text import DEFAULT_LEVEL, STATUS, Column, LikelyRange, TableSchema

P75 = 0.75
"""A measure that a reserve may use; the table has it at every level of the likely range."""
SCENARIOS: TableSchema = TableSchema(
    "One row per scenario; the row `base` is the run without a change. Scenarios cover only cash.",
    (
        Column("scenario", "id", "Id of the scenario."),
        Column("expected", "money", "Expected cash; empty if the scenario does not apply."),
        Column("range_low", "money", "Low end of the likely range of the cash."),
        Column("p50", "money", "Median of the cash."),
        Column("p75", "money", "The cash stays below this amount with a probability of 75 %."),
        Column("range_high", "money", "High end of the likely range of the cash."),
        Column("over_budget", "share", "Probability that the cash exceeds the budget; empty without one."),
        Column("change", "money", "Expected cash less that of the row `base`.", label="scenario_change"),
        STATUS,
        Column("reason", "text", "What the status is about, such as cost lines; empty for most."),
    ),
)
OK = "ok"
UNCHANGED = Estimate(0.0, 0.0)
"""The change of a scenario that changes nothing."""


def scenario_table(
    run: Simulation,
    stressed: StressedRun,
    scenarios: Iterable[Scenario],
    *,
    budget: float | None = None,
    level: int = DEFAULT_LEVEL,
) -> pl.DataFrame:
    """Return the cash under each scenario, computed with the random points of a simulation.

    Args:
        run: the simulation without a change; its cash is the row `base`.
        stressed: its cash, with the policy and the day.
        scenarios: the stresses.
        budget: an amount of cash in the smallest unit of the currency.
        level: the probability of the likely range in percent.

    Returns:
        The columns of `SCENARIOS`, in the smallest unit of the currency, rounded as in the tables of the
        simulation. An expected cash that has no closed form is the expected cash of the base plus the mean
        difference on the same points, so that a scenario that changes nothing differs by exactly 0.
    """
    base, likely = run.totals["cash"], LikelyRange(level)
    expected = expected_estimate(run, "cash")
    rows = [{"scenario": BASE, **_measures(base, likely, budget), **_expectation(expected, UNCHANGED)}]
    for scenario in scenarios:
        try:
            under = stressed.under(scenario)
        except DoesNotApply as refusal:
            rows.append({"scenario": scenario.id, "status": refusal.status, "reason": refusal.reason})
            continue
        total = under.totals["cash"]
        change = _expected_change(stressed.cash, base, under, total)
        rows.append(
            {"scenario": scenario.id, **_measures(total, likely, budget), **_expectation(expected, change)}
        )
    return pl.DataFrame(rows, schema=SCENARIOS.dtypes)


def _measures(total: SampledTotal, likely: LikelyRange, budget: float | None) -> dict[str, object]:
    quantiles = {"p75": P75, **likely.columns}
    chance = None if budget is None else rounded_probability(total.exceedance(budget)).value
    return {
        **{name: rounded_estimate(total.quantile(p)).value for name, p in quantiles.items()},
        "over_budget": chance,
        "status": OK,
        "reason": "",
    }


def _expected_change(
    cash: Simulation, base: SampledTotal, under: Simulation, total: SampledTotal
) -> Estimate:
    if under.rank is cash.rank and under.portfolio.has_closed_form("cash"):
        before, after = (float(expected_at(run.portfolio, "cash", {})[0]) for run in (cash, under))
        return Estimate(after - before, 0.0)
    return replicate_mean((total.mean - base.mean).mean(axis=1))


def _expectation(base: Estimate, change: Estimate) -> dict[str, object]:
    if change == UNCHANGED:
        return {"expected": base.value, "change": 0.0}
    error = (base.error**2 + change.error**2) ** 0.5
    expected = rounded_estimate(Estimate(base.value + change.value, error))
    return {"expected": expected.value, "change": rounded_estimate(change).value}
