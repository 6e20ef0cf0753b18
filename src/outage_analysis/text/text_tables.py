"""Tables as lines of text that fit a width: no digit is cut, no word is shortened.

A grid that is too wide becomes blocks: one block per row, one line per column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rich.cells import cell_len, chop_cells

GAP = 2
"""Cells between two columns of a grid."""
READABLE = 16
"""A column of text is not made narrower than this."""
HEAD = 2
"""Lines of a grid above its rows."""
VALUE = 24
"""The least width, in characters, for a value beside its label; with less, it starts on the next line."""


@dataclass(frozen=True)
class TextTable:
    """Cells as a reader sees them.

    Args:
        heads: the titles of the columns.
        rows: a text per column.
        numbers: which columns hold numbers, counted from 0: right-aligned and never broken.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = field(default=frozenset())

    @cached_property
    def _columns(self) -> list[tuple[str, ...]]:
        return [(head, *(row[n] for row in self.rows)) for n, head in enumerate(self.heads)]

    @cached_property
    def _full(self) -> list[int]:
        """The width of each column when nothing is broken."""
        return [max(map(cell_len, column)) for column in self._columns]

    @cached_property
    def _least(self) -> list[int]:
        """The width below which each column is unreadable: words and numbers stay whole."""
        widths = []
        for n, (column, full) in enumerate(zip(self._columns, self._full, strict=True)):
            words = max(cell_len(word) for text in column for word in (text.split() or [""]))
            widths.append(full if n in self.numbers else min(full, max(READABLE, words)))
        return widths

    def fits(self, width: int) -> bool:
        """Whether a grid has room in so many cells, and needs no more lines than blocks do."""
        return _total(self._least) <= width and len(self.grid(width)) <= len(self.blocks(width)) + HEAD

    def grid(self, width: int | None = None) -> list[str]:
        """The lines of a grid: titles, a rule, the rows.

        Args:
            width: the cells of a line, where `fits` says that there is room; None for any number, so that
                each row is one line.
        """
        widths = self._full if width is None else self._shared(width)
        rule = "─" * (_total(widths) - 1)
        lines = [*self._row(self.heads, widths), f" {rule}"]
        return lines + [line for row in self.rows for line in self._row(row, widths)]

    def blocks(self, width: int) -> list[str]:
        """The lines of one block per row: `label: value` per column, without the empty ones."""
        label = max(map(cell_len, self.heads), default=0) + 2
        lines: list[str] = []
        for row in self.rows:
            lines += [""] if lines else []
            for head, text in zip(self.heads, row, strict=True):
                if text and width - label - 1 >= VALUE:
                    first, *rest = wrap_text(text, width - label - 1)
                    lines.append(f" {_padded(f'{head}:', label)}{first}")
                    lines += [" " * (label + 1) + line for line in rest]
                elif text:
                    lines += [f" {line}" for line in wrap_text(f"{head}:", width - 1)]
                    lines += [f"   {line}" for line in wrap_text(text, width - 3)]
        return lines

    def _shared(self, width: int) -> list[int]:
        """The widths of the columns where a line has so many cells: the narrowest grow first."""
        widths = list(self._least)
        while _total(widths) < width and widths != self._full:
            growing = [n for n, full in enumerate(self._full) if widths[n] < full]
            widths[min(growing, key=widths.__getitem__)] += 1
        return widths

    def _row(self, row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
        cells = [wrap_text(text, wide) for text, wide in zip(row, widths, strict=True)]
        for k in range(max(map(len, cells), default=0)):
            parts = [
                _padded(cell[k] if k < len(cell) else "", widths[n], right=n in self.numbers)
                for n, cell in enumerate(cells)
            ]
            yield f" {(' ' * GAP).join(parts)}".rstrip()


def wrap_text(text: str, width: int) -> list[str]:
    """A text in lines of at most so many cells, broken between words; only longer words are broken."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width:
            line = longer
            continue
        lines += [line] if line else []
        *whole, line = chop_cells(word, max(width, 2)) or [""]
        lines += whole
    return [*lines, line]


def _total(widths: Sequence[int]) -> int:
    """The cells of a line of a grid: a margin, the columns, the gaps between them."""
    return 1 + sum(widths) + GAP * (len(widths) - 1)


def _padded(text: str, width: int, *, right: bool = False) -> str:
    blank = " " * (width - cell_len(text))
    return blank + text if right else text + blank
