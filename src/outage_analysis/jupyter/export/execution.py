"""Execute a notebook in a kernel of the current Python, without the user's IPython profile."""

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
"""Environment variables that make the output independent of the machine."""
PAUSE = 0.2
"""Seconds between checks for an interrupt, which does not wake a waiting main thread by itself."""


def execute(
    notebook: Notebook,
    parameters: FilledParameters,
    progress: Callable[[str], None] = lambda _: None,
    *,
    folder: Path | None = None,
) -> Notebook:
    """Execute all cells of a notebook in order.

    Args:
        notebook: the notebook as it is stored.
        parameters: the parameters cell with the values of this run.
        progress: called with a short message when a cell starts.
        folder: the working folder of the kernel; by default a temporary folder, which is deleted.

    Returns:
        The notebook with its outputs. Paths in its parameters cell are reduced to file names.

    Raises:
        OutageAnalysisError: a cell failed. If this package raised the error, the exception keeps its class.
        EnvironmentFailed: the kernel did not start, or it died.
        KeyboardInterrupt, SystemExit: the run was interrupted; the kernel is already shut down.
    """
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    node = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {"cells": deepcopy(notebook.cells), "metadata": notebook.metadata, "nbformat": 4, "nbformat_minor": 5}
    )
    _set_parameters(node, parameters.executed)
    position = _Position(len([cell for cell in node.cells if cell.cell_type == "code"]), progress)
    with temporary_folder() as own:
        # With an empty list of kernel folders, only the ipykernel of the current Python is available.
        manager = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
        client = NotebookClient(
            node,
            km=manager,
            timeout=None,
            record_timing=False,
            store_widget_state=False,
            resources={"metadata": {"path": str(folder or own)}},
            on_cell_execute=position.start_cell,
        )
        environment = {**os.environ, **ENVIRONMENT, "IPYTHONDIR": str(own / ".ipython")}
        try:
            _run_in_thread(_execute_cells(client, env=environment, stderr=subprocess.DEVNULL))
        except CellExecutionError as error:
            raise _cell_error(notebook.name, position, error.ename, error.evalue) from None
        except (DeadKernelError, NoSuchKernel, RuntimeError) as error:
            raise _kernel_error(notebook.name, position) from error
    _set_parameters(node, parameters.displayed)
    return Notebook(notebook.name, node.cells, notebook.metadata)


async def _execute_cells(client: Any, **kernel: object) -> None:  # noqa: ANN401 - an nbclient type, imported late
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


def _run_in_thread(work: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.SelectorEventLoop()
    try:
        with _sigterm_raises(), ThreadPoolExecutor(1) as pool:
            task = loop.create_task(work)
            try:
                done = pool.submit(_run_task, loop, task)
                while not wait([done], timeout=PAUSE).done:
                    pass
                done.result()
            except BaseException:
                loop.call_soon_threadsafe(task.cancel)
                raise
    finally:
        loop.close()


def _run_task(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    try:
        loop.run_until_complete(task)
    finally:
        loop.run_until_complete(_cancel_remaining())


async def _cancel_remaining() -> None:
    remaining = asyncio.all_tasks() - {asyncio.current_task()}
    for task in remaining:
        task.cancel()
    await asyncio.gather(*remaining, return_exceptions=True)


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    # Turn SIGTERM into SystemExit, so that clean-up code runs as it does on Ctrl-C.
    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # only the main thread can handle signals
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass
class _Position:
    """Counts the code cells as they start, and reports the progress to the caller."""

    cells: int
    progress: Callable[[str], None]
    number: int = 0
    id_: str = ""

    def start_cell(self, cell: Any, cell_index: int) -> None:  # noqa: ANN401, ARG002 - nbclient names them
        """Count a code cell that starts, and report the progress; nbclient calls this method."""
        self.number, self.id_ = self.number + 1, str(cell.get("id", ""))
        self.progress(f"running cell {self.number} of {self.cells}")

    def __str__(self) -> str:
        return f"code cell {self.number} ({self.id_})"


def _set_parameters(node: Any, source: str | None) -> None:  # noqa: ANN401 - nbformat ships no types
    """Replace the source of the parameters cell; if the new source is None, leave the cell unchanged."""
    if source is not None:
        next(cell for cell in node.cells if is_parameters(cell)).source = source


def _kernel_error(name: str, position: _Position) -> EnvironmentFailed:
    if not position.number:
        remedy = "Rename any file beside it that has the name of a Python or Jupyter module."
        return EnvironmentFailed("the kernel did not start", file=name, remedy=remedy)
    remedy = "Check the cell and the free memory."
    return EnvironmentFailed(f"{position}: the kernel ended", file=name, remedy=remedy)


def _cell_error(name: str, position: _Position, kind: str, message: str) -> OutageAnalysisError:
    known = getattr(errors, kind, None)
    if isinstance(known, type) and issubclass(known, OutageAnalysisError):
        error: OutageAnalysisError = known(f"{position}: {message}", file=name)
        return error
    remedy = "Run it in JupyterLab to see where."
    return OutageAnalysisError(f"{position}: {kind}: {message.strip()}", file=name, remedy=remedy)
