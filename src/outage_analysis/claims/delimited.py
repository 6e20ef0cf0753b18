"""Read CSV files and other delimited text files.

DuckDB reads regular files (see `RecordIndex.regular`). All other files are split into records in Python. The
csv module also rereads each row of a regular file that the fast path cannot accept, so that all rejects are
described in the same way. Empty rows are skipped, because spreadsheets often leave such rows behind.
"""

from __future__ import annotations

import csv
import io
import mmap
import re
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.cell_values import BLANKS, value_sql
from outage_analysis.claims.queries import escaped_path
from outage_analysis.claims.source_file import (
    DAY_LIKE,
    HEADER_SEARCH_ROWS,
    MIN_HEADER_COLUMNS,
    EngineQuery,
    ExpectedTable,
    FileFormat,
    RowNumbers,
    RowTexts,
    SourceFile,
    TextRecord,
    batches,
    header_note,
    second_table_error,
)
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Layout, normalized_name
from outage_analysis.text import Note, TextFile, line_number, mask_personal_data

MERGED_ROWS = "quotation marks hold whole rows together"
MISPLACED_QUOTE = "a quotation mark inside a field that does not begin with one"
MIN_DELIMITERS = 3
"""A record may consist of merged rows if rows have this many delimiters; ordinary text rarely has so many."""
DIGIT = re.compile(r"\d")


def open_delimited(table: ExpectedTable, text: TextFile, warehouse: Warehouse) -> SourceFile:
    """Open a delimited text file: detect its dialect and find its columns.

    Raises:
        InputRefused: a column is missing, or the cells of the rows may be shifted against the header.
    """
    dialect = with_missing_name(table, detect_dialect(text.path, table), warehouse)
    header_row, escape = dialect.header_row or None, dialect.splitter.escape
    columns = table.column_positions(dialect.headers, header_row)
    # The headers of an inspected file are unknown, so its surplus cells may belong to any of them.
    by_engine = not (escape or text.damaged or (dialect.surplus and table.for_inspection))
    if dialect.surplus and not table.for_inspection:
        check_not_shifted(table, dialect, columns, warehouse)
    splitter = dialect.splitter
    note = Note(
        "dialect",
        delimiter=repr(splitter.delimiter),
        spaces=Note("with_spaces") if splitter.spaced else "",
        quote=Note("quoted", mark=splitter.quote) if splitter.quote else Note("unquoted"),
        escape=Note("escape", mark=escape) if escape else "",
        header=header_note(dialect.header_row),
        wider=Note("wider_rows", fields=str(dialect.surplus)) if dialect.surplus else "",
    )
    rows = DelimitedRows(table, columns, text, replace(dialect, preview=()))
    return SourceFile(
        table=table,
        columns=columns,
        file_format=FileFormat(text.encoding, note, dialect.headers, header_row, escape=escape),
        first_row=dialect.header_row + 1,
        engine=_engine_query(text, dialect, columns) if by_engine else None,
        text=text,
        texts=rows.texts,
        row_numbers=rows.row_numbers,
    )


def _engine_query(text: TextFile, dialect: Dialect, columns: Mapping[str, int]) -> EngineQuery:
    # The query names the columns c0, c1, and so on, because headers may contain any text and may be equal.
    names = [f"c{i}" for i in range(dialect.splitter.width)]
    # DuckDB keeps the space after a delimiter, but the preview lacks it. With the space, the first texts
    # show that the cells must be trimmed.
    space = " " if dialect.splitter.spaced else ""
    return EngineQuery(
        f"({queries.load('delimited')})",
        {c: names[at] for c, at in columns.items()},
        {c: [space + row[at] for row in dialect.preview if at < len(row)] for c, at in columns.items()},
        {
            "path": escaped_path(text.path),
            "delimiter": dialect.splitter.delimiter,
            "quote": dialect.splitter.quote,
            "escape": dialect.splitter.quote,
            "header": dialect.header_row > 0,
            "skip": max(0, dialect.header_row - 1),
            "parallel": True,
            "columns": dict.fromkeys(names, "VARCHAR"),
        },
        surplus=names[len(dialect.headers) :],
    )


