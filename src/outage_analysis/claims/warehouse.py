"""The only module that executes SQL: one DuckDB connection, in memory, closed to the network.

Queries of the user are read-only, and each mistake in one is explained in one line.
"""

from __future__ import annotations

import itertools
import re
import shutil
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn, Protocol, runtime_checkable

import duckdb
import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import named_query, quote_identifier, quote_literal
from outage_analysis.errors import EnvironmentFailed, InputRefused, UsageError, either, one_line
from outage_analysis.files import temporary_folder
from outage_analysis.text import TABLE_DIGITS


@dataclass(frozen=True)
class Limits:
    """Limits on the memory, threads and disk space that the SQL engine may use.

    A run needs about 300 MB in addition to `memory`. It needs another 0.5 GB to search tens of millions of
    claim ids for duplicates, and about 1 GB if it also compares them with the ids of a warehouse file.
    """

    memory: str = "50%"
    """Memory for tables and queries, such as 4GB or 50%. Data beyond this limit are written to `folder`."""
    threads: int | None = None
    """Number of threads; None for one thread per core."""
    folder: Path | None = None
    """Folder for copies of input files and for data that do not fit into memory.

    These data may take up to 90 % of its free space. None means the system's folder for temporary files.
    """

    def __post_init__(self) -> None:
        if not MEMORY_PATTERN.fullmatch(self.memory):
            raise UsageError(
                f"{either('memory', '--memory')} is no amount",
                value=self.memory,
                remedy="Write it as 4GB or 50%.",
            )
        if self.threads is not None and not 1 <= self.threads <= MAX_THREADS:
            raise UsageError(
                f"{either('threads', '--threads')} is not between 1 and {MAX_THREADS}", value=self.threads
            )
        if self.folder is not None and not self.folder.is_dir():
            raise UsageError(f"{either('folder', '--temp')} is not an existing folder", value=self.folder)


MEMORY_PATTERN = re.compile(r"(?:100|[1-9]\d?)%|[1-9]\d{0,3}(?:\.\d+)? ?[KMGT]i?B")
MAX_THREADS = 1024
limits: ContextVar[Limits] = ContextVar("limits", default=Limits())  # noqa: B039 - frozen
"""The limits that apply to every warehouse that is created afterwards."""


OWN_TABLES = ("claims", "exact_claims", "rejects", "files")
"""The tables that every query can read."""


def run_select(
    warehouse: Warehouse, sql: str, inputs: Mapping[str, object], files: pl.DataFrame
) -> pl.DataFrame:
    """Run one SELECT statement and return its rows: whole numbers as Int64, others as Float64, never Decimal.

    Args:
        warehouse: the tables of the claims.
        sql: the statement, or the name of a query, whose numbers are rounded to ten digits.
        inputs: Polars frames, which become tables, and values of parameters, written as $name.
        files: the rows of the table `files`.

    Raises:
        UsageError: the statement is not exactly one SELECT statement, has a mistake, or does not fit the
            inputs; or no query has this name.
    """
    if not isinstance(sql, str):
        raise UsageError("the query is not a text", value=type(sql).__name__)
    if re.fullmatch(r"[\w-]+", sql):
        frame = run_select(warehouse, named_query(sql), inputs, files)
        return frame.with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))
    tables, values = {"files": files}, dict[str, object]()
    for name, value in inputs.items():
        if not isinstance(value, pl.DataFrame | pl.LazyFrame):
            values[name] = value
        elif name.casefold() in OWN_TABLES:
            remedy = "Pass the frame under another name."
            raise UsageError("a frame has the name of a table of the claims", value=name, remedy=remedy)
        else:
            tables[name] = value.lazy().collect()
    rows = warehouse.select(sql, tables, values)
    changed = []  # DuckDB returns sums of whole numbers as decimals of 38 digits
    for column in rows:
        if isinstance(column.dtype, pl.Decimal):
            whole = column.cast(pl.Int64, strict=False)
            fits = column.dtype.scale == 0 and whole.null_count() == column.null_count()
            changed.append(whole if fits else column.cast(pl.Float64))
    return rows.with_columns(changed)


MAX_SQL_LENGTH = 80
"""Largest number of characters of the query that an error message shows."""


def query_error(error: Exception) -> UsageError:
    """Convert the DuckDB error about a query of the user to one line: the problem and, if any, a hint."""
    first, *lines = (line.strip() for line in str(error).split("\n") if line.strip())
    problem = re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", first).rstrip(".!")
    remedy = next((f"See {line}" for line in lines if line.startswith("LINE ")), "")
    if problem.startswith(("Table with name", "Cannot access file")):
        remedy = "The tables are claims, rejects, files and the frames that are passed."
    for names in (line for line in lines if line.startswith("Candidate bindings: ")):
        remedy = f"Columns with similar names: {names.removeprefix('Candidate bindings: ')}."
    return UsageError(f"the SQL query fails: {problem}", remedy=remedy)


