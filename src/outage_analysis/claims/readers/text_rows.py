"""Store rows of a file as text, in the tables `text_rows` and `unreadable`.

Text is kept only of rows that must be rechecked, of files that DuckDB cannot read, and of inspected files.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.readers.source_file import (
    Numbers,
    SourceFile,
    raise_engine_problem,
    read_by_engine,
)
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.text import TextFile, original_offsets

RECORD_COLUMNS = {
    "file_number": pl.Int64,
    "source_row": pl.Int64,
    "byte_offset": pl.Int64,
    "byte_length": pl.Int64,
}


def create_text_tables(warehouse: Warehouse, columns: Sequence[str]) -> None:
    """Create the empty tables `text_rows` (with these columns of text) and `unreadable`."""
    warehouse.load("text_rows", pl.DataFrame(schema={**RECORD_COLUMNS, **dict.fromkeys(columns, pl.String)}))
    warehouse.load("unreadable", pl.DataFrame(schema={**RECORD_COLUMNS, "problem": pl.String}))


def store_texts(warehouse: Warehouse, file: SourceFile, rows: Sequence[int] | Numbers | None = None) -> int:
    """Append rows of a file to `text_rows`, and records that do not fit the header to `unreadable`.

    Args:
        warehouse: the warehouse with both tables.
        file: the file.
        rows: the numbers of the wanted rows, which must increase; None for all rows.

    Returns:
        The number of rows without any text. They are left out.

    Raises:
        InputRefused: the file is damaged, contains a second table, or a quotation mark may merge rows.
    """
    number, empty = file.table.number, 0
    removed, added = file.table.added_columns(file.columns)
    for part in file.texts(rows):
        query = queries.load(
            "text_rows",
            file=str(number),
            source=part.query,
            removed=removed,
            added=added,
        )
        try:
            warehouse.append("text_rows", query, inputs=part.inputs, **part.values)
        except InputRefused as error:
            raise_engine_problem(file, error)
            raise
        if part.unreadable:
            names = [*RECORD_COLUMNS, "problem"][1:]
            records = pl.DataFrame(part.unreadable, schema=names, orient="row")
            warehouse.append_frame("unreadable", records.with_columns(file_number=number))
        empty += part.empty
    return empty


def store_all_texts(warehouse: Warehouse, file: SourceFile) -> None:
    """Store every row of an inspected file as text: with DuckDB if possible, which is faster.

    Raises:
        InputRefused: see `store_texts`.
    """
    source = file.engine_query
    added = None
    if source is not None:
        cells = "".join(f", {sql} as {quote_identifier(column)}" for column, sql in source.cells.items())
        query = queries.load(
            "numbered_texts",
            file=str(file.table.number),
            before=str(source.first_row - 1),
            cells=cells,
            source=source.source,
        )
        added = read_by_engine(warehouse, "text_rows", query, file, source)
    if added is None:
        store_texts(warehouse, file)
        return
    _, numbers = added
    warehouse.delete("text_rows", " and ".join(f"{quote_identifier(c)} is null" for c in file.columns))
    uneven = pl.DataFrame({"number": numbers.uneven}, schema={"number": pl.Int64})
    warehouse.delete(
        "text_rows", "source_row in (select number from uneven_rows)", inputs={"uneven_rows": uneven}
    )
    store_texts(warehouse, file, numbers.uneven)


def reject_texts(warehouse: Warehouse, texts: dict[int, TextFile]) -> pl.DataFrame:
    """Read the rejected rows of text files again.

    Args:
        warehouse: the warehouse with the tables `checked_rows` and `unreadable`.
        texts: file number -> the decoded text file.

    Returns:
        One row per rejected row: file_number, source_row, its text `raw`, and its offset `byte` in the
        original file, or in the decompressed content of a compressed file.
    """
    schema = {"file_number": pl.Int64, "source_row": pl.Int64, "byte": pl.Int64, "raw": pl.String}
    frames = [pl.DataFrame(schema=schema)]
    for number, text in texts.items():
        rejected = warehouse.frame(queries.load("rejected_records"), number=number)
        places = list(zip(rejected["byte_offset"], rejected["byte_length"], strict=True))
        raws = []
        with text.path.open("rb") as stream:
            for offset, length in places:
                stream.seek(offset)
                text_of_record = stream.read(length).decode().rstrip("\r\n")
                raws.append(text_of_record.replace("\0", "\N{REPLACEMENT CHARACTER}"))
        columns = {
            "file_number": [number] * len(raws),
            "source_row": rejected["source_row"],
            "byte": original_offsets(text, [offset for offset, _ in places]),
            "raw": raws,
        }
        frames.append(pl.DataFrame(columns, schema=schema))
    return pl.concat(frames)
