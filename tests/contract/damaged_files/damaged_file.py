"""A damaged file with its truth, and the registry of the kinds of damage."""

from __future__ import annotations

import csv
import io
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.contract.damaged_files.clean_table import NAMES, Case, Record, Table

TUNE, HELD_OUT = "tune", "held out"
SEEDS = int(os.environ.get("BENCH_SEEDS", "1"))
"""Seeds of each half: BENCH_SEEDS makes more files."""
HALVES = {TUNE: range(1, 1 + SEEDS), HELD_OUT: range(101, 101 + SEEDS)}
"""Half -> its seeds. The package may be improved on files of the first half alone."""


@dataclass(frozen=True)
class DamagedFile:
    """The bytes of a file, and what an attentive person would read in it.

    `records` are the complaints that can be read with certainty. `damaged` are those that are beyond repair:
    a reader may leave them out, but if it reads one of them, then as it was. What a reader needs to be told
    (the delimiter, the headers, the line of the header) is stated for the readers that do not find it.
    """

    name: str
    data: bytes
    case: Case
    records: tuple[Record, ...]
    headers: Mapping[str, str]
    """Column of a claim -> its header in the file."""
    positions: Mapping[str, int]
    """Column of a claim -> its position in the file."""
    damaged: tuple[Record, ...] = ()
    keyed: bool = True
    """Whether the records have ids in the file; otherwise records are compared without."""
    may_refuse: bool = False
    """Whether refusing the whole file is right as well."""
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    encoding: str = "utf-8"
    header_line: int | None = 0
    """The number of physical lines above the header; None if there is no header."""
    kind: str = ""
    group: str = ""
    half: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Kind:
    """One kind of damage."""

    name: str
    group: str
    make: Callable[[random.Random], DamagedFile]


KINDS: dict[str, Kind] = {}
Maker = Callable[[random.Random], DamagedFile]


def kinds(group: str, **makers: Maker) -> None:
    """Register makers of a group of damage by the name of their kind."""
    for name, make in makers.items():
        if name in KINDS:
            raise ValueError(f"two kinds are called {name}")
        KINDS[name] = Kind(name, group, make)


def kind(group: str) -> Callable[[Maker], Maker]:
    """Register a function as a kind of damage under its own name."""

    def register(make: Maker) -> Maker:
        kinds(group, **{make.__name__: make})
        return make

    return register


def damaged_file(name: str, seed: int, half: str = "") -> DamagedFile:
    """The file of one kind and seed; always the same bytes."""
    found = KINDS[name]
    made = found.make(random.Random(f"{name}/{seed}"))  # noqa: S311 - invented complaints
    return replace(made, name=f"{name}-{seed}{made.name}", kind=name, group=found.group, half=half, seed=seed)


def all_files() -> list[DamagedFile]:
    """Every kind with every seed of both halves."""
    return [damaged_file(k, seed, half) for k in KINDS for half, seeds in HALVES.items() for seed in seeds]


@dataclass(frozen=True)
class Style:
    """How a table is written as text."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    """The mark before a quotation mark within a field; by default the quotation mark is doubled."""
    quote_all: bool = False
    newline: str = "\n"
    encoding: str = "utf-8"
    suffix: str = ".csv"


def written_line(cells: Sequence[str], style: Style) -> str:
    """One record as text, without the end of its line."""
    stream = io.StringIO()
    csv.writer(
        stream,
        delimiter=style.delimiter,
        quotechar=style.quote,
        escapechar=style.escape or None,
        doublequote=not style.escape,
        quoting=csv.QUOTE_ALL if style.quote_all else csv.QUOTE_MINIMAL,
        lineterminator="\r\n",
    ).writerow(cells)
    return stream.getvalue().removesuffix("\r\n")


def written_lines(table: Table, style: Style) -> list[str]:
    """The header and the rows of a table as lines of text."""
    return [written_line(cells, style) for cells in (table.headers, *table.rows)]


def joined_lines(table: Table, delimiter: str) -> list[str]:
    """The header and the rows of a table without any quotation marks."""
    return [delimiter.join(cells) for cells in (table.headers, *table.rows)]


def with_changed_cells(
    draw: random.Random, table: Table, column: str, count: int, text: Callable[[str], str]
) -> tuple[Table, list[int]]:
    """A table with other texts in a column of some rows, and the numbers of these rows."""
    rows = draw.sample(range(len(table.rows)), count)
    for row in rows:
        table = table.with_cell(row, column, text(table.cell(row, column)))
    return table, rows


def written(draw: random.Random, table: Table, **changes: object) -> DamagedFile:
    """A file of a table, with commas or semicolons; values that contain them are quoted."""
    style = Style(draw.choice(",;"))
    return file_of(table, written_lines(table, style), style, **changes)  # type: ignore[arg-type]


def file_of(
    table: Table,
    lines: Sequence[str] | str,
    style: Style = Style(),
    *,
    damaged_rows: Sequence[int] = (),
    **changes: object,
) -> DamagedFile:
    """A damaged file of lines (joined by the newline of the style) or of a whole text.

    Args:
        table: the table whose records are the truth.
        lines: the lines, or the text.
        style: how the text is encoded, and what readers are told about it.
        damaged_rows: numbers of the rows, from 0, that are beyond repair.
        changes: fields of `DamagedFile` that differ.
    """
    text = lines if isinstance(lines, str) else "".join(line + style.newline for line in lines)
    return file_of_bytes(table, text.encode(style.encoding), style, damaged_rows=damaged_rows, **changes)


def file_of_bytes(
    table: Table, data: bytes, style: Style = Style(), *, damaged_rows: Sequence[int] = (), **changes: object
) -> DamagedFile:
    """A damaged file of bytes; see `file_of`."""
    broken = set(damaged_rows)
    known = [c for c in NAMES if c in table.columns]
    made = DamagedFile(
        name=style.suffix,
        data=data,
        case=table.case,
        records=tuple(r for n, r in enumerate(table.records) if n not in broken),
        damaged=tuple(r for n, r in enumerate(table.records) if n in broken),
        headers={c: table.headers[table.at(c)] for c in known},
        positions={c: table.at(c) for c in known},
        delimiter=style.delimiter,
        quote=style.quote,
        escape=style.escape,
        encoding=style.encoding,
    )
    return replace(made, **changes)  # type: ignore[arg-type]
