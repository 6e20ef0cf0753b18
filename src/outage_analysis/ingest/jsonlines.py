"""JSON lines -> staged rows: one object a line, its keys the headers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

import polars as pl

from outage_analysis.decoding import TextFile
from outage_analysis.errors import InputRefused
from outage_analysis.ingest.staging import BATCH, Shape, Staging

NESTED = "a value is a list or an object"
Cells = dict[str, str | None]
Line = tuple[int, int, int, "Cells | str"]
"""Row, byte offset, byte length, and the object's cells or what is wrong with it."""


def read_jsonlines(staging: Staging, text: TextFile) -> Shape:
    """Stage a text of JSON lines; a line that is no flat object is unreadable.

    Raises:
        InputRefused: no object in it has a needed key.
    """
    with text.path.open(encoding="utf-8-sig") as stream:
        if stream.readline().strip() in ("[", "{", "[{"):
            raise InputRefused("is no JSON lines", file=staging.name, remedy="Write one object a line.")
    headers = list(dict.fromkeys(k for line in _lines(text) if isinstance(line[3], dict) for k in line[3]))
    mapping = staging.mapping(headers, None)
    keys = {column: headers[at] for column, at in mapping.items()}
    batch: list[Line] = []
    for line in _lines(text):
        batch.append(line)
        if len(batch) == BATCH:
            _stage(staging, batch, keys)
            batch = []
    _stage(staging, batch, keys)
    return Shape(text.encoding, "one object a line")


def _stage(staging: Staging, batch: list[Line], keys: dict[str, str]) -> None:
    good: list[tuple[int, int, int, Cells]] = []
    broken: list[tuple[int, int, int, str]] = []
    for row, at, length, cells in batch:
        if isinstance(cells, str):
            broken.append((row, at, length, cells))
        elif any(cells.get(key) is NESTED for key in keys.values()):
            broken.append((row, at, length, f"no flat JSON object: {NESTED}"))
        else:
            good.append((row, at, length, cells))
    places = {"source_row": 0, "byte_offset": 1, "byte_length": 2}
    frame = pl.DataFrame(
        {name: pl.Series([line[at] for line in good], dtype=pl.Int64) for name, at in places.items()}
        | {c: pl.Series([line[3].get(key) for line in good], dtype=pl.String) for c, key in keys.items()}
    )
    staging.frame(frame)
    staging.unreadable(broken)


def _lines(text: TextFile) -> Iterator[Line]:
    at = 3 if text.encoding == "utf-8-sig" else 0
    with text.path.open("rb") as stream:
        stream.seek(at)
        for row, raw in enumerate(stream, start=1):
            line = raw.decode().strip()
            if line:
                yield row, at, len(raw), _object(line)
            at += len(raw)


def _object(line: str) -> Cells | str:
    try:
        value = json.loads(
            line,
            object_pairs_hook=_unrepeated,
            parse_int=str,
            parse_float=str,
            parse_constant=_no_constant,
        )
        if not isinstance(value, dict):
            return "no JSON object"
        cells = {key: _cell(inner) for key, inner in value.items()}
        "".join(filter(None, (*cells, *cells.values()))).encode()  # half a surrogate pair is no text
    except UnicodeEncodeError:
        return "half a character"
    except RecursionError:
        return "no flat JSON object: nested too deeply"
    except ValueError as error:
        return f"no flat JSON object: {error}"
    return cells


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _cell(value: object) -> str | None:
    if isinstance(value, dict | list):
        return NESTED  # of no account under a key that nobody asked for
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
