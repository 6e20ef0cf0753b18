"""The law of a total, exactly, given every parameter: claims counted by known laws, paid whole sums.

The characteristic function of the total is the product of those of its components; one real FFT inverts
it on a stretch of the lattice that is proved to hold all but 2e-15 of the probability. The stretch is
some 17 standard deviations long, so that time grows as the square root of the number of claims. Small
totals of rational numbers are computed in Fractions. Sources: Klugman, Panjer and Willmot, Loss Models;
Grübel and Hermesmeier (1999), ASTIN Bulletin 29, 197-214, on what an FFT adds to an aggregate law.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from outage_analysis.costs.exact.components import (
    Component,
    checked_integer,
)
from outage_analysis.costs.exact.lattice import (
    OUTSIDE_PROBABILITY,
    Complex,
    Lattice,
    LogTerm,
    build_lattice,
    probability_window,
)
from outage_analysis.costs.exact.pooling import PaymentDistribution, PooledComponents, pool_components
from outage_analysis.costs.exact.total_distribution import TotalDistribution
from outage_analysis.errors import ModelRefused, UsageError

MAX_POINTS = 2**21
MAX_SPLIT_SHARE = 0.01
"""The share of the variance that splitting payments over a coarser unit may add."""


def exact_total(
    components: Iterable[Component], *, unit: int | None = None, most_points: int = MAX_POINTS
) -> TotalDistribution:
    """The law of what independent components are paid together.

    Lives insured for a year: `exact_total(Component(Binomial(1, q), [sum_], [1]) for q, sum_ in lives)`.
    An int or a Fraction everywhere, in a small problem, gives a law in Fractions.

    Args:
        components: at least one; their order changes nothing.
        unit: of the lattice. Without one, the greatest that holds every payment. A coarser one splits
            each payment over the two points beside it, which keeps its mean; `TotalLaw.split_sd` says
            what that adds.
        most_points: points of the lattice that the law may take.

    Raises:
        UsageError: no component, or a unit that is none.
        ModelRefused: the lattice would be too long, the unit too coarse, or a check failed.
    """
    listed = _checked_components(components)
    if unit is not None and checked_integer(unit, "the unit") == 0:
        raise UsageError("a unit is at least 1", value=unit)
    if checked_integer(most_points, "the number of points") == 0:
        raise UsageError("a lattice has at least one point", value=most_points)
    pooled = pool_components(listed)
    if unit is None and (found := rational_distribution(pooled)) is not None:
        steps = math.gcd(*(b - a for a, b in pairwise(found)))
        return TotalDistribution(
            pooled.mean, pooled.variance, tuple(found), tuple(found.values()), steps or 1
        )
    lattice = build_lattice(pooled, unit)
    if not lattice.parts:
        points = range(lattice.base, lattice.base + 1)
        return TotalDistribution(float(lattice.base), 0.0, points, np.ones(1), lattice.unit)
    _check_unit(lattice, pooled)
    return _distribution(lattice, pooled, most_points)


def _checked_components(components: Iterable[Component]) -> list[Component]:
    listed = list(components) if isinstance(components, Iterable) else [components]
    if not listed:
        raise UsageError("there is no component", remedy="Give at least one Component.")
    for component in listed:
        if not isinstance(component, Component):
            raise UsageError(
                "is no component", value=component, remedy="Give Component(count, payments, probabilities)."
            )
    return listed


def _distribution(lattice: Lattice, pooled: PooledComponents, most_points: int) -> TotalDistribution:
    """The law on the window that is proved wide enough; on wider ones should a check fail."""
    first, last = probability_window(lattice)
    if last - first >= most_points:
        raise _too_long(lattice, last - first + 1, most_points)
    wrong: list[str] = []
    for _ in range(3):
        law = _distribution_on_window(lattice, pooled, first, last)
        if not (wrong := failed_checks(law.checks)):
            return law
        wider = last - first + 1
        low, high = lattice.ends
        first, last = int(max(low, first - wider)), int(min(high, last + wider))
        if last - first >= most_points:
            break
    raise ModelRefused(
        f"the law of the total failed its checks: {', '.join(wrong)}",
        remedy="Leave out payments that are next to impossible, or give a coarser unit.",
    )


def _distribution_on_window(
    lattice: Lattice, pooled: PooledComponents, first: int, last: int
) -> TotalDistribution:
    """The law on the steps from first to last."""
    weights, noise, rounding = invert_by_fft(lattice, first, last - first + 1)
    mean, variance = float(pooled.mean), float(pooled.variance)
    low, high = lattice.ends
    start = lattice.base + lattice.unit * first
    found = accuracy_checks(
        weights,
        (mean - start) / lattice.unit,
        (variance + lattice.split) / lattice.unit**2,
        rounding=8 * ROUNDING * mean / lattice.unit,
        noise=4 * noise,
        open_ends=(first > low, last < high),
    )
    return TotalDistribution(
        mean,
        variance,
        range(start, start + lattice.unit * len(weights), lattice.unit),
        np.maximum(weights, 0.0),
        lattice.unit,
        error=2 * OUTSIDE_PROBABILITY + rounding + found["negative"],
        splitting_sd=math.sqrt(lattice.split),
        checks=found,
    )


def _check_unit(lattice: Lattice, pooled: PooledComponents) -> None:
    added = lattice.split / float(pooled.variance) if pooled.variance else float(lattice.split > 0)
    if added > MAX_SPLIT_SHARE:
        raise ModelRefused(
            f"a unit of {lattice.unit:,} would add {added:.0%} to the variance",
            remedy=f"At most {MAX_SPLIT_SHARE:.0%} may be: give a finer unit, and most_points if it needs more.",
        )


def _too_long(lattice: Lattice, points: int, most_points: int) -> ModelRefused:
    coarser = math.ceil(1.02 * lattice.unit * points / most_points)
    return ModelRefused(
        f"the lattice is too short: in units of {lattice.unit:,} the total needs {points:,} points, "
        f"and {most_points:,} are allowed",
        remedy=f"Give a coarser unit, such as unit={coarser}: payments are then split between its points.",
    )


Array = NDArray[np.float64]
CHECK_TOLERANCE = 1e-9
"""What any check may be off."""
EDGE, SHORT = 8, 32
"""Points that count as the edge of a window, at most, and the part of it that they are at most."""


def accuracy_checks(
    weights: Array,
    mean: float,
    variance: float,
    *,
    rounding: float,
    noise: float,
    open_ends: tuple[bool, bool],
) -> dict[str, float]:
    """How far a law is off, by check, beyond what rounding explains.

    Args:
        weights: of the window's points, before anything is mended.
        mean: where the mean must lie, in steps from the first point.
        variance: what it must be, in steps squared.
        rounding: how well that mean is known itself.
        noise: how well each weight is.
        open_ends: whether the support goes on below, above the window.
    """
    away = np.arange(len(weights)) - mean
    shift, spread = float((away * weights).sum()), float((away**2 * weights).sum())
    shift_noise, spread_noise = noise * float(np.abs(away).sum()), noise * float((away**2).sum())
    edge = min(EDGE, len(weights) // SHORT + 1)
    edges = [
        part.max() for part, open_ in zip((weights[:edge], weights[-edge:]), open_ends, strict=True) if open_
    ]
    return {
        "sum": abs(float(weights.sum()) - 1),
        "mean": max(abs(shift) - rounding - shift_noise, 0.0) / variance**0.5,
        "variance": max(abs(spread - variance) - spread_noise, 0.0) / variance,
        "negative": -float(np.minimum(weights, 0.0).sum()),
        "edges": float(max(edges, default=0.0) / weights.max()),
    }


def failed_checks(found: Mapping[str, float]) -> list[str]:
    """What is off by more than `CHECK_TOLERANCE`, or is no number, in words."""
    return [f"{name} off by {off:.1e}" for name, off in found.items() if not off <= CHECK_TOLERANCE]


Whole = NDArray[np.int64]
NEGLIGIBLE = -45.0
"""The logarithm of a modulus that adds nothing to any sum."""
ROUGH_ERROR = 1e-12
"""From this error on, sums over payments are taken one by one, at the frequencies that count."""
MAX_SINES = 2**20
ROUNDING = 2.0**-53
# Sums are written as sums, not as products of matrices: these would wait for threads, and round as they do.


def invert_by_fft(lattice: Lattice, first: int, points: int) -> tuple[Array, float, float]:
    """Probabilities of the steps from `first` on, (points,), what rounds off each of them and their sums.

    They are those of the total modulo at least `points`: what lies outside is added to them. Rounding
    is followed from the logarithms through the FFT to a sum of any of the probabilities.
    """
    from scipy import fft

    size = fft.next_fast_len(points, real=True)
    modulus = np.zeros(size // 2 + 1)
    with np.errstate(divide="ignore"):  # where the modulus is 0
        for part in lattice.parts:
            modulus += part.modulus(_sums_by_fft(part, size))
    kept = np.flatnonzero(modulus > NEGLIGIBLE)
    logs, error = _log_characteristic(lattice, size, kept)
    values = np.zeros(size // 2 + 1, complex)
    values[kept] = np.exp(logs + 2j * np.pi * (first % size * kept % size) / size)
    values[0] = 1.0
    weights = fft.irfft(values, size, overwrite_x=True)
    noise = ROUNDING * math.log2(size) * math.sqrt(float((weights**2).sum()) / size)
    return weights[:points], noise, error + size * noise + 2 * ROUNDING * math.sqrt(size)


def _log_characteristic(lattice: Lattice, size: int, kept: Whole) -> tuple[Complex, float]:
    """The logarithms at the frequencies kept, (k,), and what their rounding adds to a sum.

    An error at the frequency k enters a sum of probabilities 2 / (size sin(pi k / size)) times, at most.
    The FFT of the payments has an absolute error, which n claims multiply by n; sums taken one by one
    have a relative one, which is as small where the sums are, and so where the modulus is not.
    """
    spread = sum(part.claims * math.sqrt(float((part.weights**2).sum())) for part in lattice.parts)
    error = spread * ROUNDING * math.log2(size) * math.log(size)
    directly = error > ROUGH_ERROR and len(kept) * lattice.atoms <= MAX_SINES
    logs, lengths = np.zeros(len(kept), complex), np.ones(len(kept))
    for part in lattice.parts:
        sums = _sums_term_by_term(part, size, kept) if directly else _sums_by_fft(part, size)[kept]
        modulus, angle = part.modulus(sums), part.angle(sums)
        logs += modulus + 1j * angle
        lengths += np.abs(modulus) + np.abs(angle)
    if directly:
        rounded = 4 * ROUNDING * lengths * np.exp(logs.real)
        error = float(np.sum(2 * rounded[1:] / (size * np.sin(np.pi * kept[1:] / size))))
    return logs, error


def _sums_by_fft(part: LogTerm, size: int) -> Complex:
    """The sums of w (exp(-i x d) - 1) at all frequencies x = 2 pi k / size, (size // 2 + 1,)."""
    from scipy import fft

    laid = np.bincount(part.steps % size, part.weights, minlength=size)
    laid[0] -= part.weights.sum()
    return np.asarray(fft.rfft(laid))


def _sums_term_by_term(part: LogTerm, size: int, kept: Whole) -> Complex:
    """The same at some frequencies, (k,), with full relative accuracy: angles are reduced as integers."""
    turns = kept[:, None] * (part.steps % size) % size
    angles = 2 * np.pi / size * np.where(2 * turns > size, turns - size, turns)
    real = (-2 * part.weights * np.sin(angles / 2) ** 2).sum(axis=1)
    return np.asarray(real - 1j * (part.weights * np.sin(angles)).sum(axis=1))


MAX_RATIONAL_CLAIMS = 100
MAX_PRODUCTS = 2**18
"""Products of two whole numbers, about 0.1 s."""

RationalDistribution = dict[int, Fraction]


def rational_distribution(pool: PooledComponents) -> RationalDistribution | None:
    """The probability of each total, by total; None where that is not small or not rational.

    Claims that are all paid alike only move the others, so that any number of them is small.
    """
    sure = sum(n * law[0][0] for law, n in pool.fixed.items() if len(law) == 1)
    open_ = {law: n for law, n in pool.fixed.items() if len(law) > 1}
    if not pool.rational or sum(open_.values()) > MAX_RATIONAL_CLAIMS:
        return None
    total, scale, work = {sure: 1}, 1, 0
    for law, n in open_.items():
        weights, common = _integer_weights(law)
        for _ in range(n):
            work += len(total) * len(weights)
            if work > MAX_PRODUCTS:
                return None
            total, scale = _convolve(total, weights), scale * common
    return {x: Fraction(total[x], scale) for x in sorted(total)}


def _integer_weights(law: PaymentDistribution) -> tuple[dict[int, int], int]:
    """Probabilities as whole numbers over their common denominator."""
    shares = {payment: Fraction(p) for payment, p in law}
    common = math.lcm(*(p.denominator for p in shares.values()))
    return {payment: int(p * common) for payment, p in shares.items()}, common


def _convolve(total: dict[int, int], claim: dict[int, int]) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    for x, weight in total.items():
        for payment, p in claim.items():
            found[x + payment] += weight * p
    return found
