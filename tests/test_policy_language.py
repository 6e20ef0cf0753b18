"""The policy language: what its terms promise, what is refused, what is found and what is said in words."""

from __future__ import annotations

import copy
import json
import math
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from outage_analysis.assumptions import Ledger, load_ledger
from outage_analysis.bands import NEGATIVE, UNKNOWN, ZERO, Bands
from outage_analysis.costs import cost_table, tie_outs
from outage_analysis.costs.results import line_table, policy_result
from outage_analysis.datasets import ids
from outage_analysis.errors import ModelRefused, OutageAnalysisError, UsageError
from outage_analysis.labels import LANGUAGES, Words
from outage_analysis.payouts import payments
from outage_analysis.pipeline import Plan, run
from outage_analysis.policies import MOST_STEPS, FeeCredit, Policy, Schedule, load_policy
from outage_analysis.policies.explain import Teller, explain
from outage_analysis.policies.findings import FINDINGS, findings
from outage_analysis.published import figure
from tests.test_payouts import (
    ANYONE,
    SERVICES,
    TYPES,
    Loss,
    Page,
    Who,
    claims_of,
    cube,
    cube_of_claims,
    fits,
    owed,
    policy_of,
    rich_lines,
    summed,
    turning_points,
)

if TYPE_CHECKING:
    from outage_analysis.policies.tariff import Tariff

DOCS = Path(__file__).parents[1] / "docs"
OWN = Path(__file__).parent / "own_outage"
DAY = date(2022, 12, 30)
LATER = date(2023, 7, 1)


def written(value: Any) -> str:  # noqa: ANN401 - whatever a page may hold
    """A value as TOML writes it; the items of a list stand on lines of their own."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {written(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, tuple | list):
        return "[\n" + "".join(f"{written(inner)},\n" for inner in value) + "]"
    return json.dumps(value) if isinstance(value, str) else str(value)


HEAD = 'id = "p"\nname = { en = "P" }\ncurrency = "EUR"\nloss_unit = "EUR"\n'


def toml(*lines: Page) -> str:
    """A page of lines, as somebody would type it."""
    common = {"name": {"en": "L"}, "kind": "schedule", "public_on": DAY, "effort": "form"}
    text = HEAD
    for number, line in enumerate(lines):
        text += "\n[[line]]\n"
        for key, value in {"id": f"line-{number}", **common, **line}.items():
            text += f"{key} = {written(value)}\n"
    return text


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A writer of pages."""
    folder = tmp_path_factory.mktemp("pages")

    def write(text: str) -> Path:
        path = folder / "page.toml"
        path.write_text(text, "utf-8")
        return path

    return write


Written = Callable[[str], Path]


def paid_to(line: Schedule, loss: Loss, who: Who = ANYONE) -> Fraction | None:
    """What a line pays one claimant, by the tariff that fits."""
    if not fits(line.eligibility, who):
        return Fraction(0)
    return next(tariff for when, tariff in line.tariffs if fits(when, who)).pay(loss)


# --- more generous is never cheaper, a larger loss is never paid less ------------------------------


def changes_for_the_better(page: Page) -> Iterator[tuple[Page, str, object]]:
    """Each part of a page with a key and a value that are no worse for any claimant."""
    step = page["rounding"]["to"] if "rounding" in page else 1
    for band in (*page["band"], *(band for segment in page.get("segment", ()) for band in segment["band"])):
        if band.get("review"):
            continue
        yield band, "fixed", band.get("fixed", 0) + 7
        yield band, "floor", min(band.get("floor", 0) + 3 * step, band.get("limit", 10**12))
        if "limit" in band:
            yield band, "limit", band["limit"] + 2 * step
        if "share" in band:
            yield band, "share", min(round(band["share"] * 10_000) + 500, 10_000) / 10_000
            yield band, "deductible", band.get("deductible", 0) // 2
        if "rate" in band:
            yield band["rate"], "amount", band["rate"]["amount"] + 1
            yield band["rate"], "after", band["rate"].get("after", 0) // 2
            yield band["rate"], "begun", True
    if "rounding" in page:
        how = page["rounding"].get("how", "half_up")
        yield page["rounding"], "how", {"down": "half_up", "half_up": "up", "up": "up"}[how]
    for dimension, values in page.get("eligibility", {}).items():
        everyone = TYPES if dimension == "claimant_type" else SERVICES
        yield page["eligibility"], dimension, tuple(dict.fromkeys((*values, *everyone)))


@given(data=st.data())
@settings(max_examples=200)
def test_a_more_generous_schedule_never_costs_less(data: st.DataObject) -> None:
    page = data.draw(rich_lines())
    better = copy.deepcopy(page)
    changes = list(changes_for_the_better(better))
    assume(changes)
    part, key, value = data.draw(st.sampled_from(changes))
    part[key] = value
    policies = policy_of(page), policy_of(better)
    claims = data.draw(claims_of(page, better))
    for who, loss in claims:
        before, after = (paid_to(policy.schedules[0], loss, who) for policy in policies)
        assert (before is None) == (after is None) or not fits(page.get("eligibility", {}), who)
        assert before is None or after is None or before <= after
    costs = [
        summed(payments(cube_of_claims(claims, Bands.of(policy.bends)), policy)["payment"].fill_null(0))
        for policy in policies
    ]
    assert costs[0] <= costs[1]


def on_its_own(page: Page, number: int) -> Page:
    """The page of one tariff: that of a segment, or after them that of all others."""
    bands = [segment["band"] for segment in page.get("segment", ())] + [page["band"]]
    return {**page, "band": bands[number], "segment": (), "eligibility": {}}


@given(page=rich_lines(), data=st.data())
@settings(max_examples=150)
def test_a_larger_loss_in_a_band_is_never_paid_less(page: Page, data: st.DataObject) -> None:
    for _, tariff in policy_of(page).schedules[0].tariffs:
        for (low, high), _ in tariff.rules()[3:]:
            if high is not None and high <= (low or 0):
                continue
            one = st.integers((low or 0) + 1, 10**15 - 1 if high is None else high)
            less, more = sorted((data.draw(one), data.draw(one)))
            mine, theirs = tariff.pay(less), tariff.pay(more)
            assert (mine is None) == (theirs is None)
            assert mine is None or theirs is None or mine <= theirs


@given(page=rich_lines())
@settings(max_examples=150)
def test_the_pieces_of_a_tariff_hold_each_loss_once_and_pay_what_the_page_owes(page: Page) -> None:
    for number, (_, tariff) in enumerate(policy_of(page).schedules[0].tariffs):
        unknown, negative, zero, *positive = (piece.band for piece in tariff.pieces)
        assert (unknown, negative, zero) == (UNKNOWN, NEGATIVE, ZERO)
        assert (positive[0][0], positive[-1][1]) == (0, None)
        for (_, ends), (starts, top) in pairwise(positive):
            assert ends == starts
            assert top is None or top > (starts or 0)
        alone = on_its_own(page, number)
        turns = {*tariff.cuts, *turning_points(alone)}
        near = {turn + step for turn in turns for step in (-1, 0, 1)} - {-1}
        for loss in {0, *near, 10**15, 10**18}:  # one claimant's losses may add up to more than a loss
            assert tariff.pay(loss) == owed(alone, loss), loss
        assert tariff.pay(None) == owed(alone, None)
        assert tariff.pay(-1) == 0


@given(page=rich_lines(scales=(1,)))
@settings(max_examples=60)
def test_every_loss_up_to_the_last_edge_is_paid_what_the_page_owes(page: Page) -> None:
    line = policy_of(page).schedules[0]
    for loss in range(max([*line.bends, 1]) + 3):
        assert paid_to(line, loss) == owed(page, loss), loss


# --- what has too many steps is refused, with the remedy -------------------------------------------

SHARES = st.integers(1, 10_000).map(lambda n: n / 10_000)
ENDLESS: st.SearchStrategy[tuple[Page, ...]] = st.one_of(
    st.builds(  # periods without an end
        lambda amount, every, after: (
            {"band": [{"over": 0, "rate": {"amount": amount, "every": every, "after": after}}]},
        ),
        st.integers(1, 10**12),
        st.integers(2, 10**11),
        st.integers(0, 10**12),
    ),
    st.builds(  # periods as long as the limit lets them, or the edge
        lambda every, end: (
            {
                "band": [
                    {"over": 0, "up_to": every * 2_100, "rate": {"amount": 9, "every": every}, **end},
                    {"over": every * 2_100},
                ]
            },
        ),
        st.integers(2, 10**9),
        st.sampled_from([{}, {"limit": 9 * 2_050}]),
    ),
    st.builds(  # rounding a share without an end
        lambda share, to, how: ({"band": [{"over": 0, "share": share}], "rounding": {"to": to, "how": how}},),
        SHARES,
        st.integers(1, 10**6),
        st.sampled_from(["up", "down", "half_up"]),
    ),
    st.builds(  # rounding up to a limit that is far
        lambda share, to, steps: (
            {"band": [{"over": 0, "share": share, "limit": to * steps}], "rounding": {"to": to}},
        ),
        SHARES,
        st.integers(1, 1_000),
        st.integers(MOST_STEPS + 2, 10**6),
    ),
    st.builds(  # rounding a rate by the unit
        lambda amount: ({"band": [{"over": 0, "rate": {"amount": amount}}], "rounding": {"to": amount * 2}},),
        st.integers(1, 10**9),
    ),
    st.builds(  # three lines of 900 steps, each on losses of its own
        lambda every: tuple(
            {"band": [{"over": 0, "rate": {"amount": 1, "every": every, "after": n}, "limit": 900}]}
            for n in (0, 1, 2)
        ),
        st.integers(3, 10**9),
    ),
    st.builds(  # the same in segments of one line
        lambda every: (
            {
                "band": [{"over": 0}],
                "segment": [
                    {
                        "id": f"s{n}",
                        "when": {"service": [f"x{n}"]},
                        "band": [
                            {"over": 0, "rate": {"amount": 1, "every": every, "after": n}, "limit": 900}
                        ],
                    }
                    for n in (0, 1, 2)
                ],
            },
        ),
        st.integers(3, 10**9),
    ),
)


