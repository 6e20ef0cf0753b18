"""Index of the records of a delimited text file: where they are, and which do not fit the header.

The index is built in one pass over the bytes of the file, while DuckDB reads the same file. It shows whether
DuckDB splits the file correctly, counts the records independently of DuckDB, and finds a record by its
number.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

BLOCK_BYTES = 1 << 20
MAX_RECORD_BYTES = 1 << 25
"""Most bytes of a record. Otherwise an unclosed quotation mark would make the whole file one record."""
MAX_UNEVEN = 1_000_000
"""Most records whose number of fields differs from the header. A file with more is read row by row."""
NEWLINE, RETURN = 10, 13

Numbers = np.ndarray[Any, np.dtype[np.int64]]
Codes = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass
class RecordIndex:
    """The positions of the records in a delimited text file, numbered from 1 including the header."""

    path: Path
    delimiter: str
    quote: str
    width: int
    """The number of fields that a record should have."""
    header_row: int
    """The record number of the header; 0 if there is none. Records up to the header are not checked."""
    records: int = 0
    uneven: list[int] = field(default_factory=list)
    """The numbers of records with too many or too few fields, or with several lines that may be rows."""
    blanks: int = 0
    """The number of blank records at the end of the file."""
    regular: bool = True
    """Whether lines end in LF or CR LF, quotation marks enclose whole fields, and no record between others is
    blank.

    DuckDB and the csv module find the same records only in such a file.
    """
    several_lines: bool = False
    """Whether some record has several lines."""
    _blocks: list[tuple[int, int]] = field(default_factory=list)
    """For each block of the file, the number and the byte offset of its first record."""
    _size: int = 0

    @classmethod
    def build(
        cls, path: Path, delimiter: str, quote: str, *, width: int, header_row: int, begin: int
    ) -> RecordIndex:
        """Build the index of a file from the byte `begin` on; stop as soon as `regular` becomes false.

        In a file that is not regular, DuckDB and the csv module may find different records.
        """
        index = cls(path, delimiter, quote, width, header_row)
        with path.open("rb") as stream:
            stream.seek(begin)
            rest, offset = b"", begin
            while index.regular:
                block = stream.read(BLOCK_BYTES)
                text = rest + block
                length = index._add_records(text, offset, last=not block) if text else 0
                rest, offset = text[length:], offset + length
                if not block:
                    break
                index.regular &= len(rest) < MAX_RECORD_BYTES
        index._size = offset
        return index

    def _add_records(self, text: bytes, offset: int, *, last: bool) -> int:
        starts, ends, fields, within = self._split(text, last=last)
        if not len(ends):
            return 0
        self._blocks.append((self.records + 1, offset))
        numbers = np.arange(self.records + 1, self.records + 1 + len(ends))
        codes = np.frombuffer(text, np.uint8)
        newlines = codes[ends - 1] == NEWLINE
        returned = newlines & (ends - starts > 1) & (codes[ends - 2] == RETURN)
        blank = ends - starts == newlines.astype(int) + returned
        filled = np.flatnonzero(~blank)
        if len(filled):
            self.regular &= not self.blanks and not blank[: filled[-1]].any()
        self.blanks += int(blank.sum())
        # Two stray quotation marks can merge whole rows into one record. Such a record has many quoted
        # delimiters. It is listed as uneven, so that the csv module reads it again.
        together = (within >= self.width - 1) & (within > 0)
        uneven = ((fields != self.width) | together) & (numbers > self.header_row) & ~blank
        self.uneven += numbers[uneven].tolist()
        self.regular &= len(self.uneven) <= MAX_UNEVEN
        self.records += len(ends)
        return int(ends[-1])

    def _split(self, text: bytes, *, last: bool) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Split a block of bytes into records.

        Returns:
            Four arrays with one value per record: its start, its end (after the newline), its number of
            fields, and its number of quoted delimiters. The last number is 0 if the block has no line break
            inside quotation marks.
        """
        codes = np.frombuffer(text, np.uint8)
        marks = (codes == ord(self.delimiter)) | (codes == NEWLINE) | (codes == RETURN)
        if self.quote:
            marks |= codes == ord(self.quote)
        positions = np.flatnonzero(marks)
        kinds, quoted_delimiters = codes[positions], np.array([], np.int64)
        if self.quote and (kinds == ord(self.quote)).any():
            positions, kinds, quoted_delimiters = self._characters_outside_quotes(
                codes, positions, kinds, last=last
            )
        returns = kinds == RETURN
        if returns.any():
            behind = positions[returns] + 1
            # A carriage return at the end of the block is not checked here, because its newline may be in the
            # next block.
            self.regular &= bool((codes[behind[behind < len(codes)]] == NEWLINE).all())
            self.regular &= not (last and behind[-1] == len(codes))
            positions, kinds = positions[~returns], kinds[~returns]
        lines = np.flatnonzero(kinds == NEWLINE)
        ends = positions[lines] + 1
        fields = np.diff(lines, prepend=-1)
        # The last record of a file may have no newline. Then it ends where the file ends.
        if last and (not len(ends) or ends[-1] < len(codes)):
            fields = np.append(fields, len(kinds) - (lines[-1] + 1 if len(lines) else 0) + 1)
            ends = np.append(ends, len(codes))
        inside = np.searchsorted(ends, quoted_delimiters, side="right")
        within = np.bincount(inside[inside < len(ends)], minlength=len(ends))
        return np.concatenate(([0], ends[:-1])), ends, fields, within

    def _characters_outside_quotes(
        self, codes: Codes, positions: Numbers, kinds: Codes, *, last: bool
    ) -> tuple[Numbers, Codes, Numbers]:
        quoting = kinds == ord(self.quote)
        inside = (np.cumsum(quoting) & 1).astype(bool)
        opening, closing = positions[quoting & inside], positions[quoting & ~inside]
        edges = (ord(self.delimiter), NEWLINE, RETURN, ord(self.quote))
        before = codes[opening[opening > 0] - 1]
        behind = codes[closing[closing + 1 < len(codes)] + 1]
        self.regular &= bool(np.isin(before, edges).all() and np.isin(behind, edges).all())
        quoted = inside & ~quoting
        broken = bool((kinds[quoted] == NEWLINE).any())
        self.several_lines |= broken
        self.regular &= not (kinds[quoted] == RETURN).any() and not (last and inside[-1])
        apart = ~(inside | quoting)
        delimiters = positions[quoted & (kinds == ord(self.delimiter))] if broken else np.array([], np.int64)
        return positions[apart], kinds[apart], delimiters

    def fetch(self, numbers: Sequence[int] | Numbers) -> Iterator[tuple[int, int, str]]:
        """Yield number, byte offset and text of the records with these numbers, which must increase."""
        firsts = [number for number, _ in self._blocks]
        bounds = [*(offset for _, offset in self._blocks), self._size]
        wanted = np.asarray(numbers, dtype=np.int64)
        with self.path.open("rb") as stream:
            while len(wanted):
                block = bisect_right(firsts, int(wanted[0])) - 1
                behind = firsts[block + 1] if block + 1 < len(firsts) else self.records + 1
                here, wanted = np.split(wanted, [np.searchsorted(wanted, behind)])
                stream.seek(bounds[block])
                text = stream.read(bounds[block + 1] - bounds[block])
                starts, ends = self._record_bounds(text)
                for number in here.tolist():
                    start, end = starts[number - firsts[block]], ends[number - firsts[block]]
                    yield number, bounds[block] + int(start), text[start:end].decode()

    def _record_bounds(self, text: bytes) -> tuple[Numbers, Numbers]:
        if self.quote and self.quote.encode() in text:
            starts, ends, *_ = self._split(text, last=True)
            return starts, ends
        codes = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(codes == NEWLINE) + 1
        if not len(ends) or ends[-1] < len(codes):
            ends = np.append(ends, len(codes))
        return np.concatenate(([0], ends[:-1])), ends
