"""What may be said of late claims when there are too few counts for a curve: bounds."""

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
    """The least and the most late claims, each with what it rests on; no probability is given to either.

    Args:
        counted: the claims filed so far.
        closes: the closing time, in days since the opening.
        rate: claims a day between the two counts where it was largest.
        most: late claims at most.
    """

    counted: int
    closes: float
    max_daily_rate: float
    max_late: int

    @property
    def assumptions(self) -> dict[str, str]:
        """What each bound rests on, and what breaks it."""
        return {
            "low": "nothing more is filed",
            "high": f"no later stretch is busier than the busiest so far, {self.max_daily_rate:,.0f} a day",
            "breaks": "a rush before the deadline or a second wave breaks the high one; chance is in neither",
        }

    def table(self) -> pl.DataFrame:
        """One row a bound: `bound`, `late`, `total`, `rests_on`."""
        rows = [
            ("low", 0, self.counted, self.assumptions["low"]),
            ("high", self.max_late, self.counted + self.max_late, self.assumptions["high"]),
        ]
        return pl.DataFrame(rows, schema=("bound", "late", "total", "rests_on"), orient="row")


def late_claim_bounds(times: Sequence[float], counts: Sequence[int], closes: float) -> LateClaimBounds:
    """Late claims at least and at most, from as few as one count after the opening.

    The upper bound is the largest mean rate between two counts, times the days that are left: it holds if
    no later stretch is busier than the busiest so far.

    Args:
        times: when each count was taken, in days since the opening at 0.
        counts: the claims filed by then.
        closes: the closing time, in days since the opening.

    Raises:
        InputRefused: counts that fall, times out of order.
        ModelRefused: nothing filed.
        UsageError: a closing before the last count.
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
