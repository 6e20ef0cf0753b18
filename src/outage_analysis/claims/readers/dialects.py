"""How a delimited text is cut into cells: delimiter, quotation mark, and the row of its header."""

from __future__ import annotations

import csv
import io
import mmap
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from outage_analysis.claims.readers.staging import HEADER_SEARCH_ROWS, Staging
from outage_analysis.errors import InputRefused

DELIMITERS = (",", ";", "\t", "|")
HEAD_BYTES = 1 << 20
SAMPLE_ROWS = 200
"""Rows by which a dialect is decided."""
PREVIEW_ROWS = 5_000
"""Rows by which the texts of a file are known before it is read, if its first megabyte has as many."""


@dataclass(frozen=True)
class Dialect:
    """Delimiter, quotation mark ("" for none), the header's cells and row (0 for none), fields of a row.

    `spaced` says whether spaces behind a delimiter are skipped.
    """

    delimiter: str
    quote: str
    headers: tuple[str, ...]
    header_row: int
    width: int
    spaced: bool = False
    shown: tuple[list[str], ...] = ()
    """Rows below the header, some."""

    @property
    def row_bytes(self) -> float:
        """About how many bytes a row takes."""
        rows = [sum(len(cell.encode()) + 1 for cell in row) for row in self.shown[:SAMPLE_ROWS]]
        return sum(rows) / len(rows) if rows else HEAD_BYTES

    def __str__(self) -> str:
        spaces = " with spaces" if self.spaced else ""
        quote = f"quote {self.quote}" if self.quote else "no quotes"
        row = f"header in row {self.header_row}" if self.header_row else "no header"
        wider = f", rows {self.surplus} wider than the header" if self.surplus else ""
        return f"delimiter {self.delimiter!r}{spaces}, {quote}, {row}{wider}"

    @property
    def surplus(self) -> int:
        """The number of fields of a row beyond the header, if all of them are empty."""
        return self.width - len(self.headers)

    @property
    def reader_options(self) -> dict[str, object]:
        """What the csv module needs to know."""
        return _reader_options(self.delimiter, self.quote, spaced=self.spaced)


def _reader_options(delimiter: str, quote: str, *, spaced: bool) -> dict[str, object]:
    """What the csv module needs to know; strict, so that it reports a stray mark and does not repair it."""
    if quote:
        marks = {"quotechar": quote, "skipinitialspace": spaced}
        return {"delimiter": delimiter, "strict": True, **marks}
    return {"delimiter": delimiter, "quoting": csv.QUOTE_NONE, "quotechar": None, "strict": True}


def detect_dialect(path: Path, staging: Staging) -> Dialect:
    """The dialect whose header names the most columns and whose rows best agree with it.

    Raises:
        InputRefused: no row at all, or a header that cannot be read.
    """
    layout, head = staging.layout, _head(path)
    if not head.strip():
        raise InputRefused("holds no row", file=staging.name)
    declared = re.match(r"sep=(.)\r?\n", head)
    lines = list(io.StringIO(head, newline=""))
    delimiters = (layout.delimiter,) if layout.delimiter else (declared[1],) if declared else DELIMITERS
    quotes = {None: ('"', "'"), "none": ("",)}.get(layout.quote, (layout.quote,))
    best: tuple[tuple[int, bool, float, int], Dialect, list[list[str]]] | None = None
    for quote in quotes:
        for delimiter in delimiters:
            if quote == "'" and layout.quote is None and not _apostrophes_quote_fields(head, delimiter):
                continue
            cut = _try_dialect(lines, staging, delimiter, quote or "")
            if cut is not None:
                found, sample = cut
                score = _score(sample.rows, found, staging, whole=sample.whole)
                if best is None or score > best[0]:
                    best = score, found, sample.rows
    if best is None:
        raise InputRefused(
            "has a header that cannot be read",
            file=staging.name,
            row=1,
            remedy="Look for a quotation mark that is not closed.",
        )
    _, dialect, rows = best
    staging.refuse_above(rows, dialect.header_row - 1)
    more = _sample(lines, dialect.reader_options, dialect.header_row + PREVIEW_ROWS)
    return replace(dialect, shown=tuple(more.rows[dialect.header_row :]))


def _head(path: Path) -> str:
    """The first lines, whole ones if there are several."""
    with path.open("rb") as stream:
        block = stream.read(HEAD_BYTES)
        if stream.read(1):
            block = block[: max(block.rfind(b"\n"), block.rfind(b"\r")) + 1] or block
    return block.decode("utf-8-sig", errors="ignore")


def _apostrophes_quote_fields(head: str, delimiter: str) -> bool:
    """Whether apostrophes stand around fields and quotation marks around none."""
    edge = rf"(?:^|{re.escape(delimiter)})"
    end = rf"(?={re.escape(delimiter)}|[\r\n]|$)"
    if re.search(rf'{edge}"', head, re.MULTILINE):
        return False
    return re.search(rf"{edge}'[^']*'{end}", head, re.MULTILINE) is not None


def _try_dialect(
    lines: Sequence[str], staging: Staging, delimiter: str, quote: str
) -> tuple[Dialect, _Sample] | None:
    """The dialect of a delimiter and a quotation mark, and the first rows; None where no row can be read.

    Spaces behind the delimiter are skipped if every field below the header has them: else the quotation
    marks behind them would be part of the values.
    """
    for spaced in (True, False) if quote and delimiter != " " else (False,):
        sample = _sample(
            lines, _reader_options(delimiter, quote, spaced=spaced), 1 + (staging.layout.header_row or 0)
        )
        if not sample.rows:
            continue
        found = _dialect(sample.rows, staging, delimiter, quote, spaced=spaced)
        if not spaced or space_after_every_delimiter(sample.text(lines, found.header_row), delimiter, quote):
            return found, sample
    return None


