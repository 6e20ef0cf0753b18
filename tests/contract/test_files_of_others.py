"""Files as other companies write them: from the file to a cost that was added up by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

import outage_analysis as oa
from outage_analysis.errors import OutageAnalysisError
from tests.commands import command

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


def write(folder: Path, name: str, encoding: str, *lines: str) -> Path:
    (folder / name).write_text("\n".join((*lines, "")), encoding)
    return folder / name


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
    code, out, err = command("inspect", path, "--currency", "USD", "--toml")
    assert code == 0, err
    layout.write_text(out, "utf-8")
    code, out, err = command("ingest", path, "--currency", "USD", "--columns", layout)
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
