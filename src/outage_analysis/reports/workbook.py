"""Write the report as an Excel workbook: a summary, live formulas, and a sheet per group of sections."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from io import BytesIO
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import polars as pl
import xlsxwriter
from markupsafe import Markup
from rich.cells import cell_len
from xlsxwriter.format import Format
from xlsxwriter.utility import quote_sheetname, xl_range, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from outage_analysis.assumptions import BandMix
from outage_analysis.charts import ACCENT, GREY, GRID, INK, LIGHT, MUTED, OKABE_ITO
from outage_analysis.costs import LiveCost, page_model, simulation
from outage_analysis.reports.blocks import (
    Block,
    BulletList,
    ChartBlock,
    Heading,
    KeyFigures,
    TableBlock,
    TableFormatter,
    Text,
    plain_text,
)
from outage_analysis.reports.report import Report, repack
from outage_analysis.text import Column, Locale, Unit, fonts, schema_of, wrap_text

FONTS = {"en": "Calibri", "ko": "Malgun Gothic"}
"""Workbooks cannot embed fonts. These come with every Excel; other programs replace them by fonts of
the same widths (Carlito) or with Hangul."""
FONT_SIZE = 10
INPUT_COLOUR, WARNING_COLOUR, FLAG_COLOUR = "#FFF4CC", "#FFE3D3", "#A33A00"
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
MAX_FROZEN_HEAD = 7
"""Column titles below this row are not frozen, because they would fill the screen."""
MIN_WIDTH, MAX_HEAD_WIDTH, MAX_WIDTH = 9, 20, 44
"""Limits of column widths, in characters; longer texts wrap."""
PARAGRAPH_WIDTH = 112
"""The width in characters of a paragraph, which spans several columns."""
LINE_HEIGHT, MAX_HEIGHT = 15.75, 400
"""Points per line of text, and of the highest row."""
PICTURE_WIDTH, PIXELS_PER_POINT = 760, 4 / 3
"""The width of a picture on the screen in pixels, which are smaller than points."""
A4 = 9
"""Excel's number of the paper."""


