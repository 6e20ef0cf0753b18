"""Read workbooks of Excel and OpenDocument. Row numbers are those that a spreadsheet program displays."""

from __future__ import annotations

import html
import io
import logging
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET

import polars as pl

from outage_analysis.claims.readers.source_file import (
    HEADER_SEARCH_ROWS,
    MIN_HEADER_COLUMNS,
    ExpectedTable,
    FileFormat,
    RowTexts,
    SourceFile,
    header_note,
)
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import FORMAT_UNIT_PATTERN
from outage_analysis.text import Note, masked_name

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
    columns = table.column_positions(headers, place + 1 or None)
    frame = _with_hidden_values(frame, path, sheet, table, place + 1, columns)
    body = frame.with_row_index("source_row", offset=1).slice(place + 1)
    filled = body.filter(pl.any_horizontal(pl.col(frame.columns).is_not_null()))
    cells = {column: pl.col(frame.columns[position]) for column, position in columns.items()}
    filled = filled.select(pl.col("source_row").cast(pl.Int64), **cells)
    kind, note = (
        path.suffix.lower()[1:],
        Note("sheet", name=masked_name(sheet), header=header_note(place + 1)),
    )
    found = FileFormat(kind, note, tuple(headers), place + 1 or None, sheet=sheet, sheets=tuple(sheets))
    return WorkbookSheet(table=table, columns=columns, file_format=found, filled=filled)


@dataclass(frozen=True, kw_only=True)
class WorkbookSheet(SourceFile):
    """One sheet of a workbook. `filled` has the texts of its filled rows, and their numbers `source_row`."""

    filled: pl.DataFrame

    def texts(self, rows: pl.Series | None) -> Iterator[RowTexts]:
        """Return the rows with these numbers, or all rows."""
        chosen = self.filled if rows is None else self.filled.filter(pl.col("source_row").is_in([*rows]))
        yield RowTexts({"read_texts": chosen})


def sheets_with_columns(path: Path, table: ExpectedTable) -> list[str]:
    """Return the names of the sheets with a known header, which `sheet = "*"` in a layout (TOML) selects.

    Raises:
        InputRefused: the file is not a workbook, or no sheet has a header.
    """
    sheets = _sheets(path, table.file)
    matches = [s for s, frame in sheets.items() if _most_named_columns(frame, table) >= MIN_HEADER_COLUMNS]
    if not matches:
        names = masked_name(", ".join(sheets))
        raise InputRefused("has the columns on no sheet", file=table.file, value=names)
    return matches


def _check_size(path: Path, name: str) -> None:
    """Raise an error if a file is not a workbook, or if reading it would need too much memory."""
    suffix, sheets, ranges = path.suffix.lower(), dict[str, str](), dict[str, tuple[int, int, int]]()
    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())
            if size > MAX_BYTES or size > max(MAX_EXPANSION * path.stat().st_size, 1 << 26):
                raise InputRefused(f"would expand to {size:,} bytes", file=name, remedy="Save it as CSV.")
            if suffix == ".ods":
                for _ in _ods_cells(parts):  # this raises an error if there are too many
                    pass
            else:
                sheets = {member: sheet for sheet, member in _members(parts).items()}
                for part in parts.namelist():
                    with parts.open(part) as stream:
                        ranges[part] = used_range(stream)
    except (*BROKEN, OSError, KeyError, ValueError, NotImplementedError, RuntimeError) as error:
        with path.open("rb") as stream:
            head = stream.read(4)
        what = {OLE: "is an old or a protected workbook", b"<": "is a web page under the name of a workbook"}
        problem = what.get(head, what.get(head[:1], f"is not an Excel workbook ({suffix})"))
        remedy = "Open it and save it as .xlsx, without a password."
        raise InputRefused(problem, file=name, value=error, remedy=remedy) from error
    cells = {part: rows * columns for part, (rows, columns, _) in ranges.items()}
    beyond = [p for p, (rows, columns, _) in ranges.items() if rows > LAST_ROW or columns > LAST_COLUMN]
    largest, total = max(beyond or cells, key=lambda part: cells[part], default=""), sum(cells.values())
    rows, columns, _ = ranges.get(largest, (0, 0, 0))
    sheet, filled = masked_name(sheets.get(largest, largest)), sum(n for _, _, n in ranges.values())
    if beyond or (total > SPARSE_FROM_CELLS and total > MAX_EMPTY_RATIO * filled):
        raise InputRefused(
            f"has a cell far away from the others, on the sheet {sheet}",
            file=name,
            value=f"row {rows:,}, column {columns:,}",
            remedy="Delete the rows and columns between.",
        )
    if total > MAX_CELLS:
        problem = f"has more than {MAX_CELLS:,} cells, most of them on the sheet {sheet}"
        raise InputRefused(problem, file=name, value=f"{total:,}", remedy="Save its sheets as CSV.")


