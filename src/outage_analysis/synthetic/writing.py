"""A synthetic file, written in a stream."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO

import polars as pl

from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.placing import file_in_place
from outage_analysis.synthetic import chunks
from outage_analysis.synthetic.dirt import may_be_uneven, uneven

SLICE = 20_000
"""Broken rows and those about them that are held as text at once."""


def write_synthetic(rows: pl.DataFrame | Iterable[pl.DataFrame], path: str | Path, *, seed: int) -> None:
    """Write the rows as CSV or Parquet, whole or not at all; equal rows give equal bytes.

    Args:
        rows: one frame, or frames of the same columns in their order.
        path: the file, replaced if it is there.
        seed: what the metadata of a Parquet file says it was made from.

    Raises:
        UsageError: a file name that does not say that it is synthetic, or of another suffix.
        EnvironmentFailed: the file cannot be written.
    """
    path = Path(path)
    if "synthetic" not in path.name.lower() or path.suffix not in {".csv", ".parquet"}:
        raise UsageError(
            "is no file name for synthetic complaints",
            file=path.name,
            remedy="Name it as in kakao-2022-synthetic.csv or kakao-2022-synthetic.parquet.",
        )
    frames = iter([rows] if isinstance(rows, pl.DataFrame) else rows)
    try:
        with file_in_place(path) as part, part.open("wb") as file:
            if path.suffix == ".csv":
                _write_csv(frames, file)
            else:
                _write_parquet(frames, file, {"synthetic": "true", "seed": str(seed)})
    except pl.exceptions.ComputeError as error:  # a full disk is this or an OSError, by the format
        raise EnvironmentFailed(f"cannot be written: {error}", file=path) from error


def _write_csv(frames: Iterator[pl.DataFrame], file: IO[bytes]) -> None:
    for number, frame in enumerate(frames):
        if may_be_uneven(frame):
            for part, piece in enumerate(frame.iter_slices(SLICE)):
                text = io.BytesIO()
                piece.write_csv(text, include_header=number + part == 0)
                file.write(uneven(text.getvalue()))
        else:
            frame.write_csv(file, include_header=number == 0)


def _write_parquet(frames: Iterator[pl.DataFrame], file: IO[bytes], marks: dict[str, str]) -> None:
    from polars.io.plugins import register_io_source

    first = next(frames)
    source = register_io_source(lambda *_: chain([first], frames), schema=first.schema)
    source.sink_parquet(file, row_group_size=chunks.CHUNK, metadata=marks)
