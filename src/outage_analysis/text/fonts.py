"""The bundled fonts. All output formats use them, so that output does not depend on installed fonts.

The fonts are one family in regular and bold, and the part of it without Korean, which is drawn faster.
`make fonts` makes them from Noto Sans CJK KR, whose OFL licence is in the same folder.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from functools import cache
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any, Literal

import polars as pl

from outage_analysis.errors import EnvironmentFailed

Weight = Literal["Regular", "Bold"]
WEIGHTS: tuple[Weight, ...] = ("Regular", "Bold")
FAMILY, LATIN_FAMILY = "Outage Sans", "Outage Latin"
KOREAN = re.compile("[\u3000-\uffff]")
"""A character of `FAMILY` that `LATIN_FAMILY` lacks."""
FORMAT = {"Cf", "Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories of characters without a visible glyph: controls, direction marks, unassigned."""


def folder() -> Path:
    """Return the folder that contains the font files.

    Raises:
        EnvironmentFailed: a font file is missing.
    """
    directory = Path(__file__).parent / "font_files"
    for family, weight in product((FAMILY, LATIN_FAMILY), WEIGHTS):
        path = directory / f"{family.replace(' ', '')}-{weight}.otf"
        if not path.is_file():
            raise EnvironmentFailed("the font is missing", file=path, remedy="Install the package again.")
    return directory


@cache
def for_typst() -> Any:  # noqa: ANN401 - the library ships no types
    """Return the fonts as typst wants them, read once for all documents and pictures.

    Typst's own fonts are among them: without them it drops texts in `sans-serif`, as a user's chart has them.
    """
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder()])


@cache
def covered_code_points() -> frozenset[int]:
    """Return the code points of the characters that both the regular and the bold font contain."""
    maps = [_open_font(weight).getBestCmap() for weight in WEIGHTS]
    return frozenset(maps[0]).intersection(*maps[1:])


@cache
def _printable_characters() -> frozenset[str]:
    return frozenset(c for c in map(chr, covered_code_points()) if unicodedata.category(c) not in FORMAT)


def printable(text: str) -> str:
    """Return a text from an input file in a form that every output format can print.

    Characters that the fonts do not contain become U+XXXX.

    Decomposed Korean syllables are composed first. Control characters and direction marks also become U+XXXX,
    so that they cannot hide or reverse other text. Line breaks become spaces.
    """
    joined = unicodedata.normalize("NFC", text).replace("\r\n", " ").replace("\n", " ")
    characters = _printable_characters()
    if characters.issuperset(joined):
        return joined
    return "".join(c if c in characters else f"U+{ord(c):04X}" for c in joined)


def printable_table(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table in which the function `printable` was applied to every text."""
    return frame.with_columns(pl.col(pl.String).map_elements(printable, return_dtype=pl.String))


def subset_font(text: str, weight: Weight) -> bytes:
    """Return a font file that contains only the glyphs of a text. The same characters give the same bytes."""
    from fontTools import subset

    font = _open_font(weight)
    # The fonts have no hints to remove, and a search for them is slow.
    options = subset.Options(
        layout_features=["kern", "tnum"], hinting=True, recalc_timestamp=False, recalc_bounds=False
    )
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(sorted(set(text))))
    subsetter.subset(font)
    buffer = BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def font_face_rules(text: str) -> str:
    """Return CSS @font-face rules that embed the fonts, reduced to the letters that a text uses."""
    letters = "".join(c for c in sorted(set(text)) if ord(c) in covered_code_points())
    rules = []
    for weight, number in zip(WEIGHTS, (400, 700), strict=True):
        data = base64.b64encode(subset_font(letters, weight)).decode()
        rules.append(
            f"@font-face {{ font-family: '{FAMILY}'; font-weight: {number}; "
            f"src: url(data:font/otf;base64,{data}) format('opentype'); }}\n"
        )
    return "".join(rules)


def _open_font(weight: Weight) -> Any:  # noqa: ANN401 - the library ships no types
    from fontTools.ttLib import TTFont

    # The font is read into memory, so that no file stays open.
    data = (folder() / f"OutageSans-{weight}.otf").read_bytes()
    return TTFont(BytesIO(data), lazy=True, recalcTimestamp=False, recalcBBoxes=False)
