"""The report in a real browser with the network cut: no request, no error, readable at two widths."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from outage_analysis import Plan, run, write_report
from outage_analysis.charts import CHARTS

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
REQUIRED = os.environ.get("CI_REQUIRE_BROWSER") == "1"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER) and not REQUIRED, reason="needs Debian's chromium and chromium-driver"
    ),
]
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


ON_THE_PAGE = {name for name, entry in CHARTS.items() if entry.page}
ASKED = {"comparison"}
"""On the page only when policies are to be compared."""
SHOWN = {"bundled": ON_THE_PAGE - ASKED - {"ogive", "tail"}, "own": ON_THE_PAGE - ASKED}
"""No law is fitted to the bundled rows: they are synthetic."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, own_claims: Path) -> dict[tuple[str, str], Path]:
    folder = tmp_path_factory.mktemp("pages")
    plans = {"bundled": Plan(), "own": Plan(claims=(own_claims,))}
    return {
        (of, lang): write_report(analysis, folder / of / lang, lang=lang)
        for of, analysis in ((of, run(plan)) for of, plan in plans.items())
        for lang in ("en", "ko")
    }


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


VIEWS = [("bundled", "en", 1440), ("bundled", "en", 390), ("bundled", "ko", 1440), ("bundled", "ko", 390)]
VIEWS += [("own", "en", 1440), ("own", "ko", 390)]


@pytest.fixture(scope="module", params=VIEWS, ids=str)
def opened(
    browser: Chrome, pages: dict[tuple[str, str], Path], request: pytest.FixtureRequest
) -> dict[str, Any]:
    """A page opened at a width, and what was seen meanwhile."""
    of, lang, width = request.param
    browser.get("about:blank")
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    browser.get_log("performance")  # type: ignore[no-untyped-call]
    cut = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", cut)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(pages[of, lang].as_uri())
    browser.set_script_timeout(20)
    wait = (
        "const done = arguments[0], start = Date.now(); const look = () => {"
        "const count = what => document.querySelectorAll(what).length;"
        "const all = count('.chart svg.marks') === count('.chart');"
        "(all || Date.now() - start > 15000) ? done() : setTimeout(look, 50)}; look();"
    )
    browser.execute_async_script(wait)
    events = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]  # type: ignore[no-untyped-call]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return {
        "of": of,
        "lang": lang,
        "width": width,
        "page": pages[of, lang].as_uri(),
        "console": browser.get_log("browser"),  # type: ignore[no-untyped-call]
        "asked": [url for url in asked if not url.startswith(("chrome:", "data:", "about:"))],
    }


def test_the_page_asks_for_itself_and_nothing_else(opened: dict[str, Any]) -> None:
    assert opened["asked"] == [opened["page"]]


def test_the_console_is_silent(opened: dict[str, Any]) -> None:
    assert opened["console"] == []


def test_every_chart_is_drawn(opened: dict[str, Any], browser: Chrome) -> None:
    assert opened["page"]
    marks = browser.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('.chart')].map("
        "c => [c.id, c.querySelectorAll('.mark-rect path, .mark-line path, .mark-rule line').length]))"
    )
    assert set(marks) == {f"chart-{name}" for name in SHOWN[opened["of"]]}
    assert all(count > 0 for count in marks.values()), marks


def test_nothing_is_wider_than_the_screen(opened: dict[str, Any], browser: Chrome) -> None:
    assert browser.execute_script("return document.documentElement.scrollWidth") <= opened["width"]


def test_no_chart_is_cut_off(opened: dict[str, Any], browser: Chrome) -> None:
    assert opened["page"]
    wider = browser.execute_script(
        "return [...document.querySelectorAll('.chart')].filter(c => {const s = c.querySelector('svg');"
        "const right = s.getBoundingClientRect().right + 1;"
        "const texts = [...s.querySelectorAll('text')];"
        "return texts.some(t => t.getBoundingClientRect().right > right)}).map(c => c.id)"
    )
    assert wider == []


def test_the_page_has_a_title_and_its_language(opened: dict[str, Any], browser: Chrome) -> None:
    word = {"en": "Kakao service outage", "ko": "카카오 서비스 장애"}[opened["lang"]]
    assert word in browser.title
    assert browser.execute_script("return document.documentElement.lang") == opened["lang"]
