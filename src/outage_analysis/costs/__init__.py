"""The cost model: funnel, expected cost, exact and uncertain totals, sensitivity, comparison, tie-outs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazily import lazily

if TYPE_CHECKING:
    from outage_analysis.costs.comparison import Comparison as Comparison
    from outage_analysis.costs.comparison import compare as compare
    from outage_analysis.costs.cube_costs import UNSTATED as UNSTATED
    from outage_analysis.costs.cube_costs import unstated_losses as unstated_losses
    from outage_analysis.costs.exact import Binomial as Binomial
    from outage_analysis.costs.exact import Component as Component
    from outage_analysis.costs.exact import Fixed as Fixed
    from outage_analysis.costs.exact import NegativeBinomial as NegativeBinomial
    from outage_analysis.costs.exact import Poisson as Poisson
    from outage_analysis.costs.exact import TotalLaw as TotalLaw
    from outage_analysis.costs.exact import exact_total as exact_total
    from outage_analysis.costs.expected import COUNTED as COUNTED
    from outage_analysis.costs.expected import by_band as by_band
    from outage_analysis.costs.expected import cost_table as cost_table
    from outage_analysis.costs.expected import inputs_in as inputs_in
    from outage_analysis.costs.expected import totals as totals
    from outage_analysis.costs.funnel import Funnel as Funnel
    from outage_analysis.costs.funnel import funnel_of as funnel_of
    from outage_analysis.costs.sensitivity.conditions import break_evens as break_evens
    from outage_analysis.costs.sensitivity.conditions import given_exceeding as given_exceeding
    from outage_analysis.costs.sensitivity.decisions import award_views as award_views
    from outage_analysis.costs.sensitivity.levers import levers as levers
    from outage_analysis.costs.sensitivity.shares import cost_indices as cost_indices
    from outage_analysis.costs.sensitivity.tornado import tornado as tornado
    from outage_analysis.costs.ties import tie_outs as tie_outs
    from outage_analysis.costs.uncertainty.compiling import portfolio_of as portfolio_of
    from outage_analysis.costs.uncertainty.running import Uncertainty as Uncertainty
    from outage_analysis.costs.uncertainty.running import simulate as simulate
    from outage_analysis.costs.uncertainty.shapes import steps as steps
    from outage_analysis.costs.uncertainty.shapes import total_law as total_law
    from outage_analysis.costs.uncertainty.tables import told as told
    from outage_analysis.costs.uncertainty.tables import uncertainty_tables as uncertainty_tables

_HOMES = {
    "Binomial": "exact",
    "COUNTED": "expected",
    "Comparison": "comparison",
    "Component": "exact",
    "Fixed": "exact",
    "Funnel": "funnel",
    "NegativeBinomial": "exact",
    "Poisson": "exact",
    "TotalLaw": "exact",
    "UNSTATED": "cube_costs",
    "Uncertainty": "uncertainty.running",
    "award_views": "sensitivity.decisions",
    "break_evens": "sensitivity.conditions",
    "by_band": "expected",
    "compare": "comparison",
    "cost_indices": "sensitivity.shares",
    "cost_table": "expected",
    "exact_total": "exact",
    "funnel_of": "funnel",
    "given_exceeding": "sensitivity.conditions",
    "inputs_in": "expected",
    "levers": "sensitivity.levers",
    "portfolio_of": "uncertainty.compiling",
    "simulate": "uncertainty.running",
    "steps": "uncertainty.shapes",
    "tie_outs": "ties",
    "told": "uncertainty.tables",
    "tornado": "sensitivity.tornado",
    "total_law": "uncertainty.shapes",
    "totals": "expected",
    "uncertainty_tables": "uncertainty.tables",
    "unstated_losses": "cube_costs",
}

__all__ = [  # noqa: PLE0604 - the names are the keys of the map
    *_HOMES
]
__getattr__, __dir__ = lazily(__name__, _HOMES)
