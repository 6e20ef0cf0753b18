"""Scenarios: each change by hand, and a scenario that changes nothing differs by exactly 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import integrate, stats

from outage_analysis.assumptions import Ledger, rates_by_effort
from outage_analysis.assumptions.distributions import Beta, Lognormal
from outage_analysis.costs import Simulation, build_portfolio, simulate
from outage_analysis.costs.sensitivity import (
    DoesNotApply,
    Scenario,
    ScenarioSet,
    StressedRun,
    load_scenarios,
    scenario_table,
)
from outage_analysis.errors import UsageError
from outage_analysis.policies import Policy
from outage_analysis.text import schema_of
from tests.costs.test_payouts import policy_of, tiers
from tests.costs.uncertain_portfolios import DAY, REPORTS, TIERS, entry, ledger_of, mix, shops
from tests.loss_cubes import loss_cube

DRAWS = 2**13
BUDGET = 50_000_000.0
AWARD = 90_000
CERTAIN = (
    entry("filing_share", 0.2),
    entry("acceptance", 0.5),
    entry("review_award", AWARD),
    mix(0.5, 0.3, 0.2),
)
UNCERTAIN = (
    entry("filing_share", Beta(a=2, b=8)),
    entry("acceptance", Beta(a=5, b=3)),
    entry("review_award", Lognormal(median=150_000, sigma=0.5), spread=0.7),
    mix(0.5, 0.3, 0.2, size=4),
)
PAYMENTS = (30_000, 50_000, AWARD)


def no_growth(_: Scenario) -> float:
    raise DoesNotApply("no_dates")


def run_of(policy: Policy, ledger: Ledger | None, cubes: tuple[Any, ...] = ()) -> Simulation:
    return simulate(build_portfolio(policy, ledger, as_of=DAY, cubes=cubes), draws=DRAWS)


def scenario(**changes: object) -> Scenario:
    return Scenario.model_validate({"id": "s", "name": {"en": "S"}, "note": "A test.", **changes})


def stressed_run(
    run: Simulation, policy: Policy, growth: Callable[[Scenario], float] = no_growth
) -> StressedRun:
    return StressedRun(
        run.with_terms(lambda term: term.valuation == "cash"), policy, DAY, "kakao-2022", growth
    )


def table_of(run: Simulation, policy: Policy, *scenarios: Scenario) -> pl.DataFrame:
    return scenario_table(run, stressed_run(run, policy), scenarios, budget=BUDGET)


def row_of(policy: Policy, ledger: Ledger | None, **changes: object) -> dict[str, Any]:
    """The row of one scenario."""
    return table_of(run_of(policy, ledger), policy, scenario(**changes)).row(1, named=True)


def test_correlated_inputs_change_how_many_are_paid() -> None:
    run = run_of(shops(), ledger_of(*UNCERTAIN))
    together = table_of(run, shops(), scenario(rank_correlation=0.5))
    points = np.random.default_rng(1).multivariate_normal([0, 0], [[1, 0.5176], [0.5176, 1]], 400_000)
    u = stats.norm.cdf(points)  # a normal copula whose rank correlation is 0.5
    both = stats.beta.ppf(u[:, 0], 2, 8) * stats.beta.ppf(u[:, 1], 5, 3)
    base, tied = together["recipients"]
    assert base == pytest.approx(REPORTS * 0.2 * 5 / 8, rel=1e-9)
    assert tied / base == pytest.approx(both.mean() / (0.2 * 5 / 8), rel=0.01)


# --- nothing changes --------------------------------------------------------------------------------------

NEUTRAL: tuple[dict[str, object], ...] = (
    {"effort": "form"},
    {"count_factor": 1},
    {"award_factor": 1},
    {"acceptance_odds_ratio": 1},
    {"filing_odds_ratio": 1},
    {"rank_correlation": 0},
    {
        "effort": "form",
        "count_factor": 1,
        "award_factor": 1,
        "acceptance_odds_ratio": 1,
        "filing_odds_ratio": 1,
    },
)


@pytest.mark.parametrize("changes", NEUTRAL, ids=" ".join)
@pytest.mark.parametrize("tied", [False, True], ids=["independent", "correlated"])
def test_a_scenario_that_changes_nothing_has_exactly_the_figures_of_the_base(
    changes: dict[str, object], *, tied: bool
) -> None:
    if tied and "rank_correlation" in changes:
        pytest.skip("a rank correlation of 0 changes a ledger that declares another")
    correlations = {("filing-share", "review-award"): 0.6} if tied else None
    ledger = ledger_of(*UNCERTAIN, correlations=correlations)
    base, row = table_of(run_of(shops(), ledger), shops(), scenario(**changes)).iter_rows(named=True)
    assert row == base | {"scenario": "s"}
    assert row["change"] == 0


# --- each change by hand ----------------------------------------------------------------------------------


def odds_times(p: float, ratio: float) -> float:
    """The probability whose odds are a multiple, from the odds themselves."""
    odds = ratio * p / (1 - p)
    return odds / (1 + odds)


@pytest.mark.parametrize(
    ("changes", "growth", "accepted", "filed", "payments"),
    [
        ({"count_factor": 1.25}, 1.25, 0.5, 0.2, PAYMENTS),
        ({"award_factor": 1.5}, 1, 0.5, 0.2, (30_000, 50_000, 1.5 * AWARD)),
        ({"filing_odds_ratio": 2}, 1, 0.5, 1 / 3, PAYMENTS),
        ({"filing_odds_ratio": 2, "award_factor": 1.5}, 1, 0.5, 1 / 3, (30_000, 50_000, 1.5 * AWARD)),
        ({"acceptance_odds_ratio": 3}, 1, 0.75, 0.2, PAYMENTS),  # 3 x 0.5/0.5
    ],
    ids=str,
)
def test_known_rates_give_the_product_and_the_people_by_hand(
    changes: dict[str, object], growth: float, accepted: float, filed: float, payments: tuple[float, ...]
) -> None:
    row = row_of(shops(), ledger_of(*CERTAIN), **changes)
    rates = [share * filing for share, filing in zip((0.5, 0.3, 0.2), (0.2, 0.2, filed), strict=True)]
    paid = np.array(rates) * REPORTS * growth * accepted
    assert row["recipients"] == pytest.approx(paid.sum(), rel=1e-9)
    assert row["expected"] == pytest.approx(paid @ payments, rel=1e-9)


def test_the_expected_cash_under_uncertain_odds_is_the_integral() -> None:
    """Filing and mix are uncertain, so the mean over the draws stands for the integral over both."""
    run = run_of(shops(), ledger_of(*UNCERTAIN))
    _, accepted, filed = table_of(
        run, shops(), scenario(acceptance_odds_ratio=2), scenario(filing_odds_ratio=2)
    ).iter_rows(named=True)
    award = stats.lognorm(0.5, scale=150_000).mean()
    filing, acceptance = stats.beta(2, 8), stats.beta(5, 3)

    def mean_of_odds(prior: Any) -> float:  # noqa: ANN401 - a frozen distribution
        return float(integrate.quad(lambda p: odds_times(p, 2) * prior.pdf(p), 0, 1)[0])

    tiers_paid = 0.5 * 30_000 + 0.3 * 50_000
    by_hand = REPORTS * filing.mean() * mean_of_odds(acceptance) * (tiers_paid + 0.2 * award)
    assert accepted["expected"] == pytest.approx(by_hand, rel=0.002)
    large = filing.mean() * tiers_paid + mean_of_odds(filing) * 0.2 * award
    assert filed["expected"] == pytest.approx(REPORTS * acceptance.mean() * large, rel=0.002)


def test_another_effort_is_a_run_with_the_rates_of_its_reference_classes() -> None:
    """The rates replace those of the ledger at the same random points."""
    classes = {str(rate.kind): rate for rate in rates_by_effort({"one_tap": ["line-0"]}, DAY)}
    ids = {"filing_share": "filing-share", "acceptance": "acceptance"}
    replaced = [classes[kind].model_copy(update={"id": id_, "effort": None}) for kind, id_ in ids.items()]
    other = table_of(run_of(shops(), ledger_of(*replaced, *UNCERTAIN[2:])), shops()).row(0, named=True)
    row = row_of(shops(), ledger_of(*UNCERTAIN), effort="one_tap")
    assert {
        key: row[key] for key in ("expected", "range_low", "p50", "p75", "range_high", "over_budget")
    } == {
        key: pytest.approx(other[key], rel=0.03)
        for key in ("expected", "range_low", "p50", "p75", "range_high")
    } | {"over_budget": pytest.approx(other["over_budget"], abs=0.004)}


def test_a_later_deadline_multiplies_the_counts_of_lines_that_must_be_claimed() -> None:
    automatic = {"published_count": "CL-13", "band": ({"over": 0, "fixed": 100},), "effort": "automatic"}
    policy = policy_of({"published_count": "CL-13", "band": TIERS}, automatic)
    run = run_of(policy, ledger_of(*CERTAIN))
    stressed = stressed_run(run, policy, lambda _: 1.2)
    base, row = scenario_table(run, stressed, [scenario(extra_days=14, spike=0)]).iter_rows(named=True)
    claimed = REPORTS * 0.1 * (15_000 + 15_000 + 0.2 * AWARD)
    assert base["expected"] == pytest.approx(claimed + REPORTS * 100)
    assert row["expected"] == pytest.approx(1.2 * claimed + REPORTS * 100)
    assert row["change"] == pytest.approx(0.2 * claimed)
    assert row["over_budget"] is None  # no budget was given


# --- what does not apply ----------------------------------------------------------------------------------

MEAN = (entry("filing_share", 0.2), entry("acceptance", 0.5), entry("mean_payment", 70_000))
FLAT = {"published_count": "CL-13", "band": ({"over": 0, "fixed": 100},)}


@pytest.mark.parametrize(
    ("policy", "entries", "changes", "status", "reason"),
    [
        (shops(), CERTAIN, {"extra_days": 14}, "no_dates", ""),
        (shops(), MEAN, {"award_factor": 2}, "mean_payment_stated", ""),
        (shops(), MEAN, {"filing_odds_ratio": 2}, "no_band_mix", "line-0"),
        (policy_of(FLAT), CERTAIN[:2], {"award_factor": 2}, "no_review", ""),
        (policy_of(FLAT), CERTAIN[:2], {"filing_odds_ratio": 2}, "no_band_mix", "line-0"),
        (policy_of(FLAT | {"effort": "automatic"}), (), {"effort": "one_tap"}, "nothing_claimed", ""),
        (policy_of(FLAT | {"effort": "automatic"}), (), {"extra_days": 3}, "nothing_claimed", ""),
        (policy_of(FLAT | {"effort": "automatic"}), (), {"acceptance_odds_ratio": 2}, "no_acceptance", ""),
        (policy_of(FLAT | {"effort": "automatic"}), (), {"filing_odds_ratio": 2}, "nothing_filed", ""),
        (policy_of(FLAT | {"effort": None}), CERTAIN[:2], {"effort": "one_tap"}, "no_effort", "line-0"),
        (shops(), (entry("paid_total", 7e6),), {"count_factor": 2}, "no_count", ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_a_scenario_that_does_not_apply_has_no_figures_and_says_why(
    policy: Policy, entries: tuple[Any, ...], changes: dict[str, object], status: str, reason: str
) -> None:
    base, row = table_of(run_of(policy, ledger_of(*entries)), policy, scenario(**changes)).iter_rows(
        named=True
    )
    assert (row["status"], row["reason"]) == (status, reason)
    assert {row[name] for name in schema_of("scenarios") if name not in ("scenario", "status", "reason")} == {
        None
    }
    assert base["status"] == "ok"


def test_counted_claims_share_one_filing_share() -> None:
    policy = policy_of({"band": tiers([100], [{"fixed": 40}, {"fixed": 60}])})
    cube = loss_cube([20, 70, 400], 100)
    run = run_of(policy, ledger_of(*CERTAIN[:2]), (cube,))
    row = table_of(run, policy, scenario(filing_odds_ratio=2)).row(1, named=True)
    assert (row["status"], row["reason"], row["expected"]) == ("counted_claims", "line-0", None)
    doubled = table_of(run, policy, scenario(count_factor=2)).row(1, named=True)
    assert doubled["expected"] == pytest.approx(2 * 0.1 * (40 + 40 + 60))


def test_rates_that_were_not_published_by_the_day_are_not_used() -> None:
    run = run_of(shops(), ledger_of(*CERTAIN))
    early = replace(stressed_run(run, shops()), as_of=DAY.replace(year=1990))
    row = scenario_table(run, early, [scenario(effort="one_tap")]).row(1, named=True)
    assert row["status"] == "no_reference_classes"
    assert "1990" in row["reason"]


# --- odds -------------------------------------------------------------------------------------------------


HEAD = """id = "mine"
name = { en = "Mine" }

