"""Policies beside each other, and the samples and charts of an analysis."""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from outage_analysis import fit_severity, load_policy
from outage_analysis.analysis import (
    Analysis,
    Plan,
    PolicyComparison,
    compare,
    compare_policies,
    load_documents,
    run,
)
from outage_analysis.errors import ModelRefused, OutageAnalysisError, UsageError
from outage_analysis.text import LANGUAGES, Locale, ShownTable, text_table
from tests.tram_case import tram_plan

FEW = 1_024
WEEK = date(2022, 10, 24)
CANDIDATES = ("kakao-candidate-cash", "kakao-candidate-voucher", "kakao-candidate-fees")


# --- which ledger, which day ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "known"),
    [
        (None, "kakao-2022"),
        (date(2022, 10, 23), None),
        (WEEK, "kakao-2022-10-24"),
        (date(2022, 12, 29), "kakao-2022-10-24"),
        (date(2022, 12, 30), "kakao-2022"),
        (date(2023, 6, 29), "kakao-2022"),
        (date(2023, 6, 30), "kakao-2023-06-30"),
        (date(2099, 1, 1), "kakao-2023-06-30"),
    ],
)
def test_the_ledger_is_the_latest_that_was_written_by_the_day(as_of: date | None, known: str | None) -> None:
    _, _, ledger = load_documents(Plan(as_of=as_of))
    assert (ledger.id if ledger else None) == known


@pytest.fixture(scope="module")
def week() -> PolicyComparison:
    """The candidates of the decision week."""
    return compare_policies(Plan(as_of=WEEK, draws=FEW), CANDIDATES)


def test_a_report_shows_what_compare_says_in_any_order(tram: Path) -> None:
    plan, pages = tram_plan(tram, compare=(), budget=None), [tram / "counted.toml", tram / "flat.toml"]
    found, other = (compare_policies(plan, order).simulations for order in (pages, pages[::-1]))
    assert found.policies.sort("policy").equals(other.policies.sort("policy"))
    there, back = found.pairs.row(0, named=True), other.pairs.row(0, named=True)
    assert (there["difference"], there["cheaper"]) == (-back["difference"], back["dearer"])
    assert there["range_low"] == pytest.approx(-back["range_high"], rel=0.02)
    analysis = run(replace(plan, compare=(tram / "flat.toml",)))
    for name, table in {"comparison": found.policies, "pairs": found.pairs, "flips": found.flips}.items():
        assert analysis.exact_tables[name].equals(table), name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sentence_names_the_policies_as_readers_do(week: PolicyComparison, lang: str) -> None:
    said = week.sentence(Locale(lang))
    for id_ in week.simulations.policies.sort("expected")["policy"].to_list()[:2]:
        assert load_policy(id_).name[lang] in said
    assert not set(CANDIDATES) & set(said.split())


