"""What one claim is paid: a rule per loss band, and the loss intervals on which the payment is linear.

    payment = rounded(min(limit, max(floor, fixed + share x max(loss - deductible, 0) + rate)))

A rule never pays less for a larger loss. Amounts are whole numbers of the smallest unit of the currency.
Internally they are integers in ten-thousandths of that unit, so that payments are exact.

A tariff (payment rules by loss band) is split into loss intervals. On each interval (piece), a claim is paid
`fixed + slope x loss`. A deductible, floor or limit changes the slope at one loss. Rounding and payment
periods make the payment jump. Each jump starts a new piece, so that the total payment can still be computed
from the counts and sums of losses by band. A tariff with too many jumps is rejected instead of approximated.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import groupby, pairwise
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from outage_analysis.files import Document, Unit, refuse_if
from outage_analysis.incidents import LARGEST_LOSS, NEGATIVE, UNKNOWN, ZERO, Band

SHARE_DIGITS = 4
"""Decimal places of a share."""
SHARE_SCALE = 10_000
"""Ten-thousandths per unit: shares have up to four decimals, so payments are exact in ten-thousandths."""


def _share_in_ten_thousandths(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(  # noqa: TRY004 - pydantic turns no other error into a message
            "is not a number | Write a share as 0.25, of at most four places."
        )
    refuse_if(
        not 0 <= value <= 1 or Decimal(repr(value)) * SHARE_SCALE % 1,
        "is not between 0 and 1 with at most four places | Write a quarter as 0.25.",
    )
    return int(Decimal(repr(value)) * SHARE_SCALE)


MONEY = "smallest currency unit"
"""The unit of each key that states an amount."""
_SMALLEST = Unit(MONEY)
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
        if self.how == "up":  # With a fraction, `increment` would be too small.
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

    def _check(self) -> None:
        terms = (self.fixed, self.share, self.rate, self.floor, self.limit)
        refuse_if(
            self.review and any(term not in (0, None) for term in terms),
            "a reviewed band has no fixed payment, share, rate, floor or limit",
        )
        refuse_if(
            self.deductible and not self.share,
            "has a deductible and no share to deduct it from | Add `share`, or drop it.",
        )
        refuse_if(
            self.limit is not None and self.limit < self.floor,
            "has a limit below its floor | Raise the limit, or lower the floor.",
        )

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


LARGEST_TOTAL = 2**63 - 1
"""Upper bound for losses: the losses of one claimant may add up to more than the largest single loss."""
MAX_STEPS = 2_000
"""The largest number of edges of one policy, including those from rounding and periods."""


@dataclass(frozen=True)
class Piece:
    """An interval of losses in which the payment for one claim is `fixed + slope x loss`.

    The payment is in ten-thousandths of the smallest currency unit. `fixed` is None if claims are paid by
    individual review. `rule_index` is the index of the rule in `Tariff.rules()`.
    """

    band: Band
    rule_index: int
    fixed: int | None
    slope: int

    def pay(self, loss: int) -> int | None:
        """The payment for one claim, in ten-thousandths of the smallest unit; None if it takes a review."""
        return None if self.fixed is None else self.fixed + self.slope * loss

    def overlap(self, band: Band) -> tuple[int | None, int | None]:
        """The smallest and the largest loss of this piece that are also in `band`; None for an open end."""
        bottoms = [edge for edge in (band[0], self.band[0]) if edge is not None]
        upper_ends = [edge for edge in (band[1], self.band[1]) if edge is not None]
        return max(bottoms) + 1 if bottoms else None, min(upper_ends) if upper_ends else None

    def matches_formula(self, fixed: int, slope: int, band: Band) -> bool:
        """Whether this piece pays `fixed + slope x loss` for each of its losses that is also in `band`."""
        if (self.fixed, self.slope) == (fixed, slope):
            return True
        ends = self.overlap(band)
        return all(x is not None and self.pay(x) == fixed + slope * x for x in ends)


@dataclass(frozen=True)
class Tariff:
    """The payment rules by loss band, for all claims of a cost line or for one segment (group of claims)."""

    bands: tuple[RuleBand, ...]
    zero: Rule
    unknown: Rule | None
    """None if the policy has no rule for claims that state no loss."""
    shift: int
    """Subtracted from a written edge to get an inclusive upper cut: 0 or 1."""
    rounding: Rounding | None

    @property
    def bands_with_rules(self) -> list[tuple[Band, RuleBand]]:
        """The bands of positive losses (over < loss <= up_to) with their rules, in increasing order.

        A band that is closed at its lower edge may become empty: [0, 1) contains no positive whole number.
        """
        return [
            ((max(b.over - self.shift, 0), None if b.up_to is None else b.up_to - self.shift), b)
            for b in self.bands
        ]

    def rules(self) -> list[tuple[Band, Rule]]:
        """Every loss band that contains a whole number, with its payment rule.

        The order is: negative, zero and unknown losses, then bands of positive losses in increasing order.
        """
        positive = [(band, rule) for band, rule in self.bands_with_rules if contains_integer(band)]
        return [(NEGATIVE, Rule()), (ZERO, self.zero), (UNKNOWN, self.unknown or Rule()), *positive]

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The pieces (loss intervals with a linear payment) of the tariff.

        The order is: unknown, negative and zero losses, then positive losses in increasing order.
        """
        pieces: list[Piece] = []
        for place, (band, rule) in enumerate(self.rules()):
            split = _pieces_of_rule(band, place, rule, self.rounding)
            for _, alike in groupby(split, key=lambda piece: (piece.fixed, piece.slope)):
                first, *others = alike
                pieces.append(replace(first, band=(first.band[0], [first, *others][-1].band[1])))
                check_step_count(len(pieces) - 3)
        negative, zero, unknown, *positive = pieces
        return (unknown, negative, zero, *positive)

    @cached_property
    def _upper_ends(self) -> list[int]:
        return [LARGEST_TOTAL if p.band[1] is None else p.band[1] for p in self.pieces[1:]]

    @property
    def cuts(self) -> tuple[int, ...]:
        """The losses after which the payment formula changes, in increasing order."""
        return tuple(piece.band[1] for piece in self.pieces[3:] if piece.band[1] is not None)

    def pieces_overlapping(self, band: Band) -> tuple[Piece, ...]:
        """The pieces (loss intervals with one payment formula) that have a loss in common with `band`."""
        if band == UNKNOWN:
            return self.pieces[:1]
        low, high = band
        end = len(self._upper_ends) - 1
        first = 0 if low is None else min(bisect_left(self._upper_ends, low + 1), end)
        last = end if high is None else min(bisect_left(self._upper_ends, high), end)
        return self.pieces[first + 1 : last + 2]

    def pay(self, loss: int | None) -> Fraction | None:
        """The exact payment for one claim, in the smallest currency unit; None if it takes a review.

        A loss of None means that the loss is unknown.
        """
        band = UNKNOWN if loss is None else (loss - 1, loss)
        amount = self.pieces_overlapping(band)[0].pay(loss or 0)
        return None if amount is None else Fraction(amount, SHARE_SCALE)

    def formula(self, band: Band) -> tuple[int, int] | None:
        """A pair (`fixed`, `slope`) so that `fixed + slope x loss` is the payment for every loss in `band`.

        The payment is in ten-thousandths of the smallest currency unit. The result is None if there is no
        such pair: claims in the band are reviewed, or the pieces in the band have different formulas.
        """
        low, high = self.payment_range(band)
        if low == high:  # every claim in the band is paid the same: slope 0
            return int(low * SHARE_SCALE), 0
        overlapping = self.pieces_overlapping(band)
        for fixed, slope in ((piece.fixed, piece.slope) for piece in overlapping):
            if fixed is not None and all(piece.matches_formula(fixed, slope, band) for piece in overlapping):
                return fixed, slope
        return None

    def payment_range(self, band: Band, award: int | None = None) -> tuple[Fraction, Fraction | None]:
        """The smallest and the largest payment for one claim in a band; None if there is no largest payment.

        `award` is the largest payment that an individual review can award, if it is known.
        """
        lows: list[int] = []
        highs: list[int | None] = []
        for piece in self.pieces_overlapping(band):
            first, last = piece.overlap(band)
            lows.append(piece.pay(first or 0) or 0)
            if piece.fixed is None:
                highs.append(None if award is None else award * SHARE_SCALE)
            else:
                highs.append(piece.fixed if not piece.slope else None if last is None else piece.pay(last))
        known = [high for high in highs if high is not None]
        most = Fraction(max(known), SHARE_SCALE) if len(known) == len(highs) else None
        return Fraction(min(lows), SHARE_SCALE), most


