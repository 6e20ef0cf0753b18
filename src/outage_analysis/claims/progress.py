"""Report the progress of a long query: a bar, the number of rows, rows per second and the time left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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
