"""Band shares when only a median or a mean is known: what follows, and what does not.

Neither number says how losses spread. Only bounds follow for certain. The shares in between are those of a
lognormal distribution whose spread the caller states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from outage_analysis.errors import UsageError
from outage_analysis.losses.severity.families import Array, LossDistribution

MAX_SIGMA = 10.0
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
    bands, known = _checked_input(edges, median, mean)
    if median is not None and mean is not None:
        if sigmas is not None:
            raise UsageError("a median and a mean already say the spread", remedy="Leave sigmas out.")
        if mean <= median:
            raise UsageError("a lognormal mean lies above its median", value=mean)
        sigmas = {float(np.sqrt(2 * np.log(mean / median))): 1.0}
        said = "That losses are lognormal is assumed; median and mean then fix the rest."
    else:
        said = "The spread (sigma): nothing known says it, so the shares lean on the spreads assumed."
    if not sigmas or not all(0 < s <= MAX_SIGMA and 0 < w < np.inf for s, w in sigmas.items()):
        raise UsageError(
            f"spreads above 0 and up to {MAX_SIGMA:g} are needed, with weights above 0",
            remedy="State sigmas with their weights, as in {0.8: 1, 1.2: 2, 1.6: 1}.",
        )
    rows = [
        LossDistribution("lognormal", {"median": _median(median, mean, s), "sigma": s}).band_probabilities(
            bands
        )
        for s in sigmas
    ]
    weights = np.array(list(sigmas.values()), float)
    table = _share_table(bands, np.array(rows), weights / weights.sum())
    return BandShares(table, _bounds_table(bands, median, mean), known, said)


def _median(median: float | None, mean: float | None, sigma: float) -> float:
    return median if median is not None else (mean or 0.0) * float(np.exp(-(sigma**2) / 2))


def _checked_input(edges: Sequence[float], median: float | None, mean: float | None) -> tuple[Array, str]:
    bands = np.array(edges, float)
    if len(bands) < 2 or not np.all(bands[:-1] < bands[1:]) or bands[0] < 0:  # noqa: PLR2004 - one band
        raise UsageError("edges do not increase from 0 on", value=list(edges))
    given = {"median": median, "mean": mean}
    for name, value in given.items():
        if value is not None and not (np.isfinite(value) and value > 0):
            raise UsageError(f"the {name} is not a positive number", value=value)
    if median is None and mean is None:
        raise UsageError("nothing is known", remedy="State a median or a mean.")
    return bands, ", ".join(f"{name} {value:,.6g}" for name, value in given.items() if value is not None)


def _share_table(bands: Array, shares: Array, weights: Array) -> pl.DataFrame:
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


def _bounds_table(bands: Array, median: float | None, mean: float | None) -> pl.DataFrame:
    """The least and greatest share of losses up to each inner edge, whatever the shape."""
    rows = []
    for edge in bands[1:]:
        if edge == np.inf:
            continue
        low, high = (0.0, 1.0)
        if median is not None:
            low, high = (0.5, 1.0) if edge >= median else (0.0, 0.5)
        if mean is not None:
            low = max(low, _min_share_below(edge, median, mean))
        rows.append((float(edge), low, high))
    schema = dict.fromkeys(("loss", "low", "high"), pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def _min_share_below(edge: float, median: float | None, mean: float) -> float:
    """Markov's bound, and with a median its like: a mean leaves room for only so many losses above."""
    if median is None:
        return max(0.0, 1 - mean / edge)
    if edge > median:  # half at 0, then at the median, the others at the edge
        return 1 - min(0.5, (mean - median / 2) / (edge - median))
    return max(0.0, 0.5 - (mean - median / 2) / edge)
