"""The incident: what failed, when and for whom, the columns of its complaint files, and its intakes.

A layout states the columns of complaint files: their headers, and the formats and units of the values.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, AwareDatetime, Field, field_validator

from outage_analysis.errors import InputRefused, UsageError, either
from outage_analysis.files import (
    Day,
    Document,
    Identifier,
    Name,
    NamedDocument,
    OptionalText,
    Text,
    Unit,
    read_document,
    refuse_if,
    refuse_repeated,
    spelling_hint,
    usage_errors,
    validated_copy,
)
from outage_analysis.incidents.bands import LARGEST_LOSS, Closed
from outage_analysis.incidents.published_facts import TieOut, get_fact
from outage_analysis.text import (
    AMOUNTS,
    CURRENCY,
    CURRENCY_HEADERS,
    DATES,
    SCALES,
    Locale,
    known_encoding,
    mask_personal_data,
    title_scale,
)

REQUIRED_COLUMNS = ("claim_id", "service", "claimant_type", "filed_on", "loss")
"""Columns that every complaint file must have."""
CANONICAL_COLUMNS = ("claim_id", "claimant_id", "service", "claimant_type", "filed_on", "loss")
"""The columns of a claim, without the dimensions of an incident."""
FILED_AT = "filed_at"
"""An optional column of claims files: the time of filing. The time may also be in the column `filed_on`."""
COUNT = "count"
"""A column of claims files, if a layout names its header: how many claims the row stands for.

