"""The layout of complaint files: the headers of their columns, and the formats and units of the values."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator

from outage_analysis.errors import InputRefused, UsageError, either
from outage_analysis.files import Document, read_document, refuse_if, spelling_hint
from outage_analysis.text import (
    AMOUNTS,
    CURRENCY,
    CURRENCY_HEADERS,
    DATES,
    SCALES,
    known_encoding,
    mask_personal_data,
    stated_unit,
)

REQUIRED_COLUMNS = ("claim_id", "service", "claimant_type", "filed_on", "loss")
"""Columns that every complaint file must have."""
CANONICAL_COLUMNS = ("claim_id", "claimant_id", "service", "claimant_type", "filed_on", "loss")
"""The columns of a claim, without the dimensions of an incident."""
FILED_AT = "filed_at"
"""An optional column of claims files: the time of filing. The time may also be in the column `filed_on`."""
COUNT = "count"
"""A column of claims files, if a layout names its header: how many claims the row stands for.

The file is read as if the row were written so often: its loss is that of each claim, and the ids of these
claims end in #1, #2 and so on. A reject counts so often, too. Ids are compared before the row is repeated.
"""

_UNIT = r"[십백천만억]+\s*원?"
UNIT_PATTERN = re.compile(rf"단위\s*:?\s*{_UNIT}|[(\[]\s*{_UNIT}\s*[)\]]|^\s*{_UNIT}\s*$")
"""Pattern of a Korean unit other than one won: after the word 단위, in brackets, or alone in a cell."""
FORMAT_UNIT_PATTERN = re.compile(r"[\"\\]\s*[십백천만억]+\s*원?")
"""Pattern of a Korean unit after the number in the number format of a spreadsheet cell."""


def unit_multiplier(unit_text: str) -> Decimal:
    """Return how many units of currency the unit in a text stands for: 10,000 for 만원."""
    match = re.search(r"([십백천]?[만억]|[십백천])", unit_text)
    return SCALES[match[1]] if match else stated_unit(unit_text, brackets_only=True).scale


Scale = Annotated[int, Field(ge=1, le=10**9)] | Annotated[float, Field(gt=0, le=10**9)]
REPLACED = ("formats", "scale", "constants", "computed")
"""Keys whose values by column replace those of a more general document."""
ROW_ID: Literal["row"] = "row"
"""The value under [computed] that makes the id of a claim from the name of its file and its row."""


@lru_cache(maxsize=10_000)
def normalized_name(text: str) -> str:
    """Return a name in a form for comparison: without case, character width, spaces and hyphens."""
    return re.sub(r"[\s\-_.·\u200b\u2060\ufeff]+", "", unicodedata.normalize("NFKC", text).casefold())


class Columns(Document):
    """The headers of the columns in complaint files, and the formats of their values."""

    columns: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Column of a claim -> its headers in files. The name of the column itself is always recognised."""
    formats: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Column of a claim -> the formats of its days or amounts. The defaults are iso and plain."""
    encoding: Annotated[str, AfterValidator(known_encoding)] | None = None
    """The encoding of the files; by default it is detected."""
    scale: dict[str, Scale] = Field(default_factory=dict)
    """Column of a claim -> the value of a unit in the file: 10000 for losses in 만원, 0.5 for half units."""
    constants: dict[str, str] = Field(default_factory=dict)
    """Column of a claim -> its value in every row, if the file has no such column. "" means unknown."""
    computed: dict[str, Literal["row"] | Annotated[tuple[str, ...], Field(min_length=2)]] = Field(
        default_factory=dict
    )
    """Column of a claim -> the headers whose texts are joined to it, if the file has no such column.

    Texts of an id are joined by a hyphen, others by a space: `filed_on = ["date", "time"]`. With
    `claim_id = "row"` the id is the name of the file and the number of the row, unless there is a column.
    If losses are seconds, minutes or hours, `loss = ["due", "arrived"]` is the time between these two
    moments, which are written as filing days are.
    """
    missing: tuple[str, ...] = ()
    """Texts that stand for a missing value, in capital or small letters: NA, -, 미상.

    They do not apply to services and claimant types, whose names the incident lists.
    """

    @field_validator("formats")
    @classmethod
    def _formats_are_known(cls, formats: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for column, names in formats.items():
            known = DATES if column in ("filed_on", FILED_AT) else AMOUNTS
            unknown = next((n for n in names if n not in known), None)
            refuse_if(
                unknown is not None or not names,
                f"has no notation '{unknown or ''}' for {column} | Known: {', '.join(known)}.",
            )
        return formats

    @field_validator("scale")
    @classmethod
    def _scale_is_a_decimal_number(cls, scale: dict[str, Scale]) -> dict[str, Scale]:
        for column, factor in scale.items():
            refuse_if(
                round(Decimal(str(factor)), 9) != Decimal(str(factor)),
                f"has a scale of {column} with more than nine decimals",
            )
        return scale

    @field_validator("computed")
    @classmethod
    def _only_ids_are_rows(cls, computed: dict[str, Any]) -> dict[str, Any]:
        column = next((c for c, parts in computed.items() if parts == ROW_ID and c != "claim_id"), None)
        refuse_if(column is not None, f'makes {column} from the row | Only claim_id may be "row".')
        return computed

    @field_validator("missing")
    @classmethod
    def _missing_texts_are_texts(cls, missing: tuple[str, ...]) -> tuple[str, ...]:
        refuse_if(
            any(not text.strip() for text in missing),
            "has an empty text | Leave it out: an empty cell is always a missing value.",
        )
        return missing

    def unknown_column(self, known: Iterable[str]) -> str | None:
        """Return the first column that the document mentions but `known` lacks; None if there is none."""
        named = {*known, FILED_AT}
        mentioned = [column for key in REPLACED for column in getattr(self, key) if column not in named]
        headers = (*self.columns, *getattr(self, "otherwise", ()))
        return next(iter([*mentioned, *(c for c in headers if c not in {*named, COUNT})]), None)


class Layout(Columns):
    """How the files of one sender map to the columns of a claim; it supplements the incident's document."""

    files: str = "*"
    """Pattern of the names of the files to which the layout applies, with * and ?."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """The delimiter of the fields; by default it is detected from the header and the first rows."""
    quote: Literal['"', "'", "none"] | None = None
    """The quotation mark of a delimited file. With `none`, quotation marks are ordinary text."""
    escape: Literal["\\", "none"] | None = None
    """The escape character: a quotation mark or delimiter after it is an ordinary character.

    By default, or with `none`, a quotation mark inside a quoted field must be doubled.
    """
    header_row: Annotated[int, Field(ge=0)] | None = None
    """The row of the header. 0 means that the file has no header; its columns are then called 1, 2, 3."""
    sheet: str | None = None
    """The sheet of a workbook; by default the only sheet with the required columns."""
    otherwise: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Column of a claim -> headers that are searched if no header under [columns] is found.

    The headers of the incident's document are added here.
    """

    @field_validator("delimiter")
    @classmethod
    def _delimiter_is_allowed(cls, delimiter: str | None) -> str | None:
        refuse_if(
            delimiter is not None and delimiter in "\"'\r\n",
            "is a quotation mark or the end of a line | Write the mark between fields.",
        )
        return delimiter

    def check_columns_known(self, known: Sequence[str]) -> None:
        """Raise an error if the layout mentions a column that claims do not have.

        Raises:
            UsageError: the layout mentions an unknown column. The message suggests the closest known one.
        """
        if foreign := self.unknown_column(known):
            problem = "the layout speaks of a column that no claim has"
            raise UsageError(problem, value=foreign, remedy=spelling_hint(foreign, list(known)))

    def merged_over(self, below: Columns) -> Layout:
        """Return this layout, supplemented by a more general one, such as the incident's.

        Headers of this layout are searched first. Its formats, scales and constants replace those of the
        general layout. The texts for missing values of both layouts apply.
        """
        columns = dict.fromkeys((*self.otherwise, *below.columns))
        update: dict[str, object] = {
            "otherwise": {c: (*self.otherwise.get(c, ()), *below.columns.get(c, ())) for c in columns},
            "encoding": self.encoding or below.encoding,
            "missing": tuple(dict.fromkeys((*self.missing, *below.missing))),
        }
        replaced = {key: {**getattr(below, key), **getattr(self, key)} for key in REPLACED}
        return self.model_copy(update=update | replaced)

    def spellings(self, column: str) -> set[str]:
        """Return all headers that a column may have, without case, spaces and hyphens."""
        own = {CURRENCY: CURRENCY_HEADERS, COUNT: ()}.get(column, (column,))
        headers = (*own, *self.columns.get(column, ()), *self.otherwise.get(column, ()))
        return {normalized_name(header) for header in headers}

    def header_positions(self, cells: Sequence[str], wanted: Iterable[str]) -> dict[str, list[int]]:
        """Find the wanted columns in a header row: column -> positions of the cells that are a header of it.

        Columns that are not found are left out.

        Headers under [columns] take precedence over the other headers of a column. If the file
        lacks the column `filed_on`, the filing date is taken from `filed_at`.
        """
        names, wanted = [normalized_name(cell) for cell in cells], tuple(wanted)

        def places(spellings: Iterable[str]) -> list[int]:
            known = {normalized_name(spelling) for spelling in spellings}
            return [place for place, name in enumerate(names) if name in known]

        found = {c: places(self.columns.get(c, ())) or places(self.spellings(c)) for c in wanted}
        found = {column: positions for column, positions in found.items() if positions}
        moments = places([FILED_AT])
        if moments and "filed_on" in wanted and "filed_on" not in {*found, *self.constants}:
            found["filed_on"] = moments
        if found.get(FILED_AT) == found.get("filed_on"):
            found.pop(FILED_AT, None)
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
        """Return the position of each column of a claim in the header row: column -> position.

        Raises:
            InputRefused: a required column is missing, two headers match one column, or the layout also
                defines the column as a constant.
        """
        known: dict[str, Any] = {"file": file, "row": row}
        searched = [c for c in (*needed, *optional) if self.computed.get(c, ROW_ID) == ROW_ID]
        columns_found = self.header_positions(headers, searched)
        for column, positions in columns_found.items():
            masked = [mask_personal_data(headers[position]) for position in positions]
            if len(masked) > 1:
                value, remedy = " and ".join(masked), "Remove or rename one."
                raise InputRefused(f"two columns stand for {column}", **known, value=value, remedy=remedy)
            if column in self.constants:
                problem = f"has a column for {column}, which the layout gives as a constant"
                raise InputRefused(problem, **known, column=masked[0], remedy="Remove one of the two.")
        known["value"] = mask_personal_data(", ".join(headers))
        for column in needed:
            if column not in columns_found and column not in self.given_columns:
                raise InputRefused(
                    f"the column {column} is missing",
                    **known,
                    remedy="Add it, or name its header under [columns] of the incident or of "
                    + either("a layout", "--columns")
                    + f': {column} = ["..."].',
                )
        found = {column: positions[0] for column, positions in columns_found.items()}
        names = [normalized_name(header) for header in headers]
        for column in (*needed, *optional):
            for part, header in self.parts(column).items():
                if names.count(normalized_name(header)) != 1:
                    raise InputRefused(
                        f"has not one column '{header}', from which {column} is computed",
                        **known,
                        remedy="Name columns of the file under [computed] of the layout.",
                    )
                found[part] = names.index(normalized_name(header))
        return found

    @property
    def counts_claims(self) -> bool:
        """Whether a column says how many claims each row stands for."""
        return COUNT in {*self.columns, *self.otherwise}

    @property
    def given_columns(self) -> set[str]:
        """The columns of a claim for which the file does not need a column.

        The filing date is one of them if `filed_at` is computed.
        """
        return {*self.constants, *self.computed, *(["filed_on"] if FILED_AT in self.computed else [])}

    def parts(self, column: str) -> dict[str, str]:
        """Return the columns to join into a column of a claim: name of the part -> header."""
        headers = self.computed.get(column, ROW_ID)
        return {} if headers == ROW_ID else {f"{column} {n}": h for n, h in enumerate(headers, start=1)}


