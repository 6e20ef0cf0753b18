"""The analysis: a Plan goes in, an Analysis with every figure of one run comes out.

Modules:
    plan: the Plan, and functions that load its documents and claims
    steps: `run`: read, count, compile, evaluate, result
    analysis: the Analysis: its costs and draws, and the figures of the headline
    service_bands: claims, stated loss and expected cost by service and loss band
    tables: every table of an analysis by name, computed when somebody asks for it
    summary: figures and notes of an analysis in words
    document_files: writes the TOML documents of a plan
    schemas: the columns of the result tables of commands
    display_units: amounts in whole currency for printed tables
    alternatives: policies compared with the plan's policy
    scenarios: the headline cash under the stresses of a document
    reserve: the reserve figure by measure, and the cost lines that it includes
    narrowing: the range of the cash if an input were known better
    solving: the policy that gives claimants most within a budget
    drivers: tables of what drives the cost
    exploration: tables of losses and of late claims
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.analysis.alternatives import PolicyComparison as PolicyComparison
    from outage_analysis.analysis.alternatives import compare as compare
    from outage_analysis.analysis.alternatives import compare_policies as compare_policies
    from outage_analysis.analysis.analysis import Analysis as Analysis
    from outage_analysis.analysis.analysis import refuse_no_cash as refuse_no_cash
    from outage_analysis.analysis.display_units import DisplayUnits as DisplayUnits
    from outage_analysis.analysis.display_units import whole_counts as whole_counts
    from outage_analysis.analysis.document_files import scaffold as scaffold
    from outage_analysis.analysis.document_files import write_documents as write_documents
    from outage_analysis.analysis.drivers import sensitivity_tables as sensitivity_tables
    from outage_analysis.analysis.exploration.intake_query import ForecastInput as ForecastInput
    from outage_analysis.analysis.exploration.intake_query import (
        forecast_input_from_claims as forecast_input_from_claims,
    )
    from outage_analysis.analysis.exploration.intake_query import (
        forecast_input_from_series as forecast_input_from_series,
    )
    from outage_analysis.analysis.exploration.loss_tables import combination_counts as combination_counts
    from outage_analysis.analysis.exploration.loss_tables import fit_cube as fit_cube
    from outage_analysis.analysis.exploration.loss_tables import fit_tables as fit_tables
    from outage_analysis.analysis.exploration.loss_tables import heap_tables as heap_tables
    from outage_analysis.analysis.exploration.questions import Question as Question
    from outage_analysis.analysis.exploration.questions import explore as explore
    from outage_analysis.analysis.exploration.questions import explore_grouped as explore_grouped
    from outage_analysis.analysis.narrowing import narrowing_input as narrowing_input
    from outage_analysis.analysis.plan import Plan as Plan
    from outage_analysis.analysis.plan import Tiers as Tiers
    from outage_analysis.analysis.plan import check_documents_fit as check_documents_fit
    from outage_analysis.analysis.plan import load_documents as load_documents
    from outage_analysis.analysis.plan import make_plan as make_plan
    from outage_analysis.analysis.plan import with_tiers as with_tiers
    from outage_analysis.analysis.reserve import RESERVE as RESERVE
    from outage_analysis.analysis.reserve import parse_measure as parse_measure
    from outage_analysis.analysis.reserve import reserve_amount as reserve_amount
    from outage_analysis.analysis.reserve import reserve_mean as reserve_mean
    from outage_analysis.analysis.reserve import reserve_note as reserve_note
    from outage_analysis.analysis.reserve import reserve_scope as reserve_scope
    from outage_analysis.analysis.reserve import reserve_table as reserve_table
    from outage_analysis.analysis.schemas import TableGroup as TableGroup
    from outage_analysis.analysis.schemas import all_schemas as all_schemas
    from outage_analysis.analysis.schemas import table_schemas as table_schemas
    from outage_analysis.analysis.service_bands import service_band_table as service_band_table
    from outage_analysis.analysis.solving import BudgetSolution as BudgetSolution
    from outage_analysis.analysis.solving import solve as solve
    from outage_analysis.analysis.solving import solve_plan as solve_plan
    from outage_analysis.analysis.steps import run as run
    from outage_analysis.analysis.summary import MAX_NAMED_LINES as MAX_NAMED_LINES
    from outage_analysis.analysis.summary import budget_scope as budget_scope
    from outage_analysis.analysis.summary import counted_notes as counted_notes
    from outage_analysis.analysis.summary import input_notes as input_notes
    from outage_analysis.analysis.summary import unstated_notes as unstated_notes
    from outage_analysis.analysis.tables import FUNNEL as FUNNEL
    from outage_analysis.analysis.tables import SERVICES as SERVICES
    from outage_analysis.analysis.tables import AnalysisTables as AnalysisTables

__getattr__, __dir__ = lazy_exports(__name__, __file__)
