"""Read CSV files and other delimited text files.

DuckDB reads regular files (see `RecordIndex.regular`). All other files are split into records in Python. The
csv module also rereads each row of a regular file that the fast path cannot accept, so that all rejects are
described in the same way. Empty rows are skipped, because spreadsheets often leave such rows behind.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from outage_analysis.claims import queries
from outage_analysis.claims.queries import escaped_path
from outage_analysis.claims.readers.dialects import Dialect, detect_dialect
from outage_analysis.claims.readers.expected_table import DAY_LIKE, ExpectedTable, second_table_error
from outage_analysis.claims.readers.record_index import Numbers, RecordIndex
from outage_analysis.claims.readers.record_splitting import MAX_FIELD_LENGTH, QuotingCheck
from outage_analysis.claims.readers.shifted_columns import check_not_shifted, with_missing_name
from outage_analysis.claims.readers.source_file import (
    BATCH_ROWS,
    EngineQuery,
    FileFormat,
    OpenedFile,
    RowNumbers,
    RowTexts,
    SourceFile,
    UnreadableRecord,
    row_texts,
)
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.text import TextFile, line_number

MERGED_ROWS = "quotation marks hold whole rows together"
MIN_DELIMITERS = 3
"""A record may consist of merged rows if rows have this many delimiters; ordinary text rarely has so many."""
DIGIT = re.compile(r"\d")


def open_delimited(table: ExpectedTable, text: TextFile, warehouse: Warehouse) -> OpenedFile:
    """Open a delimited text file: detect its dialect and find its columns.

    Raises:
        InputRefused: a column is missing, or the cells of the rows may be shifted against the header.
    """
    dialect = with_missing_name(table, detect_dialect(text.path, table), warehouse)
    positions = table.column_positions(dialect.headers, dialect.header_row or None)
    if dialect.surplus and not table.for_inspection:
        check_not_shifted(table, dialect, positions, warehouse)
    # The headers of an inspected file are unknown, so its surplus cells may belong to any of them.
    by_engine = (
        not (dialect.surplus and table.for_inspection) and not dialect.marks.escape and not text.damaged
    )
    file = DelimitedFile(
        table=table,
        columns=tuple(positions),
        file_format=FileFormat(
            text.encoding,
            dialect.note,
            dialect.headers,
            dialect.header_row or None,
            escape=dialect.marks.escape,
        ),
        text=text,
        dialect=replace(dialect, preview=()),
        positions=positions,
    )
    return file, _engine_query(text, dialect, positions) if by_engine else None


def _engine_query(text: TextFile, dialect: Dialect, positions: dict[str, int]) -> EngineQuery:
    # The query names the columns c0, c1, and so on, because headers may contain any text and may be equal.
    names = [f"c{i}" for i in range(dialect.width)]
    # DuckDB keeps the space after a delimiter, but the preview lacks it. With the space, the first texts
    # show that the cells must be trimmed.
    space = " " if dialect.marks.spaced else ""
    return EngineQuery(
        f"({queries.load('delimited')})",
        {c: names[at] for c, at in positions.items()},
        {c: [space + row[at] for row in dialect.preview if at < len(row)] for c, at in positions.items()},
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
        first_row=dialect.header_row + 1,
        surplus=names[len(dialect.headers) :],
    )


@dataclass(frozen=True, kw_only=True)
class DelimitedFile(SourceFile):
    """A delimited text file. `positions` maps each column to the position of its cell in a row."""

    text: TextFile
    dialect: Dialect
    positions: dict[str, int]

    @cached_property
    def index(self) -> RecordIndex:
        """The positions of the records in the file. They are found in one pass over the file."""
        return RecordIndex.build(
            self.text.path,
            self.dialect.marks.delimiter,
            self.dialect.marks.quote,
            width=self.dialect.width,
            header_row=self.dialect.header_row,
            begin=self.text.text_start,
        )

    def row_numbers(self) -> RowNumbers | None:
        """Count the rows. None if DuckDB and the csv module may split the file into different rows."""
        index, header_row = self.index, self.dialect.header_row
        # DuckDB skips lines, but `header_row` counts records, and a record may have several lines. If this
        # can matter above the header, the csv module reads the file instead.
        lines_above = index.several_lines and header_row > 1
        if lines_above or not index.regular or self._has_merged_rows():
            return None
        rows = index.records - index.blanks - header_row
        return RowNumbers(header_row + 1, rows, index.uneven, index.several_lines)

    def _has_merged_rows(self) -> bool:
        index, splitter = self.index, self.dialect.splitter
        if not index.several_lines:
            return False
        texts = (io.StringIO(text, newline="") for _, _, text in index.fetch(index.uneven))
        return any(len(list(islice(splitter.split(lines), 2))) > 1 for lines in texts)

    def texts(self, rows: Sequence[int] | Numbers | None) -> Iterator[RowTexts]:
        """Read rows with the csv module.

        Raises:
            InputRefused: the file contains a second table.
        """
        with _long_fields():
            every = split_records(self.text, self.dialect, self.positions)
            yield from self._batches(every if rows is None else self._records_again(rows))

    def _batches(self, records: Iterable[Record]) -> Iterator[RowTexts]:
        width, named = self.dialect.width, len(self.dialect.headers)
        batch: list[Record] = []
        unreadable: list[UnreadableRecord] = []
        empty = 0
        for record in records:
            if record.row <= self.dialect.header_row:
                continue
            cells = record.cells
            if record.problem:
                unreadable.append((record.row, record.offset, record.length, record.problem))
            elif not any(cells):
                empty += 1
            elif (len(cells) == width and not any(cells[named:])) or (
                self.dialect.last_is_filled
                and len(cells) > width
                and not any(cells[width:])
                and bool(cells[width - 1])
            ):
                batch.append(record)
            else:
                if self.table.is_other_header(cells, self.positions):
                    line = line_number(self.text, record.offset)
                    raise second_table_error(self.table.file, record.row, line)
                problem = f"{len(cells)} field{'s' * (len(cells) != 1)} instead of {width}"
                unreadable.append((record.row, record.offset, record.length, problem))
            if len(batch) + len(unreadable) == BATCH_ROWS:
                yield self._row_texts(batch, unreadable, empty)
                batch, unreadable, empty = [], [], 0
        yield self._row_texts(batch, unreadable, empty)

    def _row_texts(self, batch: list[Record], unreadable: list[UnreadableRecord], empty: int) -> RowTexts:
        cells = self.positions.values()
        rows = ((r.row, r.offset, r.length, *(r.cells[at] for at in cells)) for r in batch)
        return row_texts(self.positions, rows, unreadable, empty)

    def _records_again(self, numbers: Sequence[int] | Numbers) -> Iterator[Record]:
        options = self.dialect.marks.reader_options
        for number, offset, text in self.index.fetch(numbers):
            lines = list(io.StringIO(text, newline=""))
            cells = next(csv.reader(lines, **options))  # type: ignore[arg-type]
            problem = MERGED_ROWS if _contains_rows(lines, self.dialect, self.positions) else ""
            yield Record(number, offset, len(text.encode()), cells, problem)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a delimited text file, split into cells.

    `offset` and `length` are the position and length of the record in the file, in bytes. `problem` states
    why the record cannot be split into cells; it is empty if the record can be split.
    """

    row: int
    offset: int
    length: int
    cells: list[str]
    problem: str = ""


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(MAX_FIELD_LENGTH)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _contains_rows(lines: Sequence[str], dialect: Dialect, mapping: dict[str, int]) -> bool:
    """Return whether two stray quotation marks have merged several rows into one record.

    Rows were merged if each line of the record has as many delimiters as a row, and a row has at least
    `MIN_DELIMITERS`. They were also merged if the first line and another line can both be read as rows.
    """
    if len(lines) == 1:
        return False
    between = len(dialect.headers) - 1
    if between >= MIN_DELIMITERS and all(line.count(dialect.marks.delimiter) >= between for line in lines):
        return True
    first, *others = (_reads_as_row(line, dialect, mapping) for line in lines)
    return first and any(others)


