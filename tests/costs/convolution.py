"""The distribution of what claims are paid, by convolution: the model's totals are tested against it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Total:
    """Amounts and the probability of each."""

    amounts: NDArray[np.float64]
    weights: NDArray[np.float64]

    @property
    def mean(self) -> float:
        return float(self.amounts @ self.weights)

    @property
    def variance(self) -> float:
        return float((self.amounts - self.mean) ** 2 @ self.weights)

    def cdf(self, amount: float) -> float:
        return float(self.weights[self.amounts <= amount].sum())

    def quantile(self, p: float) -> float:
        """The smallest amount with a cumulative probability of at least p, but for rounding."""
        return float(self.amounts[np.searchsorted(self.weights.cumsum(), p - 1e-12)])

    def tvar(self, p: float) -> float:
        """The mean of the quantiles above p."""
        above = np.clip(self.weights.cumsum() - p, 0, self.weights)
        return float(self.amounts @ above / above.sum())


def total_of_claims(
    claims: Iterable[tuple[int, float, Mapping[int, float]]], *, most_points: int = 2**18
) -> Total:
    """n claims, each accepted with one chance and then paid an amount by its probability, for each group.

    The amounts lie on the multiples of the greatest common divisor of all payments. A total with more than
    `most_points` of them has those about its mean; the probability of the others must be negligible.
    """
    groups = list(claims)
    unit = math.gcd(*(payment for _, _, payments in groups for payment in payments))
    points = 1 + sum(n * max(payments) for n, _, payments in groups) // unit
    mean = sum(n * accepted * sum(x * p for x, p in payments.items()) for n, accepted, payments in groups)
    size = min(1 << (points - 1).bit_length(), most_points)
    first = min(max(round(mean / unit) - size // 2, 0), max(points - size, 0))
    transform = np.ones(size // 2 + 1, complex)
    for n, accepted, payments in groups:
        one = np.zeros(size)
        one[[payment // unit for payment in payments]] = accepted * np.array([*payments.values()])
        one[0] += 1 - accepted
        transform *= np.fft.rfft(one) ** n
    steps = np.arange(first, min(first + size, points))  # the transform is periodic
    weights = np.fft.irfft(transform, size)[steps % size]
    return Total(unit * steps.astype(float), np.where(weights > 1e-16, weights, 0))  # less is noise
