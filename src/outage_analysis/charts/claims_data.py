"""What charts of claims are drawn from, frame -> frame: small enough for a page, whatever the claims."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import polars as pl

from outage_analysis.incidents import UNKNOWN, Band, holds_positive

LARGEST = 20_000
"""Bytes of JSON data that one chart may carry."""
MOST_SERVICES = 20
"""Rows of a chart: the smallest services beyond them are one."""
MOST_BANDS = 32
"""Loss bands of a chart. A policy's bands and the powers of ten are fewer; totals may come in more."""
OTHERS = ""
"""In place of a service: several small ones together. No service has this id."""


def size(*frames: pl.DataFrame) -> int:
    """Bytes of the JSON in which a chart carries frames."""
    return sum(len(json.dumps(f.to_dicts(), ensure_ascii=False, default=str).encode()) for f in frames)


def fitting(table: pl.DataFrame, build: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """The chart's rows of as many services as fit into it, the smallest ones together.

    Args:
        table: `service`, `claims` and whatever `build` needs.
        build: the rows of the chart, of a table with fewer services.
    """
    for most in range(MOST_SERVICES, 1, -1):
        rows = build(few_services(table, most))
        if size(rows) <= LARGEST:
            return rows
    return build(few_services(table, 1))


def few_services(table: pl.DataFrame, most: int = MOST_SERVICES) -> pl.DataFrame:
    """The services with most claims by themselves, the others summed under `OTHERS`.

    Args:
        table: `service`, `claims` and keys such as `over` and `up_to`.
        most: services to return, counting the others as one.

    Returns:
        `service`, `services` (how many stand in the row), the keys and `claims`; services in order of
        their claims, the others last, and within a service the order of the table.
    """
    keys = [c for c in table.columns if c in ("over", "up_to")]
    largest = _by_claims(table)
    kept = largest if len(largest) <= most else largest[: most - 1]
    order = {service: place for place, service in enumerate(kept)}
    merged = table.filter(pl.col("service").is_in(largest)).with_columns(
        service=pl.when(pl.col("service").is_in(kept)).then("service").otherwise(pl.lit(OTHERS))
    )
    return (
        merged.group_by("service", *keys, maintain_order=True)
        .agg(pl.col("claims").sum())
        .with_columns(
            services=pl.when(pl.col("service") == OTHERS)
            .then(pl.lit(len(largest) - len(kept)))
            .otherwise(pl.lit(1))
        )
        .sort(
            pl.col("service").replace_strict(order, default=len(order), return_dtype=pl.Int64),
            maintain_order=True,
        )
        .select("service", "services", *keys, "claims")
    )


def _by_claims(table: pl.DataFrame) -> list[str]:
    """Services with a claim, the one with most claims first. Those without have nothing to show."""
    sums = table.group_by("service").agg(pl.col("claims").sum()).filter(pl.col("claims") > 0)
    return sums.sort("claims", "service", descending=[True, False])["service"].to_list()


def band_order(table: pl.DataFrame) -> list[Band]:
    """The bands of a table in display order: negative, zero, positive ones, unknown."""
    bands = table.select("over", "up_to").unique()
    unknown = pl.all_horizontal(pl.col("over", "up_to").is_null())
    # An open top is wider than any other band that begins where it does.
    return bands.sort(unknown, "over", pl.col("up_to").fill_null(2**62)).rows()


def few_bands(table: pl.DataFrame, most: int = MOST_BANDS) -> pl.DataFrame:
    """The table in at most `most` loss bands: where there are more, neighbours with few claims are joined.

    Zero, negative and unknown stay apart. Bands that overlap, as totals of several sources may, join first.

    Args:
        table: `over`, `up_to`, `claims` and keys.
        most: bands beside zero, negative and unknown.
    """
    sums = table.group_by("over", "up_to").agg(pl.col("claims").sum()).rows()
    joined = joined_bands({(over, up_to): claims for over, up_to, claims in sums}, most)
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


def joined_bands(claims: Mapping[Band, int], most: int) -> dict[Band, Band]:
    """Each band -> the band in which it is shown, as `few_bands` joins them."""
    apart = {band: band for band in claims if not holds_positive(band)}
    positive = sorted((b for b in claims if b not in apart), key=lambda b: (b[0] or 0, _top(b)))
    groups = [[band] for band in positive]
    if len(groups) > most:
        groups = _apart(groups)
    weights = [sum(claims[b] for b in group) for group in groups]
    while len(groups) > most:
        at = min(range(len(groups) - 1), key=lambda i: weights[i] + weights[i + 1])
        groups[at : at + 2] = [groups[at] + groups[at + 1]]
        weights[at : at + 2] = [weights[at] + weights[at + 1]]
    shown = {band: _union(group) for group in groups for band in group}
    return apart | shown


def _apart(groups: list[list[Band]]) -> list[list[Band]]:
    """Groups of bands, joined where they overlap."""
    joined: list[list[Band]] = []
    for group in groups:
        if joined and (group[0][0] or 0) < _top(_union(joined[-1])):
            joined[-1] += group
        else:
            joined.append(list(group))
    return joined


def _union(group: list[Band]) -> Band:
    top = max(map(_top, group))
    return min(band[0] or 0 for band in group), None if top == _top((0, None)) else int(top)


def _top(band: Band) -> float:
    return float("inf") if band[1] is None else band[1]


def shares(table: pl.DataFrame) -> pl.DataFrame:
    """Each band of each service as a percentage of the service's claims, from end to end.

    Args:
        table: `service`, `services`, `over`, `up_to`, `claims`, as `few_services` returns it.

    Returns:
        The table with `of` (the service's claims) and `start`, `end` and `percent`, by service in the
        order of the table and by band in display order.
    """
    place = {band: n for n, band in enumerate(band_order(table))}
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


def fullest(table: pl.DataFrame) -> tuple[Band, float] | None:
    """The stated band with most claims, and its share of all claims; None if no claim states a loss."""
    sums = table.group_by("over", "up_to").agg(pl.col("claims").sum()).rows()
    counts = {(over, up_to): n for over, up_to, n in sums}
    stated = [band for band in band_order(table) if band != UNKNOWN and counts[band]]
    if not stated:
        return None
    most = max(stated, key=lambda band: counts[band])  # the first of equals
    return most, counts[most] / sum(counts.values())


def some_days(intake: pl.DataFrame, most: int) -> pl.DataFrame:
    """A cumulative intake at every k-th day and the last, k as small as gives at most `most` rows."""
    every = -(-len(intake) // most)
    return intake.reverse().gather_every(every).reverse()
