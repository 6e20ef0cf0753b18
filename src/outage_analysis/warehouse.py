"""The only module that executes SQL: one DuckDB connection, in memory, closed to the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from outage_analysis.errors import EnvironmentFailed, InputRefused
from outage_analysis.queries import literal, quoted


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
        self._file: str | None = None
        """The warehouse file that it has open, to be named when it is damaged."""
        self._run("set TimeZone = 'UTC'", {})  # or a moment would be told in the machine's zone
        # In IPython it would be on, and print. In Jupyter it is off, and may not be set without ipywidgets.
        if self.relation("select current_setting('enable_progress_bar')").fetchall() == [(True,)]:
            self._run("set enable_progress_bar = false", {})

    def create(self, table: str, query: str, **values: object) -> None:
        """Create or replace a table from a query."""
        self._run(f'create or replace table "{table}" as {query}', values)

    def append(self, table: str, query: str, **values: object) -> None:
        """Add the rows of a query to a table, by column name."""
        self._run(f'insert into "{table}" by name {query}', values)

    def delete(self, table: str, file_number: int) -> None:
        """Take the rows of one file out of a table."""
        self._run(f'delete from "{table}" where file_number = $number', {"number": file_number})

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
            raise self._translated(error) from error

    def relation(self, query: str, **values: object) -> duckdb.DuckDBPyRelation:
        """The DuckDB relation of an analyst's own query; values go in as $name."""
        try:
            return self._connection.sql(query, params=values or None)
        except duckdb.Error as error:
            raise self._translated(error) from error

    def write_parquet(self, query: str, path: Path, marks: Mapping[str, str]) -> None:
        """Write a query's rows as Parquet, in its order, with marks in the file's metadata."""
        marked = ", ".join(f"{quoted(key)}: {literal(value)}" for key, value in sorted(marks.items()))
        options = f"format parquet, compression zstd, kv_metadata {{{marked}}}"
        self._run(f"copy ({query}) to {literal(str(path))} ({options})", {})

    def save(self, path: Path, tables: Mapping[str, str]) -> None:
        """Write tables into a new warehouse file: its name there -> the table here."""
        self._run(f"attach {literal(str(path))} as store", {})
        try:
            for name, table in tables.items():
                self._run(f"create table store.{quoted(name)} as from main.{quoted(table)}", {})
        finally:
            self._run("detach store", {})

    def open(self, path: Path, tables: Iterable[str], *, copied: bool) -> None:
        """Have the tables of a warehouse file, as views for reading or as copies to add to."""
        self._run(f"attach {literal(str(path))} as opened (read_only)", {})
        self._file = path.name
        kind = "table" if copied else "view"
        for table in tables:
            self._run(f"create {kind} {quoted(table)} as from opened.main.{quoted(table)}", {})
        if copied:
            self._run("detach opened", {})

    def forget_rejects(self) -> None:
        """Drop the engine's list of unreadable records, so that the next file starts its own."""
        for table in ("reject_errors", "reject_scans"):
            self._run(f"drop table if exists {table}", {})

    def _run(self, statement: str, values: dict[str, Any]) -> None:
        try:
            self._connection.execute(statement, values or None).fetchall()
        except duckdb.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: duckdb.Error) -> Exception:
        """The engine's error under the class whose exit code fits it."""
        first = str(error).strip().splitlines()[0]
        if self._file and "Corrupt" in first:
            return InputRefused("is damaged", file=self._file, remedy="Ingest its files again.")
        if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
            return EnvironmentFailed(first, remedy="Free memory or disk space and run again.")
        if isinstance(error, duckdb.DataError | duckdb.InvalidInputException) or type(error) is duckdb.Error:
            return InputRefused(first)  # a bare Error comes from a damaged Parquet page
        return error  # a mistake in a query is ours or the analyst's, and is shown as it is
