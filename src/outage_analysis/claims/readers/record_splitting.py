"""Split the lines of a delimited text file into records, so that a damaged record does not affect the others.

An unclosed quotation mark would merge all lines below it into one record. Therefore a record of several
lines is accepted only if its quotation marks are correct and none of its lines is a complete row. Otherwise
only the first line is damaged, and the next line begins a new record.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

MAX_FIELD_LENGTH = 2_000_000
"""Largest number of characters of a field. DuckDB cannot read longer lines either."""
MIN_MERGED_ROWS = 3
"""Smallest number of merged rows that are split: only then is there a row between the first and the last."""
MAX_NOTE_LINES = 100
"""The end of a damaged record's note is searched in this number of lines below the record."""
NOT_CLOSED = "a quotation mark is not closed"
DOUBTFUL_LINE = "may belong to the note of a damaged record above"
UNDECODABLE = "bytes that are no text, or a NUL character"


@dataclass(frozen=True)
class Punctuation:
    """The delimiter, quote character and escape character of a delimited text file.

    `quote` is "" if fields are not quoted. `escape` is the character that escapes the next
    character; it is "" if quotation marks inside quoted fields are doubled instead. `spaced` is whether
    spaces after a delimiter are skipped.
    """

    delimiter: str
    quote: str
    escape: str = ""
    spaced: bool = False

    @property
    def reader_options(self) -> dict[str, object]:
        """The options for `csv.reader`. In strict mode it reports a stray quotation mark as an error."""
        return {
            "delimiter": self.delimiter,
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            "quotechar": self.quote or None,
            "escapechar": self.escape or None,
            "skipinitialspace": self.spaced,
            "strict": True,
        }

    @cached_property
    def patterns(self) -> LinePatterns:
        """The patterns of lines; used only if `quote` is not empty."""
        quote, delimiter, escape = map(re.escape, (self.quote, self.delimiter, self.escape))
        pair = f"{escape}(?s:.)|" if escape else ""
        spaces = " *+" if self.spaced else ""
        inside = f"(?:{pair}[^{quote}{escape}]|{quote}{quote})*+"
        opening = f"{spaces}{quote}{inside}"
        field = f"(?:{opening}{quote}|(?!{spaces}{quote})(?:{pair}[^{delimiter}\r\n])*+)"
        strict = f"(?:{opening}{quote}|(?!{spaces}{quote})(?:{pair}[^{quote}{delimiter}\r\n])*+)"
        more, end = f"(?:{delimiter}{field})*+", "[\r\n]*+"
        return LinePatterns(
            re.compile(f"{strict}(?:{delimiter}{strict})*+{end}"),
            re.compile(f"(?:{field}{delimiter})*+{opening}"),
            re.compile(f"{inside}{quote}{more}{end}"),
            re.compile(f"{inside}(?:{quote}{more}{delimiter}{opening})?+"),
            re.compile(f"(?:[^{quote}]*{delimiter})?{spaces}{quote}"),
        )


@dataclass(frozen=True)
class LinePatterns:
    """Patterns of whole lines. A line is "open" if it ends inside a quoted field."""

    well_formed: re.Pattern[str]
    """A record in which each field is either completely quoted or free of quotation marks."""
    opened: re.Pattern[str]
    """The first line of a record of several lines."""
    closing: re.Pattern[str]
    """The last line of a record of several lines."""
    still_open: re.Pattern[str]
    """A line between the first and the last line of a record."""
    mark_at_start: re.Pattern[str]
    """Matches a line whose first quotation mark is at the start of a field."""


@dataclass(frozen=True, slots=True)
class SplitRecord:
    """One record of a delimited text file: its lines, and its cells.

    `problem` explains why the record cannot be split into cells. It is empty if the record can be split.
    """

    lines: Sequence[str]
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True)
class RecordSplitter:
    """Splits lines into records. `width` is the number of fields per record."""

    marks: Punctuation
    width: int

    def split(self, lines: Iterable[str]) -> Iterator[SplitRecord]:
        """Yield the records of a file. The lines must include their line ends."""
        marks, source = self.marks, _Lines(lines)
        for line in source:
            marked = (marks.quote and marks.quote in line) or (marks.escape and marks.escape in line)
            if "\0" in line:
                yield SplitRecord([line], self.naive_cells(line), UNDECODABLE)
            elif not marked and len(line) <= MAX_FIELD_LENGTH:
                yield SplitRecord([line], self._plain_cells(line))
            else:
                record = self._marked_record(line, source)
                yield record
                if record.problem:
                    yield from self._rest_of_note(source, may_be_row=len(record.cells) == self.width)

    def _plain_cells(self, line: str) -> list[str]:
        text = line.rstrip("\r\n")
        if not text:
            return []
        cells = text.split(self.marks.delimiter)
        return [cell.lstrip(" ") for cell in cells] if self.marks.spaced else cells

    def naive_cells(self, line: str) -> list[str]:
        """Split a line into cells after its quotation marks are removed."""
        return self._plain_cells(line.replace(self.marks.quote, "") if self.marks.quote else line)

    def _marked_record(self, first: str, source: _Lines) -> SplitRecord:
        marks = self.marks
        if not marks.quote or not marks.patterns.opened.fullmatch(first):
            return self._parsed([first])
        patterns, lines, size = marks.patterns, [first], len(first)
        for line in source:
            lines.append(line)
            size += len(line)
            if size > MAX_FIELD_LENGTH or "\0" in line:
                break
            if marks.quote not in line:
                continue
            if patterns.closing.fullmatch(line):
                record = self._parsed(lines)
                if record.problem or self._are_rows(lines, fits=len(record.cells) == self.width):
                    break
                return record
            if not patterns.still_open.fullmatch(line):
                break
        source.put_back(lines[1:])
        return SplitRecord([first], self.naive_cells(first), NOT_CLOSED)

    def _parsed(self, lines: list[str]) -> SplitRecord:
        """Split the lines of a record into cells with the csv module."""
        try:
            cells = next(csv.reader(iter(lines), **self.marks.reader_options))  # type: ignore[arg-type]
        except csv.Error as error:
            return SplitRecord(lines, self.naive_cells(lines[0]), str(error))
        return SplitRecord(lines, cells)

    def _are_rows(self, lines: Sequence[str], *, fits: bool) -> bool:
        has_width = (len(self.naive_cells(line)) == self.width for line in lines)
        if not fits:
            return any(list(has_width)[1:])
        opens = self.marks.patterns.mark_at_start.match(lines[-1]) is not None
        return opens and len(lines) >= MIN_MERGED_ROWS and all(has_width)

    def _rest_of_note(self, source: _Lines, *, may_be_row: bool) -> Iterator[SplitRecord]:
        quote = self.marks.quote
        if not quote:
            return
        ahead = list(islice(source, MAX_NOTE_LINES))
        last = 0
        for number, line in enumerate(ahead, start=1):
            if quote in line and not self.marks.patterns.well_formed.fullmatch(line):
                closes = not self.marks.patterns.mark_at_start.match(line)
                is_row = may_be_row and len(self.naive_cells(line)) >= self.width
                last = number if closes and not is_row else 0
                break
        source.put_back(ahead[last:])
        for line in ahead[:last]:
            cells = self._plain_cells(line)
            yield SplitRecord([line], cells, DOUBTFUL_LINE if cells else "")


