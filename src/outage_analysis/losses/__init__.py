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
    from outage_analysis.losses.claims_table import ClaimsByBand as ClaimsByBand
    from outage_analysis.losses.claims_table import claims_by_band as claims_by_band
    from outage_analysis.losses.cube import CUBE_MEASURES as CUBE_MEASURES
    from outage_analysis.losses.cube import EDGES as EDGES
    from outage_analysis.losses.cube import MEASURES as MEASURES
    from outage_analysis.losses.cube import MIN_CLAIMS_PER_CATEGORY as MIN_CLAIMS_PER_CATEGORY
    from outage_analysis.losses.cube import Cube as Cube
    from outage_analysis.losses.cube import Schema as Schema
    from outage_analysis.losses.cube import null_unstated_sums as null_unstated_sums
    from outage_analysis.losses.cube import read_counts as read_counts
    from outage_analysis.losses.cube import sorted_cube as sorted_cube
    from outage_analysis.losses.cube import sum_or_null as sum_or_null
    from outage_analysis.losses.cube_building import CLAIM_COMBINATIONS as CLAIM_COMBINATIONS
    from outage_analysis.losses.cube_building import build_cube as build_cube
    from outage_analysis.losses.cube_building import cost_bands as cost_bands
    from outage_analysis.losses.cube_building import count_combinations as count_combinations
    from outage_analysis.losses.cube_building import dimension_labels as dimension_labels
    from outage_analysis.losses.cube_building import save_cube as save_cube
    from outage_analysis.losses.data_quality import BROKEN_RULES as BROKEN_RULES
    from outage_analysis.losses.data_quality import BUNCHING as BUNCHING
    from outage_analysis.losses.data_quality import CLAIMANTS as CLAIMANTS
    from outage_analysis.losses.data_quality import HEAPING as HEAPING
    from outage_analysis.losses.data_quality import HEAPS as HEAPS
    from outage_analysis.losses.data_quality import QUALITY as QUALITY
    from outage_analysis.losses.data_quality import bunching_table as bunching_table
    from outage_analysis.losses.data_quality import claimants_table as claimants_table
    from outage_analysis.losses.data_quality import heaping_table as heaping_table
    from outage_analysis.losses.data_quality import heaps_table as heaps_table
    from outage_analysis.losses.data_quality import quality_report as quality_report
    from outage_analysis.losses.data_quality import quality_table as quality_table
    from outage_analysis.losses.data_quality import reject_sentence as reject_sentence
    from outage_analysis.losses.data_quality import rule_table as rule_table
    from outage_analysis.losses.development.forecast_tables import CURVE_FORECASTS as CURVE_FORECASTS
    from outage_analysis.losses.development.forecast_tables import CURVE_SPREAD as CURVE_SPREAD
    from outage_analysis.losses.development.forecast_tables import DEADLINE_SPIKES as DEADLINE_SPIKES
    from outage_analysis.losses.development.forecast_tables import FORECAST_BRANCHES as FORECAST_BRANCHES
    from outage_analysis.losses.development.forecast_tables import HINDSIGHT as HINDSIGHT
    from outage_analysis.losses.development.forecast_tables import INTERVAL_COVERAGE as INTERVAL_COVERAGE
    from outage_analysis.losses.development.forecast_tables import LATE_BOUNDS as LATE_BOUNDS
    from outage_analysis.losses.development.forecast_tables import LATE_VARIANCE as LATE_VARIANCE
    from outage_analysis.losses.development.forecast_tables import POINTS as POINTS
    from outage_analysis.losses.development.forecast_tables import TESTED_FORECASTS as TESTED_FORECASTS
    from outage_analysis.losses.development.forecast_tables import WEEKDAY_FACTORS as WEEKDAY_FACTORS
    from outage_analysis.losses.development.forecast_tables import late_claim_tables as late_claim_tables
    from outage_analysis.losses.development.intake_counts import DEADLINE as DEADLINE
    from outage_analysis.losses.development.intake_counts import EXTENDED as EXTENDED
    from outage_analysis.losses.development.intake_counts import Channel as Channel
    from outage_analysis.losses.development.intake_counts import channel_from_cube as channel_from_cube
    from outage_analysis.losses.development.intake_counts import channel_from_series as channel_from_series
    from outage_analysis.losses.development.late_claims import LateClaimsForecast as LateClaimsForecast
    from outage_analysis.losses.development.late_claims import forecast_late_claims as forecast_late_claims
    from outage_analysis.losses.development.late_count import Branch as Branch
    from outage_analysis.losses.families import FAMILIES as FAMILIES
    from outage_analysis.losses.fit_displays import COUNTED as COUNTED
    from outage_analysis.losses.fit_displays import CURVES_TABLE as CURVES_TABLE
    from outage_analysis.losses.fit_displays import curve_table as curve_table
    from outage_analysis.losses.grouped_losses import GroupedLossesDocument as GroupedLossesDocument
    from outage_analysis.losses.grouped_losses import fit_edges as fit_edges
    from outage_analysis.losses.grouped_losses import load_grouped as load_grouped
    from outage_analysis.losses.grouped_losses import loss_counts as loss_counts
    from outage_analysis.losses.grouped_losses import stated_edges as stated_edges
    from outage_analysis.losses.groups import BAND_COUNTS as BAND_COUNTS
    from outage_analysis.losses.groups import GROUP_COUNTS as GROUP_COUNTS
    from outage_analysis.losses.groups import INTAKE as INTAKE
    from outage_analysis.losses.groups import INTAKE_BY_HOUR as INTAKE_BY_HOUR
    from outage_analysis.losses.groups import MAX_DISPLAY_CUTS as MAX_DISPLAY_CUTS
    from outage_analysis.losses.groups import DimensionFilter as DimensionFilter
    from outage_analysis.losses.groups import cumulative_intake as cumulative_intake
    from outage_analysis.losses.groups import display_bands as display_bands
    from outage_analysis.losses.groups import filter_cube as filter_cube
    from outage_analysis.losses.groups import merge_rare_groups as merge_rare_groups
    from outage_analysis.losses.groups import regroup as regroup
    from outage_analysis.losses.groups import sum_or_none as sum_or_none
    from outage_analysis.losses.groups import with_shares as with_shares
    from outage_analysis.losses.loss_summaries import CONCENTRATION as CONCENTRATION
    from outage_analysis.losses.loss_summaries import DIFFERENCES as DIFFERENCES
    from outage_analysis.losses.loss_summaries import LOSS_QUANTILES as LOSS_QUANTILES
    from outage_analysis.losses.loss_summaries import SHARES as SHARES
    from outage_analysis.losses.loss_summaries import SUMMARY as SUMMARY
    from outage_analysis.losses.loss_summaries import compare_groups as compare_groups
    from outage_analysis.losses.loss_summaries import concentration as concentration
    from outage_analysis.losses.loss_summaries import quantiles as quantiles
    from outage_analysis.losses.loss_summaries import summary as summary
    from outage_analysis.losses.severity import FITS as FITS
    from outage_analysis.losses.severity import Fits as Fits
    from outage_analysis.losses.severity import SeverityFit as SeverityFit
    from outage_analysis.losses.severity import fit_all as fit_all
    from outage_analysis.losses.severity import fit_severity as fit_severity

__getattr__, __dir__ = lazy_exports(__name__, __file__)
