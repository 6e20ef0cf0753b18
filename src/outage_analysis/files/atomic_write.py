"""Write folders and files completely or not at all, even if the program is killed.

Each folder or file is first written into a staging folder, that is, a hidden folder next to the target. Only
one run uses a staging folder, and removes it at its end. A run locks its staging and temporary folders. The
operating system releases the lock when the process ends. So a later run can recognise and remove the folders
of killed runs.
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

from outage_analysis.errors import EnvironmentFailed, UsageError, either

STAGING_MARK, PARTIAL_SUFFIX, COMPLETE_SUFFIX = ".outage-", ".part", ".whole"
"""Parts of the name of a staging folder. The other parts are the name of its target and eight random letters.

A complete file has the suffix `COMPLETE_SUFFIX` while it moves from its staging folder to its target.
"""
TEMPORARY_PREFIX = "outage-analysis-"
"""Prefix of the names of temporary folders."""
NEW, OLD = "new", "old"
"""Names inside a staging folder: the new folder, and the previous one until the new one has replaced it."""

Check = Callable[[Path], None]
"""A function that raises UsageError if a folder must not be replaced."""


@contextmanager
def atomic_folder(out: Path, check: Check | None = None) -> Iterator[Path]:
    """Provide a hidden folder to write into. It replaces `out` when the `with` block ends without an error.

    An empty folder `out` is always replaced. A folder with content is replaced only if `check` accepts it.
    The folder is moved away before it is replaced, and `check` is called before and after that. So files that
    another program writes in between are noticed, and the folder is moved back. Without `check`, a folder
    with content is never replaced.

    Raises:
        UsageError: the folder `out` has content that must not be replaced.
        EnvironmentFailed: the file system reports an error, such as a full disk.
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
    """Provide the path of a hidden file to write. It replaces `path` when the block ends without an error.

    The staging folder is removed before the file is replaced. So a killed run leaves either the old file or
    the new one. If `parents` is true, missing parent folders are created.

    Raises:
        EnvironmentFailed: the file system reports an error, such as a full disk.
    """
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        recover_interrupted(path)
        with ExitStack() as stack:
            with _staging_folder(path) as staging:
                partial, complete = staging / path.name, staging.with_suffix(COMPLETE_SUFFIX)
                yield partial
                with suppress(OSError):  # Without locks, the file stays unlocked.
                    stack.enter_context(_lock(partial))
                stack.callback(complete.unlink, missing_ok=True)
                partial.replace(complete)
            complete.replace(path)
    except OSError as error:
        # A DuckDB error has details after a colon. They are left out of the message.
        reason = error.strerror or str(error).partition(":")[0]
        raise EnvironmentFailed(f"cannot be written: {reason}", file=path) from error


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Provide a temporary folder that only this user can open. It is removed when the `with` block ends.

    If the run is killed, the next run that makes a temporary folder in the same place removes the folder.

    Args:
        parent: the folder in which to make it; by default the system's folder for temporary files.

    Raises:
        EnvironmentFailed: the file system reports an error, such as a full disk.
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
            another = either("set TMPDIR to another folder", "name another folder: --temp")
            raise EnvironmentFailed(problem, file=parent, remedy=f"Free disk space, or {another}.") from error
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def recover_interrupted(out: Path, check: Check | None = None) -> None:
    """Clean up after killed runs: restore the folder moved away from `out`, and remove staging folders.

    If a folder `out` exists again, the old folder is not restored. It is removed if `check` accepts it.
    Without `check`, an old folder is neither restored nor removed. Staging folders of runs that still exist
    are not touched. On a system without locks, no staging folder is touched.
    """
    for staging in _abandoned_paths(out.parent, f".{out.name}{STAGING_MARK}"):
        with suppress(OSError, UsageError), _lock(staging):
            old = staging / OLD
            if old.exists():
                if check is None:
                    continue  # It is another command's.
                try:
                    old.replace(out)
                except OSError:
                    if not out.exists():
                        raise
                    check(old)
            if staging.suffix == COMPLETE_SUFFIX:
                staging.unlink()
            else:
                shutil.rmtree(staging, ignore_errors=True)


def _abandoned_paths(parent: Path, prefix: str) -> list[Path]:
    """Return the paths in `parent` that are named like staging or temporary folders, also of running runs."""
    if sys.platform == "win32":
        return []  # Windows has no lock that shows whether a run still exists, so none counts as abandoned.
    ours = re.compile(
        rf"{re.escape(prefix)}\w{{8}}({re.escape(PARTIAL_SUFFIX)}|{re.escape(COMPLETE_SUFFIX)})"
    )
    with suppress(OSError):
        return sorted(p for p in parent.iterdir() if ours.fullmatch(p.name))
    return []


@contextmanager
def _staging_folder(out: Path) -> Iterator[Path]:
    """Provide a staging folder next to `out`. Remove it at the end, unless it contains the old folder."""
    with _locked_new_folder(out.parent, f".{out.name}{STAGING_MARK}") as staging:
        try:
            yield staging
        finally:
            if not (staging / OLD).exists():
                shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _locked_new_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Provide a new folder that only this user can open. It is locked if the system supports locks."""
    with ExitStack() as stack:
        while True:
            folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=PARTIAL_SUFFIX, dir=parent))
            try:
                stack.enter_context(_lock(folder))
            except (BlockingIOError, FileNotFoundError):
                continue  # Another run removed the new folder, so make one more.
            except OSError:
                pass  # The file system has no locks, so the folder stays unlocked.
            break
        yield folder


def _replace(out: Path, staging: Path, check: Check | None) -> None:
    new, old = staging / NEW, staging / OLD
    try:
        if check is not None and out.is_dir() and any(out.iterdir()):
            check(out)
            out.replace(old)
            check(old)  # Check again: from now on, other programs cannot write into the moved folder.
        elif sys.platform == "win32" and out.is_dir():
            out.rmdir()  # On other systems, the rename below replaces an empty folder.
        new.replace(out)
        with suppress(OSError):
            old.replace(new)  # The old folder is removed together with the staging folder.
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
            # If `out` is missing, even after an interruption, this restores the old folder. If `out` exists,
            # it fails.
            old.replace(out)


@contextmanager
def _lock(path: Path) -> Iterator[int]:
    """Lock a folder or a file for this run. The lock is released when the process ends, if not before.

    Returns:
        The file descriptor of the locked folder or file.

    Raises:
        BlockingIOError: another run has locked the path.
        FileNotFoundError: another run has removed or replaced the path.
        OSError: the path is a symbolic link, or the system cannot lock it.
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
