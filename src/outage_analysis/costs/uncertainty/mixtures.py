"""The unconditional law of a total: the mixture over draws of its law given the inputs.

Given the inputs a total is a sum of many small payments: its law is taken as the gamma law of the same
mean and variance, so no digit of the process comes from a random number. Where the inputs leave no
variance the total is that one value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from outage_analysis.assumptions.laws import FloatArray
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.special import special

FEWEST_BEYOND = 50
"""A quantile needs this many draws beyond it."""
SMOOTH_FROM = 300.0
"""Gamma laws of this shape and more are taken by Wilson and Hilferty's cube root: no quantile between
0.1 % and 99.9 % moves by more than 5e-5."""
NEVER = 34.0
"""Nothing is expected of an event of probability e^-34."""
NOTHING = 1e-100
"""A sum below this is none that anybody could pay."""
SLOPE = 10
"""Draws on either side of a quantile from which the slope of the law is taken."""
STEPS = 100
CLOSE = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A number from the draws and its numerical error (one standard error)."""

    value: float
    error: float


@dataclass(frozen=True, eq=False)
class Looked:
    """A sum at which a law was looked at, and the chance of more by replicate."""

    x: float
    more: FloatArray

    @cached_property
    def chance(self) -> float:
        """Of more."""
        return float(self.more.mean())

    def excess(self, p: float) -> float:
        """How much more likely more is than beyond the quantile of p."""
        return self.chance - (1 - p)

    def secant(self, other: Looked, p: float) -> float:
        """Where the straight line through both is at the quantile of p; where it is level, nowhere."""
        fallen = self.chance - other.chance
        return other.x + (other.x - self.x) * other.excess(p) / fallen if fallen else math.nan


