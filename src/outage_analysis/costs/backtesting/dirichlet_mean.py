"""The distribution of a mean payment if each loss band pays a fixed amount and band shares are uncertain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from outage_analysis.costs.backtesting.mixed_binomial import Array
from outage_analysis.errors import ModelRefused
from outage_analysis.policies import Schedule

TOLERANCE = 1e-12
"""Absolute tolerance of the numerical integral."""


@dataclass(frozen=True)
class DirichletMean:
    """A mean payment: the sum of the payments per band times shares that follow a Dirichlet distribution.

    The number of claims is taken as infinite, so the random variation of single claims does not count.

    Args:
        payments: the payment of each band, in the smallest unit of the currency, (bands,).
        shares: the expected share of each band; they add up to 1.
        size: how many observations the shares are worth.
    """

    payments: tuple[float, ...]
    shares: tuple[float, ...]
    size: float

    def cdf(self, x: Array) -> Array:
        """Return the probability of a mean payment of at most x; both arrays have the shape (n,)."""
        return np.array([self._cdf_at(float(value)) for value in np.atleast_1d(x)])

    def quantile(self, u: Array) -> Array:
        """Return the quantiles of the mean payment at the probabilities u; both have the shape (n,)."""
        return np.array([self._quantile_at(float(p)) for p in np.atleast_1d(u)])

    def _cdf_at(self, x: float) -> float:
        """Return the probability of a mean payment of at most x.

        With independent gamma variables G of shape size x share, the mean payment is at most x exactly if
        the sum of (payment - x) G is at most 0. The probability follows from the characteristic function
        of this sum (Gil-Pelaez 1951, Biometrika 38).
        """
        from scipy.integrate import quad

        if x < min(self.payments):
            return 0.0
        if x >= max(self.payments):
            return 1.0
        distances = np.array(self.payments) - x
        weights = distances / np.abs(distances).max()
        shapes = self.size * np.array(self.shares)

        def integrand(angle: float) -> float:
            """Return the integrand at u = tan(angle), with which the range is finite."""
            u = np.tan(angle)
            log_modulus = -(shapes * np.log1p((weights * u) ** 2)).sum() / 2
            phase = (shapes * np.arctan(weights * u)).sum()
            return float(np.exp(log_modulus) * np.sin(phase) * 2 / np.sin(2 * angle))

        area, _ = quad(integrand, 0.0, np.pi / 2, epsabs=TOLERANCE, limit=200)
        return float(min(max(0.5 - area / np.pi, 0.0), 1.0))

    def _quantile_at(self, p: float) -> float:
        from scipy.optimize import brentq

        low, high = min(self.payments), max(self.payments)
        return float(brentq(lambda x: self._cdf_at(x) - p, low, high, xtol=(high - low) * 1e-12))


def mean_payment_forecast(line: Schedule, edge: int, share_above: float, size: float) -> DirichletMean:
    """Return the distribution of the mean payment of a cost line if only the share above an edge is known.

    The bands on each side of the edge have equal expected shares of the claims of that side.

    Args:
        line: the cost line; every band pays a fixed amount.
        edge: an edge between two bands, in the loss unit.
        share_above: the expected share of claims above the edge, strictly between 0 and 1.
        size: how many observations the shares are worth.

    Raises:
        ModelRefused: the edge does not separate two bands, a band does not pay a fixed amount, or all bands
            pay the same.
    """
    payments: dict[bool, list[float]] = {False: [], True: []}
    for (over, _), band in line.bands_as_written.items():
        low, high = line.tariff.payment_range(band)
        if high is None or low != high:
            raise ModelRefused(
                f"the bands of {line.id} do not all pay a fixed amount",
                remedy="Leave the mean payment out of the comparison.",
            )
        payments[over >= edge].append(float(low))
    if edge not in {over for over, _ in line.bands_as_written} or not payments[False]:
        edges = ", ".join(str(over) for over, _ in line.bands_as_written if over)
        raise ModelRefused(
            f"{line.id} has no edge at {edge}", remedy=f"Give one of its edges between bands: {edges}."
        )
    if len({*payments[False], *payments[True]}) == 1:
        raise ModelRefused(f"all bands of {line.id} pay the same, so its mean payment is certain")
    side: Mapping[bool, float] = {False: 1 - share_above, True: share_above}
    shares = [side[above] / len(paid) for above, paid in payments.items() for _ in paid]
    return DirichletMean((*payments[False], *payments[True]), tuple(shares), size)
