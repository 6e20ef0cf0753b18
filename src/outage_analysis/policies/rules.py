"""What one claim is paid: an amount, a share of the loss, an amount a period, between a floor and a limit.

    payment = rounded(min(limit, max(floor, fixed + share x max(loss - deductible, 0) + rate)))

A rule never pays less for a larger loss. Amounts are whole numbers of the smallest unit of the currency;
inside, everything is counted in ten-thousandths of it, so that no payment is a float.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from outage_analysis.files import Document, Unit
from outage_analysis.incidents import LARGEST_LOSS

SHARE_DIGITS = 4
SHARE_SCALE = 10_000
"""Shares are decimals of at most four places; payments are exact in ten-thousandths of a unit."""


def _share(value: object) -> object:
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
Share = Annotated[int, BeforeValidator(_share), Unit("share, 0 to 1")]
"""A share of the loss, held in ten-thousandths."""
Measure = Annotated[int, Field(ge=0, le=LARGEST_LOSS), Unit("loss unit")]
"""A loss, in the loss unit."""
Span = Annotated[int, Field(gt=0, le=LARGEST_LOSS), Unit("loss unit")]
"""A loss above zero, in the loss unit."""


class Rounding(Document):
    """How each single payment is rounded."""

    to: Price
    """Payments are multiples of this, in the smallest unit of the currency."""
    how: Literal["half_up", "up", "down"] = "half_up"
    """Towards which multiple."""

    @property
    def step(self) -> int:
        """The distance between two payments, in ten-thousandths."""
        return self.to * SHARE_SCALE

    @property
    def increment(self) -> int:
        """What a whole amount may lack at most to reach the next step, in ten-thousandths."""
        return {"half_up": self.step // 2, "up": self.step - 1, "down": 0}[self.how]

    def round_amount(self, amount: int | Fraction) -> int:
        """An amount in ten-thousandths, rounded."""
        if self.how == "up":
            return -(-amount // self.step) * self.step
        return (amount + self.increment) // self.step * self.step


class Rate(Document):
    """An amount for every period of the loss: a day, an hour, thirty minutes."""

    amount: Price
    """For each period, in the smallest unit of the currency."""
    every: Span = 1
    """Length of a period, in the loss unit: with losses in minutes, 60 pays by the hour."""
    after: Measure = 0
    """The waiting time, in the loss unit: this part of the loss makes no period."""
    begun: bool = False
    """Whether a period that has only begun is paid in full; otherwise only complete ones are."""

    def periods(self, loss: int) -> int:
        """How many periods are paid for."""
        waited = max(loss - self.after, 0)
        return -(-waited // self.every) if self.begun else waited // self.every


class Rule(Document):
    """What one claim is paid in a band, or that it is reviewed."""

    fixed: Money = 0
    """A flat amount, in the smallest unit of the currency."""
    share: Share = 0
    """A share of the loss, of at most four decimal places."""
    deductible: Measure = 0
    """The first part of the loss, of which no share is paid, in the loss unit."""
    rate: Rate | None = None
    """An amount for every period."""
    floor: Money = 0
    """The least that is paid in the band."""
    limit: Money | None = None
    """The most that is paid in the band."""
    review: bool = False
    """Paid by individual review, under no fixed rule."""
    facts: tuple[str, ...] = ()
    """Ids of the published facts that say so."""

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
        """Whether anything is paid under fixed terms."""
        return bool(self.fixed or self.share or self.rate or self.floor) and self.limit != 0

    @property
    def outcome(self) -> Literal["review", "pays", "nothing"]:
        """What becomes of a claim under it."""
        return "review" if self.review else "pays" if self.pays else "nothing"

    @property
    def depends_on_loss(self) -> bool:
        """Whether the payment changes with the loss inside the band."""
        return bool(self.share or self.rate)

    def amount_before_limits(self, loss: int) -> int:
        """Fixed, share and rate together, in ten-thousandths, before floor and limit."""
        periodic = self.rate.amount * self.rate.periods(loss) if self.rate else 0
        return (self.fixed + periodic) * SHARE_SCALE + self.share * max(loss - self.deductible, 0)

    def amount(self, loss: int) -> int:
        """What is paid before rounding, in ten-thousandths."""
        least = max(self.amount_before_limits(loss), self.floor * SHARE_SCALE)
        return least if self.limit is None else min(least, self.limit * SHARE_SCALE)


class RuleBand(Rule):
    """A rule for the losses between two edges; `up_to` is left out of the last band."""

    over: Measure
    """Lower edge, in the loss unit."""
    up_to: Span | None = None
    """Upper edge, in the loss unit."""