@given(lines=ENDLESS)
@settings(max_examples=120)
def test_a_page_of_too_many_steps_is_refused_with_what_to_do(page: Written, lines: tuple[Page, ...]) -> None:
    with pytest.raises(UsageError, match=r"more than 2,000 losses|at most 2,000") as refusal:
        load_policy(page(toml(*lines)))
    assert refusal.value.remedy.startswith("Round to a larger amount, lengthen the period")
    assert refusal.value.remedy.endswith(("or set `limit` or `up_to`.", "or split the policy."))


def test_a_page_of_too_many_bands_is_refused_with_what_to_do(page: Written) -> None:
    bands = [{"over": n, "up_to": n + 1, "fixed": n} for n in range(MOST_STEPS)]
    with pytest.raises(UsageError, match=r"2,?000") as refusal:
        load_policy(page(toml({"band": [*bands, {"over": MOST_STEPS}]})))
    assert refusal.value.remedy


def test_as_many_steps_as_are_allowed_are_allowed(page: Written) -> None:
    last = {"over": 0, "rate": {"amount": 1, "every": 10}, "limit": MOST_STEPS - 1}
    policy = load_policy(page(toml({"band": [last]})))
    assert len(policy.bends) == MOST_STEPS - 1
    assert policy.schedules[0].tariff.pay(10 * MOST_STEPS) == MOST_STEPS - 1


# --- fee credits -----------------------------------------------------------------------------------


def promise(**terms: Any) -> Any:  # noqa: ANN401 - any kind of line
    """The one line of a policy in euros, at 29 December 2022 automatic."""
    return policy_of({"effort": "automatic", **terms}).lines[0]


def credit(**terms: Any) -> FeeCredit:  # noqa: ANN401 - terms of a page
    line = promise(kind="fee_credit", **terms)
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
        ({"amount": 5}, 5),
    ],
)
def test_a_fee_credit_is_the_fee_for_the_time_that_is_credited(terms: Page, paid: int | None) -> None:
    assert credit(fee=31_000, period_days=31, **terms).payment == paid


@pytest.mark.parametrize(("minutes", "paid"), [(0, 0), (119, 0), (120, 1_200), (121, 1_210), (1_440, 14_400)])
def test_a_multiple_is_owed_from_its_threshold_on(minutes: int, paid: int) -> None:
    line = credit(fee=43_200, period_days=30, multiple=10, from_minutes=120)  # one a minute
    assert line.credit(43_200, minutes) == paid
    known = credit(fee=43_200, period_days=30, multiple=10, from_minutes=120, outage_minutes=minutes)
    assert known.payment == paid


@pytest.mark.parametrize(
    ("fee", "exact", "paid"), [(39_000, "7548.39", 7_550), (22_000, "4258.06", 4_260)]
)  # six days of a month of 31, to the next ten won
def test_the_credits_of_kakao_mobility_are_rounded_up_to_ten_won(fee: int, exact: str, paid: int) -> None:
    line = credit(fee=fee, days=6, period_days=31, rounding={"to": 10, "how": "up"})
    assert f"{float(line.computed or 0):.2f}" == exact
    assert line.payment == paid


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


def test_a_credit_without_a_fee_or_an_amount_is_unpriced_and_bounds_nothing() -> None:
    table = cost_table(policy_of({"kind": "fee_credit", "days": 3, "recipients": "US-03"}), None, as_of=DAY)
    assert table.select("status", "promised", "expected", "high").row(0) == ("unpriced", None, None, None)


def test_a_credit_whose_subscribers_are_bounded_costs_at_most_all_of_them() -> None:
    line = {"kind": "fee_credit", "amount": 7_550, "effort": "automatic", "recipients_high": "US-07"}
    row = cost_table(policy_of(line), None, as_of=DAY).row(0, named=True)
    assert (row["low"], row["expected"], row["high"]) == (0, None, 226_154 * 7_550)


@pytest.mark.parametrize(
    ("terms", "message", "remedy"),
    [
        ({"days": 3, "hours": 5}, "gives days and hours", "Keep one of them."),
        ({}, "says no credit", "Give days, hours, periods, multiple or amount."),
        ({"days": 3, "from_minutes": 9}, "has from_minutes or outage_minutes without a multiple", ""),
        ({"days": 3, "outage_minutes": 9}, "has from_minutes or outage_minutes without a multiple", ""),
    ],
)
def test_a_fee_credit_has_exactly_one_term(page: Written, terms: Page, message: str, remedy: str) -> None:
    with pytest.raises(UsageError, match=message) as refusal:
        load_policy(page(toml({"kind": "fee_credit", **terms})))
    assert refusal.value.remedy == remedy


# --- free goods and their caps ---------------------------------------------------------------------

EVERYBODY, FIRST_COME = "US-03", "PG-04.users"  # 48 and 3 million, public on 29 December 2022
MILLION = 10**6


def rates(**changes: Any) -> Ledger:  # noqa: ANN401 - keys of an assumption
    """A ledger with the bundled take-up for the first line, or a stated one."""
    bundled = load_ledger("kakao-2022")
    entry = next(a for a in bundled.assumptions if a.id == "as-one-tap-take-up")
    fields = {**entry.model_dump(), "lines": ("line-0",), **changes}
    return bundled.model_copy(update={"assumptions": (type(entry).model_validate(fields),)})


def stated(low: float, expected: float, high: float) -> Ledger:
    rate = {"low": low, "expected": expected, "high": high}
    return rates(classes=(), widest=(), stated=rate)


def taken(ledger: Ledger | None, **terms: Any) -> dict[str, Any]:  # noqa: ANN401 - terms of a page
    """The row of a good worth one cent, so that its cost is the number of people who take it."""
    line = {"kind": "in_kind", "effort": "one_tap", "face_value": 1, "recipients": EVERYBODY, **terms}
    return cost_table(policy_of(line), ledger, as_of=DAY).row(0, named=True)


def expected_of_the_lesser(ceiling: float) -> float:
    """The mean of min(rate, ceiling) under the written rule, by quadrature on the logit axis."""
    entry = next(a for a in load_ledger("kakao-2022").assumptions if a.id == "as-one-tap-take-up")
    shares = [figure(fact).middle / 100 for fact in getattr(entry, "classes", ())]
    logits = [math.log(share / (1 - share)) for share in shares]
    spread = float(np.std(logits, ddof=1)) * math.sqrt(1 + 1 / len(logits))
    law = stats.t(len(logits) - 1, loc=float(np.mean(logits)), scale=spread)

    def weighed(x: float) -> float:
        return float(min(1 / (1 + math.exp(-x)), ceiling) * law.pdf(x))

    bend = math.log(ceiling / (1 - ceiling)) if ceiling < 1 else 0.0
    parts = [integrate.quad(weighed, a, b, limit=200)[0] for a, b in pairwise((-600, -20, bend, 20, 600))]
    return float(sum(parts))


@pytest.mark.parametrize("cap", [FIRST_COME, "US-10.mau", "US-10.customers", "US-02", None])
def test_a_capped_good_is_expected_to_serve_the_mean_of_the_lesser_number(cap: str | None) -> None:
    served = 48 * MILLION if cap is None else figure(cap).whole
    row = taken(rates(), **({"cap": cap} if cap else {}))
    ceiling = served / (48 * MILLION)
    assert row["expected"] == pytest.approx(48 * MILLION * expected_of_the_lesser(ceiling), rel=2e-3)
    assert row["low"] <= row["expected"] <= row["high"] <= served == row["promised"]


def test_a_tighter_cap_never_serves_more() -> None:
    caps = [FIRST_COME, "US-10.mau", "US-10.customers", "US-02", "US-01"]
    rows = [taken(rates(), cap=cap) for cap in caps] + [taken(rates())]
    for column in ("low", "expected", "high", "promised"):
        values = [row[column] for row in rows]
        assert values == sorted(values)


@pytest.mark.parametrize("given_rates", [rates, lambda: stated(0.1, 0.2, 0.9), lambda: None])
def test_a_cap_that_does_not_bind_changes_nothing(given_rates: Callable[[], Ledger | None]) -> None:
    ledger, few = given_rates(), {"recipients": FIRST_COME}
    free, capped = taken(ledger, **few), taken(ledger, **few, cap=EVERYBODY)
    for column in ("count", "promised", "low", "expected", "high"):
        assert free[column] == capped[column]


def test_a_stated_rate_whose_bounds_hold_the_cap_is_refused_rather_than_cut() -> None:
    with pytest.raises(ModelRefused, match="do not say what a cap") as refusal:
        taken(stated(0.01, 0.1, 0.5), cap=FIRST_COME)
    assert refusal.value.remedy == "Give it reference classes, or a rate below the cap."


def test_a_stated_rate_that_lies_on_one_side_of_the_cap_is_as_stated_or_the_cap() -> None:
    below = taken(stated(0.01, 0.02, 0.0625), cap=FIRST_COME)  # 3 of 48 million is 0.0625
    assert below["expected"] == pytest.approx(0.96 * MILLION)
    above = taken(stated(0.0625, 0.5, 0.9), cap=FIRST_COME)
    assert [above[c] for c in ("low", "expected", "high")] == [3 * MILLION] * 3


