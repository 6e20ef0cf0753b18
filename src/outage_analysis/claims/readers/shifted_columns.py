"""Reject files whose rows have more fields than the header, if the header may lack a delimiter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.readers.cell_values import BLANKS, value_sql
from outage_analysis.claims.readers.dialects import SAMPLE_ROWS, Dialect
from outage_analysis.claims.readers.expected_table import ExpectedTable
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import normalized_name
from outage_analysis.text import mask_personal_data

NAME_COLUMNS = ("service", "claimant_type")
EXAMPLE_COLUMNS = ("loss", "filed_on")
"""The columns from which the error message takes an example cell: the first one that is shifted."""
MAX_CELL_LENGTH = 24
"""Most characters of a cell that the error message shows."""
LETTERS = re.compile(r"[^\W\d_]{2,}")
MIN_WIDER_SHARE = 0.9
"""A column name is missing if at least this share of the rows has an additional field and is readable."""
MIN_READABLE_SHARE = 0.5
"""A shift is impossible if it leaves less than this share of the readable cells of some column readable."""


def with_missing_name(table: ExpectedTable, dialect: Dialect, warehouse: Warehouse) -> Dialect:
    """Insert an empty column name into the header if each row has one field more than the header.

    The name is inserted at the only position at which the dates, amounts and names of services are valid.
    Some programs write row numbers into a first column without a name.

    Raises:
        InputRefused: the values are valid for several positions of the empty name, or for none.
    """
    rows = [row for row in dialect.preview[:SAMPLE_ROWS] if row]
    width = len(dialect.headers) + 1
    wider = [row for row in rows if len(row) == width]
    if not dialect.header_row or dialect.surplus or len(wider) < max(2, MIN_WIDER_SHARE * len(rows)):
        return dialect
    named_columns = table.layout.header_positions(dialect.headers, table.columns)
    named = {column: places[0] for column, places in named_columns.items()}
    readings: dict[tuple[int, ...], int] = {}
    for gap in reversed(range(width)):
        mapping = {column: at + (at >= gap) for column, at in named.items()}
        if named and _Reading(table, warehouse, mapping, wider).fits():
            readings[tuple(mapping.values())] = gap
    gaps = sorted(readings.values())
    numbers = [row[0].strip() for row in wider]
    counts_rows = any(numbers == [str(at) for at in range(first, first + len(wider))] for first in (0, 1))
    if len(gaps) > 1 and gaps[0] == 0 and counts_rows and len({row[1] for row in wider}) == len(wider):
        gaps = [gap for gap in gaps if gap != 1]
    if len(gaps) != 1:
        raise InputRefused(
            f"has {width} fields in each row and {width - 1} names in its header",
            file=table.file,
            row=dialect.header_row,
            value=mask_personal_data(", ".join(dialect.headers)),
            remedy="Add the missing name to the header.",
        )
    headers = (*dialect.headers[: gaps[0]], "", *dialect.headers[gaps[0] :])
    return replace(dialect, headers=headers, width=width)


def check_not_shifted(
    table: ExpectedTable, dialect: Dialect, mapping: dict[str, int], warehouse: Warehouse
) -> None:
    """Raise an error if rows have more fields than the header and the header may lack a delimiter.

    Every row ends in empty cells without a header. There are two possible reasons. Either each row has
    superfluous delimiters at its end, or a delimiter is missing in the header. In the second case, the cells
    of all columns after the missing delimiter are further right than the header says. Such a shift is
    impossible if the days, amounts or names of a column become unreadable with it. The delimiter cannot be
    missing in a header cell that is the name of a known column.

    Raises:
        InputRefused: the rows can be read with a shift as well as without.
    """
    rows = [
        (dialect.header_row + 1 + at, row)
        for at, row in enumerate(dialect.preview[:SAMPLE_ROWS])
        if len(row) == dialect.width and any(row)
    ]
    reading = _Reading(table, warehouse, mapping, [row for _, row in rows])
    columns = sorted(mapping, key=lambda column: mapping[column])
    for (gap, name), by in product(enumerate(dialect.headers), range(1, dialect.surplus + 1)):
        behind = [column for column in columns if mapping[column] > gap]
        if gap not in mapping.values() and reading.can_be_shifted(behind, by):
            number, row = rows[0]
            column = next((c for c in EXAMPLE_COLUMNS if c in behind), behind[0])
            one, other = (_cell_and_place(row, mapping[column] + more) for more in (0, by))
            header, fields = mask_personal_data(name), "fields" if dialect.surplus > 1 else "field"
            raise InputRefused(
                f"has {dialect.surplus} more {fields} in each row than in its header, and its columns can be "
                "read in two ways",
                file=table.file,
                row=number,
                column=column,
                value=f"{one}, or {other} if the header lacks a delimiter in '{header}'",
                remedy="Add the missing delimiter to the header: there, or at its end if each row only "
                "ends in one too many.",
            )


def _cell_and_place(row: Sequence[str], at: int) -> str:
    text = row[at].strip(BLANKS)
    short = len(text) <= MAX_CELL_LENGTH and not LETTERS.search(text)
    return f"{mask_personal_data(text) if short else f'{len(text)} characters'} in field {at + 1}"


@dataclass(frozen=True)
class _Reading:
    """The first rows of a file, to test whether their cells still fit if columns are shifted right."""

    table: ExpectedTable
    warehouse: Warehouse
    mapping: dict[str, int]
    rows: Sequence[Sequence[str]]

    def can_be_shifted(self, columns: Sequence[str], by: int) -> bool:
        """Return whether the columns can be read `by` fields further right, and are not all empty there."""
        filled = any(self._texts(column, by) for column in columns)
        return filled and not any(self._contradicts(column, by) for column in columns)

    def fits(self) -> bool:
        """Return whether nearly all dates, amounts, services and claimant types are readable."""
        checked = [c for c in (*NAME_COLUMNS, *EXAMPLE_COLUMNS) if c in self.mapping]
        texts = {column: len(self._texts(column, 0)) for column in checked}
        return len(checked) > 1 and all(
            texts[c] and self._readable(c, 0) >= MIN_WIDER_SHARE * texts[c] for c in checked
        )

    def _contradicts(self, column: str, by: int) -> bool:
        kinds = {d.id: d.kind for d in self.table.incident.dimensions}
        optional = column == "claimant_id" or column in kinds
        if kinds.get(column) == "text" or (optional and not self._texts(column, by)):
            return False  # Any text, or no value, is valid here, so the shift remains possible.
        return self._readable(column, by) < MIN_READABLE_SHARE * self._readable(column, 0)

    def _texts(self, column: str, by: int) -> list[str]:
        """Return the non-empty cells `by` fields further right than the header of a column."""
        cells = (row[self.mapping[column] + by].strip(BLANKS) for row in self.rows)
        return [cell for cell in cells if cell]

    def _readable(self, column: str, by: int) -> int:
        """Return the number of cells that are readable `by` fields further right than a column's header."""
        texts, incident = self._texts(column, by), self.table.incident
        if column in NAME_COLUMNS:
            return sum(normalized_name(text) in incident.known_ids[column] for text in texts)
        if column not in ("filed_on", "loss", *(d.id for d in incident.dimensions)):
            return len(texts)
        cells = pl.Series(f"raw_{column}", texts, pl.String).to_frame()
        query = queries.load("readable_cells", value=value_sql(column, incident, self.table.layout))
        return int(self.warehouse.frame(query, inputs={"cells": cells}).item())
