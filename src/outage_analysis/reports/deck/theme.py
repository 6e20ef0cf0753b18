"""The look of a deck: one type family, one accent colour and greys, and where things stand on a slide."""

from __future__ import annotations

from dataclasses import dataclass

ACCENT, PALE, INK, MUTED, GREY, LIGHT = "0072B2", "9CC7E0", "1F2328", "57606A", "8A8F98", "D5D9DF"
LATIN = {"en": "Arial", "ko": "Malgun Gothic"}
"""The family by language: fonts cannot travel in a deck, so it is one that every office has."""
HANGUL = "Malgun Gothic"
LOCALES = {"en": "en-US", "ko": "ko-KR"}
WIDTH, HEIGHT = 13.333, 7.5
"""Inches of a slide, 16:9."""
EMU = 914_400
"""Units of the format in an inch."""


@dataclass(frozen=True)
class Box:
    """A rectangle of a slide, in inches from its top left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def emu(self) -> tuple[int, int, int, int]:
        """The same in the units of the format."""
        left, top, right, low = (
            round(x * EMU) for x in (self.left, self.top, self.left + self.width, self.top + self.height)
        )
        return left, top, right - left, low - top

    def shrunk_by(self, inches: float) -> Box:
        """The same, of less height."""
        return Box(self.left, self.top, self.width, self.height - inches)

    def moved_up(self, inches: float) -> Box:
        """The same, higher."""
        return Box(self.left, self.top - inches, self.width, self.height)


LEFT, FULL_WIDTH = 0.65, 12.03
"""Where content begins, and how wide it is."""
BAR = Box(LEFT, 0, 0.9, 0.09)
WARNING = Box(LEFT, 0.1, FULL_WIDTH, 0.26)
KICKER = Box(LEFT, 0.36, 9.6, 0.28)
BADGE = Box(10.68, 0.34, 2.0, 0.32)
TITLE = Box(LEFT, 0.7, FULL_WIDTH, 1.0)
LEDE = Box(LEFT, 1.74, FULL_WIDTH, 0.32)
FOOTER = Box(LEFT, 6.98, 11.2, 0.26)
NUMBER = Box(12.0, 6.98, 0.68, 0.26)
ONE_LINE = 0.42
"""How much higher that stands below a title of one line."""
TOP, BOTTOM = 2.15, 6.76
"""Of what is between the title and the footer."""
