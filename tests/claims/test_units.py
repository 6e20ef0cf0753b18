"""Currency, scale and unit of losses: understood or refused, and shown with totals for each file."""

from __future__ import annotations

from pathlib import Path
from statistics import median_low

import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.claims import Claims, read_claims
from outage_analysis.errors import InputRefused, UsageError
from tests.claims.complaint_files import write_frame
from tests.contract.command_line import outage_analysis

pytestmark = pytest.mark.slow  # many files; the contract suite reads some units in the quick run


def written(folder: Path, header: str, *losses: object, name: str = "complaints.csv") -> Path:
    rows = [f'{at},Taxi,2026-03-0{at},"{loss}"' for at, loss in enumerate(losses, start=1)]
    path = folder / name
    path.write_text("\n".join([f'claim_id,service,filed_on,"{header}"', *rows, ""]), "utf-8")
    return path


def losses(claims: Claims) -> list[int]:
    return claims.warehouse.frame("select loss from exact_claims order by source_row")["loss"].to_list()


def test_other_text_in_brackets_refuses_the_file_until_the_scale_is_stated(tmp_path: Path) -> None:
    header = "loss (per flight)"
    path = written(tmp_path, header, 30)
    with pytest.raises(InputRefused) as refused:
        read_claims(path, currency="KRW", columns={"loss": header})
    text = str(refused.value)
    assert all(said in text for said in (path.name, header, "scale=1", "[scale] of a layout"))
    claims = read_claims(path, currency="KRW", columns={"loss": header}, scale=1_000)
    assert losses(claims) == [30_000]


def test_the_stated_scale_replaces_that_of_the_header(tmp_path: Path) -> None:
    path = written(tmp_path, "loss (thousand KRW)", 30, "0.5")
    assert losses(read_claims(path)) == [30_000, 500]
    assert losses(read_claims(path, scale=1_000_000)) == [30_000_000, 500_000]
    assert losses(read_claims(path, scale=2)) == [60, 1]
    with pytest.raises(UsageError):
        read_claims(path, scale=0)


def test_minutes_are_no_money(tmp_path: Path) -> None:
    path, columns = written(tmp_path, "loss (minutes)", 75), {"loss": "loss (minutes)"}
    with pytest.raises(InputRefused, match='loss_unit="minutes"'):
        read_claims(path, currency="EUR", columns=columns)
    assert losses(read_claims(path, currency="EUR", loss_unit="minutes", columns=columns)) == [75]
    with pytest.raises(InputRefused, match="says minutes in its header, but losses are in hours"):
        read_claims(path, currency="EUR", loss_unit="hours", columns=columns)
    with pytest.raises(InputRefused, match="says EUR in its header, but losses are in minutes"):
        read_claims(written(tmp_path, "loss (EUR)", 75), currency="EUR", loss_unit="minutes")


@pytest.mark.parametrize("header", ["loss (KRW)", "loss_krw", "loss (천원)", "loss (thousand won)"])
def test_a_header_and_the_stated_currency_must_agree(tmp_path: Path, header: str) -> None:
    path = written(tmp_path, header, 30)
    with pytest.raises(InputRefused, match="says KRW in its header, but the currency is EUR") as refused:
        read_claims(path, currency="EUR", columns={"loss": header})
    assert refused.value.column == header
    run = outage_analysis(
        "cost", str(path), "--tiers", "1:1", "--currency", "EUR", "--column", f"loss={header}"
    )
    assert run.code == InputRefused.exit_code
    assert "--currency KRW" in run.err


def with_currencies(folder: Path, header: str, codes: list[str]) -> Path:
    rows = [f"{at},Taxi,2026-03-02,{100 * at},{code}" for at, code in enumerate(codes, start=1)]
    path = folder / "complaints.csv"
    path.write_text("\n".join([f"claim_id,service,filed_on,loss,{header}", *rows, ""]), "utf-8")
    return path


@pytest.mark.parametrize("header", ["currency", "Currency Code", "통화", "Währung"])
def test_rows_in_several_currencies_are_refused_with_their_numbers(tmp_path: Path, header: str) -> None:
    path = with_currencies(tmp_path, header, ["USD", "EUR", "usd", ""])
    for further in ({}, {"currency": "USD"}, {"currency": "EUR", "scale": 1_000}):
        with pytest.raises(InputRefused, match="several currencies: USD in 2, EUR in 1") as refused:
            read_claims(path, **further)
        assert (refused.value.column, refused.value.file) == (header, path.name)
        assert "convert" in refused.value.remedy


