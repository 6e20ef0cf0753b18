"""The cost table against sums written out by hand, and against brute force over every corner."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from outage_analysis.analysis import Plan, run, unstated_notes
from outage_analysis.assumptions import Ledger, distribution_text, value_and_range
from outage_analysis.assumptions.distributions import Discrete
from outage_analysis.costs import build_portfolio, cost_table, simulate, totals
from outage_analysis.costs.benefits import line_table, reconciliation_table
from outage_analysis.costs.expected import unstated_losses
from outage_analysis.costs.page_model import live_cost
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import TieOut, get_fact
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy, explain, findings
from outage_analysis.reports import Report
from outage_analysis.text import Locale
from tests.loss_cubes import counts, loss_cube
from tests.small_policies import (
    DAY,
    DRIVERS,
    REPORTS,
    TIERS,
    Page,
    fixed,
    ledger_of,
    mix,
    policy_of,
    tiers,
    uniform,
)

CASH = "small-business-cash"
Ends = tuple[float, float, float]
RANGE = ("low", "expected", "high")


def between(low: float, expected: float, high: float) -> Discrete:
    """The law on the two bounds with this mean."""
    if low == high:
        return Discrete(values=(low,), probabilities=(1,))
    share = (expected - low) / (high - low)
    return Discrete(values=(low, high), probabilities=(1 - share, share))


def entry(kind: str, *ends: float) -> Page:
    return {"kind": kind, "distribution": between(*ends).model_dump()}


RATES: tuple[Page, ...] = (
    entry("filing_share", 0.1, 0.25, 0.5),
    entry("acceptance", 0.4, 0.5, 1.0),
    entry("review_award", 60_000, 200_000, 900_000),
    mix(0.5, 0.3, 0.2),
)


def row_of(table: pl.DataFrame, line: str = "tiers") -> dict[str, Any]:
    return table.filter(line=line, level="line").row(0, named=True)


# --- from published counts ------------------------------------------------------------------------


ends = st.tuples(*[st.floats(0, 1)] * 3).map(sorted).map(tuple)
awards = st.tuples(*[st.integers(0, 10**7)] * 3).map(sorted).map(tuple)
mixes = st.tuples(*[st.floats(0.01, 1)] * 3).map(lambda m: tuple(x / sum(m) for x in m))


@given(filing=ends, acceptance=ends, award=awards, shares=mixes)
def test_the_bounds_are_the_extremes_over_every_corner(
    filing: Ends, acceptance: Ends, award: Ends, shares: Ends
) -> None:
    entries = entry("filing_share", *filing), entry("acceptance", *acceptance), entry("review_award", *award)
    table = cost_table(policy_of(tiers()), ledger_of(*entries, mix(*shares)), as_of=DAY)
    row, bands = row_of(table), table.filter(level="band")
    payments = [(30_000, 30_000), (50_000, 50_000), between(*award).support]
    rates = [x * y for x, y in zip(between(*filing).support, between(*acceptance).support, strict=True)]
    corners = [REPORTS * rates[end] * pays[end] for end in (0, 1) for pays in payments]  # all in one band
    assert row["low"] == pytest.approx(min(corners), rel=1e-9)
    assert row["high"] == pytest.approx(max(corners), rel=1e-9)
    mean = REPORTS * filing[1] * acceptance[1]
    means = [mean * s * pays for s, pays in zip(shares, (30_000, 50_000, award[1]), strict=True)]
    assert bands["expected"].to_list() == pytest.approx(means, rel=1e-9)
    assert row["expected"] == pytest.approx(sum(means), rel=1e-9)
    assert bands["low"].to_list() == [0, 0, 0]  # no report may fall into a band, or all of them
    assert bands["high"].to_list() == pytest.approx(corners[3:], rel=1e-9)
    assert bands["count"].sum() == pytest.approx(REPORTS)


def test_every_row_names_the_facts_and_assumptions_behind_it(policy: Policy, ledger: Ledger) -> None:
    known = {a.id for a in ledger.assumptions}
    for row in cost_table(policy, ledger, as_of=DAY).iter_rows(named=True):
        assert row["facts"] or row["rule"] == "handling", row  # of which nothing was published
        assert [get_fact(f).id for f in row["facts"].split()] == list(dict.fromkeys(row["facts"].split()))
        used = set((row["assumptions"] or "").split())
        assert used <= known
        assert bool(used) == (row["expected"] is not None)


# --- what is left out ------------------------------------------------------------------------------


BOUNDED = {"cash": ["taxi-pro-membership"], "face_value": ["page-webtoon-cash"]}
"""Lines of the Kakao case with a bound and no expected cost."""
SILENT = {
    "cash": [
        "designated-driver-pro",
        "emoticon-plus",
        "talk-drawer-plus-subscribers",
        "melon-passes",
        "t-blue-fee-waiver",
        "bike-scooter-overcharges",
    ],
    "face_value": [
        "gift-shopping",
        "melon-cash",
        "webtoon-rental",
        "page-rental",
        "tv-vod",
        "games",
        "pay-deadlines",
        "pay-merchant-support",
    ],
}
"""Lines that were promised by 30 December 2022 and of which no figure was published."""


@pytest.mark.parametrize("valuation", SILENT)
def test_a_line_without_any_figure_is_named_and_in_no_sum(
    policy: Policy, ledger: Ledger, valuation: str
) -> None:
    table = cost_table(policy, ledger, as_of=DAY).filter(valuation=valuation)
    (left_out,) = totals(table)["left_out"].str.split(" ").to_list()
    assert set(left_out) == {*BOUNDED[valuation], *SILENT[valuation]}
    is_silent = pl.col("line").is_in(SILENT[valuation])
    silent, others = table.filter(is_silent), table.filter(~is_silent)
    assert set(silent.select("count", "promised", *RANGE).null_count().row(0)) == {len(SILENT[valuation])}
    assert set(silent["status"]) <= {"unpriced", "not_published"}
    with_them = totals(table).drop("left_out")
    assert with_them.equals(totals(others).drop("left_out"))
    assert with_them["high"].null_count() == 0  # what has no figure takes no bound away
    columns = (*RANGE, "most")  # a line without an expected cost widens no bound of one
    fewer = totals(others.filter(~pl.col("line").is_in(BOUNDED[valuation])))
    assert with_them.select(columns).equals(fewer.select(columns))


def test_where_no_line_has_a_figure_there_is_no_total_rather_than_zero(policy: Policy) -> None:
    table = cost_table(policy, None, as_of=DAY)
    cash, free, lump = totals(table).iter_rows(named=True)
    assert cash["expected"] is free["expected"] is None
    # Nobody limits what a review awards; more than announced may come.
    assert (cash["low"], cash["high"], lump["low"], lump["high"]) == (0, None, 0, None)
    # Goods for 607.7 bn, and the budget of Page and Webtoon cash, of about 8 bn.
    assert free["high"] == free["promised"] == 607_700_000_000 + 8_000_000_000
    for total, valuation in ((cash, "cash"), (free, "face_value"), (lump, "top_down")):
        assert total["left_out"].split() == table.filter(level="line", valuation=valuation)["line"].to_list()


def test_every_input_of_the_cash_is_needed_and_an_automatic_payment_needs_no_rates() -> None:
    for missing in range(len(RATES)):
        fewer = ledger_of(*RATES[:missing], *RATES[missing + 1 :])
        assert row_of(cost_table(policy_of(tiers()), fewer, as_of=DAY))["expected"] is None
    row = row_of(cost_table(policy_of(tiers(effort="automatic")), ledger_of(*RATES[2:]), as_of=DAY))
    assert [row[end] for end in RANGE] == pytest.approx([REPORTS * x for x in (30_000, 70_000, 900_000)])


# --- the as-of day ------------------------------------------------------------------------------------


def test_a_count_that_was_not_public_is_not_used(policy: Policy, ledger: Ledger) -> None:
    row = row_of(cost_table(policy, ledger, as_of=date(2022, 12, 29)), CASH)
    assert (row["status"], row["count"], row["expected"]) == ("not_public_yet", None, None)


def test_an_assumption_of_a_later_day_or_on_a_later_fact_is_not_used() -> None:
    survey = get_fact("FI-12.positive")  # a share of January 2023; what it counts does not matter here
    assert survey.public_on is not None
    assert survey.public_on > DAY
    on_it = {"kind": "acceptance", "classes": (survey.id, "TA-PPI20")}
    for later in (RATES[1] | {"public_on": date(2023, 1, 30)}, on_it):
        table = cost_table(policy_of(tiers()), ledger_of(RATES[0], later, *RATES[2:]), as_of=DAY)
        assert table["expected"].null_count() == len(table)


def test_a_band_mix_on_other_bands_is_refused() -> None:
    moved = (TIERS[0] | {"up_to": 200_000}, TIERS[1] | {"over": 200_000}, TIERS[2])
    with pytest.raises(ModelRefused, match="band-mix is not stated on the bands"):
        cost_table(policy_of(tiers(band=moved)), ledger_of(*RATES), as_of=DAY)


# --- from claims and from totals ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("over", "up_to", "low", "high"), [(0, 500_000, 30_000, 50_000), (400_000, 600_000, 0, 900_000)]
)
def test_a_band_across_two_rules_is_bounded_and_not_guessed(
    over: int, up_to: int, low: int, high: int
) -> None:
    cube = counts(("a", "b", over, up_to, 10))
    table = cost_table(policy_of(tiers()), ledger_of(*RATES), as_of=DAY, cubes=[cube])
    band = table.filter(level="band").row(0, named=True)
    for row in (band, row_of(table)):
        assert (row["expected"], row["promised"]) == (None, None)
        assert [row["low"], row["high"]] == pytest.approx([10 * low * 0.1 * 0.4, 10 * high * 0.5])
    assert (band["rule"], row_of(table)["status"]) == ("straddles", "bounds_only")
    bare = cost_table(policy_of(tiers()), None, as_of=DAY, cubes=[cube]).filter(level="band")["high"].item()
    assert bare == (None if high == 900_000 else 10 * high)  # nobody limits what a review awards


def test_claims_without_a_ledger_have_bounds_and_those_paid_nothing_are_certain() -> None:
    policy = policy_of(tiers(eligibility={"service": ("a",)}))
    cube = counts(("a", "b", 0, 300_000, 10), ("x", "b", 0, 300_000, 5))
    bands = cost_table(policy, None, as_of=DAY, cubes=[cube]).filter(level="band")
    assert bands.sort("rule").select("rule", *RANGE).rows() == [
        ("not_entitled", 0, 0, 0),
        ("pays", 0, None, 300_000),
    ]


# --- claims that state no loss ------------------------------------------------------------------------------

AWARD = ledger_of({"kind": "review_award", "distribution": fixed(200_000)})


def paying(**terms: Any) -> Policy:  # noqa: ANN401 - terms of a page
    """Tiers that are paid at once."""
    return policy_of({"id": "tiers", "kind": "schedule", "effort": "automatic", "band": TIERS} | terms)


@pytest.mark.parametrize(
    ("terms", "unstated", "status", "ends"),
    [
        ({}, 1_000, "ok", (30_000_000, 30_000_000, 230_000_000)),  # a review might grant each an award
        ({}, 1_001, "unstated", (30_000_000, None, 30_000_000 + 1_001 * 200_000)),
        ({"unknown": {"fixed": 0}}, 1_001, "ok", (30_000_000,) * 3),
        ({"unknown": {"fixed": 7}}, 1_001, "ok", (30_000_000 + 1_001 * 7,) * 3),
        ({"unknown": {"review": True}}, 1_001, "ok", (30_000_000 + 1_001 * 200_000,) * 3),
        ({"band": ({"over": 0, "fixed": 0},)}, 1_001, "ok", (0,) * 3),  # any loss would be paid nothing
    ],
)
def test_more_than_half_unstated_without_a_rule_is_no_estimate(
    terms: dict[str, Any], unstated: int, status: str, ends: tuple[float | None, ...]
) -> None:
    cubes: list[Cube] = [counts(("a", "b", 0, 300_000, 1_000), ("a", "b", None, None, unstated))]
    table = cost_table(paying(**terms), AWARD, as_of=DAY, cubes=cubes)
    found = row_of(table)
    assert (found["count"], found["status"]) == (1_000 + unstated, status)
    assert tuple(found[end] for end in (*RANGE, "most")) == (*ends, ends[2])
    rows = [] if terms else [("tiers", unstated, 1_000 + unstated, status == "ok")]
    assert unstated_losses(table).rows() == rows
    portfolio = build_portfolio(paying(**terms), AWARD, as_of=DAY, cubes=cubes)
    assert portfolio.left_out == ({"cash": ("tiers",)} if status == "unstated" else {})


def test_only_entitled_claims_without_a_loss_count() -> None:
    some = counts(("a", "b", 0, 300_000, 10), ("a", "b", None, None, 3), ("a", "c", None, None, 99))
    table = cost_table(paying(eligibility={"claimant_type": ("b",)}), AWARD, as_of=DAY, cubes=[some])
    assert table.filter(level="line").select("count", "expected").rows() == [(13, 300_000)]


def test_the_policy_says_what_an_unstated_loss_is_paid() -> None:
    bare, ruled = paying(), paying(unknown={"fixed": 500})
    assert findings(bare).filter(finding="unknown")["says"].item().startswith("no rule for a claim without")
    assert [line_table(p)["unknown"].item() for p in (bare, ruled)] == ["no rule", "500 won"]
    assert "No rule for a claim without a stated loss: L." in bare.card().notes
    assert "No rule" not in repr(ruled.card())
    assert "No rule covers claims without a stated loss." in "\n".join(explain(bare))
    assert "  No stated loss: 500 won." in explain(ruled)


def test_the_first_screen_says_that_no_loss_is_stated_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "totals.csv"
    file.write_text("service,claimant_type,band,claims\nkakaotalk,small_business,unknown,500\n", "utf-8")
    policy = paying(band=({"over": 0, "fixed": 10_000},))
    found = run(Plan(policy=policy, ledger=None, counts=file, claims=(), as_of=DAY))
    for lang, remedy in (("en", "`unknown`"), ("ko", "지급액을 `unknown`에 적으십시오")):
        w, answers = Locale(lang, "KRW"), Report(found, lang).answers
        told = [w("terminal.no_cash"), w("report.bounds", low=w.money(0), high=w.money(5_000_000))]
        assert list(answers.headline[:2]) == told
        (note,) = unstated_notes(found, w)
        assert remedy in note
        assert note in answers.left_out
        assert note in found.card(lang).notes


# --- people per counted unit, such as passengers per flight -------------------------------------------------

FILED = (
    {"kind": "filing_share", "distribution": fixed(0.5)},
    {"kind": "acceptance", "distribution": fixed(0.8)},
)
FLAT = tiers(band=({"over": 0, "fixed": 30_000},))


def exposure(distribution: Page) -> Page:
    unit = {"en": "passengers per flight", "ko": "편당 승객"}
    return {"kind": "exposure", "unit": unit, "distribution": distribution}


def test_the_bounds_of_the_factor_bound_the_cost_and_it_multiplies_reports_still_to_come() -> None:
    later = {"kind": "ultimate", "distribution": fixed(1.5)}
    entries = (*FILED, exposure(uniform(100, 200)), later)
    line = cost_table(policy_of(FLAT), ledger_of(*entries), as_of=DAY).row(0, named=True)
    each = REPORTS * 1.5 * 0.5 * 0.8 * 30_000
    assert line["expected"] == pytest.approx(each * 150)
    assert (line["count"], line["promised"]) == (REPORTS, pytest.approx(REPORTS * 150 * 30_000))
    assert 100 * each <= line["low"] < line["expected"] < line["high"] <= 200 * each
    assert line["most"] == pytest.approx(REPORTS * 1.5 * 200 * 30_000)


def test_claims_of_a_cube_are_multiplied_and_what_one_claimant_states_is_not() -> None:
    ledger, cube = ledger_of(*FILED, exposure(fixed(3))), loss_cube([3, 20])
    row = row_of(cost_table(policy_of(FLAT), ledger, as_of=DAY, cubes=(cube,)))
    assert [row[x] for x in ("count", "expected", "promised", "most")] == pytest.approx(
        [2, 3 * 2 * 0.5 * 0.8 * 30_000, 3 * 2 * 30_000, 3 * 2 * 30_000]
    )
    with pytest.raises(ModelRefused, match="adds up what one claimant states"):
        cost_table(policy_of(FLAT | {"grain": "claimant"}), ledger, as_of=DAY, cubes=(cube,))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"kind": "exposure", "distribution": fixed(3)}, "has a unit exactly when its kind is exposure"),
        (exposure(fixed(3)) | {"kind": "ultimate"}, "has a unit exactly when its kind is exposure"),
        (exposure(uniform(-1, 3)), "never below 0"),
    ],
)
def test_an_exposure_states_its_unit_and_is_not_below_zero(entry: Page, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ledger_of(entry)


def test_the_unit_is_shown_in_both_languages_and_thousands_are_no_powers_of_ten() -> None:
    (entry,) = ledger_of(exposure(fixed(1_234))).assumptions
    assert distribution_text(entry).endswith(" passengers per flight")
    assert distribution_text(entry, Locale("ko")).endswith(" 편당 승객")
    assert value_and_range(entry, Locale("en")) == ("1,230", "1,230")


# --- a voucher per started hour, up to a cap per person -----------------------------------------------------


def voucher(hours: float, cap: int = 1_000, **changes: object) -> Policy:
    """A policy of one voucher of 200 for each started hour, for the drivers of US-07."""
    line = {"id": "late", "kind": "voucher", "effort": "form", "recipients": "US-07", "amount": 200}
    return policy_of(line | {"outage_hours": hours, "cap_per_person": cap} | changes)


@pytest.mark.parametrize(
    ("hours", "cap", "paid"),
    [(0.1, 1_000, 200), (1, 1_000, 200), (3, 1_000, 600), (3.0, 1_000, 600), (3.2, 1_000, 800),
     (3.2, 800, 800), (3.2, 799, 799), (3, 150, 150)],
)  # fmt: skip
def test_each_started_hour_counts_up_to_the_cap(hours: float, cap: int, paid: int) -> None:
    row = cost_table(voucher(hours, cap, effort="automatic"), None, as_of=DAY).row(0, named=True)
    figures = [row[column] for column in ("promised", *RANGE, "most")]
    assert figures == [DRIVERS * paid] * 5  # automatic: everybody gets it
    row = cost_table(voucher(hours, cap), None, as_of=DAY).row(0, named=True)  # a form, without a take-up
    assert [row[end] for end in RANGE] == [0, None, DRIVERS * paid]
    assert (row["status"], row["valuation"]) == ("bounds_only", "face_value")


@pytest.mark.parametrize("hours", [0, 0.0, -1, float("nan"), float("inf"), "3", True])
def test_a_length_that_is_no_positive_number_is_refused(hours: float) -> None:
    with pytest.raises(ValidationError, match="outage_hours"):
        voucher(hours)


def test_a_count_that_is_not_known_leaves_no_cost() -> None:
    early = voucher(3, public_on=date(2020, 1, 1))
    for policy, day, status in (
        (voucher(3, recipients=None), DAY, "not_published"),
        (early, date(2020, 1, 2), "not_public_yet"),
    ):
        assert cost_table(policy, None, as_of=day)["status"].item() == status


def test_a_voucher_costs_its_face_value_for_those_who_take_it() -> None:
    """3.2 hours are 4 started hours of 200, which is 800, above the cap of 700."""
    taken = {"kind": "take_up", "lines": ("late",), "distribution": {"kind": "beta", "a": 1, "b": 4}}
    policy, ledger = voucher(3.2, 700), ledger_of(taken)
    row = cost_table(policy, ledger, as_of=DAY).row(0, named=True)
    assert row["expected"] == pytest.approx(DRIVERS * 700 * 0.2)
    assert (row["valuation"], row["rule"], row["facts"]) == ("face_value", "voucher", "US-07")
    portfolio = build_portfolio(policy, ledger, as_of=DAY)
    found = simulate(portfolio).totals["face_value"].expected
    assert abs(found.value - row["expected"]) < 5 * found.error + 1e-9 * row["expected"]
    live = live_cost(portfolio)
    assert live is not None
    assert live.expected("face_value", {"take-up": 0.5}) == pytest.approx(DRIVERS * 700 * 0.5)
    tie = {"id": "all", "name": {"en": "All"}, "lines": ("late",), "printed_value": DRIVERS * 700}
    face, fee = (TieOut.model_validate(tie | {"unit": "KRW", "kind": x}) for x in ("face_value", "fee"))
    assert reconciliation_table([face], policy, as_of=DAY)["status"].to_list() == ["ties"]
    with pytest.raises(UsageError, match="cannot be computed from the line"):
        reconciliation_table([fee], policy, as_of=DAY)
