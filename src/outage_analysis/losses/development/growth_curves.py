"""Growth curves (the share of claims filed by each time), weighted by how well they fit an intake.

Cumulative counts are checked and converted to increments (claims between two counts). If there are too few of
them to fit a growth curve, two bounds of the number of late claims still follow.

The parameters of a curve are weighted on a grid, because the likelihood often has no useful maximum. With few
increments, the likelihood has a long ridge towards a constant rate of intake. Along the ridge the parameters
diverge, while the number of late claims hardly changes. The grid narrows to the parameters with
non-negligible weight, so that it is fine enough for any number of claims. The same counts always give the
same grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from outage_analysis.errors import InputRefused, ModelRefused, UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.losses.severity import pool_bands
from outage_analysis.special_functions import special
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

    def overlaps_day_before(self, deadline: float) -> NDArray[np.bool_]:
        """For each increment (interval between counts), whether it overlaps the day before `deadline`."""
        return np.asarray((self.edges[1:] > deadline - 1) & (self.edges[:-1] < deadline))


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
    increments = IntakeIncrements(edges, np.diff(cumulative), used, WeekdayClock(starts=starts))
    for deadline in former:
        used &= ~increments.overlaps_day_before(deadline)
    return increments


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
    def rests_on(self) -> str:
        """The assumptions of the lower and the upper bound, and the events that violate them."""
        return (
            "low: nothing more is filed; high: no later stretch is busier than the busiest so far, "
            f"{self.max_daily_rate:,.0f} a day; a rush before the deadline or a second wave breaks the high "
            "one; chance is in neither"
        )


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


SHAPES = (1 / 4, 4.0)
"""The range of the shape parameter. On the logarithm of time, filing times are between four times as spread
out and four times as narrow as those of an exponential distribution. Below 1 the intake rate falls from the
start."""
MEDIANS = (1 / 200, 20.0)
"""The range of the median filing time, as a multiple of the observed time span. At the lower end half of all
claims came in the first 0.5 % of the span. At the upper end the rate of an exponential curve falls by 3.4 %
over the span, which counts cannot distinguish from a constant rate."""
NODES = 33
"""The number of nodes on each axis of a grid."""
DIFFERENCE = 1e-4
"""The step, on the logarithmic scale, of the finite differences for the Fisher information."""
MAX_LOG_WEIGHT_GAP = 18.0
"""Nodes whose weight is below exp(-18) times the largest weight are left out."""
MAX_ROUNDS, MIN_SHRINKAGE = 12, 0.75
"""The grid narrows at most 12 times, and stops if a round keeps more than 75 % of its width."""


CURVES: Mapping[str, int] = {"exponential": 2, "weibull": 3, "loglogistic": 3, "lognormal": 3}
"""The families of growth curves, and the number of their parameters, including the level (the total number of
claims). The families with three parameters have a shape."""


def filed_shares(family: str, shape: Array, median: Array, edges: Array) -> Array:
    """The share of all claims that each growth curve expects between successive times.

    Times are operational times: calendar times corrected for weekday effects.

    Args:
        family: a name in `CURVES`.
        shape: the shape parameter of each curve, (...); the exponential family ignores it.
        median: the operational time by which half of all claims are filed, for each curve, (...).
        edges: the operational times, (n + 1,).

    Returns:
        The share of claims for each curve and each interval between two times, (..., n).
    """
    with np.errstate(all="ignore"):
        time = edges / median[..., None]
        if family != "exponential":
            time = time ** shape[..., None]
        if family == "lognormal":
            below, above = special.ndtr(np.log(time)), special.ndtr(-np.log(time))
        else:
            log_above = -np.log1p(time) if family == "loglogistic" else -np.log(2) * time
            below, above = -np.expm1(log_above), np.exp(log_above)
        # Differences of shares close to 1 lose digits, so in the upper half the shares above are subtracted.
        return np.asarray(np.where(below[..., 1:] <= 0.5, np.diff(below), -np.diff(above)))  # noqa: PLR2004


def log_likelihood(observed: IntakeIncrements, p: Array) -> Array:
    """The multinomial log-likelihood of the fitted increments (claims between two counts), given their sum.

    Independent Poisson increments give the same likelihood if their expected total is integrated out with a
    uniform prior.

    Args:
        observed: the increments.
        p: the share of claims in each increment, up to a constant factor, (..., k).

    Returns:
        One log-likelihood per set of shares, (...).
    """
    counts, p = observed.counts[observed.used], p[..., observed.used]
    with np.errstate(all="ignore"):
        terms = np.where(counts > 0, counts * np.log(p / p.sum(-1, keepdims=True)), 0.0)
    return np.asarray(np.nan_to_num(terms.sum(-1), nan=-np.inf, neginf=-np.inf))


def jeffreys_prior(family: str, observed: IntakeIncrements, shape: Array, median: Array) -> Array:
    """The density of Jeffreys' prior of (log shape, log median), for each curve.

    The density is the square root of the determinant of the Fisher information of one claim. Curves that
    counts can distinguish equally well get equal weight. A log-uniform prior of the median would instead give
    equal weight to each doubling of the median, even if the median is too large to measure. Nearly constant
    rates would then outweigh the curves that fit the counts. The density is not normalised: a family with
    more distinguishable curves has more prior weight.
    """
    edges = observed.clock(observed.edges)

    def logs(of_shape: float, of_median: float) -> Array:
        p = filed_shares(family, shape * np.exp(of_shape), median * np.exp(of_median), edges)[
            ..., observed.used
        ]
        return np.asarray(np.log(p / p.sum(-1, keepdims=True)))

    steps = [(0.0, DIFFERENCE)] if family == "exponential" else [(DIFFERENCE, 0.0), (0.0, DIFFERENCE)]
    with np.errstate(all="ignore"):
        q = np.exp(logs(0, 0))
        slopes = [(logs(a, b) - logs(-a, -b)) / (2 * DIFFERENCE) for a, b in steps]
        information = [[np.nan_to_num(q * a * b, posinf=0).sum(-1) for a in slopes] for b in slopes]
    determinant = np.linalg.det(np.moveaxis(np.array(information), (0, 1), (-2, -1)))
    return np.asarray(np.sqrt(np.maximum(determinant, 0)))


@dataclass(frozen=True)
class ParameterGrid:
    """A grid of parameters of one curve family, with a weight for each node (set of parameters).

    Nodes with negligible weight are left out. Each array has one entry per node, (n,): `shape`, `median` (in
    operational days), `weight` (adding up to 1) and `fits` (log-likelihoods). `evidence` is the logarithm of
    the integral of exp(log-likelihood / phi) over the prior.
    """

    family: str
    shape: Array
    median: Array
    weight: Array
    fits: Array
    evidence: float

    @property
    def best(self) -> int:
        """The index of the grid node with the largest likelihood."""
        return int(np.argmax(self.fits))


def weigh_parameters(
    family: str, observed: IntakeIncrements, phi: float, *, nodes: int = NODES
) -> ParameterGrid:
    """Weight the curves of a family, on a grid, by exp(log-likelihood / phi) times Jeffreys' prior.

    Args:
        family: a name in `CURVES`.
        observed: the claims filed between successive counts.
        phi: the over-dispersion.
        nodes: the number of nodes on each axis.
    """
    edges = observed.clock(observed.edges)
    widest = np.log(np.array(MEDIANS) * edges[-1])

    def of_medians(shape: Array) -> tuple[Array, Array, Array]:
        def fits(medians: Array) -> Array:
            p = filed_shares(family, np.broadcast_to(shape[:, None], medians.shape), np.exp(medians), edges)
            return log_likelihood(observed, p) / phi

        low, high = (np.full(len(shape), end) for end in widest)
        return _close_in(fits, low, high, nodes)

    def evidence(shape: Array) -> Array:
        _, step, fits = of_medians(np.exp(shape[0]))
        return np.asarray(special.logsumexp(fits, axis=-1) + np.log(step))[None, :]

    if family == "exponential":
        shape, width = np.ones(1), 1.0
    else:
        ends = np.log(SHAPES)
        rows, steps, _ = _close_in(evidence, ends[:1], ends[1:], nodes)
        shape, width = np.exp(rows[0]), float(steps[0])
    medians, step, fits = of_medians(shape)
    everywhere = np.broadcast_to(shape[:, None], medians.shape)
    with np.errstate(divide="ignore"):
        prior = np.log(
            jeffreys_prior(family, observed, everywhere, np.exp(medians)) * (step * width)[:, None]
        )
    mass = fits + prior
    total = float(special.logsumexp(mass))
    relevant = mass > mass.max() - MAX_LOG_WEIGHT_GAP
    weight = np.exp(mass[relevant] - total)
    medians, fits = np.exp(medians[relevant]), fits[relevant] * phi
    return ParameterGrid(family, everywhere[relevant], medians, weight / weight.sum(), fits, total)


def _close_in(
    values: Callable[[Array], Array], low: Array, high: Array, nodes: int
) -> tuple[Array, Array, Array]:
    """Narrow the evenly spaced nodes of each grid row to the range in which weights are not negligible.

    Args:
        values: a function from nodes (r, n) to their log-weights (r, n).
        low: the lower end of each row, (r,).
        high: the upper end of each row, (r,).
        nodes: the number of nodes per row, n.

    Returns:
        The nodes (r, n), their spacing (r,) and their log-weights (r, n).
    """
    positions = (np.arange(nodes) + 0.5) / nodes
    for _ in range(MAX_ROUNDS):
        step = (high - low) / nodes
        points = low[:, None] + positions * (high - low)[:, None]
        log_weights = values(points)
        relevant = log_weights >= log_weights.max(-1, keepdims=True) - MAX_LOG_WEIGHT_GAP
        first, last = relevant.argmax(-1), nodes - 1 - relevant[:, ::-1].argmax(-1)
        # Keep one more node on each side: the maximum may lie between the best node and its neighbour.
        start, end = np.maximum(first - 1, 0), np.minimum(last + 2, nodes)
        if (end - start > MIN_SHRINKAGE * nodes).all():
            break
        low, high = low + start * step, low + end * step
    return points, step, log_weights


SPARE_INCREMENTS = 2
"""A family needs at least as many increments as it has parameters plus this number."""
MIN_EXPECTED = 1.0
"""For the chi-square, neighbouring increments are pooled until each has this many expected claims."""
PHI_VALUES = 5
"""The number of equally likely values that represent the uncertainty of the over-dispersion."""
FREEDOM_FOR_ONE_PHI = 30
"""With this many degrees of freedom, a single value of the over-dispersion (the median) is enough."""
MIN_DAYS_FOR_WEEKDAYS = 14
"""Weekday factors are estimated only from at least this many days."""
STEADY_THRESHOLD = 6.0
"""If twice the difference of log-likelihoods, divided by phi, is larger, the rate is not constant."""
WEEKDAY_ROUNDS = 5
"""The largest number of rounds in which weekday factors and the curve are estimated alternately."""


@dataclass(frozen=True, repr=False)
class WeightedCurves(ShortRepr):
    """Growth curves of all families, weighted by how well they fit the counts.

    Args:
        observed: the claims filed between successive counts, with the estimated weekday factors.
        grids: for each family (in the order of `CURVES`) one grid of weighted parameters per value of `phis`.
        phi: the estimated over-dispersion (the variance of an increment divided by its mean), at least 1.
        phis: equally likely values of the over-dispersion, (p,).
        notes: sentences on the curve families and effects that were left out, with the reasons.
    """

    observed: IntakeIncrements
    grids: tuple[tuple[ParameterGrid, ...], ...]
    phi: float
    phis: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def families(self) -> tuple[str, ...]:
        """The names of the curve families, in the order of `grids`."""
        return tuple(row[0].family for row in self.grids)

    @property
    def weights(self) -> Array:
        """The weights of the parameter grids (sum 1): one row per family, one column per value of `phis`."""
        evidence = np.array([[grid.evidence for grid in row] for row in self.grids])
        return np.asarray(np.exp(evidence - special.logsumexp(evidence, axis=0)) / len(self.phis))

    def average(self, evaluate: Callable[[ParameterGrid], Array]) -> Array:
        """The average, over all weighted growth curves, of the quantity that `evaluate` computes.

        Args:
            evaluate: the function that computes the quantity for each of the n curves of a grid, (n, ...).
        """
        pairs = zip(self.weights.ravel(), (grid for row in self.grids for grid in row), strict=True)
        return np.asarray(sum(w * np.tensordot(grid.weight, evaluate(grid), 1) for w, grid in pairs))

    @property
    def fits_constant_rate(self) -> bool:
        """Whether a constant rate of intake fits the counts about as well as the best curve.

        The result is true if twice the difference of the log-likelihoods, divided by the over-dispersion, is
        below 6, the 95 % quantile of chi-square with two degrees of freedom.
        """
        constant = log_likelihood(self.observed, np.diff(self.observed.clock(self.observed.edges)))
        best = max(float(grid.fits.max()) for row in self.grids for grid in row)
        return bool(best - constant < STEADY_THRESHOLD / 2 * self.phi)

    def at_constant_rate(self, edges: Array) -> Array:
        """The expected claims in each interval between two `edges` if the mean observed rate continues.

        `edges` are times in days since the opening of the intake. The mean rate is computed from the
        increments (claims between two counts) to which curves are fitted.
        """
        observed = self.observed
        spans = np.diff(observed.clock(observed.edges))[observed.used]
        return np.asarray(observed.used_total / spans.sum() * np.diff(observed.clock(edges)))

    def expected(self, edges: Array) -> Array:
        """The expected claims in each interval between two `edges`, averaged over all weighted curves.

        `edges` are times in days since the opening of the intake.
        """
        observed = self.observed
        return self.average(lambda grid: observed.used_total * relative_to_observed(observed, grid, edges))


def relative_to_observed(observed: IntakeIncrements, grid: ParameterGrid, edges: Array) -> Array:
    """The claims that each curve expects per interval, divided by its expected claims in the fitted period.

    The fitted period consists of the increments (claims between two counts) to which curves are fitted. The
    result has one row per curve (node of the grid) and one column per interval between two `edges`.
    """
    past = filed_shares(grid.family, grid.shape, grid.median, observed.clock(observed.edges))
    requested = filed_shares(grid.family, grid.shape, grid.median, observed.clock(edges))
    return np.asarray(requested / past[:, observed.used].sum(-1, keepdims=True))


def weigh_curves(observed: IntakeIncrements, families: Sequence[str]) -> WeightedCurves:
    """Weight the growth curves of every family for which there are enough claim counts.

    Raises:
        UsageError: a family does not exist.
        ModelRefused: there are too few increments for any family.
    """
    fittable, notes = _fittable_families(observed, families)
    clock, weekday_note = _weekday_clock(observed, fittable)
    observed = replace(observed, clock=clock)
    chi_square, free = _chi_square(observed, _best_grid(observed, fittable))
    phis = dispersions(chi_square, free)
    grids = tuple(tuple(weigh_parameters(family, observed, phi) for phi in phis) for family in fittable)
    if free <= 0:
        notes.append("too few claims to tell over-dispersion: increments are held to vary as Poisson counts")
    phi = max(1.0, chi_square / free) if free > 0 else 1.0
    return WeightedCurves(observed, grids, phi, phis, (*notes, weekday_note))


def _fittable_families(observed: IntakeIncrements, families: Sequence[str]) -> tuple[list[str], list[str]]:
    if not families:
        raise UsageError("no growth curve is asked for", remedy="Name one of: " + ", ".join(CURVES) + ".")
    for family in families:
        if family not in CURVES:
            raise UsageError("no such growth curve", value=family, remedy=spelling_hint(family, list(CURVES)))
    available, masked = int(observed.used.sum()), int((~observed.used).sum())
    beside = f" ({masked} more lie beside a former deadline)" if masked else ""
    needs = {family: CURVES[family] + SPARE_INCREMENTS for family in CURVES if family in families}
    fittable = [family for family, need in needs.items() if available >= need]
    if not fittable:
        least = min(needs.values())
        raise ModelRefused(
            f"{available} increment{'s' * (available != 1)}{beside} cannot tell a growth curve: the simplest "
            f"asked for needs {least}",
            remedy=f"Wait for {least - available} more, or take late_claim_bounds(times, counts, closes) "
            "instead.",
        )
    notes = [
        f"{family} is left out: it needs {need} increments, there are {available}{beside}"
        for family, need in needs.items()
        if family not in fittable
    ]
    return fittable, notes


def _best_grid(observed: IntakeIncrements, families: Sequence[str]) -> ParameterGrid:
    """Of the families' parameter grids without over-dispersion, the grid with the largest likelihood."""
    return max(
        (weigh_parameters(family, observed, 1.0) for family in families), key=lambda g: float(g.fits.max())
    )


