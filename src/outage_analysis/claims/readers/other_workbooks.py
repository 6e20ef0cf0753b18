"""Read errors, merged cells and number formats of .ods, .xls and .xlsb workbooks.

The spreadsheet reader returns cells with an error as empty cells, as it does for .xlsx (see `workbook_xml`).
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from outage_analysis.claims.readers.workbook_xml import MAX_CELLS, SheetDetails
from outage_analysis.incidents import FORMAT_UNIT_PATTERN

ERROR = "#ERROR!"
ERROR_TEXT = re.compile(r"#[A-Z][A-Z0-9/!?]*|Err:\d+")
NUMBER_TEXT = re.compile(r"<number:text>([^<]*)</number:text>")
UNIT_TEXT = re.compile(r"\s*[십백천만억]+\s*원?")
Block = tuple[int, int, int, int]


# --- OpenDocument -------------------------------------------------------------------------------------------


def ods_details(path: Path, name: str) -> SheetDetails:
    """Read the details of one sheet of an OpenDocument workbook.

    Raises:
        ValueError: a sheet has more than `MAX_CELLS` cells.
        KeyError, ET.ParseError, zipfile.BadZipFile: the file is not an OpenDocument workbook.
    """
    cells: list[tuple[int, int, str]] = []
    merged: list[Block] = []
    with zipfile.ZipFile(path) as parts:
        for sheet, row, column, cell in _ods_cells(parts):
            if sheet != name:
                continue
            text = "".join(cell.itertext()).strip()
            kind = _attribute(cell, "value-type")
            formula = _attribute(cell, "formula")
            if kind == "error" or (formula and (not kind or ERROR_TEXT.fullmatch(text))):
                cells.append((row, column, text or formula or ERROR))
            height, width = (
                int(_attribute(cell, f"number-{way}-spanned") or 1) for way in ("rows", "columns")
            )
            if height > 1 or width > 1:
                merged.append((row, row + height - 1, column, column + width - 1))
        styles = "".join(
            parts.read(part).decode() for part in ("content.xml", "styles.xml") if part in parts.namelist()
        )
    units = (text for text in NUMBER_TEXT.findall(styles) if UNIT_TEXT.fullmatch(text))
    return SheetDetails(tuple(cells), tuple(merged), tuple(units))


def check_ods_size(parts: zipfile.ZipFile) -> None:
    """Raise an error if a sheet of an OpenDocument workbook has too many cells to be read into memory.

    Raises:
        ValueError: a sheet has more than `MAX_CELLS` cells.
        KeyError, ET.ParseError: the file is not an OpenDocument workbook.
    """
    for _ in _ods_cells(parts):
        pass


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


# --- Excel 97 -----------------------------------------------------------------------------------------------

BOF, EOF, FORMULA, MERGED_CELLS, BOUND_SHEET, BOOL_OR_ERROR, FORMAT = (
    *(0x0809, 0x000A, 0x0006, 0x00E5, 0x0085, 0x0205, 0x041E),
)
ERROR_RESULT = 2
"""Code for a formula whose value is an error."""
END_OF_CHAIN = 0xFFFFFFFA
"""Sector numbers of at least this value are special codes, such as the end of a chain."""


def xls_details(path: Path, name: str) -> SheetDetails:
    """Read the details of one sheet of a workbook of Excel 97; see [MS-CFB] and [MS-XLS].

    Raises:
        ValueError, KeyError, struct.error: the file is not an Excel 97 workbook, or it is protected.
    """
    stream = _workbook_stream(path.read_bytes())
    units, start = [], None
    for kind, data in _xls_records(stream, 0):
        if kind == FORMAT:
            text = _xls_text(data[2:], 2)
            units += [text] if FORMAT_UNIT_PATTERN.search(text) else []
        elif kind == BOUND_SHEET and _xls_text(data[6:], 1) == name:
            (start,) = struct.unpack_from("<I", data)
    if start is None:
        raise KeyError(name)
    cells: list[tuple[int, int, str]] = []
    merged: list[Block] = []
    for kind, data in _xls_records(stream, start):
        if (kind == BOOL_OR_ERROR and data[7]) or (
            kind == FORMULA and data[12:14] == b"\xff\xff" and data[6] == ERROR_RESULT
        ):
            row, column = struct.unpack_from("<HH", data)
            cells.append((row + 1, column, ERROR))
        elif kind == MERGED_CELLS:
            for at in range(struct.unpack_from("<H", data)[0]):
                top, low, left, right = struct.unpack_from("<4H", data, 2 + 8 * at)
                merged.append((top + 1, low + 1, left, right))
    return SheetDetails(tuple(cells), tuple(merged), tuple(units))


def _xls_records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the records of a part of the stream, from its BOF record to its EOF record."""
    depth = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        depth += (kind == BOF) - (kind == EOF)
        yield kind, stream[at + 4 : at + 4 + size]
        if depth == 0:
            return
        at += 4 + size


