"""Detect the dialect of a delimited text file: delimiter, quotation mark and header row."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, product
from pathlib import Path

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.readers.cell_values import BLANKS, value_sql
from outage_analysis.claims.readers.record_splitting import Punctuation, RecordSplitter, SplitRecord
from outage_analysis.claims.readers.source_file import (
    HEADER_SEARCH_ROWS,
    MIN_HEADER_COLUMNS,
    ExpectedTable,
    header_note,
)
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Layout, normalized_name
from outage_analysis.text import Note, mask_personal_data

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
    with path.open("rb") as stream:
        block = stream.read(HEAD_BYTES)
        if stream.read(1):
            block = block[: max(block.rfind(b"\n"), block.rfind(b"\r")) + 1] or block
    head = block.decode("utf-8-sig", errors="ignore")
    if not head.strip("\0 \t\r\n"):
        raise InputRefused("holds no row", file=table.file)
    lines = list(io.StringIO(head, newline=""))
    score, dialect, sample = (-1, 0.0, 0), None, list[SplitRecord]()
    for marks in _candidates(head, table.layout, for_inspection=table.for_inspection):
        fits = score[1] >= MIN_FITTING_SHARE and score[2] >= MIN_HEADER_COLUMNS
        if marks.delimiter == " " != table.layout.delimiter and fits:
            continue  # Another delimiter fits: the spaces may separate words within cells.
        tried, records = _try_dialect(lines, table, marks)
        body = [record for record in records[tried.header_row :] if record.cells or record.problem]
        fitting = sum(len(record.cells) == tried.width and not record.problem for record in body)
        named, width = table.layout.header_positions(tried.headers, table.columns), len(tried.headers)
        found = len(named), fitting / len(body) if body and width > 1 else 0.0, width
        if found > score:
            score, dialect, sample = found, tried, records
    if dialect is None:  # pragma: no cover - there is always a candidate
        raise InputRefused("has a header that cannot be read", file=table.file, row=1)
    if dialect.marks.delimiter == " " and "" in dialect.headers and sum(map(bool, dialect.headers)) > 1:
        # An empty cell between blanks is not seen, so the cells behind it would move into wrong columns.
        raise InputRefused(
            "separates its columns by several blanks",
            file=table.file,
            row=dialect.header_row or None,
            remedy="Save it as CSV, with a comma or a tab between the columns.",
        )
    table.check_above_header([record.cells for record in sample], dialect.header_row - 1)
    more = _sample(lines, dialect.marks, dialect.width, dialect.header_row + PREVIEW_ROWS)
    preview = tuple(record.cells for record in more[dialect.header_row :])
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


def _apostrophes_quote_fields(head: str, delimiter: str) -> bool:
    edge = rf"(?:^|{re.escape(delimiter)})"
    end = rf"(?={re.escape(delimiter)}|[\r\n]|$)"
    doubled, single = (re.compile(text, re.MULTILINE) for text in (f'{edge}"', f"{edge}'[^']*'{end}"))
    return "'" in head and not doubled.search(head) and single.search(head) is not None


def _try_dialect(
    lines: Sequence[str], table: ExpectedTable, marks: Punctuation
) -> tuple[Dialect, list[SplitRecord]]:
    least = 1 + (table.layout.header_row or 0)
    for spaced in (True, False) if marks.quote and marks.delimiter != " " else (False,):
        tried = replace(marks, spaced=spaced)
        whole = (x for x in lines[:SAMPLE_ROWS] if not marks.quote or tried.patterns.well_formed.fullmatch(x))
        widths = Counter(len(r.cells) for r in RecordSplitter(tried, 0).split(whole) if len(r.cells) > 1)
        width = widths.most_common(1)[0][0] if widths else 1
        sample = _sample(lines, tried, width, least)
        dialect = _dialect(sample, table, tried)
        if dialect.width != width:
            sample = _sample(lines, tried, dialect.width, least)
            dialect = _dialect(sample, table, tried)
        if not spaced:
            break
        # The spaces belong to the delimiters if one follows each delimiter, except those before empty fields.
        text = "".join(line for record in sample[dialect.header_row :] for line in record.lines)
        mark, delimiter = re.escape(marks.quote), re.escape(marks.delimiter)
        bare = re.sub(f"{mark}[^{mark}]*{mark}", "x", text)
        if f"{delimiter} " in bare and not re.search(f"{delimiter}[^ {delimiter}\r\n]", bare):
            break
    return dialect, sample


def _sample(lines: Sequence[str], marks: Punctuation, width: int, least: int) -> list[SplitRecord]:
    """Return the first records of a file: `least` records or more, if the file has so many.

    The cells of a damaged record are kept only if it may be the header.
    """
    records = [*islice(RecordSplitter(marks, width).split(lines), max(SAMPLE_ROWS, least))]
    for at, record in enumerate(records):
        if record.problem and (at >= HEADER_SEARCH_ROWS or len(record.cells) != width):
            records[at] = replace(record, cells=[])
    return records


def _dialect(sample: Sequence[SplitRecord], table: ExpectedTable, marks: Punctuation) -> Dialect:
    rows = [record.cells for record in sample]
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


NAME_COLUMNS = ("service", "claimant_type")
EXAMPLE_COLUMNS = ("loss", "filed_on")
"""The columns from which the error message takes an example cell: the first one that is shifted."""
MAX_CELL_LENGTH = 24
"""Most characters of a cell that the error message shows."""
LETTERS = re.compile(r"[^\W\d_]{2,}")
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
    checked = [column for column in (*NAME_COLUMNS, *EXAMPLE_COLUMNS) if column in named_columns]
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
    return replace(dialect, headers=headers, width=width)


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
    body = dict(enumerate(dialect.preview[:SAMPLE_ROWS], start=dialect.header_row + 1))
    body = {number: row for number, row in body.items() if len(row) == dialect.width and any(row)}
    rows = [*body.values()]
    kinds = {d.id: d.kind for d in table.incident.dimensions}
    readable = partial(_readable_cells, table, warehouse)
    for (gap, name), by in product(enumerate(dialect.headers), range(1, dialect.surplus + 1)):
        behind = sorted((column for column in mapping if mapping[column] > gap), key=lambda c: mapping[c])
        shifted = {column: _filled_cells(rows, mapping[column] + by) for column in behind}
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
            number, row = next(iter(body.items()))
            column = next((c for c in EXAMPLE_COLUMNS if c in behind), behind[0])
            one, other = (_cell_and_place(row, mapping[column] + more) for more in (0, by))
            header, fields = mask_personal_data(name), "fields" if dialect.surplus > 1 else "field"
            raise InputRefused(
                f"has {dialect.surplus} more {fields} in each row than in its header, and its columns can be "
                "read in two ways",
                file=table.file,
                row=number,
                column=column,
                value=f"{one}, or {other} if the header lacks a delimiter in '{header}'",
                remedy="Add the missing delimiter to the header: there, or at its end if each row only "
                "ends in one too many.",
            )


def _cell_and_place(row: Sequence[str], at: int) -> str:
    text = row[at].strip(BLANKS)
    short = len(text) <= MAX_CELL_LENGTH and not LETTERS.search(text)
    return f"{mask_personal_data(text) if short else f'{len(text)} characters'} in field {at + 1}"


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
