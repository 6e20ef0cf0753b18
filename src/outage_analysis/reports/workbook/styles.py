"""Define the cell formats of the workbook: fonts, colours and number formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outage_analysis.charts import ACCENT, GREY, INK, LIGHT
from outage_analysis.reports.workbook.cells import CellKind, CellStyle, decimal_exponent
from outage_analysis.text import Locale

if TYPE_CHECKING:  # xlsxwriter is imported only when a workbook is written
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format

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
            alignment = {
                "align": "left",
                "indent": 1 if style in TABLE_STYLES else 0,
            }  # indented to separate the text from a number on its left
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
    """Return a percent format with one decimal, or with two significant digits near 0 % and 100 %."""
    percent = 100 * min(abs(value), abs(1 - value)) if abs(value) < 1 else 100 * abs(value)
    digits = min(MAX_SHARE_DECIMALS, max(1, 1 - decimal_exponent(percent))) if percent else 1
    return "0." + "0" * digits + "%"


def _scaled_format(value: float, lang: str) -> str:
    """Return the format of an amount in 만 원 or millions, with about three significant digits."""
    digits = sum(abs(value) < limit for limit in ((100, 1) if lang == "ko" else (10_000, 10)))
    return "#,##0" + ("." + "0" * digits if digits else "")


def _decimal_format(value: float) -> str:
    """Return the number format of a decimal number.

    Whole numbers have no decimals. Other numbers have two decimals, or three significant digits if they are
    below 1.
    """
    if float(value).is_integer():
        return "#,##0"
    if abs(value) >= 1:
        return "#,##0.00"
    return "0." + "0" * min(MAX_DECIMALS, 2 - decimal_exponent(value))
