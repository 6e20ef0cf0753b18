"""Policies set beside each other, by a report and by `compare`: which pages, ledger, day and claims."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from outage_analysis.analysis import Plan, PolicyComparison, compare, compare_policies, load_documents, run
from outage_analysis.claims import load_sample
from outage_analysis.errors import ModelRefused, OutageAnalysisError, UsageError
from outage_analysis.policies import load_policy
from outage_analysis.text import LANGUAGES, Locale
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
    cash = analysis.exact_tables["quantiles"].filter(valuation="cash")
    measures = {"expected": "expected", "range_low": "p10", "p50": "p50", "range_high": "p90"}
    mine = found.policies.row(0, named=True)
    assert {column: mine[column] for column in measures} == {
        column: cash.filter(measure=measure)["value"].item() for column, measure in measures.items()
    }


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
    assert found.names("en") == {id_: f"Tram charter ({id_})" for id_ in ("tram-2031", "tram-flat")}
    assert "(tram-flat)” costs least" in found.sentence(Locale("en", "EUR", 2))


@pytest.mark.parametrize(
    ("others", "error", "said"),
    [
        (("counted.toml",), UsageError, "needs two or more different policies"),
        (("flat.toml", "flat.toml"), UsageError, "needs two or more different policies"),
        (("goods.toml",), ModelRefused, "Without one: tram-goods"),
        (("kddi-2022",), UsageError, "pays JPY, the incident tram-2031 counts in EUR"),
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
    assert table["not_measured"].to_list() == ["published_counts"] * 3
    assert table.select("replaced_low", "replaced_high", "made_whole_low").null_count().row(0) == (3, 3, 3)
    assert table["cost_rank"].to_list() == [2, 3, 1]
    assert table["benefit_rank"].to_list() == [1, 3, 2]  # 400,000, 5,060 and 7,550 won each
    assert table["dominated_by"].to_list() == [None] * 3
    assert "as KT in 2018” pays most per recipient" in said
    assert "as SK Telecom in 2008” pays the most recipients" in said
    promised = dict(table.select("policy", "promised").rows())
    first, *others = CANDIDATES
    totals = week.winners_table.filter(level="total").select("other", "total_difference").rows()
    assert totals == [(other, promised[first] - promised[other]) for other in others]
    there, back = (
        week.winners_and_losers(*pair).filter(level="total")["total_difference"].item()
        for pair in ((first, others[1]), (others[1], first))
    )
    assert there == -back
    with pytest.raises(UsageError, match="Did you mean 'kakao-candidate-fees'"):
        week.winners_and_losers(first, "kakao-candidate-fee")


@pytest.mark.slow
def test_minutes_of_delay_have_winners_but_no_share_of_a_loss() -> None:
    charter = load_policy("trams")
    lines = tuple(x for x in charter.lines if x.id != "season-credit")
    shorter = charter.model_copy(update={"id": "changed", "lines": lines, "tie_outs": ()})
    found = compare(charter, shorter, claims=load_sample("trams"), draws=FEW)
    policies = found.simulations.policies
    assert policies["not_measured"].to_list() == ["loss_not_money"] * 2
    assert policies["replaced_low"].null_count() == 2
    total = found.winners_table.filter(level="total").row(0, named=True)
    promised, without = policies["promised"]
    assert total["total_difference"] == pytest.approx(promised - without)
    assert (total["gain"] > 0, total["lose"]) == (True, 0)
    (note,) = found.simulations.benefit_notes(found.locale("en"))
    assert note.startswith("Losses are not money")