def test_a_good_is_valued_three_ways_that_are_never_added() -> None:
    line = {"kind": "in_kind", "face_value": 300, "displaced_sales": 20, "incremental_cash": 5}
    policy = policy_of({**line, "effort": "automatic", "recipients": FIRST_COME})
    table = cost_table(policy, None, as_of=DAY)
    assert table.select("valuation", "expected").rows() == [
        ("face_value", 300.0 * 3 * MILLION),
        ("displaced_sales", 20.0 * 3 * MILLION),
        ("incremental_cash", 5.0 * 3 * MILLION),
    ]


# --- budgets ---------------------------------------------------------------------------------------


def budget(
    day: date = DAY,
    page: dict[str, Any] | None = None,
    *,
    ledger: Ledger | None = None,
    **terms: Any,  # noqa: ANN401 - terms of a page
) -> dict[str, Any]:
    policy = policy_of({"kind": "budget", "effort": "automatic", **terms}, **(page or {}))
    return cost_table(policy, ledger, as_of=day).row(0, named=True)


def ends(row: dict[str, Any]) -> list[float | None]:
    return [row[column] for column in ("promised", "low", "expected", "high")]


def test_a_budget_is_what_was_announced_until_a_true_up_says_what_it_came_to() -> None:
    true_ups = ({"since": date(2023, 6, 30), "amount": 70}, {"since": date(2023, 3, 1), "amount": 90})
    by_day = {
        date(2023, 2, 28): 100,
        date(2023, 3, 1): 90,
        date(2023, 6, 29): 90,
        date(2023, 6, 30): 70,
        date(2030, 1, 1): 70,
    }
    for day, amount in by_day.items():
        assert ends(budget(day, amount=100, true_ups=true_ups)) == [amount] * 4


def test_a_true_up_is_certain_whatever_the_bounds_were() -> None:
    true_up = {"since": date(2023, 6, 30), "amount": 70}
    terms: Page = {"amount": 100, "low": 80, "high": 120, "true_ups": (true_up,)}
    assert ends(budget(DAY, **terms))[1::2] == [80, 120]
    assert ends(budget(LATER, **terms)) == [70] * 4


@pytest.mark.parametrize(
    ("effort", "terms", "expected"),
    [
        ("automatic", {}, [100, 100, 100, 100]),
        ("form", {}, [100, 0, None, 100]),
        ("form", {"low": 40}, [100, 40, None, 100]),
        ("form", {"low": 40, "high": 110}, [100, 40, None, 110]),
    ],
)
def test_a_budget_has_bounds_of_its_own(effort: str, terms: Page, expected: list[float | None]) -> None:
    assert ends(budget(effort=effort, amount=100, **terms)) == expected


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
        cost_table(policy, None, as_of=LATER)


def test_an_end_of_a_budget_may_be_an_end_of_a_fact() -> None:
    won = {"currency": "KRW", "loss_unit": "KRW"}
    row = budget(LATER, won, amount="CO-17.budget-alt", low="CO-17.budget")  # about 8, at least 5 billion
    assert ends(row)[:2] == [8e9, 5e9]
    with pytest.raises(UsageError, match="do not give low <= amount <= high"):
        budget(LATER, won, amount=10, low="CO-12", high=20)


def test_a_true_up_is_not_known_before_its_fact() -> None:
    won = {"currency": "KRW", "loss_unit": "KRW"}
    terms: Page = {"amount": 100_000_000, "true_ups": ({"since": date(2022, 12, 30), "amount": "CO-10"},)}
    assert ends(budget(date(2022, 12, 30), won, **terms)) == [100_000_000] * 4
    assert ends(budget(date(2023, 6, 30), won, **terms)) == [50_000_000] * 4


def test_a_budget_without_a_sum_is_unpriced() -> None:
    row = budget()
    assert (row["status"], ends(row)[0], ends(row)[3]) == ("unpriced", None, None)


def test_a_true_up_may_be_a_fact_that_only_the_outcome_revealed() -> None:
    terms: Page = {"amount": 100, "true_ups": ({"since": date(2023, 6, 30), "amount": "CO-10"},)}
    assert findings(policy_of({"kind": "budget", **terms})).filter(finding="fact").is_empty()
    won = {"currency": "KRW", "loss_unit": "KRW"}
    assert ends(budget(LATER, won, **terms)) == [50 * MILLION] * 4


@pytest.mark.parametrize("terms", [{"low": 101}, {"high": 99}, {"low": 60, "high": 50}])
def test_a_budget_whose_bounds_do_not_hold_it_is_refused(page: Written, terms: Page) -> None:
    with pytest.raises(UsageError, match=r"low|high"):
        load_policy(page(toml({"kind": "budget", "amount": 100, **terms})))


def test_the_expected_cost_of_a_budget_lies_within_its_bounds() -> None:
    row = budget(effort="one_tap", ledger=stated(0.1, 0.25, 0.5), amount=100, low=50)
    assert row["low"] <= row["expected"] <= row["high"]


# --- published sums, computed again from the lines -------------------------------------------------


def sum_of(page: Written, line: Page, **tie: Any) -> float | None:  # noqa: ANN401 - keys of a tie-out
    """What a sum of a page comes to, in euros."""
    terms = {"id": "sum", "name": {"en": "S"}, "lines": ["line-0"], "printed_value": 1, "unit": "EUR", **tie}
    text = "".join(f"{key} = {written(value)}\n" for key, value in terms.items())
    policy = load_policy(page(f"{toml(line)}\n[[tie_out]]\n{text}"))
    (found,) = policy_result(policy)["tie_outs"]
    assert found["computed"] is None or isinstance(found["computed"], float)
    return found["computed"]


FLAT: Page = {"band": [{"over": 0, "up_to": 9, "fixed": 5}, {"over": 9, "review": True}]}
COUNTED: Page = {"kind": "payments", "of": ["CL-13"]}


def test_a_sum_is_what_the_line_pays_to_as_many_as_the_fact_counts(page: Written) -> None:
    shares = {
        "band": [{"over": 0, "up_to": 99, "share": 0.25}, {"over": 99}],
        "rounding": {"to": 10, "how": "up"},
    }
    assert sum_of(page, shares, **COUNTED, loss=50) == 1_692.20  # 8,461 times 12.5 cents, to the next ten
    assert sum_of(page, {**FLAT, "grain": "claimant"}, **COUNTED, loss=9) == 423.05


def test_a_loss_under_review_has_no_sum(page: Written) -> None:
    assert sum_of(page, FLAT, **COUNTED, loss=10) is None


def test_a_cap_above_those_entitled_adds_nobody_to_a_sum(page: Written) -> None:
    good = {"kind": "in_kind", "face_value": 100, "recipients": FIRST_COME}
    assert sum_of(page, good, kind="face_value") == 3 * MILLION
    capped = {**good, "recipients": EVERYBODY, "cap": FIRST_COME}
    assert sum_of(page, capped, kind="face_value") == 3 * MILLION
    assert sum_of(page, {**good, "cap": EVERYBODY}, kind="face_value") == 3 * MILLION


def test_a_sum_of_what_is_no_loss_is_refused_in_words(page: Written) -> None:
    with pytest.raises(OutageAnalysisError):
        sum_of(page, FLAT, **COUNTED, loss=10**30)


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


def test_an_extension_closes_later_than_what_it_extends(page: Written) -> None:
    first = {"announced_on": date(2023, 1, 10), "closes": date(2023, 4, 30)}
    again = {"announced_on": date(2023, 2, 20), "closes": date(2023, 4, 30)}
    with pytest.raises(UsageError, match="an extension that closes no later than the deadline before it"):
        load_policy(page(toml({**DATED, "effort_changes": (), "deadlines": (first, again)})))


def test_what_is_paid_without_being_asked_for_is_certain_until_more_is_asked() -> None:
    since = date(2023, 2, 1)
    change = {"since": since, "effort": "form"}
    line = {"kind": "fee_credit", "amount": 2, "effort": "automatic", "recipients": FIRST_COME}
    policy = policy_of({**line, "effort_changes": (change,)})
    before, after = (
        cost_table(policy, None, as_of=since - timedelta(days=days)).row(0, named=True) for days in (1, 0)
    )
    assert ends(before) == [6 * MILLION] * 4
    assert ends(after) == [6 * MILLION, 0, None, 6 * MILLION]


def test_a_line_without_a_day_is_never_used_and_is_listed(page: Written) -> None:
    undated = toml({"kind": "budget", "amount": 9}, {"kind": "budget", "amount": 8})
    text = undated.replace(f"public_on = {DAY}\n", "", 1).replace(
        'loss_unit = "EUR"', 'loss_unit = "minutes"'
    )
    plan = Plan(incident=OWN / "incident.toml", policy=page(text), claims=(), as_of=date(2999, 1, 1))
    analysis = run(plan)
    assert analysis.dropped_lines == ("line-0",)
    for table in ("costs", "funnel", "drivers", "levers"):
        frame = analysis.tables[table]
        assert "line" not in frame.columns or "line-0" not in frame["line"]
    assert analysis.tables["totals"]["promised"].to_list() == [8.0]
    assert not load_policy(plan.policy or "").lines[0].known_on(date.max)


def test_a_policy_of_which_no_line_has_a_day_is_refused_in_words(page: Written) -> None:
    text = toml({"kind": "budget", "amount": 9}).replace(f"public_on = {DAY}\n", "")
    plan = Plan(incident=OWN / "incident.toml", policy=page(text), claims=())
    with pytest.raises(OutageAnalysisError):
        run(plan)


