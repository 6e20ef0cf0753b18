"""Read JSON lines files: each line is an object whose keys are the column headers.

DuckDB reads the file. Python's json module rereads lines that DuckDB may have read differently, and it reads
every line of an irregular file (see `RecordIndex.regular`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_literal
from outage_analysis.claims.readers.delimited import query_parameters, records_query
from outage_analysis.claims.readers.expected_table import ExpectedTable
from outage_analysis.claims.readers.record_index import RecordIndex
from outage_analysis.claims.readers.record_splitting import Punctuation
from outage_analysis.claims.readers.source_file import (
    BATCH_ROWS,
    EngineQuery,
    FileFormat,
    Numbers,
    OpenedFile,
    RowNumbers,
    RowTexts,
    SourceFile,
    UnreadableRecord,
    row_texts,
)
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.text import Note, TextFile

EMPTY = ""
"""Stands for the cells of a line without any text."""
NESTED = "a value is a list or an object"
PREVIEW_LINES = 5_000
"""Number of first lines that are read to see how a file writes its values."""
WHOLE_LINES = Punctuation("\x1f", "")
"""With this delimiter, which does not occur in JSON, DuckDB reads each line as one field."""
Cells = dict[str, str | None]
Line = tuple[int, int, int, "Cells | str"]
"""Row number, byte offset, byte length, and the cells of the object or a text that states what is wrong."""


def open_jsonlines(table: ExpectedTable, text: TextFile, warehouse: Warehouse) -> OpenedFile:
    """Open a JSON lines file and find its columns among the keys of its objects.

    Raises:
        InputRefused: a required column is not a key of any line.
    """
    preview = [line[3] for line in islice(_lines(text), PREVIEW_LINES)]
    headers = dict.fromkeys(key for cells in preview if isinstance(cells, dict) for key in cells)
    if len(preview) == PREVIEW_LINES:
        headers |= dict.fromkeys(_further_keys(text, warehouse))
    positions = table.column_positions([*headers], None)
    keys = {column: [*headers][at] for column, at in positions.items()}
    # An inspected file is read in Python, because DuckDB rewrites some numbers.
    engine_query = None if table.for_inspection or text.damaged else _engine_query(table, text, keys, preview)
    found = FileFormat(text.encoding, Note("object_per_line"), tuple(headers))
    file = JsonLinesFile(table=table, columns=tuple(keys), file_format=found, text=text, keys=keys)
    return file, engine_query


def _engine_query(
    table: ExpectedTable, text: TextFile, keys: Mapping[str, str], preview: Sequence[Cells | str]
) -> EngineQuery:
    pointers = ", ".join(
        quote_literal("/" + key.replace("~", "~0").replace("/", "~1")) for key in keys.values()
    )
    numbers = {"loss", *(d.id for d in table.incident.dimensions if d.is_number)}
    places = {column: at for at, column in enumerate(keys, start=1)}
    query = queries.load(
        "jsonlines",
        lines=records_query(),
        pointers=f"[{pointers}]",
        rewritten=" or ".join(f"kinds[{at}] = 'DOUBLE'" for c, at in places.items() if c not in numbers),
    )
    flat = [cells for cells in preview if isinstance(cells, dict)]
    return EngineQuery(
        f"({query})",
        {c: _number_sql(keys[c], at) if c in numbers else _text_sql(at) for c, at in places.items()},
        {c: [cells.get(key) or "" for cells in flat] for c, key in keys.items()},
        query_parameters(text, ["line"], WHOLE_LINES),
        surplus=["uncertain"],
    )


def _further_keys(text: TextFile, warehouse: Warehouse) -> list[str]:
    query = queries.load("keys", lines=records_query())
    try:
        keys = warehouse.frame(query, **query_parameters(text, ["line"], WHOLE_LINES))
    except InputRefused:  # A line is too long for DuckDB, so the keys are read in Python.
        return sorted({key for line in _lines(text) if isinstance(line[3], dict) for key in line[3]})
    return [str(key) for key in keys["key"]]


@dataclass(frozen=True, kw_only=True)
class JsonLinesFile(SourceFile):
    """A JSON lines file. `keys` maps each column to the key of its value."""

    text: TextFile
    keys: Mapping[str, str]

    @cached_property
    def index(self) -> RecordIndex:
        """The positions of the lines in the file."""
        return RecordIndex.build(
            self.text.path, WHOLE_LINES.delimiter, "", width=1, header_row=0, begin=self.text.text_start
        )

    def row_numbers(self) -> RowNumbers | None:
        """Count the lines. None if DuckDB and Python may split the file into different lines."""
        index = self.index
        return RowNumbers(1, index.records, index.uneven) if index.regular else None

    def texts(self, rows: Sequence[int] | Numbers | None) -> Iterator[RowTexts]:
        """Read lines with Python's json module. A line that is not a flat JSON object is unreadable."""
        if rows is None:
            lines = _lines(self.text)
        else:
            found = ((n, at, len(raw.encode()), raw.strip()) for n, at, raw in self.index.fetch(rows))
            lines = ((n, at, length, _parse_line(line) if line else EMPTY) for n, at, length, line in found)
        while batch := list(islice(lines, BATCH_ROWS)):
            yield self._row_texts(batch)

    def _row_texts(self, batch: Sequence[Line]) -> RowTexts:
        good: list[tuple[int | str | None, ...]] = []
        unreadable: list[UnreadableRecord] = []
        empty = 0
        for row, at, length, cells in batch:
            if cells == EMPTY:
                empty += 1
            elif isinstance(cells, str):
                unreadable.append((row, at, length, cells))
            # Of an inspected file every key is a column, also those that no claim needs.
            elif not self.table.for_inspection and any(cells.get(k) is NESTED for k in self.keys.values()):
                unreadable.append((row, at, length, f"no flat JSON object: {NESTED}"))
            else:
                good.append((row, at, length, *map(cells.get, self.keys.values())))
        return row_texts(self.keys, good, unreadable, empty)


