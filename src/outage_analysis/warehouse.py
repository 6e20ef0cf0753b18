"""The only module that executes SQL: one DuckDB connection, in memory, closed to the network."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl

from outage_analysis.errors import EnvironmentFailed, InputRefused


class _ArrowStream:
    """Hands a Polars frame to DuckDB through the Arrow C stream, without pyarrow."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


class Warehouse:
    """Tables of one run, reached by `frame` (to Polars), `create` (from SQL) and `relation`."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(
            config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
        )

    def create(self, table: str, query: str, **values: object) -> None:
        """Create or replace a table from a query."""
        self._run(f'create or replace table "{table}" as {query}', values)

    def append(self, table: str, query: str, **values: object) -> None:
        """Add the rows of a query to a table, by column name."""
        self._run(f'insert into "{table}" by name {query}', values)

    def load(self, table: str, frame: pl.DataFrame) -> None:
        """Create or replace a table from a Polars frame."""
        self._connection.register("_incoming", _ArrowStream(frame))
        try:
            self._run(f'create or replace table "{table}" as select * from _incoming', {})
        finally:
            self._connection.unregister("_incoming")

    def frame(self, query: str, **values: object) -> pl.DataFrame:
        """The rows of a query as a Polars frame."""
        relation = self.relation(query, **values)
        try:
            return pl.DataFrame(relation)  # the query runs only here
        except duckdb.Error as error:
            raise _translated(error) from error

    def relation(self, query: str, **values: object) -> duckdb.DuckDBPyRelation:
        """The DuckDB relation of an analyst's own query; values go in as $name."""
        try:
            return self._connection.sql(query, params=values or None)
        except duckdb.Error as error:
            raise _translated(error) from error

    def forget_rejects(self) -> None:
        """Drop the engine's list of unreadable records, so that the next file starts its own."""
        for table in ("reject_errors", "reject_scans"):
            self._run(f"drop table if exists {table}", {})

    def _run(self, statement: str, values: dict[str, Any]) -> None:
        try:
            self._connection.execute(statement, values or None).fetchall()
        except duckdb.Error as error:
            raise _translated(error) from error


def _translated(error: duckdb.Error) -> Exception:
    """The engine's error under the class whose exit code fits it."""
    first = str(error).strip().splitlines()[0]
    if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
        return EnvironmentFailed(first, remedy="Free memory or disk space and run again.")
    if isinstance(error, duckdb.DataError | duckdb.InvalidInputException) or type(error) is duckdb.Error:
        return InputRefused(first)  # a bare Error comes from a damaged Parquet page
    return error  # a mistake in a query is ours or the analyst's, and is shown as it is
