"""Engines that have the rows of a frame as a table: DuckDB, PostgreSQL and a Spark Connect server.

That server is Sail in this process or, if SPARK_REMOTE has its address, another one that reads these files.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ibis
import polars as pl
import pytest
from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession

from tests.postgresql_server import postgresql_server

Load = Callable[[pl.DataFrame], Any]
NUMBERS = itertools.count(1)


def duckdb_loader() -> Load:
    connection = ibis.duckdb.connect()

    def load(frame: pl.DataFrame) -> Any:  # noqa: ANN401 - ibis ships no types
        name = f"complaints_{next(NUMBERS)}"
        connection.con.from_arrow(frame).create(name)
        return connection.table(name)

    return load


def connect_postgresql(address: str) -> Any:  # noqa: ANN401 - ibis ships no types
    return ibis.postgres.connect(
        host=address.split("host=")[1].split("&", maxsplit=1)[0], user="tester", database="postgres"
    )


def load_into_postgresql(connection: Any, frame: pl.DataFrame) -> Any:  # noqa: ANN401
    def kind(dtype: pl.DataType) -> str:
        if isinstance(dtype, pl.Decimal):
            return f"numeric({dtype.precision}, {dtype.scale})"
        if isinstance(dtype, pl.Datetime):
            return "timestamptz" if dtype.time_zone else "timestamp"
        kinds = {pl.String: "text", pl.Date: "date", pl.Boolean: "boolean", pl.Float64: "double precision"}
        return kinds.get(type(dtype), "bigint")

    name = f"complaints_{next(NUMBERS)}"
    columns = ", ".join(f'"{column}" {kind(dtype)}' for column, dtype in frame.schema.items())
    rows = frame.write_csv(include_header=False, null_value="\\N", quote_style="non_numeric")
    with connection.con.cursor() as cursor:
        cursor.execute(f"create table {name} ({columns})")
        with cursor.copy(f"copy {name} from stdin (format csv, null '\\N')") as copy:
            copy.write(rows.replace('"\\N"', "\\N"))
    connection.con.commit()
    return connection.table(name)


def load_into_spark(connection: Any, frame: pl.DataFrame, folder: Path) -> Any:  # noqa: ANN401
    name = f"complaints_{next(NUMBERS)}"
    frame.write_parquet(folder / f"{name}.parquet")
    return connection.read_parquet(str(folder / f"{name}.parquet"), table_name=name)


def spark_session(address: str) -> SparkSession:
    session = SparkSession.builder.remote(address).create()
    session.client.set_retry_policies([])  # by default it tries again for ten minutes
    return session


@contextmanager
def spark_server() -> Iterator[tuple[Any, Callable[[], None]]]:
    """A connection to a Spark Connect server in this process, and a function that stops the server."""
    server = SparkConnectServer()
    server.start()
    session = spark_session(f"sc://127.0.0.1:{server.listening_address[1]}")
    yield ibis.pyspark.connect(session), server.stop
    if server.running:
        session.stop()
        server.stop()


@pytest.fixture(scope="session", params=["duckdb", "postgres", "spark"])
def load(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    """A function that loads a frame into an engine and returns its table."""
    if request.param == "duckdb":
        yield duckdb_loader()
    elif request.param == "postgres":
        with postgresql_server() as (address, _):
            connection = connect_postgresql(address)
            yield lambda frame: load_into_postgresql(connection, frame)
            connection.disconnect()
    else:
        folder = tmp_path_factory.mktemp("spark")
        if remote := os.environ.get("SPARK_REMOTE"):
            connection = ibis.pyspark.connect(spark_session(remote))
            yield lambda frame: load_into_spark(connection, frame, folder)
            return
        with spark_server() as (connection, _):
            yield lambda frame: load_into_spark(connection, frame, folder)
