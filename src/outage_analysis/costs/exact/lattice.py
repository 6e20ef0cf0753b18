"""Payments as steps of one lattice, and the cumulants of their total.

With E[exp(s Y)] - 1 = u(s) for what one claim is paid above a payment that is chosen to be likely, the
total of a count has the logarithm

    Fixed(n)            n log(1 + u)
    Poisson(m)          m u
    negative binomial   -r log(1 - beta u),   mean = r beta, dispersion = 1 + beta

so that two forms do: power x log(1 + sum of w (exp(s d) - 1)), and without the logarithm for Poisson.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from outage_analysis.costs.exact.pooling import PaymentDistribution, PooledComponents
from outage_analysis.errors import ModelRefused

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
Whole = NDArray[np.int64]
MAX_STEPS = 2**60
"""Steps of one payment: more of them would not fit the lattice anyway."""
NEGLIGIBLE_COUNT = 1e-100
"""Payments that are expected less often are left out."""


SMALL_MODULUS = -0.5
"""Of a squared modulus less 1: where it is small a square would lose half of its digits."""


@dataclass(frozen=True, eq=False)
class LogTerm:
    """One term of the logarithm.

    Args:
        power: what the logarithm is multiplied by; None for the Poisson term, which has none.
        steps: what a claim is paid above `base`, in units, none of them 0, (a,).
        weights: w of each, (a,).
    """

    power: float | None
    steps: Whole
    weights: Array

    @property
    def claims(self) -> float:
        """What a weight is multiplied by for the expected number of its payments, but for a sign."""
        return 1.0 if self.power is None else abs(self.power)

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the support, in steps."""
        if self.power is None or self.power < 0:
            return 0, math.inf
        return self.power * min(self.steps.min(), 0), self.power * max(self.steps.max(), 0)

    @property
    def variance(self) -> float:
        """Of what its claims are paid, in steps squared."""
        mean, square = (float((self.weights * self.steps.astype(float) ** k).sum()) for k in (1, 2))
        return float(square if self.power is None else self.power * (square - mean**2))

    def modulus(self, sums: Complex) -> Array:
        """The logarithm of the modulus of the term's exponential, from the sums of w (exp(-i x d) - 1)."""
        if self.power is None:
            return np.asarray(sums.real)
        squared = 2 * sums.real + sums.real**2 + sums.imag**2
        logs = np.log1p(np.maximum(squared, SMALL_MODULUS)) / 2
        small = squared < SMALL_MODULUS
        logs[small] = np.log(np.abs(1 + sums[small]))
        return np.asarray(self.power * logs)

    def angle(self, sums: Complex) -> Array:
        """The angle of the same, never reduced."""
        if self.power is None:
            return np.asarray(sums.imag)
        return np.asarray(self.power * np.arctan2(sums.imag, 1 + sums.real))


