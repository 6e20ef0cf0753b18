"""Add published amounts to the distribution of the total cash: press forecasts, and what was paid later."""

from __future__ import annotations

import polars as pl

from outage_analysis.costs import TOTAL_DISTRIBUTION, Simulation, rounded_probability
from outage_analysis.incidents import Incident

DISTRIBUTION = "total_distribution"


def mark_published_amounts(
    tables: dict[str, pl.DataFrame], incident: Incident, run: Simulation | None
) -> dict[str, pl.DataFrame]:
    """Return the tables with published amounts beside the simulated total cash.

    An amount is added only if it counts the same as the total: the cost line that it forecasts is the only
    cash line of the simulation.

    Args:
        tables: the tables of an analysis, with those of hindsight, if it is allowed.
        incident: the incident.
        run: the simulation from published counts; None if there is none.

    Returns:
        The tables. Press forecasts are added to `total_distribution`. If the cash paid is known in hindsight,
        `hindsight_total_distribution` has the same rows and the amount paid.
    """
    table = tables.get(DISTRIBUTION)
    if run is None or table is None or len(lines := run.portfolio.counted("cash")) != 1:
        return tables
    (line,) = lines
    forecasts = tables["headlines"].filter(pl.col("fact") != "", pl.col("high").is_not_null(), line=line)
    # Published amounts are in whole currency, simulated totals in the smallest unit.
    unit = 10**incident.minor_units
    amounts = forecasts.select("fact", pl.col("low", "high") * unit)
    rows = [("press", fact, low, high) for fact, low, high in amounts.rows()]
    marked = _append(table, run, rows)
    outcome, later = incident.outcome, tables.get("hindsight_outcomes")
    found = {DISTRIBUTION: marked}
    if outcome is not None and later is not None and outcome.line == line:
        paid = later.filter(id=outcome.paid)["value"].to_list()
        if paid:
            found[f"hindsight_{DISTRIBUTION}"] = _append(
                marked, run, [("observed", outcome.paid, None, float(paid[0]) * unit)]
            )
    return tables | found


def _append(
    table: pl.DataFrame, run: Simulation, rows: list[tuple[str, str, float | None, float]]
) -> pl.DataFrame:
    """Add rows of cash: mark, fact, lower end and amount; the probability comes from the simulation."""
    total = run.totals["cash"]
    cells = [
        (
            "cash",
            mark,
            fact,
            None if low == high else low,
            high,
            1 - rounded_probability(total.exceedance(high)).value,
        )
        for mark, fact, low, high in rows
    ]
    return pl.concat([table, pl.DataFrame(cells, schema=TOTAL_DISTRIBUTION.dtypes, orient="row")])
