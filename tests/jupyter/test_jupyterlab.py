"""The notebooks in a real JupyterLab, in a browser that reaches nobody else: run, drawn, moved, stopped."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from outage_analysis.files import notebooks_root
from outage_analysis.jupyter.notebook import notebook_names
from tests.chromium import IN_A_BROWSER
from tests.contract.live_page import started_browser
from tests.installed_package import Installed

pytestmark = [*IN_A_BROWSER, pytest.mark.installed]

SECONDS = 120
"""Far more than anything here takes."""
VARIABLES = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
"""Where the user's own settings would be."""

READY = """
const done = arguments[0];
const look = () => window.jupyterapp ? window.jupyterapp.restored.then(() => done()) : setTimeout(look, 20);
look();
"""

OPEN = """
const [names, done] = arguments, app = window.jupyterapp;
const open = async name => {
  const panel = await app.commands.execute('docmanager:open', {path: name + '.ipynb', factory: 'Notebook'});
  await panel.sessionContext.ready;
  app.shell.activateById(panel.id);
  panel.ran = app.commands.execute('notebook:run-all-cells');
  return panel;
};
(async () => {
  window.opened = {};
  for (const name of names) window.opened[name] = await open(name);
})().then(() => done(null), error => done(String(error)));
"""
"""Opens notebooks beside each other and starts all: kernels work while another notebook is looked at."""

RAN = """
const [name, done] = arguments, panel = window.opened[name];
window.jupyterapp.shell.activateById(panel.id);
const idle = () => panel.sessionContext.session.kernel.status === 'idle'
  ? done([panel.id, panel.context.model.toJSON()]) : setTimeout(idle, 20);
panel.ran.then(idle);
"""

DRAWN = """
const [place, done] = arguments, marks = () => place.querySelectorAll('svg.marks .role-mark > *').length;
const until = Date.now() + 30000;
place.scrollIntoView({block: 'center'});
const look = () => marks() || Date.now() > until ? done(marks()) : setTimeout(look, 20);
look();
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the notebooks, with folders of its own for the settings of JupyterLab."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def lab(installed: Installed, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """JupyterLab as it is installed."""
    shutil.copytree(installed.package / "notebooks", folder / "notebooks")
    config = folder / "jupyter_config_dir" / "jupyter_server_config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"LabApp": {"expose_app_in_browser": True}}))
    environment = installed.environment(**{name: str(folder / name.lower()) for name in VARIABLES})
    command = [str(installed.command), "lab", "notebooks", "--no-browser"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    yield process
    process.terminate()
    process.wait(SECONDS)


@pytest.fixture(scope="module")
def address(lab: subprocess.Popen[bytes], folder: Path) -> str:
    """Where it is, once it serves, with the token that lets in."""
    for _ in range(10 * SECONDS):
        for told in (folder / "jupyter_runtime_dir").glob("jpserver-*.json"):
            said = json.loads(told.read_text())
            return f"http://127.0.0.1:{said['port']}/?token={said['token']}"
        assert lab.poll() is None, (folder / "log").read_text()
        time.sleep(0.1)
    pytest.fail((folder / "log").read_text())


@pytest.fixture(scope="module")
def entered(address: str, folder: Path) -> Iterator[Chrome]:
    """JupyterLab as it opens."""
    nobody_else = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    for browser in started_browser(folder / "profile", nobody_else, "--window-size=1300,1300"):
        browser.set_script_timeout(SECONDS)
        browser.get(address)
        browser.execute_async_script(READY)
        yield browser


@pytest.fixture(scope="module")
def opened(entered: Chrome) -> Chrome:
    """JupyterLab with every notebook open, its cells at work or done."""
    assert entered.execute_async_script(OPEN, notebook_names()) is None
    return entered


def charts_of(opened: Chrome, name: str) -> tuple[list[WebElement], list[dict[str, Any]]]:
    """The charts of a notebook in front, all of whose cells ran, and its outputs."""
    panel, notebook = opened.execute_async_script(RAN, name)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells)
    charts = opened.find_element(By.ID, panel).find_elements(By.CSS_SELECTOR, "[data-outage-chart]")
    return charts, [output for cell in cells for output in cell["outputs"]]


def test_it_opens_on_a_welcome_that_leads_to_the_notebooks(entered: Chrome) -> None:
    rendered = (By.CSS_SELECTOR, ".jp-MarkdownViewer .jp-RenderedMarkdown:has(h1)")
    welcome = WebDriverWait(entered, SECONDS).until(lambda at: at.find_element(*rendered))
    assert welcome.find_element(By.TAG_NAME, "h1").text == "Welcome"
    links = welcome.find_elements(By.CSS_SELECTOR, "td a")
    assert len(links) == len(list(notebooks_root().glob("0*.ipynb")))
    links[0].click()
    tab = (By.CSS_SELECTOR, ".lm-TabBar-tab.lm-mod-current[title^='Name: 01_claims.ipynb']")
    WebDriverWait(entered, SECONDS).until(lambda at: at.find_elements(*tab))


@pytest.mark.parametrize("name", notebook_names())
def test_a_notebook_runs_and_all_its_charts_are_seen(opened: Chrome, name: str) -> None:
    charts, outputs = charts_of(opened, name)
    assert {output["output_type"] for output in outputs} <= {"display_data", "execute_result"}
    markup = "".join("".join(output["data"].get("text/html", "")) for output in outputs)
    assert len(charts) == len(re.findall('data-outage-chart="[0-9a-f]{16}"', markup)) > 0
    for chart in charts:
        assert opened.execute_async_script(DRAWN, chart) > 1, chart.get_attribute("outerHTML")
        image = Image.open(io.BytesIO(chart.screenshot_as_png)).convert("RGB")
        counts = [count for count, _ in image.getcolors(image.width * image.height) or []]
        assert len(counts) > 50, chart.text
        assert max(counts) < 0.98 * sum(counts), chart.text  # so much is no background


STAYS = """
const [name, done] = arguments, app = window.jupyterapp;
(async () => {
  const panel = await app.commands.execute('docmanager:open', {path: name + '.ipynb', factory: 'Notebook'});
  await panel.sessionContext.ready;
  app.shell.activateById(panel.id);
  await app.commands.execute('notebook:run-all-cells');
  await panel.context.save();
})().then(() => done(null), error => done(String(error)));
"""
"""Runs all cells of an open notebook again, and saves it."""

SEEN_AGAIN = """
const [name, done] = arguments, app = window.jupyterapp;
(async () => {
  const panel = await app.commands.execute('docmanager:open', {path: name + '.ipynb', factory: 'Notebook'});
  await panel.sessionContext.ready;
  app.shell.activateById(panel.id);
  const built = () => panel.content.widgets.every(cell => !cell.placeholder);
  while (!built()) await new Promise(go => setTimeout(go, 20));
  window.opened = {[name]: panel};
  return panel.id;
})().then(id => done(id), error => done(String(error)));
"""
"""Opens a saved notebook without running it, and waits until JupyterLab has built all its cells."""

RESTARTED = """
const [name, done] = arguments, context = window.opened[name].sessionContext;
context.session.kernel.restart().then(() => context.session.kernel.info).then(() => done(null),
  error => done(String(error)));
