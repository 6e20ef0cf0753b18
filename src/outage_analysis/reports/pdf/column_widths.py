"""Choose font size, column widths and page orientation for the tables of the PDF report."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from outage_analysis.text import fonts

PORTRAIT_WIDTH, LANDSCAPE_WIDTH = 493.0, 740.0
"""Text width in points of an A4 page, in portrait and in landscape, with margins of 18 mm."""
HALVES_GAP = 22.0
"""Space in points between the halves of a table that stand side by side on the page."""
WORD_SPACE, SLACK = 0.24, 0.1
"""Space between two words, and spare space beside the longest word, in ems."""


@dataclass(frozen=True)
class TableSetting:
    """One way to typeset a table: font size, column gap, orientation, and how many rows a table may have."""

    size: float
    gap: float
    lines: float
    """Largest average number of lines per row."""
    flipped: bool = False
    halved: bool = False
    """Whether the table is split into two halves that stand side by side on the page."""
    least_rows: int = 0
    most_rows: float = math.inf

    @property
    def available_width(self) -> float:
        """Width available for all columns and the gaps between them, in points."""
        return (
            (PORTRAIT_WIDTH - HALVES_GAP) / 2
            if self.halved
            else LANDSCAPE_WIDTH
            if self.flipped
            else PORTRAIT_WIDTH
        )

    def columns_width(self, count: int) -> float:
        """Width available for the contents of `count` columns, without the gaps between them, in ems."""
        return (self.available_width - self.gap * count) / self.size


SETTINGS = (
    TableSetting(7.4, 7.0, 1.6, halved=True, least_rows=24),
    TableSetting(8.0, 9.0, 2.4),
    TableSetting(7.4, 8.0, 2.4),
    TableSetting(6.8, 6.0, 6.0, most_rows=12),
    TableSetting(8.0, 9.0, 2.6, flipped=True),
    TableSetting(7.4, 8.0, math.inf, flipped=True),
    TableSetting(6.6, 6.0, math.inf, flipped=True),
)
"""Settings in order of legibility; the first that fits is used.

