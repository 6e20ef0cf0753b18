"""Format data frames as tables of texts, with titles, formatted numbers, display names and links."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any
from urllib.parse import urlsplit

import polars as pl
from markupsafe import Markup

from outage_analysis.text import Column, Locale, Unit, column_of, fonts, scaled_parameters

FORMATTERS: dict[Unit, Callable[[Locale, Any], str]] = {
    "money": Locale.exact_money,
    "count": lambda locale, value: locale.exact(floor(value + 0.5)),
    "decimal": Locale.exact,
    "hours": Locale.exact,
    "stated": Locale.exact,
    "loss": Locale.exact_loss,
    "share": Locale.share,
    "day": Locale.day,
    "hour": lambda locale, value: f"{locale.day(value)} {value:%H:%M}",
    "unit": Locale.unit_name,
    "parameters": lambda locale, value: locale.translated_distribution(
        scaled_parameters(value, locale.loss_digits)
    ),
    "word": lambda locale, value: locale(f"word.{str(value).lower()}"),
    "rule": lambda locale, value: locale.label_or(f"rule.{value}", str(value)),
}
"""Unit -> the function that formats a value, for units that need only the locale."""
DERIVED_PREFIX = "derived from "
"""The start of a source that is no web address but names the facts from which a figure was computed."""
MAX_CELL_LENGTH = 120
"""The most characters of an input text that a cell shows; names may be no longer."""


@dataclass(frozen=True)
class GridColumn:
    """The title and style of one column of a formatted table."""

    title: str
    style: str
    """The CSS class of its cells: n for numbers, d for days, empty for text."""


@dataclass(frozen=True)
class Grid:
    """A formatted table; every cell is plain text or safe HTML."""

    columns: tuple[GridColumn, ...]
    rows: tuple[tuple[str | Markup, ...], ...]


@dataclass(frozen=True)
class TableFormatter:
    """Formats data frames as `Grid` tables in one language."""

    locale: Locale
    names: Mapping[str, str]
    linked: Collection[str] = ()
    """Ids of the facts that the report lists; cells link to their rows."""

    def grid(self, frame: pl.DataFrame, columns: Sequence[Column]) -> Grid:
        """Format the columns `columns` of a data frame as a table of texts.

        If the frame has no column `band`, the loss band is composed from the band edges `over` and `up_to`.
        """
        heads = tuple(GridColumn(self._title(c), _column_style(c)) for c in columns)
        rows = tuple(tuple(self._cell(c, row) for c in columns) for row in frame.iter_rows(named=True))
        return Grid(heads, rows)

    def _title(self, column: Column) -> str:
        title, unit = column.title or self.locale(column.label_key), self.locale.loss_unit_name
        return self.locale.with_unit(title, f"({unit})") if column == column_of("band") and unit else title

    def _cell(self, column: Column, row: dict[str, Any]) -> str | Markup:
        if column == column_of("band") and "band" not in row:
            return self._band(row)
        locale, unit, value = self.locale, column.unit_in(row), row[column.name]
        if unit == "published_count" and not value:
            return locale("report.not_published")
        if value is None or value == "":
            return ""
        if unit in FORMATTERS:
            return FORMATTERS[unit](locale, value)
        if unit == "name":
            return self.names.get(str(value)) or fonts.printable(str(value))
        if unit == "data":
            return truncate(str(value))
        if unit == "names":
            # The part of a name after a colon is left out, because it is an explanation that is too long for
            # a cell.
            parts = (self.names.get(part, part).split(":")[0] for part in str(value).split())
            return "; ".join(parts)
        if unit == "links":
            facts = str(value).removeprefix(DERIVED_PREFIX)
            return locale("report.derived", facts=facts) if facts != value else _links(facts)
        return (
            self._facts(fonts.printable(str(value)))
            if unit in ("facts", "published_count")
            else fonts.printable(str(value))
        )

    def _band(self, row: dict[str, Any]) -> str:
        if row.get("rule") == "straddles":
            return self.locale("word.straddles")
        is_whole_line = row["over"] is None and row["up_to"] is None and row.get("level") == "line"
        return "" if is_whole_line else self.locale.band(row["over"], row["up_to"])

    def _facts(self, ids: str) -> Markup:
        parts = [
            Markup('<a href="#fact-{0}">{0}</a>').format(i) if i in self.linked else Markup("{}").format(i)
            for i in dict.fromkeys(ids.split())
        ]
        return Markup(", ").join(parts)


def _column_style(column: Column) -> str:
    return "n" if column.is_number else "d" if column.unit == "day" else ""


def truncate(text: str) -> str:
    """Return a text from an input file, at most `MAX_CELL_LENGTH` long, with control characters visible."""
    visible = fonts.printable(text[: MAX_CELL_LENGTH + 1])
    return visible if len(visible) <= MAX_CELL_LENGTH else f"{visible[: MAX_CELL_LENGTH - 1]}…"


def _links(text: str) -> Markup:
    parts = []
    for part in text.split(" ; "):
        address = urlsplit(part)
        web = address.scheme in ("http", "https") and address.netloc
        link = Markup('<a href="{}" rel="noreferrer noopener">{}</a>')
        parts.append(
            link.format(part, address.netloc.removeprefix("www.")) if web else Markup("{}").format(part)
        )
    return Markup(", ").join(parts)
