"""The compensation policy: a list of cost lines, each a promise with the day it became public."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from outage_analysis.bands import (
    LARGEST_LOSS,
    NEGATIVE,
    UNKNOWN,
    ZERO,
    Band,
    Closed,
    check_partition,
)
from outage_analysis.datasets import Day, Identifier, Name, Noun, read_noun
from outage_analysis.errors import UsageError

Effort = Literal["automatic", "one_tap", "form", "documents"]
SHARE_SCALE = 10_000
"""Shares are decimals of at most four places; payments are exact in ten-thousandths of a unit."""


def _share(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(  # noqa: TRY004 - pydantic turns no other error into a message
            "is not a number | Write a share as 0.25, of at most four places."
        )
    if not 0 <= value <= 1 or Decimal(repr(value)) * SHARE_SCALE % 1:
        raise ValueError("is not between 0 and 1 with at most four places")
    return int(Decimal(repr(value)) * SHARE_SCALE)


Money = Annotated[int, Field(ge=0, le=10**12)]
Share = Annotated[int, BeforeValidator(_share)]
"""A share of the loss, held in ten-thousandths."""


class Rule(Noun):
    """What one claim is paid: `fixed + share x loss`, or an individual review."""

    fixed: Money = 0
    share: Share = 0
    review: bool = False
    """Paid by individual review, under no fixed rule."""
    facts: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.review and (self.fixed or self.share):
            raise ValueError("a reviewed band has no fixed payment and no share")
        return self


class RuleBand(Rule):
    """A rule for the losses between two edges; `up_to` is left out of the last band."""

    over: Annotated[int, Field(ge=0, le=LARGEST_LOSS)]
    up_to: Annotated[int, Field(gt=0, le=LARGEST_LOSS)] | None = None


class EffortChange(Noun):
    """From this day on, the line asks another effort of the claimant."""

    since: Day
    effort: Effort
    facts: tuple[str, ...] = ()


class Line(Noun):
    """What every cost line has."""

    id: Identifier
    name: Name
    public_on: Day
    effort: Effort
    effort_changes: tuple[EffortChange, ...] = ()
    eligibility: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Dimension -> the values that are entitled; a dimension left out admits all."""
    facts: tuple[str, ...] = ()
    note: str = ""

    def effort_on(self, day: date) -> Effort:
        """The effort class in force, as known on a day."""
        effort: Effort = self.effort
        for change in sorted(self.effort_changes, key=lambda c: c.since):
            if change.since <= day:
                effort = change.effort
        return effort


class Schedule(Line):
    """A payment by loss band."""

    kind: Literal["schedule"]
    closed: Closed = "upper"
    """The closed side of every band: `upper` reads (0, 300000], `lower` reads [0, 300000)."""
    bands: tuple[RuleBand, ...] = Field(alias="band", min_length=1)
    zero: Rule = Rule()
    unknown: Rule = Rule()
    published_count: str | None = None
    """The fact that counts the reports this line may pay."""

    @property
    def shift(self) -> int:
        """What turns a written edge into an inclusive upper cut."""
        return 0 if self.closed == "upper" else 1

    def rules(self) -> list[tuple[Band, Rule]]:
        """Every band with its rule: zero and unknown first, then the bands in order."""
        positive: list[tuple[Band, Rule]] = []
        for b in self.bands:
            low = max(b.over - self.shift, 0)
            positive.append(((low, None if b.up_to is None else b.up_to - self.shift), b))
        return [(NEGATIVE, Rule()), (ZERO, self.zero), (UNKNOWN, self.unknown), *positive]

    @property
    def positive(self) -> list[tuple[Band, Rule]]:
        """The bands of stated, positive losses with their rules, in order."""
        return self.rules()[3:]

    @property
    def cuts(self) -> tuple[int, ...]:
        """The inclusive upper cuts on which the payment bends."""
        return tuple(b.up_to - self.shift for b in self.bands if b.up_to is not None)

    @property
    def largest_fixed(self) -> int:
        """The largest flat payment of any band that has one."""
        return max((rule.fixed for _, rule in self.rules()), default=0)

    @model_validator(mode="after")
    def _bands_cover(self) -> Self:
        try:
            check_partition([(b.over, b.up_to) for b in self.bands])
        except UsageError as error:
            raise ValueError(f"{error.problem} | {error.remedy}") from error
        if self.unknown.share:
            raise ValueError("pays a share of an unknown loss | Give `unknown` a fixed payment or a review.")
        return self


class InKind(Line):
    """A free good to everyone entitled; its face value is not cash."""

    kind: Literal["in_kind"]
    unit_value: Annotated[int, Field(gt=0)]
    """List price of what one recipient gets."""
    recipients: str | None = None
    """The fact that counts the people entitled, or the cap."""


class FeeCredit(Line):
    """Some days of a periodic fee, handed back."""

    kind: Literal["fee_credit"]
    fee: Annotated[int, Field(gt=0)]
    days: Annotated[int, Field(gt=0)]
    period_days: Annotated[int, Field(gt=0)]
    amount: Annotated[int, Field(gt=0)] | None = None
    """What was announced, when it differs from the arithmetic."""
    recipients: str | None = None
    """The fact that counts the subscribers; None when none was published."""
    recipients_high: str | None = None
    """A fact that bounds them from above."""

    @property
    def computed(self) -> Fraction:
        """The credit by the arithmetic of the fee, unrounded."""
        return Fraction(self.fee * self.days, self.period_days)

    @property
    def payment(self) -> int:
        """What one subscriber gets: the announced amount, else the arithmetic rounded half up."""
        return self.amount if self.amount is not None else int(self.computed + Fraction(1, 2))


CostLine = Annotated[Schedule | InKind | FeeCredit, Field(discriminator="kind")]


class Policy(Noun):
    """A compensation policy: the payer's promises, not an insurance contract."""

    id: Identifier
    name: Name
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    loss_unit: str
    """The unit of the band edges; it must be the incident's loss unit."""
    sources: tuple[str, ...] = ()
    lines: tuple[CostLine, ...] = Field(alias="line", min_length=1)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        seen: set[str] = set()
        for line in self.lines:
            if line.id in seen:
                raise ValueError(f"two lines have the id {line.id}")
            seen.add(line.id)
        return self

    def public_by(self, day: date) -> tuple[tuple[CostLine, ...], tuple[CostLine, ...]]:
        """The lines that were public by a day, and those that were not."""
        known = tuple(line for line in self.lines if line.public_on <= day)
        return known, tuple(line for line in self.lines if line.public_on > day)

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """The lines that pay by loss band."""
        return tuple(line for line in self.lines if isinstance(line, Schedule))

    @property
    def cuts(self) -> tuple[int, ...]:
        """Every cut on which a payment bends, in order."""
        return tuple(sorted({cut for line in self.schedules for cut in line.cuts}))

    def line(self, id_: str) -> CostLine:
        """One line by id.

        Raises:
            UsageError: no such line.
        """
        for line in self.lines:
            if line.id == id_:
                return line
        raise UsageError(
            "no such cost line", value=id_, remedy="Lines: " + ", ".join(x.id for x in self.lines)
        )


def load_policy(id_or_path: str | Path) -> Policy:
    """Read a policy from its bundled id or from a path to TOML.

    Raises:
        UsageError: no such policy; a gap, an overlap, an unknown key or an edge of the wrong type.
    """
    return read_noun(Policy, "policies", id_or_path)
