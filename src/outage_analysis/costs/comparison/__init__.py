"""Comparison: several policies go in; their cost differences on the same simulated draws come out.

Modules:
    compare_policies: the costs on the same draws, ranks, dominated policies, and sentences about them
    benefits: what a policy pays per accepted claim, and the share of the losses that this replaces
    winners: who gets more, less or the same under another policy
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.costs.comparison.benefits import edges_for_comparison
    from outage_analysis.costs.comparison.compare_policies import PolicySimulations, simulate_policies
    from outage_analysis.costs.comparison.winners import winners_and_losers
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
