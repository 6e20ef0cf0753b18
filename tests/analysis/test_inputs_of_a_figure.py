"""Entries of a ledger that no line uses are no inputs of the figure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from outage_analysis import Plan, run
from outage_analysis.analysis import compare_policies
from outage_analysis.assumptions import example_warning
from outage_analysis.files import data_root
from outage_analysis.reports import Report, Text
from outage_analysis.text import LANGUAGES, Locale

if TYPE_CHECKING:
    from outage_analysis.analysis import Analysis

USED = {"as-ultimate-reports", "as-entitled-share", "as-filing-share", "as-acceptance"}
"""What the cash candidate of the decision week rests on."""
UNUSED = {"as-voucher-acceptance", "as-paying-drivers", "as-paid-services-ratio"}
"""Entries of the same ledger for lines of other policies."""


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The cash candidate, with the voucher's acceptance as an example that nobody has replaced."""
    text = (data_root() / "assumptions" / "kakao-2022-10-24.toml").read_text("utf-8")
    head, tail = text.split('id = "as-voucher-acceptance"')
    ledger = tmp_path_factory.mktemp("week") / "ledger.toml"
    example = re.sub(r'grade = "\w+"', 'grade = "example"', tail, count=1)
    ledger.write_text(f'{head}id = "as-voucher-acceptance"{example}', encoding="utf-8")
    return Plan(policy="kakao-candidate-cash", ledger=ledger, claims=(), draws=2**10)


@pytest.fixture(scope="module")
def alone(week: Plan) -> Analysis:
    return run(week)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_report_lists_what_its_figures_rest_on_and_names_the_rest(alone: Analysis, lang: str) -> None:
    assert alone.used_ledger is not None
    assert {entry.id for entry in alone.used_ledger.assumptions} == USED
    assert set(alone.unused_entries) == UNUSED
    report = Report(alone, lang)
    section = next(s for s in report.sections if s.id == "assumptions")
    names = ", ".join(report.names[x] for x in alone.unused_entries)
    said = [block.text for block in section.blocks if isinstance(block, Text)]
    assert report.locale("report.assumptions_unused", names=names) in said
    assert len(report.grids["assumptions"].rows) == len(USED)


def test_an_example_that_nothing_uses_forbids_no_figure(week: Plan, alone: Analysis) -> None:
    assert example_warning(alone.used_ledger, Locale("en")) == ""
    assert "examples" not in alone.to_dict()
    both = compare_policies(week, ["kakao-candidate-cash", "kakao-candidate-voucher"])
    assert both.to_dict()["examples"] == ("as-voucher-acceptance",)
    beside = run(replace(week, compare=("kakao-candidate-voucher",)))
    assert example_warning(beside.used_ledger, Locale("en")).startswith(
        "1 of 5 assumptions are examples, not evidence."
    )
    assert set(beside.unused_entries) == UNUSED - {"as-voucher-acceptance"}
