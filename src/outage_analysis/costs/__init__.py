"""The cost model: funnel, expected cost, exact and uncertain totals, sensitivity, comparison, tie-outs."""

from outage_analysis.costs.comparison import Comparison, compare
from outage_analysis.costs.exact import (
    Binomial,
    Component,
    Fixed,
    NegativeBinomial,
    Poisson,
    TotalLaw,
    exact_total,
)
from outage_analysis.costs.expected import COUNTED, by_band, cost_table, totals
from outage_analysis.costs.funnel import Funnel, funnel_of
from outage_analysis.costs.sensitivity.conditions import break_evens, given_exceeding
from outage_analysis.costs.sensitivity.decisions import award_views
from outage_analysis.costs.sensitivity.levers import levers
from outage_analysis.costs.sensitivity.shares import cost_indices
from outage_analysis.costs.sensitivity.tornado import tornado
from outage_analysis.costs.tie_outs import tie_outs
from outage_analysis.costs.uncertainty.compiling import portfolio_of
from outage_analysis.costs.uncertainty.running import Uncertainty, simulate
from outage_analysis.costs.uncertainty.shapes import steps, total_law
from outage_analysis.costs.uncertainty.tables import told, uncertainty_tables

__all__ = [
    "COUNTED",
    "Binomial",
    "Comparison",
    "Component",
    "Fixed",
    "Funnel",
    "NegativeBinomial",
    "Poisson",
    "TotalLaw",
    "Uncertainty",
    "award_views",
    "break_evens",
    "by_band",
    "compare",
    "cost_indices",
    "cost_table",
    "exact_total",
    "funnel_of",
    "given_exceeding",
    "levers",
    "portfolio_of",
    "simulate",
    "steps",
    "tie_outs",
    "told",
    "tornado",
    "total_law",
    "totals",
    "uncertainty_tables",
]
