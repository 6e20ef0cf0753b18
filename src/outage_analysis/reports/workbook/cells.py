"""What stands in the cells of a sheet: texts, real numbers, days, and formulas that are ours."""

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
"""How a value is written: amounts and losses are in whole currency, `scaled` in 만 원 or millions."""
CellStyle = Literal["plain", "input", "original", "total", "flag"]
NUMBER_KINDS: dict[str, CellKind] = {
    "money": "money",
    "whole": "whole",
    "decimal": "decimal",
    "loss": "loss",
    "share": "share",
    "day": "day",
}
"""Kinds of the report's columns that are numbers and days in a sheet; all others are texts."""
MILLION = 10**6
"""The largest unit that stands beside whole currency: whoever wants billions can count."""
MAX_DIGITS = 15
"""A sheet holds no more digits of a number: longer whole numbers are written as texts."""
BACKTEST_SUFFIX = "_counted"
AMOUNT_STAGES = ("paid", "total")
"""Stages of a back-test whose outcome is a sum; the others are counts."""


@dataclass(frozen=True)
class Formula:
    """A formula, never from data, and its value for who does not compute it."""

    text: str
    cached: float | str


Value = str | float | date | Formula | None


@dataclass(frozen=True)
class Cell:
    """One cell."""

    value: Value
    kind: CellKind = "text"
    look: CellStyle = "plain"


@dataclass(frozen=True)
class ColumnHead:
    """The head of a column."""

    title: str
    right: bool = False


@dataclass(frozen=True)
class SheetTable:
    """A table: heads and cells."""

    heads: tuple[ColumnHead, ...]
    cells: Sequence[Sequence[Cell]]


def column_heads(titles: Iterable[tuple[str, CellKind]]) -> tuple[ColumnHead, ...]:
    """Heads over numbers stand right, as the numbers do."""
    return tuple(ColumnHead(title, right=kind not in ("text", "day")) for title, kind in titles)


def sheet_table(formatter: TableFormatter, frame: pl.DataFrame, columns: Sequence[str]) -> SheetTable:
    """A table of the report with numbers and days as they are, and its texts as the page has them."""
    grid = formatter.grid(frame, columns)
    told = zip(frame.iter_rows(named=True), grid.rows, strict=True)
    cells = [
        [_cell(formatter.words, column, record, text) for column, text in zip(columns, texts, strict=True)]
        for record, texts in told
    ]
    return SheetTable(tuple(ColumnHead(c.title, right=c.style == "n") for c in grid.columns), cells)


def _cell(locale: Locale, column: str, record: dict[str, Any], text: str | Markup) -> Cell:
    kind = COLUMN_KINDS[column]
    if column.endswith(BACKTEST_SUFFIX):  # of a back-test: sums and counts in one column
        value = record[column.removesuffix(BACKTEST_SUFFIX)]
        return money_cell(locale, value) if record["stage"] in AMOUNT_STAGES else Cell(value, "decimal")
    if kind == "links" and isinstance(text, Markup):  # whole addresses, and as text: no link is from data
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
    """The power of ten of a figure, from its digits: a logarithm may differ in its last bit."""
    return int(f"{value:e}".partition("e")[2])


def money_cell(locale: Locale, value: float | None) -> Cell:
    """An amount of the smallest unit, in whole currency."""
    return Cell(None if value is None else whole_currency(locale, value), "money")


def whole_currency(locale: Locale, value: float) -> float:
    """An amount of the smallest unit in whole currency."""
    return value / 10**locale.minor_units if locale.minor_units else value


@dataclass(frozen=True)
class LargerUnit:
    """The larger unit that stands beside whole currency: 만 원, or millions; less where sums are small."""

    words: Locale
    size: int
    name: str

    @classmethod
    def for_amounts(cls, words: Locale, largest: float | None) -> LargerUnit:
        """The unit of amounts up to `largest`, in the smallest unit of the currency."""
        most = MILLION if largest is None else min(MILLION, whole_currency(words, largest))
        size, name = words.scale(most)
        return cls(words, size, f"{name} {words.unit}".strip())

    def amount(self, value: float) -> float:
        """An amount of the smallest unit in this one."""
        return whole_currency(self.words, value) / self.size

    def cell(self, value: float | None) -> Cell:
        """The same in a cell."""
        return Cell(None if value is None else self.amount(value), "scaled")

    def title(self) -> str:
        """What stands over a column of such amounts."""
        return self.words("workbook.scaled", unit=self.name)
