"""Cost lines: payments by loss band (schedules), free goods, vouchers, fee credits and budgets.

All lines have an announcement day, effort, deadlines, eligibility and accounting. A schedule pays by loss
band, to all claimants or by segment, per claim or per claimant. What one claim is paid follows from the rule
of its loss band:

    payment = min(limit, max(floor, fixed + share x max(loss - deductible, 0) + rate))

A rule never pays less for a larger loss. Amounts are whole numbers of the smallest unit of the currency.
Internally they are integers in ten-thousandths of that unit, so that payments are exact.

A tariff (payment rules by loss band) is split into loss intervals. On each interval (piece), a claim is paid
`fixed + slope x loss`. A deductible, floor or limit changes the slope at one loss. Payment periods make the
payment jump. Each jump starts a new piece, so that the total payment can still be computed from the counts
and sums of losses by band. A tariff with too many jumps is rejected instead of approximated.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, groupby, pairwise
from math import ceil, floor, inf
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, PlainSerializer, Tag

from outage_analysis.files import Day, Document, Identifier, NamedDocument, OptionalText, Unit, refuse_if
from outage_analysis.incidents import (
    LARGEST_CUT,
    LARGEST_LOSS,
    NEGATIVE,
    UNKNOWN,
    ZERO,
    Band,
    ClaimDeadline,
    Closed,
    FactId,
    check_partition,
)

SHARE_DIGITS = 4
"""Decimal places of a share."""
SHARE_SCALE = 10_000
"""Ten-thousandths per unit: shares have up to four decimals, so payments are exact in ten-thousandths."""


def _share_in_ten_thousandths(value: object) -> object:
    is_share = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    if not is_share or Decimal(repr(value)) * SHARE_SCALE % 1:
        raise ValueError("is not between 0 and 1 with at most four places | Write a share as 0.25.")
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
    """How a computed fee credit is rounded."""

    to: Price
    """Credits are multiples of this, in the smallest unit of the currency."""
    how: Literal["half_up", "up", "down"] = "half_up"
    """Rounding direction: to the nearest multiple (half_up), up or down."""

    def round_amount(self, amount: Fraction) -> int:
        """Round an amount to a multiple of `to`, in the smallest unit of the currency."""
        steps = amount / self.to
        rounded = {"half_up": floor(steps + Fraction(1, 2)), "up": ceil(steps), "down": floor(steps)}
        return rounded[self.how] * self.to


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
        """The payment for a loss, in ten-thousandths of the smallest currency unit."""
        least = max(self.amount_before_limits(loss), self.floor * SHARE_SCALE)
        return least if self.limit is None else min(least, self.limit * SHARE_SCALE)


class RuleBand(Rule):
    """The payment rule for losses between two band edges; in the last band, `up_to` is None."""

    over: Measure
    """Lower edge, in the loss unit."""
    up_to: Span | None = None
    """Upper edge, in the loss unit."""


MAX_STEPS = 2_000
"""The largest number of edges of one policy, including those of payment periods."""


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

    def payment_ends(self, band: Band, award: int | None) -> tuple[int, int | float]:
        """The smallest and the largest payment for the losses of the piece in a band, times `SHARE_SCALE`.

        The largest is infinite if nothing limits it, or if the largest award of a review is unknown.
        """
        first, last = self.overlap(band)
        if self.fixed is None:
            return 0, inf if award is None else award * SHARE_SCALE
        largest_loss = last if self.slope else 0
        high = inf if largest_loss is None else self.fixed + self.slope * largest_loss
        return self.fixed + self.slope * (first or 0), high

    def matches_formula(self, fixed: int, slope: int, band: Band) -> bool:
        """Whether this piece pays `fixed + slope x loss` for each of its losses that is also in `band`."""
        if (self.fixed, self.slope) == (fixed, slope):
            return True
        return all(x is not None and self.pay(x) == fixed + slope * x for x in self.overlap(band))


@dataclass(frozen=True)
class Tariff:
    """The payment rules by loss band, for all claims of a cost line or for one segment (group of claims)."""

    bands: tuple[RuleBand, ...]
    zero: Rule
    unknown: Rule | None
    """None if the policy has no rule for claims that state no loss."""
    shift: int
    """Subtracted from a written edge to get an inclusive upper cut: 0 or 1."""

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
        positive = (pair for pair in self.bands_with_rules if contains_integer(pair[0]))
        return [(NEGATIVE, Rule()), (ZERO, self.zero), (UNKNOWN, self.unknown or Rule()), *positive]

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The pieces (loss intervals with a linear payment) of the tariff.

        The order is: unknown, negative and zero losses, then positive losses in increasing order.
        """
        pieces: list[Piece] = []
        for place, (band, rule) in enumerate(self.rules()):
            split = _pieces_of_rule(band, place, rule)
            for _, alike in groupby(split, key=lambda piece: (piece.fixed, piece.slope)):
                first, *others = alike
                pieces.append(replace(first, band=(first.band[0], [first, *others][-1].band[1])))
                check_step_count(len(pieces) - 3)
        negative, zero, unknown, *positive = pieces
        return (unknown, negative, zero, *positive)

    @cached_property
    def _upper_ends(self) -> list[int]:
        return [LARGEST_CUT if p.band[1] is None else p.band[1] for p in self.pieces[1:]]

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
        formulas = ((piece.fixed, piece.slope) for piece in overlapping if piece.fixed is not None)
        return next((x for x in formulas if all(p.matches_formula(*x, band) for p in overlapping)), None)

    def payment_range(self, band: Band, award: int | None = None) -> tuple[Fraction, Fraction | None]:
        """The smallest and the largest payment for one claim in a band; None if there is no largest payment.

        `award` is the largest payment that an individual review can award, if it is known.
        """
        lows, highs = zip(
            *(piece.payment_ends(band, award) for piece in self.pieces_overlapping(band)), strict=True
        )
        most = max(highs)
        return Fraction(min(lows), SHARE_SCALE), None if isinstance(most, float) else Fraction(
            most, SHARE_SCALE
        )


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
        f"its payments bend or jump at more than {MAX_STEPS:,} losses"
        " | Lengthen the periods, set `limit` or `up_to`, or split the policy.",
    )


