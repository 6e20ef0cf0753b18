"""Detect the encoding of text files by decoding them, and convert the files to UTF-8.

A byte-order mark determines the encoding. Without one, strict UTF-8 is tried first. If it does not fit,
`encoding_by_words` looks at the words. If these do not tell, the file is damaged, and `damaged_text` chooses
UTF-8 or CP949, which is common in Korean exports, by most lines.
DuckDB reads only UTF-8, so other files are decoded into a copy in a
temporary folder. The original file is never changed.
"""

from __future__ import annotations

import codecs
import mmap
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from outage_analysis.errors import InputRefused
from outage_analysis.text.damaged_text import (
    MAX_DAMAGED_SHARE,
    LineCounts,
    byte_lines,
    is_korean_in_utf8,
    repaired_copy,
)
from outage_analysis.text.encoding_by_words import encoding_by_words

BLOCK = 1 << 20
SMALL_BLOCK = 1 << 12
COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f", b"PK\x03")
"""The first bytes of gzip, zstd and zip files."""
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte-order mark -> the encoding that it declares."""
LINE_END = re.compile(rb"\r\n?|\n")
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
    damaged: bool = False
    """Whether the file has invalid bytes; the file at `path` has a NUL character in place of each one."""

    @property
    def text_start(self) -> int:
        """The byte offset at which the text starts in `path`, that is, after a byte-order mark."""
        return len(codecs.BOM_UTF8) if self.encoding == "utf-8-sig" else 0


def as_utf8(path: Path, workspace: Path, *, name: str, encoding: str | None = None) -> TextFile:
    """Decode a whole file in its stated or detected encoding, and return it as UTF-8.

    Args:
        path: the file. A .gz or .zst file is decompressed first.
        workspace: a folder for decoded copies. It must exist as long as the result is used.
        name: the name of the file in error messages.
        encoding: the encoding of the file, if it is known. Then only this encoding is tried.

    Raises:
        InputRefused: most lines fit no encoding, or several encodings fit that read the file differently; or
            a compressed file is damaged or expands too much.
    """
    if path.suffix.lower() in COMPRESSIONS:
        path = _decompress_to_copy(path, workspace, name)
    detected = _detect_encoding(path, name, encoding)
    if detected is None and encoding is None and (encoding := _detect_by_words(path, name)) is not None:
        detected = _detect_encoding(path, name, encoding)
    target, damaged = workspace / f"{len([*workspace.iterdir()])}.decoded", False
    if detected is None:
        detected, damaged = _repair(path, target, name, encoding)
        path = target
    elif detected == "utf-16":
        damaged = _copy_as_utf8(path, target, detected, name)
        path = target
    elif not detected.startswith("utf-8"):
        _copy_as_utf8(path, target, detected, name)
        path = target
    return TextFile(name, path, detected, damaged)


def _repair(path: Path, target: Path, name: str, declared: str | None) -> tuple[str, bool]:
    with path.open("rb") as stream:
        head = stream.read(len(codecs.BOM_UTF8))
    if head.startswith(COMPRESSED):
        raise InputRefused("is compressed, and its name does not say so", file=name, remedy="Unpack it.")
    if head == codecs.BOM_UTF8:
        return "utf-8-sig", repaired_copy(path, target, "utf-8", name)
    if not declared and _ends_inside_character(path):
        return "utf-8", repaired_copy(path, target, "utf-8", name)
    encoding = declared or LineCounts.of_file(path, name).encoding()
    return encoding, repaired_copy(path, target, encoding, name)


def _decompress_to_copy(path: Path, workspace: Path, name: str) -> Path:
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


def _detect_by_words(path: Path, name: str) -> str | None:
    with path.open("rb") as stream:
        head = stream.read(len(codecs.BOM_UTF8))
    if head.startswith((*BYTE_ORDER_MARKS, *COMPRESSED)) or b"\0" in head or _ends_inside_character(path):
        return None
    return encoding_by_words(path, name)


def _detect_encoding(path: Path, name: str, declared: str | None) -> str | None:
    with path.open("rb") as stream:
        head = stream.read(len(codecs.BOM_UTF8))
    declared_by_mark = next(
        (known for mark, known in BYTE_ORDER_MARKS.items() if head.startswith(mark)), None
    )
    encoding = declared_by_mark or declared or "utf-8"
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
    if encoding.startswith("utf-8"):
        return encoding if _is_text_in_utf8(path) else None
    failure = _decoding_failure(path, encoding)
    if failure is not None and encoding == "utf-16":
        problem = f"is not UTF-16 at byte {failure:,}"
        raise InputRefused(problem, file=name, remedy="Save it as UTF-8 (in Excel: CSV UTF-8).")
    mixed = encoding == "cp949" and any(map(is_korean_in_utf8, byte_lines(path, name)))
    return None if failure is not None or mixed else encoding


def _ends_inside_character(path: Path) -> bool:
    """Return whether a file is valid UTF-8 except for an incomplete last character."""
    failure = _decoding_failure(path, "utf-8")
    if failure is None or failure < path.stat().st_size - 3:
        return False
    with path.open("rb") as stream:
        stream.seek(failure)
        decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        return not decoder.decode(stream.read()) and bool(decoder.getstate()[0])


def _is_text_in_utf8(path: Path) -> bool:
    # The lines are decoded by Polars, which is faster because it builds no Python strings.
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


def _decoding_failure(path: Path, encoding: str) -> int | None:
    """Return the byte offset at which decoding fails, or at which a file not in UTF-16 has a NUL character.

    Returns None if the whole file can be decoded.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    offset = 0
    with path.open("rb") as stream:
        while True:
            block = stream.read(BLOCK)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return offset - pending + error.start
            if "\0" in text and encoding != "utf-16":
                return offset + block.index(0)
            if not block:
                return None
            offset += len(block)


def _copy_as_utf8(path: Path, target: Path, encoding: str, name: str) -> bool:
    """Write a copy of a file that is converted to UTF-8, and return whether it contains NUL characters.

    Raises:
        InputRefused: most characters are NUL, so the file is not UTF-16.
    """
    characters = nuls = 0
    with path.open(encoding=encoding, newline="") as source, target.open("wb") as copy:
        while text := source.read(BLOCK):
            characters, nuls = characters + len(text), nuls + text.count("\0")
            copy.write(text.encode())
    if nuls > MAX_DAMAGED_SHARE * characters:
        raise InputRefused("holds more NUL characters than text", file=name, remedy="Save it as UTF-8 text.")
    return nuls > 0


def line_number(text: TextFile, offset: int) -> int:
    """Return the number of the line that starts at a byte offset in the UTF-8 text; the first line is 1."""
    with text.path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return 1 + sum(1 for _ in LINE_END.finditer(content, 0, offset))


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
