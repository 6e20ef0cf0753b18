"""The bundled policies: documents, facts and golden results; published sums, computed again and by hand."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from outage_analysis.costs import cost_table
from outage_analysis.costs.benefits import policy_result, reconciliation_table
from outage_analysis.errors import UsageError
from outage_analysis.files import bundled_ids, data_root, validated_copy
from outage_analysis.incidents import Incident, TieOut, get_fact, load_incident, published_facts as published
from outage_analysis.incidents.published_facts import FactCollection
from outage_analysis.policies import FeeCredit, Policy, explain, findings, load_policy
from tests.conftest import Edited, Reshelve
from tests.incidents.test_published import cited
from tests.paths import GOLDEN
from tests.small_policies import DAY

CASES: dict[str, dict[str, Any]] = json.loads((GOLDEN / "reference_cases.json").read_text("utf-8"))
FOLDER = data_root() / "policies"
ALL = bundled_ids("policies")
KAKAO = "kakao-2022"  # tests/contract/test_figures.py works its sums by hand
INVENTED = {"trams"}
"""Policies of an outage that never was: they cite no fact, and say so in their name."""
EVERY = pytest.mark.parametrize("id_", ALL)
EVERY_REAL = pytest.mark.parametrize("id_", [id_ for id_ in ALL if id_ not in INVENTED])


def document(id_: str) -> dict[str, Any]:
    """A page as it is written, without our reading of it."""
    return tomllib.loads((FOLDER / f"{id_}.toml").read_text("utf-8"))


# --- every page ------------------------------------------------------------------------------------


@EVERY_REAL
def test_a_document_cites_sources_and_no_line_is_older_than_its_first_fact(id_: str) -> None:
    policy = load_policy(id_)
    assert policy.sources
    assert all((data_root().parent / source).is_file() for source in policy.sources)
    for line in policy.lines:
        known = [get_fact(fact, hindsight=True).public_on for fact in line.facts]
        assert line.public_on is not None, line.id
        assert min(day for day in known if day) <= line.public_on, line.id
    assert not set(findings(policy)["finding"]) & {"accounting", "fact", "gap"}


@pytest.mark.parametrize("id_", sorted(INVENTED))
def test_an_invented_policy_cites_nothing_and_says_that_it_is_invented(id_: str) -> None:
    policy = load_policy(id_)
    assert not set(cited(document(id_)))
    assert not policy.sources
    assert all(line.public_on for line in policy.lines)
    assert not set(findings(policy)["finding"]) & {"accounting", "gap"}


@EVERY
def test_the_golden_file_is_the_result_of_the_document(id_: str) -> None:
    golden, policy = json.loads((FOLDER / f"{id_}.golden.json").read_text("utf-8")), load_policy(id_)
    result = {"explained": explain(policy)} | policy_result(policy)
    assert golden == json.loads(json.dumps(result, default=str)), "run `make policies`"
    assert golden["policy"] == id_ == document(id_)["id"]


@EVERY
def test_a_document_can_be_costed_on_any_day(id_: str) -> None:
    policy = load_policy(id_)
    days = {line.public_on for line in policy.lines if line.public_on}
    for day in (date(2000, 1, 1), *sorted(days), date.max):
        table = cost_table(policy, None, as_of=day)
        assert set(table["line"]) == {
            line.id for line in policy.lines if line.public_on and line.public_on <= day
        }
        bounded = table.drop_nulls(["low", "high"])
        assert (bounded["low"] <= bounded["high"]).all()


# --- published sums, worked by hand ----------------------------------------------------------------

BN = 10**9
BY_HAND: list[tuple[str, str, float, float, str]] = [
    # policy, tie-out, what the sum gives by hand, what was printed, what comes of it
    ("kt-2018", "mean-payment", 6_250_000_000 / 11_500, 543_478, "ties"),
    ("kt-2018", "paid-share", 100 * 11_500 / 13_500, 85.2, "ties"),  # 85.19
    ("kt-2018", "all-lowest-tier", 11_500 * 400_000, 6.25 * BN, "ties"),  # 4.6 bn, below
    ("kt-2018", "all-highest-tier", 11_500 * 1_200_000, 6.25 * BN, "ties"),  # 13.8 bn, above
    ("kt-2018", "all-at-the-mean", 11_500 * 800_000, 6.25 * BN, "differs"),  # 9.2 bn
    ("kt-2018", "per-day", 200_000, 200_000, "ties"),
    ("kt-2018", "largest-payment", 1_200_000, 1_200_000, "ties"),
    ("kt-2018", "forecast-mobile", 660_000 * 36_217, 23.9 * BN, "ties"),  # 23.903 bn
    ("kt-2018", "forecast-internet", 215_000 * 20_000, 4.3 * BN, "ties"),
    ("kt-2018", "forecast-waivers", (23.9 + 4.3 + 3.5) * BN, 31.7 * BN, "ties"),
    ("kt-2018", "waiver-total", (33.42 + 0.84 + 0.82) * BN, 35.08 * BN, "ties"),
    ("kt-2018", "waiver-one-month", (22.12 + 4.82 + 2.26) * BN, 33.42 * BN, "differs"),
    ("kt-2018", "waiver-customers", 587_298 + 198_109 + 124_101 + 10_813 + 10_059, 1_093_700, "differs"),
    ("kt-2018", "all-compensation", (35.08 + 6.25) * BN, 41.3 * BN, "ties"),
    ("kddi-2022", "flat-part", 35_890_000 * 200, 7.178 * BN, "ties"),
    ("kddi-2022", "both-parts", 35_890_000 * 200 + 2_710_000 * 100, 7.3 * BN, "differs"),  # 7.449 bn
    ("kddi-2022", "voice-threshold", 61.4167, 24, "ties"),
    ("skt-2008", "if-all-apply", 650_000 * 5_060, 3.289 * BN, "ties"),
    ("skt-2018", "mean-over-least", 20 * BN / 7_300_000, 600, "ties"),  # 2,740
    ("skt-2018", "mean-under-most", 20 * BN / 7_300_000, 7_300, "ties"),
    ("skt-2018", "all-at-least", 7_300_000 * 600, 20 * BN, "ties"),  # 4.38 bn
    ("skt-2018", "all-at-most", 7_300_000 * 7_300, 30 * BN, "ties"),  # 53.29 bn
    ("skt-2018", "two-estimates", 20 * BN, 30 * BN, "differs"),
    ("ofcom-2019", "mean-first", 9_700_000 / 309_000, 31.4, "ties"),  # 31.39
    ("ofcom-2019", "mean-second", 9_500_000 / 228_000, 41.7, "ties"),  # 41.67
    ("ofcom-2019", "mean-third", 1_600_000 / 59_000, 27.1, "ties"),  # 27.12
    ("ofcom-2019", "three-parts", 9_700_000 + 9_500_000 + 1_600_000, 20_700_000, "ties"),
    ("ofcom-2019", "expected-beforehand", 2 * 20_700_000, 142_000_000, "differs"),
    ("kt-2021", "mobile-plan", 50_000 * 15 / (24 * 31), 1_000, "ties"),  # 1,008.06
    ("kt-2021", "business-line-low", 25_000 * 10 / 31, 7_000, "ties"),  # 8,064.5
    ("kt-2021", "business-line-high", 25_000 * 10 / 31, 8_000, "ties"),
    ("kt-2021", "all-lines-low", 35_000_000 * 1_008, 35 * BN, "ties"),  # 35.28 bn
    ("kt-2021", "all-lines-high", 35_000_000 * 1_008, 40 * BN, "ties"),
    ("kt-2021", "ten-times", 15 * 60 / 10, 89, "ties"),
    ("kr-telecom-terms", "kt-2021-multiple", 15 * 60 / 10, 89, "ties"),
    ("kr-telecom-terms", "kt-2021-threshold", 2 * 60, 89, "ties"),
    ("kr-telecom-terms", "old-threshold", 3, 3, "ties"),
    ("kr-telecom-terms", "old-multiple", 8, 6, "differs"),
    ("rogers-2022", "per-subscriber", 150_000_000 / 12_250_000, 12.2, "ties"),  # 12.24
    ("rogers-2022", "analyst", 150_000_000, 75_000_000, "differs"),
    ("optus-2023", "mean-claim", 430_000 / 8_500, 50.6, "ties"),  # 50.59
    ("kt-breach-2025", "booked", 450 * BN, 450 * BN, "ties"),
]


@pytest.mark.parametrize(
    ("id_", "tie", "by_hand", "printed", "status"), BY_HAND, ids=[f"{id_} {tie}" for id_, tie, *_ in BY_HAND]
)
def test_a_published_sum_is_what_it_is_by_hand(
    id_: str, tie: str, by_hand: float, printed: float, status: str
) -> None:
    ties = load_policy(id_).tie_outs
    row = reconciliation_table(ties, load_policy(id_), as_of=date.max).filter(id=tie).row(0, named=True)
    assert row["computed"] == pytest.approx(by_hand, rel=1e-9)
    assert row["printed"] == pytest.approx(printed, rel=1e-9)
    assert row["status"] == status


def test_every_published_sum_was_worked_by_hand() -> None:
    declared = {(id_, tie.id) for id_ in ALL if id_ != KAKAO for tie in load_policy(id_).tie_outs}
    assert declared <= {(id_, tie) for id_, tie, *_ in BY_HAND}


@pytest.mark.parametrize(("minutes", "credited"), [(0, 0), (89, 0), (119, 0), (120, 1_200), (151, 1_510)])
def test_the_terms_give_ten_times_the_fee_from_two_hours_on(minutes: int, credited: int) -> None:
    line = load_policy("kr-telecom-terms").line("ten-times-the-fee")
    assert isinstance(line, FeeCredit)
    assert line.payment is None
    a_won_a_minute = 30 * 24 * 60
    assert validated_copy(line, fee=a_won_a_minute, outage_minutes=minutes).computed == credited
    other = validated_copy(line, fee=50_000, outage_minutes=120)
    assert other.computed == Fraction(10 * 50_000 * 2, 30 * 24)


KT, OFCOM = "kt-2018", "ofcom-2019"
DAYS: dict[int | None, int] = {
    None: 0,
    0: 0,
    1: 400_000,
    2: 400_000,
    3: 800_000,
    4: 800_000,
    5: 1_000_000,
    6: 1_000_000,
    7: 1_200_000,
    365: 1_200_000,
}


@pytest.mark.parametrize(
    ("id_", "line", "paid"),
    [
        (KT, "small-business-cash", DAYS),
        (OFCOM, "loss-of-service", {2: 0, 3: 800, 12: 8_000}),
        (OFCOM, "late-start", {1: 500, 10: 5_000}),
        (OFCOM, "missed-visit", {0: 2_500, None: 2_500, 9: 2_500}),
    ],
)
def test_lost_days_are_paid_as_published(id_: str, line: str, paid: dict[int | None, int]) -> None:
    schedule = load_policy(id_).schedule(line)
    assert schedule is not None
    assert {loss: schedule.tariff.pay(loss) for loss in paid} == paid


# --- sums of an incident and of one's own -------------------------------------------------------------------


@pytest.mark.parametrize("id_", bundled_ids("incidents"))
def test_every_tie_out_of_an_incident_comes_out_as_its_document_declares(id_: str) -> None:
    incident = load_incident(id_)
    rows = reconciliation_table(incident.tie_outs, load_policy(id_), as_of=DAY)
    assert rows["id"].to_list() == [tie.id for tie in incident.tie_outs]
    assert rows.filter(~pl.col("as_expected"))["id"].to_list() == []


@pytest.fixture
def altered(reshelve: Reshelve) -> Callable[[str, float], None]:
    """Replace the value of one fact, on whichever shelf it is."""
    shelf = published._fact_table  # noqa: SLF001 - the one place where every figure comes from

    def alter(fact: str, value: float) -> None:
        def altered_shelf(name: FactCollection) -> pl.DataFrame:
            changed = pl.when(pl.col("id") == fact).then(value).otherwise("value").alias("value")
            return shelf(name).with_columns(changed)

        reshelve(altered_shelf)

    return alter


@pytest.mark.parametrize(
    ("fact", "value", "name"),
    [
        ("CL-13", 8_460, "press-low"),
        ("CL-06.cases", 14_917, "own-cases"),
        ("CL-03b", 82.95, "own-share"),
        ("CO-10", 10_250_000, "tiers-cannot-explain"),
        ("US-03", 47_000_000, "package-face"),
        ("FX-02.usd", 238, "dollar-rate"),
        ("US-01", 43_100_000, "monthly-users"),
        ("US-16", 52_000_000, "population"),
        ("CL-01", 99_999, "more-than-100000"),
        ("TL-05.kakao", 60, "five-days"),
    ],
)
def test_a_wrong_figure_flips_its_row(
    incident: Incident,
    policy: Policy,
    altered: Callable[[str, float], None],
    fact: str,
    value: float,
    name: str,
) -> None:
    ties = (*policy.tie_outs, *incident.tie_outs)
    before = reconciliation_table(ties, policy, as_of=DAY).filter(id=name)
    altered(fact, value)
    after = reconciliation_table(ties, policy, as_of=DAY).filter(id=name)
    assert after["status"].item() != before["status"].item()
    assert not after["as_expected"].item()


@pytest.mark.parametrize(
    ("old", "new", "flipped"),
    [
        ("fixed = 30_000", "fixed = 30_001", {"press-low"}),
        ("fixed = 50_000", "fixed = 50_001", {"press-high"}),
        ('closed = "upper"', 'closed = "lower"', {"press-low"}),  # 300,000 is then paid 50,000
        ("face_value = 6_500", "face_value = 6_600", {"emoticons-face", "package-face"}),
        ("face_value = 1_900", "face_value = 2_000", {"drawer-face", "package-face"}),
        ("days = 6", "days = 7", {"taxi-fee"}),
    ],
)
def test_a_wrong_policy_flips_the_rows_that_rest_on_it(
    incident: Incident, edited: Edited, old: str, new: str, flipped: set[str]
) -> None:
    policy = load_policy(edited("policies", old, new))
    rows = reconciliation_table((*policy.tie_outs, *incident.tie_outs), policy, as_of=DAY)
    wrong = set(rows.filter(~pl.col("as_expected"))["id"])
    assert flipped <= wrong
    assert wrong - flipped <= {"press-high", "wrong-base-low"}  # the other sums of the same schedule


def test_a_tie_out_whose_lines_the_policy_lacks_is_left_out(policy: Policy) -> None:
    fewer = policy.model_copy(update={"lines": tuple(x for x in policy.lines if x.id != "emoticons")})
    shown = set(reconciliation_table(policy.tie_outs, fewer, as_of=DAY)["id"])
    assert {tie.id for tie in policy.tie_outs} - shown == {"emoticons-face", "package-face"}


def own(**keys: Any) -> tuple[TieOut, ...]:  # noqa: ANN401
    """A single tie-out of one's own."""
    return (TieOut.model_validate({"id": "x", "name": {"en": "X"}, "unit": "KRW", **keys}),)


