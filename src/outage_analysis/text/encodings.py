"""Detect the encoding of text files, and convert the files to UTF-8.

A byte-order mark determines the encoding. Without one, strict UTF-8 is tried first. If it does not fit, the
words tell. In Korean, Chinese and Japanese text, many characters are common ones; in another encoding, the
same bytes are rare characters. In European text, bytes above 127 are the letters of one language inside words
of Latin letters, or marks at places where such marks occur. If two readings are as good and differ, nothing
in the bytes says which is meant, and the file is refused.

If the words do not tell, the file is damaged UTF-8, unless most of them could be CP949, which is common in
Korean exports. In the copy, a NUL character replaces each invalid byte, and readers reject such lines.

DuckDB reads only UTF-8, so other files are decoded into a copy in a temporary folder. The original file is
never changed.
"""

from __future__ import annotations

import codecs
import csv
import io
import mmap
import re
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import accumulate, islice, pairwise
from pathlib import Path
from typing import Any

from outage_analysis.errors import InputRefused, either

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
SAVE_AS_UTF_8 = "Save it as UTF-8 (in Excel: CSV UTF-8)."
LINE_END = re.compile(rb"\r\n?|\n")
MAX_LINE = 1 << 25
"""Largest number of bytes of a line, which is held in memory."""
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

    path: Path
    encoding: str
    damaged: bool = False
    """Whether the file has invalid bytes; the file at `path` has a NUL character in place of each one."""

    @property
    def text_start(self) -> int:
        """The byte offset at which the text starts in `path`, that is, after a byte-order mark."""
        return len(codecs.BOM_UTF8) if self.encoding == "utf-8-sig" else 0


def as_utf8(
    path: Path, workspace: Path, *, name: str, encoding: str | None = None, one_line: bool = False
) -> TextFile:
    """Decode a whole file in its stated or detected encoding, and return it as UTF-8.

    Args:
        path: the file. A .gz or .zst file is decompressed first.
        workspace: a folder for decoded copies. It must exist as long as the result is used.
        name: the name of the file in error messages.
        encoding: the encoding of the file, if it is known. Then only this encoding is tried.
        one_line: whether the whole file may be one line, such as a JSON array.

    Raises:
        InputRefused: most lines fit no encoding, or several encodings fit that read the file differently; or
            a compressed file is damaged or expands too much.
    """
    if path.suffix.lower() in COMPRESSIONS:
        target = workspace / f"{len([*workspace.iterdir()])}.expanded"
        path = expanded_copy(_decompressed(path, name), path, target, name)
    with path.open("rb") as stream:
        head = stream.read(len(codecs.BOM_UTF8))
    marked = next((known for mark, known in BYTE_ORDER_MARKS.items() if head.startswith(mark)), "")
    if (encoding and encoding not in (marked or encoding)) or (encoding == "utf-16" and not marked):
        mark = f"the byte order mark of {marked.upper()}" if marked else "no byte order mark"
        raise InputRefused(f"has {mark}, but {encoding.upper()} was declared", file=name)
    detected = marked or encoding or "utf-8"
    codec = "utf-8" if detected.startswith("utf") else detected
    if detected == "utf-16":
        path = _from_utf_16(path, workspace / f"{len([*workspace.iterdir()])}.decoded", name)
    ends = b"\n," if one_line else b"\n"
    cut = _bytes_of_cut_character(path, ends) if codec == "utf-8" else None
    if cut == 0:
        return TextFile(path, detected)
    if head.startswith(COMPRESSED):
        raise InputRefused("is compressed, and its name does not say so", file=name, remedy="Unpack it.")
    target = workspace / f"{len([*workspace.iterdir()])}.repaired"
    if not (marked or encoding or cut or b"\0" in head):
        detected = codec = encoding_by_words(path, name)
    return TextFile(target, detected, repaired_copy(path, target, codec, name))


def expanded_copy(pieces: Iterable[bytes], path: Path, target: Path, name: str) -> Path:
    """Write the pieces of a compressed file at `path`, and return the copy.

    Raises:
        InputRefused: they are out of proportion to the compressed file.
    """
    limit = max(ALWAYS_EXPANDED, path.stat().st_size * MAX_EXPANSION)
    with target.open("wb") as copy:
        for piece in pieces:
            copy.write(piece)
            if copy.tell() > limit:
                problem = f"grows more than {MAX_EXPANSION}-fold when decompressed"
                raise InputRefused(problem, file=name, remedy="Decompress it yourself, if you trust it.")
    return target