The file is read as if the row were written so often: its loss is that of each claim, and the ids of these
claims end in #1, #2 and so on. A reject counts so often, too. Ids are compared before the row is repeated.
"""

_UNIT = r"[십백천만억]+\s*원?"
UNIT_PATTERN = re.compile(rf"단위\s*:?\s*{_UNIT}|[(\[]\s*{_UNIT}\s*[)\]]|^\s*{_UNIT}\s*$")
"""Pattern of a Korean unit other than one won: after the word 단위, in brackets, or alone in a cell."""
FORMAT_UNIT_PATTERN = re.compile(r"[\"\\]\s*[십백천만억]+\s*원?")
"""Pattern of a Korean unit after the number in the number format of a spreadsheet cell."""


def unit_multiplier(unit_text: str) -> Decimal:
    """Return how many units of currency the unit in a text stands for: 10,000 for 만원."""
    match = re.search(r"([십백천]?[만억]|[십백천])", unit_text)
    return SCALES[match[1]] if match else title_scale(unit_text)


Scale = Annotated[int, Field(ge=1, le=10**9)] | Annotated[float, Field(gt=0, le=10**9)]
REPLACED = ("formats", "scale", "constants", "computed")
"""Keys whose values by column replace those of a more general document."""
ROW_ID: Literal["row"] = "row"
"""The value under [computed] that makes the id of a claim from the name of its file and its row."""


@lru_cache(maxsize=10_000)
def normalized_name(text: str) -> str:
    """Return a name in a form for comparison: without case, character width, spaces and hyphens."""
    return re.sub(r"[\s\-_.·\u200b\u2060\ufeff]+", "", unicodedata.normalize("NFKC", text).casefold())


class Columns(Document):
    """The headers of the columns in complaint files, and the formats of their values."""

    columns: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Column of a claim -> its headers in files. The name of the column itself is always recognised."""
    formats: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Column of a claim -> the formats of its days or amounts. The defaults are iso and plain."""
    encoding: Annotated[str, AfterValidator(known_encoding)] | None = None
    """The encoding of the files; by default it is detected."""
    scale: dict[str, Scale] = Field(default_factory=dict)
    """Column of a claim -> the value of a unit in the file: 10000 for losses in 만원, 0.5 for half units."""
    constants: dict[str, str] = Field(default_factory=dict)
    """Column of a claim -> its value in every row, if the file has no such column. "" means unknown."""
    computed: dict[str, Literal["row"] | Annotated[tuple[str, ...], Field(min_length=2)]] = Field(
        default_factory=dict
    )
    """Column of a claim -> the headers whose texts are joined to it, if the file has no such column.

    Texts of an id are joined by a hyphen, others by a space: `filed_on = ["date", "time"]`. With
    `claim_id = "row"` the id is the name of the file and the number of the row, unless there is a column.
    If losses are seconds, minutes or hours, `loss = ["due", "arrived"]` is the time between these two
    moments, which are written as filing days are.
    """
    missing: tuple[str, ...] = ()
    """Texts that stand for a missing value, in capital or small letters: NA, -, 미상.

    They do not apply to services and claimant types, whose names the incident lists.
    """

    @field_validator("formats")
    @classmethod
    def _formats_are_known(cls, formats: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for column, names in formats.items():
            known = DATES if column in ("filed_on", FILED_AT) else AMOUNTS
            unknown = next((n for n in names if n not in known), None)
            refuse_if(
                unknown is not None or not names,
                f"has no notation '{unknown or ''}' for {column} | Known: {', '.join(known)}.",
            )
        return formats

    @field_validator("scale")
    @classmethod
    def _scale_is_a_decimal_number(cls, scale: dict[str, Scale]) -> dict[str, Scale]:
        for column, factor in scale.items():
            refuse_if(
                round(Decimal(str(factor)), 9) != Decimal(str(factor)),
                f"has a scale of {column} with more than nine decimals",
            )
        return scale

    @field_validator("computed")
    @classmethod
    def _only_ids_are_rows(cls, computed: dict[str, Any]) -> dict[str, Any]:
        column = next((c for c, parts in computed.items() if parts == ROW_ID and c != "claim_id"), None)
        refuse_if(column is not None, f'makes {column} from the row | Only claim_id may be "row".')
        return computed

    def unknown_column(self, known: Iterable[str]) -> str | None:
        """Return the first column that the document mentions but `known` lacks; None if there is none."""
        named = {*known, FILED_AT}
        mentioned = [column for key in REPLACED for column in getattr(self, key) if column not in named]
        headers = (*self.columns, *getattr(self, "otherwise", ()))
        return next(iter([*mentioned, *(c for c in headers if c not in {*named, COUNT})]), None)


class Layout(Columns):
    """How the files of one sender map to the columns of a claim; it supplements the incident's document."""

    files: str = "*"
    """Pattern of the names of the files to which the layout applies, with * and ?."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """The delimiter of the fields; by default it is detected from the header and the first rows."""
    quote: Literal['"', "'", "none"] | None = None
    """The quotation mark of a delimited file. With `none`, quotation marks are ordinary text."""
    escape: Literal["\\", "none"] | None = None
    """The escape character: a quotation mark or delimiter after it is an ordinary character.

    By default, or with `none`, a quotation mark inside a quoted field must be doubled.
    """
    header_row: Annotated[int, Field(ge=0)] | None = None
    """The row of the header. 0 means that the file has no header; its columns are then called 1, 2, 3."""
    sheet: str | None = None
    """The sheet of a workbook; by default the only sheet with the required columns."""
    otherwise: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Column of a claim -> headers that are searched if no header under [columns] is found.

    The headers of the incident's document are added here.
    """

    def _check(self) -> None:
        refuse_if(
            self.delimiter is not None and self.delimiter in "\"'\r\n",
            "has a delimiter that is a quotation mark or the end of a line | Write the mark between fields.",
        )

    def check_columns_known(self, known: Sequence[str]) -> None:
        """Raise an error if the layout mentions a column that claims do not have.

        Raises:
            UsageError: the layout mentions an unknown column. The message suggests the closest known one.
        """
        if foreign := self.unknown_column(known):
            remedy = spelling_hint(foreign, list(known))
            raise UsageError("the layout speaks of a column that no claim has", value=foreign, remedy=remedy)

    def merged_over(self, below: Columns) -> Layout:
        """Return this layout, supplemented by a more general one, such as the incident's.

        Headers of this layout are searched first. Its formats, scales and constants replace those of the
        general layout. The texts for missing values of both layouts apply.
        """
        columns = dict.fromkeys((*self.otherwise, *below.columns))
        return self.model_copy(
            update={
                "otherwise": {c: (*self.otherwise.get(c, ()), *below.columns.get(c, ())) for c in columns},
                "encoding": self.encoding or below.encoding,
                "missing": tuple(dict.fromkeys((*self.missing, *below.missing))),
                **{key: {**getattr(below, key), **getattr(self, key)} for key in REPLACED},
            }
        )

    def spellings(self, column: str) -> set[str]:
        """Return all headers that a column may have, without case, spaces and hyphens."""
        own = {CURRENCY: CURRENCY_HEADERS, COUNT: ()}.get(column, (column,))
        headers = (*own, *self.columns.get(column, ()), *self.otherwise.get(column, ()))
        return {normalized_name(header) for header in headers}

    def header_positions(self, cells: Sequence[str], wanted: Iterable[str]) -> dict[str, list[int]]:
        """Find the wanted columns in a header row: column -> positions of the cells that are a header of it.

        Columns that are not found are left out.

        Headers under [columns] take precedence over the other headers of a column. If the file
        lacks the column `filed_on`, the filing date is taken from `filed_at`.
        """
        names, wanted = [normalized_name(cell) for cell in cells], tuple(wanted)

        def places(spellings: Iterable[str]) -> list[int]:
            known = {normalized_name(spelling) for spelling in spellings}
            return [place for place, name in enumerate(names) if name in known]

        found = {c: places(self.columns.get(c, ())) or places(self.spellings(c)) for c in wanted}
        found = {column: positions for column, positions in found.items() if positions}
        moments = places([FILED_AT])
        if moments and "filed_on" in wanted and "filed_on" not in {*found, *self.constants}:
            found["filed_on"] = moments
        if found.get(FILED_AT) == found.get("filed_on"):
            found.pop(FILED_AT, None)
        return found

    def column_positions(
        self,
        headers: Sequence[str],
        row: int | None,
        *,
        needed: Sequence[str],
        optional: Sequence[str],
        file: str,
    ) -> dict[str, int]:
        """Return the position of each column of a claim in the header row: column -> position.

        Raises:
            InputRefused: a required column is missing, two headers match one column, or the layout also
                defines the column as a constant.
        """
        known: dict[str, Any] = {"file": file, "row": row}
        searched = [c for c in (*needed, *optional) if self.computed.get(c, ROW_ID) == ROW_ID]
        columns_found = self.header_positions(headers, searched)
        for column, positions in columns_found.items():
            masked = [mask_personal_data(headers[position]) for position in positions]
            if len(masked) > 1 or column in self.constants:
                what = "two columns" if len(masked) > 1 else "a column of the file and a constant"
                problem, remedy = f"{what} stand for {column}", "Remove or rename one of the two."
                raise InputRefused(problem, **known, value=" and ".join(masked), remedy=remedy)
        known["value"] = mask_personal_data(", ".join(headers))
        for column in needed:
            if column not in columns_found and column not in self.given_columns:
                raise InputRefused(
                    f"the column {column} is missing",
                    **known,
                    remedy="Add it, or name its header under [columns] of the incident or of "
                    + either("a layout", "--columns")
                    + f': {column} = ["..."].',
                )
        found = {column: positions[0] for column, positions in columns_found.items()}
        names = [normalized_name(header) for header in headers]
        for column in (*needed, *optional):
            for part, header in self.parts(column).items():
                if names.count(normalized_name(header)) != 1:
                    raise InputRefused(
                        f"needs exactly one column '{header}', from which {column} is computed",
                        **known,
                        remedy="Name columns of the file under [computed] of the layout.",
                    )
                found[part] = names.index(normalized_name(header))
        return found

    @property
    def counts_claims(self) -> bool:
        """Whether a column says how many claims each row stands for."""
        return COUNT in {*self.columns, *self.otherwise}

    @property
    def given_columns(self) -> set[str]:
        """The columns of a claim for which the file does not need a column.

        The filing date is one of them if `filed_at` is computed.
        """
        return {*self.constants, *self.computed, *(["filed_on"] if FILED_AT in self.computed else [])}

    def parts(self, column: str) -> dict[str, str]:
        """Return the columns to join into a column of a claim: name of the part -> header."""
        headers = self.computed.get(column, ROW_ID)
        return {} if headers == ROW_ID else {f"{column} {n}": h for n, h in enumerate(headers, start=1)}