def dispersions(chi_square: float, free: int) -> tuple[float, ...]:
    """Equally likely values of the over-dispersion phi (variance / mean, 1 or more), from a chi-square.

    Few increments determine phi poorly: with three degrees of freedom the estimate is often half of the true
    value. Intervals that use only the estimate are then too narrow. The values therefore represent the
    distribution of phi in which chi-square / phi follows a chi-square distribution and the prior of 1 / phi
    is uniform between 0 and 1. The density of this prior is largest at phi = 1, the value for independent
    claimants, and the prior excludes no larger value.

    Args:
        chi_square: Pearson's chi-square of the best curve.
        free: the degrees of freedom of the chi-square.
    """
    if free <= 0:
        return (1.0,)
    # Given the chi-square, 1 / phi has a gamma distribution. It is cut off at 1, because phi is at least 1.
    shape, scale = free / 2 + 1, 2 / max(chi_square, 1e-3)
    below = special.gammainc(shape, 1 / scale)
    values = PHI_VALUES if free < FREEDOM_FOR_ONE_PHI else 1
    middles = (np.arange(values) + 0.5) / values
    phis = 1 / (scale * special.gammaincinv(shape, middles[::-1] * below)) if below > 0 else np.ones(values)
    return tuple(np.maximum(phis, 1.0).tolist())


