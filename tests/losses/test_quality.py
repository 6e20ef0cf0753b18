"""What complaint files were like: rules by file, round sums, claimants who filed again, days."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from outage_analysis.claims import Claims, read_claims
from outage_analysis.claims.cell_values import UNREADABLE
from outage_analysis.claims.claims_and_rejects import MAX_VALUE_LENGTH
from outage_analysis.incidents import Incident
from outage_analysis.losses import ClaimsQuality, bunching_table, quality_table, rule_table
from outage_analysis.losses.data_quality import MAX_EXPLAINED_REJECTS
from tests.conftest import ClaimsCsv

NO_NUMBER = "loss is an amount that can be read, below 10^15"
AFTER = "2022-11-07"  # the day after the window


def read(paths: Path | list[Path], incident: Incident) -> Claims:
    return read_claims(paths, incident, max_rejects=1)


# --- rules broken ---------------------------------------------------------------------------------------


def test_rejects_are_counted_by_file_and_rule_with_the_first_as_an_example(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    paths = [
        claims_csv([{}, {"loss": "x"}, {"loss": "-1"}, {"loss": "y", "service": "카카오톸"}], name="z.csv"),
        claims_csv([{"claim_id": "z1", "loss": "w"}, {"claim_id": "z2"}], name="a.csv"),
    ]
    assert rule_table(read(paths, incident)).rows() == [
        ("a.csv", NO_NUMBER, 1, 2, "w"),
        ("z.csv", NO_NUMBER, 2, 3, "x"),
        ("z.csv", "loss is not negative", 1, 4, "-1"),
        ("z.csv", "service is known", 1, 5, "카카오톸"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "text", "example"),
    [
        ("loss", "x", "x"),
        ("loss", "1.5.5", "1.5.5"),
        ("loss", "=1+1", "=1+1"),
        ("loss", "30만원 정도", "30만원 정도"),
        ("loss", "+" * MAX_VALUE_LENGTH, "+" * MAX_VALUE_LENGTH),
        ("loss", "+" * (MAX_VALUE_LENGTH + 1), "(25 characters)"),
        ("loss", "010-1234-5678", "***-****-****"),
        ("loss", "900101-1234567", "******-*******"),
        ("loss", "kim@example.com", "(15 characters)"),
        ("loss", "김민수", "(3 characters)"),
        ("filed_on", "13.45.", "13.45."),
        ("filed_on", "010-1234-5678", "***-****-****"),
        ("filed_on", "김민수가 전화로 말하기를 가게 문을 닫았다고 합니다", "(28 characters)"),
        ("service", "카카오톸", "카카오톸"),  # near an alias, so it is no name
        ("service", "<카카오톡>", "<카카오톡>"),
        ("service", "홍길동", "(3 characters)"),
        ("service", "010-1234-5678", "(13 characters)"),
        ("claimant_type", "소상공잉", "소상공잉"),
        ("claimant_type", "kim@example.com", "(15 characters)"),
    ],
)
def test_an_example_is_masked_and_neither_a_name_nor_a_sentence(
    claims_csv: ClaimsCsv, incident: Incident, column: str, text: str, example: str
) -> None:
    claims = read(claims_csv([{}, {column: text}]), incident)
    assert rule_table(claims)["example"].to_list() == [example]
    (line,) = ClaimsQuality(claims).to_dict()["first_rejects"]
    assert f"(found '{example}')" in line
    if text != example:
        assert text not in json.dumps(ClaimsQuality(claims).to_dict(), ensure_ascii=False, default=str)


def test_an_unreadable_record_shows_its_trouble_and_not_its_text(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    path = claims_csv([{}])
    path.write_text(path.read_text("utf-8") + "김민수,010-1234-5678\n", "utf-8")
    claims = read(path, incident)
    assert rule_table(claims).rows() == [("claims.csv", UNREADABLE, 1, 3, "2 fields instead of 8")]
    assert "김민수" not in json.dumps(ClaimsQuality(claims).to_dict(), ensure_ascii=False, default=str)
    assert claims.rejected_rows["raw"].to_list() == ["김민수,010-1234-5678"]  # it stays in the warehouse


def test_the_first_rejects_are_reported_and_the_others_counted(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    claims = read(claims_csv([{}, *[{"loss": f"x{n}"} for n in range(MAX_EXPLAINED_REJECTS + 3)]]), incident)
    told = ClaimsQuality(claims).to_dict()
    assert (told["rows"], told["claims"], told["rejects"]) == (
        MAX_EXPLAINED_REJECTS + 4,
        1,
        MAX_EXPLAINED_REJECTS + 3,
    )
    assert [line.split(",")[1] for line in told["first_rejects"]] == [
        f" row {n}" for n in range(3, MAX_EXPLAINED_REJECTS + 3)
    ]


# --- files and days -------------------------------------------------------------------------------------


def test_each_file_has_its_shape_its_account_and_its_days(claims_csv: ClaimsCsv, incident: Incident) -> None:
    paths = [
        claims_csv([{"filed_on": day} for day in ("2022-10-20", "2022-10-16", AFTER)], name="z.csv"),
        claims_csv([{"claim_id": "n", "filed_on": "2022-10-30"}], name="a.csv", delimiter=";"),
        claims_csv([{"claim_id": "m", "loss": "x"}], name="m.csv"),
    ]
    assert quality_table(read(paths, incident)).rows() == [
        (
            "z.csv",
            "utf-8",
            "delimiter ',', quote \", header in row 1",
            3,
            2,
            1,
            *days("2022-10-16", "2022-10-20"),
        ),
        (
            "a.csv",
            "utf-8",
            "delimiter ';', quote \", header in row 1",
            1,
            1,
            0,
            *days("2022-10-30", "2022-10-30"),
        ),
        ("m.csv", "utf-8", "delimiter ',', quote \", header in row 1", 1, 0, 1, None, None),
    ]


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


def claims_with_losses(claims_csv: ClaimsCsv, incident: Incident, losses: Iterable[object]) -> Claims:
    return read_claims(claims_csv([{"loss": str(x)} for x in losses]), incident)


# --- edges of a policy ----------------------------------------------------------------------------------

EDGE_COLUMNS = [
    "edge", "losses", "below", "at_edge", "above", "ratio", "alike", "excess", "up_to_share", "under_share",
]  # fmt: skip


def test_claims_at_and_beside_an_edge_are_counted_by_hand(claims_csv: ClaimsCsv, incident: Incident) -> None:
    losses = ["", 0, 50, 90, 91, 99, 100, 100, 100, 101, 110, 500]
    table = bunching_table(claims_with_losses(claims_csv, incident, losses), [200, 100, 100])
    assert table.columns == EDGE_COLUMNS
    assert table.rows() == [
        (100, 10, 2, 3, 1, 2.0, 0.5, 2.5, 0.7, 0.4),  # 50 and 200 are as round
        (200, 10, 0, 0, 0, None, 1.5, -1.5, 0.9, 0.9),  # 100 and 300 are
    ]
    assert table.schema["edge"] == pl.Int64
    assert bunching_table(claims_with_losses(claims_csv, incident, [2]), [1])["alike"].to_list() == [None]


@pytest.mark.parametrize(
    ("edge", "sums"),
    [(300_000, [200_000, 400_000]), (100_000, [50_000, 200_000]), (250_000, [240_000, 260_000])],
)
def test_an_edge_is_held_against_sums_as_round(
    claims_csv: ClaimsCsv, incident: Incident, edge: int, sums: list[int]
) -> None:
    losses = [edge] * 5 + sums + [edge - 1, edge + 1]
    (row,) = bunching_table(claims_with_losses(claims_csv, incident, losses), [edge]).rows(named=True)
    assert (row["alike"], row["excess"]) == (1, 4)


def test_without_an_edge_or_a_loss_there_is_no_row(claims_csv: ClaimsCsv, incident: Incident) -> None:
    assert bunching_table(claims_with_losses(claims_csv, incident, [5]), []).columns == EDGE_COLUMNS
    assert bunching_table(claims_with_losses(claims_csv, incident, [5]), []).is_empty()
    assert bunching_table(claims_with_losses(claims_csv, incident, ["", 0]), [100]).is_empty()


def test_an_edge_too_small_for_neighbours_says_nothing_of_them(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    (row,) = bunching_table(claims_with_losses(claims_csv, incident, [9, 10, 11]), [10]).rows(named=True)
    assert (row["below"], row["at_edge"], row["above"], row["ratio"]) == (0, 1, 0, None)
