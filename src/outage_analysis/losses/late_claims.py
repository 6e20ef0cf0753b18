"""Forecast the late claims of an intake, those still to be filed, with growth curves weighted by their fit.

In the terms of claims reserving and of reporting delays (chainladder, baselinenowcast, epinowcast): all
claims have one reference day, the opening of the intake. The day of filing is the report day, and the delay
is the time between the two. A growth curve, the share of claims filed by each time, is the distribution of
the delay. The deadline cuts it off; each way in which the intake may end has a forecast of its own.

Cumulative counts are checked and converted to increments (claims between two counts). If there are too few of
them to fit a growth curve, two bounds of the number of late claims still follow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import accumulate

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from outage_analysis.errors import InputRefused, ModelRefused, UsageError, check_level, either
from outage_analysis.incidents import Incident, IntakeSeries, get_fact
from outage_analysis.losses.cube import Cube
from outage_analysis.text import Note, ShortRepr

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class IntakeIncrements(ShortRepr):
    """The number of claims filed between successive counts, with the times of the counts.

    Args:
        edges: the times in days, from 0 on, (k + 1,).
        counts: the number of claims filed between successive times, (k,).
        used: whether each increment is used to fit the curve, (k,). Increments shortly before a former
            deadline are not used.
        starts: the calendar day that begins at time 0, if the increments are whole calendar days. Each curve
            then has its own number of claims on a day of a weekend, as the last of its parameters.
    """

    edges: Array
    counts: Array
    used: NDArray[np.bool_]
    starts: date | None = None

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
    def dispersion_order(self) -> float:
        """The order of the gamma distribution of 1 / phi; its prior density is its square, from 0 to 1."""
        return float((self.used.sum() - 1) / 2 + 3)

    def operational(self, times: object, parameters: Array) -> Array:
        """Times in units of the time observed, without weekends: one row, or one row per curve."""
        times = np.asarray(times, float)
        if self.starts is None:
            return times / self.until
        ratio, first = np.exp(parameters[:, -1:]), self.starts.weekday()
        asked, observed, before = (
            t // 7 * 2 + np.maximum(t % 7 - 5, 0) for t in (times + first, self.until + first, first)
        )
        more = (ratio - 1) * (asked - before), (ratio - 1) * (observed - before)
        return np.asarray((times + more[0]) / (self.until + more[1]))


def increments_from_counts(
    times: Sequence[float], counts: Sequence[int], *, former: Sequence[float] = (), starts: date | None = None
) -> IntakeIncrements:
    """Check cumulative claim counts, and convert them to increments (claims between successive counts).

    Args:
        times: the time of each count, in days since the opening, increasing; the first may be 0.
        counts: the cumulative number of claims filed by each time, never decreasing.
        former: deadlines that have passed; increments that overlap the day before a deadline are not used.
        starts: the calendar day that begins at time 0; if None, weekends are unknown.

    Raises:
        UsageError: there are no times, or there are more or fewer counts than times.
        InputRefused: a time or count is invalid; the message states the position of the count.
        ModelRefused: no claim was filed.
    """
    edges, cumulative = np.asarray(times, float), np.asarray(counts, float)
    if edges.ndim != 1 or edges.shape != cumulative.shape or not len(edges):
        raise UsageError("times and counts are two lists of one length", remedy="Give one count a time.")
    opening_is_listed = bool(edges[0] == 0 and cumulative[0] == 0)
    if not opening_is_listed:
        edges, cumulative = np.insert([edges, cumulative], 0, 0.0, axis=1)
    for what, values, wrong in (
        ("time of point {} is no number", edges, ~np.isfinite(edges)),
        ("count of point {} is no number", cumulative, ~np.isfinite(cumulative)),
        ("count of point {} is not whole", cumulative, cumulative != np.round(cumulative)),
        ("time of point {} is not after the one before", edges, np.diff(edges, prepend=-1) <= 0),
        ("count of point {} is below the one before", cumulative, np.diff(cumulative, prepend=0) < 0),
    ):
        if wrong.any():
            point = int(np.argmax(wrong))
            raise InputRefused(
                f"the {what.format(point + opening_is_listed)}",
                value=f"{values[point]:g}",
                remedy="Give all claims filed by each time, in order of time; leave out corrected counts.",
            )
    if not cumulative[-1]:
        raise ModelRefused("nothing was filed, so no rate is known", remedy="Wait for a first count.")
    used = np.ones(len(edges) - 1, bool)
    for deadline in former:  # an increment that overlaps the day before it
        used &= (edges[1:] <= deadline - 1) | (edges[:-1] >= deadline)
    whole_days = np.array_equal(edges, np.arange(len(edges)))
    return IntakeIncrements(edges, np.diff(cumulative), used, starts if whole_days else None)


def late_claim_bounds(times: Sequence[float], counts: Sequence[int], closes: float) -> tuple[int, float]:
    """Return the largest number of late claims, and the largest daily rate so far, from which it follows.

    No more late claims come if no later period is busier than the busiest between two counts. One count after
    the opening of the intake is enough. The lower bound is always 0.

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
    return math.ceil(round(rate * left, 6)), rate


