"""What each cost line pays that has no loss bands, or that pays per claimant: people, payment and total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.compile_lines import compiled_lines
from outage_analysis.costs.expected import ledger_for_policy
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy


@dataclass(frozen=True)
class LinePayment:
    """What one cost line pays if everybody whom it counts is paid.

    Args:
        people: the number of people, or claimants; None if it is unknown, as for a budget.
        total: the sum of the payments in the smallest unit of the currency; None if it is unknown.
        is_equal: whether everybody is paid the same.
    """

    people: float | None
    total: float | None
    is_equal: bool = True

    @property
    def payment(self) -> float | None:
        """The mean payment per person; None if it is unknown."""
        return self.total / self.people if self.people and self.total is not None else None


def line_payments(
    policy: Policy, ledger: Ledger | None, *, as_of: date, cubes: Sequence[Cube], valuation: str
) -> dict[str, LinePayment]:
    """Return, by line id, the payment of each line that `winners_and_losers` shows without loss bands.

    With claims, these are the lines that pay per claimant. Fees, goods and budgets then have no cost.

    Args:
        policy: the policy, with the lines that were public on the day.
        ledger: the assumptions.
        as_of: only facts public by this day are used.
        cubes: cubes of claims; by default published counts are used.
        valuation: the kind of cost, such as `cash`.
    """
    fitting = ledger and ledger_for_policy(ledger, policy)
    schedules = policy.schedules
    by_loss = {line.id for line in schedules if not (cubes and line.grain == "claimant")}
    equal = {line.id for line in policy.lines} - {line.id for line in schedules}
    found: dict[str, LinePayment] = {}
    for compiled in compiled_lines(policy, fitting, as_of=as_of, cubes=cubes):
        line = compiled.line
        if line.id in by_loss:
            continue
        for term in compiled.terms:
            if term.valuation == valuation and term.rule != "handling":
                people = term.count if term.capacity is None else term.capacity
                if people is not None or term.promised is not None:
                    found[line.id] = LinePayment(people, term.promised, is_equal=line.id in equal)
    return found
