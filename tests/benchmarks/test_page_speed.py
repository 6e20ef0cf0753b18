"""Model, charts and page from a hundred thousand to ten million claims, in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from outage_analysis import Plan, run, write_report
from outage_analysis.analysis import Analysis
from outage_analysis.costs import Simulation, build_portfolio, simulate
from outage_analysis.costs.expected import Portfolio
from outage_analysis.reports import Report
from outage_analysis.reports.html import html_page
from tests.benchmarks.complaints import write_complaints
from tests.benchmarks.tables import tell

pytestmark = pytest.mark.bench

FEW, ROUNDS = 1_024, 3
ROWS = (100_000, 1_000_000, 10_000_000)


def analysed(folder: Path, rows: int) -> Analysis:
    """The bundled case with so many synthetic complaints."""
    path = write_complaints(folder / f"{rows}-synthetic.csv", rows)
    return run(Plan(claims=(path,), draws=FEW))


def modelled(folio: Callable[[], Portfolio]) -> Simulation:
    return simulate(folio(), draws=FEW)


def page_html(found: Analysis) -> str:
    return html_page(Report(found))


def median_seconds(work: Callable[[], object]) -> float:
    """The median of a few runs after one that warms the caches."""
    work()
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def test_model_charts_and_page_do_not_grow_with_the_claims(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = []
    for count in ROWS:
        found = analysed(tmp_path, count)
        paid = [*found.cubes.values()]
        folio = partial(build_portfolio, found.policy, found.ledger, as_of=found.as_of, cubes=paid)
        drawn = partial(write_report, found, tmp_path / "drawn", formats=("svg",), force=True)
        rows.append(
            {
                "claims": count,
                "model s": median_seconds(partial(modelled, folio)),
                "charts s": median_seconds(drawn),
                "page s": median_seconds(partial(page_html, found)),
                "page bytes": len(page_html(found).encode()),
            }
        )
    tell("by-claims", "model, charts and page by claims", rows)
    sizes = [row["page bytes"] for row in rows]
    assert max(sizes) < 1.02 * min(sizes)
    assert max(sizes) <= 1_500_000
