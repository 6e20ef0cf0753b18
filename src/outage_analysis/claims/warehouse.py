"""The only module that executes SQL: one DuckDB connection, in memory, closed to the network."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.progress import progress_callback, report_progress
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.errors import EnvironmentFailed, InputRefused, UsageError, one_line
from outage_analysis.files import temporary_folder


class _ArrowStream:
    """Hands a Polars frame to DuckDB through the Arrow C stream, without pyarrow."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


@dataclass(frozen=True)
class Limits:
    """What the engine may take of the machine.

    Beside `memory` a run takes some 300 MB, and half a gigabyte where it compares tens of millions of ids,
    or a whole one where it holds them against those of a warehouse file.
    """

    memory: str = "50%"
    """Of tables and queries, as 4GB or as a share of what the machine has; the rest goes to `folder`."""
    threads: int | None = None
    """By default as many as there are cores."""
    folder: Path | None = None
    """Where copies of files and what does not fit are put, the latter up to nine tenths of its free space; by
    default the system's folder for temporary files."""

    def __post_init__(self) -> None:
        if not MEMORY_PATTERN.fullmatch(self.memory):
            remedy = "Write it as 4GB or 50%."
            raise UsageError("--memory is no amount", value=self.memory, remedy=remedy)
        if self.threads is not None and not 1 <= self.threads <= MAX_THREADS:
            raise UsageError(f"--threads is not between 1 and {MAX_THREADS}", value=self.threads)
        if self.folder is not None and not self.folder.is_dir():
            raise UsageError("--temp is no folder that is there", value=self.folder)


MEMORY_PATTERN = re.compile(r"(?:100|[1-9]\d?)%|[1-9]\d{0,3}(?:\.\d+)? ?[KMGT]i?B")
MAX_THREADS = 1024
limits: ContextVar[Limits] = ContextVar("limits", default=Limits())  # noqa: B039 - frozen
"""Those of every warehouse that is opened from now on."""

NOT_A_STORE, MAX_NAME_LENGTH = "is no warehouse file of claims", 60
NO_EXTENSIONS: Mapping[str, str] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
TableColumns = Mapping[str, Mapping[str, str]]
"""The columns of each table: table -> column -> type."""


