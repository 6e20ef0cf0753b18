"""How complaint files bring the columns of a claim: under which headers, in which notations and units."""

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
CANONICAL_COLUMNS = ("claim_id", "claimant_id", "service", "claimant_type", "filed_on", "loss")
"""The columns of a claim, beside the dimensions that an incident declares."""

UNITS = {
    f"{times}{unit}": by * of
    for times, by in {"": 1, "십": 10, "백": 100, "천": 1_000}.items()
    for unit, of in {"원": 1, "만원": 10_000, "억원": 100_000_000}.items()
}
"""What may be said of amounts in brackets: 피해액(만원), (단위: 천원)."""
_UNIT = r"[십백천만억]+\s*원?"
UNIT_PATTERN = re.compile(rf"단위\s*:?\s*{_UNIT}|[(\[]\s*{_UNIT}\s*[)\]]|^\s*{_UNIT}\s*$")
"""A unit other than one won, said as such: after the word, in brackets, or alone in its cell."""
FORMAT_UNIT_PATTERN = re.compile(r"[\"\\]\s*[십백천만억]+\s*원?")
"""A unit in a number format, behind the number."""


def scale_remedy(said: str) -> str:
    """What to do about amounts whose unit is said somewhere."""
    return f"If losses are meant: loss = {unit_multiplier(said)} under [scale] of a --columns page; if not, loss = 1."


def unit_multiplier(said: str) -> int:
    """What one unit of the amounts stands for, by a text that says it."""
    words = re.search(r"([십백천]?[만억]|[십백천])", said)
    return UNITS[f"{words[1]}원"] if words else 1


Scale = Annotated[int, Field(ge=1, le=10**9)]


@lru_cache(maxsize=10_000)
def normalized_name(text: str) -> str:
    """A name as people type it, reduced to what distinguishes it: case, width, spaces and hyphens go."""
    return re.sub(r"[\s\-_.·]+", "", unicodedata.normalize("NFKC", text).casefold())


def header_multiplier(header: str) -> int:
    """What one unit of a header's amounts stands for: 10,000 in 피해액(만원), 1 where it says nothing."""
    said = re.search(r"[(\[](?:단위)?:?([^()\[\]]+)[)\]]$", normalized_name(header))
    return UNITS.get(said[1], 1) if said else 1


