"""JupyterLab on a folder of notebooks: opened on its welcome, and quiet: it asks the network for nothing."""

from __future__ import annotations

import json
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import temporary_folder
from outage_analysis.jupyter.export.notebook_files import REMEDY, SUFFIX

WELCOME = "welcome.md"
SETTINGS: dict[str, dict[str, object]] = {
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
"""What differs from JupyterLab's own settings; those that a user has saved come before these."""


def open_lab(folder: str | Path, *, port: int | None = None, browser: bool = True) -> None:
    """Serve JupyterLab on a folder of notebooks until it is stopped.

    Args:
        folder: with notebooks and, if it has one, a welcome.md to open on.
        port: to listen on; by default 8888, or the next that is free.
        browser: whether to open one.

    Raises:
        UsageError: no such folder, or one without a notebook.
        EnvironmentFailed: the notebooks extra is not installed.
    """
    place = Path(folder)
    if not place.is_dir() or not any(place.glob(f"*{SUFFIX}")):
        problem = "has no notebook" if place.is_dir() else "no such folder of notebooks"
        raise UsageError(problem, file=place, remedy="Make a project: outage-analysis new DIR")
    if find_spec("jupyterlab") is None:
        raise EnvironmentFailed("jupyterlab is not installed", remedy=REMEDY)
    from jupyterlab.labapp import LabApp

    if hasattr(signal, "SIGPIPE"):  # a browser tab that is closed must not end a server
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    bin_ = Path(sys.executable).parent  # where a terminal or a cell finds `outage-analysis`
    os.environ["PATH"] = os.pathsep.join((str(bin_), os.environ.get("PATH", os.defpath)))
    with temporary_folder() as own:
        (own / "overrides.json").write_text(json.dumps(SETTINGS), "utf-8")
        LabApp.launch_instance(lab_arguments(place.absolute(), own, port=port, browser=browser))


def lab_arguments(folder: Path, own: Path, *, port: int | None, browser: bool) -> list[str]:
    """What JupyterLab is told.

    Args:
        folder: the notebooks, by their whole path.
        own: a folder for the settings of this run and for the layout of its tabs: the user's stays.
        port: to listen on.
        browser: whether to open one.
    """
    # Of a project all is within reach, as its pages are what one changes between two runs of a notebook.
    root = folder.parent if (folder.parent / "incident.toml").is_file() else folder
    start = folder / WELCOME if (folder / WELCOME).is_file() else folder
    tree = quote(start.relative_to(root).as_posix())
    told = {
        "ServerApp.root_dir": root,
        "ServerApp.open_browser": browser,
        "LabApp.default_url": "/lab" if start == root else f"/lab/tree/{tree}",
        "LabApp.app_settings_dir": own,
        "LabApp.workspaces_dir": own / "workspaces",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.news_url": None,
        "LabApp.extension_manager": "readonly",
        # It listens to this machine alone and asks for its token: root, as in a container, may run it.
        "ServerApp.allow_root": os.name == "posix" and os.geteuid() == 0,
        **({} if port is None else {"ServerApp.port": port, "ServerApp.port_retries": 0}),
    }
    return [f"--{key}={value}" for key, value in told.items()]
