"""CSV and its like -> rows.

Two readers, one result: a regular file (see `survey`) is read by the engine; any other by the csv module,
row by row. Whatever the engine cannot tell at first sight goes to the csv module too, so that a reject is
told in one way. A row without any text is none: spreadsheets leave such rows behind.
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
"""Characters of one field; the engine reads no longer line."""
MERGED_ROWS = "quotation marks hold whole rows together"
MIN_DELIMITERS = 3
"""A row with fewer delimiters is so narrow that any line of text may have as many."""
DIGIT = re.compile(r"\d")


def read_delimited(staging: Staging, text: TextFile) -> FileFormat:
    """Read a delimited text.

    Raises:
        InputRefused: a missing column; a quotation mark that swallows rows; a second table.
    """
    dialect = detect_dialect(text.path, staging)
    mapping = staging.mapping(dialect.headers, dialect.header_row or None)
    if dialect.surplus and not staging.of_any_type:
        check_not_shifted(staging, dialect, mapping)
    fits = not (dialect.surplus and staging.of_any_type)
    passed = _read_by_engine(staging, text, dialect, mapping) if fits else None
    if passed is None:
        with _long_fields():
            _stage_records(staging, csv_records(text, dialect, mapping, staging.name), dialect, mapping)
    return FileFormat(text.encoding, str(dialect), passed=passed)


def _read_by_engine(
    staging: Staging, text: TextFile, dialect: Dialect, mapping: dict[str, int]
) -> TypedRows | None:
    """The rows as the engine cuts them, if it cuts them as the csv module would; else nothing is kept."""
    look = partial(RecordIndex.of, text.path, dialect.delimiter, dialect.quote, begin=text.begin)
    with ThreadPoolExecutor(1) as beside:
        looking = beside.submit(look, width=dialect.width, header_row=dialect.header_row)
        taken = _type_rows(staging, text, dialect, mapping, several_lines=False)
        survey = looking.result()
    if taken is None and survey.regular and survey.several_lines:
        taken = _type_rows(staging, text, dialect, mapping, several_lines=True)
    rows = survey.records - survey.blanks - len(survey.gaps) - dialect.header_row
    above = survey.several_lines and dialect.header_row > 1  # the engine skips lines, not records
    above |= bool(survey.gaps) and (survey.gaps[0] < dialect.header_row or staging.of_any_type)
    if taken is None or not survey.regular or above or taken[1] != rows:
        staging.forget()
        return None

    def fetch(numbers: Sequence[int]) -> int:
        with _long_fields():
            return _stage_records(
                staging, _fetched_records(survey, numbers, dialect, mapping), dialect, mapping
            )

    if staging.of_any_type:
        staging.warehouse.delete("staged", " and ".join(f"{quote_identifier(c)} is null" for c in mapping))
        staging.forget(survey.uneven)
        fetch(survey.uneven)
    return TypedRows(taken[0], dialect.header_row + 1, rows, fetch, survey.uneven, survey.gaps)


def _type_rows(
    staging: Staging, text: TextFile, dialect: Dialect, mapping: dict[str, int], *, several_lines: bool
) -> tuple[int, int] | None:
    """Where the engine put the rows and how many there are; None if it refuses them."""
    # The engine reads with names of our own: a header may hold anything, even twice.
    names = [f"c{i}" for i in range(dialect.width)]
    space = " " if dialect.spaced else ""  # the engine does not skip it, and trims texts that have it
    try:
        return staging.pass_by(
            f"({records_query()})",
            {c: names[at] for c, at in mapping.items()},
            {c: [space + row[at] for row in dialect.shown if at < len(row)] for c, at in mapping.items()},
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
    """The query of the records of a delimited text; its parameters say how the text is cut."""
    return queries.load("delimited")


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it stands in the text; `problem` says why its cells cannot be told."""

    row: int
    offset: int
    length: int
    cells: list[str]
    problem: str = ""


def _stage_records(
    staging: Staging, found: Iterable[Record], dialect: Dialect, mapping: dict[str, int]
) -> int:
    """Stage the records below the header, those that do not fit it as unreadable; how many say nothing."""
    width, named, nothing = dialect.width, len(dialect.headers), 0
    batch: list[Record] = []
    broken: list[tuple[int, int, int, str]] = []
    for record in found:
        if record.row <= dialect.header_row:
            continue
        cells = record.cells
        if record.problem:
            broken.append((record.row, record.offset, record.length, record.problem))
        elif not any(cells):
            nothing += 1
        elif len(cells) == width and not any(cells[named:]):
            batch.append(record)
        else:
            if staging.begins_another_table(cells):
                raise second_table_error(staging.name, record.row)
            problem = f"{len(cells)} field{'s' * (len(cells) != 1)} instead of {width}"
            broken.append((record.row, record.offset, record.length, problem))
        if len(batch) + len(broken) == BATCH_ROWS:
            _stage_batch(staging, batch, mapping)
            staging.unreadable(broken)
            batch, broken = [], []
    _stage_batch(staging, batch, mapping)
    staging.unreadable(broken)
    return nothing


