"""Typed tables: the columns of a table with data type, unit, label and description.

All tables are described in tables.csv. The terminal, the report, the workbook, the metadata of Parquet files
and the column dictionary in the docs read them with `schema_of`.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import polars as pl

from outage_analysis.errors import UsageError

Unit = Literal[
    "money", "loss", "loss_squared", "share", "count", "hours", "day", "hour", "decimal", "stated", "flag",
    "text", "data", "id", "name", "names", "word", "rule", "unit", "parameters", "links", "facts",
    "published_count", "formatted",
]  # fmt: skip
"""What the values of a column are, which decides how they are displayed."""
UNSET = pl.Null()
"""A column without a stated data type has the usual one of its unit."""
TYPES: dict[str, pl.DataType] = {
    "": UNSET,
    "text": pl.String(),
    "float": pl.Float64(),
    "integer": pl.Int64(),
    "int32": pl.Int32(),
    "whole": pl.Decimal(38, 0),
    "day": pl.Date(),
    "hour": pl.Datetime("us"),
    "flag": pl.Boolean(),
}


def _lines(name: str) -> list[str]:
    return (files(__package__) / name).read_text("utf-8").splitlines()


_UNITS: list[Any] = list(csv.DictReader(_lines("units.csv")))
UNITS: dict[Unit, str] = {row["unit"]: row["description"] for row in _UNITS}
"""Unit -> description for readers of tables."""
NUMERIC_UNITS: frozenset[Unit] = frozenset(row["unit"] for row in _UNITS if row["number"])
"""Units whose values are numbers."""
DTYPES: dict[Unit | UnitByRow, pl.DataType] = {row["unit"]: TYPES[row["type"]] for row in _UNITS}
"""Unit -> the usual data type of its values."""
TABLE_DIGITS = 10
"""Significant digits of floats in result tables, because vector instructions differ in the last digits."""
ESTIMATE_DIGITS = 6
"""Significant digits of floats that are estimated from draws or by a search."""
SCALE = re.compile(r"\b(theta|median) (\S+) ± ([^\s,]+)")
"""Pattern of the scale parameter of a fitted loss distribution with its error."""


@dataclass(frozen=True, eq=False)
class UnitByRow:
    """A unit that depends on the value in another column of the same row.

    Example:
        >>> unit = UnitByRow("kind", {"review_award": "money"}, otherwise="share")
        >>> unit.in_row({"kind": "review_award"}), unit.in_row({"kind": "take_up"})
        ('money', 'share')
    """

    column: str
    """The column that decides."""
    units: Mapping[str, Unit]
    """Value of this column -> the unit."""
    otherwise: Unit
    """The unit for all other values."""

    def in_row(self, row: Mapping[str, Any]) -> Unit:
        """Return the unit of the value in one row of a table.

        Raises:
            UsageError: the row lacks the column on which the unit depends.
        """
        if self.column not in row:
            raise UsageError(
                "the unit of another column depends on this column, which the table lacks",
                column=self.column,
                remedy="Keep this column in the table.",
            )
        return self.units.get(row[self.column], self.otherwise)

    def __str__(self) -> str:
        values: dict[str, list[str]] = {}
        for value, unit in self.units.items():
            values.setdefault(unit, []).append(f"`{value}`" if value else "empty")
        cases = (f"{unit} if `{self.column}` is {' or '.join(held)}" for unit, held in values.items())
        return f"{', '.join(cases)}; else {self.otherwise}"


@dataclass(frozen=True)
class Column:
    """The declaration of a table column: name, unit, description, data type and title."""

    name: str
    unit: Unit | UnitByRow
    description: str
    dtype: pl.DataType = UNSET
    """The data type; by default the usual one of the unit, such as 64-bit floats for money."""
    label: str = ""
    """Key of the title in `[column]` of the label files; by default the name of the column."""
    shown: bool | Literal["wide"] = True
    """Whether the terminal prints the column: always, never, or only if the whole table fits ("wide"). JSON
    and files have all columns."""
    title: str = ""
    """The title of a column whose title depends on the data, such as a loss band; empty for other columns."""

    def __post_init__(self) -> None:
        """Set the default title (from the name) and the default data type (from the unit)."""
        usual = pl.Float64() if isinstance(self.unit, UnitByRow) else DTYPES[self.unit]
        object.__setattr__(self, "label", self.label or self.name)
        object.__setattr__(self, "dtype", usual if self.dtype is UNSET else self.dtype)

    @property
    def possible_units(self) -> frozenset[Unit]:
        """All units that values of the column can have: one, or several if the unit depends on the row."""
        if isinstance(self.unit, UnitByRow):
            return frozenset((self.unit.otherwise, *self.unit.units.values()))
        return frozenset((self.unit,))

    @property
    def is_number(self) -> bool:
        """Whether the values of the column are numbers, which tables align to the right."""
        return self.possible_units <= NUMERIC_UNITS

    def fits(self, dtype: pl.DataType) -> bool:
        """Return whether a column of this type can be this one: losses in whole currency may be floats."""
        return dtype == self.dtype or (dtype == pl.Float64() and self.unit in ("loss", "loss_squared"))

    def unit_in(self, row: Mapping[str, Any]) -> Unit:
        """Return the unit of the column's value in one row of a table."""
        return self.unit.in_row(row) if isinstance(self.unit, UnitByRow) else self.unit

    def units_in(self, frame: pl.DataFrame) -> list[Unit]:
        """Return the unit of the column's value in each row of a table."""
        if isinstance(self.unit, UnitByRow):
            return [self.unit.in_row(row) for row in frame.iter_rows(named=True)]
        return [self.unit] * len(frame)