AS_OF_OCTOBER = {
    "taxi-pro-membership",  # PP-11, 19 October
    "designated-driver-pro",  # PP-12, 19 October
    "emoticon-plus",  # PP-01, 20 October
    "talk-drawer-plus-subscribers",  # PP-02, 20 October
    "gift-shopping",  # PP-03, 23 October
    "melon-passes",  # PP-04, 17 October
    "melon-cash",  # PP-04, 17 October
    "webtoon-rental",  # PP-05, 16 October
    "page-rental",  # PP-06, 17 October
    "tv-vod",  # PP-08, 22 October
    "games",  # PP-09, 17 October
    "bike-scooter-overcharges",  # PP-19, 20 October
}
BY_YEAR_END = {
    "page-webtoon-cash",  # PP-07, 28 October
    "pay-deadlines",  # PP-21.extension, October: its last day
    "t-blue-fee-waiver",  # PP-13, 4 November
    "small-business-cash",  # PR-01, 29 December
    "channel-credit",  # PR-08, 29 December
    "emoticons",  # PG-02, 29 December
    "makers-coupons",  # PG-03, 29 December
    "talk-drawer",  # PG-04, 29 December
    "pay-merchant-support",  # PP-21.support, 29 December
}
BY_JUNE = {
    "designated-driver-points-a",  # PP-14, December: its last day
    "designated-driver-points-b",  # PP-14
    "designated-driver-promotion",  # PP-15, December: its last day
    "taxi-income-fund",  # CO-16, 11 May 2023
    "game-partners",  # PP-10, 30 June 2023
    "mobility-others",  # PP-20, 30 June 2023
}
KNOWN = [
    (date(2022, 10, 24), AS_OF_OCTOBER),
    (date(2022, 12, 30), AS_OF_OCTOBER | BY_YEAR_END),
    (date(2023, 6, 30), AS_OF_OCTOBER | BY_YEAR_END | BY_JUNE),
]


@pytest.mark.parametrize(("day", "known"), KNOWN)
def test_kakao_promised_by_a_day_what_its_facts_say(day: date, known: set[str], policy: Policy) -> None:
    everything = [line.id for line in policy.lines]
    assert set(everything) == AS_OF_OCTOBER | BY_YEAR_END | BY_JUNE
    public, later = policy.public_by(day)
    assert {line.id for line in public} == known
    analysis = run(Plan(as_of=day, claims=()))
    assert analysis.dropped_lines == tuple(id_ for id_ in everything if id_ not in known)
    assert analysis.dropped_lines == tuple(line.id for line in later)
    assert set(analysis.tables["costs"]["line"]) == known


@pytest.mark.parametrize(("day", "before"), [(date(2022, 10, 15), True), (date(2022, 10, 16), False)])
def test_before_the_first_promise_there_is_no_policy(day: date, before: bool, policy: Policy) -> None:  # noqa: FBT001
    assert (policy.as_known_on(day) is None) == before


# --- what a second reader would ask about ----------------------------------------------------------

SOUND: Page = {
    "effort": "automatic",
    "accounting": {"obligation": "none", "presentation": "expense"},
    "band": ({"over": 0, "fixed": 5},),
}
"""A line of which there is nothing to ask."""


def bands(*rules: Page, **terms: Any) -> Page:  # noqa: ANN401 - terms of a page
    """A line on the edges 10, 20, 30."""
    edges: list[int | None] = [0, *(10 * (n + 1) for n in range(len(rules) - 1)), None]
    found = [
        {"over": low, **({} if high is None else {"up_to": high}), **rule}
        for (low, high), rule in zip(pairwise(edges), rules, strict=True)
    ]
    return {**SOUND, **terms, "band": tuple(found)}


def segments(*when: Page, **terms: Any) -> Page:  # noqa: ANN401 - terms of a page
    """A line with segments that pay 1, 2, 3 and so on."""
    found = [
        {"id": f"s{n}", "when": who, "band": ({"over": 0, "fixed": n},)}
        for n, who in enumerate(when, start=1)
    ]
    return {**SOUND, **terms, "segment": tuple(found)}


def other(kind: str, **terms: Any) -> Page:  # noqa: ANN401 - terms of a page
    return {key: value for key, value in SOUND.items() if key != "band"} | {"kind": kind, **terms}


A, B, AB = ({"claimant_type": values} for values in (("a",), ("b",), ("a", "b")))
ASKED: Page = {"announced_on": DAY, "closes": LATER}
NOT_A_FACT = ("PR-00",)

ASK: list[tuple[str, str, Page, Page]] = [
    # what is found, and how it is said; a page that shows it, one that does not
    ("cliff", "a loss of 0.10 gets 0.09; one of 0.11 gets 0.05", bands({"fixed": 9}, {"fixed": 5}),
     bands({"fixed": 5}, {"fixed": 9})),
    ("cliff", "a loss of 0.10 gets 0.05; one of 0.11 waits for a review",
     bands({"fixed": 5}, {"review": True}),
     bands({}, {"review": True})),
    ("cliff", "a loss of 0.00 gets 0.09; one of 0.01 gets 0.05", bands({"fixed": 5}, zero={"fixed": 9}),
     bands({"fixed": 5}, zero={"fixed": 5})),
    ("cliff", "a loss of 0.10 gets 0.10; one of 0.11 gets 0.0", bands({"share": 1.0}, {"share": 0.5}),
     bands({"share": 0.5}, {"share": 1.0})),
    ("cliff", "a loss of 0.09 gets 0.10; one of 0.10 gets 0.09",
     bands({"fixed": 10}, {"fixed": 9}, closed="lower"),
     bands({"fixed": 10}, {"fixed": 10, "share": 0.1}, closed="lower")),
    ("cliff", "in the segment s1: a loss of 0.00 gets 0.04; one of 0.01 gets 0.01",
     segments(A, zero={"fixed": 4}),
     segments(A, zero={"fixed": 1})),
    ("gap", "losses of 0.11 to 0.20 are paid nothing", bands({"fixed": 5}, {}, {"fixed": 9}),
     bands({}, {"fixed": 5}, {"fixed": 9})),
    ("gap", "losses of 0.11 to 0.15 are paid nothing", bands({"fixed": 5}, {"share": 0.5, "deductible": 15}),
     bands({"fixed": 5}, {"share": 0.5, "deductible": 10})),
    ("gap", "losses of 0.11 to 0.20 are paid nothing", bands({"fixed": 5}, {"limit": 0}, {"review": True}),
     bands({"fixed": 5}, {"limit": 6, "fixed": 7}, {"review": True})),
    ("dead", "the band over 0.00 holds no whole number",
     {**SOUND, "closed": "lower", "band": ({"over": 0, "up_to": 1}, {"over": 1, "fixed": 5})},
     {**SOUND, "closed": "upper", "band": ({"over": 0, "up_to": 1}, {"over": 1, "fixed": 5})}),
    ("dead", "the band over 0.00 and the next one pay alike", bands({"fixed": 5}, {"fixed": 5}),
     bands({"fixed": 5}, {"fixed": 6})),
    ("dead", "the segment s2 is never reached", segments(AB, B), segments(B, AB)),
    ("dead", "the segment s2 is never reached", segments(A, {**A, "service": ("x",)}),
     segments({**A, "service": ("x",)}, A)),
    ("dead", "s1", segments(A, eligibility=B), segments(A, eligibility=AB)),
    ("dead", "", segments(A, eligibility=A), segments(A, eligibility=AB)),
    ("cap", "the limit of 0.50 is never reached", bands({"share": 0.5, "limit": 50}, {"fixed": 50}),
     bands({"share": 0.5, "limit": 4}, {"fixed": 50})),
    ("cap", "the limit of 0.06 is never reached", bands({"fixed": 5, "limit": 6}),
     bands({"fixed": 7, "limit": 6})),
    ("cap", "the floor of 0.05 is never below what is paid anyway", bands({"fixed": 5, "floor": 5}),
     bands({"share": 0.5, "floor": 5})),
    ("cap", "the deductible of 0.10 is never exceeded",
     bands({"share": 0.5, "deductible": 10}, {"fixed": 50}),
     bands({"share": 0.5, "deductible": 9}, {"fixed": 50})),
    ("cap", "the outage of 119 minutes is shorter than the 120 asked",
     other("fee_credit", fee=9, multiple=10, from_minutes=120, outage_minutes=119),
     other("fee_credit", fee=9, multiple=10, from_minutes=120, outage_minutes=120)),
    ("cap", "the outage of 0 minutes is shorter than the 120 asked",
     other("fee_credit", fee=9, multiple=10, from_minutes=120, outage_minutes=0),
     other("fee_credit", fee=9, multiple=10, from_minutes=0, outage_minutes=0)),
    ("cap", "the cap of 48,000,000 is not below the 3,000,000 entitled",
     other("in_kind", recipients=FIRST_COME, cap=EVERYBODY),
     other("in_kind", recipients=EVERYBODY, cap=FIRST_COME)),
    ("undated", "no day of announcement: no run uses the line", {**SOUND, "public_on": None}, SOUND),
    ("undated", "it has to be claimed, and no last day to claim is given", {**SOUND, "effort": "form"},
     {**SOUND, "effort": "form", "deadlines": (ASKED,)}),
    ("undated", "it has to be claimed, and no last day to claim is given", {**SOUND, "effort": "documents"},
     {**SOUND, "effort": "one_tap"}),
    ("accounting", "no accounting view is proposed", {**SOUND, "accounting": None}, SOUND),
    ("fact", "cites PR-00", {**SOUND, "facts": NOT_A_FACT}, {**SOUND, "facts": ("PR-01", "CO-10")}),
    ("fact", "cites PR-00", bands({"fixed": 5, "facts": NOT_A_FACT}),
     bands({"fixed": 5, "facts": ("PR-01",)})),
    ("fact", "cites PR-00", {**SOUND, "zero": {"facts": NOT_A_FACT}},
     {**SOUND, "zero": {"facts": ("PR-01",)}}),
    ("fact", "cites PR-00", {**SOUND, "unknown": {"facts": NOT_A_FACT}}, SOUND),
    ("fact", "cites PR-00", {**SOUND, "published_count": "PR-00"}, {**SOUND, "published_count": "CL-13"}),
    ("fact", "cites PR-00",
     {**SOUND, "segment": ({"id": "s", "when": A, "band": ({"over": 0, "facts": NOT_A_FACT},)},)}, SOUND),
    ("fact", "cites PR-00", {**SOUND, "deadlines": ({**ASKED, "facts": NOT_A_FACT},)}, SOUND),
    ("fact", "cites PR-00",
     {**SOUND, "effort_changes": ({"since": LATER, "effort": "one_tap", "facts": NOT_A_FACT},)}, SOUND),
    ("fact", "cites PR-00", other("in_kind", recipients="PR-00"), other("in_kind", recipients=EVERYBODY)),
    ("fact", "cites PR-00", other("in_kind", cap="PR-00"), other("in_kind", cap=FIRST_COME)),
    ("fact", "cites PR-00", other("fee_credit", amount=1, recipients="PR-00"), other("fee_credit", amount=1)),
    ("fact", "cites PR-00", other("fee_credit", amount=1, recipients_high="PR-00"),
     other("fee_credit", amount=1)),
    *(("fact", "cites PR-00", other("budget", **{"amount": 5, "low": 1, "high": 9, key: "PR-00"}),
       other("budget", amount=5, facts=("CO-16",))) for key in ("amount", "low", "high")),
    ("fact", "cites PR-00", other("budget", amount=5, true_ups=({"since": LATER, "amount": "PR-00"},)),
     other("budget", amount=5, true_ups=({"since": LATER, "amount": "CO-10"},))),
    ("fact", "cites PR-00",
     other("budget", amount=5, true_ups=({"since": LATER, "amount": 4, "facts": NOT_A_FACT},)),
     other("budget", amount=5, true_ups=({"since": LATER, "amount": 4, "facts": ("CO-10",)},))),
]  # fmt: skip