def test_two_policies_of_one_name_are_distinguished_by_their_ids(tram: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin.toml"
    twin.write_text((tram / "flat.toml").read_text("utf-8").replace("Flat", "Tram charter"), "utf-8")
    found = compare_policies(tram_plan(tram), [tram / "counted.toml", twin])
    names = found.names("en")
    for id_ in ("tram-2031", "tram-flat"):
        assert names[id_] == f"Tram charter ({id_})"
    assert "(tram-flat)” costs least" in found.sentence(Locale("en", "EUR", 2))
    answer = found.answer("en")
    (winners,) = (x for x in answer.tables if isinstance(x, ShownTable) and x.title.startswith("Who gains"))
    assert "Payment by loss" in text_table(winners, answer).rows[0]  # the name of the line, not its id


@pytest.mark.parametrize(
    ("others", "error", "said"),
    [
        (("counted.toml",), UsageError, "needs two or more different policies"),
        (("flat.toml", "flat.toml"), UsageError, "needs two or more different policies"),
        (("goods.toml",), ModelRefused, "Without one: tram-goods"),
        (("kddi-2022",), UsageError, "states amounts in JPY, the incident tram-2031 amounts in EUR"),
        (("nowhere.toml",), UsageError, "no such file"),
        (("incident.toml",), UsageError, "unknown key"),
    ],
)
def test_a_report_refuses_what_it_cannot_compare(
    tram: Path, others: tuple[str, ...], error: type[OutageAnalysisError], said: str
) -> None:
    pages = tuple(tram / x if x.endswith(".toml") else x for x in others)
    with pytest.raises(error) as refusal:
        run(tram_plan(tram, compare=pages))
    assert said in str(refusal.value)


def test_the_candidates_of_the_decision_week_have_no_share_of_a_loss_and_nobody_dominates(
    week: PolicyComparison,
) -> None:
    table, said = week.simulations.policies, week.sentence(Locale("en"))
    assert table.select("replaced_low", "replaced_high").null_count().row(0) == (3, 3)
    assert table["cost_rank"].to_list() == [2, 3, 1]
    assert table["benefit_rank"].to_list() == [1, 3, 2]  # 400,000, 5,060 and 7,550 won each
    assert table["dominated_by"].to_list() == [None] * 3
    assert "as KT in 2018” pays most per recipient" in said
    assert "as SK Telecom in 2008” pays the most recipients" in said
    first = CANDIDATES[0]
    with pytest.raises(UsageError, match="Did you mean 'kakao-candidate-fees'"):
        week.winners_and_losers(first, "kakao-candidate-fee")


def test_an_amount_in_cents_is_compared_exactly_and_a_sample_comes_from_its_seed(tram: Path) -> None:
    analysis = run(tram_plan(tram, policy=tram / "certain.toml", compare=(), budget=None))
    total = analysis.expected
    assert total is not None
    assert round(total * 100) % 290 == 0
    assert (analysis.chance_over(total), analysis.chance_over(total - 0.01)) == (0, 1)
    assert [analysis.median, analysis.quantile(0.01), *analysis.sample(3)] == [total] * 5
    one, again, other = (run(tram_plan(tram, seed=seed)).sample(500) for seed in (3, 3, 4))
    assert one.equals(again)
    assert not one.equals(other)


def test_a_chart_is_saved_in_every_format_as_it_is_shown_and_without_a_network(
    made: Analysis, tmp_path: Path
) -> None:
    chart = made.chart("tornado", width=600, title="Our <inputs>", lang="ko")
    for name in ("x.svg", "x.png", "x.pdf", "x.html", "x.json"):
        chart.save(tmp_path / name)
    drawing, page = ((tmp_path / name).read_text("utf-8") for name in ("x.svg", "x.html"))
    assert re.search(r'<svg[^>]* width="600"', drawing)
    assert all(said in drawing for said in ("Our &lt;inputs&gt;", "2031. 3. 10."))
    assert struct.unpack(">I", (tmp_path / "x.png").read_bytes()[16:20]) == (1_200,)
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
    spec = json.loads((tmp_path / "x.json").read_text("utf-8"))
    assert (spec["width"], spec["usermeta"]["lang"]) == (600, "ko")
    assert all(said in page for said in ("default-src 'none'", "font/otf;base64"))
    assert not re.search("<link|<script src", page)
    made.chart("tornado").save(tmp_path / "odd.name", format="svg")
    assert re.match('<svg[^>]* width="760"', (tmp_path / "odd.name").read_text("utf-8"))


@pytest.mark.parametrize(
    ("asked", "error", "problem"),
    [
        ({"name": "tornad"}, UsageError, "Did you mean 'tornado'"),
        ({"name": "tornado", "width": 0}, UsageError, "whole number of pixels"),
        ({"name": "tornado", "height": 2.5}, UsageError, "whole number of pixels"),
        ({"name": "intake"}, ModelRefused, "nothing to show in the chart intake "),
        ({"name": "tornado"}, UsageError, "svg, png, pdf, html, json"),
    ],
)
def test_a_wrong_chart_is_one_clear_error(
    made: Analysis, tmp_path: Path, asked: dict[str, Any], error: type[OutageAnalysisError], problem: str
) -> None:
    with pytest.raises(error, match=problem):
        made.chart(**asked).save(tmp_path / "x.gif")
    assert [*tmp_path.iterdir()] == []


EDGES, COUNTS = [0, 100_000, 300_000, 500_000], [400, 300, 150, 50]
WRONG: list[tuple[Callable[[Analysis], object], str]] = [
    (lambda _: compare(*CANDIDATES, as_of="24.10.2022"), "is not a day"),
    (lambda _: compare("kakao-2022"), "two or more different policies"),
    (lambda _: compare(*CANDIDATES, budget=-1), "the budget is a number from 0"),
    (lambda _: compare("kakao-2022", "kddi-2022"), "states amounts in JPY"),
    (lambda made: made.quantile(90), "between 0 and 1, ends excluded"),
    (lambda made: made.quantile("0.9"), "between 0 and 1"),  # type: ignore[arg-type]
    (lambda made: made.quantile(True), "between 0 and 1"),  # noqa: FBT003
    (lambda made: made.sample(0), "whole number of totals from 1"),
    (lambda made: made.sample(2.5), "whole number of totals from 1"),  # type: ignore[arg-type]
    (lambda made: made.sample(2**22 + 1), "to 4,194,304"),
    (lambda made: made.chance_over("300"), "number in whole currency"),  # type: ignore[arg-type]
    (lambda made: made.chance_over(math.nan), "number in whole currency"),
    (lambda made: made.chance_over(None), "number in whole currency"),  # type: ignore[arg-type]
    (lambda _: fit_severity(EDGES, COUNTS, family="lognorm"), "Did you mean 'lognormal'"),
    (lambda _: fit_severity([*EDGES, 900_000], COUNTS), "state what is known about larger losses.*closed"),
    (lambda _: fit_severity([*EDGES, None], COUNTS, top="closed"), "a last edge that is finite"),
    (lambda _: fit_severity([0, 5], COUNTS, top="closed"), "2 edges|3 edges|counts"),
]


@pytest.mark.parametrize(("ask", "problem"), WRONG, ids=[problem for _, problem in WRONG])
def test_a_wrong_question_is_one_clear_error(
    made: Analysis, ask: Callable[[Analysis], object], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        ask(made)


def test_without_an_expected_cost_there_is_no_distribution(tram: Path) -> None:
    analysis = run(tram_plan(tram, ledger=None, compare=(), budget=None))
    assert analysis.expected is None
    for question in (lambda: analysis.median, lambda: analysis.sample(5), lambda: analysis.chance_over(1)):
        with pytest.raises(ModelRefused, match="no line has an expected cost in cash"):
            question()


# --- fits ---------------------------------------------------------------------------------------------------
