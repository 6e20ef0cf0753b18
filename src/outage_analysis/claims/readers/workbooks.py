"""Read workbooks of Excel and OpenDocument. Row numbers are those that a spreadsheet program displays."""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl

from outage_analysis.claims.readers.expected_table import (
    HEADER_SEARCH_ROWS,
    MIN_HEADER_COLUMNS,
    ExpectedTable,
)
from outage_analysis.claims.readers.open_document import check_ods_size, ods_details
from outage_analysis.claims.readers.record_index import Numbers
from outage_analysis.claims.readers.source_file import FileFormat, RowTexts, SourceFile, header_note
from outage_analysis.claims.readers.workbook_xml import (
    MAX_CELLS,
    MAX_EMPTY_RATIO,
    SPARSE_FROM_CELLS,
    UsedRange,
    read_sheet_details,
    sheet_name,
    used_range,
)
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import unit_multiplier
from outage_analysis.text import Note, masked_name, scale_remedy

MAX_BYTES, MAX_EXPANSION = 1 << 31, 300
"""Limits for a workbook: its decompressed size in bytes, and this size relative to the size of the file."""
BROKEN = (ET.ParseError, zlib.error, zipfile.BadZipFile)
"""Exceptions raised for a damaged workbook."""
OLE = b"\xd0\xcf\x11\xe0"
"""The first bytes of a workbook that is in the format before 2007 or has a password."""


def open_workbook(table: ExpectedTable, path: Path) -> WorkbookSheet:
    """Open one sheet of a workbook and find its columns.

    The layout (TOML file that maps columns) may name the sheet. By default the sheet whose header names the
    most columns of a claim is read.

    Raises:
        InputRefused: the file is not a workbook, the sheet is missing, or several sheets have equally good
            headers.
    """
    sheets = _sheets(path, table.file)
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
    positions = table.column_positions(headers, place + 1 or None)
    frame = _with_hidden_values(frame, path, sheet, table, place + 1, positions)
    body = frame.with_row_index("source_row", offset=1).slice(place + 1)
    filled = body.filter(pl.any_horizontal(pl.col(frame.columns).is_not_null()))
    cells = {column: pl.col(frame.columns[position]) for column, position in positions.items()}
    return WorkbookSheet(
        table=table,
        columns=tuple(positions),
        file_format=FileFormat(
            path.suffix.lower()[1:],
            Note("sheet", name=masked_name(sheet), header=header_note(place + 1)),
            tuple(headers),
            place + 1 or None,
            sheet=sheet,
            sheets=tuple(sheets),
        ),
        rows=filled.select(pl.col("source_row").cast(pl.Int64), **cells),
    )


@dataclass(frozen=True, kw_only=True)
class WorkbookSheet(SourceFile):
    """One sheet of a workbook. `rows` has the texts of its filled rows, and their numbers `source_row`."""

    rows: pl.DataFrame

    def texts(self, rows: Sequence[int] | Numbers | None) -> Iterator[RowTexts]:
        """Return the rows with these numbers, or all rows."""
        chosen = self.rows if rows is None else self.rows.filter(pl.col("source_row").is_in([*rows]))
        yield RowTexts({"read_texts": chosen})


def sheets_with_columns(path: Path, table: ExpectedTable) -> list[str]:
    """Return the names of the sheets with a known header, which `sheet = "*"` in a layout (TOML) selects.

    Raises:
        InputRefused: the file is not a workbook, or no sheet has a header.
    """
    sheets = _sheets(path, table.file)
    matches = [
        name for name, frame in sheets.items() if _most_named_columns(frame, table) >= MIN_HEADER_COLUMNS
    ]
    if not matches:
        raise InputRefused(
            "has the columns on no sheet", file=table.file, value=masked_name(", ".join(sheets))
        )
    return matches


def _check_expanded_size(path: Path, name: str) -> None:
    """Raise an error if a file is not a workbook, or if reading it would need too much memory."""
    suffix = path.suffix.lower()
    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())
            if size > MAX_BYTES or size > max(MAX_EXPANSION * path.stat().st_size, 1 << 26):
                raise InputRefused(f"would expand to {size:,} bytes", file=name, remedy="Save it as CSV.")
            ranges = {}
            if suffix == ".ods":
                check_ods_size(parts)
            else:
                for part in parts.infolist():
                    with parts.open(part) as stream:
                        ranges[part.filename] = used_range(stream)
    except (*BROKEN, OSError, KeyError, ValueError, NotImplementedError, RuntimeError) as error:
        with path.open("rb") as stream:
            head = stream.read(4)
        what = {OLE: "is an old or a protected workbook", b"<": "is a web page under the name of a workbook"}
        problem = what.get(head, what.get(head[:1], f"is not an Excel workbook ({suffix})"))
        raise InputRefused(
            problem, file=name, value=error, remedy="Open it and save it as .xlsx, without a password."
        ) from error
    _check_cell_count(ranges, path, name)


