"""What the XML of a workbook says and its cells do not: errors, formulas, merged cells, units in formats."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from outage_analysis.layouts import SHOWN_UNIT

NO_VALUE = r"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?"
ODD = re.compile(
    rf"""\bt\s*=\s*["']e["']|(?:</(?:\w+:)?f>|<(?:\w+:)?f[^<>]*/>)\s*{NO_VALUE}\s*</(?:\w+:)?c>""".encode()
)
"""A cell that holds an error, or a formula and no value."""
CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")
MOST_CELLS, EMPTY = 20_000_000, 20
"""A sheet that is larger, and of which less than one cell in so many holds anything, is refused."""
MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\s[^>]*?ref\s*=\s*["']([A-Z]+)(\d+):([A-Z]+)(\d+)["']""")
FORMAT = re.compile(rb"""formatCode\s*=\s*(?:"([^"]*)"|'([^']*)')""")


@dataclass(frozen=True)
class Sheet:
    """The oddities of one sheet; rows count from 1, columns from 0."""

    cells: tuple[tuple[int, int, str], ...]
    """Row, column and text of each cell that would be read as nothing though it holds something."""
    merged: tuple[tuple[int, int, int, int], ...]
    """First row, last row, first column and last column of each block of merged cells."""
    units: tuple[str, ...]
    """Number formats of the workbook that show a number in other units: 30 as 30만원."""


def read_sheet(path: Path, name: str) -> Sheet:
    """What is odd about one sheet.

    Raises:
        KeyError, ValueError, ET.ParseError, zipfile.BadZipFile: no workbook after all.
    """
    with zipfile.ZipFile(path) as parts:
        text = parts.read(_member(parts, name))
        styles = parts.read("xl/styles.xml") if "xl/styles.xml" in parts.namelist() else b""
    cells = tuple(_odd_cells(text)) if ODD.search(text) else ()
    blocks = (
        (int(top), int(low), _index(left), _index(right)) for left, top, right, low in MERGED.findall(text)
    )
    formats = (html.unescape((a or b).decode()) for a, b in FORMAT.findall(styles))
    return Sheet(cells, tuple(blocks), tuple(f for f in formats if SHOWN_UNIT.search(f)))


def stray_cell(text: bytes) -> str | None:
    """The farthest cell of a sheet that is nearly empty: as a full table it would not fit the memory."""
    rows = columns = cells = 0
    for found in CELL.finditer(text):
        rows, columns, cells = max(rows, int(found[2])), max(columns, _index(found[1]) + 1), cells + 1
    area = rows * columns
    return f"row {rows:,}, column {columns:,}" if area > MOST_CELLS and area > EMPTY * cells else None


def _odd_cells(text: bytes) -> Iterator[tuple[int, int, str]]:
    row = at = 0
    for event, element in ET.iterparse(io.BytesIO(text), ("start", "end")):  # noqa: S314 - no entity is resolved
        kind = element.tag.rpartition("}")[2]
        if event == "start" and kind == "row":
            row, at = int(element.get("r", row + 1)), -1
        elif event == "start" and kind == "c":
            letters = (element.get("r") or "").rstrip("0123456789")
            at = _index(letters.encode()) if letters else at + 1
        elif event == "end" and kind == "c":
            inside = {part.tag.rpartition("}")[2]: (part.text or "").strip() for part in element}
            if element.get("t") == "e":
                yield row, at, inside.get("v") or "#ERROR!"
            elif "f" in inside and not inside.get("v") and element.get("t") != "str":
                yield row, at, f"={inside['f']}"
            element.clear()


def _member(parts: zipfile.ZipFile, sheet: str) -> str:
    """The member of the archive that holds a sheet."""
    book = ET.fromstring(parts.read("xl/workbook.xml"))  # noqa: S314 - no entity is resolved
    targets = ET.fromstring(parts.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    ids = {
        s.get("name"): next(v for k, v in s.attrib.items() if k.endswith("}id"))
        for s in book.iter()
        if s.tag.endswith("}sheet")
    }
    target = next(t.get("Target", "") for t in targets if t.get("Id") == ids[sheet])
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _index(letters: bytes) -> int:
    """A column's letters as its position from 0: B is 1."""
    place = 0
    for letter in letters:
        place = place * 26 + letter - ord("A") + 1
    return place - 1
