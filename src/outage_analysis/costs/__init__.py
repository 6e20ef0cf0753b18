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
    benefits: what a policy pays per accepted claim, and the share of the losses that this replaces
    comparison: policies compared on the same draws: costs, ranks, dominated policies
    winners: who gets more, less or the same under another policy
    varied_payments: the payments that a search varies, and the values that are tried
    policy_search: the policy that gives claimants most within a budget
    scenarios: the cost under named stresses, on the same draws
    sensitivity: tornado, levers, break-evens, Sobol indices, value of information
    cost_bridge: why the expected cost and its range changed between two runs
    backtesting: forecasts scored against outcomes
    page_model: the expected cost as products of factors, and the draws, as data for pages and workbooks
    policy_results: what one policy pays, and published amounts recomputed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.costs import (
        backtesting,
        benefits,
        comparison,
        cost_bridge,
        expected,
        page_model,
        policy_results,
        policy_search,
        scenarios,
        sensitivity,
        simulation,
        simulation_tables,
        terms,
        varied_payments,
        winners,
    )
    from outage_analysis.costs.claim_payments import exact_payments, payments
    from outage_analysis.costs.compile_lines import compiled_lines
    from outage_analysis.costs.expected import (
        HAS_AMOUNT,
        assumption_ids,
        build_portfolio,
        by_band,
        cost_table,
        exact_costs,
        totals,
    )
    from outage_analysis.costs.page_model import LiveCost
    from outage_analysis.costs.simulation import DRAWS, SEED, Simulation, simulate
    from outage_analysis.costs.simulation_tables import rounded_estimate, rounded_probability
    from outage_analysis.costs.terms import UNSTATED
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
