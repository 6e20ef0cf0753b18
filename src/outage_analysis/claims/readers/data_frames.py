"""Turn data frames into Parquet files, so that they are read as files are; a frame's first row is row 1."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import polars as pl

from outage_analysis.claims.warehouse import ArrowFrame, ArrowStream, limits
from outage_analysis.errors import EnvironmentFailed, UsageError, one_line
from outage_analysis.files import temporary_folder

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
