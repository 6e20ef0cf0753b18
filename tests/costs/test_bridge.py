"""The bridge between two runs: every step by hand, and whatever the pages, the steps add up."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outage_analysis.assumptions import Ledger, RateAssumption, load_ledger
from outage_analysis.costs import cost_table, totals
from outage_analysis.costs.cost_bridge import STEPS, BridgeRun, bridge
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.policies import Policy
from tests.small_policies import (
    DAY,
    DRIVERS,
    REPORTS,
    WEEK_REPORTS,
    Page,
    budget,
    fee,
    fixed,
    ledger_of,
    mix,
    policy_of,
    tiers,
)

WEEK, LATER = date(2022, 10, 24), date(2023, 6, 30)
FILED, ACCEPTED, PAID = 451, 205, 50_000_000  # R2-05, R2-06, CO-10: public on 30 June 2023
OBSERVED = {"hits": "R2-06", "of": "R2-05", "decided": True}


def rates(filing: float, acceptance: float) -> list[Page]:
    """A ledger's rates without doubt."""
    return [
        {"kind": "filing_share", "distribution": fixed(filing)},
        {"kind": "acceptance", "distribution": fixed(acceptance)},
    ]


def moves(table: pl.DataFrame) -> dict[str, Any]:
    """The amount of each step that moved, and what moved."""
    rows = table.filter(table["amount"].is_not_null() & (table["amount"] != 0))
    return {step: (amount, what) for step, amount, what in rows.select("step", "amount", "what").iter_rows()}


def check_adds_up(table: pl.DataFrame) -> None:
    """Every total follows from the one before it, to the unit."""
    steps = table["step"].to_list()
    assert list(dict.fromkeys(steps)) == ["start", *STEPS, "method", "end"]
    running = table["total"][0]
    for amount, total in table.select("amount", "total").rows()[1:]:
        running += amount or 0
        assert running == total


# the case


@pytest.mark.slow
def test_the_case_from_the_announcement_to_the_outcome(policy: Policy, ledger: Ledger) -> None:
    outcome = load_ledger("kakao-2023-06-30")
    table = bridge(BridgeRun(policy, ledger, DAY), BridgeRun(policy, outcome, LATER))
    check_adds_up(table)
    start, end = (
        totals(cost_table(policy, page, as_of=day)).filter(valuation="cash")["expected"].item()
        for page, day in ((ledger, DAY), (outcome, LATER))
    )
    assert (table["total"][0], table["total"][-1]) == (round(start), round(end))
    before, after = (
        {a.id: a.prior.mean for a in page.assumptions if isinstance(a, RateAssumption)}
        for page in (ledger, outcome)
    )
    accepted = start / before["as-acceptance"] * after["as-acceptance"]  # the classes ask for papers too
    documents = accepted / before["as-filing-share"] * after["as-filing-share-documents"]
    found = moves(table)
    assert list(found) == ["assumption", "policy", "payments"]
    assert found["assumption"] == (pytest.approx(accepted - start, abs=1), "as-acceptance as-handling")
    assert found["policy"] == (
        pytest.approx(documents - accepted, abs=1),
        "small-business-cash PR-06",  # papers were asked for
    )
    assert found["payments"][0] == pytest.approx(end - documents, abs=1)
    assert {"as-filing-share-documents", "as-acceptance", "as-cash-paid"} < set(found["payments"][1].split())
    assert end == pytest.approx(PAID, rel=0.02)


def test_the_case_from_the_decision_week_to_the_announcement(policy: Policy, ledger: Ledger) -> None:
    week = load_ledger("kakao-2022-10-24")
    table = bridge(BridgeRun(policy, week, WEEK), BridgeRun(policy, ledger, DAY))
    check_adds_up(table)
    assert table["total"][0] == 0  # no cash line had an expected cost
    assert moves(table) == {"policy": (table["total"][-1], "small-business-cash")}


# one component at a time


