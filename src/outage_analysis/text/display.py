"""Show objects (as cards) and tables as text of limited width, or as HTML; no word or number is cut.

A card is a small display of an object, with a title, a few lines and one or two tables. In a notebook a
card is HTML without styles, scripts or links; in a terminal it is text of at most `WIDTH` columns, where
a Korean syllable takes two. Cards stay small: they list the first rows and count the rest. If a table is
too wide for a grid, it becomes blocks: one block per row, one line per column.

Every result answers its reader with sentences and tables in one language, and gives everything as JSON.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from itertools import islice
from typing import Any, TypeVar

import polars as pl
from rich.cells import cell_len, chop_cells

from outage_analysis.errors import one_line
from outage_analysis.text.locale import LikelyRange, Locale
from outage_analysis.text.table_schema import TableSchema, schemas_of

WIDTH = 100
"""Most characters per line of a card in a terminal."""
MAX_CARD_ROWS = 12
"""Most rows per table of a card. A line below the table states how many rows are left out."""
LONGEST, LONGEST_CELL = 700, 120
"""Most characters of a sentence and of a table cell."""
LONGEST_VALUE = 40
"""Most characters of a value in the short text of a dataclass."""
LONGEST_UNBROKEN = 24
"""In HTML, cells with up to this many characters, such as ids and days, are not wrapped."""

GAP = 2
"""Number of spaces between two columns of a grid."""
READABLE = 12
"""Least width to which a column of text may shrink."""
HEAD = 2
"""Number of lines of a grid above its first row."""
VALUE = 24
"""Least width for a value next to its label. If there is less space, the value starts on the next line.
"""

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """A table whose cells are formatted as text.

    Args:
        heads: the column heads.
        rows: the rows, each with one text per column.
        numbers: the indices of columns of numbers, counted from 0. They are right-aligned and never wrapped.
        caption: a line above the table in a card.
        more: a sentence that states how many rows are left out and how to list them; empty if none are.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    caption: str = ""
    more: str = ""

    def with_short_cells(self) -> Table:
        """Return the table with each cell on one line of at most `LONGEST_CELL` characters."""
        heads, *rows = (
            tuple(one_line(text, LONGEST_CELL) for text in row) for row in (self.heads, *self.rows)
        )
        return replace(self, heads=heads, rows=tuple(rows))

    def _repr_html_(self) -> str:
        shown = self.with_short_cells()
        table = html_table(
            shown.heads, shown.rows, lambda n, text: cell_class(text, number=n in self.numbers)
        )
        caption = f"<p>{_escaped_line(self.caption)}</p>\n" if self.caption else ""
        return caption + table + (f"\n<p><em>{_escaped_line(self.more)}</em></p>" if self.more else "")

    @cached_property
    def _widths(self) -> tuple[list[int], list[int]]:
        """The width of each column without wrapping, and the least at which no word and no number is cut."""
        full, least = [], []
        for n, head in enumerate(self.heads):
            cells = [row[n] for row in self.rows]
            full.append(max(map(cell_len, (head, *cells))))
            # A number is one word, whatever blanks it has.
            words = head.split() + (cells if n in self.numbers else " ".join(cells).split())
            longest = max(map(cell_len, words), default=0)
            least.append(longest if n in self.numbers else min(full[n], max(READABLE, longest)))
        return full, least

    def lines(self, width: int) -> list[str]:
        """Return the lines of the table: a grid if it fits the width, else blocks."""
        return self.grid(width) if self.fits(width) else self.blocks(width)

    def fits(self, width: int) -> bool:
        """Return whether the table fits the width as a grid, and the grid is not longer than the blocks.

        The blocks have one line per value. The two lines of the column heads do not count.
        """
        least = self._widths[1]
        return _line_width(least) <= width and len(self.grid(width)) <= len(self.blocks(width)) + HEAD

    def grid(self, width: int | None = None) -> list[str]:
        """Return the table as the lines of a grid: column heads, a horizontal line, and the rows.

        Args:
            width: the width of a line, for which `fits` must be true. None means no limit: each row is one
                line.
        """
        full, least = self._widths
        widths = list(full if width is None else least)
        while width is not None and _line_width(widths) < width and widths != full:
            growing = [n for n, most in enumerate(full) if widths[n] < most]
            widths[min(growing, key=widths.__getitem__)] += 1
        rule = "─" * (_line_width(widths) - 1)
        lines = [*self._row(self.heads, widths), f" {rule}"]
        return lines + [line for row in self.rows for line in self._row(row, widths)]

    def blocks(self, width: int) -> list[str]:
        """Return the table as text lines, with a block of lines `label: value` for each row.

        A block has one line per column. Empty values are left out.
        """
        label = max(map(cell_len, self.heads), default=0) + 2
        lines: list[str] = []
        for row in self.rows:
            lines += [""] if lines else []
            for head, text in zip(self.heads, row, strict=True):
                if text and width - label - 1 >= VALUE:
                    first, *rest = wrap_text(text, width - label - 1)
                    lines.append(f" {_pad(f'{head}:', label)}{first}")
                    lines += [" " * (label + 1) + line for line in rest]
                elif text:
                    lines += [f" {line}" for line in wrap_text(f"{head}:", width - 1)]
                    lines += [f"   {line}" for line in wrap_text(text, width - 3)]
        return lines

    def _row(self, row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
        cells = [wrap_text(text, wide) for text, wide in zip(row, widths, strict=True)]
        for k in range(max(map(len, cells), default=0)):
            parts = [
                _pad(cell[k] if k < len(cell) else "", widths[n], right=n in self.numbers)
                for n, cell in enumerate(cells)
            ]
            yield f" {(' ' * GAP).join(parts)}".rstrip()


def first_rows(
    locale: Locale, items: Sequence[T], row: Callable[[T], Iterable[str]], see: str, total: int | None = None
) -> tuple[tuple[tuple[str, ...], ...], str]:
    """Return the first items as table rows, and a sentence on how many are left out and how to list them.

    Args:
        locale: the language.
        items: all items, or only the first ones.
        row: a function that returns the table cells of an item.
        see: the Python expression or the command that lists all items.
        total: the number of all items, if `items` contains only the first ones.
    """
    rows = tuple(tuple(row(item)) for item in islice(items, MAX_CARD_ROWS))
    rest = (len(items) if total is None else total) - len(rows)
    return rows, locale("card.more", count=locale.number(rest), see=see) if rest > 0 else ""


@dataclass(frozen=True)
class Card:
    """The summary of an object in one language, to show in a notebook or a terminal."""

    title: str
    lines: tuple[str, ...] = ()
    """Lines that describe the object."""
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    """Further remarks for the reader, such as what to look at next."""

    def _repr_html_(self) -> str:
        head = "<br>".join([f"<strong>{_escaped_line(self.title)}</strong>", *map(_escaped_line, self.lines)])
        parts = [f"<p>{head}</p>", *(table._repr_html_() for table in self.tables)]
        parts += [f"<p>{'<br>'.join(map(_escaped_line, self.notes))}</p>"] if self.notes else []
        inside = "\n".join(parts)
        return f'<div class="outage-card">{inside}</div>'

    def __repr__(self) -> str:
        def wrapped(texts: Iterable[str]) -> list[str]:
            return [line for text in texts if text for line in wrap_text(one_line(text, LONGEST), WIDTH)]

        lines = wrapped((self.title, *self.lines))
        for table in self.tables:
            drawn = table.with_short_cells().lines(WIDTH + 1)
            lines += ["", *wrapped([table.caption]), *(line[1:] for line in drawn), *wrapped([table.more])]
        lines += ["", *wrapped(self.notes)] if self.notes else []
        return "\n".join(line.rstrip() for line in lines)


class ShortRepr:
    """Base class of dataclasses with many values: their text lists the fields and shortens long values.

    The dataclass is declared with `repr=False`.

    Example:
        >>> @dataclass(repr=False)
        ... class Counts(ShortRepr):
        ...     place: str
        ...     values: tuple[int, ...]
        >>> Counts("here", tuple(range(1_000)))
        Counts(place='here', values=(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1...)
    """

    def __repr__(self) -> str:
        texts = {name: one_line(repr(value), 2 * LONGEST_VALUE) for name, value in vars(self).items()}
        values = (
            f"{name}={text[:LONGEST_VALUE]}{'...' if len(text) > LONGEST_VALUE else ''}"
            for name, text in texts.items()
        )
        return f"{type(self).__name__}({', '.join(values)})"


class Displayable(ABC):
    """Base class of objects that have a card (summary). Notebooks and `repr` show it in English."""

    @abstractmethod
    def card(self, lang: str = "en") -> Card:
        """Return the card of the object: a summary to show in a notebook or a terminal.

        Args:
            lang: the language of the card, en or ko.
        """

    def _repr_html_(self) -> str:
        return self.card()._repr_html_()

    def __repr__(self) -> str:
        return repr(self.card())

    def __str__(self) -> str:
        return repr(self)


def html_table(heads: Sequence[str], rows: Iterable[Sequence[str]], style: Callable[[int, str], str]) -> str:
    """Return a table as escaped HTML. It scrolls horizontally, and the keyboard can reach it.

    Args:
        heads: the column heads.
        rows: the rows, each with one text per column.
        style: a function that returns the CSS class of a cell, given its column index and text; empty for
            none.
    """

    def cells(tag: str, texts: Sequence[str]) -> str:
        cells_with_class = (
            (f' class="{class_}"' if (class_ := style(i, t)) else "", t) for i, t in enumerate(texts)
        )
        return "".join(f"<{tag}{mark}>{escape(text)}</{tag}>" for mark, text in cells_with_class)

    head = f"<thead><tr>{cells('th', heads)}</tr></thead>"
    body = "".join(f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    table = f"<table>{head}\n<tbody>{body}</tbody></table>"
    return f'<div class="outage-grid" tabindex="0">{table}</div>'


def cell_class(text: str, *, number: bool) -> str:
    """Return the CSS class of a cell: n for numbers, d for text short enough for one line, else empty."""
    return "n" if number else "d" if len(text) <= LONGEST_UNBROKEN else ""


def _escaped_line(text: str) -> str:
    return escape(one_line(text, LONGEST))


def wrap_text(text: str, width: int) -> list[str]:
    """Break a text into lines of a given width, between words. Only words longer than a line are cut."""
    lines, line = [], ""
    for word in text.split(" "):
        candidate = f"{line} {word}" if line else word
        if cell_len(candidate) <= width:
            line = candidate
            continue
        lines += [line] if line else []
        *full_lines, line = chop_cells(word, max(width, 2)) or [""]
        lines += full_lines
    return [*lines, line]


def _line_width(widths: Sequence[int]) -> int:
    """Return the width of a grid line: margin, columns, and the gaps between columns."""
    return 1 + sum(widths) + GAP * (len(widths) - 1)


def _pad(text: str, width: int, *, right: bool = False) -> str:
    blank = " " * (width - cell_len(text))
    return blank + text if right else text + blank


@dataclass(frozen=True)
class ShownTable:
    """A table to show below its title; amounts are in the smallest unit of the currency."""

    title: str
    rows: pl.DataFrame
    schema: TableSchema | None = None
    """The columns to show and their units; without it, all columns are shown with the numbers as they are."""


@dataclass(frozen=True)
class Answer:
    """What a reader is told in one language: the answer in sentences, then tables with notes below them."""

    locale: Locale
    """The language of column heads and words, and the units of the amounts in the tables."""
    sentences: Sequence[str] = ()
    tables: Iterable[ShownTable | str] = ()
    """Tables and notes, in the order in which they are read."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Display name by id."""
    option_note: str = ""
    """What a further option of the command would add."""
    card_notes: Iterable[str] = ()
    """What a notebook shows below the sentences and the first tables."""


class Result(ABC):
    """A result that the command line prints and a notebook can show."""

    def warnings(self, lang: str) -> list[str]:  # noqa: ARG002 - for results with inputs to warn of
        """Return sentences on the inputs, such as how many rows were rejected."""
        return []

    @abstractmethod
    def answer(self, lang: str = "en") -> Answer:
        """Return the answer in a language."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, with amounts in whole currency."""


def synthetic_mark(locale: Locale, *, synthetic: bool) -> str:
    """Return the mark before a text or title that is computed from synthetic claims; empty for others."""
    return locale("terminal.synthetic_prefix") if synthetic else ""


def shown_tables(
    tables: Mapping[str, pl.DataFrame], group: str, locale: Locale, mark: str = ""
) -> Iterator[ShownTable]:
    """Yield the tables that have at least one row, in the order of their schemas.

    The columns of the likely range are named after its ends: p10, not range_low.

    Args:
        tables: the tables by name.
        group: the group of the tables, see `schemas_of`.
        locale: the language of the titles.
        mark: a text before each title, such as the mark of synthetic claims.
    """
    measures = LikelyRange(locale.level).column_measures
    for name, schema in schemas_of(group).items():
        table = tables.get(name)
        if table is not None and not table.is_empty():
            title = f"{mark}{locale(f'terminal.{group}_{name}')}"
            yield ShownTable(title, table.rename(measures, strict=False), schema.renamed(measures))
