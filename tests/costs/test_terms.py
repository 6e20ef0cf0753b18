"""Terms: each cost line is compiled once, and the table, the draws and the products agree on its cost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.assumptions import Ledger
from outage_analysis.costs import build_portfolio, cost_table, totals
from outage_analysis.costs.expected import expected_at
from outage_analysis.costs.page_model import live_cost
from outage_analysis.errors import ModelRefused
from outage_analysis.policies import Policy
from tests.costs.test_bounds import ledgers, packages
from tests.small_policies import DAY, DRIVERS, fee, fixed, ledger_of, policy_of, tiers

HANDLING = {
    "kind": "handling",
    "lines": ("fee",),
    "people": fixed(3),
    "weeks": fixed(2),
    "weekly_wage": fixed(700_000),
}


@pytest.mark.slow
@given(policy=packages(), ledger=st.none() | ledgers())
@settings(max_examples=60, deadline=None)
def test_the_table_the_draws_and_the_products_have_the_same_expected_cost(
    policy: Policy, ledger: Ledger | None
) -> None:
    table = cost_table(policy, ledger, as_of=DAY)
    portfolio = build_portfolio(policy, ledger, as_of=DAY)
    products = live_cost(portfolio)
    assert products is not None
    costs = {row["valuation"]: row["expected"] for row in totals(table).iter_rows(named=True)}
    assert set(portfolio.valuations) == {name for name, cost in costs.items() if cost is not None}
    unknown = {row["valuation"]: tuple(row["left_out"].split()) for row in totals(table).to_dicts()}
    assert portfolio.left_out == {valuation: lines for valuation, lines in unknown.items() if lines}
    for valuation in portfolio.valuations:
        drawn = float(expected_at(portfolio, valuation, {})[0])
        assert drawn == pytest.approx(costs[valuation], rel=1e-8)
        assert products.expected(valuation) == pytest.approx(costs[valuation], rel=1e-8)


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


def test_a_line_whose_handling_alone_has_a_cost_is_left_out_of_the_cash() -> None:
    ledger = ledger_of(HANDLING)
    portfolio = build_portfolio(policy_of(fee(100, effort="form")), ledger, as_of=DAY)
    assert portfolio.valuations == ("handling",)
    assert portfolio.left_out == {"cash": ("fee",)}


def test_a_mix_with_a_share_for_a_band_without_losses_is_refused() -> None:
    """The band [0, 1) contains no whole positive loss, so its share of the reports costs nothing."""
    edges = ({"over": 0, "up_to": 1}, {"over": 1})
    line = tiers(band=tuple(band | {"fixed": 1_000} for band in edges), closed="lower", effort="automatic")
    shares = tuple(band | {"share": 0.5} for band in edges)
    ledger = ledger_of({"kind": "band_mix", "band": shares, "lines": ("tiers",)})
    for computed in (cost_table, build_portfolio):
        with pytest.raises(ModelRefused, match="contains no loss"):
            computed(policy_of(line), ledger, as_of=DAY)
