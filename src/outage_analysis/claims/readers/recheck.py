"""Find the rows that the fast path (SQL over all rows) cannot accept, and store their texts for validation.

A row must be rechecked if `ok` is false, if its fields do not fit the header, or if its claim id occurs more
than once. For repeated ids, validation needs the texts to decide which row is the first and whether the
others are exact copies. Of a large file, a few more rows are rechecked, to verify the order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_literal
from outage_analysis.claims.readers.cell_values import BLANKS
from outage_analysis.claims.readers.read_files import InputFiles
from outage_analysis.claims.readers.typed_rows import TypedRows, shift_sql, store_texts
from outage_analysis.claims.rules import SAME_COMPLAINT
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import REPORT_BUG, EnvironmentFailed

SLICE_ROWS = 2_000_000
"""Most rows whose claim ids one query hashes."""
PROBED_FROM_ROWS, PROBES = 122_880, 16
"""Rows above which DuckDB may read a file in parallel, and how many of these rows are checked for order."""
ID_IS_REPEATED = f"hash({SAME_COMPLAINT}) in (select id from repeated_ids)"  # noqa: S608 - a constant
_TRIMMED = f"trim({SAME_COMPLAINT}, {quote_literal(BLANKS)})"
ID_SQL = {"typed_rows": f"case when ok then {SAME_COMPLAINT} else {_TRIMMED} end", "text_rows": _TRIMMED}
"""Table -> SQL for the claim id of a row without blanks at both ends."""


def recheck_rows(warehouse: Warehouse, files: InputFiles) -> dict[int, int]:
    """Store the texts of the doubtful rows of `typed_rows` in `text_rows`, and mark these rows as not ok.

    The module docstring states which rows these are.

    Args:
        warehouse: the warehouse with the tables `typed_rows` and `text_rows`.
        files: the files whose rows were typed.

    Returns:
        File number -> the number of empty rows of this file, which do not count as rows.

    Raises:
        EnvironmentFailed: DuckDB changed the order of the rows, so that rowids do not match row numbers.
    """
    doubtful = _doubtful_rows(warehouse, files.typed.values(), _repeated_hashes(warehouse))
    empty_rows = _reread(warehouse, files, doubtful)
    if len(doubtful):
        corrected = _hashes_of_corrected_ids(warehouse, files, doubtful)
        if len(corrected):
            query = _query_of_rows(f"ok and {ID_IS_REPEATED}")
            again = warehouse.frame(query, inputs={"repeated_ids": corrected})
            _reread(warehouse, files, again)  # No row is empty, so the count is ignored.
    return empty_rows


def _doubtful_rows(
    warehouse: Warehouse, typed_rows: Iterable[TypedRows], repeated: pl.DataFrame
) -> pl.DataFrame:
    probes: list[int] = []
    for rows in typed_rows:
        probes += [number - rows.shift for number in rows.row_numbers.uneven]
        if rows.row_numbers.rows > PROBED_FROM_ROWS:
            last = rows.row_numbers.rows - 1
            probes += [rows.place + at * last // (PROBES - 1) for at in range(PROBES)]
    inputs = {"repeated_ids": repeated, "probes": pl.DataFrame({"place": probes}, schema={"place": pl.Int64})}
    doubts = ["not ok", "rowid in (select place from probes)", *([ID_IS_REPEATED] if len(repeated) else [])]
    return warehouse.frame(_query_of_rows(" or ".join(doubts)), inputs=inputs)


def _reread(warehouse: Warehouse, files: InputFiles, doubtful: pl.DataFrame) -> dict[int, int]:
    """Mark rows as not ok and store their texts; return the number of empty rows per file."""
    if doubtful.is_empty():
        return {}
    judged_again = "update typed_rows set ok = false where ok and rowid in (select place from doubtful)"
    warehouse.run(judged_again, inputs={"doubtful": doubtful})
    empty_rows: dict[int, int] = {}
    for number, typed in files.typed.items():
        rows = doubtful.filter(file_number=number)["place"].to_numpy() + typed.shift
        if len(rows):
            empty_rows[number] = store_texts(warehouse, files.sources[number], rows)
    return empty_rows


def _hashes_of_corrected_ids(
    warehouse: Warehouse, files: InputFiles, rechecked: pl.DataFrame
) -> pl.DataFrame:
    shift = shift_sql("rechecked.file_number", files.typed)
    query = queries.load("corrected_ids", key=SAME_COMPLAINT, shift=shift)
    others = warehouse.frame(query, inputs={"rechecked": rechecked}, blanks=BLANKS)
    for number, row in others.filter("plain").select("file_number", "source_row").iter_rows():
        problem = "has rows that came in another order"
        raise EnvironmentFailed(problem, file=files.inputs[number].name, row=row, remedy=REPORT_BUG)
    return others.select(pl.col("id").drop_nulls().unique())


def _repeated_hashes(warehouse: Warehouse) -> pl.DataFrame:
    hashes, size = np.empty(sum(map(warehouse.count, ID_SQL)), np.uint64), 0
    for table, claim_id in ID_SQL.items():
        last = warehouse.frame(queries.load("last_place", table=table)).item()
        for first in range(0, -1 if last is None else last + 1, SLICE_ROWS):
            rows = f"rowid >= {first} and rowid < {first + SLICE_ROWS}"
            query = queries.load("ids", claim_id=claim_id, table=table, rows=rows)
            found = warehouse.frame(query)["id"].to_numpy()
            hashes[size : size + len(found)] = found
            size += len(found)
    hashes = hashes[:size]
    hashes.sort()
    return pl.DataFrame({"id": hashes[1:][hashes[1:] == hashes[:-1]]}).unique()


def _query_of_rows(condition: str) -> str:
    return queries.load("doubtful_rows", doubtful=condition)
