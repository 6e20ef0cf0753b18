"""The readers that the benchmark compares: this package, and others in their best settings."""

from __future__ import annotations

import csv
import importlib.util
import io
import math
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import fastexcel
import polars as pl

from tests.benchmarks.written_values import Grid, best_claims
from tests.contract.damaged_files.clean_table import Record
from tests.contract.damaged_files.damaged_file import DamagedFile
from tests.contract.damaged_files.reading import OURS, our_outcome
from tests.contract.damaged_files.scoring import Outcome, WholeFileRefused, outcome

TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".csv.zst", ".csv.zip", ".zip")
Setting = Callable[[Path, DamagedFile], Grid]


def _texts(rows: Iterable[Sequence[object]]) -> list[list[str]]:
    """Cells as texts, empty where there is none."""
    return [
        ["" if cell is None or (isinstance(cell, float) and math.isnan(cell)) else str(cell) for cell in row]
        for row in rows
    ]


def _frame(frame: pl.DataFrame) -> Grid:
    return [frame.columns, *_texts(frame.rows())]


def _ends(file: DamagedFile, *suffixes: str) -> bool:
    return file.name.endswith(suffixes)


def duckdb_csv(**options: object) -> Setting:
    """`read_csv` of DuckDB with options."""

    def read(path: Path, file: DamagedFile) -> Grid:
        told = {k: v(file) if callable(v) else v for k, v in options.items()}
        encoding = {"utf-16-le": "utf-16", "utf-16-be": "utf-16", "cp1252": "latin-1"}.get(
            file.encoding, "utf-8"
        )
        words = ["all_varchar = true", f"encoding = '{encoding}'"]
        for name, value in told.items():
            text = (
                str(value).lower()
                if isinstance(value, bool | int)
                else "'" + str(value).replace("'", "''") + "'"
            )
            words.append(f"{name} = {text}")
        return _duckdb(f"select * from read_csv('{path}', {', '.join(words)})")

    return read


def duckdb_json(path: Path, file: DamagedFile) -> Grid:
    """`read_json` of DuckDB."""
    del file
    return _duckdb(f"select * from read_json('{path}', ignore_errors = '{path.suffix != '.json'}')")


def _duckdb(query: str) -> Grid:
    with duckdb.connect() as connection:
        done = connection.execute(query)
        return [[str(column[0]) for column in done.description or ()], *_texts(done.fetchall())]


def polars_csv(**options: object) -> Setting:
    """`read_csv` of Polars with options."""

    def read(path: Path, file: DamagedFile) -> Grid:
        told = {k: v(file) if callable(v) else v for k, v in options.items()}
        encoding = "utf8" if file.encoding == "utf-8" else file.encoding.replace("-le", "").replace("-be", "")
        told = {"encoding": encoding, **told}
        return _frame(pl.read_csv(path, infer_schema=False, **told))  # type: ignore[arg-type]

    return read


def polars_other(path: Path, file: DamagedFile) -> Grid:
    """The readers of Polars for workbooks and JSON."""
    if _ends(file, ".jsonl", ".ndjson"):
        return _frame(pl.read_ndjson(path, ignore_errors=True))
    if _ends(file, ".json"):
        return _frame(pl.read_json(path))
    if _ends(file, ".ods"):
        return _frame(pl.read_ods(path, has_header=False, drop_empty_rows=False, raise_if_empty=False))
    return _frame(pl.read_excel(path, has_header=False, drop_empty_rows=False, raise_if_empty=False))


def pandas_csv(**options: object) -> Setting:
    """`read_csv` of pandas with options."""

    def read(path: Path, file: DamagedFile) -> Grid:
        import pandas as pd  # type: ignore[import-untyped]

        told = {k: v(file) if callable(v) else v for k, v in options.items()}
        encoding = "utf-8-sig" if file.encoding == "utf-8" else file.encoding
        encoding = "utf-16" if encoding.startswith("utf-16") else encoding
        told = {"encoding": encoding, "header": None, **told}
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False, **told)
        return _texts(frame.itertuples(index=False, name=None))

    return read


def pandas_json(path: Path, file: DamagedFile) -> Grid:
    """`read_json` of pandas."""
    import pandas as pd

    frame = pd.read_json(path, dtype=False, convert_dates=False, lines=_ends(file, ".jsonl", ".ndjson"))
    return [list(map(str, frame.columns)), *_texts(frame.itertuples(index=False, name=None))]


def clevercsv_rows(*, told: bool) -> Setting:
    """The rows of clevercsv, in the dialect that it detects or in the one that it is told."""

    def read(path: Path, file: DamagedFile) -> Grid:
        import clevercsv
        from clevercsv import cparser
        from clevercsv.dialect import SimpleDialect
        from clevercsv.exceptions import Error, NoDetectionResult

        text = path.read_bytes().decode(file.encoding)
        try:
            told_dialect = SimpleDialect(file.delimiter, file.quote, file.escape)
            dialect = told_dialect if told else clevercsv.Sniffer().sniff(text)
            if dialect is None:
                raise ValueError("no dialect was detected")
            return [list(row) for row in clevercsv.reader(io.StringIO(text, newline=""), dialect)]
        except (Error, NoDetectionResult, cparser.Error) as why:
            raise ValueError(str(why)) from why

    return read


