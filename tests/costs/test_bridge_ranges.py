"""The ranges at both ends of a bridge: those of the two runs."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from outage_analysis.assumptions import Ledger, load_ledger
from outage_analysis.costs import build_portfolio, rounded_estimate, simulate
from outage_analysis.costs.cost_bridge import QUANTILES, STEPS, BridgeRun, bridge
from outage_analysis.policies import Policy
from outage_analysis.text import schema_of
from tests.small_policies import DAY, budget, fee, ledger_of, mix, policy_of, tiers, uniform

DRAWS = 2**11
WEEK, LATER = date(2022, 10, 24), date(2023, 6, 30)


def ranges(table: pl.DataFrame) -> dict[str, tuple[float | None, ...]]:
    """The quantiles of the two runs; the steps between them have none."""
    between = table.filter(~table["step"].is_in(["start", "end"])).select(*QUANTILES)
    assert between.null_count().row(0) == (len(between),) * len(QUANTILES)
    return {step: tuple(x) for step, *x in table.select("step", *QUANTILES)[[0, -1]].iter_rows()}


def quantiles_of(policy: Policy, ledger: Ledger, day: date = DAY) -> tuple[float, ...]:
    """The quantiles of the cash of a whole run, all its lines drawn together."""
    total = simulate(build_portfolio(policy, ledger, as_of=day), draws=DRAWS).totals["cash"]
    return tuple(rounded_estimate(total.quantile(p)).value for p in QUANTILES.values())


def rates(low: float, high: float) -> list[dict[str, Any]]:
    return [
        {"kind": "filing_share", "distribution": uniform(low, high)},
        {"kind": "acceptance", "distribution": uniform(0.2, 0.9)},
        {"kind": "review_award", "distribution": uniform(50_000, 90_000)},
        mix(0.5, 0.3, 0.2, size=5),
    ]


def test_both_ends_have_the_range_of_their_run() -> None:
    page, raised = policy_of(tiers()), policy_of(tiers(), fee(120))
    first, second = ledger_of(*rates(0.1, 0.3)), ledger_of(*rates(0.2, 0.6))
    table = bridge(BridgeRun(page, first, DAY), BridgeRun(raised, second, DAY), draws=DRAWS)
    schema_of("documents.bridge").check(table)
    assert ranges(table) == {"start": quantiles_of(page, first), "end": quantiles_of(raised, second)}


def test_the_expected_steps_do_not_depend_on_the_draws() -> None:
    page = policy_of(tiers(), budget(5_000_000))
    first, second = ledger_of(*rates(0.1, 0.3)), ledger_of(*rates(0.2, 0.6))
    sides = BridgeRun(page, first, DAY), BridgeRun(page, second, DAY)
    without, drawn = bridge(*sides), bridge(*sides, draws=DRAWS)
    steps = ["step", "amount", "total", "what"]
    assert without.select(steps).equals(drawn.select(steps))
    assert without.select(*QUANTILES).null_count().row(0) == (len(without),) * len(QUANTILES)
    assert None not in (*ranges(drawn)["start"], *ranges(drawn)["end"])


def test_a_run_without_an_expected_cost_has_no_range() -> None:
    later = policy_of(tiers(published_count="IN-04"))  # the count became public in December
    ledger = ledger_of(*rates(0.1, 0.3))
    table = bridge(BridgeRun(later, ledger, WEEK), BridgeRun(later, ledger, DAY), draws=DRAWS)
    assert ranges(table) == {"start": (None, None, None), "end": quantiles_of(later, ledger)}


def test_correlations_of_the_ledger_widen_the_range() -> None:
    page, loose = policy_of(tiers()), ledger_of(*rates(0.1, 0.3))
    pair = {"of": ("filing-share", "acceptance"), "rank": 0.9, "rationale": "a test"}
    tied = ledger_of(*rates(0.1, 0.3), correlation=(pair,))
    table = bridge(BridgeRun(page, loose, DAY), BridgeRun(page, tied, DAY), draws=DRAWS)
    found = ranges(table)
    assert found == {"start": quantiles_of(page, loose), "end": quantiles_of(page, tied)}
    before, after = found["start"][2], found["end"][2]
    assert before is not None
    assert after is not None
    assert after > before
    assert table["amount"].drop_nulls().to_list() == [0] * (len(STEPS) + 1)  # products of means


@pytest.mark.slow
def test_the_case_ends_with_the_figures_of_its_run(policy: Policy, ledger: Ledger) -> None:
    outcome = load_ledger("kakao-2023-06-30")
    sides = BridgeRun(policy, ledger, DAY), BridgeRun(policy, outcome, LATER)
    table = bridge(*sides, draws=DRAWS)
    assert ranges(table) == {
        "start": quantiles_of(policy, ledger),
        "end": quantiles_of(policy, outcome, LATER),
    }
