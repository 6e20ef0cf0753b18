"""The parts of a report that every format draws: sections, texts, charts, and tables of texts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Any, Literal
from urllib.parse import urlsplit

import polars as pl
from markupsafe import Markup

from outage_analysis.text import TRANSLATORS, Column, Locale, Unit, column_of, fonts, scaled_parameters


@dataclass(frozen=True, kw_only=True)
class Marked:
    """What every block of a section has: the mark that says whether the slides show it."""

    slide: bool = False
    """Whether a slide shows the block. The speaker notes have the texts of every block."""


@dataclass(frozen=True)
class Text(Marked):
    """A paragraph of a report section; `role` sets its emphasis."""

    text: str
    role: Literal["plain", "strong", "warning"] = "plain"


@dataclass(frozen=True)
class Heading(Marked):
    """A heading inside a report section."""

    text: str


@dataclass(frozen=True)
class BulletList(Marked):
    """A bulleted list in a report section."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class KeyFigures(Marked):
    """A row of figures, each with its title."""

    figures: tuple[tuple[str, str], ...]

    @property
    def items(self) -> tuple[str, ...]:
        """One text per figure, for formats without a layout for figures."""
        return tuple(f"{title}: {figure}" for title, figure in self.figures)


@dataclass(frozen=True)
class TableBlock(Marked):
    """A table in a report section: the name of the table in `Report.grids`, and its caption."""

    grid: str
    caption: str
    folded: bool = False
    """Whether the HTML page hides the table until the reader opens it."""


@dataclass(frozen=True)
class ChartBlock(Marked):
    """A chart in a report section: its name in `Report.charts`, and a table with the same figures."""

    chart: str
    table: TableBlock | None = None


Block = Text | Heading | BulletList | KeyFigures | TableBlock | ChartBlock


