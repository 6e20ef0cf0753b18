"""Totals under any ledger beside the closed form, a plain simulation and exact laws."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from outage_analysis.assumptions import Assumption, Ledger
from outage_analysis.assumptions.distributions import (
    Beta,
    Discrete,
    Distribution,
    Fixed,
    Lognormal,
    Pert,
    Uniform,
)
from outage_analysis.costs import build_portfolio, exact_costs, exact_payments, simulate
from outage_analysis.costs.expected import expected_at
from outage_analysis.costs.simulation import with_equal_correlations
from tests.costs.convolution import total_of_claims
from tests.costs.test_payouts import policy_of
from tests.costs.uncertain_portfolios import (
    DAY,
    FEW,
    PROBABILITIES,
    REPORTS,
    SHARE_LINE,
    distribution_of,
    entry,
    ledger_of,
    mix,
    near,
    sd,
    shops,
    variance_by_chance,
)
from tests.loss_cubes import loss_cube

LOSSES = [3, 20, 20, 77, 100, 101, 5_000]


def paid(loss: int) -> float:
    """What the line of shares pays."""
    return 0.5 * loss + 7 if loss <= 100 else 40.0


def rated(distribution: Distribution | float) -> Ledger:
    """A ledger of one uncertain rate."""
    return ledger_of(entry("filing_share", 1), entry("acceptance", distribution))


SHARES = st.sampled_from(
    [
        Fixed(value=0.4),
        Beta(a=2, b=5),
        Uniform(low=0.1, high=0.9),
        Pert(low=0.2, mode=0.3, high=1),
        Discrete(values=(0.1, 0.8), probabilities=(0.7, 0.3)),
    ]
)
ABOVE_ONE = st.sampled_from([Fixed(value=1.5), Pert(low=1, mode=1.2, high=3)])
AMOUNTS = st.sampled_from(
    [Fixed(value=90_000), Lognormal(median=150_000, sigma=0.5), Uniform(low=0, high=400_000)]
)
SIZES = st.sampled_from([None, 3.0, 50.0])
SPREADS = st.sampled_from([0.0, 0.7])


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[Assumption, ...]:
    """Entries of a schedule: the rates that it needs, and some of those that it may have."""
    distributions = {"filing_share": SHARES, "acceptance": SHARES}
    distributions |= {"entitled_share": SHARES, "claimant_share": SHARES} if draw(st.booleans()) else {}
    distributions |= {"ultimate": ABOVE_ONE} if draw(st.booleans()) else {}
    entries = [entry(kind, draw(distribution)) for kind, distribution in distributions.items()]
    if draw(st.integers(0, 4)) == 0:
        return (*entries, entry("mean_payment", draw(AMOUNTS), spread=draw(SPREADS)))
    award = entry("review_award", draw(AMOUNTS), spread=draw(SPREADS))
    return (*entries, award, mix(0.5, 0.3, 0.2, size=draw(SIZES)))


@pytest.mark.slow
@given(entries=ledgers())
def test_the_closed_form_is_the_cost_table_and_the_mean_of_the_draws(entries: tuple[Assumption, ...]) -> None:
    ledger = ledger_of(*entries)
    folio = build_portfolio(shops(), ledger, as_of=DAY)
    table = exact_costs(shops(), ledger, as_of=DAY).filter(level="line")
    (closed,) = expected_at(folio, "cash", {})
    assert closed == pytest.approx(table["expected"].item(), rel=1e-9)
    assert near(distribution_of(folio, draws=FEW).expected, closed, within=7, rel=1e-4)


def simulated(entries: tuple[Assumption, ...], count: int, seed: int) -> np.ndarray:
    """Totals of the tiers, claim numbers and awards drawn one by one."""
    rng = np.random.default_rng(seed)
    by_kind: dict[str, Assumption] = {a.kind: a for a in entries}

    def sampled(kind: str) -> np.ndarray:
        distribution = getattr(by_kind.get(kind), "distribution", None)
        return (
            np.ones(count) if distribution is None else np.asarray(distribution.quantile(rng.random(count)))
        )

    reports = np.rint(REPORTS * sampled("ultimate")).astype(int)
    able = sampled("claimant_share") * sampled("entitled_share")
    accepted = rng.binomial(reports, able * sampled("filing_share") * sampled("acceptance"))
    single = by_kind.get("mean_payment") or by_kind["review_award"]
    mean, spread = sampled(single.kind), getattr(single, "spread", 0.0)
    if single.kind == "mean_payment":
        return sums(rng, accepted, mean, spread)
    bands = by_kind["band_mix"]
    shares = [band.share for band in getattr(bands, "bands", ())]
    size = getattr(bands, "size", None)
    mixes = np.tile(shares, (count, 1)) if size is None else rng.dirichlet(size * np.array(shares), count)
    claims = rng.multinomial(accepted, mixes)
    return np.asarray(claims[:, 0] * 30_000 + claims[:, 1] * 50_000 + sums(rng, claims[:, 2], mean, spread))


def sums(rng: np.random.Generator, claims: np.ndarray, mean: np.ndarray, spread: float) -> np.ndarray:
    """So many gamma payments of a mean with a spread, added up."""
    if not spread:
        return np.asarray(claims * mean)
    return np.asarray(rng.gamma(claims / spread**2, 1.0) * spread**2 * mean)


@pytest.mark.slow
@settings(max_examples=12)
@given(entries=ledgers(), seed=st.integers(0, 99))
def test_the_distribution_is_that_of_a_plain_simulation_of_the_funnel(
    entries: tuple[Assumption, ...], seed: int
) -> None:
    run = simulate(build_portfolio(shops(), ledger_of(*entries), as_of=DAY), seed=seed, draws=2**13)
    distribution = run.totals["cash"]
    totals = simulated(entries, 2**14, seed)
    width = 5 / np.sqrt(len(totals))
    assert (
        abs(totals.mean() - distribution.expected.value)
        <= width * totals.std() + 5 * distribution.expected.error
    )
    assert sd(run) == pytest.approx(totals.std(), rel=0.15)
    for p in PROBABILITIES:
        found = distribution.quantile(p)
        low, high = (
            float((totals <= x).mean())
            for x in (found.value - 4 * found.error, found.value + 4 * found.error)
        )
        room = width * np.sqrt(p * (1 - p)) + 1e-3
        assert low - room <= p <= high + room, p


def test_given_the_rates_the_quantiles_are_those_of_the_exact_distribution() -> None:
    shares, pays = (0.5, 0.3, 0.2), (30_000, 50_000, 200_000)
    ledger = ledger_of(
        entry("filing_share", 0.5), entry("acceptance", 0.8), entry("review_award", 200_000), mix(*shares)
    )
    run = simulate(build_portfolio(shops(), ledger, as_of=DAY))
    distribution = run.totals["cash"]
    exact = total_of_claims([(REPORTS, 0.4, dict(zip(pays, shares, strict=True)))])
    assert distribution.mean.mean() == pytest.approx(exact.mean, rel=1e-12)
    assert near(distribution.expected, exact.mean)
    assert variance_by_chance(run) == pytest.approx(exact.variance, rel=1e-9)
    for p, right in {0.5: 1e-4, 0.9: 2e-4, 0.99: 3e-4}.items():  # what a gamma law leaves of the skewness
        assert distribution.quantile(p).value == pytest.approx(exact.quantile(p), rel=right)
        assert distribution.tvar(p).value == pytest.approx(exact.tvar(p), rel=right)


def test_the_stress_ties_all_inputs_and_changes_none_of_them() -> None:
    rates = [entry("filing_share", Beta(a=2, b=2)), entry("acceptance", Uniform(low=0, high=1))]
    rest = [entry("review_award", 90_000), mix(0.5, 0.3, 0.2)]
    plain = simulate(build_portfolio(shops(), ledger_of(*rates, *rest), as_of=DAY))
    declared = ledger_of(*rates, *rest, correlations={("filing-share", "acceptance"): 0.5})
    tied = simulate(build_portfolio(shops(), declared, as_of=DAY))
    hard = with_equal_correlations(plain)
    assert hard.totals["cash"].quantile(0.95).value == pytest.approx(
        tied.totals["cash"].quantile(0.95).value, rel=0.02
    )
    assert sd(hard) > sd(plain)
    for name in ("filing-share", "acceptance"):
        drawn = [np.concatenate([b.values[name] for b in run.replicates()]) for run in (plain, hard)]
        assert np.quantile(drawn[0], PROBABILITIES) == pytest.approx(
            np.quantile(drawn[1], PROBABILITIES), abs=0.01
        )
    both = [np.concatenate([b.values[n] for b in hard.replicates()]) for n in ("filing-share", "acceptance")]
    assert stats.spearmanr(*both).statistic == pytest.approx(0.5, abs=0.01)


def test_a_line_of_shares_has_the_moments_of_every_subset_of_its_claims() -> None:
    policy, cube = policy_of(SHARE_LINE), loss_cube(LOSSES, 100)
    pays = [paid(x) for x in LOSSES]
    assert exact_payments(cube, policy)["payment_squared"].sum() == pytest.approx(sum(p * p for p in pays))
    rate = 0.3
    subsets = list(itertools.product([0, 1], repeat=len(pays)))
    chances = np.array([np.prod([rate if x else 1 - rate for x in s]) for s in subsets])
    totals = np.array([np.dot(s, pays) for s in subsets])
    run = simulate(build_portfolio(policy, rated(rate), as_of=DAY, cubes=[cube]))
    distribution = run.totals["cash"]
    assert distribution.mean.mean() == pytest.approx(chances @ totals)
    assert near(distribution.expected, chances @ totals)
    assert variance_by_chance(run) == pytest.approx(chances @ totals**2 - (chances @ totals) ** 2)
    assert distribution.mean.var() == pytest.approx(0, abs=1e-12)
