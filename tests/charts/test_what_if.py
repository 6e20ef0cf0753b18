"""The expected cost as sums of products, and the sliders made of it: the model itself is the measure."""

from __future__ import annotations

import math

import pytest

from outage_analysis.analysis import Analysis
from outage_analysis.charts import WhatIfSliders, what_if_sliders
from outage_analysis.charts.sliders.what_if import merged_terms
from outage_analysis.costs import LiveCost
from outage_analysis.costs.page_model import LiveInput, Product, live_cost
from outage_analysis.costs.simulation_tables import round_digits
from outage_analysis.reports import Report
from outage_analysis.text import TABLE_DIGITS, Locale

TIER = "small-business-cash.pays.0"


@pytest.fixture(scope="module")
def case_terms(analysis: Analysis) -> LiveCost:
    """The products of the bundled case."""
    made = Report(analysis).products
    assert made
    return made


def sliders_of(found: LiveCost | None, lang: str = "en") -> WhatIfSliders:
    made = what_if_sliders(found, Locale(lang), {})
    assert made
    return made


# --- the sliders -------------------------------------------------------------------------------------------


def test_every_input_that_is_decided_or_doubted_has_a_slider(case_terms: LiveCost) -> None:
    groups = {title: [s.factor for s in group] for title, group in sliders_of(case_terms).groups.items()}
    assert groups == {
        "Expected cash cost": [
            *("as-filing-share", "as-acceptance", TIER, "small-business-cash.pays.1", "as-review-award")
        ],
        "Free goods, at list price": [
            *("as-channel-credit-take-up", "as-one-tap-take-up", "talk-drawer.served")
        ],
        "Announced only as a total": ["as-paid-services-ratio"],
    }


@pytest.mark.parametrize(
    ("lang", "award"), [("en", ("374000", "won", 1, 1)), ("ko", ("37.4", "만 원", 10_000, 1))]
)
def test_a_slider_speaks_the_unit_that_a_person_reads(
    case_terms: LiveCost, lang: str, award: tuple[str, str, int, int]
) -> None:
    sliders = {s.factor: s for group in sliders_of(case_terms, lang).groups.values() for s in group}
    told = {id_: (s.value, s.unit, s.times, s.per) for id_, s in sliders.items()}
    assert told["as-filing-share"] == ("32.93", "%", 1, 100)
    assert told["as-review-award"] == award
    assert sliders["as-filing-share"].most == "100"
    assert sliders["talk-drawer.served"].most == "6.25"  # first come, first served


def test_where_nothing_is_decided_or_paid_there_are_no_sliders() -> None:
    handling = LiveInput("h", "handling", "money", 1e6, 0.0, 2e6)
    idle = LiveInput("as-filing", "filing_share", "share", 0.2, 0.0, 1.0)
    undecided = LiveCost((handling,), (Product("line", "handling", 1.0, ("h",)),))
    for found in (None, undecided, LiveCost((idle,), ())):
        assert what_if_sliders(found, Locale("en"), {}) is None


@pytest.mark.parametrize(
    ("factor", "label", "value", "most"),
    [
        (LiveInput("f", "pays", "money", 5e4, 0.0, 5e5, line="a", over=0), "a: payment for any loss", "", ""),
        (LiveInput("f", "take_up", "share", 0.01, 0.0, 0.062567), "", "", "6.25"),  # never more than it is
        (LiveInput("f", "take_up", "share", 0.12346, 0.0, 0.12346, line="a"), "", "12.34", "12.34"),
    ],
)
def test_a_slider_says_what_it_moves_within_its_bounds(
    factor: LiveInput, label: str, value: str, most: str
) -> None:
    made = sliders_of(LiveCost((factor,), (Product("a", "cash", 1_000.0, ("f",)),)))
    ((slider,),) = made.groups.values()
    assert float(slider.value) <= float(slider.most)
    shown = (slider.label, slider.value, slider.most)
    assert all(wanted in ("", found) for wanted, found in zip((label, value, most), shown, strict=True))


def test_what_has_the_same_factors_is_one_term() -> None:
    factors = (LiveInput("f", "filing_share", "share", 0.5, 0.0, 1.0),)
    terms = tuple(Product("line", "cash", float(n), ("f",), service=f"s{n}") for n in range(1, 101))
    made = sliders_of(LiveCost(factors, terms))
    assert made.data["terms"] == {"cash": [(5050.0, ("f",))]}
    assert made.data["report"] == {"cash": 2525.0}


def test_the_sliders_of_many_claims_need_no_more_than_those_of_a_count(
    case_terms: LiveCost, analysis: Analysis
) -> None:
    of_claims = live_cost(analysis.runs["synthetic"].portfolio)
    assert of_claims
    cash = merged_terms(of_claims)["cash"]
    assert len(of_claims.terms) > 6 * len(cash)
    assert len(cash) == len(merged_terms(case_terms)["cash"]) == 3
    values = {f.id: f.value for f in of_claims.factors}
    total = sum(base * math.prod(values[f] for f in ids) for base, ids in cash)
    assert round_digits(total, TABLE_DIGITS) == of_claims.expected("cash")
