"""The report in a real browser with the network cut: no request, no error, readable, usable, accessible."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from outage_analysis import Analysis, Plan, run, write_report
from outage_analysis.charts import CHARTS
from outage_analysis.costs import LiveCost
from outage_analysis.costs.page_model import live_cost
from outage_analysis.text import Locale
from tests.chromium import IN_A_BROWSER
from tests.contract.live_page import cut_network, wait_until_still
from tests.paths import AXE

pytestmark = IN_A_BROWSER
ON_THE_PAGE = {name for name, entry in CHARTS.items() if entry.page} | {"linked"}
ASKED = {"comparison"}
"""On the page only when policies are to be compared."""
SHOWN = {"bundled": ON_THE_PAGE - ASKED - {"ogive", "tail"}, "own": ON_THE_PAGE - ASKED}
"""No law is fitted to the bundled rows: they are synthetic."""


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path], own_case: Analysis
) -> dict[tuple[str, str], Path]:
    folder = tmp_path_factory.mktemp("pages")
    return {("bundled", lang): bundles[lang] / "report.html" for lang in bundles} | {
        ("own", lang): write_report(own_case, folder / lang, lang=lang, formats=("html",))
        for lang in ("en", "ko")
    }


VIEWS = [("bundled", "en", width) for width in (390, 1024, 1440)]
VIEWS += [("bundled", "ko", 390), ("bundled", "ko", 1440), ("own", "ko", 390)]


def look(browser: Chrome, page: Path, width: int) -> tuple[list[str], list[dict[str, Any]]]:
    """Open a page with the network cut and wait for its charts: the addresses asked for, and the console."""
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)  # type: ignore[no-untyped-call]
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    cut_network(browser)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())
    wait_until_still(browser)
    events = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]  # type: ignore[no-untyped-call]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    silent = ("chrome:", "data:", "about:")
    return [url for url in asked if not url.startswith(silent)], browser.get_log("browser")  # type: ignore[no-untyped-call]


TYPE_SIZES = """
const sizes = new Set(), texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (texts.currentNode.data.trim() && element.checkVisibility() && !element.closest('script, style'))
    sizes.add(getComputedStyle(element).fontSize);
}
for (const element of document.querySelectorAll('input, select, button'))
  if (element.checkVisibility()) sizes.add(getComputedStyle(element).fontSize);
return [...sizes].sort();
"""
CUT_OFF = """
return [...document.querySelectorAll('.chart')].filter(c => {
  const s = c.querySelector('svg'), right = s.getBoundingClientRect().right + 1;
  const texts = [...s.querySelectorAll('text')].filter(t => t.getAttribute('opacity') !== '0');
  return !texts.length || texts.some(t => t.getBoundingClientRect().right > right)}).map(c => c.id);
"""
ENDS = """
const open = (which) => document.querySelectorAll('details').forEach(d => { d.open = which(d); });
open(d => innerWidth > 1339 && d.closest('nav'));
const places = ['.lead', '#chart-total_distribution', '.answers > div:nth-child(2) h2', 'dl',
                '.options', '.answers dl'].map(what => document.querySelector(what).getBoundingClientRect())
  .map(box => [box.left, box.right, box.bottom + scrollY]);
