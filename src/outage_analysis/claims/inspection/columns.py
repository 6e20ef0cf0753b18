"""Describe one column of an inspected file by the words of its header and by its values."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.decisions import is_decision
from outage_analysis.claims.header_words import FILED, TIME, has_word, means_personal_data
from outage_analysis.claims.inspection.value_formats import (
    MIN_SHARE,
    FilingWindow,
    FormatChoice,
    choose_amount_formats,
    choose_day_formats,
)
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.readers.cell_values import MISSING_WORDS
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.incidents import Incident, NamedItem, normalized_name
from outage_analysis.text import (
    AMOUNTS,
    DATES,
    amount_sql,
    day_sql,
    find_personal_data,
    has_time,
    mask_personal_data,
    stated_unit,
)

MAX_VALUES = 100_000
"""Most distinct values of a column that are inspected. The most frequent ones are taken."""
NUMERIC_DAY_FORMATS = {"compact", "excel", "unix"}
"""Formats that write a day as a plain number. A column counts as such days only if its header means a day."""
_LONG_TEXT = r"\S\s+\S+\s+\S|.{41}"
"""Pattern of free text: a value of three words or more, or of more than 40 characters."""
_FREE_TEXT_SHARE = 0.3
"""A column counts as free text if at least this share of its rows are free text."""
_CODE = r"^[\p{L}\p{N}#._/:+-]{1,64}$"
_NOT_A_CODE = r"^\+|^\d+\.\d+$|^0[1-9]\d{7,9}$|^0\d{1,3}[-./]\d|^\d{3}[-./]\d{3}[-./]\d{4}$|^\d{3}[-.]\d{4}$"
"""Pattern of a decimal number, or of a possible telephone number."""


class Column:
    """One column of an inspected file: its header, its distinct values and the kind of these values.

    `days` and `amounts` are `texts` with one more column per format, which contains the parsed values.
    """

    def __init__(self, warehouse: Warehouse, name: str, header: str, incident: Incident) -> None:
        self.name, self.header = name, header
        self.scale = stated_unit(header).scale
        self._headed = pl.DataFrame({"text": [header.strip()], "rows": [0]})
        self._warehouse, self._incident = warehouse, incident

    # The properties below are computed when they are first used: parsing 100,000 values in every format takes
    # seconds, and whoever looks for one column by its header needs it only for this column.

    @cached_property
    def texts(self) -> pl.DataFrame:
        """The distinct values with their number of rows, the most frequent first."""
        query = queries.load("column_texts", name=quote_identifier(self.name), most=str(MAX_VALUES))
        return self._warehouse.frame(query)

    @cached_property
    def _counts(self) -> tuple[int, ...]:
        query = queries.load("column_counts", name=quote_identifier(self.name))
        return self._warehouse.frame(query).row(0)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self._counts[0]

    @property
    def filled(self) -> int:
        """The number of rows with a value."""
        return self._counts[1]

    @property
    def distinct(self) -> int:
        """The number of distinct values."""
        return self._counts[2]

    @property
    def _counted(self) -> int:
        """The number of cells whose values are inspected.

        It is less than `filled` if the column has more than MAX_VALUES distinct values.
        """
        return int(self.texts["rows"].sum())

    @cached_property
    def services(self) -> float:
        """The share of non-empty cells that name a service."""
        return self._share_named(self._incident.services)

    @cached_property
    def claimant_types(self) -> float:
        """The share of non-empty cells that name a claimant type."""
        return self._share_named(self._incident.claimant_types)

    @cached_property
    def personal(self) -> tuple[str, int] | None:
        """The kind of personal data in the column and the number of values with such data; None if none."""
        return find_personal_data(self.texts["text"])

    @property
    def days(self) -> pl.DataFrame:
        """The distinct values, with one column per format of days."""
        return self._parsed_days[0]

    @property
    def amounts(self) -> pl.DataFrame:
        """The distinct values, with one column per format of amounts."""
        return self._parsed_amounts[0]

    @cached_property
    def day(self) -> FormatChoice:
        """The format of days that fits the values best."""
        window = FilingWindow.from_incident(self._incident)
        stated = self._counted - self._missing_rows
        return choose_day_formats(self.days, stated + self.rows - self.filled, window)

    @property
    def timed(self) -> int:
        """The number of inspected rows with a time of day other than midnight."""
        return sum(rows for text, rows in self.texts.iter_rows() if has_time(text))

    @cached_property
    def amount(self) -> FormatChoice:
        """The format of amounts that fits the values best."""
        return choose_amount_formats(self.amounts, self._counted - self._missing_rows)

    @cached_property
    def missing_words(self) -> dict[str, int]:
        """The values that often stand for a missing value, with their number of rows."""
        known = pl.col("text").str.to_lowercase().is_in(MISSING_WORDS)
        return dict(self.texts.filter(known).iter_rows())

    @property
    def _missing_rows(self) -> int:
        return sum(self.missing_words.values())

    @cached_property
    def _parsed_days(self) -> tuple[pl.DataFrame, dict[str, object]]:
        window = (self._incident.claims_from, self._incident.claims_to)
        zone = self._incident.time_zone
        return self._values({n: day_sql("text", [n], zone, window=window) for n in DATES})

    @cached_property
    def _parsed_amounts(self) -> tuple[pl.DataFrame, dict[str, object]]:
        digits, code = self._incident.loss_digits, self._incident.loss_currency
        return self._values(
            {n: amount_sql("text", [n], digits=digits, scale=self.scale, currency=code) for n in AMOUNTS}
        )

    def _values(self, expressions: dict[str, str]) -> tuple[pl.DataFrame, dict[str, object]]:
        """Parse the values and the header of the column in every format for days, or for amounts.

        Returns:
            A table with one row per value and one column per format, and the header as parsed by each format.
        """
        self._warehouse.load("_texts", pl.concat([self.texts, self._headed], how="vertical_relaxed"))
        values = ", ".join(f"{sql} as {quote_identifier(name)}" for name, sql in expressions.items())
        frame = self._warehouse.frame(queries.load("text_readings", values=values))
        return frame.filter(pl.col("rows") > 0), frame.filter(pl.col("rows") == 0).row(0, named=True)

    def _share_named(self, items: Sequence[NamedItem]) -> float:
        """Return the share of non-empty cells that name one of these services or claimant types."""
        spellings = {s for item in items for s in item.spellings()}
        rows = sum(rows for text, rows in self.texts.iter_rows() if normalized_name(text) in spellings)
        return rows / self.filled if self.filled else 0.0

    def share(self, condition: pl.Expr) -> float:
        """Return the share of inspected non-empty cells that meet a condition on the column `text`."""
        rows = self._counted
        return int(self.texts.filter(condition)["rows"].sum()) / rows if rows else 0.0

    @property
    def free_text(self) -> bool:
        """Whether the column contains free text, such as sentences."""
        return self.share(pl.col("text").str.contains(_LONG_TEXT)) >= _FREE_TEXT_SHARE

    @property
    def decisions(self) -> float:
        """The share of inspected non-empty cells that say how far a claim has come."""
        return self.share(pl.col("text").map_elements(is_decision, return_dtype=pl.Boolean))

    @property
    def codes(self) -> float:
        """The share of non-empty cells that may be ids: with a digit, without a space, no phone number."""
        text = pl.col("text")
        return self.share(
            text.str.contains(_CODE) & text.str.contains(r"[0-9]") & ~text.str.contains(_NOT_A_CODE)
        )

    @property
    def may_be_names(self) -> bool:
        """Whether most values are distinct and contain no digit, as names of people do."""
        digits = self.share(pl.col("text").str.contains("[0-9]"))
        return digits < MIN_SHARE and 1 < self.filled < self.distinct / MIN_SHARE

    @property
    def short_numbers(self) -> float:
        """The share of non-empty cells with a number of up to three digits, such as an age or a count."""
        return self.share(pl.col("text").str.contains(r"^\d{1,3}$"))

    @property
    def may_be_day(self) -> bool:
        """Whether the column may contain days: some format can read most rows as days.

        If the days are written as plain numbers, the header must also mean a day.
        """
        numeric = NUMERIC_DAY_FORMATS.issuperset(self.day.formats or self.day.tied)
        return bool(self.day.reason) and (not numeric or has_word(self.header, FILED | TIME))

    @property
    def reads_as(self) -> str:
        """The kind of most values: nothing, service, claimant_type, day, amount, free text or text."""
        if not self.filled:
            return "nothing"
        if self.services >= MIN_SHARE:
            return "service"
        if self.claimant_types >= MIN_SHARE:
            return "claimant_type"
        if self.may_be_day and self.day.score >= MIN_SHARE:
            return "day"
        if self.amount.score >= MIN_SHARE:
            return "amount"
        return "free text" if self.free_text else "text"

    def format_choice(self, reads_as: str) -> FormatChoice:
        """Return the proposed formats if `reads_as` is day or amount; otherwise an empty choice."""
        return {"day": self.day, "amount": self.amount}.get(reads_as, FormatChoice())

    @property
    def hidden(self) -> str | None:
        """A note to show instead of the values if they may be personal data; None if they may be shown.

        This concerns values that match no pattern of personal data, such as names and free text.
        """
        if means_personal_data(self.header) and self.reads_as not in ("service", "claimant_type"):
            return "(personal)"
        if self.reads_as == "free text":
            return "(free text)"
        return "(text)" if self.reads_as == "text" and self.may_be_names else None

    def header_is(self, reads_as: str) -> bool:
        """Return whether the header itself is a day or an amount (`reads_as`), like the values below."""
        cells = (self._parsed_days if reads_as == "day" else self._parsed_amounts)[1]
        choice = self.format_choice(reads_as)
        return any(cells[name] is not None for name in (*choice.formats, *choice.tied))

    @property
    def header_is_clear_day(self) -> bool:
        """Whether the header itself is a day that is not written as a plain number."""
        return any(
            day is not None
            for name, day in self._parsed_days[1].items()
            if name in DATES.keys() - NUMERIC_DAY_FORMATS
        )

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
