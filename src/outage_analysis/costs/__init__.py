"""The cost model: a policy, claim counts and assumptions go in; costs and their distribution come out.

Modules:
    schemas: the columns of the cost table and of its totals
    funnel: the shares of reports that become filed, accepted and paid claims
    claim_payments: payments of a policy for each row of a cube
    terms: a cost as count x factors x payment per band, with its expected value and bounds
    compile_lines: cost lines under a ledger -> terms; one function per kind of line
    compile_schedules: the same for lines that pay by loss band, from a count or from claims
    expected: the cost table, from the terms
    cost_products: the expected cost as sums of products of factors, for sliders and workbooks
    uncertainty: the distribution of the total, by simulation
    sensitivity: tornado, levers, fixed awards, break-evens, Sobol indices
    value_of_information: what it is worth to know an input before a decision
    comparison: policies compared on the same draws
    scenarios: the cost under named stresses, on the same draws
    policy_search: the policy that gives claimants most within a budget
    cost_bridge: why the expected cost changed between two runs
    bridge_ranges: the range of the total after each step of a bridge
    backtesting: forecasts scored against outcomes
    reconciliation: published amounts, recomputed and compared
    policy_results: payments of one policy at the edges of its loss bands
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.costs.backtesting import OUTCOMES as OUTCOMES
    from outage_analysis.costs.backtesting import RANGES as RANGES
    from outage_analysis.costs.backtesting import RIVALS as RIVALS
    from outage_analysis.costs.backtesting import UNSCORED as UNSCORED
    from outage_analysis.costs.backtesting import Backtest as Backtest
    from outage_analysis.costs.backtesting import backtest as backtest
    from outage_analysis.costs.claim_payments import NO_RULE as NO_RULE
    from outage_analysis.costs.claim_payments import payments as payments
    from outage_analysis.costs.comparison.benefits import LOSS_REPLACEMENT as LOSS_REPLACEMENT
    from outage_analysis.costs.comparison.compare_policies import FLIPS as FLIPS
    from outage_analysis.costs.comparison.compare_policies import LEFT_OUT as LEFT_OUT
    from outage_analysis.costs.comparison.compare_policies import PAIRS as PAIRS
    from outage_analysis.costs.comparison.compare_policies import POLICIES as POLICIES
    from outage_analysis.costs.comparison.compare_policies import POLICY_BENEFITS as POLICY_BENEFITS
    from outage_analysis.costs.comparison.compare_policies import VALUATIONS as VALUATIONS
    from outage_analysis.costs.comparison.compare_policies import PolicySimulations as PolicySimulations
    from outage_analysis.costs.comparison.compare_policies import simulate_policies as simulate_policies
    from outage_analysis.costs.comparison.row_payments import edges_for_comparison as edges_for_comparison
    from outage_analysis.costs.comparison.winners_and_losers import WINNERS_AND_LOSERS as WINNERS_AND_LOSERS
    from outage_analysis.costs.comparison.winners_and_losers import winners_and_losers as winners_and_losers
    from outage_analysis.costs.compile_lines import compiled_lines as compiled_lines
    from outage_analysis.costs.cost_bridge import BRIDGE as BRIDGE
    from outage_analysis.costs.cost_bridge import BridgeRun as BridgeRun
    from outage_analysis.costs.cost_bridge import bridge as bridge
    from outage_analysis.costs.cost_products import CostTerms as CostTerms
    from outage_analysis.costs.cost_products import Factor as Factor
    from outage_analysis.costs.cost_products import Term as Term
    from outage_analysis.costs.cost_products import cost_terms as cost_terms
    from outage_analysis.costs.cost_products import round_digits as round_digits
    from outage_analysis.costs.expected import HAS_AMOUNT as HAS_AMOUNT
    from outage_analysis.costs.expected import assumption_ids as assumption_ids
    from outage_analysis.costs.expected import by_band as by_band
    from outage_analysis.costs.expected import cost_table as cost_table
    from outage_analysis.costs.expected import costs_of_lines as costs_of_lines
    from outage_analysis.costs.expected import ledger_for_policy as ledger_for_policy
    from outage_analysis.costs.expected import mix_findings as mix_findings
    from outage_analysis.costs.expected import totals as totals
    from outage_analysis.costs.expected import unstated_losses as unstated_losses
    from outage_analysis.costs.funnel import ALL_PASS as ALL_PASS
    from outage_analysis.costs.funnel import Funnel as Funnel
    from outage_analysis.costs.funnel import Input as Input
    from outage_analysis.costs.funnel import build_funnel as build_funnel
    from outage_analysis.costs.policy_results import LINES as LINES
    from outage_analysis.costs.policy_results import OVERVIEW as OVERVIEW
    from outage_analysis.costs.policy_results import convert_currency as convert_currency
    from outage_analysis.costs.policy_results import line_table as line_table
    from outage_analysis.costs.policy_results import overview as overview
    from outage_analysis.costs.policy_results import policy_reconciliation as policy_reconciliation
    from outage_analysis.costs.policy_results import policy_result as policy_result
    from outage_analysis.costs.policy_results import reconciliation_summary as reconciliation_summary
    from outage_analysis.costs.policy_search.candidates import OBJECTIVES as OBJECTIVES
    from outage_analysis.costs.policy_search.candidates import SearchRequest as SearchRequest
    from outage_analysis.costs.policy_search.parameters import SearchablePayment as SearchablePayment
    from outage_analysis.costs.policy_search.parameters import Vary as Vary
    from outage_analysis.costs.policy_search.parameters import page_search as page_search
    from outage_analysis.costs.policy_search.parameters import round_step as round_step
    from outage_analysis.costs.policy_search.solve import FRONTIER as FRONTIER
    from outage_analysis.costs.policy_search.solve import SOLUTION as SOLUTION
    from outage_analysis.costs.policy_search.solve import PolicySearch as PolicySearch
    from outage_analysis.costs.policy_search.solve import find_best_policy as find_best_policy
    from outage_analysis.costs.reconciliation import TIE_OUTS as TIE_OUTS
    from outage_analysis.costs.reconciliation import reconciliation_table as reconciliation_table
    from outage_analysis.costs.scenarios.scenario_documents import Scenario as Scenario
    from outage_analysis.costs.scenarios.scenario_documents import ScenarioSet as ScenarioSet
    from outage_analysis.costs.scenarios.scenario_documents import load_scenarios as load_scenarios
    from outage_analysis.costs.scenarios.scenario_table import SCENARIOS as SCENARIOS
    from outage_analysis.costs.scenarios.scenario_table import scenario_table as scenario_table
    from outage_analysis.costs.scenarios.stressed_streams import DoesNotApply as DoesNotApply
    from outage_analysis.costs.scenarios.stressed_streams import StressedRun as StressedRun
    from outage_analysis.costs.schemas import COSTS as COSTS
    from outage_analysis.costs.schemas import EXPECTED as EXPECTED
    from outage_analysis.costs.schemas import TOTALS as TOTALS
    from outage_analysis.costs.sensitivity import AWARD_VIEWS as AWARD_VIEWS
    from outage_analysis.costs.sensitivity import BREAK_EVENS as BREAK_EVENS
    from outage_analysis.costs.sensitivity import INDICES as INDICES
    from outage_analysis.costs.sensitivity import (
        INPUTS_GIVEN_EXCEEDANCE as INPUTS_GIVEN_EXCEEDANCE,
    )
    from outage_analysis.costs.sensitivity import LEVERS as LEVERS
    from outage_analysis.costs.sensitivity import TORNADO as TORNADO
    from outage_analysis.costs.sensitivity import award_views as award_views
    from outage_analysis.costs.sensitivity import break_evens as break_evens
    from outage_analysis.costs.sensitivity import cost_sobol_indices as cost_sobol_indices
    from outage_analysis.costs.sensitivity import (
        inputs_given_exceedance as inputs_given_exceedance,
    )
    from outage_analysis.costs.sensitivity import levers as levers
    from outage_analysis.costs.sensitivity import tornado as tornado
    from outage_analysis.costs.terms import UNSTATED as UNSTATED
    from outage_analysis.costs.terms import CompiledLine as CompiledLine
    from outage_analysis.costs.uncertainty.browser_model import browser_model as browser_model
    from outage_analysis.costs.uncertainty.cost_ranges import cost_ranges as cost_ranges
    from outage_analysis.costs.uncertainty.policy_streams import build_portfolio as build_portfolio
    from outage_analysis.costs.uncertainty.policy_streams import (
        portfolio_of_lines as portfolio_of_lines,
    )
    from outage_analysis.costs.uncertainty.portfolio import expected_at as expected_at
    from outage_analysis.costs.uncertainty.schemas import BUDGET_CHANCE as BUDGET_CHANCE
    from outage_analysis.costs.uncertainty.schemas import CONTRIBUTIONS as CONTRIBUTIONS
    from outage_analysis.costs.uncertainty.schemas import COST_RANGES as COST_RANGES
    from outage_analysis.costs.uncertainty.schemas import QUANTILES as QUANTILES
    from outage_analysis.costs.uncertainty.schemas import TOTAL_DISTRIBUTION as TOTAL_DISTRIBUTION
    from outage_analysis.costs.uncertainty.schemas import VARIANCE_SPLIT as VARIANCE_SPLIT
    from outage_analysis.costs.uncertainty.schemas import WATERFALL_STEPS as WATERFALL_STEPS
    from outage_analysis.costs.uncertainty.simulation import DRAWS as DRAWS
    from outage_analysis.costs.uncertainty.simulation import SEED as SEED
    from outage_analysis.costs.uncertainty.simulation import Estimate as Estimate
    from outage_analysis.costs.uncertainty.simulation import Sample as Sample
    from outage_analysis.costs.uncertainty.simulation import SampledTotal as SampledTotal
    from outage_analysis.costs.uncertainty.simulation import Simulation as Simulation
    from outage_analysis.costs.uncertainty.simulation import quantile_place as quantile_place
    from outage_analysis.costs.uncertainty.simulation import replicate_mean as replicate_mean
    from outage_analysis.costs.uncertainty.simulation import simulate as simulate
    from outage_analysis.costs.uncertainty.tables import budget_chance as budget_chance
    from outage_analysis.costs.uncertainty.tables import contributions as contributions
    from outage_analysis.costs.uncertainty.tables import expected_estimate as expected_estimate
    from outage_analysis.costs.uncertainty.tables import quantiles_table as quantiles_table
    from outage_analysis.costs.uncertainty.tables import rounded_estimate as rounded_estimate
    from outage_analysis.costs.uncertainty.tables import rounded_probability as rounded_probability
    from outage_analysis.costs.uncertainty.tables import total_distribution_table as total_distribution_table
    from outage_analysis.costs.uncertainty.tables import variance_split as variance_split
    from outage_analysis.costs.uncertainty.tables import waterfall_steps as waterfall_steps
    from outage_analysis.costs.value_of_information import INFORMATION_VALUE as INFORMATION_VALUE
    from outage_analysis.costs.value_of_information import (
        information_sentence as information_sentence,
    )
    from outage_analysis.costs.value_of_information import information_value as information_value

__getattr__, __dir__ = lazy_exports(__name__, __file__)
