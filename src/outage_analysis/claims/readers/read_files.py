"""Files of complaints -> rows: typed where first sight is enough, else as text, with its file and its row.

Row numbers are those a person counts: the first line of a text, the first row of a sheet and the first
record of a Parquet file are row 1. Nothing is rejected here; a record whose cells do not fit the header
is kept as unreadable.
"""

from __future__ import annotations

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
    create_fast_rows,
    create_text_tables,
    required_columns,
)
from outage_analysis.claims.readers.typed_rows import TypedRows
from outage_analysis.claims.readers.workbooks import read_workbook, sheets_with_columns
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.files import is_file
from outage_analysis.incidents import Incident, Layout, layout_for
from outage_analysis.text import COMPRESSIONS, TextFile, as_utf8, original_offsets, shown

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
"""Every suffix that is read."""


@dataclass(frozen=True)
class InputFile:
    """One file as it was read."""

    name: str
    sha256: str
    bytes: int
    encoding: str
    dialect: str
    sheet: str = ""


@dataclass(frozen=True)
class StagedFiles:
    """The files of a run and how each is laid out; `texts` are those whose bytes can be pointed at."""

    inputs: tuple[InputFile, ...] = ()
    layouts: tuple[Layout, ...] = ()
    texts: dict[int, TextFile] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    """Sheets that hold something and were not read."""
    steps: tuple[tuple[int, int], ...] = ()
    """Places in `fast_rows`, and what from there on makes the number of a row of its place."""


def stage_files(
    warehouse: Warehouse,
    paths: Sequence[Path],
    incident: Incident,
    workspace: Path,
    *,
    layouts: Sequence[Layout] = (),
    before: StagedFiles | None = None,
) -> StagedFiles:
    """Fill the tables `files`, `fast_rows`, `staged` and `unreadable` from the files, in order.

    Args:
        warehouse: where the tables go; `earlier` holds the claims of files that came before.
        paths: files, each with a suffix of READERS.
        incident: which columns there are, and how files bring them.
        workspace: a folder for copies; it must outlive the result.
        layouts: how the files of some senders differ; the first that fits a file's name is taken.
        before: files that came before, in the table `files`.

    Raises:
        InputRefused: a file that is missing, empty, not decodable, without a needed column, or given twice.
    """
    before = before or StagedFiles()
    wanted = required_columns(incident)
    create_text_tables(warehouse, (*wanted, *OPTIONAL_COLUMNS))
    create_fast_rows(warehouse, incident, {})
    run = _StagingRun(warehouse, incident, wanted, workspace, list(before.inputs), list(before.layouts))
    unread: list[str] = []
    for path in paths:
        suffix = _checked_suffix(path)
        kept = suffix == ".parquet" and was_saved_from_claims(path, incident)
        layout = Layout() if kept else layout_for(path.name, layouts, incident)
        sheets = [layout]
        if layout.sheet == "*" and suffix == ".xlsx":
            fitting = sheets_with_columns(path, run.staging(path.name, layout))
            sheets = [layout.model_copy(update={"sheet": sheet}) for sheet in fitting]
        shapes = [run.add(path, suffix, one, named=len(sheets) > 1) for one in sheets]
        read = {shape.sheet for shape in shapes}
        unread += [shown(f"{path.name} [{sheet}]") for sheet in shapes[0].sheets if sheet not in read]
    nothing = stage_uncertain_rows(warehouse, run.passed, [file.name for file in run.inputs], workspace)
    _append_files(warehouse, run, len(before.inputs), nothing)
    steps = sorted(step for passed in run.passed.values() for step in passed.steps())
    return StagedFiles(tuple(run.inputs), tuple(run.layouts), run.texts, tuple(unread), tuple(steps))


def _append_files(warehouse: Warehouse, run: _StagingRun, since: int, nothing: Mapping[int, int]) -> None:
    """Add to `files`: file_number, file, rows."""
    texts: dict[int, int] = dict(warehouse.frame(queries.load("staged_counts")).iter_rows())
    rows = []
    for number in range(since, len(run.inputs)):
        passed = run.passed.get(number)
        count = texts.get(number, 0) if passed is None else passed.rows - nothing.get(number, 0)
        rows.append((number, run.inputs[number].name, count))
    schema = {"file_number": pl.Int64, "file": pl.String, "rows": pl.Int64}
    warehouse.append_frame("files", pl.DataFrame(rows, schema=schema, orient="row"))


@dataclass
class _StagingRun:
    """The files of one run, as they are added."""

    warehouse: Warehouse
    incident: Incident
    required_columns: tuple[str, ...]
    workspace: Path
    inputs: list[InputFile]
    layouts: list[Layout]
    texts: dict[int, TextFile] = field(default_factory=dict)
    passed: dict[int, TypedRows] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def staging(self, name: str, layout: Layout) -> Staging:
        mapping = partial(layout.mapping, needed=self.required_columns, optional=OPTIONAL_COLUMNS, file=name)
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
            self.words,
        )

    def add(self, path: Path, suffix: str, layout: Layout, *, named: bool) -> FileFormat:
        """Stage one file, or one sheet of it, under a name of its own."""
        name = shown(f"{path.name} [{layout.sheet}]" if named else path.name)
        if name in [f.name for f in self.inputs]:
            name = f"{name} ({len(self.inputs) + 1})"
        with ThreadPoolExecutor(1) as beside:
            digesting = beside.submit(_sha256, path)
            shape = _read_file(self.staging(name, layout), path, suffix, self.texts)
            digest = digesting.result()
        if shape.passed is not None:
            self.passed[len(self.inputs)] = shape.passed
        for other in self.inputs:
            if (other.sha256, other.sheet) == (digest, shape.sheet):
                raise InputRefused(f"has the same content as {other.name}", file=name, remedy="Give it once.")
        size = path.stat().st_size
        self.inputs.append(InputFile(name, digest, size, shape.encoding, shape.dialect, shape.sheet))
        self.layouts.append(layout)
        return shape


def _read_file(staging: Staging, path: Path, suffix: str, texts: dict[int, TextFile]) -> FileFormat:
    """Stage one file by the reader of its suffix; a text joins `texts`."""
    if suffix in BINARY_READERS:
        return BINARY_READERS[suffix](staging, path)
    text = as_utf8(path, staging.workspace, name=staging.name, encoding=staging.layout.encoding)
    texts[staging.number] = text
    return TEXT_READERS[suffix](staging, text)


def read_unmapped(
    warehouse: Warehouse, path: Path, incident: Incident, layout: Layout, workspace: Path
) -> tuple[list[str], int | None, FileFormat, str | None]:
    """Stage every column of one file as c0, c1, and so on.

    Returns:
        The headers; the row of the header, None in a file without such a row; how the file was read; the
        unit that is written above the header.
    """
    headers: list[str] = []
    header_row: int | None = None

    def every(cells: Sequence[str], row: int | None) -> dict[str, int]:
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
        every,
        wanted,
        (*wanted, *OPTIONAL_COLUMNS),
        workspace,
        incident,
        {},
        of_any_type=True,
    )
    shape = _read_file(staging, path, suffix, {})
    return headers, header_row, shape, staging.unit


def reader_suffix(path: Path) -> str | None:
    """The suffix whose reader takes a file, without that of a compression; None when none does."""
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
    """Fill `located` with the text and the byte of each row that was rejected, where there are bytes.

    The offset is that of the file as it came, or of what a compressed file holds.
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
