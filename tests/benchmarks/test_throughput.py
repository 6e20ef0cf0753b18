"""Ways to write the same file: ratios measured in one run; nothing here asserts a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from outage_analysis import load_incident, read_claims
from tests.benchmarks.complaints import write_complaints
from tests.benchmarks.tables import tell
from tests.benchmarks.test_page_speed import median_seconds

pytestmark = pytest.mark.bench


WAYS: dict[str, tuple[str, Callable[[Path, Path], object]]] = {
    "all cells quoted": ("quoted-synthetic.csv", lambda p, to: _texts(p).write_csv(to, quote_style="always")),
    "JSON lines": ("synthetic.jsonl", lambda p, to: _texts(p).write_ndjson(to)),
    "Parquet": ("synthetic.parquet", lambda p, to: _texts(p).write_parquet(to)),
}
"""Ways to write the same rows: a name, and how."""


def _texts(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


def test_ways_to_write_a_file_against_a_plain_one(tmp_path: Path) -> None:
    incident, plain = (
        load_incident("kakao-2022"),
        write_complaints(tmp_path / "synthetic-plain.csv", 1_050_000),
    )
    bare = median_seconds(partial(read_claims, plain, incident))
    rows = [{"file": "plain", "seconds": bare, "/ plain": 1.0}]
    for way, (name, write) in WAYS.items():
        path = tmp_path / name
        write(plain, path)
        taken = median_seconds(partial(read_claims, path, incident))
        rows.append({"file": way, "seconds": taken, "/ plain": taken / bare})
        assert len(read_claims(path, incident)) == len(read_claims(plain, incident))
    tell("ways", "reading 1.05 million rows", rows)
