"""Schedules: payments by loss band, for all claimants or by segment, per claim or per claimant."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from outage_analysis.errors import UsageError
from outage_analysis.files import Document, Identifier
from outage_analysis.incidents import Band, Closed, check_partition, upper_cuts
from outage_analysis.policies.cost_lines import EntitledValues, FactId, Line
from outage_analysis.policies.rules import Rounding, Rule, RuleBand
from outage_analysis.policies.tariff import MAX_STEPS, Tariff, check_step_count

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
        """The tariff (payment rules by loss band) for claims that match no segment."""
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
        """The loss bands and their rules for claims in no segment, as pairs.

        The order is: negative, zero and unknown losses, then bands of positive losses in increasing order.
        """
        return self.tariff.rules()

    @property
    def positive_bands(self) -> list[tuple[Band, Rule]]:
        """The bands of positive losses with their rules, in increasing order, for claims in no segment."""
        return self.rules()[3:]

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
        """The largest losses of bands if bands exclude their written upper edge; otherwise empty."""
        edges = {band.over for _, tariff in self.tariffs for band in tariff.bands if band.over}
        return frozenset(upper_cuts(tuple(edges), "lower")) if self.closed == "lower" else frozenset()

    @property
    def breakpoints(self) -> tuple[int, ...]:
        """The losses after which the payment formula changes, including the ends of bands."""
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
        for _, tariff in self.tariffs:  # the limit on jumps applies to all tariffs together, too
            steps += len(tariff.cuts)
            check_step_count(steps)
        return self


def _distinct_cuts(
    tariffs: tuple[tuple[EntitledValues, Tariff], ...],
    edges: Callable[[Tariff], tuple[int, ...] | list[int | None]],
) -> tuple[int, ...]:
    return tuple(sorted({cut for _, tariff in tariffs for cut in edges(tariff) if cut}))
