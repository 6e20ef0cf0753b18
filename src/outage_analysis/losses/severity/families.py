"""Families of severity distributions: a standard distribution with shape parameters, times a scale.

Four standard distributions (kernels) implement the seven families: an exponential is a Weibull with tau = 1,
a log-logistic is a Burr with alpha = 1, and a Lomax is a Burr with gamma = 1. The arguments of a kernel
function are the losses divided by the scale, then the shape parameters. They are arrays that numpy can
broadcast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from outage_analysis.errors import ModelRefused, UsageError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """The functions of a standard distribution (a distribution with scale 1).

    Args:
        sides: the function of z and the shapes that returns the shares of losses at or below z and above z.
        isf: the function of q and the shapes that returns the loss that a share q of the losses exceeds
            (inverse survival function).
        excess: the function of z and the shapes that returns the integral of `sf` from z to infinity. For z =
            0 the integral is the mean; divided by `sf(z)` it is the mean excess.
    """

    sides: Callable[..., tuple[Array, Array]]
    isf: Callable[..., Array]
    excess: Callable[..., Array]

    def cdf(self, z: Array, *shapes: Array) -> Array:
        """The share of losses at or below z; z is a loss divided by the scale."""
        return self.sides(z, *shapes)[0]

    def sf(self, z: Array, *shapes: Array) -> Array:
        """The share of losses above z; z is a loss divided by the scale."""
        return self.sides(z, *shapes)[1]


def _shares_from_log(log_sf: Array) -> tuple[Array, Array]:
    """The shares of losses below and above a value, from the logarithm of the share above."""
    return -np.expm1(log_sf), np.exp(log_sf)


def _normal_shares(x: Array) -> tuple[Array, Array]:
    return special.ndtr(x), special.ndtr(-x)


WEIBULL = Kernel(
    sides=lambda z, tau: _shares_from_log(-(z**tau)),
    isf=lambda q, tau: (-np.log(q)) ** (1 / tau),
    excess=lambda z, tau: special.gamma(1 + 1 / tau) * special.gammaincc(1 / tau, z**tau),
)
GAMMA = Kernel(
    sides=lambda z, alpha: (special.gammainc(alpha, z), special.gammaincc(alpha, z)),
    isf=lambda q, alpha: special.gammainccinv(alpha, q),
    excess=lambda z, alpha: alpha * special.gammaincc(alpha + 1, z) - z * special.gammaincc(alpha, z),
)
LOGNORMAL = Kernel(
    sides=lambda z, sigma: _normal_shares(np.log(z) / sigma),
    isf=lambda q, sigma: np.exp(-sigma * special.ndtri(q)),
    excess=lambda z, sigma: (
        np.exp(sigma**2 / 2) * special.ndtr(sigma - np.log(z) / sigma) - z * special.ndtr(-np.log(z) / sigma)
    ),
)


def _burr_log_sf(z: Array, alpha: Array, gamma: Array) -> Array:
    return np.asarray(-alpha * np.logaddexp(0.0, gamma * np.log(z)))


def _burr_isf(q: Array, alpha: Array, gamma: Array) -> Array:
    # The computation uses logarithms, because powers would overflow.
    steps = -np.log(q) / alpha
    return np.asarray(np.exp((steps + np.log(-np.expm1(-steps))) / gamma))


def _burr_excess(z: Array, alpha: Array, gamma: Array) -> Array:
    heavy = alpha * gamma <= 1
    a, b = np.where(heavy, 1.0, alpha - 1 / gamma), 1 / gamma
    part = special.betainc(a, b, special.expit(-gamma * np.log(z))) * special.beta(a, b) / gamma
    return np.asarray(np.where(heavy, np.inf, part))


BURR = Kernel(
    sides=lambda z, alpha, gamma: _shares_from_log(_burr_log_sf(z, alpha, gamma)),
    isf=_burr_isf,
    excess=_burr_excess,
)


@dataclass(frozen=True)
class Family:
    """A family of severity distributions, such as the lognormal or the gamma distributions.

    Args:
        name: the name that `fit_grouped` accepts.
        params: the names of the parameters, in the order of display. All parameters are positive.
        kernel: the standard distribution.
        shapes: the function that converts the family's shape parameters to those of the kernel.
        limiting_shape: the distribution that the family approaches if a shape parameter diverges, as text for
            the error message of a fit.
        scale: the parameter that carries the unit of the losses.
    """

    name: str
    params: tuple[str, ...]
    kernel: Kernel
    shapes: Callable[..., tuple[Array, ...]]
    limiting_shape: str
    scale: str = "theta"

    @property
    def scale_index(self) -> int:
        """The position of the scale parameter in `params`."""
        return self.params.index(self.scale)

    def split(self, params: Array) -> tuple[Array, tuple[Array, ...]]:
        """Split parameter sets (m, p) into scales and the shape parameters of the kernel, each (m, 1)."""
        columns = [params[..., i : i + 1] for i in range(len(self.params))]
        scale = columns.pop(self.scale_index)
        return scale, self.shapes(*columns)


def _same_shapes(*shapes: Array) -> tuple[Array, ...]:
    return shapes


def _unit_shape() -> tuple[Array, ...]:
    return (np.ones(1),)


def _unit_alpha(gamma: Array) -> tuple[Array, ...]:
    return (np.ones_like(gamma), gamma)


def _unit_gamma(alpha: Array) -> tuple[Array, ...]:
    return (alpha, np.ones_like(alpha))


FAMILIES: Mapping[str, Family] = {
    f.name: f
    for f in (
        Family("exponential", ("theta",), WEIBULL, _unit_shape, "nothing else"),
        Family(
            "gamma",
            ("alpha", "theta"),
            GAMMA,
            _same_shapes,
            "a single point or a flat spread on the logarithm",
        ),
        Family("weibull", ("tau", "theta"), WEIBULL, _same_shapes, "a single point or a flat spread"),
        Family("lognormal", ("median", "sigma"), LOGNORMAL, _same_shapes, "a single point", scale="median"),
        Family("loglogistic", ("gamma", "theta"), BURR, _unit_alpha, "a single point"),
        Family("lomax", ("alpha", "theta"), BURR, _unit_gamma, "the exponential distribution"),
        Family(
            "burr",
            ("alpha", "gamma", "theta"),
            BURR,
            _same_shapes,
            "the Weibull, log-logistic or Pareto distribution",
        ),
    )
}
"""All families by name: exponential, gamma, Weibull, lognormal, log-logistic, Lomax, Burr XII."""


@dataclass(frozen=True)
class LossDistribution:
    """A severity distribution: a family and its parameters. Losses and scale are in the same unit."""

    family: str
    params: Mapping[str, float]

    def _kernel_and_scale(self) -> tuple[Kernel, float, tuple[np.float64, ...]]:
        """The kernel (standard distribution), the scale, and the shape parameters of the kernel."""
        family = FAMILIES[self.family]
        shapes = [np.float64(self.params[name]) for name in family.params]
        scale = shapes.pop(family.scale_index)
        return family.kernel, scale.item(), tuple(np.float64(s.item()) for s in family.shapes(*shapes))

    def _evaluate(self, what: str, x: ArrayLike) -> Array:
        """Evaluate a kernel function (`cdf`, `sf` or `excess`) at the losses x divided by the scale."""
        kernel, scale, shapes = self._kernel_and_scale()
        with np.errstate(all="ignore"):
            return np.asarray(getattr(kernel, what)(np.maximum(x, 0.0) / scale, *shapes))

    def cdf(self, x: ArrayLike) -> Array:
        """The share of losses at or below each x."""
        return self._evaluate("cdf", x)

    def sf(self, x: ArrayLike) -> Array:
        """The share of losses above each x."""
        return self._evaluate("sf", x)

    def quantile(self, p: ArrayLike) -> Array:
        """The loss that a share p of the losses does not exceed.

        Raises:
            UsageError: a share is outside 0 to 1.
        """
        shares = np.asarray(p, float)
        if not np.all((shares >= 0) & (shares <= 1)):
            raise UsageError("a share lies between 0 and 1", value=p)
        kernel, scale, shapes = self._kernel_and_scale()
        with np.errstate(all="ignore"):
            return np.asarray(scale * kernel.isf(1 - shares, *shapes))

    @property
    def mean(self) -> float:
        """The mean loss; infinite if the tail is too heavy."""
        return self.mean_excess(0.0)

    @property
    def median(self) -> float:
        """The median loss."""
        return float(self.quantile(0.5))

    def mean_excess(self, d: float) -> float:
        """The mean of (loss - d) among losses above d.

        Raises:
            ModelRefused: the share of losses above d is 0 in floating point.
        """
        if d < 0:
            return self.mean - d
        above = float(self.sf(d))
        if above == 0:
            raise ModelRefused("the share of losses above is too small for a number", value=d)
        return self._kernel_and_scale()[1] * float(self._evaluate("excess", d)) / above

    def limited_mean(self, d: float) -> float:
        """The mean of min(loss, d): the expected payment per loss if losses are paid up to d."""
        if d <= 0:
            return d
        if d == np.inf or self.mean < np.inf:
            _, scale, _ = self._kernel_and_scale()
            return self.mean - (0.0 if d == np.inf else scale * float(self._evaluate("excess", d)))
        from scipy.integrate import quad

        # Integrate over log(loss), because the largest losses make up most of the mean of a heavy tail.
        start = min(float(self.quantile(1e-9)), d)
        ends = np.log([start, d])
        return start + float(quad(lambda t: float(self.sf(np.exp(t))) * np.exp(t), *ends, limit=400)[0])

    def band_probabilities(self, edges: ArrayLike) -> Array:
        """The share of losses in each band between successive edges: k + 1 edges give k shares.

        Raises:
            UsageError: the edges do not increase.
        """
        x = np.asarray(edges, float)
        if not np.all(x[:-1] < x[1:]):
            raise UsageError("edges do not increase", value=edges)
        return share_differences(self.cdf(x), self.sf(x))


def share_differences(below: Array, above: Array) -> Array:
    """The share of losses between successive edges, from the shares below and above each edge.

    In the upper half of the distribution, the shares above are subtracted, because differences of shares
    close to 1 lose digits.
    """
    return np.asarray(
        np.where(below[..., 1:] <= 0.5, np.diff(below), -np.diff(above))  # noqa: PLR2004 - half
    )
