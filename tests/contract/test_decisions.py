"""The tools of a decision, against calculations that use nothing but data, `oa.run` and the definition."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

import outage_analysis as oa
from outage_analysis.errors import UsageError
from tests.contract.command_line import OWN_FILE, outage_analysis

FEW = 8_192
LINE = "small-business-cash"
TIERS = {300_000: 30_000, 500_000: 50_000}
DAY = date(2022, 12, 30)
REPORTS = 8_461
"""Reports of small businesses that use free services, as published (CL-13)."""
EARLY = """\
id = "early"
name.en = "Promised before the reports were counted"
currency = "KRW"
loss_unit = "KRW"
[[line]]
id = "tiers"
kind = "schedule"
name.en = "Tiers"
public_on = 2022-10-20
effort = "form"
published_count = "CL-13"
band = [{ over = 0, fixed = 10_000 }]
"""
ONE_SCENARIO = (
    'id = "mine"\nname.en = "Mine"\n[[scenario]]\nid = "one"\nname.en = "One"\nnote = "One change."\n'
)


@pytest.fixture(scope="module")
def kakao() -> oa.Analysis:
    return oa.run(budget=300_000_000, draws=FEW)


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> oa.Claims:
    path = tmp_path_factory.mktemp("decisions") / "complaints.csv"
    path.write_text(OWN_FILE, "utf-8")
    return oa.read_claims(path)


def kakao_policy(**pays: int) -> oa.Policy:
    """The Kakao package with other payments: `low` up to 300,000 won, `high` up to 500,000."""
    policy = oa.load_policy("kakao-2022")
    for name, up_to in (("low", 300_000), ("high", 500_000)):
        if name in pays:
            policy = policy.with_tier(line=LINE, up_to=up_to, pays=pays[name])
    return policy


def expected_cost(analysis: oa.Analysis) -> float:
    """The expected cost in whole currency of an analysis that has one."""
    assert analysis.expected is not None
    return analysis.expected


def expected_of(policy: str | oa.Policy, ledger: str | oa.Ledger, day: date = DAY) -> float:
    """The expected cash of the small businesses by the cost table, without a simulation."""
    table = oa.cost_table(oa.load_policy(policy), oa.load_ledger(ledger), as_of=day)
    return float(table.filter(line=LINE, level="line", valuation="cash")["expected"].item())


def position(draws: np.ndarray, amount: float) -> float:
    """The share of the draws up to an amount."""
    return float((draws <= amount).mean())


# --- one distribution -------------------------------------------------------------------------------------


def test_the_quantiles_the_chance_the_reserve_and_the_sample_are_one_distribution(kakao: oa.Analysis) -> None:
    draws = kakao.sample(FEW).to_numpy()
    assert expected_cost(kakao) == pytest.approx(draws.mean(), abs=4 * draws.std() / math.sqrt(FEW))
    for p in (0.1, 0.25, 0.5, 0.75, 0.9, 0.95):  # a quantile of the run lies at its p in the sample
        assert position(draws, kakao.quantile(p)) == pytest.approx(p, abs=0.012), p
    for amount in (1e6, 50e6, 300e6, 1e9):
        chance = kakao.chance_over(amount)
        assert chance == pytest.approx((draws > amount).mean(), abs=0.012)
        if 0.01 < chance < 0.99:
            assert kakao.chance_over(kakao.quantile(1 - chance)) == pytest.approx(chance, abs=0.005)
    reserve = {measure: kakao.reserve(measure) for measure in ("mean", "median", "P75", "P90")}
    assert reserve == {
        "mean": expected_cost(kakao), "median": kakao.median,
        "P75": kakao.quantile(0.75), "P90": kakao.quantile(0.9),
    }  # fmt: skip
    assert kakao.reserve("P90", handling="inside") > reserve["P90"]


def test_low_expected_high_and_most_are_in_order(kakao: oa.Analysis) -> None:
    for name in ("costs", "totals", "claims_costs", "claims_totals"):
        table = kakao.tables[name]
        for first, second in (("low", "expected"), ("expected", "high"), ("high", "most"), ("low", "most")):
            rows = table.filter(pl.col(first).is_not_null() & pl.col(second).is_not_null())
            wrong = rows.filter(pl.col(first) > pl.col(second) * (1 + 1e-9) + 0.5)
            assert wrong.is_empty(), (name, first, second)
        assert table["expected"].count() > 0


def test_nothing_simulated_exceeds_the_most_that_can_be_paid(claims: oa.Claims) -> None:
    analysis = oa.run(claims, tiers=TIERS, draws=FEW)
    most = 6 * 30_000 + 3 * 50_000 + 50_000  # the loss that is not stated may lie in any band
    assert analysis.tables["claims_totals"].filter(valuation="cash")["most"].to_list() == [most]
    assert analysis.sample(FEW).max() <= most  # type: ignore[operator]
    assert analysis.chance_over(most) == 0
    assert analysis.chance_over(most / 2) > 0


# --- comparing --------------------------------------------------------------------------------------------


def test_a_policy_differs_from_itself_by_nothing() -> None:
    policy = oa.load_policy("kakao-2022")
    renamed = policy.model_copy(update={"id": "the-same"})
    comparison = oa.compare(policy, renamed, draws=FEW)
    (first, second) = comparison.table.drop("policy", "dominated_by").to_dicts()
    assert first == second
    (pair,) = comparison.tables["pairs"].select("difference", "range_low", "p50", "range_high").rows()
    assert pair == (0, 0, 0, 0)
    (claims, *signs) = (
        comparison.tables["winners_and_losers"]
        .filter(level="total")
        .select("claims", "gain", "lose", "equal", "unclear", "total_low", "total_high")
        .row(0)
    )
    assert signs == [0, 0, claims, 0, 0, 0]


@settings(max_examples=5, deadline=None)
@given(low=st.integers(0, 5), high=st.integers(0, 5), more=st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_a_policy_that_never_pays_less_is_never_cheaper(low: int, high: int, more: tuple[int, int]) -> None:
    poor = kakao_policy(low=10_000 * low, high=10_000 * (low + high))
    rich = kakao_policy(low=10_000 * (low + more[0]), high=10_000 * (low + high + max(more)))
    poor, rich = (policy.model_copy(update={"id": name}) for policy, name in ((poor, "poor"), (rich, "rich")))
    table = oa.compare(poor, rich, draws=FEW).table
    for measure in ("expected", "range_low", "p50", "range_high"):
        cost = dict(table.select("policy", measure).rows())
        assert cost["poor"] <= cost["rich"], measure


def test_the_difference_of_two_payments_is_the_number_of_paid_claims_times_the_step() -> None:
    costs = [expected_of(kakao_policy(low=pays), "kakao-2022") for pays in (0, 10_000, 40_000)]
    assert costs[2] - costs[0] == pytest.approx(4 * (costs[1] - costs[0]), rel=1e-8)


# --- searching --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_search_finds_what_running_every_policy_finds() -> None:
    budget, lows, highs = 530_000_000, (10_000, 20_000), (29_000, 41_000)  # no candidate is close to it
    found = oa.solve(
        vary={f"{LINE}.tier1": lows, f"{LINE}.tier2": highs}, budget=budget, objective="per_claim", draws=FEW
    )
    shares = [0.5, 0.25, 0.25]  # of the reports by loss band, as the ledger expects
    costs = oa.run(draws=FEW).tables["costs"].filter(line=LINE, level="band")
    assert [count / REPORTS for count in costs["count"]] == shares
    feasible: dict[tuple[int, int], tuple[float, float]] = {}
    for low, high in product(lows, highs):
        if low <= high:
            run = oa.run(policy=kakao_policy(low=low, high=high), ledger="kakao-2022", draws=FEW)
            if run.chance_over(budget) <= 0.1:
                feasible[low, high] = (shares[0] * low + shares[1] * high, -expected_cost(run))
    best = max(feasible, key=feasible.__getitem__)
    assert found.parameters == {f"{LINE}.tier1": best[0], f"{LINE}.tier2": best[1]}
    assert found.table["expected"][0] == pytest.approx(-feasible[best][1], rel=1e-9)


def test_a_search_over_own_claims_costs_what_a_run_of_its_policy_costs(claims: oa.Claims) -> None:
    found = oa.solve(claims, tiers=TIERS, vary=["tiers.tier1,tier2"], step=10_000, budget=200_000, draws=FEW)
    run = oa.run(claims, policy=found.policy, ledger=found.ledger, draws=FEW)
    assert run.chance_over(200_000) <= 0.1
    row = found.table.row(0, named=True)
    assert row["expected"] == pytest.approx(expected_cost(run), rel=1e-9)
    assert row["over_budget"] == run.chance_over(200_000)
    frontier = found.frontier.sort("expected")
    assert frontier["replaced"].is_sorted()  # who pays more buys more
    low, high = (found.parameters[f"tiers.tier{n}"] for n in (1, 2))
    assert low <= high
    losses = [120_000, 300_000, 80_000, 90_000, 60_000, 210_000]
    paid = sum(min(loss, low) for loss in losses) + 3 * high
    stated = [int(line.split(",")[4] or 0) for line in OWN_FILE.splitlines()[1:]]
    assert row["replaced"] == pytest.approx(paid / sum(stated), rel=1e-6)


@pytest.mark.parametrize("at", ["P90", "expected"])
@pytest.mark.parametrize(("budget", "pays"), [(89_999, 10_000), (90_000, 20_000), (90_001, 20_000)])
def test_a_certain_cost_that_equals_the_budget_keeps_it(
    tmp_path: Path, budget: int, pays: int, at: str
) -> None:
    path = tmp_path / "accepted.csv"
    losses = "".join(f"{loss},A,2026-03-02,{loss}\n" for loss in (120_000, 250_000, 400_000))
    path.write_text("id,service,filed_on,loss (KRW)\n" + losses)
    accepted = oa.read_claims(path, rows="accepted")
    found = oa.solve(
        accepted, tiers=TIERS, vary=["tiers.tier1"], step=10_000, budget=budget, draws=FEW, at=at
    )
    assert found.parameters == {"tiers.tier1": pays}


# --- moving from one figure to another --------------------------------------------------------------------


def test_the_steps_of_a_bridge_add_up_to_the_difference(kakao: oa.Analysis) -> None:
    told = json.loads(outage_analysis("bridge", "kakao-2022", "kakao-2023-06-30", "--json").out)
    rows = told["bridge"]
    assert rows[0]["total"] == round(expected_cost(kakao))
    assert rows[-1]["total"] == round(expected_of("kakao-2022", "kakao-2023-06-30", date(2023, 6, 30)))
    total = rows[0]["total"]
    for row in rows[1:]:
        total += row["amount"] or 0
        assert row["total"] == total
    assert rows[0]["p90"] == pytest.approx(kakao.quantile(0.9), rel=0.02)
    back = json.loads(outage_analysis("bridge", "kakao-2022", "kakao-2022", "--json").out)["bridge"]
    assert {row["amount"] for row in back[1:]} <= {0, None}


def test_a_scenario_is_a_run_with_the_changed_input(kakao: oa.Analysis, tmp_path: Path) -> None:
    """Half of the reports; awards half as high again, of the band that is reviewed."""
    (tmp_path / "half.toml").write_text(f"{ONE_SCENARIO}count_factor = 0.5\n", "utf-8")
    half = kakao.scenarios(tmp_path / "half.toml")
    assert half["expected"][1] == pytest.approx(expected_cost(kakao) / 2, rel=1e-9)
    assert half["change"][1] == pytest.approx(half["expected"][1] - half["expected"][0], rel=1e-9)
    stresses = {row["scenario"]: row for row in kakao.scenarios().to_dicts()}
    bands = kakao.tables["costs"].filter(line=LINE, level="band").sort("over")
    reviewed = bands["expected"][-1]
    assert stresses["generous-review"]["change"] == pytest.approx(reviewed / 2, rel=1e-6)
    assert stresses["base"]["expected"] == expected_cost(kakao)
    assert stresses["base"]["over_budget"] == pytest.approx(kakao.chance_over(300_000_000), abs=1e-3)
    assert stresses["rates-together"]["expected"] > expected_cost(kakao)


def test_the_ends_of_a_tornado_bar_are_costs_with_that_input_fixed(kakao: oa.Analysis) -> None:
    ledger = oa.load_ledger("kakao-2022")
    bars = {row["assumption"]: row for row in kakao.tables["tornado"].filter(valuation="cash").to_dicts()}
    for name in ("as-filing-share", "as-acceptance", "as-review-award"):
        bar = bars[name]
        for end in ("low", "high"):
            fixed = expected_of("kakao-2022", ledger.with_value(name, bar[f"input_{end}"]))
            assert bar[f"cost_{end}"] == pytest.approx(fixed, rel=1e-6), (name, end)
        assert bar["cost_low"] < bar["cost_expected"] < bar["cost_high"]
    lengths = [bar["cost_high"] - bar["cost_low"] for bar in bars.values()]
    assert lengths == sorted(lengths, reverse=True)


# --- claims enter by their cube only ----------------------------------------------------------------------


@pytest.mark.slow
def test_the_cost_depends_on_the_cube_and_not_on_who_filed_the_rows(tmp_path: Path) -> None:
    """The same rows in another order, under other ids, cost exactly as much; twice the rows cost twice."""
    head, *rows = OWN_FILE.splitlines()
    other = [f"x{row}" for row in reversed(rows)]
    doubled = [*rows, *(f"y{row.replace(',c', ',d')}" for row in rows)]
    costs = []
    for name, lines in (("same", rows), ("other", other), ("doubled", doubled)):
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join([head, *lines]) + "\n", "utf-8")
        costs.append(oa.run(path, tiers=TIERS, draws=FEW))
    assert expected_cost(costs[1]) == expected_cost(costs[0])
    assert costs[1].sample(FEW).to_list() == costs[0].sample(FEW).to_list()
    assert expected_cost(costs[2]) == pytest.approx(2 * expected_cost(costs[0]), rel=1e-9)


# --- forecasts and fits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_range_of_late_claims_has_the_end_of_a_known_curve(seed: int) -> None:
    """Poisson counts of an exponential curve, seen for seven of its fourteen days."""
    days = np.arange(1, 15)
    curve = 20_000 * (1 - np.exp(-days / 4))
    daily = np.random.default_rng(seed).poisson(np.diff([0, *curve]))
    counts = np.cumsum(daily)
    forecast = oa.forecast_late_claims(
        days[:7].tolist(), counts[:7].tolist(), [oa.Branch("end", closes=14, spike=0)]
    )
    late = forecast.late["end"]
    low, high = late.total(0.95)
    assert counts[6] <= low <= counts[-1] <= high
    assert late.mean == pytest.approx(counts[-1] - counts[6], rel=0.15)
    narrow, wide = late.total(0.5), late.total(0.95)
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]


def test_a_rush_on_the_last_day_adds_to_the_usual_claims_of_that_day() -> None:
    counts = np.cumsum([round(600 * 0.86**day) for day in range(12)]).tolist()
    closings = {"usual": (20, 0), "rush": (20, 2), "a day less": (19, 0)}
    branches = [oa.Branch(name, closes=closes, spike=spike) for name, (closes, spike) in closings.items()]
    late = oa.forecast_late_claims(range(1, 13), counts, branches).late
    last_day = late["usual"].mean - late["a day less"].mean
    assert late["rush"].mean - late["usual"].mean == pytest.approx(2 * last_day, rel=1e-9)


@pytest.mark.parametrize(("median", "sigma"), [(60_000, 1.1), (250_000, 0.6)])
def test_a_fit_recovers_the_distribution_that_its_counts_come_from(median: float, sigma: float) -> None:
    edges = [0, 10_000, 30_000, 100_000, 300_000, 1_000_000]
    law = stats.lognorm(sigma, scale=median)
    probabilities = np.diff([*law.cdf(edges), 1])
    exact = np.round(1_000_000 * probabilities)
    fit = oa.fit_severity(edges, exact.tolist(), family="lognormal")
    assert fit.value("median") == pytest.approx(median, rel=1e-3)
    assert fit.value("sigma") == pytest.approx(sigma, rel=1e-3)
    assert fit.mean == pytest.approx(law.mean(), rel=5e-3)
    assert fit.cdf(100_000) == pytest.approx(law.cdf(100_000), abs=1e-3)
    few = np.random.default_rng(5).multinomial(600, probabilities)
    drawn = oa.fit_severity(edges, few.tolist(), family="lognormal")
    assert drawn.value("sigma") == pytest.approx(sigma, abs=4 * drawn.se["sigma"])
    below = stats.lognorm.cdf(edges, drawn.value("sigma"), scale=drawn.value("median"))
    assert drawn.loglik == pytest.approx(float(few @ np.log(np.diff([*below, 1]))), abs=1e-6)


# --- as of a day ------------------------------------------------------------------------------------------


def test_the_outcome_of_the_case_lies_within_its_forecast(kakao: oa.Analysis) -> None:
    """About 50 million won were paid, which came out half a year after the ledger."""
    paid = 50_000_000
    assert 0.1 < position(kakao.sample(FEW).to_numpy(), paid) < 0.9
    assert kakao.quantile(0.1) < paid < kakao.quantile(0.9)
    rows = {row["outcome"]: row for row in kakao.tables["hindsight_backtest"].to_dicts()}
    for outcome, observed in {"filed": 451, "accepted": 205, "paid": paid}.items():
        row = rows[outcome]
        assert row["observed"] == observed
        assert row["inside"] == (row["range_low"] <= observed <= row["range_high"])
        assert row["inside"] == (outcome != "accepted")  # a miss: four documents were asked for
        assert row["inside"] == (0.1 < row["percentile"] < 0.9)
    press = {row["rival"]: row for row in kakao.tables["hindsight_rivals"].to_dicts()}
    assert press  # other forecasts stand beside it
    assert all(
        row["ours"] == rows[row["outcome"]]["crps"] for row in press.values() if row["ours"] is not None
    )


@pytest.mark.parametrize("day", ["2022-10-24", "2022-12-30"])
def test_a_run_as_of_a_day_uses_only_what_was_public(kakao: oa.Analysis, day: str) -> None:
    published = {row["id"]: row["public_on"] for row in oa.facts().to_dicts()}
    run = kakao if str(kakao.as_of) == day else oa.run(as_of=day, draws=FEW)
    used = run.tables["facts"]
    cited = {
        fact
        for name in ("costs", "totals", "funnel", "facts")
        for column in ("facts", "id", "fact")
        if column in run.tables[name].columns
        for text in run.tables[name][column].drop_nulls()
        for fact in str(text).split()
    }
    known = cited & published.keys()
    assert len(known) > 5
    assert max(published[fact] for fact in known) <= date.fromisoformat(day)
    assert used["public_on"].max() <= date.fromisoformat(day)  # type: ignore[operator]
    early = oa.facts(public_by=date.fromisoformat(day))["id"].to_list()
    assert set(early) == {id_ for id_, on in published.items() if on and on <= date.fromisoformat(day)}


@pytest.mark.parametrize(
    ("day", "count"), [("2022-10-24", None), ("2022-12-29", None), ("2022-12-30", REPORTS)]
)
def test_a_count_enters_a_cost_from_the_day_on_which_it_was_published(
    tmp_path: Path, day: str, count: float | None
) -> None:
    (tmp_path / "early.toml").write_text(EARLY, "utf-8")
    policy, ledger = oa.load_policy(tmp_path / "early.toml"), oa.load_ledger("kakao-2022-10-24")
    table = oa.cost_table(policy, ledger, as_of=date.fromisoformat(day)).filter(level="line")
    most = None if count is None else 10_000 * count
    assert table.select("count", "most").rows() == [(count, most)]


def test_the_decision_week_has_no_cash_and_says_so() -> None:
    code, _, err = outage_analysis("reserve", "--as-of", "2022-10-24", "--draws", FEW)
    assert code == 5
    assert err.startswith("error: ")


# --- an intake that is still open -------------------------------------------------------------------------

FIRST, SEEN, CLOSES = date(2026, 3, 2), 8, date(2026, 3, 16)


def daily_counts(days: int, scale: int = 9_000) -> list[int]:
    """Claims filed on each day, where the chance that a claim is still to come falls by 11 % a day."""
    left = [scale * math.exp(-0.12 * day) for day in range(days + 1)]
    return [round(before - after) for before, after in pairwise(left)]


def claims_file(path: Path, counts: list[int]) -> Path:
    rows = [
        f"{day}-{n},App,{FIRST + timedelta(days=day)},{(100_000, 400_000, 900_000)[n % 3]}"
        for day, count in enumerate(counts)
        for n in range(count)
    ]
    path.write_text("\n".join(["claim_id,service,filed_on,loss (KRW)", *rows]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return claims_file(tmp_path_factory.mktemp("intake") / "seen.csv", daily_counts(SEEN))


@pytest.fixture(scope="module")
def still_open(seen: Path) -> oa.Analysis:
    return oa.run(seen, tiers=TIERS, rows="filed", closes=CLOSES, draws=8_192)


def test_the_cost_covers_the_claims_that_came_by_the_deadline(
    still_open: oa.Analysis, tmp_path: Path
) -> None:
    every = claims_file(tmp_path / "all.csv", daily_counts((CLOSES - FIRST).days + 1))
    final = oa.run(every, tiers=TIERS, rows="filed", draws=8_192).expected
    assert final is not None
    assert still_open.expected == pytest.approx(final, rel=0.08)
    so_far = oa.run(still_open.claims, tiers=TIERS, rows="filed", draws=8_192).expected
    assert so_far is not None
    assert so_far < 0.8 * final


def test_it_says_first_how_many_were_filed_and_how_many_are_expected(still_open: oa.Analysis) -> None:
    filed = sum(daily_counts(SEEN))
    for lang, day in (("en", "16 March 2026"), ("ko", "2026. 3. 16.")):
        first = still_open.answer(lang).sentences[0]
        assert first.index(f"{filed:,}") < first.index(day)


@pytest.mark.slow
def test_a_report_of_it_is_written_again_byte_for_byte(
    still_open: oa.Analysis, seen: Path, tmp_path: Path
) -> None:
    still_open.report(tmp_path / "report", formats=["csv", "md"])
    checked = outage_analysis("verify", tmp_path / "report", "--claims", seen)
    assert (checked.code, checked.err) == (0, "")


def test_too_few_claims_are_not_forecast_and_the_cost_says_so(tmp_path: Path) -> None:
    few = claims_file(tmp_path / "few.csv", daily_counts(SEEN, 900))
    words = ("--tiers", "300000:30000", "--rows", "filed", "--closes", CLOSES, "--draws", "8192")
    told = outage_analysis("cost", few, *words)
    assert told.code == 0
    counted = "The cost counts only the claims filed by 9 March 2026."
    assert told.out.startswith(f"{counted} Filing is open until 16 ")
    assert "too few to forecast" in told.out


@pytest.mark.parametrize("closes", ["2026-03-01", "2026-03-05"])
def test_a_deadline_before_the_last_claim_is_refused(seen: Path, closes: str) -> None:
    told = outage_analysis("cost", seen, "--tiers", "300000:30000", "--closes", closes)
    assert (told.code, told.out) == (2, "")
    assert closes in told.err
    assert "2026-03-09" in told.err


@pytest.mark.parametrize(
    ("name", "value"), [("closes", "2026-03-16"), ("unknown", 5_000), ("effort", "form")]
)
def test_a_term_that_completes_tiers_is_refused_without_them(name: str, value: str | int, seen: Path) -> None:
    term: dict[str, Any] = {name: value}
    with pytest.raises(UsageError, match=f"^{name} has no effect without tiers. Give tiers=..., or"):
        oa.run(seen, incident="kakao-2022", **term)
    told = outage_analysis("cost", f"--{name}", value)
    assert (told.code, told.out) == (2, "")
    remedy = "Give --tiers, or state it in the policy."
    assert told.err == f"error: --{name} has no effect without tiers. {remedy}\n"
