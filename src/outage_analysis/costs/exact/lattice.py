"""Payments as steps on a lattice, and the cumulant generating function of their total.

Let Y be the payment of a claim less a base payment, u(s) = E[exp(s Y)] - 1, and K(s) = log E[exp(s x total)].
K depends on the distribution of the count:
    Fixed(n): K = n log(1 + u)
    Poisson(mean m): K = m u
    NegativeBinomial: K = -r log(1 - beta u), where mean = r beta and dispersion = 1 + beta

So a `LogTerm` with weights w and payment steps d is either power x log(1 + S) or, for Poisson, S alone, where
S is the sum of w (exp(s d) - 1).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from outage_analysis.costs.exact.components import (
    Binomial,
    Component,
    Count,
    Fixed,
    NegativeBinomial,
    Number,
    exact_sum,
)
from outage_analysis.errors import ModelRefused

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
Whole = NDArray[np.int64]
MAX_STEPS = 2**60
"""The largest payment in lattice steps; a lattice of larger payments would be too long, anyway."""
NEGLIGIBLE_COUNT = 1e-100
"""Payments with a smaller expected number of claims are left out."""


SMALL_MODULUS = -0.5
"""If the squared modulus less 1 is below this value, the modulus is computed directly, to keep its digits."""


@dataclass(frozen=True, eq=False)
class LogTerm:
    """One term of the cumulant generating function, for one payment distribution.

    Args:
        power: the factor before the logarithm; None for the Poisson term, which has no logarithm.
        steps: the payments less the base payment, in units of the lattice, without 0; shape (a,).
        weights: the weight w of each step; shape (a,).
    """

    power: float | None
    steps: Whole
    weights: Array

    @property
    def claims(self) -> float:
        """The factor that turns the absolute value of a weight into an expected number of claims."""
        return 1.0 if self.power is None else abs(self.power)

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest possible total of the term, in steps."""
        if self.power is None or self.power < 0:
            return 0, math.inf
        return self.power * min(self.steps.min(), 0), self.power * max(self.steps.max(), 0)

    @property
    def variance(self) -> float:
        """The variance of the total of the term, in steps squared."""
        mean, square = (float((self.weights * self.steps.astype(float) ** k).sum()) for k in (1, 2))
        return float(square if self.power is None else self.power * (square - mean**2))

    def modulus(self, sums: Complex) -> Array:
        """Return the logarithm of the modulus of the characteristic function of the term.

        Args:
            sums: for each frequency x, the sum of w (exp(-i x d) - 1) over the steps d with weights w.
        """
        if self.power is None:
            return np.asarray(sums.real)
        squared = 2 * sums.real + sums.real**2 + sums.imag**2
        logs = np.log1p(np.maximum(squared, SMALL_MODULUS)) / 2
        small = squared < SMALL_MODULUS
        logs[small] = np.log(np.abs(1 + sums[small]))
        return np.asarray(self.power * logs)

    def angle(self, sums: Complex) -> Array:
        """Return the angle of the characteristic function of the term, not reduced modulo 2 pi."""
        if self.power is None:
            return np.asarray(sums.imag)
        return np.asarray(self.power * np.arctan2(sums.imag, 1 + sums.real))


