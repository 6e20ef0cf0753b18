"""The keys of all kinds of cost line: announcement day, effort, deadlines, eligibility, accounting."""

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
    """A change, from a given day on, of what claimants must do to be paid."""

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
        """The effort class on a given day: what claimants must do to be paid."""
        effort = self.effort
        for change in sorted(self.effort_changes, key=lambda c: c.since):
            if change.since <= day:
                effort = change.effort
        return effort

    def closes_on(self, day: date) -> date | None:
        """The last day to claim, as announced by a given day; None if no deadline had been announced."""
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
