"""The page from a hundred thousand to ten million claims, in one run: `make bench` prints the ratios."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import pytest

from outage_analysis import Plan, load_incident, run
from outage_analysis.reports.html import page
from outage_analysis.reports.report import Report
from outage_analysis.synthetic import load_synthetic, synthetic_chunks, write_synthetic

if TYPE_CHECKING:
    from pathlib import Path

    from outage_analysis.pipeline import Analysis

pytestmark = pytest.mark.bench

FEW, ROUNDS = 1_024, 3
ROWS = (100_000, 1_000_000, 10_000_000)


def analysed(folder: Path, rows: int) -> Analysis:
    """The bundled case with so many synthetic complaints."""
    path = folder / f"{rows}-synthetic.csv"
    chunks = synthetic_chunks(load_synthetic("kakao-2022"), load_incident("kakao-2022"), seed=1, rows=rows)
    write_synthetic(chunks, path, seed=1)
    return run(Plan(claims=(path,), draws=FEW))


def test_the_page_does_not_grow_with_the_claims(tmp_path: Path) -> None:
    sizes, seconds = [], []
    for rows in ROWS:
        analysis = analysed(tmp_path, rows)
        taken = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            text = page(Report(analysis))
            taken.append(time.perf_counter() - start)
        sizes.append(len(text.encode()))
        seconds.append(statistics.median(taken))
        print(f"\n{rows:>10,} claims: {sizes[-1]:,} bytes in {seconds[-1]:.2f} s", end="")
    print(f"\nsize, most over least: {max(sizes) / min(sizes):.4f}; time: {max(seconds) / min(seconds):.2f}")
    assert max(sizes) < 1.02 * min(sizes)
    assert max(sizes) <= 1_500_000
