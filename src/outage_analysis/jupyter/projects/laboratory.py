"""Start JupyterLab on a folder of notebooks, with settings that avoid all network requests."""

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
"""Overrides of JupyterLab's default settings; settings that the user has saved take precedence."""


def open_lab(folder: str | Path, *, port: int | None = None, browser: bool = True) -> None:
    """Run JupyterLab on a folder of notebooks until the user stops it.

    Args:
        folder: the folder of the notebooks. If it contains a welcome.md, JupyterLab opens this file.
        port: the port of the server; by default 8888, or the next free one.
        browser: whether to open a browser.

    Raises:
        UsageError: the folder does not exist or has no notebook.
        EnvironmentFailed: the notebooks extra is not installed.
    """
    place = Path(folder)
    if not place.is_dir() or not any(place.glob(f"*{SUFFIX}")):
        problem = "has no notebook" if place.is_dir() else "no such folder of notebooks"
        raise UsageError(problem, file=place, remedy="Make a project: outage-analysis new DIR")
    if find_spec("jupyterlab") is None:
        raise EnvironmentFailed("jupyterlab is not installed", remedy=REMEDY)
    from jupyterlab.labapp import LabApp

    if hasattr(signal, "SIGPIPE"):  # SIGPIPE would stop the server if a browser tab is closed.
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    bin_ = Path(sys.executable).parent  # This folder contains the command `outage-analysis`.
    os.environ["PATH"] = os.pathsep.join((str(bin_), os.environ.get("PATH", os.defpath)))
    with temporary_folder() as own:
        (own / "overrides.json").write_text(json.dumps(SETTINGS), "utf-8")
        LabApp.launch_instance(lab_arguments(place.absolute(), own, port=port, browser=browser))


def lab_arguments(folder: Path, own: Path, *, port: int | None, browser: bool) -> list[str]:
    """Return the command-line arguments for JupyterLab.

    Args:
        folder: the absolute path of the folder of the notebooks.
        own: a temporary folder for settings and tab layout, so that the user's own settings do not change.
        port: the port of the server; None for JupyterLab's default.
        browser: whether to open a browser.
    """
    # In a project, serve the whole project folder: users edit its TOML files between runs of a notebook.
    root = folder.parent if (folder.parent / "incident.toml").is_file() else folder
    start = folder / WELCOME if (folder / WELCOME).is_file() else folder
    tree = quote(start.relative_to(root).as_posix())
    options = {
        "ServerApp.root_dir": root,
        "ServerApp.open_browser": browser,
        "LabApp.default_url": "/lab" if start == root else f"/lab/tree/{tree}",
        "LabApp.app_settings_dir": own,
        "LabApp.workspaces_dir": own / "workspaces",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.news_url": None,
        "LabApp.extension_manager": "readonly",
        # Containers often run as root. The server listens on this machine only and requires a token.
        "ServerApp.allow_root": os.name == "posix" and os.geteuid() == 0,
        **({} if port is None else {"ServerApp.port": port, "ServerApp.port_retries": 0}),
    }
    return [f"--{key}={value}" for key, value in options.items()]