def test_facts_that_came_out_are_data() -> None:
    page = policy_of(tiers(band=({"over": 0, "fixed": 10_000},), published_count="IN-02"))
    later = policy_of(tiers(band=({"over": 0, "fixed": 10_000},), published_count="IN-04"))
    ledger = ledger_of(*rates(0.5, 1.0))
    known = bridge(BridgeRun(page, ledger, WEEK), BridgeRun(page, ledger, DAY))
    assert moves(known) == {}
    appears = bridge(
        BridgeRun(later, ledger, WEEK), BridgeRun(later, ledger, DAY)
    )  # the count came in December
    check_adds_up(appears)
    assert moves(appears) == {"data": (105_116 * 5_000, "tiers IN-04")}
    other = bridge(BridgeRun(page, ledger, WEEK), BridgeRun(later, ledger, DAY))
    assert moves(other) == {"policy": ((105_116 - WEEK_REPORTS) * 5_000, "tiers")}


def test_another_ledger_is_assumption() -> None:
    page = policy_of(fee(100, effort="form"))
    first, second = ledger_of(*rates(0.5, 0.5)), ledger_of(*rates(0.75, 0.5))
    table = bridge(BridgeRun(page, first, DAY), BridgeRun(page, second, DAY))
    assert moves(table) == {"assumption": (pytest.approx(DRIVERS * 100 * 0.125), "filing-share")}
    check_adds_up(table)


def test_another_amount_and_another_effort_are_policy() -> None:
    changes = ({"since": date(2023, 1, 30), "effort": "documents", "facts": ("PR-06",)},)
    page = policy_of(fee(100, effort="form", effort_changes=changes))
    papers = {"id": "papers", "kind": "filing_share", "effort": "documents", "distribution": fixed(0.25)}
    form = {"kind": "filing_share", "effort": "form", "distribution": fixed(0.5)}
    ledger = ledger_of(papers, form, {"kind": "acceptance", "distribution": fixed(1)})
    table = bridge(BridgeRun(page, ledger, DAY), BridgeRun(page, ledger, LATER))
    assert moves(table) == {"policy": (-DRIVERS * 25, "fee PR-06")}
    raised = policy_of(fee(120, effort="form"))
    table = bridge(BridgeRun(page, ledger, DAY), BridgeRun(raised, ledger, DAY))
    assert moves(table) == {"policy": (DRIVERS * 10, "fee")}


def test_what_a_budget_came_to_is_payments() -> None:
    found = ({"since": LATER, "amount": "CO-10", "facts": ("R2-07",)},)
    page = policy_of(budget(80_000_000, true_ups=found))
    ledger = ledger_of({"kind": "realised_ratio", "distribution": fixed(0.75)})
    table = bridge(BridgeRun(page, ledger, DAY), BridgeRun(page, ledger, LATER))
    check_adds_up(table)
    assert moves(table) == {"payments": (PAID - 60_000_000, "CO-10 R2-07")}
    assert moves(bridge(BridgeRun(page, ledger, LATER), BridgeRun(page, ledger, LATER))) == {}


def test_what_was_observed_is_payments_and_the_prior_is_assumption() -> None:
    prior = {"kind": "beta", "a": 2, "b": 2}
    seen = {"kind": "acceptance", "distribution": prior, "observed": OBSERVED}
    page = policy_of(fee(1_000, effort="form"))
    filing = rates(1.0, 0.3)[0]
    first, second = ledger_of(*rates(1.0, 0.3)), ledger_of(filing, seen)
    updated = (2 + ACCEPTED) / (4 + FILED)  # the conjugate rule
    table = bridge(BridgeRun(page, first, DAY), BridgeRun(page, second, LATER))
    check_adds_up(table)
    assert moves(table) == {
        "assumption": (pytest.approx(DRIVERS * 1_000 * (0.5 - 0.3)), "acceptance"),
        "payments": (pytest.approx(DRIVERS * 1_000 * (updated - 0.5), abs=1), "acceptance"),
    }
    assert moves(bridge(BridgeRun(page, second, LATER), BridgeRun(page, second, LATER))) == {}


def test_a_mean_payment_takes_the_place_of_mix_and_award() -> None:
    page = policy_of(tiers())
    shape = [mix(0.5, 0.3, 0.2), {"kind": "review_award", "distribution": fixed(200_000)}]
    mean = {"kind": "mean_payment", "distribution": fixed(250_000)}
    first, second = ledger_of(*rates(0.5, 0.5), *shape), ledger_of(*rates(0.5, 0.25), mean)
    table = bridge(BridgeRun(page, first, DAY), BridgeRun(page, second, LATER))
    check_adds_up(table)
    assert moves(table) == {
        "assumption": (pytest.approx(-REPORTS * 0.125 * 70_000, abs=1), "acceptance"),
        "payments": (pytest.approx(REPORTS * 0.125 * 180_000, abs=1), "band-mix mean-payment review-award"),
    }