@dataclass(frozen=True)
class DelimitedRows:
    """The rows of a delimited text file."""

    table: ExpectedTable
    columns: Mapping[str, int]
    text: TextFile
    dialect: Dialect

    @cached_property
    def index(self) -> RecordIndex:
        """The positions of the records in the file. They are found in one pass over the file."""
        dialect, text = self.dialect, self.text
        return RecordIndex(text.path, dialect.splitter, dialect.header_row, text.text_start)

    def row_numbers(self) -> RowNumbers | None:
        """Count the rows. None if DuckDB and the csv module may split the file into different rows."""
        index, header_row = self.index, self.dialect.header_row
        # DuckDB skips lines, but `header_row` counts records, and a record may have several lines. If this
        # can matter above the header, the csv module reads the file instead.
        if not index.regular or (index.several_lines and header_row > 1):
            return None
        for _, _, text in index.fetch(index.uneven) if index.several_lines else ():
            if len(list(islice(self.dialect.splitter.split(io.StringIO(text, newline="")), 2))) > 1:
                return None  # Stray quotation marks have merged rows into one record.
        return RowNumbers(index.records - index.blanks - header_row, index.uneven, index.several_lines)

    def texts(self, rows: pl.Series | None) -> Iterator[RowTexts]:
        """Read rows with the csv module.

        Raises:
            InputRefused: the file contains a second table.
        """
        return batches(self.columns, self._records(rows))

    def _records(self, rows: pl.Series | None) -> Iterator[TextRecord]:
        if rows is None:
            with self.text.path.open(encoding="utf-8-sig", newline="") as stream:
                yield from self._fitted(stream, 1, self.text.text_start)
            return
        for row, offset, text in self.index.fetch(rows):
            yield from self._fitted(io.StringIO(text, newline=""), row, offset)

    def _fitted(self, lines: Iterable[str], first: int, offset: int) -> Iterator[TextRecord]:
        """Yield the records below the header with the cells of the columns, if they fit the header.

        `first` is the row number of the first record, and `offset` its byte offset.
        """
        width, named = self.dialect.splitter.width, len(self.dialect.headers)
        for row, record in enumerate(self.dialect.splitter.split(lines), start=first):
            raw, cells = "".join(record.lines), record.cells
            place = row, offset, len(raw.encode())
            offset += place[2]
            if row <= self.dialect.header_row:
                continue
            problem = record.problem
            if not problem and self._contains_rows(record.lines):
                problem = MERGED_ROWS
            if not problem and self._has_misplaced_quote(raw, cells):
                problem = MISPLACED_QUOTE
            fits = (len(cells) == width and not any(cells[named:])) or (
                self.dialect.last_is_filled
                and len(cells) > width
                and not any(cells[width:])
                and bool(cells[width - 1])
            )
            if problem or not any(cells):
                yield *place, None, problem
            elif fits:
                yield *place, [cells[at] for at in self.columns.values()], ""
            elif self.table.is_other_header(cells, self.columns):
                raise second_table_error(self.table.file, row, line_number(self.text, place[1]))
            else:
                yield *place, None, f"{len(cells)} field{'s' * (len(cells) != 1)} instead of {width}"

    def _contains_rows(self, lines: Sequence[str]) -> bool:
        """Return whether two stray quotation marks have merged several rows into one record.

        Rows were merged if each line of the record has as many delimiters as a row, and a row has at least
        `MIN_DELIMITERS`. They were also merged if the first line and another line can both be read as rows.
        """
        if len(lines) == 1:
            return False
        between, delimiter = len(self.dialect.headers) - 1, self.dialect.splitter.delimiter
        if between >= MIN_DELIMITERS and all(line.count(delimiter) >= between for line in lines):
            return True
        first, *others = map(self._reads_as_row, lines)
        return first and any(others)

    def _reads_as_row(self, line: str) -> bool:
        cells = self.dialect.splitter.naive_cells(line)
        if len(cells) != self.dialect.splitter.width:
            return False
        values = {column: cells[at].strip() for column, at in self.columns.items()}
        day, loss = values.get("filed_on"), values.get("loss")
        dated = day is None or DAY_LIKE.search(day) is not None
        priced = loss is None or DIGIT.search(loss) is not None or (loss == "" and day is not None)
        return values.get("claim_id") != "" and (day, loss) != (None, None) and dated and priced

    def _has_misplaced_quote(self, record: str, cells: list[str]) -> bool:
        """Return whether a quotation mark is inside a field of a record that does not begin with one.

        In a file without quoted fields, a quotation mark is an ordinary character (5" pipe). In a file
        with quoted fields, a quotation mark inside an unquoted field is an error: the delimiter before it or
        the second quotation mark is missing. A quotation mark after spaces at the beginning of a field is
        also an error, unless the reader skips these spaces.
        """
        splitter = self.dialect.splitter
        if not splitter.quote or not any(splitter.quote in cell for cell in cells):
            return False
        if splitter.patterns["well_formed"].fullmatch(record):
            return False
        after_spaces = f"(?:^|{re.escape(splitter.delimiter)}) +{re.escape(splitter.quote)}"
        return re.search(after_spaces, record) is not None or self._quotes_fields

    @cached_property
    def _quotes_fields(self) -> bool:
        splitter, begin = self.dialect.splitter, self.text.text_start
        quote, delimiter = (re.escape(text.encode()) for text in (splitter.quote, splitter.delimiter))
        opening = re.compile(b"(?:[\r\n]|" + delimiter + b")" + b" *" * splitter.spaced + quote)
        with (
            self.text.path.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text,
        ):
            return (
                text[begin : begin + 1] == splitter.quote.encode() or opening.search(text, begin) is not None
            )


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

    `header_row` is 0 if the file has no header.
    """

    splitter: RecordSplitter
    headers: tuple[str, ...]
    header_row: int
    last_is_filled: bool = False
    """Whether the first rows all have a value in the last column, and number at least `MIN_FILLED_ROWS`."""
    preview: tuple[list[str], ...] = ()
    """The cells of the first rows below the header. For a row that cannot be read, the list is empty."""

    @property
    def surplus(self) -> int:
        """The number of fields by which a row is longer than the header; these last fields are empty."""
        return self.splitter.width - len(self.headers)


def detect_dialect(path: Path, table: ExpectedTable) -> Dialect:
    """Return the dialect (delimiter, quotation mark, header row) that fits a delimited text file best.

    Its header names the most known columns, and its rows fit the header.

    Raises:
        InputRefused: the file has no row, or no delimiter makes its header readable.
    """
    with path.open("rb") as stream:
        block = stream.read(HEAD_BYTES)
        if stream.read(1):
            block = block[: max(block.rfind(b"\n"), block.rfind(b"\r")) + 1] or block
    head = block.decode("utf-8-sig", errors="ignore")
    if not head.strip("\0 \t\r\n"):
        raise InputRefused("holds no row", file=table.file)
    lines = list(io.StringIO(head, newline=""))
    score = -1, 0.0, 0
    for splitter in _candidates(head, table.layout, for_inspection=table.for_inspection):
        fits = score[1] >= MIN_FITTING_SHARE and score[2] >= MIN_HEADER_COLUMNS
        if splitter.delimiter == " " != table.layout.delimiter and fits:
            continue  # Another delimiter fits: the spaces may separate words within cells.
        tried, records = _try_dialect(lines, table, splitter)
        body = [record for record in records[tried.header_row :] if record.cells or record.problem]
        fitting = sum(len(record.cells) == tried.splitter.width and not record.problem for record in body)
        named, width = table.layout.header_positions(tried.headers, table.columns), len(tried.headers)
        found = len(named), fitting / len(body) if body and width > 1 else 0.0, width
        if found > score:
            score, dialect, sample = found, tried, records
    if dialect.splitter.delimiter == " " and "" in dialect.headers and sum(map(bool, dialect.headers)) > 1:
        # An empty cell between blanks is not seen, so the cells behind it would move into wrong columns.
        raise InputRefused(
            "separates its columns by several blanks",
            file=table.file,
            row=dialect.header_row or None,
            remedy="Save it as CSV, with a comma or a tab between the columns.",
        )
    table.check_above_header([record.cells for record in sample], dialect.header_row - 1)
    more = _sample(lines, dialect.splitter, dialect.header_row + PREVIEW_ROWS)
    preview = tuple(record.cells for record in more[dialect.header_row :])
    last = [row[-1] for row in preview if len(row) == dialect.splitter.width and not dialect.surplus]
    return replace(dialect, preview=preview, last_is_filled=all(last) and len(last) >= MIN_FILLED_ROWS)


def _candidates(head: str, layout: Layout, *, for_inspection: bool) -> Iterator[RecordSplitter]:
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
        yield RecordSplitter(delimiter, quote or "", escape)


def _apostrophes_quote_fields(head: str, delimiter: str) -> bool:
    edge = rf"(?:^|{re.escape(delimiter)})"
    end = rf"(?={re.escape(delimiter)}|[\r\n]|$)"
    doubled, single = (re.compile(text, re.MULTILINE) for text in (f'{edge}"', f"{edge}'[^']*'{end}"))
    return "'" in head and not doubled.search(head) and single.search(head) is not None


def _try_dialect(
    lines: Sequence[str], table: ExpectedTable, splitter: RecordSplitter
) -> tuple[Dialect, list[SplitRecord]]:
    least = 1 + (table.layout.header_row or 0)
    for spaced in (True, False) if splitter.quote and splitter.delimiter != " " else (False,):
        tried = replace(splitter, spaced=spaced)
        whole = (
            x for x in lines[:SAMPLE_ROWS] if not tried.quote or tried.patterns["well_formed"].fullmatch(x)
        )
        widths = Counter(len(r.cells) for r in tried.split(whole) if len(r.cells) > 1)
        tried = replace(tried, width=widths.most_common(1)[0][0] if widths else 1)
        sample = _sample(lines, tried, least)
        dialect = _dialect(sample, table, tried)
        if dialect.splitter.width != tried.width:
            sample = _sample(lines, dialect.splitter, least)
            dialect = _dialect(sample, table, dialect.splitter)
        if not spaced:
            break
        # The spaces belong to the delimiters if one follows each delimiter, except those before empty fields.
        text = "".join(line for record in sample[dialect.header_row :] for line in record.lines)
        mark, delimiter = re.escape(tried.quote), re.escape(tried.delimiter)
        bare = re.sub(f"{mark}[^{mark}]*{mark}", "x", text)
        if f"{delimiter} " in bare and not re.search(f"{delimiter}[^ {delimiter}\r\n]", bare):
            break
    return dialect, sample


def _sample(lines: Sequence[str], splitter: RecordSplitter, least: int) -> list[SplitRecord]:
    """Return the first records of a file: `least` records or more, if the file has so many.

    The cells of a damaged record are kept only if it may be the header.
    """
    records = islice(splitter.split(lines), max(SAMPLE_ROWS, least))
    return [
        replace(record, cells=[])
        if record.problem and (at >= HEADER_SEARCH_ROWS or len(record.cells) != splitter.width)
        else record
        for at, record in enumerate(records)
    ]


def _dialect(sample: Sequence[SplitRecord], table: ExpectedTable, splitter: RecordSplitter) -> Dialect:
    rows = [record.cells for record in sample]
    place = table.header_position(rows)
    if place < 0:
        width = max((len(row) for row in rows[:HEADER_SEARCH_ROWS]), default=0)
        return Dialect(replace(splitter, width=width), tuple(str(n + 1) for n in range(width)), 0)
    headers = tuple(c.strip() for c in rows[place]) if place < len(rows) else ()
    body, width = rows[place + 1 :], len(headers)
    widths = {len(row) for row in body if row}
    # If every row ends in the same number of empty cells, these are no columns.
    if len(body) > 1 and len(widths) == 1 and not any(any(row[width:]) for row in body):
        width = max(width, *widths)
    return Dialect(replace(splitter, width=width), headers, place + 1)


NAME_COLUMNS = ("service", "claimant_type")
MIN_WIDER_SHARE = 0.9
"""A column name is missing if at least this share of the rows has an additional field and is readable."""
MIN_READABLE_SHARE = 0.5
"""A shift is impossible if it leaves less than this share of the readable cells of some column readable."""


def with_missing_name(table: ExpectedTable, dialect: Dialect, warehouse: Warehouse) -> Dialect:
    """Insert an empty column name into the header if each row has one field more than the header.

    The name is inserted at the only position at which the dates, amounts and names of services are valid.
    Some programs write row numbers into a first column without a name.

    Raises:
        InputRefused: the values are valid for several positions of the empty name, or for none.
    """
    rows = [row for row in dialect.preview[:SAMPLE_ROWS] if row]
    width = len(dialect.headers) + 1
    wider = [row for row in rows if len(row) == width]
    if not dialect.header_row or dialect.surplus or len(wider) < max(2, MIN_WIDER_SHARE * len(rows)):
        return dialect
    named_columns = table.layout.header_positions(dialect.headers, table.columns)
    checked = [column for column in (*NAME_COLUMNS, "loss", "filed_on") if column in named_columns]
    readable = partial(_readable_cells, table, warehouse)
    readings: dict[tuple[int, ...], int] = {}
    for gap in reversed(range(width)) if len(checked) > 1 else ():
        places = {column: at + (at >= gap) for column, (at, *_) in named_columns.items()}
        texts = {column: _filled_cells(wider, places[column]) for column in checked}
        if all(cells and readable(c, cells) >= MIN_WIDER_SHARE * len(cells) for c, cells in texts.items()):
            readings[tuple(places.values())] = gap
    gaps = sorted(readings.values())
    numbers = [row[0].strip() for row in wider]
    counts_rows = any(numbers == [str(at) for at in range(first, first + len(wider))] for first in (0, 1))
    if len(gaps) > 1 and gaps[0] == 0 and counts_rows and len({row[1] for row in wider}) == len(wider):
        gaps = [gap for gap in gaps if gap != 1]
    if len(gaps) != 1:
        raise InputRefused(
            f"has {width} fields in each row and {width - 1} names in its header",
            file=table.file,
            row=dialect.header_row,
            value=mask_personal_data(", ".join(dialect.headers)),
            remedy="Add the missing name to the header.",
        )
    headers = (*dialect.headers[: gaps[0]], "", *dialect.headers[gaps[0] :])
    return replace(dialect, headers=headers, splitter=replace(dialect.splitter, width=width))


def check_not_shifted(
    table: ExpectedTable, dialect: Dialect, mapping: dict[str, int], warehouse: Warehouse
) -> None:
    """Raise an error if rows have more fields than the header and the header may lack a delimiter.

    Every row ends in empty cells without a header. There are two possible reasons. Either each row has
    superfluous delimiters at its end, or a delimiter is missing in the header. In the second case, the cells
    of all columns after the missing delimiter are further right than the header says. Such a shift is
    impossible if the days, amounts or names of a column become unreadable with it. The delimiter cannot be
    missing in a header cell that is the name of a known column.

    Raises:
        InputRefused: the rows can be read with a shift as well as without.
    """
    rows = [row for row in dialect.preview[:SAMPLE_ROWS] if len(row) == dialect.splitter.width and any(row)]
    kinds = {d.id: d.kind for d in table.incident.dimensions}
    readable = partial(_readable_cells, table, warehouse)
    for (gap, name), by in product(enumerate(dialect.headers), range(1, dialect.surplus + 1)):
        shifted = {c: _filled_cells(rows, at + by) for c, at in mapping.items() if at > gap}
        if gap in mapping.values() or not any(shifted.values()):
            continue
        # In the other columns, any text, or no value, is valid, so the shift remains possible.
        checked = [
            column
            for column, cells in shifted.items()
            if kinds.get(column) != "text" and (cells or column not in ("claimant_id", *kinds))
        ]
        as_stated = {column: _filled_cells(rows, mapping[column]) for column in checked}
        if all(readable(c, shifted[c]) >= MIN_READABLE_SHARE * readable(c, as_stated[c]) for c in checked):
            fields = "fields" if dialect.surplus > 1 else "field"
            raise InputRefused(
                f"has {dialect.surplus} more {fields} in each row than in its header, and its columns can be "
                "read in two ways",
                file=table.file,
                row=dialect.header_row,
                value=mask_personal_data(name),
                remedy="Add the missing delimiter to the header: there, or at its end if each row only "
                "ends in one too many.",
            )


def _filled_cells(rows: Sequence[Sequence[str]], at: int) -> list[str]:
    return [text for row in rows if (text := row[at].strip(BLANKS))]


def _readable_cells(table: ExpectedTable, warehouse: Warehouse, column: str, cells: Sequence[str]) -> int:
    """Return how many cells can be read as values of a column."""
    incident = table.incident
    if column in NAME_COLUMNS:
        return sum(normalized_name(cell) in incident.known_ids[column] for cell in cells)
    if column not in ("filed_on", "loss", *(d.id for d in incident.dimensions)):
        return len(cells)
    frame = pl.Series(f"raw_{column}", cells, pl.String).to_frame()
    query = queries.load("readable_cells", value=value_sql(column, incident, table.layout))
    return int(warehouse.frame(query, inputs={"cells": frame}).item())


MAX_FIELD_LENGTH = 2_000_000
"""Largest number of characters of a field. DuckDB cannot read longer lines either."""
csv.field_size_limit(max(MAX_FIELD_LENGTH, csv.field_size_limit()))  # of this process, for all threads
MIN_MERGED_ROWS = 3
"""Smallest number of merged rows that are split: only then is there a row between the first and the last."""
MAX_NOTE_LINES = 100
"""The end of a damaged record's note is searched in this number of lines below the record."""
NOT_CLOSED = "a quotation mark is not closed"
DOUBTFUL_LINE = "may belong to the note of a damaged record above"
UNDECODABLE = "bytes that are no text, or a NUL character"


