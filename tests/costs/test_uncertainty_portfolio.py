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


def test_what_every_claim_is_paid_for_certain_has_no_variance() -> None:
    folio = build_portfolio(policy_of(SHARE_LINE), rated(1), as_of=DAY, cubes=[loss_cube(LOSSES, 100)])
    assert distribution_of(folio).quantile(0.5) == Estimate(sum(map(paid, LOSSES)), 0)


@pytest.mark.slow
def test_claims_and_their_counts_by_band_give_the_same_distribution() -> None:
    ledger = ledger_of(
        entry("filing_share", Beta(a=2, b=3)),
        entry("acceptance", 0.7),
        entry("review_award", Lognormal(median=1e5, sigma=0.4), spread=0.5),
        entry("new_applicants", Uniform(low=0, high=0.2)),
    )
    cube = loss_cube([1, 300_000, 300_001, 400_000, 500_001, 0, None], 300_000, 500_000)
    one, other = (
        distribution_of(build_portfolio(policy_of({"band": TIERS}), ledger, as_of=DAY, cubes=[c]))
        for c in (cube, counts_only(cube))
    )
    assert np.array_equal(one.mean, other.mean)
    assert np.allclose(one.variance, other.variance, rtol=1e-12)
    table = exact_costs(policy_of({"band": TIERS}), ledger, as_of=DAY, cubes=[cube]).filter(level="line")
    assert near(one.expected, table["expected"].item())


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


def fixed_distribution(*entries: Assumption, **terms: Any) -> SampledTotal:  # noqa: ANN401 - keys of a page
    return distribution_of(build_portfolio(shops(**terms), ledger_of(*entries), as_of=DAY), draws=FEW)


BASE = (
    entry("filing_share", 0.4),
    entry("acceptance", 0.5),
    entry("review_award", 90_000),
    mix(0.5, 0.3, 0.2),
)
ONE, SQUARE = 0.5 * 30e3 + 0.3 * 50e3 + 0.2 * 90e3, 0.5 * 30e3**2 + 0.3 * 50e3**2 + 0.2 * 90e3**2


@pytest.mark.parametrize(
    ("extra", "trials", "rate"),
    [
        ((), REPORTS, 0.2),
        ((entry("ultimate", 1.5),), 1.5 * REPORTS, 0.2),
        ((entry("entitled_share", 0.5),), REPORTS, 0.1),
        ((entry("claimant_share", 0.8), entry("entitled_share", 0.5)), REPORTS, 0.08),
    ],
)
def test_reports_are_thinned_to_payments(extra: tuple[Assumption, ...], trials: float, rate: float) -> None:
    distribution = fixed_distribution(*BASE, *extra)
    assert distribution.mean.mean() == pytest.approx(trials * rate * ONE)
    assert near(distribution.expected, trials * rate * ONE)
    assert distribution.process == pytest.approx(trials * (rate * SQUARE - (rate * ONE) ** 2))


def test_people_who_never_reported_arrive_beside_those_who_did() -> None:
    extra = (entry("new_applicants", 0.1), entry("ultimate", 1.5), entry("entitled_share", 0.8))
    with_them, without_them = fixed_distribution(*BASE, *extra), fixed_distribution(*BASE, *extra[1:])
    arrivals = 1.5 * REPORTS * 0.1 * 0.8 * 0.5
    assert with_them.mean.mean() - without_them.mean.mean() == pytest.approx(arrivals * ONE)
    assert with_them.process - without_them.process == pytest.approx(
        arrivals * SQUARE
    )  # a compound Poisson sum


def test_single_awards_scatter_about_their_mean() -> None:
    award = entry("review_award", 90_000, spread=2)
    distribution = fixed_distribution(*(award if a.kind == award.kind else a for a in BASE))
    added = REPORTS * 0.2 * 0.2 * 90e3**2 * 2**2
    assert distribution.process == pytest.approx(REPORTS * (0.2 * SQUARE - (0.2 * ONE) ** 2) + added)


@pytest.mark.parametrize("spread", [0, 0.5])
def test_a_known_mean_payment_stands_for_bands_and_awards(spread: float) -> None:
    rates = (entry("filing_share", 0.4), entry("acceptance", 0.5))
    distribution = fixed_distribution(*rates, entry("mean_payment", 240_000, spread=spread))
    assert distribution.mean.mean() == pytest.approx(REPORTS * 0.2 * 240_000)
    assert near(distribution.expected, REPORTS * 0.2 * 240_000)
    assert distribution.process == pytest.approx(REPORTS * 240_000**2 * (0.2 * (1 + spread**2) - 0.04))
    certain = fixed_distribution(
        entry("filing_share", 1), entry("acceptance", 1), entry("mean_payment", 240_000)
    )
    assert certain.quantile(0.9) == Estimate(REPORTS * 240_000, 0)


def test_the_bands_of_a_mix_share_one_claim_so_that_their_sum_varies_less() -> None:
    """All are accepted: only the band of each claim is chance."""
    certain = (entry("filing_share", 1), entry("acceptance", 1))
    distribution = fixed_distribution(*certain, *BASE[2:])
    assert distribution.process == pytest.approx(REPORTS * (SQUARE - ONE**2))


