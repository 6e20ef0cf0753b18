"""Reduce claim counts per pair of dimensions to a few bars per chart, for the linked charts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import polars as pl

from outage_analysis.charts.claims_data import (
    MAX_DATA_BYTES,
    OTHER_ID,
    json_bytes,
    merged_bands,
    ordered_bands,
)

MAX_ENTRIES = {"service": 20, "band": 24, "day": 60, "category": 20}
"""Largest number of bars in each linked chart; fewer if the counts would exceed `MAX_COUNT_BYTES`."""
REDUCTIONS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
"""Fractions of `MAX_ENTRIES` to try, in this order, until the counts fit."""
MAX_COUNT_BYTES = MAX_DATA_BYTES * 3 // 5
"""Bytes for the counts; the rest of `MAX_DATA_BYTES` is for the names."""
COLUMNS = {"service": ["service"], "band": ["over", "up_to"], "day": ["filed_on"], "category": ["category"]}
ViewEntry = tuple[Any, ...]
"""The values that identify a service, a band, a day or a category in the tables' columns."""


@dataclass(frozen=True)
class View:
    """One of the linked charts: its entries (bars), and the entry to which each table value belongs."""

    id: str
    """service, band, day or category. It is not the id of a dimension, which could be such a word."""
    entries: list[ViewEntry]
    """In display order. Small entries are merged under `OTHER_ID`; merged days are named by the first day."""
    positions: dict[ViewEntry, int]
    """Each value of the tables -> the position of the entry that shows the value."""
    dimension: str | None
    """The id of the incident's dimension whose values are the categories."""

    @property
    def merged_count(self) -> int:
        """Number of table values, such as services, that are merged into the last bar."""
        return sum(position == len(self.entries) - 1 for position in self.positions.values())

    @property
    def days_per_entry(self) -> int:
        """Number of days that one bar covers in the chart of days."""
        firsts = [entry[0] for entry in self.entries]
        return (firsts[1] - firsts[0]).days if len(firsts) > 1 else 1


def build_views(table: pl.DataFrame) -> tuple[list[View], pl.DataFrame]:
    """Choose the bars of each linked chart, and count the claims for every pair of charts.

    Args:
        table: the claim counts per pair of dimensions, as `pairwise` returns them.

    Returns:
        The linked charts, and a table with one row per pair of charts: `one` and `other` (positions in the
        list of charts), `width` (number of bars in `other`) and `claims` (the counts as a flattened matrix
        with one row per bar of `one`). The counts of every pair have the same total.
    """
    for fraction in REDUCTIONS:
        views = [_view(table, name, fraction) for name in _view_ids(table)]
        counts = _counts(table, views)
        if json_bytes(counts) <= MAX_COUNT_BYTES:
            break
    return views, counts


def _view_ids(table: pl.DataFrame) -> list[str]:
    present = {*table["one"], *table["other"]}
    return [name for name in MAX_ENTRIES if name in present]


def _view(table: pl.DataFrame, name: str, fraction: float) -> View:
    """Build one linked chart, with at most this fraction of the bars that `MAX_ENTRIES` allows."""
    pairs = table.filter((pl.col("one") == name) | (pl.col("other") == name))
    pair = pairs.filter(one=pairs["one"][0], other=pairs["other"][0])  # every pair gives the same totals
    totals = pair.group_by(COLUMNS[name]).agg(pl.col("claims").sum()).rows()
    claims = {entry: count for *values, count in totals for entry in [tuple(values)]}
    most = max(2, int(MAX_ENTRIES[name] * fraction))
    entries, merged = {"band": _merge_bands, "day": _merge_days}.get(name, _merge_smallest)(claims, most)
    positions = {entry: position for position, entry in enumerate(entries)}
    return View(name, entries, {entry: positions[merged[entry]] for entry in claims}, table["dimension"][0])


MergedEntries = tuple[list[ViewEntry], dict[ViewEntry, ViewEntry]]
"""The entries of a view in display order, and a mapping from each table value to the entry that shows it."""


def _merge_bands(claims: dict[ViewEntry, int], most: int) -> MergedEntries:
    merged = merged_bands(claims, most)
    frame = pl.DataFrame([*merged.values()], schema={"over": pl.Int64, "up_to": pl.Int64}, orient="row")
    return ordered_bands(frame), merged


def _merge_days(claims: dict[ViewEntry, int], most: int) -> MergedEntries:
    """Merge days into bars that cover equally many days; only the last bar may cover fewer."""
    days: list[date] = sorted(day for (day,) in claims)
    length = (days[-1] - days[0]).days + 1
    bars = [days[0] + timedelta(n) for n in range(0, length, -(-length // most))]
    return [(bar,) for bar in bars], {(day,): (bars[bisect_right(bars, day) - 1],) for day in days}


def _merge_smallest(claims: dict[ViewEntry, int], most: int) -> MergedEntries:
    """Keep the values with the most claims, in descending order, and merge the others into a last bar."""
    rest: ViewEntry = (OTHER_ID,)
    ranked = sorted(claims.keys() - {rest}, key=lambda entry: (-claims[entry], str(entry[0])))
    if len(ranked) + (rest in claims) > most:
        ranked = ranked[: most - 1]
    merged = {entry: entry if entry in ranked else rest for entry in claims}
    return [*ranked, *([rest] if rest in merged.values() else [])], merged


def _counts(table: pl.DataFrame, views: Sequence[View]) -> pl.DataFrame:
    positions = [_position_table(table, view, f"place_{at}") for at, view in enumerate(views)]
    rows = []
    for (at, one), (beside, other) in combinations(enumerate(views), 2):
        pair = table.filter(one=one.id, other=other.id)
        for table_of_view, view in ((positions[at], one), (positions[beside], other)):
            pair = pair.join(table_of_view, on=COLUMNS[view.id], nulls_equal=True)
        width = len(other.entries)
        slot = pl.col(f"place_{at}") * width + pl.col(f"place_{beside}")
        totals = dict(pair.group_by(slot.alias("slot")).agg(pl.col("claims").sum()).rows())
        rows.append((at, beside, width, [totals.get(n, 0) for n in range(len(one.entries) * width)]))
    return pl.DataFrame(rows, schema=["one", "other", "width", "claims"], orient="row")


def _position_table(table: pl.DataFrame, view: View, name: str) -> pl.DataFrame:
    """Return a table of the values in a linked chart, with the position of the bar that shows each value."""
    columns = COLUMNS[view.id]
    schema = {column: table.schema[column] for column in columns} | {name: pl.Int64}
    rows = [(*entry, position) for entry, position in view.positions.items()]
    return pl.DataFrame(rows, schema=schema, orient="row")
