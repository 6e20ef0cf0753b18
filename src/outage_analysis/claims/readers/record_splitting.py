"""Split the lines of a delimited text file into records, so that a damaged record does not affect the others.

An unclosed quotation mark would merge all lines below it into one record. Therefore a record of several
lines is accepted only if its quotation marks are correct and none of its lines is a complete row. Otherwise
only the first line is damaged, and the next line begins a new record.
"""

from __future__ import annotations

import csv
import mmap
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

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
        marks: dict[str, object] = {"quoting": csv.QUOTE_NONE, "quotechar": None}
        if self.quote:
            marks = {"quotechar": self.quote, "skipinitialspace": self.spaced}
        return {"delimiter": self.delimiter, "strict": True, "escapechar": self.escape or None, **marks}

    @cached_property
    def patterns(self) -> LinePatterns:
        """The patterns of lines; used only if `quote` is not empty."""
        quote, delimiter = re.escape(self.quote), re.escape(self.delimiter)
        spaces = " *+" if self.spaced else ""
        inner, outer, plain = (
            f"[^{quote}]|{quote}{quote}",
            f"[^{delimiter}\r\n]",
            f"[^{quote}{delimiter}\r\n]",
        )
        if self.escape:
            pair = f"{re.escape(self.escape)}(?s:.)"
            inner = f"[^{quote}{re.escape(self.escape)}]|{pair}|{quote}{quote}"
            outer, plain = (f"{pair}|{text}" for text in (outer, plain))
        inside = f"(?:{inner})*+"
        opening = f"{spaces}{quote}{inside}"
        field = f"(?:{opening}{quote}|(?!{spaces}{quote})(?:{outer})*+)"
        strict = f"(?:{opening}{quote}|(?!{spaces}{quote})(?:{plain})*+)"
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
        source = _Lines(lines)
        for line in source:
            if "\0" in line:
                yield SplitRecord([line], self.naive_cells(line), UNDECODABLE)
            elif self._is_plain(line):
                yield SplitRecord([line], self._plain_cells(line))
            else:
                record = self._marked_record(line, source)
                yield record
                if record.problem:
                    yield from self._rest_of_note(source, may_be_row=len(record.cells) == self.width)

    def _is_plain(self, line: str) -> bool:
        marks = self.marks
        marked = (marks.quote and marks.quote in line) or (marks.escape and marks.escape in line)
        return not marked and len(line) <= MAX_FIELD_LENGTH

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


MISPLACED_QUOTE = "a quotation mark inside a field that does not begin with one"


@dataclass(frozen=True)
class QuotingCheck:
    """Checks the quotation marks in a delimited text file whose content starts at the byte `begin`."""

    path: Path
    begin: int
    marks: Punctuation

    def problem(self, record: str, cells: list[str]) -> str:
        """Return what is wrong with the quotation marks of a record, or "" if they are correct.

        In a file without quoted fields, a quotation mark is an ordinary character (5" pipe). In a file
        with quoted fields, a quotation mark inside an unquoted field is an error: the delimiter before it or
        the second quotation mark is missing. A quotation mark after spaces at the beginning of a field is
        also an error, unless the reader skips these spaces.
        """
        quote = self.marks.quote
        if not quote or not any(quote in cell for cell in cells):
            return ""
        if self.marks.patterns.well_formed.fullmatch(record):
            return ""
        after_spaces = f"(?:^|{re.escape(self.marks.delimiter)}) +{re.escape(quote)}"
        return MISPLACED_QUOTE if re.search(after_spaces, record) or self._quotes_fields else ""

    @cached_property
    def _quotes_fields(self) -> bool:
        mark, delimiter = (re.escape(text.encode()) for text in (self.marks.quote, self.marks.delimiter))
        opening = re.compile(b"(?:[\r\n]|" + delimiter + b")" + b" *" * self.marks.spaced + mark)
        with self.path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
            first = text[self.begin : self.begin + 1] == self.marks.quote.encode()
            return first or opening.search(text, self.begin) is not None
