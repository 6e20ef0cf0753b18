"""Estimate the share of losses in each band if only a median or a mean of the losses is known.

Neither the median nor the mean determines how losses are spread, so only bounds of the shares are certain.
For point estimates the caller assumes a lognormal distribution and states its spread (sigma).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from outage_analysis.errors import UsageError
from outage_analysis.losses.severity.families import Array, LossDistribution
from outage_analysis.text import FLOAT, OVER, TABLE_DIGITS, UP_TO, Column, TableSchema

MAX_SIGMA = 10.0
"""The largest accepted sigma of a lognormal distribution; no real losses are spread more widely."""


@dataclass(frozen=True)
class BandShares:
    """Shares of losses in bands, from a median, a mean or both.

    `table` has one row per band: over, up_to, share (average over the stated sigmas), low and high (range
    over the stated sigmas). `bounds` has one row per finite edge: loss, low and high, the bounds of the share
    of losses up to the edge for any distribution. `known` lists the known numbers. `not_identified` states
    the assumption on which the shares depend.
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
    """The share of losses in each band, for lognormal losses with a known median, mean or both.

    Args:
        edges: k + 1 increasing edges from 0 on; the last may be infinite.
        median: the median loss, if known.
        mean: the mean loss, if known. Median and mean together determine the spread.
        sigmas: possible spreads (standard deviations of the logarithm) and their weights. Required if only
            the median or only the mean is known, and not allowed if both are.

    Raises:
        UsageError: the numbers contradict each other, or `sigmas` is missing or not needed.

    Example:
        >>> from outage_analysis.losses import lognormal_shares
        >>> lognormal_shares([0, 100, 1000], median=100, sigmas={1.0: 1}).table["share"].to_list()
        [0.5, 0.4893489007]
    """
    bands, known = _checked_input(edges, median, mean)
    if median is not None and mean is not None:
        if sigmas is not None:
            raise UsageError("a median and a mean already say the spread", remedy="Leave sigmas out.")
        if mean <= median:
            raise UsageError("a lognormal mean lies above its median", value=mean)
        sigmas = {float(np.sqrt(2 * np.log(mean / median))): 1.0}
        assumption = "That losses are lognormal is assumed; median and mean then fix the rest."
    else:
        assumption = "The spread (sigma): nothing known says it, so the shares lean on the spreads assumed."
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
    return BandShares(table, _bounds_table(bands, median, mean), known, assumption)


def _median(median: float | None, mean: float | None, sigma: float) -> float:
    return median if median is not None else (mean or 0.0) * float(np.exp(-(sigma**2) / 2))


def _checked_input(edges: Sequence[float], median: float | None, mean: float | None) -> tuple[Array, str]:
    """The edges as an array, and median and mean as text. Raises UsageError if one of them is invalid."""
    bands = np.array(edges, float)
    if len(bands) < 2 or not np.all(bands[:-1] < bands[1:]) or bands[0] < 0:  # noqa: PLR2004 - one band
        raise UsageError("edges do not increase from 0 on", value=list(edges))
    known = {"median": median, "mean": mean}
    for name, value in known.items():
        if value is not None and not (np.isfinite(value) and value > 0):
            raise UsageError(f"the {name} is not a positive number", value=value)
    if median is None and mean is None:
        raise UsageError("nothing is known", remedy="State a median or a mean.")
    return bands, ", ".join(f"{name} {value:,.6g}" for name, value in known.items() if value is not None)


KNOWN_SHARES = TableSchema(
    "One row per loss band.",
    (
        replace(OVER, dtype=FLOAT),
        replace(UP_TO, dtype=FLOAT),
        Column("share", "share", "Share of the losses in the band, averaged over the stated sigmas."),
        Column("low", "share", "Smallest share over the stated sigmas.", label="value_low"),
        Column("high", "share", "Largest share over the stated sigmas.", label="value_high"),
    ),
)
KNOWN_BOUNDS = TableSchema(
    "One row per finite edge.",
    (
        Column("loss", "loss", "The edge.", FLOAT, label="loss_edge"),
        Column("low", "share", "Smallest possible share of losses up to it.", label="value_low"),
        Column("high", "share", "Largest possible share of losses up to it.", label="value_high"),
    ),
)


def _share_table(bands: Array, shares: Array, weights: Array) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "over": bands[:-1],
            "up_to": [None if b == np.inf else b for b in bands[1:].tolist()],
            "share": weights @ shares,
            "low": shares.min(axis=0),
            "high": shares.max(axis=0),
        },
        schema=KNOWN_SHARES.dtypes,
    ).with_columns(pl.col("share", "low", "high").round_sig_figs(TABLE_DIGITS))


def _bounds_table(bands: Array, median: float | None, mean: float | None) -> pl.DataFrame:
    """The smallest and largest share of losses up to each finite edge that the median and mean allow."""
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
    return pl.DataFrame(rows, schema=KNOWN_BOUNDS.dtypes, orient="row")


def _min_share_below(edge: float, median: float | None, mean: float) -> float:
    """The smallest possible share of losses up to an edge, by Markov's inequality.

    If the median is also known, the inequality is applied on each side of the median.
    """
    if median is None:
        return max(0.0, 1 - mean / edge)
    # Above the median, the share is smallest if half of the losses are 0 and the others equal the median or
    # the edge.
    if edge > median:
        return 1 - min(0.5, (mean - median / 2) / (edge - median))
    return max(0.0, 0.5 - (mean - median / 2) / edge)
