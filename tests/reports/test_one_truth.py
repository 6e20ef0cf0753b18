"""The expected cash and its P10, P50 and P90 are the same figures in every format of a report."""

from __future__ import annotations

import json
import re
from io import BytesIO
from typing import TYPE_CHECKING

import polars as pl
import pytest
from pptx import Presentation
from pypdf import PdfReader

from outage_analysis.text import LANGUAGES, Locale
from tests.commands import command
from tests.html_page import WebPage
from tests.tampered_bundles import manifest_of
from tests.workbook_reader import Workbook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Told = Callable[[Path, Locale], set[str]]

MEASURES = ("expected", "p10", "p50", "p90")
WON = {"expected": "194,562,541", "p10": "1,140,000", "p50": "50,300,000", "p90": "444,000,000"}
"""As a table shows them; the expected cash is that of the reference case."""


def written(numbers: dict[str, float]) -> set[str]:
    return {f"{numbers[measure]:,.0f}" for measure in MEASURES}


def text_of(path: Path) -> str:
    return "".join(page.extract_text() for page in PdfReader(BytesIO(path.read_bytes())).pages)


def of_page(folder: Path, words: Locale) -> set[str]:
    rows = WebPage.of(folder / "report.html").table(words("report.doubt_title"))
    cash = [list(row.values()) for row in rows if words("word.cash") in row.values()]
    return {cell for row in cash for cell in row} & set(WON.values())


def of_pdf(folder: Path, _words: Locale) -> set[str]:
    text = "".join(
        page.extract_text() for page in PdfReader(BytesIO((folder / "report.pdf").read_bytes())).pages
    )
    return set(re.findall(r"[\d,]+", text)) & set(WON.values())


def of_workbook(folder: Path, _words: Locale) -> set[str]:
    book = Workbook((folder / "report.xlsx").read_bytes())
    summary = book.cells(next(iter(book.paths))).values()
    told = {f"{cell.value:,.0f}" for cell in summary if isinstance(cell.value, float)}
    return told & set(WON.values())


def of_slides(folder: Path, _words: Locale) -> set[str]:
    deck = Presentation(str(folder / "report.pptx"))
    charts = [shape.chart for slide in deck.slides for shape in slide.shapes if shape.has_chart]
    values = [v for chart in charts for plot in chart.plots for series in plot.series for v in series.values]
    return {f"{value:,.0f}" for value in values if value is not None} & set(WON.values())


def of_csv(folder: Path, _words: Locale) -> set[str]:
    rows = pl.read_csv(folder / "tables" / "quantiles.csv").filter(valuation="cash")
    return written(dict(rows.select("measure", "value").iter_rows()))


def of_parquet(folder: Path, _words: Locale) -> set[str]:
    rows = pl.read_parquet(folder / "tables" / "quantiles.parquet").filter(valuation="cash")
    return written(dict(rows.select("measure", "value").iter_rows()))


def of_manifest(folder: Path, _words: Locale) -> set[str]:
    return written(manifest_of(folder)["figures"])


TOLD: dict[str, Told] = {
    "html": of_page,
    "pdf": of_pdf,
    "xlsx": of_workbook,
    "pptx": of_slides,
    "csv": of_csv,
    "parquet": of_parquet,
    "manifest": of_manifest,
}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_every_format_tells_the_same_figures(bundles: dict[str, Path], told: Told, lang: str) -> None:
    assert told(bundles[lang], Locale(lang)) == set(WON.values())


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_prose_rounds_the_same_figures(bundles: dict[str, Path], lang: str) -> None:
    words = Locale(lang)
    amounts = [words.money(float(WON[m].replace(",", ""))) for m in ("expected", "p10", "p90")]
    brief = text_of(bundles[lang] / "brief.pdf")
    deck = Presentation(str(bundles[lang] / "report.pptx"))
    first_screen = deck.slides[1]
    slide = " ".join(shape.text_frame.text for shape in first_screen.shapes if shape.has_text_frame)
    for prose in (WebPage.of(bundles[lang] / "report.html").prose(), brief, slide):
        plain = re.sub(r"\s+", " ", prose)
        assert [amount for amount in amounts if amount not in plain] == []


@pytest.mark.slow
def test_the_command_prints_the_same_figures() -> None:
    answer = json.loads(command("cost", "--json")[1])
    told = {float(figure) for figure in re.findall(r"\d+(?:\.\d+)?", json.dumps(answer))}
    assert {float(shown.replace(",", "")) for shown in list(WON.values())[1:]} <= told
    assert 194_562_541.3 in told
