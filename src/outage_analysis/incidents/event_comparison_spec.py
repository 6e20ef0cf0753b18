"""The definition of a comparison of events: published outcomes, each to be forecast from other events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from outage_analysis.files import (
    Day,
    Document,
    Identifier,
    Name,
    Text,
    bundled_ids,
    document_kind,
    find_duplicate,
    read_document,
)

OutcomeBound = Literal["at_least", "at_most"]
OTHER_EVENTS = "other_events"
"""The value of the key `kind` of a comparison of events."""


class Event(Document):
    """An outage, a scheme or a study with published figures."""

    id: Identifier
    """The id in tables."""
    name: Name
    """The name for readers."""
    prefixes: tuple[str, ...] = Field(min_length=1)
    """How the ids of its published facts begin."""
    as_of: Day | None = None
    """The day of a forecast that uses earlier events only; by default the day before the outcome was
    published."""
    limits: tuple[Identifier, ...] = ()
    """Ids of the limits of every comparison with this event."""


class Limit(Document):
    """A sentence that states what a comparison cannot show."""

    id: Identifier
    """The id to which comparisons refer."""
    text: Text
    """The sentence."""


class ClassGroup(Document):
    """Published rates of the same step and effort; each is forecast from the rates of other events."""

    id: Identifier
    """The id to which rates refer."""
    name: Name
    """The name for readers."""
    classes: tuple[str, ...] = Field(min_length=2)
    """Ids of facts that are percentages, each once."""
    at_least: tuple[str, ...] = ()
    """Classes whose published percentage is a lower bound of the rate."""
    limits: tuple[Identifier, ...] = Field(min_length=1)
    """Ids of the limits of these comparisons."""

    @model_validator(mode="after")
    def _classes_once(self) -> Self:
        if (name := find_duplicate(self.classes)) is not None:
            raise ValueError(f"names {name} twice")
        if unknown := [name for name in self.at_least if name not in self.classes]:
            raise ValueError(f"at_least names {unknown[0]}, which is no class of the group")
        return self


class EventOutcome(Document):
    """A published outcome of one event."""

    id: Identifier
    """The id in tables."""
    name: Name
    """The name for readers."""
    event: Identifier
    """The id of the event."""
    scored: bool = True
    """Whether the outcome counts among the hits and misses."""
    limits: tuple[Identifier, ...] = Field(min_length=1)
    """Ids of the limits of the comparison."""


class RateOutcome(EventOutcome):
    """A rate from two published counts, which is forecast from the classes of a group."""

    group: Identifier
    """The id of the group."""
    count: str
    """The id of the fact that counts those who filed, were accepted or took the offer."""
    denominator: str
    """The id of the fact that counts those who could."""
    bound: OutcomeBound | None = None
    """Whether the published rate is only a bound of the rate that is forecast."""


class RatioOutcome(EventOutcome):
    """A realised amount divided by an earlier estimate, which is forecast by a realised ratio of a ledger."""

    realised: str
    """The id of the fact with the realised amount."""
    estimate: str
    """The id of the fact with the estimate; the middle of a range counts."""
    part: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The part of the estimate that the realised amount covers: 0.5 for half a year of an annual estimate."""
    ledger: str
    """The ledger that states the realised ratio, by its id or by a path to TOML."""
    assumption: Identifier
    """The id of the realised ratio in the ledger."""


class PaymentOutcome(EventOutcome):
    """A mean payment, which is forecast from the tiers of a policy and a share of long outages.

    The bands on each side of `edge` share the claims of that side evenly. The shares are worth `size`
    observations, as in a band mix of a ledger.
    """

    mean: str
    """The id of the fact with the mean payment."""
    policy: str
    """The policy, by its id or by a path to TOML."""
    line: Identifier
    """The id of the cost line, which pays a fixed amount in every band."""
    edge: Annotated[int, Field(gt=0)]
    """The band edge above which the share of claims was published, in the loss unit of the policy."""
    share_above: str
    """The id of the fact with the percentage of claims above the edge."""
    size: Annotated[float, Field(ge=0.001, le=1_000_000)]
    """How many observations the shares of the bands are worth."""


class FigureNotCompared(Document):
    """A published figure, or a whole event, for which no comparison is possible."""

    event: Identifier
    """The id of the event."""
    name: Name
    """The figure, for readers."""
    reason: Text
    """Why it is not compared."""


