"""The amount to set aside, a payment that keeps a budget, and the claims still to come, day by day."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.analysis import (
    Analysis,
    BudgetSolution,
    IntakeForecast,
    Plan,
    compare_policies,
    counted_notes,
    headline_sentences,
    parse_measure,
    reserve_mean,
    reserve_scope,
    run,
    solve,
)
from outage_analysis.analysis.summary import reserve_table
from outage_analysis.costs.sensitivity import ScenarioSet
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import ClaimDeadline, Incident, load_incident
from outage_analysis.losses import Branch, forecast_late_claims
from outage_analysis.reports.table_views import presentation_totals
from outage_analysis.text import LANGUAGES, Locale, schema_of, schemas_of
from tests.commands import command
from tests.conftest import claim_rows
from tests.small_policies import DAY, DRIVERS, Page, budget, fee, fixed, ledger_of, policy_of, uniform
from tests.tram_case import ENTRY, ledger, tram_plan

WORK = {
    "kind": "handling",
    "people": {"kind": "uniform", "low": 5, "high": 15},
    "weeks": fixed(10),
    "weekly_wage": fixed(50_000),
}
RATES: tuple[Page, ...] = (
    {"kind": "filing_share", "distribution": uniform(0.1, 0.5)},
    {"kind": "acceptance", "distribution": fixed(0.5)},
)
NO_DUTY = {"accounting": {"obligation": "none", "presentation": "expense"}}
DUTY = {"accounting": {"obligation": "constructive", "presentation": "expense"}}
REVENUE = {"accounting": {"obligation": "legal", "presentation": "revenue"}}


def analysis_of(*lines: Page, entries: tuple[Page, ...] = RATES, **ledger: Any) -> Analysis:  # noqa: ANN401 - keys of a page
    """An analysis from published counts."""
    page = ledger_of(*entries, **ledger)
    return run(
        Plan(
            incident=load_incident("kakao-2022"),
            policy=policy_of(*lines),
            ledger=page,
            claims=(),
            as_of=DAY,
            draws=2_048,
        )
    )


def rows_of(analysis: Analysis) -> dict[str, dict[str, Any]]:
    table = reserve_table(analysis)
    assert table is not None
    assert table.schema == schema_of("reserve").frame().schema
    return {row["measure"]: row for row in table.iter_rows(named=True)}


def test_a_line_without_an_obligation_is_not_in_the_reserve() -> None:
    found = analysis_of(
        fee(100, **DUTY),
        budget(7_000_000, effort="automatic", **NO_DUTY),
        entries=(WORK | {"lines": ("budget",)},),
    )
    scope = reserve_scope(found)
    assert (scope["lines"], scope["without_obligation"]) == (("fee",), ("budget",))
    rows = rows_of(found)
    assert {row["cash"] for row in rows.values()} == {DRIVERS * 100.0}
    assert {row["handling"] for row in rows.values()} == {None}
    assert found.expected == DRIVERS * 100 + 7_000_000  # the cash of the headline counts both


def test_each_presentation_has_its_part_of_the_reserve() -> None:
    found = analysis_of(fee(100, **DUTY), fee(30, id="credit", **REVENUE), entries=())
    told = presentation_totals(found, Locale("en"))
    assert [f"{DRIVERS * 100:,}" in told[0], f"{DRIVERS * 30:,}" in told[1]] == [True, True]
    assert reserve_mean(found, reserve_scope(found)["lines"]) == DRIVERS * 130


def test_correlated_inputs_give_the_mean_of_the_draws_on_both_pages() -> None:
    pair = {"of": ("filing-share", "acceptance"), "rank": 0.9, "rationale": "a test"}
    entries = (RATES[0], {"kind": "acceptance", "distribution": uniform(0.2, 0.8)})
    found = analysis_of(fee(100, effort="form", **DUTY), entries=entries, correlation=(pair,))
    mean = rows_of(found)["mean"]["cash"]
    assert mean == found.expected
    assert mean > DRIVERS * 100 * 0.3 * 0.5 * 1.02
    (told,) = presentation_totals(found, Locale("en"))
    assert Locale("en").exact_money(mean) in told


def test_handling_that_is_not_stated_cannot_be_inside() -> None:
    found = analysis_of(fee(100))
    with pytest.raises(ModelRefused, match="no handling"):
        found.reserve(handling="inside")
    with pytest.raises(UsageError, match="neither inside nor outside"):
        found.reserve(handling="in")


@pytest.mark.parametrize(
    ("text", "measure"), [("mean", "mean"), ("median", "p50"), ("P50", "p50"), ("P75", "p75"), ("p90", "p90")]
)
def test_a_measure_is_read_as_people_write_it(text: str, measure: str) -> None:
    assert parse_measure(text) == measure


@pytest.mark.parametrize(
    ("text", "hint"), [("medain", "Did you mean 'median'"), ("P70", "Did you mean"), (0.75, "Known")]
)
def test_another_measure_is_refused_with_a_hint(text: object, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        parse_measure(text)


def test_without_expected_cash_there_is_no_reserve(analysis: Analysis) -> None:
    none = replace(analysis, runs={})
    assert reserve_table(none) is None
    assert reserve_mean(none, ["pay-merchant-support"]) is None
    assert reserve_scope(none)["without_obligation"] == ("pay-merchant-support",)
    with pytest.raises(ModelRefused, match="a reserve"):
        none.reserve()


DEADLINE, DAYS = date(2031, 3, 31), 14
PER_DAY = [round(600 * 0.86**day) for day in range(20)]
"""Claims filed on each of the first twenty days: fewer and fewer."""


def scenarios(**changes: object) -> ScenarioSet:
    one = {"id": "s", "name": {"en": "S"}, "note": "A test.", **changes}
    return ScenarioSet.model_validate({"id": "mine", "name": {"en": "Mine"}, "scenario": (one,)})


def row_of(analysis: Analysis, **changes: object) -> dict[str, Any]:
    return analysis.scenarios(scenarios(**changes)).row(1, named=True)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Claims with the day of each, filed on the first twenty days of an intake that is still open."""
    path = tmp_path_factory.mktemp("dated") / "claims.csv"
    rows = [
        f"{day}-{n};{'RB'[n % 2]};rider;2031-03-{day + 2:02};{(20, 70, 400)[n % 3]};9"
        for day, filed in enumerate(PER_DAY)
        for n in range(filed)
    ]
    path.write_text("\n".join(["claim_id;line;claimant_type;filed_on;delay;distance", *rows]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def dated(tram: Path, counted: Path) -> Analysis:
    """The outage from these claims, on the evening of the twentieth day."""
    incident = load_incident(tram / "incident.toml").model_copy(update={"claims_to": DEADLINE})
    changes: dict[str, Any] = {
        "incident": incident,
        "policy": tram / "policy.toml",
        "ledger": tram / "ledger.toml",
        "claims": (counted,),
        "compare": (),
        "as_of": date(2031, 3, 21),
    }
    return run(tram_plan(tram, **changes))


ULTIMATE = ENTRY.format(
    name="ultimate", kind="ultimate", distribution='distribution = { kind = "fixed", value = 1 }'
)


def forecast_of(per_day: list[int], *closes: float) -> list[float]:
    """The expected claims in the end, if the intake closes so many days after its opening."""
    filed = [sum(per_day[: day + 1]) for day in range(len(per_day))]
    branches = [Branch(f"{days}", days, spike=0) for days in closes]
    found = forecast_late_claims(range(1, len(filed) + 1), filed, branches, starts=date(2031, 3, 2))
    return [filed[-1] + found.late[branch.id].mean for branch in branches]


def test_the_cost_of_an_open_intake_includes_the_claims_still_to_come(
    dated: Analysis, tram: Path, counted: Path, tmp_path: Path
) -> None:
    (total,) = forecast_of(PER_DAY, 30.0)  # the intake opened on 2 March and closes at the end of the 31st
    filed, so_far = sum(PER_DAY), with_ultimate(dated, tram, counted, tmp_path)
    assert 1.02 < total / filed < 1.1
    assert so_far.expected is not None
    assert dated.expected is not None
    assert dated.expected == pytest.approx(so_far.expected * total / filed, rel=1e-4)
    assert (dated.quantile(0.9), dated.quantile(0.5)) > (so_far.quantile(0.9), so_far.quantile(0.5))
    parts = (dated.expected * filed / total, dated.expected * (1 - filed / total))
    for lang, day in (("en", "31 March 2031"), ("ko", "2031. 3. 31.")):
        locale = dated.locale(lang)
        counts, cost = counted_notes(dated, locale)
        assert all(said in counts for said in (day, f"{filed:,}", f"{total:,.0f}"))
        assert all(locale.money(part * 100) in cost for part in parts)
        assert dated.card(lang).notes[0].startswith(counts)
        assert headline_sentences(dated, locale)[0].startswith(counts)


@pytest.mark.slow
def test_solve_and_compare_count_the_claims_still_to_come(dated: Analysis) -> None:
    plan = replace(dated.plan, compare=())
    assert dated.expected is not None
    found = solve(plan, vary=[f"{dated.policy.schedules[0].id}.tier1"], budget=10**9)
    costs = {row["role"]: row["expected"] for row in found.to_dict()["solution"]}
    assert costs["announced"] == pytest.approx(dated.expected, rel=1e-6)
    (total,) = forecast_of(PER_DAY, 30.0)
    share = dated.locale("en").share(1 - sum(PER_DAY) / total)
    for lang, said in (
        ("en", f"claims still to come make up {share} of the cost"),
        ("ko", f"비용 가운데 {share}"),
    ):
        assert said in " ".join(found.answer(lang).sentences)
    assert " are expected by 31 March 2031" in " ".join(found.answer().sentences)
    changed = dated.policy.model_copy(update={"id": "other"})
    compared = compare_policies(plan, [dated.policy, changed])
    assert compared.table["expected"].to_list() == pytest.approx([dated.expected] * 2, rel=1e-6)


def test_a_stated_ultimate_or_a_passed_deadline_needs_no_such_sentence(
    dated: Analysis, tram: Path, counted: Path, tmp_path: Path, analysis: Analysis
) -> None:
    assert counted_notes(analysis, analysis.locale("en")) == []
    assert counted_notes(with_ultimate(dated, tram, counted, tmp_path), dated.locale("en")) == []


def with_ultimate(dated: Analysis, tram: Path, counted: Path, folder: Path) -> Analysis:
    """The same analysis with a ledger that states the claims in the end."""
    path = folder / "ledger.toml"
    path.write_text(ledger(ULTIMATE), "utf-8")
    plan = tram_plan(
        tram,
        incident=dated.incident,
        policy=tram / "policy.toml",
        ledger=path,
        claims=(counted,),
        compare=(),
        as_of=dated.as_of,
    )
    return run(plan)


@pytest.mark.slow
def test_a_longer_deadline_grows_as_the_forecast_from_the_claims_expects(dated: Analysis) -> None:
    base = dated.scenarios().row(0, named=True)
    row = row_of(dated, extra_days=DAYS, spike=0)
    at_first, at_last = forecast_of(PER_DAY, 30.0, 30.0 + DAYS)
    assert 1.001 < at_last / at_first < 1.2
    assert row["expected"] == pytest.approx(base["expected"] * at_last / at_first, rel=1e-8)
    assert row["status"] == "ok"


def test_without_a_stated_rush_a_longer_deadline_has_no_figures(dated: Analysis) -> None:
    row = row_of(dated, extra_days=DAYS)
    assert (row["status"], row["expected"]) == ("no_spike", None)


def test_after_the_deadline_a_longer_one_has_no_figures(dated: Analysis, tram: Path, counted: Path) -> None:
    closed = run(
        tram_plan(
            tram,
            incident=dated.incident,
            policy=tram / "policy.toml",
            ledger=tram / "ledger.toml",
            claims=(counted,),
            compare=(),
            as_of=DEADLINE,
        )
    )
    row = row_of(closed, extra_days=DAYS, spike=0)
    assert (row["status"], row["reason"], row["expected"]) == ("deadline_passed", "2031-03-31", None)


FEW = 2**13
VARY = {
    "small-business-cash.tier1": [10_000, 20_000, 30_000],
    "small-business-cash.tier2": [30_000, 50_000, 70_000],
}


@pytest.fixture(scope="module")
def solved() -> BudgetSolution:
    """The Kakao case from published counts."""
    return oa.solve(vary=VARY, budget=550_000_000, draws=FEW)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_card_the_sentence_and_the_chart_state_the_result(solved: BudgetSolution, lang: str) -> None:
    card = solved.card(lang)
    assert card.notes == tuple(solved.answer(lang).sentences)
    assert [table.heads.count("P90") for table in card.tables] == [1, 1]
    spec = solved.chart(lang=lang, width=600).to_dict()
    assert spec["width"] == 600
    assert len(spec["layer"]) >= 5
    schemas = schemas_of("solution")
    assert solved.table.schema == schemas["solution"].frame().schema
    assert solved.frontier.schema == schemas["frontier"].frame().schema


@pytest.mark.slow
def test_tiers_without_documents_pay_per_claim() -> None:
    claims = oa.load_sample("trams")
    found = oa.solve(claims, tiers={60: 3, 120: 6}, vary=["tier1,tier2"], budget=2_000, draws=FEW)
    assert found.search.tried.objective == "per_claim"
    assert found.is_feasible
    assert set(found.parameters) == {"tiers.tier1", "tiers.tier2"}
    with pytest.raises(ModelRefused, match="replaced is not known: losses are no money"):
        oa.solve(claims, tiers={60: 3, 120: 6}, vary=["tier1"], budget=2_000, objective="replaced", draws=FEW)


def test_a_policy_that_is_named_has_a_row() -> None:
    other = oa.load_policy("kakao-2022").with_tier(up_to=300_000, pays=60_000)
    found = oa.solve(vary=VARY, budget=550_000_000, compare=[other], draws=FEW)
    row = found.table.row(2, named=True)
    assert (row["policy"], row["role"]) == ("kakao-2022-changed", "named")
    assert row["parameters"] == "tier1=60,000; tier2=50,000"


FIRST, EXTENDED_ON = date(2022, 10, 19), date(2022, 10, 25)
COUNTS = [round(before - after) for before, after in pairwise(9_000 * math.exp(-0.12 * n) for n in range(15))]
"""Fourteen days of an exponential curve, from 19 October to 1 November."""


@pytest.fixture(scope="module")
def incident() -> Incident:
    """The deadline is 1 November; on 25 October it is moved to the 6th."""
    announced = ((FIRST, date(2022, 11, 1)), (EXTENDED_ON, date(2022, 11, 6)))
    deadlines = tuple(ClaimDeadline(announced_on=day, closes=closes) for day, closes in announced)
    return load_incident("kakao-2022").model_copy(update={"deadlines": deadlines})


@pytest.fixture(scope="module")
def claims(incident: Incident, tmp_path_factory: pytest.TempPathFactory) -> oa.Claims:
    days = [str(FIRST + timedelta(n)) for n in range(len(COUNTS))]
    rows = claim_rows(
        [{"filed_on": day} for day, count in zip(days, COUNTS, strict=True) for _ in range(count)], incident
    )
    path = tmp_path_factory.mktemp("intake") / "mine.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return oa.read_claims(path, incident)


@pytest.fixture(scope="module")
def made(claims: oa.Claims) -> IntakeForecast:
    return oa.forecast_by_day(claims, EXTENDED_ON)


def median(days: int, closes: float, spike: float = 0.0, former: tuple[float, ...] = ()) -> int:
    """The median of the final count from the counts of some days, by the public function."""
    filed = [sum(COUNTS[: n + 1]) for n in range(days)]
    late = forecast_late_claims(
        range(1, days + 1), filed, [Branch("end", closes, spike)], former=former, starts=FIRST
    ).late["end"]
    return late.median


def test_each_day_has_the_forecast_from_its_own_counts_and_deadline(made: IntakeForecast) -> None:
    days = made.tables["days"]
    assert days["filed"].to_list() == [sum(COUNTS[: n + 1]) for n in range(7)]
    assert days["closes"].to_list() == [date(2022, 11, 1)] * 6 + [date(2022, 11, 6)]
    medians = [None] * 4 + [median(5, 14.0), median(6, 14.0), median(7, 19.0)]
    assert days["median"].to_list() == medians
    reasons = days["refused"].to_list()
    assert [reason is None for reason in reasons] == [value is not None for value in medians]
    assert reasons[0].startswith("1 increment cannot determine a growth curve")
    assert all(row["low"] <= row["median"] <= row["high"] for row in days.tail(3).to_dicts())


def test_what_came_stands_beside_the_forecast_of_the_day_before(made: IntakeForecast) -> None:
    days = made.tables["days"]
    assert days["next_filed"].to_list() == [*days["filed"].to_list()[1:], None]
    for row in days.filter(pl.col("next_low").is_not_null() & pl.col("next_filed").is_not_null()).to_dicts():
        assert row["filed"] < row["next_low"] <= row["next_filed"] <= row["next_high"] < row["low"]


def test_nothing_of_a_later_day_is_in_the_forecast_of_a_day(claims: oa.Claims, made: IntakeForecast) -> None:
    known = ("day", "filed", "closes", "median", "low", "high", "next_low", "next_high", "refused")
    later = oa.forecast_by_day(claims).tables["days"]
    assert later.head(7).select(known).equals(made.tables["days"].select(known))
    ended = sum(COUNTS)  # on 1 November, the deadline that was known until the 24th
    assert later["final"].to_list() == [ended] * 6 + [None] * 8


@pytest.mark.parametrize(
    ("change", "now"),
    [
        ({"closes": date(2022, 11, 10)}, median(7, 23.0)),
        ({"spike": 2.0}, median(7, 19.0, spike=2.0)),
        ({"former": [date(2022, 10, 21)]}, median(7, 19.0, former=(3.0,))),
        ({}, median(7, 19.0)),
    ],
)
def test_a_step_is_new_claims_and_then_changed_assumptions(
    claims: oa.Claims, change: dict[str, Any], now: int
) -> None:
    made = oa.forecast_by_day(claims, EXTENDED_ON, changes={EXTENDED_ON: change})
    last = made.tables["days"].row(-1, named=True)
    before, with_old_assumptions = median(6, 14.0), median(7, 14.0)
    assert last["median"] == now
    assert last["new_claims"] == with_old_assumptions - before
    assert last["changed"] == now - with_old_assumptions
    told = made.answer().sentences[-1]
    assert f"from {before:,} to {now:,}. New claims changed it by {last['new_claims']:,}, " in told
    assert told.endswith(f"changed assumptions by {last['changed']:,}.")


def test_an_assumption_that_there_is_not_is_refused(claims: oa.Claims) -> None:
    with pytest.raises(
        UsageError, match=r"changes names no assumption \(found 'rush'\)\. Name closes, spike"
    ):
        oa.forecast_by_day(claims, changes={EXTENDED_ON: {"rush": 1.0}})


def test_the_last_day_of_a_file_is_no_deadline(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("claim_id,service,filed_on,loss (KRW)\n1,App,2022-10-19,100000\n", "utf-8")
    said = "error: no deadline is known. Say when the intake closes: --closes DAY.\n"
    assert command("intake", path, "--by-day") == (2, "", said)