def test_a_printed_figure_without_the_end_asked_for_is_an_error(policy: Policy) -> None:
    ties = own(kind="sum", of=("CL-01",), printed="CL-01", end="low")
    with pytest.raises(UsageError, match="needs the low of CL-01"):
        reconciliation_table(ties, policy, as_of=DAY)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("payments", "emoticons"),  # cash for free goods
        ("payments", "taxi-pro-membership"),
        ("face_value", "small-business-cash"),
        ("face_value", "games"),  # no list price
        ("fee", "emoticons"),
        ("fee", "melon-passes"),  # no fee
        ("credits", "melon-passes"),
        ("budget", "taxi-pro-membership"),
        ("budget", "t-blue-fee-waiver"),  # no amount
    ],
)
def test_what_a_line_does_not_say_cannot_be_computed_from_it(policy: Policy, kind: str, line: str) -> None:
    ties = own(kind=kind, of=("CL-13",), lines=(line,), loss=1, printed="CL-01")
    with pytest.raises(UsageError, match=rf"x cannot be computed from the line .*'{line}'"):
        reconciliation_table(ties, policy, as_of=DAY)


def test_credits_go_to_all_that_are_counted_and_budgets_are_the_sums_set_aside(policy: Policy) -> None:
    credits_ = own(kind="credits", of=("US-07",), lines=("taxi-pro-membership",), printed_value=0)
    row = reconciliation_table(credits_, policy, as_of=DAY).row(0, named=True)
    assert (row["computed"], row["status"]) == (226_154 * 7_550, "differs")
    budget = own(kind="budget", lines=("taxi-income-fund",), printed="CO-16")
    row = reconciliation_table(budget, policy, as_of=DAY).row(0, named=True)
    assert (row["computed"], row["printed"], row["status"]) == (3_000_000_000, 3_000_000_000, "ties")
    assert row["hindsight"]  # the fund was announced in May 2023


