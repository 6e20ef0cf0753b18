"""Where the readers put what they read: rows typed at first sight, rows of text, records that do not fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from pathlib import Path

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
from outage_analysis.claims.readers.typed_rows import TypedRows
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import REQUIRED, UNIT, Incident, Layout, scaled
from outage_analysis.text import masked

OPTIONAL_COLUMNS = ("claimant_id", "synthetic")
BATCH_ROWS = 50_000
"""Rows that a reader of ours holds at a time."""
HEADER_SEARCH_ROWS = 50
"""The header is looked for among so many first rows."""
MIN_HEADER_COLUMNS = 3
"""A row that names so many columns is a header."""

DAY_LIKE = re.compile(r"\d{2}.*\d{2}")
"""What every day looks like."""

ColumnMapper = Callable[[Sequence[str], int | None], dict[str, int]]


@dataclass(frozen=True)
class FileFormat:
    """How a file was read: its encoding, and in words how it was cut into cells."""

    encoding: str
    dialect: str
    sheet: str = ""
    """The sheet of a workbook that was read."""
    sheets: tuple[str, ...] = ()
    """Every sheet of it that holds anything."""
    passed: TypedRows | None = None
    """The rows that were typed at first sight; None where all of them are staged as text."""


@dataclass
class Staging:
    """One file on its way into the tables `fast_rows`, `staged` and `unreadable`.

    `mapping` turns the header (and its row) into the position of each column that is wanted.
    """

    warehouse: Warehouse
    number: int
    name: str
    layout: Layout
    mapping: ColumnMapper
    required_columns: tuple[str, ...]
    """The columns that a header must name, unless they are constants of the layout."""
    columns: tuple[str, ...]
    """The columns that a header may name."""
    workspace: Path
    incident: Incident
    words: dict[str, tuple[str, ...]]
    """Dimension of few words -> those that the table `fast_rows` keeps in a byte each."""
    of_any_type: bool = False
    """Whether a column of lists or records will do as text, and a unit that is said as a remark; then every
    row is staged as text."""
    unit: str | None = None
    """The unit that is said above the header, if that is a remark."""

    def _constants(self) -> dict[str, str]:
        return {c: quote_literal(v) for c, v in self.layout.constants.items() if c in self.columns}

    def pass_by(
        self,
        source: str,
        cells: dict[str, str],
        shown: Dictionary[str, Iterable[str]],
        first: int = 1,
        surplus: Sequence[str] = (),
        about: int = 0,
        **values: object,
    ) -> tuple[int, int]:
        """Type a query's rows at first sight; the place of the first in `fast_rows`, and how many there are.

        Where every row is wanted as text, they are staged so instead.

        Args:
            source: what stands behind `from`; its rows come in the order of the file.
            cells: column -> SQL of its text.
            shown: column -> texts of the first rows.
            first: the number of the first row.
            surplus: columns that should hold nothing.
            about: how many rows there may be.
            values: the parameters of the query.
        """
        if self.of_any_type:
            row = f"row_number() over () + {first - 1}"
            self.select(source, {**cells, "source_row": row}, **values)
            return 0, self.warehouse.count("staged")
        texts = {c: f"nullif({e}, '')" for c, e in self._constants().items()} | cells
        counted = {column: Counter(found) for column, found in shown.items()}
        self._choose_words(counted)
        query = fast_path_sql(
            self.incident,
            self.layout,
            texts,
            counted,
            words=self.words,
            surplus=surplus,
            source=source,
            file=self.number,
        )
        self.warehouse.append_file("fast_rows", query, self.name, about, **values)
        place, rows = self.warehouse.frame(queries.load("fast_row_range"), number=self.number).row(0)
        return place, rows

    def _choose_words(self, shown: Dictionary[str, TextCounts]) -> None:
        """Keep dimensions as words that the first file has few of, until another has many others."""
        if not self.warehouse.count("fast_rows"):
            names = (d.id for d in self.incident.dimensions if d.kind == "text" and d.id in shown)
            self.words.clear()
            self.words |= {c: found for c in names if (found := values_for_enum(shown[c]))}
            create_fast_rows(self.warehouse, self.incident, self.words)
        for column, known in [*self.words.items()]:
            texts = shown.get(column, NO_TEXTS)
            if sum(n for text, n in texts.items() if text and text not in known) > texts.total() * MANY_SHARE:
                del self.words[column]
                self.warehouse.widen("fast_rows", column)

    def select(self, source: str, cells: dict[str, str], chosen: str = "true", /, **values: object) -> None:
        """Stage those rows of a table or query that meet a condition, each column by its expression."""
        columns = "".join(
            f", {e} as {quote_identifier(c)}" for c, e in {**self._constants(), **cells}.items()
        )
        query = queries.load("staged", file=str(self.number), columns=columns, source=source, chosen=chosen)
        self.warehouse.append("staged", query, **values)

    def forget(self, rows: Sequence[int] | None = None) -> None:
        """Take rows of the file out again, by their numbers or all of them."""
        numbers = pl.DataFrame({"number": rows or []}, schema={"number": pl.Int64})
        self.warehouse.load("_numbers", numbers)
        chosen = "" if rows is None else "and source_row in (select number from _numbers)"
        table = "staged" if self.of_any_type else "fast_rows"
        self.warehouse.delete(table, f"file_number = {self.number} {chosen}")

    def frame(self, frame: pl.DataFrame) -> None:
        """Stage a frame of text columns, with source_row and, for a text, byte_offset and byte_length."""
        if len(frame):
            self.warehouse.load("_batch", frame)
            self.select("_batch", {c: quote_identifier(c) for c in frame.columns})

    def unreadable(self, records: Sequence[tuple[int, int, int, str]]) -> None:
        """Keep records that do not fit the header: row, byte offset, byte length, what is wrong."""
        if records:
            schema = {
                "source_row": pl.Int64,
                "byte_offset": pl.Int64,
                "byte_length": pl.Int64,
                "problem": pl.String,
            }
            frame = pl.DataFrame(records, schema=schema, orient="row")
            self.warehouse.append_frame("unreadable", frame.with_columns(file_number=self.number))

    def header_among(self, rows: Sequence[Sequence[str]]) -> int:
        """The position of the header: the first row that names every needed column.

        If none does, the row that names the most, or else the fullest; -1 where the layout says that
        there is no header.
        """
        if self.layout.header_row is not None:
            return self.layout.header_row - 1
        named = [self.layout.recognised(row, self.columns) for row in rows[:HEADER_SEARCH_ROWS]]
        wanted = set(self.required_columns) - self.layout.constants.keys()
        complete = (at for at, found in enumerate(named) if wanted <= found.keys())
        fullest = max(range(len(named)), key=lambda at: (len(named[at]), sum(map(bool, rows[at]))), default=0)
        return next(complete, fullest)

    def refuse_above(self, rows: Sequence[Sequence[str]], place: int) -> None:
        """Refuse a header above which there is more than titles and further headers.

        Raises:
            InputRefused: another header with rows of its own; complaints; a unit of which no scale is said.
        """
        if self.layout.header_row is not None or not rows:
            return
        named = [self.layout.recognised(row, self.columns) for row in rows[: place + 1]]
        # Titles and second headers stand right above; a header with rows below it is of another table.
        headers = [at for at in range(place) if len(named[at]) >= MIN_HEADER_COLUMNS]
        if headers and any(any(rows[at]) for at in range(headers[0], place) if at not in headers):
            raise second_table_error(self.name, place + 1)
        self._refuse_units(rows[:place])
        day = named[place].get("filed_on")
        filled = [row for row in rows[:place] if sum(map(bool, row)) > MIN_HEADER_COLUMNS]
        if day and any(len(row) > day[0] and DAY_LIKE.search(row[day[0]]) for row in filled):
            raise InputRefused(
                "has complaints above its header",
                file=self.name,
                row=place + 1,
                remedy=f"Move it to the top, or say header_row = {place + 1} in a --columns page.",
            )

    def _refuse_units(self, titles: Sequence[Sequence[str]]) -> None:
        said = next((cell for row in titles for cell in row if UNIT.search(cell)), None)
        if self.of_any_type:
            self.unit = said or self.unit
        elif said is not None and "loss" not in self.layout.scale:
            raise InputRefused(
                "says a unit above its header", file=self.name, value=masked(said), remedy=scaled(said)
            )

    def begins_another_table(self, cells: Sequence[str]) -> bool:
        """Whether a row that does not fit the header is a header of its own."""
        return len(self.layout.recognised(cells, self.columns)) >= MIN_HEADER_COLUMNS


def second_table_error(file: str, row: int) -> InputRefused:
    """The refusal of a file that holds several tables."""
    return InputRefused(
        "has the header of another table in the middle",
        file=file,
        row=row,
        remedy="Split the file: one table each.",
    )


def column_types(incident: Incident) -> dict[str, str]:
    """The columns of a typed claim, each with its SQL type."""
    texts = ("claim_id", "claimant_id", "service", "claimant_type")
    kinds = dict.fromkeys(texts, "varchar") | {"filed_on": "date", "loss": "bigint"}
    return kinds | {d.id: "bigint" if d.kind == "number" else "varchar" for d in incident.dimensions}


def typed_columns(incident: Incident) -> str:
    """SQL of the columns of a typed claim, each a null of its type."""
    kinds = column_types(incident) | {"synthetic": "boolean"}
    return ", ".join(f"cast(null as {kind}) as {quote_identifier(c)}" for c, kind in kinds.items())


def create_fast_rows(warehouse: Warehouse, incident: Incident, words: Dictionary[str, Sequence[str]]) -> None:
    """An empty table for rows that are typed at first sight; names and words are kept in a byte each."""
    names = {"service": incident.services, "claimant_type": incident.claimant_types}
    kinds = {c: enum_type(item.id for item in items) for c, items in names.items() if items}
    kinds |= {c: enum_type(known) for c, known in words.items()}
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
    """Empty tables for texts of the files of one run."""
    texts = dict.fromkeys(columns, pl.String)
    keys = {"file_number": pl.Int64, "source_row": pl.Int64, "byte_offset": pl.Int64, "byte_length": pl.Int64}
    warehouse.load("staged", pl.DataFrame(schema={**keys, **texts}))
    warehouse.load("unreadable", pl.DataFrame(schema={**keys, "problem": pl.String}))
    places = {"file_number": pl.Int64, "source_row": pl.Int64, "byte": pl.Int64, "raw": pl.String}
    warehouse.load("located", pl.DataFrame(schema=places))


def required_columns(incident: Incident) -> tuple[str, ...]:
    """The columns that every file must bring, or its layout give as constants."""
    return (*REQUIRED, *(d.id for d in incident.dimensions))
