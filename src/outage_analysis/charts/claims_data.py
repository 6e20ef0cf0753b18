"""Reduce tables of claims to the few rows that a chart embeds, however many claims there are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl

from outage_analysis.incidents import Band, holds_positive
from outage_analysis.losses import sum_or_null

MAX_SERVICES = 15
"""Largest number of services in a chart; beyond it, the smallest services are merged into one row."""
MAX_BANDS = 8
"""Largest number of positive loss bands in a chart; beyond it, neighbours with few claims are merged."""
OTHER_ID = ""
"""The id of the merged small services in a `service` column. No real service has this id."""
EDGES = ["over", "up_to"]
UNSTATED = pl.all_horizontal(pl.col(EDGES).is_null())
BAND_ORDER = (UNSTATED, "over", pl.col("up_to").fill_null(2**62))
"""The display order of bands: negative, zero, positive, unknown. At one lower edge, the widest is last."""


def _sums(table: pl.DataFrame) -> list[pl.Expr]:
    return [pl.col("claims").sum(), *(sum_or_null(c) for c in table.columns if c == "expected")]


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
    keys = ["service", "services", *(c for c in EDGES if c in table.columns)]
    largest = services_by_claims(table, first)
    separate = largest if len(largest) <= most else largest[: most - 1]
    place = {service: min(n, len(separate)) for n, service in enumerate(largest)}
    ranked = table.filter(pl.col("service").is_in(largest)).with_columns(
        place=pl.col("service").replace_strict(place, return_dtype=pl.Int64)
    )
    other = pl.col("place") == len(separate)
    merged = ranked.with_columns(
        service=pl.when(other).then(pl.lit(OTHER_ID)).otherwise("service"),
        services=pl.when(other).then(len(largest) - len(separate)).otherwise(1),
    )
    summed = merged.group_by("place", *keys, maintain_order=True).agg(*_sums(table))
    return summed.sort("place", maintain_order=True).drop("place")


def services_by_claims(table: pl.DataFrame, first: Sequence[str] = ()) -> list[str]:
    """Return the services that have claims: those in `first`, then the others, the largest first."""
    totals = table.group_by("service").agg(pl.col("claims").sum()).filter(pl.col("claims") > 0)
    counted = totals.sort("claims", "service", descending=[True, False])["service"].to_list()
    return [*(x for x in first if x in counted), *(x for x in counted if x not in first)]


def ordered_bands(table: pl.DataFrame) -> list[Band]:
    """Return the loss bands of a table in display order: negative, zero, positive, unknown."""
    return table.select(EDGES).unique().sort(*BAND_ORDER).rows()


def merge_bands(table: pl.DataFrame, most: int = MAX_BANDS) -> pl.DataFrame:
    """Merge neighbouring loss bands with few claims, so that the table has at most `most` bands.

    The bands for zero, negative and unknown losses are never merged.

    Args:
        table: the columns `over`, `up_to` and `claims`, `service` if there are several services, and
            `expected` if the rows have a cost. The cost of merged bands is unknown if one of them is.
        most: largest number of bands, not counting the bands for zero, negative and unknown losses.
    """
    totals = table.group_by(EDGES).agg(pl.col("claims").sum()).rows()
    joined = merged_bands({(over, up_to): claims for over, up_to, claims in totals}, most)
    if all(band == wider for band, wider in joined.items()):
        return table
    places = [joined[band] for band in table.select(EDGES).rows()]
    wide = table.with_columns(pl.DataFrame(places, schema=table.select(EDGES).schema, orient="row"))
    keys = [c for c in wide.columns if c in ("service", *EDGES)]
    return wide.group_by(keys, maintain_order=True).agg(*_sums(table))


def merged_bands(claims: Mapping[Band, int], most: int) -> dict[Band, Band]:
    """Map each loss band to the wider band that replaces it; a band that is not merged maps to itself."""
    bands = pl.DataFrame([*claims], schema=dict.fromkeys(EDGES, pl.Int64), orient="row")
    positive, groups, top = list(filter(holds_positive, ordered_bands(bands))), list[list[Band]](), 0.0
    for over, up_to in positive:
        if len(positive) > most and groups and (over or 0) < top:  # overlaps, as bands of totals may
            groups[-1].append((over, up_to))
        else:
            groups.append([(over, up_to)])
        top = max(top, math.inf if up_to is None else up_to)
    while len(groups) > most:
        counts = [sum(claims[band] for band in group) for group in groups]
        at = min(range(len(groups) - 1), key=lambda i: counts[i] + counts[i + 1])
        groups[at : at + 2] = [groups[at] + groups[at + 1]]
    merged = {band: band for band in claims}
    for group in groups:
        tops = [up_to for _, up_to in group if up_to is not None]
        wider = group[0][0], max(tops) if len(tops) == len(group) else None
        merged |= dict.fromkeys(group, wider)
    return merged


def band_shares(table: pl.DataFrame) -> pl.DataFrame:
    """Compute the share of each loss band in its service's claims, as segments of a stacked bar.

    Args:
        table: the table with loss bands that `merge_small_services` returns.

    Returns:
        The table with four more columns: `of` (number of claims of the service), `percent` (the band's share
        of these claims), and `start` and `end` (both ends of the bar segment, in percent). Services keep the
        order of the table; bands are in display order.
    """
    percent = pl.col("claims") / pl.col("of") * 100
    return (
        table.with_row_index("place")
        .sort(pl.col("place").min().over("service"), *BAND_ORDER)
        .drop("place")
        .with_columns(of=pl.col("claims").sum().over("service"))
        .with_columns(percent=percent, end=percent.cum_sum().over("service"))
        .with_columns(start=pl.col("end") - pl.col("percent"))
        .with_columns(pl.col("start", "end", "percent").round(2))
    )


def largest_band(table: pl.DataFrame) -> tuple[Band, float] | None:
    """Return the loss band with the most claims, and its share of all claims.

    The band of unknown losses is not considered, but its claims count in the total.

    Returns None if no claim states a loss.
    """
    totals = table.group_by(EDGES).agg(pl.col("claims").sum()).sort(*BAND_ORDER)
    stated = totals.filter(~UNSTATED, pl.col("claims") > 0)
    if stated.is_empty():
        return None
    over, up_to, claims = stated.row(int(stated["claims"].arg_max() or 0))  # in a tie, the lowest band
    return (over, up_to), claims / totals["claims"].sum()


def thin_evenly(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """Keep at most `most` evenly spaced rows, including the first and the last; `most` is 2 or more."""
    if len(rows) <= most:
        return rows
    return rows[[round(n * (len(rows) - 1) / (most - 1)) for n in range(most)]]
