"""Parquet -> rows, by the engine; the first record is row 1."""

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
    """SQL of a column as text; an empty text states nothing, as null does.

    Three decimals would look like thousands, and an id has none.
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
"""Types of a column that stand for one plain value; the engine takes an Int128 for bytes."""


INCIDENT_KEY = "outage_analysis.incident"
"""The mark, in its metadata, of a Parquet that `save_claims` wrote."""


def was_saved_from_claims(path: Path, incident: Incident) -> bool:
    """Whether a Parquet was written by `save_claims`: its columns are canonical, its amounts plain.

    Raises:
        InputRefused: it is of another incident.
    """
    try:
        marked = pl.read_parquet_metadata(path).get(INCIDENT_KEY)
    except (OSError, pl.exceptions.PolarsError):
        return False  # `read_parquet` says what is wrong
    if marked is not None and marked != incident.id:
        raise InputRefused(f"holds claims of {marked}, not of {incident.id}", file=path.name)
    return marked is not None


def read_parquet(staging: Staging, path: Path) -> FileFormat:
    """Stage a Parquet file; numbers and days become the text that says them.

    Raises:
        InputRefused: no Parquet file, a damaged one, or a column of lists or records.
    """
    try:
        with path.open("rb") as stream:  # a path could be a pattern
            schema = pl.read_parquet_schema(stream)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputRefused("is not a Parquet file", file=staging.name) from error
    headers = list(schema)
    mapping = staging.mapping(headers, None)
    for at in mapping.values():
        if not (staging.of_any_type or isinstance(schema[headers[at]], PLAIN_TYPES)):
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
        if staging.of_any_type:
            file.stage(staging)
            return FileFormat("parquet", "")
        source = f"({queries.load('parquet')})"
        place, rows = staging.pass_by(
            source, file.cells, file.shown(staging), about=file.rows(staging), path=escaped_path(path)
        )
    except InputRefused as error:
        raise InputRefused("is a damaged Parquet file", file=staging.name, value=error.problem) from error

    def fetch(numbers: Sequence[int]) -> int:
        staging.warehouse.load("_numbers", pl.DataFrame({"number": numbers}))
        file.stage(staging, "source_row in (select number from _numbers)")
        return 0

    return FileFormat("parquet", "", passed=TypedRows(place, 1, rows, fetch))


ROW_NUMBER = "file_row_number"
"""What the engine calls the number of a row, unless a column of the file has the name."""
PREVIEW_ROWS = 5_000
"""Rows by which the texts of a file are known before it is read."""


@dataclass(frozen=True)
class _ParquetFile:
    """A Parquet file, with the SQL of the text of each column that is wanted."""

    path: Path
    cells: dict[str, str]
    numbered: bool
    """Whether a column of its own is called like the number of a row."""

    def stage(self, staging: Staging, chosen: str = "true") -> None:
        """Stage the rows that meet a condition as texts."""
        row = "row_number() over ()" if self.numbered else f"{ROW_NUMBER} + 1"
        query = queries.load("parquet_texts", texts=self._texts(), row=row)
        names = {c: quote_identifier(c) for c in (*self.cells, "source_row")}
        staging.select(f"({query})", names, chosen, path=escaped_path(self.path))

    def rows(self, staging: Staging) -> int:
        """How many rows it says that it has."""
        query = queries.load("parquet_count")
        return int(staging.warehouse.frame(query, path=escaped_path(self.path)).item())

    def shown(self, staging: Staging) -> dict[str, list[str]]:
        """Column -> texts of the first rows."""
        query = queries.load("parquet_first", texts=self._texts(), most=str(PREVIEW_ROWS))
        rows = staging.warehouse.frame(query, path=escaped_path(self.path))
        return {c: rows[c].drop_nulls().to_list() for c in self.cells}

    def _texts(self) -> str:
        return ", ".join(f"{text} as {quote_identifier(c)}" for c, text in self.cells.items())
