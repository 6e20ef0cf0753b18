"""Settings of a run: limits on memory, threads and disk space, and how it reports the progress of a query."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from outage_analysis.errors import UsageError, either


@dataclass(frozen=True)
class Limits:
    """Limits on the memory, threads and disk space that the SQL engine may use.

    A run needs about 300 MB in addition to `memory`. It needs another 0.5 GB to search tens of millions of
    claim ids for duplicates, and about 1 GB if it also compares them with the ids of a warehouse file.
    """

    memory: str = "50%"
    """Memory for tables and queries, such as 4GB or 50%. Data beyond this limit are written to `folder`."""
    threads: int | None = None
    """Number of threads; None for one thread per core."""
    folder: Path | None = None
    """Folder for copies of input files and for data that do not fit into memory.

    These data may take up to 90 % of its free space. None means the system's folder for temporary files.
    """

    def __post_init__(self) -> None:
        if not MEMORY_PATTERN.fullmatch(self.memory):
            raise UsageError(
                f"{either('memory', '--memory')} is no amount",
                value=self.memory,
                remedy="Write it as 4GB or 50%.",
            )
        if self.threads is not None and not 1 <= self.threads <= MAX_THREADS:
            name = either("threads", "--threads")
            raise UsageError(f"{name} is not between 1 and {MAX_THREADS}", value=self.threads)
        if self.folder is not None and not self.folder.is_dir():
            name = either("folder", "--temp")
            raise UsageError(f"{name} is not an existing folder", value=self.folder)


MEMORY_PATTERN = re.compile(r"(?:100|[1-9]\d?)%|[1-9]\d{0,3}(?:\.\d+)? ?[KMGT]i?B")
MAX_THREADS = 1024
limits: ContextVar[Limits] = ContextVar("limits", default=Limits())  # noqa: B039 - frozen
"""The limits that apply to every warehouse that is created afterwards."""


ProgressCallback = Callable[[str], None]
progress_callback: ContextVar[ProgressCallback | None] = ContextVar("progress_callback", default=None)
"""The function that shows a progress line in the terminal; None if progress is not reported."""
UPDATE_SECONDS = 0.25
"""Seconds between two updates of the progress line."""
BAR_WIDTH = 20
"""Length of the progress bar in characters."""


def progress_line(name: str, share: float, rows: int, seconds: float) -> str:
    """Return a progress line, such as "[#####...............] a.csv: 25 of about 100 rows".

    `share` is the finished part of the file, from 0 to 1; `seconds` is the time since the start.
    """
    done = min(1.0, max(0.0, share))
    bar = "#" * round(done * BAR_WIDTH)
    line = f"[{bar:.<{BAR_WIDTH}}] {name}: {done * rows:,.0f} of about {rows:,} rows"
    if not done or not seconds:
        return line
    return f"{line}, {done * rows / seconds:,.0f} per second, {seconds * (1 - done) / done:.0f} s left"


@contextmanager
def report_progress(name: str, rows: int, share: Callable[[], float]) -> Iterator[None]:
    """Report the progress of the query that runs inside the `with` block.

    Args:
        name: the name of the file that the query reads.
        rows: the approximate number of rows of that file.
        share: a function that returns the finished share of the query, from 0 to 1. A background thread calls
            it while the query runs.
    """
    report = progress_callback.get()
    if report is None:
        yield
        return
    start, done = time.monotonic(), threading.Event()

    def watch() -> None:
        while not done.wait(UPDATE_SECONDS):
            report(progress_line(name, share(), rows, time.monotonic() - start))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
