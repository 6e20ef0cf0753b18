"""The package's own fonts, which every output format uses whatever fonts the machine has.

One family in regular and bold, subset from Noto Sans CJK KR (`make fonts`), under the OFL licence in the same
folder.
"""

from __future__ import annotations

import hashlib
import unicodedata
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl

from outage_analysis.errors import EnvironmentFailed

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

Weight = Literal["Regular", "Bold"]
WEIGHTS: tuple[Weight, ...] = ("Regular", "Bold")
FAMILY = "Outage Sans"
FORMAT = {"Cf", "Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories without a visible glyph: controls, direction marks, unassigned characters."""


def folder() -> Path:
    """The folder of the font files.

    Raises:
        EnvironmentFailed: a font file is missing.
    """
    directory = Path(__file__).parent / "font_files"
    for weight in WEIGHTS:
        path = directory / f"OutageSans-{weight}.otf"
        if not path.is_file():
            raise EnvironmentFailed("the font is missing", file=path, remedy="Install the package again.")
    return directory


def digests() -> dict[str, str]:
    """The SHA-256 checksum of each font file, by file name."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder().glob("*.otf"))}


@cache
def covered_code_points() -> frozenset[int]:
    """The code points that both weights contain."""
    maps = [_open_font(weight).getBestCmap() for weight in WEIGHTS]
    return frozenset(maps[0]).intersection(*maps[1:])


@cache
def _printable_characters() -> frozenset[str]:
    """The characters that are printed as they are."""
    return frozenset(c for c in map(chr, covered_code_points()) if unicodedata.category(c) not in FORMAT)


def missing_characters(text: str) -> list[str]:
    """The characters of a text that the fonts lack, each once; line breaks do not count."""
    return sorted({c for c in text if ord(c) not in covered_code_points() and c != "\n"})


def printable(text: str) -> str:
    """Text from outside in a form that every format can print: characters without a glyph become U+XXXX.

    Decomposed Hangul is composed first. Control characters and direction marks become U+XXXX, too, so that
    they cannot hide or reverse other text. A line break becomes a space.
    """
    joined = unicodedata.normalize("NFC", text).replace("\r\n", " ").replace("\n", " ")
    characters = _printable_characters()
    return "".join(c if c in characters else f"U+{ord(c):04X}" for c in joined)


def printable_table(frame: pl.DataFrame) -> pl.DataFrame:
    """A table in which every text is printable by `printable`."""
    for name, dtype in frame.schema.items():
        if dtype == pl.String:
            printable_texts = {
                text: printable(text) for text in frame[name].drop_nulls().unique(maintain_order=True)
            }
            replacements = {text: safe for text, safe in printable_texts.items() if text != safe}
            frame = frame.with_columns(pl.col(name).replace(replacements)) if replacements else frame
    return frame


def subset_font(text: str, weight: Weight) -> bytes:
    """The font file reduced to the glyphs of a text; the same set of characters gives the same bytes."""
    from fontTools import subset

    font = _open_font(weight)
    options = subset.Options()
    options.layout_features = ["kern", "tnum"]
    options.hinting = True  # the fonts have no hints, and searching for hints to remove is slow
    options.recalc_timestamp = options.recalc_bounds = False
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(sorted(set(text))))
    subsetter.subset(font)
    buffer = BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def _open_font(weight: Weight) -> TTFont:
    from fontTools.ttLib import TTFont

    buffer = BytesIO(
        (folder() / f"OutageSans-{weight}.otf").read_bytes()
    )  # read into memory, so that no file stays open
    return TTFont(buffer, lazy=True, recalcTimestamp=False, recalcBBoxes=False)
