"""What a policy pays under uncertain inputs, term by term, beside closed forms and simulations."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from outage_analysis.assumptions import Assumption
from outage_analysis.assumptions.distributions import Beta, Lognormal, Uniform
from outage_analysis.costs import build_portfolio, exact_costs, exact_payments, simulate
from outage_analysis.costs.expected import expected_at
from outage_analysis.costs.simulation import Estimate, SampledTotal
from outage_analysis.costs.simulation_tables import variance_split
from outage_analysis.errors import ModelRefused
from tests.costs.test_payouts import policy_of
from tests.costs.uncertain_portfolios import (
    DAY,
    FEW,
    LOSSES,
    PROBABILITIES,
    REPORTS,
    SHARE_LINE,
    TIERS,
    distribution_of,
    entry,
    ledger_of,
    ledgers,
    mix,
    near,
    paid,
    rated,
    sd,
    shops,
)
from tests.loss_cubes import counts_only, loss_cube

# --- beside the closed form -------------------------------------------------------------------------


@pytest.mark.slow
@given(entries=ledgers())
def test_the_closed_form_is_the_cost_table_and_the_mean_of_the_draws(entries: tuple[Assumption, ...]) -> None:
    ledger = ledger_of(*entries)
    folio = build_portfolio(shops(), ledger, as_of=DAY)
    table = exact_costs(shops(), ledger, as_of=DAY).filter(level="line")
    (closed,) = expected_at(folio, "cash", {})
    assert closed == pytest.approx(table["expected"].item(), rel=1e-9)
    assert near(distribution_of(folio, draws=FEW).expected, closed, within=7, rel=1e-4)


# --- beside a plain simulation ----------------------------------------------------------------------


def simulated(entries: tuple[Assumption, ...], count: int, seed: int) -> np.ndarray:
    """Totals of the tiers, claim numbers and awards drawn one by one."""
    rng = np.random.default_rng(seed)
    by_kind: dict[str, Assumption] = {a.kind: a for a in entries}

    def sampled(kind: str, otherwise: float = 1.0) -> np.ndarray:
        distribution = getattr(by_kind.get(kind), "distribution", None)
        return (
            np.full(count, otherwise)
            if distribution is None
            else np.asarray(distribution.quantile(rng.random(count)))
        )

    reports = np.rint(REPORTS * sampled("ultimate")).astype(int)
    able = sampled("claimant_share") * sampled("entitled_share")
    acceptance, filing, new = sampled("acceptance"), sampled("filing_share"), sampled("new_applicants", 0.0)
    accepted = rng.binomial(reports, able * filing * acceptance) + rng.poisson(
        reports * able * new * acceptance
    )
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
    distribution = distribution_of(
        build_portfolio(shops(), ledger_of(*entries), as_of=DAY), seed=seed, draws=2**13
    )
    totals = simulated(entries, 2**14, seed)
    width = 5 / np.sqrt(len(totals))
    assert (
        abs(totals.mean() - distribution.expected.value)
        <= width * totals.std() + 5 * distribution.expected.error
    )
    assert sd(distribution) == pytest.approx(totals.std(), rel=0.15)
    for p in PROBABILITIES:
        found = distribution.quantile(p)
        low, high = (
            float((totals <= x).mean())
            for x in (found.value - 4 * found.error, found.value + 4 * found.error)
        )
        room = width * np.sqrt(p * (1 - p)) + 1e-3
        assert low - room <= p <= high + room, p


# --- cubes of claims --------------------------------------------------------------------------------


def test_a_line_of_shares_has_the_moments_of_every_subset_of_its_claims() -> None:
    policy, cube = policy_of(SHARE_LINE), loss_cube(LOSSES, 100)
    pays = [paid(x) for x in LOSSES]
    assert exact_payments(cube, policy)["payment_squared"].sum() == pytest.approx(sum(p * p for p in pays))
    rate = 0.3
    subsets = list(itertools.product([0, 1], repeat=len(pays)))
    chances = np.array([np.prod([rate if x else 1 - rate for x in s]) for s in subsets])
    totals = np.array([np.dot(s, pays) for s in subsets])
    distribution = distribution_of(build_portfolio(policy, rated(rate), as_of=DAY, cubes=[cube]))
    assert distribution.mean.mean() == pytest.approx(chances @ totals)
    assert near(distribution.expected, chances @ totals)
    assert distribution.process == pytest.approx(chances @ totals**2 - (chances @ totals) ** 2)
    assert distribution.parameter == pytest.approx(0, abs=1e-12)


def test_the_variance_is_that_of_the_law_of_total_variance() -> None:
    policy, cube, rate = policy_of(SHARE_LINE), loss_cube(LOSSES, 100), Beta(a=3, b=2)
    pays = np.array([paid(x) for x in LOSSES])
    run = simulate(build_portfolio(policy, rated(rate), as_of=DAY, cubes=[cube]))
    variance = 3 * 2 / (5**2 * 6)  # of the beta distribution
    second = variance + rate.mean**2
    process, parameter = (rate.mean - second) * (pays**2).sum(), variance * pays.sum() ** 2
    distribution = run.totals["cash"]
    assert (distribution.process, distribution.parameter) == pytest.approx((process, parameter), rel=1e-4)
    split = dict(variance_split(run).select("source", "share").iter_rows())
    whole = process + parameter
    assert split == pytest.approx(
        {"process": process / whole, "parameter": parameter / whole, "model": 0}, rel=1e-4
    )


def test_a_cube_that_does_not_say_what_is_paid_has_no_distribution() -> None:
    ledger, cube = rated(0.5), loss_cube([3, 20, 5_000], 100)
    for policy, one in (
        (policy_of({"band": TIERS}), loss_cube([400_001], 500_000)),
        (policy_of(SHARE_LINE), counts_only(cube)),
    ):
        folio = build_portfolio(policy, ledger, as_of=DAY, cubes=[one])
        assert (folio.terms, folio.left_out) == ((), {"cash": ("line-0",)})
        with pytest.raises(ModelRefused, match="nothing can be drawn"):
            simulate(folio)


# --- terms of the funnel --------------------------------------------------------------------------


BASE = (
    entry("filing_share", 0.4),
    entry("acceptance", 0.5),
    entry("review_award", 90_000),
    mix(0.5, 0.3, 0.2),
)
ONE, SQUARE = 0.5 * 30e3 + 0.3 * 50e3 + 0.2 * 90e3, 0.5 * 30e3**2 + 0.3 * 50e3**2 + 0.2 * 90e3**2


SHOPS = {"published_count": "CL-13", "band": TIERS}
MILLION = 10**6
LUMP = {"kind": "budget", "amount": 1_000, "valuation": "top_down"}
FEE = {"kind": "fee_credit", "amount": 50, "recipients": "PG-04.users"}
GOOD = {
    "kind": "in_kind",
    "effort": "one_tap",
    "face_value": 300,
    "displaced_sales": 20,
    "incremental_cash": 5,
    "recipients": "US-03",
    "cap": "PG-04.users",
}  # 48 and 3 million people


def law_of(
    line: dict[str, Any], *entries: Assumption, valuation: str = "cash", as_of: date = DAY
) -> SampledTotal:
    folio = build_portfolio(policy_of(line), ledger_of(*entries), as_of=as_of)
    return distribution_of(folio, valuation, draws=2**13)


def thinned(trials: float, rate: float, one: float = ONE, square: float = SQUARE) -> tuple[float, float]:
    """Mean and variance of what so many claims are paid, each with this rate."""
    return trials * rate * one, trials * (rate * square - (rate * one) ** 2)


def plus(first: tuple[float, float], mean: float, variance: float) -> tuple[float, float]:
    return first[0] + mean, first[1] + variance


ARRIVALS = 1.5 * REPORTS * 0.1 * 0.8 * 0.5  # of people who never reported: a compound Poisson sum
RATES, PAID = BASE[:2], 240_000


@pytest.mark.parametrize(
    ("line", "entries", "moments"),
    [
        (SHOPS, BASE, thinned(REPORTS, 0.2)),
        (SHOPS, (*BASE, entry("ultimate", 1.5)), thinned(1.5 * REPORTS, 0.2)),
        (SHOPS, (*BASE, entry("entitled_share", 0.5)), thinned(REPORTS, 0.1)),
        (SHOPS, (*BASE, entry("claimant_share", 0.8), entry("entitled_share", 0.5)), thinned(REPORTS, 0.08)),
        (
            SHOPS,
            (*BASE, entry("new_applicants", 0.1), entry("ultimate", 1.5), entry("entitled_share", 0.8)),
            plus(thinned(1.5 * REPORTS, 0.16), ARRIVALS * ONE, ARRIVALS * SQUARE),
        ),
        (
            SHOPS,
            (*RATES, BASE[3], entry("review_award", 90_000, spread=1)),
            plus(thinned(REPORTS, 0.2), 0, REPORTS * 0.2 * 0.2 * 90e3**2),
        ),
        (SHOPS, (*RATES, entry("mean_payment", PAID)), thinned(REPORTS, 0.2, PAID, PAID**2)),
        (
            SHOPS,
            (*RATES, entry("mean_payment", PAID, spread=0.5)),
            thinned(REPORTS, 0.2, PAID, PAID**2 * 1.25),
        ),
        (SHOPS, (entry("filing_share", 1), entry("acceptance", 1), *BASE[2:]), thinned(REPORTS, 1)),
        (GOOD | {"cap": None}, (entry("take_up", 0.25),), thinned(48 * MILLION, 0.25, 300, 300**2)),
        (FEE, (entry("filing_share", 0.5), entry("acceptance", 0.2)), thinned(3 * MILLION, 0.1, 50, 50**2)),
    ],
)
def test_a_line_has_the_mean_and_the_variance_of_its_claims(
    line: dict[str, Any], entries: tuple[Assumption, ...], moments: tuple[float, float]
) -> None:
    distribution = law_of(line, *entries, valuation="face_value" if line.get("kind") == "in_kind" else "cash")
    assert (distribution.mean.mean(), distribution.process) == pytest.approx(moments)
    assert near(distribution.expected, moments[0])


@pytest.mark.parametrize(
    ("line", "entries", "paid"),
    [
        (
            SHOPS,
            (*(entry(k, 1) for k in ("filing_share", "acceptance")), entry("mean_payment", PAID)),
            REPORTS * PAID,
        ),
        ({"kind": "budget", "amount": 1_000, "effort": "automatic"}, (entry("ultimate", 1),), 1_000),
        (FEE | {"effort": "automatic"}, (entry("ultimate", 1),), 50 * 3 * MILLION),
    ],
)
def test_what_is_certain_has_no_variance(
    line: dict[str, Any], entries: tuple[Assumption, ...], paid: float
) -> None:
    assert law_of(line, *entries).quantile(0.9) == Estimate(paid, 0)


# --- lines of other kinds ---------------------------------------------------------------------------


def test_a_lump_sum_is_announced_times_the_ratio_that_is_realised() -> None:
    ratio = Lognormal(median=1, sigma=0.9)
    distribution = law_of(LUMP, entry("realised_ratio", ratio), valuation="top_down")
    assert near(distribution.expected, 1_000 * ratio.mean)
    assert distribution.process == 0
    for p in PROBABILITIES:
        assert near(distribution.quantile(p), 1_000 * float(ratio.quantile([p])[0]))


def test_a_sum_set_aside_is_used_as_far_as_it_is_taken_up() -> None:
    rate = Beta(a=2, b=6)
    distribution = law_of({"kind": "budget", "amount": 1_000}, entry("take_up", rate), valuation="cash")
    assert near(distribution.expected, 250)
    assert near(distribution.quantile(0.9), 1_000 * stats.beta(2, 6).ppf(0.9))


def test_a_true_up_leaves_no_uncertainty() -> None:
    line = {**LUMP, "true_ups": ({"since": date(2023, 6, 30), "amount": 700},)}
    ratio = entry("realised_ratio", Lognormal(median=1, sigma=0.9))
    assert law_of(line, ratio, valuation="top_down").parameter > 0
    after = law_of(line, ratio, valuation="top_down", as_of=date(2023, 6, 30))
    assert after.quantile(0.9) == after.expected == Estimate(700, 0)


def test_handling_is_a_total_of_its_own() -> None:
    effort = entry(
        "handling",
        people=Uniform(low=2, high=4).model_dump(),
        weeks={"kind": "fixed", "value": 10.0},
        weekly_wage={"kind": "fixed", "value": 7.0},
    )
    run = simulate(build_portfolio(shops(), ledger_of(*BASE, effort), as_of=DAY))
    distribution = run.totals["handling"]
    assert near(distribution.expected, 3 * 10 * 7)
    assert [distribution.quantile(p).value for p in (0.25, 0.75)] == pytest.approx([175, 245], rel=1e-3)
    assert distribution.process == 0
    assert run.totals["cash"].mean.mean() == pytest.approx(REPORTS * 0.2 * ONE)


def test_a_capped_good_serves_the_lesser_of_those_who_ask_and_the_cap() -> None:
    rate, cap = Beta(a=2, b=18), 3 / 48
    distribution = law_of(GOOD, entry("take_up", rate), valuation="face_value")
    assert near(distribution.expected, 300 * 48 * MILLION * rate.capped_mean(cap))
    assert distribution.exceedance(1.01 * 300 * 3 * MILLION).value == 0
    just_below = distribution.exceedance(300 * 3 * MILLION * 0.999)
    assert near(just_below, 1 - float(rate.cdf([cap * 0.999])[0]), rel=2e-3)
    assert distribution.quantile(0.9) == Estimate(300 * 3 * MILLION, 0)
    assert distribution.quantile(0.2).value == pytest.approx(
        300 * 48 * MILLION * float(rate.quantile([0.2])[0]), rel=2e-3
    )