# --- lines of other kinds ---------------------------------------------------------------------------

MILLION = 10**6
LUMP = {"kind": "budget", "amount": 1_000, "valuation": "top_down"}


def other_distribution(
    line: dict[str, Any], *entries: Assumption, valuation: str, as_of: date = DAY
) -> SampledTotal:
    folio = build_portfolio(policy_of(line), ledger_of(*entries), as_of=as_of)
    return distribution_of(folio, valuation, draws=2**13)


def test_a_lump_sum_is_announced_times_the_ratio_that_is_realised() -> None:
    ratio = Lognormal(median=1, sigma=0.9)
    distribution = other_distribution(LUMP, entry("realised_ratio", ratio), valuation="top_down")
    assert near(distribution.expected, 1_000 * ratio.mean)
    assert distribution.process == 0
    for p in PROBABILITIES:
        assert near(distribution.quantile(p), 1_000 * float(ratio.quantile([p])[0]))


def test_a_sum_set_aside_is_used_as_far_as_it_is_taken_up() -> None:
    rate = Beta(a=2, b=6)
    distribution = other_distribution(
        {"kind": "budget", "amount": 1_000}, entry("take_up", rate), valuation="cash"
    )
    assert near(distribution.expected, 250)
    assert near(distribution.quantile(0.9), 1_000 * stats.beta(2, 6).ppf(0.9))
    certain = other_distribution(
        {"kind": "budget", "amount": 1_000, "effort": "automatic"}, entry("ultimate", 1), valuation="cash"
    )
    assert certain.quantile(0.9) == Estimate(1_000, 0)


def test_a_true_up_leaves_no_uncertainty() -> None:
    line = {**LUMP, "true_ups": ({"since": date(2023, 6, 30), "amount": 700},)}
    ratio = entry("realised_ratio", Lognormal(median=1, sigma=0.9))
    assert other_distribution(line, ratio, valuation="top_down").parameter > 0
    after = other_distribution(line, ratio, valuation="top_down", as_of=date(2023, 6, 30))
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
    assert run.totals["cash"].mean.mean() == pytest.approx(fixed_distribution(*BASE).mean.mean())


GOOD = {
    "kind": "in_kind",
    "effort": "one_tap",
    "face_value": 300,
    "displaced_sales": 20,
    "incremental_cash": 5,
    "recipients": "US-03",
    "cap": "PG-04.users",
}  # 48 and 3 million people


def test_a_capped_good_serves_the_lesser_of_those_who_ask_and_the_cap() -> None:
    rate, cap = Beta(a=2, b=18), 3 / 48
    distribution = other_distribution(GOOD, entry("take_up", rate), valuation="face_value")
    assert near(distribution.expected, 300 * 48 * MILLION * rate.capped_mean(cap))
    assert distribution.exceedance(1.01 * 300 * 3 * MILLION).value == 0
    just_below = distribution.exceedance(300 * 3 * MILLION * 0.999)
    assert near(just_below, 1 - float(rate.cdf([cap * 0.999])[0]), rel=2e-3)
    assert distribution.quantile(0.9) == Estimate(300 * 3 * MILLION, 0)
    assert distribution.quantile(0.2).value == pytest.approx(
        300 * 48 * MILLION * float(rate.quantile([0.2])[0]), rel=2e-3
    )


def test_a_good_is_valued_three_ways_on_the_same_draws() -> None:
    run = simulate(
        build_portfolio(policy_of(GOOD), ledger_of(entry("take_up", Beta(a=2, b=18))), as_of=DAY), draws=FEW
    )
    worth = {"face_value": 300, "displaced_sales": 20, "incremental_cash": 5}
    for valuation, one in worth.items():
        assert np.allclose(run.totals[valuation].mean * 300, run.totals["face_value"].mean * one)


def test_a_good_without_a_cap_is_a_binomial_number_of_people() -> None:
    distribution = other_distribution(
        {**GOOD, "cap": None} | {}, entry("take_up", 0.25), valuation="face_value"
    )
    assert distribution.expected.value == pytest.approx(300 * 12 * MILLION)
    assert distribution.process == pytest.approx(300**2 * 48 * MILLION * 0.25 * 0.75)


def test_a_fee_that_is_handed_back_is_thinned_as_claims_are() -> None:
    line = {"kind": "fee_credit", "amount": 50, "recipients": "PG-04.users"}
    distribution = other_distribution(
        line, entry("filing_share", 0.5), entry("acceptance", 0.2), valuation="cash"
    )
    assert distribution.expected.value == pytest.approx(50 * 3 * MILLION * 0.1)
    assert distribution.process == pytest.approx(50**2 * 3 * MILLION * 0.1 * 0.9)
    automatic = other_distribution({**line, "effort": "automatic"}, entry("ultimate", 1), valuation="cash")
    assert automatic.quantile(0.9) == Estimate(50 * 3 * MILLION, 0)
