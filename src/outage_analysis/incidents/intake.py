"""A published intake: how many claims had been filed by certain times, and the announced deadlines."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from outage_analysis.files import (
    Day,
    Document,
    Identifier,
    NamedDocument,
    OptionalText,
    Text,
    Unit,
    read_document,
    refuse_if,
    refuse_repeated,
)
from outage_analysis.incidents.incident import Moment, time_zones
from outage_analysis.incidents.published_facts import Fact, get_fact

When = Annotated[Moment, Unit("date and time")]


class Point(Document):
    """The number of claims filed up to a time, from a published fact or stated in the document."""

    at: When
    """The time of the count, with its UTC offset; the end of a day is 00:00 of the next day."""
    fact: str = ""
    """The id of the fact that counts the claims filed by this time."""
    count: Annotated[int, Field(ge=0), Unit("claims")] | None = None
    """The number of claims filed by this time, if no fact states it; it counts as known on that day."""

    def _check(self) -> None:
        refuse_if(bool(self.fact) == (self.count is not None), "needs either a fact or a count")

    @property
    def public_on(self) -> date | None:
        """The day on which the fact was published; None if the fact is undated or the count has no fact."""
        return get_fact(self.fact).public_on if self.fact else None

    @property
    def filed(self) -> int:
        """The number of claims filed up to the time `at`."""
        return get_fact(self.fact).count if self.count is None else self.count


class IntakeDeadline(Document):
    """An announced time at which the intake closes. A later announcement replaces it."""

    closes: When
    """The time after which no claim can be filed."""
    public_on: Day | None = None
    """The day on which the deadline was announced. A deadline without this day is ignored."""
    facts: tuple[str, ...] = ()
    """Ids of the facts that support this."""
    rationale: OptionalText = None
    """Why the deadline is assumed, if no fact states it directly."""


class ClosingBranch(NamedDocument):
    """An alternative closing time for a what-if forecast. It has no probability."""

    closes: When
    """The time after which no claim can be filed."""
    spike: Annotated[float, Field(ge=0, allow_inf_nan=False), Unit("times")] | None = None
    """Additional claims on the last day, as a multiple of the claims that the growth curve forecasts for that
    day; 0 means no rush. Without this key, the last day is not forecast."""
    rationale: Text
    """Why the alternative is considered."""
    outcome_known: bool
    """Whether the author already knew how the intake ended."""


class FinalCount(Document):
    """The final number of claims of an intake; used only in hindsight."""

    at: When
    """When the intake ended."""
    fact: str
    """The id of the fact with the final count."""


class IntakeSeries(NamedDocument):
    """The intake of claims through one channel, as described in a TOML document."""

    incident: Identifier
    """The id of the incident."""
    time_zone: str = ""
    """IANA name of the time zone that determines the calendar day; by default the UTC offset of `opened`."""
    opened: When
    """When claims could first be filed."""
    as_of: Day
    """The day as of which a forecast is made by default; it uses only what was public by then."""
    facts: tuple[str, ...] = ()
    """Ids of facts about the channel."""
    points: tuple[Point, ...] = Field(alias="point", min_length=1)
    """The cumulative counts, in order of time."""
    deadlines: tuple[IntakeDeadline, ...] = Field(alias="deadline", default=())
    """The announced closing times."""
    branches: tuple[ClosingBranch, ...] = Field(alias="branch", default=())
    """Alternative closing times that are included in a forecast by default."""
    outcome: FinalCount | None = None
    """The final number of claims."""

    def _check(self) -> None:
        refuse_if(
            self.time_zone and self.time_zone not in time_zones(),
            "has a time_zone that is no IANA name | Write it as Asia/Seoul.",
        )
        moments = [self.opened, *(p.at for p in self.points)]
        for number, (before, after) in enumerate(pairwise(moments), start=1):
            refuse_if(
                after <= before, f"has a point {number} that is not after the one before, or the opening"
            )
        closing_times = [*(d.closes for d in self.deadlines), *(b.closes for b in self.branches)]
        first = min(closing_times, default=None)
        refuse_if(first is not None and first <= self.opened, f"closes at {first}, before it opens")
        refuse_repeated([branch.id for branch in self.branches], "has two branches {}")

    def known_by(self, day: date) -> IntakeSeries | None:
        """Return what was publicly known about the intake on a day; None if no count was public yet.

        A count is included from the day on which its fact became public, but not before the time of the
        count. A deadline is included from the day on which it was announced. The final count and undated
        facts and deadlines are left out.
        """
        end = self.end_of(day)
        past = (point for point in self.points if point.at <= end)
        points = tuple(p for p in past if p.count is not None or (p.public_on or date.max) <= day)
        deadlines = tuple(d for d in self.deadlines if d.public_on and d.public_on <= day)
        if not points:
            return None
        return self.model_copy(update={"points": points, "deadlines": deadlines, "outcome": None})

    @property
    def deadline(self) -> IntakeDeadline | None:
        """The deadline announced last. If several were announced on that day, the one that closes last."""
        announced = [d for d in self.deadlines if d.public_on]
        return max(announced, key=lambda d: (d.public_on or date.min, d.closes), default=None)

    @property
    def final(self) -> Fact | None:
        """The fact with the final number of claims; None if the document has no outcome."""
        return get_fact(self.outcome.fact, hindsight=True) if self.outcome else None

    @property
    def zone(self) -> tzinfo:
        """The time zone that determines the calendar day of a count."""
        return ZoneInfo(self.time_zone) if self.time_zone else self.opened.tzinfo or UTC

    def end_of(self, day: date) -> datetime:
        """Return the time at which a calendar day ends in the time zone of the channel."""
        return datetime.combine(day + timedelta(days=1), time(), self.zone)


def load_intake(id_or_path: str | Path) -> IntakeSeries:
    """Read an intake, given its bundled id or the path of a TOML file.

    Raises:
        UsageError: there is no such document, or one of its keys is invalid.
    """
    return read_document(IntakeSeries, "intakes", id_or_path)
