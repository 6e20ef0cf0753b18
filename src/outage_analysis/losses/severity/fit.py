"""A fitted law with what the data say of it: errors, goodness of fit, intervals."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from types import MappingProxyType
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike

from outage_analysis.errors import ModelRefused, UsageError, refuse_no_level
from outage_analysis.files import nearest
from outage_analysis.losses.severity.families import FAMILIES, Array, Family, LossDistribution
from outage_analysis.losses.severity.goodness import MIN_EXPECTED, Goodness, goodness
from outage_analysis.losses.severity.grouped import GroupedLosses
from outage_analysis.losses.severity.intervals import Method, profile, wald
from outage_analysis.losses.severity.newton import Optimum, maximise
from outage_analysis.text import Card, Displayable

START_SHAPES = (0.05, 0.25, 0.5, 1.0, 2.0, 4.0, 16.0, 100.0)
"""Shapes to start from; the best few of their combinations are climbed from."""
BEST_STARTS, EDGE_STARTS = 4, 2
MAX_SLOPE = 1e-6
"""A slope of the mean log-likelihood above this is no optimum."""
MIN_CURVATURE = 1e-7
"""A curvature of it below this is no more than rounding."""
MAX_LOG_ERROR = 10.0
"""A standard error of a parameter's logarithm above this says that a shape runs on without end."""
MAX_LOG_PARAMETER = 300.0
"""A logarithm beyond this is taken for it: its power is no number."""
MAX_LOG_SHAPE = 7.0
"""A logarithm of a shape beyond this does so too."""


@dataclass(frozen=True, repr=False)
class Fit(Displayable):
    """A law fitted to grouped losses. Parameters, errors and losses are in the unit of the edges."""

    grouped: GroupedLosses
    distribution: LossDistribution
    covariance: Array = field(compare=False)
    """Of the parameters, in their order."""
    loglik: float
    optimum: Optimum = field(compare=False)
    """On the logarithms of the parameters in units of the median, per loss."""

    def card(self, lang: str = "en") -> Card:
        """Its parameters, and the losses counted and expected in each band."""
        from outage_analysis.losses.severity.display import fit_card

        return fit_card(self, lang)

    @property
    def family(self) -> str:
        """The name of its family."""
        return self.distribution.family

    @property
    def params(self) -> MappingProxyType[str, float]:
        """The parameters by name."""
        return MappingProxyType(dict(self.distribution.params))

    @property
    def se(self) -> MappingProxyType[str, float]:
        """Their standard errors, from the curvature at the optimum."""
        errors = np.sqrt(np.diag(self.covariance)).tolist()
        return MappingProxyType(dict(zip(self.distribution.params, errors, strict=True)))

    @property
    def n(self) -> int:
        """How many losses were fitted."""
        return self.grouped.n

    @property
    def aicc(self) -> float:
        """Akaike's criterion, corrected for few losses: less is better."""
        p, spare = len(self.distribution.params), self.n - len(self.distribution.params) - 1
        return 2 * p - 2 * self.loglik + (2 * p * (p + 1) / spare if spare > 0 else np.inf)

    @cached_property
    def expected(self) -> Array:
        """Losses that the law expects in each band, (k,)."""
        shares = self.grouped.probabilities(FAMILIES[self.family], np.exp(self.optimum.point)[None])
        return np.asarray(shares[0] * self.n)

    @property
    def gof(self) -> Goodness:
        """Goodness of fit, with bands pooled until each is expected to hold 5 losses."""
        return self.goodness()

    def goodness(self, least_expected: float = MIN_EXPECTED) -> Goodness:
        """Goodness of fit; `least_expected=0` compares the bands as they are, as textbooks print it.

        Where all losses were counted, what the law expects beyond the ends counts with the end bands.
        """
        expected = self.expected.copy()
        if least_expected > 0:
            if self.grouped.left == "ground_up":
                expected[0] += self.n * float(self.distribution.cdf(self.grouped.edges[0]))
            if self.grouped.top == "closed":
                expected[-1] += self.n * float(self.distribution.sf(self.grouped.edges[-1]))
        return goodness(
            np.array(self.grouped.counts), expected, len(self.distribution.params), least_expected
        )

    def cdf(self, x: ArrayLike) -> Array:
        """The share of losses at or below each x."""
        return self.distribution.cdf(x)

    def quantile(self, p: ArrayLike) -> Array:
        """The loss that a share p does not exceed."""
        return self.distribution.quantile(p)

    @property
    def mean(self) -> float:
        """The mean loss; infinite when the tail is too heavy."""
        return self.distribution.mean

    def mean_excess(self, d: float) -> float:
        """The mean of what losses above d have above it."""
        return self.distribution.mean_excess(d)

    def band_probabilities(self, new_edges: Sequence[float]) -> Array:
        """The share of losses in bands that need not be those fitted, (k + 1,) -> (k,)."""
        return self.distribution.band_probabilities(new_edges)

    def value(self, quantity: Quantity) -> float:
        """A quantity of the fitted law: see `Quantity`."""
        return quantity_function(quantity, self.family)(self.distribution)

    def interval(
        self, quantity: Quantity, level: float = 0.95, method: Method = "profile"
    ) -> tuple[float, float]:
        """A confidence interval for a quantity of the law.

        Args:
            quantity: a parameter, `mean`, `median`, a percentile such as `p95`, or a function of a
                `LossDistribution`.
            level: between 0 and 1.
            method: `profile` takes every law that the data do not reject by the likelihood ratio: it
                keeps to the possible and need not be symmetric. `wald` is the estimate plus and minus
                its standard error, by the delta method.

        Raises:
            UsageError: no such quantity, level or method.
            ModelRefused: the quantity is infinite under the fitted law, or its end was not found.
        """
        refuse_no_level(level)
        ways = {"profile": profile, "wald": wald}
        if method not in ways:
            raise UsageError("no such method", value=method, remedy=nearest(method, list(ways)))
        what = quantity_function(quantity, self.family)
        if not np.isfinite(what(self.distribution)):
            raise ModelRefused(
                f"the quantity is infinite under the fitted {self.family} law",
                remedy="Ask for a quantile or a limited mean, which always exist.",
            )
        return ways[method](self.grouped, FAMILIES[self.family], self.optimum, what, level)


