"""Forecast the number of late claims (claims still to be filed) for each way in which the intake may end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from outage_analysis.errors import ModelRefused, UsageError, check_level
from outage_analysis.losses.development.growth_curves import (
    CURVES,
    EQUAL_WEEKDAYS,
    Array,
    ParameterGrid,
    WeightedCurves,
    increments_from_counts,
    relative_to_observed,
    weigh_curves,
)
from outage_analysis.special_functions import special
from outage_analysis.text import ShortRepr

MAX_CURVE_DEVIATION = 0.25
"""A forecast is refused if the standard deviation of the expected late count between curves, divided by its
mean, is larger. With a relative deviation s the mean of a forecast is about s^2 too high on average."""
MIN_CLAIMS = 2_500
"""The smallest number of claims in used increments. With 300 or 1,000 claims, nine in ten sets of counts are
refused anyway, and the others determine the curve only by accident: their intervals contain the truth too
rarely."""
MIN_FAMILY_WEIGHT, MAX_FAMILY_DIFFERENCE = 0.05, 0.3
"""A forecast is refused if families with at least 5 % of the weight differ in their mean late counts by more
than 30 % of the smallest: if one of them is true, the average is biased."""


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

    Args:
        branch: the id of the branch.
        by: the time up to which late claims count, in days since the opening.
        counted: the number of claims filed so far.
        weights: the weight of each curve family by name; the weights add up to 1.
        family_distributions: the distribution of the number of late claims under each curve family, by name.
    """

    branch: str
    by: float
    counted: int
    weights: dict[str, float]
    family_distributions: dict[str, LateCountMixture]

    @property
    def distribution(self) -> LateCountMixture:
        """The distribution of the number of late claims, averaged over the curve families."""
        return combine_mixtures(list(self.family_distributions.values()), list(self.weights.values()))

    @property
    def mean(self) -> float:
        """The expected number of late claims."""
        return self.distribution.mean

    def quantile(self, p: float) -> int:
        """The p-quantile: the smallest number that the late claims do not exceed with probability p."""
        check_level(p)
        return int(self.distribution.quantile(p))

    def interval(self, level: float) -> tuple[int, int]:
        """The central interval that contains the number of late claims with probability `level` or more.

        The probability on each side of the interval is at most (1 - level) / 2.
        """
        check_level(level)
        low, high = self.distribution.quantile([(1 - level) / 2, (1 + level) / 2])
        return int(low), int(high)

    def total(self, level: float) -> tuple[int, int]:
        """The interval of the total number of claims: the claims filed so far plus the late claims."""
        low, high = self.interval(level)
        return self.counted + low, self.counted + high

    @property
    def variances(self) -> tuple[float, float, float]:
        """The variance of the number of late claims by source; the three parts add up to the total.

        The sources are chance alone, as if the curve and its level were known; the unknown level and curve
        parameters, within families; and the unknown curve family (the variance of the families' means).
        """
        mixtures, weights = self.family_distributions.values(), np.array([*self.weights.values()])
        means = np.array([mixture.mean for mixture in mixtures])
        process = self.distribution.process
        parameter = float(weights @ [mixture.variance for mixture in mixtures]) - process
        return process, parameter, float(weights @ (means - weights @ means) ** 2)

    def pit(self, total: int) -> float:
        """The forecast probability of fewer claims than `total` in all, plus half that of exactly so many."""
        below, up_to = self.distribution.cdf([total - self.counted - 1, total - self.counted])
        return float(below + up_to) / 2


def supported_late_count(growth: WeightedCurves, branch: Branch, at: float) -> LateCount:
    """Forecast the late claims of a branch; raise ModelRefused if the counts do not determine them.

    If curves that fit the counts about equally well expect very different numbers of late claims, a forecast
    would reflect the prior and not the data, so the forecast is refused. The forecast is accepted if chance
    alone varies the number of late claims more than the choice of the curve.

    Args:
        growth: the weighted growth curves.
        branch: the assumed end of the intake.
        at: the time up to which late claims count, in days since the opening.

    Raises:
        ModelRefused: the number of late claims differs too much between curves; there are too few claims; or
            the forecast includes the last day and the branch does not state its spike.
        UsageError: the time or the closing is before the last count, or the spike is negative.
    """
    late, observed = late_count(growth, branch, at), growth.observed
    _check_curves_agree(growth, branch, late)
    if observed.used_total < MIN_CLAIMS and late.by > observed.until:
        raise ModelRefused(
            f"{observed.used_total:,} claims are too few to forecast the late claims of {branch.id}: it "
            f"takes {MIN_CLAIMS:,}",
            remedy="Wait for more claims, or use the bounds.",
        )
    if branch.spike is None and late.by > max(branch.closes - 1, observed.until):
        raise ModelRefused(
            f"whether claimants hurry on the last day of {branch.id} is not stated, and counts before that "
            "day cannot show it",
            remedy="State a spike: 0 for no rush, 1.5 if 1.5 usual days come in addition (--spike); or ask "
            "for an earlier day (--by).",
        )
    return late


