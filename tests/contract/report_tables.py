"""The tables of a report as numbers, and the golden form in which a test compares them."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

GOLDEN_TABLES = Path(__file__).parent / "golden"
MOST_ROWS = 230
"""A longer table is kept as its number of rows and the sum of each column."""
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
WHOLE = re.compile(r"-?\d+")

Value = str | int | float | None
Table = dict[str, list[Value]]
"""Values by column; a row is a position."""
Golden = dict[str, dict[str, object]]


def value_of(text: str) -> Value:
    if WHOLE.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text or None


def read_table(path: Path) -> Table:
    """A CSV file, with numbers in the columns that have nothing else."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        names, *rows = csv.reader(stream)
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return {
        name: [value_of(x) for x in texts] if is_numeric(texts) else list(texts)
        for name, texts in columns.items()
    }


def read_tables(report: Path) -> dict[str, Table]:
    """Every CSV table of a report by its name, the mark of synthetic rows included."""
    return {path.stem: read_table(path) for path in sorted((report / "tables").glob("*.csv"))}


def is_numeric(texts: Iterable[str]) -> bool:
    return all(text == "" or NUMBER.fullmatch(text) for text in texts)


def numeric(table: Table) -> list[str]:
    return [name for name, values in table.items() if not any(isinstance(value, str) for value in values)]


def row_keys(table: Table, keys: Sequence[str]) -> list[str]:
    """What identifies each row, as one text; rows that nothing tells apart are numbered."""
    seen: Counter[str] = Counter()
    texts = []
    for row in zip(*(table[name] for name in keys), strict=True):
        text = "|".join("" if x is None else f"{x:.6g}" if isinstance(x, float) else str(x) for x in row)
        seen[text] += 1
        texts.append(text if seen[text] == 1 else f"{text}#{seen[text]}")
    return texts


# --- writing ------------------------------------------------------------------------------


def golden_tables(runs: Sequence[Mapping[str, Table]]) -> Golden:
    """The golden form of the tables of a report that was written with several seeds, the first one ours."""
    return {name: golden_table([run[name] for run in runs]) for name in runs[0]}


def golden_table(runs: Sequence[Table]) -> dict[str, object]:
    ours = runs[0]
    length = len(next(iter(ours.values())))
    depends = any(len(next(iter(run.values()))) != length for run in runs)  # points of a distribution
    if length > MOST_ROWS or depends:
        sums = [{name: total(run[name]) for name in numeric(ours)} for run in runs]
        return {"rows": length, "sums": {name: kept([x[name] for x in sums]) for name in numeric(ours)}}
    keys = key_columns(runs)
    identified = [dict(zip(row_keys(run, keys), range(length), strict=True)) for run in runs]
    values = {}
    for name in ours:
        if name in keys or is_prose(ours[name]):
            continue
        seen = [
            [run[name][at[key]] for run, at in zip(runs, identified, strict=True)] for key in identified[0]
        ]
        values[name] = [kept(row) for row in seen]
    return {"keys": keys, "rows": list(identified[0]), "values": values}


def kept(seen: Sequence[Value]) -> object:
    """A value that no seed changes; else the mean over the seeds, and three standard deviations."""
    if len(set(seen)) == 1:
        return seen[0]
    numbers = [float(x) for x in seen if isinstance(x, int | float)]
    assert len(numbers) == len(seen), f"not a number with every seed: {seen}"
    return [float(f"{fmean(numbers):.10g}"), float(f"{3 * stdev(numbers):.3g}")]


def key_columns(runs: Sequence[Table]) -> list[str]:
    """The first columns that tell the rows apart, the same with every seed: ids before numbers."""
    ours = runs[0]
    numbers = numeric(ours)
    ids = [name for name in ours if name not in numbers and not is_prose(ours[name])]
    keys = ids[:1] or numbers[:1]
    for name in (*ids, *numbers):
        seeds_agree = all(sorted(map(str, run[name])) == sorted(map(str, ours[name])) for run in runs)
        if seeds_agree and told_apart(ours, [*keys, name]) > told_apart(ours, keys):
            keys.append(name)
    return keys


def told_apart(table: Table, keys: Sequence[str]) -> int:
    return len({tuple(map(str, row)) for row in zip(*(table[name] for name in keys), strict=True)})


def is_prose(values: Iterable[Value]) -> bool:
    """Whether a column has a text of words: ids have a digit, a hyphen or an underscore, or stand alone."""
    texts = [value.split() for value in values if isinstance(value, str)]
    return any(
        len(words) > 1 and not all(re.search(r"[\d_-]", word) for word in words) for words in texts
    ) or any(re.search("[\uac00-\ud7a3]|://", word) for words in texts for word in words)


def total(values: Iterable[Value]) -> Value:
    return sum(value for value in values if isinstance(value, int | float))


def write_golden(name: str, golden: Golden) -> None:
    lines = [f"{json.dumps(table)}: {json.dumps(content, separators=(',', ':'), ensure_ascii=False)}"
             for table, content in golden.items()]  # fmt: skip
    GOLDEN_TABLES.mkdir(exist_ok=True)
    (GOLDEN_TABLES / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


# --- comparing ------------------------------------------------------------------------------


def differences(golden: Golden, tables: Mapping[str, Table]) -> list[str]:
    """What a report lacks or says otherwise, each with its table, row and column."""
    found: list[str] = []
    for name, wanted in golden.items():
        table = tables.get(name)
        found += [f"{name}: no such table"] if table is None else table_differences(name, wanted, table)
    return found


def table_differences(name: str, wanted: Mapping[str, object], table: Table) -> list[str]:
    length = len(next(iter(table.values())))
    if "sums" in wanted:
        columns = dict(wanted["sums"])  # type: ignore[call-overload]
        rows = int(str(wanted["rows"]))
        found = [] if length == rows else [f"{name}: {length} rows instead of {rows}"]
        for column, value in columns.items():
            if column not in table:
                found.append(f"{name}: no column {column}")
            elif not same(value, total(table[column])):
                found.append(f"{name}: the sum of {column} is {total(table[column])}, not {value}")
        return found
    keys, rows_wanted, columns = list(wanted["keys"]), list(wanted["rows"]), dict(wanted["values"])  # type: ignore[call-overload]
    missing = [f"{name}: no column {column}" for column in (*keys, *columns) if column not in table]
    if missing:
        return missing
    places = dict(zip(row_keys(table, keys), range(length), strict=True)) if length else {}
    found = [] if length == len(rows_wanted) else [f"{name}: {length} rows instead of {len(rows_wanted)}"]
    for number, key in enumerate(rows_wanted):
        if key not in places:
            found.append(f"{name}: no row {key}")
            continue
        for column, values in columns.items():
            if not same(values[number], (value := table[column][places[key]])):
                found.append(f"{name}, row {key}: {column} is {value}, not {values[number]}")
    return found


def same(wanted: object, value: Value) -> bool:
    if isinstance(wanted, list):
        centre, tolerance = wanted
        return isinstance(value, int | float) and abs(value - centre) <= tolerance
    if isinstance(wanted, float) and isinstance(value, int | float):
        return abs(value - wanted) <= 1e-9 * abs(wanted)
    return wanted == value or (not wanted and wanted != 0 and not value and value != 0)
