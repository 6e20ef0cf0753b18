"""The reserve: one figure by measure, the same as on the accounting page, draw by draw with handling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from outage_analysis.analysis import Analysis, Plan, parse_measure, reserve_mean, reserve_scope, run
from outage_analysis.analysis.decisions import reserve_table
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import load_incident
from outage_analysis.reports.accounting import presentation_totals
from outage_analysis.text import Locale, schema_of
from tests.small_policies import DAY, DRIVERS, Page, budget, fee, fixed, ledger_of, policy_of, uniform

WORK = {
    "kind": "handling",
    "people": {"kind": "uniform", "low": 5, "high": 15},
    "weeks": fixed(10),
    "weekly_wage": fixed(50_000),
}
RATES: tuple[Page, ...] = (
    {"kind": "filing_share", "distribution": uniform(0.1, 0.5)},
    {"kind": "acceptance", "distribution": fixed(0.5)},
)
NO_DUTY = {"accounting": {"obligation": "none", "presentation": "expense"}}
DUTY = {"accounting": {"obligation": "constructive", "presentation": "expense"}}
REVENUE = {"accounting": {"obligation": "legal", "presentation": "revenue"}}


def analysis_of(*lines: Page, entries: tuple[Page, ...] = RATES, **ledger: Any) -> Analysis:  # noqa: ANN401 - keys of a page
    """An analysis from published counts."""
    page = ledger_of(*entries, **ledger)
    return run(
        Plan(
            incident=load_incident("kakao-2022"),
            policy=policy_of(*lines),
            ledger=page,
            claims=(),
            as_of=DAY,
            draws=2_048,
        )
    )


def rows_of(analysis: Analysis) -> dict[str, dict[str, Any]]:
    table = reserve_table(analysis)
    assert table is not None
    schema_of("reserve").check(table)
    return {row["measure"]: row for row in table.iter_rows(named=True)}


def test_both_together_are_added_draw_by_draw(analysis: Analysis) -> None:
    """The same draws taken apart and sorted by hand."""
    run, rows = analysis.runs["published"], rows_of(analysis)
    sums = np.zeros(0)
    for block in run.replicates():
        parts = [
            paid.sum(axis=1)
            for term, paid in zip(run.portfolio.terms, block.amounts, strict=True)
            if term.valuation in ("cash", "handling")
        ]
        sums = np.concatenate([sums, np.add(*parts)])
    for measure, p in (("p50", 0.5), ("p75", 0.75), ("p90", 0.9)):
        assert rows[measure]["both"] == pytest.approx(np.quantile(sums, p, method="inverted_cdf"), rel=0.005)
        assert rows[measure]["both"] != rows[measure]["cash"] + rows[measure]["handling"]


def test_a_line_without_an_obligation_is_not_in_the_reserve() -> None:
    found = analysis_of(
        fee(100, **DUTY),
        budget(7_000_000, effort="automatic", **NO_DUTY),
        entries=(WORK | {"lines": ("budget",)},),
    )
    scope = reserve_scope(found)
    assert (scope.counted, scope.handled, scope.not_due) == (("fee",), (), ("budget",))
    rows = rows_of(found)
    assert {row["cash"] for row in rows.values()} == {DRIVERS * 100.0}
    assert {row["handling"] for row in rows.values()} == {None}
    assert found.expected == DRIVERS * 100 + 7_000_000  # the cash of the headline counts both


def test_each_presentation_has_its_part_of_the_reserve() -> None:
    found = analysis_of(fee(100, **DUTY), fee(30, id="credit", **REVENUE), entries=())
    told = presentation_totals(found, Locale("en"))
    assert [f"{DRIVERS * 100:,}" in told[0], f"{DRIVERS * 30:,}" in told[1]] == [True, True]
    assert reserve_mean(found) == DRIVERS * 130


def test_correlated_inputs_give_the_mean_of_the_draws_on_both_pages() -> None:
    pair = {"of": ("filing-share", "acceptance"), "rank": 0.9, "rationale": "a test"}
    entries = (RATES[0], {"kind": "acceptance", "distribution": uniform(0.2, 0.8)})
    found = analysis_of(fee(100, effort="form", **DUTY), entries=entries, correlation=(pair,))
    mean = rows_of(found)["mean"]["cash"]
    assert mean == found.expected
    assert mean > DRIVERS * 100 * 0.3 * 0.5 * 1.02
    (told,) = presentation_totals(found, Locale("en"))
    assert Locale("en").exact_money(mean) in told


def test_the_incremental_cash_of_a_free_good_is_money_to_set_aside() -> None:
    good = {"id": "good", "kind": "in_kind", "recipients": "US-07", "face_value": 900, "incremental_cash": 40}
    taken = {"kind": "take_up", "distribution": fixed(0.5), "lines": ("good",)}
    found = analysis_of(fee(100), good | {"effort": "one_tap"}, entries=(taken,))
    assert reserve_scope(found).counted == ("fee", "good")
    assert rows_of(found)["mean"]["cash"] == DRIVERS * (100 + 20)
    assert rows_of(found)["p50"]["cash"] == pytest.approx(DRIVERS * (100 + 20), rel=0.01)


def test_handling_that_is_not_stated_cannot_be_inside() -> None:
    found = analysis_of(fee(100))
    with pytest.raises(ModelRefused, match="no handling"):
        found.reserve(handling="inside")
    with pytest.raises(UsageError, match="neither inside nor outside"):
        found.reserve(handling="in")


@pytest.mark.parametrize(
    ("text", "measure"), [("mean", "mean"), ("median", "p50"), ("P50", "p50"), ("P75", "p75"), ("p90", "p90")]
)
def test_a_measure_is_read_as_people_write_it(text: str, measure: str) -> None:
    assert parse_measure(text) == measure


@pytest.mark.parametrize(
    ("text", "hint"), [("medain", "Did you mean 'median'"), ("P70", "Did you mean"), (0.75, "Known")]
)
def test_another_measure_is_refused_with_a_hint(text: object, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        parse_measure(text)


def test_without_expected_cash_there_is_no_reserve(analysis: Analysis) -> None:
    none = replace(analysis, runs={})
    assert reserve_table(none) is None
    assert reserve_mean(none) is None
    assert reserve_scope(none).not_due == ("pay-merchant-support",)
    with pytest.raises(ModelRefused, match="a reserve"):
        none.reserve()
