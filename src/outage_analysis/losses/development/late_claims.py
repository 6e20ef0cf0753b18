"""Forecast the number of late claims (claims still to be filed) for each way in which the intake may end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from outage_analysis.errors import ModelRefused, UsageError, check_level, either
from outage_analysis.losses.development.growth_curves import (
    Array,
    WeightedCurves,
    increments_from_counts,
    weigh_curves,
)
from outage_analysis.special_functions import special
from outage_analysis.text import Note, ShortRepr

MAX_WIDTH = 1.5
"""A forecast is refused if the upper end of the 80 % range of all claims is more than 1.5 times the lower
end."""
MAX_HORIZON = 5.0
"""A forecast reaches at most to five times the time observed; `tests/studies/late_claims.py` goes as far."""
MIN_CLAIMS = 2_500
"""The smallest number of claims in used increments. With fewer, ranges are wide, or narrow by accident."""
PARTS = 200
"""Curves that expect nearly the same late count are joined into about this many groups of equal weight."""


@dataclass(frozen=True)
class Branch:
    """One way in which the intake of claims may end, such as at the known deadline.

    Args:
        id: the identifier in tables.
        closes: the closing time, in days since the opening; no claims are filed after it.
        spike: extra claims on the last day, as a multiple of the claims that the curve expects on that day; 0
            means no rush. Earlier counts cannot predict a rush. If the spike is None (not stated), only late
            claims before the last day can be forecast.
    """

    id: str
    closes: float
    spike: float | None = None


@dataclass(frozen=True, repr=False)
class LateCount(ShortRepr):
    """The forecast number of late claims of one branch: the claims filed between the last count and a time.

    The number follows a mixture of negative binomial distributions, one per group of growth curves. A
    component with mean m and over-dispersion phi has the variance phi x m + phi x m^2 / base. The first
    term is the chance variance of the count. The second term comes from the level of the curve, which is
    estimated from `base`.

    Args:
        branch: the id of the branch.
        by: the time up to which late claims count, in days since the opening.
        counted: the number of claims filed so far.
        weights: the weight of each component, (n,); the weights add up to 1.
        means: the expected number of late claims of each component, (n,).
        phis: the over-dispersion of each component, (n,).
        base: the number of claims to which curves are fitted, plus one.
    """

    branch: str
    by: float
    counted: int
    weights: Array
    means: Array
    phis: Array
    base: float

    @property
    def mean(self) -> float:
        """The expected number of late claims."""
        return float(self.weights @ self.means)

    def cdf(self, counts: object) -> Array:
        """For each number in `counts`, the probability of at most so many late claims."""
        x = np.floor(np.asarray(counts, float))[..., None]
        with np.errstate(all="ignore"):
            over = self.phis - 1 + self.phis * self.means / self.base
            below = special.betainc(self.means / over, x + 1, 1 / (1 + over))
        below = np.where(self.means > 0, below, 1.0)
        return np.asarray(np.where(x < 0, 0.0, below) @ self.weights)

    def quantiles(self, p: object) -> Array:
        """For each probability p, the smallest number with a cumulative probability of at least p."""
        p = np.asarray(p, float)
        low, high = np.full(p.shape, -1.0), np.full(p.shape, np.ceil(self.mean) + 1)
        while (too_low := self.cdf(high) < p).any():
            low, high = np.where(too_low, high, low), np.where(too_low, 2 * high, high)
        while (high - low > 1).any():
            middle = np.floor((low + high) / 2)
            enough = self.cdf(middle) >= p
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return high

    def quantile(self, p: float) -> int:
        """The smallest number of late claims with a cumulative probability of at least p."""
        check_level(p)
        return int(self.quantiles(p))

    def interval(self, level: float) -> tuple[int, int]:
        """The central interval that contains the number of late claims with probability `level` or more.

        The probability on each side of the interval is at most (1 - level) / 2.
        """
        check_level(level)
        low, high = self.quantiles([(1 - level) / 2, (1 + level) / 2])
        return int(low), int(high)

    def total(self, level: float) -> tuple[int, int]:
        """The interval of the total number of claims: the claims filed so far plus the late claims."""
        low, high = self.interval(level)
        return self.counted + low, self.counted + high


def supported_late_count(growth: WeightedCurves, branch: Branch, at: float) -> LateCount:
    """Forecast the late claims of a branch; raise ModelRefused if the counts do not determine them.

    Args:
        growth: the weighted growth curves.
        branch: the assumed end of the intake.
        at: the time up to which late claims count, in days since the opening.

    Raises:
        ModelRefused: the range of all claims is too wide; the time is too far ahead; there are too few
            claims; or the forecast includes the last day and the branch does not state its spike.
        UsageError: the time or the closing is before the last count, or the spike is negative.
    """
    late, observed = late_count(growth, branch, at), growth.observed
    where = {"branch": branch.id}
    if late.by > MAX_HORIZON * observed.until:
        days, by = f"{observed.until:,.4g}", f"{late.by:,.4g}"
        raise ModelRefused(Note("too_far", days=days, by=by, most=f"{MAX_HORIZON:g}", **where))
    low, high = late.total(0.8)
    if high > MAX_WIDTH * low:
        raise ModelRefused(Note("undetermined", low=f"{low:,}", high=f"{high:,}", level="80%", **where))
    if observed.used_total < MIN_CLAIMS and late.by > observed.until:
        count = f"{observed.used_total:,}"
        raise ModelRefused(Note("too_few_claims", count=count, need=f"{MIN_CLAIMS:,}", **where))
    if branch.spike is None and late.by > max(branch.closes - 1, observed.until):
        options = {"spike": either("spike=", "--spike"), "by": either("by=", "--by")}
        raise ModelRefused(Note("spike_unstated", **where, **options))
    return late


def late_count(growth: WeightedCurves, branch: Branch, at: float) -> LateCount:
    """Forecast the late claims of a branch up to a time or up to its closing, whichever comes first.

    If the branch does not state its spike, the spike counts as 0. Unlike `supported_late_count`, this
    function does not check whether the counts determine the number of late claims.

    Raises:
        UsageError: the time or the closing is before the last count, or the spike is negative.
    """
    until, by = growth.observed.until, min(at, branch.closes)
    for what, when in (("closes", branch.closes), ("is asked for by a time", at)):
        if not np.isfinite(when) or when < until:
            raise UsageError(
                f"the branch {branch.id} {what} before the last count, at {until:g} days",
                value=f"{when:g}",
                remedy="Give a later one; a deadline that has passed is a former one.",
            )
    if branch.spike is not None and not (np.isfinite(branch.spike) and branch.spike >= 0):
        raise UsageError("a spike is a multiple, 0 or more", value=branch.spike)
    base = growth.observed.used_total + 1
    stretches = [until, min(max(branch.closes - 1, until), by), by]  # the last is the last day, with its rush
    means = base * growth.relative(stretches) @ [1, 1 + (branch.spike or 0.0)]
    order = np.argsort(means, kind="stable")
    weights, means, phis = growth.weights[order], means[order], growth.phis[order]
    groups = np.floor((np.cumsum(weights) - weights / 2) * PARTS).astype(int)
    sums = np.array([np.bincount(groups, x) for x in (weights, weights * means, weights * phis)])
    weights, means, phis = sums[:, sums[0] > 0]
    return LateCount(branch.id, by, growth.observed.total, weights, means / weights, phis / weights, base)


LEVELS = (0.5, 0.8, 0.95)


@dataclass(frozen=True, repr=False)
class LateClaimsForecast:
    """A forecast of the late claims of each branch (way in which the intake may end).

    Args:
        growth: the weighted growth curves.
        late: the forecast number of late claims by branch id, up to the closing of the branch or the
            requested time.
        refused: by branch id, the reason why the branch has no forecast.
        levels: the probability levels of the intervals in the table.
    """

    growth: WeightedCurves
    late: dict[str, LateCount]
    refused: dict[str, str]
    levels: tuple[float, ...]

    def __repr__(self) -> str:
        """Return one line per branch: the claims so far and the likely range of their total."""
        lines = [
            f"{late.branch}: {self.counted + late.quantile(0.5):,} claims by day {late.by:g}, "
            f"80% likely {low:,} to {high:,}"
            for late in self.late.values()
            for low, high in [late.total(0.8)]
        ]
        return "\n".join(
            [
                f"Forecast from {self.counted:,} claims by day {self.growth.observed.until:g}",
                *lines,
                *self.notes,
            ]
        )

    @property
    def counted(self) -> int:
        """The number of claims filed so far."""
        return self.growth.observed.total

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the effects and branches that were left out, with the reasons."""
        refused = [Note("no_forecast", branch=branch, reason=why) for branch, why in self.refused.items()]
        return (*self.growth.notes, *refused)

    def table(self) -> pl.DataFrame:
        """The forecast as a table: expected late and total claims, with intervals of the total.

        One row per branch and level. Columns: `branch`, `by` (days since the opening), `counted` (claims
        filed so far), `late` and `total` (expected values), `median`, `level`, `low` and `high` (median and
        interval of the total).
        """
        rows = []
        for late in self.late.values():
            median, total = self.counted + late.quantile(0.5), self.counted + late.mean
            about = (late.branch, late.by, self.counted, late.mean, total, median)
            rows += [(*about, level, *late.total(level)) for level in self.levels]
        names = ("branch", "by", "counted", "late", "total", "median", "level", "low", "high")
        return pl.DataFrame(rows, schema=names, orient="row")


