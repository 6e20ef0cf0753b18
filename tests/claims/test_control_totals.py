"""Control totals: what was read of the losses of each file, to compare with the totals of the sender."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median_low

import polars as pl
import pytest

import outage_analysis as oa
from tests.contract.command_line import outage_analysis

pytestmark = pytest.mark.slow  # writes reports; the contract suite reads others in the quick run

LOSSES = {"a.csv": ("(kEUR)", 1000, [1.5, 2, 30, 0, 4]), "b.csv": ("(EUR)", 1, [7.25, 300])}
"""File -> unit in its header, what an amount of 1 stands for, and its losses."""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files of euros, one of them in thousands; one row states no loss."""
    for name, (unit, _, losses) in LOSSES.items():
        rows = [f"{name}{n},App,2026-01-15,{loss}" for n, loss in enumerate((*losses, ""))]
        text = "\n".join([f"claim_id,service,filed_on,loss {unit}", *rows])
        (tmp_path / name).write_text(text + "\n", "utf-8")
    return [tmp_path / name for name in LOSSES]


def euros(name: str) -> tuple[float, ...]:
    """Compute number, sum, smallest, middle and largest of the losses of a file."""
    _, scale, losses = LOSSES[name]
    amounts = [scale * loss for loss in losses]
    return len(amounts), sum(amounts), min(amounts), median_low(amounts), max(amounts)


def rows(table: pl.DataFrame) -> dict[str, tuple[int | None, ...]]:
    measures = table.select("file", "stated", "total", "smallest", "median", "largest").rows()
    return {str(name): tuple(of) for name, *of in measures}


def test_each_file_has_its_control_totals_with_unit_and_scale(files: list[Path]) -> None:
    for file in files:
        table = oa.read_claims(file).control_totals
        assert rows(table) == {file.name: euros(file.name)}
        assert table.select("unit", "scale").rows() == [("EUR", LOSSES[file.name][1])]


def test_a_file_without_losses_has_empty_totals(files: list[Path]) -> None:
    file, incident = files[1], oa.read_claims(files[1]).incident
    file.write_text("claim_id,service,filed_on,loss (EUR)\n1,App,2026-01-15,\n", "utf-8")
    assert rows(oa.read_claims(file, incident).control_totals)["b.csv"] == (0, None, None, None, None)


def test_the_card_ingest_inspect_and_the_report_show_them(files: list[Path], tmp_path: Path) -> None:
    file, incident = files[0], tmp_path / "incident.toml"
    claims = oa.read_claims(file)
    total = f"{euros(file.name)[1]:,.2f}"
    assert total in str(claims.card())
    oa.scaffold(tmp_path / "mine", claims, tiers={200: 20})
    words = (file, "--incident", tmp_path / "mine" / incident.name)
    for command in ("ingest", "inspect"):
        assert total in outage_analysis(command, *words).out
        (found,) = json.loads(outage_analysis(command, *words, "--json").out)["amounts"]
        assert tuple(found[name] for name in ("stated", "total", "smallest", "median", "largest")) == euros(
            file.name
        )
    oa.run(file, tiers={200: 20}).report(tmp_path / "report", formats=["csv", "html"])
    table = pl.read_csv(tmp_path / "report" / "tables" / "claims_amounts.csv")
    assert table.row(0)[1:6] == euros(file.name)
    assert total.removesuffix(".00") in (tmp_path / "report" / "report.html").read_text("utf-8")
