"""Read files whose format separates the cells: JSON, Parquet and workbooks. A data frame is read as Parquet.

JSON files have one object per line, an array of objects, or an object with such an array; the keys of the
objects are the column headers. Python's json module reads each object by itself, so that a damaged object
does not affect the others. Parquet files are read with DuckDB, and their first record is row 1. The row
numbers of workbooks are those that a spreadsheet program displays.
"""

from __future__ import annotations

import html
import json
import logging
import re
import sys
import zipfile
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NoReturn
from xml.etree import ElementTree as ET
from xml.parsers import expat

import numpy as np
import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.delimited import PREVIEW_ROWS, Numbers
from outage_analysis.claims.queries import escaped_path
from outage_analysis.claims.source_file import (
    HEADER_SEARCH_ROWS,
    MIN_HEADER_COLUMNS,
    PLACES,
    EngineQuery,
    ExpectedTable,
    FileFormat,
    RowNumbers,
    RowTexts,
    SourceFile,
    TextRecord,
    batches,
    header_note,
)
from outage_analysis.claims.warehouse import ArrowFrame, ArrowStream, Warehouse, limits
from outage_analysis.errors import EnvironmentFailed, InputRefused, UsageError, one_line
from outage_analysis.files import temporary_folder
from outage_analysis.incidents import FORMAT_UNIT_PATTERN
from outage_analysis.text import THOUSANDTHS, Note, TextFile, masked_name