def _check_curves_agree(growth: WeightedCurves, branch: Branch, late: LateCount) -> None:
    distribution = late.distribution
    chance = float(np.sqrt(distribution.process))  # standard deviation of the late claims from chance alone
    between = float(np.sqrt(distribution.weights @ (distribution.means - distribution.mean) ** 2))
    means = [
        late.family_distributions[family].mean
        for family, weight in late.weights.items()
        if weight >= MIN_FAMILY_WEIGHT
    ]
    curves_differ = between > max(MAX_CURVE_DEVIATION * distribution.mean, chance)
    families_differ = max(means) - min(means) > max(MAX_FAMILY_DIFFERENCE * min(means), chance)
    if curves_differ or families_differ:
        raise ModelRefused(
            f"the counts do not determine the late claims of {branch.id}: growth curves that fit them expect "
            f"{min(means):,.0f} to {max(means):,.0f} by family, with a standard deviation of {between:,.0f} "
            "between curves",
            remedy="Wait for more counts, ask for an earlier day, or use the bounds.",
        )
    stretches = growth.at_constant_rate(_last_stretches(growth, branch, late.by))
    steady = stretches @ [1, 1 + (branch.spike or 0.0)]
    if growth.fits_constant_rate and abs(steady - distribution.mean) > chance:
        raise ModelRefused(
            f"the counts do not show whether the intake slows down: at a constant rate {steady:,.0f} late "
            f"claims of {branch.id} would come, by growth curves {distribution.mean:,.0f}",
            remedy="Wait for more counts, ask for an earlier day, or use the bounds.",
        )


def _last_stretches(growth: WeightedCurves, branch: Branch, by: float) -> Array:
    """Three times in order: the last count, the start of the branch's last day, and the time `by`."""
    until = growth.observed.until
    return np.array([until, min(max(branch.closes - 1, until), by), by])


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
    observed = growth.observed
    base, weights = observed.used_total + 1, growth.weights
    stretches = _last_stretches(growth, branch, by)
    spike = branch.spike or 0.0

    def late(grid: ParameterGrid) -> Array:
        before, on_last = relative_to_observed(observed, grid, stretches).T
        return np.asarray(base * (before + on_last * (1 + spike)))

    by_family = {}
    for family, row, grid_weights in zip(growth.families, growth.grids, weights, strict=True):
        parts = [merge_nodes(g.weight, late(g), phi, base) for g, phi in zip(row, growth.phis, strict=True)]
        share = np.maximum(grid_weights, 1e-300)  # avoid 0 / 0 for a curve family of weight 0
        by_family[family] = combine_mixtures(parts, share / share.sum())
    family_weights = dict(zip(by_family, weights.sum(-1).tolist(), strict=True))
    return LateCount(branch.id, by, observed.total, family_weights, by_family)


MAX_PARTS = 48
"""The largest number of components per grid: nodes that expect nearly the same late count are merged."""


@dataclass(frozen=True, repr=False)
class LateCountMixture(ShortRepr):
    """The distribution of the number of late claims: a mixture of negative binomial distributions.

    There is one component per grid node, that is, per growth curve. A component with mean m and
    over-dispersion phi has the variance phi x m + phi x m^2 / base. The first term is the chance variance of
    the count. The second term comes from the level of the curve, which is estimated from the observed count.

    Args:
        weights: the weight of each component, (n,); the weights add up to 1.
        means: the expected number of late claims of each component, (n,).
        phis: the over-dispersion of each component, (n,).
        base: the observed count plus one.
    """

    weights: Array
    means: Array
    phis: Array
    base: float

    @property
    def mean(self) -> float:
        """The expected number of late claims."""
        return float(self.weights @ self.means)

    @property
    def process(self) -> float:
        """The variance from chance alone: the variance of a count with known mean, averaged over curves."""
        return float(self.weights @ (self.phis * self.means))

    @property
    def variance(self) -> float:
        """The total variance: from chance, the unknown level of the curves and the choice of the curve."""
        level = float(self.weights @ (self.phis * self.means**2)) / self.base
        return self.process + level + float(self.weights @ (self.means - self.mean) ** 2)

    def cdf(self, counts: object) -> Array:
        """For each number in `counts`, the probability of at most so many late claims."""
        x = np.floor(np.asarray(counts, float))[..., None]
        with np.errstate(all="ignore"):
            over = self.phis - 1 + self.phis * self.means / self.base
            below = special.betainc(self.means / over, x + 1, 1 / (1 + over))
        below = np.where(self.means > 0, below, 1.0)
        return np.asarray(np.where(x < 0, 0.0, below) @ self.weights)

    def quantile(self, p: object) -> Array:
        """The p-quantiles: for each p, the smallest count that is not exceeded with probability p."""
        p = np.asarray(p, float)
        low, high = np.full(p.shape, -1.0), np.full(p.shape, np.ceil(self.mean) + 1)
        while (too_low := self.cdf(high) < p).any():
            low, high = np.where(too_low, high, low), np.where(too_low, 2 * high, high)
        while (high - low > 1).any():
            middle = np.floor((low + high) / 2)
            enough = self.cdf(middle) >= p
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return high