def _pieces_of_rule(band: Band, place: int, rule: Rule) -> Iterator[Piece]:
    if rule.review:
        yield Piece(band, place, None, 0)
    elif band in (NEGATIVE, ZERO, UNKNOWN):
        yield Piece(band, place, rule.amount(0), 0)
    else:
        low, high = band[0] or 0, band[1]
        for bottom, top in pairwise([low, *sorted(set(_breakpoints(low, high, rule))), high]):
            first = (bottom or 0) + 1
            paid = rule.amount(first)
            slope = 0 if top == first else rule.amount(first + 1) - paid
            yield Piece((bottom, top), place, paid - slope * first, slope)


def _breakpoints(low: int, high: int | None, rule: Rule) -> Iterator[int]:
    """Yield the losses in a band after which the payment has another formula."""
    if not rule.depends_on_loss:
        return
    # The losses of one claimant may add up to more than the largest single loss.
    top = LARGEST_CUT if high is None else high
    losses, key = range(low + 1, top + 1), rule.amount_before_limits
    limits = [limit * SHARE_SCALE for limit in (rule.floor, rule.limit) if limit is not None]
    candidates = [rule.deductible, *(low + bisect_right(losses, limit, key=key) for limit in limits)]
    limit_reached = top if rule.limit is None else candidates[-1]
    if rule.rate is not None:
        candidates.append(rule.rate.after)
        if rule.rate.every > 1:
            first = rule.rate.after if rule.rate.round_up else rule.rate.after + rule.rate.every - 1
            first += max(0, (low - first) // rule.rate.every) * rule.rate.every
            period_ends = range(first, limit_reached + 1, rule.rate.every)
            check_step_count(len(period_ends))
            candidates += period_ends
    yield from (x for x in candidates if low < x < top)


Effort = Literal["automatic", "one_tap", "form", "documents"]
EntitledValues = dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
AmountOrFact = Annotated[
    Annotated[Money, Tag("amount")] | Annotated[FactId, Tag("fact")],
    Discriminator(lambda value: "fact" if isinstance(value, str) else "amount"),
]
"""An amount in the smallest unit of the currency, or the id of the fact that states it."""
Days = Annotated[int, Field(gt=0, le=3660), Unit("days")]
Minutes = Annotated[int, Field(ge=0, le=10**7), Unit("minutes")]


class EffortChange(Document):
    """A change of what claimants must do to be paid; it applies from the day `since` on."""

    since: Day
    """The first day of the new effort."""
    effort: Effort
    """What the claimant must do from that day on."""
    facts: tuple[FactId, ...] = ()
    """Ids of the published facts that support this."""


class Accounting(Document):
    """A proposed accounting treatment for the controller; not an accounting opinion."""

    obligation: Literal["legal", "constructive", "none"]
    """Whether the payer is bound by law or contract (`legal`), by its own announcement (`constructive`), or
    not at all."""
    presentation: Literal["expense", "revenue"]
    """Whether the cost would be presented as an expense or as a reduction of revenue."""
    note: OptionalText = None
    """The reason, briefly."""


COUNTED_BY = ("published_count", "recipients", "recipients_high", "cap", "amount")
"""The keys of a line that may name a fact whose number enters the cost."""


class Line(NamedDocument):
    """The keys and methods that all kinds of cost line share."""

    public_on: Day | None = None
    """The day the line was announced. A run as of an earlier day leaves the line out. A line without this day
    is always left out."""
    effort: Effort | None = None
    """What the claimant must do; left out if it was not published."""
    effort_changes: tuple[EffortChange, ...] = ()
    """Later changes of the effort, each from its day on."""
    deadlines: tuple[ClaimDeadline, ...] = ()
    """The last day to claim, and its extensions."""
    eligibility: EntitledValues = Field(default_factory=dict)
    """Dimension -> the values that are entitled; a dimension that is left out admits all values."""
    statutory: bool = False
    """Whether the law, or terms that bind the payer, fix the payment. Nobody can then choose another payment:
    searches never change the line."""
    accounting: Accounting | None = None
    """The proposed accounting treatment."""
    facts: tuple[FactId, ...] = ()
    """Ids of the published facts that the line cites."""
    note: OptionalText = None
    """A further note for readers."""

    @property
    def numeric_facts(self) -> tuple[str, ...]:
        """The ids of the published facts whose numbers enter the cost calculation.

        Facts that are only cited are not included.
        """
        return tuple(fact for key in COUNTED_BY if (fact := self.fact(key)) is not None)

    def fact(self, key: str) -> str | None:
        """The id of the fact under a key; None if there is none, or the line has no such key."""
        stated = getattr(self, key, None)
        return stated if isinstance(stated, str) else None

    @property
    def main_valuation(self) -> str:
        """The kind of cost that the line has, such as `cash`; the main one if it has several."""
        return str(getattr(self, "valuation", "cash"))

    @property
    def bands_as_written(self) -> dict[tuple[int, int | None], Band]:
        """The bands of positive losses by their edges in the document; none if losses do not matter."""
        return {}

    @property
    def payment(self) -> int | None:
        """The amount that each recipient gets, whatever the loss; None if the line states none."""
        return None

    @property
    def payment_range(self) -> tuple[Fraction | None, Fraction | None]:
        """The smallest and the largest payment per recipient, in the smallest unit of the currency.

        None if the line states no amount per recipient, or no limit.
        """
        exact = None if self.payment is None else Fraction(self.payment)
        return exact, exact

    def known_on(self, day: date) -> bool:
        """Whether the cost line was announced on or before a day."""
        return self.public_on is not None and self.public_on <= day

    def as_known_on(self, day: date) -> Self:
        """The cost line as known on a day: without later effort changes and later announced deadlines."""
        changes = tuple(change for change in self.effort_changes if change.since <= day)
        deadlines = tuple(deadline for deadline in self.deadlines if deadline.announced_on <= day)
        if (changes, deadlines) == (self.effort_changes, self.deadlines):
            return self
        return self.model_copy(update={"effort_changes": changes, "deadlines": deadlines})

    def effort_on(self, day: date) -> Effort | None:
        """The effort on a day, that is, what claimants must do to be paid; None if it was not published."""
        known = [change for change in self.effort_changes if change.since <= day]
        return max(known, key=lambda change: change.since).effort if known else self.effort

    def closes_on(self, day: date) -> date | None:
        """The last day to claim that was announced on or before `day`; None if none was announced by then."""
        known = [d for d in self.deadlines if d.announced_on <= day]
        return max(known, key=lambda d: d.announced_on).closes if known else None

    def _check(self) -> None:
        for d in self.deadlines:
            refuse_if(d.closes < d.announced_on, f"has a deadline of {d.closes}, before it was announced")
        for days in ([d.announced_on for d in self.deadlines], [c.since for c in self.effort_changes]):
            refuse_if(len(set(days)) < len(days), "says two things from the same day on | Keep one of them.")
        ordered = sorted(self.deadlines, key=lambda d: d.announced_on)
        refuse_if(
            any(a.closes >= b.closes for a, b in pairwise(ordered)),
            "has an extension that closes no later than the deadline before it",
        )


Bands = Annotated[tuple[RuleBand, ...], Field(alias="band", min_length=1, max_length=MAX_STEPS)]


class Segment(Document):
    """A group of claimants with its own loss bands and payment rules."""

    id: Identifier
    """The id by which findings and golden results refer to the segment."""
    when: Annotated[EntitledValues, Field(min_length=1)]
    """Dimension -> the values that belong to the segment."""
    bands: Bands
    """The bands for the segment's claims."""


class Schedule(Line):
    """A cost line that pays by loss band."""

    kind: Literal["schedule"]
    """A payment by loss band."""
    closed: Closed = "upper"
    """Which edge belongs to a band: `upper` means (0, 300000], `lower` means [0, 300000)."""
    grain: Literal["claim", "claimant"] = "claim"
    """`claimant` adds up the entitled losses of one claimant and pays once for the total."""
    bands: Bands
    """The bands from a loss of 0 upwards, without gaps; the last has no `up_to`."""
    segments: Annotated[tuple[Segment, ...], Field(alias="segment", max_length=50)] = ()
    """Groups with bands of their own: the first segment that matches a claim applies instead of `band`."""
    zero: Rule = Rule()
    """The payment for a loss of zero."""
    unknown: Rule | None = None
    """The payment for a claim that states no loss. Without this rule, the expected cost counts such claims as
    paid nothing, and the upper bound counts them as paid the schedule's maximum. If more than half of the
    entitled claims state no loss, the line then has no expected cost."""
    published_count: FactId | None = None
    """The id of the fact that counts the reports that this line may pay."""

    @property
    def tariff(self) -> Tariff:
        """The tariff (payment rules by loss band) for claims of no segment (group with its own rules)."""
        return self.tariffs[-1][1]

    @cached_property
    def tariffs(self) -> tuple[tuple[EntitledValues, Tariff], ...]:
        """All tariffs (payment rules by loss band), each with the condition that a claim must meet.

        The first tariff whose condition a claim meets applies to the claim. Every claim meets the condition
        of the last tariff.
        """
        shift = 0 if self.closed == "upper" else 1
        groups = [*((segment.when, segment.bands) for segment in self.segments), ({}, self.bands)]
        return tuple((when, Tariff(bands, self.zero, self.unknown, shift)) for when, bands in groups)

    @property
    def positive_bands(self) -> list[tuple[Band, Rule]]:
        """Pairs of positive loss band and payment rule, in increasing order, for claims of no segment."""
        return self.tariff.rules()[3:]

    @property
    def bands_as_written(self) -> dict[tuple[int, int | None], Band]:
        """The bands of positive losses for claims in no segment, by their edges as written."""
        return {(rule.over, rule.up_to): band for band, rule in self.tariff.bands_with_rules}

    @property
    def payment_range(self) -> tuple[Fraction | None, Fraction | None]:
        """The smallest and the largest payment per claim over all segments; None if there is no limit."""
        ends = [tariff.payment_range((0, None)) for _, tariff in self.tariffs]
        most = [high for _, high in ends if high is not None]
        return min(low for low, _ in ends), max(most) if len(most) == len(ends) else None

    @property
    def cuts(self) -> tuple[int, ...]:
        """The largest loss of each band, in increasing order: 299,999 for [0, 300000)."""
        return tuple(sorted({band[1] for _, t in self.tariffs for band, _ in t.rules()[3:] if band[1]}))

    @property
    def starts(self) -> frozenset[int]:
        """If bands are written without their upper edge, the largest loss of each band; otherwise empty."""
        written = (band.over for _, tariff in self.tariffs for band in tariff.bands if self.closed == "lower")
        return frozenset(edge - 1 for edge in written if edge)

    @property
    def breakpoints(self) -> tuple[int, ...]:
        """The ends of bands and the losses after which the payment formula changes, in increasing order."""
        return tuple(sorted({cut for _, tariff in self.tariffs for cut in tariff.cuts}))

    def _check(self) -> None:
        super()._check()
        for bands in (self.bands, *(s.bands for s in self.segments)):
            check_partition([(b.over, b.up_to) for b in bands])
        refuse_if(
            self.unknown and self.unknown.depends_on_loss,
            "pays a share of an unknown loss | Give `unknown` a fixed payment or a review.",
        )
        refuse_if(
            self.segments and (self.grain == "claimant" or self.published_count),
            "has segments, and pays by claimant or from one published count"
            " | Write each segment as a line of its own.",
        )
        # The jumps of all tariffs are limited in total, too; a tariff beyond the limit is not computed.
        for steps in accumulate(len(tariff.cuts) for _, tariff in self.tariffs):
            check_step_count(steps)


class InKind(Line):
    """A free good for everyone entitled, valued at its list price. That is not cash that is paid out."""

    valuation: ClassVar[str] = "face_value"

    kind: Literal["in_kind"]
    """A free good."""
    face_value: Price | None = None
    """List price of one recipient's good; if no price was published, leave it out: the line then has no cost.
    """
    recipients: FactId | None = None
    """The id of the fact that counts the people entitled."""
    cap: FactId | None = None
    """The id of the fact that limits the number of recipients."""

    @property
    def payment(self) -> int | None:
        """The face value of one recipient's good; None if no price was published."""
        return self.face_value


class Voucher(Line):
    """A voucher per started hour of an outage, up to a cap per person, valued at its face value."""

    valuation: ClassVar[str] = "face_value"

    kind: Literal["voucher"]
    """A voucher per started hour."""
    amount: Price
    """The face value of the voucher for one started hour."""
    cap_per_person: Price
    """The largest face value that one person gets."""
    outage_hours: Annotated[float | int, Field(gt=0, le=87_840), Unit("hours")]
    """The length of the outage; an hour that has begun counts in full, so 3.2 hours are 4 started hours."""
    recipients: FactId | None = None
    """The id of the fact that counts the people entitled; left out if none was published."""

    @property
    def payment(self) -> int:
        """The face value of one person's vouchers."""
        return min(self.amount * ceil(self.outage_hours), self.cap_per_person)


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

    def _check(self) -> None:
        super()._check()
        terms = [n for n in ("days", "hours", "periods", "multiple") if getattr(self, n) is not None]
        refuse_if(len(terms) > 1, f"gives {' and '.join(terms)} | Keep one of them.")
        refuse_if(
            not terms and self.amount is None,
            "says no credit | Give days, hours, periods, multiple or amount.",
        )
        refuse_if(
            self.multiple is None and (self.from_minutes or self.outage_minutes is not None),
            "has from_minutes or outage_minutes without a multiple",
        )

    @property
    def computed(self) -> Fraction | None:
        """The credit that is computed from the fee, before rounding; None if it or the time is not known."""
        minutes = self.outage_minutes
        lengths: tuple[Fraction | int | None, ...] = (
            self.days,
            None if self.hours is None else Fraction(self.hours, 24),
            None if self.periods is None else self.periods * self.period_days,
            None
            if self.multiple is None or minutes is None
            else Fraction(self.multiple * minutes * (minutes >= self.from_minutes), 24 * 60),
        )
        days = next((length for length in lengths if length is not None), None)
        return None if days is None or self.fee is None else Fraction(self.fee * days) / self.period_days

    @property
    def payment(self) -> int | None:
        """The credit per subscriber: the announced amount or, without one, the rounded computed credit."""
        if self.amount is not None or self.computed is None:
            return self.amount
        return (self.rounding or Rounding(to=1)).round_amount(self.computed)


class Budget(Line):
    """An amount set aside or announced for a whole cost line."""

    kind: Literal["budget"]
    """An amount announced for the line as a whole."""
    valuation: Literal["cash", "face_value", "top_down"] = "cash"
    """Whether the amount is cash, goods at list price, or one estimate for several lines without detail
    (top_down)."""
    amount: AmountOrFact | None = None
    """The amount, or the id of the fact that states it; if none was announced, leave it out: the line then
    has no cost."""


CostLine = Annotated[Schedule | InKind | Voucher | FeeCredit | Budget, Field(discriminator="kind")]


def stated_amounts(line: CostLine) -> dict[str, int | str | None]:
    """The amounts that a line states, by name.

    An amount is in the smallest unit of the currency, or the id of the fact that states it.
    """
    if isinstance(line, Budget):
        return {"budget": line.amount}
    return {"credit" if isinstance(line, FeeCredit) else line.main_valuation: line.payment}
