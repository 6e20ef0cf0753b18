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


def test_it_opens_on_the_welcome_rendered(launched: Launched) -> None:
    code, out, err = command("lab", notebooks_root())
    assert (code, out, err) == (0, "", "")
    assert launched["ServerApp.root_dir"] == str(notebooks_root())
    assert launched["LabApp.default_url"] == "/lab/tree/welcome.md"
    viewers = json.loads(launched["settings"])["@jupyterlab/docmanager-extension:plugin"]
    assert viewers == {"defaultViewers": {"markdown": "Markdown Preview"}}


def test_kernels_multiply_matrices_on_as_many_threads_as_they_like(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other command takes one: with more, last digits depend on the number of cores."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    command("lab", notebooks_root())
    assert launched
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    command("policies", "list")
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_it_asks_the_network_for_nothing(launched: Launched) -> None:
    open_lab(notebooks_root())
    assert launched["LabApp.check_for_updates_class"] == "jupyterlab.NeverCheckForUpdate"
    assert launched["LabApp.news_url"] == "None"
    assert launched["LabApp.extension_manager"] == "readonly"
    news = json.loads(launched["settings"])["@jupyterlab/apputils-extension:notification"]
    assert news == {"fetchNews": "false", "checkForUpdates": False}


def test_jupyterlab_knows_every_option_and_every_setting_that_it_is_given() -> None:
    from jupyter_server.serverapp import ServerApp
    from jupyterlab.labapp import LabApp

    known = {app.__name__: app.class_trait_names(config=True) for app in (LabApp, ServerApp)}
    for argument in projects.lab_arguments(notebooks_root(), Path("own")):
        app, _, option = argument.removeprefix("--").partition("=")[0].partition(".")
        assert option in known[app], argument
    schemas = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    for plugin, values in projects.SETTINGS.items():
        package, _, name = plugin.partition(":")
        schema = json.loads((schemas / package / f"{name}.json").read_text("utf-8"))
        assert values.keys() <= schema["properties"].keys()


def test_the_users_own_settings_and_tabs_stay_and_nothing_is_left(launched: Launched) -> None:
    open_lab(notebooks_root())
    own = Path(launched["LabApp.app_settings_dir"])
    assert Path(launched["LabApp.workspaces_dir"]).parent == own
    assert not own.exists()


def test_a_terminal_in_it_finds_the_command_and_a_closed_tab_does_not_end_it(launched: Launched) -> None:
    command("lab", notebooks_root())
    assert launched["path"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert launched["sigpipe"] == str(signal.SIG_IGN)


def test_the_pages_of_a_project_are_within_reach(launched: Launched, tmp_path: Path) -> None:
    project = new_project(tmp_path / "my outage")
    open_lab(project / "notebooks")
    assert launched["ServerApp.root_dir"] == str(project)
    assert launched["LabApp.default_url"] == "/lab/tree/notebooks/welcome.md"


def test_a_folder_without_a_welcome_opens_as_it_is(launched: Launched, tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").touch()
    open_lab(tmp_path)
    assert launched["LabApp.default_url"] == "/lab"


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