@dataclass(frozen=True, slots=True)
class SplitRecord:
    """One record of a delimited text file: its lines, and its cells.

    `problem` explains why the record cannot be split into cells. It is empty if the record can be split.
    """

    lines: Sequence[str]
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True)
class RecordSplitter:
    """How a delimited text file is split into records and cells.

    `quote` is "" if fields are not quoted. `escape` is the character that escapes the next
    character; it is "" if quotation marks inside quoted fields are doubled instead. `spaced` is whether
    spaces after a delimiter are skipped. `width` is the number of fields per record.
    """

    delimiter: str
    quote: str
    escape: str = ""
    spaced: bool = False
    width: int = 0

    @cached_property
    def patterns(self) -> dict[str, re.Pattern[str]]:
        """The patterns of whole lines by name; used only if `quote` is not empty."""
        quote, delimiter, escape = map(re.escape, (self.quote, self.delimiter, self.escape))
        pair = f"{escape}(?s:.)|" if escape else ""
        spaces = " *+" if self.spaced else ""
        inside = f"(?:{pair}[^{quote}{escape}]|{quote}{quote})*+"
        opening = f"{spaces}{quote}{inside}"
        field = f"(?:{opening}{quote}|(?!{spaces}{quote})(?:{pair}[^{delimiter}\r\n])*+)"
        strict = f"(?:{opening}{quote}|(?!{spaces}{quote})(?:{pair}[^{quote}{delimiter}\r\n])*+)"
        more, end = f"(?:{delimiter}{field})*+", "[\r\n]*+"
        patterns = {
            # A record in which each field is either completely quoted or free of quotation marks.
            "well_formed": f"{strict}(?:{delimiter}{strict})*+{end}",
            # The first line of a record of several lines, the last line, and a line between them.
            "opened": f"(?:{field}{delimiter})*+{opening}",
            "closing": f"{inside}{quote}{more}{end}",
            "still_open": f"{inside}(?:{quote}{more}{delimiter}{opening})?+",
            # Matches a line whose first quotation mark is at the start of a field.
            "mark_at_start": f"(?:[^{quote}]*{delimiter})?{spaces}{quote}",
        }
        return {name: re.compile(pattern) for name, pattern in patterns.items()}

    def split(self, lines: Iterable[str]) -> Iterator[SplitRecord]:
        """Yield the records of a file. The lines must include their line ends."""
        source = _Lines(lines)
        for line in source:
            marked = (self.quote and self.quote in line) or (self.escape and self.escape in line)
            if "\0" in line:
                yield SplitRecord([line], self.naive_cells(line), UNDECODABLE)
            elif not marked and len(line) <= MAX_FIELD_LENGTH:
                yield SplitRecord([line], self._plain_cells(line))
            else:
                record = self._marked_record(line, source)
                yield record
                if record.problem:
                    yield from self._rest_of_note(source, may_be_row=len(record.cells) == self.width)

    def _plain_cells(self, line: str) -> list[str]:
        text = line.rstrip("\r\n")
        if not text:
            return []
        cells = text.split(self.delimiter)
        return [cell.lstrip(" ") for cell in cells] if self.spaced else cells

    def naive_cells(self, line: str) -> list[str]:
        """Split a line into cells after its quotation marks are removed."""
        return self._plain_cells(line.replace(self.quote, "") if self.quote else line)

    def _marked_record(self, first: str, source: _Lines) -> SplitRecord:
        if not self.quote or not self.patterns["opened"].fullmatch(first):
            return self._parsed([first])
        lines, size = [first], len(first)
        for line in source:
            lines.append(line)
            size += len(line)
            if size > MAX_FIELD_LENGTH or "\0" in line:
                break
            if self.quote not in line:
                continue
            if self.patterns["closing"].fullmatch(line):
                record = self._parsed(lines)
                if record.problem or self._are_rows(lines, fits=len(record.cells) == self.width):
                    break
                return record
            if not self.patterns["still_open"].fullmatch(line):
                break
        source.put_back(lines[1:])
        return SplitRecord([first], self.naive_cells(first), NOT_CLOSED)

    def _parsed(self, lines: list[str]) -> SplitRecord:
        """Split the lines of a record into cells with the csv module, which finds stray quotation marks."""
        reader = csv.reader(
            iter(lines),
            delimiter=self.delimiter,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            quotechar=self.quote or None,
            escapechar=self.escape or None,
            skipinitialspace=self.spaced,
            strict=True,
        )
        try:
            cells = next(reader)
        except csv.Error as error:
            return SplitRecord(lines, self.naive_cells(lines[0]), str(error))
        return SplitRecord(lines, cells)

    def _are_rows(self, lines: Sequence[str], *, fits: bool) -> bool:
        has_width = (len(self.naive_cells(line)) == self.width for line in lines)
        if not fits:
            return any(list(has_width)[1:])
        opens = self.patterns["mark_at_start"].match(lines[-1]) is not None
        return opens and len(lines) >= MIN_MERGED_ROWS and all(has_width)

    def _rest_of_note(self, source: _Lines, *, may_be_row: bool) -> Iterator[SplitRecord]:
        if not self.quote:
            return
        ahead = list(islice(source, MAX_NOTE_LINES))
        last = 0
        for number, line in enumerate(ahead, start=1):
            if self.quote in line and not self.patterns["well_formed"].fullmatch(line):
                closes = not self.patterns["mark_at_start"].match(line)
                is_row = may_be_row and len(self.naive_cells(line)) >= self.width
                last = number if closes and not is_row else 0
                break
        source.put_back(ahead[last:])
        for line in ahead[:last]:
            cells = self._plain_cells(line)
            yield SplitRecord([line], cells, DOUBTFUL_LINE if cells else "")


