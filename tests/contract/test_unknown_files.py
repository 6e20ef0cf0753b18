"""Files that nobody described: arguments say what they do not, and one line says what they lack."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

import outage_analysis as oa
from outage_analysis.errors import OutageAnalysisError
from tests.contract.command_line import answered, outage_analysis
from tests.contract.test_refusals import POLICY

HEADER = "claim_id,service,filed_on,loss (EUR)"
ROWS = [f"C{n},{('App', 'Web')[n % 2]},2026-01-{5 + n % 20:02},{10 + n}.50" for n in range(40)]
SOME_ROWS = [row.split(",") for row in ROWS[:2]]


def write(folder: Path, name: str, encoding: str, *lines: str) -> Path:
    (folder / name).write_text("\n".join((*lines, "")), encoding)
    return folder / name


def written(folder: Path, *rows: str, name: str = "list.csv") -> Path:
    """A file of these rows."""
    return write(folder, name, "utf-8", *rows)


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
    with pytest.raises(oa.errors.InputRefused, match="a column of the file and a constant stand for service"):
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


# --- files as other companies write them ------------------------------------------------------------------

ANY: Any = oa
"""The package without types, for arguments of a wrong type."""
TIERS = {100: 20, 500: 50, None: 90}
"""What a loss of up to 100, of up to 500 and any larger one is paid; a loss of 0 is paid nothing."""
HEAD = "Vorgang;Kunde;Eingang;Produkt;Schadenshöhe (€)"
POWER = (
    "ST-1;K1;13.02.2026;Strom;1.234,56",
    "ST-2;K2;14.02.2026;Wärme;k. A.",
    "ST-3;K3;14.02.2026;Strom;99,90",
    "ST-4;K1;15.02.2026;Wärme;500,00",
)


POWER_COMPANY = ("stoerung.csv", "cp1252", HEAD, *POWER)
DOLLARS = (
    *("us.csv", "utf-8", "Case Number,Customer ID,Date Submitted,Product,Amount Claimed"),
    *('1,C1,01/19/2026,TV,"$1,234.50"', "2,C2,01/20/2026,TV,N/A", "3,C3,01/21/2026,Phone,$100.00"),
)
YEN = (
    *("japan.csv", "cp932"),
    "受付番号,お客様番号,受付日,サービス,被害額（円）",  # noqa: RUF001 - as Japanese programs write
    'Ａ1,K1,2026年3月9日,光回線,"１，０００"',  # noqa: RUF001
    "Ａ2,K2,2026年3月11日,固定電話,80円",  # noqa: RUF001
    "Ａ3,K3,2026年3月12日,光回線,",  # noqa: RUF001
)
KEYS = '{{"ticket_id": "{}", "created_at": "{}", "service": "{}", "claimed_amount": {}, "currency": "USD"}}'
JSON_LINES = (
    *("tickets.jsonl", "utf-8"),
    KEYS.format("T1", "2026-04-02T08:38:00Z", "api", 35.37),
    KEYS.format("T2", "2026-04-06T04:31:00Z", "db", 600),
)
OFFSETS = (
    *("tz.csv", "utf-8-sig", "id;zeitstempel;dienst;betrag_eur"),
    *("1;2026-05-02T22:30:00Z;Mobil;28,17", "2;2026-05-03T00:30:00+0200;Mobil;152,16"),
)


def workbook(folder: Path) -> Path:
    with xlsxwriter.Workbook(folder / "claims.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 0, 3, "Outage compensation claims (GBP)")
        sheet.write_row(2, 0, ("Ref", "Product", "Received", "Loss (£)"))
        sheet.write_row(3, 0, ("R1", "TV", "2026-01-06", 100.01))
        sheet.write_row(4, 0, ("R2", "Mobile", "2026-01-07", 0))
    return folder / "claims.xlsx"


@pytest.mark.parametrize(
    ("file", "stated", "paid"),
    [
        (POWER_COMPANY, {"missing": ["k. A."]}, 90 + 20 + 50),
        (DOLLARS, {"missing": ["N/A"], "currency": "USD"}, 90 + 20),
        (YEN, {}, 90 + 20),
        (JSON_LINES, {}, 20 + 90),
        ((), {}, 50),
        (OFFSETS, {}, 20 + 50),
    ],
)
def test_a_file_gives_the_cost_that_its_rows_add_up_to(
    tmp_path: Path, file: tuple[str, ...], stated: dict[str, Any], paid: int
) -> None:
    path = write(tmp_path, *file) if file else workbook(tmp_path)
    found = oa.run(path, tiers=TIERS, unknown=0, rows="accepted", **stated)
    assert found.expected == found.quantile(0.99) == paid


def test_a_file_whose_currency_is_stated_is_inspected_and_read_by_the_layout(tmp_path: Path) -> None:
    path, layout = write(tmp_path, *DOLLARS), tmp_path / "layout.toml"
    code, out, err = outage_analysis("inspect", path, "--currency", "USD", "--toml")
    assert code == 0, err
    layout.write_text(out, "utf-8")
    code, out, err = outage_analysis("ingest", path, "--currency", "USD", "--columns", layout)
    assert "3 rows = 3 claims + 0 rejects" in out, err
    assert "1,334.50" in out  # the sum of the losses


@pytest.mark.parametrize(
    ("ask", "remedy"),
    [
        (lambda rows: oa.run(rows.drop("id"), tiers=TIERS, currency="EUR"), 'computed={"claim_id": "row"}'),
        (lambda rows: oa.run(rows, tiers=TIERS, currency="Euro"), "Write EUR."),
        (lambda rows: oa.run(rows, tiers=TIERS, currency="EUR"), 'missing=["nan"]'),
        (lambda rows: ANY.compare("a", "b", claims=rows), "claims=read_claims("),
    ],
)
def test_a_refused_frame_names_a_remedy_in_python(ask: Callable[[pl.DataFrame], object], remedy: str) -> None:
    rows = pl.DataFrame(
        {"id": [1, 2], "service": "App", "filed_on": "2026-03-02", "loss": [5.0, float("nan")]}
    )
    with pytest.raises(OutageAnalysisError) as refusal:
        ask(rows)
    assert remedy in str(refusal.value)


def test_the_remedies_work() -> None:
    rows = pl.DataFrame({"service": ["App"] * 2, "filed_on": "2026-03-02", "loss": [5.0, float("nan")]})
    stated: dict[str, Any] = {"currency": "EUR", "computed": {"claim_id": "row"}, "missing": ["nan"]}
    assert oa.run(rows, tiers=TIERS, unknown=7, rows="accepted", **stated).expected == 20 + 7


# --- amounts, units in headers, days and times as people write them: notations.csv, row by row ------------

with (Path(__file__).parent / "notations.csv").open(encoding="utf-8", newline="") as _file:
    NOTATIONS = [*csv.DictReader(_file)]


def read_as(path: Path, column: str, header: str, cell: str, currency: str) -> str:
    """What a cell below a header is read as: a value with its unit, not stated, rejected or refused."""
    is_day = column == "day"  # "named": the caller says which column has the losses
    heads = ("filed_on", "loss (KRW)") if is_day else ("filed_on", header)
    cells = [(cell, "5"), ("2026-03-20", "5")] if is_day else [("2026-03-02", cell), ("2026-03-02", "450")]
    with path.open("w", encoding="utf-8", newline="") as file:
        named = [("claim_id", "service", *heads), *((str(n), "App", *row) for n, row in enumerate(cells))]
        csv.writer(file).writerows(named)
    try:
        named_column = {"loss": header} if column == "named" else {}
        claims = oa.read_claims(path, max_rejects=1, currency=currency, columns=named_column)
    except Exception as refusal:
        if type(refusal).__name__ in ("InputRefused", "UsageError"):
            return "refused"
        raise
    found = claims.to_polars().filter(claim_id="0")
    if found.is_empty():
        return "rejected"
    if not is_day:
        loss = found["loss"][0]
        return f"{'not stated' if loss is None else f'{loss:.15g}'} {claims.incident.loss.unit}"
    hours = claims.by("filed_hour")["filed_hour"].drop_nulls().to_list() if claims.has_times else []
    return " hour ".join([str(found["filed_on"][0]), *(f"{hour:%H}" for hour in hours)])


@pytest.mark.slow
@pytest.mark.parametrize("row", NOTATIONS, ids=lambda row: f"{row['header']} {row['cell']}")
def test_a_notation_is_read_as_it_is_meant_or_not_at_all(tmp_path: Path, row: dict[str, str]) -> None:
    found = read_as(tmp_path / "list.csv", row["column"], row["header"], row["cell"], row["currency"])
    assert found == row["read_as"]
