"""What a page shows of the model: how unsure, a budget, the options, the back-test, whose rows they are."""

from __future__ import annotations

import re
from collections.abc import Callable
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
from tests.tram_case import write_documents

if TYPE_CHECKING:
    from tests.conftest import Edited

FEW = 1_024
FORMATS_READ = ("html", "csv", "parquet")
"""What is read here: the other formats have tests of their own."""
BUDGET = 100_000
Pages = dict[str, WebPage]
Written = Callable[[Analysis, str], WebPage]
both = pytest.mark.parametrize("lang", LANGUAGES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the tram outage."""
    made = tmp_path_factory.mktemp("tram")
    write_documents(made)
    return made


@pytest.fixture(scope="module")
def tram(folder: Path) -> Plan:
    """The tram outage from published counts, with a budget."""
    return Plan(
        incident=folder / "incident.toml",
        policy=folder / "counted.toml",
        ledger=folder / "mixed.toml",
        budget=BUDGET,
        draws=FEW,
    )


@pytest.fixture(scope="module")
def counted(tram: Plan) -> Analysis:
    """Its analysis."""
    return run(tram)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Analysis, str], Path]:
    """A writer of reports, each once."""
    known: dict[tuple[int, str], Path] = {}

    def write(analysis: Analysis, lang: str) -> Path:
        key = (id(analysis), lang)
        if key not in known:
            out = tmp_path_factory.mktemp("r") / "out"
            known[key] = write_report(analysis, out, lang=lang, formats=FORMATS_READ).parent
        return known[key]

    return write


@pytest.fixture(scope="module")
def written(bundle: Callable[[Analysis, str], Path]) -> Written:
    """The page of an analysis."""
    return lambda analysis, lang: WebPage.of(bundle(analysis, lang) / "report.html")


def words_of(analysis: Analysis, lang: str) -> Locale:
    return Locale(lang, analysis.incident.currency, analysis.incident.minor_units)


def cash_of(analysis: Analysis, basis: str) -> dict[str, float]:
    table = analysis.uncertainty_table(basis, "quantiles")
    assert table is not None
    return dict(table.filter(valuation="cash").select("measure", "value").iter_rows())


# --- how unsure -------------------------------------------------------------------------------------------




@both
def test_the_assumptions_are_shown_with_their_distributions(
    pages: Pages, analysis: Analysis, lang: str
) -> None:
    w = words_of(analysis, lang)
    rows = pages[lang].table(w("report.assumptions_title"))
    assert analysis.ledger
    entries = analysis.ledger.as_known_on(analysis.as_of).assumptions
    assert [row[w("column.distribution")] for row in rows] == [
        distribution_text(entry, w) for entry in entries
    ]
    behind = pages[lang].table(w("report.assumptions_behind"))
    assert [row[w("column.rationale")] for row in behind] == [entry.rationale[lang] for entry in entries]
    assert [row[w("column.stated_source")] for row in behind] == [entry.source[lang] for entry in entries]
    assert [row[w("column.owner")] for row in behind] == [entry.owner for entry in entries]






# --- beside the cash --------------------------------------------------------------------------------------


@both
def test_lines_without_detail_and_handling_stand_beside_the_cash_and_in_no_sum_of_it(
    pages: Pages, analysis: Analysis, lang: str
) -> None:
    w, page = words_of(analysis, lang), pages[lang]
    column, amount = w("column.valuation"), w("column.expected")
    rows = page.table(w("report.beside_title"))
    assert {row[column] for row in rows} == {w("word.top_down"), w("word.handling")}
    sums = {v: analysis.totals_row("published", v) for v in ("cash", "top_down", "handling")}
    expected = {v: total["expected"] or 0.0 for v, total in sums.items() if total}
    assert {row[column]: row[amount] for row in rows} == {
        w(f"word.{v}"): w.exact_money(expected[v]) for v in ("top_down", "handling")
    }
    lines = analysis.exact_tables["costs"].filter(level="line", valuation="cash")
    assert expected["cash"] == pytest.approx(lines["expected"].sum())
    costs = [row[amount] for row in page.table(w("report.cost_title"))]
    assert not {row[amount] for row in rows} & set(costs)
    said = page.prose()
    share = w.share(w.rounded(expected["cash"] / (expected["cash"] + expected["top_down"])))
    points = {
        row[:2]: row[2]
        for row in analysis.exact_tables["quantiles"].select("valuation", "measure", "value").rows()
    }
    low, high = (w.money(points["top_down", measure]) for measure in ("p10", "p90"))
    announced = w.money(sums["top_down"]["promised"] or 0.0)  # type: ignore[index]
    for sentence in (
        w("report.answer_package", share=share),
        w("report.answer_handling", median=w.money(points["handling", "p50"])),
        w("report.answer_announced", announced=announced, range=w("report.low_to_high", low=low, high=high)),
    ):
        assert said.count(sentence) == 1
    # The sum of cash and handling stands in one cell of the whole page: the mean of the reserve with both,
    # under a title that says so, in the appendix of decisions. The sum with the announced totals is nowhere.
    reserve = page.table(w("report.reserve_title"))
    (mean,) = [row for row in reserve if row[w("column.measure")] == w("word.mean")]
    with_handling = w.exact_money(expected["cash"] + expected["handling"])
    assert mean[w("column.both")] == with_handling
    holders = [e for e in page.all("td") if e.text == with_handling]
    assert ["details.appendix" in e.within for e in holders] == [True]
    assert w("column.both") == {"en": "Cash and handling", "ko": "현금과 처리 비용"}[lang]
    # On the first screen it stands beside a sentence that says so.
    before, _, behind = said.partition(w("report.decide"))
    reserved, _, after = behind.partition(w("report.options_title"))
    assert {"en": "cash and handling together", "ko": "현금 비용과 처리 비용 합계"}[lang] in reserved
    assert w.money(expected["cash"] + expected["handling"]) in reserved
    said = before + after
    # The P90 of the cash reads like the sum with handling, 580 million won; where it is named it is cut.
    p90 = w.money(analysis.quantile(0.9))
    for part in {"en": (f"above {p90}", f"to {p90}", f"–{p90}"), "ko": (f"{p90} 초과", f"~{p90}")}[lang]:
        assert part in said
        said = said.replace(part, "")
    for other, times in (("top_down", 0), ("handling", 1)):
        both_ = expected["cash"] + expected[other]
        assert said.count(w.exact_money(both_)) == times
        alone = re.search(rf"(?<![\d.,억만]){re.escape(w.money(both_))}", said)
        assert not alone or w.money(both_) == w.money(expected[other])


# --- the back-test ----------------------------------------------------------------------------------------




@pytest.mark.slow
def test_another_day_ledger_or_policy_has_no_back_test_of_this_one(edited: Edited) -> None:
    plan = Plan(claims=(), draws=FEW)
    own = edited("policies", "fixed = 30_000", "fixed = 31_000")
    changed = (
        {"as_of": date(2022, 12, 31)},
        {"ledger": "kakao-2023-06-30"},
        {"policy": own, "ledger": "kakao-2022"},  # it bears the id of the bundled one
    )
    for other in changed:
        assert run(replace(plan, **other)).backtest is None, other


# --- what is certain, and what is not known ---------------------------------------------------------------


@pytest.mark.slow
@both
def test_a_cost_without_uncertainty_has_its_tile_and_no_range(
    tram: Plan, folder: Path, written: Written, lang: str
) -> None:
    analysis = run(replace(tram, policy=folder / "certain.toml"))
    w, page = words_of(analysis, lang), written(analysis, lang)
    cash = cash_of(analysis, "published")
    assert cash["p10"] == cash["expected"] == cash["p90"] == 290 * 226_154  # US-07
    (lead,) = page.all("p", class_="lead")
    assert w.money(cash["expected"]) in lead.text
    assert "P10" not in lead.text
    chances = {"budget": w.money(BUDGET * 100), "chance": "100%", "together": "100%"}
    assert w("report.answer_budget", **chances) in [e.text for e in page.all("p", class_="without")]


@pytest.mark.slow
def test_a_report_of_bounds_has_tables_with_headers_and_nothing_of_the_model(
    tram: Plan, bundle: Callable[[Analysis, str], Path], written: Written
) -> None:
    analysis = run(replace(tram, ledger=None, budget=None))
    assert analysis.runs == {}
    for name in ("tornado", "levers"):
        path = bundle(analysis, "en") / "tables" / f"{name}.csv"
        assert pl.read_csv(path).columns == analysis.exact_tables[name].columns
        assert analysis.exact_tables[name].is_empty()
    shown = {e.attributes["id"] for e in written(analysis, "en").all("h2") if "id" in e.attributes}
    assert not {"doubt", "tornado", "compared"} & shown


# --- the same again ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_another_seed_changes_only_what_is_drawn(
    tram: Plan, counted: Analysis, bundle: Callable[[Analysis, str], Path], tmp_path: Path
) -> None:
    again, other = (run(replace(tram, seed=seed)) for seed in (tram.seed, tram.seed + 1))
    first = bundle(counted, "en")
    bytes_of = {p.relative_to(first): p.read_bytes() for p in first.rglob("*") if p.is_file()}
    for analysis, drawn in (
        (again, set()),
        (
            other,
            {"quantiles", "split", "contributions", "budget", "total_distribution"}
            | {"information_value", "cost_ranges", "reserve", "scenarios"},
        ),
    ):
        out = tmp_path / str(analysis.plan.seed)
        folder = write_report(analysis, out, formats=FORMATS_READ).parent
        differ = {
            p.relative_to(folder)
            for p in folder.rglob("*")
            if p.is_file() and p.read_bytes() != bytes_of[p.relative_to(folder)]
        }
        tables = {p.stem for p in differ if p.parent.name == "tables"}
        assert tables - {"steps"} == drawn
        assert {p.name for p in differ if p.parent.name != "tables"} == (
            {"report.html", "manifest.json", "SHA256SUMS"} if drawn else set()
        )
