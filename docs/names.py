"""The public names, by package, as the reference lists them."""

from __future__ import annotations

from pathlib import Path

import outage_analysis
from outage_analysis.lazy_exports import exported_names

ELSEWHERE = {"Analysis", "Branch", "Claims", "Cube", "Incident", "Ledger", "Policy", "forecast_late_claims"}
"""Names of `outage_analysis` that the reference describes below another package."""
PUBLIC = {
    "outage_analysis": (
        "What a script needs: documents and claims in, an analysis and a report out.",
        tuple(sorted(exported_names(Path(outage_analysis.__file__)).keys() - ELSEWHERE)),
    ),
    "outage_analysis.analysis": (
        "What `run` and `compare` return.",
        ("Analysis", "PolicyComparison"),
    ),
    "outage_analysis.claims": ("What `read_claims` returns.", ("Claims",)),
    "outage_analysis.incidents": ("What `load_incident` returns.", ("Incident",)),
    "outage_analysis.policies": ("What `load_policy` returns.", ("Policy",)),
    "outage_analysis.assumptions": ("What `load_ledger` returns.", ("Ledger",)),
    "outage_analysis.jupyter": (
        "Charts, tables and parts of the report in a notebook, offline.",
        (
            "refusals_as_notes", "show", "show_part", "show_table", "show_what_if",
        ),
    ),
    "outage_analysis.costs": (
        "The cost model: expected cost and distribution of a total.",
        (
            "HAS_AMOUNT", "UNSTATED", "Simulation", "assumption_ids", "build_portfolio", "by_band",
            "cost_table", "rounded_estimate", "simulate", "totals",
        ),
    ),
    "outage_analysis.costs.simulation": (
        "Tables of a simulation.",
        ("quantiles_table", "total_distribution_table", "waterfall_steps"),
    ),
    "outage_analysis.costs.sensitivity": (
        "What a total depends on, and stresses of a total.",
        (
            "break_evens", "information_value",
            "tornado", "ScenarioSet", "load_scenarios",
        ),
    ),
    "outage_analysis.losses": (
        "Losses: the cube, summaries of its losses, fitted severity, and forecasts of late claims.",
        (
            "Cube", "DimensionFilter", "cumulative_intake",
            "display_bands", "fit_edges", "loss_counts", "quantiles", "regroup", "filter_cube",
            "stated_edges", "summary", "with_shares", "FAMILIES", "Fits", "SeverityFit", "fit_all",
            "Branch", "Channel", "LateClaimsForecast", "channel_from_cube", "forecast_late_claims",
            "channel_from_series",
        ),
    ),
}  # fmt: skip
"""The names that users call, by package: its purpose, and the names in the order of the reference."""
