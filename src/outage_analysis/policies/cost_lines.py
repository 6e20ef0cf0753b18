"""Cost lines: payments by loss band (schedules), free goods, vouchers, fee credits and budgets.

All lines have an announcement day, effort, deadlines, eligibility and accounting. A schedule pays by loss
band, to all claimants or by segment, per claim or per claimant.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise
from math import ceil
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag

from outage_analysis.files import Day, Document, Identifier, NamedDocument, OptionalText, Unit, refuse_if
from outage_analysis.incidents import Band, ClaimDeadline, Closed, FactId, check_partition, get_fact
from outage_analysis.policies.tariff import (
    MAX_STEPS,
    SHARE_SCALE,
    Money,
    Price,
    Rounding,
    Rule,
    RuleBand,
    Tariff,
    check_step_count,
)

Effort = Literal["automatic", "one_tap", "form", "documents"]
EntitledValues = dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
AmountOrFact = Annotated[
    Annotated[Money, Tag("amount")] | Annotated[FactId, Tag("fact")],
    Discriminator(lambda value: "fact" if isinstance(value, str) else "amount"),
]
"""An amount in the smallest unit of the currency, or the id of the fact that states it."""
MINUTES_A_DAY = 1440
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


class TrueUp(Document):
    """The final amount of a budget, with the day on which it became known."""

    since: Day
    """The day on which the final amount became known."""
    amount: AmountOrFact
    """The final amount, or the id of the fact that states it."""
    facts: tuple[FactId, ...] = ()
    """Ids of the published facts that support this."""


class Line(NamedDocument):
    """The keys and methods that all kinds of cost line share."""

    NUMBERS: ClassVar[tuple[str, ...]] = ()
    """The keys that may name a fact whose number enters the cost."""
    VALUATION: ClassVar[str] = "cash"

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
    searches and levers never change the line."""
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
        return tuple(fact for key in self.NUMBERS if (fact := self._fact(key)) is not None)

    def _fact(self, key: str) -> str | None:
        """The id of the fact under a key; None if there is none, or the line has no such key."""
        stated = getattr(self, key, None)
        return stated if isinstance(stated, str) else None

    @property
    def count_fact(self) -> str | None:
        """The id of the fact that counts the reports or people whom the line may pay."""
        return self._fact("published_count") or self._fact("recipients")

    @property
    def main_valuation(self) -> str:
        """The kind of cost that the line has, such as `cash`; the main one if it has several."""
        return self.VALUATION

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

    def true_ups_by(self, day: date) -> list[TrueUp]:
        """The final amounts (true-ups) that were known on or before a day, the latest first."""
        stated: tuple[TrueUp, ...] = getattr(self, "true_ups", ())
        return sorted((t for t in stated if t.since <= day), key=lambda t: t.since, reverse=True)

    def with_true_ups(self, true_ups: Iterable[TrueUp]) -> Self:
        """The line with other true-ups; the line itself if its kind has none."""
        has_true_ups = "true_ups" in type(self).model_fields
        return self.model_copy(update={"true_ups": tuple(true_ups)}) if has_true_ups else self

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

    NUMBERS: ClassVar[tuple[str, ...]] = ("published_count",)

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
    rounding: Rounding | None = None
    """How each payment is rounded; by default only the total is rounded, half up."""
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
        return tuple(
            (when, Tariff(bands, self.zero, self.unknown, shift, self.rounding)) for when, bands in groups
        )

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
        edges = {band.over for _, tariff in self.tariffs for band in tariff.bands if band.over}
        return frozenset(edge - 1 for edge in edges if self.closed == "lower")

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
            self.segments and self.grain == "claimant",
            "pays by claimant and by segment | Write each segment as a line of its own.",
        )
        refuse_if(
            self.segments and self.published_count,
            "has segments and one published count | Write each segment as a line of its own.",
        )
        rules = [self.zero, self.unknown or Rule(), *(b for _, t in self.tariffs for b in t.bands)]
        step = self.rounding.to if self.rounding else 1
        refuse_if(
            any(rule.floor % step or (rule.limit or 0) % step for rule in rules),
            f"has a floor or a limit that is no multiple of its rounding, {step:,}",
        )
        # The jumps of all tariffs are limited in total, too; a tariff beyond the limit is not computed.
        for steps in accumulate(len(tariff.cuts) for _, tariff in self.tariffs):
            check_step_count(steps)


