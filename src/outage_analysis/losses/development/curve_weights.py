"""Weight growth curves by their fit to the claim counts, with over-dispersion and weekday effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.losses.development.growth_curves import (
    CURVES,
    ParameterGrid,
    filed_shares,
    log_likelihood,
    weigh_parameters,
)
from outage_analysis.losses.development.observed_counts import (
    DAYS_PER_WEEK,
    EQUAL_WEEKDAYS,
    Array,
    IntakeIncrements,
    WeekdayClock,
)
from outage_analysis.losses.severity import pool_bands
from outage_analysis.text import ShortRepr

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
    observed = observed.with_clock(clock)
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
            f"{_increments_text(available)}{beside} cannot tell a growth curve: the simplest asked for needs "
            f"{least}",
            remedy=f"Wait for {least - available} more, or take late_claim_bounds(times, counts, closes) "
            "instead.",
        )
    notes = [
        f"{family} is left out: it needs {need} increments, there are {available}{beside}"
        for family, need in needs.items()
        if family not in fittable
    ]
    return fittable, notes


def _increments_text(increments: int) -> str:
    return f"{increments} increment" + ("" if increments == 1 else "s")


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
    if not observed.is_daily:
        return plain, "no weekday factors: they need increments of one whole calendar day each"
    if observed.used.sum() < MIN_DAYS_FOR_WEEKDAYS:
        return plain, f"no weekday factors: they need {MIN_DAYS_FOR_WEEKDAYS} days"
    clock, family = plain, _best_grid(observed, families).family
    for _ in range(WEEKDAY_ROUNDS):
        current = observed.with_clock(clock)
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
