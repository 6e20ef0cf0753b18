"""The cost lines that do not depend on losses: free goods, fee credits and budgets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from outage_analysis.files import Unit
from outage_analysis.incidents import get_fact
from outage_analysis.policies.cost_lines import (
    AmountOrFact,
    FactId,
    Line,
    Schedule,
    StatedAmounts,
    TrueUp,
)
from outage_analysis.policies.rules import SHARE_SCALE, Money, Price, Rounding

MINUTES_A_DAY = 1440
Days = Annotated[int, Field(gt=0, le=3660), Unit("days")]
Minutes = Annotated[int, Field(ge=0, le=10**7), Unit("minutes")]


class InKind(Line):
    """A free good for everyone entitled, with three valuations. None of them is cash that is paid out."""

    kind: Literal["in_kind"]
    """A free good."""
    face_value: Price | None = None
    """List price of one recipient's good; if no price was published, leave it out: the line then has no cost.
    """
    displaced_sales: Money | None = None
    """Average sales lost per recipient."""
    incremental_cash: Money | None = None
    """Average cash cost per recipient for the payer."""
    recipients: FactId | None = None
    """The id of the fact that counts the people entitled."""
    cap: FactId | None = None
    """The id of the fact that limits the number of recipients."""

    @property
    def numeric_facts(self) -> tuple[str, ...]:
        """The ids of the published facts that state the number of recipients and the cap on this number."""
        return tuple(fact for fact in (self.recipients, self.cap) if fact)

    @property
    def valuations(self) -> dict[str, int | None]:
        """Three values of one free good: face value, displaced sales, incremental cash. Never add them up."""
        return {
            "face_value": self.face_value,
            "displaced_sales": self.displaced_sales,
            "incremental_cash": self.incremental_cash,
        }

    @property
    def count_fact(self) -> str | None:
        """The id of the fact that counts the people entitled."""
        return self.recipients

    @property
    def limit_fact(self) -> str | None:
        """The id of the fact that limits the number of recipients."""
        return self.cap

    @property
    def main_valuation(self) -> str:
        """The valuation that every free good has: its face value."""
        return "face_value"

    @property
    def payment_range(self) -> tuple[Fraction | None, Fraction | None]:
        """The face value of one recipient's good, twice; None if no price was published."""
        return _same_twice(self.face_value)

    def stated_amounts(self, day: date) -> StatedAmounts:  # noqa: ARG002 - the same on every day
        """Face value, displaced sales and incremental cash per recipient."""
        return dict(self.valuations)

    def recomputed_amount(self, kind: str, people: int | None) -> Fraction | None:  # noqa: ARG002
        """The face value of everyone entitled, or of the cap, for a tie-out of the kind `face_value`."""
        if kind != "face_value" or self.face_value is None:
            return None
        served = min((get_fact(fact).count for fact in self.numeric_facts), default=0)
        return Fraction(served * self.face_value)


class FeeCredit(Line):
    """A refund of part of a periodic fee: for a fixed time, or for a multiple of the outage's duration."""

    kind: Literal["fee_credit"]
    """A refund of part of a fee."""
    fee: Price | None = None
    """The fee for one period; left out if it was not published or differs between subscribers."""
    period_days: Days = 30
    """Number of days in one fee period."""
    days: Days | None = None
    """Days of the fee that are credited. State exactly one of days, hours, periods and multiple, or an
    amount."""
    hours: Annotated[int, Field(gt=0, le=87_840), Unit("hours")] | None = None
    """Hours of the fee that are credited."""
    periods: Annotated[int, Field(gt=0, le=120), Unit("periods of the fee")] | None = None
    """Whole periods of the fee that are credited."""
    multiple: Annotated[int, Field(gt=0, le=1_000), Unit("times the fee")] | None = None
    """The credit is this many times the fee for the duration of the outage."""
    from_minutes: Minutes = 0
    """The minimum duration of an outage for a credit."""
    outage_minutes: Minutes | None = None
    """The duration of the outage; only with `multiple`."""
    amount: Price | None = None
    """The announced credit, if it differs from the computed one or no computation was published."""
    rounding: Rounding | None = None
    """How the credit is rounded; by default half up to the smallest unit."""
    recipients: FactId | None = None
    """The id of the fact that counts the subscribers; left out if none was published."""
    recipients_high: FactId | None = None
    """The id of a fact that gives an upper bound for the number of subscribers."""

    @model_validator(mode="after")
    def _one_term(self) -> Self:
        terms = [n for n in ("days", "hours", "periods", "multiple") if getattr(self, n) is not None]
        if len(terms) > 1:
            raise ValueError(f"gives {' and '.join(terms)} | Keep one of them.")
        if not terms and self.amount is None:
            raise ValueError("says no credit | Give days, hours, periods, multiple or amount.")
        if self.multiple is None and (self.from_minutes or self.outage_minutes is not None):
            raise ValueError("has from_minutes or outage_minutes without a multiple")
        return self

    @property
    def numeric_facts(self) -> tuple[str, ...]:
        """The ids of the published facts that state the number of subscribers."""
        return tuple(fact for fact in (self.recipients, self.recipients_high) if fact)

    def credited_days(self, outage_minutes: int | None = None) -> Fraction | None:
        """The time for which the fee is credited, in days; None if it depends on an unknown duration."""
        if self.multiple is not None:
            minutes = self.outage_minutes if outage_minutes is None else outage_minutes
            if minutes is None:
                return None
            return Fraction(self.multiple * minutes * (minutes >= self.from_minutes), MINUTES_A_DAY)
        if self.hours is not None:
            return Fraction(self.hours, 24)
        days = self.days if self.periods is None else self.periods * self.period_days
        return None if days is None else Fraction(days)

    def credit(self, fee: int, outage_minutes: int | None = None) -> Fraction | None:
        """The credit that is computed for a fee, before rounding; None if the credited time is not known."""
        days = self.credited_days(outage_minutes)
        return None if days is None else fee * days / self.period_days

    @property
    def computed(self) -> Fraction | None:
        """The credit that is computed for the line's own fee, before rounding.

        None if the fee or the credited time is not known.
        """
        return None if self.fee is None else self.credit(self.fee)

    @property
    def payment(self) -> int | None:
        """The credit per subscriber: the announced amount or, without one, the rounded computed credit."""
        if self.amount is not None or self.computed is None:
            return self.amount
        return self.rounded(self.computed)

    @property
    def count_fact(self) -> str | None:
        """The id of the fact that counts the subscribers."""
        return self.recipients

    @property
    def payment_range(self) -> tuple[Fraction | None, Fraction | None]:
        """The credit per subscriber, twice; None if it is not known."""
        return _same_twice(self.payment)

    def stated_amounts(self, day: date) -> StatedAmounts:  # noqa: ARG002 - the same on every day
        """The credit per subscriber."""
        return {"credit": self.payment}

    def recomputed_amount(self, kind: str, people: int | None) -> Fraction | None:
        """The computed credit for a tie-out of the kind `fee`; the credits of all people for `credits`."""
        if kind == "fee":
            return self.computed
        if kind != "credits" or self.payment is None:
            return None
        return Fraction((get_fact(self.recipients or "").count if people is None else people) * self.payment)

    def rounded(self, credit: Fraction) -> int:
        """Round a credit by the rounding rule of the cost line; the result is in the smallest unit."""
        return (self.rounding or Rounding(to=1)).round_amount(credit * SHARE_SCALE) // SHARE_SCALE


