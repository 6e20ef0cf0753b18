"""How wide the columns of a printed table are, and whether its page lies on its side."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from outage_analysis.text import fonts

UPRIGHT, FLIPPED = 493.0, 740.0
"""Width of the text on an A4 page and on one that lies on its side, in points, between margins of 18 mm."""
BETWEEN = 22.0
"""Between the halves of a table that is set in two, in points."""
SPACE, SLACK = 0.24, 0.1
"""Between two words, and beside the longest, in ems."""


@dataclass(frozen=True)
class Setting:
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
    def room(self) -> float:
        """For the columns and their gaps, in points."""
        return (UPRIGHT - BETWEEN) / 2 if self.halved else FLIPPED if self.flipped else UPRIGHT

    def columns(self, count: int) -> float:
        """For so many columns without their gaps, in ems."""
        return (self.room - self.gap * count) / self.size


SETTINGS = (
    Setting(7.4, 7.0, 1.6, halved=True, least_rows=24),
    Setting(8.0, 9.0, 2.4),
    Setting(7.4, 8.0, 2.4),
    Setting(6.8, 6.0, 6.0, most_rows=12),
    Setting(8.0, 9.0, 2.6, flipped=True),
    Setting(7.4, 8.0, math.inf, flipped=True),
    Setting(6.6, 6.0, math.inf, flipped=True),
)
"""From the one that reads best: the first that fits is taken. For a short table no page is turned early."""
BREAK = "\u200b"
"""A place where a long word may be broken; it has no width and needs no glyph."""
WORD_END = re.compile(rf"\s+|{BREAK}|(?<=[-/])(?!\d)")
UNBROKEN = 26
"""Letters of the longest word that is set in one piece."""
PIECE = 12


@dataclass(frozen=True)
class Sheet:
    """How a table is set, and the width of each column in ems, without its gap."""

    setting: Setting
    widths: Sequence[float]
    lines: float
    """Of a row, on average."""

    @property
    def points(self) -> list[float]:
        """The width of each column with its gap, in points."""
        return [round(width * self.setting.size + self.setting.gap, 2) for width in self.widths]


def sheet(heads: Sequence[str], figures: Sequence[bool], rows: Sequence[Sequence[str]]) -> Sheet:
    """The first setting in which nothing is cut and rows do not grow too tall.

    Args:
        heads: titles of the columns.
        figures: whether each column holds numbers or days, which are never broken.
        rows: the cells.
    """
    columns = [_Column.of(*told) for told in zip(heads, figures, zip(*rows, strict=True), strict=True)]
    suited = [s for s in SETTINGS if s.least_rows <= len(rows) <= s.most_rows]
    for setting in suited:
        widths = _shared(columns, setting.columns(len(heads)))
        if widths is not None and (lines := _lines(columns, widths)) <= setting.lines:
            return Sheet(setting, widths, lines)
    # Wider than any page: every column gives way alike.
    share = suited[-1].columns(len(heads)) / sum(column.least for column in columns)
    widths = [column.least * share for column in columns]
    return Sheet(suited[-1], widths, _lines(columns, widths))


@dataclass(frozen=True)
class _Cell:
    """A text on one line, and its words, in ems."""

    whole: float
    words: tuple[float, ...]

    @classmethod
    def of(cls, text: str, weight: fonts.Weight = "Regular") -> _Cell:
        return cls(
            measured(text, weight),
            tuple(measured(locale, weight) for locale in WORD_END.split(text) if locale) or (0.0,),
        )


@dataclass(frozen=True)
class _Column:
    """What a column takes, in ems: its cells, the least that breaks no word, the most of use."""

    cells: tuple[_Cell, ...]
    least: float
    most: float

    @classmethod
    def of(cls, head: str, figures: bool, cells: Sequence[str]) -> _Column:  # noqa: FBT001 - of a zip
        title, told = _Cell.of(head, "Bold"), [_Cell.of(cell) for cell in cells]
        longest = max(cell.whole if figures else max(cell.words) for cell in told)
        most = max(title.whole / 2 if figures else title.whole, *(cell.whole for cell in told))
        least = max(longest, *title.words)
        return cls((title, *told), least + SLACK, max(least, most) + SLACK)


def _shared(columns: Sequence[_Column], room: float) -> list[float] | None:
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


def _lines(columns: Sequence[_Column], widths: Sequence[float]) -> float:
    """How many lines a row has, on average."""
    rows = zip(*(column.cells for column in columns), strict=True)
    tall = [max(map(_wrapped, row, widths)) for row in rows]
    return sum(tall) / len(tall)


def _wrapped(cell: _Cell, width: float) -> int:
    """The lines of a cell."""
    lines, used = 1, 0.0
    for word in cell.words if cell.whole > width else ():
        if used and used + word > width:
            lines, used = lines + 1, 0.0
        used += word + SPACE
    return lines


def breakable(text: str) -> str:
    """A text whose very long words can be broken at the end of a line."""
    if len(text) <= UNBROKEN:
        return text
    return re.sub(rf"\S{{{UNBROKEN + 1},}}", lambda word: _pieces(word[0]), text)


def _pieces(word: str) -> str:
    return BREAK.join(word[n : n + PIECE] for n in range(0, len(word), PIECE))


def measured(text: str, weight: fonts.Weight = "Regular") -> float:
    """The width of a text on one line, in ems."""
    known = _advances(weight)
    return sum(known.get(ord(letter), 0.0) for letter in text)


@cache
def _advances(weight: fonts.Weight) -> dict[int, float]:
    from fontTools.ttLib import TTFont

    font = TTFont(BytesIO((fonts.folder() / f"OutageSans-{weight}.otf").read_bytes()), lazy=True)
    em, metrics = font["head"].unitsPerEm, font["hmtx"]
    return {code: metrics[glyph][0] / em for code, glyph in font.getBestCmap().items()}
