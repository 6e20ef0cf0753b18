"""Confidence intervals of a quantity of a fitted law."""

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

Method = Literal["profile", "wald"]
MAX_LOG_CHANGE = 16.0
"""How far the logarithm of a parameter may run from its estimate before its end counts as unbounded."""
TOLERANCE = 1e-6
"""How near the likelihood must be to its limit at an end, as a share of the drop."""
UNBOUNDED_END = 8.0
"""An end further from the estimate than this, on the logarithm, is as good as none: a factor of 3,000."""
SCAN_FROM = 4.0
"""An end as far out as this, on the logarithm of a parameter, is looked for in all directions."""
MAX_LOG_VALUE = 1e3
"""Where the logarithm of a quantity, or the likelihood, is cut off."""
DROP_SHARES = (0.1, 0.4, 1.0)
"""Shares of the drop in likelihood that is allowed: each end starts from the one before."""
MAX_STEPS = 12
MAX_STEP_LENGTH = 0.4
"""Of a step towards an end, in units of the half-width of the laws allowed."""
DIRECTIONS, REFINED_DIRECTIONS, REFINEMENTS = 400, 7, 10
"""Directions looked in at first; then so many abreast around the best one, closer and closer."""


def distribution_at(grouped: GroupedLosses, family: Family, at: Array) -> LossDistribution:
    """The law at logarithms of parameters, in the unit of the losses."""
    with np.errstate(over="ignore"):
        params = np.exp(at)
    params[family.scale_index] *= grouped.unit
    return LossDistribution(family.name, dict(zip(family.params, params.tolist(), strict=True)))


def wald(
    grouped: GroupedLosses,
    family: Family,
    best: Optimum,
    what: Callable[[LossDistribution], float],
    level: float,
) -> tuple[float, float]:
    """The estimate plus and minus its standard error times the normal quantile; not below 0."""
    value = what(distribution_at(grouped, family, best.point))
    slope = _slope(lambda x: what(distribution_at(grouped, family, x)), best.point)
    error = np.sqrt(slope @ np.linalg.solve(-best.hessian * grouped.n, slope))
    reach = float(special.ndtri((1 + level) / 2) * error)
    return (max(value - reach, 0.0) if value >= 0 else value - reach), value + reach


def profile(
    grouped: GroupedLosses,
    family: Family,
    best: Optimum,
    what: Callable[[LossDistribution], float],
    level: float,
) -> tuple[float, float]:
    """The least and the greatest value over all laws that the likelihood ratio does not reject."""
    low, high = (_end(AcceptedRegion(grouped, family, best, what, level, sign)) for sign in (-1, 1))
    return low, high


@dataclass(frozen=True)
class AcceptedRegion:
    """The laws that are not rejected, turned and stretched to about a ball of radius 1."""

    grouped: GroupedLosses
    family: Family
    best: Optimum
    quantity: Callable[[LossDistribution], float]
    level: float
    sign: int
    """Which end is looked for: -1 the least, 1 the greatest value."""

    @cached_property
    def max_drop(self) -> float:
        """What the log-likelihood of one loss may lose."""
        return float(special.chdtri(1, 1 - self.level)) / 2 / self.grouped.n

    @cached_property
    def scaling(self) -> Array:
        """From the ball to logarithms of parameters, (p, p)."""
        return np.asarray(np.linalg.inv(np.linalg.cholesky(-self.best.hessian)) * np.sqrt(2 * self.max_drop))

    @cached_property
    def positive(self) -> bool:
        """Whether the quantity is; then its unit has no part in how it is pushed."""
        return self.value(np.zeros(len(self.best.point))) > 0

    def log_parameters(self, u: Array) -> Array:
        """The logarithms of parameters (..., p) at points (..., p) of the ball."""
        return np.asarray(
            self.best.point
            + np.minimum(np.maximum(u @ self.scaling, -2 * MAX_LOG_CHANGE), 2 * MAX_LOG_CHANGE)
        )

    def value(self, u: Array) -> float:
        """The quantity at a point."""
        return self.quantity(distribution_at(self.grouped, self.family, self.log_parameters(u)))

    def signed_value(self, points: Array) -> Array:
        """How far the quantity is pushed at points (m, p): on its logarithm, if it is positive."""
        values = np.array([self.value(u) for u in points])
        if self.positive:
            values = np.log(np.maximum(values, 1e-300))
        return np.asarray(np.clip(self.sign * np.nan_to_num(values), -MAX_LOG_VALUE, MAX_LOG_VALUE))

    def remaining_drop(self, points: Array) -> Array:
        """What is left of the drop at points (m, p), as a share of it: below 0 a law is rejected."""
        value = self.grouped.loglik(self.family, np.exp(self.log_parameters(points)))
        return np.asarray(np.maximum((value - self.best.value) / self.max_drop + 1, -MAX_LOG_VALUE))


