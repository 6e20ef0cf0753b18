"""How wide the columns of a printed table are, and whether its page lies on its side."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from outage_analysis.text import fonts

PORTRAIT_WIDTH, LANDSCAPE_WIDTH = 493.0, 740.0
"""Width of the text on an A4 page and on one that lies on its side, in points, between margins of 18 mm."""
HALVES_GAP = 22.0
"""Between the halves of a table that is set in two, in points."""
WORD_SPACE, SLACK = 0.24, 0.1
"""Between two words, and beside the longest, in ems."""


@dataclass(frozen=True)
class TableSetting:
    """A way to set a table: letters and gaps in points, the page, and the tables that it is for."""

    size: float
    gap: float
    lines: float
    """The most that a row may have, on average."""
    flipped: bool = False
    halved: bool = False
    """Whether the table runs in two columns of the page."""
    least_rows: int = 0
    most_rows: float = math.inf

    @property
    def available_width(self) -> float:
        """For the columns and their gaps, in points."""
        return (
            (PORTRAIT_WIDTH - HALVES_GAP) / 2
            if self.halved
            else LANDSCAPE_WIDTH
            if self.flipped
            else PORTRAIT_WIDTH
        )

    def columns_width(self, count: int) -> float:
        """For so many columns without their gaps, in ems."""
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
"""From the one that reads best: the first that fits is taken. For a short table no page is turned early."""
ZERO_WIDTH_SPACE = "\u200b"
"""A place where a long word may be broken; it has no width and needs no glyph."""
WORD_END = re.compile(rf"\s+|{ZERO_WIDTH_SPACE}|(?<=[-/])(?!\d)")
MAX_WORD_LENGTH = 26
"""Letters of the longest word that is set in one piece."""
PIECE_LENGTH = 12


@dataclass(frozen=True)
class TableLayout:
    """How a table is set, and the width of each column in ems, without its gap."""

    setting: TableSetting
    widths: Sequence[float]
    mean_lines: float
    """Of a row, on average."""

    @property
    def points(self) -> list[float]:
        """The width of each column with its gap, in points."""
        return [round(width * self.setting.size + self.setting.gap, 2) for width in self.widths]


def table_layout(heads: Sequence[str], figures: Sequence[bool], rows: Sequence[Sequence[str]]) -> TableLayout:
    """The first setting in which nothing is cut and rows do not grow too tall.

    Args:
        heads: titles of the columns.
        figures: whether each column holds numbers or days, which are never broken.
        rows: the cells.
    """
    columns = [
        _ColumnWidth.from_cells(*told) for told in zip(heads, figures, zip(*rows, strict=True), strict=True)
    ]
    suited = [s for s in SETTINGS if s.least_rows <= len(rows) <= s.most_rows]
    for setting in suited:
        widths = _optimal_widths(columns, setting.columns_width(len(heads)))
        if widths is not None and (lines := _mean_lines(columns, widths)) <= setting.lines:
            return TableLayout(setting, widths, lines)
    # Wider than any page: every column gives way alike.
    share = suited[-1].columns_width(len(heads)) / sum(column.least for column in columns)
    widths = [column.least * share for column in columns]
    return TableLayout(suited[-1], widths, _mean_lines(columns, widths))


@dataclass(frozen=True)
class _CellWidth:
    """A text on one line, and its words, in ems."""

    whole: float
    words: tuple[float, ...]

    @classmethod
    def from_text(cls, text: str, weight: fonts.Weight = "Regular") -> _CellWidth:
        return cls(
            width_in_ems(text, weight),
            tuple(width_in_ems(locale, weight) for locale in WORD_END.split(text) if locale) or (0.0,),
        )


@dataclass(frozen=True)
class _ColumnWidth:
    """What a column takes, in ems: its cells, the least that breaks no word, the most of use."""

    cells: tuple[_CellWidth, ...]
    least: float
    most: float

    @classmethod
    def from_cells(cls, head: str, figures: bool, cells: Sequence[str]) -> _ColumnWidth:  # noqa: FBT001 - of a zip
        title, told = _CellWidth.from_text(head, "Bold"), [_CellWidth.from_text(cell) for cell in cells]
        longest = max(cell.whole if figures else max(cell.words) for cell in told)
        most = max(title.whole / 2 if figures else title.whole, *(cell.whole for cell in told))
        least = max(longest, *title.words)
        return cls((title, *told), least + SLACK, max(least, most) + SLACK)


def _optimal_widths(columns: Sequence[_ColumnWidth], room: float) -> list[float] | None:
    """The widths that keep the cells low; None where words would be broken.

    They make the sum of the cubes of all cells' lines the least that the bounds of the columns allow.
    """
    if sum(column.most for column in columns) <= room:
        return [column.most for column in columns]
    if sum(column.least for column in columns) > room:
        return None
    weights = [sum(cell.whole**3 for cell in column.cells) ** 0.25 for column in columns]
    small, large = 0.0, room / min(weight for weight in weights if weight)

    def widths(scale: float) -> list[float]:
        return [min(max(c.least, scale * locale), c.most) for c, locale in zip(columns, weights, strict=True)]

    for _ in range(50):
        middle = (small + large) / 2
        small, large = (middle, large) if sum(widths(middle)) <= room else (small, middle)
    return widths(small)


def _mean_lines(columns: Sequence[_ColumnWidth], widths: Sequence[float]) -> float:
    """How many lines a row has, on average."""
    rows = zip(*(column.cells for column in columns), strict=True)
    tall = [max(map(_wrapped_lines, row, widths)) for row in rows]
    return sum(tall) / len(tall)


def _wrapped_lines(cell: _CellWidth, width: float) -> int:
    """The lines of a cell."""
    lines, used = 1, 0.0
    for word in cell.words if cell.whole > width else ():
        if used and used + word > width:
            lines, used = lines + 1, 0.0
        used += word + WORD_SPACE
    return lines


def add_break_points(text: str) -> str:
    """A text whose very long words can be broken at the end of a line."""
    if len(text) <= MAX_WORD_LENGTH:
        return text
    return re.sub(rf"\S{{{MAX_WORD_LENGTH + 1},}}", lambda word: _break_word(word[0]), text)


def _break_word(word: str) -> str:
    return ZERO_WIDTH_SPACE.join(word[n : n + PIECE_LENGTH] for n in range(0, len(word), PIECE_LENGTH))


def width_in_ems(text: str, weight: fonts.Weight = "Regular") -> float:
    """The width of a text on one line, in ems."""
    known = _letter_widths(weight)
    return sum(known.get(ord(letter), 0.0) for letter in text)


@cache
def _letter_widths(weight: fonts.Weight) -> dict[int, float]:
    from fontTools.ttLib import TTFont

    font = TTFont(BytesIO((fonts.folder() / f"OutageSans-{weight}.otf").read_bytes()), lazy=True)
    em, metrics = font["head"].unitsPerEm, font["hmtx"]
    return {code: metrics[glyph][0] / em for code, glyph in font.getBestCmap().items()}
