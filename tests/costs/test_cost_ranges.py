"""Likely ranges of each kind of cost and each line, against closed forms and the lines drawn alone."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from scipy import stats

from outage_analysis.assumptions.distributions import Lognormal, Uniform
from outage_analysis.costs import simulate
from outage_analysis.costs.expected import Portfolio
from outage_analysis.costs.simulation_tables import cost_ranges
from outage_analysis.costs.terms import Term
from outage_analysis.text import schema_of
from tests.costs.uncertain_portfolios import entry, term_of

DISTRIBUTIONS = {"f": Uniform(low=0, high=2), "g": Lognormal(median=1, sigma=0.5)}


def term(line: str, valuation: str, amount: float, name: str) -> Term:
    return term_of(1, amount, line=line, valuation=valuation, scales=(name,), certain=True)


COSTS = pl.DataFrame(
    [
        ("a", "face_value", "line", 3e6, "F-1 F-2"),
        ("b", "face_value", "line", 5e6, "F-2"),
        ("c", "top_down", "line", None, "F-3"),
        ("a", "cash", "line", 9e6, "F-4"),
    ],
    schema=["line", "valuation", "level", "promised", "facts"],
    orient="row",
)


def ranges(**arguments: Any) -> pl.DataFrame:  # noqa: ANN401 - the level
    terms = (
        term("a", "face_value", 1e6, "f"),
        term("b", "face_value", 2e6, "f"),  # the same input: the quantiles of both add up
        term("c", "top_down", 1e6, "g"),
        term("a", "cash", 4e6, "g"),
    )
    run = simulate(
        Portfolio(
            terms,
            {
                name: entry("realised_ratio", distribution, id=name)
                for name, distribution in DISTRIBUTIONS.items()
            },
        )
    )
    return cost_ranges(run, COSTS, **arguments)


def test_ranges_of_lines_and_totals_are_those_of_their_distributions() -> None:
    table = ranges()
    assert table.schema == schema_of("cost_ranges").dtypes
    assert table.select("valuation", "line").rows() == [
        ("face_value", ""),
        ("face_value", "a"),
        ("face_value", "b"),
        ("top_down", ""),
        ("top_down", "c"),
        ("cash", ""),
        ("cash", "a"),
    ]
    uniform, lognormal = stats.uniform(0, 2), stats.lognorm(0.5)
    scales = [
        (3e6, uniform),
        (1e6, uniform),
        (2e6, uniform),
        *[(1e6, lognormal)] * 2,
        *[(4e6, lognormal)] * 2,
    ]
    for row, (scale, oracle) in zip(table.iter_rows(named=True), scales, strict=True):
        for column, p in (("range_low", 0.1), ("p50", 0.5), ("range_high", 0.9)):
            assert row[column] == pytest.approx(scale * oracle.ppf(p), rel=0.02)
        assert row["expected"] == pytest.approx(scale * oracle.mean(), rel=1e-9)


def test_only_list_prices_and_announced_totals_are_announced_and_only_if_all_are() -> None:
    announced = dict(ranges().select(pl.concat_str("valuation", "line", separator="/"), "announced").rows())
    assert announced == {
        "face_value/": 8e6,
        "face_value/a": 3e6,
        "face_value/b": 5e6,
        "top_down/": None,
        "top_down/c": None,
        "cash/": None,
        "cash/a": None,  # what every report would cost was not announced
    }


def test_the_level_moves_both_ends_and_facts_are_cited_once() -> None:
    wide, usual = ranges(level=90), ranges()
    assert (wide["range_low"] < usual["range_low"]).all()
    assert (wide["range_high"] > usual["range_high"]).all()
    assert wide["p50"].equals(usual["p50"])
    assert usual["facts"][0] == "F-1 F-2"
