"""Run an SQL query of the user on the claims: read-only, with Polars frames and values as inputs."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from polars.datatypes import DataTypeClass

from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import UsageError

OWN_TABLES = ("claims", "rejects", "files")
"""The tables that every query can read."""


def run_select(
    warehouse: Warehouse, sql: str, inputs: Mapping[str, object], files: pl.DataFrame
) -> pl.DataFrame:
    """Run one SELECT statement and return its rows, with whole numbers as Int64 and never Decimal.

    Args:
        warehouse: the tables of the claims.
        sql: the statement.
        inputs: Polars frames, which become tables, and values of parameters, written as $name.
        files: the rows of the table `files`.

    Raises:
        UsageError: the statement is not exactly one SELECT statement, has a mistake, or does not fit the
            inputs.
    """
    if not isinstance(sql, str):
        raise UsageError("the query is not a text", value=type(sql).__name__)
    frames = {name: value for name, value in inputs.items() if isinstance(value, pl.DataFrame | pl.LazyFrame)}
    for name in frames:
        if name.casefold() in OWN_TABLES:
            remedy = "Pass the frame under another name."
            raise UsageError("a frame has the name of a table of the claims", value=name, remedy=remedy)
    values = {name: value for name, value in inputs.items() if name not in frames}
    tables = {name: frame.lazy().collect() for name, frame in frames.items()}
    return without_decimals(warehouse.select(sql, {"files": files, **tables}, values))


def without_decimals(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose Decimal columns are Int64, or Float64 if they have decimals or do not fit.

    DuckDB returns sums of whole numbers as decimals of 38 digits. Lists and structs are converted, too.
    """
    return frame.with_columns(
        _without_decimals(column) for column in frame if _replaced(column.dtype, pl.Int64()) != column.dtype
    )


def _without_decimals(column: pl.Series) -> pl.Series:
    try:
        return column.cast(_replaced(column.dtype, pl.Int64()))
    except pl.exceptions.InvalidOperationError:  # A value has more than 64 bits.
        return column.cast(_replaced(column.dtype, pl.Float64()))


def _replaced(dtype: pl.DataType, whole: pl.DataType) -> pl.DataType:
    """Return a data type with `whole` in place of decimals without digits after the point."""
    if isinstance(dtype, pl.Decimal):
        return pl.Float64() if dtype.scale else whole
    if isinstance(dtype, pl.List):
        return pl.List(_replaced(_instance(dtype.inner), whole))
    if isinstance(dtype, pl.Array):
        return pl.Array(_replaced(_instance(dtype.inner), whole), dtype.shape[0])
    if isinstance(dtype, pl.Struct):
        return pl.Struct([pl.Field(f.name, _replaced(_instance(f.dtype), whole)) for f in dtype.fields])
    return dtype


def _instance(dtype: pl.DataType | type[pl.DataType] | DataTypeClass) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()
