"""Cost terms: what every cost line is compiled to, and the expected cost of a term with its bounds.

    term = count x named factors x payment per band

The cost table, the draws, the sensitivity tables, the comparison, the bridge, the sliders and the formulas
in the workbook are all computed from these terms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, reduce

from outage_analysis.costs.funnel import Funnel, FunnelFactor, Input, product_of_factors, product_or_none
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Fact, get_fact
from outage_analysis.losses import Cube
from outage_analysis.policies import CostLine, Policy, Schedule

UNSTATED = "unstated"
"""The status of a line without an expected cost because most of its claims state no loss."""
NOTHING = Input.certain(0.0)
PAIR = 2
"""So few losses may be drawn one by one."""


@dataclass(frozen=True)
class Tier:
    """A loss band in which every accepted claim is paid the same amount."""

    position: int
    """The position of the band among the bands of positive losses."""
    payment: float
    """In the smallest unit of the currency."""


@dataclass(frozen=True)
class ClaimCells:
    """The claims that a term counts: a cube, and the schedule that pays for them."""

    cube: Cube
    line: Schedule


@dataclass(frozen=True)
class PaymentGroup:
    """Claims that are paid in the same way: a loss band, or everybody whom the line pays."""

    payments: Input
    """The sum of the payments if every trial is accepted and, with a band mix, falls into this band."""
    trials: float
    """The number of trials that `payments` counts."""
    sum_of_squares: float = 0.0
    """The sum of the squared payments; in multiples of the award if the claims are reviewed."""
    claims: float | None = None
    """The expected number of trials in this band; None if the ledger states no mix."""
    mix_share: float | None = 1.0
    """The expected share of the trials in this band; None if the ledger states no mix."""
    position: int | None = None
    """The position of the band in the ledger's mix."""
    reviewed: bool = False
    """Whether a review decides the payment, so that each accepted claim is paid the award."""
    paid_nothing: bool = False
    """Whether the payment is certain to be 0 without any assumption."""
    labels: dict[str, object] = field(default_factory=dict)
    """Service, claimant type, segment, edges of the band and outcome of the rule, where they apply."""
    decision: str = "complaint"
    """The stage of the claims: complaint, filed, accepted, refused or paid."""
    certain: bool = False
    """Whether the sum of the payments is stated as such, so that no single payment is drawn."""
    promised: float | None = None
    status: str | None = None
    """A status other than those of `cost_status`."""
    facts: str = ""
    tier: Tier | None = None


