"""What every reader knows and offers: the table that it looks for in a file, and the file that it opened.

A reader opens a file and returns a `SourceFile`. Opening finds the columns and stores no row. The later steps
know files only by this interface, so a new file format is one more function that returns it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import polars as pl

from outage_analysis.claims import header_words
from outage_analysis.claims.cell_values import BLANKS, IDS, duration_sql
from outage_analysis.claims.queries import listed_sql, quote_identifier, quote_literal
from outage_analysis.claims.warehouse import Frames
from outage_analysis.errors import InputRefused, either
from outage_analysis.files import toml_value
from outage_analysis.incidents import (
    COUNT,
    FILED_AT,
    REQUIRED_COLUMNS,
    ROW_ID,
    UNIT_PATTERN,
    Incident,
    Layout,
    unit_multiplier,
)
from outage_analysis.text import (
    CURRENCY,
    Note,
    TextFile,
    checked_scale,
    mask_personal_data,
    scale_remedy,
    title_scale,
)

OPTIONAL_COLUMNS = ("claimant_id", "synthetic", FILED_AT, CURRENCY)
HEADER_SEARCH_ROWS = 50
"""Number of first rows in which the header is searched."""
MIN_HEADER_COLUMNS = 3
"""Fewest columns that a row must name to be recognised as a header."""
DAY_LIKE = re.compile(r"\d{2}.*\d{2}")
"""Pattern that matches every text that may be a day."""

DAY = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}.*|\d{1,2}[-./]\d{1,2}[-./]\d{4}.*")
"""Pattern of a cell that is certainly a date, and therefore not a column name."""


@dataclass
class ExpectedTable:
    """The table of claims that a reader looks for in one file or sheet.

    `number` is the number of the file in the run. `file` is its name in messages.
    """

    number: int
    file: str
    layout: Layout
    incident: Incident
    for_inspection: bool = False
    """Whether the file is only inspected.

    Then every column is read as text, columns of lists or records are allowed, and a unit above the header is
    recorded instead of refused.
    """
    unit: str | None = None
    """The unit that an inspected file states above its header."""

    @cached_property
    def required_columns(self) -> tuple[str, ...]:
        """The columns that a header must name, unless the layout gives them as constants."""
        return (*required_columns(self.incident), *([COUNT] if self.layout.counts_claims else []))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that a header may name."""
        return (*self.required_columns, *OPTIONAL_COLUMNS)

    def column_positions(self, headers: Sequence[str], row: int | None) -> dict[str, int]:
        """Return the position of each column in the header: column -> position.

        The columns are those of a claim. Of an inspected file they are all columns, called c0, c1 and so on.

        Args:
            headers: the cells of the header row.
            row: the number of the header row; None if the file has no such row.

        Raises:
            InputRefused: see `Layout.column_positions` and `checked_scale`; or the header of the losses
                states a scale that the layout does not.
        """
        if self.for_inspection:
            return {f"c{at}": at for at in range(len(headers))}
        days = [header for header in headers if DAY.fullmatch(header)]
        if row and days and not self.layout.header_positions(headers, self.columns):
            raise InputRefused(
                "has a complaint in place of its header",
                file=self.file,
                row=row,
                value=days[0],
                remedy="Add a header, or declare in a layout that there is none: header_row = 0, "
                'and under [columns] the place of each column: claim_id = ["1"].',
            )
        positions = self.layout.column_positions(
            headers, row, needed=self.required_columns, optional=OPTIONAL_COLUMNS, file=self.file
        )
        if COUNT in positions and {"claimant_id", "claimant_id 1"} & positions.keys():
            raise InputRefused(
                "names one claimant for each row and says how many claims the row stands for",
                file=self.file,
                row=row,
                column="claimant_id",
                remedy="Rename the header of the claimants, so that they are not read.",
            )
        about = self.incident
        for column, unit in (("loss", about.loss.unit), (about.paid, about.currency)):
            if column not in positions:
                continue
            header, scaled = headers[positions[column]], column in self.layout.scale
            scale = checked_scale(header, about.currency, unit, scaled=scaled, file=self.file, row=row)
            if scale != 1:
                raise InputRefused(
                    "says a unit in its header",
                    file=self.file,
                    row=row,
                    column=mask_personal_data(header),
                    remedy=scale_remedy(scale),
                )
        unused = (header for at, header in enumerate(headers) if at not in positions.values())
        ignored = "" if about.decision else next((h for h in unused if header_words.means("decision", h)), "")
        if ignored and not (about.window == "observed" and about.rows):
            raise InputRefused(
                "has a column that may say how far each claim has come, and the incident does not mention it",
                file=self.file,
                row=row,
                column=(column := mask_personal_data(ignored)),
                remedy='Add it to the incident: [[dimension]] with id = "decision", a name and kind = '
                f'"decision" (or "text", if it is none), and [columns] decision = [{toml_value(column)}].',
            )
        return positions

    @property
    def numbers_rows(self) -> bool:
        """Whether the id of a claim is the name of the file and the number of the row."""
        return self.layout.computed.get("claim_id") == ROW_ID

    @property
    def constants_sql(self) -> dict[str, str]:
        """SQL for the columns that the layout defines as constants."""
        return {c: quote_literal(v) for c, v in self.layout.constants.items() if c in self.columns}

    def computed_sql(self, cells: Mapping[str, str]) -> dict[str, str]:
        """Return SQL for the columns that the layout computes from other columns of the same row.

        `cells` maps the columns of the file, including the parts to join (`Layout.parts`), to SQL.
        """
        computed = {}
        for column in self.columns:
            texts = []
            for place, part in enumerate(self.layout.parts(column)):
                if part in cells:
                    text = f"trim({cells[part]}, {quote_literal(BLANKS)})"
                    if column in ("filed_on", FILED_AT):
                        text = f"regexp_replace({text}, '{_DAY_ZERO if place else _MIDNIGHT}', '')"
                    texts.append(f"nullif({text}, '')")
            if column == "loss" and (duration := duration_sql(texts, self.incident, self.layout)):
                computed[column] = duration
            elif texts and column in IDS:  # An id lacks no part.
                computed[column] = " || '-' || ".join(texts)
            elif texts:
                computed[column] = f"nullif(concat_ws(' ', {', '.join(texts)}), '')"
        # A computed `filed_at` defines the filing date, if no column `filed_on` does.
        if FILED_AT in computed and "filed_on" not in {*cells, *self.layout.constants, *self.layout.computed}:
            computed["filed_on"] = computed.pop(FILED_AT)
        return computed

    def added_columns(self, columns: Collection[str]) -> tuple[str, str]:
        """Return SQL to add constant and computed columns to rows of text.

        Args:
            columns: the columns of the rows.

        Returns:
            The columns to remove (`exclude`, or an empty text), and the columns to add, as "expression as
            name", each after a comma.
        """
        parts = [part for column in self.columns for part in self.layout.parts(column) if part in columns]
        added = {column: sql for column, sql in self.constants_sql.items() if column not in columns}
        added |= self.computed_sql({column: quote_identifier(column) for column in columns})
        if self.numbers_rows and "claim_id" not in columns and not self.for_inspection:
            added["claim_id"] = f"{quote_literal(f'{self.file}#')} || source_row"
        removed = f"exclude ({', '.join(map(quote_identifier, parts))})" if parts else ""
        return removed, listed_sql(added)

    def header_position(self, rows: Sequence[Sequence[str]]) -> int:
        """Return the position of the header row: the first row that names every required column.

        If no row names all required columns, return the row that names most columns and, if several do, the
        one with the most filled cells. Return -1 if the layout states that the file has no header.
        """
        if self.layout.header_row is not None:
            return self.layout.header_row - 1
        named_columns = [self._named_columns(row) for row in rows[:HEADER_SEARCH_ROWS]]
        wanted = set(self.required_columns) - self.layout.given_columns
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
        named_columns = [self._named_columns(row) for row in rows[: place + 1]]
        # A second header directly above the header is allowed, for example in another language. A header that
        # is further above belongs to another table.
        headers = [at for at in range(place) if len(named_columns[at]) >= MIN_HEADER_COLUMNS]
        if headers and any(any(rows[at]) for at in range(headers[0], place) if at not in headers):
            raise second_table_error(self.file, place + 1)
        for cell in (cell for row in rows[:place] for cell in row):
            if UNIT_PATTERN.search(cell) or title_scale(cell) != 1:
                self.take_unit(cell, "says a unit above its header")
                break
        day = named_columns[place].get("filed_on")
        filled = [row for row in rows[:place] if sum(map(bool, row)) > MIN_HEADER_COLUMNS]
        if day and any(len(row) > day[0] and DAY_LIKE.search(row[day[0]]) for row in filled):
            raise InputRefused(
                "has complaints above its header",
                file=self.file,
                row=place + 1,
                remedy=f"Move it to the top, or say header_row = {place + 1} in "
                + either("a layout (layouts=).", "a --columns layout."),
            )

    def take_unit(self, unit: str, problem: str) -> None:
        """Record the unit that an inspected file states for its losses.

        Raises:
            InputRefused: the file is not only inspected, and its layout gives no scale.
        """
        if self.for_inspection:
            self.unit = unit
        elif "loss" not in self.layout.scale:
            remedy = scale_remedy(unit_multiplier(unit))
            raise InputRefused(problem, file=self.file, value=mask_personal_data(unit), remedy=remedy)

    def is_other_header(self, cells: Sequence[str], positions: Mapping[str, int]) -> bool:
        """Return whether a row that does not fit the header is the header of another table."""
        day = positions.get("filed_on", len(cells))
        if day < len(cells) and DAY_LIKE.search(cells[day]):
            return False
        return len(self._named_columns(cells)) >= MIN_HEADER_COLUMNS

    def _named_columns(self, cells: Sequence[str]) -> dict[str, list[int]]:
        """Return the columns that a row names, if it may be a header.

        A complaint, which has a day, may name columns, too, for example in a text with delimiters.
        """
        dated = any(map(DAY.fullmatch, cells))
        return {} if dated else self.layout.header_positions(cells, self.columns)