def forecast_late_claims(
    times: Sequence[float],
    counts: Sequence[int],
    branches: Sequence[Branch],
    *,
    by: float | None = None,
    levels: Sequence[float] = LEVELS,
    former: Sequence[float] = (),
    starts: date | None = None,
) -> LateClaimsForecast:
    """Forecast the number of late claims from cumulative counts.

    Increments (the claims filed between successive counts) follow an over-dispersed Poisson distribution
    whose means follow a growth curve: a Burr curve, which contains exponential, Weibull and log-logistic
    curves, or a lognormal curve. The curves are weighted by how well they fit; the level (the expected
    total) is integrated out. The number of late claims then follows a mixture of negative binomial
    distributions.

    Args:
        times: the time of each count, in days since the opening at 0, increasing.
        counts: the cumulative number of claims filed by each time, never decreasing.
        branches: the ways in which the intake may end. Each branch gets its own forecast; forecasts of
            different branches are never averaged.
        by: count only late claims up to this time, in days since the opening; by default up to the closing.
        levels: the probability levels of the intervals in the table, each between 0 and 1.
        former: deadlines that have passed, in days since the opening. Increments that overlap the day before
            a deadline are not used to fit the curve, because of the rush before a deadline; the claims in
            these increments still count.
        starts: the calendar day that begins at time 0. If it is known and there are 14 or more increments of
            one day each, weekday factors are estimated.

    Raises:
        InputRefused: counts decrease, or times are not in order.
        ModelRefused: no claim was filed; there are too few increments (use `late_claim_bounds`); or no
            branch has a forecast, because the counts do not determine its late claims or the branch does
            not state its spike.
        UsageError: there is no branch, or a branch closes before the last count.

    Example:
        >>> from outage_analysis.losses import Branch, forecast_late_claims
        >>> counts = [4000, 6400, 7900, 8800, 9300, 9600, 9800]
        >>> branches = [Branch("deadline", 10.0, spike=0.0)]
        >>> forecast = forecast_late_claims([1, 2, 3, 4, 5, 6, 7], counts, branches)
        >>> forecast.late["deadline"].total(0.8)
        (9968, 10076)
    """
    for level in levels:
        check_level(level)
    observed = increments_from_counts(times, counts, former=former, starts=starts)
    if not branches or len({b.id for b in branches}) < len(branches):
        raise UsageError("branches have ids of their own, and there is one at least", remedy="Name them.")
    growth = weigh_curves(observed)
    late: dict[str, LateCount] = {}
    refused: dict[str, ModelRefused] = {}
    for branch in branches:
        try:
            late[branch.id] = supported_late_count(growth, branch, branch.closes if by is None else by)
        except ModelRefused as refusal:
            refused[branch.id] = refusal
    if not late:
        raise refused[branches[0].id]
    reasons = {id_: refusal.problem for id_, refusal in refused.items()}
    return LateClaimsForecast(growth, late, reasons, tuple(levels))
