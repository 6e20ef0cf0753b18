"""Settings of a run: limits on memory, threads and disk space, and how it reports the progress of a query."""

from __future__ import annotations

import re
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
