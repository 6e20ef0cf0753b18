"""Read Parquet files with DuckDB; the first record is row 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import escaped_path, quote_identifier
from outage_analysis.claims.readers.staging import FileFormat, Staging
from outage_analysis.claims.readers.typed_rows import TypedRows
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Incident
from outage_analysis.text import THOUSANDTHS


def _text_sql(column: str, header: str, kind: pl.DataType) -> str:
    """Return SQL for a column as text; an empty text becomes null.

    A number with three decimals gets a fourth, because 1.500 could also mean 1500. A float id loses ".0".
    """
    if kind in (pl.String, pl.Categorical, pl.Enum):
        return f"nullif(cast({quote_identifier(header)} as varchar), '')"
    if column in ("claim_id", "claimant_id") and kind in (pl.Float32, pl.Float64):
        return f"regexp_replace(cast({quote_identifier(header)} as varchar), '[.]0$', '')"
    thousandths = isinstance(kind, pl.Decimal) and kind.scale == THOUSANDTHS
    number = (
        f"cast({quote_identifier(header)} as decimal(38, 4))" if thousandths else quote_identifier(header)
    )
    return f"cast({number} as varchar)"


PLAIN_TYPES = (
    *(pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date, pl.Datetime, pl.Null),
    *(pl.Decimal, pl.Float32, pl.Float64, pl.Int8, pl.Int16, pl.Int32, pl.Int64),
    *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
)
"""Column types with one plain value per cell; Int128 is missing because DuckDB reads it as bytes."""


INCIDENT_KEY = "outage_analysis.incident"
"""The key in the metadata of a Parquet file that `save_claims` wrote."""


def was_saved_from_claims(path: Path, incident: Incident) -> bool:
    """Whether `save_claims` wrote a Parquet file: then its columns and formats need no layout.

    Raises:
        InputRefused: the file has claims of another incident.
    """
    try:
        saved_incident = pl.read_parquet_metadata(path).get(INCIDENT_KEY)
    except (OSError, pl.exceptions.PolarsError):
        return False  # `read_parquet` raises the error
    if saved_incident is not None and saved_incident != incident.id:
        raise InputRefused(f"holds claims of {saved_incident}, not of {incident.id}", file=path.name)
    return saved_incident is not None


def read_parquet(staging: Staging, path: Path) -> FileFormat:
    """Stage the rows of a Parquet file; numbers and days become texts.

    Raises:
        InputRefused: not a Parquet file, a damaged file, or a column of lists or records.
    """
    try:
        with path.open("rb") as stream:  # Polars would read a path as a pattern
            schema = pl.read_parquet_schema(stream)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputRefused("is not a Parquet file", file=staging.name) from error
    headers = list(schema)
    mapping = staging.mapping(headers, None)
    for at in mapping.values():
        if not (staging.for_inspection or isinstance(schema[headers[at]], PLAIN_TYPES)):
            raise InputRefused(
                "holds neither text nor numbers nor days",
                file=staging.name,
                column=headers[at],
                value=schema[headers[at]],
                remedy="Store it as text, a number or a date.",
            )
    file = _ParquetFile(
        path,
        {c: _text_sql(c, headers[at], schema[headers[at]]) for c, at in mapping.items()},
        ROW_NUMBER in map(str.casefold, headers),
    )
    try:
        if staging.for_inspection:
            file.stage(staging)
            return FileFormat("parquet", "")
        source = f"({queries.load('parquet')})"
        place, rows = staging.type_rows(
            source, file.cells, file.first_texts(staging), about=file.rows(staging), path=escaped_path(path)
        )
    except InputRefused as error:
        raise InputRefused("is a damaged Parquet file", file=staging.name, value=error.problem) from error

    def fetch(numbers: Sequence[int]) -> int:
        staging.warehouse.load("_numbers", pl.DataFrame({"number": numbers}))
        file.stage(staging, "source_row in (select number from _numbers)")
        return 0

    return FileFormat("parquet", "", typed_rows=TypedRows(place, 1, rows, fetch))


ROW_NUMBER = "file_row_number"
"""The column in which DuckDB returns row numbers, unless the file has a column of this name."""
PREVIEW_ROWS = 5_000
"""First rows that are read to learn how a file writes its values."""


@dataclass(frozen=True)
class _ParquetFile:
    """A Parquet file; `cells` maps each wanted column to the SQL of its text."""

    path: Path
    cells: dict[str, str]
    numbered: bool
    """Whether the file has a column called `file_row_number`."""

    def stage(self, staging: Staging, condition: str = "true") -> None:
        """Stage the rows that meet an SQL condition, as texts."""
        row = "row_number() over ()" if self.numbered else f"{ROW_NUMBER} + 1"
        query = queries.load("parquet_texts", texts=self._texts(), row=row)
        names = {c: quote_identifier(c) for c in (*self.cells, "source_row")}
        staging.stage_query(f"({query})", names, condition, path=escaped_path(self.path))

    def rows(self, staging: Staging) -> int:
        """Return the number of rows in the metadata of the file."""
        query = queries.load("parquet_count")
        return int(staging.warehouse.frame(query, path=escaped_path(self.path)).item())

    def first_texts(self, staging: Staging) -> dict[str, list[str]]:
        """Return the texts of the first rows, per column."""
        query = queries.load("parquet_first", texts=self._texts(), most=str(PREVIEW_ROWS))
        rows = staging.warehouse.frame(query, path=escaped_path(self.path))
        return {c: rows[c].drop_nulls().to_list() for c in self.cells}

    def _texts(self) -> str:
        return ", ".join(f"{text} as {quote_identifier(c)}" for c, text in self.cells.items())
