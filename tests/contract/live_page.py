"""A report's page in a browser without a network, found by labels and roles as a person finds things."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.chromium import CHROMIUM, DRIVER, FLAGS


class Seen(NamedTuple):
    """What happened while a page was opened."""

    asked: list[str]
    """Addresses that the page asked for."""
    console: list[dict[str, Any]]


def started_browser(profile: Path, *flags: str, **variables: str) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, *flags, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER, env={**os.environ, **variables}))
    yield driver
    driver.quit()


def cut_network(browser: Chrome) -> None:
    cut = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", cut)


def open_page(browser: Chrome, page: Path) -> Seen:
    """Open a page with the network cut, and wait until nothing of it changes any more."""
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)  # type: ignore[no-untyped-call]
    size = {"width": 1440, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    cut_network(browser)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())
    wait_until_still(browser)
    events = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]  # type: ignore[no-untyped-call]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    console = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return Seen([url for url in asked if not url.startswith(("chrome:", "data:", "about:"))], console)


def wait_until_still(browser: Chrome) -> None:
    """Wait until the page has not changed for half a second."""
    browser.set_script_timeout(40)
    browser.execute_async_script(
        "const done = arguments[0];"
        "document.querySelectorAll('details').forEach(d => { d.open = true; });"
        "let last = Date.now(); const start = last;"
        "const watch = new MutationObserver(() => { last = Date.now(); });"
        "const all = {subtree: true, childList: true, characterData: true, attributes: true};"
        "watch.observe(document.body, all);"
        "const look = () => { if (Date.now() - last > 500 || Date.now() - start > 30000)"
        "{ watch.disconnect(); done(); } else setTimeout(look, 50); }; look();"
    )
