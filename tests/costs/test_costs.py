"""The cost model against sums written out by hand, and against brute force over every corner."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outage_analysis.assumptions import Assumption, Award, BandMix, Ledger, MixBand, RateAssumption
from outage_analysis.assumptions.distributions import Discrete
from outage_analysis.costs import cost_table, totals
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import get_fact
from outage_analysis.losses import EDGES, MEASURES, Cube
from outage_analysis.policies import Budget, Policy, Schedule

DAY = date(2022, 12, 30)
LATER = date(2023, 1, 30)
CASH = "small-business-cash"
REPORTS = 8461
TIERS = (30_000, 50_000)

FILING = (0.1, 0.25, 0.5)
ACCEPTANCE = (0.4, 0.5, 1.0)
AWARD = (60_000, 200_000, 900_000)
MIX = (0.5, 0.3, 0.2)

Ends = tuple[float, float, float]


def distribution_of(low: float, expected: float, high: float) -> Discrete:
    """The law on the two bounds with this mean."""
    if low == high:
        return Discrete(values=(low,), probabilities=(1,))
    share = (expected - low) / (high - low)
    return Discrete(values=(low, high), probabilities=(1 - share, share))


def stated(ledger: Ledger, **inputs: Ends) -> Ledger:
    """The bundled ledger with other numbers (low, expected, high) under the same ids."""

    def changed(a: Assumption) -> Assumption:
        ends = inputs.get(a.kind)
        if isinstance(a, BandMix) and ends:
            bands = tuple(
                MixBand(over=b.over, up_to=b.up_to, share=s) for b, s in zip(a.bands, ends, strict=True)
            )
            return a.model_copy(update={"bands": bands})
        if ends and isinstance(a, Award | RateAssumption):
            # Built anew: a copy would carry the range that the original has already computed.
            origin = ("classes", "left_out", "observed", "loss", "rules", "distribution")
            kept = {k: v for k, v in a.model_dump().items() if k not in origin}
            return type(a).model_validate(kept | {"distribution": distribution_of(*ends)})
        return a

    return ledger.model_copy(update={"assumptions": tuple(changed(a) for a in ledger.assumptions)})


def without(ledger: Ledger, *kinds: str) -> Ledger:
    kept = tuple(a for a in ledger.assumptions if a.kind not in kinds)
    return ledger.model_copy(update={"assumptions": kept})


def changed_line(policy: Policy, line_id: str, **changes: Any) -> Policy:  # noqa: ANN401
    """A policy with only one line of the bundled one, changed."""
    line = policy.line(line_id).model_copy(update=changes)
    return policy.model_copy(update={"lines": (line,)})


def row_of(table: pl.DataFrame, line: str = CASH) -> dict[str, Any]:
    return table.filter(line=line, level="line").row(0, named=True)


def counts(rows: list[tuple[str, str, int | None, int | None, int]]) -> Cube:
    """A cube of totals alone: service, claimant type, over, up_to, claims."""
    schema = {"service": pl.String, "claimant_type": pl.String, **EDGES, **MEASURES}
    full = [(*row, None, None) for row in rows]
    frame = pl.DataFrame(full, schema=schema, orient="row")
    return Cube(frame, ("service", "claimant_type"), synthetic=False, source="a test")


@pytest.fixture(scope="module")
def plain(ledger: Ledger) -> Ledger:
    """The ledger with round numbers."""
    return stated(ledger, filing_share=FILING, acceptance=ACCEPTANCE, review_award=AWARD, band_mix=MIX)


# --- from published counts ------------------------------------------------------------------------


ends = st.tuples(*[st.floats(0, 1)] * 3).map(sorted).map(tuple)
awards = st.tuples(*[st.integers(0, 10**7)] * 3).map(sorted).map(tuple)
mixes = st.tuples(*[st.floats(0.01, 1)] * 3).map(lambda m: tuple(x / sum(m) for x in m))


@given(filing=ends, acceptance=ends, award=awards, mix=mixes)
def test_the_bounds_are_the_extremes_over_every_corner(
    policy: Policy, ledger: Ledger, filing: Ends, acceptance: Ends, award: Ends, mix: Ends
) -> None:
    inputs = stated(ledger, filing_share=filing, acceptance=acceptance, review_award=award, band_mix=mix)
    row = row_of(cost_table(policy, inputs, as_of=DAY))
    corners = [
        REPORTS * f * a * pay
        for f in distribution_of(*filing).support
        for a in distribution_of(*acceptance).support
        for pay in (*TIERS, *distribution_of(*award).support)  # all reports in one band
    ]
    assert row["low"] == pytest.approx(min(corners), rel=1e-9)
    assert row["high"] == pytest.approx(max(corners), rel=1e-9)
    assert row["low"] * (1 - 1e-9) <= row["expected"] <= row["high"] * (1 + 1e-9)


def test_the_bands_add_up_to_their_line(policy: Policy, plain: Ledger) -> None:
    table = cost_table(policy, plain, as_of=DAY)
    bands = table.filter(line=CASH, level="band")
    assert bands["expected"].to_list() == pytest.approx(
        [8461 * 0.125 * s * p for s, p in zip(MIX, (30_000, 50_000, 200_000), strict=True)]
    )
    assert bands["count"].sum() == REPORTS
    assert bands["expected"].sum() == pytest.approx(row_of(table)["expected"])
    assert bands["low"].to_list() == [0, 0, 0]  # no report may fall into a band, or all of them
    assert bands["high"].to_list() == pytest.approx([8461 * 0.5 * p for p in (30_000, 50_000, 900_000)])


def test_every_row_names_the_facts_and_assumptions_behind_it(policy: Policy, ledger: Ledger) -> None:
    table = cost_table(policy, ledger, as_of=DAY)
    known = {a.id for a in ledger.assumptions}
    for row in table.iter_rows(named=True):
        assert row["facts"] or row["rule"] == "handling", row  # of which nothing was published
        assert [get_fact(f).id for f in row["facts"].split()] == list(dict.fromkeys(row["facts"].split()))
        used = set((row["assumptions"] or "").split())
        assert used <= known
        assert bool(used) == (row["expected"] is not None)


def test_a_good_has_a_row_for_each_valuation_that_its_document_states(policy: Policy, ledger: Ledger) -> None:
    inputs = stated(ledger, take_up=(0.1, 0.2, 0.4))
    priced = changed_line(policy, "emoticons", displaced_sales=1_000, incremental_cash=0)
    table = cost_table(priced, inputs, as_of=DAY)
    assert table["valuation"].to_list() == ["face_value", "displaced_sales", "incremental_cash"]
    for one, row in zip((6_500, 1_000, 0), table.iter_rows(named=True), strict=True):
        assert [row[k] for k in ("promised", "low", "expected", "high")] == pytest.approx(
            [48_000_000 * one * share for share in (1, 0.1, 0.2, 0.4)]
        )
    assert totals(table)["valuation"].to_list() == table["valuation"].to_list()  # and none is added
    assert totals(table)["expected"].to_list() == table["expected"].to_list()


def test_a_good_without_a_list_price_is_unpriced(policy: Policy, ledger: Ledger) -> None:
    free = changed_line(policy, "emoticons", face_value=None)
    row = row_of(cost_table(free, ledger, as_of=DAY), "emoticons")
    assert (row["status"], row["valuation"]) == ("unpriced", "face_value")
    assert [row[k] for k in ("count", "promised", "low", "expected", "high")] == [None] * 5


# --- what is left out ------------------------------------------------------------------------------


def test_totals_add_no_two_valuations(policy: Policy, ledger: Ledger) -> None:
    table = cost_table(policy, ledger, as_of=DAY)
    lines = [r for r in table.iter_rows(named=True) if r["level"] == "line"]
    for row in totals(table).iter_rows(named=True):
        mine = [r for r in lines if r["valuation"] == row["valuation"]]
        promised = [r["promised"] for r in mine if r["promised"] is not None]
        assert row["promised"] == (pytest.approx(sum(promised)) if promised else None)
        expected = [r for r in mine if r["expected"] is not None]  # the other columns count the same lines
        for column in ("low", "expected", "high", "most"):
            parts = [r[column] for r in expected]
            assert row[column] == (None if None in parts else pytest.approx(sum(parts))), column
        assert row["low"] <= row["expected"] <= row["high"]
    assert sorted(totals(table)["valuation"]) == ["cash", "face_value", "handling", "top_down"]


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
    silent = table.filter(pl.col("line").is_in(SILENT[valuation]))
    figures = silent.select("count", "promised", "low", "expected", "high")
    assert set(figures.null_count().row(0)) == {len(SILENT[valuation])}
    assert set(silent["status"]) <= {"unpriced", "not_published"}
    others = table.filter(~pl.col("line").is_in(SILENT[valuation]))
    with_them, without_them = (totals(t).drop("left_out") for t in (table, others))
    assert with_them.equals(without_them)
    assert with_them["high"].null_count() == 0  # what has no figure takes no bound away
    ends = ("low", "expected", "high", "most")  # a line without an expected cost widens no bound of one
    fewer = totals(others.filter(~pl.col("line").is_in(BOUNDED[valuation])))
    assert with_them.select(ends).equals(fewer.select(ends))


def test_where_no_line_has_a_figure_there_is_no_total_rather_than_zero(policy: Policy) -> None:
    table = cost_table(policy, None, as_of=DAY)
    cash, free, lump = totals(table).iter_rows(named=True)
    assert cash["expected"] is free["expected"] is None
    assert cash["high"] is None  # nobody limits what a review awards
    # Goods for 607.7 bn, and the budget of Page and Webtoon cash, of about 8 bn.
    assert free["high"] == free["promised"] == 607_700_000_000 + 8_000_000_000
    budget = policy.line("page-webtoon-cash")
    assert isinstance(budget, Budget)
    assert (cash["low"], free["low"]) == (0, budget.low or 0)
    assert (lump["low"], lump["expected"], lump["high"]) == (0, None, None)  # more than announced may come
    for total, valuation in ((cash, "cash"), (free, "face_value"), (lump, "top_down")):
        assert total["left_out"].split() == table.filter(level="line", valuation=valuation)["line"].to_list()


@pytest.mark.parametrize("kind", ["filing_share", "acceptance", "band_mix", "review_award"])
def test_every_input_of_the_cash_is_needed_for_an_expected_cost(
    policy: Policy, ledger: Ledger, kind: str
) -> None:
    assert row_of(cost_table(policy, without(ledger, kind), as_of=DAY))["expected"] is None


def test_an_automatic_payment_needs_no_filing_share_and_no_acceptance(policy: Policy, plain: Ledger) -> None:
    automatic = changed_line(policy, CASH, effort="automatic", effort_changes=())
    inputs = without(plain, "filing_share", "acceptance")
    row = row_of(cost_table(automatic, inputs, as_of=DAY))
    assert row["expected"] == pytest.approx(REPORTS * 70_000)
    assert (row["low"], row["high"]) == (REPORTS * 30_000, REPORTS * 900_000)


# --- the as-of day ------------------------------------------------------------------------------------


def test_a_count_that_was_not_public_is_not_used(policy: Policy, ledger: Ledger) -> None:
    row = row_of(cost_table(policy, ledger, as_of=date(2022, 12, 29)))
    assert (row["status"], row["count"], row["expected"]) == ("not_public_yet", None, None)


def test_assumptions_of_a_later_day_are_not_used(policy: Policy, ledger: Ledger) -> None:
    late = [a.model_copy(update={"public_on": LATER}) for a in ledger.assumptions]
    table = cost_table(policy, ledger.model_copy(update={"assumptions": tuple(late)}), as_of=DAY)
    assert table["expected"].null_count() == len(table)
    priced = {CASH, "channel-credit", "emoticons", "makers-coupons", "talk-drawer", "paid-services"}
    for day in (DAY, LATER):
        known = cost_table(policy, ledger, as_of=day).filter(pl.col("expected").is_not_null())
        assert set(known["line"]) == priced


def test_an_assumption_that_rests_on_a_later_fact_is_not_used(policy: Policy, ledger: Ledger) -> None:
    assumption = ledger.find("acceptance", CASH)
    assert assumption is not None
    survey = get_fact("FI-12.positive")  # a share of January 2023; what it counts does not matter here
    assert survey.public_on is not None
    assert survey.public_on > DAY
    later = assumption.model_copy(update={"classes": (survey.id,), "id": "later"})
    changed = tuple(later if a is assumption else a for a in ledger.assumptions)
    row = row_of(cost_table(policy, ledger.model_copy(update={"assumptions": changed}), as_of=DAY))
    assert row["expected"] is None


def test_a_band_mix_on_other_bands_is_refused(policy: Policy, ledger: Ledger) -> None:
    line = policy.line(CASH)
    assert isinstance(line, Schedule)
    moved = tuple(
        b.model_copy(update={"over": o, "up_to": u})
        for b, (o, u) in zip(line.bands, [(0, 200_000), (200_000, 500_000), (500_000, None)], strict=True)
    )
    with pytest.raises(ModelRefused, match="as-band-mix is not stated on the bands"):
        cost_table(changed_line(policy, CASH, bands=moved), ledger, as_of=DAY)


# --- from claims and from totals ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("over", "up_to", "low", "high"), [(0, 500_000, 30_000, 50_000), (400_000, 600_000, 0, AWARD[2])]
)
def test_a_band_across_two_rules_is_bounded_and_not_guessed(
    policy: Policy, plain: Ledger, over: int, up_to: int, low: int, high: int
) -> None:
    cube = counts([("kakaotalk", "small_business", over, up_to, 10)])
    table = cost_table(policy, plain, as_of=DAY, cubes=[cube])
    for row in (table.filter(level="band").row(0, named=True), row_of(table)):
        assert (row["expected"], row["promised"]) == (None, None)
        assert [row["low"], row["high"]] == pytest.approx([10 * low * 0.1 * 0.4, 10 * high * 0.5])
    assert (table.filter(level="band")["rule"].item(), row_of(table)["status"]) == (
        "straddles",
        "bounds_only",
    )
    without = cost_table(policy, None, as_of=DAY, cubes=[cube]).filter(level="band")["high"].item()
    assert without == (None if high == AWARD[2] else 10 * high)  # nobody limits what a review awards


def test_claims_without_a_ledger_have_bounds_and_those_paid_nothing_are_certain(policy: Policy) -> None:
    cube = counts(
        [("kakaotalk", "small_business", 0, 300_000, 10), ("kakao_bank", "small_business", 0, 300_000, 5)]
    )
    table = cost_table(policy, None, as_of=DAY, cubes=[cube])
    bands = {r["rule"]: r for r in table.filter(level="band").iter_rows(named=True)}
    assert [bands["pays"][k] for k in ("low", "expected", "high")] == [0, None, 300_000]
    assert [bands["not_entitled"][k] for k in ("low", "expected", "high")] == [0, 0, 0]