def second_table_error(file: str, row: int, line: int | None = None) -> InputRefused:
    """Return the error that is raised if a file contains several tables.

    `row` is the header row of the second table; `line` is the line of this row in a text file. The two
    numbers differ if a cell above has several lines.
    """
    remedy = "one table each" if line is None else f"another table begins in line {line:,}"
    problem = "has the header of another table in the middle"
    return InputRefused(problem, file=file, row=row, remedy=f"Split the file: {remedy}.")


def required_columns(incident: Incident) -> tuple[str, ...]:
    """Return the columns that every complaint file must have, unless its layout defines them as constants."""
    return (*REQUIRED_COLUMNS, *(d.id for d in incident.dimensions))


_MIDNIGHT = r"[ T]00:00:00(\.0+)?$"
"""Pattern of the midnight that spreadsheets and databases append to dates."""
_DAY_ZERO = "^(1899-12-3[01]|1900-01-0[01])[ T]"
"""Pattern of the date that spreadsheets prepend to times."""

BATCH_ROWS = 10_000
"""Most rows that a Python reader holds in memory at a time."""
TextRecord = tuple[int, int, int, Sequence[str | None] | None, str]
"""Row number, byte offset and byte length of a record; its cells, None if all are empty or it cannot be split
into the cells of its header; and why it cannot be split, else an empty text."""


