"""The chance of exceeding a budget says which lines it counts, and what it is if inputs move together."""

from __future__ import annotations

import math
import re
from pathlib import Path
from statistics import NormalDist

import pytest

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.assumptions.distributions import Lognormal
from outage_analysis.cli.console import print_answer
from outage_analysis.costs import simulate
from outage_analysis.costs.expected import Portfolio
from outage_analysis.costs.simulation import Estimate, budget_chance, rounded_probability
from outage_analysis.reports import write_report
from outage_analysis.text import LANGUAGES, Locale
from tests.contract.report_texts import page_text, pdf_pages, slides_of, workbook_of
from tests.costs.uncertain_portfolios import entry, term_of

LEFT_OUT = (
    *("taxi-pro-membership", "designated-driver-pro", "emoticon-plus", "talk-drawer-plus-subscribers"),
    *("melon-passes", "t-blue-fee-waiver", "bike-scooter-overcharges"),
)
"""Cash lines of the Kakao policy without an expected cost."""
TOGETHER = {
    "en": "{share} if the inputs tend to be high or low together",
    "ko": "입력값들이 함께 커지거나 작아지는 경향이 있으면 {share}",
}


@pytest.fixture(scope="module")
def kakao() -> Analysis:
    """The bundled case with the budget of the issue."""
    return run(Plan(budget=300_000_000, claims=()))


def test_the_chance_comes_with_its_scope_and_with_the_chance_if_inputs_move_together(kakao: Analysis) -> None:
    row = kakao.tables["budget"].row(0, named=True)
    assert row["exceeded"] == pytest.approx(0.22, abs=0.02)
    assert row["stressed"] == pytest.approx(0.31, abs=0.02)
    assert row["counted"].split() == ["small-business-cash"]
    assert set(row["left_out"].split()) == set(LEFT_OUT)
    assert kakao.lines_outside_budget == row["left_out"].split()
    assert kakao.to_dict()["uncertainty"]["published"]["budget"] == [row]


def test_the_chance_under_rank_correlation_is_that_of_the_product_of_two_lognormals() -> None:
    """Oracle: ln(a b) is normal with variance s1^2 + s2^2 + 2 r s1 s2, where r = 2 sin(pi rank / 6)."""
    first, second = 0.8, 0.5
    inputs = {
        "a": entry("paid_total", Lognormal(median=1_000, sigma=first), id="a"),
        "b": entry("paid_total", Lognormal(median=1.5, sigma=second), id="b"),
    }
    line = term_of(1, 1, scales=("a", "b"), certain=True)
    folio = Portfolio((line,), inputs, left_out={"cash": ("line-1", "line-2"), "face_value": ("gift",)})
    table = budget_chance(simulate(folio), 4_000.0)
    assert table is not None
    row = table.row(0, named=True)

    def above(correlation: float) -> float:
        sd = math.sqrt(first**2 + second**2 + 2 * correlation * first * second)
        return 1 - NormalDist(math.log(1_500), sd).cdf(math.log(4_000))

    assert row["exceeded"] == pytest.approx(above(0), abs=0.003)
    assert row["stressed"] == pytest.approx(above(2 * math.sin(math.pi * 0.5 / 6)), abs=0.003)
    assert row["stressed"] > row["exceeded"] + 0.02
    assert (row["counted"], row["left_out"]) == ("line-0", "line-1 line-2")


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_format_says_the_scope_and_names_what_is_left_out(
    kakao: Analysis, tmp_path: Path, lang: str
) -> None:
    folder = write_report(kakao, tmp_path / lang, lang=lang, formats=("html", "pdf", "xlsx", "pptx")).parent
    slides = [text for slide in slides_of(folder) for text in slide]
    texts = (page_text(folder), *pdf_pages(folder / "report.pdf")), workbook_of(folder).texts(), slides
    names, share = kakao.names(lang), Locale(lang).share(kakao.tables["budget"]["stressed"][0])
    for found in (texts[0][:1], texts[0][1:], *texts[1:]):
        written = "".join("".join(found).split())
        for said in (TOGETHER[lang].format(share=share), *(names[line] for line in LEFT_OUT)):
            assert "".join(said.split()) in written, said


def test_the_terminal_answers_first_and_names_what_it_leaves_out(
    kakao: Analysis, capsys: pytest.CaptureFixture[str]
) -> None:
    w, cash = Locale("en"), kakao.tables["quantiles"].filter(valuation="cash")
    found = dict(cash.select("measure", "value").iter_rows())
    row = kakao.tables["budget"].row(0, named=True)
    print_answer(kakao.answer())
    out = capsys.readouterr().out
    (stressed,) = cash.filter(measure="p90")["stressed"]
    answer = out.split("\n\n")[0].splitlines()
    share = "This is 0.43% of cash plus paid services."
    assert answer[2].startswith(f"{share} The cash excludes the handling of claims")
    assert [*answer[:2], *answer[3:5]] == [
        (
            f"Cash for small businesses: about {w.money(found['expected'])}. "
            f"1 in 10 outcomes is above {w.money(found['p90'])}, half are below {w.money(found['p50'])}. "
            f"80% likely: {w.money(found['p10'])} to {w.money(found['p90'])}."
        ),
        (
            "The chance of exceeding the budget of 300 million won is "
            f"{w.share(row['exceeded'])}, or {w.share(row['stressed'])} "
            "if the inputs tend to be high or low together."
        ),
        (
            "If all 8,461 reports got a tier payment, cash would be 254–423 million won. "
            "Awards above the tiers have no published limit."
        ),
        f"If the inputs tend to be high or low together, 1 in 10 outcomes is above {w.money(stressed)}.",
    ]
    names = kakao.names("en")
    (omitted,) = re.findall("^Left out, because they have no expected cost: .*$", out, re.MULTILINE)
    (later,) = re.findall("^Not public by .*$", out, re.MULTILINE)
    assert [x for x in LEFT_OUT if names[x] not in omitted] == []
    assert [x for x in kakao.dropped_lines if names[x] not in later] == []


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (Estimate(5.88e-298, 1e-298), Estimate(0.0, 0.0)),
        (Estimate(9e-16, 0.0), Estimate(0.0, 0.0)),
        (Estimate(2e-15, 0.0), Estimate(2e-15, 0.0)),
        (Estimate(0.15119, 0.00123), Estimate(0.151, 0.0012)),
    ],
)
def test_a_probability_below_1e_15_is_zero(estimate: Estimate, expected: Estimate) -> None:
    assert rounded_probability(estimate) == expected


def test_a_budget_is_stated_with_every_digit_that_was_given() -> None:
    assert Locale("en").money_in_full(312_345_678) == "312.345678 million won"
    assert Locale("ko").money_in_full(312_345_678) == "3억 1,234만 5,678원"
    assert Locale("en", "EUR", 2).money_in_full(123_456_789_012) == "1.23456789012 billion euros"
    assert Locale("en").money_in_full(300_000_000) == "300 million won"
