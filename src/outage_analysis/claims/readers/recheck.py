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
from outage_analysis.claims.queries import literal
from outage_analysis.claims.readers.fast_path import BLANKS
from outage_analysis.claims.readers.typed_rows import TypedRows, shift_sql
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import REPORT_BUG, EnvironmentFailed

MOST_HASHES = 50_000_000
"""Hashes of ids that are held at once: 400 MB, sorted in place."""
SLICE = 2_000_000
"""Rows whose hashes are taken at once."""
LARGE, PROBES = 122_880, 16
"""Rows beyond which the engine may read a file in several parts at once, and how many of them are probed."""
MOST_ROWS = 1_000_000
"""Numbers of rows that are held at once as numbers of Python's."""
REPEATED = "hash(claim_id) in (select id from repeated)"
_TRIMMED = f"trim(claim_id, {literal(BLANKS)})"
IDS = {"passed": f"case when ok then claim_id else {_TRIMMED} end", "staged": _TRIMMED, "earlier": "claim_id"}
"""Table -> SQL of the id of a row, without what may stand around it."""

Hashes = np.ndarray[Any, np.dtype[np.uint64]]


def stage_doubtful(
    warehouse: Warehouse, passed: Mapping[int, TypedRows], names: Sequence[str], folder: Path
) -> dict[int, int]:
    """Stage the texts of the rows of `passed` that need a closer look, and take their `ok` away.

    Args:
        warehouse: with the tables `passed`, `staged` and `earlier`.
        passed: number of a file -> its rows in `passed`.
        names: of all files.
        folder: for what is too much to be held.

    Returns:
        number of a file -> how many of its rows say nothing at all, and are none.

    Raises:
        EnvironmentFailed: the engine did not keep the order of rows, by which they are found again.
    """
    places = [place for p in passed.values() for place in p.places(p.uneven).tolist()]
    places += [place for p in passed.values() if p.rows > LARGE for place in _spread(p)]
    warehouse.load("chosen", pl.DataFrame({"place": places}, schema={"place": pl.Int64}))
    repeated = _repeated(warehouse, folder)
    warehouse.load("repeated", repeated)
    again = REPEATED if len(repeated) else "false"
    nothing = _look(warehouse, passed, queries.load("doubtful", repeated=again))
    if nothing and len(late := _late(warehouse, passed, names)):
        warehouse.load("repeated", late)
        query = queries.load("late_repeats", repeated=REPEATED)
        _look(warehouse, passed, query)  # these rows hold text, so that none of them counts as empty
    return nothing


def _look(warehouse: Warehouse, passed: Mapping[int, TypedRows], query: str) -> dict[int, int]:
    """Stage the texts of some rows; by file, how many of them say nothing. Empty where there are none."""
    warehouse.create("doubtful", query)
    doubtful = warehouse.table("doubtful").sort("place")
    if doubtful.is_empty():
        return {}
    warehouse.doubt("passed", "doubtful")
    nothing: dict[int, int] = {}
    for number, found in passed.items():
        rows = found.numbers(doubtful.filter(file_number=number)["place"].to_numpy())
        parts = (rows[at : at + MOST_ROWS].tolist() for at in range(0, len(rows), MOST_ROWS))
        nothing[number] = sum(map(found.fetch, parts))
    return nothing


def _late(warehouse: Warehouse, passed: Mapping[int, TypedRows], names: Sequence[str]) -> pl.DataFrame:
    """The hashes of ids that are known only since their rows were looked at: others may have them too."""
    steps = sorted(step for found in passed.values() for step in found.steps())
    query = queries.load("misplaced", shift=shift_sql("doubtful.place", steps))
    others = warehouse.frame(query, blanks=BLANKS)
    for number, row in others.filter("plain").select("file_number", "source_row").iter_rows():
        problem = "has rows that came in another order"
        raise EnvironmentFailed(problem, file=names[number], row=row, remedy=REPORT_BUG)
    return others.select(pl.col("id").drop_nulls().unique())


def _spread(passed: TypedRows) -> list[int]:
    """Places all over a file whose rows are looked at whatever they are, to see that the order was kept."""
    return [passed.place + at * (passed.rows - 1) // (PROBES - 1) for at in range(PROBES)]


def _repeated(warehouse: Warehouse, folder: Path) -> pl.DataFrame:
    """The hashes of ids that occur more than once, in one column `id`; sorted, they lie side by side.

    Memory is bounded however many rows there are: the lower hashes are held, the others are put into files
    by their size and looked at afterwards, file by file. Two ids that have one hash by chance are looked at
    for nothing.
    """
    rows = sum(map(warehouse.count, IDS))
    parts = max(1, -(-rows // MOST_HASHES))
    bounds = np.array([(part << 64) // parts for part in range(1, parts)], np.uint64)
    held, size = np.empty(rows if parts == 1 else rows // parts + SLICE, np.uint64), 0
    found: list[Hashes] = []
    with ExitStack() as stack:
        files = [stack.enter_context((folder / f"hashes-{part}").open("wb")) for part in range(1, parts)]
        for hashes in _hashes(warehouse, parts):
            hashes.sort()
            first = _first(hashes)  # an id on every row would fill any memory
            again = hashes[~first]
            found.append(again[_first(again)])
            once = hashes[first]
            low, *others = np.split(once, np.searchsorted(once, bounds))
            held[size : size + len(low)] = low
            size += len(low)
            for file, some in zip(files, others, strict=True):
                file.write(some.data)
    found.append(_twice(held[:size]))
    del held
    for file in files:
        found.append(_twice(np.fromfile(file.name, np.uint64)))
        Path(file.name).unlink()
    return pl.DataFrame({"id": np.concatenate(found)}).unique()


def _hashes(warehouse: Warehouse, parts: int) -> Iterator[Hashes]:
    """The hashes of all ids, some at a time."""
    for table, claim_id in IDS.items():
        for some, part, of in _slices(warehouse, table, parts):
            query = queries.load(
                "ids", claim_id=claim_id, table=table, rows=some, part=str(part), parts=str(of)
            )
            yield warehouse.frame(query)["id"].to_numpy().copy()


def _slices(warehouse: Warehouse, table: str, parts: int) -> Iterator[tuple[str, int, int]]:
    """Split the hashes of a table: a condition on its rows, a part of their hashes, the number of parts."""
    if table == "earlier":  # a view of another file, where rows have no place
        yield from (("true", part, parts) for part in range(parts))
        return
    last = warehouse.frame(queries.load("last_place", table=table)).item()
    for first in range(0, -1 if last is None else last + 1, SLICE):
        yield f"rowid >= {first} and rowid < {first + SLICE}", 0, 1


def _twice(hashes: Hashes) -> Hashes:
    """Those that are there more than once; they are sorted in place."""
    hashes.sort()
    found: Hashes = hashes[1:][hashes[1:] == hashes[:-1]]
    return found


def _first(hashes: Hashes) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether each of sorted hashes is the first of its kind."""
    differs: np.ndarray[Any, np.dtype[np.bool_]] = np.diff(hashes, prepend=~hashes[:1]) != 0
    return differs
