"""Rewrite a file with one JSON array of objects as JSON lines: one object per line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from outage_analysis.errors import InputRefused
from outage_analysis.text import TextFile

MAX_BYTES = 1 << 30
"""Largest size in bytes of a file with an array, which is read into memory, unlike JSON lines."""
SPACE = re.compile(r"[ \t\r\n]*+")
NEXT_OBJECT = re.compile(r"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
"""Pattern of the characters between two objects, where reading resumes after a damaged object."""


def one_object_per_line(text: TextFile, workspace: Path, name: str) -> TextFile:
    """Return a file as JSON lines: a copy if it is an array of objects, or an object with such an array.

    The copy keeps every character at its offset in the file: line breaks inside an object are replaced by
    spaces, and a character between two objects by a line break.

    Args:
        text: the file.
        workspace: a folder for the copy.
        name: the name of the file in messages.

    Raises:
        InputRefused: the file does not contain exactly one array of objects, or it is too large.
    """
    with text.path.open(encoding="utf-8-sig") as stream:
        first = next((line for line in stream if line.strip()), "")
    if not first.lstrip().startswith(("[", "{")) or _is_json_line(first, text.path):
        return text
    if text.path.stat().st_size > MAX_BYTES:
        raise InputRefused(
            f"is a JSON array of more than {MAX_BYTES:,} bytes",
            file=name,
            remedy="Write one object per line.",
        )
    with text.path.open(encoding="utf-8", newline="") as stream:
        content = stream.read()
    content_start = 1 if content.startswith("\N{ZERO WIDTH NO-BREAK SPACE}") else 0
    start = SPACE.match(content, content_start).end()  # type: ignore[union-attr]
    is_array = content[start] == "["
    if not is_array:
        start = _array_in_object(content, start, name)
    target = workspace / f"{len([*workspace.iterdir()])}.lines"
    with target.open("w", encoding="utf-8", newline="") as copy:
        copy.write(content[:content_start])
        done = content_start
        for begin, end in _elements(content, start + 1):
            between = " " * len(content[done:begin].encode())
            copy.write(between if done == content_start else f"{between[:-1]}\n")
            copy.write(re.sub("[\r\n]", " ", content[begin:end]))
            done = end
        copy.write("\n")
    rest = content[done:].partition("]")[2] if done > content_start else ""
    if is_array and rest.strip():
        raise InputRefused("has text below its JSON array", file=name, remedy="Write one object per line.")
    return TextFile(text.name, target, text.encoding, text.damaged)


def _is_json_line(first: str, path: Path) -> bool:
    try:
        value = json.loads(first)
    except ValueError:
        return not first.lstrip().startswith("[") and first.rstrip() != "{" and _has_line(path, "}")
    return isinstance(value, dict) and (_has_line(path, "") or not any(map(_is_rows, value.values())))


def _has_line(path: Path, ending: str) -> bool:
    """Return whether a line below the first is a complete object."""
    with path.open(encoding="utf-8-sig") as stream:
        next(stream, None)
        return any(line.startswith("{") and line.rstrip().endswith(ending) for line in stream if line.strip())


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _array_in_object(content: str, start: int, name: str) -> int:
    decoder, found, at = json.JSONDecoder(), dict[str, int](), start + 1
    try:
        while content[at := SPACE.match(content, at).end()] == '"':  # type: ignore[union-attr]
            key, at = decoder.raw_decode(content, at)
            at = SPACE.match(content, at).end() + 1  # type: ignore[union-attr]
            at = SPACE.match(content, at).end()  # type: ignore[union-attr]
            if content[at] == "[" and SPACE.sub("", content[at + 1 : at + 200]).startswith("{"):
                found[key] = at
                *_, (_, at) = _elements(content, at + 1)
                at = content.index("]", at) + 1
            else:
                _, at = decoder.raw_decode(content, at)
            at = SPACE.match(content, at).end()  # type: ignore[union-attr]
            at += content[at] == ","
    except (ValueError, IndexError) as error:
        if len(found) != 1:
            raise InputRefused("is neither JSON lines nor JSON", file=name, value=error) from error
    if len(found) != 1:
        raise InputRefused(
            "holds several arrays of objects" if found else "holds no array of objects",
            file=name,
            value=", ".join(found) or None,
            remedy="Write one object per line.",
        )
    return next(iter(found.values()))


def _elements(content: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end offset of each array element; a damaged one ends before the next object."""
    decoder = json.JSONDecoder()
    while True:
        at = SPACE.match(content, at).end()  # type: ignore[union-attr]
        if at >= len(content) or content[at] == "]":
            return
        try:
            _, end = decoder.raw_decode(content, at)
            after = SPACE.match(content, end).end()  # type: ignore[union-attr]
            whole = content[after : after + 1] in (",", "]")
        except (ValueError, RecursionError):
            whole = False
        if not whole:
            resumed = NEXT_OBJECT.search(content, at)
            end = resumed.start() + 1 if resumed else len(content)
            after = content.find(",", end) if resumed else end
        yield at, end
        at = after + 1 if content[after : after + 1] == "," else after
