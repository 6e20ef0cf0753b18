"""One column of a file nobody has seen yet, and what its values are."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.inspection.header_words import FILED, TIME, has_word, means_personal_data
from outage_analysis.claims.inspection.value_formats import (
    MIN_SHARE,
    FilingWindow,
    FormatChoice,
    choose_amount_formats,
    choose_day_formats,
)
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.incidents import Incident, Named, folded, unit_of
from outage_analysis.text import AMOUNTS, DATES, amount_sql, day_sql, found, masked

MAX_VALUES = 100_000
"""Different values of a column that are looked at."""
NUMERIC_DAY_FORMATS = {"compact", "excel", "unix"}
"""Formats of days that are bare numbers: the header must call the column a day as well."""
_LONG_TEXT = r"\S\s+\S+\s+\S|.{41}"
"""A value of three words or more, or of more than 40 characters."""
_FREE_TEXT_SHARE = 0.3
"""The share of such values from which on a column is free text."""
_CODE = r"^[\p{L}\p{N}#._/:+-]{1,64}$"
_NOT_A_CODE = r"^\+|^\d+\.\d+$|^0[1-9]\d{7,9}$|^0\d{1,3}[-./]\d|^\d{3}[-./]\d{3}[-./]\d{4}$|^\d{3}[-.]\d{4}$"
"""A decimal number, or what may be a telephone number in some country."""


class Column:
    """One column of the file.

    `texts` has one row per different value: text, rows. `services` and `claimant_types` are the shares of
    the rows that name one. `personal` is the kind of personal data in it and how many values have some.
    """

    def __init__(self, warehouse: Warehouse, name: str, header: str, incident: Incident) -> None:
        self.header = header
        self.texts = warehouse.frame(
            queries.load("column_texts", name=quote_identifier(name), most=str(MAX_VALUES))
        )
        counts = warehouse.frame(queries.load("column_counts", name=quote_identifier(name)))
        self.rows, self.given, self.distinct = counts.row(0)
        self.scale = unit_of(header)
        self.services = self._named(incident.services)
        self.claimant_types = self._named(incident.claimant_types)
        self.personal = found(self.texts["text"])
        self._headed = pl.DataFrame({"text": [header.strip()], "rows": [0]})
        days = {n: day_sql("text", [n], incident.time_zone) for n in DATES}
        self.days, self._header_days = self._values(warehouse, days)
        digits, code = incident.loss_digits, incident.loss_currency
        amounts = {
            n: amount_sql("text", [n], digits=digits, scale=self.scale, currency=code) for n in AMOUNTS
        }
        self.amounts, self._header_amounts = self._values(warehouse, amounts)
        seen = int(self.texts["rows"].sum())  # fewer than there are where MOST_TEXTS is too few
        self.day = choose_day_formats(self.days, seen + self.rows - self.given, FilingWindow.of(incident))
        self.amount = choose_amount_formats(self.amounts, seen)

    def _values(
        self, warehouse: Warehouse, expressions: dict[str, str]
    ) -> tuple[pl.DataFrame, dict[str, object]]:
        """Each value and the header as every format reads them: one row per text, one column per format."""
        warehouse.load("_texts", pl.concat([self.texts, self._headed], how="vertical_relaxed"))
        values = ", ".join(f"{sql} as {quote_identifier(name)}" for name, sql in expressions.items())
        frame = warehouse.frame(queries.load("text_readings", values=values))
        return frame.filter(pl.col("rows") > 0), frame.filter(pl.col("rows") == 0).row(0, named=True)

    def _named(self, items: Sequence[Named]) -> float:
        """The share of the rows that name one of these."""
        spellings = {s for item in items for s in item.spellings()}
        rows = sum(rows for text, rows in self.texts.iter_rows() if folded(text) in spellings)
        return rows / self.given if self.given else 0.0

    def share(self, condition: pl.Expr) -> float:
        """The share of its rows with a value that meet a condition on `text`."""
        rows = int(self.texts["rows"].sum())
        return int(self.texts.filter(condition)["rows"].sum()) / rows if rows else 0.0

    @property
    def free_text(self) -> bool:
        """Whether its values are sentences."""
        return self.share(pl.col("text").str.contains(_LONG_TEXT)) >= _FREE_TEXT_SHARE

    @property
    def codes(self) -> float:
        """The share of its rows whose value may be an id: with a digit, no space, and no phone number."""
        text = pl.col("text")
        return self.share(
            text.str.contains(_CODE) & text.str.contains(r"[0-9]") & ~text.str.contains(_NOT_A_CODE)
        )

    @property
    def may_be_names(self) -> bool:
        """Whether its values are mostly different and without digits, as names of people are."""
        digits = self.share(pl.col("text").str.contains("[0-9]"))
        return digits < MIN_SHARE and 1 < self.given < self.distinct / MIN_SHARE

    @property
    def short_numbers(self) -> float:
        """The share of its rows whose value is a number of up to three digits, such as an age or a count."""
        return self.share(pl.col("text").str.contains(r"^\d{1,3}$"))

    @property
    def may_be_day(self) -> bool:
        """Whether some format reads most of its rows as days; bare numbers need a header that says so."""
        numeric = NUMERIC_DAY_FORMATS.issuperset(self.day.formats or self.day.rivals)
        return bool(self.day.reason) and (not numeric or has_word(self.header, FILED | TIME))

    @property
    def reads_as(self) -> str:
        """What most of its values are."""
        if not self.given:
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

    def reading(self, reads_as: str) -> FormatChoice:
        """How its days or amounts are read; nothing of other values."""
        return {"day": self.day, "amount": self.amount}.get(reads_as, FormatChoice())

    @property
    def hidden(self) -> str | None:
        """Why its values are not shown, if they may be personal and no pattern could mask them."""
        if means_personal_data(self.header) and self.reads_as not in ("service", "claimant_type"):
            return "(personal)"
        if self.reads_as == "free text":
            return "(free text)"
        return "(text)" if self.reads_as == "text" and self.may_be_names else None

    def header_is(self, reads_as: str) -> bool:
        """Whether the header itself is a day or an amount, as its values are."""
        cells = {"day": self._header_days, "amount": self._header_amounts}[reads_as]
        reading = self.reading(reads_as)
        return any(cells[name] is not None for name in (*reading.formats, *reading.rivals))

    @property
    def header_is_clear_day(self) -> bool:
        """Whether the header is a day, and not merely a number that may be one."""
        return any(
            day is not None
            for name, day in self._header_days.items()
            if name in DATES.keys() - NUMERIC_DAY_FORMATS
        )

    def summary(self) -> tuple[object, ...]:
        """Its row in the table of columns."""
        missing = 1 - self.given / self.rows if self.rows else 1.0
        kind = self.personal[0] if self.personal else None
        if kind is None and self.hidden == "(personal)":
            kind = "by its header"
        example = (self.hidden or masked(self.texts["text"][0])) if self.given else None
        formats = ", ".join(self.reading(self.reads_as).formats) or None
        return self.reads_as, formats, round(missing, 4), self.distinct, kind, example