def _check_cell_count(ranges: Mapping[str, UsedRange], path: Path, name: str) -> None:
    cells, filled = sum(r.cells for r in ranges.values()), sum(r.filled for r in ranges.values())
    if not cells:
        return
    member, largest = max(ranges.items(), key=lambda item: (item[1].exceeds_sheet(), item[1].cells))
    sheet = masked_name(sheet_name(path, member))
    if largest.exceeds_sheet() or (cells > SPARSE_FROM_CELLS and cells > MAX_EMPTY_RATIO * filled):
        raise InputRefused(
            f"has a cell far away from the others, on the sheet {sheet}",
            file=name,
            value=f"row {largest.rows:,}, column {largest.columns:,}",
            remedy="Delete the rows and columns between.",
        )
    if cells > MAX_CELLS:
        raise InputRefused(
            f"has more than {MAX_CELLS:,} cells, most of them on the sheet {sheet}",
            file=name,
            value=f"{cells:,}",
            remedy="Save its sheets as CSV.",
        )


def _sheets(path: Path, name: str) -> dict[str, pl.DataFrame]:
    """Return the non-empty sheets: name -> frame of cell texts.

    The first row of a frame is row 1 of the sheet.
    """
    import fastexcel

    _check_expanded_size(path, name)
    # The library `calamine` logs a warning for each sheet that is a chart. Users need not see it.
    logging.getLogger("calamine").setLevel(logging.ERROR)
    try:
        book = fastexcel.read_excel(path)
        frames = {sheet: _cells(book, sheet) for sheet in book.sheet_names}
        return {sheet: frame for sheet, frame in frames.items() if len(frame)}
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputRefused("cannot be read as a workbook", file=name, value=first) from error


def _cells(book: object, sheet: str) -> pl.DataFrame:
    import fastexcel

    try:
        loaded = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")  # type: ignore[attr-defined]
    except (fastexcel.SheetNotFoundError, fastexcel.InvalidParametersError, fastexcel.CalamineError):
        return pl.DataFrame()  # The sheet is a chart or empty, so it has no rows.
    frame: pl.DataFrame = loaded.to_polars()
    # The first used column need not be column A. So the frame names each column by its position in the sheet.
    return frame.rename(
        {c.name: str(c.absolute_index) for c in loaded.available_columns()}, strict=False
    ).with_columns(pl.all().replace("", None))


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
    frame: pl.DataFrame, path: Path, sheet: str, table: ExpectedTable, header: int, mapping: dict[str, int]
) -> pl.DataFrame:
    read_details = ods_details if path.suffix.lower() == ".ods" else read_sheet_details
    try:
        details = read_details(path, sheet)
    except (*BROKEN, KeyError, StopIteration, ValueError) as error:
        raise InputRefused("cannot be read as a workbook", file=table.file, value=error) from error
    if details.units and table.for_inspection:
        table.unit = details.units[0]
    elif details.units and "loss" not in table.layout.scale:
        raise InputRefused(
            "shows numbers in another unit than its cells hold",
            file=table.file,
            value=details.units[0],
            remedy=scale_remedy(unit_multiplier(details.units[0])),
        )
    used = {int(frame.columns[position]) for position in mapping.values()}
    for top, bottom, left, right in details.merged:
        if bottom > max(top, header) and used & set(range(left, right + 1)):
            raise InputRefused(
                "has merged cells among its rows, and only the first cell of each holds the value",
                file=table.file,
                row=max(top, header + 1),
                remedy="Undo the merging and fill each cell.",
            )
    for row, position, value in details.cells:
        column = str(position)
        if column in frame.columns and row <= len(frame):
            is_row = pl.int_range(pl.len()) == row - 1
            frame = frame.with_columns(pl.when(is_row).then(pl.lit(value)).otherwise(column).alias(column))
    return frame
