"""Read CSV files and other delimited text files.

DuckDB reads regular files (see `RecordIndex.regular`). The csv module reads all other files row by row. It
also rereads each row of a regular file that the fast path cannot accept, so that all rejects are described in
the same way. Rows without any text are skipped, because spreadsheets often leave such rows behind.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import escaped_path, quote_identifier
from outage_analysis.claims.readers.dialects import Dialect, QuotingCheck, detect_dialect
from outage_analysis.claims.readers.record_index import RecordIndex
from outage_analysis.claims.readers.shifted_columns import check_not_shifted
from outage_analysis.claims.readers.staging import (
    BATCH_ROWS,
    DAY_LIKE,
    FileFormat,
    Staging,
    TypedRows,
    second_table_error,
)
from outage_analysis.errors import InputRefused
from outage_analysis.text import TextFile

MAX_FIELD_LENGTH = 2_000_000
"""Most characters of one field. DuckDB cannot read longer lines either."""
MERGED_ROWS = "quotation marks hold whole rows together"
MIN_DELIMITERS = 3
"""A record may consist of merged rows if rows have this many delimiters; ordinary text rarely has so many."""
DIGIT = re.compile(r"\d")


def read_delimited(staging: Staging, text: TextFile) -> FileFormat:
    """Store the rows of a delimited text file in SQL tables, and return how the file was read.

    Raises:
        InputRefused: a column is missing, a quotation mark may merge several rows, or the file contains a
            second table.
    """
    dialect = detect_dialect(text.path, staging)
    mapping = staging.mapping(dialect.headers, dialect.header_row or None)
    if dialect.surplus and not staging.for_inspection:
        check_not_shifted(staging, dialect, mapping)
    width_is_clear = not (dialect.surplus and staging.for_inspection)
    typed_rows = _read_by_engine(staging, text, dialect, mapping) if width_is_clear else None
    if typed_rows is None:
        with _long_fields():
            _stage_records(staging, csv_records(text, dialect, mapping, staging.name), dialect, mapping)
    return FileFormat(text.encoding, str(dialect), typed_rows=typed_rows)


def _read_by_engine(
    staging: Staging, text: TextFile, dialect: Dialect, mapping: dict[str, int]
) -> TypedRows | None:
    """Read the file with DuckDB, if DuckDB and the csv module split the file into the same rows.

    Otherwise remove the rows that DuckDB has read, and return None.
    """
    build_index = partial(
        RecordIndex.build, text.path, dialect.delimiter, dialect.quote, begin=text.text_start
    )
    with ThreadPoolExecutor(1) as pool:
        index_result = pool.submit(build_index, width=dialect.width, header_row=dialect.header_row)
        place_and_rows = _type_rows(staging, text, dialect, mapping, several_lines=False)
        index = index_result.result()
    if place_and_rows is None and index.regular and index.several_lines:
        place_and_rows = _type_rows(staging, text, dialect, mapping, several_lines=True)
    expected = index.records - index.blanks - len(index.gaps) - dialect.header_row
    # DuckDB skips lines, but `header_row` counts records, and a record may have several lines. If this can
    # matter above the header, the csv module reads the file instead.
    lines_above = index.several_lines and dialect.header_row > 1
    lines_above |= bool(index.gaps) and (index.gaps[0] < dialect.header_row or staging.for_inspection)
    if place_and_rows is None or not index.regular or lines_above or place_and_rows[1] != expected:
        staging.remove_rows()
        return None

    def fetch(numbers: Sequence[int]) -> int:
        with _long_fields():
            return _stage_records(
                staging, _fetched_records(index, numbers, dialect, mapping), dialect, mapping
            )

    if staging.for_inspection:
        staging.warehouse.delete("staged", " and ".join(f"{quote_identifier(c)} is null" for c in mapping))
        staging.remove_rows(index.uneven)
        fetch(index.uneven)
    return TypedRows(place_and_rows[0], dialect.header_row + 1, expected, fetch, index.uneven, index.gaps)


def _type_rows(
    staging: Staging, text: TextFile, dialect: Dialect, mapping: dict[str, int], *, several_lines: bool
) -> tuple[int, int] | None:
    """Convert the rows to typed values with DuckDB and append them to the table `fast_rows`.

    Returns the rowid of the first row and the number of rows, or None if DuckDB cannot read the file.
    """
    # The query names the columns c0, c1, and so on, because headers may contain any text and may be equal.
    names = [f"c{i}" for i in range(dialect.width)]
    # DuckDB keeps the space after a delimiter, but the preview lacks it. With the space, the first texts show
    # that the cells must be trimmed.
    space = " " if dialect.spaced else ""
    try:
        return staging.type_rows(
            f"({records_query()})",
            {c: names[at] for c, at in mapping.items()},
            {c: [space + row[at] for row in dialect.preview if at < len(row)] for c, at in mapping.items()},
            dialect.header_row + 1,
            surplus=names[len(dialect.headers) :],
            about=round(text.path.stat().st_size / dialect.row_bytes),
            path=escaped_path(text.path),
            delimiter=dialect.delimiter,
            quote=dialect.quote,
            header=dialect.header_row > 0,
            skip=max(0, dialect.header_row - 1),
            parallel=not several_lines,
            columns=dict.fromkeys(names, "VARCHAR"),
        )
    except InputRefused:
        return None


def records_query() -> str:
    """Return the SQL that reads a delimited text file. The path, delimiter and so on are parameters."""
    return queries.load("delimited")


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


def _stage_records(
    staging: Staging, records: Iterable[Record], dialect: Dialect, mapping: dict[str, int]
) -> int:
    """Store the records below the header as text, in the table `staged` or `unreadable`.

    Records whose cells do not fit the header go to `unreadable`. Empty records are skipped. Returns the
    number of empty records.
    """
    width, named, empty = dialect.width, len(dialect.headers), 0
    batch: list[Record] = []
    broken: list[tuple[int, int, int, str]] = []
    for record in records:
        if record.row <= dialect.header_row:
            continue
        cells = record.cells
        if record.problem:
            broken.append((record.row, record.offset, record.length, record.problem))
        elif not any(cells):
            empty += 1
        elif len(cells) == width and not any(cells[named:]):
            batch.append(record)
        else:
            if staging.is_other_header(cells):
                raise second_table_error(staging.name, record.row)
            problem = f"{len(cells)} field{'s' * (len(cells) != 1)} instead of {width}"
            broken.append((record.row, record.offset, record.length, problem))
        if len(batch) + len(broken) == BATCH_ROWS:
            _stage_batch(staging, batch, mapping)
            staging.stage_unreadable(broken)
            batch, broken = [], []
    _stage_batch(staging, batch, mapping)
    staging.stage_unreadable(broken)
    return empty


def _stage_batch(staging: Staging, batch: list[Record], mapping: dict[str, int]) -> None:
    cells = {c: pl.Series([r.cells[at] for r in batch], dtype=pl.String) for c, at in mapping.items()}
    keys = {
        "source_row": [r.row for r in batch],
        "byte_offset": [r.offset for r in batch],
        "byte_length": [r.length for r in batch],
    }
    staging.stage_frame(pl.DataFrame({**keys, **cells}))


def _fetched_records(
    index: RecordIndex, numbers: Sequence[int], dialect: Dialect, mapping: dict[str, int]
) -> Iterator[Record]:
    """Read the records with these numbers again with the csv module, after DuckDB has read the file."""
    for number, offset, text in index.fetch(numbers):
        lines = list(io.StringIO(text, newline=""))
        cells = next(csv.reader(lines, **dialect.reader_options))  # type: ignore[arg-type]
        problem = MERGED_ROWS if _contains_rows(lines, dialect, mapping) else ""
        yield Record(number, offset, len(text.encode()), cells, problem)


@contextmanager
def _long_fields() -> Iterator[None]:
    """Allow long fields in the csv module inside the `with` block. The setting affects the whole process."""
    before = csv.field_size_limit(MAX_FIELD_LENGTH)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _contains_rows(lines: list[str], dialect: Dialect, mapping: dict[str, int]) -> bool:
    """Return whether two stray quotation marks have merged several rows into one record.

    Rows were merged if each line of the record has as many delimiters as a row, and a row has at least
    `MIN_DELIMITERS`. They were also merged if the first line and another line can both be read as rows.
    """
    if len(lines) == 1:
        return False
    between = len(dialect.headers) - 1
    if between >= MIN_DELIMITERS and all(line.count(dialect.delimiter) >= between for line in lines):
        return True
    first, *others = (_reads_as_row(line, dialect, mapping) for line in lines)
    return first and any(others)


def _reads_as_row(line: str, dialect: Dialect, mapping: dict[str, int]) -> bool:
    """Return whether a line looks like a row: the right number of fields, a day and an amount."""
    cells = line.rstrip("\r\n").replace(dialect.quote, "").split(dialect.delimiter)
    if len(cells) != dialect.width:
        return False
    values = {column: cells[at].strip() for column, at in mapping.items()}
    day, loss = values.get("filed_on"), values.get("loss")
    dated = day is None or DAY_LIKE.search(day) is not None
    priced = loss is None or DIGIT.search(loss) is not None or (loss == "" and day is not None)
    return values.get("claim_id") != "" and (day, loss) != (None, None) and dated and priced


def csv_records(text: TextFile, dialect: Dialect, mapping: dict[str, int], name: str) -> Iterator[Record]:
    """Yield every record of a file, read by the csv module. Record 1 is the first row of the file.

    If a record consists of one line and has wrong quotation marks, its `problem` says so.

    Raises:
        InputRefused: a record of several lines has wrong quotation marks, so that it is unknown where the
            record ends.
    """
    lines: list[str] = []
    with text.path.open(encoding="utf-8-sig", newline="") as stream:
        quoting = QuotingCheck(text.path, text.text_start, dialect.delimiter, dialect.quote, dialect.spaced)
        reader = csv.reader(_recorded_lines(stream, lines), **dialect.reader_options)  # type: ignore[arg-type]
        offset = text.text_start
        for row in count(1):
            cells: list[str] = []
            problem = ""
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                problem = _quoting_problem(error, lines, dialect, name, row, offset)
            raw = "".join(lines)
            if _contains_rows(lines, dialect, mapping):
                problem = MERGED_ROWS
            problem = problem or quoting.problem(raw, cells)
            length = len(raw.encode())
            lines.clear()
            yield Record(row, offset, length, cells, problem)
            offset += length


def _recorded_lines(source: Iterator[str], lines: list[str]) -> Iterator[str]:
    """Yield lines, and append each to the list `lines`, which the caller empties after each record."""
    for line in source:
        lines.append(line)
        yield line


def _quoting_problem(
    error: csv.Error, lines: list[str], dialect: Dialect, name: str, row: int, offset: int
) -> str:
    """Return why the csv module cannot split a record into cells, if the record is a single line.

    Raises:
        InputRefused: the record has several lines, some of which may be other rows.
    """
    is_single_line = len(lines) == 1 and (not dialect.quote or lines[0].count(dialect.quote) % 2 == 0)
    if is_single_line:
        return str(error)
    raise InputRefused(
        f"opens a quotation mark that is not closed as it should, at byte {offset:,}",
        file=name,
        row=row,
        value=f"{len(lines)} lines",
        remedy='Close or double it, or read every mark as text: quote = "none" in a --columns layout.',
    )
