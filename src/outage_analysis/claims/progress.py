"""How far a long query is, told while it runs: a bar, rows, rows a second, the time that is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ProgressCallback = Callable[[str], None]
progress_callback: ContextVar[ProgressCallback | None] = ContextVar("telling", default=None)
"""Who is told, if anybody: a terminal."""
UPDATE_SECONDS = 0.25
"""Seconds between two words."""
BAR_WIDTH = 20


def progress_line(name: str, share: float, rows: int, seconds: float) -> str:
    """One line: `share` of about `rows` rows of a file were read in so many seconds."""
    done = min(1.0, max(0.0, share))
    bar = "#" * round(done * BAR_WIDTH)
    line = f"[{bar:.<{BAR_WIDTH}}] {name}: {done * rows:,.0f} of about {rows:,} rows"
    if not done or not seconds:
        return line
    return f"{line}, {done * rows / seconds:,.0f} a second, {seconds * (1 - done) / done:.0f} s left"


@contextmanager
def report_progress(name: str, rows: int, share: Callable[[], float]) -> Iterator[None]:
    """Tell how far a query is that runs within.

    Args:
        name: of the file that it reads.
        rows: about how many rows that has.
        share: gives what is done of it, from 0 to 1, at any moment and from another thread.
    """
    tell = progress_callback.get()
    if tell is None:
        yield
        return
    begun, done = time.monotonic(), threading.Event()

    def watch() -> None:
        while not done.wait(UPDATE_SECONDS):
            tell(progress_line(name, share(), rows, time.monotonic() - begun))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()
