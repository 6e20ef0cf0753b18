"""The bundle: complete, reproducible, offline, safe with hostile text, and one truth throughout."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.reports import write_report, write_table
from outage_analysis.reports.report import Report
from outage_analysis.text import LANGUAGES, Locale
from tests.html_page import WebPage
from tests.shared_folders import file_contents

if TYPE_CHECKING:
    from tests.conftest import ClaimsCsv, Edited

Bundles = dict[str, Path]
PAGE = ("html",)
"""The page alone: the other formats have tests of their own."""
FEW = 1_024
"""Draws that suffice where no quantile is asked: the law of few claims takes long to invert."""


@pytest.fixture(scope="module")
def bare() -> Analysis:
    """The bundled case from published counts alone."""
    return run(Plan(claims=(), draws=FEW))




def manifest_of(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    return loaded


def charts_of(page: WebPage) -> dict[str, dict[str, Any]]:
    specs: dict[str, dict[str, Any]] = {}
    for element in page.all("script", class_="charts"):
        specs |= json.loads(element.text)
    return specs


# --- what a bundle holds ------------------------------------------------------------------------------






def test_a_parquet_file_states_the_unit_and_the_meaning_of_its_columns(
    bundles: Bundles, analysis: Analysis
) -> None:
    for name, table in analysis.tables.items():
        stem = f"{name}-synthetic" if name.startswith("claims_") else name
        stated = pl.read_parquet_metadata(bundles["en"] / "tables" / f"{stem}.parquet")
        schema = analysis.tables.schema(name)
        assert stated["row"] == schema.row
        columns = json.loads(stated["columns"])
        assert list(columns) == table.columns
        assert columns == {
            c.name: {"unit": str(c.unit), "description": c.description} for c in schema.columns
        }


# --- hostile text --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_that_cannot_be_put_in_place_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a.{suffix}").mkdir()
    with pytest.raises(EnvironmentFailed, match=rf"a\.{suffix}: cannot be written"):
        write_table(pl.DataFrame({"a": [1]}), tmp_path / f"a.{suffix}")
    assert [p.name for p in tmp_path.iterdir()] == [f"a.{suffix}"]


def test_a_table_of_another_suffix_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither \.csv nor \.parquet"):
        write_table(pl.DataFrame({"a": [1]}), tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())


# --- offline -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_policy_of_the_page_admits_only_its_own_script_and_style(
    pages: dict[str, WebPage], lang: str
) -> None:
    page = pages[lang]
    (meta,) = [e for e in page.all("meta") if e.attributes.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in meta.attributes["content"].split(";"))
    (style,) = page.all("style")
    (script,) = [e for e in page.all("script") if "type" not in e.attributes]

    def admitted(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert rules == {
        "default-src": "'none'",
        "script-src": admitted(script.text),
        "style-src": admitted(style.text),
        "font-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_is_small_and_so_are_its_charts(
    bundles: Bundles, pages: dict[str, WebPage], lang: str
) -> None:
    assert (bundles[lang] / "report.html").stat().st_size <= 1_800_000
    specs = {name: spec for name, spec in charts_of(pages[lang]).items() if name != "linked"}
    assert len(specs) == 12
    for name, spec in specs.items():
        assert len(json.dumps(spec["datasets"], ensure_ascii=False).encode()) <= 20_000, name


COMMON = ("ID", "P10", "P50", "P75", "P90")
"""Titles that are the same in every language."""

# --- words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_word_is_missing(pages: dict[str, WebPage], lang: str) -> None:
    page = pages[lang]
    (html,) = page.all("html")
    assert html.attributes["lang"] == lang
    prose = page.prose()
    assert not re.search(r"\{[a-z_]*\}|\b(report|word|column|chart|band)\.[a-z_]+\b", prose)
    cells = [e.text for e in page.elements if e.tag in ("td", "p", "li")]
    assert not [c for c in cells if re.search(r"^None$|\bnan\b|\binf\b|Decimal\(", c)]
    titles = [e.text for e in page.elements if e.tag in ("h1", "h2", "h3", "th", "caption", "summary")]
    assert all(t.strip() for t in titles)
    if lang == "ko":
        words = [t for t in titles if not re.fullmatch(r"[\d,~]+", t)]  # a loss band needs no word
        assert [t for t in words if not re.search("[가-힣]", t) and t not in COMMON] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_link_inside_the_page_leads_somewhere(pages: dict[str, WebPage], lang: str) -> None:
    page = pages[lang]
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    inside = {e.attributes["href"][1:] for e in page.all("a") if e.attributes["href"].startswith("#")}
    assert inside
    assert inside <= set(ids)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_chart_has_a_description_and_a_place(pages: dict[str, WebPage], lang: str) -> None:
    page = pages[lang]
    places = {e.attributes["id"]: e for e in page.all("div", class_="chart")}
    specs = charts_of(page)
    assert places.keys() == {f"chart-{name}" for name in (*specs, "linked")}
    for name, spec in specs.items():
        assert places[f"chart-{name}"].attributes["aria-label"] == spec["description"]


# --- one truth -----------------------------------------------------------------------------------------


def with_a_figure(costs: pl.DataFrame) -> pl.DataFrame:
    figures = pl.col("count", "promised", "low", "expected", "high")
    return costs.filter(pl.any_horizontal(figures.is_not_null()))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_promise_without_a_figure_stands_in_the_policy_and_in_no_table_of_costs(
    pages: dict[str, WebPage], analysis: Analysis, lang: str
) -> None:
    page, words = pages[lang], Locale(lang)
    lines = {line.id: line.name[lang] for line in analysis.policy.lines}
    costs = analysis.tables["costs"].filter(level="line")
    silent = costs.filter(~pl.col("line").is_in(with_a_figure(costs)["line"].to_list()))
    assert len(silent) == 14
    assert set(silent["status"]) == {"unpriced", "not_published"}
    column = words("column.line")
    policy = {r[column]: r for r in page.table(words("report.policy_title"))}
    assert policy.keys() == {name for id_, name in lines.items() if id_ not in analysis.dropped_lines}
    priced = {r[column] for title in ("cost", "free") for r in page.table(words(f"report.{title}_title"))}
    for id_, status in silent.select("line", "status").iter_rows():
        assert policy[lines[id_]][words("column.status")] == words(f"word.{status}")
        assert lines[id_] not in priced
    assert words("report.no_figure", count=14) in page.prose()
    bounded = words("report.not_counted", lines=lines["taxi-pro-membership"])
    assert bounded in page.prose()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_controller_reads_how_each_line_might_be_booked_and_until_when(
    pages: dict[str, WebPage], analysis: Analysis, lang: str
) -> None:
    words = Locale(lang)
    shown = pages[lang].table(words("report.controller_title"))
    known = [x for x in analysis.policy.lines if x.id not in analysis.dropped_lines]
    assert [r[words("column.line")] for r in shown] == [x.name[lang] for x in known]
    for row, line in zip(shown, known, strict=True):
        assert line.accounting
        assert row[words("column.obligation")] == words(f"explain.{line.accounting.obligation}")
        assert row[words("column.presentation")] == words(f"explain.{line.accounting.presentation}")
        closes = line.closes_on(analysis.as_of)
        assert row[words("column.closes_on")] == (words.day(closes) if closes else "")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_expected_goods_are_stated_to_be_out_of_those_that_have_an_expected_value(
    pages: dict[str, WebPage], analysis: Analysis, lang: str
) -> None:
    words, face = Locale(lang), analysis.totals_row("published", "face_value")
    assert face is not None
    goods = words.money(48_000_000 * (6_500 + 5_000) + 3_000_000 * 1_900 + 1_000_000 * 50_000)
    said = pages[lang].prose()
    assert said.count(words("report.tile_free_note", promised=goods)) == 1
    assert words("report.tile_free_note", promised=words.money(face["promised"] or 0)) not in said


@pytest.mark.parametrize("column", ["promised", "low", "expected", "high"])
def test_cash_and_face_value_are_never_one_figure(
    pages: dict[str, WebPage], analysis: Analysis, column: str
) -> None:
    cash, face = (analysis.totals_row("published", v) for v in ("cash", "face_value"))
    assert cash is not None
    assert face is not None
    both = (cash[column] or 0) + (face[column] or 0)
    for page in pages.values():
        assert f"{both:,.0f}" not in page.prose()




# --- synthetic rows are marked --------------------------------------------------------------------------


@pytest.mark.slow
def test_a_report_without_claims_mentions_no_synthetic_rows(tmp_path: Path, bare: Analysis) -> None:
    folder = write_report(bare, tmp_path / "out", formats=("html", "svg", "csv")).parent
    page = WebPage.of(folder / "report.html")
    assert not page.all("p", class_="banner")
    assert not page.all("details", id="quality")
    assert Locale("en")("report.quality_title") not in page.prose()
    assert Locale("en")("report.synthetic_badge") not in [e.text for e in page.all("span", class_="badge")]
    assert not [n for n in file_contents(folder) if "synthetic" in n or "claims_" in n]
    assert manifest_of(folder)["synthetic_claims"] is False
    assert set(charts_of(page)) == {
        *(
            "headlines",
            "funnel",
            "total_distribution",
            "total_hindsight",
            "separate_sums",
            "waterfall",
            "tornado",
            "free_goods",
            "backtest",
        )
    }


# --- the data ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_data_have_a_section_that_accounts_for_every_row(
    tmp_path: Path, claims_csv: ClaimsCsv, lang: str
) -> None:
    rows = [{"claimant_id": "u1"}, {"claimant_id": "u1", "loss": "500000"}, {"loss": "-7"}, {"loss": "15"}]
    analysis = run(Plan(claims=(claims_csv(rows, name="우리.csv"),), max_rejects=0.5, draws=FEW))
    words = Locale(lang)
    page = WebPage.of(write_report(analysis, tmp_path / "out", lang=lang, formats=PAGE))
    (appendix,) = page.all("details", id="quality")
    assert words("report.quality_title") in appendix.text
    assert words("report.quality_line", rows=4, claims=3, rejects=1) in page.prose()
    assert words("report.quality_clean") not in page.prose()
    titles = {name: words(f"report.quality_{name}") for name in ("files", "rules", "claimants", "heaping")}
    (file,) = page.table(titles["files"])
    assert [file[words(f"column.{c}")] for c in ("file", "encoding", "rows", "claims", "rejects")] == [
        *("우리.csv", "utf-8", "4", "3", "1")
    ]
    assert file[words("column.first_day")] == words.day(date(2022, 10, 19))
    (rule,) = page.table(titles["rules"])
    assert list(rule.values()) == [
        *("우리.csv", words("rule.loss is not negative"), words("word.rejected"), "1", "4", "-7")
    ]
    claimants = page.table(titles["claimants"])
    assert [list(row.values())[-3:] for row in claimants[:2]] == [["2", "1", "1"], ["2", "1", "1"]]
    heaping = page.table(titles["heaping"])
    assert [row[words("column.step")] for row in heaping] == ["10", "100", "1,000", "10,000", "100,000"][:5]
    assert [row[words("column.claims")] for row in heaping] == ["2"] * 5




# --- other plans -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("as_of", "lang"),
    [
        ("2022-10-19", "en"),
        ("2022-10-24", "ko"),
        ("2022-12-29", "en"),
        ("2022-12-31", "ko"),
        ("2023-06-30", "en"),
    ],
)
def test_a_report_can_be_written_for_any_day_of_the_case(tmp_path: Path, as_of: str, lang: str) -> None:
    analysis = run(Plan(as_of=date.fromisoformat(as_of), claims=(), draws=FEW))
    page = WebPage.of(write_report(analysis, tmp_path / "out", lang=lang, formats=PAGE))
    no_headline = Locale(lang)("report.no_headline") in page.prose()
    assert no_headline == (as_of < "2022-12-30")


@pytest.mark.slow
def test_a_policy_with_other_lines_than_the_outcome_has_a_report(tmp_path: Path, edited: Edited) -> None:
    policy = edited("policies", *['"small-business-cash"', '"shops"'] * 5)  # the line, and its tie-outs
    ledger = edited("assumptions", *['"small-business-cash"', '"shops"'] * 5)
    page = WebPage.of(
        write_report(
            run(Plan(policy=policy, ledger=ledger, claims=(), draws=FEW)), tmp_path / "out", formats=PAGE
        )
    )
    assert page.all("p", class_="lead")
    assert not page.all("p", class_="lesson")




@pytest.mark.parametrize("share", [0.5, 2.0])
def test_the_recommendation_says_if_it_exceeds_the_budget(share: float) -> None:
    """The budget is half or twice the P90 of the cash; a budget never includes handling."""
    reserve = dict(run(Plan(claims=())).tables["reserve"].select("measure", "cash").iter_rows())
    budget = int(share * reserve["p90"])
    report = Report(run(Plan(claims=(), budget=budget)), "en")
    said = [text for text in report.answers.recommended if "more than the budget" in text]
    assert len(said) == (share < 1)
    assert all(report.locale.money(reserve["p90"]) in text for text in said)
