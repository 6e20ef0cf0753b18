"""From complaint files to a cube, beside scripts written by hand, and against the number of rows.

Each contender runs in a process of its own, in turn, several times; a line is a ratio of medians.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.complaints import write_complaints
from tests.benchmarks.tables import tell

pytestmark = pytest.mark.bench

ROUNDS = 3
ROWS = 10_000_000
STEPS = (1_000_000, 10_000_000, int(os.environ.get("BENCH_ROWS", "100_000_000")))
"""BENCH_ROWS makes the largest file smaller: 100 million rows are 9 GB."""
MEMORY = 4_000
"""Megabytes within which the largest file is read."""
NEAR = 1e-3
"""Scripts may judge so small a share of rows otherwise: a blank as an id, a row that lacks its last cells."""


def measured(name: str, path: Path, **environment: str) -> dict[str, Any]:
    """Seconds, peak memory and counts of one contender, from a process of its own."""
    words = [sys.executable, "-m", "tests.benchmarks.rivals", name, str(path)]
    done = subprocess.run(
        words, capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("name", "broken", "rivals"),
    [
        ("clean-synthetic.csv", False, ("ours", "staged", "one_pass", "floor", "pandas")),
        ("broken-synthetic.csv", True, ("ours", "staged", "one_pass", "floor")),
        # pandas reads Parquet by pyarrow, so its time would not be its own.
        ("clean-synthetic.parquet", False, ("ours", "staged", "one_pass", "floor")),
    ],
)
def test_ten_million_rows_to_a_cube(
    tmp_path: Path, name: str, *, broken: bool, rivals: tuple[str, ...]
) -> None:
    path = write_complaints(tmp_path / name, ROWS, broken=broken)
    runs: dict[str, list[dict[str, Any]]] = {rival: [] for rival in rivals}
    for _ in range(ROUNDS):
        for rival in rivals:
            runs[rival].append(measured(rival, path))
    middle = {r: statistics.median(run["seconds"] for run in found) for r, found in runs.items()}
    rows = [
        {
            "contender": rival,
            "seconds": middle[rival],
            "ours / it": middle["ours"] / middle[rival],
            "peak MB": max(run["peak_mb"] for run in found),
            "claims": found[0]["claims"],
            "rejects": found[0]["rejects"],
        }
        for rival, found in runs.items()
    ]
    size = path.stat().st_size / 1e6
    tell(f"ingest-{path.name}", f"{ROWS:,} rows to a cube, {name} of {size:,.0f} MB", rows)
    assert runs["ours"][0]["claims"] == ROWS
    for rival in set(rivals) - {"floor"}:
        assert runs[rival][0]["claims"] == pytest.approx(ROWS, rel=NEAR)


def test_time_and_memory_by_rows(tmp_path: Path) -> None:
    rows, first = [], None
    for count in STEPS:
        path = write_complaints(tmp_path / f"{count}-synthetic.csv", count)
        rounds = ROUNDS if count <= ROWS else 1
        runs = [measured("ours", path, BENCH_MEMORY="3GB") for _ in range(rounds)]
        path.unlink()
        seconds = statistics.median(run["seconds"] for run in runs)
        per_million = seconds / count * 1e6
        first = per_million if count == ROWS else first
        peak = max(run["peak_mb"] for run in runs)
        ratio = float("nan") if first is None else per_million / first
        rows.append(
            {
                "rows": count,
                "seconds": seconds,
                "a million": per_million,
                "/ that of 10 M": ratio,
                "peak MB": peak,
            }
        )
        assert peak < MEMORY
    tell("ingest-by-rows", "time and peak memory by rows, CSV, --memory 3GB", rows)
