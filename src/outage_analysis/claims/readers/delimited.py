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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from outage_analysis.claims import queries
from outage_analysis.claims.queries import escaped_path
from outage_analysis.claims.readers.dialects import (
    Dialect,
    check_not_shifted,
    detect_dialect,
    with_missing_name,
)
from outage_analysis.claims.readers.record_splitting import MAX_FIELD_LENGTH, Numbers, RecordIndex
from outage_analysis.claims.readers.source_file import (
    BATCH_ROWS,
    DAY_LIKE,
    EngineQuery,
    ExpectedTable,
    FileFormat,
    RowNumbers,
    RowTexts,
    SourceFile,
    UnreadableRecord,
    row_texts,
    second_table_error,
)
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.text import TextFile, line_number

MERGED_ROWS = "quotation marks hold whole rows together"
MISPLACED_QUOTE = "a quotation mark inside a field that does not begin with one"
MIN_DELIMITERS = 3
"""A record may consist of merged rows if rows have this many delimiters; ordinary text rarely has so many."""
DIGIT = re.compile(r"\d")
Record = tuple[int, int, int, list[str], str]
"""Row number, byte offset, byte length and cells of a record, and what is wrong with it."""


def open_delimited(table: ExpectedTable, text: TextFile, warehouse: Warehouse) -> DelimitedFile:
    """Open a delimited text file: detect its dialect and find its columns.

    Raises:
        InputRefused: a column is missing, or the cells of the rows may be shifted against the header.
    """
    dialect = with_missing_name(table, detect_dialect(text.path, table), warehouse)
    header_row, escape = dialect.header_row or None, dialect.marks.escape
    columns = table.column_positions(dialect.headers, header_row)
    # The headers of an inspected file are unknown, so its surplus cells may belong to any of them.
    by_engine = not escape and not text.damaged
    if dialect.surplus and table.for_inspection:
        by_engine = False
    elif dialect.surplus:
        check_not_shifted(table, dialect, columns, warehouse)
    return DelimitedFile(
        table=table,
        columns=columns,
        file_format=FileFormat(text.encoding, dialect.note, dialect.headers, header_row, escape=escape),
        first_row=dialect.header_row + 1,
        engine=_engine_query(text, dialect, columns) if by_engine else None,
        text=text,
        dialect=replace(dialect, preview=()),
    )


def _engine_query(text: TextFile, dialect: Dialect, columns: Mapping[str, int]) -> EngineQuery:
    # The query names the columns c0, c1, and so on, because headers may contain any text and may be equal.
    names = [f"c{i}" for i in range(dialect.width)]
    # DuckDB keeps the space after a delimiter, but the preview lacks it. With the space, the first texts
    # show that the cells must be trimmed.
    space = " " if dialect.marks.spaced else ""
    return EngineQuery(
        f"({queries.load('delimited')})",
        {c: names[at] for c, at in columns.items()},
        {c: [space + row[at] for row in dialect.preview if at < len(row)] for c, at in columns.items()},
        {
            "path": escaped_path(text.path),
            "delimiter": dialect.marks.delimiter,
            "quote": dialect.marks.quote,
            "escape": dialect.marks.quote,
            "header": dialect.header_row > 0,
            "skip": max(0, dialect.header_row - 1),
            "parallel": True,
            "columns": dict.fromkeys(names, "VARCHAR"),
        },
        surplus=names[len(dialect.headers) :],
    )


