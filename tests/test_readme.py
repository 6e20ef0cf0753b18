"""What README.md and README.ko.md state about the case and print as output."""

from __future__ import annotations

import re

import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.incidents import outcomes
from tests.doc_pages import blocks, prose
from tests.paths import ROOT

FRONT, KOREAN = ROOT / "README.md", ROOT / "README.ko.md"
SERVICES = {"KakaoTalk": "kakaotalk", "Kakao T": "kakao_t"}


def code(text: str) -> str:
    """A block of code without its comments and its language."""
    return re.sub(r" *#.*|, lang=\"ko\"", "", text)


@pytest.fixture(scope="module")
def sample() -> oa.Claims:
    return oa.load_sample("kakao")


@pytest.fixture(scope="module")
def bundled() -> oa.Analysis:
    return oa.run()


def published(id_: str) -> tuple[float | None, ...]:
    """The value, low and high of a published figure or of an outcome."""
    (row,) = pl.concat([oa.facts(), outcomes()]).filter(id=id_).select("value", "low", "high").rows()
    return row


def test_the_rows_of_the_table_are_those_of_the_claims(sample: oa.Claims) -> None:
    (shown,) = (block.text for block in blocks(FRONT) if block.language == "text")
    losses = sample.to_polars().select("service", "loss").rows()
    for name, id_ in SERVICES.items():
        stated = [loss for service, loss in losses if service == id_]
        counts = [
            sum(loss == 0 for loss in stated),
            sum(loss is not None and 0 < loss <= 300_000 for loss in stated),
            sum(loss is not None and 300_000 < loss <= 500_000 for loss in stated),
            sum(loss is not None and loss > 500_000 for loss in stated),
            sum(loss is None for loss in stated),
            len(stated),
        ]
        assert re.search(rf"^ {name} +{' +'.join(f'{n:,}' for n in counts)}$", shown, re.MULTILINE)


def test_the_figures_of_the_case_are_those_of_the_facts_and_of_the_model(bundled: oa.Analysis) -> None:
    _, low, high = published("CO-07")
    assert (round((low or 0) / 1e6), round((high or 0) / 1e6)) == (254, 423)
    assert published("CL-13")[0] == 8_461
    assert published("CO-10")[0] == 50_000_000
    model = [bundled.expected, bundled.median, bundled.quantile(0.1), bundled.quantile(0.9)]
    rounded = [float(f"{amount:.2g}") for amount in model]
    assert rounded == [260e6, 120e6, 20e6, 560e6]
    assert rounded[2] < 50e6 < rounded[1] / 2  # paid: less than half of the median, and inside the range
    english = (
        "254–423 million won",
        "8,461",
        "expected 260 million won, median 120 million",
        "20–560 million",
        "about 50 million",
        "which is less than half of the median and inside the 80 % range",
    )
    korean = (
        "2억 5,400만~4억 2,300만 원",
        "8,461건",
        "기댓값 2억 6,000만 원, 중앙값 1억 2,000만 원",
        "2,000만~5억 6,000만 원",
        "약 5,000만 원",
        "중앙값의 절반에 못 미치지만 80% 구간 안에 있습니다",
    )
    assert [text for text in english if text not in prose(FRONT)] == []
    assert [text for text in korean if text not in prose(KOREAN)] == []


def test_both_pages_are_one_screen_with_the_same_code_and_links() -> None:
    first, second = ([code(b.text) for b in blocks(page) if b.language != "text"] for page in (FRONT, KOREAN))
    assert first == second
    own = {"README.md", "README.ko.md", "docs/ko/quick-start.md"}
    texts = [page.read_text("utf-8") for page in (FRONT, KOREAN)]
    links = [{link for link in re.findall(r"\]\(([^)]+)\)", text) if ".gif" not in link} for text in texts]
    assert links[0] - own == links[1] - own
    assert max(text.count("\n") for text in texts) <= 60
