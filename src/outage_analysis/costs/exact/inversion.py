"""From the logarithm of the characteristic function to probabilities, by one real FFT."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from outage_analysis.costs.exact.lattice import Complex, Lattice, Part

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
NEGLIGIBLE = -45.0
"""The logarithm of a modulus that adds nothing to any sum."""
ROUGH = 1e-12
"""From this error on, sums over payments are taken one by one, at the frequencies that count."""
MOST_SINES = 2**20
ROUNDING = 2.0**-53
# Sums are written as sums, not as products of matrices: these would wait for threads, and round as they do.


def invert(lattice: Lattice, first: int, points: int) -> tuple[Array, float, float]:
    """Probabilities of the steps from `first` on, (points,), what rounds off each of them and their sums.

    They are those of the total modulo at least `points`: what lies outside is added to them. Rounding
    is followed from the logarithms through the FFT to a sum of any of the probabilities.
    """
    from scipy import fft

    size = fft.next_fast_len(points, real=True)
    modulus = np.zeros(size // 2 + 1)
    with np.errstate(divide="ignore"):  # where the modulus is 0
        for part in lattice.parts:
            modulus += part.modulus(_by_fft(part, size))
    kept = np.flatnonzero(modulus > NEGLIGIBLE)
    logs, error = _logs(lattice, size, kept)
    values = np.zeros(size // 2 + 1, complex)
    values[kept] = np.exp(logs + 2j * np.pi * (first % size * kept % size) / size)
    values[0] = 1.0
    weights = fft.irfft(values, size, overwrite_x=True)
    noise = ROUNDING * math.log2(size) * math.sqrt(float((weights**2).sum()) / size)
    return weights[:points], noise, error + size * noise + 2 * ROUNDING * math.sqrt(size)


def _logs(lattice: Lattice, size: int, kept: Whole) -> tuple[Complex, float]:
    """The logarithms at the frequencies kept, (k,), and what their rounding adds to a sum.

    An error at the frequency k enters a sum of probabilities 2 / (size sin(pi k / size)) times, at most.
    The FFT of the payments has an absolute error, which n claims multiply by n; sums taken one by one
    have a relative one, which is as small where the sums are, and so where the modulus is not.
    """
    spread = sum(part.claims * math.sqrt(float((part.weights**2).sum())) for part in lattice.parts)
    error = spread * ROUNDING * math.log2(size) * math.log(size)
    directly = error > ROUGH and len(kept) * lattice.atoms <= MOST_SINES
    logs, lengths = np.zeros(len(kept), complex), np.ones(len(kept))
    for part in lattice.parts:
        sums = _one_by_one(part, size, kept) if directly else _by_fft(part, size)[kept]
        modulus, angle = part.modulus(sums), part.angle(sums)
        logs += modulus + 1j * angle
        lengths += np.abs(modulus) + np.abs(angle)
    if directly:
        rounded = 4 * ROUNDING * lengths * np.exp(logs.real)
        error = float(np.sum(2 * rounded[1:] / (size * np.sin(np.pi * kept[1:] / size))))
    return logs, error


def _by_fft(part: Part, size: int) -> Complex:
    """The sums of w (exp(-i x d) - 1) at all frequencies x = 2 pi k / size, (size // 2 + 1,)."""
    from scipy import fft

    laid = np.bincount(part.steps % size, part.weights, minlength=size)
    laid[0] -= part.weights.sum()
    return np.asarray(fft.rfft(laid))


def _one_by_one(part: Part, size: int, kept: Whole) -> Complex:
    """The same at some frequencies, (k,), with full relative accuracy: angles are reduced as integers."""
    turns = kept[:, None] * (part.steps % size) % size
    angles = 2 * np.pi / size * np.where(2 * turns > size, turns - size, turns)
    real = (-2 * part.weights * np.sin(angles / 2) ** 2).sum(axis=1)
    return np.asarray(real - 1j * (part.weights * np.sin(angles)).sum(axis=1))