class _Lines:
    """An iterator of lines that can be pushed back and read again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._source = iter(lines)
        self._waiting: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self._waiting.popleft() if self._waiting else next(self._source)

    def put_back(self, lines: Sequence[str]) -> None:
        """Push lines back, so that they are read next."""
        self._waiting.extendleft(reversed(lines))


BLOCK_BYTES = 1 << 20
MAX_RECORD_BYTES = 1 << 25
"""Most bytes of a record. Otherwise an unclosed quotation mark would make the whole file one record."""
MAX_UNEVEN = 1_000_000
"""Most records whose number of fields differs from the header. A file with more is read row by row."""
NEWLINE, RETURN = 10, 13

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass
class RecordIndex:
    """The positions of the records in a delimited text file, numbered from 1 including the header.

    The index is built in one pass over the bytes of the file, while DuckDB reads the same file. It shows
    whether DuckDB splits the file correctly, counts the records independently of DuckDB, and finds a record
    by its number.
    """

    path: Path
    marks: Punctuation
    width: int
    """The number of fields that a record should have."""
    header_row: int
    """The record number of the header; 0 if there is none. Records up to the header are not checked."""
    begin: int
    """The byte at which the first record begins."""
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

    def __post_init__(self) -> None:
        """Build the index; stop as soon as `regular` becomes false: others may find different records."""
        rest, offset, last = b"", self.begin, False
        with self.path.open("rb") as stream:
            stream.seek(offset)
            while self.regular and not last:
                block = stream.read(BLOCK_BYTES)
                text, last = rest + block, not block
                length = self._add_records(text, offset, last=last) if text else 0
                rest, offset = text[length:], offset + length
                self.regular &= len(rest) < MAX_RECORD_BYTES
        self._size = offset

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
        codes, delimiter = np.frombuffer(text, np.uint8), ord(self.marks.delimiter)
        marked = (codes == delimiter) | (codes == NEWLINE) | (codes == RETURN)
        if self.marks.quote:
            marked |= codes == ord(self.marks.quote)
        positions = np.flatnonzero(marked)
        kinds, quoted_delimiters = codes[positions], np.array([], np.int64)
        if self.marks.quote and (quoting := kinds == ord(self.marks.quote)).any():
            edges = (delimiter, NEWLINE, RETURN, ord(self.marks.quote))
            inside = (np.cumsum(quoting) & 1).astype(bool)
            opening, closing = positions[quoting & inside], positions[quoting & ~inside]
            for beside in (opening[opening > 0] - 1, closing[closing + 1 < len(codes)] + 1):
                self.regular &= bool(np.isin(codes[beside], edges).all())
            quoted = inside & ~quoting
            broken = bool((kinds[quoted] == NEWLINE).any())
            self.several_lines |= broken
            self.regular &= not (kinds[quoted] == RETURN).any() and not (last and inside[-1])
            if broken:
                quoted_delimiters = positions[quoted & (kinds == delimiter)]
            apart = ~(inside | quoting)
            positions, kinds = positions[apart], kinds[apart]
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
        owners = np.searchsorted(ends, quoted_delimiters, side="right")
        within = np.bincount(owners[owners < len(ends)], minlength=len(ends))
        return np.concatenate(([0], ends[:-1])), ends, fields, within

    def fetch(self, numbers: Sequence[int] | pl.Series) -> Iterator[tuple[int, int, str]]:
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
                if self.marks.quote and self.marks.quote.encode() in text:
                    starts, ends, *_ = self._split(text, last=True)
                else:
                    ends = np.append(np.flatnonzero(np.frombuffer(text, np.uint8) == NEWLINE) + 1, len(text))
                    starts = np.append(0, ends)
                for number in here.tolist():
                    start, end = starts[number - firsts[block]], ends[number - firsts[block]]
                    yield number, bounds[block] + int(start), text[start:end].decode()
