"""The analysis: a Plan goes in, an Analysis with every figure of one run comes out.

Modules:
    plan: the Plan, and functions that load and write its documents and load its claims
    analysis: `run`: read, count, compile, evaluate, result; and the Analysis: its costs and draws, and the
        figures of the headline
    tables: every table of an analysis by name, computed when somebody asks for it; claims and their cost by
        service and loss band, and by any dimensions; losses described for a question
    summary: the answer in sentences: how much, how sure, what it does not include; notes; the cost in tables;
        which inputs the cost depends on, the cash under stresses, and the reserve by measure
    alternatives: policies compared, and the policy that gives claimants most within a budget
    open_intake: the forecast of claims still to come, day by day, and as a factor of the cost
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.analysis.alternatives import (
        BudgetSolution,
        PolicyComparison,
        compare,
        compare_policies,
        solve,
    )
    from outage_analysis.analysis.analysis import Analysis, run
    from outage_analysis.analysis.open_intake import IntakeForecast, forecast_by_day, forecast_intake
    from outage_analysis.analysis.plan import (
        Plan,
        as_day,
        check_documents_fit,
        input_warnings,
        ledger_locale,
        load_documents,
        make_plan,
        scaffold,
        write_documents,
    )
    from outage_analysis.analysis.summary import (
        cost_sentences,
        counted_notes,
        driver_sentences,
        headline_sentences,
        input_notes,
        parse_measure,
        parts_left_out,
        recommendation,
        reserve,
        reserve_column,
        reserve_mean,
        reserve_scope,
        scenarios,
        unstated_notes,
    )
    from outage_analysis.analysis.tables import Exploration, explore, fit_cube, schema_named, service_table
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
