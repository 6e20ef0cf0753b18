"""Maximise a smooth function of one to three variables with a damped Newton method.

The method runs from several start points at once: each start is one row of an array, so that one function
call evaluates all of them. Derivatives are central differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from outage_analysis.losses.severity.families import Array

STEP = 1e-3
"""The step of the finite differences. Their error is of the order of its fourth power."""
FIRST_STEPS, MORE_STEPS, POLISHING_STEPS = 60, 400, 6
"""The largest number of steps from each start, from the best of these points, and of undamped steps at the
end."""
NOISE = 1e-14
"""The relative rounding error of a function value."""
MAX_STEP_LENGTH = 1.5
"""The largest change of a variable in one step."""
MIN_STEP = 1e-9
"""The iteration ends if all steps are smaller."""

Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Optimum:
    """The maximum of a function: its coordinates, and the value, gradient and Hessian at this point."""

    point: Array
    value: float
    gradient: Array
    hessian: Array


def derivatives(function: Function, at: Array) -> tuple[Array, Array, Array]:
    """The values (m,), gradients (m, p) and Hessians (m, p, p) of a function at m points (m, p).

    A derivative is not finite if the function is not finite at a point that its finite difference uses.
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
    """Find the maximum of a function. Start from m points (m, p), and continue from the best result.

    The function must be finite at the start points.
    """
    at = _climb(function, starts.astype(float), FIRST_STEPS)
    best = at[[int(np.argmax(function(at)))]]
    return _polish(
        function, _climb(function, best, MORE_STEPS)
    )  # many steps, because progress along a flat ridge is slow


def _climb(function: Function, at: Array, steps: int) -> Array:
    """Move each point uphill with damped Newton steps until it stops moving or `steps` is reached.

    A step that does not increase the value is repeated with more damping. Where the function curves upwards,
    the absolute value of the curvature is used.
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
    """The value, gradient and Hessian of a function at one point, (1, p).

    Finite differences follow the principal axes of the curvature. Their step is shorter where the curvature
    is larger, because a narrow maximum needs short steps.
    """
    sizes, axes = np.linalg.eigh(_zero_if_not_finite(derivatives(function, at)[2][0]))
    scale = np.sqrt(np.maximum(np.abs(sizes), 1.0))
    units, back = axes / scale, (axes * scale).T
    value, gradient, hessian = derivatives(lambda u: function(at + u @ units.T), np.zeros_like(at))
    with np.errstate(invalid="ignore"):
        return Optimum(at[0], float(value[0]), back.T @ gradient[0], back.T @ hessian[0] @ back)


def _damped_step(gradient: Array, hessian: Array, damping: Array) -> Array:
    """The damped Newton step at each of m points (m, p); it uses the absolute value of the curvature."""
    sizes, axes = np.linalg.eigh(_zero_if_not_finite(hessian))
    curved = np.maximum(np.abs(sizes), 1e-10) + damping[:, None]
    along = np.einsum("mji,mj->mi", axes, _zero_if_not_finite(gradient)) / curved
    step = np.einsum("mij,mj->mi", axes, along)
    longest = np.abs(step).max(axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1, MAX_STEP_LENGTH / np.maximum(longest, 1e-300)))


def _zero_if_not_finite(numbers: Array) -> Array:
    """Replace values that are not finite by 0, so that they do not affect the direction of a step."""
    return np.where(np.isfinite(numbers), numbers, 0.0)
