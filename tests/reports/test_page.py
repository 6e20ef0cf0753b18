"""The page: what its first screen answers, a table beside every chart, hostile names, a size that stays."""

from __future__ import annotations

import json
import re
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import pytest

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.files import bundled_claims
from outage_analysis.reports import Report
from outage_analysis.reports.grids import MAX_CELL_LENGTH, truncate
from outage_analysis.reports.html import html_page
from outage_analysis.text import LANGUAGES, Locale, capitalized
from tests.html_page import WebPage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import ClaimsCsv, Edited

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
    answers = [w(f"report.{x}") for x in ("drives", "narrows", "decide", "options_title", "what_if")]
    assert headings[:5] == answers
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
    w, said = Locale(lang), pages[lang].prose()
    drivers = analysis.tables["tornado"].filter(valuation="cash").head(3)
    assert drivers["kind"].to_list() == ["review_award", "filing_share", "band_mix"]
    for row in drivers.iter_rows(named=True):
        (sentence,) = [
            e.text
            for e in pages[lang].all("li")
            if "div.answers" in e.within and capitalized(w(f"plain.{row['kind']}")) in e.text
        ]
        assert all(w.money(row[end]) in sentence for end in ("cost_low", "cost_high"))
        assert sentence in said


# --- tables, accounting ---------------------------------------------------------------------------------


@both
def test_every_chart_has_a_table_beside_it(pages: dict[str, WebPage], lang: str) -> None:
    w, beside = Locale(lang), dict[str, int]()
    for e in pages[lang].elements:  # a table follows each chart before the next one
        if e.tag == "div" and e.attributes.get("class") == "chart":
            beside[e.attributes["id"]] = 0
        if e.tag == "table" and beside:
            beside[list(beside)[-1]] += 1
    assert {name for name, tables in beside.items() if not tables} <= {"chart-total_hindsight"}
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


@both
def test_every_slider_has_a_number_field_and_a_label(pages: dict[str, WebPage], lang: str) -> None:
    found = pages[lang]
    numbers, boxes, ranges = (found.all("input", type=kind) for kind in ("number", "checkbox", "range"))
    (budget,) = found.all("input", type="text")
    assert (len(numbers), len(boxes), len(ranges)) == (9 + 1, 3 + 3, 9)  # with the step and the search
    pays = [f"small-business-cash.pays.{n}" for n in (0, 1)]
    assert [e.attributes["value"] for e in boxes[3:5]] == pays
    labels = [*["label."] * 10, *["label.exactly"] * 3, *["label.pick"] * 3, "label.budget"]
    for field, label in zip((*numbers, *boxes, budget), labels, strict=True):
        assert label in field.within
    names = [e.text for e in found.all("span", class_="name")]
    assert [e.attributes["aria-label"] for e in ranges] == names
    assert all(name.strip() for name in names)
    assert [e.attributes["aria-live"] for e in found.all("output")] == ["polite"] * 5
    (data,) = found.all("script", id="what-if-data")
    assert json.loads(data.text)["report"]["cash"] == pytest.approx(261_364_185, abs=1)


# --- sliders on the page --------------------------------------------------------------------------------


@pytest.mark.slow
def test_inputs_that_depend_on_each_other_have_a_sentence_in_place_of_sliders(edited: Edited) -> None:
    tie = '\n[[correlation]]\nof = ["as-filing-share", "as-acceptance"]\nrank = 0.5\nrationale = "a test"\n'
    ledger = edited("assumptions", 'id = "kakao-2022"', 'id = "tied"')
    ledger.write_text(ledger.read_text("utf-8") + tie, "utf-8")
    found = read(run(Plan(policy="kakao-2022", ledger=ledger, claims=(), draws=FEW)))
    assert Locale("en")("report.what_if_tied") in found.prose()
    assert not found.all("input", type="range")


@pytest.mark.slow
def test_a_report_of_bounds_has_a_sentence_in_place_of_sliders(edited: Edited) -> None:
    policy = edited("policies", 'closed = "upper"', 'closed = "lower"')
    found = read(run(Plan(policy=policy, as_of=date(2022, 12, 30), claims=())))
    assert Locale("en")("report.what_if_none") in found.prose()
    assert not found.all("input", type="range")
    assert "chart-headlines" not in {e.attributes.get("id") for e in found.elements}


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


@pytest.mark.slow
def test_a_long_text_from_a_file_is_cut(claims_csv: ClaimsCsv) -> None:
    assert truncate("x" * 10_000) == "x" * (MAX_CELL_LENGTH - 1) + "…"
    assert truncate("\u202e" * 10_000).startswith("U+202EU+202E")
    assert len(truncate("\u202e" * 10_000)) == MAX_CELL_LENGTH
    assert truncate("우리 😀.csv") == "우리 U+1F600.csv"
    name = "n" * 200 + ".csv"
    found = read(run(Plan(claims=(claims_csv([{}], name=name),), draws=FEW)))
    assert name not in found.prose()
    assert "n" * (MAX_CELL_LENGTH - 1) + "…" in found.prose()


@pytest.mark.slow
def test_twenty_times_the_claims_make_a_page_of_the_same_size(tmp_path: Path, own_case: Analysis) -> None:
    bundled = bundled_claims("kakao-2022")
    assert bundled
    many = tmp_path / "complaints.parquet"
    pl.read_parquet(bundled).drop("synthetic").write_parquet(many)
    cases = (own_case, run(Plan(claims=(many,))))
    sizes = [len(html_page(Report(case))) for case in cases]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)
