"""Tables that describe the losses of a cube, and tables of the distributions fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
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
    count_combinations,
    display_bands,
    filter_cube,
    fit_all,
    heaps_table,
    loss_counts,
    quantiles,
    regroup,
    sorted_cube,
    stated_edges,
    summary,
    with_shares,
)
from outage_analysis.policies import Policy
from outage_analysis.text import ESTIMATE_DIGITS, FLOAT, Column, TableSchema

FIT_QUANTITIES = ("median", "mean", "p75", "p90", "p95", "p99")
"""The quantities in the table `quantities` of a fit."""

FITTED = TableSchema(
    "One row per quantity of the fitted distributions.",
    (
        Column("quantity", "word", "The quantity: median, mean or quantile.", label="quantity_asked"),
        Column("family", "word", "The likeliest family."),
        Column("value", "loss", "Value under the likeliest family.", FLOAT, label="fit_value"),
        Column("low", "loss", "Lower end of its interval.", FLOAT, label="fit_low"),
        Column("high", "loss", "Upper end of its interval.", FLOAT, label="fit_high"),
        Column("average", "loss", "Average over the families by their weights.", FLOAT),
        Column("least", "loss", "Smallest value among the families.", FLOAT),
        Column("greatest", "loss", "Largest value among the families.", FLOAT),
    ),
)
REFUSED_FITS = TableSchema(
    "One row per family that was not fitted.",
    (
        Column("family", "word", "Family of distributions."),
        Column("reason", "text", "Why it was not fitted."),
    ),
)


def loss_tables(
    cube: Cube, bands: Bands | None, by: Sequence[str] = (), where: DimensionFilter | None = None
) -> dict[str, pl.DataFrame]:
    """Return tables of the losses in a cube: counts by loss band, means, quantiles and concentration.

    Args:
        cube: any cube; without sums of losses there are no tables of concentration.
        bands: wider bands, each a union of the cube's bands; None keeps the cube's bands.
        by: the dimensions to group by.
        where: dimension -> value or list of values; use only the claims with these values.

    Returns:
        `bands` (see `regroup`; with `share` of the group's claims), and `summary`, `quantiles`
        and `concentration` from the functions with these names.

    Raises:
        UsageError: a dimension or value does not exist.
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
        tables["concentration"] = concentration(chosen, by)
    except ModelRefused:  # without sums of losses, return the other tables only
        return tables
    return tables


def heap_tables(claims: Claims, policy: Policy | None) -> dict[str, pl.DataFrame]:
    """Return tables of the most frequent losses (`heaps`) and of losses at band edges (`bunching`)."""
    edges = policy.edges[:MAX_DISPLAY_CUTS] if policy else ()
    return {"bunching": bunching_table(claims, edges), "heaps": heaps_table(claims)}


def combination_counts(
    claims: Claims, policy: Policy | None = None, *, until: date | None = None
) -> pl.DataFrame:
    """Count claims by combinations of service, loss band, day and region, for linked charts.

    The region is the first text dimension of the incident. If there is none, the counts are by service, loss
    band and day.

    Args:
        claims: the result of `read_claims`.
        policy: a policy whose cuts become edges of the bands.
        until: leave out claims filed after this day.

    Returns:
        The table of `count_combinations`.

    Raises:
        DisclosureBlocked: values of the region contain personal data.
    """
    incident = claims.incident
    bands = display_bands(policy.cuts if policy else (), negative=incident.loss.negative == "band")
    dimension = next((d.id for d in incident.dimensions if d.kind == "text"), None)
    return count_combinations(claims, bands=bands, dimension=dimension, until=until)


def fit_cube(
    cube: Cube,
    *,
    totals: bool,
    where: DimensionFilter | None = None,
    top: str | None = None,
    families: Sequence[str] = tuple(FAMILIES),
    recovery: bool = False,
) -> tuple[Fits, str]:
    """Fit severity distributions to the losses above 0 of a cube.

    Args:
        cube: a cube from claims or from totals.
        totals: whether the cube is from totals. Its bands are then used as stated, and `top` is required if
            the last band is not open.
        where: dimension -> value or list of values; use only the claims with these values.
        top: what is known above the last band: `open`, `closed` or `truncated`; see `GroupedLosses`.
        families: the families to fit.
        recovery: allow a synthetic cube, to test whether the fit recovers the generator's parameters.

    Returns:
        The fits, and a sentence that states the number of losses and bands.

    Raises:
        UsageError: the last band of totals is not open and there is no `top`, or a value or family does not
            exist.
        ModelRefused: the cube is synthetic and `recovery` is not set, or no family can be fitted.
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
    return fits, f"fitted to {sum(losses.counts):,} losses above zero in {bands}"


def fit_tables(fits: Fits, level: float = 0.95) -> dict[str, pl.DataFrame]:
    """Return tables of fitted distributions, of their means and quantiles, and of families not fitted.

    Args:
        fits: the result of `fit_all`.
        level: the confidence level of the profile intervals, between 0 and 1.

    Returns:
        `fits` (see `Fits.table`); `refused` (family, reason); and `quantities`: quantity, family (the
        likeliest), value, low and high (its interval), average (weighted over families), least and greatest
        (between families). Infinite values are null.

    Raises:
        UsageError: the level is outside 0 to 1.
    """
    rows = [_quantity_row(fits, quantity, level) for quantity in FIT_QUANTITIES]
    numbers = FITTED.names[2:]
    quantities = pl.DataFrame(rows, schema=FITTED.dtypes, orient="row")
    finite = [pl.when(pl.col(n).is_finite()).then(pl.col(n).round_sig_figs(ESTIMATE_DIGITS)) for n in numbers]
    return {
        "fits": fits.table(),
        "quantities": quantities.with_columns(finite),
        "refused": pl.DataFrame([*fits.refused.items()], schema=REFUSED_FITS.dtypes, orient="row"),
    }


def _quantity_row(fits: Fits, quantity: str, level: float) -> tuple[str | float | None, ...]:
    best = fits.best
    low: float | None
    high: float | None
    try:
        low, high = best.interval(quantity, level)
    except ModelRefused:  # an infinite quantity has no interval
        low = high = None
    values = (best.value(quantity), low, high, fits.average(quantity), *fits.range(quantity))
    return (quantity, best.family, *values)
