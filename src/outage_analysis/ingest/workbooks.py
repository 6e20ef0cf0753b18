"""Excel workbooks -> staged rows, under the row numbers that Excel shows."""

from __future__ import annotations

import io
import logging
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl

from outage_analysis.errors import InputRefused
from outage_analysis.ingest.staging import HEADER_AMONG, Shape, Staging

MOST_BYTES, MOST_FOLD = 1 << 31, 300
"""A workbook that holds more, or expands more, is refused before it is opened."""
ERROR_MARK = re.compile(rb"""\bt\s*=\s*["']e["']""")
"""The type of a cell that holds an error."""


def read_workbook(staging: Staging, path: Path) -> Shape:
    """Stage the one sheet of a workbook that has the columns, or the sheet that the layout names.

    Raises:
        InputRefused: no workbook; no such sheet; several sheets that would do.
    """
    _refuse_bomb(path, staging.name)
    sheets = _sheets(path, staging.name)
    chosen = _chosen(sheets, staging)
    frame = sheets[chosen]
    rows = [["" if cell is None else cell for cell in row] for row in frame.head(HEADER_AMONG).iter_rows()]
    place = staging.header_among(rows)
    if place >= len(rows):
        raise InputRefused("has no such row for a header", file=staging.name, row=place + 1)
    headers = (
        [cell.strip() for cell in rows[place]] if place >= 0 else [str(n + 1) for n in range(frame.width)]
    )
    mapping = staging.mapping(headers, place + 1 or None)
    try:
        frame = _with_errors(frame, path, chosen)
    except (ET.ParseError, KeyError, StopIteration, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise InputRefused("cannot be read as a workbook", file=staging.name, value=error) from error
    body = frame.with_row_index("source_row", offset=1).slice(place + 1)
    filled = body.filter(pl.any_horizontal(pl.col(frame.columns).is_not_null()))
    cells = {column: pl.col(frame.columns[at]) for column, at in mapping.items()}
    staging.frame(filled.select(pl.col("source_row").cast(pl.Int64), **cells))
    row = f"header in row {place + 1}" if place >= 0 else "no header"
    return Shape("xlsx", f"sheet {chosen}, {row}")


def _refuse_bomb(path: Path, name: str) -> None:
    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputRefused("is not an Excel workbook (.xlsx)", file=name, value=error) from error
    if size > MOST_BYTES or size > max(MOST_FOLD * path.stat().st_size, 1 << 26):
        raise InputRefused(f"would expand to {size:,} bytes", file=name, remedy="Save it as CSV.")


def _sheets(path: Path, name: str) -> dict[str, pl.DataFrame]:
    """Every sheet with cells, each cell as text, the first row being row 1."""
    import fastexcel

    logging.getLogger("calamine").setLevel(logging.ERROR)  # it tells of every sheet that is a chart
    try:
        book = fastexcel.read_excel(path)
        return {
            sheet: frame
            for sheet in book.sheet_names
            if (frame := _cells(book, sheet)) is not None and len(frame)
        }
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputRefused("cannot be read as a workbook", file=name, value=first) from error


def _cells(book: object, sheet: str) -> pl.DataFrame | None:
    import fastexcel

    try:
        loaded = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")  # type: ignore[attr-defined]
    except (fastexcel.SheetNotFoundError, fastexcel.InvalidParametersError, fastexcel.CalamineError):
        return None  # a sheet of a chart alone, or one without a cell
    frame: pl.DataFrame = loaded.to_polars()
    # The first used column may be B or later: names tell which it is.
    return frame.rename(
        {c.name: str(c.absolute_index) for c in loaded.available_columns()}, strict=False
    ).with_columns(pl.all().replace("", None))


def _chosen(sheets: dict[str, pl.DataFrame], staging: Staging) -> str:
    if staging.layout.sheet is not None:
        if staging.layout.sheet not in sheets:
            raise InputRefused(
                "has no such sheet, or nothing on it",
                file=staging.name,
                value=staging.layout.sheet,
                remedy="It has: " + ", ".join(sheets),
            )
        return staging.layout.sheet
    if not sheets:
        raise InputRefused("has no cell on any sheet", file=staging.name)
    named = {name: _named(frame, staging) for name, frame in sheets.items()}
    most = max(named.values())
    fitting = [name for name, count in named.items() if count == most]
    if len(fitting) > 1 and most:
        raise InputRefused(
            "has the columns on several sheets",
            file=staging.name,
            value=", ".join(fitting),
            remedy='Name one in a --columns page, as in sheet = "' + fitting[0] + '".',
        )
    return fitting[0]


def _named(frame: pl.DataFrame, staging: Staging) -> int:
    """How many columns the best row of a sheet names."""
    rows = ([cell or "" for cell in row] for row in frame.head(HEADER_AMONG).iter_rows())
    return max(len(staging.layout.recognised(row, staging.columns)) for row in rows)


def _with_errors(frame: pl.DataFrame, path: Path, sheet: str) -> pl.DataFrame:
    """The cells that hold an error get its text: read as nothing, #DIV/0! would be an unknown loss."""
    with zipfile.ZipFile(path) as parts:
        text = parts.read(_part(parts, sheet))
    for row, at, value in _errors(text) if ERROR_MARK.search(text) else ():
        column = str(at)
        if column in frame.columns and row <= len(frame):
            here = pl.int_range(pl.len()) == row - 1
            frame = frame.with_columns(pl.when(here).then(pl.lit(value)).otherwise(column).alias(column))
    return frame


def _errors(text: bytes) -> Iterator[tuple[int, int, str]]:
    """Row (from 1), column (from 0) and text of each cell that holds an error."""
    row = at = 0
    for event, element in ET.iterparse(io.BytesIO(text), ("start", "end")):  # noqa: S314 - no entity is resolved
        name = element.tag.rpartition("}")[2]
        if event == "start" and name == "row":
            row, at = int(element.get("r", row + 1)), -1
        elif event == "start" and name == "c":
            letters = (element.get("r") or "").rstrip("0123456789")
            at = _index(letters) if letters else at + 1
        elif event == "end" and name == "c":
            if element.get("t") == "e":
                value = next((v.text for v in element if v.tag.rpartition("}")[2] == "v"), None)
                yield row, at, (value or "error").strip()
            element.clear()


def _part(parts: zipfile.ZipFile, sheet: str) -> str:
    """The member of the archive that holds a sheet."""
    book = ET.fromstring(parts.read("xl/workbook.xml"))  # noqa: S314 - no entity is resolved
    targets = ET.fromstring(parts.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    ids = {
        s.get("name"): next(v for k, v in s.attrib.items() if k.endswith("}id"))
        for s in book.iter()
        if s.tag.endswith("}sheet")
    }
    target = next(t.get("Target", "") for t in targets if t.get("Id") == ids[sheet])
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _index(letters: str) -> int:
    """A column's letters as its position from 0: B is 1."""
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1
