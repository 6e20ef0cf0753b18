"""The cost model: a policy, claim counts and assumptions go in; costs and their distribution come out.

Modules, from a cost line to a result:
    claim_payments: payments of a policy for each row of a cube
    terms: a part of a cost as count x factors x payment per band, with its mean, bounds and variance; and
        the factors: the shares of reports that become filed, accepted and paid claims
    compile_lines: cost lines under a ledger -> terms; one or two functions per kind of line
    expected: the terms of a policy with their uncertain inputs, and the cost table
    points: the random points of the inputs
    count_process: accepted claims and their payments, given the inputs
    simulation: draws of the total, and their quantiles
    simulation_tables: the tables of a simulation
What uses the same terms and draws:
    comparison: policies compared on the same draws
    policy_search: the policy that gives claimants most within a budget
    scenarios: the cost under named stresses, on the same draws
    sensitivity: tornado, levers, fixed awards, break-evens, Sobol indices, value of information
    cost_bridge: why the expected cost and its range changed between two runs
    backtesting: forecasts scored against outcomes
    page_model: the expected cost as products of factors, and the draws, as data for pages and workbooks
    policy_results: what one policy pays, and published amounts recomputed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.costs.backtesting import Backtest, backtest
    from outage_analysis.costs.claim_payments import NO_RULE, payments
    from outage_analysis.costs.comparison.benefits import edges_for_comparison
    from outage_analysis.costs.comparison.compare_policies import (
        VALUATIONS,
        PolicySimulations,
        simulate_policies,
    )
    from outage_analysis.costs.comparison.winners_and_losers import winners_and_losers
    from outage_analysis.costs.compile_lines import compiled_lines
    from outage_analysis.costs.cost_bridge import BridgeRun, bridge
    from outage_analysis.costs.expected import (
        HAS_AMOUNT,
        assumption_ids,
        build_portfolio,
        by_band,
        cost_table,
        costs_of_lines,
        expected_at,
        ledger_for_policy,
        mix_findings,
        portfolio_of_lines,
        totals,
        unstated_losses,
    )
    from outage_analysis.costs.page_model import LiveCost, LiveInput, Product, browser_model, live_cost
    from outage_analysis.costs.policy_results import (
        convert_currency,
        line_table,
        overview,
        policy_reconciliation,
        policy_result,
        reconciliation_summary,
        reconciliation_table,
    )
    from outage_analysis.costs.policy_search.candidates import OBJECTIVES, SearchRequest
    from outage_analysis.costs.policy_search.parameters import (
        SearchablePayment,
        Vary,
        page_search,
        round_step,
    )
    from outage_analysis.costs.policy_search.solve import PolicySearch, find_best_policy
    from outage_analysis.costs.scenarios import (
        DoesNotApply,
        Scenario,
        ScenarioSet,
        StressedRun,
        load_scenarios,
        scenario_table,
    )
    from outage_analysis.costs.sensitivity import (
        award_views,
        break_evens,
        cost_sobol_indices,
        information_sentence,
        information_value,
        inputs_given_exceedance,
        levers,
        tornado,
    )
    from outage_analysis.costs.simulation import (
        DRAWS,
        SEED,
        Estimate,
        Sample,
        SampledTotal,
        Simulation,
        quantile_place,
        replicate_mean,
        simulate,
    )
    from outage_analysis.costs.simulation_tables import (
        budget_chance,
        contributions,
        cost_ranges,
        expected_estimate,
        quantiles_table,
        round_digits,
        rounded_estimate,
        rounded_probability,
        total_distribution_table,
        variance_split,
        waterfall_steps,
    )
    from outage_analysis.costs.terms import ALL_PASS, UNSTATED, CompiledLine, Funnel, Input, build_funnel

__getattr__, __dir__ = lazy_exports(__name__, __file__)
