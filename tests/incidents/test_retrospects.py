"""Pages of back-tests: what a page may hold, and what is no outcome."""

from __future__ import annotations

import pytest

from outage_analysis.costs.backtesting import backtest
from outage_analysis.errors import ModelRefused, OutageAnalysisError, UsageError
from outage_analysis.files import bundled_ids, data_root
from outage_analysis.incidents import fact_exists, get_fact, load_backtest_spec
from tests.conftest import Edited

KAKAO = load_backtest_spec("kakao-2022")
FEW = 2**10
"""Draws: enough to be refused."""


@pytest.mark.parametrize("id_", bundled_ids("backtests"))
def test_a_bundled_document_tries_facts_that_came_out_between_its_days(id_: str) -> None:
    page = load_backtest_spec(id_)
    assert page == load_backtest_spec(data_root() / "backtests" / f"{id_}.toml")
    for outcome in page.outcomes:
        when = page.later_fact(outcome.fact).public_on
        assert when is not None
        assert page.as_of < when <= page.known_on
        denominator = page.denominator(outcome)
        assert (denominator is None) == (outcome.stage == "total")
        assert all(get_fact(fact, public_by=page.as_of) for fact in outcome.press)
    cited = [f for o in page.outcomes for f in (o.denominator, o.fact, *o.press) if f]
    cited += [f for s in page.unscored for f in (s.fact, s.each) if f]
    assert [fact for fact in cited if not fact_exists(fact)] == []


def test_the_kakao_document_has_five_independent_outcomes_and_a_total_of_three_of_them() -> None:
    assert [o.fact for o in KAKAO.outcomes if o.independent] == [
        "R2-05", "R2-06", "R2-07", "CO-11.applicants", "CO-06",
    ]  # fmt: skip
    (total,) = (o for o in KAKAO.outcomes if not o.independent)
    assert (total.fact, total.stage) == ("CO-10", "total")
    assert "CO-14" in {s.fact for s in KAKAO.unscored}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("known_on = 2023-06-30", "known_on = 2022-12-30", "a day after as_of"),
        ('stage = "total"', 'stage = "total"\ndenominator = "CL-13"', "Leave out denominator"),
        (
            'denominator = "CL-13"\n',
            "",
            "needs denominator: the fact that counts those of whom some were filed",
        ),
        ('id = "accepted"', 'id = "filed"', "gives the id filed twice"),
        ('id = "closing-total"', 'id = "paid"', "gives the id paid twice"),
        ('each = "PR-08"\n', "", "needs either valuations, or an outcome and what each is worth"),
        ('each = "PR-08"', 'each = "PR-08"\nvaluations = ["cash"]', "needs either valuations"),
        ('outcome = "channel-applicants"', 'outcome = "paid"', "no outcome that counts people"),
        ('stage = "paid"', 'stage = "refused"', "'filed', 'accepted', 'taken', 'paid' or 'total'"),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(
    edited: Edited, old: str, new: str, message: str
) -> None:
    with pytest.raises(UsageError, match=r"backtests\.toml") as refusal:
        load_backtest_spec(edited("backtests", old, new))
    assert message in str(refusal.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "kind", "message"),
    [
        ('fact = "R2-05"', 'fact = "R2-99"', UsageError, "no such fact"),
        (
            'fact = "R2-05"',
            'fact = "CL-13"',
            UsageError,
            "CL-13 was public on 2022-12-30, so it is no outcome",
        ),
        ('fact = "R2-05"', 'fact = "R2-10"', UsageError, "R2-10 was public on an unknown day"),
        ('fact = "R2-05"', 'fact = "R2-07"', UsageError, "counts no people"),
        ('fact = "R2-07"', 'fact = "R2-06"', UsageError, "no sum in KRW"),
        ("known_on = 2023-06-30", "known_on = 2023-06-29", UsageError, "Let as_of be before that day"),
        ('denominator = "R2-05"', 'denominator = "R2-10"', UsageError, "R2-10 was public on an unknown day"),
        ('"CO-07", ', '"CO-10", ', UsageError, "no such fact"),
        (
            'ledger = "kakao-2022"',
            'ledger = "kakao-2023-06-30"',
            UsageError,
            "after the forecast of 2022-12-30",
        ),
        ('incident = "kakao-2022"', 'incident = "tram-2031"', UsageError, "not for tram-2031"),
        ('line = "emoticons"', 'line = "emotions"', UsageError, "no such cost line"),
        ('line = "emoticons"', 'line = "talk-drawer"', ModelRefused, "also hangs on a cap"),
        ('line = "emoticons"', 'line = "taxi-income-fund"', ModelRefused, "was not public by 2022-12-30"),
        ('line = "emoticons"', 'line = "small-business-cash"', ModelRefused, "states no take_up"),
        ('stage = "total"', 'stage = "total"\nline = "paid-services"', ModelRefused, "is no schedule"),
        ('"cash", "top_down"', '"displaced_sales"', ModelRefused, "has an expected displaced_sales"),
    ],
)
def test_a_case_that_cannot_be_tried_is_refused_with_its_remedy(
    edited: Edited, old: str, new: str, kind: type[OutageAnalysisError], message: str
) -> None:
    extra = ('line = "small-business-cash"\nstage = "total"', 'stage = "total"') if "paid-serv" in new else ()
    page = load_backtest_spec(edited("backtests", *extra, old, new))
    with pytest.raises(kind) as refusal:
        backtest(page, draws=FEW)
    assert message in str(refusal.value)
    assert refusal.value.remedy


NEW_APPLICANTS = """currency = "KRW"

[[assumption]]
id = "as-new"
kind = "new_applicants"
name = { en = "Filings of people who had never reported" }
lines = ["small-business-cash"]
distribution = { kind = "uniform", low = 0, high = 0.1 }
public_on = 2022-12-30
grade = "assumed"
source = "a test"
rationale = "a test"
owner = "a test"
outcome_known = false
"""


def test_filings_that_hang_on_more_than_one_rate_are_refused(edited: Edited) -> None:
    ledger = edited("assumptions", 'currency = "KRW"\n', NEW_APPLICANTS)
    page = KAKAO.model_copy(update={"ledger": str(ledger), "outcomes": KAKAO.outcomes[:1], "unscored": ()})
    with pytest.raises(ModelRefused, match="also hangs on its new_applicants"):
        backtest(page, draws=FEW)


def test_a_line_without_an_expected_cost_has_no_total(edited: Edited) -> None:
    late = edited("assumptions", "public_on = 2022-12-30", "public_on = 2022-12-31")  # the filing share
    total = tuple(o for o in KAKAO.outcomes if o.stage == "total")
    page = KAKAO.model_copy(update={"ledger": str(late), "outcomes": total, "unscored": ()})
    with pytest.raises(ModelRefused, match="no expected cash of small-business-cash") as refusal:
        backtest(page, draws=FEW)
    assert "band mix" in refusal.value.remedy