def _stage_batch(staging: Staging, batch: list[Record], mapping: dict[str, int]) -> None:
    cells = {c: pl.Series([r.cells[at] for r in batch], dtype=pl.String) for c, at in mapping.items()}
    keys = {
        "source_row": [r.row for r in batch],
        "byte_offset": [r.offset for r in batch],
        "byte_length": [r.length for r in batch],
    }
    staging.frame(pl.DataFrame({**keys, **cells}))


def _fetched_records(
    survey: RecordIndex, numbers: Sequence[int], dialect: Dialect, mapping: dict[str, int]
) -> Iterator[Record]:
    """Records of a text that the engine has read, by their numbers."""
    for number, offset, text in survey.fetch(numbers):
        lines = list(io.StringIO(text, newline=""))
        cells = next(csv.reader(lines, **dialect.reader_options))  # type: ignore[arg-type]
        problem = MERGED_ROWS if _contains_rows(lines, dialect, mapping) else ""
        yield Record(number, offset, len(text.encode()), cells, problem)


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let the csv module take long fields: the limit is one of the whole process, and put back in the end."""
    before = csv.field_size_limit(MAX_FIELD_LENGTH)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _contains_rows(lines: list[str], dialect: Dialect, mapping: dict[str, int]) -> bool:
    """Whether two stray quotation marks made one row of several.

    Either each line has the fields of a row, and rows are wide enough for that to be no chance; or the
    first line reads as a row by itself, and so does another.
    """
    if len(lines) == 1:
        return False
    between = len(dialect.headers) - 1
    if between >= MIN_DELIMITERS and all(line.count(dialect.delimiter) >= between for line in lines):
        return True
    first, *others = (_reads_as_row(line, dialect, mapping) for line in lines)
    return first and any(others)


def _reads_as_row(line: str, dialect: Dialect, mapping: dict[str, int]) -> bool:
    """Whether a line has the fields of a row, with digits where a day and an amount should be."""
    cells = line.rstrip("\r\n").replace(dialect.quote, "").split(dialect.delimiter)
    if len(cells) != dialect.width:
        return False
    found = {column: cells[at].strip() for column, at in mapping.items()}
    day, loss = found.get("filed_on"), found.get("loss")
    dated = day is None or DAY_LIKE.search(day) is not None
    priced = loss is None or DIGIT.search(loss) is not None or (loss == "" and day is not None)
    return found.get("claim_id") != "" and (day, loss) != (None, None) and dated and priced


def csv_records(text: TextFile, dialect: Dialect, mapping: dict[str, int], name: str) -> Iterator[Record]:
    """Every row of a text, counted as a spreadsheet counts, with its place in bytes of UTF-8.

    A row whose quotation marks are wrong is one with a problem when it stays within its line.

    Raises:
        InputRefused: wrong quotation marks in a row of several lines: where it ends is anyone's guess.
    """
    taken: list[str] = []
    with text.path.open(encoding="utf-8-sig", newline="") as stream:
        quoting = QuotingCheck(text.path, text.begin, dialect.delimiter, dialect.quote, dialect.spaced)
        reader = csv.reader(_recorded_lines(stream, taken), **dialect.reader_options)  # type: ignore[arg-type]
        offset = text.begin
        for row in count(1):
            cells: list[str] = []
            problem = ""
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                problem = _quoting_problem(error, taken, dialect, name, row, offset)
            raw = "".join(taken)
            if _contains_rows(taken, dialect, mapping):
                problem = MERGED_ROWS
            problem = problem or quoting.problem(raw, cells)
            length = len(raw.encode())
            taken.clear()
            yield Record(row, offset, length, cells, problem)
            offset += length


def _recorded_lines(lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    """The lines, each remembered until its row is done."""
    for line in lines:
        taken.append(line)
        yield line


def _quoting_problem(
    error: csv.Error, lines: list[str], dialect: Dialect, name: str, row: int, offset: int
) -> str:
    """What is wrong with a row; refused when it may have swallowed others."""
    alone = len(lines) == 1 and (not dialect.quote or lines[0].count(dialect.quote) % 2 == 0)
    if alone:
        return str(error)
    raise InputRefused(
        f"opens a quotation mark that is not closed as it should, at byte {offset:,}",
        file=name,
        row=row,
        value=f"{len(lines)} lines",
        remedy='Close or double it, or read every mark as text: quote = "none" in a --columns page.',
    )
