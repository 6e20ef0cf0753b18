"""Sections that users add to a report: text, charts and tables, stored as JSON inside the report folder.

The content is checked when it is added and again when a report is read, because anybody may have changed the
report folder in between.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from pydantic import Field, ValidationError

from outage_analysis.charts import stable_spec
from outage_analysis.errors import DisclosureBlocked, InputRefused, UsageError
from outage_analysis.files import Name, Text
from outage_analysis.reports.own_blocks import ColumnKind, OwnBlock, OwnChart, OwnPart, OwnTable, OwnText
from outage_analysis.text import Locale, find_personal_data, fonts

FOLDER = "sections"
"""The folder of the sections in a report folder; they are named 1.json, 2.json and so on."""
MAX_SECTIONS, MAX_BLOCKS = 20, 20
MAX_SECTION_BYTES = 20_000_000
LARGEST_INTEGER = 2**53
"""Larger whole numbers would lose digits in a chart or a sheet."""


class OwnSection(OwnPart):
    """A section that a user adds to a report."""

    title: Name
    blocks: Annotated[tuple[OwnBlock, ...], Field(min_length=1, max_length=MAX_BLOCKS)]

    def to_json(self) -> str:
        """Return the section as JSON; the same section always gives the same text."""
        values = self.model_dump(mode="json")
        return json.dumps(values, ensure_ascii=False, indent=1, sort_keys=False) + "\n"


def own_section(title: object, blocks: Sequence[object]) -> OwnSection:
    """Return a section made of texts, Altair charts and Polars frames.

    Raises:
        UsageError: a block is of another type, too large or empty, or a chart needs a network.
        DisclosureBlocked: a text or a table seems to contain personal data.
    """
    try:
        section = OwnSection(title=_as_text(title, Name), blocks=tuple(map(_block, blocks)))
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        problem, _, remedy = message.partition(" | ")
        raise UsageError(f"the section cannot be added: {problem}", remedy=remedy) from error
    checked = [[section.title.en, section.title.ko], *(list(block.texts()) for block in section.blocks)]
    for number, texts in enumerate(checked):
        found = find_personal_data(pl.Series(texts, dtype=pl.String))
        if found is not None:
            kind, count = found
            raise DisclosureBlocked(
                f"{f'block {number}' if number else 'the title'} of the section contains what looks like "
                f"personal data ({kind}, {count:,} values)",
                remedy="Leave such columns and texts out.",
            )
    return section


def _block(block: object) -> OwnText | OwnChart | OwnTable:
    if isinstance(block, str | Mapping | Text):
        return OwnText(text=_as_text(block, Text))
    if isinstance(block, pl.LazyFrame):
        block = block.collect()
    if isinstance(block, pl.DataFrame):
        return _table(block)
    if callable(getattr(block, "to_dict", None)) and type(block).__module__.split(".")[0] in (
        "altair",
        "outage_analysis",
    ):
        import altair as alt

        with alt.data_transformers.enable("default", max_rows=None):
            spec = block.to_dict()  # type: ignore[attr-defined] # checked above
        return OwnChart(spec=_json_copy(stable_spec(spec)))
    remedy = "Give texts, Altair charts and Polars frames."
    raise UsageError(f"a section cannot contain an object of type {type(block).__name__}", remedy=remedy)


def _as_text(value: object, kind: type[Text]) -> Text:
    """Return a text in both languages from a string or from {"en": ..., "ko": ...}."""
    if isinstance(value, Text):
        return kind(en=value.en, ko=value.ko)
    if isinstance(value, Mapping):
        value = dict(value)
    elif not isinstance(value, str):
        raise UsageError(
            "a title is a text", value=value, remedy='Give a string, or {"en": "...", "ko": "..."}.'
        )
    return kind.model_validate(value)


def _table(frame: pl.DataFrame) -> OwnTable:
    kinds: dict[str, ColumnKind] = {}
    columns: list[list[Any]] = []
    for name, dtype in frame.schema.items():
        values = frame[name].to_list()
        if dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum):
            kinds[name] = "text"
        elif dtype == pl.Boolean:
            kinds[name] = "flag"
        elif dtype == pl.Date:
            kinds[name], values = "day", [None if x is None else x.isoformat() for x in values]
        elif dtype.is_integer():
            kinds[name] = "integer"
            if any(x is not None and abs(x) > LARGEST_INTEGER for x in values):
                raise UsageError(f"the column {name} has whole numbers with more than 15 digits")
        elif dtype.is_float() or isinstance(dtype, pl.Decimal):
            kinds[name], values = "number", [_number(name, x) for x in values]
        else:
            remedy = "Cast it to a text, a number or a date, or leave it out."
            raise UsageError(
                f"the column {name} has the type {dtype}, which a report cannot show", remedy=remedy
            )
        columns.append(values)
    return OwnTable(columns=kinds, rows=tuple(zip(*columns, strict=True)))


def _number(name: str, value: float | Decimal | None) -> float | None:
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        raise UsageError(f"the column {name} has an infinite number")
    return float(value)


def _json_copy(spec: dict[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(spec, ensure_ascii=False))
    return copied


def write_sections(sections: Sequence[OwnSection], folder: Path) -> None:
    """Write the sections of a report into its folder `sections`, if there are any."""
    if sections:
        (folder / FOLDER).mkdir()
    for number, section in enumerate(sections, start=1):
        (folder / FOLDER / f"{number}.json").write_text(section.to_json(), "utf-8")


def read_section(path: Path) -> OwnSection:
    """Read a section from a report folder.

    Raises:
        InputRefused: the file is missing, too large, or not a section of this version.
    """
    try:
        if path.stat().st_size > MAX_SECTION_BYTES:
            raise InputRefused("is too large for a section", file=path)
        return OwnSection.model_validate_json(path.read_bytes())
    except (OSError, ValidationError, RecursionError) as error:
        problem = "is no section of a report of this version"
        raise InputRefused(problem, file=path, remedy="Write the report again.") from error


def own_note(locale: Locale, *, synthetic: bool) -> str:
    """Return the sentence that marks a section as added by the user."""
    note = locale("report.own_note")
    return f"{note} {locale('report.own_synthetic')}" if synthetic else note


def cell_text(locale: Locale, value: object) -> str:
    """Return a value of a user's table as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return locale(f"word.{str(value).lower()}")
    if isinstance(value, int | float):
        return locale.exact(value)
    return locale.day(value) if isinstance(value, date) else fonts.printable(str(value))


@dataclass(frozen=True)
class OwnContent:
    """The charts and tables of all own sections by name, such as `own-1-2` for section 1, block 2."""

    sections: tuple[OwnSection, ...]

    @property
    def charts(self) -> dict[str, OwnChart]:
        """The charts by name."""
        return {name: block for name, block in self._named() if isinstance(block, OwnChart)}

    @property
    def tables(self) -> dict[str, OwnTable]:
        """The tables by name."""
        return {name: block for name, block in self._named() if isinstance(block, OwnTable)}

    def _named(self) -> Iterator[tuple[str, OwnText | OwnChart | OwnTable]]:
        for number, section in enumerate(self.sections, start=1):
            for place, block in enumerate(section.blocks, start=1):
                yield f"own-{number}-{place}", block