def load_layout(id_or_path: str | Path | Layout) -> Layout:
    """Read a layout, given its bundled id or the path of a TOML file.

    Raises:
        UsageError: there is no such document, or one of its keys is invalid.
    """
    return read_document(Layout, "layouts", id_or_path)


def with_encoding(layouts: Sequence[Layout], encoding: str | None) -> tuple[Layout, ...]:
    """Return layouts that state an encoding, if there is one; the last is for files without another layout.

    Raises:
        UsageError: the encoding is not known.
    """
    if encoding is None:
        return tuple(layouts)
    return tuple(validated_copy(layout, encoding=encoding) for layout in (*layouts, Layout()))


def layout_for(name: str, layouts: Sequence[Layout], incident: Columns) -> Layout:
    """Return the first layout whose pattern matches a file name, supplemented by the incident's layout."""
    for layout in layouts:
        pattern = _normalized_file_name(layout.files).replace("[", "[[]")  # Only * and ? are wildcards.
        if fnmatch.fnmatchcase(_normalized_file_name(name), pattern):
            return layout.merged_over(incident)
    return Layout().merged_over(incident)


def _normalized_file_name(name: str) -> str:
    """Return a file name in lower case and in Unicode form NFC; macOS writes Korean file names in NFD."""
    return unicodedata.normalize("NFC", name.casefold())


