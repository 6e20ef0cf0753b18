"""Write a workbook of the format of Excel 97 (.xls), of which no locked package has a writer.

The file is a compound file with one stream of records; see [MS-CFB] and [MS-XLS].
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

SECTOR = 512
SMALLEST_STREAM = 4_096
"""Shorter streams would have to be in a stream of small sectors."""
FREE, END_OF_CHAIN, FAT_SECTOR, NO_ENTRY = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
BOF, EOF, CODE_PAGE, BOUND_SHEET, NUMBER, LABEL = 0x0809, 0x000A, 0x0042, 0x0085, 0x0203, 0x0204


def xls_bytes(rows: Sequence[Sequence[str | float | None]], sheet: str = "list") -> bytes:
    """A workbook with one sheet; a cell is a text, a number or empty."""
    return _compound_file(_workbook_stream(rows, sheet))


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _workbook_stream(rows: Iterable[Sequence[str | float | None]], sheet: str) -> bytes:
    name = struct.pack("<BB", len(sheet), 0) + sheet.encode("latin-1")
    start = [
        _record(BOF, struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)),
        _record(CODE_PAGE, struct.pack("<H", 1200)),
    ]
    length = sum(map(len, start)) + len(_record(BOUND_SHEET, bytes(6) + name)) + len(_record(EOF))
    start += [_record(BOUND_SHEET, struct.pack("<IBB", length, 0, 0) + name), _record(EOF)]
    cells = [_record(BOF, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6))]
    for n, row in enumerate(rows):
        for c, cell in enumerate(row):
            if isinstance(cell, str) and cell:
                text = cell.encode("utf-16-le")
                place = struct.pack("<HHHHB", n, c, 0, len(text) // 2, 1)
                cells.append(_record(LABEL, place + text))
            elif isinstance(cell, float):
                cells.append(_record(NUMBER, struct.pack("<HHHd", n, c, 0, cell)))
    return b"".join([*start, *cells, _record(EOF)])


def _compound_file(stream: bytes) -> bytes:
    """A compound file of one stream: its table of sectors, its directory, the stream."""
    size = max(len(stream), SMALLEST_STREAM)
    sectors = -(-size // SECTOR)
    table = [FAT_SECTOR, END_OF_CHAIN, *range(3, sectors + 2), END_OF_CHAIN]
    entries = SECTOR // 4
    if len(table) > entries:
        raise ValueError("a workbook of the benchmark has at most 63 kilobytes")
    table += [FREE] * (entries - len(table))
    header = struct.pack(
        "<8s16sHHHHH6sIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        bytes(16),
        *(0x003E, 0x0003, 0xFFFE, 9, 6),
        bytes(6),
        *(0, 1, 1, 0, SMALLEST_STREAM, END_OF_CHAIN, 0, END_OF_CHAIN, 0),
    )
    places = struct.pack(f"<{109}I", 0, *([FREE] * 108))
    directory = (
        _entry("Root Entry", 5, END_OF_CHAIN, 0, child=1)
        + _entry("Workbook", 2, 2, size)
        + _entry("", 0, 0, 0) * 2
    )
    return (
        header
        + places
        + struct.pack(f"<{entries}I", *table)
        + directory
        + stream.ljust(sectors * SECTOR, b"\0")
    )


def _entry(name: str, kind: int, start: int, size: int, *, child: int = NO_ENTRY) -> bytes:
    """One entry of the directory."""
    text = f"{name}\0".encode("utf-16-le") if name else b""
    head = text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1)
    links = struct.pack("<III", NO_ENTRY, NO_ENTRY, child)
    return head + links + bytes(16 + 4 + 8 + 8) + struct.pack("<IQ", start, size)
