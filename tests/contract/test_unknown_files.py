"""Files that nobody described: arguments say what they do not, and one line says what they lack."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import outage_analysis as oa
from tests.contract.command_line import answered, outage_analysis
from tests.contract.test_refusals import POLICY

HEADER = "claim_id,service,filed_on,loss (EUR)"
ROWS = [f"C{n},{('App', 'Web')[n % 2]},2026-01-{5 + n % 20:02},{10 + n}.50" for n in range(40)]
SOME_ROWS = [row.split(",") for row in ROWS[:2]]


def written(folder: Path, *rows: str, name: str = "list.csv") -> Path:
    """A file of these rows."""
    path = folder / name
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


# --- rows and headers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("surplus", [",extra", ",service,loss,filed_on", ",claim id, the loss, service"])
def test_a_complaint_with_too_many_cells_costs_itself(tmp_path: Path, surplus: str) -> None:
    claims = oa.read_claims(written(tmp_path, HEADER, *ROWS[:9], ROWS[9] + surplus, *ROWS[10:]))
    assert claims.files.select("rows", "claims", "rejects").row(0) == (40, 39, 1)
    assert claims.rejects["row"].to_list() == [11]


def test_a_file_delimited_by_blanks_is_read_and_a_value_with_a_blank_costs_its_row(tmp_path: Path) -> None:
    rows = [row.replace(",", " ") for row in ("claim_id,service,filed_on,loss(EUR)", *ROWS)]
    rows[9] += " filed_on service loss"
    claims = oa.read_claims(written(tmp_path, *rows, name="list.txt"), currency="EUR")
    assert claims.files.select("rows", "claims", "rejects").row(0) == (40, 39, 1)


def test_columns_aligned_with_blanks_are_refused_because_an_empty_cell_would_move_the_others(
    tmp_path: Path,
) -> None:
    rows = ["  ".join(f"{cell:12}" for cell in row.split(",")) for row in (HEADER, *ROWS)]
    done = outage_analysis("ingest", written(tmp_path, *rows, name="list.txt"), "--currency", "EUR")
    assert done.code == 3
    assert done.err.startswith(
        "error: list.txt, row 1: separates its columns by several blanks. Save it as CSV"
    )


def test_a_file_without_a_header_gets_a_remedy_that_works(tmp_path: Path) -> None:
    wrong: dict[str, Any] = {"currency": "EUR", "columns": {"loss": "10.50"}}
    for arguments in ({}, wrong):
        with pytest.raises(
            oa.errors.InputRefused, match=r"row 1: has a complaint in place .* Write the names"
        ):
            oa.read_claims(written(tmp_path, *ROWS), **arguments)
    claims = oa.read_claims(written(tmp_path, "claim_id,service,filed_on,loss", *ROWS), currency="EUR")
    assert (len(claims), len(claims.rejects)) == (40, 0)
    layout = tmp_path / "layout.toml"
    layout.write_text(
        'header_row = 0\n[columns]\nclaim_id = ["1"]\nservice = ["2"]\nfiled_on = ["3"]\nloss = ["4"]\n'
    )
    claims = oa.read_claims(written(tmp_path, *ROWS), currency="EUR", layouts=[oa.load_layout(layout)])
    assert (len(claims), len(claims.rejects), claims.to_polars()["loss"].sum()) == (40, 0, 1_200)


# --- what a layout says, as arguments -----------------------------------------------------------------------

ARGUMENTS: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "formats": (
        HEADER,
        ["1,App,02/01/2026,5", "2,Web,2026-01-16,5"],
        {"formats": {"filed_on": ["dmy", "iso"]}},
    ),
    "missing": (HEADER, ["1,App,2026-01-02,kA", "2,Web,2026-01-16,5"], {"missing": ["kA"]}),
    "constants": (HEADER, [",".join(row) for row in SOME_ROWS], {"constants": {"claimant_type": "Business"}}),
    "no-loss": (
        "claim_id,service,filed_on",
        ["1,App,2026-01-02", "2,Web,2026-01-16"],
        {"loss": None, "currency": "EUR"},
    ),
    "no-service": (
        "claim_id,filed_on,loss (EUR)",
        ["1,2026-01-02,5", "2,2026-01-16,6"],
        {"service": "Internet"},
    ),
    "no-day": (
        "claim_id,service,loss (EUR)",
        ["1,App,5", "2,Web,6"],
        {"constants": {"filed_on": "2026-01-15"}},
    ),
}
STATED = {
    "formats": ("filed_on", [date(2026, 1, 2), date(2026, 1, 16)]),
    "missing": ("loss", [None, 5]),
    "constants": ("claimant_type", ["business", "business"]),
    "no-loss": ("loss", [None, None]),
    "no-service": ("service", ["internet", "internet"]),
    "no-day": ("filed_on", [date(2026, 1, 15)] * 2),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_what_a_layout_says_is_an_argument(tmp_path: Path, name: str) -> None:
    header, rows, arguments = ARGUMENTS[name]
    path = written(tmp_path, header, *rows)
    claims = oa.read_claims(path, **arguments)
    column, values = STATED[name]
    assert claims.to_polars()[column].to_list() == values
    assert claims.rejects.is_empty()
    result = oa.run(path, tiers={100: 10}, unknown=10, effort="automatic", **arguments)
    assert result.expected == 20


def test_a_row_may_stand_for_several_claims(tmp_path: Path) -> None:
    numbers = ("passengers", "3", "200", "1", "2.5", "-1")
    path = written(tmp_path, *(f"{row},{n}" for row, n in zip([HEADER, *ROWS], numbers, strict=False)))
    claims = oa.read_claims(path, count="passengers", max_rejects=0.5)
    assert (len(claims), claims.rejects["row"].to_list()) == (3 + 200 + 1, [5, 6])
    run = oa.run(path, count="passengers", max_rejects=0.5, tiers={100: 10}, effort="automatic", draws=8192)
    assert run.expected == 10 * len(claims)
    command = ("ingest", path, "--max-rejects", "50%", "--column")
    done = answered(*command, "count=passengers")
    assert done.out.startswith("206 rows = 204 claims + 2 rejects\n")


@pytest.mark.parametrize("column", ["claim_id", "service", "filed_on", "loss", "count"])
def test_a_named_header_that_no_file_has_is_refused(tmp_path: Path, column: str) -> None:
    path = written(tmp_path, HEADER, *ROWS)
    with pytest.raises(oa.errors.UsageError, match=r"no file has this column \(found 'servise'\)"):
        oa.read_claims(path, columns={column: "servise"})
    done = outage_analysis("ingest", path, "--column", f"{column}=servise")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "Did you mean 'service'?" in done.err
    with pytest.raises(oa.errors.UsageError, match="no file has this column"):
        oa.read_claims(path, count="persons")


def test_arguments_about_files_need_files(tmp_path: Path) -> None:
    with pytest.raises(oa.errors.UsageError, match=r"state this already \(found 'currency'\)"):
        oa.run(oa.load_sample("trams"), currency="EUR", tiers={1: 1})
    with pytest.raises(oa.errors.InputRefused, match="has a column for service"):
        oa.read_claims(written(tmp_path, HEADER, *ROWS), service="Internet")
    named = written(tmp_path, HEADER.replace("service", "Product name"), *ROWS)
    assert oa.run(named, tiers={100: 10}, columns={"service": "Product name"}).claims is not None


# --- the command line ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["ingest", "cube", "distribution"])
def test_a_header_without_rows_says_so(tmp_path: Path, command: str) -> None:
    done = outage_analysis(command, written(tmp_path, HEADER))
    assert (done.code, done.err) == (3, "error: list.csv: has a header and no rows\n")


# --- many rows ----------------------------------------------------------------------------------------------


def test_a_file_of_many_rows_is_understood_from_some_of_them_and_read_whole(tmp_path: Path) -> None:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    rows = [
        f"{10**9 + n},{('App', 'Web')[n % 2]},{start + timedelta(minutes=n):%d.%m.%Y %H:%M},{n % 300}.25,{n}"
        for n in range(9_000)
    ]
    rows[8_999] = rows[8_999].replace(",Web,", ",Rare,")
    claims = oa.read_claims(written(tmp_path, "Ticket No,service,registered at,loss (EUR),order", *rows))
    assert (len(claims), len(claims.rejects)) == (9_000, 0)
    assert [service.id for service in claims.incident.services] == ["app", "web", "rare"]
    assert claims.to_polars()["loss"].sum() == 30 * sum(n + 0.25 for n in range(300))
    assert claims.incident.claims_to == date(2026, 1, 11)


def test_a_policy_of_ones_own_is_applied_to_the_outage_that_the_files_describe(tmp_path: Path) -> None:
    """Forty claims; one policy pays 300 cents for each, the other one pays 400."""
    files, paths = written(tmp_path, HEADER, *ROWS), [tmp_path / "three.toml", tmp_path / "four.toml"]
    for path, amount in zip(paths, (300, 400), strict=True):
        own = POLICY.replace("KRW", "EUR").replace('"form"', '"automatic"').replace("30_000", str(amount))
        path.write_text(own.replace("reading-policy", path.stem), "utf-8")
    cost = outage_analysis("cost", files, "--policy", paths[0], "--json")
    compared = outage_analysis("compare", *paths, "--claims", files, "--json")
    assert (cost.code, compared.code) == (0, 0), cost.err + compared.err
    assert 40 * 3 in [row["expected"] for row in json.loads(cost.out)["totals"]]
    assert [row["expected"] for row in json.loads(compared.out)["policies"]] == [40 * 3, 40 * 4]
    alone = outage_analysis("cost", files, "--policy", "kakao-2022")
    assert (alone.code, "claimant_type" in alone.err) == (3, True)  # a bundled policy has its own outage
