"""Split the lines of a delimited text file into records, so that one damaged record costs one record.

A quotation mark that is never closed would make one record of all lines below it. So a record of several
lines counts only if its quotation marks are correct and no line of it is a row by itself. Otherwise only its
first line is damaged, and the next line begins a new record.
"""

from __future__ import annotations

import csv
import mmap
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

MAX_FIELD_LENGTH = 2_000_000
"""Most characters of one field. DuckDB cannot read longer lines either."""
MIN_MERGED_ROWS = 3
"""Fewest rows that stray marks merge so that there is a row to save between the first and the last one."""
MAX_NOTE_LINES = 100
"""Below a damaged record, the end of a note is searched in this number of lines."""
NOT_CLOSED = "a quotation mark is not closed"
DOUBTFUL_LINE = "may belong to the note of a damaged record above"
UNDECODABLE = "bytes that are no text, or a NUL character"


@dataclass(frozen=True)
class Punctuation:
    """The characters that divide a delimited text file into fields.

    `quote` is "" if fields are not quoted. `escape` is the character that makes the next character ordinary
    text; it is "" if a quotation mark inside a quoted field is doubled instead. `spaced` states whether
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
        """The patterns of lines; only of a file with a quotation mark."""
        return LinePatterns.of(self)


@dataclass(frozen=True)
class LinePatterns:
    """Patterns of whole lines. A record that is still open ends inside a quoted field."""

    well_formed: re.Pattern[str]
    """A record whose fields are each quoted as a whole or contain no quotation mark."""
    complete: re.Pattern[str]
    """A record that the csv module can read: it allows quotation marks inside unquoted fields."""
    opened: re.Pattern[str]
    """The first line of a record that is still open."""
    closing: re.Pattern[str]
    """The last line of a record of several lines."""
    still_open: re.Pattern[str]
    """A line between them."""
    mark_at_start: re.Pattern[str]
    """The first quotation mark of a line, if it is at the start of a field."""

    @classmethod
    def of(cls, marks: Punctuation) -> LinePatterns:
        """Return the patterns of a file with this punctuation."""
        quote, delimiter = re.escape(marks.quote), re.escape(marks.delimiter)
        spaces = " *+" if marks.spaced else ""
        inner, outer, plain = (
            f"[^{quote}]|{quote}{quote}",
            f"[^{delimiter}\r\n]",
            f"[^{quote}{delimiter}\r\n]",
        )
        if marks.escape:
            pair = f"{re.escape(marks.escape)}(?s:.)"
            inner = f"[^{quote}{re.escape(marks.escape)}]|{pair}|{quote}{quote}"
            outer, plain = (f"{pair}|{text}" for text in (outer, plain))
        inside = f"(?:{inner})*+"
        opening = f"{spaces}{quote}{inside}"
        field = f"(?:{opening}{quote}|(?!{spaces}{quote})(?:{outer})*+)"
        strict = f"(?:{opening}{quote}|(?!{spaces}{quote})(?:{plain})*+)"
        more, end = f"(?:{delimiter}{field})*+", "[\r\n]*+"
        return cls(
            re.compile(f"{strict}(?:{delimiter}{strict})*+{end}"),
            re.compile(f"{field}{more}{end}"),
            re.compile(f"(?:{field}{delimiter})*+{opening}"),
            re.compile(f"{inside}{quote}{more}{end}"),
            re.compile(f"{inside}(?:{quote}{more}{delimiter}{opening})?+"),
            re.compile(f"(?:[^{quote}]*{delimiter})?{spaces}{quote}"),
        )


@dataclass(frozen=True, slots=True)
class SplitRecord:
    """One record of a delimited text file: its lines, and its cells.

    `problem` states why the record cannot be split into cells. It is empty if the record can be split.
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
        """Yield the records of a file, whose lines are given with their line ends."""
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
        """Return whether a line has no quotation mark, no escape character and no extreme length."""
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
        """Return the fields of a line as if it contained no quotation mark."""
        return self._plain_cells(line.replace(self.marks.quote, "") if self.marks.quote else line)

    def _marked_record(self, first: str, source: _Lines) -> SplitRecord:
        """Return the record that begins with a line with marks. It takes further lines from the source."""
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
        """Return a record whose end is known, split into cells by the csv module."""
        try:
            cells = next(csv.reader(iter(lines), **self.marks.reader_options))  # type: ignore[arg-type]
        except csv.Error as error:
            return SplitRecord(lines, self.naive_cells(lines[0]), str(error))
        return SplitRecord(lines, cells)

    def _are_rows(self, lines: Sequence[str], *, fits: bool) -> bool:
        """Return whether a record of several lines is certainly several rows, merged by stray marks.

        If the record does not have the number of fields of a row (`fits`), one line of it below the first
        has. If it does, all its lines have, and the mark that closes it is at the start of a field, so that
        it should open one. A note that copies rows ends in text.
        """
        has_width = (len(self.naive_cells(line)) == self.width for line in lines)
        if not fits:
            return any(list(has_width)[1:])
        opens = self.marks.patterns.mark_at_start.match(lines[-1]) is not None
        return opens and len(lines) >= MIN_MERGED_ROWS and all(has_width)

    def _rest_of_note(self, source: _Lines, *, may_be_row: bool) -> Iterator[SplitRecord]:
        """Yield the lines below a damaged record that may belong to a note that it begins, as damaged.

        The note ends at a line with a quotation mark that closes a field. If the damaged record and that line
        both have as many fields as a row (`may_be_row` for the record), or if no such line follows, every
        line below is a record of its own.
        """
        quote = self.marks.quote
        if not quote:
            return
        ahead = source.take(MAX_NOTE_LINES)
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
    """An iterator of lines to which lines can be put back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._source = iter(lines)
        self._waiting: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self._waiting.popleft() if self._waiting else next(self._source)

    def put_back(self, lines: Sequence[str]) -> None:
        """Put lines in front of the others."""
        self._waiting.extendleft(reversed(lines))

    def take(self, most: int) -> list[str]:
        """Return the next lines, at most this many."""
        lines: list[str] = []
        while len(lines) < most and (line := next(self, None)) is not None:
            lines.append(line)
        return lines


MISPLACED_QUOTE = "a quotation mark inside a field that does not begin with one"


@dataclass(frozen=True)
class QuotingCheck:
    """Check of the quotation marks in one delimited text file, whose text starts at the byte `begin`."""

    path: Path
    begin: int
    marks: Punctuation

    def problem(self, record: str, cells: list[str]) -> str:
        """Return what is wrong with the quotation marks of a record, or "" if they are correct.

        In a file without quoted fields, a quotation mark is ordinary text: 5" means five inches. In a file
        with quoted fields, a quotation mark inside an unquoted field is an error: the delimiter before it or
        the second quotation mark is missing. A quotation mark after spaces at the beginning of a field is
        also an error, unless the reader skips these spaces.
        """
        quote = self.marks.quote
        if not quote or not any(quote in cell for cell in cells):
            return ""
        if self.marks.patterns.well_formed.fullmatch(record):
            return ""
        return MISPLACED_QUOTE if self._quote_after_spaces.search(record) or self._quotes_fields else ""

    @cached_property
    def _quote_after_spaces(self) -> re.Pattern[str]:
        """Pattern of a field that begins with spaces and a quotation mark."""
        return re.compile(f"(?:^|{re.escape(self.marks.delimiter)}) +{re.escape(self.marks.quote)}")

    @cached_property
    def _quotes_fields(self) -> bool:
        """Whether the file has a quoted field: a quotation mark after a delimiter or a line break."""
        mark, delimiter = (re.escape(text.encode()) for text in (self.marks.quote, self.marks.delimiter))
        opening = re.compile(b"(?:[\r\n]|" + delimiter + b")" + b" *" * self.marks.spaced + mark)
        with self.path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
            first = text[self.begin : self.begin + 1] == self.marks.quote.encode()
            return first or opening.search(text, self.begin) is not None