def _decompressed(path: Path, name: str) -> Iterator[bytes]:
    make, format_name = COMPRESSIONS[path.suffix.lower()], path.suffix[1:]
    frame, started = make(), False
    with path.open("rb") as source:
        # The pieces are small, because a few bytes may expand to gigabytes.
        while piece := source.read(SMALL_BLOCK):
            while piece:
                try:
                    text = frame.decompress(piece)
                except Exception as error:
                    raise InputRefused(
                        f"is damaged, or no {format_name} at all", file=name, value=error
                    ) from error
                yield text
                started, piece = True, b""
                if frame.eof:
                    piece, frame, started = frame.unused_data, make(), False
    if started:
        raise InputRefused(f"is cut short: its {format_name} stream does not end", file=name)


def _bytes_of_cut_character(path: Path, ends: bytes) -> int | None:
    """Return how many bytes of a character that is cut off are at the end of a file in UTF-8.

    Returns 0 if no character is cut off, and None if the file is not UTF-8 or has a NUL character. Each piece
    up to one of the characters `ends` is held in memory.
    """
    with path.open("rb") as stream:
        rest = b""
        while block := stream.read(BLOCK):
            text = rest + block
            whole = 1 + max(text.rfind(end) for end in ends)
            rest = text[whole:]
            if len(rest) > MAX_LINE or b"\0" in block or not is_decodable(text[:whole], "utf-8"):
                return None
    return next((cut for cut in range(4) if is_decodable(rest[: len(rest) - cut], "utf-8")), None)


def _from_utf_16(path: Path, target: Path, name: str) -> Path:
    """Write a copy of a file in UTF-16 as UTF-8.

    Raises:
        InputRefused: the file cannot be decoded.
    """
    with (
        path.open("rb") as source,
        io.TextIOWrapper(source, "utf-16", newline="") as text,
        target.open("w", encoding="utf-8", newline="") as copy,
    ):
        try:
            shutil.copyfileobj(text, copy, BLOCK)
        except UnicodeDecodeError as error:
            problem = f"is not UTF-16 at byte {source.tell() - len(error.object) + error.start:,}"
            raise InputRefused(problem, file=name, remedy=SAVE_AS_UTF_8) from error
    return target


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
    # UTF-16 text starts after a mark of two bytes.
    codec, start = ("utf-16-le", 2) if text.encoding == "utf-16" else (text.encoding, 0)
    with text.path.open("rb") as stream:
        pieces = (stream.read(end - begin).decode() for begin, end in pairwise((0, *offsets)))
        return [start + length for length in accumulate(len(piece.encode(codec)) for piece in pieces)]


KNOWN_ENCODINGS = (
    *("utf-8", "utf-16", "cp949", "cp932", "gbk", "big5"),
    *("cp1252", "cp1250", "iso-8859-15", "iso-8859-2"),
)
"""The encodings that can be stated."""
SUPERSETS = {
    "ascii": "utf-8",
    "utf-8-sig": "utf-8",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "gb2312": "gbk",
    "iso8859-1": "cp1252",
}
"""Encoding in Python -> the known encoding that contains all its characters."""
COMMON_CHARACTERS = {
    row["encoding"]: frozenset(row["characters"])
    for row in csv.DictReader((files(__package__) / "common_characters.csv").read_text("utf-8").splitlines())
}
COMMON_CHARACTERS["cp932"] = COMMON_CHARACTERS["gbk"].union(map(chr, range(0x3041, 0x30FF)))  # kana
"""Encoding -> the common characters of its language: over 95 % of most Korean texts, 80 % of Chinese."""
WESTERN = "àáâãäåæçèéêëìíîïñòóôõöøùúûüßœ"
CENTRAL = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž")
ALPHABETS = {
    "cp1252": (WESTERN, WESTERN.replace("ø", "šž")),
    "iso-8859-15": (WESTERN, WESTERN.replace("ø", "šž")),
    "cp1250": CENTRAL,
}
"""Encoding -> for each alphabet, its letters besides a to z. No Western alphabet here has ø beside š and ž:
these occur together only in Czech text that is read in the wrong encoding."""
LETTERS = "A-Za-zÀ-ÖØ-öø-ž"
SIGNS = "°·´±×÷µ©®™†‡¬€£¥¢¹²³½¼¾ªº‰"  # noqa: RUF001 - signs of Windows-1252
MARKS = (
    r"[\0-\x7f\xa0\xad–—‘’“”„‚«»‹›…•§]"  # noqa: RUF001 - marks of Windows-1252
    rf"|[{SIGNS[:13]}](?![{SIGNS}])|[{SIGNS[13:]}](?![{SIGNS}{LETTERS}])|(?<!\w)[¿¡](?=\w)"
)
"""Pattern of ASCII, and of marks at the places where they occur: no currency stands before a letter."""
SINGLE_LETTERS = frozenset("àáâäåéèêíóòôöúùüÀÁÄÅÉÈÍÓÖÚÜ")
"""Words of one letter."""
LEAST_SHARE = 0.2
"""Least share of common characters in a text of an Asian language."""
WELL_READ = 0.98
"""Least share of words that must fit one alphabet if a text is in a European encoding."""
MOST_WORDS = 1_000_000
"""Most words with bytes above 127 that are looked at."""
NOT_ASCII = re.compile(rb"[0-9@-\xff]*[\x80-\xff][0-9@-\xff]*")
"""Pattern of a word with bytes above 127. Other bytes are no part of a longer character in any encoding."""

