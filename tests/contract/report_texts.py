"""What a reader finds in each format of a report: texts and numbers, without their layout."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from pptx import Presentation
from pypdf import PdfReader

from tests.contract.report_tables import Table, read_tables
from tests.html_page import WebPage
from tests.workbook_reader import Workbook

NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?")
ENGLISH = re.compile(r"(\d[\d,]*(?:\.\d+)?) (?:(thousand|million|billion|trillion) )?won")
KOREAN = re.compile(
    r"(?<![\d,.])(?:(\d[\d,]*)조)?\s?(?:(\d[\d,]*)억)?\s?(?:(\d[\d,]*)만)?\s?(\d[\d,]*)?\s?원"
)
UNITS = {"": 1.0, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}


@cache
def page_of(report: Path) -> WebPage:
    return WebPage.of(report / "report.html")


@cache
def page_text(report: Path) -> str:
    return re.sub(r"\s+", " ", page_of(report).prose())


def cells_of(report: Path) -> list[str]:
    """The texts of the cells of every table of the page."""
    return [e.text for e in page_of(report).elements if e.tag in ("td", "th")]


@cache
def pdf_pages(path: Path) -> tuple[str, ...]:
    return tuple(page.extract_text() for page in PdfReader(BytesIO(path.read_bytes())).pages)


@cache
def workbook_of(report: Path) -> Workbook:
    return Workbook((report / "report.xlsx").read_bytes())


@cache
def slides_of(report: Path) -> tuple[tuple[str, ...], ...]:
    """The texts of each slide, its tables and notes included."""
    return tuple(tuple(_slide_texts(slide)) for slide in Presentation(str(report / "report.pptx")).slides)


@cache
def shown_on_slides(report: Path) -> tuple[str, ...]:
    """The text that each slide shows, without its notes."""
    deck = Presentation(str(report / "report.pptx"))
    return tuple(" ".join(_shape_texts(slide)) for slide in deck.slides)


@cache
def notes_of_slides(report: Path) -> tuple[str, ...]:
    """The notes that a speaker has beside each slide."""
    deck = Presentation(str(report / "report.pptx"))
    return tuple(x.notes_slide.notes_text_frame.text if x.has_notes_slide else "" for x in deck.slides)


@cache
def pictures_of_slides(report: Path) -> tuple[tuple[str, ...], ...]:
    """The text alternatives of the pictures of each slide."""
    slides = Presentation(str(report / "report.pptx")).slides
    return tuple(
        tuple(x._element.nvPicPr.cNvPr.get("descr") for x in slide.shapes if hasattr(x, "image"))  # noqa: SLF001
        for slide in slides
    )


def _slide_texts(slide: object) -> Iterator[str]:
    yield from _shape_texts(slide)
    if slide.has_notes_slide:  # type: ignore[attr-defined]
        yield slide.notes_slide.notes_text_frame.text  # type: ignore[attr-defined]


def _shape_texts(slide: object) -> Iterator[str]:
    for shape in slide.shapes:  # type: ignore[attr-defined]
        if shape.has_text_frame:
            yield shape.text_frame.text
        if shape.has_table:
            yield from (cell.text for row in shape.table.rows for cell in row.cells)


def amounts_in(text: str, lang: str) -> set[float]:
    """The amounts in won that a text says in words: 63 thousand won, 1억 9,000만 원."""
    if lang == "en":
        found = ENGLISH.findall(text)
        return {float(f"{float(number.replace(',', '')) * UNITS[unit]:.10g}") for number, unit in found}
    parts = [[int(x.replace(",", "")) if x else 0 for x in found] for found in KOREAN.findall(text)]
    return {
        float(sum(n * times for n, times in zip(x, (10**12, 10**8, 10**4, 1), strict=True))) for x in parts
    }


def in_two_digits(amount: float) -> float:
    return float(f"{amount:.2g}")


def numbers_in(text: str) -> set[str]:
    return {found[0].rstrip(",") for found in NUMBER.finditer(text)}


class Known:
    """The numbers that the tables of a report and the documents of its inputs state."""

    def __init__(self, report: Path) -> None:
        tables = read_tables(report)
        numbers = [x for table in tables.values() for values in table.values() for x in values]
        stated = {abs(float(x)) for x in numbers if isinstance(x, int | float)}
        stated |= {total for table in tables.values() for total in band_totals(table)}
        stated |= {edge + 1 for edge in stated if 0 < edge < 1e10 and edge % 100 == 0}  # "300,001 to ..."
        texts = [path.read_text("utf-8").replace("_", "") for path in (report / "documents").iterdir()]
        texts.append((report / "manifest.json").read_text("utf-8"))
        texts += [x for x in numbers if isinstance(x, str)]
        stated |= {float(x.replace(",", "")) for text in texts for x in numbers_in(text) if len(x) < 16}
        self.numbers = sorted(stated)

    def has(self, value: float, tolerance: float) -> bool:
        place = bisect_left(self.numbers, abs(value) - tolerance)
        return place < len(self.numbers) and self.numbers[place] <= abs(value) + tolerance

    def unknown(self, texts: Iterable[str]) -> set[str]:
        """The detailed numbers, of five digits or more, that stand in no table."""
        found = {number for text in texts for number in numbers_in(text)}
        return {x for x in found if sum(map(str.isdigit, x.lstrip("0.,"))) >= 5 and not self._has_text(x)}

    def _has_text(self, number: str) -> bool:
        digits = number.replace(",", "")
        decimals = len(digits.partition(".")[2])
        zeros = 0 if decimals else len(digits) - len(digits.rstrip("0"))
        return any(
            self.has(float(digits) * times, 0.5001 * 10 ** (zeros - decimals) * times)
            for times in (1, 1e6, 0.01)
        )


def small_services(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """The services of the Kakao case that a table of eight rows adds up in its last row."""
    claims: Counter[str] = Counter()
    for row in rows:
        if row.get("service") and "claims" in row:
            claims[row["service"]] += row["claims"]
    largest = [x for x, _ in claims.most_common() if x not in ("kakaotalk", "kakao_bank", "kakao_t")]
    return set(largest[4:])


def band_totals(table: Table) -> set[float]:
    """The sums by loss band, by service and by nothing, as tables with totals show them."""
    if not {"over", "up_to"} <= table.keys():
        return set()
    groups: dict[object, dict[str, float]] = {}
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    folded = small_services(rows)
    for row in rows:
        if row.get("level", "band") != "band":
            continue
        band = (row["over"], row["up_to"])
        small = [("small", *band), "small"] if row.get("service") in folded else []
        for group in (band, (*band, row.get("rule")), row.get("service"), *small, None):
            sums = groups.setdefault(group, {})
            for name, value in row.items():
                if isinstance(value, int | float):
                    sums[name] = sums.get(name, 0) + value
    return {abs(value) for sums in groups.values() for value in sums.values()}