@dataclass(frozen=True, eq=False)
class Mixture:
    """Law of a total: one gamma law a draw, all of the same weight.

    Args:
        mean: of the total given each draw, shape (replicates, draws).
        variance: of the total given each draw, same shape.

    Raises:
        ModelRefused: a mean or a variance that is no number, infinite or negative.
    """

    mean: FloatArray
    variance: FloatArray

    def __post_init__(self) -> None:
        """Refuse what is no law."""
        for moment in (self.mean, self.variance):
            if not (np.isfinite(moment) & (moment >= 0)).all():
                raise ModelRefused(
                    "some draws give a total that is no number, or infinite or negative",
                    remedy="Bound the laws of the ledger that reach so far.",
                )

    @cached_property
    def _scale(self) -> FloatArray:
        """Scale of each gamma law; zero where nothing varies."""
        return np.divide(self.variance, self.mean, out=np.zeros_like(self.mean), where=self.mean > NOTHING)

    @cached_property
    def _shape(self) -> FloatArray:
        """Shape of each gamma law; zero where nothing varies."""
        return np.divide(self.mean, self._scale, out=np.zeros_like(self.mean), where=self._scale > 0)

    @cached_property
    def _ends(self) -> tuple[FloatArray, FloatArray]:
        """What each total lies between but for a probability of e^-34; both the value where it is certain.

        A gamma law exceeds its mean by more than sqrt(2 t) standard deviations and t scales with
        probability e^-t at most, and falls short of it by more than sqrt(2 t) of them with less.
        """
        wide = math.sqrt(2 * NEVER)
        far = wide * np.sqrt(self._scale * self.mean)
        # One scale and one deviation of it more hold the law that is weighted by its size as well.
        high = self.mean + far + (NEVER + 1 + wide) * self._scale
        return np.maximum(self.mean - far, 0.0), high

    @cached_property
    def _sorted_ends(self) -> tuple[FloatArray, FloatArray]:
        low, high = self._ends
        return np.sort(low, axis=None), np.sort(high, axis=None)

    @cached_property
    def _sorted_means(self) -> FloatArray:
        return np.sort(self.mean, axis=None)

    @cached_property
    def _certain(self) -> bool:
        """Whether some draws leave nothing to chance, so that the law has steps."""
        return not self.variance.all()

    @property
    def draws(self) -> int:
        """How many draws it mixes."""
        return self.mean.size

    def above(self, x: float, *, extra: int = 0) -> FloatArray:
        """P(total > x) given each draw; with `extra` = 1, of the law weighted by its size."""
        low, high = self._ends
        result = (low > x).astype(float)
        between = np.flatnonzero((low <= x) & (x < high))  # few, and these alone take time
        shape, scaled = self._shape.take(between), x / self._scale.take(between)
        rough, smooth = np.flatnonzero(shape < SMOOTH_FROM), np.flatnonzero(shape >= SMOOTH_FROM)
        found = np.empty_like(shape)
        # The size-weighted law has one more in its shape and the same scale.
        found[rough] = special.gammaincc(shape[rough] + extra, scaled[rough])
        k, ratio = shape[smooth], scaled[smooth] / shape[smooth]
        found[smooth] = special.ndtr(3 * np.sqrt(k) * (1 - 1 / (9 * k) - np.cbrt(ratio)))
        if extra:  # which adds y^k e^-y / k!, here with Stirling's series
            away = ratio - 1 - np.log(ratio)
            found[smooth] += np.exp(-k * away - 1 / (12 * k)) / np.sqrt(2 * np.pi * k)
        result.put(between, found)
        return result

    def exceedance(self, x: float) -> Estimate:
        """P(total > x).

        Raises:
            UsageError: x is no number.
        """
        if math.isnan(x):
            raise UsageError("a total is a number", value=x)
        return self._estimate(self.above(x).mean(axis=1))

    def quantile(self, p: float) -> Estimate:
        """The smallest x with P(total <= x) >= p.

        Its error is that of the probability over the slope of the law.

        Raises:
            UsageError: p does not lie between 0 and 1, ends excluded.
            ModelRefused: too few draws lie beyond it.
        """
        looked = self._solve(p)
        doubt = self._estimate(looked[-1].more).error
        if self.parameter:  # what a replicate says of a probability goes in steps
            doubt = max(doubt, math.sqrt(len(self.mean) / 12) / self.draws)
        wide = max(doubt, SLOPE / self.draws)
        low, high = (min(max(q, CLOSE), 1 - CLOSE) for q in (p - wide, p + wide))
        below, beyond = (self._crossed(q, 0.01 * wide, looked)[-1].x for q in (low, high))
        return Estimate(looked[-1].x, doubt * (beyond - below) / (high - low))

    def tvar(self, p: float) -> Estimate:
        """The mean of the quantiles from p to 1; an atom at the quantile counts with what lies above p.

        Raises:
            UsageError: p does not lie between 0 and 1, ends excluded.
            ModelRefused: too few draws lie beyond it.
        """
        x = self._solve(p)[-1].x
        excess = (self.mean * self.above(x, extra=1) - x * self.above(x)).mean(axis=1) / (1 - p)
        found = self._estimate(excess)
        return Estimate(x + found.value, found.error)

    @cached_property
    def expected(self) -> Estimate:
        """The mean."""
        return self._estimate(self.mean.mean(axis=1))

    @cached_property
    def process(self) -> float:
        """The variance that is left when the inputs are known."""
        return float(self.variance.mean())

    @cached_property
    def parameter(self) -> float:
        """The variance that comes from the inputs."""
        return float(self.mean.var()) if np.ptp(self.mean) else 0.0

    def _estimate(self, by_replicate: FloatArray) -> Estimate:
        replicates = len(by_replicate)
        error = float(by_replicate.std(ddof=1)) / math.sqrt(replicates) if replicates > 1 else math.nan
        return Estimate(float(by_replicate.mean()), error)

    def _solve(self, p: float) -> tuple[Looked, ...]:
        """The last places where the quantile was looked for, itself the last, if the draws support it."""
        if not 0 < p < 1:
            raise UsageError(
                "a probability lies between 0 and 1, ends excluded", value=p, remedy="Write 99 % as 0.99."
            )
        if min(p, 1 - p) * self.draws < FEWEST_BEYOND and (self.parameter or self.process):
            needed = 2 ** math.ceil(math.log2(FEWEST_BEYOND / min(p, 1 - p)))
            raise ModelRefused(
                f"{self.draws:,} draws do not support the {100 * p:.6g} % quantile",
                remedy=f"Take --draws {needed} or more.",
            )
        if p not in self._solved:
            self._solved[p] = self._crossed(p, CLOSE)
        return self._solved[p]

    @cached_property
    def _solved(self) -> dict[float, tuple[Looked, ...]]:
        """By probability: several tables ask for the same quantile."""
        return {}

    def _crossed(self, p: float, close: float, near: tuple[Looked, ...] = ()) -> tuple[Looked, ...]:
        """Where P(total > x), which falls, has come down to 1 - p, or as close to it.

        The quantiles of the ends of the draws bracket it. Secants narrow that down, or halves (of the
        logarithm) where a secant leads astray.

        Args:
            p: the probability.
            close: how near to it will do.
            near: two places close by, if it was looked for there.

        Returns:
            The last one or two places that were looked at, the crossing last.
        """
        place = math.ceil(p * self.draws) - 1
        low, high = (float(end[place]) for end in self._sorted_ends)
        if self._certain and (first := self._look(low)).excess(p) <= 0:
            return (first,)
        before, last = near if len(near) > 1 else self._guessed(p, place)
        for looked in (before, last):
            low, high = (max(low, looked.x), high) if looked.excess(p) > 0 else (low, min(high, looked.x))
        astray = False
        for _ in range(STEPS):
            if high <= NOTHING:
                return (self._look(0.0),)
            if high - low <= CLOSE * high:
                break
            x = before.secant(last, p)
            if astray or not low < x < high:
                x = math.sqrt(max(low, NOTHING) * high)  # quantiles of few claims lie powers of ten apart
            before, last = last, self._look(x)
            found = last.excess(p)
            if abs(found) <= close:
                return before, last
            astray = abs(found) > abs(before.excess(p)) / 2
            low, high = (x, high) if found > 0 else (low, x)
        return before, self._look(high)

    def _guessed(self, p: float, place: int) -> tuple[Looked, Looked]:
        """The quantile of the means, and that which is further by as much as the first is short."""
        first = self._look(float(self._sorted_means[place]))
        short = first.excess(p)
        further = place + math.copysign(max(round(abs(short) * self.draws), SLOPE), short)
        return first, self._look(float(self._sorted_means[int(min(max(further, 0), self.draws - 1))]))

    def _look(self, x: float) -> Looked:
        return Looked(x, self.above(x).mean(axis=1))
