"""The search for payments in the browser, compared with `solve` and with all combinations one by one."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from selenium.webdriver import Chrome

from outage_analysis.analysis import Analysis, make_plan, run
from outage_analysis.analysis.solving import BudgetSolution, solve
from outage_analysis.assumptions import FloatArray
from outage_analysis.charts import slider_asset
from outage_analysis.claims import read_claims
from outage_analysis.costs.simulation import Sample, quantile_place
from outage_analysis.files import bundled_claims
from outage_analysis.reports import Report
from outage_analysis.reports.html import sliders
from tests.chromium import IN_A_BROWSER

FIRST, SECOND = "small-business-cash.pays.0", "small-business-cash.pays.1"
STANDARD_ERRORS = 4.0
"""Two estimates from different draws differ by at most this many standard errors."""

Found = dict[str, Any]


@pytest.fixture(scope="module")
def few_claims(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some fifty claims."""
    bundled = bundled_claims("kakao-2022")
    assert bundled
    path = tmp_path_factory.mktemp("few") / "complaints.parquet"
    rows = pl.read_parquet(bundled).drop("synthetic")
    rows.gather_every(max(len(rows) // 50, 1)).write_parquet(path)
    return path


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


@dataclass(frozen=True)
class Case:
    """What is searched for, with budget and step in whole currency.

    `equal` if the payments of the page are those of `solve`. The two have different draws. Where a
    combination costs the budget to within the numerical error, one may allow it and the other not.
    """

    name: str
    vary: tuple[str, ...]
    budget: int
    level: int
    step: int
    equal: bool = True


BOTH = (FIRST, SECOND)
DELAYS = tuple(f"delay-payment.pays.{n}" for n in (1, 2, 3))
TIERS = tuple(f"tiers.pays.{n}" for n in range(3))
CASES = [
    Case("published", BOTH, 650_000_000, 90, 10_000),
    Case("published", BOTH, 60_000_000, 50, 5_000, equal=False),
    Case("published", (SECOND,), 640_000_000, 90, 20_000),
    Case("published", BOTH, 100_000_000, 90, 10_000),  # no payments keep the budget
    Case("published", BOTH, 100_000_000_000, 95, 50_000),  # all payments keep the budget
    Case("claims", TIERS[::2], 40_000_000, 95, 20_000),
    Case("trams", DELAYS[1:], 580, 80, 2),
    Case("few", TIERS[:2], 90_000, 80, 20_000),
]


def solved(case: Case, analysis: Analysis) -> BudgetSolution:
    tiers = [re.sub(r"pays\.(\d+)$", lambda m: f"tier{int(m[1]) + 1}", x) for x in case.vary]
    return solve(
        analysis.plan,
        vary=[",".join(tiers)],
        budget=case.budget,
        at=f"P{case.level}",
        step=case.step,
        objective="per_claim",
    )


def by_factor(parameters: Mapping[str, float], unit: int) -> dict[str, float]:
    return {
        re.sub(r"tier(\d+)$", lambda m: f"pays.{int(m[1]) - 1}", name): value * unit
        for name, value in parameters.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
class TestBesideSolve:
    pytestmark = IN_A_BROWSER

    def test_the_page_finds_what_solve_finds(
        self, engine: Chrome, cases: dict[str, Analysis], pages: dict[str, dict[str, Any]], case: Case
    ) -> None:
        data, level = pages[case.name], case.level / 100
        unit = 10 ** cases[case.name].incident.minor_units
        theirs = solved(case, cases[case.name])
        asked = request_of(
            data, case.vary, budget=case.budget * unit, level=level, step=case.step * unit, monotone=True
        )
        ours = found_in_page(engine, data, asked)
        assert ours["solved"] == theirs.is_feasible
        if case.equal:
            assert ours["payments"] == by_factor(theirs.parameters, unit)
        # The quantile of the page is that of `solve` within the stated errors.
        search = theirs.search
        wanted = [ours["payments"][x] for x in case.vary]
        costs = search.tried.costs
        same = Sample(next(costs.totals(np.array([wanted], dtype=np.int64)))[0]).quantile(level)
        assert page_sample(engine, data, ours["payments"]).quantile(level).value == pytest.approx(
            ours["quantile"]
        )
        error = STANDARD_ERRORS * math.hypot(ours["error"], same.error)
        assert abs(ours["quantile"] - same.value) <= error
        if not theirs.is_feasible:
            assert theirs.search.least_budget == pytest.approx(ours["quantile"], abs=error)
            return
        assert ours["quantile"] <= case.budget * unit
        if not ours["limited"]:
            assert not theirs.search.is_limited
        per_claim = costs.per_claim(np.array([wanted], dtype=np.int64))
        assert per_claim is not None
        best = search.tried.benefits["per_claim"][search.chosen]
        gain = 0.0 if per_claim[0] == pytest.approx(best, rel=1e-9) else float(per_claim[0] - best)
        if gain > 0:  # `solve` finds it just above the budget
            assert 0 < same.value - case.budget * unit <= error
        if gain < 0:  # the page finds the solution of `solve` just above the budget
            other = page_sample(engine, data, by_factor(theirs.parameters, unit)).quantile(level)
            assert 0 < other.value - case.budget * unit <= error


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
