"""How much room text takes: a slide has no layout engine until it is opened, so its widths are estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from outage_analysis.reports.deck.theme import INK

LINE_SPACING = 1.25
"""Height of a line, in sizes of its letters: set exactly, as fonts differ in theirs."""
MIN_SIZE = 10.5
"""Points: nobody reads less on a wall."""
MAX_PARAGRAPH_LENGTH = 1_500
"""Characters of a paragraph; a longer one is shortened before it is measured."""
FIRST_WIDE_LETTER = 0x1100
"""Hangul and later."""
WORD_END_SHARE = 0.8
"""Of a shortened text: it ends after a word that ends beyond this part of it."""
NARROW_LETTERS = frozenset("iljftIr.,:;'’‘|!()[]-/ ")
BROAD_LETTERS = frozenset("mwMWOQGCD@%&–—…")
LETTER_WIDTHS = {"wide": 1.0, "narrow": 0.33, "broad": 0.85, "capital": 0.7, "other": 0.59}
"""Ems of a letter: wider than Arial and Malgun Gothic, for a machine that has neither."""
BOLD_FACTOR = 1.2


@dataclass(frozen=True)
class Paragraph:
    """A paragraph: its text, its size in points and how it looks."""

    text: str
    size: float = 14
    bold: bool = False
    colour: str = INK
    space_after: float = 4
    """Points below it."""
    bullet: bool = False

    @property
    def indent(self) -> float:
        """Inches that its bullet takes."""
        return self.size / 72 if self.bullet else 0.0


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Inches of a text on one line."""
    return sum(map(_letter_width, text)) * size / 72 * (BOLD_FACTOR if bold else 1)


def _letter_width(letter: str) -> float:
    if ord(letter) >= FIRST_WIDE_LETTER:
        return LETTER_WIDTHS["wide"]
    if letter in NARROW_LETTERS:
        return LETTER_WIDTHS["narrow"]
    if letter in BROAD_LETTERS:
        return LETTER_WIDTHS["broad"]
    return LETTER_WIDTHS["capital" if letter.isupper() else "other"]


def line_count(text: str, size: float, room: float, *, bold: bool = False) -> int:
    """Lines that a text takes in a column of so many inches; a word that is wider than it is broken."""
    count, used, space = 1, 0.0, text_width(" ", size)
    for word in text.split(" "):
        wide = text_width(word, size, bold=bold)
        if used and used + space + wide > room:
            count, used = count + 1, 0.0
        more, used = divmod(used + (space if used else 0) + wide, room)
        count += int(more)
    return count


def text_height(lines: Sequence[Paragraph], room: float) -> float:
    """Inches of paragraphs in a column of so many inches."""
    each = (
        line_count(x.text, x.size, room - x.indent, bold=x.bold) * x.size * LINE_SPACING + x.space_after
        for x in lines
    )
    return sum(each) / 72


def fit_paragraphs(lines: Sequence[Paragraph], room: float, high: float) -> list[Paragraph]:
    """Paragraphs as large as asked, or as small as it takes to fit; what is still too long ends in dots.

    Args:
        lines: the paragraphs at their largest.
        room: inches of the column.
        high: inches of its height.
    """
    shown = [replace(x, text=truncate_text(x.text, MAX_PARAGRAPH_LENGTH)) for x in lines]
    for percent in range(100, 64, -4):
        sized = [replace(x, size=max(MIN_SIZE, x.size * percent / 100)) for x in shown]
        sized = [replace(x, size=round(x.size * 2) / 2) for x in sized]
        if text_height(sized, room) <= high:
            return sized
    while text_height(sized, room) > high:
        at = max(range(len(sized)), key=lambda n: len(sized[n].text))
        if len(sized[at].text) <= 1:  # nothing is left that could be shorter
            return sized[:-1]
        sized[at] = replace(sized[at], text=truncate_text(sized[at].text, len(sized[at].text) * 9 // 10))
    return sized


def truncate_lines(text: str, size: float, room: float, most: int = 1, *, bold: bool = False) -> str:
    """A text that takes at most so many lines, ending in dots where it was longer."""
    text = truncate_text(text, MAX_PARAGRAPH_LENGTH)
    while line_count(text, size, room, bold=bold) > most and len(text) > 1:
        text = truncate_text(text, len(text) * 9 // 10)
    return text


def truncate_text(text: str, most: int) -> str:
    """A text of at most so many characters, ending in dots where it was longer, after a word if it can."""
    if len(text) <= most:
        return text
    kept = text[: max(0, most - 1)]
    word = kept.rfind(" ")
    return kept[: word if word > most * WORD_END_SHARE else None].rstrip(" ….,;:") + "…"