def _chi_square(observed: IntakeIncrements, grid: ParameterGrid) -> tuple[float, int]:
    at = [grid.best]
    p = filed_shares(grid.family, grid.shape[at], grid.median[at], observed.clock(observed.edges))[0]
    p, counts = p[observed.used], observed.counts[observed.used]
    counts, expected = pool_bands(counts, p / p.sum() * counts.sum(), MIN_EXPECTED)
    weekday_parameters = DAYS_PER_WEEK - 1 if observed.clock.factors != EQUAL_WEEKDAYS else 0
    free = len(counts) - CURVES[grid.family] - weekday_parameters
    return float(((counts - expected) ** 2 / expected).sum()), free


def _weekday_clock(observed: IntakeIncrements, families: Sequence[str]) -> tuple[WeekdayClock, str]:
    plain = observed.clock
    if plain.starts is None or not np.array_equal(observed.edges, np.arange(len(observed.edges))):
        return plain, "no weekday factors: they need increments of one whole calendar day each"
    if observed.used.sum() < MIN_DAYS_FOR_WEEKDAYS:
        return plain, f"no weekday factors: they need {MIN_DAYS_FOR_WEEKDAYS} days"
    clock, family = plain, _best_grid(observed, families).family
    for _ in range(WEEKDAY_ROUNDS):
        current = replace(observed, clock=clock)
        grid = weigh_parameters(family, current, 1.0)
        factors = _weekday_factors(
            current, current.used_total * grid.weight @ relative_to_observed(current, grid, current.edges)
        )
        settled = np.allclose(factors, clock.factors, atol=1e-3)
        clock = WeekdayClock(factors, plain.starts)
        if settled:
            break
    if clock.factors == EQUAL_WEEKDAYS:
        return clock, "weekdays do not differ by more than their days do among themselves"
    return clock, "weekday factors are taken as they stand: their own error is in no interval"


def _weekday_factors(observed: IntakeIncrements, expected: Array) -> tuple[float, ...]:
    clock = observed.clock
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
