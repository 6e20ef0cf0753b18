"""Define the colours, the fonts and the positions of elements on the slides."""

from __future__ import annotations

from dataclasses import dataclass

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
