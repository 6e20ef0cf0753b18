"""Fit one family to grouped losses by maximum likelihood; standard errors, goodness of fit, intervals."""

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
from scipy import special

from outage_analysis.errors import ModelRefused, UsageError, check_level
from outage_analysis.files import spelling_hint
from outage_analysis.losses.severity.families import FAMILIES, Array, Family, LossDistribution
from outage_analysis.losses.severity.grouped import GroupedLosses
from outage_analysis.losses.severity.intervals import Method, profile, wald
from outage_analysis.losses.severity.newton import Optimum, maximise
from outage_analysis.text import Card, Displayable

MIN_EXPECTED = 5.0
"""Neighbouring bands are pooled until each has at least this many expected losses."""


@dataclass(frozen=True)
class Goodness:
    """Pearson's chi-square test of counts against the expected counts of a distribution.

    `df`, the degrees of freedom, is the number of pooled bands minus 1 minus the number of parameters. If
    `df` is not positive, the p-value `p` is None. `observed` and `expected` are the counts of the pooled
    bands.
    """

    chi_square: float
    df: int
    p: float | None
    observed: tuple[int, ...]
    expected: tuple[float, ...]


def goodness(counts: Array, expected: Array, parameters: int, least: float = MIN_EXPECTED) -> Goodness:
    """Test counts against expected counts, with bands pooled until each has `least` expected losses."""
    observed, due = pool_bands(counts, expected, least)
    with np.errstate(all="ignore"):
        chi = float(((observed - due) ** 2 / due).sum())
    df = len(observed) - 1 - parameters
    p = float(special.chdtrc(df, max(chi, 0))) if df > 0 else None
    return Goodness(chi, df, p, tuple(map(int, observed)), tuple(map(float, due)))


def pool_bands(counts: Array, expected: Array, least: float) -> tuple[Array, Array]:
    """Add up neighbouring bands from the first on until each has `least` expected losses.

    Bands that remain at the end are added to the last pooled band.

    Returns:
        The counts and the expected counts of the pooled bands.
    """
    groups: list[list[float]] = []
    observed = due = 0.0
    for count, share in zip(counts, expected, strict=True):
        observed, due = observed + count, due + share
        if due >= least:
            groups.append([observed, due])
            observed = due = 0.0
    if observed or due:
        if groups:
            groups[-1][0] += observed
            groups[-1][1] += due
        else:
            groups.append([observed, due])
    return np.array(groups).T[0], np.array(groups).T[1]


START_SHAPES = (0.05, 0.25, 0.5, 1.0, 2.0, 4.0, 16.0, 100.0)
"""Start values of each shape parameter. The optimiser starts from the likeliest of their combinations."""
BEST_STARTS, EDGE_STARTS = 4, 2
"""The optimiser starts from the likeliest 4 combinations and from the likeliest 2 with an extreme shape."""
MAX_SLOPE = 1e-6
"""The largest slope of the mean log-likelihood at an optimum; a steeper point is not an optimum."""
MIN_CURVATURE = 1e-7
"""The smallest curvature of the mean log-likelihood that is distinguishable from rounding error."""
MAX_LOG_ERROR = 10.0
"""A larger standard error of a parameter's logarithm means that a shape parameter diverges."""
MAX_LOG_PARAMETER = 300.0
"""Logarithms of parameters are clipped to this, so that exp() does not overflow."""
MAX_LOG_SHAPE = 7.0
"""A larger logarithm of a shape parameter also means that the parameter diverges."""


