"""Linked views: the table against the claims' own rows, and what a pointer and the lists change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.ui import Select
from selenium.webdriver.support.wait import WebDriverWait

from outage_analysis import Incident, Policy, read_claims
from outage_analysis.analysis import combination_counts
from outage_analysis.charts import chart_context, draw, render_offline, script_bundle
from outage_analysis.errors import DisclosureBlocked
from outage_analysis.losses import MIN_CLAIMS_PER_CATEGORY
from outage_analysis.losses.cube_building import MAX_CATEGORIES
from outage_analysis.text import Locale
from tests.conftest import ClaimsCsv, claim_rows
from tests.contract.live_page import cut_network

# --- the tables -------------------------------------------------------------------------------------------


def test_combinations_stop_at_the_as_of_day(
    claims_csv: ClaimsCsv, incident: Incident, policy: Policy
) -> None:
    path = claims_csv([{"filed_on": f"2022-10-{day}"} for day in (19, 20, 21)])
    table = combination_counts(read_claims(path, incident), policy, until=date(2022, 10, 20))
    assert table.select("filed_on", "claims").rows() == [(date(2022, 10, 19), 1), (date(2022, 10, 20), 1)]


def categories(regions: Iterable[str], claims_csv: ClaimsCsv, incident: Incident) -> dict[str | None, int]:
    """The claims of each category, beside their service, where these are the regions of all claims."""
    table = combination_counts(read_claims(claims_csv([{"region": region} for region in regions]), incident))
    named = table.filter(pl.col("dimension").is_not_null())
    return dict(named.group_by("category").agg(pl.col("claims").sum()).rows())


def test_rare_texts_are_counted_together_so_that_the_tables_do_not_grow(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    regions = [f"r{n:02}" for n in range(MAX_CATEGORIES + 2)]
    common: dict[str | None, int] = dict.fromkeys(regions[:-2], MIN_CLAIMS_PER_CATEGORY)
    found = categories([*regions * MIN_CLAIMS_PER_CATEGORY, ""], claims_csv, incident)
    assert found == {**common, "": 2 * MIN_CLAIMS_PER_CATEGORY, None: 1}


def test_a_text_that_too_few_claims_have_is_not_reported(claims_csv: ClaimsCsv, incident: Incident) -> None:
    few = ["Attic, 12 Mill Lane"] * (MIN_CLAIMS_PER_CATEGORY - 1)
    found = categories(["Leeds"] * MIN_CLAIMS_PER_CATEGORY + few, claims_csv, incident)
    assert found == {"Leeds": MIN_CLAIMS_PER_CATEGORY, "": MIN_CLAIMS_PER_CATEGORY - 1}


@pytest.mark.parametrize("few", [["a"] * 9, [f"{n} Mill Lane" for n in range(MIN_CLAIMS_PER_CATEGORY + 1)]])
def test_texts_that_most_claims_have_to_themselves_are_left_out(
    claims_csv: ClaimsCsv, incident: Incident, few: list[str]
) -> None:
    common = ["Leeds"] * MIN_CLAIMS_PER_CATEGORY if len(few) > MIN_CLAIMS_PER_CATEGORY else []
    assert categories(few + common, claims_csv, incident) == {}


def test_personal_data_in_the_texts_are_refused(claims_csv: ClaimsCsv, incident: Incident) -> None:
    received = read_claims(claims_csv([{"region": "Hong, 010-1234-5678"}]), incident)
    with pytest.raises(DisclosureBlocked):
        combination_counts(received)


# --- the views --------------------------------------------------------------------------------------------

TOLD: list[tuple[str, str, str, str]] = 10 * [
    ("카톡", "Seoul", "2022-10-19", "0"),
    ("카톡", "Seoul", "2022-10-19", "300000"),
    ("카톡", "Seoul", "2022-10-20", "300001"),
    ("카톡", "Busan", "2022-10-20", ""),
    ("카톡", "Busan", "2022-10-21", "70000"),
    ("카톡", "", "2022-10-21", "70000"),
    ("카카오 T", "Seoul", "2022-10-19", "2000000"),
    ("카카오 T", "Busan", "2022-10-20", "100000"),
    ("카카오 T", "Busan", "2022-10-22", "500000"),
    ("카카오뱅크", "Seoul", "2022-10-22", "500000"),
]
"""Service, region, day and loss of each claim; ten are alike, or regions would not be told."""
SERVICES = {"카톡": "KakaoTalk", "카카오 T": "Kakao T", "카카오뱅크": "Kakao Bank"}
Bars = dict[str, int]


def named(service: str, region: str, day: str, loss: str) -> tuple[str, str, str, str]:
    """A claim by the names that the views give to its service, band, day and region."""
    bands = {0: "no loss (0)", 100_000: "up to 100k", 300_000: "100–300k", 500_000: "300–500k"}
    above = (name for top, name in bands.items() if loss and int(loss) <= top)
    band = next(above, "over 1m") if loss else "not stated"
    return SERVICES[service], band, f"{int(day[-2:])} Oct", region or "unknown"


def kept(*chosen: str, apart: int | None = None) -> list[tuple[str, str, str, str]]:
    """The claims that hold a chosen name in every view in which names are chosen, but for one view."""
    rows = [named(*row) for row in TOLD]
    taken = [{row[view] for row in rows} & set(chosen) for view in range(4)]
    return [r for r in rows if all(v == apart or not t or r[v] in t for v, t in enumerate(taken))]


def counted(*chosen: str) -> Bars:
    """What the bars of all views say when these are chosen, by plain Python: a view ignores its own."""
    names = {(view, named(*row)[view]) for row in TOLD for view in range(4)}
    return {name: sum(r[view] == name for r in kept(*chosen, apart=view)) for view, name in names}


@pytest.fixture(scope="module")
def told_table(tmp_path_factory: pytest.TempPathFactory, incident: Incident, policy: Policy) -> pl.DataFrame:
    path = tmp_path_factory.mktemp("told") / "claims.csv"
    keys = ("service", "region", "filed_on", "loss")
    rows = claim_rows([dict(zip(keys, row, strict=True)) for row in TOLD], incident)
    pl.DataFrame(rows).write_csv(path)
    return combination_counts(read_claims(path, incident), policy)


def drawing(table: pl.DataFrame, incident: Incident, *, synthetic: bool = False) -> dict[str, Any]:
    frame = chart_context(
        incident, Locale("en"), incident.display_names("en"), date(2022, 10, 30), synthetic=synthetic
    )
    chart = draw("linked", table, frame)
    assert chart is not None
    spec: dict[str, Any] = chart.to_dict()
    return spec


class Views:
    """The drawing in a browser: what its bars and its heading say, and a pointer over them."""

    def __init__(self, driver: Chrome, page: Path) -> None:
        """Open a page and wait until it is drawn."""
        self.driver = driver
        driver.get(page.as_uri())
        self.shows()

    def shows(self, *chosen: str) -> None:
        """Wait for the heading of what is chosen; every bar then counts it but for its own view."""
        count = len(kept(*chosen))
        told = "All claims: 100" if count == 100 else f"{count} of 100 claims selected ({count}.0%)"
        heading = "return (document.querySelector('.mark-text text') || {}).textContent"
        WebDriverWait(self.driver, 10).until(lambda browser: browser.execute_script(heading) == told)
        bars = "return [...document.querySelectorAll('path[aria-label]')].map(p => p.ariaLabel)"
        said = [str(text).rpartition(": ") for text in self.driver.execute_script(bars)]
        assert {name: int(number) for name, _, number in said} == counted(*chosen)

    def press(self, name: str, *, more: bool = False) -> None:
        """Click a bar, or shift-click it to choose more or less."""
        pointer, bar = ActionChains(self.driver), f'path[aria-label^="{name}: "]'
        pointer = pointer.key_down(Keys.SHIFT) if more else pointer
        pointer.click(self.driver.find_element("css selector", bar)).key_up(Keys.SHIFT).perform()

    def release(self) -> None:
        bar = self.driver.find_element("css selector", 'path[aria-label^="Kakao Bank: "]')
        ActionChains(self.driver).double_click(bar).perform()
        self.shows()


@pytest.fixture
def views(browser: Chrome, told_table: pl.DataFrame, incident: Incident, tmp_path: Path) -> Views:
    markup = render_offline(drawing(told_table, incident))["text/html"]
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset='utf-8'><body>{script_bundle()}{markup}</body>", "utf-8")
    cut_network(browser)
    return Views(browser, page)


@pytest.mark.browser
def test_what_is_chosen_in_one_view_or_list_is_what_the_others_count(views: Views) -> None:
    bands = ["up to 100k", "100–300k", "300–500k"]
    for number, band in enumerate(bands):
        views.press(band, more=number > 0)
    views.shows(*bands)
    views.release()
    # A click elsewhere takes the place of a choice; a shift-click adds to it, and takes away.
    for name, more, chosen in (
        ("Seoul", False, ["Seoul"]),
        ("Busan", False, ["Busan"]),
        ("unknown", True, ["Busan", "unknown"]),
        ("Busan", True, ["unknown"]),
    ):
        views.press(name, more=more)
        views.shows(*chosen)
    views.release()
    found = views.driver.find_elements("css selector", ".vega-bind")
    lists = {e.text.split(":")[0]: Select(e.find_element("tag name", "select")) for e in found}
    assert list(lists) == ["Service", "Day filed", "Region", "Loss band"]
    lists["Service"].select_by_visible_text("Kakao T")
    views.shows("Kakao T")
    for number, band in enumerate(bands):
        views.press(band, more=number > 0)
    views.shows(*bands, "Kakao T")
    lists["Loss band"].select_by_visible_text("over 1m")  # in place of the three
    lists["Region"].select_by_visible_text("Seoul")
    views.shows("over 1m", "Kakao T", "Seoul")
    views.press("Kakao Bank")  # which lets go of its list
    views.shows("over 1m", "Kakao Bank", "Seoul")
    assert lists["Service"].first_selected_option.text == "All claims"
    lists["Loss band"].select_by_index(0)
    views.shows("Kakao Bank", "Seoul")
    views.release()
    assert {chooser.first_selected_option.text for chooser in lists.values()} == {"All claims"}
    assert views.driver.get_log("browser") == []  # type: ignore[no-untyped-call]