BURR, LOGNORMAL = "burr", "lognormal"
"""The two kinds of growth curves. A Burr curve has the share 1 - (1 + tail * x) ** (-1 / tail) of all
claims at x = scale * time ** shape. It is a Weibull curve at tail 0 (exponential at shape 1) and
log-logistic at tail 1."""
PRIOR = {BURR: 0.7, LOGNORMAL: 0.3}
"""The probability of each kind before the counts."""
TAILS = {0.0: 0.6, 1.0: 0.4}
"""The tails of a Weibull and of a log-logistic curve, and the share of the Burr curves near each of them.
So Weibull curves, which include exponential ones, are a little likelier than log-logistic and lognormal
ones."""
TAIL_DEVIATION = 0.2
"""How far the tails of Burr curves lie around these two (standard deviation)."""
LOG_SHAPE, LOG_SHAPE_DEVIATION = -0.1, 0.5
"""The mean and the standard deviation of the logarithm of the shape before the counts. Published filing
patterns reach from shapes of about 0.5 (claims after a hurricane) to 1.6 (relief payments in Korea)."""
LOG_WEEKEND, LOG_WEEKEND_DEVIATION = -0.2, 0.45
"""The mean and the standard deviation of the logarithm of the claims on a day of a weekend for each claim on
another day (80 %: 0.46 to 1.46), before the counts. So a quiet weekend is not taken for the end of filing."""
POINTS = 1024
"""The number of curves that stand for all curves of a kind."""
ROUNDS, ENOUGH, LEAST = 14, 300, 150
"""The curves are placed anew at most 14 times, until their weights are worth 300 equally weighted curves.
Until they are worth 150, the weights that place the next curves are made more equal."""
FREEDOM = 4
"""Curves are drawn from a t-distribution with four degrees of freedom: its tails are heavier than theirs."""
MIN_INCREMENTS = 5
"""A level and three parameters of a curve, and one increment more."""


def _even_points() -> tuple[Array, Array]:
    # Multiples of powers of a generalised golden ratio fill the cube evenly (Roberts 2018).
    ratio = 1.1347241384015194  # solves x ** 6 = x + 1, for five coordinates
    uniform = np.outer(np.arange(1, POINTS + 1), ratio ** -np.arange(1.0, 6.0)) % 1
    width = np.sqrt(FREEDOM / (2 * special.gammaincinv(FREEDOM / 2, uniform[:, 3])))
    fourth = np.arange(1, POINTS + 1) * (math.sqrt(5) - 1) / 2 % 1
    normal = special.ndtri(np.column_stack([uniform[:, :3], fourth]))
    return normal * width[:, None], uniform[:, 4]


T_POINTS, UNIFORM = _even_points()
"""Even points of a t-distribution in four dimensions, and for each point a number between 0 and 1."""