@dataclass(frozen=True, repr=False)
class Fit(Displayable):
    """A distribution fitted to grouped losses. All amounts are in the unit of the band edges."""

    grouped: GroupedLosses
    distribution: LossDistribution
    covariance: Array = field(compare=False)
    """The covariance matrix of the parameters, in their order."""
    loglik: float
    optimum: Optimum = field(compare=False)
    """The maximum of the mean log-likelihood per loss. Its coordinates are the logarithms of the parameters,
    with losses in units of `grouped.unit`."""

    def card(self, lang: str = "en") -> Card:
        """The notebook display: the parameters, and the counted and expected losses per band."""
        from outage_analysis.losses.severity.display import fit_card

        return fit_card(self, lang)

    @property
    def family(self) -> str:
        """The name of the fitted family."""
        return self.distribution.family

    @property
    def params(self) -> MappingProxyType[str, float]:
        """The parameters by name."""
        return MappingProxyType(dict(self.distribution.params))

    @property
    def se(self) -> MappingProxyType[str, float]:
        """The standard errors of the parameters by name, from the curvature of the likelihood."""
        errors = np.sqrt(np.diag(self.covariance)).tolist()
        return MappingProxyType(dict(zip(self.distribution.params, errors, strict=True)))

    @property
    def n(self) -> int:
        """The number of losses."""
        return self.grouped.n

    @property
    def aicc(self) -> float:
        """Akaike's criterion with the correction for small samples (AICc); smaller is better."""
        p, spare = len(self.distribution.params), self.n - len(self.distribution.params) - 1
        return 2 * p - 2 * self.loglik + (2 * p * (p + 1) / spare if spare > 0 else np.inf)

    @cached_property
    def expected(self) -> Array:
        """The expected number of losses in each band under the fitted distribution, (k,)."""
        shares = self.grouped.probabilities(FAMILIES[self.family], np.exp(self.optimum.point)[None])
        return np.asarray(shares[0] * self.n)

    @property
    def gof(self) -> Goodness:
        """The goodness-of-fit test; neighbouring bands are pooled until each has 5 expected losses."""
        return self.goodness()

    def goodness(self, least_expected: float = MIN_EXPECTED) -> Goodness:
        """The goodness-of-fit test, with bands pooled until each has `least_expected` expected losses.

        With `least_expected=0` bands are not pooled, as in textbook examples. Otherwise, if losses beyond the
        first or last edge would have been counted, the losses that are expected there are added to the first
        or last band.
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
        """The loss that a share p of the losses does not exceed."""
        return self.distribution.quantile(p)

    @property
    def mean(self) -> float:
        """The mean loss; infinite if the tail is too heavy."""
        return self.distribution.mean

    def mean_excess(self, d: float) -> float:
        """The mean of (loss - d) among losses above d."""
        return self.distribution.mean_excess(d)

    def band_probabilities(self, new_edges: Sequence[float]) -> Array:
        """The share of losses in each band between any successive edges: k + 1 edges give k shares."""
        return self.distribution.band_probabilities(new_edges)

    def value(self, quantity: Quantity) -> float:
        """The value of a quantity (such as `mean` or `p95`) under the fitted distribution; see `Quantity`."""
        return quantity_function(quantity, self.family)(self.distribution)

    def interval(
        self, quantity: Quantity, level: float = 0.95, method: Method = "profile"
    ) -> tuple[float, float]:
        """A confidence interval for a quantity of the fitted distribution, such as its mean or a percentile.

        Args:
            quantity: a parameter, `mean`, `median`, a percentile such as `p95`, or a function of a
                `LossDistribution`.
            level: the confidence level, between 0 and 1.
            method: `profile` is the range of the quantity over all distributions of the family that a
                likelihood ratio test does not reject; it contains only possible values and may be asymmetric.
                `wald` is the estimate plus and minus a multiple of its standard error (delta method).

        Raises:
            UsageError: the quantity or method does not exist, or the level is outside 0 to 1.
            ModelRefused: the quantity is infinite under the fitted distribution.
        """
        check_level(level)
        methods = {"profile": profile, "wald": wald}
        if method not in methods:
            raise UsageError("no such method", value=method, remedy=spelling_hint(method, list(methods)))
        evaluate = quantity_function(quantity, self.family)
        if not np.isfinite(evaluate(self.distribution)):
            raise ModelRefused(
                f"the quantity is infinite under the fitted {self.family} distribution",
                remedy="Ask for a quantile or a limited mean, which always exist.",
            )
        return methods[method](self.grouped, FAMILIES[self.family], self.optimum, evaluate, level)


def fit(grouped: GroupedLosses, family: Family) -> Fit:
    """Fit a family to grouped losses by maximum likelihood.

    Raises:
        ModelRefused: there are too few bands, or the likelihood has no maximum because a shape parameter
            diverges.
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
    distribution = LossDistribution(
        family.name, MappingProxyType(dict(zip(family.params, params.tolist(), strict=True)))
    )
    return Fit(grouped, distribution, covariance, best.value * grouped.n, best)