class Cell(NamedTuple):
    """The content of a cell; the unit decides the number format."""

    value: str | float | date | None = None
    unit: Unit = "text"
    style: str = "plain"
    formula: str = ""
    """The formula of the value, never built from texts of the input data.

    Programs that do not compute formulas show the value.
    """


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
        # A text is a text, even if it looks like a formula, an address or a number.
        texts = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
        self.file = xlsxwriter.Workbook(self._buffer, {"in_memory": True} | texts)
        words = {name: cell_text(text) for name, text in properties.items()}
        self.file.set_properties({**words, "created": datetime.combine(created, time())})
        self.day_format = r'yyyy". "m". "d"."' if locale.lang == "ko" else "[$-409]d mmm yyyy"
        self._formats: dict[tuple[str, ...], Format] = {}
        self._sheets: list[Sheet] = []

    def add_sheet(
        self,
        name: str,
        colour: str,
        *,
        title: str = "",
        banner: str = "",
        warning: str = "",
        one_page: bool = False,
    ) -> Sheet:
        """Add a sheet with a title, which is by default the name.

        Args:
            name: the name of the sheet; characters that Excel does not allow are left out.
            colour: the colour of the tab.
            title: the title.
            banner: the notice on synthetic claims. If there is one, it precedes the title, and the word
                "synthetic" is added to the name of the sheet.
            warning: a further notice that precedes the title.
            one_page: whether the sheet is printed on one page.
        """
        mark = f" ({self.locale('workbook.synthetic')})" if banner else ""
        plain = "".join(c for c in cell_text(name) if c not in "[]:*?/\\").strip("' ") or "–"
        taken = {sheet.name.casefold() for sheet in self._sheets} | {"history"}  # Excel reserves this name
        endings = chain([mark], (f" {number}{mark}" for number in count(2)))
        names = (plain[: MAX_NAME_LENGTH - len(ending)].strip("' ") + ending for ending in endings)
        worksheet = self.file.add_worksheet(next(x for x in names if x.casefold() not in taken))
        worksheet.set_tab_color(colour)
        sheet = Sheet(self, worksheet, one_page=one_page)
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

    def __init__(self, book: Book, worksheet: Worksheet, *, one_page: bool) -> None:
        self.book, self.worksheet, self.row = book, worksheet, 0
        self.name = str(worksheet.get_name())
        self.widths: dict[int, float] = {}
        """Column widths in characters, which grow with the cells."""
        self.one_page = one_page
        self._paragraphs: list[tuple[int, str, str]] = []
        self._texts: list[tuple[int, int, str]] = []
        """The row, the column and the text of each text in a table."""
        self._heights: dict[int, float] = {}
        self._heads: list[int] = []
        """The rows of column titles."""
        self.frozen = 0
        """The number of rows that stay visible while scrolling."""
        self._last_heading = ""

    def write_heading(self, text: str) -> None:
        """Write a heading after an empty row, unless it repeats the last title or heading."""
        if text != self._last_heading:
            self.row += 1 if self.row > self.frozen else 0
            self.write_line(text, "heading", 20)

    def write_line(self, text: str, style: str, height: int) -> None:
        """Write a title or a heading, which is not broken into lines."""
        self._heights[self.row] = height
        self.worksheet.write_string(self.row, 0, cell_text(text), self.book.text_format(style))
        self._last_heading = text
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
        numeric = {n for cells in written for n, cell in enumerate(cells) if _is_number(cell.value)}
        for column, title in enumerate(map(cell_text, titles)):
            look = self.book.table_format("head", right=column in numeric)
            self.worksheet.write_string(head, column, title, look)
            self._widen(column, min(cell_len(title) + 2, MAX_HEAD_WIDTH))
            self._texts.append((head, column, title))
        if titles:
            self._heads.append(head)
        self.row = head + len(written) + 2

    def write_cell(self, row: int, column: int, cell: Cell) -> None:
        """Write the content of one cell; a text is never stored as a formula, link or number."""
        book, value, number = self.book, cell.value, ""
        if _is_number(value):
            number = number_format(book.locale, cell.unit, value)
        elif isinstance(value, date) and value.year >= FIRST_YEAR:
            number = book.day_format
        text = "" if number or value is None else cell_text(str(value))
        quoted = text.startswith(("=", "+", "-", "@"))  # would become a formula when edited
        look = book.table_format(cell.style, number, quoted=quoted)
        if cell.formula:
            self.worksheet.write_formula(row, column, cell.formula, look, value)
        elif text:
            self.worksheet.write_string(row, column, text, look)
            self._texts.append((row, column, text))
        else:
            self.worksheet.write(row, column, value, look)  # a number, a day or nothing
        self._widen(column, cell_len(_displayed(value, number)) + 2)

    def _widen(self, column: int, width: float) -> None:
        self.widths[column] = max(self.widths.get(column, MIN_WIDTH), min(width, MAX_WIDTH))

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
        if len(self._heads) == 1 and self._heads[0] <= MAX_FROZEN_HEAD:
            self.frozen = self._heads[0] + 1
        worksheet.freeze_panes(self.frozen, 0)
        worksheet.repeat_rows(0, self.frozen - 1)
        worksheet.hide_gridlines(2)
        if not self.one_page:
            worksheet.set_landscape()
        worksheet.set_paper(A4)
        worksheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        worksheet.fit_to_pages(1, int(self.one_page))
        size = FONT_SIZE - 2
        worksheet.set_footer(f'&L&"{FONTS[self.book.locale.lang]}"&{size}&A&R&{size}&P / &N')


def cell_text(text: str) -> str:
    """Return a text in a form that a cell can store: no control characters, shortened if too long."""
    safe = fonts.printable(text)
    return safe if len(safe) <= MAX_CELL_LENGTH else safe[: MAX_CELL_LENGTH - 1] + "…"


def _count_lines(text: str, width: float) -> int:
    """Return the number of lines of a text that wraps in a column; a word longer than a line is broken.

    Column widths are measured in digits, which are wider than most letters.
    """
    return len(wrap_text(text, int(1.2 * width) - 1))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)


def _displayed(value: str | float | date | None, number: str) -> str:
    """Return a text as long as the displayed value, to find the width of its column."""
    if isinstance(value, int | float) and number:
        decimals = number.partition(".")[2].count("0")
        return f"{value:.{decimals}%}" if number.endswith("%") else f"{value:,.{decimals}f}"
    return "2022. 12. 29." if isinstance(value, date) else str(value or "")


