"""What would narrow the range of the cash: the range if the input that matters most were known better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from outage_analysis.assumptions import RateAssumption

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis

HALF_WIDTH = 0.025
"""A rate is known to five percentage points: this much on either side."""
HALF_FACTOR = 1.1
"""Another number is known to about a fifth: up to this factor on either side."""
FEWEST_DRAWS = 400
"""With fewer draws inside the interval, there is no narrower range to state."""


@dataclass(frozen=True)
class NarrowerRange:
    """The likely range of the cash if an input lay in a narrow interval around its median."""

    assumption: str
    """The id of the input."""
    least: float
    """The lower end of the interval of the input."""
    most: float
    """The upper end of the interval."""
    is_rate: bool
    """Whether the input is a rate; the interval is then five percentage points wide."""
    low: float
    """The lower end of the likely range of the cash, in the smallest unit of the currency."""
    high: float
    """The upper end of the likely range."""


def narrower_range(analysis: Analysis) -> NarrowerRange | None:
    """Return the likely range of the cash if the input at the top of the tornado were known better.

    The range is that of the draws whose input lies in the interval. None if the cash was not simulated,
    nothing is uncertain, or too few draws lie in the interval.
    """
    run = analysis.runs.get(analysis.headline_basis)
    ranked = analysis.tables["tornado"].filter(valuation="cash")
    if run is None or "cash" not in run.totals or ranked.is_empty():
        return None
    name = ranked["assumption"][0]
    drawn = np.concatenate([block.values[name] for block in run.replicates()])
    if drawn.ndim > 1:
        return None
    is_rate = isinstance(run.portfolio.entries[name], RateAssumption)
    middle = float(np.median(drawn))
    least, most = (
        (max(middle - HALF_WIDTH, 0.0), min(middle + HALF_WIDTH, 1.0))
        if is_rate
        else (middle / HALF_FACTOR, middle * HALF_FACTOR)
    )
    inside = (least <= drawn) & (drawn <= most)
    if inside.sum() < FEWEST_DRAWS:
        return None
    likely = analysis.likely_range
    totals = pl.Series(run.totals["cash"].values.ravel()[inside])
    low, high = (float(totals.quantile(p, "higher") or 0.0) for p in (likely.lower, likely.upper))
    return NarrowerRange(name, least, most, is_rate, low, high)
