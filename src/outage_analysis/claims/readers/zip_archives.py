"""Extract the claims file from a zip archive, which must contain exactly one."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from outage_analysis.errors import InputRefused
from outage_analysis.text import masked_name

ZIP = ".zip"
"""The suffix of a zip archive. The name of the archive does not affect which of its files is read."""
READ_ME = re.compile(r"read[ _-]*me|liesmich|licen[cs]e|읽어", re.IGNORECASE)
"""Pattern of the start of the name of a read-me or license file."""
MAX_EXPANSION, ALWAYS_EXPANDED, MAX_BYTES = 300, 1 << 24, 1 << 36
"""Limits of the extracted file: size relative to the archive, size that is always allowed, largest size."""
BLOCK = 1 << 20


def extracted_member(path: Path, workspace: Path, name: str, *, suffixes: Sequence[str]) -> Path:
    """Extract the claims file of an archive into a folder, and return its path; the suffix stays the same.

    Read-me files, hidden files and files with other suffixes are ignored. The file's name in the archive is
    used only in messages, so that a path in it cannot lead out of the folder.

    Args:
        path: the archive.
        workspace: the folder.
        name: the name of the archive in messages.
        suffixes: the suffixes of claims files.

    Raises:
        InputRefused: the archive does not contain exactly one claims file, is damaged, is protected by a
            password, or expands too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = _complaints(archive, name, suffixes)
            limit = min(MAX_BYTES, max(ALWAYS_EXPANDED, path.stat().st_size * MAX_EXPANSION))
            suffix = PurePosixPath(member.filename).suffix.lower()
            target = workspace / f"{len([*workspace.iterdir()])}.extracted{suffix}"
            size = 0
            with archive.open(member) as source, target.open("wb") as copy:
                while text := source.read(BLOCK):
                    size += copy.write(text)
                    if size > limit:
                        raise InputRefused(
                            f"grows to more than {limit:,} bytes when decompressed",
                            file=name,
                            remedy="Decompress it yourself, if you trust it.",
                        )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise InputRefused(
            "is damaged, or no zip archive that can be read", file=name, value=error
        ) from error
    return target


def _complaints(archive: zipfile.ZipFile, name: str, suffixes: Sequence[str]) -> zipfile.ZipInfo:
    found = []
    for member in archive.infolist():
        at = PurePosixPath(member.filename)
        is_hidden = at.name.startswith(".") or "__MACOSX" in at.parts
        if not (member.is_dir() or is_hidden or READ_ME.match(at.name)) and at.suffix.lower() in suffixes:
            found.append(member)
    names = masked_name(", ".join(sorted(PurePosixPath(m.filename).name for m in found)))
    if len(found) != 1:
        raise InputRefused(
            "holds several files of complaints" if found else "holds no file of complaints",
            file=name,
            value=names or None,
            remedy="Unpack it, and give the files." if found else f"It may hold: {', '.join(suffixes)}.",
        )
    if found[0].flag_bits & 1:
        raise InputRefused("is protected by a password", file=name, value=names, remedy="Unpack it first.")
    return found[0]
