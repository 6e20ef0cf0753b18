"""Read Parquet files with DuckDB, and data frames as such files. The first record is row 1."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import escaped_path
from outage_analysis.claims.readers.source_file import (
    EngineQuery,
    ExpectedTable,
    FileFormat,
    RowNumbers,
    RowTexts,
    SourceFile,
)
from outage_analysis.claims.warehouse import ArrowFrame, ArrowStream, Warehouse, limits
from outage_analysis.errors import EnvironmentFailed, InputRefused, UsageError, one_line
from outage_analysis.files import temporary_folder
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
    if path.suffix.lower() != ".parquet":
        return None
    try:
        return pl.read_parquet_metadata(path).get(INCIDENT_KEY)
    except (OSError, pl.exceptions.PolarsError):
        return None  # `open_parquet` later raises an error for a file that is not Parquet.


PREVIEW_ROWS = 5_000
"""Number of rows at the start of a file from which its notations are detected."""


def open_parquet(table: ExpectedTable, path: Path, warehouse: Warehouse) -> ParquetFile:
    """Open a Parquet file and find its columns.

    Numbers and days are converted to text, and are then parsed like the cells of a text file.

    Raises:
        InputRefused: the file is not a Parquet file, or a column contains lists or records.
    """
    try:
        # The file is opened here because Polars would read * and ? in a path as wildcards.
        with path.open("rb") as stream:
            schema = pl.read_parquet_schema(stream)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputRefused("is not a Parquet file", file=table.file) from error
    headers, kinds = tuple(schema), [*schema.values()]
    columns, cells = table.column_positions(headers, None), {}
    for column, at in columns.items():
        kind = kinds[at]
        if isinstance(kind, pl.BaseExtension) and kind.ext_storage() == pl.String:
            kind = pl.String()  # of another program, such as ADBC's type for the numbers of PostgreSQL
        # A time of day counts as plain only in a column that is joined to a date, such as "filed_on 2".
        plain = (*PLAIN_TYPES, pl.Time) if column.startswith(("filed_on ", "filed_at ")) else PLAIN_TYPES
        if not (table.for_inspection or isinstance(kind, plain)):
            raise InputRefused(
                "holds neither text nor numbers nor days",
                file=table.file,
                column=headers[at],
                value=kind,
                remedy="Store it as text, a number or a date.",
            )
        # Columns are named after their positions, because DuckDB does not tell "Service" from "service".
        cells[column] = _text_sql(column, f"c{at}", kind)
    if not headers:
        raise InputRefused("has no columns", file=table.file)
    numbered = ", ".join(f"c{at}" for at in range(len(headers)))
    file = ParquetFile(
        table=table,
        columns=columns,
        file_format=FileFormat(path.suffix.lower()[1:] or DATA_FRAME, "", headers),
        path=path,
        warehouse=warehouse,
        numbered=numbered,
        texts_sql=queries.listed_sql(cells).removeprefix(","),
    )
    if table.for_inspection:  # The rows of an inspected file are read by `texts`.
        return file
    query, place = queries.load("parquet", columns=numbered), escaped_path(path)
    try:
        first = warehouse.frame(file.texts_query(f"limit {PREVIEW_ROWS}"), path=place)
    except InputRefused as error:
        raise file.engine_error(error) from error
    first_texts = {c: first[c].drop_nulls().to_list() for c in cells}
    return replace(file, engine=EngineQuery(f"({query})", cells, first_texts, {"path": place}))


@dataclass(frozen=True, kw_only=True)
class ParquetFile(SourceFile):
    """A Parquet file. `numbered` has the names of all its columns in SQL, `texts_sql` the wanted texts."""

    path: Path
    warehouse: Warehouse
    """The warehouse whose connection reads the file."""
    numbered: str
    texts_sql: str
    engine_problem: ClassVar[str] = "is a damaged Parquet file"

    def row_numbers(self) -> RowNumbers:
        """Return how many rows the metadata of the file states."""
        count = self.warehouse.frame(queries.load("parquet_count"), path=escaped_path(self.path))
        return RowNumbers(count.item())

    def texts_query(self, chosen: str) -> str:
        """Return the query of the texts of rows, which `chosen` selects in SQL."""
        return queries.load("parquet_texts", texts=self.texts_sql, columns=self.numbered, chosen=chosen)

    def texts(self, rows: pl.Series | None) -> Iterator[RowTexts]:
        """Read rows with DuckDB, which converts their values to text."""
        inputs, chosen = {}, ""
        if rows is not None:
            inputs["wanted_rows"] = rows.to_frame("number")
            chosen = "where source_row in (select number from wanted_rows)"
        yield RowTexts(inputs, self.texts_query(chosen), {"path": escaped_path(self.path)})


DATA_FRAME = "data frame"
"""The name of the file that a data frame is written to, and its name in messages and tables."""
CAST = "Leave out such columns, or cast them to text, numbers or dates."
DataFrame = ArrowFrame | pl.LazyFrame
Sources = str | Path | Sequence[str | Path] | DataFrame
"""Complaint files, or one data frame."""


def polars_frame(frame: object) -> pl.DataFrame:
    """Return a data frame of any library as a Polars frame.

    Raises:
        UsageError: it is no data frame, pyarrow is missing, or Polars cannot read a column.
    """
    if not isinstance(frame, DataFrame):
        known = "Give a Polars, pandas or pyarrow frame, or a DuckDB relation."
        raise UsageError("is no data frame", value=type(frame).__name__, remedy=known)
    if isinstance(frame, pl.DataFrame):
        return frame
    pandas = sys.modules.get("pandas")
    for name, column in frame.items() if pandas and isinstance(frame, pandas.DataFrame) else ():
        # pyarrow turns a time with a zone among times without one, or among dates, into another one.
        kinds = {type(value) for value in column.dropna()} if column.dtype == object else set()
        if len(kinds) > 1 or any(issubclass(kind, datetime) for kind in kinds):
            found = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise UsageError("is a column of Python objects", column=name, value=found, remedy=CAST)
    with _own_errors(frame):
        return frame.collect() if isinstance(frame, pl.LazyFrame) else pl.DataFrame(ArrowStream(frame))


@contextmanager
def _own_errors(frame: DataFrame) -> Iterator[None]:
    try:
        yield
    except ImportError:
        problem = f"a {DATA_FRAME} of {type(frame).__module__.partition('.')[0]} is read by pyarrow"
        remedy = "Install it: pip install pyarrow."
        raise UsageError(f"{problem}, which is not installed", remedy=remedy) from None
    # Each library raises its own errors, and Polars raises a PanicException for some types.
    except (Exception, pl.exceptions.PanicException) as error:
        if "underlying IO error" in str(error):  # so Polars calls a full disk
            problem = f"no disk space is left for the {DATA_FRAME}: {one_line(error)}"
            remedy = "Free disk space, or name another folder in TMPDIR."
            raise EnvironmentFailed(problem, remedy=remedy) from error
        remedy = "" if isinstance(frame, pl.LazyFrame) else CAST
        raise UsageError(f"the {DATA_FRAME} cannot be read: {one_line(error)}", remedy=remedy) from error


@contextmanager
def source_paths(sources: Sources) -> Iterator[list[Path]]:
    """Provide the paths of complaint files. A data frame is a Parquet file inside the `with` block.

    Raises:
        UsageError: the value is neither a path nor a list of paths nor a data frame that Polars reads.
        EnvironmentFailed: the disk is full.
    """
    if not isinstance(sources, DataFrame):
        try:
            paths = [Path(path) for path in ([sources] if isinstance(sources, str | Path) else sources)]
        except TypeError:
            remedy = 'Give a path, such as "complaints.csv", a list of paths, or a data frame.'
            raise UsageError("is no file", value=str(sources), remedy=remedy) from None
        yield paths
        return
    rows = sources if isinstance(sources, pl.LazyFrame) else polars_frame(sources).lazy()
    with temporary_folder(limits.get().folder) as folder:
        with _own_errors(sources):
            rows.sink_parquet(folder / DATA_FRAME, compression="lz4")
        yield [folder / DATA_FRAME]
