"""The layout of complaint files: which headers hold the columns of a claim, in which notations and units."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import Document, read_document, spelling_hint
from outage_analysis.text import AMOUNTS, DATES, mask_personal_data

REQUIRED_COLUMNS = ("claim_id", "service", "claimant_type", "filed_on", "loss")
"""Columns that every complaint file must have."""
CANONICAL_COLUMNS = ("claim_id", "claimant_id", "service", "claimant_type", "filed_on", "loss")
"""The columns of a claim, without the dimensions of an incident."""

UNITS = {
    f"{times}{unit}": by * of
    for times, by in {"": 1, "십": 10, "백": 100, "천": 1_000}.items()
    for unit, of in {"원": 1, "만원": 10_000, "억원": 100_000_000}.items()
}
"""Korean units of amounts that headers state in brackets, as in 피해액(만원) -> won per unit."""
_UNIT = r"[십백천만억]+\s*원?"
UNIT_PATTERN = re.compile(rf"단위\s*:?\s*{_UNIT}|[(\[]\s*{_UNIT}\s*[)\]]|^\s*{_UNIT}\s*$")
"""A Korean unit other than one won: after the word 단위, in brackets, or alone in a cell."""
FORMAT_UNIT_PATTERN = re.compile(r"[\"\\]\s*[십백천만억]+\s*원?")
"""A Korean unit in the number format of a cell, after the number."""


def scale_remedy(unit_text: str) -> str:
    """The remedy for an error about amounts that state a unit other than won."""
    multiplier = unit_multiplier(unit_text)
    return f"If losses are meant: loss = {multiplier} under [scale] of a --columns layout; if not, loss = 1."


def unit_multiplier(unit_text: str) -> int:
    """How many won one unit of a text is: 10,000 for 만원."""
    match = re.search(r"([십백천]?[만억]|[십백천])", unit_text)
    return UNITS[f"{match[1]}원"] if match else 1


Scale = Annotated[int, Field(ge=1, le=10**9)]


@lru_cache(maxsize=10_000)
def normalized_name(text: str) -> str:
    """A name reduced to what distinguishes it: without case, character width, spaces and hyphens."""
    return re.sub(r"[\s\-_.·]+", "", unicodedata.normalize("NFKC", text).casefold())


def header_multiplier(header: str) -> int:
    """How many won one unit of a header is: 10,000 for 피해액(만원), 1 if it states no unit."""
    unit_text = re.search(r"[(\[](?:단위)?:?([^()\[\]]+)[)\]]$", normalized_name(header))
    return UNITS.get(unit_text[1], 1) if unit_text else 1


class Columns(Document):
    """The headers of the columns in complaint files, and the notations of their values."""

    columns: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Canonical column -> its headers in files; its own name is always recognised."""
    formats: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Canonical column -> the notations of its days or amounts; by default iso and plain."""
    scale: dict[str, Scale] = Field(default_factory=dict)
    """Canonical column -> the value of one unit of the file: 10000 if losses are in 만원."""
    constants: dict[str, str] = Field(default_factory=dict)
    """Canonical column -> the value for every row, if a file has no such column; "" means unknown."""

    @field_validator("formats")
    @classmethod
    def _formats_are_known(cls, formats: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for column, names in formats.items():
            known = DATES if column == "filed_on" else AMOUNTS
            unknown = next((n for n in names if n not in known), None)
            if unknown is not None or not names:
                raise ValueError(
                    f"has no notation '{unknown or ''}' for {column} | Known: {', '.join(known)}."
                )
        return formats

    def unknown_column(self, known: Iterable[str]) -> str | None:
        """The first column that the document mentions and that is not in a list; None if there is none."""
        mentioned = (*self.columns, *self.formats, *self.scale, *self.constants)
        return next((c for c in mentioned if c not in set(known)), None)


class Layout(Columns):
    """The layout of one sender's files; it supplements the layout in the incident's document."""

    files: str = "*"
    """Pattern of the file names that the layout applies to, with * and ?."""
    encoding: Literal["utf-8", "utf-16", "cp949"] | None = None
    """The encoding; by default detected from the bytes."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """The delimiter; by default detected from the header and the first rows."""
    quote: Literal['"', "'", "none"] | None = None
    """The quotation mark of a delimited file; none treats quotation marks as text."""
    header_row: Annotated[int, Field(ge=0)] | None = None
    """The row of the header; 0 for a file without one: its columns are then called 1, 2, 3."""
    sheet: str | None = None
    """The sheet of a workbook; by default the only sheet with the required columns."""
    otherwise: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Canonical column -> headers to use if those under [columns] are absent; the incident's headers are
    added here."""

    @field_validator("delimiter")
    @classmethod
    def _delimiter_is_allowed(cls, delimiter: str | None) -> str | None:
        if delimiter is not None and delimiter in "\"'\r\n":
            raise ValueError("is a quotation mark or the end of a line | Write the mark between fields.")
        return delimiter

    def unknown_column(self, known: Iterable[str]) -> str | None:
        """The first column that the document mentions and that is not in a list; None if there is none."""
        known = tuple(known)
        return super().unknown_column(known) or next((c for c in self.otherwise if c not in known), None)

    def check_columns_known(self, known: Sequence[str]) -> None:
        """Raise an error if the layout mentions a column that claims do not have.

        Raises:
            UsageError: there is such a column; the message suggests the closest known one.
        """
        if foreign := self.unknown_column(known):
            problem = "the --columns layout speaks of a column that no claim has"
            raise UsageError(problem, value=foreign, remedy=spelling_hint(foreign, list(known)))

    def merged_over(self, below: Columns) -> Layout:
        """This layout merged with another one: its headers take precedence, its other entries replace."""
        columns = dict.fromkeys((*self.otherwise, *below.columns))
        return self.model_copy(
            update={
                "otherwise": {c: (*self.otherwise.get(c, ()), *below.columns.get(c, ())) for c in columns},
                "formats": {**below.formats, **self.formats},
                "scale": {**below.scale, **self.scale},
                "constants": {**below.constants, **self.constants},
            }
        )

    def spellings(self, column: str) -> set[str]:
        """Every normalised header of a column."""
        return {
            normalized_name(s)
            for s in (column, *self.columns.get(column, ()), *self.otherwise.get(column, ()))
        }

    def header_positions(self, cells: Sequence[str], wanted: Iterable[str]) -> dict[str, list[int]]:
        """Column -> the positions of cells that are one of its headers; absent columns are left out.

        Headers under [columns] take precedence over the other spellings.
        """
        positions: dict[str, list[int]] = {}
        for position, cell in enumerate(cells):
            positions.setdefault(normalized_name(cell), []).append(position)
        columns_found = {}
        for column in wanted:
            own = {normalized_name(s) for s in self.columns.get(column, ())}
            matches = [p for s in own for p in positions.get(s, ())]
            matches = matches or [p for s in self.spellings(column) for p in positions.get(s, ())]
            if matches:
                columns_found[column] = sorted(matches)
        return columns_found

    def column_positions(
        self,
        headers: Sequence[str],
        row: int | None,
        *,
        needed: Sequence[str],
        optional: Sequence[str],
        file: str,
    ) -> dict[str, int]:
        """Column -> its position among the headers.

        Raises:
            InputRefused: a required column is missing, two headers match one column, the header states a
                unit, or a column is also a constant.
        """
        columns_found = self.header_positions(headers, (*needed, *optional))
        for column, positions in columns_found.items():
            self._check_headers(column, [headers[position] for position in positions], row, file)
        for column in needed:
            if column not in columns_found and column not in self.constants:
                raise InputRefused(
                    f"the column {column} is missing",
                    file=file,
                    row=row,
                    value=mask_personal_data(", ".join(headers)),
                    remedy=f"Add it, or name its header under [columns] of the incident or of --columns: "
                    f'{column} = ["..."].',
                )
        return {column: positions[0] for column, positions in columns_found.items()}

    def _check_headers(self, column: str, headers: Sequence[str], row: int | None, file: str) -> None:
        """Raise an error if the headers of a column are ambiguous.

        Raises:
            InputRefused: two headers match the column, the header states a unit, or the column is also a
                constant.
        """
        masked_headers = [mask_personal_data(header) for header in headers]
        if len(headers) > 1:
            raise InputRefused(
                f"two columns stand for {column}",
                file=file,
                row=row,
                value=" and ".join(masked_headers),
                remedy="Remove or rename one.",
            )
        if column == "loss" and header_multiplier(headers[0]) != 1 and column not in self.scale:
            raise InputRefused(
                "says a unit in its header",
                file=file,
                row=row,
                column=masked_headers[0],
                remedy=scale_remedy(masked_headers[0]),
            )
        if column in self.constants:
            raise InputRefused(
                f"has a column for {column}, which the layout gives as a constant",
                file=file,
                row=row,
                column=masked_headers[0],
                remedy="Remove one of the two.",
            )


def load_layout(id_or_path: str | Path) -> Layout:
    """Read a layout from its bundled id or from a path to TOML.

    Raises:
        UsageError: there is no such document, or one of its keys is invalid.
    """
    return read_document(Layout, "layouts", id_or_path)


def layout_for(name: str, layouts: Sequence[Layout], incident: Columns) -> Layout:
    """The first layout whose pattern matches a file name, merged with the incident's layout."""
    patterns = (
        (layout, _normalized_file_name(layout.files).replace("[", "[[]")) for layout in layouts
    )  # * and ? alone
    fitting = (
        layout for layout, pattern in patterns if fnmatch.fnmatchcase(_normalized_file_name(name), pattern)
    )
    return next(fitting, Layout()).merged_over(incident)


def _normalized_file_name(name: str) -> str:
    """A file name in lower case and Unicode NFC (macOS writes Hangul file names in NFD)."""
    return unicodedata.normalize("NFC", name.casefold())
