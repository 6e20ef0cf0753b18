"""Bounds of the number of late claims, for use if there are too few counts to fit a growth curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from outage_analysis.errors import UsageError
from outage_analysis.losses.development.observed_counts import increments_from_counts


@dataclass(frozen=True)
class LateClaimBounds:
    """A lower and an upper bound of the number of late claims, without probabilities.

    Args:
        counted: the number of claims filed so far.
        closes: the time at which the intake closes, in days since the opening.
        max_daily_rate: the largest mean number of claims per day between two successive counts.
        max_late: the upper bound of the number of late claims; the lower bound is 0.
    """

    counted: int
    closes: float
    max_daily_rate: float
    max_late: int

    @property
    def assumptions(self) -> dict[str, str]:
        """The assumptions behind the bounds `low` and `high`, and the events that violate them (`breaks`)."""
        return {
            "low": "nothing more is filed",
            "high": f"no later stretch is busier than the busiest so far, {self.max_daily_rate:,.0f} a day",
            "breaks": "a rush before the deadline or a second wave breaks the high one; chance is in neither",
        }

    def table(self) -> pl.DataFrame:
        """The bounds as a table with one row per bound.

        Columns: `bound` (low or high), `late` (claims still to be filed), `total` (filed plus late claims),
        `rests_on` (the assumption behind the bound).
        """
        rows = [
            ("low", 0, self.counted, self.assumptions["low"]),
            ("high", self.max_late, self.counted + self.max_late, self.assumptions["high"]),
        ]
        return pl.DataFrame(rows, schema=("bound", "late", "total", "rests_on"), orient="row")


def late_claim_bounds(times: Sequence[float], counts: Sequence[int], closes: float) -> LateClaimBounds:
    """Bounds of the number of late claims. One count after the opening of the intake is enough.

    The upper bound is the largest mean daily rate between two counts times the remaining days. The bound
    holds if no later period is busier than the busiest period so far.

    Args:
        times: the time of each count, in days since the opening at 0.
        counts: the cumulative number of claims filed by each time.
        closes: the time at which the intake closes, in days since the opening.

    Raises:
        InputRefused: counts decrease, or times are not in order.
        ModelRefused: no claim was filed.
        UsageError: the closing time is before the last count.

    Example:
        >>> from outage_analysis.losses import late_claim_bounds
        >>> late_claim_bounds([1, 2, 3], [500, 800, 900], closes=5).max_late
        1000
    """
    observed = increments_from_counts(times, counts)
    left = closes - observed.until
    if not left >= 0 or math.isinf(left):
        raise UsageError(
            f"the intake closes before the last count, at {observed.until:g} days",
            value=f"{closes:g}",
            remedy="Give the closing that is still to come, in days since the opening.",
        )
    rate = float((observed.counts / np.diff(observed.edges)).max())
    return LateClaimBounds(observed.total, float(closes), rate, math.ceil(round(rate * left, 6)))
