"""The page of the reference with all tables and columns."""

from __future__ import annotations

from outage_analysis.text import UNITS, Column, Locale, TableSchema, schemas_of

LABELS = Locale("en")
OPENING = """# Tables and their columns

Names and units are the
same in the terminal, in `--json`, in CSV and Parquet files and in notebooks. The report and the workbook
show the titles, in English or Korean.

`analysis.tables.costs` is a table of an analysis. The names of tables computed from claims begin with
`claims_`. If a table below has no name with this prefix, such as `claims_costs`, it has the columns of the
table without the prefix. The names of tables that use facts published after the day of the analysis begin
with `hindsight_`. `analysis.tables.schema("costs")` returns the columns in Python. The metadata of a
Parquet file of a report state unit and meaning of each column.
"""
GROUPS: dict[str, str] = {
    "analysis": "Tables of an analysis",
    "sensitivity": "Tables of `sensitivity`",
    "compare": "Tables of `compare`",
    "solution": "Tables of `solve`",
    "backtest": "Tables of `backtest`",
    "distribution": "Tables of `distribution` and `cube`",
    "query": "Tables of `query`",
    "intake": "Tables of `intake`",
    "documents": "Tables of `assumptions` and `bridge`",
}
NOTES: dict[str, str] = {
    "distribution": "Tables by group begin with one column per dimension, such as `service`.",
    "intake": "The columns of the other tables of `intake` are in the terminal as they are in `--json`.",
}


def dictionary() -> str:
    """The whole page."""
    parts = [OPENING, _units()]
    for group, title in GROUPS.items():
        parts += [f"## {title}\n", *([f"{NOTES[group]}\n"] if group in NOTES else [])]
        parts += [_table(name, schema) for name, schema in schemas_of(group).items()]
    return "\n".join(parts)


def _units() -> str:
    rows = "".join(f"| {unit} | {meaning} |\n" for unit, meaning in UNITS.items())
    return f"## Units\n\n| unit | values |\n| --- | --- |\n{rows}"


def _table(name: str, schema: TableSchema) -> str:
    head = "| column | type | unit | title | meaning |\n| --- | --- | --- | --- | --- |\n"
    rows = "".join(f"| {' | '.join(_cells(column))} |\n" for column in schema.columns)
    return f"### `{name}`\n\n{schema.row}\n\n{head}{rows}"


def _cells(column: Column) -> tuple[str, ...]:
    dtype = "Enum" if str(column.dtype).startswith("Enum") else str(column.dtype)
    return f"`{column.name}`", dtype, str(column.unit), LABELS(f"column.{column.label}"), column.description
