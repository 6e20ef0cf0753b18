"""Describe the columns of an unknown complaint file, and choose one for each column of a claim."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Self

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.cell_values import MISSING_WORDS
from outage_analysis.claims.header_words import (
    has_word,
    means_claim_id,
    means_claimant_id,
    means_loss,
    means_personal_data,
    named_decision,
)
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.read_files import read_unmapped
from outage_analysis.claims.source_file import OPTIONAL_COLUMNS, FileFormat, required_columns
from outage_analysis.claims.warehouse import Warehouse, limits
from outage_analysis.errors import InputRefused, UsageError, either
from outage_analysis.files import listed_names, temporary_folder, toml_value
from outage_analysis.incidents import COUNT, FILED_AT, Incident, Layout, normalized_name
from outage_analysis.text import (
    AMOUNTS,
    COMMA_AMOUNTS,
    CURRENCY,
    DATES,
    amount_sql,
    day_sql,
    find_personal_data,
    has_time,
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
        reason: why these formats are proposed, in numbers, as text for the user.
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
    readable = [n for n in DATES if days[n].null_count() < len(days)]
    remaining, formats = days, list[str]()
    while readable and len(remaining):
        weights: dict[str, float] = {}
        for name in readable:
            if not _differ(days, [name], formats) or _is_certain(days, name, formats, rows, window):
                read, inside = _rows_read_and_inside(remaining, [name], window)
                outside_weight = OUTSIDE_WEIGHT if name in FULL_YEAR_FORMATS else 0
                weights[name] = inside + outside_weight * (read - inside)
        best = max(weights, key=lambda name: weights[name], default="")
        if not best or not weights[best]:
            break
        least = (1 - TIE_MARGIN) * weights[best]
        rivals = [n for n in weights if weights[n] > least and _differ(remaining, [n], [best])]
        pairs = ((n, other) for n in (best, *rivals) for other in (best, *rivals) if n != other)
        if rivals and not all(_is_certain(days, n, [other], rows, window) for n, other in pairs):
            if formats:
                break
            tied = [n for n in DATES if n in (best, *rivals)]
            differing = pl.any_horizontal([pl.col(tied[0]) != pl.col(n) for n in tied[1:]])
            row = remaining.filter(differing).row(0, named=True)
            readings = " or ".join(f"{row[n]} ({n})" for n in tied if row[n] is not None)
            reason = f'"{row["text"]}" is {readings}, and neither the claims window nor the other rows decide'
            share = _rows_read_and_inside(days, [best], window)[1] / rows
            return FormatChoice((), share, reason, tuple(tied))
        formats.append(best)
        remaining = remaining.filter(pl.col(best).is_null())
    if not formats:
        outside = [n for n in readable if _rows_read_and_inside(days, [n], window)[0] >= MIN_SHARE * rows]
        reason = _day_reason(days, outside[:1], rows, window) if outside else ""
        return FormatChoice((), 0.0, reason, tuple(outside))
    inside = _rows_read_and_inside(days, formats, window)[1]
    return FormatChoice(tuple(formats), inside / rows, _day_reason(days, formats, rows, window))


def _is_certain(
    days: pl.DataFrame, name: str, others: Sequence[str], rows: int, window: tuple[date, date]
) -> bool:
    """Return whether enough values are days in the window that only this format, and no other, can read."""
    only = days.filter(pl.all_horizontal(pl.lit(value=True), *(pl.col(n).is_null() for n in others)))
    return _rows_read_and_inside(only, [name], window)[1] >= max(1, MIN_CERTAIN_SHARE * rows)


def _day_reason(days: pl.DataFrame, formats: Sequence[str], rows: int, window: tuple[date, date]) -> str:
    """Return the reason for a choice of day formats: the share of rows that they can read.

    The text also names other formats that would read many rows differently.
    """
    rows_read, inside = _rows_read_and_inside(days, formats, window)
    inside_any = inside
    reason = (
        f"{_formats_read(formats)} {percent(rows_read, rows)} of the rows, "
        f"{percent(inside, rows_read)} of these days are in the claims window "
        f"({window[0]} to {window[1]})"
    )
    for other in DATES:
        rows_read, inside = _rows_read_and_inside(days, [other], window)
        if rows_read >= MIN_SHARE * rows and _differ(days, [other], formats):
            inside_any += inside
            reason += (
                f"; {other} would read {percent(rows_read, rows)}, {percent(inside, rows_read)} in the window"
            )
    if _differ(days, formats, formats):
        reason += "; a day that they read differently is the one in the claims window, or a reject"
    return reason if inside_any else f"{reason}: is it the right incident?"


def _rows_read_and_inside(
    days: pl.DataFrame, names: Sequence[str], window: tuple[date, date]
) -> tuple[int, int]:
    """Return how many rows the formats can read, and how many of these days are in `window`.

    A value that two formats read as different days counts only if exactly one of these days is in the window.
    """
    readings = pl.concat_list(names).list.drop_nulls().list.unique()
    possible = readings.list.eval(pl.element().filter(pl.element().is_between(*window)))
    inside = possible.list.len() == 1
    read = (readings.list.len() == 1) | inside
    counted = days.select(read=pl.col("rows").filter(read).sum(), inside=pl.col("rows").filter(inside).sum())
    return int(counted["read"].item()), int(counted["inside"].item())


def _differ(values: pl.DataFrame, names: Iterable[str], others: Iterable[str]) -> bool:
    """Return whether a format of `names` and a format of `others` read some value differently."""
    differing = [pl.col(n) != pl.col(o) for n in names for o in others if n != o]
    return bool(differing) and values.select(pl.any_horizontal(differing).any()).item() is True


def choose_amount_formats(amounts: pl.DataFrame) -> FormatChoice:
    """Choose as few amount formats as possible that together read a column.

    The formats agree on whether a point or a comma separates the decimals.

    Args:
        amounts: one row per distinct value: text, rows, and one column of parsed amounts per format.
    """
    text = pl.col("text")
    point, comma, unclear = (
        int(amounts.filter(text.str.contains(marks))["rows"].sum())
        for marks in (_WESTERN_MARKS, _EUROPEAN_MARKS, _EITHER_MARK)
    )
    rows_read, filled = _rows_read(amounts, list(AMOUNTS)), _stated_rows(amounts)
    if not rows_read:
        return FormatChoice()
    tied = abs(point - comma) <= TIE_MARGIN * max(point, comma)
    if tied and point:
        examples = [_example(amounts, marks) for marks in (_WESTERN_MARKS, _EUROPEAN_MARKS)]
        reason = f'in "{examples[0]}" a point starts the decimals, in "{examples[1]}" a comma'
        return FormatChoice((), rows_read / filled, reason, ("grouped", "european"))
    if tied and unclear and _rows_read(amounts, COMMA_AMOUNTS) > _rows_read(amounts, WESTERN_FORMATS):
        example = _example(amounts, _EITHER_MARK)
        european = max(COMMA_AMOUNTS, key=lambda name: _rows_read(amounts, [name]))
        reason = (
            f'"{example}" is {example.replace(".", "")} ({european}), or has three decimals, which no format '
            "reads"
        )
        return FormatChoice((), rows_read / filled, reason, (european,))
    names, remaining, formats = (COMMA_AMOUNTS if comma > point else WESTERN_FORMATS), amounts, list[str]()
    while len(remaining):
        best = max(names, key=lambda name: _rows_read(remaining, [name]))
        if not _rows_read(remaining, [best]):
            break
        formats.append(best)
        remaining = remaining.filter(pl.col(best).is_null())
    rows_read = _rows_read(amounts, formats)
    reason = f"{_formats_read(formats)} {percent(rows_read, filled)} of the amounts" if formats else ""
    return FormatChoice(tuple(formats), rows_read / filled, reason)


def _example(amounts: pl.DataFrame, marks: str) -> str:
    """Return the first readable amount whose text matches a pattern, with personal data masked."""
    readable = amounts.filter(pl.any_horizontal(pl.col(list(AMOUNTS)).is_not_null()))
    return mask_personal_data(str(readable.filter(pl.col("text").str.contains(marks))["text"].first()))


def _formats_read(formats: Sequence[str]) -> str:
    return f"{' and '.join(formats)} {'reads' if len(formats) == 1 else 'read'}"


def _rows_read(amounts: pl.DataFrame, names: Sequence[str]) -> int:
    """Return the number of rows whose amount at least one of the formats can read."""
    if not names:
        return 0
    return int(amounts.filter(pl.any_horizontal(pl.col(names).is_not_null()))["rows"].sum())


def percent(part: int, total: int) -> str:
    """Return a share in whole percent.

    The result is 100% only if the share is 1, and 0% only if it is 0.
    """
    share = round(100 * part / total) if total else 0
    return f"{min(99, max(1, share)) if 0 < part < total else share}%"


MAX_VALUES = 100_000
"""Most distinct values of a column that are inspected. The most frequent ones are taken."""
SAMPLED_ROWS = 2_000
"""Number of rows, about, that show of which kind most values of a column are, in a file with many rows."""
NUMERIC_DAY_FORMATS = {"compact", "excel", "unix"}
"""Formats that write a day as a plain number. A column counts as such days only if its header means a day."""
_NO_DAY = r"^\d+(?:\.\d+)?$|^[A-Za-z]+[-_]?\d{5,}$"
"""Pattern of texts that only `NUMERIC_DAY_FORMATS` or no format at all can read."""
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
_SAME_TEXT = "text"
_SAME_DAY = (
    # The first two conditions are for speed.
    "case when strlen(text) <= 10 then text "
    "when cast(try_cast(text as timestamp) as varchar) = text then left(text, 11) || strlen(text) "
    rf"else regexp_replace(text, '{_TIME}', '\1') || strlen(text) || right(text, 1) end"
)
"""Texts of the same day, in the same notation: the digits of a time of day do not decide."""
_SAME_SHAPE = (
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


def _stated_rows(values: pl.DataFrame) -> int:
    """Return the number of rows of these values, without words for a missing value."""
    return int(values.filter(~_MISSING)["rows"].sum())


Readings = tuple[pl.DataFrame, dict[str, object]]
"""Values with one more column per notation, which contains the parsed values; and the header, parsed so."""


class Column:
    """One column of an inspected file: its header, its distinct values and the kind of these values.

    `kind` is the column in a sample of the rows. `together` are the columns whose values are parsed by the
    same queries, because planning such a query takes longer than parsing a few values.
    """

    def __init__(
        self, header: str, name: str, file: TextColumns, incident: Incident, table: str = "text_rows"
    ) -> None:
        self.header, self.name, self._file, self._incident, self._table = header, name, file, incident, table
        self.rows, self.scale = file.warehouse.count(table), stated_unit(header).scale
        sampled = table == file.sampled_table
        self.kind = self if sampled else Column(header, name, file, incident, file.sampled_table)
        self.together: Sequence[Column] = (self,)
        self.readings: dict[str, Readings] = {}

    # The properties below are computed when they are first used: parsing values in every format takes time,
    # and whoever looks for one column by its header needs it only for this column.

    @property
    def texts(self) -> pl.DataFrame:
        """The distinct values with their number of rows, the most frequent first."""
        return self._file.values(self._table, self.name, _SAME_TEXT)[0]

    @property
    def _codes(self) -> pl.DataFrame:
        """The values as in `texts`, but one of all short codes that are alike."""
        return self._file.values(self._table, self.name, _SAME_CODE)[0]

    @property
    def shapes(self) -> pl.DataFrame:
        """The values as in `texts`, but one of all that differ only in their digits."""
        return self._file.values(self._table, self.name, _SAME_SHAPE)[0]

    @property
    def filled(self) -> int:
        """The number of rows with a value."""
        return self._file.values(self._table, self.name, _SAME_CODE)[1]

    @property
    def distinct(self) -> int:
        """The number of distinct values."""
        return self._file.values(self._table, self.name, _SAME_TEXT)[2]

    @cached_property
    def named(self) -> dict[str, float]:
        """The shares of non-empty cells that name a service or a claimant type: service, claimant_type."""
        rows = {
            kind: sum(rows for text, rows in self.texts.iter_rows() if normalized_name(text) in known)
            for kind, known in self._incident.known_ids.items()
        }
        return {kind: named / max(1, self.filled) for kind, named in rows.items()}

    @cached_property
    def personal(self) -> tuple[str, int] | None:
        """The kind of personal data in the column and the number of values with such data; None if none."""
        return find_personal_data(self._codes["text"])

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
        days = self._parsed_days[0]
        return choose_day_formats(days, _stated_rows(days) + self.rows - self.filled, window)

    @cached_property
    def amount(self) -> FormatChoice:
        """The format of amounts that fits the values best."""
        return choose_amount_formats(self._parsed_amounts[0])

    @cached_property
    def missing_words(self) -> dict[str, int]:
        """The values that often stand for a missing value, with their number of rows."""
        return dict(self._codes.filter(_MISSING).iter_rows())

    @cached_property
    def _parsed_days(self) -> Readings:
        window = (self._incident.claims_from, self._incident.claims_to)
        days = {n: day_sql("text", [n], self._incident.time_zone, window=window) for n in DATES}
        return self._parsed(days, _SAME_DAY, lambda column: column.may_have_days)

    @cached_property
    def _parsed_amounts(self) -> Readings:
        incident, scale = self._incident, self.scale
        digits, code = incident.loss_digits, incident.loss_currency
        amounts = {n: amount_sql("text", [n], digits=digits, scale=scale, currency=code) for n in AMOUNTS}
        return self._parsed(amounts, _SAME_SHAPE, lambda column: column.has_digits and column.scale == scale)

    def _parsed(self, expressions: dict[str, str], key: str, worth_it: Callable[[Column], bool]) -> Readings:
        """Return how the values that differ in a key read in some notations.

        Those of the columns `together` are parsed, too, if they are worth it.
        """
        values = queries.listed_sql(expressions)
        if values not in self.readings:
            frames = []
            for place, column in enumerate(self.together):
                if column is self or worth_it(column):
                    header = pl.DataFrame({"text": [column.header.strip()], "rows": [0]})
                    both = pl.concat(
                        [self._file.values(self._table, column.name, key)[0], header], how="vertical_relaxed"
                    )
                    frames.append(both.with_columns(place=pl.lit(place)))
            query = queries.load("text_readings", values=values)
            found = self._file.warehouse.frame(query, inputs={"texts": pl.concat(frames)})
            for (place,), own in found.partition_by("place", as_dict=True, include_key=False).items():
                header_readings = own.filter(rows=0).row(0, named=True)
                self.together[place].readings[values] = own.filter(pl.col("rows") > 0), header_readings
        return self.readings[values]

    def share(self, condition: pl.Expr) -> float:
        """Return the share of inspected non-empty cells that meet a condition on the column `text`."""
        texts = self._codes
        return int(texts.filter(condition)["rows"].sum()) / max(1, int(texts["rows"].sum()))

    @property
    def free_text(self) -> bool:
        """Whether the column contains free text, such as sentences."""
        return self.share(pl.col("text").str.contains(_LONG_TEXT)) >= _FREE_TEXT_SHARE

    @property
    def decisions(self) -> float:
        """The share of inspected non-empty cells that say how far a claim has come."""
        return self.share(pl.col("text").map_elements(named_decision, return_dtype=pl.String).is_not_null())

    @cached_property
    def has_digits(self) -> bool:
        """Whether most values contain a digit, as days and amounts do."""
        return self.share(pl.col("text").str.contains(r"\d")) >= MIN_SHARE

    @property
    def may_be_day(self) -> bool:
        """Whether the column may contain days: some format can read most rows as days.

        If the days are written as plain numbers, the header must also mean a day.
        """
        if not self.kind.may_have_days:
            return False
        day = self.kind.day
        numeric = NUMERIC_DAY_FORMATS.issuperset(day.formats or day.tied)
        return bool(day.reason) and (not numeric or has_word(self.header, "filed", "time_of_filing"))

    @cached_property
    def may_have_days(self) -> bool:
        """Whether values have digits, and the header means a day if all are plain numbers or codes."""
        if not self.has_digits or has_word(self.header, "filed", "time_of_filing"):
            return self.has_digits
        return not self._codes["text"].str.contains(_NO_DAY).all()

    @property
    def fits_days(self) -> bool:
        """Whether most values can be read as days; they may still be names of services or claimant types."""
        return self.may_be_day and self.kind.day.score >= MIN_SHARE

    @cached_property
    def reads_as(self) -> str:
        """The kind of most values: nothing, service, claimant_type, day, amount, free text or text."""
        if self.kind is not self:
            return self.kind.reads_as
        if not self.filled:
            return "nothing"
        for kind, share in self.named.items():
            if share >= MIN_SHARE:
                return kind
        if self.fits_days:
            return "day"
        if self.has_digits and self.amount.score >= MIN_SHARE:
            return "amount"
        return "free text" if self.free_text else "text"

    def first_and_last_day(self, formats: Sequence[str]) -> list[date]:
        """Return the first and the last day of each format. A format that reads no day adds none."""
        name, days = quote_identifier(self.name), list[date | None]()
        for format_ in formats:
            day = day_sql("text", [format_], self._incident.time_zone)
            query = queries.load("first_and_last_day", name=name, key=_SAME_DAY, day=day)
            days += self._file.warehouse.frame(query).row(0)
        return [day for day in days if day is not None]

    def format_choice(self, reads_as: str) -> FormatChoice:
        """Return the proposed formats if `reads_as` is day or amount; otherwise an empty choice."""
        if reads_as == "day":
            return self.day
        return self.amount if reads_as == "amount" else FormatChoice()

    @property
    def hidden(self) -> str | None:
        """A note to show instead of the values if they may be personal data; None if they may be shown.

        This concerns values that match no pattern of personal data, such as names and free text.
        """
        if means_personal_data(self.header) and self.reads_as not in ("service", "claimant_type"):
            return "(personal)"
        if self.reads_as == "free text":
            return "(free text)"
        if self.reads_as != "text" or self.has_digits:
            return None
        # Names of people are mostly distinct.
        return "(text)" if 1 < self.filled < self.distinct / MIN_SHARE else None

    def header_is(self, kind: str) -> bool:
        """Return whether the header itself is a day, amount or name (`kind`), like the values below.

        Above no values, only a day that is not written as a plain number counts.
        """
        if kind in self._incident.known_ids:
            return normalized_name(self.header) in self._incident.known_ids[kind]
        cells = (self._parsed_days if kind == "day" else self._parsed_amounts)[1]
        choice = self.format_choice(kind)
        formats = (*choice.formats, *choice.tied) if self.rows else DATES.keys() - NUMERIC_DAY_FORMATS
        return any(cells[name] is not None for name in formats)

    def summary(self) -> tuple[object, ...]:
        """Return the row that describes this column in the table of columns.

        The row contains the kind of values, formats, share of missing values, number of distinct values, kind
        of personal data, and an example.
        """
        missing = 1 - self.filled / self.rows if self.rows else 1.0
        kind = self.personal[0] if self.personal else None
        if kind is None and self.hidden == "(personal)":
            kind = "by its header"
        example = (self.hidden or mask_personal_data(self.texts["text"][0])) if self.filled else None
        formats = ", ".join(self.format_choice(self.reads_as).formats) or None
        return self.reads_as, formats, round(missing, 4), self.distinct, kind, example


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

    found: dict[tuple[str, str, str], tuple[pl.DataFrame, int, int]] = field(default_factory=dict)
    """What `values` returned already."""

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

    @property
    def headers(self) -> list[str]:
        """The headers of the columns."""
        return list(self.format.headers)

    def values(self, table: str, name: str, key: str) -> tuple[pl.DataFrame, int, int]:
        """Return the most frequent values of a column that differ in a key, and how many rows and values."""
        place = table, name, key
        if place not in self.found:
            query = queries.load(
                "column_texts", table=table, name=quote_identifier(name), key=key, most=str(MAX_VALUES)
            )
            found = self.warehouse.frame(query)
            given, different = found.select("given", "different").row(0) if len(found) else (0, 0)
            self.found[place] = found.select("text", "rows"), given, different
        return self.found[place]

    def columns(self, incident: Incident, scale: float | None = None) -> list[Column]:
        """Describe the columns under an incident, which defines names, currency and claims window.

        A `scale` that the caller states replaces those in the headers.
        """
        columns = [Column(header, f"c{at}", self, incident) for at, header in enumerate(self.headers)]
        kinds = [column.kind for column in columns]
        for column in columns:
            column.kind.together = kinds
            if scale is not None:
                column.scale = column.kind.scale = Decimal(str(scale))
        return columns


def header_is_a_complaint(columns: list[Column], *, file: str, row: int | None) -> bool:
    """Return whether the supposed header of a file is a complaint, like the rows below it.

    If a cell is a day above a column of days, or personal data such as a phone number, the row is a
    complaint. If a cell is an amount above amounts, such as a year, or the name of a service, the row may
    still be a header.

    Args:
        columns: the columns below the supposed header.
        file: the name of the file, for the error message.
        row: the row number of the supposed header; None if the file has no header row, as in Parquet.

    Raises:
        InputRefused: some cells look like the cells below and others do not.
    """
    headers = pl.Series([column.header for column in columns], dtype=pl.String)
    if find_personal_data(headers):
        return True
    is_value: dict[str, list[bool]] = {"day": [], "amount": [], "service": [], "claimant_type": []}
    for column in columns:
        kind = column.reads_as if column.rows else "day"
        if column.header and kind in is_value:
            is_value[kind].append(column.header_is(kind))
    if any(is_value["day"]):
        return True
    values, names = is_value["day"] + is_value["amount"], is_value["service"] + is_value["claimant_type"]
    # A word such as "channel" may be the name of a service or a column header. So it is ignored if the header
    # cells above days and amounts are no values. If there are no such columns, it is unclear what the row is.
    if not any(values) and (values or not any(names)):
        return False
    if (values and all(values + names)) or row is None:
        return row is not None
    raise InputRefused(
        "has a first row that may be a header or a complaint",
        file=file,
        row=row,
        remedy=f"Write header_row = 0 (no header) or header_row = {row} into a layout and give it "
        f"as {either('columns=...', '--columns')}.",
    )


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
    "claimant_id": "Without it a policy line that pays or caps per claimant is refused, and each claim "
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


def choose_columns(columns: list[Column], layout: Layout, incident: Incident) -> dict[str, Choice]:
    """Propose, for each column of a claim (such as `loss`), the column of the file that contains it.

    A column with a known header is taken first. Otherwise the values decide. If several columns fit equally
    well, none is proposed.
    """
    wanted = (*required_columns(incident), *OPTIONAL_COLUMNS, COUNT)
    positions = layout.header_positions([column.header for column in columns], wanted)
    computed_from = {normalized_name(h) for name in layout.computed for h in layout.parts(name).values()}
    used = {at for places in positions.values() for at in places}
    unused = [
        column
        for at, column in enumerate(columns)
        if at not in used and normalized_name(column.header) not in computed_from
    ]
    choices: dict[str, Choice] = {}
    for name, places in positions.items():
        if name in ("synthetic", CURRENCY) and name not in (d.id for d in incident.dimensions):
            continue
        known = [columns[at] for at in places]
        fault = _unsafe_id_reason(known[0]) if name in IDS else None
        if len(known) > 1:
            choices[name] = Choice(None, f"{_header_list(known)} are both known headers", known)
        elif fault:
            reason = (
                f"the header {quote_header(known[0])} is known, so its column is read although it {fault}"
            )
            choices[name] = Choice(None, f"{reason}: rename the header, or remove the column")
        else:
            choices[name] = Choice(known[0], "the header is known")
    for name in CHOICE_ORDER:
        if name not in choices and name not in layout.constants and not layout.parts(name):
            choices[name] = _choose_by_values(name, unused, incident, headless=layout.header_row == 0)
            unused = [column for column in unused if column is not choices[name].column]
    return choices


def _choose_by_values(name: str, unused: list[Column], incident: Incident, *, headless: bool) -> Choice:
    fits: dict[str, Callable[[Column], bool]] = {
        "service": lambda c: c.kind.named["service"] >= MIN_SHARE,
        "claimant_type": lambda c: c.kind.named["service"] < MIN_SHARE <= c.kind.named["claimant_type"],
        "filed_on": lambda c: c.fits_days and c.reads_as == "day",  # amounts are read only if it may be true
        "loss": lambda c: (  # the header first: reading values in every format takes longest
            (headless or means_loss(c.header, (incident.currency, incident.loss.unit)))
            and c.reads_as == "amount"
        ),
        "claim_id": lambda c: means_claim_id(c.header) and id_fault(name, c) is None,
        "claimant_id": lambda c: means_claimant_id(c.header) and id_fault(name, c) is None,
    }
    if headless:  # Without a header, only the values can be used.
        fits["claim_id"] = lambda c: (
            c.reads_as == "text" and id_fault(name, c) is None and c.distinct == c.rows
        )
    by_header = name in (*IDS, "loss")
    matches = [c for c in unused if fits[name](c)]
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
    return Choice(None, _reason_for_none(name, unused, headless=headless))


def id_fault(name: str, column: Column) -> str | None:
    """Return why a column cannot be the id of a claim or claimant; None if it can."""
    unsafe = _unsafe_id_reason(column)
    if unsafe or not column.filled:
        return unsafe or "is empty"
    if column.fits_days and column.reads_as == "day":  # `reads_as` is slow for many ids
        return "holds days"
    text = pl.col("text")
    is_code = text.str.contains(_CODE) & text.str.contains(r"[0-9]") & ~text.str.contains(_NOT_A_CODE)
    if (codes := column.share(is_code)) < MIN_CODE_SHARE:
        return f"holds values that are no codes ({1 - codes:.0%} of its values)"
    if name == "claim_id" and column.distinct < MIN_DISTINCT_SHARE * column.rows:
        return f"has only {column.distinct:,} different values in {column.rows:,} rows"
    if (
        name == "claimant_id"
        and column.share(text.str.contains(r"^\d{1,3}$")) >= MIN_SHARE
        and not has_word(column.header, "identifier")
    ):
        return "holds small numbers, which may be counts"
    return None


def _unsafe_id_reason(column: Column) -> str | None:
    """Return why a column must not be an id, even if its header fits; None if it may be one.

    A column with personal data or free text must not be an id.
    """
    if column.personal:
        kind, count = column.personal
        return f"holds personal data ({kind}, {count:,} values)"
    if means_personal_data(column.header):
        return "has the header of personal data"
    return "holds free text" if column.free_text else None


def evidence(name: str, column: Column) -> str:
    """Return a text that supports a proposed column with numbers: "950 different values in 1,000 rows".

    It counts all values, so it takes longer than the choice.
    """
    if name in ("filed_on", FILED_AT):
        reasons = [] if column.day.tied else [column.day.reason]
        if timed := sum(rows for text, rows in column.kind.texts.iter_rows() if has_time(text)):
            reasons.append(f"{percent(timed, column.kind.rows)} of the rows state a time of day")
        return "; ".join(filter(None, reasons))
    if name == "loss":
        return "" if column.amount.tied else column.amount.reason
    if name in IDS:
        return f"{column.distinct:,} different values in {column.rows:,} rows"
    return f"{column.named[name]:.0%} of its values are names of the incident" if name in column.named else ""


def _reason_for_none(name: str, unused: list[Column], *, headless: bool) -> str:
    if name == "filed_on":
        days = [f"{quote_header(c)}: {c.day.reason}" for c in unused if c.may_be_day][:MAX_LISTED]
        return "; ".join(["no column is certain to hold days in the claims window", *days])
    if name == "loss":
        amounts = [c for c in unused if c.reads_as == "amount"]
        ending = f"; amounts are in {_header_list(amounts)}" if amounts else ""
        return f"no column of amounts has a header that says loss{ending}"
    if name not in IDS:
        return "no column holds names of the incident"
    reasons = ["no column is a safe id"]
    if headless:
        if safe := [c for c in unused if id_fault(name, c) is None]:
            reasons.append(f"{_header_list(safe)} may hold ids, but no header says of what")
    else:
        kinds = ("claim", "identifier") if name == "claim_id" else ("claimant",)
        similar = [c for c in unused if has_word(c.header, *kinds)][:MAX_LISTED]
        other = "has a header of another meaning"
        reasons += [f"{quote_header(c)} {id_fault(name, c) or other}" for c in similar]
    return "; ".join(reasons)


def _header_list(columns: Sequence[Column]) -> str:
    """Return the headers of some columns as a list in words: "a", "b" and "c"."""
    headers = [quote_header(column) for column in columns[:MAX_LISTED]]
    if len(columns) > MAX_LISTED:
        headers.append(f"{len(columns) - MAX_LISTED} more")
    return " and ".join(filter(None, (", ".join(headers[:-1]), headers[-1])))


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
    file = masked_name(file)
    if not choice.tied:
        known = listed_names(list(DATES if name == "filed_on" else AMOUNTS))
        problem = f"has values in no format that is known for {name}"
        raise UsageError(problem, file=file, column=column.header, remedy=f"Known: {known}")
    raise UsageError(
        f"has values that fit the formats {' and '.join(choice.tied)}: {choice.reason}",
        file=file,
        column=column.header,
        remedy="Name the format: "
        + either(
            f'formats={{"{name}": "{choice.tied[0]}"}}.',
            f'{name} = ["{choice.tied[0]}"] under [formats] of a --columns layout.',
        ),
    )
