"""Tables as text that fits a width; numbers and words are never cut.

If a table is too wide for a grid, it becomes blocks: one block per row, one line per column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rich.cells import cell_len, chop_cells

GAP = 2
"""Spaces between two columns of a grid."""
READABLE = 16
"""The minimum width of a text column."""
HEAD = 2
"""Lines of a grid above its first row."""
VALUE = 24
"""The minimum width for a value next to its label; if there is less space, the value starts on the next line.
"""


@dataclass(frozen=True)
class TextTable:
    """A table of formatted texts.

    Args:
        heads: the column heads.
        rows: one text per column.
        numbers: the indices of number columns, counted from 0; they are right-aligned and never wrapped.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = field(default=frozenset())

    @cached_property
    def _columns(self) -> list[tuple[str, ...]]:
        return [(head, *(row[n] for row in self.rows)) for n, head in enumerate(self.heads)]

    @cached_property
    def _full_widths(self) -> list[int]:
        """The width of each column without wrapping."""
        return [max(map(cell_len, column)) for column in self._columns]

    @cached_property
    def _minimum_widths(self) -> list[int]:
        """The minimum width of each column: words and numbers stay whole."""
        widths = []
        for n, (column, full) in enumerate(zip(self._columns, self._full_widths, strict=True)):
            words = max(cell_len(word) for text in column for word in (text.split() or [""]))
            widths.append(full if n in self.numbers else min(full, max(READABLE, words)))
        return widths

    def fits(self, width: int) -> bool:
        """Whether a grid fits the width and takes no more lines than blocks do."""
        return (
            _line_width(self._minimum_widths) <= width
            and len(self.grid(width)) <= len(self.blocks(width)) + HEAD
        )

    def grid(self, width: int | None = None) -> list[str]:
        """The lines of a grid: heads, a rule, the rows.

        Args:
            width: the width of a line, for which `fits` must be true; None for no limit, so that each row is
                one line.
        """
        widths = self._full_widths if width is None else self._fitted_widths(width)
        rule = "─" * (_line_width(widths) - 1)
        lines = [*self._row(self.heads, widths), f" {rule}"]
        return lines + [line for row in self.rows for line in self._row(row, widths)]

    def blocks(self, width: int) -> list[str]:
        """The lines of one block per row: `label: value` per column; empty values are left out."""
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
        """The column widths for a line width: the narrowest columns get the available space first."""
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
    """A text as lines of at most a width, broken between words; only words longer than a line are broken."""
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
    """The width of a grid line: margin, columns, and gaps between them."""
    return 1 + sum(widths) + GAP * (len(widths) - 1)


def _pad(text: str, width: int, *, right: bool = False) -> str:
    blank = " " * (width - cell_len(text))
    return blank + text if right else text + blank