RESERVED = {
    *CANONICAL_COLUMNS,
    COUNT,
    FILED_AT,
    "above", "again", "alike", "as_round", "at_edge", "band", "below", "broken", "broken_alone", "byte",
    "byte_length", "byte_offset", "claims", "claims_share", "content", "copy", "cumulative", "edge",
    "entitled", "error", "excess", "file", "file_number", "filed_from", "filed_hour", "filed_to", "fixed",
    "high", "higher_sum", "kept_file", "kept_row", "line", "loss_share",
    "loss_squared", "loss_sum", "losses", "low", "lower_sum", "mean", "median", "median_high",
    "median_low", "negative", "noted", "noted_alone", "ok", "over", "payment", "payment_high",
    "payment_low", "place", "probability", "problem", "ratio", "raw", "reach", "rule", "rule_over",
    "rule_up_to", "segment", "share", "slope", "source_file", "source_row", "stated", "synthetic",
    "tariff", "to_over", "to_up_to", "under", "under_share", "unknown", "up_to", "up_to_share", "value",
    "zero",
}  # fmt: skip
"""Column names that the tables of claims, cubes and payments use. A dimension must not have such a name."""

Rows = Literal["complaints", "filed", "accepted"]
"""The possible meanings of a row of a complaint file."""


time_zones = cache(available_timezones)
"""The IANA names of this machine; each call of the standard library reads hundreds of files."""


def _known_zone(name: str) -> str:
    # Python lists "localtime"; DuckDB does not know it.
    refuse_if(name not in time_zones() - {"localtime"}, "is not an IANA time zone | Write it as Asia/Seoul.")
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]


class Window(Document):
    """A period of an outage. If `end` is missing, the end time was not published."""

    start: AwareDatetime
    """When the period began."""
    end: AwareDatetime | None = None
    """When the period ended."""
    what: OptionalText = None
    """What failed in this period, if not everything did."""
    facts: tuple[str, ...] = ()
    """Ids of the facts that support these values."""

    def _check(self) -> None:
        refuse_if(self.end is not None and self.end <= self.start, "ends before it starts")

    @property
    def hours(self) -> float | None:
        """The duration in hours; None if the end time was not published."""
        return (self.end - self.start).total_seconds() / 3600 if self.end else None


FactId = Annotated[str, Field(min_length=1, max_length=64)]


class ClaimDeadline(Document):
    """An announced last day on which a claim can be filed. A later announcement replaces it."""

    announced_on: Day
    """The day on which the deadline became public; a run as of an earlier day ignores it."""
    closes: Day
    """The last day on which a claim can be filed."""
    facts: tuple[FactId, ...] = ()
    """Ids of the facts that support these days."""


class NamedItem(NamedDocument):
    """A service or claimant type: an id, a name, and other spellings that complaint files use."""

    aliases: tuple[str, ...] = ()
    """Other spellings of the name in complaint files. Upper and lower case and spaces are ignored."""

    @property
    def known_names(self) -> tuple[str, ...]:
        """The Korean name, the English name and the other spellings."""
        return tuple(spelling for spelling in (self.name.ko, self.name.en, *self.aliases) if spelling)

    def spellings(self) -> set[str]:
        """Return all spellings, including the id, without case, spaces and hyphens."""
        return {normalized_name(spelling) for spelling in (self.id, *self.known_names)}


class Service(NamedItem):
    """A service that failed in the outage."""

    group: str = ""
    """The group that the service belongs to, such as the services of one affiliate."""
    users: tuple[str, ...] = ()
    """Ids of the facts that state the number of users."""
    outage: tuple[Window, ...] = ()
    """The outage periods of the service, if they differ from the incident's or are only partly known."""
    published_count: str | None = None
    """The id of the fact that counts the complaints about the service, if a count was published."""


