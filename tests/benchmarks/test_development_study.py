"""How often the intervals of late claims hold: `make bench` prints the table; see the module's words.

Claims are drawn from each of the four curves, so that one of the families averaged is true and three are
not. An interval that held as often as it says for every single curve would have to know which one it is:
over all curves together it should.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from outage_analysis.development import CURVES, Branch, forecast
from outage_analysis.development.curves import shares

pytestmark = pytest.mark.bench

RUNS = 200
SHAPES = {"exponential": 1.0, "weibull": 0.7, "loglogistic": 1.2, "lognormal": 0.9}
FILED = {6: 3_000, 20: 6_000}
"""Claims by the last count, by the number of daily increments; the intake is then half over."""
LEVELS = (0.8, 0.95)


def held(family: str, phi: int, increments: int) -> tuple[list[float], float]:
    """How often each interval holds the late count, and the seconds a forecast takes."""
    rng = np.random.default_rng([increments, phi, len(family)])
    edges = np.append(np.arange(increments + 1.0), 2.0 * increments)
    p = shares(family, np.array(SHAPES[family]), np.array(0.7 * increments), edges)
    mean = p * FILED[increments] / p[:-1].sum()
    inside, start = np.zeros(len(LEVELS)), time.perf_counter()
    for _ in range(RUNS):
        counts = rng.poisson(mean) if phi == 1 else rng.negative_binomial(mean / (phi - 1), 1 / phi)
        filed = np.cumsum(counts[:-1]).tolist()
        late = forecast(edges[1:-1].tolist(), filed, [Branch("end", edges[-1])]).late["end"]
        ends = [late.interval(level) for level in LEVELS]
        inside += [low <= counts[-1] <= high for low, high in ends]
    return (inside / RUNS).tolist(), (time.perf_counter() - start) / RUNS


def test_how_often_predictive_intervals_hold() -> None:
    print(
        f"\ncoverage of the late count, {RUNS} runs each\n{'curve':<12} phi  increments    80 %    95 %    ms"
    )
    every = []
    for increments in FILED:
        for phi in (1, 3):
            for family in CURVES:
                (eighty, most), seconds = held(family, phi, increments)
                every.append((eighty, most))
                shown = f"{eighty:>8.1%}{most:>8.1%}{seconds * 1000:>6.0f}"
                print(f"{family:<12}{phi:>4}{increments:>12}{shown}", flush=True)
    eighty, most = np.mean(every, axis=0)
    print(f"{'all':<28}{eighty:>8.1%}{most:>8.1%}")
    assert 0.78 < eighty < 0.92  # few increments leave phi open, so intervals are then wide
    assert 0.93 < most < 0.995
