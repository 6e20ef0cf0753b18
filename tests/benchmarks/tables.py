"""A table of one benchmark on stdout, and beside it as JSON under build/bench."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from outage_analysis.files import bundled_claims
from tests.claims.complaint_files import with_broken_rows

FOLDER = Path("build/bench")


def machine() -> str:
    """What a result was measured on."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return f"{os.cpu_count()} cores, {pages * size / 1e9:.0f} GB of memory"


def tell(name: str, title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows of one shape as a table, and write them."""
    columns = list(rows[0])
    cells = [columns, *([_written(row[c]) for c in columns] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
    print(f"\n\n{title} ({machine()})")
    for line in cells:
        padded = (
            text.rjust(width) if at else text.ljust(width)
            for at, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join(padded))
    FOLDER.mkdir(parents=True, exist_ok=True)
    told = {"title": title, "machine": machine(), "rows": rows}
    (FOLDER / f"{name}.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _written(value: object) -> str:
    return (
        f"{value:,.2f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )


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
