"""Budgets: amounts announced as one total, replaced by the amounts actually paid once these are public."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from outage_analysis.costs.funnel import Funnel, cost_status, join_ids
from outage_analysis.costs.published_counts import Row
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import get_fact
from outage_analysis.policies import Budget, Policy


@dataclass(frozen=True)
class BudgetCost:
    """The promised, expected and possible cost of a budget, in the smallest unit of the currency."""

    promised: float
    low: float
    expected: float | None
    high: float | None
    """The largest expected cost; None if the announced amount is no limit and no ratio is stated."""
    most: float | None
    """The largest possible cost; None if nothing limits it."""
    facts: str
    assumption: str = ""
    from_true_up: bool = False
    """Whether the cost is the amount that was actually paid."""


def budget_cost(line: Budget, funnel: Funnel, as_of: date, policy: Policy) -> BudgetCost | None:
    """Return the cost of a budget: the amount actually paid if public by `as_of`, else the announced amount.

    Returns:
        The cost; None if no amount was public by `as_of`.

    Raises:
        UsageError: a cited fact is not an amount in the policy's currency, or the facts violate low <= amount
            <= high.
    """
    cited = " ".join(line.facts)
    for true_up in line.true_ups_by(as_of):
        try:
            exact = float(resolve_amount(true_up.amount, policy, as_of, hindsight=True))
        except ModelRefused:  # the fact was published later than the date that the policy states
            continue
        return BudgetCost(*5 * (exact,), join_ids(*true_up.facts, cited), from_true_up=True)
    if line.amount is None:
        return None
    share = funnel.realised_ratio or funnel.take_up
    try:
        amount = float(resolve_amount(line.amount, policy, as_of))
        least = line.low if line.low is not None else line.amount if share.low == 1 else 0
        low = float(resolve_amount(least, policy, as_of, end="low"))
        high = amount if line.high is None else float(resolve_amount(line.high, policy, as_of, end="high"))
    except ModelRefused:
        return None
    if not low <= amount <= high:
        raise UsageError(f"the line {line.id} has facts that do not give low <= amount <= high")
    expected = None if share.expected is None else amount * share.expected
    if expected is not None:
        low = min(low, amount * share.low)
    most = None if share.most is None else max(high, amount * share.most)
    # More than the announced amount may be paid: the ratio of paid to announced may exceed 1.
    if funnel.realised_ratio is not None and funnel.realised_ratio.high is not None:
        high = max(high, amount * funnel.realised_ratio.high)
    if line.valuation == "top_down" and funnel.realised_ratio is None:
        return BudgetCost(amount, low, expected, None, None, cited, share.assumption)
    return BudgetCost(amount, low, expected, high, most, cited, share.assumption)


def budget_row(line: Budget, funnel: Funnel, as_of: date, policy: Policy) -> Row:
    """Return the row of the cost table for a budget."""
    head: Row = {
        "basis": "published",
        "line": line.id,
        "valuation": line.valuation,
        "level": "line",
        "rule": "budget",
        "facts": " ".join(line.facts),
    }
    cost = budget_cost(line, funnel, as_of, policy)
    if cost is None:
        return {**head, "status": "unpriced" if line.amount is None else "not_public_yet"}
    return {
        **head,
        "promised": cost.promised,
        "low": cost.low,
        "expected": cost.expected,
        "high": cost.high,
        "most": cost.most,
        "status": cost_status(cost.expected),
        "facts": cost.facts,
        "assumptions": cost.assumption,
    }


def resolve_amount(
    amount: int | str,
    policy: Policy,
    public_by: date | None = None,
    *,
    end: Literal["value", "low", "high"] = "value",
    hindsight: bool = False,
) -> int:
    """Return an amount in the smallest unit of the policy's currency.

    Args:
        amount: the amount itself, or the id of the fact that states it.
        policy: states the currency.
        public_by: refuse a fact that was not public by this day.
        end: which end to take if the fact is a range.
        hindsight: whether the fact may be an outcome of the case. Set it only for amounts actually paid,
            which are used from the day on which they were published.

    Raises:
        ModelRefused: the fact was not public by `public_by`.
        UsageError: the fact is not an amount in the policy's currency.
    """
    if isinstance(amount, int):
        return amount
    fact = get_fact(amount, public_by=public_by, hindsight=hindsight)
    return round(fact.money(policy.currency, end) * float(10**policy.digits))
