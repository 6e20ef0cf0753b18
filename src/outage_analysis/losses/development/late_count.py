"""The law of the late count of one branch: families averaged, and its variance taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from outage_analysis.errors import ModelRefused, UsageError, refuse_no_level
from outage_analysis.losses.development.curve_weights import WeightedCurves, relative_to_observed
from outage_analysis.losses.development.growth_curves import ParameterGrid
from outage_analysis.losses.development.observed_counts import Array

MAX_CURVE_DEVIATION = 0.25
"""Standard deviation of the expected late count between curves, over its mean, at most. With a relative
deviation s the mean of a forecast is about s^2 too high on average."""
MIN_CLAIMS = 2_500
"""Claims that describe the curve at least. With 300 or 1,000, nine in ten sets of counts are refused, and the
others seem to determine the curve by accident: their intervals contain the truth too rarely."""
MIN_FAMILY_WEIGHT, MAX_FAMILY_DIFFERENCE = 0.05, 0.3
"""Families that hold at least the first share of the weight may differ in their mean late counts by the
second share of the smallest at most: one of them may be true, and the average would then be biased."""


@dataclass(frozen=True)
class Branch:
    """One way that the intake may end.

    Args:
        id: what tables call it.
        closes: the closing time, in days since the opening; nothing is filed after it.
        spike: further claims on the last day, as a multiple of what the curve expects of that day: 0 for
            no rush. Counts cannot show a rush before it comes, so None (not stated) allows a forecast up
            to the last day, and none of that day.
    """

    id: str
    closes: float
    spike: float | None = None


@dataclass(frozen=True)
class LateCountVariance:
    """Where the variance of a late count comes from; the parts add up to the total.

    Args:
        process: chance, if the curve and its level were known.
        parameter: the level and the curve's parameters, within families.
        model: which family it is: the variance between the families' means.
    """

    process: float
    parameter: float
    model: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.process + self.parameter + self.model


@dataclass(frozen=True)
class LateCount:
    """The claims of one branch that are still to come by one time.

    Args:
        branch: the branch's id.
        by: the time up to which they are counted.
        counted: the claims filed so far.
        weights: of the families, by name, adding up to 1.
        laws: the law of the late count under each family.
    """

    branch: str
    by: float
    counted: int
    weights: dict[str, float]
    family_distributions: dict[str, LateCountMixture]

    @property
    def distribution(self) -> LateCountMixture:
        """The law of the late count, families averaged."""
        return combine_mixtures(list(self.family_distributions.values()), list(self.weights.values()))

    @property
    def mean(self) -> float:
        """The expected late count."""
        return self.distribution.mean

    def quantile(self, p: float) -> int:
        """The least late count that is not exceeded with probability p."""
        refuse_no_level(p)
        return int(self.distribution.quantile(p))

    def interval(self, level: float) -> tuple[int, int]:
        """The central interval of the late count: as much probability below as above, at most."""
        refuse_no_level(level)
        low, high = self.distribution.quantile([(1 - level) / 2, (1 + level) / 2])
        return int(low), int(high)

    def total(self, level: float) -> tuple[int, int]:
        """The interval of all claims by then: those filed so far and those to come."""
        low, high = self.interval(level)
        return self.counted + low, self.counted + high

    @property
    def variance(self) -> LateCountVariance:
        """The variance of the late count, in its three parts."""
        weights = np.array(list(self.weights.values()))
        means = np.array([law.mean for law in self.family_distributions.values()])
        within = float(weights @ [law.variance for law in self.family_distributions.values()])
        process = self.distribution.process
        return LateCountVariance(process, within - process, float(weights @ (means - weights @ means) ** 2))

    def spread(self, level: float) -> dict[str, int]:
        """How far the families are apart: least and most of their medians and of their interval's ends."""
        asked = [0.5, (1 - level) / 2, (1 + level) / 2]
        points = np.array([law.quantile(asked) for law in self.family_distributions.values()])
        least, most = points.min(0).astype(int).tolist(), points.max(0).astype(int).tolist()
        names = ("median", "low", "high")
        ends = zip(names, least, most, strict=True)
        return {f"{n}_{end}": x for n, low, high in ends for end, x in (("least", low), ("most", high))}


