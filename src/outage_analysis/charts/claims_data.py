"""Reduce tables of claims to the few rows that a chart embeds, however many claims there are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from outage_analysis.incidents import UNKNOWN, Band, holds_positive
from outage_analysis.losses import sum_or_null

MAX_DATA_BYTES = 20_000
"""Largest number of bytes of JSON data in one chart."""
MAX_SERVICES = 20
"""Largest number of services in a chart; beyond it, the smallest services are merged into one row."""
MAX_BANDS = 32
"""Largest number of loss bands in a chart. A table of totals may contain more bands; these are merged."""
OTHER_ID = ""
"""The id of the merged small services in a `service` column. No real service has this id."""


def json_bytes(*frames: pl.DataFrame) -> int:
    """Return how many bytes the tables take when a chart embeds them as JSON."""
    return sum(len(json.dumps(f.to_dicts(), ensure_ascii=False, default=str).encode()) for f in frames)


def fit_services(
    table: pl.DataFrame, build: Callable[[pl.DataFrame], pl.DataFrame], first: Sequence[str] = ()
) -> pl.DataFrame:
    """Build the rows of a chart; merge small services until the rows take at most `MAX_DATA_BYTES`.

    Args:
        table: the columns `service` and `claims`, and the columns that `build` needs.
        build: a function that returns the rows of the chart, given the table with small services merged.
        first: services that come first, however few claims they have.
    """
    for most in range(MAX_SERVICES, 1, -1):
        rows = build(merge_small_services(table, most, first))
        if json_bytes(rows) <= MAX_DATA_BYTES:
            return rows
    return build(merge_small_services(table, 1, first))


def merge_small_services(
    table: pl.DataFrame, most: int = MAX_SERVICES, first: Sequence[str] = ()
) -> pl.DataFrame:
    """Keep the services with the most claims, and merge the others into one with the id `OTHER_ID`.

    Args:
        table: the columns `service` and `claims`, `over` and `up_to` if the rows are loss bands, and
            `expected` if they have a cost.
        most: the largest number of services in the result; the merged services count as one.
        first: services that come first, however few claims they have.

    Returns:
        The columns `service`, `services` (the number of services merged in the row), `over` and `up_to` if
        given, `claims`, and `expected` if given. The service with the most claims comes first and the merged
        services come last. The rows of a service keep their order.
    """
    keys = [c for c in table.columns if c in ("over", "up_to")]
    costs = [c for c in table.columns if c == "expected"]
    largest = services_by_claims(table, first)
    separate = largest if len(largest) <= most else largest[: most - 1]
    order = {service: place for place, service in enumerate(separate)}
    merged = table.filter(pl.col("service").is_in(largest)).with_columns(
        service=pl.when(pl.col("service").is_in(separate)).then("service").otherwise(pl.lit(OTHER_ID))
    )
    return (
        merged.group_by("service", *keys, maintain_order=True)
        .agg(pl.col("claims").sum(), *map(sum_or_null, costs))
        .with_columns(
            services=pl.when(pl.col("service") == OTHER_ID)
            .then(pl.lit(len(largest) - len(separate)))
            .otherwise(pl.lit(1))
        )
        .sort(
            pl.col("service").replace_strict(order, default=len(order), return_dtype=pl.Int64),
            maintain_order=True,
        )
        .select("service", "services", *keys, "claims", *costs)
    )


def services_by_claims(table: pl.DataFrame, first: Sequence[str] = ()) -> list[str]:
    """Return the services that have claims: those in `first`, then the others, the largest first."""
    totals = table.group_by("service").agg(pl.col("claims").sum()).filter(pl.col("claims") > 0)
    counted = totals.sort("claims", "service", descending=[True, False])["service"].to_list()
    return [*(x for x in first if x in counted), *(x for x in counted if x not in first)]


def ordered_bands(table: pl.DataFrame) -> list[Band]:
    """Return the loss bands of a table in display order: negative, zero, positive, unknown."""
    bands = table.select("over", "up_to").unique()
    unknown = pl.all_horizontal(pl.col("over", "up_to").is_null())
    # If bands have the same lower edge, the band without an upper edge comes last.
    return bands.sort(unknown, "over", pl.col("up_to").fill_null(2**62)).rows()


def merge_bands(table: pl.DataFrame, most: int = MAX_BANDS) -> pl.DataFrame:
    """Merge neighbouring loss bands with few claims, so that the table has at most `most` bands.

    The bands for zero, negative and unknown losses are never merged. If there are too many bands, overlapping
    bands are merged first; tables of totals can contain such bands.

    Args:
        table: the columns `over`, `up_to` and `claims`, `service` if there are several services, and
            `expected` if the rows have a cost. The cost of merged bands is unknown if one of them is.
        most: largest number of bands, not counting the bands for zero, negative and unknown losses.
    """
    totals = table.group_by("over", "up_to").agg(pl.col("claims").sum()).rows()
    joined = merged_bands({(over, up_to): claims for over, up_to, claims in totals}, most)
    if all(band == wider for band, wider in joined.items()):
        return table
    rows = [(*band, *wider) for band, wider in joined.items()]
    mapping = pl.DataFrame(
        rows, schema=dict.fromkeys(("over", "up_to", "to_over", "to_up_to"), pl.Int64), orient="row"
    )
    wide = table.join(mapping, on=["over", "up_to"], how="left", nulls_equal=True, maintain_order="left")
    wide = wide.drop("over", "up_to").rename({"to_over": "over", "to_up_to": "up_to"})
    keys = [c for c in wide.columns if c in ("service", "over", "up_to")]
    costs = [c for c in wide.columns if c == "expected"]
    return wide.group_by(keys, maintain_order=True).agg(pl.col("claims").sum(), *map(sum_or_null, costs))


def merged_bands(claims: Mapping[Band, int], most: int) -> dict[Band, Band]:
    """Map each loss band to the wider band that replaces it; a band that is not merged maps to itself."""
    apart = {band: band for band in claims if not holds_positive(band)}
    positive = sorted((b for b in claims if b not in apart), key=lambda b: (b[0] or 0, _upper_edge(b)))
    groups = [[band] for band in positive]
    if len(groups) > most:
        groups = _merge_overlapping(groups)
    weights = [sum(claims[b] for b in group) for group in groups]
    while len(groups) > most:
        at = min(range(len(groups) - 1), key=lambda i: weights[i] + weights[i + 1])
        groups[at : at + 2] = [groups[at] + groups[at + 1]]
        weights[at : at + 2] = [weights[at] + weights[at + 1]]
    merged = {band: _spanning_band(group) for group in groups for band in group}
    return apart | merged


def _merge_overlapping(groups: list[list[Band]]) -> list[list[Band]]:
    joined: list[list[Band]] = []
    for group in groups:
        if joined and (group[0][0] or 0) < _upper_edge(_spanning_band(joined[-1])):
            joined[-1] += group
        else:
            joined.append(list(group))
    return joined


def _spanning_band(group: list[Band]) -> Band:
    top = max(map(_upper_edge, group))
    return min(band[0] or 0 for band in group), None if top == _upper_edge((0, None)) else int(top)


def _upper_edge(band: Band) -> float:
    return float("inf") if band[1] is None else band[1]


def band_shares(table: pl.DataFrame) -> pl.DataFrame:
    """Compute the share of each loss band in its service's claims, as segments of a stacked bar.

    Args:
        table: the table with loss bands that `merge_small_services` returns.

    Returns:
        The table with four more columns: `of` (number of claims of the service), `percent` (the band's share
        of these claims), and `start` and `end` (both ends of the bar segment, in percent). Services keep the
        order of the table; bands are in display order.
    """
    place = {band: n for n, band in enumerate(ordered_bands(table))}
    places = pl.Series(
        "place", [place[band] for band in table.select("over", "up_to").rows()], dtype=pl.Int64
    )
    services = {s: n for n, s in enumerate(table["service"].unique(maintain_order=True))}
    ranked = pl.col("service").replace_strict(services, return_dtype=pl.Int64)
    total = pl.col("claims").sum().over("service")
    percent = pl.col("claims") / total * 100
    return (
        table.with_columns(places, of=total, percent=percent)
        .sort(ranked, "place")
        .with_columns(end=pl.col("percent").cum_sum().over("service"))
        .with_columns(start=pl.col("end") - pl.col("percent"))
        .with_columns(pl.col("start", "end", "percent").round(2))
    )


def largest_band(table: pl.DataFrame) -> tuple[Band, float] | None:
    """Return the loss band with the most claims, and its share of all claims.

    The band of unknown losses is not considered, but its claims count in the total.

    Returns None if no claim states a loss.
    """
    totals = table.group_by("over", "up_to").agg(pl.col("claims").sum()).rows()
    counts = {(over, up_to): n for over, up_to, n in totals}
    stated = [band for band in ordered_bands(table) if band != UNKNOWN and counts[band]]
    if not stated:
        return None
    most = max(stated, key=lambda band: counts[band])  # in a tie, the first (lowest) band
    return most, counts[most] / sum(counts.values())


def thin_evenly(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """Keep at most `most` evenly spaced rows, including the first and the last; `most` is 2 or more."""
    if len(rows) <= most:
        return rows
    return rows[[round(n * (len(rows) - 1) / (most - 1)) for n in range(most)]]