class Columns(Document):
    """What the columns of complaint files are called, and how they are written."""

    columns: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Canonical column -> the headers under which it may arrive, beside its own name."""
    formats: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Canonical column -> the notations of its days or amounts; by default iso and plain."""
    scale: dict[str, Scale] = Field(default_factory=dict)
    """Canonical column -> what one unit of the file stands for: 10000 where losses are in 만원."""
    constants: dict[str, str] = Field(default_factory=dict)
    """Canonical column -> the value of every row, where a file has no such column; "" is unknown."""

    @field_validator("formats")
    @classmethod
    def _formats_are_known(cls, formats: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for column, names in formats.items():
            known = DATES if column == "filed_on" else AMOUNTS
            strange = next((n for n in names if n not in known), None)
            if strange is not None or not names:
                raise ValueError(
                    f"has no notation '{strange or ''}' for {column} | Known: {', '.join(known)}."
                )
        return formats

    def unknown_column(self, known: Iterable[str]) -> str | None:
        """The first column that it speaks of and that is none of these."""
        spoken = (*self.columns, *self.formats, *self.scale, *self.constants)
        return next((c for c in spoken if c not in set(known)), None)


class Layout(Columns):
    """How the files of one sender are laid out, beside what the incident's page says of all."""

    files: str = "*"
    """The names of the files that it is about, with * and ?."""
    encoding: Literal["utf-8", "utf-16", "cp949"] | None = None
    """By default decided from the bytes."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """By default decided from the header and the first rows."""
    quote: Literal['"', "'", "none"] | None = None
    """The quotation mark of a delimited file; none reads every mark as text."""
    header_row: Annotated[int, Field(ge=0)] | None = None
    """The row of the header; 0 for a file without one, whose columns are then called 1, 2, 3."""
    sheet: str | None = None
    """The sheet of a workbook; by default the only one that has the columns."""
    otherwise: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Canonical column -> headers to try where those under [columns] are absent; the incident's are."""

    @field_validator("delimiter")
    @classmethod
    def _delimits(cls, delimiter: str | None) -> str | None:
        if delimiter is not None and delimiter in "\"'\r\n":
            raise ValueError("is a quotation mark or the end of a line | Write the mark between fields.")
        return delimiter

    def unknown_column(self, known: Iterable[str]) -> str | None:
        """The first column that it speaks of and that is none of these."""
        known = tuple(known)
        return super().unknown_column(known) or next((c for c in self.otherwise if c not in known), None)

    def check_columns_known(self, known: Sequence[str]) -> None:
        """Refuse to speak of a column that no claim has.

        Raises:
            UsageError: such a column, with the nearest that there is.
        """
        if foreign := self.unknown_column(known):
            problem = "the --columns page speaks of a column that no claim has"
            raise UsageError(problem, value=foreign, remedy=spelling_hint(foreign, list(known)))

    def merged_over(self, below: Columns) -> Layout:
        """This page before another: its headers are tried first, its other entries replace."""
        both = dict.fromkeys((*self.otherwise, *below.columns))
        return self.model_copy(
            update={
                "otherwise": {c: (*self.otherwise.get(c, ()), *below.columns.get(c, ())) for c in both},
                "formats": {**below.formats, **self.formats},
                "scale": {**below.scale, **self.scale},
                "constants": {**below.constants, **self.constants},
            }
        )

    def spellings(self, column: str) -> set[str]:
        """Every folded header of a column."""
        return {
            normalized_name(s)
            for s in (column, *self.columns.get(column, ()), *self.otherwise.get(column, ()))
        }

    def header_positions(self, cells: Sequence[str], wanted: Iterable[str]) -> dict[str, list[int]]:
        """Which of the wanted columns these cells name as headers, and where."""
        places: dict[str, list[int]] = {}
        for place, cell in enumerate(cells):
            places.setdefault(normalized_name(cell), []).append(place)
        found = {}
        for column in wanted:
            own = {normalized_name(s) for s in self.columns.get(column, ())}
            where = [p for s in own for p in places.get(s, ())]
            where = where or [p for s in self.spellings(column) for p in places.get(s, ())]
            if where:
                found[column] = sorted(where)
        return found

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
            InputRefused: a needed column that is missing, or one that two headers stand for.
        """
        found = self.header_positions(headers, (*needed, *optional))
        for column, places in found.items():
            self._refuse_doubtful(column, [headers[place] for place in places], row, file)
        for column in needed:
            if column not in found and column not in self.constants:
                raise InputRefused(
                    f"the column {column} is missing",
                    file=file,
                    row=row,
                    value=mask_personal_data(", ".join(headers)),
                    remedy=f"Add it, or name its header under [columns] of the incident or of --columns: "
                    f'{column} = ["..."].',
                )
        return {column: places[0] for column, places in found.items()}

    def _refuse_doubtful(self, column: str, headers: Sequence[str], row: int | None, file: str) -> None:
        """Refuse headers that stand for one column between them, say a unit, or rival a constant."""
        shown = [mask_personal_data(header) for header in headers]
        if len(headers) > 1:
            raise InputRefused(
                f"two columns stand for {column}",
                file=file,
                row=row,
                value=" and ".join(shown),
                remedy="Remove or rename one.",
            )
        if column == "loss" and header_multiplier(headers[0]) != 1 and column not in self.scale:
            raise InputRefused(
                "says a unit in its header",
                file=file,
                row=row,
                column=shown[0],
                remedy=scale_remedy(shown[0]),
            )
        if column in self.constants:
            raise InputRefused(
                f"has a column for {column}, which the page gives as a constant",
                file=file,
                row=row,
                column=shown[0],
                remedy="Remove one of the two.",
            )


def load_layout(id_or_path: str | Path) -> Layout:
    """Read a layout from its bundled id or from a path to TOML.

    Raises:
        UsageError: no such page, or one that breaks a rule, by key.
    """
    return read_document(Layout, "layouts", id_or_path)


def layout_for(name: str, layouts: Sequence[Layout], incident: Columns) -> Layout:
    """The first layout whose pattern fits a file's name, before what the incident says of all files."""
    patterns = (
        (page, _normalized_file_name(page.files).replace("[", "[[]")) for page in layouts
    )  # * and ? alone
    fitting = (
        page for page, pattern in patterns if fnmatch.fnmatchcase(_normalized_file_name(name), pattern)
    )
    return next(fitting, Layout()).merged_over(incident)


def _normalized_file_name(name: str) -> str:
    """A file's name whatever its case, and whether Hangul comes whole or, as from a Mac, in letters."""
    return unicodedata.normalize("NFC", name.casefold())
