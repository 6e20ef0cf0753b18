"""Read CSV files and other delimited texts.

DuckDB reads a regular file (see `RecordIndex.regular`), and the csv module reads any other file row by
row. The csv module also rereads each row that the fast path cannot decide, so that all rejects are described
in the same way. Rows without any text are skipped: spreadsheets leave such rows behind.
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
    second_table_error,
)
from outage_analysis.claims.readers.typed_rows import TypedRows
from outage_analysis.errors import InputRefused
from outage_analysis.text import TextFile

MAX_FIELD_LENGTH = 2_000_000
"""Characters of one field; DuckDB does not read longer lines."""
MERGED_ROWS = "quotation marks hold whole rows together"
MIN_DELIMITERS = 3
"""In a file with fewer delimiters per row, a line of ordinary text may have as many by chance."""
DIGIT = re.compile(r"\d")


def read_delimited(staging: Staging, text: TextFile) -> FileFormat:
    """Stage the rows of a delimited text, and return how it was read.

    Raises:
        InputRefused: a missing column, a quotation mark that merges rows, or a second table in the file.
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
    """Read the text with DuckDB, if it splits the text into the same rows as the csv module would.

    Otherwise remove the rows again and return None.
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
    lines_above = index.several_lines and dialect.header_row > 1  # the engine skips lines, not records
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
    """Type the rows with DuckDB: the place of the first row in `fast_rows` and the number of rows.

    The result is None if DuckDB cannot read the text.
    """
    # The columns are named c0, c1, ...: a header may contain any text, even twice.
    names = [f"c{i}" for i in range(dialect.width)]
    space = " " if dialect.spaced else ""  # DuckDB keeps this space; `_cell_text_sql` then trims the cells
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
    """Return the query of the records of a delimited text; its parameters are the dialect."""
    return queries.load("delimited")


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a delimited text.

    `offset` and `length` are its bytes in the file. `problem` says why it cannot be split into cells, and is
    empty if it can.
    """

    row: int
    offset: int
    length: int
    cells: list[str]
    problem: str = ""


def _stage_records(
    staging: Staging, records: Iterable[Record], dialect: Dialect, mapping: dict[str, int]
) -> int:
    """Stage the records below the header; records that do not fit the header are staged as unreadable.

    The result is the number of empty records, which are skipped.
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
    """Reread records of a text that DuckDB has read, by their numbers."""
    for number, offset, text in index.fetch(numbers):
        lines = list(io.StringIO(text, newline=""))
        cells = next(csv.reader(lines, **dialect.reader_options))  # type: ignore[arg-type]
        problem = MERGED_ROWS if _contains_rows(lines, dialect, mapping) else ""
        yield Record(number, offset, len(text.encode()), cells, problem)


@contextmanager
def _long_fields() -> Iterator[None]:
    """Allow long fields in the csv module inside this context; the limit applies to the whole process."""
    before = csv.field_size_limit(MAX_FIELD_LENGTH)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _contains_rows(lines: list[str], dialect: Dialect, mapping: dict[str, int]) -> bool:
    """Whether two stray quotation marks merged several rows into one record.

    They did if each line has the delimiters of a row and a row has at least `MIN_DELIMITERS`, or if the
    first line and another line can be read as rows.
    """
    if len(lines) == 1:
        return False
    between = len(dialect.headers) - 1
    if between >= MIN_DELIMITERS and all(line.count(dialect.delimiter) >= between for line in lines):
        return True
    first, *others = (_reads_as_row(line, dialect, mapping) for line in lines)
    return first and any(others)


def _reads_as_row(line: str, dialect: Dialect, mapping: dict[str, int]) -> bool:
    """Whether a line has the fields of a row, with a day and an amount in their columns."""
    cells = line.rstrip("\r\n").replace(dialect.quote, "").split(dialect.delimiter)
    if len(cells) != dialect.width:
        return False
    values = {column: cells[at].strip() for column, at in mapping.items()}
    day, loss = values.get("filed_on"), values.get("loss")
    dated = day is None or DAY_LIKE.search(day) is not None
    priced = loss is None or DIGIT.search(loss) is not None or (loss == "" and day is not None)
    return values.get("claim_id") != "" and (day, loss) != (None, None) and dated and priced


def csv_records(text: TextFile, dialect: Dialect, mapping: dict[str, int], name: str) -> Iterator[Record]:
    """Yield every record of a text, read by the csv module; record 1 is the first row of the file.

    A record with wrong quotation marks has a `problem` if it is a single line.

    Raises:
        InputRefused: a record of several lines has wrong quotation marks, so that its end is unknown.
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
    """Yield lines and append each to `lines`; the caller clears `lines` after each record."""
    for line in source:
        lines.append(line)
        yield line


def _quoting_problem(
    error: csv.Error, lines: list[str], dialect: Dialect, name: str, row: int, offset: int
) -> str:
    """Return why the csv module cannot split a record.

    Raises:
        InputRefused: the record has several lines, and may contain other rows.
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
