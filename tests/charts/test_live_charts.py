"""Charts that answer: the range, the search and the sliders of the page; linked views of the claims."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import Select
from selenium.webdriver.support.wait import WebDriverWait

from outage_analysis import Incident, Policy, read_claims
from outage_analysis.analysis import Analysis, Plan, make_plan, run
from outage_analysis.assumptions import FloatArray
from outage_analysis.charts import (
    WhatIfSliders,
    chart_context,
    draw,
    render_offline,
    script_bundle,
    slider_asset,
    what_if_sliders,
)
from outage_analysis.costs import LiveCost, Simulation, build_portfolio, simulate
from outage_analysis.costs.page_model import LiveInput, Product, browser_model
from outage_analysis.costs.simulation import REPLICATES, Sample, quantile_place
from outage_analysis.errors import DisclosureBlocked
from outage_analysis.losses import MIN_CLAIMS_PER_CATEGORY, count_combinations, display_bands
from outage_analysis.losses.cube_building import MAX_CATEGORIES
from outage_analysis.reports import Report
from outage_analysis.reports.html import sliders
from outage_analysis.text import Locale
from tests.chromium import IN_A_BROWSER
from tests.conftest import ClaimsCsv, claim_rows
from tests.contract.live_page import cut_network
from tests.costs.test_payouts import policy_of, tiers
from tests.costs.uncertain_portfolios import DAY, entry, ledger_of
from tests.loss_cubes import loss_cube

Changes = Mapping[str, Mapping[str, float]]
LARGEST_DIFFERENCE = 2e-3
"""Inputs and scores are stored with 16 bits, so a draw differs a little; at an edge, by one claim."""


@dataclass(frozen=True, repr=False)
class ChangedSimulation(Simulation):
    """A simulation on the same points, in which some inputs are changed."""

    changes: Changes = field(default_factory=dict)

    def _sampled_inputs(self) -> Iterator[tuple[FloatArray, dict[str, FloatArray]]]:
        for u, values in super()._sampled_inputs():
            yield u, {name: changed(drawn, self.changes.get(name, {})) for name, drawn in values.items()}


def changed(values: FloatArray, change: Mapping[str, float]) -> FloatArray:
    """Set an input to a value, multiply it, or multiply its odds."""
    if "set" in change:
        return np.full_like(values, change["set"])
    if "odds" in change:
        return np.asarray(change["odds"] * values / (1 - values + change["odds"] * values))
    return values * change.get("times", 1.0)


def python_totals(run_: Simulation, draws: int, valuation: str, changes: Changes) -> FloatArray:
    """Return the totals of the draws that the page has."""
    simulation = ChangedSimulation(
        run_.portfolio, run_.process, run_.draws, run_.seed, run_.rank, changes=changes
    )
    return simulation.totals[valuation].values[:, : draws // REPLICATES].ravel()


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


@pytest.mark.slow
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


def browser_totals(engine: Chrome, model: dict[str, Any], changes: Changes) -> FloatArray:
    script = "return Array.from(costModel(arguments[0]).totals(arguments[1]))"
    return np.array(engine.execute_script(script, model, changes))


NOTHING: Changes = {}
SETTINGS: dict[str, list[Changes]] = {
    "published": [
        NOTHING,
        {"as-filing-share": {"set": 0.001}},
        {"as-filing-share": {"set": 1.0}, "as-acceptance": {"set": 1.0}},
        {"as-filing-share": {"odds": 4.0}, "as-review-award": {"times": 1.5}},
        {"as-filing-share": {"set": 0.0}},
    ],
    "trams": [NOTHING, {"trams-filing-share": {"odds": 0.2}}, {"trams-acceptance": {"set": 1.0}}],
    "claims": [NOTHING, {"as-acceptance": {"odds": 3.0}}, {"as-filing-share": {"set": 0.5}}],
    "share": [NOTHING],
}


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

    @pytest.mark.parametrize(
        ("case", "changes"), [(case, changes) for case, several in SETTINGS.items() for changes in several]
    )
    def test_the_totals_are_those_of_the_simulation(
        self, engine: Chrome, runs: dict[str, Simulation], case: str, changes: Changes
    ) -> None:
        model = browser_model(runs[case])
        assert model
        ours = browser_totals(engine, model, changes)
        theirs = python_totals(runs[case], model["draws"], "cash", changes)
        assert ours.mean() == pytest.approx(theirs.mean(), rel=1e-4)
        levels = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
        assert np.quantile(ours, levels) == pytest.approx(np.quantile(theirs, levels), rel=1e-3)
        near = np.abs(ours - theirs) <= LARGEST_DIFFERENCE * np.maximum(theirs, 1)
        assert near.mean() > 0.97  # elsewhere a count differs by one

    def test_a_capped_good_serves_no_more_than_its_capacity(
        self, engine: Chrome, runs: dict[str, Simulation]
    ) -> None:
        """Face value: take-up of free goods, of which one is limited to the first three million users."""
        model = browser_model(runs["published"], "face_value")
        assert model
        assert any(term["capacity"] for term in model["terms"])
        for changes in (NOTHING, {"as-one-tap-take-up": {"set": 0.9}}):
            ours = browser_totals(engine, model, changes)
            theirs = python_totals(runs["published"], model["draws"], "face_value", changes)
            assert ours == pytest.approx(theirs, rel=LARGEST_DIFFERENCE)

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

    def test_the_quantile_is_that_of_the_totals_with_these_payments(
        self, engine: Chrome, page: dict[str, Any]
    ) -> None:
        form, model = page["live"]["search"], page["live"]["model"]
        payments = [x | {"weight": 1.0} for x in form["payments"]]
        values = {x["id"]: page["factors"][x["id"]] for x in payments}
        request: dict[str, Any] = {"payments": payments, "values": values}
        request |= {"budget": 4e8, "step": 10_000, "most_tried": form["most_tried"]}
        for level in (0.5, 0.9):
            ours, totals = engine.execute_script(
                "const live = costModel(arguments[0]), ids = arguments[1].payments.map(x => x.id);"
                "const found = findPayments(live.parts({}, ids), arguments[1]);"
                "const pays = Object.entries(found.payments).map(([id, set]) => [id, {set}]);"
                "return [found, Array.from(live.totals(Object.fromEntries(pays)))]",
                model,
                request | {"level": level},
            )
            estimate = Sample(np.array(totals).reshape(REPLICATES, -1)).quantile(level)
            assert ours["quantile"] == pytest.approx(estimate.value)

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
    panel = sliders(Report(analysis), live=True)[0]
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
    panel = sliders(Report(replace(analysis, policies=(policy,))), live=True)[0]
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
    groups = {title: [s["factor"] for s in group] for title, group in sliders_of(case_terms).groups.items()}
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
    sliders = {s["factor"]: s for group in sliders_of(case_terms, lang).groups.values() for s in group}
    told = {id_: tuple(s[x] for x in ("value", "unit", "times", "per")) for id_, s in sliders.items()}
    assert told["as-filing-share"] == ("32.93", "%", 1, 100)
    assert told["as-review-award"] == award
    assert sliders["as-filing-share"]["most"] == "100"
    assert sliders["talk-drawer.served"]["most"] == "6.25"  # first come, first served


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
    assert float(slider["value"]) <= float(slider["most"])
    shown = (slider["label"], slider["value"], slider["most"])
    assert all(wanted in ("", found) for wanted, found in zip((label, value, most), shown, strict=True))


def test_what_has_the_same_factors_is_one_term() -> None:
    factors = (LiveInput("f", "filing_share", "share", 0.5, 0.0, 1.0),)
    terms = tuple(Product("line", "cash", float(n), ("f",), service=f"s{n}") for n in range(1, 101))
    made = sliders_of(LiveCost(factors, terms))
    assert made.data["terms"] == {"cash": [(5050.0, ("f",))]}
    assert made.data["report"] == {"cash": 2525.0}


# --- the tables -------------------------------------------------------------------------------------------


def test_combinations_stop_at_the_as_of_day(
    claims_csv: ClaimsCsv, incident: Incident, policy: Policy
) -> None:
    path = claims_csv([{"filed_on": f"2022-10-{day}"} for day in (19, 20, 21)])
    table = count_combinations(
        read_claims(path, incident), bands=display_bands(policy.cuts), until=date(2022, 10, 20)
    )
    assert table.select("filed_on", "claims").rows() == [(date(2022, 10, 19), 1), (date(2022, 10, 20), 1)]


def categories(regions: Iterable[str], claims_csv: ClaimsCsv, incident: Incident) -> dict[str | None, int]:
    """The claims of each category, beside their service, where these are the regions of all claims."""
    table = count_combinations(
        read_claims(claims_csv([{"region": region} for region in regions]), incident),
        bands=display_bands(()),
        dimension="region",
    )
    named = table.filter(pl.col("dimension").is_not_null())
    return dict(named.group_by("category").agg(pl.col("claims").sum()).rows())


def test_rare_texts_are_counted_together_so_that_the_tables_do_not_grow(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    regions = [f"r{n:02}" for n in range(MAX_CATEGORIES + 2)]
    common: dict[str | None, int] = dict.fromkeys(regions[:-2], MIN_CLAIMS_PER_CATEGORY)
    found = categories([*regions * MIN_CLAIMS_PER_CATEGORY, ""], claims_csv, incident)
    assert found == {**common, "": 2 * MIN_CLAIMS_PER_CATEGORY, None: 1}


def test_a_text_that_too_few_claims_have_is_not_reported(claims_csv: ClaimsCsv, incident: Incident) -> None:
    few = ["Attic, 12 Mill Lane"] * (MIN_CLAIMS_PER_CATEGORY - 1)
    found = categories(["Leeds"] * MIN_CLAIMS_PER_CATEGORY + few, claims_csv, incident)
    assert found == {"Leeds": MIN_CLAIMS_PER_CATEGORY, "": MIN_CLAIMS_PER_CATEGORY - 1}


@pytest.mark.parametrize("few", [["a"] * 9, [f"{n} Mill Lane" for n in range(MIN_CLAIMS_PER_CATEGORY + 1)]])
def test_texts_that_most_claims_have_to_themselves_are_left_out(
    claims_csv: ClaimsCsv, incident: Incident, few: list[str]
) -> None:
    common = ["Leeds"] * MIN_CLAIMS_PER_CATEGORY if len(few) > MIN_CLAIMS_PER_CATEGORY else []
    assert categories(few + common, claims_csv, incident) == {}


def test_personal_data_in_the_texts_are_refused(claims_csv: ClaimsCsv, incident: Incident) -> None:
    received = read_claims(claims_csv([{"region": "Hong, 010-1234-5678"}]), incident)
    with pytest.raises(DisclosureBlocked):
        count_combinations(received, bands=display_bands(()), dimension="region")


# --- the views --------------------------------------------------------------------------------------------

TOLD: list[tuple[str, str, str, str]] = 10 * [
    ("카톡", "Seoul", "2022-10-19", "0"),
    ("카톡", "Seoul", "2022-10-19", "300000"),
    ("카톡", "Seoul", "2022-10-20", "300001"),
    ("카톡", "Busan", "2022-10-20", ""),
    ("카톡", "Busan", "2022-10-21", "70000"),
    ("카톡", "", "2022-10-21", "70000"),
    ("카카오 T", "Seoul", "2022-10-19", "2000000"),
    ("카카오 T", "Busan", "2022-10-20", "100000"),
    ("카카오 T", "Busan", "2022-10-22", "500000"),
    ("카카오뱅크", "Seoul", "2022-10-22", "500000"),
]
"""Service, region, day and loss of each claim; ten are alike, or regions would not be told."""
SERVICES = {"카톡": "KakaoTalk", "카카오 T": "Kakao T", "카카오뱅크": "Kakao Bank"}
Bars = dict[str, int]


def named(service: str, region: str, day: str, loss: str) -> tuple[str, str, str, str]:
    """A claim by the names that the views give to its service, band, day and region."""
    bands = {0: "no loss (0)", 100_000: "up to 100k", 300_000: "100–300k", 500_000: "300–500k"}
    above = (name for top, name in bands.items() if loss and int(loss) <= top)
    band = next(above, "over 1m") if loss else "not stated"
    return SERVICES[service], band, f"{int(day[-2:])} Oct", region or "unknown"


def kept(*chosen: str, apart: int | None = None) -> list[tuple[str, str, str, str]]:
    """The claims that hold a chosen name in every view in which names are chosen, but for one view."""
    rows = [named(*row) for row in TOLD]
    taken = [{row[view] for row in rows} & set(chosen) for view in range(4)]
    return [r for r in rows if all(v == apart or not t or r[v] in t for v, t in enumerate(taken))]


def counted(*chosen: str) -> Bars:
    """What the bars of all views say when these are chosen, by plain Python: a view ignores its own."""
    names = {(view, named(*row)[view]) for row in TOLD for view in range(4)}
    return {name: sum(r[view] == name for r in kept(*chosen, apart=view)) for view, name in names}


@pytest.fixture(scope="module")
def told_table(tmp_path_factory: pytest.TempPathFactory, incident: Incident, policy: Policy) -> pl.DataFrame:
    path = tmp_path_factory.mktemp("told") / "claims.csv"
    keys = ("service", "region", "filed_on", "loss")
    rows = claim_rows([dict(zip(keys, row, strict=True)) for row in TOLD], incident)
    pl.DataFrame(rows).write_csv(path)
    return count_combinations(
        read_claims(path, incident), bands=display_bands(policy.cuts), dimension="region"
    )


def drawing(table: pl.DataFrame, incident: Incident, *, synthetic: bool = False) -> dict[str, Any]:
    frame = chart_context(
        incident, Locale("en"), incident.display_names("en"), date(2022, 10, 30), synthetic=synthetic
    )
    chart = draw("linked", table, frame)
    assert chart is not None
    spec: dict[str, Any] = chart.to_dict()
    return spec


class Views:
    """The drawing in a browser: what its bars and its heading say, and a pointer over them."""

    def __init__(self, driver: Chrome, page: Path) -> None:
        """Open a page and wait until it is drawn."""
        self.driver = driver
        driver.get(page.as_uri())
        self.shows()

    def shows(self, *chosen: str) -> None:
        """Wait for the heading of what is chosen; every bar then counts it but for its own view."""
        count = len(kept(*chosen))
        told = "All claims: 100" if count == 100 else f"{count} of 100 claims selected ({count}.0%)"
        heading = "return (document.querySelector('.mark-text text') || {}).textContent"
        WebDriverWait(self.driver, 10).until(lambda browser: browser.execute_script(heading) == told)
        bars = "return [...document.querySelectorAll('path[aria-label]')].map(p => p.ariaLabel)"
        said = [str(text).rpartition(": ") for text in self.driver.execute_script(bars)]
        assert {name: int(number) for name, _, number in said} == counted(*chosen)

    def press(self, name: str, *, more: bool = False) -> None:
        """Click a bar, or shift-click it to choose more or less."""
        pointer, bar = ActionChains(self.driver), f'path[aria-label^="{name}: "]'
        pointer = pointer.key_down(Keys.SHIFT) if more else pointer
        pointer.click(self.driver.find_element("css selector", bar)).key_up(Keys.SHIFT).perform()

    def release(self) -> None:
        bar = self.driver.find_element("css selector", 'path[aria-label^="Kakao Bank: "]')
        ActionChains(self.driver).double_click(bar).perform()
        self.shows()


@pytest.fixture
def views(browser: Chrome, told_table: pl.DataFrame, incident: Incident, tmp_path: Path) -> Views:
    markup = render_offline(drawing(told_table, incident))["text/html"]
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset='utf-8'><body>{script_bundle()}{markup}</body>", "utf-8")
    cut_network(browser)
    return Views(browser, page)


@pytest.mark.browser
def test_what_is_chosen_in_one_view_or_list_is_what_the_others_count(views: Views) -> None:
    bands = ["up to 100k", "100–300k", "300–500k"]
    for number, band in enumerate(bands):
        views.press(band, more=number > 0)
    views.shows(*bands)
    views.release()
    # A click elsewhere takes the place of a choice; a shift-click adds to it, and takes away.
    for name, more, chosen in (
        ("Seoul", False, ["Seoul"]),
        ("Busan", False, ["Busan"]),
        ("unknown", True, ["Busan", "unknown"]),
        ("Busan", True, ["unknown"]),
    ):
        views.press(name, more=more)
        views.shows(*chosen)
    views.release()
    found = views.driver.find_elements("css selector", ".vega-bind")
    lists = {e.text.split(":")[0]: Select(e.find_element("tag name", "select")) for e in found}
    assert list(lists) == ["Service", "Day filed", "Region", "Loss band"]
    lists["Service"].select_by_visible_text("Kakao T")
    views.shows("Kakao T")
    for number, band in enumerate(bands):
        views.press(band, more=number > 0)
    views.shows(*bands, "Kakao T")
    lists["Loss band"].select_by_visible_text("over 1m")  # in place of the three
    lists["Region"].select_by_visible_text("Seoul")
    views.shows("over 1m", "Kakao T", "Seoul")
    views.press("Kakao Bank")  # which lets go of its list
    views.shows("over 1m", "Kakao Bank", "Seoul")
    assert lists["Service"].first_selected_option.text == "All claims"
    lists["Loss band"].select_by_index(0)
    views.shows("Kakao Bank", "Seoul")
    views.release()
    assert {chooser.first_selected_option.text for chooser in lists.values()} == {"All claims"}
    assert views.driver.get_log("browser") == []  # type: ignore[no-untyped-call]
