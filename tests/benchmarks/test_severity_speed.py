"""Seven families with errors and goodness of fit, beside scipy's fits to the same censored data."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from scipy import stats

from outage_analysis.losses import FAMILIES, Fits, fit_all
from tests.losses.test_severity import DENTAL, shares

pytestmark = pytest.mark.bench

ROUNDS = 15
SCIPYS = {
    "exponential": (stats.expon, ()),
    "gamma": (stats.gamma, (1.0,)),
    "weibull": (stats.weibull_min, (1.0,)),
    "lognormal": (stats.lognorm, (1.0,)),
    "loglogistic": (stats.fisk, (1.5,)),
    "lomax": (stats.lomax, (2.0,)),
    "burr": (stats.burr12, (1.5, 1.5)),
}
"""scipy's law of each family and shapes to start from; its scale starts at the median."""


def median_milliseconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median of some runs after one that warms the caches."""
    work()
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(1e3 * (time.perf_counter() - start))
    return statistics.median(taken)


def with_errors_and_goodness(top: str, families: tuple[str, ...] = tuple(FAMILIES)) -> Fits:
    fits = fit_all(DENTAL["edges"], DENTAL["counts"], top=top, families=families)
    for fit in fits.values():
        assert fit.se
        assert fit.gof.p is not None
    return fits


def by_scipy(data: stats.CensoredData, family: str) -> tuple[float, ...]:
    """The parameters of scipy's fit."""
    distribution, shapes = SCIPYS[family]
    return tuple(map(float, distribution.fit(data, *shapes, floc=0, scale=200)))


@pytest.mark.parametrize("top", ["closed", "open"])
def test_seven_families_beside_scipys_fits_to_the_same_data(top: str) -> None:
    edges = [*DENTAL["edges"][:-1], np.inf if top == "open" else DENTAL["edges"][-1]]
    rows = np.repeat(np.array([edges[:-1], edges[1:]]).T, DENTAL["counts"], axis=0)
    known = np.isfinite(rows[:, 1])
    data = stats.CensoredData(interval=rows[known], right=rows[~known, 0])
    fits = with_errors_and_goodness(top)
    print(f"\n{top}, 10 bands: ms ours, ms scipy, their ratio, log-likelihood ours - scipy")
    slow = 0.0
    for family in FAMILIES:
        ours = median_milliseconds(partial(with_errors_and_goodness, top, (family,)))
        theirs = median_milliseconds(partial(by_scipy, data, family), rounds=3)
        slow += theirs
        distribution = SCIPYS[family][0](*by_scipy(data, family))
        ahead = fits[family].loglik - float(DENTAL["counts"] @ np.log(shares(distribution, edges)))
        print(f"{family:12} {ours:7.1f} {theirs:8.1f} {theirs / ours:6.0f} {ahead:+.1e}")
        assert -1e-7 < ahead < 1e-4, family
    ours = median_milliseconds(partial(with_errors_and_goodness, top))
    print(f"all seven    {ours:7.1f} {slow:8.1f} {slow / ours:6.0f}    asked: at most 100 ms")


def test_time_by_bands_and_losses_of_the_distribution_that_was_put_in() -> None:
    print("\nseven families: ms by bands and losses")
    for bands in (10, 73, 400):
        edges = [0.0, *np.geomspace(1e4, 1e7, bands - 1).tolist(), np.inf]
        due = np.diff(stats.lognorm(1.2, scale=3e5).cdf(edges))
        for losses in (10**3, 10**6, 10**9):
            counts = np.rint(losses * due).astype(int).tolist()
            taken = median_milliseconds(partial(fit_all, edges, counts, top="open"), rounds=5)
            print(f"{bands:4} bands, {losses:13,} losses: {taken:7.1f}")
            found = fit_all(edges, counts, top="open")["lognormal"]
            assert abs(found.params["sigma"] - 1.2) < max(4 * found.se["sigma"], 1e-3)


def test_time_of_intervals_that_hold_the_estimate() -> None:
    print("\n95 % intervals on 10 bands: ms")
    for family, fit in with_errors_and_goodness("open").items():
        for quantity in dict.fromkeys((*fit.params, "mean", "p95")):
            taken = median_milliseconds(partial(fit.interval, quantity), rounds=5)
            print(f"{family:12} {quantity:7} {taken:7.1f}")
            low, high = fit.interval(quantity)
            assert low < fit.value(quantity) < high