def asked(page: Page) -> list[tuple[str, str]]:
    return [(kind, says) for kind, _, says in findings(policy_of(page)).rows()]


@pytest.mark.parametrize(
    ("kind", "says", "shows", "shows_not"), ASK, ids=[f"{kind}: {says}" for kind, says, *_ in ASK]
)
def test_each_doubt_is_found_where_it_is_and_nowhere_else(
    kind: str, says: str, shows: Page, shows_not: Page
) -> None:
    found = asked(shows)
    assert [says in words for doubt, words in found if doubt == kind] == [True], found
    assert {doubt for doubt, _ in found} <= {kind, "cliff", "cap"}  # a gap begins with a cliff
    assert kind not in {doubt for doubt, _ in asked(shows_not)}


def test_there_is_an_example_of_each_doubt() -> None:
    assert {kind for kind, *_ in ASK} == set(FINDINGS)


def test_the_kakao_page_shows_one_cliff(policy: Policy) -> None:
    cliffs = findings(policy).filter(finding="cliff").select("line", "says").rows()
    assert cliffs == [
        ("small-business-cash", "a loss of 500,000 gets 50,000; one of 500,001 waits for a review")
    ]


def test_the_order_of_the_doubts_is_that_of_the_lines() -> None:
    found = findings(policy_of({**SOUND, "accounting": None}, SOUND, {**SOUND, "public_on": None}))
    assert found.select("finding", "line").rows() == [("accounting", "line-0"), ("undated", "line-2")]


@given(page=rich_lines(scales=(1,)))
@settings(max_examples=120)
def test_cliffs_and_gaps_are_those_of_paying_every_loss_in_turn(page: Page) -> None:
    page = {**page, "segment": ()}
    policy = policy_of(page)
    alone = {**page, "eligibility": {}}
    paid = [owed(alone, loss) for loss in range(max([*policy.bends, 1]) + 3)]
    falls = sum(1 for mine, more in pairwise(paid) if mine and (more is None or more < mine))
    pays = [amount is None or amount > 0 for amount in paid[1:]]
    first, last = (pays.index(True), len(pays) - pays[::-1].index(True)) if any(pays) else (0, 0)
    gap = not all(pays[first:last])
    found = findings(policy)["finding"].to_list()
    assert found.count("cliff") == falls
    assert ("gap" in found) == gap


@given(page=rich_lines(scales=(1,)))
@settings(max_examples=120)
def test_a_limit_or_a_floor_is_idle_where_leaving_it_out_changes_no_payment(page: Page) -> None:
    page = {**page, "segment": (), "rounding": None, "closed": "upper"}
    for band in page["band"]:
        if "up_to" not in band:
            continue
        line = {**page, "band": ({**band, "over": 0}, {"over": band["up_to"], "fixed": 10**12})}
        idle = [says for kind, says in asked(line) if kind == "cap" and "deductible" not in says]
        for term in ("limit", "floor"):
            if not band.get(term):
                continue
            without = {key: value for key, value in line["band"][0].items() if key != term}
            plain = {**line, "band": (without, line["band"][1]), "eligibility": {}}
            losses = range(1, band["up_to"] + 1)
            same = all(owed({**line, "eligibility": {}}, x) == owed(plain, x) for x in losses)
            if term == "limit" and band.get("floor") == band["limit"]:
                continue  # floor and limit are one: which of them is idle is a matter of taste
            assert same == any(f"the {term} of" in says for says in idle), term


@pytest.mark.parametrize("id_", ["every-key", "template"])
def test_our_own_pages_have_no_dead_parts(id_: str, page: Written) -> None:
    if id_ == "every-key":
        policy = load_policy(DOCS / "every-key.toml")
    else:
        text = (files("outage_analysis.policies") / "template.toml").read_text("utf-8")
        policy = load_policy(
            page(text.format(id="p", currency="KRW", loss_unit="KRW", second="  share = 0.1"))
        )
    assert findings(policy).filter(pl.col("finding").is_in(["dead", "gap", "cap", "fact"])).is_empty()


def test_the_least_and_the_most_of_a_line_count_its_segments() -> None:
    table = line_table(policy_of(segments(A, B)))  # 1, 2, and 5 for all others, in cents
    assert table.select("least", "most").row(0) == (0.01, 0.05)


def test_a_band_that_holds_no_whole_number_takes_no_part_in_anything() -> None:
    rules = ({"over": 0, "up_to": 1, "fixed": 900}, {"over": 1, "fixed": 5})  # [0, 1) and [1, ...
    policy = policy_of({**SOUND, "closed": "lower", "published_count": "CL-13", "band": rules})
    row = cost_table(policy, None, as_of=DAY).row(0, named=True)
    assert [row[column] for column in ("promised", "low", "high")] == [8_461 * 5] * 3
    assert line_table(policy).select("least", "most").row(0) == (0.05, 0.05)
    assert not any("9.00" in sentence for sentence in explain(policy))


# --- in plain words --------------------------------------------------------------------------------


@cache
def phrases(lang: str) -> dict[str, str]:
    """What the sentences are made of."""
    page = tomllib.loads((files("outage_analysis") / "words" / f"{lang}.toml").read_text("utf-8"))
    return {key: str(text) for key, text in page["explain"].items()}


@cache
def pattern(lang: str, key: str) -> re.Pattern[str]:
    """A phrase with its gaps."""
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(phrases(lang)[key])))


def parts(lang: str, key: str, sentence: str) -> dict[str, str] | None:
    """What stands in the gaps of a phrase, if the sentence is one."""
    found = pattern(lang, key).fullmatch(sentence.strip())
    return None if found is None else found.groupdict()


def number(text: str, digits: int) -> Fraction:
    """A number as a reader takes it, in the smallest unit."""
    (shown,) = re.findall(r"\d[\d,]*(?:\.\d+)?", text)
    return Fraction(shown.replace(",", "")) * Fraction(10**digits)


def worked(policy: Policy, line: Schedule, lang: str) -> Iterator[tuple[Tariff, int, Fraction | None]]:
    """The examples of a line as they are told: the tariff, the loss, and what it gets."""
    alone = policy.model_copy(update={"lines": (line,), "missing": ()})
    following = iter([tariff for _, tariff in line.tariffs])
    tariff = line.tariff if not line.segments else None
    for sentence in explain(alone, lang):
        if any(parts(lang, key, sentence) is not None for key in ("segment", "others")):
            tariff = next(following)
        review = parts(lang, "example_review", sentence)
        example = review or parts(lang, "example", sentence)
        if example is not None:
            assert tariff is not None
            loss = number(example["loss"], policy.loss_digits)
            assert loss.denominator == 1
            yield tariff, int(loss), None if review else number(example["amount"], policy.digits)


TOLD = [*ids("policies"), "every-key"]


def told(id_: str) -> Policy:
    """A bundled policy, or the page of every key."""
    return load_policy(id_ if id_ in ids("policies") else DOCS / f"{id_}.toml")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("id_", TOLD)
def test_every_example_in_the_text_is_what_the_tariff_pays(id_: str, lang: str) -> None:
    policy = told(id_)
    for line in policy.schedules:
        examples = list(worked(policy, line, lang))
        for tariff, loss, amount in examples:
            assert tariff.pay(loss) == amount, (line.id, loss)
        for _, tariff in line.tariffs:  # one at each end of each band that holds a loss
            edges = [band for band, _ in tariff.rules()[3:] if band[1] is None or band[1] > (band[0] or 0)]
            needed = {(low or 0) + 1 for low, _ in edges} | {high for _, high in edges if high is not None}
            assert needed <= {loss for mine, loss, _ in examples if mine is tariff}


