"""The words of a report: the incident's units, one form of ranges, one level, nothing that does not exist."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from outage_analysis import Analysis, Plan, run, write_report
from outage_analysis.files import Name
from outage_analysis.reports import Report
from tests.commands import command
from tests.contract.report_texts import slides_of
from tests.contract.test_languages_and_marks import texts_of
from tests.html_page import WebPage
from tests.tampered_bundles import manifest_of
from tests.tram_case import tram_plan

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
    "en": (EQUAL_ENDS, EDGES, r"\d\S{0,30} – \S{0,30}\d|\d ?~ ?\d"),
    "ko": (
        *(
            EQUAL_ENDS,
            EDGES,
            WITHOUT_UNIT,
            r"\d\S{0,30}(?: [원만억조])? ?–\s?\S{0,30}\d|\d\S{0,30} ~|~ \S{0,30}\d",
        ),
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


@pytest.mark.slow
def test_without_anything_published_there_is_no_table_of_services_nor_advice_against_the_law(
    automatic: Analysis, analysis: Analysis
) -> None:
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


FEW = 2**13
LEVEL = 90
OF_ANOTHER_LEVEL = re.compile(
    r"\bP10\b|\bP90\b|\bp10\b|\bp90\b|80 ?% (likely|interval|range|구간|확률 범위|of cases)|80 percent"
    r"|eight (of|in) ten|열에 여덟"
)
RESERVE = re.compile(
    r"\bP75\b[^%]{0,60}?\bP90\b"  # the amounts side by side or row by row
    r"|\bp75,[\d.,]*\s+p90\b"  # the table as CSV
    r"|(?:mean|평균)\s+P90\b"  # the strings of the workbook, of which each is stored once
    r"|\bP(?:75|90) ?\((?:25% above|10% above|초과 확률 25%|초과 확률 10%)\)"  # the same with their meaning
    r"|\b\d\d%(?: |\s?확률)\(P\d\d\)"  # the probabilities of keeping a budget that a reader can choose
)
"""The reserve, whose measures do not depend on the level, and the form that searches payments."""


def test_the_range_is_that_of_the_draws_and_no_other_figure_moves_with_the_level(tram: Path) -> None:
    usual, moved = (run(tram_plan(tram, draws=FEW, level=level)) for level in (80, LEVEL))
    rows, as_usual = (
        {
            row["measure"]: row
            for row in a.exact_tables["quantiles"].filter(valuation="cash").iter_rows(named=True)
        }
        for a in (moved, usual)
    )
    drawn = moved.runs["published"].totals["cash"].values
    for measure, p in {"p5": 0.05, "p50": 0.5, "p95": 0.95, "p99": 0.99}.items():
        quantile = np.quantile(drawn, p, method="inverted_cdf")
        assert rows[measure]["value"] == pytest.approx(quantile, abs=rows[measure]["error"])
    assert rows.keys() - as_usual.keys() == {"p5"}
    assert as_usual.keys() - rows.keys() == {"p10", "p90"}
    assert all(rows[measure] == as_usual[measure] for measure in rows.keys() & as_usual.keys())
    for name in ("costs", "totals", "funnel", "steps", "budget"):
        assert usual.exact_tables[name].equals(moved.exact_tables[name])
    (low, high), (inner_low, inner_high) = moved.likely_cash or (0, 0), usual.likely_cash or (0, 0)
    assert (low, high) == (rows["p5"]["value"], rows["p95"]["value"])
    assert low < inner_low < inner_high < high
    compared = moved.exact_tables["comparison"].filter(policy=moved.policy.id)
    assert compared.select("range_low", "range_high").row(0) == (low, high)
    (filing,) = moved.exact_tables["tornado"].filter(assumption="as-filing").iter_rows(named=True)
    assert (filing["input_low"], filing["input_high"]) == pytest.approx((0.22, 0.58))  # uniform, 20 to 60 %
    assert filing["cost_high"] / filing["cost_low"] == pytest.approx(58 / 22)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "lang"), [("kakao", "ko"), ("tram", "en")])
def test_every_format_names_only_this_range(tmp_path: Path, tram: Path, case: str, lang: str) -> None:
    options = {"draws": FEW, "level": LEVEL}
    plan = Plan(**options) if case == "kakao" else tram_plan(tram, **options)  # type: ignore[arg-type]
    folder = write_report(run(plan), tmp_path / "out", lang=lang).parent
    texts = {of: " ".join(told) for of, told in texts_of(folder).items()}
    written = (p for p in folder.rglob("*") if p.suffix in (".csv", ".json", ".md", ".svg"))
    texts |= {p.name: p.read_text("utf-8") for p in written}
    others = {name: OF_ANOTHER_LEVEL.findall(RESERVE.sub("", text)) for name, text in texts.items()}
    assert others == {name: [] for name in texts}
    sentence = {"en": "90% likely", "ko": "90% 확률 범위"}[lang]
    for name in ("page", "pdf", "slides", "workbook"):
        plain = re.sub(r"\s+", " ", texts[name])
        assert all(re.search(rf"\b{said}\b", plain) for said in (sentence, "P5", "P95")), name
    assert set(manifest_of(folder)["figures"]) == {"expected", "p5", "p50", "p95"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cost", "backtest"])
def test_tables_of_other_commands_have_the_names_of_the_ends(name: str) -> None:
    code, out, _ = command(name, "--level", 90, "--draws", FEW)
    assert code == 0
    assert not re.search(rf"{OF_ANOTHER_LEVEL.pattern}|range_low", out)
    assert re.search(r"(?i) p5 +p50 +p95\b", out)
    assert re.search(r"P5 (and its|to) P95", out)


# --- the command line -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "level", ["9", "49", "99", "100", "0.9", "80.5", "-90", "ninety", "", "\uff19\uff10"]
)
def test_a_bad_level_is_one_line(level: str) -> None:
    code, out, err = command("cost", f"--level={level}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--level is outside its range" in err
    assert "Take a whole number from 50 to 98." in err