@dataclass(frozen=True)
class _Sample:
    """The first rows of a text, up to the first that cannot be read; `whole` if there is none such."""

    rows: list[list[str]]
    ends: list[int]
    """How many lines of the text end with each of them."""
    whole: bool

    def text(self, lines: Sequence[str], header_row: int) -> str:
        """The text of the rows below the header."""
        first = self.ends[header_row - 1] if 0 < header_row <= len(self.ends) else 0
        return "".join(lines[first : self.ends[-1]])


def _sample(lines: Sequence[str], options: dict[str, object], least: int) -> _Sample:
    """The first rows, at least so many if there are."""
    rows: list[list[str]] = []
    ends: list[int] = []
    reader = csv.reader(iter(lines), **options)  # type: ignore[arg-type]
    try:
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
            if len(rows) >= max(SAMPLE_ROWS, least):
                break
    except csv.Error:
        return _Sample(rows, ends, whole=False)
    return _Sample(rows, ends, whole=True)


def _dialect(rows: list[list[str]], staging: Staging, delimiter: str, quote: str, *, spaced: bool) -> Dialect:
    place = staging.header_among(rows)
    if place < 0:
        width = max(len(row) for row in rows[:HEADER_SEARCH_ROWS])
        return Dialect(delimiter, quote, tuple(str(n + 1) for n in range(width)), 0, width, spaced)
    cells = rows[place] if place < len(rows) else []
    headers = tuple(c.strip() for c in cells)
    return Dialect(delimiter, quote, headers, place + 1, _width(rows[place + 1 :], len(headers)), spaced)


def _width(body: list[list[str]], named: int) -> int:
    """The fields of a row: those of the header, or more if several rows all end in as many empty ones."""
    widths = {len(row) for row in body if row}
    same = widths.pop() if len(widths) == 1 else named
    surplus = len(body) > 1 and same > named and not any(any(row[named:]) for row in body)
    return same if surplus else named


def _score(
    rows: list[list[str]], dialect: Dialect, staging: Staging, *, whole: bool
) -> tuple[int, bool, float, int]:
    """How many columns are named, whether each row can be read, the share that fits the header, its width."""
    width = len(dialect.headers)
    body = [row for row in rows[dialect.header_row :] if row]
    fitting = sum(len(row) == dialect.width for row in body) / len(body) if body else 0.0
    named = staging.layout.recognised(dialect.headers, staging.columns)
    return len(named), whole, fitting * (width > 1), width


MISPLACED_QUOTE = "a quotation mark inside a field that does not begin with one"


@dataclass(frozen=True)
class QuotingCheck:
    """The marks of one delimited text: where it begins, its delimiter and its quotation mark."""

    path: Path
    begin: int
    delimiter: str
    quote: str
    """An empty text where every mark is text."""
    spaced: bool
    """Whether spaces behind a delimiter are skipped."""

    def problem(self, record: str, cells: list[str]) -> str:
        """What is wrong with the quotation marks of a record that the csv module has cut into cells, or "".

        A file without a quoted field may have marks in its texts: 5" is five inches. In a file with
        quoted fields, a mark inside a field that is not quoted has lost the delimiter before it, or its
        partner. So has a mark behind a space, unless spaces are skipped.
        """
        if not self.quote or not any(self.quote in cell for cell in cells):
            return ""
        if self._well_formed.fullmatch(record):
            return ""
        return MISPLACED_QUOTE if self._behind_a_space.search(record) or self._quotes_fields else ""

    @cached_property
    def _well_formed(self) -> re.Pattern[str]:
        """A record whose fields are quoted as a whole or hold no mark."""
        mark, delimiter = re.escape(self.quote), re.escape(self.delimiter)
        spaces = " *+" if self.spaced else ""
        quoted = f"{spaces}{mark}[^{mark}]*+(?:{mark}{mark}[^{mark}]*+)*+{mark}"
        field = f"(?:{quoted}|[^{mark}{delimiter}]*+)"
        return re.compile(f"{field}(?:{delimiter}{field})*+[\r\n]*")

    @cached_property
    def _behind_a_space(self) -> re.Pattern[str]:
        """A mark at the beginning of a field, with spaces before it."""
        return re.compile(f"(?:^|{re.escape(self.delimiter)}) +{re.escape(self.quote)}")

    @cached_property
    def _quotes_fields(self) -> bool:
        """Whether any field of the file is quoted: the first mark behind a delimiter or a line opens one."""
        mark, delimiter = (re.escape(text.encode()) for text in (self.quote, self.delimiter))
        opening = re.compile(b"(?:[\r\n]|" + delimiter + b")" + b" *" * self.spaced + mark)
        with self.path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
            first = text[self.begin : self.begin + 1] == self.quote.encode()
            return first or opening.search(text, self.begin) is not None


def space_after_every_delimiter(text: str, delimiter: str, quote: str) -> bool:
    """Whether a space is behind every delimiter of a text before which a field begins that is not empty."""
    mark, delimiter = re.escape(quote), re.escape(delimiter)
    bare = re.sub(f"{mark}[^{mark}]*{mark}", "x", text)
    return f"{delimiter} " in bare and re.search(f"{delimiter}[^ {delimiter}\r\n]", bare) is None
