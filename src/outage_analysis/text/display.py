"""Show objects (as cards) and tables as text of limited width, or as HTML; no word or number is cut.

A card is a small display of an object, with a title, a few lines and one or two tables. In a notebook a
card is HTML without styles, scripts or links; in a terminal it is text of at most `WIDTH` columns, where
a Korean syllable takes two. Cards stay small: they list the first rows and count the rest. If a table is
too wide for a grid, it becomes blocks: one block per row, one line per column.

Every result answers its reader with sentences and tables in one language, and gives everything as JSON.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from html import escape
from itertools import islice, zip_longest
from math import ceil
from typing import Any, TypeVar

import polars as pl
from rich.cells import cell_len, chop_cells

from outage_analysis.errors import one_line
from outage_analysis.text.locale import LikelyRange, Locale
from outage_analysis.text.table_schema import TableSchema, Unit, scaled_parameters, schemas_of

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

SHADES = 5
"""Number of shades of a cell."""
GAP = 2
"""Number of spaces between two columns of a grid."""
READABLE = 12
"""Least width to which a column of text may shrink."""
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
        shades: for the first rows, how dark each cell is in HTML, from 0 to 1.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    caption: str = ""
    more: str = ""
    shades: tuple[tuple[float, ...], ...] = ()

    def with_short_cells(self) -> Table:
        """Return the table with each cell on one line of at most `LONGEST_CELL` characters."""
        heads, *rows = ([one_line(x, LONGEST_CELL) for x in row] for row in (self.heads, *self.rows))
        return replace(self, heads=tuple(heads), rows=tuple(map(tuple, rows)))

    def _repr_html_(self) -> str:
        shown = self.with_short_cells()
        table = html_table(shown.heads, shown.rows, self.numbers, self.shades)
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
        is_narrow = _line_width(self._widths[1]) <= width
        return is_narrow and len(self.grid(width)) <= len(self.blocks(width)) + 2

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
        lines = [*self._row(self.heads, widths), f" {'─' * (_line_width(widths) - 1)}"]
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
        return '<div class="outage-card">' + "\n".join(parts) + "</div>"

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


def html_table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Collection[int],
    shades: Iterable[Sequence[float]] = (),
) -> str:
    """Return a table as escaped HTML. It scrolls horizontally, and the keyboard can reach it.

    Args:
        heads: the column heads.
        rows: the rows, each with one text per column.
        numbers: the indices of columns of numbers. Their cells have the CSS class n; other cells that are
            short enough for one line have d.
        shades: for the first rows, how dark each cell is, from 0 to 1.
    """

    def cells(tag: str, texts: Sequence[str], shades: Sequence[float] = ()) -> str:
        parts = []
        for n, text in enumerate(texts):
            class_, tint = "n" if n in numbers else "d" if len(text) <= LONGEST_UNBROKEN else "", ""
            if level := ceil(SHADES * shades[n]) if shades else 0:
                # A page exported from a notebook allows no style attributes and uses the class; elsewhere,
                # the style works without a style sheet.
                class_ += f" h{level}"
                # Text in the colour of the page is readable on the darkest shade, on white and on black.
                tint = f' style="background: rgba(0, 114, 178, {0.45 * level / SHADES:.2f})"'
            mark = f' class="{class_}"' if class_ else ""
            parts.append(f"<{tag}{mark}{tint}>{escape(text)}</{tag}>")
        return "".join(parts)

    head = f"<thead><tr>{cells('th', heads)}</tr></thead>"
    body = "".join(f"<tr>{cells('td', *row)}</tr>\n" for row in zip_longest(rows, shades, fillvalue=()))
    place = '<div class="outage-grid" tabindex="0">'
    return f"{place}<table>{head}\n<tbody>{body}</tbody></table></div>"


def _escaped_line(text: str) -> str:
    return escape(one_line(text, LONGEST))


def wrap_text(text: str, width: int) -> list[str]:
    """Break a text into lines of a given width, between words. Only words longer than a line are cut."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:  # An empty line is filled first.
            lines = [*lines[:-1], *filter(None, lines[-1:]), *(chop_cells(word, max(width, 2)) or [""])]
    return lines


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
            shown = table.rename(measures, strict=False)
            yield ShownTable(mark + locale(f"terminal.{group}_{name}"), shown, schema.renamed(measures))