def test_an_older_version_counted_otherwise() -> None:
    page, ledger = policy_of(fee(100)), None
    table = bridge(
        BridgeRun(page, ledger, WEEK), BridgeRun(policy_of(fee(110)), ledger, DAY), recorded=22_000_000
    )
    check_adds_up(table)
    assert moves(table) == {"policy": (DRIVERS * 10, "fee"), "method": (DRIVERS * 100 - 22_000_000, "")}


# lines on one side only


def test_a_line_on_one_side_only_has_its_own_amount() -> None:
    ledger = ledger_of(*rates(0.5, 0.5))
    first = policy_of(fee(100), tiers(band=({"over": 0, "fixed": 8},)))
    second = policy_of(fee(200), fee(7, id="other"))
    table = bridge(BridgeRun(first, ledger, DAY), BridgeRun(second, ledger, DAY))
    check_adds_up(table)
    quarter, half = DRIVERS * 0.25, REPORTS * 2
    assert table.filter(step="policy").select("amount", "what").rows() == [
        (pytest.approx(quarter * 100, abs=1), "fee"),
        (pytest.approx(DRIVERS * 7), "other"),
        (-half, "tiers"),
    ]


def test_a_ledger_that_no_longer_states_an_input_is_assumption() -> None:
    page = policy_of(fee(100), tiers())
    shape = [mix(0.5, 0.3, 0.2), {"kind": "review_award", "distribution": fixed(200_000)}]
    lines = [rate | {"lines": ("tiers",)} for rate in rates(0.5, 0.5)]
    table = bridge(
        BridgeRun(page, ledger_of(*lines, *shape), DAY), BridgeRun(page, ledger_of(*lines, shape[0]), LATER)
    )
    check_adds_up(table)
    assert moves(table) == {"assumption": (-round(REPORTS * 0.25 * 70_000), "tiers review-award")}


def test_new_bands_with_a_mix_of_their_own_are_policy() -> None:
    one = ({"over": 0, "up_to": 10, "fixed": 3}, {"over": 10, "fixed": 4})
    stated = {
        "kind": "band_mix",
        "band": ({"over": 0, "up_to": 10, "share": 0.5}, {"over": 10, "share": 0.5}),
    }
    award = {"kind": "review_award", "distribution": fixed(200_000)}
    first, second = ledger_of(*rates(1, 1), mix(0.5, 0.3, 0.2), award), ledger_of(*rates(1, 1), stated)
    table = bridge(
        BridgeRun(policy_of(tiers()), first, DAY), BridgeRun(policy_of(tiers(band=one)), second, DAY)
    )
    check_adds_up(table)
    assert moves(table) == {"policy": (pytest.approx(REPORTS * (3.5 - 70_000), abs=1), "tiers")}


def test_new_bands_without_a_mix_wait_for_the_payments() -> None:
    award, mean = ({"kind": k, "distribution": fixed(200_000)} for k in ("review_award", "mean_payment"))
    two = ({"over": 0, "up_to": 10, "fixed": 3}, {"over": 10, "fixed": 4})
    first, second = ledger_of(*rates(1, 1), mix(0.5, 0.3, 0.2), award), ledger_of(*rates(1, 1), mean)
    table = bridge(
        BridgeRun(policy_of(tiers()), first, DAY), BridgeRun(policy_of(tiers(band=two)), second, DAY)
    )
    check_adds_up(table)
    assert moves(table) == {
        "policy": (-REPORTS * 70_000, "tiers"),
        "payments": (REPORTS * 200_000, "tiers mean-payment review-award"),
    }


