"""Where the records of a delimited text stand, and which of them do not have the fields of the header.

One pass over the bytes, while the engine reads the same file: it says whether the engine can be believed,
counts the records for the account, and lets any of them be found again by its number.
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
"""Bytes within which a record ends; behind a mark that nobody closes the whole file would be one."""
MAX_GAPS = 1_000
"""Blank records among others of which each row behind knows; a file of more is read row by row."""
MAX_UNEVEN = 1_000_000
"""Records of other fields than the header's that are kept in mind; a file of more is read row by row."""
NEWLINE, RETURN = 10, 13

Numbers = np.ndarray[Any, np.dtype[np.int64]]
Codes = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass
class RecordIndex:
    """What the bytes of one text say. Records count from 1, as a person counts rows."""

    path: Path
    delimiter: str
    quote: str
    width: int
    """The fields that a record should have."""
    header_row: int
    """Records down to it are not looked at."""
    records: int = 0
    uneven: list[int] = field(default_factory=list)
    """The numbers of the records with more or fewer fields, or of several lines that might be rows."""
    blanks: int = 0
    """Records without any character at the end of the file."""
    regular: bool = True
    """Whether lines end in LF or CR LF, marks stand where they should, and few records inside are blank.

    Only then does the engine cut a text as the csv module does, and is it known where a row of it stands.
    """
    gaps: list[int] = field(default_factory=list)
    """The numbers of the records without any character among others."""
    several_lines: bool = False
    """Whether a record goes on behind the end of a line."""
    _blocks: list[tuple[int, int]] = field(default_factory=list)
    """The number and the byte of the first record of each block."""
    _size: int = 0

    @classmethod
    def of(
        cls, path: Path, delimiter: str, quote: str, *, width: int, header_row: int, begin: int
    ) -> RecordIndex:
        """Look at every byte of a file from `begin` on; stops where it is seen not to be regular."""
        found = cls(path, delimiter, quote, width, header_row)
        with path.open("rb") as stream:
            stream.seek(begin)
            rest, offset = b"", begin
            while found.regular:
                block = stream.read(BLOCK_BYTES)
                text = rest + block
                taken = found._note(text, offset, last=not block) if text else 0
                rest, offset = text[taken:], offset + taken
                if not block:
                    break
                found.regular &= len(rest) < MAX_RECORD_BYTES
        found._size = offset
        return found

    def _note(self, text: bytes, offset: int, *, last: bool) -> int:
        """Note the whole records of a text that begins with one; how many bytes they take."""
        starts, ends, fields, within = self._cut(text, last=last)
        if not len(ends):
            return 0
        self._blocks.append((self.records + 1, offset))
        numbers = np.arange(self.records + 1, self.records + 1 + len(ends))
        codes = np.frombuffer(text, np.uint8)
        newlines = codes[ends - 1] == NEWLINE
        returned = newlines & (ends - starts > 1) & (codes[ends - 2] == RETURN)
        blank = ends - starts == newlines.astype(int) + returned
        self._note_blanks(numbers[blank], numbers[~blank])
        # Two stray marks make one record of whole rows: it then holds the delimiters of two rows at least.
        together = (within >= self.width - 1) & (within > 0)
        uneven = ((fields != self.width) | together) & (numbers > self.header_row) & ~blank
        self.uneven += numbers[uneven].tolist()
        self.regular &= len(self.uneven) <= MAX_UNEVEN
        self.records += len(ends)
        return int(ends[-1])

    def _note_blanks(self, blank: Numbers, filled: Numbers) -> None:
        """Blank records are gaps as soon as a filled one comes behind them."""
        if len(filled):
            inside = np.searchsorted(blank, filled[-1])
            waiting = range(self.records + 1 - self.blanks, self.records + 1)
            self.regular &= len(self.gaps) + len(waiting) + int(inside) <= MAX_GAPS
            if self.regular:
                self.gaps += [*waiting, *blank[:inside].tolist()]
            blank, self.blanks = blank[inside:], 0
        self.blanks += len(blank)

    def _cut(self, text: bytes, *, last: bool) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Where each record begins and ends, its newline included, and how many fields it has.

        And, where ends of lines stand between quotation marks, how many delimiters do.
        """
        codes = np.frombuffer(text, np.uint8)
        marks = (codes == ord(self.delimiter)) | (codes == NEWLINE) | (codes == RETURN)
        if self.quote:
            marks |= codes == ord(self.quote)
        at = np.flatnonzero(marks)
        kinds, held = codes[at], np.array([], np.int64)
        if self.quote and (kinds == ord(self.quote)).any():
            at, kinds, held = self._unquoted(codes, at, kinds, last=last)
        returns = kinds == RETURN
        if returns.any():
            behind = at[returns] + 1
            # One at the end of what is read so far is looked at again with what follows.
            self.regular &= bool((codes[behind[behind < len(codes)]] == NEWLINE).all())
            self.regular &= not (last and behind[-1] == len(codes))
            at, kinds = at[~returns], kinds[~returns]
        lines = np.flatnonzero(kinds == NEWLINE)
        ends = at[lines] + 1
        fields = np.diff(lines, prepend=-1)
        if last and (not len(ends) or ends[-1] < len(codes)):  # the last record needs no newline
            fields = np.append(fields, len(kinds) - (lines[-1] + 1 if len(lines) else 0) + 1)
            ends = np.append(ends, len(codes))
        inside = np.searchsorted(ends, held, side="right")
        within = np.bincount(inside[inside < len(ends)], minlength=len(ends))
        return np.concatenate(([0], ends[:-1])), ends, fields, within

    def _unquoted(
        self, codes: Codes, at: Numbers, kinds: Codes, *, last: bool
    ) -> tuple[Numbers, Codes, Numbers]:
        """The marks that are none and stand between none; and the delimiters that do, if ends of lines do."""
        quoting = kinds == ord(self.quote)
        inside = (np.cumsum(quoting) & 1).astype(bool)
        opening, closing = at[quoting & inside], at[quoting & ~inside]
        edges = (ord(self.delimiter), NEWLINE, RETURN, ord(self.quote))
        before = codes[opening[opening > 0] - 1]
        behind = codes[closing[closing + 1 < len(codes)] + 1]
        self.regular &= bool(np.isin(before, edges).all() and np.isin(behind, edges).all())
        held = inside & ~quoting
        broken = bool((kinds[held] == NEWLINE).any())
        self.several_lines |= broken
        self.regular &= not (kinds[held] == RETURN).any() and not (last and inside[-1])
        apart = ~(inside | quoting)
        delimiters = at[held & (kinds == ord(self.delimiter))] if broken else np.array([], np.int64)
        return at[apart], kinds[apart], delimiters

    def fetch(self, numbers: Sequence[int]) -> Iterator[tuple[int, int, str]]:
        """Number, byte and text of these records, which must rise."""
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
                starts, ends = self._whole(text)
                for number in here.tolist():
                    start, end = starts[number - firsts[block]], ends[number - firsts[block]]
                    yield number, bounds[block] + int(start), text[start:end].decode()

    def _whole(self, text: bytes) -> tuple[Numbers, Numbers]:
        """Where each record of whole ones begins and ends; where nothing is quoted, lines are records."""
        if self.quote and self.quote.encode() in text:
            starts, ends, *_ = self._cut(text, last=True)
            return starts, ends
        codes = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(codes == NEWLINE) + 1
        if not len(ends) or ends[-1] < len(codes):
            ends = np.append(ends, len(codes))
        return np.concatenate(([0], ends[:-1])), ends
