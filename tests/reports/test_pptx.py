"""The deck: slides that say what the page says, with its charts, notes with sources, and the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pptx import Presentation
from pptx.presentation import Presentation as Deck

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.files import data_root
from outage_analysis.reports import Report
from outage_analysis.reports.blocks import BulletList, Heading, Text
from outage_analysis.reports.deck import build_deck
from outage_analysis.reports.own_sections import own_section
from outage_analysis.text import LANGUAGES
from tests.paths import OWN_OUTAGE
from tests.zip_files import unpacked

WEEK = date(2022, 10, 24)
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
    "kt": Plan(incident="kt-2018", claims=(), draws=1024),
    "trams": Plan(incident="trams", draws=1024),
}
"""Without an expected cost, without doubt, with options and a budget, from published counts, from claims."""
CASES: list[Any] = [*LANGUAGES, "silent", "certain", "compared"]
CASES += [pytest.param(name, marks=pytest.mark.slow) for name in ("kt", "trams")]
Made = tuple[Report, bytes, Deck]
PICTURE = 13
WIDTH, HEIGHT = 12_191_695, 6_858_000
"""The size of a slide of 13.333 by 7.5 inches, in English Metric Units."""


@pytest.fixture(scope="module")
def made_deck(reports: dict[str, Report], bundles: dict[str, Path]) -> Callable[[str], Made]:
    """The bundled case in each language, and small ones."""

    @cache
    def found(name: str) -> Made:
        report = reports[name] if name in reports else Report(run(PLANS[name]))
        data = (bundles[name] / "report.pptx").read_bytes() if name in bundles else build_deck(report)
        return report, data, Presentation(io.BytesIO(data))

    return found


def titles(deck: Deck) -> list[str]:
    return [slide.shapes.title.text for slide in deck.slides]


def texts(slide: Any) -> list[str]:  # noqa: ANN401 - no types
    """Every text of a slide, those of tables too."""
    found = [s.text_frame.text for s in slide.shapes if s.has_text_frame]
    for shape in slide.shapes:
        if shape.has_table:
            found += [cell.text for row in shape.table.rows for cell in row.cells]
    return found


def notes(deck: Deck) -> list[str]:
    return [slide.notes_slide.notes_text_frame.text for slide in deck.slides]


def pictures(slide: Any) -> list[str]:  # noqa: ANN401 - no types
    """The text alternatives of the pictures of a slide."""
    return [alternative(shape) for shape in slide.shapes if shape.shape_type == PICTURE]


def alternative(shape: Any) -> str:  # noqa: ANN401 - no types
    return str(shape._element.xpath(".//p:cNvPr")[0].get("descr", ""))  # noqa: SLF001 - no property


# --- what the slides say -------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_five_slides_give_the_answer_why_the_decision_what_others_said_and_the_limits(
    made_deck: Callable[[str], Made], lang: str
) -> None:
    report, data, deck = made_deck(lang)
    parts = unpacked(data)
    charts, sections = report.charts, {section.id: section for section in report.sections}
    shown = [charts[name].title for name in ("total_distribution", "waterfall", "headlines")]
    assert titles(deck) == [*shown[:2], report.locale("report.decide"), shown[2], sections["method"].title]
    first = deck.slides[0]
    assert len(report.answers.headline) > 2
    assert all(x in "\n".join(texts(first)) for x in (*report.answers.headline, report.policy, report.title))
    assert pictures(first) == [charts["total_distribution"].description]
    for number, grid in ((1, "steps"), (1, "tornado"), (3, "headlines")):  # the figures behind a picture
        rows = report.grids[grid].rows
        assert len(rows) > 2
        cells = [re.sub("<[^>]*>", "", str(cell)) for row in rows for cell in row]
        assert [cell for cell in cells if cell not in notes(deck)[number]] == []
    slides = b"".join(data for name, data in parts.items() if name.startswith("ppt/slides/slide"))
    assert set(re.findall(rb'lang="([^"]*)"', slides)) == {b"en-US" if lang == "en" else b"ko-KR"}
    theme = parts["ppt/theme/theme1.xml"].decode()
    assert theme.count('<a:ea typeface="Malgun Gothic"/>') == 2


@pytest.mark.parametrize("case", CASES)
def test_a_deck_is_titled_whole_and_laid_out_for_readers(made_deck: Callable[[str], Made], case: str) -> None:
    report, _, deck = made_deck(case)
    said = "\n".join(notes(deck))
    check_layout(deck)
    assert len(set(filter(str.strip, titles(deck)))) == len(titles(deck)) >= 3  # for an outline
    for section in report.slides:
        assert section.title in said
        for block in section.blocks:
            parts = block.items if isinstance(block, BulletList) else ()
            parts += (block.text,) if isinstance(block, Text | Heading) else ()
            assert [part for part in parts if part not in said] == []
    shown = [text for slide in deck.slides for text in texts(slide)]
    assert [text for text in shown if re.search("…|see the notes|노트", text)] == []  # nothing is cut
    for shape in (shape for slide in deck.slides for shape in slide.shapes):
        assert bool(alternative(shape)) == (shape.shape_type == PICTURE or shape.has_table), shape.name
        assert not shape.has_chart
        sizes = {int(size) for size in shape._element.xpath(".//a:r/a:rPr/@sz")}  # noqa: SLF001 - no property
        crowded = shape.name == "Table: headlines"  # every press figure, where no chart can be drawn
        assert not sizes or min(sizes) >= (1200 if crowded else 1400)


def check_layout(deck: Deck) -> None:
    """No placeholder is empty, and nothing overlaps or leaves its slide."""
    for number, slide in enumerate(deck.slides, start=1):
        assert [s.name for s in slide.placeholders if not s.text_frame.text.strip()] == []
        assert slide.placeholders[12].text_frame.text == str(number)
        boxes = [(s.left, s.top, s.left + s.width, s.top + s.height) for s in slide.shapes]
        for left, top, right, low in boxes:
            assert 0 <= left < right <= WIDTH
            assert 0 <= top < low <= HEIGHT
        for one, other in combinations(boxes, 2):
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (number, one, other)


def test_the_document_says_what_it_is_without_a_clock_or_a_part_without_a_use(
    made_deck: Callable[[str], Made],
) -> None:
    report, data, deck = made_deck("en")
    told, parts = deck.core_properties, unpacked(data)
    assert (told.title, told.author, told.revision) == (report.title, "outage-analysis", 1)
    assert [layout.name for layout in deck.slide_layouts] == ["Title Only"]
    assert list(parts) == sorted(parts)
    assert not re.search("printerSettings|thumbnail|embeddings", " ".join(parts))
    xml = b"".join(data for name, data in parts.items() if name.endswith((".xml", ".rels")))
    assert set(re.findall(rb"\d{4}-\d\d-\d\dT[\d:.]+Z?", xml)) == {b"2022-12-30T00:00:00Z"}


def test_policies_are_compared_on_a_slide(made_deck: Callable[[str], Made]) -> None:
    report, _, deck = made_deck("compared")
    slide = deck.slides[3]
    assert "300 million won" in titles(deck)[0]
    assert report.analysis.compared is not None
    assert report.analysis.compared.sentence(report.locale) in texts(slide)[2]
    assert pictures(slide) == [report.charts["comparison"].description]


@pytest.mark.parametrize(
    ("case", "said"),
    [("silent", "No expected cash cost can be given"), ("certain", "No input of this cost is uncertain")],
)
def test_what_is_missing_is_stated_in_words(made_deck: Callable[[str], Made], case: str, said: str) -> None:
    first = made_deck(case)[2].slides[0]
    assert said in "\n".join(texts(first))
    assert pictures(first) == []


# --- text from outside -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("hostile", [HOSTILE + " 나" * 1_250, "W" * 2_500])
def test_names_of_any_length_stay_on_the_slide(analysis: Analysis, hostile: str) -> None:
    report = Report(analysis)
    vars(report)["charts"] = {
        name: replace(c, title=hostile, subtitle=hostile) for name, c in report.charts.items()
    }
    vars(report)["answers"] = replace(
        report.answers,
        headline=(hostile, hostile),
        recommended=(hostile,),
        left_out=(hostile,) * 40,
        options=pl.concat([report.answers.options.with_columns(name=pl.lit(hostile))] * 9),
    )
    deck = Presentation(io.BytesIO(build_deck(report)))
    check_layout(deck)
    for slide in deck.slides:
        assert max(map(len, texts(slide))) < 2_000
    assert any(text.endswith(" more: see the notes.") for text in texts(deck.slides[2]))
    assert all(hostile[-2_500:] in text for text in notes(deck))


def test_rows_that_do_not_fit_are_counted_and_stand_in_the_notes(analysis: Analysis) -> None:
    frame = pl.DataFrame({"place": [f"place {n}" for n in range(60)], "count": range(60)})
    added = own_section("Places", ["A note.", frame])
    deck = Presentation(io.BytesIO(build_deck(Report(analysis, own_sections=(added,)))))
    slide = deck.slides[5]
    (table,) = [shape.table for shape in slide.shapes if shape.has_table]
    shown = len(table.rows) - 2  # without the head and the last row
    assert 8 < shown < 60
    assert table.cell(shown, 0).text == f"place {shown - 1}"
    assert table.cell(shown + 1, 0).text == f"{60 - shown} more: see the notes."
    assert "place 59; 59" in notes(deck)[5]
    check_layout(deck)


# --- in an office ------------------------------------------------------------------------------------------
