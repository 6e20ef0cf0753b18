"""The parts of a section that a user adds to a report: texts, charts that contain their data, and tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from outage_analysis.charts import style_config
from outage_analysis.files import Text

MAX_PARAGRAPH, MAX_TEXT = 1_500, 10_000
"""The most characters of a paragraph, and of a text of several paragraphs."""
MAX_ROWS, MAX_COLUMNS = 1_000, 16
MAX_CELL = 120
"""The most characters of a text in a table, and of the name of a column."""
MAX_CHART_BYTES = 1_000_000
COMPOSITIONS = {"hconcat", "vconcat", "concat", "facet", "repeat"}
FACETS = {"facet", "row", "column"}
"""Keys and channels of charts with several views, which have a width of their own."""
FONT_KEYS = {"font", "labelFont", "titleFont", "subtitleFont"}
NETWORK_KEYS = {"url", "href"}
"""Keys with which a chart would read or link something elsewhere."""

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
            if len(self.text[lang]) > MAX_TEXT or any(len(p) > MAX_PARAGRAPH for p in self.paragraphs(lang)):
                raise ValueError(
                    f"a paragraph is longer than {MAX_PARAGRAPH:,} characters, or a text than {MAX_TEXT:,}"
                    " | Divide it by empty lines, or into several texts."
                )
            if not self.paragraphs(lang):
                raise ValueError("a text is empty")
        return self

    def paragraphs(self, lang: str) -> list[str]:
        """Return the paragraphs in a language."""
        parts = re.split(r"\n\s*\n", self.text[lang])
        return [" ".join(part.split()) for part in parts if part.strip()]

    def texts(self) -> Iterator[str]:
        """Yield every text, for the check for personal data."""
        yield from (self.text.en, self.text.ko)


class OwnChart(OwnPart):
    """A Vega-Lite chart that contains its data."""

    kind: Literal["chart"] = "chart"
    spec: dict[str, Any]

    @model_validator(mode="after")
    def _self_contained(self) -> Self:
        if len(json.dumps(self.spec)) > MAX_CHART_BYTES:
            raise ValueError(f"a chart is larger than {MAX_CHART_BYTES:,} bytes | Aggregate its data first.")
        if NETWORK_KEYS & set(_keys(self.spec)):
            raise ValueError(
                "a chart reads from an address or links to one, and a report works without a network"
                " | Load the data first, and give them to the chart as a frame."
            )
        return self

    def texts(self) -> Iterator[str]:
        """Yield every text of the data, for the check for personal data."""
        yield from (text for rows in _data(self.spec) for text in _strings(rows))

    @property
    def title_parts(self) -> tuple[str, str, str]:
        """The title, the subtitle and the footer of the chart; empty if it has none."""
        title = self.spec.get("title") or ""
        if not isinstance(title, dict):
            return _joined(title), "", ""
        lines = title.get("subtitle") or []
        lines = lines if isinstance(lines, list) else [lines]
        meta = self.spec.get("usermeta")
        count = meta.get("footer") if isinstance(meta, dict) else None
        end = count if isinstance(count, int) else len(lines)
        return _joined(title.get("text") or ""), _joined(lines[:end]), _joined(lines[end:])

    @property
    def drawing(self) -> dict[str, Any]:
        """The specification without its title, in the style of the report.

        A chart of one view that states no width fills the width of the page.
        """
        spec: dict[str, Any] = {k: v for k, v in self.spec.items() if k not in ("title", "usermeta")}
        spec = _without_fonts(spec) | {"background": "white"}
        stated, config = spec.get("config"), style_config()
        for key, value in stated.items() if isinstance(stated, dict) else ():
            ours = config.get(key)
            config[key] = ours | value if isinstance(ours, dict) and isinstance(value, dict) else value
        encoding = spec.get("encoding")
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
        if len(self.columns) > MAX_COLUMNS or len(self.rows) > MAX_ROWS:
            raise ValueError(
                f"a table has more than {MAX_COLUMNS} columns or {MAX_ROWS:,} rows"
                " | Select columns, aggregate, or take the first rows with head()."
            )
        if not self.rows:
            raise ValueError("a table has no rows")
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("a row of a table does not have one value per column")
        texts = [*self.columns, *(x for row in self.rows for x in row if isinstance(x, str))]
        if any(len(text) > MAX_CELL for text in texts):
            raise ValueError(f"a cell or a column name is longer than {MAX_CELL} characters")
        for kind, column in zip(self.columns.values(), zip(*self.rows, strict=True), strict=True):
            if any(x is not None and not _is_of_kind(x, kind) for x in column):
                raise ValueError(f"a value of a table is no {kind}")
        return self

    @property
    def frame(self) -> pl.DataFrame:
        """The table as a data frame."""
        dtypes = {
            "text": pl.String,
            "integer": pl.Int64,
            "number": pl.Float64,
            "flag": pl.Boolean,
            "day": pl.Date,
        }
        values = [
            [date.fromisoformat(x) if kind == "day" and isinstance(x, str) else x for x in column]
            for kind, column in zip(self.columns.values(), zip(*self.rows, strict=True), strict=True)
        ]
        return pl.DataFrame(
            [pl.Series(n, v, dtypes[k]) for (n, k), v in zip(self.columns.items(), values, strict=True)]
        )

    def texts(self) -> Iterator[str]:
        """Yield every text, for the check for personal data."""
        yield from self.columns
        yield from (x for row in self.rows for x in row if isinstance(x, str))


OwnBlock = Annotated[OwnText | OwnChart | OwnTable, Field(discriminator="kind")]


def _is_of_kind(value: object, kind: ColumnKind) -> bool:
    if kind == "day":
        try:
            return isinstance(value, str) and bool(date.fromisoformat(value))
        except ValueError:
            return False
    types: dict[str, tuple[type, ...]] = {
        "text": (str,),
        "flag": (bool,),
        "integer": (int,),
        "number": (int, float),
    }
    return isinstance(value, types[kind]) and (kind == "flag" or not isinstance(value, bool))


def _keys(value: object) -> Iterator[str]:
    """Yield all keys of a specification except those inside its data."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in ("datasets", "values"):
                yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def _data(value: object) -> Iterator[object]:
    """Yield the data that a specification contains."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("datasets", "values"):
                yield inner
            else:
                yield from _data(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _data(inner)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _without_fonts(value: Any) -> Any:  # noqa: ANN401 - JSON values have no common type
    """Return a specification without fonts, whose names other computers may not know."""
    if isinstance(value, dict):
        return {
            key: inner if key in ("datasets", "values") else _without_fonts(inner)
            for key, inner in value.items()
            if key not in FONT_KEYS
        }
    return [_without_fonts(inner) for inner in value] if isinstance(value, list) else value


def _joined(text: object) -> str:
    lines = text if isinstance(text, list) else [text]
    return " ".join(str(line) for line in lines).strip()
