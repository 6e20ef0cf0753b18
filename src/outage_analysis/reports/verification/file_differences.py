"""Find the first difference between two copies of a file: row, line, key, archive member or byte."""

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
"""Exceptions from reading a damaged file; the first differing byte is then reported."""


class Location(TypedDict, total=False):
    """A location in a file, as keyword arguments for `OutageAnalysisError`."""

    row: int
    line: int
    column: str


def first_difference(name: str, checked: bytes, written: bytes) -> Location:
    """Return the first location at which two copies of a file differ, such as the row in a CSV file.

    Args:
        name: the name of the file.
        checked: the content of the copy to check, which may be damaged or hostile.
        written: the content of the copy that the rebuild wrote.
    """
    locate = LOCATORS.get(PurePosixPath(name).suffix)
    location: Location = {}
    if locate is not None:
        with suppress(*READ_ERRORS, pl.exceptions.PanicException):
            location = locate(checked, written)
    return location or {"column": f"byte {_first_index(checked, written) + 1:,}"}


def differing_member(checked: dict[str, str], recorded: dict[str, str]) -> Location:
    """Return the name of the first file inside a zip archive that differs or is missing in one copy.

    The arguments are the checksums of the files in each copy, by file name.
    """
    names = sorted(checked.keys() | recorded.keys())
    other = next((name for name in names if checked.get(name) != recorded.get(name)), None)
    return {} if other is None else {"column": other}


def _first_index(checked: Sequence[object], written: Sequence[object]) -> int:
    """Return the first index at which two sequences differ.

    If one sequence is the beginning of the other, the index is the length of the shorter sequence.
    """
    pairs: Iterable[tuple[object, object]] = zip(checked, written, strict=False)
    same = min(len(checked), len(written))
    return next((n for n, (one, other) in enumerate(pairs) if one != other), same)


def _differing_line(checked: bytes, written: bytes) -> Location:
    return {"line": _first_index(checked.split(b"\n"), written.split(b"\n")) + 1}


def _archive_location(checked: bytes, written: bytes) -> Location:
    return differing_member(archives.member_digests(checked), archives.member_digests(written))


def _csv_location(checked: bytes, written: bytes) -> Location:
    ours, theirs = (
        list(csv.reader(io.StringIO(d.decode("utf-8-sig"), newline=""), strict=True))
        for d in (written, checked)
    )
    row = _first_index(theirs, ours)
    if row >= min(len(ours), len(theirs)):
        return {"row": row + 1}
    column = _first_index(theirs[row], ours[row])
    known = row > 0 and theirs[0] == ours[0] and column < len(ours[0])
    return {"row": row + 1, "column": ours[0][column]} if known else {"row": row + 1}


def _parquet_location(checked: bytes, written: bytes) -> Location:
    ours = pl.read_parquet(io.BytesIO(written))
    scanned = pl.scan_parquet(io.BytesIO(checked))
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


def _json_location(checked: bytes, written: bytes) -> Location:
    path = _json_path(json.loads(checked), json.loads(written))
    return {"column": " > ".join(path)} if path else {}


def _json_path(checked: Any, written: Any) -> list[str]:  # noqa: ANN401 - JSON values have no common type
    """Return the path of keys to the first value at which two JSON documents differ."""
    if isinstance(checked, dict) and isinstance(written, dict):
        names = sorted(checked.keys() | written.keys())
        absent = object()
        key = next((k for k in names if checked.get(k, absent) != written.get(k, absent)), None)
        inner = (
            _json_path(checked.get(key), written.get(key)) if key in checked.keys() & written.keys() else []
        )
        return [] if key is None else [key, *inner]
    if isinstance(checked, list) and isinstance(written, list):
        place = _first_index(checked, written)
        inside = place < min(len(checked), len(written))
        return [str(place + 1), *(_json_path(checked[place], written[place]) if inside else [])]
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
"""File suffix -> the function that locates the first difference."""
