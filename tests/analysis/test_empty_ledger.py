"""A ledger without assumptions: the cost of automatic payments is exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.assumptions import load_ledger
from outage_analysis.costs import cost_table, totals
from outage_analysis.errors import ModelRefused
from outage_analysis.reports import verify
from tests.small_policies import DAY, REPORTS, ledger_of, policy_of, tiers
from tests.tram_case import LEDGER, LOSSES, POLICY, tram_plan

PAID = {20: 12.50, 35: 12.50, 70: 25, 100: 25, 150: 50, 400: 50}
"""Euros per loss: up to 60 euros, up to 120 euros, and more."""


@pytest.fixture
def plan(tram: Path, tmp_path: Path) -> Plan:
    """Three hundred claims, fifty of each loss, all paid automatically."""
    automatic = POLICY.replace('"form"', '"automatic"').replace("review = true", "fixed = 5_000")
    (tmp_path / "policy.toml").write_text(automatic, "utf-8")
    (tmp_path / "ledger.toml").write_text(LEDGER, "utf-8")
    return tram_plan(
        tram,
        policy=tmp_path / "policy.toml",
        ledger=tmp_path / "ledger.toml",
        claims=(tram / "claims.csv",),
        compare=(),
        budget=8_000,
    )


def check_exact(analysis: Analysis) -> None:
    total = sum(50 * PAID[loss] for loss in LOSSES)
    assert total == 8_750
    assert analysis.expected == analysis.median == total
    assert analysis.quantile([0.01, 0.99]) == [total, total]
    assert (analysis.chance_over(total), analysis.chance_over(8_000)) == (0, 1)
    assert analysis.sample(3).to_list() == [total] * 3


def test_the_cost_of_automatic_payments_to_claims_is_exact(plan: Plan) -> None:
    check_exact(run(plan))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "formats"), [("en", ["csv", "html", "md", "pdf", "pptx", "xlsx"]), ("ko", ["csv", "html"])]
)
def test_its_report_is_written_and_verified(
    plan: Plan, tram: Path, tmp_path: Path, lang: str, formats: list[str]
) -> None:
    run(plan).report(tmp_path / "report", lang=lang, formats=formats)
    assert verify(tmp_path / "report", claims=[tram / "claims.csv"]).rebuilt


def test_the_cost_of_automatic_payments_to_a_published_count_is_exact() -> None:
    policy = policy_of(tiers(effort="automatic", band=({"over": 0, "fixed": 30_000},)))
    row = totals(cost_table(policy, ledger_of(), as_of=DAY)).row(0, named=True)
    assert [row[end] for end in ("low", "expected", "high")] == [REPORTS * 30_000] * 3


def test_a_policy_that_needs_an_input_says_which(plan: Plan, tram: Path) -> None:
    analysis = run(tram_plan(tram, ledger=plan.ledger, compare=(), budget=None))
    assert analysis.expected is None
    missing = analysis.tables["costs"].filter(level="line")["missing"][0]
    assert {"filing_share", "acceptance", "band_mix"} <= set(missing.split())
    with pytest.raises(ModelRefused, match="no line has an expected cost"):
        _ = analysis.median


def test_the_card_of_an_empty_ledger_has_no_table(plan: Plan) -> None:
    assert plan.ledger is not None
    card = load_ledger(plan.ledger).card()
    assert card.tables == ()
    assert "Assumptions: 0" in repr(card)
