"""What a budget buys, in Python: on published counts, on claims, on tiers without documents."""

from __future__ import annotations

import pytest

import outage_analysis as oa
from outage_analysis.analysis import BudgetSolution
from outage_analysis.errors import ModelRefused
from outage_analysis.text import LANGUAGES, schemas_of

FEW = 2**13
VARY = {
    "small-business-cash.tier1": [10_000, 20_000, 30_000],
    "small-business-cash.tier2": [30_000, 50_000, 70_000],
}


@pytest.fixture(scope="module")
def counted() -> BudgetSolution:
    """The Kakao case from published counts."""
    return oa.solve(vary=VARY, budget=550_000_000, draws=FEW)


def test_the_tables_have_their_schemas(counted: BudgetSolution) -> None:
    schemas = schemas_of("solution")
    schemas["solution"].check(counted.table)
    schemas["frontier"].check(counted.frontier)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_card_the_sentence_and_the_chart_state_the_result(counted: BudgetSolution, lang: str) -> None:
    card = counted.card(lang)
    assert card.notes == tuple(counted.answer(lang).sentences)
    assert [table.heads.count("P90") for table in card.tables] == [1, 1]
    spec = counted.chart(lang=lang, width=600).to_dict()
    assert spec["width"] == 600
    assert len(spec["layer"]) >= 5


@pytest.mark.slow
def test_claims_know_the_share_of_the_losses() -> None:
    claims = oa.load_sample("kakao")
    found = oa.solve(claims, vary=VARY, budget=620_000_000, ledger="kakao-2022", draws=FEW)
    assert (found.basis, found.search.tried.objective, found.is_feasible) == ("synthetic", "replaced", True)
    row = found.table.row(0, named=True)
    losses = claims.query("select service, claimant_type, loss from claims where loss > 0")
    entitled = {*found.policy.schedules[0].eligibility["service"]}
    low, high = (found.parameters[f"small-business-cash.tier{tier}"] for tier in (1, 2))
    paid, whole = 0.0, 0
    for service, claimant, loss in losses.iter_rows():
        if service in entitled and claimant == "small_business" and loss <= 500_000:
            pays = low if loss <= 300_000 else high
            paid, whole = paid + min(pays, loss), whole + (pays >= loss)
    assert row["replaced"] == pytest.approx(paid / float(losses["loss"].sum()), rel=1e-6)
    assert row["made_whole"] == whole


@pytest.mark.slow
def test_tiers_without_documents_pay_per_claim() -> None:
    claims = oa.load_sample("trams")
    found = oa.solve(claims, tiers={60: 3, 120: 6}, vary=["tier1,tier2"], budget=2_000, draws=FEW)
    assert found.search.tried.objective == "per_claim"
    assert found.is_feasible
    assert set(found.parameters) == {"tiers.tier1", "tiers.tier2"}
    with pytest.raises(ModelRefused, match="losses are in minutes, which is no money"):
        oa.solve(claims, tiers={60: 3, 120: 6}, vary=["tier1"], budget=2_000, objective="replaced", draws=FEW)


def test_a_policy_that_is_named_has_a_row() -> None:
    other = oa.load_policy("kakao-2022").with_tier(up_to=300_000, pays=60_000)
    found = oa.solve(vary=VARY, budget=550_000_000, compare=[other], draws=FEW)
    row = found.table.row(2, named=True)
    assert (row["policy"], row["role"]) == ("kakao-2022-changed", "named")
    assert row["parameters"] == "tier1=60,000; tier2=50,000"