class InKind(Line):
    """A free good for everyone entitled, with three valuations. None of them is cash that is paid out."""

    NUMBERS: ClassVar[tuple[str, ...]] = ("recipients", "cap")
    VALUATION: ClassVar[str] = "face_value"

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
    def valuations(self) -> dict[str, int | None]:
        """Three values of one free good: face value, displaced sales, incremental cash. Never add them up."""
        return {
            "face_value": self.face_value,
            "displaced_sales": self.displaced_sales,
            "incremental_cash": self.incremental_cash,
        }

    @property
    def payment(self) -> int | None:
        """The face value of one recipient's good; None if no price was published."""
        return self.face_value


class Voucher(Line):
    """A voucher per started hour of an outage, up to a cap per person, valued at its face value."""

    NUMBERS: ClassVar[tuple[str, ...]] = ("recipients",)
    VALUATION: ClassVar[str] = "face_value"

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

    NUMBERS: ClassVar[tuple[str, ...]] = ("recipients", "recipients_high")

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

    def credit(self, fee: int, outage_minutes: int | None = None) -> Fraction | None:
        """The credit that is computed for a fee, before rounding; None if the credited time is not known."""
        minutes = self.outage_minutes if outage_minutes is None else outage_minutes
        days: Fraction | int | None = self.days
        if self.hours is not None:
            days = Fraction(self.hours, 24)
        elif self.periods is not None:
            days = self.periods * self.period_days
        elif self.multiple is not None and minutes is not None:
            days = Fraction(self.multiple * minutes * (minutes >= self.from_minutes), MINUTES_A_DAY)
        return None if days is None else Fraction(fee * days) / self.period_days

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

    def rounded(self, credit: Fraction) -> int:
        """Round a credit by the rounding rule of the cost line; the result is in the smallest unit."""
        return (self.rounding or Rounding(to=1)).round_amount(credit * SHARE_SCALE) // SHARE_SCALE


class Budget(Line):
    """An amount set aside or announced for a whole cost line, until the final amount (true-up) is known."""

    NUMBERS: ClassVar[tuple[str, ...]] = ("amount", "low", "high")

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

    def _check(self) -> None:
        super()._check()
        days = [t.since for t in self.true_ups]
        refuse_if(len(set(days)) < len(days), "has two true-ups of the same day | Keep one of them.")
        refuse_if(
            self.public_on is not None and any(day < self.public_on for day in days),
            "has a true-up before it was public",
        )
        amounts = [x for x in (self.low, self.amount, self.high) if isinstance(x, int)]
        refuse_if(
            amounts != sorted(amounts), "needs low <= amount <= high | Correct the one that is out of order."
        )

    @property
    def main_valuation(self) -> str:
        """The valuation of the announced amount."""
        return self.valuation


CostLine = Annotated[Schedule | InKind | Voucher | FeeCredit | Budget, Field(discriminator="kind")]


def stated_amounts(line: CostLine, day: date) -> dict[str, int | str | dict[str, int | str] | None]:
    """The amounts that a line states, by name, as known on a day.

    An amount is in the smallest unit of the currency, or the id of the fact that states it.
    """
    if isinstance(line, Budget):
        true_ups = {str(t.since): t.amount for t in line.true_ups_by(day)}
        return {"budget": line.amount, "low": line.low, "high": line.high, "true_ups": true_ups}
    if isinstance(line, InKind):
        return dict(line.valuations)
    return {"credit" if isinstance(line, FeeCredit) else line.main_valuation: line.payment}


def recomputed_amount(line: CostLine, kind: str, people: int | None) -> Fraction | str | None:
    """The cost that a tie-out of some kind compares with a published amount.

    Args:
        line: the cost line.
        kind: the kind of the tie-out.
        people: the number of recipients, if the tie-out states it.

    Returns:
        The cost in the smallest unit of the currency, or the id of the fact that states it; None if the line
        has no such cost.
    """
    if kind == "budget" and isinstance(line, Budget):
        return Fraction(line.amount) if isinstance(line.amount, int) else line.amount
    if kind == "fee" and isinstance(line, FeeCredit):
        return line.computed
    if line.payment is None:
        return None
    if kind == "face_value" and isinstance(line, InKind | Voucher) and line.numeric_facts:
        return Fraction(min(get_fact(fact).count for fact in line.numeric_facts) * line.payment)
    if kind == "credits" and isinstance(line, FeeCredit):
        return Fraction((get_fact(line.recipients or "").count if people is None else people) * line.payment)
    return None
