"""The brief and the report as PDF: what a reader, a screen reader and a mail filter find in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pypdf import PageObject, PdfReader

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.reports import FORMATS, Report
from outage_analysis.reports.blocks import ChartBlock
from outage_analysis.reports.contents import PRINTED_APPENDICES
from outage_analysis.reports.own_sections import own_section
from outage_analysis.reports.pdf import ZERO_WIDTH_SPACE, printed_grids, printed_sections
from outage_analysis.text import LANGUAGES

Bundles = dict[str, Path]
BOOKS = ("brief", "report")
EVIL = "#panic() $x$ [ *b* _c_ \\ // /* @a <b> ` = 1 ~ -- \"q\" 'r'"
MARGIN = 50
"""At the bottom of a page, in points."""


@cache
def read(path: Path) -> PdfReader:
    return PdfReader(path)


@cache
def words_of(path: Path) -> tuple[str, ...]:
    """The text of each page without its white space, which a PDF does not keep."""
    return tuple(squeezed(page.extract_text()) for page in read(path).pages)


def squeezed(text: str) -> str:
    return "".join(text.replace(ZERO_WIDTH_SPACE, "").split())


def heights(page: PageObject) -> list[float]:
    """Where the texts of a page stand, in points from its bottom, but for its number."""
    found: list[float] = []

    def note(text: str, page: list[float], line: list[float], *_: object) -> None:
        if text.strip() and not re.fullmatch("[0-9/ ]+", text.strip()):
            found.append(line[4] * page[1] + line[5] * page[3] + page[5])

    page.extract_text(visitor_text=note)
    return found


def tagged(reader: PdfReader, tag: str) -> Iterator[Any]:
    """Elements of the structure that have a tag, in reading order."""
    waiting: list[Any] = [reader.root_object["/StructTreeRoot"]]
    while waiting:
        element = waiting.pop()
        if element.get("/S") == tag:
            yield element
        children = element.get("/K", [])
        children = children if isinstance(children, list) else [children]
        told = [child.get_object() for child in children if not isinstance(child, int)]
        waiting += [child for child in reversed(told) if isinstance(child, dict)]


# --- what it says of itself ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("book", BOOKS)
def test_it_is_tagged_says_what_it_is_and_holds_nothing_but_texts_fonts_and_links(
    bundles: Bundles, reports: dict[str, Report], book: str, lang: str
) -> None:
    path = bundles[lang] / f"{book}.pdf"
    reader, root = read(path), dict[str, Any](read(path).root_object)
    assert reader.metadata is not None
    assert reader.metadata.title == reports[lang].title
    assert str(reader.metadata.creation_date) == "2022-12-30 00:00:00+00:00"
    assert root["/Lang"] == lang
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
    assert len(list(tagged(reader, "/P"))) > 9
    pages = words_of(path)
    assert all(f"{n}/{len(pages)}" in page for n, page in enumerate(pages, start=1))
    assert len(pages) == 2 if book == "brief" else len(pages) <= 12
    for page in reader.pages if book == "brief" else reader.pages[:-1]:  # none is nearly empty
        assert min(x for x in heights(page) if x > MARGIN) < float(page.mediabox.height) / 2
    objects: list[Any] = [reader.get_object(number) for number in range(1, len(reader.xref[0]) + 1)]
    dicts = [o for o in objects if isinstance(o, dict)]
    named = {str(o["/BaseFont"]).partition("+")[2] for o in dicts if "/BaseFont" in o}
    assert {name.removesuffix("-Identity-H") for name in named} == {"OutageSans-Regular", "OutageSans-Bold"}
    assert all({"/FontFile3"} & set(o) for o in dicts if o.get("/Type") == "/FontDescriptor")
    assert not [o for o in dicts if {"/JS", "/OpenAction", "/AA", "/EmbeddedFiles"} & set(o)]
    actions = [o["/A"] for o in dicts if "/A" in o and o.get("/Subtype") == "/Link"]
    assert {action["/S"] for action in actions} <= {"/GoTo"}


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_has_bookmarks_and_contents_and_describes_each_chart_once(
    bundles: Bundles, reports: dict[str, Report], lang: str
) -> None:
    report, folder = reports[lang], bundles[lang]
    sections, pages = printed_sections(report), words_of(folder / "report.pdf")
    assert [s.id for s in sections] == ["published", "why", "compared", "method", *PRINTED_APPENDICES]
    titles = [section.title for section in sections]
    marks = read(folder / "report.pdf").outline
    assert [mark.title for mark in marks if not isinstance(mark, list)] == titles
    places = [pages[1].index(squeezed(title)) for title in titles]
    assert places == sorted(places)
    left_to_the_page = [s.title for s in report.sections if s.appendix and s.id not in PRINTED_APPENDICES]
    assert left_to_the_page
    assert all(squeezed(title) in pages[1] for title in left_to_the_page)
    blocks = [block for section in sections for block in section.blocks]
    placed = {
        "report": ["total_distribution", "separate_sums"]
        + [block.chart for block in blocks if isinstance(block, ChartBlock)],
        "brief": ["total_distribution", "separate_sums", "tornado"],
    }
    for book, names in placed.items():
        assert len(names) == len(set(names))
        told = [figure["/Alt"] for figure in tagged(read(folder / f"{book}.pdf"), "/Figure")]
        assert told == [report.charts[name].description for name in names]
    grid = printed_grids(report)["assumptions"]
    heads = squeezed("".join(column.title for column in grid.columns))
    with_rows = [page for page in pages if any(squeezed(str(row[3])) in page for row in grid.rows)]
    assert with_rows
    assert all(heads in page for page in with_rows)  # a table says its columns again on every page


# --- long texts and wide tables -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_page_has_every_option_if_a_budget_adds_sentences(tmp_path: Path, lang: str) -> None:
    report = Report(run(Plan(claims=(), budget=300_000_000)), lang)
    FORMATS["pdf"](report, tmp_path)
    first = words_of(tmp_path / "brief.pdf")[0]
    assert all(squeezed(cell) in first for row in report.grids["options"].rows for cell in map(str, row))
    assert all(squeezed(sentence) in first for sentence in report.answers.recommended)


@pytest.mark.slow
@pytest.mark.parametrize("letter", ["가", "W ", f"{EVIL} "])
def test_the_brief_keeps_to_two_pages_whatever_it_has_to_say(
    made: Analysis, tmp_path: Path, letter: str
) -> None:
    long = (letter * 5_000)[:5_000]
    name = made.policy.name.model_copy(update={"en": long[:200]})
    report = Report(replace(made, policies=(made.policy.model_copy(update={"name": name}),)))
    answers, many = report.answers, (long,) * 20
    vars(report)["answers"] = replace(
        answers,
        headline=(long,) * 3,
        recommended=(long,),
        drives=many,
        left_out=many,
        options=pl.concat([answers.options.with_columns(name=pl.lit(long))] * 9),
    )
    FORMATS["pdf"](report, tmp_path)
    reader = read(tmp_path / "brief.pdf")
    assert len(reader.pages) == 2
    assert all(height > MARGIN for page in reader.pages for height in heights(page))
    first, second = words_of(tmp_path / "brief.pdf")
    assert squeezed(answers.reserve[-1][1]) in first
    assert squeezed(report.locale("report.reading")) in second


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "is_wide"), [(6, False), (9, True), (15, True)])
def test_no_figure_is_broken_or_leaves_the_page(
    made: Analysis, tmp_path: Path, *, columns: int, is_wide: bool
) -> None:
    figure = 123_456_789_012
    frame = pl.DataFrame({"name": ["some words and more"] * 3, **{f"f{n}": figure for n in range(columns)}})
    FORMATS["pdf"](Report(made, own_sections=(own_section("Wide", [frame]),)), tmp_path)
    (page,) = [p for p in read(tmp_path / "report.pdf").pages if f"{figure:,}" in p.extract_text()]
    assert (page.mediabox.width > page.mediabox.height) == is_wide
    assert page.extract_text().count(f"{figure:,}") == 3 * columns
    places: set[tuple[int, float]] = set()

    def note(text: str, matrix: list[float], line: list[float], _: object, size: float) -> None:
        if f"{figure:,}" in text:
            places.add((round(line[4] * matrix[0] + line[5] * matrix[2] + matrix[4]), size * line[0]))

    page.extract_text(visitor_text=note)
    steps, (size,) = sorted({place for place, _ in places}), {size for _, size in places}
    assert len(steps) == columns
    least = 15 * 0.45 * size  # the width of the figure, and no gap
    assert all(b - a > least for a, b in pairwise(steps))
    assert steps[-1] + least < page.mediabox.width
