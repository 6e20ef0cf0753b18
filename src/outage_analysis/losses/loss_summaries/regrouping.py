"""Sum a cube over dimensions and into wider loss bands; compute shares of claims and cumulative counts."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from outage_analysis.errors import UsageError
from outage_analysis.incidents import Bands, band_within
from outage_analysis.losses.cube import Cube, null_unstated_sums, sorted_cube, sum_or_null
from outage_analysis.losses.loss_summaries.groups import check_dimensions

MAX_DISPLAY_CUTS = 24
"""The largest number of policy cuts that tables and charts of claims use as band edges."""


def display_bands(cuts: Sequence[int], *, negative: bool = False) -> Bands:
    """Loss bands for tables and charts, with edges at the edges of a policy and at powers of ten.

    If a policy has no edges, or more than `MAX_DISPLAY_CUTS` edges, the edges are powers of ten only.

    Args:
        cuts: the increasing loss edges of a policy.
        negative: whether losses may be negative; the bands are then mirrored below 0.

    Example:
        >>> from outage_analysis.losses import display_bands
        >>> display_bands((300_000, 500_000)).cuts
        (100000, 300000, 500000, 1000000)
    """
    if not 0 < len(cuts) <= MAX_DISPLAY_CUTS:
        return Bands.from_cuts(tuple(10**k for k in range(3, 8)), negative=negative)
    tens = tuple(10**k for k in range(16) if cuts[0] <= 10 ** (k + 1) and 10**k <= cuts[-1] * 10)
    return Bands.from_cuts(tuple(cuts), tens, negative=negative)


def regroup(cube: Cube, by: Sequence[str], bands: Bands | None = None) -> pl.DataFrame:
    """Sum a cube over dimensions and, if `bands` is given, into wider loss bands.

    Args:
        cube: any cube.
        by: the dimensions to keep; `over` and `up_to` in this list keep the cube's own bands.
        bands: wider bands, each a union of the cube's bands; if None, the cube is summed over all bands.

    Returns:
        One row per group: the dimensions in `by`, `over` and `up_to` (if `bands` is given), `claims` and
        `loss` (null for claims of unknown loss).

    Raises:
        UsageError: a dimension does not exist, or a band of the cube lies in none of the wider bands.
    """
    frame, keys = cube.frame, list(by)
    check_dimensions(cube, [name for name in by if name not in ("over", "up_to")])
    if bands is not None:
        mapping = _band_mapping(cube, bands)
        frame = frame.join(mapping, on=["over", "up_to"], nulls_equal=True)
        frame = frame.drop("over", "up_to").rename({"to_over": "over", "to_up_to": "up_to"})
        keys += ["over", "up_to"]
    sums = (pl.col("claims").sum(), sum_or_null("loss"))
    if not keys:
        return frame.select(*sums)
    summed = frame.group_by(keys).agg(*sums)
    summed = null_unstated_sums(summed) if {"over", "up_to"} <= set(keys) else summed
    return sorted_cube(summed, by) if bands is not None else summed.sort(by)


def _band_mapping(cube: Cube, bands: Bands) -> pl.DataFrame:
    """A table that assigns each band of the cube (over, up_to) to a wider band (to_over, to_up_to)."""
    rows = []
    for over, up_to in cube.frame.select("over", "up_to").unique(maintain_order=True).rows():
        wider = [b for b in bands.rows() if band_within((over, up_to), b)]
        if not wider:
            raise UsageError(
                f"the band over {over} up to {up_to} lies in no display band",
                remedy="Display bands are unions of the cube's bands.",
            )
        rows.append((over, up_to, *wider[0]))
    names = ("over", "up_to", "to_over", "to_up_to")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Int64), orient="row")


def with_shares(frame: pl.DataFrame, group_by: Sequence[str] = ()) -> pl.DataFrame:
    """Add the column `share`: the claims of a row divided by the claims of its group.

    Args:
        frame: a table with a column `claims`.
        group_by: the columns that define the groups; without them, all rows are one group.

    Returns:
        The table with `share`, which is null in a group without claims.
    """
    total = pl.col("claims").sum().over(list(group_by)) if group_by else pl.col("claims").sum()
    return frame.with_columns(share=pl.when(total > 0).then(pl.col("claims") / total))


def cumulative_intake(cube: Cube, by: Sequence[str] = ()) -> pl.DataFrame:
    """The number of claims filed on each day and up to each day: one row per group and day.

    Columns: the dimensions in `by`, `filed_on`, `claims` (on this day), `cumulative` (claims up to this day).
    Days without claims between the first and the last day have a row too.
    """
    daily = regroup(cube, [*by, "filed_on"])
    first_and_last = pl.date_range(pl.col("filed_on").min(), pl.col("filed_on").max(), interval="1d")
    days = daily.select(first_and_last) if len(daily) else daily.select("filed_on")
    grid = daily.select(by).unique().join(days, how="cross") if by else days
    return (
        grid.join(daily, on=[*by, "filed_on"], how="left", nulls_equal=True)
        .with_columns(pl.col("claims").fill_null(0))
        .sort(*by, "filed_on")
        .with_columns(
            cumulative=pl.col("claims").cum_sum().over(list(by)) if by else pl.col("claims").cum_sum()
        )
        .select(*by, "filed_on", "claims", "cumulative")
    )