def _end(ball: AcceptedRegion) -> float:
    """One end: the quantity is pushed as far as the likelihood allows, its allowance growing step by step."""
    origin = np.zeros((1, len(ball.best.point)))
    ahead = derivatives(ball.signed_value, origin)[1][0]
    pace = max(float(np.linalg.norm(ahead)), 1e-300)  # so that push and limit change at one rate
    u, reached = ahead / pace, 1.0
    for share in DROP_SHARES:
        met = _met(ball, u * np.sqrt(share / reached), pace, share)
        if met is None:
            return _scanned(ball)
        u, reached = met, share
    far = np.abs(ball.log_parameters(u) - ball.best.point).max() > SCAN_FROM
    return _scanned(ball) if far else ball.value(u)


def _met(ball: AcceptedRegion, u: Array, pace: float, share: float) -> Array | None:
    """Where push and limit have one direction, by Newton's method; None when it does not settle there."""
    p, radius = len(u), np.sqrt(share)
    weight = None
    for _ in range(MAX_STEPS):
        _, gradients, curves = derivatives(lambda rows: ball.signed_value(rows) / pace, u[None])
        spare, limits, bends = derivatives(ball.remaining_drop, u[None])
        gradient, limit = gradients[0], limits[0]
        if weight is None:
            steep = float(np.linalg.norm(limit))
            if not (steep > 0 and np.isfinite(steep)):
                return None
            weight = float(np.linalg.norm(gradient)) / steep
        system = np.zeros((p + 1, p + 1))
        system[:p, :p] = curves[0] + weight * bends[0]
        system[:p, p] = system[p, :p] = limit
        missed = np.append(gradient + weight * limit, spare[0] - 1 + share)
        if (
            not (np.isfinite(system).all() and np.isfinite(missed).all())
            or np.linalg.matrix_rank(system) <= p
        ):
            return None
        step = np.linalg.solve(system, -missed)
        step *= min(1.0, MAX_STEP_LENGTH * radius / max(float(np.linalg.norm(step[:p])), 1e-300))
        u, weight = u + step[:p], weight + float(step[p])
        if np.abs(step[:p]).max() < TOLERANCE:
            left = float(ball.remaining_drop(u[None])[0]) - 1 + share
            return u if weight > 0 and abs(left) < TOLERANCE else None
    return None


def _scanned(ball: AcceptedRegion) -> float:
    """The same by looking in all directions, then closer and closer around the best of them.

    For laws far from a ball: where the likelihood never falls to its limit, or the quantity is infinite.
    """
    origin = np.zeros(len(ball.best.point))
    directions, spread = _sphere(len(origin)), 0.1
    for _ in range(REFINEMENTS):
        radii, bounded = _limits(ball, directions)
        pushed = ball.signed_value(directions * radii[:, None])
        at = int(np.argmax(pushed))
        best = directions[at]
        end, is_bounded = ball.value(best * radii[at]), bool(bounded[at])
        near = np.array([*product(np.linspace(-1, 1, REFINED_DIRECTIONS), repeat=len(best))])
        directions = best + spread * near
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        spread /= 3
    away = abs(np.log(end / ball.value(origin))) if ball.positive and end > 0 else np.inf
    if (is_bounded and not ball.positive) or away < (UNBOUNDED_END if is_bounded else UNBOUNDED_END / 2):
        return end
    return np.inf if ball.sign > 0 else 0.0


def _limits(ball: AcceptedRegion, directions: Array) -> tuple[Array, NDArray[np.bool_]]:
    """How far the likelihood allows to go in directions (m, p), and whether it ends the way at all."""
    with np.errstate(divide="ignore"):
        reach = MAX_LOG_CHANGE / np.abs(directions @ ball.scaling).max(axis=1)
    low, high = np.zeros(len(reach)), reach.copy()
    bounded = ball.remaining_drop(directions * reach[:, None]) < 0
    for _ in range(50):
        middle = (low + high) / 2
        allowed = ball.remaining_drop(directions * middle[:, None]) > 0
        low, high = np.where(allowed, middle, low), np.where(allowed, high, middle)
    return np.where(bounded, low, reach), bounded


def _sphere(p: int) -> Array:
    """Directions in one, two or three dimensions, evenly spread, (m, p)."""
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
