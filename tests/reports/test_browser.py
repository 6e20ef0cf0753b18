"""The report in a real browser with the network cut: no request, no error, readable, usable, accessible."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from outage_analysis import Plan, run, write_report
from outage_analysis.analysis import Analysis
from outage_analysis.charts import CHARTS
from outage_analysis.costs import LiveCost
from outage_analysis.costs.page_model import live_cost
from outage_analysis.text import Locale
from tests.chromium import IN_A_BROWSER
from tests.contract.live_page import cut_network
from tests.paths import AXE

pytestmark = IN_A_BROWSER
# The claims of both reports state only days, so there is no chart by hour.
ON_THE_PAGE = {name for name, entry in CHARTS.items() if entry.page and name != "intake_hours"} | {"linked"}
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


@pytest.fixture(scope="module", params=VIEWS, ids=str)
def opened(
    browser: Chrome, pages: dict[tuple[str, str], Path], request: pytest.FixtureRequest
) -> dict[str, Any]:
    """A page opened at a width, and what was seen meanwhile."""
    of, lang, width = request.param
    return look(browser, pages, of, lang, width)


def look(
    browser: Chrome, pages: dict[tuple[str, str], Path], of: str, lang: str, width: int
) -> dict[str, Any]:
    """Open a page with the network cut, wait for its charts, and say what was seen meanwhile."""
    browser.get("about:blank")
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    browser.get_log("performance")  # type: ignore[no-untyped-call]
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    cut_network(browser)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(pages[of, lang].as_uri())
    browser.set_script_timeout(20)
    wait = (
        "const done = arguments[0], start = Date.now(); const look = () => {"
        "document.querySelectorAll('details').forEach(d => { d.open = true; });"
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
"""The computed sizes of all visible texts and controls, those of the charts too."""


def test_the_page_has_at_most_six_sizes_of_type(browser: Chrome, opened: dict[str, Any]) -> None:
    if opened["width"] != 1440:
        return
    sizes = browser.execute_script(TYPE_SIZES)
    assert 3 < len(sizes) <= 6, sizes


def test_the_options_and_the_amounts_fit_on_the_first_screen(browser: Chrome, opened: dict[str, Any]) -> None:
    ends = browser.execute_script(
        "document.querySelectorAll('details').forEach(d => { d.open = false; });"
        "return ['.options', '.answers dl'].map(x => document.querySelector(x).getBoundingClientRect())"
        ".map(box => [box.left, box.right, box.bottom + scrollY])"
    )
    browser.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert all(0 <= left < right <= opened["width"] for left, right, _ in ends)
    if (opened["of"], opened["width"]) == ("bundled", 1440):
        assert all(bottom <= 900 for _, _, bottom in ends)


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
        # Vega makes axis labels without room transparent instead of removing them.
        "const texts = [...s.querySelectorAll('text')].filter(t => t.getAttribute('opacity') !== '0');"
        "if (!texts.length) return true;"
        "return texts.some(t => t.getBoundingClientRect().right > right)}).map(c => c.id)"
    )
    assert wider == []


def test_the_page_has_a_title_and_its_language(opened: dict[str, Any], browser: Chrome) -> None:
    word = {"en": "Kakao service outage", "ko": "카카오 서비스 장애"}[opened["lang"]]
    assert word in browser.title
    assert browser.execute_script("return document.documentElement.lang") == opened["lang"]


def test_the_first_screen_shows_how_much_how_sure_what_drives_it_and_what_to_decide(
    opened: dict[str, Any], browser: Chrome
) -> None:
    bottoms = browser.execute_script(
        "const wide = innerWidth > 1339;"
        "document.querySelectorAll('details').forEach(d => { d.open = wide && d.closest('nav'); });"
        "const bottoms = ['.lead', '#chart-total_distribution', '.answers > div:nth-child(3) h2', 'dl'].map("
        "what => document.querySelector(what).getBoundingClientRect().bottom + scrollY);"
        "document.querySelectorAll('details').forEach(d => { d.open = true; });"
        "return bottoms"
    )
    seen = {390: 2, 1024: 4, 1440: 4}[opened["width"]]
    assert all(bottom <= 900 for bottom in bottoms[:seen]), bottoms


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_axe_finds_nothing_on_a_phone(browser: Chrome, pages: dict[tuple[str, str], Path], lang: str) -> None:
    look(browser, pages, "bundled", lang, 390)
    browser.execute_script(AXE.read_text("utf-8"))
    tried = (
        "const done = arguments[0];"
        "document.querySelectorAll('details').forEach(d => { d.open = true; });"
        "axe.run(document, {resultTypes: ['violations']}).then(r => done("
        "r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 200))])));"
    )
    browser.set_script_timeout(60)
    assert browser.execute_async_script(tried) == []


# --- sliders --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["en", "ko"])
def moved(
    browser: Chrome, pages: dict[tuple[str, str], Path], analysis: Analysis, request: pytest.FixtureRequest
) -> tuple[Chrome, LiveCost, Locale]:
    """The page of the bundled case, what its sliders must say, and in which words."""
    look(browser, pages, "bundled", request.param, 1440)
    found = live_cost(analysis.runs[analysis.headline_basis].portfolio)
    assert found
    return browser, found, Locale(request.param)


def field(browser: Chrome, factor: str, kind: str = "number") -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, f".slider[data-factor='{factor}'] [type={kind}]")


def typed(browser: Chrome, factor: str, value: str) -> None:
    element = field(browser, factor)
    element.click()
    element.send_keys(Keys.CONTROL, "a")
    element.send_keys(value)
    element.send_keys(Keys.TAB)




def slider_text(browser: Chrome, valuation: str, part: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, f"output[data-valuation={valuation}] .{part}").text


def agree(browser: Chrome, found: LiveCost, w: Locale, given: dict[str, float]) -> None:
    for valuation in ("cash", "face_value", "top_down"):
        amount = found.expected(valuation, given)
        exact = w("report.exact", amount=w.exact_money(amount), unit=w.unit)
        assert (slider_text(browser, valuation, "amount"), slider_text(browser, valuation, "exact")) == (
            w.money(amount),
            exact,
        )


TIER, AWARD = "small-business-cash.pays.0", "as-review-award"
SETTINGS: list[dict[str, float]] = [
    {"as-filing-share": 0.3},
    {"as-filing-share": 0.05, "as-acceptance": 0.456},
    {TIER: 50_000, "small-business-cash.pays.1": 120_000, AWARD: 250_000},
    {"as-filing-share": 1.0, "as-acceptance": 1.0, TIER: 300_000, AWARD: 12_340_000},
    {"as-one-tap-take-up": 0.611, "talk-drawer.served": 0.0625, "as-channel-credit-take-up": 0.01},
    {"as-paid-services-ratio": 0.37, "as-filing-share": 0.0},
]


def reset(browser: Chrome) -> None:
    button = browser.find_element(By.CSS_SELECTOR, ".what-if .reset")
    if button.is_enabled():
        button.click()


def written(factor: str, value: float, lang: str) -> str:
    """What a person types for a value of a factor."""
    if factor == "as-paid-services-ratio":
        return str(value)
    if value <= 1:
        return f"{100 * value:.10g}"
    return f"{value / (10_000 if lang == 'ko' else 1):.10g}"


def test_the_sliders_agree_with_the_model_to_the_won(moved: tuple[Chrome, LiveCost, Locale]) -> None:
    browser, found, w = moved
    reset(browser)
    agree(browser, found, w, {})
    for given in SETTINGS:
        reset(browser)
        for factor, value in given.items():
            typed(browser, factor, written(factor, value, w.lang))
        agree(browser, found, w, given)
    reset(browser)
    agree(browser, found, w, {})
    assert slider_text(browser, "cash", "change") == w("report.what_if_same")


def live_text(browser: Chrome, part: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, f".what-if .{part}").text








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


@pytest.mark.parametrize(("value", "taken"), [("500", "100"), ("-5", "32.9"), ("", "32.9")])
def test_a_share_is_never_more_than_all_of_it_nor_less_than_none(
    moved: tuple[Chrome, LiveCost, Locale], value: str, taken: str
) -> None:
    browser, found, w = moved
    reset(browser)
    element = field(browser, "as-filing-share")
    element.click()
    element.send_keys(Keys.CONTROL, "a")
    element.send_keys(value or Keys.DELETE)
    element.send_keys(Keys.TAB)
    assert element.get_attribute("value") == taken
    if value == "500":
        agree(browser, found, w, {"as-filing-share": 1.0})


def test_everything_is_reached_by_tab_and_seen(moved: tuple[Chrome, LiveCost, Locale]) -> None:
    browser, _, _ = moved
    reset(browser)
    # As the page opens: appendices and tables are closed; the search of payments is opened.
    browser.execute_script(
        "document.querySelectorAll('main details').forEach(d => { d.open = d.matches('.find'); });"
        "document.querySelector('.skip').focus()"
    )
    reached = set()
    wanted = len(browser.find_elements(By.CSS_SELECTOR, ".what-if input, .box input"))
    for _ in range(100):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        seen = browser.execute_script(
            "const e = document.activeElement, s = getComputedStyle(e);"
            "return [[e.tagName, e.type, (e.closest('.slider') || e).outerHTML].join(' '),"
            "s.outlineStyle]"
        )
        if seen[0].startswith("BODY"):  # behind the last element of the page
            break
        assert seen[1] != "none", seen
        reached.add(seen[0])
    inputs = [r for r in reached if r.startswith("INPUT")]
    assert len(inputs) == wanted
    assert any(r.startswith("SUMMARY") for r in reached)
    assert any("href" in r for r in reached)


# --- tables ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unfolded(browser: Chrome, pages: dict[tuple[str, str], Path]) -> Chrome:
    """The page of the bundled case with everything open."""
    look(browser, pages, "bundled", "en", 1440)
    browser.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    return browser


def is_blank(cell: str) -> bool:
    return cell in {"", "–", "—", "-"}


def test_a_table_is_sorted_by_a_column_and_empty_cells_come_last(unfolded: Chrome) -> None:
    def columns(table: WebElement) -> list[tuple[str, ...]]:
        script = (
            "return [...arguments[0].tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent.trim()))"
        )
        return [*zip(*unfolded.execute_script(script, table), strict=True)]

    def numbers(cells: tuple[str, ...]) -> list[float]:
        return [float(cell.replace(",", "")) for cell in cells if not is_blank(cell)]

    def has_blanks_and_numbers(cells: tuple[str, ...]) -> bool:
        filled = [cell for cell in cells if not is_blank(cell)]
        return 1 < len(filled) < len(cells) and all(re.fullmatch(r"[\d,]+(\.\d+)?", cell) for cell in filled)

    table, column = next(
        (table, place)
        for table in unfolded.find_elements(By.CSS_SELECTOR, "table:has(th button)")
        for place, cells in enumerate(columns(table))
        if has_blanks_and_numbers(cells)
    )
    button = table.find_elements(By.CSS_SELECTOR, "thead th button")[column]
    for ascending in (True, False):
        unfolded.execute_script("arguments[0].click()", button)
        cells = columns(table)[column]
        assert numbers(cells) == sorted(numbers(cells), reverse=not ascending)
        assert is_blank(cells[-1])


def test_a_search_without_a_hit_says_so(unfolded: Chrome) -> None:
    searched = unfolded.find_element(By.CSS_SELECTOR, ".search input")
    table = unfolded.find_element(By.CSS_SELECTOR, ".search + .scroll table")
    count = len(table.text.splitlines())
    said = unfolded.find_element(By.CSS_SELECTOR, ".search span")
    assert not said.is_displayed()
    searched.send_keys("no such words")
    assert said.is_displayed()
    assert len(table.text.splitlines()) < count
    searched.send_keys(Keys.CONTROL, "a")
    searched.send_keys(Keys.DELETE)
    assert not said.is_displayed()


# --- the budget box beside Python ---------------------------------------------------------------------------

FILED, ACCEPTED, SECOND = "as-filing-share", "as-acceptance", "small-business-cash.pays.1"




