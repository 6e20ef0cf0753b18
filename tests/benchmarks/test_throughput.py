"""Ratios measured in one run: `make bench` prints them; nothing here asserts a time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import polars as pl
import pytest

from outage_analysis import Plan, build_cube, load_incident, load_policy, read_claims, run, write_report
from outage_analysis.synthetic import load_synthetic, synthesise, synthetic_chunks, write_synthetic

pytestmark = pytest.mark.bench

ROUNDS = 3


def median_seconds(work: Callable[[], object]) -> float:
    """The median of a few runs after one that warms the caches."""
    work()
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def claims_file(folder: Path, copies: int) -> Path:
    """The synthetic complaints, several times over with ids of their own."""
    incident = load_incident("kakao-2022")
    one = synthesise(load_synthetic("kakao-2022"), incident, seed=1)
    own_id = [pl.format(f"{n}-{{}}", "claim_id").alias("claim_id") for n in range(copies)]
    many = pl.concat([one.with_columns(i) for i in own_id])
    path = folder / f"synthetic-{copies}.csv"
    many.write_csv(path)
    return path


def test_ingest_to_cube_against_a_bare_scan(tmp_path: Path) -> None:
    path = claims_file(tmp_path, 10)
    incident, policy = load_incident("kakao-2022"), load_policy("kakao-2022")

    def ours() -> object:
        return build_cube(read_claims(path, incident), policy=policy)

    def floor() -> object:
        scan = "select service, claimant_type, count(*), sum(loss::bigint) from read_csv(?, all_varchar=true)"
        return duckdb.connect().execute(f"{scan} group by all", [str(path)]).fetchall()

    mine, bare = median_seconds(ours), median_seconds(floor)
    print(f"\ningest to cube, 1.05 M rows: {mine:.2f} s, bare scan {bare:.2f} s, ratio {mine / bare:.1f}")
    assert build_cube(read_claims(path, incident), policy=policy).claims == 1_051_160


def test_a_file_read_by_row_against_a_plain_one(tmp_path: Path) -> None:
    plain, quoted = claims_file(tmp_path, 10), tmp_path / "quoted-synthetic.csv"
    pl.read_csv(plain, infer_schema=False).write_csv(quoted, quote_style="always")
    incident = load_incident("kakao-2022")
    by_row, by_engine = (median_seconds(partial(read_claims, path, incident)) for path in (quoted, plain))
    ratio = by_row / by_engine
    print(f"\nreading 1.05 M rows, all quoted: {by_row:.2f} s, plain {by_engine:.2f} s, ratio {ratio:.1f}")
    assert len(read_claims(quoted, incident)) == len(read_claims(plain, incident))


def test_synthetic_rows_in_a_stream_against_writing_them(tmp_path: Path) -> None:
    page, incident, rows = load_synthetic("kakao-2022"), load_incident("kakao-2022"), 5_000_000
    path, again = tmp_path / "synthetic.csv", tmp_path / "again.csv"

    def ours() -> None:
        write_synthetic(synthetic_chunks(page, incident, seed=1, rows=rows), path, seed=1)

    stream = median_seconds(ours)
    frame = pl.read_csv(path)
    writing = median_seconds(lambda: frame.write_csv(again))
    rate = rows / stream / 1e6
    print(f"\nsynth, 5 M rows: {stream:.1f} s ({rate:.1f} M rows/s), ratio {stream / writing:.1f} to writing")
    assert len(frame) == rows


def test_the_report_does_not_grow_with_the_claims(tmp_path: Path) -> None:
    timings, pages = {}, {}
    for copies in (1, 10):
        analysis = run(Plan(claims=(claims_file(tmp_path, copies),)))
        out = tmp_path / f"report-{copies}"
        timings[copies] = median_seconds(partial(write_report, analysis, out, force=True))
        pages[copies] = (out / "report.html").stat().st_size
    ratio = timings[10] / timings[1]
    print(f"\nreport at 1.05 M rows over report at 0.1 M rows: {ratio:.2f} ({timings[10]:.2f} s)")
    assert pages[10] < pages[1] * 1.01
