"""A text file as UTF-8, its encoding decided and never guessed: a mark, strict UTF-8, strict CP949.

Korean exports are CP949 as often as UTF-8. The engine reads UTF-8 only, so any other file is copied
once, decoded strictly, into the workspace of the run; the file itself is never changed.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from outage_analysis.errors import InputRefused

BLOCK = 1 << 20
SMALL_BLOCK = 1 << 12
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte-order mark -> the encoding it declares."""
ENCODINGS_TO_TRY = ("utf-8", "cp949")
"""What a file without a mark may be, in this order."""
MAX_UNBROKEN = 1 << 25
"""Bytes without the end of a line that are held at once."""
MAX_EXPANSION, ALWAYS_EXPANDED = 300, 1 << 24
"""A compressed file that grows more than this many times, beyond so many bytes, is refused."""


def _zstd() -> Any:  # noqa: ANN401 - zlib's and zstandard's objects have no common type
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()


COMPRESSIONS: dict[str, Callable[[], Any]] = {".gz": lambda: zlib.decompressobj(wbits=31), ".zst": _zstd}
"""Suffix -> a new decompressor of one frame."""


@dataclass(frozen=True)
class TextFile:
    """A text in UTF-8: `path` is the file itself or a copy in the workspace, `encoding` what the file has."""

    name: str
    path: Path
    encoding: str

    @property
    def text_start(self) -> int:
        """Where the text begins in the file: behind its mark, if it has one."""
        return len(codecs.BOM_UTF8) if self.encoding == "utf-8-sig" else 0


def as_utf8(path: Path, workspace: Path, *, name: str, encoding: str | None = None) -> TextFile:
    """Decide the encoding of a file after decoding all of it, and have it in UTF-8.

    Args:
        path: the file; .gz and .zst are decompressed first.
        workspace: a folder for copies, which must outlive the result.
        name: what to call the file in a refusal.
        encoding: the only encoding to try, if one was declared.

    Raises:
        InputRefused: no known encoding, with the byte at which each gives up; a NUL character; a
            compressed file that is damaged or grows beyond all reason.
    """
    if path.suffix.lower() in COMPRESSIONS:
        path = _decompress_to_copy(path, workspace, name)
    found = _detect_encoding(path, name, encoding)
    if not found.startswith("utf-8"):
        path = _copy_as_utf8(path, workspace, found)
    return TextFile(name, path, found)


def _decompress_to_copy(path: Path, workspace: Path, name: str) -> Path:
    """A decompressed copy, unless it grows beyond all reason."""
    target = workspace / f"{len([*workspace.iterdir()])}.expanded"
    size, most = 0, max(ALWAYS_EXPANDED, path.stat().st_size * MAX_EXPANSION)
    with path.open("rb") as source, target.open("wb") as copy:
        for text in _decompressed_pieces(source, path.suffix, name):
            size += copy.write(text)
            if size > most:
                raise InputRefused(
                    f"grows more than {MAX_EXPANSION}-fold when decompressed",
                    file=name,
                    remedy="Decompress it yourself, if you trust it.",
                )
    return target


def _decompressed_pieces(source: BinaryIO, suffix: str, name: str) -> Iterator[bytes]:
    """What compressed frames hold, piece by piece; they may follow one another."""
    make, packed = COMPRESSIONS[suffix.lower()], suffix[1:]
    frame, begun = make(), False
    while piece := source.read(SMALL_BLOCK):  # small pieces: a frame may claim gigabytes for a few bytes
        while piece:
            try:
                text = frame.decompress(piece)
            except Exception as error:
                problem = f"is damaged, or no {packed} at all"
                raise InputRefused(problem, file=name, value=error) from error
            yield text
            begun, piece = True, b""
            if frame.eof:
                piece, frame, begun = frame.unused_data, make(), False
    if begun:
        raise InputRefused(f"is cut short: its {packed} stream does not end", file=name)


