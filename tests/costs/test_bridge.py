"""The bridge between two runs: every step by hand, and whatever the pages, the steps add up."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, strategies as st

from outage_analysis.assumptions import Ledger
from outage_analysis.costs import build_portfolio, cost_table, rounded_estimate, simulate, totals
from outage_analysis.costs.sensitivity import QUANTILES, STEPS, BridgeRun, bridge
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.policies import Policy
from outage_analysis.text import schema_of
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
    uniform,
)

WEEK, LATER = date(2022, 10, 24), date(2023, 6, 30)
FILED, ACCEPTED = 451, 205  # R2-05, R2-06: public on 30 June 2023
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


# one component at a time


FLAT = ({"over": 0, "fixed": 10_000},)
COUNTED, LATER_COUNTED = (policy_of(tiers(band=FLAT, published_count=fact)) for fact in ("IN-02", "IN-04"))
PAPERS = ({"since": date(2023, 1, 30), "effort": "documents", "facts": ("PR-06",)},)
BY_EFFORT = ledger_of(
    {"id": "papers", "kind": "filing_share", "effort": "documents", "distribution": fixed(0.25)},
    {"kind": "filing_share", "effort": "form", "distribution": fixed(0.5)},
    {"kind": "acceptance", "distribution": fixed(1)},
)
ALL, RATIO = (ledger_of({"kind": "realised_ratio", "distribution": fixed(x)}) for x in (1, 0.75))
PRIOR = {"kind": "beta", "a": 2, "b": 2}
SEEN = ledger_of(rates(1, 1)[0], {"kind": "acceptance", "distribution": PRIOR, "observed": OBSERVED})
UPDATED = (2 + ACCEPTED) / (4 + FILED)  # the conjugate rule
AWARD, MEAN = ({"kind": kind, "distribution": fixed(200_000)} for kind in ("review_award", "mean_payment"))
SHAPE = (mix(0.5, 0.3, 0.2), AWARD)
OWN_BANDS = ({"over": 0, "up_to": 10, "fixed": 3}, {"over": 10, "fixed": 4})
OWN_MIX = {"kind": "band_mix", "band": ({"over": 0, "up_to": 10, "share": 0.5}, {"over": 10, "share": 0.5})}
TIERED = [rate | {"lines": ("tiers",)} for rate in rates(0.5, 0.5)]
HALF, FORM = ledger_of(*rates(0.5, 1.0)), policy_of(fee(1_000, effort="form"))


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        # Facts that came out are data.
        ((COUNTED, HALF, WEEK), (COUNTED, HALF, DAY), {}),
        ((LATER_COUNTED, HALF, WEEK), (LATER_COUNTED, HALF, DAY), {"data": (105_116 * 5_000, "tiers IN-04")}),
        (
            (COUNTED, HALF, WEEK),
            (LATER_COUNTED, HALF, DAY),
            {"policy": ((105_116 - WEEK_REPORTS) * 5_000, "tiers")},
        ),
        # Another ledger, or one that no longer states an input, is assumption.
        (
            (FORM, ledger_of(*rates(0.5, 0.5)), DAY),
            (FORM, ledger_of(*rates(0.75, 0.5)), DAY),
            {"assumption": (DRIVERS * 1_000 * 0.125, "filing-share")},
        ),
        (
            (policy_of(fee(100), tiers()), ledger_of(*TIERED, *SHAPE), DAY),
            (policy_of(fee(100), tiers()), ledger_of(*TIERED, SHAPE[0]), LATER),
            {"assumption": (-REPORTS * 0.25 * 70_000, "tiers review-award")},
        ),
        # Another effort, another amount, and new bands with a mix of their own are policy.
        (
            (policy_of(fee(100, effort="form", effort_changes=PAPERS)), BY_EFFORT, DAY),
            (policy_of(fee(100, effort="form", effort_changes=PAPERS)), BY_EFFORT, date(2023, 1, 30)),
            {"policy": (-DRIVERS * 25, "fee PR-06")},
        ),
        (
            (policy_of(fee(100, effort="form")), BY_EFFORT, DAY),
            (policy_of(fee(120, effort="form")), BY_EFFORT, DAY),
            {"policy": (DRIVERS * 10, "fee")},
        ),
        (
            (policy_of(tiers()), ledger_of(*rates(1, 1), *SHAPE), DAY),
            (policy_of(tiers(band=OWN_BANDS)), ledger_of(*rates(1, 1), OWN_MIX), DAY),
            {"policy": (REPORTS * (3.5 - 70_000), "tiers")},
        ),
        (
            (policy_of(budget(80_000_000)), ALL, DAY),
            (policy_of(budget(80_000_000)), RATIO, LATER),
            {"assumption": (-20_000_000, "realised-ratio")},
        ),
        # What was observed, and a known mean, are payments.
        (
            (FORM, ledger_of(*rates(1.0, 0.3)), DAY),
            (FORM, SEEN, LATER),
            {
                "assumption": (DRIVERS * 1_000 * (0.5 - 0.3), "acceptance"),
                "payments": (DRIVERS * 1_000 * (UPDATED - 0.5), "acceptance"),
            },
        ),
        ((FORM, SEEN, LATER), (FORM, SEEN, LATER), {}),
        (
            (policy_of(tiers()), ledger_of(*rates(0.5, 0.5), *SHAPE), DAY),
            (policy_of(tiers()), ledger_of(*rates(0.5, 0.25), MEAN), LATER),
            {
                "assumption": (-REPORTS * 0.125 * 70_000, "acceptance"),
                "payments": (REPORTS * 0.125 * 130_000, "band-mix mean-payment review-award"),
            },
        ),
        (
            (policy_of(tiers()), ledger_of(*rates(1, 1), *SHAPE), DAY),
            (policy_of(tiers(band=OWN_BANDS)), ledger_of(*rates(1, 1), MEAN), DAY),
            {
                "policy": (-REPORTS * 70_000, "tiers"),
                "payments": (REPORTS * 200_000, "tiers mean-payment review-award"),
            },
        ),
    ],
)
def test_each_change_is_a_step_of_its_kind(
    first: tuple[Any, ...], second: tuple[Any, ...], found: dict[str, tuple[float, str]]
) -> None:
    table = bridge(BridgeRun(*first), BridgeRun(*second))
    check_adds_up(table)
    assert moves(table) == {
        step: (pytest.approx(amount, abs=1), what) for step, (amount, what) in found.items()
    }


def test_a_line_on_one_side_only_has_its_own_amount() -> None:
    first = policy_of(fee(100), tiers(band=({"over": 0, "fixed": 8},)))
    second, ledger = policy_of(fee(200), fee(7, id="other")), ledger_of(*rates(0.5, 0.5))
    table = bridge(BridgeRun(first, ledger, DAY), BridgeRun(second, ledger, DAY))
    check_adds_up(table)
    assert table.filter(step="policy").select("amount", "what").rows() == [
        (pytest.approx(DRIVERS * 25, abs=1), "fee"),
        (pytest.approx(DRIVERS * 7), "other"),
        (-REPORTS * 2, "tiers"),
    ]


def test_an_older_version_counted_otherwise() -> None:
    first, second = (BridgeRun(policy_of(fee(x)), None, day) for x, day in ((100, WEEK), (110, DAY)))
    table = bridge(first, second, recorded=22_000_000)
    check_adds_up(table)
    assert moves(table) == {"policy": (DRIVERS * 10, "fee"), "method": (DRIVERS * 100 - 22_000_000, "")}


TODAY = BridgeRun(policy_of(fee(1)), None, DAY)


@pytest.mark.parametrize(
    ("first", "second", "recorded", "error", "message"),
    [
        *(
            (TODAY, TODAY, recorded, UsageError, "recorded figure is no sum")
            for recorded in (-1, math.nan, math.inf, 10.0**19)
        ),
        (
            BridgeRun(policy_of(fee(1)), None, DAY),
            BridgeRun(policy_of(fee(1)), None, WEEK),
            None,
            UsageError,
            "earlier day",
        ),
        (
            BridgeRun(policy_of(fee(1)), None, DAY),
            BridgeRun(policy_of(fee(1), currency="EUR", loss_unit="EUR"), None, DAY),
            None,
            UsageError,
            "same currency",
        ),
        (
            BridgeRun(policy_of(tiers()), None, DAY),
            BridgeRun(policy_of(tiers()), None, LATER),
            None,
            ModelRefused,
            "neither run has an expected cost in cash",
        ),
    ],
)
def test_what_no_bridge_can_join_is_refused(
    first: BridgeRun, second: BridgeRun, recorded: float | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        bridge(first, second, recorded=recorded)


# whatever the pages


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
    st.just(budget("CO-12")),
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


DRAWS = 2**11


def ranges(table: pl.DataFrame) -> dict[str, tuple[float | None, ...]]:
    """The quantiles of the two runs; the steps between them have none."""
    between = table.filter(~table["step"].is_in(["start", "end"])).select(*QUANTILES)
    assert between.null_count().row(0) == (len(between),) * len(QUANTILES)
    return {step: tuple(x) for step, *x in table.select("step", *QUANTILES)[[0, -1]].iter_rows()}


def quantiles_of(policy: Policy, ledger: Ledger, day: date = DAY) -> tuple[float, ...]:
    """The quantiles of the cash of a whole run, all its lines drawn together."""
    total = simulate(build_portfolio(policy, ledger, as_of=day), draws=DRAWS).totals["cash"]
    return tuple(rounded_estimate(total.quantile(p)).value for p in QUANTILES.values())


def spread(low: float, high: float) -> list[dict[str, Any]]:
    return [
        {"kind": "filing_share", "distribution": uniform(low, high)},
        {"kind": "acceptance", "distribution": uniform(0.2, 0.9)},
        {"kind": "review_award", "distribution": uniform(50_000, 90_000)},
        mix(0.5, 0.3, 0.2, size=5),
    ]


def test_both_ends_have_the_range_of_their_run() -> None:
    page, raised = policy_of(tiers()), policy_of(tiers(), fee(120))
    pair = {"of": ("filing-share", "acceptance"), "rank": 0.9, "rationale": "a test"}
    first, second = ledger_of(*spread(0.1, 0.3)), ledger_of(*spread(0.2, 0.6), correlation=(pair,))
    table = bridge(BridgeRun(page, first, DAY), BridgeRun(raised, second, DAY), draws=DRAWS)
    assert table.schema == schema_of("documents.bridge").frame().schema
    assert ranges(table) == {"start": quantiles_of(page, first), "end": quantiles_of(raised, second)}


def test_a_run_without_an_expected_cost_has_no_range() -> None:
    later = policy_of(tiers(published_count="IN-04"))  # the count became public in December
    ledger = ledger_of(*spread(0.1, 0.3))
    table = bridge(BridgeRun(later, ledger, WEEK), BridgeRun(later, ledger, DAY), draws=DRAWS)
    assert ranges(table) == {"start": (None, None, None), "end": quantiles_of(later, ledger)}
