"""How a noun shows itself: a card with a title, a few lines and a small table or two.

In a notebook a card is markup without style, script or address; in a terminal it is text of at most
`WIDTH` cells, a Korean syllable being two. However large the noun is, its card is small and says how
much more there is.
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
"""Cells of a terminal that a card fits into."""
MAX_CARD_ROWS = 12
"""Of one table; what more there is, is counted below it."""
LONGEST, LONGEST_CELL = 600, 120
"""Characters of a sentence and of a cell."""
LONGEST_UNBROKEN = 24
"""Characters up to which a cell of a page keeps its text on one line: ids, days."""
LONGEST_WHOLE = 16
"""Cells up to which all texts of a column do so in a terminal."""

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """A small table, every cell as its reader sees it."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    """Which columns are numbers, counted from 0."""
    caption: str = ""
    more: str = ""
    """What it does not show, and where that is; empty when it shows all."""

    def style(self, column: int, text: str) -> str:
        """The class of a cell: n for numbers, d for what must not break, else none."""
        return cell_class(text, number=column in self.numbers)


def first_rows(
    words: Locale, items: Sequence[T], row: Callable[[T], Iterable[str]], see: str, total: int | None = None
) -> tuple[tuple[tuple[str, ...], ...], str]:
    """The rows of the first items, and a sentence that counts the rest and says where to see them.

    Args:
        words: the language.
        items: all of them, or the first ones.
        row: what the cells of an item say.
        see: the expression or the command that shows all.
        total: how many there are, where `items` holds only the first.
    """
    shown = tuple(tuple(row(item)) for item in islice(items, MAX_CARD_ROWS))
    rest = (len(items) if total is None else total) - len(shown)
    return shown, words("card.more", count=words.number(rest), see=see) if rest > 0 else ""


@dataclass(frozen=True)
class Card:
    """What a noun shows of itself, in one language."""

    title: str
    lines: tuple[str, ...] = ()
    """What it is."""
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know besides, and where to go on."""

    def _repr_html_(self) -> str:
        head = "<br>".join([f"<strong>{_marked_up(self.title)}</strong>", *map(_marked_up, self.lines)])
        parts = [f"<p>{head}</p>", *(part for table in self.tables for part in _table_markup(table))]
        parts += [f"<p>{'<br>'.join(map(_marked_up, self.notes))}</p>"] if self.notes else []
        inside = "\n".join(parts)
        return f'<div class="outage-card">{inside}</div>'

    def __repr__(self) -> str:
        return _as_text(self)


class Displayable(ABC):
    """A noun that shows itself by its card, in English where nothing says otherwise."""

    @abstractmethod
    def card(self, lang: str = "en") -> Card:
        """What it shows of itself.

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
    """A table as markup, escaped; it may be wider than its place, and the keyboard reaches it.

    Args:
        heads: the titles of the columns.
        rows: a text for each column.
        style: the class of a cell, from the number of its column and its text; empty for none.
    """

    def cells(tag: str, texts: Sequence[str]) -> str:
        marked = ((f' class="{found}"' if (found := style(i, t)) else "", t) for i, t in enumerate(texts))
        return "".join(f"<{tag}{mark}>{escape(text)}</{tag}>" for mark, text in marked)

    head = f"<thead><tr>{cells('th', heads)}</tr></thead>"
    body = "".join(f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    table = f"<table>{head}\n<tbody>{body}</tbody></table>"
    return f'<div class="outage-grid" tabindex="0">{table}</div>'


def cell_class(text: str, *, number: bool) -> str:
    """The class of a cell: n for numbers, d for a text that is short enough to stay on one line."""
    return "n" if number else "d" if len(text) <= LONGEST_UNBROKEN else ""


def _marked_up(text: str) -> str:
    return escape(one_line(text, LONGEST))


def _table_markup(table: Table) -> Iterator[str]:
    rows = [[one_line(text, LONGEST_CELL) for text in row] for row in table.rows]
    if table.caption:
        yield f"<p>{_marked_up(table.caption)}</p>"
    yield html_table([one_line(head, LONGEST_CELL) for head in table.heads], rows, table.style)
    if table.more:
        yield f"<p><em>{_marked_up(table.more)}</em></p>"


def _as_text(card: Card) -> str:
    """The card for a terminal, whatever the terminal is: no colour, no bold, no trailing blanks."""
    from io import StringIO

    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    console = Console(
        file=StringIO(),
        width=WIDTH,
        height=WIDTH,  # without one a dumb terminal would have 80 columns
        color_system=None,
        force_jupyter=False,
        legacy_windows=False,
    )

    def tell(texts: Iterable[str]) -> None:
        for text in texts:
            console.print(Text(one_line(text, LONGEST)))

    with console.capture() as told:
        tell((card.title, *card.lines))
        for table in card.tables:
            console.print()
            tell([table.caption] if table.caption else [])
            shown = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
            for number, head in enumerate(table.heads):
                figure = number in table.numbers
                whole = figure or all(cell_len(row[number]) <= LONGEST_WHOLE for row in table.rows)
                shown.add_column(
                    Text(one_line(head, LONGEST_CELL)),
                    justify="right" if figure else "left",
                    overflow="fold",
                    no_wrap=whole,
                )
            for row in table.rows:
                shown.add_row(*(Text(one_line(text, LONGEST_CELL)) for text in row))
            console.print(shown)
            tell([table.more] if table.more else [])
        if card.notes:
            console.print()
            tell(card.notes)
    return "\n".join(line.rstrip() for line in told.get().rstrip("\n").split("\n"))
