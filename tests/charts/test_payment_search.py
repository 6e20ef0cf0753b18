"""The search for payments in the browser, compared with `solve` and with all combinations one by one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import Chrome

from outage_analysis.analysis import Analysis, make_plan, run
from outage_analysis.assumptions import FloatArray
from outage_analysis.charts import slider_asset
from outage_analysis.claims import read_claims
from outage_analysis.costs.simulation import Sample, quantile_place
from outage_analysis.reports import Report
from outage_analysis.reports.html import sliders
from tests.chromium import IN_A_BROWSER

FIRST, SECOND = "small-business-cash.pays.0", "small-business-cash.pays.1"

Found = dict[str, Any]


@pytest.fixture(scope="module")
def cases(analysis: Analysis, trams: Analysis, own_claims: Path, few_claims: Path) -> dict[str, Analysis]:
    """Published counts, many claims and few claims."""
    claims = {"claims": own_claims, "few": few_claims}
    return {"published": analysis, "trams": trams} | {
        name: run(
            make_plan(
                read_claims(path, currency="KRW"),
                tiers={300_000: 30_000, 500_000: 50_000, 2_000_000: 100_000},
                unknown=0,
            )
        )
        for name, path in claims.items()
    }


@pytest.fixture(scope="module")
def pages(cases: dict[str, Analysis]) -> dict[str, dict[str, Any]]:
    """The data that the page of each case has for its sliders."""
    made = {}
    for name, analysis in cases.items():
        panel = sliders(Report(analysis), live=True).sliders
        assert panel
        assert panel.search
        made[name] = panel.data
    return made


@pytest.fixture(scope="module")
def engine(browser: Chrome) -> Chrome:
    """A browser with the scripts of the model and of the search."""
    browser.get("about:blank")
    browser.execute_script(
        "".join(map(slider_asset, ("live.js", "live_search.js")))
        + "window.liveModel = liveModel; window.findPayments = findPayments;"
    )
    return browser


def weight(data: Mapping[str, Any], payment: str) -> float:
    """The expected number of accepted claims that get a payment."""
    return math.fsum(
        math.prod([base, *(data["factors"][f] for f in factors if f != payment)])
        for base, factors in data["terms"]["cash"]
        if payment in factors
    )


def request_of(
    data: Mapping[str, Any], vary: Sequence[str], *, budget: float, level: float, step: int, monotone: bool
) -> dict[str, Any]:
    form = data["live"]["search"]
    return {
        "budget": budget,
        "level": level,
        "step": step,
        "payments": [{**x, "weight": weight(data, x["id"])} for x in form["payments"] if x["id"] in vary],
        "edges": form["edges"],
        "values": {x["id"]: data["factors"][x["id"]] for x in form["payments"]},
        "monotone": monotone,
        "replicates": data["live"]["model"]["replicates"],
    }


def found_in_page(engine: Chrome, data: Mapping[str, Any], request: Mapping[str, Any]) -> Found:
    made: Found = engine.execute_script(
        "return findPayments(liveModel(arguments[0]).parts({}, {}, arguments[2]), arguments[1])",
        data["live"]["model"],
        request,
        [x["id"] for x in request["payments"]],
    )
    return made


def page_sample(engine: Chrome, data: Mapping[str, Any], payments: Mapping[str, float]) -> Sample:
    """The totals of the draws of the page with other payments."""
    model = data["live"]["model"]
    totals = engine.execute_script(
        "return Array.from(liveModel(arguments[0]).totals({}, arguments[1]))", model, payments
    )
    return Sample(np.array(totals).reshape(model["replicates"], -1))


# --- what the page has --------------------------------------------------------------------------------------


def test_the_form_has_the_fixed_payments_and_their_limits(pages: dict[str, dict[str, Any]]) -> None:
    form = pages["published"]["live"]["search"]
    assert [(x["id"], x["largest"]) for x in form["payments"]] == [(FIRST, 300_000), (SECOND, 500_000)]
    # Above the second band claims are reviewed, so no payment there limits it.
    assert form["edges"] == [{"below": 0, "above": FIRST}, {"below": FIRST, "above": SECOND}]


def test_a_payment_that_the_law_fixes_is_not_in_the_form(analysis: Analysis) -> None:
    lines = tuple(
        line.model_copy(update={"statutory": line.id == "small-business-cash"})
        for line in analysis.policy.lines
    )
    policy = analysis.policy.model_copy(update={"lines": lines})
    panel = sliders(Report(replace(analysis, policy=policy)), live=True).sliders
    assert panel
    assert panel.live
    assert panel.search is None


def test_a_report_without_a_payment_that_can_be_searched_has_no_form(analysis: Analysis) -> None:
    """In a workbook or a notebook, sliders have no draws, so there is nothing to search."""
    panel = sliders(Report(analysis)).sliders
    assert panel
    assert panel.search is None


# --- the page beside `solve` --------------------------------------------------------------------------------


BOTH = (FIRST, SECOND)


# --- the page beside all combinations -----------------------------------------------------------------------


def best_of_all(base: FloatArray, counts: Sequence[FloatArray], request: Mapping[str, Any]) -> Found | None:
    """Try all combinations one by one: the largest benefit within the budget, then the smallest quantile."""
    place = quantile_place(request["level"], len(base))
    values = [range(0, int(x["largest"]) + 1, request["step"]) for x in request["payments"]]
    ids = [x["id"] for x in request["payments"]]
    best: tuple[float, float, tuple[int, ...]] | None = None
    for chosen in itertools.product(*values):
        paid = request["values"] | dict(zip(ids, chosen, strict=True))
        if request["monotone"] and any(
            paid.get(edge["below"], edge["below"]) > paid.get(edge["above"], edge["above"])
            for edge in request["edges"]
            if edge["below"] in ids or edge["above"] in ids
        ):
            continue
        total = base + sum(n * x for n, x in zip(chosen, counts, strict=True))
        quantile = float(np.sort(total)[place])
        if quantile > request["budget"]:
            continue
        worth = sum(n * x["weight"] for n, x in zip(chosen, request["payments"], strict=True))
        key = (-float(f"{worth:.10g}"), quantile, chosen)
        best = key if best is None or key < best else best
    return None if best is None else {"payments": dict(zip(ids, best[2], strict=True)), "quantile": best[1]}


@pytest.mark.slow
class TestBesideAllCombinations:
    pytestmark = IN_A_BROWSER

    @pytest.mark.parametrize("monotone", [True, False])
    def test_the_page_finds_the_best_of_all_combinations(self, engine: Chrome, *, monotone: bool) -> None:
        """Small numbers, in which ties, zero counts and budgets that are met exactly are frequent."""
        random, requests = np.random.default_rng(7), []
        for number in range(120):
            draws, varied = int(random.choice([16, 32, 64])), 1 + number % 2
            counts = [random.integers(0, 5, draws) * random.integers(0, 2) for _ in range(varied)]
            ids = [f"line.pays.{n}" for n in range(3)]
            edges = [
                {"below": 0, "above": ids[0]},
                *({"below": a, "above": b} for a, b in itertools.pairwise(ids)),
            ]
            first = int(random.integers(0, 4 - varied))
            request: dict[str, Any] = {
                "budget": float(random.integers(0, 120)),
                "level": float(random.choice([0.5, 0.75, 0.8, 0.9, 0.95])),
                "step": int(random.integers(1, 4)),
                "payments": [
                    {
                        "id": ids[first + n],
                        "largest": int(random.integers(0, 20)),
                        "weight": float(counts[n].mean()),
                    }
                    for n in range(varied)
                ],
                "edges": edges,
                "values": {name: int(random.integers(0, 12)) for name in ids},
                "monotone": monotone,
                "replicates": 4,
            }
            requests.append((random.integers(0, 40, draws).astype(float), counts, request))
        made: list[Found] = engine.execute_script(
            "return arguments[0].map(function (one) {"
            "const base = Float64Array.from(one.base);"
            "return findPayments({base: base, counts: one.counts}, one.request); })",
            [
                {
                    "base": base.tolist(),
                    "counts": {x["id"]: c.tolist() for x, c in zip(request["payments"], counts, strict=True)},
                    "request": request,
                }
                for base, counts, request in requests
            ],
        )
        outcomes = set()
        for (base, counts, request), ours in zip(requests, made, strict=True):
            best = best_of_all(base, [c.astype(float) for c in counts], request)
            outcomes.add(best is None)
            assert bool(ours.get("solved")) == (best is not None), request
            if best is not None:
                assert {k: ours[k] for k in best} == best, request
        assert outcomes == {True, False}
        assert any("excluded" in ours for ours in made) == monotone

    def test_the_error_is_that_of_the_package(self, engine: Chrome, pages: dict[str, dict[str, Any]]) -> None:
        for level in (0.5, 0.9):
            asked = request_of(pages["published"], BOTH, budget=4e8, level=level, step=10_000, monotone=True)
            ours = found_in_page(engine, pages["published"], asked)
            estimate = page_sample(engine, pages["published"], ours["payments"]).quantile(level)
            assert (ours["quantile"], ours["error"]) == pytest.approx((estimate.value, estimate.error))

    def test_a_payment_that_nothing_limits_is_said_to_be_unlimited(self, engine: Chrome) -> None:
        request = {
            "budget": 5.0,
            "level": 0.5,
            "step": 1,
            "payments": [{"id": "a", "largest": None, "weight": 0.1}],
            "edges": [],
            "values": {"a": 1},
            "monotone": True,
            "replicates": 2,
        }
        script = "return findPayments({base: new Float64Array(4), counts: {a: arguments[0]}}, arguments[1])"
        assert engine.execute_script(script, [0, 0, 0, 1], request) == {"unlimited": True}
        assert engine.execute_script(script, [1, 1, 1, 1], request)["payments"] == {"a": 5}
        assert engine.execute_script(script, [0, 0, 0, 1], request | {"budget": -1.0})["solved"] is False
        many = engine.execute_script(script, [1, 1, 1, 1], request | {"budget": 1e6})
        assert many == {"many": 2_000}
