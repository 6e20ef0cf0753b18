"""Detect the dialect of a delimited text file: delimiter, quotation mark and header row."""

from __future__ import annotations

import csv
import io
import mmap
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from outage_analysis.claims.readers.expected_table import HEADER_SEARCH_ROWS, ExpectedTable
from outage_analysis.errors import InputRefused

DELIMITERS = (",", ";", "\t", "|")
HEAD_BYTES = 1 << 20
SAMPLE_ROWS = 200
"""Number of first rows from which the dialect is detected."""
PREVIEW_ROWS = 5_000
"""Most first rows, within the first megabyte, that are read to see how a file writes its values."""


@dataclass(frozen=True)
class Dialect:
    """How a delimited text file is split into rows and cells.

    `quote` is "" if fields are not quoted. `header_row` is 0 if the file has no header. `width` is the number
    of fields per row. `spaced` states whether spaces after a delimiter are skipped.
    """

    delimiter: str
    quote: str
    headers: tuple[str, ...]
    header_row: int
    width: int
    spaced: bool = False
    preview: tuple[list[str], ...] = ()
    """The first rows below the header."""

    @property
    def escape(self) -> str:
        """The character before a quotation mark inside a quoted field: the quotation mark itself."""
        return self.quote

    @property
    def row_bytes(self) -> float:
        """The average number of bytes per row, estimated from the first rows."""
        rows = [sum(len(cell.encode()) + 1 for cell in row) for row in self.preview[:SAMPLE_ROWS]]
        return sum(rows) / len(rows) if rows else HEAD_BYTES

    def __str__(self) -> str:
        spaces = " with spaces" if self.spaced else ""
        quote = f"quote {self.quote}" if self.quote else "no quotes"
        row = f"header in row {self.header_row}" if self.header_row else "no header"
        wider = f", rows {self.surplus} wider than the header" if self.surplus else ""
        return f"delimiter {self.delimiter!r}{spaces}, {quote}, {row}{wider}"

    @property
    def surplus(self) -> int:
        """The number of fields by which a row is longer than the header; these last fields are empty."""
        return self.width - len(self.headers)

    @property
    def reader_options(self) -> dict[str, object]:
        """The options for `csv.reader` with which it reads this dialect."""
        return _reader_options(self.delimiter, self.quote, spaced=self.spaced)


def _reader_options(delimiter: str, quote: str, *, spaced: bool) -> dict[str, object]:
    """Return the options for `csv.reader`. In strict mode it reports a stray quotation mark as an error."""
    if quote:
        marks = {"quotechar": quote, "skipinitialspace": spaced}
        return {"delimiter": delimiter, "strict": True, **marks}
    return {"delimiter": delimiter, "quoting": csv.QUOTE_NONE, "quotechar": None, "strict": True}


def detect_dialect(path: Path, table: ExpectedTable) -> Dialect:
    """Return the dialect (delimiter, quotation mark, header row) that fits a delimited text file best.

    Its header names the most known columns, and its rows fit the header.

    Raises:
        InputRefused: the file has no row, or no delimiter makes its header readable.
    """
    layout, head = table.layout, _head(path)
    if not head.strip():
        raise InputRefused("holds no row", file=table.file)
    declared = re.match(r"sep=(.)\r?\n", head)
    lines = list(io.StringIO(head, newline=""))
    delimiters = (layout.delimiter,) if layout.delimiter else (declared[1],) if declared else DELIMITERS
    quotes = {None: ('"', "'"), "none": ("",)}.get(layout.quote, (layout.quote,))
    best: tuple[tuple[int, bool, float, int], Dialect, list[list[str]]] | None = None
    for quote in quotes:
        for delimiter in delimiters:
            if quote == "'" and layout.quote is None and not _apostrophes_quote_fields(head, delimiter):
                continue
            cut = _try_dialect(lines, table, delimiter, quote or "")
            if cut is not None:
                candidate, sample = cut
                score = _score(sample.rows, candidate, table, whole=sample.whole)
                if best is None or score > best[0]:
                    best = score, candidate, sample.rows
    if best is None:
        raise InputRefused(
            "has a header that cannot be read",
            file=table.file,
            row=1,
            remedy="Look for a quotation mark that is not closed.",
        )
    _, dialect, rows = best
    table.check_above_header(rows, dialect.header_row - 1)
    more = _sample(lines, dialect.reader_options, dialect.header_row + PREVIEW_ROWS)
    return replace(dialect, preview=tuple(more.rows[dialect.header_row :]))


