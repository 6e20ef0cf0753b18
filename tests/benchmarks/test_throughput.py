"""Files that are quoted, and files that are made: ratios measured in one run; nothing here asserts a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from outage_analysis import load_incident, read_claims
from outage_analysis.claims import load_synthetic
from outage_analysis.claims.synthetic.rows import synthesise
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


def _with_blank_lines(plain: Path, path: Path) -> None:
    """Ends of lines of both kinds, and a blank line after every two thousand rows."""
    with plain.open("rb") as lines, path.open("wb") as written:
        for number, line in enumerate(lines):
            end = b"\r\n" if number % 2 else b"\n"
            written.write(line.rstrip(b"\n") + end + (end if number % 2_000 == 0 else b""))


WAYS: dict[str, tuple[str, Callable[[Path, Path], object]]] = {
    "all cells quoted": ("quoted-synthetic.csv", lambda p, to: _texts(p).write_csv(to, quote_style="always")),
    "blank lines, two ends": ("blank-synthetic.csv", _with_blank_lines),
    "one field more, empty": (
        "wide-synthetic.csv",
        lambda p, to: to.write_bytes(p.read_bytes().replace(b"\n", b",\n").replace(b",\n", b"\n", 1)),
    ),
    "JSON lines": ("synthetic.jsonl", lambda p, to: _texts(p).write_ndjson(to)),
    "Parquet": ("synthetic.parquet", lambda p, to: _texts(p).write_parquet(to)),
}
"""Ways to write the same rows: a name, and how."""


def _texts(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


def test_ways_to_write_a_file_against_a_plain_one(tmp_path: Path) -> None:
    incident, plain = load_incident("kakao-2022"), claims_file(tmp_path, 10)
    bare = median_seconds(partial(read_claims, plain, incident))
    rows = [{"file": "plain", "seconds": bare, "/ plain": 1.0}]
    for way, (name, write) in WAYS.items():
        path = tmp_path / name
        write(plain, path)
        taken = median_seconds(partial(read_claims, path, incident))
        rows.append({"file": way, "seconds": taken, "/ plain": taken / bare})
        assert len(read_claims(path, incident)) == len(read_claims(plain, incident))
    tell("ways", "reading 1.05 million rows", rows)
