"""Columns of a claim that a layout derives: days and times joined from columns, and bands of numbers."""

from __future__ import annotations

from datetime import date
from math import inf
from pathlib import Path

import pytest

from outage_analysis.claims import Claims, read_claims
from outage_analysis.errors import UsageError
from outage_analysis.incidents import Incident, Layout, load_layout
from tests.claims.test_times import hours, outage

EDGES = {"zone": {"near": 10, "middle": 25.5, "far": inf}}
BANDED = Layout(columns={"zone": ("Distance",)}, edges=EDGES)
NO_BAND = "zone is a number within its edges"


def zoned(**values: object) -> Incident:
    zone = {"id": "zone", "name": {"en": "Zone"}}
    return outage("Asia/Seoul", dimension=(zone,), **values)


def write(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([f"claim_id,service,claimant_type,loss,{header}", *rows]) + "\n", "utf-8")
    return path


def distances(path: Path, texts: list[str]) -> Path:
    rows = [f'c{n},App,User,5,2022-10-15,"{text}"' for n, text in enumerate(texts, 1)]
    return write(path, "filed_on,Distance", rows)


def zones(claims: Claims) -> dict[str, str | None]:
    return dict(claims.to_polars().select("claim_id", "zone").rows())


# --- days and times joined from columns -------------------------------------------------------------------

DAY_AND_TIME = [
    "c1,App,User,5,2022-10-15,15:30",
    "c2,App,User,5,2022-10-15,",
    "c3,App,User,5,2022-10-15,15:30+02:00",
    "c4,App,User,5,2022-10-15 00:00:00,9:05:10",
    "c5,App,User,5,15/10/2022,3:30 PM",
    "c6,App,User,5,10/03/2022,23:59",
    "c7,App,User,5,15. Okt 2022,15:30 Uhr",
    "c8,App,User,5,10월 15일,오후 3:30",
    "c9,App,User,5,,15:30",
]
FORMATS = ("iso", "korean", "dmy", "mdy", "month_name", "no_year")


@pytest.mark.parametrize("column", ["filed_on", "filed_at"])
def test_a_day_and_a_time_are_joined_and_the_window_decides_the_order(tmp_path: Path, column: str) -> None:
    path = write(tmp_path / "a.csv", "date,time", DAY_AND_TIME)
    layout = Layout(computed={column: ("Date", "Time")}, formats={column: FORMATS})
    incident = outage(claims_from=date(2022, 10, 1), claims_to=date(2022, 12, 1))
    claims = read_claims(path, incident, layouts=[layout], max_rejects=1)
    found = dict(zip(claims.to_polars()["claim_id"], hours(claims), strict=True))
    assert found == {
        "c1": "2022-10-15 15:30", "c2": None, "c3": "2022-10-15 22:30", "c4": "2022-10-15 09:05",
        "c5": "2022-10-15 15:30", "c6": "2022-10-03 23:59", "c7": "2022-10-15 15:30",
        "c8": "2022-10-15 15:30",
    }  # fmt: skip
    assert claims.rejects.select("row", "rule").rows() == [(10, "filed_on is a date")]


@pytest.mark.parametrize(
    ("zone", "filed_at"),
    [
        ("Z", "2022-10-16 00:30"),
        ("UTC", "2022-10-16 00:30"),
        ("+09:00", "2022-10-15 15:30"),
        ("", "2022-10-15 15:30"),
    ],
)
def test_a_column_of_utc_offsets_is_joined_to_the_time(tmp_path: Path, zone: str, filed_at: str) -> None:
    path = write(tmp_path / "a.csv", "date,time,offset", [f"c1,App,User,5,2022-10-15,15:30,{zone}"])
    layout = Layout(computed={"filed_at": ("date", "time", "offset")})
    claims = read_claims(path, outage(), layouts=[layout])
    assert hours(claims) == [filed_at]
    assert claims.to_polars()["filed_on"].to_list() == [date.fromisoformat(filed_at[:10])]


def test_a_day_and_a_joined_time_must_be_on_the_same_day(tmp_path: Path) -> None:
    rows = [f"c{n},App,User,5,2022-10-15,15:30" for n in range(200)]
    rows += ["d1,App,User,5,2022-10-15,00:00", "d2,App,User,5,2022-10-15,23:30Z"]
    path = write(tmp_path / "a.csv", "filed_on,time", rows)
    layout = Layout(computed={"filed_at": ("filed_on", "time")})
    claims = read_claims(path, outage(), layouts=[layout], max_rejects=1)
    assert hours(claims) == ["2022-10-15 15:30"] * 200 + ["2022-10-15 00:00"]
    assert claims.rejects.select("row", "rule").rows() == [(203, "filed_on is the day of filed_at")]


