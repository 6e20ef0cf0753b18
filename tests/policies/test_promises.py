"""Credits, goods, budgets, sums of a policy, and what depends on the day."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, strategies as st
from scipy import integrate, stats

from outage_analysis.assumptions import Ledger
from outage_analysis.assumptions.distributions import Beta
from outage_analysis.costs import exact_costs
from outage_analysis.costs.benefits import policy_result
from outage_analysis.errors import UsageError
from outage_analysis.incidents import get_fact
from outage_analysis.policies import FeeCredit, Policy, load_policy
from tests.costs.test_payouts import Page, policy_of
from tests.policies.policy_documents import (
    DAY,
    EVERYBODY,
    FIRST_COME,
    FLAT,
    LATER,
    Written,
    ends,
    toml,
    written,
)
from tests.small_policies import ledger_of

# --- fee credits -----------------------------------------------------------------------------------


def credit(**terms: Any) -> FeeCredit:  # noqa: ANN401 - terms of a page
    """The one line of a policy in euros, paid at once."""
    (line,) = policy_of({"effort": "automatic", "kind": "fee_credit", **terms}).lines
    assert isinstance(line, FeeCredit)
    return line


@pytest.mark.parametrize(
    ("terms", "paid"),
    [
        ({"days": 3}, 3_000),  # 31,000 for 31 days: 1,000 a day
        ({"days": 31}, 31_000),
        ({"hours": 36}, 1_500),
        ({"hours": 1}, 42),  # 41.67
        ({"periods": 1}, 31_000),
        ({"periods": 2}, 62_000),
        ({"multiple": 10, "outage_minutes": 144}, 1_000),  # a tenth of a day, ten times
        ({"multiple": 10, "outage_minutes": 144, "from_minutes": 145}, 0),
        ({"multiple": 10, "outage_minutes": 144, "from_minutes": 144}, 1_000),
        ({"multiple": 10, "outage_minutes": 0}, 0),
        ({"multiple": 10}, None),  # how long it lasted is not known
        ({"days": 3, "amount": 3_100}, 3_100),  # as announced
        ({"days": 3, "fee": None}, None),
        # Kakao announced 7,550, which rounding up to ten explains: https://biz.sbs.co.kr/amp/article/20000085275
        ({"fee": 39_000, "days": 6}, 7_548),
        ({"fee": 39_000, "days": 6, "rounding": {"to": 10, "how": "up"}}, 7_550),
        ({"amount": 5}, 5),
    ],
)
def test_a_fee_credit_is_the_fee_for_the_time_that_is_credited(terms: Page, paid: int | None) -> None:
    assert credit(**{"fee": 31_000, "period_days": 31} | terms).payment == paid


@given(
    fee=st.integers(1, 10**12),
    period=st.integers(1, 366),
    days=st.integers(1, 366),
    to=st.integers(1, 1_000),
    how=st.sampled_from(["up", "down", "half_up"]),
)
def test_a_rounded_credit_is_the_nearest_step_on_its_side(
    fee: int, period: int, days: int, to: int, how: str
) -> None:
    paid = credit(fee=fee, period_days=period, days=days, rounding={"to": to, "how": how}).payment
    assert paid is not None
    assert paid % to == 0
    off = (paid - Fraction(fee * days, period)) / to  # of two steps that are as near, the upper one
    half = Fraction(1, 2)
    assert {"up": 0 <= off < 1, "down": -1 < off <= 0, "half_up": -half < off <= half}[how]


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "fee_credit", "days": 3, "recipients": "US-03"},
        {"kind": "budget", "effort": "automatic"},
        {"kind": "in_kind", "effort": "one_tap", "recipients": "US-03"},
    ],
)
def test_a_line_without_a_fee_or_an_amount_is_unpriced_and_bounds_nothing(line: Page) -> None:
    table = exact_costs(policy_of(line), None, as_of=DAY)
    assert table.select("status", "promised", "expected", "high").row(0) == ("unpriced", None, None, None)


@pytest.mark.parametrize(
    ("terms", "message", "remedy"),
    [
        ({"days": 3, "hours": 5}, "gives days and hours", "Keep one of them."),
        ({}, "says no credit", "Give days, hours, periods, multiple or amount."),
        ({"days": 3, "from_minutes": 9}, "has from_minutes or outage_minutes without a multiple", ""),
        ({"days": 3, "outage_minutes": 9}, "has from_minutes or outage_minutes without a multiple", ""),
    ],
)
def test_a_fee_credit_has_exactly_one_term(
    write_document: Written, terms: Page, message: str, remedy: str
) -> None:
    with pytest.raises(UsageError, match=message) as refusal:
        load_policy(write_document(toml({"kind": "fee_credit", **terms})))
    assert refusal.value.remedy == remedy


# --- free goods and their caps ---------------------------------------------------------------------

MILLION = 10**6


@pytest.mark.parametrize("cap", [FIRST_COME, "US-10.mau", "US-10.customers", "US-02", None])
def test_a_capped_good_is_expected_to_serve_the_mean_of_the_lesser_number(cap: str | None) -> None:
    """Of a good worth one cent, the cost is the number of people who take it."""
    served = 48 * MILLION if cap is None else get_fact(cap).count
    line = {"kind": "in_kind", "effort": "one_tap", "face_value": 1, "recipients": EVERYBODY}
    rate = Beta(a=2, b=18)
    taken = {"kind": "take_up", "lines": ("line-0",), "distribution": rate.model_dump()}
    policy = policy_of(line | ({"cap": cap} if cap else {}))
    row = exact_costs(policy, ledger_of(taken), as_of=DAY).row(0, named=True)
    ceiling = served / (48 * MILLION)
    below = integrate.quad(stats.beta(2, 18).cdf, 0, ceiling, epsabs=0, epsrel=1e-10)[0]
    assert row["expected"] == pytest.approx(48 * MILLION * (ceiling - below), rel=1e-8)
    assert row["low"] <= row["expected"] <= row["high"] <= served == row["promised"]


# --- budgets ---------------------------------------------------------------------------------------


def budget(
    day: date = DAY,
    page: dict[str, Any] | None = None,
    *,
    ledger: Ledger | None = None,
    **terms: Any,  # noqa: ANN401 - terms of a page
) -> dict[str, Any]:
    policy = policy_of({"kind": "budget", "effort": "automatic", **terms}, **(page or {}))
    return exact_costs(policy, ledger, as_of=day).row(0, named=True)


@pytest.mark.parametrize(
    ("effort", "expected"), [("automatic", [100, 100, 100, 100]), ("form", [100, 0, None, 100])]
)
def test_a_budget_is_paid_in_full_or_as_far_as_people_ask(effort: str, expected: list[float | None]) -> None:
    assert ends(budget(effort=effort, amount=100)) == expected


def test_a_sum_may_be_a_fact_in_whole_currency_and_counts_from_the_day_of_the_fact() -> None:
    won = {"currency": "KRW", "loss_unit": "KRW", "minor_units": 2}  # whole won of two digits, for the test
    assert ends(budget(DAY, won, amount="CO-17.budget-alt"))[0] == 8 * 10**9 * 100
    assert budget(date(2023, 5, 10), won, amount="CO-16")["status"] == "not_public_yet"
    assert ends(budget(date(2023, 5, 11), won, amount="CO-16"))[0] == 3 * 10**9 * 100


@pytest.mark.parametrize(
    ("fact", "unit"), [("PO-KDDI.cost", "JPY"), ("CL-01", "cases"), ("CL-03a", "%"), ("LD-10", "KRW")]
)
def test_a_fact_that_is_no_sum_in_the_policys_currency_is_refused(fact: str, unit: str) -> None:
    won = {"currency": "KRW", "loss_unit": "KRW"}
    with pytest.raises(UsageError, match=rf"no sum in KRW .*{fact}.*Its unit is '{unit}'"):
        budget(LATER, won, amount=fact)


@pytest.mark.parametrize("fact", ["CO-01", "CL-03a", "LD-11", "PO-KDDI.outage-hours", "FX-01"])
def test_a_fact_that_counts_nobody_is_refused_as_a_count(fact: str) -> None:
    policy = policy_of({"kind": "in_kind", "face_value": 5, "recipients": fact, "public_on": DAY})
    with pytest.raises(UsageError, match="counts no people and no cases"):
        exact_costs(policy, None, as_of=LATER)


# --- published sums, computed again from the lines -------------------------------------------------


def sum_of(write_document: Written, line: Page, **tie: Any) -> float | None:  # noqa: ANN401 - keys of a tie-out
    """What a sum of a page comes to, in euros."""
    terms = {"id": "sum", "name": {"en": "S"}, "lines": ["line-0"], "printed_value": 1, "unit": "EUR", **tie}
    text = "".join(f"{key} = {written(value)}\n" for key, value in terms.items())
    policy = load_policy(write_document(f"{toml(line)}\n[[tie_out]]\n{text}"))
    (found,) = policy_result(policy)["tie_outs"]
    assert found["computed"] is None or isinstance(found["computed"], float)
    return found["computed"]


COUNTED: Page = {"kind": "payments", "of": ["CL-13"]}


def test_a_sum_is_what_the_line_pays_to_as_many_as_the_fact_counts(write_document: Written) -> None:
    shares = {"band": [{"over": 0, "up_to": 99, "share": 0.25}, {"over": 99}]}
    assert sum_of(write_document, shares, **COUNTED, loss=60) == 1_269.15  # 8,461 times 15 cents
    assert sum_of(write_document, {**FLAT, "grain": "claimant"}, **COUNTED, loss=9) == 423.05


# --- what depends on the day -----------------------------------------------------------------------

DATED: Page = {
    "band": ({"over": 0, "fixed": 5},),
    "effort": "one_tap",
    "effort_changes": (
        {"since": date(2023, 3, 1), "effort": "documents"},
        {"since": date(2023, 2, 1), "effort": "form"},
    ),
    "deadlines": (
        {"announced_on": date(2023, 2, 20), "closes": date(2023, 4, 30)},
        {"announced_on": date(2023, 1, 10), "closes": date(2023, 2, 28)},
    ),
}


@pytest.mark.parametrize(
    ("day", "effort", "closes"),
    [
        (date(2023, 1, 9), "one_tap", None),
        (date(2023, 1, 10), "one_tap", date(2023, 2, 28)),
        (date(2023, 1, 31), "one_tap", date(2023, 2, 28)),
        (date(2023, 2, 1), "form", date(2023, 2, 28)),
        (date(2023, 2, 19), "form", date(2023, 2, 28)),
        (date(2023, 2, 20), "form", date(2023, 4, 30)),
        (date(2023, 2, 28), "form", date(2023, 4, 30)),
        (date(2023, 3, 1), "documents", date(2023, 4, 30)),
    ],
)
def test_effort_and_deadline_are_those_known_on_the_day(day: date, effort: str, closes: date | None) -> None:
    line = policy_of(DATED).lines[0]
    assert (line.effort_on(day), line.closes_on(day)) == (effort, closes)


def test_what_is_paid_without_being_asked_for_is_certain_until_more_is_asked() -> None:
    since = date(2023, 2, 1)
    change = {"since": since, "effort": "form"}
    line = {"kind": "fee_credit", "amount": 2, "effort": "automatic", "recipients": FIRST_COME}
    policy = policy_of({**line, "effort_changes": (change,)})
    before, after = (
        exact_costs(policy, None, as_of=since - timedelta(days=days)).row(0, named=True) for days in (1, 0)
    )
    assert ends(before) == [6 * MILLION] * 4
    assert ends(after) == [6 * MILLION, 0, None, 6 * MILLION]


@pytest.mark.parametrize(("day", "before"), [(date(2022, 10, 15), True), (date(2022, 10, 16), False)])
def test_before_the_first_promise_there_is_no_policy(day: date, before: bool, policy: Policy) -> None:  # noqa: FBT001
    assert (policy.as_known_on(day).lines == ()) == before
