"""Counts -> weighed growth curves: which families can be told, over-dispersion, weekdays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import nearest
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
from outage_analysis.losses.severity.goodness import pool_bands

SPARE_INCREMENTS = 2
"""Increments that a family needs beyond its parameters."""
MIN_EXPECTED = 1.0
"""Claims that a cell of the chi-square expects at least; neighbours are joined until they do."""
PHI_VALUES = 5
"""Values that stand for what the over-dispersion may be."""
FREEDOM_FOR_ONE_PHI = 30
"""Degrees of freedom from which one value, the median, stands for it."""
MIN_DAYS_FOR_WEEKDAYS = 14
"""Days from which weekdays are told apart."""
STEADY_THRESHOLD = 6.0
"""Twice the difference of log-likelihoods, over phi, from which counts show that the rate is not constant."""
WEEKDAY_ROUNDS = 5
"""Times that weekdays and curve are told apart in turn."""


@dataclass(frozen=True)
class WeightedCurves:
    """The curves that counts allow, weighed.

    Args:
        observed: the counts, by the clock of the weekdays.
        grids: of each family, in the order of `CURVES`, one for each of `phis`.
        phi: over-dispersion as estimated, at least 1: the variance of an increment over its mean.
        phis: values that it may have, equally likely, (p,).
        notes: what was left out and why, one sentence each.
    """

    observed: IntakeIncrements
    grids: tuple[tuple[ParameterGrid, ...], ...]
    phi: float
    phis: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def families(self) -> tuple[str, ...]:
        """The names of the families."""
        return tuple(row[0].family for row in self.grids)

    @property
    def weights(self) -> Array:
        """Of the grids, (f, p), adding up to 1, by their evidence."""
        evidence = np.array([[grid.evidence for grid in row] for row in self.grids])
        return np.asarray(np.exp(evidence - special.logsumexp(evidence, axis=0)) / len(self.phis))

    def average(self, of: Callable[[ParameterGrid], Array]) -> Array:
        """The average over all nodes of something that a grid gives for each of its own, (n, ...)."""
        pairs = zip(self.weights.ravel(), (grid for row in self.grids for grid in row), strict=True)
        return np.asarray(sum(locale * np.tensordot(grid.weight, of(grid), 1) for locale, grid in pairs))

    @property
    def fits_constant_rate(self) -> bool:
        """Whether a constant rate of intake fits the counts about as well as the best curve does.

        Twice the difference of the log-likelihoods over the over-dispersion is then below the 95 %
        quantile of chi-square for two parameters, 6.
        """
        constant = log_likelihood(self.observed, np.diff(self.observed.clock(self.observed.edges)))
        best = max(float(grid.fits.max()) for row in self.grids for grid in row)
        return bool(best - constant < STEADY_THRESHOLD / 2 * self.phi)

    def at_constant_rate(self, edges: Array) -> Array:
        """The claims between times at the mean rate of all increments that are used, (n - 1,)."""
        observed = self.observed
        spans = np.diff(observed.clock(observed.edges))[observed.used]
        return np.asarray(observed.used_total / spans.sum() * np.diff(observed.clock(edges)))

    def expected(self, edges: Array) -> Array:
        """The claims expected between times, from the opening or from the last count on, (n - 1,)."""
        observed = self.observed
        return self.average(lambda grid: observed.used_total * relative_to_observed(observed, grid, edges))


def relative_to_observed(observed: IntakeIncrements, grid: ParameterGrid, edges: Array) -> Array:
    """What nodes expect between times, over what they expect of all increments that are used, (n, e - 1)."""
    seen = filed_shares(grid.family, grid.shape, grid.median, observed.clock(observed.edges))
    asked = filed_shares(grid.family, grid.shape, grid.median, observed.clock(edges))
    return np.asarray(asked / seen[:, observed.used].sum(-1, keepdims=True))


def weigh_curves(observed: IntakeIncrements, families: Sequence[str]) -> WeightedCurves:
    """Weigh the curves of the families that there are increments enough for.

    Raises:
        UsageError: no such family.
        ModelRefused: too few increments for any family.
    """
    known, notes = _fittable_families(observed, families)
    clock, says = _weekday_clock(observed, known)
    observed = observed.with_clock(clock)
    chi_square, free = _chi_square(observed, _best_grid(observed, known))
    phis = dispersions(chi_square, free)
    grids = tuple(tuple(weigh_parameters(family, observed, phi) for phi in phis) for family in known)
    if free <= 0:
        notes.append("too few claims to tell over-dispersion: increments are held to vary as Poisson counts")
    phi = max(1.0, chi_square / free) if free > 0 else 1.0
    return WeightedCurves(observed, grids, phi, phis, (*notes, says))


def _fittable_families(observed: IntakeIncrements, families: Sequence[str]) -> tuple[list[str], list[str]]:
    """The families that the increments can tell of, and why others are left out."""
    if not families:
        raise UsageError("no growth curve is asked for", remedy="Name one of: " + ", ".join(CURVES) + ".")
    for family in families:
        if family not in CURVES:
            raise UsageError("no such growth curve", value=family, remedy=nearest(family, list(CURVES)))
    there, masked = int(observed.used.sum()), int((~observed.used).sum())
    beside = f" ({masked} more lie beside a former deadline)" if masked else ""
    needs = {family: CURVES[family].params + SPARE_INCREMENTS for family in CURVES if family in families}
    known = [family for family, need in needs.items() if there >= need]
    if not known:
        least = min(needs.values())
        raise ModelRefused(
            f"{_increments_text(there)}{beside} cannot tell a growth curve: the simplest asked for needs {least}",
            remedy=f"Wait for {least - there} more, or take bounds(times, counts, closes) instead.",
        )
    notes = [
        f"{family} is left out: it needs {need} increments, there are {there}{beside}"
        for family, need in needs.items()
        if family not in known
    ]
    return known, notes


def _increments_text(increments: int) -> str:
    """So many increments, in words."""
    return f"{increments} increment" + ("" if increments == 1 else "s")


def _best_grid(observed: IntakeIncrements, families: Sequence[str]) -> ParameterGrid:
    """The family with the likeliest node, weighed as if there were no over-dispersion."""
    return max(
        (weigh_parameters(family, observed, 1.0) for family in families), key=lambda g: float(g.fits.max())
    )


def dispersions(chi_square: float, free: int) -> tuple[float, ...]:
    """Values of the over-dispersion, equally likely given Pearson's chi-square; none is below 1.

    A few increments hardly tell it: with three degrees of freedom the estimate is often half of the
    truth, and intervals that take it for the truth hold too rarely. Chi-square over phi follows its
    distribution; the prior is even on 1 / phi between 0 and 1, so 1, the value of independent claimants,
    is the likeliest value and none is excluded.
    """
    if free <= 0:
        return (1.0,)
    shape, scale = free / 2 + 1, 2 / max(chi_square, 1e-3)  # of the gamma distribution of 1 / phi, up to 1
    below = special.gammainc(shape, 1 / scale)
    values = PHI_VALUES if free < FREEDOM_FOR_ONE_PHI else 1
    middles = (np.arange(values) + 0.5) / values
    found = 1 / (scale * special.gammaincinv(shape, middles[::-1] * below)) if below > 0 else np.ones(values)
    return tuple(np.maximum(found, 1.0).tolist())


def _chi_square(observed: IntakeIncrements, grid: ParameterGrid) -> tuple[float, int]:
    """Pearson's, at the best node of a family, and its degrees of freedom."""
    at = [grid.best]
    p = filed_shares(grid.family, grid.shape[at], grid.median[at], observed.clock(observed.edges))[0]
    p, counts = p[observed.used], observed.counts[observed.used]
    counts, expected = pool_bands(counts, p / p.sum() * counts.sum(), MIN_EXPECTED)
    told_apart = DAYS_PER_WEEK - 1 if observed.clock.factors != EQUAL_WEEKDAYS else 0
    free = len(counts) - CURVES[grid.family].params - told_apart
    return float(((counts - expected) ** 2 / expected).sum()), free