LONGEST_PRINTED = 400
"""Most characters that are printed of a table cell."""


def answer_card(title: str, lines: Sequence[str], answer: Answer) -> Card:
    """Return a card with the sentences and the first two tables of an answer."""
    shown = []
    for each in islice((table for table in answer.tables if isinstance(table, ShownTable)), 2):
        table = text_table(each, answer)
        rows, more = first_rows(answer.locale, table.rows, tuple, ".to_dict()")
        shown.append(replace(table, rows=rows, more=more))
    return Card(title, tuple(lines), tuple(shown), (*answer.sentences, *answer.card_notes))


def whole_counts(table: pl.DataFrame, schema: TableSchema | None) -> pl.DataFrame:
    """Round expected numbers of people, claims and payments in a table to whole numbers, for display.

    Args:
        table: a table whose number columns are columns of the schema.
        schema: the columns with their units; without a schema, the table is returned unchanged.
    """
    floats = [
        name
        for name, dtype in table.schema.items()
        if schema and dtype.is_float() and schema[name].unit == "count"
    ]
    return table.with_columns(pl.col(floats).round(mode="half_away_from_zero").cast(pl.Int64))


def band_expression(locale: Locale) -> pl.Expr:
    """Return a Polars expression that puts the loss band from columns `over` and `up_to` into words."""
    return pl.struct("over", "up_to").map_elements(
        lambda band: locale.band(band["over"], band["up_to"]), return_dtype=pl.String
    )


def currency_if_converted(table: pl.DataFrame, schema: TableSchema | None, locale: Locale) -> str:
    """Return the currency if `format_amounts` converts amounts of the table, else an empty text."""
    amounts = [unit for units in _amount_units(table, schema, locale).values() for unit in units if unit]
    return locale.currency if any(locale.places.get(unit) for unit in amounts) else ""


def format_amounts(
    table: pl.DataFrame,
    schema: TableSchema | None,
    locale: Locale,
    write: Callable[[object], str],
    *,
    whole: bool = False,
) -> pl.DataFrame:
    """Format the amounts of a table as texts in whole currency, for display.

    Args:
        table: a table whose number columns are columns of the schema.
        schema: the columns with their units; without a schema, no column has amounts.
        locale: the currency, and the number formats of amounts and losses.
        write: formats the values in these columns that are not amounts.
        whole: whether the amounts are in whole currency already, not in the smallest unit.

    Returns:
        The table with amounts as texts, which have the decimals of the currency.
    """

    def text(value: object, unit: Unit | None) -> str | None:
        if value is None or unit is None:
            return None if value is None else write(value)
        places = locale.places.get(unit, 0)
        if whole:
            return f"{value:,.{places}f}"
        return f"{Decimal(str(value)).scaleb(-places):,.{places}f}"

    texts = {
        name: [text(value, unit) for value, unit in zip(table[name], units, strict=True)]
        for name, units in _amount_units(table, schema, locale).items()
    }
    for column in schema.columns if schema else ():
        if column.unit == "parameters" and column.name in table.columns:
            scaled = (scaled_parameters(x, 0 if whole else locale.loss_digits) for x in table[column.name])
            texts[column.name] = [*map(locale.translated_distribution, scaled)]
    return table.with_columns(pl.Series(name, column, pl.String) for name, column in texts.items())


