"""An outage of one's own runs from TOML and a CSV, with no change of code."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from outage_analysis import Plan, run
from outage_analysis.analysis import Analysis
from tests.paths import OWN_OUTAGE


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return run(
        Plan(
            incident=OWN_OUTAGE / "incident.toml",
            policy=OWN_OUTAGE / "policy.toml",
            claims=(OWN_OUTAGE / "claims.csv",),
        )
    )


def test_every_row_is_a_claim(analysis: Analysis) -> None:
    (read,) = analysis.tables["claims_quality"].rows(named=True)
    assert (read["file"], read["rows"], read["claims"], read["rejects"]) == ("claims.csv", 7, 7, 0)
    assert read["dialect"] == "delimiter ';', quote \", header in row 1"
    assert (read["first_day"], read["last_day"]) == (date(2031, 3, 2), date(2031, 3, 3))
    assert analysis.tables["claims_rules"].is_empty()


def test_the_payments_are_those_of_a_hand_calculation(analysis: Analysis) -> None:
    # 60 and 119 minutes over 5 km: 12.50 euros each; 120 minutes over 20 km: 25 euros. 59 minutes
    # get nothing, 4 km are not entitled, a negative delay counts as none. An unknown one is paid nothing
    # or, as the policy has no rule for it, at most the 25 euros of the last tier.
    total = analysis.totals_row("claims")
    assert total is not None
    assert total["expected"] == 1_250 + 1_250 + 2_500  # automatic: everyone is paid
    assert total["low"] == total["promised"] == 5_000
    assert total["high"] == total["most"] == 5_000 + 2_500


def test_the_numeric_dimension_is_cut_at_its_lower_closed_edges(analysis: Analysis) -> None:
    cells = analysis.cubes["cost"].frame.group_by("distance").agg(pl.col("claims").sum())
    assert dict(cells.iter_rows()) == {"up to 4": 1, "over 4 up to 19": 5, "over 19": 1}


def test_the_edges_belong_to_the_upper_band(analysis: Analysis) -> None:
    costs = analysis.tables["claims_costs"].filter(level="band", rule="pays")
    assert sorted(costs.select("over", "up_to", "count").rows()) == [(59, 119, 2.0), (119, None, 1.0)]


def test_totals_alone_give_the_same_cost(tmp_path: Path) -> None:
    counts = tmp_path / "totals.csv"
    counts.write_text(
        'service,claimant_type,band,claims\nR,rider,"[60, 120)",2\nB,rider,>=120,1\n', encoding="utf-8"
    )
    policy = tmp_path / "policy.toml"
    page = (OWN_OUTAGE / "policy.toml").read_text("utf-8")
    policy.write_text("\n".join(x for x in page.splitlines() if "eligibility" not in x), encoding="utf-8")
    total = run(Plan(incident=OWN_OUTAGE / "incident.toml", policy=policy, counts=counts)).totals_row(
        "claims"
    )
    assert total is not None
    assert total["expected"] == 5_000
