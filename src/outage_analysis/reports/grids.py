"""Frames as tables for a page: titles, number formats, names for ids, links to facts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import polars as pl
from markupsafe import Markup

from outage_analysis import fonts
from outage_analysis.labels import Words
from outage_analysis.reports.columns import COLUMNS, Kind

FIGURES: dict[Kind, Callable[[Words, Any], str]] = {
    "money": Words.exact_money,
    "whole": lambda w, value: w.exact(round(value)),
    "decimal": Words.exact,
    "loss": Words.exact_loss,
    "share": Words.share,
    "day": Words.day,
    "unit": Words.counted_in,
    "terms": Words.terms,
    "word": lambda w, value: w(f"word.{str(value).lower()}"),
    "rule": lambda w, value: w(f"rule.{value}") if w.has(f"rule.{value}") else str(value),
}
"""How a value of a kind is written, where it needs nothing but words."""
DERIVED = "derived from "
"""How a source begins that is no address but the facts that a figure was computed from."""
LONGEST = 120
"""Letters of a text from a file that a cell shows: as many as a name may have."""
STYLES: dict[Kind, str] = {
    **dict.fromkeys(("whole", "decimal", "money", "loss", "share", "written"), "n"),
    "day": "d",
}


@dataclass(frozen=True)
class Column:
    """One column of a grid."""

    title: str
    style: str
    """The class of its cells: n for numbers, d for days, empty for text."""


@dataclass(frozen=True)
class Grid:
    """A table ready for a template: every cell is text or safe markup."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str | Markup, ...], ...]


@dataclass(frozen=True)
class Writer:
    """Turns frames into grids in one language."""

    words: Words
    names: Mapping[str, str]
    linked: Collection[str] = ()
    """Facts that have a row on the page to link to."""

    def grid(self, frame: pl.DataFrame, columns: Sequence[str]) -> Grid:
        """The named columns of a frame; `band` stands for `over` and `up_to`."""
        heads = tuple(Column(self.words(f"column.{c}"), STYLES.get(COLUMNS[c], "")) for c in columns)
        rows = tuple(tuple(self._cell(c, row) for c in columns) for row in frame.iter_rows(named=True))
        return Grid(heads, rows)

    def _cell(self, column: str, row: dict[str, Any]) -> str | Markup:
        w, kind = self.words, COLUMNS[column]
        if column == "band" and "band" not in row:
            return self._band(row)
        value = row[column]
        if kind == "counted" and not value:
            return w("report.not_published")
        if value is None or value == "":
            return ""
        if kind in FIGURES:
            return FIGURES[kind](w, value)
        if kind == "name":
            return self.names.get(str(value)) or fonts.shown(str(value))
        if kind == "data":
            return cut(str(value))
        if kind == "names":
            # What follows a colon in a name explains it; a cell has no room for that.
            parts = (self.names.get(part, part).split(":")[0] for part in str(value).split())
            return "; ".join(parts)
        if kind == "links":
            facts = str(value).removeprefix(DERIVED)
            return w("report.derived", facts=facts) if facts != value else _links(facts)
        return (
            self._facts(fonts.shown(str(value))) if kind in ("facts", "counted") else fonts.shown(str(value))
        )

    def _band(self, row: dict[str, Any]) -> str:
        """The band of a row; a whole line has none, and some rows lie across several."""
        if row.get("rule") == "straddles":
            return self.words("word.straddles")
        whole = row["over"] is None and row["up_to"] is None and row.get("level") == "line"
        return "" if whole else self.words.band(row["over"], row["up_to"])

    def _facts(self, ids: str) -> Markup:
        """Fact ids, linked where the page lists them."""
        parts = [
            Markup('<a href="#fact-{0}">{0}</a>').format(i) if i in self.linked else Markup("{}").format(i)
            for i in dict.fromkeys(ids.split())
        ]
        return Markup(", ").join(parts)


def cut(text: str) -> str:
    """Text from a file as a cell shows it: no control or mark of direction, and no more than fits."""
    told = fonts.shown(text[: LONGEST + 1])
    return told if len(told) <= LONGEST else f"{told[: LONGEST - 1]}…"


def _links(text: str) -> Markup:
    """Addresses as links that show their host; anything else stays text."""
    parts = []
    for part in text.split(" ; "):
        address = urlsplit(part)
        web = address.scheme in ("http", "https") and address.netloc
        link = Markup('<a href="{}" rel="noreferrer noopener">{}</a>')
        parts.append(
            link.format(part, address.netloc.removeprefix("www.")) if web else Markup("{}").format(part)
        )
    return Markup(", ").join(parts)