@given(
    page=rich_lines(scales=(1, 10**5)), lang=st.sampled_from(LANGUAGES), unit=st.sampled_from(["EUR", "days"])
)
@settings(max_examples=60)
def test_every_example_of_any_policy_is_what_the_page_owes(page: Page, lang: str, unit: str) -> None:
    policy = policy_of(page).model_copy(update={"loss_unit": unit})
    (line,) = policy.schedules
    tariffs = [tariff for _, tariff in line.tariffs]
    for tariff, loss, amount in worked(policy, line, lang):
        (place,) = [n for n, one in enumerate(tariffs) if one is tariff]
        assert owed(on_its_own(page, place), loss) == amount


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_largest_amounts_are_told_to_the_last_digit(lang: str) -> None:
    band = {"over": 0, "up_to": 10**9, "rate": {"amount": 999_999_999_999}}
    policy = policy_of({**SOUND, "band": (band, {"over": 10**9, "fixed": 1})})
    amounts = {loss: amount for _, loss, amount in worked(policy, policy.schedules[0], lang)}
    assert amounts[10**9] == 999_999_999_999 * 10**9


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_example_of_a_fee_credit_is_its_arithmetic(lang: str) -> None:
    count = 0
    for policy in map(told, TOLD):
        for line in policy.lines:
            if not isinstance(line, FeeCredit):
                continue
            for sentence in explain(policy.model_copy(update={"lines": (line,)}), lang):
                outage = parts(lang, "credit_outage", sentence)
                found = outage or parts(lang, "credit_example", sentence)
                if found is None:
                    continue
                fee, days = number(found["fee"], policy.digits), int(found["period"])
                minutes = int(outage["minutes"].replace(",", "")) if outage else None
                if line.multiple is not None:
                    assert minutes is not None
                    due = (
                        fee * line.multiple * Fraction(minutes, 1_440 * days) * (minutes >= line.from_minutes)
                    )
                else:
                    time = line.days or Fraction(line.hours or 0, 24) or (line.periods or 0) * days
                    due = fee * time / days
                to, how = (line.rounding.to, line.rounding.how) if line.rounding else (1, "half_up")
                whole = math.ceil(due / to) if how == "up" else math.floor(due / to + Fraction(1, 2))
                assert number(found["amount"], policy.digits) == whole * to, (policy.id, line.id)
                count += 1
    assert count > 10


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("id_", TOLD)
def test_a_policy_is_told_one_sentence_a_line_with_nothing_left_open(id_: str, lang: str) -> None:
    policy = told(id_)
    sentences = explain(policy, lang)
    for sentence in filter(None, sentences):
        assert re.search(r"[.:?)]$", sentence), sentence
        assert not re.search(r"\{|\}|None|\(\)|,\s*,|  +\S.*  ", sentence.strip()), sentence
        assert sentence.isprintable()
    for line in policy.lines:  # each line has a head of its own, and something said below it
        (place,) = [
            n for n, text in enumerate(sentences) if text.startswith(f"{line.name[lang]}") and line.id in text
        ]
        assert sentences[place - 1] == ""
        assert len([text for text in sentences[place + 1 : place + 4] if text.startswith("  ")]) == 3


EVERY_SENTENCE = """
    head line public everyone entitled segment others band zero unknown example example_review note missing
    effort_from deadline extension accounting accounting_note rounding_half_up rounding_up
    good displaced_sales incremental_cash recipients recipients_unknown cap budget true_up
    credit_days credit_hours credit_multiple credit_from credit_amount credit_example credit_outage
    fee_unknown
"""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_of_line_and_every_term_is_told(lang: str) -> None:
    policy = load_policy(DOCS / "every-key.toml")
    assert {line.kind for line in policy.lines} == {"schedule", "in_kind", "fee_credit", "budget"}
    sentences = explain(policy, lang)
    found = {key for key in phrases(lang) for text in sentences if parts(lang, key, text) is not None}
    assert set(EVERY_SENTENCE.split()) <= found


OURS_IN_LATIN = {"claimant_type", "service", "GBP"}
"""Names of dimensions and of the currency: as the page and the claims write them."""


def test_the_korean_text_has_no_english_word_of_ours() -> None:
    path = DOCS / "every-key.toml"
    policy = load_policy(path)
    ids_ = {policy.id, *(line.id for line in policy.lines), policy.loss_unit}
    values = {v for line in policy.lines for group in line.eligibility.values() for v in group}
    facts = set(re.findall(r'"([A-Z][A-Z0-9]+-[\w.-]+)"', path.read_text("utf-8")))
    notes = {line.note for line in policy.lines} | {
        line.accounting.note for line in policy.lines if line.accounting
    }
    for sentence in explain(policy, "ko"):
        rest = sentence
        for known in sorted({*ids_, *values, *facts, *notes, *OURS_IN_LATIN} - {""}, key=len, reverse=True):
            rest = rest.replace(known, "")
        assert re.findall(r"[A-Za-z]{2,}", rest) == [], sentence


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("word", ["a\nb", "a\rb", "\x1b[31mred", "a\u2028b"])
def test_a_note_of_several_lines_stays_one_sentence(lang: str, word: str) -> None:
    policy = policy_of({**SOUND, "note": word, "name": {"en": word}})
    for sentence in explain(policy, lang):
        assert len(sentence.splitlines()) <= 1
        assert sentence.isprintable()


def test_words_in_braces_are_words() -> None:
    policy = policy_of({**SOUND, "note": "{name} {0.__class__} %s", "name": {"en": "{x}"}})
    text = "\n".join(explain(policy))
    assert "{name} {0.__class__} %s" in text
    assert "{x} (line-0)" in text


def test_there_is_no_other_language() -> None:
    with pytest.raises(UsageError, match=r"no such language \(found 'de'\)"):
        explain(policy_of(SOUND), "de")


# --- what is wrong with a page, and where ----------------------------------------------------------

GOOD = f"""{HEAD}
[[line]]
id = "cash"
kind = "schedule"
name = {{ en = "Cash" }}
public_on = 2022-12-29
effort = "form"
deadlines = [
  {{ announced_on = 2022-12-29, closes = 2023-01-31 }},
  {{ announced_on = 2023-01-30, closes = 2023-02-28 }},
]

  [[line.band]]
  over = 0
  up_to = 300
  fixed = 30

  [[line.band]]
  over = 300
  rate = {{ amount = 5, every = 60 }}
  limit = 500

[[line]]
id = "fund"
kind = "budget"
name = {{ en = "Fund" }}
effort = "automatic"
amount = 900

[[tie_out]]
id = "sum"
name = {{ en = "Sum" }}
kind = "sum"
of = ["CL-13"]
printed_value = 8_461
tolerance = 1
unit = "cases"
"""
WHOLE, JOIN = "Write a whole number, without quotes.", "Make the next band start where the last one ends."
INTEGER, NOT_BELOW, MISSING = "valid integer", "greater than or equal to 0", "a required key is missing"
NO_DATE, PATTERN = "is not a date", "string should match pattern"
CASH, FUND = '[[line]]\nid = "cash"', '[[line]]\nid = "fund"'
FIXED, SHARE = "line 'cash' > band 1 > fixed", "line 'cash' > band 1 > share"
CLOSES = "line 'cash' > deadlines 2 > closes"
WRONG: list[tuple[str, str, str, str, str, object, str]] = [
    # what is replaced, and by what; the text of the line that is named; the key; what is said; the value;
    # the remedy
    ("fixed = 30", "fixed = 30.0", "fixed = 30.0", FIXED, INTEGER, 30.0, WHOLE),
    ("fixed = 30", "fixed = true", "fixed = true", FIXED, INTEGER, True, WHOLE),
    ("fixed = 30", 'fixed = "30"', 'fixed = "30"', FIXED, INTEGER, "30", WHOLE),
    ("fixed = 30", "fixed = -1", "fixed = -1", FIXED, NOT_BELOW, -1, ""),
    ("fixed = 30", "fixed = nan", "fixed = nan", FIXED, INTEGER, None, WHOLE),
    ("fixed = 30", "fixed = 1_000_000_000_001", "fixed = 1_0", FIXED,
     "less than or equal to 1000000000000", 10**12 + 1, ""),
    ("fixed = 30", "share = 2", "share = 2", SHARE, "not between 0 and 1", 2, ""),
    ("fixed = 30", "share = true", "share = true", SHARE, "is not a number", True,
     "Write a share as 0.25"),
    ("fixed = 30", "share = inf", "share = inf", SHARE, "not between 0 and 1", math.inf, ""),
    ("fixed = 30", "fixd = 30", "fixd = 30", "line 'cash' > band 1 > fixd", "unknown key", None,
     "Did you mean 'fixed'?"),
    ("amount = 5,", "amount = 0,", "rate = {", "line 'cash' > band 2 > rate > amount", "greater than 0", 0,
     ""),
    ("every = 60", "every = 60.5", "rate = {", "line 'cash' > band 2 > rate > every", INTEGER, 60.5, WHOLE),
    ("every = 60", "begin = true", "rate = {", "line 'cash' > band 2 > rate > begin", "unknown key", None,
     "Did you mean 'begun'?"),
    ("amount = 5, ", "", "rate = {", "line 'cash' > band 2 > rate > amount", MISSING, None,
     "Add it."),
    ("  over = 300\n", "", "[[line.band]]\n  rate", "line 'cash' > band 2 > over", MISSING, None,
     "Add it."),
    ("over = 300", "over = 299", CASH, "line 'cash'", "two bands overlap", None,
     JOIN),
    ("over = 300", "over = 301", CASH, "line 'cash'", "there is a gap", None,
     JOIN),
    ("2022-12-29\neffort", '"2022-12-29"\neffort', 'public_on = "', "line 'cash' > public_on", NO_DATE,
     "2022-12-29", ""),
    ("2022-12-29\neffort", "2022-12-29T00:00:00Z\neffort", "public_on = ", "line 'cash' > public_on",
     "is not a date; write it bare, as in 2022-12-29", None, ""),
    ("closes = 2023-02-28", "closes = 2023-02-28T00:00:00", "deadlines = [", CLOSES,
     NO_DATE, None, ""),
    ("closes = 2023-02-28", 'closes = "soon"', "deadlines = [", CLOSES,
     NO_DATE, "soon", ""),
    ("closes = 2023-02-28", "closes = 2023-01-31", CASH, "line 'cash'",
     "an extension that closes no later", None, ""),
    ('kind = "budget"', 'kind = "gift"', FUND, "line 'fund'", "'gift'", None, ""),
    ('kind = "budget"\n', "", FUND, "line 'fund'", "kind", None, ""),
    ('effort = "automatic"', 'effort = "none"', 'effort = "none"', "line 'fund' > effort",
     "'automatic', 'one_tap', 'form' or 'documents'", "none", ""),
    ("amount = 900", "amount = -900", "amount = -900", "line 'fund' > amount", NOT_BELOW, -900, ""),
    ("amount = 900", "amount = 9.5", "amount = 9.5", "line 'fund' > amount", INTEGER, 9.5, WHOLE),
    ("amount = 900", "amount = true", "amount = true", "line 'fund' > amount", INTEGER, True, WHOLE),
    ("amount = 900", "low = -1", "low = -1", "line 'fund' > low", NOT_BELOW, -1, ""),
    ("amount = 900", "true_ups = [{ since = 2023-01-01, amount = -1 }]", "true_ups = [",
     "line 'fund' > true_ups 1 > amount", NOT_BELOW, -1, ""),
    ('currency = "EUR"', 'currency = "euro"', "currency = ", "currency", PATTERN, "euro", ""),
    ('loss_unit = "EUR"\n', "", "", "loss_unit", MISSING, None, "Add it."),
    ('id = "p"', 'id = "../p"', "id = ", "id", PATTERN, "../p", ""),
    ('id = "fund"', 'id = "cash"', "", "", "two lines have the id cash", None, ""),
    ('of = ["CL-13"]', 'of = ["CL-13"]\nlines = ["cush"]', "", "",
     "the tie-out sum names a line that is not there",
     None, ""),
    ("tolerance = 1", "tolerance = nan", "tolerance = nan", "tie_out 'sum' > tolerance", "", None, ""),
    ("tolerance = 1", "tolerance = inf", "tolerance = inf", "tie_out 'sum' > tolerance", "", None, ""),
    ("tolerance = 1", "tolerance = -1", "tolerance = -1", "tie_out 'sum' > tolerance", "", None, ""),
    ("tolerance = 1", "scale = inf", "scale = inf", "tie_out 'sum' > scale", "", None, ""),
    ("printed_value = 8_461", "printed_value = nan", "printed_value = nan",
     "tie_out 'sum' > printed_value", "",
     None, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "at", "key", "says", "value", "remedy"),
    WRONG,
    ids=[(new or f"no {old}").strip() for old, new, *_ in WRONG],
)
def test_a_page_that_is_wrong_is_refused_by_file_line_key_value_and_remedy(
    page: Written, old: str, new: str, at: str, key: str, says: str, value: object, remedy: str
) -> None:
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    with pytest.raises(UsageError) as refusal:
        load_policy(page(text))
    error = refusal.value
    assert (error.exit_code, error.file) == (2, "page.toml")
    assert says in error.problem
    assert (error.column or "") == (key or "the page")
    assert error.line == (text[: text.index(at)].count("\n") + 1 if at else None)
    assert value is None or error.value == value
    assert error.remedy.startswith(remedy)
    assert len(str(error).splitlines()) == 1


