"""Find the rows that the fast path (SQL over all rows) cannot accept, and pass their texts to validation.

A row must be rechecked if `ok` is false, if its fields do not fit the header, or if its claim id occurs more
than once. For repeated ids, validation needs the texts to decide which row is the first and whether the
others are exact copies. Of a large file, a few more rows are rechecked, to verify the order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_literal
from outage_analysis.claims.readers.fast_path import BLANKS
from outage_analysis.claims.readers.staging import TypedRows, shift_sql
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import REPORT_BUG, EnvironmentFailed

MAX_HASHES = 50_000_000
"""Most hashes of claim ids that are in memory at the same time: they take 400 MB and are sorted in place."""
SLICE_ROWS = 2_000_000
"""Most rows whose claim ids one query hashes."""
PROBED_FROM_ROWS, PROBES = 122_880, 16
"""Rows above which DuckDB may read a file in parallel, and how many of these rows are checked for order."""
MAX_ROW_NUMBERS = 1_000_000
"""Most row numbers that are converted to Python integers at a time."""
ID_IS_REPEATED = "hash(claim_id) in (select id from repeated)"
_TRIMMED = f"trim(claim_id, {quote_literal(BLANKS)})"
ID_SQL = {
    "fast_rows": f"case when ok then claim_id else {_TRIMMED} end",
    "staged": _TRIMMED,
    "earlier": "claim_id",
}
"""Table -> SQL for the claim id of a row without blanks at both ends."""

Hashes = np.ndarray[Any, np.dtype[np.uint64]]


def stage_uncertain_rows(
    warehouse: Warehouse, typed_rows: Mapping[int, TypedRows], names: Sequence[str], folder: Path
) -> dict[int, int]:
    """Copy the texts of rows that need validation to the table `staged`, and mark these rows as not ok.

    The module docstring states which rows of `fast_rows` these are.

    Args:
        warehouse: the warehouse with the tables `fast_rows`, `staged` and `earlier`.
        typed_rows: file number -> the rows of this file in `fast_rows`.
        names: the names of the files, for error messages.
        folder: a folder for hashes of claim ids that do not fit into memory.

    Returns:
        File number -> the number of empty rows of this file, which do not count as rows.

    Raises:
        EnvironmentFailed: DuckDB changed the order of the rows, so that rowids do not match row numbers.
    """
    places = [place for rows in typed_rows.values() for place in rows.places(rows.uneven).tolist()]
    places += [
        place for rows in typed_rows.values() if rows.rows > PROBED_FROM_ROWS for place in _probe_places(rows)
    ]
    warehouse.load("chosen", pl.DataFrame({"place": places}, schema={"place": pl.Int64}))
    repeated = _repeated_hashes(warehouse, folder)
    warehouse.load("repeated", repeated)
    repeated_condition = ID_IS_REPEATED if len(repeated) else "false"
    empty_rows = _stage_texts(
        warehouse, typed_rows, queries.load("uncertain_rows", repeated=repeated_condition)
    )
    if empty_rows and len(corrected_hashes := _hashes_of_corrected_ids(warehouse, typed_rows, names)):
        warehouse.load("repeated", corrected_hashes)
        query = queries.load("rows_with_changed_ids", repeated=ID_IS_REPEATED)
        _stage_texts(warehouse, typed_rows, query)  # No row is empty, so the count is ignored.
    return empty_rows


def _stage_texts(warehouse: Warehouse, typed_rows: Mapping[int, TypedRows], query: str) -> dict[int, int]:
    """Copy the texts of selected rows to the table `staged`; return the number of empty rows per file."""
    warehouse.create("uncertain_rows", query)
    uncertain = warehouse.table("uncertain_rows").sort("place")
    if uncertain.is_empty():
        return {}
    warehouse.mark_not_ok("fast_rows", "uncertain_rows")
    empty_rows: dict[int, int] = {}
    for number, rows_of_file in typed_rows.items():
        rows = rows_of_file.numbers(uncertain.filter(file_number=number)["place"].to_numpy())
        parts = (rows[at : at + MAX_ROW_NUMBERS].tolist() for at in range(0, len(rows), MAX_ROW_NUMBERS))
        empty_rows[number] = sum(map(rows_of_file.fetch, parts))
    return empty_rows


def _hashes_of_corrected_ids(
    warehouse: Warehouse, typed_rows: Mapping[int, TypedRows], names: Sequence[str]
) -> pl.DataFrame:
    """Return the hashes of claim ids that the second reading of a row has changed.

    Rows that the fast path accepted may have the same ids, so these rows must be rechecked, too.
    """
    shifts = sorted(step for rows in typed_rows.values() for step in rows.row_shifts())
    query = queries.load("changed_ids", shift=shift_sql("uncertain_rows.place", shifts))
    others = warehouse.frame(query, blanks=BLANKS)
    for number, row in others.filter("plain").select("file_number", "source_row").iter_rows():
        problem = "has rows that came in another order"
        raise EnvironmentFailed(problem, file=names[number], row=row, remedy=REPORT_BUG)
    return others.select(pl.col("id").drop_nulls().unique())


def _probe_places(typed_rows: TypedRows) -> list[int]:
    """Return evenly spaced rowids of the rows of a file in the table `fast_rows`.

    The rows with these rowids are rechecked to verify that DuckDB kept the order of the rows.
    """
    return [typed_rows.place + at * (typed_rows.rows - 1) // (PROBES - 1) for at in range(PROBES)]


def _repeated_hashes(warehouse: Warehouse, folder: Path) -> pl.DataFrame:
    """Return the hashes of claim ids that occur more than once, in a column `id`.

    The memory needed is limited, however many rows there are. The range of hashes is split into parts. The
    lowest part stays in memory; the other parts are written to files, which are sorted one after the other.
    If two different ids happen to have the same hash, their rows are rechecked needlessly.
    """
    rows = sum(map(warehouse.count, ID_SQL))
    parts = max(1, -(-rows // MAX_HASHES))
    bounds = np.array([(part << 64) // parts for part in range(1, parts)], np.uint64)
    in_memory, size = np.empty(rows if parts == 1 else rows // parts + SLICE_ROWS, np.uint64), 0
    repeated: list[Hashes] = []
    with ExitStack() as stack:
        files = [stack.enter_context((folder / f"hashes-{part}").open("wb")) for part in range(1, parts)]
        for hashes in _hashes(warehouse, parts):
            hashes.sort()
            # Each batch keeps only one copy of a repeated hash. Otherwise the hashes would fill the memory if
            # all rows had the same id.
            first = _is_first(hashes)
            duplicates = hashes[~first]
            repeated.append(duplicates[_is_first(duplicates)])
            once = hashes[first]
            low, *others = np.split(once, np.searchsorted(once, bounds))
            in_memory[size : size + len(low)] = low
            size += len(low)
            for file, some in zip(files, others, strict=True):
                file.write(some.data)
    repeated.append(_duplicates(in_memory[:size]))
    del in_memory
    for file in files:
        repeated.append(_duplicates(np.fromfile(file.name, np.uint64)))
        Path(file.name).unlink()
    return pl.DataFrame({"id": np.concatenate(repeated)}).unique()


def _hashes(warehouse: Warehouse, parts: int) -> Iterator[Hashes]:
    """Yield the hashes of all claim ids, in batches."""
    for table, claim_id in ID_SQL.items():
        for condition, part, part_count in _hash_batches(warehouse, table, parts):
            query = queries.load(
                "ids", claim_id=claim_id, table=table, rows=condition, part=str(part), parts=str(part_count)
            )
            yield warehouse.frame(query)["id"].to_numpy().copy()


def _hash_batches(warehouse: Warehouse, table: str, parts: int) -> Iterator[tuple[str, int, int]]:
    """Yield the batches of rows and hashes in which the claim ids of a table are hashed.

    A batch consists of an SQL condition that selects rows, and of a part number and a number of parts that
    select hashes.
    """
    if table == "earlier":  # `earlier` is a view. A view has no rowids, so it is split by hash.
        yield from (("true", part, parts) for part in range(parts))
        return
    last = warehouse.frame(queries.load("last_place", table=table)).item()
    for first in range(0, -1 if last is None else last + 1, SLICE_ROWS):
        yield f"rowid >= {first} and rowid < {first + SLICE_ROWS}", 0, 1


def _duplicates(hashes: Hashes) -> Hashes:
    """Return the hashes that occur more than once. The array `hashes` is sorted in place."""
    hashes.sort()
    duplicates: Hashes = hashes[1:][hashes[1:] == hashes[:-1]]
    return duplicates


def _is_first(hashes: Hashes) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return for each hash of a sorted array whether it differs from the hash before it."""
    differs: np.ndarray[Any, np.dtype[np.bool_]] = np.diff(hashes, prepend=~hashes[:1]) != 0
    return differs
