"""From complaint files to a cube, beside scripts written by hand, and against the number of rows.

Each contender runs in a process of its own, in turn, several times; a line is a ratio of medians.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from outage_analysis import Plan, load_incident, read_claims, run, write_report
from outage_analysis.costs import build_portfolio, simulate
from outage_analysis.reports import Report
from outage_analysis.reports.html import html_page
from tests.benchmarks.tables import tell, write_complaints

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


COMMAND = [sys.executable, "-m", "outage_analysis"]


def test_from_a_command_to_its_answer(tmp_path: Path) -> None:
    report = [*COMMAND, "report", "--formats", "html,csv", "--force", "--out", str(tmp_path / "report")]
    contenders = {
        "python itself": [sys.executable, "-c", "pass"],
        "import outage_analysis": [sys.executable, "-c", "import outage_analysis"],
        "--help": [*COMMAND, "--help"],
        "cost": [*COMMAND, "cost"],
        "report, html and tables": report,
    }
    # As where it is installed: with its modules compiled.
    environment = {**os.environ, "NO_COLOR": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(8):
        for name, words in contenders.items():
            begun = time.perf_counter()
            subprocess.run(words, capture_output=True, check=True, env=environment)
            taken[name].append(time.perf_counter() - begun)
    middle = {name: statistics.median(found[1:]) for name, found in taken.items()}  # the first one warms
    bare = middle["python itself"]
    rows = [
        {"what": name, "seconds": seconds, "less python": seconds - bare, "/ python": seconds / bare}
        for name, seconds in middle.items()
    ]
    tell("start", "from a command to its answer, warm", rows)
    assert (tmp_path / "report" / "report.html").is_file()


FEW = 1_024


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
    for count in (100_000, 1_000_000, 10_000_000):
        path = write_complaints(tmp_path / f"{count}-synthetic.csv", count)
        found = run(Plan(claims=(path,), draws=FEW))
        paid = [*found.cubes.values()]
        folio = partial(build_portfolio, found.policy, found.ledger, as_of=found.as_of, cubes=paid)
        model = partial(lambda build: simulate(build(), draws=FEW), folio)
        drawn = partial(write_report, found, tmp_path / "drawn", formats=("svg",), force=True)
        page = partial(lambda analysis: html_page(Report(analysis)), found)
        rows.append(
            {
                "claims": count,
                "model s": median_seconds(model),
                "charts s": median_seconds(drawn),
                "page s": median_seconds(page),
                "page bytes": len(page().encode()),
            }
        )
    tell("by-claims", "model, charts and page by claims", rows)
    sizes = [row["page bytes"] for row in rows]
    assert max(sizes) < 1.02 * min(sizes)
    assert max(sizes) <= 1_500_000


WAYS: dict[str, tuple[str, Callable[[pl.DataFrame, Path], object]]] = {
    "all cells quoted": ("quoted-synthetic.csv", lambda texts, to: texts.write_csv(to, quote_style="always")),
    "JSON lines": ("synthetic.jsonl", pl.DataFrame.write_ndjson),
    "Parquet": ("synthetic.parquet", pl.DataFrame.write_parquet),
}
"""Ways to write the same rows: a name, and how."""


def test_ways_to_write_a_file_against_a_plain_one(tmp_path: Path) -> None:
    incident, plain = (
        load_incident("kakao-2022"),
        write_complaints(tmp_path / "synthetic-plain.csv", 1_050_000),
    )
    bare = median_seconds(partial(read_claims, plain, incident))
    rows = [{"file": "plain", "seconds": bare, "/ plain": 1.0}]
    for way, (name, write) in WAYS.items():
        path = tmp_path / name
        write(pl.read_csv(plain, infer_schema=False), path)
        taken = median_seconds(partial(read_claims, path, incident))
        rows.append({"file": way, "seconds": taken, "/ plain": taken / bare})
        assert len(read_claims(path, incident)) == len(read_claims(plain, incident))
    tell("ways", "reading 1.05 million rows", rows)
