"""The range that a page recomputes in the browser, compared with the simulation draw by draw."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import Chrome

from outage_analysis.analysis import Analysis, Plan, make_plan, run
from outage_analysis.assumptions import FloatArray
from outage_analysis.charts import slider_asset
from outage_analysis.claims import read_claims
from outage_analysis.costs import Simulation
from outage_analysis.costs.page_model import FEWEST_DRAWS, browser_model
from outage_analysis.costs.simulation import REPLICATES
from tests.chromium import IN_A_BROWSER

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
    """Published counts with a band mix; few claims with shares of delays; many claims with their losses."""
    own = run(Plan(claims=(own_claims,)))
    return {
        "published": analysis.runs["published"],
        "trams": trams.runs[trams.headline_basis],
        "claims": own.runs["claims"],
    }


def test_the_page_has_the_draws_of_the_simulation(runs: dict[str, Simulation]) -> None:
    model = browser_model(runs["published"])
    assert model
    coded = model["inputs"]["as-filing-share"]
    codes = np.frombuffer(base64.b64decode(coded["codes"]), "<u2")
    read = np.interp(codes / 65_535, np.linspace(0, 1, len(coded["table"])), coded["table"])
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
    """A browser with the script of the model."""
    browser.get("about:blank")
    browser.execute_script(slider_asset("live.js") + "window.liveModel = liveModel;")
    return browser


def browser_totals(engine: Chrome, model: dict[str, Any], changes: Changes) -> FloatArray:
    script = "return Array.from(liveModel(arguments[0]).totals(arguments[1], {}))"
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
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "changes"), [(case, changes) for case, several in SETTINGS.items() for changes in several]
)
class TestInABrowser:
    pytestmark = IN_A_BROWSER

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


@pytest.mark.slow
class TestFreeGoods:
    pytestmark = IN_A_BROWSER

    def test_a_capped_good_serves_no_more_than_its_capacity(
        self, engine: Chrome, runs: dict[str, Simulation]
    ) -> None:
        """Face value: take-up of free goods, of which one is limited to the first three million users."""
        model = browser_model(runs["published"], "face_value")
        assert model
        assert any(stream["capacity"] for stream in model["streams"])
        for changes in (NOTHING, {"as-one-tap-take-up": {"set": 0.9}}):
            ours = browser_totals(engine, model, changes)
            theirs = python_totals(runs["published"], model["draws"], "face_value", changes)
            assert ours == pytest.approx(theirs, rel=LARGEST_DIFFERENCE)
