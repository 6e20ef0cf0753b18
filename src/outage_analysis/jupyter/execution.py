"""Execute a notebook in a kernel of the current Python, without the user's IPython profile."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

from outage_analysis import errors
from outage_analysis.errors import EnvironmentFailed, OutageAnalysisError
from outage_analysis.files import temporary_folder
from outage_analysis.jupyter.notebook import FilledParameters, Notebook, is_parameters

ENVIRONMENT = {"PYTHONHASHSEED": "0", "TZ": "UTC"}
"""Environment variables that make the output independent of the machine."""
PAUSE = 0.2
"""Seconds between checks for an interrupt, which does not wake a waiting main thread by itself."""


def execute(
    notebook: Notebook,
    parameters: FilledParameters | None = None,
    progress: Callable[[str], None] = lambda _: None,
    *,
    folder: Path | None = None,
) -> Notebook:
    """Execute all cells of a notebook in order.

    Args:
        notebook: the notebook as it is stored.
        parameters: the parameters cell with the values of this run; by default it stays as it is.
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

    cells = deepcopy(notebook.cells)
    node = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {"cells": cells, "metadata": notebook.metadata, "nbformat": 4, "nbformat_minor": 5}
    )
    filled = parameters or FilledParameters()
    _set_parameters(node, filled.executed)
    count = sum(cell.cell_type == "code" for cell in cells)
    started: list[str] = []

    def report_start(cell: Any, cell_index: int) -> None:  # noqa: ANN401, ARG001 - nbclient names them
        started.append(f"code cell {len(started) + 1} ({cell.get('id', '')})")
        progress(f"running cell {len(started)} of {count}")

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
            on_cell_execute=report_start,
        )
        environment = {**os.environ, **ENVIRONMENT, "IPYTHONDIR": str(own / ".ipython")}
        try:
            _run_in_thread(_execute_cells(client, env=environment, stderr=subprocess.DEVNULL))
        except CellExecutionError as error:
            known = getattr(errors, error.ename, None)
            if isinstance(known, type) and issubclass(known, OutageAnalysisError):
                raise known(f"{started[-1]}: {error.evalue}", file=notebook.name) from None
            problem = f"{started[-1]}: {error.ename}: {error.evalue.strip()}"
            remedy = "Run it in JupyterLab to see where."
            raise OutageAnalysisError(problem, file=notebook.name, remedy=remedy) from None
        except (DeadKernelError, NoSuchKernel, RuntimeError) as error:
            problem = f"{started[-1]}: the kernel ended" if started else "the kernel did not start"
            beside = "Rename any file beside it that has the name of a Python or Jupyter module."
            remedy = "Check the cell and the free memory." if started else beside
            raise EnvironmentFailed(problem, file=notebook.name, remedy=remedy) from error
    _set_parameters(node, filled.displayed)
    return Notebook(notebook.name, node.cells, notebook.metadata)


def _set_parameters(node: Any, source: str | None) -> None:  # noqa: ANN401 - nbformat ships no types
    """Replace the source of the parameters cell; if the new source is None, leave the cell unchanged."""
    if source is not None:
        next(cell for cell in node.cells if is_parameters(cell)).source = source


async def _execute_cells(client: Any, **kernel: object) -> None:  # noqa: ANN401 - an nbclient type, imported late
    manager = client.km
    try:
        # If nbclient started the kernel itself, it would leave the kernel running after an early interrupt.
        await client.async_start_new_kernel(**kernel)
        await client.async_start_new_kernel_client()
        await client.async_execute()
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)


def _run_in_thread(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a thread, because the current thread may run an event loop, as in Jupyter."""
    runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
    loop = runner.get_loop()
    task = loop.create_task(work)

    def run_task() -> None:
        with runner:  # On exit, it cancels what is left and closes the loop.
            loop.run_until_complete(task)

    with _sigterm_raises(), ThreadPoolExecutor(1) as pool:
        done = pool.submit(run_task)
        try:
            while not wait([done], timeout=PAUSE).done:
                pass
        except BaseException:
            with suppress(RuntimeError):  # The loop is closed if the task has just ended.
                loop.call_soon_threadsafe(task.cancel)
            raise
    done.result()


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
