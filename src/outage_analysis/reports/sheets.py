"""Write sheets from top to bottom: titles, paragraphs, pictures, and tables of cells with their formats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from io import BytesIO
from typing import Any, NamedTuple, TypeGuard

import polars as pl
import xlsxwriter
from markupsafe import Markup
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from outage_analysis.charts import ACCENT, GREY, GRID, INK, LIGHT, MUTED, WIDE_LETTERS, wrap_columns
from outage_analysis.reports.blocks import TableFormatter, plain_text
from outage_analysis.text import Column, Locale, Unit, fonts

FONTS = {"en": "Calibri", "ko": "Malgun Gothic"}
"""Workbooks cannot embed fonts. These come with every Excel; other programs replace them by fonts of
the same widths (Carlito) or with Hangul."""
FONT_SIZE = 10
INPUT_COLOUR, WARNING_COLOUR, FLAG_COLOUR, DARKEST_CELL = "#FFF4CC", "#FFE3D3", "#A33A00", "#7FB3D9"
LINE_BELOW = {"bottom": 1, "bottom_color": LIGHT}
TABLE_STYLES: dict[str, dict[str, Any]] = {
    "plain": LINE_BELOW,
    "input": {"bg_color": INPUT_COLOUR, "font_color": ACCENT, "border": 1, "border_color": GREY},
    "original": {**LINE_BELOW, "font_color": GREY},
    "flag": {**LINE_BELOW, "font_color": FLAG_COLOUR},
    "total": {"bold": True, "top": 1, "bottom": 1, "bg_color": GRID},
    "head": {
        "bold": True, "bg_color": GRID, "bottom": 2, "bottom_color": INK, "valign": "vcenter",
    },
}  # fmt: skip
TEXT_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "text_wrap": False},
    "heading": {"bold": True, "font_size": 12, "font_color": ACCENT, "text_wrap": False},
    "plain": {},
    "strong": {"bold": True},
    "note": {"font_color": MUTED},
    "warning": {"bold": True, "bg_color": WARNING_COLOUR},
}
NUMBER_UNITS: frozenset[Unit] = frozenset(
    ("money", "loss", "share", "count", "decimal", "hours", "stated", "day")
)
"""Units whose values become numbers or dates in a sheet; all others become texts."""
MAX_DIGITS = 15
"""Excel stores only this many significant digits, so longer whole numbers are written as texts."""
MAX_DECIMALS, MAX_SHARE_DECIMALS = 9, 4
FIRST_YEAR = 1900
"""The first year of the calendar of Excel; earlier days are written as texts."""
MAX_CELL_LENGTH, MAX_NAME_LENGTH = 32_767, 31
"""The most characters of a cell, and of the name of a sheet."""
MAX_TABLE_ROWS = 100_000
"""The most rows of one table; further rows are left out with a warning."""
MIN_FILTERED_ROWS = 12
"""Tables with at least this many rows get a filter."""
MAX_FROZEN_HEAD = 7
"""Column titles below this row are not frozen, because they would fill the screen."""
MIN_WIDTH, MAX_HEAD_WIDTH, MAX_WIDTH = 9, 20, 36
"""Limits of column widths, in characters; longer texts wrap."""
LONG_TEXT, MAX_LONG_TEXT_WIDTH = 160, 60
"""Texts of at least `LONG_TEXT` characters may widen their column up to `MAX_LONG_TEXT_WIDTH`."""
PARAGRAPH_WIDTH = 112
"""The width in characters of a paragraph, which spans several columns."""
LINE_HEIGHT, MAX_HEIGHT = 15.75, 400
"""Points per line of text, and of the highest row."""
PICTURE_WIDTH, PIXELS_PER_POINT = 760, 4 / 3
"""The width of a picture on the screen in pixels, which are smaller than points."""
A4, A3 = 9, 8
"""Excel's numbers of papers."""
FEW_ROWS = 12
"""A picture starts a printed page, so that no page break cuts it, unless only so many rows are above it."""
MAX_PORTRAIT_WIDTH, MAX_A4_WIDTH = 140, 190
"""The most characters per row that fit on A4 in portrait and in landscape format."""