class _Lines:
    """An iterator of lines that can be pushed back and read again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._source = iter(lines)
        self._waiting: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self._waiting.popleft() if self._waiting else next(self._source)

    def put_back(self, lines: Sequence[str]) -> None:
        """Push lines back, so that they are read next."""
        self._waiting.extendleft(reversed(lines))


BLOCK_BYTES = 1 << 20
MAX_RECORD_BYTES = 1 << 25
"""Most bytes of a record. Otherwise an unclosed quotation mark would make the whole file one record."""
MAX_UNEVEN = 1_000_000
"""Most records whose number of fields differs from the header. A file with more is read row by row."""
NEWLINE, RETURN = 10, 13

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass
class RecordIndex:
    """The positions of the records in a delimited text file, numbered from 1 including the header.

    The index is built in one pass over the bytes of the file, while DuckDB reads the same file. It shows
    whether DuckDB splits the file correctly, counts the records independently of DuckDB, and finds a record
    by its number.
    """

    path: Path
    splitter: RecordSplitter
    header_row: int
    """The record number of the header; 0 if there is none. Records up to the header are not checked."""
    begin: int
    """The byte at which the first record begins."""
    records: int = 0
    uneven: list[int] = field(default_factory=list)
    """The numbers of records with too many or too few fields, or with several lines that may be rows."""
    blanks: int = 0
    """The number of blank records at the end of the file."""
    regular: bool = True
    """Whether lines end in LF or CR LF, quotation marks enclose whole fields, and no record between others is
    blank.

    DuckDB and the csv module find the same records only in such a file.
    """
    several_lines: bool = False
    """Whether some record has several lines."""
    _blocks: list[tuple[int, int]] = field(default_factory=list)
    """For each block of the file, the number and the byte offset of its first record."""
    _size: int = 0

    def __post_init__(self) -> None:
        """Build the index; stop as soon as `regular` becomes false: others may find different records."""
        rest, offset, last = b"", self.begin, False
        with self.path.open("rb") as stream:
            stream.seek(offset)
            while self.regular and not last:
                block = stream.read(BLOCK_BYTES)
                text, last = rest + block, not block
                length = self._add_records(text, offset, last=last) if text else 0
                rest, offset = text[length:], offset + length
                self.regular &= len(rest) < MAX_RECORD_BYTES
        self._size = offset

    def _add_records(self, text: bytes, offset: int, *, last: bool) -> int:
        starts, ends, fields, within = self._split(text, last=last)
        if not len(ends):
            return 0
        self._blocks.append((self.records + 1, offset))
        numbers = np.arange(self.records + 1, self.records + 1 + len(ends))
        codes = np.frombuffer(text, np.uint8)
        newlines = codes[ends - 1] == NEWLINE
        returned = newlines & (ends - starts > 1) & (codes[ends - 2] == RETURN)
        blank = ends - starts == newlines.astype(int) + returned
        filled = np.flatnonzero(~blank)
        if len(filled):
            self.regular &= not self.blanks and not blank[: filled[-1]].any()
        self.blanks += int(blank.sum())
        # Two stray quotation marks can merge whole rows into one record. Such a record has many quoted
        # delimiters. It is listed as uneven, so that the csv module reads it again.
        together = (within >= self.splitter.width - 1) & (within > 0)
        uneven = ((fields != self.splitter.width) | together) & (numbers > self.header_row) & ~blank
        self.uneven += numbers[uneven].tolist()
        self.regular &= len(self.uneven) <= MAX_UNEVEN
        self.records += len(ends)
        return int(ends[-1])

    def _split(self, text: bytes, *, last: bool) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Split a block of bytes into records.

        Returns:
            Four arrays with one value per record: its start, its end (after the newline), its number of
            fields, and its number of quoted delimiters. The last number is 0 if the block has no line break
            inside quotation marks.
        """
        codes, delimiter = np.frombuffer(text, np.uint8), ord(self.splitter.delimiter)
        marked = (codes == delimiter) | (codes == NEWLINE) | (codes == RETURN)
        if self.splitter.quote:
            marked |= codes == ord(self.splitter.quote)
        positions = np.flatnonzero(marked)
        kinds, quoted_delimiters = codes[positions], np.array([], np.int64)
        if self.splitter.quote and (quoting := kinds == ord(self.splitter.quote)).any():
            edges = (delimiter, NEWLINE, RETURN, ord(self.splitter.quote))
            inside = (np.cumsum(quoting) & 1).astype(bool)
            opening, closing = positions[quoting & inside], positions[quoting & ~inside]
            for beside in (opening[opening > 0] - 1, closing[closing + 1 < len(codes)] + 1):
                self.regular &= bool(np.isin(codes[beside], edges).all())
            quoted = inside & ~quoting
            broken = bool((kinds[quoted] == NEWLINE).any())
            self.several_lines |= broken
            self.regular &= not (kinds[quoted] == RETURN).any() and not (last and inside[-1])
            if broken:
                quoted_delimiters = positions[quoted & (kinds == delimiter)]
            apart = ~(inside | quoting)
            positions, kinds = positions[apart], kinds[apart]
        returns = kinds == RETURN
        if returns.any():
            behind = positions[returns] + 1
            # A carriage return at the end of the block is not checked here, because its newline may be in the
            # next block.
            self.regular &= bool((codes[behind[behind < len(codes)]] == NEWLINE).all())
            self.regular &= not (last and behind[-1] == len(codes))
            positions, kinds = positions[~returns], kinds[~returns]
        lines = np.flatnonzero(kinds == NEWLINE)
        ends = positions[lines] + 1
        fields = np.diff(lines, prepend=-1)
        # The last record of a file may have no newline. Then it ends where the file ends.
        if last and (not len(ends) or ends[-1] < len(codes)):
            fields = np.append(fields, len(kinds) - (lines[-1] + 1 if len(lines) else 0) + 1)
            ends = np.append(ends, len(codes))
        owners = np.searchsorted(ends, quoted_delimiters, side="right")
        within = np.bincount(owners[owners < len(ends)], minlength=len(ends))
        return np.concatenate(([0], ends[:-1])), ends, fields, within

    def fetch(self, numbers: Sequence[int] | pl.Series) -> Iterator[tuple[int, int, str]]:
        """Yield number, byte offset and text of the records with these numbers, which must increase."""
        firsts = [number for number, _ in self._blocks]
        bounds = [*(offset for _, offset in self._blocks), self._size]
        wanted = np.asarray(numbers, dtype=np.int64)
        with self.path.open("rb") as stream:
            while len(wanted):
                block = bisect_right(firsts, int(wanted[0])) - 1
                behind = firsts[block + 1] if block + 1 < len(firsts) else self.records + 1
                here, wanted = np.split(wanted, [np.searchsorted(wanted, behind)])
                stream.seek(bounds[block])
                text = stream.read(bounds[block + 1] - bounds[block])
                starts, ends, *_ = self._split(text, last=True)
                for number in here.tolist():
                    start, end = starts[number - firsts[block]], ends[number - firsts[block]]
                    yield number, bounds[block] + int(start), text[start:end].decode()
