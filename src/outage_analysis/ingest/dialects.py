"""How a delimited text is cut into cells: delimiter, quotation mark, and the row of its header."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from pathlib import Path

from outage_analysis.errors import InputRefused
from outage_analysis.ingest.staging import HEADER_AMONG, Staging

DELIMITERS = (",", ";", "\t", "|")
HEAD_BYTES = 1 << 20
SAMPLE = 200
"""Rows by which a dialect is decided."""
SHOWN = 5_000
"""Rows by which the texts of a file are known before it is read, if its first megabyte has as many."""


@dataclass(frozen=True)
class Dialect:
    """Delimiter, quotation mark ("" for none), the header's cells and row (0 for none), fields of a row."""

    delimiter: str
    quote: str
    headers: tuple[str, ...]
    header_row: int
    width: int
    shown: tuple[list[str], ...] = ()
    """Rows below the header, some."""

    @property
    def row_bytes(self) -> float:
        """About how many bytes a row takes."""
        rows = [sum(len(cell.encode()) + 1 for cell in row) for row in self.shown[:SAMPLE]]
        return sum(rows) / len(rows) if rows else HEAD_BYTES

    def __str__(self) -> str:
        quote = f"quote {self.quote}" if self.quote else "no quotes"
        row = f"header in row {self.header_row}" if self.header_row else "no header"
        return f"delimiter {self.delimiter!r}, {quote}, {row}"


def reader_options(delimiter: str, quote: str) -> dict[str, object]:
    """What the csv module needs to know; strict, so that a stray mark is told and not repaired."""
    if quote:
        return {"delimiter": delimiter, "quotechar": quote, "strict": True}
    return {"delimiter": delimiter, "quoting": csv.QUOTE_NONE, "quotechar": None, "strict": True}


def decide(path: Path, staging: Staging) -> Dialect:
    """The dialect whose header names the most columns and whose rows best agree with it.

    Raises:
        InputRefused: no row at all, or a header that cannot be read.
    """
    layout, head = staging.layout, _head(path)
    if not head.strip():
        raise InputRefused("holds no row", file=staging.name)
    declared = re.match(r"sep=(.)\r?\n", head)
    delimiters = (layout.delimiter,) if layout.delimiter else (declared[1],) if declared else DELIMITERS
    quotes = {None: ('"', "'"), "none": ("",)}.get(layout.quote, (layout.quote,))
    best: tuple[tuple[int, bool, float, int], Dialect, list[list[str]]] | None = None
    for quote in quotes:
        for delimiter in delimiters:
            if quote == "'" and layout.quote is None and not _encloses(head, delimiter):
                continue
            rows, whole = _sample(head, delimiter, quote or "", 1 + (layout.header_row or 0))
            if rows:
                found = _dialect(rows, staging, delimiter, quote or "")
                score = _score(rows, found, staging, whole=whole)
                if best is None or score > best[0]:
                    best = score, found, rows
    if best is None:
        raise InputRefused(
            "has a header that cannot be read",
            file=staging.name,
            row=1,
            remedy="Look for a quotation mark that is not closed.",
        )
    _, dialect, rows = best
    staging.refuse_above(rows, dialect.header_row - 1)
    more, _ = _sample(head, dialect.delimiter, dialect.quote, dialect.header_row + SHOWN)
    return replace(dialect, shown=tuple(more[dialect.header_row :]))


def _head(path: Path) -> str:
    """The first lines, whole ones if there are several."""
    with path.open("rb") as stream:
        block = stream.read(HEAD_BYTES)
        if stream.read(1):
            block = block[: max(block.rfind(b"\n"), block.rfind(b"\r")) + 1] or block
    return block.decode("utf-8-sig", errors="ignore")


def _encloses(head: str, delimiter: str) -> bool:
    """Whether apostrophes stand around fields and quotation marks around none."""
    edge = rf"(?:^|{re.escape(delimiter)})"
    end = rf"(?={re.escape(delimiter)}|[\r\n]|$)"
    if re.search(rf'{edge}"', head, re.MULTILINE):
        return False
    return re.search(rf"{edge}'[^']*'{end}", head, re.MULTILINE) is not None


def _sample(head: str, delimiter: str, quote: str, least: int) -> tuple[list[list[str]], bool]:
    """The first rows, at least so many, up to the first that cannot be read; whether there is none such."""
    rows: list[list[str]] = []
    options = reader_options(delimiter, quote)
    try:
        for row in csv.reader(io.StringIO(head, newline=""), **options):  # type: ignore[arg-type]
            rows.append(row)
            if len(rows) >= max(SAMPLE, least):
                break
    except csv.Error:
        return rows, False
    return rows, True


def _dialect(rows: list[list[str]], staging: Staging, delimiter: str, quote: str) -> Dialect:
    place = staging.header_among(rows)
    if place < 0:
        width = max(len(row) for row in rows[:HEADER_AMONG])
        return Dialect(delimiter, quote, tuple(str(n + 1) for n in range(width)), 0, width)
    cells = rows[place] if place < len(rows) else []
    headers = tuple(c.strip() for c in cells)
    return Dialect(delimiter, quote, headers, place + 1, _width(rows[place + 1 :], len(headers)))


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
