"""The exact distribution of a total whose count and payment distributions are fully known.

The characteristic function of the total is the product of the functions of its components. One real FFT
inverts it on a window of the lattice that provably holds all but 2e-15 of the probability. The window is
about 17 standard deviations long, so the time grows with the square root of the number of claims. Small
problems with rational numbers are computed in Fractions. Sources: Klugman, Panjer and Willmot, Loss Models;
Grübel and Hermesmeier (1999), ASTIN Bulletin 29, 197-214, on the aliasing error of an FFT.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from outage_analysis.costs.exact.components import (
    Component,
    Number,
    checked_integer,
)
from outage_analysis.costs.exact.lattice import (
    OUTSIDE_PROBABILITY,
    Complex,
    Lattice,
    LogTerm,
    build_lattice,
    excess_bound,
    probability_window,
)
from outage_analysis.costs.exact.pooling import PaymentDistribution, PooledComponents, pool_components
from outage_analysis.costs.exact.total_distribution import TotalDistribution
from outage_analysis.errors import ModelRefused, UsageError

MAX_POINTS = 2**21
MAX_COMPOUNDING = 2**33
"""The largest number of lattice points times empirical counts; the computation then takes about 10 s."""
MAX_SPLIT_SHARE = 0.01
"""The share of the variance that splitting payments over a coarser unit may add."""


def exact_total(
    components: Iterable[Component], *, unit: int | None = None, most_points: int = MAX_POINTS
) -> TotalDistribution:
    """Return the distribution of the total payment of independent components.

    If every number is an int or a Fraction and the problem is small, the probabilities are exact Fractions.

    Args:
        components: at least one; their order does not matter.
        unit: the unit of the lattice; by default the greatest unit of which every payment is a multiple. With
            a coarser unit, each payment is split over the two nearest lattice points. This keeps the mean and
            adds the standard deviation `TotalDistribution.splitting_sd`.
        most_points: the largest number of lattice points allowed.

    Raises:
        UsageError: there is no component, or `unit` or `most_points` is not a positive whole number.
        ModelRefused: the lattice would be too long, the unit is too coarse, or an accuracy check failed.

    Example:
        A life portfolio over one year: death probability and sum insured.

        >>> from outage_analysis.costs import Binomial, Component, exact_total
        >>> lives = [(0.01, 30_000), (0.02, 50_000), (0.04, 20_000)]
        >>> total = exact_total(Component(Binomial(1, q), [insured], [1]) for q, insured in lives)
        >>> round(total.mean), total.quantile(0.95), round(total.stop_loss_premium(40_000))
        (2100, 20000, 226)
    """
    listed = _checked_components(components)
    if unit is not None and checked_integer(unit, "the unit") == 0:
        raise UsageError("a unit is at least 1", value=unit)
    if checked_integer(most_points, "the number of points") == 0:
        raise UsageError("a lattice has at least one point", value=most_points)
    pooled = pool_components(listed)
    if unit is None and (rational := rational_distribution(pooled)) is not None:
        steps = math.gcd(*(b - a for a, b in pairwise(rational)))
        return TotalDistribution(
            pooled.mean, pooled.variance, tuple(rational), tuple(rational.values()), steps or 1
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
    """Return the distribution on the window of `probability_window`; if a check fails, use a wider window."""
    first, last = probability_window(lattice)
    if last - first >= most_points:
        raise _too_long(lattice, last - first + 1, most_points)
    counts = sum(len(part.counts) for part in lattice.parts if part.compounds)
    if counts * (last - first + 1) > MAX_COMPOUNDING:
        raise ModelRefused(
            f"{counts:,} probabilities of counts on a lattice of {last - first + 1:,} points take too long",
            remedy="Give a coarser unit, or leave out counts that are next to impossible.",
        )
    wrong: list[str] = []
    for _ in range(3):
        distribution = _distribution_on_window(lattice, pooled, first, last)
        if not (wrong := failed_checks(distribution.checks)):
            return distribution
        wider = last - first + 1
        low, high = lattice.ends
        first, last = int(max(low, first - wider)), int(min(high, last + wider))
        if last - first >= most_points:
            break
    raise ModelRefused(
        f"the distribution of the total failed its checks: {', '.join(wrong)}",
        remedy="Leave out payments that are next to impossible, or give a coarser unit.",
    )


def _distribution_on_window(
    lattice: Lattice, pooled: PooledComponents, first: int, last: int
) -> TotalDistribution:
    """Return the distribution on the lattice steps from `first` to `last`, with its accuracy checks."""
    weights, noise, rounding = invert_by_fft(lattice, first, last - first + 1)
    mean, variance = float(pooled.mean), float(pooled.variance)
    low, high = lattice.ends
    start = lattice.base + lattice.unit * first
    mean_error = 8 * ROUNDING * mean
    deviations = accuracy_checks(
        weights,
        (mean - start) / lattice.unit,
        (variance + lattice.split) / lattice.unit**2,
        rounding=mean_error / lattice.unit,
        noise=4 * noise,
        open_ends=(first > low, last < high),
    )
    return TotalDistribution(
        mean,
        variance,
        range(start, start + lattice.unit * len(weights), lattice.unit),
        np.maximum(weights, 0.0),
        lattice.unit,
        error=2 * OUTSIDE_PROBABILITY + rounding + deviations["negative"],
        mean_error=mean_error,
        excess=lattice.unit * excess_bound(lattice, last),
        splitting_sd=math.sqrt(lattice.split),
        checks=deviations,
    )


def _check_unit(lattice: Lattice, pooled: PooledComponents) -> None:
    added = lattice.split / float(pooled.variance) if pooled.variance else float(lattice.split > 0)
    if added > MAX_SPLIT_SHARE:
        raise ModelRefused(
            f"a unit of {lattice.unit:,} would add {added:.0%} to the variance",
            remedy=f"At most {MAX_SPLIT_SHARE:.0%} is allowed: give a finer unit, and if needed most_points.",
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
"""The largest deviation that a check allows."""
EDGE, SHORT = 8, 32
"""An edge of a window is its outermost `EDGE` points, but at most about one in `SHORT` of all points."""


def accuracy_checks(
    weights: Array,
    mean: float,
    variance: float,
    *,
    rounding: float,
    noise: float,
    open_ends: tuple[bool, bool],
) -> dict[str, float]:
    """Return the deviation of a computed distribution in each accuracy check, beyond the rounding error.

    Args:
        weights: the probabilities of the window's points as computed; some may be negative.
        mean: the mean in closed form, in steps from the first point.
        variance: the variance in closed form, in steps squared.
        rounding: the rounding error of `mean`.
        noise: the rounding error of each weight.
        open_ends: whether the support continues below and above the window.

    Returns:
        The deviation of the sum of the weights from 1, of their mean (in standard deviations) and of their
        variance (as a share of it); the sum of the negative weights, as a positive number; and the largest
        weight near an end beyond which the support continues, as a share of the largest weight.
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


