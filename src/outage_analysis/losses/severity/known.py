"""Band shares when only a median or a mean is known: what follows, and what does not.

Neither number says how losses spread. What follows for certain are bounds; a shape in between is a
choice: the spread that assumes least (maximum entropy), or a lognormal law of a stated spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import optimize

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.losses.severity.families import Array, LossDistribution

STEEPEST = 100.0
"""Fall of a density, in units of how far the mean is from what an end allows, that is steep enough."""
WIDEST = 10.0
"""Spread of a lognormal law beyond which nothing is a loss."""


@dataclass(frozen=True)
class BandShares:
    """Shares of losses in bands, from a median, a mean or both.

    `table` has over, up_to, share, low and high: one choice of shape, and the range of it (over the
    spreads stated, for a lognormal law). `bounds` has loss, low and high: between which the share of
    losses up to each inner edge lies whatever the shape.
    """

    table: pl.DataFrame
    bounds: pl.DataFrame
    known: str
    not_identified: str


def maximum_entropy(
    edges: Sequence[float],
    *,
    median: float | None = None,
    mean: float | None = None,
    largest: float | None = None,
) -> BandShares:
    """The shares that assume least beyond what is known.

    Args:
        edges: k + 1 increasing edges from 0 on; the last may be infinite.
        median: half of the losses are at or below it.
        mean: of all losses.
        largest: a loss that none exceeds.

    Raises:
        UsageError: numbers that cannot hold together.
        ModelRefused: a median alone: nothing bounds the upper half, so no spread assumes least.
    """
    bands, known = _checked(edges, median, mean, largest)
    if mean is None and largest is None:
        raise ModelRefused(
            "a median alone has no spread that assumes least: nothing bounds the upper half",
            remedy="State a mean or a largest loss, or ask for `lognormal_shares` with spreads of yours.",
        )
    slope = 0.0 if mean is None else _slope(mean, median, largest)
    shares = np.diff(_below(bands, slope, median, largest))
    return BandShares(
        _table(bands, shares[None]),
        _bounds(bands, median, mean, largest),
        known,
        "Everything but what is known: the shape between is the one of maximum entropy, not an observation.",
    )


def lognormal_shares(
    edges: Sequence[float],
    *,
    median: float | None = None,
    mean: float | None = None,
    sigmas: Mapping[float, float] | None = None,
) -> BandShares:
    """The shares of lognormal losses with that median or mean.

    Args:
        edges: k + 1 increasing edges from 0 on; the last may be infinite.
        median: of the losses.
        mean: of the losses. With a median too, the spread follows.
        sigmas: spreads (standard deviations of the logarithm) and what each weighs; needed when only
            one number is known, because nothing known says which holds.

    Raises:
        UsageError: numbers that cannot hold together, or spreads that are missing or not needed.
    """
    bands, known = _checked(edges, median, mean, None)
    if median is not None and mean is not None:
        if sigmas is not None:
            raise UsageError("a median and a mean already say the spread", remedy="Leave sigmas out.")
        if mean <= median:
            raise UsageError("a lognormal mean lies above its median", value=mean)
        sigmas = {float(np.sqrt(2 * np.log(mean / median))): 1.0}
        said = "That losses are lognormal is assumed; median and mean then fix the rest."
    else:
        said = "The spread (sigma): nothing known says it, so the shares lean on the spreads assumed."
    if not sigmas or not all(0 < s <= WIDEST and 0 < w < np.inf for s, w in sigmas.items()):
        raise UsageError(
            f"spreads above 0 and up to {WIDEST:g} are needed, with weights above 0",
            remedy="State sigmas with their weights, as in {0.8: 1, 1.2: 2, 1.6: 1}.",
        )
    rows = [
        LossDistribution("lognormal", {"median": _median(median, mean, s), "sigma": s}).band_probabilities(
            bands
        )
        for s in sigmas
    ]
    weights = np.array(list(sigmas.values()), float)
    table = _table(bands, np.array(rows), weights / weights.sum())
    return BandShares(table, _bounds(bands, median, mean, None), known, said)


def _median(median: float | None, mean: float | None, sigma: float) -> float:
    return median if median is not None else (mean or 0.0) * float(np.exp(-(sigma**2) / 2))


def _checked(
    edges: Sequence[float], median: float | None, mean: float | None, largest: float | None
) -> tuple[Array, str]:
    bands = np.array(edges, float)
    if len(bands) < 2 or not np.all(bands[:-1] < bands[1:]) or bands[0] < 0:  # noqa: PLR2004 - one band
        raise UsageError("edges do not increase from 0 on", value=list(edges))
    given = {"median": median, "mean": mean, "largest": largest}
    for name, value in given.items():
        if value is not None and not (np.isfinite(value) and value > 0):
            raise UsageError(f"the {name} is not a positive number", value=value)
    if median is None and mean is None:
        raise UsageError("nothing is known", remedy="State a median or a mean.")
    low, high = _means(median, largest)
    if mean is not None and not low < mean < high:
        raise UsageError(
            f"no losses have these numbers: the mean must lie between {low:,.6g} and {high:,.6g}", value=mean
        )
    if median is not None and largest is not None and median >= largest:
        raise UsageError("the median is not below the largest loss", value=median)
    return bands, ", ".join(f"{name} {value:,.6g}" for name, value in given.items() if value is not None)


def _pieces(median: float | None, largest: float | None) -> list[tuple[float, float, float]]:
    """Where the density has one constant: from, to, and the share of losses there."""
    end = np.inf if largest is None else largest
    return [(0.0, end, 1.0)] if median is None else [(0.0, median, 0.5), (median, end, 0.5)]


def _below(x: Array, slope: float, median: float | None, largest: float | None) -> Array:
    """The share at or below x when the density falls as exp(-slope x) within each piece."""
    total = np.zeros(len(x))
    for start, end, share in _pieces(median, largest):
        inner, width, steep = np.clip(x, start, end) - start, end - start, abs(slope)
        if slope == 0:
            part = inner / width
        else:
            part = np.expm1(-steep * inner) / np.expm1(-steep * width)
            part = part if slope > 0 else part * np.exp(-steep * (width - inner))
        total += share * part
    return total


def _mean_of(slope: float, median: float | None, largest: float | None) -> float:
    total = 0.0
    for start, end, share in _pieces(median, largest):
        width, steep = end - start, abs(slope)
        if slope == 0:
            inner = width / 2
        elif width == np.inf:
            inner = 1 / steep
        else:
            with np.errstate(over="ignore"):
                inner = 1 / steep - width / np.expm1(steep * width)
            inner = inner if slope > 0 else width - inner
        total += share * (start + inner)
    return total


def _slope(mean: float, median: float | None, largest: float | None) -> float:
    """The fall of the density that gives the mean, which lies between what the ends allow."""
    low, high = _means(median, largest)
    least = 1e-12 if largest is None else -STEEPEST * mean / (high - mean)
    most = STEEPEST * mean / (mean - low)

    def missed(times: float) -> float:  # in units of the mean, so that the unit of the losses has no part
        return _mean_of(times / mean, median, largest) / mean - 1

    return float(optimize.brentq(missed, least, most, xtol=1e-14)) / mean


def _means(median: float | None, largest: float | None) -> tuple[float, float]:
    """Between which a mean must lie: half of the losses are the median or more, none above the largest."""
    low = 0.0 if median is None else median / 2
    if largest is None:
        return low, np.inf
    return low, largest if median is None else (median + largest) / 2


def _table(bands: Array, shares: Array, weights: Array | None = None) -> pl.DataFrame:
    weights = np.ones(len(shares)) / len(shares) if weights is None else weights
    return pl.DataFrame(
        {
            "over": bands[:-1],
            "up_to": [None if b == np.inf else b for b in bands[1:].tolist()],
            "share": weights @ shares,
            "low": shares.min(axis=0),
            "high": shares.max(axis=0),
        },
        schema_overrides={"up_to": pl.Float64},
    ).with_columns(pl.col("share", "low", "high").round_sig_figs(10))


def _bounds(bands: Array, median: float | None, mean: float | None, largest: float | None) -> pl.DataFrame:
    """The least and greatest share of losses up to each inner edge, whatever the shape."""
    rows = []
    for edge in bands[1:]:
        if edge == np.inf:
            continue
        low, high = (0.0, 1.0)
        if median is not None:
            low, high = (0.5, 1.0) if edge >= median else (0.0, 0.5)
        if mean is not None:
            low = max(low, _least_below(edge, median, mean))
        if largest is not None:
            low = 1.0 if edge >= largest else low
            high = (
                high
                if mean is None or edge >= largest
                else min(high, _most_below(edge, median, mean, largest))
            )
        rows.append((float(edge), low, high))
    schema = dict.fromkeys(("loss", "low", "high"), pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def _least_below(edge: float, median: float | None, mean: float) -> float:
    """Markov's bound, and with a median its like: a mean leaves room for only so many losses above."""
    if median is None:
        return max(0.0, 1 - mean / edge)
    if edge > median:  # half at 0, then at the median, the others at the edge
        return 1 - min(0.5, (mean - median / 2) / (edge - median))
    return max(0.0, 0.5 - (mean - median / 2) / edge)


def _most_below(edge: float, median: float | None, mean: float, largest: float) -> float:
    """The same from the other side: a mean needs so many losses above, none beyond the largest."""
    if median is None:
        return (largest - mean) / (largest - edge)
    if edge >= median:  # half at the median, then at the edge, the others at the largest
        return (largest - mean - (edge - median) / 2) / (largest - edge)
    return ((median + largest) / 2 - mean) / (median - edge)