open(d => true);
return places;
"""
"""Of what the first screen shows: how much, how sure, what drives it, what to decide, options, amounts."""
FIND = "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(r => done("
FIND += "r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 200))])));"


@pytest.mark.parametrize(("of", "lang", "width"), VIEWS)
def test_a_page_asks_for_nothing_draws_all_and_can_be_read(
    browser: Chrome, pages: dict[tuple[str, str], Path], of: str, lang: str, width: int
) -> None:
    ask = browser.execute_script
    assert look(browser, pages[of, lang], width) == ([pages[of, lang].as_uri()], [])
    assert {"en": "Kakao service outage", "ko": "카카오 서비스 장애"}[lang] in browser.title
    assert ask("return document.documentElement.lang") == lang
    marks = ask(
        "return Object.fromEntries([...document.querySelectorAll('.chart')].map("
        "c => [c.id, c.querySelectorAll('.mark-rect path, .mark-line path, .mark-rule line').length]))"
    )
    assert set(marks) == {f"chart-{name}" for name in SHOWN[of]}
    assert all(count > 0 for count in marks.values()), marks
    assert ask("return document.documentElement.scrollWidth") <= width  # nothing is wider than the screen
    assert ask(CUT_OFF) == []
    ends = ask(ENDS)
    seen = {390: 2, 1024: 4, 1440: 6}[width]
    assert all(bottom <= 900 for _, _, bottom in ends[:seen]), ends
    assert all(0 <= left < right <= width for left, right, _ in ends[4:])
    if width == 1440:
        assert 3 < len(ask(TYPE_SIZES)) <= 6
    if width == 390:
        ask(AXE.read_text("utf-8"))
        browser.set_script_timeout(60)
        assert browser.execute_async_script(FIND) == []


@pytest.fixture(scope="module", params=["en", "ko"])
def moved(
    browser: Chrome, pages: dict[tuple[str, str], Path], analysis: Analysis, request: pytest.FixtureRequest
) -> tuple[Chrome, LiveCost, Locale]:
    """The page of the bundled case, what its sliders must say, and in which words."""
    look(browser, pages["bundled", request.param], 1440)
    found = live_cost(analysis.runs[analysis.headline_basis].portfolio)
    assert found
    return browser, found, Locale(request.param)


def field(browser: Chrome, factor: str, kind: str = "number") -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, f".slider[data-factor='{factor}'] [type={kind}]")


def typed(browser: Chrome, factor: str, value: str) -> None:
    element = field(browser, factor)
    element.click()
    element.send_keys(Keys.CONTROL, "a")
    element.send_keys(value or Keys.DELETE, Keys.TAB)


def reset(browser: Chrome) -> None:
    button = browser.find_element(By.CSS_SELECTOR, ".what-if .reset")
    if button.is_enabled():
        button.click()


def test_what_happened_stays_beside_the_moved_dots(
    moved: tuple[Chrome, LiveCost, Locale], analysis: Analysis
) -> None:
    """The sentence above the chart says how many of the moved outcomes are at most what was paid."""
    browser, _, w = moved
    reset(browser)
    chart = browser.find_element(By.CSS_SELECTOR, ".happened figure")
    title = chart.find_element(By.CSS_SELECTOR, "figcaption strong")
    in_the_report = title.get_attribute("textContent") or ""
    paid = analysis.tables["hindsight_total_distribution"].filter(mark="observed")["amount"].item()
    assert w.money(paid) in in_the_report
    typed(browser, "as-filing-share", "5")
    field(browser, "as-filing-share", "checkbox").click()
    share = 1 - run(Plan(claims=(), changes={"as-filing-share": 0.05})).chance_over(paid)
    sentences = [
        w("chart.total_distribution_observed", amount=w.money(paid), share=f"{percent}%")
        for percent in (math.floor(100 * share) + n for n in (-1, 0, 1, 2))
    ]
    WebDriverWait(browser, 10).until(lambda _: title.get_attribute("textContent") in sentences)
    labels = chart.find_elements(By.CSS_SELECTOR, ".chart text")
    name = w("chart.mark_observed", amount="|").partition("|")[0]
    assert any((label.get_attribute("textContent") or "").startswith(name) for label in labels)
    reset(browser)
    WebDriverWait(browser, 10).until(lambda _: title.get_attribute("textContent") == in_the_report)


def test_a_share_is_never_more_than_all_of_it_nor_less_than_none(
    moved: tuple[Chrome, LiveCost, Locale],
) -> None:
    browser, found, w = moved
    for value, taken in (("-5", "32.9"), ("", "32.9"), ("500", "100")):
        reset(browser)
        typed(browser, "as-filing-share", value)
        assert field(browser, "as-filing-share").get_attribute("value") == taken
    amount = browser.find_element(By.CSS_SELECTOR, "output[data-valuation=cash] .amount").text
    assert amount == w.money(found.expected("cash", {"as-filing-share": 1.0}))


@pytest.mark.parametrize(
    ("text", "budget"), [("6.5억", 650), ("1b won", 1_000), ("2억 5,000만 원", 250), ("3_000_000_000", 3_000)]
)
def test_a_budget_is_read_as_people_write_it(
    moved: tuple[Chrome, LiveCost, Locale], text: str, budget: int
) -> None:
    browser, _, w = moved
    element = browser.find_element(By.CSS_SELECTOR, ".box .budget input")
    element.clear()
    element.send_keys(text, Keys.TAB)
    over = browser.find_element(By.CSS_SELECTOR, ".box .over")
    WebDriverWait(browser, 20).until(lambda _: w.money_in_full(budget * 10**6) in over.text)


def test_everything_is_reached_by_tab_and_seen(moved: tuple[Chrome, LiveCost, Locale]) -> None:
    browser, _, _ = moved
    reset(browser)
    # As the page opens: appendices and tables are closed; the search of payments is opened.
    browser.execute_script(
        "document.querySelectorAll('main details').forEach(d => { d.open = d.matches('.find'); });"
        "document.querySelector('.skip').focus()"
    )
    reached, active = set[str](), ""
    while len(reached) < 100 and not active.startswith("BODY"):  # which is behind the last element
        ActionChains(browser).send_keys(Keys.TAB).perform()
        active, outline = browser.execute_script(
            "const e = document.activeElement;"
            "return [[e.tagName, e.type, (e.closest('.slider') || e).outerHTML].join(' '),"
            "getComputedStyle(e).outlineStyle]"
        )
        assert outline != "none" or active.startswith("BODY"), active
        reached.add(active)
    wanted = len(browser.find_elements(By.CSS_SELECTOR, ".what-if input, .box input"))
    assert sum(r.startswith("INPUT") for r in reached) == wanted
    assert any(r.startswith("SUMMARY") for r in reached)
    assert any("href" in r for r in reached)


def test_a_table_is_searched(moved: tuple[Chrome, LiveCost, Locale]) -> None:
    browser, _, _ = moved
    browser.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    searched, said = (browser.find_element(By.CSS_SELECTOR, f".search {x}") for x in ("input", "span"))
    table = browser.find_element(By.CSS_SELECTOR, ".search + .scroll table")
    count = len(table.text.splitlines())
    assert not said.is_displayed()
    searched.send_keys("no such words")
    assert said.is_displayed()
    assert len(table.text.splitlines()) < count
    searched.send_keys(Keys.CONTROL, "a")
    searched.send_keys(Keys.DELETE)
    assert not said.is_displayed()
