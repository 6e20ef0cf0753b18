"""Workbooks read without any library: the cells of each sheet, their formulas and values."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True)
class Read:
    """One cell."""

    value: str | float | None
    formula: str | None = None


class Workbook:
    """A workbook, of whatever program."""

    def __init__(self, data: bytes) -> None:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        book, relations = (self._xml(f"xl/{name}") for name in ("workbook.xml", "_rels/workbook.xml.rels"))
        targets = {r.attrib["Id"]: r.attrib["Target"] for r in relations}
        self.paths = {
            str(s.get("name")): f"xl/{targets[s.attrib[RELATION]].removeprefix('/xl/')}"
            for s in book.iter(f"{MAIN}sheet")
        }
        self.names = {str(d.get("name")): str(d.text) for d in book.iter(f"{MAIN}definedName")}
        shared = self._xml("xl/sharedStrings.xml")
        self._shared = [_plain("".join(t.text or "" for t in si.iter(f"{MAIN}t"))) for si in shared]

    def _xml(self, path: str) -> ET.Element:
        return ET.fromstring(self.members[path])  # noqa: S314 - our own file, or LibreOffice's

    def cells(self, sheet: str) -> dict[str, Read]:
        """Every cell with something in it, by its reference."""
        return {c.attrib["r"]: found for c in self._tags(sheet, "c") if (found := self._read(c))}

    def texts(self) -> Iterator[str]:
        """Every text of every sheet."""
        for sheet in self.paths:
            yield from (c.value for c in self.cells(sheet).values() if isinstance(c.value, str))

    def formulas(self) -> list[Read]:
        """The cells with a formula, in the order of the sheets."""
        return [cell for sheet in self.paths for cell in self.cells(sheet).values() if cell.formula]

    def row_of(self, sheet: str, text: str) -> str:
        """The number of the first row that has this text in its first column."""
        cells = self.cells(sheet).items()
        return next(ref[1:] for ref, cell in cells if ref[0] == "A" and cell.value == text)

    def named(self, name: str) -> Read:
        """The cell that a name stands for."""
        found = re.fullmatch(r"\$?'?(.+?)'?\.?!\$([A-Z]+)\$([0-9]+)", self.names[name])
        assert found, self.names[name]
        sheet, column, row = found.groups()
        return self.cells(sheet.replace("''", "'"))[column + row]

    def _tags(self, sheet: str, tag: str) -> Iterator[ET.Element]:
        return self._xml(self.paths[sheet]).iter(f"{MAIN}{tag}")

    def _read(self, cell: ET.Element) -> Read | None:
        value, formula = cell.findtext(f"{MAIN}v"), cell.findtext(f"{MAIN}f")
        kind = cell.get("t", "n")
        if not value:
            return Read(None, formula) if formula else None
        if kind == "s":
            return Read(self._shared[int(value)], formula)
        return Read(value if kind in ("str", "e") else float(value), formula)


def _plain(text: str) -> str:
    """A shared text without its escapes: _x000D_ stands for a character."""
    return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)
