"""Sections that users add to a report: text, charts and tables, stored as JSON inside the report folder.

The content is checked when it is added and again when a report is read, because anybody may have changed the
report folder in between.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import polars as pl
from polars.datatypes import FloatType, IntegerType
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from outage_analysis.charts import stable_spec, style_config
from outage_analysis.errors import DisclosureBlocked, InputRefused, UsageError
from outage_analysis.files import Name, Text, refuse_if, usage_errors
from outage_analysis.text import Column, Unit, find_personal_data, fonts

MAX_PARAGRAPH, MAX_TEXT = 1_500, 10_000
"""The most characters of a paragraph, and of a text of several paragraphs."""
MAX_ROWS, MAX_COLUMNS = 1_000, 16
MAX_CELL = 120
"""The most characters of a text in a table, and of the name of a column."""
MAX_CHART_BYTES = 1_000_000
COMPOSITIONS = {"hconcat", "vconcat", "concat", "facet", "repeat"}
FACETS = {"facet", "row", "column"}
"""Keys and channels of charts with several views, which have a width of their own."""
DATA_KEYS = ("datasets", "values")

Values = tuple[str | int | float | bool | None, ...]
ColumnKind = Literal["text", "integer", "number", "flag", "day"]


class OwnPart(BaseModel):
    """Base class of the content of a section: immutable, with only the declared keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OwnText(OwnPart):
    """One or more paragraphs, separated by empty lines."""

    kind: Literal["text"] = "text"
    text: Text

    @model_validator(mode="after")
    def _not_too_long(self) -> Self:
        for lang in ("en", "ko"):
            refuse_if(
                len(self.text[lang]) > MAX_TEXT or any(len(p) > MAX_PARAGRAPH for p in self.paragraphs(lang)),
                f"a paragraph is longer than {MAX_PARAGRAPH:,} characters, or a text than {MAX_TEXT:,}"
                " | Divide it by empty lines, or into several texts.",
            )
            refuse_if(not self.paragraphs(lang), "a text is empty")
        return self

    def paragraphs(self, lang: str) -> list[str]:
        """Return the paragraphs in a language."""
        parts = re.split(r"\n\s*\n", self.text[lang])
        return [" ".join(part.split()) for part in parts if part.strip()]


