"""Where two copies of a file differ first: in which member, row, key or line; failing that, at which byte."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import PurePosixPath
from typing import Any, TypedDict

import polars as pl

from outage_analysis.errors import InputRefused
from outage_analysis.reports import archives

READ_ERRORS = (ValueError, RecursionError, InputRefused, csv.Error, pl.exceptions.PolarsError, OSError)
"""What a damaged copy of a file may raise; where it differs is then told by the byte."""


class Location(TypedDict, total=False):
    """Where in a file, in the terms of our errors."""

    row: int
    line: int
    column: str


def first_difference(name: str, found: bytes, written: bytes) -> Location:
    """The first place where a file differs from another copy, told as its kind of file allows.

    Args:
        name: of the file.
        found: the copy that may be damaged, or hostile.
        written: the other, which is ours.
    """
    tell = LOCATORS.get(PurePosixPath(name).suffix)
    told: Location = {}
    if tell is not None:
        with suppress(*READ_ERRORS, pl.exceptions.PanicException):
            told = tell(found, written)
    return told or {"column": f"byte {_first_index(found, written) + 1:,}"}


def differing_member(found: dict[str, str], recorded: dict[str, str]) -> Location:
    """The first member of an archive, by name, whose checksum is another or that only one has."""
    names = sorted(found.keys() | recorded.keys())
    other = next((name for name in names if found.get(name) != recorded.get(name)), None)
    return {} if other is None else {"column": other}


def _first_index(found: Sequence[object], written: Sequence[object]) -> int:
    """Where two sequences differ first: at the end of the shorter, if not before."""
    pairs: Iterable[tuple[object, object]] = zip(found, written, strict=False)
    same = min(len(found), len(written))
    return next((n for n, (one, other) in enumerate(pairs) if one != other), same)


def _differing_line(found: bytes, written: bytes) -> Location:
    return {"line": _first_index(found.split(b"\n"), written.split(b"\n")) + 1}


def _archive_location(found: bytes, written: bytes) -> Location:
    return differing_member(archives.member_digests(found), archives.member_digests(written))


def _csv_location(found: bytes, written: bytes) -> Location:
    """The row of a CSV, its header being row 1, and the column, where both agree on those."""
    ours, theirs = (
        list(csv.reader(io.StringIO(d.decode("utf-8-sig"), newline=""), strict=True))
        for d in (written, found)
    )
    row = _first_index(theirs, ours)
    if row >= min(len(ours), len(theirs)):
        return {"row": row + 1}
    column = _first_index(theirs[row], ours[row])
    known = row > 0 and theirs[0] == ours[0] and column < len(ours[0])
    return {"row": row + 1, "column": ours[0][column]} if known else {"row": row + 1}


def _parquet_location(found: bytes, written: bytes) -> Location:
    """The first column of a Parquet that differs, and its first row that does; rows count from 1."""
    ours = pl.read_parquet(io.BytesIO(written))
    scanned = pl.scan_parquet(io.BytesIO(found))
    schema = scanned.collect_schema()
    if list(schema.items()) != list(ours.schema.items()):
        pairs = zip_longest(schema.items(), ours.schema.items())
        one, other = next((a, b) for a, b in pairs if a != b)
        return {"column": (other or one or ("",))[0]}
    if scanned.select(pl.len()).collect().item() != len(ours):
        return {}
    theirs = scanned.collect()
    for name in ours.columns:
        differs = ours[name].ne_missing(theirs[name])
        if differs.any():
            return {"row": (differs.arg_max() or 0) + 1, "column": name}
    return {}


def _json_location(found: bytes, written: bytes) -> Location:
    path = _json_path(json.loads(found), json.loads(written))
    return {"column": " > ".join(path)} if path else {}


def _json_path(found: Any, written: Any) -> list[str]:  # noqa: ANN401 - JSON values have no common type
    """The keys that lead to the first value that differs."""
    if isinstance(found, dict) and isinstance(written, dict):
        names = sorted(found.keys() | written.keys())
        absent = object()
        key = next((k for k in names if found.get(k, absent) != written.get(k, absent)), None)
        inner = _json_path(found.get(key), written.get(key)) if key in found.keys() & written.keys() else []
        return [] if key is None else [key, *inner]
    if isinstance(found, list) and isinstance(written, list):
        place = _first_index(found, written)
        inside = place < min(len(found), len(written))
        return [str(place + 1), *(_json_path(found[place], written[place]) if inside else [])]
    return []


LOCATORS: dict[str, Callable[[bytes, bytes], Location]] = {
    ".csv": _csv_location,
    ".html": _differing_line,
    ".json": _json_location,
    ".parquet": _parquet_location,
    ".pptx": _archive_location,
    ".svg": _differing_line,
    ".toml": _differing_line,
    ".xlsx": _archive_location,
}
"""How the place is told, by the suffix of a file."""
