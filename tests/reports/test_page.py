"""The page: its first screen, a table beside every chart, the model, the data, hostile names."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.reports import Report, write_report
from outage_analysis.reports.html import html_page
from outage_analysis.text import LANGUAGES, Locale, capitalized
from tests.conftest import ClaimsCsv, Edited
from tests.html_page import WebPage

FEW = 1_024
both = pytest.mark.parametrize("lang", LANGUAGES)
MARKED = "a\u202eb<b>c</b>"
"""A mark that turns what follows, and markup."""


def read(analysis: Analysis, lang: str = "en") -> WebPage:
    found = WebPage()
    found.feed(html_page(Report(analysis, lang)))
    found.close()
    return found


@both
def test_the_page_opens_with_its_answers_and_closed_appendices(
    pages: dict[str, WebPage], lang: str, analysis: Analysis
) -> None:
    w, page, cash = Locale(lang), pages[lang], analysis.tables["quantiles"].filter(valuation="cash")
    headings = [e.text.split(w("report.synthetic_badge"))[0].strip() for e in page.all("h2")]
    answers = [w(f"report.{x}") for x in ("drives", "decide", "options_title", "what_if")]
    assert headings[:4] == answers
    (lead,) = page.all("p", class_="lead")
    for measure in ("p10", "p50", "p90", "expected"):
        assert w.money(cash.filter(measure=measure)["value"].item()) in lead.text
    without, all_paid, together = (e.text for e in page.all("p", class_="without"))
    assert ("14" in without, "8,461" in all_paid) == (True, True)
    assert w.money(cash.filter(measure="p90")["stressed"].item()) in together
    seen = [e for e in page.elements if "section.answer" in e.within and e.tag in ("p", "li", "h2", "dd")]
    text = " ".join(e.text for e in seen).replace(w("report.examples_link"), "")  # to a synthetic appendix
    assert not re.search(rf"{re.escape(w('report.synthetic_badge'))}|\b[A-Z]{{2}}-\d\d", text)
    appendices = [e for e in page.all("details") if "appendix" in e.attributes.get("class", "")]
    assert len(appendices) > 8
    assert all("open" not in e.attributes for e in appendices)
    screens = [e.attributes["id"] for e in page.all("h2") if "id" in e.attributes]
    assert screens == ["what-if", "service-bands", "published", "why", "compared", "method", "appendices"]


# --- the first screen -----------------------------------------------------------------------------------


@both
def test_every_driver_says_in_plain_words_what_it_is(
    pages: dict[str, WebPage], lang: str, analysis: Analysis
) -> None:
    w = Locale(lang)
    drivers = analysis.tables["tornado"].filter(valuation="cash").head(3)
    assert drivers["kind"].to_list() == ["review_award", "filing_share", "band_mix"]
    for row in drivers.iter_rows(named=True):
        (sentence,) = [
            e.text
            for e in pages[lang].all("li")
            if "div.answers" in e.within and capitalized(w(f"plain.{row['kind']}")) in e.text
        ]
        assert all(w.money(row[end]) in sentence for end in ("cost_low", "cost_high"))


# --- tables, accounting ---------------------------------------------------------------------------------


@both
def test_charts_have_tables_beside_them(pages: dict[str, WebPage], lang: str) -> None:
    w = Locale(lang)
    captions = {e.text for e in pages[lang].all("caption")}
    titles = ("steps", "exceedance", "drivers", "doubt", "funnel", "free", "backtest")
    assert {w("report.differs"), *(w(f"report.{title}_title") for title in titles)} <= captions


@both
def test_the_controller_reads_a_best_estimate_or_why_there_is_none(
    pages: dict[str, WebPage], analysis: Analysis, lang: str
) -> None:
    w = Locale(lang)
    rows = {r[w("column.line")]: r for r in pages[lang].table(w("report.controller_title"))}
    exact = partial(w, "report.exact", unit=w.unit)
    told = {
        "small-business-cash": exact(amount="261,364,185"),
        "emoticon-plus": w("report.controller_unreliable"),
        "pay-merchant-support": w("report.controller_not_due"),
        "taxi-pro-membership": w(
            "report.controller_between", low=exact(amount="0"), high=exact(amount="1,840,002,950")
        ),
        "paid-services": w("report.controller_whole", amount=exact(amount="59,972,100,000")),
        "makers-coupons": w("report.controller_face", amount=exact(amount="24,897,252,090")),
    }
    names = {x.id: x.name[lang] for x in analysis.policy.lines}
    assert {id_: rows[names[id_]][w("column.best_estimate")] for id_ in told} == told
    total = w(
        "report.controller_total", presentation=w("explain.expense"), amount=told["small-business-cash"]
    )
    assert [e.text for e in pages[lang].all("li") if e.text == total] == [total]


# --- sliders on the page --------------------------------------------------------------------------------


@pytest.mark.slow
def test_inputs_that_are_tied_and_bounds_have_a_sentence_in_place_of_sliders(edited: Edited) -> None:
    tie = '\n[[correlation]]\nof = ["as-filing-share", "as-acceptance"]\nrank = 0.5\nrationale = "a test"\n'
    ledger = edited("assumptions", 'id = "kakao-2022"', 'id = "tied"')
    ledger.write_text(ledger.read_text("utf-8") + tie, "utf-8")
    bounds = edited("policies", 'closed = "upper"', 'closed = "lower"')
    for plan, reason in (
        (Plan(policy="kakao-2022", ledger=ledger, claims=(), draws=FEW), "tied"),
        (Plan(policy=bounds, as_of=date(2022, 12, 30), claims=()), "none"),
    ):
        found = read(run(plan))
        assert Locale("en")(f"report.what_if_{reason}") in found.prose()
        assert not found.all("input", type="range")


# --- hostile names and sizes ----------------------------------------------------------------------------


@pytest.mark.slow
def test_marks_of_direction_are_written_out_wherever_a_name_stands(edited: Edited) -> None:
    named = json.dumps(MARKED)
    incident = edited(
        "incidents",
        *('name = { en = "Kakao service outage, October 2022"', f"name = {{ en = {named}"),
        *('en = "Dailian (newspaper): tiers for every report"', f"en = {named}"),
    )
    policy = edited(
        "policies", 'en = "Cash for small businesses"', f"en = {named}", 'en = "Announced as', 'en = "\u202eA'
    )
    ledger = edited("assumptions", 'owner = "outage-analysis"', f"owner = {named}")
    text = html_page(Report(run(Plan(incident=incident, policy=policy, ledger=ledger, claims=(), draws=FEW))))
    assert "\u202e" not in text
    assert "<b>c" not in text
    assert text.count("aU+202Eb&lt;b&gt;c&lt;/b&gt;") > 5


Bundles = dict[str, Path]


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_data_have_a_section_that_accounts_for_every_row(
    tmp_path: Path, claims_csv: ClaimsCsv, lang: str
) -> None:
    rows = [{"claimant_id": "u1"}, {"claimant_id": "u1", "loss": "500000"}, {"loss": "-7"}, {"loss": "15"}]
    analysis = run(Plan(claims=(claims_csv(rows, name="우리.csv"),), max_rejects=0.5, draws=FEW))
    words = Locale(lang)
    page = WebPage.of(write_report(analysis, tmp_path / "out", lang=lang, formats=("html",)))
    assert words("report.quality_line", rows=4, claims=3, rejects=1) in page.prose()
    assert words("report.quality_clean") not in page.prose()
    (file,) = page.table(words("report.quality_files"))
    shown = [
        file[words(f"column.{c}")] for c in ("file", "encoding", "rows", "claims", "rejects", "first_day")
    ]
    assert shown == ["우리.csv", "utf-8", "4", "3", "1", words.day(date(2022, 10, 19))]
    (rule,) = page.table(words("report.quality_rules"))
    assert list(rule.values()) == ["우리.csv", words("rule.loss is not negative"), "1", "4", "-7"]


def charts_of(page: WebPage) -> dict[str, dict[str, Any]]:
    specs: dict[str, dict[str, Any]] = {}
    for element in page.all("script", class_="charts"):
        specs |= json.loads(element.text)
    return specs


# --- what a bundle holds ------------------------------------------------------------------------------


def test_a_parquet_file_states_the_unit_and_the_meaning_of_its_columns(
    bundles: Bundles, analysis: Analysis
) -> None:
    for name in analysis.tables:
        stem = f"{name}-synthetic" if name.startswith("claims_") else name
        stated = pl.read_parquet_metadata(bundles["en"] / "tables" / f"{stem}.parquet")
        schema = analysis.tables.schema(name)
        told = [(c.name, {"unit": str(c.unit), "description": c.description}) for c in schema.columns]
        assert (stated["row"], [*json.loads(stated["columns"]).items()]) == (schema.row, told)


# --- hostile text --------------------------------------------------------------------------------------


# --- offline -------------------------------------------------------------------------------------------


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
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    inside = {e.attributes["href"][1:] for e in page.all("a") if e.attributes["href"].startswith("#")}
    assert inside
    assert inside <= set(ids)
    places = {e.attributes["id"]: e.attributes["aria-label"] for e in page.all("div", class_="chart")}
    specs = {name: spec for name, spec in charts_of(page).items() if name != "linked"}
    assert places.keys() == {f"chart-{name}" for name in (*specs, "linked")}
    assert len(specs) == 10
    for name, spec in specs.items():
        assert places[f"chart-{name}"] == spec["description"]
        assert len(json.dumps(spec["datasets"], ensure_ascii=False).encode()) <= 20_000, name


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
    cash, face = (dict[str, Any](analysis.totals_row("published", v) or {}) for v in ("cash", "face_value"))
    goods = words.money(48_000_000 * (6_500 + 5_000) + 3_000_000 * 1_900 + 1_000_000 * 50_000)
    assert said.count(words("report.tile_free_note", promised=goods)) == 1
    assert words("report.tile_free_note", promised=words.money(face["promised"])) not in said
    for column in ("promised", "low", "expected", "high"):
        assert f"{(cash[column] or 0) + (face[column] or 0):,.0f}" not in said


# --- other plans -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.5, pytest.param(2.0, marks=pytest.mark.slow)])
def test_the_recommendation_says_if_it_exceeds_the_budget(analysis: Analysis, share: float) -> None:
    """The budget is half or twice the P90 of the cash; a budget never includes handling."""
    reserve = dict(analysis.tables["reserve"].select("measure", "cash").iter_rows())
    budget = int(share * reserve["p90"])
    report = Report(run(Plan(claims=(), budget=budget)), "en")
    said = [text for text in report.answers.recommended if "more than the budget" in text]
    assert len(said) == (share < 1)
    assert all(report.locale.money(reserve["p90"]) in text for text in said)


@both
def test_lines_without_detail_and_handling_stand_beside_the_cash_and_in_no_sum_of_it(
    pages: dict[str, WebPage], analysis: Analysis, lang: str
) -> None:
    w, page, said = Locale(lang), pages[lang], pages[lang].prose()
    sums: list[Any] = [analysis.totals_row("published", v) for v in ("cash", "top_down", "handling")]
    cash, top_down, handling = (float(total["expected"]) for total in sums)
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
    reserved = said.partition(w("report.decide"))[2].partition(w("report.options_title"))[0]
    assert {"en": "cash and handling together", "ko": "현금 비용과 처리 비용 합계"}[lang] in reserved
    assert w.money(cash + handling) in reserved


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