def load_layout(id_or_path: str | Path | Layout) -> Layout:
    """Read a layout, given its bundled id or the path of a TOML file.

    Raises:
        UsageError: there is no such document, or one of its keys is invalid.
    """
    return read_document(Layout, "layouts", id_or_path)


def with_encoding(layouts: Sequence[Layout], encoding: str | None) -> tuple[Layout, ...]:
    """Return layouts that state an encoding, if there is one; the last is for files without another layout.

    Raises:
        UsageError: the encoding is not known.
    """
    if encoding is None:
        return tuple(layouts)
    try:
        known = known_encoding(encoding)
    except ValueError as error:
        problem, _, remedy = str(error).partition(" | ")
        raise UsageError(problem, remedy=remedy) from None
    return tuple(x.model_copy(update={"encoding": known}) for x in (*layouts, Layout()))


def layout_for(name: str, layouts: Sequence[Layout], incident: Columns) -> Layout:
    """Return the first layout whose pattern matches a file name, supplemented by the incident's layout."""
    for layout in layouts:
        pattern = _normalized_file_name(layout.files).replace("[", "[[]")  # Only * and ? are wildcards.
        if fnmatch.fnmatchcase(_normalized_file_name(name), pattern):
            return layout.merged_over(incident)
    return Layout().merged_over(incident)


def _normalized_file_name(name: str) -> str:
    """Return a file name in lower case and in Unicode form NFC; macOS writes Korean file names in NFD."""
    return unicodedata.normalize("NFC", name.casefold())
