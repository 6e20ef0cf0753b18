"""The schemas of all result tables, by group and name."""

from __future__ import annotations

from functools import cache
from typing import Literal, get_args

from outage_analysis.text import TableSchema

TableGroup = Literal[
    "analysis",
    "sensitivity",
    "comparison",
    "solution",
    "backtest",
    "losses",
    "intake",
    "documents",
]
"""The analysis has the tables of a report; the other groups are the tables of single commands."""


@cache
def table_schemas(group: TableGroup) -> dict[str, TableSchema]:
    """Return the schemas (columns with units) of a group of result tables, by table name."""
    if group == "analysis":
        return _analysis_schemas()
    return _solution_schemas() if group == "solution" else _command_schemas()[group]


def _analysis_schemas() -> dict[str, TableSchema]:
    from outage_analysis.analysis.tables import CLAIMS, HINDSIGHT, TABLES

    # A table computed from claims, or in hindsight, has the columns of the table without the prefix.
    return {
        name: schema()
        for name, (schema, _) in TABLES.items()
        if name.removeprefix(CLAIMS).removeprefix(HINDSIGHT) not in TABLES.keys() - {name}
    }


def _solution_schemas() -> dict[str, TableSchema]:
    from outage_analysis import costs
    from outage_analysis.analysis import solving

    return {
        "solution": costs.SOLUTION,
        "frontier": costs.FRONTIER,
        "frontier_points": solving.FRONTIER_POINTS,
    }


def _command_schemas() -> dict[TableGroup, dict[str, TableSchema]]:
    from outage_analysis import assumptions, costs, losses

    return {
        "sensitivity": {
            "tornado": costs.TORNADO,
            "indices": costs.INDICES,
            "levers": costs.LEVERS,
            "awards": costs.AWARD_VIEWS,
            "break_evens": costs.BREAK_EVENS,
            "inputs_given_exceedance": costs.INPUTS_GIVEN_EXCEEDANCE,
            "information_value": costs.INFORMATION_VALUE,
        },
        "comparison": {
            "policies": costs.POLICIES,
            "benefits": costs.POLICY_BENEFITS,
            "pairs": costs.PAIRS,
            "flips": costs.FLIPS,
            "information_value": costs.INFORMATION_VALUE,
            "replaced": costs.LOSS_REPLACEMENT,
            "left_out": costs.LEFT_OUT,
        },
        "backtest": {
            "outcomes": costs.OUTCOMES,
            "rivals": costs.RIVALS,
            "unscored": costs.UNSCORED,
        },
        "losses": _loss_schemas(),
        "intake": {
            "points": losses.POINTS,
            "branches": losses.FORECAST_BRANCHES,
            "families": losses.CURVE_FORECASTS,
            "spread": losses.CURVE_SPREAD,
            "variance": losses.LATE_VARIANCE,
            "weekdays": losses.WEEKDAY_FACTORS,
            "spikes": losses.DEADLINE_SPIKES,
            "backtest": losses.TESTED_FORECASTS,
            "coverage": losses.INTERVAL_COVERAGE,
            "bounds": losses.LATE_BOUNDS,
            "hindsight": losses.HINDSIGHT,
        },
        "documents": {"assumptions": assumptions.LEDGER, "bridge": costs.BRIDGE},
    }


def _loss_schemas() -> dict[str, TableSchema]:
    from outage_analysis import losses
    from outage_analysis.analysis.exploration import loss_tables

    return {
        "bands": losses.BAND_COUNTS,
        "summary": losses.SUMMARY,
        "quantiles": losses.LOSS_QUANTILES,
        "concentration": losses.CONCENTRATION,
        "heaps": losses.HEAPS,
        "bunching": losses.BUNCHING,
        "shares": losses.SHARES,
        "differences": losses.DIFFERENCES,
        "fits": losses.FITS,
        "quantities": loss_tables.FITTED,
        "refused": loss_tables.REFUSED_FITS,
        "cube": losses.CUBE_MEASURES,
    }


def all_schemas() -> tuple[TableSchema, ...]:
    """Return the schemas of all groups of tables."""
    return tuple(schema for group in get_args(TableGroup) for schema in table_schemas(group).values())
