"""What a search is computed from: the announced policy, the assumptions, the claims and the sampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.claim_payments import cube_fits_line
from outage_analysis.costs.expected import ledger_for_policy
from outage_analysis.costs.policy_search.loss_intervals import VariedLine
from outage_analysis.costs.uncertainty.policy_streams import build_portfolio
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy


@dataclass(frozen=True)
class SearchInputs:
    """What the costs of all candidates are computed from.

    Args:
        policy: the announced policy, whose lines are varied.
        ledger: the assumptions.
        as_of: only facts, lines and assumptions public by this day are used.
        cubes: by policy id, cubes of claims with an edge at every upper edge that is tried; empty for
            published counts.
        draws: the number of draws, a power of two.
        seed: the seed of the draws.
        with_handling: whether the cost of handling claims belongs to the total.
    """

    policy: Policy
    ledger: Ledger | None
    as_of: date
    cubes: Mapping[str, Sequence[Cube]]
    draws: int
    seed: int
    with_handling: bool = False

    def fitting_ledger(self, policy: Policy) -> Ledger | None:
        """Return the ledger without band mixes that do not fit a policy."""
        return None if self.ledger is None else ledger_for_policy(self.ledger, policy)

    def portfolio(self, policy: Policy, cubes: Sequence[Cube] | None = None) -> Portfolio:
        """Return the payment streams of a policy, from its cubes or from published counts."""
        own = self.cubes.get(policy.id, self.cubes.get(self.policy.id, ())) if cubes is None else cubes
        return build_portfolio(policy, self.fitting_ledger(policy), as_of=self.as_of, cubes=own)


def cost_cube(inputs: SearchInputs, line: VariedLine) -> Cube | None:
    """Return the cube whose claims a line pays; None if the costs come from published counts."""
    cubes = inputs.cubes.get(inputs.policy.id, ())
    return next((cube for cube in cubes if cube_fits_line(line.schedule, cube)), None)
