"""The keys and methods of all kinds of cost line, and the schedule: a cost line that pays by loss band.

All lines have an announcement day, effort, deadlines, eligibility and accounting. A schedule pays by loss
band, to all claimants or by segment, per claim or per claimant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from outage_analysis.errors import UsageError
from outage_analysis.files import Day, Document, Identifier, Name, OptionalText
from outage_analysis.incidents import Band, Closed, check_partition, upper_cuts
from outage_analysis.policies.rules import Money, Rounding, Rule, RuleBand
from outage_analysis.policies.tariff import MAX_STEPS, Tariff, check_step_count

Effort = Literal["automatic", "one_tap", "form", "documents"]
FactId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
EntitledValues = dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
AmountOrFact = Annotated[
    Annotated[Money, Tag("amount")] | Annotated[FactId, Tag("fact")],
    Discriminator(lambda value: "fact" if isinstance(value, str) else "amount"),
]
"""An amount in the smallest unit of the currency, or the id of the fact that states it."""


class EffortChange(Document):
    """A change of what claimants must do to be paid; it applies from the day `since` on."""

    since: Day
    """The first day of the new effort."""
    effort: Effort
    """What the claimant must do from that day on."""
    facts: tuple[FactId, ...] = ()
    """Ids of the published facts that support this."""


class Deadline(Document):
    """The last day to claim, with the day on which it was announced. A later deadline extends this day."""

    announced_on: Day
    """The day the deadline was announced; a run as of an earlier day ignores it."""
    closes: Day
    """The last day to claim."""
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


StatedAmounts = dict[str, int | str | dict[str, int | str] | None]
"""Amounts in the smallest unit of the currency, or ids of the facts that state them, by name."""


class Line(Document):
    """The keys and methods that all kinds of cost line share."""

    id: Identifier
    """The id by which ledgers, tables and tie-outs refer to the line."""
    name: Name
    """The name for readers."""
    public_on: Day | None = None
    """The day the line was announced. A run as of an earlier day leaves the line out. A line without this day
    is always left out."""
    effort: Effort | None = None
    """What the claimant must do; left out if it was not published."""
    effort_changes: tuple[EffortChange, ...] = ()
    """Later changes of the effort, each from its day on."""
    deadlines: tuple[Deadline, ...] = ()
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
        return ()

    @property
    def count_fact(self) -> str | None:
        """The id of the fact that counts the reports or people whom the line may pay."""
        return None

    @property
    def limit_fact(self) -> str | None:
        """The id of the fact that limits the number of recipients."""
        return None

    @property
    def main_valuation(self) -> str:
        """The kind of cost that the line has, such as `cash`; the main one if it has several."""
        return "cash"

    @property
    def bands_as_written(self) -> dict[tuple[int, int | None], Band]:
        """The bands of positive losses by their edges in the document; none if losses do not matter."""
        return {}

    @property
    def payment_range(self) -> tuple[Fraction | None, Fraction | None]:
        """The smallest and the largest payment per recipient, in the smallest unit of the currency.

        None if the line states no amount per recipient, or no limit.
        """
        return None, None

    def stated_amounts(self, day: date) -> StatedAmounts:  # noqa: ARG002 - budgets use the day
        """The amounts that the line states, by name, as known on a day.

        An amount is in the smallest unit of the currency, or the id of the fact that states it.
        """
        return {}

    def recomputed_amount(self, kind: str, people: int | None) -> Fraction | str | None:  # noqa: ARG002
        """The cost that a tie-out of some kind compares with a published amount.

        Args:
            kind: the kind of the tie-out.
            people: the number of recipients, if the tie-out states it.

        Returns:
            The cost in the smallest unit of the currency, or the id of the fact that states it; None if the
            line has no such cost.
        """
        return None

    def true_ups_by(self, day: date) -> list[TrueUp]:  # noqa: ARG002 - budgets use the day
        """The final amounts (true-ups) that were known on or before a day, the latest first."""
        return []

    def with_true_ups(self, true_ups: Iterable[TrueUp]) -> Self:  # noqa: ARG002 - budgets have true-ups
        """The line with other true-ups; the line itself if its kind has none."""
        return self

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
        effort = self.effort
        for change in sorted(self.effort_changes, key=lambda c: c.since):
            if change.since <= day:
                effort = change.effort
        return effort

    def closes_on(self, day: date) -> date | None:
        """The last day to claim that was announced on or before `day`; None if none was announced by then."""
        known = [d for d in self.deadlines if d.announced_on <= day]
        return max(known, key=lambda d: d.announced_on).closes if known else None

    @model_validator(mode="after")
    def _days_agree(self) -> Self:
        late = next((d for d in self.deadlines if d.closes < d.announced_on), None)
        if late is not None:
            raise ValueError(f"has a deadline of {late.closes}, before it was announced")
        for days in ([d.announced_on for d in self.deadlines], [c.since for c in self.effort_changes]):
            if len(set(days)) < len(days):
                raise ValueError("says two things from the same day on | Keep one of them.")
        return self

    @model_validator(mode="after")
    def _deadlines_move_later(self) -> Self:
        ordered = sorted(self.deadlines, key=lambda d: d.announced_on)
        if any(a.closes >= b.closes for a, b in pairwise(ordered)):
            raise ValueError("has an extension that closes no later than the deadline before it")
        return self


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
    rounding: Rounding | None = None
    """How each payment is rounded; by default only the total is rounded, half up."""
    published_count: FactId | None = None
    """The id of the fact that counts the reports that this line may pay."""

    @cached_property
    def tariff(self) -> Tariff:
        """The tariff (payment rules by loss band) for claims of no segment (group with its own rules)."""
        return self._tariff(self.bands)

    @cached_property
    def tariffs(self) -> tuple[tuple[EntitledValues, Tariff], ...]:
        """All tariffs (payment rules by loss band), each with the condition that a claim must meet.

        The first tariff whose condition a claim meets applies to the claim. Every claim meets the condition
        of the last tariff.
        """
        return (*((s.when, self._tariff(s.bands)) for s in self.segments), ({}, self.tariff))

    def _tariff(self, bands: tuple[RuleBand, ...]) -> Tariff:
        shift = 0 if self.closed == "upper" else 1
        return Tariff(bands, self.zero, self.unknown, shift, self.rounding)

    def rules(self) -> list[tuple[Band, Rule]]:
        """Pairs of loss band and payment rule, for claims of no segment (group with its own rules).

        The order is: negative, zero and unknown losses, then bands of positive losses in increasing order.
        """
        return self.tariff.rules()

    @property
    def positive_bands(self) -> list[tuple[Band, Rule]]:
        """Pairs of positive loss band and payment rule, in increasing order, for claims of no segment."""
        return self.rules()[3:]

    @property
    def bands_as_written(self) -> dict[tuple[int, int | None], Band]:
        """The bands of positive losses for claims in no segment, by their edges as written."""
        return {(rule.over, rule.up_to): band for band, rule in self.tariff.bands_with_rules}

    @property
    def count_fact(self) -> str | None:
        """The id of the fact that counts the reports that this line may pay."""
        return self.published_count

    @property
    def payment_range(self) -> tuple[Fraction | None, Fraction | None]:
        """The smallest and the largest payment per claim over all segments; None if there is no limit."""
        ends = [tariff.payment_range((0, None)) for _, tariff in self.tariffs]
        most = [high for _, high in ends if high is not None]
        return min(low for low, _ in ends), max(most) if len(most) == len(ends) else None

    @property
    def numeric_facts(self) -> tuple[str, ...]:
        """The id of the published fact that states the number of reports, if there is one."""
        return (self.published_count,) if self.published_count else ()

    @property
    def cuts(self) -> tuple[int, ...]:
        """The largest loss of each band, in increasing order: 299,999 for [0, 300000)."""
        return _distinct_cuts(self.tariffs, lambda t: [band[1] for band, _ in t.rules()[3:]])

    @property
    def starts(self) -> frozenset[int]:
        """If bands are written without their upper edge, the largest loss of each band; otherwise empty."""
        edges = {band.over for _, tariff in self.tariffs for band in tariff.bands if band.over}
        return frozenset(upper_cuts(tuple(edges), "lower")) if self.closed == "lower" else frozenset()

    @property
    def breakpoints(self) -> tuple[int, ...]:
        """The ends of bands and the losses after which the payment formula changes, in increasing order."""
        return tuple(sorted({*self.cuts, *_distinct_cuts(self.tariffs, lambda t: t.cuts)}))

    @model_validator(mode="after")
    def _bands_cover(self) -> Self:
        for bands in (self.bands, *(s.bands for s in self.segments)):
            try:
                check_partition([(b.over, b.up_to) for b in bands])
            except UsageError as error:
                raise ValueError(f"{error.problem} | {error.remedy}") from error
        if self.unknown and self.unknown.depends_on_loss:
            raise ValueError("pays a share of an unknown loss | Give `unknown` a fixed payment or a review.")
        return self

    @model_validator(mode="after")
    def _settings_are_compatible(self) -> Self:
        if self.segments and self.grain == "claimant":
            raise ValueError("pays by claimant and by segment | Write one line a segment.")
        if self.segments and self.published_count:
            raise ValueError("has segments and one published count | Write one line a segment.")
        rules = [self.zero, self.unknown or Rule(), *(b for _, t in self.tariffs for b in t.bands)]
        step = self.rounding.to if self.rounding else 1
        if any(rule.floor % step or (rule.limit or 0) % step for rule in rules):
            raise ValueError(f"has a floor or a limit that is no multiple of its rounding, {step:,}")
        steps = 0
        for _, tariff in self.tariffs:  # the tariffs' jumps are limited in total, too
            steps += len(tariff.cuts)
            check_step_count(steps)
        return self


def _distinct_cuts(
    tariffs: tuple[tuple[EntitledValues, Tariff], ...],
    edges: Callable[[Tariff], tuple[int, ...] | list[int | None]],
) -> tuple[int, ...]:
    return tuple(sorted({cut for _, tariff in tariffs for cut in edges(tariff) if cut}))
