"""The schemas (columns with units) of all result tables, by group and name."""

from __future__ import annotations

from functools import cache

from outage_analysis.text import TableSchema


def table_schemas(group: str) -> dict[str, TableSchema]:
    """Return the schemas of a group of result tables, by table name.

    The group `analysis` has the tables of a report; one from claims or in hindsight that is not listed has
    the columns of the table without the prefix. The other groups have the tables of single commands.
    """
    return _schemas()[group]


def all_schemas() -> tuple[TableSchema, ...]:
    """Return the schemas of all groups of tables."""
    return tuple(schema for group in _schemas().values() for schema in group.values())


@cache
def _schemas() -> dict[str, dict[str, TableSchema]]:
    from outage_analysis import assumptions, claims, costs, incidents, losses
    from outage_analysis.analysis import exploration, reserve, service_bands, solving, tables

    by_service = {"service": losses.CLAIM_COMBINATIONS["service"].dtype}
    return {
        "analysis": {
            "costs": costs.COSTS,
            "totals": costs.TOTALS,
            "funnel": tables.FUNNEL,
            "services": tables.SERVICES,
            "facts": incidents.FACTS_TABLE,
            "headlines": tables.HEADLINES.without("hindsight"),
            "tie_outs": costs.TIE_OUTS.without("hindsight"),
            "claims_bands": losses.BAND_COUNTS.grouped_by(by_service),
            "claims_services": losses.GROUP_COUNTS.grouped_by(by_service),
            "claims_summary": losses.SUMMARY.grouped_by(by_service),
            "claims_fits": losses.FITS,
            "claims_fitted": exploration.FITTED,
            "claims_curves": losses.CURVES_TABLE,
            "claims_combinations": losses.CLAIM_COMBINATIONS,
            "claims_intake": losses.INTAKE,
            "claims_intake_hours": losses.INTAKE_BY_HOUR,
            "claims_quality": losses.QUALITY,
            "claims_amounts": claims.CONTROL_TOTALS,
            "claims_rules": losses.BROKEN_RULES,
            "claims_heaping": losses.HEAPING,
            "claims_bunching": losses.BUNCHING,
            "claims_claimants": losses.CLAIMANTS,
            "claims_service_bands": service_bands.SERVICE_BANDS,
            "tornado": costs.TORNADO,
            "levers": costs.LEVERS,
            "quantiles": costs.QUANTILES,
            "split": costs.VARIANCE_SPLIT,
            "contributions": costs.CONTRIBUTIONS,
            "budget": costs.BUDGET_CHANCE,
            "total_distribution": costs.TOTAL_DISTRIBUTION,
            "cost_ranges": costs.COST_RANGES,
            "steps": costs.WATERFALL_STEPS,
            "information_value": costs.INFORMATION_VALUE,
            "scenarios": costs.SCENARIOS,
            "reserve": reserve.RESERVE,
            "comparison": costs.POLICIES,
            "pairs": costs.PAIRS,
            "flips": costs.FLIPS,
            "policy_information_value": costs.INFORMATION_VALUE,
            "winners_and_losers": costs.WINNERS_AND_LOSERS,
            "hindsight_backtest": costs.RANGES,
            "hindsight_rivals": costs.RIVALS,
            "hindsight_outcomes": incidents.FACTS_TABLE,
        },
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
        "solution": {
            "solution": costs.SOLUTION,
            "frontier": costs.FRONTIER,
            "frontier_points": solving.FRONTIER_POINTS,
        },
        "backtest": {"outcomes": costs.OUTCOMES, "rivals": costs.RIVALS, "unscored": costs.UNSCORED},
        "losses": {
            "bands": losses.BAND_COUNTS,
            "summary": losses.SUMMARY,
            "quantiles": losses.LOSS_QUANTILES,
            "concentration": losses.CONCENTRATION,
            "lorenz": losses.LORENZ,
            "heaps": losses.HEAPS,
            "bunching": losses.BUNCHING,
            "shares": losses.SHARES,
            "differences": losses.DIFFERENCES,
            "fits": losses.FITS,
            "quantities": exploration.FITTED,
            "refused": exploration.REFUSED_FITS,
            "cube": losses.CUBE_MEASURES,
        },
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