@dataclass(frozen=True, eq=False)
class Lattice:
    """The total as `base` plus `unit` times a whole number of steps.

    Args:
        unit: of the payments' unit.
        base: what is paid at step 0.
        parts: the terms of the logarithm; none when nothing is uncertain.
        split: the variance that splitting payments has added, in the payments' unit squared.
    """

    unit: int
    base: int
    parts: tuple[LogTerm, ...]
    split: float

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The ends of the support, in steps; the upper one may be infinite."""
        lows, highs = zip(*(part.ends for part in self.parts), strict=True)
        return sum(lows), sum(highs)

    @cached_property
    def variance(self) -> float:
        """Of the total, in steps squared."""
        return sum(part.variance for part in self.parts)

    @cached_property
    def atoms(self) -> int:
        """Payments over all parts."""
        return sum(len(part.steps) for part in self.parts)

    @cached_property
    def _flat(self) -> tuple[Array, Array, Whole, Array, Array]:
        """All parts end to end: steps, weights, where each starts, its power, whether it is Poisson."""
        steps, weights = (np.concatenate([getattr(p, n) for p in self.parts]) for n in ("steps", "weights"))
        starts = np.cumsum([0, *(len(p.steps) for p in self.parts[:-1])])
        powers = np.array([0.0 if p.power is None else p.power for p in self.parts])
        return steps.astype(float), weights, starts, powers, np.array([p.power is None for p in self.parts])

    def cumulants(self, t: float) -> float:
        """The logarithm of E[exp(t x steps)]; infinite where there is no such mean."""
        steps, weights, starts, powers, poisson = self._flat
        with np.errstate(all="ignore"):
            above = np.add.reduceat(weights * np.expm1(t * steps), starts)
            logs = powers * np.log1p(np.maximum(above, -1.0))
        return float(np.where(poisson, above, logs).sum())


def build_lattice(pool: PooledComponents, unit: int | None) -> Lattice:
    """The lattice of a pool.

    Args:
        pool: the components.
        unit: of the lattice; without one, the greatest that holds every payment.

    Raises:
        ModelRefused: a payment is too many units away.
    """
    raw = list(_log_terms(pool))
    base = sum(n * _likeliest_payment(law) for law, n in pool.fixed.items())
    unit = unit or math.gcd(*(step for _, steps in raw for step in steps)) or 1
    parts = tuple(LogTerm(power, *_arrays(_split_over_lattice(steps, unit))) for power, steps in raw)
    split = 0.0
    for part, (_, steps) in zip(parts, raw, strict=True):
        split += part.claims * sum(abs(w) * (d % unit) * (unit - d % unit) for d, w in steps.items())
    return Lattice(unit, base, parts, split)


def _log_terms(pool: PooledComponents) -> Iterator[tuple[float | None, dict[int, float]]]:
    """Powers, with the weights of what is paid above the base."""
    terms: list[tuple[float | None, dict[int, float]]] = [(None, pool.poisson)]
    for law, n in pool.fixed.items():
        likely = _likeliest_payment(law)
        terms.append((float(n), {x - likely: float(p) for x, p in law}))
    for (law, dispersion), mean in pool.clustered.items():
        beta = dispersion - 1
        terms.append((-mean / beta, {x: -beta * float(p) for x, p in law}))
    for power, weights in terms:
        claims = 1.0 if power is None else abs(power)
        steps = {d: w for d, w in weights.items() if d and claims * abs(w) > NEGLIGIBLE_COUNT}
        if steps:
            yield power, steps


def _likeliest_payment(law: PaymentDistribution) -> int:
    """The likeliest payment: with it as the base no weight is near 1, and nothing cancels."""
    return max(law, key=lambda atom: (atom[1], -atom[0]))[0]


def _split_over_lattice(steps: Mapping[int, float], unit: int) -> dict[int, float]:
    """Each payment on the two points beside it, so that its mean is kept."""
    found: dict[int, float] = {}
    for step, weight in steps.items():
        at, rest = divmod(step, unit)
        for point, share in ((at, (unit - rest) / unit), (at + 1, rest / unit)):
            if point and share:
                found[point] = found.get(point, 0.0) + weight * share
    return found


def _arrays(steps: Mapping[int, float]) -> tuple[Whole, Array]:
    if any(abs(step) > MAX_STEPS for step in steps):
        raise ModelRefused(
            "a payment is too many units above the others", remedy="Give a coarser unit to the payments."
        )
    return np.array(list(steps), np.int64), np.array(list(steps.values()))


OUTSIDE_PROBABILITY = 1e-15
"""Probability beyond each end of a window, at most."""
_MINUS_LOG_OUTSIDE = -math.log(OUTSIDE_PROBABILITY)
_LARGEST_EXPONENT = 700.0
"""A greater t would only overflow: steps are whole."""


def probability_window(lattice: Lattice) -> tuple[int, int]:
    """First and last step; beyond each lies at most `OUTSIDE_PROBABILITY`, proved, and nothing beyond the support.

    Chernoff's bound: P(X >= x) <= exp(K(t) - t x) for every t > 0, K being log E[exp(t X)], so that no
    more than `OUTSIDE_PROBABILITY` lies above (K(t) - log OUTSIDE) / t. Any t proves it; the least such point is
    near that of the normal law, or at a smaller t when a rare payment is large. Below, with -t.
    """
    low, high = lattice.ends
    start = min(4 * math.sqrt(2 * _MINUS_LOG_OUTSIDE / lattice.variance), _LARGEST_EXPONENT)
    above = _smallest_bound(lattice.cumulants, start)
    below = _smallest_bound(lambda t: lattice.cumulants(-t), start)
    return int(max(low, math.floor(-below) - 1)), int(min(high, math.ceil(above) + 1))


def _smallest_bound(cumulants: Callable[[float], float], start: float) -> float:
    """The least of (K(t) - log OUTSIDE) / t as t falls: it has one minimum, K being convex."""
    found, t = math.inf, start
    while (reach := (cumulants(t) + _MINUS_LOG_OUTSIDE) / t) <= found:
        found, t = reach, t / 1.25
    return found
