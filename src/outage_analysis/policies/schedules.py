"""A payment by loss band, for everyone alike or by segment, a claim or a claimant at a time."""

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
    """Claimants who are paid by bands of their own."""

    id: Identifier
    """What findings and golden results call it by."""
    when: Annotated[EntitledValues, Field(min_length=1)]
    """Dimension -> values."""
    bands: Bands
    """The bands of its claims."""


class Schedule(Line):
    """A payment by loss band."""

    kind: Literal["schedule"]
    """A payment by loss band."""
    closed: Closed = "upper"
    """The closed side of every band: `upper` reads (0, 300000], `lower` reads [0, 300000)."""
    grain: Literal["claim", "claimant"] = "claim"
    """`claimant` adds up the entitled losses that one claimant states, and pays once for them."""
    bands: Bands
    """The bands from a loss of 0 upwards, without a gap; the last has no `up_to`."""
    segments: Annotated[tuple[Segment, ...], Field(alias="segment", max_length=50)] = ()
    """The first segment that fits a claim is used instead of `band`."""
    zero: Rule = Rule()
    """What a loss of zero is paid."""
    unknown: Rule | None = None
    """What a claim without a stated loss is paid. Without this rule, such claims count as paid nothing in the
    expected cost and as paid the most of the schedule in its upper bound; if more than half of the entitled
    claims state no loss, the line has no expected cost."""
    rounding: Rounding | None = None
    """How each payment is rounded; by default it is not, and a total is rounded half up, once."""
    published_count: FactId | None = None
    """The fact that counts the reports this line may pay."""

    @cached_property
    def tariff(self) -> Tariff:
        """The tariff of those in no segment."""
        return self._tariff(self.bands)

    @cached_property
    def tariffs(self) -> tuple[tuple[EntitledValues, Tariff], ...]:
        """Every tariff with whom it is for; the first that fits is used, and the last fits all."""
        return (*((s.when, self._tariff(s.bands)) for s in self.segments), ({}, self.tariff))

    def _tariff(self, bands: tuple[RuleBand, ...]) -> Tariff:
        shift = 0 if self.closed == "upper" else 1
        return Tariff(bands, self.zero, self.unknown, shift, self.rounding)

    def rules(self) -> list[tuple[Band, Rule]]:
        """Every band of those in no segment with its rule: the special ones first, then in order."""
        return self.tariff.rules()

    @property
    def positive_bands(self) -> list[tuple[Band, Rule]]:
        """The bands of stated, positive losses with their rules, in order."""
        return self.rules()[3:]

    @property
    def numeric_facts(self) -> tuple[str, ...]:
        """The fact that counts the reports."""
        return (self.published_count,) if self.published_count else ()

    @property
    def cuts(self) -> tuple[int, ...]:
        """The written edges, as inclusive upper cuts."""
        return _cuts(self.tariffs, lambda t: [band[1] for band, _ in t.rules()[3:]])

    @property
    def starts(self) -> frozenset[int]:
        """The cuts whose edge belongs to the band above; none when `closed` is upper."""
        edges = {band.over for _, tariff in self.tariffs for band in tariff.bands if band.over}
        return frozenset(upper_cuts(tuple(edges), "lower")) if self.closed == "lower" else frozenset()

    @property
    def breakpoints(self) -> tuple[int, ...]:
        """The inclusive upper cuts on which the payment bends or jumps, written edges included."""
        return tuple(sorted({*self.cuts, *_cuts(self.tariffs, lambda t: t.cuts)}))

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
    def _fits_together(self) -> Self:
        if self.segments and self.grain == "claimant":
            raise ValueError("pays by claimant and by segment | Write one line a segment.")
        if self.segments and self.published_count:
            raise ValueError("has segments and one published count | Write one line a segment.")
        rules = [self.zero, self.unknown or Rule(), *(b for _, t in self.tariffs for b in t.bands)]
        step = self.rounding.to if self.rounding else 1
        if any(rule.floor % step or (rule.limit or 0) % step for rule in rules):
            raise ValueError(f"has a floor or a limit that is no multiple of its rounding, {step:,}")
        steps = 0
        for _, tariff in self.tariffs:  # compiling one refuses too many steps; so may all of them
            steps += len(tariff.cuts)
            check_step_count(steps)
        return self


def _cuts(
    tariffs: tuple[tuple[EntitledValues, Tariff], ...],
    edges: Callable[[Tariff], tuple[int, ...] | list[int | None]],
) -> tuple[int, ...]:
    return tuple(sorted({cut for _, tariff in tariffs for cut in edges(tariff) if cut}))