def _starts(grouped: GroupedLosses, family: Family) -> Array:
    shapes = np.array(list(product(START_SHAPES, repeat=len(family.params) - 1)))
    params = np.insert(shapes, family.scale_index, 1.0, axis=1)
    with np.errstate(all="ignore"):
        _, inner = family.split(params)
        middle = np.broadcast_to(family.kernel.isf(0.5, *inner), (len(params), 1))[:, 0]
        scales = [1 / middle, *(np.full(len(params), q) for q in _low_quantiles(grouped))]
        candidates = np.concatenate([_with_scale(params, family.scale_index, scale) for scale in scales])
    loglik = grouped.loglik(family, candidates)
    order = np.argsort(-loglik, kind="stable")
    if loglik[order[0]] == -np.inf:
        _refuse_no_likelihood(family)
    # Also start from extreme shape parameters: if the maximum is there, other starts do not reach it.
    at_end = np.isin(np.tile(shapes, (len(scales), 1))[order], (START_SHAPES[0], START_SHAPES[-1])).any(
        axis=1
    )
    chosen = np.unique([*order[:BEST_STARTS], *order[at_end][:EDGE_STARTS]])
    return np.asarray(np.log(candidates[chosen[np.isfinite(loglik[chosen])]]))


def _with_scale(params: Array, index: int, scale: Array) -> Array:
    scaled = params.copy()
    scaled[:, index] = scale
    return scaled


def _low_quantiles(grouped: GroupedLosses) -> list[float]:
    shares = np.cumsum(grouped.counts) / grouped.n
    bands = np.searchsorted(shares, (0.02, 0.2))
    return [edge / grouped.unit for edge in grouped.fitted_edges[bands + 1].tolist() if np.isfinite(edge)]


def _check_inner_optimum(best: Optimum, family: Family, n: int) -> None:
    if not (np.isfinite(best.gradient).all() and np.isfinite(best.hessian).all()):
        _refuse_no_likelihood(family)
    flat = np.linalg.eigvalsh(-best.hessian).min() < max(MIN_CURVATURE, 1 / (MAX_LOG_ERROR**2 * n))
    if flat or np.any(np.abs(np.delete(best.point, family.scale_index)) > MAX_LOG_SHAPE):
        raise ModelRefused(
            f"no {family.name} distribution is likeliest: its shape runs on without end, towards "
            f"{family.limiting_shape}",
            remedy="Fit another family, or give more bands.",
        )
    if np.abs(best.gradient).max() > MAX_SLOPE:
        raise ModelRefused(
            f"no likeliest {family.name} distribution was found: bands are too narrow for the digits of "
            "their edges",
            remedy="Give wider bands.",
        )


def _refuse_no_likelihood(family: Family) -> NoReturn:
    """Raise ModelRefused because a band that contains losses has probability 0 in floating point."""
    raise ModelRefused(
        f"no {family.name} distribution comes near these counts",
        remedy="Fit another family, or look whether the edges and counts belong together.",
    )


Quantity = str | Callable[[LossDistribution], float]
"""A parameter's name, `mean`, `median`, a percentile such as `p95`, or a function of a `LossDistribution`."""


def quantity_function(quantity: Quantity, family: str) -> Callable[[LossDistribution], float]:
    """The function that computes `quantity` (such as `mean` or `p95`) from a distribution of the family.

    Raises:
        UsageError: the quantity does not exist.
    """
    if callable(quantity):
        return quantity
    if quantity in FAMILIES[family].params:
        return lambda distribution: distribution.params[quantity]
    if quantity in ("mean", "median"):
        return lambda distribution: float(getattr(distribution, quantity))
    if match := re.fullmatch(r"p(\d{1,2}(?:\.\d+)?)", quantity):
        share = float(match[1]) / 100
        if share > 0:
            return lambda distribution: float(distribution.quantile(share))
    known = [*FAMILIES[family].params, "mean", "median", "p95"]
    raise UsageError(
        f"the {family} distribution has no such quantity",
        value=quantity,
        remedy=spelling_hint(quantity, known),
    )
