"""Losses: claims go in; cubes, loss summaries, severity distributions and late-claim forecasts come out.

Modules:
    cube: claim counts and sums of losses by dimension and loss band; groups of claims, and wider bands; means
        and quantiles of losses
    cube_building: builds a cube from claims, saves it, and shows it as a heat table
    engines: builds a cube where a table is, in a database or on a cluster
    severity: losses counted by band, and the severity distributions that are fitted to them
    late_claims: forecasts the claims still to be filed
    data_quality: quality of the complaint files, losses on round numbers and at policy edges
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.losses.cube import (
        EDGES,
        MAX_DISPLAY_CUTS,
        MEASURES,
        MIN_CLAIMS_PER_CATEGORY,
        Cube,
        DimensionFilter,
        Schema,
        check_dimensions,
        cube_bytes,
        cube_of,
        cumulative_intake,
        display_bands,
        filter_cube,
        merge_rare_groups,
        null_unstated_sums,
        quantiles,
        read_counts,
        regroup,
        sorted_cube,
        sum_or_null,
        summary,
        with_shares,
    )
    from outage_analysis.losses.cube_building import (
        ClaimsByBand,
        build_cube,
        claims_by_band,
        cost_bands,
        count_combinations,
        dimension_labels,
        save_cube,
    )
    from outage_analysis.losses.data_quality import (
        ClaimsQuality,
        bunching_table,
        quality_table,
        reject_sentence,
        rule_table,
    )
    from outage_analysis.losses.engines import read_cube
    from outage_analysis.losses.late_claims import (
        DEADLINE,
        EXTENDED,
        Branch,
        Channel,
        LateClaimsForecast,
        LateCount,
        channel_from_cube,
        channel_from_series,
        forecast_late_claims,
        late_claim_bounds,
        supported_late_count,
    )
    from outage_analysis.losses.severity import (
        COUNTED,
        FAMILIES,
        Fits,
        GroupedLossesDocument,
        SeverityFit,
        curve_table,
        fit_all,
        fit_edges,
        fit_severity,
        load_grouped,
        loss_counts,
        stated_edges,
    )
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