def _text_sql(at: int) -> str:
    """Return SQL for the value of the key with the number `at`, as text. An empty text becomes null."""
    return f"nullif(texts[{at}], '')"


def _number_sql(key: str, at: int) -> str:
    pattern = quote_literal(f'"{re.escape(key)}"\\s*:\\s*(-?[0-9.]+)\\s*[,}}]')
    as_written = f"nullif(regexp_extract(line, {pattern}, 1), '')"
    return f"case when kinds[{at}] = 'DOUBLE' then coalesce({as_written}, line) else {_text_sql(at)} end"


def _lines(text: TextFile) -> Iterator[Line]:
    at = text.text_start
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
        # Half of a surrogate pair cannot be encoded. Encoding all keys and values finds it here, so that the
        # line counts as unreadable.
        "".join(filter(None, (*cells, *cells.values()))).encode()
    except UnicodeEncodeError:
        return "half a character"
    except RecursionError:
        return "no flat JSON object: nested too deeply"
    except ValueError as error:
        return f"no flat JSON object: {error}"
    return cells


def _check_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key is given twice")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _cell_text(value: object) -> str | None:
    if isinstance(value, dict | list):
        return NESTED  # A list or object is an error only if the key is read as a column.
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


MAX_BYTES = 1 << 30
"""Largest size in bytes of a file with an array, which is read into memory, unlike JSON lines."""
LONGEST_LINE = 1 << 25
"""A longer first line is the array itself: no line is read whose cells need so many characters."""
SPACE = re.compile(r"[ \t\r\n]*+")
NEXT_OBJECT = re.compile(r"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
"""Pattern of the characters between two objects, where reading resumes after a damaged object."""


def one_object_per_line(text: TextFile, workspace: Path, name: str) -> TextFile:
    """Return a file as JSON lines: a copy if it is an array of objects, or an object with such an array.

    The copy keeps every character at its offset in the file: line breaks inside an object are replaced by
    spaces, and a character between two objects by a line break.

    Args:
        text: the file.
        workspace: a folder for the copy.
        name: the name of the file in messages.

    Raises:
        InputRefused: the file does not contain exactly one array of objects, or it is too large.
    """
    with text.path.open(encoding="utf-8-sig") as stream:
        first = next((line for line in stream if line.strip()), "")
    if not first.lstrip().startswith(("[", "{")) or _is_json_line(first, text.path):
        return text
    if text.path.stat().st_size > MAX_BYTES:
        raise InputRefused(
            f"is a JSON array of more than {MAX_BYTES:,} bytes",
            file=name,
            remedy="Write one object per line.",
        )
    with text.path.open(encoding="utf-8", newline="") as stream:
        content = stream.read()
    content_start = 1 if content.startswith("\N{ZERO WIDTH NO-BREAK SPACE}") else 0
    start = SPACE.match(content, content_start).end()  # type: ignore[union-attr]
    is_array = content[start] == "["
    if not is_array:
        start = _array_in_object(content, start, name)
    target = workspace / f"{len([*workspace.iterdir()])}.lines"
    with target.open("w", encoding="utf-8", newline="") as copy:
        copy.write(content[:content_start])
        done = content_start
        for begin, end in _elements(content, start + 1):
            between = " " * len(content[done:begin].encode())
            copy.write(between if done == content_start else f"{between[:-1]}\n")
            copy.write(re.sub("[\r\n]", " ", content[begin:end]))
            done = end
        copy.write("\n")
    rest = content[done:].partition("]")[2] if done > content_start else ""
    if is_array and rest.strip():
        raise InputRefused("has text below its JSON array", file=name, remedy="Write one object per line.")
    return TextFile(text.name, target, text.encoding, text.damaged)


def _is_json_line(first: str, path: Path) -> bool:
    if first.lstrip().startswith("[") or len(first) > LONGEST_LINE:
        return False
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return first.rstrip() != "{" and _has_line(path, "}")
    lists = [x for x in value.values() if isinstance(x, list)] if isinstance(value, dict) else []
    has_rows = any(isinstance(item, dict) for items in lists for item in items)
    return isinstance(value, dict) and (not has_rows or _has_line(path, ""))


def _has_line(path: Path, ending: str) -> bool:
    """Return whether a line below the first is a complete object."""
    with path.open(encoding="utf-8-sig") as stream:
        next(stream, None)
        return any(line.startswith("{") and line.rstrip().endswith(ending) for line in stream if line.strip())


def _array_in_object(content: str, start: int, name: str) -> int:
    decoder, found, at = json.JSONDecoder(), dict[str, int](), start + 1
    try:
        while content[at := SPACE.match(content, at).end()] == '"':  # type: ignore[union-attr]
            key, at = decoder.raw_decode(content, at)
            at = SPACE.match(content, at).end() + 1  # type: ignore[union-attr]
            at = SPACE.match(content, at).end()  # type: ignore[union-attr]
            if content[at] == "[" and SPACE.sub("", content[at + 1 : at + 200]).startswith("{"):
                found[key] = at
                *_, (_, at) = _elements(content, at + 1)
                at = content.index("]", at) + 1
            else:
                _, at = decoder.raw_decode(content, at)
            at = SPACE.match(content, at).end()  # type: ignore[union-attr]
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


def _elements(content: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end offset of each array element; a damaged one ends before the next object."""
    decoder = json.JSONDecoder()
    while True:
        at = SPACE.match(content, at).end()  # type: ignore[union-attr]
        if at >= len(content) or content[at] == "]":
            return
        try:
            _, end = decoder.raw_decode(content, at)
            after = SPACE.match(content, end).end()  # type: ignore[union-attr]
            whole = content[after : after + 1] in (",", "]")
        except (ValueError, RecursionError):
            whole = False
        if not whole:
            resumed = NEXT_OBJECT.search(content, at)
            end = resumed.start() + 1 if resumed else len(content)
            after = content.find(",", end) if resumed else end
        yield at, end
        at = after + 1 if content[after : after + 1] == "," else after
