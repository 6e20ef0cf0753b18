"""Convert a text file with invalid bytes to UTF-8, so that only the lines with such bytes are rejected.

In the copy, a NUL character replaces each invalid byte. Readers reject lines that contain a NUL character.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from outage_analysis.errors import InputRefused

MAX_DAMAGED_SHARE = 0.5
"""If a larger share of the lines is damaged, the file is refused: it is binary or in another encoding."""
MAX_LINE = 1 << 25
"""Largest number of bytes of a line."""
STATE_ENCODING = 'State its encoding: encoding="{0}" (on the command line --encoding {0}).'
"""The remedy where the encoding of a file cannot be told; `{0}` is an example."""
HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
HANGUL_IN_UTF8 = re.compile(rb"(?:\xea[\xb0-\xbf]|[\xeb-\xec][\x80-\xbf]|\xed[\x80-\x9e])[\x80-\xbf]")
"""Pattern of a Korean syllable in UTF-8 bytes."""


def _nul_for_each_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\0" * (error.end - error.start), error.end


codecs.register_error("nul_for_each_byte", _nul_for_each_byte)


@dataclass
class LineCounts:
    """Numbers of lines that can be decoded, by encoding, and of bytes of Korean syllables in UTF-8."""

    lines: int = 0
    not_ascii: int = 0
    utf_8: int = 0
    cp949: int = 0
    high_bytes: int = 0
    hangul_bytes: int = 0
    """Bytes of complete Korean syllables in UTF-8, also in lines that cannot be decoded."""

    @classmethod
    def of_file(cls, path: Path, name: str) -> LineCounts:
        """Count the lines of a file.

        Raises:
            InputRefused: a line is longer than `MAX_LINE`.
        """
        counts = cls()
        for line in byte_lines(path, name):
            counts.lines += bool(line.strip(b"\0 \t\r\n"))
            if not line.isascii():
                counts.not_ascii += 1
                counts.utf_8 += is_decodable(line, "utf-8")
                counts.cp949 += is_decodable(line, "cp949")
                counts.high_bytes += sum(map(len, HIGH_BYTES.findall(line)))
                counts.hangul_bytes += sum(map(len, HANGUL_IN_UTF8.findall(line)))
        return counts

    def encoding(self) -> str:
        """Return the encoding of most lines: UTF-8 or CP949."""
        # UTF-8 bytes are often valid in CP949 by chance, but CP949 bytes are hardly ever valid UTF-8.
        is_utf_8 = self.utf_8 >= self.cp949 or 2 * self.utf_8 >= self.not_ascii
        is_utf_8 |= 2 * self.hangul_bytes > self.high_bytes
        return "utf-8" if is_utf_8 else "cp949"


def byte_lines(path: Path, name: str) -> Iterator[bytes]:
    """Yield the lines of a file.

    Raises:
        InputRefused: a line is longer than `MAX_LINE`.
    """
    with path.open("rb") as stream:
        while line := stream.readline(MAX_LINE + 1):
            if len(line) > MAX_LINE:
                raise InputRefused(f"has a line of more than {MAX_LINE:,} bytes", file=name)
            yield line


def is_decodable(line: bytes, encoding: str) -> bool:
    """Return whether bytes are valid in an encoding."""
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def is_korean_in_utf8(line: bytes) -> bool:
    """Return whether a line is UTF-8 with a Korean syllable."""
    return HANGUL_IN_UTF8.search(line) is not None and is_decodable(line, "utf-8")


def repaired_copy(path: Path, target: Path, encoding: str, name: str) -> bool:
    """Write a copy of a file in UTF-8, with a NUL character in place of each invalid byte.

    NUL characters at the end of the file are left out. In a CP949 file, a line with Korean syllables in
    UTF-8 is also damaged.

    Returns:
        Whether some line of the copy is damaged.

    Raises:
        InputRefused: most lines are damaged.
    """
    lines = damaged = offset = 0
    waiting, first = "", ""
    with target.open("wb") as copy:
        for line in byte_lines(path, name):
            if encoding == "cp949" and is_korean_in_utf8(line):
                text = HIGH_BYTES.sub(lambda run: b"\0" * len(run[0]), line).decode("ascii")
            else:
                text = line.decode(encoding, "nul_for_each_byte")
            lines += bool(line.strip(b"\0 \t\r\n"))
            if not first and "\0" in text:
                first = _first_problem(line, len(text.partition("\0")[0].encode(encoding)), offset, encoding)
            offset += len(line)
            if not line.strip(b"\0"):
                waiting += text
                continue
            copy.write(f"{waiting}{text}".encode())
            damaged += "\0" in text or bool(waiting)
            waiting = ""
    if damaged > MAX_DAMAGED_SHARE * lines:
        raise InputRefused(
            f"{first}, and in {damaged:,} of {lines:,} lines",
            file=name,
            remedy=f"Save it as UTF-8 (in Excel: CSV UTF-8). {STATE_ENCODING.format('cp1252')}",
        )
    return damaged > 0


def _first_problem(line: bytes, at: int, offset: int, encoding: str) -> str:
    place = f"{offset + at:,}"
    return f"holds a NUL byte at {place}" if not line[at] else f"is not {encoding.upper()} at byte {place}"
