"""Read complaint files into SQL tables: typed rows, rows as text, unreadable records, and the list of files.

Files, folders and patterns are expanded to a list of files in a stable order. Each file is opened by the
reader for its suffix and then typed; if DuckDB cannot read it, its rows are stored as text. The first line of
a text, the first row of a sheet and the first record of a Parquet file are row 1. This module rejects no row:
a record whose cells do not fit the header is stored as unreadable.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.readers.delimited import open_delimited
from outage_analysis.claims.readers.json_files import open_json
from outage_analysis.claims.readers.parquet import DATA_FRAME, open_parquet, saved_incident_id
from outage_analysis.claims.readers.source_file import (
    OPTIONAL_COLUMNS,
    ExpectedTable,
    FileFormat,
    SourceFile,
    required_columns,
)
from outage_analysis.claims.readers.typed_rows import (
    RowTyping,
    TypedRows,
    add_count_column,
    create_text_tables,
    store_all_texts,
    store_texts,
)
from outage_analysis.claims.readers.workbooks import open_workbook, sheets_with_columns
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.files import is_file
from outage_analysis.incidents import COUNT, Incident, Layout, layout_for
from outage_analysis.text import COMPRESSIONS, TextFile, as_utf8, masked_name

ZIP = ".zip"
"""The suffix of a zip archive. The name of the archive does not affect which of its files is read."""
JSON = (".json", ".jsonl", ".ndjson")
TEXTS = (".csv", ".tsv", ".txt", *JSON)
WORKBOOKS = (".xlsx", ".ods")
OLD_WORKBOOKS = (".xls", ".xlsb")
"""The suffixes of workbooks that are refused, also in a folder: skipping one could lose complaints."""
READABLE_SUFFIXES = (
    *TEXTS,
    *(text + packed for text in TEXTS for packed in COMPRESSIONS),
    ".parquet",
    *WORKBOOKS,
    ZIP,
)
"""Every suffix of a complaint file."""


@dataclass(frozen=True)
class InputFile:
    """An input file, or one sheet of a workbook: how it was read, and its size in `bytes`."""

    name: str
    sha256: str
    bytes: int
    encoding: str
    dialect: str
    sheet: str = ""


@dataclass
class InputFiles:
    """The input files of a run by their number."""

    inputs: list[InputFile] = field(default_factory=list)
    layouts: list[Layout] = field(default_factory=list)
    """The layout of each file: how its columns map to those of a claim."""
    texts: dict[int, TextFile] = field(default_factory=dict)
    """File number -> the decoded file, if it is a text file. Only its rejects have a byte offset."""
    typed: dict[int, TypedRows] = field(default_factory=dict)
    """File number -> its rows in `typed_rows`. All rows of the other files are stored as text."""
    unread: list[str] = field(default_factory=list)
    """Names of non-empty sheets that were not read."""

    @property
    def count_claims(self) -> bool:
        """Whether rows of some file stand for several claims."""
        return any(layout.counts_claims for layout in self.layouts)


def read_files(
    warehouse: Warehouse,
    paths: Sequence[Path],
    incident: Incident,
    workspace: Path,
    *,
    layouts: Sequence[Layout] = (),
) -> InputFiles:
    """Read and type the rows of files, in the given order, into `typed_rows`, `text_rows` and `unreadable`.

    `typed_rows` contains typed rows, `text_rows` the rows of files that DuckDB cannot read, as text, and
    `unreadable` those of their records that do not fit the header.

    Args:
        warehouse: the warehouse in which the tables are created.
        paths: files, each with a suffix of `READABLE_SUFFIXES`.
        incident: defines the columns and how files write them.
        workspace: a folder for decoded copies of files. It must exist as long as the result is used.
        layouts: layouts of files that differ from the incident's layout. The first layout whose pattern
            matches the file name is used.

    Raises:
        InputRefused: a file is missing, empty or not decodable, lacks a required column, or is given twice.
    """
    create_text_tables(warehouse, (*required_columns(incident), *OPTIONAL_COLUMNS, COUNT))
    files, typing = InputFiles(), RowTyping(warehouse, incident)
    for path in paths:
        suffix = _checked_suffix(path)
        saved = saved_incident_id(path)
        if saved not in (None, incident.id):
            raise InputRefused(f"holds claims of {saved}, not of {incident.id}", file=path.name)
        # Saved claims already have the column names of a claim, so no layout applies to them.
        layout = Layout() if saved else layout_for(path.name, layouts, incident)
        sheets = [layout]
        if layout.sheet == "*" and suffix in WORKBOOKS:
            table = ExpectedTable(len(files.inputs), path.name, layout, incident)
            sheets = [layout.model_copy(update={"sheet": x}) for x in sheets_with_columns(path, table)]
        for layout in sheets:
            number = len(files.inputs)
            name = masked_name(path.name if len(sheets) == 1 else f"{path.name} [{layout.sheet}]")
            if name in [f.name for f in files.inputs]:
                name = f"{name} ({number + 1})"
            table = ExpectedTable(number, name, layout, incident)
            with path.open("rb") as stream, ThreadPoolExecutor(1) as pool:
                hashed = pool.submit(hashlib.file_digest, stream, "sha256")
                file = open_file(table, path, suffix, warehouse, workspace)
                if typed := typing.type_rows(file):
                    files.typed[number] = typed
                else:
                    store_texts(warehouse, file)
                digest = hashed.result().hexdigest()
            if file.text is not None:
                files.texts[number] = file.text
            found = file.file_format
            for other in files.inputs:
                if (other.sha256, other.sheet) == (digest, found.sheet):
                    raise InputRefused(
                        f"has the same content as {other.name}", file=name, remedy="Give it once."
                    )
            size = path.stat().st_size
            files.inputs.append(InputFile(name, digest, size, found.encoding, found.dialect, found.sheet))
            files.layouts.append(layout)
        sheets_read = {found.sheet, *(one.sheet for one in sheets)}
        files.unread += [masked_name(f"{path.name} [{s}]") for s in found.sheets if s not in sheets_read]
    if files.count_claims:
        add_count_column(warehouse)  # no file may have been typed
    return files


def count_rows(warehouse: Warehouse, files: InputFiles, empty_rows: Mapping[int, int]) -> None:
    """Create the table `files` with one row per file: file_number, file, rows.

    The rows of a file are counted when it is read. So lost rows show when claims and rejects are counted.
    `empty_rows` maps file numbers to the number of rows without any text.
    """
    texts: dict[int, int] = dict(warehouse.frame(queries.load("text_row_counts")).iter_rows())
    rows = []
    for number, file in enumerate(files.inputs):
        typed = files.typed.get(number)
        count = texts.get(number, 0) if typed is None else typed.row_numbers.rows - empty_rows.get(number, 0)
        rows.append((number, file.name, count))
    schema = {"file_number": pl.Int64, "file": pl.String, "rows": pl.Int64}
    warehouse.load("files", pl.DataFrame(rows, schema=schema, orient="row"))


def open_file(
    table: ExpectedTable, path: Path, suffix: str, warehouse: Warehouse, workspace: Path
) -> SourceFile:
    """Open one file with the reader for its suffix."""
    if suffix == ".parquet":
        return open_parquet(table, path, warehouse)
    if suffix in WORKBOOKS:
        return open_workbook(table, path)
    if path.suffix.lower() == ZIP:
        path = extracted_member(path, workspace, table.file)
        suffix = path.suffix
    text = as_utf8(path, workspace, name=table.file, encoding=table.layout.encoding, one_line=suffix in JSON)
    return open_json(table, text) if suffix in JSON else open_delimited(table, text, warehouse)


def read_unmapped(
    warehouse: Warehouse, path: Path, incident: Incident, layout: Layout, workspace: Path
) -> tuple[FileFormat, str | None]:
    """Store every column of one file as text in the table `text_rows`, in columns c0, c1 and so on.

    Returns:
        How the file was read, with its headers; the unit that is stated above the header, or None.
    """
    suffix = _checked_suffix(path)
    bare = layout.model_copy(update={"constants": {}, "computed": {}})
    table = ExpectedTable(0, path.name, bare, incident, for_inspection=True)
    file = open_file(table, path, suffix, warehouse, workspace)
    create_text_tables(warehouse, file.columns)
    store_all_texts(warehouse, file)
    return file.file_format, table.unit


def reader_suffix(path: Path) -> str | None:
    """Return the suffix that determines the reader of a file; None if it is unknown.

    For a compressed file such as a.csv.gz this is the suffix before that of the compression.
    """
    if path.suffix.lower() == ZIP:
        return ZIP
    if path.name == DATA_FRAME:
        return ".parquet"
    packed = path.suffix.lower() in COMPRESSIONS
    suffix = (Path(path.stem) if packed else path).suffix.lower()
    return suffix if suffix in (TEXTS if packed else READABLE_SUFFIXES) else None


def _checked_suffix(path: Path) -> str:
    if not is_file(path):
        raise InputRefused("there is no such file", file=path)
    if path.suffix.lower() in OLD_WORKBOOKS:
        problem = f"is a workbook of a format that is not read ({path.suffix.lower()})"
        raise InputRefused(problem, file=path.name, remedy="Open it and save it as .xlsx.")
    suffix = reader_suffix(path)
    if suffix is None:
        raise InputRefused(
            "is of no known format", file=path.name, remedy="Known: " + ", ".join(READABLE_SUFFIXES)
        )
    try:
        with path.open("rb") as stream:
            if not stream.read(1):
                raise InputRefused("the file is empty", file=path.name)
    except OSError as error:
        raise InputRefused(f"cannot be read: {error.strerror}", file=path.name) from error
    return suffix


MAX_FILES = 10_000


def expand_paths(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the files that a list of files, folders and patterns stands for.

    A folder stands for the files directly in it; its subfolders are skipped. Hidden files and lock files of
    office programs are ignored.

    Returns:
        The files to read, and the skipped paths, whose format is not supported.

    Raises:
        InputRefused: a folder or pattern contains no readable file, or there are more than `MAX_FILES` files.
    """
    read: list[Path] = []
    skipped: list[Path] = []
    for path in paths:
        is_folder = os.path.isdir(path)  # noqa: PTH112 - false if the name is too long
        if is_file(path) or not (is_folder or glob.has_magic(str(path))):
            files = [path]  # If there is no such file, an error is raised later, when it is read.
        else:
            found: list[Path] = []
            with suppress(OSError, ValueError, RecursionError):  # the pattern cannot be looked up
                # A pattern may be absolute, which `Path.glob` refuses.
                found = sorted(path.iterdir() if is_folder else map(Path, glob.glob(str(path))))  # noqa: PTH207
            found = [f for f in found if not f.name.startswith((".", "~$"))]
            files = [
                f for f in found if is_file(f) and (reader_suffix(f) or f.suffix.lower() in OLD_WORKBOOKS)
            ]
            if not files:
                known = f"Known formats: {', '.join(READABLE_SUFFIXES)}."
                raise InputRefused("holds no file of complaints", file=path, remedy=known)
            skipped += [f for f in found if f not in files]
        read += files
        if len(read) > MAX_FILES:
            raise InputRefused(f"there are more than {MAX_FILES:,} files to read", file=path)
    return read, skipped


