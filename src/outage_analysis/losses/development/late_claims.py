"""How many claims are still to come: the forecast of the late count, by branch and by family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from outage_analysis.errors import ModelRefused, UsageError, refuse_no_level
from outage_analysis.losses.development.curve_weights import WeightedCurves, weigh_curves
from outage_analysis.losses.development.growth_curves import CURVES
from outage_analysis.losses.development.late_count import Branch, LateCount, late_count, supported_late_count
from outage_analysis.losses.development.observed_counts import EQUAL_WEEKDAYS, increments_from_counts

LEVELS = (0.5, 0.8, 0.95)


@dataclass(frozen=True)
class DeadlineSpike:
    """What a deadline that has passed did to the increments beside it.

    Args:
        deadline: its time.
        filed: the claims of those increments.
        expected: what the curve, told by the other increments, expects there.
        multiple: the claims beyond that over what the curve expects of the last day alone: a branch's
            `spike`, if the next deadline does as this one.
    """

    deadline: float
    filed: int
    expected: float
    multiple: float


@dataclass(frozen=True)
class LateClaimsForecast:
    """What the counts say of the claims still to come.

    Args:
        growth: the weighed curves.
        branches: those that have a forecast.
        late: the late count of each branch by its closing or by the time asked for, by id.
        refused: why the other branches have none, by id.
        levels: of the intervals that tables show.
        spikes: what former deadlines did.
    """

    growth: WeightedCurves
    branches: tuple[Branch, ...]
    late: dict[str, LateCount]
    refused: dict[str, str]
    levels: tuple[float, ...]
    spikes: tuple[DeadlineSpike, ...]

    @property
    def counted(self) -> int:
        """The claims filed so far."""
        return self.growth.observed.total

    @property
    def until(self) -> float:
        """The time of the last count."""
        return self.growth.observed.until

    @property
    def phi(self) -> float:
        """Over-dispersion: the variance of an increment over its mean; 1 is that of Poisson."""
        return self.growth.phi

    @property
    def weekdays(self) -> tuple[float, ...] | None:
        """How busy each weekday is, Monday first and 1 on average; None where weekdays are not told apart."""
        factors = self.growth.observed.clock.factors
        return None if factors == EQUAL_WEEKDAYS else factors

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out and why."""
        refused = [f"no forecast of {branch}: {reason}" for branch, reason in self.refused.items()]
        return (*self.growth.notes, *refused)

    def late_count_by(self, branch: str, at: float) -> LateCount:
        """The late count of a branch by any time from the last count on.

        Raises:
            UsageError: no such branch, or a time before the last count.
            ModelRefused: the counts or the branch do not determine the late claims by then.
        """
        found = next((b for b in self.branches if b.id == branch), None)
        if found is None:
            raise UsageError("no such branch", value=branch, remedy="It has: " + ", ".join(self.late) + ".")
        return supported_late_count(self.growth, found, at)

    def table(self) -> pl.DataFrame:
        """One row a branch and level.

        `late` and `total` as expected; `median`, `low` and `high` of the total.
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
        """One row a branch, family and level: `weight`, `median`, `low` and `high` of the total."""
        rows = []
        for late in self.late.values():
            for family, law in late.family_distributions.items():
                for level in self.levels:
                    points = self.counted + law.quantile([0.5, (1 - level) / 2, (1 + level) / 2])
                    middle, low, high = points.astype(int).tolist()
                    rows.append((late.branch, family, late.weights[family], middle, level, low, high))
        names = ("branch", "family", "weight", "median", "level", "low", "high")
        return pl.DataFrame(rows, schema=names, orient="row")

    def variances(self) -> pl.DataFrame:
        """One row a branch: `phi`, the variance of the late count in parts, and the standard deviation."""
        rows = []
        for late in self.late.values():
            parts = late.variance
            split = (parts.process, parts.parameter, parts.model, parts.total, parts.total**0.5)
            rows.append((late.branch, self.phi, *split))
        names = ("branch", "phi", "process", "parameter", "model", "variance", "deviation")
        return pl.DataFrame(rows, schema=names, orient="row")

    def path(self, times: Sequence[float]) -> pl.DataFrame:
        """The fan: expected cumulative claims and their intervals at times from the last count on.

        Returns:
            One row a branch, time and level: `branch`, `at`, `expected`, `median`, `level`, `low`, `high`.
        """
        rows = []
        for branch in self.branches:
            for at in times:
                law = late_count(self.growth, branch, at).distribution
                ends = [p for level in self.levels for p in ((1 - level) / 2, (1 + level) / 2)]
                middle, *found = (self.counted + law.quantile([0.5, *ends])).astype(int).tolist()
                for level, low, high in zip(self.levels, found[::2], found[1::2], strict=True):
                    rows.append((branch.id, float(at), self.counted + law.mean, middle, level, low, high))
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
    """How many claims are still to come, from cumulative counts.

    Increments are over-dispersed Poisson with means that follow a growth curve. Every family's
    parameters are weighed on a grid, the level is integrated out, and the families are averaged by
    their evidence. The late count is then a mixture of negative binomial laws.

    Args:
        times: when each count was taken, in days since the opening (at 0, when nothing was filed).
        counts: the claims filed by then, whole numbers that never fall.
        branches: ways that the intake may end; they are answered apart and never averaged.
        by: count late claims up to this time only; by default up to the closing.
        families: growth curves to average, names in `CURVES`.
        levels: of the intervals that tables show, each between 0 and 1.
        former: deadlines that have passed. Increments that overlap the day before one are left out of
            the curve, as people hurry then; their claims still count.
        starts: the calendar day that begins at time 0. With it, and 14 or more increments of one day
            each, weekdays are told apart.

    Raises:
        InputRefused: counts that fall, times out of order.
        ModelRefused: too few increments for any family (see `bounds`), or nothing filed; or the counts
            determine the late claims of no branch, or none states its spike.
        UsageError: no branch, a branch that closes before the last count, an unknown family.
    """
    for level in levels:
        refuse_no_level(level)
    observed = increments_from_counts(times, counts, former=former, starts=starts)
    if not branches or len({b.id for b in branches}) < len(branches):
        raise UsageError("branches have ids of their own, and there is one at least", remedy="Name them.")
    growth = weigh_curves(observed, families)
    late, refused = _late_counts(growth, branches, by)
    passed = tuple(_deadline_spike(growth, deadline) for deadline in former if 0 < deadline <= observed.until)
    answered = tuple(b for b in branches if b.id in late)
    return LateClaimsForecast(growth, answered, late, refused, tuple(levels), passed)


def _late_counts(
    growth: WeightedCurves, branches: Sequence[Branch], by: float | None
) -> tuple[dict[str, LateCount], dict[str, str]]:
    """The late count of each branch that has one, and why the others have none; refused if none has."""
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
    """Observed over expected beside one former deadline."""
    observed = growth.observed
    beside = observed.overlaps_day_before(deadline)
    filed, expected = float(observed.counts[beside].sum()), growth.expected(observed.edges)[beside].sum()
    on_day = growth.expected(np.array([max(deadline - 1, 0.0), deadline]))
    return DeadlineSpike(deadline, int(filed), float(expected), float((filed - expected) / on_day[0]))
