"""The distribution of the number of late claims, averaged over curve families, and its variance by source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from outage_analysis.errors import ModelRefused, UsageError, check_level
from outage_analysis.losses.development.curve_weights import WeightedCurves, relative_to_observed
from outage_analysis.losses.development.growth_curves import ParameterGrid
from outage_analysis.losses.development.observed_counts import Array
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


@dataclass(frozen=True)
class LateCountVariance:
    """The variance of the number of late claims, split by source. The parts add up to the total.

    Args:
        process: the variance from chance alone, as if the curve and its level were known.
        parameter: the variance from the unknown level and curve parameters, within families.
        model: the variance from the unknown curve family: the variance of the families' means.
    """

    process: float
    parameter: float
    model: float

    @property
    def total(self) -> float:
        """The total variance of the number of late claims."""
        return self.process + self.parameter + self.model


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
    def variance(self) -> LateCountVariance:
        """The variance of the number of late claims, split into three sources."""
        weights = np.array(list(self.weights.values()))
        means = np.array([distribution.mean for distribution in self.family_distributions.values()])
        within = float(
            weights @ [distribution.variance for distribution in self.family_distributions.values()]
        )
        process = self.distribution.process
        return LateCountVariance(process, within - process, float(weights @ (means - weights @ means) ** 2))

    def spread(self, level: float) -> dict[str, int]:
        """How curve families differ: the smallest and largest of their medians and of their interval ends.

        Returns:
            The smallest and largest median (`median_least`, `median_most`), lower end (`low_least`,
            `low_most`) and upper end (`high_least`, `high_most`) of the intervals of the families.
        """
        probabilities = [0.5, (1 - level) / 2, (1 + level) / 2]
        points = np.array(
            [distribution.quantile(probabilities) for distribution in self.family_distributions.values()]
        )
        least, most = points.min(0).astype(int).tolist(), points.max(0).astype(int).tolist()
        names = ("median", "low", "high")
        ends = zip(names, least, most, strict=True)
        return {f"{n}_{end}": x for n, low, high in ends for end, x in (("least", low), ("most", high))}


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