def _sheets(path: Path, name: str) -> dict[str, pl.DataFrame]:
    """Return the non-empty sheets: name -> frame of cell texts.

    The first row of a frame is row 1 of the sheet. The frame names each column by its position in the sheet,
    because the first used column need not be column A.
    """
    import fastexcel

    _check_size(path, name)
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
    frame: pl.DataFrame, path: Path, sheet: str, table: ExpectedTable, header: int, mapping: dict[str, int]
) -> pl.DataFrame:
    read_details = _ods_details if path.suffix.lower() == ".ods" else _xlsx_details
    try:
        hidden, merged, units = read_details(path, sheet)
    except (*BROKEN, KeyError, ValueError) as error:
        raise InputRefused("cannot be read as a workbook", file=table.file, value=error) from error
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


NO_VALUE = r"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?"
UNREAD_CELL = re.compile(
    rf"""\bt\s*=\s*["']e["']|(?:</(?:\w+:)?f>|<(?:\w+:)?f[^<>]*/>)\s*{NO_VALUE}\s*</(?:\w+:)?c>""".encode()
)
"""Pattern of a cell with an error, or with a formula but no value; the reader returns it as empty."""
TAG = re.compile(
    rb"""<(?:[^\s<>/:"'=]++:)?(?P<name>row|c)(?=[\s/>])"""
    rb"""(?:\s+r="(?P<letters>[A-Z]{1,3})?(?P<number>\d{1,7})"(?=[\s/>]))?"""
    rb"""(?P<others>[^<>"']*+(?:(?:"[^"]*+"|'[^']*+')[^<>"']*+)*+)>"""
)
"""Pattern of the XML tag of a row or a cell; its groups are the letters and number of the cell reference."""
UNFINISHED = re.compile(rb"""<(?:[^\s<>/:"'=]++:)?(?:row|c)[\s/>]""")
REFERENCE = re.compile(rb"""(?:^|\s)r\s*=\s*["'](?P<letters>[A-Za-z]{0,7})(?P<number>\d{1,10})["']""")
CHUNK, LONGEST_TAG = 1 << 20, 1 << 16
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
"""The largest row and column number that a sheet can have."""
SPARSE_FROM_CELLS, MAX_EMPTY_RATIO = 20_000_000, 20
"""A workbook with more cells than `SPARSE_FROM_CELLS` is refused if fewer than 1 in 20 cells are filled."""
MAX_CELLS = 50_000_000
"""A workbook with more cells, filled or empty, is refused. The spreadsheet reader needs 32 bytes per cell."""
MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\s[^>]*?ref\s*=\s*["']([A-Z]+)(\d+):([A-Z]+)(\d+)["']""")
FORMAT = re.compile(rb"""formatCode\s*=\s*(?:"([^"]*)"|'([^']*)')""")


_Details = tuple[list[tuple[int, int, str]], list[tuple[int, int, int, int]], list[str]]
"""What a sheet hides from the spreadsheet reader. Rows count from 1, columns from 0.

- Row, column and text of each cell with an error, or with a formula but no value.
- First row, last row, first column and last column of each block of merged cells.
- Number formats of the workbook that display a number with a unit, such as 30 as 30만원.
"""


def _xlsx_details(path: Path, name: str) -> _Details:
    with zipfile.ZipFile(path) as parts:
        text = parts.read(_members(parts)[name])
        styles = parts.read("xl/styles.xml") if "xl/styles.xml" in parts.namelist() else b""
    cells = [*_unread_cells(text)] if UNREAD_CELL.search(text) else []
    merged = [
        (int(top), int(low), _column_index(left), _column_index(right))
        for left, top, right, low in MERGED.findall(text)
    ]
    formats = (html.unescape((a or b).decode()) for a, b in FORMAT.findall(styles))
    return cells, merged, [f for f in formats if FORMAT_UNIT_PATTERN.search(f)]


def used_range(part: IO[bytes]) -> tuple[int, int, int]:
    """Return how many rows and columns a sheet uses, and how many of its cells may have a value.

    They are counted from the cells, because the <dimension> tag may be wrong.

    A cell without a reference is next to the previous cell. A row without a number follows the previous row.

    Raises:
        ValueError: an XML tag is longer than `LONGEST_TAG`.
    """
    rows = columns = filled = row = column = 0
    for tag in _cell_tags(part):
        place = tag if tag["number"] else REFERENCE.search(tag["others"])
        if tag["name"] == b"row":
            row, column = int(place["number"]) if place else row + 1, 0
            continue
        line, column = (
            (int(place["number"]), _column_index(place["letters"] or b"") + 1) if place else (row, column + 1)
        )
        rows, columns = max(rows, line), max(columns, column)
        filled += not tag["others"].endswith(b"/")
    return rows, columns, filled


def _cell_tags(part: IO[bytes]) -> Iterator[re.Match[bytes]]:
    rest, sheet = b"", False
    while chunk := part.read(CHUNK):
        text, end = rest + chunk, 0
        sheet = sheet or b"sheetData" in text
        if sheet:
            for tag in TAG.finditer(text):
                yield tag
                end = tag.end()
            far = len(text) - 2 * LONGEST_TAG
            if UNFINISHED.search(text, end, max(end, far)) or text.rfind(b">") < text.rfind(b"<") < far:
                raise ValueError(f"a tag has more than {LONGEST_TAG:,} bytes")
        rest = text[max(end, len(text) - 2 * LONGEST_TAG) :]


def _unread_cells(text: bytes) -> Iterator[tuple[int, int, str]]:
    row = column = 0
    for event, element in ET.iterparse(io.BytesIO(text), ("start", "end")):  # noqa: S314 - no entity is resolved
        kind = element.tag.rpartition("}")[2]
        if event == "start" and kind == "row":
            row, column = int(element.get("r", row + 1)), -1
        elif event == "start" and kind == "c":
            letters = (element.get("r") or "").rstrip("0123456789")
            column = _column_index(letters.encode()) if letters else column + 1
        elif event == "end" and kind == "c":
            inside = {part.tag.rpartition("}")[2]: (part.text or "").strip() for part in element}
            if element.get("t") == "e":
                yield row, column, inside.get("v") or "#ERROR!"
            elif "f" in inside and not inside.get("v") and element.get("t") != "str":
                yield row, column, f"={inside['f']}"
            element.clear()


def _members(parts: zipfile.ZipFile) -> dict[str, str]:
    """Return sheet -> the name of the file in the workbook archive that contains it."""
    book = ET.fromstring(parts.read("xl/workbook.xml"))  # noqa: S314 - no entity is resolved
    links = ET.fromstring(parts.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {link.get("Id", ""): link.get("Target", "") for link in links}
    sheets = [element for element in book.iter() if element.tag.endswith("}sheet")]
    places = {sheet.get("name", ""): targets.get(_attribute(sheet, "id"), "") for sheet in sheets}
    return {s: place.lstrip("/") if place.startswith("/") else f"xl/{place}" for s, place in places.items()}


@lru_cache(LAST_COLUMN)
def _column_index(letters: bytes) -> int:
    """Convert the letters of a column to its position, counted from 0: B is 1."""
    place = 0
    for letter in letters.upper():
        place = place * 26 + letter - ord("A") + 1
    return place - 1


ERROR_TEXT = re.compile(r"#[A-Z][A-Z0-9/!?]*|Err:\d+")
NUMBER_TEXT = re.compile(r"<number:text>([^<]*)</number:text>")
UNIT_TEXT = re.compile(r"\s*[십백천만억]+\s*원?")


def _ods_details(path: Path, name: str) -> _Details:
    cells: list[tuple[int, int, str]] = []
    merged: list[tuple[int, int, int, int]] = []
    units: list[str] = []
    with zipfile.ZipFile(path) as parts:
        for sheet, row, column, cell in _ods_cells(parts):
            if sheet != name:
                continue
            text = "".join(cell.itertext()).strip()
            kind, formula = _attribute(cell, "value-type"), _attribute(cell, "formula")
            if kind == "error" or (formula and (not kind or ERROR_TEXT.fullmatch(text))):
                cells.append((row, column, text or formula or "#ERROR!"))
            height = int(_attribute(cell, "number-rows-spanned") or 1)
            width = int(_attribute(cell, "number-columns-spanned") or 1)
            if height > 1 or width > 1:
                merged.append((row, row + height - 1, column, column + width - 1))
        for part in sorted({"content.xml", "styles.xml"} & {*parts.namelist()}):
            texts = NUMBER_TEXT.findall(parts.read(part).decode())
            units.extend(text for text in texts if UNIT_TEXT.fullmatch(text))
    return cells, merged, units


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
