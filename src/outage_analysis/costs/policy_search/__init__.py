"""Policy search: a policy and a budget go in; the policy that gives claimants most within it comes out.

Modules:
    parameters: the payments that vary, and the values that are tried
    candidates: what all candidates pay, what they cost in each draw and on average, and what claimants get
    solve: the best candidate within a budget, and the frontier
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.costs.policy_search.candidates import BENEFITS, SearchRequest
    from outage_analysis.costs.policy_search.parameters import (
        SearchablePayment,
        Vary,
        page_search,
        parse_parameters,
        round_step,
    )
    from outage_analysis.costs.policy_search.solve import PolicySearch, find_best_policy
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