def test_the_page_itself_is_right(page: Written) -> None:
    policy = load_policy(page(GOOD))
    assert [line.id for line in policy.lines] == ["cash", "fund"]


def test_a_line_without_a_kind_is_told_which_kinds_there_are(page: Written) -> None:
    with pytest.raises(UsageError) as refusal:
        load_policy(page(GOOD.replace('kind = "budget"\n', "")))
    assert all(kind in str(refusal.value) for kind in ("schedule", "in_kind", "fee_credit", "budget"))


@pytest.mark.parametrize(
    ("line", "key"),
    [({"id": "band"}, "line 'band' > band"), ({"note": "band"}, "line 'line-0' > band")],
)
def test_a_missing_key_is_named_even_where_a_value_reads_like_it(page: Written, line: Page, key: str) -> None:
    with pytest.raises(UsageError, match="a required key is missing") as refusal:
        load_policy(page(toml(line)))
    assert refusal.value.column == key


def test_one_mistake_is_counted_once(page: Written) -> None:
    only = toml({"band": [{"over": 0, "fixed": -1}]})
    with pytest.raises(UsageError) as refusal:
        load_policy(page(only))
    assert "more)" not in str(refusal.value)


def test_two_mistakes_are_counted(page: Written) -> None:
    text = GOOD.replace("fixed = 30", "fixed = -1").replace("limit = 500", "limit = -1")
    with pytest.raises(UsageError, match=r"\(and 1 more\)"):
        load_policy(page(text))


# --- hostile pages ---------------------------------------------------------------------------------

LINE = HEAD + '[[line]]\nid = "a"\nkind = "schedule"\nname = { en = "A" }\neffort = "form"\n'
BAND = "band = [{ over = 0 }]\n"


@cache
def hostile_pages() -> dict[str, tuple[str | bytes, str]]:
    """Pages that mean harm, each with what its refusal says."""
    dotted = ".".join(["a"] * 480)
    steps = "[{ over = 0, share = 0.0001, limit = 1_990 }]\nrounding = { to = 1 }\n"
    return {
        "a million edges": (
            f"{LINE}band = [\n" + "{over=1},\n" * 1_000_000 + "]\n",
            "is larger than 500,000 bytes",
        ),
        "as many edges as fit": (
            f"{LINE}band = [\n" + "".join(f"{{over={n},up_to={n + 1}}},\n" for n in range(20_000)) + "]\n",
            "2000",
        ),
        "2,001 bands": (
            f"{LINE}band = [\n"
            + "".join(f"{{over={n},up_to={n + 1},fixed={n}}},\n" for n in range(MOST_STEPS))
            + f"{{over={MOST_STEPS}}},\n]\n",
            "2000",
        ),
        "deep arrays": (f"{LINE}x = " + "[\n" * 100_000 + "]\n" * 100_000, "is not valid TOML"),
        "deep arrays on long lines": (LINE + "x = " + ("[" * 900 + "\n") * 500, "is not valid TOML"),
        "deep tables": (LINE + "x = " + "{a=" * 300 + "1" + "}" * 300, ""),
        "dotted keys": (LINE + "".join(f"{dotted}.b{n} = 1\n" for n in range(480)), "unknown key"),
        "dotted keys apart": (LINE + "".join(f"k{n}.{dotted} = 1\n" for n in range(480)), "unknown key"),
        "dotted tables": (LINE + BAND + "".join(f"[{dotted}.b{n}]\n" for n in range(480)), "unknown key"),
        "an integer of 5,000 digits": (f"{LINE}{BAND}x = {'9' * 5_000}\n", "longer than 1,000 characters"),
        "an amount of 900 digits": (
            f"{LINE}band = [{{ over = 0, fixed = {'9' * 900} }}]\n", "less than or equal"
        ),
        "a share of 900 digits": (f"{LINE}band = [{{ over = 0, share = 0.{'1' * 900} }}]\n", "four places"),
        "an edge of nan": (f"{LINE}band = [{{ over = nan }}]\n", "valid integer"),
        "an edge of inf": (
            f"{LINE}band = [{{ over = 0, up_to = inf }}, {{ over = inf }}]\n",
            "valid integer",
        ),
        "an endless exponent": (
            f"{LINE}band = [{{ over = 0, share = 1e999999999 }}]\n",
            "not between 0 and 1",
        ),
        "a day that is none": (f"{LINE}public_on = 2022-02-30\n{BAND}", "is not valid TOML"),
        "a year of five digits": (f"{LINE}public_on = 20222-02-03\n{BAND}", "is not valid TOML"),
        "endless periods": (
            f"{LINE}band = [{{ over = 0, rate = {{ amount = 1, every = 2 }} }}]\n",
            "2,000 losses",
        ),
        "a far limit": (
            f"{LINE}band = [{{ over = 0, rate = {{ amount = 1, every = 2 }}, limit = 1_000_000_000_000 }}]\n",
            "2,000 losses",
        ),
        "endless rounding": (
            f"{LINE}rounding = {{ to = 1 }}\nband = [{{ over = 0, share = 0.5 }}]\n",
            "2,000 losses",
        ),
        "many steps on other losses": (
            HEAD
            + "".join(
                f'[[line]]\nid = "a{n}"\nkind = "schedule"\nname = {{ en = "A" }}\neffort = "form"\n'
                 "band = " + steps.replace("0.0001", f"0.000{n + 1}")
                for n in range(3)
            ),
            "at most 2,000",
        ),
        "a path for a key": (f'{LINE}"../../../etc/passwd" = 1\n{BAND}', "../../../etc/passwd: unknown key"),
        "code for a key": (f"{LINE}\"__import__('os').system('true')\" = 1\n{BAND}", "unknown key"),
        "a template for a key": (f'{LINE}"{{0.__class__.__mro__}}" = "{{x}}"\n{BAND}', "unknown key"),
        "a terminal's codes for a key": (
            f'{LINE}"\\u001b[2J\\n\\r" = 1\n{BAND}',
            r"\x1b[2J\n\r: unknown key",
        ),
        "an attribute for a key": (f"{LINE}__dict__ = 1\nmodel_config = 2\n{BAND}", "unknown key"),
        "an alias's own name": (f"{LINE}bands = [{{ over = 0 }}]\n", "unknown key"),
        "a path for an id": (LINE.replace('"a"', '"../../a"') + BAND, "match pattern"),
        "a path for a fact": (LINE + BAND + f'facts = ["{"x" * 65}"]\n', "at most 64 characters"),
        "a page too large": (LINE + BAND + "# comment\n" * 50_000, "is larger than 500,000 bytes"),
        "a line too long": (
            f"{LINE}{BAND}# {'x' * 1_000}\n",
            "a line is longer than 1,000 characters. Break it up.",
        ),
        "201 lines": (HEAD + (LINE.removeprefix(HEAD) + BAND) * 201, "200"),
        "51 segments": (
            LINE + BAND + "".join(
                f'[[line.segment]]\nid = "s{n}"\nwhen = {{ service = ["x"] }}\n{BAND}' for n in range(51)
            ),
            "50",
        ),
        "fifty thousand unknown keys": (
            LINE + BAND + "".join(f"{n:05}=1\n" for n in range(50_000)), "unknown key"
        ),
        "no text": (b"\xff\xfe\x00", "is not UTF-8 at byte 0"),
        "a null": (f"{LINE}{BAND}\x00", "is not valid TOML"),
        "an empty page": ("", "a required key is missing"),
        "a key twice": (f"{LINE}{BAND}{BAND}", "is not valid TOML"),
        "a list for a page's line": (f"{HEAD}line = [[[]]]\n", ""),
        "lines in a table": (f"{HEAD}[line]\nid = 1\n", "line: "),
    }  # fmt: skip


