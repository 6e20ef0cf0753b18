"""Detect the encoding of text files by decoding them, and convert the files to UTF-8.

A byte-order mark determines the encoding. Without one, strict UTF-8 is tried first and then strict CP949,
which is common in Korean exports. DuckDB reads only UTF-8, so other files are decoded into a copy in a
temporary folder. The original file is never changed.
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
"""Byte-order mark -> the encoding that it declares."""
ENCODINGS_TO_TRY = ("utf-8", "cp949")
"""The encodings that are tried for a file without a byte-order mark, in this order."""
MAX_UNBROKEN = 1 << 25
"""Most bytes without a line break that are held in memory."""
MAX_EXPANSION, ALWAYS_EXPANDED = 300, 1 << 24
"""Limits for a compressed file: the expanded size relative to its own, and a size that is always allowed."""


def _zstd() -> Any:  # noqa: ANN401 - zlib's and zstandard's objects have no common type
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()


COMPRESSIONS: dict[str, Callable[[], Any]] = {".gz": lambda: zlib.decompressobj(wbits=31), ".zst": _zstd}
"""Suffix of a compressed file -> a function that returns a new decompressor for one frame."""


@dataclass(frozen=True)
class TextFile:
    """A text file in UTF-8. `path` is the file or a decoded copy; `encoding` is that of the original file."""

    name: str
    path: Path
    encoding: str

    @property
    def text_start(self) -> int:
        """The byte offset at which the text starts in `path`, that is, after a byte-order mark."""
        return len(codecs.BOM_UTF8) if self.encoding == "utf-8-sig" else 0


def as_utf8(path: Path, workspace: Path, *, name: str, encoding: str | None = None) -> TextFile:
    """Detect the encoding of a file by decoding the whole file, and return the file as UTF-8.

    Args:
        path: the file. A .gz or .zst file is decompressed first.
        workspace: a folder for decoded copies. It must exist as long as the result is used.
        name: the name of the file in error messages.
        encoding: the encoding of the file, if it is known. Then only this encoding is tried.

    Raises:
        InputRefused: no encoding fits (the message states the byte at which each one fails), the text
            contains a NUL character, or a compressed file is damaged or expands too much.
    """
    if path.suffix.lower() in COMPRESSIONS:
        path = _decompress_to_copy(path, workspace, name)
    detected = _detect_encoding(path, name, encoding)
    if not detected.startswith("utf-8"):
        path = _copy_as_utf8(path, workspace, detected)
    return TextFile(name, path, detected)


def _decompress_to_copy(path: Path, workspace: Path, name: str) -> Path:
    """Decompress a file into a copy, and return the path of the copy.

    Raises:
        InputRefused: the file expands too much, or is damaged.
    """
    target = workspace / f"{len([*workspace.iterdir()])}.expanded"
    size, limit = 0, max(ALWAYS_EXPANDED, path.stat().st_size * MAX_EXPANSION)
    with path.open("rb") as source, target.open("wb") as copy:
        for text in _decompressed_pieces(source, path.suffix, name):
            size += copy.write(text)
            if size > limit:
                raise InputRefused(
                    f"grows more than {MAX_EXPANSION}-fold when decompressed",
                    file=name,
                    remedy="Decompress it yourself, if you trust it.",
                )
    return target


def _decompressed_pieces(source: BinaryIO, suffix: str, name: str) -> Iterator[bytes]:
    """Yield the decompressed content of a compressed file in pieces.

    The file may consist of several frames one after the other.
    """
    make, format_name = COMPRESSIONS[suffix.lower()], suffix[1:]
    frame, started = make(), False
    # The pieces are small, because a few bytes may expand to gigabytes.
    while piece := source.read(SMALL_BLOCK):
        while piece:
            try:
                text = frame.decompress(piece)
            except Exception as error:
                problem = f"is damaged, or no {format_name} at all"
                raise InputRefused(problem, file=name, value=error) from error
            yield text
            started, piece = True, b""
            if frame.eof:
                piece, frame, started = frame.unused_data, make(), False
    if started:
        raise InputRefused(f"is cut short: its {format_name} stream does not end", file=name)


def _detect_encoding(path: Path, name: str, declared: str | None) -> str:
    """Return the encoding of a file: by its byte-order mark, else as declared, else the first that fits.

    Raises:
        InputRefused: no encoding fits, or the byte-order mark contradicts the declared encoding.
    """
    with path.open("rb") as stream:
        head = stream.read(len(codecs.BOM_UTF8))
    declared_by_mark = next(
        (known for mark, known in BYTE_ORDER_MARKS.items() if head.startswith(mark)), None
    )
    candidates = (declared_by_mark,) if declared_by_mark else (declared,) if declared else ENCODINGS_TO_TRY
    if declared and (
        (declared_by_mark and declared not in declared_by_mark)
        or (declared == "utf-16" and not declared_by_mark)
    ):
        mark = (
            f"begins with the mark of {declared_by_mark.upper()}"
            if declared_by_mark
            else "begins with no mark"
        )
        raise InputRefused(f"{mark}, and {declared.upper()} was declared", file=name)
    reasons = []
    for encoding in candidates:
        if encoding.startswith("utf-8") and _is_text_in_utf8(path):
            return encoding
        failure = _decoding_failure(path, encoding, name)
        if failure is None:
            if encoding == "cp949":
                _refuse_utf8_lines(path, name)
            return encoding
        at, cut_short = failure
        reasons.append(f"not {encoding.removesuffix('-sig').upper()} at byte {at:,}")
        if cut_short:  # Truncated UTF-8: another encoding would give wrong text.
            break
    raise InputRefused(
        f"is {' and '.join(reasons)}", file=name, remedy="Save it as UTF-8 (in Excel: CSV UTF-8)."
    )


HANGUL_IN_UTF8 = re.compile(rb"(?:\xea[\xb0-\xbf]|[\xeb-\xec][\x80-\xbf]|\xed[\x80-\x9e])[\x80-\xbf]")
"""Pattern of a Korean syllable in UTF-8 bytes."""


def _refuse_utf8_lines(path: Path, name: str) -> None:
    """Raise an error if a CP949 file contains a line in UTF-8, which would be decoded to wrong text.

    Raises:
        InputRefused: the file contains such a line. The message states the byte offset.
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
    """Return whether every line of a file is UTF-8 without a NUL character.

    The lines are decoded by Polars, which is faster because it builds no Python strings.
    """
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
    """Return the byte offset at which decoding fails, and whether only the last character is truncated.

    Returns None if the whole file can be decoded.
    """
    # The utf-8-sig decoder counts bytes from the end of the byte-order mark. So the plain UTF-8 decoder is
    # used, and it starts after the mark.
    decoder = codecs.getincrementaldecoder(encoding.removesuffix("-sig"))("strict")
    offset = len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0
    with path.open("rb") as stream:
        stream.seek(offset)
        while True:
            block = stream.read(BLOCK)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return offset - pending + error.start, not block
            if "\0" in text:
                at = f"byte at {offset + block.index(0):,}" if encoding != "utf-16" else "character"
                raise InputRefused(f"holds a NUL {at}", file=name, remedy="Save it as UTF-8 text.")
            if not block:
                return None
            offset += len(block)


def _copy_as_utf8(path: Path, workspace: Path, encoding: str) -> Path:
    """Write a copy of a file that is converted to UTF-8, and return the path of the copy."""
    target = workspace / f"{len([*workspace.iterdir()])}.decoded"
    with path.open(encoding=encoding, newline="") as source, target.open("wb") as copy:
        while text := source.read(BLOCK):
            copy.write(text.encode())
    return target


def original_offsets(text: TextFile, offsets: list[int]) -> list[int]:
    """Convert byte offsets in the UTF-8 text to offsets in the original (decompressed) file.

    The offsets must increase.
    """
    if text.encoding.startswith("utf-8"):
        return offsets
    codec = "utf-16-le" if text.encoding == "utf-16" else text.encoding
    positions: list[int] = []
    position = 2 if text.encoding == "utf-16" else 0  # UTF-16 text starts after a mark of two bytes.
    done = 0
    with text.path.open("rb") as stream:
        for offset in offsets:
            position += len(stream.read(offset - done).decode().encode(codec))
            done = offset
            positions.append(position)
    return positions
