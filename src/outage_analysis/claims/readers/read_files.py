"""Read complaint files into SQL tables: typed rows, rows as text, unreadable records, and the list of files.

Files, folders and patterns are expanded to a list of files in a stable order. The fast path types plain
rows; the other rows are stored as texts, with their file and row number. The first line of a text, the
first row of a sheet and the first record of a Parquet file are row 1. This module rejects no row: a
record whose cells do not fit the header is stored as unreadable.
"""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.readers.delimited import read_delimited
from outage_analysis.claims.readers.jsonlines import read_jsonlines
from outage_analysis.claims.readers.parquet import read_parquet, was_saved_from_claims
from outage_analysis.claims.readers.recheck import stage_uncertain_rows
from outage_analysis.claims.readers.staging import (
    OPTIONAL_COLUMNS,
    FileFormat,
    Staging,
    TypedRows,
    create_fast_rows,
    create_text_tables,
    required_columns,
)
from outage_analysis.claims.readers.workbooks import read_workbook, sheets_with_columns
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import is_file
from outage_analysis.incidents import Incident, Layout, layout_for
from outage_analysis.text import COMPRESSIONS, TextFile, as_utf8, masked_name, original_offsets

TEXT_READERS: dict[str, Callable[[Staging, TextFile], FileFormat]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".txt": read_delimited,
    ".jsonl": read_jsonlines,
    ".ndjson": read_jsonlines,
}
BINARY_READERS: dict[str, Callable[[Staging, Path], FileFormat]] = {
    ".parquet": read_parquet,
    ".xlsx": read_workbook,
}
READABLE_SUFFIXES = (
    *TEXT_READERS,
    *(text + packed for text in TEXT_READERS for packed in COMPRESSIONS),
    *BINARY_READERS,
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


@dataclass(frozen=True)
class StagedFiles:
    """The input files of a run, and the layout of each (how its columns map to those of a claim).

    `texts` maps the number of each text file to the decoded file. A reject has a byte offset only if it comes
    from a text file.
    """

    inputs: tuple[InputFile, ...] = ()
    layouts: tuple[Layout, ...] = ()
    texts: dict[int, TextFile] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    """Names of non-empty sheets that were not read."""
    row_shifts: tuple[tuple[int, int], ...] = ()
    """Pairs of a rowid of `fast_rows` and a shift. From this rowid on, row number = rowid + shift."""


def stage_files(
    warehouse: Warehouse,
    paths: Sequence[Path],
    incident: Incident,
    workspace: Path,
    *,
    layouts: Sequence[Layout] = (),
    before: StagedFiles | None = None,
) -> StagedFiles:
    """Read files in the given order into the tables `files`, `fast_rows`, `staged` and `unreadable`.

    `fast_rows` contains typed rows, `staged` rows as text, and `unreadable` records that do not fit the
    header.

    Args:
        warehouse: the warehouse that contains the tables. Its table `earlier` contains the claims of earlier
            files.
        paths: files, each with a suffix of `READABLE_SUFFIXES`.
        incident: defines the columns and how files write them.
        workspace: a folder for decoded copies of files. It must exist as long as the result is used.
        layouts: layouts of files that differ from the incident's layout. The first layout whose pattern
            matches the file name is used.
        before: the files of earlier runs, which the table `files` already lists.

    Raises:
        InputRefused: a file is missing, empty or not decodable, lacks a required column, or is given twice.
    """
    before = before or StagedFiles()
    wanted = required_columns(incident)
    create_text_tables(warehouse, (*wanted, *OPTIONAL_COLUMNS))
    create_fast_rows(warehouse, incident, {})
    run = _StagingRun(warehouse, incident, wanted, workspace, list(before.inputs), list(before.layouts))
    unread: list[str] = []
    for path in paths:
        suffix = _checked_suffix(path)
        saved_claims = suffix == ".parquet" and was_saved_from_claims(path, incident)
        layout = Layout() if saved_claims else layout_for(path.name, layouts, incident)
        sheets = [layout]
        if layout.sheet == "*" and suffix == ".xlsx":
            sheet_names = sheets_with_columns(path, run.staging(path.name, layout))
            sheets = [layout.model_copy(update={"sheet": sheet}) for sheet in sheet_names]
        formats = [run.add(path, suffix, one, with_sheet_name=len(sheets) > 1) for one in sheets]
        sheets_read = {file_format.sheet for file_format in formats}
        unread += [
            masked_name(f"{path.name} [{sheet}]") for sheet in formats[0].sheets if sheet not in sheets_read
        ]
    empty_rows = stage_uncertain_rows(
        warehouse, run.typed_rows, [file.name for file in run.inputs], workspace
    )
    _append_files(warehouse, run, len(before.inputs), empty_rows)
    row_shifts = sorted(step for rows in run.typed_rows.values() for step in rows.row_shifts())
    return StagedFiles(tuple(run.inputs), tuple(run.layouts), run.texts, tuple(unread), tuple(row_shifts))


def _append_files(warehouse: Warehouse, run: _StagingRun, since: int, empty_rows: Mapping[int, int]) -> None:
    """Append one row per new file to the table `files`: file_number, file, rows."""
    texts: dict[int, int] = dict(warehouse.frame(queries.load("staged_counts")).iter_rows())
    rows = []
    for number in range(since, len(run.inputs)):
        typed = run.typed_rows.get(number)
        count = texts.get(number, 0) if typed is None else typed.rows - empty_rows.get(number, 0)
        rows.append((number, run.inputs[number].name, count))
    schema = {"file_number": pl.Int64, "file": pl.String, "rows": pl.Int64}
    warehouse.append_frame("files", pl.DataFrame(rows, schema=schema, orient="row"))


@dataclass
class _StagingRun:
    """Reads the files of one run. `add` reads one file or one sheet."""

    warehouse: Warehouse
    incident: Incident
    required_columns: tuple[str, ...]
    workspace: Path
    inputs: list[InputFile]
    layouts: list[Layout]
    texts: dict[int, TextFile] = field(default_factory=dict)
    typed_rows: dict[int, TypedRows] = field(default_factory=dict)
    enum_values: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def staging(self, name: str, layout: Layout) -> Staging:
        """Return a `Staging` object, which stores the rows of the next file in SQL tables."""
        mapping = partial(
            layout.column_positions, needed=self.required_columns, optional=OPTIONAL_COLUMNS, file=name
        )
        known = (*self.required_columns, *OPTIONAL_COLUMNS)
        number = len(self.inputs)
        return Staging(
            self.warehouse,
            number,
            name,
            layout,
            mapping,
            self.required_columns,
            known,
            self.workspace,
            self.incident,
            self.enum_values,
        )

    def add(self, path: Path, suffix: str, layout: Layout, *, with_sheet_name: bool) -> FileFormat:
        """Read one file or one sheet, under a name that no other file of the run has."""
        name = masked_name(f"{path.name} [{layout.sheet}]" if with_sheet_name else path.name)
        if name in [f.name for f in self.inputs]:
            name = f"{name} ({len(self.inputs) + 1})"
        with ThreadPoolExecutor(1) as pool:
            digest_result = pool.submit(_sha256, path)
            file_format = _read_file(self.staging(name, layout), path, suffix, self.texts)
            digest = digest_result.result()
        if file_format.typed_rows is not None:
            self.typed_rows[len(self.inputs)] = file_format.typed_rows
        for other in self.inputs:
            if (other.sha256, other.sheet) == (digest, file_format.sheet):
                raise InputRefused(f"has the same content as {other.name}", file=name, remedy="Give it once.")
        size = path.stat().st_size
        self.inputs.append(
            InputFile(name, digest, size, file_format.encoding, file_format.dialect, file_format.sheet)
        )
        self.layouts.append(layout)
        return file_format


def _read_file(staging: Staging, path: Path, suffix: str, texts: dict[int, TextFile]) -> FileFormat:
    """Read one file with the reader for its suffix. If it is a text file, add it to `texts`."""
    if suffix in BINARY_READERS:
        return BINARY_READERS[suffix](staging, path)
    text = as_utf8(path, staging.workspace, name=staging.name, encoding=staging.layout.encoding)
    texts[staging.number] = text
    return TEXT_READERS[suffix](staging, text)


def read_unmapped(
    warehouse: Warehouse, path: Path, incident: Incident, layout: Layout, workspace: Path
) -> tuple[list[str], int | None, FileFormat, str | None]:
    """Read every column of one file as text, whatever its header; the columns are named c0, c1 and so on.

    Returns:
        The headers; the row number of the header, or None; how the file was read; the unit that is stated
        above the header, or None.
    """
    headers: list[str] = []
    header_row: int | None = None

    def all_columns(cells: Sequence[str], row: int | None) -> dict[str, int]:
        nonlocal header_row
        header_row = row
        headers.extend(cells)
        create_text_tables(warehouse, [f"c{at}" for at in range(len(cells))])
        return {f"c{at}": at for at in range(len(cells))}

    suffix = _checked_suffix(path)
    wanted = required_columns(incident)
    bare = layout.model_copy(update={"constants": {}})
    staging = Staging(
        warehouse,
        0,
        path.name,
        bare,
        all_columns,
        wanted,
        (*wanted, *OPTIONAL_COLUMNS),
        workspace,
        incident,
        {},
        for_inspection=True,
    )
    file_format = _read_file(staging, path, suffix, {})
    return headers, header_row, file_format, staging.unit


def reader_suffix(path: Path) -> str | None:
    """Return the suffix that determines the reader of a file; None if it is unknown.

    For a compressed file such as a.csv.gz this is the suffix before that of the compression.
    """
    packed = path.suffix.lower() in COMPRESSIONS
    suffix = (Path(path.stem) if packed else path).suffix.lower()
    return suffix if suffix in TEXT_READERS or (suffix in BINARY_READERS and not packed) else None


def _checked_suffix(path: Path) -> str:
    if not is_file(path):
        raise InputRefused("there is no such file", file=path)
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


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def locate_rejects(warehouse: Warehouse, staged: StagedFiles) -> None:
    """Fill the table `located` with the text and byte offset of rejected rows that come from text files.

    The byte offset refers to the original file, or to the decompressed content of a compressed file.
    """
    frames = [_rejects_in_text(warehouse, number, text) for number, text in staged.texts.items()]
    if frames:
        warehouse.append_frame("located", pl.concat(frames))


def _rejects_in_text(warehouse: Warehouse, number: int, text: TextFile) -> pl.DataFrame:
    broken = warehouse.frame(queries.load("broken_records"), number=number)
    rows = broken["source_row"].to_list()
    places = list(zip(broken["byte_offset"], broken["byte_length"], strict=True))
    raws = []
    with text.path.open("rb") as stream:
        for offset, length in places:
            stream.seek(offset)
            raws.append(stream.read(length).decode().rstrip("\r\n"))
    offsets = original_offsets(text, [offset for offset, _ in places])
    frame = pl.DataFrame(
        {"source_row": rows, "byte": offsets, "raw": raws}, schema_overrides={"raw": pl.String}
    )
    return frame.select(
        pl.lit(number, pl.Int64).alias("file_number"),
        pl.col("source_row", "byte").cast(pl.Int64),
        "raw",
    )


MAX_FILES = 10_000


def as_paths(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return one path or several paths as a list.

    Raises:
        UsageError: the value is neither a path nor a list of paths.
    """
    try:
        return [Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths)]
    except TypeError:
        remedy = 'Give a path, such as "complaints.csv", or a list of paths.'
        raise UsageError("is no file", value=str(paths), remedy=remedy) from None


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
        if is_file(path):
            candidates = [path]
        elif _is_folder(path):
            candidates = _readable_files(sorted(path.iterdir()), path, skipped)
        elif glob.has_magic(str(path)):
            candidates = _readable_files(_matching_paths(str(path)), path, skipped)
        else:
            candidates = [path]  # The path does not exist. An error is raised later, when the file is read.
        read += candidates
        if len(read) > MAX_FILES:
            raise InputRefused(f"there are more than {MAX_FILES:,} files to read", file=path)
    return read, skipped


def _matching_paths(pattern: str) -> list[Path]:
    try:
        return sorted(map(Path, glob.glob(pattern)))  # noqa: PTH207 - a pattern may be absolute
    except (OSError, ValueError, RecursionError):  # The pattern cannot be looked up, so it matches no file.
        return []


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # The name is too long for the operating system, so no such folder exists.
        return False


def _readable_files(candidates: list[Path], path: Path, skipped: list[Path]) -> list[Path]:
    files = [f for f in candidates if not f.name.startswith((".", "~$"))]
    fitting = [f for f in files if is_file(f) and reader_suffix(f)]
    if not fitting:
        raise InputRefused(
            "holds no file of complaints",
            file=path,
            remedy="Known formats: " + ", ".join(READABLE_SUFFIXES) + ".",
        )
    skipped += [f for f in files if f not in fitting]
    return fitting