# --- settings ---------------------------------------------------------------------------------------------


def _skip(file: DamagedFile) -> int:
    return file.header_line or 0


def _detect_by_words(delimiter: str, quote: str, escape: str, skip: str) -> dict[str, object]:
    """The delimiter, quotation mark, escape and first line that a reader is told, by its own option names."""
    told: dict[str, Callable[[DamagedFile], object]] = {
        delimiter: lambda file: file.delimiter,
        quote: lambda file: file.quote,
        escape: lambda file: file.escape or (None if escape == "escapechar" else file.quote),
        skip: _skip,
    }
    return {name: value for name, value in told.items() if name}


DUCKDB_TOLD = {
    **_detect_by_words("delim", "quote", "escape", "skip"),
    "header": lambda file: file.header_line is not None,
}
LENIENT = {"ignore_errors": True, "null_padding": True, "strict_mode": False}
POLARS_TOLD = _detect_by_words("separator", "quote_char", "", "skip_lines")
PANDAS_TOLD = _detect_by_words("sep", "quotechar", "escapechar", "skiprows")
PANDAS_WIDE = {**PANDAS_TOLD, "names": list(range(12))}
"""With more names than columns, pandas keeps rows that are wider than the first one."""

SETTINGS: dict[str, tuple[Setting, ...]] = {
    "DuckDB": (
        duckdb_csv(),
        duckdb_csv(ignore_errors=True),
        duckdb_csv(**LENIENT),
        duckdb_csv(**DUCKDB_TOLD, ignore_errors=True),
        duckdb_csv(**DUCKDB_TOLD, **LENIENT),
        duckdb_csv(**(DUCKDB_TOLD | {"quote": "", "escape": ""}), ignore_errors=True, null_padding=True),
        duckdb_json,
    ),
    "Polars": (
        polars_csv(),
        polars_csv(**POLARS_TOLD, truncate_ragged_lines=True),
        polars_csv(**POLARS_TOLD, truncate_ragged_lines=True, ignore_errors=True, encoding="utf8-lossy"),
        polars_csv(**(POLARS_TOLD | {"quote_char": None}), truncate_ragged_lines=True, ignore_errors=True),
        polars_csv(**POLARS_TOLD, truncate_ragged_lines=True, eol_char="\r"),
        polars_other,
    ),
    "pandas": (
        pandas_csv(),
        pandas_csv(sep=None, engine="python", on_bad_lines="skip"),
        pandas_csv(**PANDAS_TOLD, on_bad_lines="skip"),
        pandas_csv(**PANDAS_TOLD, on_bad_lines="skip", engine="python"),
        pandas_csv(**PANDAS_TOLD, on_bad_lines="skip", skipinitialspace=True, encoding_errors="replace"),
        pandas_csv(**PANDAS_WIDE, on_bad_lines="skip"),
        pandas_csv(**PANDAS_WIDE, on_bad_lines="skip", quoting=csv.QUOTE_NONE, encoding_errors="replace"),
        pandas_json,
    ),
    "clevercsv": (clevercsv_rows(told=False), clevercsv_rows(told=True)),
}
"""Reader -> the settings that are tried on every file; the best one counts."""
REFUSALS = (
    *(duckdb.Error, pl.exceptions.PolarsError, fastexcel.FastExcelError),
    *(ValueError, OSError, ImportError, csv.Error),
)


def available_readers() -> list[str]:
    """This package, and those of the others that are installed."""
    return [OURS, *(n for n in SETTINGS if importlib.util.find_spec(n.lower()) is not None)]


def run_reader(reader: str, file: DamagedFile, folder: Path) -> Outcome:
    """What a reader makes of a file, which is written into an empty folder."""
    if reader == OURS:
        return our_outcome(file, folder)
    path = folder / file.name
    path.write_bytes(file.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tried: list[Outcome] = []
        for setting in SETTINGS[reader]:
            tried.append(_tried(reader, setting, path, file))
            if tried[-1].exact == len(file.records) and not tried[-1].wrong:
                break
    return max(tried, key=_merit)


def _merit(found: Outcome) -> tuple[int, bool]:
    """What makes one setting better than another: exact records less wrong ones, then any reading at all."""
    return found.exact - found.wrong, not (found.refused or found.rightly_refused or found.crashed)


def _tried(reader: str, setting: Setting, path: Path, file: DamagedFile) -> Outcome:
    seconds = 0.0

    def read() -> list[Record]:
        nonlocal seconds
        begun = time.process_time()
        try:
            grid = setting(path, file)
        except REFUSALS as why:
            raise WholeFileRefused(f"{type(why).__name__}: {why}") from why
        finally:
            seconds = time.process_time() - begun
        return best_claims(grid, file)

    found = outcome(reader, file, read)
    return replace(found, cpu_seconds=seconds)  # without the trial of all styles of values