class Dimension(NamedDocument):
    """A column of complaint files that an incident adds: text, or whole numbers grouped into bands.

    The id is the name of the column.
    """

    kind: Literal["text", "number", "decision", "paid"] = "text"
    """`text`; `number` for whole numbers that are grouped into bands; `decision` for how far a claim has come
    (filed, accepted, refused or paid, in English, Korean or German words); `paid` for the amount that was
    paid, in the currency."""
    unit: str = ""
    """The unit of the numbers."""
    edges: tuple[int, ...] = ()
    """The edges between the bands."""
    closed: Closed = "upper"
    """Which edge a band includes: `upper` its upper edge, `lower` its lower edge."""

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers: whole numbers, or amounts in the smallest unit of the currency."""
        return self.kind in ("number", "paid")

    @property
    def cuts(self) -> tuple[int, ...]:
        """The edges of a numeric dimension as cuts; a cut is the largest number of a band."""
        return tuple(edge - (self.closed == "lower") for edge in self.edges)

    def _check(self) -> None:
        refuse_if((self.kind == "number") != bool(self.edges), "has edges exactly when its kind is number")
        for low, high in pairwise(self.edges):
            refuse_if(low >= high, f"has edges that do not increase: {low}, {high} | Sort them, each once.")


class Loss(Document):
    """The quantity that a claim states as lost: won, minutes of delay, days without service.

    If the unit of losses is the currency, complaint files state losses with the decimals of the currency.
    Edges of policy bands are in the smallest unit, like all amounts.
    """

    name: Name
    """The name for readers."""
    unit: str = Field(min_length=1, max_length=24)
    """The currency code if losses are money, else the unit: minutes, days."""
    negative: Literal["reject", "zero", "band"] = "reject"
    """How a negative value is treated: as a reject, as a zero loss, or in a band of its own."""
    plausible_to: Annotated[int, Field(ge=1, lt=LARGEST_LOSS)] | None = None
    """The largest plausible loss, in the smallest unit; by default there is no limit."""


class Headline(Document):
    """A published total to compare with ours, and the cost line that it forecasts, if any."""

    fact: str
    """The id of the fact with the total."""
    name: Name
    """The name for readers."""
    line: str = ""
    """The id of the cost line whose cash the total forecasts; empty if the total is about something else."""


class LineOutcome(Document):
    """The facts that state the outcome of one cost line. They are used only in hindsight."""

    line: str
    """The id of the cost line."""
    filed: str
    """The id of the fact that counts filings."""
    accepted: str
    """The id of the fact that counts accepted filings."""
    paid: str
    """The id of the fact with the cash paid."""


class Incident(NamedDocument, Columns):
    """An outage and its complaint files, as described in a TOML document."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    """ISO code of the currency."""
    minor_units: int = Field(default=0, ge=0, le=4)
    """Number of decimals of the currency. Amounts are whole numbers of its smallest unit."""
    time_zone: TimeZone
    """IANA name of the time zone that determines the calendar day."""
    outage: Window
    """The whole outage, from its first to its last minute."""
    claims_from: Day
    """The first day on which a claim could be filed; an earlier claim is rejected."""
    claims_to: Day
    """The last day on which a claim could be filed."""
    deadlines: tuple[ClaimDeadline, ...] = ()
    """The deadlines as they were announced, the last one being `claims_to`. Charts by day show those that
    were public on the as-of day. Without any, `claims_to` counts as announced on the day `claims_from`."""
    window: Literal["stated", "observed"] = "stated"
    """Whether the last day to claim is known (`stated`), or `claims_from` and `claims_to` are only the first
    and the last day in the complaint files (`observed`)."""
    loss: Loss
    """The quantity that claims state as lost."""
    rows: Rows | None = None
    """What a row of a complaint file is: a complaint of somebody who may file a claim, a filed claim, or an
    accepted claim. A row that states a decision is what this says. Without `rows`, rows are complaints."""
    counted: Name | None = None
    """The items in published counts, in the plural, such as flights or subscribers; "reports" by default."""
    sources: tuple[str, ...] = ()
    """The sources of the document."""
    groups: dict[str, Name] = Field(default_factory=dict)
    """Group of services -> the name of the group for readers."""
    services: tuple[Service, ...] = Field(alias="service", min_length=1)
    """The services that failed."""
    claimant_types: tuple[NamedItem, ...] = Field(alias="claimant_type", min_length=1)
    """The types of claimant."""
    dimensions: tuple[Dimension, ...] = Field(alias="dimension", default=())
    """Additional columns of a claim."""
    first_services: tuple[str, ...] = ()
    """The services that a table by service and loss band begins with; the largest of the others follow."""
    headlines: tuple[Headline, ...] = Field(alias="headline", default=())
    """Published totals with which the computed total is compared."""
    quarter_profit: str = ""
    """The id of the fact with a quarter's operating profit; the report lists it among its facts."""
    outcome: LineOutcome | None = None
    """The outcome of one cost line; used only in hindsight."""
    own_facts: tuple[str, ...] = ()
    """How the ids of published facts begin that state the outcome of this outage. Other cases may use them,
    its own policy and ledger may not."""
    limits: tuple[Text, ...] = ()
    """What cannot be known about this incident; shown in the last section of the report."""
    tie_outs: tuple[TieOut, ...] = Field(alias="tie_out", default=())
    """Published totals to reconcile with the facts."""

    def _check(self) -> None:
        refuse_repeated([dimension.id for dimension in self.dimensions], "two dimensions have the id {}")
        for group in (self.services, self.claimant_types):
            spellings = [spelling for item in group for spelling in sorted(item.spellings())]
            refuse_repeated(spellings, "'{}' is an id or an alias of two")
        strangers = sorted({*self.first_services} - {service.id for service in self.services})
        refuse_if(strangers, f"has first_services with {', '.join(strangers)}, which is no service")
        kinds = [dimension.kind for dimension in self.dimensions]
        refuse_if(
            kinds.count("decision") > 1 or kinds.count("paid") > kinds.count("decision"),
            "has two decisions, or amounts paid without one | A claim has one of each.",
        )
        refuse_if(self.claims_to < self.claims_from, "the claims window ends before it starts")
        last = max((d.closes for d in self.deadlines), default=self.claims_to)
        refuse_if(last != self.claims_to, "the last of the deadlines is not the day claims_to")
        for id_ in (d.id for d in self.dimensions if d.id in RESERVED or d.id.startswith("raw_")):
            raise ValueError(f"the dimension {id_} has the name of a claim's own column")
        unknown_column = self.unknown_column(claim_columns(self))
        refuse_if(unknown_column, f"speaks of the column '{unknown_column}', which no claim has")

    def __repr__(self) -> str:
        # The fields of the document would take thousands of characters.
        return f"<Incident {self.id}: {self.name.en}>"

    __str__ = __repr__

    def deadlines_by(self, day: date) -> tuple[ClaimDeadline, ...]:
        """Return the deadlines that were announced by a day."""
        window = ClaimDeadline(announced_on=self.claims_from, closes=self.claims_to)
        known = self.deadlines or ((window,) if self.window == "stated" else ())
        return tuple(deadline for deadline in known if deadline.announced_on <= day)

    def closes_on(self, day: date) -> date:
        """Return the last day to claim as known on a day; before any deadline was announced, the first."""
        known = self.deadlines_by(day) or self.deadlines[:1]
        return max((deadline.closes for deadline in known), default=self.claims_to)

    @property
    def named_items(self) -> dict[str, tuple[NamedItem, ...]]:
        """The services and the claimant types, by their columns of a claim."""
        return {"service": self.services, "claimant_type": self.claimant_types}

    @cached_property
    def known_ids(self) -> dict[str, dict[str, str]]:
        """Column of a claim -> normalized spelling of a service or claimant type -> its id."""
        return {
            column: {spelling: item.id for item in items for spelling in item.spellings()}
            for column, items in self.named_items.items()
        }

    def known_id(self, column: str, text: object) -> str:
        """Return the id of a service or claimant type, given the column and one of its spellings.

        Raises:
            UsageError: no service or claimant type has this name.
        """
        if id_ := self.known_ids[column].get(normalized_name(str(text))):
            return id_
        names = [name for item in self.named_items[column] for name in (item.id, *item.known_names)]
        raise UsageError(
            f"{column} is not known", column=column, value=text, remedy=spelling_hint(str(text), names)
        )

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that determines the calendar day of an event."""
        return ZoneInfo(self.time_zone)

    @property
    def loss_digits(self) -> int:
        """The number of decimals of a loss: that of the currency if losses are money, else 0."""
        return self.minor_units if self.loss_currency else 0

    @property
    def decision(self) -> str:
        """The id of the dimension that says how far a claim has come; empty if there is none."""
        return next((d.id for d in self.dimensions if d.kind == "decision"), "")

    @property
    def paid(self) -> str:
        """The id of the dimension with the amounts paid; empty if there is none."""
        return next((d.id for d in self.dimensions if d.kind == "paid"), "")

    def with_rows(self, rows: str | None) -> Incident:
        """Return the incident whose rows are complaints, filed or accepted claims; None leaves it as it is.

        Raises:
            UsageError: `rows` is something else.
        """
        return self if rows is None else validated_copy(self, rows=rows)

    def titled(self, title: str) -> Incident:
        """Return the incident with another name for readers; an empty title leaves it as it is.

        Raises:
            UsageError: the title is longer than a name may be.
        """
        with usage_errors("the title"):
            return self.model_copy(update={"name": Name(en=title)}) if title else self

    def locale(self, lang: str) -> Locale:
        """Return the locale for a language, which formats losses and amounts of this incident."""
        money = (self.currency, self.minor_units, self.loss_digits, not self.loss_currency)
        return Locale(lang, *money, loss_unit=self.loss.unit)

    @property
    def loss_currency(self) -> str:
        """The currency of losses; empty if losses are not money."""
        return self.currency if self.loss.unit == self.currency else ""

    def display_names(self, lang: str) -> dict[str, str]:
        """Return the names of everything in the incident that has an id."""
        named = (*self.dimensions, *self.services, *self.claimant_types, *self.tie_outs)
        names = self.groups | {item.id: item.name for item in named}
        names |= {headline.fact: headline.name for headline in self.headlines}
        return {id_: name[lang] for id_, name in names.items()}


def claim_columns(incident: Incident) -> list[str]:
    """Return all columns of a claim: the columns that every claim has, and the incident's dimensions."""
    return [*CANONICAL_COLUMNS, *(d.id for d in incident.dimensions)]


