"""Payments as steps on a lattice, and the cumulant generating function of their total.

Let Y be the payment of a claim less a base payment, u(s) = E[exp(s Y)] - 1, and K(s) = log E[exp(s x total)].
K depends on the distribution of the count:
    Fixed(n): K = n log(1 + u)
    Poisson(mean m): K = m u
    NegativeBinomial: K = -r log(1 - beta u), where mean = r beta and dispersion = 1 + beta
    Empirical: K = log(sum of p_n (1 + u)^n) = log(1 + u x sum over j >= 0 of P(count > j) (1 + u)^j)

So a `LogTerm` with weights w and payment steps d is power x log(1 + V) or, for Poisson, V alone, where S is
the sum of w (exp(s d) - 1), and V = S except for an empirical count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from outage_analysis.costs.exact.pooling import PaymentDistribution, PooledComponents
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
        counts: for an empirical count, the probabilities of 0, 1, ... claims; shape (n + 1,). Other counts
            have the probabilities 0 and 1, which make V equal to S.
    """

    power: float | None
    steps: Whole
    weights: Array
    counts: Array = field(default_factory=lambda: np.array([0.0, 1.0]))

    @property
    def compounds(self) -> bool:
        """Whether V differs from S (both defined in the module docstring), as for an empirical count."""
        return bool(self.counts.tolist() != [0.0, 1.0])

    @cached_property
    def survival(self) -> Array:
        """The probabilities of more than 0, 1, ... claims; shape (n,). The sums are exact before rounding."""
        sums = accumulate(Fraction(p) for p in self.counts[:0:-1].tolist())
        return np.array([float(x) for x in sums])[::-1]

    @property
    def claims(self) -> float:
        """The factor that turns the absolute value of a weight into an expected number of claims."""
        return 1.0 if self.power is None else abs(self.power) * float(self.survival.sum())

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest possible total of the term, in steps."""
        if self.power is None or self.power < 0:
            return 0, math.inf
        most = self.power * len(self.survival)
        return most * min(self.steps.min(), 0), most * max(self.steps.max(), 0)

    @property
    def variance(self) -> float:
        """The variance of the total of the term, in steps squared."""
        mean, square = (float((self.weights * self.steps.astype(float) ** k).sum()) for k in (1, 2))
        if self.power is None:
            return square
        claims = float(self.survival.sum())
        claims_squared = float((self.survival * (2 * np.arange(len(self.survival)) + 1)).sum())
        return self.power * (claims * square + (claims_squared - claims - claims**2) * mean**2)

    def count_cumulant(self, u: float) -> float:
        """Return log(1 + V) for a real S = u >= -1 (see the module docstring); it may be infinite.

        Where 1 + V is small, the rounding error of u is added to 1 + u. The result is then an upper bound, as
        Chernoff's bound requires.
        """
        claims = np.arange(len(self.counts))
        value = u * float((self.survival * (1 + u) ** claims[:-1]).sum())
        if value > SMALL_MODULUS:
            return math.log1p(value) if value < math.inf else math.inf
        rounding = (len(self.steps) + 4) * 2.0**-52
        logs = np.log(self.counts) + claims * math.log(max(1 + u, 0.0) + rounding)
        return float(logs.max() + np.log(np.exp(logs - logs.max()).sum()))

    def compound(self, sums: Complex) -> Complex:
        """Return V for each sum S (both defined in the module docstring); both arrays have the shape (k,).

        Horner's rule runs over blocks of about sqrt(n) coefficients. Its rounding error then grows with
        sqrt(n) instead of n.
        """
        if not self.compounds:
            return sums
        blocks = self._blocks
        width, angle = blocks.shape[1], np.arctan2(sums.imag, 1 + sums.real)
        leap = np.exp(width * _log_modulus(sums)) * np.exp(1j * width * angle)  # (1 + S)^width
        result = np.zeros_like(sums)
        for block in blocks[::-1]:
            inner = np.zeros_like(sums)
            for coefficient in block[::-1]:
                inner *= 1 + sums
                inner += coefficient
            result *= leap
            result += inner
        return result * sums

    @property
    def _blocks(self) -> Array:
        """The n survival probabilities, filled up with zeros, in rows of about sqrt(n) values."""
        width = math.isqrt(len(self.survival) - 1) + 1
        rows = -(-len(self.survival) // width)
        return np.pad(self.survival, (0, rows * width - len(self.survival))).reshape(rows, width)

    def compound_error(self, sums: Complex) -> Array:
        """Return a bound on the rounding error of `compound` for exact sums, in units of 2^-53, (k,).

        As |1 + S| <= 1, each product P(count > j) (1 + S)^j is at most P(count > j). It passes through at
        most `width` inner and `rows` outer steps, with an error of at most 5 and 8 units per step. The power
        (1 + S)^j adds 3 j times the angle of 1 + S, and at most 2 for the modulus. An error of 4 |S| in S
        itself is included.
        """
        if not self.compounds:
            return np.zeros(len(sums))
        rows, width = self._blocks.shape
        steady = (5 * width + 8 * rows + 10) * float(self.survival.sum())
        turning = 3 * float((self.survival * np.arange(len(self.survival))).sum())
        return np.asarray(np.abs(sums) * (steady + turning * np.abs(np.arctan2(sums.imag, 1 + sums.real))))

    def modulus(self, sums: Complex) -> Array:
        """Return the logarithm of the modulus of the characteristic function of the term.

        Args:
            sums: V for each frequency x, from the sums of w (exp(-i x d) - 1) over the steps d.
        """
        if self.power is None:
            return np.asarray(sums.real)
        return np.asarray(self.power * _log_modulus(sums))

    def angle(self, sums: Complex) -> Array:
        """Return the angle of the characteristic function of the term, not reduced modulo 2 pi."""
        if self.power is None:
            return np.asarray(sums.imag)
        return np.asarray(self.power * np.arctan2(sums.imag, 1 + sums.real))


def _log_modulus(sums: Complex) -> Array:
    """Return log |1 + S|, also accurate if S is small; -infinity if S is -1."""
    squared = 2 * sums.real + sums.real**2 + sums.imag**2
    logs = np.log1p(np.maximum(squared, SMALL_MODULUS)) / 2
    small = squared < SMALL_MODULUS
    with np.errstate(divide="ignore"):
        logs[small] = np.log(np.abs(1 + sums[small]))
    return np.asarray(logs)


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
        """Flat arrays: steps and weights of all terms; the first index, power and Poisson flag per term."""
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
            for k, part in enumerate(self.parts):
                if part.compounds:
                    logs[k] = powers[k] * part.count_cumulant(float(above[k]))
        return float(np.where(poisson, above, logs).sum())


def build_lattice(pool: PooledComponents, unit: int | None) -> Lattice:
    """Build the lattice of the possible totals of pooled components.

    Args:
        pool: the components.
        unit: the unit of the lattice; by default the greatest unit of which every payment is a multiple.

    Raises:
        ModelRefused: a payment is more than `MAX_STEPS` units from the base payment.
    """
    raw = list(_log_terms(pool))
    base = sum(n * _likeliest_payment(payments) for payments, n in pool.fixed.items())
    unit = unit or math.gcd(*(step for _, steps, _ in raw for step in steps)) or 1
    parts = tuple(
        LogTerm(power, *_arrays(_split_over_lattice(steps, unit)), counts) for power, steps, counts in raw
    )
    split = 0.0
    for part, (_, steps, _) in zip(parts, raw, strict=True):
        split += part.claims * sum(abs(w) * (d % unit) * (unit - d % unit) for d, w in steps.items())
    return Lattice(unit, base, parts, split)


def _log_terms(pool: PooledComponents) -> Iterator[tuple[float | None, dict[int, float], Array]]:
    """Yield the data of each `LogTerm`: its power, the weight of each payment step, and its counts."""
    single = np.array([0.0, 1.0])
    terms: list[tuple[float | None, dict[int, float], Array]] = [(None, pool.poisson, single)]
    for payments, n in pool.fixed.items():
        likely = _likeliest_payment(payments)
        terms.append((float(n), {x - likely: float(p) for x, p in payments}, single))
    for (payments, dispersion), mean in pool.clustered.items():
        beta = dispersion - 1
        terms.append((-mean / beta, {x: -beta * float(p) for x, p in payments}, single))
    for (payments, probabilities), n in pool.empirical.items():
        counts = np.array([float(p) for p in probabilities])
        counts = counts[: np.flatnonzero(counts > NEGLIGIBLE_COUNT)[-1] + 1]
        terms.append((float(n), {x: float(p) for x, p in payments}, counts))
    for power, weights, counts in terms:
        claims = (1.0 if power is None else abs(power)) * float((counts * np.arange(len(counts))).sum())
        steps = {d: w for d, w in weights.items() if d and claims * abs(w) > NEGLIGIBLE_COUNT}
        if steps:
            yield power, steps, counts


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
    above = _smallest_bound(lambda t: (lattice.cumulants(t) + _MINUS_LOG_OUTSIDE) / t, start)
    below = _smallest_bound(lambda t: (lattice.cumulants(-t) + _MINUS_LOG_OUTSIDE) / t, start)
    return int(max(low, math.floor(-below) - 1)), int(min(high, math.ceil(above) + 1))


def excess_bound(lattice: Lattice, last: int) -> float:
    """Return an upper bound of E[(X - last)+], in steps, for the total X in lattice steps.

    E[(X - last)+] is the sum of P(X > x) over x >= last. With Chernoff's bound for each P(X > x), it is at
    most exp(K(t) - t last) / t for every t > 0.
    """
    if last >= lattice.ends[1]:
        return 0.0
    start = min(4 * math.sqrt(2 * _MINUS_LOG_OUTSIDE / lattice.variance), _LARGEST_EXPONENT)
    return math.exp(_smallest_bound(lambda t: lattice.cumulants(t) - t * last - math.log(t), start))


def _smallest_bound(bound: Callable[[float], float], start: float) -> float:
    """Return the minimum of `bound(t)` for t below `start`; K is convex, so there is only one."""
    smallest, t = math.inf, start
    while (value := bound(t)) <= smallest:
        smallest, t = value, t / 1.25
    return smallest
