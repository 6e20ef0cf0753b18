"""Describe the columns of an unknown complaint file, and choose one for each column of a claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

import polars as pl

from outage_analysis.claims import header_words, queries
from outage_analysis.claims.cell_values import MISSING_WORDS
from outage_analysis.claims.header_words import has_word
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.read_files import read_unmapped
from outage_analysis.claims.source_file import OPTIONAL_COLUMNS, FileFormat, required_columns
from outage_analysis.claims.warehouse import Warehouse, limits
from outage_analysis.errors import UsageError, either
from outage_analysis.files import listed_names, temporary_folder, toml_value
from outage_analysis.incidents import COUNT, Incident, Layout, normalized_name
from outage_analysis.text import (
    AMOUNTS,
    COMMA_AMOUNTS,
    CURRENCY,
    DATES,
    DECIMALS,
    amount_sql,
    day_sql,
    find_personal_data,
    mask_personal_data,
    masked_name,
    stated_unit,
)

MIN_SHARE = 0.5
"""Least share of rows that must fit for a proposal."""
TIE_MARGIN = 0.1
"""Two formats tie if the weight of the second is at least (1 - TIE_MARGIN) times the weight of the first."""
MIN_CERTAIN_SHARE = 0.001
"""Least share of rows that only one of two contradictory formats can read, so that both are proposed."""
OUTSIDE_WEIGHT = 0.25
"""The weight of a day outside the claims window, if its format has a four-digit year."""
FULL_YEAR_FORMATS = {"iso", "korean", "dmy", "mdy", "month_name"}
"""Formats with a four-digit year. With other formats, only days inside the claims window count."""
WESTERN_FORMATS = tuple(name for name in AMOUNTS if name not in COMMA_AMOUNTS)
_EUROPEAN_MARKS = r"^\D*\d{1,3}(?:\.\d{3}){2,}|\.\d{3},\d|,\d{1,2}\D*$"
_WESTERN_MARKS = r"^\D*\d{1,3}(?:,\d{3})+|,\d{3}\.\d|\.\d{1,2}\D*$|\d{4,}\.\d"
_EITHER_MARK = r"^\D*\d{1,3}\.\d{3}\D*$"
"""Pattern of a value such as 1.250, which means 1250 in European notation and 1.25 elsewhere."""


@dataclass(frozen=True)
class FormatChoice:
    """The formats that are proposed for the days or amounts of a column.

    Attributes:
        formats: the proposed formats; empty if several formats fit equally well or none fits.
        score: the share of rows that the formats can read. Days outside the claims window do not count.
        reason: if none is proposed, why not, as text for the user.
        tied: the formats to choose from, if the values do not decide between them.
    """

    formats: tuple[str, ...] = ()
    score: float = 0.0
    reason: str = ""
    tied: tuple[str, ...] = ()


def choose_day_formats(days: pl.DataFrame, rows: int, window: tuple[date, date]) -> FormatChoice:
    """Choose as few day formats as possible that together read a column.

    Formats are added one by one: in each step the format with the largest weight among the values that no
    chosen format can read. A day in the claims window has weight 1. A day outside has weight `OUTSIDE_WEIGHT`
    if the format has a four-digit year, else 0.

    Two formats that contradict each other, such as day first and month first, are both chosen only if each of
    them is certain: it alone can read enough values, as days in the window (`MIN_CERTAIN_SHARE`). The reader
    then takes the only reading in the claims window, and rejects a day with several.

    Args:
        days: one row per distinct value: text, rows, and one column of parsed days per format.
        rows: the number of rows, without the rows whose value was not inspected.
        window: the days on which a complaint can have been filed.
    """

    def read_and_inside(names: Sequence[str], among: pl.DataFrame = days) -> tuple[int, int]:
        # A value that two formats read as different days counts only if exactly one is in the window.
        readings = pl.concat_list(names).list.drop_nulls().list.unique()
        possible = readings.list.eval(pl.element().filter(pl.element().is_between(*window)))
        inside = possible.list.len() == 1
        return _rows(among, (readings.list.len() == 1) | inside), _rows(among, inside)

    def is_certain(name: str, others: Sequence[str]) -> bool:
        only = days.filter(pl.all_horizontal(pl.lit(value=True), *(pl.col(n).is_null() for n in others)))
        return read_and_inside([name], only)[1] >= max(1, MIN_CERTAIN_SHARE * rows)

    readable = [n for n in DATES if days[n].null_count() < len(days)]
    remaining, formats = days, list[str]()
    while readable and len(remaining):
        weights: dict[str, float] = {}
        for name in readable:
            if not _differ(days, [name], formats) or is_certain(name, formats):
                read, inside = read_and_inside([name], remaining)
                weights[name] = inside + OUTSIDE_WEIGHT * (read - inside) * (name in FULL_YEAR_FORMATS)
        best = max(weights, key=lambda name: weights[name], default="")
        if not best or not weights[best]:
            break
        near = [n for n in weights if weights[n] > (1 - TIE_MARGIN) * weights[best]]
        rivals = [n for n in near if n == best or _differ(remaining, [n], [best])]
        if not all(is_certain(n, [other]) for n in rivals for other in rivals if n != other):
            if formats:
                break
            differing = pl.any_horizontal([pl.col(rivals[0]) != pl.col(n) for n in rivals[1:]])
            row = remaining.filter(differing).row(0, named=True)
            readings = " or ".join(f"{row[n]} ({n})" for n in rivals if row[n] is not None)
            reason = f'"{row["text"]}" is {readings}, and neither the claims window nor the other rows decide'
            return FormatChoice((), read_and_inside([best])[1] / rows, reason, tuple(rivals))
        formats.append(best)
        remaining = remaining.filter(pl.col(best).is_null())
    if formats:
        return FormatChoice(tuple(formats), read_and_inside(formats)[1] / rows)
    tied = tuple(n for n in readable if read_and_inside([n])[0] >= MIN_SHARE * rows)
    reason = f"no day is in the claims window ({window[0]} to {window[1]}): is it the right incident?"
    return FormatChoice((), 0.0, reason if tied else "", tied)


def _differ(values: pl.DataFrame, names: Iterable[str], others: Iterable[str]) -> bool:
    """Return whether a format of `names` and a format of `others` read some value differently."""
    differing = [pl.col(n) != pl.col(o) for n in names for o in others if n != o]
    return bool(differing) and values.select(pl.any_horizontal(differing).any()).item() is True


def _rows(values: pl.DataFrame, condition: pl.Expr) -> int:
    """Return the number of rows of the values that meet a condition."""
    return int(values.filter(condition)["rows"].sum())


def choose_amount_formats(amounts: pl.DataFrame) -> FormatChoice:
    """Choose as few amount formats as possible that together read a column.

    The formats agree on whether a point or a comma separates the decimals.

    Args:
        amounts: one row per distinct value: text, rows, and one column of parsed amounts per format.
    """

    def rows_read(names: Sequence[str], among: pl.DataFrame = amounts) -> int:
        return _rows(among, pl.any_horizontal(pl.col(names).is_not_null()))

    def with_marks(marks: str) -> tuple[int, str]:
        # How many rows have such marks, and the first amount with them.
        marked = pl.col("text").str.contains(marks)
        return _rows(amounts, marked), mask_personal_data(str(readable.filter(marked)["text"].first()))

    readable = amounts.filter(pl.any_horizontal(pl.col(list(AMOUNTS)).is_not_null()))
    if readable.is_empty():
        return FormatChoice()
    filled = _rows(amounts, ~_MISSING)
    score = rows_read(list(AMOUNTS)) / filled
    point, with_point = with_marks(_WESTERN_MARKS)
    comma, with_comma = with_marks(_EUROPEAN_MARKS)
    unclear, with_either = with_marks(_EITHER_MARK)
    if abs(point - comma) <= TIE_MARGIN * max(point, comma):
        if point:
            reason = f'in "{with_point}" a point starts the decimals, in "{with_comma}" a comma'
            return FormatChoice((), score, reason, ("grouped", "european"))
        if unclear and rows_read(COMMA_AMOUNTS) > rows_read(WESTERN_FORMATS):
            european = max(COMMA_AMOUNTS, key=lambda name: rows_read([name]))
            reading = f"{with_either.replace('.', '')} ({european})"
            reason = f'"{with_either}" is {reading}, or has three decimals, which no format reads'
            return FormatChoice((), score, reason, (european,))
    names, remaining, formats = (COMMA_AMOUNTS if comma > point else WESTERN_FORMATS), amounts, list[str]()
    while rows_read(names, remaining):
        formats.append(max(names, key=lambda name: rows_read([name], remaining)))
        remaining = remaining.filter(pl.col(formats[-1]).is_null())
    return FormatChoice(tuple(formats), rows_read(formats) / filled) if formats else FormatChoice()


MAX_VALUES = 100_000
"""Most distinct values of a column that are inspected. The most frequent ones are taken."""
SAMPLED_ROWS = 2_000
"""Number of rows, about, that show of which kind most values of a column are, in a file with many rows."""
NUMERIC_DAY_FORMATS = {"compact", "excel", "unix"}
"""Formats that write a day as a plain number. A column counts as such days only if its header means a day."""
_DIGIT = r"\d"
_LONG_TEXT = r"\S\s+\S+\s+\S|.{41}"
"""Pattern of free text: a value of three words or more, or of more than 40 characters."""
_FREE_TEXT_SHARE = 0.3
"""A column counts as free text if at least this share of its rows are free text."""
_CODE = r"^[\p{L}\p{N}#._/:+-]{1,64}$"
_NOT_A_CODE = r"^\+|^\d+\.\d+$|^0[1-9]\d{7,9}$|^0\d{1,3}[-./]\d|^\d{3}[-./]\d{3}[-./]\d{4}$|^\d{3}[-.]\d{4}$"
"""Pattern of a decimal number, or of a possible telephone number."""


_TIME = (
    r"([ T])(?:(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?: Uhr)?"
    r"|(?:0?\d|1[0-2]):[0-5]\d(?::[0-5]\d)? ?[AaPp][Mm])$"
)
"""Pattern of a time of day without a UTC offset, which does not change the day."""
# SQL that is equal for texts that are alike, given one of them as `text`.
SAME_TEXT = "text"
_SAME_DAY = (
    # The first two conditions are for speed.
    "case when strlen(text) <= 10 then text "
    "when cast(try_cast(text as timestamp) as varchar) = text then left(text, 11) || strlen(text) "
    rf"else regexp_replace(text, '{_TIME}', '\1') || strlen(text) || right(text, 1) end"
)
"""Texts of the same day, in the same notation: the digits of a time of day do not decide."""
SAME_SHAPE = (
    r"case when regexp_full_match(text, '[1-9]\d{0,14}') then 'n' || strlen(text) "
    r"when regexp_full_match(text, '[1-9]\d{0,14}\.\d\d') then 'n' || right(text, 3) || strlen(text) "
    "else regexp_replace(text, '[1-9]', '9', 'g') end"
)
"""Texts that differ only in their digits, which do not decide the notation of amounts; a zero may."""


_SAME_CODE = (
    r"case when regexp_full_match(text, '(?:[A-Za-z]{1,16}[-_]?|[1-9])\d{1,8}') "
    "then left(text, 1) || strlen(text) else text end"
)
"""Short codes with the same first letter and as many letters; they are too short for a personal number."""


_MISSING = pl.col("text").str.to_lowercase().is_in(MISSING_WORDS)


class Values(NamedTuple):
    """The values of a column that differ in a key."""

    texts: pl.DataFrame
    """The most frequent values first: text, rows."""
    filled: int
    """The number of rows with a value."""
    number: int
    """How many values differ."""


class Column:
    """One column of an inspected file: its header, its distinct values and the kind of these values.

    `kind` is the column in a sample of the rows.
    """

    def __init__(
        self, header: str, name: str, file: TextColumns, incident: Incident, table: str = "text_rows"
    ) -> None:
        self.header, self.name, self._file, self._incident, self._table = header, name, file, incident, table
        self.rows, self.scale = file.warehouse.count(table), stated_unit(header).scale
        sampled = table == file.sampled_table
        self.kind = self if sampled else Column(header, name, file, incident, file.sampled_table)

    # The properties below are computed when they are first used: parsing values in every format takes time,
    # and whoever looks for one column by its header needs it only for this column.

    def values(self, key: str) -> Values:
        """Return one of all values that are alike."""
        return self._file.values(self._table, self.name, key)

    @property
    def distinct(self) -> Values:
        """The distinct values with their number of rows."""
        return self.values(SAME_TEXT)

    @cached_property
    def codes(self) -> Values:
        """The distinct values, but one of all short codes that are alike."""
        return self.values(_SAME_CODE)

    @cached_property
    def named(self) -> dict[str, float]:
        """The shares of non-empty cells that name a service or a claimant type: service, claimant_type."""
        shares = dict[str, float]()
        for kind, known in self._incident.known_ids.items():
            named = (n for text, n in self.distinct.texts.iter_rows() if normalized_name(text) in known)
            shares[kind] = sum(named) / max(1, self.codes.filled)
        return shares

    @cached_property
    def personal(self) -> tuple[str, int] | None:
        """The kind of personal data in the column and the number of values with such data; None if none."""
        return find_personal_data(self.codes.texts["text"])

    @cached_property
    def day(self) -> FormatChoice:
        """The format of days that fits the values best."""
        # A complaint is filed between the start of the outage or of the claims window, whichever is earlier,
        # and the end of both.
        incident, outage = self._incident, self._incident.outage
        outage_days = [
            moment.astimezone(incident.zone).date() for moment in (outage.start, outage.end or outage.start)
        ]
        window = min(*outage_days, incident.claims_from), max(*outage_days, incident.claims_to)
        days = self.values(_SAME_DAY).texts.join(
            self._parsed_days, on="text", how="left", maintain_order="left"
        )
        return choose_day_formats(days, _rows(days, ~_MISSING) + self.rows - self.codes.filled, window)

    @cached_property
    def amount(self) -> FormatChoice:
        """The format of amounts that fits the values best."""
        return choose_amount_formats(
            self.values(SAME_SHAPE).texts.join(
                self._parsed_amounts, on="text", how="left", maintain_order="left"
            )
        )

    @property
    def _parsed_days(self) -> pl.DataFrame:
        zone, window = self._incident.time_zone, (self._incident.claims_from, self._incident.claims_to)
        days = {n: day_sql("text", [n], zone, window=window) for n in DATES}
        return self._file.parsed(self._table, self.name, _SAME_DAY, days)

    @property
    def _parsed_amounts(self) -> pl.DataFrame:
        digits, currency = self._incident.loss_digits, self._incident.loss_currency
        amounts = {
            n: amount_sql("text", [n], digits=digits, scale=self.scale, currency=currency) for n in AMOUNTS
        }
        return self._file.parsed(self._table, self.name, SAME_SHAPE, amounts)

    def share(self, condition: pl.Expr) -> float:
        """Return the share of inspected non-empty cells that meet a condition on the column `text`."""
        return _rows(self.codes.texts, condition) / max(1, int(self.codes.texts["rows"].sum()))

    @property
    def missing_words(self) -> list[tuple[str, int]]:
        """The values that often stand for a missing value, each with its number of rows."""
        return self.codes.texts.filter(_MISSING).rows()

    @property
    def free_text(self) -> bool:
        """Whether the column contains free text, such as sentences."""
        return self.share(pl.col("text").str.contains(_LONG_TEXT)) >= _FREE_TEXT_SHARE

    @property
    def decisions(self) -> float:
        """The share of inspected non-empty cells that say how far a claim has come."""
        decision = pl.col("text").map_elements(header_words.named_decision, return_dtype=pl.String)
        return self.share(decision.is_not_null())

    @cached_property
    def has_digits(self) -> bool:
        """Whether most values contain a digit, as days and amounts do."""
        return self.share(pl.col("text").str.contains(_DIGIT)) >= MIN_SHARE

    @cached_property
    def reads_as(self) -> str:
        """The kind of most values: nothing, service, claimant_type, day, amount, free text or text."""
        if self.kind is not self:
            return self.kind.reads_as
        if not self.codes.filled:
            return "nothing"
        for kind, share in self.named.items():
            if share >= MIN_SHARE:
                return kind
        if self.has_digits and self.day.score >= MIN_SHARE:
            formats = {*(self.day.formats or self.day.tied)}
            # Plain numbers are days only if the header means a day.
            if formats - NUMERIC_DAY_FORMATS or has_word(self.header, "filed", "time_of_filing"):
                return "day"
        if self.has_digits and self.amount.score >= MIN_SHARE:
            return "amount"
        return "free text" if self.free_text else "text"

    def first_and_last_day(self, formats: Sequence[str]) -> list[date]:
        """Return the first and the last day, in any of the formats; no day if none reads one."""
        days = ", ".join(day_sql("text", [name], self._incident.time_zone) for name in formats)
        column = quote_identifier(self.name)
        query = queries.load("first_and_last_day", name=column, key=_SAME_DAY, days=days)
        return [day for day in self._file.warehouse.frame(query).row(0) if day is not None]

    @property
    def formats(self) -> tuple[str, ...]:
        """The proposed formats of a column of days or amounts; none for other columns."""
        if self.reads_as == "day":
            return self.day.formats
        return self.amount.formats if self.reads_as == "amount" else ()

    @property
    def hidden(self) -> str | None:
        """A note to show instead of the values if they may be personal data; None if they may be shown.

        This concerns values that match no pattern of personal data, such as names and free text.
        """
        if header_words.means_personal_data(self.header) and self.reads_as not in self._incident.known_ids:
            return "(personal)"
        if self.reads_as == "free text":
            return "(free text)"
        # Names of people are mostly distinct.
        mostly_distinct = 1 < self.codes.filled < self.distinct.number / MIN_SHARE
        return "(text)" if self.reads_as == "text" and not self.has_digits and mostly_distinct else None

    @property
    def header_is_a_day(self) -> bool:
        """Whether the header itself is a day, like the values below.

        Above no values, only a day that is not written as a plain number counts.
        """
        if self.rows and self.reads_as != "day":
            return False
        formats = (*self.day.formats, *self.day.tied) if self.rows else DATES.keys() - NUMERIC_DAY_FORMATS
        parsed = self._parsed_days.filter(text=self.header.strip())
        return any(parsed[name].count() for name in formats)


@dataclass(frozen=True)
class TextColumns:
    """A complaint file whose columns are stored as text."""

    file: str
    warehouse: Warehouse
    format: FileFormat
    unit: str | None
    """The unit that the file states above its header."""

    sampled_table: str
    """The table of the rows that show of which kind most values are: all, if the file has few rows."""

    found: dict[tuple[str, str, str], Values] = field(default_factory=dict)
    """What `values` returned already."""
    readings: dict[tuple[str, ...], pl.DataFrame] = field(default_factory=dict)
    """What `parsed` returned already."""

    @classmethod
    def read(cls, path: Path, incident: Incident, layout: Layout) -> Self:
        """Read all columns of a file as text."""
        warehouse = Warehouse()
        with temporary_folder(limits.get().folder) as workspace:
            found, unit = read_unmapped(warehouse, path, incident, layout.merged_over(incident), workspace)
        step = warehouse.count("text_rows") // SAMPLED_ROWS
        if step > 1:
            warehouse.create("sampled_rows", f"from text_rows where hash(source_row) % {step} = 0")
        return cls(path.name, warehouse, found, unit, "sampled_rows" if step > 1 else "text_rows")

    def values(self, table: str, name: str, key: str) -> Values:
        """Return the most frequent values of a column that differ in a key."""
        place = table, name, key
        if place not in self.found:
            query = queries.load(
                "column_texts", table=table, name=quote_identifier(name), key=key, most=str(MAX_VALUES)
            )
            found = self.warehouse.frame(query)
            given, different = found.select("given", "different").row(0) if len(found) else (0, 0)
            self.found[place] = Values(found.select("text", "rows"), given, different)
        return self.found[place]

    def parsed(self, table: str, name: str, key: str, expressions: Mapping[str, str]) -> pl.DataFrame:
        """Return the values of a column that differ in a key, and the headers, in some notations.

        Texts without a digit are left out. In the sample, the values of all columns are parsed at once,
        because planning such a query takes longer than parsing a few values.
        """
        names = (
            [name] if table != self.sampled_table else [f"c{at}" for at in range(len(self.format.headers))]
        )
        place = table, key, *names, *expressions.values()
        if place not in self.readings:
            headers = pl.Series("text", [header.strip() for header in self.format.headers], dtype=pl.String)
            texts = pl.concat([headers, *(self.values(table, n, key).texts["text"] for n in names)]).unique()
            query = queries.load("text_readings", values=queries.listed_sql(expressions))
            inputs = {"texts": texts.filter(texts.str.contains(_DIGIT)).to_frame()}
            self.readings[place] = self.warehouse.frame(query, inputs=inputs)
        return self.readings[place]

    def columns(self, incident: Incident, scale: float | None = None) -> list[Column]:
        """Describe the columns under an incident, which defines names, currency and claims window.

        A `scale` that the caller states replaces those in the headers.
        """
        columns = [Column(header, f"c{at}", self, incident) for at, header in enumerate(self.format.headers)]
        for column in columns if scale is not None else ():
            column.scale = column.kind.scale = Decimal(str(scale))
        return columns


def header_is_a_complaint(columns: list[Column]) -> bool:
    """Return whether the supposed header of a file is a complaint, like the rows below it.

    It is one if it has personal data such as a phone number, or a day above a column of days. An amount, such
    as a year, and the name of a service may be headers.
    """
    headers = pl.Series([column.header for column in columns], dtype=pl.String)
    return bool(find_personal_data(headers)) or any(c.header and c.header_is_a_day for c in columns)


MIN_DISTINCT_SHARE = 0.9
"""Least share of distinct values in a column of claim ids. It is below 1 because files may repeat rows."""
MIN_CODE_SHARE = 0.95
"""Least share of rows whose value looks like a code, in a column of ids."""
MAX_LISTED = 5
"""Most columns that the text of a reason lists."""
IDS = ("claimant_id", "claim_id")
CHOICE_ORDER = ("service", "claimant_type", "filed_on", "loss", *IDS)
DECIDING_WORDS = {
    "service": "service",
    "claimant_type": "type",
    "filed_on": "filed",
    "loss": "loss",
    "claim_id": "claim",
}
"""Column of a claim -> kind of header words that decide if several columns of the file fit."""
CONSEQUENCES = {
    "claim_id": "Without it the id is the name of the file and the row, and a complaint that comes again in "
    "another row is not recognised: better name a column that is different in every row.",
    "claimant_id": "Without it a cost line that pays or caps per claimant is refused, and each claim "
    "counts as a claimant of its own.",
}
"""Id column of a claim -> what happens if no column of the file is proposed for it."""


@dataclass(frozen=True)
class Choice:
    """The proposal for one column of a claim, such as `loss`: a column of the inspected file, or none.

    Attributes:
        column: the proposed column of the file; None if no column is proposed.
        reason: why this column or no column is proposed, as text for the user.
        tied: the columns that fit equally well, if this is why no column is proposed.
    """

    column: Column | None
    reason: str
    tied: Sequence[Column] = ()


def choose_columns(
    columns: list[Column], layout: Layout, incident: Incident, names: Sequence[str] = CHOICE_ORDER
) -> dict[str, Choice]:
    """Propose, for each column of a claim (such as `loss`), the column of the file that contains it.

    A column with a known header is taken first. Otherwise the values decide. If several columns fit equally
    well, none is proposed.

    Args:
        columns: the columns of the file.
        layout: names headers. A column of a claim whose header it names itself is not chosen by its values.
        incident: defines names, currency and claims window.
        names: the columns of a claim to choose by values.
    """
    wanted = (*required_columns(incident), *OPTIONAL_COLUMNS, COUNT, *layout.columns)
    positions = layout.header_positions([column.header for column in columns], wanted)
    dimensions = {d.id for d in incident.dimensions}
    choices: dict[str, Choice] = {}
    for name, places in positions.items():
        if name in ("synthetic", CURRENCY) and name not in dimensions:
            continue
        known = [columns[at] for at in places]
        choices[name] = Choice(known[0], "the header is known")
        if len(known) > 1:
            choices[name] = Choice(None, f"{_header_list(known)} are both known headers", known)
        elif name in IDS and (fault := _unsafe_id_reason(known[0])):
            advice = f"so its column is read although it {fault}: rename the header, or remove the column"
            choices[name] = Choice(None, f"the header {quote_header(known[0])} is known, {advice}")
    computed_from = {normalized_name(h) for name in layout.computed for h in layout.parts(name).values()}
    taken = [columns[at] for places in positions.values() for at in places]
    taken += [column for column in columns if normalized_name(column.header) in computed_from]
    for name in names:
        if name in {*choices, *layout.constants} or layout.parts(name):
            continue
        if name in layout.columns:
            choices[name] = Choice(None, "no column has the header that is named for it")
            continue
        unused = [column for column in columns if column not in taken]
        choices[name] = _choose_by_values(name, unused, incident, headless=layout.header_row == 0)
        taken += filter(None, [choices[name].column])
    return choices


def _choose_by_values(name: str, unused: list[Column], incident: Incident, *, headless: bool) -> Choice:
    by_header = name in (*IDS, "loss")
    matches = [c for c in unused if _fits(name, c, incident, headless=headless)]
    if name == "loss" and matches and not headless and not any(has_word(c.header, "loss") for c in matches):
        # The header "amount" is ambiguous if the file also has a column such as "paid amount". Then both
        # columns match, so that neither is proposed.
        matches = [c for c in unused if c.reads_as == "amount" and has_word(c.header, "amount")]
    decided = [c for c in matches if name in DECIDING_WORDS and has_word(c.header, DECIDING_WORDS[name])]
    if len(matches) == 1:
        basis = f"the only column whose values {'and header ' if by_header and not headless else ''}fit"
        if headless and by_header:
            basis += ", and the file has no header that confirms it: check it"
        return Choice(matches[0], basis)
    if len(decided) == 1:
        return Choice(decided[0], f"of {_header_list(matches)}, the one whose header decides")
    if matches:
        return Choice(None, f"{_header_list(matches)} fit equally well", matches)
    return Choice(None, "no column is a safe id" if name in IDS else "no column fits")


def _fits(name: str, column: Column, incident: Incident, *, headless: bool) -> bool:
    """Return whether the values and the header of a column are those of a column of a claim.

    The header comes first: reading values in every format takes longest.
    """
    header, named, unnamed = column.header, column.kind.named, incident.window == "observed"
    if name in named:
        by_header = unnamed and has_word(header, DECIDING_WORDS[name]) and column.reads_as == "text"
        other_names = name == "claimant_type" and named["service"] >= MIN_SHARE
        return (named[name] >= MIN_SHARE or by_header) and not other_names
    if name == "decision":
        means_decision = header_words.means("decision", header) and not incident.rows
        return has_word(header, "decision") and (column.decisions >= MIN_SHARE or means_decision)
    if name == "paid":
        return header_words.means("paid", header, DECIMALS) and column.reads_as == "amount"
    if name == "filed_on":
        return column.reads_as == "day"
    if name == "loss":
        units = (incident.currency, incident.loss.unit)
        return (headless or header_words.means("loss", header, units)) and column.reads_as == "amount"
    if headless:  # Without a header, only the values can be used.
        id_like = name == "claim_id" and column.reads_as == "text" and column.distinct.number == column.rows
    elif name == "claim_id":
        id_like = header_words.means_claim_id(header)
    else:
        id_like = header_words.means("claimant_id", header)
    return id_like and _may_be_id(name, column)


def _may_be_id(name: str, column: Column) -> bool:
    """Return whether the values of a column may be the ids of claims or claimants."""
    if _unsafe_id_reason(column) or not column.codes.filled or column.reads_as == "day":
        return False
    text = pl.col("text")
    is_code = text.str.contains(_CODE) & text.str.contains(r"[0-9]") & ~text.str.contains(_NOT_A_CODE)
    if column.share(is_code) < MIN_CODE_SHARE:
        return False
    if name == "claim_id":
        return column.distinct.number >= MIN_DISTINCT_SHARE * column.rows
    # Small numbers may be counts.
    is_small = column.share(text.str.contains(r"^\d{1,3}$")) >= MIN_SHARE
    return not is_small or has_word(column.header, "identifier")


def _unsafe_id_reason(column: Column) -> str | None:
    """Return why a column must not be an id, even if its header fits; None if it may be one.

    A column with personal data or free text must not be an id.
    """
    if column.personal:
        kind, count = column.personal
        return f"holds personal data ({kind}, {count:,} values)"
    if header_words.means_personal_data(column.header):
        return "has the header of personal data"
    return "holds free text" if column.free_text else None


def _header_list(columns: Sequence[Column]) -> str:
    """Return the first headers of some columns in words: "a" and "b"."""
    return " and ".join(quote_header(column) for column in columns[:MAX_LISTED])


def quote_header(column: Column) -> str:
    """Return the header of a column in quotation marks.

    Personal data are masked and control characters escaped.
    """
    return toml_value(mask_personal_data(column.header))


def certain_formats(name: str, column: Column, file: str) -> tuple[str, ...]:
    """Return the formats of a column of days or amounts.

    Raises:
        UsageError: the values fit several formats that read them differently.
    """
    choice = column.day if name == "filed_on" else column.amount
    if choice.formats:
        return choice.formats
    problem = f"has values in no format that is known for {name}"
    remedy = f"Known: {listed_names(list(DATES if name == 'filed_on' else AMOUNTS))}"
    if choice.tied:
        problem = f"has values that fit the formats {' and '.join(choice.tied)}: {choice.reason}"
        remedy = "Name the format: " + either(
            f'formats={{"{name}": "{choice.tied[0]}"}}.',
            f'{name} = ["{choice.tied[0]}"] under [formats] of a --columns layout.',
        )
    raise UsageError(problem, file=masked_name(file), column=column.header, remedy=remedy)
