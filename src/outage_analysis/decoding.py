"""The encoding of a text file, decided and never guessed: a byte-order mark, strict UTF-8, strict CP949.

Korean exports are CP949 as often as UTF-8. The engine reads UTF-8 only, so any other file is copied
once, decoded strictly, to a temporary one; the file itself is never changed.
"""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outage_analysis.errors import InputRefused

BLOCK = 1 << 20
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""Byte-order mark -> the encoding it declares."""
TRIED = ("utf-8", "cp949")
"""What a file without a mark may be, in this order."""


@contextmanager
def as_utf8(path: Path) -> Iterator[tuple[Path, str]]:
    """A path to the same text in UTF-8, while the context lasts, and the encoding that the file has.

    Raises:
        InputRefused: no known encoding, with the byte at which each gives up; or a NUL character.
    """
    encoding = encoding_of(path)
    if encoding.startswith("utf-8"):
        yield path, encoding
        return
    with tempfile.TemporaryDirectory(prefix="outage-analysis-") as folder:
        copy = Path(folder) / "decoded.csv"
        with (
            path.open(encoding=encoding, newline="") as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            while block := source.read(BLOCK):
                target.write(block)
        yield copy, encoding


def encoding_of(path: Path) -> str:
    """The encoding of a file, after decoding all of it.

    Raises:
        InputRefused: no known encoding, with the byte at which each gives up; or a NUL character.
    """
    with path.open("rb") as stream:
        head = stream.read(len(codecs.BOM_UTF8))
    marked = next((name for mark, name in MARKS.items() if head.startswith(mark)), None)
    failures = []
    for encoding in (marked,) if marked else TRIED:
        failure = _failure(path, encoding)
        if failure is None:
            return encoding
        at, cut_short = failure
        failures.append(f"not {encoding.removesuffix('-sig').upper()} at byte {at:,}")
        if cut_short:  # UTF-8 up to a last character that lacks its end: another encoding would misread it
            break
    raise InputRefused(
        f"is {' and '.join(failures)}",
        file=path.name,
        remedy="Save it as UTF-8 (in Excel: CSV UTF-8).",
    )


def _failure(path: Path, encoding: str) -> tuple[int, bool] | None:
    """The byte at which a file cannot be decoded any further, and whether it only ends too soon."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    offset = 0
    with path.open("rb") as stream:
        while True:
            block = stream.read(BLOCK)
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return offset - held + error.start, not block
            if "\0" in text:
                at = f"byte at {offset + block.index(0):,}" if encoding != "utf-16" else "character"
                raise InputRefused(f"holds a NUL {at}", file=path.name, remedy="Save it as UTF-8 text.")
            if not block:
                return None
            offset += len(block)
