"""Colours, fonts, text sizes and positions on the slides.

A deck is laid out only when a program opens it, so text widths must be estimated to make texts fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

ACCENT, PALE, INK, MUTED, GREY, LIGHT = "0072B2", "9CC7E0", "1F2328", "57606A", "8A8F98", "D5D9DF"
LATIN = {"en": "Arial", "ko": "Malgun Gothic"}
"""The font per language. Decks cannot embed fonts, so these are common on office computers."""
HANGUL = "Malgun Gothic"
LOCALES = {"en": "en-US", "ko": "ko-KR"}
WIDTH, HEIGHT = 13.333, 7.5
"""The size of a slide in inches, 16:9."""
EMU = 914_400
"""English Metric Units, the length unit of the format, per inch."""


@dataclass(frozen=True)
class Box:
    """A rectangle on a slide, in inches from the top left corner of the slide."""

    left: float
    top: float
    width: float
    height: float

    @property
    def emu(self) -> tuple[int, int, int, int]:
        """Left, top, width and height of the box, in English Metric Units."""
        left, top, right, low = (
            round(x * EMU) for x in (self.left, self.top, self.left + self.width, self.top + self.height)
        )
        return left, top, right - left, low - top

    def shrunk_by(self, inches: float) -> Box:
        """Return the box with its height reduced by this many inches."""
        return Box(self.left, self.top, self.width, self.height - inches)

    def moved_up(self, inches: float) -> Box:
        """Return the box moved up by this many inches."""
        return Box(self.left, self.top - inches, self.width, self.height)


LEFT, FULL_WIDTH = 0.65, 12.03
"""The left edge and the width of the content, in inches."""
BAR = Box(LEFT, 0, 0.9, 0.09)
WARNING = Box(LEFT, 0.1, FULL_WIDTH, 0.26)
KICKER = Box(LEFT, 0.36, 9.6, 0.28)
BADGE = Box(10.68, 0.34, 2.0, 0.32)
TITLE = Box(LEFT, 0.7, FULL_WIDTH, 1.0)
SUBTITLE = Box(LEFT, 1.74, FULL_WIDTH, 0.32)
FOOTER = Box(LEFT, 6.98, 11.2, 0.26)
NUMBER = Box(12.0, 6.98, 0.68, 0.26)
ONE_LINE = 0.42
"""How far, in inches, the text below the title moves up if the title has one line."""
TOP, BOTTOM = 2.15, 6.76
"""The vertical range between title and footer, in inches."""


LINE_SPACING = 1.25
"""Line height as a multiple of the font size, set explicitly because fonts differ."""
MIN_SIZE = 10.5
"""The smallest font size in points that is legible when projected."""
MAX_PARAGRAPH_LENGTH = 1_500
"""The most characters of a paragraph; longer ones are shortened."""
FIRST_WIDE_LETTER = 0x1100
"""Letters from this code point on (Hangul and later) are one em wide."""
WORD_END_SHARE = 0.8
"""A shortened text ends after a whole word if this keeps more than this share of the allowed length."""
NARROW_LETTERS = frozenset("iljftIr.,:;'’‘|!()[]-/ ")
BROAD_LETTERS = frozenset("mwMWOQGCD@%&–—…")
LETTER_WIDTHS = {"wide": 1.0, "narrow": 0.33, "broad": 0.85, "capital": 0.7, "other": 0.59}
"""Letter widths in ems. They exceed those of Arial and Malgun Gothic, in case other fonts replace them."""
BOLD_FACTOR = 1.2


@dataclass(frozen=True)
class Paragraph:
    """A paragraph on a slide: its text, font size in points and style."""

    text: str
    size: float = 14
    bold: bool = False
    colour: str = INK
    space_after: float = 4
    """Space below the paragraph, in points."""
    bullet: bool = False

    @property
    def indent(self) -> float:
        """The indent of the paragraph for its bullet, in inches."""
        return self.size / 72 if self.bullet else 0.0


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


def text_height(lines: Sequence[Paragraph], width: float) -> float:
    """Return the height in inches that paragraphs need in a column `width` inches wide."""
    heights = (
        line_count(x.text, x.size, width - x.indent, bold=x.bold) * x.size * LINE_SPACING + x.space_after
        for x in lines
    )
    return sum(heights) / 72


def fit_paragraphs(lines: Sequence[Paragraph], width: float, max_height: float) -> list[Paragraph]:
    """Make paragraphs fit into a box: reduce their fonts and, if necessary, shorten their texts.

    Args:
        lines: the paragraphs with their largest font sizes.
        width: the width of the box in inches.
        max_height: the height of the box in inches.
    """
    shortened = [replace(x, text=truncate_text(x.text, MAX_PARAGRAPH_LENGTH)) for x in lines]
    for percent in range(100, 64, -4):
        sized = [replace(x, size=max(MIN_SIZE, x.size * percent / 100)) for x in shortened]
        sized = [replace(x, size=round(x.size * 2) / 2) for x in sized]
        if text_height(sized, width) <= max_height:
            return sized
    while text_height(sized, width) > max_height:
        longest = max(range(len(sized)), key=lambda n: len(sized[n].text))
        # The texts cannot be shortened further, so the last paragraph is left out.
        if len(sized[longest].text) <= 1:
            return sized[:-1]
        sized[longest] = replace(
            sized[longest], text=truncate_text(sized[longest].text, len(sized[longest].text) * 9 // 10)
        )
    return sized


def truncate_lines(text: str, size: float, width: float, most: int = 1, *, bold: bool = False) -> str:
    """Return a text shortened to at most `most` lines; an ellipsis marks the cut."""
    text = truncate_text(text, MAX_PARAGRAPH_LENGTH)
    while line_count(text, size, width, bold=bold) > most and len(text) > 1:
        text = truncate_text(text, len(text) * 9 // 10)
    return text


def truncate_text(text: str, most: int) -> str:
    """Return a text of at most `most` characters; an ellipsis marks the cut, after a word if possible."""
    if len(text) <= most:
        return text
    start = text[: max(0, most - 1)]
    word = start.rfind(" ")
    return start[: word if word > most * WORD_END_SHARE else None].rstrip(" ….,;:") + "…"
