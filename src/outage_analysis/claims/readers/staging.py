"""Store the rows of one file in SQL tables: as typed values, as texts, or as unreadable records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.claims.readers.fast_path import (
    MANY_SHARE,
    NO_TEXTS,
    TextCounts,
    enum_type,
    fast_path_sql,
    values_for_enum,
)
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import REQUIRED_COLUMNS, UNIT_PATTERN, Incident, Layout, scale_remedy
from outage_analysis.text import mask_personal_data

OPTIONAL_COLUMNS = ("claimant_id", "synthetic")
BATCH_ROWS = 50_000
"""Most rows that a Python reader holds in memory at a time."""
HEADER_SEARCH_ROWS = 50
"""Number of first rows in which the header is searched."""
MIN_HEADER_COLUMNS = 3
"""Fewest columns that a row must name to be recognised as a header."""

DAY_LIKE = re.compile(r"\d{2}.*\d{2}")
"""Pattern that matches every text that may be a day."""

ColumnMapper = Callable[[Sequence[str], int | None], dict[str, int]]


@dataclass(frozen=True)
class FileFormat:
    """How a file was read: its encoding and its dialect (delimiter, quotation mark, header row) as text."""

    encoding: str
    dialect: str
    sheet: str = ""
    """The name of the workbook sheet that was read."""
    sheets: tuple[str, ...] = ()
    """The names of all non-empty sheets of the workbook."""
    typed_rows: TypedRows | None = None
    """The rows that the fast path has read; None if all rows were staged as text."""


@dataclass
class Staging:
    """One file whose rows a reader stores in SQL tables: `fast_rows` (typed), `staged` (text), `unreadable`.

    `mapping` is a function. From the header and its row number it returns the position of each column of a
    claim.
    """

    warehouse: Warehouse
    number: int
    name: str
    layout: Layout
    mapping: ColumnMapper
    required_columns: tuple[str, ...]
    """The columns that a header must name, unless the layout gives them as constants."""
    columns: tuple[str, ...]
    """The columns that a header may name."""
    workspace: Path
    incident: Incident
    enum_values: dict[str, tuple[str, ...]]
    """Dimension with few distinct values -> these values, which `fast_rows` stores as an enum."""
    for_inspection: bool = False
    """Whether the file is only inspected.

    Then every row is staged as text, columns of lists or records are allowed, and a unit above the header is
    recorded instead of refused.
    """
    unit: str | None = None
    """The unit that an inspected file states above its header."""

    def _constants(self) -> dict[str, str]:
        """Return SQL for the columns that the layout defines as constants: column -> value."""
        return {c: quote_literal(v) for c, v in self.layout.constants.items() if c in self.columns}

    def type_rows(
        self,
        source: str,
        cells: dict[str, str],
        first_texts: Dictionary[str, Iterable[str]],
        first_row: int = 1,
        surplus: Sequence[str] = (),
        about: int = 0,
        **values: object,
    ) -> tuple[int, int]:
        """Convert the rows of a query to typed values with SQL (fast path), and append them to `fast_rows`.

        If the file is only inspected, the rows are stored in `staged` as text instead.

        Args:
            source: the SQL to insert after `from`. It must return the rows in the order of the file.
            cells: column -> SQL for the text of the cell.
            first_texts: column -> cell texts of the first rows.
            first_row: the row number of the first row in the file.
            surplus: columns of the source without a header, which should be empty.
            about: the approximate number of rows, for the progress line.
            values: the parameters of the query.

        Returns:
            The rowid of the first row in `fast_rows`, and the number of rows.
        """
        if self.for_inspection:
            row = f"row_number() over () + {first_row - 1}"
            self.stage_query(source, {**cells, "source_row": row}, **values)
            return 0, self.warehouse.count("staged")
        texts = {c: f"nullif({e}, '')" for c, e in self._constants().items()} | cells
        counted = {column: Counter(texts_of_column) for column, texts_of_column in first_texts.items()}
        self._choose_enum_values(counted)
        query = fast_path_sql(
            self.incident,
            self.layout,
            texts,
            counted,
            enum_values=self.enum_values,
            surplus=surplus,
            source=source,
            file=self.number,
        )
        self.warehouse.append_file("fast_rows", query, self.name, about, **values)
        place, rows = self.warehouse.frame(queries.load("fast_row_range"), number=self.number).row(0)
        return place, rows

    def _choose_enum_values(self, first_texts: Dictionary[str, TextCounts]) -> None:
        """Choose, from the first rows, which text dimensions of the incident `fast_rows` stores as SQL enums.

        A dimension with few distinct values in the first file is stored as an enum. If a later file has many
        other values, the column is changed to text.
        """
        if not self.warehouse.count("fast_rows"):
            names = (d.id for d in self.incident.dimensions if d.kind == "text" and d.id in first_texts)
            self.enum_values.clear()
            self.enum_values |= {c: values for c in names if (values := values_for_enum(first_texts[c]))}
            create_fast_rows(self.warehouse, self.incident, self.enum_values)
        for column, known in [*self.enum_values.items()]:
            texts = first_texts.get(column, NO_TEXTS)
            if sum(n for text, n in texts.items() if text and text not in known) > texts.total() * MANY_SHARE:
                del self.enum_values[column]
                self.warehouse.change_to_text("fast_rows", column)

    def stage_query(
        self, source: str, cells: dict[str, str], condition: str = "true", /, **values: object
    ) -> None:
        """Append the rows of a query that meet an SQL condition to `staged`. `cells` maps columns to SQL."""
        columns = "".join(
            f", {e} as {quote_identifier(c)}" for c, e in {**self._constants(), **cells}.items()
        )
        query = queries.load(
            "staged", file=str(self.number), columns=columns, source=source, chosen=condition
        )
        self.warehouse.append("staged", query, **values)

    def remove_rows(self, rows: Sequence[int] | None = None) -> None:
        """Delete rows of this file from its SQL table, by row number; None deletes all rows of the file."""
        numbers = pl.DataFrame({"number": rows or []}, schema={"number": pl.Int64})
        self.warehouse.load("_numbers", numbers)
        condition = "" if rows is None else "and source_row in (select number from _numbers)"
        table = "staged" if self.for_inspection else "fast_rows"
        self.warehouse.delete(table, f"file_number = {self.number} {condition}")

    def stage_frame(self, frame: pl.DataFrame) -> None:
        """Append a frame of cell texts to the table `staged`.

        The frame has a column source_row and, for a text file, byte_offset and byte_length.
        """
        if len(frame):
            self.warehouse.load("_batch", frame)
            self.stage_query("_batch", {c: quote_identifier(c) for c in frame.columns})

    def stage_unreadable(self, records: Sequence[tuple[int, int, int, str]]) -> None:
        """Append records that do not fit the header to the table `unreadable`.

        Each record consists of row number, byte offset, byte length and problem.
        """
        if records:
            schema = {
                "source_row": pl.Int64,
                "byte_offset": pl.Int64,
                "byte_length": pl.Int64,
                "problem": pl.String,
            }
            frame = pl.DataFrame(records, schema=schema, orient="row")
            self.warehouse.append_frame("unreadable", frame.with_columns(file_number=self.number))

    def header_position(self, rows: Sequence[Sequence[str]]) -> int:
        """Return the position of the header row: the first row that names every required column.

        If no row names all required columns, return the row that names most columns and, if several do, the
        one with the most filled cells. Return -1 if the layout states that the file has no header.
        """
        if self.layout.header_row is not None:
            return self.layout.header_row - 1
        named_columns = [self.layout.header_positions(row, self.columns) for row in rows[:HEADER_SEARCH_ROWS]]
        wanted = set(self.required_columns) - self.layout.constants.keys()
        complete = (at for at, columns in enumerate(named_columns) if wanted <= columns.keys())
        fullest = max(
            range(len(named_columns)),
            key=lambda at: (len(named_columns[at]), sum(map(bool, rows[at]))),
            default=0,
        )
        return next(complete, fullest)

    def check_above_header(self, rows: Sequence[Sequence[str]], place: int) -> None:
        """Raise an error if the rows above the header are anything but titles or a second header next to it.

        Raises:
            InputRefused: above the header there is another table, a complaint, or a unit for which the layout
                gives no scale.
        """
        if self.layout.header_row is not None or not rows:
            return
        named_columns = [self.layout.header_positions(row, self.columns) for row in rows[: place + 1]]
        # A second header directly above the header is allowed, for example in another language. A header that
        # is further above belongs to another table.
        headers = [at for at in range(place) if len(named_columns[at]) >= MIN_HEADER_COLUMNS]
        if headers and any(any(rows[at]) for at in range(headers[0], place) if at not in headers):
            raise second_table_error(self.name, place + 1)
        self._check_units(rows[:place])
        day = named_columns[place].get("filed_on")
        filled = [row for row in rows[:place] if sum(map(bool, row)) > MIN_HEADER_COLUMNS]
        if day and any(len(row) > day[0] and DAY_LIKE.search(row[day[0]]) for row in filled):
            raise InputRefused(
                "has complaints above its header",
                file=self.name,
                row=place + 1,
                remedy=f"Move it to the top, or say header_row = {place + 1} in a --columns layout.",
            )

    def _check_units(self, titles: Sequence[Sequence[str]]) -> None:
        unit = next((cell for row in titles for cell in row if UNIT_PATTERN.search(cell)), None)
        if self.for_inspection:
            self.unit = unit or self.unit
        elif unit is not None and "loss" not in self.layout.scale:
            raise InputRefused(
                "says a unit above its header",
                file=self.name,
                value=mask_personal_data(unit),
                remedy=scale_remedy(unit),
            )

    def is_other_header(self, cells: Sequence[str]) -> bool:
        """Return whether a row that does not fit the header is the header of another table."""
        return len(self.layout.header_positions(cells, self.columns)) >= MIN_HEADER_COLUMNS


def second_table_error(file: str, row: int) -> InputRefused:
    """Return the error that is raised if a file contains several tables."""
    return InputRefused(
        "has the header of another table in the middle",
        file=file,
        row=row,
        remedy="Split the file: one table each.",
    )


def column_types(incident: Incident) -> dict[str, str]:
    """Return the columns of a claim with their SQL types."""
    texts = ("claim_id", "claimant_id", "service", "claimant_type")
    kinds = dict.fromkeys(texts, "varchar") | {"filed_on": "date", "loss": "bigint"}
    return kinds | {d.id: "bigint" if d.kind == "number" else "varchar" for d in incident.dimensions}


def typed_columns(incident: Incident) -> str:
    """Return the SQL column list of a claim, with a null of the right type for each column."""
    kinds = column_types(incident) | {"synthetic": "boolean"}
    return ", ".join(f"cast(null as {kind}) as {quote_identifier(c)}" for c, kind in kinds.items())


def create_fast_rows(
    warehouse: Warehouse, incident: Incident, enum_values: Dictionary[str, Sequence[str]]
) -> None:
    """Create the empty table `fast_rows`, for the rows that SQL converts to typed values (fast path).

    Services, claimant types and the dimensions in `enum_values` are stored as SQL enums.
    """
    names = {"service": incident.services, "claimant_type": incident.claimant_types}
    kinds = {c: enum_type(item.id for item in items) for c, items in names.items() if items}
    kinds |= {c: enum_type(known) for c, known in enum_values.items()}
    query = queries.load(
        "empty_fast_rows",
        columns=typed_columns(incident),
        narrowed=", ".join(map(quote_identifier, kinds)),
        enumerated="".join(
            f", cast({quote_identifier(c)} as {kind}) as {quote_identifier(c)}" for c, kind in kinds.items()
        ),
    )
    warehouse.create("fast_rows", query)


def create_text_tables(warehouse: Warehouse, columns: Sequence[str]) -> None:
    """Create the empty tables `staged` (with these columns of text), `unreadable` and `located`."""
    texts = dict.fromkeys(columns, pl.String)
    keys = {"file_number": pl.Int64, "source_row": pl.Int64, "byte_offset": pl.Int64, "byte_length": pl.Int64}
    warehouse.load("staged", pl.DataFrame(schema={**keys, **texts}))
    warehouse.load("unreadable", pl.DataFrame(schema={**keys, "problem": pl.String}))
    places = {"file_number": pl.Int64, "source_row": pl.Int64, "byte": pl.Int64, "raw": pl.String}
    warehouse.load("located", pl.DataFrame(schema=places))


def required_columns(incident: Incident) -> tuple[str, ...]:
    """Return the columns that every complaint file must have, unless its layout defines them as constants."""
    return (*REQUIRED_COLUMNS, *(d.id for d in incident.dimensions))


Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class TypedRows:
    """The rows of one file in the table `fast_rows`, in which the fast path stores typed values."""

    place: int
    """The rowid of the first row of the file in the table. The other rows follow in the order of the file."""
    first: int
    """The row number of the first row in the file."""
    rows: int
    fetch: Callable[[Sequence[int]], int]
    """Stages the texts of rows, given their increasing row numbers. Returns how many of them are empty."""
    uneven: Sequence[int] = ()
    """The row numbers of rows whose fields do not fit the header."""
    gaps: Sequence[int] = ()
    """The row numbers of blank records between other rows. They are not in the table."""

    def places(self, numbers: Sequence[int]) -> Numbers:
        """Convert row numbers of the file to DuckDB rowids of the table `fast_rows`."""
        row_numbers = np.asarray(numbers, np.int64)
        return np.asarray(self.place + row_numbers - self.first - np.searchsorted(self.gaps, row_numbers))

    def numbers(self, places: Numbers) -> Numbers:
        """Convert DuckDB rowids of the table `fast_rows` to row numbers of the file."""
        shifts = self.row_shifts()
        position = np.searchsorted([place for place, _ in shifts], places, side="right")
        return np.asarray(places + np.array([shift for _, shift in shifts])[position - 1])

    def row_shifts(self) -> list[tuple[int, int]]:
        """Return pairs of a rowid and a shift: from this rowid on, row number = rowid + shift.

        The rowids increase. The shift grows by one at each blank record.
        """
        shift = self.first - self.place
        behind = ((gap - shift - before, shift + before + 1) for before, gap in enumerate(self.gaps))
        return [(self.place, shift), *behind]


def shift_sql(place: str, shifts: Sequence[tuple[int, int]]) -> str:
    """Return SQL for the number that must be added to a rowid to get its row number.

    The SQL is a nested `case` that works like a binary search, so that even a thousand shifts take little
    time.
    """
    if len(shifts) <= 1:
        return str(shifts[0][1] if shifts else 0)
    half = len(shifts) // 2
    below, above = shift_sql(place, shifts[:half]), shift_sql(place, shifts[half:])
    return f"case when {place} < {shifts[half][0]} then {below} else {above} end"
