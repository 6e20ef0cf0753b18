"""Forecast the number of late claims (claims still to be filed) for each way in which the intake may end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from outage_analysis.errors import ModelRefused, UsageError, check_level
from outage_analysis.losses.development.curve_weights import WeightedCurves, weigh_curves
from outage_analysis.losses.development.growth_curves import CURVES
from outage_analysis.losses.development.late_count import Branch, LateCount, late_count, supported_late_count
from outage_analysis.losses.development.observed_counts import EQUAL_WEEKDAYS, increments_from_counts

LEVELS = (0.5, 0.8, 0.95)


@dataclass(frozen=True)
class DeadlineSpike:
    """The extra claims that were filed shortly before a former deadline.

    Args:
        deadline: the time of the deadline, in days since the opening.
        filed: the claims in the increments that overlap the day before the deadline.
        expected: the claims that the growth curve expects in these increments; the curve is fitted without
            them.
        multiple: the extra claims as a multiple of the expected claims of the last day. Use this number as
            the `spike` of a branch if you expect the same rush before the next deadline.
    """

    deadline: float
    filed: int
    expected: float
    multiple: float


@dataclass(frozen=True, repr=False)
class LateClaimsForecast:
    """A forecast of the late claims of each branch (way in which the intake may end).

    Args:
        growth: the weighted growth curves.
        branches: the branches that have a forecast.
        late: the forecast number of late claims by branch id, up to the closing of the branch or the
            requested time.
        refused: by branch id, the reason why the branch has no forecast.
        levels: the probability levels of the intervals in tables.
        spikes: the extra claims before former deadlines.
    """

    growth: WeightedCurves
    branches: tuple[Branch, ...]
    late: dict[str, LateCount]
    refused: dict[str, str]
    levels: tuple[float, ...]
    spikes: tuple[DeadlineSpike, ...]

    def __repr__(self) -> str:
        """Return one line per branch: the claims so far and the likely range of their total."""
        lines = [
            f"{late.branch}: {self.counted + late.quantile(0.5):,} claims by day {late.by:g}, "
            f"80% likely {low:,} to {high:,}"
            for late in self.late.values()
            for low, high in [late.total(0.8)]
        ]
        return "\n".join(
            [f"Forecast from {self.counted:,} claims by day {self.until:g}", *lines, *self.notes]
        )

    @property
    def counted(self) -> int:
        """The number of claims filed so far."""
        return self.growth.observed.total

    @property
    def until(self) -> float:
        """The time of the last count, in days since the opening of the intake."""
        return self.growth.observed.until

    @property
    def phi(self) -> float:
        """The over-dispersion: the variance of an increment divided by its mean; 1 for Poisson counts."""
        return self.growth.phi

    @property
    def weekdays(self) -> tuple[float, ...] | None:
        """The factor of each weekday (Monday first, mean 1); None if no factors were estimated."""
        factors = self.growth.observed.clock.factors
        return None if factors == EQUAL_WEEKDAYS else factors

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the curve families, effects and branches that were left out, with the reasons."""
        refused = [f"no forecast of {branch}: {reason}" for branch, reason in self.refused.items()]
        return (*self.growth.notes, *refused)

    def late_count_by(self, branch: str, at: float) -> LateCount:
        """The distribution of the late claims of a branch (closing scenario), up to the time `at`.

        Raises:
            UsageError: the branch does not exist, or the time is before the last count.
            ModelRefused: the counts do not determine the late claims by that time, or the branch does not
                state its spike.
        """
        chosen = next((b for b in self.branches if b.id == branch), None)
        if chosen is None:
            raise UsageError("no such branch", value=branch, remedy="It has: " + ", ".join(self.late) + ".")
        return supported_late_count(self.growth, chosen, at)

    def table(self) -> pl.DataFrame:
        """The forecast as a table: expected late and total claims, with intervals of the total.

        One row per branch and level. Columns: `branch`, `by` (days since the opening), `counted` (claims
        filed so far), `late` and `total` (expected values), `median`, `level`, `low` and `high` (median and
        interval of the total).
        """
        return pl.DataFrame(
            [
                {
                    "branch": late.branch,
                    "by": late.by,
                    "counted": self.counted,
                    "late": late.mean,
                    "total": self.counted + late.mean,
                    "median": self.counted + late.quantile(0.5),
                    "level": level,
                    "low": total[0],
                    "high": total[1],
                }
                for late in self.late.values()
                for level in self.levels
                for total in [late.total(level)]
            ]
        )

    def families(self) -> pl.DataFrame:
        """The forecast total of claims per curve family: one row per branch, family and interval level.

        Columns: `branch`, `family`, `weight`, `median`, `level`, `low` and `high` (median and interval of the
        total).
        """
        rows = []
        for late in self.late.values():
            for family, distribution in late.family_distributions.items():
                for level in self.levels:
                    points = self.counted + distribution.quantile([0.5, (1 - level) / 2, (1 + level) / 2])
                    median, low, high = points.astype(int).tolist()
                    rows.append((late.branch, family, late.weights[family], median, level, low, high))
        names = ("branch", "family", "weight", "median", "level", "low", "high")
        return pl.DataFrame(rows, schema=names, orient="row")

    def variances(self) -> pl.DataFrame:
        """The variance of the late claims from chance, parameters and curve family: one row per branch.

        Columns: `branch`, `phi` (over-dispersion), `process`, `parameter` and `model` (see
        `LateCountVariance`), `variance` (their sum), `deviation` (the standard deviation).
        """
        rows = []
        for late in self.late.values():
            parts = late.variance
            split = (parts.process, parts.parameter, parts.model, parts.total, parts.total**0.5)
            rows.append((late.branch, self.phi, *split))
        names = ("branch", "phi", "process", "parameter", "model", "variance", "deviation")
        return pl.DataFrame(rows, schema=names, orient="row")

    def path(self, times: Sequence[float]) -> pl.DataFrame:
        """Expected cumulative claims with intervals at future times: the data of a fan chart.

        If a branch does not state its spike, the spike counts as 0.

        Args:
            times: future times in days since the opening; no time may be before the last count.

        Returns:
            One row per branch, time and level: `branch`, `at`, `expected`, `median`, `level`, `low`, `high`.
        """
        rows = []
        for branch in self.branches:
            for at in times:
                distribution = late_count(self.growth, branch, at).distribution
                ends = [p for level in self.levels for p in ((1 - level) / 2, (1 + level) / 2)]
                quantiles = (self.counted + distribution.quantile([0.5, *ends])).astype(int).tolist()
                median, lows, highs = quantiles[0], quantiles[1::2], quantiles[2::2]
                expected = self.counted + distribution.mean
                for level, low, high in zip(self.levels, lows, highs, strict=True):
                    rows.append((branch.id, float(at), expected, median, level, low, high))
        names = ("branch", "at", "expected", "median", "level", "low", "high")
        return pl.DataFrame(rows, schema=names, orient="row")