MAX_ARRAY_BYTES = 1 << 30
"""Largest size in bytes of a file with an array, which is read into memory at once, unlike JSON lines."""
LONGEST_LINE = 1 << 25
"""A longer first line is the array itself: no line is read whose cells need so many characters."""
NESTED = "a value is a list or an object"
SPACE = re.compile(r"[ \t\r\n]*+")
ROWS = re.compile(r":[ \t\r\n]*+\[[ \t\r\n]*+(?=\{)")
"""Pattern of the beginning of an array of objects behind its key."""
NEXT_OBJECT = re.compile(r"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
"""Pattern of the characters between two objects, where reading resumes after a damaged object."""
VALUES = json.JSONDecoder(parse_int=str, parse_float=str)
"""Reads any value, and keeps numbers as they are written."""
JsonRecord = tuple[int, int, int, str]
"""Row number, byte offset and byte length of a line or an array element, and its text."""


def open_json(table: ExpectedTable, text: TextFile) -> SourceFile:
    """Open a JSON file and find its columns among the keys of its objects.

    Raises:
        InputRefused: a required column is not a key of any object; or the file has no lines of objects, and
            does not contain exactly one array of objects, or is too large.
    """
    headers, places = dict[str, object](), array("q")
    for row, at, length, record in _lines(text) if _has_lines(text.path) else _elements(text, table.file):
        places.extend((row, at, length))
        value = _parse(record)
        if isinstance(value, dict):
            headers |= value
    columns = table.column_positions([*headers], None)
    all_places, keys = np.array(places).reshape(-1, len(PLACES)), [[*headers][at] for at in columns.values()]

    def texts(rows: pl.Series | None) -> Iterator[RowTexts]:
        chosen = all_places if rows is None else all_places[np.isin(all_places[:, 0], rows)]
        # In an inspected file every key is a column, even one that no claim needs.
        return batches(columns, _json_records(text.path, chosen, keys, flat=not table.for_inspection))

    found = FileFormat(text.encoding, Note("object_per_line"), tuple(headers))
    return SourceFile(table=table, columns=columns, file_format=found, text=text, texts=texts)


def _json_records(path: Path, places: Numbers, keys: Sequence[str], *, flat: bool) -> Iterator[TextRecord]:
    """Yield rows. A line or an array element that is not a flat JSON object is unreadable."""
    with path.open("rb") as stream:
        for row, at, length in map(np.ndarray.tolist, places):
            stream.seek(at)
            value = _parse(stream.read(length).decode().strip())
            if isinstance(value, str):
                yield row, at, length, None, value
                continue
            cells = [*map(_cell_text, map(value.get, keys))]
            nested = flat and any(cell is NESTED for cell in cells)
            yield row, at, length, cells, f"no flat JSON object: {NESTED}" if nested else ""


def _has_lines(path: Path) -> bool:
    """Return whether a file has an object per line, and is not one array or object itself."""
    first = "\n"
    with path.open(encoding="utf-8-sig") as stream:
        while first and not first.strip():
            first = stream.readline(LONGEST_LINE + 1)
        if not first.lstrip().startswith(("[", "{")):
            return True
        if first.lstrip().startswith("[") or len(first) > LONGEST_LINE:
            return False
        if any(line.startswith("{") and line.rstrip().endswith("}") for line in stream):
            return first.rstrip() != "{"
    return first.rstrip().endswith("}") and not ROWS.search(first)


def _lines(text: TextFile) -> Iterator[JsonRecord]:
    at = text.text_start
    with text.path.open("rb") as stream:
        stream.seek(at)
        for row, raw in enumerate(stream, start=1):
            line = raw.decode().strip()
            if line:
                yield row, at, len(raw), line
            at += len(raw)


def _elements(text: TextFile, name: str) -> Iterator[JsonRecord]:
    """Yield the elements of the only array of objects in a file."""
    if text.path.stat().st_size > MAX_ARRAY_BYTES:
        problem = f"is a JSON array of more than {MAX_ARRAY_BYTES:,} bytes"
        raise InputRefused(problem, file=name, remedy="Write one object per line.")
    content = text.path.read_bytes()[text.text_start :].decode()
    start, offset, done = _after_space(content, 0), text.text_start, 0
    is_array = content[start] == "["
    start = start + 1 if is_array else _array_in_object(content, name)
    for row, (begin, end) in enumerate(_spans(content, start), start=1):
        element = content[begin:end]
        length = len(element.encode())
        offset += len(content[done:begin].encode())
        yield row, offset, length, element
        offset, done = offset + length, end
    if is_array and content[done:].partition("]")[2].strip():
        raise InputRefused("has text below its JSON array", file=name, remedy="Write one object per line.")


def _array_in_object(content: str, name: str) -> int:
    """Return the offset behind the opening bracket of the only array of objects in an object."""
    rows = ROWS.search(content)
    end = max(end for _, end in _spans(content, rows.end())) if rows else 0
    if rows is None or ROWS.search(content, end):
        problem = "holds several arrays of objects" if rows else "holds no array of objects"
        raise InputRefused(problem, file=name, remedy="Write one object per line.")
    return rows.end()


def _spans(content: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end offset of each array element; a damaged one ends before the next object."""
    while (at := _after_space(content, at)) < len(content) and content[at] != "]":
        try:
            _, end = VALUES.raw_decode(content, at)
            after = _after_space(content, end)
            whole = content[after : after + 1] in (",", "]")
        except (ValueError, RecursionError):
            whole = False
        if not whole:
            resumed = NEXT_OBJECT.search(content, at)
            end = resumed.start() + 1 if resumed else len(content)
            after = content.find(",", end) if resumed else end
        yield at, end
        at = after + 1 if content[after : after + 1] == "," else after


def _after_space(content: str, at: int) -> int:
    return SPACE.match(content, at).end()  # type: ignore[union-attr]


def _parse(text: str) -> dict[str, object] | str:
    """Return an object by its keys, or what is wrong with the text."""
    try:
        value = OBJECTS.decode(text)
        if not isinstance(value, dict):
            return "no JSON object"
        if "\\u" in text:  # Half of a surrogate pair, which is written so, cannot be encoded.
            "".join(x for item in value.items() for x in item if isinstance(x, str)).encode()
    except UnicodeEncodeError:
        return "half a character"
    except RecursionError:
        return "no flat JSON object: nested too deeply"
    except ValueError as error:
        return f"no flat JSON object: {error}"
    return value


def _cell_text(value: object) -> str | None:
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return NESTED  # A list or an object. Numbers are texts, see `OBJECTS`.


def _check_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key is given twice")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


OBJECTS = json.JSONDecoder(
    object_pairs_hook=_check_unique_keys, parse_int=str, parse_float=str, parse_constant=_refuse_constant
)
"""Reads objects as `VALUES` does, but refuses a key that is given twice, and NaN."""


def _text_sql(column: str, cell: str, kind: pl.DataType) -> str:
    # Numbers with three decimals get a fourth decimal, because the text 1.500 could also mean 1500.
    text = f"cast({cell} as varchar)"
    if kind in (pl.String, pl.Categorical, pl.Enum):
        return f"nullif({text}, '')"
    if kind in (pl.Float32, pl.Float64) and column in ("claim_id", "claimant_id"):
        return f"regexp_replace({text}, '[.]0$', '')"
    if kind in (pl.Float32, pl.Float64):
        return f"case when {text}[-4] = '.' then {text} || '0' else {text} end"
    return f"{text} || '0'" if isinstance(kind, pl.Decimal) and kind.scale == THOUSANDTHS else text


PLAIN_TYPES = (
    *(pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date, pl.Datetime, pl.Null),
    *(pl.Decimal, pl.Float32, pl.Float64, pl.Int8, pl.Int16, pl.Int32, pl.Int64),
    *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
)
"""Supported column types, with one plain value per cell. Int128 is missing: DuckDB reads it as bytes."""


INCIDENT_KEY = "outage_analysis.incident"
"""The metadata key under which `save_claims` writes the incident's id into a Parquet file."""


def saved_incident_id(path: Path) -> str | None:
    """Return the id of the incident whose claims a Parquet file has; None for any other file."""
    if path.suffix.lower() != ".parquet":
        return None
    try:
        return pl.read_parquet_metadata(path).get(INCIDENT_KEY)
    except (OSError, pl.exceptions.PolarsError):
        return None  # `open_parquet` later raises an error for a file that is not Parquet.


def open_parquet(table: ExpectedTable, path: Path, warehouse: Warehouse) -> SourceFile:
    """Open a Parquet file and find its columns.

    Numbers and days are converted to text, and are then parsed like the cells of a text file.

    Raises:
        InputRefused: the file is not a Parquet file, or a column contains lists or records.
    """
    try:
        # The file is opened here because Polars would read * and ? in a path as wildcards.
        with path.open("rb") as stream:
            schema = pl.read_parquet_schema(stream)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputRefused("is not a Parquet file", file=table.file) from error
    headers, kinds = tuple(schema), [*schema.values()]
    columns, cells = table.column_positions(headers, None), {}
    for column, at in columns.items():
        kind = kinds[at]
        if isinstance(kind, pl.BaseExtension) and kind.ext_storage() == pl.String:
            kind = pl.String()  # of another program, such as ADBC's type for the numbers of PostgreSQL
        # A time of day counts as plain only in a column that is joined to a date, such as "filed_on 2".
        plain = (*PLAIN_TYPES, pl.Time) if column.startswith(("filed_on ", "filed_at ")) else PLAIN_TYPES
        if not (table.for_inspection or isinstance(kind, plain)):
            raise InputRefused(
                "holds neither text nor numbers nor days",
                file=table.file,
                column=headers[at],
                value=kind,
                remedy="Store it as text, a number or a date.",
            )
        # Columns are named after their positions, because DuckDB does not tell "Service" from "service".
        cells[column] = _text_sql(column, f"c{at}", kind)
    if not headers:
        raise InputRefused("has no columns", file=table.file)
    numbered = ", ".join(f"c{at}" for at in range(len(headers)))
    named, place = queries.listed_sql(cells).removeprefix(","), escaped_path(path)

    def texts_query(chosen: str) -> str:
        return queries.load("parquet_texts", texts=named, columns=numbered, chosen=chosen)

    def texts(rows: pl.Series | None) -> Iterator[RowTexts]:
        inputs, chosen = {}, ""
        if rows is not None:
            inputs["wanted_rows"] = rows.to_frame("number")
            chosen = "where source_row in (select number from wanted_rows)"
        yield RowTexts(inputs, texts_query(chosen), {"path": place})

    def row_numbers() -> RowNumbers:
        return RowNumbers(warehouse.frame("from parquet_file_metadata($path)", path=place)["num_rows"].item())

    engine = None
    if not table.for_inspection:  # The rows of an inspected file are read by `texts`.
        try:
            first = warehouse.frame(texts_query(f"limit {PREVIEW_ROWS}"), path=place)
        except InputRefused as error:
            raise InputRefused("is damaged", file=table.file, value=error.problem) from error
        first_texts = {c: first[c].drop_nulls().to_list() for c in cells}
        query = f"(from read_parquet($path, hive_partitioning = false) as file({numbered}))"
        engine = EngineQuery(query, cells, first_texts, {"path": place})
    return SourceFile(
        table=table,
        columns=columns,
        file_format=FileFormat(path.suffix.lower()[1:] or DATA_FRAME, "", headers),
        texts=texts,
        row_numbers=row_numbers,
        engine=engine,
    )


DATA_FRAME = "data frame"
"""The name of the file that a data frame is written to, and its name in messages and tables."""
CAST = "Leave out such columns, or cast them to text, numbers or dates."
DataFrame = ArrowFrame | pl.LazyFrame
Sources = str | Path | Sequence[str | Path] | DataFrame
"""Complaint files, or one data frame."""


def polars_frame(frame: object) -> pl.DataFrame:
    """Return a data frame of any library as a Polars frame.

    Raises:
        UsageError: it is no data frame, pyarrow is missing, or Polars cannot read a column.
    """
    if not isinstance(frame, DataFrame):
        known = "Give a Polars, pandas or pyarrow frame, or a DuckDB relation."
        raise UsageError("is no data frame", value=type(frame).__name__, remedy=known)
    if isinstance(frame, pl.DataFrame):
        return frame
    pandas = sys.modules.get("pandas")
    for name, column in frame.items() if pandas and isinstance(frame, pandas.DataFrame) else ():
        # pyarrow turns a time with a zone among times without one, or among dates, into another one.
        kinds = {type(value) for value in column.dropna()} if column.dtype == object else set()
        if len(kinds) > 1 or any(issubclass(kind, datetime) for kind in kinds):
            found = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise UsageError("is a column of Python objects", column=name, value=found, remedy=CAST)
    with _own_errors(frame):
        return frame.collect() if isinstance(frame, pl.LazyFrame) else pl.DataFrame(ArrowStream(frame))


@contextmanager
def _own_errors(frame: DataFrame) -> Iterator[None]:
    try:
        yield
    except ImportError:
        problem = f"a {DATA_FRAME} of {type(frame).__module__.partition('.')[0]} is read by pyarrow"
        raise UsageError(
            f"{problem}, which is not installed", remedy="Install it: pip install pyarrow."
        ) from None
    # Each library raises its own errors, and Polars raises a PanicException for some types.
    except (Exception, pl.exceptions.PanicException) as error:
        if "underlying IO error" in str(error):  # so Polars calls a full disk
            raise EnvironmentFailed(
                f"no disk space is left for the {DATA_FRAME}: {one_line(error)}",
                remedy="Free disk space, or name another folder in TMPDIR.",
            ) from error
        raise UsageError(
            f"the {DATA_FRAME} cannot be read: {one_line(error)}",
            remedy="" if isinstance(frame, pl.LazyFrame) else CAST,
        ) from error


@contextmanager
def source_paths(sources: Sources) -> Iterator[list[Path]]:
    """Provide the paths of complaint files. A data frame is a Parquet file inside the `with` block.

    Raises:
        UsageError: the value is neither a path nor a list of paths nor a data frame that Polars reads.
        EnvironmentFailed: the disk is full.
    """
    if not isinstance(sources, DataFrame):
        try:
            paths = [Path(path) for path in ([sources] if isinstance(sources, str | Path) else sources)]
        except TypeError:
            remedy = 'Give a path, such as "complaints.csv", a list of paths, or a data frame.'
            raise UsageError("is no file", value=str(sources), remedy=remedy) from None
        yield paths
        return
    rows = sources if isinstance(sources, pl.LazyFrame) else polars_frame(sources).lazy()
    with temporary_folder(limits.get().folder) as folder:
        with _own_errors(sources):
            rows.sink_parquet(folder / DATA_FRAME, compression="lz4")
        yield [folder / DATA_FRAME]


MAX_BYTES, MAX_EXPANSION = 1 << 31, 300
"""Limits for a workbook: its decompressed size in bytes, and this size relative to the size of the file."""
BROKEN = (ET.ParseError, expat.ExpatError, zlib.error, zipfile.BadZipFile)
"""Exceptions raised for a damaged workbook."""
OLE = b"\xd0\xcf\x11\xe0"
"""The first bytes of a workbook that is in the format before 2007 or has a password."""


def open_workbook(table: ExpectedTable, path: Path) -> SourceFile:
    """Open one sheet of a workbook and find its columns.

    The layout (TOML file that maps columns) may name the sheet. By default the sheet whose header names the
    most columns of a claim is read.

    Raises:
        InputRefused: the file is not a workbook, the sheet is missing, or several sheets have equally good
            headers.
    """
    details, sheets = _details(path, table.file), _sheets(path, table.file)
    sheet = _chosen_sheet(sheets, table)
    frame = sheets[sheet]
    rows = frame.head(HEADER_SEARCH_ROWS).fill_null("").rows()
    place = table.header_position(rows)
    table.check_above_header(rows, place)
    if place >= len(rows):
        raise InputRefused("has no row at the place of the header", file=table.file, row=place + 1)
    headers = (
        [cell.strip() for cell in rows[place]] if place >= 0 else [str(n + 1) for n in range(frame.width)]
    )
    columns = table.column_positions(headers, place + 1 or None)
    if sheet not in details:
        raise InputRefused("cannot be read as a workbook", file=table.file, value=sheet)
    frame = _with_hidden_values(frame, details[sheet], table, place + 1, columns)
    body = frame.with_row_index("source_row", offset=1).slice(place + 1)
    filled = body.filter(pl.any_horizontal(pl.col(frame.columns).is_not_null()))
    cells = {column: pl.col(frame.columns[position]) for column, position in columns.items()}
    filled = filled.select(pl.col("source_row").cast(pl.Int64), **cells)
    kind, note = (
        path.suffix.lower()[1:],
        Note("sheet", name=masked_name(sheet), header=header_note(place + 1)),
    )
    found = FileFormat(kind, note, tuple(headers), place + 1 or None, sheet=sheet, sheets=tuple(sheets))

    def texts(rows: pl.Series | None) -> Iterator[RowTexts]:
        chosen = filled if rows is None else filled.filter(pl.col("source_row").is_in([*rows]))
        yield RowTexts({"read_texts": chosen})

    return SourceFile(table=table, columns=columns, file_format=found, texts=texts)


def sheets_with_columns(path: Path, table: ExpectedTable) -> list[str]:
    """Return the names of the sheets with a known header, which `sheet = "*"` in a layout (TOML) selects.

    Raises:
        InputRefused: the file is not a workbook, or no sheet has a header.
    """
    _details(path, table.file)
    sheets = _sheets(path, table.file)
    matches = [s for s, frame in sheets.items() if _most_named_columns(frame, table) >= MIN_HEADER_COLUMNS]
    if not matches:
        names = masked_name(", ".join(sheets))
        raise InputRefused("has the columns on no sheet", file=table.file, value=names)
    return matches


_Details = tuple[list[tuple[int, int, str]], list[tuple[int, int, int, int]], list[str]]
"""What a sheet hides from the spreadsheet reader. Rows count from 1, columns from 0.

- Row, column and text of each cell with an error, or with a formula but no value.
- First row, last row, first column and last column of each block of merged cells.
- Number formats of the workbook that display a number with a unit, such as 30 as 30만원.
"""


def _details(path: Path, name: str) -> dict[str, _Details]:
    """Return what each sheet hides, after checking that reading the workbook does not need too much memory.

    Raises:
        InputRefused: the file is not a workbook, or too large.
    """
    suffix, sheets = path.suffix.lower(), list[tuple[str, _XlsxSheet]]()
    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())
            if size > MAX_BYTES or size > max(MAX_EXPANSION * path.stat().st_size, 1 << 26):
                raise InputRefused(f"would expand to {size:,} bytes", file=name, remedy="Save it as CSV.")
            if suffix == ".ods":
                return _ods_details(parts)
            for sheet, member in _members(parts):
                with parts.open(member) as stream:
                    sheets.append((sheet, _XlsxSheet(stream)))
            styles = parts.read("xl/styles.xml") if "xl/styles.xml" in parts.namelist() else b""
            formats = [html.unescape((a or b).decode()) for a, b in FORMAT.findall(styles)]
    except (*BROKEN, OSError, KeyError, ValueError, NotImplementedError, RuntimeError) as error:
        with path.open("rb") as stream:
            head = stream.read(4)
        what = {OLE: "is an old or a protected workbook", b"<": "is a web page under the name of a workbook"}
        problem = what.get(head, what.get(head[:1], f"is not an Excel workbook ({suffix})"))
        remedy = "Open it and save it as .xlsx, without a password."
        raise InputRefused(problem, file=name, value=error, remedy=remedy) from error
    total = sum(cells.rows * cells.columns for _, cells in sheets)
    filled = sum(cells.filled for _, cells in sheets)
    beyond = [x for x in sheets if x[1].rows > LAST_ROW or x[1].columns > LAST_COLUMN]
    far = bool(beyond) or (total > SPARSE_FROM_CELLS and total > MAX_EMPTY_RATIO * filled)
    if far or total > MAX_CELLS:
        largest, cells = max(beyond or sheets, key=lambda x: x[1].rows * x[1].columns)
        problem, value = f"has more than {MAX_CELLS:,} cells, most of them", f"{total:,}"
        remedy = "Save its sheets as CSV."
        if far:
            problem, value = (
                "has a cell far away from the others,",
                f"row {cells.rows:,}, column {cells.columns:,}",
            )
            remedy = "Delete the rows and columns between."
        problem += f" on the sheet {masked_name(largest)}"
        raise InputRefused(problem, file=name, value=value, remedy=remedy)
    units = [text for text in formats if FORMAT_UNIT_PATTERN.search(text)]
    return {sheet: (cells.unread, cells.merged, units) for sheet, cells in sheets}


def _sheets(path: Path, name: str) -> dict[str, pl.DataFrame]:
    """Return the non-empty sheets: name -> frame of cell texts.

    The first row of a frame is row 1 of the sheet. The frame names each column by its position in the sheet,
    because the first used column need not be column A.
    """
    import fastexcel

    # The library `calamine` logs a warning for each sheet that is a chart. Users need not see it.
    logging.getLogger("calamine").setLevel(logging.ERROR)
    frames = {}
    try:
        book = fastexcel.read_excel(path)
        for sheet in book.sheet_names:
            try:
                loaded = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
            except (fastexcel.SheetNotFoundError, fastexcel.InvalidParametersError, fastexcel.CalamineError):
                continue  # The sheet is a chart or empty, so it has no rows.
            places = {c.name: str(c.absolute_index) for c in loaded.available_columns()}
            frames[sheet] = loaded.to_polars().rename(places, strict=False)
        return {s: f.with_columns(pl.all().replace("", None)) for s, f in frames.items() if len(f)}
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputRefused("cannot be read as a workbook", file=name, value=first) from error


def _chosen_sheet(sheets: dict[str, pl.DataFrame], table: ExpectedTable) -> str:
    if table.layout.sheet is not None:
        if table.layout.sheet not in sheets:
            raise InputRefused(
                "has no such sheet, or nothing on it",
                file=table.file,
                value=table.layout.sheet,
                remedy="It has: " + masked_name(", ".join(sheets)),
            )
        return table.layout.sheet
    if not sheets:
        raise InputRefused("has no cell on any sheet", file=table.file)
    named_columns = {name: _most_named_columns(frame, table) for name, frame in sheets.items()}
    most = max(named_columns.values())
    matches = [name for name, count in named_columns.items() if count == most]
    if len(matches) > 1 and most:
        raise InputRefused(
            "has the columns on several sheets",
            file=table.file,
            value=masked_name(", ".join(matches)),
            remedy=f'Name one in a layout, sheet = "{masked_name(matches[0])}", or all: sheet = "*".',
        )
    return matches[0]


def _most_named_columns(frame: pl.DataFrame, table: ExpectedTable) -> int:
    """Return how many columns of a claim the best candidate for the header row of a sheet names."""
    rows = frame.head(HEADER_SEARCH_ROWS).fill_null("").iter_rows()
    return max(len(table.layout.header_positions(row, table.columns)) for row in rows)


def _with_hidden_values(
    frame: pl.DataFrame, details: _Details, table: ExpectedTable, header: int, mapping: dict[str, int]
) -> pl.DataFrame:
    hidden, merged, units = details
    if units:
        table.take_unit(units[0], "shows numbers in another unit than its cells hold")
    used = {int(frame.columns[position]) for position in mapping.values()}
    for top, bottom, left, right in merged:
        if bottom > max(top, header) and used & set(range(left, right + 1)):
            raise InputRefused(
                "has merged cells among its rows, and only the first cell of each holds the value",
                file=table.file,
                row=max(top, header + 1),
                remedy="Undo the merging and fill each cell.",
            )
    for row, position, value in hidden:
        column = str(position)
        if column in frame.columns and row <= len(frame):
            is_row = pl.int_range(pl.len()) == row - 1
            frame = frame.with_columns(pl.when(is_row).then(pl.lit(value)).otherwise(column).alias(column))
    return frame


LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
"""The largest row and column number that a sheet can have."""
SPARSE_FROM_CELLS, MAX_EMPTY_RATIO = 20_000_000, 20
"""A workbook with more cells than `SPARSE_FROM_CELLS` is refused if fewer than 1 in 20 cells are filled."""
MAX_CELLS = 50_000_000
"""A workbook with more cells, filled or empty, is refused. The spreadsheet reader needs 32 bytes per cell."""
REFERENCE = re.compile(r"([A-Za-z]{0,7})(\d{0,10})")
"""Pattern of the place of a cell or a row: letters of the column, and number of the row."""
MERGED = re.compile(r"([A-Z]+)(\d+):([A-Z]+)(\d+)")
FORMAT = re.compile(rb"""formatCode\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class _XlsxSheet:
    """The cells of one sheet of an .xlsx workbook, as its XML states them.

    They are counted because the <dimension> tag may be wrong. A cell without a reference is next to the
    previous cell, and a row without a number follows the previous row.
    """

    def __init__(self, part: IO[bytes]) -> None:
        self.rows = self.columns = self.filled = 0
        self.unread: list[tuple[int, int, str]] = []
        self.merged: list[tuple[int, int, int, int]] = []
        self._row = self._line = self._column = 0
        self._tag, self._kind, self._texts = "", "", defaultdict[str, str](str)
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.ParseFile(part)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._tag = tag.rpartition(":")[2]
        if self._tag in ("v", "is"):
            self.filled += 1
            return
        if self._tag in ("row", "c"):
            letters, number = REFERENCE.match(attributes.get("r", "")).groups()  # type: ignore[union-attr]
        if self._tag == "c":
            self._kind, self._line = attributes.get("t", ""), int(number or self._row)
            self._column = 1 + (_column_index(letters) if letters else self._column)
            self.rows, self.columns = max(self.rows, self._line), max(self.columns, self._column)
        elif self._tag == "row":
            self._row, self._column = int(number or self._row + 1), 0
        elif self._tag == "mergeCell" and (place := MERGED.fullmatch(attributes.get("ref", ""))):
            left, top, right, low = place.groups()
            self.merged.append((int(top), int(low), _column_index(left), _column_index(right)))
        if self._tag == "f" or (self._tag == "c" and self._kind == "e"):
            # Other cells are passed over, which is twice as fast.
            self._parser.CharacterDataHandler, self._parser.EndElementHandler = self._add_text, self._end

    def _add_text(self, text: str) -> None:
        self._texts[self._tag] += text

    def _end(self, tag: str) -> None:
        if tag.rpartition(":")[2] == "c":
            value, formula = self._texts["v"].strip(), self._texts["f"].strip()
            if self._kind == "e" or (not value and self._kind != "str"):
                text = (value or "#ERROR!") if self._kind == "e" else f"={formula}"
                self.unread.append((self._line, self._column - 1, text))
            if len(self.unread) > LAST_ROW:
                raise ValueError(f"more than {LAST_ROW:,} cells of a sheet have no value")
            self._texts.clear()
            self._parser.CharacterDataHandler = self._parser.EndElementHandler = None


def _members(parts: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Return the name of each sheet, and that of the file in the workbook archive that contains it."""
    book = ET.fromstring(parts.read("xl/workbook.xml"))  # noqa: S314 - no entity is resolved
    links = ET.fromstring(parts.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {link.get("Id", ""): link.get("Target", "") for link in links}
    sheets = [element for element in book.iter() if element.tag.rpartition("}")[2] == "sheet"]
    # A sheet may have several ids. All are followed, because the spreadsheet reader may load any of them.
    places = [
        (sheet.get("name", ""), targets.get(id_, ""))
        for sheet in sheets
        for key, id_ in sheet.attrib.items()
        if key.rpartition("}")[2] == "id"
    ]
    return [(s, place.lstrip("/") if place.startswith("/") else f"xl/{place}") for s, place in places]


@lru_cache(LAST_COLUMN)
def _column_index(letters: str) -> int:
    """Convert the letters of a column to its position, counted from 0: B is 1."""
    place = 0
    for letter in letters.upper():
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


ERROR_TEXT = re.compile(r"#[A-Z][A-Z0-9/!?]*|Err:\d+")
NUMBER_TEXT = re.compile(r"<number:text>([^<]*)</number:text>")
UNIT_TEXT = re.compile(r"\s*[십백천만억]+\s*원?")


def _ods_details(parts: zipfile.ZipFile) -> dict[str, _Details]:
    units = list[str]()
    for part in sorted({"content.xml", "styles.xml"} & {*parts.namelist()}):
        texts = NUMBER_TEXT.findall(parts.read(part).decode())
        units.extend(text for text in texts if UNIT_TEXT.fullmatch(text))
    details = dict[str, _Details]()
    for sheet, row, column, cell in _ods_cells(parts):
        cells, merged, _ = details.setdefault(sheet, ([], [], units))
        text = "".join(cell.itertext()).strip()
        kind, formula = _attribute(cell, "value-type"), _attribute(cell, "formula")
        if kind == "error" or (formula and (not kind or ERROR_TEXT.fullmatch(text))):
            cells.append((row, column, text or formula or "#ERROR!"))
        height = int(_attribute(cell, "number-rows-spanned") or 1)
        width = int(_attribute(cell, "number-columns-spanned") or 1)
        if height > 1 or width > 1:
            merged.append((row, row + height - 1, column, column + width - 1))
    return details


def _ods_cells(parts: zipfile.ZipFile) -> Iterator[tuple[str, int, int, ET.Element]]:
    """Yield the sheet, row, column and XML element of each filled cell; repeated cells are yielded once."""
    sheet, row, column, repeated = "", 0, 0, 1
    with parts.open("content.xml") as stream:
        for event, element in ET.iterparse(stream, ("start", "end")):  # noqa: S314 - no entity is resolved
            kind = element.tag.rpartition("}")[2]
            if event == "start" and kind == "table":
                sheet, row, repeated = _attribute(element, "name"), 0, 1
            elif event == "start" and kind == "table-row":
                row, column = row + repeated, 0
                repeated = int(_attribute(element, "number-rows-repeated") or 1)
            elif event == "end" and kind in ("table-cell", "covered-table-cell"):
                wide = int(_attribute(element, "number-columns-repeated") or 1)
                if _attribute(element, "value-type") or _attribute(element, "formula") or len(element):
                    if (row + repeated) * (column + wide) > MAX_CELLS:
                        raise ValueError(f"more than {MAX_CELLS:,} cells on one sheet")
                    yield sheet, row, column, element
                column += wide
            elif event == "end" and kind == "table-row":
                element.clear()


def _attribute(element: ET.Element, name: str) -> str:
    """Return the value of an attribute in any namespace; "" if the element lacks it."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")
