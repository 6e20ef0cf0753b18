"""The analysis: a Plan goes in, an Analysis with every figure of one run comes out.

Modules:
    plan: the Plan, and how its documents and claims are found
    recipe: `run(plan)`, the steps of a run in order
    cost_run: the steps that compute the cost alone
    analysis: the Analysis: its tables, figures and notes
    tables: tables built from documents, cubes and costs
    display_units: amounts in whole currency for printed tables
    alternatives: policies compared with the plan's policy
    drivers: tables of what drives the cost
    exploration: tables of losses and of claims still to come
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.analysis.alternatives import Compared as Compared
    from outage_analysis.analysis.alternatives import compare_policies as compare_policies
    from outage_analysis.analysis.analysis import FEW as FEW
    from outage_analysis.analysis.analysis import Analysis as Analysis
    from outage_analysis.analysis.analysis import budget_scope as budget_scope
    from outage_analysis.analysis.cost_run import price as price
    from outage_analysis.analysis.display_units import DisplayUnits as DisplayUnits
    from outage_analysis.analysis.display_units import whole_counts as whole_counts
    from outage_analysis.analysis.drivers import sensitivity_tables as sensitivity_tables
    from outage_analysis.analysis.exploration.intake_query import Counted as Counted
    from outage_analysis.analysis.exploration.intake_query import counted_by_day as counted_by_day
    from outage_analysis.analysis.exploration.intake_query import counted_on_page as counted_on_page
    from outage_analysis.analysis.exploration.loss_tables import fit_tables as fit_tables
    from outage_analysis.analysis.exploration.loss_tables import fitted as fitted
    from outage_analysis.analysis.exploration.loss_tables import heap_tables as heap_tables
    from outage_analysis.analysis.exploration.loss_tables import loss_tables as loss_tables
    from outage_analysis.analysis.exploration.loss_tables import pairwise as pairwise
    from outage_analysis.analysis.exploration.questions import Found as Found
    from outage_analysis.analysis.exploration.questions import Question as Question
    from outage_analysis.analysis.exploration.questions import explore as explore
    from outage_analysis.analysis.exploration.questions import explore_grouped as explore_grouped
    from outage_analysis.analysis.plan import Plan as Plan
    from outage_analysis.analysis.plan import pages_of as pages_of
    from outage_analysis.analysis.plan import policy_of as policy_of
    from outage_analysis.analysis.recipe import run as run

__getattr__, __dir__ = lazy_exports(__name__, __file__)