def merge_nodes(
    weights: Array, means: Array, phi: float, base: float, *, parts: int = MAX_PARTS
) -> LateCountMixture:
    """Reduce a mixture of growth curves to at most `parts` components.

    Each grid node is one growth curve with a weight and an expected late count. Nodes with similar expected
    counts are merged, which does not change the mean of the mixture.
    """
    order = np.argsort(means, kind="stable")
    weights, means = weights[order], means[order]
    if len(means) > parts:
        # Group the nodes by the average of two positions from 0 to 1: in cumulative weight, and on the log
        # scale of the means. Groups then have neither very unequal weights nor very unequal widths.
        cumulative = np.cumsum(weights) - weights / 2
        logs = np.log(np.maximum(means, max(means[-1] * 1e-12, 1e-300)))
        position = (logs - logs[0]) / max(logs[-1] - logs[0], 1e-300)
        groups = np.floor((cumulative + position) / 2 * parts * (1 - 1e-12)).astype(int)
        used = np.unique(groups)
        weighted_means = np.bincount(groups, weights * means)[used]
        weights = np.bincount(groups, weights)[used].astype(float)
        means = np.asarray(weighted_means / weights)
    return LateCountMixture(weights / weights.sum(), means, np.full(len(means), phi), base)


def combine_mixtures(mixtures: Sequence[LateCountMixture], weights: Sequence[float]) -> LateCountMixture:
    """Combine mixtures, each with its weight, into one mixture. All of them must have the same `base`."""
    return LateCountMixture(
        np.concatenate([w * distribution.weights for w, distribution in zip(weights, mixtures, strict=True)]),
        np.concatenate([distribution.means for distribution in mixtures]),
        np.concatenate([distribution.phis for distribution in mixtures]),
        mixtures[0].base,
    )


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
        rows = [
            (late.branch, late.by, self.counted, late.mean, self.counted + late.mean, *ends)
            for late in self.late.values()
            for ends in self._totals(late.distribution)
        ]
        names = ("branch", "by", "counted", "late", "total", "median", "level", "low", "high")
        return pl.DataFrame(rows, schema=names, orient="row")

    def _totals(self, distribution: LateCountMixture) -> Iterator[tuple[int, float, int, int]]:
        """The median of the total, a level and the ends of its interval, for each level."""
        ends = [p for level in self.levels for p in ((1 - level) / 2, (1 + level) / 2)]
        median, *points = (self.counted + distribution.quantile([0.5, *ends])).astype(int).tolist()
        for level, low, high in zip(self.levels, points[::2], points[1::2], strict=True):
            yield median, level, low, high

    def families(self) -> pl.DataFrame:
        """The forecast total of claims per curve family: one row per branch, family and interval level.

        Columns: `branch`, `family`, `weight`, `median`, `level`, `low` and `high` (median and interval of the
        total).
        """
        rows = [
            (late.branch, family, late.weights[family], *ends)
            for late in self.late.values()
            for family, distribution in late.family_distributions.items()
            for ends in self._totals(distribution)
        ]
        names = ("branch", "family", "weight", "median", "level", "low", "high")
        return pl.DataFrame(rows, schema=names, orient="row")

    def variances(self) -> pl.DataFrame:
        """The variance of the late claims from chance, parameters and curve family: one row per branch.

        Columns: `branch`, `phi` (over-dispersion), `process`, `parameter` and `model` (see
        `LateCount.variances`), `variance` (their sum), `deviation` (the standard deviation).
        """
        rows = []
        for late in self.late.values():
            total = sum(late.variances)
            rows.append((late.branch, self.phi, *late.variances, total, total**0.5))
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
                late = late_count(self.growth, branch, at).distribution
                expected = self.counted + late.mean
                rows += [(branch.id, float(at), expected, *ends) for ends in self._totals(late)]
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
    late: dict[str, LateCount] = {}
    refused: dict[str, ModelRefused] = {}
    for branch in branches:
        try:
            late[branch.id] = supported_late_count(growth, branch, branch.closes if by is None else by)
        except ModelRefused as refusal:
            refused[branch.id] = refusal
    if not late:
        raise refused[branches[0].id]
    reasons = {id_: str(refusal) for id_, refusal in refused.items()}
    passed = tuple(_deadline_spike(growth, deadline) for deadline in former if 0 < deadline <= observed.until)
    with_forecast = tuple(b for b in branches if b.id in late)
    return LateClaimsForecast(growth, with_forecast, late, reasons, tuple(levels), passed)


