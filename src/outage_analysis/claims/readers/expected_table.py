"""The table that one file should contain: its columns, and how a reader recognises its header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from outage_analysis.claims.header_words import means_decision
from outage_analysis.claims.queries import listed_sql, quote_identifier, quote_literal
from outage_analysis.claims.readers.cell_values import BLANKS, IDS, duration_sql
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
from outage_analysis.text import CURRENCY, checked_scale, mask_personal_data, scale_remedy, stated_unit

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
            if column in positions:
                self._check_scale(column, unit, headers[positions[column]], row)
        unused = (header for at, header in enumerate(headers) if at not in positions.values())
        ignored = "" if about.decision else next(filter(means_decision, unused), "")
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

    def _check_scale(self, column: str, unit: str, header: str, row: int | None) -> None:
        currency, scaled = self.incident.currency, column in self.layout.scale
        scale = checked_scale(header, currency, unit, scaled=scaled, file=self.file, row=row)
        if scale != 1:
            raise InputRefused(
                "says a unit in its header",
                file=self.file,
                row=row,
                column=mask_personal_data(header),
                remedy=scale_remedy(scale),
            )

    @property
    def numbers_rows(self) -> bool:
        """Whether the id of a claim is the name of the file and the number of the row."""
        return self.layout.computed.get("claim_id") == ROW_ID

    def constants_sql(self, without: Iterable[str] = ()) -> dict[str, str]:
        """Return SQL for the columns that the layout defines as constants, except those in `without`."""
        constants = self.layout.constants.items()
        return {c: quote_literal(v) for c, v in constants if c in self.columns and c not in {*without}}

    def computed_sql(self, cells: Mapping[str, str]) -> dict[str, str]:
        """Return SQL for the columns that the layout computes from other columns of the same row.

        `cells` maps the columns of the file, including the parts to join (`Layout.parts`), to SQL.
        """
        computed = {}
        for column in self.columns:
            moment = column in ("filed_on", FILED_AT)
            texts = [
                _part_sql(cells[part], surplus=(_MIDNIGHT if place == 0 else _DAY_ZERO) if moment else "")
                for place, part in enumerate(self.layout.parts(column))
                if part in cells
            ]
            if column == "loss" and (duration := duration_sql(texts, self.incident, self.layout)):
                computed[column] = duration
            elif texts and column in IDS:  # An id lacks no part.
                computed[column] = " || '-' || ".join(texts)
            elif texts:
                computed[column] = f"nullif(concat_ws(' ', {', '.join(texts)}), '')"
        if self._gives_day(cells) and FILED_AT in computed:
            computed["filed_on"] = computed.pop(FILED_AT)
        return computed

    def computed_texts(self, first_texts: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
        """Return the joined cells of computed columns in the first rows: column -> strings.

        If cells are empty, parts of different rows may be joined, which does not matter here.
        """
        joined = {}
        for column in self.columns:
            parts = [first_texts[part] for part in self.layout.parts(column) if part in first_texts]
            mark = "-" if column in IDS else " "
            if parts:
                joined[column] = [mark.join(filter(None, row)) for row in zip(*parts, strict=False)]
        if self._gives_day(first_texts) and FILED_AT in joined:
            joined["filed_on"] = joined.pop(FILED_AT)
        return joined

    def _gives_day(self, columns: Iterable[str]) -> bool:
        """Return whether a computed `filed_at` defines the filing date, for lack of a column `filed_on`."""
        return not {"filed_on"} & {*columns, *self.layout.constants, *self.layout.computed}

    def added_columns(self, columns: Sequence[str]) -> tuple[str, str]:
        """Return SQL to add constant and computed columns to rows of text.

        Args:
            columns: the columns of the rows.

        Returns:
            The columns to remove (`exclude`, or an empty text), and the columns to add, as "expression as
            name", each after a comma.
        """
        parts = [part for column in self.columns for part in self.layout.parts(column) if part in columns]
        added = self.constants_sql(without=columns)
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
        self._check_units(rows[:place])
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

    def _check_units(self, titles: Sequence[Sequence[str]]) -> None:
        cells = [cell for row in titles for cell in row]
        unit = next(
            (c for c in cells if UNIT_PATTERN.search(c) or stated_unit(c, brackets_only=True).scale != 1),
            None,
        )
        if self.for_inspection:
            self.unit = unit or self.unit
        elif unit is not None and "loss" not in self.layout.scale:
            raise InputRefused(
                "says a unit above its header",
                file=self.file,
                value=mask_personal_data(unit),
                remedy=scale_remedy(unit_multiplier(unit)),
            )

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
    return InputRefused(
        "has the header of another table in the middle",
        file=file,
        row=row,
        remedy="Split the file: one table each."
        if line is None
        else f"Split the file: another table begins in line {line:,}.",
    )


def required_columns(incident: Incident) -> tuple[str, ...]:
    """Return the columns that every complaint file must have, unless its layout defines them as constants."""
    return (*REQUIRED_COLUMNS, *(d.id for d in incident.dimensions))


_MIDNIGHT = r"[ T]00:00:00(\.0+)?$"
"""Pattern of the midnight that spreadsheets and databases append to dates."""
_DAY_ZERO = "^(1899-12-3[01]|1900-01-0[01])[ T]"
"""Pattern of the date that spreadsheets prepend to times."""


def _part_sql(cell: str, surplus: str) -> str:
    text = f"trim({cell}, {quote_literal(BLANKS)})"
    return f"nullif(regexp_replace({text}, '{surplus}', ''), '')" if surplus else f"nullif({text}, '')"
