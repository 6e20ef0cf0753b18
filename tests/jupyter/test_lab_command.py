"""The command lab: JupyterLab on a folder of notebooks, quiet and on its welcome."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from outage_analysis.files import notebooks_root
from outage_analysis.jupyter import new_project, open_lab
from outage_analysis.jupyter import project as projects
from tests.commands import command

Launched = dict[str, str]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Launched:
    """What JupyterLab would be told, the settings that it would find, and where."""
    told: Launched = {}

    class App:
        @staticmethod
        def launch_instance(arguments: list[str]) -> None:
            for argument in arguments:
                option, _, value = argument.removeprefix("--").partition("=")
                told[option] = value
            settings = Path(told["LabApp.app_settings_dir"]) / "overrides.json"
            told["settings"] = settings.read_text("utf-8")
            told["path"] = os.environ["PATH"]
            told["sigpipe"] = str(signal.getsignal(signal.SIGPIPE))

    monkeypatch.setattr(importlib.import_module("jupyterlab.labapp"), "LabApp", App)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    return told


def test_it_opens_on_the_welcome_and_asks_the_network_for_nothing(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    assert command("lab", notebooks_root()) == (0, "", "")
    assert {name: launched.get(name) for name in ASKED} == ASKED
    settings, own = json.loads(launched["settings"]), Path(launched["LabApp.app_settings_dir"])
    viewers = settings["@jupyterlab/docmanager-extension:plugin"]
    assert viewers == {"defaultViewers": {"markdown": "Markdown Preview"}}
    news = settings["@jupyterlab/apputils-extension:notification"]
    assert news == {"fetchNews": "false", "checkForUpdates": False}
    # The user's own settings and tabs stay, and nothing is left.
    assert Path(launched["LabApp.workspaces_dir"]).parent == own
    assert not own.exists()
    # A terminal in it finds the command, and a closed tab does not end it.
    assert launched["path"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert launched["sigpipe"] == str(signal.SIG_IGN)
    # Kernels multiply matrices on as many threads as they like, other commands do not.
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    command("policies", "list")
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


ASKED = {
    "ServerApp.root_dir": str(notebooks_root()),
    "LabApp.default_url": "/lab/tree/welcome.md",
    "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    "LabApp.news_url": "None",
    "LabApp.extension_manager": "readonly",
    "ServerApp.port": None,
    "ServerApp.open_browser": "True",
}


def test_port_browser_and_folder_are_as_requested(launched: Launched, tmp_path: Path) -> None:
    command("lab", notebooks_root(), "--no-browser", "--port", "8890")
    assert (launched["ServerApp.port"], launched["ServerApp.port_retries"]) == ("8890", "0")
    assert launched["ServerApp.open_browser"] == "False"
    project = new_project(tmp_path / "my outage")  # its pages are within reach
    open_lab(project / "notebooks")
    assert launched["ServerApp.root_dir"] == str(project)
    assert launched["LabApp.default_url"] == "/lab/tree/notebooks/welcome.md"
    (tmp_path / "a.ipynb").touch()
    open_lab(tmp_path)
    assert launched["LabApp.default_url"] == "/lab"  # without a welcome


def test_jupyterlab_knows_every_option_and_every_setting_that_it_is_given() -> None:
    from jupyter_server.serverapp import ServerApp
    from jupyterlab.labapp import LabApp

    known = {app.__name__: app.class_trait_names(config=True) for app in (LabApp, ServerApp)}
    for argument in projects.lab_arguments(notebooks_root(), Path("own"), port=8890, browser=False):
        app, _, option = argument.removeprefix("--").partition("=")[0].partition(".")
        assert option in known[app], argument
    schemas = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    for plugin, values in projects.SETTINGS.items():
        package, _, name = plugin.partition(":")
        schema = json.loads((schemas / package / f"{name}.json").read_text("utf-8"))
        assert values.keys() <= schema["properties"].keys()


@pytest.mark.parametrize(
    ("folder", "said"),
    [((), "notebooks: no such folder of notebooks"), (("empty",), "empty: has no notebook")],
)
def test_no_notebooks_is_one_line_with_the_remedy(
    folder: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert command("lab", *folder) == (2, "", f"error: {said}. Make a project: outage-analysis new DIR\n")


def test_without_jupyterlab_the_remedy_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    code, out, err = command("lab", notebooks_root())
    assert (code, out) == (6, "")
    assert err == 'error: jupyterlab is not installed. Run: pip install "outage-analysis[notebooks]"\n'