class Formula(NamedTuple):
    """An Excel formula, and its value for programs that do not compute formulas.

    Formulas are never built from texts of the input data.
    """

    text: str
    cached: float | str


class Cell(NamedTuple):
    """The content of a cell; the unit decides the number format."""

    value: str | float | date | Formula | None = None
    unit: Unit = "text"
    style: str = "plain"

    @property
    def shown_value(self) -> str | float | date | None:
        """The value that the cell shows."""
        return self.value.cached if isinstance(self.value, Formula) else self.value


def number_cell(locale: Locale, value: float | date | None, unit: Unit, style: str = "plain") -> Cell:
    """Return a cell with a number or a day; `value` is in the smallest unit, the cell in euros, not cents."""
    digits = locale.places.get(unit, 0)
    return Cell(value / 10**digits if digits and isinstance(value, int | float) else value, unit, style)


def table_cells(
    formatter: TableFormatter, frame: pl.DataFrame, columns: Sequence[Column]
) -> tuple[list[str], list[list[Cell]]]:
    """Return the column titles and cells of a report table; all but numbers and days become texts."""
    grid = formatter.grid(frame, columns)
    cells = [
        [
            _table_cell(formatter.locale, column, row, text)
            for column, text in zip(columns, texts, strict=True)
        ]
        for row, texts in zip(frame.iter_rows(named=True), grid.rows, strict=True)
    ]
    return [column.title for column in grid.columns], cells


def _table_cell(locale: Locale, column: Column, row: Mapping[str, Any], text: str | Markup) -> Cell:
    unit, value = column.unit_in(row), row.get(column.name)
    # Web addresses are written as text, so that input data cannot create links in the workbook.
    if unit == "links" and isinstance(text, Markup):
        return Cell(str(value).replace(" ; ", "; "))
    is_too_long = isinstance(value, int) and abs(value) >= 10**MAX_DIGITS
    if unit in NUMBER_UNITS and not is_too_long:
        return number_cell(locale, value, unit)
    return Cell(plain_text(text))


def number_format(locale: Locale, unit: Unit, value: float) -> str:
    """Return the Excel number format for a number of a unit; small numbers get more decimals."""
    if unit in ("money", "loss"):
        digits = locale.places[unit]
        return "#,##0" + ("." + "0" * digits if digits else "")
    if unit == "share":
        percent = 100 * min(abs(value), abs(1 - value)) if abs(value) < 1 else 100 * abs(value)
        digits = min(MAX_SHARE_DECIMALS, max(1, 1 - decimal_exponent(percent))) if percent else 1
        return "0." + "0" * digits + "%"
    if unit == "count" or float(value).is_integer():
        return "#,##0"
    if abs(value) >= 1:
        return "#,##0.00"
    return "0." + "0" * min(MAX_DECIMALS, 2 - decimal_exponent(value))


def decimal_exponent(value: float) -> int:
    """Return the exponent of a number in scientific notation, such as 3 for 1234.

    The exponent is taken from the formatted digits, because a computed logarithm can have a rounding error.
    """
    return int(f"{value:e}".partition("e")[2])


