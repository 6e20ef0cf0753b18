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
from tests.tampered_bundles import manifest_of

if TYPE_CHECKING:
    from tests.conftest import ClaimsCsv

Bundles = dict[str, Path]
PAGE = ("html",)
"""The page alone: the other formats have tests of their own."""
FEW = 1_024
"""Draws that suffice where no quantile is asked: the law of few claims takes long to invert."""


@pytest.mark.slow
def test_a_report_without_claims_mentions_no_synthetic_rows(tmp_path: Path) -> None:
    bare = run(Plan(claims=(), draws=FEW))
    folder = write_report(bare, tmp_path / "out", formats=("html", "svg", "csv")).parent
    page, words = WebPage.of(folder / "report.html"), Locale("en")
    assert not [*page.all("p", class_="banner"), *page.all("details", id="quality")]
    assert words("report.synthetic_badge") not in [e.text for e in page.all("span", class_="badge")]
    assert not [n for n in file_contents(folder) if "synthetic" in n or "claims_" in n]
    assert manifest_of(folder)["synthetic_claims"] is False
    assert charts_of(page).keys() == {
        *("headlines", "funnel", "total_distribution", "total_hindsight", "separate_sums", "waterfall"),
        *("tornado", "free_goods", "backtest"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_data_have_a_section_that_accounts_for_every_row(
    tmp_path: Path, claims_csv: ClaimsCsv, lang: str
) -> None:
    rows = [{"claimant_id": "u1"}, {"claimant_id": "u1", "loss": "500000"}, {"loss": "-7"}, {"loss": "15"}]
    analysis = run(Plan(claims=(claims_csv(rows, name="우리.csv"),), max_rejects=0.5, draws=FEW))
    words = Locale(lang)
    page = WebPage.of(write_report(analysis, tmp_path / "out", lang=lang, formats=PAGE))
    assert words("report.quality_line", rows=4, claims=3, rejects=1) in page.prose()
    assert words("report.quality_clean") not in page.prose()
    (file,) = page.table(words("report.quality_files"))
    shown = [
        file[words(f"column.{c}")] for c in ("file", "encoding", "rows", "claims", "rejects", "first_day")
    ]
    assert shown == ["우리.csv", "utf-8", "4", "3", "1", words.day(date(2022, 10, 19))]
    (rule,) = page.table(words("report.quality_rules"))
    broken = (words("rule.loss is not negative"), words("word.rejected"))
    assert list(rule.values()) == ["우리.csv", *broken, "1", "4", "-7"]
    claimants = page.table(words("report.quality_claimants"))
    assert [list(row.values())[-3:] for row in claimants[:2]] == [["2", "1", "1"], ["2", "1", "1"]]
    heaping = page.table(words("report.quality_heaping"))
    assert [(row[words("column.step")], row[words("column.claims")]) for row in heaping] == [
        (step, "2") for step in ("10", "100", "1,000", "10,000", "100,000")
    ]


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
def test_the_page_is_small_and_misses_no_word_link_chart_or_description(
    bundles: Bundles, pages: dict[str, WebPage], lang: str
) -> None:
    page, prose = pages[lang], pages[lang].prose()
    assert (bundles[lang] / "report.html").stat().st_size <= 1_800_000
    assert not re.search(r"\{[a-z_]*\}|\b(report|word|column|chart|band)\.[a-z_]+\b", prose)
    cells = [e.text for e in page.elements if e.tag in ("td", "p", "li")]
    assert not [c for c in cells if re.search(r"^None$|\bnan\b|\binf\b|Decimal\(", c)]
    titles = [e.text for e in page.elements if e.tag in ("h1", "h2", "h3", "th", "caption", "summary")]
    assert all(t.strip() for t in titles)
    if lang == "ko":
        words = [t for t in titles if not re.fullmatch(r"[\d,~]+", t)]  # a loss band needs no word
        assert [t for t in words if not re.search("[가-힣]", t) and t not in COMMON] == []
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    inside = {e.attributes["href"][1:] for e in page.all("a") if e.attributes["href"].startswith("#")}
    assert inside
    assert inside <= set(ids)
    places = {e.attributes["id"]: e.attributes["aria-label"] for e in page.all("div", class_="chart")}
    specs = charts_of(page)
    assert (places.keys(), len(specs)) == ({f"chart-{name}" for name in (*specs, "linked")}, 12)
    for name, spec in specs.items():
        assert places[f"chart-{name}"] == spec["description"]
        assert len(json.dumps(spec["datasets"], ensure_ascii=False).encode()) <= 20_000, name


COMMON = ("ID", "P10", "P50", "P75", "P90")
"""Titles that are the same in every language."""


# --- one truth -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_promise_without_a_figure_stands_in_the_policy_and_in_no_table_of_costs(
    pages: dict[str, WebPage], analysis: Analysis, lang: str
) -> None:
    page, words = pages[lang], Locale(lang)
    known = {x.id: x for x in analysis.policy.lines if x.id not in analysis.dropped_lines}
    column, figures = words("column.line"), pl.col("count", "promised", "low", "expected", "high")
    policy = {r[column]: r for r in page.table(words("report.policy_title"))}
    assert policy.keys() == {line.name[lang] for line in known.values()}
    priced = {r[column] for title in ("cost", "free") for r in page.table(words(f"report.{title}_title"))}
    lines = analysis.tables["costs"].filter(level="line").group_by("line")
    silent = dict(
        lines.agg(pl.any_horizontal(figures.is_not_null()).any().alias("known"), pl.col("status").first())
        .filter(~pl.col("known"))
        .select("line", "status")
        .rows()
    )
    assert (len(silent), set(silent.values())) == (14, {"unpriced", "not_published"})
    for id_, status in silent.items():
        assert policy[known[id_].name[lang]][words("column.status")] == words(f"word.{status}")
        assert known[id_].name[lang] not in priced
    assert words("report.no_figure", count=14) in page.prose()
    assert words("report.not_counted", lines=known["taxi-pro-membership"].name[lang]) in page.prose()
    booked = page.table(words("report.controller_title"))
    assert [r[column] for r in booked] == [x.name[lang] for x in known.values()]
    for row, line in zip(booked, known.values(), strict=True):
        closes = line.closes_on(analysis.as_of)
        assert line.accounting
        assert [row[words(f"column.{x}")] for x in ("obligation", "presentation", "closes_on")] == [
            words(f"explain.{line.accounting.obligation}"),
            words(f"explain.{line.accounting.presentation}"),
            words.day(closes) if closes else "",
        ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_goods_are_stated_out_of_those_that_have_an_expected_value_and_in_no_sum_with_cash(
    pages: dict[str, WebPage], analysis: Analysis, lang: str
) -> None:
    words, said = Locale(lang), pages[lang].prose()
    cash, face = (analysis.totals_row("published", v) or {} for v in ("cash", "face_value"))
    goods = words.money(48_000_000 * (6_500 + 5_000) + 3_000_000 * 1_900 + 1_000_000 * 50_000)
    assert said.count(words("report.tile_free_note", promised=goods)) == 1
    assert words("report.tile_free_note", promised=words.money(face["promised"])) not in said
    for column in ("promised", "low", "expected", "high"):
        assert f"{(cash[column] or 0) + (face[column] or 0):,.0f}" not in said


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


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_the_recommendation_says_if_it_exceeds_the_budget(share: float) -> None:
    """The budget is half or twice the P90 of the cash; a budget never includes handling."""
    reserve = dict(run(Plan(claims=())).tables["reserve"].select("measure", "cash").iter_rows())
    budget = int(share * reserve["p90"])
    report = Report(run(Plan(claims=(), budget=budget)), "en")
    said = [text for text in report.answers.recommended if "more than the budget" in text]
    assert len(said) == (share < 1)
    assert all(report.locale.money(reserve["p90"]) in text for text in said)