def forecast_late_claims(
    times: Sequence[float],
    counts: Sequence[int],
    branches: Sequence[Branch],
    *,
    by: float | None = None,
    families: Sequence[str] = tuple(CURVES),
    levels: Sequence[float] = LEVELS,
    former: Sequence[float] = (),
    starts: date | None = None,
) -> LateClaimsForecast:
    """Forecast the number of late claims from cumulative counts.

    Increments (the claims filed between successive counts) follow an over-dispersed Poisson distribution
    whose means follow a growth curve. The parameters of each curve family are weighted on a grid. The level
    of the curve (the expected total) is integrated out. Families are averaged by their evidence. The number
    of late claims then follows a mixture of negative binomial distributions.

    Args:
        times: the time of each count, in days since the opening at 0, increasing.
        counts: the cumulative number of claims filed by each time, never decreasing.
        branches: the ways in which the intake may end. Each branch gets its own forecast; forecasts of
            different branches are never averaged.
        by: count only late claims up to this time, in days since the opening; by default up to the closing.
        families: the growth curves to average, names in `CURVES`.
        levels: the probability levels of the intervals in tables, each between 0 and 1.
        former: deadlines that have passed, in days since the opening. Increments that overlap the day before
            a deadline are not used to fit the curve, because of the rush before a deadline; the claims in
            these increments still count.
        starts: the calendar day that begins at time 0. If it is known and there are 14 or more increments of
            one day each, weekday factors are estimated.

    Raises:
        InputRefused: counts decrease, or times are not in order.
        ModelRefused: no claim was filed; there are too few increments for any family (use
            `late_claim_bounds`); or no branch has a forecast, because the counts do not determine its late
            claims or the branch does not state its spike.
        UsageError: there is no branch, a branch closes before the last count, or a family does not exist.

    Example:
        >>> from outage_analysis.losses import Branch, forecast_late_claims
        >>> counts = [4000, 6400, 7900, 8800, 9300, 9600, 9800]
        >>> branches = [Branch("deadline", 10.0, spike=0.0)]
        >>> forecast = forecast_late_claims([1, 2, 3, 4, 5, 6, 7], counts, branches)
        >>> forecast.late["deadline"].total(0.8)
        (9996, 10056)
    """
    for level in levels:
        check_level(level)
    observed = increments_from_counts(times, counts, former=former, starts=starts)
    if not branches or len({b.id for b in branches}) < len(branches):
        raise UsageError("branches have ids of their own, and there is one at least", remedy="Name them.")
    growth = weigh_curves(observed, families)
    late, refused = _late_counts(growth, branches, by)
    passed = tuple(_deadline_spike(growth, deadline) for deadline in former if 0 < deadline <= observed.until)
    with_forecast = tuple(b for b in branches if b.id in late)
    return LateClaimsForecast(growth, with_forecast, late, refused, tuple(levels), passed)


def _late_counts(
    growth: WeightedCurves, branches: Sequence[Branch], by: float | None
) -> tuple[dict[str, LateCount], dict[str, str]]:
    late: dict[str, LateCount] = {}
    refused: dict[str, ModelRefused] = {}
    for branch in branches:
        try:
            late[branch.id] = supported_late_count(growth, branch, branch.closes if by is None else by)
        except ModelRefused as refusal:
            refused[branch.id] = refusal
    if not late:
        raise refused[branches[0].id]
    return late, {id_: str(refusal) for id_, refusal in refused.items()}


def _deadline_spike(growth: WeightedCurves, deadline: float) -> DeadlineSpike:
    observed = growth.observed
    beside = observed.overlaps_day_before(deadline)
    filed, expected = float(observed.counts[beside].sum()), growth.expected(observed.edges)[beside].sum()
    on_day = growth.expected(np.array([max(deadline - 1, 0.0), deadline]))
    return DeadlineSpike(deadline, int(filed), float(expected), float((filed - expected) / on_day[0]))
