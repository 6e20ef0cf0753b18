"""A PostgreSQL server of the distribution's packages, for one test: its data and its socket in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _program(name: str) -> Path | None:
    """A program of the newest PostgreSQL that the distribution has installed."""
    return max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), default=None)


@contextmanager
def postgresql_server() -> Iterator[tuple[str, Callable[[], None]]]:
    """The address of an empty database, and a function that stops its server at once."""
    initdb, server = _program("initdb"), _program("pg_ctl")
    if not (initdb and server):
        assert os.environ.get("CI_REQUIRE_BROWSER") != "1"
        pytest.skip("PostgreSQL is not installed")
    owner = {"user": "postgres"} if os.geteuid() == 0 else {}  # the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))  # the name of a socket must be short
    if owner:
        shutil.chown(folder, "postgres")

    def run(*arguments: object) -> None:
        subprocess.run([*map(str, arguments)], check=True, stdout=subprocess.DEVNULL, cwd=folder, **owner)  # type: ignore[call-overload]

    def stop() -> None:
        if (folder / "data" / "postmaster.pid").exists():
            run(server, "-D", folder / "data", "-m", "immediate", "stop")

    try:
        run(initdb, "-D", folder / "data", "-U", "tester", "--auth=trust", "--no-sync", "--encoding=UTF8")
        options = f"-k {folder} -c listen_addresses="
        run(server, "-D", folder / "data", "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql:///postgres?host={folder}&user=tester", stop
        finally:
            stop()
    finally:
        shutil.rmtree(folder)
