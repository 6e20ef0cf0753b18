"""The range and the payments that a page finds, beside the simulation and all combinations."""

from __future__ import annotations

import base64
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import Chrome

from outage_analysis.analysis import Analysis, Plan, make_plan, run
from outage_analysis.assumptions import FloatArray
from outage_analysis.charts import WhatIfSliders, slider_asset, what_if_sliders
from outage_analysis.charts.what_if import merged_terms
from outage_analysis.claims import read_claims
from outage_analysis.costs import LiveCost, Simulation, build_portfolio, simulate
from outage_analysis.costs.page_model import FEWEST_DRAWS, LiveInput, Product, browser_model, live_cost
from outage_analysis.costs.simulation import REPLICATES, quantile_place, round_digits
from outage_analysis.reports import Report
from outage_analysis.reports.html import sliders
from outage_analysis.text import TABLE_DIGITS, Locale
from tests.chromium import IN_A_BROWSER
from tests.costs.test_payouts import policy_of, tiers
from tests.costs.uncertain_portfolios import DAY, entry, ledger_of
from tests.loss_cubes import loss_cube

LARGEST_DIFFERENCE = 2e-3
"""Inputs and scores are stored with 16 bits, so a draw differs a little; at an edge, by one claim."""


def python_totals(run_: Simulation, draws: int, valuation: str) -> FloatArray:
    """Return the totals of the draws that the page has."""
    return run_.totals[valuation].values[:, : draws // REPLICATES].ravel()


@pytest.fixture(scope="module")
def runs(analysis: Analysis, trams: Analysis, own_claims: Path) -> dict[str, Simulation]:
    """Published counts with a band mix; few claims with shares of delays; many claims with their losses; and
    a tenth of the losses of 400 claims, of which most are accepted.
    """
    own = run(Plan(claims=(own_claims,)))
    rates = ledger_of(entry("filing_share", 1), entry("acceptance", 0.9))
    losses = loss_cube(range(1_000, 401_000, 1_000), 10**12)
    share = policy_of({"band": tiers([10**12], [{"share": 0.1}, {"fixed": 0}])})
    return {
        "published": analysis.runs["published"],
        "trams": trams.runs[trams.headline_basis],
        "claims": own.runs["claims"],
        "share": simulate(build_portfolio(share, rates, as_of=DAY, cubes=[losses])),
    }


def test_the_page_has_the_draws_of_the_simulation(runs: dict[str, Simulation]) -> None:
    model = browser_model(runs["published"])
    assert model
    coded = model["inputs"]["as-filing-share"]
    codes = np.frombuffer(base64.b64decode(coded["codes"]), "<u2")
    read = coded["most"] * (codes / 65_535) ** 2
    drawn = [block.values["as-filing-share"] for block in runs["published"].replicates()]
    kept = np.concatenate([values[: model["draws"] // REPLICATES] for values in drawn])
    assert len(codes) == model["draws"] >= FEWEST_DRAWS
    assert (np.abs(read / kept - 1) < LARGEST_DIFFERENCE).mean() > 0.995  # but for the extremes
    assert np.quantile(read, [0.1, 0.5, 0.9]) == pytest.approx(np.quantile(kept, [0.1, 0.5, 0.9]), rel=1e-4)


def test_a_page_is_never_too_large_and_payments_that_are_drawn_together_have_no_range(
    runs: dict[str, Simulation], own_claims: Path
) -> None:
    assert all(len(json.dumps(browser_model(simulation))) < 500_000 for simulation in runs.values())
    claims = read_claims(own_claims, currency="KRW")
    together = run(make_plan(claims, tiers={300_000: 50_000, 500_000: 50_000}, unknown=0))
    assert browser_model(together.runs["claims"]) is None


@pytest.fixture(scope="module")
def engine(browser: Chrome) -> Chrome:
    """A browser with the scripts of the model and of the search."""
    browser.get("about:blank")
    browser.execute_script(
        slider_asset("cost_model.js")
        + "Object.assign(window, {costModel, findPayments, binomialCount, normalCdf});"
    )
    return browser


def browser_totals(engine: Chrome, model: Any, **changes: object) -> FloatArray:  # noqa: ANN401 - JSON
    script = "return Array.from(costModel(arguments[0]).totals(arguments[1]))"
    return np.array(engine.execute_script(script, model, changes))


Found = dict[str, Any]
FIRST, SECOND = "small-business-cash.pays.0", "small-business-cash.pays.1"


def best_of_all(base: FloatArray, counts: Sequence[FloatArray], request: Mapping[str, Any]) -> Found | None:
    """The best of all combinations that keep the budget, by trying each."""
    place = quantile_place(request["level"], len(base))
    values = [range(0, int(x["largest"]) + 1, request["step"]) for x in request["payments"]]
    ids = [x["id"] for x in request["payments"]]
    found: list[tuple[float, float, tuple[int, ...]]] = []
    for chosen in itertools.product(*values):
        paid = request["values"] | dict(zip(ids, chosen, strict=True))
        amounts = [
            [paid.get(end, end) for end in (x["below"], x["id"], x["above"]) if end is not None]
            for x in request["payments"]
        ]
        falls = any(each != sorted(each) for each in amounts)
        total = base + sum(n * x for n, x in zip(chosen, counts, strict=True))
        quantile = float(np.sort(total)[place])
        if quantile <= request["budget"] and not falls:
            worth = sum(n * x["weight"] for n, x in zip(chosen, request["payments"], strict=True))
            found.append((-float(f"{worth:.10g}"), quantile, chosen))
    _, quantile, chosen = min(found, default=(0.0, 0.0, ()))
    return {"payments": dict(zip(ids, chosen, strict=True)), "quantile": quantile} if found else None


def asked(random: np.random.Generator, number: int) -> dict[str, Any]:
    """A request with small numbers: ties, zero counts and budgets that are met exactly are frequent."""
    draws, varied, ids = (
        int(random.choice([16, 32, 64])),
        1 + number % 2,
        [f"line.pays.{n}" for n in range(3)],
    )
    first = int(random.integers(0, 4 - varied))
    counts = {
        id_: random.integers(0, 5, draws) * random.integers(0, 2) for id_ in ids[first : first + varied]
    }
    beside = {
        id_: {"below": below, "above": above}
        for below, id_, above in zip([0, *ids[:-1]], ids, [*ids[1:], None], strict=True)
    }
    request = {
        "budget": float(random.integers(0, 120)),
        "level": float(random.choice([0.5, 0.75, 0.8, 0.9, 0.95])),
        "step": int(random.integers(1, 4)),
        "payments": [
            {"id": id_, "largest": int(random.integers(0, 20)), "weight": float(n.mean()), **beside[id_]}
            for id_, n in counts.items()
        ],
        "values": {name: int(random.integers(0, 12)) for name in ids},
        "most_tried": 30,
    }
    base = random.integers(0, 40, draws).astype(float).tolist()
    return {"base": base, "counts": [n.tolist() for n in counts.values()], "request": request}


class TestInTheBrowser:
    pytestmark = IN_A_BROWSER

    @pytest.mark.parametrize("case", ["published", "trams", "claims", "share"])
    def test_the_totals_are_those_of_the_simulation(
        self, engine: Chrome, runs: dict[str, Simulation], case: str
    ) -> None:
        model = browser_model(runs[case])
        assert model
        ours, theirs = browser_totals(engine, model), python_totals(runs[case], model["draws"], "cash")
        assert ours.mean() == pytest.approx(theirs.mean(), rel=1e-4)
        levels = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
        assert np.quantile(ours, levels) == pytest.approx(np.quantile(theirs, levels), rel=1e-3)
        near = np.abs(ours - theirs) <= LARGEST_DIFFERENCE * np.maximum(theirs, 1)
        assert near.mean() > 0.97  # elsewhere a count differs by one
        filing = next(name for name in model["inputs"] if "filing" in name)
        assert not browser_totals(engine, model, **{filing: {"set": 0.0}}).any()

    def test_a_capped_good_serves_no_more_than_its_capacity(
        self, engine: Chrome, runs: dict[str, Simulation]
    ) -> None:
        """Face value: take-up of free goods, of which one is limited to the first three million users."""
        model = browser_model(runs["published"], "face_value")
        assert model
        assert any(term["capacity"] for term in model["terms"])
        theirs = python_totals(runs["published"], model["draws"], "face_value")
        assert browser_totals(engine, model) == pytest.approx(theirs, rel=LARGEST_DIFFERENCE)

    def test_the_page_finds_the_best_of_all_combinations(self, engine: Chrome) -> None:
        random = np.random.default_rng(7)
        questions = [asked(random, number) for number in range(120)]
        made: list[Found] = engine.execute_script(
            "return arguments[0].map(one => findPayments("
            "{base: Float64Array.from(one.base), counts: one.counts}, one.request))",
            questions,
        )
        outcomes = set()
        for one, ours in zip(questions, made, strict=True):
            counts = [np.array(n, dtype=float) for n in one["counts"]]
            best = best_of_all(np.array(one["base"]), counts, one["request"])
            outcomes.add(best is None)
            assert bool(ours.get("solved")) == (best is not None), one
            assert best is None or {k: ours[k] for k in best} == best, one
        assert outcomes == {True, False}
        assert any(ours.get("refused") == "excluded" for ours in made)

    def test_no_more_amounts_are_tried_than_allowed(self, engine: Chrome) -> None:
        beside = {"largest": None, "weight": 1.0, "above": None}
        payments = [{"id": "a", "below": 0, **beside}, {"id": "b", "below": 0, **beside}]
        request = {"budget": 9, "level": 0.5, "step": 1, "values": {}, "payments": payments}
        script = "return findPayments({base: [0], counts: [[1], [1]]}, arguments[0])"
        found = [engine.execute_script(script, request | {"most_tried": most}) for most in (9, 10)]
        assert [ours.get("refused") for ours in found] == ["many", None]

    @pytest.mark.parametrize(
        ("counts", "budget", "found"),
        [
            ([0, 0, 0, 1], 5, {"refused": "unlimited"}),
            ([1, 1, 1, 1], 5, {"payments": {"a": 5}}),
            ([0, 0, 0, 1], -1, {"solved": False}),
            ([1, 1, 1, 1], 1e6, {"payments": {"a": 1_000_000}}),
        ],
    )
    def test_a_payment_that_nothing_limits_is_said_to_be_unlimited(
        self, engine: Chrome, counts: list[int], budget: float, found: Found
    ) -> None:
        request = {"budget": budget, "level": 0.5, "step": 1, "values": {"a": 1}, "most_tried": 9}
        request["payments"] = [{"id": "a", "largest": None, "weight": 0.1, "below": 0, "above": None}]
        script = (
            "const found = findPayments({base: new Float64Array(4), counts: [arguments[0]]}, arguments[1]);"
            "return [found, Object.is(found.payments?.a, -0)]"
        )
        ours, is_minus_0 = engine.execute_script(script, counts, request)
        assert {key: ours[key] for key in found} == found
        assert not is_minus_0  # which a page would write as -0


@pytest.fixture(scope="module")
def page(analysis: Analysis) -> dict[str, Any]:
    """What the page of the bundled case knows of payments."""
    panel = sliders(Report(analysis), live=True).sliders
    assert panel
    assert panel.search
    return panel.data


def test_the_form_has_the_fixed_payments_that_no_law_fixes_and_their_limits(
    analysis: Analysis, page: dict[str, Any]
) -> None:
    form = page["live"]["search"]
    told = [[x[name] for name in ("id", "largest", "below", "above")] for x in form["payments"]]
    assert told == [[FIRST, 300_000, 0, SECOND], [SECOND, 500_000, FIRST, None]]
    lines = tuple(
        line.model_copy(update={"statutory": line.id == "small-business-cash"})
        for line in analysis.policy.lines
    )
    policy = analysis.policy.model_copy(update={"lines": lines})
    panel = sliders(Report(replace(analysis, policies=(policy,))), live=True).sliders
    assert panel
    assert (bool(panel.live), panel.search) == (True, None)


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