HOSTILE = list(hostile_pages())
CHECK_EACH = """
import contextlib, io, json, signal, sys
from outage_analysis.cli import main
def hang(*_): raise TimeoutError
signal.signal(signal.SIGALRM, hang)
results = {}
for path in sys.argv[1:]:
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["outage-analysis", "policies", "check", path]
    signal.alarm(60)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try: code = main()
        except SystemExit as stop: code = stop.code
        except BaseException as error: code = repr(error)[:200]
    signal.alarm(0)
    results[path] = [code, out.getvalue(), err.getvalue()]
print(json.dumps(results))
"""
"""Checks page after page as the command does; a page that takes a minute hangs."""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """What the command says of each hostile page: exit code, results, trouble."""
    folder, names = tmp_path_factory.mktemp("hostile"), {}
    for number_, (name, (text, _)) in enumerate(hostile_pages().items()):
        path = folder / f"page-{number_}.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        names[str(path)] = name
    done = subprocess.run(
        [sys.executable, "-c", CHECK_EACH, *names], capture_output=True, text=True, check=True, timeout=300
    )
    return {names[path]: verdict for path, verdict in json.loads(done.stdout).items()}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_is_refused_in_one_line(name: str, verdicts: dict[str, tuple[int, str, str]]) -> None:
    code, out, err = verdicts[name]
    assert (code, out) == (2, ""), err
    assert err.startswith("error: page-")
    assert err.count("\n") == 1
    assert err[:-1].isprintable()
    assert len(err) < 1_500
    assert hostile_pages()[name][1] in err


def many_segments() -> str:
    """Two thousand tariffs, each of almost as many steps as one policy may have."""
    line = LINE.removeprefix(HEAD).replace('"a"', '"aN"') + BAND + "rounding = { to = 1 }\n"
    segment = '[[line.segment]]\nid = "sN"\nwhen = { service = ["xN"] }\n'
    segment += "band = [{ over = 0, share = 0.0001, limit = 1_990 }]\n"
    fifty = "".join(segment.replace("N", str(n)) for n in range(50))
    return HEAD + "".join(line.replace("aN", f"a{n}") + fifty for n in range(40))


def dear_to_parse() -> str:
    """A wrong key above keys that are slow to parse and lists of almost a hundred lines."""
    dotted = ".".join(["a"] * 480)
    lists = "".join(f"s{n} = [\n" + '"",\n' * 97 + "]\n" for n in range(22))
    return LINE + BAND + "".join(f"k{n}.{dotted} = 1\n" for n in range(88)) + lists


@pytest.mark.parametrize("hostile", [many_segments, dear_to_parse])
def test_no_page_takes_minutes(hostile: Callable[[], str], tmp_path: Path) -> None:
    path = tmp_path / "page.toml"
    path.write_text(hostile(), "utf-8")
    command = [sys.executable, "-m", "outage_analysis", "policies", "check", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


@given(page=rich_lines(), lang=st.sampled_from(LANGUAGES))
@settings(max_examples=60)
def test_whatever_is_accepted_can_be_told_and_doubted(page: Page, lang: str) -> None:
    policy = policy_of(page)
    assert all(isinstance(sentence, str) for sentence in explain(policy, lang))
    assert set(findings(policy)["finding"]) <= set(FINDINGS)


# --- what contradicts itself -----------------------------------------------------------------------

TWICE = [
    ({"deadlines": [{"announced_on": LATER, "closes": DAY}]}, "before it was announced"),
    (
        {
            "deadlines": [
                {"announced_on": DAY, "closes": LATER},
                {"announced_on": DAY, "closes": date(2031, 1, 1)},
            ]
        },
        "says two things from the same day on",
    ),
    (
        {"effort_changes": [{"since": LATER, "effort": "form"}, {"since": LATER, "effort": "documents"}]},
        "says two things from the same day on",
    ),
    (
        {"kind": "budget", "amount": 5, "true_ups": [{"since": LATER, "amount": n} for n in (1, 2)]},
        "two true-ups of the same day",
    ),
    (
        {"kind": "budget", "amount": 5, "true_ups": [{"since": date(2000, 1, 1), "amount": 1}]},
        "a true-up before it was public",
    ),
]


@pytest.mark.parametrize(("terms", "says"), TWICE, ids=[says for _, says in TWICE])
def test_days_that_contradict_each_other_are_refused(page: Written, terms: Page, says: str) -> None:
    line = terms if "kind" in terms else {"band": [{"over": 0, "fixed": 5}], **terms}
    with pytest.raises(UsageError, match=says):
        load_policy(page(toml(line)))


@pytest.mark.parametrize("unit", ["minutes", "days", "USD"])
def test_a_share_of_what_is_not_the_policys_money_is_refused(page: Written, unit: str) -> None:
    line = {"band": [{"over": 0, "share": 0.5}]}
    text = toml(line).replace('loss_unit = "EUR"', f'loss_unit = "{unit}"')
    with pytest.raises(UsageError, match=f"pays a share of a loss in {unit}") as refusal:
        load_policy(page(text))
    assert "rate" in refusal.value.remedy


def test_a_line_whose_effort_was_not_published_has_bounds_only() -> None:
    policy = policy_of({"kind": "budget", "amount": 9, "effort": None})
    row = cost_table(policy, None, as_of=DAY).row(0, named=True)
    assert ends(row) == [9, 0, None, 9]
    assert any("not published" in sentence for sentence in explain(policy))


@pytest.mark.parametrize("key", ["of", "lines"])
def test_a_sum_counts_nothing_twice_and_has_an_end(page: Written, key: str) -> None:
    named = {"of": "CL-13", "lines": "line-0"}
    others = "".join(f'{k} = ["{v}"]\n' for k, v in named.items() if k != key)
    for count, says in ((2, "twice"), (51, "at most 50")):
        values = ", ".join([f'"{named[key]}"'] * count)
        tie = (
            '[[tie_out]]\nid = "t"\nname = { en = "T" }\nkind = "payments"\nprinted_value = 1\nunit = "EUR"\n'
        )
        text = f"{toml(FLAT)}\n{tie}{others}{key} = [{values}]\n"
        with pytest.raises(UsageError, match=says):
            load_policy(page(text))


def test_a_band_that_nobody_fell_into_costs_nothing_even_under_review() -> None:
    policy = policy_of({"band": tuple(FLAT["band"])})
    claims = cube([("x", 0, 9, 3, None, None), ("x", 9, None, 0, None, None)])
    table = cost_table(policy, None, as_of=DAY, cubes=[claims]).filter(level="line")
    assert table["high"].item() == 15


def test_the_rows_of_a_segment_say_which_it_is() -> None:
    segment = {"id": "s", "when": A, "band": ({"over": 0, "fixed": 50},)}
    line = {"band": ({"over": 0, "fixed": 5},), "segment": (segment,)}
    claims = cube([("a", 0, 9, 1, None, None), ("b", 0, 9, 1, None, None)])
    table = cost_table(policy_of(line), None, as_of=DAY, cubes=[claims]).filter(level="band")
    assert sorted(table.select("segment", "promised").rows(), key=str) == [("s", 50.0), (None, 5.0)]


def test_a_sum_that_came_out_later_is_named_and_not_told() -> None:
    policy = policy_of({"kind": "budget", "amount": "CO-16"}, currency="KRW", loss_unit="KRW")
    words = Words("en", "KRW")
    told = [
        Teller(policy, words, day).pays(policy.lines[0]) for day in (date(2023, 5, 10), date(2023, 5, 11))
    ]
    assert told == ["CO-16", "3,000,000,000 won (CO-16)"]


def test_a_sum_that_rests_on_a_later_line_or_a_later_fact_is_hindsight() -> None:
    good = {"kind": "in_kind", "face_value": 5, "recipients": EVERYBODY}
    tie: Page = {"id": "t", "name": {"en": "T"}, "kind": "face_value", "lines": ("line-0",), "unit": "EUR"}
    tie["printed_value"] = 1.0
    for line, hindsight in (
        ({**good, "public_on": DAY}, False),
        ({**good, "public_on": LATER}, True),
        ({**good, "public_on": DAY, "recipients": "PG-01"}, True),  # three sets, a fact of January 2023
    ):
        policy = policy_of(line, tie_out=(tie,))
        assert tie_outs(policy.tie_outs, policy, as_of=DAY)["hindsight"].item() is hindsight