class Warehouse:
    """Tables of one run, reached by `frame` (to Polars), `create` (from SQL) and `relation`."""

    def __init__(self) -> None:
        allowed = limits.get()
        resources = ExitStack()
        weakref.finalize(self, resources.close)
        folder = resources.enter_context(temporary_folder(allowed.folder))
        self._connection = duckdb.connect(
            config={
                **NO_EXTENSIONS,
                "memory_limit": allowed.memory,
                "temp_directory": str(folder / "spill"),
                **({} if allowed.threads is None else {"threads": allowed.threads}),
            }
        )
        self._file: str | None = None
        """The warehouse file that it has open, to be named when it is damaged."""
        self._columns: TableColumns = {}
        """The columns of the tables of that file."""
        self._run("set TimeZone = 'UTC'", {})  # or a moment would be told in the machine's zone
        # In IPython it would be on, and print. In Jupyter it is off, and may not be set without ipywidgets.
        shown = self.relation("select current_setting('enable_progress_bar')").fetchall() == [(True,)]
        if progress_callback.get() is not None:
            self._run("set enable_progress_bar_print = false", {})
            self._run("set enable_progress_bar = true", {})
        elif shown:
            self._run("set enable_progress_bar = false", {})

    def create(self, table: str, query: str, **values: object) -> None:
        """Create or replace a table from a query."""
        self._run(f'create or replace table "{table}" as {query}', values)

    def view(self, name: str, query: str) -> None:
        """Define or redefine a view."""
        self._run(f'create or replace view "{name}" as {query}', {})

    def append(self, table: str, query: str, **values: object) -> None:
        """Add the rows of a query to a table, by column name."""
        self._run(f'insert into "{table}" by name {query}', values)

    def append_frame(self, table: str, frame: pl.DataFrame) -> None:
        """Add the rows of a Polars frame to a table, by column name."""
        with self._incoming(frame) as rows:
            self.append(table, f"from {rows}")

    def append_file(self, table: str, query: str, name: str, rows: int, **values: object) -> None:
        """Add the rows of a query that reads a file of about so many rows, and tell how far it is."""
        with report_progress(name, rows, lambda: self._connection.query_progress() / 100):
            self.append(table, query, **values)

    def delete(self, table: str, condition: str) -> None:
        """Take the rows of a table out of which a condition holds."""
        self._run(f'delete from "{table}" where {condition}', {})

    def widen(self, table: str, column: str) -> None:
        """Make texts of a column of words."""
        self._run(f'alter table "{table}" alter {quote_identifier(column)} type varchar', {})

    def doubt(self, table: str, places: str) -> None:
        """Take the `ok` of the rows of a table away whose places another one lists."""
        self._run(f'update "{table}" set ok = false where ok and rowid in (select place from "{places}")', {})

    def load(self, table: str, frame: pl.DataFrame) -> None:
        """Create or replace a table from a Polars frame."""
        with self._incoming(frame) as rows:
            self.create(table, f"from {rows}")

    @contextmanager
    def _incoming(self, frame: pl.DataFrame) -> Iterator[str]:
        """The name under which queries can read a Polars frame for a while."""
        name = "_incoming"
        self._connection.register(name, _ArrowStream(frame))
        try:
            yield name
        finally:
            self._connection.unregister(name)

    def table(self, name: str) -> pl.DataFrame:
        """The rows of a table as a Polars frame."""
        return self.frame(f'from "{name}"')

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.frame(f'select count(*) as rows from "{table}"').item())

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
        marked = ", ".join(
            f"{quote_identifier(key)}: {quote_literal(value)}" for key, value in sorted(marks.items())
        )
        options = f"format parquet, compression zstd, kv_metadata {{{marked}}}"
        # From a table, whose statistics are those of its rows: those of a query depend on how it is put
        # together, and the writer leaves out what they say is not needed.
        self.create("_written", query)
        try:
            self._run(f"copy _written to {quote_literal(str(path))} ({options})", {})
        finally:
            self._run("drop table _written", {})

    def save(self, path: Path, tables: Mapping[str, str]) -> None:
        """Write queries as tables of a new warehouse file: name there -> query here."""
        with self._attached(path):
            for name, query in tables.items():
                self._run(f"create table store.{quote_identifier(name)} as {query}", {})

    def extend(self, path: Path, added: Mapping[str, str], replaced: Mapping[str, str]) -> None:
        """Add the rows of queries to tables of a copy of the opened warehouse file, and replace others."""
        _check_base_tables_only(path, self._columns)
        with self._attached(path):
            for name, query in added.items():
                self._run(f"insert into store.{quote_identifier(name)} by name {query}", {})
            for name, query in replaced.items():
                self._run(f"create or replace table store.{quote_identifier(name)} as {query}", {})

    @contextmanager
    def _attached(self, path: Path) -> Iterator[None]:
        self._run(f"attach {quote_literal(str(path.absolute()))} as store (type duckdb)", {})
        try:
            yield
        finally:
            self._run("detach store", {})

    def open(self, path: Path, names: Mapping[str, str], columns: TableColumns) -> None:
        """See the tables of a warehouse file as views.

        Args:
            path: the warehouse file, which somebody else may have written.
            names: the name of each table in the file -> the name of its view.
            columns: the columns that each table of the file must have.

        Raises:
            InputRefused: the file holds anything but base tables with these columns.
        """
        tables = _check_base_tables_only(path, columns)
        self._run(f"attach {quote_literal(str(path.absolute()))} as opened (type duckdb, read_only)", {})
        if (
            self.frame(_base_tables_query(), database="opened").rows() != tables
        ):  # the file was replaced meanwhile
            raise InputRefused("changed while it was opened", file=path.name, remedy="Run again.")
        self._file, self._columns = path.name, columns
        for table, name in names.items():
            self.view(name, f"from opened.main.{quote_identifier(table)}")

    def _run(self, statement: str, values: dict[str, Any]) -> None:
        try:
            self._connection.execute(statement, values or None).fetchall()
        except duckdb.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: duckdb.Error) -> Exception:
        """The engine's error under the class whose exit code fits it."""
        first = str(error).strip().splitlines()[0].removeprefix("Out of Memory Error: ").rstrip(".")
        if self._file and "Corrupt" in first:
            return InputRefused("is damaged", file=self._file, remedy="Ingest its files again.")
        if isinstance(error, duckdb.OutOfMemoryException):
            if "max_temp_directory_size" in str(error):
                problem = f"there is no room left for what does not fit into memory: {first}"
                return EnvironmentFailed(problem, remedy="Free disk space, or name a larger folder: --temp.")
            problem = f"the memory that may be used is not enough: {first}"
            return EnvironmentFailed(problem, remedy="Allow more with --memory, or fewer --threads.")
        if isinstance(error, duckdb.IOException):
            return EnvironmentFailed(first, remedy="Free disk space and run again.")
        if isinstance(error, duckdb.DataError | duckdb.InvalidInputException) or type(error) is duckdb.Error:
            return InputRefused(first)  # a bare Error comes from a damaged Parquet page
        return error  # a mistake in a query is ours or the analyst's, and is shown as it is


def _base_tables_query() -> str:
    """The query of the base tables of a database."""
    return queries.load("base_tables")


def _check_base_tables_only(path: Path, columns: TableColumns) -> list[tuple[str, str]]:
    """Refuse a warehouse file that holds anything but base tables with these columns.

    A view, a macro or a trigger of somebody else could read local files as soon as it is used. This function
    looks at the catalog of the file in a connection of its own that can reach no other file.

    Returns:
        The name and the definition of each table, as the engine writes them.

    Raises:
        InputRefused: such a file.
        duckdb.Error: the file is no database, or is damaged.
    """
    place = str(path.absolute())
    log = Path(f"{place}.wal")
    if log.exists():
        problem = f"has changes of another program beside it, in {log.name}"
        raise InputRefused(problem, file=path.name, remedy="Close that program, or ingest its files again.")
    with duckdb.connect(config={**NO_EXTENSIONS}) as connection:
        connection.execute("set allowed_paths = $paths", {"paths": [place, str(log)]})
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        connection.execute(f"attach {quote_literal(place)} as opened (type duckdb, read_only)")
        for table, kinds in columns.items():
            listed = ", ".join(f"{quote_identifier(column)} {kind}" for column, kind in kinds.items())
            connection.execute(f"create table {quote_identifier(table)} ({listed})")
        expected, tables = (
            connection.execute(_base_tables_query(), {"database": database}).fetchall()
            for database in ("memory", "opened")
        )
        others = connection.execute(queries.load("other_objects")).fetchall()
    for kind, name in others:
        raise InputRefused(
            f"{NOT_A_STORE}: it holds the {kind} {one_line(name, MAX_NAME_LENGTH)!r}", file=path.name
        )
    for table, _ in sorted(set(expected) ^ set(tables)):
        problem = (
            f"{NOT_A_STORE}: its table {one_line(table, MAX_NAME_LENGTH)!r} is not the one of this version"
        )
        raise InputRefused(problem, file=path.name, remedy="Ingest its files again.")
    return tables