def _detect_encoding(path: Path, name: str, declared: str | None) -> str:
    with path.open("rb") as stream:
        head = stream.read(len(codecs.BOM_UTF8))
    marked = next((known for mark, known in BYTE_ORDER_MARKS.items() if head.startswith(mark)), None)
    candidates = (marked,) if marked else (declared,) if declared else ENCODINGS_TO_TRY
    if declared and ((marked and declared not in marked) or (declared == "utf-16" and not marked)):
        mark = f"begins with the mark of {marked.upper()}" if marked else "begins with no mark"
        raise InputRefused(f"{mark}, and {declared.upper()} was declared", file=name)
    failures = []
    for encoding in candidates:
        if encoding.startswith("utf-8") and _is_text_in_utf8(path):
            return encoding
        failure = _decoding_failure(path, encoding, name)
        if failure is None:
            if encoding == "cp949":
                _refuse_utf8_lines(path, name)
            return encoding
        at, cut_short = failure
        failures.append(f"not {encoding.removesuffix('-sig').upper()} at byte {at:,}")
        if cut_short:  # UTF-8 up to a last character that lacks its end: another encoding would misread it
            break
    raise InputRefused(
        f"is {' and '.join(failures)}", file=name, remedy="Save it as UTF-8 (in Excel: CSV UTF-8)."
    )


HANGUL_IN_UTF8 = re.compile(rb"(?:\xea[\xb0-\xbf]|[\xeb-\xec][\x80-\xbf]|\xed[\x80-\x9e])[\x80-\xbf]")


def _refuse_utf8_lines(path: Path, name: str) -> None:
    """Refuse a text in CP949 of which a line is UTF-8: both can be decoded, into other words.

    Raises:
        InputRefused: such a line, by its byte.
    """
    offset = 0
    with path.open("rb") as stream:
        for line in stream:
            hangul = None if line.isascii() else HANGUL_IN_UTF8.search(line)
            if hangul and _is_utf8(line):
                raise InputRefused(
                    f"mixes CP949 and UTF-8: Hangul in UTF-8 at byte {offset + hangul.start():,}",
                    file=name,
                    remedy="Save its parts in one encoding.",
                )
            offset += len(line)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_text_in_utf8(path: Path) -> bool:
    """Whether every line is UTF-8 without a NUL, by a decoder that makes no string of it."""
    with path.open("rb") as stream:
        rest = b""
        while block := stream.read(BLOCK):
            text = rest + block
            whole = text.rfind(b"\n") + 1
            rest = text[whole:]
            if len(rest) > MAX_UNBROKEN or not _is_decodable(text[:whole]):
                return False
        return _is_decodable(rest)


def _is_decodable(text: bytes) -> bool:
    if b"\0" in text:
        return False
    try:
        pl.Series([text], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return True


def _decoding_failure(path: Path, encoding: str, name: str) -> tuple[int, bool] | None:
    """The byte at which a file cannot be decoded any further, and whether it only ends too soon."""
    # The decoder that takes the mark off counts its bytes from behind it.
    decoder = codecs.getincrementaldecoder(encoding.removesuffix("-sig"))("strict")
    offset = len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0
    with path.open("rb") as stream:
        stream.seek(offset)
        while True:
            block = stream.read(BLOCK)
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return offset - held + error.start, not block
            if "\0" in text:
                at = f"byte at {offset + block.index(0):,}" if encoding != "utf-16" else "character"
                raise InputRefused(f"holds a NUL {at}", file=name, remedy="Save it as UTF-8 text.")
            if not block:
                return None
            offset += len(block)


def _copy_as_utf8(path: Path, workspace: Path, encoding: str) -> Path:
    """A copy in UTF-8."""
    target = workspace / f"{len([*workspace.iterdir()])}.decoded"
    with path.open(encoding=encoding, newline="") as source, target.open("wb") as copy:
        while text := source.read(BLOCK):
            copy.write(text.encode())
    return target


def original_offsets(text: TextFile, offsets: list[int]) -> list[int]:
    """Where bytes of the UTF-8 text lie in the file as it came (decompressed); offsets must increase."""
    if text.encoding.startswith("utf-8"):
        return offsets
    codec = "utf-16-le" if text.encoding == "utf-16" else text.encoding
    found, at = [], 2 if text.encoding == "utf-16" else 0  # the mark comes first
    done = 0
    with text.path.open("rb") as stream:
        for offset in offsets:
            at += len(stream.read(offset - done).decode().encode(codec))
            done = offset
            found.append(at)
    return found