Tables of up to 12 rows may use small type in portrait before the page is turned to landscape.
"""
ZERO_WIDTH_SPACE = "\u200b"
"""Marks a place where a long word may be broken; it is invisible and needs no glyph."""
WORD_END = re.compile(rf"\s+|{ZERO_WIDTH_SPACE}|(?<=[-/])(?!\d)")
MAX_WORD_LENGTH = 26
"""Words with more characters than this get break points every `PIECE_LENGTH` characters."""
PIECE_LENGTH = 12


@dataclass(frozen=True)
class TableLayout:
    """How a table is typeset: the chosen `TableSetting`, and column widths in ems, without the gaps."""

    setting: TableSetting
    widths: Sequence[float]
    mean_lines: float
    """Lines per row, on average."""

    @property
    def points(self) -> list[float]:
        """The width of each column including its gap, in points."""
        return [round(width * self.setting.size + self.setting.gap, 2) for width in self.widths]


def table_layout(heads: Sequence[str], figures: Sequence[bool], rows: Sequence[Sequence[str]]) -> TableLayout:
    """Return font size, orientation and column widths of a table: the first of `SETTINGS` that fits.

    A setting fits if all words stay whole and the rows have few enough lines on average.

    Args:
        heads: the titles of the columns.
        figures: for each column, whether it contains numbers or dates, which must stay on one line.
        rows: the cells, row by row.
    """
    columns = [
        _ColumnWidth.from_cells(*column)
        for column in zip(heads, figures, zip(*rows, strict=True), strict=True)
    ]
    suitable = [s for s in SETTINGS if s.least_rows <= len(rows) <= s.most_rows]
    for setting in suitable:
        widths = _optimal_widths(columns, setting.columns_width(len(heads)))
        if widths is not None and (lines := _mean_lines(columns, widths)) <= setting.lines:
            return TableLayout(setting, widths, lines)
    # The table is too wide for any page, so all columns shrink by the same factor.
    share = suitable[-1].columns_width(len(heads)) / sum(column.least for column in columns)
    widths = [column.least * share for column in columns]
    return TableLayout(suitable[-1], widths, _mean_lines(columns, widths))


@dataclass(frozen=True)
class _CellWidth:
    """The width in ems of a cell text on one line, and the width of each word."""

    total: float
    words: tuple[float, ...]

    @classmethod
    def from_text(cls, text: str, weight: fonts.Weight = "Regular") -> _CellWidth:
        return cls(
            width_in_ems(text, weight),
            tuple(width_in_ems(word, weight) for word in WORD_END.split(text) if word) or (0.0,),
        )


@dataclass(frozen=True)
class _ColumnWidth:
    """Widths of a column in ems: each cell, the minimum without broken words, and the useful maximum."""

    cells: tuple[_CellWidth, ...]
    least: float
    most: float

    @classmethod
    def from_cells(cls, head: str, figures: bool, cells: Sequence[str]) -> _ColumnWidth:  # noqa: FBT001 - zipped
        title, cell_widths = (
            _CellWidth.from_text(head, "Bold"),
            [_CellWidth.from_text(cell) for cell in cells],
        )
        longest = max(cell.total if figures else max(cell.words) for cell in cell_widths)
        most = max(title.total / 2 if figures else title.total, *(cell.total for cell in cell_widths))
        least = max(longest, *title.words)
        return cls((title, *cell_widths), least + SLACK, max(least, most) + SLACK)


def _optimal_widths(columns: Sequence[_ColumnWidth], available: float) -> list[float] | None:
    if sum(column.most for column in columns) <= available:
        return [column.most for column in columns]
    if sum(column.least for column in columns) > available:
        return None
    weights = [sum(cell.total**3 for cell in column.cells) ** 0.25 for column in columns]
    small, large = 0.0, available / min(weight for weight in weights if weight)

    def widths(scale: float) -> list[float]:
        return [min(max(c.least, scale * weight), c.most) for c, weight in zip(columns, weights, strict=True)]

    for _ in range(50):
        middle = (small + large) / 2
        small, large = (middle, large) if sum(widths(middle)) <= available else (small, middle)
    return widths(small)


def _mean_lines(columns: Sequence[_ColumnWidth], widths: Sequence[float]) -> float:
    """Return the average number of text lines per table row."""
    rows = zip(*(column.cells for column in columns), strict=True)
    lines_per_row = [max(map(_wrapped_lines, row, widths)) for row in rows]
    return sum(lines_per_row) / len(lines_per_row)


def _wrapped_lines(cell: _CellWidth, width: float) -> int:
    lines, used = 1, 0.0
    for word in cell.words if cell.total > width else ():
        if used and used + word > width:
            lines, used = lines + 1, 0.0
        used += word + WORD_SPACE
    return lines


def add_break_points(text: str) -> str:
    """Return a text with invisible points inside very long words at which a line may break."""
    if len(text) <= MAX_WORD_LENGTH:
        return text
    return re.sub(rf"\S{{{MAX_WORD_LENGTH + 1},}}", lambda word: _break_word(word[0]), text)


def _break_word(word: str) -> str:
    return ZERO_WIDTH_SPACE.join(word[n : n + PIECE_LENGTH] for n in range(0, len(word), PIECE_LENGTH))


def width_in_ems(text: str, weight: fonts.Weight = "Regular") -> float:
    """Return the width of a text on one line, in ems."""
    known = _letter_widths(weight)
    return sum(known.get(ord(letter), 0.0) for letter in text)


@cache
def _letter_widths(weight: fonts.Weight) -> dict[int, float]:
    from fontTools.ttLib import TTFont

    font = TTFont(BytesIO((fonts.folder() / f"OutageSans-{weight}.otf").read_bytes()), lazy=True)
    em, metrics = font["head"].unitsPerEm, font["hmtx"]
    return {code: metrics[glyph][0] / em for code, glyph in font.getBestCmap().items()}
