"""A published intake: how many claims had been filed when, and the deadlines that were known."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, model_validator

from outage_analysis.files import (
    Day,
    Document,
    Identifier,
    Name,
    OptionalText,
    Text,
    Unit,
    find_duplicate,
    read_document,
)
from outage_analysis.incidents.incident import Moment
from outage_analysis.incidents.published_facts import Fact, get_fact

When = Annotated[Moment, Unit("date and time")]


class Point(Document):
    """One cumulative count: a fact, or a count of one's own."""

    at: When
    """When it was taken, with its UTC offset; the end of a day is 00:00 of the next."""
    fact: str = ""
    """The fact that counts the claims filed by then."""
    count: Annotated[int, Field(ge=0), Unit("claims")] | None = None
    """The claims filed by then, where no fact holds them; known on that day."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.fact) == (self.count is not None):
            raise ValueError("needs either a fact or a count")
        return self

    @property
    def public_on(self) -> date | None:
        """When the fact was published; None for an undated one, and for a count of one's own."""
        return get_fact(self.fact).public_on if self.fact else None

    @property
    def filed(self) -> int:
        """The claims filed by then."""
        return get_fact(self.fact).count if self.count is None else self.count


class IntakeDeadline(Document):
    """A closing time that was announced; a later one replaces it."""

    closes: When
    """The moment after which nothing can be filed."""
    public_on: Day | None = None
    """When it was announced; without a day it is never known."""
    facts: tuple[str, ...] = ()
    """The facts that it rests on."""
    rationale: OptionalText = None
    """Why it is held to be so, where no fact says it outright."""


class ClosingBranch(Document):
    """What may happen instead of the deadline: a branch, which no probability is given to."""

    id: Identifier
    """What tables call it."""
    name: Name
    """What readers call it."""
    closes: When
    """The moment after which nothing can be filed."""
    spike: Annotated[float, Field(ge=0, allow_inf_nan=False), Unit("times")] | None = None
    """Further claims on the last day, as a multiple of what the curve expects of that day: 0 for no rush.
    If it is not stated, there is no forecast of the last day."""
    rationale: Text
    """Why it is worth asking."""
    outcome_known: bool
    """Whether its author already knew how the intake ended."""


class FinalCount(Document):
    """How the intake ended; read in hindsight only."""

    at: When
    """When the intake ended."""
    fact: str
    """The fact that gives the final count."""


class IntakeSeries(Document):
    """One channel on which claims came in; everything about it is in its TOML page."""

    id: Identifier
    """What commands call it by."""
    name: Name
    """What readers call it."""
    incident: Identifier
    """The incident that the claims are about."""
    time_zone: str = ""
    """IANA name of the zone whose days it counts by; by default the offset of `opened`."""
    opened: When
    """When the first claim could be filed."""
    as_of: Day
    """The day whose knowledge is used unless another is asked for."""
    facts: tuple[str, ...] = ()
    """Facts about the channel itself."""
    points: tuple[Point, ...] = Field(alias="point", min_length=1)
    """The cumulative counts, in order of time."""
    deadlines: tuple[IntakeDeadline, ...] = Field(alias="deadline", default=())
    """The closing times that were announced."""
    branches: tuple[ClosingBranch, ...] = Field(alias="branch", default=())
    """What else may be asked for by default."""
    outcome: FinalCount | None = None
    """How it ended."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.time_zone and self.time_zone not in available_timezones():
            raise ValueError("has a time_zone that is no IANA name | Write it as Asia/Seoul.")
        moments = [self.opened, *(p.at for p in self.points)]
        for number, (before, after) in enumerate(pairwise(moments), start=1):
            if after <= before:
                raise ValueError(f"has a point {number} that is not after the one before, or the opening")
        closing = [*(d.closes for d in self.deadlines), *(b.closes for b in self.branches)]
        if closing and min(closing) <= self.opened:
            raise ValueError(f"closes at {min(closing)}, before it opens")
        if (id_ := find_duplicate([branch.id for branch in self.branches])) is not None:
            raise ValueError(f"has two branches {id_}")
        return self

    def known_by(self, day: date) -> IntakeSeries | None:
        """The page as a reader of that day could have written it; None if no count was public yet.

        A point counts once its fact was public, and never before its own time; a deadline from the
        day it was announced. Nothing undated is known, and no outcome.
        """
        end = self.end_of(day)
        points = tuple(
            p
            for p in self.points
            if p.at <= end and (p.count is not None or (p.public_on or date.max) <= day)
        )
        deadlines = tuple(d for d in self.deadlines if d.public_on and d.public_on <= day)
        if not points:
            return None
        return self.model_copy(update={"points": points, "deadlines": deadlines, "outcome": None})

    @property
    def deadline(self) -> IntakeDeadline | None:
        """The one announced last, or the latest of those announced on one day."""
        dated = [d for d in self.deadlines if d.public_on]
        return max(dated, key=lambda d: (d.public_on or date.min, d.closes), default=None)

    @property
    def final(self) -> Fact | None:
        """The final count, in hindsight."""
        return get_fact(self.outcome.fact, hindsight=True) if self.outcome else None

    @property
    def zone(self) -> tzinfo:
        """The zone whose days it counts by."""
        return ZoneInfo(self.time_zone) if self.time_zone else self.opened.tzinfo or UTC

    def end_of(self, day: date) -> datetime:
        """The moment at which a calendar day of the channel ends."""
        return datetime.combine(day + timedelta(days=1), time(), self.zone)


def load_intake(id_or_path: str | Path) -> IntakeSeries:
    """Read an intake from its bundled id or from a path to TOML.

    Raises:
        UsageError: no such page, or one that breaks a rule, by key.
    """
    return read_document(IntakeSeries, "intakes", id_or_path)
