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


def stage_doubtful(warehouse: Warehouse, passed: Mapping[int, Passed]) -> dict[int, int]:
    """Stage the texts of the rows of `passed` that need a closer look, and take their `ok` away.

    Args:
        warehouse: with the tables `passed`, `staged` and `earlier`.
        passed: number of a file -> its rows in `passed`.

    Returns:
        number of a file -> how many of its rows say nothing at all, and are none.
    """
    uneven = [p.place + number - p.first for p in passed.values() for number in p.uneven]
    warehouse.load("uneven", pl.DataFrame({"place": uneven}, schema={"place": pl.Int64}))
    repeated = _repeated(warehouse)
    warehouse.load("repeated", repeated)
    again = "hash(claim_id) in (select id from repeated)" if len(repeated) else "false"
    warehouse.create("doubtful", queries.bind("doubtful", again=again))
    doubtful = warehouse.frame("from doubtful order by place")
    if doubtful.is_empty():
        return {}
    warehouse.doubt("passed", "doubtful")
    nothing = {}
    for (number,), places in doubtful.group_by("file_number", maintain_order=True):
        found = passed[int(str(number))]
        rows = (places["place"] - found.place + found.first).to_list()
        nothing[int(str(number))] = found.fetch(rows)
    return nothing


def _repeated(warehouse: Warehouse) -> pl.DataFrame:
    """The hashes of ids that occur more than once, in one column `id`; sorted, they lie side by side.

    Hashes are taken part by part, so that memory is bounded however many rows there are. Two ids that have
    one hash by chance are looked at for nothing.
    """
    counted = "select count(*) from {}"
    tables = ", ".join(f"({counted.format(table)}) as {table}" for table in ("passed", "staged", "earlier"))
    rows = sum(warehouse.frame(f"select {tables}").row(0))
    parts, found = max(1, -(-rows // MOST_HASHES)), []
    for part in range(parts):
        where = f"where id % {parts} = {part}" if parts > 1 else ""
        ids = warehouse.frame(f"select id from ({queries.text('ids')}) {where}", blanks=BLANKS)["id"].sort()
        found.append(ids.filter(ids == ids.shift(1)).unique())
    return pl.concat(found).to_frame("id")
