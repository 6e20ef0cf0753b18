"""Files and folders that appear whole or not at all, whatever ends the run that writes them.

Each is written in a room: a hidden folder beside it, of the run alone, that goes when the run ends.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from errno import EEXIST, ENOTEMPTY
from pathlib import Path

from outage_analysis.errors import EnvironmentFailed, UsageError

OURS, PART = ".outage-", ".part"
"""What the name of a room has beside that of its target, and beside the letters that make it the only one."""
NEW, OLD = "new", "old"
"""In a room: the folder that is written, and the one that it replaces until it stands in its place."""

Check = Callable[[Path], None]
"""Raises UsageError for a folder that must not go."""


@contextmanager
def put_in_place(out: Path, check: Check | None = None) -> Iterator[Path]:
    """A hidden folder to write into; it takes the place of `out` when all went well.

    An empty `out` gives way to it. One that holds anything does where it passes the check, which it has to
    do after it was moved away: what came meanwhile is seen, and the folder moves back. Without a check
    nothing gives way.

    Raises:
        UsageError: `out` holds what must not go.
        EnvironmentFailed: the disk refused.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _room(out) as room:
            new = room / NEW
            new.mkdir()
            yield new
            _replace(out, room, check)
    except OSError as error:
        raise EnvironmentFailed(f"cannot be written: {error.strerror or error}", file=out) from error


@contextmanager
def file_in_place(path: Path, *, parents: bool = False) -> Iterator[Path]:
    """A hidden file to write to, not there yet; it takes the place of `path` when all went well.

    With `parents`, folders that are not there are made.

    Raises:
        EnvironmentFailed: the disk refused.
    """
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        recover(path)
        with _room(path) as room:
            part = room / path.name
            yield part
            part.replace(path)
    except OSError as error:
        reason = error.strerror or str(error).partition(":")[0]  # an engine adds all that it knows
        raise EnvironmentFailed(f"cannot be written: {reason}", file=path) from error


def recover(out: Path, check: Check | None = None) -> None:
    """Undo what a run that was killed left beside `out`: its room goes, an old folder in it comes back.

    Where `out` is there again, an old folder goes if it passes the check; without a check it stays. Rooms
    of runs that still write are left alone; where the system cannot tell, all are.
    """
    if sys.platform == "win32":
        return
    ours = re.compile(rf"{re.escape(f'.{out.name}{OURS}')}\w{{8}}{re.escape(PART)}")
    rooms: list[Path] = []
    with suppress(OSError):
        rooms = sorted(p for p in out.parent.iterdir() if ours.fullmatch(p.name))
    for room in rooms:
        with suppress(OSError, UsageError), _held(room):
            _settle(out, room / OLD, check)
            shutil.rmtree(room, ignore_errors=True)


def _settle(out: Path, old: Path, check: Check | None) -> None:
    """An old folder comes back, or may go.

    Raises:
        UsageError: it may not go.
        OSError: it cannot come back.
    """
    if not old.exists():
        return
    if check is None:
        raise UsageError("is another command's", file=old)
    try:
        old.replace(out)
    except OSError:
        if not out.exists():
            raise
        check(old)


@contextmanager
def _room(out: Path) -> Iterator[Path]:
    """A folder beside `out` that no other run touches; it goes at the end, unless an old one is in it."""
    room = Path(tempfile.mkdtemp(prefix=f".{out.name}{OURS}", dir=out.parent))
    try:
        with ExitStack() as stack:
            with suppress(OSError):  # a file system without locks
                stack.enter_context(_held(room))
            room = room.rename(f"{room}{PART}")  # only now does another run know it for a room
            yield room
    finally:
        if not (room / OLD).exists():
            shutil.rmtree(room, ignore_errors=True)


def _replace(out: Path, room: Path, check: Check | None) -> None:
    """The old folder leaves only when the new one stands in its place."""
    new, old = room / NEW, room / OLD
    try:
        if check is not None and out.is_dir() and any(out.iterdir()):
            check(out)
            out.replace(old)
            check(old)  # now nobody finds it to write there
        elif sys.platform == "win32" and out.is_dir():
            out.rmdir()  # elsewhere a rename takes the place of an empty folder, and of no other
        new.replace(out)
        with suppress(OSError):
            old.replace(new)  # it goes with the room
    except UsageError as error:
        error.file = out
        raise
    except OSError as error:
        if error.errno not in (EEXIST, ENOTEMPTY):
            raise
        kept = f" What was there before is {old}." if old.exists() else ""
        remedy = f"It stays: choose another folder, or run again.{kept}"
        raise UsageError("somebody wrote there meanwhile", file=out, remedy=remedy) from error
    finally:
        with suppress(OSError):
            old.replace(out)  # unless something stands there; also after an interruption


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """One run at a time in a folder, where the system can lock one; the lock ends with the process.

    Raises:
        OSError: another run holds it, or it is no folder.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(held)
