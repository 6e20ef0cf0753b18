"""The incident: what failed, when, for whom, and how its complaint files are laid out."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from outage_analysis.files import (
    Day,
    Document,
    Identifier,
    Name,
    OptionalText,
    Text,
    find_duplicate,
    read_document,
)
from outage_analysis.incidents.bands import LARGEST_LOSS, Closed, upper_cuts
from outage_analysis.incidents.layout import CANONICAL_COLUMNS, Columns, normalized_name
from outage_analysis.incidents.published_facts import TieOut
from outage_analysis.text import Locale

RESERVED = {
    *CANONICAL_COLUMNS, "above", "again", "alike", "as_round", "at_edge", "below", "broken", "broken_alone", "byte",
    "byte_length", "byte_offset", "claims", "claims_share", "content", "cumulative", "edge", "entitled",
    "error", "excess", "file", "file_number", "fixed", "gini_high", "gini_low", "high", "higher_sum",
    "kept_file", "kept_row", "line", "loss_share", "loss_squared", "loss_sum", "losses", "low", "lower_sum",
    "mean", "median", "median_high", "median_low", "negative", "noted", "noted_alone", "ok", "over",
    "payment", "payment_high", "payment_low", "place", "probability", "problem", "ratio", "raw", "reach",
    "rule", "rule_over", "rule_up_to", "segment", "share", "slope", "source_file", "source_row", "stated",
    "synthetic", "tariff", "to_over", "to_up_to", "top_10_high", "top_10_low", "top_1_high", "top_1_low",
    "top_5_high", "top_5_low", "under", "under_share", "unknown", "up_to", "up_to_share", "value", "zero",
}  # fmt: skip
"""Names that tables of claims, cubes and payments use for columns of their own."""

COUNTABLE = (
    "filed_on is within the claims window",
    "loss is plausible",
    "claim_id is not repeated",
    "the complaint is not an exact copy of another",
)
"""Rules that an incident may only count: a complaint that breaks one still says what it is about."""


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("has no UTC offset | Write it as 2022-10-15T15:30:00+09:00.")
    return moment


Moment = Annotated[datetime, AfterValidator(_aware)]


def _zone(name: str) -> str:
    if name not in available_timezones() or name == "localtime":  # that is no zone, and the engine knows none
        raise ValueError("is not an IANA time zone | Write it as Asia/Seoul.")
    return name


class Window(Document):
    """One stretch of an outage; a missing `end` means that no hour was published."""

    start: Moment
    """When it began."""
    end: Moment | None = None
    """When it ended."""
    what: OptionalText = None
    """What was out, where not everything was."""
    facts: tuple[str, ...] = ()
    """The facts that say so."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError("ends before it starts")
        return self

    @property
    def hours(self) -> float | None:
        """Length in hours, or None when the end was not published."""
        return (self.end - self.start).total_seconds() / 3600 if self.end else None


class NamedItem(Document):
    """Something with an id, a name and the ways people write it."""

    id: Identifier
    """What tables and other pages call it."""
    name: Name
    """What readers call it."""
    aliases: tuple[str, ...] = ()
    """Further ways in which files write it, whatever the case and the spaces."""

    @property
    def known_names(self) -> tuple[str, ...]:
        """What people write for it: its Korean and its English name, its aliases."""
        return tuple(way for way in (self.name.ko, self.name.en, *self.aliases) if way)

    def spellings(self) -> set[str]:
        """Every folded way to write it, its id included."""
        return {normalized_name(way) for way in (self.id, *self.known_names)}


class Service(NamedItem):
    """A service that failed."""

    group: str = ""
    """The group that it belongs to, as the services of an affiliate do."""
    users: tuple[str, ...] = ()
    """Ids of the facts that say how many use it."""
    outage: tuple[Window, ...] = ()
    """When it was out, if that differs from the incident or is known in parts."""
    published_count: str | None = None
    """The fact that counts its complaints, if one was published."""


class Dimension(Document):
    """A further column of a claim: text as it stands, or a whole number cut into bands."""

    id: Identifier
    """The column that it is."""
    name: Name
    """What readers call it."""
    kind: Literal["text", "number"] = "text"
    """Text as it stands, or whole numbers cut into bands."""
    unit: str = ""
    """What its numbers count."""
    edges: tuple[int, ...] = ()
    """Where its bands end."""
    closed: Closed = "upper"
    """Whether an edge belongs to the band below it or above."""

    @property
    def cuts(self) -> tuple[int, ...]:
        """Inclusive upper cuts of the bands of a numeric dimension."""
        return upper_cuts(self.edges, self.closed)

    @model_validator(mode="after")
    def _edges_belong(self) -> Self:
        if (self.kind == "number") != bool(self.edges):
            raise ValueError("has edges exactly when its kind is number")
        for low, high in pairwise(self.edges):
            if low >= high:
                raise ValueError(f"has edges that do not increase: {low}, {high} | Sort them, each once.")
        return self


