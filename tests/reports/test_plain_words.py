"""The words of a report: the incident's units, one form of ranges, and nothing about what does not exist."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from pptx import Presentation

from outage_analysis import write_report
from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.files import Name
from outage_analysis.reports import Report
from outage_analysis.text import LANGUAGES
from tests.html_page import WebPage

POLICY = """id = "delays"
name = {{ en = "Delay payments", ko = "지연 보상안" }}
currency = "EUR"
loss_unit = "minutes"

[[line]]
id = "delay"
kind = "schedule"
name = {{ en = "Payment by delay", ko = "지연 시간별 지급" }}
public_on = 2031-03-02
effort = "{effort}"
closed = "lower"
statutory = true
unknown = {{ fixed = 0 }}
band = [
  {{ over = 0, up_to = 180 }},
  {{ over = 180, up_to = 300, fixed = 25_000 }},
  {{ over = 300, fixed = 40_000 }},
]
"""
INCIDENT = """id = "delays"
name = { en = "Delayed flights", ko = "항공편 지연" }
currency = "EUR"
minor_units = 2
time_zone = "UTC"
outage = { start = 2031-03-01T06:00:00+00:00, end = 2031-03-01T18:00:00+00:00 }
claims_from = 2031-03-01
claims_to = 2031-03-20
loss = { name = { en = "Delay", ko = "지연 시간" }, unit = "minutes" }

[[service]]
id = "red"
name = { en = "Red Air", ko = "레드항공" }

[[service]]
id = "blue"
name = { en = "Blue Air", ko = "블루항공" }

[[claimant_type]]
id = "passenger"
name = { en = "Passenger", ko = "승객" }
"""
CLAIMS = "claim_id,service,claimant_type,filed_on,loss\n" + "".join(
    f"{n},{'red' if n % 3 else 'blue'},passenger,2031-03-{2 + n % 9:02},{37 * n % 420}\n" for n in range(60)
)
LEDGER = """id = "delays"
name = { en = "No assumptions", ko = "가정 없음" }
incident = "delays"
as_of = 2031-03-20
"""


@pytest.fixture(scope="module")
def automatic(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """An outage in euros and minutes whose payments the law fixes and nobody has to ask for."""
    folder = tmp_path_factory.mktemp("delays")
    documents = {
        "incident.toml": INCIDENT,
        "policy.toml": POLICY.format(effort="automatic"),
        "ledger.toml": LEDGER,
        "claims.csv": CLAIMS,
    }
    for name, text in documents.items():
        (folder / name).write_text(text, "utf-8")
    return run(
        Plan(
            incident=folder / "incident.toml",
            policy=folder / "policy.toml",
            ledger=folder / "ledger.toml",
            claims=(folder / "claims.csv",),
            budget=1_500_000,
            draws=256,
        )
    )


CASES = ("kakao", "trams", "automatic")
Texts = Callable[[str, str], str]


@pytest.fixture(scope="module")
def texts(
    report: Callable[[str], Path], automatic: Analysis, tmp_path_factory: pytest.TempPathFactory
) -> Texts:
    """Return everything that the page and the slides of a case say in a language, one text per line."""
    base = tmp_path_factory.mktemp("words")

    @cache
    def said(case: str, lang: str) -> str:
        folder = base / lang if case == "automatic" else report(f"{case}-{lang}")
        if case == "automatic":
            write_report(automatic, folder, lang=lang, formats=("html", "pptx"))
        return f"{page_text(folder / 'report.html')}\n{deck_text(folder / 'report.pptx')}"

    return said


def page_text(path: Path) -> str:
    """The texts of the page, those of its charts among them, one per line."""
    page = WebPage.of(path)
    leaves = ("td", "th", "p", "li", "text", "tspan", "h1", "h2", "h3", "summary", "label", "caption", "a")
    charts = [json.loads(e.text) for e in page.all("script", type="application/json")]
    assert len(charts) > 1  # the specifications of the charts
    return "\n".join((*(e.text for e in page.elements if e.tag in leaves), *strings(charts)))


def strings(document: object) -> Iterator[str]:
    """Every text of a chart's specification: titles, labels, and the values of its data."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for value in document.values():
            yield from strings(value)
    elif isinstance(document, list):
        for value in document:
            yield from strings(value)


def deck_text(path: Path) -> str:
    lines = []
    for slide in Presentation(str(path)).slides:
        for shape in slide.shapes:
            if shape.has_text_frame:
                lines.append(shape.text_frame.text)
            if shape.has_table:
                lines += [cell.text for row in shape.table.rows for cell in row.cells]
        if slide.has_notes_slide:
            lines.append(slide.notes_slide.notes_text_frame.text)
    return "\n".join(lines)


WRONG_RANGES = {
    "en": r"\d\S* – \S*\d|\d ?~ ?\d",
    # The last two are an axis title or a column title in brackets.
    "ko": r"\d\S*(?: [원만억조])? ?–\s?\S*\d|\d\S* ~|~ \S*\d",
}
"""Forms of a range that no text may have: English tables write 1–2 and Korean ones 1~2, without spaces."""


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_ranges_have_one_form(texts: Texts, case: str, lang: str) -> None:
    assert re.findall(WRONG_RANGES[lang], texts(case, lang)) == []




