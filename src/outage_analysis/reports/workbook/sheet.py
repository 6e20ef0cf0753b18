"""Write the contents of sheets from top to bottom: titles, paragraphs, tables and charts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Any

from outage_analysis.charts import WIDE_LETTERS
from outage_analysis.reports.workbook.cells import (
    FONT_SIZE,
    FONTS,
    FORMULA_PREFIXES,
    Cell,
    CellFormats,
    CellKind,
    ColumnHead,
    Formula,
    LargerUnit,
    SheetTable,
)
from outage_analysis.text import Locale, fonts

if TYPE_CHECKING:  # for type checkers only: xlsxwriter is imported only when a workbook is written
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

MIN_SHADED_COLUMNS = 2
"""A table with no more columns has only a name and a total, so that no cell is shaded."""
MAX_CELL_LENGTH = 32_767
"""The most characters of a cell."""
MAX_NAME_LENGTH = 31
FORBIDDEN_IN_NAME = "[]:*?/\\"
"""Characters that Excel does not allow in the name of a sheet."""
MAX_WIDTH, MIN_WIDTH = 46, 9
"""Limits of column widths, in characters; longer texts wrap."""
LONG_TEXT, MAX_LONG_TEXT_WIDTH = 160, 72
"""Texts of at least `LONG_TEXT` characters may widen their column up to `MAX_LONG_TEXT_WIDTH`."""
PARAGRAPH_WIDTH = 112
"""The width in characters of a paragraph that spans several columns."""
LINE_HEIGHT, HEAD_LINE_HEIGHT = 15, 16
"""Points per line of text, in paragraphs and in column titles."""
MAX_TABLE_ROWS = 100_000
"""The most rows of one table; further rows are left out with a warning."""
MIN_FILTERED_ROWS = 12
"""Tables with at least this many rows get a filter."""
PIXELS_PER_ROW = 20
"""The height of a row in pixels."""
CHART_ROWS, CHART_SIZE = 18, {"width": 860, "height": 340}
A4, A3, MAX_A4_WIDTH = 9, 8, 190
"""Excel's numbers of the paper formats, and the most characters per row that fit on A4."""
FIRST_YEAR = 1900
MAX_FROZEN_HEAD = 7
"""Column titles below this row are not frozen, because they would fill the screen."""


@dataclass(frozen=True)
class TableRange:
    """Position of a table on its sheet: title row, first and last row (from 0), and number of columns."""

    sheet_name: str
    head_row: int
    first: int
    last: int
    columns: int

    def column(self, index: int, first: int = 0) -> list[Any]:
        """Return the range of cells in a column, starting at row `first`, in the form that charts need."""
        return [self.sheet_name, self.first + first, index, self.last, index]


@dataclass
class ReportWorkbook:
    """The Excel workbook; its sheets share the language, cell formats and a unit such as millions."""

    workbook: Workbook
    locale: Locale
    styles: CellFormats
    scale: LargerUnit
    sheets: list[SheetWriter] = field(default_factory=list)

    def add_sheet(self, name: str, colour: str, *, synthetic: bool = False) -> SheetWriter:
        """Add a sheet to the workbook.

        If the sheet is based on synthetic claims, the word "synthetic" is added to its name.
        """
        mark = f" ({self.locale('workbook.synthetic')})" if synthetic else ""
        base_name = "".join(c for c in cell_text(name) if c not in FORBIDDEN_IN_NAME).strip("' ") or "–"
        taken = {sheet.name.casefold() for sheet in self.sheets}
        unique_name = base_name[: MAX_NAME_LENGTH - len(mark)] + mark
        while unique_name.casefold() in taken:
            base_name, unique_name = (
                base_name[:-1],
                f"{base_name[: MAX_NAME_LENGTH - len(mark) - 2]} {len(taken)}{mark}",
            )
        worksheet = self.workbook.add_worksheet(unique_name)
        worksheet.set_tab_color(colour)
        self.sheets.append(SheetWriter(self, worksheet))
        return self.sheets[-1]

    def finish(self) -> None:
        """Finish every sheet of the workbook: widths, paragraphs, scrolling and printing."""
        for sheet in self.sheets:
            sheet.finish()


