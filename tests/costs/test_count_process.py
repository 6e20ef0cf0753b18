"""Random points, counts and sampled totals, beside SciPy's points and exact distributions by convolution."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from outage_analysis.costs import build_portfolio
from outage_analysis.costs.count_process import award_sum, binomial_count
from outage_analysis.costs.simulation import (
    MAX_DIMENSIONS,
    SampledTotal,
    correlate_ranks,
    direction_numbers,
    sobol_points,
    sobol_replicates,
)
from outage_analysis.errors import UsageError
from outage_analysis.incidents import log_grid
from tests.costs.convolution import Total, total_of_claims
from tests.costs.test_payouts import policy_of, tiers
from tests.costs.uncertain_portfolios import DAY, PROBABILITIES, distribution_of, entry, ledger_of, mix
from tests.loss_cubes import loss_cube
from tests.paths import GOLDEN

OFF = 0.002
"""The most that a probability may be off."""
TIERS = {"band": tiers([300_000, 500_000], [{"fixed": 30_000}, {"fixed": 50_000}, {"review": True}])}
TENTH = {"band": tiers([10**12], [{"share": 0.1}, {"fixed": 0}])}
MILLION = 1_000_000


def total_of(losses: Sequence[int], terms: dict[str, Any], filed: float, accepted: float) -> SampledTotal:
    """The total of claims with known rates, on the bands that the product gives them."""
    policy = policy_of(terms)
    single = sorted(set(losses)) if len(set(losses)) <= 200 else []
    cuts = {*log_grid(), *policy.breakpoints, *single, *(loss - 1 for loss in single)}
    cube = loss_cube(losses, *sorted(cut for cut in cuts if cut > 0))
    rates = ledger_of(entry("filing_share", filed), entry("acceptance", accepted))
    return distribution_of(build_portfolio(policy, rates, as_of=DAY, cubes=[cube]))


def exact_of(payments: Sequence[int], accepted: float) -> Total:
    """The exact distribution of what these claims are paid, each accepted with one chance."""
    return total_of_claims((n, accepted, {payment: 1}) for payment, n in Counter(payments).items())


def assert_close(total: SampledTotal, exact: Total) -> None:
    """Every probability to 0.002, every quantile between those of p - 0.002 and p + 0.002, none too large."""
    atoms, below = exact.amounts, exact.weights.cumsum()
    sampled = np.sort(total.values, axis=None)
    rounding = 1e-9 * atoms[-1]
    found = np.searchsorted(sampled, atoms + rounding, side="right") / total.values.size
    assert np.abs(found - below).max() <= OFF
    assert sampled[-1] <= atoms[-1] + rounding
    for p in PROBABILITIES:
        quantile = total.quantile(p)
        low, high = (atoms[min(int(np.searchsorted(below, q)), len(atoms) - 1)] for q in (p - OFF, p + OFF))
        within = quantile.error + rounding
        assert low - within <= quantile.value <= high + within


# --- three totals that a gamma distribution does not fit ---------------------------------------------


def test_five_claims_have_a_binomial_total() -> None:
    total, exact = total_of(5 * [200_000], TIERS, 0.5, 0.8), exact_of(5 * [30_000], 0.4)
    assert_close(total, exact)
    assert total.tvar(0.9).value == pytest.approx(exact.tvar(0.9), rel=1e-3)
    assert total.exceedance(60_000).value == pytest.approx(stats.binom(5, 0.4).sf(2), abs=1e-4)  # 0.317
    assert total.quantile(0.99).value <= 150_000
    assert total.exceedance(150_000).value == 0


def test_one_large_claim_is_paid_or_not() -> None:
    rng = np.random.default_rng(7)
    small = np.round(160_000 * np.exp(0.5 * rng.standard_normal(1_000))).astype(int).tolist()
    total = total_of([*small, 400 * MILLION], TENTH, 0.5, 0.5)
    assert total.exceedance(35 * MILLION).value == pytest.approx(0.25, abs=OFF)
    large = stats.binom(1_000, 0.25).mean() * np.mean(small) / 10 + 40 * MILLION
    assert total.quantile(0.9).value == pytest.approx(large, rel=0.01)
    assert total.quantile(0.99).value == pytest.approx(45 * MILLION, rel=0.01)
    assert total.values.max() <= (sum(small) + 400 * MILLION) / 10


def test_awards_that_scatter_have_the_tail_of_their_sum() -> None:
    """2,000 reviewed claims; single awards are lognormal with mean 100,000 and deviation 500,000."""
    rates = [entry("filing_share", 0.3), entry("acceptance", 0.5), mix(0.0, 0.0, 1.0)]
    award = entry("review_award", 100_000, spread=5.0)
    claims = loss_cube(2_000 * [900_000], 300_000, 500_000)
    total = distribution_of(
        build_portfolio(policy_of(TIERS), ledger_of(*rates, award), as_of=DAY, cubes=[claims])
    )
    unit, points = 10_000, 80_000  # the oracle pays whole multiples: each award goes to both neighbours
    single = stats.lognorm(np.sqrt(np.log1p(25)), scale=100_000 / np.sqrt(26))
    payments = np.arange(points + 1) * unit
    masses = lattice(single, payments)
    awards = dict(zip(payments.tolist(), (masses / masses.sum()).tolist(), strict=True))
    exact = total_of_claims([(2_000, 0.15, awards)])
    for x in (20 * MILLION, 30 * MILLION, 40 * MILLION, 80 * MILLION):
        assert total.exceedance(x).value == pytest.approx(1 - exact.cdf(x), abs=OFF)
    assert total.exceedance(40 * MILLION).value == pytest.approx(0.091, abs=OFF)
    assert total.quantile(0.99).value == pytest.approx(exact.quantile(0.99), rel=0.02)


def lattice(single: Any, x: np.ndarray) -> np.ndarray:  # noqa: ANN401 - scipy has no types
    """Probabilities on a lattice that keep the mean: each amount is split over its two neighbours."""
    sigma = single.args[0]
    mean_below = single.mean() * stats.norm.cdf(stats.norm.ppf(single.cdf(x)) - sigma)
    beyond = single.mean() - mean_below - x * single.sf(x)  # the expected excess over each point
    curved = np.diff(beyond) / np.diff(x)
    return np.maximum(np.diff(np.concatenate([[-1.0], curved, [0.0]])), 0.0)


# --- from one claim to many, from equal payments to one that dominates ---------------------------------


def lognormal(claims: int, spread: float, seed: int = 5) -> list[int]:
    """Losses on a lattice of 10,000, which the oracle can hold."""
    rng = np.random.default_rng(seed)
    scattered = 160_000 * np.exp(spread * rng.standard_normal(claims))
    return [10_000 * max(round(x / 10_000), 1) for x in scattered]


def dominated(claims: int, times: float) -> list[int]:
    """Lognormal losses and one that is as large as their sum's deviation, times a factor."""
    losses = lognormal(claims, 0.5)
    return [*losses, 10_000 * round(times * claims**0.5 * np.mean(losses) / 10_000)]


