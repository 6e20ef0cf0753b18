"""Families of severity distributions, and the likelihood of grouped losses under them.

SciPy's distributions do the calculation. They are imported by the function that needs them, because
`scipy.stats` takes a noticeable part of a second to import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outage_analysis.losses.grouped_losses import GroupedLosses

Array = NDArray[np.float64]
STEP = 1e-3
"""The step of finite differences on the logarithms of parameters, where the likelihood is not narrower."""


@dataclass(frozen=True)
class Family:
    """A family of severity distributions, such as the lognormal or the gamma distributions.

    Args:
        params: the names of the parameters, in the order of display. All parameters are positive.
        scipy_name: the name of the distribution in `scipy.stats`.
        shapes: the shape parameters that SciPy expects, in its order: names of parameters, or constants.
        limiting_shape: the distribution that the family approaches if a shape parameter diverges, as text for
            the error message of a fit.
        scale: the parameter that carries the unit of the losses.
    """

    params: tuple[str, ...]
    scipy_name: str
    shapes: tuple[str | float, ...]
    limiting_shape: str
    scale: str = "theta"

    def evaluate(self, method: str, params: Sequence[Any] | Array, *x: ArrayLike) -> Array:
        """The result of a method of the SciPy distribution, such as `cdf`, for numbers or arrays."""
        from scipy import stats

        by_name: dict[str | float, Any] = dict(zip(self.params, params, strict=True))
        function = getattr(getattr(stats, self.scipy_name), method)
        with np.errstate(all="ignore"):
            shapes = (by_name.get(shape, shape) for shape in self.shapes)
            return np.asarray(function(*x, *shapes, scale=by_name[self.scale]), float)

    def band_shares(self, edges: ArrayLike, params: Sequence[Any] | Array) -> Array:
        """The share of losses between successive edges.

        In the upper half of the distribution, the shares above the edges are subtracted, because differences
        of shares close to 1 lose digits.
        """
        below, above = self.evaluate("cdf", params, edges), self.evaluate("sf", params, edges)
        return np.where(below[..., 1:] <= 0.5, np.diff(below), -np.diff(above))  # noqa: PLR2004 - half

    def observed_shares(self, losses: GroupedLosses, params: Array) -> Array:
        """The shares (m, k) of the observable losses in k bands, under m sets of parameters (m, p)."""
        columns = params.T[..., None]
        shares = self.band_shares(losses.edges, columns)
        if losses.observable == (0.0, np.inf):
            return shares
        if losses.left == losses.top:
            observable = shares.sum(axis=-1, keepdims=True)
        elif losses.top == "truncated":
            observable = self.evaluate("cdf", columns, losses.edges[-1])
        else:
            observable = self.evaluate("sf", columns, losses.edges[0])
        with np.errstate(all="ignore"):
            return np.asarray(shares / observable)

    def loglik(self, losses: GroupedLosses, params: Array) -> Array:
        """The mean log-likelihood per loss under m sets of parameters (m, p); -inf where it is not finite."""
        counts = np.array(losses.counts)
        filled = counts > 0
        with np.errstate(all="ignore"):
            value = np.log(self.observed_shares(losses, params)[:, filled]) @ (counts[filled] / losses.n)
        return np.where(np.isfinite(value), value, -np.inf)


FAMILIES: Mapping[str, Family] = {
    "exponential": Family(("theta",), "expon", (), "nothing else"),
    "gamma": Family(
        ("alpha", "theta"), "gamma", ("alpha",), "a single point or a flat spread on the logarithm"
    ),
    "weibull": Family(("tau", "theta"), "weibull_min", ("tau",), "a single point or a flat spread"),
    "lognormal": Family(("median", "sigma"), "lognorm", ("sigma",), "a single point", scale="median"),
    # SciPy's `fisk` is the log-logistic distribution, but it loses the digits of small shares above a loss.
    "loglogistic": Family(("gamma", "theta"), "burr12", ("gamma", 1.0), "a single point"),
    "lomax": Family(("alpha", "theta"), "lomax", ("alpha",), "the exponential distribution"),
    "burr": Family(
        ("alpha", "gamma", "theta"),
        "burr12",
        ("gamma", "alpha"),
        "the Weibull, log-logistic or Pareto distribution",
    ),
}
"""All families by name: exponential, gamma, Weibull, lognormal, log-logistic, Lomax, Burr XII."""