READ_ME = re.compile(r"read[ _-]*me|liesmich|licen[cs]e|읽어", re.IGNORECASE)
"""Pattern of the start of the name of a read-me or license file."""
MAX_EXPANSION, ALWAYS_EXPANDED, MAX_BYTES = 300, 1 << 24, 1 << 36
"""Limits of the extracted file: size relative to the archive, size that is always allowed, largest size."""
BLOCK = 1 << 20


def extracted_member(path: Path, workspace: Path, name: str) -> Path:
    """Extract the claims file of an archive into a folder, and return its path; the suffix stays the same.

    Read-me files, hidden files and files with other suffixes are ignored. The file's name in the archive is
    used only in messages, so that a path in it cannot lead out of the folder.

    Args:
        path: the archive.
        workspace: the folder.
        name: the name of the archive in messages.

    Raises:
        InputRefused: the archive does not contain exactly one claims file, is damaged, is protected by a
            password, or expands too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = []
            for member in archive.infolist():
                at = PurePosixPath(member.filename)
                is_hidden = at.name.startswith(".") or "__MACOSX" in at.parts
                if (
                    not (member.is_dir() or is_hidden or READ_ME.match(at.name))
                    and at.suffix.lower() in TEXTS
                ):
                    found.append(member)
            names = masked_name(", ".join(sorted(PurePosixPath(m.filename).name for m in found)))
            if len(found) != 1:
                raise InputRefused(
                    "holds several files of complaints" if found else "holds no file of complaints",
                    file=name,
                    value=names or None,
                    remedy="Unpack it, and give the files." if found else f"It may hold: {', '.join(TEXTS)}.",
                )
            if found[0].flag_bits & 1:
                problem = "is protected by a password"
                raise InputRefused(problem, file=name, value=names, remedy="Unpack it first.")
            limit = min(MAX_BYTES, max(ALWAYS_EXPANDED, path.stat().st_size * MAX_EXPANSION))
            suffix = PurePosixPath(found[0].filename).suffix.lower()
            target = workspace / f"{len([*workspace.iterdir()])}.extracted{suffix}"
            size = 0
            with archive.open(found[0]) as source, target.open("wb") as copy:
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
