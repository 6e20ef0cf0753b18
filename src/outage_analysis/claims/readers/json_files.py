"""Read JSON files: one object per line, an array of objects, or an object with such an array.

The keys of the objects are the column headers. Python's json module reads each object by itself, so that a
damaged object does not affect the others.
"""

from __future__ import annotations

import json
import re
from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import polars as pl

from outage_analysis.claims.readers.record_splitting import Numbers
from outage_analysis.claims.readers.source_file import (
    PLACES,
    ExpectedTable,
    FileFormat,
    RowTexts,
    SourceFile,
    TextRecord,
    batches,
)
from outage_analysis.errors import InputRefused
from outage_analysis.text import Note, TextFile

MAX_BYTES = 1 << 30
"""Largest size in bytes of a file with an array, which is read into memory at once, unlike JSON lines."""
LONGEST_LINE = 1 << 25
"""A longer first line is the array itself: no line is read whose cells need so many characters."""
NESTED = "a value is a list or an object"
SPACE = re.compile(r"[ \t\r\n]*+")
NEXT_OBJECT = re.compile(r"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
"""Pattern of the characters between two objects, where reading resumes after a damaged object."""
VALUES = json.JSONDecoder(parse_int=str, parse_float=str)
"""Reads any value, and keeps numbers as they are written."""
Record = tuple[int, int, int, str]
"""Row number, byte offset and byte length of a line or an array element, and its text."""


def open_json(table: ExpectedTable, text: TextFile) -> JsonFile:
    """Open a JSON file and find its columns among the keys of its objects.

    Raises:
        InputRefused: a required column is not a key of any object; or the file has no lines of objects, and
            does not contain exactly one array of objects, or is too large.
    """
    headers, places = dict[str, object](), array("q")
    for row, at, length, record in _lines(text) if _has_lines(text.path) else _elements(text, table.file):
        places.extend((row, at, length))
        value = _parse(record)
        if isinstance(value, dict):
            headers |= value
    return JsonFile(
        table=table,
        columns=table.column_positions([*headers], None),
        file_format=FileFormat(text.encoding, Note("object_per_line"), tuple(headers)),
        text=text,
        places=np.array(places).reshape(-1, len(PLACES)),
    )


@dataclass(frozen=True, kw_only=True)
class JsonFile(SourceFile):
    """A JSON file. `places` has the `PLACES` of each row."""

    text: TextFile
    places: Numbers

    def texts(self, rows: pl.Series | None) -> Iterator[RowTexts]:
        """Read rows. A line or an array element that is not a flat JSON object is unreadable."""
        places = self.places if rows is None else self.places[np.isin(self.places[:, 0], rows)]
        return batches(self.columns, self._records(places))

    def _records(self, places: Numbers) -> Iterator[TextRecord]:
        keys = [self.file_format.headers[at] for at in self.columns.values()]
        with self.text.path.open("rb") as stream:
            for row, at, length in map(np.ndarray.tolist, places):
                stream.seek(at)
                value = _parse(stream.read(length).decode().strip())
                if isinstance(value, str):
                    yield row, at, length, None, value
                    continue
                cells = [*map(_cell_text, map(value.get, keys))]
                # In an inspected file every key is a column, even one that no claim needs.
                nested = not self.table.for_inspection and any(cell is NESTED for cell in cells)
                yield row, at, length, cells, f"no flat JSON object: {NESTED}" if nested else ""


def _has_lines(path: Path) -> bool:
    """Return whether a file has an object per line, and is not one array or object itself."""
    first = "\n"
    with path.open(encoding="utf-8-sig") as stream:
        while first and not first.strip():
            first = stream.readline(LONGEST_LINE + 1)
        if not first.lstrip().startswith(("[", "{")):
            return True
        if first.lstrip().startswith("[") or len(first) > LONGEST_LINE:
            return False
        others = (line for line in stream if line.startswith("{"))
        try:
            value = VALUES.decode(first)
        except (ValueError, RecursionError):
            return first.rstrip() != "{" and any(line.rstrip().endswith("}") for line in others)
        lists = (x for x in value.values() if isinstance(x, list))
        has_rows = any(isinstance(item, dict) for items in lists for item in items)
        return not has_rows or any(others)


def _lines(text: TextFile) -> Iterator[Record]:
    at = text.text_start
    with text.path.open("rb") as stream:
        stream.seek(at)
        for row, raw in enumerate(stream, start=1):
            line = raw.decode().strip()
            if line:
                yield row, at, len(raw), line
            at += len(raw)


def _elements(text: TextFile, name: str) -> Iterator[Record]:
    """Yield the elements of the only array of objects in a file."""
    if text.path.stat().st_size > MAX_BYTES:
        problem = f"is a JSON array of more than {MAX_BYTES:,} bytes"
        raise InputRefused(problem, file=name, remedy="Write one object per line.")
    content = text.path.read_bytes()[text.text_start :].decode()
    start, offset, done = _after_space(content, 0), text.text_start, 0
    is_array = content[start] == "["
    start = start + 1 if is_array else _array_in_object(content, start + 1, name)
    for row, (begin, end) in enumerate(_spans(content, start), start=1):
        element = content[begin:end]
        length = len(element.encode())
        offset += len(content[done:begin].encode())
        yield row, offset, length, element
        offset, done = offset + length, end
    if is_array and content[done:].partition("]")[2].strip():
        raise InputRefused("has text below its JSON array", file=name, remedy="Write one object per line.")


def _array_in_object(content: str, at: int, name: str) -> int:
    """Return the offset behind the opening bracket of the only array of objects in an object."""
    found = dict[str, int]()
    try:
        while content[at := _after_space(content, at)] == '"':
            key, at = VALUES.raw_decode(content, at)
            at = _after_space(content, _after_space(content, at) + 1)
            if content[at] == "[" and content[_after_space(content, at + 1)] == "{":
                found[key] = at + 1
                last = deque(_spans(content, at + 1), maxlen=1)
                at = content.index("]", last[0][1]) + 1
            else:
                _, at = VALUES.raw_decode(content, at)
            at = _after_space(content, at)
            at += content[at] == ","
    except (ValueError, IndexError, RecursionError) as error:
        if len(found) != 1:
            found_text = "nested too deeply" if isinstance(error, RecursionError) else error
            raise InputRefused("is neither JSON lines nor JSON", file=name, value=found_text) from error
    if len(found) != 1:
        raise InputRefused(
            "holds several arrays of objects" if found else "holds no array of objects",
            file=name,
            value=", ".join(found) or None,
            remedy="Write one object per line.",
        )
    return next(iter(found.values()))


def _spans(content: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end offset of each array element; a damaged one ends before the next object."""
    while (at := _after_space(content, at)) < len(content) and content[at] != "]":
        try:
            _, end = VALUES.raw_decode(content, at)
            after = _after_space(content, end)
            whole = content[after : after + 1] in (",", "]")
        except (ValueError, RecursionError):
            whole = False
        if not whole:
            resumed = NEXT_OBJECT.search(content, at)
            end = resumed.start() + 1 if resumed else len(content)
            after = content.find(",", end) if resumed else end
        yield at, end
        at = after + 1 if content[after : after + 1] == "," else after


def _after_space(content: str, at: int) -> int:
    return SPACE.match(content, at).end()  # type: ignore[union-attr]


def _parse(text: str) -> dict[str, object] | str:
    """Return an object by its keys, or what is wrong with the text."""
    try:
        value = OBJECTS.decode(text)
        if not isinstance(value, dict):
            return "no JSON object"
        if "\\u" in text:  # Half of a surrogate pair, which is written so, cannot be encoded.
            "".join(x for item in value.items() for x in item if isinstance(x, str)).encode()
    except UnicodeEncodeError:
        return "half a character"
    except RecursionError:
        return "no flat JSON object: nested too deeply"
    except ValueError as error:
        return f"no flat JSON object: {error}"
    return value


def _cell_text(value: object) -> str | None:
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return NESTED  # A list or an object. Numbers are texts, see `OBJECTS`.


def _check_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key is given twice")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


OBJECTS = json.JSONDecoder(
    object_pairs_hook=_check_unique_keys, parse_int=str, parse_float=str, parse_constant=_refuse_constant
)
"""Reads objects as `VALUES` does, but refuses a key that is given twice, and NaN."""
