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
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.cell_values import (
    BLANKS,
    MANY_SHARE,
    SAME_COMPLAINT,
    FirstTexts,
    enum_type,
    fast_path_sql,
    states_times,
    values_for_enum,
)
from outage_analysis.claims.delimited import open_delimited
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.source_file import (
    OPTIONAL_COLUMNS,
    PLACES,
    EngineQuery,
    ExpectedTable,
    FileFormat,
    RowNumbers,
    SourceFile,
    required_columns,
)
from outage_analysis.claims.structured_files import (
    DATA_FRAME,
    open_json,
    open_parquet,
    open_workbook,
    saved_incident_id,
    sheets_with_columns,
)
from outage_analysis.claims.warehouse import NO_FRAMES, Frames, Warehouse
from outage_analysis.errors import REPORT_BUG, EnvironmentFailed, InputRefused
from outage_analysis.files import is_file
from outage_analysis.incidents import COUNT, FILED_AT, Incident, Layout, layout_for
from outage_analysis.text import COMPRESSIONS, TextFile, as_utf8, expanded_copy, masked_name, original_offsets

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
    files, enum_values = InputFiles(), dict[str, tuple[str, ...]]()
    _create_typed_rows(warehouse, incident, enum_values)
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
                if typed := _type_rows(warehouse, incident, file, enum_values):
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
    typed = {n: rows.row_numbers.rows - empty_rows.get(n, 0) for n, rows in files.typed.items()}
    counts = texts | typed
    rows = [(number, file.name, counts.get(number, 0)) for number, file in enumerate(files.inputs)]
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
                raise InputRefused(
                    "is protected by a password", file=name, value=names, remedy="Unpack it first."
                )
            suffix = PurePosixPath(found[0].filename).suffix.lower()
            target = workspace / f"{len([*workspace.iterdir()])}.extracted{suffix}"
            with archive.open(found[0]) as source:
                return expanded_copy(iter(partial(source.read, BLOCK), b""), path, target, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise InputRefused(
            "is damaged, or no zip archive that can be read", file=name, value=error
        ) from error


@dataclass(frozen=True)
class TypedRows:
    """The rows of one file in the table `typed_rows`."""

    file: SourceFile
    place: int
    """The rowid of the first row of the file in the table. The other rows follow in the order of the file."""
    row_numbers: RowNumbers
    times: bool = False
    """Whether the first rows of the file contain times of filing other than midnight."""

    @property
    def shift(self) -> int:
        """The number that must be added to a rowid of the table to get the row number in the file."""
        return self.file.first_row - self.place


def shift_sql(file_number: str, typed: Mapping[int, TypedRows]) -> str:
    """Return SQL for the `shift` of a row in `typed_rows`, given SQL for the number of its file."""
    if not typed:
        return "0"
    shifts = (str(typed[n].shift if n in typed else 0) for n in range(max(typed) + 1))
    return f"([{', '.join(shifts)}])[{file_number} + 1]"


def _type_rows(
    warehouse: Warehouse, incident: Incident, file: SourceFile, enum_values: dict[str, tuple[str, ...]]
) -> TypedRows | None:
    """Append the typed rows of a file to the table `typed_rows`.

    Returns None, and appends nothing, if the file must be read as text. `enum_values` are the values of each
    dimension with few distinct ones, which the table stores as an enum; they are changed here.
    """
    table, source = file.table, file.engine
    if source is None or (table.numbers_rows and "claim_id" not in source.cells):
        return None  # DuckDB does not number the rows, so an id cannot contain the number.
    texts = source.first_texts.items()
    first_texts = defaultdict(Counter, {column: Counter(cells) for column, cells in texts})
    _choose_enum_values(warehouse, incident, first_texts, enum_values)
    constants = {c: f"nullif({sql}, '')" for c, sql in table.constants_sql.items()}
    cells = constants | dict(source.cells) | table.computed_sql(source.cells)
    times = states_times(first_texts, cells)
    if times or FILED_AT in cells:
        warehouse.run(f"alter table typed_rows add column if not exists {FILED_AT} {MOMENT}")
    if COUNT in cells:
        add_count_column(warehouse)
    query = fast_path_sql(
        incident,
        table.layout,
        cells,
        first_texts,
        enum_values=enum_values,
        surplus=source.surplus,
        source=source.source,
        file=table.number,
    )
    added = read_by_engine(warehouse, "typed_rows", query, file, source)
    return None if added is None else TypedRows(file, *added, times)


def _choose_enum_values(
    warehouse: Warehouse, incident: Incident, first_texts: FirstTexts, enum_values: dict[str, tuple[str, ...]]
) -> None:
    if not warehouse.count("typed_rows"):
        names = (d.id for d in incident.dimensions if d.kind == "text")
        enum_values |= {c: values for c in names if (values := values_for_enum(first_texts[c]))}
        _create_typed_rows(warehouse, incident, enum_values)
    for column, known in [*enum_values.items()]:
        texts = first_texts[column]
        if sum(n for text, n in texts.items() if text and text not in known) > texts.total() * MANY_SHARE:
            del enum_values[column]
            warehouse.run(f"alter table typed_rows alter {quote_identifier(column)} type varchar")


def _create_typed_rows(
    warehouse: Warehouse, incident: Incident, enum_values: Mapping[str, Sequence[str]]
) -> None:
    """Create the empty table. Services, claimant types and some dimensions are stored as SQL enums.

    The column `filed_at` is added only when a file with times of filing is read.
    """
    kinds = column_types(incident) | {"synthetic": "boolean"}
    ids = {column: [item.id for item in items] for column, items in incident.named_items.items()}
    kinds |= {column: enum_type(known) for column, known in (ids | {**enum_values}).items() if known}
    columns = ", ".join(f"{quote_identifier(c)} {kind}" for c, kind in kinds.items() if c != FILED_AT)
    warehouse.run(f"create or replace table typed_rows (file_number usmallint, {columns}, ok boolean)")


def add_count_column(warehouse: Warehouse) -> None:
    """Add the column for the number of claims of a row to `typed_rows`, unless it is there."""
    warehouse.run(f"alter table typed_rows add column if not exists {COUNT} integer")


MOMENT = "timestamp with time zone"
"""SQL type of `filed_at`, as DuckDB writes it in the definition of a table."""


def column_types(incident: Incident) -> dict[str, str]:
    """Return the columns of a claim with their SQL types."""
    texts = ("claim_id", "claimant_id", "service", "claimant_type")
    kinds = dict.fromkeys(texts, "varchar") | {"filed_on": "date", FILED_AT: MOMENT, "loss": "bigint"}
    return kinds | {d.id: "bigint" if d.is_number else "varchar" for d in incident.dimensions}


RECORD_COLUMNS = dict.fromkeys(("file_number", *PLACES), pl.Int64)


def create_text_tables(warehouse: Warehouse, columns: Iterable[str]) -> None:
    """Create the empty tables `text_rows` (with these columns of text) and `unreadable`."""
    warehouse.load("text_rows", pl.DataFrame(schema={**RECORD_COLUMNS, **dict.fromkeys(columns, pl.String)}))
    warehouse.load("unreadable", pl.DataFrame(schema={**RECORD_COLUMNS, "problem": pl.String}))


def store_texts(warehouse: Warehouse, file: SourceFile, rows: pl.Series | None = None) -> int:
    """Append rows of a file to `text_rows`, and records that do not fit the header to `unreadable`.

    Args:
        warehouse: the warehouse with both tables.
        file: the file.
        rows: the numbers of the wanted rows, which must increase; None for all rows.

    Returns:
        The number of rows without any text. They are left out.

    Raises:
        InputRefused: the file is damaged, contains a second table, or a quotation mark may merge rows.
    """
    number, empty = file.table.number, 0
    removed, added = file.table.added_columns(file.columns)
    for part in file.texts(rows):
        query = queries.load("text_rows", file=str(number), source=part.query, removed=removed, added=added)
        try:
            warehouse.append("text_rows", query, inputs=part.inputs, **part.values)
        except InputRefused as error:
            raise InputRefused("is damaged", file=file.table.file, value=error.problem) from error
        if part.unreadable:
            records = pl.DataFrame(part.unreadable, schema=[*PLACES, "problem"], orient="row")
            records = records.with_columns(file_number=number)
            warehouse.append("unreadable", "from records", inputs={"records": records})
        empty += part.empty
    return empty


def store_all_texts(warehouse: Warehouse, file: SourceFile) -> None:
    """Store every row of an inspected file as text: with DuckDB if possible, which is faster.

    Raises:
        InputRefused: see `store_texts`.
    """
    source, added = file.engine, None
    if source is not None:
        query = queries.load(
            "numbered_texts",
            file=str(file.table.number),
            before=str(file.first_row - 1),
            cells=queries.listed_sql(source.cells),
            source=source.source,
        )
        added = read_by_engine(warehouse, "text_rows", query, file, source)
    if added is None:
        store_texts(warehouse, file)
        return
    _, numbers = added
    is_empty = " and ".join(f"{quote_identifier(c)} is null" for c in file.columns)
    uneven = pl.Series("number", numbers.uneven, pl.Int64)
    is_uneven = "source_row in (select number from uneven_rows)"
    warehouse.delete("text_rows", f"({is_empty}) or {is_uneven}", inputs={"uneven_rows": uneven.to_frame()})
    store_texts(warehouse, file, uneven)


def reject_texts(warehouse: Warehouse, texts: dict[int, TextFile]) -> pl.DataFrame:
    """Read the rejected rows of text files again.

    Args:
        warehouse: the warehouse with the tables `checked_rows` and `unreadable`.
        texts: file number -> the decoded text file.

    Returns:
        One row per rejected row: file_number, source_row, its text `raw`, and its offset `byte` in the
        original file, or in the decompressed content of a compressed file.
    """
    schema = {"file_number": pl.Int64, "source_row": pl.Int64, "byte": pl.Int64, "raw": pl.String}
    rows: list[tuple[int, int, int, str]] = []
    for number, text in texts.items():
        rejected = warehouse.frame(queries.load("rejected_records"), number=number)
        places = original_offsets(text, rejected["byte_offset"].to_list())
        with text.path.open("rb") as stream:
            for (row, offset, length), place in zip(rejected.iter_rows(), places, strict=True):
                stream.seek(offset)
                raw = stream.read(length).decode().rstrip("\r\n")
                rows.append((number, row, place, raw.replace("\0", "\N{REPLACEMENT CHARACTER}")))
    return pl.DataFrame(rows, schema=schema, orient="row")


HASHED_ROWS = 50_000_000
"""About the most ids whose hashes are in memory at a time."""
PROBED_FROM_ROWS, PROBES = 122_880, 16
"""Rows above which DuckDB may read a file in parallel, and how many of these rows are checked for order."""
ID_IS_REPEATED = f"hash({SAME_COMPLAINT}) in (select id from repeated_ids)"  # noqa: S608 - a constant


def recheck_rows(warehouse: Warehouse, typed: Mapping[int, TypedRows]) -> dict[int, int]:
    """Store the texts of the doubtful rows of `typed_rows` in `text_rows`, and mark these rows as not ok.

    A row is doubtful if `ok` is false, if its fields do not fit the header, or if its claim id occurs more
    than once: validation needs the texts to decide which row is the first and whether the others are exact
    copies. Of a large file, a few more rows are rechecked, to verify the order of the rows.

    Args:
        warehouse: the warehouse with the tables `typed_rows` and `text_rows`.
        typed: file number -> the rows of the file in `typed_rows`.

    Returns:
        File number -> the number of empty rows of this file, which do not count as rows.

    Raises:
        EnvironmentFailed: DuckDB changed the order of the rows, so that rowids do not match row numbers.
    """
    probes: list[int] = []
    for rows in typed.values():
        probes += [number - rows.shift for number in rows.row_numbers.uneven]
        if rows.row_numbers.rows > PROBED_FROM_ROWS:
            last = rows.row_numbers.rows - 1
            probes += [rows.place + at * last // (PROBES - 1) for at in range(PROBES)]
    parts = (warehouse.count("typed_rows") + warehouse.count("text_rows")) // HASHED_ROWS + 1
    found = []
    for part in range(parts):
        query = queries.load("ids", key=SAME_COMPLAINT, part=f"{parts} = {part}")
        hashes = warehouse.frame(query, blanks=BLANKS)["id"].sort()
        found.append(hashes.filter(hashes == hashes.shift()))
    repeated = pl.concat(found).unique().to_frame()
    inputs = {"repeated_ids": repeated, "probes": pl.DataFrame({"place": probes}, schema={"place": pl.Int64})}
    doubts = ["not ok", "rowid in (select place from probes)", *([ID_IS_REPEATED] if len(repeated) else [])]
    doubtful, empty_rows = _reread(warehouse, typed, " or ".join(doubts), inputs)
    if doubtful.is_empty():
        return {}
    query = queries.load("corrected_ids", key=SAME_COMPLAINT, shift=shift_sql("rechecked.file_number", typed))
    others = warehouse.frame(query, inputs={"rechecked": doubtful}, blanks=BLANKS)
    for number, row in others.filter("plain").select("file_number", "source_row").iter_rows():
        problem = "has rows that came in another order"
        raise EnvironmentFailed(problem, file=typed[number].file.table.file, row=row, remedy=REPORT_BUG)
    corrected = others.select(pl.col("id").drop_nulls().unique())
    if len(corrected):
        # No row is empty, so the count is ignored.
        _reread(warehouse, typed, f"ok and {ID_IS_REPEATED}", {"repeated_ids": corrected})
    return empty_rows


def _reread(
    warehouse: Warehouse, typed: Mapping[int, TypedRows], condition: str, inputs: Frames
) -> tuple[pl.DataFrame, dict[int, int]]:
    """Mark rows as not ok and store their texts; return these rows, and the number of empty ones per file."""
    doubtful = warehouse.frame(queries.load("doubtful_rows", doubtful=condition), inputs=inputs)
    if doubtful.is_empty():
        return doubtful, {}
    judged_again = "update typed_rows set ok = false where ok and rowid in (select place from doubtful)"
    warehouse.run(judged_again, inputs={"doubtful": doubtful})
    numbers = {n: doubtful.filter(file_number=n)["place"] + rows.shift for n, rows in typed.items()}
    return doubtful, {n: store_texts(warehouse, typed[n].file, x) for n, x in numbers.items() if len(x)}


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
    """

    def append(**changed: object) -> tuple[int, int] | None:
        try:
            warehouse.append(target, query, inputs=NO_FRAMES, **{**source.values, **changed})
        except InputRefused:
            return None
        row_range = warehouse.frame(queries.load("row_range", table=target), number=file.table.number)
        return row_range["place"].item(), row_range["rows"].item()

    with ThreadPoolExecutor(1) as pool:
        counted = pool.submit(file.row_numbers)
        added = append()
        numbers = counted.result()
    if added is None and numbers is not None and numbers.several_lines:
        added = append(parallel=False)
    if added is None or numbers is None or added[1] != numbers.rows:
        warehouse.delete(target, f"file_number = {file.table.number}")
        return None
    return added[0], numbers
