"""Charts by day: the same days wherever they are read, with the outage and the deadlines known by a day."""

from __future__ import annotations

import os
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from outage_analysis.charts import chart_context, draw, script_json, vega_bundle
from outage_analysis.charts.axes import shown_days
from outage_analysis.text import Locale
from tests.chromium import CHROMIUM, DRIVER, FLAGS, IN_A_BROWSER

if TYPE_CHECKING:
    from pathlib import Path

    from outage_analysis.charts.theme import ChartContext
    from outage_analysis.incidents import Incident

LAST = date(2022, 11, 6)
INTAKE = pl.DataFrame(
    {"filed_on": [date(2022, 10, 19), date(2022, 10, 20), LAST], "cumulative": [10, 30, 40]}
)


def context(incident: Incident, as_of: date = LAST, lang: str = "en") -> ChartContext:
    return chart_context(incident, Locale(lang), incident.display_names(lang), as_of, synthetic=False)


def test_the_outage_is_in_the_local_time_of_the_incident(incident: Incident) -> None:
    assert context(incident).outage == (datetime(2022, 10, 15, 15, 30), datetime(2022, 10, 20, 23))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("as_of", "known"),
    [(date(2022, 10, 30), []), (date(2022, 10, 31), ["first deadline, 1 Nov", "last day to claim, 6 Nov"])],
)
def test_a_deadline_is_shown_from_the_day_on_which_it_was_announced(
    incident: Incident, as_of: date, known: list[str]
) -> None:
    assert [label for _, label in context(incident, as_of).deadlines] == known


def test_without_announcements_the_end_of_the_claims_window_is_the_deadline(incident: Incident) -> None:
    plain = incident.model_copy(update={"deadlines": ()})
    assert [day for day, _ in context(plain, plain.claims_from).deadlines] == [LAST]


def test_the_axis_holds_a_near_outage_and_no_far_one(incident: Incident) -> None:
    shown = context(incident)
    assert shown_days(date(2022, 10, 19), LAST, shown) == (date(2022, 10, 15), LAST)
    far = date(2023, 6, 1)
    assert shown_days(far, far, shown) == (far, far)


LOOK = """
const done = arguments[0];
const texts = where => [...document.querySelectorAll(where)].filter(t => t.style.opacity !== '0')
  .map(t => t.textContent);
const look = () => window.view ? done([
  texts('.role-axis-label text'),
  [...document.querySelectorAll('.mark-symbol path')].map(p => Math.round(p.getBoundingClientRect().x)),
  texts('.mark-text text'),
  new Date(2022, 9, 19).getTimezoneOffset(),
]) : setTimeout(look, 20);
look();
"""


def seen(page: Path, zone: str, profile: Path) -> list[Any]:
    """The axis labels, places of points, other texts and UTC offset of a chart in a time zone."""
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, "--window-size=900,600", f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = Chrome(options=options, service=Service(DRIVER, env={**os.environ, "TZ": zone}))
    try:
        driver.get(page.as_uri())
        found: list[Any] = driver.execute_async_script(LOOK)
        assert driver.get_log("browser") == []  # type: ignore[no-untyped-call]
    finally:
        driver.quit()
    return found


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(IN_A_BROWSER[1].args[0], reason="needs Debian's chromium and chromium-driver")
@pytest.mark.parametrize(("lang", "label"), [("en", "15 Oct"), ("ko", "10. 15.")])
def test_no_chart_shifts_a_day_by_the_zone_of_its_reader(
    incident: Incident, tmp_path: Path, lang: str, label: str
) -> None:
    chart = draw("intake", INTAKE, context(incident, lang=lang))
    assert chart is not None
    spec = script_json(chart.properties(width=700).to_dict())
    embed = f"vegaEmbed('#v', {spec}, {{ast: true, renderer: 'svg'}}).then(r => window.view = r.view)"
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><meta charset='utf-8'><link rel='icon' href='data:,'><div id='v'></div>"
        f"<script>{vega_bundle()}</script><script>{embed}</script>",
        "utf-8",
    )
    west, east = (
        seen(page, zone, tmp_path / zone.replace("/", "-")) for zone in ("America/Los_Angeles", "Asia/Seoul")
    )
    assert [west.pop(), east.pop()] == [420, -540]
    assert west == east
    assert label in west[0]
    first, second, last = west[1]
    assert (last - first) == pytest.approx(18 * (second - first), abs=19)
