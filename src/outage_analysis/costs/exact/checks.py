"""What probabilities must show before they leave the engine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LIMIT = 1e-9
"""What any check may be off."""
EDGE, SHORT = 8, 32
"""Points that count as the edge of a window, at most, and the part of it that they are at most."""


def checks(
    weights: Array,
    mean: float,
    variance: float,
    *,
    rounding: float,
    noise: float,
    open_ends: tuple[bool, bool],
) -> dict[str, float]:
    """How far a law is off, by check, beyond what rounding explains.

    Args:
        weights: of the window's points, before anything is mended.
        mean: where the mean must lie, in steps from the first point.
        variance: what it must be, in steps squared.
        rounding: how well that mean is known itself.
        noise: how well each weight is.
        open_ends: whether the support goes on below, above the window.
    """
    away = np.arange(len(weights)) - mean
    shift, spread = float((away * weights).sum()), float((away**2 * weights).sum())
    shift_noise, spread_noise = noise * float(np.abs(away).sum()), noise * float((away**2).sum())
    edge = min(EDGE, len(weights) // SHORT + 1)
    edges = [
        part.max() for part, open_ in zip((weights[:edge], weights[-edge:]), open_ends, strict=True) if open_
    ]
    return {
        "sum": abs(float(weights.sum()) - 1),
        "mean": max(abs(shift) - rounding - shift_noise, 0.0) / variance**0.5,
        "variance": max(abs(spread - variance) - spread_noise, 0.0) / variance,
        "negative": -float(np.minimum(weights, 0.0).sum()),
        "edges": float(max(edges, default=0.0) / weights.max()),
    }


def failed(found: Mapping[str, float]) -> list[str]:
    """What is off by more than `LIMIT`, or is no number, in words."""
    return [f"{name} off by {off:.1e}" for name, off in found.items() if not off <= LIMIT]
