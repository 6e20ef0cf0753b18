"""The synthetic file keeps every published count and never passes for a real one."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from outage_analysis.claims import read_claims
from outage_analysis.files import data_root
from outage_analysis.incidents import fact_exists, get_fact, load_incident
from tests.studies.synthetic_claims import SEEDS, assumptions, synthetic_claims

BUNDLED = data_root() / "claims" / "kakao-2022-synthetic.parquet"
INCIDENT = load_incident("kakao-2022")
ASSUMED = assumptions("kakao-2022")

OWN = pl.col("category") != "affiliate"
SMALL = pl.col("claimant_type") == "small_business"
LOSS = pl.col("loss") > 0
MARGINS: dict[str, pl.Expr] = {
    "CL-01": pl.lit(value=True),
    "CL-02b": OWN,
    "CL-04": ~OWN,
    "CL-06.cases": pl.col("category") == "paid",
    "CL-07.cases": (pl.col("category") == "free_with_loss") & LOSS,
    "CL-08.cases": (pl.col("category") == "other") & ~LOSS.fill_null(value=False),
    "CL-10": OWN & SMALL,
    "CL-11": OWN & (pl.col("claimant_type") == "general_user"),
    "CL-12": OWN & (pl.col("claimant_type") == "mid_large_firm"),
    "CL-13": OWN & SMALL & LOSS,
    "IN-02": pl.col("filed_on") <= date(2022, 10, 24),
}


@pytest.fixture(scope="module", params=["bundled", "other seed"])
def rows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    path = BUNDLED
    if request.param == "other seed":
        path = tmp_path_factory.mktemp("seed") / "other-synthetic.csv"
        synthetic_claims(ASSUMED, seed=7).write_csv(path)
    return read_claims(path, INCIDENT).to_polars()


@pytest.mark.parametrize("fact", MARGINS)
def test_each_margin_is_the_published_count(rows: pl.DataFrame, fact: str) -> None:
    assert rows.filter(MARGINS[fact]).height == get_fact(fact).number


def test_the_bundled_file_is_what_its_seed_makes() -> None:
    assert pl.read_parquet_metadata(BUNDLED)["seed"] == str(SEEDS["kakao-2022"])
    fresh = synthetic_claims(ASSUMED, SEEDS["kakao-2022"])
    assert fresh.equals(pl.read_parquet(BUNDLED)), "make data/claims again: its assumptions or names changed"


def test_every_fact_that_the_assumptions_cite_is_known() -> None:
    stated = [*ASSUMED["losses"], *ASSUMED["mix"]]
    cited = {fact for by in stated for fact in by.get("facts", ())}
    assert [fact for fact in sorted(cited) if not fact_exists(fact)] == []
    assert {w for by in stated for w in by.get("weights", {}).values() if isinstance(w, str)} <= cited