GRID = {
    **{f"equal {n:,}": n * [160_000] for n in (1, 2, 5, 20, 100, 1_000, 10_000, 100_000)},
    **{f"lognormal {n:,}": lognormal(n, 0.5) for n in (2, 5, 20, 100, 10_000, 100_000)},
    **{f"wide lognormal {n:,}": lognormal(n, 1.2) for n in (5, 20, 10_000)},
    **{f"one of {n:,} is half": dominated(n, 1.0) for n in (2, 20, 10_000)},
    **{f"one of {n:,} dominates": dominated(n, 10.0) for n in (1, 5, 20, 10_000)},
}


QUICK = ("equal 20", "lognormal 20", "one of 20 is half")
"""The cases that the quick tests run."""
EXTREME = ("equal 5", "equal 10,000", "wide lognormal 20", "one of 1 dominates", "one of 20 is half",
           "one of 10,000 dominates")  # fmt: skip
"""The cases that are also tried with a small and with a large chance."""


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        *(pytest.param(name, 0.25, marks=() if name in QUICK else pytest.mark.slow) for name in GRID),
        *(pytest.param(name, p, marks=pytest.mark.slow) for name in EXTREME for p in (0.04, 0.9)),
    ],
)
def test_a_share_of_the_loss_has_the_exact_distribution(name: str, accepted: float) -> None:
    losses = GRID[name]
    assert_close(total_of(losses, TENTH, 1.0, accepted), exact_of([x // 10 for x in losses], accepted))


# --- counts by the inverse method -------------------------------------------------------------------


@pytest.mark.parametrize("trials", [1, 5, 50, 1_000, 8_461, 100_000])
def test_counts_are_the_quantiles_of_their_distribution(trials: int) -> None:
    rng = np.random.default_rng(trials)
    u, rate = rng.random(5_000), np.exp(rng.uniform(-9, -1e-4, 5_000))
    made = binomial_count(stats.norm.ppf(u), np.array([float(trials)]), rate)
    exact = stats.binom(trials, rate).ppf(u)
    assert np.abs(made - exact).max() <= 1
    assert (made != exact).mean() <= 0.01
    assert trials > 50 or (made == exact).all()


@pytest.mark.parametrize(("rate", "counts"), [(0.0, {0.0}), (1.0, {7.0})])
def test_certain_rates_give_certain_counts(rate: float, counts: set[float]) -> None:
    assert {*binomial_count(np.linspace(-8, 8, 99), np.array([7.0]), np.array([rate]))} == counts


# --- sums of awards, and points -------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.3, 1.0, 5.0])
@pytest.mark.parametrize("count", [1, 2, 10, 37, 300])
def test_sums_of_awards_have_the_distribution_of_plain_draws(spread: float, count: int) -> None:
    rng = np.random.default_rng(count)
    sigma = np.sqrt(np.log1p(spread**2))
    plain = np.zeros(100_000)
    for _ in range(count):
        plain += np.exp(sigma * rng.standard_normal(len(plain)) - sigma**2 / 2)
    u = np.linspace(0.005, 0.995, 199)
    sums = award_sum(stats.norm.ppf(u), np.full(len(u), float(count)), spread)
    assert np.abs((plain[:, None] <= sums).mean(axis=0) - u).max() <= 0.006  # two-sided 99.9 % of plain draws


def test_coordinates_beyond_the_sobol_points_are_evenly_spread() -> None:
    made = [*sobol_replicates(200, 2**8, seed=3, replicates=4)]
    first = [*sobol_replicates(161, 2**8, seed=3, replicates=4)]
    for points, sobol in zip(made, first, strict=True):
        assert np.array_equal(points[:, :161], sobol)
        assert np.array_equal(np.sort(np.floor(points[:, 161:] * 64), axis=0)[:, 0], np.arange(64))
        assert (points > 0).all()
        assert (points < 1).all()
    assert not np.array_equal(made[0][:, 161:], made[1][:, 161:])


def test_the_direction_numbers_are_those_of_scipys_sequence() -> None:
    power = 11
    columns = direction_numbers(MAX_DIMENSIONS)[:, :power] << (power - 1 - np.arange(power, dtype=np.uint64))
    points = np.zeros((1, MAX_DIMENSIONS), np.uint64)
    for column in columns.T:
        points = np.concatenate([points, points ^ column])
    gray = np.arange(2**power) ^ (np.arange(2**power) >> 1)  # the order in which scipy goes
    expected = stats.qmc.Sobol(MAX_DIMENSIONS, scramble=False).random_base2(power)
    np.testing.assert_array_equal(points[gray] / 2**power, expected)


def test_every_replicate_is_a_net() -> None:
    u = sobol_points(40, 4 * 64, seed=7, replicates=4)
    assert u.shape == (4, 64, 40)
    assert ((u > 0) & (u < 1)).all()
    # Cut into 64 equal parts, each coordinate has one point in each; so have the first two in all boxes.
    assert (np.sort(np.floor(u * 64), axis=1) == np.arange(64)[:, None]).all()
    for power in range(7):
        boxes = np.floor(u[..., 0] * 2**power) * 64 + np.floor(u[..., 1] * 2 ** (6 - power))
        assert all(len(np.unique(replicate)) == 64 for replicate in boxes)


def test_the_same_seed_gives_the_same_points_for_ever() -> None:
    u = sobol_points(2, 8, seed=20221015, replicates=2)
    pinned = [
        0.13118965623805534, 0.626077501930684, 0.4874074357449457, 0.9886095292841769,
        0.07120517434323415, 0.5707270881562766, 0.4570977830716306, 0.9576105495973756,
    ]  # fmt: skip
    assert u[..., 0].ravel().tolist() == pinned
    assert not np.isin(u, sobol_points(2, 8, seed=20221016, replicates=2)).any()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"count": 1000}, "fits is 1,024"),
        ({"count": 1025}, "fits is 2,048"),
        ({"count": 96, "replicates": 3}, None),
        ({"count": 100, "replicates": 3}, "fits is 192"),
        ({"count": 0}, "fits is 8"),
        ({"count": -5}, "fits is 8"),
        ({"count": 2**40}, "more draws"),
        ({"seed": -1}, "seed"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_with_the_next_that_do(
    wrong: dict[str, int], says: str | None
) -> None:
    asked = {"dimensions": 2, "count": 1024, "seed": 1, "replicates": 8} | wrong
    if says is None:
        sobol_points(**asked)
        return
    with pytest.raises(UsageError, match=says):  # at once, not at the first point
        sobol_replicates(**asked)


def test_declared_rank_correlations_come_out() -> None:
    (u, *_) = sobol_replicates(4, 2**14, seed=3, replicates=2)
    ranks = np.eye(4)
    ranks[0, 2] = ranks[2, 0] = 0.5
    ranks[2, 3] = ranks[3, 2] = -0.7
    tied = correlate_ranks(u, ranks)
    assert stats.spearmanr(tied).statistic == pytest.approx(ranks, abs=3e-3)
    assert (np.sort(np.floor(tied[:, 2] * 16)) == np.repeat(np.arange(16), 512)).mean() > 0.99  # uniform
    np.testing.assert_array_equal(tied[:, :2], u[:, :2])  # depend on none before


@given(st.integers(0, 2**32), st.integers(1, 6))
def test_the_correlations_of_any_copula_are_taken_and_keep_points_inside(seed: int, size: int) -> None:
    loads = np.random.default_rng(seed).normal(size=(size, size + 1))
    normal = np.corrcoef(loads) if size > 1 else np.ones((1, 1))
    ranks = 6 / np.pi * np.arcsin((normal + normal.T) / 4)
    np.fill_diagonal(ranks, 1)
    tied = correlate_ranks(sobol_points(size, 128, seed=seed), ranks)
    assert ((tied > 0) & (tied < 1)).all()


# --- the oracle beside totals by hand, textbook examples and three programs ---------------------------

CASES: dict[str, Any] = json.loads((GOLDEN / "exact_cases.json").read_text("utf-8"))


def test_the_toy_case_is_that_of_an_enumeration() -> None:
    case = CASES["tier_toy"]
    total = total_of_claims((c["n"], float(Fraction(c["valid"])), {c["payment"]: 1}) for c in case["claims"])
    enumerated = [float(Fraction(case["pmf"].get(str(x), 0))) for x in range(30)]
    assert total.weights[:30] == pytest.approx(enumerated, abs=1e-15)
    assert total.mean == pytest.approx(float(Fraction(case["mean"])))
    # P(X <= 3) = 1/24 + 3/24, so the quantile at 1/6 is 3, and the tail above 1/12 begins within 3.
    assert [total.quantile(p) for p in (1 / 24, 1 / 6, 0.17, 1)] == [0, 3, 5, 29]
    above = (1 / 12 * 3 + sum(x * p for x, p in enumerate(enumerated) if x > 3)) / (11 / 12)
    assert total.tvar(1 / 12) == pytest.approx(above)


def test_the_benchmark_agrees_with_three_programs_to_the_unit() -> None:
    case = CASES["tiers_and_review"]
    payments = {case["unit"] * k: p for k, p in enumerate(case["probabilities"]) if p}
    total, expected = total_of_claims([(8461, 1, payments)]), case["fixed_8461"]
    assert total.mean == pytest.approx(expected["mean"], rel=1e-9)
    assert total.variance**0.5 == pytest.approx(expected["sd"], rel=1e-9)
    assert {p: total.quantile(float(p)) for p in expected["q"]} == expected["q"]
    assert total.tvar(0.99) == pytest.approx(expected["TVaR99"], rel=1e-9)
