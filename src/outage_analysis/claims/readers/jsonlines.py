"""JSON lines -> rows: one object a line, its keys the headers.

The engine reads plain lines; the json module reads the others, and all of a text that is not regular.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any, NoReturn

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import escaped_path, quote_literal
from outage_analysis.claims.readers.delimited import records_query
from outage_analysis.claims.readers.record_index import RecordIndex
from outage_analysis.claims.readers.staging import BATCH_ROWS, FileFormat, Staging
from outage_analysis.claims.readers.typed_rows import TypedRows
from outage_analysis.errors import InputRefused
from outage_analysis.text import TextFile

NESTED = "a value is a list or an object"
PREVIEW_LINES = 5_000
"""Lines by which the texts of a file are known before it is read."""
NO_DELIMITER = "\x1f"
"""It stands in no line of JSON."""
Cells = dict[str, str | None]
Line = tuple[int, int, int, "Cells | str"]
"""Row, byte offset, byte length, and the object's cells or what is wrong with it."""


def read_jsonlines(staging: Staging, text: TextFile) -> FileFormat:
    """Read a text of JSON lines; a line that is no flat object is unreadable.

    Raises:
        InputRefused: no object in it has a needed key.
    """
    with text.path.open(encoding="utf-8-sig") as stream:
        if stream.readline().strip() in ("[", "{", "[{"):
            raise InputRefused("is no JSON lines", file=staging.name, remedy="Write one object a line.")
    shown = [line[3] for line in islice(_lines(text), PREVIEW_LINES)]
    headers = dict.fromkeys(key for cells in shown if isinstance(cells, dict) for key in cells)
    if len(shown) == PREVIEW_LINES:
        headers |= dict.fromkeys(_further_keys(staging, text))
    mapping = staging.mapping([*headers], None)
    keys = {column: [*headers][at] for column, at in mapping.items()}
    passed = None if staging.of_any_type else _read_by_engine(staging, text, keys, shown)
    if passed is None:
        _stage_all(staging, _lines(text), keys)
    return FileFormat(text.encoding, "one object a line", passed=passed)


def _further_keys(staging: Staging, text: TextFile) -> list[str]:
    """The keys of every line, in alphabetical order."""
    query = queries.load("keys", lines=records_query())
    try:
        found = staging.warehouse.frame(query, **_line_parameters(text))
    except InputRefused:  # a line is too long for the engine
        return sorted({key for line in _lines(text) if isinstance(line[3], dict) for key in line[3]})
    return [str(key) for key in found["key"]]


def _line_parameters(text: TextFile) -> dict[str, Any]:
    """The parameters by which the engine reads a text line by line."""
    return {
        "path": escaped_path(text.path),
        "delimiter": NO_DELIMITER,
        "quote": "",
        "header": False,
        "skip": 0,
        "parallel": True,
        "columns": {"line": "VARCHAR"},
    }


def _read_by_engine(
    staging: Staging, text: TextFile, keys: Mapping[str, str], shown: Sequence[Cells | str]
) -> TypedRows | None:
    """The rows as the engine reads them, if it tells lines apart as we do; else nothing is kept."""
    look = partial(RecordIndex.of, text.path, NO_DELIMITER, "", width=1, header_row=0, begin=text.begin)
    with ThreadPoolExecutor(1) as beside:
        looking = beside.submit(look)
        taken = _type_rows(staging, text, keys, shown)
        survey = looking.result()
    if taken is None or not survey.regular or taken[1] != survey.records:
        staging.forget()
        return None

    def fetch(numbers: Sequence[int]) -> int:
        lines = ((n, at, len(raw.encode()), raw.strip()) for n, at, raw in survey.fetch(numbers))
        said = ((n, at, length, _parse_line(line)) for n, at, length, line in lines if line)
        return len(numbers) - _stage_all(staging, said, keys)

    return TypedRows(taken[0], 1, survey.records, fetch, survey.uneven)


def _type_rows(
    staging: Staging, text: TextFile, keys: Mapping[str, str], shown: Sequence[Cells | str]
) -> tuple[int, int] | None:
    """Where the engine put the rows and how many there are; None if it refuses them."""
    pointers = ", ".join(
        quote_literal("/" + key.replace("~", "~0").replace("/", "~1")) for key in keys.values()
    )
    numbers = {"loss", *(d.id for d in staging.incident.dimensions if d.kind == "number")}
    places = {column: at for at, column in enumerate(keys, start=1)}
    query = queries.load(
        "jsonlines",
        lines=records_query(),
        pointers=f"[{pointers}]",
        rewritten=" or ".join(f"kinds[{at}] = 'DOUBLE'" for c, at in places.items() if c not in numbers),
    )
    flat = [cells for cells in shown if isinstance(cells, dict)]
    try:
        return staging.pass_by(
            f"({query})",
            {c: _number_sql(keys[c], at) if c in numbers else _text_sql(at) for c, at in places.items()},
            {c: [cells.get(key) or "" for cells in flat] for c, key in keys.items()},
            surplus=["doubt"],
            **_line_parameters(text),
        )
    except InputRefused:
        return None


def _text_sql(at: int) -> str:
    """SQL of a text; an empty one states nothing, as null does."""
    return f"nullif(texts[{at}], '')"


def _number_sql(key: str, at: int) -> str:
    """SQL of a number as it is written: the engine tells 1.50 as 1.5, and 1e3 as 1000.0."""
    pattern = quote_literal(f'"{re.escape(key)}"\\s*:\\s*(-?[0-9.]+)\\s*[,}}]')
    written = f"nullif(regexp_extract(line, {pattern}, 1), '')"
    return f"case when kinds[{at}] = 'DOUBLE' then coalesce({written}, line) else {_text_sql(at)} end"


def _stage_all(staging: Staging, lines: Iterable[Line], keys: Mapping[str, str]) -> int:
    """Stage lines; how many there were."""
    found, count = iter(lines), 0
    while batch := list(islice(found, BATCH_ROWS)):
        _stage(staging, batch, keys)
        count += len(batch)
    return count


def _stage(staging: Staging, batch: Sequence[Line], keys: Mapping[str, str]) -> None:
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
    at = text.begin
    with text.path.open("rb") as stream:
        stream.seek(at)
        for row, raw in enumerate(stream, start=1):
            line = raw.decode().strip()
            if line:
                yield row, at, len(raw), _parse_line(line)
            at += len(raw)


def _parse_line(line: str) -> Cells | str:
    try:
        value = json.loads(
            line,
            object_pairs_hook=_check_unique_keys,
            parse_int=str,
            parse_float=str,
            parse_constant=_refuse_constant,
        )
        if not isinstance(value, dict):
            return "no JSON object"
        cells = {key: _cell_text(inner) for key, inner in value.items()}
        "".join(filter(None, (*cells, *cells.values()))).encode()  # half a surrogate pair is no text
    except UnicodeEncodeError:
        return "half a character"
    except RecursionError:
        return "no flat JSON object: nested too deeply"
    except ValueError as error:
        return f"no flat JSON object: {error}"
    return cells


def _check_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _cell_text(value: object) -> str | None:
    if isinstance(value, dict | list):
        return NESTED  # of no account under a key that nobody asked for
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