@np.errstate(all="ignore")
def filed_shares(kind: str, parameters: Array, times: Array) -> Array:
    """The share of all claims that each growth curve expects between successive times.

    Args:
        kind: `BURR` or `LOGNORMAL`.
        parameters: for each curve the log-odds of the share filed by time 1, the logarithm of the shape
            and, for Burr curves, the tail, (n, 3) or (n, 2); further columns are not used.
        times: the times in units of the time observed, (k + 1,) or, for each curve, (n, k + 1).

    Returns:
        The share of claims for each curve and each interval between two times, (n, k).
    """
    odds, power = np.clip(parameters[:, :1], -20, 20), np.exp(parameters[:, 1:2]) * np.log(times)
    if kind == LOGNORMAL:
        z = special.ndtri(special.expit(odds)) + power
        below, above = special.ndtr(z), special.ndtr(-z)
    else:
        tail = parameters[:, 2:3]
        tail = np.where(np.abs(tail) < 1e-4, 1e-4, tail)  # noqa: PLR2004 - near enough to a Weibull curve
        x = np.expm1(-tail * special.log_expit(-odds)) / tail * np.exp(power)
        log_above = -np.log1p(np.maximum(tail * x, -1)) / tail
        below, above = -np.expm1(log_above), np.exp(log_above)
    # Differences of shares close to 1 lose digits, so in the upper half the shares above are subtracted.
    return np.asarray(np.where(below[:, 1:] <= 0.5, np.diff(below), -np.diff(above)))  # noqa: PLR2004


def _log_prior(kind: str, parameters: Array, *, weekends: bool) -> Array:
    """The logarithm of the prior density: the share filed by the last count is even between 0 and 1."""
    odds, shape = parameters[:, 0], (parameters[:, 1] - LOG_SHAPE) / LOG_SHAPE_DEVIATION
    density = special.log_expit(odds) + special.log_expit(-odds) - shape**2 / 2 + np.log(PRIOR[kind])
    if kind == BURR:
        near = [
            np.log(p) - ((parameters[:, 2] - tail) / TAIL_DEVIATION) ** 2 / 2 for tail, p in TAILS.items()
        ]
        density += np.logaddexp(*near) - np.log(TAIL_DEVIATION * np.sqrt(2 * np.pi))
    if weekends:
        density -= ((parameters[:, -1] - LOG_WEEKEND) / LOG_WEEKEND_DEVIATION) ** 2 / 2
    return np.asarray(density - np.log(LOG_SHAPE_DEVIATION * np.sqrt(2 * np.pi)))


@dataclass(frozen=True, repr=False)
class WeightedCurves(ShortRepr):
    """Growth curves, weighted by how well they fit the counts.

    Args:
        observed: the claims filed between successive counts.
        parameters: the parameters of the curves by kind; see `filed_shares`.
        weights: the weight of each curve in the order of `parameters`; the weights add up to 1, (n,).
        phis: the over-dispersion (variance of an increment divided by its mean, 1 or more) of each curve,
            (n,).
    """

    observed: IntakeIncrements
    parameters: dict[str, Array]
    weights: Array
    phis: Array

    def relative(self, edges: object) -> Array:
        """The claims that each curve expects per interval, divided by those in the fitted period.

        The fitted period consists of the increments (claims between two counts) to which curves are fitted.
        The result has one row per curve and one column per interval between two `edges` (days since the
        opening).
        """
        shares, observed = list[tuple[Array, Array]](), self.observed
        for kind, theta in self.parameters.items():
            until, after = (observed.operational(times, theta) for times in (observed.edges, edges))
            shares.append((filed_shares(kind, theta, until), filed_shares(kind, theta, after)))
        past, asked = (np.concatenate(parts) for parts in zip(*shares, strict=True))
        return np.asarray(asked / past[:, self.observed.used].sum(1, keepdims=True))


