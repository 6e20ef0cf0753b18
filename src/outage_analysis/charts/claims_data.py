"""Reduce tables of claims to the few rows that a chart carries, however many claims there are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import polars as pl

from outage_analysis.incidents import UNKNOWN, Band, holds_positive

MAX_DATA_BYTES = 20_000
"""Bytes of JSON data that one chart may embed."""
MAX_SERVICES = 20
"""Services of a chart; the smallest services beyond these are merged into one row."""
MAX_BANDS = 32
"""Loss bands of a chart. A table of totals may bring more bands than this; then bands are merged."""
OTHER_ID = ""
"""Stands in a `service` column for several small services merged. No service has this id."""


def json_bytes(*frames: pl.DataFrame) -> int:
    """Return the bytes of JSON that a chart needs to embed the tables."""
    return sum(len(json.dumps(f.to_dicts(), ensure_ascii=False, default=str).encode()) for f in frames)


def fit_services(table: pl.DataFrame, build: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """Build a chart's rows, merging small services until the rows fit `MAX_DATA_BYTES`.

    Args:
        table: `service`, `claims` and the columns that `build` needs.
        build: returns the rows of the chart for a table with fewer services.
    """
    for most in range(MAX_SERVICES, 1, -1):
        rows = build(merge_small_services(table, most))
        if json_bytes(rows) <= MAX_DATA_BYTES:
            return rows
    return build(merge_small_services(table, 1))


def merge_small_services(table: pl.DataFrame, most: int = MAX_SERVICES) -> pl.DataFrame:
    """Keep the services with most claims and add up the others under `OTHER_ID`.

    Args:
        table: `service`, `claims` and keys such as `over` and `up_to`.
        most: number of services to return, the merged ones counted as one.

    Returns:
        `service`, `services` (how many are merged in the row), the keys and `claims`. Services are sorted by
        claims, the merged ones last; rows of one service keep the order of the table.
    """
    keys = [c for c in table.columns if c in ("over", "up_to")]
    largest = _services_by_claims(table)
    separate = largest if len(largest) <= most else largest[: most - 1]
    order = {service: place for place, service in enumerate(separate)}
    merged = table.filter(pl.col("service").is_in(largest)).with_columns(
        service=pl.when(pl.col("service").is_in(separate)).then("service").otherwise(pl.lit(OTHER_ID))
    )
    return (
        merged.group_by("service", *keys, maintain_order=True)
        .agg(pl.col("claims").sum())
        .with_columns(
            services=pl.when(pl.col("service") == OTHER_ID)
            .then(pl.lit(len(largest) - len(separate)))
            .otherwise(pl.lit(1))
        )
        .sort(
            pl.col("service").replace_strict(order, default=len(order), return_dtype=pl.Int64),
            maintain_order=True,
        )
        .select("service", "services", *keys, "claims")
    )


def _services_by_claims(table: pl.DataFrame) -> list[str]:
    """Return the services that have claims, the one with most claims first."""
    totals = table.group_by("service").agg(pl.col("claims").sum()).filter(pl.col("claims") > 0)
    return totals.sort("claims", "service", descending=[True, False])["service"].to_list()


def ordered_bands(table: pl.DataFrame) -> list[Band]:
    """Return the bands of a table in display order: negative, zero, positive, unknown."""
    bands = table.select("over", "up_to").unique()
    unknown = pl.all_horizontal(pl.col("over", "up_to").is_null())
    # Of bands with the same lower edge, the one without an upper edge comes last.
    return bands.sort(unknown, "over", pl.col("up_to").fill_null(2**62)).rows()


def merge_bands(table: pl.DataFrame, most: int = MAX_BANDS) -> pl.DataFrame:
    """Reduce a table to at most `most` loss bands by merging neighbours with few claims.

    Zero, negative and unknown are never merged. Overlapping bands, which tables of totals can contain, are
    merged first.

    Args:
        table: `over`, `up_to`, `claims` and, if there are several services, `service`.
        most: largest number of bands, not counting zero, negative and unknown.
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
    return wide.group_by(keys, maintain_order=True).agg(pl.col("claims").sum())


def merged_bands(claims: Mapping[Band, int], most: int) -> dict[Band, Band]:
    """Map each band to the merged band that `merge_bands` shows in its place."""
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
    """Merge groups of bands that overlap."""
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
    """Express each band of each service as a percentage of the service's claims, cumulated for stacked bars.

    Args:
        table: `service`, `services`, `over`, `up_to`, `claims`, as `merge_small_services` returns it.

    Returns:
        The table with `of` (the service's claims), `percent`, and the cumulated `start` and `end` in percent;
        services in the order of the table, bands in display order.
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
    """Return the band with most claims, apart from unknown losses, and its share of all claims.

    Returns None if no claim states a loss.
    """
    totals = table.group_by("over", "up_to").agg(pl.col("claims").sum()).rows()
    counts = {(over, up_to): n for over, up_to, n in totals}
    stated = [band for band in ordered_bands(table) if band != UNKNOWN and counts[band]]
    if not stated:
        return None
    most = max(stated, key=lambda band: counts[band])  # of equals, the first
    return most, counts[most] / sum(counts.values())


def thin_days(intake: pl.DataFrame, most: int) -> pl.DataFrame:
    """Keep every k-th day of a cumulative intake and its last day, with the smallest k for `most` rows."""
    every = -(-len(intake) // most)
    return intake.reverse().gather_every(every).reverse()
