"""Detect the dialect of a delimited text file: delimiter, quotation mark and header row."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from pathlib import Path

from outage_analysis.claims.readers.expected_table import (
    HEADER_SEARCH_ROWS,
    MIN_HEADER_COLUMNS,
    ExpectedTable,
)
from outage_analysis.claims.readers.record_splitting import Punctuation, RecordSplitter
from outage_analysis.claims.readers.source_file import header_note
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Layout
from outage_analysis.text import Note

DELIMITERS = (",", ";", "\t", "|", " ")
BACKSLASH = "\\"
MIN_FILLED_ROWS = 5
MIN_FITTING_SHARE = 0.5
"""If at least this share of the rows fits another delimiter, the space is not tried as a delimiter."""
HEAD_BYTES = 1 << 20
SAMPLE_ROWS = 200
"""Number of first rows from which the dialect is detected."""
PREVIEW_ROWS = 5_000
"""Most first rows, within the first megabyte, that are read to see how a file writes its values."""


@dataclass(frozen=True)
class Dialect:
    """How a delimited text file is split into rows and cells.

    `header_row` is 0 if the file has no header. `width` is the number of fields per row.
    """

    marks: Punctuation
    headers: tuple[str, ...]
    header_row: int
    width: int
    last_is_filled: bool = False
    """Whether the first rows all have a value in the last column, and number at least `MIN_FILLED_ROWS`."""
    preview: tuple[list[str], ...] = ()
    """The cells of the first rows below the header. For a row that cannot be read, the list is empty."""

    @property
    def splitter(self) -> RecordSplitter:
        """Splits the lines of the file into records."""
        return RecordSplitter(self.marks, self.width)

    @property
    def note(self) -> Note:
        """The dialect in words."""
        marks = self.marks
        return Note(
            "dialect",
            delimiter=repr(marks.delimiter),
            spaces=Note("with_spaces") if marks.spaced else "",
            quote=Note("quoted", mark=marks.quote) if marks.quote else Note("unquoted"),
            escape=Note("escape", mark=marks.escape) if marks.escape else "",
            header=header_note(self.header_row),
            wider=Note("wider_rows", fields=str(self.surplus)) if self.surplus else "",
        )

    @property
    def surplus(self) -> int:
        """The number of fields by which a row is longer than the header; these last fields are empty."""
        return self.width - len(self.headers)


def detect_dialect(path: Path, table: ExpectedTable) -> Dialect:
    """Return the dialect (delimiter, quotation mark, header row) that fits a delimited text file best.

    Its header names the most known columns, and its rows fit the header.

    Raises:
        InputRefused: the file has no row, or no delimiter makes its header readable.
    """
    head = _head(path)
    if not head.strip("\0 \t\r\n"):
        raise InputRefused("holds no row", file=table.file)
    lines = list(io.StringIO(head, newline=""))
    best: tuple[tuple[int, float, int], Dialect, list[list[str]]] | None = None
    for marks in _candidates(head, table.layout, for_inspection=table.for_inspection):
        if (
            marks.delimiter == " " != table.layout.delimiter
            and best
            and best[0][1] >= MIN_FITTING_SHARE
            and best[0][2] >= MIN_HEADER_COLUMNS
        ):
            continue  # Another delimiter fits: the spaces may separate words within cells.
        dialect, sample = _try_dialect(lines, table, marks)
        score = _score(sample, dialect, table)
        if best is None or score > best[0]:
            best = score, dialect, sample.rows
    if best is None:  # pragma: no cover - there is always a candidate
        raise InputRefused("has a header that cannot be read", file=table.file, row=1)
    _, dialect, rows = best
    if dialect.marks.delimiter == " " and "" in dialect.headers and sum(map(bool, dialect.headers)) > 1:
        # An empty cell between blanks is not seen, so the cells behind it would move into wrong columns.
        raise InputRefused(
            "separates its columns by several blanks",
            file=table.file,
            row=dialect.header_row or None,
            remedy="Save it as CSV, with a comma or a tab between the columns.",
        )
    table.check_above_header(rows, dialect.header_row - 1)
    more = _sample(lines, dialect.marks, dialect.width, dialect.header_row + PREVIEW_ROWS)
    preview = tuple(more.rows[dialect.header_row :])
    last = [row[-1] for row in preview if len(row) == dialect.width and not dialect.surplus]
    return replace(dialect, preview=preview, last_is_filled=all(last) and len(last) >= MIN_FILLED_ROWS)


def _candidates(head: str, layout: Layout, *, for_inspection: bool) -> Iterator[Punctuation]:
    declared = re.match(r"sep=(.)\r?\n", head)
    delimiters = (layout.delimiter,) if layout.delimiter else (declared[1],) if declared else DELIMITERS
    quotes = {None: ('"', "'"), "none": ("",)}.get(layout.quote, (layout.quote,))
    escapes = ("", BACKSLASH) if for_inspection else ("",)
    escapes = escapes if layout.escape is None else (layout.escape.replace("none", ""),)
    for escape, quote, delimiter in product(escapes, quotes, delimiters):
        if quote == "'" and layout.quote is None and not _apostrophes_quote_fields(head, delimiter):
            continue
        escaped = any(mark and BACKSLASH + mark in head for mark in (quote, delimiter))
        if escape and layout.escape is None and not escaped:
            continue
        yield Punctuation(delimiter, quote or "", escape)


def _head(path: Path) -> str:
    with path.open("rb") as stream:
        block = stream.read(HEAD_BYTES)
        if stream.read(1):
            block = block[: max(block.rfind(b"\n"), block.rfind(b"\r")) + 1] or block
    return block.decode("utf-8-sig", errors="ignore")


def _apostrophes_quote_fields(head: str, delimiter: str) -> bool:
    if "'" not in head:
        return False
    edge = rf"(?:^|{re.escape(delimiter)})"
    end = rf"(?={re.escape(delimiter)}|[\r\n]|$)"
    if re.search(rf'{edge}"', head, re.MULTILINE):
        return False
    return re.search(rf"{edge}'[^']*'{end}", head, re.MULTILINE) is not None


def _try_dialect(lines: Sequence[str], table: ExpectedTable, marks: Punctuation) -> tuple[Dialect, _Sample]:
    least = 1 + (table.layout.header_row or 0)
    for spaced in (True, False) if marks.quote and marks.delimiter != " " else (False,):
        tried = replace(marks, spaced=spaced)
        sample = _sample(lines, tried, _likely_width(lines, tried), least)
        dialect = _dialect(sample.rows, table, tried)
        if dialect.width != sample.width:
            sample = _sample(lines, tried, dialect.width, least)
            dialect = _dialect(sample.rows, table, tried)
        text = sample.text(lines, dialect.header_row)
        if not spaced or space_after_every_delimiter(text, marks.delimiter, marks.quote):
            break
    return dialect, sample


def _likely_width(lines: Sequence[str], marks: Punctuation) -> int:
    splitter = RecordSplitter(marks, 0)
    whole = (
        line for line in lines[:SAMPLE_ROWS] if not marks.quote or marks.patterns.well_formed.fullmatch(line)
    )
    records = (record.cells for record in splitter.split(whole))
    widths = Counter(len(cells) for cells in records if len(cells) > 1)
    return widths.most_common(1)[0][0] if widths else 1


@dataclass(frozen=True)
class _Sample:
    """The first rows of a file, split into records of `width` fields."""

    width: int
    rows: list[list[str]]
    """The cells of each row. The cells of a damaged row are kept only if the row may be the header."""
    ends: list[int]
    """For each row, the number of lines of the file up to the end of the row."""
    damaged: frozenset[int]
    """The indexes of rows that cannot be split into cells."""

    def text(self, lines: Sequence[str], header_row: int) -> str:
        """Return the text of the rows below the header."""
        first = self.ends[header_row - 1] if 0 < header_row <= len(self.ends) else 0
        return "".join(lines[first : self.ends[-1]])


def _sample(lines: Sequence[str], marks: Punctuation, width: int, least: int) -> _Sample:
    """Return the first rows of a file, split into cells: `least` rows or more, if the file has so many."""
    rows: list[list[str]] = []
    ends: list[int] = []
    damaged: set[int] = set()
    records = RecordSplitter(marks, width).split(lines)
    for at, record in enumerate(islice(records, max(SAMPLE_ROWS, least))):
        if record.problem:
            damaged.add(at)
        may_be_header = at < HEADER_SEARCH_ROWS and len(record.cells) == width
        rows.append(record.cells if may_be_header or not record.problem else [])
        ends.append(len(record.lines) + (ends[-1] if ends else 0))
    return _Sample(width, rows, ends, frozenset(damaged))


def _dialect(rows: list[list[str]], table: ExpectedTable, marks: Punctuation) -> Dialect:
    place = table.header_position(rows)
    if place < 0:
        width = max((len(row) for row in rows[:HEADER_SEARCH_ROWS]), default=0)
        return Dialect(marks, tuple(str(n + 1) for n in range(width)), 0, width)
    headers = tuple(c.strip() for c in rows[place]) if place < len(rows) else ()
    body, width = rows[place + 1 :], len(headers)
    widths = {len(row) for row in body if row}
    # If every row ends in the same number of empty cells, these are no columns.
    if len(body) > 1 and len(widths) == 1 and not any(any(row[width:]) for row in body):
        width = max(width, *widths)
    return Dialect(marks, headers, place + 1, width)


def _score(sample: _Sample, dialect: Dialect, table: ExpectedTable) -> tuple[int, float, int]:
    width = len(dialect.headers)
    below = range(dialect.header_row, len(sample.rows))
    body = [at for at in below if sample.rows[at] or at in sample.damaged]
    fitting = sum(len(sample.rows[at]) == dialect.width and at not in sample.damaged for at in body)
    named_columns = table.layout.header_positions(dialect.headers, table.columns)
    return len(named_columns), (fitting / len(body) if body else 0.0) * (width > 1), width


def space_after_every_delimiter(text: str, delimiter: str, quote: str) -> bool:
    """Return whether a space follows every delimiter of a text, except delimiters before empty fields."""
    mark, delimiter = re.escape(quote), re.escape(delimiter)
    bare = re.sub(f"{mark}[^{mark}]*{mark}", "x", text)
    return f"{delimiter} " in bare and re.search(f"{delimiter}[^ {delimiter}\r\n]", bare) is None