def contains_integer(band: Band) -> bool:
    """Whether a band of positive losses contains a whole number."""
    return band[1] is None or band[1] > (band[0] or 0)


def check_step_count(steps: int) -> None:
    """Raise an error if the payment formula changes at more than `MAX_STEPS` losses.

    Raises:
        ValueError: there are more than `MAX_STEPS`; the message says what to change.
    """
    refuse_if(
        steps > MAX_STEPS,
        f"its payment jumps at more than {MAX_STEPS:,} losses"
        " | Round to a larger amount, lengthen the period, set `limit` or `up_to`, or drop `rounding`.",
    )


def _pieces_of_rule(band: Band, place: int, rule: Rule, rounding: Rounding | None) -> Iterator[Piece]:
    if rule.review:
        yield Piece(band, place, None, 0)
        return
    if band in (NEGATIVE, ZERO, UNKNOWN):
        yield Piece(band, place, rounding.round_amount(rule.amount(0)) if rounding else rule.amount(0), 0)
        return
    low, high = band[0] or 0, band[1]
    upper_ends: list[int | None] = [*sorted(set(_breakpoints(low, high, rule))), high]
    for bottom, top in pairwise([low, *upper_ends]):
        yield from _pieces_of_line((bottom, top), place, rule, rounding)


def _pieces_of_line(band: Band, place: int, rule: Rule, rounding: Rounding | None) -> Iterator[Piece]:
    low, high = band[0] or 0, band[1]
    first = rule.amount(low + 1)
    slope = 0 if high == low + 1 else rule.amount(low + 2) - first
    fixed = first - slope * (low + 1)
    if rounding is None or (slope % rounding.step == 0 and fixed % rounding.step == 0):
        yield Piece(band, place, fixed, slope)
        return
    if not slope:
        yield Piece(band, place, rounding.round_amount(fixed), 0)
        return
    top = LARGEST_TOTAL if high is None else high
    check_step_count(slope * (top - low) // rounding.step)
    while low < top:
        value = rounding.round_amount(fixed + slope * (low + 1))
        end = min(top, (value + rounding.step - rounding.increment - fixed - 1) // slope)
        yield Piece((low, high if end == top else end), place, value, 0)
        low = end


def _breakpoints(low: int, high: int | None, rule: Rule) -> Iterator[int]:
    """Yield the losses in a band after which the payment, before rounding, has another formula."""
    top = LARGEST_TOTAL if high is None else high
    if not rule.depends_on_loss:
        return
    candidates, limit_reached = [rule.deductible], top
    losses = range(low + 1, top + 1)
    if rule.floor:
        floor = rule.floor * SHARE_SCALE
        candidates.append(low + bisect_right(losses, floor, key=rule.amount_before_limits))
    if rule.limit is not None:
        limit = rule.limit * SHARE_SCALE
        limit_reached = low + bisect_right(losses, limit, key=rule.amount_before_limits)
        candidates.append(limit_reached)
    if rule.rate is not None:
        candidates.append(rule.rate.after)
        if rule.rate.every > 1:
            first = rule.rate.after if rule.rate.round_up else rule.rate.after + rule.rate.every - 1
            first += max(0, (low - first) // rule.rate.every) * rule.rate.every
            period_ends = range(first, limit_reached + 1, rule.rate.every)
            check_step_count(len(period_ends))
            candidates += period_ends
    yield from (x for x in candidates if low < x < top)
