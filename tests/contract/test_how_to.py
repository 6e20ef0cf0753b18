"""The tasks of docs/how-to.md, each with a result that is computed in another way; the page itself runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import outage_analysis as oa
from tests.contract.command_line import outage_analysis
from tests.doc_blocks import new_shell, run_page, runnable
from tests.doc_pages import blocks
from tests.paths import ROOT

PAGE = ROOT / "docs" / "how-to.md"
TIERS = {300_000: 30_000, 500_000: 50_000}
FEW = 8_192
"""Draws: enough for these checks, and quick."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The complaints that the page prints."""
    text, *_ = re.findall(r'write_text\("""\\\n(.*?)"""', blocks(PAGE)[0].text, re.DOTALL)
    path = tmp_path_factory.mktemp("how-to") / "complaints.csv"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture(scope="module")
def claims(path: Path) -> oa.Claims:
    return oa.read_claims(path)


@pytest.fixture(scope="module")
def analysis(claims: oa.Claims) -> oa.Analysis:
    return oa.run(claims, tiers=TIERS, budget=200_000, draws=FEW)


def expected_cost(analysis: oa.Analysis) -> float:
    """The expected cost of an analysis that has one."""
    assert analysis.expected is not None
    return analysis.expected


def test_the_page_has_the_eighteen_tasks_in_order_and_in_three_lines_each() -> None:
    text = PAGE.read_text("utf-8")
    assert re.findall(r"^### (\d+)\. .*\?$", text, re.MULTILINE) == [str(n) for n in range(1, 19)]
    tasks = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert len(tasks) == 26
    for task in tasks:
        (code,) = re.findall(r"^```(?:python|sh)\n(.*?)^```$", task, re.MULTILINE | re.DOTALL)
        assert 1 <= code.count("\n") <= 3, task


# --- other sources and the next steps ---------------------------------------------------------------------


def test_complaints_that_are_filed_claims_already(claims: oa.Claims, analysis: oa.Analysis) -> None:
    assert analysis.ledger
    filing, _ = analysis.ledger.assumptions
    everybody = oa.run(claims, tiers=TIERS, ledger=analysis.ledger.with_value(filing.id, 1), draws=FEW)
    assert filing.id == "filing-share-form"
    assert expected_cost(analysis) / expected_cost(everybody) == pytest.approx(filing.range.expected)  # type: ignore[union-attr]


def test_euros_for_minutes_of_delay(tmp_path: Path) -> None:
    path = tmp_path / "delays.csv"
    path.write_text(
        "claim_id,service,filed_on,delay\n1,Red,2026-03-02,75\n2,Red,2026-03-02,20\n3,Blue,2026-03-03,130\n"
    )
    delays = oa.read_claims(path, currency="EUR", loss_unit="minutes", columns={"loss": "delay"})
    analysis = oa.run(delays, tiers={60: 0, 120: 2.5, None: 5}, effort="automatic", draws=FEW)
    assert expected_cost(analysis) == 0 + 2.5 + 5
    assert "Rates of comparable schemes" not in str(analysis)  # automatic payments use none


# --- the blocks of the page -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which every block of the page ran."""
    folder = tmp_path_factory.mktemp("worked")
    assert sum(output is not None for _, output in runnable(PAGE)) > 15
    with pytest.MonkeyPatch.context() as patch, new_shell() as shell:
        patch.chdir(folder)
        run_page(PAGE, shell)
    return folder


@pytest.mark.slow
def test_every_block_of_the_page_runs_and_prints_what_the_page_shows(worked: Path) -> None:
    assert {"complaints.csv", "days.svg", "fit.svg", "comparison.svg", "claims.duckdb"} <= {
        path.name for path in worked.iterdir()
    }
    report = worked / "build" / "mine"  # task 16: a section of one's own
    text = (report / "report.html").read_text("utf-8")
    assert "Five of twelve complaints concern the taxi." in text
    assert outage_analysis("verify", report, "--claims", worked / "complaints.csv").code == 0
