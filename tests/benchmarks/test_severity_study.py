"""Do 95 % intervals cover, and what do round sums do to a fit? `docs/validation.md` has the result.

Run `python -m pytest tests/benchmarks/test_severity_study.py -m bench -s`: it takes some ten minutes on two
cores and prints all tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import log_grid
from outage_analysis.losses import fit_severity

pytestmark = pytest.mark.bench

Array = NDArray[np.float64]
Edges = tuple[float, ...]
Answer = dict[str, tuple[float, bool]]
"""By quantity: the estimate over the truth less 1, and whether the interval holds the truth.

Under `REJECTED`: whether the goodness of fit is below 5 %.
"""
REJECTED = "rejected"

REPLICATIONS = 2_000
PROCESSES = 2
SMALL_BUSINESS = ("lognormal", 1.2, 300_000.0)
GENERAL = ("lognormal", 1.0, 30_000.0)
DISTRIBUTIONS = {"lognormal": SMALL_BUSINESS, "weibull": ("weibull", 0.8, 400_000.0)}
"""A family, its shape and its scale."""
SHAPE = {"lognormal": "sigma", "weibull": "tau"}
BANDS = (0.0, *np.geomspace(1e4, 1e7, 15).tolist(), np.inf)
Law = tuple[str, float, float]


def scipys(law: Law) -> Any:  # noqa: ANN401 - a law of scipy
    """The distribution as scipy has it."""
    family, shape, scale = law
    return {"lognormal": stats.lognorm, "weibull": stats.weibull_min}[family](shape, scale=scale)


def truths(law: Law) -> dict[str, float]:
    """What is asked of a fit, and the right answers."""
    truth = scipys(law)
    return {
        SHAPE[law[0]]: law[1],
        "median": float(truth.median()),
        "mean": float(truth.mean()),
        "p95": float(truth.ppf(0.95)),
    }


def sampled_losses(law: Law, n: int, rng: np.random.Generator) -> Array:
    """Losses of a law, by numpy's own generators."""
    family, shape, scale = law
    if family == "weibull":
        return np.asarray(scale * rng.weibull(shape, n))
    return rng.lognormal(np.log(scale), shape, n)


def counted(losses: Array, edges: Sequence[float]) -> list[int]:
    """Losses over each edge, up to the next: a round sum on an edge lies below it."""
    bands = np.searchsorted(edges[1:], losses)
    return [int(n) for n in np.bincount(bands, minlength=len(edges) - 1)]


def answers(law: Law, edges: Sequence[float], counts: Sequence[int]) -> Answer:
    """Errors and coverage of one sample; an interval that is refused holds nothing."""
    fit = fit_severity(edges, counts, family=law[0], top="open")
    found: Answer = {}
    for name, truth in truths(law).items():
        try:
            low, high = fit.interval(name)
        except ModelRefused:
            low, high = np.inf, -np.inf
        found[name] = fit.value(name) / truth - 1, low <= truth <= high
    found[REJECTED] = 0.0, fit.gof.p is not None and fit.gof.p < 0.05
    return found


def summary(samples: Sequence[Answer]) -> Iterator[tuple[str, float, float, float]]:
    """Quantity, mean error, coverage and its Monte-Carlo error, all in per cent."""
    for name in samples[0]:
        errors, held = np.array([sample[name] for sample in samples]).T
        share = held.mean()
        yield name, 100 * errors.mean(), 100 * share, 100 * np.sqrt(share * (1 - share) / len(held))


# --- without heaps ---------------------------------------------------------------------------------


def smooth(family: str, n: int, replication: int) -> Answer:
    rng = np.random.default_rng([n, replication])
    counts = counted(sampled_losses(DISTRIBUTIONS[family], n, rng), BANDS)
    return answers(DISTRIBUTIONS[family], BANDS, counts)


@pytest.mark.parametrize("n", [500, 8_461])
@pytest.mark.parametrize("family", DISTRIBUTIONS)
def test_intervals_cover_the_truth_as_often_as_they_say(family: str, n: int) -> None:
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        samples = list(pool.map(partial(smooth, family, n), range(REPLICATIONS), chunksize=20))
    print(f"\n{family}, {n:,} losses in {len(BANDS) - 1} bands, {REPLICATIONS:,} replications")
    print("| quantity | bias % | coverage % | ± |\n| --- | ---: | ---: | ---: |")
    rows = list(summary(samples))
    for name, bias, share, error in rows:
        print(f"| {name} | {bias:+.2f} | {share:.1f} | {error:.1f} |")
    covered = {row[0]: row[2] for row in rows}
    assert 3 <= covered.pop(REJECTED) <= 7
    assert {key: share for key, share in covered.items() if not 93 <= share <= 97} == {}


