"""Charts by day: the same days wherever they are read, with the outage and the deadlines known by a day."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from outage_analysis.charts import chart_context, draw, script_json, vega_bundle
from outage_analysis.charts.axes import shown_days
from outage_analysis.text import Locale
from tests.chromium import IN_A_BROWSER
from tests.contract.live_page import started_browser

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


def test_the_axis_has_the_outage_in_local_time_and_the_deadlines_that_were_announced(
    incident: Incident,
) -> None:
    shown = context(incident)
    assert shown.outage == (datetime(2022, 10, 15, 15, 30), datetime(2022, 10, 20, 23))  # noqa: DTZ001
    known = {
        day: [label for _, label in context(incident, date(2022, 10, day)).deadlines] for day in (30, 31)
    }
    assert known == {30: [], 31: ["first deadline, 1 Nov", "last day to claim, 6 Nov"]}
    plain = incident.model_copy(update={"deadlines": ()})  # then the window of claims ends at it
    assert [day for day, _ in context(plain, plain.claims_from).deadlines] == [LAST]
    far = date(2023, 6, 1)
    assert shown_days(date(2022, 10, 19), LAST, shown) == (date(2022, 10, 15), LAST)
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
    found: list[Any] = []
    for driver in started_browser(profile, "--window-size=900,600", TZ=zone):
        driver.get(page.as_uri())
        found += driver.execute_async_script(LOOK)
        assert driver.get_log("browser") == []  # type: ignore[no-untyped-call]
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
