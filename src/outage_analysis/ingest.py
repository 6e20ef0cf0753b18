"""Files of complaints -> staged rows: every record as text, with its file and its row.

Row numbers are those a person counts: the header of a CSV is row 1, the first record of a Parquet
file is row 1. Nothing is judged here; a record whose fields do not fit the header is kept as
unreadable.
"""

from __future__ import annotations

import csv
import hashlib
import io
import mmap
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from outage_analysis import queries
from outage_analysis.datasets import is_file
from outage_analysis.decoding import as_utf8
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Incident, folded
from outage_analysis.queries import quoted
from outage_analysis.warehouse import Warehouse

REQUIRED = ("claim_id", "service", "claimant_type", "filed_on", "loss")
OPTIONAL = ("claimant_id", "synthetic")
DELIMITERS = (",", ";", "\t")
HEAD_BYTES = 1 << 20


@dataclass(frozen=True)
class InputFile:
    """One file as it was read."""

    name: str
    sha256: str
    bytes: int
    encoding: str
    dialect: str


def stage(warehouse: Warehouse, paths: Sequence[Path], incident: Incident) -> list[InputFile]:
    """Fill the tables `files`, `staged` and `unreadable` from the files, in order.

    Raises:
        InputRefused: a file that is missing, empty, not decodable or without a needed column.
    """
    columns = [*REQUIRED, *OPTIONAL, *(d.id for d in incident.dimensions)]
    _empty_tables(warehouse, columns)
    names: list[str] = []
    inputs: list[InputFile] = []
    for number, path in enumerate(paths):
        _check_file(path)
        names.append(path.name if path.name not in names else f"{path.name} ({number + 1})")
        inputs.append(READERS[path.suffix.lower()](warehouse, path, incident, number))
    warehouse.load("files", pl.DataFrame({"file_number": range(len(names)), "file": names}))
    return inputs


def _empty_tables(warehouse: Warehouse, columns: list[str]) -> None:
    texts = dict.fromkeys(columns, pl.String)
    keys = {"file_number": pl.Int64, "source_row": pl.Int64}
    warehouse.load("staged", pl.DataFrame(schema={**keys, **texts}))
    warehouse.load("unreadable", pl.DataFrame(schema={**keys, "raw": pl.String}))


def _check_file(path: Path) -> None:
    if not is_file(path):
        raise InputRefused("there is no such file", file=path)
    if path.suffix.lower() not in READERS:
        raise InputRefused("is of no known format", file=path.name, remedy="Known: " + ", ".join(READERS))
    if any(c in str(path) for c in "*?["):
        raise InputRefused("has *, ? or [ in its path", file=path, remedy="Rename it.")
    try:
        with path.open("rb") as stream:
            if not stream.read(1):
                raise InputRefused("the file is empty", file=path.name)
    except OSError as error:
        raise InputRefused(f"cannot be read: {error.strerror}", file=path.name) from error


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _mapping(headers: list[str], incident: Incident, file: str, row: int | None) -> dict[str, str]:
    """Canonical column -> header of this file, by name or by the incident's mapping."""
    wanted = [*REQUIRED, *OPTIONAL, *(d.id for d in incident.dimensions)]
    found: dict[str, str] = {}
    for canonical in wanted:
        spellings = {folded(s) for s in (canonical, *incident.columns.get(canonical, ()))}
        matches = [h for h in headers if folded(h) in spellings]
        if len(matches) > 1:
            raise InputRefused(
                f"two columns stand for {canonical}",
                file=file,
                row=row,
                value=" and ".join(matches),
                remedy="Remove or rename one.",
            )
        if matches:
            found[canonical] = matches[0]
    for canonical in (*REQUIRED, *(d.id for d in incident.dimensions)):
        if canonical not in found:
            raise InputRefused(
                f"the column {canonical} is missing",
                file=file,
                row=row,
                value=", ".join(headers),
                remedy=f'Add it, or name its header under [columns] of the incident: {canonical} = ["..."].',
            )
    return found


def _projection(mapping: dict[str, str], file_number: int) -> str:
    taken = [f"{file_number} as file_number"]
    taken += [f"cast({quoted(h)} as varchar) as {quoted(c)}" for c, h in mapping.items()]
    return ", ".join(taken)


def _read_csv(warehouse: Warehouse, path: Path, incident: Incident, number: int) -> InputFile:
    with as_utf8(path) as (text, encoding):
        delimiter = _stage_csv(warehouse, text, path.name, incident, number)
    return InputFile(path.name, _digest(path), path.stat().st_size, encoding, f"delimiter {delimiter!r}")


