"""The rows that first sight could not tell: their texts are staged, to be looked at one by one.

Beside those of which something speaks against them, these are all that bear an id which occurs again:
which of them is the first, and whether the others are copies, takes their texts to say.
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
from outage_analysis.claims.readers.typed_rows import TypedRows, shift_sql
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import OURS, EnvironmentFailed

MAX_HASHES = 50_000_000
"""Hashes of ids that are held at once: 400 MB, sorted in place."""
SLICE_ROWS = 2_000_000
"""Rows whose hashes are taken at once."""
PROBED_FROM_ROWS, PROBES = 122_880, 16
"""Rows beyond which the engine may read a file in several parts at once, and how many of them are probed."""
MAX_ROW_NUMBERS = 1_000_000
"""Numbers of rows that are held at once as numbers of Python's."""
ID_IS_REPEATED = "hash(claim_id) in (select id from repeated)"
_TRIMMED = f"trim(claim_id, {quote_literal(BLANKS)})"
ID_SQL = {
    "fast_rows": f"case when ok then claim_id else {_TRIMMED} end",
    "staged": _TRIMMED,
    "earlier": "claim_id",
}
"""Table -> SQL of the id of a row, without what may stand around it."""

Hashes = np.ndarray[Any, np.dtype[np.uint64]]


def stage_uncertain_rows(
    warehouse: Warehouse, passed: Mapping[int, TypedRows], names: Sequence[str], folder: Path
) -> dict[int, int]:
    """Stage the texts of the rows of `fast_rows` that need a closer look, and take their `ok` away.

    Args:
        warehouse: with the tables `fast_rows`, `staged` and `earlier`.
        passed: number of a file -> its rows in `fast_rows`.
        names: of all files.
        folder: for what is too much to be held.

    Returns:
        number of a file -> how many of its rows say nothing at all, and are none.

    Raises:
        EnvironmentFailed: the engine did not keep the order of rows, by which they are found again.
    """
    places = [place for p in passed.values() for place in p.places(p.uneven).tolist()]
    places += [place for p in passed.values() if p.rows > PROBED_FROM_ROWS for place in _probe_places(p)]
    warehouse.load("chosen", pl.DataFrame({"place": places}, schema={"place": pl.Int64}))
    repeated = _repeated_hashes(warehouse, folder)
    warehouse.load("repeated", repeated)
    again = ID_IS_REPEATED if len(repeated) else "false"
    nothing = _stage_texts(warehouse, passed, queries.load("uncertain_rows", repeated=again))
    if nothing and len(late := _hashes_of_corrected_ids(warehouse, passed, names)):
        warehouse.load("repeated", late)
        query = queries.load("rows_with_changed_ids", repeated=ID_IS_REPEATED)
        _stage_texts(warehouse, passed, query)  # these rows hold text, so that none of them counts as empty
    return nothing


def _stage_texts(warehouse: Warehouse, passed: Mapping[int, TypedRows], query: str) -> dict[int, int]:
    """Stage the texts of some rows; by file, how many of them say nothing. Empty where there are none."""
    warehouse.create("uncertain_rows", query)
    doubtful = warehouse.table("uncertain_rows").sort("place")
    if doubtful.is_empty():
        return {}
    warehouse.doubt("fast_rows", "uncertain_rows")
    nothing: dict[int, int] = {}
    for number, found in passed.items():
        rows = found.numbers(doubtful.filter(file_number=number)["place"].to_numpy())
        parts = (rows[at : at + MAX_ROW_NUMBERS].tolist() for at in range(0, len(rows), MAX_ROW_NUMBERS))
        nothing[number] = sum(map(found.fetch, parts))
    return nothing


def _hashes_of_corrected_ids(
    warehouse: Warehouse, passed: Mapping[int, TypedRows], names: Sequence[str]
) -> pl.DataFrame:
    """The hashes of ids that are known only since their rows were looked at: others may have them too."""
    steps = sorted(step for found in passed.values() for step in found.steps())
    query = queries.load("changed_ids", shift=shift_sql("uncertain_rows.place", steps))
    others = warehouse.frame(query, blanks=BLANKS)
    for number, row in others.filter("plain").select("file_number", "source_row").iter_rows():
        problem = "has rows that came in another order"
        raise EnvironmentFailed(problem, file=names[number], row=row, remedy=OURS)
    return others.select(pl.col("id").drop_nulls().unique())


def _probe_places(passed: TypedRows) -> list[int]:
    """Places all over a file whose rows are looked at whatever they are, to see that the order was kept."""
    return [passed.place + at * (passed.rows - 1) // (PROBES - 1) for at in range(PROBES)]


def _repeated_hashes(warehouse: Warehouse, folder: Path) -> pl.DataFrame:
    """The hashes of ids that occur more than once, in one column `id`; sorted, they lie side by side.

    Memory is bounded however many rows there are: the lower hashes are held, the others are put into files
    by their size and looked at afterwards, file by file. Two ids that have one hash by chance are looked at
    for nothing.
    """
    rows = sum(map(warehouse.count, ID_SQL))
    parts = max(1, -(-rows // MAX_HASHES))
    bounds = np.array([(part << 64) // parts for part in range(1, parts)], np.uint64)
    held, size = np.empty(rows if parts == 1 else rows // parts + SLICE_ROWS, np.uint64), 0
    found: list[Hashes] = []
    with ExitStack() as stack:
        files = [stack.enter_context((folder / f"hashes-{part}").open("wb")) for part in range(1, parts)]
        for hashes in _hashes(warehouse, parts):
            hashes.sort()
            first = _is_first(hashes)  # an id on every row would fill any memory
            again = hashes[~first]
            found.append(again[_is_first(again)])
            once = hashes[first]
            low, *others = np.split(once, np.searchsorted(once, bounds))
            held[size : size + len(low)] = low
            size += len(low)
            for file, some in zip(files, others, strict=True):
                file.write(some.data)
    found.append(_duplicates(held[:size]))
    del held
    for file in files:
        found.append(_duplicates(np.fromfile(file.name, np.uint64)))
        Path(file.name).unlink()
    return pl.DataFrame({"id": np.concatenate(found)}).unique()


def _hashes(warehouse: Warehouse, parts: int) -> Iterator[Hashes]:
    """The hashes of all ids, some at a time."""
    for table, claim_id in ID_SQL.items():
        for some, part, of in _hash_batches(warehouse, table, parts):
            query = queries.load(
                "ids", claim_id=claim_id, table=table, rows=some, part=str(part), parts=str(of)
            )
            yield warehouse.frame(query)["id"].to_numpy().copy()


def _hash_batches(warehouse: Warehouse, table: str, parts: int) -> Iterator[tuple[str, int, int]]:
    """Split the hashes of a table: a condition on its rows, a part of their hashes, the number of parts."""
    if table == "earlier":  # a view of another file, where rows have no place
        yield from (("true", part, parts) for part in range(parts))
        return
    last = warehouse.frame(queries.load("last_place", table=table)).item()
    for first in range(0, -1 if last is None else last + 1, SLICE_ROWS):
        yield f"rowid >= {first} and rowid < {first + SLICE_ROWS}", 0, 1


def _duplicates(hashes: Hashes) -> Hashes:
    """Those that are there more than once; they are sorted in place."""
    hashes.sort()
    found: Hashes = hashes[1:][hashes[1:] == hashes[:-1]]
    return found


def _is_first(hashes: Hashes) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether each of sorted hashes is the first of its kind."""
    differs: np.ndarray[Any, np.dtype[np.bool_]] = np.diff(hashes, prepend=~hashes[:1]) != 0
    return differs
