"""Read Parquet files with DuckDB. The first record of a file is row 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import escaped_path, quote_identifier
from outage_analysis.claims.readers.staging import FileFormat, Staging, TypedRows
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Incident
from outage_analysis.text import THOUSANDTHS


def _text_sql(column: str, header: str, kind: pl.DataType) -> str:
    """Return SQL that converts a column of a Parquet file to text. An empty text becomes null.

    Decimal numbers with three places get a fourth place, because the text 1.500 could also mean 1500. From
    ids that are stored as floating-point numbers ".0" is removed.
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
        return None  # `read_parquet` later raises an error for a file that is not Parquet.


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


def read_parquet(staging: Staging, path: Path) -> FileFormat:
    """Store the rows of a Parquet file in SQL tables, and return how the file was read.

    Numbers and days are converted to text, and are then parsed like the cells of a text file.

    Raises:
        InputRefused: the file is not a Parquet file or is damaged, or a column contains lists or records.
    """
    try:
        # The file is opened here because Polars would read * and ? in a path as wildcards.
        with path.open("rb") as stream:
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
"""The column in which DuckDB returns row numbers, unless the file itself has a column of this name."""
PREVIEW_ROWS = 5_000
"""Number of first rows that are read to see how a file writes its values."""


@dataclass(frozen=True)
class _ParquetFile:
    """A Parquet file. `cells` maps each column of a claim to SQL for its text."""

    path: Path
    cells: dict[str, str]
    numbered: bool
    """Whether the file has a column called `file_row_number`."""

    def stage(self, staging: Staging, condition: str = "true") -> None:
        """Append the rows that meet an SQL condition to the table `staged`, as text."""
        row = "row_number() over ()" if self.numbered else f"{ROW_NUMBER} + 1"
        query = queries.load("parquet_texts", texts=self._texts(), row=row)
        names = {c: quote_identifier(c) for c in (*self.cells, "source_row")}
        staging.stage_query(f"({query})", names, condition, path=escaped_path(self.path))

    def rows(self, staging: Staging) -> int:
        """Return the number of rows, read from the metadata of the file."""
        query = queries.load("parquet_count")
        return int(staging.warehouse.frame(query, path=escaped_path(self.path)).item())

    def first_texts(self, staging: Staging) -> dict[str, list[str]]:
        """Return the cell texts of the first rows: column -> texts."""
        query = queries.load("parquet_first", texts=self._texts(), most=str(PREVIEW_ROWS))
        rows = staging.warehouse.frame(query, path=escaped_path(self.path))
        return {c: rows[c].drop_nulls().to_list() for c in self.cells}

    def _texts(self) -> str:
        return ", ".join(f"{text} as {quote_identifier(c)}" for c, text in self.cells.items())
