"""Bounds: low <= expected <= high bound the expected cost, and no total exceeds `most`."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from outage_analysis.assumptions import Award, Ledger, RateAssumption
from outage_analysis.assumptions.distributions import Beta, Lognormal
from outage_analysis.costs import (
    build_portfolio,
    by_band,
    cost_table,
    exact_costs,
    exact_payments,
    simulate,
    totals,
)
from outage_analysis.costs.expected import expected_at
from outage_analysis.costs.page_model import live_cost
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import get_fact, parse_band
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from tests.costs.test_payouts import claims_of, owed, policy_of as euros, rich_lines
from tests.loss_cubes import counts, cube_of_rows, loss_cube
from tests.small_policies import (
    DAY,
    DRIVERS,
    REPORTS,
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

ENDS = ("low", "expected", "high", "most")
FROM_TWELVE_HOURS = (
    {"over": 0, "up_to": 1_200},
    {"over": 1_200, "up_to": 2_400, "fixed": 1_000},
    {"over": 2_400, "fixed": 1_000},
)
"""In hundredths of an hour, closed below: nothing before 1,200."""


def hours(*lines: Page) -> Policy:
    """Lines that pay at once by hundredths of an hour."""
    shared = {"kind": "schedule", "effort": "automatic", "closed": "lower"}
    return policy_of(*(shared | line for line in lines), loss_unit="hundredths of an hour")


def totals_of(*rows: tuple[str, int]) -> Cube:
    """A totals file of one service: a band as people write it, and how many claims it holds."""
    return counts(*(("a", "b", *parse_band(band), claims) for band, claims in rows))


DELAYS = totals_of(("[0, 1200)", 500), ("[1200, 2400)", 76), ("[2400, inf)", 3))


# --- a band that spans an edge --------------------------------------------------------------------


def test_a_band_across_an_edge_is_exact_where_both_sides_pay_nothing() -> None:
    late = ({"over": 0, "up_to": 2_400}, {"over": 2_400, "fixed": 3_000})
    policy = hours({"id": "delay", "band": FROM_TWELVE_HOURS}, {"id": "late", "band": late})
    table = exact_costs(policy, None, as_of=DAY, cubes=[DELAYS])
    total = totals(table).row(0, named=True)
    assert [total[end] for end in ENDS] == [79_000 + 9_000] * 4  # 79 delays of 12 hours, 3 of 24
    assert (total["promised"], total["left_out"]) == (88_000, "")
    band = table.filter(level="band", line="delay").row(0, named=True)
    assert (band["over"], band["up_to"], band["rule"], band["expected"]) == (-1, 1_199, "nothing", 0)
    coarse = totals_of(("[0, 2400)", 40), ("[2400, inf)", 9))  # the first band pays nothing, or 1,000
    table = exact_costs(policy, None, as_of=DAY, cubes=[coarse])
    total = totals(table).row(0, named=True)  # it has bounds of the lines that it counts
    assert [total[end] for end in ENDS] == [9 * 3_000] * 4
    assert total["left_out"] == "delay"
    alone = totals(table.filter(line="delay")).row(0, named=True)  # where none is expected, all are bounded
    assert [alone[end] for end in ENDS] == [9_000, None, 49_000, 49_000]


@pytest.mark.parametrize(
    ("rules", "paid"),
    [
        (({"fixed": 5}, {"fixed": 5}), 20),
        (({"share": 0.5}, {"share": 0.5}), 100),
        (({"share": 0.5}, {"fixed": 5}), None),  # they meet at 10 and part after it
        (({"fixed": 5}, {"fixed": 6}), None),
        (({"review": True}, {"review": True}), None),
        (({"fixed": 5}, {"review": True}), None),
    ],
)
def test_two_rules_across_a_band_are_exact_where_one_formula_pays_both(
    rules: tuple[Page, Page], paid: int | None
) -> None:
    policy = euros({"band": ({"over": 0, "up_to": 10, **rules[0]}, {"over": 10, **rules[1]})})
    cube = cube_of_rows([("a", "b", 0, 100, 4, 200, 12_000)], "service", "claimant_type")
    row = exact_payments(cube, policy).row(0, named=True)
    assert row["payment"] == paid
    if rules[0] == rules[1]:
        assert row["rule"] == ("review" if "review" in rules[0] else "pays")
        assert (row["over"], row["up_to"]) == (0, 100)  # its own band, as it lies in two
    else:
        assert (row["rule"], row["over"], row["up_to"]) == ("straddles", None, None)


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=250)
def test_a_count_is_paid_exactly_where_all_its_losses_are_paid_alike_and_bounded_elsewhere(
    data: st.DataObject,
) -> None:
    page = data.draw(rich_lines(scales=(1,)))
    low, claims = data.draw(st.integers(-1, 70)), data.draw(st.integers(1, 5))
    high = low + data.draw(st.integers(1, 12))
    row = exact_payments(counts(("x", "a", low, high, claims)), euros(page)).row(0, named=True)
    each = {owed(page, loss, ("a", "x")) for loss in range(low + 1, high + 1)}
    most = None if None in each else claims * max(x for x in each if x is not None)
    assert row["payment"] == (most if len(each) == 1 else None)
    assert row["payment_low"] == claims * min(x or 0 for x in each)
    assert row["payment_high"] == most
    assert (len(each) > 1) or row["rule"] != "straddles"


# --- low <= expected <= high ----------------------------------------------------------------------


HEAVY = [Lognormal(median=1, sigma=6), Beta(a=0.001, b=1)]


@pytest.mark.parametrize("distribution", HEAVY, ids=lambda distribution: distribution.kind)
def test_the_ends_of_a_distribution_hold_its_mean(distribution: Lognormal | Beta) -> None:
    entry = ledger_of({"kind": "realised_ratio", "distribution": distribution.model_dump()}).assumptions[0]
    found = entry.range  # type: ignore[union-attr] # no mix
    assert found.low <= found.expected <= found.high
    assert found.expected == distribution.mean


def test_a_cap_below_its_low_end_is_no_low_end_of_a_rate() -> None:
    rate = ledger_of({"kind": "take_up", "distribution": Beta(a=30, b=30).model_dump()}).assumptions[0]
    assert isinstance(rate, RateAssumption)
    found = rate.range_under_cap(0.3)
    assert rate.sampled_distribution.ends[0] > 0.3
    assert found.low <= found.expected < found.high == 0.3


def test_the_ends_of_an_award_under_rules_hold_its_mean() -> None:
    page = {
        "kind": "review_award",
        "loss": {"kind": "lognormal", "median": 1_000, "sigma": 3},
        "rule": ({"name": {"en": "R"}, "weight": 1.0, "share": fixed(0.1), "cap": 1}, ),
    }  # fmt: skip
    award = ledger_of(page).assumptions[0]
    assert isinstance(award, Award)
    assert award.range.low < 1  # the 1 % point of the loss already reaches the cap or lies below it
    assert award.range.low <= award.range.expected <= award.range.high == award.most == 1


def test_shares_that_a_document_rounds_do_not_move_a_payment() -> None:
    flat = tuple(
        {k: v for k, v in band.items() if k in ("over", "up_to")} | {"fixed": 30_000} for band in TIERS
    )
    ledger = ledger_of(
        mix(*[0.333333333] * 3),
        {"kind": "filing_share", "distribution": fixed(1)},
        {"kind": "acceptance", "distribution": fixed(1)},
    )
    row = exact_costs(policy_of(tiers(band=flat)), ledger, as_of=DAY).filter(level="line").row(0, named=True)
    assert [row[end] for end in ENDS] == [REPORTS * 30_000] * 4


TIERS: tuple[Page, ...] = tiers()["band"]
RATES = st.sampled_from(
    [
        fixed(0.0),
        fixed(0.4),
        fixed(1.0),
        uniform(0.1, 0.9),
        Beta(a=0.002, b=1).model_dump(),
        Beta(a=2, b=5).model_dump(),
    ]
)
GROWTH = st.sampled_from([fixed(1), fixed(1.5), uniform(1, 2.333333)])
SUMS = st.sampled_from(
    [
        fixed(0),
        fixed(90_000),
        uniform(0, 400_000),
        Lognormal(median=150_000, sigma=0.5).model_dump(),
        Lognormal(median=1_000, sigma=6).model_dump(),
    ]
)
RATIOS = st.sampled_from([fixed(0.5), uniform(0.2, 3), Lognormal(median=1, sigma=5.5).model_dump()])


@st.composite
def ledgers(draw: st.DrawFn, *, growth: bool = True) -> Ledger:
    """Some of the entries of tiers, a fee and a budget, heavy tails among them."""
    distributions: dict[str, st.SearchStrategy[Page]] = {
        "filing_share": RATES,
        "acceptance": RATES,
        "take_up": RATES,
    }
    distributions |= {"entitled_share": RATES, "review_award": SUMS, "realised_ratio": RATIOS}
    distributions |= {"ultimate": GROWTH} if growth else {}
    distributions |= {"mean_payment": SUMS} if draw(st.integers(0, 4)) == 0 else {}
    entries: list[Page] = [
        {"kind": kind, "distribution": draw(distribution)}
        | ({"lines": ("budget",)} if kind == "realised_ratio" else {})
        for kind, distribution in distributions.items()
        if draw(st.integers(0, 4))
    ]
    spread = {"spread": draw(st.sampled_from([0.0, 0.0, 0.7]))}
    entries = [e | spread if e["kind"] in ("review_award", "mean_payment") else e for e in entries]
    shares = draw(
        st.sampled_from([(0.5, 0.3, 0.2), (1 / 3, 1 / 3, 1 / 3), (0.333333333,) * 3, (0.0, 0.0, 1.0)])
    )
    entries += [mix(*shares, size=draw(st.sampled_from([None, 3.0])))] if draw(st.integers(0, 3)) else []
    return ledger_of(*entries) if entries else ledger_of({"kind": "acceptance", "distribution": fixed(0.5)})


EFFORTS = st.sampled_from(["automatic", "form"])
GOOD = {"id": "good", "kind": "in_kind", "face_value": 6_500, "recipients": "US-03", "effort": "one_tap"}


@st.composite
def packages(draw: st.DrawFn) -> Policy:
    """Tiers, a fee, a budget and a good, with what may vary of them."""
    top: Page = draw(
        st.sampled_from(
            [{"review": True}, {"fixed": 70_000}, {"share": 0.1}, {"share": 0.1, "limit": 90_000}]
        )
    )
    bands = (*TIERS[:2], {"over": 500_000, **top})
    sums = budget(8_000, effort=draw(EFFORTS), valuation=draw(st.sampled_from(["cash", "top_down"])))
    return policy_of(tiers(band=bands, effort=draw(EFFORTS)), fee(7_550, effort=draw(EFFORTS)), sums, GOOD)


def assert_ordered(table: pl.DataFrame) -> None:
    """Low <= expected <= high wherever they are stated, and no expected cost is more than `most`."""
    for row in table.iter_rows(named=True):
        low, expected, high, most = (row[end] for end in ENDS)
        if expected is not None:
            assert low <= expected, row
            assert high is None or expected <= high, row
            assert most is None or expected <= most * (1 + 1e-9), row  # rounded to ten digits
        if low is not None and high is not None:
            assert low <= high, row


@pytest.mark.slow
@given(policy=packages(), ledger=st.none() | ledgers())
@settings(max_examples=200, deadline=None)
def test_the_expected_cost_lies_between_its_bounds_and_is_that_of_the_draws_and_the_page(
    policy: Policy, ledger: Ledger | None
) -> None:
    table = exact_costs(policy, ledger, as_of=DAY)
    assert_ordered(table)
    assert_ordered(totals(table))
    costs = {row["valuation"]: row for row in totals(table).iter_rows(named=True)}
    portfolio = build_portfolio(policy, ledger, as_of=DAY)
    products = live_cost(portfolio)
    assert products is not None
    assert set(portfolio.valuations) == {name for name, cost in costs.items() if cost["expected"] is not None}
    unknown = {name: tuple(cost["left_out"].split()) for name, cost in costs.items()}
    assert portfolio.left_out == {name: lines for name, lines in unknown.items() if lines}
    for name in portfolio.valuations:
        found = [float(expected_at(portfolio, name, {})[0]), products.expected(name)]
        assert found == pytest.approx([costs[name]["expected"]] * 2, rel=1e-8)


@st.composite
def cubes(draw: st.DrawFn) -> Cube:
    """Totals in bands of any width, zero and unknown among them."""
    edges = sorted(
        draw(st.sets(st.sampled_from([0, 100_000, 300_000, 400_000, 500_000, 900_000]), min_size=1))
    )
    bands: list[tuple[int | None, int | None]] = [
        (-1, edges[0]),
        *zip(edges, [*edges[1:], None], strict=True),
    ]
    bands += [(None, None)] if draw(st.booleans()) else []
    return counts(*(("a", "b", *band, draw(st.integers(0, 50))) for band in bands))


@pytest.mark.slow
@given(policy=packages(), ledger=st.none() | ledgers(), cube=cubes())
@settings(max_examples=200, deadline=None)
def test_the_expected_cost_lies_between_its_bounds_from_totals(
    policy: Policy, ledger: Ledger | None, cube: Cube
) -> None:
    table = exact_costs(policy, ledger, as_of=DAY, cubes=[cube])
    for found in (table, totals(table), by_band(table)):
        assert_ordered(found)
    drawn = build_portfolio(policy, ledger, as_of=DAY, cubes=[cube])
    lines = table.filter(level="line")
    assert {term.line for term in drawn.terms} <= set(lines.drop_nulls("expected")["line"])
    assert {term.line for term in drawn.terms} >= set(lines.filter(pl.col("expected") > 0)["line"])


# --- most -----------------------------------------------------------------------------------------


def line_of(policy: Policy, *entries: Page, line: str = "tiers", **keys: Any) -> dict[str, Any]:  # noqa: ANN401
    ledger = ledger_of(*entries) if entries else None
    return exact_costs(policy, ledger, as_of=DAY, **keys).filter(level="line", line=line).row(0, named=True)


FLAT = policy_of(tiers(band=(*TIERS[:2], {"over": 500_000, "fixed": 70_000})))
FEE = policy_of(fee(7_550, effort="form"))


@pytest.mark.parametrize(
    ("policy", "entries", "line", "most"),
    [
        (FLAT, (), "tiers", REPORTS * 70_000),
        (
            FLAT,
            ({"kind": "filing_share", "distribution": fixed(0.1)},),
            "tiers",
            REPORTS * 70_000,
        ),  # chance, not the rate
        (
            FLAT,
            ({"kind": "ultimate", "distribution": uniform(1, 2.5)},),
            "tiers",
            21_153 * 70_000,
        ),  # rounded up
        (policy_of(tiers()), (), "tiers", None),  # a review has no limit of its own
        (
            policy_of(tiers()),
            ({"kind": "review_award", "distribution": uniform(0, 400_000)},),
            "tiers",
            REPORTS * 400_000,
        ),
        (
            policy_of(tiers()),
            ({"kind": "review_award", "distribution": fixed(1), "spread": 0.1},),
            "tiers",
            None,
        ),
        (
            policy_of(tiers()),
            ({"kind": "mean_payment", "distribution": uniform(1, 60_000)},),
            "tiers",
            REPORTS * 60_000,
        ),
        (FEE, ({"kind": "filing_share", "distribution": fixed(0.1)},), "fee", DRIVERS * 7_550),
        (policy_of(budget(8_000)), (), "budget", 8_000),
        (policy_of(budget(8_000)), ({"kind": "take_up", "distribution": fixed(0.1)},), "budget", 8_000),
        (
            policy_of(budget(8_000)),
            ({"kind": "realised_ratio", "distribution": uniform(0, 3)},),
            "budget",
            24_000,
        ),
        (
            policy_of(budget(8_000)),
            ({"kind": "realised_ratio", "distribution": Lognormal(median=1, sigma=1).model_dump()},),
            "budget",
            None,
        ),
        (policy_of(budget(8_000, valuation="top_down")), (), "budget", None),
        (FEE, ({"kind": "paid_total", "distribution": uniform(400, 500)},), "fee", 500),
        (policy_of(fee(7_550, recipients_high="US-03")), (), "fee", 48_000_000 * 7_550),  # more than counted
        (policy_of(fee(7_550, recipients=None, recipients_high="US-07")), (), "fee", DRIVERS * 7_550),
        (
            policy_of(fee(7_550, recipients=None, recipients_high="US-07")),
            ({"kind": "ultimate", "distribution": uniform(1, 1.5), "lines": ("fee",)},),
            "fee",
            DRIVERS * 7_550 * 1.5,
        ),
        (
            policy_of(GOOD | {"cap": "PG-04.users"}),
            ({"kind": "take_up", "distribution": fixed(0.01), "lines": ("good",)},),
            "good",
            get_fact("PG-04.users").count * 6_500,
        ),
    ],
)
def test_the_most_of_a_line_is_every_claim_paid_the_most_that_it_can_get(
    policy: Policy, entries: tuple[Page, ...], line: str, most: float | None
) -> None:
    found = line_of(policy, *entries, line=line)["most"]
    assert found == (None if most is None else pytest.approx(most, rel=1e-14))


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_no_total_that_claims_can_have_is_more_than_the_most(data: st.DataObject) -> None:
    """Any claims may be accepted, and an unstated loss without a rule may be any loss."""
    page = data.draw(rich_lines(scales=(1,)).filter(lambda page: "eligibility" not in page))
    claims = data.draw(claims_of(page))
    paid = [loss for _, loss in claims if data.draw(st.booleans())]
    bands = [(0, 10), (10, 40), (40, 70), (70, None)]
    positive = [loss for _, loss in claims if loss is not None and loss > 0]
    placed = [next((b for b in bands if b[0] < x and (b[1] is None or x <= b[1])), None) for x in positive]
    rows: list[tuple[str, str, int | None, int | None, int]] = [
        ("x", "a", *band, placed.count(band)) for band in bands
    ]
    rows += [("x", "a", -1, 0, sum(loss is not None and loss <= 0 for _, loss in claims))]
    rows += [("x", "a", None, None, sum(loss is None for _, loss in claims))]
    most = exact_costs(euros(page | {"segment": ()}), None, as_of=DAY, cubes=[counts(*rows)])["most"][0]
    each = [owed(page | {"segment": ()}, loss, ("a", "x")) for loss in paid]
    if "unknown" not in page:
        guesses = data.draw(st.lists(st.integers(0, 100), min_size=len(paid), max_size=len(paid)))
        stated = [guess if loss is None else loss for loss, guess in zip(paid, guesses, strict=True)]
        each = [owed(page | {"segment": ()}, loss, ("a", "x")) for loss in stated]
    if most is not None:
        assert None not in each  # a review has no limit
        assert float(sum(x for x in each if x is not None)) <= most * (1 + 1e-12)


@pytest.mark.parametrize(("claims", "most"), [(1, 2), (5, 8)])
@pytest.mark.parametrize("share", [False, True])
def test_claims_in_the_end_are_rounded_up_so_that_no_total_exceeds_the_most(
    claims: int, most: int, *, share: bool
) -> None:
    band = {"over": 0, "share": 0.5} if share else {"over": 0, "fixed": 30_000}
    certain = ("ultimate", "filing_share", "acceptance")
    ledger = ledger_of(*({"kind": k, "distribution": fixed(1.5 if k == "ultimate" else 1)} for k in certain))
    policy, cube = policy_of(tiers(band=(band,))), loss_cube([60_000] * claims)
    row = totals(exact_costs(policy, ledger, as_of=DAY, cubes=[cube])).row(0, named=True)
    assert [row[end] for end in ENDS] == [45_000 * claims] * 3 + [30_000 * most]
    cash = simulate(build_portfolio(policy, ledger, as_of=DAY, cubes=[cube]), draws=2**10).totals["cash"]
    assert cash.exceedance(row["most"]).value == 0


def test_handling_is_at_most_the_product_of_its_largest_values() -> None:
    page = {"kind": "handling", "people": uniform(1, 5), "weeks": fixed(4), "weekly_wage": uniform(1, 10)}
    table = exact_costs(FLAT, ledger_of(page), as_of=DAY).filter(valuation="handling")
    assert table["most"].item() == 5 * 4 * 10
    heavy = page | {"weekly_wage": Lognormal(median=1, sigma=1).model_dump()}
    assert exact_costs(FLAT, ledger_of(heavy), as_of=DAY).filter(valuation="handling")["most"].item() is None


def test_claims_are_at_most_paid_what_each_is_due() -> None:
    cube = counts(("a", "b", 0, 300_000, 4), ("a", "b", 100_000, 400_000, 2), ("a", "b", 500_000, None, 3))
    award = {"kind": "review_award", "distribution": uniform(0, 400_000)}
    assert line_of(policy_of(tiers()), award, cubes=[cube])["most"] == 4 * 30_000 + 2 * 50_000 + 3 * 400_000
    assert line_of(policy_of(tiers()), cubes=[cube])["most"] is None


HANDLING = {
    "kind": "handling",
    "lines": ("fee",),
    "people": fixed(3),
    "weeks": fixed(2),
    "weekly_wage": fixed(700_000),
}


def test_handling_costs_money_also_if_the_total_paid_is_known() -> None:
    """3 people for 2 weeks at 700,000 a week, in the table as in the draws."""
    known = {"kind": "paid_total", "lines": ("fee",), "distribution": fixed(5_000_000)}
    policy, ledger = policy_of(fee(100)), ledger_of(known, HANDLING)
    table = cost_table(policy, ledger, as_of=DAY)
    assert dict(table.select("valuation", "expected").iter_rows()) == {
        "cash": 5_000_000.0,
        "handling": 4_200_000.0,
    }
    portfolio = build_portfolio(policy, ledger, as_of=DAY)
    assert [float(expected_at(portfolio, v, {})[0]) for v in portfolio.valuations] == [5_000_000, 4_200_000]


def test_a_line_without_an_expected_cost_has_bounds_in_the_table_and_no_draws() -> None:
    policy = policy_of(fee(100, effort="form"))
    (row,) = cost_table(policy, None, as_of=DAY).to_dicts()
    assert (row["low"], row["expected"], row["high"], row["most"]) == (0, None, DRIVERS * 100, DRIVERS * 100)
    portfolio = build_portfolio(policy, None, as_of=DAY)
    assert (portfolio.terms, portfolio.left_out) == ((), {"cash": ("fee",)})
    handled = build_portfolio(policy, ledger_of(HANDLING), as_of=DAY)
    assert (handled.valuations, handled.left_out) == (("handling",), {"cash": ("fee",)})


def test_a_mix_with_a_share_for_a_band_without_losses_is_refused() -> None:
    """The band [0, 1) contains no whole positive loss, so its share of the reports costs nothing."""
    edges = ({"over": 0, "up_to": 1}, {"over": 1})
    line = tiers(band=tuple(band | {"fixed": 1_000} for band in edges), closed="lower", effort="automatic")
    shares = tuple(band | {"share": 0.5} for band in edges)
    ledger = ledger_of({"kind": "band_mix", "band": shares, "lines": ("tiers",)})
    for computed in (cost_table, build_portfolio):
        with pytest.raises(ModelRefused, match="contains no loss"):
            computed(policy_of(line), ledger, as_of=DAY)