@dataclass(frozen=True, eq=False)
class Lattice:
    """The possible totals: `base` plus `unit` times a whole number of steps.

    Args:
        unit: the distance between neighbouring totals, in the unit of the payments.
        base: the total at step 0.
        parts: the terms of the cumulant generating function; empty if the total is certain.
        split: the variance added by splitting payments over the lattice, in the payments' unit squared.
    """

    unit: int
    base: int
    parts: tuple[LogTerm, ...]
    split: float

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest possible total, in steps; the largest may be infinite."""
        lows, highs = zip(*(part.ends for part in self.parts), strict=True)
        return sum(lows), sum(highs)

    @cached_property
    def variance(self) -> float:
        """The variance of the total, in steps squared."""
        return sum(part.variance for part in self.parts)

    @cached_property
    def atoms(self) -> int:
        """The number of payment steps of all terms together."""
        return sum(len(part.steps) for part in self.parts)

    @cached_property
    def _flat(self) -> tuple[Array, Array, Whole, Array, Array]:
        """All terms as flat arrays: steps, weights; per term its start, power and whether it is Poisson."""
        steps, weights = (np.concatenate([getattr(p, n) for p in self.parts]) for n in ("steps", "weights"))
        starts = np.cumsum([0, *(len(p.steps) for p in self.parts[:-1])])
        powers = np.array([0.0 if p.power is None else p.power for p in self.parts])
        return steps.astype(float), weights, starts, powers, np.array([p.power is None for p in self.parts])

    def cumulants(self, t: float) -> float:
        """Return log E[exp(t x total)] for the total in lattice steps; it may be infinite."""
        steps, weights, starts, powers, poisson = self._flat
        with np.errstate(all="ignore"):
            above = np.add.reduceat(weights * np.expm1(t * steps), starts)
            logs = powers * np.log1p(np.maximum(above, -1.0))
        return float(np.where(poisson, above, logs).sum())


def build_lattice(pool: PooledComponents, unit: int | None) -> Lattice:
    """Build the lattice of the pooled components.

    Args:
        pool: the components.
        unit: the unit of the lattice; by default the greatest unit of which every payment is a multiple.

    Raises:
        ModelRefused: a payment is more than `MAX_STEPS` units from the base payment.
    """
    raw = list(_log_terms(pool))
    base = sum(n * _likeliest_payment(payments) for payments, n in pool.fixed.items())
    unit = unit or math.gcd(*(step for _, steps in raw for step in steps)) or 1
    parts = tuple(LogTerm(power, *_arrays(_split_over_lattice(steps, unit))) for power, steps in raw)
    split = 0.0
    for part, (_, steps) in zip(parts, raw, strict=True):
        split += part.claims * sum(abs(w) * (d % unit) * (unit - d % unit) for d, w in steps.items())
    return Lattice(unit, base, parts, split)


def _log_terms(pool: PooledComponents) -> Iterator[tuple[float | None, dict[int, float]]]:
    """Yield, for each term, its power and the weight of each payment step."""
    terms: list[tuple[float | None, dict[int, float]]] = [(None, pool.poisson)]
    for payments, n in pool.fixed.items():
        likely = _likeliest_payment(payments)
        terms.append((float(n), {x - likely: float(p) for x, p in payments}))
    for (payments, dispersion), mean in pool.clustered.items():
        beta = dispersion - 1
        terms.append((-mean / beta, {x: -beta * float(p) for x, p in payments}))
    for power, weights in terms:
        claims = 1.0 if power is None else abs(power)
        steps = {d: w for d, w in weights.items() if d and claims * abs(w) > NEGLIGIBLE_COUNT}
        if steps:
            yield power, steps


def _likeliest_payment(payments: PaymentDistribution) -> int:
    """Return the most probable payment, the base of the lattice.

    With this base payment no other payment has a weight near 1, so no digits cancel in the logarithm.
    """
    return max(payments, key=lambda atom: (atom[1], -atom[0]))[0]


def _split_over_lattice(steps: Mapping[int, float], unit: int) -> dict[int, float]:
    """Split each weight over the two lattice points next to its step, so that the mean stays the same."""
    split: dict[int, float] = {}
    for step, weight in steps.items():
        at, rest = divmod(step, unit)
        for point, share in ((at, (unit - rest) / unit), (at + 1, rest / unit)):
            if point and share:
                split[point] = split.get(point, 0.0) + weight * share
    return split


def _arrays(steps: Mapping[int, float]) -> tuple[Whole, Array]:
    if any(abs(step) > MAX_STEPS for step in steps):
        raise ModelRefused(
            "a payment is too many units above the others", remedy="Give a coarser unit to the payments."
        )
    return np.array(list(steps), np.int64), np.array(list(steps.values()))


OUTSIDE_PROBABILITY = 1e-15
"""An upper bound of the probability beyond each end of a window."""
_MINUS_LOG_OUTSIDE = -math.log(OUTSIDE_PROBABILITY)
_LARGEST_EXPONENT = 700.0
"""The largest t of the search; a larger t would make exp(t x step) overflow."""


def probability_window(lattice: Lattice) -> tuple[int, int]:
    """Return the first and the last step of a window that holds almost all of the probability.

    Beyond each end the probability is at most `OUTSIDE_PROBABILITY`; the window never exceeds the support.
    This follows from Chernoff's bound: P(X >= x) <= exp(K(t) - t x) for every t > 0, with K(t) = log E[exp(t
    X)]. So at most `OUTSIDE_PROBABILITY` lies above (K(t) - log OUTSIDE_PROBABILITY) / t. Every t gives a
    valid bound. The search for the smallest bound starts near the best t for a normal distribution and moves
    to smaller t, which is better if a rare payment is large. The lower end of the window uses -t.
    """
    low, high = lattice.ends
    start = min(4 * math.sqrt(2 * _MINUS_LOG_OUTSIDE / lattice.variance), _LARGEST_EXPONENT)
    above = _smallest_bound(lattice.cumulants, start)
    below = _smallest_bound(lambda t: lattice.cumulants(-t), start)
    return int(max(low, math.floor(-below) - 1)), int(min(high, math.ceil(above) + 1))


def _smallest_bound(cumulants: Callable[[float], float], start: float) -> float:
    """Return the smallest Chernoff bound as t decreases; K is convex, so there is only one minimum."""
    smallest, t = math.inf, start
    while (bound := (cumulants(t) + _MINUS_LOG_OUTSIDE) / t) <= smallest:
        smallest, t = bound, t / 1.25
    return smallest


PaymentDistribution = tuple[tuple[int, Number], ...]
"""Pairs of a payment and its probability, sorted by payment; every probability is above 0."""


@dataclass(frozen=True)
class PooledComponents:
    """All components, merged into as few distributions as possible.

    Args:
        fixed: the number of claims by payment distribution. A binomial count becomes a fixed count whose
            payment distribution includes the refusals as payments of 0.
        poisson: the expected number of claims by payment, over all Poisson counts.
        clustered: the expected number of claims by payment distribution and dispersion, for negative binomial
            counts.
        mean, variance: the mean and the variance of the total, in closed form.
        rational: whether every number is an int or a Fraction; otherwise every probability is a float.
    """

    fixed: dict[PaymentDistribution, int]
    poisson: dict[int, float]
    clustered: dict[tuple[PaymentDistribution, float], float]
    mean: Number
    variance: Number
    rational: bool


def pool_components(components: Sequence[Component]) -> PooledComponents:
    """Merge components with the same distributions, so that fewer distributions have to be computed."""
    rational = all(c.rational for c in components)
    distributions = [(c.count, _payment_distribution(c, rational=rational)) for c in components]
    distributions.sort(
        key=lambda distribution: (type(distribution[0]).__name__, distribution[0].moments, distribution[1])
    )
    fixed: dict[PaymentDistribution, int] = defaultdict(int)
    poisson: dict[int, float] = defaultdict(float)
    clustered: dict[tuple[PaymentDistribution, float], float] = defaultdict(float)
    for count, distribution in distributions:
        claims = float(count.moments[0])
        if isinstance(count, Fixed | Binomial):
            fixed[_with_refusals(distribution, count)] += count.n
        elif isinstance(count, NegativeBinomial) and float(count.dispersion) > 1:
            clustered[distribution, float(count.dispersion)] += claims
        else:
            for payment, probability in distribution:
                poisson[payment] += claims * float(probability)
    moments = [_moments(count, distribution) for count, distribution in distributions]
    mean, variance = (exact_sum(m[i] for m in moments) for i in (0, 1))
    return PooledComponents(fixed, poisson, clustered, mean, variance, rational)


def _payment_distribution(component: Component, *, rational: bool) -> PaymentDistribution:
    """Return the payment distribution of a component, with equal payments merged."""
    merged: dict[int, Number] = defaultdict(int)
    for payment, probability in sorted(zip(component.payments, component.probabilities, strict=True)):
        if probability:
            merged[payment] += probability
    if rational:
        return tuple(merged.items())
    total = float(exact_sum(merged.values()))
    return tuple((payment, float(p) / total) for payment, p in merged.items())


def _with_refusals(distribution: PaymentDistribution, count: Fixed | Binomial) -> PaymentDistribution:
    """Add a payment of 0 for the claims of a binomial count that are refused."""
    if isinstance(count, Fixed):
        return distribution
    refused = 1 - count.p
    paid = {payment: probability * count.p for payment, probability in distribution}
    paid[0] = paid.get(0, 0) + refused
    return tuple(sorted((payment, p) for payment, p in paid.items() if p))


def _moments(count: Count, distribution: PaymentDistribution) -> tuple[Number, Number]:
    """Return the mean and the variance of the total payment of a component."""
    claims, spread = count.moments
    mean = exact_sum(payment * p for payment, p in distribution)
    variance = exact_sum((payment - mean) ** 2 * p for payment, p in distribution)
    return claims * mean, claims * variance + spread * mean**2
