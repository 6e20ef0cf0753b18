"""Incidents: TOML documents about an outage go in; typed documents and published facts come out.

Modules:
    incident: what failed, when and for whom
    layout: how a complaint file names and writes its columns
    bands: loss bands with a stated closed side
    published_facts: published figures with source, grade and date
    intake: a published intake: counts and deadlines
    backtest_spec: which forecast to test against which outcome
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
    from outage_analysis.incidents.bands import check_partition as check_partition
    from outage_analysis.incidents.bands import cuts_of as cuts_of
    from outage_analysis.incidents.bands import holds_amounts as holds_amounts
    from outage_analysis.incidents.bands import log_grid as log_grid
    from outage_analysis.incidents.bands import parse_band as parse_band
    from outage_analysis.incidents.bands import within as within
    from outage_analysis.incidents.bands import written_starts as written_starts
    from outage_analysis.incidents.incident import Dimension as Dimension
    from outage_analysis.incidents.incident import Incident as Incident
    from outage_analysis.incidents.incident import Named as Named
    from outage_analysis.incidents.incident import columns_of as columns_of
    from outage_analysis.incidents.incident import load_incident as load_incident
    from outage_analysis.incidents.intake import IntakeSeries as IntakeSeries
    from outage_analysis.incidents.intake import load_intake as load_intake
    from outage_analysis.incidents.layout import CANONICAL as CANONICAL
    from outage_analysis.incidents.layout import REQUIRED as REQUIRED
    from outage_analysis.incidents.layout import SHOWN_UNIT as SHOWN_UNIT
    from outage_analysis.incidents.layout import UNIT as UNIT
    from outage_analysis.incidents.layout import Layout as Layout
    from outage_analysis.incidents.layout import folded as folded
    from outage_analysis.incidents.layout import layout_for as layout_for
    from outage_analysis.incidents.layout import load_layout as load_layout
    from outage_analysis.incidents.layout import scaled as scaled
    from outage_analysis.incidents.layout import unit_in as unit_in
    from outage_analysis.incidents.layout import unit_of as unit_of
    from outage_analysis.incidents.published_facts import Fact as Fact
    from outage_analysis.incidents.published_facts import TieOut as TieOut
    from outage_analysis.incidents.published_facts import cites_later as cites_later
    from outage_analysis.incidents.published_facts import exists as exists
    from outage_analysis.incidents.published_facts import facts as facts
    from outage_analysis.incidents.published_facts import figure as figure
    from outage_analysis.incidents.published_facts import in_language as in_language
    from outage_analysis.incidents.published_facts import is_currency as is_currency
    from outage_analysis.incidents.published_facts import known_by as known_by
    from outage_analysis.incidents.published_facts import outcomes as outcomes

__getattr__, __dir__ = lazy_exports(__name__, __file__)