def supported_late_count(growth: WeightedCurves, branch: Branch, at: float) -> LateCount:
    """The late count of a branch, if the counts so far and the branch determine it.

    Where curves that fit the counts about equally well expect very different late counts, a forecast
    would show the prior and not the data. Where chance alone scatters the late count more than the choice
    of the curve does, that choice hardly matters and there is nothing to refuse.

    Raises:
        ModelRefused: the late count differs too much between curves, or it includes the last day and the
            branch does not state its spike.
        UsageError: a time, a closing or a spike that cannot be.
    """
    late = late_count(growth, branch, at)
    law = late.distribution
    observed = growth.observed
    chance = float(np.sqrt(law.process))
    between = float(np.sqrt(law.weights @ (law.means - law.mean) ** 2))
    means = [
        late.family_distributions[family].mean
        for family, weight in late.weights.items()
        if weight >= MIN_FAMILY_WEIGHT
    ]
    apart = max(means) - min(means)
    if between > max(MAX_CURVE_DEVIATION * law.mean, chance) or apart > max(
        MAX_FAMILY_DIFFERENCE * min(means), chance
    ):
        raise ModelRefused(
            f"the counts do not determine the late claims of {branch.id}: growth curves that fit them expect "
            f"{min(means):,.0f} to {max(means):,.0f} by family, with a standard deviation of {between:,.0f} "
            "between curves",
            remedy="Wait for more counts, ask for an earlier day, or use the bounds.",
        )
    steady = growth.at_constant_rate(_last_stretches(growth, branch, late.by)) @ [
        1,
        1 + (branch.spike or 0.0),
    ]
    if growth.fits_constant_rate and abs(steady - law.mean) > chance:
        raise ModelRefused(
            f"the counts do not show whether the intake slows down: at a constant rate {steady:,.0f} late "
            f"claims of {branch.id} would come, by growth curves {law.mean:,.0f}",
            remedy="Wait for more counts, ask for an earlier day, or use the bounds.",
        )
    if observed.used_total < MIN_CLAIMS and late.by > observed.until:
        raise ModelRefused(
            f"{observed.used_total:,} claims are too few to forecast the late claims of {branch.id}: it takes "
            f"{MIN_CLAIMS:,}",
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


def _last_stretches(growth: WeightedCurves, branch: Branch, by: float) -> Array:
    """The last count, the beginning of the branch's last day, and the time asked for, in order."""
    until = growth.observed.until
    return np.array([until, min(max(branch.closes - 1, until), by), by])


def late_count(growth: WeightedCurves, branch: Branch, at: float) -> LateCount:
    """The claims of a branch between the last count and a time, or the closing if that comes first.

    A spike that is not stated counts as none.

    Raises:
        UsageError: a time, a closing or a spike that cannot be.
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

    laws = {}
    for family, row, of in zip(growth.families, growth.grids, weights, strict=True):
        parts = [merge_nodes(g.weight, late(g), phi, base) for g, phi in zip(row, growth.phis, strict=True)]
        share = np.maximum(of, 1e-300)  # a family without weight still has a law of its own
        laws[family] = combine_mixtures(parts, share / share.sum())
    shown = dict(zip(laws, weights.sum(-1).tolist(), strict=True))
    return LateCount(branch.id, by, observed.total, shown, laws)


MAX_PARTS = 48
"""Laws that the nodes of one grid become at most: those that expect nearly the same late count are one."""


@dataclass(frozen=True)
class LateCountMixture:
    """Late counts, given what each node expects.

    Args:
        weights: of the nodes, (n,), adding up to 1.
        means: the late count that each expects, (n,).
        phis: the over-dispersion of each, (n,): the variance of a count over its mean.
        base: the observed count plus one.

    Given a node with mean m the variance is phi x m + phi x m^2 / base: that of the count, and that of
    the level, which is known from the observed count only.
    """

    weights: Array
    means: Array
    phis: Array
    base: float

    @property
    def mean(self) -> float:
        """The expected late count."""
        return float(self.weights @ self.means)

    @property
    def process(self) -> float:
        """The variance of a count whose mean is known, averaged over the nodes."""
        return float(self.weights @ (self.phis * self.means))

    @property
    def variance(self) -> float:
        """All of the variance: of the count, of its level, of the nodes."""
        level = float(self.weights @ (self.phis * self.means**2)) / self.base
        return self.process + level + float(self.weights @ (self.means - self.mean) ** 2)

    def cdf(self, counts: object) -> Array:
        """The probability of at most so many, (...) -> (...)."""
        x = np.floor(np.asarray(counts, float))[..., None]
        with np.errstate(all="ignore"):
            over = self.phis - 1 + self.phis * self.means / self.base
            below = special.betainc(self.means / over, x + 1, 1 / (1 + over))
        below = np.where(self.means > 0, below, 1.0)
        return np.asarray(np.where(x < 0, 0.0, below) @ self.weights)

    def quantile(self, p: object) -> Array:
        """The least counts that are not exceeded with probability p, (...) -> (...), whole."""
        p = np.asarray(p, float)
        low, high = np.full(p.shape, -1.0), np.full(p.shape, np.ceil(self.mean) + 1)
        while (short := self.cdf(high) < p).any():
            low, high = np.where(short, high, low), np.where(short, 2 * high, high)
        while (high - low > 1).any():
            middle = np.floor((low + high) / 2)
            enough = self.cdf(middle) >= p
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return high


def merge_nodes(
    weights: Array, means: Array, phi: float, base: float, *, parts: int = MAX_PARTS
) -> LateCountMixture:
    """A mixture of at most `parts` laws with the same mean: neighbours by their means are joined."""
    order = np.argsort(means, kind="stable")
    weights, means = weights[order], means[order]
    if len(means) > parts:
        # Parts of equal weight in the middle, of equal width on the logarithm towards the ends.
        heavy = np.cumsum(weights) - weights / 2
        far = np.log(np.maximum(means, max(means[-1] * 1e-12, 1e-300)))
        wide = (far - far[0]) / max(far[-1] - far[0], 1e-300)
        groups = np.floor((heavy + wide) / 2 * parts * (1 - 1e-12)).astype(int)
        there = np.unique(groups)
        joined = np.bincount(groups, weights * means)[there]
        weights = np.bincount(groups, weights)[there].astype(float)
        means = np.asarray(joined / weights)
    return LateCountMixture(weights / weights.sum(), means, np.full(len(means), phi), base)


def combine_mixtures(laws: Sequence[LateCountMixture], weights: Sequence[float]) -> LateCountMixture:
    """A mixture of mixtures whose level is known from the same count."""
    return LateCountMixture(
        np.concatenate([w * law.weights for w, law in zip(weights, laws, strict=True)]),
        np.concatenate([law.means for law in laws]),
        np.concatenate([law.phis for law in laws]),
        laws[0].base,
    )
