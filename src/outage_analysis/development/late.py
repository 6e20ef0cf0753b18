"""The law of the late count of one branch: families averaged, and its variance taken apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outage_analysis.development.curves import Grid
from outage_analysis.development.growth import Growth, over_seen
from outage_analysis.development.mixtures import Mixture, mixed, mixture
from outage_analysis.development.observed import Array
from outage_analysis.errors import UsageError, refuse_no_level


@dataclass(frozen=True)
class Branch:
    """One way that the intake may end.

    Args:
        id: what tables call it.
        closes: the closing time, in days since the opening; nothing is filed after it.
        spike: further claims on the last day, as a multiple of what the curve expects of that day.
    """

    id: str
    closes: float
    spike: float = 0.0


@dataclass(frozen=True)
class Variance:
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
class Late:
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
    laws: dict[str, Mixture]

    @property
    def law(self) -> Mixture:
        """The law of the late count, families averaged."""
        return mixed(list(self.laws.values()), list(self.weights.values()))

    @property
    def mean(self) -> float:
        """The expected late count."""
        return self.law.mean

    @property
    def expected(self) -> float | None:
        """The expected late count, if the counts tell one; see `told`."""
        return told(self.law)

    def quantile(self, p: float) -> int:
        """The least late count that is not exceeded with probability p."""
        refuse_no_level(p)
        return int(self.law.quantile(p))

    def interval(self, level: float) -> tuple[int, int]:
        """The central interval of the late count: as much probability below as above, at most."""
        refuse_no_level(level)
        low, high = self.law.quantile([(1 - level) / 2, (1 + level) / 2])
        return int(low), int(high)

    def total(self, level: float) -> tuple[int, int]:
        """The interval of all claims by then: those filed so far and those to come."""
        low, high = self.interval(level)
        return self.counted + low, self.counted + high

    @property
    def variance(self) -> Variance:
        """The variance of the late count, in its three parts."""
        weights = np.array(list(self.weights.values()))
        means = np.array([law.mean for law in self.laws.values()])
        within = float(weights @ [law.variance for law in self.laws.values()])
        process = self.law.process
        return Variance(process, within - process, float(weights @ (means - weights @ means) ** 2))

    def spread(self, level: float) -> dict[str, int]:
        """How far the families are apart: least and most of their medians and of their interval's ends."""
        asked = [0.5, (1 - level) / 2, (1 + level) / 2]
        points = np.array([law.quantile(asked) for law in self.laws.values()])
        least, most = points.min(0).astype(int).tolist(), points.max(0).astype(int).tolist()
        names = ("median", "low", "high")
        ends = zip(names, least, most, strict=True)
        return {f"{n}_{end}": x for n, low, high in ends for end, x in (("least", low), ("most", high))}


def told(law: Mixture) -> float | None:
    """The mean of a late count, or None if it lies beyond the 95 % quantile.

    Then a few curves at the ends of what is allowed make it, and not the counts.
    """
    return law.mean if law.mean <= law.quantile(0.95) else None


def late_count(growth: Growth, branch: Branch, at: float) -> Late:
    """The claims of a branch between the last count and a time, or the closing if that comes first.

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
    if not (np.isfinite(branch.spike) and branch.spike >= 0):
        raise UsageError("a spike is a multiple, 0 or more", value=branch.spike)
    observed = growth.observed
    base, weights = observed.of_curve + 1, growth.weights
    last = min(max(branch.closes - 1, until), by)  # from here on it is the last day

    def late(grid: Grid) -> Array:
        before, on_last = over_seen(observed, grid, np.array([until, last, by])).T
        return np.asarray(base * (before + on_last * (1 + branch.spike)))

    laws = {}
    for family, row, of in zip(growth.families, growth.grids, weights, strict=True):
        parts = [mixture(g.weight, late(g), phi, base) for g, phi in zip(row, growth.phis, strict=True)]
        share = np.maximum(of, 1e-300)  # a family without weight still has a law of its own
        laws[family] = mixed(parts, share / share.sum())
    shown = dict(zip(laws, weights.sum(-1).tolist(), strict=True))
    return Late(branch.id, by, observed.total, shown, laws)
