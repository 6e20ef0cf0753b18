"""The words of a report: the incident's units, one form of ranges, and nothing about what does not exist."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from outage_analysis import Analysis, Plan, run, write_report
from outage_analysis.files import Name
from outage_analysis.reports import Report
from tests.contract.report_texts import slides_of
from tests.html_page import WebPage

POLICY = """id = "delays"
name = { en = "Delay payments", ko = "지연 보상안" }
currency = "EUR"
loss_unit = "minutes"

[[line]]
id = "delay"
kind = "schedule"
name = { en = "Payment by delay", ko = "지연 시간별 지급" }
public_on = 2031-03-02
effort = "automatic"
closed = "lower"
statutory = true
unknown = { fixed = 0 }
band = [
  { over = 0, up_to = 180 },
  { over = 180, up_to = 300, fixed = 25_000 },
  { over = 300, fixed = 40_000 },
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
    texts = {"incident": INCIDENT, "policy": POLICY, "ledger": LEDGER}
    pages: dict[str, Any] = {name: folder / f"{name}.toml" for name in texts}
    for name, text in texts.items():
        pages[name].write_text(text, "utf-8")
    (folder / "claims.csv").write_text(CLAIMS, "utf-8")
    return run(Plan(**pages, claims=(folder / "claims.csv",), budget=1_500_000, draws=256))


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
        slides = "\n".join(text for slide in slides_of(folder) for text in slide)
        return f"{page_text(folder / 'report.html')}\n{slides}"

    return said


def page_text(path: Path) -> str:
    """The texts of the page, those of its charts among them, one per line."""
    page = WebPage.of(path)
    leaves = ("td", "th", "p", "li", "text", "tspan", "h1", "h2", "h3", "summary", "label", "caption", "a")
    charts = [json.loads(e.text) for e in page.all("script", type="application/json")]
    assert len(charts) > 1  # the specifications of the charts
    return "\n".join((*(e.text for e in page.elements if e.tag in leaves), *strings(charts)))


def strings(document: Any) -> Iterator[str]:  # noqa: ANN401 - it is JSON
    """Every text of a chart's specification: titles, labels, and the values of its data."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict | list):
        for value in document.values() if isinstance(document, dict) else document:
            yield from strings(value)


EQUAL_ENDS = r"(?<![\d.,])(\d[\d,.]*[%억만]?)(?:–|~| to )\1(?![\d,.%억만])"
EDGES = r"over (?:29|59|119|179|299)\b|\b(?:29|59|119|179|299)(?:분| minutes)"
# Short labels of charts have their unit on the axis: "평균 1.9억" is one.
WITHOUT_UNIT = r"(?:기대 비용은?|평균은|예산|정가) \d[\d,.]*[만억조]?(?: \d[\d,.]*[만억])*(?=[,.;)]+ )"
WRONG = {
    "en": (EQUAL_ENDS, EDGES, r"\d\S* – \S*\d|\d ?~ ?\d"),
    "ko": (
        *(EQUAL_ENDS, EDGES, WITHOUT_UNIT, r"\d\S*(?: [원만억조])? ?–\s?\S*\d|\d\S* ~|~ \S*\d"),
        *(r"\d (?:원|유로)", r"(?:원|유로)(?:을|를|와|과|이|은|는) ?\d"),  # 30,000원, and 3만 원
    ),
}
"""Ranges of another form or with two equal ends, edges beside those of a policy, amounts without a unit."""
FILED = r"(?i)\b(?:filings?|files? a claim|filed claims?)\b.*"
NEVER = {
    "en": (FILED, r"(?i).*\b(?:regions?|reports counted|headlines?|won)\b.*"),
    "ko": ("신청.*", r".*(?:지역|보도 금액|\d원).*"),
}
"""What a case without filings, regions, reports and headlines does not mention."""
SAID = {
    ("kakao", "en"): ("300,001 to 500,000 won", "Loss band (won)", "300–500k"),
    ("kakao", "ko"): ("손실 300,001~500,000원 지급액", "손실 구간(원)", "30만~50만"),
    ("trams", "en"): ("from 60 to under 120 minutes", "filed"),
    ("trams", "ko"): ("60분 이상 120분 미만", "신청"),
    ("automatic", "en"): (
        *("from 180 to under 300 minutes: 250.00 euros", "Loss band (minutes)", "without an application"),
    ),
    ("automatic", "ko"): ("180분 이상 300분 미만: 250.00유로", "손실 구간(분)", "자동 지급"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("case", "lang"), SAID)
def test_a_report_says_thresholds_units_and_ranges_as_people_do(texts: Texts, case: str, lang: str) -> None:
    text = texts(case, lang)
    wrong = (*WRONG[lang], *(NEVER[lang] if case == "automatic" else ()))
    assert [found[0] for pattern in wrong for found in re.finditer(pattern, text)] == []
    assert [words for words in SAID[case, lang] if words not in text] == []


def test_without_anything_published_there_is_no_table_of_services_nor_advice_against_the_law(
    automatic: Analysis, analysis: Analysis
) -> None:
    assert automatic.tables["levers"].is_empty()  # the law fixes the payment
    assert "services" not in Report(automatic, "en").grids
    titles = [column.title for column in Report(analysis, "en").grids["services"].columns]
    assert ("Complaints counted" in titles, "Shortest outage (hours)" in titles) == (False, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "said", "never"),
    [
        ("en", ("Why: from shop visits to payments", "For every 100 shop visits"), r"(?:from|\d) reports\b"),
        ("ko", ("현재까지 집계된 점포 방문 수 8,461",), r"신고 [\d,]+건 가운데"),
    ],
)
def test_a_report_says_what_its_incident_counts(
    tmp_path: Path, analysis: Analysis, lang: str, said: tuple[str, ...], never: str
) -> None:
    shops = analysis.incident.model_copy(update={"counted": Name(en="shop visits", ko="점포 방문")})
    page = write_report(replace(analysis, incident=shops), tmp_path / "r", lang=lang, formats=("html",))
    titles = (e.text for e in WebPage.of(page).all("strong"))
    text = "\n".join((page_text(page), *titles))
    assert [words for words in said if words not in text] == []
    assert re.findall(never, text) == []