def _weekday_clock(observed: IntakeIncrements, families: Sequence[str]) -> tuple[WeekdayClock, str]:
    """How busy each weekday is, by shrunken ratios, and a sentence about it.

    A weekday's ratio of observed to expected claims is believed as far as the ratios differ by more
    than the days of one weekday do among themselves (Buhlmann and Straub's credibility).
    """
    plain = observed.clock
    if not observed.is_daily:
        return plain, "no weekday factors: they need increments of one whole calendar day each"
    if observed.used.sum() < MIN_DAYS_FOR_WEEKDAYS:
        return plain, f"no weekday factors: they need {MIN_DAYS_FOR_WEEKDAYS} days"
    clock, family = plain, _best_grid(observed, families).family
    for _ in range(WEEKDAY_ROUNDS):
        seen = observed.with_clock(clock)
        grid = weigh_parameters(family, seen, 1.0)
        factors = _weekday_factors(
            seen, seen.used_total * grid.weight @ relative_to_observed(seen, grid, seen.edges)
        )
        settled = np.allclose(factors, clock.factors, atol=1e-3)
        clock = WeekdayClock(factors, plain.starts)
        if settled:
            break
    if clock.factors == EQUAL_WEEKDAYS:
        return clock, "weekdays do not differ by more than their days do among themselves"
    return clock, "weekday factors are taken as they stand: their own error is in no interval"


def _weekday_factors(observed: IntakeIncrements, expected: Array) -> tuple[float, ...]:
    """Factors, Monday first and 1 on average, from what is expected under those of the clock."""
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
