"""An outage of one's own runs from TOML and a CSV, with no change of code."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from outage_analysis import Plan, run
from tests.paths import OWN_OUTAGE

PAGES = {name: OWN_OUTAGE / f"{name}.toml" for name in ("incident", "policy")}


def test_every_row_is_a_claim_and_is_paid_as_worked_out_by_hand() -> None:
    analysis = run(Plan(**PAGES, claims=(OWN_OUTAGE / "claims.csv",)))
    (read,) = analysis.tables["claims_quality"].rows(named=True)
    assert (read["file"], read["rows"], read["claims"], read["rejects"]) == ("claims.csv", 7, 7, 0)
    assert read["dialect"] == "delimiter ';', quote \", header in row 1"
    assert (read["first_day"], read["last_day"]) == (date(2031, 3, 2), date(2031, 3, 3))
    # 60 and 119 minutes over 5 km: 12.50 euros each; 120 minutes over 20 km: 25 euros. 59 minutes
    # get nothing, 4 km are not entitled, a negative delay counts as none. An unknown one is paid nothing
    # or, as the policy has no rule for it, at most the 25 euros of the last tier.
    total = analysis.totals_row("claims")
    assert total is not None
    assert total["expected"] == 1_250 + 1_250 + 2_500  # automatic: everyone is paid
    assert total["low"] == total["promised"] == 5_000
    assert total["high"] == total["most"] == 5_000 + 2_500
    cells = analysis.cubes["cost"].frame.group_by("distance").agg(pl.col("claims").sum())
    assert dict(cells.iter_rows()) == {"up to 4": 1, "over 4 up to 19": 5, "over 19": 1}
    costs = analysis.tables["claims_costs"].filter(level="band", rule="pays")
    assert sorted(costs.select("over", "up_to", "count").rows()) == [(59, 119, 2.0), (119, None, 1.0)]


def test_totals_alone_give_the_same_cost(tmp_path: Path) -> None:
    counts, policy = tmp_path / "totals.csv", tmp_path / "policy.toml"
    counts.write_text('service,claimant_type,band,claims\nR,rider,"[60, 120)",2\nB,rider,>=120,1\n', "utf-8")
    page = PAGES["policy"].read_text("utf-8").splitlines()
    policy.write_text("\n".join(x for x in page if "eligibility" not in x), "utf-8")
    total = run(Plan(PAGES["incident"], policy, counts=counts)).totals_row("claims")
    assert total is not None
    assert total["expected"] == 5_000
