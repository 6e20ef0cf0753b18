"""The contents of cells (texts, numbers, dates, formulas) and their formats (font, colour, number format)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
from markupsafe import Markup

from outage_analysis.charts import ACCENT, GREY, INK, LIGHT
from outage_analysis.reports.grids import TableFormatter
from outage_analysis.text import Column, Locale, Unit

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format


CellKind = Literal["text", "money", "scaled", "whole", "decimal", "loss", "share", "day"]
"""The number format of a value: `scaled` is in 만 원 or millions, other amounts in whole currency."""
CellStyle = Literal["plain", "input", "original", "total", "flag"]
NUMBER_KINDS: dict[Unit, CellKind] = {
    "money": "money",
    "count": "whole",
    "decimal": "decimal",
    "hours": "decimal",
    "stated": "decimal",
    "loss": "loss",
    "share": "share",
    "day": "day",
}
"""Units whose values become numbers or dates in a sheet; all others become texts."""
MILLION = 10**6
"""The largest unit for amounts that are shown beside whole currency."""
MAX_DIGITS = 15
"""Excel stores only this many significant digits, so longer whole numbers are written as texts."""


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


def sheet_table(formatter: TableFormatter, frame: pl.DataFrame, columns: Sequence[Column]) -> SheetTable:
    """Return a report table for an Excel sheet: numbers and dates stay values, other cells become texts."""
    grid = formatter.grid(frame, columns)
    rows = zip(frame.iter_rows(named=True), grid.rows, strict=True)
    cells = [
        [_cell(formatter.locale, column, record, text) for column, text in zip(columns, texts, strict=True)]
        for record, texts in rows
    ]
    return SheetTable(tuple(ColumnHead(c.title, right=c.style == "n") for c in grid.columns), cells)


def _cell(locale: Locale, column: Column, record: dict[str, Any], text: str | Markup) -> Cell:
    unit, value = column.unit_in(record), record.get(column.name)
    # Web addresses are written as text, so that input data cannot create links in the workbook.
    if unit == "links" and isinstance(text, Markup):
        return Cell(str(value).replace(" ; ", "; "))
    if unit not in NUMBER_KINDS:
        return Cell(text.striptags() if isinstance(text, Markup) else text)
    if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
        return Cell(str(text))
    if unit == "money":
        return money_cell(locale, value)
    if unit == "loss" and value is not None:
        return Cell(value / 10**locale.loss_digits, "loss")
    return Cell(value, NUMBER_KINDS[unit])


def decimal_exponent(value: float) -> int:
    """Return the exponent of a number in scientific notation, such as 3 for 1234.

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
    """A unit such as 만 원 or millions, in which sheets show amounts again beside whole currency.

    If all amounts are small, the unit is smaller.
    """

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
        """Convert an amount from the smallest currency unit to the larger unit, such as millions."""
        return whole_currency(self.locale, value) / self.size

    def cell(self, value: float | None) -> Cell:
        """Return a cell with an amount, converted from the smallest currency unit to, e.g., millions."""
        return Cell(None if value is None else self.amount(value), "scaled")

    def title(self) -> str:
        """Return the column title for amounts in the larger unit, such as millions."""
        return self.locale("workbook.scaled", unit=self.name)


