"""Fitted distribution functions and counted shares of losses: the data of the ogive and tail charts."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import special

from outage_analysis.errors import UsageError, check_level
from outage_analysis.losses.severity.families import FAMILIES, Array, LossDistribution
from outage_analysis.losses.severity.fit import Fit
from outage_analysis.losses.severity.fitting import MIN_WEIGHT, Fits
from outage_analysis.losses.severity.grouped import GroupedLosses
from outage_analysis.losses.severity.intervals import distribution_at
from outage_analysis.losses.severity.newton import STEP
from outage_analysis.text import ESTIMATE_DIGITS, FLOAT, Column, TableSchema

COUNTED = "counted"
"""The value of `family` in the rows with counted shares."""
SMALLEST_LOSS_SHARE = 0.5
"""Curves begin at this share of the first edge above 0."""
MIN_SHARE = 1e-300
"""Smaller shares are replaced by this one, so that their logarithm exists."""
LARGEST_LOSS_MULTIPLE = 4.0
"""Curves end at this multiple of the last finite edge, or at that edge itself if the top is truncated."""


CURVES_TABLE = TableSchema(
    "One row per family and loss; the family `counted` has the counted shares at the band edges.",
    (
        Column("family", "word", "Family of distributions, or `counted`."),
        Column("weight", "share", "Akaike weight of the family."),
        Column("p", "decimal", "p-value of the goodness-of-fit test."),
        Column("loss", "loss", "The loss.", FLOAT, label="loss_edge"),
        Column("share_below", "share", "Share of the losses up to it."),
        Column("share_above", "share", "Share of the losses above it."),
        Column("low", "share", "Lower end of the interval of `share_below`.", label="value_low"),
        Column("high", "share", "Upper end of the interval of `share_below`.", label="value_high"),
        Column("above_low", "share", "Lower end of the interval of `share_above`."),
        Column("above_high", "share", "Upper end of the interval of `share_above`."),
        Column("over", "loss", "The shares refer to losses above this one.", FLOAT),
        Column("up_to", "loss", "The shares refer to losses up to this one; empty without a limit.", FLOAT),
    ),
)


def curve_table(
    fits: Fits, *, points: int = 40, level: float = 0.95, least_weight: float = MIN_WEIGHT
) -> pl.DataFrame:
    """Points on the fitted distribution function of each family, and the counted shares at the band edges.

    Args:
        fits: the result of `fit_all`.
        points: the number of losses per family, evenly spaced on the logarithmic scale.
        level: the confidence level of the pointwise interval for the likeliest family (delta method on the
            logit).
        least_weight: families with a smaller weight are left out.

    Returns:
        One row per family and loss: family, weight, p (p-value of the goodness-of-fit test), loss,
        share_below, share_above, and for the likeliest family the confidence intervals of share_below (low,
        high) and of share_above (above_low, above_high). The first rows, with the family `counted`, have the
        counted shares at each finite edge except the first. All shares refer to the losses over `over` up to
        `up_to`: all losses above 0, unless an end is truncated.

    Raises:
        UsageError: the level is outside 0 to 1, or there are fewer than two points.
    """
    check_level(level)
    if points < 2:  # noqa: PLR2004 - a line
        raise UsageError("a line has two points at least", value=points)
    best = fits.best
    edges = [e for e in best.grouped.edges if 0 < e < np.inf]
    end = 1.0 if best.grouped.top == "truncated" else LARGEST_LOSS_MULTIPLE
    losses = np.geomspace(edges[0] * SMALLEST_LOSS_SHARE, edges[-1] * end, points)
    frames = [_counted_rows(best.grouped)]
    for name, fit in fits.items():
        if fits.weights[name] < least_weight:
            continue
        interval = _logit_interval(fit, losses, level) if fit is best else None
        shares = observable_shares(fit.grouped, fit.distribution, losses)
        frames.append(_rows(name, losses, shares, (fits.weights[name], fit.gof.p), interval))
    first, last = observable_range(best.grouped)
    table = pl.concat(frames).with_columns(
        over=pl.lit(first), up_to=pl.lit(last if np.isfinite(last) else None, pl.Float64)
    )
    return table.with_columns(pl.col(pl.Float64).round_sig_figs(ESTIMATE_DIGITS))


def _counted_rows(grouped: GroupedLosses) -> pl.DataFrame:
    inner = np.isfinite(grouped.fitted_edges[1:])
    below = np.cumsum(grouped.counts)[inner]
    return _rows(
        COUNTED, grouped.fitted_edges[1:][inner], (below / grouped.n, (grouped.n - below) / grouped.n)
    )


def _rows(
    family: str,
    losses: Array,
    shares: tuple[Array, Array],
    weight_and_p: tuple[float | None, float | None] = (None, None),
    interval: tuple[Array, Array] | None = None,
) -> pl.DataFrame:
    """Rows of one family: weight, p-value, losses, shares below and above each loss, and their intervals.

    `interval` is the confidence interval of the logit of the share below.
    """
    names = ("weight", "p", "loss", "share_below", "share_above", "low", "high", "above_low", "above_high")
    ends: list[Array | list[None]] = [[None] * len(losses)] * 4
    if interval is not None:
        low, high = interval
        ends = [special.expit(x) for x in (low, high, -high, -low)]
    values = (*([x] * len(losses) for x in weight_and_p), losses, *shares, *ends)
    frame = pl.DataFrame(dict(zip(names, values, strict=True)), schema=dict.fromkeys(names, pl.Float64))
    return frame.select(pl.lit(family).alias("family"), pl.all())


def observable_range(grouped: GroupedLosses) -> tuple[float, float]:
    """The smallest and largest loss that could be observed: 0 and infinity, unless an end is truncated."""
    first = grouped.edges[0] if grouped.left == "truncated" else 0.0
    return first, grouped.edges[-1] if grouped.top == "truncated" else np.inf


def observable_shares(
    grouped: GroupedLosses, distribution: LossDistribution, losses: Array
) -> tuple[Array, Array]:
    """For each value in `losses`, the shares of observable losses that are at or below it and above it."""
    first, last = observable_range(grouped)
    whole = distribution.band_probabilities([first, last])[0]
    before, beyond = distribution.cdf(first), distribution.sf(last)
    below, above = (distribution.cdf(losses) - before) / whole, (distribution.sf(losses) - beyond) / whole
    return np.clip(below, 0.0, 1.0), np.clip(above, 0.0, 1.0)


def _logit_interval(fit: Fit, losses: Array, level: float) -> tuple[Array, Array]:
    family, best = FAMILIES[fit.family], fit.optimum

    def logit(at: Array) -> Array:
        below, above = observable_shares(fit.grouped, distribution_at(fit.grouped, family, at), losses)
        return np.log(np.maximum(below, MIN_SHARE)) - np.log(np.maximum(above, MIN_SHARE))

    moves = STEP * np.eye(len(best.point))
    slope = np.array([(logit(best.point + m) - logit(best.point - m)) / (2 * STEP) for m in moves])
    covariance = np.linalg.inv(-best.hessian * fit.n)
    half = special.ndtri((1 + level) / 2) * np.sqrt(np.einsum("ip,ij,jp->p", slope, covariance, slope))
    middle = logit(best.point)
    return middle - half, middle + half
