"""Exact totals beside the package `aggregate` and beside a plain simulation, and their growth with claims.

`aggregate` serves here only and is not in the lock files: `.venv/bin/python -m pip install
aggregate==0.30.1` before `make bench`, and `make clean` after it. Without it its test is skipped.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from outage_analysis.costs import Fixed, exact_total
from outage_analysis.costs.exact.components import Poisson
from outage_analysis.costs.exact.total_distribution import TotalDistribution
from tests.costs.test_exact import TIERS, tiers

pytestmark = pytest.mark.bench

DRAWS = 2**14
CASES: dict[str, tuple[Fixed | Poisson, int, int]] = {
    "fixed_8461": (Fixed(8461), 17, 5),
    "poisson_100000": (Poisson(100_000), 20, 15),
}
"""The count, the base-2 logarithm of the points that `aggregate` needs from 0 on, and the ms asked."""


def median_milliseconds(work: Callable[[], object], rounds: int = 15) -> float:
    """The median of some runs after one that warms the caches."""
    work()
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(1e3 * (time.perf_counter() - start))
    return statistics.median(taken)


def answered(count: Fixed | Poisson) -> TotalDistribution:
    """The law from plain numbers, with the answers of a report."""
    distribution = exact_total([tiers(count)])
    for p in (0.1, 0.5, 0.9, 0.99, 0.999):
        distribution.quantile(p)
    distribution.tvar(0.99)
    return distribution


def simulated(count: Fixed | Poisson, seed: int = 1) -> NDArray[np.int64]:
    """Draws of the total by numbers of claims at each payment: far faster than claim by claim."""
    rng, shares = np.random.default_rng(seed), np.array(TIERS["probabilities"])
    if isinstance(count, Fixed):
        claims = rng.multinomial(count.n, shares / shares.sum(), DRAWS)
    else:
        claims = rng.poisson(float(count.mean) * shares, (DRAWS, len(shares)))
    return np.asarray(claims @ (TIERS["unit"] * np.arange(len(shares))))


@pytest.mark.parametrize("name", CASES)
def test_beside_a_simulation_of_the_total(name: str) -> None:
    count, _, asked = CASES[name]
    distribution, draws = answered(count), simulated(count)
    for p in ("0.5", "0.99", "0.999"):
        true = TIERS[name]["q"][p]
        assert distribution.quantile(float(p)) == true
        off = np.quantile(draws, float(p)) / true - 1
        print(f"{name:15} P{100 * float(p):g}: ours to the unit, {DRAWS:,} draws off by {off:+.2%}")
    ours = median_milliseconds(partial(answered, count))
    theirs = median_milliseconds(partial(simulated, count), rounds=5)
    print(
        f"{name:15} ms ours {ours:.2f} (asked: {asked}), simulation {theirs:.0f}, ratio {theirs / ours:.0f}"
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_beside_the_package_aggregate(name: str) -> None:
    aggregate = pytest.importorskip("aggregate", reason="see the docstring for how to install it")
    count, log2, _ = CASES[name]
    payments = " ".join(str(i) for i, p in enumerate(TIERS["probabilities"]) if p)
    shares = " ".join(repr(p) for p in TIERS["probabilities"] if p)
    n, distribution = (count.n, "fixed") if isinstance(count, Fixed) else (count.mean, "poisson")
    their = aggregate.build(f"agg T {n} claims dsev [{payments}] [{shares}] {distribution}", update=False)

    def theirs() -> Any:  # noqa: ANN401 - a quantile of theirs
        their.update(log2=log2, bs=1, padding=0)
        return their.q(0.999)

    assert theirs() * TIERS["unit"] == answered(count).quantile(0.999) == TIERS[name]["q"]["0.999"]
    ours, slow = median_milliseconds(partial(answered, count)), median_milliseconds(theirs)
    print(
        f"\n{name:15} ms ours {ours:.2f}, aggregate {aggregate.__version__} on 2^{log2} points {slow:.1f}, "
        f"ratio {slow / ours:.0f}"
    )


@pytest.mark.parametrize("distribution", [Fixed, Poisson])
def test_time_grows_as_the_square_root_of_the_claims(distribution: Callable[[int], Fixed | Poisson]) -> None:
    print(
        f"\n{distribution.__name__}: claims, points, ms, over the line before (the square root of 10 is 3.2)"
    )
    before = None
    for claims in (800, 8_000, 80_000, 800_000, 8_000_000, 80_000_000):
        count = distribution(claims)
        points = len(answered(count).points)
        taken = median_milliseconds(partial(answered, count), rounds=5)
        ratio = f"{taken / before:6.1f}" if before else ""
        print(f"{claims:11,} {points:10,} {taken:9.2f} {ratio}")
        before = taken
        assert points < 210 * claims**0.5 + 2000
