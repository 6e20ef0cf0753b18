"""Sliders in a notebook: few, the report's figures, no script but ours, alive where no kernel is."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import nbformat
import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from outage_analysis.analysis import Analysis
from outage_analysis.charts import STYLE, is_package_script, script_bundle, what_if_sliders
from outage_analysis.costs import LiveCost
from outage_analysis.costs.page_model import LiveInput, Product
from outage_analysis.costs.simulation_tables import round_digits
from outage_analysis.errors import UsageError
from outage_analysis.files import Text
from outage_analysis.jupyter import show_what_if
from outage_analysis.jupyter.display import Html
from outage_analysis.jupyter.notebook import Notebook
from outage_analysis.jupyter.page import notebook_page
from outage_analysis.reports import Report
from outage_analysis.text import LANGUAGES, TABLE_DIGITS, Locale
from tests.chromium import IN_A_BROWSER
from tests.contract.live_page import cut_network
from tests.paths import AXE

pytestmark = pytest.mark.slow  # the contract suite moves the sliders of the page

EVIL = '</script><script>alert(1)</script>"><svg onload=alert(2)>'


@pytest.fixture(scope="module", params=LANGUAGES)
def slider_output(analysis: Analysis, request: pytest.FixtureRequest) -> tuple[Html, Report]:
    """The sliders of the bundled case, and the report that they are of."""
    return show_what_if(analysis, lang=request.param), Report(analysis, request.param)


def script_of(shown: Html) -> str:
    (script,) = re.findall("<script>(.*?)</script>", shown.markup, re.DOTALL)
    return str(script)


def test_the_data_are_the_report_s_and_compute_its_expected_cost(slider_output: tuple[Html, Report]) -> None:
    shown, found = slider_output[0], slider_output[1].products
    assert found
    data = json.loads(script_of(shown).partition(".push(")[2].removesuffix(");"))[1]
    assert set(data["report"]) == set(data["terms"]) == {"cash"}  # of five sliders none moves another total
    assert data["report"]["cash"] == found.expected("cash")
    for share in (0.0, 0.241, 1.0):
        values = data["factors"] | {"as-filing-share": share}
        total = sum(base * math.prod(values[id_] for id_ in ids) for base, ids in data["terms"]["cash"])
        assert round_digits(total, TABLE_DIGITS) == found.expected("cash", {"as-filing-share": share})
    assert not re.search("ynthetic|합성", shown.markup)


def test_a_script_that_is_not_to_the_letter_ours_is_foreign(slider_output: tuple[Html, Report]) -> None:
    script = script_of(slider_output[0])
    assert is_package_script(script)
    for other in (
        script + "alert(1);",
        script.replace("]);", ", alert(1)]);"),
        script.replace("|| []", "|| alert(1)"),
        script.replace("window.outageWhatIfs = ", "window.outageCharts = ", 1),
        script.replace('"cash": 2', '"cash": 1', 1),
        script.replace(", ", ",", 1),
        re.sub(r'push\(\["[0-9a-f]', 'push(["x', script),
        re.sub(r"push\(.*", "push([1, 2, 3]);", script),
    ):
        assert other != script
        assert not is_package_script(other), other[:200]


def test_names_are_inert_and_sliders_of_synthetic_rows_say_so(analysis: Analysis) -> None:
    policy = analysis.policy
    lines = tuple(line.model_copy(update={"name": Text(en=EVIL)}) for line in policy.lines)
    html = show_what_if(replace(analysis, policy=policy.model_copy(update={"lines": lines})), most=None)
    assert html.markup.count("<script") == html.markup.count("</script") == 1
    assert ("<svg" in html.markup, "&lt;svg onload=alert(2)&gt;" in html.markup) == (False, True)
    assert is_package_script(script_of(html))
    for lang in LANGUAGES:
        made_up = show_what_if(replace(analysis, runs={"synthetic": analysis.runs["synthetic"]}), lang=lang)
        assert Locale(lang)("notebook.synthetic") in made_up.markup
        assert repr(made_up).startswith(Locale(lang)("notebook.synthetic"))
    for most in (0, -1, 2.5, "5", True):
        with pytest.raises(UsageError, match=f"most is not a number of sliders .found '{most}'"):
            show_what_if(analysis, most=cast("int", most))


@pytest.mark.parametrize(
    ("most", "ranking", "shown"),
    [
        (1, ["goods", "filing"], ["filing"]),
        (2, ["goods"], ["filing", "tier"]),  # unranked: as the page has them
        (9, ["goods", "filing"], ["filing", "tier", "goods"]),
    ],
)
def test_cash_comes_before_what_is_never_added_to_it(most: int, ranking: list[str], shown: list[str]) -> None:
    factors = (
        LiveInput("goods", "take_up", "share", 0.5, 0.0, 1.0, assumption="goods"),
        LiveInput("tier", "pays", "money", 100.0, 0.0, 1000.0, line="cash-line"),
        LiveInput("filing", "filing_share", "share", 0.5, 0.0, 1.0, assumption="filing"),
    )
    terms = (Product("a", "face_value", 1e6, ("goods",)), Product("b", "cash", 10.0, ("filing", "tier")))
    made = what_if_sliders(LiveCost(factors, terms), Locale("en"), {}, most=most, ranking=ranking)
    assert made
    assert list(made.data["terms"]) == ["cash", "face_value"][: 1 + ("goods" in shown)]
    assert [s.factor for group in made.groups.values() for s in group] == shown


# --- in a browser, from an exported page ------------------------------------------------------------------


def exported(analysis: Analysis, lang: str) -> str:
    """The page of a notebook with its sliders twice, the first before the cell that carries the script."""
    v4: Any = nbformat.v4
    sliders = show_what_if(analysis, lang=lang).markup
    cells = [v4.new_markdown_cell("# What if?")]
    for markup in (sliders, f"<style>{STYLE}</style>{script_bundle()}", sliders):
        outputs = [v4.new_output("display_data", data={"text/html": markup})]
        cells.append(v4.new_code_cell("show_what_if(analysis)", outputs=outputs))
    return notebook_page(Notebook("mine", cells), lang)


def part(place: WebElement, selector: str) -> WebElement:
    return place.find_element(By.CSS_SELECTOR, selector)


@pytest.mark.parametrize(("lang", "width"), [("en", 1000), ("ko", 390)])
@IN_A_BROWSER[0]
@IN_A_BROWSER[1]
def test_sliders_of_an_exported_page_move_by_keyboard_each_for_itself(
    browser: Chrome, analysis: Analysis, tmp_path: Path, lang: str, width: int
) -> None:
    path = tmp_path / "page.html"
    path.write_text(exported(analysis, lang), "utf-8")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    cut_network(browser)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(path.as_uri())
    first, second = browser.find_elements(By.CLASS_NAME, "what-if")
    found, w = Report(analysis, lang).products, Locale(lang)
    assert found

    def amounts_of(place: WebElement) -> tuple[str, str]:
        return part(place, ".amount").text, part(place, ".exact").text

    def written(**given: float) -> tuple[str, str]:
        amount = found.expected("cash", {id_.replace("_", "-"): value for id_, value in given.items()})
        exact = w("report.exact", amount=w.exact_money(amount), unit=w.unit)
        return w.money(amount), exact if width > 600 else ""  # the strip of a phone has no room for it

    assert amounts_of(first) == amounts_of(second) == written()
    assert not part(first, ".waiting").is_displayed()
    slider = part(second, "[data-factor=as-filing-share] [type=range]")
    assert slider.get_attribute("data-lm-suppress-shortcuts")  # or JupyterLab would take the arrows
    slider.send_keys(*[Keys.ARROW_RIGHT] * 3)
    assert amounts_of(second) == written(as_filing_share=0.332)
    assert amounts_of(first) == written()
    assert [part(place, ".range").is_displayed() for place in (first, second)] == [False, True]
    field = part(first, "[data-factor=as-acceptance] [type=number]")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("50", Keys.TAB)
    assert amounts_of(first) == written(as_acceptance=0.5)
    part(second, "button").click()
    assert amounts_of(second) == written()
    assert amounts_of(first) == written(as_acceptance=0.5)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.execute_script(AXE.read_text("utf-8"))
    seen = "axe.run(document).then(found => arguments[0](found.violations.map(v => v.id)))"
    browser.set_script_timeout(30)
    assert browser.execute_async_script(seen) == []
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