INPUT_TAB, HINDSIGHT_TAB = OKABE_ITO[4], OKABE_ITO[3]
SHEETS = (
    ("decisions", ACCENT, ("decisions",)),
    ("cost", ACCENT, ("cost", "free")),
    ("service_bands", ACCENT, ("service-bands", "services")),
    ("why", ACCENT, ("why",)),
    ("compared", ACCENT, ("compared",)),
    ("doubt", ACCENT, ("doubt",)),
    ("policy", ACCENT, ("policy", "accounting")),
    ("method", ACCENT, ("method",)),
    ("assumptions", INPUT_TAB, ("assumptions",)),
    ("claims", GREY, ("claims",)),
    ("quality", GREY, ("quality",)),
    ("hindsight", HINDSIGHT_TAB, ("hindsight",)),
    ("facts", LIGHT, ("facts",)),
    ("tie_outs", LIGHT, ("published", "tie-outs")),
)
"""The name and colour of each sheet, and the report sections on it. Other sections get a sheet of their own.

The summary, the inputs and the cost lines come before these sheets.
"""


def write_xlsx(report: Report, folder: Path) -> None:
    """Write the report as the Excel workbook report.xlsx.

    Raises:
        OSError: the file cannot be written.
    """
    (folder / "report.xlsx").write_bytes(workbook_bytes(report))


def workbook_bytes(report: Report) -> bytes:
    """Return the Excel workbook of a report as bytes.

    The only date in the file is the as-of day, so that a rebuild gives the same bytes.
    """
    locale, analysis = report.locale, report.analysis
    texts = {"title": report.title, "subject": report.policy, "comments": report.footer}
    book = Book(locale, analysis.as_of, texts)
    banner = report.banner if analysis.headline_is_synthetic else ""
    summary = book.add_sheet(
        locale("workbook.summary"),
        ACCENT,
        title=report.title,
        banner=banner,
        warning=report.warning,
        one_page=True,
    )
    cost, inputs_name, live = report.products, locale("workbook.inputs"), None
    intro = "no_formulas_tied" if cost is None and analysis.headline_basis in analysis.runs else "no_formulas"
    if cost and cost.factors:
        live, intro = LiveFormulas(cost, locale), "live_intro"
        write_inputs(book.add_sheet(inputs_name, INPUT_TAB), report, live)
        lines = book.add_sheet(locale("column.lines"), ACCENT, banner=banner)
        write_lines(lines, report, live, inputs_name)
    _write_summary(summary, report, live, locale(f"workbook.{intro}", sheet=inputs_name))
    _write_sections(book, report)
    return repack(book.close())


def _write_summary(sheet: Sheet, report: Report, live: LiveFormulas | None, intro: str) -> None:
    """Write the first screen of the report, with the key figures as numbers after its headline."""
    for text in (report.kicker, report.policy):
        sheet.write_paragraph(text)
    answer, *others = report.front
    for number, text in enumerate(report.answers.headline):
        sheet.write_paragraph(text, "plain" if number else "strong")
    sheet.write_heading(report.locale("workbook.figures"))
    sheet.write_paragraph(intro, "note")
    write_figures(sheet, report, live)
    rest = (block for section in others for block in (Heading(section.title), *section.blocks))
    for block in (*(block for block in answer.blocks if not isinstance(block, Text)), *rest):
        _write_block(sheet, report, block)
    sheet.write_paragraph(report.footer, "note")
    sheet.widths |= {0: 40, 4: 26}  # column 4 can hold each of its states


def _write_sections(book: Book, report: Report) -> None:
    """Write one sheet per group of report sections."""
    remaining = {section.id: section for section in report.sections}
    groups = [(report.locale(f"workbook.{name}"), colour, ids) for name, colour, ids in SHEETS]
    grouped = {id_ for _, _, ids in groups for id_ in ids}
    groups += [(s.title, LIGHT, (s.id,)) for s in report.sections if s.id not in grouped]
    for name, colour, ids in groups:
        sections = [remaining[id_] for id_ in ids if id_ in remaining]
        if sections:
            banner = report.banner if any(section.synthetic for section in sections) else ""
            sheet = book.add_sheet(name, colour, title=sections[0].title, banner=banner)
            for section in sections:
                sheet.write_heading(section.title)
                for block in section.blocks:
                    _write_block(sheet, report, block)


def _write_block(sheet: Sheet, report: Report, block: Block) -> None:
    if isinstance(block, Text):
        sheet.write_paragraph(block.text, block.role)
    elif isinstance(block, Heading):
        sheet.write_heading(block.text)
    elif isinstance(block, BulletList | KeyFigures):
        for item in block.items:
            sheet.write_paragraph(f"• {item}")
    elif isinstance(block, ChartBlock):
        chart = report.charts[block.chart]
        sheet.insert_picture(report.pictures[block.chart], f"{chart.title}. {chart.description}")
    table = block.table if isinstance(block, ChartBlock) else block
    if isinstance(table, TableBlock) and table.grid in report.views:
        if table.caption:
            sheet.write_heading(table.caption)
        sheet.write_table(*table_cells(report.formatter, *report.views[table.grid]))


