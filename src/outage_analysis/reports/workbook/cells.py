"""Define the contents of cells: texts, numbers, dates and formulas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import polars as pl
from markupsafe import Markup

from outage_analysis.reports.grids import COLUMN_KINDS, TableFormatter
from outage_analysis.text import Locale

CellKind = Literal["text", "money", "scaled", "whole", "decimal", "loss", "share", "day"]
"""The number format of a value: `scaled` is in 만 원 or millions, other amounts in whole currency."""
CellStyle = Literal["plain", "input", "original", "total", "flag"]
NUMBER_KINDS: dict[str, CellKind] = {
    "money": "money",
    "whole": "whole",
    "decimal": "decimal",
    "loss": "loss",
    "share": "share",
    "day": "day",
}
"""Column kinds that become numbers or dates in a sheet; all others become texts."""
MILLION = 10**6
"""The largest unit for amounts that are shown beside whole currency."""
MAX_DIGITS = 15
"""Excel stores only this many significant digits, so longer whole numbers are written as texts."""
BACKTEST_SUFFIX = "_counted"
AMOUNT_STAGES = ("paid", "total")
"""Stages of a back-test whose outcome is an amount; other stages are counts."""


@dataclass(frozen=True)
class Formula:
    """An Excel formula, and its value for programs that do not compute formulas.

    Formulas are never built from texts of the input data.
    """

    text: str
    cached: float | str


Value = str | float | date | Formula | None


@dataclass(frozen=True)
class Cell:
    """The content of a cell, the kind of value (which sets the number format), and the style."""

    value: Value
    kind: CellKind = "text"
    style: CellStyle = "plain"


@dataclass(frozen=True)
class ColumnHead:
    """The title of a table column, and whether it is right-aligned."""

    title: str
    right: bool = False


@dataclass(frozen=True)
class SheetTable:
    """A table to write to a sheet: its column titles and its cells."""

    heads: tuple[ColumnHead, ...]
    cells: Sequence[Sequence[Cell]]


def column_heads(titles: Iterable[tuple[str, CellKind]]) -> tuple[ColumnHead, ...]:
    """Return the column titles of a table; titles above numbers are right-aligned."""
    return tuple(ColumnHead(title, right=kind not in ("text", "day")) for title, kind in titles)


def sheet_table(formatter: TableFormatter, frame: pl.DataFrame, columns: Sequence[str]) -> SheetTable:
    """Return a report table for a sheet: numbers and dates are real values, texts are as in other formats."""
    grid = formatter.grid(frame, columns)
    rows = zip(frame.iter_rows(named=True), grid.rows, strict=True)
    cells = [
        [_cell(formatter.locale, column, record, text) for column, text in zip(columns, texts, strict=True)]
        for record, texts in rows
    ]
    return SheetTable(tuple(ColumnHead(c.title, right=c.style == "n") for c in grid.columns), cells)


def _cell(locale: Locale, column: str, record: dict[str, Any], text: str | Markup) -> Cell:
    kind = COLUMN_KINDS[column]
    if column.endswith(BACKTEST_SUFFIX):  # back-test columns mix amounts and counts
        value = record[column.removesuffix(BACKTEST_SUFFIX)]
        return money_cell(locale, value) if record["stage"] in AMOUNT_STAGES else Cell(value, "decimal")
    if kind == "links" and isinstance(text, Markup):  # written as text, so that input creates no links
        return Cell(record[column].replace(" ; ", "; "))
    if kind not in NUMBER_KINDS:
        return Cell(text.striptags() if isinstance(text, Markup) else text)
    value = record[column]
    if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
        return Cell(str(text))
    if kind == "money":
        return money_cell(locale, value)
    if kind == "loss" and value is not None:
        return Cell(value / 10**locale.loss_digits, "loss")
    return Cell(value, NUMBER_KINDS[kind])


def decimal_exponent(value: float) -> int:
    """Return the exponent of a number in scientific notation.

    The exponent is taken from the formatted digits, because a computed logarithm can have a rounding error.
    """
    return int(f"{value:e}".partition("e")[2])


def money_cell(locale: Locale, value: float | None) -> Cell:
    """Return a cell that shows an amount in whole currency; `value` is in the smallest currency unit."""
    return Cell(None if value is None else whole_currency(locale, value), "money")


def whole_currency(locale: Locale, value: float) -> float:
    """Convert an amount from the smallest currency unit to whole currency."""
    return value / 10**locale.minor_units if locale.minor_units else value


@dataclass(frozen=True)
class LargerUnit:
    """The larger unit in which amounts are repeated: 만 원 or millions, or less if amounts are small."""

    locale: Locale
    size: int
    name: str

    @classmethod
    def for_amounts(cls, locale: Locale, largest: float | None) -> LargerUnit:
        """Return the larger unit for amounts up to `largest`, which is in the smallest currency unit."""
        most = MILLION if largest is None else min(MILLION, whole_currency(locale, largest))
        size, name = locale.scale(most)
        return cls(locale, size, f"{name} {locale.unit}".strip())

    def amount(self, value: float) -> float:
        """Convert an amount from the smallest currency unit to this larger unit."""
        return whole_currency(self.locale, value) / self.size

    def cell(self, value: float | None) -> Cell:
        """Return a cell with an amount, converted from the smallest currency unit to this larger unit."""
        return Cell(None if value is None else self.amount(value), "scaled")

    def title(self) -> str:
        """Return the column title for amounts in this larger unit."""
        return self.locale("workbook.scaled", unit=self.name)
