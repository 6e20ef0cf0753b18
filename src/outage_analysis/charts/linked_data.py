"""What linked views are drawn from: pairwise tables of few entries a view, each as one list of counts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import polars as pl

from outage_analysis.charts.claims_data import LARGEST, OTHERS, band_order, joined_bands, size

MOST = {"service": 20, "band": 24, "day": 60, "category": 20}
"""Entries of a view, if the counts of all of them fit into what a page may carry."""
SMALLER = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
"""The parts of these entries that are tried until they fit."""
ROOM = LARGEST * 3 // 5
"""Bytes for the counts; the rest is for the names."""
COLUMNS = {"service": ["service"], "band": ["over", "up_to"], "day": ["filed_on"], "category": ["category"]}
Entry = tuple[Any, ...]
"""A service, a band, a day or a category as the tables say it: the values of its columns."""


@dataclass(frozen=True)
class View:
    """One dimension, as it is shown."""

    id: str
    """service, band, day or category: never the id of a dimension, which may be any of these."""
    entries: list[Entry]
    """In their order; small ones together as `OTHERS`, several days as the first of them."""
    place: dict[Entry, int]
    """Each entry of the tables -> its place among those shown."""
    dimension: str | None
    """The dimension of the incident that categories are of."""

    @property
    def merged(self) -> int:
        """How many entries of the tables the last one stands for."""
        return sum(place == len(self.entries) - 1 for place in self.place.values())

    @property
    def days(self) -> int:
        """How many days one entry of the view of days stands for."""
        firsts = [entry[0] for entry in self.entries]
        return (firsts[1] - firsts[0]).days if len(firsts) > 1 else 1


def linked_views(table: pl.DataFrame) -> tuple[list[View], pl.DataFrame]:
    """The views of the pairwise tables, and the counts of every two of them.

    Args:
        table: as `pairwise` returns it.

    Returns:
        The views; and one row a pair: `one` and `other` (their places in the list), `width` (entries of
        the other) and `claims`, row by row of the one. The claims of every pair add up to the same.
    """
    for part in SMALLER:
        views = [_view(table, name, part) for name in _names(table)]
        counts = _counts(table, views)
        if size(counts) <= ROOM:
            break
    return views, counts


def _names(table: pl.DataFrame) -> list[str]:
    found = {*table["one"], *table["other"]}
    return [name for name in MOST if name in found]


def _view(table: pl.DataFrame, name: str, part: float) -> View:
    """One view, with a part of the entries that it may have at most."""
    of_it = table.filter((pl.col("one") == name) | (pl.col("other") == name))
    pair = of_it.filter(one=of_it["one"][0], other=of_it["other"][0])  # any other has the same sums
    sums = pair.group_by(COLUMNS[name]).agg(pl.col("claims").sum()).rows()
    claims = {entry: count for *values, count in sums for entry in [tuple(values)]}
    most = max(2, int(MOST[name] * part))
    entries, shown = {"band": _bands, "day": _days}.get(name, _largest)(claims, most)
    places = {entry: place for place, entry in enumerate(entries)}
    return View(name, entries, {entry: places[shown[entry]] for entry in claims}, table["dimension"][0])


Shown = tuple[list[Entry], dict[Entry, Entry]]
"""The entries of a view in their order, and each entry of the tables -> the one in which it is shown."""


def _bands(claims: dict[Entry, int], most: int) -> Shown:
    shown = joined_bands(claims, most)
    frame = pl.DataFrame([*shown.values()], schema={"over": pl.Int64, "up_to": pl.Int64}, orient="row")
    return band_order(frame), shown


def _days(claims: dict[Entry, int], most: int) -> Shown:
    """Every bar has as many days as the others, the last one at most so many."""
    days: list[date] = sorted(day for (day,) in claims)
    length = (days[-1] - days[0]).days + 1
    bars = [days[0] + timedelta(n) for n in range(0, length, -(-length // most))]
    return [(bar,) for bar in bars], {(day,): (bars[bisect_right(bars, day) - 1],) for day in days}


def _largest(claims: dict[Entry, int], most: int) -> Shown:
    """Those with most claims in their order, the others together at the end."""
    rest: Entry = (OTHERS,)
    ranked = sorted(claims.keys() - {rest}, key=lambda entry: (-claims[entry], str(entry[0])))
    if len(ranked) + (rest in claims) > most:
        ranked = ranked[: most - 1]
    shown = {entry: entry if entry in ranked else rest for entry in claims}
    return [*ranked, *([rest] if rest in shown.values() else [])], shown


def _counts(table: pl.DataFrame, views: Sequence[View]) -> pl.DataFrame:
    places = [_placed(table, view, f"place_{at}") for at, view in enumerate(views)]
    rows = []
    for (at, one), (beside, other) in combinations(enumerate(views), 2):
        pair = table.filter(one=one.id, other=other.id)
        for place, view in ((places[at], one), (places[beside], other)):
            pair = pair.join(place, on=COLUMNS[view.id], nulls_equal=True)
        width = len(other.entries)
        slot = pl.col(f"place_{at}") * width + pl.col(f"place_{beside}")
        sums = dict(pair.group_by(slot.alias("slot")).agg(pl.col("claims").sum()).rows())
        rows.append((at, beside, width, [sums.get(n, 0) for n in range(len(one.entries) * width)]))
    return pl.DataFrame(rows, schema=["one", "other", "width", "claims"], orient="row")


def _placed(table: pl.DataFrame, view: View, name: str) -> pl.DataFrame:
    """The entries of the tables, each with its place in a view."""
    columns = COLUMNS[view.id]
    schema = {column: table.schema[column] for column in columns} | {name: pl.Int64}
    rows = [(*entry, place) for entry, place in view.place.items()]
    return pl.DataFrame(rows, schema=schema, orient="row")
