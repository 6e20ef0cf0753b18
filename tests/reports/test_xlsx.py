"""The workbook: real numbers, formulas that are ours and compute what the model does, the same bytes."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from pathlib import Path

import polars as pl
import pytest

from outage_analysis.analysis import Analysis
from outage_analysis.reports import Report
from outage_analysis.reports.blocks import ChartBlock, TableFormatter
from outage_analysis.reports.workbook import Book, formula_names, table_cells, workbook_bytes
from outage_analysis.text import LANGUAGES, Locale, column_of
from tests.workbook_reader import Workbook

OURS = re.compile(
    r"(?P<name>[a-z_][a-z0-9_]*)|SUMPRODUCT|SUM|IF|ROUND|ABS|\$?[A-Z]\$?[0-9]+|[0-9.]+(E-9)?|[-+*/(),<>=:]"
)
"""What a formula may be made of, besides words of ours in quotes."""


@pytest.fixture(scope="module")
def books(bundles: dict[str, Path]) -> dict[str, Workbook]:
    return {lang: Workbook((folder / "report.xlsx").read_bytes()) for lang, folder in bundles.items()}


def test_a_whole_number_that_a_cell_cannot_hold_is_a_text() -> None:
    """A sheet keeps 15 digits of a number and shows zeros for the others."""
    frame = pl.DataFrame({"loss": [2**53 + 1, 10**15 - 1], "claims": [3, 10**15]})
    _, rows = table_cells(TableFormatter(Locale("en"), {}), frame, (column_of("loss"), column_of("claims")))
    assert [[cell.value for cell in row] for row in rows] == [
        ["9,007,199,254,740,993", 3],
        [10**15 - 1, "1,000,000,000,000,000"],
    ]


def test_the_sheets_are_named_in_the_language_of_the_report(books: dict[str, Workbook]) -> None:
    english, korean = (list(books[lang].paths) for lang in LANGUAGES)
    assert english == [
        *("Summary", "Inputs", "Cost lines", "Scenarios and reserve", "Cost by band", "Services (synthetic)"),
        *("Why", "Options", "Distribution", "Policy and accounting", "Method and limits", "Assumptions"),
        *("Claims (synthetic)", "Quality (synthetic)", "Hindsight", "Sources"),
        "Published totals",
    ]
    assert korean[:3] == ["요약", "입력", "보상 항목"]
    assert len(english) == len(korean)
    assert all(len(name) <= 31 for name in (*english, *korean))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_summary_says_the_answer_and_prints_on_one_page(
    books: dict[str, Workbook], reports: dict[str, Report], lang: str
) -> None:
    report, book, answers = reports[lang], books[lang], reports[lang].answers
    cells = {cell.value for cell in book.cells(report.locale("workbook.summary")).values()}
    listed = {f"• {text}" for text in (*answers.drives, *answers.recommended)}
    listed |= {f"• {measure}: {amount}" for measure, amount in answers.reserve}
    assert {*answers.headline, *listed} <= cells
    assert (len(answers.options), len(answers.reserve) > 1) == (6, True)
    for column in ("name", "expected", "range_low", "range_high"):
        assert {*answers.options[column]} <= cells
    first, second = (book.members[f"xl/worksheets/sheet{n}.xml"].decode() for n in (1, 2))
    assert re.search(r'<pageSetup[^>]* orientation="portrait"/>', first)
    assert '<pageSetUpPr fitToPage="1"/>' in first
    # One page high is the default of the format.
    assert ("fitToHeight" in first, 'fitToHeight="0"' in second) == (False, True)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_input_is_a_named_cell_and_every_formula_is_our_own_and_has_the_value_of_the_model(
    books: dict[str, Workbook], reports: dict[str, Report], lang: str
) -> None:
    book, products = books[lang], reports[lang].products
    assert products is not None
    names = formula_names(f.id for f in products.factors)
    assert names["as-filing-share"] == "as_filing_share"
    assert {f.id: book.named(names[f.id]).value for f in products.factors} == {
        f.id: f.value for f in products.factors
    }
    formulas = [[x.formula for x in book.cells(sheet).values() if x.formula] for sheet in book.paths]
    assert len(formulas[0]) == 7  # the expected cost, its state, and those of five figures
    assert min(map(len, formulas[1:3])) > 9
    assert not any(formulas[3:])
    for formula in (formula for of in formulas for formula in of):
        unquoted = re.sub(r'"(""|[^"])*"', "", formula)
        own = {found["name"] for found in OURS.finditer(unquoted) if found["name"]}
        assert {*OURS.sub("", unquoted).split(), *(own - set(book.names))} == set(), formula
    for valuation in ("cash", "face_value", "handling", "top_down"):
        total = book.named(f"expected_{valuation}").value
        assert total == pytest.approx(products.expected(valuation), rel=1e-9)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_quantiles_are_values_beside_a_word_on_their_state(
    books: dict[str, Workbook], reports: dict[str, Report], lang: str
) -> None:
    report, book = reports[lang], books[lang]
    w, sheet = report.locale, report.locale("workbook.summary")
    cells, row = book.cells(sheet), book.row_of(sheet, report.locale("report.tile_expected"))
    assert (cells[f"B{row}"].formula, cells[f"B{row}"].value) == ("ROUND(expected_cash,0)", 261_364_185)
    assert cells[f"C{row}"].value == report.analysis.expected_cash()
    table = report.analysis.exact_tables["quantiles"].filter(valuation="cash")
    known = {r["measure"]: (r["value"], r["error"]) for r in table.rows(named=True)}
    for measure in ("p10", "p50", "p90", "p95", "p99"):
        row = book.row_of(sheet, w(f"word.{measure}"))
        assert (cells[f"C{row}"].value, cells[f"D{row}"].value) == known[measure]
        assert cells[f"C{row}"].formula is None
        assert cells[f"E{row}"].value == w("workbook.current")
        assert w("workbook.stale") in str(cells[f"E{row}"].formula)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_charts_are_pictures_with_title_sources_and_text_alternative(
    books: dict[str, Workbook], reports: dict[str, Report], bundles: dict[str, Path], lang: str
) -> None:
    report, parts = reports[lang], books[lang].members
    blocks = [block for section in (*report.front, *report.sections) for block in section.blocks]
    charts = [report.charts[block.chart] for block in blocks if isinstance(block, ChartBlock)]
    drawings = b"".join(parts[name] for name in parts if name.startswith("xl/drawings/drawing"))
    described = re.findall(r'descr="([^"]*)"', drawings.decode())
    assert sorted(map(unescape, described)) == sorted(f"{x.title}. {x.description}" for x in charts)
    pictures = [part for name, part in parts.items() if name.startswith("xl/media/")]
    assert len(pictures) == len(charts) > 5
    assert set(pictures) <= {path.read_bytes() for path in (bundles[lang] / "charts").glob("*.png")}


def test_a_picture_covers_no_cell(books: dict[str, Workbook]) -> None:
    """Below the first row of a picture come rows without a cell, up to its last row."""
    book, seen = books["en"], 0
    for sheet, path in book.paths.items():
        number = path.removeprefix("xl/worksheets/sheet").removesuffix(".xml")
        relations = book.members.get(f"xl/worksheets/_rels/sheet{number}.xml.rels", b"").decode()
        filled = {int(re.sub("[A-Z]", "", place)) - 1 for place in book.cells(sheet)}
        for drawing in re.findall(r"drawings/(drawing\d+\.xml)", relations):
            anchors = re.findall(r"<xdr:row>(\d+)</xdr:row>", book.members[f"xl/drawings/{drawing}"].decode())
            rows = [int(row) for row in anchors]
            for first, last in zip(rows[::2], rows[1::2], strict=True):
                assert last > first + 5
                assert not filled & set(range(first, last + 1)), sheet
                seen += 1
    assert seen > 5


@pytest.mark.slow
def test_without_products_there_are_values_and_the_reason(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Report, "products", None)
    report = Report(analysis)
    book = Workbook(workbook_bytes(report))
    assert not book.formulas()
    told = set(book.texts())
    assert report.locale("workbook.no_formulas_tied") in told
    assert report.locale("workbook.inputs") not in book.paths
    assert not {"expected_cash", "inputs_changed"} & set(book.names)


def test_names_are_no_cells_and_none_comes_twice() -> None:
    ids = ["as-1", "as_1", "AS-1", "as1", "r1c1", "c", "2022", "true", "x.pays.0", "expected-cash"]
    found = formula_names(ids, ["expected_cash"])
    assert list(found.values()) == [
        *("as_1", "as_1_2", "AS_1_3", "_as1", "_r1c1", "_c", "_2022", "_true", "x_pays_0", "expected_cash_2")
    ]


def test_names_of_sheets_are_allowed_and_differ() -> None:
    book = Book(Locale("en"), date(2031, 3, 2), {})
    names = ["History", "a/b:c", "'" * 40, "x" * 30 + "'y", "X" * 30, "", "Sums" * 10, "Sums" * 10]
    sheets = [book.add_sheet(name, "#000000", banner="made" if name else "").name for name in names]
    assert sheets == [
        *("History (synthetic)", "abc (synthetic)", "– (synthetic)", "x" * 19 + " (synthetic)"),
        *(
            "X" * 17 + " 2 (synthetic)",
            "–",
            "SumsSumsSumsSumsSum (synthetic)",
            "SumsSumsSumsSumsS 2 (synthetic)",
        ),
    ]
    assert book.add_sheet("History", "#000000").name == "History 2"
    assert book.add_sheet("x" * 30 + "'y", "#000000").name == "x" * 30
    assert Workbook(book.close()).paths
