"""The cost model: a policy, claim counts and assumptions go in; costs and their distribution come out.

Modules, from a cost line to a result:
    terms: a part of a cost as count x factors x payment per band, with its mean, bounds and variance; and
        the factors: the shares of reports that become filed, accepted and paid claims
    benefits: what a policy pays for each row of a cube and per accepted claim, the share of the losses that
        this replaces, and published amounts recomputed
    expected: cost lines under a ledger -> terms, one or two functions per kind of line; the terms of a policy
        with their uncertain inputs, and the cost table
    count_process: accepted claims and their payments, given the inputs
    simulation: random points, draws of the total, their quantiles and tables
What uses the same terms and draws:
    comparison: policies compared on the same draws: costs, ranks, dominated policies; who gets more, less or
        the same under another policy
    policy_search: the policy that gives claimants most within a budget
    sensitivity: tornado, break-evens, value of information; the cost under named stresses, on the
        same draws; why the expected cost and its range changed between two runs
    backtesting: forecasts scored against outcomes
    page_model: the expected cost as products of factors, and the draws, as data for pages and workbooks
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.costs import (
        backtesting,
        benefits,
        comparison,
        expected,
        page_model,
        policy_search,
        sensitivity,
        simulation,
        terms,
    )
    from outage_analysis.costs.benefits import exact_payments, payments
    from outage_analysis.costs.expected import (
        HAS_AMOUNT,
        assumption_ids,
        build_portfolio,
        by_band,
        compiled_lines,
        cost_table,
        exact_costs,
        totals,
    )
    from outage_analysis.costs.page_model import LiveCost
    from outage_analysis.costs.simulation import (
        DRAWS,
        SEED,
        Simulation,
        rounded_estimate,
        rounded_probability,
        simulate,
    )
    from outage_analysis.costs.terms import UNSTATED
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
