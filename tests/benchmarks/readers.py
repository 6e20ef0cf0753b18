"""The readers that the benchmark compares: this package, and others in their best settings.

The others only cut lines into fields. What their texts mean is read as a person would script it: each style
reads a whole column in one way. The benchmark tries all styles on a file and keeps the best, which no script
could know beforehand; so what it measures of these readers is the cutting.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import math
import re
import time
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import product
from pathlib import Path

import duckdb
import fastexcel
import polars as pl

from outage_analysis.incidents import normalized_name
from tests.contract.damaged_files.clean_table import Case, Record
from tests.contract.damaged_files.damaged_file import DamagedFile
from tests.contract.damaged_files.reading import OURS, our_outcome
from tests.contract.damaged_files.scoring import Outcome, WholeFileRefused, outcome, scored

Grid = Sequence[Sequence[str]]
MISSING = {
    "",
    "na",
    "n/a",
    "#n/a",
    "null",
    "none",
    "nan",
    "-",
    "–",
    "--",
    "\\n",
    "미상",
    "unknown",
    "unbekannt",
    "모름",
}
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p")
PATTERNS = {
    "day first": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"),
    "month first": ("%m/%d/%Y", "%m-%d-%Y"),
    "day first, short": ("%d/%m/%y", "%d.%m.%y", "%d-%m-%y"),
    "month first, short": ("%m/%d/%y",),
    "year first, short": ("%y-%m-%d", "%y/%m/%d", "%y.%m.%d", "%y년 %m월 %d일"),
    "year first": ("%Y/%m/%d", "%Y. %m. %d.", "%Y년 %m월 %d일", "%Y%m%d"),
    "month names": (*("%d %B %Y", "%B %d, %Y", "%d-%b-%Y", "%b %d %Y", "%d-%b-%y", "%d %b %Y"), "%d. %B %Y"),
}
GERMAN = {
    "Januar": "January",
    "Februar": "February",
    "März": "March",
    "Mai": "May",
    "Juni": "June",
    "Juli": "July",
}


def iso_day(text: str) -> date | None:
    """A day that a text in ISO form begins with."""
    try:
        return date.fromisoformat(text[:10]) if re.match(r"\d{4}-\d\d-\d\d(?!\d)", text) else None
    except ValueError:
        return None


def pattern_day(patterns: Sequence[str]) -> Callable[[str], date | None]:
    """A function that reads days by the first pattern of `strptime` that fits, with or without a time."""

    def read(text: str) -> date | None:
        for german, english in GERMAN.items():
            text = text.replace(german, english)
        text = re.sub(r"\([월화수목금토일]\)", "", text)
        text = re.sub(r"(오전|오후) (\S+)", lambda m: f"{m[2]} {'AM' if m[1] == '오전' else 'PM'}", text)
        for pattern, clock in product(patterns, TIMES):
            try:
                return datetime.strptime(text, pattern + clock).replace(tzinfo=UTC).date()
            except ValueError:
                continue
        return None

    return read


MIXED = pattern_day(
    [p for order in ("year first", "day first", "month names", "month first") for p in PATTERNS[order]]
)
DAY_STYLES: dict[str, Callable[[str], date | None]] = {
    "iso": iso_day,
    **{name: pattern_day(patterns) for name, patterns in PATTERNS.items()},
    "excel": lambda text: (
        date(1899, 12, 30) + timedelta(int(text)) if re.fullmatch(r"\d{5,10}", text) else None
    ),
    "unix": lambda text: (
        datetime.fromtimestamp(int(text), UTC).date() if re.fullmatch(r"\d{10}", text) else None
    ),
    "mixed, day first": lambda text: iso_day(text) or MIXED(text),
}
AMOUNT_STYLES = [(point, scale) for point in (".", ",") for scale in (1, 1_000, 10_000)]
"""The mark before the decimals, and what one unit in the file stands for."""


@lru_cache(maxsize=100_000)
def amount(text: str, style: tuple[str, int], minor: int) -> int | None:
    """An amount in the smallest unit; None if the text is none."""
    point, scale = style
    digits = re.sub(r"[^\d.,+\-]", "", unicodedata.normalize("NFKC", text))
    digits = digits.replace("," if point == "." else ".", "").replace(point, ".")
    try:
        value = Decimal(digits) * scale * minor
    except InvalidOperation:
        return None
    return int(value) if value == value.to_integral_value() and value >= 0 else None


@lru_cache(maxsize=100_000)
def day_of(style: str, text: str) -> date | None:
    """The day of a text in a style, if it has one."""
    try:
        return DAY_STYLES[style](text)
    except (ValueError, OverflowError):
        return None


@lru_cache
def names_of(case: Case) -> tuple[dict[str, str], dict[str, str]]:
    """The spellings of services and of claimant types, and their ids."""
    incident = case.incident
    return (
        {s: item.id for item in incident.services for s in item.spellings()},
        {s: item.id for item in incident.claimant_types for s in item.spellings()},
    )


def positions_in(grid: Grid, file: DamagedFile) -> tuple[dict[str, int], Grid]:
    """Where each column stands, by the headers that the reader is told, and the rows below."""
    wanted = {column: header.strip() for column, header in file.headers.items()}
    for n, cells in enumerate(grid):
        stripped = [cell.strip().lstrip("\ufeff").strip('"') for cell in cells]
        if all(header in stripped for header in wanted.values()):
            return {column: stripped.index(header) for column, header in wanted.items()}, grid[n + 1 :]
    return dict(file.positions), grid


@dataclass(frozen=True)
class NamedRow:
    """A row whose service and claimant type are known; its day and its loss are texts."""

    claim_id: str
    service: str
    claimant_type: str
    filed_on: str
    loss: str


def named_rows(grid: Grid, file: DamagedFile) -> list[NamedRow]:
    """The rows of a grid that have an id, if the file has ids, and known names."""
    positions, rows = positions_in(grid, file)
    services, types = names_of(file.case)
    found = []
    for row in rows:
        if max(positions.values()) >= len(row):
            continue
        text = {column: row[at].strip() for column, at in positions.items()}
        service = services.get(normalized_name(text["service"]))
        type_ = types.get(normalized_name(text["claimant_type"]))
        id_ = text.get("claim_id", "")
        if service and type_ and not (file.keyed and id_.casefold() in MISSING):
            found.append(NamedRow(id_, service, type_, text["filed_on"], text["loss"]))
    return found


def claims_in(
    rows: Sequence[NamedRow], file: DamagedFile, day_style: str, amount_style: tuple[str, int]
) -> list[Record]:
    """The rows whose day and loss can be read in these styles; equal rows are read once."""
    incident, found = file.case.incident, []
    for row in rows:
        day = day_of(day_style, row.filed_on)
        unstated = row.loss.casefold() in MISSING
        loss = None if unstated else amount(row.loss, amount_style, file.case.minor)
        if day is None or (loss is None and not unstated):
            continue
        if incident.claims_from <= day <= incident.claims_to:
            found.append(Record(row.claim_id, row.service, row.claimant_type, day, loss))
    return list(dict.fromkeys(found)) if file.keyed else found


def best_claims(grid: Grid, file: DamagedFile) -> list[Record]:
    """The claims of a grid in the styles of days and amounts that score best."""
    rows, best, best_score = named_rows(grid, file), [], -1
    for day_style, amount_style in product(DAY_STYLES, AMOUNT_STYLES):
        claims = claims_in(rows, file, day_style, amount_style)
        exact, wrong, _ = scored(file, claims)
        if exact - wrong > best_score:
            best, best_score = claims, exact - wrong
        if best_score == len(file.records):
            break
    return best


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
    if file.name.endswith((".jsonl", ".ndjson")):
        return _frame(pl.read_ndjson(path, ignore_errors=True))
    if file.name.endswith(".json"):
        return _frame(pl.read_json(path))
    if file.name.endswith(".ods"):
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

    frame = pd.read_json(
        path, dtype=False, convert_dates=False, lines=file.name.endswith((".jsonl", ".ndjson"))
    )
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


def _detect_by_words(delimiter: str, quote: str, escape: str, skip: str) -> dict[str, object]:
    """The delimiter, quotation mark, escape and first line that a reader is told, by its own option names."""
    told: dict[str, Callable[[DamagedFile], object]] = {
        delimiter: lambda file: file.delimiter,
        quote: lambda file: file.quote,
        escape: lambda file: file.escape or (None if escape == "escapechar" else file.quote),
        skip: lambda file: file.header_line or 0,
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
    # One setting is better than another by its exact records less wrong ones, then by any reading at all.
    unread = ("refused", "rightly_refused", "crashed")
    return max(tried, key=lambda o: (o.exact - o.wrong, not any(getattr(o, why) for why in unread)))


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
