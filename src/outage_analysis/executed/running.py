"""A notebook executed: by the Python that runs this, without the user's set-up; nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outage_analysis import errors
from outage_analysis.errors import EnvironmentFailed, OutageAnalysisError
from outage_analysis.executed.parameters import Given
from outage_analysis.executed.stored import Notebook, is_parameters

ENVIRONMENT = {"PYTHONHASHSEED": "0", "TZ": "UTC"}
"""What would let the same notebook give other bytes on another day or machine."""


def execute(
    notebook: Notebook,
    given: Given,
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
        EnvironmentFailed: the kernel ended of itself.
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
    with tempfile.TemporaryDirectory(prefix="outage-notebook-") as own:
        # Without folders of kernels there is one: the ipykernel of this Python.
        manager = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
        client = NotebookClient(
            node,
            km=manager,
            timeout=None,
            record_timing=False,
            store_widget_state=False,
            shutdown_kernel="immediate",
            resources={"metadata": {"path": str(folder or own)}},
            on_cell_execute=at.enter,
        )
        environment = {**os.environ, **ENVIRONMENT, "IPYTHONDIR": str(Path(own) / ".ipython")}
        try:
            client.execute(cleanup_kc=True, env=environment, stderr=subprocess.DEVNULL)
        except CellExecutionError as error:
            raise _failed(notebook.name, at, error.ename, error.evalue) from None
        except (DeadKernelError, NoSuchKernel, RuntimeError) as error:
            remedy = "Look at the cell, and at the memory that is left."
            raise EnvironmentFailed(f"{at}: the kernel ended", file=notebook.name, remedy=remedy) from error
    _set(node, given.shown)
    return Notebook(notebook.name, node.cells, notebook.metadata)


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


def _failed(name: str, at: _Place, kind: str, said: str) -> OutageAnalysisError:
    """A cell's error; one of this package keeps its class, and so its exit code."""
    known = getattr(errors, kind, None)
    if isinstance(known, type) and issubclass(known, OutageAnalysisError):
        error: OutageAnalysisError = known(f"{at}: {said}", file=name)
        return error
    remedy = "Run it in JupyterLab to see where."
    return OutageAnalysisError(f"{at}: {kind}: {said.strip()}", file=name, remedy=remedy)