def header_note(row: int) -> Note:
    """Return in words in which row the header is; 0 if there is none."""
    return Note("header_row", row=str(row)) if row else Note("no_header")


@dataclass(frozen=True)
class FileFormat:
    """How a file was read: its encoding and its dialect (delimiter, quotation mark, header row) as text."""

    encoding: str
    dialect: str
    headers: tuple[str, ...]
    header_row: int | None = None
    """The number of the row with the headers; None if the file has no such row."""
    escape: str = ""
    """The escape character of a delimited file; "" if quotation marks are doubled instead."""
    sheet: str = ""
    """The name of the workbook sheet that was read."""
    sheets: tuple[str, ...] = ()
    """The names of all non-empty sheets of the workbook."""


@dataclass(frozen=True)
class EngineQuery:
    """How DuckDB reads the rows of one file."""

    source: str
    """The SQL to insert after `from`. It returns the rows in the order of the file."""
    cells: Mapping[str, str]
    """Column -> SQL for the text of the cell."""
    first_texts: Mapping[str, Iterable[str]]
    """Column -> cell texts of the first rows, which show how the file writes its values."""
    values: Mapping[str, object]
    """The parameters of the query."""
    surplus: Sequence[str] = ()
    """Columns of the source without a header, which should be empty."""


@dataclass(frozen=True)
class RowNumbers:
    """The rows below the header of a file, counted without DuckDB."""

    rows: int
    """The number of rows."""
    uneven: Sequence[int] = ()
    """The row numbers of rows whose fields do not fit the header."""
    several_lines: bool = False
    """Whether some row has several lines. Then DuckDB may be unable to read the file in parallel."""


