"""How long a search over 1,000 policies takes: from published counts, and from claims with more draws."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import outage_analysis as oa
from outage_analysis.analysis import BudgetSolution
from tests.benchmarks.tables import tell

pytestmark = pytest.mark.bench

LINE = "small-business-cash"
VARY = {f"{LINE}.tier1": range(0, 300_000, 10_000), f"{LINE}.tier2": range(0, 500_000, 15_000)}
MOST_SECONDS = 2.0


def test_a_frontier_of_a_thousand_policies() -> None:
    claims = oa.load_sample("kakao")
    vary = {name: list(values) for name, values in VARY.items()}
    searches: dict[str, Callable[[], BudgetSolution]] = {
        "published counts": lambda: oa.solve(vary=vary, budget=600_000_000),
        "claims": lambda: oa.solve(claims, vary=vary, budget=600_000_000, ledger="kakao-2022"),
    }
    rows: list[dict[str, Any]] = []
    for name, search in searches.items():
        search()  # the imports and the caches of the first search
        start = time.process_time()
        found = search()
        policies, frontier = len(found.search.tried.values), len(found.frontier)
        seconds = time.process_time() - start
        rows.append({"costs from": name, "policies": policies, "frontier": frontier, "seconds": seconds})
    tell("solve", "Time to search 1,000 policies", rows)
    assert all(row["seconds"] < MOST_SECONDS for row in rows)
