"""Rows that stand for several claims: read as if somebody had written each row so often; and durations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.claims import incident_from_files, read_claims
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.incidents import Layout
from tests.claims.complaint_files import write_frame

ROWS: list[tuple[str | None, ...]] = [
    # trip, line, date, delay, passengers
    ("T1", "North", "2026-01-15", "35", "3"),
    ("T2", "North", "2026-01-15", "70", "1"),
    ("T3", "South", "2026-01-16", None, "4"),
    ("T4", "South", "2026-01-16", "130", "200"),
    ("T5", "South", "2026-01-17", "130", " 12 "),  # a blank: not on the fast path
    ("T6", "North", "2026-01-17", "95", "7"),
    ("T7", "North", "2026-01-17", "-20", "5"),  # a reject of five claims
]
HEADER = ("trip", "line", "date", "delay", "passengers")
ABOUT: dict[str, Any] = {
    "columns": {"claim_id": "trip", "service": "line", "filed_on": "date", "loss": "delay"},
    "loss_unit": "minutes",
    "currency": "EUR",
    "max_rejects": 0.05,
}
COUNTED: dict[str, Any] = ABOUT | {"count": "passengers"}


def written(path: Path, rows: list[tuple[str | None, ...]]) -> Path:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(HEADER, pl.String), orient="row")
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".parquet":
        frame = frame.with_columns(pl.col("passengers").str.strip_chars().cast(pl.Int64))
    return write_frame(path, frame)


def repeated_by_hand() -> list[tuple[str | None, ...]]:
    return [
        (f"{trip}#{copy}", *rest, count)
        for trip, *rest, count in ROWS
        for copy in range(1, int(str(count)) + 1)
    ]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".xlsx"])
def test_claims_cube_and_rejects_are_those_of_repeated_rows(tmp_path: Path, suffix: str) -> None:
    counted = read_claims(written(tmp_path / "a" / f"delays{suffix}", ROWS), **COUNTED)
    by_hand = read_claims(written(tmp_path / "b" / f"delays{suffix}", repeated_by_hand()), **ABOUT)
    assert len(counted) == len(by_hand) == 3 + 1 + 4 + 200 + 12 + 7
    assert counted.files.rows() == by_hand.files.rows() == [(f"delays{suffix}", 232, 227, 5)]
    for claims in (counted, by_hand):
        assert claims.files.filter(pl.col("rows") != pl.col("claims") + pl.col("rejects")).is_empty()
    left_out = ("source_row",)
    assert (
        counted.to_polars().drop(left_out).sort("claim_id").rows()
        == by_hand.to_polars().drop(left_out).sort("claim_id").rows()
    )
    for dimensions in (["service"], ["service", "claimant_type", "filed_on"]):
        cubes = [oa.build_cube(claims, dimensions=dimensions).frame for claims in (counted, by_hand)]
        assert cubes[0].rows() == cubes[1].rows()
    assert counted.rejects.drop("row").rows() == by_hand.rejects.drop("row").rows()
    assert counted.control_totals.rows() == by_hand.control_totals.rows()
    for query in counted.queries()["query"]:
        assert counted.query(query).rows() == by_hand.query(query).rows(), query


@pytest.mark.parametrize("count", ["", "0", "-1", "1.5", "many", "1000001"])
def test_a_row_without_a_count_is_a_reject(tmp_path: Path, count: str) -> None:
    path = written(tmp_path / "delays.csv", [*ROWS[:6], ("T9", "North", "2026-01-17", "5", count)])
    claims = read_claims(path, **COUNTED)
    assert claims.rejects.select("row", "rule").rows() == [
        (8, "count is a whole number of claims, at least 1")
    ]
    assert claims.files.rows() == [("delays.csv", 228, 227, 1)]


def test_a_column_called_count_is_not_read_unless_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "complaints.csv"
    path.write_text("claim_id,service,filed_on,loss,count\n1,App,2026-01-15,5,9\n", "utf-8")
    assert len(read_claims(path, currency="EUR")) == 1
    assert len(read_claims(path, currency="EUR", columns={"count": "count"})) == 9


def test_a_claimant_of_several_claims_and_a_missing_column_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "complaints.csv"
    path.write_text("claim_id,claimant_id,service,filed_on,loss,n\n1,c1,App,2026-01-15,5,9\n", "utf-8")
    with pytest.raises(InputRefused, match="names one claimant for each row and says how many claims"):
        read_claims(path, currency="EUR", columns={"count": "n"})
    with pytest.raises(UsageError, match="no file has this column"):
        read_claims(path, currency="EUR", columns={"count": "passengers"})


DURATIONS = """trip;line;date;due;arrived
T1;North;15.01.2026;15.01.2026 10:00;15.01.2026 10:35
T2;North;15.01.2026;15.01.2026 23:50;16.01.2026 01:00
T3;South;16.01.2026;;
T4;South;29.03.2026;29.03.2026 01:00;29.03.2026 04:00
T5;South;16.01.2026;16.01.2026 08:00;
T6;South;16.01.2026;16.01.2026 08:00;16.01.2026 07:55
T7;South;16.01.2026;16.01.2026 08:00:00;16.01.2026 08:00:30
"""


def test_a_loss_is_the_time_between_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "delays.csv"
    path.write_text(DURATIONS, "utf-8")
    facts: dict[str, Any] = {
        "columns": {"claim_id": "trip", "service": "line"},
        "loss_unit": "minutes",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
    }
    claims = read_claims(path, computed={"loss": ["due", "arrived"]}, max_rejects=0.5, **facts)
    # The clocks are set forward on 29 March: from one o'clock to four o'clock are two hours.
    assert claims.to_polars()["loss"].to_list() == [35, 70, None, 120]
    assert claims.rejects["row"].to_list() == [6, 7, 8]  # no end; before the start; half a minute
    layout = Layout(computed={"loss": ("due", "arrived")})
    assert incident_from_files(path, layouts=[layout], **facts) == claims.incident
    seconds = read_claims(
        path, computed={"loss": ["due", "arrived"]}, max_rejects=0.5, **facts | {"loss_unit": "seconds"}
    )
    assert seconds.to_polars()["loss"].to_list() == [2100, 4200, None, 7200, 30]