def weigh_curves(observed: IntakeIncrements) -> WeightedCurves:
    """Return growth curves of both kinds, weighted by how well they fit the counts.

    Raises:
        ModelRefused: there are too few increments.
    """
    available, masked = int(observed.used.sum()), int((~observed.used).sum())
    if available < MIN_INCREMENTS:
        beside = Note("beside", masked=str(masked)) if masked else ""
        counts = {"increments": str(available), "more": str(MIN_INCREMENTS - available)}
        raise ModelRefused(Note("few_increments", beside=beside, least=str(MIN_INCREMENTS), **counts))
    samples = {kind: _sample(observed, kind) for kind in PRIOR}
    logs = np.concatenate([log_weights for _, log_weights, _ in samples.values()])
    weights = np.exp(logs - logs.max())
    # For a given deviance, 1 / phi has a gamma distribution, truncated at 1. Each curve gets one quantile
    # of it.
    half = np.maximum(np.concatenate([deviance for _, _, deviance in samples.values()]), 1e-9) / 2
    order, uniform = observed.dispersion_order, np.tile(UNIFORM, len(samples))
    phis = half / special.gammaincinv(order, np.maximum(uniform * special.gammainc(order, half), 1e-300))
    parameters = {kind: theta for kind, (theta, _, _) in samples.items()}
    return WeightedCurves(observed, parameters, weights / weights.sum(), np.maximum(phis, 1.0))


def _sample(observed: IntakeIncrements, kind: str) -> tuple[Array, Array, Array]:
    """Curves of a kind that fit the counts: parameters, log-weights and deviances.

    The curves are placed by adaptive importance sampling: a t-distribution takes the mean and the
    covariance of the weighted curves of the round before. The likelihood is that of over-dispersed Poisson
    counts of unknown level and unknown over-dispersion phi: given their sum, the counts are multinomial,
    the deviance is divided by phi, and 1 / phi is integrated out. So the same counts always give the same
    curves.
    """
    counts, order = observed.counts[observed.used], observed.dispersion_order
    saturated = special.xlogy(counts, counts / counts.sum()).sum()
    start = [(0.0, 2.0), (LOG_SHAPE, 0.6), *([(0.5, 0.6)] if kind == BURR else [])]
    start += [(LOG_WEEKEND, LOG_WEEKEND_DEVIATION)] if observed.starts else []
    size, centre, spread = len(start), np.array(start)[:, 0], np.diag(np.array(start)[:, 1])
    points = T_POINTS[:, :size]
    log_density = -(FREEDOM + size) / 2 * np.log1p((points**2).sum(1) / FREEDOM) + (
        special.gammaln((FREEDOM + size) / 2)
        - special.gammaln(FREEDOM / 2)
        - size / 2 * np.log(FREEDOM * np.pi)
    )
    for round_ in range(ROUNDS):
        parameters = centre + points @ spread.T
        times = observed.operational(observed.edges, parameters)
        shares = np.maximum(filed_shares(kind, parameters, times)[:, observed.used], 1e-300)
        fitted = special.xlogy(counts, shares / shares.sum(1, keepdims=True)).sum(1)
        deviance = np.maximum(2 * (saturated - fitted), 1e-9)
        likelihood = (
            special.gammaln(order)
            + np.log(np.maximum(special.gammainc(order, deviance / 2), 1e-300))
            - order * np.log(deviance / 2)
        )
        prior = _log_prior(kind, parameters, weekends=observed.starts is not None)
        log_weights = likelihood + prior - log_density + np.log(np.diag(spread)).sum()
        worth = _worth(log_weights)
        if worth >= ENOUGH or round_ == ROUNDS - 1:
            break
        low, high = (0.0, 1.0) if worth < LEAST else (1.0, 1.0)
        while high - low > 1e-3:  # noqa: PLR2004
            middle = (low + high) / 2
            low, high = (middle, high) if _worth(log_weights * middle) >= LEAST else (low, middle)
        weights = np.exp(low * (log_weights - log_weights.max()))
        weights /= weights.sum()
        centre = weights @ parameters
        away = parameters - centre
        spread = 1.1 * np.linalg.cholesky((weights[:, None] * away).T @ away + 1e-10 * np.eye(size))
    return parameters, log_weights, deviance


