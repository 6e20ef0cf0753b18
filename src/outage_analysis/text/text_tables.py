"""Format tables as text that fits a given width. Numbers and words are not cut.

A table that is too wide for a grid is printed as blocks: one block per row, one line per column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rich.cells import cell_len, chop_cells

GAP = 2
"""Number of spaces between two columns of a grid."""
READABLE = 16
"""Least width to which a column of text may shrink."""
HEAD = 2
"""Number of lines of a grid above its first row."""
VALUE = 24
"""Least width for a value next to its label. If there is less space, the value starts on the next line.
"""


@dataclass(frozen=True)
class TextTable:
    """A table whose cells are formatted as text.

    Args:
        heads: the column heads.
        rows: the rows, each with one text per column.
        numbers: the indices of columns of numbers, counted from 0. They are right-aligned and never wrapped.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = field(default=frozenset())

    @cached_property
    def _columns(self) -> list[tuple[str, ...]]:
        return [(head, *(row[n] for row in self.rows)) for n, head in enumerate(self.heads)]

    @cached_property
    def _full_widths(self) -> list[int]:
        """The width that each column needs without wrapping."""
        return [max(map(cell_len, column)) for column in self._columns]

    @cached_property
    def _minimum_widths(self) -> list[int]:
        """The least width of each column at which no word and no number is cut."""
        widths = []
        for n, (column, full) in enumerate(zip(self._columns, self._full_widths, strict=True)):
            words = max(cell_len(word) for text in column for word in (text.split() or [""]))
            widths.append(full if n in self.numbers else min(full, max(READABLE, words)))
        return widths

    def fits(self, width: int) -> bool:
        """Return whether a grid fits the width and takes no more lines than the blocks would."""
        return (
            _line_width(self._minimum_widths) <= width
            and len(self.grid(width)) <= len(self.blocks(width)) + HEAD
        )

    def grid(self, width: int | None = None) -> list[str]:
        """Return the table as the lines of a grid: column heads, a horizontal line, and the rows.

        Args:
            width: the width of a line, for which `fits` must be true. None means no limit: each row is one
                line.
        """
        widths = self._full_widths if width is None else self._fitted_widths(width)
        rule = "─" * (_line_width(widths) - 1)
        lines = [*self._row(self.heads, widths), f" {rule}"]
        return lines + [line for row in self.rows for line in self._row(row, widths)]

    def blocks(self, width: int) -> list[str]:
        """Return the table as the lines of blocks.

        Each row is a block with one line `label: value` per column. Empty values are left out.
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

    def _fitted_widths(self, width: int) -> list[int]:
        """Return the column widths for a given line width. Free space goes to the narrowest columns first."""
        widths = list(self._minimum_widths)
        while _line_width(widths) < width and widths != self._full_widths:
            growing = [n for n, full in enumerate(self._full_widths) if widths[n] < full]
            widths[min(growing, key=widths.__getitem__)] += 1
        return widths

    def _row(self, row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
        cells = [wrap_text(text, wide) for text, wide in zip(row, widths, strict=True)]
        for k in range(max(map(len, cells), default=0)):
            parts = [
                _pad(cell[k] if k < len(cell) else "", widths[n], right=n in self.numbers)
                for n, cell in enumerate(cells)
            ]
            yield f" {(' ' * GAP).join(parts)}".rstrip()


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
