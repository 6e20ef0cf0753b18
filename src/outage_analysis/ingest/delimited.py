"""CSV and its like -> staged rows.

Two readers, one result: a plain file (nothing quoted, no blank line, lines that end in one way) is
read by the engine, where a row is a line; any other by the csv module, row by row. What the engine
finds wrong in a plain file goes to the csv module too, so that a reject is told in one way. A row without
any text is none: spreadsheets leave such rows behind.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import polars as pl

from outage_analysis import queries
from outage_analysis.decoding import TextFile
from outage_analysis.errors import InputRefused
from outage_analysis.ingest.dialects import Dialect, decide, reader_options
from outage_analysis.ingest.staging import BATCH, Shape, Staging, another_table
from outage_analysis.queries import as_path

BLOCK = 1 << 20
LONGEST_FIELD = 2_000_000
"""Characters of one field; the engine reads no longer line."""
FEWEST_BETWEEN = 3
"""Delimiters of a row so narrow that any line of text may have as many."""


def read_delimited(staging: Staging, text: TextFile) -> Shape:
    """Stage a delimited text.

    Raises:
        InputRefused: a missing column; a quotation mark that swallows rows; a second table.
    """
    dialect = decide(text.path, staging)
    mapping = staging.mapping(dialect.headers, dialect.header_row or None)
    as_wide = dialect.width == len(dialect.headers)
    by_engine = text.is_plain(dialect.quote) and dialect.header_row > 0 and as_wide
    if not (by_engine and _read_by_engine(staging, text, dialect, mapping)):
        _read_by_row(staging, text, dialect, mapping)
    return Shape(text.encoding, str(dialect))


def _read_by_engine(staging: Staging, text: TextFile, dialect: Dialect, mapping: dict[str, int]) -> bool:
    """Whether the engine read every line as a row of the header's width; else nothing is staged."""
    warehouse = staging.warehouse
    # The engine reads with names of our own: a header may hold anything, even twice.
    names = [f"c{i}" for i in range(len(dialect.headers))]
    try:
        staging.select(
            f"from ({queries.bind('staged')}) where coalesce({', '.join(names)}) is not null",
            {**{c: names[at] for c, at in mapping.items()}, "source_row": f"position + {dialect.header_row}"},
            path=as_path(text.path),
            delimiter=dialect.delimiter,
            skip=dialect.header_row - 1,
            columns=dict.fromkeys(names, "VARCHAR"),
        )
    except InputRefused:
        whole = False
    else:
        whole = not warehouse.frame("select count(*) as n from reject_errors")["n"].item()
        # The engine forgives a delimiter at the end of a row; counting tells.
        whole = whole and _is_even(staging, text.path, dialect)
    warehouse.forget_rejects()
    if not whole:
        warehouse.delete("staged", staging.number)
    return whole


def _is_even(staging: Staging, path: Path, dialect: Dialect) -> bool:
    """Whether each line became a row, and the lines have as many delimiters as such rows have together."""
    delimiter, lines, delimiters, last = dialect.delimiter.encode(), 0, 0, b"\n"
    with path.open("rb") as stream:
        for _ in range(dialect.header_row - 1):
            stream.readline()
        while block := stream.read(BLOCK):
            lines += block.count(b"\n")
            delimiters += block.count(delimiter)
            last = block[-1:]
    lines += last != b"\n"
    # A line that is too long for the engine vanishes, and those below it move up.
    lowest = staging.warehouse.frame(
        "select coalesce(max(source_row), $header) as row from staged where file_number = $number",
        number=staging.number,
        header=dialect.header_row,
    )["row"].item()
    as_many = lowest == dialect.header_row - 1 + lines
    return bool(as_many and delimiters == lines * (len(dialect.headers) - 1))


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it stands in the text; `problem` says why its cells cannot be told."""

    row: int
    offset: int
    length: int
    cells: list[str]
    problem: str = ""


def _read_by_row(staging: Staging, text: TextFile, dialect: Dialect, mapping: dict[str, int]) -> None:
    width, named = dialect.width, len(dialect.headers)
    batch: list[Record] = []
    broken: list[tuple[int, int, int, str]] = []
    for record in records(text, dialect, staging.name):
        if record.row <= dialect.header_row:
            continue
        cells = record.cells
        if record.problem:
            broken.append((record.row, record.offset, record.length, record.problem))
        elif len(cells) == width and not any(cells[named:]):
            batch.append(record)
        elif any(cells):
            if staging.begins_another_table(cells):
                raise another_table(staging.name, record.row)
            problem = f"{len(cells)} field{'s' * (len(cells) != 1)} instead of {width}"
            broken.append((record.row, record.offset, record.length, problem))
        if len(batch) + len(broken) == BATCH:
            _stage(staging, batch, broken, mapping)
            batch, broken = [], []
    _stage(staging, batch, broken, mapping)


def _holds_rows(lines: list[str], dialect: Dialect) -> bool:
    """Whether two stray quotation marks made one row of several: each line has the fields of a row."""
    between = len(dialect.headers) - 1
    several = len(lines) > 1 and between >= FEWEST_BETWEEN
    return several and all(line.count(dialect.delimiter) >= between for line in lines)


def _stage(
    staging: Staging,
    batch: list[Record],
    broken: list[tuple[int, int, int, str]],
    mapping: dict[str, int],
) -> None:
    batch = [record for record in batch if any(record.cells)]
    cells = {c: pl.Series([r.cells[at] for r in batch], dtype=pl.String) for c, at in mapping.items()}
    keys = {
        "source_row": [r.row for r in batch],
        "byte_offset": [r.offset for r in batch],
        "byte_length": [r.length for r in batch],
    }
    staging.frame(pl.DataFrame({**keys, **cells}))
    staging.unreadable(broken)


def records(text: TextFile, dialect: Dialect, name: str) -> Iterator[Record]:
    """Every row of a text, counted as a spreadsheet counts, with its place in bytes of UTF-8.

    A row whose quotation marks are wrong is one with a problem when it stays within its line.

    Raises:
        InputRefused: wrong quotation marks in a row of several lines: where it ends is anyone's guess.
    """
    taken: list[str] = []
    before = csv.field_size_limit(LONGEST_FIELD)  # of the whole process: put back in the end
    try:
        with text.path.open(encoding="utf-8-sig", newline="") as stream:
            options = reader_options(dialect.delimiter, dialect.quote)
            reader = csv.reader(_kept(stream, taken), **options)  # type: ignore[arg-type]
            offset = 3 if text.encoding == "utf-8-sig" else 0
            for row in count(1):
                cells: list[str] = []
                problem = ""
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    problem = _problem(error, taken, dialect, name, row, offset)
                if _holds_rows(taken, dialect):
                    problem = "quotation marks hold whole rows together"
                length = len("".join(taken).encode())
                taken.clear()
                yield Record(row, offset, length, cells, problem)
                offset += length
    finally:
        csv.field_size_limit(before)


def _kept(lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    """The lines, each remembered until its row is done."""
    for line in lines:
        taken.append(line)
        yield line


def _problem(error: csv.Error, lines: list[str], dialect: Dialect, name: str, row: int, offset: int) -> str:
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


def line_places(path: Path, rows: list[int]) -> list[tuple[int, int]]:
    """Offset and length in bytes of these lines of a plain text, counted from 1, in rising order."""
    places, at, wanted = [], 0, iter(rows)
    row = next(wanted, None)
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if row is None:
                break
            if number == row:
                places.append((at, len(line)))
                row = next(wanted, None)
            at += len(line)
    return places
