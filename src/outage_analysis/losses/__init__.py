"""Losses: claims go in; cubes, loss summaries, severity distributions and late-claim forecasts come out.

Modules:
    cube: claim counts and sums of losses by dimension and loss band
    claims_table: claims by dimension and loss band, as a frame that shows itself as a heat table
    cube_building: builds a cube from claims and saves it
    groups: the groups of claims in a cube, wider bands, claims by day and hour
    loss_summaries: means, quantiles, concentration and group comparisons of losses
    grouped_losses: losses counted by band for a fit, from a cube or a printed table
    families: families of severity distributions
    severity: fits severity distributions to losses
    fit_displays: the cards of fits, and points on their curves
    development: forecasts the claims still to be filed
    data_quality: quality of the complaint files, losses on round numbers and at policy edges
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.losses.claims_table import ClaimsByBand, claims_by_band
    from outage_analysis.losses.cube import (
        CUBE_MEASURES,
        EDGES,
        MEASURES,
        MIN_CLAIMS_PER_CATEGORY,
        Cube,
        Schema,
        null_unstated_sums,
        read_counts,
        sorted_cube,
        sum_or_null,
    )
    from outage_analysis.losses.cube_building import (
        CLAIM_COMBINATIONS,
        build_cube,
        cost_bands,
        count_combinations,
        dimension_labels,
        save_cube,
    )
    from outage_analysis.losses.data_quality import (
        BROKEN_RULES,
        BUNCHING,
        CLAIMANTS,
        HEAPING,
        HEAPS,
        QUALITY,
        ClaimsQuality,
        bunching_table,
        claimants_table,
        heaping_table,
        heaps_table,
        quality_table,
        reject_sentence,
        rule_table,
    )
    from outage_analysis.losses.development.intake_forecasts import (
        CURVE_FORECASTS,
        CURVE_SPREAD,
        DEADLINE,
        DEADLINE_SPIKES,
        EXTENDED,
        FORECAST_BRANCHES,
        HINDSIGHT,
        INTERVAL_COVERAGE,
        LATE_BOUNDS,
        LATE_VARIANCE,
        POINTS,
        TESTED_FORECASTS,
        WEEKDAY_FACTORS,
        Channel,
        channel_from_cube,
        channel_from_series,
        late_claim_tables,
    )
    from outage_analysis.losses.development.late_claims import (
        Branch,
        LateClaimsForecast,
        forecast_late_claims,
    )
    from outage_analysis.losses.families import FAMILIES
    from outage_analysis.losses.fit_displays import COUNTED, CURVES_TABLE, curve_table
    from outage_analysis.losses.grouped_losses import (
        GroupedLossesDocument,
        fit_edges,
        load_grouped,
        loss_counts,
        stated_edges,
    )
    from outage_analysis.losses.groups import (
        BAND_COUNTS,
        GROUP_COUNTS,
        INTAKE,
        INTAKE_BY_HOUR,
        MAX_DISPLAY_CUTS,
        DimensionFilter,
        cumulative_intake,
        display_bands,
        filter_cube,
        merge_rare_groups,
        regroup,
        sum_or_none,
        with_shares,
    )
    from outage_analysis.losses.loss_summaries import (
        CONCENTRATION,
        DIFFERENCES,
        LOSS_QUANTILES,
        SHARES,
        SUMMARY,
        compare_groups,
        concentration,
        quantiles,
        summary,
    )
    from outage_analysis.losses.severity import FITS, Fits, SeverityFit, fit_all, fit_severity

__getattr__, __dir__ = lazy_exports(__name__, __file__)