def _amount_units(
    table: pl.DataFrame, schema: TableSchema | None, locale: Locale
) -> dict[str, list[Unit | None]]:
    """Return, per column with amounts, the unit of each row; None if the row's value is no amount."""
    money = ("money",) if locale.loss_unit != locale.currency else ("money", "loss", "loss_squared")
    amounts: dict[str, list[Unit | None]] = {}
    for name, dtype in table.schema.items():
        column = schema[name] if schema and dtype.is_numeric() else None
        known = {u for u in (column.possible_units if column else ()) if u in money or locale.places.get(u)}
        if column and known:
            amounts[name] = [unit if unit in known else None for unit in column.units_in(table)]
    return {name: units for name, units in amounts.items() if any(units)}


def text_table(shown: ShownTable, answer: Answer, *, narrow: bool = False) -> Table:
    """Return a table as it is printed: heads and cells in the language and the units of the answer.

    Its caption is the title, with the currency if amounts are converted and the title lacks it.

    Args:
        shown: the table.
        answer: the answer to which it belongs.
        narrow: leave out the columns that only a wide terminal shows.
    """
    locale, names, schema = answer.locale, answer.names, shown.schema
    frame = shown.rows
    if {"over", "up_to"} <= set(frame.columns) and frame.schema["over"].is_integer():
        band = band_expression(locale)
        if "level" in frame.columns:  # rows of cost lines and totals have no band
            band = pl.when(pl.col("level") == "band").then(band)
        frame = frame.with_columns(over=band).drop("up_to").rename({"over": "band"})
    texts = format_amounts(whole_counts(frame, schema), schema, locale, _cell_text)
    kept = {True} if narrow else {True, "wide"}
    hidden = [column.name for column in schema.columns if column.shown not in kept] if schema else []
    hidden += [name for name in frame.columns if len(frame) and not frame[name].count()]
    # Hidden columns are dropped after formatting, because the unit of an amount may depend on them.
    texts = texts.drop(hidden, strict=False)
    numbers = frozenset(n for n, name in enumerate(texts.columns) if frame.schema[name].is_numeric())
    columns = {column.name: column for column in schema.columns} if schema else {}
    labels = (columns[name].label if name in columns else name for name in texts.columns)
    words = (locale.label_or(f"column.{x}", locale.label_or(f"word.{x}", x)) for x in labels)
    heads = tuple(one_line(word, LONGEST_PRINTED) for word in words)
    rows = (
        [
            _translated_cell(value, columns[name].unit, locale, names) if name in columns else value
            for name, value in zip(texts.columns, row, strict=True)
        ]
        for row in texts.iter_rows()
    )
    currency = currency_if_converted(shown.rows, schema, locale)
    suffix = locale("terminal.sums", currency=currency) if currency and currency not in shown.title else ""
    cells = tuple(tuple(map(_cell_text, row)) for row in rows)
    return Table(heads, cells, numbers, one_line(shown.title + suffix))


TRANSLATORS: dict[Any, Callable[[Locale, Any], str]] = {
    "word": lambda locale, value: locale.label_or(f"word.{str(value).lower()}", str(value)),
    "flag": lambda locale, value: locale(f"word.{str(value).lower()}"),
    "rule": lambda locale, value: locale.label_or(f"rule.{value}", str(value)),
    "unit": lambda locale, value: locale.unit_name(str(value)),
}
"""Unit -> the function that translates a value, for units whose values are words."""


def _translated_cell(value: object, unit: object, locale: Locale, names: Mapping[str, str]) -> object:
    if value is None:
        return None
    if unit == "name":
        return names.get(str(value), value)
    if unit == "names":
        return "; ".join(names.get(id_, id_) for id_ in str(value).split())
    return TRANSLATORS[unit](locale, value) if unit in TRANSLATORS else value


def _cell_text(value: object) -> str:
    """Return a table cell as text.

    Numbers get thousands separators. Other values are put on one line, without control characters.
    """
    if value is None:
        return ""
    if isinstance(value, float | int | Decimal) and not isinstance(value, bool):
        return Locale("en").number(value)
    return one_line(value, LONGEST_PRINTED)
