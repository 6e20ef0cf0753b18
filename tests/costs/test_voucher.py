"""A voucher per started hour, up to a cap per person: its cost by hand, and its place in every output."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from outage_analysis.analysis import Analysis, run
from outage_analysis.costs import cost_table
from outage_analysis.costs.benefits import reconciliation_table
from outage_analysis.costs.page_model import live_cost
from outage_analysis.errors import UsageError
from outage_analysis.files import Name
from outage_analysis.incidents import TieOut
from outage_analysis.policies import Policy, findings
from outage_analysis.reports.html import sliders
from outage_analysis.reports.report import Report
from tests.small_policies import DAY, DRIVERS, policy_of
from tests.tram_case import COUNTED, ENTRY, MIX, ledger, tram_plan, write_documents

PER_PERSON = 700
"""In cents: 3.2 hours are 4 started hours of 200, which is 800, above the cap."""
TAKE_UP = 0.2
"""The mean of beta(1, 4)."""
VOUCHERS = DRIVERS * PER_PERSON * TAKE_UP
"""The expected cost in cents, by hand: 31,661,560."""
LINE = """
[[line]]
id = "late"
kind = "voucher"
name = { en = "Vouchers" }
public_on = 2031-03-02
effort = "form"
amount = 200
cap_per_person = 700
outage_hours = 3.2
recipients = "US-07"
"""
TAKERS = ENTRY.format(
    name="takers", kind="take_up", distribution='distribution = { kind = "beta", a = 1, b = 4 }'
).replace('lines = ["delay"]', 'lines = ["late"]')


def voucher(hours: float, cap: int = 1_000, **changes: object) -> Policy:
    """A policy of one voucher of 200 for each started hour, for the drivers of US-07."""
    line = {"id": "late", "kind": "voucher", "effort": "form", "recipients": "US-07", "amount": 200}
    return policy_of(line | {"outage_hours": hours, "cap_per_person": cap} | changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("voucher")
    write_documents(made)
    (made / "counted.toml").write_text(COUNTED.replace("tram-2031", "tram-voucher") + LINE, "utf-8")
    mix = ENTRY.format(name="mix", kind="band_mix", distribution=MIX)
    (made / "mixed.toml").write_text(ledger(mix, TAKERS), "utf-8")
    return made


@pytest.fixture(scope="module")
def analysis(folder: Path) -> Analysis:
    return run(tram_plan(folder))


@pytest.mark.parametrize(
    ("hours", "cap", "paid"),
    [(0.1, 1_000, 200), (1, 1_000, 200), (3, 1_000, 600), (3.0, 1_000, 600), (3.2, 1_000, 800),
     (3.2, 800, 800), (3.2, 799, 799), (3, 150, 150)],
)  # fmt: skip
def test_each_started_hour_counts_up_to_the_cap(hours: float, cap: int, paid: int) -> None:
    row = cost_table(voucher(hours, cap, effort="automatic"), None, as_of=DAY).row(0, named=True)
    figures = [row[column] for column in ("promised", "low", "expected", "high", "most")]
    assert figures == [DRIVERS * paid] * 5  # automatic: everybody gets it
    row = cost_table(voucher(hours, cap), None, as_of=DAY).row(0, named=True)  # a form, without a take-up
    assert [row[end] for end in ("low", "expected", "high")] == [0, None, DRIVERS * paid]
    assert (row["status"], row["valuation"]) == ("bounds_only", "face_value")


@pytest.mark.parametrize("hours", [0, 0.0, -1, float("nan"), float("inf"), "3", True])
def test_a_length_that_is_no_positive_number_is_refused(hours: float) -> None:
    with pytest.raises(ValidationError, match="outage_hours"):
        voucher(hours)


def test_a_count_that_is_not_known_leaves_no_cost() -> None:
    unknown = cost_table(voucher(3, recipients=None), None, as_of=DAY)["status"].item()
    early = voucher(3, public_on=date(2020, 1, 1))
    later = cost_table(early, None, as_of=date(2020, 1, 2))["status"].item()
    assert (unknown, later) == ("not_published", "not_public_yet")


def test_the_run_has_its_cost_and_its_draws_and_no_cash_of_it(analysis: Analysis) -> None:
    (row,) = analysis.exact_tables["costs"].filter(line="late").to_dicts()
    assert row["expected"] == pytest.approx(VOUCHERS)
    assert (row["valuation"], row["rule"], row["facts"]) == ("face_value", "voucher", "US-07")
    found = analysis.runs["published"].totals["face_value"].expected
    assert abs(found.value - VOUCHERS) < 5 * found.error + 1e-9 * VOUCHERS
    assert analysis.exact_tables["costs"].filter(level="line", valuation="cash")["line"].to_list() == [
        "delay"
    ]


def test_a_slider_moves_it(analysis: Analysis) -> None:
    products = live_cost(analysis.runs["published"].portfolio)
    assert products is not None
    assert products.expected("face_value", {"as-takers": 0.5}) == pytest.approx(DRIVERS * PER_PERSON * 0.5)
    made = sliders(Report(analysis, "en")).sliders
    assert made is not None
    assert made.data["terms"]["face_value"] == [(DRIVERS * PER_PERSON, ("as-takers",))]


def test_a_tie_out_at_face_value_counts_everybody() -> None:
    policy, name, late = voucher(3.2, 700), Name(en="All"), ("late",)
    tie = TieOut(id="all", name=name, kind="face_value", lines=late, printed_value=DRIVERS * 700, unit="KRW")
    assert reconciliation_table([tie], policy, as_of=DAY)["status"].to_list() == ["ties"]
    with pytest.raises(UsageError, match="cannot be computed from the line"):
        reconciliation_table([tie.model_copy(update={"kind": "fee"})], policy, as_of=DAY)


@pytest.mark.parametrize(("cap", "found"), [(799, []), (800, ["cap"]), (900, ["cap"])])
def test_a_cap_that_takes_nothing_away_is_found(cap: int, found: list[str]) -> None:
    kinds = findings(voucher(3.2, cap))["finding"].to_list()
    assert [kind for kind in kinds if kind == "cap"] == found