@dataclass(frozen=True)
class Section:
    """A section of the report: a title, and blocks of text, tables and charts."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    synthetic: bool = False
    """Whether the section is based on synthetic claims; every format then labels it as synthetic."""
    hindsight: bool = False
    """Whether the section shows what became known after the as-of day."""
    appendix: bool = False
    """Whether the HTML page hides the section until the reader opens it."""
    printed: bool = True
    """Whether the PDF prints the section; with every appendix it would have thirty pages."""
    facts: tuple[str, ...] = ()
    """Ids of the published facts behind the section, which its slides cite."""

    @property
    def groups(self) -> list[tuple[str, list[Block]]]:
        """The blocks below each heading; those before the first heading are below the title."""
        groups: list[tuple[str, list[Block]]] = [(self.title, [])]
        for block in self.blocks:
            if isinstance(block, Heading):
                groups.append((block.text, []))
            else:
                groups[-1][1].append(block)
        return groups


@dataclass(frozen=True)
class Answers:
    """The texts of the first screen: how much and how sure, why, and what to decide."""

    headline: tuple[str, ...]
    """How much and how sure, with the scope; then what the figure does not include."""
    reserve: tuple[tuple[str, str], ...]
    """The amounts to set aside: the measure, such as the median, and the amount."""
    recommended: tuple[str, ...]
    """What to set aside and what to decide first, and why."""
    drives: tuple[str, ...]
    options: pl.DataFrame
    """The options of the decision; the first is the announced policy."""
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class PageChart:
    """A chart whose titles are separate texts, because titles inside a drawing cannot wrap."""

    spec: dict[str, Any] = field(repr=False)
    title: str
    subtitle: str
    footer: str
    hindsight: bool = False
    """Whether the chart shows what became known after the as-of day.

    The data of such a chart are embedded only in the hindsight section.
    """
    synthetic: bool = False
    """Whether the chart shows synthetic claims. The section of a chart that the user adds states it."""

    @property
    def description(self) -> str:
        """The text alternative of the chart, for readers who cannot see it."""
        return str(self.spec["description"])


FORMATTERS: dict[Unit, Callable[[Locale, Any], str]] = {
    "money": Locale.exact_money,
    "count": lambda locale, value: locale.exact(floor(value + 0.5)),
    "decimal": Locale.exact,
    "hours": Locale.exact,
    "stated": Locale.exact,
    "loss": Locale.exact_loss,
    "share": Locale.share,
    "day": Locale.day,
    "hour": lambda locale, value: f"{locale.day(value)} {value:%H:%M}",
    "data": lambda _, value: truncate(str(value)),
    "parameters": lambda locale, value: locale.translated_distribution(
        scaled_parameters(value, locale.loss_digits)
    ),
    **TRANSLATORS,
}
"""Unit -> the function that formats a value, for units that need only the locale."""
MAX_CELL_LENGTH = 120
"""The most characters of an input text that a cell shows; names may be no longer."""


@dataclass(frozen=True)
class GridColumn:
    """The title and style of one column of a formatted table."""

    title: str
    style: str
    """The CSS class of its cells: n for numbers, d for days, empty for text."""


@dataclass(frozen=True)
class Grid:
    """A formatted table; every cell is plain text or safe HTML."""

    columns: tuple[GridColumn, ...]
    rows: tuple[tuple[str | Markup, ...], ...]


@dataclass(frozen=True)
class TableFormatter:
    """Formats data frames as `Grid` tables in one language."""

    locale: Locale
    names: Mapping[str, str]
    linked: Collection[str] = ()
    """Ids of the facts that the report lists; cells link to their rows."""

    def grid(self, frame: pl.DataFrame, columns: Sequence[Column]) -> Grid:
        """Format the columns `columns` of a data frame as a table of texts.

        If the frame has no column `band`, the loss band is composed from the band edges `over` and `up_to`.
        """
        styles = ("n" if c.is_number else "d" if c.unit == "day" else "" for c in columns)
        heads = tuple(map(GridColumn, map(self._title, columns), styles))
        rows = tuple(tuple(self._cell(c, row) for c in columns) for row in frame.iter_rows(named=True))
        return Grid(heads, rows)

    def _title(self, column: Column) -> str:
        title, unit = column.title or self.locale(f"column.{column.label}"), self.locale.loss_unit_name
        return self.locale.with_unit(title, f"({unit})") if column == column_of("band") and unit else title

    def _cell(self, column: Column, row: dict[str, Any]) -> str | Markup:
        if column == column_of("band") and "band" not in row:
            return self._band(row)
        locale, unit, value = self.locale, column.unit_in(row), row[column.name]
        if unit == "published_count" and not value:
            return locale("report.not_published")
        if value is None or value == "":
            return ""
        if unit in FORMATTERS:
            return FORMATTERS[unit](locale, value)
        if unit == "name":
            return self.names.get(str(value)) or fonts.printable(str(value))
        if unit == "names":
            # The part of a name after a colon is left out, because it is an explanation that is too long for
            # a cell.
            parts = (self.names.get(part, part).split(":")[0] for part in str(value).split())
            return "; ".join(parts)
        if unit == "links":
            facts = str(value).removeprefix("derived from ")
            return locale("report.derived", facts=facts) if facts != value else _links(facts)
        if unit not in ("facts", "published_count"):
            return fonts.printable(str(value))
        link, ids = Markup('<a href="#fact-{0}">{0}</a>'), dict.fromkeys(fonts.printable(str(value)).split())
        return Markup(", ").join(link.format(i) if i in self.linked else i for i in ids)

    def _band(self, row: dict[str, Any]) -> str:
        if row.get("rule") == "straddles":
            return self.locale("word.straddles")
        is_whole_line = row["over"] is None and row["up_to"] is None and row.get("level") == "line"
        return "" if is_whole_line else self.locale.band(row["over"], row["up_to"])


def truncate(text: str) -> str:
    """Return a text from an input file, at most `MAX_CELL_LENGTH` long, with control characters visible."""
    visible = fonts.printable(text[: MAX_CELL_LENGTH + 1])
    return visible if len(visible) <= MAX_CELL_LENGTH else f"{visible[: MAX_CELL_LENGTH - 1]}…"


def plain_text(text: str | Markup) -> str:
    """Return a text or a cell without markup and without characters that no font has."""
    return fonts.printable(text.striptags() if isinstance(text, Markup) else text)


def _links(text: str) -> Markup:
    parts = []
    for part in text.split(" ; "):
        address = urlsplit(part)
        is_web = address.scheme in ("http", "https") and address.netloc
        link = Markup('<a href="{}" rel="noreferrer noopener">{}</a>')
        parts.append(link.format(part, address.netloc.removeprefix("www.")) if is_web else part)
    return Markup(", ").join(parts)