CONTROLS = re.compile("[\x80-\x9f]")
"""Control characters, which no export writes: a file with the euro sign of Windows-1252 is not in Latin-9."""
UTF_8_BY_CHANCE = re.compile(rb"(?:[\xc4-\xc8][\x80-\xbf]|[0-9])+")
"""Pattern of Korean syllables such as 카 in CP949, whose bytes are a rare letter in UTF-8."""


def known_encoding(name: str) -> str:
    """Return the known encoding that a name stands for: cp949 for EUC-KR.

    Raises:
        ValueError: the name stands for no known encoding.

    Example:
        >>> known_encoding("Shift-JIS"), known_encoding("windows-1252"), known_encoding("euc-kr")
        ('cp932', 'cp1252', 'cp949')
    """
    names = {codecs.lookup(known).name: known for known in KNOWN_ENCODINGS} | SUPERSETS
    try:
        return names[codecs.lookup(name).name]
    except (LookupError, ValueError):
        remedy = f"Known: {', '.join(KNOWN_ENCODINGS)}."
        raise ValueError(f"{name!r} is no known encoding | {remedy}") from None


def encoding_by_words(path: Path, name: str) -> str:
    """Return the encoding of a file that is not valid UTF-8, judged by its words.

    It is UTF-8 if most words are, or if the words are read well in no encoding.

    Args:
        path: the file.
        name: the name of the file in error messages.

    Raises:
        InputRefused: the words may be in several encodings, which differ in some word; or they are not UTF-8,
            and most of them could be CP949, but are not read well in it.
    """
    found = (word for line in byte_lines(path, name) for word in NOT_ASCII.findall(line))
    words = Counter(islice(found, MOST_WORDS))
    utf_8 = sum(n for w, n in words.items() if is_decodable(w, "utf-8") and not UTF_8_BY_CHANCE.fullmatch(w))
    if 2 * utf_8 >= words.total():
        return "utf-8"
    shares = {encoding: _common_share(words, encoding) for encoding in COMMON_CHARACTERS}
    shares |= {encoding: float(_is_well_read(words, encoding)) for encoding in ALPHABETS}
    least = max(LEAST_SHARE, max(shares.values()) / 2)
    likely = [encoding for encoding, share in shares.items() if share > least]
    if not likely:
        # UTF-8 bytes are often valid in CP949 by chance, but CP949 bytes are hardly ever valid UTF-8. Bytes
        # of Korean syllables in UTF-8 also count in words that cannot be decoded.
        cp949 = sum(n for word, n in words.items() if is_decodable(word, "cp949"))
        high, hangul = (b"".join(p.findall(b" ".join(words))) for p in (HIGH_BYTES, HANGUL_IN_UTF8))
        if cp949 <= utf_8 or 2 * len(hangul) > len(high):
            return "utf-8"
        likely = [encoding for encoding in COMMON_CHARACTERS if is_decodable(b" ".join(words), encoding)]
        if len(likely) <= 1:
            problem = "is not UTF-8, and can be read well in no known encoding"
            raise InputRefused(problem, file=name, remedy=_state_encoding(KNOWN_ENCODINGS[-1]))
    readings = {encoding: [word.decode(encoding, "replace") for word in words] for encoding in likely}
    likely = [x for x in likely if not any(map(CONTROLS.search, readings[x]))] or likely
    if any(readings[encoding] != readings[likely[0]] for encoding in likely):
        raise InputRefused(
            f"may be in {', '.join(likely[:-1])} or {likely[-1]}, which read it differently",
            file=name,
            remedy=_state_encoding(likely[0]),
        )
    return likely[0]