def _stage_csv(warehouse: Warehouse, path: Path, name: str, incident: Incident, number: int) -> str:
    """Stage the records of a text in UTF-8 under a file's name; returns its delimiter."""
    headers, delimiter = _header(path, name)
    mapping = _mapping(headers, incident, name, 1)
    # The engine reads with names of our own: a header may hold anything, even twice.
    positions = {f"c{i}": "VARCHAR" for i in range(len(headers))}
    try:
        warehouse.create(
            "_read",
            queries.bind("staged"),
            path=str(path.absolute()),
            delimiter=delimiter,
            columns=positions,
        )
    except InputRefused as error:
        raise InputRefused(
            "cannot be read as CSV",
            file=name,
            value=error.problem,
            remedy="Save it with line endings of one kind, and quote fields that hold a line break.",
        ) from error
    by_position = {c: f"c{headers.index(h)}" for c, h in mapping.items()}
    broken = warehouse.frame(
        "select line, min(csv_line) as raw, bool_or(error_type = 'UNQUOTED VALUE') as unclosed "
        "from reject_errors group by line order by line"
    )
    for line, raw, unclosed in broken.iter_rows():
        if unclosed and "\n" in (raw or "").strip("\r\n"):  # it swallowed any number of rows
            raise InputRefused(
                "opens a quotation mark that is not closed on its line",
                file=name,
                row=line,
                value=raw,
                remedy="Close it, or double it if it is part of the text.",
            )
    # A row that is blank or could not be read takes a number but no position: shift those after it.
    skipped = sorted({*broken["line"], *_blank_rows(path, delimiter, name)})
    before = [line - rank - 1 for rank, line in enumerate(skipped, start=1)]
    warehouse.load("_shifts", pl.DataFrame({"before": before}, schema={"before": pl.Int64}))
    warehouse.append(
        "staged",
        f"select {_projection(by_position, number)}, position + 1 + "
        "(select count(*) from _shifts where _shifts.before < _read.position) as source_row "
        "from _read"
        if skipped
        else f"select {_projection(by_position, number)}, position + 1 as source_row from _read",
    )
    warehouse.append(
        "unreadable",
        f"select {number} as file_number, line::bigint as source_row, csv_line as raw "
        "from (select line, min(csv_line) as csv_line from reject_errors group by line)",
    )
    warehouse.forget_rejects()
    return delimiter


def _header(path: Path, name: str) -> tuple[list[str], str]:
    """The header's fields and the delimiter that splits it into the most."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES).decode("utf-8-sig", errors="ignore")
    candidates = []
    for delimiter in DELIMITERS:
        try:
            fields = next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), [])
        except csv.Error as error:
            raise InputRefused(
                f"has a header that cannot be read: {error}",
                file=name,
                row=1,
                remedy="Look for a quotation mark that is not closed.",
            ) from error
        candidates.append(([f.strip() for f in fields], delimiter))
    return max(candidates, key=lambda c: len(c[0]))


def _blank_rows(path: Path, delimiter: str, name: str) -> list[int]:
    """The numbers of rows without any character, which are neither claims nor rejects."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        if not re.search(rb"\n\r?\n|\r\r", whole):
            return []
    with path.open(encoding="utf-8-sig", newline="") as text:
        try:
            records = csv.reader(text, delimiter=delimiter)
            return [row for row, fields in enumerate(records, start=1) if not fields]
        except csv.Error as error:
            raise InputRefused(
                f"has both blank rows and a field that cannot be read: {error}",
                file=name,
                remedy="Remove the blank rows.",
            ) from error


def _read_parquet(warehouse: Warehouse, path: Path, incident: Incident, number: int) -> InputFile:
    try:
        headers = pl.read_parquet_schema(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputRefused("is not a Parquet file", file=path.name) from error
    mapping = _mapping(list(headers), incident, path.name, None)
    for column in mapping.values():
        if not isinstance(headers[column], PLAIN):
            raise InputRefused(
                "holds neither text nor numbers nor days",
                file=path.name,
                column=column,
                value=headers[column],
                remedy="Store it as text, a number or a date.",
            )
    try:
        warehouse.append(
            "staged",
            f"select {_projection(mapping, number)}, row_number() over () as source_row "
            "from read_parquet($path, hive_partitioning = false)",
            path=str(path.absolute()),
        )
    except InputRefused as error:
        raise InputRefused("is a damaged Parquet file", file=path.name, value=error.problem) from error
    return InputFile(path.name, _digest(path), path.stat().st_size, "parquet", "")


PLAIN = (
    *(pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date, pl.Datetime, pl.Null),
    *(pl.Decimal, pl.Float32, pl.Float64, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128),
    *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
)
"""Types of a Parquet column that stand for one plain value."""
Reader = Callable[[Warehouse, Path, Incident, int], InputFile]
READERS: dict[str, Reader] = {".csv": _read_csv, ".parquet": _read_parquet}
"""Suffix -> reader."""
