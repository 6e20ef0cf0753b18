"""Estimate the size of texts on a slide, and make texts and tables fit.

A deck is laid out only when a program opens it, so the widths of texts must be estimated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

LINE_SPACING = 1.25
"""Line height as a multiple of the font size, set explicitly because fonts differ."""
SPACE_AFTER = 0.45
"""Space below a paragraph, as a multiple of the font size."""
TEXT_SIZES = (18, 17, 16, 15, 14)
"""Font sizes of texts in points, from the largest to the smallest that is legible when projected."""
TABLE_SIZES = (18, 16, 15, 14, 13, 12)
"""Font sizes of table cells in points; below 14 only what would otherwise be cut."""
MAX_LENGTH = 1_500
"""The most characters of a paragraph; longer ones are shortened."""
MAX_CELL_LINES = 4
"""The most lines of text in a table cell."""
CELL_PADDING, COLUMN_GAP = 0.03, 0.12
"""Space above and below the text of a cell, and space between two columns, in inches."""
FIRST_WIDE_LETTER = 0x1100
"""Letters from this code point on (Hangul and later) are one em wide."""
NARROW_LETTERS = frozenset("iljftIr.,:;'’‘|!()[]-/ ")
BROAD_LETTERS = frozenset("mwMWOQGCD@%&–—…")
LETTER_WIDTHS = {"wide": 1.0, "narrow": 0.33, "broad": 0.85, "capital": 0.7, "other": 0.59}
"""Letter widths in ems. They exceed those of Arial and Malgun Gothic, in case other fonts replace them."""
BOLD_FACTOR = 1.2
WORD_END_SHARE = 0.8
"""A shortened text ends after a whole word if this keeps more than this share of the allowed length."""


@dataclass(frozen=True)
class Paragraph:
    """A paragraph on a slide; all paragraphs of a text box have the same font size."""

    text: str
    bold: bool = False
    bullet: bool = False
    muted: bool = False
    heading: bool = False
    """Whether it belongs to the paragraph below, and never ends a column."""


@dataclass(frozen=True)
class FittedText:
    """Paragraphs in columns, with the font size in points at which they fit."""

    size: float
    columns: tuple[tuple[Paragraph, ...], ...]


@dataclass(frozen=True)
class FittedTable:
    """The rows of a table that fit, with the font size in points and the sizes of cells in inches."""

    size: float
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    """The heights of the header and of the rows that fit."""


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the estimated width of a text on one line, in inches."""
    return sum(map(_letter_width, text)) * size / 72 * (BOLD_FACTOR if bold else 1)


def _letter_width(letter: str) -> float:
    if ord(letter) >= FIRST_WIDE_LETTER:
        return LETTER_WIDTHS["wide"]
    if letter in NARROW_LETTERS:
        return LETTER_WIDTHS["narrow"]
    if letter in BROAD_LETTERS:
        return LETTER_WIDTHS["broad"]
    return LETTER_WIDTHS["capital" if letter.isupper() else "other"]


def line_count(text: str, size: float, width: float, *, bold: bool = False) -> int:
    """Return the number of lines of a text in a column `width` inches wide.

    Words that are longer than a line are split.
    """
    count, used, space = 1, 0.0, text_width(" ", size)
    for word in text.split(" "):
        word_width = text_width(word, size, bold=bold)
        if used and used + space + word_width > width:
            count, used = count + 1, 0.0
        extra_lines, used = divmod(used + (space if used else 0) + word_width, width)
        count += int(extra_lines)
    return count


def text_height(lines: Sequence[Paragraph], size: float, width: float) -> float:
    """Return the height in inches that paragraphs need in a column `width` inches wide."""
    counts = (line_count(x.text, size, width - indent(x, size), bold=x.bold) for x in lines)
    return sum(count * LINE_SPACING + SPACE_AFTER for count in counts) * size / 72


def indent(line: Paragraph, size: float) -> float:
    """Return the indent of a paragraph for its bullet, in inches."""
    return size / 72 if line.bullet else 0.0


