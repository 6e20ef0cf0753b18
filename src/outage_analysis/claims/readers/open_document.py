"""Read errors, merged cells and number formats of .ods workbooks.

The spreadsheet reader returns cells with an error as empty cells, as it does for .xlsx (see `workbook_xml`).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from outage_analysis.claims.readers.workbook_xml import MAX_CELLS, SheetDetails

ERROR_TEXT = re.compile(r"#[A-Z][A-Z0-9/!?]*|Err:\d+")
NUMBER_TEXT = re.compile(r"<number:text>([^<]*)</number:text>")
UNIT_TEXT = re.compile(r"\s*[십백천만억]+\s*원?")


def ods_details(path: Path, name: str) -> SheetDetails:
    """Read the details of one sheet of an OpenDocument workbook.

    Raises:
        ValueError: a sheet has more than `MAX_CELLS` cells.
        KeyError, ET.ParseError, zipfile.BadZipFile: the file is not an OpenDocument workbook.
    """
    cells: list[tuple[int, int, str]] = []
    merged: list[tuple[int, int, int, int]] = []
    with zipfile.ZipFile(path) as parts:
        for sheet, row, column, cell in _ods_cells(parts):
            if sheet != name:
                continue
            text = "".join(cell.itertext()).strip()
            kind = _attribute(cell, "value-type")
            formula = _attribute(cell, "formula")
            if kind == "error" or (formula and (not kind or ERROR_TEXT.fullmatch(text))):
                cells.append((row, column, text or formula or "#ERROR!"))
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
