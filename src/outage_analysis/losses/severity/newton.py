"""Where a smooth function of one to three numbers is greatest: damped Newton from several starts at once.

Every start is a row, so that one evaluation serves all of them; derivatives are central differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from outage_analysis.losses.severity.families import Array

STEP = 1e-3
"""Of the differences, on the logarithm of a parameter: their error is of the order of its fourth power."""
FIRST_STEPS, MORE_STEPS, POLISHING_STEPS = 60, 400, 6
NOISE = 1e-14
"""Of a value: what rounding may take from it."""
MAX_STEP_LENGTH = 1.5
"""Largest change of a parameter's logarithm in one step."""
MIN_STEP = 1e-9

Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Optimum:
    """The best point found: where, how high, and the slope and curvature there."""

    point: Array
    value: float
    gradient: Array
    hessian: Array


def derivatives(function: Function, at: Array) -> tuple[Array, Array, Array]:
    """Value (m,), gradient (m, p) and Hessian (m, p, p) at points (m, p).

    Not finite where a neighbour has no finite value.
    """
    p = at.shape[1]
    ones = np.eye(p)
    pairs = [(i, j) for i in range(p) for j in range(i)]
    moves = [np.zeros(p), *ones, *-ones, *(2 * ones), *(-2 * ones)]
    moves += [s * ones[i] + t * ones[j] for i, j in pairs for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    points = at[:, None, :] + STEP * np.array(moves)
    values = function(points.reshape(-1, p)).reshape(len(at), -1)
    middle, crossed = values[:, 0], values[:, 4 * p + 1 :]
    up, down, far_up, far_down = values[:, 1 : 4 * p + 1].reshape(len(at), 4, p).transpose(1, 0, 2)
    hessian = np.zeros((len(at), p, p))
    with np.errstate(invalid="ignore"):
        gradient = (8 * (up - down) - (far_up - far_down)) / (12 * STEP)
        bend = 16 * (up + down) - (far_up + far_down) - 30 * middle[:, None]
        hessian[:, range(p), range(p)] = bend / (12 * STEP**2)
        for number, (i, j) in enumerate(pairs):
            pp, pm, mp, mm = crossed[:, 4 * number : 4 * number + 4].T
            hessian[:, i, j] = hessian[:, j, i] = (pp - pm - mp + mm) / (4 * STEP**2)
    return middle, gradient, hessian


def maximise(function: Function, starts: Array) -> Optimum:
    """The greatest value reached from any of the starts (m, p), which must have finite values."""
    at = _climb(function, starts.astype(float), FIRST_STEPS)
    best = at[[int(np.argmax(function(at)))]]
    return _polish(function, _climb(function, best, MORE_STEPS))  # a flat ridge takes its time


def _climb(function: Function, at: Array, steps: int) -> Array:
    """Every start after so many steps uphill, or where it stands still.

    Steps are damped until they climb, and lean on the size of the curvature where it has the wrong sign.
    """
    damping = np.full(len(at), 1e-3)
    value, gradient, hessian = derivatives(function, at)
    for _ in range(steps):
        step = _damped_step(gradient, hessian, damping)
        better = function(at + step) > value
        at = np.where(better[:, None], at + step, at)
        damping = np.clip(np.where(better, damping / 10, damping * 10), 1e-12, 1e8)
        if np.all(np.abs(step).max(axis=1) < MIN_STEP):
            break
        value, gradient, hessian = derivatives(function, at)
    return at


def _polish(function: Function, at: Array) -> Optimum:
    """The last digits: near the top a value is too flat to climb by, its slope is not.

    Newton's own steps, undamped, may leave a curved ridge and come back to it further on; of the places
    on the way, that with the least slope is the top, unless it is lower.
    """
    first = place = best = _evaluate(function, at)
    for _ in range(POLISHING_STEPS):
        place = _evaluate(
            function, place.point[None] + _damped_step(place.gradient[None], place.hessian[None], np.zeros(1))
        )
        if not place.value >= first.value - NOISE * abs(first.value):
            continue
        if np.abs(place.gradient).max() < np.abs(best.gradient).max():
            best = place
    return best


def _evaluate(function: Function, at: Array) -> Optimum:
    """Value, slope and curvature at a point (1, p).

    Differences are taken along the axes of the curvature, in units of it: a narrow top needs short ones.
    """
    sizes, axes = np.linalg.eigh(_zero_if_not_finite(derivatives(function, at)[2][0]))
    scale = np.sqrt(np.maximum(np.abs(sizes), 1.0))
    units, back = axes / scale, (axes * scale).T
    value, gradient, hessian = derivatives(lambda u: function(at + u @ units.T), np.zeros_like(at))
    with np.errstate(invalid="ignore"):
        return Optimum(at[0], float(value[0]), back.T @ gradient[0], back.T @ hessian[0] @ back)


def _damped_step(gradient: Array, hessian: Array, damping: Array) -> Array:
    """Newton's step (m, p) with the curvature's size in place of its sign, damped."""
    sizes, axes = np.linalg.eigh(_zero_if_not_finite(hessian))
    curved = np.maximum(np.abs(sizes), 1e-10) + damping[:, None]
    along = np.einsum("mji,mj->mi", axes, _zero_if_not_finite(gradient)) / curved
    step = np.einsum("mij,mj->mi", axes, along)
    longest = np.abs(step).max(axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1, MAX_STEP_LENGTH / np.maximum(longest, 1e-300)))


def _zero_if_not_finite(numbers: Array) -> Array:
    """What is not finite, beside a place without a value, gives no direction."""
    return np.where(np.isfinite(numbers), numbers, 0.0)