class SheetWriter:
    """Writes the contents of one sheet; `row` is the next free row."""

    def __init__(self, book: ReportWorkbook, worksheet: Worksheet) -> None:
        self.book, self.worksheet, self.row = book, worksheet, 0
        self.widths: dict[int, float] = {}
        """Column widths in characters. They grow with the cells, unless `set_column_widths` fixed them."""
        self._fixed = False
        self.sortable = True
        """Whether users may sort the tables; False if formulas or charts refer to rows of the tables."""
        self.one_page = False
        """Whether the sheet is printed on one page."""
        self._paragraphs: list[tuple[int, str, str]] = []
        self._tables: list[TableRange] = []
        self._frozen = 0
        self._last_heading = ""

    @property
    def name(self) -> str:
        """The name of the sheet."""
        return str(self.worksheet.get_name())

    def set_column_widths(self, *widths: float) -> None:
        """Set fixed widths of the columns, which do not depend on the contents of the cells."""
        self.widths, self._fixed = dict(enumerate(widths)), True

    def write_title(self, title: str, banner: str = "") -> None:
        """Write the title of the sheet, and above the title the notice on synthetic claims, if any."""
        if banner:
            self.write_paragraph(banner, "warning")
        self.worksheet.set_row(self.row, 24)
        self.worksheet.write_string(self.row, 0, cell_text(title), self.book.styles.cell_format("title"))
        self.row += 1
        self._frozen, self._last_heading = self.row, title

    def write_paragraph(self, text: str, style: str = "text") -> None:
        """Write a paragraph that spans several columns of the sheet."""
        self._paragraphs.append((self.row, cell_text(text), style))
        self.row += 1

    def write_heading(self, text: str) -> int:
        """Write a heading after an empty row, and return the row of the heading.

        A heading that repeats the previous heading is not written.
        """
        if text == self._last_heading:
            return self.row
        self._last_heading = text
        self.row += 1 if self.row > self._frozen else 0
        self.worksheet.set_row(self.row, 20)
        self.worksheet.write_string(self.row, 0, cell_text(text), self.book.styles.cell_format("heading"))
        self.row += 1
        return self.row - 1

    def reserve_chart_rows(self) -> int:
        """Leave empty rows for a chart, and return the first empty row."""
        self.row += CHART_ROWS
        return self.row - CHART_ROWS

    def insert_picture(self, image: bytes, description: str) -> None:
        """Insert a PNG picture with its text alternative, scaled down to the width of a chart."""
        width, height = (int.from_bytes(image[at : at + 4], "big") for at in (16, 20))
        scale = min(1.0, CHART_SIZE["width"] / width)
        options = {
            "image_data": BytesIO(image),
            "description": cell_text(description),
            "x_scale": scale,
            "y_scale": scale,
        }
        self.worksheet.insert_image(self.row, 0, "chart.png", options)
        self.row += math.ceil(height * scale / PIXELS_PER_ROW) + 1

    def write_table(self, rows: SheetTable) -> TableRange:
        """Write a table, and return its position on the sheet.

        If the table is too long for a sheet, only its first rows are written, and a warning states how many.
        """
        cells, count = rows.cells[:MAX_TABLE_ROWS], len(rows.cells)
        if len(cells) < count:
            locale = self.book.locale
            self.write_paragraph(
                locale("workbook.cut_rows", shown=locale.number(len(cells)), count=locale.number(count)),
                "warning",
            )
        head = self.row - (not rows.heads)
        self._write_heads(head, rows.heads)
        for row, line in enumerate(cells, start=head + 1):
            for column, cell in enumerate(line):
                self.write_cell(row, column, cell)
        columns = max(map(len, (rows.heads, *cells)))
        table_range = TableRange(self.name, head, head + 1, head + len(cells), columns)
        if rows.heads:
            self._tables.append(table_range)
        self.row = table_range.last + 2
        return table_range

    def shade_cells(self, table: TableRange) -> None:
        """Shade the cells of a table by their number, except its first column and its totals at the ends."""
        if table.last > table.first and table.columns > MIN_SHADED_COLUMNS:
            scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#7FB3D9"}
            self.worksheet.conditional_format(table.first, 1, table.last - 1, table.columns - 2, scale)

    def _write_heads(self, head: int, titles: Sequence[ColumnHead]) -> None:
        styles, most = self.book.styles, 1
        for column, title in enumerate(titles):
            text = cell_text(title.title)
            self.worksheet.write_string(head, column, text, styles.cell_format("head", right=title.right))
            self._widen(column, min(_text_width(text), 18) + 2)
            most = max(most, math.ceil((_text_width(text) + 1) / self.widths[column]))
        if titles:
            self.worksheet.set_row(head, HEAD_LINE_HEIGHT * most + 2)

    def write_cell(self, row: int, column: int, cell: Cell) -> None:
        """Write the content of one cell; a text is never stored as a formula, link or number."""
        value, worksheet, styles = cell.value, self.worksheet, self.book.styles
        if isinstance(value, Formula):
            cached = value.cached
            number = "" if isinstance(cached, str) else styles.number_format(cell.kind, cached)
            worksheet.write_formula(row, column, value.text, styles.cell_format(cell.style, number), cached)
            self._widen(
                column, _text_width(cached if isinstance(cached, str) else _number_text(cell.kind, cached))
            )
        elif isinstance(value, date) and value.year >= FIRST_YEAR:
            worksheet.write_datetime(row, column, value, styles.cell_format(cell.style, styles.day_format))
            self._widen(column, 14)
        elif isinstance(value, float | int) and math.isfinite(value):
            worksheet.write_number(
                row, column, value, styles.cell_format(cell.style, styles.number_format(cell.kind, value))
            )
            self._widen(column, len(_number_text(cell.kind, value)) + 2)
        elif value is None or value == "":
            worksheet.write_blank(row, column, None, styles.cell_format(cell.style))
        else:
            text = cell_text(str(value))
            worksheet.write_string(
                row, column, text, styles.cell_format(cell.style, quoted=text.startswith(FORMULA_PREFIXES))
            )
            self._widen(column, _text_width(text) + 1)

    def freeze_above(self, row: int) -> None:
        """Keep the rows above row `row` visible while scrolling, and repeat them on every printed page."""
        self._frozen = row

    def finish(self) -> None:
        """Finish the sheet: set column widths, write the paragraphs, and set up scrolling and printing."""
        worksheet = self.worksheet
        columns = max((t.columns for t in self._tables), default=1)
        for column, width in self.widths.items():
            worksheet.set_column(column, column, width)
        if not self._tables:
            worksheet.set_column(0, 0, PARAGRAPH_WIDTH)
            self.widths[0] = PARAGRAPH_WIDTH
        last, across = 0, self.widths.get(0, MAX_WIDTH)
        while last + 1 < columns and across < PARAGRAPH_WIDTH:
            last += 1
            across += self.widths.get(last, MIN_WIDTH)
        for row, text, style in self._paragraphs:
            cell_format = self.book.styles.cell_format(style)
            if last:
                worksheet.merge_range(row, 0, row, last, "", cell_format)
            worksheet.write_string(row, 0, text, cell_format)
            worksheet.set_row(row, LINE_HEIGHT * math.ceil(_text_width(text) / (1.12 * across)) + 2)
        if len(self._tables) == 1 and self._tables[0].head_row <= MAX_FROZEN_HEAD:
            self._frozen = self._tables[0].head_row + 1
        if self._frozen:
            worksheet.freeze_panes(self._frozen, 0)
            worksheet.repeat_rows(0, self._frozen - 1)
        largest = max(self._tables, key=lambda t: t.last - t.first, default=None)
        if self.sortable and largest and largest.last - largest.first + 1 >= MIN_FILTERED_ROWS:
            worksheet.autofilter(largest.head_row, 0, largest.last, largest.columns - 1)
        worksheet.hide_gridlines(2)
        worksheet.set_landscape()
        worksheet.set_paper(A4 if sum(self.widths.values()) <= MAX_A4_WIDTH else A3)
        worksheet.fit_to_pages(1, int(self.one_page))
        worksheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        worksheet.set_footer(
            f'&L&"{FONTS[self.book.locale.lang]}"&{FONT_SIZE - 2}&A&R&{FONT_SIZE - 2}&P / &N'
        )

    def _widen(self, column: int, width: float) -> None:
        if not self._fixed:
            width_so_far = self.widths.get(column, MIN_WIDTH)
            self.widths[column] = max(
                width_so_far, min(width, MAX_WIDTH if width < LONG_TEXT else MAX_LONG_TEXT_WIDTH)
            )


def cell_text(text: str) -> str:
    """Return a text in a form that a cell can store: no control characters, shortened if too long."""
    safe = fonts.printable(text)
    return safe if len(safe) <= MAX_CELL_LENGTH else safe[: MAX_CELL_LENGTH - 1] + "…"


def _text_width(text: str) -> int:
    """Return the width of a text in characters; a Hangul letter counts as two characters."""
    return sum(2 if ord(c) >= WIDE_LETTERS else 1 for c in text)


def _number_text(kind: CellKind, value: float) -> str:
    """Return a number as a text about as long as the displayed number, to estimate column widths."""
    if kind == "share":
        return f"{value:.2%}"
    if kind == "decimal" and not float(value).is_integer():
        return f"{value:,.3f}"
    return f"{value:,.0f}"
