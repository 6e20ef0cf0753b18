"""Incidents: TOML documents about an outage go in; typed documents and published facts come out.

Modules:
    incident: an outage: what failed, when and for whom
    layout: the columns, formats and units of complaint files
    bands: loss bands, which state whether each edge is included
    published_facts: published figures with source, evidence grade and date; forecasts of the time
    intake: published counts of filed claims, and deadlines
    backtest_spec: a forecast, and the published outcomes to compare it with
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.incidents.backtest_spec import BacktestSpec as BacktestSpec
    from outage_analysis.incidents.backtest_spec import Outcome as Outcome
    from outage_analysis.incidents.backtest_spec import Stage as Stage
    from outage_analysis.incidents.backtest_spec import Valuation as Valuation
    from outage_analysis.incidents.backtest_spec import load_backtest_spec as load_backtest_spec
    from outage_analysis.incidents.bands import GRID_PER_DECADE as GRID_PER_DECADE
    from outage_analysis.incidents.bands import LARGEST_LOSS as LARGEST_LOSS
    from outage_analysis.incidents.bands import NEGATIVE as NEGATIVE
    from outage_analysis.incidents.bands import UNKNOWN as UNKNOWN
    from outage_analysis.incidents.bands import ZERO as ZERO
    from outage_analysis.incidents.bands import Band as Band
    from outage_analysis.incidents.bands import Bands as Bands
    from outage_analysis.incidents.bands import Closed as Closed
    from outage_analysis.incidents.bands import band_within as band_within
    from outage_analysis.incidents.bands import check_partition as check_partition
    from outage_analysis.incidents.bands import holds_positive as holds_positive
    from outage_analysis.incidents.bands import log_grid as log_grid
    from outage_analysis.incidents.bands import lower_closed_cuts as lower_closed_cuts
    from outage_analysis.incidents.bands import parse_band as parse_band
    from outage_analysis.incidents.bands import upper_cuts as upper_cuts
    from outage_analysis.incidents.incident import RESERVED as RESERVED
    from outage_analysis.incidents.incident import ClaimDeadline as ClaimDeadline
    from outage_analysis.incidents.incident import Dimension as Dimension
    from outage_analysis.incidents.incident import FactId as FactId
    from outage_analysis.incidents.incident import Incident as Incident
    from outage_analysis.incidents.incident import NamedItem as NamedItem
    from outage_analysis.incidents.incident import checked_rows as checked_rows
    from outage_analysis.incidents.incident import claim_columns as claim_columns
    from outage_analysis.incidents.incident import load_incident as load_incident
    from outage_analysis.incidents.incident import text_dimensions as text_dimensions
    from outage_analysis.incidents.intake import IntakeSeries as IntakeSeries
    from outage_analysis.incidents.intake import load_intake as load_intake
    from outage_analysis.incidents.layout import CANONICAL_COLUMNS as CANONICAL_COLUMNS
    from outage_analysis.incidents.layout import FILED_AT as FILED_AT
    from outage_analysis.incidents.layout import FORMAT_UNIT_PATTERN as FORMAT_UNIT_PATTERN
    from outage_analysis.incidents.layout import REQUIRED_COLUMNS as REQUIRED_COLUMNS
    from outage_analysis.incidents.layout import ROW_ID as ROW_ID
    from outage_analysis.incidents.layout import UNIT_PATTERN as UNIT_PATTERN
    from outage_analysis.incidents.layout import Layout as Layout
    from outage_analysis.incidents.layout import layout_for as layout_for
    from outage_analysis.incidents.layout import load_layout as load_layout
    from outage_analysis.incidents.layout import normalized_name as normalized_name
    from outage_analysis.incidents.layout import unit_multiplier as unit_multiplier
    from outage_analysis.incidents.layout import with_encoding as with_encoding
    from outage_analysis.incidents.published_facts import FACTS_TABLE as FACTS_TABLE
    from outage_analysis.incidents.published_facts import Fact as Fact
    from outage_analysis.incidents.published_facts import TieOut as TieOut
    from outage_analysis.incidents.published_facts import cites_fact_after as cites_fact_after
    from outage_analysis.incidents.published_facts import fact_exists as fact_exists
    from outage_analysis.incidents.published_facts import facts as facts
    from outage_analysis.incidents.published_facts import facts_in_language as facts_in_language
    from outage_analysis.incidents.published_facts import forecasts_and_payments as forecasts_and_payments
    from outage_analysis.incidents.published_facts import get_fact as get_fact
    from outage_analysis.incidents.published_facts import ids_public_by as ids_public_by
    from outage_analysis.incidents.published_facts import is_currency as is_currency
    from outage_analysis.incidents.published_facts import outcomes as outcomes
    from outage_analysis.incidents.published_facts import published_rates as published_rates
    from outage_analysis.incidents.published_facts import source_sites as source_sites

__getattr__, __dir__ = lazy_exports(__name__, __file__)
