"""The brief and the report as PDF: what a reader, a screen reader and a mail filter find in them."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.errors import EnvironmentFailed
from outage_analysis.reports import Report
from outage_analysis.reports.blocks import ChartBlock
from outage_analysis.reports.grids import Grid, GridColumn
from outage_analysis.reports.pdf import (
    MAX_TEXT,
    ZERO_WIDTH_SPACE,
    Values,
    brief_values,
    printed,
    printed_grids,
    printed_sections,
    report_values,
    table_values,
    typeset,
)
from outage_analysis.reports.sections import PRINTED_APPENDICES
from outage_analysis.text import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypdf import PageObject

Bundles = dict[str, Path]
BOOKS = ("brief", "report")
EVIL = "#panic() $x$ [ *b* _c_ \\ // /* @a <b> ` = 1 ~ -- \"q\" 'r'"
MARGIN = 50
"""At the bottom of a page, in points."""
BLANK = b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><path d="M0 9H90"/></svg>'


@cache
def read(path: Path) -> PdfReader:
    return PdfReader(path)


@cache
def words_of(path: Path) -> tuple[str, ...]:
    """The text of each page without its white space, which a PDF does not keep."""
    return tuple(squeezed(page.extract_text()) for page in read(path).pages)


def squeezed(text: str) -> str:
    return "".join(text.replace(ZERO_WIDTH_SPACE, "").split())


VALUES = {"brief": brief_values, "report": report_values}


def set_again(name: str, report: Report, **changed: object) -> PdfReader:
    """A book with other values, its charts blank."""
    blank = dict.fromkeys((f"{chart}.svg" for chart in report.charts), BLANK)
    return opened(typeset(name, VALUES[name](report) | changed, blank, report.analysis.as_of))


def opened(content: bytes) -> PdfReader:
    return PdfReader(BytesIO(content))


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
def test_it_is_tagged_and_says_its_title_its_language_and_its_day(
    bundles: Bundles, reports: dict[str, Report], book: str, lang: str
) -> None:
    reader = read(bundles[lang] / f"{book}.pdf")
    root: dict[str, Any] = reader.root_object
    assert reader.metadata is not None
    assert reader.metadata.title == reports[lang].title
    assert str(reader.metadata.creation_date) == "2022-12-30 00:00:00+00:00"
    assert root["/Lang"] == lang
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
    assert len(list(tagged(reader, "/P"))) > 9


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_bookmarks_and_contents_are_the_titles_of_the_sections(
    bundles: Bundles, reports: dict[str, Report], lang: str
) -> None:
    path, report = bundles[lang] / "report.pdf", reports[lang]
    sections = printed_sections(report)
    titles = [section.title for section in sections]
    assert [s.id for s in sections] == ["published", "why", "compared", "method", *PRINTED_APPENDICES]
    marks = read(path).outline
    assert [mark.title for mark in marks if not isinstance(mark, list)] == titles
    left_to_the_page = [s.title for s in report.sections if s.appendix and s.id not in PRINTED_APPENDICES]
    assert left_to_the_page
    assert all(squeezed(title) in words_of(path)[1] for title in left_to_the_page)
    contents = words_of(path)[1]
    places = [contents.index(squeezed(title)) for title in titles]
    assert places == sorted(places)


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("book", BOOKS)
def test_every_page_has_its_number(bundles: Bundles, book: str, lang: str) -> None:
    pages = words_of(bundles[lang] / f"{book}.pdf")
    assert all(f"{n}/{len(pages)}" in page for n, page in enumerate(pages, start=1))


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_page_of_the_brief_or_the_report_is_nearly_empty(bundles: Bundles, lang: str) -> None:
    pages = {book: read(bundles[lang] / f"{book}.pdf").pages for book in BOOKS}
    assert len(pages["brief"]) == 2
    assert len(pages["report"]) <= 12
    for book in BOOKS:
        for page in pages[book][:-1] if book == "report" else pages[book]:
            # The lowest text is in the lower half of the page.
            assert (
                min(height for height in heights(page) if height > MARGIN) < float(page.mediabox.height) / 2
            )


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_chart_has_a_description_for_screen_readers(
    bundles: Bundles, reports: dict[str, Report], lang: str
) -> None:
    report = reports[lang]
    placed = ["total_distribution", "separate_sums"] + [
        block.chart
        for section in printed_sections(report)
        for block in section.blocks
        if isinstance(block, ChartBlock)
    ]
    assert len(placed) == len(set(placed))  # no chart is repeated
    told = [figure["/Alt"] for figure in tagged(read(bundles[lang] / "report.pdf"), "/Figure")]
    assert told == [report.charts[name].description for name in placed]
    brief = [figure["/Alt"] for figure in tagged(read(bundles[lang] / "brief.pdf"), "/Figure")]
    assert brief == [
        report.charts[name].description for name in ("total_distribution", "separate_sums", "tornado")
    ]


# --- one truth ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_page_has_every_option_if_a_budget_adds_sentences(lang: str) -> None:
    report = Report(run(Plan(claims=(), budget=300_000_000)), lang)
    drawings = {f"{name}.svg": BLANK for name in report.charts} | {
        "total_distribution.svg": report.chart_svgs["total_distribution"].encode()
    }
    printed_brief = typeset("brief", brief_values(report), drawings, report.analysis.as_of)
    first = squeezed(opened(printed_brief).pages[0].extract_text())
    assert report.options is not None
    assert all(squeezed(cell) in first for row in report.options.rows for cell in map(str, row))
    assert all(squeezed(sentence) in first for sentence in report.answers.recommended)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_table_says_its_columns_again_on_every_page(
    bundles: Bundles, reports: dict[str, Report], lang: str
) -> None:
    grid = printed_grids(reports[lang])["assumptions"]
    heads = squeezed("".join(column.title for column in grid.columns))
    pages = words_of(bundles[lang] / "report.pdf")
    with_rows = [page for page in pages if any(squeezed(str(row[3])) in page for row in grid.rows)]
    assert with_rows
    assert all(heads in page for page in with_rows)




# --- nothing but text, pictures and links ---------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("book", BOOKS)
def test_it_holds_the_fonts_of_the_package_and_no_action_but_links(
    bundles: Bundles, book: str, lang: str
) -> None:
    reader = read(bundles[lang] / f"{book}.pdf")
    objects: list[Any] = [reader.get_object(number) for number in range(1, len(reader.xref[0]) + 1)]
    dicts = [o for o in objects if isinstance(o, dict)]
    named = {str(o["/BaseFont"]).partition("+")[2] for o in dicts if "/BaseFont" in o}
    assert {name.removesuffix("-Identity-H") for name in named} == {"OutageSans-Regular", "OutageSans-Bold"}
    assert all({"/FontFile3"} & set(o) for o in dicts if o.get("/Type") == "/FontDescriptor")
    assert not [o for o in dicts if {"/JS", "/OpenAction", "/AA", "/EmbeddedFiles"} & set(o)]
    actions = [a["/A"] for a in dicts if "/A" in a and a.get("/Subtype") == "/Link"]
    assert {action["/S"] for action in actions} <= {"/URI", "/GoTo"}
    assert all(re.match("https?://", action["/URI"]) for action in actions if "/URI" in action)
    assert not any("/URI" in action for action in actions)


@pytest.fixture(scope="module")
def hostile(analysis: Analysis) -> Report:
    """The bundled case with names that would be markup, were they read as such."""
    incident, policy = analysis.incident, analysis.policy
    evil = incident.name.model_copy(update={"en": EVIL, "ko": EVIL})
    services = tuple(s.model_copy(update={"name": evil}) for s in incident.services)
    lines = tuple(line.model_copy(update={"name": evil}) for line in policy.lines)
    renamed = replace(
        analysis,
        incident=incident.model_copy(update={"name": evil, "services": services}),
        policy=policy.model_copy(update={"name": evil, "lines": lines}),
    )
    return Report(renamed, "en")


@pytest.mark.slow
@pytest.mark.parametrize("lines", [0, 3])
@pytest.mark.parametrize("letter", ["가", "W", "가 ", "W "])
def test_the_brief_keeps_to_two_pages_whatever_it_has_to_say(
    hostile: Report, letter: str, lines: int
) -> None:
    long = printed(letter * 10_000)
    told: Values = brief_values(hostile)
    texts = {"text": long, "items": [long] * 20, "title": long, "subtitle": long, "footer": long}

    def longer(block: Values) -> Values:
        match block["kind"]:
            case "figures" if not block["figures"][0]["note"]:  # the reserve
                return block | {"figures": [block["figures"][0] | {"figure": "440 million won"}] * 4}
            case "figures":
                tile = {"title": long, "figure": "190", "likely": long, "note": long, "synthetic": True}
                return block | {"figures": [tile] * 40}
            case "table":
                return block | {"rows": [[long, *block["rows"][0][1:]]] * 20}
            case _:
                return block | {key: text for key, text in texts.items() if key in block}

    lead, *groups = told["groups"]
    sentences = [{"kind": "text", "text": long, "role": "plain"}] * lines
    blocks = sentences + [block for block in lead["blocks"] if block["kind"] != "text"]
    reader = set_again(
        "brief",
        hostile,
        title=long,
        policy=long,
        groups=[
            group | {"title": long, "blocks": [longer(block) for block in group["blocks"]]}
            for group in (lead | {"blocks": blocks}, *groups)
        ],
        left_out=told["left_out"] | {"items": [long] * 20},
        charts=[chart | {"title": long, "subtitle": long, "footer": long} for chart in told["charts"]],
        footer=long,
    )
    assert all(height > MARGIN for page in reader.pages for height in heights(page))
    first, second = (squeezed(page.extract_text()) for page in reader.pages)
    assert squeezed("440 million won") in first
    assert squeezed(told["more"]) in second
    assert squeezed(told["reading"]["text"]) in second


def test_a_letter_without_a_glyph_is_written_as_its_number() -> None:
    assert printed("a\u202eb 😀") == "aU+202Eb U+1F600"
    assert len(printed("가" * 10_000).replace(ZERO_WIDTH_SPACE, "")) == MAX_TEXT + 1


# --- what fails, and how ------------------------------------------------------------------------------




def test_what_typst_refuses_is_an_error_on_one_line(hostile: Report) -> None:
    with pytest.raises(EnvironmentFailed, match=r"brief\.pdf: typst failed: .*policy") as caught:
        typeset(
            "brief",
            {k: v for k, v in brief_values(hostile).items() if k != "policy"},
            {},
            hostile.analysis.as_of,
        )
    assert "\n" not in str(caught.value)


# --- widths of columns --------------------------------------------------------------------------------


def test_long_words_can_be_broken_and_others_are_left() -> None:
    assert printed("a long text of short words, all of them") == "a long text of short words, all of them"
    assert printed("x" * 30).split(ZERO_WIDTH_SPACE) == ["x" * 12, "x" * 12, "x" * 6]


def table(columns: int, rows: int, figure: str, text: str = "") -> Grid:
    """A table of figures, after a column of text if there is a text."""
    heads = [GridColumn("Name", "")] * bool(text) + [GridColumn("Won", "n")] * columns
    return Grid(tuple(heads), ((*([text] if text else []), *[figure] * columns),) * rows)


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "flipped"), [(6, False), (9, True), (16, True)])
def test_no_figure_is_broken_or_leaves_the_page(
    reports: dict[str, Report],
    columns: int,
    flipped: bool,  # noqa: FBT001 - a parameter
) -> None:
    told = table_values(table(columns, 3, "123,456,789,012", "a name of some words and of more"))
    assert (told["flipped"], sum(told["widths"]) <= 100.1) == (flipped, True)
    blocks = [{"kind": "table", "caption": "Wide", "synthetic": False, **told}]
    runs = [{"flipped": flipped, "blocks": blocks}]
    page = set_again("report", reports["en"], runs=runs).pages[-1]
    assert (page.mediabox.width > page.mediabox.height) == flipped
    assert page.extract_text().count("123,456,789,012") == 3 * columns
    places: list[float] = []

    def note(text: str, matrix: list[float], line: list[float], *_: object) -> None:
        if "123,456,789,012" in text:
            places.append(line[4] * matrix[0] + line[5] * matrix[2] + matrix[4])

    page.extract_text(visitor_text=note)
    steps = sorted({round(place) for place in places})
    assert len(steps) == columns
    least = 15 * 0.45 * told["size"]  # the width of the figure, and no gap
    assert all(b - a > least for a, b in pairwise(steps))
    assert steps[-1] + least < page.mediabox.width
