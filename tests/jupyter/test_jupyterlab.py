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
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from outage_analysis.files import notebooks_root
from outage_analysis.jupyter.notebook import notebook_names
from tests.chromium import CHROMIUM, DRIVER, FLAGS, IN_A_BROWSER
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


def processes(folder: Path) -> list[str]:
    """The processes whose command names a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if str(folder) in command:
            found.append(command)
    return found


class Lab:
    """JupyterLab as it is installed, on a copy of the notebooks, with folders of its own for settings."""

    def __init__(self, installed: Installed, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(installed.package / "notebooks", folder / "notebooks")
        variables = {name: str(folder / name.lower()) for name in VARIABLES}
        settings = {"LabApp": {"expose_app_in_browser": True}}
        config = folder / "jupyter_config_dir" / "jupyter_server_config.json"
        config.parent.mkdir()
        config.write_text(json.dumps(settings))
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [installed.command, "lab", "notebooks", "--no-browser"],
                cwd=folder,
                env=installed.environment(**variables),
                stdout=log,
                stderr=log,
            )

    def address(self) -> str:
        """Where it is, once it serves, with the token that lets in."""
        for _ in range(10 * SECONDS):
            told = list((self.folder / "jupyter_runtime_dir").glob("jpserver-*.json"))
            if told:
                said = json.loads(told[0].read_text())
                return f"http://127.0.0.1:{said['port']}/?token={said['token']}"
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        pytest.fail(self.log.read_text())

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(SECONDS)


@pytest.fixture(scope="module")
def lab(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(installed, tmp_path_factory.mktemp("lab"))
    yield lab
    lab.stop()


@pytest.fixture(scope="module")
def browser(lab: Lab) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    nobody_else = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    for flag in (*FLAGS, nobody_else, "--window-size=1300,1300", f"--user-data-dir={lab.folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER))
    driver.set_script_timeout(SECONDS)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def entered(lab: Lab, browser: Chrome) -> Chrome:
    """JupyterLab as it opens."""
    browser.get(lab.address())
    browser.execute_async_script(READY)
    return browser


@pytest.fixture(scope="module")
def opened(entered: Chrome) -> Chrome:
    """JupyterLab with every notebook open, its cells at work or done."""
    assert entered.execute_async_script(OPEN, notebook_names()) is None
    return entered


class Ran:
    """A notebook in front, all of whose cells ran."""

    def __init__(self, opened: Chrome, name: str) -> None:
        self.browser, self.name = opened, name
        panel, self.notebook = opened.execute_async_script(RAN, name)
        self.panel = opened.find_element(By.ID, panel)
        self.charts = self.panel.find_elements(By.CSS_SELECTOR, "[data-outage-chart]")

    @property
    def markup(self) -> list[str]:
        """The HTML of all outputs, in order."""
        outputs = (output for cell in self.cells for output in cell["outputs"])
        return ["".join(output.get("data", {}).get("text/html", "")) for output in outputs]

    @property
    def cells(self) -> list[dict[str, Any]]:
        return [cell for cell in self.notebook["cells"] if cell["cell_type"] == "code"]


def ink(picture: bytes) -> tuple[int, float]:
    """How many colours a picture has, and the share of it that is not background."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    counts = [count for count, _ in image.getcolors(image.width * image.height) or []]
    return len(counts), 1 - max(counts) / sum(counts)


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
    ran = Ran(opened, name)
    outputs = [output for cell in ran.cells for output in cell["outputs"]]
    assert [o for o in outputs if o["output_type"] not in ("display_data", "execute_result")] == []
    assert all(cell["execution_count"] for cell in ran.cells)
    handed_over = re.findall('data-outage-chart="[0-9a-f]{16}"', "".join(ran.markup))
    assert len(ran.charts) == len(handed_over) > 0
    for chart in ran.charts:
        assert opened.execute_async_script(DRAWN, chart) > 1, chart.get_attribute("outerHTML")
        colours, inked = ink(chart.screenshot_as_png)
        assert colours > 50, chart.text
        assert inked > 0.02, chart.text


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
    charts = len(Ran(opened, name).charts)
    for _ in range(2):
        assert opened.execute_async_script(STAYS, name) is None
        again = Ran(opened, name)
        assert len(again.charts) == charts
        assert again.markup[0].endswith("</script>")  # Vega
    opened.refresh()
    opened.execute_async_script(READY)
    panel = opened.find_element(By.ID, opened.execute_async_script(SEEN_AGAIN, name))
    places = panel.find_elements(By.CSS_SELECTOR, "[data-outage-chart]")
    assert len(places) == charts > 0
    for place in places:
        assert opened.execute_async_script(DRAWN, place) > 1, place.get_attribute("outerHTML")
    assert opened.execute_async_script(RESTARTED, name) is None
    assert len(panel.find_elements(By.CSS_SELECTOR, "[data-outage-chart] svg.marks")) == charts


def test_the_console_is_silent_and_nobody_else_was_asked(opened: Chrome, lab: Lab) -> None:
    told = [(e["level"], e["message"]) for e in opened.get_log("browser")]  # type: ignore[no-untyped-call]
    assert [message for level, message in told if level == "SEVERE"] == []
    # JupyterLab itself warns when a notebook that nobody looks at has not scrolled to its end in time.
    assert [message for level, message in told if level == "WARNING" and "/static/lab/" not in message] == []
    events = [json.loads(e["message"])["message"] for e in opened.get_log("performance")]  # type: ignore[no-untyped-call]
    asked = {
        urlsplit(event["params"].get("url") or event["params"]["request"]["url"])
        for event in events
        if event["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated")
    }
    assert {url.scheme for url in asked} >= {"http", "ws"}
    places = {url.netloc for url in asked if url.scheme not in ("chrome", "data", "blob")}
    assert places == {urlsplit(lab.address()).netloc}


def test_it_stops_and_leaves_no_process_behind(lab: Lab, browser: Chrome) -> None:
    browser.quit()
    assert len(processes(lab.folder)) > 1
    assert lab.stop() == 0
    assert processes(lab.folder) == []
