"""What would narrow the range of the cash: how wide it would be, on average, if one input were known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs import Estimate, quantile_place, replicate_mean
from outage_analysis.text import LikelyRange

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis

ANSWERS = 16
"""An input that is known takes one of so many equally likely values: the draws are divided by its size."""
CLEARLY = 0.1
"""A range that would be narrower by a smaller share is said to be hardly narrower."""
BATCHES = 4
"""The numerical error comes from the spread of so many batches of replicates."""


@dataclass(frozen=True)
class Narrowing:
    """The mean width of the likely range of the cash if an input is known, in the smallest unit."""

    assumption: str
    """The id of the input that makes the range narrowest."""
    known: Estimate
    """The width if it is known, averaged over what it may turn out to be."""
    now: Estimate
    """The width without knowing it."""

    @property
    def is_narrower(self) -> bool:
        """Whether the range would be clearly narrower: by a tenth, and by more than the numerical error."""
        gain, error = self.now.value - self.known.value, math.hypot(self.known.error, self.now.error)
        return gain > max(CLEARLY * self.now.value, 2 * error)


def narrowing_input(analysis: Analysis) -> Narrowing | None:
    """Return what knowing one input exactly would make of the width of the likely range of the cash.

    Nobody knows beforehand what the input will turn out to be, so the width is averaged over its values: for
    some of them, the range is wider than today's. None if the cash was not simulated or nothing is uncertain.
    """
    run, ranked = analysis.headline_run, analysis.tables["tornado"].filter(valuation="cash")
    if run is None or "cash" not in run.totals or ranked.is_empty():
        return None
    drawn = [block.values for block in run.replicates()]
    totals, likely = run.totals["cash"].values, analysis.likely_range
    widths = {
        name: _width(totals, likely, np.stack([values[name] for values in drawn]))
        for name in ranked["assumption"]
        if drawn[0][name].ndim == 1  # a band mix is no single number
    }
    if not widths:
        return None
    name = min(widths, key=lambda x: widths[x].value)
    return Narrowing(name, widths[name], _width(totals, likely))


def _width(totals: FloatArray, likely: LikelyRange, known: FloatArray | None = None) -> Estimate:
    def mean_width(rows: slice) -> float:
        amounts, parts = totals[rows].ravel(), 1
        if known is not None:
            amounts, parts = amounts[np.argsort(known[rows], axis=None, kind="stable")], ANSWERS
        size = len(amounts) // parts
        answers = np.sort(amounts[: parts * size].reshape(parts, size), axis=1)
        low, high = (answers[:, quantile_place(p, size)] for p in (likely.lower, likely.upper))
        return float((high - low).mean())

    each = len(totals) // BATCHES
    batches = [mean_width(slice(n * each, (n + 1) * each)) for n in range(BATCHES)]
    return Estimate(mean_width(slice(None)), replicate_mean(np.array(batches)).error)
