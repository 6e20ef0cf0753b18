"""The package's own fonts: every format is set in them, whatever the machine has installed.

Regular and bold of one family, cut from Noto Sans CJK KR (`make fonts`), under the OFL that lies beside.
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
"""Characters that are no letters but change how others are read: marks of direction, controls."""


def folder() -> Path:
    """Where the font files are.

    Raises:
        EnvironmentFailed: one is missing.
    """
    found = Path(__file__).parent / "font_files"
    for weight in WEIGHTS:
        path = found / f"OutageSans-{weight}.otf"
        if not path.is_file():
            raise EnvironmentFailed("the font is missing", file=path, remedy="Install the package again.")
    return found


def digests() -> dict[str, str]:
    """A checksum of each font file, by its name."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder().glob("*.otf"))}


@cache
def covered_code_points() -> frozenset[int]:
    """The code points that both weights have."""
    maps = [_opened(weight).getBestCmap() for weight in WEIGHTS]
    return frozenset(maps[0]).intersection(*maps[1:])


@cache
def _plain() -> frozenset[str]:
    """The characters that are shown as they are."""
    return frozenset(c for c in map(chr, covered_code_points()) if unicodedata.category(c) not in FORMAT)


def missing_characters(text: str) -> list[str]:
    """The characters of a text that the fonts do not have, each once; line breaks need no glyph."""
    return sorted({c for c in text if ord(c) not in covered_code_points() and c != "\n"})


def printable(text: str) -> str:
    """Text from outside as every format can show it: what has no glyph is written U+XXXX.

    Korean letters that arrive in parts are joined first. Control characters and marks of direction have
    no glyph, so they cannot hide or turn what stands beside them; a line break becomes a space.
    """
    joined = unicodedata.normalize("NFC", text).replace("\r\n", " ").replace("\n", " ")
    plain = _plain()
    return "".join(c if c in plain else f"U+{ord(c):04X}" for c in joined)


def printable_table(frame: pl.DataFrame) -> pl.DataFrame:
    """A table whose texts are as every format can show them."""
    for name, dtype in frame.schema.items():
        if dtype == pl.String:
            told = {text: printable(text) for text in frame[name].drop_nulls().unique(maintain_order=True)}
            odd = {text: safe for text, safe in told.items() if text != safe}
            frame = frame.with_columns(pl.col(name).replace(odd)) if odd else frame
    return frame


def subset_font(text: str, weight: Weight) -> bytes:
    """The font file with no more than the glyphs of a text; the same letters give the same bytes."""
    from fontTools import subset

    font = _opened(weight)
    options = subset.Options()
    options.layout_features = ["kern", "tnum"]
    options.hinting = True  # there are no hints left to take out, which takes long to find out
    options.recalc_timestamp = options.recalc_bounds = False
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(sorted(set(text))))
    cutter.subset(font)
    held = BytesIO()
    font.save(held)
    return held.getvalue()


def _opened(weight: Weight) -> TTFont:
    from fontTools.ttLib import TTFont

    held = BytesIO((folder() / f"OutageSans-{weight}.otf").read_bytes())  # no file stays open
    return TTFont(held, lazy=True, recalcTimestamp=False, recalcBBoxes=False)