@dataclass(frozen=True)
class LineTerm:
    """One cost line under one valuation, such as cash: a count x factors x the payment per loss band."""

    valuation: str
    rule: str
    facts: str
    groups: tuple[PaymentGroup, ...] = ()
    """What is paid, per loss band; empty if the cost cannot be computed, for the reason in `status`."""
    factors: tuple[FunnelFactor, ...] = ()
    factors_of: Mapping[str, tuple[FunnelFactor, ...]] = field(default_factory=dict)
    """The factors of claims by how far they have come; `factors` are those of the first stage among them."""
    trials: float = 1.0
    """The count that the factors multiply: reports, people, claims, or one amount."""
    count: float | None = None
    """The number of reports, people or claims that the cost table shows."""
    promised: float | None = None
    """The cost if everyone counted is paid under the fixed rules."""
    mixed: bool = False
    """Whether each trial falls into one of the groups at random; otherwise each group counts its trials."""
    by_band: bool = False
    """Whether the cost is known per group, not only in total."""
    mix: str = ""
    """The id of the assumption that states the shares of the loss bands."""
    award: str = ""
    """The id of the assumption that states the mean payment of reviewed claims."""
    spread: float = 0.0
    """The standard deviation of single awards, as a share of the mean award."""
    payment_assumptions: tuple[str, ...] = ()
    """The assumptions about payments and bands, which the cost table names besides those of the factors."""
    capacity: float | None = None
    """The largest number of people who can be served; None if there is no limit."""
    announced: tuple[float, float | None] | None = None
    """The announced ends of the amount: `low` reaches down to the first, `high` and `most` reach up to the
    second, and have no limit if the second is None."""
    certain: bool = False
    """Whether the payments are certain once the inputs are known, as for an amount announced in total."""
    claim_cells: ClaimCells | None = field(default=None, repr=False)
    """The cells of the cube that the term counts; None if it uses a published count."""
    claimant_type: str | None = None
    status: str | None = None
    """A status other than those of `cost_status`."""
    missing: str | None = None
    """The kinds of input that the ledger lacks for an expected cost."""

    def for_people(self, people: int, payment: int, *, most: float = 0.0) -> LineTerm:
        """Return the term with a count of people who are all paid the same amount.

        Args:
            people: the number of people, or reports.
            payment: the amount per person, in the smallest unit of the currency.
            most: the largest total, if it exceeds the number of people times the amount.
        """
        trials, total = float(people), float(people * payment)
        payments = replace(Input.certain(total), most=max(total, most))
        group = PaymentGroup(payments, trials, trials * float(payment) ** 2)
        return replace(self, groups=(group,), trials=trials, count=trials, promised=total)

    def for_amount(self, amount: float) -> LineTerm:
        """Return the term with one amount for the whole line, in the smallest unit of the currency."""
        group = PaymentGroup(Input.certain(amount), 1.0, amount**2)
        return replace(self, groups=(group,), promised=amount, certain=True)

    @cached_property
    def accepted_share(self) -> Input:
        """The expected number of payments per trial (a report, claim or person), limited by the capacity."""
        product = product_of_factors(self.factors)
        if self.capacity is None or not self.trials:
            return product
        return self.factors[0].under_cap(self.capacity / self.trials)

    @property
    def has_expected_cost(self) -> bool:
        """Whether the simulation includes the term: its payments and all its factors have a mean."""
        return bool(self.groups) and None not in (self.cost.expected, self.accepted_share.expected)

    def group_cost(self, group: PaymentGroup) -> Input:
        """Return the expected cost of a payment group and its bounds; the low bound is 0 with a band mix."""
        if group.paid_nothing:
            return NOTHING
        factors = self.factors_of.get(group.decision)
        share = self.accepted_share if factors is None else product_of_factors(factors)
        cost = self._in_whole_trials(group.payments * share, group.trials)
        if self.mixed:
            cost = replace(cost, low=0.0, expected=product_or_none(cost.expected, group.mix_share))
        return cost

    @cached_property
    def cost(self) -> Input:
        """The expected cost, its bounds, and the largest possible cost."""
        if not self.mixed:
            total = reduce(Input.__add__, map(self.group_cost, self.groups), NOTHING)
            return self._within_announced(total)
        payments = [group.payments for group in self.groups]
        highs, mosts = [pay.high for pay in payments], [pay.most for pay in payments]
        mean = Input(min(pay.low for pay in payments), self._mean_payments(), largest(highs), largest(mosts))
        return self._in_whole_trials(mean * self.accepted_share, self.trials)

    def _in_whole_trials(self, cost: Input, trials: float) -> Input:
        """Return the cost with its largest value for whole trials, to which the simulation may round up."""
        scale = math.prod(factor.mean.most or 0.0 for factor in self.factors if factor.scale)
        if cost.most is None or not trials * scale or self.certain or self.capacity is not None:
            return cost
        # Two losses may be drawn one by one, so that each is rounded up.
        whole = trials * math.ceil(scale) if trials <= PAIR else math.ceil(round(trials * scale, 6))
        return replace(cost, most=cost.most * whole / (trials * scale))

    def _mean_payments(self) -> float | None:
        known = [
            (group.mix_share, group.payments.expected)
            for group in self.groups
            if group.mix_share is not None and group.payments.expected is not None
        ]
        if len(known) < len(self.groups):
            return None
        payments = [payment for _, payment in known]
        # Rounding must not move the mean outside the range of the payments.
        return min(max(sum(share * pay for share, pay in known), min(payments)), max(payments))

    def _within_announced(self, cost: Input) -> Input:
        if self.announced is None:
            return cost
        low, high = self.announced
        return replace(
            cost,
            low=low if cost.expected is None else min(low, cost.low),
            high=largest([high, cost.high]),
            most=largest([high, cost.most]),
        )


def largest(amounts: list[float | None]) -> float | None:
    """Return the largest amount; None if there are no amounts or an amount has no limit (None)."""
    known = [amount for amount in amounts if amount is not None]
    return max(known) if known and len(known) == len(amounts) else None


@dataclass(frozen=True)
class CompiledLine:
    """A cost line compiled to terms under one ledger: one term per valuation, such as cash."""

    line: CostLine
    funnel: Funnel
    terms: tuple[LineTerm, ...]


@dataclass(frozen=True)
class CompileInputs:
    """What the cost of a line is computed from, besides its assumptions.

    Args:
        policy: the policy of the line.
        as_of: only facts public by this day are used.
        cubes: cubes of claims or totals; if empty, published counts are used.
    """

    policy: Policy
    as_of: date
    cubes: Sequence[Cube] = ()

    def fact(self, id_: str | None) -> Fact | None:
        """Return the fact with an id; None if there is no id or the fact was not yet public."""
        try:
            return get_fact(id_, public_by=self.as_of) if id_ else None
        except ModelRefused:
            return None