def _head(path: Path) -> str:
    """Return the first lines of a file, up to `HEAD_BYTES`. An incomplete last line is left out."""
    with path.open("rb") as stream:
        block = stream.read(HEAD_BYTES)
        if stream.read(1):
            block = block[: max(block.rfind(b"\n"), block.rfind(b"\r")) + 1] or block
    return block.decode("utf-8-sig", errors="ignore")


def _apostrophes_quote_fields(head: str, delimiter: str) -> bool:
    """Return whether a file quotes fields with apostrophes instead of quotation marks."""
    edge = rf"(?:^|{re.escape(delimiter)})"
    end = rf"(?={re.escape(delimiter)}|[\r\n]|$)"
    if re.search(rf'{edge}"', head, re.MULTILINE):
        return False
    return re.search(rf"{edge}'[^']*'{end}", head, re.MULTILINE) is not None


def _try_dialect(
    lines: Sequence[str], table: ExpectedTable, delimiter: str, quote: str
) -> tuple[Dialect, _Sample] | None:
    """Split the first rows of a file with this delimiter and this quotation mark.

    Returns the dialect and the rows, or None if no row can be read.

    If every field below the header begins with a space, spaces after the delimiter are skipped. Otherwise
    quotation marks after these spaces would be read as part of the values.
    """
    for spaced in (True, False) if quote and delimiter != " " else (False,):
        sample = _sample(
            lines, _reader_options(delimiter, quote, spaced=spaced), 1 + (table.layout.header_row or 0)
        )
        if not sample.rows:
            continue
        dialect = _dialect(sample.rows, table, delimiter, quote, spaced=spaced)
        if not spaced or space_after_every_delimiter(
            sample.text(lines, dialect.header_row), delimiter, quote
        ):
            return dialect, sample
    return None


@dataclass(frozen=True)
class _Sample:
    """The first rows of a file; `whole` is false if they end early, at a row that cannot be read."""

    rows: list[list[str]]
    ends: list[int]
    """For each row, the number of lines of the file up to the end of the row."""
    whole: bool

    def text(self, lines: Sequence[str], header_row: int) -> str:
        """Return the text of the rows below the header."""
        first = self.ends[header_row - 1] if 0 < header_row <= len(self.ends) else 0
        return "".join(lines[first : self.ends[-1]])


def _sample(lines: Sequence[str], options: dict[str, object], least: int) -> _Sample:
    """Return the first rows of a file, split into cells: `least` rows or more, if the file has so many."""
    rows: list[list[str]] = []
    ends: list[int] = []
    reader = csv.reader(iter(lines), **options)  # type: ignore[arg-type]
    try:
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
            if len(rows) >= max(SAMPLE_ROWS, least):
                break
    except csv.Error:
        return _Sample(rows, ends, whole=False)
    return _Sample(rows, ends, whole=True)


def _dialect(
    rows: list[list[str]], table: ExpectedTable, delimiter: str, quote: str, *, spaced: bool
) -> Dialect:
    place = table.header_position(rows)
    if place < 0:
        width = max(len(row) for row in rows[:HEADER_SEARCH_ROWS])
        return Dialect(delimiter, quote, tuple(str(n + 1) for n in range(width)), 0, width, spaced)
    cells = rows[place] if place < len(rows) else []
    headers = tuple(c.strip() for c in cells)
    return Dialect(delimiter, quote, headers, place + 1, _width(rows[place + 1 :], len(headers)), spaced)


