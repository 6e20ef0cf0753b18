"""The synthetic file keeps every published count and never passes for a real one."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from outage_analysis.claims import Claims, read_claims
from outage_analysis.datasets import data_root
from outage_analysis.errors import UsageError
from outage_analysis.incidents import load_incident
from outage_analysis.published import exists, figure
from outage_analysis.synthetic import load_synthetic, synthesise, write_synthetic

if TYPE_CHECKING:
    from pathlib import Path

SEED = 20221015
BUNDLED = data_root() / "claims" / "kakao-2022-synthetic.parquet"
INCIDENT = load_incident("kakao-2022")
PAGE = load_synthetic("kakao-2022")

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


@pytest.fixture(scope="module")
def bundled() -> Claims:
    return read_claims(BUNDLED, INCIDENT)


@pytest.fixture(scope="module", params=["bundled", "other seed"])
def rows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    path = BUNDLED
    if request.param == "other seed":
        path = tmp_path_factory.mktemp("seed") / "other-synthetic.csv"
        write_synthetic(synthesise(PAGE, INCIDENT, seed=7), path, seed=7)
    return read_claims(path, INCIDENT).frame()


@pytest.mark.parametrize("fact", MARGINS)
def test_each_margin_is_the_published_count(rows: pl.DataFrame, fact: str) -> None:
    assert rows.filter(MARGINS[fact]).height == figure(fact).whole


def test_days_run_from_the_opening_to_the_deadline(rows: pl.DataFrame) -> None:
    days = rows["filed_on"]
    assert (days.min(), days.max()) == (date(2022, 10, 19), INCIDENT.claims_to)
    assert days.is_sorted()


def test_own_cases_are_about_own_services(rows: pl.DataFrame) -> None:
    groups = {service.id: service.group for service in INCIDENT.services}
    group = rows["service"].replace_strict(groups)
    assert (group == "affiliate").equals(rows["category"] == "affiliate")


def test_a_claimant_files_at_most_twice_and_keeps_type_and_region(rows: pl.DataFrame) -> None:
    people = rows.group_by("claimant_id").agg(
        pl.len(), pl.n_unique("claimant_type", "region", "industry").name.suffix("s")
    )
    assert set(people["len"]) == {1, 2}
    assert people.select("claimant_types", "regions", "industrys").max().row(0) == (1, 1, 1)


def test_losses_gather_on_round_sums_and_edges(rows: pl.DataFrame) -> None:
    told = rows.filter(SMALL & LOSS)["loss"]
    assert (told % 10_000 == 0).mean() > 0.5  # type: ignore[operator] # a share of rows
    for edge in (300_000, 500_000):
        assert (told == edge).sum() > 5 * (told == edge - 10_000).sum()


def test_each_band_holds_exactly_its_assumed_share(rows: pl.DataFrame) -> None:
    told = rows.filter(SMALL & LOSS)["loss"]
    law = next(law for law in PAGE.losses if "small_business" in law.claimant_types)
    share = 0.0
    for band in law.bands[:-1]:
        share += band.share
        assert (told <= band.up_to).sum() == round(share * len(told))


def test_the_file_reads_without_a_reject_and_says_it_is_synthetic(bundled: Claims) -> None:
    assert bundled.rejects.is_empty()
    assert bundled.synthetic


def test_the_rows_alone_say_that_they_are_synthetic(tmp_path: Path) -> None:
    renamed = tmp_path / "claims.parquet"
    renamed.write_bytes(BUNDLED.read_bytes())
    assert read_claims(renamed, INCIDENT).synthetic


def test_names_are_written_in_many_ways() -> None:
    frame = pl.read_parquet(BUNDLED)
    assert {"카카오톡", "카톡", "KKT", "talk"} <= set(frame["service"])
    assert {"소상공인", "자영업자", "sme"} <= set(frame["claimant_type"])


def test_the_bundled_file_is_what_its_seed_makes() -> None:
    assert pl.read_parquet_metadata(BUNDLED)["seed"] == str(SEED)
    fresh = synthesise(PAGE, INCIDENT, seed=SEED)
    assert fresh.equals(pl.read_parquet(BUNDLED)), "make data/claims again: its page or names changed"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_equal_seeds_give_equal_bytes_and_others_do_not(tmp_path: Path, suffix: str) -> None:
    files = [tmp_path / f"{n}-synthetic.{suffix}" for n in range(3)]
    for path, seed in zip(files, (1, 1, 2), strict=True):
        write_synthetic(synthesise(PAGE, INCIDENT, seed=seed), path, seed=0)
    first, same, other = (path.read_bytes() for path in files)
    assert first == same
    assert first != other
    assert sorted(tmp_path.iterdir()) == files


@pytest.mark.parametrize("name", ["kakao-2022.csv", "kakao-2022-synthetic.xlsx"])
def test_a_name_that_hides_what_it_is_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"kakao-2022-synthetic\.csv"):
        write_synthetic(pl.DataFrame({"a": [1]}), tmp_path / name, seed=1)
    assert not list(tmp_path.iterdir())


def edited(tmp_path: Path, old: str, new: str) -> Path:
    text = (data_root() / "synthetic" / "kakao-2022.toml").read_text(encoding="utf-8")
    assert old in text
    page = tmp_path / "other.toml"
    page.write_text(text.replace(old, new), encoding="utf-8")
    return page


def test_another_page_gives_another_band_mix(tmp_path: Path) -> None:
    page = edited(tmp_path, "up_to = 300_000, share = 0.50", "up_to = 300_000, share = 0.25")
    frame = synthesise(load_synthetic(page), INCIDENT, seed=SEED)
    small = frame.filter(pl.col("industry").is_not_null(), pl.col("claimant_type") == "소상공인", LOSS)
    assert (small["loss"] <= 300_000).mean() == pytest.approx(0.25 / 0.75, abs=0.02)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("edge = 5", "edgy = 5", "edgy"),
        ('categories = ["paid"]', 'categories = ["payed"]', "payed"),
        ('paid = "CL-06.cases"', 'paid = "CL-07.cases"', "disagree"),
        ("emoticon_plus = 40", "emoji = 40", "emoji"),
        ('"2022-11-06" = 12', '"2022-11-07" = 12', "claims window"),
        ("over = 300_000, up_to", "over = 310_000, up_to", "gap"),
        (
            'claimant_types = ["mid_large_firm"]\nmedian',
            'claimant_types = ["small_business"]\nmedian',
            "no law",
        ),
    ],
)
def test_a_page_that_does_not_fit_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    page = edited(tmp_path, old, new)
    with pytest.raises(UsageError, match=message):
        synthesise(load_synthetic(page), INCIDENT, seed=1)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(UsageError, match="negative"):
        synthesise(PAGE, INCIDENT, seed=-1)


def test_every_fact_that_the_page_cites_is_on_the_shelf() -> None:
    cited = [fact for by in (*PAGE.losses, *PAGE.mixes) for fact in by.facts]
    assert [fact for fact in cited if not exists(fact)] == []
    used = {w for mix in PAGE.mixes for w in mix.weights.values() if isinstance(w, str)}
    assert used <= set(cited)