[[scenario]]
id = "more"
name = { en = "More" }
note = "More reports."
"""
MORE = """count_factor = 2
[[scenario]]
id = "{id}"
name = {{ en = "Another" }}
note = "The reports of another."
count_factor = 3"""


def test_the_bundled_scenarios_are_complete_in_both_languages() -> None:
    bundled = load_scenarios()
    changed = " ".join(change for scenario in bundled.scenarios for change in scenario.changes)
    assert changed == (
        "effort extra_days award_factor award_factor acceptance_odds_ratio acceptance_odds_ratio "
        "filing_odds_ratio rank_correlation"
    )
    assert load_scenarios(bundled) is bundled


def test_a_document_of_ones_own_is_read(write_document: Callable[[str], Path]) -> None:
    found = load_scenarios(write_document(HEAD + "count_factor = 1.1\nacceptance_odds_ratio = 2\n"))
    assert isinstance(found, ScenarioSet)
    assert found.scenarios[0].changes == ("count_factor", "acceptance_odds_ratio")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "changes nothing"),
        ("award_factors = 2", "Did you mean 'award_factor'?"),
        ("award_factor = 0", "greater than 0"),
        ("count_factor = 1.1\nspike = 0", "spike without extra_days"),
        ("count_factor = 1.1\nextra_days = 14", "both extra_days and count_factor"),
        ("rank_correlation = 1", "less than 1"),
        ('effort = "automatic"', "one_tap"),
        ("extra_days = 1.5", "extra_days"),
        (MORE.format(id="more"), "two scenarios more"),
        (MORE.format(id="base"), "a scenario base"),
    ],
)
def test_an_error_names_the_key_and_what_to_do(
    write_document: Callable[[str], Path], lines: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        load_scenarios(write_document(HEAD + lines + "\n"))