class Loss(Document):
    """The measure that a claim alleges: won, minutes of delay, days without service.

    When its unit is the incident's currency, files write it with the currency's decimals and the
    policy's edges are in the smallest unit, like every amount.
    """

    name: Name
    """What readers call it."""
    unit: str = Field(min_length=1, max_length=24)
    """The currency for money, else what it counts: minutes, days."""
    negative: Literal["reject", "zero", "band"] = "reject"
    """What a negative value becomes: a reject, a zero loss, or a band of its own."""
    plausible_to: Annotated[int, Field(ge=1, lt=LARGEST_LOSS)] | None = None
    """The largest loss to believe, in the smallest unit; by default any."""


class Headline(Document):
    """A published total, to stand beside ours with what it counts."""

    fact: str
    """The fact that gives it."""
    name: Name
    """What readers call it."""
    line: str = ""
    """The cost line whose cash it forecasts; empty when it counts something else."""


class LineOutcome(Document):
    """The facts that say how one line ended; read in hindsight only."""

    line: str
    """The cost line."""
    filed: str
    """The fact that counts filings."""
    accepted: str
    """The fact that counts those accepted."""
    paid: str
    """The fact that gives the cash."""


class Incident(Columns):
    """An outage; everything about it is in its TOML page."""

    id: Identifier
    """What commands call it by."""
    name: Name
    """What readers call it."""
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    """ISO code."""
    minor_units: int = Field(default=0, ge=0, le=4)
    """Decimal places of the currency; amounts are integers of the smallest unit."""
    time_zone: Annotated[str, AfterValidator(_zone)]
    """IANA name of the zone whose days count."""
    outage: Window
    """The whole outage, from first to last."""
    claims_from: Day
    """The first day on which a claim could be filed; an earlier one is a reject."""
    claims_to: Day
    """The last day."""
    loss: Loss
    """What a claim says was lost."""
    sources: tuple[str, ...] = ()
    """Where the page is from."""
    rules: dict[str, Literal["reject", "count"]] = Field(default_factory=dict)
    """Rule -> what happens to a complaint that breaks it: a reject, or a claim that is counted apart."""
    groups: dict[str, Name] = Field(default_factory=dict)
    """Group of services -> what readers call it."""
    services: tuple[Service, ...] = Field(alias="service", min_length=1)
    """What failed."""
    claimant_types: tuple[NamedItem, ...] = Field(alias="claimant_type", min_length=1)
    """Who may claim."""
    dimensions: tuple[Dimension, ...] = Field(alias="dimension", default=())
    """Further columns of a claim."""
    headlines: tuple[Headline, ...] = Field(alias="headline", default=())
    """Published totals to stand beside ours."""
    quarter_profit: str = ""
    """The fact that gives a quarter's operating profit, to weigh the cost against."""
    outcome: LineOutcome | None = None
    """How one line ended; read in hindsight only."""
    limits: tuple[Text, ...] = ()
    """What nobody could know about this incident, for the report's last section."""
    tie_outs: tuple[TieOut, ...] = Field(alias="tie_out", default=())
    """Published sums that are computed again."""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        groups: tuple[tuple[NamedItem | Dimension, ...], ...] = (
            self.services,
            self.claimant_types,
            self.dimensions,
        )
        for items in groups:
            if (id_ := find_duplicate([item.id for item in items])) is not None:
                raise ValueError(f"the id {id_} is given twice")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.claims_to < self.claims_from:
            raise ValueError("the claims window ends before it starts")
        for group in (self.services, self.claimant_types):
            owners: dict[str, str] = {}
            for item in group:
                for spelling in sorted(item.spellings()):
                    if owners.setdefault(spelling, item.id) != item.id:
                        raise ValueError(f"'{spelling}' is an alias of both {owners[spelling]} and {item.id}")
        for dimension in self.dimensions:
            if dimension.id in RESERVED or dimension.id.startswith("raw_"):
                raise ValueError(f"the dimension {dimension.id} has the name of a claim's own column")
        foreign = self.unknown_column(claim_columns(self))
        if foreign:
            raise ValueError(f"speaks of the column '{foreign}', which no claim has")
        fixed = next((rule for rule in self.rules if rule not in COUNTABLE), None)
        if fixed is not None:
            raise ValueError(f"changes '{fixed}' | Rules that may be counted: {'; '.join(COUNTABLE)}.")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of its days."""
        return ZoneInfo(self.time_zone)

    @property
    def loss_digits(self) -> int:
        """Decimal places of a loss: those of the currency when losses are money, else none."""
        return self.minor_units if self.loss_currency else 0

    def words(self, lang: str) -> Locale:
        """The words of a language, with losses and amounts as this incident counts them."""
        divisible = not self.loss_currency
        return Locale(lang, self.currency, self.minor_units, self.loss_digits, divisible)

    @property
    def loss_currency(self) -> str:
        """The currency of a loss when losses are money, else nothing."""
        return self.currency if self.loss.unit == self.currency else ""

    def service(self, id_: str) -> Service:
        """One service by id."""
        return next(s for s in self.services if s.id == id_)


def claim_columns(incident: Incident) -> list[str]:
    """Every column of a claim: the canonical ones and the incident's dimensions."""
    return [*CANONICAL_COLUMNS, *(d.id for d in incident.dimensions)]


def load_incident(id_or_path: str | Path) -> Incident:
    """Read an incident from its bundled id or from a path to TOML.

    Raises:
        UsageError: no such incident, or a page that breaks a rule, by key.
    """
    return read_document(Incident, "incidents", id_or_path)
