"""A notebook executed: by the Python that runs this, without the user's set-up; nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outage_analysis import errors
from outage_analysis.errors import EnvironmentFailed, OutageAnalysisError
from outage_analysis.files import temporary_folder
from outage_analysis.jupyter.export.notebook_files import Notebook, is_parameters
from outage_analysis.jupyter.export.parameters import FilledParameters

ENVIRONMENT = {"PYTHONHASHSEED": "0", "TZ": "UTC"}
"""What would let the same notebook give other bytes on another day or machine."""
PAUSE = 0.2
"""Seconds between looks for an interrupt: one that reaches another thread does not wake this one."""


def execute(
    notebook: Notebook,
    given: FilledParameters,
    progress: Callable[[str], None] = lambda _: None,
    *,
    folder: Path | None = None,
) -> Notebook:
    """Every cell in order.

    Args:
        notebook: as it is stored.
        given: the values of its parameters.
        progress: called with a word on each cell as it starts.
        folder: where it runs, and relative paths in it start; by default a folder that is thrown away.

    Returns:
        The notebook with its outputs, its cell of parameters as a page shows it.

    Raises:
        OutageAnalysisError: a cell failed; where an error of this package was the cause, that error's class.
        EnvironmentFailed: no kernel could start, or it ended of itself.
        KeyboardInterrupt, SystemExit: it was interrupted or told to end; the kernel is gone by then.
    """
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    node = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {"cells": deepcopy(notebook.cells), "metadata": notebook.metadata, "nbformat": 4, "nbformat_minor": 5}
    )
    _set(node, given.executed)
    at = _Place(len([cell for cell in node.cells if cell.cell_type == "code"]), progress)
    with temporary_folder() as own:
        # Without folders of kernels there is one: the ipykernel of this Python.
        manager = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
        client = NotebookClient(
            node,
            km=manager,
            timeout=None,
            record_timing=False,
            store_widget_state=False,
            resources={"metadata": {"path": str(folder or own)}},
            on_cell_execute=at.enter,
        )
        environment = {**os.environ, **ENVIRONMENT, "IPYTHONDIR": str(own / ".ipython")}
        try:
            _finish(_run(client, env=environment, stderr=subprocess.DEVNULL))
        except CellExecutionError as error:
            raise _failed(notebook.name, at, error.ename, error.evalue) from None
        except (DeadKernelError, NoSuchKernel, RuntimeError) as error:
            raise _gone(notebook.name, at) from error
    _set(node, given.shown)
    return Notebook(notebook.name, node.cells, notebook.metadata)


async def _run(client: Any, **kernel: object) -> None:  # noqa: ANN401 - nbclient's, imported late
    """Every cell in a kernel that is gone afterwards, however it ends."""
    manager = client.km
    try:
        await client.async_start_new_kernel(**kernel)
        await client.async_start_new_kernel_client()
        await client.async_execute()
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Do it in a thread of its own, where nbclient leaves signals alone; an interrupt here ends it first."""
    loop = asyncio.SelectorEventLoop()
    try:
        with _sigterm_raises(), ThreadPoolExecutor(1) as pool:
            task = loop.create_task(work)
            try:
                done = pool.submit(_looped, loop, task)
                while not wait([done], timeout=PAUSE).done:
                    pass
                done.result()
            except BaseException:
                loop.call_soon_threadsafe(task.cancel)
                raise
    finally:
        loop.close()


def _looped(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    """Run a task to its end, and then end what it began and left."""
    try:
        loop.run_until_complete(task)
    finally:
        loop.run_until_complete(_end_left())


async def _end_left() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Let the command be told to end as it is interrupted: what it began is cleared away."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # Python gives signals to that one alone
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass
class _Place:
    """Where an execution is."""

    cells: int
    progress: Callable[[str], None]
    number: int = 0
    id_: str = ""

    def enter(self, cell: Any, cell_index: int) -> None:  # noqa: ANN401, ARG002 - nbclient names them
        """A cell begins."""
        self.number, self.id_ = self.number + 1, str(cell.get("id", ""))
        self.progress(f"running cell {self.number} of {self.cells}")

    def __str__(self) -> str:
        return f"code cell {self.number} ({self.id_})"


def _set(node: Any, source: str | None) -> None:  # noqa: ANN401 - nbformat ships no types
    """Give the cell of parameters another source."""
    if source is not None:
        next(cell for cell in node.cells if is_parameters(cell)).source = source


def _gone(name: str, at: _Place) -> EnvironmentFailed:
    """A kernel that ended of itself, or never began."""
    if not at.number:
        remedy = "Look for a file beside it that is named as a module of Python or Jupyter."
        return EnvironmentFailed("the kernel did not start", file=name, remedy=remedy)
    remedy = "Look at the cell, and at the memory that is left."
    return EnvironmentFailed(f"{at}: the kernel ended", file=name, remedy=remedy)


def _failed(name: str, at: _Place, kind: str, said: str) -> OutageAnalysisError:
    """A cell's error; one of this package keeps its class, and so its exit code."""
    known = getattr(errors, kind, None)
    if isinstance(known, type) and issubclass(known, OutageAnalysisError):
        error: OutageAnalysisError = known(f"{at}: {said}", file=name)
        return error
    remedy = "Run it in JupyterLab to see where."
    return OutageAnalysisError(f"{at}: {kind}: {said.strip()}", file=name, remedy=remedy)
