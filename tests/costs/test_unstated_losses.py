"""Claims that state no loss: without a rule for them nothing is settled, and every page says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from outage_analysis.analysis import Plan, run, unstated_notes
from outage_analysis.costs import build_portfolio, cost_table
from outage_analysis.costs.benefits import line_table, policy_result
from outage_analysis.costs.expected import unstated_losses
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy, explain, findings
from outage_analysis.reports import Report
from outage_analysis.text import LANGUAGES, Locale
from tests.commands import command
from tests.costs.test_costs import counts
from tests.small_policies import DAY, fixed, ledger_of, policy_of

TIERS = (
    {"over": 0, "up_to": 300_000, "fixed": 30_000},
    {"over": 300_000, "up_to": 500_000, "fixed": 50_000},
    {"over": 500_000, "review": True},
)
AWARD = ledger_of({"kind": "review_award", "distribution": fixed(200_000)})


def paying(**terms: Any) -> Policy:  # noqa: ANN401 - terms of a page
    """Tiers that are paid at once."""
    return policy_of({"id": "tiers", "kind": "schedule", "effort": "automatic", "band": TIERS} | terms)


def claims(unstated: int, stated: int = 1_000) -> Cube:
    return counts([("a", "b", 0, 300_000, stated), ("a", "b", None, None, unstated)])


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
    table = cost_table(paying(**terms), AWARD, as_of=DAY, cubes=[claims(unstated)])
    found = table.filter(level="line").row(0, named=True)
    assert (found["count"], found["status"]) == (1_000 + unstated, status)
    assert tuple(found[end] for end in ("low", "expected", "high")) == ends
    assert found["most"] == ends[2]
    rows = [] if terms else [("tiers", unstated, 1_000 + unstated, status == "ok")]
    assert unstated_losses(table).rows() == rows
    portfolio = build_portfolio(paying(**terms), AWARD, as_of=DAY, cubes=[claims(unstated)])
    assert portfolio.left_out == ({"cash": ("tiers",)} if status == "unstated" else {})


def test_only_entitled_claims_count() -> None:
    some = counts([("a", "b", 0, 300_000, 10), ("a", "b", None, None, 3), ("a", "c", None, None, 99)])
    table = cost_table(paying(eligibility={"claimant_type": ("b",)}), AWARD, as_of=DAY, cubes=[some])
    assert table.filter(level="line").select("count", "expected").rows() == [(13, 300_000)]


def test_the_policy_says_what_an_unstated_loss_is_paid() -> None:
    bare, ruled = paying(), paying(unknown={"fixed": 500})
    assert findings(bare).filter(finding="unknown")["says"].item().startswith("no rule for a claim without")
    assert "unknown" not in findings(ruled)["finding"]
    assert [line_table(p)["unknown"].item() for p in (bare, ruled)] == ["no rule", "500 won"]
    assert [policy_result(p)["lines"]["tiers"]["unknown"] for p in (bare, ruled)] == ["no rule", "500"]
    assert "No rule for a claim without a stated loss: L." in bare.card().notes
    assert "No rule" not in repr(ruled.card())
    assert "No rule covers claims without a stated loss." in "\n".join(explain(bare))
    assert "  No stated loss: 500 won." in explain(ruled)


CREDIT = """
id = "credit"
name = { en = "A credit for every complainant" }
currency = "KRW"
loss_unit = "KRW"

[[line]]
id = "credit"
kind = "schedule"
name = { en = "Credit" }
public_on = 2022-10-20
effort = "automatic"
band = [{ over = 0, fixed = 10_000 }]
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Totals of 500 claims, none of which states a loss."""
    page, totals = tmp_path / "credit.toml", tmp_path / "totals.csv"
    page.write_text(CREDIT, encoding="utf-8")
    totals.write_text("service,claimant_type,band,claims\nkakaotalk,small_business,unknown,500\n", "utf-8")
    return Plan(policy=page, ledger=None, counts=totals, claims=(), as_of=DAY)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_screen_has_no_headline_of_nothing(plan: Plan, lang: str) -> None:
    found, w = run(plan), Locale(lang, "KRW")
    assert found.headline_from_claims
    report = Report(found, lang)
    told = [w("terminal.no_cash"), w("report.bounds", low=w.money(0), high=w.money(5_000_000))]
    assert list(report.answers.headline[:2]) == told
    (note,) = unstated_notes(found, w)
    assert note in report.answers.left_out
    assert ("`unknown`" if lang == "en" else "손실 미기재 규정을 추가") in note
    assert note in found.card(lang).notes


def test_the_terminal_says_it_with_the_remedy(plan: Plan) -> None:
    code, out, err = command("cost", "--policy", plan.policy, "--counts", plan.counts, "--as-of", DAY)
    assert code == 0, err
    assert "Credit: 500 of 500 entitled claims (100%) state no loss" in out
    assert "To fix this, state their payment with `unknown`." in out