def failed_checks(deviations: Mapping[str, float]) -> list[str]:
    """Describe each check whose deviation is above `CHECK_TOLERANCE` or is not a number."""
    return [f"{name} off by {off:.1e}" for name, off in deviations.items() if not off <= CHECK_TOLERANCE]


Whole = NDArray[np.int64]
NEGLIGIBLE = -45.0
"""Frequencies with a smaller logarithm of the modulus are left out, because they change no sum."""
ROUGH_ERROR = 1e-12
"""If the error of the FFT is larger, the sums over payments are computed term by term instead."""
MAX_SINES = 2**20
ROUNDING = 2.0**-53
# This module adds up arrays instead of using matrix products, because the rounding of a matrix product
# depends on the number of threads.


def invert_by_fft(lattice: Lattice, first: int, points: int) -> tuple[Array, float, float]:
    """Invert the characteristic function of the total on a window of the lattice.

    Returns:
        The probabilities of the steps from `first` on, (points,); the rounding error of each probability; and
        the rounding error of any sum of them. The FFT works modulo its length, so the probability outside
        the window is added to points inside it.
    """
    from scipy import fft

    size = fft.next_fast_len(points, real=True)
    modulus = np.zeros(size // 2 + 1)
    with np.errstate(divide="ignore"):  # no warning: log(0) = -inf is right if a modulus is 0
        for part in lattice.parts:
            modulus += part.modulus(part.compound(_sums_by_fft(part, size)))
    kept = np.flatnonzero(modulus > NEGLIGIBLE)
    logs, error = _log_characteristic(lattice, size, kept)
    values = np.zeros(size // 2 + 1, complex)
    values[kept] = np.exp(logs + 2j * np.pi * (first % size * kept % size) / size)
    values[0] = 1.0
    weights = fft.irfft(values, size, overwrite_x=True)
    noise = ROUNDING * math.log2(size) * math.sqrt(float((weights**2).sum()) / size)
    return weights[:points], noise, error + size * noise + 2 * ROUNDING * math.sqrt(size)


def _log_characteristic(lattice: Lattice, size: int, kept: Whole) -> tuple[Complex, float]:
    """Return the log of the characteristic function, (k,), and its effect on the error of a probability.

    An error at the frequency k enters a sum of probabilities with a factor of at most 2 / (size sin(pi k /
    size)). Sums by FFT have an absolute error, which grows in proportion to the number of claims. Sums
    computed term by term have a relative error instead, which is small wherever the sums are small.

    Args:
        lattice: the terms.
        size: the length of the FFT.
        kept: the frequencies to compute, (k,).
    """
    spread = sum(part.claims * math.sqrt(float((part.weights**2).sum())) for part in lattice.parts)
    error = spread * ROUNDING * math.log2(size) * math.log(size)
    directly = error > ROUGH_ERROR and len(kept) * lattice.atoms <= MAX_SINES
    logs, lengths = np.zeros(len(kept), complex), np.ones(len(kept))
    compounding = np.zeros(len(kept))
    for part in lattice.parts:
        sums = _sums_term_by_term(part, size, kept) if directly else _sums_by_fft(part, size)[kept]
        compound = part.compound(sums)
        modulus, angle = part.modulus(compound), part.angle(compound)
        logs += modulus + 1j * angle
        lengths += np.abs(modulus) + np.abs(angle)
        if part.compounds:
            compounding += abs(part.power or 1) * part.compound_error(sums) / np.abs(1 + compound)
    rounded = ROUNDING * (4 * lengths * directly + compounding) * np.exp(logs.real)
    rounding = float(np.sum(2 * rounded[1:] / (size * np.sin(np.pi * kept[1:] / size))))
    return logs, rounding if directly else error + rounding


def _sums_by_fft(part: LogTerm, size: int) -> Complex:
    """Return, by FFT, the sum of w (exp(-i x d) - 1) over all steps d (weights w) at each frequency x.

    The frequencies are x = 2 pi k / size; the result has the shape (size // 2 + 1,).
    """
    from scipy import fft

    laid = np.bincount(part.steps % size, part.weights, minlength=size)
    laid[0] -= part.weights.sum()
    return np.asarray(fft.rfft(laid))


def _sums_term_by_term(part: LogTerm, size: int, kept: Whole) -> Complex:
    """Return the sums of `_sums_by_fft` at the frequencies `kept`, added up directly for full accuracy.

    The angles are reduced modulo 2 pi in integer arithmetic, which loses no digits.
    """
    turns = kept[:, None] * (part.steps % size) % size
    angles = 2 * np.pi / size * np.where(2 * turns > size, turns - size, turns)
    real = (-2 * part.weights * np.sin(angles / 2) ** 2).sum(axis=1)
    return np.asarray(real - 1j * (part.weights * np.sin(angles)).sum(axis=1))


MAX_RATIONAL_CLAIMS = 100
MAX_PRODUCTS = 2**18
"""The largest number of integer products, which take about 0.1 s."""

RationalDistribution = dict[int, Fraction]


def rational_distribution(pool: PooledComponents) -> RationalDistribution | None:
    """Return the exact probability of each total; None if inputs are floats or it would take too long.

    Claims with a single possible payment only shift the total, so they do not make the problem larger.
    """
    sure = sum(n * payments[0][0] for payments, n in pool.fixed.items() if len(payments) == 1)
    uncertain = {payments: n for payments, n in pool.fixed.items() if len(payments) > 1}
    claims = sum(uncertain.values()) + sum(n * (len(p) - 1) for (_, p), n in pool.empirical.items())
    if not pool.rational or claims > MAX_RATIONAL_CLAIMS:
        return None
    total, scale, work = {sure: 1}, 1, 0
    for payments, n in uncertain.items():
        weights, common = _integer_weights(payments)
        for _ in range(n):
            work += len(total) * len(weights)
            if work > MAX_PRODUCTS:
                return None
            total, scale = _convolve(total, weights), scale * common
    for (payments, probabilities), n in pool.empirical.items():
        random_sum = _random_sum(*_integer_weights(payments), probabilities)
        if random_sum is None:
            return None
        weights, common = random_sum
        for _ in range(n):
            work += len(total) * len(weights)
            if work > MAX_PRODUCTS:
                return None
            total, scale = _convolve(total, weights), scale * common
    return {x: Fraction(total[x], scale) for x in sorted(total)}


def _integer_weights(payments: PaymentDistribution) -> tuple[dict[int, int], int]:
    """Return the probabilities as whole numerators of a common denominator, and this denominator."""
    shares = {payment: Fraction(p) for payment, p in payments}
    common = math.lcm(*(p.denominator for p in shares.values()))
    return {payment: int(p * common) for payment, p in shares.items()}, common


def _random_sum(
    claim: dict[int, int], scale: int, probabilities: Sequence[Number]
) -> tuple[dict[int, int], int] | None:
    """Return the distribution of the total of an empirical count; None if it would take too long.

    Args:
        claim: the whole numerator of the probability of each payment.
        scale: the common denominator of the payments.
        probabilities: the probability of each count from 0 on.

    Returns:
        The whole numerator of the probability of each total, and their common denominator.
    """
    numerators, common = _integer_weights(tuple(enumerate(probabilities)))
    last, total, work = len(probabilities) - 1, {0: 1}, 0
    result: dict[int, int] = defaultdict(int)
    for n in range(last + 1):
        if numerators[n]:
            for x, weight in total.items():
                result[x] += numerators[n] * scale ** (last - n) * weight
        work += len(total) * len(claim)
        if work > MAX_PRODUCTS:
            return None
        total = _convolve(total, claim)
    return result, common * scale**last


def _convolve(total: dict[int, int], claim: dict[int, int]) -> dict[int, int]:
    result: dict[int, int] = defaultdict(int)
    for x, weight in total.items():
        for payment, p in claim.items():
            result[x + payment] += weight * p
    return result