# --- bands of numbers -------------------------------------------------------------------------------------


def test_a_band_includes_its_upper_edge(tmp_path: Path) -> None:
    texts = ["10", "10.0", "10.0000000000001", "25.5", "25.50", "25.51", "-3", "1e-05", "", "999999"]
    claims = read_claims(distances(tmp_path / "a.csv", texts), zoned(), layouts=[BANDED])
    assert list(zones(claims).values()) == [
        "near", "near", "middle", "middle", "middle", "far", "near", "near", None, "far",
    ]  # fmt: skip


@pytest.mark.parametrize("copies", [1, 50])
def test_a_number_above_all_edges_or_no_number_is_rejected(tmp_path: Path, copies: int) -> None:
    layout = Layout(columns={"zone": ("Distance",)}, edges={"zone": {"near": 10, "middle": 25.5}})
    texts = ["10", "25.51", " 11 ", "far", "1.250", "nan", "inf"] * copies
    claims = read_claims(distances(tmp_path / "a.csv", texts), zoned(), layouts=[layout], max_rejects=1)
    assert claims.to_polars()["zone"].to_list() == ["near", "middle"] * copies
    assert claims.rejects["rule"].to_list() == [NO_BAND] * 5 * copies
    assert claims.rejects["problem"][0] == "zone is not a number within its edges."
    assert claims.rejects["remedy"][0].startswith("Give a number up to the last edge; 1.250 may mean 1,250.")


def test_numbers_in_other_notations_and_words_for_missing_values(tmp_path: Path) -> None:
    layout = BANDED.model_copy(update={"formats": {"zone": ("european",)}, "missing": ("k.A.",)})
    texts = ["9,999", "10,5", "1.250", "1.234,5", "k.a.", "12345,67"]
    path = distances(tmp_path / "a.csv", texts)
    claims = read_claims(path, zoned(), layouts=[layout], max_rejects=1)
    assert zones(claims) == {"c1": "near", "c2": "middle", "c3": "far", "c4": "far", "c5": None, "c6": "far"}
    exact = Layout(
        columns={"zone": ("Distance",)}, edges={"zone": {"a": 12_345.67, "b": inf}}, formats=layout.formats
    )
    assert zones(
        read_claims(distances(tmp_path / "b.csv", ["12345,67", "12345,68"]), zoned(), layouts=[exact])
    ) == {"c1": "a", "c2": "b"}


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ({"near": 10, "far": 10}, "edges of zone that do not increase"),
        ({"near": 10, "far": 5}, "edges of zone that do not increase"),
        ({"near": inf, "far": inf}, "edges of zone that do not increase"),
        ({}, "edges of zone that do not increase"),
        ({"near": float("nan")}, "near"),
        ({" near": 1}, "a value of zone that is empty or has blanks"),
        ({"": 1}, "a value of zone that is empty or has blanks"),
        ({"near": "ten"}, "near"),
    ],
)
def test_bad_edges_are_refused_in_one_line(tmp_path: Path, edges: dict[str, object], message: str) -> None:
    document = tmp_path / "layout.toml"
    listed = ", ".join(f'"{k}" = {repr(v).replace(chr(39), chr(34))}' for k, v in edges.items())
    document.write_text(f"[edges]\nzone = {{ {listed} }}\n", "utf-8")
    with pytest.raises(UsageError, match=message) as refused:
        load_layout(document)
    assert "\n" not in str(refused.value)


def test_edges_of_another_column_or_with_a_scale_are_refused(tmp_path: Path) -> None:
    path = distances(tmp_path / "a.csv", ["3"])
    for column, said in (("loss", "no dimension of text"), ("zones", "Did you mean 'zone'")):
        with pytest.raises(UsageError, match=said):
            read_claims(path, zoned(), layouts=[Layout(edges={column: {"a": 1}})])
    with pytest.raises(ValueError, match="edges and a scale of zone"):
        Layout(edges={"zone": {"a": 1}}, scale={"zone": 10})
    with pytest.raises(ValueError, match="no dimension of text"):
        Incident.model_validate(zoned().model_dump(by_alias=True) | {"edges": {"loss": {"a": 1}}})


def test_the_incident_may_have_the_edges(tmp_path: Path) -> None:
    incident = zoned(columns={"zone": ("Distance",)}, edges=EDGES)
    path = distances(tmp_path / "a.csv", ["10", "11"])
    assert list(zones(read_claims(path, incident)).values()) == ["near", "middle"]
    other = Layout(edges={"zone": {"all": inf}})
    assert list(zones(read_claims(path, incident, layouts=[other])).values()) == ["all", "all"]
