"""The synthetic file keeps every published count and never passes for a real one."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from outage_analysis.claims import Claims, load_synthetic, read_claims, row_count, write_synthetic
from outage_analysis.claims.synthetic.rows import synthesise
from outage_analysis.errors import UsageError
from outage_analysis.files import data_root
from outage_analysis.incidents import fact_exists, get_fact, load_incident, normalized_name
from outage_analysis.losses import rule_table
from tests.claims.broken_rows import with_broken_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    return read_claims(path, INCIDENT).to_polars()


@pytest.mark.parametrize("fact", MARGINS)
def test_each_margin_is_the_published_count(rows: pl.DataFrame, fact: str) -> None:
    assert rows.filter(MARGINS[fact]).height == get_fact(fact).whole


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
    distribution = next(
        distribution for distribution in PAGE.losses if "small_business" in distribution.claimant_types
    )
    share = 0.0
    for band in distribution.bands[:-1]:
        share += band.share
        assert (told <= band.up_to).sum() == round(share * len(told))


def test_the_file_reads_without_a_reject_and_says_it_is_synthetic(bundled: Claims) -> None:
    assert bundled.rejected_rows.is_empty()
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


@pytest.mark.slow
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


# --- any number of rows -------------------------------------------------------------------------------------


def with_ids(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with claimant types as ids, the way the incident reads them."""
    ids = {way: item.id for item in INCIDENT.claimant_types for way in item.spellings()}
    types = {way: ids[normalized_name(way)] for way in frame["claimant_type"].unique()}
    return frame.with_columns(pl.col("claimant_type").replace_strict(types))


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 7, 1_000, 123_457, 2 * 105_116])
def test_each_margin_is_in_proportion_at_any_number_of_rows(size: int) -> None:
    frame = with_ids(synthesise(PAGE, INCIDENT, seed=3, rows=size))
    assert len(frame) == size
    times = size / row_count(PAGE)
    for fact, rows in MARGINS.items():
        expected = get_fact(fact).whole * times
        assert abs(frame.filter(rows).height - expected) < (2 if times % 1 else 0.1), fact


def test_chunks_of_one_row_still_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = with_ids(synthesise(PAGE, INCIDENT, seed=3, rows=60))
    monkeypatch.setattr("outage_analysis.claims.synthetic.rows.CHUNK_ROWS", 1)
    frame = with_ids(synthesise(PAGE, INCIDENT, seed=3, rows=60))
    for column in ("category", "filed_on"):
        assert sorted(frame[column]) == sorted(whole[column])
    own = [rows.filter(OWN)["claimant_type"].sort() for rows in (frame, whole)]
    assert own[0].equals(own[1])
    assert frame["filed_on"].is_sorted()
    for column, prefix in (("claim_id", "SYN-"), ("claimant_id", "SYN-C")):
        assert frame[column].to_list() == [f"{prefix}{n:06}" for n in range(1, 61)]


@pytest.mark.parametrize("size", [0, -1, 2_000_000_001])
def test_a_number_of_rows_that_cannot_be_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match="not between 1 and 2,000,000,000"):
        synthesise(PAGE, INCIDENT, seed=1, rows=size)


# --- files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, suffix: str) -> None:
    def broken_off() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"a": [1]})
        raise UsageError("cannot go on")

    with pytest.raises(UsageError, match="cannot go on"):
        write_synthetic(broken_off(), tmp_path / f"a-synthetic.{suffix}", seed=1)
    assert not list(tmp_path.iterdir())


# --- what complaints say ------------------------------------------------------------------------------------


def test_texts_are_added_only_on_request_and_change_nothing_else() -> None:
    frame = synthesise(PAGE, INCIDENT, seed=4, rows=5_000, text=True)
    assert "content" not in pl.read_parquet_schema(BUNDLED)
    assert frame.drop("content").equals(synthesise(PAGE, INCIDENT, seed=4, rows=5_000))
    assert frame["content"].null_count() == 0