NO_CONVERSION = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
"""Options that make xlsxwriter store every text as text, even if it looks like a formula or a link."""
FONTS = {"en": "Calibri", "ko": "Malgun Gothic"}
"""Workbooks cannot embed fonts. These come with every Excel; other programs replace them by fonts of
the same widths (Carlito) or with Hangul."""
FONT_SIZE = 10
FORMULA_PREFIXES = ("=", "+", "-", "@")
"""A text with such a first character becomes a formula when edited, so its cell is marked as text."""
INPUT_TAB = "#E69F00"
INPUT, INPUT_INK, WARNING, BAND = "#FFF4CC", "#1F4E9E", "#FFE3D3", "#EEF1F5"
CELL_STYLES: dict[str, dict[str, Any]] = {
    "plain": {"bottom": 1, "bottom_color": LIGHT},
    "input": {"bg_color": INPUT, "font_color": INPUT_INK, "locked": False, "border": 1, "border_color": GREY},
    "original": {"font_color": GREY, "bottom": 1, "bottom_color": LIGHT},
    "total": {"bold": True, "top": 1, "bottom": 1, "bg_color": BAND},
    "flag": {"font_color": "#A33A00", "bottom": 1, "bottom_color": LIGHT},
    "head": {"bold": True, "bg_color": BAND, "bottom": 2, "bottom_color": INK, "valign": "vcenter"},
    "title": {"bold": True, "font_size": 16},
    "heading": {"bold": True, "font_size": 12, "font_color": ACCENT},
    "text": {},
    "strong": {"bold": True},
    "note": {"font_color": "#5B616B"},
    "warning": {"bold": True, "bg_color": WARNING},
}
TABLE_STYLES = ("plain", "input", "original", "total", "flag", "head")
"""Styles of table cells."""
MAX_DECIMALS, MAX_SHARE_DECIMALS = 9, 4


class CellFormats:
    """The cell formats of one workbook; each combination of options is created only once."""

    def __init__(self, workbook: Workbook, locale: Locale) -> None:
        self._workbook, self._locale = workbook, locale
        self._made: dict[tuple[str, str, bool, bool], Format] = {}

    def cell_format(
        self, style: CellStyle | str, number: str = "", *, right: bool = False, quoted: bool = False
    ) -> Format:
        """Return the cell format for a style, a number format and an alignment."""
        key = (style, number, right, quoted)
        if key not in self._made:
            options = {
                "valign": "top",
                "font_name": FONTS[self._locale.lang],
                "font_size": FONT_SIZE,
                **CELL_STYLES[style],
            }
            options |= {"num_format": number} if number else {"text_wrap": style not in ("title", "heading")}
            # Texts in tables are indented, to separate them from a number in the column on their left.
            alignment = {"align": "left", "indent": 1 if style in TABLE_STYLES else 0}
            options |= (
                {"align": "right"} if right else {} if number not in ("", self.day_format) else alignment
            )
            options |= {"quote_prefix": True} if quoted else {}
            self._made[key] = self._workbook.add_format(options)
        return self._made[key]

    def number_format(self, kind: CellKind, value: float) -> str:
        """Return the Excel number format for a value of the given kind, such as money or a share."""
        locale = self._locale
        if kind in ("money", "loss"):
            digits = locale.minor_units if kind == "money" else locale.loss_digits
            return "#,##0" + ("." + "0" * digits if digits else "")
        if kind == "scaled":
            return _scaled_format(value, locale.lang)
        if kind == "share":
            return _share_format(value)
        if kind == "decimal":
            return _decimal_format(value)
        return "#,##0"

    @property
    def day_format(self) -> str:
        """The Excel number format of dates: 29 Dec 2022 in English, and 2022. 12. 29. in Korean."""
        return r'yyyy". "m". "d"."' if self._locale.lang == "ko" else "[$-409]d mmm yyyy"


def _share_format(value: float) -> str:
    percent = 100 * min(abs(value), abs(1 - value)) if abs(value) < 1 else 100 * abs(value)
    digits = min(MAX_SHARE_DECIMALS, max(1, 1 - decimal_exponent(percent))) if percent else 1
    return "0." + "0" * digits + "%"


def _scaled_format(value: float, lang: str) -> str:
    digits = sum(abs(value) < limit for limit in ((100, 1) if lang == "ko" else (10_000, 10)))
    return "#,##0" + ("." + "0" * digits if digits else "")


def _decimal_format(value: float) -> str:
    if float(value).is_integer():
        return "#,##0"
    if abs(value) >= 1:
        return "#,##0.00"
    return "0." + "0" * min(MAX_DECIMALS, 2 - decimal_exponent(value))