def fit_text(
    lines: Sequence[Paragraph], width: float, height: float, more: Callable[[int], str], columns: int = 1
) -> FittedText:
    """Make paragraphs fit into columns: reduce the font size, then leave out the last paragraphs.

    If not even the first paragraph fits, it is shortened.

    Args:
        lines: the paragraphs.
        width: the width of a column in inches.
        height: the height of a column in inches.
        more: returns the line that replaces paragraphs that are left out, from their number.
        columns: the number of columns, 1 or 2.
    """
    lines = [replace(x, text=shorten(x.text, MAX_LENGTH)) for x in lines]
    for whole_lists in (True, False):
        for size in TEXT_SIZES:
            fitted = _in_columns(lines, size, width, columns, whole_lists=whole_lists)
            if _fits(fitted, width, height):
                return fitted
    for kept in range(len(lines) - 1, 0, -1):
        rest = Paragraph(more(len(lines) - kept), muted=True)
        fitted = _in_columns([*lines[:kept], rest], size, width, columns)
        if not lines[kept - 1].heading and _fits(fitted, width, height):
            return fitted
    first, rest = lines[0], Paragraph(more(len(lines)), muted=True)
    while not _fits(fitted := _in_columns([first, rest], size, width, columns), width, height):
        if len(first.text) <= 1:
            return FittedText(size, ((),) * columns)
        first = replace(first, text=shorten(first.text, len(first.text) * 9 // 10))
    return fitted


def _in_columns(
    lines: Sequence[Paragraph], size: float, width: float, columns: int, *, whole_lists: bool = False
) -> FittedText:
    """Break the paragraphs into columns of heights as equal as possible."""
    if columns == 1:
        return FittedText(size, (tuple(lines),))
    breaks = [n for n in range(1, len(lines)) if not lines[n - 1].heading] or [len(lines)]
    if whole_lists:
        breaks = [n for n in breaks if n < len(lines) and not lines[n].bullet] or breaks
    best = min(breaks, key=lambda n: max(text_height(x, size, width) for x in (lines[:n], lines[n:])))
    return FittedText(size, (tuple(lines[:best]), tuple(lines[best:])))


def _fits(text: FittedText, width: float, height: float) -> bool:
    return all(text_height(column, text.size, width) <= height for column in text.columns)


def shorten_to_lines(text: str, size: float, width: float, most: int = 1, *, bold: bool = False) -> str:
    """Return a text shortened to at most `most` lines; an ellipsis marks the cut."""
    text = shorten(text, MAX_LENGTH)
    while line_count(text, size, width, bold=bold) > most and len(text) > 1:
        text = shorten(text, len(text) * 9 // 10)
    return text


def shorten(text: str, most: int) -> str:
    """Return a text of at most `most` characters; an ellipsis marks the cut, after a word if possible."""
    if len(text) <= most:
        return text
    start = text[: max(0, most - 1)]
    word = start.rfind(" ")
    return start[: word if word > most * WORD_END_SHARE else None].rstrip(" ….,;:") + "…"


def fit_table(cells: Sequence[Sequence[str]], width: float, height: float) -> FittedTable:
    """Return the font size at which a table fits, and how many of its rows fit at the smallest size.

    Args:
        cells: the header and the rows.
        width: the width of the table in inches.
        height: the most height in inches.
    """
    for size in TABLE_SIZES:
        widths = _column_widths(cells, size, width)
        heights = [_row_height(row, size, widths, bold=n == 0) for n, row in enumerate(cells)]
        if sum(heights) <= height:
            break
    while len(heights) > 1 and sum(heights) > height:
        heights.pop()
    return FittedTable(size, tuple(widths), tuple(heights))


def _column_widths(cells: Sequence[Sequence[str]], size: float, width: float) -> list[float]:
    """Return widths of columns that fill the table; only the widest columns get less than they need."""
    needed = []
    for head, *texts in zip(*cells, strict=True):
        widest = [text_width(head, size, bold=True) / 2]  # a head has two lines
        widest += [text_width(word, size, bold=True) for word in head.split(" ")]
        needed.append(COLUMN_GAP + max(*widest, *(text_width(text, size) for text in texts)))
    most = max(needed)
    while sum(min(most, x) for x in needed) > width:
        most *= 0.97
    widths = [min(most, x) for x in needed]
    return [x * width / sum(widths) for x in widths]


def _row_height(row: Sequence[str], size: float, widths: Sequence[float], *, bold: bool) -> float:
    lines = (line_count(t, size, w - COLUMN_GAP, bold=bold) for t, w in zip(row, widths, strict=True))
    return min(MAX_CELL_LINES, max(lines)) * size * LINE_SPACING / 72 + 2 * CELL_PADDING
