"""Cards: a small display of an object, with a title, a few lines and one or two tables.

In a notebook a card is HTML without styles, scripts or links; in a terminal it is text of at most `WIDTH`
columns, where a Korean syllable takes two. Cards stay small: they list the first rows and count the rest.
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
"""Columns of the terminal that a card may use."""
MAX_CARD_ROWS = 12
"""The maximum number of rows per table; a line below the table counts the rest."""
LONGEST, LONGEST_CELL = 600, 120
"""The maximum number of characters of a sentence and of a cell."""
LONGEST_UNBROKEN = 24
"""Cells with up to this many characters, such as ids and days, are not wrapped in HTML."""
LONGEST_WHOLE = 16
"""If all cells of a column take up to this many terminal columns, the column is not wrapped."""

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """A small table of a card; its cells are formatted texts."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    """The indices of number columns, counted from 0."""
    caption: str = ""
    more: str = ""
    """A sentence that counts the rows left out and says how to list them; empty if there are none."""

    def style(self, column: int, text: str) -> str:
        """The CSS class of a cell: n for numbers, d for text that must not wrap, else empty."""
        return cell_class(text, number=column in self.numbers)


def first_rows(
    locale: Locale, items: Sequence[T], row: Callable[[T], Iterable[str]], see: str, total: int | None = None
) -> tuple[tuple[tuple[str, ...], ...], str]:
    """The first items as table rows, and a sentence that counts the rest and says how to list them.

    Args:
        locale: the language.
        items: all items, or the first ones.
        row: returns the cells of an item.
        see: the expression or the command that lists all items.
        total: the number of items, if `items` holds only the first ones.
    """
    rows = tuple(tuple(row(item)) for item in islice(items, MAX_CARD_ROWS))
    rest = (len(items) if total is None else total) - len(rows)
    return rows, locale("card.more", count=locale.number(rest), see=see) if rest > 0 else ""


@dataclass(frozen=True)
class Card:
    """The display of an object in one language."""

    title: str
    lines: tuple[str, ...] = ()
    """What the object is."""
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader should also know, and what to look at next."""

    def _repr_html_(self) -> str:
        head = "<br>".join([f"<strong>{_escaped_line(self.title)}</strong>", *map(_escaped_line, self.lines)])
        parts = [f"<p>{head}</p>", *(part for table in self.tables for part in _table_as_html(table))]
        parts += [f"<p>{'<br>'.join(map(_escaped_line, self.notes))}</p>"] if self.notes else []
        inside = "\n".join(parts)
        return f'<div class="outage-card">{inside}</div>'

    def __repr__(self) -> str:
        return _card_as_text(self)


class Displayable(ABC):
    """An object with a card, which notebooks and `repr` display in English."""

    @abstractmethod
    def card(self, lang: str = "en") -> Card:
        """The card of the object.

        Args:
            lang: en or ko.
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
    """A table as escaped HTML; it scrolls horizontally and can be reached with the keyboard.

    Args:
        heads: the column heads.
        rows: one text per column.
        style: returns the CSS class of a cell from its column index and text; empty for none.
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
    """The CSS class of a cell: n for numbers, d for text short enough to stay on one line, else empty."""
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
    """A card as plain text for any terminal: no colour, no bold, no trailing spaces."""
    from io import StringIO

    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    console = Console(
        file=StringIO(),
        width=WIDTH,
        height=WIDTH,  # if it is missing, rich ignores the width on a dumb terminal
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
