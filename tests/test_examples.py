"""Assumptions that are examples: wherever a figure stands first, it says that none may be used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from outage_analysis import Plan, run
from outage_analysis.analysis import Analysis, load_documents
from outage_analysis.errors import UsageError
from outage_analysis.jupyter import new_project, show_part
from outage_analysis.reports import Report
from outage_analysis.reports.manifest import create_manifest
from outage_analysis.reports.pdf import first_page_values
from outage_analysis.text import LANGUAGES

ROWS = """claim_id,service,claimant_type,region,filed_on,loss
1,app,small_business,north,2026-01-20,4000
2,app,small_business,north,2026-01-21,600
3,payments,customer,south,2026-01-21,50
"""
SAID = {
    "en": "3 of 5 assumptions are examples, not evidence. No figure here may be used.",
    "ko": "가정 5개 중 3개가 근거 없는 예시입니다. 이 보고서의 수치는 사용할 수 없습니다.",
}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A project with claims of its own in place of the sample, and somebody's law in two of five places."""
    folder = new_project(tmp_path_factory.mktemp("examples") / "tram", currency="USD")
    (folder / "claims" / "sample-synthetic.csv").unlink()
    (folder / "claims" / "mine.csv").write_text(ROWS, "utf-8")
    incident, policy, ledger = (folder / f"{name}.toml" for name in ("incident", "policy", "ledger"))
    ledger.write_text(ledger.read_text("utf-8").replace('"example"\n', '"assumed"\n', 2), "utf-8")
    return Plan(incident, policy, ledger, claims=(folder / "claims",), draws=1024)


@pytest.fixture(scope="module")
def example(plan: Plan) -> Analysis:
    """What it costs."""
    return run(plan)


@pytest.fixture(scope="module", params=LANGUAGES)
def report(request: pytest.FixtureRequest, example: Analysis) -> Report:
    """The same, told in each language."""
    return Report(example, request.param)


# --- where it is said ---------------------------------------------------------------------------------


def test_it_is_in_what_a_notebook_shows(report: Report) -> None:
    said, analysis = SAID[report.lang], report.analysis
    assert said in show_part(analysis, "tiles", lang=report.lang)._repr_html_()
    assert said in analysis.card(report.lang).lines
    assert analysis.ledger
    assert said in analysis.ledger.card(report.lang).lines


def test_the_manifest_names_the_examples(example: Analysis, tmp_path: Path) -> None:
    told = json.loads(create_manifest(Report(example), tmp_path, ("html",)).to_json())
    assert told["examples"] == ["review-award", "filing-one-tap", "acceptance-one-tap"]


# --- where it is not ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_bundled_case_has_no_example(analysis: Analysis, lang: str, tmp_path: Path) -> None:
    assert analysis.ledger
    assert analysis.ledger.examples == ()
    assert (Report(analysis, lang).warning, first_page_values(Report(analysis, lang))["warning"]) == ("", "")
    assert "" not in analysis.card(lang).lines
    assert "examples" not in create_manifest(Report(analysis, lang), tmp_path, ("html",)).to_json()


# --- what the report says of an assumption ------------------------------------------------------------


def test_the_report_says_how_good_an_assumption_is_and_where_it_is_from(report: Report) -> None:
    values, behind = report.grids["assumptions"], report.grids["assumptions_behind"]
    titles = [column.title for column in behind.columns]
    w = report.locale
    assert [row[5] for row in values.rows] == [w(f"word.{g}") for g in ("assumed",) * 2 + ("example",) * 3]
    for title in ("rationale", "stated_source", "facts", "owner", "approved_by"):
        assert w(f"column.{title}") in titles
    assert report.analysis.ledger
    sources = [entry.source[report.lang] for entry in report.analysis.ledger.assumptions]
    assert [row[2] for row in behind.rows] == sources


# --- the currency -------------------------------------------------------------------------------------


def test_a_ledger_in_another_currency_is_refused_in_one_line(plan: Plan, tmp_path: Path) -> None:
    won = tmp_path / "mine.toml"
    won.write_text(Path(str(plan.ledger)).read_text("utf-8").replace('"USD"', '"KRW"'), "utf-8")
    said = r"^mine\.toml, currency: the ledger tram .* in USD \(found 'KRW'\)\. Restate each sum"
    with pytest.raises(UsageError, match=said):
        load_documents(replace(plan, ledger=won))
