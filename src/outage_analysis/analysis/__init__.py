"""The analysis: a Plan goes in, an Analysis with every figure of one run comes out.

Modules:
    plan: the Plan, and functions that load and write its documents and load its claims
    steps: `run`: read, count, compile, evaluate, result
    analysis: the Analysis: its costs and draws, and the figures of the headline
    service_bands: claims, stated loss and expected cost by service and loss band
    tables: every table of an analysis by name, computed when somebody asks for it, and all columns
    summary: notes of an analysis in words, and what would narrow its range
    display_units: amounts in whole currency for printed tables
    alternatives: policies compared with the plan's policy
    comparison_cubes: the cubes of the claims that the compared policies pay
    scenarios: the headline cash under the stresses of a document
    reserve: the reserve figure by measure, and the cost lines that it includes
    solving: the policy that gives claimants most within a budget
    exploration: losses described for a question, and claims over time for a forecast
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.analysis.alternatives import PolicyComparison as PolicyComparison
    from outage_analysis.analysis.alternatives import compare as compare
    from outage_analysis.analysis.alternatives import compare_policies as compare_policies
    from outage_analysis.analysis.analysis import Analysis as Analysis
    from outage_analysis.analysis.display_units import common_unit as common_unit
    from outage_analysis.analysis.display_units import currency_if_converted as currency_if_converted
    from outage_analysis.analysis.display_units import format_amounts as format_amounts
    from outage_analysis.analysis.display_units import ledger_locale as ledger_locale
    from outage_analysis.analysis.display_units import whole_counts as whole_counts
    from outage_analysis.analysis.exploration import ForecastInput as ForecastInput
    from outage_analysis.analysis.exploration import Question as Question
    from outage_analysis.analysis.exploration import combination_counts as combination_counts
    from outage_analysis.analysis.exploration import explore as explore
    from outage_analysis.analysis.exploration import explore_grouped as explore_grouped
    from outage_analysis.analysis.exploration import fit_cube as fit_cube
    from outage_analysis.analysis.exploration import fit_tables as fit_tables
    from outage_analysis.analysis.exploration import forecast_input_from_claims as forecast_input_from_claims
    from outage_analysis.analysis.exploration import forecast_input_from_series as forecast_input_from_series
    from outage_analysis.analysis.exploration import heap_tables as heap_tables
    from outage_analysis.analysis.plan import Plan as Plan
    from outage_analysis.analysis.plan import check_documents_fit as check_documents_fit
    from outage_analysis.analysis.plan import load_documents as load_documents
    from outage_analysis.analysis.plan import make_plan as make_plan
    from outage_analysis.analysis.plan import scaffold as scaffold
    from outage_analysis.analysis.plan import with_tiers as with_tiers
    from outage_analysis.analysis.plan import write_documents as write_documents
    from outage_analysis.analysis.reserve import RESERVE as RESERVE
    from outage_analysis.analysis.reserve import parse_measure as parse_measure
    from outage_analysis.analysis.reserve import reserve_amount as reserve_amount
    from outage_analysis.analysis.reserve import reserve_mean as reserve_mean
    from outage_analysis.analysis.reserve import reserve_note as reserve_note
    from outage_analysis.analysis.reserve import reserve_scope as reserve_scope
    from outage_analysis.analysis.solving import BudgetSolution as BudgetSolution
    from outage_analysis.analysis.solving import solve as solve
    from outage_analysis.analysis.solving import solve_plan as solve_plan
    from outage_analysis.analysis.steps import run as run
    from outage_analysis.analysis.summary import MAX_NAMED_LINES as MAX_NAMED_LINES
    from outage_analysis.analysis.summary import budget_scope as budget_scope
    from outage_analysis.analysis.summary import counted_notes as counted_notes
    from outage_analysis.analysis.summary import input_notes as input_notes
    from outage_analysis.analysis.summary import narrowing_input as narrowing_input
    from outage_analysis.analysis.summary import refuse_no_cash as refuse_no_cash
    from outage_analysis.analysis.summary import unstated_notes as unstated_notes
    from outage_analysis.analysis.tables import FUNNEL as FUNNEL
    from outage_analysis.analysis.tables import SERVICES as SERVICES
    from outage_analysis.analysis.tables import all_schemas as all_schemas
    from outage_analysis.analysis.tables import sensitivity_tables as sensitivity_tables
    from outage_analysis.analysis.tables import table_schemas as table_schemas

__getattr__, __dir__ = lazy_exports(__name__, __file__)