def not_one_select(sql: str) -> UsageError:
    """Return the error about a query that is not exactly one SELECT statement."""
    return UsageError(
        "the query is not exactly one SELECT statement",
        value=one_line(sql, MAX_SQL_LENGTH),
        remedy="Write one statement that starts with SELECT, WITH, FROM or VALUES; it cannot change the "
        "claims.",
    )


@runtime_checkable
class ArrowFrame(Protocol):
    """A data frame with the Arrow interface: of Polars, pandas or pyarrow, or a DuckDB relation."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows as an Arrow stream."""


class ArrowStream:
    """Wrapper with only the Arrow C interface of a frame, so that no library reads it in another way."""

    def __init__(self, frame: ArrowFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


_schema_numbers = itertools.count(1)
NOT_A_STORE, MAX_NAME_LENGTH = "is no warehouse file of claims", 60
NO_EXTENSIONS: Mapping[str, str] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
Frames = Mapping[str, pl.DataFrame]
NO_FRAMES: Frames = {}
TableColumns = Mapping[str, Mapping[str, str]]
"""The columns of each table: table -> column -> type."""


@dataclass
class _Database:
    """The connection that a warehouse shares with those derived from it, and who uses it now."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    """The only folder in which the engine writes."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """One statement runs at a time: a connection answers one thread, and others lack its settings."""
    schema: str = "main"
    """The schema whose tables the queries read at the moment."""
    abandoned: list[str] = field(default_factory=list)
    """The schemas of derived warehouses that no longer exist."""


class Warehouse:
    """The tables of one run, in one in-memory DuckDB connection. Several threads may use it.

    Use `create` to make a table from a query, and `frame` to get the rows of a query as a Polars frame.
    """

    def __init__(self, parent: Warehouse | None = None) -> None:
        """Create an empty warehouse.

        Args:
            parent: a warehouse whose tables the queries of this one can read, by their `qualified` names.
                Both use one connection, so nothing is copied. This one has a schema of its own, which is
                removed after it. None creates a database.
        """
        self._file: str | None = None
        """The name of the opened warehouse file. The error message names it if the file is damaged."""
        self._schema = "main"
        self._parent = parent  # its tables are dropped after it, and the views of this one read them
        if parent is not None:
            self._database: _Database = parent._database  # noqa: SLF001 - of the same class
            schema = f"derived_{next(_schema_numbers)}"
            self.run(f"create schema memory.{schema}")
            self._schema = schema
            # Its tables are dropped later, because this may be called while another statement runs.
            weakref.finalize(self, self._database.abandoned.append, schema)
            return
        allowed, resources = limits.get(), ExitStack()
        folder = resources.enter_context(temporary_folder(allowed.folder))
        connection = duckdb.connect(
            config={
                **NO_EXTENSIONS,
                "memory_limit": allowed.memory,
                "temp_directory": str(folder / "spill"),
                **({} if allowed.threads is None else {"threads": allowed.threads}),
            }
        )
        self._database = _Database(connection, folder)
        weakref.finalize(self._database, resources.close)
        # DuckDB would otherwise read a Python variable of the caller if a query names an unknown table.
        self.run("set python_enable_replacements = false")
        self.run("set allowed_directories = $folders", folders=[str(folder)])
        self.run("set TimeZone = 'UTC'")  # DuckDB would otherwise show times in that of the machine
        # DuckDB turns its progress bar on in IPython, where the bar would be printed. In Jupyter the bar is
        # off, and setting the option fails if ipywidgets is missing. So the bar is turned off only if it is
        # on.
        if self.frame("select current_setting('enable_progress_bar')").item():
            self.run("set enable_progress_bar = false")

    def __reduce__(self) -> str:
        """Refuse to be pickled.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "claims are not pickled, because their rows are in a database in memory",
            remedy='Save them: save_claims(claims, "claims.parquet"), and read that file instead.',
        )

    @contextmanager
    def _session(self, frames: Frames = NO_FRAMES) -> Iterator[duckdb.DuckDBPyConnection]:
        """Hold the connection for this warehouse alone, with Polars frames as tables of these names."""
        database = self._database
        with database.lock:
            connection = database.connection
            while database.abandoned:
                connection.execute(f"drop schema memory.{database.abandoned.pop()} cascade").fetchall()
            if database.schema != self._schema:
                connection.execute(f"set schema = 'memory.{self._schema}'").fetchall()
                database.schema = self._schema
            try:
                try:
                    for name, frame in frames.items():
                        connection.register(name, ArrowStream(frame))
                    yield connection
                finally:
                    for name in frames:
                        connection.unregister(name)
            except (duckdb.Error, RuntimeError) as error:
                # So Ctrl-C comes out of a query, and out of reading a frame that a query uses.
                if str(error) == "Query interrupted" or "failed: KeyboardInterrupt" in str(error):
                    raise KeyboardInterrupt from None
                if isinstance(error, duckdb.Error):
                    raise self._as_own_error(error) from error
                raise

    def qualified(self, table: str) -> str:
        """Return the name by which the queries of a derived warehouse read a table of this one."""
        return f"memory.{self._schema}.{quote_identifier(table)}"

    def run(self, statement: str, *, inputs: Frames = NO_FRAMES, **values: object) -> None:
        """Run a statement that returns no rows, such as an update.

        `inputs` are Polars frames that the statement reads as tables of these names, and `values` its
        parameters, written as $name. This holds for all methods.
        """
        with self._session(inputs) as connection:
            connection.execute(statement, values or None).fetchall()

    def create(self, table: str, query: str, *, inputs: Frames = NO_FRAMES, **values: object) -> None:
        """Create or replace a table from a query."""
        self.run(f'create or replace table "{table}" as {query}', inputs=inputs, **values)

    def view(self, name: str, query: str) -> None:
        """Create or replace a view from a query."""
        self.run(f'create or replace view "{name}" as {query}')

    def append(self, table: str, query: str, *, inputs: Frames = NO_FRAMES, **values: object) -> None:
        """Append the rows of a query to a table, matching columns by name."""
        self.run(f'insert into "{table}" by name {query}', inputs=inputs, **values)

    def delete(self, table: str, condition: str, *, inputs: Frames = NO_FRAMES) -> None:
        """Delete the rows of a table that meet an SQL condition."""
        self.run(f'delete from "{table}" where {condition}', inputs=inputs)

    def load(self, table: str, frame: pl.DataFrame) -> None:
        """Create or replace a table from a Polars frame."""
        self.create(table, "from loaded_frame", inputs={"loaded_frame": frame})

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        return int(self.frame(f'select count(*) as rows from "{table}"').item())

    def frame(self, query: str, *, inputs: Frames = NO_FRAMES, **values: object) -> pl.DataFrame:
        """Return the rows of a query as a Polars frame."""
        with self._session(inputs) as connection:
            return pl.DataFrame(connection.sql(query, params=values or None))

    def select(self, sql: str, frames: Frames, values: Mapping[str, object]) -> pl.DataFrame:
        """Run one SELECT statement of the user, which cannot change anything, and return its rows.

        Args:
            sql: the statement.
            frames: Polars frames that the statement can read as tables of these names.
            values: the parameters of the statement, which are written as $name.

        Raises:
            UsageError: the statement is not exactly one SELECT statement, has a mistake, or does not fit the
                parameters.
        """
        with self._session(frames) as connection:
            try:
                statements = connection.extract_statements(sql)
                if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
                    raise not_one_select(sql)
                parameters = set(statements[0].named_parameters)
                for name in sorted(values.keys() - parameters):
                    raise UsageError(
                        f"the query does not use the value {name}",
                        remedy=f"Write it as ${name}, or pass a Polars frame as a table.",
                    )
                for name in sorted(parameters - values.keys()):
                    raise UsageError(
                        f"the query has the parameter ${name} and no value for it",
                        remedy=f"Pass the value: query(sql, {name}=...).",
                    )
                # The type of a statement does not tell whether a WITH clause inserts rows.
                connection.execute("begin transaction read only").fetchall()
                try:
                    relation = connection.sql(sql, params=dict(values) or None)
                    for column, kind in zip(relation.columns, relation.types, strict=True):
                        if "INTERVAL" in str(kind):  # or in a list or struct
                            raise UsageError(
                                "the query returns a time interval, which Polars cannot read",
                                column=column,
                                remedy="Cast it: extract(day from ...).",
                            )
                    return pl.DataFrame(relation)
                finally:
                    connection.rollback()
            except duckdb.TransactionException:
                raise not_one_select(sql) from None
            except pl.exceptions.DuplicateError:
                raise UsageError(
                    "the query returns two columns of the same name",
                    remedy="Name each column with `as`, or list the columns.",
                ) from None
            except duckdb.Error as error:
                own = self._as_own_error(error)
                raise (own if isinstance(own, EnvironmentFailed) else query_error(error)) from None

    def write_parquet(self, query: str, path: Path, metadata: Mapping[str, str]) -> None:
        """Write the rows of a query to a Parquet file, in the order of the query.

        `metadata` is stored in the file as key-value metadata.
        """
        entries = (
            f"{quote_identifier(key)}: {quote_literal(value)}" for key, value in sorted(metadata.items())
        )
        options = f"format parquet, compression zstd, kv_metadata {{{', '.join(entries)}}}"
        # The rows are stored in a table before they are written, so that equal rows give equal bytes.
        # DuckDB's Parquet writer uses statistics to leave out data. The statistics of a query depend on how
        # the query is written, those of a table only on its rows.
        with self._moved_to(path) as file:
            self.create("_written", query)
            try:
                self.run(f"copy _written to {quote_literal(str(file))} ({options})")
            finally:
                self.run("drop table _written")

    def save(self, path: Path, tables: Mapping[str, str]) -> None:
        """Write a warehouse file (.duckdb).

        Args:
            path: the file to write.
            tables: name of each table -> the SQL query of its rows.
        """
        with self._moved_to(path) as file:
            self.run(f"attach {quote_literal(str(file))} as store (type duckdb)")
            try:
                for name, query in tables.items():
                    self.run(f"create table store.{quote_identifier(name)} as {query}")
            finally:
                self.run("detach store")

    @contextmanager
    def _moved_to(self, path: Path) -> Iterator[Path]:
        """Provide the path of a file that is moved to `path` in the end: only there the engine writes."""
        with self._session(), TemporaryDirectory(dir=self._database.folder) as room:
            file = Path(room) / "file"
            yield file
            shutil.move(file, path)

    def open(self, path: Path, columns: TableColumns) -> None:
        """Open a warehouse file read-only and define a view for each of its tables.

        A view, macro or trigger in a file of unknown origin could read local files as soon as it is used.
        Therefore the catalog of the file is compared before anything else is read.

        Args:
            path: the warehouse file; it may come from an untrusted source.
            columns: the columns that each table of the file must have.

        Raises:
            InputRefused: the file contains anything other than tables with exactly these columns, or another
                program has unsaved changes to it.
        """
        if (log := Path(f"{path}.wal")).exists():
            raise InputRefused(
                f"has changes of another program beside it, in {log.name}",
                file=path.name,
                remedy="Close that program, or ingest its files again.",
            )
        self._file = path.name
        self.run(f"attach {quote_literal(str(path.absolute()))} as opened (type duckdb, read_only)")
        for kind, name in self.frame(queries.load("other_objects")).rows():
            raise InputRefused(
                f"{NOT_A_STORE}: it holds the {kind} {one_line(name, MAX_NAME_LENGTH)!r}", file=path.name
            )
        for table, kinds in columns.items():
            listed = ", ".join(f"{quote_identifier(column)} {kind}" for column, kind in kinds.items())
            self.run(f"create table {quote_identifier(table)} ({listed})")
        for name in self.frame(queries.load("base_tables"))["name"]:
            problem = f"{NOT_A_STORE}: its table {one_line(name, MAX_NAME_LENGTH)!r} is not the one of this"
            raise InputRefused(f"{problem} version", file=path.name, remedy="Ingest its files again.")
        for table in map(quote_identifier, columns):
            self.run(f"drop table {table}")
            self.run(f"create view {table} as from opened.main.{table}")

    def _as_own_error(self, error: duckdb.Error) -> Exception:
        """Convert a DuckDB error to an error of this package, unless the query itself has a mistake."""
        first = str(error).strip().splitlines()[0].removeprefix("Out of Memory Error: ").rstrip(".")
        if self._file and "Corrupt" in first:
            return InputRefused("is damaged", file=self._file, remedy="Ingest its files again.")
        if isinstance(error, duckdb.OutOfMemoryException):
            if "max_temp_directory_size" in str(error):
                problem = f"no disk space is left for data that does not fit into memory: {first}"
                larger = either("set TMPDIR to a larger folder", "name a larger folder: --temp")
                return EnvironmentFailed(problem, remedy=f"Free disk space, or {larger}.")
            problem = f"the allowed memory is not enough: {first}"
            remedy = either("Close other programs.", "Allow more with --memory, or fewer --threads.")
            return EnvironmentFailed(problem, remedy=remedy)
        if isinstance(error, duckdb.IOException):
            return EnvironmentFailed(first, remedy="Free disk space and run again.")
        if isinstance(error, duckdb.DataError | duckdb.InvalidInputException) or type(error) is duckdb.Error:
            # DuckDB raises `duckdb.Error` itself, not a subclass, for a damaged Parquet file. So this counts
            # as an error of the input.
            return InputRefused(first)
        return error  # The query has a mistake, which DuckDB's own message explains best.


class NoWarehouse:
    """Stands for the warehouse of claims whose rows stayed in another process, with the pickled result."""

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse whatever asks for rows; `pickle` and `copy` ask for special names first."""
        if name.startswith("__"):
            raise AttributeError(name)
        raise UsageError(
            "a result that was pickled has its figures, but not the rows of its claims",
            remedy="Read the claims again.",
        )