class Book:
    """An Excel workbook in one language; its sheets share the cell formats."""

    def __init__(self, locale: Locale, created: date, properties: Mapping[str, str]) -> None:
        """Start a workbook.

        Args:
            locale: the labels and number formats of the language.
            created: the only date in the file, so that writing the workbook again gives the same bytes.
            properties: texts such as the title of the document.
        """
        self.locale, self._buffer = locale, BytesIO()
        kinds = ("formulas", "urls", "numbers")  # a text is a text, even if it looks like one of these
        options = {"in_memory": True} | {f"strings_to_{kind}": False for kind in kinds}
        self.file = xlsxwriter.Workbook(self._buffer, options)
        texts = {name: cell_text(text) for name, text in properties.items()}
        self.file.set_properties({**texts, "created": datetime.combine(created, time())})
        self.day_format = r'yyyy". "m". "d"."' if locale.lang == "ko" else "[$-409]d mmm yyyy"
        self._formats: dict[tuple[str, ...], Format] = {}
        self._sheets: list[Sheet] = []

    def add_sheet(
        self, name: str, colour: str, *, title: str = "", banner: str = "", warning: str = ""
    ) -> Sheet:
        """Add a sheet with a title, which is by default the name.

        Args:
            name: the name of the sheet; characters that Excel does not allow are left out.
            colour: the colour of the tab.
            title: the title.
            banner: the notice on synthetic claims. If there is one, it precedes the title, and the word
                "synthetic" is added to the name of the sheet.
            warning: a further notice that precedes the title.
        """
        mark = f" ({self.locale('workbook.synthetic')})" if banner else ""
        plain = "".join(c for c in cell_text(name) if c not in "[]:*?/\\").strip("' ") or "–"
        taken = {sheet.name.casefold() for sheet in self._sheets} | {"history"}  # Excel reserves this name
        number, ending = 1, mark
        while (unique := plain[: MAX_NAME_LENGTH - len(ending)].strip("' ") + ending).casefold() in taken:
            number += 1
            ending = f" {number}{mark}"
        worksheet = self.file.add_worksheet(unique)
        worksheet.set_tab_color(colour)
        sheet = Sheet(self, worksheet)
        self._sheets.append(sheet)
        for notice in filter(None, (warning, banner)):
            sheet.write_paragraph(notice, "warning")
        sheet.write_line(title or name, "title", 24)
        sheet.frozen = sheet.row
        return sheet

    def table_format(
        self, style: str, number: str = "", *, right: bool = False, quoted: bool = False
    ) -> Format:
        """Return the format of a table cell; `quoted` marks a text that Excel must not run as a formula."""
        # Texts are indented, to separate them from a number in the column on their left.
        is_left = number in ("", self.day_format) and not right
        align = {"align": "left", "indent": 1} if is_left else {"align": "right"}
        content = {"num_format": number} if number else {"text_wrap": True}
        return self._format(
            TABLE_STYLES[style] | align | content | ({"quote_prefix": True} if quoted else {})
        )

    def text_format(self, style: str) -> Format:
        """Return the format of a title, a heading or a paragraph."""
        return self._format({"text_wrap": True, "align": "left"} | TEXT_STYLES[style])

    def _format(self, options: dict[str, Any]) -> Format:
        key = tuple(f"{name}={value}" for name, value in options.items())
        if key not in self._formats:
            font = {"font_name": FONTS[self.locale.lang], "font_size": FONT_SIZE}
            self._formats[key] = self.file.add_format({"valign": "top", **font} | options)
        return self._formats[key]

    def close(self) -> bytes:
        """Finish every sheet, and return the file."""
        for sheet in self._sheets:
            sheet.finish()
        self.file.close()
        return self._buffer.getvalue()


