"""The payment rule for one claim: an amount, a share of the loss and an amount per period, with limits.

    payment = rounded(min(limit, max(floor, fixed + share x max(loss - deductible, 0) + rate)))

A rule never pays less for a larger loss. Amounts are whole numbers of the smallest unit of the currency.
Internally they are integers in ten-thousandths of that unit, so that payments are exact.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from outage_analysis.files import Document, Unit
from outage_analysis.incidents import LARGEST_LOSS

SHARE_DIGITS = 4
"""Decimal places of a share."""
SHARE_SCALE = 10_000
"""Ten-thousandths per unit: shares have up to four decimals, so payments are exact in ten-thousandths."""


def _share_in_ten_thousandths(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(  # noqa: TRY004 - pydantic turns no other error into a message
            "is not a number | Write a share as 0.25, of at most four places."
        )
    if not 0 <= value <= 1 or Decimal(repr(value)) * SHARE_SCALE % 1:
        raise ValueError("is not between 0 and 1 with at most four places | Write a quarter as 0.25.")
    return int(Decimal(repr(value)) * SHARE_SCALE)


_SMALLEST = Unit("smallest currency unit")
Money = Annotated[int, Field(ge=0, le=10**12), _SMALLEST]
"""An amount in the smallest unit of the currency."""
Price = Annotated[int, Field(gt=0, le=10**12), _SMALLEST]
"""An amount above zero, in the smallest unit of the currency."""
Share = Annotated[
    int,
    BeforeValidator(_share_in_ten_thousandths),
    PlainSerializer(lambda share: share / SHARE_SCALE, return_type=float),
    Unit("share, 0 to 1"),
]
"""A share of the loss, stored in ten-thousandths. Documents are written with the share itself: 0.25."""
Measure = Annotated[int, Field(ge=0, le=LARGEST_LOSS), Unit("loss unit")]
"""A loss, in the loss unit."""
Span = Annotated[int, Field(gt=0, le=LARGEST_LOSS), Unit("loss unit")]
"""A loss above zero, in the loss unit."""


class Rounding(Document):
    """How each single payment is rounded."""

    to: Price
    """Payments are multiples of this, in the smallest unit of the currency."""
    how: Literal["half_up", "up", "down"] = "half_up"
    """Rounding direction: to the nearest multiple (half_up), up or down."""

    @property
    def step(self) -> int:
        """The rounding unit, in ten-thousandths of the smallest currency unit."""
        return self.to * SHARE_SCALE

    @property
    def increment(self) -> int:
        """The amount to add before rounding down, in the unit of `step`; it sets the rounding direction."""
        return {"half_up": self.step // 2, "up": self.step - 1, "down": 0}[self.how]

    def round_amount(self, amount: int | Fraction) -> int:
        """Round an amount to a multiple of `step`, all in ten-thousandths of the smallest currency unit."""
        if self.how == "up":
            return -(-amount // self.step) * self.step
        return (amount + self.increment) // self.step * self.step


class Rate(Document):
    """An amount per period of the loss: per day, per hour or per thirty minutes, if losses are durations."""

    amount: Price
    """The amount per period, in the smallest unit of the currency."""
    every: Span = 1
    """Length of a period, in the loss unit: if losses are in minutes, 60 pays per hour."""
    after: Measure = 0
    """The waiting period, in the loss unit: this part of the loss is not paid."""
    round_up: bool = False
    """Whether a period that has only begun is paid in full; by default only complete periods are paid."""

    def periods(self, loss: int) -> int:
        """The number of paid periods of a loss: the loss above the waiting period, divided into periods."""
        paid_time = max(loss - self.after, 0)
        return -(-paid_time // self.every) if self.round_up else paid_time // self.every


class Rule(Document):
    """The payment rule of one loss band."""

    fixed: Money = 0
    """A flat amount, in the smallest unit of the currency."""
    share: Share = 0
    """A share of the loss, of at most four decimal places."""
    deductible: Measure = 0
    """The first part of the loss, to which the share does not apply, in the loss unit."""
    rate: Rate | None = None
    """An amount per period of the loss."""
    floor: Money = 0
    """The minimum payment in the band."""
    limit: Money | None = None
    """The maximum payment in the band."""
    review: bool = False
    """Whether the claim is paid by individual review, without a fixed rule."""
    facts: tuple[str, ...] = ()
    """Ids of the published facts that support this."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        terms = (self.fixed, self.share, self.rate, self.floor, self.limit)
        if self.review and any(term not in (0, None) for term in terms):
            raise ValueError("a reviewed band has no fixed payment, share, rate, floor or limit")
        if self.deductible and not self.share:
            raise ValueError("has a deductible and no share to deduct it from | Add `share`, or drop it.")
        if self.limit is not None and self.limit < self.floor:
            raise ValueError("has a limit below its floor | Raise the limit, or lower the floor.")
        return self

    @property
    def pays(self) -> bool:
        """Whether the rule can pay anything without an individual review."""
        return bool(self.fixed or self.share or self.rate or self.floor) and self.limit != 0

    @property
    def outcome(self) -> Literal["review", "pays", "nothing"]:
        """What the rule means for a claim: an individual review, a payment, or nothing."""
        return "review" if self.review else "pays" if self.pays else "nothing"

    @property
    def depends_on_loss(self) -> bool:
        """Whether the payment depends on the size of the loss within the loss band."""
        return bool(self.share or self.rate)

    def amount_before_limits(self, loss: int) -> int:
        """Fixed amount + share + rate for a loss, before floor and limit, in 1/10000 of the smallest unit."""
        periodic = self.rate.amount * self.rate.periods(loss) if self.rate else 0
        return (self.fixed + periodic) * SHARE_SCALE + self.share * max(loss - self.deductible, 0)

    def amount(self, loss: int) -> int:
        """The payment for a loss before rounding, in ten-thousandths of the smallest currency unit."""
        least = max(self.amount_before_limits(loss), self.floor * SHARE_SCALE)
        return least if self.limit is None else min(least, self.limit * SHARE_SCALE)


class RuleBand(Rule):
    """The payment rule for losses between two band edges; in the last band, `up_to` is None."""

    over: Measure
    """Lower edge, in the loss unit."""
    up_to: Span | None = None
    """Upper edge, in the loss unit."""