class OwnChart(OwnPart):
    """A Vega-Lite chart that contains its data."""

    kind: Literal["chart"] = "chart"
    spec: dict[str, Any]

    @model_validator(mode="after")
    def _self_contained(self) -> Self:
        refuse_if(
            len(json.dumps(self.spec)) > MAX_CHART_BYTES,
            f"a chart is larger than {MAX_CHART_BYTES:,} bytes | Aggregate its data first.",
        )
        refuse_if(
            {"url", "href"} & {*_keys(self.spec)},
            "a chart reads from an address or links to one, and a report works without a network"
            " | Load the data first, and give them to the chart as a frame.",
        )
        return self

    @property
    def drawing(self) -> dict[str, Any]:
        """The specification without its title, in the style of the report.

        A chart of one view that states no width fills the width of the page.
        """
        spec: dict[str, Any] = {k: v for k, v in self.spec.items() if k not in ("title", "usermeta")}
        spec = _without_fonts(spec) | {"background": "white"}
        stated, encoding = spec.get("config"), spec.get("encoding")
        config = style_config(stated if isinstance(stated, dict) else {})
        channels = set(encoding) if isinstance(encoding, dict) else set()
        if not (COMPOSITIONS & spec.keys() or FACETS & channels or "width" in spec):
            spec |= {"width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}
        return spec | {"config": config}


class OwnTable(OwnPart):
    """A table: the name and kind of each column, and the rows."""

    kind: Literal["table"] = "table"
    columns: Annotated[dict[str, ColumnKind], Field(min_length=1)]
    rows: tuple[Values, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        refuse_if(
            len(self.columns) > MAX_COLUMNS or len(self.rows) > MAX_ROWS,
            f"a table has more than {MAX_COLUMNS} columns or {MAX_ROWS:,} rows"
            " | Select columns, aggregate, or take the first rows with head().",
        )
        refuse_if(not self.rows, "a table has no rows")
        longest = max(map(len, _texts(self.model_dump())))
        refuse_if(longest > MAX_CELL, f"a cell or a column name is longer than {MAX_CELL} characters")
        try:
            _ = self.view
        except pl.exceptions.PolarsError as error:
            raise ValueError("a row of a table does not have one value per column, of its kind") from error
        return self

    @property
    def view(self) -> tuple[pl.DataFrame, tuple[Column, ...]]:
        """The table as a data frame, and its columns with their units."""
        frame = pl.DataFrame(
            self.rows, {name: DTYPES[kind] for name, kind in self.columns.items()}, orient="row"
        )
        days = pl.col(name for name, kind in self.columns.items() if kind == "day")
        columns = (Column(n, UNITS[kind], "", title=fonts.printable(n)) for n, kind in self.columns.items())
        return frame.with_columns(days.str.to_date("%Y-%m-%d")), tuple(columns)


OwnBlock = OwnText | OwnChart | OwnTable
DTYPES = {"text": pl.String, "integer": pl.Int64, "number": pl.Float64, "flag": pl.Boolean, "day": pl.String}
"""Kind of a column -> the type of its values in JSON, where a day is a text such as 2024-12-31."""
COLUMN_TYPES: dict[ColumnKind, tuple[type[pl.DataType], ...]] = {
    "text": (pl.String, pl.Categorical, pl.Enum),
    "integer": (IntegerType,),
    "number": (FloatType, pl.Decimal),
    "flag": (pl.Boolean,),
    "day": (pl.Date,),
}
UNITS: dict[ColumnKind, Unit] = {
    "text": "text", "integer": "decimal", "number": "decimal", "flag": "word", "day": "day",
}  # fmt: skip


def _keys(spec: object) -> Iterator[object]:
    """Yield all keys of a specification, except those inside its data."""
    inside = spec.items() if isinstance(spec, dict) else enumerate(spec) if isinstance(spec, list) else ()
    for key, inner in inside:
        yield key
        yield from _keys(inner) if key not in DATA_KEYS else ()


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a value, also the keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        inside = (*value, *value.values()) if isinstance(value, dict) else value
        yield from (text for inner in inside for text in _texts(inner))


def _without_fonts(value: Any) -> Any:  # noqa: ANN401 - JSON values have no common type
    """Return a specification without fonts, whose names other computers may not know."""
    if isinstance(value, dict):
        return {
            key: inner if key in DATA_KEYS else _without_fonts(inner)
            for key, inner in value.items()
            if key not in {"font", "labelFont", "titleFont", "subtitleFont"}
        }
    return [_without_fonts(inner) for inner in value] if isinstance(value, list) else value


FOLDER = "sections"
"""The folder of the sections in a report folder; they are named 1.json, 2.json and so on."""
MAX_SECTIONS, MAX_BLOCKS = 20, 20
MAX_SECTION_BYTES = 20_000_000


class OwnSection(OwnPart):
    """A section that a user adds to a report."""

    title: Name
    blocks: Annotated[
        tuple[Annotated[OwnBlock, Field(discriminator="kind")], ...],
        Field(min_length=1, max_length=MAX_BLOCKS),
    ]

    def to_json(self) -> str:
        """Return the section as JSON; the same section always gives the same text."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"


def own_section(title: object, blocks: Sequence[object]) -> OwnSection:
    """Return a section made of texts, Altair charts and Polars frames.

    Raises:
        UsageError: a block is of another type, too large or empty, or a chart needs a network.
        DisclosureBlocked: a text or a table seems to contain personal data.
    """
    if not isinstance(title, str | dict | Text):
        raise UsageError(
            "a title is a text", value=title, remedy='Give a string, or {"en": "...", "ko": "..."}.'
        )
    with usage_errors("the section cannot be added"):
        section = OwnSection.model_validate({"title": title, "blocks": tuple(map(_block, blocks))})
    for number, part in enumerate((section.title, *section.blocks)):
        texts = pl.Series([*_texts(part.model_dump())], dtype=pl.String)
        if (found := find_personal_data(texts)) is not None:
            kind, count = found
            raise DisclosureBlocked(
                f"{f'block {number}' if number else 'the title'} of the section contains what looks like "
                f"personal data ({kind}, {count:,} values)",
                remedy="Leave such columns and texts out.",
            )
    return section


def _block(block: object) -> OwnBlock:
    if isinstance(block, str | dict | Text):
        return OwnText.model_validate({"text": block})
    if isinstance(block, pl.DataFrame | pl.LazyFrame):
        return _table(block.lazy().collect())
    made_by = type(block).__module__.split(".")[0]
    if callable(getattr(block, "to_dict", None)) and made_by in ("altair", "outage_analysis"):
        import altair as alt

        with alt.data_transformers.enable("default", max_rows=None):
            spec = block.to_dict()  # type: ignore[attr-defined] # checked above
        return OwnChart(spec=json.loads(json.dumps(stable_spec(spec), ensure_ascii=False)))
    raise UsageError(
        f"a section cannot contain an object of type {type(block).__name__}",
        remedy="Give texts, Altair charts and Polars frames.",
    )


def _table(frame: pl.DataFrame) -> OwnTable:
    kinds: dict[str, ColumnKind] = {}
    for name, dtype in frame.schema.items():
        kind = next((kind for kind, types in COLUMN_TYPES.items() if isinstance(dtype, types)), None)
        if kind is None:
            raise UsageError(
                f"the column {name} has the type {dtype}, which a report cannot show",
                remedy="Cast it to a text, a number or a date, or leave it out.",
            )
        kinds[name] = kind
    cast = frame.select(pl.col(name).cast(DTYPES[kind]) for name, kind in kinds.items())
    rows = tuple(cast.fill_nan(None).iter_rows())
    if {math.inf, -math.inf} & {value for row in rows for value in row}:
        raise UsageError("a table has an infinite number", remedy="Leave it out, or write it as a text.")
    return OwnTable(columns=kinds, rows=rows)


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
        raise InputRefused(
            "is no section of a report of this version", file=path, remedy="Write the report again."
        ) from error