def _deadline_spike(growth: WeightedCurves, deadline: float) -> DeadlineSpike:
    observed = growth.observed
    beside = observed.overlaps_day_before(deadline)
    filed, expected = float(observed.counts[beside].sum()), growth.expected(observed.edges)[beside].sum()
    on_day = growth.expected(np.array([max(deadline - 1, 0.0), deadline]))
    return DeadlineSpike(deadline, int(filed), float(expected), float((filed - expected) / on_day[0]))


@dataclass(frozen=True, repr=False)
class LateClaimsBacktest(ShortRepr):
    """Forecasts made at earlier times (origins), compared with the later counts.

    Args:
        table: one row per origin, later count and level: `origin`, `at` (the time of the later count),
            `expected` and `actual` (the cumulative count), `pit` (the forecast probability of fewer claims
            plus half the probability of exactly the actual number), `level`, `low` and `high` (the interval),
            and `inside` (whether it contains the actual count).
        refused: one sentence per origin or later count without a forecast, with the reason.
    """

    table: pl.DataFrame
    refused: tuple[str, ...]

    def coverage(self) -> pl.DataFrame:
        """How often the intervals contained the actual count: one row per interval level.

        Columns: `level`, `origins` and `forecasts` (numbers), `inside` (the number of intervals that contain
        the actual count) and `share` (inside / forecasts). Forecasts from one origin use the same curve, and
        later counts include earlier ones, so the forecasts are far from independent. Results from a few
        origins only illustrate the method.
        """
        inside = pl.col("inside")
        return (
            self.table.group_by("level", maintain_order=True)
            .agg(
                pl.col("origin").n_unique().cast(pl.Int64).alias("origins"),
                pl.len().cast(pl.Int64).alias("forecasts"),
                inside.sum().cast(pl.Int64).alias("inside"),
                inside.mean().alias("share"),
            )
            .sort("level")
        )


def backtest_late_claims(
    times: Sequence[float],
    counts: Sequence[int],
    origins: Sequence[float],
    branch: Branch,
    *,
    levels: Sequence[float] = LEVELS,
    former: Sequence[float] = (),
    starts: date | None = None,
) -> LateClaimsBacktest:
    """From each origin (an earlier time), forecast the later counts, using only the counts up to the origin.

    Args:
        times: the time of each count, in days since the opening.
        counts: the cumulative number of claims filed by each time.
        origins: the times from which to forecast, in days since the opening.
        branch: the assumed end of the intake; counts after its closing are not forecast.
        levels: the probability levels of the intervals.
        former: former deadlines, in days since the opening; a forecast uses only the deadlines up to its
            origin.
        starts: the calendar day that begins at time 0.

    Raises:
        ModelRefused: no origin has both a forecast and a later count.
    """
    rows: list[tuple[object, ...]] = []
    refused: list[str] = []
    for origin in origins:
        known = [(t, n) for t, n in zip(times, counts, strict=True) if t <= origin]
        later = [(t, n) for t, n in zip(times, counts, strict=True) if origin < t <= branch.closes]
        if not known or not later:
            refused.append(f"{origin:g} days: no count " + ("after it" if known else "up to it"))
            continue
        try:
            forecast = forecast_late_claims(
                [t for t, _ in known],
                [n for _, n in known],
                [branch],
                by=later[0][0],
                former=[deadline for deadline in former if deadline <= origin],
                starts=starts,
            )
        except ModelRefused as refusal:
            refused.append(f"{origin:g} days: {refusal.problem}")
            continue
        for at, actual in later:
            try:
                late = forecast.late_count_by(branch.id, at)
            except ModelRefused as refusal:
                refused.append(f"{origin:g} days, up to {at:g}: {refusal.problem}")
                continue
            scores = (float(origin), float(at), late.counted + late.mean, int(actual), late.pit(actual))
            for level in levels:
                low, high = late.total(level)
                rows.append((*scores, level, low, high, low <= actual <= high))
    if not rows:
        raise ModelRefused(
            "no origin can be tested: " + "; ".join(refused[:3]),
            remedy="Choose later origins, with more counts before them and one at least after.",
        )
    names = ("origin", "at", "expected", "actual", "pit", "level", "low", "high", "inside")
    return LateClaimsBacktest(pl.DataFrame(rows, schema=names, orient="row"), tuple(refused))