def _worth(log_weights: Array) -> float:
    """The number of equally weighted curves that would be as informative as these."""
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / (weights**2).sum())


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

    @np.errstate(all="ignore")
    def cdf(self, counts: object) -> Array:
        """For each number in `counts`, the probability of at most so many late claims."""
        x = np.floor(np.asarray(counts, float))[..., None]
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

    @property
    def median(self) -> int:
        """The median of the final number of claims."""
        return self.counted + int(self.quantiles(0.5))

    def total(self, level: float) -> tuple[int, int]:
        """The central interval that contains the final number of claims with probability `level` or more.

        The probability on each side of the interval is at most (1 - level) / 2.
        """
        check_level(level)
        low, high = self.quantiles([(1 - level) / 2, (1 + level) / 2])
        return self.counted + int(low), self.counted + int(high)


def supported_late_count(growth: WeightedCurves, branch: Branch, at: float) -> LateCount:
    """Forecast the late claims of a branch up to a time or up to its closing, whichever comes first.

    Args:
        growth: the weighted growth curves.
        branch: the assumed end of the intake.
        at: the time up to which late claims count, in days since the opening.

    Raises:
        ModelRefused: the range of all claims is too wide; the time is too far ahead; there are too few
            claims; or the forecast includes the last day and the branch does not state its spike.
        UsageError: the time or the closing is before the last count, or the spike is negative.
    """
    observed, by = growth.observed, min(at, branch.closes)
    until = observed.until
    for what, when in (("closes", branch.closes), ("is asked for by a time", at)):
        if not np.isfinite(when) or when < until:
            raise UsageError(
                f"the branch {branch.id} {what} before the last count, at {until:g} days",
                value=f"{when:g}",
                remedy="Give a later one; a deadline that has passed is a former one.",
            )
    if branch.spike is not None and not (np.isfinite(branch.spike) and branch.spike >= 0):
        raise UsageError("a spike is a multiple, 0 or more", value=branch.spike)
    if by > MAX_HORIZON * until:
        days = {"days": f"{until:,.4g}", "by": f"{by:,.4g}"}
        raise ModelRefused(Note("too_far", most=f"{MAX_HORIZON:g}", branch=branch.id, **days))
    last_day = max(branch.closes - 1, until)
    base = observed.used_total + 1
    stretches = [until, min(last_day, by), by]  # the last is the last day, with its rush
    means = base * growth.relative(stretches) @ [1, 1 + (branch.spike or 0.0)]
    order = np.argsort(means, kind="stable")
    weights, means, phis = growth.weights[order], means[order], growth.phis[order]
    groups = np.floor((np.cumsum(weights) - weights / 2) * PARTS).astype(int)
    sums = np.array([np.bincount(groups, x) for x in (weights, weights * means, weights * phis)])
    weights, means, phis = sums[:, sums[0] > 0]
    late = LateCount(branch.id, by, observed.total, weights, means / weights, phis / weights, base)
    low, high = late.total(0.8)
    if high > MAX_WIDTH * low:
        raise ModelRefused(
            Note("undetermined", level="80%", low=f"{low:,}", high=f"{high:,}", branch=branch.id)
        )
    if observed.used_total < MIN_CLAIMS and by > until:
        count, need = f"{observed.used_total:,}", f"{MIN_CLAIMS:,}"
        raise ModelRefused(Note("too_few_claims", count=count, need=need, branch=branch.id))
    if branch.spike is None and by > last_day:
        options = {"spike": either("spike=", "--spike"), "by": either("by=", "--by")}
        raise ModelRefused(Note("spike_unstated", branch=branch.id, **options))
    return late