class Budget(Line):
    """An amount set aside or announced for a whole cost line, until the final amount (true-up) is known."""

    kind: Literal["budget"]
    """An amount announced for the line as a whole."""
    valuation: Literal["cash", "face_value", "top_down"] = "cash"
    """Whether the amount is cash, goods at list price, or one estimate for several lines without detail
    (top_down)."""
    amount: AmountOrFact | None = None
    """The amount, or the id of the fact that states it; if none was announced, leave it out: the line then
    has no cost."""
    low: AmountOrFact | None = None
    """The smallest possible final amount; by default zero, or the amount if recipients need do nothing."""
    high: AmountOrFact | None = None
    """The largest possible final amount; by default the amount."""
    true_ups: tuple[TrueUp, ...] = ()
    """Final amounts that became known later."""

    @property
    def numeric_facts(self) -> tuple[str, ...]:
        """The ids of the published facts that state the amounts of the budget, without true-ups."""
        return tuple(x for x in (self.amount, self.low, self.high) if isinstance(x, str))

    @model_validator(mode="after")
    def _true_ups_follow(self) -> Self:
        days = [t.since for t in self.true_ups]
        if len(set(days)) < len(days):
            raise ValueError("has two true-ups of the same day | Keep one of them.")
        if self.public_on is not None and any(day < self.public_on for day in days):
            raise ValueError("has a true-up before it was public")
        return self

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        amounts = [x for x in (self.low, self.amount, self.high) if isinstance(x, int)]
        if amounts != sorted(amounts):
            raise ValueError("needs low <= amount <= high | Correct the one that is out of order.")
        return self

    @property
    def main_valuation(self) -> str:
        """The valuation of the announced amount."""
        return self.valuation

    def stated_amounts(self, day: date) -> StatedAmounts:
        """The announced amount with its ends, and the final amounts known by a day, by the day of each."""
        true_ups = {str(t.since): t.amount for t in self.true_ups_by(day)}
        return {"budget": self.amount, "low": self.low, "high": self.high, "true_ups": true_ups}

    def recomputed_amount(self, kind: str, people: int | None) -> Fraction | str | None:  # noqa: ARG002
        """The announced amount, for a tie-out of the kind `budget`."""
        if kind != "budget" or self.amount is None:
            return None
        return self.amount if isinstance(self.amount, str) else Fraction(self.amount)

    def true_ups_by(self, day: date) -> list[TrueUp]:
        """The final amounts (true-ups) that were known on or before a day, the latest first."""
        return sorted((t for t in self.true_ups if t.since <= day), key=lambda t: t.since, reverse=True)

    def with_true_ups(self, true_ups: Iterable[TrueUp]) -> Self:
        """The budget with other true-ups."""
        return self.model_copy(update={"true_ups": tuple(true_ups)})


def _same_twice(amount: int | None) -> tuple[Fraction | None, Fraction | None]:
    exact = None if amount is None else Fraction(amount)
    return exact, exact


CostLine = Annotated[Schedule | InKind | FeeCredit | Budget, Field(discriminator="kind")]