def fit(grouped: GroupedLosses, family: Family) -> Fit:
    """The law of a family under which the grouped losses are likeliest.

    Raises:
        ModelRefused: too few bands, or no law of the family is likeliest: a shape runs on without end.
    """
    grouped.check_enough_bands(family)
    best = maximise(
        lambda x: grouped.loglik(family, np.exp(np.clip(x, -MAX_LOG_PARAMETER, MAX_LOG_PARAMETER))),
        _starts(grouped, family),
    )
    _check_inner_optimum(best, family, grouped.n)
    params = np.exp(best.point)
    params[family.scale_index] *= grouped.unit
    covariance = np.linalg.inv(-best.hessian * grouped.n) * np.outer(params, params)
    covariance.flags.writeable = False
    law = LossDistribution(
        family.name, MappingProxyType(dict(zip(family.params, params.tolist(), strict=True)))
    )
    return Fit(grouped, law, covariance, best.value * grouped.n, best)


def _starts(grouped: GroupedLosses, family: Family) -> Array:
    """Laws of various shapes, each with a median or a scale that the losses have: the likeliest few.

    Their parameters' logarithms, (m, p).
    """
    shapes = np.array(list(product(START_SHAPES, repeat=len(family.params) - 1)))
    params = np.insert(shapes, family.scale_index, 1.0, axis=1)
    with np.errstate(all="ignore"):
        _, inner = family.split(params)
        middle = np.broadcast_to(family.kernel.isf(0.5, *inner), (len(params), 1))[:, 0]
        scales = [1 / middle, *(np.full(len(params), q) for q in _low_quantiles(grouped))]
        tried = np.concatenate([_with_scale(params, family.scale_index, scale) for scale in scales])
    height = grouped.loglik(family, tried)
    order = np.argsort(-height, kind="stable")
    if height[order[0]] == -np.inf:
        _refuse_no_likelihood(family)
    # Some more from the ends of the shapes: where a family is likeliest at its edge, they climb there.
    at_end = np.isin(np.tile(shapes, (len(scales), 1))[order], (START_SHAPES[0], START_SHAPES[-1])).any(
        axis=1
    )
    chosen = np.unique([*order[:BEST_STARTS], *order[at_end][:EDGE_STARTS]])
    return np.asarray(np.log(tried[chosen[np.isfinite(height[chosen])]]))


def _with_scale(params: Array, at: int, scale: Array) -> Array:
    scaled = params.copy()
    scaled[:, at] = scale
    return scaled


def _low_quantiles(grouped: GroupedLosses) -> list[float]:
    """Losses that few do not exceed, in units of the median: a law may begin there at once."""
    shares = np.cumsum(grouped.counts) / grouped.n
    bands = np.searchsorted(shares, (0.02, 0.2))
    return [edge / grouped.unit for edge in grouped.fitted_edges[bands + 1].tolist() if np.isfinite(edge)]


def _check_inner_optimum(best: Optimum, family: Family, n: int) -> None:
    """A fit is an inner optimum, or none."""
    if not (np.isfinite(best.gradient).all() and np.isfinite(best.hessian).all()):
        _refuse_no_likelihood(family)
    flat = np.linalg.eigvalsh(-best.hessian).min() < max(MIN_CURVATURE, 1 / (MAX_LOG_ERROR**2 * n))
    if flat or np.any(np.abs(np.delete(best.point, family.scale_index)) > MAX_LOG_SHAPE):
        raise ModelRefused(
            f"no {family.name} law is likeliest: its shape runs on without end, towards {family.limiting_shape}",
            remedy="Fit another family, or give more bands.",
        )
    if np.abs(best.gradient).max() > MAX_SLOPE:
        raise ModelRefused(
            f"no likeliest {family.name} law was found: bands are too narrow for the digits of their edges",
            remedy="Give wider bands.",
        )


def _refuse_no_likelihood(family: Family) -> NoReturn:
    """Refuse where a band that holds losses has no probability that a number could carry."""
    raise ModelRefused(
        f"no {family.name} law comes near these counts",
        remedy="Fit another family, or look whether the edges and counts belong together.",
    )


Quantity = str | Callable[[LossDistribution], float]
"""A parameter's name, `mean`, `median`, a percentile such as `p95`, or a function of a
                `LossDistribution`."""


def quantity_function(quantity: Quantity, family: str) -> Callable[[LossDistribution], float]:
    """The function that a quantity stands for, on laws of this family.

    Raises:
        UsageError: no such quantity.
    """
    if callable(quantity):
        return quantity
    if quantity in FAMILIES[family].params:
        return lambda law: law.params[quantity]
    if quantity in ("mean", "median"):
        return lambda law: float(getattr(law, quantity))
    if match := re.fullmatch(r"p(\d{1,2}(?:\.\d+)?)", quantity):
        share = float(match[1]) / 100
        if share > 0:
            return lambda law: float(law.quantile(share))
    known = [*FAMILIES[family].params, "mean", "median", "p95"]
    raise UsageError(
        f"the {family} law has no such quantity", value=quantity, remedy=nearest(quantity, known)
    )
