"""Check cumulative claim counts, and convert them to increments (claims between successive counts)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from outage_analysis.errors import InputRefused, ModelRefused, UsageError

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


@dataclass(frozen=True)
class IntakeIncrements:
    """The claims filed between successive observation times, in days since the intake opened.

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
        """The number of claims in the increments that are used to fit the curve and its level."""
        return int(self.counts[self.used].sum())

    @property
    def is_daily(self) -> bool:
        """Whether every increment is one whole calendar day."""
        whole = np.array_equal(self.edges, np.arange(len(self.edges)))
        return self.clock.starts is not None and whole

    def overlaps_day_before(self, deadline: float) -> NDArray[np.bool_]:
        """Whether each increment overlaps the day before a deadline, (k,)."""
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
    if edges[0] == 0 and cumulative[0] == 0:
        edges, cumulative = edges[1:], cumulative[1:]
    edges, cumulative = np.insert(edges, 0, 0.0), np.insert(cumulative, 0, 0.0)
    _check_order(edges, cumulative)
    if not cumulative[-1]:
        raise ModelRefused("nothing was filed, so no rate is known", remedy="Wait for a first count.")
    increments = IntakeIncrements(
        edges, np.diff(cumulative), np.ones(len(edges) - 1, bool), WeekdayClock(starts=starts)
    )
    near_deadline = [increments.overlaps_day_before(deadline) for deadline in former]
    return replace(increments, used=~np.any([~increments.used, *near_deadline], axis=0))


def _check_order(edges: Array, cumulative: Array) -> None:
    """Raise InputRefused for the first invalid time or count.

    Both arrays begin with the opening of the intake at index 0, so the index of a later count is its position
    in the user's list (from 1).
    """
    for what, values in (("time", edges), ("count", cumulative)):
        if not np.isfinite(values).all():
            point = int(np.argmin(np.isfinite(values)))
            raise InputRefused(f"the {what} of point {point} is no number", remedy="Leave the point out.")
    if not np.array_equal(cumulative, np.round(cumulative)):
        point = int(np.argmax(cumulative != np.round(cumulative)))
        raise InputRefused(f"the count of point {point} is not whole", value=cumulative[point])
    if (point := int(np.argmax(np.diff(edges) <= 0)) + 1) and edges[point] <= edges[point - 1]:
        raise InputRefused(
            f"the time of point {point} is not after the one before",
            value=f"{edges[point]:g}",
            remedy="Give the points in order of time, each later than the opening at 0.",
        )
    if cumulative[(point := int(np.argmax(np.diff(cumulative) < 0)) + 1)] < cumulative[point - 1]:
        raise InputRefused(
            f"the cumulative count falls at point {point}",
            value=f"{cumulative[point - 1]:g} -> {cumulative[point]:g}",
            remedy="Give all claims filed by each time; where a count was corrected, leave out the old one.",
        )