def _xls_text(data: bytes, length_bytes: int) -> str:
    """Return a string stored as its length, a flag for two-byte characters, and the characters."""
    size, wide = int.from_bytes(data[:length_bytes], "little"), data[length_bytes] & 1
    text = data[length_bytes + 1 :]
    return text[: 2 * size].decode("utf-16-le") if wide else text[:size].decode("latin-1")


def _workbook_stream(data: bytes) -> bytes:
    sector = 1 << struct.unpack_from("<H", data, 30)[0]
    fat_count, directory, _, small_limit = struct.unpack_from("<IIII", data, 44)
    more, more_count = struct.unpack_from("<II", data, 68)
    fat_sectors = list(struct.unpack_from("<109I", data, 76))
    for _ in range(more_count):
        block = struct.unpack_from(f"<{sector // 4}I", data, (more + 1) * sector)
        fat_sectors += block[:-1]
        more = block[-1]
    fat: list[int] = []
    for number in fat_sectors[:fat_count]:
        fat += struct.unpack_from(f"<{sector // 4}I", data, (number + 1) * sector)

    def chain(number: int) -> bytes:
        pieces: list[bytes] = []
        while number < END_OF_CHAIN:
            pieces.append(data[(number + 1) * sector : (number + 2) * sector])
            number = fat[number]
            if len(pieces) > len(fat):
                raise ValueError("a chain of sectors has no end")
        return b"".join(pieces)

    entries = chain(directory)
    for at in range(0, len(entries), 128):
        size = struct.unpack_from("<H", entries, at + 64)[0]
        if entries[at : at + max(0, size - 2)].decode("utf-16-le", "replace") in ("Workbook", "Book"):
            start, length = struct.unpack_from("<II", entries, at + 116)
            if length < small_limit:
                raise ValueError("the workbook is too small to be one")
            return chain(start)[:length]
    raise ValueError("there is no workbook in the file")


# --- Excel, binary ------------------------------------------------------------------------------------------

HIGH_BIT, MAX_BITS = 0x80, 28
ROW, CELL_ERROR, FORMULA_ERROR, NUMBER_FORMAT, BUNDLE_SHEET, MERGE_CELL = 0, 3, 11, 44, 156, 176


def xlsb_details(path: Path, name: str) -> SheetDetails:
    """Read the details of one sheet of a binary Excel workbook; see [MS-XLSB].

    Raises:
        KeyError, ValueError, struct.error, zipfile.BadZipFile: the file is not a binary Excel workbook.
    """
    with zipfile.ZipFile(path) as parts:
        targets = {
            t.get("Id"): t.get("Target", "")
            for t in ET.fromstring(parts.read("xl/_rels/workbook.bin.rels"))  # noqa: S314 - no entity
        }
        ids = {}
        for kind, data in _xlsb_records(parts.read("xl/workbook.bin")):
            if kind == BUNDLE_SHEET:
                id_, end = _wide_text(data, 8)
                ids[_wide_text(data, end)[0]] = id_
        target = targets[ids[name]]
        text = parts.read(target.lstrip("/") if target.startswith("/") else f"xl/{target}")
        styles = parts.read("xl/styles.bin") if "xl/styles.bin" in parts.namelist() else b""
    cells: list[tuple[int, int, str]] = []
    merged: list[Block] = []
    row = 0
    for kind, data in _xlsb_records(text):
        if kind == ROW:
            row = struct.unpack_from("<I", data)[0] + 1
        elif kind in (CELL_ERROR, FORMULA_ERROR):
            cells.append((row, struct.unpack_from("<I", data)[0], ERROR))
        elif kind == MERGE_CELL:
            top, low, left, right = struct.unpack_from("<4I", data)
            merged.append((top + 1, low + 1, left, right))
    formats = (_wide_text(data, 2)[0] for kind, data in _xlsb_records(styles) if kind == NUMBER_FORMAT)
    return SheetDetails(
        tuple(cells), tuple(merged), tuple(f for f in formats if FORMAT_UNIT_PATTERN.search(f))
    )


def _wide_text(data: bytes, at: int) -> tuple[str, int]:
    """Return a string that is stored after its length, and the offset of its end."""
    end = at + 4 + 2 * struct.unpack_from("<I", data, at)[0]
    return data[at + 4 : end].decode("utf-16-le"), end


def _xlsb_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the content of each record of a part."""
    at = 0
    while at < len(data):
        kind, at = _variable_number(data, at)
        size, at = _variable_number(data, at)
        yield kind, data[at : at + size]
        at += size


def _variable_number(data: bytes, at: int) -> tuple[int, int]:
    """Return an integer stored with seven bits per byte, and the offset of its end."""
    number = shift = 0
    while True:
        byte = data[at]
        number, shift, at = number | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < HIGH_BIT or shift >= MAX_BITS:
            return number, at


DETAILS: dict[str, Callable[[Path, str], SheetDetails]] = {
    ".ods": ods_details,
    ".xls": xls_details,
    ".xlsb": xlsb_details,
}
"""Suffix of a workbook -> a function that reads the details of one of its sheets."""