CHANGED_INPUTS = "inputs_changed"
"""The named cell with the number of inputs that the user changed."""
TOTAL_NAME = "expected_{}"
"""The named cell with the total of a valuation."""
CELL_REFERENCE = re.compile(r"[A-Z]{1,3}[0-9]+|R[0-9]*(C[0-9]*)?|C[0-9]*|TRUE|FALSE", re.IGNORECASE)
"""Texts that a formula would parse as a cell reference or a truth value instead of a name."""
VALUE, ORIGINAL = 3, 5
"""Columns of the table of inputs, counted from 0."""
BASE, LIVE = 6, 8
"""Columns of the table of cost lines."""
LARGEST_INPUT = 10**MAX_DIGITS
"""The largest amount or factor that a user may enter; a share has the limit of its input."""
INPUT_UNITS: dict[str, Unit] = {"share": "share", "money": "money", "times": "decimal"}


class LiveFormulas:
    """The expected cost in the cells of a workbook: names, formulas, and their values in whole currency."""

    def __init__(self, cost: LiveCost, locale: Locale) -> None:
        self.cost, self.locale = cost, locale
        self.inputs = {factor.id: factor for factor in cost.factors}
        self.valuations = tuple(dict.fromkeys(term.valuation for term in cost.terms))
        lines = list(dict.fromkeys(term.line for term in cost.terms))
        self.terms = sorted(
            cost.terms, key=lambda t: (self.valuations.index(t.valuation), lines.index(t.line))
        )
        """The cost terms, so that those of a valuation and of a line stand together."""
        taken = (CHANGED_INPUTS, *map(TOTAL_NAME.format, self.valuations))
        self.names = formula_names(self.inputs, taken)
        """The name of the cell of each input, by the id of the input."""

    def name_cell(self, name: str, sheet: Sheet, row: int, column: int) -> None:
        """Give a cell a name, which formulas on every sheet can use."""
        cell = xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True)
        sheet.book.file.define_name(name, f"={quote_sheetname(sheet.name)}!{cell}")

    def value(self, terms: Iterable[page_model.Product]) -> float:
        """Return the sum of cost terms."""
        unit = 10.0**self.locale.minor_units
        values = (math.prod((t.base / unit, *(self.inputs[f].value for f in t.factors))) for t in terms)
        return simulation.round_digits(math.fsum(values))

    def total(self, valuation: str) -> float:
        """Return the total of a valuation, rounded as in its cell."""
        total = self.value(term for term in self.terms if term.valuation == valuation)
        return round(total, self.digits(total))

    def digits(self, value: float) -> int:
        """Return to how many decimals a total is rounded: ten significant digits, as in the tables."""
        return 9 - decimal_exponent(value) if value else 0