# --- with heaps ------------------------------------------------------------------------------------

UNITS = {1: 10, 1_000: 15, 10_000: 30, 50_000: 15, 100_000: 25}
"""Per cent of losses told in multiples of each: data/synthetic/kakao-2022.toml, as-syn-heaping."""
ON_EDGES = 5
"""Per cent put on the upper edge of the policy's band there."""
POLICY = (300_000.0, 500_000.0)


def decades(*leading: float, first: int = 3) -> Edges:
    """These numbers times each power of ten, from 1,000 to 10 million, with nothing and infinity."""
    inner = [lead * 10.0**k for k in range(first, 8) for lead in leading]
    return (0.0, *(edge for edge in inner if edge <= 1e7), np.inf)


def cuts(*places: int) -> Edges:
    """The cuts at these places of each decade of the fine grid, from 1,000 to 10 million."""
    grid = [round(10 ** (k + place / 24)) for k in range(3, 8) for place in places]
    assert {*grid} <= {*log_grid()}
    return (0.0, *(float(edge) for edge in grid if edge <= 1e7), np.inf)


EDGES: dict[str, Edges] = {
    "fine grid, 24 a decade": cuts(*range(24)),
    "display: 1 from 10,000 on, 300,000, 500,000": tuple(sorted({*decades(1, first=4), *POLICY})),
    "1, 2, 5": decades(1, 2, 5),
    "1.5, 2.5, 4.5, 7": decades(1.5, 2.5, 4.5, 7),
    "fine grid, every 5th of 24": cuts(5, 10, 15, 20),
}


def nearest_unit(losses: Array, unit: Array | float) -> Array:
    """Multiples of a unit; what would become nothing stays as it is."""
    told = np.rint(losses / unit) * unit
    return np.where(told > 0, told, losses)


# --- other ways of telling round sums, in the limit of many losses -----------------------------------


def significant(digits: int) -> Callable[[Array], Array]:
    def rounded(losses: Array) -> Array:
        return nearest_unit(losses, 10.0 ** (np.floor(np.log10(losses)) - digits + 1))

    return rounded


def popular(*leading: float) -> Callable[[Array], Array]:
    points = np.array([lead * 10.0**k for k in range(-2, 12) for lead in leading])
    middles = (points[1:] + points[:-1]) / 2
    return lambda losses: points[np.searchsorted(middles, losses)]


def up(unit: float) -> Callable[[Array], Array]:
    return lambda losses: np.ceil(losses / unit) * unit


ROUNDINGS: dict[str, list[tuple[float, Callable[[Array], Array]]]] = {
    "page's units": [
        (ON_EDGES, np.asarray),
        *((weight, partial(nearest_unit, unit=float(unit))) for unit, weight in UNITS.items()),
    ],
    "digits": [(20, np.asarray), (25, significant(2)), (35, significant(1)), (20, popular(1, 5))],
    "1-2-3-5": [(30, np.asarray), (30, significant(2)), (40, popular(1, 2, 3, 5))],
    "page's units, upwards": [(30, np.asarray), (15, up(1e3)), (30, up(1e4)), (15, up(5e4)), (10, up(1e5))],
}


def limit_errors(distribution: Law, edges: Edges, rounding: str) -> list[float]:
    """Errors in per cent of what is asked, when losses without number are told so."""
    exact = np.asarray(scipys(distribution).ppf((np.arange(200_000) + 0.5) / 200_000))
    counts = np.zeros(len(edges) - 1)
    for weight, told in ROUNDINGS[rounding]:
        counts += weight * np.array(counted(told(exact), edges))
    found = answers(distribution, edges, counts.astype(int).tolist())
    return [100 * error for key, (error, _) in found.items() if key != REJECTED]


def test_which_edges_withstand_other_round_sums() -> None:
    errors = {
        (name, rounding, law): limit_errors(law, edges, rounding)
        for (name, edges), rounding, law in product(EDGES.items(), ROUNDINGS, (SMALL_BUSINESS, GENERAL))
    }
    print("\n| edges in a decade | root mean square | worst |\n| --- | ---: | ---: |")
    size = {}
    for name in EDGES:
        off = np.array([e for (n, r, _), e in errors.items() if n == name and not r.endswith("upwards")])
        size[name] = np.sqrt((off**2).mean())
        print(f"| {name} | {size[name]:.1f} | {np.abs(off).max():.1f} |")
    assert min(size, key=size.__getitem__) == "fine grid, every 5th of 24"
