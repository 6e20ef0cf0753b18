"""Growth curves (the share of claims filed by each time), weighted by how well they fit an intake.

In the terms of claims reserving and of reporting delays (chainladder, baselinenowcast, epinowcast): all
claims have one reference day, the opening of the intake. The day of filing is the report day, and the delay
is the time between the two. A growth curve is the distribution of the delay. The deadline cuts it off.

Cumulative counts are checked and converted to increments (claims between two counts). If there are too few of
them to fit a growth curve, two bounds of the number of late claims still follow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from outage_analysis.errors import InputRefused, ModelRefused, UsageError
from outage_analysis.special_functions import special
from outage_analysis.text import Note, ShortRepr

Array = NDArray[np.float64]
DAYS_PER_WEEK = 7
EQUAL_WEEKDAYS = (1.0,) * DAYS_PER_WEEK
WORKDAYS, WEEKEND = (*[1.0] * 5, *[0.0] * 2), (*[0.0] * 5, *[1.0] * 2)


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
            times // DAYS_PER_WEEK * week[-1]
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
        unknown_weekends: whether each curve has its own number of claims on a day of a weekend, as the last
            of its parameters.
    """

    edges: Array
    counts: Array
    used: NDArray[np.bool_]
    clock: WeekdayClock
    unknown_weekends: bool = False

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

    def operational(self, times: object, parameters: Array) -> Array:
        """Times in units of the time observed, by the clock: one row, or one row per curve."""
        if not self.unknown_weekends:
            return np.asarray(self.clock(times) / self.clock(self.until))
        work, weekend = (replace(self.clock, factors=factors) for factors in (WORKDAYS, WEEKEND))
        ratio = np.exp(parameters[:, -1:])
        asked, observed = (work(t) + ratio * weekend(t) for t in (times, self.until))
        return np.asarray(asked / observed)


