"""A sheet that is written from the top down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from outage_analysis.charts import WIDE_LETTERS
from outage_analysis.reports.workbook.cells import Cell, Formula, Head, Kind, Rows, Scale
from outage_analysis.reports.workbook.styles import FONTS, RISKY, SIZE, Styles
from outage_analysis.text import Locale, fonts

if TYPE_CHECKING:  # the library is read only when a workbook is written
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

LONGEST = 32_767
"""Characters that a cell can hold."""
LONGEST_NAME = 31
FORBIDDEN = "[]:*?/\\"
"""What the name of a sheet cannot hold."""
WIDEST, NARROWEST = 46, 9
"""Columns, in characters; longer texts are wrapped."""
LONG, WIDEST_LONG = 160, 72
"""Whole paragraphs in a cell take a wider column."""
ACROSS = 112
"""Characters of a paragraph that runs across columns."""
LINE, HEAD_LINE = 15, 16
"""Points from one line of text to the next."""
MOST_ROWS = 100_000
"""Of one table."""
FILTERED = 12
"""From so many rows on a table can be filtered."""
CHART_ROWS, CHART_SIZE = 18, {"width": 860, "height": 340}
A4, A3, ON_A4 = 9, 8, 190
"""Papers by their numbers, and the characters that fit across the smaller."""
FIRST_YEAR = 1900
FROZEN = 7
"""A head further down does not stay in sight."""


@dataclass(frozen=True)
class Placed:
    """Where a table stands: its head, its first and last row, its columns; all counted from 0."""

    sheet: str
    head: int
    first: int
    last: int
    columns: int

    def column(self, place: int, first: int = 0) -> list[Any]:
        """The cells of a column from one of its rows on, as charts take them."""
        return [self.sheet, self.first + first, place, self.last, place]


@dataclass
class Book:
    """The workbook, and what all of its sheets share."""

    workbook: Workbook
    words: Locale
    styles: Styles
    scale: Scale
    pages: list[Page] = field(default_factory=list)

    def page(self, name: str, colour: str, *, synthetic: bool = False) -> Page:
        """A new sheet; one of synthetic rows says so in its name."""
        mark = f" ({self.words('workbook.synthetic')})" if synthetic else ""
        plain = "".join(c for c in shown(name) if c not in FORBIDDEN).strip("' ") or "–"
        taken = {page.name.casefold() for page in self.pages}
        found = plain[: LONGEST_NAME - len(mark)] + mark
        while found.casefold() in taken:
            plain, found = plain[:-1], f"{plain[: LONGEST_NAME - len(mark) - 2]} {len(taken)}{mark}"
        sheet = self.workbook.add_worksheet(found)
        sheet.set_tab_color(colour)
        self.pages.append(Page(self, sheet))
        return self.pages[-1]

    def finish(self) -> None:
        """Set up every sheet."""
        for page in self.pages:
            page.finish()


class Page:
    """One sheet: `row` is the next to be written."""

    def __init__(self, book: Book, sheet: Worksheet) -> None:
        self.book, self.sheet, self.row = book, sheet, 0
        self.widths: dict[int, float] = {}
        """Columns, in characters; those set beforehand stay."""
        self._fixed = False
        self.sortable = True
        """Whether its tables may be put in another order: not those that formulas and charts refer to."""
        self._paragraphs: list[tuple[int, str, str]] = []
        self._tables: list[Placed] = []
        self._frozen = 0
        self._headed = ""

    @property
    def name(self) -> str:
        """The name of the sheet."""
        return str(self.sheet.get_name())

    def fix(self, *widths: float) -> None:
        """Set the widths of the columns, whatever stands in them."""
        self.widths, self._fixed = dict(enumerate(widths)), True

    def open(self, title: str, banner: str = "") -> None:
        """Title, and above it what must be known of synthetic rows."""
        if banner:
            self.say(banner, "warning")
        self.sheet.set_row(self.row, 24)
        self.sheet.write_string(self.row, 0, shown(title), self.book.styles.of("title"))
        self.row += 1
        self._frozen, self._headed = self.row, title

    def say(self, text: str, look: str = "text") -> None:
        """A paragraph across the columns."""
        self._paragraphs.append((self.row, shown(text), look))
        self.row += 1

    def head(self, text: str) -> int:
        """A heading after an empty row, unless it says again what the one above says; returns its row."""
        if text == self._headed:
            return self.row
        self._headed = text
        self.row += 1 if self.row > self._frozen else 0
        self.sheet.set_row(self.row, 20)
        self.sheet.write_string(self.row, 0, shown(text), self.book.styles.of("heading"))
        self.row += 1
        return self.row - 1

    def room(self) -> int:
        """Leave the rows of a chart empty; returns the first."""
        self.row += CHART_ROWS
        return self.row - CHART_ROWS

    def table(self, rows: Rows) -> Placed:
        """A table; what does not fit is said to be cut."""
        cells, count = rows.cells[:MOST_ROWS], len(rows.cells)
        if len(cells) < count:
            locale = self.book.words
            self.say(
                locale("workbook.cut_rows", shown=locale.number(len(cells)), count=locale.number(count)),
                "warning",
            )
        head = self.row - (not rows.heads)
        self._heads(head, rows.heads)
        for row, line in enumerate(cells, start=head + 1):
            for column, cell in enumerate(line):
                self.write(row, column, cell)
        columns = max(map(len, (rows.heads, *cells)))
        placed = Placed(self.name, head, head + 1, head + len(cells), columns)
        if rows.heads:
            self._tables.append(placed)
        self.row = placed.last + 2
        return placed

    def _heads(self, head: int, titles: Sequence[Head]) -> None:
        """The heads of a table, as high as the longest needs."""
        style, most = self.book.styles, 1
        for column, title in enumerate(titles):
            text = shown(title.title)
            self.sheet.write_string(head, column, text, style.of("head", right=title.right))
            self._widen(column, min(_width(text), 18) + 2)
            most = max(most, math.ceil((_width(text) + 1) / self.widths[column]))
        if titles:
            self.sheet.set_row(head, HEAD_LINE * most + 2)

    def write(self, row: int, column: int, cell: Cell) -> None:
        """One cell: a text is never taken for a formula, a link or a number."""
        value, sheet, style = cell.value, self.sheet, self.book.styles
        if isinstance(value, Formula):
            known = value.cached
            number = "" if isinstance(known, str) else style.number(cell.kind, known)
            sheet.write_formula(row, column, value.text, style.of(cell.look, number), known)
            self._widen(column, _width(known if isinstance(known, str) else _digits(cell.kind, known)))
        elif isinstance(value, date) and value.year >= FIRST_YEAR:
            sheet.write_datetime(row, column, value, style.of(cell.look, style.day))
            self._widen(column, 14)
        elif isinstance(value, float | int) and math.isfinite(value):
            sheet.write_number(row, column, value, style.of(cell.look, style.number(cell.kind, value)))
            self._widen(column, len(_digits(cell.kind, value)) + 2)
        elif value is None or value == "":
            sheet.write_blank(row, column, None, style.of(cell.look))
        else:
            text = shown(str(value))
            sheet.write_string(row, column, text, style.of(cell.look, quoted=text.startswith(RISKY)))
            self._widen(column, _width(text) + 1)

    def freeze(self, row: int) -> None:
        """Keep the rows above this one in sight, and on every printed page."""
        self._frozen = row

    def finish(self) -> None:
        """Widths, paragraphs, and how the sheet scrolls and prints."""
        sheet = self.sheet
        columns = max((t.columns for t in self._tables), default=1)
        for column, width in self.widths.items():
            sheet.set_column(column, column, width)
        if not self._tables:
            sheet.set_column(0, 0, ACROSS)
            self.widths[0] = ACROSS
        last, across = 0, self.widths.get(0, WIDEST)
        while last + 1 < columns and across < ACROSS:
            last += 1
            across += self.widths.get(last, NARROWEST)
        for row, text, look in self._paragraphs:
            shape = self.book.styles.of(look)
            if last:
                sheet.merge_range(row, 0, row, last, "", shape)
            sheet.write_string(row, 0, text, shape)
            sheet.set_row(row, LINE * math.ceil(_width(text) / (1.12 * across)) + 2)
        if len(self._tables) == 1 and self._tables[0].head <= FROZEN:
            self._frozen = self._tables[0].head + 1
        if self._frozen:
            sheet.freeze_panes(self._frozen, 0)
            sheet.repeat_rows(0, self._frozen - 1)
        largest = max(self._tables, key=lambda t: t.last - t.first, default=None)
        if self.sortable and largest and largest.last - largest.first + 1 >= FILTERED:
            sheet.autofilter(largest.head, 0, largest.last, largest.columns - 1)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(A4 if sum(self.widths.values()) <= ON_A4 else A3)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        sheet.set_footer(f'&L&"{FONTS[self.book.words.lang]}"&{SIZE - 2}&A&R&{SIZE - 2}&P / &N')

    def _widen(self, column: int, width: float) -> None:
        if not self._fixed:
            known = self.widths.get(column, NARROWEST)
            self.widths[column] = max(known, min(width, WIDEST if width < LONG else WIDEST_LONG))


def shown(text: str) -> str:
    """A text as a cell can hold it: no control characters, not too long."""
    safe = fonts.printable(text)
    return safe if len(safe) <= LONGEST else safe[: LONGEST - 1] + "…"


def _width(text: str) -> int:
    """Columns of a text: a letter of Hangul takes two."""
    return sum(2 if ord(c) >= WIDE_LETTERS else 1 for c in text)


def _digits(kind: Kind, value: float) -> str:
    """A number about as long as its format writes it."""
    if kind == "share":
        return f"{value:.2%}"
    if kind == "decimal" and not float(value).is_integer():
        return f"{value:,.3f}"
    return f"{value:,.0f}"
