"""The linked charts of ten million claims in a browser: how long a step of a selection takes."""

from __future__ import annotations

import json
import shutil
import statistics
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from outage_analysis import load_incident, load_policy, read_claims
from outage_analysis.analysis import combination_counts
from outage_analysis.charts import chart_context, draw, script_json, vega_bundle
from outage_analysis.text import Locale
from tests.benchmarks.complaints import write_complaints
from tests.benchmarks.tables import tell
from tests.chromium import CHROMIUM, DRIVER, FLAGS, IN_A_BROWSER

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.bench, *IN_A_BROWSER]

ROWS = (100_000, 10_000_000)
MOST = 100
"""Milliseconds that a step may take."""
REPETITIONS = 7
"""How often all steps are repeated. The shortest time of a step leaves out other work of the computer."""
STEP = """
const [steps, done] = arguments;
const look = () => window.view ? go() : setTimeout(look, 20);
const held = key => ({unit: '', fields: [{field: 'key', type: 'E'}], values: [key]});
const go = async () => {
  const taken = [];
  for (const [store, keys] of steps) {
    const start = performance.now();
    view.data(store, keys.map(held));
    await view.runAsync();
    taken.push(performance.now() - start);
  }
  const bars = [...document.querySelectorAll('path[aria-label]')].map(bar => bar.ariaLabel);
  done([taken, document.querySelector('.mark-text text').textContent, bars]);
};
look();
"""
"""Sets selections as the pointer does, and waits until everything is drawn."""
DAYS: list[tuple[str, list[int]]] = [("first_1_store", list(range(3, last))) for last in range(4, 12)]
STEPS: list[tuple[str, list[int]]] = [
    ("first_1_store", [2]), *DAYS, ("first_0_store", [0]), ("first_3_store", [1, 2, 3, 4]),
    ("first_2_store", [0, 1]), *DAYS, ("first_0_store", [0, 1, 2]), ("first_1_store", []),
    ("first_3_store", []), ("first_0_store", []),
]  # fmt: skip


def counts(folder: Path, rows: int) -> pl.DataFrame:
    incident = load_incident("kakao-2022")
    path = write_complaints(folder / f"{rows}-synthetic.csv", rows)
    return combination_counts(read_claims(path, incident), load_policy("kakao-2022"))


def test_a_step_of_a_selection_takes_no_longer_for_ten_million_claims(tmp_path: Path) -> None:
    incident = load_incident("kakao-2022")
    names, day = incident.display_names("en"), incident.claims_to
    context = chart_context(incident, Locale("en"), names, day, synthetic=True)
    options = ChromeOptions()
    options.binary_location = CHROMIUM or shutil.which("chromium") or ""
    for flag in (*FLAGS, "--window-size=900,1400", f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    told: list[dict[str, Any]] = []
    driver = Chrome(options=options, service=Service(DRIVER))
    try:
        driver.set_script_timeout(120)
        for rows in ROWS:
            table = counts(tmp_path, rows)
            chart = draw("linked", table, context)
            assert chart is not None
            spec = script_json(chart.to_dict())
            page = tmp_path / f"{rows}.html"
            script = (
                f"vegaEmbed('#v', {spec}, {{ast: true, renderer: 'svg'}}).then(r => window.view = r.view)"
            )
            page.write_text(
                "<!doctype html><meta charset='utf-8'><div id='v'></div>"
                f"<script>{vega_bundle()}</script><script>{script}</script>",
                "utf-8",
            )
            driver.get(page.as_uri())
            rounds = []
            for _ in range(REPETITIONS):
                taken, heading, _bars = driver.execute_async_script(STEP, STEPS)
                rounds.append(taken)
            kept = table.filter(pl.col("category").is_in(_commonest(table, 2)))["claims"].sum()
            assert heading.startswith(f"{kept:,} of {rows:,} claims selected")
            shortest = [min(times) for times in zip(*rounds, strict=True)]
            slowest = max(range(len(STEPS)), key=shortest.__getitem__)
            told.append(
                {
                    "claims": rows,
                    "combinations": len(table),
                    "median ms": statistics.median(ms for taken in rounds for ms in taken),
                    "slowest of all ms": max(ms for taken in rounds for ms in taken),
                    "slowest step": _name(slowest),
                    "its minimum ms": shortest[slowest],
                    f"minimum / {MOST} ms": shortest[slowest] / MOST,
                    "chart bytes": len(json.dumps(chart.to_dict()).encode()),
                }
            )
    finally:
        driver.quit()
    tell("linked", "a step of a selection in linked charts", told)
    assert told[-1]["its minimum ms"] < MOST


def _name(step: int) -> str:
    store, keys = STEPS[step]
    return f"{step}: {store} = {keys}"


def _commonest(table: pl.DataFrame, most: int) -> list[str]:
    totals = table.filter(pl.col("category") != "").group_by("category").agg(pl.col("claims").sum())
    return totals.sort("claims", descending=True)["category"].head(most).to_list()
