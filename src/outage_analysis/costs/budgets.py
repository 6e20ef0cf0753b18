"""Budgets: a sum announced as a whole, or what it was found to have come to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from outage_analysis.costs.funnel import Funnel, cost_status, join_ids
from outage_analysis.costs.published_counts import Row
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import figure
from outage_analysis.policies import Budget, Policy


@dataclass(frozen=True)
class BudgetCost:
    """What a budget comes to, in units of the currency."""

    promised: float
    low: float
    expected: float | None
    high: float | None
    """None where a ratio that nobody stated may exceed what was announced."""
    most: float | None
    """The most that it can come to; None where nothing limits it."""
    facts: str
    assumption: str = ""
    from_true_up: bool = False
    """Whether it was found what it came to."""


def budget_cost(line: Budget, funnel: Funnel, as_of: date, policy: Policy) -> BudgetCost | None:
    """A sum as announced, or what a true-up that was public by the day says it came to.

    Returns:
        None when no sum was public by the day.

    Raises:
        UsageError: facts that are no sums in the policy's currency, or out of order.
    """
    cited = " ".join(line.facts)
    for found in line.true_ups_by(as_of):
        try:
            exact = float(resolve_amount(found.amount, policy, as_of, hindsight=True))
        except ModelRefused:  # its fact came out later than the page says
            continue
        return BudgetCost(*5 * (exact,), join_ids(*found.facts, cited), from_true_up=True)
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
    # More can come of a line without detail than was announced.
    if funnel.realised_ratio is not None and funnel.realised_ratio.high is not None:
        high = max(high, amount * funnel.realised_ratio.high)
    if line.valuation == "top_down" and funnel.realised_ratio is None:
        return BudgetCost(amount, low, expected, None, None, cited, share.assumption)
    return BudgetCost(amount, low, expected, high, most, cited, share.assumption)


def budget_row(line: Budget, funnel: Funnel, as_of: date, policy: Policy) -> Row:
    """The row of a budget."""
    head: Row = {
        "basis": "published",
        "line": line.id,
        "valuation": line.valuation,
        "level": "line",
        "rule": "budget",
        "facts": " ".join(line.facts),
    }
    found = budget_cost(line, funnel, as_of, policy)
    if found is None:
        return {**head, "status": "unpriced" if line.amount is None else "not_public_yet"}
    return {
        **head,
        "promised": found.promised,
        "low": found.low,
        "expected": found.expected,
        "high": found.high,
        "most": found.most,
        "status": cost_status(found.expected),
        "facts": found.facts,
        "assumptions": found.assumption,
    }


def resolve_amount(
    given: int | str,
    policy: Policy,
    public_by: date | None = None,
    *,
    end: Literal["value", "low", "high"] = "value",
    hindsight: bool = False,
) -> int:
    """An amount in the smallest unit, given outright or by a fact in the policy's currency.

    `end` is taken of a fact that is a range. Only a true-up, which counts from its own day on, may rest
    on an outcome (`hindsight`).

    Raises:
        ModelRefused: the fact was not public by the day.
        UsageError: it is no sum in the policy's currency.
    """
    if isinstance(given, int):
        return given
    fact = figure(given, public_by=public_by, hindsight=hindsight)
    return round(fact.money(policy.currency, end) * float(10**policy.digits))
