"""Columns of a claim that a layout derives: days and times joined from columns."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from outage_analysis.claims import read_claims
from outage_analysis.incidents import Layout
from tests.claims.test_times import hours, outage


def write(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([f"claim_id,service,claimant_type,loss,{header}", *rows]) + "\n", "utf-8")
    return path


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
