"""What every cost line has: a day, an effort, a deadline, who is entitled, an accounting view."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from outage_analysis.files import Day, Document, Identifier, Name, OptionalText

Effort = Literal["automatic", "one_tap", "form", "documents"]
FactId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
EntitledValues = dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]


class EffortChange(Document):
    """From this day on, the line asks another effort of the claimant."""

    since: Day
    """The first day of the new effort."""
    effort: Effort
    """What the claimant must do from then on."""
    facts: tuple[FactId, ...] = ()
    """Ids of the published facts that say so."""


class Deadline(Document):
    """A last day to claim, from the day on which it was announced; a later one is an extension."""

    announced_on: Day
    """The day the deadline was announced; a run before it does not know of it."""
    closes: Day
    """The last day to claim."""
    facts: tuple[FactId, ...] = ()
    """Ids of the published facts that say so."""


class Accounting(Document):
    """A proposal for the controller, not an accounting opinion."""

    obligation: Literal["legal", "constructive", "none"]
    """Whether the payer is bound by law or contract, by its own announcement, or not at all."""
    presentation: Literal["expense", "revenue"]
    """Whether it would be shown as an expense or as less revenue."""
    note: OptionalText = None
    """The reason, briefly."""


class Line(Document):
    """What every cost line has."""

    id: Identifier
    """What ledgers, tables and tie-outs call it by."""
    name: Name
    """What readers call it."""
    public_on: Day | None = None
    """The day it was announced. A run leaves out a line before that day, and always one without it."""
    effort: Effort | None = None
    """What the claimant must do; left out when it was not published."""
    effort_changes: tuple[EffortChange, ...] = ()
    """Later demands, each from its day on."""
    deadlines: tuple[Deadline, ...] = ()
    """The last day to claim, then its extensions."""
    eligibility: EntitledValues = Field(default_factory=dict)
    """Dimension -> the values that are entitled; a dimension left out admits all."""
    accounting: Accounting | None = None
    """How a controller might book it."""
    facts: tuple[FactId, ...] = ()
    """Ids of the published facts that say so."""
    note: OptionalText = None
    """What a reader should know besides."""

    @property
    def numeric_facts(self) -> tuple[str, ...]:
        """The facts whose numbers enter a cost, not only cited."""
        return ()

    def known_on(self, day: date) -> bool:
        """Whether it was public by a day."""
        return self.public_on is not None and self.public_on <= day

    def as_known_on(self, day: date) -> Self:
        """The line as known on a day, without demands and deadlines that were announced later."""
        changes = tuple(change for change in self.effort_changes if change.since <= day)
        deadlines = tuple(deadline for deadline in self.deadlines if deadline.announced_on <= day)
        if (changes, deadlines) == (self.effort_changes, self.deadlines):
            return self
        return self.model_copy(update={"effort_changes": changes, "deadlines": deadlines})

    def effort_on(self, day: date) -> Effort | None:
        """The effort class in force, as known on a day."""
        effort = self.effort
        for change in sorted(self.effort_changes, key=lambda c: c.since):
            if change.since <= day:
                effort = change.effort
        return effort

    def closes_on(self, day: date) -> date | None:
        """The last day to claim, as known on a day."""
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