def test_texts_quote_their_own_row_and_hold_what_is_hard_to_read() -> None:
    frame = synthesise(PAGE, INCIDENT, seed=4, rows=5_000, text=True)
    told = frame.filter(pl.col("content").str.contains("{}원".format(r"\d+")))
    assert len(told) > 100
    assert told.select(pl.col("content").str.contains(pl.format("{}원", "loss"))).to_series().all()
    for hard in (",", "\n", '"', "010-0000-1234", "@example.com"):
        assert frame["content"].str.contains(hard, literal=True).any(), hard
    assert not frame["content"].str.contains("[{}]").any()


def test_a_document_without_texts_gives_none() -> None:
    page = PAGE.model_copy(update={"mixes": tuple(m for m in PAGE.mixes if m.column != "content")})
    with pytest.raises(UsageError, match="no mix of content"):
        synthesise(page, INCIDENT, seed=1, rows=10, text=True)


def test_all_contact_data_are_invented() -> None:
    texts = " ".join(PAGE.texts.values())
    assert {number[:8] for number in re.findall(r"\d{2,}-\d+-\d+", texts)} <= {"010-0000", "000-0000"}
    assert set(re.findall(r"@\S+", texts)) == {"@example.com"}


# --- rows that break a rule ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_ingestion_rejects_what_was_broken_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"broken-synthetic.{suffix}"
    clean = synthesise(PAGE, INCIDENT, seed=6, rows=10_000, text=True)
    broken, rules = with_broken_rows(clean, every=10)
    write_synthetic(broken, path, seed=6)
    claims = read_claims(path, INCIDENT, max_rejects=0.1)
    assert dict(rule_table(claims).select("rule", "complaints").iter_rows()) == rules
    assert claims.rejected_rows["broken"].list.len().unique().to_list() == [1]
    assert claims.files.select("rows", "claims", "rejects").row(0) == (10_200, 9_200, 1_000)


def test_no_clean_loss_is_beyond_the_plausible() -> None:
    mild = INCIDENT.model_copy(update={"loss": INCIDENT.loss.model_copy(update={"plausible_to": 2_000_000})})
    frame = synthesise(PAGE, mild, seed=1, rows=20_000)
    assert frame["loss"].max() == 2_000_000
    with pytest.raises(UsageError, match="does not believe"):
        synthesise(
            PAGE,
            mild.model_copy(update={"loss": mild.loss.model_copy(update={"plausible_to": 400_000})}),
            seed=1,
        )


# --- pages --------------------------------------------------------------------------------------------------


def edited(tmp_path: Path, old: str, new: str) -> Path:
    text = (data_root() / "synthetic" / "kakao-2022.toml").read_text(encoding="utf-8")
    assert old in text
    page = tmp_path / "other.toml"
    page.write_text(text.replace(old, new), encoding="utf-8")
    return page


def test_another_document_gives_another_band_mix(tmp_path: Path) -> None:
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
        ('column = "early_day"', 'column = "late_day"', "one mix of early_day"),
        ("with_loss = { small_business", "with_loss = { small_shop", "small_shop"),
        ("refund = 30", "refunds = 30", "refunds"),
        ('refund = "{service}', 'refund = "{name}', "refund a brace"),
        (
            'categories = ["other"]\nweights = { zero',
            'categories = ["paid"]\nweights = { zero',
            "one mix of loss",
        ),
        (
            'claimant_types = ["mid_large_firm"]\nmedian',
            'claimant_types = ["small_business"]\nmedian',
            "no distribution",
        ),
    ],
)
def test_a_document_that_does_not_fit_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    page = edited(tmp_path, old, new)
    with pytest.raises(UsageError, match=message):
        synthesise(load_synthetic(page), INCIDENT, seed=1)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(UsageError, match="negative"):
        synthesise(PAGE, INCIDENT, seed=-1)


def test_every_fact_that_the_document_cites_is_on_the_shelf() -> None:
    cited = [fact for by in (*PAGE.losses, *PAGE.mixes) for fact in by.facts]
    assert [fact for fact in cited if not fact_exists(fact)] == []
    used = {w for mix in PAGE.mixes for w in mix.weights.values() if isinstance(w, str)}
    assert used <= set(cited)