def _reads_as_row(line: str, dialect: Dialect, mapping: dict[str, int]) -> bool:
    cells = line.rstrip("\r\n").replace(dialect.marks.quote, "").split(dialect.marks.delimiter)
    if len(cells) != dialect.width:
        return False
    values = {column: cells[at].strip() for column, at in mapping.items()}
    day, loss = values.get("filed_on"), values.get("loss")
    dated = day is None or DAY_LIKE.search(day) is not None
    priced = loss is None or DIGIT.search(loss) is not None or (loss == "" and day is not None)
    return values.get("claim_id") != "" and (day, loss) != (None, None) and dated and priced


def split_records(text: TextFile, dialect: Dialect, mapping: dict[str, int]) -> Iterator[Record]:
    """Yield every record of a file. Record 1 is the first row of the file.

    The `problem` of a record describes errors in its quotation marks or characters.
    """
    offset = text.text_start
    with text.path.open(encoding="utf-8-sig", newline="") as stream:
        quoting = QuotingCheck(text.path, offset, dialect.marks)
        for row, record in enumerate(dialect.splitter.split(stream), start=1):
            raw = "".join(record.lines)
            problem = record.problem
            if not problem and _contains_rows(record.lines, dialect, mapping):
                problem = MERGED_ROWS
            problem = problem or quoting.problem(raw, record.cells)
            length = len(raw.encode())
            yield Record(row, offset, length, record.cells, problem)
            offset += length
