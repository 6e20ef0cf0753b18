"""Read errors, formulas, merged cells and number formats from the XML of a workbook."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET

from outage_analysis.incidents import FORMAT_UNIT_PATTERN

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


@dataclass(frozen=True)
class SheetDetails:
    """The errors, formulas, merged cells and units of a sheet. Rows count from 1, columns from 0."""

    cells: tuple[tuple[int, int, str], ...]
    """Row, column and text of each cell with an error, or with a formula but no value."""
    merged: tuple[tuple[int, int, int, int], ...]
    """First row, last row, first column and last column of each block of merged cells."""
    units: tuple[str, ...]
    """Number formats of the workbook that display a number with a unit, such as 30 as 30만원."""


def read_sheet_details(path: Path, name: str) -> SheetDetails:
    """Read errors, formulas, merged cells and number formats of one sheet from the XML of a workbook.

    Raises:
        KeyError, ValueError, ET.ParseError, zipfile.BadZipFile: the file is not a workbook.
    """
    with zipfile.ZipFile(path) as parts:
        text = parts.read(_member(parts, name))
        styles = parts.read("xl/styles.xml") if "xl/styles.xml" in parts.namelist() else b""
    cells = tuple(_unread_cells(text)) if UNREAD_CELL.search(text) else ()
    blocks = (
        (int(top), int(low), _column_index(left), _column_index(right))
        for left, top, right, low in MERGED.findall(text)
    )
    formats = (html.unescape((a or b).decode()) for a, b in FORMAT.findall(styles))
    return SheetDetails(cells, tuple(blocks), tuple(f for f in formats if FORMAT_UNIT_PATTERN.search(f)))


@dataclass(frozen=True)
class UsedRange:
    """The number of rows and columns that a sheet uses. The reader returns a table of this size."""

    rows: int = 0
    columns: int = 0
    filled: int = 0
    """The number of cells that may have a value."""

    @property
    def cells(self) -> int:
        """The number of cells of the sheet, filled or empty."""
        return self.rows * self.columns

    def exceeds_sheet(self) -> bool:
        """Return whether the used range is larger than a sheet can be."""
        return self.rows > LAST_ROW or self.columns > LAST_COLUMN


def used_range(part: IO[bytes]) -> UsedRange:
    """Return the used range of a sheet from its cells, because its <dimension> tag may be wrong.

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
    return UsedRange(rows, columns, filled)


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


def sheet_name(path: Path, member: str) -> str:
    """Return the name of the sheet that a file in the workbook archive contains.

    If the name is unknown, return the name of the file.
    """
    with suppress(KeyError, StopIteration, ValueError, ET.ParseError), zipfile.ZipFile(path) as parts:
        book = ET.fromstring(parts.read("xl/workbook.xml"))  # noqa: S314 - no entity is resolved
        names = [s.get("name", "") for s in book.iter() if s.tag.endswith("}sheet")]
        return next(name for name in names if _member(parts, name) == member)
    return member


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


def _member(parts: zipfile.ZipFile, sheet: str) -> str:
    """Return the name of the file in the workbook archive that contains a sheet."""
    book = ET.fromstring(parts.read("xl/workbook.xml"))  # noqa: S314 - no entity is resolved
    targets = ET.fromstring(parts.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    ids = {
        s.get("name"): next(v for k, v in s.attrib.items() if k.endswith("}id"))
        for s in book.iter()
        if s.tag.endswith("}sheet")
    }
    target = next(t.get("Target", "") for t in targets if t.get("Id") == ids[sheet])
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


@lru_cache(LAST_COLUMN)
def _column_index(letters: bytes) -> int:
    """Convert the letters of a column to its position, counted from 0: B is 1."""
    place = 0
    for letter in letters.upper():
        place = place * 26 + letter - ord("A") + 1
    return place - 1