def increments_from_counts(
    times: Sequence[float], counts: Sequence[int], *, former: Sequence[float] = (), starts: date | None = None
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
    opening_is_listed = bool(edges[0] == 0 and cumulative[0] == 0)
    if not opening_is_listed:
        edges, cumulative = np.insert(edges, 0, 0.0), np.insert(cumulative, 0, 0.0)
    if len(edges) > 1:
        _check_order(edges, cumulative, first=int(opening_is_listed))
    if not cumulative[-1]:
        raise ModelRefused("nothing was filed, so no rate is known", remedy="Wait for a first count.")
    used = np.ones(len(edges) - 1, bool)
    for deadline in former:  # an increment that overlaps the day before it
        used &= (edges[1:] <= deadline - 1) | (edges[:-1] >= deadline)
    return IntakeIncrements(edges, np.diff(cumulative), used, WeekdayClock(starts=starts))


def _check_order(edges: Array, cumulative: Array, *, first: int) -> None:
    for what, values, wrong in (
        ("time of point {} is no number", edges, ~np.isfinite(edges)),
        ("count of point {} is no number", cumulative, ~np.isfinite(cumulative)),
        ("count of point {} is not whole", cumulative, cumulative != np.round(cumulative)),
        ("time of point {} is not after the one before", edges, np.diff(edges, prepend=-1) <= 0),
        ("count of point {} is below the one before", cumulative, np.diff(cumulative, prepend=0) < 0),
    ):
        if wrong.any():
            point = int(np.argmax(wrong))
            remedy = "Give all claims filed by each time, in order of time; leave out corrected counts."
            raise InputRefused(f"the {what.format(first + point)}", value=f"{values[point]:g}", remedy=remedy)


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
another day (80 %: 0.46 to 1.46), until there are enough days to estimate weekday factors. So a quiet
weekend is not taken for the end of filing."""
POINTS = 1024
"""The number of curves that stand for all curves of a kind."""
ROUNDS, ENOUGH, LEAST = 14, 300, 150
"""The curves are placed anew at most 14 times, until their weights are worth 300 equally weighted curves.
Until they are worth 150, the weights that place the next curves are made more equal."""
FREEDOM = 4
"""Curves are drawn from a t-distribution with four degrees of freedom: its tails are heavier than theirs."""
MIN_INCREMENTS = 5
"""A level and three parameters of a curve, and one increment more."""
MIN_DAYS_FOR_WEEKDAYS = 14
"""Weekday factors are estimated only from at least this many days."""
WEEKDAY_ROUNDS = 5
"""The largest number of rounds in which weekday factors and the curve are estimated alternately."""


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
    with np.errstate(all="ignore"):
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
        observed: the claims filed between successive counts, with the estimated weekday factors.
        parameters: the parameters of the curves by kind; see `filed_shares`.
        weights: the weight of each curve in the order of `parameters`; the weights add up to 1, (n,).
        phis: the over-dispersion (variance of an increment divided by its mean, 1 or more) of each curve,
            (n,).
        notes: sentences on the effects that were left out, with the reasons.
    """

    observed: IntakeIncrements
    parameters: dict[str, Array]
    weights: Array
    phis: Array
    notes: tuple[str, ...] = ()

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
    """Return growth curves of both kinds, weighted by how well they fit the counts, and weekday factors.

    Raises:
        ModelRefused: there are too few increments.
    """
    available, masked = int(observed.used.sum()), int((~observed.used).sum())
    if available < MIN_INCREMENTS:
        counts = {"increments": available, "least": MIN_INCREMENTS, "more": MIN_INCREMENTS - available}
        values = {name: str(count) for name, count in counts.items()}
        beside = Note("beside", masked=str(masked)) if masked else ""
        raise ModelRefused(Note("few_increments", beside=beside, **values))
    plain, whole_days = observed.clock, np.array_equal(observed.edges, np.arange(len(observed.edges)))
    if plain.starts is None or not whole_days:
        return replace(_weigh(observed), notes=(Note("weekdays_need_days"),))
    if available < MIN_DAYS_FOR_WEEKDAYS:
        notes = (Note("weekdays_need_more", days=str(MIN_DAYS_FOR_WEEKDAYS)),)
        return replace(_weigh(replace(observed, unknown_weekends=True)), notes=notes)
    curves = _weigh(observed)
    for _ in range(WEEKDAY_ROUNDS):
        before, factors = curves.observed, _weekday_factors(curves)
        curves = _weigh(replace(before, clock=WeekdayClock(factors, plain.starts)))
        if np.allclose(factors, before.clock.factors, atol=1e-3):
            break
    equal = curves.observed.clock.factors == EQUAL_WEEKDAYS
    return replace(curves, notes=(Note("weekdays_equal") if equal else Note("weekdays_fixed"),))


def _weigh(observed: IntakeIncrements) -> WeightedCurves:
    samples = {kind: _sample(observed, kind) for kind in PRIOR}
    logs = np.concatenate([log_weights for _, log_weights, _ in samples.values()])
    weights = np.exp(logs - logs.max())
    # For a given deviance, 1 / phi has a gamma distribution, truncated at 1. Each curve gets one quantile
    # of it.
    half = np.maximum(np.concatenate([deviance for _, _, deviance in samples.values()]), 1e-9) / 2
    order = _dispersion_order(observed)
    uniform = np.tile(UNIFORM, len(samples))
    phis = half / special.gammaincinv(order, np.maximum(uniform * special.gammainc(order, half), 1e-300))
    parameters = {kind: theta for kind, (theta, _, _) in samples.items()}
    return WeightedCurves(observed, parameters, weights / weights.sum(), np.maximum(phis, 1.0))


def _dispersion_order(observed: IntakeIncrements) -> float:
    """The order of the gamma distribution of 1 / phi; its prior density is its square, from 0 to 1."""
    return float((observed.used.sum() - 1) / 2 + 3)


def _sample(observed: IntakeIncrements, kind: str) -> tuple[Array, Array, Array]:
    """Curves of a kind that fit the counts: parameters, log-weights and deviances.

    The curves are placed by adaptive importance sampling: a t-distribution takes the mean and the
    covariance of the weighted curves of the round before. The likelihood is that of over-dispersed Poisson
    counts of unknown level and unknown over-dispersion phi: given their sum, the counts are multinomial,
    the deviance is divided by phi, and 1 / phi is integrated out. So the same counts always give the same
    curves.
    """
    counts, order = observed.counts[observed.used], _dispersion_order(observed)
    saturated = special.xlogy(counts, counts / counts.sum()).sum()
    start = [(0.0, 2.0), (LOG_SHAPE, 0.6), *([(0.5, 0.6)] if kind == BURR else [])]
    start += [(LOG_WEEKEND, LOG_WEEKEND_DEVIATION)] if observed.unknown_weekends else []
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
        prior = _log_prior(kind, parameters, weekends=observed.unknown_weekends)
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


def _weekday_factors(curves: WeightedCurves) -> tuple[float, ...]:
    observed, clock = curves.observed, curves.observed.clock
    expected = observed.used_total * (curves.weights @ curves.relative(observed.edges))
    first = clock.starts.weekday() if clock.starts else 0
    weekday = (first + np.arange(len(expected))) % DAYS_PER_WEEK
    plain = (expected / np.array(clock.factors)[weekday])[observed.used]
    weekday, counts = weekday[observed.used], observed.counts[observed.used]
    level = np.bincount(weekday, plain, DAYS_PER_WEEK)
    mean = counts.sum() / level.sum()
    ratio = np.where(level > 0, np.bincount(weekday, counts, DAYS_PER_WEEK) / np.maximum(level, 1e-300), mean)
    again = np.maximum(np.bincount(weekday, minlength=DAYS_PER_WEEK) - 1, 0).sum()
    within = max(1.0, float((plain * (counts / plain - ratio[weekday]) ** 2).sum() / again))
    spread = float((level * (ratio - mean) ** 2).sum()) - (DAYS_PER_WEEK - 1) * within
    between = max(0.0, spread / (level.sum() - (level**2).sum() / level.sum()))
    if not between:
        return EQUAL_WEEKDAYS
    shrunk = mean + level / (level + within / between) * (ratio - mean)
    return tuple((shrunk / shrunk.mean()).tolist())
