"""What every reader offers for an opened file, and how DuckDB reads the rows of such a file.

A reader opens a file and returns a `SourceFile`. Opening finds the columns and stores no row. The steps after
it (`typed_rows`, `text_rows`, `recheck`) know files only by this interface, so a new file format is one more
subclass.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import ClassVar

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.readers.expected_table import ExpectedTable
from outage_analysis.claims.readers.record_index import Numbers
from outage_analysis.claims.warehouse import NO_FRAMES, Frames, Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.text import Note, TextFile, masked_name

BATCH_ROWS = 10_000
"""Most rows that a Python reader holds in memory at a time."""
UnreadableRecord = tuple[int, int, int, str]
"""Row number, byte offset, byte length, and why the record cannot be split into the cells of its header."""


def header_note(row: int) -> Note:
    """Return in words in which row the header is; 0 if there is none."""
    return Note("header_row", row=str(row)) if row else Note("no_header")


@dataclass(frozen=True)
class FileFormat:
    """How a file was read: its encoding and its dialect (delimiter, quotation mark, header row) as text."""

    encoding: str
    dialect: str
    headers: tuple[str, ...]
    header_row: int | None = None
    """The number of the row with the headers; None if the file has no such row."""
    escape: str = ""
    """The escape character of a delimited file; "" if quotation marks are doubled instead."""
    sheet: str = ""
    """The name of the workbook sheet that was read."""
    sheets: tuple[str, ...] = ()
    """The names of all non-empty sheets of the workbook."""


@dataclass(frozen=True)
class EngineQuery:
    """How DuckDB reads the rows of one file."""

    source: str
    """The SQL to insert after `from`. It returns the rows in the order of the file."""
    cells: Mapping[str, str]
    """Column -> SQL for the text of the cell."""
    first_texts: Mapping[str, Iterable[str]]
    """Column -> cell texts of the first rows, which show how the file writes its values."""
    values: Mapping[str, object]
    """The parameters of the query."""
    first_row: int = 1
    """The row number of the first row in the file."""
    surplus: Sequence[str] = ()
    """Columns of the source without a header, which should be empty."""


@dataclass(frozen=True)
class RowNumbers:
    """The numbers of the rows below the header of a file, counted without DuckDB."""

    first: int
    """The row number of the first row."""
    rows: int
    """The number of rows."""
    uneven: Sequence[int] = ()
    """The row numbers of rows whose fields do not fit the header."""
    several_lines: bool = False
    """Whether some row has several lines. Then DuckDB may be unable to read the file in parallel."""


@dataclass(frozen=True)
class RowTexts:
    """Some rows of a file as text.

    `query` returns source_row, the columns and, for a text file, byte_offset and byte_length. `inputs` are
    the frames that the query reads: rows that a reader has in memory are the frame `read_texts`. `values` are
    the parameters of the query.
    """

    inputs: Frames
    query: str = "from read_texts"
    values: Mapping[str, object] = field(default_factory=dict)
    unreadable: Sequence[UnreadableRecord] = ()
    """Records among these rows that cannot be split into the cells of the header."""
    empty: int = 0
    """The number of rows without any text, which are left out."""


PLACES = ("source_row", "byte_offset", "byte_length")


def row_texts(
    columns: Iterable[str],
    rows: Iterable[Sequence[object]],
    unreadable: Sequence[UnreadableRecord],
    empty: int = 0,
) -> RowTexts:
    """Return rows of a text file that a reader has in memory: the `PLACES` of each, and its columns."""
    schema = {**dict.fromkeys(PLACES, pl.Int64), **dict.fromkeys(columns, pl.String)}
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    return RowTexts({"read_texts": frame}, unreadable=unreadable, empty=empty)


@dataclass(frozen=True, kw_only=True)
class SourceFile(ABC):
    """One opened file, or one sheet of a workbook."""

    table: ExpectedTable
    """The table that the file should contain."""
    columns: Sequence[str]
    """The columns that the header names."""
    file_format: FileFormat
    text: TextFile | None = None
    """The decoded file; None if the file is not a text file, so that its rows have no byte offsets."""
    engine_problem: ClassVar[str] = ""
    """The error to report if DuckDB cannot read the file; "" if another way to read it exists."""

    def row_numbers(self) -> RowNumbers | None:
        """Count the rows without DuckDB; None if DuckDB may find other row boundaries than `texts`."""
        return None

    @abstractmethod
    def texts(self, rows: Sequence[int] | Numbers | None) -> Iterator[RowTexts]:
        """Read rows as text: the rows with these increasing numbers, or all rows below the header."""


OpenedFile = tuple[SourceFile, EngineQuery | None]
"""A file, and how DuckDB reads all its rows; None if the file must be read by its `texts`."""


def read_by_engine(
    warehouse: Warehouse, target: str, query: str, file: SourceFile, source: EngineQuery
) -> tuple[int, RowNumbers] | None:
    """Append all rows of a file to a table with DuckDB, while Python counts the rows.

    Args:
        warehouse: the warehouse that contains the table.
        target: the name of the table, which has a column `file_number`.
        query: the SQL of the rows to append. It reads `source`.
        file: the file.
        source: how DuckDB reads the file.

    Returns:
        The DuckDB rowid of the first row in the table, and the row numbers. None if DuckDB cannot read the
        file or may split it into rows differently from the reader; then the table has no row of this file.

    Raises:
        InputRefused: DuckDB cannot read the file, and no other way to read it exists (`engine_problem`).
    """
    with ThreadPoolExecutor(1) as pool:
        counted = pool.submit(file.row_numbers)
        added = _append(warehouse, target, query, file, source.values)
        numbers = counted.result()
    if added is None and numbers is not None and numbers.several_lines:
        added = _append(warehouse, target, query, file, {**source.values, "parallel": False})
    if added is None or numbers is None or added[1] != numbers.rows:
        warehouse.delete(target, f"file_number = {file.table.number}")
        return None
    return added[0], numbers


def _append(
    warehouse: Warehouse, target: str, query: str, file: SourceFile, values: Mapping[str, object]
) -> tuple[int, int] | None:
    """Append the rows of a query to a table, and return the first rowid and the number of rows there."""
    try:
        warehouse.append(target, query, inputs=NO_FRAMES, **values)
    except InputRefused as error:
        raise_engine_problem(file, error)
        return None
    place, rows = warehouse.frame(queries.load("row_range", table=target), number=file.table.number).row(0)
    return place, rows


def raise_engine_problem(file: SourceFile, error: InputRefused) -> None:
    """Raise an error that names the file if DuckDB cannot read it and no other way to read it exists."""
    if file.engine_problem:
        raise InputRefused(file.engine_problem, file=file.table.file, value=error.problem) from error


ZIP = ".zip"
"""The suffix of a zip archive. The name of the archive does not affect which of its files is read."""
READ_ME = re.compile(r"read[ _-]*me|liesmich|licen[cs]e|읽어", re.IGNORECASE)
"""Pattern of the start of the name of a read-me or license file."""
MAX_EXPANSION, ALWAYS_EXPANDED, MAX_BYTES = 300, 1 << 24, 1 << 36
"""Limits of the extracted file: size relative to the archive, size that is always allowed, largest size."""
BLOCK = 1 << 20


def extracted_member(path: Path, workspace: Path, name: str, *, suffixes: Sequence[str]) -> Path:
    """Extract the claims file of an archive into a folder, and return its path; the suffix stays the same.

    Read-me files, hidden files and files with other suffixes are ignored. The file's name in the archive is
    used only in messages, so that a path in it cannot lead out of the folder.

    Args:
        path: the archive.
        workspace: the folder.
        name: the name of the archive in messages.
        suffixes: the suffixes of claims files.

    Raises:
        InputRefused: the archive does not contain exactly one claims file, is damaged, is protected by a
            password, or expands too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = _complaints(archive, name, suffixes)
            limit = min(MAX_BYTES, max(ALWAYS_EXPANDED, path.stat().st_size * MAX_EXPANSION))
            suffix = PurePosixPath(member.filename).suffix.lower()
            target = workspace / f"{len([*workspace.iterdir()])}.extracted{suffix}"
            size = 0
            with archive.open(member) as source, target.open("wb") as copy:
                while text := source.read(BLOCK):
                    size += copy.write(text)
                    if size > limit:
                        raise InputRefused(
                            f"grows to more than {limit:,} bytes when decompressed",
                            file=name,
                            remedy="Decompress it yourself, if you trust it.",
                        )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise InputRefused(
            "is damaged, or no zip archive that can be read", file=name, value=error
        ) from error
    return target


def _complaints(archive: zipfile.ZipFile, name: str, suffixes: Sequence[str]) -> zipfile.ZipInfo:
    found = []
    for member in archive.infolist():
        at = PurePosixPath(member.filename)
        is_hidden = at.name.startswith(".") or "__MACOSX" in at.parts
        if not (member.is_dir() or is_hidden or READ_ME.match(at.name)) and at.suffix.lower() in suffixes:
            found.append(member)
    names = masked_name(", ".join(sorted(PurePosixPath(m.filename).name for m in found)))
    if len(found) != 1:
        raise InputRefused(
            "holds several files of complaints" if found else "holds no file of complaints",
            file=name,
            value=names or None,
            remedy="Unpack it, and give the files." if found else f"It may hold: {', '.join(suffixes)}.",
        )
    if found[0].flag_bits & 1:
        raise InputRefused("is protected by a password", file=name, value=names, remedy="Unpack it first.")
    return found[0]
