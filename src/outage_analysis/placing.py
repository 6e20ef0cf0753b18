"""Files and folders that appear whole or not at all, whatever ends the run that writes them."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from outage_analysis.errors import EnvironmentFailed

PART, OLD = ".part", ".old"


@contextmanager
def put_in_place(out: Path) -> Iterator[Path]:
    """A hidden folder beside `out` to write into; it takes the place of `out` when all went well.

    Raises:
        EnvironmentFailed: the disk refused.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=PART, dir=out.parent))
        try:
            with _held(folder):
                yield folder
                folder.chmod(0o755)
                _replace(out, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise EnvironmentFailed(f"cannot be written: {error.strerror or error}", file=out) from error


@contextmanager
def file_in_place(path: Path, *, parents: bool = False) -> Iterator[Path]:
    """A hidden file beside `path` to write to; it takes the place of `path` when all went well.

    With `parents`, folders that are not there are made.

    Raises:
        EnvironmentFailed: the disk refused.
    """
    part = path.with_name(f".{path.name}{PART}")
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)  # by a run that was killed
        yield part
        part.replace(path)
    except OSError as error:
        reason = error.strerror or str(error).partition(":")[0]  # an engine adds all that it knows
        raise EnvironmentFailed(f"cannot be written: {reason}", file=path) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _replace(out: Path, folder: Path) -> None:
    """The old folder leaves only when the new one stands in its place."""
    old = folder.with_suffix(OLD)
    if out.exists():
        out.replace(old)
    try:
        folder.replace(out)
    except BaseException:  # also an interruption
        if old.exists() and not out.exists():
            old.replace(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def recover(out: Path) -> None:
    """Undo what a run that was killed left beside `out`: its half folder goes, an old one comes back.

    Folders of runs that still write are left alone; where the system cannot tell, all are.
    """
    if sys.platform == "win32" or not out.parent.is_dir():
        return
    ours = re.compile(rf"\.{re.escape(out.name)}\.\w{{8}}({re.escape(PART)}|{re.escape(OLD)})")
    left = [p for p in sorted(out.parent.iterdir()) if ours.fullmatch(p.name) and not p.is_symlink()]
    for folder in left:
        with suppress(OSError), _held(folder.with_suffix(PART)):
            if folder.suffix == OLD and not out.exists():
                folder.replace(out)
            else:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """One run at a time in a folder, where the system can lock one; the lock ends with the process.

    Raises:
        OSError: another run holds it.
    """
    if sys.platform == "win32" or not folder.exists():
        yield
        return
    import fcntl

    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(held)
