"""Convert a list of files, folders and patterns to the list of files to read, always in the same order."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from outage_analysis.claims.readers.read_files import READABLE_SUFFIXES, reader_suffix
from outage_analysis.errors import InputRefused
from outage_analysis.files import is_file

MAX_FILES = 10_000


def expand_paths(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the files that a list of files, folders and patterns stands for.

    A folder stands for the files directly in it; its subfolders are skipped. Hidden files and lock files of
    office programs are ignored.

    Returns:
        The files to read, and the skipped paths, whose format is not supported.

    Raises:
        InputRefused: a folder or pattern contains no readable file, or there are more than `MAX_FILES` files.
    """
    read: list[Path] = []
    skipped: list[Path] = []
    for path in paths:
        if is_file(path):
            candidates = [path]
        elif _is_folder(path):
            candidates = _readable_files(sorted(path.iterdir()), path, skipped)
        elif glob.has_magic(str(path)):
            candidates = _readable_files(_matching_paths(str(path)), path, skipped)
        else:
            candidates = [path]  # The path does not exist. An error is raised later, when the file is read.
        read += candidates
        if len(read) > MAX_FILES:
            raise InputRefused(f"there are more than {MAX_FILES:,} files to read", file=path)
    return read, skipped


def _matching_paths(pattern: str) -> list[Path]:
    try:
        return sorted(map(Path, glob.glob(pattern)))  # noqa: PTH207 - a pattern may be absolute
    except (OSError, ValueError, RecursionError):  # The operating system cannot look up such a pattern.
        return []


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # The name is too long for the operating system, so no such folder exists.
        return False


def _readable_files(candidates: list[Path], path: Path, skipped: list[Path]) -> list[Path]:
    files = [f for f in candidates if not f.name.startswith((".", "~$"))]
    fitting = [f for f in files if is_file(f) and reader_suffix(f)]
    if not fitting:
        raise InputRefused(
            "holds no file of complaints",
            file=path,
            remedy="Known formats: " + ", ".join(READABLE_SUFFIXES) + ".",
        )
    skipped += [f for f in files if f not in fitting]
    return fitting