@dataclass(frozen=True, kw_only=True)
class DelimitedFile(SourceFile):
    """A delimited text file."""

    text: TextFile
    dialect: Dialect

    @cached_property
    def index(self) -> RecordIndex:
        """The positions of the records in the file. They are found in one pass over the file."""
        dialect, text = self.dialect, self.text
        return RecordIndex(text.path, dialect.marks, dialect.width, dialect.header_row, text.text_start)

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

    def texts(self, rows: Sequence[int] | Numbers | None) -> Iterator[RowTexts]:
        """Read rows with the csv module.

        Raises:
            InputRefused: the file contains a second table.
        """
        before = csv.field_size_limit(MAX_FIELD_LENGTH)
        try:
            yield from self._batches(self._records() if rows is None else self._records_again(rows))
        finally:
            csv.field_size_limit(before)

    def _batches(self, records: Iterable[Record]) -> Iterator[RowTexts]:
        width, named = self.dialect.width, len(self.dialect.headers)
        batch: list[tuple[object, ...]] = []
        unreadable: list[UnreadableRecord] = []
        empty = 0
        for row, offset, length, cells, problem in records:
            if row < self.first_row:
                continue
            if problem:
                unreadable.append((row, offset, length, problem))
            elif not any(cells):
                empty += 1
            elif (len(cells) == width and not any(cells[named:])) or (
                self.dialect.last_is_filled
                and len(cells) > width
                and not any(cells[width:])
                and bool(cells[width - 1])
            ):
                batch.append((row, offset, length, *(cells[at] for at in self.columns.values())))
            elif self.table.is_other_header(cells, self.columns):
                raise second_table_error(self.table.file, row, line_number(self.text, offset))
            else:
                fields = f"{len(cells)} field{'s' * (len(cells) != 1)} instead of {width}"
                unreadable.append((row, offset, length, fields))
            if len(batch) + len(unreadable) == BATCH_ROWS:
                yield row_texts(self.columns, batch, unreadable, empty)
                batch, unreadable, empty = [], [], 0
        yield row_texts(self.columns, batch, unreadable, empty)

    def _records(self) -> Iterator[Record]:
        """Yield every record, with what is wrong with its quotation marks or characters."""
        offset = self.text.text_start
        with self.text.path.open(encoding="utf-8-sig", newline="") as stream:
            for row, record in enumerate(self.dialect.splitter.split(stream), start=1):
                raw = "".join(record.lines)
                problem = record.problem
                if not problem and self._contains_rows(record.lines):
                    problem = MERGED_ROWS
                if not problem and self._has_misplaced_quote(raw, record.cells):
                    problem = MISPLACED_QUOTE
                length = len(raw.encode())
                yield row, offset, length, record.cells, problem
                offset += length

    def _records_again(self, numbers: Sequence[int] | Numbers) -> Iterator[Record]:
        for number, offset, text in self.index.fetch(numbers):
            lines = list(io.StringIO(text, newline=""))
            cells = next(csv.reader(lines, **self.dialect.marks.reader_options))  # type: ignore[arg-type]
            problem = MERGED_ROWS if self._contains_rows(lines) else ""
            yield number, offset, len(text.encode()), cells, problem

    def _contains_rows(self, lines: Sequence[str]) -> bool:
        """Return whether two stray quotation marks have merged several rows into one record.

        Rows were merged if each line of the record has as many delimiters as a row, and a row has at least
        `MIN_DELIMITERS`. They were also merged if the first line and another line can both be read as rows.
        """
        if len(lines) == 1:
            return False
        between, delimiter = len(self.dialect.headers) - 1, self.dialect.marks.delimiter
        if between >= MIN_DELIMITERS and all(line.count(delimiter) >= between for line in lines):
            return True
        first, *others = map(self._reads_as_row, lines)
        return first and any(others)

    def _reads_as_row(self, line: str) -> bool:
        cells = self.dialect.splitter.naive_cells(line)
        if len(cells) != self.dialect.width:
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
        marks = self.dialect.marks
        if not marks.quote or not any(marks.quote in cell for cell in cells):
            return False
        if marks.patterns.well_formed.fullmatch(record):
            return False
        after_spaces = f"(?:^|{re.escape(marks.delimiter)}) +{re.escape(marks.quote)}"
        return re.search(after_spaces, record) is not None or self._quotes_fields

    @cached_property
    def _quotes_fields(self) -> bool:
        marks, begin = self.dialect.marks, self.text.text_start
        quote, delimiter = (re.escape(text.encode()) for text in (marks.quote, marks.delimiter))
        opening = re.compile(b"(?:[\r\n]|" + delimiter + b")" + b" *" * marks.spaced + quote)
        with (
            self.text.path.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text,
        ):
            return text[begin : begin + 1] == marks.quote.encode() or opening.search(text, begin) is not None