def load_incident(id_or_path: str | Path | Incident) -> Incident:
    """Read an incident, given its bundled id or the path of a TOML file.

    Raises:
        UsageError: there is no such incident, or one of its keys is invalid.
    """
    return read_document(Incident, "incidents", id_or_path)


When = Annotated[AwareDatetime, Unit("date and time")]


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


class IntakeSeries(NamedDocument):
    """The intake of claims through one channel, as described in a TOML document."""

    incident: Identifier
    """The id of the incident."""
    time_zone: TimeZone = ""
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
    outcome: Point | None = None
    """The final number of claims, and when the intake ended; used only in hindsight."""

    def _check(self) -> None:
        moments = [self.opened, *(p.at for p in self.points)]
        for number, (before, after) in enumerate(pairwise(moments), start=1):
            refuse_if(
                after <= before, f"has a point {number} that is not after the one before, or the opening"
            )
        for closes in sorted([*(d.closes for d in self.deadlines), *(b.closes for b in self.branches)]):
            refuse_if(closes <= self.opened, f"closes at {closes}, before it opens")
        refuse_repeated([branch.id for branch in self.branches], "has two branches {}")

    def known_by(self, day: date) -> IntakeSeries | None:
        """Return what was publicly known about the intake on a day; None if no count was public yet.

        A count is included from the day on which its fact became public, but not before the time of the
        count. A deadline is included from the day on which it was announced. The final count and undated
        facts and deadlines are left out.
        """
        counted = (p for p in self.points if p.at <= self.end_of(day))
        points = tuple(p for p in counted if p.count is not None or (p.public_on or date.max) <= day)
        deadlines = tuple(d for d in self.deadlines if (d.public_on or date.max) <= day)
        known = self.model_copy(update={"points": points, "deadlines": deadlines, "outcome": None})
        return known if points else None

    @property
    def deadline(self) -> IntakeDeadline | None:
        """The deadline announced last. If several were announced on that day, the one that closes last."""
        return max(
            (deadline for deadline in self.deadlines if deadline.public_on),
            key=lambda d: (d.public_on or date.min, d.closes),
            default=None,
        )

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
