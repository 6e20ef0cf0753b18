"""Check the cumulative counts of an intake, and convert them to increments (claims between two counts).

If there are too few counts to fit a growth curve, two bounds of the number of late claims follow from
them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from outage_analysis.errors import InputRefused, ModelRefused, UsageError
from outage_analysis.text import ShortRepr

Array = NDArray[np.float64]
DAYS_PER_WEEK = 7
EQUAL_WEEKDAYS = (1.0,) * DAYS_PER_WEEK


@dataclass(frozen=True)
class WeekdayClock:
    """Converts calendar time to operational time, in which claims arrive equally fast on every weekday.

    Args:
        factors: the relative number of claims of each weekday, Monday first, 1 on average.
        starts: the calendar day that begins at time 0.
    """

    factors: tuple[float, ...] = EQUAL_WEEKDAYS
    starts: date | None = None

    def __call__(self, times: object) -> Array:
        """Convert calendar times in days to operational times. A whole week has length 7 in both."""
        times = np.asarray(times, float)
        if self.starts is None or self.factors == EQUAL_WEEKDAYS:
            return times
        first = self.starts.weekday()
        week = np.concatenate([[0.0], np.cumsum(np.roll(self.factors, -first))])
        return np.asarray(
            times // DAYS_PER_WEEK * DAYS_PER_WEEK
            + np.interp(times % DAYS_PER_WEEK, np.arange(DAYS_PER_WEEK + 1), week)
        )


@dataclass(frozen=True, repr=False)
class IntakeIncrements(ShortRepr):
    """The number of claims filed between successive counts, with the times of the counts.

    Args:
        edges: the times in days, from 0 on, (k + 1,).
        counts: the number of claims filed between successive times, (k,).
        used: whether each increment is used to fit the curve, (k,). Increments shortly before a former
            deadline are not used.
        clock: converts calendar times to operational times, which are corrected for weekday effects.
    """

    edges: Array
    counts: Array
    used: NDArray[np.bool_]
    clock: WeekdayClock

    @property
    def total(self) -> int:
        """The number of claims filed so far."""
        return int(self.counts.sum())

    @property
    def until(self) -> float:
        """The time of the last count, in days since the opening of the intake."""
        return float(self.edges[-1])

    @property
    def used_total(self) -> int:
        """The number of claims in the increments (intervals between counts) that are used for the fit."""
        return int(self.counts[self.used].sum())

    @property
    def is_daily(self) -> bool:
        """Whether every increment (interval between two counts) is exactly one calendar day."""
        whole = np.array_equal(self.edges, np.arange(len(self.edges)))
        return self.clock.starts is not None and whole

    def overlaps_day_before(self, deadline: float) -> NDArray[np.bool_]:
        """For each increment (interval between counts), whether it overlaps the day before `deadline`."""
        return np.asarray((self.edges[1:] > deadline - 1) & (self.edges[:-1] < deadline))

    def with_clock(self, clock: WeekdayClock) -> IntakeIncrements:
        """A copy of the increments with another weekday clock (other weekday factors)."""
        return replace(self, clock=clock)


def increments_from_counts(
    times: Sequence[float],
    counts: Sequence[int],
    *,
    former: Sequence[float] = (),
    starts: date | None = None,
) -> IntakeIncrements:
    """Check cumulative claim counts, and convert them to increments (claims between successive counts).

    Args:
        times: the time of each count, in days since the opening, increasing; the first may be 0.
        counts: the cumulative number of claims filed by each time, never decreasing.
        former: deadlines that have passed; increments that overlap the day before a deadline are not used.
        starts: the calendar day that begins at time 0; if None, weekdays are unknown.

    Raises:
        UsageError: there are no times, or there are more or fewer counts than times.
        InputRefused: a time or count is invalid; the message states the position of the count.
        ModelRefused: no claim was filed.
    """
    edges, cumulative = np.asarray(times, float), np.asarray(counts, float)
    if edges.ndim != 1 or edges.shape != cumulative.shape or not len(edges):
        raise UsageError("times and counts are two lists of one length", remedy="Give one count a time.")
    opening_is_listed = edges[0] == 0 and cumulative[0] == 0
    if not opening_is_listed:
        edges, cumulative = np.insert(edges, 0, 0.0), np.insert(cumulative, 0, 0.0)
    if len(edges) > 1:
        _check_order(edges, cumulative, first=1 if opening_is_listed else 0)
    if not cumulative[-1]:
        raise ModelRefused("nothing was filed, so no rate is known", remedy="Wait for a first count.")
    increments = IntakeIncrements(
        edges, np.diff(cumulative), np.ones(len(edges) - 1, bool), WeekdayClock(starts=starts)
    )
    near_deadline = [increments.overlaps_day_before(deadline) for deadline in former]
    return replace(increments, used=~np.any([~increments.used, *near_deadline], axis=0))


def _check_order(edges: Array, cumulative: Array, *, first: int) -> None:
    for what, values in (("time", edges), ("count", cumulative)):
        if not np.isfinite(values).all():
            point = int(np.argmin(np.isfinite(values)))
            raise InputRefused(
                f"the {what} of point {first + point} is no number", remedy="Leave the point out."
            )
    if not np.array_equal(cumulative, np.round(cumulative)):
        point = int(np.argmax(cumulative != np.round(cumulative)))
        raise InputRefused(f"the count of point {first + point} is not whole", value=cumulative[point])
    if (point := int(np.argmax(np.diff(edges) <= 0)) + 1) and edges[point] <= edges[point - 1]:
        raise InputRefused(
            f"the time of point {first + point} is not after the one before",
            value=f"{edges[point]:g}",
            remedy="Give the points in order of time, each later than the opening at 0.",
        )
    if cumulative[(point := int(np.argmax(np.diff(cumulative) < 0)) + 1)] < cumulative[point - 1]:
        raise InputRefused(
            f"the cumulative count falls at point {first + point}",
            value=f"{cumulative[point - 1]:g} -> {cumulative[point]:g}",
            remedy="Give all claims filed by each time; where a count was corrected, leave out the old one.",
        )


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
        """The assumptions of the `low` and the `high` bound, and the events that violate them (`breaks`)."""
        return {
            "low": "nothing more is filed",
            "high": f"no later stretch is busier than the busiest so far, {self.max_daily_rate:,.0f} a day",
            "breaks": "a rush before the deadline or a second wave breaks the high one; chance is in neither",
        }

    def table(self) -> pl.DataFrame:
        """The lower and the upper bound of the late claims as a table with one row per bound.

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
