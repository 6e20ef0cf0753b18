"""Folders and files that are written completely or not at all, even if the run is killed.

Each is written in a staging folder: a hidden folder next to the target that only this run uses and removes at
its end. A run locks its staging and temporary folders. The lock ends with the process, so a later run can
recognise and remove folders of killed runs.
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
"""Parts of the name of a staging folder, besides the name of its target and eight random letters.

A complete file has `COMPLETE_SUFFIX` while it moves from its staging folder to its place.
"""
TEMPORARY_PREFIX = "outage-analysis-"
"""Prefix of the names of temporary folders."""
NEW, OLD = "new", "old"
"""Inside a staging folder: the new folder, and the previous one until the new one is in its place."""

Check = Callable[[Path], None]
"""A function that raises UsageError for a folder that must not be replaced."""


@contextmanager
def atomic_folder(out: Path, check: Check | None = None) -> Iterator[Path]:
    """A hidden folder to write into; it replaces `out` if no error occurs.

    An empty `out` is replaced. An `out` with content is replaced only if it passes `check`, before and after
    it was moved away: so files that another program wrote in between are noticed, and the folder moves back.
    Without `check`, only an empty `out` is replaced.

    Raises:
        UsageError: `out` has content that must not be replaced.
        EnvironmentFailed: the file system reports an error.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _staging_folder(out) as staging:
            new = staging / NEW
            new.mkdir()
            yield new
            _replace(out, staging, check)
    except OSError as error:
        raise EnvironmentFailed(f"cannot be written: {error.strerror or error}", file=out) from error


@contextmanager
def atomic_file(path: Path, *, parents: bool = False) -> Iterator[Path]:
    """The path of a hidden file to write; the file replaces `path` if no error occurs.

    The staging folder is removed before the replacement. So a killed run leaves either the old file or the
    new one, and nothing else. With `parents`, missing folders are created.

    Raises:
        EnvironmentFailed: the file system reports an error.
    """
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        recover_interrupted(path)
        with ExitStack() as stack:
            with _staging_folder(path) as staging:
                partial, complete = staging / path.name, staging.with_suffix(COMPLETE_SUFFIX)
                yield partial
                with suppress(OSError):  # a file system without locks
                    stack.enter_context(_lock(partial))
                stack.callback(complete.unlink, missing_ok=True)
                partial.replace(complete)
            complete.replace(path)
    except OSError as error:
        reason = error.strerror or str(error).partition(":")[0]  # DuckDB appends long details after a colon
        raise EnvironmentFailed(f"cannot be written: {reason}", file=path) from error


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder that only this user can open; it is removed at the end of the run.

    If the run is killed, the next run that makes a temporary folder in the same place removes it.

    Args:
        parent: where to make it; by default in the system's folder for temporary files.

    Raises:
        EnvironmentFailed: the file system reports an error.
    """
    parent = parent or Path(tempfile.gettempdir())
    for abandoned in _abandoned_paths(parent, TEMPORARY_PREFIX):
        with suppress(OSError), _lock(abandoned) as descriptor:
            if os.fstat(descriptor).st_uid == os.geteuid():
                shutil.rmtree(abandoned, ignore_errors=True)
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
    """Restore what a killed run moved away from `out`, and remove its staging folders.

    If `out` exists again, the old folder is removed if it passes `check`; without `check` it stays. Staging
    folders of running runs are not touched. If the system has no locks, none is touched.
    """
    for staging in _abandoned_paths(out.parent, f".{out.name}{STAGING_MARK}"):
        with suppress(OSError, UsageError), _lock(staging):
            _restore_or_check(out, staging / OLD, check)
            if staging.suffix == COMPLETE_SUFFIX:
                staging.unlink()
            else:
                shutil.rmtree(staging, ignore_errors=True)


def _abandoned_paths(parent: Path, prefix: str) -> list[Path]:
    """Paths named like a staging or temporary folder, whether or not their run still exists."""
    if sys.platform == "win32":
        return []  # Windows has no lock that shows whether the run still exists
    ours = re.compile(
        rf"{re.escape(prefix)}\w{{8}}({re.escape(PARTIAL_SUFFIX)}|{re.escape(COMPLETE_SUFFIX)})"
    )
    with suppress(OSError):
        return sorted(p for p in parent.iterdir() if ours.fullmatch(p.name))
    return []


def _restore_or_check(out: Path, old: Path, check: Check | None) -> None:
    """Restore an old folder, or check that it may be removed.

    Raises:
        UsageError: it must not be removed.
        OSError: it cannot be restored.
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
    """A staging folder next to `out`; it is removed at the end, unless it contains a previous folder."""
    with _locked_new_folder(out.parent, f".{out.name}{STAGING_MARK}") as staging:
        try:
            yield staging
        finally:
            if not (staging / OLD).exists():
                shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _locked_new_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder that only this user can open, whatever the umask; locked if the system has locks."""
    with ExitStack() as stack:
        while True:
            folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=PARTIAL_SUFFIX, dir=parent))
            try:
                stack.enter_context(_lock(folder))
            except (BlockingIOError, FileNotFoundError):
                continue  # another run removed it before it was locked
            except OSError:
                pass  # a file system without locks
            break
        yield folder


def _replace(out: Path, staging: Path, check: Check | None) -> None:
    """Replace `out` with the new folder; the old one is removed only after the new one is in place."""
    new, old = staging / NEW, staging / OLD
    try:
        if check is not None and out.is_dir() and any(out.iterdir()):
            check(out)
            out.replace(old)
            check(old)  # checked again: other programs can no longer write there
        elif sys.platform == "win32" and out.is_dir():
            out.rmdir()  # on other systems a rename replaces an empty folder, and only an empty one
        new.replace(out)
        with suppress(OSError):
            old.replace(new)  # it is removed together with the staging folder
    except UsageError as error:
        error.file = out
        raise
    except OSError as error:
        if error.errno not in (EEXIST, ENOTEMPTY):
            raise
        previous = f" What was there before is {old}." if old.exists() else ""
        remedy = f"It stays: choose another folder, or run again.{previous}"
        raise UsageError("somebody wrote there meanwhile", file=out, remedy=remedy) from error
    finally:
        with suppress(OSError):
            old.replace(out)  # fails if `out` exists; otherwise restores it, also after an interruption


@contextmanager
def _lock(path: Path) -> Iterator[int]:
    """Lock a folder or a file for this run; the lock ends with the process.

    Returns:
        The descriptor of the locked folder or file.

    Raises:
        BlockingIOError: another run has locked it.
        FileNotFoundError: another run has removed it.
        OSError: it is a link, or the system cannot lock it.
    """
    if sys.platform == "win32":
        raise OSError(ENOTSUP, "cannot be locked here")
    import fcntl

    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), path.lstat()):
            raise FileNotFoundError(ENOENT, "was replaced", str(path))
        yield descriptor
    finally:
        os.close(descriptor)