@pytest.mark.parametrize(
    ("first", "second", "error", "message"),
    [
        (
            BridgeRun(policy_of(fee(1)), None, DAY),
            BridgeRun(policy_of(fee(1)), None, WEEK),
            UsageError,
            "earlier day",
        ),
        (
            BridgeRun(policy_of(fee(1)), None, DAY),
            BridgeRun(policy_of(fee(1), currency="EUR", loss_unit="EUR"), None, DAY),
            UsageError,
            "same currency",
        ),
        (
            BridgeRun(policy_of(tiers()), None, DAY),
            BridgeRun(policy_of(tiers()), None, LATER),
            ModelRefused,
            "neither run has an expected cost in cash",
        ),
    ],
)
def test_what_no_bridge_can_join_is_refused(
    first: BridgeRun, second: BridgeRun, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        bridge(first, second)


def test_sums_beyond_whole_numbers_of_64_bits_are_refused() -> None:
    huge = [BridgeRun(policy_of(fee(x)), None, DAY) for x in (1, 10**12)]  # times 226,154
    with pytest.raises(ModelRefused, match="larger than the bridge adds up exactly"):
        bridge(*huge)


@pytest.mark.parametrize("recorded", [-1, math.nan, math.inf, 10.0**19])
def test_a_recorded_figure_that_is_no_sum_is_refused(recorded: float) -> None:
    side = BridgeRun(policy_of(fee(1)), None, DAY)
    with pytest.raises(UsageError, match="recorded figure is no sum"):
        bridge(side, side, recorded=recorded)


# whatever the pages


@pytest.mark.slow
def test_the_order_of_the_documents_changes_nothing(policy: Policy, ledger: Ledger) -> None:
    outcome = load_ledger("kakao-2023-06-30")

    def turned(page: Ledger) -> Ledger:
        return page.model_copy(update={"assumptions": page.assumptions[::-1]})

    mirrored = policy.model_copy(update={"lines": policy.lines[::-1]})
    straight = bridge(BridgeRun(policy, ledger, DAY), BridgeRun(policy, outcome, LATER))
    other = bridge(BridgeRun(mirrored, turned(ledger), DAY), BridgeRun(mirrored, turned(outcome), LATER))
    assert straight.equals(other)


SHARE = st.integers(0, 100).map(lambda x: x / 100)
ENTRY = st.one_of(
    st.builds(lambda x: {"kind": "filing_share", "distribution": fixed(x)}, SHARE),
    st.builds(lambda x: {"kind": "acceptance", "distribution": fixed(x)}, SHARE),
    st.integers(1, 9).map(
        lambda a: {
            "kind": "acceptance",
            "distribution": {"kind": "beta", "a": a, "b": 2},
            "observed": OBSERVED,
        }
    ),
    st.builds(lambda x: {"kind": "mean_payment", "distribution": fixed(x)}, st.integers(0, 10**6)),
    st.builds(lambda x: {"kind": "realised_ratio", "distribution": fixed(x)}, st.integers(0, 3)),
    st.just(mix(0.5, 0.3, 0.2)),
    st.just({"kind": "review_award", "distribution": fixed(90_000)}),
)
LEDGER = st.lists(ENTRY, min_size=1, max_size=6, unique_by=lambda e: str(e["kind"])).map(
    lambda entries: ledger_of(*entries)
)
LINE = st.one_of(
    st.sampled_from(["form", "automatic"]).map(lambda effort: tiers(effort=effort)),
    st.builds(lambda x, e: fee(x, effort=e), st.integers(1, 10**4), st.sampled_from(["form", "automatic"])),
    st.builds(budget, st.integers(1, 10**9)),
    st.just(budget("CO-12", true_ups=({"since": LATER, "amount": "CO-14"},))),
)
POLICY = st.lists(LINE, min_size=1, max_size=3, unique_by=lambda line: str(line["id"])).map(
    lambda lines: policy_of(*lines)
)


@pytest.mark.slow
@given(
    pages=st.tuples(POLICY, POLICY),
    ledgers=st.tuples(LEDGER, LEDGER),
    recorded=st.none() | st.integers(0, 10**17),
)
def test_the_steps_add_up_whatever_the_documents(
    pages: tuple[Policy, Policy], ledgers: tuple[Ledger, Ledger], recorded: int | None
) -> None:
    sides = [BridgeRun(*side) for side in zip(pages, ledgers, (DAY, LATER), strict=True)]
    expected = []
    for side in sides:
        sums = totals(cost_table(side.policy, side.ledger, as_of=side.as_of)).filter(valuation="cash")
        expected.append(sums["expected"].item() if len(sums) else None)
    if expected == [None, None]:
        with pytest.raises(ModelRefused):
            bridge(*sides)
        return
    table = bridge(*sides, recorded=recorded)
    check_adds_up(table)
    first, last = (round(x or 0) for x in expected)
    assert table["total"][0] == (first if recorded is None else recorded)
    assert table["total"][-1] == last
    assert table["amount"].sum() == last - table["total"][0]
