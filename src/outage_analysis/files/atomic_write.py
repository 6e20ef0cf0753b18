"""Files and folders that appear whole or not at all, whatever ends the run that writes them.

Each is written in a room: a hidden folder beside it, of the run alone, that goes when the run ends. A run
locks its rooms and its temporary folders. The lock ends with the process, so a later run knows what a killed
run left.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from errno import EEXIST, ENOENT, ENOTEMPTY, ENOTSUP
from pathlib import Path

from outage_analysis.errors import EnvironmentFailed, UsageError

STAGING_MARK, PARTIAL_SUFFIX, COMPLETE_SUFFIX = ".outage-", ".part", ".whole"
"""What the name of a room has beside that of its target, and beside the letters that make it the only one.

A file that is whole has `COMPLETE_SUFFIX` instead of `PARTIAL_SUFFIX` while it moves from its room to its place.
"""
TEMPORARY_PREFIX = "outage-analysis-"
"""How the name of a temporary folder begins."""
NEW, OLD = "new", "old"
"""In a room: the folder that is written, and the one that it replaces until it stands in its place."""

Check = Callable[[Path], None]
"""Raises UsageError for a folder that must not go."""


@contextmanager
def atomic_folder(out: Path, check: Check | None = None) -> Iterator[Path]:
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
        with _staging_folder(out) as room:
            new = room / NEW
            new.mkdir()
            yield new
            _replace(out, room, check)
    except OSError as error:
        raise EnvironmentFailed(f"cannot be written: {error.strerror or error}", file=out) from error


@contextmanager
def atomic_file(path: Path, *, parents: bool = False) -> Iterator[Path]:
    """A hidden file to write to, not there yet; it takes the place of `path` when all went well.

    The room is gone before that, so a run that is killed leaves either the old file or the new one alone.
    With `parents`, folders that are not there are made.

    Raises:
        EnvironmentFailed: the disk refused.
    """
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        recover_interrupted(path)
        with ExitStack() as stack:
            with _staging_folder(path) as room:
                part, whole = room / path.name, room.with_suffix(COMPLETE_SUFFIX)
                yield part
                with suppress(OSError):  # a file system without locks
                    stack.enter_context(_locked(part))
                stack.callback(whole.unlink, missing_ok=True)
                part.replace(whole)
            whole.replace(path)
    except OSError as error:
        reason = error.strerror or str(error).partition(":")[0]  # an engine adds all that it knows
        raise EnvironmentFailed(f"cannot be written: {reason}", file=path) from error


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder that only this user can open; it is removed at the end of the run.

    If the run is killed, the next run that makes a temporary folder there removes it.

    Args:
        parent: where it is made; by default in the system's folder for temporary files.

    Raises:
        EnvironmentFailed: the disk refused.
    """
    parent = parent or Path(tempfile.gettempdir())
    for left in _abandoned_paths(parent, TEMPORARY_PREFIX):
        with suppress(OSError), _locked(left) as held:
            if os.fstat(held).st_uid == os.geteuid():
                shutil.rmtree(left, ignore_errors=True)
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(_locked_new_folder(parent, TEMPORARY_PREFIX))
        except OSError as error:
            problem = f"no temporary folder can be made: {error.strerror or error}"
            remedy = "Free disk space, or name another folder: --temp."
            raise EnvironmentFailed(problem, file=parent, remedy=remedy) from error
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def recover_interrupted(out: Path, check: Check | None = None) -> None:
    """Undo what a run that was killed left beside `out`: its room goes, an old folder in it comes back.

    Where `out` is there again, an old folder goes if it passes the check; without a check it stays. Rooms
    of runs that still write are left alone; where the system cannot tell, all are.
    """
    for room in _abandoned_paths(out.parent, f".{out.name}{STAGING_MARK}"):
        with suppress(OSError, UsageError), _locked(room):
            _restore_or_check(out, room / OLD, check)
            if room.suffix == COMPLETE_SUFFIX:
                room.unlink()
            else:
                shutil.rmtree(room, ignore_errors=True)


def _abandoned_paths(parent: Path, prefix: str) -> list[Path]:
    """What bears the name of a room or of a temporary folder, whether or not its run goes on."""
    if sys.platform == "win32":
        return []  # it has no lock that says whether the run goes on
    ours = re.compile(
        rf"{re.escape(prefix)}\w{{8}}({re.escape(PARTIAL_SUFFIX)}|{re.escape(COMPLETE_SUFFIX)})"
    )
    with suppress(OSError):
        return sorted(p for p in parent.iterdir() if ours.fullmatch(p.name))
    return []


def _restore_or_check(out: Path, old: Path, check: Check | None) -> None:
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
def _staging_folder(out: Path) -> Iterator[Path]:
    """A folder beside `out` that no other run touches; it goes at the end, unless an old one is in it."""
    with _locked_new_folder(out.parent, f".{out.name}{STAGING_MARK}") as room:
        try:
            yield room
        finally:
            if not (room / OLD).exists():
                shutil.rmtree(room, ignore_errors=True)


@contextmanager
def _locked_new_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder that only this user can open, whatever the umask, locked where the system can lock one."""
    with ExitStack() as stack:
        while True:
            folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=PARTIAL_SUFFIX, dir=parent))
            try:
                stack.enter_context(_locked(folder))
            except (BlockingIOError, FileNotFoundError):
                continue  # another run took it for one that was left behind
            except OSError:
                pass  # a file system without locks
            break
        yield folder


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
def _locked(path: Path) -> Iterator[int]:
    """Lock a folder or a file for one run at a time; the lock ends with the process.

    Returns:
        The descriptor of the locked folder or file.

    Raises:
        BlockingIOError: another run holds it.
        FileNotFoundError: another run has removed it.
        OSError: it is a link, or the system cannot lock it.
    """
    if sys.platform == "win32":
        raise OSError(ENOTSUP, "cannot be locked here")
    import fcntl

    held = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(held), path.lstat()):
            raise FileNotFoundError(ENOENT, "was replaced", str(path))
        yield held
    finally:
        os.close(held)