@dataclass(frozen=True)
class TableSchema:
    """The columns of a table in order, and a sentence that states what one row is."""

    row: str
    """What one row is, such as "One row per cost line."."""
    columns: tuple[Column, ...]

    def __getitem__(self, name: str) -> Column:
        """Return the column with the name `name`.

        Raises:
            KeyError: the schema has no column with this name.
        """
        return {column.name: column for column in self.columns}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of the table, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The data type of each column by name, for the argument `schema` of Polars."""
        return {column.name: column.dtype for column in self.columns}

    def frame(self, rows: Iterable[Any] = ()) -> pl.DataFrame:
        """Return a table with the columns of this schema from rows, which are tuples or dictionaries."""
        return pl.DataFrame([*rows], schema=self.dtypes, orient="row")

    def pick(self, *names: str) -> tuple[Column, ...]:
        """Return the columns with the names `names`, in the order of the names."""
        return tuple(self[name] for name in names)

    def renamed(self, names: Mapping[str, str]) -> TableSchema:
        """Return the schema with other names for some columns.

        Args:
            names: name of a column -> its new name; other columns keep their names.
        """
        return replace(self, columns=tuple(replace(c, name=names.get(c.name, c.name)) for c in self.columns))

    def without(self, *names: str) -> TableSchema:
        """Return the schema without the columns with the names `names`."""
        return replace(self, columns=tuple(c for c in self.columns if c.name not in names))

    def grouped_by(self, dimensions: Mapping[str, pl.DataType]) -> TableSchema:
        """Return the schema with one further column per dimension, such as service, before its columns.

        Args:
            dimensions: name of a dimension of the claims -> its data type.
        """
        columns = [
            replace(column_of(name), dtype=dtype)
            if ("", name) in _cells()
            else Column(name, "data", "Value of this dimension of the claim.", dtype)
            for name, dtype in dimensions.items()
        ]
        return replace(self, columns=(*columns, *self.columns))

    def whole(self, table: pl.DataFrame, places: Mapping[Unit, int]) -> pl.DataFrame:
        """Return amounts in whole currency, such as euros, of a table that has them in its smallest unit.

        Args:
            table: columns and rows of a table of this schema; further columns stay as they are.
            places: unit -> its decimals (`Locale.places`). Without decimals, the table stays as it is.
        """
        found = [table[c.name].cast(pl.Float64) / unit for c, unit in self._amounts(table, places)]
        for column in self.columns if places.get("loss") else ():
            if column.unit == "parameters" and column.name in table.columns:
                scaled = (scaled_parameters(text, places["loss"]) for text in table[column.name])
                found.append(pl.Series(column.name, scaled, pl.String))
        return table.with_columns(found)

    def smallest(self, table: pl.DataFrame, places: Mapping[Unit, int]) -> pl.DataFrame:
        """Return what `whole` converted: amounts in the smallest unit. Whole numbers are in it already."""
        return table.with_columns(
            (table[c.name] * unit).round().cast(c.dtype) if c.dtype.is_integer() else table[c.name] * unit
            for c, unit in self._amounts(table, places)
            if table[c.name].dtype.is_float()
        )

    def _amounts(self, table: pl.DataFrame, places: Mapping[Unit, int]) -> Iterator[tuple[Column, pl.Series]]:
        """Yield each column of amounts, and how many of its smallest units a whole one has in each row."""
        for column in self.columns:
            has_decimals = column.name in table.columns and any(map(places.get, column.possible_units))
            if has_decimals and table[column.name].dtype.is_numeric():
                units = [10.0 ** places.get(unit, 0) for unit in column.units_in(table)]
                yield column, pl.Series(units, dtype=pl.Float64)

    def metadata(self) -> dict[str, str]:
        """Return metadata for a Parquet file: what one row is, and the columns' units and descriptions."""
        columns = {c.name: {"unit": str(c.unit), "description": c.description} for c in self.columns}
        return {"row": self.row, "columns": json.dumps(columns, ensure_ascii=False)}


def scaled_parameters(text: str, places: int) -> str:
    """Return fitted parameters, such as `theta 12 ± 3`, with their scale in whole currency."""
    unit = 10**places
    return SCALE.sub(lambda m: f"{m[1]} {float(m[2]) / unit:.4g} ± {float(m[3]) / unit:.2g}", text)


