"""The uncertainty run: its time, whether claims cost anything, and its P99 beside the truth.

The benchmark portfolio of the P99 error: 8,461 claims, paid by the tiers and the reviewed sum of
`tests/golden/exact_cases.json`, of which a share is valid that follows Beta(80, 20). Its true law is the
convolution given the share, averaged over the share by quadrature.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from outage_analysis.assumptions import Award, BandMix, RateAssumption, load_ledger
from outage_analysis.assumptions.distributions import Beta
from outage_analysis.costs import DRAWS, build_portfolio, simulate
from outage_analysis.costs.expected import Portfolio
from outage_analysis.costs.simulation import Estimate
from outage_analysis.costs.terms import Group, Input
from outage_analysis.losses import EDGES, MEASURES, Cube
from outage_analysis.policies import load_policy
from tests.benchmarks.test_severity_speed import median_milliseconds
from tests.costs.convolution import Total, total_of_claims
from tests.costs.test_convolution import CASES
from tests.costs.uncertain_portfolios import DAY, REPORTS, entry, ledger_of, mix, portfolio, shops, term_of

pytestmark = pytest.mark.bench

TIERS = CASES["tiers_and_review"]
MEASURES_ASKED = (0.1, 0.5, 0.9, 0.95, 0.99)
ASKED = 150
"""Milliseconds."""
SEEDS = range(12)
NODES = 120


def kakao() -> Portfolio:
    return build_portfolio(load_policy("kakao-2022"), load_ledger("kakao-2022"), as_of=DAY)


def answered(folio: Portfolio, seed: int = 1) -> list[Estimate]:
    """A run with the answers of a report about its cash."""
    distribution = simulate(folio, seed=seed).totals["cash"]
    return [*(distribution.quantile(p) for p in MEASURES_ASKED), distribution.tvar(0.95)]


def simulated(folio: Portfolio, draws: int, seed: int = 1) -> np.ndarray:
    """Totals of the bundled cash: inputs, numbers of claims and awards from plain random numbers."""
    rng = np.random.default_rng(seed)
    (term,) = (s for s in folio.terms if s.valuation == "cash")
    entries = [folio.entries[name] for name in term.inputs]
    values = {a.id: a.draw(rng.random((draws, a.dimensions))) for a in entries}
    rate = np.prod([values[a.id] for a in entries if isinstance(a, RateAssumption)], axis=0)
    (shares,) = (values[a.id] for a in entries if isinstance(a, BandMix))
    ((award, spread),) = ((values[a.id], a.spread) for a in entries if isinstance(a, Award))
    claims = rng.multinomial(rng.binomial(int(term.trials), rate), shares)
    sigma = np.log1p(spread**2) ** 0.5
    singles = rng.lognormal(-(sigma**2) / 2, sigma, claims[:, 2].sum())
    places = np.repeat(np.arange(draws), claims[:, 2])
    reviewed = np.bincount(places, weights=singles, minlength=draws) * award
    return np.asarray(30_000 * claims[:, 0] + 50_000 * claims[:, 1] + reviewed)


def print_error(name: str, found: float, error: float) -> None:
    print(f"{name:>8} {found:18,.0f} ± {error:14,.0f} {error / found:8.3%}")


def test_a_run_of_the_bundled_case_beside_a_plain_simulation() -> None:
    folio = kakao()
    ours = median_milliseconds(partial(answered, folio))
    theirs = median_milliseconds(partial(simulated, folio, DRAWS), rounds=5)
    print(f"\n{DRAWS:,} draws, five quantiles and the tail: {ours:.0f} ms, asked: {ASKED}")
    print(f"as many cash totals by numpy, without an error: {theirs:.0f} ms")
    names = [*(f"P{round(100 * p)}" for p in MEASURES_ASKED), "tvar95"]
    for name, found in zip(names, answered(folio), strict=True):
        print_error(name, found.value, found.error)
    plain = np.array([np.quantile(simulated(folio, DRAWS, seed), MEASURES_ASKED) for seed in SEEDS])
    scrambled = np.array([[x.value for x in answered(folio, seed)[:-1]] for seed in SEEDS])
    print("spread over seeds, ours and numpy's, and how many times as many draws numpy would take")
    for name, one, other in zip(names, scrambled.T, plain.T, strict=False):
        mine, its = one.std(ddof=1), other.std(ddof=1)
        print(f"{name:>8} {mine / one.mean():8.3%} {its / other.mean():8.3%} {(its / mine) ** 2:6.1f}")
        assert abs(one.mean() - other.mean()) < 5 * (mine + its) / len(SEEDS) ** 0.5


def cube_of(claims: int, services: int) -> Cube:
    """Synthetic counts: as many claims in each of many cells."""
    bands = [(0, 300_000), (300_000, 500_000), (500_000, None)]
    cells = [(f"s{n}", low, high) for n in range(services) for low, high in bands]
    rows = [(*cell, claims // len(cells), None, None) for cell in cells]
    frame = pl.DataFrame(rows, schema={"service": pl.String, **EDGES, **MEASURES}, orient="row")
    return Cube(frame, ("service",), synthetic=True, source="a benchmark")


def test_claims_and_cells_cost_nothing() -> None:
    ledger = ledger_of(
        entry("filing_share", Beta(a=2, b=5)),
        entry("acceptance", Beta(a=4, b=2)),
        entry("review_award", Beta(a=2, b=2), spread=1.0),
        mix(0.5, 0.3, 0.2),
    )
    print("\nms of a run from a cube, by claims and cells")
    for claims in (10**4, 10**7, 10**10):
        for services in (1, 100):
            policy = shops(published_count=None)
            folio = build_portfolio(policy, ledger, as_of=DAY, cubes=[cube_of(claims, services)])
            taken = median_milliseconds(partial(answered, folio), rounds=9)
            print(f"{claims:15,} claims in {3 * services:4} cells: {taken:6.1f}")
            assert sum(len(s.parts) for s in folio.terms) == 2


def benchmark_portfolio() -> Portfolio:
    """The stated benchmark, as a line of as many bands as there are payments."""
    shares = np.array(TIERS["probabilities"])
    shares = (shares / shares.sum()).tolist()
    pays = (TIERS["unit"] * np.arange(len(shares))).tolist()
    groups = tuple(
        Group(Input.certain(REPORTS * pay), REPORTS, REPORTS * pay**2, position=k)
        for k, pay in enumerate(pays)
    )
    term = replace(term_of(REPORTS, 1, "acceptance"), groups=groups, mix="band-mix")
    bands = mix(*shares, edges=range(1, len(shares)))
    return portfolio(term, entries=[entry("acceptance", Beta(a=80, b=20)), bands])


def true_distribution() -> Any:  # noqa: ANN401 - a function of p
    """The quantile function of the benchmark: exact laws at the nodes of a quadrature over the share."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    valid = stats.beta(80, 20)
    low, high = valid.ppf([1e-13, 1 - 1e-13])
    shares = (low + high) / 2 + (high - low) / 2 * nodes
    weights = weights * valid.pdf(shares) * (high - low) / 2
    payments = {TIERS["unit"] * k: p for k, p in enumerate(TIERS["probabilities"]) if p}
    assert abs(weights.sum() - 1) < 1e-10
    totals = [total_of_claims([(REPORTS, share, payments)]) for share in shares.tolist()]
    mixed = sum(weight * total.weights for weight, total in zip(weights, totals, strict=True))
    return Total(totals[0].amounts, np.asarray(mixed)).quantile


def test_the_p99_of_the_benchmark_portfolio_is_right_to_a_thousandth() -> None:
    folio, truth = benchmark_portfolio(), true_distribution()
    distributions = [simulate(folio, seed=seed).totals["cash"] for seed in SEEDS]
    print("\nbenchmark portfolio: truth, largest error over the seeds, stated error; asked at P99: 0.1 %")
    for p in MEASURES_ASKED:
        found = [distribution.quantile(p) for distribution in distributions]
        right = truth(p)
        off = max(abs(x.value / right - 1) for x in found)
        print(f"P{round(100 * p):<3} {right:15,} {off:9.4%} {max(x.error for x in found) / right:9.4%}")
        assert off < 1e-3
