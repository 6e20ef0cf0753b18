"""The rows that first sight could not tell: their texts are staged, to be looked at one by one.

Beside those of which something speaks against them, these are all that bear an id which occurs again:
which of them is the first, and whether the others are copies, takes their texts to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from outage_analysis import queries
from outage_analysis.ingest.first_sight import BLANKS
from outage_analysis.ingest.staging import Passed
from outage_analysis.queries import literal
from outage_analysis.warehouse import Warehouse

MOST_HASHES = 50_000_000
"""Hashes of ids that are held at once: 400 MB, sorted in place."""
SLICE = 2_000_000
"""Rows whose hashes are taken at once."""
LARGE, PROBES = 122_880, 16
"""Rows beyond which the engine may read a file in several parts at once, and how many of them are probed."""
MOST_ROWS = 1_000_000
"""Numbers of rows that are held at once as numbers of Python's."""
_TRIMMED = f"trim(claim_id, {literal(BLANKS)})"
IDS = {"passed": f"case when ok then claim_id else {_TRIMMED} end", "staged": _TRIMMED, "earlier": "claim_id"}
"""Table -> SQL of the id of a row, without what may stand around it."""

Hashes = np.ndarray[Any, np.dtype[np.uint64]]


def stage_doubtful(warehouse: Warehouse, passed: Mapping[int, Passed]) -> dict[int, int]:
    """Stage the texts of the rows of `passed` that need a closer look, and take their `ok` away.

    Args:
        warehouse: with the tables `passed`, `staged` and `earlier`.
        passed: number of a file -> its rows in `passed`.

    Returns:
        number of a file -> how many of its rows say nothing at all, and are none.
    """
    chosen = [place for p in passed.values() for place in p.places(p.uneven).tolist()]
    chosen += [place for p in passed.values() if p.rows > LARGE for place in _spread(p)]
    warehouse.load("chosen", pl.DataFrame({"place": chosen}, schema={"place": pl.Int64}))
    repeated = _repeated(warehouse)
    warehouse.load("repeated", repeated)
    again = "hash(claim_id) in (select id from repeated)" if len(repeated) else "false"
    warehouse.create("doubtful", queries.bind("doubtful", again=again))
    doubtful = warehouse.frame("from doubtful order by place")
    if doubtful.is_empty():
        return {}
    warehouse.doubt("passed", "doubtful")
    nothing: dict[int, int] = {}
    for number, found in passed.items():
        rows = found.numbers(doubtful.filter(file_number=number)["place"].to_numpy())
        parts = (rows[at : at + MOST_ROWS].tolist() for at in range(0, len(rows), MOST_ROWS))
        nothing[number] = sum(map(found.fetch, parts))
    return nothing


def _spread(passed: Passed) -> list[int]:
    """Places all over a file whose rows are looked at whatever they are, to see that the order was kept."""
    return [passed.place + at * (passed.rows - 1) // (PROBES - 1) for at in range(PROBES)]


def _repeated(warehouse: Warehouse) -> pl.DataFrame:
    """The hashes of ids that occur more than once, in one column `id`; sorted, they lie side by side.

    Hashes are taken part by part, so that memory is bounded however many rows there are. Two ids that have
    one hash by chance are looked at for nothing.
    """
    counts = (warehouse.frame(f"select count(*) as n from {table}")["n"].item() for table in IDS)
    rows = sum(counts)
    parts = max(1, -(-rows // MOST_HASHES))
    found = [again for part in range(parts) for again in _repeated_of(warehouse, part, parts, rows)]
    return pl.DataFrame({"id": np.concatenate(found)}).unique()


def _repeated_of(warehouse: Warehouse, part: int, parts: int, rows: int) -> Iterator[Hashes]:
    """Those of one part of all hashes, each at least once."""
    held = np.empty(rows if parts == 1 else rows // parts + SLICE, np.uint64)
    size = 0
    for table, claim_id in IDS.items():
        for some in _slices(warehouse, table):
            query = queries.bind("ids", claim_id=claim_id, rows=some, part=str(part), parts=str(parts))
            hashes = warehouse.frame(query)["id"].to_numpy().copy()
            hashes.sort()
            first = np.diff(hashes, prepend=~hashes[:1]) != 0  # an id on every row would fill any memory
            yield np.unique(hashes[~first])
            once = hashes[first]
            held[size : size + len(once)] = once
            size += len(once)
    held = held[:size]
    held.sort()  # in place
    yield held[1:][held[1:] == held[:-1]]


def _slices(warehouse: Warehouse, table: str) -> Iterator[str]:
    """SQL of the rows of a table, some at a time."""
    if table == "earlier":  # a view of another file, where rows have no place
        yield table
        return
    last = warehouse.frame(f"select max(rowid) as last from {table}")["last"].item()
    for first in range(0, -1 if last is None else last + 1, SLICE):
        yield f"(from {table} where rowid >= {first} and rowid < {first + SLICE})"