AMOUNT_KINDS = ("review_award", "mean_payment", "paid_total", "handling")
"""Kinds of assumptions whose value is an amount; the others are counts and shares."""
AMOUNT_STAGES = ("paid", "total")
"""The stages of a funnel whose outcome is an amount of money; the others are counts."""
UNITS_BY_ROW: dict[str, UnitByRow] = {
    "by_fact": UnitByRow("fact", {"": "money"}, otherwise="stated"),
    "by_kind": UnitByRow("kind", dict.fromkeys(AMOUNT_KINDS, "money"), otherwise="decimal"),
    "by_stage": UnitByRow("stage", dict.fromkeys(AMOUNT_STAGES, "money"), otherwise="count"),
}
"""Units of tables.csv that depend on the row."""
SHOWN: dict[str, bool | Literal["wide"]] = {"": True, "never": False, "wide": "wide"}


@cache
def _cells() -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the rows of tables.csv by table and column.

    A row without a column describes a table: its columns, what one row is, and perhaps `=other`, a table that
    describes columns that this table does not. Among the columns, `=other` stands for all columns of that
    table. A row without a table describes a column that many tables share. A row with both describes a column
    of one table: an empty cell is as in the other table (`=costs` in place of the unit names one) or as in
    the shared column, and `-` is nothing.
    """
    return {(table, column): tuple(cells) for table, column, *cells in csv.reader(_lines("tables.csv"))}


def _column_cells(table: str, name: str) -> tuple[str, ...]:
    cells = _cells().get((table, name), ("",) * 5)
    if not table:
        return cells
    unit, *others = cells
    other = unit if unit.startswith("=") else _cells()[table, ""][2]
    usual = _column_cells(other.removeprefix("="), name)
    own = ("" if unit == other else unit, *others)
    return tuple("" if cell == "-" else cell or given for cell, given in zip(own, usual, strict=True))


def column_of(name: str, table: str = "") -> Column:
    """Return a column of a table that tables.csv describes, or a column that many tables share.

    Raises:
        KeyError: tables.csv does not describe the column.
    """
    unit, description, title, type_, shown = _column_cells(table, name)
    if not unit:
        raise KeyError(f"{table}.{name}")
    known: Any = UNITS_BY_ROW.get(unit, unit)
    dtype = pl.Enum(type_.split("|")) if "|" in type_ else TYPES[type_]
    return Column(name, known, description, dtype, title, SHOWN[shown])


@cache
def schema_of(table: str) -> TableSchema:
    """Return the columns of a table that tables.csv describes.

    Example:
        >>> schema_of("funnel").names
        ('line', 'stage', 'low', 'expected', 'high')
    """
    listed, row, *_ = _cells()[table, ""]
    columns: list[Column] = []
    for name in listed.split():
        if name.startswith("="):
            other = schema_of(name[1:])
            row = row or other.row
            columns += other.columns
        else:
            columns.append(column_of(name, table))
    return TableSchema(row, tuple(columns))


GROUPS = (
    "analysis", "sensitivity", "compare", "solution", "backtest", "distribution", "query", "intake",
    "documents",
)  # fmt: skip
"""The groups of the tables that users get: those of an analysis, and those of single commands."""


def schemas_of(group: str) -> dict[str, TableSchema]:
    """Return the tables of a group by name, in the order in which they are shown.

    The group `analysis` has the tables of an analysis; the other groups have those of single commands.
    """
    start = "" if group == "analysis" else f"{group}."
    names = (
        table.removeprefix(start) for table, column in _cells() if table.startswith(start) and not column
    )
    return {name: schema_of(start + name) for name in names if name and "." not in name}


def all_schemas() -> tuple[TableSchema, ...]:
    """Return the tables of all groups."""
    return tuple(schema for group in GROUPS for schema in schemas_of(group).values())


def matching_schema(frame: pl.DataFrame, schemas: Iterable[TableSchema]) -> TableSchema | None:
    """Return the schema that fits a table, even if the table has only some of its columns or rows.

    A schema fits if it has every column of the table with the same data type. If no schema fits, for example
    because the table has further dimensions, it is enough that a schema has every column of numbers. If the
    units of these columns differ between two schemas that fit, the result is None, because the unit would be
    a guess.
    """
    known = tuple(schemas)
    numbers = [name for name, dtype in frame.schema.items() if dtype.is_numeric()]
    for names in (frame.columns, numbers):
        matching = [s for s in known if all(n in s and s[n].fits(frame.schema[n]) for n in names)]
        if matching:
            units = {tuple(str(schema[name].unit) for name in numbers) for schema in matching}
            return matching[0] if len(units) == 1 and numbers else None
    return None


def escape_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Put an apostrophe before every text of a table that a spreadsheet would run as a formula."""
    texts = pl.col(pl.String, pl.Enum).cast(pl.String)
    return frame.with_columns(texts.str.replace(r"^([=+\-@\t\r])", "'${1}"))
