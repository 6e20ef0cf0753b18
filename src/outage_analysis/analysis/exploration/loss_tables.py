"""Tables of a distribution, and of the laws fitted to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from outage_analysis.claims import Claims
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Bands
from outage_analysis.losses import (
    FAMILIES,
    MAX_DISPLAY_CUTS,
    Cube,
    DimensionFilter,
    Fits,
    bunching_table,
    concentration,
    count_pairs,
    display_bands,
    filter_cube,
    fit_all,
    heaps_table,
    lorenz,
    loss_counts,
    quantiles,
    regroup,
    sorted_cube,
    stated_edges,
    summary,
    with_shares,
)
from outage_analysis.policies import Policy

FIT_QUANTITIES = ("median", "mean", "p75", "p90", "p95", "p99")
"""What a fit is asked for."""


def loss_tables(
    cube: Cube, bands: Bands | None, by: Sequence[str] = (), where: DimensionFilter | None = None
) -> dict[str, pl.DataFrame]:
    """Counts by band, means, quantiles and concentration of a cube, by its dimensions.

    Args:
        cube: any cube; with counts alone there is no table of concentration.
        bands: wider ones, unions of the cube's; None keeps its own.
        by: the dimensions to keep.
        where: dimension -> the value, or values, whose claims are taken.

    Returns:
        `bands` (see `regroup`, with `share` of the group's claims), `summary`, `quantiles`,
        `concentration` and `lorenz` by the functions of those names.

    Raises:
        UsageError: an unknown dimension or value.
    """
    chosen = filter_cube(cube, where)
    if bands is None:
        banded = sorted_cube(regroup(chosen, [*by, "over", "up_to"]), by)
    else:
        banded = regroup(chosen, by, bands)
    tables = {
        "bands": with_shares(banded, by),
        "summary": summary(chosen, by),
        "quantiles": quantiles(chosen, by),
    }
    try:
        tables |= {"concentration": concentration(chosen, by), "lorenz": lorenz(chosen, by)}
    except ModelRefused:  # counts alone
        return tables
    return tables


def heap_tables(claims: Claims, policy: Policy | None) -> dict[str, pl.DataFrame]:
    """Where stated losses heap: the most frequent ones as `heaps`, and at a policy's edges as `bunching`."""
    edges = policy.edges[:MAX_DISPLAY_CUTS] if policy else ()
    return {"bunching": bunching_table(claims, edges), "heaps": heaps_table(claims)}


def pair_counts(claims: Claims, policy: Policy | None = None, *, until: date | None = None) -> pl.DataFrame:
    """Claims by every two of service, loss band, day and region: what linked views are drawn from.

    In place of region stands the first dimension of the incident whose values are texts; without one, there
    are the other pairs alone.

    Args:
        claims: what `read_claims` returned.
        policy: its cuts are among the edges of the bands.
        until: leave out claims filed after this day.

    Returns:
        As `count_pairs` does.

    Raises:
        DisclosureBlocked: texts of the dimension hold personal data.
    """
    incident = claims.incident
    bands = display_bands(policy.cuts if policy else (), negative=incident.loss.negative == "band")
    dimension = next((d.id for d in incident.dimensions if d.kind == "text"), None)
    return count_pairs(claims, bands=bands, dimension=dimension, until=until)


def fit_cube(
    cube: Cube,
    *,
    totals: bool,
    where: DimensionFilter | None = None,
    top: str | None = None,
    families: Sequence[str] = tuple(FAMILIES),
    recovery: bool = False,
) -> tuple[Fits, str]:
    """Laws fitted to the losses above zero, and a sentence on what was taken.

    Args:
        cube: of claims, which are all there: above the last edge nothing is hidden. Or of totals.
        totals: whether it is of totals: then its bands are taken as stated, and what lies beyond them
            must be known.
        where: dimension -> the value, or values, whose claims are taken.
        top: what lies above the last band of totals, if that has an end.
        families: those to fit.
        recovery: take a synthetic cube, as a test of recovery.

    Raises:
        UsageError: totals with a last band that ends, and no `top`; an unknown value or family.
        ModelRefused: a synthetic cube; a fit that cannot be made.
    """
    edges = stated_edges(cube) if totals else None
    losses = loss_counts(cube, edges=edges, where=where, recovery=recovery)
    open_top = losses.edges[-1] == float("inf")
    if not open_top and top is None:
        raise UsageError(
            f"the last band ends at {losses.edges[-1]:,.10g}: what lies above it is not said",
            remedy="Say --top closed (there was nothing), truncated (it could not be seen) or open.",
        )
    left = "truncated" if losses.edges[0] > 0 else "ground_up"
    chosen = top or "open"
    fits = fit_all(
        losses.edges, losses.counts, top=chosen, left=left, synthetic=losses.synthetic, families=families
    )
    bands = f"{len(losses.counts)} bands, top {chosen}, left {left}"
    return fits, f"fitted to {losses.claims:,} losses above zero in {bands}"


def fit_tables(fits: Fits, level: float = 0.95) -> dict[str, pl.DataFrame]:
    """What the fitted laws say.

    Args:
        fits: what `fit_all` returned.
        level: of the profile intervals, between 0 and 1.

    Returns:
        `fits` (see `Fits.table`); `refused` (family, reason); and `quantities`: quantity, family (the
        likeliest), value, low, high (its interval), average (over families, by weight), least and
        greatest (between families). Null where the quantity is infinite.

    Raises:
        UsageError: a level that is none.
    """
    rows = [_quantity_row(fits, quantity, level) for quantity in FIT_QUANTITIES]
    numbers = ("value", "low", "high", "average", "least", "greatest")
    schema = {"quantity": pl.String, "family": pl.String, **dict.fromkeys(numbers, pl.Float64)}
    asked = pl.DataFrame(rows, schema=schema, orient="row")
    finite = [pl.when(pl.col(n).is_finite()).then(pl.col(n).round_sig_figs(6)) for n in numbers]
    return {
        "fits": fits.table(),
        "quantities": asked.with_columns(finite),
        "refused": _refused_table(fits.refused),
    }


def _quantity_row(fits: Fits, quantity: str, level: float) -> tuple[str | float | None, ...]:
    best = fits.best
    low: float | None
    high: float | None
    try:
        low, high = best.interval(quantity, level)
    except ModelRefused:  # infinite, or without an end
        low = high = None
    told = (best.value(quantity), low, high, fits.average(quantity), *fits.range(quantity))
    return (quantity, best.family, *told)


def _refused_table(reasons: Mapping[str, str]) -> pl.DataFrame:
    schema = dict.fromkeys(("family", "reason"), pl.String)
    return pl.DataFrame([*reasons.items()], schema=schema, orient="row")
