"""Cards: short summaries of objects, with a title, a few lines and one or two tables.

In a notebook, a card is HTML without styles, scripts or links. In a terminal, a card is text of at most
`WIDTH` columns; a Korean syllable takes two columns. Tables in a card show only their first rows, and state
how many rows are left out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import TypeVar

from outage_analysis.errors import one_line
from outage_analysis.text.locale import Locale

WIDTH = 100
"""Most characters per line of a card in a terminal."""
MAX_CARD_ROWS = 12
"""Most rows per table of a card. A line below the table states how many rows are left out."""
LONGEST, LONGEST_CELL = 600, 120
"""Most characters of a sentence and of a table cell."""
LONGEST_UNBROKEN = 24
"""In HTML, cells with up to this many characters, such as ids and days, are not wrapped."""
LONGEST_WHOLE = 16
"""In a terminal, a column is not wrapped if its cells take up to this many characters."""

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """A small table in a card; its cells are formatted as text."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    """The indices of number columns, counted from 0."""
    caption: str = ""
    more: str = ""
    """A sentence that states how many rows are left out and how to list them; empty if none are."""

    def style(self, column: int, text: str) -> str:
        """Return the CSS class of a cell: n for numbers, d for text that must not wrap, else empty."""
        return cell_class(text, number=column in self.numbers)


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
        parts = [f"<p>{head}</p>", *(part for table in self.tables for part in _table_as_html(table))]
        parts += [f"<p>{'<br>'.join(map(_escaped_line, self.notes))}</p>"] if self.notes else []
        inside = "\n".join(parts)
        return f'<div class="outage-card">{inside}</div>'

    def __repr__(self) -> str:
        return _card_as_text(self)


class Displayable(ABC):
    """Base class of objects that have a card. Notebooks and `repr` show the card in English."""

    @abstractmethod
    def card(self, lang: str = "en") -> Card:
        """Return the card of the object.

        Args:
            lang: the language of the card, en or ko.
        """

    def _repr_html_(self) -> str:
        return self.card()._repr_html_()

    def __repr__(self) -> str:
        return repr(self.card())

    def __str__(self) -> str:
        return repr(self)


def html_table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    style: Callable[[int, str], str],
) -> str:
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


def _table_as_html(table: Table) -> Iterator[str]:
    rows = [[one_line(text, LONGEST_CELL) for text in row] for row in table.rows]
    if table.caption:
        yield f"<p>{_escaped_line(table.caption)}</p>"
    yield html_table([one_line(head, LONGEST_CELL) for head in table.heads], rows, table.style)
    if table.more:
        yield f"<p><em>{_escaped_line(table.more)}</em></p>"


def _card_as_text(card: Card) -> str:
    """Return a card as plain text for any terminal: without colours, bold type and trailing spaces."""
    from io import StringIO

    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    console = Console(
        file=StringIO(),
        width=WIDTH,
        height=WIDTH,  # Without a height, rich ignores the width in a terminal of type "dumb".
        color_system=None,
        force_jupyter=False,
        legacy_windows=False,
    )

    def print_lines(texts: Iterable[str]) -> None:
        for text in texts:
            console.print(Text(one_line(text, LONGEST)))

    with console.capture() as capture:
        print_lines((card.title, *card.lines))
        for table in card.tables:
            console.print()
            print_lines([table.caption] if table.caption else [])
            rich_table = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
            for number, head in enumerate(table.heads):
                is_number = number in table.numbers
                keep_whole = is_number or all(cell_len(row[number]) <= LONGEST_WHOLE for row in table.rows)
                rich_table.add_column(
                    Text(one_line(head, LONGEST_CELL)),
                    justify="right" if is_number else "left",
                    overflow="fold",
                    no_wrap=keep_whole,
                )
            for row in table.rows:
                rich_table.add_row(*(Text(one_line(text, LONGEST_CELL)) for text in row))
            console.print(rich_table)
            print_lines([table.more] if table.more else [])
        if card.notes:
            console.print()
            print_lines(card.notes)
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n"))
