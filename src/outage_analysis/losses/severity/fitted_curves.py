"""Fitted laws as curves beside the counts: what an ogive and a tail are drawn from."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import special

from outage_analysis.errors import UsageError, refuse_no_level
from outage_analysis.losses.severity.averaging import MIN_WEIGHT, Fits
from outage_analysis.losses.severity.families import FAMILIES, Array, LossDistribution
from outage_analysis.losses.severity.fit import Fit
from outage_analysis.losses.severity.grouped import GroupedLosses
from outage_analysis.losses.severity.intervals import distribution_at
from outage_analysis.losses.severity.newton import STEP

COUNTED = "counted"
"""Stands for a family in the rows of what was counted."""
SMALLEST_LOSS_SHARE = 0.5
"""Of the smallest loss drawn: this share of the first edge above 0."""
MIN_SHARE = 1e-300
"""A share below this is taken for it."""
LARGEST_LOSS_MULTIPLE = 4.0
"""Laws are drawn up to so many times the last finite edge, beyond which only they speak; not what could
not be seen."""


def curve_table(
    fits: Fits, *, points: int = 40, level: float = 0.95, least_weight: float = MIN_WEIGHT
) -> pl.DataFrame:
    """What was counted and what the laws say of it: one row a family and a loss.

    Args:
        fits: what `fit_all` returned.
        points: losses a family, evenly spaced on their logarithm.
        level: of the pointwise interval about the likeliest family, by the delta method on the logit.
        least_weight: families that weigh less are left out.

    Returns:
        family, weight, p (of its goodness of fit), loss, share_below, share_above, and for the likeliest
        family low and high of share_below, above_low and above_high of share_above. The rows of the
        family `counted` come first: the shares counted at each inner edge. Every share is of the losses
        over `over` up to `up_to`: over 0 and without an end, unless an end is truncated.

    Raises:
        UsageError: a level outside 0 to 1, or fewer than two points.
    """
    refuse_no_level(level)
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
    return table.with_columns(pl.col(pl.Float64).round_sig_figs(6))


def _counted_rows(grouped: GroupedLosses) -> pl.DataFrame:
    """The shares counted up to each edge above the first that is finite."""
    inner = np.isfinite(grouped.fitted_edges[1:])
    below = np.cumsum(grouped.counts)[inner]
    return _rows(
        COUNTED, grouped.fitted_edges[1:][inner], (below / grouped.n, (grouped.n - below) / grouped.n)
    )


def _rows(
    family: str,
    losses: Array,
    shares: tuple[Array, Array],
    told: tuple[float | None, float | None] = (None, None),
    interval: tuple[Array, Array] | None = None,
) -> pl.DataFrame:
    """Rows of one family with its weight and p; the interval is of the logit of the share below."""
    names = ("weight", "p", "loss", "share_below", "share_above", "low", "high", "above_low", "above_high")
    ends: list[Array | list[None]] = [[None] * len(losses)] * 4
    if interval is not None:
        low, high = interval
        ends = [special.expit(x) for x in (low, high, -high, -low)]
    values = (*([t] * len(losses) for t in told), losses, *shares, *ends)
    frame = pl.DataFrame(dict(zip(names, values, strict=True)), schema=dict.fromkeys(names, pl.Float64))
    return frame.select(pl.lit(family).alias("family"), pl.all())


def observable_range(grouped: GroupedLosses) -> tuple[float, float]:
    """The ends between which losses could be seen."""
    first = grouped.edges[0] if grouped.left == "truncated" else 0.0
    return first, grouped.edges[-1] if grouped.top == "truncated" else np.inf


def observable_shares(grouped: GroupedLosses, law: LossDistribution, losses: Array) -> tuple[Array, Array]:
    """The shares at or below and above each loss among the losses that could be seen."""
    first, last = observable_range(grouped)
    whole = law.band_probabilities([first, last])[0]
    before, beyond = law.cdf(first), law.sf(last)
    below, above = (law.cdf(losses) - before) / whole, (law.sf(losses) - beyond) / whole
    return np.clip(below, 0.0, 1.0), np.clip(above, 0.0, 1.0)


def _logit_interval(fit: Fit, losses: Array, level: float) -> tuple[Array, Array]:
    """The interval of the logit of the share below each loss."""
    family, best = FAMILIES[fit.family], fit.optimum

    def logit(at: Array) -> Array:
        below, above = observable_shares(fit.grouped, distribution_at(fit.grouped, family, at), losses)
        return np.log(np.maximum(below, MIN_SHARE)) - np.log(np.maximum(above, MIN_SHARE))

    moves = STEP * np.eye(len(best.point))
    slope = np.array([(logit(best.point + m) - logit(best.point - m)) / (2 * STEP) for m in moves])
    covariance = np.linalg.inv(-best.hessian * fit.n)
    reach = special.ndtri((1 + level) / 2) * np.sqrt(np.einsum("ip,ij,jp->p", slope, covariance, slope))
    middle = logit(best.point)
    return middle - reach, middle + reach
