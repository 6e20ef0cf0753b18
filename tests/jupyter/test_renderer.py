"""Charts, tables and sliders in a notebook: offline, marked, escaped, the figures of the report."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any, cast

import altair as alt
import nbformat
import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from outage_analysis import Analysis, Ledger, Policy, load_grouped, show, show_part, show_table, show_what_if
from outage_analysis.charts import (
    RENDERER,
    STYLE,
    AltairChart,
    is_package_script,
    render_offline as drawn_offline,
    script_bundle,
    what_if_sliders,
)
from outage_analysis.costs import LiveCost
from outage_analysis.costs.page_model import LiveInput, Product
from outage_analysis.errors import OutageAnalysisError, UsageError
from outage_analysis.files import Text
from outage_analysis.incidents import load_intake
from outage_analysis.jupyter.display import Html, note
from outage_analysis.jupyter.notebook import Notebook, notebook_page
from outage_analysis.reports import Report
from outage_analysis.text import LANGUAGES, Locale
from tests.chromium import IN_A_BROWSER
from tests.contract.live_page import cut_network
from tests.paths import AXE

EVIL = "</script><script>alert(1)</script>"


def chart_of(word: str) -> alt.Chart:
    chart: alt.Chart = alt.Chart(pl.DataFrame({"word": [word], "n": [1]})).mark_bar()
    encoded: alt.Chart = chart.encode(x="n:Q", y="word:N")
    return encoded


def rendered(chart: AltairChart | Html) -> dict[str, str]:
    assert not isinstance(chart, Html)
    return drawn_offline(chart.to_dict())


@pytest.fixture
def default_renderer() -> Iterator[None]:
    before = alt.renderers.active
    yield
    alt.renderers.enable(before)


@pytest.mark.usefixtures("default_renderer")
@pytest.mark.parametrize("after", ["", "\nimport outage_analysis as oa"])
def test_every_run_of_the_first_cell_outputs_vega_and_charts_do_not(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    displayed: list[Html] = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    before, run_cell = alt.renderers.active, cast("Any", shell.run_cell)
    for _ in range(3):
        run_cell(f"%load_ext outage_analysis{after}").raise_error()
        assert displayed.pop()._repr_html_().endswith(script_bundle())
        assert displayed == []
    assert (alt.renderers.active, shell.custom_exceptions) == (RENDERER, (OutageAnalysisError,))
    renderer: Any = alt.renderers.get()
    output = renderer(chart_of("a").to_dict())
    assert set(output) == {"text/html", "image/png", "text/plain"}
    assert len(output["text/html"]) < 10_000
    assert "vegaEmbed" not in output["text/html"]
    run_cell("%unload_ext outage_analysis").raise_error()
    run_cell("%load_ext outage_analysis_of_others\n" if after else "'%load_ext outage_analysis'")
    assert displayed == []
    assert (alt.renderers.active, shell.custom_exceptions) == (before, ())
    assert "already loaded" not in capsys.readouterr().out  # what IPython says of a second `%load_ext`


def test_plain_text_moves_no_terminal() -> None:
    assert repr(note("a\x1b[31m\nb\u202e")) == "a\\x1b[31m\\nb\\u202e"
    assert repr(Html("", "a\x1b\nb\u202e")) == "a\\x1b\nb\\u202e"


def handed_over(drawn: AltairChart | Html) -> dict[str, Any]:
    """The chart that an output hands to its script."""
    markup = rendered(drawn)["text/html"]
    found = re.fullmatch(r"<div [^\n]*</div>\n<script>.*?\.push\((\[.*\])\);</script>", markup, re.DOTALL)
    assert found
    return dict(json.loads(found[1])[1])


def test_data_cannot_end_its_script_and_only_what_the_package_writes_is_its_script() -> None:
    [rows] = handed_over(chart_of(EVIL))["datasets"].values()
    assert rows == [{"word": EVIL, "n": 1}]
    [vega] = re.findall("<script>(.*)</script>", script_bundle(), re.DOTALL)
    [chart] = re.findall("<script>(.*)</script>", rendered(chart_of(EVIL))["text/html"], re.DOTALL)
    assert is_package_script(vega)
    assert is_package_script(chart)
    foreign = ["alert(1)", vega + "alert(1)", chart + "alert(1);", chart.replace("]);", ", alert(1)]);")]
    head = '(window.outageCharts = window.outageCharts || []).push(["a", '
    for inside in ("[" * 100_000, '.push(["a", ' * 20_000, "9" * 5_000, ""):  # soon distinguished
        foreign += [f"{head}{inside}]);", head + inside]
    assert not any(map(is_package_script, foreign))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_picture_stands_where_a_chart_will_be_drawn(lang: str, analysis: Analysis) -> None:
    output = rendered(show("tornado", analysis, lang=lang))
    place = output["text/html"].partition("</div>")[0]
    description = escape(" ".join(output["text/plain"].split()))
    assert f'<img alt="{description}" width="760" src="data:image/png;base64,{output["image/png"]}">' in place
    assert escape(Locale(lang)("notebook.waiting")) not in place
    picture = base64.b64decode(output["image/png"])
    assert len(picture) < 60_000
    assert Image.open(io.BytesIO(picture)).width == 1140


def test_where_scripts_do_not_run_an_output_says_nothing_beside_its_picture(analysis: Analysis) -> None:
    """JupyterLab removes scripts from a notebook that nobody trusts, and unknown elements around texts."""
    html = rendered(show("total_distribution", analysis))["text/html"]
    assert re.sub(r"<script>.*?</script>|<[^>]*>", "", html, flags=re.DOTALL).strip() == ""


@pytest.mark.parametrize("usermeta", [None, {}, {"lang": "fr"}, {"lang": EVIL}, {"lang": ["ko"]}])
def test_a_chart_of_data_on_the_web_waits_in_english(usermeta: dict[str, Any] | None) -> None:
    chart = chart_of("a").to_dict() | {"data": {"url": "https://example.org/claims.json"}}
    chart |= {} if usermeta is None else {"usermeta": usermeta}
    output = drawn_offline(chart)
    assert escape(Locale("en")("notebook.waiting")) in output["text/html"]
    assert "image/png" not in output  # nothing was asked from the web


# --- pages as sources ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "of", "said"),
    [
        ("intake", "claims", "the chart intake needs a table"),
        ("tornad", "claims", "Did you mean 'tornado'"),
        ("intake_days", "intake", "the chart intake_days needs a table"),
    ],
)
def test_a_chart_that_cannot_be_made_is_refused(analysis: Analysis, name: str, of: str, said: str) -> None:
    source = analysis.claims if of == "claims" else load_intake("kakao-federation")
    assert source
    with pytest.raises(UsageError, match=said):
        show(name, source)
    nothing = repr(show("tornado", analysis, pl.DataFrame()))
    assert nothing == "Nothing to draw from what was public on 30 December 2022."


def test_a_table_says_what_it_was_made_from(analysis: Analysis, policy: Policy, ledger: Ledger) -> None:
    table = pl.DataFrame({"n": [1]})
    assert analysis.claims
    sources: dict[str, Any] = {
        "From published figures, as of 30 December 2022.": analysis,
        "Synthetic rows, not a finding.": analysis.claims,
        "Kakao compensation package of 29 December 2022.": policy,
        "Kakao ledger as of 30 December 2022.": ledger,
        "Grouped dental claims.": load_grouped("dental-claims"),
    }
    for mark, source in sources.items():
        shown = show_table(table, source)
        assert f"<p><em>{mark}</em></p>" in shown.markup
        assert repr(shown).startswith(mark)
    assert repr(show_table(table, analysis.cubes["cost"])).startswith("Synthetic rows")
    assert repr(show_table(table.clear(), policy)).endswith("There are no rows.")


def test_a_table_shows_figures_in_full_and_escapes_text(policy: Policy) -> None:
    table = pl.DataFrame(
        {
            EVIL: [EVIL],
            "money": [130_465_240.0],
            "exact": [Decimal("233370000.0000")],
            "share": [0.0308226],
            "day": [date(2022, 12, 30)],
            "none": pl.Series([None], dtype=pl.Int64),
            "several": [["a", "b"]],
            "flag": [True],
        }
    )
    markup = show_table(table, policy).markup
    assert "<script" not in markup
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", markup)
    assert cells[1:] == ["130,465,240", "233,370,000", "0.0308", "30 December 2022", "–", "a, b", "True"]


@pytest.mark.slow
def test_what_a_report_says_is_stated_and_escaped(analysis: Analysis) -> None:
    report = Report(analysis)
    assert show_part(analysis, "decide").text.splitlines() == list(report.answers.recommended)
    told = show_part(analysis, "hindsight").text.splitlines()
    assert told[0].startswith("Hindsight: none of this was known on 30 December 2022")
    assert len(told) < 5  # the back-test stands under a heading of its own
    with pytest.raises(UsageError, match="the report has no such part"):
        show_part(analysis, "no such section")
    named = analysis.incident.model_copy(update={"name": Text(en=EVIL)})
    hostile = show_part(replace(analysis, incident=named), "answer").markup
    assert "<script" not in hostile
    assert escape(EVIL) in hostile


@pytest.mark.slow
def test_an_error_of_ours_is_one_line_in_a_notebook(tmp_path: Path) -> None:
    v4 = cast("Any", nbformat.v4)
    first = "%load_ext outage_analysis\nfrom outage_analysis import load_policy"
    notebook = v4.new_notebook(cells=[v4.new_code_cell(x) for x in (first, "load_policy('kakao-2023')")])
    client = NotebookClient(notebook, timeout=30, resources={"metadata": {"path": str(tmp_path)}})
    with pytest.raises(CellExecutionError):
        client.execute()
    [error] = notebook.cells[1].outputs
    [line] = error.traceback
    assert line.startswith("UsageError: kakao-2023: no such id in policies. Give a path")


@pytest.mark.browser
def test_charts_draw_offline_before_and_after_the_bundle_and_once_in_sight(
    browser: Chrome, tmp_path: Path
) -> None:
    early, late, hidden = (rendered(chart_of(word))["text/html"] for word in ("early", "late", "hidden"))
    out_of_sight = f"<div id='cell' style='display: none'>{hidden}</div>"
    body = f"{early}{script_bundle()}{late}{late}{out_of_sight}{script_bundle()}"
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset='utf-8'><body>{body}</body>", "utf-8")
    cut_network(browser)
    browser.get(page.as_uri())

    def chart_count() -> int:
        return len(browser.find_elements("css selector", "[data-outage-chart] svg.marks"))

    WebDriverWait(browser, 10).until(lambda _: chart_count() == 3)
    browser.execute_script("document.getElementById('cell').style.display = 'block'")
    WebDriverWait(browser, 10).until(lambda _: chart_count() == 4)
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


EVIL_NAME = '</script><script>alert(1)</script>"><svg onload=alert(2)>'


@pytest.fixture(scope="module", params=LANGUAGES)
def slider_output(analysis: Analysis, request: pytest.FixtureRequest) -> tuple[Html, Report]:
    """The sliders of the bundled case, and the report that they are of."""
    return show_what_if(analysis, lang=request.param), Report(analysis, request.param)


def script_of(shown: Html) -> str:
    (script,) = re.findall("<script>(.*?)</script>", shown.markup, re.DOTALL)
    return str(script)


@pytest.mark.slow
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


@pytest.mark.slow
def test_names_are_inert_and_sliders_and_parts_of_synthetic_rows_say_so(analysis: Analysis) -> None:
    policy = analysis.policy
    lines = tuple(line.model_copy(update={"name": Text(en=EVIL_NAME)}) for line in policy.lines)
    html = show_what_if(replace(analysis, policies=(policy.model_copy(update={"lines": lines}),)))
    assert html.markup.count("<script") == html.markup.count("</script") == 1
    assert ("<svg" in html.markup, "&lt;svg onload=alert(2)&gt;" in html.markup) == (False, True)
    assert is_package_script(script_of(html))
    for lang in LANGUAGES:
        made = replace(analysis, runs={"synthetic": analysis.runs["synthetic"]})
        parts = (show_part(made, "drives", lang=lang), show_part(analysis, "claims", lang=lang))
        for made_up in (show_what_if(made, lang=lang), *parts):
            assert Locale(lang)("notebook.synthetic") in made_up.markup
            assert repr(made_up).startswith(Locale(lang)("notebook.synthetic"))
        assert Locale(lang)("report.synthetic_headline") in show_part(made, "answer", lang=lang).text


@pytest.mark.slow
def test_cash_comes_before_what_is_never_added_to_it() -> None:
    factors = (
        LiveInput("goods", "take_up", "share", 0.5, 0.0, 1.0, assumption="goods"),
        LiveInput("tier", "pays", "money", 100.0, 0.0, 1000.0, line="cash-line"),
        LiveInput("filing", "filing_share", "share", 0.5, 0.0, 1.0, assumption="filing"),
    )
    terms = (Product("a", "face_value", 1e6, ("goods",)), Product("b", "cash", 10.0, ("filing", "tier")))
    made = what_if_sliders(LiveCost(factors, terms), Locale("en"), {})
    assert made
    assert list(made.data["terms"]) == ["cash", "face_value"]
    assert [s["factor"] for group in made.groups.values() for s in group] == ["filing", "tier", "goods"]


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


@pytest.mark.slow
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

    moved: tuple[dict[str, float], ...] = ({}, {"as-filing-share": 1.0}, {"as-acceptance": 0.9})
    usual, filing, acceptance = (w.money(found.expected("cash", given)) for given in moved)

    def amounts() -> list[str]:
        return [part(place, ".amount").text for place in (first, second)]

    assert amounts() == [usual, usual]
    assert not part(first, ".waiting").is_displayed()
    slider = part(second, "[data-factor=as-filing-share] [type=range]")
    slider.find_element(By.XPATH, "ancestor::*[@data-lm-suppress-shortcuts]")  # JupyterLab leaves the arrows
    slider.send_keys(Keys.END)
    assert amounts() == [usual, filing]
    assert [part(place, ".range").is_displayed() for place in (first, second)] == [False, True]
    field = part(first, "[data-factor=as-acceptance] [type=number]")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("90", Keys.TAB)
    assert amounts() == [acceptance, filing]
    part(second, "button").click()
    assert amounts() == [acceptance, usual]
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.execute_script(AXE.read_text("utf-8"))
    seen = "axe.run(document).then(found => arguments[0](found.violations.map(v => v.id)))"
    browser.set_script_timeout(30)
    assert browser.execute_async_script(seen) == []
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
