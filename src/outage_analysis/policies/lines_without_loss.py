"""The kinds of cost line that need no loss: a free good, part of a fee handed back, a sum set aside."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from outage_analysis.files import Day, Document, Unit
from outage_analysis.policies.cost_lines import FactId, Line
from outage_analysis.policies.rules import SHARE_SCALE, Money, Price, Rounding
from outage_analysis.policies.schedules import Schedule

AmountOrFact = Annotated[
    Annotated[Money, Tag("amount")] | Annotated[FactId, Tag("fact")],
    Discriminator(lambda value: "fact" if isinstance(value, str) else "amount"),
]
"""An amount in the smallest unit of the currency, or the id of the fact that gives it."""
MINUTES_A_DAY = 1440
Days = Annotated[int, Field(gt=0, le=3660), Unit("days")]
Minutes = Annotated[int, Field(ge=0, le=10**7), Unit("minutes")]


class InKind(Line):
    """A free good to everyone entitled. It is valued three ways; none of them is cash paid out."""

    kind: Literal["in_kind"]
    """A free good."""
    face_value: Price | None = None
    """List price of what one recipient gets; left out when none was published: the line is unpriced."""
    displaced_sales: Money | None = None
    """Sales lost to one recipient, on average."""
    incremental_cash: Money | None = None
    """What one recipient costs the payer in cash, on average."""
    recipients: FactId | None = None
    """The fact that counts the people entitled."""
    cap: FactId | None = None
    """The fact that limits how many are served."""

    @property
    def numeric_facts(self) -> tuple[str, ...]:
        """The facts that count recipients and places."""
        return tuple(fact for fact in (self.recipients, self.cap) if fact)

    @property
    def valuations(self) -> dict[str, int | None]:
        """Face value, displaced sales and incremental cash of one recipient; never added up."""
        return {
            "face_value": self.face_value,
            "displaced_sales": self.displaced_sales,
            "incremental_cash": self.incremental_cash,
        }


class FeeCredit(Line):
    """Part of a periodic fee, handed back: for some time, or for a multiple of the outage's time."""

    kind: Literal["fee_credit"]
    """Part of a fee, handed back."""
    fee: Price | None = None
    """The fee of one period; left out when it was not published or differs from one to the next."""
    period_days: Days = 30
    """Days in a period of the fee."""
    days: Days | None = None
    """Days of the fee that are credited. One of days, hours, periods and multiple is needed, or an amount."""
    hours: Annotated[int, Field(gt=0, le=87_840), Unit("hours")] | None = None
    """Hours of the fee that are credited."""
    periods: Annotated[int, Field(gt=0, le=120), Unit("periods of the fee")] | None = None
    """Whole periods of the fee that are credited."""
    multiple: Annotated[int, Field(gt=0, le=1_000), Unit("times the fee")] | None = None
    """The credit is this many times the fee for the time of the outage."""
    from_minutes: Minutes = 0
    """A shorter outage gives no credit."""
    outage_minutes: Minutes | None = None
    """How long the outage lasted; only with `multiple`."""
    amount: Price | None = None
    """What was announced, when it differs from the arithmetic or none was given."""
    rounding: Rounding | None = None
    """How the credit is rounded; by default half up to the smallest unit."""
    recipients: FactId | None = None
    """The fact that counts the subscribers; None when none was published."""
    recipients_high: FactId | None = None
    """A fact that bounds them from above."""

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
        """The facts that count subscribers."""
        return tuple(fact for fact in (self.recipients, self.recipients_high) if fact)

    def credited_days(self, outage_minutes: int | None = None) -> Fraction | None:
        """The time that is credited, in days; None when it depends on an outage whose length is not given."""
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
        """The credit for a fee by the arithmetic, unrounded."""
        days = self.credited_days(outage_minutes)
        return None if days is None else fee * days / self.period_days

    @property
    def computed(self) -> Fraction | None:
        """The credit by the arithmetic of the fee, unrounded; None when the fee or the time is not known."""
        return None if self.fee is None else self.credit(self.fee)

    @property
    def payment(self) -> int | None:
        """What one subscriber gets: the announced amount, else the arithmetic, rounded."""
        if self.amount is not None or self.computed is None:
            return self.amount
        return self.rounded(self.computed)

    def rounded(self, credit: Fraction) -> int:
        """A credit in whole units, by the line's rounding."""
        return (self.rounding or Rounding(to=1)).round_amount(credit * SHARE_SCALE) // SHARE_SCALE


class TrueUp(Document):
    """From this day on it was known what the budget came to."""

    since: Day
    """The day from which it was known."""
    amount: AmountOrFact
    """What it came to, or the fact that says so."""
    facts: tuple[FactId, ...] = ()
    """Ids of the published facts that say so."""


class Budget(Line):
    """A sum set aside or announced as a whole, until a true-up says what it came to."""

    kind: Literal["budget"]
    """A sum announced as a whole."""
    valuation: Literal["cash", "face_value", "top_down"] = "cash"
    """Whether the sum is cash, goods at list price, or one figure for lines without detail (top_down)."""
    amount: AmountOrFact | None = None
    """The sum, or the id of the fact that gives it; left out when none was announced: it is unpriced."""
    low: AmountOrFact | None = None
    """The least it may come to; by default nothing, or the amount when recipients need do nothing."""
    high: AmountOrFact | None = None
    """The most it may come to; by default the amount."""
    true_ups: tuple[TrueUp, ...] = ()
    """What it was found to have come to."""

    @property
    def numeric_facts(self) -> tuple[str, ...]:
        """The facts that give its sums, true-ups apart."""
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
    def _ordered(self) -> Self:
        given = [x for x in (self.low, self.amount, self.high) if isinstance(x, int)]
        if given != sorted(given):
            raise ValueError("needs low <= amount <= high | Correct the one that is out of order.")
        return self

    def true_ups_by(self, day: date) -> list[TrueUp]:
        """The true-ups known on a day, the latest first."""
        return sorted((t for t in self.true_ups if t.since <= day), key=lambda t: t.since, reverse=True)


CostLine = Annotated[Schedule | InKind | FeeCredit | Budget, Field(discriminator="kind")]
