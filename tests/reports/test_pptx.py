"""The deck: five slides that say what the page says, native charts, notes with sources, the same bytes."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
from datetime import date, datetime
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pptx import Presentation
from pptx.presentation import Presentation as Deck
from pypdf import PdfReader

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.files import data_root
from outage_analysis.reports import Report
from outage_analysis.reports.archives import read_members
from outage_analysis.reports.deck.canvas import whole_paragraphs
from outage_analysis.reports.deck.native_charts import amount_format
from outage_analysis.reports.deck.slides import build_deck
from outage_analysis.reports.deck.theme import (
    EMU,
    HEIGHT,
    WIDTH,
    Paragraph,
    fit_paragraphs,
    line_count,
    text_height,
    truncate_lines,
)
from outage_analysis.reports.table_views import headline_amount, headline_forecast
from outage_analysis.text import LANGUAGES, Locale
from tests.paths import OWN_OUTAGE

if TYPE_CHECKING:
    from tests.conftest import Edited

WEEK = date(2022, 10, 24)
SOFFICE = shutil.which("soffice")
REQUIRED = os.environ.get("CI_REQUIRE_BROWSER") == "1"
HOSTILE = '=HYPERLINK("http://evil.example","x")<b>&\u202e\x1b' + "가" * 70
PLANS = {
    "silent": Plan(policy=data_root() / "policies" / "kakao-2022.toml", as_of=date(2022, 12, 30), claims=()),
    "certain": Plan(
        incident=OWN_OUTAGE / "incident.toml",
        policy=OWN_OUTAGE / "policy.toml",
        claims=(OWN_OUTAGE / "claims.csv",),
    ),
    "compared": Plan(
        policy="kakao-candidate-cash",
        ledger="kakao-2022-10-24",
        compare=("kakao-candidate-voucher", "kakao-candidate-fees"),
        as_of=WEEK,
        budget=300_000_000,
        claims=(),
        draws=1024,
    ),
}
"""Without an expected cost, without doubt, with options and a budget."""
CASES = [*LANGUAGES, *PLANS]


@pytest.fixture(scope="module")
def reports(analysis: Analysis) -> dict[str, Report]:
    """The bundled case in each language, and small ones."""
    others = {name: Report(run(plan)) for name, plan in PLANS.items()}
    return {lang: Report(analysis, lang) for lang in LANGUAGES} | others


@pytest.fixture(scope="module")
def files(reports: dict[str, Report]) -> dict[str, bytes]:
    return {name: build_deck(report) for name, report in reports.items()}


@pytest.fixture(scope="module")
def decks(files: dict[str, bytes]) -> dict[str, Deck]:
    return {name: Presentation(io.BytesIO(data)) for name, data in files.items()}


def titles(deck: Deck) -> list[str]:
    return [slide.shapes.title.text for slide in deck.slides]


def texts(slide: Any) -> list[str]:  # noqa: ANN401 - no types
    """Every text of a slide, those of tables and charts too."""
    found = [s.text_frame.text for s in slide.shapes if s.has_text_frame]
    for shape in slide.shapes:
        if shape.has_table:
            found += [cell.text for row in shape.table.rows for cell in row.cells]
        if shape.has_chart:
            found += [str(c) for plot in shape.chart.plots for c in plot.categories]
    return found


def charts(slide: Any) -> list[Any]:  # noqa: ANN401 - no types
    return [shape.chart for shape in slide.shapes if shape.has_chart]


# --- what the slides say -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_there_are_five_slides_whose_titles_an_outline_reads_and_one_more_if_claims_give_the_cost(
    reports: dict[str, Report], decks: dict[str, Deck], case: str
) -> None:
    slides = 6 if reports[case].analysis.headline_from_claims else 5
    assert len(titles(decks[case])) == slides
    assert len({title for title in titles(decks[case]) if title.strip()}) == slides


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_second_slide_says_what_the_first_screen_says(
    reports: dict[str, Report], decks: dict[str, Deck], lang: str
) -> None:
    report = reports[lang]
    answers, second = report.answers, "\n".join(texts(decks[lang].slides[1]))
    assert report.options
    cells = (str(cell) for row in report.options.rows for cell in row)
    notes = decks[lang].slides[1].notes_slide.notes_text_frame.text
    assert answers.headline[0] in second
    assert [text for text in answers.headline if text not in notes] == []
    sentences = (*answers.drives, *answers.narrows, *cells)
    assert len(sentences) >= 6
    assert [sentence for sentence in sentences if sentence not in second] == []
    assert all(f"{measure} {amount}" in second for measure, amount in answers.reserve)
    assert titles(decks[lang])[1] == report.charts["total_distribution"].title
    ranges = report.analysis.tables["cost_ranges"].filter(line="")
    for low, median, high in ranges.select("range_low", "p50", "range_high").rows():
        assert report.locale.money(median) in second
        assert report.locale.money_range(low, high) in second


@pytest.mark.parametrize("case", CASES)
def test_the_first_slide_lists_the_findings_of_the_others(
    reports: dict[str, Report], decks: dict[str, Deck], case: str
) -> None:
    first, *others = titles(decks[case])
    shown = "\n".join(texts(decks[case].slides[0]))
    assert first == reports[case].title
    assert all(title in shown for title in others)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_synthetic_and_no_fact_code_is_on_the_slides_of_a_case_from_published_counts(
    reports: dict[str, Report], decks: dict[str, Deck], lang: str
) -> None:
    shown = "\n".join(text for slide in decks[lang].slides for text in texts(slide))
    assert reports[lang].locale("report.synthetic_badge") not in shown
    assert not re.search(r"\b[A-Z]{2}-\d\d\b", shown)


@pytest.mark.parametrize("case", CASES)
def test_no_text_on_a_slide_ends_in_an_ellipsis(decks: dict[str, Deck], case: str) -> None:
    assert [text for slide in decks[case].slides for text in texts(slide) if "…" in text] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_headlines_stand_beside_ours_in_a_table(
    reports: dict[str, Report], decks: dict[str, Deck], lang: str
) -> None:
    report = reports[lang]
    (table,) = [shape.table for shape in decks[lang].slides[3].shapes if shape.has_table]
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    told = report.analysis.tables["headlines"].filter(fact="CO-01").row(0, named=True)
    ours = report.analysis.tables["headlines"].filter(fact="").row(0, named=True)
    assert cells[1][1] == headline_forecast(ours, report.locale)
    assert cells[1][1].startswith(report.locale.money(report.analysis.expected_cash() or 0.0))
    assert [row[1] for row in cells if row[0] == report.names["CO-01"]] == [
        headline_amount(told["low"], told["high"], report.locale)
    ]
    assert len(cells) == 1 + len(report.analysis.tables["headlines"])


def test_the_options_are_compared_and_the_budget_is_answered(
    reports: dict[str, Report], decks: dict[str, Deck]
) -> None:
    report, deck = reports["compared"], decks["compared"]
    assert "300 million won" in titles(deck)[1]
    (table,) = [shape.table for shape in deck.slides[4].shapes if shape.has_table]
    assert [row.cells[0].text for row in table.rows][1:] == [
        "Cash on proof, as KT in 2018",
        "A voucher on application, as SK Telecom in 2008",
        "Fees handed back, nothing else",
    ]
    assert report.analysis.compared is not None
    compared = report.analysis.compared
    assert compared.sentence(report.locale, benefits=False) in texts(deck.slides[4])
    notes = deck.slides[4].notes_slide.notes_text_frame
    assert notes is not None
    assert "pays most per recipient" in notes.text


@pytest.mark.parametrize(("case", "slide"), [("silent", 1), ("silent", 2), ("certain", 1), ("certain", 2)])
def test_what_is_missing_is_stated_in_words(decks: dict[str, Deck], case: str, slide: int) -> None:
    shown = decks[case].slides[slide]
    assert not charts(shown)
    assert len(" ".join(texts(shown)).split()) > 15


def test_a_cost_that_nobody_can_give_is_no_figure(decks: dict[str, Deck]) -> None:
    assert "no expected cash cost" in titles(decks["silent"])[1]
    assert "–" not in texts(decks["silent"].slides[1])


# --- notes, alternatives, shape ---------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_notes_name_the_facts_with_their_hosts_and_the_day(
    reports: dict[str, Report], decks: dict[str, Deck], lang: str
) -> None:
    notes = [slide.notes_slide.notes_text_frame.text for slide in decks[lang].slides]
    report = reports[lang]
    for text in notes:
        assert "CL-13" in text
        assert re.search(r"\w\.(com|kr|net)", text)
        assert report.locale.day(report.analysis.as_of) in text
        assert report.banner not in text
        assert "http" not in text
    assert "as-filing-share" in notes[2]
    assert "CO-08" in notes[3]


@pytest.mark.parametrize("case", CASES)
def test_charts_are_native_and_everything_has_an_alternative(decks: dict[str, Deck], case: str) -> None:
    kinds = {part.partname.split("/")[2] for part in decks[case].part.package.iter_parts()}
    assert "media" not in kinds
    for slide in decks[case].slides:
        for shape in slide.shapes:
            told = shape._element.xpath(".//p:cNvPr")[0].get("descr", "")  # noqa: SLF001 - no property
            assert bool(told) == (shape.has_chart or shape.has_table), shape.name


@pytest.mark.parametrize("case", CASES)
def test_no_placeholder_is_empty_and_nothing_overlaps_or_leaves_the_slide(
    decks: dict[str, Deck], case: str
) -> None:
    for number, slide in enumerate(decks[case].slides, start=1):
        assert [s.name for s in slide.placeholders if not s.text_frame.text.strip()] == []
        assert slide.placeholders[12].text_frame.text == str(number)
        boxes = {s.shape_id: (s.left, s.top, s.left + s.width, s.top + s.height) for s in slide.shapes}
        assert len(boxes) == len(slide.shapes)
        for left, top, right, low in boxes.values():
            assert 0 <= left < right <= WIDTH * EMU
            assert 0 <= top < low <= HEIGHT * EMU
        for (a, one), (b, other) in combinations(boxes.items(), 2):
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (number, a, b)


# --- the same bytes --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_same_report_gives_the_same_bytes(analysis: Analysis, files: dict[str, bytes]) -> None:
    assert build_deck(Report(analysis, "ko")) == files["ko"]


def test_no_clock_is_in_the_deck_nor_in_the_workbooks_inside_it(files: dict[str, bytes]) -> None:
    parts = read_members(files["en"])
    books = {name: read_members(data) for name, data in parts.items() if name.endswith(".xlsx")}
    assert len(books) == 3
    stamps = set()
    for held in (parts, *books.values()):
        assert list(held) == sorted(held)
        for name, data in held.items():
            if name.endswith((".xml", ".rels")):
                stamps |= set(re.findall(rb"\d{4}-\d\d-\d\dT[\d:.]+Z?", data))
    assert stamps == {b"2022-12-30T00:00:00Z"}


def test_the_document_says_what_it_is(reports: dict[str, Report], decks: dict[str, Deck]) -> None:
    told = decks["en"].core_properties
    assert (told.title, told.author, told.revision) == (reports["en"].title, "outage-analysis", 1)
    assert told.created == told.modified == datetime(2022, 12, 30)  # noqa: DTZ001 - the format has no zone
    assert [layout.name for layout in decks["en"].slide_layouts] == ["Title Only"]


# --- text from outside -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_hostile_names_are_text_alone(edited: Edited) -> None:
    quoted = json.dumps(HOSTILE, ensure_ascii=False)
    incident = edited("incidents", '"Dailian: tiers for every report"', quoted)
    ledger = edited("assumptions", '"Filing share: reports with a loss that file"', quoted)
    policy = edited("policies", '"Kakao compensation package of 29 December 2022"', quoted)
    plan = Plan(incident=incident, policy=policy, ledger=ledger, claims=(), draws=1024, hindsight=False)
    data = build_deck(Report(run(plan)))
    deck = Presentation(io.BytesIO(data))
    shown = "\n".join(text for slide in deck.slides for text in texts(slide))
    assert shown.count('=HYPERLINK("http://evil.example","x")<b>&U+202EU+001B') >= 3
    parts = read_members(data)
    inside = [read_members(book) for name, book in parts.items() if name.endswith(".xlsx")]
    for held in (parts, *inside):
        for name, content in held.items():
            assert not re.search(rb'hlink(Click|Hover)|<hyperlink|<f>|TargetMode="External"', content), name


@pytest.mark.slow
def test_names_of_any_length_stay_on_the_slide(analysis: Analysis) -> None:
    report = Report(analysis)
    vars(report)["charts"] = {}
    vars(report)["names"] = dict.fromkeys(report.names, HOSTILE + " 나" * 5_000)
    for slide in Presentation(io.BytesIO(build_deck(report))).slides:
        assert max(map(len, texts(slide))) < 2_000
        assert all(shape.top + shape.height <= HEIGHT * EMU for shape in slide.shapes)


# --- what fits -------------------------------------------------------------------------------------------


def test_text_is_made_to_fit_its_box() -> None:
    lines = [Paragraph("word " * 200, 20), Paragraph("가" * 9_000, 20)]
    shown = fit_paragraphs(lines, 3.0, 2.0)
    assert text_height(shown, 3.0) <= 2.0
    assert all(line.text.endswith("…") for line in shown)
    assert fit_paragraphs([Paragraph("short", 20)], 3.0, 2.0) == [Paragraph("short", 20)]


def test_paragraphs_that_do_not_fit_are_left_to_the_notes() -> None:
    lines = [Paragraph(f"{n} " + "word " * 12, 12) for n in range(6)]
    locale = Locale("en")
    shown = whole_paragraphs(lines, 3.0, 1.5, locale)
    kept = len(shown) - 1
    assert 0 < kept < len(lines)
    assert [line.text for line in shown] == [
        *(line.text for line in lines[:kept]),
        f"{len(lines) - kept} more: see the notes.",
    ]
    assert text_height(shown, 3.0) <= 1.5
    assert whole_paragraphs(lines, 9.0, 9.0, locale) == lines
    assert whole_paragraphs([], 9.0, 9.0, locale) == []


def test_a_line_is_cut_after_a_word() -> None:
    assert line_count("one two three", 72, 3.0) > 1
    assert truncate_lines("a sentence of several words that goes on", 12, 2.0) == "a sentence of several…"
    assert truncate_lines("short", 12, 2.0) == "short"


@pytest.mark.parametrize(
    ("lang", "amounts", "unit", "shown"),
    [
        ("en", [6.3e6, 2e9], "million won", ",,"),
        ("en", [3e8, 2e10], "billion won", ",,,"),
        ("ko", [3e8, 2e10], "백만 원", ",,"),
        ("en", [0.0, 12.5], "won", ""),
    ],
)
def test_a_chart_counts_in_a_unit_that_shows_its_smallest_bar(
    lang: str, amounts: list[float], unit: str, shown: str
) -> None:
    found = amount_format(Locale(lang), amounts)
    assert found.unit == unit
    assert found.format.endswith(f"#,##0{shown}")


# --- in an office ------------------------------------------------------------------------------------------


@pytest.mark.office
@pytest.mark.skipif(not SOFFICE and not REQUIRED, reason="needs LibreOffice (Debian's libreoffice-impress)")
def test_an_office_shows_five_pages_with_the_expected_figure(
    tmp_path: Path, files: dict[str, bytes], reports: dict[str, Report]
) -> None:
    for lang in LANGUAGES:
        (tmp_path / f"{lang}.pptx").write_bytes(files[lang])
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    asked = ["--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    decks = [str(tmp_path / f"{lang}.pptx") for lang in LANGUAGES]
    subprocess.run([SOFFICE or "soffice", profile, *asked, *decks], check=True, capture_output=True)
    for lang in LANGUAGES:
        pages = [page.extract_text() for page in PdfReader(tmp_path / f"{lang}.pdf").pages]
        assert len(pages) == 5
        figure = re.sub(r"\s", "", dict(reports[lang].answers.reserve)["P90"])
        assert figure in re.sub(r"\s", "", pages[1])