"""


def test_charts_stay_after_a_second_run_a_save_a_reload_and_a_restart(opened: Chrome) -> None:
    name = "01_claims"
    charts = len(charts_of(opened, name)[0])
    for _ in range(2):
        assert opened.execute_async_script(STAYS, name) is None
        again, outputs = charts_of(opened, name)
        assert len(again) == charts
        assert "".join(outputs[0]["data"]["text/html"]).endswith("</script>")  # Vega
    opened.refresh()
    opened.execute_async_script(READY)
    panel = opened.find_element(By.ID, opened.execute_async_script(SEEN_AGAIN, name))
    places = panel.find_elements(By.CSS_SELECTOR, "[data-outage-chart]")
    assert len(places) == charts > 0
    for place in places:
        assert opened.execute_async_script(DRAWN, place) > 1, place.get_attribute("outerHTML")
    assert opened.execute_async_script(RESTARTED, name) is None
    assert len(panel.find_elements(By.CSS_SELECTOR, "[data-outage-chart] svg.marks")) == charts


def test_the_console_is_silent_and_nobody_else_was_asked(opened: Chrome, address: str) -> None:
    # JupyterLab itself warns when a notebook that nobody looks at has not scrolled to its end in time.
    told = [
        e["message"]
        for e in opened.get_log("browser")  # type: ignore[no-untyped-call]
        if e["level"] == "SEVERE" or (e["level"] == "WARNING" and "/static/lab/" not in e["message"])
    ]
    assert told == []
    events = [json.loads(e["message"])["message"] for e in opened.get_log("performance")]  # type: ignore[no-untyped-call]
    asked = {
        urlsplit(event["params"].get("url") or event["params"]["request"]["url"])
        for event in events
        if event["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated")
    }
    assert {url.scheme for url in asked} >= {"http", "ws"}
    places = {url.netloc for url in asked if url.scheme not in ("chrome", "data", "blob")}
    assert places == {urlsplit(address).netloc}


def test_it_stops_and_leaves_no_process_behind(
    lab: subprocess.Popen[bytes], entered: Chrome, folder: Path
) -> None:
    entered.quit()
    listed = ["pgrep", "-f", str(folder)]
    assert subprocess.run(listed, capture_output=True, check=True).stdout.count(b"\n") > 1
    lab.terminate()
    assert lab.wait(SECONDS) == 0
    assert subprocess.run(listed, capture_output=True, check=False).stdout == b""
