"""The analysis: a Plan goes in, an Analysis with every figure of one run comes out.

Modules:
    plan: the Plan, and functions that load and write its documents and load its claims
    steps: `run`: read, count, compile, evaluate, result
    analysis: the Analysis: its costs and draws, and the figures of the headline
    service_bands: claims, stated loss and expected cost by service and loss band
    tables: every table of an analysis by name, computed when somebody asks for it, and all columns
    headline: the answer in sentences: how much, how sure, what it does not include
    summary: notes of an analysis in words
    results: what all results have in common: their inputs, warnings about them, and the notebook card
    cost_answer: the cost in sentences and tables, as the command `cost` and notebooks show it
    sensitivity: which inputs and decisions the cost depends on
    display_units: tables as a terminal and a notebook card show them, with amounts in whole currency
    alternatives: policies compared with the plan's policy
    scenarios: the headline cash under the stresses of a document
    reserve: the reserve figure by measure, and the cost lines that it includes
    solving: the policy that gives claimants most within a budget
    exploration: losses described for a question, and claims over time for a forecast
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.analysis.alternatives import PolicyComparison, compare, compare_policies
    from outage_analysis.analysis.analysis import Analysis
    from outage_analysis.analysis.cost_answer import cost_sentences
    from outage_analysis.analysis.display_units import (
        currency_if_converted,
        format_amounts,
        ledger_locale,
        text_table,
        title_with_currency,
        whole_counts,
    )
    from outage_analysis.analysis.exploration import (
        ForecastInput,
        IntakeForecast,
        Question,
        combination_counts,
        explore,
        explore_grouped,
        fit_cube,
        fit_tables,
        forecast_input_from_claims,
        forecast_input_from_series,
        heap_tables,
    )
    from outage_analysis.analysis.headline import (
        counted_schedule,
        driver_sentences,
        headline_sentences,
        narrowing_sentence,
        parts_left_out,
        promised_range,
        recommendation,
        reserve_column,
    )
    from outage_analysis.analysis.plan import (
        Plan,
        check_documents_fit,
        load_documents,
        make_plan,
        scaffold,
        with_tiers,
        write_documents,
    )
    from outage_analysis.analysis.reserve import (
        RESERVE,
        Reserve,
        parse_measure,
        reserve_mean,
        reserve_note,
        reserve_scope,
    )
    from outage_analysis.analysis.results import input_warnings
    from outage_analysis.analysis.scenarios import Scenarios
    from outage_analysis.analysis.sensitivity import Sensitivity, sensitivity_tables
    from outage_analysis.analysis.solving import BudgetSolution, solve
    from outage_analysis.analysis.steps import run
    from outage_analysis.analysis.summary import (
        MAX_NAMED_LINES,
        budget_scope,
        counted_notes,
        input_notes,
        unstated_notes,
    )
    from outage_analysis.analysis.tables import (
        FUNNEL,
        SERVICES,
        all_schemas,
        service_table,
        table_schemas,
    )

__getattr__, __dir__ = lazy_exports(__name__, __file__)
