"""The rows that first sight could not tell: their texts are staged, to be looked at one by one.

Beside those of which something speaks against them, these are all that bear an id which occurs again:
which of them is the first, and whether the others are copies, takes their texts to say.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from outage_analysis import queries
from outage_analysis.ingest.first_sight import BLANKS
from outage_analysis.ingest.staging import Passed
from outage_analysis.warehouse import Warehouse

MOST_HASHES = 30_000_000
"""Hashes of ids that are held at once: 240 MB, and as many again to sort them."""
LARGE, PROBES = 100_000, 16
"""Rows from which on a file is read in several parts at once, and how many of them are probed."""
MOST_ROWS = 1_000_000
"""Numbers of rows that are held at once as numbers of Python's."""


def stage_doubtful(warehouse: Warehouse, passed: Mapping[int, Passed]) -> dict[int, int]:
    """Stage the texts of the rows of `passed` that need a closer look, and take their `ok` away.

    Args:
        warehouse: with the tables `passed`, `staged` and `earlier`.
        passed: number of a file -> its rows in `passed`.

    Returns:
        number of a file -> how many of its rows say nothing at all, and are none.
    """
    chosen = [p.place + number - p.first for p in passed.values() for number in p.uneven]
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
        rows = doubtful.filter(file_number=number)["place"] - found.place + found.first
        parts = (rows.slice(at, MOST_ROWS).to_list() for at in range(0, len(rows), MOST_ROWS))
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
    counts = (warehouse.frame(f"select count(*) as n from {t}") for t in ("passed", "staged", "earlier"))
    rows = sum(count["n"].item() for count in counts)
    parts, found = max(1, -(-rows // MOST_HASHES)), []
    for part in range(parts):
        where = f"where id % {parts} = {part}" if parts > 1 else ""
        ids = warehouse.frame(f"select id from ({queries.text('ids')}) {where}", blanks=BLANKS)["id"].sort()
        found.append(ids.filter(ids == ids.shift(1)).unique())
    return pl.concat(found).to_frame("id")
