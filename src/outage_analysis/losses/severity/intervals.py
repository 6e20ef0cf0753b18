"""Confidence intervals for a quantity of a fitted distribution: Wald and profile likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from outage_analysis.losses.severity.families import Array, Family, LossDistribution
from outage_analysis.losses.severity.grouped import GroupedLosses
from outage_analysis.losses.severity.newton import STEP, Optimum, derivatives
from outage_analysis.text import ShortRepr

Method = Literal["profile", "wald"]
MAX_LOG_CHANGE = 16.0
"""The search ends if the logarithm of a parameter is this far from its estimate; that end is unbounded."""
TOLERANCE = 1e-6
"""How close the likelihood must be to its limit at an end of the interval, as a share of the allowed drop."""
UNBOUNDED_END = 8.0
"""An end that is further from the estimate on the logarithmic scale (a factor of 3,000) counts as
infinite."""
SCAN_FROM = 4.0
"""If an end is this far from the estimate in the logarithm of a parameter, a scan in all directions checks
it."""
MAX_LOG_VALUE = 1e3
"""Logarithms of the quantity, and the likelihood, are clipped at this value."""
DROP_SHARES = (0.1, 0.4, 1.0)
"""Newton's method finds each end for increasing shares of the allowed drop in likelihood, each time starting
from the result for the previous share."""
MAX_STEPS = 12
MAX_STEP_LENGTH = 0.4
"""The longest Newton step, relative to the radius of the accepted region."""
DIRECTIONS, REFINED_DIRECTIONS, REFINEMENTS = 400, 7, 10
"""The scan first tries 400 directions, then refines 10 times with a grid of 7 per dimension around the
best."""


def distribution_at(grouped: GroupedLosses, family: Family, at: Array) -> LossDistribution:
    """The distribution with the log parameters `at`; its scale is converted to the unit of the band edges."""
    with np.errstate(over="ignore"):
        params = np.exp(at)
    params[family.scale_index] *= grouped.unit
    return LossDistribution(family.name, dict(zip(family.params, params.tolist(), strict=True)))


def wald(
    grouped: GroupedLosses,
    family: Family,
    best: Optimum,
    evaluate: Callable[[LossDistribution], float],
    level: float,
) -> tuple[float, float]:
    """The Wald interval: the estimate plus and minus a normal quantile times its standard error.

    If the estimate is not negative, the lower end is not below 0.
    """
    value = evaluate(distribution_at(grouped, family, best.point))
    slope = _slope(lambda x: evaluate(distribution_at(grouped, family, x)), best.point)
    error = np.sqrt(slope @ np.linalg.solve(-best.hessian * grouped.n, slope))
    half = float(special.ndtri((1 + level) / 2) * error)
    return (max(value - half, 0.0) if value >= 0 else value - half), value + half


def profile(
    grouped: GroupedLosses,
    family: Family,
    best: Optimum,
    evaluate: Callable[[LossDistribution], float],
    level: float,
) -> tuple[float, float]:
    """The profile likelihood interval of a quantity.

    The interval extends from the smallest to the largest value of the quantity over all distributions that a
    likelihood ratio test does not reject.
    """
    low, high = (_end(AcceptedRegion(grouped, family, best, evaluate, level, sign)) for sign in (-1, 1))
    return low, high


@dataclass(frozen=True, repr=False)
class AcceptedRegion(ShortRepr):
    """The set of distributions that a likelihood ratio test does not reject.

    A point of the region has p coordinates: a linear transform of the logarithms of the p parameters, chosen
    so that the region is approximately a ball.
    """

    grouped: GroupedLosses
    family: Family
    best: Optimum
    quantity: Callable[[LossDistribution], float]
    level: float
    sign: int
    """The end to search for: -1 the smallest, 1 the largest value."""

    @cached_property
    def max_drop(self) -> float:
        """The largest accepted drop of the mean log-likelihood per loss below its maximum."""
        return float(special.chdtri(1, 1 - self.level)) / 2 / self.grouped.n

    @cached_property
    def scaling(self) -> Array:
        """The matrix (p, p) that converts a point of the accepted region to changes of the log parameters."""
        return np.asarray(np.linalg.inv(np.linalg.cholesky(-self.best.hessian)) * np.sqrt(2 * self.max_drop))

    @cached_property
    def positive(self) -> bool:
        """Whether the estimate of the quantity is positive.

        If the estimate is positive, the search uses the logarithm of the quantity, so that the unit of the
        quantity has no effect.
        """
        return self.value(np.zeros(len(self.best.point))) > 0

    def log_parameters(self, u: Array) -> Array:
        """The log parameters at points of the accepted region; both arrays have the shape (..., p)."""
        return np.asarray(
            self.best.point
            + np.minimum(np.maximum(u @ self.scaling, -2 * MAX_LOG_CHANGE), 2 * MAX_LOG_CHANGE)
        )

    def value(self, u: Array) -> float:
        """The value of the quantity for the distribution at the point `u` of the accepted region."""
        return self.quantity(distribution_at(self.grouped, self.family, self.log_parameters(u)))

    def signed_value(self, points: Array) -> Array:
        """The number to maximise when searching one end of the interval, at m points (m, p) of the region.

        The number is `sign` times the quantity, or `sign` times its logarithm if the estimate is positive.
        """
        values = np.array([self.value(u) for u in points])
        if self.positive:
            values = np.log(np.maximum(values, 1e-300))
        return np.asarray(np.clip(self.sign * np.nan_to_num(values), -MAX_LOG_VALUE, MAX_LOG_VALUE))

    def remaining_drop(self, points: Array) -> Array:
        """The unused share of the accepted drop in likelihood, at m points (m, p) of the accepted region.

        If the share is negative, the test rejects the distribution.
        """
        value = self.grouped.loglik(self.family, np.exp(self.log_parameters(points)))
        return np.asarray(np.maximum((value - self.best.value) / self.max_drop + 1, -MAX_LOG_VALUE))


def _end(region: AcceptedRegion) -> float:
    origin = np.zeros((1, len(region.best.point)))
    slope = derivatives(region.signed_value, origin)[1][0]
    scale = max(float(np.linalg.norm(slope)), 1e-300)  # the value divided by `scale` has the slope 1
    point, last_share = slope / scale, 1.0
    for share in DROP_SHARES:
        end = _constrained_maximum(region, point * np.sqrt(share / last_share), scale, share)
        if end is None:
            return _scan_for_end(region)
        point, last_share = end, share
    far = np.abs(region.log_parameters(point) - region.best.point).max() > SCAN_FROM
    return _scan_for_end(region) if far else region.value(point)


def _constrained_maximum(region: AcceptedRegion, point: Array, scale: float, share: float) -> Array | None:
    p, radius = len(point), np.sqrt(share)
    multiplier = None
    for _ in range(MAX_STEPS):
        _, gradients, curvatures = derivatives(lambda rows: region.signed_value(rows) / scale, point[None])
        drop, drop_gradients, drop_curvatures = derivatives(region.remaining_drop, point[None])
        gradient, drop_gradient = gradients[0], drop_gradients[0]
        if multiplier is None:
            steepness = float(np.linalg.norm(drop_gradient))
            if not (steepness > 0 and np.isfinite(steepness)):
                return None
            multiplier = float(np.linalg.norm(gradient)) / steepness
        system = np.zeros((p + 1, p + 1))
        system[:p, :p] = curvatures[0] + multiplier * drop_curvatures[0]
        system[:p, p] = system[p, :p] = drop_gradient
        residual = np.append(gradient + multiplier * drop_gradient, drop[0] - 1 + share)
        if (
            not (np.isfinite(system).all() and np.isfinite(residual).all())
            or np.linalg.matrix_rank(system) <= p
        ):
            return None
        step = np.linalg.solve(system, -residual)
        step *= min(1.0, MAX_STEP_LENGTH * radius / max(float(np.linalg.norm(step[:p])), 1e-300))
        point, multiplier = point + step[:p], multiplier + float(step[p])
        if np.abs(step[:p]).max() < TOLERANCE:
            error = float(region.remaining_drop(point[None])[0]) - 1 + share
            return point if multiplier > 0 and abs(error) < TOLERANCE else None
    return None


def _scan_for_end(region: AcceptedRegion) -> float:
    """Compute one end of the interval by trying many directions from the estimate and refining the best one.

    The scan is needed if the region is far from a ball: in some direction the likelihood never falls to its
    limit, or the quantity becomes infinite.
    """
    origin = np.zeros(len(region.best.point))
    directions, spread = _sphere(len(origin)), 0.1
    for _ in range(REFINEMENTS):
        radii, bounded = _radii(region, directions)
        highest = int(np.argmax(region.signed_value(directions * radii[:, None])))
        best = directions[highest]
        end, is_bounded = region.value(best * radii[highest]), bool(bounded[highest])
        near = np.array([*product(np.linspace(-1, 1, REFINED_DIRECTIONS), repeat=len(best))])
        directions = best + spread * near
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        spread /= 3
    distance = abs(np.log(end / region.value(origin))) if region.positive and end > 0 else np.inf
    if (is_bounded and not region.positive) or distance < (
        UNBOUNDED_END if is_bounded else UNBOUNDED_END / 2
    ):
        return end
    return np.inf if region.sign > 0 else 0.0


def _radii(region: AcceptedRegion, directions: Array) -> tuple[Array, NDArray[np.bool_]]:
    with np.errstate(divide="ignore"):
        farthest = MAX_LOG_CHANGE / np.abs(directions @ region.scaling).max(axis=1)
    low, high = np.zeros(len(farthest)), farthest.copy()
    bounded = region.remaining_drop(directions * farthest[:, None]) < 0
    for _ in range(50):
        middle = (low + high) / 2
        allowed = region.remaining_drop(directions * middle[:, None]) > 0
        low, high = np.where(allowed, middle, low), np.where(allowed, high, middle)
    return np.where(bounded, low, farthest), bounded


def _sphere(p: int) -> Array:
    if p == 1:
        return np.array([[1.0], [-1.0]])
    turns = np.arange(DIRECTIONS)
    if p == 2:  # noqa: PLR2004 - a circle
        angles = 2 * np.pi * turns / DIRECTIONS
        return np.column_stack([np.cos(angles), np.sin(angles)])
    height = 1 - (2 * turns + 1) / DIRECTIONS
    angles, wide = np.pi * (1 + np.sqrt(5)) * turns, np.sqrt(1 - height**2)
    return np.column_stack([wide * np.cos(angles), wide * np.sin(angles), height])


def _slope(function: Callable[[Array], float], at: Array) -> Array:
    moves = STEP * np.eye(len(at))
    return np.array([(function(at + m) - function(at - m)) / (2 * STEP) for m in moves])
