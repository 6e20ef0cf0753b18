"""The search for payments in the browser, compared with `solve` and with all combinations one by one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import Chrome

from outage_analysis.analysis import Analysis
from outage_analysis.assumptions import FloatArray
from outage_analysis.charts import slider_asset
from outage_analysis.costs.simulation import Sample, quantile_place
from outage_analysis.reports import Report
from outage_analysis.reports.html import sliders
from tests.chromium import IN_A_BROWSER

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
        falls = any(
            paid.get(edge["below"], edge["below"]) > paid.get(edge["above"], edge["above"])
            for edge in request["edges"]
            if {edge["below"], edge["above"]} & {*ids}
        )
        total = base + sum(n * x for n, x in zip(chosen, counts, strict=True))
        quantile = float(np.sort(total)[place])
        if quantile <= request["budget"] and not (request["monotone"] and falls):
            worth = sum(n * x["weight"] for n, x in zip(chosen, request["payments"], strict=True))
            found.append((-float(f"{worth:.10g}"), quantile, chosen))
    _, quantile, chosen = min(found, default=(0.0, 0.0, ()))
    return {"payments": dict(zip(ids, chosen, strict=True)), "quantile": quantile} if found else None


def asked(random: np.random.Generator, number: int, *, monotone: bool) -> dict[str, Any]:
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
    request = {
        "budget": float(random.integers(0, 120)),
        "level": float(random.choice([0.5, 0.75, 0.8, 0.9, 0.95])),
        "step": int(random.integers(1, 4)),
        "payments": [
            {"id": id_, "largest": int(random.integers(0, 20)), "weight": float(n.mean())}
            for id_, n in counts.items()
        ],
        "edges": [{"below": a, "above": b} for a, b in itertools.pairwise([0, *ids])],
        "values": {name: int(random.integers(0, 12)) for name in ids},
        "monotone": monotone,
        "replicates": 4,
    }
    base = random.integers(0, 40, draws).astype(float).tolist()
    return {"base": base, "counts": {id_: n.tolist() for id_, n in counts.items()}, "request": request}


@pytest.mark.slow
class TestInABrowser:
    pytestmark = IN_A_BROWSER

    @pytest.mark.parametrize("monotone", [True, False])
    def test_the_page_finds_the_best_of_all_combinations(self, engine: Chrome, *, monotone: bool) -> None:
        random = np.random.default_rng(7)
        questions = [asked(random, number, monotone=monotone) for number in range(120)]
        made: list[Found] = engine.execute_script(
            "return arguments[0].map(one => findPayments("
            "{base: Float64Array.from(one.base), counts: one.counts}, one.request))",
            questions,
        )
        outcomes = set()
        for one, ours in zip(questions, made, strict=True):
            counts = [np.array(n, dtype=float) for n in one["counts"].values()]
            best = best_of_all(np.array(one["base"]), counts, one["request"])
            outcomes.add(best is None)
            assert bool(ours.get("solved")) == (best is not None), one
            assert best is None or {k: ours[k] for k in best} == best, one
        assert outcomes == {True, False}
        assert any("excluded" in ours for ours in made) == monotone

    def test_the_error_is_that_of_the_package(self, engine: Chrome, page: dict[str, Any]) -> None:
        form, model = page["live"]["search"], page["live"]["model"]
        payments = [x | {"weight": 1.0} for x in form["payments"]]
        values = {x["id"]: page["factors"][x["id"]] for x in payments}
        request = {"payments": payments, "values": values, "edges": form["edges"], "monotone": True}
        request |= {"budget": 4e8, "step": 10_000, "replicates": model["replicates"]}
        for level in (0.5, 0.9):
            ours, totals = engine.execute_script(
                "const live = liveModel(arguments[0]), ids = arguments[1].payments.map(x => x.id);"
                "const found = findPayments(live.parts({}, {}, ids), arguments[1]);"
                "return [found, Array.from(live.totals({}, found.payments))]",
                model,
                request | {"level": level},
            )
            estimate = Sample(np.array(totals).reshape(model["replicates"], -1)).quantile(level)
            assert (ours["quantile"], ours["error"]) == pytest.approx((estimate.value, estimate.error))

    @pytest.mark.parametrize(
        ("counts", "budget", "found"),
        [
            ([0, 0, 0, 1], 5, {"unlimited": True}),
            ([1, 1, 1, 1], 5, {"payments": {"a": 5}}),
            ([0, 0, 0, 1], -1, {"solved": False}),
            ([1, 1, 1, 1], 1e6, {"many": 2_000}),
        ],
    )
    def test_a_payment_that_nothing_limits_is_said_to_be_unlimited(
        self, engine: Chrome, counts: list[int], budget: float, found: Found
    ) -> None:
        request = {"budget": budget, "level": 0.5, "step": 1, "values": {"a": 1}, "edges": []}
        request |= {"monotone": True, "replicates": 2}
        request["payments"] = [{"id": "a", "largest": None, "weight": 0.1}]
        script = "return findPayments({base: new Float64Array(4), counts: {a: arguments[0]}}, arguments[1])"
        ours = engine.execute_script(script, counts, request)
        assert {key: ours[key] for key in found} == found


@pytest.fixture(scope="module")
def page(analysis: Analysis) -> dict[str, Any]:
    """What the page of the bundled case knows of payments."""
    panel = sliders(Report(analysis), live=True).sliders
    assert panel
    assert panel.search
    return panel.data


@pytest.fixture(scope="module")
def engine(browser: Chrome) -> Chrome:
    """A browser with the scripts of the model and of the search."""
    browser.get("about:blank")
    browser.execute_script(
        "".join(map(slider_asset, ("live.js", "live_search.js")))
        + "window.liveModel = liveModel; window.findPayments = findPayments;"
    )
    return browser


def test_the_form_has_the_fixed_payments_that_no_law_fixes_and_their_limits(
    analysis: Analysis, page: dict[str, Any]
) -> None:
    form = page["live"]["search"]
    assert [(x["id"], x["largest"]) for x in form["payments"]] == [(FIRST, 300_000), (SECOND, 500_000)]
    assert form["edges"] == [{"below": 0, "above": FIRST}, {"below": FIRST, "above": SECOND}]
    lines = tuple(
        line.model_copy(update={"statutory": line.id == "small-business-cash"})
        for line in analysis.policy.lines
    )
    policy = analysis.policy.model_copy(update={"lines": lines})
    panel = sliders(Report(replace(analysis, policy=policy)), live=True).sliders
    assert panel
    assert (bool(panel.live), panel.search) == (True, None)