def _common_share(words: Counter[bytes], encoding: str) -> float:
    """Return the share of common characters in the different words, apart from ASCII and marks."""
    text = b" ".join(words).decode(encoding, "replace")
    letters = [c for c in text if not c.isascii() and (c.isalpha() or c == "\ufffd")]
    return sum(c in COMMON_CHARACTERS[encoding] for c in letters) / max(1, len(letters))


def _is_well_read(words: Counter[bytes], encoding: str) -> bool:
    """Return whether almost all words fit one alphabet of an encoding."""
    patterns = (
        re.compile(rf"(?:{MARKS}|(?<!\d)[{letters}](?!\d)|(?<![\da-zß-öø-ÿ])[{letters.upper()}](?!\d))*")
        for letters in ALPHABETS[encoding]
    )
    texts = [(word.decode(encoding, "replace"), n) for word, n in words.items()]
    fitting = (sum(n for text, n in texts if _fits(text, pattern)) for pattern in patterns)
    return any(n >= WELL_READ * words.total() for n in fitting)


def _fits(text: str, pattern: re.Pattern[str]) -> bool:
    # Letters of an alphabet stand in words with Latin letters; two bytes of Korean seldom do.
    found = re.findall(rf"[{LETTERS}]+", text)
    return bool(pattern.fullmatch(text)) and all(
        word in SINGLE_LETTERS or re.search("[A-Za-z]", word) for word in found
    )


MAX_DAMAGED_SHARE = 0.5
"""If a larger share of the lines is damaged, the file is refused: it is binary or in another encoding."""


def _state_encoding(example: str) -> str:
    """Return the remedy where the encoding of a file cannot be told."""
    return "State its encoding: " + either(f'encoding="{example}".', f"--encoding {example}.")


HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
HANGUL_IN_UTF8 = re.compile(rb"(?:\xea[\xb0-\xbf]|[\xeb-\xec][\x80-\xbf]|\xed[\x80-\x9e])[\x80-\xbf]")
"""Pattern of a Korean syllable in UTF-8 bytes."""


def _nul_for_each_byte(error: Any) -> tuple[str, int]:  # noqa: ANN401 - it is used to decode only
    return "\0" * (error.end - error.start), error.end


codecs.register_error("nul_for_each_byte", _nul_for_each_byte)


def byte_lines(path: Path, name: str) -> Iterator[bytes]:
    """Yield the lines of a file.

    Raises:
        InputRefused: a line is longer than `MAX_LINE`.
    """
    with path.open("rb") as stream:
        while line := stream.readline(MAX_LINE + 1):
            if len(line) > MAX_LINE:
                raise InputRefused(
                    f"has a line of more than {MAX_LINE:,} bytes",
                    file=name,
                    remedy="Save it as UTF-8, with one row in each line.",
                )
            yield line


def is_decodable(line: bytes, encoding: str) -> bool:
    """Return whether bytes are valid in an encoding."""
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


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
            if encoding == "cp949" and HANGUL_IN_UTF8.search(line) and is_decodable(line, "utf-8"):
                text = HIGH_BYTES.sub(lambda run: b"\0" * len(run[0]), line).decode("ascii")
            else:
                text = line.decode(encoding, "nul_for_each_byte")
            lines += bool(line.strip(b"\0 \t\r\n"))
            if not first and "\0" in text:
                at = len(text.partition("\0")[0].encode(encoding))
                first = f"is not {encoding.upper()} at byte" if line[at] else "holds a NUL byte at"
                first += f" {offset + at:,}"
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
            remedy=f"{SAVE_AS_UTF_8} {_state_encoding('cp1252')}",
        )
    return damaged > 0
