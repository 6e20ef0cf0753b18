"""Folders that one worker fills and all workers of a test session read."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def shared_base(factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of the whole session: xdist gives each worker a folder below it."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def filled_once(folder: Path, fill: Callable[[Path], object]) -> Path:
    """The folder, filled by the first worker that asks for it; the others wait.

    If `fill` fails, the next worker tries again with what is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    full = folder.with_name(f"{folder.name}.full")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not full.exists():
            fill(folder)
            full.touch()
    return folder


def file_contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path in it."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
