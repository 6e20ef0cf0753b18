"""Read Parquet files with DuckDB. The first record of a file is row 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import escaped_path
from outage_analysis.claims.readers.data_frames import DATA_FRAME
from outage_analysis.claims.readers.expected_table import ExpectedTable
from outage_analysis.claims.readers.record_index import Numbers
from outage_analysis.claims.readers.source_file import (
    EngineQuery,
    FileFormat,
    OpenedFile,
    RowNumbers,
    RowTexts,
    SourceFile,
    raise_engine_problem,
)
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Incident
from outage_analysis.text import THOUSANDTHS


def _text_sql(column: str, cell: str, kind: pl.DataType) -> str:
    # Numbers with three decimals get a fourth decimal, because the text 1.500 could also mean 1500.
    text = f"cast({cell} as varchar)"
    if kind in (pl.String, pl.Categorical, pl.Enum):
        return f"nullif({text}, '')"
    if kind in (pl.Float32, pl.Float64) and column in ("claim_id", "claimant_id"):
        return f"regexp_replace({text}, '[.]0$', '')"
    if kind in (pl.Float32, pl.Float64):
        return f"case when {text}[-4] = '.' then {text} || '0' else {text} end"
    return f"{text} || '0'" if isinstance(kind, pl.Decimal) and kind.scale == THOUSANDTHS else text


PLAIN_TYPES = (
    *(pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date, pl.Datetime, pl.Null),
    *(pl.Decimal, pl.Float32, pl.Float64, pl.Int8, pl.Int16, pl.Int32, pl.Int64),
    *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
)
"""Supported column types, with one plain value per cell. Int128 is missing: DuckDB reads it as bytes."""


INCIDENT_KEY = "outage_analysis.incident"
"""The metadata key under which `save_claims` writes the incident's id into a Parquet file."""


def saved_incident_id(path: Path) -> str | None:
    """Return the id of the incident whose claims a Parquet file has; None for any other file."""
    if path.suffix.lower() not in (".parquet", ".pq"):
        return None
    try:
        return pl.read_parquet_metadata(path).get(INCIDENT_KEY)
    except (OSError, pl.exceptions.PolarsError):
        return None  # `open_parquet` later raises an error for a file that is not Parquet.


def was_saved_from_claims(path: Path, incident: Incident) -> bool:
    """Return whether the function `save_claims` of this package wrote the Parquet file `path`.

    Such a file already has the column names of a claim. So no layout (TOML file that maps columns) applies to
    it.

    Raises:
        InputRefused: the file contains claims of another incident.
    """
    saved_incident = saved_incident_id(path)
    if saved_incident is not None and saved_incident != incident.id:
        raise InputRefused(f"holds claims of {saved_incident}, not of {incident.id}", file=path.name)
    return saved_incident is not None


PREVIEW_ROWS = 5_000
"""Number of rows at the start of a file from which its notations are detected."""


def open_parquet(table: ExpectedTable, path: Path, warehouse: Warehouse) -> OpenedFile:
    """Open a Parquet file and find its columns.

    Numbers and days are converted to text, and are then parsed like the cells of a text file.

    Raises:
        InputRefused: the file is not a Parquet file, or a column contains lists or records.
    """
    try:
        # The file is opened here because Polars would read * and ? in a path as wildcards.
        with path.open("rb") as stream:
            kinds = pl.read_parquet_schema(stream).items()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputRefused("is not a Parquet file", file=table.file) from error
    # Texts with a type of another program, such as ADBC's for the numbers of PostgreSQL, are texts.
    texts = {n for n, k in kinds if isinstance(k, pl.BaseExtension) and k.ext_storage() == pl.String}
    schema = {name: pl.String() if name in texts else kind for name, kind in kinds}
    headers = tuple(schema)
    positions = table.column_positions(headers, None)
    for column, at in positions.items():
        # A time of day counts as plain only in a column that is joined to a date, such as "filed_on 2".
        plain = (*PLAIN_TYPES, pl.Time) if column.startswith(("filed_on ", "filed_at ")) else PLAIN_TYPES
        if not (table.for_inspection or isinstance(schema[headers[at]], plain)):
            raise InputRefused(
                "holds neither text nor numbers nor days",
                file=table.file,
                column=headers[at],
                value=schema[headers[at]],
                remedy="Store it as text, a number or a date.",
            )
    if not headers:
        raise InputRefused("has no columns", file=table.file)
    # Columns are named after their positions, because DuckDB does not tell "Service" from "service".
    cells = {c: _text_sql(c, f"c{at}", schema[headers[at]]) for c, at in positions.items()}
    numbered = ", ".join(f"c{at}" for at in range(len(headers)))
    file = ParquetFile(
        table=table,
        columns=tuple(cells),
        file_format=FileFormat(path.suffix.lower()[1:] or DATA_FRAME, "", headers),
        path=path,
        warehouse=warehouse,
        numbered=numbered,
        texts_sql=queries.listed_sql(cells).removeprefix(","),
    )
    if table.for_inspection:  # The rows of an inspected file are read by `texts`.
        return file, None
    query = queries.load("parquet_first", texts=file.texts_sql, columns=numbered, most=str(PREVIEW_ROWS))
    first = file.frame(query)
    source = EngineQuery(
        f"({queries.load('parquet', columns=numbered)})",
        cells,
        {c: first[c].drop_nulls().to_list() for c in cells},
        {"path": escaped_path(path)},
    )
    return file, source


@dataclass(frozen=True, kw_only=True)
class ParquetFile(SourceFile):
    """A Parquet file. `numbered` has the names of all its columns in SQL, `texts_sql` the wanted texts."""

    path: Path
    warehouse: Warehouse
    """The warehouse whose connection reads the file."""
    numbered: str
    texts_sql: str
    engine_problem: ClassVar[str] = "is a damaged Parquet file"

    @cached_property
    def rows(self) -> int:
        """The number of rows, read from the metadata of the file."""
        return int(self.frame(queries.load("parquet_count")).item())

    def row_numbers(self) -> RowNumbers:
        """Return how many rows the metadata of the file states."""
        return RowNumbers(1, self.rows)

    def texts(self, rows: Sequence[int] | Numbers | None) -> Iterator[RowTexts]:
        """Read rows with DuckDB, which converts their values to text."""
        inputs, chosen = {}, "true"
        if rows is not None:
            inputs["wanted_rows"] = pl.DataFrame({"number": rows}, schema={"number": pl.Int64})
            chosen = "source_row in (select number from wanted_rows)"
        query = queries.load("parquet_texts", texts=self.texts_sql, columns=self.numbered, chosen=chosen)
        yield RowTexts(inputs, query, {"path": escaped_path(self.path)})

    def frame(self, query: str) -> pl.DataFrame:
        """Return the rows of a query that reads the file."""
        try:
            return self.warehouse.frame(query, path=escaped_path(self.path))
        except InputRefused as error:
            raise_engine_problem(self, error)
            raise