@pytest.mark.parametrize(
    ("printed", "bound", "status"),
    [
        (105_116, {}, "ties"),
        (105_117, {}, "differs"),
        (100_000, {"at_least": True}, "ties"),
        (110_000, {"at_least": True}, "differs"),
        (110_000, {"at_most": True}, "ties"),
        (100_000, {"at_most": True}, "differs"),
    ],
)
def test_a_bound_is_met_on_its_own_side_only(
    policy: Policy, printed: int, bound: dict[str, bool], status: str
) -> None:
    ties = own(kind="figure", of=("CL-01",), printed_value=printed, **bound)
    table = reconciliation_table(ties, policy, as_of=DAY)
    assert table.select("status", "as_expected").rows() == [(status, status == "ties")]


# --- the reference cases ---------------------------------------------------------------------------


def test_the_facts_are_those_of_the_reference_cases() -> None:
    shares, shops = CASES["published_percentages"], CASES["realised_small_business"]
    goods, intake = CASES["realised_in_kind"], CASES["intake"]
    facts = {
        "CL-01": shares["total"],
        "CL-02b": shares["own"],
        "CL-06.cases": shares["paid"],
        "CL-07.cases": shares["free_with_loss"],
        "CL-10": shares["small_business"],
        "CL-12": shares["mid_large_firm"],
        "CL-11": shares["general_users"],
        "R2-05": shops["filed"],
        "R2-06": shops["accepted"],
        "CO-10": shops["paid_about"],
        "CL-13": shops["reports_with_a_loss"],
        "US-03": goods["eligible"],
        "CO-05": goods["day_two"],
        "CO-06": goods["final"],
        "US-13": goods["channel_credit_eligible"],
        "CO-11.applicants": goods["channel_credit_applicants"],
        "CO-11": goods["channel_credit_paid"],
        "IN-02": intake["by_24_october"],
    }
    assert {fact: get_fact(fact, hindsight=True).number for fact in facts} == facts
    assert intake["by_6_november"] == shares["total"]