def formula_names(ids: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return a valid and unique Excel name for each id: id -> name.

    No name looks like a cell reference, and no two names are equal if case is ignored.
    """
    names: dict[str, str] = {}
    used = {name.casefold() for name in taken}
    for id_ in ids:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", id_)
        if plain[:1].isdigit() or CELL_REFERENCE.fullmatch(plain):
            plain = f"_{plain}"
        numbered = chain([plain], (f"{plain}_{number}" for number in count(2)))
        names[id_] = next(name for name in numbered if name.casefold() not in used)
        used.add(names[id_].casefold())
    return names


def live_text(condition: str, then: str, otherwise: str, style: str = "plain") -> Cell:
    """Return a cell that shows one of two labels; the condition does not hold when the sheet is written."""
    quoted = ('"' + text.replace('"', '""') + '"' for text in (then, otherwise))
    return Cell(otherwise, style=style, formula=f"=IF({condition},{','.join(quoted)})")


def write_inputs(sheet: Sheet, report: Report, live: LiveFormulas) -> None:
    """Write a table with one named cell per input, which users can change, and count the changed inputs."""
    locale, inputs = report.locale, list(live.inputs.values())
    sheet.write_paragraph(locale("workbook.inputs_intro"), "note")
    counter, head = sheet.row, sheet.row + 1
    sheet.row = head
    titles = [
        locale("column.assumption"),
        locale("workbook.part"),
        locale("column.kind"),
        locale("column.value"),
        locale("column.unit"),
        *(locale(f"workbook.{name}") for name in ("original", "changed", "low", "high", "defined")),
    ]
    first, last = head + 1, head + len(inputs)
    sheet.write_table(
        titles, [_input_cells(report, live, factor, row) for row, factor in enumerate(inputs, start=first)]
    )
    for row, factor in enumerate(inputs, start=first):
        live.name_cell(live.names[factor.id], sheet, row, VALUE)
        most = factor.high if factor.measure == "share" else LARGEST_INPUT
        limits = {
            "validate": "decimal",
            "criteria": "between",
            "minimum": 0,
            "maximum": most,
            "error_title": locale("workbook.invalid")[:32],  # Excel allows no more letters
            "error_message": locale(
                "workbook.invalid_number",
                high=locale.share(most) if factor.measure == "share" else locale.number(most),
            ),
        }
        sheet.worksheet.data_validation(row, VALUE, row, VALUE, limits)
    values, originals = (xl_range(first, column, last, column) for column in (VALUE, ORIGINAL))
    changed = f"=SUMPRODUCT(--({values}<>{originals}))"
    sheet.write_cell(counter, 0, Cell(locale("workbook.changed_count"), style="total"))
    sheet.write_cell(counter, 1, Cell(0, "count", "total", changed))
    live.name_cell(CHANGED_INPUTS, sheet, counter, 1)


def _input_cells(report: Report, live: LiveFormulas, factor: page_model.LiveInput, row: int) -> list[Cell]:
    locale, names, ledger = report.locale, report.names, report.analysis.ledger
    parts = [names.get(factor.line, factor.line)] if factor.line else []
    if (factor.over, factor.up_to) != (None, None):
        parts.append(locale.band(factor.over, factor.up_to))
    entry = next((a for a in ledger.assumptions if a.id == factor.id), None) if ledger else None
    low, high = (factor.low, factor.high) if factor.assumption else (None, None)
    if entry is not None and not isinstance(entry, BandMix):
        # The last digits of an end differ between processors.
        low, high = map(simulation.round_digits, (entry.range.low, entry.range.high))
    value, original = (xl_rowcol_to_cell(row, column) for column in (VALUE, ORIGINAL))
    unit = INPUT_UNITS[factor.measure]
    return [
        Cell(names.get(factor.assumption, factor.assumption) or locale("workbook.tier")),
        Cell(", ".join(parts)),
        Cell(locale(f"word.{factor.kind}")),
        number_cell(locale, factor.value, unit, "input"),
        Cell(locale.unit if factor.measure == "money" else locale(f"workbook.{factor.measure}")),
        number_cell(locale, factor.value, unit, "original"),
        live_text(f"{value}<>{original}", locale("workbook.is_changed"), "", "flag"),
        number_cell(locale, low, unit),
        number_cell(locale, high, unit),
        Cell(live.names[factor.id]),
    ]


def write_lines(sheet: Sheet, report: Report, live: LiveFormulas, inputs: str) -> None:
    """Write the terms (products of inputs) of every cost line, and the totals by line and by valuation.

    Args:
        sheet: an empty sheet.
        report: the content of the report.
        live: the live formulas; the cells of the totals get names.
        inputs: the name of the sheet with the inputs.
    """
    locale = report.locale
    sheet.write_paragraph(locale("workbook.lines_intro", sheet=inputs), "note")
    labels = ("line", "valuation", "service", "claimant_type", "band", "rule")
    titles = [
        *(locale(f"column.{name}") for name in labels),
        locale("workbook.base"),
        locale("workbook.times_inputs"),
        *(locale(f"workbook.{name}", unit=locale.unit) for name in ("live", "written")),
    ]
    first = sheet.row + 1
    sheet.write_table(
        titles, [_term_cells(report, live, term, row) for row, term in enumerate(live.terms, start=first)]
    )
    groups: dict[tuple[str, str], list[int]] = {}
    for row, term in enumerate(live.terms, start=first):
        groups.setdefault((term.valuation, term.line), []).append(row)
    sheet.write_heading(locale("workbook.totals"))
    first_total = sheet.row
    totals = [
        _total_cells(
            live,
            report.names.get(line, line),
            valuation,
            rows,
            live.value(live.terms[row - first] for row in rows),
        )
        for (valuation, line), rows in groups.items()
    ]
    for row, valuation in enumerate(live.valuations, start=first_total + len(groups)):
        rows = [n for n, (other, _) in enumerate(groups, start=first_total) if other == valuation]
        model = live.cost.expected(valuation) / 10**locale.minor_units
        name = locale("workbook.total_of", valuation=locale(f"word.{valuation}"))
        totals.append(_total_cells(live, name, valuation, rows, live.total(valuation), model))
        live.name_cell(TOTAL_NAME.format(valuation), sheet, row, LIVE)
    sheet.write_table((), totals)


def _term_cells(report: Report, live: LiveFormulas, term: page_model.Product, row: int) -> list[Cell]:
    locale, names = report.locale, report.names
    is_banded = (term.over, term.up_to) != (None, None) or term.rule in ("pays", "review")
    # If one input of the term is an amount, its constant is a count; otherwise the constant is an amount.
    amounts = sum(live.inputs[f].measure == "money" for f in term.factors)
    base = float(term.base * 10.0 ** (locale.minor_units * (amounts - 1)))
    formula = "*".join((xl_rowcol_to_cell(row, BASE), *(live.names[f] for f in term.factors)))
    value = live.value([term])
    return [
        Cell(names.get(term.line, term.line)),
        Cell(locale(f"word.{term.valuation}")),
        Cell(names.get(term.service or "", term.service)),
        Cell(names.get(term.claimant_type or "", term.claimant_type)),
        Cell(locale.band(term.over, term.up_to) if is_banded else ""),
        Cell(locale(f"word.{term.rule}") if term.rule else ""),
        Cell(base, "decimal" if amounts else "money"),
        Cell(" × ".join(live.names[f] for f in term.factors)),
        Cell(value, "money", formula=f"={formula}"),
        Cell(value, "money", "original"),
    ]


def _total_cells(
    live: LiveFormulas, name: str, valuation: str, rows: list[int], total: float, model: float | None = None
) -> list[Cell]:
    """Return the cells of a total: of one line, or of a whole valuation with the model's total beside it."""
    style, beside = ("plain", "original") if model is None else ("total", "total")
    digits = live.digits(total)
    formula = f"=ROUND(SUM({xl_range(rows[0], LIVE, rows[-1], LIVE)}),{digits})"
    return [
        Cell(name, style=style),
        Cell(live.locale(f"word.{valuation}"), style=style),
        *[Cell(style=style)] * (LIVE - 2),
        Cell(round(total, digits), "money", style, formula),
        Cell(round(total if model is None else model, digits), "money", beside),
    ]


def write_figures(sheet: Sheet, report: Report, live: LiveFormulas | None) -> None:
    """Write the figures of the cash: the live expected cost beside the figures of the model.

    Figures that only the model gives are marked as stale once an input is changed.
    """
    locale, analysis = report.locale, report.analysis
    cash = analysis.expected_cash(analysis.cash_basis)
    if cash is None:
        return
    moved, stale = (
        live_text(f"{CHANGED_INPUTS}>0", locale(f"workbook.{then}"), locale(f"workbook.{otherwise}"))
        if live
        else Cell()
        for then, otherwise in (("moved", "same"), ("stale", "current"))
    )
    drawn = analysis.exact_tables.get("quantiles", schema_of("quantiles").frame()).filter(valuation="cash")
    points = {row["measure"]: row for row in drawn.iter_rows(named=True)}
    error = points["expected"]["error"] if points else None
    rows: list[tuple[str, float, float | None, Unit]] = [
        (locale("report.tile_expected"), cash, error, "money")
    ]
    rows += [
        (locale(f"word.{measure}"), points[measure]["value"], points[measure]["error"], "money")
        for measure in locale.likely_range.percentiles
        if measure in points
    ]
    if (budget := analysis.uncertainty_table(analysis.cash_basis, "budget")) is not None:
        row = budget.row(0, named=True)
        title = locale("report.tile_budget", budget=locale.money_in_full(row["budget"]))
        rows.append((title, row["exceeded"], row["error"], "share"))
    figures = [
        [Cell(name), Cell(), number_cell(locale, value, unit), number_cell(locale, error, unit), stale]
        for name, value, error, unit in rows
    ]
    figures[0][-1] = moved
    if live and "cash" in live.valuations:
        digits = locale.minor_units
        formula = f"=ROUND({TOTAL_NAME.format('cash')},{digits})"
        figures[0][1] = Cell(round(live.total("cash"), digits), "money", "total", formula)
    titles = [
        locale("column.figure"),
        *(locale(f"workbook.{name}", unit=locale.unit) for name in ("live", "written")),
        *(locale(f"workbook.{name}") for name in ("error", "state")),
    ]
    sheet.write_table(titles, figures)
