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
    comparison_cubes: the cubes of the claims that the compared policies pay
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
    from outage_analysis.analysis.alternatives import PolicyComparison, compare, compare_policies
    from outage_analysis.analysis.analysis import Analysis, refuse_no_cash
    from outage_analysis.analysis.display_units import DisplayUnits, whole_counts
    from outage_analysis.analysis.document_files import scaffold, write_documents
    from outage_analysis.analysis.drivers import sensitivity_tables
    from outage_analysis.analysis.exploration.intake_query import (
        ForecastInput,
        forecast_input_from_claims,
        forecast_input_from_series,
    )
    from outage_analysis.analysis.exploration.loss_tables import (
        combination_counts,
        fit_cube,
        fit_tables,
        heap_tables,
    )
    from outage_analysis.analysis.exploration.questions import Question, explore, explore_grouped
    from outage_analysis.analysis.narrowing import narrowing_input
    from outage_analysis.analysis.plan import (
        Plan,
        Tiers,
        check_documents_fit,
        load_documents,
        make_plan,
        with_tiers,
    )
    from outage_analysis.analysis.reserve import (
        RESERVE,
        parse_measure,
        reserve_amount,
        reserve_mean,
        reserve_note,
        reserve_scope,
        reserve_table,
    )
    from outage_analysis.analysis.schemas import TableGroup, all_schemas, table_schemas
    from outage_analysis.analysis.service_bands import service_band_table
    from outage_analysis.analysis.solving import BudgetSolution, solve, solve_plan
    from outage_analysis.analysis.steps import run
    from outage_analysis.analysis.summary import (
        MAX_NAMED_LINES,
        budget_scope,
        counted_notes,
        input_notes,
        unstated_notes,
    )
    from outage_analysis.analysis.tables import FUNNEL, SERVICES, AnalysisTables

__getattr__, __dir__ = lazy_exports(__name__, __file__)