@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_no_range_has_two_equal_ends(texts: Texts, case: str, lang: str) -> None:
    amount = r"(?<![\d.,])(\d[\d,.]*[%억만]?)"
    text = texts(case, lang)
    assert re.findall(amount + r"(?:–|~| to )\1(?![\d,.%억만])", text) == []


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_every_korean_amount_has_its_unit_after_it(texts: Texts, case: str) -> None:
    text = texts(case, "ko")
    unit = "원" if case == "kakao" else "유로"
    # Short labels of charts have their unit on the axis: "평균 1.9억" is one.
    sentence = r"(?:기대 비용은?|평균은|예산|정가) \d[\d,.]*[만억조]?(?: \d[\d,.]*[만억])*(?=[,.;)]+ )"
    assert re.findall(sentence, text) == []
    assert re.findall(rf"\d {unit}", text) == []  # 30,000원, and 3만 원
    assert re.findall(rf"{unit}(?:을|를|와|과|이|은|는) ?\d", text) == []


@pytest.mark.slow
def test_an_automatic_payment_has_no_filings(texts: Texts) -> None:
    english, korean = texts("automatic", "en"), texts("automatic", "ko")
    filed = r"(?i)\b(?:filings?|files? a claim|filed claims?)\b.*"
    assert re.findall(filed, english) == []
    assert re.findall("신청.*", korean) == []
    assert "without an application" in english  # the funnel says what happens instead
    assert "자동 지급" in korean
    assert re.search(filed, texts("trams", "en"))  # where a form is asked for, there are filings
    assert "신청" in texts("trams", "ko")


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_case_without_regions_reports_or_headlines_mentions_none(texts: Texts, lang: str) -> None:
    words = {
        "en": r"(?i).*\b(?:regions?|reports counted|headlines?|won)\b.*",
        "ko": r".*(?:지역|보도 금액|\d원).*",
    }
    assert re.findall(words[lang], texts("automatic", lang)) == []


@pytest.mark.slow
def test_thresholds_are_those_of_the_policy_with_the_unit_of_losses(texts: Texts) -> None:
    english, korean = texts("automatic", "en"), texts("automatic", "ko")
    assert "from 180 to under 300 minutes: 250.00 euros" in english
    assert "180분 이상 300분 미만: 250.00유로" in korean
    for text in (english, korean, texts("trams", "en"), texts("trams", "ko")):
        assert re.findall(r"over (?:29|59|119|179|299)\b|\b(?:29|59|119|179|299)(?:분| minutes)", text) == []
    assert "from 60 to under 120 minutes" in texts("trams", "en")
    assert "60분 이상 120분 미만" in texts("trams", "ko")
    assert "300,001 to 500,000 won" in texts("kakao", "en")
    assert "손실 300,001~500,000원 지급액" in texts("kakao", "ko")


@pytest.mark.slow
@pytest.mark.parametrize(("lang", "titles"), [("en", ("Loss band (minutes)",)), ("ko", ("손실 구간(분)",))])
def test_columns_of_loss_bands_name_the_unit(texts: Texts, lang: str, titles: tuple[str, ...]) -> None:
    for title in titles:
        assert title in texts("automatic", lang)
    assert {"en": "300–500k", "ko": "30만~50만"}[lang] in texts("kakao", lang)  # on a chart
    assert {"en": "Loss band (won)", "ko": "손실 구간(원)"}[lang] in texts("kakao", lang)


def test_the_law_fixes_the_payment_so_no_advice_to_change_it(automatic: Analysis) -> None:
    assert automatic.tables["levers"].is_empty()


def test_services_are_a_table_only_if_something_was_published_about_them(
    automatic: Analysis, analysis: Analysis
) -> None:
    assert "services" not in Report(automatic, "en").grids
    titles = [column.title for column in Report(analysis, "en").grids["services"].columns]
    assert "Complaints counted" not in titles  # no service has a count
    assert "Shortest outage (hours)" in titles






@pytest.mark.slow
def test_a_report_says_what_its_incident_counts(tmp_path: Path, analysis: Analysis) -> None:
    shops = analysis.incident.model_copy(update={"counted": Name(en="shop visits", ko="점포 방문")})
    other = dataclasses.replace(analysis, incident=shops)
    said = {}
    for lang in LANGUAGES:
        write_report(other, tmp_path / lang, lang=lang, formats=("html",))
        titles = (e.text for e in WebPage.of(tmp_path / lang / "report.html").all("strong"))
        said[lang] = "\n".join((page_text(tmp_path / lang / "report.html"), *titles))
    for part in (
        "Why: from shop visits to payments",
        "For every 100 shop visits",
        "(shop visits so far: 8,461)",
    ):
        assert part in said["en"]
    assert re.findall(r"(?:from|\d) reports\b.*", said["en"]) == []
    assert "현재까지 집계된 점포 방문 수 8,461" in said["ko"]
    assert re.findall(r"신고 [\d,]+건 가운데.*", said["ko"]) == []