class EventComparisonSpec(Document):
    """A comparison of events: each published outcome is forecast from the other events."""

    id: Identifier
    """The id by which commands refer to the comparison."""
    kind: Literal["other_events"]
    """Always `other_events`; it tells the document from a back-test of one event."""
    name: Name
    """The name for readers."""
    outcome_known: bool
    """Whether the authors of the rules knew the outcomes when they wrote the rules."""
    events: tuple[Event, ...] = Field(alias="event", min_length=2)
    """The events; a fact belongs to at most one."""
    limits: tuple[Limit, ...] = Field(alias="limit", min_length=1)
    """What the comparisons cannot show."""
    groups: tuple[ClassGroup, ...] = Field(alias="group", min_length=1)
    """Groups of reference classes."""
    rates: tuple[RateOutcome, ...] = Field(alias="rate", default=())
    """Rates of events that are no class of a group."""
    ratios: tuple[RatioOutcome, ...] = Field(alias="ratio", default=())
    """Realised amounts beside earlier estimates."""
    payments: tuple[PaymentOutcome, ...] = Field(alias="payment", default=())
    """Mean payments."""
    not_compared: tuple[FigureNotCompared, ...] = ()
    """Figures and events without a comparison."""

    @property
    def outcomes(self) -> tuple[EventOutcome, ...]:
        """All outcomes that are not classes of a group."""
        return (*self.rates, *self.ratios, *self.payments)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for ids in (
            [x.id for x in self.events],
            [x.id for x in self.limits],
            [x.id for x in self.groups],
            [x.id for x in self.outcomes],
        ):
            if (id_ := find_duplicate(ids)) is not None:
                raise ValueError(f"gives the id {id_} twice")
        for noun, used, known in self._references():
            if missing := [id_ for id_ in used if id_ not in known]:
                raise ValueError(f"names the {noun} {missing[0]}, which it does not define")
        for name in (name for group in self.groups for name in group.classes):
            if len(self.events_of(name)) != 1:
                raise ValueError(
                    f"puts the class {name} in {len(self.events_of(name))} events"
                    " | Let the facts of exactly one event begin like its id."
                )
        compared = {x.event for x in self.outcomes} | {x.event for x in self.not_compared}
        compared |= {self.event_of(name).id for group in self.groups for name in group.classes}
        if idle := [x.id for x in self.events if x.id not in compared]:
            raise ValueError(
                f"says nothing of the event {idle[0]} | Compare it, or give the reason in [[not_compared]]."
            )
        return self

    def _references(self) -> Iterator[tuple[str, list[str], set[str]]]:
        """Yield, by noun, the ids that the document refers to and the ids that it defines."""
        events = [*(x.event for x in self.outcomes), *(x.event for x in self.not_compared)]
        yield "event", events, {x.id for x in self.events}
        limits = [*(x.limits for x in self.outcomes), *(x.limits for x in self.groups)]
        limits += [x.limits for x in self.events]
        yield "limit", [id_ for ids in limits for id_ in ids], {x.id for x in self.limits}
        yield "group", [x.group for x in self.rates], {x.id for x in self.groups}

    def events_of(self, fact: str) -> list[Event]:
        """Return the events to which a fact belongs, given the id of the fact."""
        return [x for x in self.events if fact.startswith(x.prefixes)]

    def event_of(self, fact: str) -> Event:
        """Return the event to which a class belongs, given the id of the class."""
        return self.events_of(fact)[0]

    def event(self, id_: str) -> Event:
        """Return the event with this id."""
        return next(x for x in self.events if x.id == id_)

    def group(self, id_: str) -> ClassGroup:
        """Return the group with this id."""
        return next(x for x in self.groups if x.id == id_)


def load_event_comparison(id_or_path: str | Path) -> EventComparisonSpec:
    """Read the definition of a comparison of events, given its bundled id or the path of a TOML file.

    Raises:
        UsageError: there is no such document, or one of its keys is invalid.

    Example:
        >>> spec = load_event_comparison("other-events")
        >>> [event.id for event in spec.events][:2]
        ['kakao-2022', 'kt-ahyeon-2018']
    """
    return read_document(EventComparisonSpec, "backtests", id_or_path)


def compares_events(id_or_path: str | Path) -> bool:
    """Return whether a document of a back-test compares several events, not one forecast with its outcome.

    Raises:
        UsageError: there is no such document, or it is not valid TOML.
    """
    return document_kind("backtests", id_or_path) == OTHER_EVENTS


def bundled_backtests() -> list[str]:
    """Return the ids of the bundled back-tests of one event, without the comparisons of events."""
    return [id_ for id_ in bundled_ids("backtests") if not compares_events(id_)]
