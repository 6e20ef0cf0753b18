"""Sums of a cube by fewer dimensions and wider bands, their shares, and the cumulative intake."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from outage_analysis.errors import UsageError
from outage_analysis.incidents import Bands, within
from outage_analysis.losses.cube import Cube, null_unstated_sums, sorted_cube, sum_or_null
from outage_analysis.losses.loss_summaries.groups import check_dimensions

MAX_DISPLAY_CUTS = 24
"""Cuts of a policy that a table or chart of claims shows."""


def display_bands(cuts: Sequence[int], *, negative: bool = False) -> Bands:
    """Bands for the eye: the policy's cuts and the powers of ten from a tenth to ten times them.

    More cuts than an eye can follow are left to the tables of the cost.
    """
    if not 0 < len(cuts) <= MAX_DISPLAY_CUTS:
        return Bands.of(tuple(10**k for k in range(3, 8)), negative=negative)
    tens = tuple(10**k for k in range(16) if cuts[0] <= 10 ** (k + 1) and 10**k <= cuts[-1] * 10)
    return Bands.of(tuple(cuts), tens, negative=negative)


def regroup(cube: Cube, by: Sequence[str], bands: Bands | None = None) -> pl.DataFrame:
    """A cube summed to fewer dimensions and, if given, to wider bands.

    Args:
        cube: any cube.
        by: the dimensions to keep, in any combination; `over` and `up_to` keep the cube's own bands.
        bands: wider bands, each a union of the cube's; None sums over all bands.

    Returns:
        `by`, the band's `over` and `up_to` (when `bands` is given), `claims` and `loss` (null for claims that
        state none, where bands are kept).

    Raises:
        UsageError: no such dimension; a band of the cube lies in none of the wider ones.
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
    rows = []
    for over, up_to in cube.frame.select("over", "up_to").unique(maintain_order=True).rows():
        wider = [b for b in bands.rows() if within((over, up_to), b)]
        if not wider:
            raise UsageError(
                f"the band over {over} up to {up_to} lies in no display band",
                remedy="Display bands are unions of the cube's bands.",
            )
        rows.append((over, up_to, *wider[0]))
    names = ("over", "up_to", "to_over", "to_up_to")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Int64), orient="row")


def with_shares(frame: pl.DataFrame, within_: Sequence[str] = ()) -> pl.DataFrame:
    """`share`: each row's claims over the claims of its group (of all rows when no group is named).

    Null in a group without a claim.
    """
    total = pl.col("claims").sum().over(list(within_)) if within_ else pl.col("claims").sum()
    return frame.with_columns(share=pl.when(total > 0).then(pl.col("claims") / total))


def cumulative_intake(cube: Cube, by: Sequence[str] = ()) -> pl.DataFrame:
    """Claims filed by the end of each day: `by`, `filed_on`, `claims`, `cumulative`.

    Every day from the first to the last has a row, also one on which nothing was filed.
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
