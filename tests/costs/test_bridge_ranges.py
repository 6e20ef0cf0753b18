"""The range after each step of a bridge: that of a run with the lines of the step."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from outage_analysis.assumptions import RateAssumption, load_ledger
from outage_analysis.costs import build_portfolio, rounded_estimate, simulate
from outage_analysis.costs.compile_lines import compiled_lines
from outage_analysis.costs.cost_bridge import QUANTILES, STEPS, BridgeRun, StagedLine, bridge, stage_ranges
from outage_analysis.text import schema_of
from tests.small_policies import DAY, DRIVERS, budget, fee, fixed, ledger_of, mix, policy_of, tiers, uniform

if TYPE_CHECKING:
    import polars as pl

    from outage_analysis.assumptions import Ledger
    from outage_analysis.policies import Policy

DRAWS = 2**11
WEEK, LATER = date(2022, 10, 24), date(2023, 6, 30)


def ranges(table: pl.DataFrame) -> dict[str, list[tuple[float | None, ...]]]:
    """The quantiles of the rows, by step."""
    found: dict[str, list[tuple[float | None, ...]]] = {}
    for step, *quantiles in table.select("step", *QUANTILES).iter_rows():
        found.setdefault(step, []).append(tuple(quantiles))
    return found


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


def test_each_step_has_the_range_of_a_run_with_what_has_changed_so_far() -> None:
    page, raised = policy_of(tiers()), policy_of(tiers(), fee(120))
    first, second = ledger_of(*rates(0.1, 0.3)), ledger_of(*rates(0.2, 0.6))
    table = bridge(BridgeRun(page, first, DAY), BridgeRun(raised, second, DAY), draws=DRAWS)
    schema_of("documents.bridge").check(table)
    start, assumed, whole = (
        quantiles_of(policy, ledger) for policy, ledger in ((page, first), (page, second), (raised, second))
    )
    assert ranges(table) == {
        "start": [start],
        "data": [start],
        "assumption": [assumed],
        "policy": [assumed, whole],  # the fee has a row of its own
        "payments": [whole],
        "method": [whole],
        "end": [whole],
    }
    assert whole[0] > assumed[0] > start[0]


def test_the_expected_steps_do_not_depend_on_the_draws() -> None:
    page = policy_of(tiers(), budget(5_000_000))
    first, second = ledger_of(*rates(0.1, 0.3)), ledger_of(*rates(0.2, 0.6))
    sides = BridgeRun(page, first, DAY), BridgeRun(page, second, DAY)
    without, drawn = bridge(*sides), bridge(*sides, draws=DRAWS)
    steps = ["step", "amount", "total", "what"]
    assert without.select(steps).equals(drawn.select(steps))
    assert without.select(*QUANTILES).null_count().row(0) == (len(without),) * len(QUANTILES)
    assert drawn.select(*QUANTILES).null_count().row(0) == (0, 0, 0)


def test_a_step_without_an_expected_cost_has_no_range() -> None:
    later = policy_of(tiers(published_count="IN-04"))  # the count became public in December
    ledger = ledger_of(*rates(0.1, 0.3))
    table = bridge(BridgeRun(later, ledger, WEEK), BridgeRun(later, ledger, DAY), draws=DRAWS)
    nothing = (None, None, None)
    found = ranges(table)
    assert found["start"] == [nothing]
    assert found["data"][0] == nothing
    assert found["data"][-1] == quantiles_of(later, ledger)


def test_a_line_that_loses_its_cost_leaves_the_range() -> None:
    both, one = policy_of(tiers(), fee(120)), policy_of(tiers())
    ledger = ledger_of(*rates(0.1, 0.3))
    table = bridge(BridgeRun(both, ledger, DAY), BridgeRun(one, ledger, DAY), draws=DRAWS)
    found = ranges(table)
    assert found["start"] == [quantiles_of(both, ledger)]
    assert found["policy"] == [found["start"][0], quantiles_of(one, ledger)]
    assert found["end"] == [quantiles_of(one, ledger)]


def test_correlations_of_the_ledger_widen_the_range() -> None:
    page, loose = policy_of(tiers()), ledger_of(*rates(0.1, 0.3))
    pair = {"of": ("filing-share", "acceptance"), "rank": 0.9, "rationale": "a test"}
    tied = ledger_of(*rates(0.1, 0.3), correlation=(pair,))
    table = bridge(BridgeRun(page, loose, DAY), BridgeRun(page, tied, DAY), draws=DRAWS)
    found = ranges(table)
    assert found["end"] == [quantiles_of(page, tied)]
    assert found["start"] == [quantiles_of(page, loose)]
    before, after = found["start"][0][2], found["end"][0][2]
    assert before is not None
    assert after is not None
    assert after > before
    assert table["amount"].drop_nulls().to_list() == [0] * (len(STEPS) + 1)  # products of means


def test_an_assumption_that_two_lines_state_differently_is_drawn_twice() -> None:
    """One line uses the observed counts and the other does not, under one id: two random variables."""
    prior = {"kind": "acceptance", "distribution": uniform(0.2, 0.9)}
    known = {"kind": "acceptance", "distribution": fixed(0.5)}
    filing = {"kind": "filing_share", "distribution": fixed(1)}
    page = policy_of(fee(100, effort="form"), fee(100, id="other", effort="form"))
    fees = ("fee", "other")
    stage = {}
    for line, acceptance in zip(page.lines, (prior, known), strict=True):
        ledger = ledger_of({**acceptance, "lines": fees}, {**filing, "lines": fees})
        only = page.model_copy(update={"lines": (line,)})
        stage[line.id] = StagedLine(compiled_lines(only, ledger, as_of=DAY), ledger, DAY, 1.0)
    (row,) = stage_ranges([stage], "cash", DRAWS, 1).iter_rows()
    for quantile, rate in zip(row, (0.55, 0.725, 0.83), strict=True):  # of the uniform rate
        assert quantile == pytest.approx(DRIVERS * 100 * (0.5 + rate), rel=0.005)


@pytest.mark.slow
def test_the_case_ends_with_the_figures_of_its_run(policy: Policy, ledger: Ledger) -> None:
    outcome = load_ledger("kakao-2023-06-30")
    sides = BridgeRun(policy, ledger, DAY), BridgeRun(policy, outcome, LATER)
    table = bridge(*sides, draws=DRAWS)
    found = ranges(table)
    assert found["start"] == [quantiles_of(policy, ledger)]
    assert found["end"] == [quantiles_of(policy, outcome, LATER)]
    assert found["data"] == found["start"]
    # The classes of the acceptance changed, and nothing else before the policy: a run with them alone.
    (acceptance,) = (a for a in outcome.assumptions if a.id == "as-acceptance")
    assert isinstance(acceptance, RateAssumption)
    stated = acceptance.model_dump(exclude={"classes", "left_out", "observed"}, exclude_none=True)
    forecast = RateAssumption.model_validate(stated | {"distribution": acceptance.prior, "public_on": DAY})
    entries = tuple(forecast if a.id == "as-acceptance" else a for a in ledger.assumptions)
    changed = ledger.model_copy(update={"assumptions": entries})
    alone = simulate(build_portfolio(policy, changed, as_of=DAY), draws=DRAWS).totals["cash"]
    for value, p in zip(found["assumption"][0], QUANTILES.values(), strict=True):
        estimate = alone.quantile(p)  # of other draws, since one id states two rates in the bridge
        assert value == pytest.approx(estimate.value, abs=4 * estimate.error)
