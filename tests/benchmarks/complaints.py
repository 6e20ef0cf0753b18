"""Many complaints: the bundled synthetic ones again and again, each with ids of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from outage_analysis.files import bundled_claims
from tests.claims.broken_rows import with_broken_rows


def write_complaints(path: Path, rows: int, *, broken: bool = False) -> Path:
    """Write a CSV or Parquet file with so many rows; if asked, one in a hundred breaks a rule."""
    frames = (with_broken_rows(f, every=100)[0] if broken else f for f in _frames(rows))
    if path.suffix == ".csv":
        with path.open("wb") as file:
            for number, frame in enumerate(frames):
                frame.write_csv(file, include_header=number == 0)
    else:
        first = next(frames)
        source = register_io_source(lambda *_: chain([first], frames), schema=first.schema)
        source.sink_parquet(path, row_group_size=500_000)
    return path


def _frames(rows: int) -> Iterator[pl.DataFrame]:
    bundled = bundled_claims("kakao-2022")
    assert bundled is not None
    frame = pl.read_parquet(bundled)
    for start in range(0, rows, len(frame)):
        ids = [pl.format("{}-{}", pl.lit(start), c).alias(c) for c in ("claim_id", "claimant_id")]
        yield frame.head(rows - start).with_columns(ids)