@dataclass(frozen=True, repr=False)
class LateClaimsForecast:
    """A forecast of the late claims of each branch (way in which the intake may end).

    Args:
        growth: the weighted growth curves.
        late: the forecast number of late claims by branch id, up to the closing of the branch or the
            requested time.
        refused: by branch id, the reason why the branch has no forecast.
    """

    growth: WeightedCurves
    late: dict[str, LateCount]
    refused: dict[str, str]

    def __repr__(self) -> str:
        """Return one line per branch: the claims so far and the likely range of their total."""
        lines = [f"Forecast from {self.counted:,} claims by day {self.growth.observed.until:g}"]
        for late in self.late.values():
            low, high = late.total(0.8)
            said = f"{late.median:,} claims by day {late.by:g}, 80% likely {low:,} to {high:,}"
            lines.append(f"{late.branch}: {said}")
        return "\n".join([*lines, *self.notes])

    @property
    def counted(self) -> int:
        """The number of claims filed so far."""
        return self.growth.observed.total

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the effects and branches that were left out, with the reasons."""
        weekends = () if self.growth.observed.starts else (Note("no_weekends"),)
        return (
            *weekends,
            *(Note("no_forecast", branch=id_, reason=why) for id_, why in self.refused.items()),
        )


def forecast_late_claims(
    times: Sequence[float],
    counts: Sequence[int],
    branches: Sequence[Branch],
    *,
    by: float | None = None,
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
        former: deadlines that have passed, in days since the opening. Increments that overlap the day before
            a deadline are not used to fit the curve, because of the rush before a deadline; the claims in
            these increments still count.
        starts: the calendar day that begins at time 0. If it is known and each increment is one day, a day
            of a weekend may bring fewer or more claims than another day.

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
    growth = weigh_curves(increments_from_counts(times, counts, former=former, starts=starts))
    if not branches or len({b.id for b in branches}) < len(branches):
        raise UsageError("branches have ids of their own, and there is one at least", remedy="Name them.")
    late, refused = dict[str, LateCount](), dict[str, str]()
    for branch in branches:
        try:
            late[branch.id] = supported_late_count(growth, branch, branch.closes if by is None else by)
        except ModelRefused as refusal:
            refused[branch.id] = refusal.problem
    if not late:
        raise ModelRefused(refused[branches[0].id])
    return LateClaimsForecast(growth, late, refused)


ONE_DAY = timedelta(days=1)
DEADLINE = "deadline"
"""The id of the branch in which the intake closes at the known deadline."""
EXTENDED = "extended"
"""The id of the branch in which the deadline is extended."""


@dataclass(frozen=True, repr=False)
class Channel(ShortRepr):
    """Cumulative claim counts of one intake channel, with its calendar and the ways in which it may end.

    Args:
        opened: the moment at which the intake opened (time 0).
        zone: the time zone of calendar days.
        times: the time of each count, in days since the opening, (k,).
        counts: the cumulative number of claims filed by each time, (k,).
        branches: the ways in which the intake may end.
        former: deadlines that have passed, in days since the opening.
        starts: the calendar day that begins at time 0; None if the intake opened during a day.
        synthetic: whether the claims are synthetic.
        notes: remarks on the counts for readers of the forecast.
        source: the id of the intake document, or the names of the claims files.
    """

    opened: datetime
    zone: tzinfo
    times: tuple[float, ...]
    counts: tuple[int, ...]
    branches: tuple[Branch, ...] = ()
    former: tuple[float, ...] = ()
    starts: date | None = None
    synthetic: bool = False
    notes: tuple[str, ...] = ()
    source: str = ""

    def days(self, moment: datetime) -> float:
        """The days from the opening of the intake to a moment, in local time.

        Every calendar day counts as 1 day, even if the clocks change on it.
        """
        return (moment.astimezone(self.zone) - self.opened.astimezone(self.zone)) / ONE_DAY

    def end_of(self, day: date) -> float:
        """The days from the opening of the intake to the end of a calendar day."""
        return self.days(datetime.combine(day + ONE_DAY, time(), self.zone))

    def moment(self, days: float) -> datetime:
        """The moment `days` days after the opening of the intake, rounded to the minute."""
        exact = self.opened.astimezone(self.zone) + days * ONE_DAY
        return (exact + timedelta(seconds=30)).replace(second=0, microsecond=0)

    def points(self) -> pl.DataFrame:
        """The cumulative claim counts as a table with one row per count.

        Columns: `at` (the time of the count), `days` (since the opening), `cumulative` (claims so far),
        `increment` (claims since the previous count), `daily_rate` (claims per day since the previous count).
        """
        at = [self.moment(t).isoformat(timespec="minutes") for t in self.times]
        frame = pl.DataFrame({"at": at, "days": self.times, "cumulative": self.counts})
        days, claims = (pl.col(name) - pl.col(name).shift(1, fill_value=0) for name in frame.columns[1:])
        return frame.with_columns(increment=claims, daily_rate=claims / days)

    def with_deadlines(
        self, closes: date | None, extended: date | None, spike: float | None, former: Sequence[date] = ()
    ) -> Channel:
        """A copy of the channel with the stated deadlines: the known, a possible extended, and former ones.

        Branches (ways in which the intake may end) that close before the last count are left out. The branch
        `deadline` comes first.

        Args:
            closes: the last day of the intake; replaces the branch `deadline`.
            extended: the last day if the deadline is extended; replaces the branch `extended`.
            spike: for every branch, the extra claims on the last day as a multiple of the expected claims;
                see `Branch`.
            former: the last days of further deadlines that have passed.

        Raises:
            UsageError: no branch is left, or a stated day is before the last count.
        """
        branches = {b.id: b for b in self.branches if b.closes >= self.times[-1]}
        for id_, last in ((DEADLINE, closes), (EXTENDED, extended)):
            if last is None:
                continue
            if self.end_of(last) < self.times[-1]:
                raise UsageError(
                    f"the last count is of {self.moment(self.times[-1]):%Y-%m-%d %H:%M}, after that day",
                    value=last,
                    remedy="Name a later day"
                    + either(".", ", or give a deadline that has passed with --former."),
                )
            branches[id_] = Branch(id_, self.end_of(last))
        if not branches:
            raise UsageError(
                "no deadline is known", remedy=f"Say when the intake closes{either('.', ': --closes DAY.')}"
            )
        if spike is not None:
            branches = {id_: replace(branch, spike=spike) for id_, branch in branches.items()}
        ordered = sorted(branches.values(), key=lambda branch: branch.id != DEADLINE)
        return replace(self, former=(*self.former, *map(self.end_of, former)), branches=tuple(ordered))

    def curves(self) -> WeightedCurves:
        """Return the growth curves that fit the claim counts."""
        return weigh_curves(
            increments_from_counts(self.times, self.counts, former=self.former, starts=self.starts)
        )

    def forecast(self, *, by: float | None = None) -> LateClaimsForecast:
        """Forecast the late claims (still to be filed) of each branch (way in which the intake may end)."""
        return forecast_late_claims(
            self.times, self.counts, self.branches, by=by, former=self.former, starts=self.starts
        )


def channel_from_series(series: IntakeSeries, as_of: date | None = None) -> Channel:
    """Make a channel from the counts and deadlines of an intake document that were public by `as_of`.

    The branches are the deadline that was known on that day and the branches that the document states.

    Args:
        series: the intake document.
        as_of: the day; by default the as-of day of the document.

    Raises:
        ModelRefused: no count was public by that day.
    """
    day = series.as_of if as_of is None else as_of
    known = series.known_by(day)
    if known is None:
        raise ModelRefused(
            f"no count of {series.id} was public by {day}",
            remedy=f"Ask as of a later day, such as {series.as_of}.",
        )
    channel = Channel(series.opened, series.zone, (), (), source=series.id)
    closes = known.deadline.closes if known.deadline else None
    branches = [Branch(b.id, channel.days(b.closes), b.spike) for b in known.branches if b.closes != closes]
    if closes:
        branches = [Branch(DEADLINE, channel.days(closes)), *branches]
    notes = [Note("branch_hindsight", branch=b.id) for b in known.branches if b.outcome_known]
    undated = [fact for fact in series.facts if get_fact(fact).public_on is None]
    if undated:
        notes.append(Note("undated", facts=", ".join(undated)))
    if late := len(series.points) - len(known.points):
        notes.append(Note("later_counts", day=str(day), count=str(late)))
    opened = series.opened.astimezone(series.zone)
    return replace(
        channel,
        times=tuple(channel.days(p.at) for p in known.points),
        counts=tuple(p.filed for p in known.points),
        branches=tuple(branches),
        former=tuple(channel.days(d.closes) for d in known.deadlines if d.closes <= known.points[-1].at),
        starts=opened.date() if opened.time() == time() else None,
        notes=tuple(notes),
    )


def channel_from_cube(
    cube: Cube, incident: Incident, *, until: date | None = None, recovery: bool = False
) -> Channel:
    """Make a channel with daily cumulative counts from a cube that has the dimension `filed_on`.

    Days begin and end in the incident's time zone. The channel opens at the start of the first day with
    claims, and days without claims are included. The only branch of the channel closes at the deadline of the
    incident that was known on the last day; deadlines that had passed by then are former ones. If no deadline
    is known, because the incident was derived from files, there is no branch.

    Args:
        cube: a cube with the dimension `filed_on`; claims are summed over its other dimensions.
        incident: the incident of the claims.
        until: the last day to use; later days are left out.
        recovery: allow synthetic claims, to test whether the forecast recovers the generator's parameters.

    Raises:
        UsageError: the cube does not have the dimension `filed_on`.
        InputRefused: a claim has no filing day, or there are no claims.
        ModelRefused: the cube is synthetic and `recovery` is not set.
    """
    if cube.synthetic and not recovery:
        raise ModelRefused(
            "synthetic claims say nothing of how many are still to come",
            remedy=f"Give real claims; or {either('recovery=True', '--recovery')} to see the generator's own "
            "input again.",
        )
    if "filed_on" not in cube.dimensions:
        dimensions = ", ".join(cube.dimensions)
        raise UsageError("the cube does not have the days", value=dimensions, remedy="Build it by filed_on.")
    filed = dict(cube.frame.group_by("filed_on").agg(pl.col("claims").sum()).iter_rows())
    if None in filed:
        raise InputRefused("some claims have no day", column="filed_on", remedy="Leave them out.")
    with_claims = [day for day in filed if until is None or day <= until]
    if not with_claims:
        raise InputRefused("no claim was filed" + (f" by {until}" if until else ""), file=cube.source)
    first, last_with_claims = min(with_claims), max(with_claims)
    last = until or last_with_claims
    by_day = [filed.get(first + n * ONE_DAY, 0) for n in range((last - first).days + 1)]
    notes = [Note("last_day", day=str(last))]
    if last > last_with_claims:
        notes.append(Note("quiet", day=str(last_with_claims), last=str(last)))
    closes = max(incident.closes_on(last), last)
    passed = {d.closes for d in incident.deadlines_by(last) if d.closes <= last and d.closes < closes}
    return Channel(
        opened=datetime.combine(first, time(), incident.zone),
        zone=incident.zone,
        times=tuple(float(n) for n in range(1, len(by_day) + 1)),
        counts=tuple(accumulate(by_day)),
        branches=() if incident.window == "observed" else (Branch(DEADLINE, (closes - first).days + 1.0),),
        former=tuple((day - first).days + 1.0 for day in sorted(passed)),
        starts=first,
        synthetic=cube.synthetic,
        source=cube.source,
        notes=(*([Note("recovery")] if cube.synthetic else []), *notes),
    )
