"""What an analyst asks of losses first: counted by plain Python, filtered by hand, fitted or refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from outage_analysis.analysis.tables import Exploration, explore, fit_tables
from outage_analysis.claims import read_claims
from outage_analysis.errors import DisclosureBlocked, InputRefused, ModelRefused, UsageError
from outage_analysis.losses import FAMILIES, fit_all, load_grouped
from tests.commands import KAKAO, command
from tests.conftest import ClaimsCsv, Row
from tests.paths import OWN_OUTAGE

BY_GROUP = ("bands", "summary", "quantiles")
"""The tables that are of the groups and the claims asked for."""

TOLD: list[tuple[str, str, str, int | None]] = [
    ("카톡", "서울", "2022-10-19", 0),
    ("카톡", "서울", "2022-10-19", 300_000),
    ("카톡", "서울", "2022-10-20", 300_001),
    ("카톡", "부산", "2022-10-20", None),
    ("카톡", "부산", "2022-10-21", 70_000),
    ("카톡", "", "2022-10-21", 70_000),
    ("카카오 T", "서울", "2022-10-19", 2_000_000),
    ("카카오 T", "부산", "2022-10-20", 100_000),
    ("카카오 T", "부산", "2022-10-21", 500_000),
]
"""Service, region, day and loss of each claim."""


def rows(told: list[tuple[str, str, str, int | None]]) -> list[Row]:
    return [
        {"service": s, "region": r, "filed_on": d, "loss": "" if x is None else str(x)} for s, r, d, x in told
    ]


def explored(path: Path, **asked: Any) -> Exploration:  # noqa: ANN401 - whatever a question has
    return explore(read_claims(path, "kakao-2022"), None, None, None, **asked)


@pytest.fixture
def many_claims(claims_csv: ClaimsCsv) -> Path:
    """Ten claims for each, so that no region is merged with others."""
    return claims_csv(rows(10 * TOLD), name="many.csv")


# --- claims -------------------------------------------------------------------------------------------


def test_no_command_prints_the_loss_of_the_only_claimant_of_a_region(claims_csv: ClaimsCsv) -> None:
    told = [("카톡", region, "2022-10-19", 10_000) for region in 12 * ["서울"] + 15 * ["부산"] + [""]]
    path = claims_csv(rows([*told, ("카톡", "울릉", "2022-10-19", 777_777)]))
    code, out, _ = command("distribution", *KAKAO, path, "--by", "region")
    assert (code, "울릉" in out, "others" in out, "서울" in out) == (0, False, True, False)
    (summary,) = re.findall(r"^ others +(\d+) +0 +0 +0 +\d+ +([\d,]+)", out, re.MULTILINE)
    assert summary == ("13", "897,777")  # with the claims of Seoul: of 1 claim it would be the loss itself
    assert "small groups are counted together" in out
    found = explored(path, by=("region",)).tables["summary"]
    assert dict(found.select("region", "claims").rows()) == {None: 1, "": 13, "부산": 15}
    with pytest.raises(UsageError, match="counted together with other small groups"):
        explored(path, where={"region": ["울릉"]})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({"region": ["서울"]}, lambda row: row[1] == "서울"),
        ({"region": ["서울", "부산"]}, lambda row: row[1] != ""),
        ({"region": [""]}, lambda row: row[1] == ""),
        ({"service": ["kakao_t"], "region": ["부산"]}, lambda row: row[:2] == ("카카오 T", "부산")),
        ({"filed_on": ["2022-10-20"]}, lambda row: row[2] == "2022-10-20"),
        ({"filed_on": date(2022, 10, 20)}, lambda row: row[2] == "2022-10-20"),
    ],
)
def test_the_claims_asked_for_are_as_if_there_were_no_others(
    many_claims: Path,
    claims_csv: ClaimsCsv,
    where: dict[str, object],
    kept: Callable[[tuple[object, ...]], bool],
) -> None:
    found = explored(many_claims, where=where)
    alone = explored(claims_csv(rows([row for row in 10 * TOLD if kept(row)]), name="alone.csv"))
    for name in BY_GROUP:
        assert_frame_equal(found.tables[name], alone.tables[name])
    whole = explored(many_claims)
    for name in ("bunching", "heaps"):
        assert found.tables[name].equals(whole.tables[name])
    assert any(note.endswith("at band edges are counted over all claims") for note in found.notes)


def test_a_dimension_with_personal_data_is_not_shown(claims_csv: ClaimsCsv) -> None:
    file = claims_csv([{"region": "010-1234-5678"}])
    assert "bands" in explored(file).tables
    with pytest.raises(DisclosureBlocked, match="phone"):
        explored(file, by=("region",))
    with pytest.raises(DisclosureBlocked, match="phone"):
        explored(file, where={"region": ["010-1234-5678"]})


def test_an_outage_of_ones_own_has_its_own_bands_and_a_dimension_of_numbers() -> None:
    incident, policy = OWN_OUTAGE / "incident.toml", OWN_OUTAGE / "policy.toml"
    claims = read_claims(OWN_OUTAGE / "claims.csv", incident)
    found = explore(claims, None, policy, None, by=("distance",))
    bands = found.tables["bands"]
    assert set(bands["distance"]) == {"up to 4", "over 4 up to 19", "over 19"}
    assert {60, 120} == set(found.tables["bunching"]["edge"])
    assert {59, 119} < set(bands["over"]) | set(bands["up_to"])  # lower edges are closed
    with pytest.raises(UsageError, match=r"no claims are bundled for tram-2031\. Name your files"):
        explore(None, incident, policy, None)


# --- the honesty gate -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_fit_is_refused_from_synthetic_claims_and_from_synthetic_totals(tmp_path: Path) -> None:
    said = "a fit of synthetic claims would be no finding.*recovery=True"
    with pytest.raises(ModelRefused, match=said):
        explore(None, "kakao-2022", None, None, fit=True)
    totals = tmp_path / "totals-synthetic.csv"
    totals.write_text(TOTALS, "utf-8")
    with pytest.raises(ModelRefused, match=said):
        explore(None, "kakao-2022", None, totals, fit=True)


def test_claims_of_ones_own_are_fitted_without_a_flag(own_claims: Path) -> None:
    found = explored(own_claims, fit=True)
    losses = pl.read_parquet(own_claims)["loss"].drop_nulls()
    positive = losses.filter(losses > 0)
    assert not found.synthetic
    assert found.notes[0].startswith(f"fitted to {len(positive):,} losses above zero in ")
    assert re.search(r" in \d+ bands, top open", found.notes[0])
    assert set(found.tables["fits"]["family"]) | set(found.tables["refused"]["family"]) == set(FAMILIES)
    middle = found.tables["quantities"].row(by_predicate=pl.col("quantity") == "median", named=True)
    assert middle["value"] == pytest.approx(positive.median(), rel=0.1)


# --- totals ---------------------------------------------------------------------------------------------

TOTALS = """service,claimant_type,band,claims,loss
카톡,소상공인,0,5,0
카톡,소상공인,"(0, 100000]",100,4000000
카톡,소상공인,"(100000, 300000]",40,8000000
카톡,소상공인,"(300000, 500000]",20,8000000
카톡,소상공인,>500000,20,18000000
멜론,소상공인,"(0, 100000]",9,90000
멜론,일반 이용자,unknown,3,
"""


def of_totals(folder: Path, text: str = TOTALS, **asked: Any) -> Exploration:  # noqa: ANN401 - of a question
    (folder / "totals.csv").write_text(text, "utf-8")
    return explore(None, "kakao-2022", None, folder / "totals.csv", **asked)


def test_totals_without_losses_have_no_means(tmp_path: Path) -> None:
    bare = "\n".join(line.rsplit(",", 1)[0] for line in TOTALS.splitlines())
    found = of_totals(tmp_path, bare)
    assert list(found.tables) == ["bands", "summary", "quantiles"]
    assert found.tables["summary"].filter(service="kakaotalk")["mean"].to_list() == [None]
    last = found.tables["quantiles"].filter(service="kakaotalk", probability=0.95).row(0, named=True)
    assert (last["value"], last["low"], last["high"]) == (None, 500_001, None)  # the band is open


def test_totals_can_be_chosen_and_fitted(tmp_path: Path) -> None:
    families = ("exponential", "lognormal")
    found = of_totals(tmp_path, fit=True, families=families, where={"service": ["kakaotalk"]})
    assert found.notes == ("fitted to 180 losses above zero in 4 bands, top open, left ground_up",)
    distribution = found.tables["fits"].row(by_predicate=pl.col("family") == "exponential", named=True)
    best = fit_all(
        [0, 100_000, 300_000, 500_000, float("inf")], [100, 40, 20, 20], top="open", families=["exponential"]
    )
    assert distribution["median"] == pytest.approx(best["exponential"].median, rel=1e-5)
    assert set(found.tables["bands"]["service"]) == {"kakaotalk"}


def test_totals_whose_bands_overlap_are_refused_in_one_group_and_shown_in_two(tmp_path: Path) -> None:
    overlapping = (
        'service,claimant_type,band,claims\n카톡,소상공인,"(0, 300000]",100\n{},개인,"(0, 500000]",20\n'
    )
    with pytest.raises(ModelRefused, match=r"up to 300,000 and over 0 up to 500,000 overlap\. Count every"):
        of_totals(tmp_path, overlapping.format("카톡"))
    two = of_totals(tmp_path, overlapping.format("멜론"))
    assert two.tables["bands"].select("service", "up_to", "share").rows() == [
        ("kakaotalk", 300_000, 1),
        ("melon", 500_000, 1),
    ]


CLOSED = TOTALS.replace(">500000", '"(500000, 900000]"')


def test_what_lies_above_totals_that_end_must_be_stated(tmp_path: Path) -> None:
    of_closed = partial(of_totals, tmp_path, CLOSED)
    with pytest.raises(UsageError, match=r"the last band ends at 900,000.*Say top closed"):
        of_closed(fit=True)
    said = {top: of_closed(fit=True, top=top, families=("weibull",)) for top in ("closed", "open")}
    medians = {top: found.tables["fits"]["median"][0] for top, found in said.items()}
    edges, counts = [0, 100_000, 300_000, 500_000, 900_000], [109, 40, 20, 20]
    closed = fit_all(edges, counts, top="closed", families=["weibull"])
    assert medians["closed"] == pytest.approx(closed["weibull"].median, rel=1e-5)
    assert medians["closed"] != medians["open"]
    assert "top closed" in said["closed"].notes[0]
    assert "bands" in of_closed().tables  # nothing has to be said to count


def test_totals_with_a_gap_are_not_taken_for_empty_bands(tmp_path: Path) -> None:
    gap = "\n".join(line for line in TOTALS.splitlines() if "300000]" not in line)
    with pytest.raises(ModelRefused, match=r"nothing is said of losses over 100,000 up to 300,000"):
        of_totals(tmp_path, gap, fit=True)


def test_totals_that_begin_above_nothing_are_truncated_on_the_left(tmp_path: Path) -> None:
    text = "\n".join(
        line for line in TOTALS.splitlines() if ",0,5,0" not in line and "(0, 100000]" not in line
    )
    found = of_totals(tmp_path, text, fit=True, families=("exponential",))
    assert "left truncated" in found.notes[0]


# --- what fitted laws say -------------------------------------------------------------------------------


def test_a_quantity_that_is_infinite_is_null() -> None:
    heavy = fit_all([0, 1, 10, 100, float("inf")], [40, 20, 20, 20], top="open", families=["lomax"])
    assert heavy["lomax"].params["alpha"] < 1  # no mean
    mean = fit_tables(heavy)["quantities"].row(1, named=True)
    assert mean == {"quantity": "mean", "family": "lomax"} | dict.fromkeys(
        ("value", "low", "high", "average", "least", "greatest")
    )


# --- a printed table ------------------------------------------------------------------------------------

OWN = """
id = "mine"
name = {{ en = "Mine" }}
unit = "won"
edges = {edges}
counts = [30, 40, 30, 20, 5]
top = "{top}"
sources = ["a book"]
"""
OPEN = OWN.format(edges="[0, 10, 20, 50, 100, inf]", top="open")


@pytest.mark.parametrize(
    ("counts", "said"),
    [("[30, 0, 0, 0, 0]", "band"), ("[0, 0, 0, 0, 30]", "all 30 losses"), ("[0, 0, 0, 0, 0]", "loss")],
)
def test_a_table_from_which_no_distribution_follows_is_refused(
    write_document: Callable[[str], Path], counts: str, said: str
) -> None:
    with pytest.raises((ModelRefused, InputRefused, UsageError), match=said):
        load_grouped(write_document(OPEN.replace("[30, 40, 30, 20, 5]", counts))).fit()