def _width(body: list[list[str]], header_width: int) -> int:
    """Return the number of fields per row.

    Rows have as many fields as the header. They have more if all rows have the same larger number of fields
    and the additional fields are empty.
    """
    widths = {len(row) for row in body if row}
    same = widths.pop() if len(widths) == 1 else header_width
    surplus = len(body) > 1 and same > header_width and not any(any(row[header_width:]) for row in body)
    return same if surplus else header_width


def _score(
    rows: list[list[str]], dialect: Dialect, table: ExpectedTable, *, whole: bool
) -> tuple[int, bool, float, int]:
    """Return the score by which dialects are compared; the highest score wins.

    The score consists of these values, compared in this order: the number of known columns that the header
    names, whether every row can be read, the share of rows that fit the header, and the number of columns.
    """
    width = len(dialect.headers)
    body = [row for row in rows[dialect.header_row :] if row]
    fitting = sum(len(row) == dialect.width for row in body) / len(body) if body else 0.0
    named_columns = table.layout.header_positions(dialect.headers, table.columns)
    return len(named_columns), whole, fitting * (width > 1), width


MISPLACED_QUOTE = "a quotation mark inside a field that does not begin with one"


@dataclass(frozen=True)
class QuotingCheck:
    """Check of the quotation marks in one delimited text file, whose text starts at the byte `begin`."""

    path: Path
    begin: int
    delimiter: str
    quote: str
    "The quotation mark; an empty text if quotation marks are ordinary characters."
    spaced: bool
    """Whether the reader skips spaces after a delimiter."""

    def problem(self, record: str, cells: list[str]) -> str:
        """Return what is wrong with the quotation marks of a record, or "" if they are correct.

        In a file without quoted fields, a quotation mark is ordinary text: 5" means five inches. In a file
        with quoted fields, a quotation mark inside an unquoted field is an error: the delimiter before it or
        the second quotation mark is missing. A quotation mark after spaces at the beginning of a field is
        also an error, unless the reader skips these spaces.
        """
        if not self.quote or not any(self.quote in cell for cell in cells):
            return ""
        if self._well_formed.fullmatch(record):
            return ""
        return MISPLACED_QUOTE if self._quote_after_spaces.search(record) or self._quotes_fields else ""

    @cached_property
    def _well_formed(self) -> re.Pattern[str]:
        """Pattern of a record whose fields are each quoted as a whole or contain no quotation mark."""
        mark, delimiter = re.escape(self.quote), re.escape(self.delimiter)
        spaces = " *+" if self.spaced else ""
        quoted = f"{spaces}{mark}[^{mark}]*+(?:{mark}{mark}[^{mark}]*+)*+{mark}"
        field = f"(?:{quoted}|[^{mark}{delimiter}]*+)"
        return re.compile(f"{field}(?:{delimiter}{field})*+[\r\n]*")

    @cached_property
    def _quote_after_spaces(self) -> re.Pattern[str]:
        """Pattern of a field that begins with spaces and a quotation mark."""
        return re.compile(f"(?:^|{re.escape(self.delimiter)}) +{re.escape(self.quote)}")

    @cached_property
    def _quotes_fields(self) -> bool:
        """Whether the file has a quoted field: a quotation mark after a delimiter or a line break."""
        mark, delimiter = (re.escape(text.encode()) for text in (self.quote, self.delimiter))
        opening = re.compile(b"(?:[\r\n]|" + delimiter + b")" + b" *" * self.spaced + mark)
        with self.path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
            first = text[self.begin : self.begin + 1] == self.quote.encode()
            return first or opening.search(text, self.begin) is not None


def space_after_every_delimiter(text: str, delimiter: str, quote: str) -> bool:
    """Return whether a space follows every delimiter of a text, except delimiters before empty fields."""
    mark, delimiter = re.escape(quote), re.escape(delimiter)
    bare = re.sub(f"{mark}[^{mark}]*{mark}", "x", text)
    return f"{delimiter} " in bare and re.search(f"{delimiter}[^ {delimiter}\r\n]", bare) is None
