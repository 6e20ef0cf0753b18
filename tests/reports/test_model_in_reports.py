"""What a page shows of the model: how unsure, a budget, the options, the back-test, whose rows they are."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.assumptions import distribution_text
from outage_analysis.reports import write_report
from outage_analysis.text import LANGUAGES, Locale
from tests.html_page import WebPage
from tests.shared_folders import file_contents
from tests.tram_case import tram_plan

if TYPE_CHECKING:
    from tests.conftest import Edited

FEW = 1_024
BUDGET = 100_000
Pages = dict[str, WebPage]
both = pytest.mark.parametrize("lang", LANGUAGES)


def words_of(analysis: Analysis, lang: str) -> Locale:
    return Locale(lang, analysis.incident.currency, analysis.incident.minor_units)


@both
def test_the_assumptions_are_shown_with_their_distributions(
    pages: Pages, analysis: Analysis, lang: str
) -> None:
    w = words_of(analysis, lang)
    assert analysis.ledger
    entries = analysis.ledger.as_known_on(analysis.as_of).assumptions
    rows = pages[lang].table(w("report.assumptions_title"))
    assert [row[w("column.distribution")] for row in rows] == [distribution_text(x, w) for x in entries]
    behind = pages[lang].table(w("report.assumptions_behind"))
    columns = [w(f"column.{name}") for name in ("rationale", "stated_source", "owner")]
    assert [[row[column] for column in columns] for row in behind] == [
        [entry.rationale[lang], entry.source[lang], entry.owner] for entry in entries
    ]


@both
def test_lines_without_detail_and_handling_stand_beside_the_cash_and_in_no_sum_of_it(
    pages: Pages, analysis: Analysis, lang: str
) -> None:
    w, page, said = words_of(analysis, lang), pages[lang], pages[lang].prose()
    sums = {v: analysis.totals_row("published", v) or {} for v in ("cash", "top_down", "handling")}
    cash, top_down, handling = (total["expected"] for total in sums.values())
    column, amount = w("column.valuation"), w("column.expected")
    beside = {row[column]: row[amount] for row in page.table(w("report.beside_title"))}
    assert beside == {
        w("word.top_down"): w.exact_money(top_down), w("word.handling"): w.exact_money(handling)
    }  # fmt: skip
    assert not {row[amount] for row in page.table(w("report.cost_title"))} & set(beside.values())
    share = w.share(w.rounded(cash / (cash + top_down)))
    assert said.count(w("report.answer_package", share=share)) == 1
    # The sum of cash and handling stands in one cell of the whole page: the mean of the reserve with both,
    # under a title that says so, in the appendix of decisions. The sum with the announced totals is nowhere.
    reserve = page.table(w("report.reserve_title"))
    (mean,) = [row for row in reserve if row[w("column.measure")] == w("word.mean")]
    assert mean[w("column.both")] == w.exact_money(cash + handling)
    holders = [e.within for e in page.all("td") if e.text == w.exact_money(cash + handling)]
    assert ["details.appendix" in within for within in holders] == [True]
    assert said.count(w.exact_money(cash + handling)) == 1
    assert said.count(w.exact_money(cash + top_down)) == 0
    # On the first screen it stands beside a sentence that says so.
    before, _, behind = said.partition(w("report.decide"))
    reserved, _, after = behind.partition(w("report.options_title"))
    assert {"en": "cash and handling together", "ko": "현금 비용과 처리 비용 합계"}[lang] in reserved
    assert w.money(cash + handling) in reserved
    # The P90 of the cash reads like the sum with handling, 580 million won; where it is named it is cut.
    p90, rest = w.money(analysis.quantile(0.9)), before + after
    for part in {"en": (f"above {p90}", f"to {p90}", f"–{p90}"), "ko": (f"{p90} 초과", f"~{p90}")}[lang]:
        rest = rest.replace(part, "")
    for other in (top_down, handling):
        alone = re.search(rf"(?<![\d.,억만]){re.escape(w.money(cash + other))}", rest)
        assert not alone or w.money(cash + other) == w.money(other)


@pytest.mark.slow
def test_another_day_ledger_or_policy_has_no_back_test_of_this_one(edited: Edited) -> None:
    own = edited("policies", "fixed = 30_000", "fixed = 31_000")
    changed = (
        {"as_of": date(2022, 12, 31)},
        {"ledger": "kakao-2023-06-30"},
        {"policy": own, "ledger": "kakao-2022"},  # it bears the id of the bundled one
    )
    for other in changed:
        assert run(replace(Plan(claims=(), draws=FEW), **other)).backtest is None, other


@pytest.mark.slow
@both
def test_a_cost_without_uncertainty_has_its_tile_and_no_range(tram: Path, tmp_path: Path, lang: str) -> None:
    analysis = run(tram_plan(tram, policy=tram / "certain.toml", compare=()))
    w = words_of(analysis, lang)
    page = WebPage.of(write_report(analysis, tmp_path / "out", lang=lang, formats=("html",)))
    cash = dict(analysis.exact_tables["quantiles"].filter(valuation="cash").select("measure", "value").rows())
    assert cash["p10"] == cash["expected"] == cash["p90"] == 290 * 226_154  # US-07
    (lead,) = page.all("p", class_="lead")
    assert w.money(cash["expected"]) in lead.text
    assert "P10" not in lead.text
    chances = {"budget": w.money(BUDGET * 100), "chance": "100%", "together": "100%"}
    assert w("report.answer_budget", **chances) in [e.text for e in page.all("p", class_="without")]


@pytest.mark.slow
def test_a_report_of_bounds_has_tables_with_headers_and_nothing_of_the_model(
    tram: Path, tmp_path: Path
) -> None:
    analysis = run(tram_plan(tram, ledger=None, budget=None, compare=()))
    assert analysis.runs == {}
    page = write_report(analysis, tmp_path / "out", formats=("html", "csv"))
    for name in ("tornado", "levers"):
        assert analysis.exact_tables[name].is_empty()
        written = pl.read_csv(page.parent / "tables" / f"{name}.csv")
        assert written.columns == analysis.exact_tables[name].columns
    shown = {e.attributes["id"] for e in WebPage.of(page).all("h2") if "id" in e.attributes}
    assert not {"doubt", "tornado", "compared"} & shown


@pytest.mark.slow
def test_another_seed_changes_only_what_is_drawn(tram: Path, tmp_path: Path) -> None:
    folders = {}
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        analysis = run(tram_plan(tram, seed=seed, compare=()))
        folders[name] = write_report(analysis, tmp_path / name, formats=("html", "csv", "parquet")).parent
    first, again, other = map(file_contents, folders.values())
    assert again == first
    assert other.keys() == first.keys()
    differ = {Path(name) for name in first if other[name] != first[name]}
    assert {p.stem for p in differ if p.parent.name == "tables"} - {"steps"} == (
        {"quantiles", "split", "contributions", "budget", "total_distribution"}
        | {"information_value", "cost_ranges", "reserve", "scenarios"}
    )
    assert {p.name for p in differ if not p.parent.name} == {"report.html", "manifest.json", "SHA256SUMS"}
