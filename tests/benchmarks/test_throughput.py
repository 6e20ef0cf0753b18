"""Files that are quoted, and files that are made: ratios measured in one run; nothing here asserts a time."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import polars as pl
import pytest

from outage_analysis import load_incident, read_claims
from outage_analysis.synthetic import load_synthetic, synthesise, synthetic_chunks, write_synthetic
from tests.benchmarks.tables import tell
from tests.benchmarks.test_page_speed import median_seconds

pytestmark = pytest.mark.bench


def claims_file(folder: Path, copies: int) -> Path:
    """The synthetic complaints, several times over with ids of their own."""
    incident = load_incident("kakao-2022")
    one = synthesise(load_synthetic("kakao-2022"), incident, seed=1)
    own_id = [pl.format(f"{n}-{{}}", "claim_id").alias("claim_id") for n in range(copies)]
    many = pl.concat([one.with_columns(i) for i in own_id])
    path = folder / f"synthetic-{copies}.csv"
    many.write_csv(path)
    return path


def test_a_quoted_file_against_a_plain_one(tmp_path: Path) -> None:
    plain, quoted = claims_file(tmp_path, 10), tmp_path / "quoted-synthetic.csv"
    pl.read_csv(plain, infer_schema=False).write_csv(quoted, quote_style="always")
    incident = load_incident("kakao-2022")
    marked, bare = (median_seconds(partial(read_claims, path, incident)) for path in (quoted, plain))
    rows = [{"file": "all quoted", "seconds": marked, "/ plain": marked / bare}]
    tell("quoted", "reading 1.05 million rows", [*rows, {"file": "plain", "seconds": bare, "/ plain": 1.0}])
    assert len(read_claims(quoted, incident)) == len(read_claims(plain, incident))


def test_synthetic_rows_in_a_stream_against_writing_them(tmp_path: Path) -> None:
    page, incident, rows = load_synthetic("kakao-2022"), load_incident("kakao-2022"), 5_000_000
    path, again = tmp_path / "synthetic.csv", tmp_path / "again.csv"

    def ours() -> None:
        write_synthetic(synthetic_chunks(page, incident, seed=1, rows=rows), path, seed=1)

    stream = median_seconds(ours)
    frame = pl.read_csv(path)
    writing = median_seconds(lambda: frame.write_csv(again))
    told = [{"what": "synth", "seconds": stream, "/ writing": stream / writing}]
    tell(
        "synth",
        "five million synthetic rows",
        [*told, {"what": "writing", "seconds": writing, "/ writing": 1.0}],
    )
    assert len(frame) == rows