@dataclass(frozen=True)
class RowTexts:
    """Some rows of a file as text.

    `query` returns source_row, the columns and, for a text file, byte_offset and byte_length. `inputs` are
    the frames that the query reads: rows that a reader has in memory are the frame `read_texts`. `values` are
    the parameters of the query.
    """

    inputs: Frames
    query: str = "from read_texts"
    values: Mapping[str, object] = field(default_factory=dict)
    unreadable: Sequence[tuple[object, ...]] = ()
    """`PLACES` of the records that cannot be split into the cells of the header, and why they cannot."""
    empty: int = 0
    """The number of rows without any text, which are left out."""


PLACES = ("source_row", "byte_offset", "byte_length")


def batches(columns: Iterable[str], records: Iterable[TextRecord]) -> Iterator[RowTexts]:
    """Yield the records of a text file in batches, with the `PLACES` and the texts of these columns."""
    schema = {**dict.fromkeys(PLACES, pl.Int64), **dict.fromkeys(columns, pl.String)}
    source = iter(records)
    while batch := list(islice(source, BATCH_ROWS)):
        unreadable = [(*place, problem) for *place, _, problem in batch if problem]
        rows = [(*place, *cells) for *place, cells, problem in batch if cells is not None and not problem]
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        empty = len(batch) - len(rows) - len(unreadable)
        yield RowTexts({"read_texts": frame}, unreadable=unreadable, empty=empty)


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One opened file, or one sheet of a workbook."""

    table: ExpectedTable
    """The table that the file should contain."""
    columns: Mapping[str, int]
    """The columns that the header names, with their positions in it."""
    file_format: FileFormat
    texts: Callable[[pl.Series | None], Iterator[RowTexts]]
    """Reads rows as text: the rows with these increasing numbers, or all rows below the header."""
    row_numbers: Callable[[], RowNumbers | None] = lambda: None
    """Counts the rows without DuckDB; None if DuckDB may find other row boundaries than `texts`."""
    first_row: int = 1
    """The row number of the first row below the header."""
    engine: EngineQuery | None = None
    """How DuckDB reads all rows; None if the file must be read by its `texts`."""
    text: TextFile | None = None
    """The decoded file; None if the file is not a text file, so that its rows have no byte offsets."""