class Sheet:
    """Writes the contents of one sheet; `row` is the next free row."""

    def __init__(self, book: Book, worksheet: Worksheet) -> None:
        self.book, self.worksheet, self.row = book, worksheet, 0
        self.name = str(worksheet.get_name())
        self.widths: dict[int, float] = {}
        """Column widths in characters, which grow with the cells."""
        self.sortable = True
        """Whether users may sort the tables; False if formulas refer to rows of the tables."""
        self.one_page = False
        """Whether the sheet is printed on one page."""
        self._paragraphs: list[tuple[int, str, str]] = []
        self._texts: list[tuple[int, int, str]] = []
        """The row, the column and the text of each text in a table."""
        self._heights: dict[int, float] = {}
        self._tables: list[tuple[int, int, int]] = []
        """The head row, the last row and the number of columns of each table with column titles."""
        self._breaks: list[int] = []
        """The rows that start a printed page."""
        self.frozen = 0
        """The number of rows that stay visible while scrolling."""
        self._last_heading, self._heading_row = "", -1

    def write_heading(self, text: str) -> None:
        """Write a heading after an empty row, unless it repeats the last title or heading."""
        if text != self._last_heading:
            self.row += 1 if self.row > self.frozen else 0
            self.write_line(text, "heading", 20)

    def write_line(self, text: str, style: str, height: int) -> None:
        """Write a title or a heading, which is not broken into lines."""
        self._heights[self.row] = height
        self.worksheet.write_string(self.row, 0, cell_text(text), self.book.text_format(style))
        self._last_heading, self._heading_row = text, self.row
        self.row += 1

    def write_paragraph(self, text: str, style: str = "plain") -> None:
        """Write a paragraph that spans several columns of the sheet."""
        self._paragraphs.append((self.row, cell_text(text), style))
        self.row += 1

    def insert_picture(self, image: bytes, description: str) -> None:
        """Insert a PNG picture with its text alternative."""
        width, height = (int.from_bytes(image[at : at + 4], "big") for at in (16, 20))
        scale = PICTURE_WIDTH / width
        options = {"image_data": BytesIO(image), "description": cell_text(description)}
        # Our pictures count a pixel as a point, and the size in a sheet follows from that.
        options |= dict.fromkeys(("x_scale", "y_scale"), scale / PIXELS_PER_POINT)
        self.worksheet.insert_image(self.row, 0, "chart.png", options)
        first = self._heading_row if self._heading_row == self.row - 1 else self.row
        if first > FEW_ROWS:
            self._breaks.append(first)
        self.row += math.ceil(height * scale / (LINE_HEIGHT * PIXELS_PER_POINT))

    def write_table(self, titles: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Write a table; without titles, it continues the table above.

        If the table is too long for a sheet, only its first rows are written, and a warning states how many.
        """
        locale, written = self.book.locale, rows[:MAX_TABLE_ROWS]
        if len(written) < len(rows):
            counts = {"shown": locale.number(len(written)), "count": locale.number(len(rows))}
            self.write_paragraph(locale("workbook.cut_rows", **counts), "warning")
        head = self.row if titles else self.row - 1
        for row, cells in enumerate(written, start=head + 1):
            for column, cell in enumerate(cells):
                self.write_cell(row, column, cell)
        numeric = {n for cells in written for n, cell in enumerate(cells) if _is_number(cell.shown_value)}
        for column, title in enumerate(map(cell_text, titles)):
            head_format = self.book.table_format("head", right=column in numeric)
            self.worksheet.write_string(head, column, title, head_format)
            self._widen(column, min(text_width(title) + 2, MAX_HEAD_WIDTH))
            self._texts.append((head, column, title))
        if titles:
            self._tables.append((head, head + len(written), len(titles)))
        self.row = head + len(written) + 2

    def write_cell(self, row: int, column: int, cell: Cell) -> None:
        """Write the content of one cell; a text is never stored as a formula, link or number."""
        book, worksheet, value, style = self.book, self.worksheet, cell.value, cell.style
        number = (
            number_format(book.locale, cell.unit, cell.shown_value) if _is_number(cell.shown_value) else ""
        )
        if isinstance(value, Formula):
            worksheet.write_formula(row, column, value.text, book.table_format(style, number), value.cached)
        elif isinstance(value, date) and value.year >= FIRST_YEAR:
            worksheet.write_datetime(row, column, value, book.table_format(style, book.day_format))
        elif number:
            worksheet.write_number(row, column, value, book.table_format(style, number))
        elif value is None or value == "":
            worksheet.write_blank(row, column, None, book.table_format(style))
        else:
            text = cell_text(str(value))
            quoted = text.startswith(("=", "+", "-", "@"))  # would become a formula when edited
            worksheet.write_string(row, column, text, book.table_format(style, quoted=quoted))
            self._texts.append((row, column, text))
        self._widen(column, text_width(_displayed(cell.shown_value, number)) + 2)

    def _widen(self, column: int, width: float) -> None:
        most = MAX_WIDTH if width < LONG_TEXT else MAX_LONG_TEXT_WIDTH
        self.widths[column] = max(self.widths.get(column, MIN_WIDTH), min(width, most))

    def shade_last_table(self) -> None:
        """Shade the cells of the last table by their number, except the names and the totals at its ends."""
        head, last, columns = self._tables[-1]
        if last > head + 1 and columns > 2:  # noqa: PLR2004 - otherwise it has only a name and a total
            scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": DARKEST_CELL}
            self.worksheet.conditional_format(head + 1, 1, last - 1, columns - 2, scale)

    def finish(self) -> None:
        """Finish the sheet: set column widths, write the paragraphs, and set up scrolling and printing."""
        worksheet = self.worksheet
        for column, width in self.widths.items():
            worksheet.set_column(column, column, width)
        last, across = 0, self.widths.get(0, MIN_WIDTH)
        while across < PARAGRAPH_WIDTH:
            last += 1
            across += self.widths.get(last, MIN_WIDTH)
        for row, column, text in self._texts:
            height = LINE_HEIGHT * _count_lines(text, self.widths[column])
            self._heights[row] = max(self._heights.get(row, 0), height)
        for row, text, style in self._paragraphs:
            text_format = self.book.text_format(style)
            worksheet.merge_range(row, 0, row, last, "", text_format)
            worksheet.write_string(row, 0, text, text_format)
            self._heights[row] = LINE_HEIGHT * _count_lines(text, across)
        # A program that finds the height of a row by itself would draw pictures over other cells.
        for row in range(self.row):
            worksheet.set_row(row, min(self._heights.get(row, LINE_HEIGHT), MAX_HEIGHT))
        if len(self._tables) == 1 and self._tables[0][0] <= MAX_FROZEN_HEAD:
            self.frozen = self._tables[0][0] + 1
        worksheet.freeze_panes(self.frozen, 0)
        worksheet.repeat_rows(0, self.frozen - 1)
        head, end, columns = max(self._tables, key=lambda table: table[1] - table[0], default=(0, 0, 0))
        if self.sortable and end - head >= MIN_FILTERED_ROWS:
            worksheet.autofilter(head, 0, end, columns - 1)
        worksheet.hide_gridlines(2)
        across = sum(self.widths.get(n, MIN_WIDTH) for n in range(max(last, *self.widths, 0) + 1))
        if across > MAX_PORTRAIT_WIDTH and not self.one_page:
            worksheet.set_landscape()
        worksheet.set_paper(A4 if across <= MAX_A4_WIDTH else A3)
        worksheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        worksheet.fit_to_pages(1, int(self.one_page))
        worksheet.set_h_pagebreaks(self._breaks)
        size = FONT_SIZE - 2
        worksheet.set_footer(f'&L&"{FONTS[self.book.locale.lang]}"&{size}&A&R&{size}&P / &N')


def cell_text(text: str) -> str:
    """Return a text in a form that a cell can store: no control characters, shortened if too long."""
    safe = fonts.printable(text)
    return safe if len(safe) <= MAX_CELL_LENGTH else safe[: MAX_CELL_LENGTH - 1] + "…"


def text_width(text: str) -> int:
    """Return the width of a text in characters; a Hangul letter counts as two characters."""
    return sum(2 if ord(c) >= WIDE_LETTERS else 1 for c in text)


def _count_lines(text: str, width: float) -> int:
    """Return the number of lines of a text that wraps in a column; a word longer than a line is broken.

    Column widths are measured in digits, which are wider than most letters.
    """
    letters = int(1.2 * width) - 1
    return sum(max(1, math.ceil(text_width(line) / letters)) for line in wrap_columns(text, letters))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)


def _displayed(value: str | float | date | None, number: str) -> str:
    """Return a text as long as the displayed value, to find the width of its column."""
    if isinstance(value, int | float) and number:
        decimals = number.partition(".")[2].count("0")
        return f"{value:.{decimals}%}" if number.endswith("%") else f"{value:,.{decimals}f}"
    return "2022. 12. 29." if isinstance(value, date) else str(value or "")