def test_one_currency_in_a_column_is_that_of_the_losses(tmp_path: Path) -> None:
    path = with_currencies(tmp_path, "currency", ["eur", "€", "n/a", ""])
    assert read_claims(path).incident.currency == "EUR"
    delays = read_claims(path, currency="KRW", loss_unit="minutes")
    assert losses(delays) == [100, 200, 300, 400]
    assert losses(read_claims(path, currency="EUR")) == [100_00, 200_00, 300_00, 400_00]
    with pytest.raises(InputRefused, match="rows in EUR, but the currency is KRW"):
        read_claims(path, currency="KRW")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".xlsx"])
def test_an_incident_refuses_rows_in_another_currency(tmp_path: Path, suffix: str) -> None:
    own = read_claims(with_currencies(tmp_path, "currency", ["USD"] * 3))
    incident, frame = own.incident, own.to_polars()
    table = frame.select("claim_id", "service", "filed_on", loss=frame["loss"].cast(pl.Int64))
    for codes, said in (
        (["USD"] * 3, ""),
        (["USD", "EUR", "USD"], "(?=.*EUR in 1)(?=.*USD.* in 2)"),
        (["EUR"] * 3, "rows in EUR"),
    ):
        path = write_frame(tmp_path / f"own{suffix}", table.with_columns(currency=pl.Series(codes)))
        if not said:
            assert losses(read_claims(path, incident)) == [100_00, 200_00, 300_00]
            continue
        with pytest.raises(InputRefused, match=said):
            read_claims(path, incident)


def test_a_unit_above_the_header_is_refused_in_english_too(tmp_path: Path) -> None:
    path = written(tmp_path, "loss", 30)
    path.write_text("Complaints (thousand KRW)\n" + path.read_text("utf-8"), "utf-8")
    with pytest.raises(InputRefused, match="says a unit above its header"):
        read_claims(path, currency="KRW")
    assert losses(read_claims(path, currency="KRW", scale=1_000)) == [30_000]


@pytest.mark.parametrize("scale", [0, -5, float("nan"), float("inf")])
def test_a_scale_that_is_no_positive_number_is_refused_before_a_file_is_read(scale: float) -> None:
    with pytest.raises(UsageError, match="the scale is not a number above 0") as refusal:
        read_claims("missing.csv", scale=scale)
    assert "1000 if losses are in thousands" in refusal.value.remedy


LOSSES = {"a.csv": ("(kEUR)", 1000, [1.5, 2, 30, 0, 4]), "b.csv": ("(EUR)", 1, [7.25, 300])}
"""File -> unit in its header, what an amount of 1 stands for, and its losses."""


@pytest.fixture
def files_in_two_units(tmp_path: Path) -> list[Path]:
    """Two files_in_two_units of euros, one of them in thousands; one row states no loss."""
    for name, (unit, _, losses) in LOSSES.items():
        measures = [f"{name}{n},App,2026-01-15,{loss}" for n, loss in enumerate((*losses, ""))]
        text = "\n".join([f"claim_id,service,filed_on,loss {unit}", *measures])
        (tmp_path / name).write_text(text + "\n", "utf-8")
    return [tmp_path / name for name in LOSSES]


def euros(name: str) -> tuple[float, ...]:
    """Compute number, sum, smallest, middle and largest of the losses of a file."""
    _, scale, losses = LOSSES[name]
    amounts = [scale * loss for loss in losses]
    return len(amounts), sum(amounts), min(amounts), median_low(amounts), max(amounts)


def measures(table: pl.DataFrame) -> dict[str, tuple[int | None, ...]]:
    measures = table.select("file", "stated", "total", "smallest", "median", "largest").rows()
    return {str(name): tuple(of) for name, *of in measures}


def test_each_file_has_its_control_totals_with_unit_and_scale(files_in_two_units: list[Path]) -> None:
    for file in files_in_two_units:
        table = oa.read_claims(file).control_totals
        assert measures(table) == {file.name: euros(file.name)}
        assert table.select("unit", "scale").rows() == [("EUR", LOSSES[file.name][1])]


def test_a_file_without_losses_has_empty_totals(files_in_two_units: list[Path]) -> None:
    file, incident = files_in_two_units[1], oa.read_claims(files_in_two_units[1]).incident
    file.write_text("claim_id,service,filed_on,loss (EUR)\n1,App,2026-01-15,\n", "utf-8")
    assert measures(oa.read_claims(file, incident).control_totals)["b.csv"] == (0, None, None, None, None)
